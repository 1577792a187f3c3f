//! Validates a PostgreSQL URL.

use sqlx::postgres::PgConnectOptions;

/// The query parameters that the driver supports, besides `options[NAME]`. It ignores all others.
const PARAMETERS: [&str; 19] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "options[",
];

const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Checks a PostgreSQL URL without connecting.
///
/// SECURITY: an ignored parameter, such as `sslmod=verify-full`, may leave the connection unprotected.
pub(crate) fn check(text: &str) -> Result<(), String> {
    let url = url::Url::parse(text).map_err(|cause| {
        format!("is not a valid URL ({cause}). Use postgres://USER:PASSWORD@HOST/DATABASE")
    })?;
    for (name, value) in url.query_pairs() {
        if matches!(&*name, "sslmode" | "ssl-mode") && !SSL_MODES.contains(&&*value) {
            return Err(format!("`{value}` is not a valid sslmode. Valid values: {}", SSL_MODES.join(", ")));
        }
        let is_option = name.starts_with("options[") && name.ends_with(']');
        if !is_option && (name == "options[" || !PARAMETERS.contains(&&*name)) {
            let known = PARAMETERS.join(", ");
            return Err(format!(
                "`{name}` is not a parameter of a PostgreSQL URL. Valid parameters: {known}NAME]"
            ));
        }
    }
    text.parse::<PgConnectOptions>().map(|_| ()).map_err(|cause| cause.to_string())
}

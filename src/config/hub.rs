//! The WebSub hub.

use super::checks;
use super::error::ConfigError;
use super::schema::Hub;

/// The URL of the hub that feeds name, if there is one.
pub(super) fn url(settings: &Hub) -> Result<Option<String>, ConfigError> {
    let Some(url) = &settings.url else { return Ok(None) };
    checks::absolute_url("hub.url", url, "https://hub.example.vn/")?;
    Ok(Some(url.clone()))
}

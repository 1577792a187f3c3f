//! The form of a subscriber (W3C WebSub §5.1): what it asks for, without regard to what exists.

use std::time::Duration;

use super::error::HubError;
use super::options::HubOptions;
use crate::store::SubscriptionMode;

/// Maximum length of a secret in bytes: "less than 200".
const MAX_SECRET_BYTES: usize = 199;
/// Maximum length of a callback in bytes.
pub(super) const MAX_CALLBACK_BYTES: usize = 1024;

/// What a subscriber asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) mode: SubscriptionMode,
    pub(super) topic: String,
    pub(super) callback: String,
    pub(super) secret: Option<String>,
    /// In seconds, within the bounds of the options.
    pub(super) lease: u32,
}

impl Form {
    /// Parses `application/x-www-form-urlencoded`. Unknown parameters are ignored (feed rule W3).
    pub(super) fn parse(body: &[u8], options: &HubOptions) -> Result<Self, HubError> {
        let parameters: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
        let find = |name: &str| {
            let mut values =
                parameters.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
            match (values.next(), values.next()) {
                (Some(_), Some(_)) => Err(HubError::Invalid(format!("{name} stands twice"))),
                (value, _) => Ok(value.filter(|value| !value.is_empty())),
            }
        };
        let required =
            |name: &str| find(name)?.ok_or_else(|| HubError::Invalid(format!("{name} is missing")));
        let mode = required("hub.mode")?;
        let mode = SubscriptionMode::from_name(mode).ok_or_else(|| match mode {
            "publish" => HubError::Invalid(
                "hub.mode=publish is not needed: this hub knows the changes of its own topics".to_owned(),
            ),
            _ => HubError::Invalid("hub.mode must be subscribe or unsubscribe".to_owned()),
        })?;
        let (topic, callback) = (required("hub.topic")?, required("hub.callback")?);
        if callback.len() > MAX_CALLBACK_BYTES {
            return Err(HubError::Invalid(format!("hub.callback is longer than {MAX_CALLBACK_BYTES} bytes")));
        }
        let secret = find("hub.secret")?;
        if secret.is_some_and(|secret| secret.len() > MAX_SECRET_BYTES) {
            return Err(HubError::Invalid("hub.secret must be shorter than 200 bytes".to_owned()));
        }
        Ok(Self {
            mode,
            topic: topic.to_owned(),
            callback: callback.to_owned(),
            secret: secret.map(str::to_owned),
            lease: lease(find("hub.lease_seconds")?, options)?,
        })
    }
}

fn lease(wanted: Option<&str>, options: &HubOptions) -> Result<u32, HubError> {
    let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
    let Some(wanted) = wanted else { return Ok(seconds(options.lease_default)) };
    if !wanted.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(HubError::Invalid("hub.lease_seconds must be a number of seconds".to_owned()));
    }
    let bounds = (seconds(options.lease_min), seconds(options.lease_max));
    // A number that does not fit is a wish for the longest lease.
    Ok(wanted.parse().unwrap_or(u32::MAX).clamp(bounds.0, bounds.1))
}

#[cfg(test)]
mod tests {
    use super::super::options::{Content, Signature};
    use super::*;

    fn options() -> HubOptions {
        HubOptions {
            enabled: true,
            content: Content::Full,
            signature: Signature::Sha256,
            lease_default: Duration::from_secs(864_000),
            lease_min: Duration::from_secs(3600),
            lease_max: Duration::from_secs(1_209_600),
            max_subscriptions: 10,
            allow: Default::default(),
            user_agent: String::new(),
        }
    }

    fn parsed(form: &str) -> Result<Form, String> {
        Form::parse(form.as_bytes(), &options()).map_err(|error| error.to_string())
    }

    const MINIMAL: &str =
        "hub.mode=subscribe&hub.topic=http%3A%2F%2Fa.vn%2Frss.xml&hub.callback=https://b.vn/%3Fc%3D1";

    #[test]
    fn a_form_is_read_and_unknown_parameters_are_ignored_w3() {
        let form = parsed(&format!("{MINIMAL}&hub.verify=sync&x=1&hub.secret=m%E1%BA%ADt")).unwrap();
        assert_eq!(
            form,
            Form {
                mode: SubscriptionMode::Subscribe,
                topic: "http://a.vn/rss.xml".to_owned(),
                callback: "https://b.vn/?c=1".to_owned(),
                secret: Some("mật".to_owned()),
                lease: 864_000,
            }
        );
    }

    #[test]
    fn a_lease_is_within_the_bounds() {
        for (wanted, lease) in [
            ("", 864_000),
            ("0", 3600),
            ("60", 3600),
            ("86400", 86_400),
            ("1209601", 1_209_600),
            ("99999999999999999999", 1_209_600),
        ] {
            assert_eq!(parsed(&format!("{MINIMAL}&hub.lease_seconds={wanted}")).unwrap().lease, lease);
        }
    }

    #[test]
    fn a_wrong_form_is_refused_with_the_parameter_that_is_wrong() {
        let long = "x".repeat(200);
        for (form, word) in [
            ("", "hub.mode is missing"),
            ("hub.mode=subscribe", "hub.topic is missing"),
            ("hub.mode=subscribe&hub.topic=http://a.vn/", "hub.callback is missing"),
            (&MINIMAL.replace("subscribe", "Subscribe"), "must be subscribe or unsubscribe"),
            (&MINIMAL.replace("=subscribe", "=publish"), "not needed"),
            (&format!("{MINIMAL}&hub.lease_seconds=-1"), "number of seconds"),
            (&format!("{MINIMAL}&hub.lease_seconds=1e3"), "number of seconds"),
            (&format!("{MINIMAL}&hub.secret={long}"), "shorter than 200"),
            (&format!("{MINIMAL}&hub.topic=http://b.vn"), "hub.topic stands twice"),
            (&format!("{MINIMAL}{}", "x".repeat(1100)), "longer than 1024"),
        ] {
            let error = parsed(form).expect_err(form);
            assert!(error.contains(word), "{form}: {error}");
        }
        assert!(parsed(&format!("{MINIMAL}&hub.secret={}", &long[1..])).is_ok());
    }
}

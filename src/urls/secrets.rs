//! URLs for logs, messages and output, without what may be secret in them.
//!
//! SECURITY: everything that prints the URL of a request, a source or a webhook, or of the database, takes it from here.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use url::Url;

use super::HUB_PATH;

/// Stands for what is hidden.
const HIDDEN: &str = "***";
/// Parameters of a query whose values are shown, in this program and in the usual feeds of others. All other values are
/// hidden: there is no list of the names that secrets have.
const HARMLESS: [&str; 22] = [
    "after",
    "before",
    "cat",
    "channel",
    "feed",
    "format",
    "from",
    "hub.lease_seconds",
    "hub.mode",
    "lang",
    "limit",
    "log",
    "p",
    "page",
    "paged",
    "q",
    "skip",
    "to",
    "type",
    "view",
    "wait",
    "xml",
];

/// A URL of the web without user information, without values of unknown parameters, and without its fragment. A text
/// that is no URL keeps what stands behind the last `@` only.
pub fn redact_url(text: &str) -> String {
    let (text, fragment) = split(text, '#');
    let (address, query) = split(text, '?');
    let mut shown = without_user_information(address).into_owned();
    if let Some(query) = query {
        shown.push('?');
        shown.push_str(&redact_query(query));
    }
    if fragment.is_some_and(|fragment| !fragment.is_empty()) {
        shown.push('#');
        shown.push_str(HIDDEN);
    }
    shown
}

/// The path and query of a request, as [`redact_url`] shows them, and without the token of a hub.
pub fn redact_request(path: &str, query: Option<&str>) -> String {
    let mut shown = redact_path(path);
    if let Some(query) = query {
        shown.push('?');
        shown.push_str(&redact_query(query));
    }
    shown
}

/// The URL of a database without its password, in user information or query.
pub fn redact_database_url(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        // An invalid URL may contain a password anywhere.
        let scheme = text.split_inclusive(':').next().unwrap_or_default();
        return if text.contains('@') { format!("{scheme}{HIDDEN}") } else { text.to_owned() };
    };
    let is_secret = |name: &str| name.to_lowercase().contains("password");
    let hidden: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| {
            let value = if is_secret(&name) { HIDDEN.to_owned() } else { value.into_owned() };
            (name.into_owned(), value)
        })
        .collect();
    let (in_user_info, in_query) = (url.password().is_some(), hidden.iter().any(|(name, _)| is_secret(name)));
    if in_user_info {
        let _ = url.set_password(Some(HIDDEN));
    }
    if in_query {
        url.query_pairs_mut().clear().extend_pairs(hidden);
    }
    if in_user_info || in_query { url.to_string() } else { text.to_owned() }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// A password that is not percent-encoded may contain a slash: then there is no URL, and all up to the last `@` is hidden.
fn without_user_information(address: &str) -> Cow<'_, str> {
    let is_plain = !address.contains('@')
        || Url::parse(address)
            .is_ok_and(|url| url.has_host() && url.username().is_empty() && url.password().is_none());
    let Some((before, after)) = address.rsplit_once('@').filter(|_| !is_plain) else {
        return Cow::Borrowed(address);
    };
    // Behind the user information, an `@` may also stand in the path.
    let host = before.find("://").map_or(0, |at| at + "://".len());
    let rest = match Url::parse(address) {
        Ok(_) => {
            let authority = &address[host..];
            let end = authority.find(['/', '\\']).unwrap_or(authority.len());
            authority[..end].rfind('@').map_or(after, |at| &authority[at + 1..])
        }
        Err(_) => after,
    };
    Cow::Owned(format!("{}{HIDDEN}@{rest}", &address[..host]))
}

/// The names of the parameters, and the values of those that are known to be harmless. A parameter without a value is
/// hidden as well, if it is not known: it may be the secret itself.
fn redact_query(query: &str) -> String {
    let parameters = query.split('&').map(|parameter| {
        let (name, value) = split(parameter, '=');
        // A second `=` or `?` is a query within the value: of a link that was put together wrongly.
        let is_harmless =
            HARMLESS.contains(&name) && !value.is_some_and(|value| value.contains(['=', '?', ';']));
        match value {
            _ if is_harmless || parameter.is_empty() => parameter.to_owned(),
            Some(_) => format!("{name}={HIDDEN}"),
            None => HIDDEN.to_owned(),
        }
    });
    parameters.collect::<Vec<_>>().join("&")
}

/// What follows the path of the hub is the secret between this program and the hub of a source, however it is encoded.
/// Some clients encode the `?` of a query.
fn redact_path(path: &str) -> String {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let is_token = |after: &str| after.starts_with('/') && after.len() > 1;
    if decoded.match_indices(HUB_PATH).any(|(at, _)| is_token(&decoded[at + HUB_PATH.len()..])) {
        return format!("{HUB_PATH}/{HIDDEN}");
    }
    match path.to_ascii_lowercase().find("%3f") {
        Some(at) => format!("{}%3F{HIDDEN}", &path[..at]),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_url_is_shown_without_what_may_be_secret() {
        for (url, shown) in [
            ("https://xa.vn/rss.xml", "https://xa.vn/rss.xml"),
            ("https://xa.vn/?feed=rss2&paged=2", "https://xa.vn/?feed=rss2&paged=2"),
            ("https://xa.vn/rss?token=S3", "https://xa.vn/rss?token=***"),
            ("https://xa.vn/rss?feed=a&KEY=S3&x=", "https://xa.vn/rss?feed=a&KEY=***&x=***"),
            ("https://xa.vn/rss?S3", "https://xa.vn/rss?***"),
            ("https://xa.vn/rss?q=a?token=S3", "https://xa.vn/rss?q=***"),
            ("https://xa.vn/rss?q=a;token=S3", "https://xa.vn/rss?q=***"),
            ("https://xa.vn/rss?%71=S3", "https://xa.vn/rss?%71=***"),
            ("https://xa.vn/#token=S3", "https://xa.vn/#***"),
            ("https://S3:S3@xa.vn/a@b", "https://***@xa.vn/a@b"),
            ("https://S3@xa.vn/", "https://***@xa.vn/"),
            ("https://S3:S/3@xa.vn/", "https://***@xa.vn/"),
            ("https:S3:S3@xa.vn/", "***@xa.vn/"),
            ("https://S3:S3@", "https://***@"),
            ("S3:S3@xa.vn", "***@xa.vn"),
            ("https://mastodon.example/@xa.rss", "https://mastodon.example/@xa.rss"),
            ("not a URL", "not a URL"),
            ("", ""),
        ] {
            assert_eq!(redact_url(url), shown, "{url}");
        }
    }

    #[test]
    fn a_request_is_shown_without_what_may_be_secret() {
        for (path, query, shown) in [
            ("/xa-hoi/", None, "/xa-hoi/"),
            ("/tim-kiem", Some("q=%C4%91%C3%AA&token=S3"), "/tim-kiem?q=%C4%91%C3%AA&token=***"),
            ("/a", Some(""), "/a?"),
            ("/a", Some("&&"), "/a?&&"),
            ("/a%3Ftoken=S3", None, "/a%3F***"),
            ("/hub", Some("hub.mode=subscribe&hub.secret=S3"), "/hub?hub.mode=subscribe&hub.secret=***"),
            ("/hub/S3", Some("hub.challenge=S3"), "/hub/***?hub.challenge=***"),
            ("/tin/hub/S3/", None, "/hub/***"),
            ("/h%75b%2FS3", None, "/hub/***"),
            ("/hubert/a", None, "/hubert/a"),
            ("/hub/", None, "/hub/"),
        ] {
            assert_eq!(redact_request(path, query), shown, "{path}");
        }
    }

    #[test]
    fn a_database_url_is_shown_without_its_password() {
        for (url, shown) in [
            ("postgres://bantin:S3@db/bantin", "postgres://bantin:***@db/bantin"),
            ("postgres://db/b?sslmode=require&password=S3", "postgres://db/b?sslmode=require&password=***"),
            ("postgres://bantin:S/3@db", "postgres:***"),
            ("sqlite:./bantin.db", "sqlite:./bantin.db"),
        ] {
            assert_eq!(redact_database_url(url), shown, "{url}");
        }
    }

    proptest! {
        #[test]
        fn a_secret_is_hidden_wherever_a_browser_would_find_it(
            user in "[a-zA-Z0-9._~!$'()*,;=:%/-]{0,6}", path in "(/[a-z@]{0,4}){0,2}", name in "[a-z.]{1,8}",
        ) {
            prop_assume!(!HARMLESS.contains(&name.as_str()));
            for text in [
                format!("https://{user}S3CRET@xa.vn{path}"),
                format!("https://xa.vn{path}?{name}=S3CRET"),
                format!("https://{user}@xa.vn{path}?q=1&S3CRET#a"),
                format!("https://xa.vn{path}#S3CRET"),
            ] {
                let shown = redact_url(&text);
                let read = Url::parse(&text).ok();
                // With an unencoded slash before it, the secret is part of a path.
                let in_path = read.is_some_and(|url| url.path().contains("S3CRET"));
                prop_assert!(in_path || !shown.contains("S3CRET"), "{} {}", text, shown);
            }
        }
    }
}

//! The URLs of items: absolute, without tracking, and when two of them mean one article.

use url::Url;

use super::model::{Repair, Repairs, count};

/// Query parameters that only tell where a reader comes from.
fn is_tracking(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "fbclid", "gclid", "dclid", "msclkid", "yclid", "igshid", "mc_cid", "mc_eid", "zarsrc", "_ga",
        "gidzl", "zalo_src",
    ];
    name.starts_with("utm_") || NAMES.contains(&name)
}

/// The absolute URL of `text`, without fragment and tracking parameters; `None` if it is no HTTP URL.
pub(super) fn absolute(text: &str, base: &Url, repairs: &mut Repairs) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let is_relative = Url::parse(text).is_err();
    let mut url = base.join(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    count(repairs, Repair::RelativeLink, usize::from(is_relative));
    if remove_tracking(&mut url) {
        count(repairs, Repair::TrackingParameter, 1);
    }
    Some(url.into())
}

fn remove_tracking(url: &mut Url) -> bool {
    let Some(query) = url.query() else { return false };
    let is_kept = |pair: &&str| !is_tracking(pair.split('=').next().unwrap_or_default());
    let kept: Vec<&str> = query.split('&').filter(is_kept).collect();
    if kept.len() == query.split('&').count() {
        return false;
    }
    let kept = kept.join("&");
    url.set_query(Some(kept.as_str()).filter(|query| !query.is_empty()));
    true
}

/// What two URLs of one article have in common: the URL without scheme, `www.`, trailing slash, fragment and tracking
/// parameters. `None` if `text` is no HTTP URL.
pub fn link_key(text: &str) -> Option<String> {
    let mut url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.set_fragment(None);
    remove_tracking(&mut url);
    let host = url.host_str()?.trim_end_matches('.');
    let host = host.strip_prefix("www.").unwrap_or(host);
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = url.path().trim_end_matches('/');
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{host}{port}{path}{query}"))
}

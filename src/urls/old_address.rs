//! The addresses that articles had on another site before they were imported.

use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization as _;

/// Parameters by which content management systems name an article at the address of their front page: WordPress (`?p=123`),
/// Drupal (`?q=node/123`), Joomla (`?option=…`).
const FRONT_PAGE_PARAMETERS: [&str; 4] = ["p", "page_id", "q", "option"];

/// The form in which old addresses are stored and looked up: the decoded path in NFC without a slash at its end, and the
/// query as it is. `None` for what cannot be the address of an article: the front page, other queries of it, a path with
/// control characters or not in UTF-8.
pub fn old_address(path: &str, query: Option<&str>) -> Option<String> {
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    let path: String = decoded.trim_end_matches('/').nfc().collect();
    let query = query.filter(|query| !query.is_empty());
    let has_controls = |text: &str| text.chars().any(char::is_control);
    if has_controls(&path) || query.is_some_and(has_controls) || !(path.is_empty() || path.starts_with('/')) {
        return None;
    }
    match query {
        Some(query) if path.is_empty() => names_article(query).then(|| format!("/?{query}")),
        Some(query) => Some(format!("{path}?{query}")),
        None => Some(path).filter(|path| !path.is_empty()),
    }
}

/// What a request may ask for, the most exact first: with its query, and without, since shared links carry all kinds of
/// parameters.
pub fn old_addresses_of(path: &str, query: Option<&str>) -> Vec<String> {
    // `/?p=123&utm_source=x`
    let first = query.and_then(|query| query.split('&').next());
    let mut found: Vec<String> =
        [query, first, None].into_iter().filter_map(|query| old_address(path, query)).collect();
    found.dedup();
    found
}

/// True if a query of the front page may name an article of another system.
pub fn names_article(query: &str) -> bool {
    let (name, value) = query.split_once('=').unwrap_or((query, ""));
    FRONT_PAGE_PARAMETERS.contains(&name) && !value.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_are_the_same() {
        for (path, query, form) in [
            ("/2019/05/hop-dan/", None, Some("/2019/05/hop-dan")),
            ("/2019/05/hop-dan", Some(""), Some("/2019/05/hop-dan")),
            ("/h%e1%bb%8dp-d%C3%A2n/", None, Some("/họp-dân")),
            ("/ho\u{323}p-d\u{e2}n", None, Some("/họp-dân")),
            ("/", Some("p=123"), Some("/?p=123")),
            ("/index.php", Some("option=com_content&id=7"), Some("/index.php?option=com_content&id=7")),
            ("/", None, None),
            ("/", Some("p="), None),
            ("/", Some("utm_source=x"), None),
            ("/a%0ab", None, None),
            ("/a%ff", None, None),
            ("a", None, None),
        ] {
            assert_eq!(old_address(path, query).as_deref(), form, "{path} {query:?}");
        }
    }

    #[test]
    fn parameters_of_shared_links_are_not_part_of_an_address() {
        assert_eq!(old_addresses_of("/a/", Some("fbclid=x")), ["/a?fbclid=x", "/a"]);
        assert_eq!(old_addresses_of("/", Some("p=1&fbclid=x")), ["/?p=1&fbclid=x", "/?p=1"]);
        assert_eq!(old_addresses_of("/", None), [""; 0]);
    }
}

//! The URLs that the HTML of articles may contain.
//!
//! SECURITY: the field of [`SafeUrl`] must stay private: only the checks here make one.

use std::ops::Range;
use std::rc::Rc;

use crate::text::is_xml_char;

/// An absolute http, https or mailto URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SafeUrl(Rc<str>);

impl SafeUrl {
    /// Resolves `target` against `base`; `None` for URLs that feeds must not contain (feed rule R12).
    pub(super) fn of(target: &str, base: Option<&url::Url>) -> Option<Self> {
        const MAX_BYTES: usize = 2000;
        let target = target.trim();
        if target.is_empty() || target.len() > MAX_BYTES || target.starts_with('#') {
            return None;
        }
        let url = match url::Url::parse(target) {
            Ok(url) => url,
            Err(_) => base?.join(target).ok()?,
        };
        let good = match url.scheme() {
            "http" | "https" => url.host_str().is_some(),
            "mailto" => true,
            _ => false,
        };
        let text = url.as_str();
        (good && text.len() <= MAX_BYTES && text.chars().all(is_xml_char)).then(|| Self(Rc::from(text)))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The URLs in a plain text, in order: `https://…`, `http://…`, `www.…`.
    pub(super) fn all_in(text: &str) -> Vec<(Range<usize>, Self)> {
        let mut found = Vec::new();
        let mut from = 0;
        // NOTE: searching for single characters keeps the time linear.
        let mut at = 0;
        while let Some(next) = memchr::memchr2(b':', b'w', &text.as_bytes()[at..]) {
            at += next;
            let start = if text[at..].starts_with("://") {
                at - text[from..at].bytes().rev().take_while(u8::is_ascii_alphabetic).count()
            } else if text[at..].starts_with("www.") {
                at
            } else {
                at += 1;
                continue;
            };
            let end = end_of_address(text, at);
            let inside_a_word = text[..start].ends_with(|c: char| c.is_alphanumeric() || "@._-/".contains(c));
            let printed = &text[start..end];
            let url_text = if printed.starts_with("www.") {
                Some(format!("http://{printed}"))
            } else {
                let scheme = printed.split("://").next().unwrap_or_default();
                matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https").then(|| printed.to_owned())
            };
            let address = url_text.filter(|_| !inside_a_word).and_then(|url_text| {
                let url = url::Url::parse(&url_text).ok()?;
                let has_a_domain =
                    url.host_str().is_some_and(|host| host.trim_end_matches('.').contains('.'));
                has_a_domain.then(|| Self::of(&url_text, None)).flatten()
            });
            if let Some(address) = address {
                found.push((start..end, address));
            }
            from = end.max(at + 3);
            at = from;
        }
        found
    }
}

/// The end of the URL that contains `at`: before white space, quotes, the end of a sentence, or an unmatched closing
/// bracket.
fn end_of_address(text: &str, at: usize) -> usize {
    let ends = |c: char| c.is_whitespace() || c.is_control() || "<>\"“”‘’«»|`".contains(c);
    let length = text[at..].find(ends).unwrap_or(text.len() - at);
    let mut address = &text[at..at + length];
    let mut unopened = address.matches(')').count().saturating_sub(address.matches('(').count());
    while let Some(last) = address.chars().next_back() {
        let is_cut = match last {
            ')' if unopened > 0 => {
                unopened -= 1;
                true
            }
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '…' | ']' | '}' | '*' => true,
            _ => false,
        };
        if !is_cut {
            break;
        }
        address = &address[..address.len() - last.len_utf8()];
    }
    at + address.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn unsafe_and_relative_urls_are_not_links() {
        let base = url::Url::parse("https://dakto.vn/tin/bai.html").unwrap();
        for (target, wanted) in [
            ("https://dakto.vn/a?b=1&c=2", Some("https://dakto.vn/a?b=1&c=2")),
            ("/tep/kh.pdf", Some("https://dakto.vn/tep/kh.pdf")),
            ("//dakto.vn/a", Some("https://dakto.vn/a")),
            ("mailto:ubnd@dakto.vn", Some("mailto:ubnd@dakto.vn")),
            ("javascript:alert(1)", None),
            (" JaVa\tScript:alert(1)", None),
            ("vbscript:x", None),
            ("data:text/html,x", None),
            ("#dau-trang", None),
            ("", None),
        ] {
            let address = SafeUrl::of(target, Some(&base));
            assert_eq!(address.as_ref().map(SafeUrl::as_str), wanted, "{target}");
        }
        assert_eq!(SafeUrl::of("/tep/kh.pdf", None), None);
    }

    #[test]
    fn urls_in_text_end_before_punctuation() {
        for (text, wanted) in [
            ("Xem https://dakto.vn/kh.", vec![("https://dakto.vn/kh", "https://dakto.vn/kh")]),
            ("(tại http://dakto.vn/a_(b)), và", vec![("http://dakto.vn/a_(b)", "http://dakto.vn/a_(b)")]),
            (
                "Trang www.dakto.vn; HTTPS://a.vn/?x=1&y=2!",
                vec![
                    ("www.dakto.vn", "http://www.dakto.vn/"),
                    ("HTTPS://a.vn/?x=1&y=2", "https://a.vn/?x=1&y=2"),
                ],
            ),
            (
                "“https://dakto.vn/tin-tức”",
                vec![("https://dakto.vn/tin-tức", "https://dakto.vn/tin-t%E1%BB%A9c")],
            ),
            ("ubnd@www.dakto.vn, javascript://a.vn, ftp://a.vn, http://localhost, xhttp://, ://", vec![]),
        ] {
            let found: Vec<(String, String)> = SafeUrl::all_in(text)
                .into_iter()
                .map(|(range, address)| (text[range].to_owned(), address.as_str().to_owned()))
                .collect();
            let wanted: Vec<(String, String)> =
                wanted.into_iter().map(|(text, target)| (text.to_owned(), target.to_owned())).collect();
            assert_eq!(found, wanted, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn urls_are_substrings_of_the_text(text in r"(https?://|www\.|a\.vn|[ ().,;:/@]|\PC){0,24}") {
            let mut end = 0;
            for (range, _) in SafeUrl::all_in(&text) {
                prop_assert!(end <= range.start && range.start < range.end);
                prop_assert!(!text[range.clone()].contains(char::is_whitespace));
                end = range.end;
            }
        }
    }
}

//! Texts on their way into a page.

use std::borrow::Cow;

/// `text` without the control characters that HTML forbids.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let forbidden = |character: char| {
        matches!(character, '\u{fffe}' | '\u{ffff}')
            || (character.is_control() && !matches!(character, '\n' | '\t'))
    };
    if text.contains(forbidden) { text.replace(forbidden, "").into() } else { text.into() }
}

/// The beginning of `text`, so many characters at most, cut between words.
pub(super) fn beginning(text: &str, characters: usize) -> Cow<'_, str> {
    let text = clean(text);
    let Some((end, _)) = text.char_indices().nth(characters) else { return text };
    let head = &text[..end];
    let cut = head.rfind(char::is_whitespace).filter(|cut| *cut > end / 2).unwrap_or(end);
    format!("{}…", head[..cut].trim_end().trim_end_matches([',', ';', ':', '.', '–', '-'])).into()
}

/// An absolute http or https address, percent-encoded where it must be.
///
/// SECURITY: a `javascript:` address typed into an article's front matter becomes nobody's link.
pub(super) fn web_url(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.into())
}

/// `text` where it has the shape of a language tag (BCP 47); a language that nobody can read is better not named.
pub(super) fn language(text: Option<&str>) -> Option<&str> {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    text.filter(|text| {
        let first = text.split('-').next().unwrap_or_default();
        (2..=3).contains(&first.len())
            && first.bytes().all(|b| b.is_ascii_alphabetic())
            && text.split('-').all(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_text_is_cut_between_words() {
        assert_eq!(beginning("Đăk Tô", 6), "Đăk Tô");
        assert_eq!(beginning("Đăk Tô phát động", 12), "Đăk Tô phát…");
        assert_eq!(beginning("Đăk Tô phát, động thi đua", 14), "Đăk Tô phát…");
        assert_eq!(beginning("ĐăkTôphátđộngthiđua", 5), "ĐăkTô…");
        assert_eq!(clean("a\u{3}\u{fffe}b\nc"), "ab\nc");
    }

    proptest! {
        #[test]
        fn no_beginning_is_longer_than_asked_for(text in any::<String>(), characters in 1_usize..60) {
            prop_assert!(beginning(&text, characters).chars().count() <= characters + 1);
        }
    }
}

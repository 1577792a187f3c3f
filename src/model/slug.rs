//! Slugs: the names of channels and articles in URLs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// A name in a URL: `a-z`, `0-9` and inner hyphens, never empty.
///
/// New slugs have at most [`Slug::MAX_BYTES`] bytes and a number. Old logs can contain longer ones, which stay valid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Slug(String);

/// The error for a text that is not a slug.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{given}` is not a slug: use a-z, 0-9 and inner hyphens, at most {max} bytes, for example `{suggestion}`",
    max = Slug::MAX_BYTES
)]
pub struct InvalidSlug {
    given: String,
    suggestion: Slug,
}

impl Slug {
    /// Bytes of a slug without its number. With the suffix `-4294967295.html.gz` it still fits into the 255 bytes that
    /// file systems allow for a name.
    pub const MAX_BYTES: usize = 200;

    /// Parses a slug of any length.
    ///
    /// # Errors
    /// If the text is not a slug; the error suggests one.
    pub fn parse(text: &str) -> Result<Self, InvalidSlug> {
        let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_slug = !text.is_empty()
            && text.bytes().all(is_allowed)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if is_slug { Ok(Self(text.to_owned())) } else { Err(InvalidSlug::new(text)) }
    }

    /// Parses a slug for a new channel or article.
    ///
    /// # Errors
    /// If the text is not a slug or too long; the error suggests one.
    pub fn parse_new(text: &str) -> Result<Self, InvalidSlug> {
        if text.len() > Self::MAX_BYTES { Err(InvalidSlug::new(text)) } else { Self::parse(text) }
    }

    /// Several slugs as one text.
    pub fn join<'a>(slugs: impl IntoIterator<Item = &'a Self>, separator: &str) -> String {
        slugs.into_iter().map(Self::as_str).collect::<Vec<_>>().join(separator)
    }

    /// Derives a slug from any text: `Đất & Người` becomes `dat-nguoi`. A text without letters and digits becomes
    /// `khong-ten`; a long one is truncated after a word.
    pub fn from_title(title: &str) -> Self {
        // NOTE: NFC first, because the transliteration handles single characters, and `đ` has no decomposition.
        let composed: String = title.nfc().collect();
        let mut made = slug::slugify(composed);
        if made.len() > Self::MAX_BYTES {
            // A slug is ASCII and has no consecutive hyphens.
            made.truncate(made[..=Self::MAX_BYTES].rfind('-').unwrap_or(Self::MAX_BYTES));
        }
        Self(if made.is_empty() { "khong-ten".to_owned() } else { made })
    }

    /// The slug with the suffix `-2`, `-3` …; unchanged for 1.
    pub fn with_suffix(&self, number: u32) -> Self {
        if number <= 1 { self.clone() } else { Self(format!("{}-{number}", self.0)) }
    }

    /// The slug as written in URLs.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl InvalidSlug {
    fn new(text: &str) -> Self {
        let mut given: String = text.chars().take(Slug::MAX_BYTES).collect();
        if given.len() < text.len() {
            given.push('…');
        }
        Self { given, suggestion: Slug::from_title(text) }
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Slug {
    type Err = InvalidSlug;

    fn from_str(text: &str) -> Result<Self, InvalidSlug> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Slug {
    type Error = InvalidSlug;

    fn try_from(text: String) -> Result<Self, InvalidSlug> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_become_ascii_slugs() {
        for (title, slug) in [
            ("Đất & Người", "dat-nguoi"),
            ("Văn hóa - Thể thao - Du lịch", "van-hoa-the-thao-du-lich"),
            ("Pháp luật & Đời sống", "phap-luat-doi-song"),
            ("Xa\u{303} ho\u{302}\u{323}i", "xa-hoi"),
            ("ĐẮK TÔ", "dak-to"),
            ("…", "khong-ten"),
        ] {
            assert_eq!(Slug::from_title(title).as_str(), slug, "{title}");
        }
    }

    #[test]
    fn long_titles_are_truncated_after_a_word() {
        let words = "phong trào thi đua ".repeat(20);
        let made = Slug::from_title(&words);
        assert!((180..=Slug::MAX_BYTES).contains(&made.as_str().len()), "{made}");
        assert!(
            made.as_str().split('-').all(|word| ["phong", "trao", "thi", "dua"].contains(&word)),
            "{made}"
        );
        let (exact, one_word) = ("a".repeat(Slug::MAX_BYTES), "đ".repeat(300));
        assert_eq!(Slug::from_title(&format!("{exact} b")).as_str(), exact);
        assert_eq!(Slug::from_title(&one_word).as_str(), "d".repeat(Slug::MAX_BYTES));
        assert!(Slug::parse_new(&exact).is_ok() && Slug::parse_new(&format!("{exact}b")).is_err());
        let error = Slug::parse_new(&"b".repeat(70_000)).unwrap_err().to_string();
        assert!(error.len() < 1000 && error.contains("at most 200 bytes"), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn every_title_yields_a_valid_slug_that_maps_to_itself(title in "(\\PC{0,40} ?){0,20}", number: u32) {
            let made = Slug::from_title(&title);
            proptest::prop_assert_eq!(Slug::parse_new(made.as_str()), Ok(made.clone()));
            proptest::prop_assert_eq!(&Slug::from_title(made.as_str()), &made);
            let file = format!("{}.html.gz", made.with_suffix(number));
            proptest::prop_assert!(file.len() <= 255 && Slug::parse(file.trim_end_matches(".html.gz")).is_ok());
        }
    }

    #[test]
    fn invalid_slugs_are_rejected_with_a_suggestion() {
        for bad in ["", "Xã hội", "-a", "a-", "a b", "a/b", "a.b", "A"] {
            assert!(Slug::parse(bad).is_err(), "{bad}");
        }
        let error = Slug::parse("Xã hội").unwrap_err().to_string();
        assert!(error.contains("`xa-hoi`"), "{error}");
    }
}

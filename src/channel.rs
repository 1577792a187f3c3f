//! Channels and the site that they belong to: what an operator configures and every document shows.
//!
//! A channel is known by its [`Slug`]; its title is what people see. Titles hold `&`, `-` and diacritics
//! (`Văn hóa - Thể thao - Du lịch`), slugs are ASCII.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::vietnam_time::Zone;

/// A name in an address: `a-z`, `0-9` and inner hyphens, never empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// Why a text is no slug.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a slug: use a-z, 0-9 and hyphens inside, for example `{suggestion}`")]
pub struct NotASlug {
    given: String,
    suggestion: Slug,
}

impl Slug {
    /// Takes a text that is a slug already.
    ///
    /// # Errors
    /// Where it holds anything else; the error proposes a slug.
    pub fn parse(text: &str) -> Result<Self, NotASlug> {
        let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let good =
            !text.is_empty() && text.bytes().all(inside) && !text.starts_with('-') && !text.ends_with('-');
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotASlug { given: text.to_owned(), suggestion: Self::from_title(text) })
        }
    }

    /// Makes a slug of any text: `Đất & Người` becomes `dat-nguoi`. A text without a single letter or digit
    /// becomes `khong-ten`.
    pub fn from_title(title: &str) -> Self {
        // NOTE: to NFC first. The transliteration looks at single characters, and `đ` has no decomposition.
        let composed: String = title.nfc().collect();
        let made = slug::slugify(composed);
        Self(if made.is_empty() { "khong-ten".to_owned() } else { made })
    }

    /// The slug with `-2`, `-3` … behind it; itself for 1.
    pub fn numbered(&self, number: u32) -> Self {
        if number <= 1 { self.clone() } else { Self(format!("{}-{number}", self.0)) }
    }

    /// The slug as it stands in an address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Slug {
    type Err = NotASlug;

    fn from_str(text: &str) -> Result<Self, NotASlug> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Slug {
    type Error = NotASlug;

    fn try_from(text: String) -> Result<Self, NotASlug> {
        Self::parse(&text)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

/// One section of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name in addresses.
    pub slug: Slug,
    /// What people see, as written.
    pub title: String,
    /// One sentence for feed readers; made of the titles where none was given.
    pub description: Option<String>,
}

/// The publisher, and all that every document of the site says alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The name of the site: plain text.
    pub title: String,
    /// BCP 47, normally `vi`.
    pub language: String,
    /// The zone in which every date is read and printed.
    pub zone: Zone,
    /// Who publishes: the Atom author of a feed.
    pub publisher: String,
    /// The copyright line.
    pub rights: Option<String>,
    /// Absolute URL of a GIF, JPEG or PNG of at most 144×400 (rule R11).
    pub logo: Option<String>,
    /// How long readers may keep a feed without asking: `Cache-Control: max-age` and RSS `ttl` alike.
    pub max_age: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_need_care_become_plain_slugs() {
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
    fn a_text_that_is_no_slug_is_refused_with_a_proposal() {
        for bad in ["", "Xã hội", "-a", "a-", "a b", "a/b", "a.b", "A"] {
            assert!(Slug::parse(bad).is_err(), "{bad}");
        }
        let refusal = Slug::parse("Xã hội").unwrap_err().to_string();
        assert!(refusal.contains("`xa-hoi`"), "{refusal}");
    }
}

//! Channels and the site that they belong to: what an operator configures and every document shows.
//!
//! A channel is known by its [`Slug`]; its title is what people see. Titles hold `&`, `-` and diacritics
//! (`Văn hóa - Thể thao - Du lịch`), slugs are ASCII.

mod colour;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::time::{DEFAULT_TIME_ZONE, Timestamp, Zone};

pub use colour::{Colour, InvalidColour};

/// A name in an address: `a-z`, `0-9` and inner hyphens, never empty.
///
/// One that is made here has at most [`Slug::MAX_BYTES`] bytes and a number. A log from before that limit may hold
/// longer ones, and they stay what they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// Why a text is no slug.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{given}` is not a slug: use a-z, 0-9 and hyphens inside, {max} bytes at most, for example `{suggestion}`",
    max = Slug::MAX_BYTES
)]
pub struct InvalidSlug {
    given: String,
    suggestion: Slug,
}

impl Slug {
    /// Bytes of a slug without its number. With `-4294967295.html.gz` behind it, it is still a file name on every
    /// file system, which take 255 bytes.
    pub const MAX_BYTES: usize = 200;

    /// Takes a text that is a slug already, of any length.
    ///
    /// # Errors
    /// Where it holds anything else; the error proposes a slug.
    pub fn parse(text: &str) -> Result<Self, InvalidSlug> {
        let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let good =
            !text.is_empty() && text.bytes().all(inside) && !text.starts_with('-') && !text.ends_with('-');
        if good { Ok(Self(text.to_owned())) } else { Err(InvalidSlug::new(text)) }
    }

    /// Takes a text that is a slug already, for something that gets its name by it.
    ///
    /// # Errors
    /// Where it holds anything else or is too long; the error proposes a slug.
    pub fn parse_new(text: &str) -> Result<Self, InvalidSlug> {
        if text.len() > Self::MAX_BYTES { Err(InvalidSlug::new(text)) } else { Self::parse(text) }
    }

    /// Makes a slug of any text: `Đất & Người` becomes `dat-nguoi`. A text without a single letter or digit
    /// becomes `khong-ten`; a long one is cut behind a word.
    pub fn from_title(title: &str) -> Self {
        // NOTE: to NFC first. The transliteration looks at single characters, and `đ` has no decomposition.
        let composed: String = title.nfc().collect();
        let mut made = slug::slugify(composed);
        if made.len() > Self::MAX_BYTES {
            // A slug is ASCII, and never two hyphens stand together.
            made.truncate(made[..=Self::MAX_BYTES].rfind('-').unwrap_or(Self::MAX_BYTES));
        }
        Self(if made.is_empty() { "khong-ten".to_owned() } else { made })
    }

    /// The slug with `-2`, `-3` … behind it; itself for 1.
    pub fn with_suffix(&self, number: u32) -> Self {
        if number <= 1 { self.clone() } else { Self(format!("{}-{number}", self.0)) }
    }

    /// The slug as it stands in an address.
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
    /// The name that it bore when it was founded: its feeds are known by it for ever (rule A2).
    pub original_slug: Slug,
    /// What people see, as written.
    pub title: String,
    /// One sentence for feed readers; made of the titles where none was given.
    pub description: Option<String>,
    /// The names that it bore before, whose addresses lead here (rule C8).
    pub former_slugs: Vec<Slug>,
    /// Whether it goes on.
    pub status: ChannelStatus,
    /// The channels whose articles stand in this one too, beside its own.
    pub includes: Vec<Slug>,
}

/// Whether a channel goes on (rule C8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelStatus {
    /// It takes articles.
    #[default]
    Open,
    /// It takes no new articles; what it has is served, corrected and withdrawn as ever.
    Closed {
        /// The day on which it was closed, in the zone of the site, where that was told.
        since: Option<NaiveDate>,
    },
    /// Its addresses answer 410. Its articles stand where they stood.
    Removed,
}

impl Channel {
    /// An open channel without a past.
    pub fn new(slug: Slug, title: impl Into<String>) -> Self {
        Self {
            original_slug: slug.clone(),
            slug,
            title: title.into(),
            description: None,
            former_slugs: Vec::new(),
            status: ChannelStatus::Open,
            includes: Vec::new(),
        }
    }

    /// True where it takes new articles.
    pub fn is_open(&self) -> bool {
        self.status == ChannelStatus::Open
    }

    /// True where its addresses answer 410.
    pub fn is_gone(&self) -> bool {
        self.status == ChannelStatus::Removed
    }
}

/// All channels whose articles stand in `parent`, itself included, through members of members; sorted.
pub fn included_channels(parent: &Slug, channels: &[Channel]) -> Vec<Slug> {
    let mut found = vec![parent.clone()];
    let mut looked_at = 0;
    while let Some(slug) = found.get(looked_at).cloned() {
        looked_at += 1;
        let named =
            channels.iter().filter(|channel| channel.slug == slug).flat_map(|channel| &channel.includes);
        for member in named {
            if !found.contains(member) {
                found.push(member.clone());
            }
        }
    }
    found.sort();
    found
}

/// The publisher, and all that every document of the site says alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The name of the site: plain text.
    pub title: String,
    /// BCP 47, normally `vi`.
    pub language: String,
    /// The zone in which every date is read and printed.
    pub time_zone: Zone,
    /// Who publishes: the Atom author of a feed.
    pub publisher: String,
    /// Who published before, the earliest first.
    pub former_publishers: Vec<FormerPublisher>,
    /// The copyright line.
    pub rights: Option<String>,
    /// Absolute URL of a GIF, JPEG or PNG of at most 144×400 (rule R11).
    pub logo: Option<String>,
    /// Of headings and links on the pages for people.
    pub colour: Colour,
    /// How long readers may keep a feed without asking: `Cache-Control: max-age` and RSS `ttl` alike.
    pub max_age: Duration,
    /// The hours of the day, from 0 to 23 in GMT and sorted, in which nothing is published as a rule: RSS
    /// `skipHours` (rule R13).
    pub skip_hours: Vec<u8>,
}

/// The name under which the site published until it took another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormerPublisher {
    /// Its name.
    pub name: String,
    /// The first moment at which it was that no more.
    pub until: Timestamp,
}

impl Site {
    /// A site in Vietnamese that says no more of itself than its title, which is its publisher's too.
    pub fn new(title: impl Into<String>) -> Self {
        let title = title.into();
        Self {
            publisher: title.clone(),
            title,
            language: "vi".to_owned(),
            time_zone: DEFAULT_TIME_ZONE,
            former_publishers: Vec::new(),
            rights: None,
            logo: None,
            colour: Colour::default(),
            max_age: Duration::from_secs(300),
            skip_hours: Vec::new(),
        }
    }

    /// Who published what bears this stamp.
    pub fn publisher_at(&self, stamp: Timestamp) -> &str {
        let former = self.former_publishers.iter().find(|former| stamp < former.until);
        former.map_or(self.publisher.as_str(), |former| former.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_of_members_are_members_and_a_circle_ends() {
        let slug = |text: &str| Slug::parse(text).unwrap();
        let channel = |name: &str, members: &[&str]| Channel {
            includes: members.iter().map(|member| slug(member)).collect(),
            ..Channel::new(slug(name), name)
        };
        let channels =
            [channel("all", &["news", "life"]), channel("news", &["b", "a"]), channel("life", &["all"])];
        let names = |parent| {
            included_channels(&slug(parent), &channels).iter().map(Slug::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names("all"), ["a", "all", "b", "life", "news"]);
        assert_eq!(names("news"), ["a", "b", "news"]);
        assert_eq!(names("a"), ["a"]);
    }

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
    fn a_long_title_is_cut_behind_a_word() {
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
        let refusal = Slug::parse_new(&"b".repeat(70_000)).unwrap_err().to_string();
        assert!(refusal.len() < 1000 && refusal.contains("200 bytes at most"), "{refusal}");
    }

    proptest::proptest! {
        #[test]
        fn any_title_makes_a_slug_that_fits_and_stays_as_it_is(title in "(\\PC{0,40} ?){0,20}", number: u32) {
            let made = Slug::from_title(&title);
            proptest::prop_assert_eq!(Slug::parse_new(made.as_str()), Ok(made.clone()));
            proptest::prop_assert_eq!(&Slug::from_title(made.as_str()), &made);
            let file = format!("{}.html.gz", made.with_suffix(number));
            proptest::prop_assert!(file.len() <= 255 && Slug::parse(file.trim_end_matches(".html.gz")).is_ok());
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

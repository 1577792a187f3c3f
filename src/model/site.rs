//! The site: what every document says about its publisher.

use std::time::Duration;

use super::Colour;
use crate::time::{DEFAULT_TIME_ZONE, Timestamp, Zone};

/// The publisher, and the settings that all documents of the site share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The name of the site: plain text.
    pub title: String,
    /// BCP 47, normally `vi`.
    pub language: String,
    /// The time zone in which dates are parsed and shown.
    pub time_zone: Zone,
    /// The publisher: the Atom author of a feed.
    pub publisher: String,
    /// Former publisher names, oldest first.
    pub former_publishers: Vec<FormerPublisher>,
    /// The copyright line.
    pub rights: Option<String>,
    /// Absolute URL of the licence or terms under which articles may be reused.
    pub rights_url: Option<String>,
    /// Absolute URL of a GIF, JPEG or PNG of at most 144×400 (feed rule R11).
    pub logo: Option<String>,
    /// The colour of headings and links on HTML pages.
    pub colour: Colour,
    /// How long clients may cache a feed: `Cache-Control: max-age` and RSS `ttl`.
    pub max_age: Duration,
    /// The hours in which nothing is normally published, 0 to 23 in GMT, sorted: RSS `skipHours` (feed rule R13).
    pub skip_hours: Vec<u8>,
    /// What every page announces now: plain text. Documents do not read the clock, so it is set when the configuration is
    /// applied, which happens again when it appears or disappears.
    pub notice: Option<String>,
}

/// A former name of the publisher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormerPublisher {
    /// Its name.
    pub name: String,
    /// The end of its use (exclusive).
    pub until: Timestamp,
}

impl Site {
    /// A Vietnamese site with default settings; the title is also the publisher.
    pub fn new(title: impl Into<String>) -> Self {
        let title = title.into();
        Self {
            publisher: title.clone(),
            title,
            language: "vi".to_owned(),
            time_zone: DEFAULT_TIME_ZONE,
            former_publishers: Vec::new(),
            rights: None,
            rights_url: None,
            logo: None,
            colour: Colour::default(),
            max_age: Duration::from_secs(300),
            skip_hours: Vec::new(),
            notice: None,
        }
    }

    /// The publisher at the time `stamp`.
    pub fn publisher_at(&self, stamp: Timestamp) -> &str {
        let former = self.former_publishers.iter().find(|former| stamp < former.until);
        former.map_or(self.publisher.as_str(), |former| former.name.as_str())
    }
}

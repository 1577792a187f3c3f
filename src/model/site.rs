//! The site: what every document says about its publisher.

use std::time::Duration;

use super::Colour;
use crate::time::{DEFAULT_TIME_ZONE, Timestamp, Zone};

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

//! Channels: the sections of a site, as the operator configures them.

use chrono::NaiveDate;

use super::Slug;

/// A section of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name in URLs.
    pub slug: Slug,
    /// Its first slug, which identifies its feeds permanently (feed rule A2).
    pub original_slug: Slug,
    /// The displayed title.
    pub title: String,
    /// One sentence for feed readers; derived from the titles if missing.
    pub description: Option<String>,
    /// Former slugs, whose URLs redirect here (feed rule C8).
    pub former_slugs: Vec<Slug>,
    /// Whether it accepts articles.
    pub status: ChannelStatus,
    /// Channels whose articles are included in this one.
    pub includes: Vec<Slug>,
}

/// Whether a channel accepts articles (feed rule C8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelStatus {
    /// It accepts articles.
    #[default]
    Open,
    /// It accepts no new articles; existing ones are still served, corrected and withdrawn.
    Closed {
        /// The closing date in the site's zone, if given.
        since: Option<NaiveDate>,
    },
    /// Its URLs respond with 410. Its articles stay in their other channels.
    Removed,
}

impl Channel {
    /// An open channel without former slugs.
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

    /// Whether it accepts new articles.
    pub fn is_open(&self) -> bool {
        self.status == ChannelStatus::Open
    }

    /// Whether its URLs respond with 410.
    pub fn is_gone(&self) -> bool {
        self.status == ChannelStatus::Removed
    }
}

/// All channels whose articles `parent` includes, directly or indirectly, and itself; sorted.
pub fn included_channels(parent: &Slug, channels: &[Channel]) -> Vec<Slug> {
    let mut found = vec![parent.clone()];
    let mut next = 0;
    while let Some(slug) = found.get(next).cloned() {
        next += 1;
        let included =
            channels.iter().filter(|channel| channel.slug == slug).flat_map(|channel| &channel.includes);
        for member in included {
            if !found.contains(member) {
                found.push(member.clone());
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_are_transitive_and_may_be_cyclic() {
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
}

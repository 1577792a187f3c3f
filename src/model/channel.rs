//! Channels: the sections of a site, as the operator configures them.

use chrono::NaiveDate;

use super::Slug;

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
}

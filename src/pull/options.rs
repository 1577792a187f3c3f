//! What is collected, and how.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::fetch::AllowedAddresses;
use crate::model::Slug;
use crate::parse::ParseOptions;
use crate::urls::SiteUrls;

/// Options of the collector.
#[derive(Clone, Debug)]
pub struct PullOptions {
    /// The sources, each with a name of its own.
    pub sources: Vec<SourceOptions>,
    /// How requests introduce themselves: program, site and contact.
    pub user_agent: String,
    /// Time zone and language of what names none.
    pub parse: ParseOptions,
    /// Builds the URLs at which hubs of sources tell of changes.
    pub addresses: Arc<SiteUrls>,
}

/// A source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceOptions {
    /// Its name, also for readers.
    pub name: String,
    /// A feed, or a page that names its feeds.
    pub url: String,
    /// What it is.
    pub kind: SourceKind,
    /// The channels of its articles.
    pub channels: Vec<Slug>,
    /// Channels by category of the source, compared without regard to case.
    pub map: BTreeMap<String, Slug>,
    /// Shortest time between two requests.
    pub every: Duration,
    /// The language (BCP 47) of items that name none.
    pub language: Option<String>,
    /// The whole text is taken from the page of an article, if the feed has less.
    pub full_text: bool,
    /// The publisher, if it is not the one that `name` says.
    pub publisher: Option<String>,
    /// The URL of its terms of reuse, or their name.
    pub licence: Option<String>,
    /// False: it is not requested.
    pub enabled: bool,
    /// Its host may have a private address.
    pub allow_private: bool,
    /// What happens when it withdraws an article.
    pub withdraw: Withdrawals,
    /// What becomes of its images.
    pub images: SourceImages,
    /// Items that are older when they are first seen are left out.
    pub max_age_of_items: Option<Duration>,
}

/// What a source is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceKind {
    /// What it is found to be.
    #[default]
    Auto,
    /// A feed, also if a bantin publishes it.
    Feed,
    /// Another bantin, followed by its `/api/changes`.
    Bantin,
}

/// What happens when a source withdraws an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawals {
    /// The article is withdrawn.
    Follow,
    /// The log says so, and the article stays.
    Report,
}

/// What becomes of the images of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceImages {
    /// They are copied and shown.
    Copy,
    /// They stay where they are, and the article links to them. None of them is requested.
    Link,
}

impl SourceOptions {
    /// The addresses that its requests may lead to.
    pub(super) fn addresses(&self) -> AllowedAddresses {
        if self.allow_private { AllowedAddresses::All } else { AllowedAddresses::Public }
    }

    /// The host of its URL.
    pub(super) fn host(&self) -> Option<String> {
        Url::parse(&self.url).ok()?.host_str().map(str::to_owned)
    }

    /// All channels that its articles may have.
    pub fn all_channels(&self) -> Vec<Slug> {
        self.channels.iter().chain(self.map.values()).cloned().collect()
    }

    /// The channels of an item with these categories.
    pub(super) fn channels_of(&self, categories: &[String]) -> Vec<Slug> {
        let wanted: Vec<String> = categories.iter().map(|category| category.to_lowercase()).collect();
        let mapped = self.map.iter().filter(|(category, _)| wanted.contains(&category.to_lowercase()));
        let mapped: Vec<Slug> = mapped.map(|(_, slug)| slug.clone()).collect();
        let mut channels = if mapped.is_empty() { self.channels.clone() } else { mapped };
        channels.sort();
        channels.dedup();
        channels
    }
}

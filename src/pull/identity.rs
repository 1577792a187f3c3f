//! Which article an item is.

use std::collections::{HashMap, HashSet};

use sha2::{Digest as _, Sha256};
use url::Url;

use super::options::SourceOptions;
use crate::model::ArticleId;
use crate::parse::{SourceItem, link_key};
use crate::store::{CollectedItem, ItemRecord, ItemState};
use crate::text::hex;

/// Nothing is left to do for this version of an item. A doubtful one is tried again: its page may have changed.
pub(super) fn is_settled(record: Option<&ItemRecord>, item: &CollectedItem) -> bool {
    record.is_some_and(|record| match record.state {
        ItemState::Dropped => true,
        ItemState::Published => record.item.hash == item.hash,
        ItemState::Doubtful | ItemState::Withdrawn => false,
    })
}

/// The items of a feed with their identity.
pub(super) fn collected_items(items: &[SourceItem], source: &SourceOptions) -> Vec<CollectedItem> {
    let links: Vec<Option<String>> = items.iter().map(article_link).collect();
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for link in links.iter().flatten() {
        *uses.entry(link).or_default() += 1;
    }
    let mut links_of_id: HashMap<&str, HashSet<&str>> = HashMap::new();
    for (item, link) in items.iter().zip(&links) {
        if let (Some(id), Some(link)) = (&item.id, link) {
            links_of_id.entry(id).or_default().insert(link);
        }
    }
    let identity = |(item, link): (&SourceItem, &Option<String>)| {
        let json = serde_json::to_vec(item).unwrap_or_default();
        let hash = |bytes: &[u8]| hex(&Sha256::digest(bytes)[..16]);
        // A link that several items share names none of them, nor does an id that items with different links share.
        let link = link.clone().filter(|link| uses.get(link.as_str()) == Some(&1));
        let id = item.id.as_deref().filter(|id| links_of_id.get(id).is_none_or(|links| links.len() <= 1));
        let key = match (id, &link) {
            (Some(id), _) => key_of_id(id),
            (None, Some(link)) => format!("url:{link}"),
            (None, None) => format!("text:{}", hash(format!("{}\n{:?}", item.title, item.date).as_bytes())),
        };
        let (hash, date) = (hash(&json), item.date.clone());
        CollectedItem { source: source.name.clone(), key, link, hash, date, log: None }
    };
    items.iter().zip(&links).map(identity).collect()
}

/// The item that is known by this id only.
pub(super) fn item_of_id(id: &str, source: &SourceOptions) -> CollectedItem {
    item_of_key(&key_of_id(id), source)
}

/// The item with this key.
pub(super) fn item_of_key(key: &str, source: &SourceOptions) -> CollectedItem {
    let (source, key, hash) = (source.name.clone(), key.to_owned(), String::new());
    CollectedItem { source, key, link: None, hash, date: None, log: None }
}

/// The link of an item, if it leads to an article and not to the front page.
pub(super) fn article_link(item: &SourceItem) -> Option<String> {
    let link = link_key(item.link.as_deref()?)?;
    link.contains(['/', '?']).then_some(link)
}

/// URLs that mean the same page are the same id.
pub(super) fn key_of_id(id: &str) -> String {
    match link_key(id) {
        Some(link) => format!("url:{link}"),
        None => format!("id:{}", id.trim()),
    }
}

/// The id of an item, if it is unique in the world: a tag, a URN, or a URL of the
/// host of the `site`.
pub(super) fn own_id(item: &SourceItem, site: &str) -> Option<ArticleId> {
    let id = item.id.as_deref()?;
    let host = |url: &str| {
        let host = Url::parse(url).ok()?.host_str()?.to_owned();
        Some(host.strip_prefix("www.").map_or(host.clone(), str::to_owned))
    };
    let is_url = id.starts_with("https://") || id.starts_with("http://");
    let is_unique = id.starts_with("tag:")
        || id.starts_with("urn:")
        || is_url && host(id).is_some() && host(id) == host(site);
    is_unique.then(|| ArticleId::new(id))
}

//! Which channels the categories of another system are.

use std::collections::BTreeMap;

use crate::model::Slug;
use crate::urls::{RESERVED_SLUGS, SiteUrls};

/// Assigns articles to channels.
#[derive(Clone, Debug)]
pub(super) struct ChannelMap {
    /// Channels by category in lower case; none for a category that is left out.
    pub(super) named: BTreeMap<String, Option<Slug>>,
    /// The channel of articles whose categories are not named.
    pub(super) fallback: Option<Slug>,
    /// Channels that do not exist are created.
    pub(super) may_create: bool,
    /// The titles of the channels that exist.
    pub(super) known: BTreeMap<Slug, String>,
}

/// What a category is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CategoryTarget {
    /// A channel that exists.
    Channel(Slug),
    /// A channel to create, with this title.
    New(Slug, String),
    /// Nothing: the operator leaves it out, or all articles go to one channel.
    Ignored,
    /// No channel has this name.
    Unknown,
    /// Its name is a URL of the service.
    Reserved(Slug),
}

impl ChannelMap {
    pub(super) fn target(&self, category: &str, addresses: &SiteUrls) -> CategoryTarget {
        let folded = category.trim().to_lowercase();
        match self.named.get(&folded) {
            Some(Some(slug)) if self.known.contains_key(slug) => {
                return CategoryTarget::Channel(slug.clone());
            }
            Some(Some(slug)) => return self.new_channel(slug.clone(), category),
            Some(None) => return CategoryTarget::Ignored,
            None if self.fallback.is_some() => return CategoryTarget::Ignored,
            None => {}
        }
        let slug = addresses.resolve_channel(category);
        let by_title = self.known.iter().find(|(_, title)| title.to_lowercase() == folded);
        match by_title.map(|(slug, _)| slug).or_else(|| self.known.get_key_value(&slug).map(|(slug, _)| slug))
        {
            Some(slug) => CategoryTarget::Channel(slug.clone()),
            None => self.new_channel(slug, category),
        }
    }

    /// True if the operator leaves out this category.
    pub(super) fn leaves_out(&self, category: &str) -> bool {
        matches!(self.named.get(&category.trim().to_lowercase()), Some(None))
    }

    fn new_channel(&self, slug: Slug, category: &str) -> CategoryTarget {
        match RESERVED_SLUGS.contains(&slug.as_str()) {
            true => CategoryTarget::Reserved(slug),
            false if self.may_create => CategoryTarget::New(slug, category.trim().to_owned()),
            false => CategoryTarget::Unknown,
        }
    }

    /// The channels of an article, each with its title if it is new, sorted. Empty if none is known.
    pub(super) fn channels_of(
        &self,
        categories: &[String],
        addresses: &SiteUrls,
    ) -> BTreeMap<Slug, Option<String>> {
        let mut channels = BTreeMap::new();
        for category in categories {
            match self.target(category, addresses) {
                CategoryTarget::Channel(slug) => channels.insert(slug, None),
                CategoryTarget::New(slug, title) => channels.insert(slug, Some(title)),
                CategoryTarget::Ignored | CategoryTarget::Unknown | CategoryTarget::Reserved(_) => None,
            };
        }
        if channels.is_empty() {
            channels.extend(self.fallback.clone().map(|slug| (slug, None)));
        }
        channels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slug(text: &str) -> Slug {
        Slug::parse(text).unwrap()
    }

    #[test]
    fn a_category_is_the_channel_of_its_name_or_what_the_operator_says() {
        let addresses = SiteUrls::new("https://xa.vn", "xa.vn,2023").unwrap();
        let named = [("tin tức".to_owned(), Some(slug("xa-hoi"))), ("chưa phân loại".to_owned(), None)];
        let known = [(slug("xa-hoi"), "Xã hội".to_owned()), (slug("kt"), "Kinh tế".to_owned())];
        let mut map =
            ChannelMap { named: named.into(), fallback: None, may_create: false, known: known.into() };
        for (category, target) in [
            ("Tin Tức", CategoryTarget::Channel(slug("xa-hoi"))),
            ("xã HỘI", CategoryTarget::Channel(slug("xa-hoi"))),
            ("Kinh tế", CategoryTarget::Channel(slug("kt"))),
            ("Chưa phân loại", CategoryTarget::Ignored),
            ("Văn hoá", CategoryTarget::Unknown),
            ("API", CategoryTarget::Reserved(slug("api"))),
        ] {
            assert_eq!(map.target(category, &addresses), target, "{category}");
        }
        map.may_create = true;
        let new = CategoryTarget::New(slug("van-hoa"), "Văn hoá".to_owned());
        assert_eq!(map.target("Văn hoá", &addresses), new);
        map.fallback = Some(slug("kt"));
        let channels = |categories: &[&str]| {
            let categories: Vec<String> = categories.iter().map(|name| (*name).to_owned()).collect();
            map.channels_of(&categories, &addresses).into_keys().collect::<Vec<_>>()
        };
        assert_eq!(channels(&["Văn hoá"]), [slug("kt")]);
        assert_eq!(channels(&["Văn hoá", "Tin tức"]), [slug("xa-hoi")]);
        assert_eq!(channels(&[]), [slug("kt")]);
    }
}

//! What people and crawlers ask for and nobody can print beforehand: searches, months, sitemaps. Printed when it is
//! asked for, and kept while the log stands still.

use std::collections::BTreeSet;
use std::sync::Arc;

use tracing::error;

use super::cache::{Cache, Weigh};
use super::{Document, Options, Setting, Version, blocking};
use crate::address::{Format, Scope, Sitemap, page_path};
use crate::article::{Entry, words};
use crate::channel::{Slug, members_of};
use crate::feed::{self, Part};
use crate::pages::{self, Answer, Location, MonthOf, Question};
use crate::store::{CatalogueAsked, CatalogueFound, Listing, Snapshot, Store, StoreError};
use crate::vietnam_time::{Moment, Month, first_second};

/// Answers that are kept, in bytes. A sitemap of the longest kind takes some ten megabytes.
const KEPT: u64 = 32 << 20;
/// Of an answer in its three codings.
const USUAL: u64 = 32 << 10;
/// Articles on a page of a search.
const FOUND: u32 = 20;
/// Articles on a page of a month.
const IN_MONTH: u32 = 60;
/// A page ends early rather than read much more than this of the articles.
const PAGE_BYTES: usize = 2 * 1024 * 1024;
/// Addresses in a sitemap that stands alone. The protocol allows 50,000; with fewer, one is printed in a moment.
const ALONE: u32 = 10_000;
/// Addresses in the sitemap of a month: what the protocol allows.
const AT_MOST: u32 = 50_000;

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// The search page, behind this place where it goes on. `opened` where it stands in place of a feed.
    Search {
        /// What somebody asks.
        question: Question,
        /// The `next` of the page before.
        after: Option<i64>,
        /// In place of this feed.
        opened: Option<Format>,
    },
    /// What a search finds, as a feed.
    SearchFeed(Question, Format),
    /// The months of a channel.
    Months(Scope),
    /// A month of a channel.
    Month(Scope, Month, MonthPart),
    /// A sitemap.
    Sitemap(Sitemap),
}

/// How much of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MonthPart {
    /// A page of it: the first one, or what comes behind this place.
    Behind(Option<i64>),
    /// All of it on one page: for files, whose addresses have no query to go on by.
    Whole,
}

impl Asked {
    /// The channel whose log an answer is made of.
    fn scope(&self) -> Scope {
        match self {
            Self::Search { question, .. } | Self::SearchFeed(question, _) => question.channel.clone(),
            Self::Months(scope) | Self::Month(scope, ..) => scope.clone(),
            Self::Sitemap(_) => None,
        }
    }
}

/// What is laid on the desk.
#[derive(Clone)]
pub enum Laid {
    /// A page, a feed, a list.
    Document(Arc<Document>),
    /// There is no such channel or month.
    Nothing,
    /// It did not pass its reading back.
    Faulty,
}

/// Prints what is asked for.
pub struct Desk {
    store: Store,
    options: Arc<Options>,
    cache: Cache<Asked, Laid>,
}

impl Weigh for Laid {
    fn weight(&self) -> u64 {
        match self {
            Self::Document(document) => document.weight(),
            Self::Nothing | Self::Faulty => 0,
        }
    }
}

impl Desk {
    /// A desk over the log in `store`.
    pub fn new(store: Store, options: Options) -> Self {
        let cache = Cache::new(store.announcements(), KEPT, USUAL);
        Self { store, options: Arc::new(options), cache }
    }

    /// What was asked for before, while the log stood as it stands. Asks nobody.
    pub fn at_hand(&self, asked: &Asked) -> Option<Laid> {
        self.cache.get(asked)
    }

    /// The same, from the store where it is not at hand.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn print(&self, asked: Asked) -> Result<Laid, StoreError> {
        self.cache.get_or_make(asked.clone(), |_| self.printed(asked)).await
    }

    async fn printed(&self, asked: Asked) -> Result<Laid, StoreError> {
        let mut snapshot = self.store.snapshot().await?;
        let setting = Setting::read(&mut snapshot, &self.store, Arc::clone(&self.options)).await?;
        let sheet = DeskSheet::read(&mut snapshot, &setting, asked).await?;
        drop(snapshot);
        match sheet {
            None => Ok(Laid::Nothing),
            Some(sheet) => blocking(move || sheet.print()).await,
        }
    }
}

/// What an answer is made of, read from one state of the log.
pub struct DeskSheet {
    sheet: Sheet,
    content: Content,
}

impl DeskSheet {
    /// Reads what is asked for; none where there is no such channel or month.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn read(
        snapshot: &mut Snapshot,
        setting: &Setting,
        asked: Asked,
    ) -> Result<Option<Self>, StoreError> {
        let scope = asked.scope();
        let state = snapshot.states().await?.remove(&scope);
        let sheet = Sheet {
            log: setting.log_of(scope.as_ref()),
            number: state.map_or(0, |state| state.number),
            // Whatever the answer shows, it does not change while its channel and the list of channels do not.
            at: state.map_or(setting.channels_at, |state| state.last_modified.max(setting.channels_at)),
            setting: setting.clone(),
        };
        let (zone, items) = (setting.options.site.zone, setting.options.live.items);
        let content = match asked {
            Asked::Search { question, after, opened } => search(snapshot, &sheet, question, after, FOUND)
                .await?
                .map(|found| Content::Search(found, opened)),
            Asked::SearchFeed(question, format) => search(snapshot, &sheet, question, None, items)
                .await?
                .map(|found| Content::Feed(found, format)),
            Asked::Months(scope) => {
                snapshot.months(scope.as_ref(), zone).await?.map(|months| Content::Months(scope, months))
            }
            Asked::Month(scope, month, part) => month_of(snapshot, &sheet, scope, month, part).await?,
            Asked::Sitemap(sitemap) => locations(snapshot, &sheet, sitemap).await?,
        };
        Ok(content.map(|content| Self { sheet, content }))
    }

    /// Takes some milliseconds: call it where blocking is allowed.
    pub fn print(self) -> Laid {
        self.sheet.print(self.content)
    }
}

/// What the store had to say.
enum Content {
    Search(Found, Option<Format>),
    Feed(Found, Format),
    Months(Scope, Vec<Month>),
    Month(Scope, Month, Box<Found>, Option<Month>, Option<Month>),
    Locations(Vec<Location>),
    Index(Vec<Sitemap>),
}

/// Some of the articles.
struct Found {
    question: Question,
    entries: Vec<Entry>,
    next: Option<i64>,
    goes_on: bool,
    /// How many there are in all, and whether there may be more.
    total: (u64, bool),
    /// The number of the newest revision among them.
    number: u64,
}

async fn search(
    snapshot: &mut Snapshot,
    sheet: &Sheet,
    question: Question,
    after: Option<i64>,
    limit: u32,
) -> Result<Option<Found>, StoreError> {
    let zone = sheet.setting.options.site.zone;
    let asked = CatalogueAsked {
        words: Some(question.words.clone()).filter(|words| !words.is_empty()),
        phrases: words::phrases(&question.words),
        channel: question.channel.clone(),
        from: question.from.map(|day| first_second(day, zone)),
        to: question
            .to
            .and_then(|day| day.succ_opt())
            .map(|next| first_second(next, zone) - chrono::TimeDelta::seconds(1)),
        after,
        limit,
        bytes: PAGE_BYTES,
        counted: true,
    };
    found(snapshot, asked, question).await
}

async fn found(
    snapshot: &mut Snapshot,
    asked: CatalogueAsked,
    question: Question,
) -> Result<Option<Found>, StoreError> {
    let page = match snapshot.catalogue(&asked).await? {
        CatalogueFound::Page(page) => page,
        CatalogueFound::UnknownChannel => return Ok(None),
    };
    for article in &page.damaged {
        error!(%article, "the store holds this article damaged; it is left out");
    }
    let number = page.items.iter().map(|item| item.number).max().unwrap_or_default();
    let entries = page.items.into_iter().map(|item| item.entry).collect();
    let total = page.total.map_or((0, true), |total| (total.number, total.at_least));
    Ok(Some(Found { question, entries, next: page.next, goes_on: asked.after.is_some(), total, number }))
}

async fn month_of(
    snapshot: &mut Snapshot,
    sheet: &Sheet,
    scope: Scope,
    month: Month,
    part: MonthPart,
) -> Result<Option<Content>, StoreError> {
    let zone = sheet.setting.options.site.zone;
    let Some(months) = snapshot.months(scope.as_ref(), zone).await? else { return Ok(None) };
    let Some(place) = months.iter().position(|known| *known == month) else { return Ok(None) };
    let asked = CatalogueAsked {
        channel: scope.clone(),
        from: Some(month.first_second(zone)),
        to: Some(month.last_second(zone)),
        after: if let MonthPart::Behind(after) = part { after } else { None },
        limit: IN_MONTH,
        bytes: PAGE_BYTES,
        ..CatalogueAsked::default()
    };
    let Some(mut whole) = found(snapshot, asked.clone(), Question::default()).await? else { return Ok(None) };
    while part == MonthPart::Whole
        && let Some(after) = whole.next
    {
        let asked = CatalogueAsked { after: Some(after), ..asked.clone() };
        let Some(more) = found(snapshot, asked, Question::default()).await? else { break };
        whole.entries.extend(more.entries);
        whole.next = more.next;
    }
    let newer = place.checked_sub(1).and_then(|place| months.get(place)).copied();
    let older = months.get(place + 1).copied();
    Ok(Some(Content::Month(scope, month, Box::new(whole), older, newer)))
}

async fn locations(
    snapshot: &mut Snapshot,
    sheet: &Sheet,
    sitemap: Sitemap,
) -> Result<Option<Content>, StoreError> {
    let zone = sheet.setting.options.site.zone;
    let (from, to, limit) = match sitemap {
        Sitemap::Pages => return Ok(Some(Content::Locations(sheet.pages()))),
        Sitemap::Whole => (None, None, ALONE + 1),
        Sitemap::Month(month) => (Some(month.first_second(zone)), Some(month.last_second(zone)), AT_MOST),
    };
    let listing = snapshot.listing(from, to, limit).await?;
    if sitemap == Sitemap::Whole && listing.len() > ALONE as usize {
        let months = snapshot.months(None, zone).await?.unwrap_or_default();
        let months = months.into_iter().map(Sitemap::Month);
        return Ok(Some(Content::Index(std::iter::once(Sitemap::Pages).chain(months).collect())));
    }
    if sitemap != Sitemap::Whole && listing.is_empty() {
        return Ok(None);
    }
    // A sitemap names the pages that say of themselves that they are the right address, and of no channel that is gone.
    let shown = sheet.shown();
    let stands_here = |listed: &Listing| {
        listed.channels.iter().any(|channel| shown.contains(channel))
            && listed.link.as_deref().and_then(feed::web_url).is_none()
    };
    let articles = listing.into_iter().filter(stands_here).map(|listed| Location {
        path: crate::address::article_path(&listed.permalink),
        changed: Some(listed.updated),
    });
    let pages = if sitemap == Sitemap::Whole { sheet.pages() } else { Vec::new() };
    Ok(Some(Content::Locations(pages.into_iter().chain(articles).collect())))
}

/// All that an answer depends on beside what was found.
struct Sheet {
    setting: Setting,
    log: String,
    number: u64,
    at: Moment,
}

impl Sheet {
    /// Home and the channels.
    fn pages(&self) -> Vec<Location> {
        let served = self.setting.channels.iter().filter(|channel| !channel.is_gone());
        let scopes = std::iter::once(None).chain(served.map(|channel| Some(&channel.slug)));
        scopes.map(|scope| Location { path: page_path(scope), changed: None }).collect()
    }

    /// The channels whose articles stand in one that is served.
    fn shown(&self) -> BTreeSet<Slug> {
        let served = self.setting.channels.iter().filter(|channel| !channel.is_gone());
        served.flat_map(|channel| members_of(&channel.slug, &self.setting.channels)).collect()
    }

    fn print(&self, content: Content) -> Laid {
        let Options { site, addresses, .. } = &*self.setting.options;
        let frame = || self.setting.frame();
        let next = |found: &Found| found.next.map(cursor_of);
        let channel = |scope: &Scope| self.setting.channel(scope.as_ref());
        let (media_type, bytes) = match content {
            Content::Feed(found, format) => return self.feed(&found, format),
            Content::Search(found, opened) => {
                let next = next(&found);
                let Found { question, entries, goes_on, total, .. } = &found;
                let answer =
                    Answer::Found { entries, next: next.as_deref(), goes_on: *goes_on, total: *total };
                (pages::MEDIA_TYPE, pages::search(&frame(), question, answer, opened))
            }
            Content::Months(scope, months) => {
                (pages::MEDIA_TYPE, pages::months(&frame(), channel(&scope), &months))
            }
            Content::Month(scope, month, found, older, newer) => {
                let next = next(&found);
                let Found { entries, goes_on, .. } = &*found;
                let part = MonthOf { month, entries, next: next.as_deref(), goes_on: *goes_on, older, newer };
                (pages::MEDIA_TYPE, pages::month(&frame(), channel(&scope), part))
            }
            Content::Locations(locations) => {
                (pages::SITEMAP_MEDIA_TYPE, pages::sitemap(addresses, site.zone, &locations))
            }
            Content::Index(sitemaps) => {
                (pages::SITEMAP_MEDIA_TYPE, pages::sitemap_index(addresses, &sitemaps))
            }
        };
        let version = Version { log: self.log.clone(), number: self.number };
        Laid::Document(Arc::new(Document::print(media_type, bytes, &version, self.at)))
    }

    /// A feed that changes only when what was found does: who follows it is not to fetch it for every other article.
    fn feed(&self, found: &Found, format: Format) -> Laid {
        let query = found.question.query();
        let newest = found.entries.iter().map(|entry| entry.updated).max();
        let frame = feed::Document {
            site: &self.setting.options.site,
            addresses: &self.setting.options.addresses,
            channel: None,
            channels: &self.setting.channels,
            entries: &[],
            tombstones: &[],
            // What finds nothing is as old as what it looks in.
            updated: newest.unwrap_or(self.setting.channels_at),
            part: Part::Search { words: &found.question.words, query: &query },
            hub: None,
        };
        let mut entries = found.entries.clone();
        let bytes = self.setting.shorten(&mut entries, &frame);
        self.setting.squeeze(&mut entries, &bytes, &frame);
        let document = feed::Document { entries: &entries, ..frame };
        let bytes = feed::print(&document, format);
        if let Err(fault) = (self.setting.options.inspector)(&document, format, &bytes) {
            error!(%query, %fault, "the feed of a search did not pass its reading back");
            return Laid::Faulty;
        }
        let version = Version { log: self.log.clone(), number: found.number };
        Laid::Document(Arc::new(Document::print(feed::media_type(format), bytes, &version, self.at)))
    }
}

/// A place in a list as readers hand it back, who are not to read anything in it.
pub fn cursor_of(place: i64) -> String {
    format!("{:016x}", place.cast_unsigned())
}

/// The place of a cursor; none where it is not ours.
pub fn place_of(cursor: &str) -> Option<i64> {
    let digits = cursor.len() == 16 && cursor.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    digits.then(|| u64::from_str_radix(cursor, 16).ok()).flatten().map(u64::cast_signed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_leads_to_its_place(place in any::<i64>()) {
            prop_assert_eq!(place_of(&cursor_of(place)), Some(place));
        }

        #[test]
        fn any_other_text_is_no_cursor(text in any::<String>()) {
            prop_assert_eq!(place_of(&text).map(cursor_of).unwrap_or_else(|| text.clone()), text);
        }
    }
}

//! What people and crawlers ask for and nobody can print beforehand: searches, months, sitemaps. Printed when it is
//! asked for, and kept while the log stands still.

use std::collections::BTreeSet;
use std::sync::Arc;

use tracing::error;

use super::cache::{Cache, Weigh};
use super::{LogVersion, RenderContext, RenderOptions, Representation, blocking};
use crate::feed::{self, FeedKind};
use crate::html::{self, MonthPage, SearchOutcome, SearchQuery, SitemapUrl};
use crate::model::{Entry, Slug, included_channels};
use crate::search_text;
use crate::store::{ArticleQuery, ArticleQueryResult, SitemapEntry, Snapshot, Store, StoreError};
use crate::time::{Month, Timestamp, start_of_day};
use crate::urls::{Format, Scope, Sitemap, page_path};

/// Answers that are kept, in bytes. A sitemap of the longest kind takes some ten megabytes.
const KEPT: u64 = 32 << 20;
/// Of an answer in its three codings.
const USUAL: u64 = 32 << 10;
/// Articles on a page of a search.
const SEARCH_PAGE_SIZE: u32 = 20;
/// Articles on a page of a month.
const MONTH_PAGE_SIZE: u32 = 60;
/// A page ends early rather than read much more than this of the articles.
const PAGE_BYTES: usize = 2 * 1024 * 1024;
/// Addresses in a sitemap that stands alone. The protocol allows 50,000; with fewer, one is printed in a moment.
const MAX_SINGLE_SITEMAP: u32 = 10_000;
/// Addresses in the sitemap of a month: what the protocol allows.
const MAX_SITEMAP_URLS: u32 = 50_000;

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PageRequest {
    /// The search page, behind this place where it goes on. `opened` where it stands in place of a feed.
    Search {
        /// What somebody asks.
        question: SearchQuery,
        /// The `next` of the page before.
        after: Option<i64>,
        /// In place of this feed.
        opened: Option<Format>,
    },
    /// What a search finds, as a feed.
    SearchFeed(SearchQuery, Format),
    /// The months of a channel.
    Months(Scope),
    /// A month of a channel.
    Month(Scope, Month, MonthExtent),
    /// A sitemap.
    Sitemap(Sitemap),
}

/// How much of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MonthExtent {
    /// A page of it: the first one, or what comes behind this place.
    After(Option<i64>),
    /// All of it on one page: for files, whose addresses have no query to go on by.
    Whole,
}

impl PageRequest {
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
pub enum Rendered {
    /// A page, a feed, a list.
    Page(Arc<Representation>),
    /// There is no such channel or month.
    NotFound,
    /// It did not pass its reading back.
    Failed,
}

/// Prints what is asked for.
pub struct OnDemandRenderer {
    store: Store,
    options: Arc<RenderOptions>,
    cache: Cache<PageRequest, Rendered>,
}

impl Weigh for Rendered {
    fn weight(&self) -> u64 {
        match self {
            Self::Page(document) => document.weight(),
            Self::NotFound | Self::Failed => 0,
        }
    }
}

impl OnDemandRenderer {
    /// A desk over the log in `store`.
    pub fn new(store: Store, options: RenderOptions) -> Self {
        let cache = Cache::new(store.subscribe(), KEPT, USUAL);
        Self { store, options: Arc::new(options), cache }
    }

    /// What was asked for before, while the log stood as it stands. Asks nobody.
    pub fn cached(&self, asked: &PageRequest) -> Option<Rendered> {
        self.cache.get(asked)
    }

    /// The same, from the store where it is not at hand.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn render(&self, asked: PageRequest) -> Result<Rendered, StoreError> {
        self.cache.get_or_make(asked.clone(), |_| self.printed(asked)).await
    }

    async fn printed(&self, asked: PageRequest) -> Result<Rendered, StoreError> {
        let mut snapshot = self.store.snapshot().await?;
        let setting = RenderContext::load(&mut snapshot, &self.store, Arc::clone(&self.options)).await?;
        let sheet = PageInput::load(&mut snapshot, &setting, asked).await?;
        drop(snapshot);
        match sheet {
            None => Ok(Rendered::NotFound),
            Some(sheet) => blocking(move || sheet.render()).await,
        }
    }
}

/// What an answer is made of, read from one state of the log.
pub struct PageInput {
    sheet: PageHeader,
    content: PageContent,
}

impl PageInput {
    /// Reads what is asked for; none where there is no such channel or month.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn load(
        snapshot: &mut Snapshot,
        setting: &RenderContext,
        asked: PageRequest,
    ) -> Result<Option<Self>, StoreError> {
        let scope = asked.scope();
        let state = snapshot.channel_states().await?.remove(&scope);
        let sheet = PageHeader {
            log: setting.log_id_for(scope.as_ref()),
            number: state.map_or(0, |state| state.number),
            // Whatever the answer shows, it does not change while its channel and the list of channels do not.
            at: state.map_or(setting.channels_at, |state| state.last_modified.max(setting.channels_at)),
            setting: setting.clone(),
        };
        let (zone, items) = (setting.options.site.time_zone, setting.options.live.items);
        let content = match asked {
            PageRequest::Search { question, after, opened } => {
                search(snapshot, &sheet, question, after, SEARCH_PAGE_SIZE)
                    .await?
                    .map(|found| PageContent::Search(found, opened))
            }
            PageRequest::SearchFeed(question, format) => search(snapshot, &sheet, question, None, items)
                .await?
                .map(|found| PageContent::Feed(found, format)),
            PageRequest::Months(scope) => {
                snapshot.months(scope.as_ref(), zone).await?.map(|months| PageContent::Months(scope, months))
            }
            PageRequest::Month(scope, month, part) => {
                load_month(snapshot, &sheet, scope, month, part).await?
            }
            PageRequest::Sitemap(sitemap) => load_locations(snapshot, &sheet, sitemap).await?,
        };
        Ok(content.map(|content| Self { sheet, content }))
    }

    /// Takes some milliseconds: call it where blocking is allowed.
    pub fn render(self) -> Rendered {
        self.sheet.encode(self.content)
    }
}

/// What the store had to say.
enum PageContent {
    Search(SearchHits, Option<Format>),
    Feed(SearchHits, Format),
    Months(Scope, Vec<Month>),
    Month(Scope, Month, Box<SearchHits>, Option<Month>, Option<Month>),
    Locations(Vec<SitemapUrl>),
    Index(Vec<Sitemap>),
}

/// Some of the articles.
struct SearchHits {
    question: SearchQuery,
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
    sheet: &PageHeader,
    question: SearchQuery,
    after: Option<i64>,
    limit: u32,
) -> Result<Option<SearchHits>, StoreError> {
    let zone = sheet.setting.options.site.time_zone;
    let asked = ArticleQuery {
        words: Some(question.words.clone()).filter(|words| !words.is_empty()),
        phrases: search_text::quoted_phrases(&question.words),
        channel: question.channel.clone(),
        from: question.from.map(|day| start_of_day(day, zone)),
        to: question
            .to
            .and_then(|day| day.succ_opt())
            .map(|next| start_of_day(next, zone) - chrono::TimeDelta::seconds(1)),
        after,
        limit,
        bytes: PAGE_BYTES,
        counted: true,
    };
    load_search(snapshot, asked, question).await
}

async fn load_search(
    snapshot: &mut Snapshot,
    asked: ArticleQuery,
    question: SearchQuery,
) -> Result<Option<SearchHits>, StoreError> {
    let page = match snapshot.query_articles(&asked).await? {
        ArticleQueryResult::Page(page) => page,
        ArticleQueryResult::UnknownChannel => return Ok(None),
    };
    for article in &page.damaged {
        error!(%article, "the store holds this article damaged; it is left out");
    }
    let number = page.items.iter().map(|item| item.number).max().unwrap_or_default();
    let entries = page.items.into_iter().map(|item| item.entry).collect();
    let total = page.total.map_or((0, true), |total| (total.number, total.at_least));
    Ok(Some(SearchHits { question, entries, next: page.next, goes_on: asked.after.is_some(), total, number }))
}

async fn load_month(
    snapshot: &mut Snapshot,
    sheet: &PageHeader,
    scope: Scope,
    month: Month,
    part: MonthExtent,
) -> Result<Option<PageContent>, StoreError> {
    let zone = sheet.setting.options.site.time_zone;
    let Some(months) = snapshot.months(scope.as_ref(), zone).await? else { return Ok(None) };
    let Some(place) = months.iter().position(|known| *known == month) else { return Ok(None) };
    let asked = ArticleQuery {
        channel: scope.clone(),
        from: Some(month.start(zone)),
        to: Some(month.end(zone)),
        after: if let MonthExtent::After(after) = part { after } else { None },
        limit: MONTH_PAGE_SIZE,
        bytes: PAGE_BYTES,
        ..ArticleQuery::default()
    };
    let Some(mut whole) = load_search(snapshot, asked.clone(), SearchQuery::default()).await? else {
        return Ok(None);
    };
    while part == MonthExtent::Whole
        && let Some(after) = whole.next
    {
        let asked = ArticleQuery { after: Some(after), ..asked.clone() };
        let Some(more) = load_search(snapshot, asked, SearchQuery::default()).await? else { break };
        whole.entries.extend(more.entries);
        whole.next = more.next;
    }
    let newer = place.checked_sub(1).and_then(|place| months.get(place)).copied();
    let older = months.get(place + 1).copied();
    Ok(Some(PageContent::Month(scope, month, Box::new(whole), older, newer)))
}

async fn load_locations(
    snapshot: &mut Snapshot,
    sheet: &PageHeader,
    sitemap: Sitemap,
) -> Result<Option<PageContent>, StoreError> {
    let zone = sheet.setting.options.site.time_zone;
    let (from, to, limit) = match sitemap {
        Sitemap::Pages => return Ok(Some(PageContent::Locations(sheet.pages()))),
        Sitemap::Index => (None, None, MAX_SINGLE_SITEMAP + 1),
        Sitemap::Month(month) => (Some(month.start(zone)), Some(month.end(zone)), MAX_SITEMAP_URLS),
    };
    let listing = snapshot.sitemap_entries(from, to, limit).await?;
    if sitemap == Sitemap::Index && listing.len() > MAX_SINGLE_SITEMAP as usize {
        let months = snapshot.months(None, zone).await?.unwrap_or_default();
        let months = months.into_iter().map(Sitemap::Month);
        return Ok(Some(PageContent::Index(std::iter::once(Sitemap::Pages).chain(months).collect())));
    }
    if sitemap != Sitemap::Index && listing.is_empty() {
        return Ok(None);
    }
    // A sitemap names the pages that say of themselves that they are the right address, and of no channel that is gone.
    let shown = sheet.shown();
    let stands_here = |listed: &SitemapEntry| {
        listed.channels.iter().any(|channel| shown.contains(channel))
            && listed.link.as_deref().and_then(feed::http_url).is_none()
    };
    let articles = listing.into_iter().filter(stands_here).map(|listed| SitemapUrl {
        path: crate::urls::article_path(&listed.permalink),
        changed: Some(listed.updated),
    });
    let pages = if sitemap == Sitemap::Index { sheet.pages() } else { Vec::new() };
    Ok(Some(PageContent::Locations(pages.into_iter().chain(articles).collect())))
}

/// All that an answer depends on beside what was found.
struct PageHeader {
    setting: RenderContext,
    log: String,
    number: u64,
    at: Timestamp,
}

impl PageHeader {
    /// Home and the channels.
    fn pages(&self) -> Vec<SitemapUrl> {
        let served = self.setting.channels.iter().filter(|channel| !channel.is_gone());
        let scopes = std::iter::once(None).chain(served.map(|channel| Some(&channel.slug)));
        scopes.map(|scope| SitemapUrl { path: page_path(scope), changed: None }).collect()
    }

    /// The channels whose articles stand in one that is served.
    fn shown(&self) -> BTreeSet<Slug> {
        let served = self.setting.channels.iter().filter(|channel| !channel.is_gone());
        served.flat_map(|channel| included_channels(&channel.slug, &self.setting.channels)).collect()
    }

    fn encode(&self, content: PageContent) -> Rendered {
        let RenderOptions { site, addresses, .. } = &*self.setting.options;
        let frame = || self.setting.page_context();
        let next = |found: &SearchHits| found.next.map(encode_cursor);
        let channel = |scope: &Scope| self.setting.channel(scope.as_ref());
        let (media_type, bytes) = match content {
            PageContent::Feed(found, format) => return self.feed(&found, format),
            PageContent::Search(found, opened) => {
                let next = next(&found);
                let SearchHits { question, entries, goes_on, total, .. } = &found;
                let answer = SearchOutcome::Found {
                    entries,
                    next: next.as_deref(),
                    has_more: *goes_on,
                    total: *total,
                };
                (html::MEDIA_TYPE, html::search(&frame(), question, answer, opened))
            }
            PageContent::Months(scope, months) => {
                (html::MEDIA_TYPE, html::months(&frame(), channel(&scope), &months))
            }
            PageContent::Month(scope, month, found, older, newer) => {
                let next = next(&found);
                let SearchHits { entries, goes_on, .. } = &*found;
                let part = MonthPage {
                    month,
                    entries,
                    next: next.as_deref(),
                    is_continuation: *goes_on,
                    previous_month: older,
                    next_month: newer,
                };
                (html::MEDIA_TYPE, html::month(&frame(), channel(&scope), part))
            }
            PageContent::Locations(locations) => {
                (html::SITEMAP_MEDIA_TYPE, html::sitemap(addresses, site.time_zone, &locations))
            }
            PageContent::Index(sitemaps) => {
                (html::SITEMAP_MEDIA_TYPE, html::sitemap_index(addresses, &sitemaps))
            }
        };
        let version = LogVersion { log: self.log.clone(), number: self.number };
        Rendered::Page(Arc::new(Representation::encode(media_type, bytes, &version, self.at)))
    }

    /// A feed that changes only when what was found does: who follows it is not to fetch it for every other article.
    fn feed(&self, found: &SearchHits, format: Format) -> Rendered {
        let query = found.question.query();
        let newest = found.entries.iter().map(|entry| entry.updated).max();
        let frame = feed::FeedInput {
            site: &self.setting.options.site,
            addresses: &self.setting.options.addresses,
            channel: None,
            channels: &self.setting.channels,
            entries: &[],
            tombstones: &[],
            // What finds nothing is as old as what it looks in.
            updated: newest.unwrap_or(self.setting.channels_at),
            kind: FeedKind::Search { words: &found.question.words, query: &query },
            hub: None,
        };
        let mut entries = found.entries.clone();
        let bytes = self.setting.shorten(&mut entries, &frame);
        self.setting.squeeze(&mut entries, &bytes, &frame);
        let document = feed::FeedInput { entries: &entries, ..frame };
        let bytes = feed::render(&document, format);
        if let Err(fault) = (self.setting.options.verifier)(&document, format, &bytes) {
            error!(%query, %fault, "the feed of a search did not pass its reading back");
            return Rendered::Failed;
        }
        let version = LogVersion { log: self.log.clone(), number: found.number };
        Rendered::Page(Arc::new(Representation::encode(feed::media_type(format), bytes, &version, self.at)))
    }
}

/// A place in a list as readers hand it back, who are not to read anything in it.
pub fn encode_cursor(place: i64) -> String {
    format!("{:016x}", place.cast_unsigned())
}

/// The place of a cursor; none where it is not ours.
pub fn decode_cursor(cursor: &str) -> Option<i64> {
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
            prop_assert_eq!(decode_cursor(&encode_cursor(place)), Some(place));
        }

        #[test]
        fn any_other_text_is_no_cursor(text in any::<String>()) {
            prop_assert_eq!(decode_cursor(&text).map(encode_cursor).unwrap_or_else(|| text.clone()), text);
        }
    }
}

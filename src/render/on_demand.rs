//! Searches, month pages and sitemaps, rendered on demand and cached until the log changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use tracing::error;

use super::cache::{Cache, Weigh};
use super::context::{RenderContext, RenderOptions, blocking};
use super::representation::{LogVersion, Representation};
use crate::feed::{self, FeedKind};
use crate::html::{self, MonthPage, SearchOutcome, SearchQuery, SitemapUrl};
use crate::model::{Entry, Slug, included_channels};
use crate::search_text;
use crate::store::{ArticleQuery, ArticleQueryResult, Snapshot, Store, StoreError};
use crate::time::{Month, Timestamp, start_of_day};
use crate::urls::{ACCESSIBILITY_PATH, Format, Scope, Sitemap, page_path};

/// The capacity of the cache in bytes. The largest sitemaps take about ten megabytes.
const CACHE_BYTES: u64 = 32 << 20;
/// The typical size of a document in its three encodings.
const TYPICAL_BYTES: u64 = 32 << 10;
/// Articles per page of search results.
const SEARCH_PAGE_SIZE: u32 = 20;
/// Articles per page of a month.
const MONTH_PAGE_SIZE: u32 = 60;
/// A page ends early when its articles exceed this size, about.
const PAGE_BYTES: usize = 2 * 1024 * 1024;
/// Maximum URLs in a single sitemap. The protocol allows 50,000, but smaller ones are rendered faster.
const MAX_SINGLE_SITEMAP: u32 = 10_000;
/// Maximum URLs in the news sitemap: the limit of the extension.
const MAX_NEWS: usize = 1_000;
/// The period before the newest article that the news sitemap covers: the limit of the extension.
const NEWS_PERIOD: TimeDelta = TimeDelta::hours(48);
/// Maximum URLs in the sitemap of a month: the limit of the protocol.
const MAX_SITEMAP_URLS: u32 = 50_000;

/// A document that is rendered on demand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PageRequest {
    /// A page of search results.
    Search {
        /// The search.
        query: SearchQuery,
        /// The cursor of the previous page.
        after: Option<i64>,
        /// The page is shown instead of this feed.
        opened: Option<Format>,
    },
    /// Search results as a feed.
    SearchFeed(SearchQuery, Format),
    /// The list of months of a channel, or those of one year.
    Months(Scope, Option<i32>),
    /// The articles of a month of a channel.
    Month(Scope, Month, MonthExtent),
    /// A sitemap.
    Sitemap(Sitemap),
}

/// Which articles of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MonthExtent {
    /// One page, from the start or after a cursor.
    After(Option<i64>),
    /// All articles on one page, for static exports.
    Whole,
}

impl PageRequest {
    /// The channel that the document depends on.
    fn scope(&self) -> Scope {
        match self {
            Self::Search { query, .. } | Self::SearchFeed(query, _) => query.channel.clone(),
            Self::Months(scope, _) | Self::Month(scope, ..) => scope.clone(),
            Self::Sitemap(_) => None,
        }
    }
}

/// The result of a request.
#[derive(Clone)]
pub enum Rendered {
    /// The document.
    Page(Arc<Representation>),
    /// The channel or month does not exist.
    NotFound,
    /// Verification failed.
    Failed,
}

/// Renders and caches documents on demand.
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
    /// A renderer for the log in `store`.
    pub fn new(store: Store, options: RenderOptions) -> Self {
        let cache = Cache::new(store.subscribe(), CACHE_BYTES, TYPICAL_BYTES);
        Self { store, options: Arc::new(options), cache }
    }

    /// The document if it is cached and current. Does not access the store.
    pub fn cached(&self, request: &PageRequest) -> Option<Rendered> {
        self.cache.get(request)
    }

    /// The document from the cache or the store.
    ///
    /// # Errors
    /// The store is unavailable.
    pub async fn render(&self, request: PageRequest) -> Result<Rendered, StoreError> {
        self.cache.get_or_make(request.clone(), |_| self.load(request)).await
    }

    async fn load(&self, request: PageRequest) -> Result<Rendered, StoreError> {
        let mut snapshot = self.store.snapshot().await?;
        let context = RenderContext::load(&mut snapshot, &self.store, Arc::clone(&self.options)).await?;
        let input = PageInput::load(&mut snapshot, &context, request).await?;
        drop(snapshot);
        match input {
            None => Ok(Rendered::NotFound),
            Some(input) => blocking(move || input.render()).await,
        }
    }
}

/// The data of a document, read from one snapshot.
pub struct PageInput {
    header: PageHeader,
    content: PageContent,
}

impl PageInput {
    /// Loads the data; none if the channel or month does not exist.
    ///
    /// # Errors
    /// The store is unavailable.
    pub async fn load(
        snapshot: &mut Snapshot,
        context: &RenderContext,
        request: PageRequest,
    ) -> Result<Option<Self>, StoreError> {
        let scope = request.scope();
        let state = snapshot.channel_states().await?.remove(&scope);
        let header = PageHeader {
            log: context.log_id_for(scope.as_ref()),
            number: state.map_or(0, |state| state.number),
            // The document changes only with its channel or the channel list.
            at: state.map_or(context.channels_at, |state| state.last_modified.max(context.channels_at)),
            context: context.clone(),
        };
        let (zone, items) = (context.options.site.time_zone, context.options.live.items);
        let content = match request {
            PageRequest::Search { query, after, opened } => {
                search(snapshot, &header, query, after, SEARCH_PAGE_SIZE)
                    .await?
                    .map(|hits| PageContent::Search(hits, opened))
            }
            PageRequest::SearchFeed(query, format) => search(snapshot, &header, query, None, items)
                .await?
                .map(|hits| PageContent::Feed(hits, format)),
            PageRequest::Months(scope, year) => {
                let mut months = snapshot.months(scope.as_ref(), zone).await?;
                if let (Some(year), Some(months)) = (year, &mut months) {
                    months.retain(|month| month.year == year);
                }
                // A year without articles has no page.
                let months = months.filter(|months| year.is_none() || !months.is_empty());
                months.map(|months| PageContent::Months(scope, year, months))
            }
            PageRequest::Month(scope, month, part) => {
                load_month(snapshot, &header, scope, month, part).await?
            }
            PageRequest::Sitemap(sitemap) => load_locations(snapshot, &header, sitemap).await?,
        };
        Ok(content.map(|content| Self { header, content }))
    }

    /// Blocking: takes some milliseconds.
    pub fn render(self) -> Rendered {
        self.header.encode(self.content)
    }
}

/// The content of a document.
enum PageContent {
    Search(SearchHits, Option<Format>),
    Feed(SearchHits, Format),
    Months(Scope, Option<i32>, Vec<Month>),
    Month(Scope, Month, Box<SearchHits>, Option<Month>, Option<Month>),
    Locations(Vec<SitemapUrl>),
    News(Vec<Entry>),
    Index(Vec<Sitemap>),
}

/// A page of articles.
struct SearchHits {
    query: SearchQuery,
    entries: Vec<Entry>,
    next: Option<i64>,
    is_continuation: bool,
    /// The number of matches, and whether it is a lower bound.
    total: (u64, bool),
    /// The newest revision number of the articles.
    number: u64,
}

async fn search(
    snapshot: &mut Snapshot,
    header: &PageHeader,
    query: SearchQuery,
    after: Option<i64>,
    limit: u32,
) -> Result<Option<SearchHits>, StoreError> {
    let zone = header.context.options.site.time_zone;
    let article_query = ArticleQuery {
        words: Some(query.words.clone()).filter(|words| !words.is_empty()),
        phrases: search_text::quoted_phrases(&query.words),
        channel: query.channel.clone(),
        within: None,
        from: query.from.map(|day| start_of_day(day, zone)),
        to: query
            .to
            .and_then(|day| day.succ_opt())
            .map(|next| start_of_day(next, zone) - TimeDelta::seconds(1)),
        after,
        limit,
        bytes: PAGE_BYTES,
        counted: true,
    };
    load_search(snapshot, article_query, query).await
}

async fn load_search(
    snapshot: &mut Snapshot,
    article_query: ArticleQuery,
    query: SearchQuery,
) -> Result<Option<SearchHits>, StoreError> {
    let page = match snapshot.query_articles(&article_query).await? {
        ArticleQueryResult::Page(page) => page,
        ArticleQueryResult::UnknownChannel => return Ok(None),
    };
    for article in &page.damaged {
        error!(%article, "stored article is damaged and omitted");
    }
    let number = page.items.iter().map(|item| item.number).max().unwrap_or_default();
    let entries = page.items.into_iter().map(|item| item.entry).collect();
    let total = page.total.map_or((0, true), |total| (total.number, total.at_least));
    Ok(Some(SearchHits {
        query,
        entries,
        next: page.next,
        is_continuation: article_query.after.is_some(),
        total,
        number,
    }))
}

async fn load_month(
    snapshot: &mut Snapshot,
    header: &PageHeader,
    scope: Scope,
    month: Month,
    extent: MonthExtent,
) -> Result<Option<PageContent>, StoreError> {
    let zone = header.context.options.site.time_zone;
    let Some(months) = snapshot.months(scope.as_ref(), zone).await? else { return Ok(None) };
    let Some(index) = months.iter().position(|known| *known == month) else { return Ok(None) };
    let query = ArticleQuery {
        channel: scope.clone(),
        from: Some(month.start(zone)),
        to: Some(month.end(zone)),
        after: if let MonthExtent::After(after) = extent { after } else { None },
        limit: MONTH_PAGE_SIZE,
        bytes: PAGE_BYTES,
        ..ArticleQuery::default()
    };
    let Some(mut hits) = load_search(snapshot, query.clone(), SearchQuery::default()).await? else {
        return Ok(None);
    };
    while extent == MonthExtent::Whole
        && let Some(after) = hits.next
    {
        let query = ArticleQuery { after: Some(after), ..query.clone() };
        let Some(more) = load_search(snapshot, query, SearchQuery::default()).await? else { break };
        hits.entries.extend(more.entries);
        hits.next = more.next;
    }
    let next = index.checked_sub(1).and_then(|index| months.get(index)).copied();
    let previous = months.get(index + 1).copied();
    Ok(Some(PageContent::Month(scope, month, Box::new(hits), previous, next)))
}

async fn load_locations(
    snapshot: &mut Snapshot,
    header: &PageHeader,
    sitemap: Sitemap,
) -> Result<Option<PageContent>, StoreError> {
    let zone = header.context.options.site.time_zone;
    let (from, to, limit) = match sitemap {
        Sitemap::Pages => return Ok(Some(PageContent::Locations(header.pages()))),
        Sitemap::News => return load_news(snapshot, header).await,
        Sitemap::Index => (None, None, MAX_SINGLE_SITEMAP + 1),
        Sitemap::Month(month) => (Some(month.start(zone)), Some(month.end(zone)), MAX_SITEMAP_URLS),
    };
    let mut listing = snapshot.sitemap_entries(from, to, limit).await?;
    if sitemap == Sitemap::Index && listing.len() > MAX_SINGLE_SITEMAP as usize {
        let months = snapshot.months(None, zone).await?.unwrap_or_default();
        let months = months.into_iter().map(Sitemap::Month);
        return Ok(Some(PageContent::Index(std::iter::once(Sitemap::Pages).chain(months).collect())));
    }
    let visible = header.visible_channels();
    listing.retain(|entry| is_listed(&visible, &entry.channels, entry.link.as_deref()));
    if sitemap != Sitemap::Index && listing.is_empty() {
        return Ok(None);
    }
    let articles = listing.into_iter().map(|entry| SitemapUrl {
        path: crate::urls::article_path(&entry.permalink),
        changed: Some(entry.updated),
    });
    let pages = if sitemap == Sitemap::Index { header.pages() } else { Vec::new() };
    Ok(Some(PageContent::Locations(pages.into_iter().chain(articles).collect())))
}

/// A sitemap lists the canonical pages of visible channels.
fn is_listed(visible: &BTreeSet<Slug>, channels: &[Slug], link: Option<&str>) -> bool {
    link.and_then(crate::text::http_url).is_none() && channels.iter().any(|channel| visible.contains(channel))
}

/// The articles of the news sitemap, newest first; none without articles (feed rule N1).
async fn load_news(snapshot: &mut Snapshot, header: &PageHeader) -> Result<Option<PageContent>, StoreError> {
    let visible = header.visible_channels();
    let (mut entries, mut query) =
        (Vec::<Entry>::new(), ArticleQuery { limit: 100, bytes: PAGE_BYTES, ..ArticleQuery::default() });
    while let Some(hits) = load_search(snapshot, query.clone(), SearchQuery::default()).await? {
        let listed = |entry: &Entry| is_listed(&visible, &entry.channels, entry.article.link.as_deref());
        entries.extend(hits.entries.into_iter().filter(listed));
        query.from = entries.first().map(|newest| newest.article.published.instant - NEWS_PERIOD);
        query.after = hits.next;
        if hits.next.is_none() || entries.len() >= MAX_NEWS {
            break;
        }
    }
    entries.truncate(MAX_NEWS);
    entries.retain(|entry| query.from.is_none_or(|from| entry.article.published.instant >= from));
    Ok((!entries.is_empty()).then_some(PageContent::News(entries)))
}

/// What a document depends on besides its articles.
struct PageHeader {
    context: RenderContext,
    log: String,
    number: u64,
    at: Timestamp,
}

impl PageHeader {
    /// The home page and the channel pages.
    fn pages(&self) -> Vec<SitemapUrl> {
        let visible = self.context.channels.iter().filter(|channel| !channel.is_gone());
        let scopes = std::iter::once(None).chain(visible.map(|channel| Some(&channel.slug)));
        let paths = scopes.map(page_path).chain([ACCESSIBILITY_PATH.to_owned()]);
        paths.map(|path| SitemapUrl { path, changed: None }).collect()
    }

    /// The channels whose articles appear in a channel with a page.
    fn visible_channels(&self) -> BTreeSet<Slug> {
        let visible = self.context.channels.iter().filter(|channel| !channel.is_gone());
        visible.flat_map(|channel| included_channels(&channel.slug, &self.context.channels)).collect()
    }

    fn encode(&self, content: PageContent) -> Rendered {
        let RenderOptions { site, addresses, .. } = &*self.context.options;
        let page_context = || self.context.page_context();
        let next = |hits: &SearchHits| hits.next.map(encode_cursor);
        let channel = |scope: &Scope| self.context.channel(scope.as_ref());
        let (media_type, bytes) = match content {
            PageContent::Feed(hits, format) => return self.feed(&hits, format),
            PageContent::Search(hits, opened) => {
                let next = next(&hits);
                let SearchHits { query, entries, is_continuation, total, .. } = &hits;
                let outcome = SearchOutcome::Found {
                    entries,
                    next: next.as_deref(),
                    is_continuation: *is_continuation,
                    total: *total,
                };
                (html::MEDIA_TYPE, html::search(&page_context(), query, outcome, opened))
            }
            PageContent::Months(scope, year, months) => {
                (html::MEDIA_TYPE, html::months(&page_context(), channel(&scope), year, &months))
            }
            PageContent::Month(scope, month, hits, previous_month, next_month) => {
                let next = next(&hits);
                let SearchHits { entries, is_continuation, .. } = &*hits;
                let page = MonthPage {
                    month,
                    entries,
                    next: next.as_deref(),
                    is_continuation: *is_continuation,
                    previous_month,
                    next_month,
                };
                (html::MEDIA_TYPE, html::month(&page_context(), channel(&scope), page))
            }
            PageContent::Locations(locations) => {
                (html::SITEMAP_MEDIA_TYPE, html::sitemap(addresses, site.time_zone, &locations))
            }
            PageContent::News(entries) => {
                (html::SITEMAP_MEDIA_TYPE, html::news_sitemap(&page_context(), &entries))
            }
            PageContent::Index(sitemaps) => {
                (html::SITEMAP_MEDIA_TYPE, html::sitemap_index(addresses, &sitemaps))
            }
        };
        let version = LogVersion { log: self.log.clone(), number: self.number };
        Rendered::Page(Arc::new(Representation::new(media_type, bytes, &version, self.at)))
    }

    /// A feed of search results. Its version depends only on the results, so that clients do not fetch it again for every
    /// other article.
    fn feed(&self, hits: &SearchHits, format: Format) -> Rendered {
        let query_string = hits.query.query();
        let newest = hits.entries.iter().map(|entry| entry.updated).max();
        let empty_feed = feed::FeedInput {
            site: &self.context.options.site,
            addresses: &self.context.options.addresses,
            channel: None,
            channels: &self.context.channels,
            entries: &[],
            tombstones: &[],
            // A search without results changes with the channels.
            updated: newest.unwrap_or(self.context.channels_at),
            kind: FeedKind::Search { words: &hits.query.words, query: &query_string },
        };
        let mut entries = hits.entries.clone();
        let bytes = self.context.shorten(&mut entries, &empty_feed);
        self.context.squeeze(&mut entries, &bytes, &empty_feed);
        let document = feed::FeedInput { entries: &entries, ..empty_feed };
        let bytes = match self.context.render_feed(&document, format) {
            Ok(bytes) => bytes,
            Err(fault) => {
                error!(query = %query_string, %fault, "search feed failed verification");
                return Rendered::Failed;
            }
        };
        let version = LogVersion { log: self.log.clone(), number: hits.number };
        Rendered::Page(Arc::new(Representation::new(feed::media_type(format), bytes, &version, self.at)))
    }
}

/// Encodes a sort key as an opaque cursor.
pub fn encode_cursor(sort_key: i64) -> String {
    format!("{:016x}", sort_key.cast_unsigned())
}

/// Decodes a cursor; none if it is invalid.
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
        fn cursors_round_trip(sort_key in any::<i64>()) {
            prop_assert_eq!(decode_cursor(&encode_cursor(sort_key)), Some(sort_key));
        }

        #[test]
        fn other_texts_are_invalid_cursors(text in any::<String>()) {
            prop_assert_eq!(decode_cursor(&text).map(encode_cursor).unwrap_or_else(|| text.clone()), text);
        }
    }
}

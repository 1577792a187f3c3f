//! One poll of a source.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, LINK, RETRY_AFTER};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use tokio::task::block_in_place;
use tracing::{info, warn};
use url::Url;

use super::dates::{self, DateHabits, Verdict};
use super::hosts::Hosts;
use super::options::{PullOptions, SourceOptions, Withdrawals};
use super::report::PullReport;
use super::robots;
use super::state::{self, SourceState, Wishes};
use super::subscription;
use crate::fetch::{AllowedAddresses, FetchRequest, FetchResponse, Fetcher, Limits};
use crate::model::{Article, ArticleId, Origin, Slug, bounds};
use crate::parse::{
    self, DateDoubt, FeedFault, HubLinks, ParseOptions, Repairs, SourceFeed, SourceItem, feed_links,
    hub_links, link_key, page_date, read_feed,
};
use crate::store::{
    CollectedItem, FileRemovalOutcome, ItemRecord, ItemState, Source, SourceHub, Store, StoreError,
    Submission, SubmitOutcome, WriteConditions,
};
use crate::text::hex;
use crate::time::{PublishedAt, Timestamp};

const ACCEPT: &str = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, \
                      text/xml;q=0.9, text/html;q=0.5, */*;q=0.1";
/// Maximum number of requests at the same time.
const MAX_REQUESTS: usize = 16;
/// Maximum number of pages that one poll requests. The items of further ones wait for the next poll.
const MAX_PAGES: usize = 20;

/// Polls sources. Clones share their connections and the turns of hosts.
#[derive(Clone)]
pub struct Collector {
    pub(super) store: Store,
    pub(super) options: Arc<PullOptions>,
    fetcher: Fetcher,
    hosts: Hosts,
    requests: Arc<Semaphore>,
}

/// Why a source could not be read.
struct Failure {
    reason: String,
    retry_after: Option<chrono::TimeDelta>,
    is_gone: bool,
}

impl Failure {
    fn new(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), retry_after: None, is_gone: false }
    }
}

/// An answer of a source.
struct Answer {
    response: FetchResponse,
    /// None if it did not change.
    feed: Option<SourceFeed>,
}

impl Collector {
    /// A collector into this store.
    pub fn new(store: Store, options: PullOptions) -> Self {
        let fetcher = Fetcher::new(&options.user_agent, Limits::default());
        let requests = Arc::new(Semaphore::new(MAX_REQUESTS));
        Self { store, options: Arc::new(options), fetcher, hosts: Hosts::default(), requests }
    }

    /// Polls a source now, and stores its state. A source that cannot be read is part of the report.
    ///
    /// # Errors
    /// If the store fails. What was not stored is read again by the next poll.
    pub async fn poll(&self, source: &SourceOptions) -> Result<PullReport, StoreError> {
        let mut state = SourceState::load(&self.store, source).await?;
        let hub = self.store.source_hub(&source.name).await?;
        let answer = self.read(source, &mut state).await;
        let now = self.store.clock().now();
        let mut report = PullReport::default();
        match answer {
            Err(failure) => {
                state.is_gone = failure.is_gone;
                let reason: String = failure.reason.chars().take(300).collect();
                state.failed(now, source.every, reason.clone(), failure.retry_after, jitter());
                report.error = Some(reason);
            }
            Ok(Answer { response, feed }) => {
                let header = |name| response.header(name).and_then(state::max_age);
                let mut wishes =
                    Wishes { pause: header(CACHE_CONTROL).unwrap_or_default(), skip_hours: Vec::new() };
                if let Some(feed) = feed {
                    let ttl = feed.ttl.map(|minutes| chrono::TimeDelta::minutes(minutes.min(10_000) as i64));
                    wishes.pause = wishes.pause.max(ttl.unwrap_or_default());
                    wishes.skip_hours.clone_from(&feed.skip_hours);
                    let mut poll = Poll::new(self, source, &mut state, now);
                    let is_complete = poll.take(feed).await?;
                    report = poll.report;
                    // A feed of which something is left to do must be sent again.
                    (state.etag, state.last_modified) =
                        if is_complete { response.validators() } else { (None, None) };
                }
                for (kind, times) in &report.repairs {
                    *state.repairs.entry(*kind).or_default() += times;
                }
                state.published += report.published;
                if report.published > 0 {
                    state.last_new = Some(now);
                }
                let changes = report.published + report.corrected + report.withdrawn;
                if state.hub.note(hub.as_ref(), changes, now) {
                    warn!(source = %source.name, "the hub of a source misses changes; it is polled as before");
                }
                let pause = subscription::pause(source.every, hub.as_ref(), &state.hub, now);
                state.succeeded(now, pause, &wishes, jitter());
                state.hub.is_subscribed = subscription::keep(
                    &self.store,
                    &self.options,
                    source,
                    hub_of(&response, hub.as_ref()),
                    hub,
                )
                .await?;
            }
        }
        // NOTE: what an operator set meanwhile stays.
        state.is_paused = SourceState::load(&self.store, source).await?.is_paused;
        state.save(&self.store, source).await?;
        Ok(report)
    }

    /// Requests the feed of a source: at its URL, or at one that its page names.
    async fn read(&self, source: &SourceOptions, state: &mut SourceState) -> Result<Answer, Failure> {
        let url = state.feed_url(source).to_owned();
        let request = FetchRequest {
            accept: ACCEPT,
            etag: state.etag.clone(),
            last_modified: state.last_modified.clone(),
            ..FetchRequest::new(&url, addresses_of(source))
        };
        let response = self.request(request).await?;
        state.note_redirect(response.moved_to.as_ref().map(Url::as_str));
        if response.status == StatusCode::NOT_MODIFIED {
            return Ok(Answer { response, feed: None });
        }
        let fault = match block_in_place(|| read_response(&response)) {
            Ok(feed) => return Ok(Answer { response, feed: Some(feed) }),
            Err(fault) => fault,
        };
        let links = block_in_place(|| {
            if is_html(&response.body) { feed_links(&response.body, &response.url) } else { Vec::new() }
        });
        let Some(link) = links.into_iter().next() else { return Err(Failure::new(fault)) };
        let request =
            FetchRequest { accept: ACCEPT, ..FetchRequest::new(link.as_str(), addresses_of(source)) };
        let response = self.request(request).await?;
        let feed = block_in_place(|| read_response(&response)).map_err(Failure::new)?;
        state.url = Some(link.into());
        Ok(Answer { response, feed: Some(feed) })
    }

    /// A response with status 200 or 304.
    async fn request(&self, request: FetchRequest) -> Result<FetchResponse, Failure> {
        let response = self.get(request).await?;
        let status = response.status;
        if status == StatusCode::OK || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        let now = self.store.clock().now();
        let retry_after = response.header(RETRY_AFTER).and_then(|value| state::retry_after(value, now));
        let is_gone = status == StatusCode::GONE;
        let reason = match is_gone {
            true => "the source answers 410: it exists no more and is not requested again".to_owned(),
            false => format!("the source answers {status}"),
        };
        Err(Failure { reason, retry_after, is_gone })
    }

    async fn get(&self, request: FetchRequest) -> Result<FetchResponse, Failure> {
        let _turn = self.hosts.turn(&request.url).await;
        let _permit = self.requests.acquire().await.map_err(Failure::new)?;
        self.fetcher.get(request).await.map_err(Failure::new)
    }

    /// Submits an item as an article, or records why it is held back. Returns what was done.
    pub(super) async fn submit(
        &self,
        source: &SourceOptions,
        item: &SourceItem,
        collected: CollectedItem,
        published: PublishedAt,
        feed: &str,
        repairs: &mut Repairs,
    ) -> Result<Result<SubmitOutcome, String>, StoreError> {
        let options = self.parse_options();
        let with_language = SourceItem {
            language: item.language.clone().or_else(|| source.language.clone()),
            ..item.clone()
        };
        let article =
            block_in_place(|| parse::article_of(&with_language, published, &source.name, &options, repairs));
        let Some(article) = article else { return Ok(Err("its HTML is too complex".to_owned())) };
        let article = Article { origin: Some(Origin { feed: feed.to_owned() }), ..article };
        let submission = Submission {
            channels: source.channels_of(&item.categories),
            id: own_id(item, source),
            stem: Slug::from_title(&article.title),
            article,
            source: Source::Collected(collected),
            conditions: WriteConditions::default(),
        };
        Ok(match self.store.submit(submission).await?.outcome {
            SubmitOutcome::Refused(refusal) => Err(refusal.message().english),
            outcome => Ok(outcome),
        })
    }

    pub(super) fn parse_options(&self) -> ParseOptions {
        self.options.parse.clone()
    }
}

/// One poll, while it is under way.
struct Poll<'c> {
    collector: &'c Collector,
    source: &'c SourceOptions,
    state: &'c mut SourceState,
    now: Timestamp,
    report: PullReport,
    /// `robots.txt` by origin; none if it could not be read.
    robots: HashMap<String, Option<String>>,
    pages: usize,
    /// A page that may answer later was not reached.
    is_incomplete: bool,
}

impl<'c> Poll<'c> {
    fn new(
        collector: &'c Collector,
        source: &'c SourceOptions,
        state: &'c mut SourceState,
        now: Timestamp,
    ) -> Self {
        let (report, robots) = (PullReport::default(), HashMap::new());
        Self { collector, source, state, now, report, robots, pages: 0, is_incomplete: false }
    }

    /// Takes in a feed. Returns false if something of it must be tried again.
    async fn take(&mut self, feed: SourceFeed) -> Result<bool, StoreError> {
        self.report.items = feed.items.len() as u64;
        self.report.repairs = feed.repairs.clone();
        let zone = self.collector.options.parse.zone;
        let (suspected, certain) = dates::month_pattern(&feed.items, zone);
        self.state.month_as_minutes |= certain;
        let month_as_minutes = suspected || self.state.month_as_minutes;
        let collected = collected_items(&feed.items, self.source);
        let records = self.collector.store.collected(&collected).await?;
        let deleted = self.withdrawn(&feed.deleted, &collected).await?;
        // Feeds have the newest item first; the log has it last.
        for ((item, collected), record) in feed.items.iter().zip(collected).zip(records).rev() {
            if !is_settled(record.as_ref(), &collected) {
                self.take_item(item, collected, record, month_as_minutes).await?;
            }
        }
        for (record, reason) in deleted {
            self.withdraw(record, reason).await?;
        }
        Ok(!self.is_incomplete)
    }

    async fn take_item(
        &mut self,
        item: &SourceItem,
        collected: CollectedItem,
        record: Option<ItemRecord>,
        month_as_minutes: bool,
    ) -> Result<(), StoreError> {
        let published = match self.date_of(item, record.as_ref(), month_as_minutes).await {
            Ok(published) => published,
            Err(doubt) => return self.hold_back(item, collected, record, doubt.to_string()).await,
        };
        let is_new = record.as_ref().is_none_or(|record| record.article.is_none());
        let age = (self.now - published.instant).to_std().unwrap_or_default();
        if is_new && self.source.max_item_age.is_some_and(|limit| age > limit) {
            self.report.too_old += 1;
            return Ok(());
        }
        let kept = collected.clone();
        let feed = self.state.feed_url(self.source).to_owned();
        let submitted = self
            .collector
            .submit(self.source, item, collected, published, &feed, &mut self.report.repairs)
            .await?;
        match submitted {
            Ok(SubmitOutcome::Published(_) | SubmitOutcome::Scheduled(_)) => self.report.published += 1,
            Ok(SubmitOutcome::Corrected(_) | SubmitOutcome::Moved(_) | SubmitOutcome::Restored(_)) => {
                self.report.corrected += 1;
            }
            Ok(_) => {}
            Err(reason) => self.hold_back(item, kept, record, reason).await?,
        }
        Ok(())
    }

    /// Holds back an item, or a correction of a published one, which stays as it is.
    async fn hold_back(
        &mut self,
        item: &SourceItem,
        collected: CollectedItem,
        record: Option<ItemRecord>,
        reason: String,
    ) -> Result<(), StoreError> {
        let held = record.as_ref().filter(|record| record.state == ItemState::Doubtful);
        if held.is_some_and(|held| held.item == collected && held.reason.as_ref() == Some(&reason)) {
            return Ok(());
        }
        self.report.doubtful.push((item.title.clone(), reason.clone()));
        // An id that is too long for the database is reported with every poll and not stored.
        if collected.key.len() + collected.link.as_ref().map_or(0, String::len) > bounds::MAX_PATH_BYTES {
            return Ok(());
        }
        let content = serde_json::to_string(item).map_err(|cause| StoreError::Corrupt(cause.to_string()))?;
        let record = ItemRecord {
            item: collected,
            state: ItemState::Doubtful,
            article: record.and_then(|record| record.article),
            published: None,
            reason: Some(reason),
            content: Some(content),
        };
        self.collector.store.record_item(record).await
    }

    /// The publication date of an item. A date that is written as before means what it meant before.
    async fn date_of(
        &mut self,
        item: &SourceItem,
        record: Option<&ItemRecord>,
        month_as_minutes: bool,
    ) -> Result<PublishedAt, DateDoubt> {
        if let Some(record) = record
            && let Some(published) = record.published
            && record.item.date == item.date
        {
            return Ok(published);
        }
        let zone = self.collector.options.parse.zone;
        let habits = DateHabits { month_as_minutes, local_as_gmt: self.state.local_as_gmt };
        let verdict = dates::judge(item.date.as_deref(), habits, zone, self.now, &mut self.report.repairs)?;
        let question = match verdict {
            Verdict::Date(published) => return Ok(published),
            Verdict::AskPage(question) => question,
        };
        let page = match &item.link {
            Some(link) => self.page_date(link).await,
            None => None,
        };
        let (published, is_local) = dates::answer(question, page, zone, self.now, &mut self.report.repairs)?;
        self.state.local_as_gmt |= is_local;
        Ok(published)
    }

    /// The date that the page of an article prints.
    async fn page_date(&mut self, link: &str) -> Option<PublishedAt> {
        if self.pages >= MAX_PAGES {
            self.is_incomplete = true;
            return None;
        }
        self.pages += 1;
        if !self.may_request(link).await {
            return None;
        }
        let request = FetchRequest {
            accept: "text/html, application/xhtml+xml;q=0.9, */*;q=0.1",
            ..FetchRequest::new(link, addresses_of(self.source))
        };
        match self.collector.get(request).await {
            Ok(page) if page.status == StatusCode::OK => {
                let options = self.collector.parse_options();
                block_in_place(|| page_date(&page.body, &options))
            }
            Ok(page) => {
                self.is_incomplete |= page.status.is_server_error();
                None
            }
            Err(_) => {
                self.is_incomplete = true;
                None
            }
        }
    }

    /// Whether `robots.txt` allows this page. A server error forbids it for now (RFC 9309 §2.3.1.4).
    async fn may_request(&mut self, link: &str) -> bool {
        let Ok(url) = Url::parse(link) else { return false };
        let origin = url.origin().ascii_serialization();
        if !self.robots.contains_key(&origin) {
            let request = FetchRequest::new(format!("{origin}/robots.txt"), addresses_of(self.source));
            let rules = match self.collector.get(request).await {
                Ok(response) if response.status == StatusCode::OK => {
                    Some(String::from_utf8_lossy(&response.body).into_owned())
                }
                Ok(response) if response.status.is_client_error() => Some(String::new()),
                _ => None,
            };
            self.robots.insert(origin.clone(), rules);
        }
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        match self.robots.get(&origin) {
            Some(Some(rules)) => robots::allows(rules, path),
            _ => {
                self.is_incomplete = true;
                false
            }
        }
    }

    /// What the tombstones of a feed withdraw. An id that is also an item of the feed exists.
    async fn withdrawn(
        &self,
        deleted: &[(String, Option<String>)],
        items: &[CollectedItem],
    ) -> Result<Vec<(ItemRecord, Option<String>)>, StoreError> {
        let there: HashSet<&str> = items.iter().map(|item| item.key.as_str()).collect();
        let gone: Vec<CollectedItem> = deleted
            .iter()
            .map(|(id, _)| CollectedItem {
                source: self.source.name.clone(),
                key: key_of_id(id),
                link: None,
                hash: String::new(),
                date: None,
            })
            .collect();
        let records = self.collector.store.collected(&gone).await?;
        let reasons = deleted.iter().map(|(_, reason)| reason.clone());
        let found = records.into_iter().zip(reasons);
        Ok(found
            .filter_map(|(record, reason)| Some((record?, reason)))
            .filter(|(record, _)| !there.contains(record.item.key.as_str()))
            .filter(|(record, _)| matches!(record.state, ItemState::Published | ItemState::Doubtful))
            .collect())
    }

    async fn withdraw(&mut self, record: ItemRecord, reason: Option<String>) -> Result<(), StoreError> {
        if self.source.withdraw == Withdrawals::Report {
            info!(source = %self.source.name, item = %record.item.key, "the source withdrew an article; it stays");
            return Ok(());
        }
        let reason = reason.map(|reason| reason.chars().take(bounds::MAX_REASON_CHARS).collect());
        if let FileRemovalOutcome::Withdrawn(_) =
            self.collector.store.withdraw_collected(record, reason).await?
        {
            self.report.withdrawn += 1;
        }
        Ok(())
    }
}

/// Nothing is left to do for this version of an item. A doubtful one is tried again: its page may have changed.
fn is_settled(record: Option<&ItemRecord>, item: &CollectedItem) -> bool {
    record.is_some_and(|record| match record.state {
        ItemState::Dropped => true,
        ItemState::Published => record.item.hash == item.hash,
        ItemState::Doubtful | ItemState::Withdrawn => false,
    })
}

/// The items of a feed with their identity.
fn collected_items(items: &[SourceItem], source: &SourceOptions) -> Vec<CollectedItem> {
    let links: Vec<Option<String>> = items.iter().map(|item| article_link(item, source)).collect();
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for link in links.iter().flatten() {
        *uses.entry(link).or_default() += 1;
    }
    let identity = |(item, link): (&SourceItem, &Option<String>)| {
        let json = serde_json::to_vec(item).unwrap_or_default();
        let hash = |bytes: &[u8]| hex(&Sha256::digest(bytes)[..16]);
        // A link that several items share names none of them.
        let link = link.clone().filter(|link| uses.get(link.as_str()) == Some(&1));
        let key = match (&item.id, &link) {
            (Some(id), _) => key_of_id(id),
            (None, Some(link)) => format!("url:{link}"),
            (None, None) => format!("text:{}", hash(format!("{}\n{:?}", item.title, item.date).as_bytes())),
        };
        CollectedItem { source: source.name.clone(), key, link, hash: hash(&json), date: item.date.clone() }
    };
    items.iter().zip(&links).map(identity).collect()
}

/// The link of an item, if it leads to an article and not to the front page.
fn article_link(item: &SourceItem, _: &SourceOptions) -> Option<String> {
    let link = link_key(item.link.as_deref()?)?;
    link.contains(['/', '?']).then_some(link)
}

/// URLs that mean the same page are the same id.
fn key_of_id(id: &str) -> String {
    match link_key(id) {
        Some(link) => format!("url:{link}"),
        None => format!("id:{}", id.trim()),
    }
}

/// The id of an item, if it is unique in the world: a tag, a URN, or a URL of the host of the source.
fn own_id(item: &SourceItem, source: &SourceOptions) -> Option<ArticleId> {
    let id = item.id.as_deref()?;
    let host = |url: &str| {
        let host = Url::parse(url).ok()?.host_str()?.to_owned();
        Some(host.strip_prefix("www.").map_or(host.clone(), str::to_owned))
    };
    let is_url = id.starts_with("https://") || id.starts_with("http://");
    let is_unique = id.starts_with("tag:")
        || id.starts_with("urn:")
        || is_url && host(id).is_some() && host(id) == host(&source.url);
    is_unique.then(|| ArticleId::new(id))
}

fn read_response(response: &FetchResponse) -> Result<SourceFeed, FeedFault> {
    let charset = response.header(CONTENT_TYPE).and_then(|value| {
        let behind = value.split(';').skip(1).find_map(|part| part.trim().strip_prefix("charset="))?;
        Some(behind.trim_matches('"'))
    });
    read_feed(&response.body, charset, &response.url)
}

/// The hub that the feed names. A feed that did not change names the same one as before.
fn hub_of(response: &FetchResponse, before: Option<&SourceHub>) -> Option<HubLinks> {
    if response.status == StatusCode::NOT_MODIFIED {
        return before.map(subscription::links_of);
    }
    let headers: Vec<&str> =
        response.headers.get_all(LINK).iter().filter_map(|line| line.to_str().ok()).collect();
    hub_links(&headers, &response.body, &response.url)
}

fn is_html(body: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&body[..body.len().min(2048)]).to_ascii_lowercase();
    head.contains("<html") || head.contains("<!doctype html")
}

fn addresses_of(source: &SourceOptions) -> AllowedAddresses {
    if source.allow_private { AllowedAddresses::All } else { AllowedAddresses::Public }
}

/// A random number from 0 to 1, so that sources are not polled all at once.
fn jitter() -> f64 {
    let mut byte = [0];
    // Without it, polls are less spread.
    let _ = getrandom::fill(&mut byte);
    f64::from(byte[0]) / 255.0
}

//! One poll of a source, while it is under way: decides for each item what becomes of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use hyper::StatusCode;
use tokio::task::block_in_place;
use tracing::info;
use url::Url;

use super::articles::OriginOfItem;
use super::context::Context;
use super::dates::{self, CalledGmt, DateHabits, Question, Verdict};
use super::identity::{collected_items, is_settled, item_of_id, item_of_key};
use super::item_changes::ItemChanges;
use super::options::{SourceOptions, Withdrawals};
use super::report::PullReport;
use super::robots;
use super::state::SourceState;
use crate::fetch::{FetchRequest, FetchResponse};
use crate::message::Message;
use crate::model::{ArticleId, bounds};
use crate::parse::{DateDoubt, SourceFeed, SourceItem, page_date};
use crate::store::{
    ArticleLookup, CollectedItem, FileRemovalOutcome, ItemRecord, ItemState, StoreError, SubmitOutcome,
};
use crate::time::{PublishedAt, Timestamp};

/// Maximum number of pages that one poll requests. The items of further ones wait for the next poll.
const MAX_PAGES: usize = 20;

/// How many pages of a source are asked whether its dates in GMT are in GMT, until one decides it.
const MAX_GMT_COMPARISONS: u32 = 5;

/// Items of a feed whose disappearance is noticed.
const MAX_LAST_ITEMS: usize = 200;

/// One poll, while it is under way.
pub(super) struct Poll<'c> {
    pub(super) context: &'c Context,
    pub(super) source: &'c SourceOptions,
    pub(super) state: &'c mut SourceState,
    pub(super) now: Timestamp,
    pub(super) report: PullReport,
    /// A page or an image that may answer later was not reached.
    pub(super) is_incomplete: bool,
    /// `robots.txt` by origin; none if it could not be read.
    robots: HashMap<String, Option<String>>,
    pages: usize,
    /// The feed that is read, if it is not the one of the source.
    pub(super) feed: Option<String>,
    /// The items that were corrected lately.
    pub(super) unsettled: BTreeMap<ArticleId, ItemChanges>,
    /// What is read are the changed entries of a feed only.
    pub(super) is_delta: bool,
    /// The page that was requested last: its link, its URL and its bytes.
    last_page: Option<(String, Url, Vec<u8>)>,
}

impl<'c> Poll<'c> {
    pub(super) fn new(
        context: &'c Context,
        source: &'c SourceOptions,
        state: &'c mut SourceState,
        now: Timestamp,
    ) -> Self {
        let (report, robots) = (PullReport::default(), HashMap::new());
        let is_incomplete = false;
        Self {
            context,
            source,
            state,
            now,
            report,
            is_incomplete,
            robots,
            pages: 0,
            feed: None,
            unsettled: BTreeMap::new(),
            is_delta: false,
            last_page: None,
        }
    }

    /// Takes in a feed. Returns false if something of it must be tried again.
    pub(super) async fn take(&mut self, feed: SourceFeed) -> Result<bool, StoreError> {
        self.report.items += feed.items.len() as u64;
        self.state.has_doubtful &= self.is_delta || self.feed.is_some();
        for (kind, times) in &feed.repairs {
            *self.report.repairs.entry(*kind).or_default() += times;
        }
        let zone = self.context.options.parse.zone;
        let (suspected, certain) = dates::month_pattern(&feed.items, zone);
        self.state.month_as_minutes |= certain;
        let month_as_minutes = suspected || self.state.month_as_minutes;
        let collected = collected_items(&feed.items, self.source);
        let records = self.context.store.collected(&collected).await?;
        let mut deleted = self.withdrawn(&feed.deleted, &collected).await?;
        deleted.extend(self.vanished(&collected).await?);
        // Feeds have the newest item first; the log has it last.
        for ((item, collected), record) in feed.items.iter().zip(collected).zip(records).rev() {
            if !is_settled(record.as_ref(), &collected) {
                match self.date_of(item, record.as_ref(), month_as_minutes).await {
                    Ok(published) => self.take_item(item, collected, record, published).await?,
                    Err(doubt) => self.hold_back(item, collected, record, doubt.message()).await?,
                }
            } else {
                self.note_taken(&collected.hash, record.as_ref(), false).await?;
            }
        }
        for (record, reason) in deleted {
            self.withdraw(record, reason).await?;
        }
        Ok(!self.is_incomplete)
    }

    /// Takes in the items of an archive that are not known. NOTE: an archive has old versions of articles, and tombstones of
    /// articles that were restored since.
    pub(super) async fn take_unknown(&mut self, feed: SourceFeed) -> Result<(), StoreError> {
        let collected = collected_items(&feed.items, self.source);
        let records = self.context.store.collected(&collected).await?;
        let items = feed.items.into_iter().zip(records);
        let unknown = items.filter(|(_, record)| record.is_none()).map(|(item, _)| item).collect();
        // The last items of the feed itself stay known.
        let last_items = std::mem::take(&mut self.state.last_items);
        let has_doubtful = self.state.has_doubtful;
        let feed = SourceFeed { items: unknown, deleted: Vec::new(), ..feed };
        let taken = self.take(feed).await;
        self.state.last_items = last_items;
        self.state.has_doubtful |= has_doubtful;
        taken.map(|_| ())
    }

    /// Articles that are gone from the middle of the feed and whose address answers 410. What falls off its end is not
    /// withdrawn.
    async fn vanished(
        &mut self,
        items: &[CollectedItem],
    ) -> Result<Vec<(ItemRecord, Option<String>)>, StoreError> {
        let keys: HashSet<&str> = items.iter().map(|item| item.key.as_str()).collect();
        let before = std::mem::take(&mut self.state.last_items);
        if self.is_delta {
            // What is not in it has not changed.
            let unchanged = before.into_iter().filter(|key| !keys.contains(key.as_str()));
            let now = items.iter().map(|item| item.key.clone()).chain(unchanged);
            self.state.last_items = now.take(MAX_LAST_ITEMS).collect();
            return Ok(Vec::new());
        }
        if self.feed.is_none() {
            self.state.last_items = items.iter().take(MAX_LAST_ITEMS).map(|item| item.key.clone()).collect();
        }
        let still = before.iter().rposition(|key| keys.contains(key.as_str())).unwrap_or_default();
        let gone = before[..still].iter().filter(|key| !keys.contains(key.as_str()));
        let gone: Vec<CollectedItem> = gone.map(|key| item_of_key(key, self.source)).collect();
        let mut withdrawn = Vec::new();
        for record in self.context.store.collected(&gone).await?.into_iter().flatten() {
            if record.state == ItemState::Published
                && let Some(article) = &record.article
                && self.answers_gone(article).await?
            {
                withdrawn.push((record, None));
            }
        }
        Ok(withdrawn)
    }

    /// Takes in an item with its publication date.
    pub(super) async fn take_item(
        &mut self,
        item: &SourceItem,
        collected: CollectedItem,
        record: Option<ItemRecord>,
        published: PublishedAt,
    ) -> Result<(), StoreError> {
        let is_new = record.as_ref().is_none_or(|record| record.article.is_none());
        let age = (self.now - published.instant).to_std().unwrap_or_default();
        if is_new && self.source.max_age_of_items.is_some_and(|limit| age > limit) {
            self.report.too_old += 1;
            return Ok(());
        }
        if self.may_take(item, &collected, record.as_ref(), published).await? {
            self.publish_item(item, collected, record, published).await?;
        }
        Ok(())
    }

    /// Publishes or corrects an item.
    pub(super) async fn publish_item(
        &mut self,
        item: &SourceItem,
        collected: CollectedItem,
        record: Option<ItemRecord>,
        published: PublishedAt,
    ) -> Result<(), StoreError> {
        let kept = collected.clone();
        let feed = self.feed.clone().unwrap_or_else(|| self.state.feed_url(self.source).to_owned());
        let earlier = record.as_ref().map(|record| record.item.hash.as_str());
        let page = match &item.link {
            Some(link) if self.source.full_text && self.state.changes.is_none() => self.page(link).await,
            _ => None,
        };
        let publisher = self.context.publisher(self.source);
        let origin = OriginOfItem { earlier, published, feed: &feed, page };
        let done = publisher.publish(item, collected, origin, &mut self.report.repairs).await?;
        self.is_incomplete |= done.is_incomplete;
        match done.outcome {
            Ok(SubmitOutcome::Published(_) | SubmitOutcome::Scheduled(_)) => {
                self.report.published += 1;
                self.state.count_day(published, self.now, self.context.options.parse.zone);
            }
            Ok(SubmitOutcome::Corrected(_) | SubmitOutcome::Moved(_) | SubmitOutcome::Restored(_)) => {
                self.report.corrected += 1;
                self.note_taken(&kept.hash, record.as_ref(), true).await?;
            }
            Ok(_) => self.note_taken(&kept.hash, record.as_ref(), false).await?,
            Err(reason) => self.hold_back(item, kept, record, reason).await?,
        }
        Ok(())
    }

    /// Holds back an item, or a correction of a published one, which stays as it is.
    pub(super) async fn hold_back(
        &mut self,
        item: &SourceItem,
        collected: CollectedItem,
        record: Option<ItemRecord>,
        reason: Message,
    ) -> Result<(), StoreError> {
        self.state.has_doubtful = true;
        let held = record.as_ref().filter(|record| record.state == ItemState::Doubtful);
        if held.is_some_and(|held| held.item == collected && held.reason.as_ref() == Some(&reason)) {
            return Ok(());
        }
        self.report.doubtful.push((item.title.clone(), reason.english.clone()));
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
        self.context.store.record_item(record).await
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
        let zone = self.context.options.parse.zone;
        let SourceState { local_as_gmt, is_gmt_proven, gmt_comparisons, .. } = *self.state;
        let is_gmt_unproven = !is_gmt_proven && gmt_comparisons < MAX_GMT_COMPARISONS;
        let habits = DateHabits { month_as_minutes, local_as_gmt, is_gmt_unproven };
        let verdict = dates::judge(item.date.as_deref(), habits, zone, self.now, &mut self.report.repairs)?;
        let question = match verdict {
            Verdict::Date(published) => return Ok(published),
            Verdict::AskPage(question) => question,
        };
        let is_incomplete = self.is_incomplete;
        let page = match &item.link {
            Some(link) => self.page_date(link).await,
            None => None,
        };
        if let Question::FirstZone(_) = question {
            // Not worth another request of the feed.
            self.is_incomplete = is_incomplete;
            self.state.gmt_comparisons += 1;
        }
        let (published, called) = dates::answer(question, page, zone, self.now, &mut self.report.repairs)?;
        self.state.local_as_gmt |= called == Some(CalledGmt::Local);
        self.state.is_gmt_proven |= called == Some(CalledGmt::Gmt);
        Ok(published)
    }

    /// The date that the page of an article prints.
    async fn page_date(&mut self, link: &str) -> Option<PublishedAt> {
        let options = self.context.options.parse.clone();
        let (_, page) = self.page(link).await?;
        block_in_place(|| page_date(&page, &options))
    }

    /// The URL and the bytes of the page of an article.
    async fn page(&mut self, link: &str) -> Option<(Url, Vec<u8>)> {
        if let Some((_, url, page)) = self.last_page.as_ref().filter(|(of, ..)| of == link) {
            return Some((url.clone(), page.clone()));
        }
        let response = self.page_response(link).await?;
        if response.status != StatusCode::OK {
            self.is_incomplete |= response.status.is_server_error();
            return None;
        }
        self.last_page = Some((link.to_owned(), response.url.clone(), response.body.clone()));
        Some((response.url, response.body))
    }

    /// The answer to a request for the page of an article; `None` if it may not be requested or does not answer.
    async fn page_response(&mut self, link: &str) -> Option<FetchResponse> {
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
            ..FetchRequest::new(link, self.source.addresses())
        };
        let response = self.context.client.get(request).await;
        self.is_incomplete |= response.is_err();
        response.ok()
    }

    /// Whether the address of an article answers 410.
    async fn answers_gone(&mut self, article: &ArticleId) -> Result<bool, StoreError> {
        let ArticleLookup::Live { entry, .. } = self.context.store.article_by_id(article).await? else {
            return Ok(false);
        };
        let Some(link) = &entry.article.link else { return Ok(false) };
        let response = self.page_response(link).await;
        Ok(response.is_some_and(|response| response.status == StatusCode::GONE))
    }

    /// Whether `robots.txt` allows this page. A server error forbids it for now (RFC 9309 §2.3.1.4).
    async fn may_request(&mut self, link: &str) -> bool {
        let Ok(url) = Url::parse(link) else { return false };
        let origin = url.origin().ascii_serialization();
        if !self.robots.contains_key(&origin) {
            let request = FetchRequest::new(format!("{origin}/robots.txt"), self.source.addresses());
            let rules = match self.context.client.get(request).await {
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
        let gone: Vec<CollectedItem> = deleted.iter().map(|(id, _)| item_of_id(id, self.source)).collect();
        let records = self.context.store.collected(&gone).await?;
        let reasons = deleted.iter().map(|(_, reason)| reason.clone());
        let found = records.into_iter().zip(reasons);
        Ok(found
            .filter_map(|(record, reason)| Some((record?, reason)))
            .filter(|(record, _)| !there.contains(record.item.key.as_str()))
            .filter(|(record, _)| matches!(record.state, ItemState::Published | ItemState::Doubtful))
            .collect())
    }

    pub(super) async fn withdraw(
        &mut self,
        record: ItemRecord,
        reason: Option<String>,
    ) -> Result<(), StoreError> {
        if self.source.withdraw == Withdrawals::Report {
            info!(source = %self.source.name, item = %record.item.key, "the source withdrew an article; it stays");
            return Ok(());
        }
        let reason = reason.map(|reason| reason.chars().take(bounds::MAX_REASON_CHARS).collect());
        if let FileRemovalOutcome::Withdrawn(_) =
            self.context.store.withdraw_collected(record, reason).await?
        {
            self.report.withdrawn += 1;
        }
        Ok(())
    }
}

//! Takes in the articles of a backup of another log.

use std::collections::BTreeMap;

use super::channels::ChannelMap;
use super::plan::channel_map;
use super::report::{FileImportReport, ImportFinding, LeftOut};
use super::submit::{ReadyArticle, Submitter, conditions, has_article, held_by_another};
use super::{FileImportFault, FileImportOptions};
use crate::model::{Article, ArticleId, Entry, Image, Permalink, Slug};
use crate::store::{
    ArticleLookup, CollectedItem, ImageLookup, ItemState, Selection, Source, Store, StoreError, Submission,
};
use crate::text::hex;
use crate::urls::{SiteUrls, article_path};
use sha2::{Digest as _, Sha256};

/// Articles per batch.
const BATCH: usize = 64;
/// Articles and addresses that are listed at once.
const PAGE: u32 = 1000;

/// A backup of another log that can be taken in.
pub struct BackupImport {
    options: FileImportOptions,
    channels: ChannelMap,
    /// The articles, published and withdrawn, by the day of their publication.
    articles: Vec<(Permalink, ArticleId)>,
    /// The addresses that articles had before they came to the other log.
    old: BTreeMap<Permalink, Vec<String>>,
    source: String,
}

impl BackupImport {
    /// Lists the articles of `backup`, an open copy of the file. Its channels are those of this site with the same slugs.
    ///
    /// # Errors
    /// If a channel is unclear, or the backup fails. Nothing is taken in then.
    pub async fn plan(
        backup: &Store,
        options: FileImportOptions,
        addresses: &SiteUrls,
    ) -> Result<Result<Self, FileImportFault>, StoreError> {
        let channels = match channel_map(&options, addresses) {
            Ok(channels) => channels,
            Err(fault) => return Ok(Err(fault)),
        };
        let mut snapshot = backup.snapshot().await?;
        snapshot.disable_timeouts().await?;
        let mut articles = Vec::new();
        let mut last: Option<ArticleId> = None;
        loop {
            let page = snapshot.article_refs(last.as_ref(), PAGE).await?;
            let Some(end) = page.last() else { break };
            last = Some(end.id.clone());
            articles.extend(page.into_iter().map(|article| (article.permalink, article.id)));
        }
        articles.sort();
        let mut old: BTreeMap<Permalink, Vec<String>> = BTreeMap::new();
        let mut after = String::new();
        loop {
            let page = snapshot.old_addresses(&after, PAGE).await?;
            let Some((end, _)) = page.last() else { break };
            after.clone_from(end);
            page.into_iter().for_each(|(address, permalink)| old.entry(permalink).or_default().push(address));
        }
        let source = format!("import:log {}", backup.log_id());
        let import = Self { options, channels, articles, old, source };
        Ok(import.check_channels(backup, addresses).await?.map(|()| import))
    }

    /// Number of articles in the backup.
    pub fn articles(&self) -> u64 {
        self.articles.len() as u64
    }

    async fn check_channels(
        &self,
        backup: &Store,
        addresses: &SiteUrls,
    ) -> Result<Result<(), FileImportFault>, StoreError> {
        if self.channels.fallback.is_some() {
            return Ok(Ok(()));
        }
        let theirs = backup.snapshot().await?.channels().await?;
        let known = || Slug::join(self.channels.known.keys(), ", ");
        for channel in theirs {
            let slug = channel.slug.to_string();
            if self.channels.channels_of(std::slice::from_ref(&slug), addresses).is_empty()
                && !self.channels.leaves_out(&slug)
            {
                let (categories, example) = (format!("`{slug}`"), slug);
                return Ok(Err(FileImportFault::UnknownCategories { categories, example, known: known() }));
            }
        }
        Ok(Ok(()))
    }

    /// Takes the articles in. After each batch, `on_batch` receives what was done so far and the new findings.
    ///
    /// # Errors
    /// If a store fails. What was taken in before stays; the next import continues from there.
    pub async fn run(
        self,
        backup: &Store,
        store: &Store,
        addresses: &SiteUrls,
        mut on_batch: impl FnMut(&FileImportReport, Vec<ImportFinding>),
    ) -> Result<FileImportReport, StoreError> {
        let titles: BTreeMap<Slug, Option<String>> = {
            let theirs = backup.snapshot().await?.channels().await?;
            theirs.into_iter().map(|channel| (channel.slug, channel.title)).collect()
        };
        let mut submitter = Submitter::new(store, addresses, &self.channels.known, self.options.dry_run);
        for batch in self.articles.chunks(BATCH) {
            let mut findings = Vec::new();
            let mut ready = Vec::with_capacity(batch.len());
            for (permalink, id) in batch {
                let lookup = backup.snapshot().await?.article(permalink).await?;
                let entry = match lookup {
                    ArticleLookup::Live { entry, .. } => entry,
                    ArticleLookup::Withdrawn(tombstone) => {
                        findings.push(left_out(&LeftOut::Withdrawn, &tombstone.id));
                        *submitter.report.left_out.entry(LeftOut::Withdrawn).or_default() += 1;
                        continue;
                    }
                    ArticleLookup::NotFound => continue,
                };
                submitter.report.articles += 1;
                match self.taken_already(store, addresses, &entry).await? {
                    Taken::No(item) => {
                        ready.push(
                            self.ready(backup, *entry, *item, (&titles, addresses), &mut findings).await?,
                        );
                    }
                    Taken::Unchanged => submitter.report.unchanged += 1,
                    Taken::ByAnother => {
                        submitter.report.rejected += 1;
                        findings.push(held_by_another(1, id));
                    }
                }
            }
            findings.extend(submitter.submit(ready).await?);
            on_batch(&submitter.report, findings);
        }
        let scheduled = backup.all_scheduled(Selection { within: None, skip: 0, limit: usize::MAX }).await?;
        if !scheduled.is_empty() {
            submitter.report.left_out.insert(LeftOut::Scheduled, scheduled.len() as u64);
            let findings = scheduled.iter().map(|article| left_out(&LeftOut::Scheduled, &article.id));
            on_batch(&submitter.report, findings.collect());
        }
        Ok(submitter.report)
    }

    async fn taken_already(
        &self,
        store: &Store,
        addresses: &SiteUrls,
        entry: &Entry,
    ) -> Result<Taken, StoreError> {
        let channels = self.channels_of(entry, addresses);
        let json = serde_json::to_string(&without_copies(&entry.article)).unwrap_or_default();
        let channels = Slug::join(channels.keys(), ",");
        let item = CollectedItem {
            source: self.source.clone(),
            key: format!("id:{}", entry.id),
            link: None,
            hash: hex(&Sha256::digest(format!("{json}\n{channels}"))[..16]),
            date: None,
            log: None,
        };
        let record = store.collected(std::slice::from_ref(&item)).await?.into_iter().next().flatten();
        Ok(match record {
            Some(record) if record.item.hash == item.hash && record.state == ItemState::Published => {
                Taken::Unchanged
            }
            Some(_) => Taken::No(Box::new(item)),
            None if has_article(store, &entry.id).await? => Taken::ByAnother,
            None => Taken::No(Box::new(item)),
        })
    }

    fn channels_of(&self, entry: &Entry, addresses: &SiteUrls) -> BTreeMap<Slug, Option<String>> {
        let named: Vec<String> = entry.channels.iter().map(Slug::to_string).collect();
        self.channels.channels_of(&named, addresses)
    }

    async fn ready(
        &self,
        backup: &Store,
        entry: Entry,
        item: CollectedItem,
        (titles, addresses): (&BTreeMap<Slug, Option<String>>, &SiteUrls),
        findings: &mut Vec<ImportFinding>,
    ) -> Result<ReadyArticle, StoreError> {
        let mut new_channels = self.channels_of(&entry, addresses);
        for (slug, title) in &mut new_channels {
            *title = titles.get(slug).cloned().flatten();
        }
        let mut article = without_copies(&entry.article);
        let mut images = Vec::with_capacity(article.images.len());
        for image in &article.images {
            match backup.snapshot().await?.image(&image.name).await? {
                ImageLookup::Live { bytes, .. } => images.push((image.clone(), bytes)),
                ImageLookup::Gone | ImageLookup::NotFound => findings.push(ImportFinding::warning(
                    1,
                    format!("Bài {}: bản sao lưu không có ảnh {}.", entry.id, image.name),
                    format!("{}: the backup lacks the image {}", entry.id, image.name),
                )),
            }
        }
        article.images.retain(|image| images.iter().any(|(found, _): &(Image, _)| found.name == image.name));
        let mut old = self.old.get(&entry.permalink).cloned().unwrap_or_default();
        old.push(article_path(&entry.permalink));
        let submission = Submission {
            article,
            channels: new_channels.keys().cloned().collect(),
            id: Some(entry.id),
            stem: entry.permalink.slug,
            source: Source::Collected(item),
            conditions: conditions(self.options.dry_run),
        };
        Ok(ReadyArticle { line: 1, submission, new_channels, images, old })
    }
}

/// Whether an article was taken in before.
enum Taken {
    No(Box<CollectedItem>),
    Unchanged,
    /// Its id belongs to an article that came another way.
    ByAnother,
}

/// Smaller copies of images are made anew.
fn without_copies(article: &Article) -> Article {
    let mut article = article.clone();
    article.images.iter_mut().for_each(|image| image.copies.clear());
    article
}

fn left_out(why: &LeftOut, id: &ArticleId) -> ImportFinding {
    let message = why.message(id.as_str());
    ImportFinding::warning(1, message.vietnamese, message.english)
}

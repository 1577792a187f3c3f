//! Submits imported articles, and stores their old addresses.

use std::collections::{BTreeMap, HashSet};

use url::Url;

use super::report::{FileImportReport, ImportFinding};
use crate::model::{ArticleId, Image, Slug};
use crate::parse::Severity;
use crate::store::{
    ArticleLookup, Store, StoreError, Submission, SubmitOutcome, SubmitResult, WriteConditions,
    withdrawn_by_command,
};
use crate::urls::{Route, SiteUrls, article_path, old_address};

/// An article that is ready to be submitted.
pub(super) struct ReadyArticle {
    pub(super) line: usize,
    pub(super) submission: Submission,
    /// Its channels that do not exist yet, with their titles.
    pub(super) new_channels: BTreeMap<Slug, Option<String>>,
    pub(super) images: Vec<(Image, Vec<u8>)>,
    /// Its old addresses, as [`old_address`] writes them.
    pub(super) old: Vec<String>,
}

/// Stores articles and counts what became of them.
pub(super) struct Submitter<'a> {
    pub(super) store: &'a Store,
    pub(super) addresses: &'a SiteUrls,
    pub(super) dry_run: bool,
    pub(super) known: &'a BTreeMap<Slug, String>,
    pub(super) created: HashSet<Slug>,
    pub(super) report: FileImportReport,
}

impl<'a> Submitter<'a> {
    pub(super) fn new(
        store: &'a Store,
        addresses: &'a SiteUrls,
        known: &'a BTreeMap<Slug, String>,
        dry_run: bool,
    ) -> Self {
        Self {
            store,
            addresses,
            dry_run,
            known,
            created: HashSet::new(),
            report: FileImportReport::default(),
        }
    }

    /// Submits articles together, the oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn submit(
        &mut self,
        mut articles: Vec<ReadyArticle>,
    ) -> Result<Vec<ImportFinding>, StoreError> {
        articles.sort_by_key(|article| article.submission.article.published.instant);
        let (mut lines, mut submissions) = (Vec::new(), Vec::new());
        for ReadyArticle { line, submission, new_channels, images, old } in articles {
            if !self.dry_run {
                self.create(new_channels).await?;
                self.report.images += images.len() as u64;
                self.store.put_images(images).await?;
            }
            submissions.push(submission.prepare()?);
            lines.push((line, old));
        }
        let answers = self.store.start_submitting(submissions).committed().await;
        let (mut findings, mut claims) = (Vec::new(), Vec::new());
        for ((line, old), answer) in lines.into_iter().zip(answers) {
            match answer {
                Ok(result) => {
                    self.report.count(&result.outcome, self.dry_run);
                    findings.extend(finding_of(line, &result));
                    if !matches!(result.outcome, SubmitOutcome::Refused(_)) {
                        let itself = article_path(&result.permalink);
                        let old = old.into_iter().filter(|address| *address != itself);
                        claims.extend(old.map(|address| (line, address, result.id.clone())));
                    }
                }
                Err(cause) if cause.is_of_one_write() => {
                    self.report.rejected += 1;
                    findings.push(ImportFinding::error(
                        line,
                        format!("Kho tin không nhận bài này ({cause}). Các bài khác vẫn được đăng."),
                        format!("the store rejects this article ({cause}); the others are published"),
                    ));
                }
                Err(cause) => return Err(cause),
            }
        }
        findings.extend(self.claim(claims).await?);
        Ok(findings)
    }

    async fn create(&mut self, channels: BTreeMap<Slug, Option<String>>) -> Result<(), StoreError> {
        for (slug, title) in channels {
            if !self.known.contains_key(&slug) && self.created.insert(slug.clone()) {
                self.store.create_channel(&slug, title.as_deref()).await?;
            }
        }
        Ok(())
    }

    /// Stores which articles had these addresses.
    async fn claim(
        &mut self,
        claims: Vec<(usize, String, ArticleId)>,
    ) -> Result<Vec<ImportFinding>, StoreError> {
        let mut findings = Vec::new();
        let (own, free): (Vec<_>, Vec<_>) =
            claims.into_iter().partition(|(_, address, _)| self.is_own(address));
        findings.extend(own.into_iter().map(|(line, address, _)| {
            ImportFinding::warning(
                line,
                format!("Địa chỉ cũ {address} là địa chỉ của trang này nên không dẫn đến bài."),
                format!(
                    "its old address {address} is an address of this site, so it does not lead to the article"
                ),
            )
        }));
        if self.dry_run {
            return Ok(findings);
        }
        let addresses = free.iter().map(|(_, address, id)| (address.clone(), id.clone())).collect();
        let holders = self.store.add_old_addresses(addresses).await?;
        for ((line, address, id), holder) in free.into_iter().zip(holders) {
            match holder {
                Some(holder) if holder == id => self.report.old_addresses += 1,
                Some(holder) => findings.push(ImportFinding::warning(
                    line,
                    format!("Địa chỉ cũ {address} đã thuộc về bài {holder}, nên không dẫn đến bài {id}."),
                    format!(
                        "its old address {address} belongs to {holder} already and does not lead to {id}"
                    ),
                )),
                None => findings.push(ImportFinding::warning(
                    line,
                    format!("Địa chỉ cũ quá dài nên không dẫn đến bài {id}."),
                    format!("its old address is too long and does not lead to {id}"),
                )),
            }
        }
        Ok(findings)
    }

    /// True if this site answers at this address itself, so that nobody would be redirected.
    fn is_own(&self, address: &str) -> bool {
        let Some((path, query)) =
            address.split_once('?').map(|(path, query)| (path, Some(query))).or(Some((address, None)))
        else {
            return false;
        };
        if query.is_some() && path == "/" {
            return false;
        }
        let exists = |slug: &Slug| self.known.contains_key(slug) || self.created.contains(slug);
        let owns = |route: &Route| match route {
            Route::NotFound | Route::Article(_) | Route::Media(_) => false,
            Route::Page(Some(slug)) | Route::Feed(Some(slug), _) | Route::Archive(Some(slug), ..) => {
                exists(slug)
            }
            Route::Months(Some(slug), _) | Route::Month(Some(slug), _) => exists(slug),
            _ => true,
        };
        match self.addresses.parse(path) {
            Route::Redirect(target) => owns(&self.addresses.parse(&target)),
            route => owns(&route),
        }
    }
}

/// The old addresses of an article, of the URLs that it had on the `site`: each once.
pub(super) fn old_addresses<'u>(
    urls: impl IntoIterator<Item = &'u str>,
    site: &Url,
    addresses: &SiteUrls,
) -> Vec<String> {
    let host = |url: &Url| url.host_str().map(|host| host.trim_start_matches("www.").to_owned());
    let mut found = Vec::new();
    for url in urls {
        let Ok(url) = Url::parse(url) else { continue };
        // The address of another site does not lead here.
        if host(&url).is_none() || host(&url) != host(site) {
            continue;
        }
        let address = old_address(&addresses.local_path(url.path()), url.query());
        found.extend(address.filter(|address| !found.contains(address)));
    }
    found
}

fn finding_of(line: usize, result: &SubmitResult) -> Option<ImportFinding> {
    let id = &result.id;
    match &result.outcome {
        SubmitOutcome::WithdrawnByOperator => {
            Some(ImportFinding { line, severity: Severity::Warning, message: withdrawn_by_command(id) })
        }
        SubmitOutcome::Refused(refusal) => {
            Some(ImportFinding { line, severity: Severity::Error, message: refusal.message() })
        }
        SubmitOutcome::Published(_)
        | SubmitOutcome::Corrected(_)
        | SubmitOutcome::Moved(_)
        | SubmitOutcome::Restored(_)
        | SubmitOutcome::Unchanged
        | SubmitOutcome::Scheduled(_)
        // Articles from elsewhere are submitted without conditions.
        | SubmitOutcome::Conflict { .. }
        | SubmitOutcome::VersionMismatch(_)
        | SubmitOutcome::IdempotencyConflict => None,
    }
}

/// An article that came another way has this id: submitted again, it would be doubled under another id.
pub(super) fn held_by_another(line: usize, id: &ArticleId) -> ImportFinding {
    ImportFinding::error(
        line,
        format!("Bài {id} đã có ở đây từ nguồn khác nên không nhập lần nữa. Hãy xem bằng `bantin list`."),
        format!(
            "the article {id} is here already, from elsewhere, and is not imported again; see `bantin list`"
        ),
    )
}

/// Whoever imports may use any id, also one that this site could mint: an older log of its own may have.
pub(super) fn conditions(dry_run: bool) -> WriteConditions {
    WriteConditions { dry_run, may_choose_id: true, ..WriteConditions::default() }
}

/// True if an article has this id, published or withdrawn.
pub(super) async fn has_article(store: &Store, id: &ArticleId) -> Result<bool, StoreError> {
    Ok(!matches!(store.article_by_id(id).await?, ArticleLookup::NotFound))
}

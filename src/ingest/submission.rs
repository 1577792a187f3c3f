//! Turns parsed drafts into submissions, and the store's answers into diagnostics. Scans and imports share it.

use std::collections::{BTreeSet, HashSet};

use super::diagnostic::FileDiagnostic;
use super::parallel::map_on_all_cores;
use crate::model::Slug;
use crate::parse::{ParsedArticle, Severity};
use crate::store::{
    PreparedSubmission, Source, Store, StoreError, Submission, SubmitOutcome, SubmitResult, WriteConditions,
    withdrawn_by_command,
};
use crate::time::Timestamp;
use crate::urls::{RESERVED_SLUGS, SiteUrls};

/// A publication date further ahead is treated as a typing error.
const MAX_FUTURE: chrono::TimeDelta = chrono::TimeDelta::days(366);

/// The channels that the store already has.
#[derive(Default)]
pub(super) struct KnownChannels {
    /// Channels that keep their titles.
    fixed: BTreeSet<Slug>,
    /// Channels created here, with the titles that they were given.
    created: HashSet<(Slug, Option<String>)>,
    /// Neither channels nor articles are stored.
    dry_run: bool,
}

impl KnownChannels {
    /// Channels that exist and keep their titles.
    pub(super) fn existing(fixed: BTreeSet<Slug>, dry_run: bool) -> Self {
        Self { fixed, created: HashSet::new(), dry_run }
    }

    /// The submission of a draft. Creates the channels that do not exist: `home`, which is called `title` if that is
    /// more than a slug, and those that the draft names.
    ///
    /// # Errors
    /// If a channel cannot be created.
    pub(super) async fn submission(
        &mut self,
        store: &Store,
        addresses: &SiteUrls,
        draft: ParsedArticle,
        (home, title): (Slug, Option<String>),
        (stem, source): (&str, Source),
    ) -> Result<Submission, StoreError> {
        self.create(store, &home, title).await?;
        let mut channels = vec![home];
        for named in &draft.channels {
            let slug = addresses.resolve_channel(named);
            if !self.created.iter().any(|(known, _)| *known == slug) {
                self.create(store, &slug, Slug::parse(named).is_err().then(|| named.clone())).await?;
            }
            channels.push(slug);
        }
        channels.sort();
        channels.dedup();
        Ok(Submission {
            article: draft.article,
            channels,
            id: draft.id,
            stem: Slug::from_title(stem),
            source,
            conditions: WriteConditions { dry_run: self.dry_run, ..WriteConditions::default() },
        })
    }

    async fn create(&mut self, store: &Store, slug: &Slug, title: Option<String>) -> Result<(), StoreError> {
        let channel = (slug.clone(), title);
        if !self.dry_run && !self.fixed.contains(slug) && !self.created.contains(&channel) {
            store.create_channel(slug, channel.1.as_deref()).await?;
            self.created.insert(channel);
        }
        Ok(())
    }
}

/// Prepares submissions, each with the path of its file, on all cores. Blocking.
///
/// # Errors
/// If one cannot be prepared.
pub(super) fn prepare_all(
    submissions: Vec<(String, Submission)>,
) -> Result<Vec<(String, PreparedSubmission)>, StoreError> {
    map_on_all_cores(submissions, |(path, submission)| Ok((path, submission.prepare()?)))
        .into_iter()
        .collect()
}

/// Why a draft cannot be submitted, whatever the log contains.
pub(super) fn unfit(
    path: &str,
    draft: &ParsedArticle,
    addresses: &SiteUrls,
    now: Timestamp,
) -> Option<FileDiagnostic> {
    too_far_in_future(path, draft, now).or_else(|| in_reserved_channel(path, draft, addresses))
}

fn in_reserved_channel(path: &str, draft: &ParsedArticle, addresses: &SiteUrls) -> Option<FileDiagnostic> {
    let mut named = draft.channels.iter().map(|named| addresses.resolve_channel(named));
    let slug = named.find(|slug| RESERVED_SLUGS.contains(&slug.as_str()))?;
    Some(FileDiagnostic::new(
        path,
        Severity::Error,
        format!("`{slug}` ở dòng channels dành riêng cho hệ thống. Hãy chọn chuyên mục khác."),
        format!("`{slug}` in channels is reserved for a URL of the service; name another channel"),
    ))
}

fn too_far_in_future(path: &str, draft: &ParsedArticle, now: Timestamp) -> Option<FileDiagnostic> {
    if draft.article.published.instant <= now + MAX_FUTURE {
        return None;
    }
    let day = draft.article.published.instant.format("%d/%m/%Y");
    let diagnostic = FileDiagnostic::new(
        path,
        Severity::Error,
        format!("Ngày đăng {day} còn hơn một năm nữa mới tới. Hãy sửa lại ngày."),
        format!("the date {day} is more than a year ahead; correct it"),
    );
    Some(FileDiagnostic { line: draft.lines.stamp, ..diagnostic })
}

/// Separates errors of one file from failures of the store.
///
/// # Errors
/// If the store fails.
pub(super) fn of_one_file<T>(
    path: &str,
    answer: Result<T, StoreError>,
) -> Result<Result<T, Box<FileDiagnostic>>, StoreError> {
    match answer {
        Ok(value) => Ok(Ok(value)),
        Err(cause) if cause.is_of_one_write() => Ok(Err(Box::new(FileDiagnostic::new(
            path,
            Severity::Error,
            format!("Kho tin không nhận tệp này ({cause}). Các tệp khác vẫn được đăng."),
            format!("the store rejects this file ({cause}); the others are published"),
        )))),
        Err(cause) => Err(cause),
    }
}

/// The diagnostic for the author of a submitted file, if any.
pub(super) fn outcome_diagnostic(path: &str, result: &SubmitResult) -> Option<FileDiagnostic> {
    let id = &result.id;
    match &result.outcome {
        SubmitOutcome::Conflict { with } => Some(FileDiagnostic::new(
            path,
            Severity::Error,
            format!(
                "Trùng bài với {with} (cùng mã {id}) nhưng nội dung khác. Hãy sửa cho giống nhau hoặc đổi tên một tệp."
            ),
            format!(
                "is the same article as {with} (id {id}) with another text; make them equal or rename one"
            ),
        )),
        SubmitOutcome::WithdrawnByOperator => {
            Some(FileDiagnostic::of_message(path, Severity::Warning, withdrawn_by_command(id)))
        }
        SubmitOutcome::Refused(refusal) => {
            Some(FileDiagnostic::of_message(path, Severity::Error, refusal.message()))
        }
        SubmitOutcome::Published(_)
        | SubmitOutcome::Corrected(_)
        | SubmitOutcome::Moved(_)
        | SubmitOutcome::Restored(_)
        | SubmitOutcome::Unchanged
        | SubmitOutcome::Scheduled(_)
        // Files are submitted without conditions.
        | SubmitOutcome::VersionMismatch(_)
        | SubmitOutcome::IdempotencyConflict => None,
    }
}

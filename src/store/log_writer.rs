//! The rules by which the log grows; each verb runs inside one transaction.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use tracing::error;
use unicode_normalization::UnicodeNormalization as _;

use super::article_query;
use super::channels::{including_parents, is_public};
use super::engine::{Row, Transaction, values};
use super::rights::Rights;
use super::token;
use super::{
    ArticleVersion, FileRemovalOutcome, IdempotencyKey, ImportedFile, Refusal, RestoreOutcome, ScannedFile,
    Source, StoreError, StoreOptions, Submission, SubmitOutcome, SubmitResult, WithdrawOutcome,
    WriteConditions,
};
use crate::model::bounds::{self, Excess};
use crate::model::{Article, ArticleId, ChannelStatus, Permalink, Slug};
use crate::search_text;
use crate::time::{Timestamp, local_date};
use crate::urls::RESERVED_SLUGS;

/// The view of everything, among the channels.
pub(super) const ALL_CHANNELS: &str = "";
/// For so many seconds a retried request is known again.
const IDEMPOTENCY_KEPT: i64 = 86_400;
/// Who acts for a file.
const FOLDER: &str = "folder";
/// Who acts for an imported file.
const IMPORT: &str = "import";
/// A picture that comes so many seconds after its article was published belongs to the publication: whoever saves
/// both is at it for the grace of five seconds, and the scan takes a moment more.
const COMPLETION: i64 = 15;
/// A stamp that lies further ahead is a slip of the pen.
const FURTHEST: chrono::TimeDelta = chrono::TimeDelta::days(366);
/// An article that is due and cannot be published is tried again after so many seconds.
const POSTPONED: i64 = 3600;

/// A transaction on the log, and what its rules depend on.
pub(super) struct LogWriter<'t> {
    pub(super) transaction: &'t mut Transaction,
    pub(super) options: &'t StoreOptions,
}

/// The state of an article before a change.
#[derive(Clone, Debug)]
pub(super) struct CurrentArticle {
    pub(super) id: ArticleId,
    permalink: Permalink,
    state: ArticleStatus,
    pub(super) number: u64,
    at: i64,
    updated: i64,
    /// Those that hold it, or held it until it was withdrawn; none before its first publication.
    channels: Vec<Slug>,
    content: Option<String>,
    /// What waits to be published.
    waiting: Option<Waiting>,
}

/// A text that waits for its moment, and the channels that it is for.
#[derive(Clone, Debug)]
struct Waiting {
    channels: Vec<Slug>,
    content: String,
    version: String,
}

impl CurrentArticle {
    /// The channels that a write to this article concerns: where it stands, stood or is to stand.
    pub(super) fn concerned(&self) -> Vec<Slug> {
        let planned = self.waiting.iter().flat_map(|waiting| &waiting.channels);
        let mut channels: Vec<Slug> = self.channels.iter().chain(planned).cloned().collect();
        channels.sort();
        channels.dedup();
        channels
    }

    /// False while nobody could have read it.
    pub(super) fn was_published(&self) -> bool {
        self.number > 0
    }

    /// True where the article is in one of these versions; also where none is asked for.
    fn is_as_expected(&self, expected: Option<&[ArticleVersion]>) -> bool {
        expected.is_none_or(|versions| {
            versions.iter().any(|version| match version {
                ArticleVersion::Number(number) => self.was_published() && *number == self.number,
                ArticleVersion::Scheduled(version) => {
                    !self.was_published()
                        && self.waiting.as_ref().is_some_and(|waiting| waiting.version == *version)
                }
            })
        })
    }

    /// What readers see, or will see first.
    fn standing(&self) -> Option<&str> {
        let waiting = self.waiting.as_ref().map(|waiting| waiting.content.as_str());
        if self.was_published() { self.content.as_deref() } else { waiting }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ArticleStatus {
    /// Its stamp lies in the future; it has no revision.
    Waiting,
    Live,
    /// Its file is gone; a file brings it back.
    WithdrawnWithItsFile,
    /// Only a command brings it back.
    WithdrawnByCommand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RevisionKind {
    Published,
    Corrected,
    Moved,
    Withdrawn,
    Restored,
}

impl RevisionKind {
    fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Corrected => "corrected",
            Self::Moved => "moved",
            Self::Withdrawn => "withdrawn",
            Self::Restored => "restored",
        }
    }
}

/// A revision about to be written.
struct NewRevision<'a> {
    kind: RevisionKind,
    channels: Vec<Slug>,
    content: Option<String>,
    /// The instant of the printed stamp, in seconds.
    stamp: i64,
    /// The moment of correction that the author named.
    named_update: Option<i64>,
    /// False where the article says what it said before: it moved, or its pictures have arrived (rule A3).
    is_correction: bool,
    reason: Option<&'a str>,
    author: &'a str,
    /// How the article stands after it.
    state: ArticleStatus,
}

/// Something that keeps an article up: a file that lies in the folder, or one that was imported.
struct ArticleSource {
    /// To be told by.
    name: String,
    stem: String,
    channel: String,
    hash: String,
    /// Of an imported one, its place.
    place: Option<String>,
    /// True where what lies there now was refused: it does not say what stands.
    is_refused: bool,
}

/// Which article a submission is of.
enum Match {
    Known(Box<CurrentArticle>),
    New(ArticleId, Permalink),
    /// This file says something else of the same article.
    Conflict(Box<CurrentArticle>, String),
    /// It is of none that it could be of.
    Refused(Refusal),
}

/// The columns of an article that [`read_current`] reads.
macro_rules! select_current {
    ($which:literal) => {
        concat!(
            "SELECT a.id, a.day, a.slug, a.state, a.withdrawn_by, a.number, a.at, a.updated, a.channels, \
             a.content, w.channels, w.content \
             FROM article a LEFT JOIN waiting w ON w.article = a.id ",
            $which
        )
    };
}

impl LogWriter<'_> {
    pub(super) async fn submit(&mut self, submission: &Submission) -> Result<SubmitResult, StoreError> {
        let Some(once) = &submission.conditions.idempotency else { return self.submit_new(submission).await };
        if let Some(answer) = self.stored_result(once).await? {
            return Ok(answer);
        }
        let accepted = self.submit_new(submission).await?;
        // A refusal may have been cured by the time of the retry.
        if !matches!(
            accepted.outcome,
            SubmitOutcome::VersionMismatch(_)
                | SubmitOutcome::WithdrawnByOperator
                | SubmitOutcome::Conflict { .. }
                | SubmitOutcome::IdempotencyConflict
                | SubmitOutcome::Refused(_)
        ) {
            self.store_result(once, &accepted).await?;
        }
        Ok(accepted)
    }

    async fn submit_new(&mut self, submission: &Submission) -> Result<SubmitResult, StoreError> {
        if let Source::File { seen, renamed_from: Some(old) } = &submission.source {
            self.rename_file(old, seen).await?;
        }
        if let Some(refusal) = unfit(submission, self.options.clock.now()) {
            return self.refused(submission, None, refusal).await;
        }
        let Some(rights) = self.rights(&submission.conditions).await? else {
            return self.refused(submission, None, Refusal::Revoked).await;
        };
        if !rights.cover(&submission.channels) {
            let refusal = Refusal::NotYours(submission.channels.clone());
            return self.refused(submission, None, refusal).await;
        }
        if let Source::Import(imported) = &submission.source
            && let Some(current) = self.imported_unchanged(imported).await?
        {
            return Ok(submit_result(&current, SubmitOutcome::Unchanged));
        }
        let (current, is_there) = match self.identify(submission, &rights).await? {
            Match::Known(current) => (*current, true),
            Match::New(id, permalink) => (fresh(id, permalink), false),
            Match::Conflict(current, with) => {
                if let Source::File { seen, .. } = &submission.source {
                    self.file_rejected(seen).await?;
                }
                return Ok(submit_result(&current, SubmitOutcome::Conflict { with }));
            }
            Match::Refused(refusal) => return self.refused(submission, None, refusal).await,
        };
        let terms = &submission.conditions;
        let refusal = match is_there {
            true => rights.refusal(&current, terms.must_exist),
            false => terms.must_exist.then_some(Refusal::UnknownArticle),
        };
        if let Some(refusal) = refusal {
            return self.refused(submission, Some(&current), refusal).await;
        }
        if !current.is_as_expected(terms.expected.as_deref()) || (terms.must_be_new && is_there) {
            return Ok(submit_result(&current, SubmitOutcome::VersionMismatch(current.number)));
        }
        let mut channels = submission.channels.clone();
        if channels.is_empty() {
            channels = current.concerned();
        }
        if let Some(refusal) = self.shut_channel(submission, &channels, &current) {
            return self.refused(submission, Some(&current), refusal).await;
        }
        if !is_there && !self.reserve(&current, submission).await? {
            let refusal = self.taken(&current.id, &submission.source).await?;
            return self.refused(submission, Some(&current), refusal).await;
        }
        let article = self.effective_article(submission, &current).await?;
        let author = match &submission.source {
            Source::Command(author) => author.as_str(),
            Source::File { seen, .. } => {
                self.upsert_file(seen, Some(&current.id), &submission.channels, false).await?;
                FOLDER
            }
            Source::Import(imported) => {
                if self.channels_of_sources(&current.id).await?.is_empty() {
                    // What was sent stays where it was sent to.
                    channels.extend(current.concerned());
                }
                self.upsert_import(imported, &current.id, &submission.channels).await?;
                IMPORT
            }
        };
        let by_file = !matches!(submission.source, Source::Command(_));
        if by_file {
            channels.extend(self.channels_of_sources(&current.id).await?);
        }
        channels.sort();
        channels.dedup();
        let verdict = self.apply(&current, &article, channels, author, by_file).await?;
        Ok(submit_result(&current, verdict))
    }

    /// Refuses a submission: what stood before still stands.
    async fn refused(
        &mut self,
        submission: &Submission,
        current: Option<&CurrentArticle>,
        refusal: Refusal,
    ) -> Result<SubmitResult, StoreError> {
        if let Source::File { seen, .. } = &submission.source
            && seen.path.len() <= bounds::MAX_PATH_BYTES
        {
            self.file_rejected(seen).await?;
        }
        let verdict = SubmitOutcome::Refused(refusal);
        Ok(match current {
            Some(current) => submit_result(current, verdict),
            None => self.not_accepted(submission, verdict),
        })
    }

    /// The answer to a submission that became no article: with the name that it asked for, or would have got.
    pub(super) fn not_accepted(&self, submission: &Submission, verdict: SubmitOutcome) -> SubmitResult {
        let day = local_date(submission.article.published.instant, self.options.zone);
        let permalink = Permalink { day, slug: submission.stem.clone() };
        let id = submission.id.clone().unwrap_or_else(|| self.options.addresses.article_id(&permalink));
        SubmitResult { id, permalink, outcome: verdict }
    }

    /// The channel among these that takes no new articles. Corrections of what stands there are taken for ever.
    ///
    /// Who sends or commands something acts now, and a closed channel takes nothing from now on. What lies in the
    /// folder or is imported may have been published before the closing: there the stamp counts, where the day of
    /// the closing is known. What a channel took in while it was open is published when its moment comes.
    fn shut_channel(
        &self,
        submission: &Submission,
        channels: &[Slug],
        current: &CurrentArticle,
    ) -> Option<Refusal> {
        let holds = current.concerned();
        let day = match submission.source {
            Source::Command(_) => None,
            Source::File { .. } | Source::Import(_) => {
                Some(local_date(submission.article.published.instant, self.options.zone))
            }
        };
        let new = channels.iter().filter(|channel| !holds.contains(channel));
        new.filter_map(|slug| self.options.channels.iter().find(|channel| channel.slug == *slug)).find_map(
            |channel| match channel.status {
                ChannelStatus::Open => None,
                ChannelStatus::Removed => Some(Refusal::Gone(channel.slug.clone())),
                ChannelStatus::Closed { since } => {
                    let is_old = since.zip(day).is_some_and(|(since, day)| day <= since);
                    (!is_old).then(|| Refusal::Closed { channel: channel.slug.clone(), since })
                }
            },
        )
    }

    /// What the same request led to when it came first; none where it is the first. Answers of more than a day
    /// ago are forgotten.
    async fn stored_result(&mut self, once: &IdempotencyKey) -> Result<Option<SubmitResult>, StoreError> {
        let forgotten = self.options.clock.now().timestamp() - IDEMPOTENCY_KEPT;
        self.transaction.run("DELETE FROM idempotency WHERE at < $1", values![forgotten]).await?;
        let row = self
            .transaction
            .first(
                "SELECT request, answer FROM idempotency WHERE token = $1 AND key = $2",
                values![once.token.as_str(), once.key.as_str()],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mut answer: SubmitResult = from_json(row.get_text(1)?)?;
        if row.get_text(0)? != once.request {
            answer.outcome = SubmitOutcome::IdempotencyConflict;
        }
        Ok(Some(answer))
    }

    async fn store_result(
        &mut self,
        once: &IdempotencyKey,
        accepted: &SubmitResult,
    ) -> Result<(), StoreError> {
        let now = self.options.clock.now().timestamp();
        self.transaction
            .run(
                "INSERT INTO idempotency (token, key, request, answer, at) VALUES ($1, $2, $3, $4, $5)",
                values![
                    once.token.as_str(),
                    once.key.as_str(),
                    once.request.as_str(),
                    to_json(accepted)?,
                    now
                ],
            )
            .await
            .map(|_| ())
    }

    /// The article as submitted. Where its pictures lie beside another file of the folder that stands for it as
    /// well, with those that it has. An import beside a file of the folder has nothing of its own to say, nor has a
    /// copy of such a file: what a command corrected meanwhile stays.
    async fn effective_article<'a>(
        &mut self,
        submission: &'a Submission,
        current: &CurrentArticle,
    ) -> Result<Cow<'a, Article>, StoreError> {
        let article = Cow::Borrowed(&submission.article);
        let own_hash = match &submission.source {
            Source::Command(_) => return Ok(article),
            Source::File { seen, .. } => Some(seen.hash.as_str()),
            Source::Import(_) => None,
        };
        let others = self.sources(&current.id, &submission.source).await?;
        let beside: Vec<_> = others.iter().filter(|other| other.place.is_none()).collect();
        let Some(standing) = current.standing().filter(|_| !beside.is_empty()) else { return Ok(article) };
        let standing: Article = from_json(standing)?;
        let says_nothing_new = match own_hash {
            Some(hash) => beside.iter().any(|other| other.hash == hash && !other.is_refused),
            None => article.images.is_empty(),
        };
        let article = article.into_owned();
        let pictures = match article.images.is_empty() {
            true => standing.images.clone(),
            false => article.images.clone(),
        };
        Ok(Cow::Owned(match says_nothing_new {
            true => Article { images: pictures, ..standing },
            false => Article { images: pictures, ..article },
        }))
    }

    /// Decides what a text means for the article that it is of, and writes it down.
    async fn apply(
        &mut self,
        current: &CurrentArticle,
        article: &Article,
        channels: Vec<Slug>,
        author: &str,
        by_file: bool,
    ) -> Result<SubmitOutcome, StoreError> {
        let content = to_json(article)?;
        let is_unchanged = current.content.as_deref().is_some_and(|before| reads_alike(before, &content));
        let kind = match current.state {
            ArticleStatus::WithdrawnByCommand => return Ok(SubmitOutcome::WithdrawnByOperator),
            ArticleStatus::WithdrawnWithItsFile if !by_file => return Ok(SubmitOutcome::WithdrawnByOperator),
            ArticleStatus::WithdrawnWithItsFile => RevisionKind::Restored,
            ArticleStatus::Waiting => RevisionKind::Published,
            ArticleStatus::Live if channels != current.channels => RevisionKind::Moved,
            ArticleStatus::Live if is_unchanged => {
                self.unschedule(&current.id).await?;
                return Ok(SubmitOutcome::Unchanged);
            }
            ArticleStatus::Live => RevisionKind::Corrected,
        };
        if article.published.instant > self.options.clock.now() {
            return self.schedule(current, article.published.instant, &channels, &content, author).await;
        }
        self.unschedule(&current.id).await?;
        let says_the_same = is_unchanged || (by_file && self.completes_publication(current, article).await?);
        let revision = NewRevision {
            kind,
            channels,
            content: Some(content),
            stamp: article.published.instant.timestamp(),
            named_update: article.updated.map(|moment| moment.timestamp()),
            is_correction: kind == RevisionKind::Restored || !says_the_same,
            reason: None,
            author,
            state: ArticleStatus::Live,
        };
        let number = self.append(current, revision).await?;
        Ok(match kind {
            RevisionKind::Published => SubmitOutcome::Published(number),
            RevisionKind::Moved => SubmitOutcome::Moved(number),
            RevisionKind::Restored => SubmitOutcome::Restored(number),
            RevisionKind::Corrected | RevisionKind::Withdrawn => SubmitOutcome::Corrected(number),
        })
    }

    pub(super) async fn publish_due(&mut self) -> Result<Vec<SubmitResult>, StoreError> {
        let now = self.options.clock.now().timestamp();
        let due = self
            .transaction
            .rows(
                "SELECT w.article, w.channels, w.content, w.author FROM waiting w \
                 JOIN article a ON a.id = w.article \
                 WHERE w.due <= $1 AND (a.state <> 'withdrawn' OR a.withdrawn_by = 'file') \
                 ORDER BY w.due, w.article LIMIT 256",
                values![now],
            )
            .await?;
        let mut published = Vec::with_capacity(due.len());
        for row in due {
            self.transaction.run("SAVEPOINT one_due", &[]).await?;
            match self.publish_one(&row).await {
                Ok(accepted) => published.extend(accepted),
                // One that cannot be published holds up no other. Nothing of it is lost.
                Err(cause) if cause.is_of_one_write() => {
                    let id = row.get_text(0)?;
                    error!(%id, %cause, "its time has come, and it cannot be published; tried again in an hour");
                    self.transaction.run("ROLLBACK TO SAVEPOINT one_due", &[]).await?;
                    let sql = "UPDATE waiting SET due = $2 WHERE article = $1";
                    self.transaction.run(sql, values![id, now.saturating_add(POSTPONED)]).await?;
                }
                Err(cause) => return Err(cause),
            }
            self.transaction.run("RELEASE SAVEPOINT one_due", &[]).await?;
        }
        Ok(published)
    }

    /// Publishes a row of what is due.
    async fn publish_one(&mut self, row: &Row) -> Result<Option<SubmitResult>, StoreError> {
        let id = ArticleId::new(row.get_text(0)?);
        let Some(current) = self.current(&id).await? else { return Ok(None) };
        let article = from_json(row.get_text(2)?)?;
        let channels = from_json(row.get_text(1)?)?;
        let verdict = self.apply(&current, &article, channels, row.get_text(3)?, true).await?;
        self.unschedule(&id).await?;
        Ok(Some(submit_result(&current, verdict)))
    }

    pub(super) async fn withdraw(
        &mut self,
        id: &ArticleId,
        reason: Option<&str>,
        erase: bool,
        author: &str,
        terms: &WriteConditions,
    ) -> Result<WithdrawOutcome, StoreError> {
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        if let Some(excess) =
            reason.and_then(|reason| Excess::in_characters("reason", reason, bounds::MAX_REASON_CHARS))
        {
            return Ok(WithdrawOutcome::Refused(too_long(excess)));
        }
        let Some(rights) = self.rights(terms).await? else {
            return Ok(WithdrawOutcome::Refused(Refusal::Revoked));
        };
        let Some(current) = self.current(id).await? else { return Ok(WithdrawOutcome::Unknown) };
        match rights.refusal(&current, true) {
            Some(Refusal::UnknownArticle) => return Ok(WithdrawOutcome::Unknown),
            Some(refusal) => return Ok(WithdrawOutcome::Refused(refusal)),
            None => {}
        }
        if !current.is_as_expected(terms.expected.as_deref()) {
            return Ok(WithdrawOutcome::Stale(current.number));
        }
        let withdrawal = self.withdraw_current(&current, reason, author).await?;
        if erase {
            self.erase(id).await?;
        }
        Ok(withdrawal)
    }

    async fn withdraw_current(
        &mut self,
        current: &CurrentArticle,
        reason: Option<&str>,
        author: &str,
    ) -> Result<WithdrawOutcome, StoreError> {
        let by_command = ArticleStatus::WithdrawnByCommand;
        Ok(match current.state {
            ArticleStatus::Waiting => {
                self.set_state(&current.id, by_command).await?;
                WithdrawOutcome::NeverPublished
            }
            ArticleStatus::Live => {
                WithdrawOutcome::Withdrawn(self.withdraw_article(current, by_command, reason, author).await?)
            }
            ArticleStatus::WithdrawnByCommand | ArticleStatus::WithdrawnWithItsFile => {
                let is_new = reason.is_some() && reason != self.reason_of(&current.id).await?.as_deref();
                if is_new && current.was_published() {
                    // A reason is published with a revision, as everything is.
                    let number = self.withdraw_article(current, by_command, reason, author).await?;
                    return Ok(WithdrawOutcome::ReasonChanged(number));
                }
                self.set_state(&current.id, by_command).await?;
                WithdrawOutcome::Already
            }
        })
    }

    async fn reason_of(&mut self, id: &ArticleId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT reason FROM article WHERE id = $1";
        let row = self.transaction.one(sql, values![id.as_str()]).await?;
        Ok(row.get_optional_text(0)?.map(str::to_owned))
    }

    pub(super) async fn restore(
        &mut self,
        id: &ArticleId,
        author: &str,
    ) -> Result<RestoreOutcome, StoreError> {
        let Some(current) = self.current(id).await? else { return Ok(RestoreOutcome::Unknown) };
        if matches!(current.state, ArticleStatus::Live | ArticleStatus::Waiting) {
            return Ok(RestoreOutcome::NotWithdrawn);
        }
        // Whatever its files say by now is to be compared anew.
        for sql in
            ["UPDATE file SET hash = '' WHERE article = $1", "UPDATE import SET hash = '' WHERE article = $1"]
        {
            self.transaction.run(sql, values![id.as_str()]).await?;
        }
        if current.number == 0 {
            self.set_state(id, ArticleStatus::Waiting).await?;
            return Ok(RestoreOutcome::Waiting);
        }
        let Some(content) = current.content.clone() else { return Ok(RestoreOutcome::Erased) };
        let article: Article = from_json(&content)?;
        let revision = NewRevision {
            kind: RevisionKind::Restored,
            channels: current.channels.clone(),
            content: Some(content),
            stamp: article.published.instant.timestamp(),
            named_update: None,
            is_correction: true,
            reason: None,
            author,
            state: ArticleStatus::Live,
        };
        Ok(RestoreOutcome::Restored(self.append(&current, revision).await?))
    }

    pub(super) async fn file_removed(&mut self, path: &str) -> Result<FileRemovalOutcome, StoreError> {
        let row = self
            .transaction
            .first("SELECT article FROM file WHERE path = $1 AND present = 1", values![path])
            .await?;
        let Some(row) = row else { return Ok(FileRemovalOutcome::Nothing) };
        self.transaction
            .run("UPDATE file SET present = 0, refused = 0 WHERE path = $1", values![path])
            .await?;
        let Some(id) = row.get_optional_text(0)?.map(ArticleId::new) else {
            return Ok(FileRemovalOutcome::Nothing);
        };
        let Some(current) = self.current(&id).await? else { return Ok(FileRemovalOutcome::Nothing) };
        let left = self.channels_of_sources(&id).await?;
        match current.state {
            ArticleStatus::WithdrawnByCommand | ArticleStatus::WithdrawnWithItsFile => {
                Ok(FileRemovalOutcome::Nothing)
            }
            ArticleStatus::Waiting if left.is_empty() => {
                // It was never in the log: nothing is left of it, not even its name.
                self.unschedule(&id).await?;
                self.transaction
                    .run("UPDATE file SET article = NULL WHERE article = $1", values![id.as_str()])
                    .await?;
                self.transaction.run("DELETE FROM article WHERE id = $1", values![id.as_str()]).await?;
                Ok(FileRemovalOutcome::Nothing)
            }
            ArticleStatus::Live if left.is_empty() => {
                self.unschedule(&id).await?;
                let state = ArticleStatus::WithdrawnWithItsFile;
                Ok(FileRemovalOutcome::Withdrawn(self.withdraw_article(&current, state, None, FOLDER).await?))
            }
            ArticleStatus::Live if left != current.channels => {
                let Some(content) = current.content.clone() else { return Ok(FileRemovalOutcome::Nothing) };
                let article: Article = from_json(&content)?;
                let revision = NewRevision {
                    kind: RevisionKind::Moved,
                    channels: left,
                    content: Some(content),
                    stamp: article.published.instant.timestamp(),
                    named_update: None,
                    is_correction: false,
                    reason: None,
                    author: FOLDER,
                    state: ArticleStatus::Live,
                };
                Ok(FileRemovalOutcome::Moved(self.append(&current, revision).await?))
            }
            ArticleStatus::Live | ArticleStatus::Waiting => Ok(FileRemovalOutcome::Nothing),
        }
    }

    pub(super) async fn file_rejected(&mut self, seen: &ScannedFile) -> Result<(), StoreError> {
        let article = self.article_of_file(&seen.path).await?;
        self.upsert_file(seen, article.as_ref(), std::slice::from_ref(&seen.channel), true).await
    }

    pub(super) async fn file_touched(&mut self, seen: &ScannedFile) -> Result<(), StoreError> {
        self.transaction
            .run(
                "UPDATE file SET size = $2, modified = $3 WHERE path = $1",
                values![seen.path.as_str(), seen.size, seen.modified],
            )
            .await
            .map(|_| ())
    }

    /// Remembers the title of a channel, and makes room for it where it is not there. Nobody hears of it before its
    /// first article, unless it is configured.
    pub(super) async fn create_channel(
        &mut self,
        slug: &Slug,
        title: Option<&str>,
    ) -> Result<(), StoreError> {
        if RESERVED_SLUGS.contains(&slug.as_str()) {
            // What names it is refused; it must not shadow the service's own address all the same.
            return Ok(());
        }
        self.ensure_channel(slug.as_str()).await?;
        let Some(title) = title else { return Ok(()) };
        let renamed = self
            .transaction
            .run(
                "UPDATE channel SET title = $2 WHERE slug = $1 AND (title IS NULL OR title <> $2)",
                values![slug.as_str(), title],
            )
            .await?;
        let sql = concat!("SELECT 1 FROM channel WHERE slug = $1 AND ", is_public!());
        if renamed > 0 && self.transaction.first(sql, values![slug.as_str()]).await?.is_some() {
            let now = self.options.clock.now().timestamp();
            self.transaction
                .run("UPDATE log SET generation = generation + 1, configured_at = $1", values![now])
                .await?;
        }
        Ok(())
    }

    /// Which article a submission is of: what its file stood for, the id that it names, the file that it is a copy
    /// of, or the id that its day and stem make.
    async fn identify(&mut self, submission: &Submission, rights: &Rights) -> Result<Match, StoreError> {
        let known = match &submission.source {
            Source::File { seen, .. } => match self.article_of_file(&seen.path).await? {
                Some(id) => self.current(&id).await?,
                None => None,
            },
            Source::Import(imported) => self.imported_before(imported, &submission.article).await?,
            Source::Command(_) => None,
        };
        if let Some(current) = known {
            return self.match_or_conflict(current, submission, true).await;
        }
        if let Some(id) = &submission.id
            && let Some(current) = self.current(id).await?
        {
            let of_the_folder = matches!(submission.source, Source::File { .. });
            return self.match_or_conflict(current, submission, of_the_folder).await;
        }
        let day = local_date(submission.article.published.instant, self.options.zone);
        for number in 1.. {
            let permalink = Permalink { day, slug: submission.stem.with_suffix(number) };
            match self.article_at(&permalink).await? {
                None if submission.id.is_some() => return Ok(self.named(submission, permalink, rights)),
                None => match self.copied_from(submission, rights).await? {
                    Some(current) => return self.match_or_conflict(current, submission, false).await,
                    None => return Ok(self.named(submission, permalink, rights)),
                },
                // A name that the author gave makes another article of it, whatever stands at this address.
                Some(_) if submission.id.is_some() => {}
                Some(current) if self.is_same_article(&current, submission, rights).await? => {
                    return self.match_or_conflict(current, submission, false).await;
                }
                Some(_) => {}
            }
        }
        Err(StoreError::Corrupt("an address is taken four thousand million times".to_owned()))
    }

    /// The name of a new article: the one that its author gave, or the one that its address makes.
    fn named(&self, submission: &Submission, permalink: Permalink, rights: &Rights) -> Match {
        let addresses = &self.options.addresses;
        let minted = addresses.article_id(&permalink);
        let Some(id) = &submission.id else { return Match::New(minted, permalink) };
        if !bounds::is_iri(id.as_str()) {
            return Match::Refused(Refusal::UnfitId);
        }
        if let Some(excess) = Excess::in_bytes("id", id.as_str(), bounds::MAX_ID_BYTES) {
            return Match::Refused(too_long(excess));
        }
        if *id != minted && !rights.are_all() && addresses.may_mint(id) {
            return Match::Refused(Refusal::NotYourId(id.clone()));
        }
        Match::New(id.clone(), permalink)
    }

    /// Says which article bears an id: by a file that stands for it, or by its address. A sender is told nothing of
    /// an article that may be of another channel.
    async fn taken(&mut self, id: &ArticleId, asking: &Source) -> Result<Refusal, StoreError> {
        let holder = match self.current(id).await? {
            Some(current) if !matches!(asking, Source::Command(_)) => {
                let source = self.sources(id, asking).await?.into_iter().next();
                Some(source.map_or_else(|| current.permalink.to_string(), |source| source.name))
            }
            _ => None,
        };
        Ok(Refusal::IdTaken { id: id.clone(), holder })
    }

    /// The article that a submission is a copy of although its day is another by now, for its stamp was corrected:
    /// the same bytes under the same stem; of what was sent, the same stamp and text.
    async fn copied_from(
        &mut self,
        submission: &Submission,
        rights: &Rights,
    ) -> Result<Option<CurrentArticle>, StoreError> {
        let (hash, stem) = match &submission.source {
            Source::File { seen, .. } => (&seen.hash, stem_of(&seen.path)),
            Source::Import(imported) => (&imported.hash, stem_of(&imported.place)),
            Source::Command(_) => return self.sent_before(submission, rights).await,
        };
        let rows = self
            .transaction
            .rows(
                "SELECT path, article FROM file \
                 WHERE hash = $1 AND present = 1 AND refused = 0 AND article IS NOT NULL \
                 UNION ALL SELECT place, article FROM import WHERE hash = $1",
                values![hash.as_str()],
            )
            .await?;
        for row in rows {
            if stem_of(row.get_text(0)?) == stem {
                return self.current(&ArticleId::new(row.get_text(1)?)).await;
            }
        }
        Ok(None)
    }

    async fn sent_before(
        &mut self,
        submission: &Submission,
        rights: &Rights,
    ) -> Result<Option<CurrentArticle>, StoreError> {
        let stamp = submission.article.published.instant.timestamp();
        let rows = self
            .transaction
            .rows(
                "SELECT id FROM article WHERE slug = $1 AND stamp = $2 AND state = 'live' ORDER BY day",
                values![submission.stem.as_str(), stamp],
            )
            .await?;
        for row in rows {
            if let Some(current) = self.current(&ArticleId::new(row.get_text(0)?)).await?
                && self.is_same_article(&current, submission, rights).await?
            {
                return Ok(Some(current));
            }
        }
        Ok(None)
    }

    /// True where what stands at the address that a submission would take is the same article: withdrawn and
    /// coming back, or standing elsewhere under the same stem.
    ///
    /// What lies in no folder is also known by its text: somebody sent it again, or imports what was sent.
    ///
    /// SECURITY: whoever comes first with a title must not keep another channel's article out. So a sender's
    /// article is only ever one that the sender has a right to, and a withdrawn one comes back only where it stood.
    async fn is_same_article(
        &mut self,
        current: &CurrentArticle,
        submission: &Submission,
        rights: &Rights,
    ) -> Result<bool, StoreError> {
        let is_withdrawn = !matches!(current.state, ArticleStatus::Live | ArticleStatus::Waiting);
        let same_text = || !is_withdrawn && is_about_the_same(current, &submission.article);
        let held = current.concerned();
        let (stem, home) = match &submission.source {
            Source::Command(_) => {
                let stood = current.state == ArticleStatus::WithdrawnByCommand
                    && submission.channels.iter().all(|channel| held.contains(channel));
                return Ok(rights.cover(&held) && (stood || same_text()));
            }
            Source::Import(_) if same_text() => return Ok(true),
            Source::File { seen, .. } => (stem_of(&seen.path), &seen.channel),
            Source::Import(imported) => (stem_of(&imported.place), &imported.channel),
        };
        if is_withdrawn {
            return Ok(held.contains(home) || self.ever_stood_for(&current.id, &stem).await?);
        }
        let others = self.sources(&current.id, &submission.source).await?;
        Ok(others.iter().any(|other| other.stem == stem))
    }

    /// True where a file of this stem stands for the article or once did.
    async fn ever_stood_for(&mut self, id: &ArticleId, stem: &str) -> Result<bool, StoreError> {
        let rows = self
            .transaction
            .rows(
                "SELECT path FROM file WHERE article = $1 UNION SELECT place FROM import WHERE article = $1",
                values![id.as_str()],
            )
            .await?;
        for row in rows {
            if stem_of(row.get_text(0)?) == stem {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `known`: the very file that is submitted stood for this article before.
    async fn match_or_conflict(
        &mut self,
        current: CurrentArticle,
        submission: &Submission,
        known: bool,
    ) -> Result<Match, StoreError> {
        let others = self.sources(&current.id, &submission.source).await?;
        let against = others.into_iter().find(|other| contradicts(submission, &current, other, known));
        Ok(match against {
            Some(other) => Match::Conflict(Box::new(current), other.name),
            None => Match::Known(Box::new(current)),
        })
    }

    /// Reserves the name of a new article. False where another article bears it already, by an explicit id.
    async fn reserve(
        &mut self,
        current: &CurrentArticle,
        submission: &Submission,
    ) -> Result<bool, StoreError> {
        let stamp = submission.article.published.instant.timestamp();
        let permalink = &current.permalink;
        self.transaction
            .run(
                "INSERT INTO article (id, day, slug, state, number, at, updated, stamp, channels) \
                 VALUES ($1, $2, $3, 'waiting', 0, 0, 0, $4, '[]') ON CONFLICT (id) DO NOTHING",
                values![current.id.as_str(), day_text(permalink), permalink.slug.as_str(), stamp],
            )
            .await
            .map(|made| made > 0)
    }

    /// True where all that is new is in the pictures, and the article was published a moment ago.
    async fn completes_publication(
        &mut self,
        current: &CurrentArticle,
        article: &Article,
    ) -> Result<bool, StoreError> {
        if !same_content(current, article) {
            return Ok(false);
        }
        let sql = "SELECT at FROM revision WHERE article = $1 ORDER BY number LIMIT 1";
        let first = self.transaction.first(sql, values![current.id.as_str()]).await?;
        let Some(first) = first else { return Ok(false) };
        Ok(self.options.clock.now().timestamp() - first.get_i64(0)? <= COMPLETION)
    }

    async fn schedule(
        &mut self,
        current: &CurrentArticle,
        due: Timestamp,
        channels: &[Slug],
        content: &str,
        author: &str,
    ) -> Result<SubmitOutcome, StoreError> {
        self.transaction
            .run(
                "INSERT INTO waiting (article, due, channels, content, author) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (article) DO UPDATE SET due = excluded.due, \
                 channels = excluded.channels, content = excluded.content, author = excluded.author",
                values![current.id.as_str(), due.timestamp(), to_json(channels)?, content, author],
            )
            .await?;
        Ok(SubmitOutcome::Scheduled(due))
    }

    async fn unschedule(&mut self, id: &ArticleId) -> Result<(), StoreError> {
        self.transaction.run("DELETE FROM waiting WHERE article = $1", values![id.as_str()]).await.map(|_| ())
    }

    async fn withdraw_article(
        &mut self,
        current: &CurrentArticle,
        state: ArticleStatus,
        reason: Option<&str>,
        author: &str,
    ) -> Result<u64, StoreError> {
        let stamp = match &current.content {
            Some(content) => from_json::<Article>(content)?.published.instant.timestamp(),
            None => current.updated,
        };
        let revision = NewRevision {
            kind: RevisionKind::Withdrawn,
            channels: current.channels.clone(),
            content: current.content.clone(),
            stamp,
            named_update: None,
            is_correction: true,
            reason,
            author,
            state,
        };
        self.append(current, revision).await
    }

    /// Writes the next revision, here and in every channel that holds the article before or after it.
    async fn append(
        &mut self,
        current: &CurrentArticle,
        revision: NewRevision<'_>,
    ) -> Result<u64, StoreError> {
        let log = self.transaction.one("SELECT head, head_at FROM log", &[]).await?;
        let number = log.get_u64(0)? + 1;
        // Never earlier than its predecessor, and never in one second with the article's last revision.
        let at = self.options.clock.now().timestamp().max(log.get_i64(1)?).max(current.at + 1);
        let updated = updated_by(&revision, current, at);
        let channels = to_json(&revision.channels)?;
        self.transaction.run("UPDATE log SET head = $1, head_at = $2", values![number, at]).await?;
        self.transaction
            .run(
                "INSERT INTO revision \
                 (number, article, kind, at, updated, channels, content, reason, author) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                values![
                    number,
                    current.id.as_str(),
                    revision.kind.name(),
                    at,
                    updated,
                    channels.as_str(),
                    // What was withdrawn is kept once, with the article, for `restore`.
                    revision.content.as_deref().filter(|_| revision.kind != RevisionKind::Withdrawn),
                    revision.reason,
                    revision.author
                ],
            )
            .await?;
        let (state, withdrawn_by) = state_columns(revision.state);
        let (place, folded) = self.index(&current.id, &revision).await?;
        self.transaction
            .run(
                "UPDATE article SET state = $2, number = $3, at = $4, updated = $5, stamp = $6, \
                 channels = $7, content = $8, reason = $9, withdrawn_by = $10, place = $11, folded = $12 \
                 WHERE id = $1",
                values![
                    current.id.as_str(),
                    state,
                    number,
                    at,
                    updated,
                    revision.stamp,
                    channels.as_str(),
                    revision.content.as_deref(),
                    revision.reason,
                    withdrawn_by,
                    place,
                    folded
                ],
            )
            .await?;
        self.append_to_channels(current, &revision, number, at, place).await?;
        self.link_images(&current.id, &revision).await?;
        Ok(number)
    }

    /// Where a living article stands in the list, and what it is found by; a withdrawn one has neither.
    async fn index(
        &mut self,
        id: &ArticleId,
        revision: &NewRevision<'_>,
    ) -> Result<(Option<i64>, Option<String>), StoreError> {
        let Some(content) = revision.content.as_deref().filter(|_| revision.state == ArticleStatus::Live)
        else {
            return Ok((None, None));
        };
        let place = article_query::sort_key(self.transaction, id, revision.stamp).await?;
        Ok((Some(place), Some(search_text::index_text(&from_json(content)?))))
    }

    /// Which pictures a living article shows; a withdrawn one shows none.
    async fn link_images(&mut self, id: &ArticleId, revision: &NewRevision<'_>) -> Result<(), StoreError> {
        self.transaction.run("DELETE FROM picture_use WHERE article = $1", values![id.as_str()]).await?;
        let Some(content) = revision.content.as_deref().filter(|_| revision.state == ArticleStatus::Live)
        else {
            return Ok(());
        };
        for picture in from_json::<Article>(content)?.images {
            self.transaction
                .run(
                    "INSERT INTO picture_use (picture, article) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                    values![picture.name, id.as_str()],
                )
                .await?;
        }
        Ok(())
    }

    async fn append_to_channels(
        &mut self,
        current: &CurrentArticle,
        revision: &NewRevision<'_>,
        number: u64,
        at: i64,
        place: Option<i64>,
    ) -> Result<(), StoreError> {
        let id = current.id.as_str();
        self.transaction.run("DELETE FROM membership WHERE article = $1", values![id]).await?;
        let (before, after) = (
            including_parents(&current.channels, &self.options.channels),
            including_parents(&revision.channels, &self.options.channels),
        );
        let after: Vec<&str> = after.iter().map(Slug::as_str).chain([ALL_CHANNELS]).collect();
        let left = before.iter().map(Slug::as_str).filter(|slug| !after.contains(slug));
        let touched: Vec<(&str, &str)> = (after.iter().map(|slug| (*slug, revision.kind.name())))
            .chain(left.map(|slug| (slug, "left")))
            .collect();
        for (channel, kind) in touched {
            self.ensure_channel(channel).await?;
            let grown =
                "UPDATE channel SET head = head + 1, head_at = $2 WHERE slug = $1 RETURNING head, founded_as";
            let row = self.transaction.one(grown, values![channel, at]).await?;
            if row.get_u64(0)? == 1 && row.get_text(1)?.is_empty() && channel != ALL_CHANNELS {
                self.note_new_channel().await?;
            }
            self.transaction
                .run(
                    "INSERT INTO channel_revision (channel, number, revision, article, kind, at) \
                     SELECT slug, head, $2, $3, $4, $5 FROM channel WHERE slug = $1",
                    values![channel, number, id, kind, at],
                )
                .await?;
            if let Some(place) = place.filter(|_| kind != "left") {
                self.transaction
                    .run(
                        "INSERT INTO membership (channel, article, stamp, place) VALUES ($1, $2, $3, $4)",
                        values![channel, id, revision.stamp, place],
                    )
                    .await?;
            }
        }
        Ok(())
    }

    async fn ensure_channel(&mut self, slug: &str) -> Result<(), StoreError> {
        self.transaction
            .run(
                "INSERT INTO channel (slug, head, head_at) VALUES ($1, 0, 0) ON CONFLICT (slug) DO NOTHING",
                values![slug],
            )
            .await
            .map(|_| ())
    }

    /// The list of channels is another one from now on.
    pub(super) async fn note_new_channel(&mut self) -> Result<(), StoreError> {
        let now = self.options.clock.now().timestamp();
        self.transaction
            .run("UPDATE log SET generation = generation + 1, channels_at = $1", values![now])
            .await
            .map(|_| ())
    }

    /// Blanks the text of an article wherever it is stored. Its name and its tombstone stay.
    async fn erase(&mut self, id: &ArticleId) -> Result<(), StoreError> {
        self.erase_images(id).await?;
        for sql in [
            "UPDATE revision SET content = NULL WHERE article = $1",
            "UPDATE article SET content = NULL WHERE id = $1",
            "DELETE FROM waiting WHERE article = $1",
        ] {
            self.transaction.run(sql, values![id.as_str()]).await?;
        }
        Ok(())
    }

    /// Blanks the pictures that no other article shows, in any of its revisions.
    async fn erase_images(&mut self, id: &ArticleId) -> Result<(), StoreError> {
        let contents = self
            .transaction
            .rows(
                "SELECT content FROM revision WHERE article = $1 AND content IS NOT NULL",
                values![id.as_str()],
            )
            .await?;
        for row in contents {
            for picture in from_json::<Article>(row.get_text(0)?)?.images {
                self.transaction
                    .run(
                        "UPDATE picture SET bytes = $2 WHERE name = $1 \
                         AND NOT EXISTS (SELECT 1 FROM picture_use WHERE picture = $1)",
                        values![picture.name, [].as_slice()],
                    )
                    .await?;
            }
        }
        Ok(())
    }

    async fn set_state(&mut self, id: &ArticleId, state: ArticleStatus) -> Result<(), StoreError> {
        let (state, withdrawn_by) = state_columns(state);
        self.transaction
            .run(
                "UPDATE article SET state = $2, withdrawn_by = $3 WHERE id = $1",
                values![id.as_str(), state, withdrawn_by],
            )
            .await
            .map(|_| ())
    }

    async fn current(&mut self, id: &ArticleId) -> Result<Option<CurrentArticle>, StoreError> {
        let sql = select_current!("WHERE a.id = $1");
        let row = self.transaction.first(sql, values![id.as_str()]).await?;
        row.map(|row| read_current(&row)).transpose()
    }

    async fn article_at(&mut self, permalink: &Permalink) -> Result<Option<CurrentArticle>, StoreError> {
        let sql = select_current!("WHERE a.day = $1 AND a.slug = $2");
        let row = self.transaction.first(sql, values![day_text(permalink), permalink.slug.as_str()]).await?;
        row.map(|row| read_current(&row)).transpose()
    }

    async fn article_of_file(&mut self, path: &str) -> Result<Option<ArticleId>, StoreError> {
        let row = self.transaction.first("SELECT article FROM file WHERE path = $1", values![path]).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(row.get_optional_text(0)?.map(ArticleId::new))
    }

    /// The article that these bytes from this place became when they were imported before.
    async fn imported_unchanged(
        &mut self,
        imported: &ImportedFile,
    ) -> Result<Option<CurrentArticle>, StoreError> {
        let row = self
            .transaction
            .first(
                "SELECT article FROM import WHERE source = $1 AND place = $2 AND hash = $3 ORDER BY article",
                values![imported.source.as_str(), imported.place.as_str(), imported.hash.as_str()],
            )
            .await?;
        match row {
            Some(row) => self.current(&ArticleId::new(row.get_text(0)?)).await,
            None => Ok(None),
        }
    }

    /// The article that an import took from this place before, of the same day or of the same title: another
    /// day *and* another title are another article, from another archive of this name.
    async fn imported_before(
        &mut self,
        imported: &ImportedFile,
        article: &Article,
    ) -> Result<Option<CurrentArticle>, StoreError> {
        let rows = self
            .transaction
            .rows(
                "SELECT article FROM import WHERE source = $1 AND place = $2 ORDER BY article",
                values![imported.source.as_str(), imported.place.as_str()],
            )
            .await?;
        let mut before = Vec::with_capacity(rows.len());
        for row in rows {
            before.extend(self.current(&ArticleId::new(row.get_text(0)?)).await?);
        }
        let zone = self.options.zone;
        let day = local_date(article.published.instant, zone);
        let is_of_that_day = |current: &CurrentArticle| {
            let stands = text_of(current).is_some_and(|text| local_date(text.published.instant, zone) == day);
            stands || current.permalink.day == day
        };
        let of_that_day = before.iter().position(is_of_that_day);
        let found = of_that_day.or_else(|| before.iter().position(|current| same_title(current, article)));
        Ok(found.map(|index| before.swap_remove(index)))
    }

    /// Whose rights count; none where the token is not valid any more.
    async fn rights(&mut self, terms: &WriteConditions) -> Result<Option<Rights>, StoreError> {
        let Some(name) = &terms.token else { return Ok(Some(Rights::of_the_operator())) };
        Ok(token::valid(self.transaction, name).await?.map(Rights::of))
    }

    /// What else keeps an article up now, the folder's files first.
    async fn sources(&mut self, id: &ArticleId, but: &Source) -> Result<Vec<ArticleSource>, StoreError> {
        let rows = self
            .transaction
            .rows(
                "SELECT path, channel, hash, refused FROM file WHERE article = $1 AND present = 1 ORDER BY path",
                values![id.as_str()],
            )
            .await?;
        let mut sources = Vec::new();
        for row in rows {
            let path = row.get_text(0)?;
            if !matches!(but, Source::File { seen, .. } if seen.path == path) {
                sources.push(ArticleSource {
                    name: path.to_owned(),
                    stem: stem_of(path),
                    channel: row.get_text(1)?.to_owned(),
                    hash: row.get_text(2)?.to_owned(),
                    place: None,
                    is_refused: row.get_bool(3)?,
                });
            }
        }
        let rows = self
            .transaction
            .rows(
                "SELECT source, place, stem, channel, hash FROM import WHERE article = $1 \
                 ORDER BY source, place",
                values![id.as_str()],
            )
            .await?;
        for row in rows {
            let (source, place) = (row.get_text(0)?, row.get_text(1)?);
            let is_itself = matches!(but, Source::Import(imported)
                if (imported.source.as_str(), imported.place.as_str()) == (source, place));
            if !is_itself {
                sources.push(ArticleSource {
                    name: format!("{source}: {place}"),
                    stem: row.get_text(2)?.to_owned(),
                    channel: row.get_text(3)?.to_owned(),
                    hash: row.get_text(4)?.to_owned(),
                    place: Some(place.to_owned()),
                    is_refused: false,
                });
            }
        }
        Ok(sources)
    }

    /// The channels in which the present files of an article and its imports put it, sorted.
    async fn channels_of_sources(&mut self, id: &ArticleId) -> Result<Vec<Slug>, StoreError> {
        let rows = self
            .transaction
            .rows(
                "SELECT channels FROM file WHERE article = $1 AND present = 1 \
                 UNION SELECT channels FROM import WHERE article = $1",
                values![id.as_str()],
            )
            .await?;
        let mut channels = Vec::new();
        for row in rows {
            channels.extend(from_json::<Vec<Slug>>(row.get_text(0)?)?);
        }
        channels.sort();
        channels.dedup();
        Ok(channels)
    }

    async fn upsert_import(
        &mut self,
        imported: &ImportedFile,
        article: &ArticleId,
        channels: &[Slug],
    ) -> Result<(), StoreError> {
        self.transaction
            .run(
                "INSERT INTO import (source, place, article, stem, channel, channels, hash) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (source, place, article) DO UPDATE SET \
                 channels = excluded.channels, hash = excluded.hash",
                values![
                    imported.source.as_str(),
                    imported.place.as_str(),
                    article.as_str(),
                    stem_of(&imported.place),
                    imported.channel.as_str(),
                    to_json(channels)?,
                    imported.hash.as_str()
                ],
            )
            .await
            .map(|_| ())
    }

    async fn upsert_file(
        &mut self,
        seen: &ScannedFile,
        article: Option<&ArticleId>,
        channels: &[Slug],
        refused: bool,
    ) -> Result<(), StoreError> {
        self.transaction
            .run(
                "INSERT INTO file \
                 (path, channel, channels, hash, size, modified, article, present, refused, pictures) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9) ON CONFLICT (path) DO UPDATE SET \
                 channel = excluded.channel, channels = excluded.channels, hash = excluded.hash, \
                 size = excluded.size, modified = excluded.modified, article = excluded.article, \
                 present = 1, refused = excluded.refused, pictures = excluded.pictures",
                values![
                    seen.path.as_str(),
                    seen.channel.as_str(),
                    to_json(channels)?,
                    seen.hash.as_str(),
                    seen.size,
                    seen.modified,
                    article.map(ArticleId::as_str),
                    refused,
                    seen.pictures.as_str()
                ],
            )
            .await
            .map(|_| ())
    }

    /// The file lies elsewhere now: what it stood for goes with it.
    async fn rename_file(&mut self, old: &str, seen: &ScannedFile) -> Result<(), StoreError> {
        self.transaction.run("DELETE FROM file WHERE path = $1", values![seen.path.as_str()]).await?;
        self.transaction
            .run("UPDATE file SET path = $2, present = 1 WHERE path = $1", values![old, seen.path.as_str()])
            .await
            .map(|_| ())
    }
}

fn submit_result(current: &CurrentArticle, verdict: SubmitOutcome) -> SubmitResult {
    SubmitResult { id: current.id.clone(), permalink: current.permalink.clone(), outcome: verdict }
}

fn state_columns(state: ArticleStatus) -> (&'static str, Option<&'static str>) {
    match state {
        ArticleStatus::Waiting => ("waiting", None),
        ArticleStatus::Live => ("live", None),
        ArticleStatus::WithdrawnWithItsFile => ("withdrawn", Some("file")),
        ArticleStatus::WithdrawnByCommand => ("withdrawn", Some("command")),
    }
}

/// When the article was last changed in the eyes of a reader (rule A3): its stamp at first, then the `at` of
/// each revision that corrects, withdraws or restores it. What the author named counts only where it keeps the order.
fn updated_by(revision: &NewRevision<'_>, current: &CurrentArticle, at: i64) -> i64 {
    let (base, before) = match revision.kind {
        RevisionKind::Published => (revision.stamp, revision.stamp),
        _ if !revision.is_correction => (current.updated, current.updated),
        _ => (at, current.updated),
    };
    match revision.named_update {
        Some(named) if named > before && named <= at => named,
        _ => base,
    }
}

/// True where a submission may not be of this article because another of its sources says something else.
fn contradicts(
    submission: &Submission,
    current: &CurrentArticle,
    other: &ArticleSource,
    known: bool,
) -> bool {
    let same_text = || same_content(current, &submission.article);
    match (&submission.source, &other.place) {
        (Source::Command(_), _) => false,
        (Source::File { seen, .. }, None) => other.hash != seen.hash,
        // The folder is where articles live: its file corrects what was imported into its channel.
        (Source::File { seen, .. }, Some(_)) => {
            let corrects = known || other.channel == seen.channel.as_str();
            !corrects && other.hash != seen.hash && !same_text()
        }
        // And an import does not correct what a file says.
        (Source::Import(imported), None) => other.hash != imported.hash && !same_text(),
        (Source::Import(imported), Some(place)) => {
            let corrects = known || (*place == imported.place && same_title(current, &submission.article));
            !corrects && other.hash != imported.hash && !same_text()
        }
    }
}

/// What was last published of an article, where it can be read.
fn text_of(current: &CurrentArticle) -> Option<Article> {
    from_json(current.content.as_deref()?).ok()
}

/// The same title but for spaces: a title in which one was missing names the same article.
fn same_title(current: &CurrentArticle, article: &Article) -> bool {
    text_of(current).is_some_and(|before| without_spaces(&before.title) == without_spaces(&article.title))
}

/// The same text but for spaces and pictures. This tells *which* article is meant, however its spaces were
/// corrected; whether it says something new, [`reads_alike`] tells.
fn is_about_the_same(current: &CurrentArticle, article: &Article) -> bool {
    let standing = current.standing().and_then(|content| from_json::<Article>(content).ok());
    let folded = |article: &Article| bare(article).map(|text| without_spaces(&text));
    standing.is_some_and(|before| matches!((folded(&before), folded(article)), (Ok(a), Ok(b)) if a == b))
}

fn without_spaces(text: &str) -> String {
    text.nfc().filter(|c| !c.is_whitespace()).collect()
}

/// Equal to readers; which pictures lay beside the text is not asked.
fn same_content(current: &CurrentArticle, article: &Article) -> bool {
    let before = text_of(current).map(|before| bare(&before));
    matches!((before, bare(article)), (Some(Ok(before)), Ok(after)) if reads_alike(&before, &after))
}

/// The article as it is stored, without its pictures.
fn bare(article: &Article) -> Result<String, StoreError> {
    to_json(&Article { images: Vec::new(), ..article.clone() })
}

/// Equal but for the Unicode form and the *amount* of white space between two words. A space that appears or
/// disappears between two letters is a correction.
fn reads_alike(before: &str, after: &str) -> bool {
    use serde_json::Value;
    fn folded(value: Value) -> Value {
        match value {
            Value::String(text) => {
                let text: String = text.nfc().collect();
                Value::String(text.split_whitespace().collect::<Vec<_>>().join(" "))
            }
            Value::Array(values) => Value::Array(values.into_iter().map(folded).collect()),
            Value::Object(members) => {
                Value::Object(members.into_iter().map(|(name, value)| (name, folded(value))).collect())
            }
            other => other,
        }
    }
    let read = |text: &str| serde_json::from_str::<Value>(text).map(folded);
    before == after || matches!((read(before), read(after)), (Ok(before), Ok(after)) if before == after)
}

fn read_current(row: &Row) -> Result<CurrentArticle, StoreError> {
    let state = match (row.get_text(3)?, row.get_optional_text(4)?) {
        ("waiting", _) => ArticleStatus::Waiting,
        ("live", _) => ArticleStatus::Live,
        ("withdrawn", Some("file")) => ArticleStatus::WithdrawnWithItsFile,
        _ => ArticleStatus::WithdrawnByCommand,
    };
    Ok(CurrentArticle {
        id: ArticleId::new(row.get_text(0)?),
        permalink: read_permalink(row.get_text(1)?, row.get_text(2)?)?,
        state,
        number: row.get_u64(5)?,
        at: row.get_i64(6)?,
        updated: row.get_i64(7)?,
        channels: from_json(row.get_text(8)?)?,
        content: row.get_optional_text(9)?.map(str::to_owned),
        waiting: match (row.get_optional_text(10)?, row.get_optional_text(11)?) {
            (Some(channels), Some(content)) => Some(Waiting {
                version: version_of(channels, content),
                channels: from_json(channels)?,
                content: content.to_owned(),
            }),
            _ => None,
        },
    })
}

/// A new article before it is taken in.
fn fresh(id: ArticleId, permalink: Permalink) -> CurrentArticle {
    CurrentArticle {
        id,
        permalink,
        state: ArticleStatus::Waiting,
        number: 0,
        at: 0,
        updated: 0,
        channels: Vec::new(),
        content: None,
        waiting: None,
    }
}

/// Tells a text that waits from any other that waited before: such a text has no number.
pub(super) fn version_of(channels: &str, content: &str) -> String {
    let hash = Sha256::new().chain_update(channels).chain_update([0]).chain_update(content).finalize();
    hash.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What is wrong with a submission whatever it is of.
fn unfit(submission: &Submission, now: Timestamp) -> Option<Refusal> {
    if submission.article.published.instant > now + FURTHEST {
        return Some(Refusal::TooFarAhead);
    }
    let path = match &submission.source {
        Source::Command(_) => None,
        Source::File { seen, .. } => Excess::in_bytes("path", &seen.path, bounds::MAX_PATH_BYTES),
        Source::Import(ImportedFile { source, place, .. }) => {
            Excess::in_bytes("path", &format!("{source}{place}"), bounds::MAX_PATH_BYTES)
        }
    };
    let channels = &submission.channels;
    let excess = path
        .or_else(|| submission.article.excess())
        .or_else(|| Excess::in_entries("channels", channels.len(), bounds::MAX_CHANNELS));
    if let Some(excess) = excess {
        return Some(too_long(excess));
    }
    let reserved = channels.iter().find(|channel| RESERVED_SLUGS.contains(&channel.as_str()));
    reserved.map(|channel| Refusal::Reserved(channel.clone()))
}

fn too_long(excess: Excess) -> Refusal {
    Refusal::TooLong(excess.to_string(), excess.vietnamese())
}

pub(super) fn read_permalink(day: &str, slug: &str) -> Result<Permalink, StoreError> {
    let corrupt = || StoreError::Corrupt(format!("`{day}/{slug}` is no permalink"));
    Ok(Permalink {
        day: day.parse().map_err(|_| corrupt())?,
        slug: Slug::parse(slug).map_err(|_| corrupt())?,
    })
}

pub(super) fn day_text(permalink: &Permalink) -> String {
    permalink.day.format("%Y-%m-%d").to_string()
}

pub(super) fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|cause| StoreError::Corrupt(cause.to_string()))
}

pub(super) fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|cause| StoreError::Corrupt(cause.to_string()))
}

/// The file's name without its folders and its ending, in NFC.
fn stem_of(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).nfc().collect()
}

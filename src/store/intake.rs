//! The rules by which the log grows; each verb runs inside one transaction.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use tracing::error;
use unicode_normalization::UnicodeNormalization as _;

use super::catalogue;
use super::channels::{is_public, with_parents};
use super::database::{Row, Transaction, values};
use super::rights::Rights;
use super::token;
use super::{
    Accepted, ArticleVersion, Departure, FileSeen, Imported, Once, Options, Origin, Refusal, Restoration,
    StoreError, Submission, Terms, Verdict, Withdrawal,
};
use crate::address::RESERVED;
use crate::article::bounds::{self, Excess};
use crate::article::{Article, ArticleId, Permalink, words};
use crate::channel::{Slug, Standing};
use crate::vietnam_time::{Moment, day_of};

/// The view of everything, among the channels.
pub(super) const EVERYTHING: &str = "";
/// For so many seconds a retried request is known again.
const ANSWERS_KEPT: i64 = 86_400;
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
pub(super) struct Intake<'t> {
    pub(super) transaction: &'t mut Transaction,
    pub(super) options: &'t Options,
}

/// The state of an article before a change.
#[derive(Clone, Debug)]
pub(super) struct Current {
    pub(super) id: ArticleId,
    permalink: Permalink,
    state: State,
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

impl Current {
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
enum State {
    /// Its stamp lies in the future; it has no revision.
    Waiting,
    Live,
    /// Its file is gone; a file brings it back.
    WithdrawnWithItsFile,
    /// Only a command brings it back.
    WithdrawnByCommand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Published,
    Corrected,
    Moved,
    Withdrawn,
    Restored,
}

impl Kind {
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
struct Revision<'a> {
    kind: Kind,
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
    state: State,
}

/// Something that keeps an article up: a file that lies in the folder, or one that was imported.
struct Source {
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
enum Identity {
    Known(Box<Current>),
    New(ArticleId, Permalink),
    /// This file says something else of the same article.
    Conflict(Box<Current>, String),
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

impl Intake<'_> {
    pub(super) async fn take_in(&mut self, submission: &Submission) -> Result<Accepted, StoreError> {
        let Some(once) = &submission.terms.once else { return self.take_in_anew(submission).await };
        if let Some(answer) = self.answered_before(once).await? {
            return Ok(answer);
        }
        let accepted = self.take_in_anew(submission).await?;
        // A refusal may have been cured by the time of the retry.
        if !matches!(
            accepted.verdict,
            Verdict::Stale(_)
                | Verdict::StaysWithdrawn
                | Verdict::Conflict { .. }
                | Verdict::KeyReused
                | Verdict::Refused(_)
        ) {
            self.remember_answer(once, &accepted).await?;
        }
        Ok(accepted)
    }

    async fn take_in_anew(&mut self, submission: &Submission) -> Result<Accepted, StoreError> {
        if let Origin::File { seen, renamed_from: Some(old) } = &submission.origin {
            self.rename_file(old, seen).await?;
        }
        if let Some(refusal) = unfit(submission, self.options.clock.now()) {
            return self.refused(submission, None, refusal).await;
        }
        let Some(rights) = self.rights(&submission.terms).await? else {
            return self.refused(submission, None, Refusal::Revoked).await;
        };
        if !rights.cover(&submission.channels) {
            let refusal = Refusal::NotYours(submission.channels.clone());
            return self.refused(submission, None, refusal).await;
        }
        if let Origin::Import(imported) = &submission.origin
            && let Some(current) = self.imported_unchanged(imported).await?
        {
            return Ok(accepted(&current, Verdict::Unchanged));
        }
        let (current, is_there) = match self.identify(submission, &rights).await? {
            Identity::Known(current) => (*current, true),
            Identity::New(id, permalink) => (fresh(id, permalink), false),
            Identity::Conflict(current, with) => {
                if let Origin::File { seen, .. } = &submission.origin {
                    self.file_refused(seen).await?;
                }
                return Ok(accepted(&current, Verdict::Conflict { with }));
            }
            Identity::Refused(refusal) => return self.refused(submission, None, refusal).await,
        };
        let terms = &submission.terms;
        let refusal = match is_there {
            true => rights.refusal(&current, terms.must_exist),
            false => terms.must_exist.then_some(Refusal::UnknownArticle),
        };
        if let Some(refusal) = refusal {
            return self.refused(submission, Some(&current), refusal).await;
        }
        if !current.is_as_expected(terms.expected.as_deref()) || (terms.must_be_new && is_there) {
            return Ok(accepted(&current, Verdict::Stale(current.number)));
        }
        let mut channels = submission.channels.clone();
        if channels.is_empty() {
            channels = current.concerned();
        }
        if let Some(refusal) = self.shut_channel(submission, &channels, &current) {
            return self.refused(submission, Some(&current), refusal).await;
        }
        if !is_there && !self.mint(&current, submission).await? {
            let refusal = self.taken(&current.id, &submission.origin).await?;
            return self.refused(submission, Some(&current), refusal).await;
        }
        let article = self.text_to_stand(submission, &current).await?;
        let author = match &submission.origin {
            Origin::Command(author) => author.as_str(),
            Origin::File { seen, .. } => {
                self.remember(seen, Some(&current.id), &submission.channels, false).await?;
                FOLDER
            }
            Origin::Import(imported) => {
                if self.channels_of_sources(&current.id).await?.is_empty() {
                    // What was sent stays where it was sent to.
                    channels.extend(current.concerned());
                }
                self.remember_import(imported, &current.id, &submission.channels).await?;
                IMPORT
            }
        };
        let by_file = !matches!(submission.origin, Origin::Command(_));
        if by_file {
            channels.extend(self.channels_of_sources(&current.id).await?);
        }
        channels.sort();
        channels.dedup();
        let verdict = self.admit(&current, &article, channels, author, by_file).await?;
        Ok(accepted(&current, verdict))
    }

    /// Refuses a submission: what stood before still stands.
    async fn refused(
        &mut self,
        submission: &Submission,
        current: Option<&Current>,
        refusal: Refusal,
    ) -> Result<Accepted, StoreError> {
        if let Origin::File { seen, .. } = &submission.origin
            && seen.path.len() <= bounds::MAX_PATH_BYTES
        {
            self.file_refused(seen).await?;
        }
        let verdict = Verdict::Refused(refusal);
        Ok(match current {
            Some(current) => accepted(current, verdict),
            None => self.not_accepted(submission, verdict),
        })
    }

    /// The answer to a submission that became no article: with the name that it asked for, or would have got.
    pub(super) fn not_accepted(&self, submission: &Submission, verdict: Verdict) -> Accepted {
        let day = day_of(submission.article.stamp.instant, self.options.zone);
        let permalink = Permalink { day, slug: submission.stem.clone() };
        let id = submission.id.clone().unwrap_or_else(|| self.options.addresses.mint(&permalink));
        Accepted { id, permalink, verdict }
    }

    /// The channel among these that takes no new articles. Corrections of what stands there are taken for ever.
    ///
    /// Who sends or commands something acts now, and a closed channel takes nothing from now on. What lies in the
    /// folder or is imported may have been published before the closing: there the stamp counts, where the day of
    /// the closing is known. What a channel took in while it was open is published when its moment comes.
    fn shut_channel(&self, submission: &Submission, channels: &[Slug], current: &Current) -> Option<Refusal> {
        let holds = current.concerned();
        let day = match submission.origin {
            Origin::Command(_) => None,
            Origin::File { .. } | Origin::Import(_) => {
                Some(day_of(submission.article.stamp.instant, self.options.zone))
            }
        };
        let new = channels.iter().filter(|channel| !holds.contains(channel));
        new.filter_map(|slug| self.options.channels.iter().find(|channel| channel.slug == *slug)).find_map(
            |channel| match channel.standing {
                Standing::Open => None,
                Standing::Gone => Some(Refusal::Gone(channel.slug.clone())),
                Standing::Closed { since } => {
                    let is_old = since.zip(day).is_some_and(|(since, day)| day <= since);
                    (!is_old).then(|| Refusal::Closed { channel: channel.slug.clone(), since })
                }
            },
        )
    }

    /// What the same request led to when it came first; none where it is the first. Answers of more than a day
    /// ago are forgotten.
    async fn answered_before(&mut self, once: &Once) -> Result<Option<Accepted>, StoreError> {
        let forgotten = self.options.clock.now().timestamp() - ANSWERS_KEPT;
        self.transaction.run("DELETE FROM idempotency WHERE at < $1", values![forgotten]).await?;
        let row = self
            .transaction
            .first(
                "SELECT request, answer FROM idempotency WHERE token = $1 AND key = $2",
                values![once.token.as_str(), once.key.as_str()],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mut answer: Accepted = from_json(row.text(1)?)?;
        if row.text(0)? != once.request {
            answer.verdict = Verdict::KeyReused;
        }
        Ok(Some(answer))
    }

    async fn remember_answer(&mut self, once: &Once, accepted: &Accepted) -> Result<(), StoreError> {
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
    async fn text_to_stand<'a>(
        &mut self,
        submission: &'a Submission,
        current: &Current,
    ) -> Result<Cow<'a, Article>, StoreError> {
        let article = Cow::Borrowed(&submission.article);
        let own_hash = match &submission.origin {
            Origin::Command(_) => return Ok(article),
            Origin::File { seen, .. } => Some(seen.hash.as_str()),
            Origin::Import(_) => None,
        };
        let others = self.sources(&current.id, &submission.origin).await?;
        let beside: Vec<_> = others.iter().filter(|other| other.place.is_none()).collect();
        let Some(standing) = current.standing().filter(|_| !beside.is_empty()) else { return Ok(article) };
        let standing: Article = from_json(standing)?;
        let says_nothing_new = match own_hash {
            Some(hash) => beside.iter().any(|other| other.hash == hash && !other.is_refused),
            None => article.pictures.is_empty(),
        };
        let article = article.into_owned();
        let pictures = match article.pictures.is_empty() {
            true => standing.pictures.clone(),
            false => article.pictures.clone(),
        };
        Ok(Cow::Owned(match says_nothing_new {
            true => Article { pictures, ..standing },
            false => Article { pictures, ..article },
        }))
    }

    /// Decides what a text means for the article that it is of, and writes it down.
    async fn admit(
        &mut self,
        current: &Current,
        article: &Article,
        channels: Vec<Slug>,
        author: &str,
        by_file: bool,
    ) -> Result<Verdict, StoreError> {
        let content = to_json(article)?;
        let is_unchanged = current.content.as_deref().is_some_and(|before| reads_alike(before, &content));
        let kind = match current.state {
            State::WithdrawnByCommand => return Ok(Verdict::StaysWithdrawn),
            State::WithdrawnWithItsFile if !by_file => return Ok(Verdict::StaysWithdrawn),
            State::WithdrawnWithItsFile => Kind::Restored,
            State::Waiting => Kind::Published,
            State::Live if channels != current.channels => Kind::Moved,
            State::Live if is_unchanged => {
                self.stop_waiting(&current.id).await?;
                return Ok(Verdict::Unchanged);
            }
            State::Live => Kind::Corrected,
        };
        if article.stamp.instant > self.options.clock.now() {
            return self.wait(current, article.stamp.instant, &channels, &content, author).await;
        }
        self.stop_waiting(&current.id).await?;
        let says_the_same = is_unchanged || (by_file && self.completes_publication(current, article).await?);
        let revision = Revision {
            kind,
            channels,
            content: Some(content),
            stamp: article.stamp.instant.timestamp(),
            named_update: article.updated.map(|moment| moment.timestamp()),
            is_correction: kind == Kind::Restored || !says_the_same,
            reason: None,
            author,
            state: State::Live,
        };
        let number = self.append(current, revision).await?;
        Ok(match kind {
            Kind::Published => Verdict::Published(number),
            Kind::Moved => Verdict::Moved(number),
            Kind::Restored => Verdict::Restored(number),
            Kind::Corrected | Kind::Withdrawn => Verdict::Corrected(number),
        })
    }

    pub(super) async fn publish_due(&mut self) -> Result<Vec<Accepted>, StoreError> {
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
                    let id = row.text(0)?;
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
    async fn publish_one(&mut self, row: &Row) -> Result<Option<Accepted>, StoreError> {
        let id = ArticleId::new(row.text(0)?);
        let Some(current) = self.current(&id).await? else { return Ok(None) };
        let article = from_json(row.text(2)?)?;
        let channels = from_json(row.text(1)?)?;
        let verdict = self.admit(&current, &article, channels, row.text(3)?, true).await?;
        self.stop_waiting(&id).await?;
        Ok(Some(accepted(&current, verdict)))
    }

    pub(super) async fn withdraw(
        &mut self,
        id: &ArticleId,
        reason: Option<&str>,
        erase: bool,
        author: &str,
        terms: &Terms,
    ) -> Result<Withdrawal, StoreError> {
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        if let Some(excess) =
            reason.and_then(|reason| Excess::in_characters("reason", reason, bounds::MAX_REASON_CHARS))
        {
            return Ok(Withdrawal::Refused(too_long(excess)));
        }
        let Some(rights) = self.rights(terms).await? else {
            return Ok(Withdrawal::Refused(Refusal::Revoked));
        };
        let Some(current) = self.current(id).await? else { return Ok(Withdrawal::Unknown) };
        match rights.refusal(&current, true) {
            Some(Refusal::UnknownArticle) => return Ok(Withdrawal::Unknown),
            Some(refusal) => return Ok(Withdrawal::Refused(refusal)),
            None => {}
        }
        if !current.is_as_expected(terms.expected.as_deref()) {
            return Ok(Withdrawal::Stale(current.number));
        }
        let withdrawal = self.withdraw_current(&current, reason, author).await?;
        if erase {
            self.erase(id).await?;
        }
        Ok(withdrawal)
    }

    async fn withdraw_current(
        &mut self,
        current: &Current,
        reason: Option<&str>,
        author: &str,
    ) -> Result<Withdrawal, StoreError> {
        let by_command = State::WithdrawnByCommand;
        Ok(match current.state {
            State::Waiting => {
                self.set_state(&current.id, by_command).await?;
                Withdrawal::NeverPublished
            }
            State::Live => Withdrawal::Withdrawn(self.take_down(current, by_command, reason, author).await?),
            State::WithdrawnByCommand | State::WithdrawnWithItsFile => {
                let is_new = reason.is_some() && reason != self.reason_of(&current.id).await?.as_deref();
                if is_new && current.was_published() {
                    // A reason is published with a revision, as everything is.
                    let number = self.take_down(current, by_command, reason, author).await?;
                    return Ok(Withdrawal::ReasonChanged(number));
                }
                self.set_state(&current.id, by_command).await?;
                Withdrawal::Already
            }
        })
    }

    async fn reason_of(&mut self, id: &ArticleId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT reason FROM article WHERE id = $1";
        let row = self.transaction.one(sql, values![id.as_str()]).await?;
        Ok(row.optional_text(0)?.map(str::to_owned))
    }

    pub(super) async fn restore(&mut self, id: &ArticleId, author: &str) -> Result<Restoration, StoreError> {
        let Some(current) = self.current(id).await? else { return Ok(Restoration::Unknown) };
        if matches!(current.state, State::Live | State::Waiting) {
            return Ok(Restoration::NotWithdrawn);
        }
        // Whatever its files say by now is to be compared anew.
        for sql in
            ["UPDATE file SET hash = '' WHERE article = $1", "UPDATE import SET hash = '' WHERE article = $1"]
        {
            self.transaction.run(sql, values![id.as_str()]).await?;
        }
        if current.number == 0 {
            self.set_state(id, State::Waiting).await?;
            return Ok(Restoration::Waiting);
        }
        let Some(content) = current.content.clone() else { return Ok(Restoration::Erased) };
        let article: Article = from_json(&content)?;
        let revision = Revision {
            kind: Kind::Restored,
            channels: current.channels.clone(),
            content: Some(content),
            stamp: article.stamp.instant.timestamp(),
            named_update: None,
            is_correction: true,
            reason: None,
            author,
            state: State::Live,
        };
        Ok(Restoration::Restored(self.append(&current, revision).await?))
    }

    pub(super) async fn file_gone(&mut self, path: &str) -> Result<Departure, StoreError> {
        let row = self
            .transaction
            .first("SELECT article FROM file WHERE path = $1 AND present = 1", values![path])
            .await?;
        let Some(row) = row else { return Ok(Departure::Nothing) };
        self.transaction
            .run("UPDATE file SET present = 0, refused = 0 WHERE path = $1", values![path])
            .await?;
        let Some(id) = row.optional_text(0)?.map(ArticleId::new) else { return Ok(Departure::Nothing) };
        let Some(current) = self.current(&id).await? else { return Ok(Departure::Nothing) };
        let left = self.channels_of_sources(&id).await?;
        match current.state {
            State::WithdrawnByCommand | State::WithdrawnWithItsFile => Ok(Departure::Nothing),
            State::Waiting if left.is_empty() => {
                // It was never in the log: nothing is left of it, not even its name.
                self.stop_waiting(&id).await?;
                self.transaction
                    .run("UPDATE file SET article = NULL WHERE article = $1", values![id.as_str()])
                    .await?;
                self.transaction.run("DELETE FROM article WHERE id = $1", values![id.as_str()]).await?;
                Ok(Departure::Nothing)
            }
            State::Live if left.is_empty() => {
                self.stop_waiting(&id).await?;
                let state = State::WithdrawnWithItsFile;
                Ok(Departure::Withdrawn(self.take_down(&current, state, None, FOLDER).await?))
            }
            State::Live if left != current.channels => {
                let Some(content) = current.content.clone() else { return Ok(Departure::Nothing) };
                let article: Article = from_json(&content)?;
                let revision = Revision {
                    kind: Kind::Moved,
                    channels: left,
                    content: Some(content),
                    stamp: article.stamp.instant.timestamp(),
                    named_update: None,
                    is_correction: false,
                    reason: None,
                    author: FOLDER,
                    state: State::Live,
                };
                Ok(Departure::Moved(self.append(&current, revision).await?))
            }
            State::Live | State::Waiting => Ok(Departure::Nothing),
        }
    }

    pub(super) async fn file_refused(&mut self, seen: &FileSeen) -> Result<(), StoreError> {
        let article = self.article_of_file(&seen.path).await?;
        self.remember(seen, article.as_ref(), std::slice::from_ref(&seen.channel), true).await
    }

    pub(super) async fn file_touched(&mut self, seen: &FileSeen) -> Result<(), StoreError> {
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
    pub(super) async fn found_channel(&mut self, slug: &Slug, title: Option<&str>) -> Result<(), StoreError> {
        if RESERVED.contains(&slug.as_str()) {
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
    async fn identify(&mut self, submission: &Submission, rights: &Rights) -> Result<Identity, StoreError> {
        let known = match &submission.origin {
            Origin::File { seen, .. } => match self.article_of_file(&seen.path).await? {
                Some(id) => self.current(&id).await?,
                None => None,
            },
            Origin::Import(imported) => self.imported_before(imported, &submission.article).await?,
            Origin::Command(_) => None,
        };
        if let Some(current) = known {
            return self.known_or_conflict(current, submission, true).await;
        }
        if let Some(id) = &submission.id
            && let Some(current) = self.current(id).await?
        {
            let of_the_folder = matches!(submission.origin, Origin::File { .. });
            return self.known_or_conflict(current, submission, of_the_folder).await;
        }
        let day = day_of(submission.article.stamp.instant, self.options.zone);
        for number in 1.. {
            let permalink = Permalink { day, slug: submission.stem.numbered(number) };
            match self.at_permalink(&permalink).await? {
                None if submission.id.is_some() => return Ok(self.named(submission, permalink, rights)),
                None => match self.copied_from(submission, rights).await? {
                    Some(current) => return self.known_or_conflict(current, submission, false).await,
                    None => return Ok(self.named(submission, permalink, rights)),
                },
                // A name that the author gave makes another article of it, whatever stands at this address.
                Some(_) if submission.id.is_some() => {}
                Some(current) if self.is_of(&current, submission, rights).await? => {
                    return self.known_or_conflict(current, submission, false).await;
                }
                Some(_) => {}
            }
        }
        Err(StoreError::Corrupt("an address is taken four thousand million times".to_owned()))
    }

    /// The name of a new article: the one that its author gave, or the one that its address makes.
    fn named(&self, submission: &Submission, permalink: Permalink, rights: &Rights) -> Identity {
        let addresses = &self.options.addresses;
        let minted = addresses.mint(&permalink);
        let Some(id) = &submission.id else { return Identity::New(minted, permalink) };
        if !bounds::is_iri(id.as_str()) {
            return Identity::Refused(Refusal::UnfitId);
        }
        if let Some(excess) = Excess::in_bytes("id", id.as_str(), bounds::MAX_ID_BYTES) {
            return Identity::Refused(too_long(excess));
        }
        if *id != minted && !rights.are_all() && addresses.may_mint(id) {
            return Identity::Refused(Refusal::NotYourId(id.clone()));
        }
        Identity::New(id.clone(), permalink)
    }

    /// Says which article bears an id: by a file that stands for it, or by its address. A sender is told nothing of
    /// an article that may be of another channel.
    async fn taken(&mut self, id: &ArticleId, asking: &Origin) -> Result<Refusal, StoreError> {
        let holder = match self.current(id).await? {
            Some(current) if !matches!(asking, Origin::Command(_)) => {
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
    ) -> Result<Option<Current>, StoreError> {
        let (hash, stem) = match &submission.origin {
            Origin::File { seen, .. } => (&seen.hash, stem_of(&seen.path)),
            Origin::Import(imported) => (&imported.hash, stem_of(&imported.place)),
            Origin::Command(_) => return self.sent_before(submission, rights).await,
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
            if stem_of(row.text(0)?) == stem {
                return self.current(&ArticleId::new(row.text(1)?)).await;
            }
        }
        Ok(None)
    }

    async fn sent_before(
        &mut self,
        submission: &Submission,
        rights: &Rights,
    ) -> Result<Option<Current>, StoreError> {
        let stamp = submission.article.stamp.instant.timestamp();
        let rows = self
            .transaction
            .rows(
                "SELECT id FROM article WHERE slug = $1 AND stamp = $2 AND state = 'live' ORDER BY day",
                values![submission.stem.as_str(), stamp],
            )
            .await?;
        for row in rows {
            if let Some(current) = self.current(&ArticleId::new(row.text(0)?)).await?
                && self.is_of(&current, submission, rights).await?
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
    async fn is_of(
        &mut self,
        current: &Current,
        submission: &Submission,
        rights: &Rights,
    ) -> Result<bool, StoreError> {
        let is_withdrawn = !matches!(current.state, State::Live | State::Waiting);
        let same_text = || !is_withdrawn && is_about_the_same(current, &submission.article);
        let held = current.concerned();
        let (stem, home) = match &submission.origin {
            Origin::Command(_) => {
                let stood = current.state == State::WithdrawnByCommand
                    && submission.channels.iter().all(|channel| held.contains(channel));
                return Ok(rights.cover(&held) && (stood || same_text()));
            }
            Origin::Import(_) if same_text() => return Ok(true),
            Origin::File { seen, .. } => (stem_of(&seen.path), &seen.channel),
            Origin::Import(imported) => (stem_of(&imported.place), &imported.channel),
        };
        if is_withdrawn {
            return Ok(held.contains(home) || self.ever_stood_for(&current.id, &stem).await?);
        }
        let others = self.sources(&current.id, &submission.origin).await?;
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
            if stem_of(row.text(0)?) == stem {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `known`: the very file that is submitted stood for this article before.
    async fn known_or_conflict(
        &mut self,
        current: Current,
        submission: &Submission,
        known: bool,
    ) -> Result<Identity, StoreError> {
        let others = self.sources(&current.id, &submission.origin).await?;
        let against = others.into_iter().find(|other| contradicts(submission, &current, other, known));
        Ok(match against {
            Some(other) => Identity::Conflict(Box::new(current), other.name),
            None => Identity::Known(Box::new(current)),
        })
    }

    /// Reserves the name of a new article. False where another article bears it already, by an explicit id.
    async fn mint(&mut self, current: &Current, submission: &Submission) -> Result<bool, StoreError> {
        let stamp = submission.article.stamp.instant.timestamp();
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
        current: &Current,
        article: &Article,
    ) -> Result<bool, StoreError> {
        if !says_the_same(current, article) {
            return Ok(false);
        }
        let sql = "SELECT at FROM revision WHERE article = $1 ORDER BY number LIMIT 1";
        let first = self.transaction.first(sql, values![current.id.as_str()]).await?;
        let Some(first) = first else { return Ok(false) };
        Ok(self.options.clock.now().timestamp() - first.integer(0)? <= COMPLETION)
    }

    async fn wait(
        &mut self,
        current: &Current,
        due: Moment,
        channels: &[Slug],
        content: &str,
        author: &str,
    ) -> Result<Verdict, StoreError> {
        self.transaction
            .run(
                "INSERT INTO waiting (article, due, channels, content, author) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (article) DO UPDATE SET due = excluded.due, \
                 channels = excluded.channels, content = excluded.content, author = excluded.author",
                values![current.id.as_str(), due.timestamp(), to_json(channels)?, content, author],
            )
            .await?;
        Ok(Verdict::Waiting(due))
    }

    async fn stop_waiting(&mut self, id: &ArticleId) -> Result<(), StoreError> {
        self.transaction.run("DELETE FROM waiting WHERE article = $1", values![id.as_str()]).await.map(|_| ())
    }

    async fn take_down(
        &mut self,
        current: &Current,
        state: State,
        reason: Option<&str>,
        author: &str,
    ) -> Result<u64, StoreError> {
        let stamp = match &current.content {
            Some(content) => from_json::<Article>(content)?.stamp.instant.timestamp(),
            None => current.updated,
        };
        let revision = Revision {
            kind: Kind::Withdrawn,
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
    async fn append(&mut self, current: &Current, revision: Revision<'_>) -> Result<u64, StoreError> {
        let log = self.transaction.one("SELECT head, head_at FROM log", &[]).await?;
        let number = log.number(0)? + 1;
        // Never earlier than its predecessor, and never in one second with the article's last revision.
        let at = self.options.clock.now().timestamp().max(log.integer(1)?).max(current.at + 1);
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
                    revision.content.as_deref().filter(|_| revision.kind != Kind::Withdrawn),
                    revision.reason,
                    revision.author
                ],
            )
            .await?;
        let (state, withdrawn_by) = state_columns(revision.state);
        let (place, folded) = self.place_and_words(&current.id, &revision).await?;
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
        self.note_pictures(&current.id, &revision).await?;
        Ok(number)
    }

    /// Where a living article stands in the list, and what it is found by; a withdrawn one has neither.
    async fn place_and_words(
        &mut self,
        id: &ArticleId,
        revision: &Revision<'_>,
    ) -> Result<(Option<i64>, Option<String>), StoreError> {
        let Some(content) = revision.content.as_deref().filter(|_| revision.state == State::Live) else {
            return Ok((None, None));
        };
        let place = catalogue::place_of(self.transaction, id, revision.stamp).await?;
        Ok((Some(place), Some(words::of_article(&from_json(content)?))))
    }

    /// Which pictures a living article shows; a withdrawn one shows none.
    async fn note_pictures(&mut self, id: &ArticleId, revision: &Revision<'_>) -> Result<(), StoreError> {
        self.transaction.run("DELETE FROM picture_use WHERE article = $1", values![id.as_str()]).await?;
        let Some(content) = revision.content.as_deref().filter(|_| revision.state == State::Live) else {
            return Ok(());
        };
        for picture in from_json::<Article>(content)?.pictures {
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
        current: &Current,
        revision: &Revision<'_>,
        number: u64,
        at: i64,
        place: Option<i64>,
    ) -> Result<(), StoreError> {
        let id = current.id.as_str();
        self.transaction.run("DELETE FROM membership WHERE article = $1", values![id]).await?;
        let (before, after) = (
            with_parents(&current.channels, &self.options.channels),
            with_parents(&revision.channels, &self.options.channels),
        );
        let after: Vec<&str> = after.iter().map(Slug::as_str).chain([EVERYTHING]).collect();
        let left = before.iter().map(Slug::as_str).filter(|slug| !after.contains(slug));
        let touched: Vec<(&str, &str)> = (after.iter().map(|slug| (*slug, revision.kind.name())))
            .chain(left.map(|slug| (slug, "left")))
            .collect();
        for (channel, kind) in touched {
            self.ensure_channel(channel).await?;
            let grown =
                "UPDATE channel SET head = head + 1, head_at = $2 WHERE slug = $1 RETURNING head, founded_as";
            let row = self.transaction.one(grown, values![channel, at]).await?;
            if row.number(0)? == 1 && row.text(1)?.is_empty() && channel != EVERYTHING {
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
        self.erase_pictures(id).await?;
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
    async fn erase_pictures(&mut self, id: &ArticleId) -> Result<(), StoreError> {
        let contents = self
            .transaction
            .rows(
                "SELECT content FROM revision WHERE article = $1 AND content IS NOT NULL",
                values![id.as_str()],
            )
            .await?;
        for row in contents {
            for picture in from_json::<Article>(row.text(0)?)?.pictures {
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

    async fn set_state(&mut self, id: &ArticleId, state: State) -> Result<(), StoreError> {
        let (state, withdrawn_by) = state_columns(state);
        self.transaction
            .run(
                "UPDATE article SET state = $2, withdrawn_by = $3 WHERE id = $1",
                values![id.as_str(), state, withdrawn_by],
            )
            .await
            .map(|_| ())
    }

    async fn current(&mut self, id: &ArticleId) -> Result<Option<Current>, StoreError> {
        let sql = select_current!("WHERE a.id = $1");
        let row = self.transaction.first(sql, values![id.as_str()]).await?;
        row.map(|row| read_current(&row)).transpose()
    }

    async fn at_permalink(&mut self, permalink: &Permalink) -> Result<Option<Current>, StoreError> {
        let sql = select_current!("WHERE a.day = $1 AND a.slug = $2");
        let row = self.transaction.first(sql, values![day_text(permalink), permalink.slug.as_str()]).await?;
        row.map(|row| read_current(&row)).transpose()
    }

    async fn article_of_file(&mut self, path: &str) -> Result<Option<ArticleId>, StoreError> {
        let row = self.transaction.first("SELECT article FROM file WHERE path = $1", values![path]).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(row.optional_text(0)?.map(ArticleId::new))
    }

    /// The article that these bytes from this place became when they were imported before.
    async fn imported_unchanged(&mut self, imported: &Imported) -> Result<Option<Current>, StoreError> {
        let row = self
            .transaction
            .first(
                "SELECT article FROM import WHERE source = $1 AND place = $2 AND hash = $3 ORDER BY article",
                values![imported.source.as_str(), imported.place.as_str(), imported.hash.as_str()],
            )
            .await?;
        match row {
            Some(row) => self.current(&ArticleId::new(row.text(0)?)).await,
            None => Ok(None),
        }
    }

    /// The article that an import took from this place before, of the same day or of the same title: another
    /// day *and* another title are another article, from another archive of this name.
    async fn imported_before(
        &mut self,
        imported: &Imported,
        article: &Article,
    ) -> Result<Option<Current>, StoreError> {
        let rows = self
            .transaction
            .rows(
                "SELECT article FROM import WHERE source = $1 AND place = $2 ORDER BY article",
                values![imported.source.as_str(), imported.place.as_str()],
            )
            .await?;
        let mut before = Vec::with_capacity(rows.len());
        for row in rows {
            before.extend(self.current(&ArticleId::new(row.text(0)?)).await?);
        }
        let zone = self.options.zone;
        let day = day_of(article.stamp.instant, zone);
        let is_of_that_day = |current: &Current| {
            let stands = text_of(current).is_some_and(|text| day_of(text.stamp.instant, zone) == day);
            stands || current.permalink.day == day
        };
        let of_that_day = before.iter().position(is_of_that_day);
        let found = of_that_day.or_else(|| before.iter().position(|current| same_title(current, article)));
        Ok(found.map(|index| before.swap_remove(index)))
    }

    /// Whose rights count; none where the token is not valid any more.
    async fn rights(&mut self, terms: &Terms) -> Result<Option<Rights>, StoreError> {
        let Some(name) = &terms.token else { return Ok(Some(Rights::of_the_operator())) };
        Ok(token::valid(self.transaction, name).await?.map(Rights::of))
    }

    /// What else keeps an article up now, the folder's files first.
    async fn sources(&mut self, id: &ArticleId, but: &Origin) -> Result<Vec<Source>, StoreError> {
        let rows = self
            .transaction
            .rows(
                "SELECT path, channel, hash, refused FROM file WHERE article = $1 AND present = 1 ORDER BY path",
                values![id.as_str()],
            )
            .await?;
        let mut sources = Vec::new();
        for row in rows {
            let path = row.text(0)?;
            if !matches!(but, Origin::File { seen, .. } if seen.path == path) {
                sources.push(Source {
                    name: path.to_owned(),
                    stem: stem_of(path),
                    channel: row.text(1)?.to_owned(),
                    hash: row.text(2)?.to_owned(),
                    place: None,
                    is_refused: row.flag(3)?,
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
            let (source, place) = (row.text(0)?, row.text(1)?);
            let is_itself = matches!(but, Origin::Import(imported)
                if (imported.source.as_str(), imported.place.as_str()) == (source, place));
            if !is_itself {
                sources.push(Source {
                    name: format!("{source}: {place}"),
                    stem: row.text(2)?.to_owned(),
                    channel: row.text(3)?.to_owned(),
                    hash: row.text(4)?.to_owned(),
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
            channels.extend(from_json::<Vec<Slug>>(row.text(0)?)?);
        }
        channels.sort();
        channels.dedup();
        Ok(channels)
    }

    async fn remember_import(
        &mut self,
        imported: &Imported,
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

    async fn remember(
        &mut self,
        seen: &FileSeen,
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
    async fn rename_file(&mut self, old: &str, seen: &FileSeen) -> Result<(), StoreError> {
        self.transaction.run("DELETE FROM file WHERE path = $1", values![seen.path.as_str()]).await?;
        self.transaction
            .run("UPDATE file SET path = $2, present = 1 WHERE path = $1", values![old, seen.path.as_str()])
            .await
            .map(|_| ())
    }
}

fn accepted(current: &Current, verdict: Verdict) -> Accepted {
    Accepted { id: current.id.clone(), permalink: current.permalink.clone(), verdict }
}

fn state_columns(state: State) -> (&'static str, Option<&'static str>) {
    match state {
        State::Waiting => ("waiting", None),
        State::Live => ("live", None),
        State::WithdrawnWithItsFile => ("withdrawn", Some("file")),
        State::WithdrawnByCommand => ("withdrawn", Some("command")),
    }
}

/// When the article was last changed in the eyes of a reader (rule A3): its stamp at first, then the `at` of
/// each revision that corrects, withdraws or restores it. What the author named counts only where it keeps the order.
fn updated_by(revision: &Revision<'_>, current: &Current, at: i64) -> i64 {
    let (base, before) = match revision.kind {
        Kind::Published => (revision.stamp, revision.stamp),
        _ if !revision.is_correction => (current.updated, current.updated),
        _ => (at, current.updated),
    };
    match revision.named_update {
        Some(named) if named > before && named <= at => named,
        _ => base,
    }
}

/// True where a submission may not be of this article because another of its sources says something else.
fn contradicts(submission: &Submission, current: &Current, other: &Source, known: bool) -> bool {
    let same_text = || says_the_same(current, &submission.article);
    match (&submission.origin, &other.place) {
        (Origin::Command(_), _) => false,
        (Origin::File { seen, .. }, None) => other.hash != seen.hash,
        // The folder is where articles live: its file corrects what was imported into its channel.
        (Origin::File { seen, .. }, Some(_)) => {
            let corrects = known || other.channel == seen.channel.as_str();
            !corrects && other.hash != seen.hash && !same_text()
        }
        // And an import does not correct what a file says.
        (Origin::Import(imported), None) => other.hash != imported.hash && !same_text(),
        (Origin::Import(imported), Some(place)) => {
            let corrects = known || (*place == imported.place && same_title(current, &submission.article));
            !corrects && other.hash != imported.hash && !same_text()
        }
    }
}

/// What was last published of an article, where it can be read.
fn text_of(current: &Current) -> Option<Article> {
    from_json(current.content.as_deref()?).ok()
}

/// The same title but for spaces: a title in which one was missing names the same article.
fn same_title(current: &Current, article: &Article) -> bool {
    text_of(current).is_some_and(|before| without_spaces(&before.title) == without_spaces(&article.title))
}

/// The same text but for spaces and pictures. This tells *which* article is meant, however its spaces were
/// corrected; whether it says something new, [`reads_alike`] tells.
fn is_about_the_same(current: &Current, article: &Article) -> bool {
    let standing = current.standing().and_then(|content| from_json::<Article>(content).ok());
    let folded = |article: &Article| bare(article).map(|text| without_spaces(&text));
    standing.is_some_and(|before| matches!((folded(&before), folded(article)), (Ok(a), Ok(b)) if a == b))
}

fn without_spaces(text: &str) -> String {
    text.nfc().filter(|c| !c.is_whitespace()).collect()
}

/// Equal to readers; which pictures lay beside the text is not asked.
fn says_the_same(current: &Current, article: &Article) -> bool {
    let before = text_of(current).map(|before| bare(&before));
    matches!((before, bare(article)), (Some(Ok(before)), Ok(after)) if reads_alike(&before, &after))
}

/// The article as it is stored, without its pictures.
fn bare(article: &Article) -> Result<String, StoreError> {
    to_json(&Article { pictures: Vec::new(), ..article.clone() })
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

fn read_current(row: &Row) -> Result<Current, StoreError> {
    let state = match (row.text(3)?, row.optional_text(4)?) {
        ("waiting", _) => State::Waiting,
        ("live", _) => State::Live,
        ("withdrawn", Some("file")) => State::WithdrawnWithItsFile,
        _ => State::WithdrawnByCommand,
    };
    Ok(Current {
        id: ArticleId::new(row.text(0)?),
        permalink: read_permalink(row.text(1)?, row.text(2)?)?,
        state,
        number: row.number(5)?,
        at: row.integer(6)?,
        updated: row.integer(7)?,
        channels: from_json(row.text(8)?)?,
        content: row.optional_text(9)?.map(str::to_owned),
        waiting: match (row.optional_text(10)?, row.optional_text(11)?) {
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
fn fresh(id: ArticleId, permalink: Permalink) -> Current {
    Current {
        id,
        permalink,
        state: State::Waiting,
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
fn unfit(submission: &Submission, now: Moment) -> Option<Refusal> {
    if submission.article.stamp.instant > now + FURTHEST {
        return Some(Refusal::TooFarAhead);
    }
    let path = match &submission.origin {
        Origin::Command(_) => None,
        Origin::File { seen, .. } => Excess::in_bytes("path", &seen.path, bounds::MAX_PATH_BYTES),
        Origin::Import(Imported { source, place, .. }) => {
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
    let reserved = channels.iter().find(|channel| RESERVED.contains(&channel.as_str()));
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

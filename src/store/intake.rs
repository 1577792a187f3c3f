//! The rules by which the log grows; each verb runs inside one transaction.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

use super::catalogue;
use super::channels::with_parents;
use super::database::{Row, Transaction, values};
use super::{
    Accepted, Departure, FileSeen, Imported, Once, Options, Origin, Restoration, StoreError, Submission,
    Verdict, Withdrawal,
};
use crate::article::{Article, ArticleId, Permalink, words};
use crate::channel::Slug;
use crate::vietnam_time::{Moment, day_of};

/// The view of everything, among the channels.
pub(super) const EVERYTHING: &str = "";
/// Why an article was withdrawn whose file is gone.
const FILE_REMOVED: &str = "file-removed";
/// For so many seconds a retried request is known again.
const ANSWERS_KEPT: i64 = 86_400;
/// Who acts for a file.
const FOLDER: &str = "folder";
/// Who acts for an imported file.
const IMPORT: &str = "import";

/// A transaction on the log, and what its rules depend on.
pub(super) struct Intake<'t> {
    pub(super) transaction: &'t mut Transaction,
    pub(super) options: &'t Options,
}

/// The state of an article before a change.
#[derive(Clone, Debug)]
struct Current {
    id: ArticleId,
    permalink: Permalink,
    state: State,
    number: u64,
    at: i64,
    updated: i64,
    channels: Vec<Slug>,
    content: Option<String>,
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
}

/// Which article a submission is of.
enum Identity {
    Known(Box<Current>),
    New(ArticleId, Permalink),
    /// This file says something else of the same article.
    Conflict(Box<Current>, String),
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
            Verdict::Stale(_) | Verdict::StaysWithdrawn | Verdict::Conflict { .. } | Verdict::KeyReused
        ) {
            self.remember_answer(once, &accepted).await?;
        }
        Ok(accepted)
    }

    async fn take_in_anew(&mut self, submission: &Submission) -> Result<Accepted, StoreError> {
        if let Origin::File { seen, renamed_from: Some(old) } = &submission.origin {
            self.rename_file(old, seen).await?;
        }
        if let Origin::Import(imported) = &submission.origin
            && let Some(current) = self.imported_unchanged(imported).await?
        {
            return Ok(accepted(&current, Verdict::Unchanged));
        }
        let current = match self.identify(submission).await? {
            Identity::Known(current) => *current,
            Identity::New(id, permalink) if submission.terms.expected.is_some() => {
                return Ok(Accepted { id, permalink, verdict: Verdict::Stale(0) });
            }
            Identity::New(id, permalink) => self.mint(id, permalink, submission).await?,
            Identity::Conflict(current, with) => {
                if let Origin::File { seen, .. } = &submission.origin {
                    self.file_refused(seen).await?;
                }
                return Ok(accepted(&current, Verdict::Conflict { with }));
            }
        };
        let terms = &submission.terms;
        let exists = current.number > 0;
        if terms.expected.is_some_and(|number| number != current.number) || (terms.must_be_new && exists) {
            return Ok(accepted(&current, Verdict::Stale(current.number)));
        }
        let mut channels = submission.channels.clone();
        if channels.is_empty() {
            channels.clone_from(&current.channels);
        }
        let article = self.text_to_stand(submission, &current).await?;
        let author = match &submission.origin {
            Origin::Command(author) => author.as_str(),
            Origin::File { seen, .. } => {
                self.remember(seen, Some(&current.id), &submission.channels, false).await?;
                FOLDER
            }
            Origin::Import(imported) => {
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
    /// well, with those that it has. An import beside a file of the folder has nothing of its own to say.
    async fn text_to_stand<'a>(
        &mut self,
        submission: &'a Submission,
        current: &Current,
    ) -> Result<Cow<'a, Article>, StoreError> {
        let article = Cow::Borrowed(&submission.article);
        let by_file = !matches!(submission.origin, Origin::Command(_));
        if !by_file || !article.pictures.is_empty() {
            return Ok(article);
        }
        let others = self.sources(&current.id, &submission.origin).await?;
        if !others.iter().any(|other| other.place.is_none()) {
            return Ok(article);
        }
        let standing = match current.state {
            State::Waiting => self.text_that_waits(&current.id).await?,
            _ => current.content.clone(),
        };
        let Some(standing) = standing else { return Ok(article) };
        let standing: Article = from_json(&standing)?;
        Ok(Cow::Owned(match &submission.origin {
            Origin::Import(_) => standing,
            _ => Article { pictures: standing.pictures, ..article.into_owned() },
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
        let kind = match current.state {
            State::WithdrawnByCommand => return Ok(Verdict::StaysWithdrawn),
            State::WithdrawnWithItsFile if !by_file => return Ok(Verdict::StaysWithdrawn),
            State::WithdrawnWithItsFile => Kind::Restored,
            State::Waiting => Kind::Published,
            State::Live if channels != current.channels => Kind::Moved,
            State::Live if same_to_readers(current.content.as_deref(), &content) => {
                self.stop_waiting(&current.id).await?;
                return Ok(Verdict::Unchanged);
            }
            State::Live => Kind::Corrected,
        };
        if article.stamp.instant > self.options.clock.now() {
            return self.wait(current, article.stamp.instant, &channels, &content, author).await;
        }
        self.stop_waiting(&current.id).await?;
        let revision = Revision {
            kind,
            channels,
            content: Some(content),
            stamp: article.stamp.instant.timestamp(),
            named_update: article.updated.map(|moment| moment.timestamp()),
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
            let id = ArticleId::new(row.text(0)?);
            let Some(current) = self.current(&id).await? else { continue };
            let article = from_json(row.text(2)?)?;
            let channels = from_json(row.text(1)?)?;
            let verdict = self.admit(&current, &article, channels, row.text(3)?, true).await?;
            self.stop_waiting(&id).await?;
            published.push(accepted(&current, verdict));
        }
        Ok(published)
    }

    pub(super) async fn withdraw(
        &mut self,
        id: &ArticleId,
        reason: Option<&str>,
        erase: bool,
        author: &str,
    ) -> Result<Withdrawal, StoreError> {
        let Some(current) = self.current(id).await? else { return Ok(Withdrawal::Unknown) };
        let withdrawal = match current.state {
            State::WithdrawnByCommand => Withdrawal::Already,
            State::WithdrawnWithItsFile => {
                self.set_state(id, State::WithdrawnByCommand).await?;
                Withdrawal::Already
            }
            State::Waiting => {
                self.set_state(id, State::WithdrawnByCommand).await?;
                Withdrawal::NeverPublished
            }
            State::Live => {
                let number = self.take_down(&current, State::WithdrawnByCommand, reason, author).await?;
                Withdrawal::Withdrawn(number)
            }
        };
        if erase {
            self.erase(id).await?;
        }
        Ok(withdrawal)
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
                Ok(Departure::Withdrawn(self.take_down(&current, state, Some(FILE_REMOVED), FOLDER).await?))
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

    pub(super) async fn found_channel(&mut self, slug: &Slug, title: Option<&str>) -> Result<(), StoreError> {
        let founded = self.ensure_channel(slug.as_str()).await?;
        let Some(title) = title else { return Ok(()) };
        let renamed = self
            .transaction
            .run(
                "UPDATE channel SET title = $2 WHERE slug = $1 AND (title IS NULL OR title <> $2)",
                values![slug.as_str(), title],
            )
            .await?;
        if renamed > 0 && !founded {
            let now = self.options.clock.now().timestamp();
            self.transaction
                .run("UPDATE log SET generation = generation + 1, configured_at = $1", values![now])
                .await?;
        }
        Ok(())
    }

    /// Which article a submission is of: what its file stood for, the id that it names, or the id that its
    /// day and stem make.
    async fn identify(&mut self, submission: &Submission) -> Result<Identity, StoreError> {
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
                None => {
                    let id = submission.id.clone();
                    let id = id.unwrap_or_else(|| self.options.addresses.mint(&permalink));
                    return Ok(Identity::New(id, permalink));
                }
                // A name that the author gave makes another article of it, whatever stands at this address.
                Some(_) if submission.id.is_some() => {}
                Some(current) if self.is_of(&current, submission).await? => {
                    return self.known_or_conflict(current, submission, false).await;
                }
                Some(_) => {}
            }
        }
        Err(StoreError::Corrupt("an address is taken four thousand million times".to_owned()))
    }

    /// True where what stands at the address that a submission would take is the same article: withdrawn and
    /// coming back, or standing elsewhere under the same stem.
    ///
    /// What lies in no folder is also known by its text: somebody sent it again, or imports what was sent.
    async fn is_of(&mut self, current: &Current, submission: &Submission) -> Result<bool, StoreError> {
        let same_text = || current.state == State::Live && says_the_same(current, &submission.article);
        let stem = match &submission.origin {
            Origin::Command(_) => return Ok(current.state == State::WithdrawnByCommand || same_text()),
            Origin::Import(_) if same_text() => return Ok(true),
            Origin::File { seen, .. } => stem_of(&seen.path),
            Origin::Import(imported) => stem_of(&imported.place),
        };
        if matches!(current.state, State::WithdrawnByCommand | State::WithdrawnWithItsFile) {
            return Ok(true);
        }
        let others = self.sources(&current.id, &submission.origin).await?;
        Ok(others.iter().any(|other| other.stem == stem))
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

    /// Reserves the name of a new article.
    async fn mint(
        &mut self,
        id: ArticleId,
        permalink: Permalink,
        submission: &Submission,
    ) -> Result<Current, StoreError> {
        let stamp = submission.article.stamp.instant.timestamp();
        self.transaction
            .run(
                "INSERT INTO article (id, day, slug, state, number, at, updated, stamp, channels) \
                 VALUES ($1, $2, $3, 'waiting', 0, 0, 0, $4, '[]')",
                values![id.as_str(), day_text(&permalink), permalink.slug.as_str(), stamp],
            )
            .await?;
        let (state, channels) = (State::Waiting, Vec::new());
        Ok(Current { id, permalink, state, number: 0, at: 0, updated: 0, channels, content: None })
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
            self.transaction
                .run("UPDATE channel SET head = head + 1, head_at = $2 WHERE slug = $1", values![channel, at])
                .await?;
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

    /// True where the channel is new.
    async fn ensure_channel(&mut self, slug: &str) -> Result<bool, StoreError> {
        let founded = self
            .transaction
            .run(
                "INSERT INTO channel (slug, head, head_at) VALUES ($1, 0, 0) ON CONFLICT (slug) DO NOTHING",
                values![slug],
            )
            .await?
            > 0;
        if founded && slug != EVERYTHING {
            let now = self.options.clock.now().timestamp();
            self.transaction
                .run("UPDATE log SET generation = generation + 1, channels_at = $1", values![now])
                .await?;
        }
        Ok(founded)
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
        let row = self
            .transaction
            .first(
                "SELECT id, day, slug, state, withdrawn_by, number, at, updated, channels, content \
                 FROM article WHERE id = $1",
                values![id.as_str()],
            )
            .await?;
        row.map(|row| read_current(&row)).transpose()
    }

    async fn at_permalink(&mut self, permalink: &Permalink) -> Result<Option<Current>, StoreError> {
        let row = self
            .transaction
            .first(
                "SELECT id, day, slug, state, withdrawn_by, number, at, updated, channels, content \
                 FROM article WHERE day = $1 AND slug = $2",
                values![day_text(permalink), permalink.slug.as_str()],
            )
            .await?;
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

    async fn text_that_waits(&mut self, id: &ArticleId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT content FROM waiting WHERE article = $1";
        let row = self.transaction.first(sql, values![id.as_str()]).await?;
        row.map(|row| row.text(0).map(str::to_owned)).transpose()
    }

    /// What else keeps an article up now, the folder's files first.
    async fn sources(&mut self, id: &ArticleId, but: &Origin) -> Result<Vec<Source>, StoreError> {
        let rows = self
            .transaction
            .rows(
                "SELECT path, channel, hash FROM file WHERE article = $1 AND present = 1 ORDER BY path",
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
/// each revision. What the author named counts only where it keeps the order.
fn updated_by(revision: &Revision<'_>, current: &Current, at: i64) -> i64 {
    let (base, before) = match revision.kind {
        Kind::Published => (revision.stamp, revision.stamp),
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

fn same_title(current: &Current, article: &Article) -> bool {
    text_of(current).is_some_and(|before| same_to_readers(Some(&before.title), &article.title))
}

/// Equal to readers; which pictures lay beside the text is not asked.
fn says_the_same(current: &Current, article: &Article) -> bool {
    let Some(before) = text_of(current) else { return false };
    let bare = |article: &Article| to_json(&Article { pictures: Vec::new(), ..article.clone() });
    match (bare(&before), bare(article)) {
        (Ok(before), Ok(after)) => same_to_readers(Some(&before), &after),
        _ => false,
    }
}

/// Equal but for white space and Unicode form.
fn same_to_readers(before: Option<&str>, after: &str) -> bool {
    let fold = |text: &str| -> String { text.nfc().filter(|c| !c.is_whitespace()).collect() };
    before.is_some_and(|before| before == after || fold(before) == fold(after))
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
    })
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

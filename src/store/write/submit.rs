//! What a submitted article does to the log.

use std::borrow::Cow;

use tracing::error;

use crate::model::bounds::Excess;
use crate::model::{Article, ArticleId, ChannelStatus, Image, Permalink, Slug, bounds};
use crate::store::collected::{ItemRecord, ItemState};
use crate::store::engine::values;
use crate::store::error::StoreError;
use crate::store::outcome::{SubmitOutcome, SubmitResult};
use crate::store::queries::ChangeKind;
use crate::store::read::channels::channels;
use crate::store::refusal::Refusal;
use crate::store::rows::from_json;
use crate::store::stored_text::StoredText;
use crate::store::submission::{
    ArticleVersion, ImportedFile, KeptImages, PreparedSubmission, Source, Submission,
};
use crate::store::write::append::NewRevision;
use crate::store::write::collected::author_of;
use crate::store::write::comparison::{equal_ignoring_formatting, same_content};
use crate::store::write::current::{ArticleStatus, CurrentArticle, new_article};
use crate::store::write::files::{FOLDER, IMPORT};
use crate::store::write::identity::Match;
use crate::store::write::log_writer::LogWriter;
use crate::store::write::rights::Rights;
use crate::time::{Timestamp, local_date};
use crate::urls::RESERVED_SLUGS;

/// An image that arrives this many seconds after its article was published belongs to the publication: saving both
/// may take the grace period of five seconds, and a scan takes a moment more.
const IMAGE_GRACE: i64 = 15;
/// A publication date further ahead than this is treated as a typing error.
const MAX_FUTURE: chrono::TimeDelta = chrono::TimeDelta::days(366);

impl LogWriter<'_> {
    /// Submits an article. One that the engine cannot keep is refused alone; the rest of its batch is written.
    pub(crate) async fn submit_or_refuse(
        &mut self,
        prepared: &PreparedSubmission,
    ) -> Result<SubmitResult, StoreError> {
        let submission = &prepared.submission;
        let result = match self.submit(prepared).await {
            Err(cause) if cause.is_of_one_write() => {
                self.undo_one().await?;
                let refused = self.not_accepted(submission, SubmitOutcome::Refused(Refusal::Failed));
                error!(id = %refused.id, %cause, "cannot store this article; the other articles of the batch are stored");
                Ok(refused)
            }
            result => result,
        };
        if submission.conditions.dry_run {
            self.undo_one().await?;
        }
        result
    }

    async fn submit(&mut self, prepared: &PreparedSubmission) -> Result<SubmitResult, StoreError> {
        let Some(once) = &prepared.submission.conditions.idempotency else {
            return self.submit_new(prepared).await;
        };
        if let Some(answer) = self.stored_result(once).await? {
            return Ok(answer);
        }
        let accepted = self.submit_new(prepared).await?;
        // Refusals are not stored: the cause may be fixed before the retry.
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

    async fn submit_new(&mut self, prepared: &PreparedSubmission) -> Result<SubmitResult, StoreError> {
        let submission = &prepared.submission;
        if let Source::File { seen, renamed_from: Some(old) } = &submission.source {
            self.rename_file(old, seen).await?;
        }
        let rights = match self.admit(submission).await? {
            Ok(rights) => rights,
            Err(refusal) => return self.refuse(submission, None, refusal).await,
        };
        if let Source::Import(imported) = &submission.source
            && let Some(current) = self.imported_unchanged(imported).await?
        {
            return Ok(submit_result(&current, SubmitOutcome::Unchanged));
        }
        let (current, is_there) = match self.identify(submission, &rights).await? {
            Match::Known(current) => (*current, true),
            Match::New(id, permalink) => (new_article(id, permalink), false),
            Match::Conflict(current, with) => {
                if let Source::File { seen, .. } = &submission.source {
                    self.file_rejected(seen).await?;
                }
                return Ok(submit_result(&current, SubmitOutcome::Conflict { with }));
            }
            Match::Refused(refusal) => return self.refuse(submission, None, refusal).await,
        };
        let terms = &submission.conditions;
        if is_there && let Some(refusal) = rights.refusal(&current, terms.must_exist) {
            return self.refuse(submission, Some(&current), refusal).await;
        }
        if !current.is_as_expected(terms.expected.as_deref()) || (terms.must_be_new && is_there) {
            return Ok(submit_result(&current, SubmitOutcome::VersionMismatch(current.number)));
        }
        let mut channels = submission.channels.clone();
        if channels.is_empty() {
            channels = current.affected_channels();
        }
        if let Some(refusal) = self.closed_channel(submission, &channels, &current) {
            return self.refuse(submission, Some(&current), refusal).await;
        }
        if !is_there && !self.reserve(&current, submission).await? {
            let refusal = self.id_taken(&current.id, &submission.source).await?;
            return self.refuse(submission, Some(&current), refusal).await;
        }
        self.write_submitted(prepared, (&current, is_there), channels).await
    }

    /// The rights of the sender; or why it is refused, whatever article it means.
    async fn admit(&mut self, submission: &Submission) -> Result<Result<Rights, Refusal>, StoreError> {
        if let Some(refusal) = validate(submission, self.options.clock.now()) {
            return Ok(Err(refusal));
        }
        if let Some(refusal) = self.unknown_channel(submission).await? {
            return Ok(Err(refusal));
        }
        let Some(rights) = self.rights(&submission.conditions).await? else {
            return Ok(Err(Refusal::Revoked));
        };
        Ok(match rights.allow(&submission.channels) {
            true => Ok(rights),
            false => Err(Refusal::NotYours(submission.channels.clone())),
        })
    }

    /// Writes a submission that nothing speaks against. `channels` are those that it names.
    async fn write_submitted(
        &mut self,
        prepared: &PreparedSubmission,
        (current, is_there): (&CurrentArticle, bool),
        mut channels: Vec<Slug>,
    ) -> Result<SubmitResult, StoreError> {
        let submission = &prepared.submission;
        let article = self.effective_article(submission, current).await?;
        let text = match &article {
            Cow::Borrowed(_) => Cow::Borrowed(&prepared.text),
            Cow::Owned(article) => Cow::Owned(StoredText::new(article)?),
        };
        if is_there
            && matches!(submission.source, Source::Import(_))
            && self.channels_of_sources(&current.id).await?.is_empty()
        {
            // An article that was published by command stays in its channels.
            channels.extend(current.affected_channels());
        }
        let author = self.record_source(submission, &current.id).await?;
        let by_file = !matches!(submission.source, Source::Command(_));
        // A new article has no other source.
        if by_file && is_there {
            channels.extend(self.channels_of_sources(&current.id).await?);
        }
        channels.sort();
        channels.dedup();
        let reason = submission.conditions.reason.as_deref();
        let author = Author { name: &author, by_file, reason };
        let done = self.apply(current, &article, &text, channels, author).await?;
        if let Source::Collected(item) = &submission.source
            && done.outcome.is_change()
        {
            self.note_fingerprint(&item.source, &current.id, &article).await?;
        }
        Ok(done)
    }

    /// Remembers from where the article comes. Returns the author of its revision.
    async fn record_source<'a>(
        &mut self,
        submission: &'a Submission,
        id: &ArticleId,
    ) -> Result<Cow<'a, str>, StoreError> {
        Ok(match &submission.source {
            Source::Command(author) => Cow::Borrowed(author),
            Source::File { seen, .. } => {
                self.upsert_file(seen, Some(id), &submission.channels, false).await?;
                Cow::Borrowed(FOLDER)
            }
            Source::Import(imported) => {
                self.upsert_import(imported, id, &submission.channels).await?;
                Cow::Borrowed(IMPORT)
            }
            Source::Collected(item) => {
                let record = ItemRecord {
                    item: item.clone(),
                    state: ItemState::Published,
                    article: Some(id.clone()),
                    published: Some(submission.article.published),
                    reason: None,
                    content: None,
                };
                self.upsert_item(&record).await?;
                Cow::Owned(author_of(item))
            }
        })
    }

    /// Refuses a submission. The published version stays unchanged.
    async fn refuse(
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
        let outcome = SubmitOutcome::Refused(refusal);
        Ok(match current {
            Some(current) => submit_result(current, outcome),
            None => self.not_accepted(submission, outcome),
        })
    }

    /// The result of a submission that was not stored, with the id that it requested or would have received.
    pub(crate) fn not_accepted(&self, submission: &Submission, outcome: SubmitOutcome) -> SubmitResult {
        let day = local_date(submission.article.published.instant, self.options.zone);
        let permalink = Permalink { day, slug: submission.stem.clone() };
        let id = submission.id.clone().unwrap_or_else(|| self.options.addresses.article_id(&permalink));
        SubmitResult { id, permalink, outcome, version: None }
    }

    /// The first of its channels that does not exist, if all must exist.
    async fn unknown_channel(&mut self, submission: &Submission) -> Result<Option<Refusal>, StoreError> {
        if !submission.conditions.known_channels {
            return Ok(None);
        }
        let mut known: Vec<Slug> = self.options.channels.iter().map(|channel| channel.slug.clone()).collect();
        for channel in channels(self.transaction).await? {
            if !known.contains(&channel.slug) {
                known.push(channel.slug);
            }
        }
        let unknown = submission.channels.iter().find(|channel| !known.contains(channel)).cloned();
        Ok(unknown.map(|channel| Refusal::UnknownChannel { channel, known }))
    }

    /// The first of these channels that accepts no new articles. Corrections of existing articles are always
    /// accepted.
    ///
    /// A command or request acts now, and a closed channel accepts nothing from now on. A file in the folder or an
    /// imported file may have been published before the channel was closed: its publication date counts, if the
    /// closing day is known. An article that was scheduled while the channel was open is published.
    pub(crate) fn closed_channel(
        &self,
        submission: &Submission,
        channels: &[Slug],
        current: &CurrentArticle,
    ) -> Option<Refusal> {
        let holds = current.affected_channels();
        let day = match submission.source {
            Source::Command(_) => None,
            Source::File { .. } | Source::Import(_) | Source::Collected(_) => {
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

    /// The article as submitted. A command or request may keep images ([`KeptImages`]). If its images are beside another file of the folder that holds the same article, it
    /// keeps those images. An import, or a copy of a file in the folder, has no text of its own: what a command
    /// corrected in the meantime stays.
    async fn effective_article<'a>(
        &mut self,
        submission: &'a Submission,
        current: &CurrentArticle,
    ) -> Result<Cow<'a, Article>, StoreError> {
        let article = Cow::Borrowed(&submission.article);
        let own_hash = match &submission.source {
            Source::Command(_) => return with_kept_images(submission, current),
            Source::Collected(_) => return Ok(article),
            Source::File { seen, .. } => Some(seen.hash.as_str()),
            Source::Import(_) => None,
        };
        let Some(visible_content) = current.visible_content() else { return Ok(article) };
        let others = self.sources(&current.id, &submission.source).await?;
        let beside: Vec<_> = others.iter().filter(|other| other.place.is_none()).collect();
        if beside.is_empty() {
            return Ok(article);
        }
        let visible_content: Article = from_json(visible_content)?;
        let says_nothing_new = match own_hash {
            Some(hash) => beside.iter().any(|other| other.hash == hash && !other.is_refused),
            None => article.images.is_empty(),
        };
        let article = article.into_owned();
        let pictures = match article.images.is_empty() {
            true => visible_content.images.clone(),
            false => article.images.clone(),
        };
        Ok(Cow::Owned(match says_nothing_new {
            true => Article { images: pictures, ..visible_content },
            false => Article { images: pictures, ..article },
        }))
    }

    /// Decides what a text means for its article, and stores it.
    pub(crate) async fn apply(
        &mut self,
        current: &CurrentArticle,
        article: &Article,
        text: &StoredText,
        channels: Vec<Slug>,
        author: Author<'_>,
    ) -> Result<SubmitResult, StoreError> {
        let Author { name: author, by_file, reason } = author;
        let is_unchanged =
            current.content.as_deref().is_some_and(|before| equal_ignoring_formatting(before, &text.json));
        let kind = match current.state {
            ArticleStatus::WithdrawnByCommand => {
                return Ok(submit_result(current, SubmitOutcome::WithdrawnByOperator));
            }
            ArticleStatus::WithdrawnWithItsFile if !by_file => {
                return Ok(submit_result(current, SubmitOutcome::WithdrawnByOperator));
            }
            ArticleStatus::WithdrawnWithItsFile => ChangeKind::Restored,
            ArticleStatus::Waiting => ChangeKind::Published,
            ArticleStatus::Live if channels != current.channels => ChangeKind::Moved,
            ArticleStatus::Live if is_unchanged => {
                self.unschedule(&current.id).await?;
                return Ok(submit_result(current, SubmitOutcome::Unchanged));
            }
            ArticleStatus::Live => ChangeKind::Corrected,
        };
        if article.published.instant > self.options.clock.now() {
            let author = (author, reason);
            return self.schedule(current, article.published.instant, &channels, text, author).await;
        }
        if current.waiting.is_some() {
            self.unschedule(&current.id).await?;
        }
        let says_the_same = is_unchanged || (by_file && self.completes_publication(current, article).await?);
        let revision = NewRevision {
            kind,
            channels,
            text: Some(Cow::Borrowed(text)),
            stamp: text.stamp,
            named_update: article.updated.map(|moment| moment.timestamp()),
            is_correction: kind == ChangeKind::Restored || !says_the_same,
            // Only a change to something public has a reason.
            reason: reason.filter(|_| kind != ChangeKind::Published),
            author,
            state: ArticleStatus::Live,
        };
        let number = self.append(current, revision).await?;
        let outcome = match kind {
            ChangeKind::Published => SubmitOutcome::Published(number),
            ChangeKind::Moved => SubmitOutcome::Moved(number),
            ChangeKind::Restored => SubmitOutcome::Restored(number),
            ChangeKind::Corrected | ChangeKind::Left | ChangeKind::Withdrawn => {
                SubmitOutcome::Corrected(number)
            }
        };
        let version = Some(ArticleVersion::Number(number));
        Ok(SubmitResult { version, ..submit_result(current, outcome) })
    }

    /// True if only the images are new and the article was published a moment ago.
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
        Ok(self.options.clock.now().timestamp() - first.get_i64(0)? <= IMAGE_GRACE)
    }
}

/// The result of a submission that did not change the version of the article.
pub(crate) fn submit_result(current: &CurrentArticle, outcome: SubmitOutcome) -> SubmitResult {
    let (id, permalink) = (current.id.clone(), current.permalink.clone());
    SubmitResult { id, permalink, outcome, version: current.version() }
}

/// Who writes an article, and why.
#[derive(Clone, Copy)]
pub(crate) struct Author<'a> {
    pub(crate) name: &'a str,
    /// True for the folder and imports.
    pub(crate) by_file: bool,
    /// The reason for a correction.
    pub(crate) reason: Option<&'a str>,
}

/// The article of a command or request with the images that it keeps.
///
/// # Errors
/// If the stored text is damaged.
fn with_kept_images<'a>(
    submission: &'a Submission,
    current: &CurrentArticle,
) -> Result<Cow<'a, Article>, StoreError> {
    let article = Cow::Borrowed(&submission.article);
    let kept = &submission.conditions.kept_images;
    if *kept == KeptImages::UnlessReplaced && !article.images.is_empty() {
        return Ok(article);
    }
    let Some(before) = current.editable_content() else { return Ok(article) };
    let before = from_json::<Article>(before)?.images;
    let mut images: Vec<Image> = match kept {
        KeptImages::UnlessReplaced | KeptImages::All => before,
        KeptImages::Named(names) => {
            let named = |name: &String| before.iter().find(|image| image.name == *name).cloned();
            names.iter().filter_map(named).collect()
        }
    };
    for image in &article.images {
        if !images.iter().any(|known| known.name == image.name) {
            images.push(image.clone());
        }
    }
    Ok(Cow::Owned(Article { images, ..article.into_owned() }))
}

/// Checks that do not depend on the stored article.
pub(crate) fn validate(submission: &Submission, now: Timestamp) -> Option<Refusal> {
    if submission.article.published.instant > now + MAX_FUTURE {
        return Some(Refusal::TooFarAhead);
    }
    let path = match &submission.source {
        Source::Command(_) => None,
        Source::File { seen, .. } => Excess::in_bytes("path", &seen.path, bounds::MAX_PATH_BYTES),
        Source::Collected(item) => {
            let link = item.link.as_deref().unwrap_or_default();
            Excess::in_bytes("id", &format!("{}{}{link}", item.source, item.key), bounds::MAX_PATH_BYTES)
        }
        Source::Import(ImportedFile { source, place, .. }) => {
            Excess::in_bytes("path", &format!("{source}{place}"), bounds::MAX_PATH_BYTES)
        }
    };
    let channels = &submission.channels;
    let reason = submission.conditions.reason.as_deref();
    let excess = path
        .or_else(|| {
            reason.and_then(|reason| Excess::in_characters("reason", reason, bounds::MAX_REASON_CHARS))
        })
        .or_else(|| submission.article.excess())
        .or_else(|| Excess::in_entries("channels", channels.len(), bounds::MAX_CHANNELS));
    if let Some(excess) = excess {
        return Some(Refusal::TooLong(excess));
    }
    let reserved = channels.iter().find(|channel| RESERVED_SLUGS.contains(&channel.as_str()));
    reserved.map(|channel| Refusal::Reserved(channel.clone()))
}

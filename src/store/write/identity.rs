//! Which article a submission belongs to.

use crate::model::bounds::Excess;
use crate::model::{Article, ArticleId, Permalink, bounds};
use crate::store::engine::values;
use crate::store::error::StoreError;
use crate::store::refusal::Refusal;
use crate::store::rows::day_text;
use crate::store::submission::{Source, Submission};
use crate::store::write::comparison::{same_content, same_text_ignoring_spaces, same_title};
use crate::store::write::current::{ArticleStatus, ArticleSummary, CurrentArticle};
use crate::store::write::files::{ArticleSource, stem_of};
use crate::store::write::log_writer::LogWriter;
use crate::store::write::rights::Rights;
use crate::time::local_date;

/// The article that a submission belongs to.
pub(crate) enum Match {
    Known(Box<CurrentArticle>),
    New(ArticleId, Permalink),
    /// This file holds the same article with different content.
    Conflict(Box<CurrentArticle>, String),
    /// The submission is refused.
    Refused(Refusal),
}

impl LogWriter<'_> {
    /// Finds the article of a submission: by its file, its explicit id, the file that it copies, or the id derived
    /// from date and stem.
    pub(crate) async fn identify(
        &mut self,
        submission: &Submission,
        rights: &Rights,
    ) -> Result<Match, StoreError> {
        let known = match &submission.source {
            Source::Collected(item) => match self.article_of_item(item).await? {
                Some(current) => return Ok(Match::Known(Box::new(current))),
                None => {
                    let (id, permalink) = self.identity_of_item(submission).await?;
                    return Ok(Match::New(id, permalink));
                }
            },
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
        if submission.conditions.must_exist {
            return Ok(Match::Refused(Refusal::UnknownArticle));
        }
        let day = local_date(submission.article.published.instant, self.options.zone);
        for number in 1.. {
            let permalink = Permalink { day, slug: submission.stem.with_suffix(number) };
            match self.article_at(&permalink).await? {
                None if submission.id.is_some() => {
                    return Ok(self.new_identity(submission, permalink, rights));
                }
                None => match self.copied_from(submission, rights).await? {
                    Some(current) => return self.match_or_conflict(current, submission, false).await,
                    None => return Ok(self.new_identity(submission, permalink, rights)),
                },
                // An explicit id always makes a separate article, whatever is published at this URL.
                Some(_) if submission.id.is_some() => {}
                Some(found) => {
                    if self.is_same_article(&found, submission, rights).await?
                        && let Some(current) = self.current(&found.id).await?
                    {
                        return self.match_or_conflict(current, submission, false).await;
                    }
                }
            }
        }
        Err(StoreError::Corrupt("no free permalink for this slug and date".to_owned()))
    }

    /// The id of a new article: the explicit one, or the one derived from its URL.
    fn new_identity(&self, submission: &Submission, permalink: Permalink, rights: &Rights) -> Match {
        let addresses = &self.options.addresses;
        let minted = addresses.article_id(&permalink);
        let Some(id) = &submission.id else { return Match::New(minted, permalink) };
        if !bounds::is_iri(id.as_str()) {
            return Match::Refused(Refusal::UnfitId);
        }
        if let Some(excess) = Excess::in_bytes("id", id.as_str(), bounds::MAX_ID_BYTES) {
            return Match::Refused(Refusal::TooLong(excess));
        }
        if *id != minted && !rights.are_unlimited() && addresses.may_mint(id) {
            return Match::Refused(Refusal::NotYourId(id.clone()));
        }
        Match::New(id.clone(), permalink)
    }

    /// Describes the article that has an id, by its file or its permalink. API clients learn nothing about an article
    /// that may belong to another channel.
    pub(crate) async fn id_taken(&mut self, id: &ArticleId, asking: &Source) -> Result<Refusal, StoreError> {
        let holder = match self.current(id).await? {
            Some(current) if !matches!(asking, Source::Command(_)) => {
                let source = self.sources(id, asking).await?.into_iter().next();
                Some(source.map_or_else(|| current.permalink.to_string(), |source| source.name))
            }
            _ => None,
        };
        Ok(Refusal::IdTaken { id: id.clone(), holder })
    }

    /// The article that a submission copies although its date differs because it was corrected: the same bytes and
    /// stem; for an API request, the same date and text.
    async fn copied_from(
        &mut self,
        submission: &Submission,
        rights: &Rights,
    ) -> Result<Option<CurrentArticle>, StoreError> {
        let (hash, stem) = match &submission.source {
            Source::File { seen, .. } => (&seen.hash, stem_of(&seen.path)),
            Source::Import(imported) => (&imported.hash, stem_of(&imported.place)),
            Source::Command(_) => return self.sent_before(submission, rights).await,
            // Only its record identifies the article.
            Source::Collected(_) => return Ok(None),
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
                && rights.allow(&current.affected_channels())
                && same_text_ignoring_spaces(&current, &submission.article)
            {
                return Ok(Some(current));
            }
        }
        Ok(None)
    }

    /// True if the article at the URL that a submission would get is the same article: withdrawn and coming back, or
    /// held by another file with the same stem.
    ///
    /// Submissions without a file are also recognised by their text: sent again, or imported after it was sent.
    ///
    /// SECURITY: the first sender of a title must not block an article of another channel. A sender is only matched
    /// with articles that it has rights to, and a withdrawn article only comes back in its own channels.
    async fn is_same_article(
        &mut self,
        candidate: &ArticleSummary,
        submission: &Submission,
        rights: &Rights,
    ) -> Result<bool, StoreError> {
        let held = &candidate.channels;
        let (stem, home) = match &submission.source {
            Source::Command(_) => {
                let stood = candidate.state == ArticleStatus::WithdrawnByCommand
                    && submission.channels.iter().all(|channel| held.contains(channel));
                return Ok(
                    rights.allow(held) && (stood || self.has_text(candidate, &submission.article).await?)
                );
            }
            Source::Import(_) if self.has_text(candidate, &submission.article).await? => return Ok(true),
            Source::Collected(_) => return Ok(false),
            Source::File { seen, .. } => (stem_of(&seen.path), &seen.channel),
            Source::Import(imported) => (stem_of(&imported.place), &imported.channel),
        };
        if candidate.state.is_withdrawn() {
            return Ok(held.contains(home) || self.ever_held(&candidate.id, &stem).await?);
        }
        let others = self.sources(&candidate.id, &submission.source).await?;
        Ok(others.iter().any(|other| other.stem == stem))
    }

    /// True if readers see this text at the article, or will see it.
    async fn has_text(&mut self, candidate: &ArticleSummary, article: &Article) -> Result<bool, StoreError> {
        let may_have = match candidate.state {
            // The publication date is part of the text.
            ArticleStatus::Live => candidate.stamp == article.published.instant.timestamp(),
            ArticleStatus::Waiting => true,
            ArticleStatus::WithdrawnWithItsFile | ArticleStatus::WithdrawnByCommand => false,
        };
        if !may_have {
            return Ok(false);
        }
        let current = self.current(&candidate.id).await?;
        Ok(current.is_some_and(|current| same_text_ignoring_spaces(&current, article)))
    }

    /// True if a file with this stem holds the article or once did.
    async fn ever_held(&mut self, id: &ArticleId, stem: &str) -> Result<bool, StoreError> {
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

    /// `known`: the submitted file held this article before.
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

    /// Reserves the id of a new article. False if another article has it as its explicit id.
    pub(crate) async fn reserve(
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
}

/// True if a submission cannot belong to this article because another of its sources has different content.
fn contradicts(
    submission: &Submission,
    current: &CurrentArticle,
    other: &ArticleSource,
    known: bool,
) -> bool {
    let same_text = || same_content(current, &submission.article);
    match (&submission.source, &other.place) {
        (Source::Command(_) | Source::Collected(_), _) => false,
        (Source::File { seen, .. }, None) => other.hash != seen.hash,
        // The article folder takes precedence: its file corrects what was imported into its channel.
        (Source::File { seen, .. }, Some(_)) => {
            let corrects = known || other.channel == seen.channel.as_str();
            !corrects && other.hash != seen.hash && !same_text()
        }
        // An import does not correct a file in the folder.
        (Source::Import(imported), None) => other.hash != imported.hash && !same_text(),
        (Source::Import(imported), Some(place)) => {
            let corrects = known || (*place == imported.place && same_title(current, &submission.article));
            !corrects && other.hash != imported.hash && !same_text()
        }
    }
}

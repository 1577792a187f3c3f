//! Which article a submission belongs to.

use crate::model::bounds::Excess;
use crate::model::{ArticleId, Permalink, bounds};
use crate::store::engine::values;
use crate::store::error::StoreError;
use crate::store::refusal::{Refusal, too_long};
use crate::store::rows::day_text;
use crate::store::submission::{Source, Submission};
use crate::store::write::comparison::{is_about_the_same, same_content, same_title};
use crate::store::write::current::{ArticleStatus, CurrentArticle};
use crate::store::write::files::{ArticleSource, stem_of};
use crate::store::write::log_writer::LogWriter;
use crate::store::write::rights::Rights;
use crate::time::local_date;

/// Which article a submission is of.
pub(crate) enum Match {
    Known(Box<CurrentArticle>),
    New(ArticleId, Permalink),
    /// This file says something else of the same article.
    Conflict(Box<CurrentArticle>, String),
    /// It is of none that it could be of.
    Refused(Refusal),
}

impl LogWriter<'_> {
    /// Which article a submission is of: what its file stood for, the id that it names, the file that it is a copy
    /// of, or the id that its day and stem make.
    pub(crate) async fn identify(
        &mut self,
        submission: &Submission,
        rights: &Rights,
    ) -> Result<Match, StoreError> {
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
    pub(crate) async fn taken(&mut self, id: &ArticleId, asking: &Source) -> Result<Refusal, StoreError> {
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

//! The state of an article before a write.

use crate::model::{ArticleId, Permalink, Slug};
use crate::store::engine::{Row, values};
use crate::store::error::StoreError;
use crate::store::rows::{day_text, from_json, read_permalink, version_of};
use crate::store::sql::content;
use crate::store::submission::ArticleVersion;
use crate::store::write::log_writer::LogWriter;

/// The state of an article before a write.
#[derive(Clone, Debug)]
pub(crate) struct CurrentArticle {
    pub(crate) id: ArticleId,
    pub(crate) permalink: Permalink,
    pub(crate) state: ArticleStatus,
    pub(crate) number: u64,
    pub(crate) at: i64,
    pub(crate) updated: i64,
    /// The channels that contain it, or contained it until it was withdrawn; none before its first publication.
    pub(crate) channels: Vec<Slug>,
    pub(crate) content: Option<String>,
    /// Sort key of a published article.
    pub(crate) place: Option<i64>,
    /// The scheduled text.
    pub(crate) waiting: Option<Waiting>,
}

/// The article at a URL, without its text.
pub(crate) struct ArticleSummary {
    pub(crate) id: ArticleId,
    pub(crate) state: ArticleStatus,
    /// Publication date of the published text, in Unix seconds.
    pub(crate) stamp: i64,
    /// As [`CurrentArticle::affected_channels`].
    pub(crate) channels: Vec<Slug>,
}

/// A scheduled text and its channels.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) channels: Vec<Slug>,
    pub(crate) content: String,
    pub(crate) version: String,
}

impl CurrentArticle {
    /// The channels that a write to this article affects: those that contain it, contained it, or will contain it.
    pub(crate) fn affected_channels(&self) -> Vec<Slug> {
        let planned = self.waiting.as_ref().map(|waiting| waiting.channels.as_slice());
        union(&self.channels, planned.unwrap_or_default())
    }

    /// False if it was never public.
    pub(crate) fn was_published(&self) -> bool {
        self.number > 0
    }

    /// Its version; none before its first write.
    pub(crate) fn version(&self) -> Option<ArticleVersion> {
        match &self.waiting {
            _ if self.was_published() => Some(ArticleVersion::Number(self.number)),
            Some(waiting) => Some(ArticleVersion::Scheduled(waiting.version.clone())),
            None => None,
        }
    }

    /// True if the article has one of these versions, or none is required.
    pub(crate) fn is_as_expected(&self, expected: Option<&[ArticleVersion]>) -> bool {
        expected.is_none_or(|versions| self.version().is_some_and(|version| versions.contains(&version)))
    }

    /// The text that a correction replaces: the scheduled one if there is one.
    pub(crate) fn editable_content(&self) -> Option<&str> {
        self.waiting.as_ref().map(|waiting| waiting.content.as_str()).or(self.content.as_deref())
    }

    /// The text that readers see, or will see first.
    pub(crate) fn visible_content(&self) -> Option<&str> {
        let waiting = self.waiting.as_ref().map(|waiting| waiting.content.as_str());
        if self.was_published() { self.content.as_deref() } else { waiting }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArticleStatus {
    /// Scheduled; it has no revision.
    Waiting,
    Live,
    /// Its file was removed; a file restores it.
    WithdrawnWithItsFile,
    /// Only a command restores it.
    WithdrawnByCommand,
}

impl ArticleStatus {
    /// `state` and `withdrawn_by` as stored.
    fn of_columns(state: &str, withdrawn_by: Option<&str>) -> Self {
        match (state, withdrawn_by) {
            ("waiting", _) => Self::Waiting,
            ("live", _) => Self::Live,
            ("withdrawn", Some("file")) => Self::WithdrawnWithItsFile,
            _ => Self::WithdrawnByCommand,
        }
    }

    pub(crate) fn is_withdrawn(self) -> bool {
        matches!(self, Self::WithdrawnWithItsFile | Self::WithdrawnByCommand)
    }
}

/// The columns that [`read_current`] reads.
macro_rules! select_current {
    ($which:literal) => {
        concat!(
            "SELECT a.id, a.day, a.slug, a.state, a.withdrawn_by, a.number, a.at, a.updated, a.channels, ",
            content!(),
            ", w.channels, w.content, a.place FROM article a LEFT JOIN waiting w ON w.article = a.id ",
            $which
        )
    };
}

impl LogWriter<'_> {
    pub(crate) async fn current(&mut self, id: &ArticleId) -> Result<Option<CurrentArticle>, StoreError> {
        let sql = select_current!("WHERE a.id = $1");
        let row = self.transaction.first(sql, values![id.as_str()]).await?;
        row.map(|row| read_current(&row)).transpose()
    }

    /// NOTE: the text is not read. A new article passes all that have its title and its day, which may be hundreds.
    pub(crate) async fn article_at(
        &mut self,
        permalink: &Permalink,
    ) -> Result<Option<ArticleSummary>, StoreError> {
        let sql = "SELECT a.id, a.state, a.withdrawn_by, a.stamp, a.channels, w.channels \
                   FROM article a LEFT JOIN waiting w ON w.article = a.id WHERE a.day = $1 AND a.slug = $2";
        let row = self.transaction.first(sql, values![day_text(permalink), permalink.slug.as_str()]).await?;
        row.map(|row| read_summary(&row)).transpose()
    }

    pub(crate) async fn set_state(&mut self, id: &ArticleId, state: ArticleStatus) -> Result<(), StoreError> {
        let (state, withdrawn_by) = state_columns(state);
        self.transaction
            .run(
                "UPDATE article SET state = $2, withdrawn_by = $3 WHERE id = $1",
                values![id.as_str(), state, withdrawn_by],
            )
            .await
            .map(|_| ())
    }
}

pub(crate) fn state_columns(state: ArticleStatus) -> (&'static str, Option<&'static str>) {
    match state {
        ArticleStatus::Waiting => ("waiting", None),
        ArticleStatus::Live => ("live", None),
        ArticleStatus::WithdrawnWithItsFile => ("withdrawn", Some("file")),
        ArticleStatus::WithdrawnByCommand => ("withdrawn", Some("command")),
    }
}

/// The channels of both, in order.
fn union(channels: &[Slug], more: &[Slug]) -> Vec<Slug> {
    let mut channels = [channels, more].concat();
    channels.sort();
    channels.dedup();
    channels
}

fn read_summary(row: &Row) -> Result<ArticleSummary, StoreError> {
    let planned: Vec<Slug> = row.get_optional_text(5)?.map(from_json).transpose()?.unwrap_or_default();
    Ok(ArticleSummary {
        id: ArticleId::new(row.get_text(0)?),
        state: ArticleStatus::of_columns(row.get_text(1)?, row.get_optional_text(2)?),
        stamp: row.get_i64(3)?,
        channels: union(&from_json::<Vec<Slug>>(row.get_text(4)?)?, &planned),
    })
}

/// The text of the article. A text that is damaged must not prevent its correction: it is like one without content.
fn read_content(row: &Row) -> Result<Option<String>, StoreError> {
    match row.get_content(9) {
        Err(StoreError::Corrupt(_)) => Ok(Some(String::new())),
        content => content,
    }
}

fn read_current(row: &Row) -> Result<CurrentArticle, StoreError> {
    Ok(CurrentArticle {
        id: ArticleId::new(row.get_text(0)?),
        permalink: read_permalink(row.get_text(1)?, row.get_text(2)?)?,
        state: ArticleStatus::of_columns(row.get_text(3)?, row.get_optional_text(4)?),
        number: row.get_u64(5)?,
        at: row.get_i64(6)?,
        updated: row.get_i64(7)?,
        channels: from_json(row.get_text(8)?)?,
        content: read_content(row)?,
        place: row.get_optional_i64(12)?,
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

/// A new article before its first write.
pub(crate) fn new_article(id: ArticleId, permalink: Permalink) -> CurrentArticle {
    CurrentArticle {
        id,
        permalink,
        state: ArticleStatus::Waiting,
        number: 0,
        at: 0,
        updated: 0,
        channels: Vec::new(),
        content: None,
        place: None,
        waiting: None,
    }
}

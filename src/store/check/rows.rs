//! What a check compares, in both engines, and how fast.

use std::time::{Duration, Instant};

use crate::image;
use crate::model::Article;
use crate::store::engine::{Row, Value};
use crate::store::error::StoreError;
use crate::store::metadata::fits;
use crate::store::sql::metadata;

/// More findings say no more: the database is replaced by a backup anyway.
pub(crate) const MAX_FOUND: usize = 20;
/// No pause is longer.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// How fast a check is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckPace {
    /// With pauses as long as the work between them: half of one core, the other half is for the requests.
    Background,
    /// Without pauses.
    Full,
}

/// Pauses as long as was worked since the last pause; without its end, no pauses.
pub(crate) struct Pauses(Option<Instant>);

impl Pauses {
    pub(crate) fn new(pace: CheckPace) -> Self {
        Self((pace == CheckPace::Background).then(Instant::now))
    }

    /// Pauses this thread.
    pub(crate) fn block(&mut self) {
        std::thread::sleep(self.due());
        self.0 = self.0.map(|_| Instant::now());
    }

    /// Pauses this task.
    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.due()).await;
        self.0 = self.0.map(|_| Instant::now());
    }

    fn due(&self) -> Duration {
        self.0.map_or(Duration::ZERO, |since| since.elapsed().min(MAX_PAUSE))
    }
}

/// What is stored twice, differently. Each query names the rows.
pub(crate) const CONTRADICTIONS: &[(&str, &str)] = &[
    (
        "the number of the newest change",
        "SELECT 'log' FROM log WHERE head <> (SELECT COALESCE(MAX(number), 0) FROM revision)",
    ),
    (
        "the newest change of the article",
        "SELECT a.id FROM article a LEFT JOIN revision r ON r.number = a.number WHERE a.number > 0 AND \
         (r.number IS NULL OR r.article <> a.id OR r.at <> a.at OR r.updated <> a.updated OR r.channels <> a.channels \
         OR r.reason IS DISTINCT FROM a.reason)",
    ),
    (
        "the time of the newest change",
        "SELECT 'log' FROM log WHERE head > 0 AND \
         head_at IS DISTINCT FROM (SELECT at FROM revision WHERE number = head)",
    ),
    (
        "the newest change of the channel",
        "SELECT slug FROM channel c WHERE head <> (SELECT COALESCE(MAX(number), 0) FROM channel_revision \
         WHERE channel = c.slug) OR (head > 0 AND head_at IS DISTINCT FROM \
         (SELECT at FROM channel_revision WHERE channel = c.slug AND number = c.head))",
    ),
    (
        "the size of the image",
        "SELECT c.name FROM picture_copy c JOIN picture p ON p.name = c.name \
         WHERE LENGTH(p.bytes) > 0 AND LENGTH(p.bytes) <> c.size",
    ),
    (
        "the text of the article",
        "SELECT a.id FROM article a LEFT JOIN revision r ON r.number = a.content_of WHERE a.content_of IS NOT NULL AND \
         (r.number IS NULL OR r.article <> a.id OR r.content IS NULL)",
    ),
    (
        "the place of the article in its channel",
        "SELECT m.channel || ' ' || m.article FROM membership m LEFT JOIN article a ON a.id = m.article \
         WHERE a.id IS NULL OR m.stamp <> a.stamp OR m.place IS DISTINCT FROM a.place",
    ),
    (
        "the change in its channel",
        "SELECT c.channel || ' ' || c.number FROM channel_revision c LEFT JOIN revision r ON r.number = c.revision \
         WHERE r.number IS NULL OR r.article <> c.article OR r.at <> c.at",
    ),
];

/// Rows with a checksum.
pub(crate) struct Checked {
    /// The rows after a key, in the order of their keys, which are the first column, and how many of them.
    pub(crate) sql: &'static str,
    /// Less than every key.
    pub(crate) before_all: fn() -> Value,
    /// Rows that are read at once.
    pub(crate) batch: i64,
    /// What is damaged in a row.
    pub(crate) damage: fn(&Row) -> Result<Option<String>, StoreError>,
}

pub(crate) const CHECKED: &[Checked] = &[
    Checked {
        sql: concat!(
            "SELECT r.number, r.article, r.content, ",
            metadata!(),
            " FROM revision r WHERE r.number > $1 ORDER BY r.number LIMIT $2"
        ),
        before_all: || Value::Integer(i64::MIN),
        batch: 256,
        damage: |row| {
            let (number, article) = (row.get_i64(0)?, row.get_text(1)?);
            Ok(if row.get_article::<Article>(2).is_err() {
                Some(format!("the text of {article} is damaged"))
            } else if !fits(&row.0[3..]) {
                Some(format!("the change {number} of {article} is damaged"))
            } else {
                None
            })
        },
    },
    Checked {
        sql: "SELECT article, channels, content, author, reason, checksum FROM waiting WHERE article > $1 \
              ORDER BY article LIMIT $2",
        before_all: || "".into(),
        batch: 256,
        damage: |row| {
            let article = row.get_text(0)?;
            Ok((!fits(&row.0)).then(|| format!("the scheduled text of {article} is damaged")))
        },
    },
    Checked {
        sql: "SELECT name, bytes FROM picture WHERE name > $1 ORDER BY name LIMIT $2",
        before_all: || "".into(),
        batch: 8,
        damage: |row| {
            let name = row.get_text(0)?;
            // Those of an erased article are empty.
            let is_whole =
                row.get_bytes(1).is_ok_and(|bytes| bytes.is_empty() || image::is_named_by(name, bytes));
            Ok((!is_whole).then(|| format!("the image {name} is damaged")))
        },
    },
];

impl Checked {
    /// The key of the last row, and what is damaged in these rows; none if there are no rows.
    pub(crate) fn examine(&self, rows: &[Row]) -> Option<(Value, Vec<String>)> {
        let key = rows.last()?.0.first()?.clone();
        let damage = |row| (self.damage)(row).unwrap_or_else(|cause| Some(cause.to_string()));
        Some((key, rows.iter().filter_map(damage).collect()))
    }
}

pub(crate) fn contradiction(what: &str, row: &str) -> String {
    format!("{what} contradicts its copy: {row}")
}

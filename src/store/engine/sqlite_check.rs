//! Reads a whole SQLite file and names what is damaged in it, such as by flipped bits on the disk.
//!
//! SQLite has no checksums of its own. Its structure and its indexes are compared with each other, texts and images with
//! their checksums, and what is stored twice with its copy.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, InterruptHandle, OpenFlags, Row, params};

use super::sqlite::read;
use super::value::Value;
use crate::image;
use crate::model::Article;
use crate::store::content::read_article;
use crate::store::error::StoreError;
use crate::store::metadata::fits;
use crate::store::sql::metadata;

/// More findings say no more: the file is replaced by a backup anyway.
const MAX_FOUND: usize = 20;
/// Texts and images that are read at once.
const TEXTS: i64 = 256;
const IMAGES: i64 = 8;
/// Steps of a statement between two pauses; a few milliseconds.
const STEPS: i32 = 20_000;
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

/// Pauses as long as was worked since the last pause.
struct Pauses(Instant);

impl Pauses {
    fn pause(&mut self) {
        std::thread::sleep(self.0.elapsed().min(MAX_PAUSE));
        self.0 = Instant::now();
    }
}

/// What is stored twice, differently. Each query names the rows.
const CONTRADICTIONS: &[(&str, &str)] = &[
    (
        "the number of the newest change",
        "SELECT 'log' FROM log WHERE head <> (SELECT COALESCE(MAX(number), 0) FROM revision)",
    ),
    (
        "the newest change of the article",
        "SELECT a.id FROM article a LEFT JOIN revision r ON r.number = a.number WHERE a.number > 0 AND \
         (r.number IS NULL OR r.article <> a.id OR r.at <> a.at OR r.updated <> a.updated OR r.channels <> a.channels \
         OR r.reason IS NOT a.reason)",
    ),
    (
        "the time of the newest change",
        "SELECT 'log' FROM log WHERE head > 0 AND head_at IS NOT (SELECT at FROM revision WHERE number = head)",
    ),
    (
        "the newest change of the channel",
        "SELECT slug FROM channel c WHERE head <> (SELECT COALESCE(MAX(number), 0) FROM channel_revision \
         WHERE channel = c.slug) OR (head > 0 AND head_at IS NOT \
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
         WHERE a.id IS NULL OR m.stamp <> a.stamp OR m.place IS NOT a.place",
    ),
    (
        "the change in its channel",
        "SELECT c.channel || ' ' || c.number FROM channel_revision c LEFT JOIN revision r ON r.number = c.revision \
         WHERE r.number IS NULL OR r.article <> c.article OR r.at <> c.at",
    ),
];

/// A check that can be ended early.
pub(crate) struct SqliteCheck {
    connection: Connection,
    pauses: Option<Pauses>,
    found: Vec<String>,
}

impl SqliteCheck {
    /// # Errors
    /// If the file cannot be opened.
    pub(crate) fn new(path: &Path, pace: CheckPace) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        let pauses = (pace == CheckPace::Background).then(|| Pauses(Instant::now()));
        Ok(Self { connection, pauses, found: Vec::new() })
    }

    /// Ends a statement that is running.
    pub(crate) fn interrupt_handle(&self) -> InterruptHandle {
        self.connection.get_interrupt_handle()
    }

    /// What is damaged, a line each; of much damage only the beginning. Ends early once `stopped` is true.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn run(mut self, stopped: &AtomicBool) -> Result<Vec<String>, StoreError> {
        match self.read(stopped) {
            // A statement was interrupted.
            Err(_) if stopped.load(Ordering::Acquire) => {}
            read => read?,
        }
        self.found.truncate(MAX_FOUND);
        Ok(self.found)
    }

    fn read(&mut self, stopped: &AtomicBool) -> Result<(), StoreError> {
        if self.pauses.is_some() {
            let mut pauses = Pauses(Instant::now());
            let goes_on = move || {
                pauses.pause();
                false
            };
            self.connection.progress_handler(STEPS, Some(goes_on))?;
        }
        for part in [Self::structure, Self::contradictions] {
            match part(self) {
                Ok(()) => {}
                Err(cause) if is_damage(&cause) => self.found.push(cause.to_string()),
                Err(cause) => return Err(cause.into()),
            }
        }
        // A batch is short, and pauses come between them.
        self.connection.progress_handler(0, None::<fn() -> bool>)?;
        let revisions = concat!(
            "SELECT r.number, r.article, r.content, ",
            metadata!(),
            " FROM revision r WHERE r.number > ?1 ORDER BY r.number LIMIT ?2"
        );
        self.batches(stopped, revisions, TEXTS, |row| {
            let (number, article) = (row.get::<_, i64>(0)?, row.get::<_, String>(1)?);
            Ok(if !is_readable(row.get_ref(2)?) {
                Some(format!("the text of {article} is damaged"))
            } else if !fits(&values(row, 3)?) {
                Some(format!("the change {number} of {article} is damaged"))
            } else {
                None
            })
        })?;
        let scheduled = "SELECT rowid, article, channels, content, author, reason, checksum FROM waiting \
             WHERE rowid > ?1 ORDER BY rowid LIMIT ?2";
        self.batches(stopped, scheduled, TEXTS, |row| {
            let article = row.get::<_, String>(1)?;
            Ok((!fits(&values(row, 1)?)).then(|| format!("the scheduled text of {article} is damaged")))
        })?;
        let images = "SELECT rowid, name, bytes FROM picture WHERE rowid > ?1 ORDER BY rowid LIMIT ?2";
        self.batches(stopped, images, IMAGES, |row| {
            let (name, bytes) = (row.get::<_, String>(1)?, row.get_ref(2)?.as_blob()?);
            // Those of an erased article are empty.
            let is_whole = bytes.is_empty() || image::is_named_by(&name, bytes);
            Ok((!is_whole).then(|| format!("the image {name} is damaged")))
        })
    }

    fn structure(&mut self) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare(&format!("PRAGMA integrity_check({MAX_FOUND})"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let line: String = row.get(0)?;
            if line != "ok" {
                self.found.push(line);
            }
        }
        Ok(())
    }

    fn contradictions(&mut self) -> rusqlite::Result<()> {
        for (what, sql) in CONTRADICTIONS {
            let mut statement = self.connection.prepare(&format!("{sql} LIMIT {MAX_FOUND}"))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                self.found.push(format!("{what} contradicts its copy: {}", row.get::<_, String>(0)?));
            }
        }
        Ok(())
    }

    /// Reads all rows of a query in the order of its first column. `damage` says what is damaged in a row.
    fn batches(
        &mut self,
        stopped: &AtomicBool,
        sql: &str,
        size: i64,
        damage: impl Fn(&Row<'_>) -> rusqlite::Result<Option<String>>,
    ) -> Result<(), StoreError> {
        let mut last = i64::MIN;
        while !stopped.load(Ordering::Acquire) && self.found.len() < MAX_FOUND {
            match self.batch(sql, (last, size), &damage) {
                Ok(Some(next)) => last = next,
                Ok(None) => return Ok(()),
                Err(cause) if is_damage(&cause) => {
                    self.found.push(cause.to_string());
                    return Ok(());
                }
                Err(cause) => return Err(cause.into()),
            }
            if let Some(pauses) = &mut self.pauses {
                pauses.pause();
            }
        }
        Ok(())
    }

    /// The key of the last row; none after the end.
    fn batch(
        &mut self,
        sql: &str,
        (after, size): (i64, i64),
        damage: impl Fn(&Row<'_>) -> rusqlite::Result<Option<String>>,
    ) -> rusqlite::Result<Option<i64>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![after, size])?;
        let mut last = None;
        while let Some(row) = rows.next()? {
            last = Some(row.get(0)?);
            self.found.extend(damage(row)?);
        }
        Ok(last)
    }
}

/// The values of a row from the column `first` on.
fn values(row: &Row<'_>, first: usize) -> rusqlite::Result<Vec<Value>> {
    let value = |column| {
        // No column of a revision is a fraction: it does not fit then.
        Ok(read(row.get_ref(column)?).unwrap_or(Value::Null))
    };
    (first..row.as_ref().column_count()).map(value).collect()
}

/// True if it is a text that can be published, or was erased.
fn is_readable(stored: ValueRef<'_>) -> bool {
    match stored {
        ValueRef::Null => true,
        ValueRef::Text(stored) | ValueRef::Blob(stored) => read_article::<Article>(stored).is_ok(),
        _ => false,
    }
}

fn is_damage(cause: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    match cause {
        rusqlite::Error::SqliteFailure(..) => {
            matches!(cause.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
        }
        // A value of another type than was written.
        _ => true,
    }
}

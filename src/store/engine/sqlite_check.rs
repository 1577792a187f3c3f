//! Reads a whole SQLite file and names what is damaged in it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::{Connection, InterruptHandle, OpenFlags};

use super::sqlite::read;
use super::value::{Row, Value};
use crate::store::check::rows::{
    CHECKED, CONTRADICTIONS, CheckPace, Checked, MAX_FOUND, Pauses, contradiction,
};
use crate::store::error::StoreError;

/// Steps of a statement between two pauses; a few milliseconds.
const STEPS: i32 = 20_000;

/// A check that can be ended early.
pub(crate) struct SqliteCheck {
    connection: Connection,
    pace: CheckPace,
    found: Vec<String>,
}

impl SqliteCheck {
    /// # Errors
    /// If the file cannot be opened.
    pub(crate) fn new(path: &Path, pace: CheckPace) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        Ok(Self { connection, pace, found: Vec::new() })
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
        if self.pace == CheckPace::Background {
            let mut pauses = Pauses::new(self.pace);
            let goes_on = move || {
                pauses.block();
                false
            };
            self.connection.progress_handler(STEPS, Some(goes_on))?;
        }
        for part in [Self::structure, Self::contradictions] {
            let read = part(self);
            self.damaged(read)?;
        }
        // A batch is short, and pauses come between them.
        self.connection.progress_handler(0, None::<fn() -> bool>)?;
        for checked in CHECKED {
            let read = self.rows(checked, stopped);
            self.damaged(read)?;
        }
        Ok(())
    }

    /// An error that says that the file is damaged is a finding.
    fn damaged(&mut self, read: rusqlite::Result<()>) -> Result<(), StoreError> {
        match read {
            Err(cause) if is_damage(&cause) => self.found.push(cause.to_string()),
            read => read?,
        }
        Ok(())
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
                self.found.push(contradiction(what, &row.get::<_, String>(0)?));
            }
        }
        Ok(())
    }

    fn rows(&mut self, checked: &Checked, stopped: &AtomicBool) -> rusqlite::Result<()> {
        let (mut last, mut pauses) = ((checked.before_all)(), Pauses::new(self.pace));
        while !stopped.load(Ordering::Acquire) && self.found.len() < MAX_FOUND {
            let rows = self.batch(checked, &last)?;
            let Some((key, damage)) = checked.examine(&rows) else { break };
            self.found.extend(damage);
            // Out of order, as `structure` has said: they would be read again and again.
            if key <= last {
                break;
            }
            last = key;
            pauses.block();
        }
        Ok(())
    }

    fn batch(&self, checked: &Checked, after: &Value) -> rusqlite::Result<Vec<Row>> {
        let mut statement = self.connection.prepare_cached(checked.sql)?;
        let columns = statement.column_count();
        let mut found = statement.query((after, checked.batch))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            // A fraction, which no column has, is as good as no text.
            let value = |column| Ok(read(row.get_ref(column)?).unwrap_or(Value::Bytes(Vec::new())));
            rows.push(Row((0..columns).map(value).collect::<rusqlite::Result<_>>()?));
        }
        Ok(rows)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_ends_although_rows_are_out_of_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bantin.db");
        std::fs::write(&path, "").unwrap();
        let mut check = SqliteCheck::new(&path, CheckPace::Full).unwrap();
        // The same row after each key, as from an index that leads back.
        let checked = Checked {
            sql: "SELECT 'a' WHERE $1 IS NOT NULL LIMIT $2",
            before_all: || "".into(),
            batch: 1,
            damage: |_| Ok(None),
        };
        check.rows(&checked, &AtomicBool::new(false)).unwrap();
    }
}

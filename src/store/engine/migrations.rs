//! Migrations.

use rusqlite::{Connection, TransactionBehavior, params};
use sha2::{Digest as _, Sha384};
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::store::error::StoreError;

/// A migration file: version, name and SQL.
pub(crate) type MigrationFile = (i64, &'static str, &'static str);

/// The migrations of PostgreSQL.
///
/// `sqlx::migrate!` would do the same, but its crate would build the database driver a second time for the compiler.
pub(crate) fn migrator(files: &[MigrationFile]) -> Migrator {
    let migration = |&(version, name, sql): &MigrationFile| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(files.iter().map(migration).collect())
}

/// The table of sqlx, which migrated these files before.
const APPLIED: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version BIGINT PRIMARY KEY, \
     description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, \
     success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)";

/// Applies to an SQLite file what is missing, in one transaction.
///
/// # Errors
/// If the schema belongs to a newer version, an applied file has changed since, or a statement fails. Nothing was changed
/// then.
pub(crate) fn migrate_sqlite(connection: &mut Connection, files: &[MigrationFile]) -> Result<(), StoreError> {
    if applied(connection).is_ok_and(|applied| is_complete(&applied, files)) {
        return Ok(());
    }
    // Tables that refer to each other are replaced one after another.
    connection.pragma_update(None, "foreign_keys", false)?;
    let writing = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    writing.execute_batch(APPLIED)?;
    let applied = applied(&writing)?;
    if let Some((version, _)) =
        applied.iter().find(|(version, _)| files.iter().all(|file| file.0 != *version))
    {
        return Err(StoreError::newer_schema(*version));
    }
    for (version, name, sql) in files {
        let checksum = Sha384::digest(sql).to_vec();
        match applied.iter().find(|(applied, _)| applied == version) {
            Some((_, known)) if *known == checksum => continue,
            Some(_) => {
                return Err(StoreError::Schema(format!(
                    "migration {version} was applied in another form: another program has made the database, or it is \
                     damaged. Restore the last backup by `bantin restore-backup`"
                )));
            }
            None => {}
        }
        writing.execute_batch(sql).map_err(|cause| StoreError::Schema(cause.to_string()))?;
        writing.execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (?1, ?2, TRUE, ?3, 0)",
            params![version, name, checksum],
        )?;
    }
    writing.commit()?;
    Ok(connection.pragma_update(None, "foreign_keys", true)?)
}

/// The versions that were applied, with the SHA-384 of their SQL.
fn applied(connection: &Connection) -> rusqlite::Result<Vec<(i64, Vec<u8>)>> {
    let mut statement =
        connection.prepare("SELECT version, checksum FROM _sqlx_migrations ORDER BY version")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn is_complete(applied: &[(i64, Vec<u8>)], files: &[MigrationFile]) -> bool {
    let expected = files.iter().map(|(version, _, sql)| (*version, Sha384::digest(sql).to_vec()));
    expected.eq(applied.iter().cloned())
}

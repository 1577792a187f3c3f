//! Migrations.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// A file of the folder of migrations: its version, its name and its SQL.
pub(crate) type MigrationFile = (i64, &'static str, &'static str);

/// The migrations of an engine.
///
/// `sqlx::migrate!` would do the same, but its crate builds both database drivers, and SQLite itself, a second
/// time for the compiler.
pub(crate) fn migrator(files: &[MigrationFile]) -> Migrator {
    let migration = |&(version, name, sql): &MigrationFile| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(files.iter().map(migration).collect())
}

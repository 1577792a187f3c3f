//! Migrations.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// A migration file: version, name and SQL.
pub(crate) type MigrationFile = (i64, &'static str, &'static str);

/// The migrations of an engine.
///
/// `sqlx::migrate!` would do the same, but its crate would build both database drivers, including SQLite, a
/// second time for the compiler.
pub(crate) fn migrator(files: &[MigrationFile]) -> Migrator {
    let migration = |&(version, name, sql): &MigrationFile| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(files.iter().map(migration).collect())
}

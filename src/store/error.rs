//! Errors of the store.

/// Why the store did not do as it was told. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names no engine that is built in. Only its scheme is told: a URL may hold a password.
    #[error(
        "[store] url begins with `{0}`, which is no store: write sqlite:PATH, like sqlite:data/bantin.db, or \
         postgres://USER:PASSWORD@HOST/DATABASE"
    )]
    Url(String),
    /// The folder of the database file cannot be made.
    #[error("cannot make the folder {folder}: {cause}")]
    Folder {
        /// The folder.
        folder: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The engine cannot be reached, is locked for too long, or its disk is full.
    #[error("the store is unavailable: {0}")]
    Unavailable(sqlx::Error),
    /// A server cannot be reached at the start.
    #[error("PostgreSQL at {server} cannot be reached: {cause}")]
    Unreachable {
        /// Host and port; not the URL, which may hold a password.
        server: String,
        /// What the engine said.
        cause: sqlx::Error,
    },
    /// The schema is of a newer program, or a migration failed.
    #[error("the store's schema cannot be brought up to date: {0}")]
    Schema(sqlx::migrate::MigrateError),
    /// What would be written now would be lost, or would spoil the log.
    #[error("the store takes no writes: {0}")]
    NoWrites(String),
    /// A whole log cannot be moved so.
    #[error("the log cannot be moved: {0}")]
    NotCopyable(String),
    /// The store holds what this program never wrote.
    #[error("the store holds something unexpected: {0}")]
    Corrupt(String),
    /// The engine is well, and does not keep these values: they break a constraint or a limit of it.
    #[error("the store cannot keep this: {0}")]
    Unkept(sqlx::Error),
}

impl StoreError {
    /// True where one write cannot be done and the next can: what was to be written, or what is stored of its
    /// article, is at fault.
    pub fn is_of_one_write(&self) -> bool {
        matches!(self, Self::Unkept(_) | Self::Corrupt(_))
    }
}

// NOTE: the engine's errors say themselves what is behind them. Named as a source they would say it twice.
impl From<sqlx::Error> for StoreError {
    fn from(cause: sqlx::Error) -> Self {
        match &cause {
            sqlx::Error::Encode(_) => Self::Unkept(cause),
            sqlx::Error::Database(told) if is_about_values(told.as_ref()) => Self::Unkept(cause),
            _ => Self::Unavailable(cause),
        }
    }
}

/// True where the engine complains of the values of a statement and not of itself.
fn is_about_values(told: &dyn sqlx::error::DatabaseError) -> bool {
    let code = told.code().unwrap_or_default();
    match code.len() {
        _ if told.kind() != sqlx::error::ErrorKind::Other => true,
        // SQLSTATE of PostgreSQL: a data exception, an integrity constraint, a limit such as that of an index entry.
        5 => ["22", "23", "54"].iter().any(|class| code.starts_with(class)),
        // Of SQLite: SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_RANGE.
        _ => ["18", "19", "20", "25"].contains(&code.as_ref()),
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(cause: sqlx::migrate::MigrateError) -> Self {
        Self::Schema(cause)
    }
}

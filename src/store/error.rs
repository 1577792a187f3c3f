//! Errors of the store.

/// Why the store did not do something. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No engine supports the URL. The message contains only the scheme, because a URL may contain a password.
    #[error(
        "[store] url: unsupported scheme `{0}`. Use sqlite:PATH, such as sqlite:data/bantin.db, or \
         postgres://USER:PASSWORD@HOST/DATABASE"
    )]
    Url(String),
    /// The folder of the database file cannot be created.
    #[error("cannot create the folder {folder}: {cause}")]
    Folder {
        /// The folder.
        folder: String,
        /// The error of the operating system.
        cause: std::io::Error,
    },
    /// The database cannot be reached, is locked for too long, or its disk is full.
    #[error("the store is unavailable: {0}")]
    Unavailable(sqlx::Error),
    /// The server cannot be reached at startup.
    #[error("PostgreSQL at {server} cannot be reached: {cause}")]
    Unreachable {
        /// Host and port. Not the URL, which may contain a password.
        server: String,
        /// The error of the driver.
        cause: sqlx::Error,
    },
    /// The schema belongs to a newer version, or a migration failed.
    #[error("cannot migrate the schema of the store: {0}")]
    Schema(sqlx::migrate::MigrateError),
    /// A write would be lost or would damage the log.
    #[error("the store does not accept writes: {0}")]
    NoWrites(String),
    /// The log cannot be copied.
    #[error("cannot copy the log: {0}")]
    NotCopyable(String),
    /// The store contains data that this program never wrote.
    #[error("the store holds something unexpected: {0}")]
    Corrupt(String),
    /// The database works but rejects these values: they violate a constraint or exceed a limit.
    #[error("the database rejected the values: {0}")]
    Unkept(sqlx::Error),
}

impl StoreError {
    /// True if only this write fails and the next one can succeed: the submitted values, or what is stored of the
    /// article, are at fault.
    pub fn is_of_one_write(&self) -> bool {
        matches!(self, Self::Unkept(_) | Self::Corrupt(_))
    }
}

// NOTE: the messages of the driver already contain their cause. As `source` it would be printed twice.
impl From<sqlx::Error> for StoreError {
    fn from(cause: sqlx::Error) -> Self {
        match &cause {
            sqlx::Error::Encode(_) => Self::Unkept(cause),
            sqlx::Error::Database(told) if is_about_values(told.as_ref()) => Self::Unkept(cause),
            _ => Self::Unavailable(cause),
        }
    }
}

/// True if the database complains about the values of a statement.
fn is_about_values(told: &dyn sqlx::error::DatabaseError) -> bool {
    let code = told.code().unwrap_or_default();
    match code.len() {
        _ if told.kind() != sqlx::error::ErrorKind::Other => true,
        // PostgreSQL SQLSTATE classes: data exception, integrity constraint violation, limit exceeded (e.g. of an
        // index entry).
        5 => ["22", "23", "54"].iter().any(|class| code.starts_with(class)),
        // SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_RANGE.
        _ => ["18", "19", "20", "25"].contains(&code.as_ref()),
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(cause: sqlx::migrate::MigrateError) -> Self {
        Self::Schema(cause)
    }
}

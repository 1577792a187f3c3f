//! Errors of the store.

/// The error of a driver. Its message contains its causes.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

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
    Unavailable(Cause),
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
    Schema(String),
    /// A running store cannot change its database.
    #[error("[store] url has changed; restart the service to use the other database")]
    OtherDatabase,
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
    Unkept(Cause),
}

impl StoreError {
    /// The database does not answer, for this reason.
    pub(crate) fn unavailable(cause: impl Into<Cause>) -> Self {
        Self::Unavailable(cause.into())
    }

    /// A migration was applied that this version does not know.
    pub(crate) fn newer_schema(version: i64) -> Self {
        Self::Schema(format!(
            "migration {version} was applied by a newer version of bantin. Use that version, or restore a backup that \
             this version has made"
        ))
    }

    /// True if only this write fails and the next one can succeed: the submitted values, or what is stored of the
    /// article, are at fault.
    pub fn is_of_one_write(&self) -> bool {
        matches!(self, Self::Unkept(_) | Self::Corrupt(_))
    }
}

// NOTE: the messages of the drivers already contain their cause. As `source` it would be printed twice.
impl From<sqlx::Error> for StoreError {
    fn from(cause: sqlx::Error) -> Self {
        match &cause {
            sqlx::Error::Encode(_) => Self::Unkept(cause.into()),
            sqlx::Error::Database(error) if is_about_values(error.as_ref()) => Self::Unkept(cause.into()),
            _ => Self::Unavailable(cause.into()),
        }
    }
}

/// True if PostgreSQL complains about the values of a statement. SQLSTATE classes: data exception, integrity constraint
/// violation, limit exceeded (e.g. of an index entry).
fn is_about_values(error: &dyn sqlx::error::DatabaseError) -> bool {
    let code = error.code().unwrap_or_default();
    error.kind() != sqlx::error::ErrorKind::Other
        || ["22", "23", "54"].iter().any(|class| code.starts_with(class))
}

impl From<rusqlite::Error> for StoreError {
    fn from(cause: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{ConstraintViolation, ParameterOutOfRange, TooBig, TypeMismatch};
        match cause.sqlite_error_code() {
            Some(ConstraintViolation | ParameterOutOfRange | TooBig | TypeMismatch) => {
                Self::Unkept(cause.into())
            }
            _ => Self::Unavailable(cause.into()),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(cause: sqlx::migrate::MigrateError) -> Self {
        match cause {
            sqlx::migrate::MigrateError::VersionMissing(version) => Self::newer_schema(version),
            cause => Self::Schema(cause.to_string()),
        }
    }
}

//! Why a configuration cannot be used.

/// The configuration is invalid. The message names file and line, or the variable, and how to fix it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {cause}; name the file with --config, or correct its permissions")]
    Unreadable {
        /// The file.
        path: String,
        /// The error of the system.
        cause: std::io::Error,
    },
    /// The file is malformed; the message has line and caret.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// The error with its position, its line and a caret; secrets in the line are hidden.
        cause: String,
    },
    /// An environment variable is invalid.
    #[error("{variable}={value}: {reason}")]
    Variable {
        /// Its name.
        variable: String,
        /// Its value.
        value: String,
        /// What is wrong.
        reason: String,
    },
    /// A value has the right type and is invalid.
    #[error("{key}: {reason}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong and what to write instead.
        reason: String,
    },
}

pub(super) fn value_error(key: &str, reason: String) -> ConfigError {
    ConfigError::Value { key: key.to_owned(), reason }
}

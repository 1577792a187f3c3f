//! The transaction in which the log grows.

use crate::store::core::StoreOptions;
use crate::store::engine::Transaction;
use crate::store::error::StoreError;
use crate::store::outcome::SubmitResult;

/// Articles that are published together at most: what waits for the log waits for them.
pub(crate) const MAX_TOGETHER: usize = 128;

/// What was done with the first of some submissions.
pub(crate) enum Together {
    /// They are published.
    Published(Vec<SubmitResult>),
    /// There is something to decide about so many of them. Nothing was done.
    Alone(usize),
}

/// A transaction on the log, with the options that its rules depend on.
pub(crate) struct LogWriter<'t> {
    pub(crate) transaction: &'t mut Transaction,
    pub(crate) options: &'t StoreOptions,
}

impl LogWriter<'_> {
    /// Starts a write that can be undone without the others of its transaction.
    pub(crate) async fn begin_one(&mut self) -> Result<(), StoreError> {
        self.transaction.begin_part().await
    }

    /// Undoes the current write.
    pub(crate) async fn undo_one(&mut self) -> Result<(), StoreError> {
        self.transaction.undo_part().await
    }

    /// Ends the current write.
    pub(crate) async fn end_one(&mut self) -> Result<(), StoreError> {
        self.transaction.end_part().await
    }
}

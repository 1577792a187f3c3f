//! The transaction in which the log grows.

use crate::store::core::StoreOptions;
use crate::store::engine::Transaction;
use crate::store::error::StoreError;

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

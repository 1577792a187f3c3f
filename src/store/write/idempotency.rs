//! Retried requests.

use crate::store::engine::values;
use crate::store::error::StoreError;
use crate::store::outcome::{SubmitOutcome, SubmitResult};
use crate::store::rows::{from_json, to_json};
use crate::store::submission::IdempotencyKey;
use crate::store::write::log_writer::LogWriter;

/// How long the result of a request is kept for retries, in seconds.
const IDEMPOTENCY_KEPT: i64 = 86_400;

impl LogWriter<'_> {
    /// The result of the same request, if it was sent before. Results older than a day are deleted.
    pub(crate) async fn stored_result(
        &mut self,
        once: &IdempotencyKey,
    ) -> Result<Option<SubmitResult>, StoreError> {
        let forgotten = self.options.clock.now().timestamp() - IDEMPOTENCY_KEPT;
        self.transaction.run("DELETE FROM idempotency WHERE at < $1", values![forgotten]).await?;
        let row = self
            .transaction
            .first(
                "SELECT request, answer FROM idempotency WHERE token = $1 AND key = $2",
                values![once.token.as_str(), once.key.as_str()],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mut answer: SubmitResult = from_json(row.get_text(1)?)?;
        if row.get_text(0)? != once.request {
            answer.outcome = SubmitOutcome::IdempotencyConflict;
        }
        Ok(Some(answer))
    }

    pub(crate) async fn store_result(
        &mut self,
        once: &IdempotencyKey,
        accepted: &SubmitResult,
    ) -> Result<(), StoreError> {
        let now = self.options.clock.now().timestamp();
        self.transaction
            .run(
                "INSERT INTO idempotency (token, key, request, answer, at) VALUES ($1, $2, $3, $4, $5)",
                values![
                    once.token.as_str(),
                    once.key.as_str(),
                    once.request.as_str(),
                    to_json(accepted)?,
                    now
                ],
            )
            .await
            .map(|_| ())
    }
}

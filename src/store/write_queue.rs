//! Group commit: all writes that wait at one moment go to disk together, with one flush.
//!
//! Whoever comes first starts a batch; whoever comes while it runs is in the next. A caller is answered only
//! after the commit. A write that fails takes back its own changes and leaves the others of its batch alone.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use tracing::error;

use super::engine::{Transaction, values};
use super::log_writer;
use super::{
    FileRemovalOutcome, Inner, Refusal, RestoreOutcome, ScannedFile, Store, StoreError, Submission,
    SubmitOutcome, SubmitResult, WithdrawOutcome, WriteConditions,
};
use crate::model::{ArticleId, Slug};

/// So many writes share one commit at most, so that the first of them does not wait for ever.
const MAX_BATCH: usize = 256;

/// A change that is asked for.
pub(super) enum WriteCommand {
    Submit(Box<Submission>),
    PublishDue,
    Withdraw { id: ArticleId, reason: Option<String>, erase: bool, author: String, terms: WriteConditions },
    Restore { id: ArticleId, author: String },
    FileRemoved(String),
    FileRejected(ScannedFile),
    FileTouched(ScannedFile),
    Channel(Slug, Option<String>),
    Configuration(String),
    Picture { name: String, media_type: String, bytes: Vec<u8> },
}

/// What was done.
pub(super) enum WriteResult {
    Accepted(SubmitResult),
    Due(Vec<SubmitResult>),
    Withdrawal(WithdrawOutcome),
    Restoration(RestoreOutcome),
    Departure(FileRemovalOutcome),
    Noted,
}

impl WriteResult {
    pub(super) fn unexpected(&self) -> StoreError {
        StoreError::Corrupt("a write was answered with another's answer".to_owned())
    }
}

type Answer = oneshot::Sender<Result<WriteResult, StoreError>>;

/// The writes that wait.
#[derive(Default)]
pub(super) struct WriteQueue(Mutex<QueueState>);

#[derive(Default)]
struct QueueState {
    pending: VecDeque<(WriteCommand, Answer)>,
    running: bool,
}

impl WriteQueue {
    /// Queues a write; true where the caller has to start a batch.
    fn push(&self, write: WriteCommand, answer: Answer) -> bool {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queue.pending.push_back((write, answer));
        !std::mem::replace(&mut queue.running, true)
    }

    /// The next writes to share a commit; none ends the run.
    fn take(&self) -> Option<Vec<(WriteCommand, Answer)>> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.pending.is_empty() {
            queue.running = false;
            return None;
        }
        let count = queue.pending.len().min(MAX_BATCH);
        Some(queue.pending.drain(..count).collect())
    }
}

/// A write that is queued, to be answered once it is on disk.
pub(super) struct PendingWrite(oneshot::Receiver<Result<WriteResult, StoreError>>);

impl PendingWrite {
    pub(super) async fn written(self) -> Result<WriteResult, StoreError> {
        self.0.await.unwrap_or_else(|_| Err(StoreError::Unavailable(sqlx::Error::WorkerCrashed)))
    }
}

impl Store {
    /// Queues a write behind all that were queued before.
    pub(super) fn queue(&self, write: WriteCommand) -> PendingWrite {
        let (answer, answered) = oneshot::channel();
        if self.inner.writes.push(write, answer) {
            // A task of its own, so that a caller who gives up does not tear down everybody's batch.
            self.inner.runtime.spawn(commit_batches(Arc::clone(&self.inner)));
        }
        PendingWrite(answered)
    }

    /// Queues a write and waits until it is on disk.
    pub(super) async fn write(&self, write: WriteCommand) -> Result<WriteResult, StoreError> {
        self.queue(write).written().await
    }
}

/// Ends a run also where it panicked: who waits is told, and the next write starts a run of its own.
struct RunGuard<'a>(&'a WriteQueue);

impl Drop for RunGuard<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if std::thread::panicking() {
            queue.running = false;
            queue.pending.clear();
        }
    }
}

async fn commit_batches(inner: Arc<Inner>) {
    let _end = RunGuard(&inner.writes);
    while let Some(batch) = inner.writes.take() {
        let (writes, answers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        match commit(&inner, &writes).await {
            Ok(results) => {
                // A full disk may fail some writes and let smaller ones pass.
                let all_done =
                    !results.iter().any(|result| matches!(result, Err(StoreError::Unavailable(_))));
                inner.writable.store(all_done, Ordering::Release);
                let _ = Store { inner: Arc::clone(&inner) }.poll_position().await;
                for (answer, result) in answers.into_iter().zip(results) {
                    let _ = answer.send(result);
                }
            }
            Err(cause) => {
                inner.writable.store(false, Ordering::Release);
                for answer in answers {
                    let told = match &cause {
                        StoreError::NoWrites(told) => StoreError::NoWrites(told.clone()),
                        cause => StoreError::Unavailable(sqlx::Error::Protocol(cause.to_string())),
                    };
                    let _ = answer.send(Err(told));
                }
            }
        }
    }
}

/// Applies all writes in one transaction and commits it.
async fn commit(
    inner: &Inner,
    writes: &[WriteCommand],
) -> Result<Vec<Result<WriteResult, StoreError>>, StoreError> {
    // What is configured has no part in the order of the log, and even one that takes no revisions can be opened.
    let may_append = writes.iter().any(|write| !matches!(write, WriteCommand::Configuration(_)));
    let mut transaction = match may_append {
        true => inner.begin_append().await?,
        false => inner.database.begin_write().await?,
    };
    let mut results = Vec::with_capacity(writes.len());
    for write in writes {
        transaction.run("SAVEPOINT one_write", &[]).await?;
        let mut result = apply(inner, &mut transaction, write).await;
        if let Err(cause) = &result {
            transaction.run("ROLLBACK TO SAVEPOINT one_write", &[]).await?;
            if let (WriteCommand::Submit(submission), true) = (write, cause.is_of_one_write()) {
                let intake = log_writer::LogWriter { transaction: &mut transaction, options: &inner.options };
                let refused = intake.not_accepted(submission, SubmitOutcome::Refused(Refusal::Failed));
                error!(id = %refused.id, %cause, "this article cannot be kept; the others are");
                result = Ok(WriteResult::Accepted(refused));
            }
        }
        transaction.run("RELEASE SAVEPOINT one_write", &[]).await?;
        results.push(result);
    }
    transaction.commit().await?;
    Ok(results)
}

async fn apply(
    inner: &Inner,
    transaction: &mut Transaction,
    write: &WriteCommand,
) -> Result<WriteResult, StoreError> {
    let mut intake = log_writer::LogWriter { transaction, options: &inner.options };
    match write {
        WriteCommand::Submit(submission) => intake.submit(submission).await.map(WriteResult::Accepted),
        WriteCommand::PublishDue => intake.publish_due().await.map(WriteResult::Due),
        WriteCommand::Withdraw { id, reason, erase, author, terms } => {
            let reason = reason.as_deref();
            intake.withdraw(id, reason, *erase, author, terms).await.map(WriteResult::Withdrawal)
        }
        WriteCommand::Restore { id, author } => {
            intake.restore(id, author).await.map(WriteResult::Restoration)
        }
        WriteCommand::FileRemoved(path) => intake.file_removed(path).await.map(WriteResult::Departure),
        WriteCommand::FileRejected(seen) => intake.file_rejected(seen).await.map(|()| WriteResult::Noted),
        WriteCommand::FileTouched(seen) => intake.file_touched(seen).await.map(|()| WriteResult::Noted),
        WriteCommand::Channel(slug, title) => {
            intake.create_channel(slug, title.as_deref()).await.map(|()| WriteResult::Noted)
        }
        WriteCommand::Picture { name, media_type, bytes } => {
            let now = inner.options.clock.now().timestamp();
            transaction
                .run(
                    "INSERT INTO picture (name, media_type, bytes, kept_at) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes WHERE LENGTH(picture.bytes) = 0",
                    values![name.as_str(), media_type.as_str(), bytes.as_slice(), now],
                )
                .await
                .map(|_| WriteResult::Noted)
        }
        WriteCommand::Configuration(fingerprint) => {
            intake.sync_channels().await?;
            let now = inner.options.clock.now().timestamp();
            transaction
                .run(
                    "UPDATE log SET configuration = $1, configured_at = $2, generation = generation + 1 \
                     WHERE configuration <> $1",
                    values![fingerprint.as_str(), now],
                )
                .await
                .map(|_| WriteResult::Noted)
        }
    }
}

//! Group commit: all writes that wait at one moment go to disk together, with one flush.
//!
//! Whoever comes first starts a batch; whoever comes while it runs is in the next. A caller is answered only
//! after the commit. A write that fails takes back its own changes and leaves the others of its batch alone.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use tracing::error;

use super::database::{Transaction, values};
use super::intake;
use super::{
    Accepted, Departure, FileSeen, Inner, Refusal, Restoration, Store, StoreError, Submission, Terms,
    Verdict, Withdrawal,
};
use crate::article::ArticleId;
use crate::channel::Slug;

/// So many writes share one commit at most, so that the first of them does not wait for ever.
const BATCH: usize = 256;

/// A change that is asked for.
pub(super) enum Write {
    TakeIn(Box<Submission>),
    PublishDue,
    Withdraw { id: ArticleId, reason: Option<String>, erase: bool, author: String, terms: Terms },
    Restore { id: ArticleId, author: String },
    FileGone(String),
    FileRefused(FileSeen),
    FileTouched(FileSeen),
    Channel(Slug, Option<String>),
    Configuration(String),
    Picture { name: String, media_type: String, bytes: Vec<u8> },
}

/// What was done.
pub(super) enum Written {
    Accepted(Accepted),
    Due(Vec<Accepted>),
    Withdrawal(Withdrawal),
    Restoration(Restoration),
    Departure(Departure),
    Noted,
}

impl Written {
    pub(super) fn unexpected(&self) -> StoreError {
        StoreError::Corrupt("a write was answered with another's answer".to_owned())
    }
}

type Answer = oneshot::Sender<Result<Written, StoreError>>;

/// The writes that wait.
#[derive(Default)]
pub(super) struct Batches(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Write, Answer)>,
    running: bool,
}

impl Batches {
    /// Queues a write; true where the caller has to start a batch.
    fn push(&self, write: Write, answer: Answer) -> bool {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queue.waiting.push_back((write, answer));
        !std::mem::replace(&mut queue.running, true)
    }

    /// The next writes to share a commit; none ends the run.
    fn take(&self) -> Option<Vec<(Write, Answer)>> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.waiting.is_empty() {
            queue.running = false;
            return None;
        }
        let count = queue.waiting.len().min(BATCH);
        Some(queue.waiting.drain(..count).collect())
    }
}

/// A write that is queued, to be answered once it is on disk.
pub(super) struct Queued(oneshot::Receiver<Result<Written, StoreError>>);

impl Queued {
    pub(super) async fn written(self) -> Result<Written, StoreError> {
        self.0.await.unwrap_or_else(|_| Err(StoreError::Unavailable(sqlx::Error::WorkerCrashed)))
    }
}

impl Store {
    /// Queues a write behind all that were queued before.
    pub(super) fn queue(&self, write: Write) -> Queued {
        let (answer, answered) = oneshot::channel();
        if self.inner.batches.push(write, answer) {
            // A task of its own, so that a caller who gives up does not tear down everybody's batch.
            self.inner.runtime.spawn(run_batches(Arc::clone(&self.inner)));
        }
        Queued(answered)
    }

    /// Queues a write and waits until it is on disk.
    pub(super) async fn write(&self, write: Write) -> Result<Written, StoreError> {
        self.queue(write).written().await
    }
}

/// Ends a run also where it panicked: who waits is told, and the next write starts a run of its own.
struct EndOfRun<'a>(&'a Batches);

impl Drop for EndOfRun<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if std::thread::panicking() {
            queue.running = false;
            queue.waiting.clear();
        }
    }
}

async fn run_batches(inner: Arc<Inner>) {
    let _end = EndOfRun(&inner.batches);
    while let Some(batch) = inner.batches.take() {
        let (writes, answers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        match commit(&inner, &writes).await {
            Ok(results) => {
                // A full disk may fail some writes and let smaller ones pass.
                let all_done =
                    !results.iter().any(|result| matches!(result, Err(StoreError::Unavailable(_))));
                inner.writable.store(all_done, Ordering::Release);
                let _ = Store { inner: Arc::clone(&inner) }.refresh().await;
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
async fn commit(inner: &Inner, writes: &[Write]) -> Result<Vec<Result<Written, StoreError>>, StoreError> {
    // What is configured has no part in the order of the log, and even one that takes no revisions can be opened.
    let may_append = writes.iter().any(|write| !matches!(write, Write::Configuration(_)));
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
            if let (Write::TakeIn(submission), true) = (write, cause.is_of_one_write()) {
                let intake = intake::Intake { transaction: &mut transaction, options: &inner.options };
                let refused = intake.not_accepted(submission, Verdict::Refused(Refusal::Failed));
                error!(id = %refused.id, %cause, "this article cannot be kept; the others are");
                result = Ok(Written::Accepted(refused));
            }
        }
        transaction.run("RELEASE SAVEPOINT one_write", &[]).await?;
        results.push(result);
    }
    transaction.commit().await?;
    Ok(results)
}

async fn apply(inner: &Inner, transaction: &mut Transaction, write: &Write) -> Result<Written, StoreError> {
    let mut intake = intake::Intake { transaction, options: &inner.options };
    match write {
        Write::TakeIn(submission) => intake.take_in(submission).await.map(Written::Accepted),
        Write::PublishDue => intake.publish_due().await.map(Written::Due),
        Write::Withdraw { id, reason, erase, author, terms } => {
            let reason = reason.as_deref();
            intake.withdraw(id, reason, *erase, author, terms).await.map(Written::Withdrawal)
        }
        Write::Restore { id, author } => intake.restore(id, author).await.map(Written::Restoration),
        Write::FileGone(path) => intake.file_gone(path).await.map(Written::Departure),
        Write::FileRefused(seen) => intake.file_refused(seen).await.map(|()| Written::Noted),
        Write::FileTouched(seen) => intake.file_touched(seen).await.map(|()| Written::Noted),
        Write::Channel(slug, title) => {
            intake.found_channel(slug, title.as_deref()).await.map(|()| Written::Noted)
        }
        Write::Picture { name, media_type, bytes } => {
            let now = inner.options.clock.now().timestamp();
            transaction
                .run(
                    "INSERT INTO picture (name, media_type, bytes, kept_at) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes WHERE LENGTH(picture.bytes) = 0",
                    values![name.as_str(), media_type.as_str(), bytes.as_slice(), now],
                )
                .await
                .map(|_| Written::Noted)
        }
        Write::Configuration(fingerprint) => {
            intake.arrange_channels().await?;
            let now = inner.options.clock.now().timestamp();
            transaction
                .run(
                    "UPDATE log SET configuration = $1, configured_at = $2, generation = generation + 1 \
                     WHERE configuration <> $1",
                    values![fingerprint.as_str(), now],
                )
                .await
                .map(|_| Written::Noted)
        }
    }
}

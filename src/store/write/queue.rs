//! Group commit: all writes that wait at one moment are committed together, with one flush.
//!
//! The first write starts a batch; those that arrive while it runs go into the next one. A caller gets its result
//! only after the commit. A write that fails undoes its own changes and leaves the others of its batch alone.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::store::core::Core;
use crate::store::error::StoreError;
use crate::store::outcome::SubmitResult;
use crate::store::submission::PreparedSubmission;
use crate::store::write::log_writer::{LogWriter, MAX_TOGETHER, Together};

/// Writes that share one commit at most, so that the first one does not wait too long. The more share one, the fewer pages
/// and parts of the search index are written for each.
pub const MAX_BATCH: usize = 1024;
/// A batch ends after this time, so that it does not hold the write lock of the log for too long: the writers of other
/// processes wait 1.5 s for it.
const MAX_BATCH_TIME: Duration = Duration::from_millis(500);

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

type Work<T> = Box<dyn for<'w> FnOnce(&'w mut LogWriter<'_>) -> BoxFuture<'w, Result<T, StoreError>> + Send>;

/// A queued write with a result of any type.
trait QueuedWrite: Send {
    /// True if the write may append revisions.
    fn appends(&self) -> bool;
    /// Runs the write and keeps its result.
    fn run<'w>(&'w mut self, writer: &'w mut LogWriter<'_>) -> BoxFuture<'w, ()>;
    /// The submission, if that is what is written.
    fn submission(&self) -> Option<&PreparedSubmission> {
        None
    }
    /// Keeps a result of a submission that was written together with others.
    fn keep(&mut self, _: SubmitResult) {}
    /// Why the write failed, if it did.
    fn error(&self) -> Option<&StoreError>;
    /// Sends the result to the caller, or the error of the commit.
    fn reply(self: Box<Self>, committed: Result<(), StoreError>);
}

struct TypedWrite<T> {
    appends: bool,
    work: Option<Work<T>>,
    result: Result<T, StoreError>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send> QueuedWrite for TypedWrite<T> {
    fn appends(&self) -> bool {
        self.appends
    }

    fn run<'w>(&'w mut self, writer: &'w mut LogWriter<'_>) -> BoxFuture<'w, ()> {
        Box::pin(async move {
            if let Some(work) = self.work.take() {
                self.result = work(writer).await;
            }
        })
    }

    fn error(&self) -> Option<&StoreError> {
        self.result.as_ref().err()
    }

    fn reply(self: Box<Self>, committed: Result<(), StoreError>) {
        let _ = self.reply.send(committed.and(self.result));
    }
}

/// A queued submission.
struct SubmissionWrite {
    prepared: PreparedSubmission,
    result: Result<SubmitResult, StoreError>,
    reply: oneshot::Sender<Result<SubmitResult, StoreError>>,
}

impl QueuedWrite for SubmissionWrite {
    fn appends(&self) -> bool {
        true
    }

    fn run<'w>(&'w mut self, writer: &'w mut LogWriter<'_>) -> BoxFuture<'w, ()> {
        Box::pin(async move { self.result = writer.submit_or_refuse(&self.prepared).await })
    }

    fn submission(&self) -> Option<&PreparedSubmission> {
        Some(&self.prepared)
    }

    fn keep(&mut self, result: SubmitResult) {
        self.result = Ok(result);
    }

    fn error(&self) -> Option<&StoreError> {
        self.result.as_ref().err()
    }

    fn reply(self: Box<Self>, committed: Result<(), StoreError>) {
        let _ = self.reply.send(committed.and(self.result));
    }
}

/// The queue of writes.
pub(crate) struct WriteQueue {
    core: Arc<Core>,
    state: Mutex<QueueState>,
}

#[derive(Default)]
struct QueueState {
    pending: VecDeque<Box<dyn QueuedWrite>>,
    running: bool,
}

impl WriteQueue {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core, state: Mutex::default() }
    }

    /// The number of writes that wait for the next batch.
    pub(crate) fn len(&self) -> usize {
        self.state().pending.len()
    }

    /// Queues a write that may append revisions, after all that were queued before.
    pub(crate) fn push<T, W>(self: &Arc<Self>, work: W) -> PendingWrite<T>
    where
        T: Send + 'static,
        W: for<'w> FnOnce(&'w mut LogWriter<'_>) -> BoxFuture<'w, Result<T, StoreError>> + Send + 'static,
    {
        self.enqueue(true, Box::new(work))
    }

    /// Queues a write that appends no revision. It is done even if the log cannot grow.
    pub(crate) fn push_config<T, W>(self: &Arc<Self>, work: W) -> PendingWrite<T>
    where
        T: Send + 'static,
        W: for<'w> FnOnce(&'w mut LogWriter<'_>) -> BoxFuture<'w, Result<T, StoreError>> + Send + 'static,
    {
        self.enqueue(false, Box::new(work))
    }

    /// Queues a submission. New articles that are queued one after the other are written together.
    pub(crate) fn push_submission(
        self: &Arc<Self>,
        prepared: PreparedSubmission,
    ) -> PendingWrite<SubmitResult> {
        let (reply, replied) = oneshot::channel();
        self.enqueue_boxed(Box::new(SubmissionWrite { prepared, result: Err(crashed()), reply }));
        PendingWrite(replied)
    }

    fn enqueue<T: Send + 'static>(self: &Arc<Self>, appends: bool, work: Work<T>) -> PendingWrite<T> {
        let (reply, replied) = oneshot::channel();
        self.enqueue_boxed(Box::new(TypedWrite { appends, work: Some(work), result: Err(crashed()), reply }));
        PendingWrite(replied)
    }

    fn enqueue_boxed(self: &Arc<Self>, write: Box<dyn QueuedWrite>) {
        let starts = {
            let mut state = self.state();
            state.pending.push_back(write);
            !std::mem::replace(&mut state.running, true)
        };
        if starts {
            // A separate task: a caller that is cancelled must not cancel the batch of others.
            self.core.spawn(commit_batches(Arc::clone(self)));
        }
    }

    /// The next writes to share a commit. None ends the run.
    fn next_batch(&self) -> Option<Vec<Box<dyn QueuedWrite>>> {
        let mut state = self.state();
        if state.pending.is_empty() {
            state.running = false;
            return None;
        }
        let count = state.pending.len().min(MAX_BATCH);
        Some(state.pending.drain(..count).collect())
    }

    /// Puts writes back at the front, in their order.
    fn put_back(&self, writes: Vec<Box<dyn QueuedWrite>>) {
        let mut state = self.state();
        writes.into_iter().rev().for_each(|write| state.pending.push_front(write));
    }

    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A queued write. Its result is there after the commit.
pub(crate) struct PendingWrite<T>(oneshot::Receiver<Result<T, StoreError>>);

impl<T> PendingWrite<T> {
    pub(crate) async fn committed(self) -> Result<T, StoreError> {
        self.0.await.unwrap_or_else(|_| Err(crashed()))
    }
}

fn crashed() -> StoreError {
    StoreError::unavailable("a task of the store has crashed")
}

/// Ends a run that panicked: callers get an error, and the next write starts a new run.
struct RunGuard<'a>(&'a WriteQueue);

impl Drop for RunGuard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut state = self.0.state();
            state.running = false;
            state.pending.clear();
        }
    }
}

async fn commit_batches(queue: Arc<WriteQueue>) {
    let _guard = RunGuard(&queue);
    let core = &queue.core;
    while let Some(mut batch) = queue.next_batch() {
        match commit(core, &mut batch).await {
            Ok(done) => {
                queue.put_back(batch.split_off(done));
                // A full disk may reject some writes and accept smaller ones.
                let failed =
                    batch.iter().any(|write| matches!(write.error(), Some(StoreError::Unavailable(_))));
                core.writable.store(!failed, Ordering::Release);
                let _ = core.poll_position().await;
                batch.into_iter().for_each(|write| write.reply(Ok(())));
            }
            Err(cause) => {
                core.writable.store(false, Ordering::Release);
                for write in batch {
                    write.reply(Err(match &cause {
                        StoreError::NoWrites(reason) => StoreError::NoWrites(reason.clone()),
                        StoreError::Unavailable(cause) => StoreError::unavailable(cause.to_string()),
                        cause => StoreError::unavailable(cause.to_string()),
                    }));
                }
            }
        }
    }
}

/// Runs writes in one transaction until the batch or its time ends, and commits it. Returns how many were done. A
/// write that fails undoes its own changes only.
async fn commit(core: &Core, batch: &mut [Box<dyn QueuedWrite>]) -> Result<usize, StoreError> {
    // Configuration does not depend on the order of the log. A log that accepts no revisions can still be opened.
    let appends = batch.iter().any(|write| write.appends());
    let mut transaction = match appends {
        true => core.begin_append().await?,
        false => core.database.begin_write().await?,
    };
    let mut writer = LogWriter { transaction: &mut transaction, options: &core.options };
    let (started, mut done) = (Instant::now(), 0);
    let mut lane = Lane::default();
    while done < batch.len() && (done == 0 || started.elapsed() <= MAX_BATCH_TIME) {
        match lane.next(&mut writer, &mut batch[done..]).await? {
            0 => {
                write_alone(&mut writer, batch[done].as_mut()).await?;
                done += 1;
            }
            written => done += written,
        }
    }
    transaction.commit().await?;
    Ok(done)
}

/// Does one write. If it fails, its own changes are undone.
async fn write_alone(writer: &mut LogWriter<'_>, write: &mut dyn QueuedWrite) -> Result<(), StoreError> {
    writer.begin_one().await?;
    write.run(writer).await;
    if write.error().is_some() {
        writer.undo_one().await?;
    }
    writer.end_one().await
}

/// Finds the submissions of a batch that can be written together.
struct Lane {
    /// So many writes are done alone first.
    alone: usize,
    /// So many are tried together: few where others are between them, because each trial asks about all.
    width: usize,
}

impl Default for Lane {
    fn default() -> Self {
        Self { alone: 0, width: MAX_TOGETHER }
    }
}

impl Lane {
    /// Writes the first of these together if that is possible. Returns how many; 0 if the first is to be done alone.
    async fn next(
        &mut self,
        writer: &mut LogWriter<'_>,
        batch: &mut [Box<dyn QueuedWrite>],
    ) -> Result<usize, StoreError> {
        if self.alone > 0 {
            self.alone -= 1;
            return Ok(0);
        }
        let submissions: Vec<_> =
            batch.iter().map_while(|write| write.submission()).take(self.width).collect();
        if submissions.len() < 2 {
            return Ok(0);
        }
        match writer.publish_together(&submissions).await? {
            Together::Published(results) => {
                let (asked, written) = (submissions.len(), results.len());
                self.width =
                    if written < asked { written * 2 } else { self.width * 2 }.clamp(4, MAX_TOGETHER);
                batch.iter_mut().zip(results).for_each(|(write, result)| write.keep(result));
                Ok(written)
            }
            Together::Alone(count) => {
                self.alone = count - 1;
                Ok(0)
            }
        }
    }
}

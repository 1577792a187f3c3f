//! Work on files: off the async threads, and on all cores.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Items that a thread takes at once.
const CHUNK: usize = 16;

/// Runs work that may block.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}

/// Maps all items on all cores, and returns the results in the order of the items. Blocking.
pub(super) fn map_on_all_cores<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads =
        thread::available_parallelism().map_or(1, NonZeroUsize::get).min(items.len().div_ceil(CHUNK));
    if threads <= 1 {
        return items.into_iter().map(work).collect();
    }
    let queue = Mutex::new(items.into_iter().enumerate());
    let map_some = || {
        let mut results = Vec::new();
        loop {
            let chunk: Vec<_> =
                queue.lock().unwrap_or_else(PoisonError::into_inner).by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return results;
            }
            results.extend(chunk.into_iter().map(|(index, item)| (index, work(item))));
        }
    };
    let mut results = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(map_some)).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().flat_map(join).collect::<Vec<(usize, R)>>()
    });
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        for count in [0, 1, CHUNK, 10 * CHUNK + 3] {
            let items: Vec<usize> = (0..count).collect();
            let doubled: Vec<usize> = items.iter().map(|item| item * 2).collect();
            assert_eq!(map_on_all_cores(items, |item| item * 2), doubled);
        }
    }
}

//! A cache, limited in bytes, of documents that are valid until the log changes.

use std::hash::Hash;

use quick_cache::sync::Cache as QuickCache;
use quick_cache::{OptionsBuilder, Weighter};
use tokio::sync::watch;

use crate::store::LogPosition;

/// The size of a cached value.
pub(crate) trait Weigh {
    /// Approximate size in bytes.
    fn weight(&self) -> u64;

    /// False for values that must not be cached.
    fn is_cacheable(&self) -> bool {
        true
    }
}

/// Bytes per entry besides the value.
const OVERHEAD: u64 = 512;
/// Few, because a value must fit into its shard.
const SHARDS: usize = 2;

/// Values by key, each with its log position. Concurrent requests for a key compute its value once, and one-time
/// requests do not evict frequently used values.
pub(crate) struct Cache<K, V> {
    entries: QuickCache<K, Dated<V>, Weights>,
    position: watch::Receiver<LogPosition>,
}

#[derive(Clone)]
struct Dated<V> {
    value: V,
    log: LogPosition,
}

#[derive(Clone)]
struct Weights;

impl<K, V: Weigh> Weighter<K, Dated<V>> for Weights {
    fn weight(&self, _key: &K, entry: &Dated<V>) -> u64 {
        entry.value.weight() + OVERHEAD
    }
}

impl<K: Eq + Hash + Clone, V: Weigh + Clone> Cache<K, V> {
    /// A cache of up to `bytes` for values of about `typical` bytes each.
    pub(crate) fn new(position: watch::Receiver<LogPosition>, bytes: u64, typical: u64) -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(usize::try_from(bytes / typical).unwrap_or(usize::MAX))
            .weight_capacity(bytes)
            .shards(SHARDS)
            .build()
            .expect("both capacities are given");
        let entries = QuickCache::with_options(options, Weights, Default::default(), Default::default());
        Self { entries, position }
    }

    /// The value, if it is cached and current.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let log = *self.position.borrow();
        self.entries.get(key).filter(|entry| entry.log == log).map(|entry| entry.value)
    }

    /// The cached value, or the result of `make`, which gets the outdated value. Concurrent requests for the key wait.
    ///
    /// # Errors
    /// `make` failed. The next waiting request retries.
    pub(crate) async fn get_or_make<E, Fut>(
        &self,
        key: K,
        make: impl FnOnce(Option<V>) -> Fut,
    ) -> Result<V, E>
    where
        Fut: Future<Output = Result<V, E>>,
    {
        // Read before `make` reads the log: the value may be newer than this position, but never older.
        let log = *self.position.borrow();
        let mut outdated = None;
        loop {
            match self.entries.get_value_or_guard_async(&key).await {
                Ok(entry) if entry.log == log || entry.log.includes(&log) => return Ok(entry.value),
                Ok(entry) => {
                    self.entries.remove_if(&key, |current| current.log == entry.log);
                    outdated = Some(entry.value);
                }
                Err(guard) => {
                    let value = make(outdated).await?;
                    if value.is_cacheable() {
                        let _ = guard.insert(Dated { value: value.clone(), log });
                    }
                    return Ok(value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    impl Weigh for Vec<u8> {
        fn weight(&self) -> u64 {
            self.len() as u64
        }

        fn is_cacheable(&self) -> bool {
            !self.is_empty()
        }
    }

    fn at(head: u64) -> LogPosition {
        LogPosition { head, config_epoch: 0 }
    }

    async fn made(cache: &Cache<u32, Vec<u8>>, key: u32, value: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
        let before = Cell::new(None);
        let make = |outdated| {
            before.set(outdated);
            async { Ok::<_, ()>(value.to_vec()) }
        };
        (cache.get_or_make(key, make).await.unwrap(), before.take())
    }

    #[tokio::test]
    async fn values_are_valid_until_the_log_changes() {
        let (log, position) = watch::channel(at(1));
        let cache = Cache::new(position, 1 << 20, 1000);
        assert_eq!(made(&cache, 1, b"a").await, (b"a".to_vec(), None));
        assert_eq!(made(&cache, 1, b"b").await, (b"a".to_vec(), None));
        log.send_replace(at(2));
        assert_eq!(cache.get(&1), None);
        assert_eq!(made(&cache, 1, b"b").await, (b"b".to_vec(), Some(b"a".to_vec())));
        assert_eq!(cache.get(&1), Some(b"b".to_vec()));
        assert_eq!(made(&cache, 2, b"").await.0, b"");
        assert_eq!(cache.get(&2), None, "values that are not cacheable are not cached");
        let failed = cache.get_or_make(3, |_| async { Err::<Vec<u8>, _>("away") }).await;
        assert_eq!((failed, made(&cache, 3, b"c").await.0), (Err("away"), b"c".to_vec()));
    }

    #[tokio::test]
    async fn the_cache_stays_within_its_limit() {
        let (_log, position) = watch::channel(at(1));
        let cache = Cache::new(position, 1 << 20, 10_000);
        for key in 0..1000 {
            made(&cache, key, &[1; 10_000]).await;
        }
        assert!(cache.entries.weight() <= 1 << 20 && cache.entries.len() > 50, "{}", cache.entries.len());
        made(&cache, 1000, &[1; 2 << 20]).await;
        assert!(cache.entries.weight() <= 1 << 20);
    }

    #[tokio::test]
    async fn concurrent_requests_compute_a_value_once() {
        let (_log, position) = watch::channel(at(1));
        let cache = Cache::<u32, Vec<u8>>::new(position, 1 << 20, 1000);
        let count = Cell::new(0);
        let request = || {
            cache.get_or_make(1, |_| async {
                count.set(count.get() + 1);
                tokio::task::yield_now().await;
                Ok::<_, ()>(b"a".to_vec())
            })
        };
        let (one, two, three) = tokio::join!(request(), request(), request());
        assert_eq!(
            (one, two, three, count.get()),
            (Ok(b"a".to_vec()), Ok(b"a".to_vec()), Ok(b"a".to_vec()), 1)
        );
    }
}

//! Documents that were made on demand, kept while the log stands still: so many bytes of them.

use std::hash::Hash;

use quick_cache::sync::Cache as Kept;
use quick_cache::{OptionsBuilder, Weighter};
use tokio::sync::watch;

use crate::store::LogPosition;

/// What a kept value takes of the cache's bytes.
pub(super) trait Weigh {
    /// In bytes, about.
    fn weight(&self) -> u64;

    /// False for what is made anew each time.
    fn is_kept(&self) -> bool {
        true
    }
}

/// Key, place and the like.
const OVERHEAD: u64 = 512;
/// Few, so that one large document fits into its share.
const SHARDS: usize = 2;

/// Keeps values by what was asked for, each with the state of the log that it was made at. Of what is asked for at the
/// same time, one is made; what is asked for once does not drive out what is asked for often.
pub(super) struct Cache<K, V> {
    kept: Kept<K, Dated<V>, Weights>,
    announced: watch::Receiver<LogPosition>,
}

#[derive(Clone)]
struct Dated<V> {
    value: V,
    log: LogPosition,
}

#[derive(Clone)]
struct Weights;

impl<K, V: Weigh> Weighter<K, Dated<V>> for Weights {
    fn weight(&self, _key: &K, kept: &Dated<V>) -> u64 {
        kept.value.weight() + OVERHEAD
    }
}

impl<K: Eq + Hash + Clone, V: Weigh + Clone> Cache<K, V> {
    /// Keeps up to `bytes`, of values that have some `usual` bytes each.
    pub(super) fn new(announced: watch::Receiver<LogPosition>, bytes: u64, usual: u64) -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(usize::try_from(bytes / usual).unwrap_or(usize::MAX))
            .weight_capacity(bytes)
            .shards(SHARDS)
            .build()
            .expect("both capacities are given");
        Self { kept: Kept::with_options(options, Weights, Default::default(), Default::default()), announced }
    }

    /// What was made while the log stood as it stands. Asks nobody.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        let log = *self.announced.borrow();
        self.kept.get(key).filter(|kept| kept.log == log).map(|kept| kept.value)
    }

    /// The same, or else what `make` makes of what was kept before. Whoever asks for the same meanwhile waits for it.
    ///
    /// # Errors
    /// Where `make` fails. The next who waits tries again.
    pub(super) async fn get_or_make<E, Making>(
        &self,
        key: K,
        make: impl FnOnce(Option<V>) -> Making,
    ) -> Result<V, E>
    where
        Making: Future<Output = Result<V, E>>,
    {
        // Read before the log is: what is made may be newer than that, but never older.
        let log = *self.announced.borrow();
        let mut outdated = None;
        loop {
            match self.kept.get_value_or_guard_async(&key).await {
                Ok(kept) if kept.log == log || kept.log.includes(&log) => return Ok(kept.value),
                Ok(kept) => {
                    self.kept.remove_if(&key, |now| now.log == kept.log);
                    outdated = Some(kept.value);
                }
                Err(place) => {
                    let value = make(outdated).await?;
                    if value.is_kept() {
                        let _ = place.insert(Dated { value: value.clone(), log });
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

        fn is_kept(&self) -> bool {
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
    async fn what_was_made_stands_while_the_log_stands_and_helps_to_make_the_next() {
        let (log, announced) = watch::channel(at(1));
        let cache = Cache::new(announced, 1 << 20, 1000);
        assert_eq!(made(&cache, 1, b"a").await, (b"a".to_vec(), None));
        assert_eq!(made(&cache, 1, b"b").await, (b"a".to_vec(), None));
        log.send_replace(at(2));
        assert_eq!(cache.get(&1), None);
        assert_eq!(made(&cache, 1, b"b").await, (b"b".to_vec(), Some(b"a".to_vec())));
        assert_eq!(cache.get(&1), Some(b"b".to_vec()));
        assert_eq!(made(&cache, 2, b"").await.0, b"");
        assert_eq!(cache.get(&2), None, "what is not to be kept is not");
        let failed = cache.get_or_make(3, |_| async { Err::<Vec<u8>, _>("away") }).await;
        assert_eq!((failed, made(&cache, 3, b"c").await.0), (Err("away"), b"c".to_vec()));
    }

    #[tokio::test]
    async fn no_more_is_kept_than_there_is_room_for() {
        let (_log, announced) = watch::channel(at(1));
        let cache = Cache::new(announced, 1 << 20, 10_000);
        for key in 0..1000 {
            made(&cache, key, &[1; 10_000]).await;
        }
        assert!(cache.kept.weight() <= 1 << 20 && cache.kept.len() > 50, "{}", cache.kept.len());
        made(&cache, 1000, &[1; 2 << 20]).await;
        assert!(cache.kept.weight() <= 1 << 20);
    }

    #[tokio::test]
    async fn of_many_who_ask_for_the_same_one_has_it_made() {
        let (_log, announced) = watch::channel(at(1));
        let cache = Cache::<u32, Vec<u8>>::new(announced, 1 << 20, 1000);
        let count = Cell::new(0);
        let ask = || {
            cache.get_or_make(1, |_| async {
                count.set(count.get() + 1);
                tokio::task::yield_now().await;
                Ok::<_, ()>(b"a".to_vec())
            })
        };
        let (one, two, three) = tokio::join!(ask(), ask(), ask());
        assert_eq!(
            (one, two, three, count.get()),
            (Ok(b"a".to_vec()), Ok(b"a".to_vec()), Ok(b"a".to_vec()), 1)
        );
    }
}

//! A small LRU cache.

/// Keeps at most `capacity` values and evicts the least recently used one.
pub(super) struct LruCache<K, V> {
    /// The most recently used entry is last.
    entries: Vec<(K, V)>,
    capacity: usize,
}

impl<K: PartialEq, V: Clone> LruCache<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { entries: Vec::new(), capacity }
    }

    pub(super) fn get(&mut self, key: &K) -> Option<V> {
        let at = self.entries.iter().position(|(cached, _)| cached == key)?;
        self.entries[at..].rotate_left(1);
        self.entries.last().map(|(_, value)| value.clone())
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        self.entries.retain(|(cached, _)| *cached != key);
        if self.entries.len() >= self.capacity {
            self.entries.remove(0);
        }
        self.entries.push((key, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_value_is_evicted() {
        let mut cache = LruCache::new(2);
        cache.insert(1, "một");
        cache.insert(2, "hai");
        assert_eq!(cache.get(&1), Some("một"));
        cache.insert(3, "ba");
        assert_eq!((cache.get(&1), cache.get(&2), cache.get(&3)), (Some("một"), None, Some("ba")));
        cache.insert(3, "ba lần hai");
        assert_eq!((cache.get(&1), cache.get(&3)), (Some("một"), Some("ba lần hai")));
    }
}

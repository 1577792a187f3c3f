//! A few printed things at hand; for a new one, the one that was asked for longest ago goes.

/// Holds so many at most.
pub(super) struct LruCache<K, V> {
    /// The one asked for last is last.
    entries: Vec<(K, V)>,
    capacity: usize,
}

impl<K: PartialEq, V: Clone> LruCache<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { entries: Vec::new(), capacity }
    }

    pub(super) fn get(&mut self, key: &K) -> Option<V> {
        let at = self.entries.iter().position(|(kept, _)| kept == key)?;
        self.entries[at..].rotate_left(1);
        self.entries.last().map(|(_, value)| value.clone())
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        self.entries.retain(|(kept, _)| *kept != key);
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
    fn what_was_asked_for_longest_ago_makes_room() {
        let mut shelf = LruCache::new(2);
        shelf.insert(1, "một");
        shelf.insert(2, "hai");
        assert_eq!(shelf.get(&1), Some("một"));
        shelf.insert(3, "ba");
        assert_eq!((shelf.get(&1), shelf.get(&2), shelf.get(&3)), (Some("một"), None, Some("ba")));
        shelf.insert(3, "ba lần hai");
        assert_eq!((shelf.get(&1), shelf.get(&3)), (Some("một"), Some("ba lần hai")));
    }
}

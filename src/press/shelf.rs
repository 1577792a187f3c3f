//! A few printed things at hand; for a new one, the one that was asked for longest ago goes.

/// Holds so many at most.
pub(super) struct Shelf<K, V> {
    /// The one asked for last is last.
    kept: Vec<(K, V)>,
    places: usize,
}

impl<K: PartialEq, V: Clone> Shelf<K, V> {
    pub(super) fn with_places(places: usize) -> Self {
        Self { kept: Vec::new(), places }
    }

    pub(super) fn get(&mut self, key: &K) -> Option<V> {
        let at = self.kept.iter().position(|(kept, _)| kept == key)?;
        self.kept[at..].rotate_left(1);
        self.kept.last().map(|(_, value)| value.clone())
    }

    pub(super) fn put(&mut self, key: K, value: V) {
        self.kept.retain(|(kept, _)| *kept != key);
        if self.kept.len() >= self.places {
            self.kept.remove(0);
        }
        self.kept.push((key, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_longest_ago_makes_room() {
        let mut shelf = Shelf::with_places(2);
        shelf.put(1, "một");
        shelf.put(2, "hai");
        assert_eq!(shelf.get(&1), Some("một"));
        shelf.put(3, "ba");
        assert_eq!((shelf.get(&1), shelf.get(&2), shelf.get(&3)), (Some("một"), None, Some("ba")));
        shelf.put(3, "ba lần hai");
        assert_eq!((shelf.get(&1), shelf.get(&3)), (Some("một"), Some("ba lần hai")));
    }
}

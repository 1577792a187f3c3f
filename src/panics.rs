//! Panics while files and texts of others are read or rendered.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `work` returns; none if it panics, in this program or in a library. `work` must leave nothing half changed that is
/// used afterwards.
///
/// SECURITY: a file or an article that causes a panic must not end the process, which would meet it again after each restart.
pub fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_no_result() {
        assert_eq!(caught(|| 1), Some(1));
        assert_eq!(caught(|| [1][std::hint::black_box(1)]), None);
    }
}

//! Panics while the bytes of others are read.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `read` returns; none if it panics, in this program or in a library.
///
/// SECURITY: a file that causes a panic must not end the process, which would read it again after each restart. `read`
/// changes nothing outside that is used afterwards.
pub fn caught<T>(read: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok()
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

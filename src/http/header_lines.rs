//! The lines of one header.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

/// The lines of the header `name`, in their order.
///
/// Iterates instead of a lookup, which would hash: a poll has few headers, and their names rarely need a comparison.
pub(in crate::http) fn lines(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &HeaderValue> {
    headers.iter().filter(move |(present, _)| **present == name).map(|(_, line)| line)
}

/// True if there is a line of the header `name`.
pub(in crate::http) fn is_present(headers: &HeaderMap, name: HeaderName) -> bool {
    lines(headers, name).next().is_some()
}

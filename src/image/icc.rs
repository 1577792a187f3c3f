//! Distinguishes colour profiles (ICC.1) from other data in their place.

/// The maximum that JPEG segments can hold, and the limit for the other formats.
pub(super) const MAX_BYTES: usize = 255 * 65_519;

/// The header and the tag count (ICC.1 §7.2, §7.3).
const MIN_BYTES: usize = 128 + 4;

/// Whether `bytes` are exactly one profile: as long as its header declares, plus at most three zero bytes of padding.
pub(super) fn is_profile(bytes: &[u8]) -> bool {
    let Some(declared) = bytes.first_chunk().map(|size| u32::from_be_bytes(*size)) else { return false };
    let Some(padding) = usize::try_from(declared).ok().and_then(|size| bytes.get(size..)) else {
        return false;
    };
    bytes.len() >= MIN_BYTES
        && bytes.len() <= MAX_BYTES
        && bytes[36..40] == *b"acsp"
        && padding.len() < 4
        && padding.iter().all(|byte| *byte == 0)
}

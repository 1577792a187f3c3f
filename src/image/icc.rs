//! Knows a colour profile (ICC.1) from other data that stand in its place.

/// The most that the segments of a JPEG can hold, and the bound for the other types.
pub(super) const MAX_BYTES: usize = 255 * 65_519;

/// The header, and the number of tags behind it (ICC.1 §7.2, §7.3).
const MIN_BYTES: usize = 128 + 4;

/// True where `bytes` are one whole profile and no more: as long as its header says, but for up to three
/// zeros that round it up to four bytes.
pub(super) fn is_profile(bytes: &[u8]) -> bool {
    let Some(declared) = bytes.first_chunk().map(|size| u32::from_be_bytes(*size)) else { return false };
    let Some(behind) = usize::try_from(declared).ok().and_then(|size| bytes.get(size..)) else {
        return false;
    };
    bytes.len() >= MIN_BYTES
        && bytes.len() <= MAX_BYTES
        && bytes[36..40] == *b"acsp"
        && behind.len() < 4
        && behind.iter().all(|byte| *byte == 0)
}

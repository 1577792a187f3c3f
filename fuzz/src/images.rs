//! Mutations of images that keep their checksums and lengths right, and images to begin with.

// The images of the program's own tests, each with and without everything that a camera or an editor adds. A module of
// tests, which may panic; not all of it is needed here.
#[allow(dead_code, missing_docs, clippy::unwrap_used)]
#[path = "../../src/image/test_images.rs"]
pub mod samples;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Changes the image in the first `size` bytes of `data` and returns its new size.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let size = libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    // Some images keep what is wrong.
    if !seed.is_multiple_of(8) {
        repair(&mut data[..size]);
    }
    size
}

fn repair(image: &mut [u8]) {
    if image.starts_with(PNG) {
        repair_png(&mut image[PNG.len()..]);
    } else if image.starts_with(b"RIFF") && image.len() >= 8 {
        let length = u32::try_from(image.len() - 8).unwrap_or(u32::MAX);
        image[4..8].copy_from_slice(&length.to_le_bytes());
    }
}

/// Each chunk: length, kind, data, checksum of kind and data.
fn repair_png(mut chunks: &mut [u8]) {
    while chunks.len() >= 12 {
        let length = u32::from_be_bytes([chunks[0], chunks[1], chunks[2], chunks[3]]) as usize;
        // The last chunk may have any length.
        let end = length.saturating_add(8).min(chunks.len() - 4);
        let checksum = crc32fast::hash(&chunks[4..end]);
        chunks[end..end + 4].copy_from_slice(&checksum.to_be_bytes());
        chunks = &mut chunks[end + 4..];
    }
}

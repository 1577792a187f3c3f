//! An image that is published.

#![no_main]

use bantin::image::{MAX_BYTES, StrippedImage, media_type_of, smaller_copies, strip_metadata};
use bantin::model::MAX_LIGHT_SIDE;
use bantin_fuzz::{clock, images, survive_panics_of_libraries};

/// Copies are made of images with so many pixels. NOTE: larger ones are decoded in proportion, up to 50 million pixels
/// within seconds; a fuzzer would do nothing else.
const MAX_PIXELS: u64 = 1 << 20;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    survive_panics_of_libraries();
    match clock::timed(data, || strip_metadata(data.to_vec())) {
        Ok(image) => check(&image, data),
        Err(refused) => assert!(!refused.message().english.trim().is_empty(), "{refused:?}"),
    }
});

/// What is published has no metadata left to remove, and the sizes that pages name.
fn check(image: &StrippedImage, data: &[u8]) {
    // An orientation is written anew, and padding that a WebP lacks is added to each chunk.
    assert!(image.bytes.len() <= data.len() + data.len() / 8 + 128, "much longer than what was sent");
    assert!(data.len() <= MAX_BYTES, "too large to be accepted");
    assert_eq!(media_type_of(&image.bytes), Some(image.media_type));
    assert!(image.width > 0 && image.height > 0);
    let again = strip_metadata(image.bytes.clone()).expect("what is published is an image");
    assert_eq!(&again, image, "something is left to remove");
    if u64::from(image.width) * u64::from(image.height) > MAX_PIXELS {
        return;
    }
    let Ok(copies) = clock::timed(data, || smaller_copies(&image.bytes)) else { return };
    for copy in &copies.copies {
        assert!(
            copy.width <= MAX_LIGHT_SIDE && copy.height <= MAX_LIGHT_SIDE,
            "{}×{}",
            copy.width,
            copy.height
        );
        assert!(copy.width <= image.width && copy.height <= image.height, "enlarged");
        let again = strip_metadata(copy.bytes.clone()).expect("a copy is an image");
        assert_eq!(&again, copy, "a copy with metadata");
    }
}

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    images::mutate(data, size, max_size, seed)
});

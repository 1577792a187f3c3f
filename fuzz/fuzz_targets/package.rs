//! A Word or OpenDocument text.

#![no_main]

use bantin::parse::{ImageSource, embedded_image, parse};
use bantin_fuzz::{archives, checks, clock};

/// The largest image that is taken out of a document.
const MAX_IMAGE: u64 = 40 << 20;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let name = match data.windows(11).any(|part| part == b"content.xml") {
        true => "bai.odt",
        false => "bai.docx",
    };
    let reading = clock::timed(data, || parse(name, data, &checks::options()));
    checks::check_reading(&reading, None);
    for image in reading.draft.iter().flat_map(|draft| &draft.images).take(4) {
        if let ImageSource::Part(part) = &image.source {
            let _ = clock::timed(data, || embedded_image(name, data, part, MAX_IMAGE));
        }
    }
});

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    archives::mutate(data, size, max_size, seed)
});

//! What the fuzz targets share: the checks of what was read, a running site, and mutations that keep an archive an
//! archive. `tests/fuzz` builds and runs the targets; CONTRIBUTING.md says how.
//!
//! A target gives the bytes to the most public function that takes them from others, with the limits of the program,
//! and checks more than that nothing panics: what is published passes the check that comes before every publication, a
//! refusal names its cause, a value that was read and written is read again as the same.

use std::panic;
use std::sync::Once;

pub mod archives;
pub mod checks;
pub mod clock;
pub mod images;
pub mod seeds;
pub mod site;

/// From the first call on, a panic in a library does not end the program, which catches those of image decoders
/// (`bantin::image`). One that nothing catches is still found.
pub fn survive_panics_of_libraries() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // That of libFuzzer, which ends the process.
        let end = panic::take_hook();
        panic::set_hook(Box::new(move |found| {
            match found.location().is_some_and(|place| place.file().contains("/registry/")) {
                true => eprintln!("{found}"),
                false => end(found),
            }
        }));
    });
}

/// Splits the input into its first byte, which selects what is done, and the bytes that are read.
pub fn selected(data: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = data.split_first()?;
    Some((usize::from(*first), rest))
}

/// SplitMix64, seeded by libFuzzer: a mutation can be repeated.
pub struct Random(u64);

impl Random {
    /// Starts with a seed.
    pub fn new(seed: u32) -> Self {
        Self(u64::from(seed))
    }

    /// A number below `limit`; 0 if that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % limit.max(1) as u64) as usize
    }
}

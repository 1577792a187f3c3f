//! Any bytes on a connection to the running site.

#![no_main]

use bantin_fuzz::{clock, site::LiveSite};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let site = LiveSite::get();
    clock::timed_on_all_threads(data, || site.ask(data));
});

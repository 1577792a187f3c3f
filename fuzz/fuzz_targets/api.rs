//! The bodies of writes: the API, and the forms of the editing pages.

#![no_main]

use bantin_fuzz::seeds::API;
use bantin_fuzz::site::LiveSite;
use bantin_fuzz::{clock, selected};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((choice, body)) = selected(data) else { return };
    let site = LiveSite::get();
    let kind = &API[choice % API.len()];
    let request = site.request(kind.target, &kind.headers(), body);
    let answer = clock::timed_on_all_threads(data, || site.ask(&request));
    answer.check_json();
    // What was taken in can be read at once.
    let location = answer.head.lines().find_map(|line| line.strip_prefix("location: "));
    if let Some(path) = location.filter(|path| answer.status == 201 && path.contains("/api/")) {
        let path = path.strip_prefix("http://127.0.0.1:8080").unwrap_or(path);
        let read =
            site.ask(&site.request(&format!("GET {path}"), &[("Authorization", "Bearer bantin_FUZZ")], b""));
        assert_eq!(read.status, 200, "{path} was created and cannot be read");
        read.check_json();
    }
});

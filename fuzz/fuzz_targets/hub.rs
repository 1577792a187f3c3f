//! The forms of subscribers, and what the hub of a source sends.

#![no_main]

use bantin::push::is_signed;
use bantin_fuzz::seeds::HUB;
use bantin_fuzz::site::{HUB_SECRET, HUB_TOKEN, LiveSite};
use bantin_fuzz::{clock, selected};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = selected(data) else { return };
    let site = LiveSite::get();
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let request = match choice % HUB {
        0 => site.request("POST /hub", &form, bytes),
        // The query of a hub that asks for confirmation: anything else would end the request line.
        1 => {
            let query: String =
                bytes.iter().filter(|byte| byte.is_ascii_graphic()).map(|byte| char::from(*byte)).collect();
            site.request(&format!("GET /hub/{HUB_TOKEN}?{query}"), &[], b"")
        }
        _ => {
            let at = bytes.iter().position(|byte| *byte == b'\n').unwrap_or_default();
            let signature: String = bytes[..at]
                .iter()
                .filter(|byte| byte.is_ascii_graphic())
                .map(|byte| char::from(*byte))
                .collect();
            let _ = is_signed(&signature, HUB_SECRET, &bytes[at..]);
            site.request(&format!("POST /hub/{HUB_TOKEN}"), &[("X-Hub-Signature", &signature)], &bytes[at..])
        }
    };
    let answer = clock::timed_on_all_threads(data, || site.ask(&request));
    assert!(answer.status != 0, "no answer");
});

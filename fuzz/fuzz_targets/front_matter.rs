//! The block between two `+++` at the beginning of an article file, and the same keys as fields of a JSON object.

#![no_main]

use bantin::parse::{parse, read_fields};
use bantin_fuzz::{checks, clock, selected};
use serde_json::Value;

const TEXT: &str =
    "Huyện Đăk Tô phát động thi đua\n\n12/05/2023 17:39\n\nChiều 12/5, huyện tổ chức hội nghị.\n\nTấn Lộc\n";

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = selected(data) else { return };
    if choice % 4 == 3 {
        let Ok(Value::Object(fields)) = serde_json::from_slice(bytes) else { return };
        let fields: Vec<_> = fields.into_iter().collect();
        let reading = clock::timed(data, || read_fields(&fields, &checks::options()));
        let named = |name: &String| {
            name.is_empty() || fields.iter().any(|(field, _)| field == name) || name == "text"
        };
        assert!(reading.findings.iter().all(|(name, _)| named(name)), "{:?}", reading.findings);
        checks::check_findings(reading.findings.iter().map(|(_, finding)| finding), None);
        reading.draft.iter().for_each(checks::check_article);
        return;
    }
    let file = [b"+++\n", bytes, b"\n+++\n\n", TEXT.as_bytes()].concat();
    let name = ["bai.txt", "bai.md", "bai.html"][choice % 4];
    let reading = clock::timed(data, || parse(name, &file, &checks::options_in(choice / 4)));
    checks::check_reading(&reading, Some(checks::most_lines(&file)));
});

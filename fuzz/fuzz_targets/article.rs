//! An article file or document with markup that somebody sends: plain text, Markdown, HTML, in any encoding.

#![no_main]

use bantin::parse::{FileFormat, parse, read_document};
use bantin_fuzz::{checks, clock, selected};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = selected(data) else { return };
    let options = checks::options_in(choice / 5);
    let reading = clock::timed(data, || match choice % 5 {
        0 => parse("bai.txt", bytes, &options),
        1 => parse("bai.md", bytes, &options),
        2 => parse("bai.html", bytes, &options),
        3 => read_document(FileFormat::Markdown, bytes, &options),
        _ => read_document(FileFormat::Html, bytes, &options),
    });
    checks::check_reading(&reading, Some(checks::most_lines(bytes)));
});

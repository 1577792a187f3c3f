//! The time to parse a file grows linearly, whatever it contains: 10 ms for 100 kB in a release build. `cargo bench
//! --bench parse` measures that; the tests here also hold on slow machines and in debug builds.

#[path = "../../benches/parse/worst.rs"]
mod worst;

use std::hint::black_box;
use std::time::Duration;

use bantin::parse::{ParseOptions, parse};
use bantin::time::DEFAULT_TIME_ZONE;
use proptest::prelude::*;
use worst::{Worst, worst};

use crate::support::thread_time;

/// The best of several runs, because other processes can only slow it down.
fn time_of(text: &Worst) -> Duration {
    let once = || {
        let before = thread_time();
        black_box(text.read());
        thread_time() - before
    };
    (0..3).map(|_| once()).min().unwrap_or_default()
}

#[test]
fn parsing_takes_linear_time() {
    const LENGTH: usize = 8_000;
    // Maximum growth of the time per byte for the longer text. Quadratic time would have 8.
    const MOST: f64 = 4.0;
    let (short, long) = (worst(LENGTH), worst(8 * LENGTH));
    assert!(short.len() >= 150, "only {} texts", short.len());
    let per_byte = |text: &Worst| {
        // Times below this are early rejections, which cannot be compared.
        let least = Duration::from_micros(200);
        time_of(text).max(least).as_secs_f64() / text.length as f64
    };
    // Other processes can disturb one measurement, but hardly all of them.
    let grown = |(short, long): (&Worst, &Worst)| {
        let growths = (0..6).map(|_| per_byte(long) / per_byte(short));
        let least = growths.take_while(|growth| *growth > MOST).collect::<Vec<_>>();
        (least.len() == 6).then(|| format!("{} {}: {least:.1?} times", long.name, long.what))
    };
    let pairs = || short.iter().zip(&long);
    let slow: Vec<String> = pairs().filter_map(grown).collect();
    assert!(slow.is_empty(), "{slow:#?}");
}

/// Parts of a file to repeat until it is long: with a meaning in one of the formats, or arbitrary.
fn parts() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        3 => r"[a-zA-Z]{1,3}|[0-9]{1,2}|[ \n]{1,2}",
        3 => r"<[/]?(a|b|i|p|br|div|table|tr|td|li|ul|h2|sup|time|svg|pre|figure|title|form)( class=[a-z]| href=//b)?>",
        3 => r"[*_`\[\]()#>|!~\-+:.,/&;]{1,3}",
        2 => r"Đăk Tô|Ảnh: TL|Ngày đăng: |12/05/2023 17:39|Tin liên quan|Tấn Lộc|Theo |Nguồn: |Thứ |trước|\./\.",
        1 => r"\PC{1,4}|a\u{301}|\u{200b}|\u{1}",
    ];
    proptest::collection::vec(token, 1..6).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 48 } else { 1000 }))]

    #[test]
    fn every_input_is_parsed_within_the_time_limit(part in parts()) {
        const LENGTH: usize = 100_000;
        // The guarantee is 10 ms; a debug build takes ten times that, and a busy machine some more.
        let most = Duration::from_millis(if cfg!(debug_assertions) { 1000 } else { 60 });
        let options = ParseOptions { zone: DEFAULT_TIME_ZONE, language: "vi".to_owned(), encoding: None };
        let text = format!("Huyện Đăk Tô phát động thi đua\n\n12/05/2023 17:39\n\n{}", part.repeat(LENGTH / part.len()));
        for name in ["a.txt", "a.md", "a.html"] {
            let once = || {
                let before = thread_time();
                black_box(parse(name, black_box(text.as_bytes()), &options));
                thread_time() - before
            };
            // Other processes can disturb one run, but hardly all five.
            prop_assert!((0..5).any(|_| once() <= most), "{name}: over {most:?}");
        }
    }
}

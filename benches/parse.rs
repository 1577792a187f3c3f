//! The time to parse an article file: the sample article, ordinary long texts, and worst-case texts.
//!
//! `cargo bench --bench parse` prints all of them, the slowest last; `cargo bench --bench parse -- table` those with
//! a matching name. 100 kB must take at most 10 ms on one core.

#[path = "parse/worst.rs"]
mod worst;

use std::hint::black_box;
use std::time::{Duration, Instant};

use worst::{Worst, worst};

/// The limit.
const MAX_MS: f64 = 10.0;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Without this argument it is a test run, which only checks that everything can be parsed.
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    let wanted = arguments.iter().find(|argument| !argument.starts_with("--"));
    let named = |text: &Worst| wanted.is_none_or(|wanted| text.what.contains(wanted.as_str()));
    let mut results: Vec<(f64, String)> = worst(100_000)
        .iter()
        .filter(|text| named(text))
        .map(|text| (time_of(text, is_bench), format!("{:6} {}", text.name, text.what)))
        .collect();
    results.sort_by(|left, right| left.0.total_cmp(&right.0));
    for (time, text) in &results {
        println!("{time:8.2} ms per 100 kB  {text}");
    }
    let slow = results.iter().filter(|(time, _)| *time > MAX_MS).count();
    println!("{slow} of {} take more than {MAX_MS} ms per 100 kB", results.len());
}

/// Milliseconds per 100 kB: the best of many runs, because other processes can only add to it.
fn time_of(text: &Worst, is_bench: bool) -> f64 {
    let (least_runs, least_time) =
        if is_bench { (7, Duration::from_millis(150)) } else { (1, Duration::ZERO) };
    let began = Instant::now();
    let mut best = f64::INFINITY;
    let mut runs = 0;
    while runs < least_runs || began.elapsed() < least_time {
        let before = Instant::now();
        black_box(text.read());
        best = best.min(before.elapsed().as_secs_f64());
        runs += 1;
    }
    best * 1e3 * 1e5 / text.length as f64
}

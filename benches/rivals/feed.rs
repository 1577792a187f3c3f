//! The CPU time that bantin takes for a feed in all its formats, for comparison with other programs; see `__main__.py`.
//!
//! The argument is an SQLite file with the articles. Prints one JSON object: microseconds by name.

use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bantin::feed::{self, FeedFrame, FeedInput, FeedKind, RenderedEntry};
use bantin::model::Site;
use bantin::store::{LiveFeedOptions, Store, StoreOptions};
use bantin::time::{Clock, DEFAULT_TIME_ZONE};
use bantin::urls::{Format, SiteUrls};

const ITEMS: u32 = 30;
const TIME_PER_FEED: Duration = Duration::from_secs(2);

fn main() {
    // `cargo bench` and `cargo test` run every bench, without a store.
    let Some(path) = std::env::args().skip(1).find(|argument| !argument.starts_with('-')) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure(&path));
}

async fn measure(path: &str) {
    let site = Site::new("Huyện Đăk Tô");
    let addresses = Arc::new(SiteUrls::new("https://example.vn", "rivals.example,2023").unwrap());
    let options = StoreOptions {
        url: format!("sqlite:{path}"),
        addresses: Arc::clone(&addresses),
        channels: Vec::new(),
        zone: DEFAULT_TIME_ZONE,
        clock: Clock::system(),
    };
    let store = Store::open(options).await.unwrap();
    let mut snapshot = store.snapshot().await.unwrap();
    let choice = LiveFeedOptions {
        items: ITEMS,
        window: 0,
        archive_page: 50,
        limit: ITEMS as usize,
        bytes: u64::MAX,
        whole: false,
    };
    let entries = snapshot.live(None, choice).await.unwrap().entries[..ITEMS as usize].to_vec();
    let input = FeedInput {
        site: &site,
        addresses: &addresses,
        channel: None,
        channels: &[],
        entries: &entries,
        tombstones: &[],
        updated: entries[0].updated,
        kind: FeedKind::Live { previous_archive: Some(7), complete: false },
    };
    let feeds = |rendered: &[RenderedEntry]| {
        Format::ALL.map(|format| {
            let texts = entries.iter().zip(rendered).map(|(entry, done)| done.text(&input, entry, format));
            (format, FeedFrame::new(&input, format).around(texts))
        })
    };
    let render = || entries.iter().map(|entry| RenderedEntry::new(&input, entry)).collect::<Vec<_>>();
    let verified = || {
        for (format, text) in feeds(&render()) {
            feed::verify(&input, format, &text).unwrap();
        }
    };
    let mut rendered = render();
    let one_changed = || {
        rendered[0] = RenderedEntry::new(black_box(&input), black_box(&entries[0]));
        drop(black_box(feeds(&rendered)));
    };
    let [rss, atom, json] =
        Format::ALL.map(|format| microseconds(|| drop(black_box(feed::render(black_box(&input), format)))));
    let figures = serde_json::json!({
        "rss": rss,
        "atom": atom,
        "json": json,
        "all": microseconds(|| drop(black_box(feeds(&render())))),
        "all verified": microseconds(verified),
        "one changed": microseconds(one_changed),
    });
    println!("{figures}");
}

/// The median of batches.
fn microseconds(mut work: impl FnMut()) -> f64 {
    const BATCH: u32 = 20;
    let began = Instant::now();
    let mut batches = Vec::new();
    while began.elapsed() < TIME_PER_FEED {
        let before = cpu();
        (0..BATCH).for_each(|_| work());
        batches.push((cpu() - before) / f64::from(BATCH));
    }
    batches.sort_by(f64::total_cmp);
    batches[batches.len() / 2]
}

/// The CPU time of this thread, in microseconds.
fn cpu() -> f64 {
    // The system counts the running time when the thread gives way, otherwise a few hundred times a second.
    std::thread::yield_now();
    let text =
        fs::read_to_string("/proc/thread-self/schedstat").expect("Linux counts the CPU time of threads");
    text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap() / 1000.0
}

//! What is stored of collected articles: which are probably the same, and which change again and again. With the real
//! collector, a portal, and a clock that the story moves.

use std::sync::Arc;
use std::time::Duration;

use super::{Home, Requirement, is_missing};
use crate::support::portal::{Portal, item, rss};
use bantin::model::Slug;
use bantin::parse::ParseOptions;
use bantin::pull::{
    Collector, PullOptions, PullReport, SourceImages, SourceKind, SourceOptions, Withdrawals, set_paused,
    waiting_of,
};
use bantin::store::{ArticleLookup, CopyMode, Store};
use bantin::time::DEFAULT_TIME_ZONE;
use bantin::urls::SiteUrls;

on_every_engine! {
    the_same_article_of_two_sources_is_reported_and_both_stay_published
    what_was_made_of_an_erased_text_is_erased_too
    duplicates_and_waiting_versions_move_with_the_log
    an_article_with_a_counter_is_corrected_a_few_times_a_day_and_its_newest_version_waits
    a_version_that_waits_is_published_when_it_has_settled_even_if_it_left_the_feed
    a_text_that_returns_to_what_is_published_leaves_nothing_waiting
    an_item_with_another_id_at_every_poll_is_one_article_and_takes_little_space
}

const HOUR: i64 = 3600;

/// A source that reads the feed of a portal.
fn source(name: &str, portal: &Portal) -> SourceOptions {
    SourceOptions {
        name: name.to_owned(),
        url: portal.url("/rss.xml"),
        kind: SourceKind::Feed,
        channels: vec![Slug::parse("xa-hoi").unwrap()],
        map: Default::default(),
        every: Duration::from_secs(600),
        language: None,
        full_text: false,
        publisher: None,
        licence: None,
        enabled: true,
        allow_private: true,
        withdraw: Withdrawals::Follow,
        images: SourceImages::Copy,
        max_age_of_items: None,
    }
}

fn collector(store: &Store, sources: &[SourceOptions]) -> Collector {
    let options = PullOptions {
        sources: sources.to_vec(),
        user_agent: "bantin".to_owned(),
        parse: ParseOptions { zone: DEFAULT_TIME_ZONE, language: "vi".to_owned(), encoding: None },
        addresses: Arc::new(SiteUrls::new("http://127.0.0.1:8080", "dakto.example,2023").unwrap()),
    };
    Collector::new(store.clone(), options)
}

/// So many words of a text.
fn text(words: std::ops::Range<usize>) -> String {
    words.map(|word| format!("chữ{word}")).collect::<Vec<_>>().join(" ")
}

fn serve(portal: &Portal, id: &str, title: &str, text: &str) {
    let date = "Fri, 12 May 2023 17:30:00 +0700";
    portal.serves("/rss.xml", rss(&[item(id, title, date, &portal.url(&format!("/{id}")), text)]));
}

async fn poll(collector: &Collector, source: &SourceOptions) -> PullReport {
    let report = collector.poll(source, Duration::ZERO).await.unwrap();
    assert_eq!(report.error, None);
    report
}

/// The pairs of a source: the title, and who published the later and the earlier article.
async fn pairs(store: &Store, source: &str) -> Vec<(String, String, String)> {
    let pairs = store.probable_duplicates(source, 10).await.unwrap();
    pairs.into_iter().map(|pair| (pair.title, pair.later.1, pair.earlier.1)).collect()
}

async fn the_same_article_of_two_sources_is_reported_and_both_stay_published(home: Home) {
    let store = home.open().await;
    let portals: [Portal; 3] = std::array::from_fn(|_| Portal::new());
    let sources: Vec<_> =
        ["A", "B", "C"].iter().zip(&portals).map(|(name, portal)| source(name, portal)).collect();
    let collector = collector(&store, &sources);
    serve(&portals[0], "1", "Họp dân ở Đăk Tô", &text(0..200));
    serve(&portals[1], "2", "HỌP DÂN Ở ĐĂK TÔ.", &format!("{} hết", text(0..190)));
    serve(&portals[2], "3", "Họp dân ở Đăk Tô", &text(500..700));
    for source in &sources {
        assert_eq!(poll(&collector, source).await.published, 1);
    }
    let pair = ("HỌP DÂN Ở ĐĂK TÔ.".to_owned(), "B".to_owned(), "A".to_owned());
    assert_eq!(pairs(&store, "A").await, pairs(&store, "B").await);
    assert_eq!(pairs(&store, "B").await, [pair]);
    assert_eq!(pairs(&store, "C").await, [], "another text under the same title");
    let counts = store.source_counts("A").await.unwrap();
    assert_eq!((counts.duplicates, counts.doubtful, counts.unsettled), (1, 0, 0));
    // A third that is like both is one more article, in two pairs.
    serve(&portals[2], "4", "Họp dân ở Đăk Tô", &text(0..195));
    assert_eq!(poll(&collector, &sources[2]).await.published, 1);
    assert_eq!((pairs(&store, "C").await.len(), store.source_counts("C").await.unwrap().duplicates), (2, 1));
    store
        .withdraw(&store.probable_duplicates("C", 1).await.unwrap()[0].later.0, None, false, "test")
        .await
        .unwrap();
    // A correction that makes them differ, and one that makes them alike again.
    home.clock.advance(HOUR);
    serve(&portals[1], "2", "Họp dân ở Đăk Tô", &text(800..1000));
    assert_eq!(poll(&collector, &sources[1]).await.corrected, 1);
    assert_eq!(pairs(&store, "A").await, []);
    serve(&portals[0], "1", "Họp dân ở Đăk Tô", &text(800..990));
    assert_eq!(poll(&collector, &sources[0]).await.corrected, 1);
    assert_eq!(pairs(&store, "B").await, [("Họp dân ở Đăk Tô".to_owned(), "A".to_owned(), "B".to_owned())]);
    // One that is withdrawn is no duplicate any more.
    let later = store.probable_duplicates("A", 10).await.unwrap()[0].later.0.clone();
    store.withdraw(&later, None, false, "test").await.unwrap();
    assert_eq!(pairs(&store, "B").await, []);
    store.restore(&later, "test").await.unwrap();
    assert_eq!(pairs(&store, "B").await.len(), 1);
}

async fn what_was_made_of_an_erased_text_is_erased_too(home: Home) {
    let store = home.open().await;
    let (first, second) = (Portal::new(), Portal::new());
    let sources = [source("A", &first), source("B", &second)];
    let collector = collector(&store, &sources);
    serve(&first, "1", "Danh sách bí mật", &text(0..50));
    serve(&second, "2", "Danh sách bí mật", &text(0..50));
    for source in &sources {
        poll(&collector, source).await;
    }
    for minute in 0..14 {
        home.clock.advance(60);
        serve(&second, "2", "DANH SÁCH BÍ MẬT", &format!("{} số điện thoại 090{minute}", text(0..50)));
        poll(&collector, &sources[1]).await;
    }
    assert_eq!(waiting_of(&store, "B").await.unwrap().len(), 1);
    let later = store.probable_duplicates("B", 10).await.unwrap()[0].later.0.clone();
    assert_eq!(pairs(&store, "A").await.len(), 1);
    let is_stored = || String::from_utf8_lossy(&home.bytes()).contains("DANH SÁCH BÍ MẬT");
    assert!(is_stored());
    store.withdraw(&later, None, true, "test").await.unwrap();
    assert_eq!(waiting_of(&store, "B").await.unwrap(), []);
    // What the source goes on publishing leaves no trace either.
    home.clock.advance(60);
    serve(&second, "2", "DANH SÁCH BÍ MẬT", &text(0..50));
    assert_eq!(poll(&collector, &sources[1]).await.corrected, 0);
    assert_eq!(pairs(&store, "A").await, []);
    store.close().await;
    assert!(!is_stored());
}

async fn duplicates_and_waiting_versions_move_with_the_log(home: Home) {
    let store = home.open().await;
    let (first, second) = (Portal::new(), Portal::new());
    let sources = [source("A", &first), source("B", &second)];
    let old = collector(&store, &sources);
    serve(&first, "1", "Họp dân", &text(0..50));
    serve(&second, "2", "Họp dân", &text(0..50));
    for source in &sources {
        poll(&old, source).await;
    }
    for minute in 0..13 {
        home.clock.advance(60);
        serve(&first, "1", "Họp dân", &format!("{} {minute}", text(0..50)));
        poll(&old, &sources[0]).await;
    }
    let target = home.same_engine();
    store.copy_to(target.open().await, CopyMode::Move, |_, _| {}).await.unwrap();
    let moved = target.open().await;
    assert_eq!(pairs(&moved, "A").await, pairs(&store, "A").await);
    let waiting = waiting_of(&moved, "A").await.unwrap();
    assert_eq!((waiting.len(), &waiting), (1, &waiting_of(&store, "A").await.unwrap()));
}

async fn an_article_with_a_counter_is_corrected_a_few_times_a_day_and_its_newest_version_waits(home: Home) {
    let (store, portal) = (home.open().await, Portal::new());
    let source = source("A", &portal);
    let collector = collector(&store, std::slice::from_ref(&source));
    let (mut corrected, mut told) = (0, 0);
    for number in 0..3 * 144 {
        serve(&portal, "1", "Giá nông sản", &format!("{} Lượt xem {number}", text(0..40)));
        let report = poll(&collector, &source).await;
        corrected += report.corrected;
        told += report.unsettled.len();
        home.clock.advance(600);
    }
    assert!((12..=14).contains(&corrected), "three days with 432 polls: {corrected} corrections");
    assert!(told <= 3, "an operator is told once, not at every poll: {told}");
    let waiting = waiting_of(&store, "A").await.unwrap();
    assert_eq!((waiting.len(), waiting[0].title.as_str()), (1, "Giá nông sản"));
    assert_eq!(store.source_counts("A").await.unwrap().unsettled, 1);
    // Another article of the same source is corrected at once.
    let feed = |text: &str| {
        let date = "Fri, 12 May 2023 17:30:00 +0700";
        rss(&[item("2", "Họp dân", date, &portal.url("/2"), text)])
    };
    portal.serves("/rss.xml", feed("Một."));
    assert_eq!(poll(&collector, &source).await.published, 1);
    portal.serves("/rss.xml", feed("Hai."));
    assert_eq!(poll(&collector, &source).await.corrected, 1);
}

/// The text of the only article of the log.
async fn published_text(store: &Store) -> String {
    let changes = super::changes_after(store, None, 0, 1000).await;
    let id = changes.changes.last().unwrap().id.clone();
    match store.article_by_id(&id).await.unwrap() {
        ArticleLookup::Live { entry, .. } => bantin::search_text::index_text(&entry.article),
        _ => String::new(),
    }
}

async fn a_version_that_waits_is_published_when_it_has_settled_even_if_it_left_the_feed(home: Home) {
    let (store, portal) = (home.open().await, Portal::new());
    let source = source("A", &portal);
    let collector = collector(&store, std::slice::from_ref(&source));
    for version in 0..20 {
        serve(&portal, "1", "Bão số 5", &format!("Bản {version}"));
        poll(&collector, &source).await;
        home.clock.advance(60);
    }
    assert!(published_text(&store).await.contains("ban 12"), "twelve corrections in a day");
    // The feed goes on without it.
    portal.serves("/rss.xml", rss(&[]));
    home.clock.advance(5 * HOUR);
    assert_eq!(poll(&collector, &source).await.corrected, 0);
    home.clock.advance(HOUR);
    assert_eq!(poll(&collector, &source).await.corrected, 1);
    assert!(published_text(&store).await.contains("ban 19"), "nothing is lost");
    assert_eq!(waiting_of(&store, "A").await.unwrap(), []);
    // Two days later, a correction is taken in at once.
    home.clock.advance(48 * HOUR);
    poll(&collector, &source).await;
    serve(&portal, "1", "Bão số 5", "Bão đã tan");
    assert_eq!(poll(&collector, &source).await.corrected, 1);
    serve(&portal, "1", "Bão số 5", "Bão đã tan hẳn");
    assert_eq!(poll(&collector, &source).await.corrected, 1);
    // A source that ends for ever leaves nothing waiting.
    for version in 0..20 {
        home.clock.advance(60);
        serve(&portal, "1", "Bão số 5", &format!("Cuối {version}"));
        poll(&collector, &source).await;
    }
    assert_eq!(waiting_of(&store, "A").await.unwrap().len(), 1);
    portal.answers_with("/rss.xml", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n");
    assert_eq!(collector.poll(&source, Duration::ZERO).await.unwrap().corrected, 1);
    assert!(published_text(&store).await.contains("cuoi 19"));
    set_paused(&store, &source, false).await.unwrap();
}

async fn a_text_that_returns_to_what_is_published_leaves_nothing_waiting(home: Home) {
    let (store, portal) = (home.open().await, Portal::new());
    let source = source("A", &portal);
    let collector = collector(&store, std::slice::from_ref(&source));
    let mut corrected = 0;
    // Two servers behind one name disagree.
    for number in 0..21 {
        serve(&portal, "1", "Lịch cắt điện", ["Khu A.", "Khu B."][number % 2]);
        corrected += poll(&collector, &source).await.corrected;
        home.clock.advance(60);
    }
    assert_eq!(corrected, 3);
    // The other version waits only while it is the newest.
    assert!(published_text(&store).await.contains("khu b"));
    assert_eq!(waiting_of(&store, "A").await.unwrap().len(), 1);
    serve(&portal, "1", "Lịch cắt điện", "Khu B.");
    assert_eq!(poll(&collector, &source).await.corrected, 0);
    assert_eq!(waiting_of(&store, "A").await.unwrap(), []);
    home.clock.advance(7 * HOUR);
    assert_eq!(poll(&collector, &source).await.corrected, 0, "what is published is the newest");
    assert!(published_text(&store).await.contains("khu b"));
}

async fn an_item_with_another_id_at_every_poll_is_one_article_and_takes_little_space(home: Home) {
    let (store, portal) = (home.open().await, Portal::new());
    let source = source("A", &portal);
    let collector = collector(&store, std::slice::from_ref(&source));
    let date = "Fri, 12 May 2023 17:30:00 +0700";
    for number in 0..60 {
        let id = format!("luot-{number}");
        portal.serves("/rss.xml", rss(&[item(&id, "Họp dân", date, &portal.url("/hop-dan"), "Xã họp dân.")]));
        let report = poll(&collector, &source).await;
        assert_eq!((report.published, report.corrected), (u64::from(number == 0), 0), "{id}");
        home.clock.advance(600);
    }
    assert_eq!(super::changes_after(&store, None, 0, 1000).await.changes.len(), 1);
    assert_eq!(home.alter("UPDATE source_item SET at = at").await, 20, "the latest ids");
    // The last one is known.
    assert_eq!(poll(&collector, &source).await.corrected, 0);
    assert_eq!(home.alter("UPDATE source_item SET at = at").await, 20);
}

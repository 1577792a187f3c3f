//! What others send when their feeds, pages and exports are collected.

#![no_main]

use std::path::Path;

use bantin::parse::{
    Repairs, SourceChangeKind, SourceImage, SourceItem, article_of, feed_links, hub_links, page_date,
    read_changes, read_feed, read_feed_date, read_feed_head, read_wordpress_item, wordpress_html,
};
use bantin::pull::{FileImport, FileImportOptions};
use bantin::time::{DEFAULT_TIME_ZONE, PublishedAt, from_unix};
use bantin_fuzz::{checks, clock, selected, site};
use url::Url;

const CHARSETS: [Option<&str>; 4] = [None, Some("utf-8"), Some("windows-1258"), Some("utf-16le")];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = selected(data) else { return };
    let url = Url::parse("https://xa.example.vn/tin/rss.xml").expect("a valid URL");
    let items = clock::timed(data, || match choice % 7 {
        0 => read_feed(bytes, CHARSETS[choice / 7 % 4], &url).map(|feed| feed.items).unwrap_or_default(),
        1 => wordpress(bytes, &url),
        2 => changes(bytes, &url),
        3 => page(bytes, &url),
        4 => import(bytes, data),
        5 => dates(bytes),
        _ => {
            let item =
                SourceItem { html: String::from_utf8_lossy(bytes).into_owned(), ..SourceItem::default() };
            vec![item]
        }
    });
    // A feed of thousands of items is read as often as it has bytes for them; one of each kind is enough here.
    for item in items.iter().take(16) {
        check_item(item, choice, bytes, &url);
    }
});

fn wordpress(bytes: &[u8], url: &Url) -> Vec<SourceItem> {
    let _ = read_feed_head(bytes);
    let Ok(Some(mut item)) = read_wordpress_item(bytes, url) else { return Vec::new() };
    let image = |number: usize| SourceImage {
        url: format!("https://xa.example.vn/{number}.jpg"),
        ..SourceImage::default()
    };
    item.item.html = wordpress_html(&item.item.html, |_| vec![image(1), image(2)]).html;
    vec![item.item]
}

fn changes(bytes: &[u8], url: &Url) -> Vec<SourceItem> {
    let changes = read_changes(bytes, url).map(|page| page.changes).unwrap_or_default();
    let item = |kind| match kind {
        SourceChangeKind::Published(item, _) => Some(*item),
        _ => None,
    };
    changes.into_iter().filter_map(|change| item(change.kind)).collect()
}

fn page(bytes: &[u8], url: &Url) -> Vec<SourceItem> {
    for link in feed_links(bytes, url) {
        assert!(matches!(link.scheme(), "http" | "https"), "a link to {link}");
    }
    if let Some(links) = hub_links(&[], bytes, url) {
        assert!(links.hub.starts_with("http"), "a hub at {}", links.hub);
    }
    let _ = page_date(bytes, &checks::options());
    Vec::new()
}

/// A date alone: in a feed, the fuzzer would change all but that.
fn dates(bytes: &[u8]) -> Vec<SourceItem> {
    let date = String::from_utf8_lossy(bytes).into_owned();
    vec![SourceItem { title: "Họp dân".to_owned(), date: Some(date), ..SourceItem::default() }]
}

/// A file of another system that is imported at once.
fn import(bytes: &[u8], data: &[u8]) -> Vec<SourceItem> {
    let path = site::scratch_file("xuat.xml", bytes);
    let options = FileImportOptions { new_channels: true, dry_run: true, ..FileImportOptions::default() };
    match FileImport::plan(Path::new(&path), options, checks::addresses(), |_, _| ()) {
        Ok(plan) => assert!(plan.articles() <= data.len() as u64),
        Err(fault) => assert!(!fault.to_string().trim().is_empty()),
    }
    Vec::new()
}

fn check_item(item: &SourceItem, choice: usize, bytes: &[u8], url: &Url) {
    let mut repairs = Repairs::new();
    let date = item.date.as_ref().map(|date| read_feed_date(date, DEFAULT_TIME_ZONE, &mut repairs));
    let published = match date {
        Some(Ok(date)) => date.published,
        // Where a feed has no date, a page or an export has one.
        _ => PublishedAt::exact(from_unix(1_683_887_940)),
    };
    let page = (choice / 28 % 2 == 1).then_some((url, bytes));
    if let Some(draft) = article_of(item, published, Some("UBND xã"), page, &checks::options()) {
        checks::check_article(&draft);
    }
}

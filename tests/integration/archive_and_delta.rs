//! The portals' view: walking a channel's archive to its end, and receiving only the new entries. Tests with
//! the real binary, and one property over random histories.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::support::{HttpResponse, RunningServer, TestSite, article, wait_until};
use bantin::feed::verify;
use bantin::model::{Article, ArticleId, Block, Site, Slug};
use bantin::render::{self, ArchivePage, ArchiveRenderer, Renderer, Representation, SiteCache};
use bantin::store::{
    self, LiveFeedOptions, ScannedFile, Source, Store, Submission, SubmitOutcome, WithdrawOutcome,
    WriteConditions,
};
use bantin::time::{Clock, DEFAULT_TIME_ZONE, PublishedAt, Timestamp, from_unix};
use bantin::urls::{Format, Route, Scope, SiteUrls, archive_path, feed_path};
use proptest::prelude::*;

const SITE: &str = "http://127.0.0.1:8080";

/// What a client parses from a feed.
#[derive(Debug, Default)]
struct ParsedFeed {
    /// Id, time of the last change, title.
    entries: Vec<(String, Timestamp, String)>,
    /// Id, time of the withdrawal.
    withdrawn: Vec<(String, Timestamp)>,
    /// The path of the next older page.
    previous: Option<String>,
    current: Option<String>,
    archive: bool,
    complete: bool,
}

fn read(format: Format, bytes: &[u8]) -> ParsedFeed {
    match format {
        Format::Json => read_json(bytes),
        Format::Atom | Format::Rss => read_xml(std::str::from_utf8(bytes).unwrap()),
    }
}

fn moment(text: &str) -> Timestamp {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn path_of(url: &str) -> String {
    url.strip_prefix(SITE).expect("a URL of this site").to_owned()
}

fn read_json(bytes: &[u8]) -> ParsedFeed {
    let feed: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    let own = &feed["_bantin"];
    ParsedFeed {
        entries: list(&feed["items"])
            .iter()
            .map(|item| (text(&item["id"]), moment(&text(&item["date_modified"])), text(&item["title"])))
            .collect(),
        withdrawn: list(&own["deleted_items"])
            .iter()
            .map(|item| (text(&item["id"]), moment(&text(&item["date_deleted"]))))
            .collect(),
        previous: feed["next_url"].as_str().map(path_of),
        current: own["current_url"].as_str().map(path_of),
        archive: own["history"] == "archive",
        complete: own["history"] == "complete",
    }
}

/// Atom and RSS: the elements have the same names, or exist in one format only.
fn read_xml(text: &str) -> ParsedFeed {
    let feed = roxmltree::Document::parse(text).unwrap();
    let root = feed.root_element();
    let head = if root.has_tag_name("rss") { root.first_element_child().unwrap() } else { root };
    let within = |node: roxmltree::Node<'_, '_>, names: &[&str]| {
        let child = node.children().find(|child| names.contains(&child.tag_name().name()));
        child.and_then(|child| child.text()).expect("it is there").to_owned()
    };
    let link = |rel: &str| {
        let mut links = head.children().filter(|child| child.attribute("rel") == Some(rel));
        let found = links.next().map(|link| path_of(link.attribute("href").unwrap()));
        assert!(links.next().is_none(), "two links {rel}");
        found
    };
    assert_eq!(link("next-archive"), None);
    let children = |name: &'static str| head.children().filter(move |child| child.tag_name().name() == name);
    ParsedFeed {
        entries: (children("entry").chain(children("item")))
            .map(|entry| {
                let updated = moment(&within(entry, &["updated"]));
                (within(entry, &["id", "guid"]), updated, within(entry, &["title"]))
            })
            .collect(),
        withdrawn: children("deleted-entry")
            .map(|gone| (gone.attribute("ref").unwrap().to_owned(), moment(gone.attribute("when").unwrap())))
            .collect(),
        previous: link("prev-archive"),
        current: link("current"),
        archive: children("archive").count() == 1,
        complete: children("complete").count() == 1,
    }
}

/// A client's copy of a channel: by id, the time of the last news and the title; none if withdrawn.
#[derive(Debug, Default)]
struct Mirror(HashMap<String, (Timestamp, Option<String>)>);

impl Mirror {
    /// The newer of `when` and `updated` wins (feed rule T1).
    fn merge(&mut self, heard: ParsedFeed) {
        let entries = heard.entries.into_iter().map(|(id, updated, title)| (id, updated, Some(title)));
        let withdrawn = heard.withdrawn.into_iter().map(|(id, when)| (id, when, None));
        for (id, at, title) in entries.chain(withdrawn) {
            let known = self.0.entry(id).or_insert((at, title.clone()));
            if known.0 < at {
                *known = (at, title);
            }
        }
    }

    fn titles(&self) -> BTreeMap<&str, &str> {
        let living = self.0.iter().filter_map(|(id, (_, title))| Some((id.as_str(), title.as_deref()?)));
        living.collect()
    }
}

/// Walks from a live feed to the oldest page, fetching each with `get`.
fn walk(format: Format, live: &[u8], mut get: impl FnMut(&str) -> Vec<u8>) -> (Mirror, Vec<String>) {
    let (mut mirror, mut pages) = (Mirror::default(), Vec::new());
    let mut heard = read(format, live);
    assert!(!heard.archive && heard.current.is_none());
    assert!(!(heard.complete && heard.previous.is_some()), "what is complete has no pages before it");
    while let Some(previous) = heard.previous.take() {
        mirror.merge(heard);
        heard = read(format, &get(&previous));
        assert!(heard.archive && heard.current.is_some(), "{previous}");
        pages.push(previous);
    }
    mirror.merge(heard);
    (mirror, pages)
}

fn paged() -> TestSite {
    TestSite::new().with("BANTIN_FEED__ARCHIVE_PAGE", "4").with("BANTIN_FEED__ITEMS", "3")
}

/// Pages as above, and no entry is in the live feed only because it changed recently.
fn forgetful() -> TestSite {
    paged().with("BANTIN_FEED__WINDOW", "0s")
}

fn write(site: &TestSite, stem: &str, title: &str) {
    let day = 10 + stem.len() % 10;
    let text = article(title, &format!("{day}/05/2023 08:00"), &format!("Đoạn mở đầu của {title}."));
    site.write(&format!("xa-hoi/{stem}.txt"), text);
}

const STEMS: [&str; 7] = ["mot", "hai", "bai-ba", "bai-bon", "bai-nam", "bai-so-sau", "bai-so-bay"];

/// Waits until the channel's feed has reached this number.
fn at_number(serving: &RunningServer, number: u64) {
    let wanted = format!(".{number}-");
    wait_until(&wanted, || {
        let answer = serving.get("/xa-hoi/rss.xml");
        answer.status == 200 && answer.etag().contains(&wanted)
    });
}

/// Publishes the first stems, one after the other.
fn publish(site: &TestSite, serving: &RunningServer, stems: &[&str], first: u64) {
    for (stem, number) in stems.iter().zip(first..) {
        write(site, stem, &format!("Bài <{stem}> & số {number}"));
        at_number(serving, number);
    }
}

fn path(format: Format) -> String {
    format!("/xa-hoi/{}", format.file_name())
}

fn get(serving: &RunningServer, path: &str) -> Vec<u8> {
    let answer = serving.get(path);
    assert_eq!(answer.status, 200, "{path}");
    answer.body
}

/// Requests the changes since the copy with this tag.
fn what_is_new(serving: &RunningServer, path: &str, tag: &str) -> HttpResponse {
    serving.request("GET", path, &[("A-IM", "feed"), ("If-None-Match", tag)])
}

#[test]
fn a_late_portal_finds_all_live_articles_and_nothing_else() {
    let site = forgetful();
    let serving = site.serve();
    publish(&site, &serving, &STEMS, 1);
    write(&site, "mot", "Bài một (sửa)");
    at_number(&serving, 8);
    site.remove("xa-hoi/hai.txt");
    at_number(&serving, 9);
    for format in Format::ALL {
        let (mirror, pages) = walk(format, &get(&serving, &path(format)), |path| get(&serving, path));
        let expected = [2, 1].map(|page| archive_path(Some(&slug("xa-hoi")), page, format));
        assert_eq!(pages, expected, "{format:?}");
        let mut titles: Vec<_> = mirror.titles().into_values().collect();
        titles.sort_unstable();
        let expected = [
            "Bài <bai-ba> & số 3",
            "Bài <bai-bon> & số 4",
            "Bài <bai-nam> & số 5",
            "Bài <bai-so-bay> & số 7",
            "Bài <bai-so-sau> & số 6",
            "Bài một (sửa)",
        ];
        assert_eq!(titles, expected, "{format:?}");
        let (everything, _) =
            walk(format, &get(&serving, &feed_path(None, format)), |path| get(&serving, path));
        assert_eq!(everything.titles(), mirror.titles(), "{format:?}");
    }
}

#[test]
fn a_complete_page_changes_on_withdrawal_but_not_on_correction() {
    let site = forgetful();
    let serving = site.serve();
    publish(&site, &serving, &STEMS[..4], 1);
    let page = "/xa-hoi/archive/1/atom.xml";
    let before = serving.get(page);
    assert_eq!(before.header("cache-control"), Some("no-cache"));
    assert!(before.etag().contains(".4-"), "{}", before.etag());
    assert_eq!(read(Format::Atom, &before.body).entries.len(), 4);

    write(&site, "mot", "Bài một (sửa)");
    at_number(&serving, 5);
    publish(&site, &serving, &STEMS[4..], 6);
    let date = |answer: &HttpResponse, name| httpdate::parse_http_date(answer.header(name).unwrap()).unwrap();
    serving.settled(page);
    let modified = serving.get(page).header("last-modified").unwrap().to_owned();
    for (name, value) in [("If-None-Match", before.etag()), ("If-Modified-Since", modified)] {
        let answer = serving.request("GET", page, &[(name, &value), ("A-IM", "feed")]);
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{name}");
        assert_eq!(answer.etag(), before.etag());
    }
    assert_eq!(serving.get(page).body, before.body);

    site.ok(&["withdraw", "tag:dakto.example,2023:2023-05-13/mot", "--reason", "Sai"]);
    at_number(&serving, 9);
    let after = serving.request("GET", page, &[("If-None-Match", &before.etag()), ("A-IM", "feed")]);
    assert_eq!(after.status, 200, "there is no part of a page");
    assert!(after.etag().contains(".9-"), "{}", after.etag());
    let text = after.text();
    assert!(!text.contains("mot"), "{text}");
    assert_eq!(read(Format::Atom, &after.body).entries.len(), 3);
    assert!(date(&after, "last-modified") > date(&before, "last-modified"));
    assert!(read(Format::Atom, &get(&serving, "/xa-hoi/atom.xml")).withdrawn[0].0.ends_with("/mot"));
}

#[test]
fn erased_content_is_in_no_page_feed_or_delta() {
    let site = paged();
    let serving = site.serve();
    publish(&site, &serving, &STEMS[..5], 1);
    let held = serving.get("/xa-hoi/atom.xml").etag();
    site.ok(&["withdraw", "tag:dakto.example,2023:2023-05-13/mot", "--erase"]);
    at_number(&serving, 6);
    for format in Format::ALL {
        let page = archive_path(Some(&slug("xa-hoi")), 1, format);
        for path in [page, path(format)] {
            let text = String::from_utf8(get(&serving, &path)).unwrap();
            assert!(
                !text.contains("&lt;mot") && !text.contains("<mot") && !text.contains("#x3C;mot"),
                "{text}"
            );
        }
    }
    let part = what_is_new(&serving, "/xa-hoi/atom.xml", &held);
    assert_eq!(part.status, 226);
    assert!(!part.text().contains("lt;mot"), "{}", part.text());
}

#[test]
fn only_complete_pages_exist_each_at_one_url() {
    let site = paged();
    let serving = site.serve();
    publish(&site, &serving, &STEMS[..5], 1);
    for (path, status) in [
        ("/xa-hoi/archive/1/rss.xml", 200),
        ("/archive/1/feed.json", 200),
        ("/xa-hoi/archive/2/rss.xml", 404),
        ("/xa-hoi/archive/0/rss.xml", 404),
        ("/xa-hoi/archive/01/rss.xml", 404),
        ("/xa-hoi/archive/18446744073709551615/rss.xml", 404),
        ("/xa-hoi/archive/9999999999999999999999/rss.xml", 404),
        ("/xa-hoi/archive/1/", 404),
        ("/xa-hoi/archive/", 404),
        ("/kinh-te/archive/1/rss.xml", 404),
    ] {
        assert_eq!(serving.get(path).status, status, "{path}");
    }
    let page = "/xa-hoi/archive/1/rss.xml";
    serving.settled(page);
    for coding in ["gzip", "br", "identity"] {
        let whole = serving.request("GET", page, &[("Accept-Encoding", coding)]);
        let head = serving.request("HEAD", page, &[("Accept-Encoding", coding)]);
        assert!(whole.etag().ends_with(&format!("-{coding}\"")), "{}", whole.etag());
        assert_eq!((head.status, head.body.len()), (200, 0));
        for name in ["etag", "content-length", "content-type", "cache-control", "vary", "last-modified"] {
            assert_eq!(head.header(name), whole.header(name), "{name}");
        }
    }
    let refused = serving.request("POST", page, &[("Content-Length", "0")]);
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
}

#[test]
fn a_feed_is_marked_complete_until_its_first_archive_page_exists() {
    let site = forgetful();
    let serving = site.serve();
    publish(&site, &serving, &STEMS[..3], 1);
    for format in Format::ALL {
        let heard = read(format, &get(&serving, &path(format)));
        assert!(heard.complete && heard.previous.is_none(), "{format:?}: {heard:?}");
    }
    publish(&site, &serving, &STEMS[3..4], 4);
    for format in Format::ALL {
        let heard = read(format, &get(&serving, &path(format)));
        let page = archive_path(Some(&slug("xa-hoi")), 1, format);
        assert_eq!((heard.complete, heard.previous), (false, Some(page)), "{format:?}");
    }
}

#[test]
fn a_client_with_an_older_copy_gets_a_delta_and_the_tag_of_the_full_feed() {
    let site = paged();
    let serving = site.serve();
    publish(&site, &serving, &STEMS[..3], 1);
    let held = Format::ALL.map(|format| (format, serving.get(&path(format)).etag()));
    publish(&site, &serving, &STEMS[3..5], 4);
    write(&site, "hai", "Bài hai (sửa)");
    at_number(&serving, 6);
    serving.settled("/xa-hoi/rss.xml");
    for (format, tag) in &held {
        let (format, path) = (*format, path(*format));
        let whole = serving.get(&path);
        let part = what_is_new(&serving, &path, tag);
        assert_eq!((part.status, part.header("im")), (226, Some("feed")), "{path}");
        assert_eq!(part.etag(), whole.etag(), "{path}");
        for name in ["content-type", "last-modified", "access-control-allow-origin"] {
            assert_eq!(part.header(name), whole.header(name), "{name}");
        }
        assert_eq!(part.header("cache-control"), Some("no-store"));
        assert!(part.header("vary").unwrap().contains("A-IM"));
        assert!(!whole.header("vary").unwrap().contains("A-IM"), "the full feed is right for every client");
        let heard = read(format, &part.body);
        let titles: Vec<&str> = heard.entries.iter().map(|(_, _, title)| title.as_str()).collect();
        assert_eq!(titles, ["Bài <bai-bon> & số 4", "Bài <bai-nam> & số 5", "Bài hai (sửa)"], "{path}");
        assert!(!heard.complete && !heard.archive && heard.previous.is_none());
        assert!(part.body.len() < whole.body.len());

        let again = what_is_new(&serving, &path, &part.etag());
        assert_eq!((again.status, again.body.len()), (304, 0), "nothing has changed since");
        let head = serving.request("HEAD", &path, &[("A-IM", "feed"), ("If-None-Match", tag)]);
        assert_eq!((head.status, head.body.len()), (226, 0));
        assert_eq!(head.header("content-length"), part.header("content-length"));
    }
}

#[test]
fn a_delta_is_compressed_like_the_full_feed_and_has_its_tag() {
    let site = paged();
    let serving = site.serve();
    publish(&site, &serving, &STEMS[..3], 1);
    let held = serving.get("/xa-hoi/atom.xml").etag();
    publish(&site, &serving, &STEMS[3..], 4);
    for coding in ["gzip", "br"] {
        let headers = [("Accept-Encoding", coding), ("A-IM", "feed"), ("If-None-Match", held.as_str())];
        let part = serving.request("GET", "/xa-hoi/atom.xml", &headers);
        assert_eq!((part.status, part.header("content-encoding")), (226, Some(coding)));
        let whole = serving.request("GET", "/xa-hoi/atom.xml", &[("Accept-Encoding", coding)]);
        assert_eq!(part.etag(), whole.etag());
        let mut plain = Vec::new();
        if coding == "gzip" {
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*part.body), &mut plain).unwrap();
        } else {
            brotli::BrotliDecompress(&mut &*part.body, &mut plain).unwrap();
        }
        assert_eq!(read(Format::Atom, &plain).entries.len(), 4);
    }
}

#[test]
fn a_copy_that_a_delta_cannot_complete_gets_the_full_feed() {
    let site = paged();
    let serving = site.serve();
    publish(&site, &serving, &STEMS[..3], 1);
    let held = serving.get("/xa-hoi/rss.xml").etag();
    publish(&site, &serving, &STEMS[3..5], 4);
    let newest = serving.get("/xa-hoi/rss.xml").etag();
    let (log, rest) = held.trim_matches('"').split_once('.').unwrap();
    let hash = rest.split('-').nth(1).unwrap();
    let known = format!("\"{log}.3-{hash}-identity\"");
    assert_eq!(held, known);
    let tag = |log: &str, number: u64| format!("\"{log}.{number}-{hash}-gzip\"");
    for (a_im, tags, status) in [
        ("feed", known.clone(), 226),
        ("vcdiff, Feed;q=0.5", known.clone(), 226),
        ("feed", format!("W/{known}"), 226),
        ("feed", tag(log, 3).replace("-gzip\"", "-gzip-gzip\""), 226),
        ("feed", format!("\"x\", {}, {known}", tag("zzzzzzzzzzzz", 4)), 226),
        ("feed", newest.clone(), 304),
        ("feed", format!("{known}, {newest}"), 304),
        ("feed", "*".to_owned(), 304),
        // Not requested.
        ("feed;q=0", known.clone(), 200),
        ("vcdiff", known.clone(), 200),
        ("", known.clone(), 200),
        // Another log; the same number with another hash; a number in the future; no tag of ours.
        ("feed", tag("zzzzzzzzzzzz", 3), 200),
        ("feed", tag(log, 5), 200),
        ("feed", tag(log, 99), 200),
        ("feed", tag(log, 3).replace(".3-", ".03-"), 200),
        ("feed", "\"x\"".to_owned(), 200),
        ("feed", hash.to_owned(), 200),
    ] {
        let headers = [("A-IM", a_im), ("If-None-Match", tags.as_str())];
        assert_eq!(serving.request("GET", "/xa-hoi/rss.xml", &headers).status, status, "{a_im} with {tags}");
    }
    let unsaid = serving.request("GET", "/xa-hoi/rss.xml", &[("A-IM", "feed")]);
    assert_eq!((unsaid.status, unsaid.header("im")), (200, None), "who does not say what it holds");
    let elsewhere = what_is_new(&serving, "/xa-hoi/", &held);
    assert_eq!(elsewhere.status, 200, "a page for people is no feed");
}

#[test]
fn a_withdrawal_is_in_the_delta_if_the_format_has_an_element_for_it() {
    let site = paged();
    let serving = site.serve();
    publish(&site, &serving, &STEMS[..3], 1);
    let held = Format::ALL.map(|format| (format, serving.get(&path(format)).etag()));
    site.ok(&["withdraw", "tag:dakto.example,2023:2023-05-13/mot", "--reason", "Sai <tên>"]);
    at_number(&serving, 4);
    for (format, tag) in held {
        let part = what_is_new(&serving, &path(format), &tag);
        if format == Format::Rss {
            assert_eq!(part.status, 200, "RSS can only omit it from the full feed");
            continue;
        }
        assert_eq!(part.status, 226);
        let heard = read(format, &part.body);
        assert_eq!(heard.entries.len(), 0);
        assert!(heard.withdrawn[0].0.ends_with("/mot"), "{heard:?}");
    }
}

#[test]
fn a_move_to_another_channel_gets_the_full_feed() {
    let site = paged();
    let serving = site.serve();
    publish(&site, &serving, &STEMS[..3], 1);
    let held = serving.get("/xa-hoi/atom.xml").etag();
    let held_everything = serving.get("/atom.xml").etag();
    site.rename("xa-hoi/mot.txt", "kinh-te/mot.txt");
    at_number(&serving, 4);
    let answer = what_is_new(&serving, "/xa-hoi/atom.xml", &held);
    assert_eq!(answer.status, 200, "no tombstone for an article that lives");
    assert!(!answer.text().contains("&lt;mot"), "{}", answer.text());
    assert_eq!(what_is_new(&serving, "/atom.xml", &held_everything).status, 226, "there it never left");
    site.rename("kinh-te/mot.txt", "xa-hoi/mot.txt");
    at_number(&serving, 5);
    let back = what_is_new(&serving, "/xa-hoi/atom.xml", &held);
    assert_eq!((back.status, read(Format::Atom, &back.body).entries.len()), (226, 1));
}

#[test]
fn a_copy_stays_valid_across_a_restart_but_not_across_a_configuration_change() {
    let site = paged();
    let serving = site.serve();
    publish(&site, &serving, &STEMS[..3], 1);
    let held = serving.get("/xa-hoi/atom.xml").etag();
    publish(&site, &serving, &STEMS[3..4], 4);
    assert!(serving.stop());
    let serving = site.serve();
    assert_eq!(what_is_new(&serving, "/xa-hoi/atom.xml", &held).status, 226);
    assert!(serving.stop());
    // Wait for the next second: otherwise the configuration would be as old as the copy.
    let page = "/xa-hoi/archive/1/atom.xml";
    let start = std::time::SystemTime::now();
    wait_until("the next second", || start.elapsed().unwrap() > Duration::from_millis(1100));
    let serving = site.with("BANTIN_SITE__TITLE", "Xã Đăk Tô").serve();
    assert_eq!(what_is_new(&serving, "/xa-hoi/atom.xml", &held).status, 200);
    assert!(String::from_utf8(get(&serving, page)).unwrap().contains("Xã Đăk Tô"));
}

// The property.

/// 12/05/2023 17:39 in Vietnam.
const SAMPLE_ARTICLE: i64 = 1_683_887_940;
const ARTICLES: usize = 9;
const CHANNELS: [&str; 3] = ["xa-hoi", "kinh-te", "van-hoa"];

/// An article with this number of paragraphs of a hundred characters each.
fn long(title: &str, paragraphs: usize) -> String {
    let text = "Đường về xã <Đăk Rơ Nga> & làng Đăk Kon dài thêm một đoạn nữa, bà con đi lại dễ hơn trước nhiều.\n\n";
    article(title, "12/05/2023 08:00", &text.repeat(paragraphs))
}

fn assert_below_the_bound(serving: &RunningServer, bytes: usize) {
    for format in Format::ALL {
        let feed = get(serving, &path(format));
        assert!(feed.len() <= bytes, "{format:?}: {}", feed.len());
    }
}

#[test]
fn an_article_too_long_for_a_feed_has_a_summary_and_a_link_r10() {
    let site = paged();
    site.write("xa-hoi/ngan.txt", long("Bài ngắn", 3));
    for number in 1..=4 {
        site.write(&format!("xa-hoi/dai-{number}.txt"), long(&format!("Bài dài {number}"), 5_000));
    }
    let serving = site.serve();
    at_number(&serving, 5);
    assert_below_the_bound(&serving, 524_288);
    for format in Format::ALL {
        let live = get(&serving, &path(format));
        let feed = String::from_utf8(live.clone()).unwrap();
        assert_eq!(feed.matches("Xem toàn văn").count(), 4, "{format:?}");
        let (mirror, pages) = walk(format, &live, |url| {
            let page = get(&serving, url);
            assert!(page.len() < 100_000, "{format:?}: {}", page.len());
            page
        });
        assert_eq!((mirror.titles().len(), pages.len()), (5, 1));
    }
    let page = serving.get("/bai-viet/2023/05/12/dai-1");
    assert!(page.body.len() > 400_000, "its own page contains the full text");
    // The next change is sent as a delta: the article is the same in every version.
    let tag = serving.get("/xa-hoi/atom.xml").etag();
    site.write("xa-hoi/moi.txt", long("Bài mới", 3));
    at_number(&serving, 6);
    let part = what_is_new(&serving, "/xa-hoi/atom.xml", &tag);
    assert_eq!(part.status, 226);
    assert!(part.body.len() < 10_000);
}

#[test]
fn articles_too_long_together_are_abridged_and_get_no_delta_r10_d1() {
    let site = TestSite::new();
    for number in 10..40 {
        site.write(&format!("xa-hoi/bai-{number}.txt"), long(&format!("Bài {number}"), 200 + number));
    }
    let serving = site.serve();
    at_number(&serving, 30);
    assert_below_the_bound(&serving, 524_288);
    let feed = String::from_utf8(get(&serving, "/xa-hoi/atom.xml")).unwrap();
    let abridged = feed.matches("Xem toàn văn").count();
    assert!((1..30).contains(&abridged), "{abridged}: only the longest, and only as many as must be");
    assert_eq!(feed.matches("<entry").count(), 30);
    let tag = serving.get("/xa-hoi/atom.xml").etag();
    for number in 16..40 {
        site.write(&format!("xa-hoi/bai-{number}.txt"), long(&format!("Bài {number}"), 3));
    }
    wait_until("the articles to be corrected", || {
        let whole = what_is_new(&serving, "/xa-hoi/atom.xml", &tag);
        assert!(matches!(whole.status, 200 | 304), "{}: no part", whole.status);
        let text = String::from_utf8_lossy(&whole.body).into_owned();
        whole.status == 200 && !text.contains("Xem toàn văn")
    });
    // From a version that contains everything in full, a delta is possible.
    let tag = serving.get("/xa-hoi/atom.xml").etag();
    site.write("xa-hoi/moi.txt", long("Bài mới", 3));
    wait_until("the new article to appear", || what_is_new(&serving, "/xa-hoi/atom.xml", &tag).status == 226);
}

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

/// An event in a district.
#[derive(Clone, Debug)]
enum Event {
    /// The article's file is saved again; the bits name its channels.
    Saved(usize, u8),
    FileGone(usize),
    Withdrawn(usize, bool),
    Restored(usize),
    /// This number of seconds passes.
    Time(i64),
    /// The portals poll.
    Polled,
}

fn event() -> impl Strategy<Value = Event> {
    let which = || 0..ARTICLES;
    prop_oneof![
        8 => (which(), 1_u8..8).prop_map(|(which, channels)| Event::Saved(which, channels)),
        4 => which().prop_map(|which| Event::Saved(which, 1)),
        2 => which().prop_map(Event::FileGone),
        2 => (which(), proptest::bool::weighted(0.2)).prop_map(|(which, erase)| Event::Withdrawn(which, erase)),
        2 => which().prop_map(Event::Restored),
        2 => prop_oneof![Just(0), 1_i64..50, Just(400)].prop_map(Event::Time),
        3 => Just(Event::Polled),
    ]
}

/// The history of a district and the expected result: title and channels of each live article.
struct District {
    _folder: tempfile::TempDir,
    clock: Clock,
    store: Store,
    press: Renderer,
    stand: SiteCache,
    archive: ArchiveRenderer,
    addresses: Arc<SiteUrls>,
    articles: Vec<Known>,
    saved: usize,
}

#[derive(Clone, Default)]
struct Known {
    id: Option<ArticleId>,
    lives: bool,
    title: String,
    channels: Vec<&'static str>,
}

impl District {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let addresses = Arc::new(SiteUrls::new(SITE, "dakto.example,2023").unwrap());
        let clock = Clock::fixed(SAMPLE_ARTICLE + 1000);
        let options = store::StoreOptions {
            url: format!("sqlite:{}", folder.path().join("bantin.db").display()),
            addresses: Arc::clone(&addresses),
            channels: Vec::new(),
            zone: DEFAULT_TIME_ZONE,
            clock: clock.clone(),
        };
        let store = Store::open(options).await.unwrap();
        let site = Site::new("Huyện Đăk Tô");
        let live = LiveFeedOptions {
            items: 2,
            window: 100,
            archive_page: 4,
            limit: 200,
            bytes: 524_288,
            whole: false,
        };
        let options = render::RenderOptions {
            site,
            addresses: Arc::clone(&addresses),
            channels: Vec::new(),
            live,
            verifier: verify,
            indexnow_key: None,
            entry_cache: Default::default(),
        };
        let (press, stand) = Renderer::new(store.clone(), options.clone(), Arc::default());
        let archive = ArchiveRenderer::new(store.clone(), options);
        let articles = vec![Known::default(); ARTICLES];
        Self { _folder: folder, clock, store, press, stand, archive, addresses, articles, saved: 0 }
    }

    async fn happens(&mut self, event: &Event) {
        match event {
            Event::Saved(which, bits) => self.save(*which, *bits).await,
            Event::FileGone(which) => {
                let gone = self.store.file_removed(&file(*which)).await.unwrap();
                if matches!(gone, store::FileRemovalOutcome::Withdrawn(_)) {
                    self.articles[*which].lives = false;
                }
            }
            Event::Withdrawn(which, erase) => {
                let Some(id) = self.articles[*which].id.clone() else { return };
                let withdrawal = self.store.withdraw(&id, None, *erase, "test").await.unwrap();
                assert!(matches!(withdrawal, WithdrawOutcome::Withdrawn(_) | WithdrawOutcome::Already));
                self.articles[*which].lives = false;
            }
            Event::Restored(which) => {
                let Some(id) = self.articles[*which].id.clone() else { return };
                if let store::RestoreOutcome::Restored(_) = self.store.restore(&id, "test").await.unwrap() {
                    self.articles[*which].lives = true;
                }
            }
            Event::Time(seconds) => self.clock.advance(*seconds),
            Event::Polled => {}
        }
    }

    async fn save(&mut self, which: usize, bits: u8) {
        self.saved += 1;
        let title = format!("Bài {which} & lần {}", self.saved);
        let channels: Vec<_> =
            (0..CHANNELS.len()).filter(|bit| bits & (1 << bit) != 0).map(|bit| CHANNELS[bit]).collect();
        let published = PublishedAt::exact(from_unix(SAMPLE_ARTICLE - 60 * (which * 7 % ARTICLES) as i64));
        let body = vec![Block::Lead { text: title.clone(), html: None }];
        let article = Article::new(title.clone(), published, body);
        let seen = ScannedFile {
            path: file(which),
            channel: slug(channels[0]),
            hash: self.saved.to_string(),
            size: 1,
            modified: 1,
            pictures: String::new(),
        };
        let submission = Submission {
            article,
            channels: channels.iter().map(|channel| slug(channel)).collect(),
            id: None,
            stem: slug(&format!("bai-{which}")),
            source: Source::File { seen, renamed_from: None },
            conditions: WriteConditions::default(),
        };
        let accepted = self.store.submit(submission).await.unwrap();
        if accepted.outcome != SubmitOutcome::WithdrawnByOperator {
            self.articles[which] = Known { id: Some(accepted.id), lives: true, title, channels };
        }
    }

    /// By id, the titles that a channel must show.
    fn living(&self, scope: &Scope) -> BTreeMap<&str, &str> {
        let holds = |known: &&Known| {
            known.lives && scope.as_ref().is_none_or(|slug| known.channels.contains(&slug.as_str()))
        };
        let living = self.articles.iter().filter(holds);
        living.filter_map(|known| Some((known.id.as_ref()?.as_str(), known.title.as_str()))).collect()
    }

    fn live(&self, scope: &Scope, format: Format) -> Option<Arc<Representation>> {
        self.stand.current().document(&feed_path(scope.as_ref(), format)).cloned()
    }

    async fn walk(&self, format: Format, live: &[u8]) -> Mirror {
        let mut pages = HashMap::new();
        let mut heard = read(format, live);
        while let Some(path) = heard.previous {
            let Route::Archive(scope, page, format) = self.addresses.parse(&path) else { panic!("{path}") };
            let printed = self.archive.page(&scope, page, format).await.unwrap();
            let ArchivePage::Page(document) = printed else { panic!("no page at {path}") };
            heard = read(format, &document.identity.bytes);
            pages.insert(path, document.identity.bytes.to_vec());
        }
        walk(format, live, |path| pages[path].clone()).0
    }
}

fn file(which: usize) -> String {
    format!("kho/bai-{which}.txt")
}

/// A portal that follows one feed by its deltas, and starts over if there is none.
struct Portal {
    scope: Scope,
    format: Format,
    held: Option<u64>,
    mirror: Mirror,
}

fn number_of(document: &Representation) -> u64 {
    let tag = document.identity.etag.to_str().unwrap();
    tag.split(['.', '-']).nth(1).unwrap().parse().unwrap()
}

impl Portal {
    /// True if a delta was sufficient.
    async fn poll(&mut self, district: &District) -> bool {
        let Some(whole) = district.live(&self.scope, self.format) else { return false };
        let recent = district.stand.current().live_feed(&self.scope).cloned().unwrap();
        let number = number_of(&whole);
        let held = self.held.replace(number);
        if held == Some(number) {
            return false;
        }
        if let Some(base) = held.filter(|base| recent.has_delta_since(self.format, *base)) {
            let part = recent.delta(self.format, base, &whole).unwrap();
            assert_eq!(part.identity.etag, whole.identity.etag);
            self.mirror.merge(read(self.format, &part.identity.bytes));
            return true;
        }
        self.mirror = district.walk(self.format, &whole.identity.bytes).await;
        false
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn archive_walk_and_delta_chain_lead_to_the_live_articles(
        events in proptest::collection::vec(event(), 1..70),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut district = District::new().await;
            let scopes = CHANNELS.iter().map(|channel| Some(slug(channel))).chain([None]);
            let feeds = scopes.flat_map(|scope| Format::ALL.map(|format| (scope.clone(), format)));
            let mut portals: Vec<_> = feeds
                .map(|(scope, format)| Portal { scope, format, held: None, mirror: Mirror::default() })
                .collect();
            for event in events.iter().chain([&Event::Polled]) {
                district.happens(event).await;
                if !matches!(event, Event::Polled) {
                    continue;
                }
                district.press.render_changes().await.unwrap();
                for portal in &mut portals {
                    portal.poll(&district).await;
                    let (scope, format) = (&portal.scope, portal.format);
                    let living = district.living(scope);
                    assert_eq!(portal.mirror.titles(), living, "{scope:?} {format:?} by parts");
                    if let Some(whole) = district.live(scope, format) {
                        let walked = district.walk(format, &whole.identity.bytes).await;
                        assert_eq!(walked.titles(), living, "{scope:?} {format:?} by walking");
                    }
                }
            }
        });
    }
}

/// An event in the district, or on one of the two sides.
#[derive(Clone, Debug)]
enum Turn {
    Published,
    Corrected(usize),
    Withdrawn(usize),
    /// The server is killed and restarted.
    Killed,
    /// A portal polls, after any time away.
    Polled(usize),
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        5 => Just(Turn::Published),
        4 => (0..64_usize).prop_map(Turn::Corrected),
        2 => (0..64_usize).prop_map(Turn::Withdrawn),
        1 => Just(Turn::Killed),
        4 => (0..4_usize).prop_map(Turn::Polled),
    ]
}

/// How a portal mirrors a district.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// The feed and its archive.
    Feeds(Format),
    /// The feed first, then its deltas.
    Deltas,
    /// `/api/changes`.
    Changes,
}

/// A portal and its copy of the district.
struct Follower {
    way: Way,
    mirror: Mirror,
    etag: Option<String>,
    log: String,
    next: u64,
    titles: BTreeMap<String, String>,
}

impl Follower {
    fn following(way: Way) -> Self {
        let (log, titles) = (String::new(), BTreeMap::new());
        Self { way, mirror: Mirror::default(), etag: None, log, next: 0, titles }
    }

    fn poll(&mut self, serving: &RunningServer) {
        match self.way {
            Way::Feeds(format) => self.poll_feed(serving, format, &[]),
            Way::Deltas => self.poll_feed(serving, Format::Atom, &[("A-IM", "feed")]),
            Way::Changes => self.poll_changes(serving),
        }
    }

    fn poll_feed(&mut self, serving: &RunningServer, format: Format, headers: &[(&str, &str)]) {
        let path = feed_path(Some(&slug("xa-hoi")), format);
        let held = self.etag.clone().unwrap_or_default();
        let mut headers = headers.to_vec();
        if self.etag.is_some() {
            headers.push(("If-None-Match", &held));
        }
        let answer = serving.request("GET", &path, &headers);
        match answer.status {
            304 => return,
            226 => self.mirror.merge(read(format, &answer.body)),
            200 => {
                // RSS cannot express a withdrawal, so the archive is authoritative.
                if format == Format::Rss {
                    self.mirror = Mirror::default();
                }
                let (walked, _) = walk(format, &answer.body, |page| serving.get(page).body);
                for (id, word) in walked.0 {
                    let known = self.mirror.0.entry(id).or_insert_with(|| word.clone());
                    if known.0 < word.0 {
                        *known = word;
                    }
                }
            }
            other => panic!("{path}: {other}"),
        }
        self.etag = Some(answer.etag());
        let titles = self.mirror.titles();
        self.titles = titles.into_iter().map(|(id, title)| (id.to_owned(), title.to_owned())).collect();
    }

    fn poll_changes(&mut self, serving: &RunningServer) {
        loop {
            let log = if self.log.is_empty() { String::new() } else { format!("&log={}", self.log) };
            let page =
                serving.get(&format!("/api/changes?channel=xa-hoi&limit=3&after={}{log}", self.next)).json();
            let changes = page["changes"].as_array().unwrap();
            for change in changes {
                assert!(change["number"].as_u64().unwrap() > self.next, "each change comes once");
                let id = change["id"].as_str().unwrap().to_owned();
                match change["article"]["title"].as_str() {
                    Some(title) => drop(self.titles.insert(id, title.to_owned())),
                    None => drop(self.titles.remove(&id)),
                }
            }
            self.log = page["log"].as_str().unwrap().to_owned();
            self.next = page["next"].as_u64().unwrap();
            if changes.is_empty() {
                return;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 40, ..ProptestConfig::default() })]

    /// The long test: a district publishes, corrects and withdraws and is killed at any moment, and portals
    /// poll at any time.
    #[test]
    fn mirrors_by_feeds_deltas_and_changes_end_up_equal(turns in prop::collection::vec(turn(), 30..70)) {
        let site = TestSite::new()
            .with("BANTIN_FEED__ITEMS", "2")
            .with("BANTIN_FEED__ARCHIVE_PAGE", "4")
            .with("BANTIN_FEED__WINDOW", "2s");
        let mut serving = site.serve();
        let bearer = format!("Bearer {}", site.ok(&["token", "new", "Văn phòng"]).trim());
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "text/plain; charset=utf-8")];
        let ways = [Way::Feeds(Format::Atom), Way::Feeds(Format::Rss), Way::Deltas, Way::Changes];
        let mut portals = ways.map(Follower::following);
        let mut living: Vec<(String, String, String)> = Vec::new();
        let mut told = 0;
        for turn in turns {
            told += 1;
            let title = format!("Bài & lần {told}");
            let text = article(&title, "12/05/2023 17:39", "Đoạn mở đầu.");
            match turn {
                Turn::Published => {
                    let made = serving.request_with_body("POST", "/api/articles?channel=xa-hoi", &headers, text.as_bytes());
                    prop_assert_eq!(made.status, 201);
                    let path = path_of(made.header("location").unwrap());
                    living.push((made.json()["id"].as_str().unwrap().to_owned(), path, title));
                }
                Turn::Corrected(which) if !living.is_empty() => {
                    let article = which % living.len();
                    prop_assert_eq!(serving.request_with_body("PUT", &living[article].1, &headers, text.as_bytes()).status, 200);
                    living[article].2 = title;
                }
                Turn::Withdrawn(which) if !living.is_empty() => {
                    let (_, path, _) = living.swap_remove(which % living.len());
                    prop_assert_eq!(serving.request_with_body("DELETE", &path, &headers, b"").status, 200);
                }
                Turn::Corrected(_) | Turn::Withdrawn(_) => {}
                Turn::Killed => {
                    serving.kill();
                    serving = site.serve();
                }
                Turn::Polled(which) => portals[which].poll(&serving),
            }
        }
        let meant: BTreeMap<String, String> = living.into_iter().map(|(id, _, title)| (id, title)).collect();
        for portal in &mut portals {
            wait_until(&format!("the copy made by {:?} to be the district", portal.way), || {
                portal.poll(&serving);
                portal.titles == meant
            });
        }
    }
}

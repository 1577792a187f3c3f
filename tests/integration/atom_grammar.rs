//! Checks our Atom documents against the grammar of RFC 4287 (Appendix B), independently of our own parser.

use std::process::Command;

use crate::support::requirement::{Requirement, is_missing};
use bantin::feed::{self, FeedInput, FeedKind};
use bantin::model::{Article, ArticleId, Block, Channel, Entry, Image, Permalink, Site, Slug, Tombstone};
use bantin::time::{PublishedAt, from_unix};
use bantin::urls::{Format, SiteUrls};
use chrono::NaiveDate;

const SAMPLE_ARTICLE: i64 = 1_683_887_940;

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

fn site() -> Site {
    Site {
        publisher: "UBND huyện Đăk Tô".to_owned(),
        rights: Some("© Báo & Đài".to_owned()),
        logo: Some("https://example.vn/logo.png?a=1&b=2".to_owned()),
        ..Site::new("Báo <Đất & Người>")
    }
}

fn channel() -> Channel {
    Channel::new(slug("dat-nguoi"), "Đất & Người")
}

/// An article with every optional part.
fn full() -> Article {
    Article {
        title: "Đất & Người: <b>1 < 2 ]]> \u{3}👨‍👩‍👧\r\u{fffe}".to_owned(),
        published: PublishedAt::exact(from_unix(SAMPLE_ARTICLE)),
        updated: None,
        summary: Some("Tóm tắt & <b>".to_owned()),
        body: vec![
            Block::Paragraph { text: "Một & hai".to_owned() },
            Block::Caption {
                text: "Ảnh \"một\"".to_owned(),
                credit: Some("T.SỸ & TL".to_owned()),
                raw: "Ảnh \"một\". Ảnh: T.SỸ & TL".to_owned(),
                html: None,
            },
            Block::Html { html: "<p>a &amp; <b>b</b></p>".to_owned() },
        ],
        authors: vec!["Minh & Huyền".to_owned(), "PV".to_owned()],
        source: Some("Lê Thúy/NLĐO".to_owned()),
        tags: vec!["thi đua".to_owned()],
        language: Some("jra".to_owned()),
        link: Some("https://huyen.vn/?a=1&b=2".to_owned()),
        origin: None,
        images: vec![picture("1.jpg"), picture("2.png")],
    }
}

/// An article without optional parts.
fn bare() -> Article {
    Article::new("a", full().published, Vec::new())
}

fn picture(name: &str) -> Image {
    Image {
        name: name.to_owned(),
        media_type: "image/png".to_owned(),
        width: 640,
        height: 480,
        size: 1,
        copies: Vec::new(),
    }
}

fn entry(name: &str, article: Article) -> Entry {
    let permalink = Permalink { day: NaiveDate::from_ymd_opt(2023, 5, 12).unwrap(), slug: slug(name) };
    let id = ArticleId::new(format!("tag:kontum.vn,2023:2023-05-12/{name}"));
    Entry {
        id,
        permalink,
        channels: vec![slug("dat-nguoi")],
        updated: from_unix(SAMPLE_ARTICLE + 60),
        article,
    }
}

fn tombstones() -> Vec<Tombstone> {
    let gone = |name: &str, reason: Option<&str>| {
        let Entry { id, permalink, updated, .. } = entry(name, bare());
        Tombstone { id, permalink, when: updated, reason: reason.map(str::to_owned) }
    };
    vec![gone("x", Some("Đăng nhầm <ngày> & \"giờ\"")), gone("y", None)]
}

/// One document for each kind of feed.
fn documents() -> Vec<(&'static str, Vec<u8>)> {
    let (site, channels, tombstones) = (site(), [channel()], tombstones());
    let addresses = SiteUrls::new("https://example.vn/a&b", "kontum.vn,2023").unwrap();
    let entries = [entry("day-du", full()), entry("trong", bare())];
    let live = FeedInput {
        site: &site,
        addresses: &addresses,
        channel: Some(&channels[0]),
        channels: &channels,
        entries: &entries,
        tombstones: &tombstones,
        updated: from_unix(SAMPLE_ARTICLE + 60),
        kind: FeedKind::Live { previous_archive: Some(2), complete: false },
    };
    let complete = FeedKind::Live { previous_archive: None, complete: true };
    let archive = FeedKind::Archive { page: 2, previous: Some(1) };
    let kinds = [
        ("live", live),
        ("complete", FeedInput { kind: complete, channel: None, ..live }),
        ("archive", FeedInput { kind: archive, ..live }),
        ("delta", FeedInput { kind: FeedKind::Delta, ..live }),
        ("withdrawals only", FeedInput { entries: &[], ..live }),
        ("empty", FeedInput { entries: &[], tombstones: &[], updated: from_unix(0), ..live }),
    ];
    kinds.into_iter().map(|(name, document)| (name, feed::render(&document, Format::Atom))).collect()
}

/// The grammar's error for a document; `None` if it is valid.
fn complaint(document: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("atom.xml");
    std::fs::write(&file, document).unwrap();
    let grammar = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/atom.rng");
    let run = Command::new("xmllint").args(["--noout", "--nonet", "--relaxng", grammar]).arg(&file).output();
    let run = run.expect("this test needs xmllint: install the package libxml2-utils");
    (!run.status.success()).then(|| String::from_utf8_lossy(&run.stderr).into_owned())
}

#[test]
fn every_atom_document_conforms_to_the_grammar_of_rfc_4287_a1_a5_a8() {
    if is_missing(Requirement::Program("xmllint")) {
        return;
    }
    for (name, document) in documents() {
        assert_eq!(complaint(&document), None, "{name}: {}", String::from_utf8_lossy(&document));
    }
}

#[test]
fn the_grammar_rejects_invalid_documents() {
    if is_missing(Requirement::Program("xmllint")) {
        return;
    }
    let (_, document) = documents().swap_remove(0);
    let text = String::from_utf8(document).unwrap();
    for (from, to) in [
        ("<id>tag:kontum.vn,2023:channel/dat-nguoi</id>", ""),
        ("</feed>", "<late xmlns=\"urn:x\"/></feed>"),
        ("xml:lang=\"jra\"", "xml:lang=\"tiếng Jrai\""),
        ("2023-05-12T17:40:00+07:00</updated>", "12/05/2023 17:40</updated>"),
    ] {
        let broken = text.replacen(from, to, 1);
        assert_ne!(broken, text, "{from}");
        assert!(complaint(broken.as_bytes()).is_some(), "{from} → {to}");
    }
}

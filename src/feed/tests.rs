//! The guarantees for documents, checked on whole documents, rule by rule, and with independent parsers.

mod properties;
mod tampering;
mod traps;

use std::time::Duration;

use roxmltree::Node;
use serde_json::{Value, json};

use super::fixtures::*;
use super::*;
use crate::content_html::content_html;
use crate::model::{Article, ArticleId, Block, Slug};
use crate::text::{escape_html, single_line};
use crate::time::{PublishedAt, from_unix};
use crate::urls::SiteUrls;

const ARCHIVE: FeedKind<'static> = FeedKind::Archive { page: 2, previous: Some(1) };
const COMPLETE: FeedKind<'static> = FeedKind::Live { previous_archive: Some(2), complete: true };

fn rendered(document: &FeedInput<'_>, format: Format) -> String {
    String::from_utf8(render(document, format)).unwrap()
}

fn json_of(document: &FeedInput<'_>) -> Value {
    serde_json::from_slice(&render(document, Format::Json)).unwrap()
}

/// The texts of all elements with this local name, in order; for `element@name`, the values of the attribute.
fn all(document: &str, name: &str) -> Vec<String> {
    let (element, attribute) = name.split_once('@').map_or((name, None), |(e, a)| (e, Some(a)));
    let parsed = roxmltree::Document::parse(document).unwrap();
    let named = |node: &Node<'_, '_>| node.is_element() && node.tag_name().name() == element;
    let text = |node: Node<'_, '_>| match attribute {
        Some(attribute) => node.attribute(attribute).unwrap_or_default().to_owned(),
        None => node.descendants().filter(Node::is_text).filter_map(|text| text.text()).collect(),
    };
    parsed.descendants().filter(named).map(text).collect()
}

fn link(document: &str, relation: &str) -> Option<String> {
    let (relations, targets) = (all(document, "link@rel"), all(document, "link@href"));
    relations.iter().zip(targets).find(|(rel, _)| *rel == relation).map(|(_, target)| target)
}

/// A document with one article by an ordinary office.
fn fixture_of(article: Article) -> Fixture {
    let mut fixture = Fixture::hostile();
    fixture.site.title = "Báo Kon Tum".to_owned();
    fixture.addresses = SiteUrls::new("https://example.vn", "kontum.vn,2023").unwrap();
    fixture.tombstones.clear();
    fixture.entries = vec![entry("bai", article)];
    fixture
}

#[test]
fn whole_documents() {
    let (fixture, empty) = (Fixture::hostile(), Fixture::empty());
    let live = FeedKind::Live { previous_archive: Some(2), complete: false };
    for (name, document) in [
        ("live", fixture.document(live)),
        ("archive", fixture.document(ARCHIVE)),
        ("delta", FeedInput { entries: &fixture.entries[..1], ..fixture.document(FeedKind::Delta) }),
        (
            "complete",
            FeedInput { entries: &fixture.entries[1..2], tombstones: &[], ..fixture.everything(COMPLETE) },
        ),
        ("empty", empty.document(LIVE)),
    ] {
        for format in Format::ALL {
            let text = rendered(&document, format);
            assert_eq!(verify(&document, format, text.as_bytes()), Ok(()), "{name} {format:?}");
            insta::assert_snapshot!(format!("{name}.{}", format.name()), text);
        }
    }
    let text = String::from_utf8(opml(&fixture.site, &fixture.addresses, &fixture.channels)).unwrap();
    insta::assert_snapshot!("opml", text);
}

#[test]
fn an_independent_parser_reads_titles_and_texts_unchanged() {
    let fixture = Fixture::hostile();
    let document = fixture.document(LIVE);
    for format in Format::ALL {
        let feed = feed_rs::parser::parse(render(&document, format).as_slice()).unwrap();
        assert_eq!(feed.title.unwrap().content, "Đất & Người - Báo <Đất & Người> \"Kon Tum\"", "{format:?}");
        assert_eq!(feed.entries.len(), fixture.entries.len());
        let first = &feed.entries[0];
        assert_eq!(
            first.title.as_ref().unwrap().content,
            "Đất & Người: <b>1 < 2 &amp; ]]> 👨‍👩‍👧 “Xã hội” hai \"dòng\" 𠀋",
        );
        for (read, expected) in feed.entries.iter().zip(&fixture.entries) {
            assert_eq!(read.id, expected.id.as_str());
            let html = read.content.as_ref().unwrap().body.as_deref().unwrap_or_default();
            assert_eq!(html.trim(), content_html(expected, &fixture.addresses).trim(), "{format:?}");
            assert_eq!(read.published, Some(expected.article.published.instant));
            assert_eq!(read.updated, Some(expected.updated), "{format:?} tells of the correction");
        }
        let authors: Vec<_> =
            first.authors.iter().map(|author| author.name.as_deref().unwrap_or_default()).collect();
        assert_eq!(authors, ["Minh & <Huyền>", "PHƯƠNG LAN/TTXVN"], "{format:?}");
    }
}

#[test]
fn an_article_has_the_same_content_in_every_format() {
    let fixture = Fixture::hostile();
    let feeds = Format::ALL
        .map(|format| feed_rs::parser::parse(render(&fixture.document(LIVE), format).as_slice()).unwrap());
    for feed in &feeds[1..] {
        for (one, other) in feeds[0].entries.iter().zip(&feed.entries) {
            assert_eq!(one.id, other.id);
            assert_eq!(one.title.as_ref().map(|t| &t.content), other.title.as_ref().map(|t| &t.content));
            assert_eq!((one.published, one.updated), (other.published, other.updated));
            let html = |entry: &feed_rs::model::Entry| entry.content.as_ref().unwrap().body.clone();
            assert_eq!(html(one).unwrap().trim(), html(other).unwrap().trim());
        }
    }
}

#[test]
fn live_feeds_and_deltas_name_the_hub_and_nothing_else_does_w1() {
    let mut fixture = Fixture::hostile();
    for kind in [LIVE, COMPLETE, FeedKind::Delta, ARCHIVE] {
        let documents = Format::ALL.map(|format| rendered(&fixture.document(kind), format));
        assert!(documents.iter().all(|text| !text.contains("hub\"")), "without a hub, {kind:?}");
    }
    let hub = "https://hub.example.vn/?a=1&b=2";
    fixture.addresses = fixture.addresses.with_hub(Some(hub.to_owned()));
    for (kind, expected) in [
        (LIVE, Some(hub)),
        (COMPLETE, Some(hub)),
        (FeedKind::Delta, Some(hub)),
        (ARCHIVE, None),
        (FeedKind::Search { words: "a", query: "q=a" }, None),
    ] {
        let document = FeedInput { entries: &[], tombstones: &[], ..fixture.document(kind) };
        for format in Format::ALL {
            assert_eq!(verify(&document, format, &render(&document, format)), Ok(()), "{kind:?} {format:?}");
        }
        for format in [Format::Rss, Format::Atom] {
            assert_eq!(link(&rendered(&document, format), "hub").as_deref(), expected, "{kind:?} {format:?}");
        }
        let hubs = expected.map(|url| json!([{ "type": "WebSub", "url": url }]));
        assert_eq!(json_of(&document).get("hubs"), hubs.as_ref(), "{kind:?}");
        let changed = rendered(&document, Format::Atom).replace("rel=\"hub\"", "rel=\"bub\"");
        assert_eq!(verify(&document, Format::Atom, changed.as_bytes()).is_err(), expected.is_some());
    }
}

#[test]
fn rendering_is_deterministic() {
    let fixture = Fixture::hostile();
    for format in Format::ALL {
        assert_eq!(
            render(&fixture.document(LIVE), format),
            render(&Fixture::hostile().document(LIVE), format)
        );
    }
}

// RSS 2.0

#[test]
fn every_item_has_a_title_and_a_description_even_without_a_lead_r1_r8() {
    let pictures_only = vec![caption("Toàn cảnh", None, "Toàn cảnh. Ảnh: TL")];
    for (body, description) in [
        (vec![paragraph("Một & hai")], "Một &amp; hai"),
        (vec![paragraph("Đoạn"), lead("Lời dẫn <b>")], "Lời dẫn &lt;b&gt;"),
        (pictures_only, "Toàn cảnh. Ảnh: TL"),
        (vec![], "Nhan đề"),
        (vec![paragraph("\u{3}")], "Nhan đề"),
    ] {
        let fixture = fixture_of(article("Nhan đề", body));
        let rss = rendered(&fixture.document(LIVE), Format::Rss);
        assert_eq!(all(&rss, "description")[1], description);
        assert_eq!(all(&rss, "title")[2..], ["Nhan đề"]);
        let (lead, whole) = (rss.rfind("<description>").unwrap(), rss.find("<content:encoded>"));
        assert!(whole.is_none_or(|whole| lead < whole), "R8: the lead first");
    }
}

#[test]
fn search_terms_are_escaped_in_every_format_r9() {
    const TERMS: &str = "<b onclick=\"x\">&amp; 'dak to'";
    let fixture = Fixture::hostile();
    let query = "q=%3Cb+onclick%3D%22x%22%3E%26amp%3B+%27dak+to%27";
    let document = fixture.everything(FeedKind::Search { words: TERMS, query });
    let (rss, atom, json) =
        (rendered(&document, Format::Rss), rendered(&document, Format::Atom), json_of(&document));
    // Titles are plain text; an RSS description is HTML; an Atom subtitle declares that it is text.
    let title = format!("Tìm: {TERMS} - {}", single_line(&fixture.site.title));
    for (place, read, expected) in [
        ("title", &all(&rss, "title")[0], title.clone()),
        ("title", &all(&atom, "title")[0], title.clone()),
        ("subtitle", &all(&atom, "subtitle")[0], description_of(&fixture, TERMS)),
        (
            "description",
            &all(&rss, "description")[0],
            escape_html(&description_of(&fixture, TERMS)).into_owned(),
        ),
    ] {
        assert_eq!(*read, expected, "{place}");
    }
    assert_eq!(json["title"], title.as_str());
    assert_eq!(json["description"], description_of(&fixture, TERMS).as_str());
}

fn description_of(fixture: &Fixture, terms: &str) -> String {
    format!("Tin, bài của {} tìm được với: {terms}", single_line(&fixture.site.title))
}

#[test]
fn a_channel_is_never_without_a_description_r1() {
    let fixture = fixture_of(article("a", vec![]));
    let descriptions =
        |document: &FeedInput<'_>| all(&rendered(document, Format::Rss), "description")[0].clone();
    let of = |slug: usize| FeedInput { channel: fixture.channels.get(slug), ..fixture.everything(LIVE) };
    assert_eq!(descriptions(&of(0)), "Tin, bài chuyên mục Đất &amp; Người của Báo Kon Tum.");
    assert_eq!(descriptions(&of(1)), "Lễ hội &lt;cồng chiêng&gt; &amp; du lịch");
    assert_eq!(descriptions(&of(9)), "Tin, bài trong mọi chuyên mục của Báo Kon Tum.");
}

#[test]
fn the_time_of_the_sample_article_is_in_every_format_r2_a4() {
    let fixture = fixture_of(article("a", vec![]));
    let document = fixture.document(LIVE);
    assert_eq!(all(&rendered(&document, Format::Rss), "pubDate"), ["Fri, 12 May 2023 17:39:00 +0700"]);
    assert_eq!(all(&rendered(&document, Format::Atom), "published"), ["2023-05-12T17:39:00+07:00"]);
    assert_eq!(json_of(&document)["items"][0]["date_published"], "2023-05-12T17:39:00+07:00");
}

#[test]
fn fractions_of_a_second_are_omitted_a4() {
    let mut article = article("a", vec![]);
    article.published = PublishedAt::exact(chrono::DateTime::from_timestamp(SEED, 999_999_999).unwrap());
    let mut fixture = fixture_of(article);
    fixture.updated = chrono::DateTime::from_timestamp(SEED, 1).unwrap();
    for format in Format::ALL {
        let text = rendered(&fixture.document(LIVE), format);
        assert!(!text.contains("17:39:00."), "{text}");
        assert_eq!(verify(&fixture.document(LIVE), format, text.as_bytes()), Ok(()));
    }
}

#[test]
fn only_the_text_itself_is_marked_as_right_to_left_a7() {
    let article = Article {
        language: Some("ar".to_owned()),
        source: Some("Báo \u{202e}Kon Tum".to_owned()),
        ..article("مرحبا", vec![Block::Paragraph { text: "نص عربي".to_owned() }])
    };
    let fixture = fixture_of(article);
    let html = content_html(&fixture.entries[0], &fixture.addresses);
    assert_eq!(html, "<div lang=\"ar\" dir=\"rtl\">\n<p>نص عربي</p>\n</div>\n<p>Nguồn: Báo Kon Tum</p>\n");
    for format in Format::ALL {
        let text = rendered(&fixture.document(LIVE), format);
        assert_eq!(verify(&fixture.document(LIVE), format, text.as_bytes()), Ok(()));
    }
    assert!(rendered(&fixture.document(LIVE), Format::Atom).contains("<entry xml:lang=\"ar\">"));
}

#[test]
fn no_text_changes_the_direction_of_its_surroundings_r14() {
    let article = article(
        "Thông báo \u{202e}gnab",
        vec![Block::Lead { text: "a\u{9d}b \u{2067}c".to_owned(), html: None }],
    );
    let fixture = fixture_of(article);
    for format in Format::ALL {
        let text = rendered(&fixture.document(LIVE), format);
        assert!(text.contains("Thông báo gnab") && text.contains("ab \u{2067}c\u{2069}"), "{text}");
        assert!(!text.contains(['\u{202e}', '\u{9d}']));
    }
}

#[test]
fn an_empty_channel_has_the_date_of_its_creation_r3_a3() {
    let fixture = Fixture::empty();
    let document = fixture.document(LIVE);
    let rss = rendered(&document, Format::Rss);
    assert_eq!(all(&rss, "lastBuildDate"), ["Fri, 12 May 2023 17:39:00 +0700"]);
    assert!(!rss.contains("pubDate"));
    assert_eq!(all(&rendered(&document, Format::Atom), "updated"), ["2023-05-12T17:39:00+07:00"]);
    assert_eq!(json_of(&document)["_bantin"]["updated"], "2023-05-12T17:39:00+07:00");
    assert_eq!(json_of(&document)["items"], json!([]));
}

#[test]
fn the_id_is_the_same_in_every_format_and_not_a_permalink_r4_a2_j1() {
    let fixture = Fixture::hostile();
    let document = fixture.document(LIVE);
    let expected: Vec<_> = fixture.entries.iter().map(|entry| entry.id.as_str().to_owned()).collect();
    let rss = rendered(&document, Format::Rss);
    assert_eq!(all(&rss, "guid"), expected);
    assert!(all(&rss, "guid@isPermaLink").iter().all(|value| value == "false"));
    assert_eq!(all(&rendered(&document, Format::Atom), "id")[1..], expected);
    let json = json_of(&document);
    let ids: Vec<_> =
        json["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids, expected);
}

#[test]
fn the_byline_is_only_in_dc_creator_r5_r6() {
    let fixture = Fixture::hostile();
    let rss = rendered(&fixture.document(LIVE), Format::Rss);
    assert_eq!(all(&rss, "creator"), ["Minh & <Huyền>", "PHƯƠNG LAN/TTXVN", "Tấn Lộc"]);
    for duplicate in ["author", "date", "subject", "title@dc", "identifier"] {
        assert!(
            !rss.contains(&format!("<{duplicate}>")) && !rss.contains(&format!("<dc:{duplicate}>")),
            "{duplicate}"
        );
    }
}

#[test]
fn every_document_contains_its_own_url_r7_a1_j1() {
    let fixture = Fixture::hostile();
    let base = "https://example.vn/%C4%91%E1%BA%A5t&ng%C6%B0%E1%BB%9Di";
    for (part, place) in
        [(LIVE, "dat-nguoi"), (ARCHIVE, "dat-nguoi/archive/2"), (FeedKind::Delta, "dat-nguoi")]
    {
        let document = fixture.document(part);
        let rss = rendered(&document, Format::Rss);
        assert_eq!(link(&rss, "self"), Some(format!("{base}/{place}/rss.xml")));
        assert!(rss.contains("rel=\"self\" type=\"application/rss+xml\""));
        let atom = rendered(&document, Format::Atom);
        assert_eq!(link(&atom, "self"), Some(format!("{base}/{place}/atom.xml")));
        assert_eq!(json_of(&document)["feed_url"], format!("{base}/{place}/feed.json"));
    }
}

#[test]
fn a_caption_without_an_image_becomes_a_paragraph_r8() {
    let two_captions = vec![caption("Một", Some("TL"), "Một. Ảnh: TL"), caption("Hai", None, "Hai")];
    let mut article = article("a", two_captions);
    article.images = vec![picture("1.jpg")];
    let html = content_html(&entry("a", article), &Fixture::hostile().addresses);
    assert!(html.contains("<figcaption>Một. Ảnh: TL</figcaption></figure>\n<p>Hai</p>\n"), "{html}");
}

#[test]
fn a_title_with_an_ampersand_is_escaped_once_r9() {
    let fixture = fixture_of(article("Đất & Người", vec![]));
    let document = fixture.document(LIVE);
    // The Best Practices Profile recommends the hexadecimal reference.
    assert!(rendered(&document, Format::Rss).contains("<title>Đất &#x26; Người</title>"));
    assert!(rendered(&document, Format::Atom).contains("<title>Đất &amp; Người</title>"));
    assert!(rendered(&document, Format::Json).contains("\"title\": \"Đất & Người\""));
}

#[test]
fn an_item_has_one_enclosure_and_all_images_in_media_rss_r10_m1() {
    let mut article =
        article("a", vec![caption("Bản đồ", Some("VGP/Nhật Bắc"), "Bản đồ. Ảnh: VGP/Nhật Bắc")]);
    article.images = vec![picture("1.jpg"), picture("2.jpg")];
    let fixture = fixture_of(article);
    for format in [Format::Rss, Format::Atom] {
        let text = rendered(&fixture.document(LIVE), format);
        let values = |attribute: &str| all(&text, &format!("content@{attribute}"));
        // In Atom, the content of the entry has the same local name.
        let media = |attribute: &str| {
            values(attribute)
                .into_iter()
                .filter(|value| !value.is_empty() && value != "html")
                .collect::<Vec<_>>()
        };
        assert_eq!(media("url"), ["https://example.vn/media/1.jpg", "https://example.vn/media/2.jpg"]);
        assert_eq!(media("type"), ["image/jpeg", "image/jpeg"]);
        assert_eq!(media("medium"), ["image", "image"]);
        assert_eq!((media("width"), media("height")), (vec!["1024".into(); 2], vec!["683".into(); 2]));
        assert_eq!(media("fileSize"), ["145678", "145678"]);
        assert_eq!(all(&text, "credit@role"), ["photographer"]);
        assert_eq!(all(&text, "credit"), ["VGP/Nhật Bắc"]);
        assert_eq!(all(&text, "description").last().unwrap(), "Bản đồ");
    }
    let rss = rendered(&fixture.document(LIVE), Format::Rss);
    assert_eq!(all(&rss, "enclosure@url"), ["https://example.vn/media/1.jpg"]);
    assert_eq!(all(&rss, "enclosure@length"), ["145678"]);
    assert_eq!(all(&rss, "enclosure@type"), ["image/jpeg"]);
    let item = &json_of(&fixture.document(LIVE))["items"][0];
    assert_eq!(item["image"], "https://example.vn/media/1.jpg");
    assert_eq!(item["attachments"][1]["size_in_bytes"], 145_678);
    assert_eq!(item["attachments"][0]["_bantin"]["photographer"], "VGP/Nhật Bắc");
}

#[test]
fn an_image_is_described_by_its_caption_m1() {
    for (text, credit, line, description) in [
        ("Hội nghị.", Some("TL"), "Hội nghị. Ảnh: TL", Some("Hội nghị.")),
        ("", None, "Ảnh minh họa", Some("Ảnh minh họa")),
        ("", Some("TL"), "Ảnh: TL", None),
        ("", None, "", None),
    ] {
        let mut article = article("a", vec![caption(text, credit, line)]);
        article.images = vec![picture("1.jpg")];
        let fixture = fixture_of(article);
        let item = &json_of(&fixture.document(LIVE))["items"][0];
        assert_eq!(item["attachments"][0].get("title").and_then(Value::as_str), description, "{line}");
        let rss = rendered(&fixture.document(LIVE), Format::Rss);
        assert_eq!(all(&rss, "credit").first().map(String::as_str), credit, "{line}");
        assert_eq!(all(&rss, "description").get(2).map(String::as_str), description, "{line}");
    }
}

#[test]
fn images_without_a_caption_are_shown_m1() {
    let mut article = article("a", vec![paragraph("Chữ")]);
    article.images = vec![picture("1.jpg"), picture("2.jpg")];
    let html = content_html(&entry("a", article), &SiteUrls::new("https://a.vn", "a.vn,2023").unwrap());
    let figure = |n: u8| {
        format!(
            "<figure><img src=\"https://a.vn/media/{n}.jpg\" alt=\"\" width=\"1024\" height=\"683\"/></figure>\n"
        )
    };
    assert_eq!(html, format!("<p>Chữ</p>\n{}{}", figure(1), figure(2)));
}

#[test]
fn the_image_of_a_channel_has_the_channel_s_title_and_link_r11() {
    let mut fixture = Fixture::hostile();
    let rss = rendered(&fixture.document(LIVE), Format::Rss);
    let titles = all(&rss, "title");
    assert_eq!(titles[0], titles[1], "channel and image");
    assert_eq!(all(&rss, "link")[0], all(&rss, "link")[1]);
    assert_eq!(all(&rss, "url"), ["https://example.vn/a&b/logo.png?x=1&y=%222%22"]);
    fixture.site.logo = Some("logo.png".to_owned());
    assert!(!rendered(&fixture.document(LIVE), Format::Rss).contains("<image>"), "R12: no relative URL");
}

#[test]
fn links_are_absolute_web_urls_or_our_own_page_r12() {
    for (given, printed_link) in [
        (Some("https://huyen.vn/tin?id=1&a=\"b\""), "https://huyen.vn/tin?id=1&a=%22b%22"),
        (Some("http://huyện.vn/đất"), "http://xn--huyn-nw5a.vn/%C4%91%E1%BA%A5t"),
        (Some("/tin/1"), "https://example.vn/bai-viet/2023/05/12/bai"),
        (Some("javascript:alert(1)"), "https://example.vn/bai-viet/2023/05/12/bai"),
        (Some(""), "https://example.vn/bai-viet/2023/05/12/bai"),
        (None, "https://example.vn/bai-viet/2023/05/12/bai"),
    ] {
        let mut article = article("a", vec![]);
        article.link = given.map(str::to_owned);
        let fixture = fixture_of(article);
        let document = fixture.document(LIVE);
        assert_eq!(all(&rendered(&document, Format::Rss), "link").last().unwrap(), printed_link);
        assert_eq!(json_of(&document)["items"][0]["url"], printed_link);
        let atom = rendered(&document, Format::Atom);
        assert!(all(&atom, "link@href").contains(&printed_link.to_owned()), "{atom}");
    }
}

#[test]
fn ttl_is_in_minutes_and_never_less_than_max_age_r13() {
    let mut fixture = Fixture::hostile();
    for (seconds, ttl) in [(300, "5"), (301, "6"), (1, "1"), (86_400, "1440")] {
        fixture.site.max_age = Duration::from_secs(seconds);
        assert_eq!(all(&rendered(&fixture.document(LIVE), Format::Rss), "ttl"), [ttl]);
    }
    fixture.site.max_age = Duration::ZERO;
    assert!(!rendered(&fixture.document(LIVE), Format::Rss).contains("<ttl>"));
}

#[test]
fn the_language_of_site_and_article_is_named_in_every_format_r13_a7() {
    let mut jarai = article("a", vec![paragraph("Ƀing gơmơi")]);
    jarai.language = Some("jra".to_owned());
    let fixture = fixture_of(jarai);
    let document = fixture.document(LIVE);
    assert_eq!(all(&rendered(&document, Format::Rss), "language"), ["vi"]);
    assert!(all(&rendered(&document, Format::Rss), "encoded")[0].starts_with("<div lang=\"jra\">\n<p>"));
    let atom = rendered(&document, Format::Atom);
    assert!(atom.contains(" xml:lang=\"vi\">") && atom.contains("<entry xml:lang=\"jra\">"));
    let json = json_of(&document);
    assert_eq!((&json["language"], &json["items"][0]["language"]), (&json!("vi"), &json!("jra")));
}

#[test]
fn invalid_language_tags_are_rejected_a7() {
    for (text, is_one) in [
        ("vi", true),
        ("vi-VN", true),
        ("sr-Latn-RS", true),
        ("x-bahnar", true),
        ("", false),
        ("tiếng Việt", false),
        ("vi_VN", false),
        ("vi-", false),
        ("123", false),
        ("a", false),
        ("x", false),
        ("vietnamese", false),
        ("tieng-viet", false),
        ("\"><script>", false),
    ] {
        assert_eq!(crate::text::language_tag(text).is_some(), is_one, "{text}");
    }
}

#[test]
fn documents_declare_their_encoding_and_media_type_r14_r15() {
    let fixture = Fixture::hostile();
    for format in [Format::Rss, Format::Atom] {
        assert!(
            rendered(&fixture.document(LIVE), format)
                .starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<")
        );
    }
    assert_eq!(media_type(Format::Rss), "application/rss+xml; charset=utf-8");
    assert_eq!(media_type(Format::Atom), "application/atom+xml; charset=utf-8");
    assert_eq!(media_type(Format::Json), "application/feed+json");
    for format in Format::ALL {
        assert!(media_type(format).starts_with(format.media_type()));
    }
}

#[test]
fn decomposed_text_is_published_in_nfc_r14() {
    let fixture = fixture_of(article("Xa\u{303} ho\u{302}\u{323}i", vec![paragraph("Đa\u{306}k To\u{302}")]));
    for format in Format::ALL {
        let text = rendered(&fixture.document(LIVE), format);
        assert!(text.contains("Xã hội") && text.contains("Đăk Tô"), "{text}");
    }
}

// Atom 1.0

#[test]
fn the_author_of_an_unsigned_entry_is_the_publisher_a1() {
    let mut fixture = fixture_of(article("a", vec![]));
    let atom = rendered(&fixture.document(LIVE), Format::Atom);
    assert_eq!(all(&atom, "name"), ["UBND huyện Đăk Tô & <các> xã"]);
    fixture.site.publisher = " \u{3}".to_owned();
    assert_eq!(
        all(&rendered(&fixture.document(LIVE), Format::Atom), "name"),
        ["Báo Kon Tum"],
        "never nobody"
    );
}

#[test]
fn the_feed_s_id_depends_on_neither_host_nor_format_nor_page_a2() {
    let mut fixture = Fixture::hostile();
    let before = all(&rendered(&fixture.document(LIVE), Format::Atom), "id")[0].clone();
    fixture.addresses = SiteUrls::new("http://khac.vn", "dakto.kontum.vn,2023").unwrap();
    for part in [LIVE, ARCHIVE, FeedKind::Delta] {
        assert_eq!(all(&rendered(&fixture.document(part), Format::Atom), "id")[0], before);
    }
}

#[test]
fn content_is_html_and_a_category_has_term_scheme_and_label_a5() {
    let mut tagged = article("a", vec![lead("Một & hai")]);
    tagged.tags = vec!["thi đua".to_owned(), "Đất & Người".to_owned(), " ".to_owned()];
    let mut fixture = fixture_of(tagged);
    fixture.entries[0].channels.push(Slug::parse("la").unwrap());
    let document = fixture.document(LIVE);
    let atom = rendered(&document, Format::Atom);
    assert!(atom.contains("<summary type=\"text\">Một &amp; hai</summary>\n<content type=\"html\">&lt;p&gt;Một &amp;amp; hai&lt;/p&gt;"));
    assert_eq!(all(&atom, "category@term"), ["dat-nguoi", "la", "thi đua"]);
    assert_eq!(all(&atom, "category@label"), ["Đất & Người", "la", "thi đua"]);
    let scheme = |name: &str| format!("tag:kontum.vn,2023:{name}");
    assert_eq!(all(&atom, "category@scheme"), [scheme("channels"), scheme("channels"), scheme("tags")]);
    // In RSS, the category is the channel's title (feed rule R8).
    assert_eq!(all(&rendered(&document, Format::Rss), "category"), ["Đất & Người", "la", "thi đua"]);
    assert_eq!(json_of(&document)["items"][0]["tags"], json!(["Đất & Người", "la", "thi đua"]));
}

#[test]
fn a_source_is_in_dc_source_and_not_in_atom_source_a6() {
    let mut taken_over = article("a", vec![paragraph("Chữ")]);
    taken_over.source = Some("Lê Thúy/NLĐO & <b>".to_owned());
    let fixture = fixture_of(taken_over);
    let document = fixture.document(LIVE);
    for format in [Format::Rss, Format::Atom] {
        let text = rendered(&document, format);
        assert_eq!(all(&text, "source"), ["Lê Thúy/NLĐO & <b>"]);
        assert!(text.contains("<dc:source>") && !text.contains("<source"), "{text}");
    }
    let item = &json_of(&document)["items"][0];
    assert_eq!(item["_bantin"]["source"], "Lê Thúy/NLĐO & <b>");
    assert_eq!(item["content_html"], "<p>Chữ</p>\n<p>Nguồn: Lê Thúy/NLĐO &amp; &lt;b&gt;</p>\n");
}

#[test]
fn feed_metadata_precedes_the_first_entry_a8_h1() {
    let fixture = Fixture::hostile();
    let atom = rendered(&fixture.document(ARCHIVE), Format::Atom);
    let rss = rendered(&fixture.document(ARCHIVE), Format::Rss);
    let last = |text: &str, what: &str| text.rfind(what).unwrap_or_else(|| panic!("no {what}"));
    for said in ["<at:deleted-entry", "<fh:archive", "rel=\"prev-archive\"", "rel=\"current\"", "<subtitle"] {
        assert!(last(&atom, said) < atom.find("<entry").unwrap(), "{said}");
    }
    for said in ["<fh:archive", "rel=\"prev-archive\"", "rel=\"current\"", "<ttl"] {
        assert!(last(&rss, said) < rss.find("<item>").unwrap(), "{said}");
    }
}

// History, changes, withdrawals

#[test]
fn the_live_feed_and_the_archive_pages_are_linked_h1_j2() {
    let fixture = Fixture::hostile();
    let base = "https://example.vn/%C4%91%E1%BA%A5t&ng%C6%B0%E1%BB%9Di/dat-nguoi";
    let live = FeedKind::Live { previous_archive: Some(7), complete: false };
    let first = FeedKind::Archive { page: 1, previous: None };
    for (part, current, previous) in [
        (LIVE, false, None),
        (live, false, Some(7)),
        (ARCHIVE, true, Some(1)),
        (first, true, None),
        (FeedKind::Delta, true, None),
    ] {
        let document = fixture.document(part);
        for (format, file) in [(Format::Rss, "rss.xml"), (Format::Atom, "atom.xml")] {
            let text = rendered(&document, format);
            assert_eq!(link(&text, "current"), current.then(|| format!("{base}/{file}")), "{part:?}");
            let page = previous.map(|page: u64| format!("{base}/archive/{page}/{file}"));
            assert_eq!(link(&text, "prev-archive"), page, "{part:?}");
            assert_eq!(link(&text, "next-archive"), None);
            assert_eq!(all(&text, "archive").len(), usize::from(matches!(part, FeedKind::Archive { .. })));
        }
        let json = json_of(&document);
        let page = previous.map(|page| format!("{base}/archive/{page}/feed.json"));
        assert_eq!(json.get("next_url").and_then(Value::as_str), page.as_deref());
        assert_eq!(json["_bantin"].get("history").is_some(), matches!(part, FeedKind::Archive { .. }));
    }
}

#[test]
fn a_complete_feed_is_marked_and_has_no_archive_links_h3() {
    let fixture = Fixture::hostile();
    let document = fixture.document(COMPLETE);
    for format in [Format::Rss, Format::Atom] {
        let text = rendered(&document, format);
        assert_eq!(all(&text, "complete"), [""]);
        assert_eq!((link(&text, "prev-archive"), link(&text, "current")), (None, None));
    }
    assert_eq!(json_of(&document)["_bantin"]["history"], "complete");
    assert_eq!(json_of(&document).get("next_url"), None);
    assert!(all(&rendered(&fixture.document(LIVE), Format::Atom), "complete").is_empty());
}

#[test]
fn a_sealed_page_does_not_change_with_what_comes_after_it_h2() {
    let mut fixture = Fixture::hostile();
    let before = Format::ALL.map(|format| render(&fixture.document(ARCHIVE), format));
    fixture.channels.push(channel("moi", "Mới", None));
    assert_eq!(Format::ALL.map(|format| render(&fixture.document(ARCHIVE), format)), before);
}

#[test]
fn a_tombstone_has_the_time_and_the_reason_t1_d1() {
    let fixture = Fixture::hostile();
    for part in [LIVE, ARCHIVE, FeedKind::Delta] {
        let atom = rendered(&fixture.document(part), Format::Atom);
        let ids: Vec<_> = fixture.tombstones.iter().map(|gone| gone.id.as_str().to_owned()).collect();
        assert_eq!(all(&atom, "deleted-entry@ref"), ids);
        let moments = ["2023-05-12T19:39:00+07:00", "2023-05-12T18:39:00+07:00"];
        assert_eq!(all(&atom, "deleted-entry@when"), moments);
        assert_eq!(all(&atom, "comment"), ["Đăng nhầm <ngày> & \"giờ\""]);
        let deleted = &json_of(&fixture.document(part))["_bantin"]["deleted_items"];
        assert_eq!(deleted[0]["id"], ids[0]);
        assert_eq!(deleted[0]["date_deleted"], moments[0]);
        assert_eq!(deleted[0]["comment"], "Đăng nhầm <ngày> & \"giờ\"");
        assert_eq!(deleted[1].get("comment"), None);
    }
    let without = FeedInput { tombstones: &[], ..fixture.document(LIVE) };
    assert!(!rendered(&without, Format::Atom).contains("tombstones"), "no namespace without a use for it");
}

#[test]
fn a_tombstone_has_exactly_the_id_of_the_entry_t1() {
    let mut fixture = Fixture::hostile();
    let id = ArticleId::new(" urn:x:\ta\u{3}\r\nxa\u{303} ");
    fixture.entries[0].id = id.clone();
    fixture.tombstones[0].id = id;
    let atom = rendered(&fixture.document(LIVE), Format::Atom);
    assert_eq!(all(&atom, "id")[1], all(&atom, "deleted-entry@ref")[0]);
}

// JSON Feed and OPML

#[test]
fn a_json_feed_has_all_required_members_j1() {
    let fixture = Fixture::hostile();
    let json = json_of(&fixture.document(LIVE));
    assert_eq!(json["version"], "https://jsonfeed.org/version/1.1");
    for member in ["title", "home_page_url", "feed_url", "language", "authors", "items"] {
        assert!(!json[member].is_null(), "{member}");
    }
    for item in json["items"].as_array().unwrap() {
        for member in ["id", "url", "title", "content_html", "summary", "date_published", "date_modified"] {
            assert!(item[member].is_string(), "{member}");
        }
    }
    let ours: Vec<_> = json.as_object().unwrap().keys().filter(|key| key.starts_with('_')).collect();
    assert_eq!(ours, ["_bantin"], "J2: extensions under one object");
}

#[test]
fn every_channel_is_an_outline_o1() {
    let fixture = Fixture::hostile();
    let text = String::from_utf8(opml(&fixture.site, &fixture.addresses, &fixture.channels)).unwrap();
    let base = "https://example.vn/%C4%91%E1%BA%A5t&ng%C6%B0%E1%BB%9Di";
    assert_eq!(all(&text, "outline@text"), ["Đất & Người", "Văn hóa - Thể thao - Du lịch"]);
    assert_eq!(all(&text, "outline@type"), ["rss", "rss"]);
    assert_eq!(all(&text, "outline@xmlUrl")[1], format!("{base}/van-hoa/rss.xml"));
    assert_eq!(all(&text, "outline@htmlUrl")[1], format!("{base}/van-hoa/"));
    assert_eq!(all(&text, "opml@version"), ["2.0"]);
}

// The text

#[test]
fn every_kind_of_block_becomes_its_html() {
    let list = |ordered| Block::List { ordered, items: vec!["a & b".to_owned(), "<c>".to_owned()] };
    for (block, html) in [
        (lead("a < b"), "<p>a &lt; b</p>\n"),
        (Block::Heading { level: 0, text: "a".into() }, "<h2>a</h2>\n"),
        (Block::Heading { level: 6, text: "a".into() }, "<h6>a</h6>\n"),
        (Block::Heading { level: 200, text: "a".into() }, "<h6>a</h6>\n"),
        (list(false), "<ul><li>a &amp; b</li><li>&lt;c&gt;</li></ul>\n"),
        (list(true), "<ol><li>a &amp; b</li><li>&lt;c&gt;</li></ol>\n"),
        (
            Block::Table { rows: vec![vec!["1".into(), "<2>".into()], vec![]] },
            "<table><tbody><tr><td>1</td><td>&lt;2&gt;</td></tr><tr></tr></tbody></table>\n",
        ),
        (Block::Html { html: "<p>a\u{3}<br></p>".into() }, "<p>a<br></p>\n"),
        // NFC applied to markup would merge the bracket with the combining stroke.
        (Block::Html { html: "<b>\u{338}</b>".into() }, "<b>\u{338}</b>\n"),
    ] {
        assert_eq!(content_html(&entry("a", article("a", vec![block])), &Fixture::hostile().addresses), html);
    }
}

//! Any text in any field: the documents stay well-formed, contain the text as meant, and contain nothing active.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::*;
use crate::model::{Channel, Entry, FormerPublisher, Image, Site, Tombstone};
use crate::text::{escape_html, single_line};
use crate::time::{DEFAULT_TIME_ZONE, Timestamp};

/// Characters that matter to one of the formats, and any other.
fn any_text() -> impl Strategy<Value = String> {
    const LOADED: &[&str] = &[
        "&",
        "<",
        ">",
        "\"",
        "'",
        "]]>",
        "<![CDATA[",
        "&amp;",
        "&#3;",
        "<b>",
        "</p>",
        "<!--",
        "-->",
        "?>",
        "\r",
        "\r\n",
        "\n",
        "\t",
        "\u{0}",
        "\u{3}",
        "\u{b}",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{fffe}",
        "\u{ffff}",
        "\u{feff}",
        "\u{1fffe}",
        "\u{338}",
        "\u{301}",
        "Đất",
        "Người",
        "xa\u{303}",
        "\u{200d}",
        "👨‍👩‍👧",
        "𠀋",
        "\\",
        "\\u0003",
        "{",
        "\"}",
        "javascript:",
        " onclick=x ",
        "<script>",
        " ",
    ];
    let piece = prop_oneof![select(LOADED).prop_map(str::to_owned), any::<char>().prop_map(String::from)];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (631_152_000_i64..4_102_444_800).prop_map(from_unix)
}

fn block() -> impl Strategy<Value = Block> {
    prop_oneof![
        any_text().prop_map(|text| Block::Lead { text, html: None }),
        any_text().prop_map(|text| Block::Paragraph { text }),
        (any::<u8>(), any_text()).prop_map(|(level, text)| Block::Heading { level, text }),
        (any_text(), option::of(any_text()), any_text()).prop_map(|(text, credit, raw)| Block::Caption {
            text,
            credit,
            raw,
            html: None,
        }),
        (any::<bool>(), vec(any_text(), 0..3)).prop_map(|(ordered, items)| Block::List { ordered, items }),
        vec(vec(any_text(), 0..3), 0..3).prop_map(|rows| Block::Table { rows }),
        // Output of a sanitiser: well-formed, with any text.
        (any_text(), any_text()).prop_map(|(title, text)| Block::Html {
            html: format!("<p title=\"{}\">{}</p>", escape_html(&title), escape_html(&text))
        }),
    ]
}

fn picture() -> impl Strategy<Value = Image> {
    (any_text(), any_text(), any::<(u32, u32, u64)>()).prop_map(
        |(name, media_type, (width, height, size))| Image {
            name,
            media_type,
            width,
            height,
            size,
            copies: Vec::new(),
        },
    )
}

prop_compose! {
    fn any_article()(
        title in any_text(),
        instant in moment(),
        summary in option::of(any_text()),
        body in vec(block(), 0..5),
        authors in vec(any_text(), 0..3),
        source in option::of(any_text()),
        tags in vec(any_text(), 0..3),
        language in option::of(prop_oneof![any_text(), Just("jra".to_owned())]),
        link in option::of(prop_oneof![any_text(), any_text().prop_map(|text| format!("https://a.vn/{text}"))]),
        images in vec(picture(), 0..3),
    ) -> Article {
        let published = PublishedAt::exact(instant);
        Article { title, published, updated: None, summary, body, authors, source, tags, language, link, origin: None, images }
    }
}

prop_compose! {
    fn any_entry()(article in any_article(), id in any_text(), updated in moment()) -> Entry {
        Entry { id: ArticleId::new(id), updated, ..entry("bai", article) }
    }
}

prop_compose! {
    fn any_tombstone()(id in any_text(), when in moment(), reason in option::of(any_text())) -> Tombstone {
        Tombstone { id: ArticleId::new(id), permalink: permalink(1, "bai"), when, reason }
    }
}

prop_compose! {
    fn any_site()(
        title in any_text(),
        language in any_text(),
        publisher in any_text(),
        rights in option::of(any_text()),
        rights_url in option::of(any_text()),
        logo in option::of(any_text()),
        seconds in any::<u32>(),
        former in option::of(any_text()),
        until in moment(),
        skip_hours in prop::sample::subsequence((0..24).collect::<Vec<u8>>(), 0..=24),
    ) -> Site {
        let former_publishers = former.into_iter().map(|name| FormerPublisher { name, until }).collect();
        let max_age = Duration::from_secs(seconds.into());
        let colour = Default::default();
        Site { title, language, time_zone: DEFAULT_TIME_ZONE, publisher, former_publishers, rights, rights_url, logo, colour, max_age, skip_hours, notice: None }
    }
}

prop_compose! {
    fn any_fixture()(
        site in any_site(),
        channels in vec((any_text(), option::of(any_text())), 1..3),
        entries in vec(any_entry(), 0..4),
        tombstones in vec(any_tombstone(), 0..3),
        updated in moment(),
    ) -> Fixture {
        let slugs = ["dat-nguoi", "van-hoa"];
        let named = channels.iter().zip(slugs);
        let channels = named.map(|((title, words), slug)| channel(slug, title, words.as_deref())).collect();
        let addresses = SiteUrls::new("https://example.vn/a&b", "a.vn,2023").unwrap();
        Fixture { site, addresses, channels, entries, tombstones, updated }
    }
}

fn any_part() -> impl Strategy<Value = FeedKind<'static>> {
    prop_oneof![
        (option::of(1_u64..), any::<bool>())
            .prop_map(|(previous_archive, complete)| FeedKind::Live { previous_archive, complete }),
        (1_u64.., option::of(1_u64..)).prop_map(|(page, previous)| FeedKind::Archive { page, previous }),
        Just(FeedKind::Delta),
        Just(FeedKind::Search {
            words: "“đăk tô” <b> & c",
            query: "q=%22%C4%91%C4%83k%22+%3Cb%3E&from=2023-05-12"
        }),
    ]
}

/// Feed rule R14, implemented again, independently of the code under test.
fn only_xml_characters(text: &str) -> bool {
    text.chars().all(|character| {
        matches!(u32::from(character), 0x9 | 0xA | 0x20..=0xD7FF | 0xE000..=0xFFFD | 0x10000..=0x0010_FFFF)
    })
}

/// Checks that quick-xml accepts the text with all its checks on.
fn check_with_quick_xml(text: &str) {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = true;
    config.check_comments = true;
    config.allow_dangling_amp = false;
    let mut depth = 0_i32;
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => {
                depth += 1;
                check_attributes(&tag);
            }
            Event::Empty(tag) => check_attributes(&tag),
            Event::End(_) => depth -= 1,
            Event::GeneralRef(reference) => {
                let name = reference.decode().unwrap();
                let known = quick_xml::escape::resolve_predefined_entity(&name).is_some();
                assert!(known || reference.resolve_char_ref().unwrap().is_some(), "&{name};");
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
}

fn check_attributes(tag: &quick_xml::events::BytesStart<'_>) {
    for attribute in tag.attributes().with_checks(true) {
        let value = attribute.unwrap();
        let text = std::str::from_utf8(&value.value).unwrap();
        assert!(!text.contains('<'), "{text}");
        quick_xml::escape::unescape(text).unwrap();
    }
}

/// The HTML that this module writes is also well-formed XML, so that an independent parser can check it.
fn check_html(html: &str) {
    const ELEMENTS: [&str; 18] = [
        "div",
        "p",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "li",
        "table",
        "tbody",
        "tr",
        "td",
        "figure",
        "img",
        "figcaption",
        "a",
    ];
    const ATTRIBUTES: [&str; 7] = ["lang", "dir", "src", "alt", "width", "height", "title"];
    let fragment = format!("<div>{html}</div>");
    let parsed = roxmltree::Document::parse(&fragment).unwrap_or_else(|error| panic!("{error}: {html}"));
    for node in parsed.descendants() {
        assert!(node.is_root() || node.is_element() || node.is_text(), "{html}");
        assert!(!node.is_element() || ELEMENTS.contains(&node.tag_name().name()), "{html}");
        for attribute in node.attributes() {
            assert!(ATTRIBUTES.contains(&attribute.name()), "{html}");
            // Feed rule R12.
            assert!(
                attribute.name() != "src" || attribute.value().starts_with("https://example.vn/a&b/media/")
            );
        }
    }
}

proptest! {
    #[test]
    fn any_text_in_any_field_reads_back_equal_r14(fixture in any_fixture(), part in any_part()) {
        for document in [fixture.document(part), fixture.everything(part)] {
            for format in Format::ALL {
                let text = rendered(&document, format);
                prop_assert_eq!(verify(&document, format, text.as_bytes()), Ok(()), "{}", text);
                prop_assert!(only_xml_characters(&text), "{:?} {}", format, text);
                if format != Format::Json {
                    roxmltree::Document::parse(&text).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
                    check_with_quick_xml(&text);
                }
                let feed = feed_rs::parser::parse(text.as_bytes()).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
                prop_assert_eq!(feed.entries.len(), fixture.entries.len());
                for (read, expected) in feed.entries.iter().zip(&fixture.entries) {
                    let title = read.title.as_ref().map_or("", |title| title.content.as_str());
                    // This reader trims white space of every kind.
                    let expected_title = single_line(&expected.article.title);
                    prop_assert_eq!(title.trim(), expected_title.trim(), "{}", text);
                    prop_assert_eq!(read.published, Some(expected.article.published.instant));
                }
            }
        }
    }

    #[test]
    fn no_feed_exceeds_its_computed_bound_r10(fixture in any_fixture(), part in any_part()) {
        let document = fixture.document(part);
        let head = head_bytes(&FeedInput { entries: &[], ..document });
        let max_bytes = |entry| RenderedEntry::new(&document, entry).max_bytes();
        let bound = head + document.entries.iter().map(max_bytes).sum::<usize>();
        for format in Format::ALL {
            let bytes = rendered(&document, format).len();
            prop_assert!(bytes <= bound, "{format:?}: {bytes} > {bound}");
        }
    }

    #[test]
    fn every_summary_is_short_and_passes_verification_r10(entry in any_entry(), times in 1_usize..2000) {
        let mut long = entry;
        long.article.title = long.article.title.repeat(times);
        long.article.summary = long.article.summary.map(|summary| summary.repeat(times));
        long.article.body = long.article.body.iter().cycle().take(long.article.body.len() * 20).cloned().collect();
        long.article.authors = long.article.authors.iter().cycle().take(long.article.authors.len() * 20).cloned().collect();
        let fixture = Fixture::hostile();
        let fixture = Fixture { entries: vec![summary(&long, &fixture.addresses)], ..fixture };
        let document = fixture.document(LIVE);
        prop_assert!(RenderedEntry::new(&document, &fixture.entries[0]).max_bytes() < 100_000);
        for format in Format::ALL {
            let text = rendered(&document, format);
            prop_assert_eq!(verify(&document, format, text.as_bytes()), Ok(()), "{}", text);
        }
    }

    #[test]
    fn the_html_never_contains_active_content(entry in any_entry()) {
        let html = content_html(&entry, &SiteUrls::new("https://example.vn/a&b", "a.vn,2023").unwrap());
        prop_assert!(only_xml_characters(&html));
        check_html(&html);
    }

    #[test]
    fn the_opml_is_well_formed_with_any_titles_o1(fixture in any_fixture()) {
        let text = String::from_utf8(opml(&fixture.site, &fixture.addresses, &fixture.channels)).unwrap();
        prop_assert!(only_xml_characters(&text));
        check_with_quick_xml(&text);
        let titles: Vec<_> = fixture.channels.iter().map(|channel: &Channel| single_line(&channel.title).into_owned()).collect();
        prop_assert_eq!(all(&text, "outline@text"), titles);
    }
}

//! Canaries: each shows a pitfall of a library that this module avoids. A test that fails here is good news: the
//! library has mended itself, and what closes the trap can go.

use std::collections::BTreeMap;

use atom_syndication::extension::Extension;
use atom_syndication::{Entry, Feed, Text};

fn extension(name: &str, attribute: &str) -> BTreeMap<String, BTreeMap<String, Vec<Extension>>> {
    let attrs = BTreeMap::from([("url".to_owned(), attribute.to_owned())]);
    let extension = Extension { name: format!("media:{name}"), attrs, ..Extension::default() };
    let named = BTreeMap::from([(name.to_owned(), vec![extension])]);
    BTreeMap::from([("media".to_owned(), named)])
}

/// Closed in `element.rs`.
#[test]
fn atom_syndication_writes_attributes_of_extensions_unescaped() {
    let entry = Entry { extensions: extension("content", "https://a.vn/?x&y"), ..Entry::default() };
    assert!(entry.to_string().contains("url=\"https://a.vn/?x&y\""));
}

/// Closed by using only the namespaces of `element.rs`, in which there is nothing to escape.
#[test]
fn atom_syndication_writes_namespaces_unescaped() {
    let namespaces = BTreeMap::from([("x".to_owned(), "https://a.vn/?x&y".to_owned())]);
    let feed = Feed { namespaces, ..Feed::default() };
    assert!(feed.to_string().contains("xmlns:x=\"https://a.vn/?x&y\""));
}

/// Closed in `atom.rs`, which writes the head alone.
#[test]
fn atom_syndication_writes_extensions_of_the_feed_behind_its_entries() {
    let entries = vec![Entry::default()];
    let feed = Feed { entries, extensions: extension("mark", ""), ..Feed::default() }.to_string();
    assert!(feed.find("<entry>") < feed.find("<media:mark"), "{feed}");
}

/// Closed in `atom.rs`, which names the type of a summary.
#[test]
fn atom_syndication_leaves_out_the_type_of_a_text() {
    let entry = Entry { summary: Some(Text::plain("a")), ..Entry::default() }.to_string();
    assert!(entry.contains("<summary>a</summary>"), "{entry}");
}

/// Closed by `printable`.
#[test]
fn both_writers_pass_a_control_character_through() {
    let title = "a\u{3}b";
    assert!(Feed { title: Text::plain(title), ..Feed::default() }.to_string().contains(title));
    assert!(rss::Channel { title: title.to_owned(), ..rss::Channel::default() }.to_string().contains(title));
}

/// Closed by `time::rfc822`.
#[test]
fn rss_takes_any_text_for_a_date() {
    let item = rss::Item { pub_date: Some("hôm qua".to_owned()), ..rss::Item::default() };
    let channel = rss::Channel { items: vec![item], ..rss::Channel::default() };
    assert!(channel.to_string().contains("<pubDate>hôm qua</pubDate>"));
}

/// Closed in `rss.rs`.
#[test]
fn rss_writes_references_by_name() {
    let channel = rss::Channel { title: "a & <b".to_owned(), ..rss::Channel::default() };
    assert!(channel.to_string().contains("<title>a &amp; &lt;b</title>"));
}

/// Closed in `element.rs`, which gives such an element an empty value.
#[test]
fn an_extension_without_a_value_is_written_with_a_line_end_inside() {
    let config = atom_syndication::WriteConfig { write_document_declaration: false, indent_size: Some(0) };
    let feed = Feed { extensions: extension("mark", ""), ..Feed::default() };
    let bytes = feed.write_with_config(Vec::new(), config).unwrap();
    assert!(String::from_utf8(bytes).unwrap().contains("<media:mark url=\"\">\n</media:mark>"));
}

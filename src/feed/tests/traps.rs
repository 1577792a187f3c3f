//! Each test shows a pitfall of a library that this module avoids. If one fails, the library was fixed and the
//! workaround can be removed.

use std::collections::BTreeMap;

use atom_syndication::extension::Extension;
use atom_syndication::{Entry, Feed, Text};

fn extension(name: &str, attribute: &str) -> BTreeMap<String, BTreeMap<String, Vec<Extension>>> {
    let attrs = BTreeMap::from([("url".to_owned(), attribute.to_owned())]);
    let extension = Extension { name: format!("media:{name}"), attrs, ..Extension::default() };
    let named = BTreeMap::from([(name.to_owned(), vec![extension])]);
    BTreeMap::from([("media".to_owned(), named)])
}

/// Avoided in `extension.rs`.
#[test]
fn atom_syndication_writes_attributes_of_extensions_unescaped() {
    let entry = Entry { extensions: extension("content", "https://a.vn/?x&y"), ..Entry::default() };
    assert!(entry.to_string().contains("url=\"https://a.vn/?x&y\""));
}

/// Avoided by using only the namespaces of `extension.rs`, which need no escaping.
#[test]
fn atom_syndication_writes_namespaces_unescaped() {
    let namespaces = BTreeMap::from([("x".to_owned(), "https://a.vn/?x&y".to_owned())]);
    let feed = Feed { namespaces, ..Feed::default() };
    assert!(feed.to_string().contains("xmlns:x=\"https://a.vn/?x&y\""));
}

/// Avoided in `atom.rs`, which writes the feed metadata separately.
#[test]
fn atom_syndication_writes_feed_extensions_after_the_entries() {
    let entries = vec![Entry::default()];
    let feed = Feed { entries, extensions: extension("mark", ""), ..Feed::default() }.to_string();
    assert!(feed.find("<entry>") < feed.find("<media:mark"), "{feed}");
}

/// Avoided in `atom.rs`, which adds the type.
#[test]
fn atom_syndication_omits_the_default_text_type() {
    let entry = Entry { summary: Some(Text::plain("a")), ..Entry::default() }.to_string();
    assert!(entry.contains("<summary>a</summary>"), "{entry}");
}

/// Avoided by `text::xml_safe`.
#[test]
fn both_writers_pass_a_control_character_through() {
    let title = "a\u{3}b";
    assert!(Feed { title: Text::plain(title), ..Feed::default() }.to_string().contains(title));
    assert!(rss::Channel { title: title.to_owned(), ..rss::Channel::default() }.to_string().contains(title));
}

/// Avoided by `time::rfc822`.
#[test]
fn rss_accepts_any_text_as_a_date() {
    let item = rss::Item { pub_date: Some("hôm qua".to_owned()), ..rss::Item::default() };
    let channel = rss::Channel { items: vec![item], ..rss::Channel::default() };
    assert!(channel.to_string().contains("<pubDate>hôm qua</pubDate>"));
}

/// Avoided in `rss.rs`.
#[test]
fn rss_writes_references_by_name() {
    let channel = rss::Channel { title: "a & <b".to_owned(), ..rss::Channel::default() };
    assert!(channel.to_string().contains("<title>a &amp; &lt;b</title>"));
}

/// Avoided in `extension.rs`, which gives such an element an empty value.
#[test]
fn an_extension_without_a_value_contains_a_line_end() {
    let config = atom_syndication::WriteConfig { write_document_declaration: false, indent_size: Some(0) };
    let feed = Feed { extensions: extension("mark", ""), ..Feed::default() };
    let bytes = feed.write_with_config(Vec::new(), config).unwrap();
    assert!(String::from_utf8(bytes).unwrap().contains("<media:mark url=\"\">\n</media:mark>"));
}

//! Where a feed says that its changes are told (W3C WebSub §4).

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::Value;
use url::Url;

/// As much of a document is searched: the links stand before the items.
const MAX_BYTES: usize = 64 << 10;

/// A hub, and the name of the feed there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubLinks {
    /// The URL of the hub.
    pub hub: String,
    /// The URL of the feed with `rel=self`, or the one at which it was found.
    pub topic: String,
}

/// The hub of a feed that was found at `url`: in its `Link` headers, otherwise in the document.
pub fn hub_links(headers: &[&str], body: &[u8], url: &Url) -> Option<HubLinks> {
    let mut links: Vec<(String, String)> = headers.iter().flat_map(|line| header_links(line)).collect();
    if !links.iter().any(|(rel, _)| rel == "hub") {
        let head = &body[..body.len().min(MAX_BYTES)];
        links = match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => json_links(body),
            _ => xml_links(head),
        };
    }
    let find = |name: &str| {
        let target = links.iter().find(|(rel, _)| rel == name).map(|(_, target)| target)?;
        url.join(target).ok().filter(|url| matches!(url.scheme(), "http" | "https")).map(String::from)
    };
    Some(HubLinks { hub: find("hub")?, topic: find("self").unwrap_or_else(|| url.as_str().to_owned()) })
}

/// The relations and targets of a `Link` header (RFC 8288 §3).
fn header_links(line: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    // A target may contain commas; a `<` begins the next one.
    for link in line.split('<').skip(1) {
        let Some((target, parameters)) = link.split_once('>') else { continue };
        for parameter in parameters.split(';') {
            let Some((name, value)) = parameter.split_once('=') else { continue };
            if name.trim().eq_ignore_ascii_case("rel") {
                let value = value.trim().trim_end_matches(',').trim().trim_matches('"');
                let names = value.split_ascii_whitespace();
                found.extend(names.map(|rel| (rel.to_ascii_lowercase(), target.to_owned())));
            }
        }
    }
    found
}

/// The links of the feed, up to its first item. A document that breaks off was read as far as it goes.
fn xml_links(head: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(head);
    let mut reader = Reader::from_str(&text);
    let mut found = Vec::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => match element.local_name().as_ref() {
                b"item" | b"entry" => return found,
                b"link" => found.extend(link_of(&element)),
                _ => {}
            },
            Ok(Event::Eof) | Err(_) => return found,
            Ok(_) => {}
        }
    }
}

fn link_of(element: &BytesStart<'_>) -> Option<(String, String)> {
    let value = |name: &str| {
        let attribute = element.try_get_attribute(name).ok()??;
        Some(quick_xml::escape::unescape(std::str::from_utf8(&attribute.value).ok()?).ok()?.into_owned())
    };
    Some((value("rel")?.to_ascii_lowercase(), value("href")?))
}

fn json_links(body: &[u8]) -> Vec<(String, String)> {
    let feed: Value = serde_json::from_slice(body).unwrap_or_default();
    let hubs = feed["hubs"].as_array().into_iter().flatten();
    let hubs =
        hubs.filter(|hub| hub["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("websub")));
    let hubs = hubs.filter_map(|hub| Some(("hub".to_owned(), hub["url"].as_str()?.to_owned())));
    let own = feed["feed_url"].as_str().map(|url| ("self".to_owned(), url.to_owned()));
    hubs.chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(headers: &[&str], body: &str) -> Option<(String, String)> {
        let url = Url::parse("https://xa.vn/feed").unwrap();
        hub_links(headers, body.as_bytes(), &url).map(|links| (links.hub, links.topic))
    }

    fn expected(hub: &str, topic: &str) -> Option<(String, String)> {
        Some((hub.to_owned(), topic.to_owned()))
    }

    #[test]
    fn the_hub_is_found_in_headers_and_in_every_format() {
        let both = "<https://xa.vn/a,b>; rel=\"self\", <https://hub.vn/>; rel=\"hub\"";
        assert_eq!(found(&[both], ""), expected("https://hub.vn/", "https://xa.vn/a,b"));
        let apart = ["</other>; rel=alternate", "</hub>;rel=hub", "</feed/>; title=x; REL=\"self x\""];
        assert_eq!(found(&apart, ""), expected("https://xa.vn/hub", "https://xa.vn/feed/"));
        let rss = "<?xml version=\"1.0\"?><rss xmlns:atom=\"http://www.w3.org/2005/Atom\"><channel>\
                   <link>https://xa.vn/</link><atom:link rel=\"hub\" href=\"https://hub.vn/?a=1&amp;b=2\"/>\
                   <item><atom:link rel=\"self\" href=\"https://evil.vn/\"/></item></channel></rss>";
        assert_eq!(found(&[], rss), expected("https://hub.vn/?a=1&b=2", "https://xa.vn/feed"));
        let atom =
            "<feed><link rel=\"self\" href=\"/atom.xml\"/><link href=\"/hub\" rel=\"hub\"/><entry/></feed>";
        assert_eq!(found(&[], atom), expected("https://xa.vn/hub", "https://xa.vn/atom.xml"));
        let json = "{\"feed_url\":\"https://xa.vn/f.json\",\"hubs\":[{\"type\":\"rssCloud\",\"url\":\"x\"},\
                    {\"type\":\"WebSub\",\"url\":\"https://hub.vn/\"}]}";
        assert_eq!(found(&[], json), expected("https://hub.vn/", "https://xa.vn/f.json"));
    }

    #[test]
    fn a_feed_without_a_usable_hub_has_none() {
        for body in [
            "",
            "{",
            "<rss><channel><item><link rel=\"hub\" href=\"https://hub.vn/\"/></item></channel></rss>",
            "<feed><link rel=\"hub\" href=\"javascript:alert(1)\"/></feed>",
            "<feed><link rel=\"hub\"/><link rel='hub' href='&broken;'",
        ] {
            assert_eq!(found(&["garbage", "<x", "<https://hub.vn/>; rel=next"], body), None, "{body}");
        }
    }
}

//! The WebSub hub: what feeds say about it, subscriptions and deliveries to real HTTP servers.

use crate::support::{SAMPLE_ARTICLE, TestSite};

/// The three live feeds of a channel.
const FEEDS: [&str; 3] = ["/xa-hoi/rss.xml", "/xa-hoi/atom.xml", "/xa-hoi/feed.json"];

#[test]
fn live_feeds_name_themselves_and_the_configured_hub_in_the_header_and_in_the_document() {
    let site = TestSite::new();
    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    {
        let serving = site.serve();
        for path in FEEDS {
            let answer = serving.get(path);
            assert_eq!(answer.header("link"), None, "{path}");
            assert!(!answer.text().contains("hub\""), "{path}");
        }
    }
    site.configure("[hub]\nurl = \"https://hub.example.vn/\"");
    let serving = site.serve();
    let out = site.path("out");
    site.ok(&["build", "--out", out.to_str().unwrap()]);
    for path in FEEDS {
        let answer = serving.get(path);
        let expected =
            format!("<http://127.0.0.1:8080{path}>; rel=\"self\", <https://hub.example.vn/>; rel=\"hub\"");
        assert_eq!(answer.header("link"), Some(expected.as_str()));
        assert!(answer.text().contains("https://hub.example.vn/"), "{path}");
        let file = std::fs::read_to_string(out.join(&path[1..])).unwrap();
        assert_eq!(file, answer.text(), "{path}");
    }
    for path in ["/xa-hoi/", "/opml.xml"] {
        assert_eq!(serving.get(path).header("link"), None, "{path}");
    }
}

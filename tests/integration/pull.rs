//! Collecting from other publishers: the real program and a real HTTP server with feeds as portals write them.

use std::net::TcpListener;

use chrono::{FixedOffset, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::portal::{Portal, item, items, province, pull, rss};
use crate::support::{TestSite, article, wait_until};

#[test]
fn articles_of_a_feed_keep_their_date_link_and_source_and_are_corrected_under_their_id() {
    let portal = Portal::new();
    let link = portal.url("/tin/1");
    let feed = |title: &str, id: &str, link: &str| {
        rss(&[item(id, title, "Fri, 12 May 2023 17:39:00 GMT+7", link, "Xã họp dân.")])
    };
    let body = feed("Họp dân", "news_1", &link);
    let answer = format!("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    portal.answers_with("/rss.xml", &answer);
    let site = province(&[("UBND xã Đăk Tô", portal.url("/rss.xml"))]);
    let report = pull(&site, "UBND xã Đăk Tô");
    assert_eq!((&report["published"], &report["repairs"]["odd_zone"]), (&1.into(), &1.into()), "{report}");
    let first = &items(&site)[0];
    assert_eq!(first["date_published"], "2023-05-12T17:39:00+07:00");
    assert_eq!(first["url"], link.as_str());
    assert_eq!(first["_bantin"]["source"], "UBND xã Đăk Tô");
    assert!(first["id"].as_str().unwrap().starts_with("tag:dakto.example,2023:2023-05-12/"), "{first}");
    let html = first["content_html"].as_str().unwrap();
    let line = format!("<p>Theo <a href=\"{link}\">UBND xã Đăk Tô</a></p>\n");
    assert!(html.starts_with(&line) && html.contains("Xã họp dân.") && !html.contains("Nguồn:"), "{html}");
    assert_eq!(first["_bantin"]["source_feed"], portal.url("/rss.xml"));
    let rss_source = format!("<source url=\"{}\">UBND xã Đăk Tô</source>", portal.url("/rss.xml"));
    let written = site.ok(&["render", "-", "rss"]);
    assert!(written.contains(&rss_source) && !written.contains("<dc:source"), "{written}");
    let atom = site.ok(&["render", "-", "atom"]);
    let document = roxmltree::Document::parse(&atom).unwrap();
    let source = document.descendants().find(|node| node.tag_name().name() == "source").unwrap();
    let child = |name: &str| source.children().find(|node| node.tag_name().name() == name).unwrap();
    assert_eq!(child("id").text(), Some(portal.url("/rss.xml").as_str()));
    assert_eq!(child("title").text(), Some("UBND xã Đăk Tô"));
    assert_eq!((child("link").attribute("rel"), child("updated").text().is_some()), (Some("self"), true));
    // The next request is conditional and introduces itself.
    portal.answers_with("/rss.xml", "HTTP/1.1 304 Not Modified\r\n");
    assert_eq!(pull(&site, "UBND xã Đăk Tô")["items"], 0);
    let request = portal.last_request();
    assert!(
        request.contains("if-none-match: \"v1\"") && request.contains("user-agent: bantin/"),
        "{request}"
    );
    // A correction; then another id; then another address; then tracking, https and a slash.
    for (title, id, link) in [
        ("Họp dân làng", "news_1", link.clone()),
        ("Họp dân làng Đăk Rao", "news_one", link.clone()),
        ("Họp dân ở nhà rông", "news_one", portal.url("/bai/1")),
        ("Họp dân ở nhà rông mới", "news_2", format!("{}/?utm_source=rss", portal.url("/bai/1"))),
    ] {
        portal.serves("/rss.xml", feed(title, id, &link));
        let report = pull(&site, "UBND xã Đăk Tô");
        assert_eq!((&report["published"], &report["corrected"]), (&0.into(), &1.into()), "{title}: {report}");
        let now = items(&site);
        assert_eq!((now.len(), &now[0]["id"], now[0]["title"].as_str()), (1, &first["id"], Some(title)));
    }
    // Unchanged, and gone from the end of the feed: nothing happens.
    assert_eq!(pull(&site, "UBND xã Đăk Tô")["corrected"], 0);
    portal.serves("/rss.xml", rss(&[]));
    pull(&site, "UBND xã Đăk Tô");
    assert_eq!(items(&site).len(), 1);
}

#[test]
fn publisher_and_licence_of_a_source_are_named_on_every_road() {
    for licence in ["https://xa.example.vn/dieu-khoan?a=1&b=2", "Ghi rõ nguồn <UBND xã>"] {
        let portal = Portal::new();
        let date = "Fri, 12 May 2023 17:39:00 +0700";
        portal.serves("/rss.xml", rss(&[item("1", "Họp dân", date, &portal.url("/1"), "Xã họp dân.")]));
        let site = province(&[("Xã A", portal.url("/rss.xml"))]);
        site.configure(&format!("publisher = \"UBND xã A & B\"\nlicence = \"{licence}\""));
        assert_eq!(pull(&site, "Xã A")["published"], 1);
        let server = site.serve();
        let is_url = licence.starts_with("https");
        // JSON Feed.
        let json = server.get("/feed.json").json();
        let about = &json["items"][0]["_bantin"];
        assert_eq!(
            (&about["source"], &about["source_feed"]),
            (&"Xã A".into(), &portal.url("/rss.xml").into())
        );
        assert_eq!(
            (&about["source_publisher"], &about["source_license"]),
            (&"UBND xã A & B".into(), &licence.into())
        );
        // Atom: what the source says of itself, which also is the author of an article without a byline.
        let atom = server.get("/atom.xml").text();
        let document = roxmltree::Document::parse(&atom).unwrap();
        let source = document.descendants().find(|node| node.tag_name().name() == "source").unwrap();
        let text = |name: &str| {
            let node = source.descendants().find(|node| node.tag_name().name() == name);
            node.and_then(|node| node.text().map(str::to_owned))
        };
        assert_eq!(
            (text("name").as_deref(), text("rights").as_deref()),
            (Some("UBND xã A & B"), Some(licence))
        );
        let linked = source.children().find(|node| node.attribute("rel") == Some("license"));
        assert_eq!(linked.and_then(|link| link.attribute("href")), is_url.then_some(licence));
        // RSS has no element of its own for it.
        let feed = server.get("/rss.xml").text();
        let document = roxmltree::Document::parse(&feed).unwrap();
        let of_item = |name: &str| {
            let item = document.descendants().find(|node| node.has_tag_name("item")).unwrap();
            item.children().find(|node| node.tag_name().name() == name).and_then(|node| node.text())
        };
        assert_eq!((of_item("publisher"), of_item("rights")), (Some("UBND xã A & B"), Some(licence)));
        // People: in the content, so that every reader shows it, and on the page.
        let html = json["items"][0]["content_html"].as_str().unwrap().to_owned();
        let page = server.get(&site_path(&server)).text();
        for shown in [html, page] {
            assert!(shown.contains("</a>, UBND xã A &amp; B ("), "{shown}");
            assert_eq!(
                shown.contains("(<a href=\"https://xa.example.vn/dieu-khoan?a=1&amp;b=2\""),
                is_url,
                "{shown}"
            );
        }
        assert!(!server.log().contains("ERROR"), "{}", server.log());
    }
}

#[test]
fn changed_entries_alone_are_merged_and_never_taken_for_the_whole_feed() {
    let portal = Portal::new();
    let of = |id: &str, text: &str, date: &str| item(id, id, date, &portal.url(&format!("/{id}")), text);
    let dated = |id: &str, text: &str| of(id, text, "Fri, 12 May 2023 17:39:00 +0700");
    let answers = |status: &str, headers: &str, feed: String| {
        let length = feed.len();
        portal.answers_with(
            "/rss.xml",
            format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{feed}"),
        );
    };
    for id in ["a", "b", "c"] {
        portal.answers_with(&format!("/{id}"), "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n");
    }
    answers("200 OK", "ETag: \"v1\"\r\n", rss(&[dated("a", "A."), dated("b", "B."), dated("c", "C.")]));
    let site = province(&[("Xã A", portal.url("/rss.xml"))]);
    assert_eq!(pull(&site, "Xã A")["published"], 3);
    assert!(!portal.last_request().contains("a-im"), "there is nothing yet that changes could be told of");
    // One new, one corrected. The others are not gone, and nobody asks for their pages.
    let delta = || rss(&[dated("d", "D."), dated("b", "B, sửa.")]);
    answers("226 IM Used", "IM: feed\r\nETag: \"v2\"\r\n", delta());
    let report = pull(&site, "Xã A");
    assert_eq!(
        (&report["published"], &report["corrected"], &report["withdrawn"]),
        (&1.into(), &1.into(), &0.into())
    );
    assert!(portal.last_request().contains("a-im: feed"), "{}", portal.last_request());
    assert_eq!((items(&site).len(), portal.asked_for("/a"), portal.asked_for("/c")), (4, 0, 0));
    // The tag is that of the whole feed. An article that is missing in the middle of it has vanished.
    answers("200 OK", "ETag: \"v3\"\r\n", rss(&[dated("d", "D."), dated("b", "B, sửa."), dated("c", "C.")]));
    assert_eq!(pull(&site, "Xã A")["withdrawn"], 1);
    assert!(portal.last_request().contains("get /a "), "{}", portal.last_request());
    // What is none of ours to merge is refused, and the next request is for the whole.
    for headers in ["ETag: \"v4\"\r\n", "IM: vcdiff\r\nETag: \"v4\"\r\n"] {
        answers("200 OK", "ETag: \"v3\"\r\n", rss(&[dated("d", "D."), dated("c", "C.")]));
        pull(&site, "Xã A");
        answers("226 IM Used", headers, delta());
        assert!(pull(&site, "Xã A")["error"].as_str().unwrap().contains("226"));
        pull(&site, "Xã A");
        assert!(!portal.last_request().contains("if-none-match"), "{}", portal.last_request());
    }
    let fresh = province(&[("Xã A", portal.url("/rss.xml"))]);
    answers("226 IM Used", "IM: feed\r\nETag: \"v2\"\r\n", delta());
    assert!(pull(&fresh, "Xã A")["error"].is_string());
    assert_eq!(items(&fresh).len(), 0);
    // While an item is held back, the whole feed is read, so that it is looked at again.
    answers("200 OK", "ETag: \"v5\"\r\n", rss(&[of("e", "E.", "hôm qua"), dated("d", "D.")]));
    portal.serves("/e", "<html><body>Không ngày</body></html>");
    pull(&fresh, "Xã A");
    pull(&fresh, "Xã A");
    let asked = portal.last_request();
    assert!(!asked.contains("a-im"), "{asked}");
}

#[test]
fn another_bantin_that_is_read_as_a_feed_sends_only_what_has_changed() {
    let commune = TestSite::new().with("BANTIN_SITE__TAG_AUTHORITY", "xa.example,2023");
    for number in 1..=5 {
        let (path, title) = (format!("xa-hoi/{number}.txt"), format!("Bài {number}"));
        commune.write(&path, article(&title, "12/05/2023 17:39", "Xã họp dân."));
    }
    let serving = commune.serve();
    let province = province(&[("Xã", format!("http://{}/atom.xml", serving.address()))]);
    province.configure("kind = \"feed\"");
    assert_eq!(pull(&province, "Xã")["published"], 5);
    commune.write("xa-hoi/6.txt", article("Bài 6", "12/05/2023 17:40", "Xã họp dân."));
    commune.write("xa-hoi/2.txt", article("Bài 2, sửa", "12/05/2023 17:39", "Xã họp dân."));
    commune.remove("xa-hoi/3.txt");
    wait_until("the changes", || {
        let feed = serving.get("/atom.xml").text();
        feed.contains("Bài 6") && feed.contains("Bài 2, sửa") && feed.contains("deleted-entry")
    });
    let report = pull(&province, "Xã");
    let counts = ["items", "published", "corrected", "withdrawn"].map(|name| report[name].as_u64().unwrap());
    assert_eq!(counts, [2, 1, 1, 1], "{report}");
    assert_eq!(items(&province).len(), 5);
    assert_eq!(pull(&province, "Xã")["items"], 0);
}

/// The path of the newest article's page, which is not its link.
fn site_path(server: &crate::support::RunningServer) -> String {
    let channel = server.get("/xa-hoi/").text();
    let at = channel.find("/bai-viet/").unwrap_or_else(|| panic!("{channel}"));
    channel[at..].split('"').next().unwrap().to_owned()
}

#[test]
fn the_month_in_place_of_the_minutes_is_replaced_by_the_date_on_the_page() {
    let portal = Portal::new();
    let feed = rss(&[
        item("3", "Ba", "Fri, 12 May 2023 17:05:11 GMT+7", &portal.url("/3"), "Ba."),
        item("2", "Hai", "Sat, 1 Apr 2023 07:04:00 GMT+7", &portal.url("/2"), "Hai."),
        item("1", "Một", "Sun, 4 Dec 2022 07:12:09 GMT+7", &portal.url("/1"), "Một."),
    ]);
    portal.serves("/rss.xml", &feed);
    let page = |date: &str| {
        format!(
            "<html><body><h1>Bài viết</h1><p>{date}</p><p>Sáng nay, xã họp dân ở nhà rông để bàn việc làm đường vào làng.</p></body></html>"
        )
    };
    portal.serves("/3", page("12/05/2023 17:39"));
    portal.serves("/1", page("04/12/2022 07:51"));
    portal.answers_with("/2", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n");
    let site = province(&[("Xã A", portal.url("/rss.xml"))]);
    let report = pull(&site, "Xã A");
    assert_eq!(
        (&report["published"], &report["repairs"]["date_from_page"]),
        (&2.into(), &2.into()),
        "{report}"
    );
    assert_eq!(report["doubtful"][0]["title"], "Hai");
    let dates = |site: &TestSite| -> Vec<String> {
        items(site).iter().map(|item| item["date_published"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(dates(&site), ["2023-05-12T17:39:00+07:00", "2022-12-04T07:51:00+07:00"]);
    // The page answers again: the item is taken in, and the others are not asked for again.
    portal.serves("/2", page("01/04/2023 07:20"));
    assert_eq!(pull(&site, "Xã A")["published"], 1);
    assert_eq!(dates(&site)[1], "2023-04-01T07:20:00+07:00");
    assert_eq!((portal.asked_for("/3"), portal.asked_for("/2")), (1, 2));
    // A page that robots.txt forbids is not requested.
    portal.serves("/robots.txt", "User-agent: *\nDisallow: /4\n");
    portal.serves("/4", page("15/05/2023 08:00"));
    portal.serves(
        "/rss.xml",
        rss(&[item("4", "Bốn", "Mon, 15 May 2023 08:05:11 GMT+7", &portal.url("/4"), "Bốn.")]),
    );
    let report = pull(&site, "Xã A");
    assert_eq!((portal.asked_for("/4"), &report["published"]), (0, &0.into()), "{report}");
}

#[test]
fn doubtful_items_are_held_back_until_an_operator_decides() {
    let portal = Portal::new();
    portal.serves(
        "/rss.xml",
        rss(&[
            item("a", "Không ngày", "", &portal.url("/a"), "A."),
            item("b", "Ngày tương lai", "Fri, 12 May 2090 17:39:00 +0700", &portal.url("/b"), "B."),
            item("c", "Đúng", "Fri, 12 May 2023 17:39:00 +0700", &portal.url("/c"), "C."),
        ]),
    );
    let site = province(&[("Xã A", portal.url("/rss.xml"))]);
    let report = pull(&site, "Xã A");
    assert_eq!(
        (&report["published"], report["doubtful"].as_array().unwrap().len()),
        (&1.into(), 2),
        "{report}"
    );
    let doubtful: Value = serde_json::from_str(&site.ok(&["sources", "doubtful", "--json"])).unwrap();
    assert_eq!((&doubtful[0]["key"], &doubtful[1]["key"]), (&"id:a".into(), &"id:b".into()), "{doubtful}");
    let refused = site.run(&["sources", "accept", "Xã A", "id:a"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--published"));
    assert_eq!(
        site.ok(&["sources", "accept", "Xã A", "id:a", "--published", "13/05/2023 08:00"]),
        "published\n"
    );
    assert_eq!(site.ok(&["sources", "drop", "Xã A", "id:b"]), "dropped\n");
    let titles: Vec<_> = items(&site).iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect();
    assert_eq!(titles, ["Không ngày", "Đúng"]);
    // What was decided stays decided, also when the source corrects the text.
    portal.serves(
        "/rss.xml",
        rss(&[
            item("a", "Không ngày nữa", "", &portal.url("/a"), "A."),
            item("b", "Ngày tương lai nữa", "Fri, 12 May 2090 17:39:00 +0700", &portal.url("/b"), "B."),
        ]),
    );
    let report = pull(&site, "Xã A");
    assert_eq!(
        (&report["corrected"], &report["doubtful"]),
        (&1.into(), &Value::Array(Vec::new())),
        "{report}"
    );
    assert_eq!(items(&site)[0]["date_published"], "2023-05-13T08:00:00+07:00");
    for wrong in [["accept", "Xã B", "id:a"], ["accept", "Xã A", "id:zzz"], ["drop", "Xã A", "id:b"]] {
        assert!(!site.run(&["sources", wrong[0], wrong[1], wrong[2]]).status.success(), "{wrong:?}");
    }
}

#[test]
fn sources_with_the_same_ids_are_apart_and_none_takes_the_article_of_another() {
    let (a, b) = (Portal::new(), Portal::new());
    let date = "Fri, 12 May 2023 17:39:00 +0700";
    for (portal, title) in [(&a, "Của xã A"), (&b, "Của xã B")] {
        portal.serves(
            "/rss.xml",
            rss(&[
                item("news_123", title, date, &portal.url("/1"), title),
                item("tag:xa.example,2020:1", &format!("{title} hai"), date, &portal.url("/2"), title),
                item(
                    "tag:dakto.example,2023:2023-05-12/cua-xa-a",
                    &format!("{title} ba"),
                    date,
                    &portal.url("/3"),
                    title,
                ),
            ]),
        );
    }
    let site = province(&[("Xã A", a.url("/rss.xml")), ("Xã B", b.url("/rss.xml"))]);
    let published: Vec<_> = ["Xã A", "Xã B"].map(|name| pull(&site, name)["published"].clone()).into();
    assert_eq!(published, [3, 3]);
    let all = items(&site);
    let of = |title: &str| {
        all.iter().find(|item| item["title"] == title).unwrap_or_else(|| panic!("{title}: {all:?}"))
    };
    // An id that is unique in the world is kept, for the first that has it. One of this site's own is never taken.
    assert_eq!(of("Của xã A hai")["id"], "tag:xa.example,2020:1");
    assert_ne!(of("Của xã B hai")["id"], "tag:xa.example,2020:1");
    assert_ne!(of("Của xã A ba")["id"], "tag:dakto.example,2023:2023-05-12/cua-xa-a");
    // The same title and text in the folder is another article.
    site.write("xa-hoi/cua-xa-a.txt", article("Của xã A", "12/05/2023 17:39", "Của xã A"));
    site.ok(&["scan"]);
    assert_eq!(items(&site).len(), 7);
}

#[test]
fn a_tombstone_withdraws_and_a_return_restores() {
    let portal = Portal::new();
    let entry = format!(
        "<entry><id>tag:a,2020:1</id><title>Một</title><link href='{}'/><updated>2023-05-12T17:39:00+07:00</updated><content>Một.</content></entry>",
        portal.url("/1")
    );
    let atom = |inner: &str| {
        format!(
            "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:at='http://purl.org/atompub/tombstones/1.0'><title>A</title>{inner}</feed>"
        )
    };
    portal.serves("/atom.xml", atom(&entry));
    let site = province(&[("Xã A", portal.url("/atom.xml"))]);
    assert_eq!(pull(&site, "Xã A")["published"], 1);
    let gone = "<at:deleted-entry ref='tag:a,2020:1' when='2023-05-13T00:00:00Z'><at:comment>Trùng bài</at:comment></at:deleted-entry>";
    portal.serves("/atom.xml", atom(gone));
    assert_eq!(pull(&site, "Xã A")["withdrawn"], 1);
    assert_eq!(pull(&site, "Xã A")["withdrawn"], 0);
    assert!(site.ok(&["render", "-", "atom"]).contains("Trùng bài"));
    portal.serves("/atom.xml", atom(&entry));
    assert_eq!(pull(&site, "Xã A")["corrected"], 1);
    assert_eq!(items(&site)[0]["id"], "tag:a,2020:1");
    // What an operator withdrew stays withdrawn.
    site.ok(&["withdraw", "tag:a,2020:1"]);
    portal.serves("/atom.xml", atom(&entry.replace("Một.", "Một, sửa.")));
    pull(&site, "Xã A");
    assert_eq!(items(&site).len(), 0);
}

#[test]
fn failures_are_told_and_change_nothing_and_410_ends_a_source() {
    let portal = Portal::new();
    let whole = rss(&[item("1", "Một", "Fri, 12 May 2023 17:39:00 +0700", &portal.url("/1"), "Một.")]);
    portal.serves("/rss.xml", &whole);
    let site = province(&[("Xã A", portal.url("/rss.xml"))]);
    pull(&site, "Xã A");
    for (answer, reason) in [
        ("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n", "500"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<html></a>", "not"),
        (&format!("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{whole}"), ""),
        (&format!("HTTP/1.1 200 OK\r\n\r\n{}", &whole[..whole.len() - 20]), "XML"),
        ("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n", "http"),
    ] {
        portal.answers_with("/rss.xml", answer);
        let report = pull(&site, "Xã A");
        assert!(report["error"].as_str().is_some_and(|error| error.contains(reason)), "{answer}: {report}");
        let sources: Value = serde_json::from_slice(&site.run(&["sources", "--json"]).stdout).unwrap();
        assert_eq!(sources[0]["state"], "failing");
    }
    assert_eq!(items(&site).len(), 1);
    // A run of cron does not request a source that waits, and does not forget its failure.
    let waits = |reason: &str| {
        let asked = portal.asked_for("/rss.xml");
        let output = site.run(&["pull", "--json"]);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.trim_ascii()), (Some(1), &b"[]"[..]), "{message}");
        assert!(message.contains("Xã A: not due") && message.contains(reason), "{message}");
        assert_eq!(portal.asked_for("/rss.xml"), asked);
    };
    waits("is tried again at 20");
    portal.answers_with("/rss.xml", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n");
    pull(&site, "Xã A");
    waits("bantin sources resume");
    let sources: Value = serde_json::from_slice(&site.run(&["sources", "--json"]).stdout).unwrap();
    assert_eq!((&sources[0]["state"], &sources[0]["published"]), (&"gone".into(), &1.into()));
    site.ok(&["sources", "resume", "Xã A"]);
    portal.serves("/rss.xml", &whole);
    assert_eq!(pull(&site, "Xã A")["error"], Value::Null);
    // Without permission, a private address is never requested.
    let config =
        std::fs::read_to_string(site.path("config.toml")).unwrap().replace("127.0.0.1:", "localhost:");
    let config = config.replace(
        "listen = \"localhost:0\"\nadmin = \"localhost:0\"",
        "listen = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"",
    );
    std::fs::write(site.path("config.toml"), config.replace("allow_private = true", "")).unwrap();
    let asked = portal.asked_for("/rss.xml");
    let refused = site.run(&["pull", "Xã A"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("allow_private"), "{refused:?}");
    assert_eq!((refused.status.success(), portal.asked_for("/rss.xml")), (false, asked));
}

#[test]
fn the_service_collects_by_itself_also_from_another_bantin_named_by_its_page() {
    let commune = TestSite::new().with("BANTIN_SITE__TAG_AUTHORITY", "xa.example,2023");
    commune.write("xa-hoi/hop-dan.txt", article("Xã họp dân", "12/05/2023 17:39", "Sáng nay, xã họp dân."));
    let commune_server = commune.serve();
    let portal = Portal::new();
    let feed = format!("http://{}/atom.xml", commune_server.address());
    let page = format!(
        "<html><head><link rel=alternate type=application/atom+xml href='{feed}'></head><body>Xã</body></html>"
    );
    portal.serves("/", &page);
    let slow = TcpListener::bind("127.0.0.1:0").unwrap();
    let never = format!("http://{}/rss.xml", slow.local_addr().unwrap());
    let province = province(&[("Chậm", never), ("Xã Đăk Rơ Nga", portal.url("/"))]);
    let server = province.serve();
    // The other source does not answer, which delays nothing.
    wait_until("the article of the commune", || server.get("/feed.json").text().contains("Xã họp dân"));
    let feed = server.get("/feed.json").json();
    assert_eq!(feed["items"][0]["id"], "tag:xa.example,2023:2023-05-12/hop-dan");
    assert_eq!(feed["items"][0]["date_published"], "2023-05-12T17:39:00+07:00");
    drop(slow);
    assert!(server.stop());
}

/// How the first source is.
fn health(site: &TestSite) -> Value {
    let sources: Value = serde_json::from_slice(&site.run(&["sources", "--json"]).stdout).unwrap();
    sources[0].clone()
}

#[test]
fn a_source_that_publishes_far_less_than_usual_is_shown_until_it_does_so_again() {
    let portal = Portal::new();
    let noon = Utc::now().with_timezone(&FixedOffset::east_opt(7 * 3600).unwrap()).date_naive();
    // Two articles on each of these days before today.
    let of_days = |days: std::ops::Range<i64>| -> Vec<String> {
        let dates =
            days.map(|ago| (noon - TimeDelta::days(ago)).format("%d %b %Y 12:00:00 +0700").to_string());
        let twice = dates.flat_map(|date| [format!("{date} a"), format!("{date} b")]);
        let article = |name: String| {
            let link = portal.url(&format!("/{}", name.replace([' ', ':', '+'], "-")));
            item(&name, &name, &name[..name.len() - 2], &link, "Tin trong ngày.")
        };
        twice.map(article).collect()
    };
    portal.serves("/rss.xml", rss(&of_days(8..100)));
    let site = province(&[("Xa", portal.url("/rss.xml"))]);
    assert_eq!(pull(&site, "Xa")["published"], 184);
    assert_eq!(health(&site)["shortfall"], json!({ "last_week": 0, "usual_week": 14 }));
    let text = site.ok(&["sources"]);
    assert!(text.contains("0 articles in the last week, usually 14"), "{text}");
    let server = site.serve();
    let shown = |line: &str| server.admin("/metrics").text().contains(line);
    wait_until("the metric", || shown("bantin_source_shortfall{source=\"Xa\"} 1\n"));
    assert!(server.stop());
    portal.serves("/rss.xml", rss(&of_days(1..8)));
    pull(&site, "Xa");
    assert_eq!(health(&site)["shortfall"], Value::Null);
    assert!(!site.ok(&["sources"]).contains("usually"));
}

#[test]
fn what_polls_find_untold_is_counted_and_a_hub_that_misses_it_is_not_trusted() {
    let portal = Portal::new();
    let links = format!(
        "<channel><atom:link xmlns:atom='http://www.w3.org/2005/Atom' rel='hub' href='{}'/>\
         <atom:link xmlns:atom='http://www.w3.org/2005/Atom' rel='self' href='{}'/>",
        portal.url("/hub"),
        portal.url("/rss.xml")
    );
    let publish = |title: &str, date: &str| {
        let article = item(title, title, date, &portal.url(&format!("/{title}")), title);
        portal.serves("/rss.xml", rss(&[article]).replace("<channel>", &links));
    };
    publish("mot", "Fri, 12 May 2023 17:39:00 +0700");
    portal.answers_with("/hub", "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n");
    let site = province(&[("Xa", portal.url("/rss.xml"))]);
    pull(&site, "Xa");
    assert_eq!(portal.asked_for("/hub"), 1);
    assert_eq!(health(&site)["hub"], json!({ "trusted": true, "told": 0, "missed": 0 }));
    let server = site.serve();
    let database = rusqlite::Connection::open(site.path("data/bantin.db")).unwrap();
    let token: String = database.query_row("SELECT token FROM source_hub", [], |row| row.get(0)).unwrap();
    let confirmation = format!(
        "/hub/{token}?hub.mode=subscribe&hub.topic={}&hub.challenge=abc&hub.lease_seconds=86400",
        portal.url("/rss.xml")
    );
    assert_eq!(server.get(&confirmation).body, b"abc");
    // It has promised to tell, and does not.
    for title in ["hai", "ba", "bon"] {
        assert_eq!(health(&site)["hub"]["trusted"], true);
        publish(title, "Sat, 13 May 2023 17:39:00 +0700");
        pull(&site, "Xa");
    }
    assert_eq!(health(&site)["hub"], json!({ "trusted": false, "told": 0, "missed": 3 }));
    let text = site.ok(&["sources"]);
    let shown = "hub not trusted any more: told 0 times, polls found 3 changes that it had not told";
    assert!(text.contains(shown), "{text}");
    wait_until("the metrics", || {
        let metric = |name| server.metric(&format!("bantin_source_hub_{name}{{source=\"Xa\"}}"));
        (metric("missed_total"), metric("trusted")) == (3, 0)
    });
}

#[test]
fn the_metrics_count_what_is_held_back_of_each_source() {
    let portal = Portal::new();
    portal.serves("/rss.xml", rss(&[item("a", "Không ngày", "", &portal.url("/a"), "A.")]));
    portal.serves("/b.xml", rss(&[]));
    let site = province(&[("Xa", portal.url("/rss.xml")), ("Khac", portal.url("/b.xml"))]);
    pull(&site, "Xa");
    let server = site.serve();
    let doubtful = |name: &str| server.metric(&format!("bantin_source_doubtful_items{{source=\"{name}\"}}"));
    wait_until("both sources", || {
        ["Xa", "Khac"]
            .iter()
            .all(|name| server.admin("/metrics").text().contains(&format!("source=\"{name}\"")))
    });
    assert_eq!((doubtful("Xa"), doubtful("Khac")), (1, 0));
    site.ok(&["sources", "drop", "Xa", "id:a"]);
    wait_until("the decision", || doubtful("Xa") == 0);
    let failing = || server.metric("bantin_source_failing{source=\"Khac\"}");
    assert_eq!(failing(), 0);
    portal.answers_with("/b.xml", "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n");
    pull(&site, "Khac");
    wait_until("the failure", || failing() == 1);
    site.ok(&["sources", "pause", "Khac"]);
    wait_until("the pause, which is no failure", || failing() == 0);
}

#[test]
fn who_covers_the_channels_of_a_source_decides_on_it_through_the_api_and_nobody_else() {
    let portal = Portal::new();
    portal.serves(
        "/rss.xml",
        rss(&[
            item("a", "Không ngày", "", &portal.url("/a"), "A."),
            item("b", "Ngày tương lai", "Fri, 12 May 2090 17:39:00 +0700", &portal.url("/b"), "B."),
        ]),
    );
    let site = province(&[("Xã A", portal.url("/rss.xml"))]);
    site.configure("[[channel]]\nslug = \"kinh-te\"\n");
    pull(&site, "Xã A");
    let server = site.serve();
    let token = |channels: &str| {
        let secret = site.ok(&["token", "new", channels, "--channels", channels]);
        format!("Bearer {}", secret.trim())
    };
    let (own, other) = (token("xa-hoi"), token("kinh-te"));
    let ask = |method: &str, path: &str, bearer: &str| {
        server.request(method, &format!("/api/sources{path}"), &[("Authorization", bearer)])
    };
    let state = || ask("GET", "", &own).json()["sources"][0].clone();
    let item = |rest: &str| format!("/X%C3%A3%20A/items/{rest}");
    assert_eq!(state()["doubtful"], 2);
    assert_eq!(ask("GET", "", &other).json()["sources"], json!([]));
    for (method, path) in [
        ("GET", item("")[..item("").len() - 1].to_owned()),
        ("POST", "/X%C3%A3%20A/pause".to_owned()),
        ("POST", "/X%C3%A3%20A/resume".to_owned()),
        ("POST", item("id%3Aa/accept?published=12/05/2023%2017:39")),
        ("POST", item("id%3Aa/drop")),
    ] {
        assert_eq!(ask(method, &path, &other).status, 403, "{method} {path}");
        assert_eq!(ask(method, &path, "Bearer bantin_sai").status, 401, "{method} {path}");
    }
    let held = ask("GET", "/X%C3%A3%20A/items", &own).json();
    let first = json!({
        "source": "Xã A", "key": "id:a", "title": "Không ngày", "link": portal.url("/a"), "date": null,
        "correction": false,
        "reason": "no publication date", "reason_vi": "không có ngày đăng",
    });
    assert_eq!((&held["items"][0], &held["items"][1]["key"]), (&first, &"id:b".into()), "{held}");
    let part = ask("GET", "/X%C3%A3%20A/items?limit=1", &own).json();
    assert_eq!((part["items"].as_array().unwrap().len(), &part["next"]), (1, &1.into()));
    assert_eq!(ask("GET", "/X%C3%A3%20A/items?limit=1&skip=1", &own).json()["next"], Value::Null);
    // An article with a date that nobody has named is not published.
    let refused = ask("POST", &item("id%3Aa/accept"), &own);
    assert_eq!((refused.status, &refused.json()["field"]), (422, &"published".into()));
    assert_eq!(state()["doubtful"], 2);
    let accepted = ask("POST", &item("id%3Aa/accept?published=13/05/2023%2008:00"), &own);
    assert_eq!((accepted.status, &accepted.json()["outcome"]), (200, &"published".into()));
    assert_eq!(items(&site)[0]["date_published"], "2023-05-13T08:00:00+07:00");
    assert_eq!((&state()["published"], state()["last_new"].is_string()), (&1.into(), true), "{}", state());
    assert_eq!(ask("POST", &item("id%3Ab/drop"), &own).json()["outcome"], "dropped");
    assert_eq!(ask("POST", &item("id%3Ab/drop"), &own).status, 404, "it was decided");
    assert_eq!(state()["doubtful"], 0);
    // A paused source is not requested, whatever the feed has.
    assert_eq!(ask("POST", "/X%C3%A3%20A/pause", &own).json()["state"], "paused");
    let asked = portal.asked_for("/rss.xml");
    assert!(site.run(&["pull"]).status.success());
    assert_eq!(portal.asked_for("/rss.xml"), asked);
    assert_eq!(ask("POST", "/X%C3%A3%20A/resume", &own).json()["state"], "ok");
    wait_until("the next poll", || portal.asked_for("/rss.xml") > asked);
    assert_eq!(ask("POST", "/Xa/pause", &own).status, 404);
    let log = server.log();
    assert!(log.contains("an item was accepted") && log.contains("xa-hoi"), "{log}");
}

#[test]
fn what_two_sources_both_published_and_what_never_settles_is_reported_everywhere() {
    let (first, second) = (Portal::new(), Portal::new());
    let date = "Fri, 12 May 2023 17:39:00 +0700";
    let words = "Sáng nay, xã họp dân ở nhà rông để bàn việc làm đường vào làng, góp công và góp đá.";
    let serve = |portal: &Portal, text: &str| {
        portal.serves("/rss.xml", rss(&[item("1", "Họp dân", date, &portal.url("/1"), text)]));
    };
    serve(&first, words);
    serve(&second, &format!("{words} (Hết)"));
    let site = province(&[("Xa", first.url("/rss.xml")), ("Huyen", second.url("/rss.xml"))]);
    for name in ["Xa", "Huyen"] {
        assert_eq!(pull(&site, name)["published"], 1);
    }
    let reports: Vec<Value> = (0..14)
        .map(|number| {
            serve(&first, &format!("{words} Lượt xem: {number}"));
            pull(&site, "Xa")
        })
        .collect();
    let corrected: u64 = reports.iter().map(|report| report["corrected"].as_u64().unwrap()).sum();
    assert_eq!((corrected, &reports[12]["unsettled"]), (12, &json!(["Họp dân"])), "{reports:?}");
    let state = health(&site);
    assert_eq!((&state["unsettled"], &state["probable_duplicates"]), (&1.into(), &1.into()), "{state}");
    let text = site.ok(&["sources"]);
    for shown in ["1 article changing again and again", "1 article probably published by another source"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let listed =
        |what: &str| -> Value { serde_json::from_str(&site.ok(&["sources", what, "--json"])).unwrap() };
    let (pairs, waiting) = (listed("duplicates"), listed("unsettled"));
    let both = [&pairs[0]["later"]["source"], &pairs[0]["earlier"]["source"]];
    assert_eq!((pairs.as_array().unwrap().len(), both), (1, [&json!("Xa"), &json!("Huyen")]), "{pairs}");
    assert_eq!(waiting[0]["id"], pairs[0]["later"]["id"], "{waiting}");
    assert!(site.ok(&["sources", "duplicates"]).contains("Họp dân  Xa  tag:"));
    assert!(site.ok(&["sources", "unsettled"]).starts_with("Xa  Họp dân  tag:"));
    assert_eq!(items(&site).len(), 2, "nothing is merged");
    let server = site.serve();
    let secret = site.ok(&["token", "new", "Tất cả"]);
    let bearer = format!("Bearer {}", secret.trim());
    let answer = server.request("GET", "/api/sources/Xa", &[("Authorization", &bearer)]).json();
    assert_eq!(answer["duplicates"], pairs);
    assert_eq!(answer["waiting_items"], waiting);
    wait_until("the metrics", || {
        let shown = server.admin("/metrics").text();
        let counts = ["unsettled_items{source=\"Xa\"}", "probable_duplicates{source=\"Huyen\"}"];
        counts.iter().all(|count| shown.contains(&format!("bantin_source_{count} 1\n")))
    });
    let body =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("token", secret.trim()).finish();
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let login = server.request_with_body("POST", "/soan/dang-nhap", &[form], body.as_bytes());
    let cookie = login.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let page = server.request("GET", "/soan/nguon?id=Xa", &[("Cookie", &cookie)]).text();
    for shown in [
        "1 bài thay đổi liên tục nên bản mới nhất phải chờ.",
        "1 bài có thể trùng với bài của nguồn khác.",
        "Bài của Huyen",
        "Chờ từ <time",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
}

#[test]
fn a_correction_that_is_dropped_leaves_the_article_and_its_later_corrections() {
    let portal = Portal::new();
    let publish = |title: &str, date: &str| {
        portal.serves("/rss.xml", rss(&[item("a", title, date, &portal.url("/a"), "A.")]));
    };
    let date = "Fri, 12 May 2023 17:39:00 +0700";
    let site = province(&[("Xã A", portal.url("/rss.xml"))]);
    let title = || items(&site)[0]["title"].as_str().unwrap().to_owned();
    publish("Họp dân", date);
    pull(&site, "Xã A");
    publish("Họp dân lần hai", "hôm kia");
    assert_eq!(pull(&site, "Xã A")["doubtful"][0]["title"], "Họp dân lần hai");
    let held: Value = serde_json::from_str(&site.ok(&["sources", "doubtful", "--json"])).unwrap();
    assert_eq!(held[0]["correction"], true, "{held}");
    assert_eq!(site.ok(&["sources", "drop", "Xã A", "id:a"]), "dropped\n");
    let report = pull(&site, "Xã A");
    assert_eq!(
        (&report["doubtful"], &report["corrected"]),
        (&json!([]), &0.into()),
        "it was decided: {report}"
    );
    assert_eq!(title(), "Họp dân");
    publish("Họp dân ở nhà rông", date);
    assert_eq!(pull(&site, "Xã A")["corrected"], 1);
    assert_eq!(title(), "Họp dân ở nhà rông");
}

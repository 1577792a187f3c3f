//! A portal on WordPress whose feed is broken in one way per story: what the province republishes is right, or it is held
//! back with the reason.

use chrono::{TimeDelta, Utc};
use serde_json::Value;

use crate::images::png;
use crate::support::TestSite;
use crate::support::portal::{items, province, pull};
use crate::support::wordpress::{Post, WordPress};

const NAME: &str = "UBND xã Đăk Tô";
/// When [`WordPress::post`] was published.
const RIGHT: &str = "2023-05-12T17:39:00+07:00";

fn province_of(portal: &WordPress) -> TestSite {
    province(&[(NAME, portal.url())])
}

/// Title and date of each republished article, by title.
fn dates(site: &TestSite) -> Vec<(String, String)> {
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    let mut dates: Vec<_> =
        items(site).iter().map(|item| (text(item, "title"), text(item, "date_published"))).collect();
    dates.sort();
    dates
}

/// Titles of the republished articles, sorted.
fn titles(site: &TestSite) -> Vec<String> {
    dates(site).into_iter().map(|(title, _)| title).collect()
}

/// The only republished article.
fn only(site: &TestSite) -> Value {
    let mut items = items(site);
    assert_eq!(items.len(), 1, "{items:?}");
    items.remove(0)
}

/// How often a poll repaired something of this kind.
fn repaired(report: &Value, kind: &str) -> u64 {
    report["repairs"][kind].as_u64().unwrap_or_default()
}

/// The reasons for which a poll held items back, with their titles.
fn held(report: &Value) -> Vec<(String, String)> {
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    let doubtful = report["doubtful"].as_array().unwrap().iter();
    let mut held: Vec<_> = doubtful.map(|item| (text(item, "title"), text(item, "reason"))).collect();
    held.sort();
    held
}

/// A post with another date.
fn dated(portal: &WordPress, number: u32, title: &str, date: &str) -> Post {
    Post { date: date.to_owned(), ..portal.post(number, title) }
}

#[test]
fn a_feed_as_wordpress_writes_it_needs_no_repair() {
    let portal = WordPress::new();
    let post = portal.post(1, "Họp dân");
    portal.has_page(&post, "12/05/2023 17:39");
    portal.publishes(std::slice::from_ref(&post));
    let site = province_of(&portal);
    let report = pull(&site, NAME);
    assert_eq!((&report["published"], &report["repairs"]), (&1.into(), &serde_json::json!({})), "{report}");
    let article = only(&site);
    assert_eq!((&article["date_published"], &article["url"]), (&RIGHT.into(), &post.link.as_str().into()));
    assert_eq!(article["authors"][0]["name"], "Văn phòng");
    assert_eq!(article["id"], post.guid.as_str(), "its id is a URL of its own host");
    let html = article["content_html"].as_str().unwrap();
    assert!(
        html.contains("xã họp dân lần 1") && html.contains(&format!("Theo <a href=\"{}\">", post.link)),
        "{html}"
    );
}

#[test]
fn the_month_in_place_of_the_minutes_is_recognised_from_the_history_and_replaced_by_the_page() {
    let portal = WordPress::new();
    let broken = [
        dated(&portal, 3, "Ba", "Fri, 12 May 2023 10:05:41 +0000"),
        dated(&portal, 2, "Hai", "Sat, 1 Apr 2023 00:04:00 +0000"),
        dated(&portal, 1, "Một", "Sun, 4 Dec 2022 00:12:09 +0000"),
    ];
    for (post, printed) in broken.iter().zip(["12/05/2023 17:39", "01/04/2023 07:20", "04/12/2022 07:51"]) {
        portal.has_page(post, printed);
    }
    portal.publishes(&broken);
    let site = province_of(&portal);
    let report = pull(&site, NAME);
    assert_eq!((&report["published"], repaired(&report, "date_from_page")), (&3.into(), 3), "{report}");
    let expected =
        [("Ba", RIGHT), ("Hai", "2023-04-01T07:20:00+07:00"), ("Một", "2022-12-04T07:51:00+07:00")];
    assert_eq!(dates(&site), expected.map(|(title, date)| (title.to_owned(), date.to_owned())));
    // The history is remembered: one post alone is enough now, and a page that prints another day decides nothing.
    let next = dated(&portal, 4, "Bốn", "Mon, 15 May 2023 01:05:02 +0000");
    portal.has_page(&next, "16/05/2023 08:00");
    portal.publishes(std::slice::from_ref(&next));
    let report = pull(&site, NAME);
    assert!(held(&report)[0].1.contains("the month in place of the minutes"), "{report}");
    portal.has_page(&next, "15/05/2023 08:00");
    pull(&site, NAME);
    assert_eq!(dates(&site)[1], ("Bốn".to_owned(), "2023-05-15T08:00:00+07:00".to_owned()));
}

#[test]
fn every_way_to_write_the_zone_of_vietnam_means_the_same_instant() {
    let portal = WordPress::new();
    let zones = [
        "GMT+7",
        "GMT+07",
        "GMT+07:00",
        "GMT +7",
        "UTC+7",
        "+07",
        "+7",
        "+7:00",
        "+07:00",
        "+0700",
        "ICT",
        "(ICT)",
        "+0700 (ICT)",
        "SE Asia Standard Time",
        "Asia/Ho_Chi_Minh",
        "",
    ];
    let posts: Vec<Post> = (1..)
        .zip(zones)
        .map(|(number, zone)| {
            dated(&portal, number, &format!("Múi giờ {zone}."), &format!("Fri, 12 May 2023 17:39:00 {zone}"))
        })
        .collect();
    portal.publishes(&posts);
    let site = province_of(&portal);
    let report = pull(&site, NAME);
    assert_eq!(held(&report), [], "{report}");
    for (title, date) in dates(&site) {
        assert_eq!(date, RIGHT, "{title}");
    }
    assert_eq!(report["published"], zones.len());
    assert_eq!(
        (repaired(&report, "missing_zone"), repaired(&report, "odd_zone") >= 10),
        (1, true),
        "{report}"
    );
    // A zone that nobody knows is no reason to guess.
    portal.publishes(&[dated(&portal, 90, "Giờ lạ", "Fri, 12 May 2023 17:39:00 XYZ")]);
    let report = pull(&site, NAME);
    assert_eq!(
        held(&report),
        [("Giờ lạ".to_owned(), "the zone of the publication date is unknown".to_owned())]
    );
}

#[test]
fn local_digits_labelled_gmt_are_compared_with_the_page() {
    // Published an hour ago by the clock on the wall, which the feed calls GMT: that is six hours ahead.
    let portal = WordPress::new();
    let wall = Utc::now() + TimeDelta::hours(6);
    let as_gmt = wall.format("%a, %d %b %Y %H:%M:00 GMT").to_string();
    let right = wall.format("%Y-%m-%dT%H:%M:00+07:00").to_string();
    let fresh = dated(&portal, 2, "Mới", &as_gmt);
    let old = dated(&portal, 1, "Cũ", "Fri, 12 May 2023 17:39:00 GMT");
    portal.has_page(&fresh, &wall.format("%d/%m/%Y %H:%M").to_string());
    portal.has_page(&old, "12/05/2023 17:39");
    portal.publishes(&[fresh, old]);
    let site = province_of(&portal);
    let report = pull(&site, NAME);
    assert_eq!((&report["published"], repaired(&report, "date_from_page")), (&2.into(), 2), "{report}");
    let expected = [("Cũ", RIGHT), ("Mới", &right)];
    assert_eq!(dates(&site), expected.map(|(title, date)| (title.to_owned(), date.to_owned())));
    // Known for that now: what the page does not confirm is held back.
    portal.publishes(&[dated(&portal, 3, "Không có trang", "Fri, 12 May 2023 17:39:00 GMT")]);
    let report = pull(&site, NAME);
    assert!(held(&report)[0].1.contains("local time called GMT"), "{report}");
}

#[test]
fn local_digits_labelled_gmt_are_found_out_also_when_no_item_is_new() {
    // Hours after publication nothing lies in the future any more. The page of the first item tells.
    let portal = WordPress::new();
    let posts = [3, 2, 1].map(|number| {
        dated(&portal, number, &format!("Bài {number}"), &format!("Fri, 12 May 2023 17:{number}9:00 GMT"))
    });
    for (post, number) in posts.iter().zip([3, 2, 1]) {
        portal.has_page(post, &format!("12/05/2023 17:{number}9"));
    }
    portal.publishes(&posts);
    let site = province_of(&portal);
    pull(&site, NAME);
    let shown = dates(&site);
    let expected = ["Bài 1", "Bài 2", "Bài 3"]
        .map(|title| (title.to_owned(), format!("2023-05-12T17:{}9:00+07:00", &title[5..])));
    assert_eq!(shown, expected);
    // A site whose dates are right is asked once and never again.
    let honest = WordPress::new();
    let posts = [2, 1].map(|number| honest.post(number, &format!("Bài {number}")));
    for post in &posts {
        honest.has_page(post, "12/05/2023 17:39");
    }
    honest.publishes(&posts);
    let site = province_of(&honest);
    assert_eq!(pull(&site, NAME)["published"], 2);
    assert_eq!(dates(&site).iter().map(|(_, date)| date.as_str()).collect::<Vec<_>>(), [RIGHT, RIGHT]);
    let asked = |path: &str| honest.portal.asked_for(path);
    assert_eq!(asked("/2023/05/bai-1/") + asked("/2023/05/bai-2/"), 1);
    honest.publishes(&[honest.post(3, "Bài 3")]);
    pull(&site, NAME);
    assert_eq!(asked("/2023/05/bai-3/"), 0);
}

#[test]
fn dates_as_vietnamese_offices_print_them_are_read() {
    let portal = WordPress::new();
    let written = [
        "12/05/2023 17:39",
        "17:39 12/05/2023",
        "12-05-2023 17:39:00",
        "12.05.2023 17:39",
        "17h39, 12/5/2023",
        "12/05/2023 5:39 CH",
        "12/05/2023 05:39:00 PM",
        "Thứ Sáu, ngày 12 tháng 5 năm 2023, 17 giờ 39 phút",
        "Thứ sáu, 12/05/2023 - 17:39",
        "12 Tháng Năm, 2023 17:39",
        "T6, 12 Th5 2023 17:39:00 +0700",
        "Thứ 6, 12 Tháng 5 2023 17:39:00 +0700",
        "2023-05-12 17:39:00",
        "2023-05-12T17:39:00+07:00",
        "Fri, 12 May 2023 17:39 +0700",
        "12 May 2023 17:39:00 +0700",
        "Friday, 12-May-2023 17:39:00 +0700",
        "Fri, 12 Mai 2023 17:39:00 +0700",
    ];
    let posts: Vec<Post> = (1..)
        .zip(written)
        .map(|(number, date)| dated(&portal, number, &format!("Ngày {number}: {date}."), date))
        .collect();
    portal.publishes(&posts);
    let site = province_of(&portal);
    let report = pull(&site, NAME);
    for (title, date) in dates(&site) {
        assert_eq!(date, RIGHT, "{title}");
    }
    assert!(repaired(&report, "odd_date") >= 12, "{report}");
    // The last names a month of another language and is read by nobody.
    let refused: Vec<String> = held(&report).into_iter().map(|(title, _)| title).collect();
    assert_eq!(refused, [format!("Ngày 18: {}.", written[17])], "{report}");
}

#[test]
fn a_date_in_the_future_or_without_meaning_is_held_back_until_the_source_corrects_it() {
    let portal = WordPress::new();
    let wrong = [
        ("Sang năm", "Fri, 12 May 2090 10:39:00 +0700", "future"),
        ("Hôm qua", "hôm qua", "cannot be read"),
        ("Tháng mười ba", "12/13/2023 17:39", "cannot be read"),
        ("Ngày 31 tháng 2", "Fri, 31 Feb 2023 10:39:00 +0700", "cannot be read"),
        ("Năm 0", "Mon, 30 Nov -0001 00:00:00 +0000", "cannot be read"),
        ("Năm hai chữ số", "12/05/23", "cannot be read"),
        ("Không ngày", "", "no publication date"),
    ];
    let posts: Vec<Post> =
        (1..).zip(wrong).map(|(number, (title, date, _))| dated(&portal, number, title, date)).collect();
    portal.publishes(&posts);
    let site = province_of(&portal);
    let report = pull(&site, NAME);
    let held = held(&report);
    for (title, _, reason) in wrong {
        let (_, told) = held.iter().find(|(held, _)| held == title).unwrap();
        assert!(told.contains(reason), "{title}: {told}");
    }
    assert_eq!((held.len(), items(&site).len()), (wrong.len(), 0), "{report}");
    // The source corrects one of them.
    portal.publishes(&[portal.post(1, "Sang năm")]);
    assert_eq!(pull(&site, NAME)["published"], 1);
    assert!(dates(&site).contains(&("Sang năm".to_owned(), RIGHT.to_owned())));
}

#[test]
fn an_encoding_that_lies_is_found_out_and_one_that_cannot_be_known_is_refused() {
    let title = "Đăk Tô: hội nghị về nước sạch";
    let decoded_as = |declared: &str, header: &str, encode: fn(&str) -> Vec<u8>| {
        let mut portal = WordPress::new();
        portal.declaration = format!("<?xml version=\"1.0\" encoding=\"{declared}\"?>");
        let body = encode(&portal.feed(&[portal.post(1, title)]));
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: {header}\r\nContent-Length: {}\r\n\r\n", body.len());
        portal.portal.answers_with(WordPress::FEED, [head.as_bytes(), &body].concat());
        let site = province_of(&portal);
        let report = pull(&site, NAME);
        (report, items(&site))
    };
    let utf8 = |text: &str| text.as_bytes().to_vec();
    let windows_1258 = |text: &str| {
        // The encoding has bases and combining marks.
        let text: String = with_combining_marks(text);
        encoding_rs::WINDOWS_1258.encode(&text).0.into_owned()
    };
    let utf16 = |text: &str| {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
    };
    type Encode = fn(&str) -> Vec<u8>;
    let cases: [(&str, &str, Encode, u64); 7] = [
        ("UTF-8", "application/rss+xml; charset=UTF-8", utf8, 0),
        ("windows-1252", "application/rss+xml", utf8, 1),
        ("UTF-8", "text/xml; charset=iso-8859-1", utf8, 1),
        ("windows-1258", "application/rss+xml", windows_1258, 0),
        ("UTF-8", "application/rss+xml; charset=UTF-8", windows_1258, 1),
        ("UTF-8", "application/rss+xml; charset=UTF-8", utf16, 0),
        ("utf-16", "text/xml", utf8, 1),
    ];
    for (declared, header, encode, wrong) in cases {
        let (report, items) = decoded_as(declared, header, encode);
        assert_eq!(items.len(), 1, "{declared}, {header}: {report}");
        assert_eq!(items[0]["title"], title, "{declared}, {header}");
        assert_eq!(repaired(&report, "wrong_encoding"), wrong, "{declared}, {header}: {report}");
    }
    // Bytes of no encoding of Vietnam.
    let noise = |text: &str| {
        let mut bytes: Vec<u8> = text.chars().map(|c| if c.is_ascii() { c as u8 } else { 0x81 }).collect();
        bytes.extend([0xff, 0xfe, 0x81]);
        bytes
    };
    let (report, items) = decoded_as("UTF-8", "application/rss+xml", noise);
    assert!(report["error"].as_str().is_some_and(|error| error.contains("encoding")), "{report}");
    assert_eq!(items.len(), 0);
}

/// Bases with combining marks, as windows-1258 has them.
fn with_combining_marks(text: &str) -> String {
    const PAIRS: [(char, &str); 8] = [
        ('ộ', "ô\u{323}"),
        ('ị', "i\u{323}"),
        ('ề', "ê\u{300}"),
        ('ớ', "ơ\u{301}"),
        ('ạ', "a\u{323}"),
        ('ọ', "o\u{323}"),
        ('ầ', "â\u{300}"),
        ('ừ', "ư\u{300}"),
    ];
    text.chars()
        .map(|c| PAIRS.iter().find(|(of, _)| *of == c).map_or(c.to_string(), |(_, to)| (*to).to_owned()))
        .collect()
}

#[test]
fn control_characters_are_removed_and_the_rest_of_the_text_stays() {
    let portal = WordPress::new();
    let post = Post {
        content: "<p>Đoạn\u{b} một\u{1f}.</p><p>Đoạn \u{ffff}hai.</p>".to_owned(),
        ..portal.post(1, "Họp\u{8} dân&#x1F;")
    };
    portal.publishes(&[post]);
    let site = province_of(&portal);
    let report = pull(&site, NAME);
    assert!(repaired(&report, "control_character") >= 3, "{report}");
    let article = only(&site);
    assert_eq!(article["title"], "Họp dân");
    let html = article["content_html"].as_str().unwrap();
    assert!(html.contains("<p>Đoạn một.</p>") && html.contains("<p>Đoạn hai.</p>"), "{html}");
    roxmltree::Document::parse(&site.ok(&["render", "-", "rss"])).unwrap();
}

#[test]
fn entities_and_prefixes_that_nobody_declared_are_understood() {
    let mut portal = WordPress::new();
    portal.root = "<rss version=\"2.0\">".to_owned();
    let post = Post {
        more: "\t\t<media:content url=\"/anh/1.png\" medium=\"image\"/>\n\t\t<la:gi>x</la:gi>\n".to_owned(),
        ..portal.post(1, "Đất&nbsp;&amp;&nbsp;Người &ndash; &agrave; &khonghe; R&D")
    };
    portal.portal.serves("/anh/1.png", png(200, 120, 1));
    portal.publishes(&[post]);
    let site = province_of(&portal);
    let report = pull(&site, NAME);
    assert!(repaired(&report, "entity") >= 5 && repaired(&report, "undeclared_prefix") >= 4, "{report}");
    let article = only(&site);
    assert_eq!(article["title"], "Đất & Người – à &khonghe; R&D");
    assert_eq!(article["authors"][0]["name"], "Văn phòng");
    let html = article["content_html"].as_str().unwrap();
    assert!(html.contains("xã họp dân lần 1") && html.contains("/media/"), "{html}");
}

#[test]
fn titles_that_are_escaped_twice_or_have_markup_are_plain_text() {
    let portal = WordPress::new();
    let cases = [
        ("Đất &amp;amp; Người", "Đất & Người"),
        ("&amp;quot;Nhà rông&amp;quot; mới", "\"Nhà rông\" mới"),
        ("Giá &amp;#8211; thị trường", "Giá – thị trường"),
        ("<![CDATA[<b>Họp</b> dân<br/>sáng nay]]>", "Họp dân sáng nay"),
        ("&lt;span style=\"color:red\"&gt;Khẩn:&lt;/span&gt; mưa lũ", "Khẩn: mưa lũ"),
        ("<![CDATA[Nhiệt độ < 10 và > 5]]>", "Nhiệt độ < 10 và > 5"),
        ("<b>Chữ</b> đậm không thoát", "Chữ đậm không thoát"),
        ("Dòng một\n\t\tdòng hai", "Dòng một dòng hai"),
        ("Chỉ 5 &lt; 7 &amp; 8", "Chỉ 5 < 7 & 8"),
    ];
    let posts: Vec<Post> = (1..).zip(cases).map(|(number, (title, _))| portal.post(number, title)).collect();
    portal.publishes(&posts);
    let site = province_of(&portal);
    let report = pull(&site, NAME);
    let mut expected: Vec<String> = cases.map(|(_, title)| title.to_owned()).into();
    expected.sort();
    assert_eq!(titles(&site), expected);
    assert!(repaired(&report, "title_markup") >= 5, "{report}");
    // A reader that unescapes the RSS once has the title.
    let feed = site.ok(&["render", "-", "rss"]);
    let feed = roxmltree::Document::parse(&feed).unwrap();
    let of_items = feed.descendants().filter(|node| node.has_tag_name("item"));
    let mut shown: Vec<_> = of_items
        .map(|item| {
            item.children().find(|node| node.has_tag_name("title")).unwrap().text().unwrap().to_owned()
        })
        .collect();
    shown.sort();
    assert_eq!(shown, expected);
}

#[test]
fn relative_links_and_images_lead_to_the_portal_and_tracking_does_not() {
    let portal = WordPress::new();
    portal.portal.serves("/wp-content/uploads/1.png", png(200, 120, 1));
    let content = "<p>Xem <a href=\"/van-ban/1.pdf\">văn bản</a>, <a href=\"//khac.example.vn/a\">nơi khác</a> và \
                   <a href=\"https://khac.example.vn/b?utm_source=x&amp;id=7\">bài này</a>.</p>\
                   <p><img src=\"data:image/gif;base64,R0lGODlhAQABAAAAACw=\" data-src=\"/wp-content/uploads/1.png\" alt=\"Nhà rông\"></p>";
    let post = Post {
        link: "/2023/05/bai-1/?utm_source=rss&utm_medium=feed&fbclid=abc".to_owned(),
        content: content.to_owned(),
        ..portal.post(1, "Họp dân")
    };
    portal.publishes(&[post]);
    let site = province_of(&portal);
    let report = pull(&site, NAME);
    assert_eq!(
        (repaired(&report, "relative_link"), repaired(&report, "tracking_parameter")),
        (1, 1),
        "{report}"
    );
    let article = only(&site);
    assert_eq!(article["url"], portal.portal.url("/2023/05/bai-1/"));
    let html = article["content_html"].as_str().unwrap();
    let link = format!("<a href=\"{}\"", portal.portal.url("/van-ban/1.pdf"));
    assert!(html.contains(&link) && html.contains("//khac.example.vn/a\""), "{html}");
    assert!(html.contains("/media/") && !html.contains("data:image") && !html.contains("src=\"/"), "{html}");
}

#[test]
fn empty_items_are_left_out_and_a_note_without_title_is_called_after_its_beginning() {
    let portal = WordPress::new();
    let empty =
        Post { title: String::new(), excerpt: String::new(), content: String::new(), ..portal.post(1, "") };
    let without_title =
        Post { content: "<p>Mai cúp nước từ 8 giờ.</p>".to_owned(), ..portal.post(2, "") };
    let blank = Post {
        guid: String::new(),
        title: " &nbsp; ".to_owned(),
        content: "<p>&nbsp;</p>".to_owned(),
        excerpt: String::new(),
        ..portal.post(3, "")
    };
    portal.publishes(&[empty, without_title, blank, portal.post(4, "Họp dân")]);
    let site = province_of(&portal);
    let report = pull(&site, NAME);
    assert_eq!((repaired(&report, "empty_item"), &report["error"]), (2, &Value::Null), "{report}");
    assert_eq!(titles(&site), ["Họp dân", "Mai cúp nước từ 8 giờ."]);
}

#[test]
fn ids_that_every_site_repeats_are_told_apart_by_the_source() {
    let (one, two) = (WordPress::new(), WordPress::new());
    for (portal, title) in [(&one, "Của xã một"), (&two, "Của xã hai")] {
        portal.publishes(&[Post { guid: "news_123".to_owned(), ..portal.post(1, title) }]);
    }
    let site = province(&[("Xã một", one.url()), ("Xã hai", two.url())]);
    for name in ["Xã một", "Xã hai"] {
        assert_eq!(pull(&site, name)["published"], 1);
    }
    let before = items(&site);
    assert_eq!(titles(&site), ["Của xã hai", "Của xã một"]);
    assert_ne!(before[0]["id"], before[1]["id"]);
    for article in &before {
        assert!(article["id"].as_str().unwrap().starts_with("tag:dakto.example,2023:"), "{article}");
    }
    // A correction of one stays with its own article.
    one.publishes(&[Post { guid: "news_123".to_owned(), ..one.post(1, "Của xã một, sửa") }]);
    assert_eq!(pull(&site, "Xã một")["corrected"], 1);
    assert_eq!(pull(&site, "Xã hai")["corrected"], 0);
    assert_eq!(titles(&site), ["Của xã hai", "Của xã một, sửa"]);
}

#[test]
fn one_feed_that_gives_two_articles_the_same_id_loses_none_of_them() {
    let portal = WordPress::new();
    let same = |number: u32, title: &str| Post { guid: "news_123".to_owned(), ..portal.post(number, title) };
    portal.publishes(&[same(2, "Lễ hội"), same(1, "Họp dân")]);
    let site = province_of(&portal);
    pull(&site, NAME);
    assert_eq!(titles(&site), ["Họp dân", "Lễ hội"]);
    let before = items(&site);
    // Polled again, nothing flips from one to the other.
    let report = pull(&site, NAME);
    assert_eq!((&report["published"], &report["corrected"]), (&0.into(), &0.into()), "{report}");
    assert_eq!(items(&site), before);
    portal.publishes(&[same(2, "Lễ hội lớn"), same(1, "Họp dân")]);
    assert_eq!(pull(&site, NAME)["corrected"], 1);
    assert_eq!(titles(&site), ["Họp dân", "Lễ hội lớn"]);
}

#[test]
fn an_item_that_changes_its_id_or_its_link_is_the_same_article() {
    let portal = WordPress::new();
    let first = portal.post(1, "Họp dân");
    portal.publishes(std::slice::from_ref(&first));
    let site = province_of(&portal);
    pull(&site, NAME);
    let id = only(&site)["id"].clone();
    let moved = first.link.replace("/2023/05/bai-1/", "/hop-dan/");
    let another_id =
        Post { guid: portal.portal.url("/?page_id=77"), title: "Họp dân 2".to_owned(), ..first.clone() };
    let another_link = Post { link: moved.clone(), title: "Họp dân 3".to_owned(), ..another_id.clone() };
    let spelled = Post {
        guid: "77".to_owned(),
        link: format!("{}?utm_campaign=x#more", moved.trim_end_matches('/')),
        title: "Họp dân 4".to_owned(),
        ..another_id.clone()
    };
    for changed in [another_id, another_link, spelled] {
        portal.publishes(std::slice::from_ref(&changed));
        let report = pull(&site, NAME);
        assert_eq!(
            (&report["published"], &report["corrected"]),
            (&0.into(), &1.into()),
            "{changed:?}: {report}"
        );
        let article = only(&site);
        assert_eq!((&article["id"], article["title"].as_str()), (&id, Some(changed.title.as_str())));
    }
}

#[test]
fn older_posts_are_walked_by_paged_until_the_page_that_does_not_exist() {
    let portal = WordPress::new();
    let page = |numbers: &[u32]| -> Vec<Post> {
        numbers.iter().map(|number| portal.post(*number, &format!("Bài {number}"))).collect()
    };
    portal.publishes(&page(&[6, 5]));
    portal.portal.serves("/feed/?paged=2", portal.feed(&page(&[5, 4, 3])));
    portal.portal.serves("/feed/?paged=3", portal.feed(&page(&[2, 1])));
    let site = province_of(&portal);
    assert_eq!(pull(&site, NAME)["published"], 2);
    let walked: Value = serde_json::from_str(&site.ok(&["pull", NAME, "--backfill", "--json"])).unwrap();
    assert_eq!((&walked[0]["published"], &walked[0]["error"]), (&4.into(), &Value::Null), "{walked}");
    assert_eq!(titles(&site), (1..=6).map(|number| format!("Bài {number}")).collect::<Vec<_>>());
    assert_eq!(portal.portal.asked_for("/feed/?paged=4"), 1);
}

#[test]
fn a_feed_with_noise_around_it_or_cut_off_is_read_or_refused_as_a_whole() {
    let portal = WordPress::new();
    let whole = portal.feed(&[portal.post(2, "Hai"), portal.post(1, "Một")]);
    let noisy = format!(
        "\u{feff}\n\n<br />\n<b>Warning</b>: Undefined variable $x in /var/www/functions.php on line 7<br />\n{whole}<!-- 0.2 s -->\n<script>x</script>"
    );
    portal.portal.serves(WordPress::FEED, &noisy);
    let site = province_of(&portal);
    let report = pull(&site, NAME);
    assert_eq!((&report["published"], repaired(&report, "text_around_document")), (&2.into(), 1), "{report}");
    for length in [whole.len() - 8, whole.len() / 2, 200, 0] {
        let cut: String = whole
            .chars()
            .scan(0, |bytes, c| {
                *bytes += c.len_utf8();
                (*bytes <= length).then_some(c)
            })
            .collect();
        portal.portal.serves(WordPress::FEED, &cut);
        let report = pull(&site, NAME);
        assert!(report["error"].is_string(), "{length}: {report}");
        assert_eq!(titles(&site), ["Hai", "Một"]);
    }
}

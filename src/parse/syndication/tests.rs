use chrono::{TimeZone as _, Utc};
use url::Url;

use super::*;
use crate::model::Block;
use crate::parse::{ImageSource, ParseOptions, ParsedArticle};
use crate::time::{DEFAULT_TIME_ZONE, rfc3339};

fn url() -> Url {
    Url::parse("https://dakto.example.vn/rss/tin.xml").unwrap()
}

fn read(xml: &str) -> SourceFeed {
    read_feed(xml.as_bytes(), None, &url()).unwrap_or_else(|fault| panic!("{fault}\n{xml}"))
}

fn rss(item: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><rss version=\"2.0\"><channel><title>Đăk Tô</title>{item}</channel></rss>"
    )
}

fn options() -> ParseOptions {
    ParseOptions { zone: DEFAULT_TIME_ZONE, language: "vi".to_owned(), encoding: None }
}

#[test]
fn every_format_gives_the_same_item() {
    let rss2 = "<rss version='2.0' xmlns:content='http://purl.org/rss/1.0/modules/content/' xmlns:dc='http://purl.org/dc/elements/1.1/'>\
        <channel><title>Đăk Tô</title><item><title>Họp dân</title><link>https://dakto.example.vn/hop</link><guid isPermaLink='false'>tag:a,1:1</guid>\
        <pubDate>Fri, 12 May 2023 17:39:00 +0700</pubDate><description>Tóm tắt</description><content:encoded><![CDATA[<p>Cả bài</p>]]></content:encoded>\
        <category>Xã hội</category><dc:creator>Tấn Lộc</dc:creator></item></channel></rss>";
    let rdf = "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/' xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:content='http://purl.org/rss/1.0/modules/content/'>\
        <channel><title>Đăk Tô</title></channel><item rdf:about='tag:a,1:1'><title>Họp dân</title><link>https://dakto.example.vn/hop</link><description>Tóm tắt</description>\
        <content:encoded>&lt;p&gt;Cả bài&lt;/p&gt;</content:encoded><dc:date>2023-05-12T17:39:00+07:00</dc:date><dc:subject>Xã hội</dc:subject><dc:creator>Tấn Lộc</dc:creator></item></rdf:RDF>";
    let atom = "<feed xmlns='http://www.w3.org/2005/Atom'><title>Đăk Tô</title><entry><id>tag:a,1:1</id><title>Họp dân</title><link href='/hop'/>\
        <published>2023-05-12T17:39:00+07:00</published><updated>2023-06-01T00:00:00Z</updated><summary>Tóm tắt</summary>\
        <content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>Cả bài</p></div></content><category term='xa-hoi' label='Xã hội'/><author><name>Tấn Lộc</name></author></entry></feed>";
    let json = r#"{"version":"https://jsonfeed.org/version/1.1","title":"Đăk Tô","items":[{"id":"tag:a,1:1","url":"https://dakto.example.vn/hop","title":"Họp dân",
        "content_html":"<p>Cả bài</p>","summary":"Tóm tắt","date_published":"2023-05-12T17:39:00+07:00","tags":["Xã hội"],"authors":[{"name":"Tấn Lộc"}]}]}"#;
    for text in [rss2, rdf, atom, json] {
        let feed = read(text);
        assert_eq!((feed.title.as_str(), feed.items.len()), ("Đăk Tô", 1), "{text}");
        let item = &feed.items[0];
        assert_eq!(item.id.as_deref(), Some("tag:a,1:1"), "{text}");
        assert_eq!(item.link.as_deref(), Some("https://dakto.example.vn/hop"), "{text}");
        assert_eq!((item.title.as_str(), item.summary.as_str()), ("Họp dân", "Tóm tắt"), "{text}");
        assert_eq!(
            (&item.categories, &item.authors),
            (&vec!["Xã hội".to_owned()], &vec!["Tấn Lộc".to_owned()]),
            "{text}"
        );
        let date =
            read_feed_date(item.date.as_ref().unwrap(), DEFAULT_TIME_ZONE, &mut Repairs::new()).unwrap();
        assert_eq!(rfc3339(date.published.instant, DEFAULT_TIME_ZONE), "2023-05-12T17:39:00+07:00", "{text}");
        let article = article_of(item, date.published, Some("UBND xã"), None, &options()).unwrap().article;
        assert!(
            matches!(&article.body[..], [Block::Lead { text, .. }] if text == "Cả bài"),
            "{:?}",
            article.body
        );
        assert_eq!(
            (article.source.as_deref(), article.summary.as_deref()),
            (Some("UBND xã"), Some("Tóm tắt"))
        );
    }
}

#[test]
fn broken_xml_is_repaired_and_counted_by_kind() {
    for (item, title, kind) in [
        ("<item><title>Đất & Người</title></item>", "Đất & Người", Repair::Entity),
        ("<item><title>Đất&nbsp;v&agrave; Người</title></item>", "Đất và Người", Repair::Entity),
        ("<item><title>5 < 6</title></item>", "5 < 6", Repair::Entity),
        ("<item><title>A\u{3}B</title></item>", "AB", Repair::ControlCharacter),
        ("<item><title>A&#3;B</title></item>", "AB", Repair::ControlCharacter),
        ("<item><title>A</title><media:thumbnail url='x'/></item>", "A", Repair::UndeclaredPrefix),
        ("<item><title>&lt;b&gt;Họp&lt;/b&gt; dân</title></item>", "Họp dân", Repair::TitleMarkup),
        ("<item><title>Đất &amp;amp; Người</title></item>", "Đất & Người", Repair::TitleMarkup),
        ("<item><title>A</title><link>/bai/1</link></item>", "A", Repair::RelativeLink),
        (
            "<item><title>A</title><link>https://dakto.example.vn/1?id=2&amp;utm_source=rss</link></item>",
            "A",
            Repair::TrackingParameter,
        ),
        ("<item><title> </title></item><item><title>A</title></item>", "A", Repair::EmptyItem),
    ] {
        let feed = read(&rss(item));
        assert_eq!(feed.items[0].title, title, "{item}");
        assert!(feed.repairs.contains_key(&kind), "{item}: {:?}", feed.repairs);
    }
    let sound = read(&rss("<item><title>5 &lt; 6 &amp; Đất</title><link>https://a.vn/1</link></item>"));
    assert_eq!(
        (sound.items[0].title.as_str(), sound.repairs.len()),
        ("5 < 6 & Đất", 0),
        "{:?}",
        sound.repairs
    );
    for around in [
        format!("\n  Warning: mysql_connect()\n{}", rss("<item><title>A</title></item>")),
        format!("{}<script>1</script>", rss("<item><title>A</title></item>")),
    ] {
        assert!(read(&around).repairs.contains_key(&Repair::TextAroundDocument));
    }
}

#[test]
fn only_an_address_is_a_permalink() {
    for (guid, link) in
        [("https://dakto.example.vn/1", Some("https://dakto.example.vn/1")), ("b", None), ("news_123", None)]
    {
        assert_eq!(
            read(&rss(&format!("<item><title>A</title><guid>{guid}</guid></item>"))).items[0].link.as_deref(),
            link,
            "{guid}"
        );
    }
}

#[test]
fn an_undeclared_known_prefix_keeps_its_meaning() {
    let feed = read(&rss(
        "<item><title>A</title><dc:creator>Tấn Lộc</dc:creator><content:encoded>B</content:encoded></item>",
    ));
    assert_eq!((&feed.items[0].authors[0], feed.items[0].html.as_str()), (&"Tấn Lộc".to_owned(), "B"));
}

#[test]
fn encodings_that_lie_are_recognised_and_damage_is_refused() {
    let text = rss("<item><title>Huyện Đăk Tô phát động phong trào thi đua</title></item>");
    let lying = text.replace("utf-8", "iso-8859-1");
    let feed = read_feed(lying.as_bytes(), None, &url()).unwrap();
    assert_eq!(feed.items[0].title, "Huyện Đăk Tô phát động phong trào thi đua");
    assert_eq!(feed.repairs[&Repair::WrongEncoding], 1);
    let feed = read_feed(text.as_bytes(), Some("windows-1252"), &url()).unwrap();
    assert_eq!(feed.items[0].title, "Huyện Đăk Tô phát động phong trào thi đua");
    // A summary that was cut in the middle of a letter.
    let whole = "<item><title>Huyện Đăk Tô phát động phong trào thi đua năm 2023</title></item>".repeat(30);
    let mut cut = rss(&format!("{whole}<item><title>Huyện Đăk Tô phát đ</title></item>")).into_bytes();
    let at = cut.windows("đ".len()).rposition(|two| two == "đ".as_bytes()).unwrap();
    cut.remove(at + 1);
    let feed = read_feed(&cut, None, &url()).unwrap();
    assert_eq!(feed.items[30].title, "Huyện Đăk Tô phát");
    assert!(feed.repairs.contains_key(&Repair::BrokenBytes));
}

#[test]
fn bombs_nesting_and_cut_documents_do_nothing() {
    let bomb = "<!DOCTYPE rss [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]><rss version=\"2.0\"><channel><item><title>x&b;</title></item></channel></rss>";
    assert_eq!(read(bomb).items[0].title, "x&b;");
    let external = "<!DOCTYPE rss [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><rss><channel><item><title>&a;</title></item></channel></rss>";
    assert_eq!(read(external).items[0].title, "&a;");
    let deep =
        rss(&format!("<item><title>A</title>{}{}</item>", "<a>".repeat(100_000), "</a>".repeat(100_000)));
    assert_eq!(read_feed(deep.as_bytes(), None, &url()), Err(FeedFault::TooComplex));
    let whole = rss("<item><title>A</title></item><item><title>B</title></item>");
    for length in 0..whole.len() - 1 {
        assert!(
            read_feed(&whole.as_bytes()[..length], None, &url()).is_err(),
            "{}",
            &whole[..length.min(60)]
        );
    }
    for other in
        ["", "tin", "<html><body>404</body></html>", "{}", "{\"items\":[]}", "<svg xmlns='a'/>", "<<<", "&&&"]
    {
        assert!(read_feed(other.as_bytes(), None, &url()).is_err(), "{other}");
    }
}

#[test]
fn dates_are_read_as_their_publishers_mean_them() {
    for (text, wanted) in [
        ("Fri, 12 May 2023 17:39:00 +0700", "2023-05-12T17:39:00+07:00"),
        ("12 May 2023 17:39 +0700", "2023-05-12T17:39:00+07:00"),
        ("Fri, 5 May 2023 10:39:05 GMT", "2023-05-05T17:39:05+07:00"),
        ("Fri, 12 May 2023 17:39:00 GMT+7", "2023-05-12T17:39:00+07:00"),
        ("Fri, 12 May 2023 17:39:00 GMT +07:00", "2023-05-12T17:39:00+07:00"),
        ("Fri, 12 May 2023 17:39:00 +07", "2023-05-12T17:39:00+07:00"),
        ("Fri, 12 May 2023 17:39:00 +7", "2023-05-12T17:39:00+07:00"),
        ("Fri, 12 May 2023 17:39:00 ICT", "2023-05-12T17:39:00+07:00"),
        ("Fri, 12 May 2023 17:39:00", "2023-05-12T17:39:00+07:00"),
        ("Fri, 12-May-2023 17:39:00 +0700", "2023-05-12T17:39:00+07:00"),
        ("2023-05-12T17:39:00+07:00", "2023-05-12T17:39:00+07:00"),
        ("2023-05-12T10:39:00Z", "2023-05-12T17:39:00+07:00"),
        ("2023-05-12T10:39:00.123Z", "2023-05-12T17:39:00+07:00"),
        ("2023-05-12 17:39:00", "2023-05-12T17:39:00+07:00"),
        ("2023-05-12", "2023-05-12T00:00:00+07:00"),
        ("12/05/2023 17:39", "2023-05-12T17:39:00+07:00"),
        ("12/05/2023 17:39:00", "2023-05-12T17:39:00+07:00"),
        ("12/05/2023", "2023-05-12T00:00:00+07:00"),
        ("Thứ Sáu, ngày 12 tháng 5 năm 2023", "2023-05-12T00:00:00+07:00"),
    ] {
        let date = read_feed_date(text, DEFAULT_TIME_ZONE, &mut Repairs::new());
        let date = date.unwrap_or_else(|doubt| panic!("{text}: {doubt}"));
        assert_eq!(rfc3339(date.published.instant, DEFAULT_TIME_ZONE), wanted, "{text}");
    }
    for (text, doubt) in [
        ("", DateDoubt::Missing),
        ("Fri, 12 May 2023 17:39:00 XYZ", DateDoubt::UnknownZone),
        ("Fri, 12 May 2023 17:39:00 +0799", DateDoubt::UnknownZone),
        ("Fri, 12 May 2023 17:39:00 +1Ô1", DateDoubt::UnknownZone),
        ("Fri, 12 May 23 17:39:00 +0700", DateDoubt::Unreadable),
        ("Thu, 01 Jan 1970 00:00:00 +0000", DateDoubt::TooOld),
        ("0001-01-01T00:00:00", DateDoubt::TooOld),
        ("1899-12-30", DateDoubt::TooOld),
        ("Fri, 31 Feb 2023 17:39:00 +0700", DateDoubt::Unreadable),
        ("05/23/2023 17:39", DateDoubt::Unreadable),
        ("hôm qua", DateDoubt::Unreadable),
        ("1683887940", DateDoubt::Unreadable),
        ("2023-05-12T25:39:00", DateDoubt::Unreadable),
    ] {
        assert_eq!(read_feed_date(text, DEFAULT_TIME_ZONE, &mut Repairs::new()), Err(doubt), "{text}");
    }
    let month =
        read_feed_date("Fri, 12 May 2023 17:05:41 +0700", DEFAULT_TIME_ZONE, &mut Repairs::new()).unwrap();
    assert!(month.has_month_as_minutes());
    let now = Utc.with_ymd_and_hms(2023, 5, 12, 10, 0, 0).unwrap();
    assert!(!month.is_in_the_future(now) && month.is_in_the_future(now - chrono::TimeDelta::hours(1)));
}

#[test]
fn one_article_has_one_key_whatever_its_url_looks_like() {
    let key = link_key("https://www.dakto.example.vn/tin/1/").unwrap();
    for same in [
        "http://dakto.example.vn/tin/1",
        "HTTPS://DAKTO.example.vn/tin/1#top",
        "https://www.dakto.example.vn/tin/1/?utm_source=a&fbclid=b",
    ] {
        assert_eq!(link_key(same).as_ref(), Some(&key), "{same}");
    }
    for other in [
        "https://dakto.example.vn/tin/1?id=2",
        "https://dakto.example.vn:8443/tin/1",
        "https://tumorong.example.vn/tin/1",
    ] {
        assert_ne!(link_key(other).as_ref(), Some(&key), "{other}");
    }
    assert_eq!(link_key("news_123"), None);
}

#[test]
fn the_html_of_an_item_is_written_anew() {
    let item = SourceItem {
        title: "A".to_owned(),
        link: Some("https://dakto.example.vn/tin/1".to_owned()),
        html: "<script>alert(1)</script><p onclick=x>Mời <a href='/lich'>xem lịch</a> <a href='javascript:x'>đây</a></p><img src=a.jpg><nav>x</nav>".to_owned(),
        ..SourceItem::default()
    };
    let published = crate::time::PublishedAt::exact(Utc.with_ymd_and_hms(2023, 5, 12, 10, 0, 0).unwrap());
    let ParsedArticle { article, images, .. } =
        article_of(&item, published, Some("UBND xã"), None, &options()).unwrap();
    let written = format!("{:?}", article.body);
    assert!(written.contains("https://dakto.example.vn/lich"), "{written}");
    for bad in ["script", "onclick", "javascript", "alert"] {
        assert!(!written.contains(bad), "{bad} in {written}");
    }
    assert_eq!(images[0].source, ImageSource::Url("https://dakto.example.vn/tin/a.jpg".to_owned()));
}

#[test]
fn images_are_found_in_the_text_and_beside_it_with_their_captions() {
    let item = "<item><title>A</title><link>https://dakto.example.vn/tin/1</link><pubDate>Fri, 12 May 2023 17:39:00 +0700</pubDate>
        <description><![CDATA[<p>Xã họp.</p><figure><img data-src='/anh/a.jpg' src='data:image/gif;base64,R0lG'><figcaption>Nhà rông. Ảnh: Tấn Lộc</figcaption></figure>
        <img src='b-300x200.jpg'><img src='pixel.gif' width='1' height='1'><p>Hết.</p>]]></description>
        <enclosure url='/tin/b.jpg' type='image/jpeg' length='1'/><enclosure url='/tin/loi.mp3' type='audio/mpeg' length='1'/>
        <media:content url='/tin/c.jpg' medium='image'><media:description>Đường làng</media:description><media:credit>Y Hà</media:credit></media:content>
        <media:thumbnail url='/tin/nho.jpg'/></item>";
    let feed =
        read(&format!("<rss xmlns:media='http://search.yahoo.com/mrss/'><channel>{item}</channel></rss>"));
    let published = crate::time::PublishedAt::exact(Utc.with_ymd_and_hms(2023, 5, 12, 10, 0, 0).unwrap());
    let read = article_of(&feed.items[0], published, Some("UBND xã"), None, &options()).unwrap();
    let images: Vec<(&str, bool)> =
        read.images.iter().map(|image| (image.source.name(), image.has_caption)).collect();
    assert_eq!(images, [("a.jpg", true), ("c.jpg", true), ("b-300x200.jpg", false)]);
    let captions = read.article.body.iter().filter_map(|block| match block {
        Block::Caption { text, credit, .. } => Some((text.as_str(), credit.as_deref().unwrap_or_default())),
        _ => None,
    });
    let captions: Vec<_> = captions.collect();
    assert_eq!(captions, [("Nhà rông.", "Tấn Lộc"), ("Đường làng.", "Y Hà")]);
}

#[test]
fn a_page_names_its_feeds_and_its_date() {
    let page = "<html><head><link rel=alternate type='application/rss+xml' href='/rss.xml'><link rel='alternate' type='application/atom+xml' href='atom.xml'></head></html>";
    let links: Vec<String> = feed_links(page.as_bytes(), &url()).into_iter().map(Into::into).collect();
    assert_eq!(links, ["https://dakto.example.vn/rss/atom.xml", "https://dakto.example.vn/rss.xml"]);
    let page = "<html><body><h1>Họp dân</h1><p>12/05/2023 17:39</p><p>Sáng nay, xã họp dân ở nhà rông để bàn việc làm đường.</p></body></html>";
    let date = page_date(page.as_bytes(), &options()).unwrap();
    assert_eq!(rfc3339(date.instant, DEFAULT_TIME_ZONE), "2023-05-12T17:39:00+07:00");
}

#[test]
fn spaces_of_any_width_between_attributes_do_not_end_the_reading() {
    // Copied from a web page or a word processor, a tag may have U+00A0, U+2003 or U+3000 where a space belongs.
    for space in ['\u{a0}', '\u{2003}', '\u{3000}', '\u{85}'] {
        let tag = format!(
            "<enclosure{space}media:url='https://dakto.example.vn/a.jpg'{space}x:type='image/jpeg'/>"
        );
        let _ = read_feed(rss(&format!("<item><title>Họp dân</title>{tag}</item>")).as_bytes(), None, &url());
        let _ = read_feed(format!("<rss{space}version='2.0'><channel/></rss>").as_bytes(), None, &url());
        let _ = read_feed_head(format!("<feed a=''{space}b:c=''/>").as_bytes());
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(text in r"(<rss>|<item>|</item>|<title>|</title>|</rss>|<!\[CDATA\[|\]\]>|<!--|-->|&amp;|&#x|&nbsp;|<a:b |c='|>|'|\u{a0}|\u{3000}|=|<!DOCTYPE \[|\PC){0,40}") {
        let _ = read_feed(text.as_bytes(), None, &url());
        let _ = read_feed_head(text.as_bytes());
        let _ = read_wordpress_item(rss(&text).as_bytes(), &url());
        let _ = read_feed(rss(&text).as_bytes(), Some("windows-1258"), &url());
        let _ = read_feed_date(&text, DEFAULT_TIME_ZONE, &mut Repairs::new());
    }
}

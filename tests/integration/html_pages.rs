//! The HTML pages over HTTP, with the real program: content negotiation, caching and limits.

use crate::support::{RunningServer, SAMPLE_ARTICLE, TestSite, article, wait_until};

/// The headers that a browser sends when a person opens a URL.
const PERSON: [(&str, &str); 3] =
    [("Sec-Fetch-Dest", "document"), ("Sec-Fetch-Mode", "navigate"), ("Accept", "text/html,*/*;q=0.8")];
const FEEDS: [(&str, &str); 3] = [
    ("/xa-hoi/rss.xml", "application/rss+xml; charset=utf-8"),
    ("/xa-hoi/atom.xml", "application/atom+xml; charset=utf-8"),
    ("/xa-hoi/feed.json", "application/feed+json"),
];
const HTML: Option<&str> = Some("text/html; charset=utf-8");

fn seeded() -> TestSite {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    test_site
}

/// The titles on a page of results.
fn found(serving: &RunningServer, query: &str) -> Vec<String> {
    let answer = serving.get(&format!("/tim-kiem?{query}"));
    assert_eq!((answer.status, answer.header("content-type")), (200, HTML), "{query}");
    let page = answer.text().replace("<mark>", "").replace("</mark>", "");
    page.split("<h2><a href=\"")
        .skip(1)
        .map(|rest| rest.split(['>', '<']).nth(1).unwrap().to_owned())
        .collect()
}

#[test]
fn a_browser_gets_an_uncached_page_and_a_feed_reader_the_feed() {
    let test_site = seeded();
    let serving = test_site.serve();
    for (path, media_type) in FEEDS {
        let feed = serving.get(path);
        assert_eq!((feed.status, feed.header("content-type")), (200, Some(media_type)));
        assert_eq!(feed.header("vary"), Some("Accept-Encoding, Sec-Fetch-Dest"));
        let page = serving.request("GET", path, &PERSON);
        assert_eq!((page.status, page.header("content-type")), (200, HTML));
        assert_eq!(page.header("cache-control"), Some("private, no-store"));
        assert_eq!(page.header("vary"), feed.header("vary"), "a cache keeps the two apart");
        assert_eq!((page.header("etag"), page.header("last-modified")), (None, None));
        assert!(page.text().contains("Địa chỉ bạn vừa mở là một nguồn tin"));
        // The browser has the feed in its cache, because a script has fetched it; the person must not be sent there.
        let etag = feed.etag();
        let held = [PERSON.as_slice(), &[("If-None-Match", &etag)]].concat();
        assert_eq!(serving.request("GET", path, &held).header("content-type"), HTML);
        assert_eq!(
            serving.request("HEAD", path, &PERSON).header("content-length"),
            page.header("content-length")
        );
        for headers in [
            &[("Sec-Fetch-Dest", "empty"), ("Sec-Fetch-Mode", "cors")][..],
            &[("Accept", "text/html")],
            &[("Sec-Fetch-Dest", "image")],
        ] {
            assert_eq!(serving.request("GET", path, headers).body, feed.body, "{headers:?}");
        }
        let source = format!("{path}?xml");
        assert_eq!(serving.request("GET", &source, &PERSON).body, feed.body);
        let by_reader = serving.get(&source);
        assert_eq!((&by_reader.body, by_reader.header("content-type")), (&feed.body, Some(media_type)));
    }
}

#[test]
fn a_search_takes_words_phrases_channels_and_days() {
    let test_site = seeded();
    test_site.write(
        "kinh-te/a.txt",
        article("Thi công đường, đua thuyền ở Đăk Tô", "14/05/2023 08:00", "Lời dẫn."),
    );
    let serving = test_site.serve();
    let (seed, other) =
        ("Huyện Đăk Tô phát động phong trào thi đua năm 2023", "Thi công đường, đua thuyền ở Đăk Tô");
    for (query, titles) in [
        ("q=thi+dua+dak+to", vec![other, seed]),
        ("q=THI+%C4%90UA", vec![other, seed]),
        ("q=%22thi+dua%22+dak+to", vec![seed]),
        ("q=%E2%80%9Cthi+%C4%91ua%E2%80%9D", vec![seed]),
        ("q=%22dua+thi%22", vec![]),
        ("q=dak+to&channel=kinh-te", vec![other]),
        ("q=dak+to&channel=&from=&to=", vec![other, seed]),
        ("q=dak+to&from=2023-05-13", vec![other]),
        ("q=dak+to&to=12%2F05%2F2023", vec![seed]),
        ("q=dakt+o", vec![]),
        ("q=%22%22%3B--", vec![]),
    ] {
        assert_eq!(found(&serving, query), titles, "{query}");
    }
    assert!(serving.get("/tim-kiem?q=dak+to").text().contains("<mark>Đăk</mark> <mark>Tô</mark>"));
    let empty = serving.get("/tim-kiem");
    assert_eq!((empty.status, empty.text().contains("Tìm thấy")), (200, false));
    let long = format!("/tim-kiem?q={}", "a".repeat(201));
    let wordy = format!("/tim-kiem?q={}", (0..17).map(|n| format!("tu{n}+")).collect::<String>());
    let refused =
        ["/tim-kiem?q=a&from=2023-02-30", "/tim-kiem?q=a&after=x", "/tim-kiem/rss.xml", &long, &wordy];
    for path in refused {
        let answer = serving.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (400, HTML), "{path}");
    }
    assert_eq!(serving.get("/tim-kiem?q=a&channel=khong-co").status, 404);
}

#[test]
fn a_search_counts_the_whole_result_and_lists_a_channel_or_a_span_of_days_without_words() {
    let test_site = seeded();
    for number in 10..35 {
        let text = article(&format!("Bài {number} về lúa"), "14/05/2023 08:00", "Lời dẫn.");
        test_site.write(&format!("kinh-te/bai-{number}.txt"), text);
    }
    let serving = test_site.serve();
    for (query, count, shown) in [
        ("q=lua", 25, 20),
        ("q=%22ve+lua%22", 25, 20),
        ("channel=kinh-te", 25, 20),
        ("q=&channel=kinh-te&from=&to=", 25, 20),
        ("from=2023-05-12&to=2023-05-12", 1, 1),
        ("channel=xa-hoi", 1, 1),
    ] {
        let page = serving.get(&format!("/tim-kiem?{query}")).text();
        assert!(page.contains(&format!("Tìm thấy {count} bài.")), "{query}");
        assert_eq!(found(&serving, query).len(), shown, "{query}");
    }
    let page = serving.get("/tim-kiem?q=lua").text();
    let next = page.split("&amp;after=").nth(1).unwrap().split('"').next().unwrap();
    let second = format!("q=lua&after={next}");
    assert_eq!(found(&serving, &second).len(), 5);
    assert!(serving.get(&format!("/tim-kiem?{second}")).text().contains("Tìm thấy 25 bài."));
    let feed = serving.get("/tim-kiem/atom.xml?channel=kinh-te");
    assert_eq!((feed.status, feed.text().matches("<entry").count()), (200, 25));
}

#[test]
fn a_query_with_diacritics_ranks_and_marks_exact_matches() {
    let test_site = TestSite::new();
    for number in 10..33 {
        let text = article(&format!("Bài {number} ở đắc to"), "14/05/2023 08:00", "Lời dẫn: dak to.");
        test_site.write(&format!("xa-hoi/bai-{number}.txt"), text);
    }
    test_site.write("xa-hoi/cu.txt", article("Huyện Đăk Tô xưa", "14/05/2013 08:00", "Chỉ có Đắk to."));
    let serving = test_site.serve();
    let titles = found(&serving, "q=%C4%90%C4%83k+T%C3%B4");
    assert_eq!((titles[0].as_str(), titles.len()), ("Huyện Đăk Tô xưa", 20));
    let page = serving.get("/tim-kiem?q=%C4%90%C4%83k+T%C3%B4").text();
    assert!(page.contains("<mark>Đăk</mark> <mark>Tô</mark> xưa") && !page.contains("<mark>Đắk</mark>"));
    assert!(page.contains("Tìm thấy 24 bài."));
    let next = page.split("&amp;after=").nth(1).unwrap().split('"').next().unwrap();
    let rest = found(&serving, &format!("q=%C4%90%C4%83k+T%C3%B4&after={next}"));
    assert_eq!(rest.len(), 4);
    assert!(!titles.iter().any(|title| rest.contains(title)), "none is shown twice");
    assert_eq!(found(&serving, "q=dak+to").len(), 20);
    assert_ne!(found(&serving, "q=dak+to")[0], "Huyện Đăk Tô xưa", "the newest first where nothing is said");
    let api = serving.get("/api/articles?q=%C4%90%C4%83k+T%C3%B4&limit=1").text();
    assert!(api.contains("Huyện Đăk Tô xưa"), "{api}");
}

#[test]
fn the_not_found_page_marks_no_menu_entry_as_current() {
    let test_site = seeded();
    let serving = test_site.serve();
    for path in ["/khong-co/gi/", "/bai-viet/2023/05/12/khong-co"] {
        let page = serving.request("GET", path, &PERSON);
        assert_eq!(page.status, 404);
        assert!(page.text().contains("Trang chủ") && !page.text().contains("aria-current"), "{path}");
    }
    assert!(serving.get("/").text().contains("aria-current=\"page\">Trang chủ"));
}

#[test]
fn an_article_with_an_external_url_links_to_it_everywhere() {
    let test_site = TestSite::new();
    let home = "https://baokontum.example/xa-hoi/bai-goc.html";
    let text = article("Bài dẫn lại", "12/05/2023 08:00", "Lời dẫn.");
    test_site.write("xa-hoi/dan-lai.txt", format!("+++\nlink = \"{home}\"\n+++\n{text}"));
    let serving = test_site.serve();
    let page = serving.get("/bai-viet/2023/05/12/dan-lai").text();
    for wanted in [
        format!("<link rel=\"canonical\" href=\"{home}\">"),
        format!("<meta property=\"og:url\" content=\"{home}\">"),
        format!("\"url\":\"{home}\""),
        format!("\"mainEntityOfPage\":\"{home}\""),
    ] {
        assert!(page.contains(&wanted), "{wanted} is not in\n{page}");
    }
    assert!(serving.get("/xa-hoi/rss.xml").text().contains(&format!("<link>{home}</link>")));
}

#[test]
fn right_to_left_text_does_not_affect_its_surroundings() {
    let test_site = TestSite::new();
    let text = article("مرحبا", "12/05/2023 08:00", "نص عربي");
    test_site.write("xa-hoi/a-rap.txt", format!("+++\nlanguage = \"ar\"\n+++\n{text}"));
    test_site.write(
        "xa-hoi/nguoc.txt",
        article("Thông báo \u{202e}gnab\u{9c}", "12/05/2023 08:00", "Lời \u{2067}dẫn."),
    );
    let serving = test_site.serve();
    let page = serving.get("/bai-viet/2023/05/12/a-rap").text();
    assert!(page.contains("<h1 lang=\"ar\" dir=\"rtl\">مرحبا</h1>"), "{page}");
    assert!(page.contains("<div class=\"text\" lang=\"ar\" dir=\"rtl\">"));
    assert_eq!(page.matches("dir=\"rtl\"").count(), 2, "date, menu and byline stay as they are");
    for path in [
        "/",
        "/xa-hoi/",
        "/tim-kiem?q=thong+bao",
        "/theo-thang/2023/05/",
        "/xa-hoi/rss.xml",
        "/xa-hoi/feed.json",
    ] {
        let text = serving.get(path).text();
        let plain = text.replace("<mark>", "").replace("</mark>", "");
        assert!(plain.contains("Thông báo gnab"), "{path}: {text}");
        assert!(!text.contains(['\u{202e}', '\u{9c}']), "{path}");
        assert_eq!(text.matches('\u{2067}').count(), text.matches('\u{2069}').count(), "{path}");
    }
}

#[test]
fn a_search_feed_does_not_change_without_new_results() {
    let test_site = seeded();
    let serving = test_site.serve();
    let path = "/tim-kiem/rss.xml?q=%22thi+dua%22&channel=xa-hoi";
    let feed = serving.get(path);
    assert_eq!((feed.status, feed.header("content-type")), (200, Some(FEEDS[0].1)));
    assert!(feed.header("cache-control").unwrap().contains("max-age=300"));
    let text = feed.text();
    let this = "http://127.0.0.1:8080/tim-kiem/rss.xml?q=%22thi+dua%22&#x26;channel=xa-hoi";
    assert!(text.contains(this), "{text}");
    let read = feed_rs::parser::parse(feed.body.as_slice()).unwrap();
    assert_eq!(
        (read.entries.len(), read.title.unwrap().content.as_str()),
        (1, "Tìm: \"thi dua\" - Huyện Đăk Tô")
    );
    test_site.write("xa-hoi/khac.txt", article("Bài không liên quan", "14/05/2023 08:00", "Lời dẫn."));
    wait_until("the other article", || serving.get("/xa-hoi/rss.xml").text().contains("Bài không liên quan"));
    let again = serving.request("GET", path, &[("If-None-Match", &feed.etag())]);
    assert_eq!(again.status, 304, "the feed of everything has changed, this one has not");
    test_site.write("xa-hoi/moi.txt", article("Thi đua mùa mới", "15/05/2023 08:00", "Lời dẫn."));
    wait_until("the new article", || serving.get(path).text().contains("Thi đua mùa mới"));
    for format in ["atom.xml", "feed.json"] {
        assert_eq!(serving.get(&path.replace("rss.xml", format)).status, 200, "{format}");
    }
    let opened = serving.request("GET", path, &PERSON);
    assert_eq!(
        (opened.header("content-type"), opened.header("cache-control")),
        (HTML, Some("private, no-store"))
    );
    let source = serving.request("GET", &format!("{path}&xml"), &PERSON).text();
    assert!(source.starts_with("<?xml"), "{source}");
}

#[test]
fn too_many_searches_get_503_and_do_not_delay_readers() {
    let test_site = seeded();
    let serving = test_site.serve();
    let address = serving.address();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let ask = |number: usize| {
            scope.spawn(move || {
                crate::support::request(address, "GET", &format!("/tim-kiem?q=thi+dua+{number}"), &[])
            })
        };
        let asking: Vec<_> = (0..300).map(ask).collect();
        assert_eq!(serving.get("/xa-hoi/rss.xml").status, 200);
        asking.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for answer in &answers {
        match answer.status {
            200 => {}
            503 => {
                assert!(answer.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()))
            }
            other => panic!("{other}"),
        }
    }
    assert!(answers.iter().any(|answer| answer.status == 200));
    assert_eq!(serving.get("/tim-kiem?q=thi+dua").status, 200, "it is over");
}

#[test]
fn older_articles_are_listed_by_month_in_pages() {
    let test_site = seeded();
    for number in 0..70 {
        let stamp = format!("{:02}/03/2022 {:02}:00", 1 + number % 28, number % 24);
        test_site.write(
            &format!("kinh-te/bai-{number}.txt"),
            article(&format!("Bài số {number}"), &stamp, "Lời dẫn."),
        );
    }
    let serving = test_site.serve();
    let months = serving.get("/theo-thang/").text();
    let (newer, older) =
        (months.find("/theo-thang/2023/05/").unwrap(), months.find("/theo-thang/2022/03/").unwrap());
    assert!(newer < older);
    assert!(!serving.get("/xa-hoi/theo-thang/").text().contains("2022"));
    let year = serving.get("/theo-thang/2023/").text();
    assert!(year.contains("<h1 class=\"title\">Tin năm 2023</h1>") && !year.contains("/2022/"), "{year}");
    assert!(months.contains("<a href=\"/theo-thang/2023/\">Năm 2023</a>"));
    assert_eq!(serving.get("/xa-hoi/theo-thang/2022/").status, 404);
    assert_eq!(serving.get("/theo-thang/2023").header("location"), Some("/theo-thang/2023/"));
    let mut path = "/kinh-te/theo-thang/2022/03/".to_owned();
    let mut seen = 0;
    for parts in 1.. {
        let page = serving.get(&path).text();
        seen += page.matches(">Bài số ").count();
        let Some(at) = page.find("?sau=") else {
            assert_eq!((parts, seen), (2, 70));
            break;
        };
        path = format!("/kinh-te/theo-thang/2022/03/{}", &page[at..at + 21]);
    }
    let page = serving.get("/theo-thang/2023/05/");
    assert!(page.text().contains("Thứ Sáu 12/05/2023") && page.text().contains("← Tháng 3 năm 2022"));
    let again = serving.request("GET", "/theo-thang/2023/05/", &[("If-None-Match", &page.etag())]);
    assert_eq!(again.status, 304);
    for path in ["/theo-thang/2023/06/", "/khong-co/theo-thang/", "/theo-thang/2023/05/?sau=x"] {
        assert_eq!(serving.get(path).status, 404, "{path}");
    }
}

#[test]
fn robots_and_icons_are_served_at_their_default_paths() {
    let test_site = seeded();
    let serving = test_site.serve();
    let robots = serving.get("/robots.txt").text();
    assert!(
        robots.contains("Disallow: /tim-kiem\n")
            && robots.contains("Sitemap: http://127.0.0.1:8080/sitemap.xml\nSitemap: http://127.0.0.1:8080/news-sitemap.xml\n")
    );
    let sitemap = serving.get("/sitemap.xml");
    assert_eq!(sitemap.header("content-type"), Some("application/xml; charset=utf-8"));
    let text = sitemap.text();
    let xml = roxmltree::Document::parse(&text).unwrap();
    let urls: Vec<_> = xml
        .descendants()
        .filter(|node| node.has_tag_name(("http://www.sitemaps.org/schemas/sitemap/0.9", "loc")))
        .collect();
    let urls: Vec<_> = urls.iter().map(|node| node.text().unwrap()).collect();
    let site = "http://127.0.0.1:8080";
    let article = "/bai-viet/2023/05/12/thi-dua";
    let help = format!("{site}/tro-giup-tiep-can");
    assert_eq!(urls, [format!("{site}/"), format!("{site}/xa-hoi/"), help, format!("{site}{article}")]);
    assert!(serving.get("/sitemap/2023-05.xml").text().contains(article));
    assert_eq!(serving.get("/sitemap/2023-06.xml").status, 404);
    let icon = serving.get("/favicon.ico");
    assert_eq!((icon.status, &icon.body[..4]), (200, &[0, 0, 1, 0][..]));

    let page = serving.get(article).text();
    let assets: Vec<&str> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert_eq!(assets.len(), 3, "{assets:?}");
    for path in assets {
        let asset = serving.get(path);
        assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"), "{path}");
        assert_eq!(asset.header("x-content-type-options"), Some("nosniff"));
    }
    let lost = serving.get("/assets/0123456789abcdef.css");
    assert_eq!((lost.status, lost.header("content-type"), lost.header("etag")), (404, HTML, None));
    assert!(lost.text().contains("Không tìm thấy trang"));
}

#[test]
fn an_article_page_has_complete_metadata() {
    let test_site = seeded();
    test_site.write("xa-hoi/thi-dua.png", {
        let mut bytes = Vec::new();
        let picture = image::RgbImage::from_pixel(40, 30, image::Rgb([1, 2, 3]));
        picture.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
        bytes
    });
    let serving = test_site.serve();
    let page = serving.get("/bai-viet/2023/05/12/thi-dua").text();
    let (_, data) = page.split_once("<script type=\"application/ld+json\">").unwrap();
    let data: serde_json::Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
    assert_eq!(
        (&data["@type"], &data["datePublished"]),
        (&"NewsArticle".into(), &"2023-05-12T17:39:00+07:00".into())
    );
    assert_eq!(
        (&data["author"][0]["name"], &data["articleSection"][0]),
        (&"Tấn Lộc".into(), &"Xã hội".into())
    );
    let image = &data["image"][0];
    assert!(image["url"].as_str().unwrap().starts_with("http://127.0.0.1:8080/media/"));
    assert_eq!((&image["caption"], &image["creditText"]), (&"Quang cảnh Hội nghị.".into(), &"TL".into()));
    assert_eq!(
        (&data["identifier"], &data["isAccessibleForFree"]),
        (&"tag:dakto.example,2023:2023-05-12/thi-dua".into(), &true.into())
    );
    for part in [
        "<meta name=\"twitter:card\" content=\"summary_large_image\">",
        "<link rel=\"schema.DC\" href=\"http://purl.org/dc/elements/1.1/\">",
        "<meta name=\"DC.creator\" content=\"Tấn Lộc\">",
        "<meta name=\"DC.contributor\" content=\"TL\">",
        "<meta name=\"DC.date\" content=\"2023-05-12T17:39:00+07:00\">",
        "<meta name=\"DC.publisher\" content=\"Bản tin\">",
        "<meta name=\"DC.identifier\" content=\"http://127.0.0.1:8080/bai-viet/2023/05/12/thi-dua\">",
        "<meta name=\"DC.identifier\" content=\"tag:dakto.example,2023:2023-05-12/thi-dua\">",
        "<meta name=\"DC.language\" content=\"vi\">",
        "<meta name=\"DC.subject\" content=\"Xã hội\">",
        "<link rel=\"canonical\" href=\"http://127.0.0.1:8080/bai-viet/2023/05/12/thi-dua\">",
        "<meta property=\"og:type\" content=\"article\">",
        "<meta property=\"og:image\" content=\"http://127.0.0.1:8080/media/",
        "<time datetime=\"2023-05-12T17:39:00+07:00\">17:39, thứ Sáu 12/05/2023</time>",
        "<figcaption>Quang cảnh Hội nghị. <span class=\"credit\">Ảnh: TL</span></figcaption>",
        "<p class=\"authors\">Tấn Lộc</p>",
        "alt=\"Quang cảnh Hội nghị.\" width=\"40\" height=\"30\"",
    ] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
}

#[test]
fn the_terms_of_reuse_stand_on_pages_in_feeds_and_in_the_api() {
    let test_site = seeded().with("BANTIN_SITE__RIGHTS_URL", "https://example.vn/ban-quyen?a&b");
    let serving = test_site.serve();
    let escaped = "https://example.vn/ban-quyen?a&amp;b";
    for path in ["/", "/xa-hoi/", "/bai-viet/2023/05/12/thi-dua"] {
        let page = serving.get(path).text();
        assert!(page.contains(&format!("<link rel=\"license\" href=\"{escaped}\">")), "{path}: {page}");
        assert!(
            page.contains(&format!(
                "<a href=\"{escaped}\" rel=\"license\">Điều kiện sử dụng lại nội dung</a>"
            )),
            "{path}"
        );
    }
    let atom = serving.get("/atom.xml").text();
    assert!(atom.contains(&format!("<link href=\"{escaped}\" rel=\"license\"/>")), "{atom}");
    let rss = serving.get("/rss.xml").text();
    assert!(
        rss.contains("<atom:link href=\"https://example.vn/ban-quyen?a&#x26;b\" rel=\"license\""),
        "{rss}"
    );
    let json = serving.get("/feed.json").json();
    assert_eq!(json["_bantin"]["license"], "https://example.vn/ban-quyen?a&b");
    let articles = serving.get("/api/articles").json();
    assert_eq!(articles["articles"][0]["license"], "https://example.vn/ban-quyen?a&b", "{articles}");
    assert_eq!(articles["articles"][0]["publisher"], "Bản tin");
}

#[test]
fn the_news_sitemap_covers_the_two_days_before_the_newest_article() {
    let test_site = TestSite::new();
    let serving = test_site.serve();
    assert_eq!(serving.get("/news-sitemap.xml").status, 404, "without articles there is none");
    for (name, date) in [("cu", "10/05/2023 17:38"), ("vua", "10/05/2023 17:39"), ("moi", "12/05/2023 17:39")]
    {
        test_site.write(
            &format!("xa-hoi/{name}.txt"),
            format!("Tin <{name}> & đất\n{date}\nĐoạn dẫn của bài viết này.\n"),
        );
    }
    wait_until("the articles are published", || {
        serving.get("/feed.json").json()["items"].as_array().unwrap().len() == 3
    });
    let sitemap = serving.get("/news-sitemap.xml");
    assert_eq!(sitemap.header("content-type"), Some("application/xml; charset=utf-8"));
    let text = sitemap.text();
    let xml = roxmltree::Document::parse(&text).unwrap();
    let news = "http://www.google.com/schemas/sitemap-news/0.9";
    let all = |name: &str| -> Vec<&str> {
        xml.descendants()
            .filter(|node| node.has_tag_name((news, name)))
            .map(|node| node.text().unwrap())
            .collect()
    };
    assert_eq!(all("title"), ["Tin <moi> & đất", "Tin <vua> & đất"]);
    assert_eq!(all("publication_date"), ["2023-05-12T17:39:00+07:00", "2023-05-10T17:39:00+07:00"]);
    assert_eq!((all("name")[0], all("language")[0]), ("Huyện Đăk Tô", "vi"));
    assert!(text.contains("<loc>http://127.0.0.1:8080/bai-viet/2023/05/12/moi</loc>"), "{text}");
}

#[test]
fn the_longest_pages_stay_below_fifty_thousand_bytes() {
    let test_site = TestSite::new();
    let (long, lead) = ("Tiêu đề rất dài ".repeat(30), "Lời dẫn của bài này cũng rất dài. ".repeat(60));
    for number in 0..150 {
        let title = format!("{number} {}", long.trim());
        let text = format!(
            "+++\ntitle = \"{title}\"\npublished = \"{:02}/05/2023 08:00\"\n+++\n\n{lead}\n",
            1 + number % 28
        );
        test_site.write(&format!("Chuyên mục thứ {} - Văn hóa/bai-{number}.md", number % 12), &text);
        test_site.write(&format!("xa-hoi/khac-{number}.md"), text.replace("Tiêu", "Đầu"));
    }
    let serving = test_site.serve();
    for path in ["/", "/xa-hoi/", "/theo-thang/2023/05/", "/tim-kiem?q=dau+de", "/xa-hoi/theo-thang/2023/05/"]
    {
        let page = serving.get(path);
        assert_eq!(page.status, 200);
        assert!(page.body.len() < 50_000, "{path}: {}", page.body.len());
    }
    assert!(serving.request("GET", "/rss.xml", &PERSON).body.len() < 50_000);
}

/// Each page of `paths` with its validators.
fn pages(serving: &RunningServer, paths: &[String]) -> Vec<(String, String, String)> {
    let page = |path: &String| {
        let page = serving.get(path);
        (page.text(), page.etag(), page.header("last-modified").unwrap().to_owned())
    };
    paths.iter().map(page).collect()
}

#[test]
fn articles_link_to_their_neighbours_and_a_new_article_changes_the_page_of_one_other() {
    let test_site = TestSite::new();
    let name = |number: u32| format!("xa-hoi/bai-{number}.txt");
    for number in 1..=8 {
        let text =
            article(&format!("Bài số {number}"), &format!("{number:02}/05/2023 08:00"), "Đoạn mở đầu.");
        test_site.write(&name(number), text);
    }
    // A new channel would change the menu of every page.
    test_site.write("kinh-te/khac.txt", article("Bài khác", "01/04/2023 08:00", "Đoạn mở đầu."));
    let serving = test_site.serve();
    let path = |number: u32| format!("/bai-viet/2023/05/{number:02}/bai-{number}");
    let paths: Vec<String> = (1..=8).map(path).collect();
    let before = pages(&serving, &paths);
    let (middle, newest) = (&before[4].0, &before[7].0);
    assert!(middle.contains(&format!("<a href=\"{}\" rel=\"prev\">Bài số 4</a>", path(4))), "{middle}");
    assert!(middle.contains(&format!("<a href=\"{}\" rel=\"next\">Bài số 6</a>", path(6))), "{middle}");
    let more: Vec<bool> = (1..=8).map(|other| middle.contains(&format!("\"{}\"", path(other)))).collect();
    assert_eq!(more, [true, true, true, true, false, true, false, false], "its own address is absolute");
    assert!(newest.contains("<p class=\"share\" hidden>"), "without scripts, nothing of it is seen");
    assert!(!newest.contains("Bài sau") && newest.contains("Bài trước"));
    assert!(before[0].0.contains("Bài sau") && !before[0].0.contains("Bài trước"));

    let out = test_site.path("out");
    let assert_built = |shown: &[(String, String, String)]| {
        test_site.ok(&["build", "--out", out.to_str().unwrap()]);
        for (path, (page, ..)) in paths.iter().zip(shown) {
            let file = out.join(format!("{}.html", path.trim_start_matches('/')));
            assert_eq!(std::fs::read_to_string(file).unwrap(), *page, "{path}");
        }
    };
    assert_built(&before);

    // Which pages change, by what happens. The newest article is 9.
    let mut known = before;
    type Event<'a> = (&'a str, &'a dyn Fn(), &'a str, &'a [usize]);
    let happens: [Event<'_>; 4] = [
        (
            "published",
            &|| test_site.write(&name(9), article("Bài số 9", "09/05/2023 08:00", "Đoạn mở đầu.")),
            "Bài số 9",
            &[8],
        ),
        (
            "title corrected",
            &|| test_site.write(&name(3), article("Bài số ba", "03/05/2023 08:00", "Đoạn mở đầu.")),
            "Bài số ba",
            &[2, 3, 4, 5, 6, 7],
        ),
        (
            "text corrected",
            &|| test_site.write(&name(5), article("Bài số 5", "05/05/2023 08:00", "Đoạn khác.")),
            "Đoạn khác",
            &[5],
        ),
        ("moved", &|| test_site.rename(&name(9), "kinh-te/bai-9.txt"), "", &[8]),
    ];
    for (what, act, shown, changes) in happens {
        act();
        wait_until(what, || match shown {
            "" => serving.get("/kinh-te/").text().contains("Bài số 9"),
            shown => serving.get("/xa-hoi/").text().contains(shown),
        });
        let now = pages(&serving, &paths);
        for (index, (old, new)) in known.iter().zip(&now).enumerate() {
            let number = index + 1;
            let changed = changes.contains(&number);
            assert_eq!((old.0 != new.0, old.1 != new.1), (changed, changed), "{what}: page {number}");
            let date = |page: &(String, String, String)| httpdate::parse_http_date(&page.2).unwrap();
            assert!(date(new) >= date(old), "{what}: the date of page {number}");
        }
        assert_built(&now);
        known = now;
    }
}

#[test]
fn a_channel_page_ends_with_the_way_to_older_articles() {
    let test_site = TestSite::new();
    let write = |number: u32| {
        let stamp = format!("{:02}/{:02}/2023 08:00", number % 28 + 1, number / 28 + 1);
        test_site.write(
            &format!("xa-hoi/bai-{number}.txt"),
            article(&format!("Bài số {number}"), &stamp, "Lời dẫn."),
        );
    };
    (0..30).for_each(write);
    let serving = test_site.serve();
    assert!(!serving.get("/xa-hoi/").text().contains("Bài cũ hơn"), "all are shown");
    (30..60).for_each(write);
    wait_until("all articles", || serving.get("/xa-hoi/").text().contains("Bài số 59"));
    let page = serving.get("/xa-hoi/").text();
    let link = page.split("class=\"pager\"><a href=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(link, "/xa-hoi/theo-thang/2023/02/", "the month of the last one shown");
    assert!(serving.get(link).text().contains("Bài số 29"));
}

#[test]
fn the_lead_story_is_the_newest_with_an_image() {
    let test_site = TestSite::new();
    for number in 1..=9 {
        let text =
            article(&format!("Bài số {number}"), &format!("{number:02}/05/2023 08:00"), "Đoạn mở đầu.");
        test_site.write(&format!("xa-hoi/bai-{number}.txt"), text);
    }
    let serving = test_site.serve();
    let lead = || {
        let page = serving.get("/").text();
        let story =
            page.split("class=\"lead-story\"").nth(1).unwrap().split("</h2>").next().unwrap().to_owned();
        let title = story.rsplit("<a href=").next().unwrap().split(['>', '<']).nth(1).unwrap().to_owned();
        (title, page.contains("class=\"front plain\""))
    };
    assert_eq!(lead(), ("Bài số 9".to_owned(), true), "without any image, the newest has the whole width");
    for (number, expected) in [(2, "Bài số 2"), (7, "Bài số 7"), (4, "Bài số 7")] {
        let file = test_site.path(&format!("feeds/xa-hoi/bai-{number}.png"));
        image::RgbImage::from_pixel(600, 400, image::Rgb([90, 120, number])).save(file).unwrap();
        let page = format!("/bai-viet/2023/05/{number:02}/bai-{number}");
        wait_until("the image", || serving.get(&page).text().contains("<figure"));
        wait_until("the home page", || lead() == (expected.to_owned(), false));
    }
}

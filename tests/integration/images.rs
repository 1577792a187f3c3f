//! Images of articles, from the folder to a range request, with the real program.

use std::io::Cursor;

use crate::support::{RunningServer, TestSite, article, wait_until};

const RSS: &str = "/xa-hoi/rss.xml";

fn png(width: u32, height: u32, shade: u8) -> Vec<u8> {
    let pixels = image::RgbImage::from_pixel(width, height, image::Rgb([shade, 90, 30]));
    let mut bytes = Vec::new();
    pixels.write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    bytes
}

fn with_captions() -> String {
    article("Bài có ảnh", "13/05/2023 08:00", "Đoạn mở đầu.\nQuang cảnh Hội nghị. Ảnh: TL").replace(
        "\n\nTấn Lộc",
        "\n\nĐại biểu dự Hội nghị. Ảnh: Minh Hà\n\nĐoạn cuối cùng của bài này dài hơn chú thích.\n\nTấn Lộc",
    )
}

/// The image paths in the `media:content` elements of a feed, in order.
fn pictures(serving: &RunningServer) -> Vec<String> {
    let rss = serving.get(RSS).text();
    let document = roxmltree::Document::parse(&rss).unwrap();
    let contents =
        document.descendants().filter(|node| node.has_tag_name(("http://search.yahoo.com/mrss/", "content")));
    let urls = contents.map(|content| content.attribute("url").unwrap());
    urls.map(|url| url.strip_prefix("http://127.0.0.1:8080").unwrap().to_owned()).collect()
}

#[test]
fn images_are_in_all_formats_until_the_article_is_withdrawn() {
    let site = TestSite::new();
    site.write("xa-hoi/bai.txt", with_captions());
    site.write("xa-hoi/bai-1.png", png(40, 30, 200));
    site.write("xa-hoi/bai-2.png", png(60, 20, 100));
    let serving = site.serve();
    let rss = serving.get(RSS).text();
    for part in [
        "width=\"40\"",
        "height=\"30\"",
        "medium=\"image\"",
        "type=\"image/png\"",
        "<media:description type=\"plain\">Quang cảnh Hội nghị.",
        "role=\"photographer\"",
        ">TL</media:credit>",
        ">Minh Hà</media:credit>",
    ] {
        assert!(rss.contains(part), "{part} is not in\n{rss}");
    }
    assert_eq!(rss.matches("<enclosure ").count(), 1, "rule R10");
    let paths = pictures(&serving);
    assert_eq!(paths.len(), 2);
    let feed = feed_rs::parser::parse(serving.get("/xa-hoi/atom.xml").body.as_slice()).unwrap();
    let content = feed.entries[0].content.as_ref().unwrap().body.as_ref().unwrap();
    assert_eq!(content.matches("<figure>").count(), 2, "{content}");
    assert!(content.find(&paths[0]).unwrap() < content.find("Đại biểu dự").unwrap());
    let json: serde_json::Value = serde_json::from_slice(&serving.get("/xa-hoi/feed.json").body).unwrap();
    assert!(json["items"][0]["image"].as_str().unwrap().ends_with(&paths[0]));

    let picture = serving.get(&paths[0]);
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/png")));
    assert!(rss.contains(&format!("length=\"{}\"", picture.body.len())), "the true length");
    let decoded = image::load_from_memory(&picture.body).unwrap();
    assert_eq!((decoded.width(), decoded.height()), (40, 30));

    site.remove("xa-hoi/bai.txt");
    wait_until("the withdrawal", || serving.get(&paths[0]).status == 410);
    assert_eq!(serving.get(&paths[1]).status, 410);
    site.write("xa-hoi/bai.txt", with_captions());
    wait_until("the return", || serving.get(&paths[0]).status == 200);
}

#[test]
fn images_are_served_with_validators_ranges_and_caching() {
    let site = TestSite::new();
    site.write("xa-hoi/bai.txt", with_captions());
    site.write("xa-hoi/bai.png", png(80, 80, 10));
    let serving = site.serve();
    let path = &pictures(&serving)[0];
    let full = serving.get(path);
    assert!(full.header("cache-control").unwrap().contains("max-age=86400"));
    assert_eq!(full.header("accept-ranges"), Some("bytes"));
    let etag = full.etag();
    let same = serving.request("GET", path, &[("If-None-Match", &etag)]);
    assert_eq!((same.status, same.body.len()), (304, 0));
    let part = serving.request("GET", path, &[("Range", "bytes=10-19")]);
    assert_eq!((part.status, part.body.as_slice()), (206, &full.body[10..20]));
    let range = format!("bytes 10-19/{}", full.body.len());
    assert_eq!(part.header("content-range"), Some(range.as_str()));
    assert_eq!(part.header("content-length"), Some("10"));
    assert_eq!(part.etag(), etag);
    let stale = serving.request("GET", path, &[("Range", "bytes=10-19"), ("If-Range", "\"other\"")]);
    assert_eq!((stale.status, stale.body.len()), (200, full.body.len()));
    let fresh = serving.request("GET", path, &[("Range", "bytes=-5"), ("If-Range", &etag)]);
    assert_eq!((fresh.status, fresh.body.len()), (206, 5));
    let beyond = serving.request("GET", path, &[("Range", "bytes=99999-")]);
    let unsatisfied = format!("bytes */{}", full.body.len());
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some(unsatisfied.as_str())));
    let head = serving.request("HEAD", path, &[("Range", "bytes=0-1")]);
    assert_eq!((head.status, head.header("content-length")), (200, full.header("content-length")));
    assert_eq!(serving.get("/media/0123456789abcdef0123456789abcdef.png").status, 404);
}

#[test]
fn added_and_replaced_images_correct_the_article() {
    let site = TestSite::new();
    site.write("xa-hoi/bai.txt", with_captions());
    let serving = site.serve();
    assert!(pictures(&serving).is_empty());
    assert!(serving.get(RSS).text().contains("Quang cảnh Hội nghị. Ảnh: TL"), "the caption stays as text");
    site.write("xa-hoi/bai.png", png(40, 30, 1));
    wait_until("the picture", || pictures(&serving).len() == 1);
    let first = pictures(&serving).remove(0);
    site.write("xa-hoi/bai.png", png(40, 30, 2));
    wait_until("the other picture", || pictures(&serving) != [first.clone()]);
    assert_eq!(serving.get(&first).status, 410);
    let at = serving.metric("bantin_log_head");
    site.write("xa-hoi/bai.png", png(40, 30, 2));
    site.scanned(&serving);
    assert_eq!(serving.metric("bantin_log_head"), at, "touched, not changed");
    site.remove("xa-hoi/bai.png");
    site.scanned(&serving);
    site.write("xa-hoi/bai.png", png(40, 30, 2));
    site.scanned(&serving);
    assert_eq!(serving.metric("bantin_log_head"), at, "gone and back within the grace");
    site.remove("xa-hoi/bai.png");
    wait_until("the article without it", || pictures(&serving).is_empty());
}

#[test]
fn invalid_images_are_reported_and_the_article_is_published() {
    let site = TestSite::new();
    site.write("xa-hoi/bai.txt", with_captions());
    site.write("xa-hoi/bai.jpg", "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>");
    site.write("xa-hoi/bia.png", png(4, 4, 4));
    let serving = site.serve();
    assert!(pictures(&serving).is_empty());
    assert!(serving.get(RSS).text().contains("Bài có ảnh"));
    assert!(serving.log().contains("path=xa-hoi/bai.jpg"), "{}", serving.log());
    let checked = site.run(&["check"]);
    let output = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(1));
    assert!(output.contains("feeds/xa-hoi/bai.jpg:1: warning: "), "{output}");
    assert!(
        output.contains("feeds/xa-hoi/bia.png:1: warning: "),
        "an image without article is reported: {output}"
    );
}

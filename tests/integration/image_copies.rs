//! Smaller copies of large images, from the folder to pages, feeds and a static site, with the real program.

use std::collections::BTreeSet;
use std::io::Cursor;

use image::{DynamicImage, Rgb, RgbImage};

use crate::support::{RunningServer, TestSite, article, execute_sql, wait_until};

const RSS: &str = "/xa-hoi/rss.xml";
const PAGE: &str = "/bai-viet/2023/05/13/bai";
const MEDIA: &str = "http://search.yahoo.com/mrss/";
/// More than get their copies in one scan.
const MANY: usize = 14;

/// A photograph: it has more than 500 kB. `shade` tells one from another.
fn photo((width, height): (u32, u32), shade: u8) -> Vec<u8> {
    let pixels = RgbImage::from_fn(width, height, |x, y| {
        let grain = (x.wrapping_mul(7919) ^ y.wrapping_mul(104_729)) as u8 % 64;
        Rgb([(x * 190 / width) as u8 + grain, (y * 190 / height) as u8 + grain, shade])
    });
    let mut bytes = Vec::new();
    let (width, height) = (width as u16, height as u16);
    let encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
    encoder.encode(&pixels, width, height, jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}

/// A drawing with many pixels and few bytes.
fn drawing((width, height): (u32, u32), shade: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let pixels = DynamicImage::from(RgbImage::from_pixel(width, height, Rgb([shade, 90, 30])));
    pixels.write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    bytes
}

fn text(title: &str) -> String {
    article(title, "13/05/2023 08:00", "Đoạn mở đầu.\nQuang cảnh Hội nghị. Ảnh: TL")
}

/// An image of the feed: path, width, height and bytes as the feed says.
fn in_feed(serving: &RunningServer) -> Vec<(String, u32, u32, usize)> {
    let rss = serving.get(RSS).text();
    let document = roxmltree::Document::parse(&rss).unwrap();
    let contents = document.descendants().filter(|node| node.has_tag_name((MEDIA, "content")));
    let parsed = contents.map(|content| {
        let number = |name| content.attribute(name).unwrap().parse::<u32>().unwrap();
        let url = content.attribute("url").unwrap().strip_prefix("http://127.0.0.1:8080").unwrap();
        (url.to_owned(), number("width"), number("height"), number("fileSize") as usize)
    });
    parsed.collect()
}

fn is_light((_, width, height, bytes): &(String, u32, u32, usize)) -> bool {
    *width <= 1600 && *height <= 1600 && *bytes <= 500_000
}

/// The paths of all images that a page names.
fn in_page(page: &str) -> BTreeSet<String> {
    let parts = page.split(['"', ' ', ',', '(']).filter(|part| part.starts_with("/media/"));
    parts.map(str::to_owned).collect()
}

#[test]
fn feeds_carry_one_light_image_and_pages_offer_several_widths() {
    let site = TestSite::new();
    site.write("xa-hoi/bai.txt", text("Bài có ảnh lớn"));
    let original = photo((2400, 1800), 1);
    site.write("xa-hoi/bai-1.jpg", &original);
    site.write("xa-hoi/bai-2.jpg", photo((1200, 900), 2));
    let serving = site.serve();
    let images = in_feed(&serving);
    assert_eq!(
        images.iter().map(|image| (image.1, image.2)).collect::<Vec<_>>(),
        [(1600, 1200), (1200, 900)]
    );
    let rss = serving.get(RSS).text();
    assert!(!rss.contains("srcset") && rss.matches("<enclosure ").count() == 1, "rule R10");
    for image in &images {
        assert!(is_light(image), "{image:?}");
        let answer = serving.get(&image.0);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/jpeg")));
        assert_eq!(answer.body.len(), image.3);
        let decoded = image::load_from_memory(&answer.body).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (image.1, image.2));
    }
    let enclosure = format!("{}\" length=\"{}\" type=\"image/jpeg\"", images[0].0, images[0].3);
    assert!(rss.contains(&enclosure), "{enclosure} is not in\n{rss}");
    for (path, count) in [("/xa-hoi/atom.xml", 2), ("/xa-hoi/feed.json", 2)] {
        let feed = serving.get(path).text();
        assert!(feed.matches(&images[0].0).count() >= count && !feed.contains("srcset"), "{path}");
    }

    let page = serving.get(PAGE).text();
    for part in
        ["400w", "800w", "1600w", "width=\"2400\" height=\"1800\"", "Xem ảnh gốc (2400×1800, ", " MB)</a>"]
    {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
    assert_eq!(page.matches("<img").count(), 2);
    assert_eq!(page.matches("loading=\"lazy\"").count(), 1, "all but the first");
    assert_eq!(page.matches("srcset=").count(), 2);
    assert!(
        page.contains(&format!("property=\"og:image\" content=\"http://127.0.0.1:8080{}\"", images[0].0))
    );
    let named = in_page(&page);
    assert_eq!(named.len(), 3 + 1 + 3 + 1, "two originals, three copies of each");
    let sizes = named.iter().map(|path| {
        let answer = serving.get(path);
        assert_eq!(answer.status, 200, "{path}");
        answer.body.len()
    });
    assert!(sizes.max().unwrap() >= original.len() - 100, "one of them is the image as it came");
    let list = serving.get("/xa-hoi/").text();
    assert!(list.contains("srcset=") && list.contains("14rem"), "{list}");

    let api = serving.get("/api/articles").json();
    let picture = &api["articles"][0]["pictures"][0];
    assert_eq!(picture["width"], 1600);
    assert_ne!(picture["original_url"], picture["url"]);

    let etag = serving.get(RSS).etag();
    assert!(serving.stop());
    let serving = site.serve();
    assert_eq!((in_feed(&serving), serving.get(RSS).etag()), (images.clone(), etag), "after a restart");
    site.remove("xa-hoi/bai.txt");
    wait_until("the withdrawal", || serving.get(&images[0].0).status == 410);
    assert!(named.iter().all(|path| serving.get(path).status == 410));
}

#[test]
fn an_image_that_is_saved_a_second_after_its_text_is_no_correction() {
    let site = TestSite::new();
    let serving = site.serve();
    site.write("xa-hoi/bai.txt", text("Bài có ảnh đến sau"));
    // The page of the article is made on request, maybe before the feeds have it.
    wait_until("the text", || serving.get("/xa-hoi/feed.json").text().contains("Bài có ảnh đến sau"));
    let updated = |feed: &str| {
        let feed = serving.get(feed).json();
        feed["items"][0]["date_modified"].as_str().unwrap().to_owned()
    };
    let before = (updated("/xa-hoi/feed.json"), serving.get(RSS).etag());
    site.write("xa-hoi/bai.jpg", photo((300, 200), 3));
    wait_until("the image", || !in_feed(&serving).is_empty());
    assert_eq!(updated("/xa-hoi/feed.json"), before.0, "readers see no correction");
    assert_ne!(serving.get(RSS).etag(), before.1, "and get the image");
    let page = serving.get(PAGE).text();
    assert!(page.contains("<img") && !page.contains("Đã sửa") && !page.contains("Cập nhật"), "{page}");
}

#[test]
fn a_store_of_an_older_version_gets_its_copies_with_new_validators() {
    let site = TestSite::new();
    site.write("xa-hoi/bai.txt", text("Bài cũ"));
    site.write("xa-hoi/bai.jpg", photo((2000, 1000), 4));
    let serving = site.serve();
    let expected = in_feed(&serving);
    assert!(serving.stop());
    let store = site.path("data/bantin.db");
    for sql in [
        "DELETE FROM picture WHERE name IN (SELECT name FROM picture_copy)",
        "DROP TABLE picture_copy",
        "DROP TABLE picture_to_scale",
        "DELETE FROM _sqlx_migrations WHERE version = 50",
    ] {
        execute_sql(&store, sql);
    }
    let serving = site.serve();
    let head = serving.metric("bantin_log_head");
    wait_until("the copies", || in_feed(&serving) == expected);
    assert_eq!(serving.metric("bantin_log_head"), head, "no article changed");
    let feed = serving.get(RSS);
    let again = serving.request("GET", RSS, &[("If-None-Match", &feed.etag())]);
    assert_eq!(again.status, 304);
    assert!(!serving.get(PAGE).text().contains("Đã sửa"));
}

#[test]
fn many_images_in_one_scan_are_published_at_once_and_get_their_copies_later() {
    let site = TestSite::new();
    for number in 0..MANY {
        site.write(&format!("xa-hoi/bai-so-{number}.txt"), text(&format!("Bài số {number}")));
        site.write(&format!("xa-hoi/bai-so-{number}.png"), drawing((2000, 20), number as u8));
    }
    let serving = site.serve();
    assert_eq!(in_feed(&serving).len(), MANY);
    wait_until("the copies", || in_feed(&serving).iter().all(is_light));
    let head = serving.metric("bantin_log_head");
    assert_eq!(head, MANY as u64, "one revision for each article");
}

#[test]
fn a_static_site_has_the_copies() {
    let site = TestSite::new();
    site.write("xa-hoi/bai.txt", text("Bài có ảnh"));
    site.write("xa-hoi/bai.jpg", photo((1800, 1200), 5));
    let output = site.path("www");
    site.ok(&["build", "--out", output.to_str().unwrap()]);
    let page = std::fs::read_to_string(output.join("bai-viet/2023/05/13/bai.html")).unwrap();
    let named = in_page(&page);
    assert_eq!(named.len(), 4);
    for path in named {
        assert!(output.join(path.trim_start_matches('/')).is_file(), "{path}");
    }
}

#[test]
fn a_backup_has_the_copies_and_erasing_erases_them() {
    let site = TestSite::new();
    site.write("xa-hoi/bai.txt", text("Bài có ảnh"));
    site.write("xa-hoi/bai.jpg", photo((1800, 1200), 6));
    let serving = site.serve();
    let images = in_feed(&serving);
    assert!(serving.stop());
    let backup = site.path("backup.db");
    site.ok(&["backup", backup.to_str().unwrap()]);
    let stored = || {
        let count = "SELECT COUNT(*) FROM picture WHERE LENGTH(bytes) > 0";
        let database = rusqlite::Connection::open(site.path("data/bantin.db")).unwrap();
        database.query_row(count, [], |row| row.get::<_, u32>(0)).unwrap()
    };
    assert_eq!(stored(), 4);
    site.ok(&["withdraw", "tag:dakto.example,2023:2023-05-13/bai", "--erase"]);
    assert_eq!(stored(), 0);
    std::fs::remove_dir_all(site.path("data")).unwrap();
    std::fs::remove_file(site.path("feeds/.bantin")).ok();
    site.ok(&["restore-backup", backup.to_str().unwrap()]);
    assert_eq!(stored(), 4);
    let serving = site.serve();
    assert_eq!(in_feed(&serving), images);
}

#[test]
fn check_says_what_is_done_with_a_very_large_image() {
    let site = TestSite::new();
    site.write("xa-hoi/bai.txt", text("Bài có ảnh lớn"));
    site.write("xa-hoi/bai.png", drawing((6500, 100), 7));
    let output = site.run(&["check"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("bai.png:1: warning: Ảnh rất lớn (6500×100, "), "{said}");
    assert!(said.contains("bản thu nhỏ (1600×25, ") && said.contains("scale it down"), "{said}");
    site.write("xa-hoi/bai.png", drawing((900, 100), 7));
    assert_eq!(site.run(&["check"]).status.code(), Some(0));
}

#[test]
fn files_that_are_no_images_are_refused_with_the_cure() {
    let site = TestSite::new();
    site.write("xa-hoi/bai.txt", text("Bài có ảnh hỏng"));
    let heic: &[u8] = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    let photo = photo((600, 400), 8);
    let cases: [(&str, &[u8], &str); 6] = [
        ("bai-1.heic", heic, "Hãy mở ảnh và lưu thành JPEG"),
        ("bai-2.jpg", heic, "Hãy mở ảnh và lưu thành JPEG"),
        ("bai-3.avif", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "lưu thành JPEG hoặc PNG"),
        ("bai-4.jpg", b"", "Tệp ảnh trống"),
        ("bai-5.jpg", &photo[..photo.len() / 2], "bị thiếu phần cuối"),
        ("bai-6.png", b"<html><body>404</body></html>", "trang web"),
    ];
    for (name, bytes, _) in cases {
        site.write(&format!("xa-hoi/{name}"), bytes);
    }
    // A JPEG with the name of a PNG is what its bytes say.
    site.write("xa-hoi/bai-7.png", &photo);
    let said = String::from_utf8(site.run(&["check"]).stdout).unwrap();
    for (name, _, cure) in cases {
        let line = said.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}: {said}"));
        assert!(line.contains(cure), "{line}");
    }
    assert!(!said.contains("bai-7.png"), "{said}");
    let serving = site.serve();
    let images = in_feed(&serving);
    assert_eq!(images.len(), 1);
    assert_eq!(serving.get(&images[0].0).header("content-type"), Some("image/jpeg"));
}

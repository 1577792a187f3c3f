//! Images of articles, from the folder to a range request, with the real program.

use std::io::Cursor;

use crate::support::{RunningServer, TestSite, article, wait_until, word_document};

const RSS: &str = "/xa-hoi/rss.xml";

pub fn png(width: u32, height: u32, shade: u8) -> Vec<u8> {
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
    site.within_the_grace(|| {
        let at = serving.metric("bantin_log_head");
        site.remove("xa-hoi/bai.png");
        site.scanned(&serving);
        site.write("xa-hoi/bai.png", png(40, 30, 2));
        site.scanned(&serving);
        (serving.metric("bantin_log_head") != at).then(|| "gone and back is a correction".to_owned())
    });
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

/// A Word document with images as Word writes them; `first` is the first of them.
fn document_with_images(first: &[u8]) -> Vec<u8> {
    let paragraph = |text: &str| format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>");
    let image = |id: &str, crop: &str, shape: &str| {
        format!(
            "<w:p><w:r><w:drawing><pic:pic><pic:blipFill><a:blip {id}/>{crop}</pic:blipFill>\
             <pic:spPr><a:xfrm{shape}/></pic:spPr></pic:pic></w:drawing></w:r></w:p>"
        )
    };
    let body = [
        paragraph("Bài có ảnh trong tệp Word"),
        paragraph("13/05/2023 08:00"),
        paragraph("Đoạn mở đầu của bài này dài hơn một chú thích ảnh."),
        paragraph("Toàn cảnh buổi lễ, ảnh tư liệu đã mất. Ảnh: Kho"),
        image("r:embed=\"rId1\"", "", ""),
        paragraph("Đoạn thứ hai của bài này dài hơn một chú thích ảnh."),
        image("r:embed=\"rId2\"", "<a:srcRect/>", " rot=\"0\""),
        paragraph("Quang cảnh Hội nghị. Ảnh: TL"),
        paragraph("Đoạn thứ ba của bài này dài hơn một chú thích ảnh."),
        image("r:embed=\"rId2\"", "<a:srcRect l=\"10000\"/>", ""),
        image("r:embed=\"rId1\"", "", " rot=\"5400000\""),
        image("r:link=\"rId3\"", "", ""),
        image("r:embed=\"rId4\"", "", ""),
        image("r:embed=\"rId5\"", "", ""),
        image("r:embed=\"rId6\"", "", ""),
        paragraph("Đoạn cuối cùng của bài này dài hơn một chú thích ảnh."),
        paragraph("Tấn Lộc"),
    ];
    let relation = |id: u8, target: &str, mode: &str| {
        format!("<Relationship Id=\"rId{id}\" Type=\"x/image\" Target=\"{target}\"{mode}/>")
    };
    let relations = [
        relation(1, "media/image1.png", ""),
        relation(2, "/word/media/image2.png", ""),
        relation(3, "file:///D:/anh/le-hoi.jpg", " TargetMode=\"External\""),
        relation(4, "media/image4.emf", ""),
        relation(5, "media/image5.png", ""),
        relation(6, "media/gone.png", ""),
    ];
    let relations = format!("<Relationships>{}</Relationships>", relations.concat());
    let emf = [b"\x01\0\0\0\x6c\0\0\0".as_slice(), &[0; 32], b" EMF", &[0; 64]].concat();
    word_document(
        &body.concat(),
        &[
            ("word/_rels/document.xml.rels", relations.as_bytes()),
            ("word/media/image1.png", first),
            ("word/media/image2.png", &png(120, 110, 2)),
            ("word/media/image4.emf", &emf),
            ("word/media/image5.png", &png(16, 16, 5)),
        ],
    )
}

#[test]
fn images_in_a_word_document_are_published_with_their_captions() {
    let site = TestSite::new();
    site.write("xa-hoi/bai.docx", document_with_images(&png(200, 150, 1)));
    let serving = site.serve();
    let paths = pictures(&serving);
    assert_eq!(paths.len(), 2, "{}", serving.log());
    let size = |path: &str| {
        let decoded = image::load_from_memory(&serving.get(path).body).unwrap();
        (decoded.width(), decoded.height())
    };
    assert_eq!((size(&paths[0]), size(&paths[1])), ((120, 110), (200, 150)), "the one with a caption first");
    let feed = feed_rs::parser::parse(serving.get("/xa-hoi/atom.xml").body.as_slice()).unwrap();
    let content = feed.entries[0].content.as_ref().unwrap().body.clone().unwrap();
    let figure = content.split("<figure>").nth(1).unwrap().split("</figure>").next().unwrap();
    assert!(figure.contains(&paths[0]) && figure.contains("Quang cảnh Hội nghị. Ảnh: TL"), "{content}");
    assert!(content.contains("<p>Toàn cảnh buổi lễ, ảnh tư liệu đã mất. Ảnh: Kho</p>"), "{content}");
    let log = serving.log();
    for part in ["image4.emf", "image5.png", "gone.png", "cannot publish the image «image2.png» (×3)"] {
        assert!(log.contains(part), "{part} is not in {log}");
    }

    let at = serving.metric("bantin_log_head");
    site.write("xa-hoi/bai.docx", document_with_images(&png(200, 150, 1)));
    site.scanned(&serving);
    assert_eq!(serving.metric("bantin_log_head"), at, "written again, not changed");
    site.write("xa-hoi/bai.docx", document_with_images(&png(200, 150, 9)));
    wait_until("the replaced image", || pictures(&serving).get(1).is_some_and(|path| *path != paths[1]));
    assert_eq!(serving.metric("bantin_log_head"), at + 1, "a correction");
    site.write("xa-hoi/bai-1.png", png(200, 150, 9));
    site.write("xa-hoi/bai-2.png", png(110, 110, 7));
    wait_until("the image next to the document", || pictures(&serving).len() == 3);
}

#[test]
fn commands_publish_the_images_in_a_word_document() {
    let site = TestSite::new();
    site.write("xa-hoi/giu-cho.txt", article("Bài giữ chỗ", "12/05/2023 08:00", "Đoạn mở đầu."));
    let (file, old) = (site.path("bai.docx"), site.path("cu"));
    std::fs::write(&file, document_with_images(&png(200, 150, 1))).unwrap();
    std::fs::create_dir_all(old.join("xa-hoi")).unwrap();
    std::fs::write(old.join("xa-hoi/bai-cu.docx"), document_with_images(&png(300, 150, 3))).unwrap();
    site.ok(&["scan"]);
    let file = file.to_str().unwrap();
    let checked = site.run(&["check", file]);
    let checked = String::from_utf8(checked.stdout).unwrap();
    assert!(checked.contains("image2.png") && checked.contains("image4.emf"), "{checked}");
    let published: serde_json::Value = serde_json::from_str(&site.ok(&[
        "publish",
        "--json",
        "--channel",
        "xa-hoi",
        site.path("bai.docx").to_str().unwrap(),
    ]))
    .unwrap();
    assert!(published["findings"].to_string().contains("image4.emf"), "{published}");
    site.ok(&["import", old.to_str().unwrap()]);
    let serving = site.serve();
    assert_eq!(pictures(&serving).len(), 4, "{}", serving.get(RSS).text());
}

#[test]
fn the_images_beside_a_saved_page_are_published_with_their_captions() {
    let site = TestSite::new();
    let page = "<html><head><title>Trao học bổng cho học sinh nghèo hiếu học</title></head><body>\
        <div class=content><h1>Trao học bổng cho học sinh nghèo hiếu học</h1><p>17/11/2026 10:20</p>\
        <p>Ngày 17/11, Hội Khuyến học trao 50 suất học bổng cho học sinh nghèo hiếu học của huyện.</p>\
        <p><img src='./Trang%20l%C6%B0u_files/anh1.png' width=600></p><p>Trao học bổng. Ảnh: PV</p>\
        <img src='./Trang%20l%C6%B0u_files/in.png'><img src='https://a.vn/xa.png'>\
        <p>Mỗi suất trị giá 1 triệu đồng, do các nhà hảo tâm ủng hộ qua Hội Khuyến học của huyện.</p></div>";
    site.write("xa-hoi/Trang lưu.html", page);
    site.write("xa-hoi/Trang lưu_files/anh1.png", png(300, 200, 1));
    site.write("xa-hoi/Trang lưu_files/in.png", png(24, 24, 1));
    site.write("xa-hoi/Trang lưu_files/logo.png", png(200, 200, 7));
    site.write("xa-hoi/khac_files/anh.png", png(200, 200, 7));
    let serving = site.serve();
    let paths = pictures(&serving);
    assert_eq!(paths.len(), 1, "{}", serving.log());
    assert!(serving.get(RSS).text().contains("Trao học bổng.</media:description>"));
    for part in ["in.png", "xa.png", "path=xa-hoi/khac_files"] {
        assert!(serving.log().contains(part), "{part}: {}", serving.log());
    }
    let at = serving.metric("bantin_log_head");
    site.scanned(&serving);
    assert_eq!(serving.metric("bantin_log_head"), at);
    site.write("xa-hoi/Trang lưu_files/anh1.png", png(300, 200, 2));
    site.scanned(&serving);
    wait_until("the replaced image", || pictures(&serving) != paths);

    let checked = String::from_utf8(site.run(&["check", "-v"]).stdout).unwrap();
    assert!(checked.contains("anh1.png") && !checked.contains("logo.png"), "{checked}");
}

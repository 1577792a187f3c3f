//! The inputs to begin with: the samples of the project, and requests as clients send them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::archives;
use crate::images::samples;
use crate::site::{ARTICLE, HUB_TOKEN};

/// A write to the running site.
pub struct ApiKind {
    /// Method, path and query.
    pub target: &'static str,
    content_type: &'static str,
    by: Sender,
    body: &'static str,
}

/// Who sends it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sender {
    /// A program with a token.
    Program,
    /// Somebody who has logged in.
    Office,
}

impl ApiKind {
    const fn of_program(target: &'static str, content_type: &'static str, body: &'static str) -> Self {
        Self { target, content_type, by: Sender::Program, body }
    }

    const fn of_office(target: &'static str, content_type: &'static str, body: &'static str) -> Self {
        Self { target, content_type, by: Sender::Office, body }
    }

    /// Its header lines.
    pub fn headers(&self) -> Vec<(&'static str, &'static str)> {
        let by = match self.by {
            Sender::Program => ("Authorization", "Bearer bantin_FUZZ"),
            Sender::Office => ("Cookie", "bantin=COOKIE_FUZZ"),
        };
        vec![("Content-Type", self.content_type), by]
    }
}

const URL_FORM: &str = "application/x-www-form-urlencoded";
const FILE_FORM: &str = "multipart/form-data; boundary=ranh-gioi";
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const TEXT: &str =
    "Huyện Đăk Tô phát động thi đua\n\n12/05/2023 17:39\n\nChiều 12/5, huyện tổ chức hội nghị.\n\nTấn Lộc\n";
const MARKDOWN: &str = "# Huyện Đăk Tô phát động thi đua\n\n12/05/2023 17:39\n\nChiều *12/5*, [huyện](https://a.vn/) tổ chức.\n\n- một\n- hai\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
const HTML: &str = "<h1>Huyện Đăk Tô phát động thi đua</h1><p>12/05/2023 17:39</p><p>Chiều <b>12/5</b>, <a href=\"/a\">huyện</a> tổ chức.</p><table><tr><td>1<td>2</table>";
const FIELDS: &str = r#"{"title":"Hội nghị tổng kết","published":"2023-05-13T08:00:00+07:00","updated":"2023-05-14T08:00:00+07:00","text":"Đoạn *mở đầu*.\n\n## Mục\n\nĐoạn hai.","authors":["Tấn Lộc"],"source":"Báo A","summary":"Tóm tắt","tags":["thi đua"],"language":"vi","link":"https://a.vn/b","channels":["xa-hoi"]}"#;
const UPLOAD: &str = "--ranh-gioi\r\nContent-Disposition: form-data; name=\"article\"; filename=\"bai.txt\"\r\nContent-Type: text/plain\r\n\r\nTiêu đề\n\n12/05/2023 17:39\n\nNội dung của bài viết.\r\n--ranh-gioi\r\nContent-Disposition: form-data; name=\"image\"; filename=\"bai.png\"\r\nContent-Type: image/png\r\n\r\nPNG\r\n--ranh-gioi--\r\n";
const OFFICE: &str = "csrf=CSRF_FUZZ&viec=xem&tieu-de=H%E1%BB%99i+ngh%E1%BB%8B&ngay-gio=08%3A00+13%2F05%2F2023&noi-dung=%C4%90o%E1%BA%A1n.%0D%0A%0D%0AHai.&tac-gia=A%2C+B&chuyen-muc=xa-hoi&tom-tat=t&tu-khoa=a%2C+b&nguon=n&lien-ket=https%3A%2F%2Fa.vn%2F&ngon-ngu=vi&ma=";
const OFFICE_FILES: &str = "--ranh-gioi\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nCSRF_FUZZ\r\n--ranh-gioi\r\nContent-Disposition: form-data; name=\"viec\"\r\n\r\nxem\r\n--ranh-gioi\r\nContent-Disposition: form-data; name=\"tieu-de\"\r\n\r\nTiêu đề\r\n--ranh-gioi\r\nContent-Disposition: form-data; name=\"noi-dung\"\r\n\r\nĐoạn.\r\n--ranh-gioi\r\nContent-Disposition: form-data; name=\"chuyen-muc\"\r\n\r\nxa-hoi\r\n--ranh-gioi\r\nContent-Disposition: form-data; name=\"tep\"; filename=\"bai.txt\"\r\nContent-Type: text/plain\r\n\r\nTiêu đề\n\n12/05/2023\n\nNội dung.\r\n--ranh-gioi--\r\n";

/// The writes, each with a body as a client sends it.
pub const API: [ApiKind; 18] = [
    ApiKind::of_program("POST /api/articles?channel=xa-hoi", "text/plain", TEXT),
    ApiKind::of_program("POST /api/articles?channel=xa-hoi", "text/markdown", MARKDOWN),
    ApiKind::of_program("POST /api/articles?channel=kinh-te", "text/html", HTML),
    ApiKind::of_program("POST /api/articles", "application/json", FIELDS),
    ApiKind::of_program("POST /api/articles?channel=xa-hoi&dry_run=1", "application/json", FIELDS),
    ApiKind::of_program("POST /api/articles?channel=xa-hoi&dry_run=1", "text/html", HTML),
    ApiKind::of_program("POST /api/articles?channel=xa-hoi&dry_run=1", "text/markdown", MARKDOWN),
    ApiKind::of_program("POST /api/articles?channel=xa-hoi", FILE_FORM, UPLOAD),
    ApiKind::of_program("POST /api/articles?channel=xa-hoi&dry_run=1", DOCX, ""),
    ApiKind::of_program(FIRST, "application/json", FIELDS),
    ApiKind::of_program(FIRST, FILE_FORM, UPLOAD),
    ApiKind::of_office("POST /soan/bai-moi", URL_FORM, OFFICE),
    ApiKind::of_office("POST /soan/bai-moi", FILE_FORM, OFFICE_FILES),
    ApiKind::of_office("POST /soan/bai", URL_FORM, OFFICE),
    ApiKind::of_office("POST /soan/doc", FILE_FORM, OFFICE_FILES),
    ApiKind::of_office("POST /soan/go", URL_FORM, "csrf=CSRF_FUZZ&id=x&ly-do=nham&version=1"),
    ApiKind::of_office("POST /soan/lay-lai", URL_FORM, "csrf=CSRF_FUZZ&id=x&so=1"),
    ApiKind::of_office("POST /soan/nguon", URL_FORM, "csrf=CSRF_FUZZ&nguon=UBND&viec=dung"),
];

/// A correction of the first article.
const FIRST: &str = "PUT /api/articles/tag%3Ahuyen.example.vn%2C2023%3A2023-05-12%2Fhuyen-dak-to-phat-dong-thi-dua?images=all";

/// The kinds of requests to the hub.
pub const HUB: usize = 3;

/// Whole requests: method, target, header lines.
const REQUESTS: [(&str, &[&str]); 28] = [
    ("GET /", &[]),
    (
        "GET /feed.xml",
        &["Accept-Encoding: gzip;q=0.5, br, *;q=0", "If-None-Match: W/\"x.1-0123456789abcdef-gzip\""],
    ),
    ("GET /rss.xml", &["A-IM: feed", "If-None-Match: \"x.1-0123456789abcdef-identity\", *"]),
    ("GET /xa-hoi/rss.xml", &["If-Modified-Since: Fri, 12 May 2023 10:39:00 GMT"]),
    ("HEAD /xa-hoi/atom.xml", &["If-Match: \"x\"", "If-Unmodified-Since: Friday, 12-May-23 10:39:00 GMT"]),
    ("GET /xa-hoi/feed.json", &["Sec-Fetch-Dest: document"]),
    ("GET /doi-song/", &[]),
    ("GET /xa-hoi", &[]),
    ("GET /archive/1.xml", &[]),
    ("GET /2023/05/12/huyen-dak-to-phat-dong-thi-dua", &["Range: bytes=0-99"]),
    ("GET /theo-thang/2023/05", &[]),
    ("GET /tim-kiem?q=%22thi+%C4%91ua%22+huy%E1%BB%87n&chuyen-muc=xa-hoi&trang=2", &[]),
    ("GET /tim-kiem/rss.xml?q=thi+dua", &[]),
    ("GET /sitemap.xml", &[]),
    ("GET /sitemap/2023-05.xml", &[]),
    ("GET /news-sitemap.xml", &[]),
    ("GET /media/00000000000000000000000000000000.jpg", &["Range: bytes=-5", "If-Range: \"x\""]),
    ("GET /opml.xml", &["Origin: https://a.vn"]),
    ("GET /?p=12&page_id=3", &[]),
    ("GET /tin-tuc/bai-cu-123.html?id=5", &[]),
    ("OPTIONS /api/articles", &["Access-Control-Request-Method: POST"]),
    ("GET /api/changes?after=0&limit=5&channel=xa-hoi", &["Accept-Encoding: gzip"]),
    (
        "GET /api/articles?q=thi+dua&from=2023-05-01&until=2023-06-01&cursor=x",
        &["Authorization: Bearer bantin_FUZZ"],
    ),
    ("GET /api/findings", &["Authorization: Bearer bantin_FUZZ"]),
    (
        "GET /api/sources/UBND%20x%C3%A3%20%C4%90%C4%83k%20T%C3%B4/items?state=waiting",
        &["Authorization: Bearer bantin_FUZZ"],
    ),
    ("GET /soan/bai?id=x", &["Cookie: bantin=COOKIE_FUZZ; a=b"]),
    ("GET /soan/?trang=2&tim=a&xong=go", &["Cookie: bantin=COOKIE_FUZZ"]),
    (
        "DELETE /api/articles/x?reason=nham&erase=0",
        &["Authorization: Bearer bantin_FUZZ", "If-Match: \"1\"", "Idempotency-Key: a"],
    ),
];

/// Fills a folder with a folder of inputs for each target.
///
/// # Errors
/// If a sample cannot be read, or an input cannot be written.
pub fn write_all(root: &Path, corpus: &Path) -> io::Result<()> {
    let samples = Samples::read(root)?;
    let mut writer = Writer { corpus: corpus.to_owned(), written: 0 };
    articles(&samples, &mut writer)?;
    front_matter(&samples, &mut writer)?;
    configs(&samples, &mut writer)?;
    requests(&mut writer)?;
    writes(&samples, &mut writer)?;
    hub(&mut writer)?;
    feeds(root, &samples, &mut writer)?;
    documents(&samples, &mut writer)?;
    pictures(&mut writer)?;
    println!("{} inputs to begin with", writer.written);
    Ok(())
}

struct Writer {
    corpus: PathBuf,
    written: usize,
}

impl Writer {
    fn add(&mut self, target: &str, bytes: &[u8]) -> io::Result<()> {
        let folder = self.corpus.join(target);
        fs::create_dir_all(&folder)?;
        self.written += 1;
        fs::write(folder.join(format!("seed-{:08x}", crc32fast::hash(bytes))), bytes)
    }

    /// With a first byte that selects what is done.
    fn add_chosen(&mut self, target: &str, choice: u8, bytes: &[u8]) -> io::Result<()> {
        self.add(target, &[&[choice], bytes].concat())
    }
}

/// The samples of the project: extension and bytes.
struct Samples(Vec<(String, Vec<u8>)>);

impl Samples {
    fn read(root: &Path) -> io::Result<Self> {
        let mut samples = Self(Vec::new());
        for folder in [
            "feeds",
            "tests/configs",
            "tests/manuscripts",
            "tests/odt",
            "tests/pages",
            "tests/reading",
            "tests/word",
        ] {
            samples.add(&root.join(folder))?;
        }
        samples.0.push(("toml".to_owned(), fs::read(root.join("config.toml"))?));
        Ok(samples)
    }

    fn add(&mut self, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.add(&path)?;
            } else if let Some(extension) = path.extension() {
                self.0.push((extension.to_string_lossy().into_owned(), fs::read(&path)?));
            }
        }
        Ok(())
    }

    fn of(&self, extension: &'static str) -> impl Iterator<Item = &[u8]> {
        self.0.iter().filter(move |(found, _)| found == extension).map(|(_, bytes)| bytes.as_slice())
    }
}

fn articles(samples: &Samples, writer: &mut Writer) -> io::Result<()> {
    for (extension, choices) in [("txt", &[0u8, 1][..]), ("md", &[1, 3]), ("html", &[2, 4])] {
        for bytes in samples.of(extension).filter(|bytes| bytes.len() < 60_000) {
            for choice in choices {
                writer.add_chosen("article", *choice, bytes)?;
            }
        }
    }
    writer.add_chosen("article", 3, MARKDOWN.as_bytes())?;
    writer.add_chosen("article", 4, HTML.as_bytes())
}

fn front_matter(samples: &Samples, writer: &mut Writer) -> io::Result<()> {
    let texts = samples.of("txt").chain(samples.of("md")).filter_map(|bytes| std::str::from_utf8(bytes).ok());
    for head in texts.filter_map(|text| text.strip_prefix("+++")?.split("\n+++").next()) {
        (0..3)
            .try_for_each(|choice| writer.add_chosen("front_matter", choice, head.trim_start().as_bytes()))?;
    }
    let all = "title = \"Tiêu đề\"\ndate = 2023-05-12T17:39:00+07:00\npublished = \"17:39 12/05/2023\"\nupdated = 2023-05-13\n\
               authors = [\"A\", \"B\"]\nsource = \"Báo\"\nsummary = '''a\nb'''\ntags = [\"x\"]\nlanguage = \"jra\"\n\
               link = \"https://a.vn/\"\nid = \"tag:a.vn,2023:x\"\nchannels = [\"xa-hoi\"]\nencoding = \"tcvn3\"\n";
    for line in all.lines().chain([all]) {
        writer.add_chosen("front_matter", 0, line.as_bytes())?;
    }
    writer.add_chosen("front_matter", 3, FIELDS.as_bytes())
}

fn configs(samples: &Samples, writer: &mut Writer) -> io::Result<()> {
    let variables = "\n--\nBANTIN_SERVER__LISTEN=0.0.0.0:80\nBANTIN_SITE__TITLE=Xã\nBANTIN_FEED__SKIP_HOURS=[1,2]\n\
                     BANTIN_STORE__URL=postgres://a:b@c/d?sslmode=require\nBANTIN_SITE__TITEL=x\n";
    for file in samples.of("toml") {
        writer.add("config", file)?;
    }
    for line in variables.lines().filter(|line| line.contains('=')) {
        writer.add("config", format!("\n--\n{line}").as_bytes())?;
    }
    writer.add("config", variables.as_bytes())
}

fn requests(writer: &mut Writer) -> io::Result<()> {
    for (index, (first, lines)) in REQUESTS.iter().enumerate() {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let whole = format!("{first} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n{lines}\r\n");
        writer.add("request", whole.as_bytes())?;
        writer.add_chosen(
            "headers",
            index as u8,
            format!("{first}\n{}", lines.replace("\r\n", "\n")).as_bytes(),
        )?;
    }
    let twice = "GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /hub HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    writer.add("request", twice.as_bytes())?;
    writer.add("request", b"GET http://a.vn/feed.xml HTTP/1.0\r\n\r\n")?;
    let links = "GET /\nLink: <https://hub.a.vn/>; rel=\"hub\", <https://a.vn/rss>; rel=self\nX-Hub-Signature: sha256=00ff\n";
    writer.add_chosen("headers", 0, links.as_bytes())
}

fn writes(samples: &Samples, writer: &mut Writer) -> io::Result<()> {
    for (choice, kind) in API.iter().enumerate() {
        writer.add_chosen("api", choice as u8, kind.body.as_bytes())?;
    }
    let correction = OFFICE.replace("&ma=", &format!("&id={ARTICLE}&version=x.1&ly-do=sai"));
    writer.add_chosen("api", 13, correction.as_bytes())?;
    let image = samples::named("PNG").bare;
    let (before, after) = UPLOAD.split_once("\r\n\r\nPNG").unwrap_or_default();
    writer.add_chosen("api", 7, &[before.as_bytes(), b"\r\n\r\n", &image, after.as_bytes()].concat())?;
    for bytes in samples.of("docx").filter(|bytes| bytes.len() < 20_000).take(8) {
        writer.add_chosen("api", 8, bytes)?;
    }
    Ok(())
}

fn hub(writer: &mut Writer) -> io::Result<()> {
    let topic = "http%3A%2F%2F127.0.0.1%3A8080%2Fxa-hoi%2Frss.xml";
    for form in [
        format!(
            "hub.mode=subscribe&hub.topic={topic}&hub.callback=https%3A%2F%2Fa.example.vn%2Fc&hub.secret=s&hub.lease_seconds=86400"
        ),
        format!(
            "hub.mode=unsubscribe&hub.topic={topic}&hub.callback=http%3A%2F%2F93.184.216.34%3A8080%2Fc%3Fa%3Db"
        ),
        "hub.mode=publish&hub.url=x".to_owned(),
    ] {
        writer.add_chosen("hub", 0, form.as_bytes())?;
    }
    let source = "https%3A%2F%2Fxa.example.vn%2Frss.xml";
    for query in [
        format!("hub.mode=subscribe&hub.topic={source}&hub.challenge=abc&hub.lease_seconds=864000"),
        format!("hub.mode=denied&hub.topic={source}&hub.reason=x"),
    ] {
        writer.add_chosen("hub", 1, query.as_bytes())?;
    }
    debug_assert!(HUB_TOKEN.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    writer.add_chosen("hub", 2, b"sha256=00ff00ff\n<rss/>")?;
    writer.add_chosen("hub", 2, b"sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709\n")
}

fn feeds(root: &Path, samples: &Samples, writer: &mut Writer) -> io::Result<()> {
    for entry in fs::read_dir(root.join("src/feed/snapshots"))? {
        let snapshot = fs::read_to_string(entry?.path())?;
        let Some(feed) = snapshot.splitn(3, "---\n").nth(2) else { continue };
        for choice in [0, 4] {
            writer.add_chosen("feed", choice, feed.as_bytes())?;
        }
    }
    for bytes in samples.of("html").filter(|bytes| bytes.len() < 60_000) {
        writer.add_chosen("feed", 3, bytes)?;
        writer.add_chosen("feed", 6, bytes)?;
    }
    for date in [
        "Fri, 12 May 2023 17:39:00 +0700",
        "2023-05-12T17:39:00.5Z",
        "12 May 2023 17:39 GMT+7 (ICT)",
        "12/05/2023 17:39 CH",
        "Thứ Sáu, ngày 12 tháng 5 năm 2023",
    ] {
        writer.add_chosen("feed", 5, date.as_bytes())?;
    }
    writer.add_chosen("feed", 1, WORDPRESS.as_bytes())?;
    writer.add_chosen("feed", 4, WORDPRESS.as_bytes())?;
    writer.add_chosen("feed", 0, WORDPRESS.as_bytes())?;
    writer.add_chosen("feed", 0, RDF.as_bytes())?;
    writer.add_chosen("feed", 0, OPML.as_bytes())?;
    writer.add_chosen("feed", 0, SITEMAP.as_bytes())?;
    writer.add_chosen("feed", 2, CHANGES.as_bytes())
}

const WORDPRESS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:wp="http://wordpress.org/export/1.2/">
<channel><title>Xã</title><link>https://xa.example.vn</link><wp:wxr_version>1.2</wp:wxr_version><wp:base_blog_url>https://xa.example.vn</wp:base_blog_url>
<wp:author><wp:author_login><![CDATA[lan]]></wp:author_login><wp:author_display_name><![CDATA[Phương Lan]]></wp:author_display_name></wp:author>
<item><title>Ra quân</title><link>https://xa.example.vn/2023/05/ra-quan/</link><pubDate>Fri, 12 May 2023 10:39:00 +0000</pubDate><dc:creator><![CDATA[lan]]></dc:creator><guid isPermaLink="false">https://xa.example.vn/?p=5</guid>
<content:encoded><![CDATA[[caption id="a" width="300"]<img src="https://xa.example.vn/a-300x200.jpg" /> Chú thích[/caption]

Đoạn một.

[gallery ids="7,8"] <!-- wp:paragraph --><p>Đoạn hai</p>]]></content:encoded><excerpt:encoded><![CDATA[Tóm tắt]]></excerpt:encoded>
<wp:post_id>5</wp:post_id><wp:post_date><![CDATA[2023-05-12 17:39:00]]></wp:post_date><wp:post_date_gmt><![CDATA[2023-05-12 10:39:00]]></wp:post_date_gmt><wp:post_name><![CDATA[ra-quan]]></wp:post_name><wp:status><![CDATA[publish]]></wp:status><wp:post_parent>0</wp:post_parent><wp:post_type><![CDATA[post]]></wp:post_type><wp:post_password></wp:post_password>
<category domain="category" nicename="xa-hoi"><![CDATA[Xã hội]]></category><wp:postmeta><wp:meta_key><![CDATA[_thumbnail_id]]></wp:meta_key><wp:meta_value><![CDATA[7]]></wp:meta_value></wp:postmeta></item>
</channel></rss>"#;
const RDF: &str = r#"<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>X</title></channel><item rdf:about="https://a.vn/1"><title>A &amp; B</title><link>/1</link><description>&lt;p&gt;C&lt;/p&gt;</description><dc:date>2023-05-12T17:39+07:00</dc:date></item></rdf:RDF>"#;
const OPML: &str =
    r#"<opml version="2.0"><body><outline type="rss" text="A" xmlUrl="https://a.vn/rss.xml"/></body></opml>"#;
const SITEMAP: &str = r#"<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>https://a.vn/1</loc><news:news><news:publication_date>2023-05-12</news:publication_date><news:title>A</news:title></news:news></url></urlset>"#;
const CHANGES: &str = r#"{"log":"k3f9c2","next":4,"changes":[{"id":"tag:a.vn,2023:x","kind":"published","number":1,"at":"2023-05-12T17:39:00+07:00","article":{"title":"A","published":"2023-05-12T17:39:00+07:00","date_only":false,"content_html":"<p>B</p>","channels":["xa-hoi"],"authors":["C"],"tags":["d"],"url":"https://a.vn/1","images":[{"url":"https://a.vn/1.jpg"}]}},{"id":"tag:a.vn,2023:y","kind":"withdrawn","reason":"nham"}]}"#;

fn documents(samples: &Samples, writer: &mut Writer) -> io::Result<()> {
    for bytes in samples.of("docx").chain(samples.of("odt")) {
        let open = archives::stored(bytes).unwrap_or_else(|| bytes.to_vec());
        if open.len() < 300_000 {
            writer.add("package", &open)?;
        }
    }
    let texts: Vec<&[u8]> = samples.of("txt").take(40).collect();
    let html = samples.of("html").next().unwrap_or_default();
    let docx = samples.of("docx").min_by_key(|bytes| bytes.len()).unwrap_or_default();
    for three in texts.chunks(3) {
        let names = ["Xã hội/một.txt", "Xã hội/2023/hai.txt", "kinh-te/ba.txt"];
        let files = names.into_iter().zip(three.iter().copied());
        let more =
            [("Xã hội/trang.html", html), ("Xã hội/bai.docx", docx), ("Xã hội/ảnh.jpg", b"\xff\xd8\xff")];
        if let Some(archive) = archives::of_files(files.chain(more)) {
            writer.add("archive", &archive)?;
        }
    }
    let odd = [
        ("../ra.txt", b"a".as_slice()),
        ("Xã hội\\a.txt", TEXT.as_bytes()),
        ("__MACOSX/a.txt", b""),
        ("a/", b""),
    ];
    archives::of_files(odd).map_or(Ok(()), |archive| writer.add("archive", &archive))
}

fn pictures(writer: &mut Writer) -> io::Result<()> {
    for sample in samples::all() {
        writer.add("picture", &sample.bare)?;
        writer.add("picture", &sample.with_metadata)?;
    }
    Ok(())
}

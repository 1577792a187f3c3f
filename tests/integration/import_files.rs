//! Imports of what other systems export: WordPress, feeds, a backup of another bantin.

use std::process::Output;

use serde_json::Value;

use crate::support::form::png;
use crate::support::portal::{Portal, items};
use crate::support::{SAMPLE_ARTICLE, TestSite, article};

const END: &str = "</channel></rss>";

/// An export of the site at `url`.
fn wordpress(url: &str, items: &[String]) -> String {
    let authors = [("lan", "Nguyễn Thị Lan"), ("quan@xa.example", "Lê Quân")].map(|(login, name)| {
        format!(
            "<wp:author><wp:author_login><![CDATA[{login}]]></wp:author_login>\
             <wp:author_display_name><![CDATA[{name}]]></wp:author_display_name></wp:author>"
        )
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<!-- Tệp xuất -->\n<rss version=\"2.0\"\n\
         xmlns:excerpt=\"http://wordpress.org/export/1.2/excerpt/\"\n\
         xmlns:content=\"http://purl.org/rss/1.0/modules/content/\"\nxmlns:dc=\"http://purl.org/dc/elements/1.1/\"\n\
         xmlns:wp=\"http://wordpress.org/export/1.2/\">\n<channel>\n<title>Xã Tân Cảnh</title>\n<link>{url}</link>\n\
         <language>vi</language>\n<wp:wxr_version>1.2</wp:wxr_version>\n<wp:base_site_url>{url}</wp:base_site_url>\n\
         <wp:base_blog_url>{url}</wp:base_blog_url>\n{}\n{}\n{END}\n",
        authors.concat(),
        items.join("\n")
    )
}

/// An item of an export. Fields are changed with [`Post::with`].
#[derive(Clone)]
struct Post {
    url: String,
    number: u32,
    title: &'static str,
    fields: Vec<(&'static str, String)>,
    categories: Vec<&'static str>,
    text: String,
}

/// A published article on the second of May 2019 at half past eight, local time.
fn post(url: &str, number: u32, title: &'static str) -> Post {
    let fields = [
        ("dc:creator", "lan"),
        ("excerpt:encoded", ""),
        ("wp:post_date", "2019-05-02 08:30:00"),
        ("wp:post_date_gmt", "2019-05-02 01:30:00"),
        ("wp:status", "publish"),
        ("wp:post_type", "post"),
        ("wp:post_password", ""),
    ];
    let mut fields: Vec<_> = fields.map(|(name, value)| (name, value.to_owned())).to_vec();
    fields.push(("wp:post_id", number.to_string()));
    fields.push(("wp:post_name", format!("bai-{number}")));
    let text = format!("Đoạn mở đầu của bài {number}, do văn phòng xã viết lại.\n\nĐoạn thứ hai của bài.");
    Post { url: url.to_owned(), number, title, fields, categories: vec!["Xã hội"], text }
}

impl Post {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.retain(|(known, _)| *known != name);
        self.fields.push((name, value.into()));
        self
    }

    fn in_categories(self, categories: &[&'static str]) -> Self {
        Self { categories: categories.to_vec(), ..self }
    }

    fn saying(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }

    fn xml(&self) -> String {
        let Self { url, number, title, fields, categories, text } = self;
        let fields = fields.iter().map(|(name, value)| format!("<{name}><![CDATA[{value}]]></{name}>"));
        let category = |name: &&str| {
            format!("<category domain=\"category\" nicename=\"x\"><![CDATA[{name}]]></category>")
        };
        format!(
            "<item><title><![CDATA[{title}]]></title><link>{url}/2019/05/bai-{number}/</link>\
             <pubDate>Mon, 30 Nov -0001 00:00:00 +0000</pubDate>\
             <guid isPermaLink=\"false\">{url}/?p={number}</guid><description></description>\
             <content:encoded><![CDATA[{text}]]></content:encoded>{}{}\
             <category domain=\"post_tag\" nicename=\"y\"><![CDATA[nông thôn mới]]></category></item>",
            fields.collect::<String>(),
            categories.iter().map(category).collect::<String>()
        )
    }
}

/// A file of the old site.
fn attachment(url: &str, number: u32, parent: u32, file: &str, caption: &str) -> String {
    post(url, number, "tệp")
        .with("wp:post_type", "attachment")
        .with("wp:status", "inherit")
        .with("wp:post_parent", parent.to_string())
        .with("wp:attachment_url", format!("{url}/wp-content/uploads/{file}"))
        .with("excerpt:encoded", caption)
        .xml()
}

fn import(site: &TestSite, file: &str, arguments: &[&str]) -> Output {
    let path = site.path(file).display().to_string();
    site.run(&[&["import", &path], arguments].concat())
}

/// Imports a file, and returns the report.
fn report(site: &TestSite, file: &str, arguments: &[&str]) -> Value {
    let output = import(site, file, &[arguments, &["--json"]].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// What a report says, by line.
fn findings(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| format!("{}: {}", finding["line"], finding["message_en"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_site_of_wordpress_moves_with_its_texts_authors_dates_and_addresses() {
    let url = "https://xa.example";
    let site = TestSite::new();
    let posts = [
        post(url, 11, "Họp dân thôn Đăk Ri Dốp").in_categories(&["Xã hội", "Văn hoá"]),
        post(url, 12, "Lịch tiếp công dân &amp; giờ làm việc")
            .with("dc:creator", "quan@xa.example")
            .with("wp:post_date_gmt", "0000-00-00 00:00:00")
            .with("wp:post_name", "l%e1%bb%8bch-ti%e1%ba%bfp"),
    ];
    let export = wordpress(url, &posts.map(|post| post.xml()));
    std::fs::write(site.path("xuat.xml"), &export).unwrap();
    let first = report(&site, "xuat.xml", &["--map", "Văn hoá=xa-hoi"]);
    assert_eq!(first["published"], 2, "{first}");
    assert_eq!(
        (&first["old_addresses"], &first["findings"]),
        (&4.into(), &Value::Array(Vec::new())),
        "{first}"
    );

    let items = items(&site);
    let of = |id: &str| items.iter().find(|item| item["id"] == id).unwrap();
    let one = of("https://xa.example/?p=11");
    assert_eq!(one["title"], "Họp dân thôn Đăk Ri Dốp");
    assert_eq!(one["authors"][0]["name"], "Nguyễn Thị Lan");
    assert_eq!(one["date_published"], "2019-05-02T08:30:00+07:00");
    assert!(one["url"].as_str().unwrap().ends_with("/bai-viet/2019/05/02/bai-11"), "{one}");
    let html = one["content_html"].as_str().unwrap();
    assert!(html.contains("Đoạn thứ hai của bài.") && !html.contains("Theo"), "{html}");
    assert!(one["tags"].as_array().unwrap().contains(&"nông thôn mới".into()), "{one}");
    let two = of("https://xa.example/?p=12");
    assert_eq!(
        (&two["title"], &two["authors"][0]["name"]),
        (&"Lịch tiếp công dân & giờ làm việc".into(), &"Lê Quân".into())
    );
    assert_eq!(two["date_published"], "2019-05-02T08:30:00+07:00", "as the other article's zone says");
    assert!(two["url"].as_str().unwrap().ends_with("/2019/05/02/lich-tiep"), "{two}");

    let serving = site.serve();
    let new = "/bai-viet/2019/05/02/bai-11";
    for old in
        ["/2019/05/bai-11/", "/2019/05/bai-11", "/?p=11", "/?p=11&utm_source=x", "/2019/05/bai-11/?fbclid=a"]
    {
        let answer = serving.get(old);
        assert_eq!((answer.status, answer.header("location")), (301, Some(new)), "{old}");
    }
    for unknown in ["/2019/05/bai-99/", "/2019/05/"] {
        assert_eq!(serving.get(unknown).status, 404, "{unknown}");
    }
    for front_page in ["/?p=99", "/?q=họp", "/?p=", "/"] {
        assert_eq!(serving.get(front_page).status, 200, "{front_page}");
    }
    // A withdrawn article is gone at its old address too.
    site.ok(&["withdraw", "https://xa.example/?p=11"]);
    crate::support::wait_until("the old address to be gone", || {
        serving.get("/2019/05/bai-11/").status == 410
    });
    assert_eq!(serving.get("/?p=11").status, 410);
}

#[test]
fn a_second_import_changes_nothing_and_a_changed_article_is_corrected() {
    let url = "https://xa.example";
    let site = TestSite::new();
    let posts = [post(url, 11, "Bài một"), post(url, 12, "Bài hai")];
    let write = |posts: &[Post]| {
        let items: Vec<String> = posts.iter().map(Post::xml).collect();
        std::fs::write(site.path("xuat.xml"), wordpress(url, &items)).unwrap();
    };
    write(&posts);
    let dry = report(&site, "xuat.xml", &["--dry-run"]);
    assert_eq!((&dry["acceptable"], &dry["published"]), (&2.into(), &0.into()));
    assert_eq!(site.ok(&["list", "--json"]).trim(), "[]");
    assert_eq!(report(&site, "xuat.xml", &[])["published"], 2);
    let before = site.ok(&["list", "--json"]);
    // Also under another name, and when the site writes its addresses in another way.
    std::fs::copy(site.path("xuat.xml"), site.path("lai.xml")).unwrap();
    for file in ["xuat.xml", "lai.xml"] {
        let again = report(&site, file, &[]);
        assert_eq!(
            (&again["unchanged"], &again["corrected"], &again["refused"]),
            (&2.into(), &0.into(), &0.into())
        );
    }
    assert_eq!(site.ok(&["list", "--json"]), before);
    let corrected = posts[1].clone().saying("Nội dung đã được sửa lại cho đúng.");
    write(&[posts[0].clone(), corrected]);
    let third = report(&site, "xuat.xml", &[]);
    assert_eq!((&third["unchanged"], &third["corrected"]), (&1.into(), &1.into()), "{third}");
    let shown = items(&site).iter().map(Value::to_string).collect::<String>();
    assert!(shown.contains("đã được sửa lại") && !shown.contains("mở đầu của bài 12"), "{shown}");
}

#[test]
fn what_was_not_meant_for_readers_is_left_out_and_listed() {
    let url = "https://xa.example";
    let site = TestSite::new();
    let mut posts = vec![post(url, 1, "Bài công khai")];
    for (number, status) in [(2, "draft"), (3, "pending"), (4, "private"), (5, "trash"), (6, "future")] {
        posts.push(post(url, number, "Bài chưa đăng").with("wp:status", status));
    }
    posts.push(post(url, 7, "Trang giới thiệu").with("wp:post_type", "page"));
    posts.push(post(url, 8, "Mục của trình đơn").with("wp:post_type", "nav_menu_item"));
    posts.push(post(url, 9, "Bài có mật khẩu").with("wp:post_password", "bí mật"));
    let items_of: Vec<String> = posts.iter().map(Post::xml).collect();
    std::fs::write(site.path("xuat.xml"), wordpress(url, &items_of)).unwrap();
    let output = import(&site, "xuat.xml", &[]);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    for expected in [
        "xuat.xml:19: warning: «Bài chưa đăng» không được nhập: trạng thái là draft. (`Bài chưa đăng` is left out: its status is `draft`)\n",
        "`Trang giới thiệu` is left out: it is a `page`, not an article",
        "`Bài có mật khẩu` is left out: readers need a password for it",
        "1 article: 1 published, 0 corrected, 0 unchanged, 0 stay withdrawn, 0 rejected\n",
        "1 with the status `private`",
        "1 of the type `nav_menu_item`",
        "1 protected by a password",
    ] {
        assert!(text.contains(expected), "{expected} is missing in\n{text}");
    }
    assert!(!text.contains("Mục của trình đơn"), "{text}");
    let shown = items(&site).iter().map(Value::to_string).collect::<String>();
    assert!(
        shown.contains("Bài công khai") && !shown.contains("chưa đăng") && !shown.contains("mật khẩu"),
        "{shown}"
    );
}

#[test]
fn doubtful_dates_and_ids_are_refused_and_never_guessed() {
    let url = "https://xa.example";
    let site = TestSite::new();
    let posts = [
        post(url, 1, "Bài đúng"),
        post(url, 2, "Không ngày").with("wp:post_date", "0000-00-00 00:00:00").with("wp:post_date_gmt", ""),
        post(url, 3, "Mâu thuẫn").with("wp:post_date_gmt", "2019-05-01 20:17:00"),
        post(url, 4, "Tương lai")
            .with("wp:post_date", "2119-05-02 08:30:00")
            .with("wp:post_date_gmt", "2119-05-02 01:30:00"),
        post(url, 1, "Trùng mã"),
    ];
    std::fs::write(site.path("xuat.xml"), wordpress(url, &posts.map(|post| post.xml()))).unwrap();
    let report = report(&site, "xuat.xml", &[]);
    assert_eq!((&report["published"], &report["refused"]), (&1.into(), &4.into()), "{report}");
    let said = findings(&report).join("\n");
    for expected in [
        "`Không ngày` is not imported: no publication date",
        "`Mâu thuẫn` is not imported: the publication date cannot be read without guessing",
        "`Tương lai` is not imported: the publication date is in the future",
        "28: `Trùng mã` has the same id as the item on line 16",
    ] {
        assert!(said.contains(expected), "{expected} is missing in\n{said}");
    }
}

#[test]
fn categories_without_a_channel_stop_the_import_and_name_the_cure() {
    let url = "https://xa.example";
    let site = TestSite::new();
    let posts = [
        post(url, 1, "Bài một").in_categories(&["Văn hoá", "Chưa phân loại"]),
        post(url, 2, "Bài hai").in_categories(&["Chưa phân loại"]),
    ];
    std::fs::write(site.path("xuat.xml"), wordpress(url, &posts.map(|post| post.xml()))).unwrap();
    let refused = |arguments: &[&str], cure: &str| {
        let output = import(&site, "xuat.xml", arguments);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(cure), "{cure} is missing in\n{}", said(&output));
    };
    refused(
        &[],
        "no channel for the categories `Chưa phân loại` (2), `Văn hoá` (1). Name one for each with --map \"Chưa phân loại=SLUG\"",
    );
    refused(
        &["--map", "Văn hoá=van-hoa"],
        "unknown channel `van-hoa`; the channels are: xa-hoi. To create it, add --new-channel",
    );
    let left_out = ["--map", "Chưa phân loại=", "--map", "Văn hoá=xa-hoi"];
    refused(&left_out, "1 of 2 articles have no category that is a channel (the first on line 19)");
    refused(&["--map", "Văn hoá"], "write it like \"Văn hoá=van-hoa\"");
    refused(&["--map", "Chưa phân loại=api", "--new-channel"], "reserved");
    assert_eq!(site.ok(&["list", "--json"]).trim(), "[]", "nothing was published");
    let report = report(&site, "xuat.xml", &["--new-channel", "--map", "Chưa phân loại=tin-khac"]);
    assert_eq!(report["published"], 2, "{report}");
    let list = site.ok(&["list"]);
    assert!(list.contains("tin-khac") && list.contains("van-hoa"), "{list}");
    let serving = site.serve();
    assert!(serving.get("/van-hoa/rss.xml").text().contains("<title>Văn hoá - "));
}

#[test]
fn images_come_from_the_old_site_or_from_a_copy_of_its_files() {
    let portal = Portal::new();
    let url = portal.url("");
    portal.serves("/wp-content/uploads/2019/05/san.png", png(300, 1));
    portal.serves("/wp-content/uploads/2019/05/nho-150x150.png", png(150, 2));
    let text = "Đoạn mở đầu của bài có ảnh, do văn phòng xã viết.\n\n\
                [caption id=\"x\" width=\"150\"]<img src=\"/wp-content/uploads/2019/05/nho-150x150.png\" /> Sân vận động mới[/caption]\n\n\
                Xem thêm:\n\n[gallery ids=\"22,23\"]\n\n[contact-form-7 id=\"5\"]\n\nĐoạn cuối của bài.";
    let posts = [
        attachment(&url, 21, 0, "2019/05/san.png", "Toàn cảnh buổi họp"),
        format!(
            "{}<wp:postmeta><wp:meta_key>_thumbnail_id</wp:meta_key><wp:meta_value><![CDATA[21]]></wp:meta_value></wp:postmeta></item>",
            post(&url, 20, "Bài có ảnh").saying(text).xml().trim_end_matches("</item>")
        ),
        attachment(&url, 22, 20, "2019/05/lang.png", "Lễ hội"),
        attachment(&url, 23, 20, "2019/05/mat.png", ""),
    ];
    let site = TestSite::new();
    std::fs::write(site.path("xuat.xml"), wordpress(&url, &posts)).unwrap();
    // A server in the office is asked only if the operator says so.
    let private = report(&site, "xuat.xml", &["--dry-run"]);
    assert_eq!(private["acceptable"], 1, "{private}");
    assert_eq!(portal.asked_for("/wp-content/uploads/2019/05/san.png"), 0, "a dry run requests nothing");
    std::fs::create_dir(site.path("rong")).unwrap();
    let empty =
        report(&site, "xuat.xml", &["--dry-run", "--files", &site.path("rong").display().to_string()]);
    assert!(findings(&empty).join("").contains("4 images are missing"), "{empty}");
    let copy = TestSite::new();
    std::fs::copy(site.path("xuat.xml"), copy.path("xuat.xml")).unwrap();
    let private = report(&copy, "xuat.xml", &[]);
    assert!(
        findings(&private).join("").contains("its server has a private address; add --allow-private"),
        "{private}"
    );
    assert_eq!(
        portal.asked_for("/wp-content/uploads/2019/05/san.png"),
        0,
        "a private address is not requested"
    );

    let first = report(&site, "xuat.xml", &["--allow-private"]);
    assert_eq!(
        (&first["published"], &first["images"], &first["missing_images"]),
        (&1.into(), &2.into(), &2.into()),
        "{first}"
    );
    let told = findings(&first).join("\n");
    assert!(
        told.contains("`Bài có ảnh`: 2 images are missing: ")
            && told.contains("lang.png (its server answers 404"),
        "{told}"
    );
    assert!(told.contains("the shortcodes [contact-form-7] of plugins were removed"), "{told}");
    let one = items(&site)[0].to_string();
    assert!(
        one.contains("Sân vận động mới") && one.contains("Toàn cảnh buổi họp") && !one.contains("[gallery"),
        "{one}"
    );

    // With a copy of the files, the import is complete, and the article is the same.
    std::fs::create_dir_all(site.path("uploads/2019/05")).unwrap();
    for (name, shade) in [("lang", 3), ("mat", 4), ("san", 1), ("nho", 5)] {
        std::fs::write(site.path(&format!("uploads/2019/05/{name}.png")), png(200, shade)).unwrap();
    }
    let folder = site.path("uploads").display().to_string();
    let second = report(&site, "xuat.xml", &["--files", &folder]);
    assert_eq!(
        (&second["corrected"], &second["images"], &second["missing_images"]),
        (&1.into(), &4.into(), &0.into()),
        "{second}"
    );
    assert_eq!(report(&site, "xuat.xml", &["--files", &folder])["unchanged"], 1);
    let item = &items(&site)[0];
    assert_eq!(item["content_html"].as_str().unwrap().matches("<img").count(), 4, "{item}");
}

#[test]
fn a_server_that_is_switched_off_costs_no_time_and_no_text() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let site = TestSite::new();
    let posts: Vec<String> = (1..=6)
        .map(|number| {
            let text =
                format!("Đoạn mở đầu của bài {number}.\n\n<img src=\"/wp-content/uploads/{number}.png\">");
            post(&url, number, "Bài có ảnh").saying(text).xml()
        })
        .collect();
    std::fs::write(site.path("xuat.xml"), wordpress(&url, &posts)).unwrap();
    let report = report(&site, "xuat.xml", &["--allow-private"]);
    assert_eq!((&report["published"], &report["missing_images"]), (&6.into(), &6.into()), "{report}");
    let told = findings(&report);
    assert!(
        told.last().unwrap().contains("127.0.0.1 does not answer, so 3 images were not requested"),
        "{told:?}"
    );
}

#[test]
fn two_articles_with_one_address_are_told_and_an_address_of_this_site_is_never_taken() {
    let url = "https://xa.example";
    let site = TestSite::new();
    let linked = |post: Post, path: &str| {
        let link = format!("{url}/2019/05/bai-{}/", post.number);
        post.xml().replace(&link, &format!("{url}{path}"))
    };
    let posts = [
        linked(post(url, 1, "Bài một"), "/tin/hop/"),
        linked(post(url, 2, "Bài hai"), "/tin/hop"),
        linked(post(url, 3, "Bài ba"), "/xa-hoi/"),
        linked(post(url, 4, "Bài bốn"), "/rss.xml"),
        linked(post(url, 5, "Bài năm"), "/bai-nam/"),
    ];
    std::fs::write(site.path("xuat.xml"), wordpress(url, &posts)).unwrap();
    let report = report(&site, "xuat.xml", &[]);
    assert_eq!(report["published"], 5, "{report}");
    let told = findings(&report).join("\n");
    assert!(told.contains("its old address /tin/hop belongs to https://xa.example/?p=1 already"), "{told}");
    for own in ["/xa-hoi", "/rss.xml"] {
        assert!(told.contains(&format!("its old address {own} is an address of this site")), "{told}");
    }
    let serving = site.serve();
    assert_eq!(serving.get("/tin/hop").header("location"), Some("/bai-viet/2019/05/02/bai-1"));
    assert_eq!(serving.get("/bai-nam/").header("location"), Some("/bai-viet/2019/05/02/bai-5"));
    assert_eq!((serving.get("/xa-hoi/").status, serving.get("/rss.xml").status), (200, 200));
}

#[test]
fn damaged_bombed_and_foreign_files_do_no_harm() {
    let url = "https://xa.example";
    let site = TestSite::new();
    let whole = wordpress(url, &[post(url, 1, "Bài một").xml(), post(url, 2, "Bài hai").xml()]);
    let write = |text: &str| std::fs::write(site.path("xuat.xml"), text).unwrap();
    write(&whole[..whole.find("bài 2").unwrap()]);
    let cut = report(&site, "xuat.xml", &[]);
    assert_eq!((&cut["published"], &cut["refused"]), (&1.into(), &1.into()), "{cut}");
    assert!(findings(&cut).join("").contains("19: the file is cut off here"), "{cut}");

    let bomb = "<!DOCTYPE rss [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]>\n<rss version";
    write(&whole.replace("<rss version", bomb).replace("Bài hai", "Bài hai ]]>&b;<![CDATA["));
    let bombed = report(&site, "xuat.xml", &[]);
    assert_eq!((&bombed["published"], &bombed["unchanged"]), (&1.into(), &1.into()), "{bombed}");
    assert!(!items(&site).iter().any(|item| item.to_string().contains("aaaaaaaaaa")));

    let deep = "<b>".repeat(5000);
    write(&whole.replace("<wp:status>", &format!("{deep}<wp:status>")));
    let deep = report(&site, "xuat.xml", &[]);
    assert!(findings(&deep).iter().all(|finding| finding.contains("cannot be read")), "{deep}");

    for (text, expected) in [
        ("<html><body>Trang</body></html>", "neither an export of WordPress nor RSS"),
        ("{\"version\": \"1\"}", "JSON without the version of JSON Feed"),
        ("", "neither an export of WordPress nor RSS"),
        ("\u{feff}", "neither an export of WordPress nor RSS"),
    ] {
        write(text);
        let output = import(&site, "xuat.xml", &[]);
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains(expected), "{expected}: {}", said(&output));
    }
    assert_eq!(import(&site, "khong-co.xml", &[]).status.code(), Some(1));
}

#[test]
fn rss_atom_and_json_feeds_are_imported_alike() {
    let title = "Xã ra quân làm đường";
    let text = "&lt;p&gt;Sáng nay bà con cùng ra quân.&lt;/p&gt;&lt;p&gt;Đoạn thứ hai.&lt;/p&gt;";
    let rss = format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>Xã</title><link>https://xa.example/</link><item>\
         <title>{title}</title><link>https://xa.example/tin/lam-duong.html</link><guid>https://xa.example/tin/lam-duong.html</guid>\
         <pubDate>Thu, 02 May 2019 08:30:00 +0700</pubDate><category>Xã hội</category><description>{text}</description></item>\
         <item><title>Không rõ ngày</title><link>https://xa.example/tin/b.html</link><category>Xã hội</category>\
         <pubDate>hôm qua</pubDate><description>{text}</description></item></channel></rss>"
    );
    let atom = format!(
        "<?xml version=\"1.0\"?><feed xmlns=\"http://www.w3.org/2005/Atom\"><title>Xã</title><link href=\"https://xa.example/\"/>\
         <entry><id>https://xa.example/tin/lam-duong.html</id><title>{title}</title><link href=\"https://xa.example/tin/lam-duong.html\"/>\
         <published>2019-05-02T08:30:00+07:00</published><category term=\"Xã hội\"/><content type=\"html\">{text}</content></entry></feed>"
    );
    let json = format!(
        "{{\"version\": \"https://jsonfeed.org/version/1.1\", \"title\": \"Xã\", \"items\": [{{\
         \"id\": \"https://xa.example/tin/lam-duong.html\", \"url\": \"https://xa.example/tin/lam-duong.html\", \
         \"title\": \"{title}\", \"date_published\": \"2019-05-02T08:30:00+07:00\", \"tags\": [\"Xã hội\"], \
         \"content_html\": \"<p>Sáng nay bà con cùng ra quân.</p><p>Đoạn thứ hai.</p>\"}}]}}"
    );
    let mut shown = Vec::new();
    for (file, text) in [("tin.rss", rss), ("tin.atom", atom), ("tin.json", json)] {
        let site = TestSite::new();
        std::fs::write(site.path(file), text).unwrap();
        let report = report(&site, file, &[]);
        assert_eq!(report["published"], 1, "{file}: {report}");
        if file == "tin.rss" {
            let told = findings(&report).join("");
            assert!(
                told.contains("`Không rõ ngày` is not imported: the publication date cannot be read"),
                "{told}"
            );
        }
        let items = items(&site);
        assert!(
            items[0]["url"].as_str().unwrap().ends_with("/bai-viet/2019/05/02/lam-duong"),
            "{}",
            items[0]
        );
        let serving = site.serve();
        assert_eq!(
            serving.get("/tin/lam-duong.html").header("location"),
            Some("/bai-viet/2019/05/02/lam-duong")
        );
        let of = ["id", "title", "date_published", "content_html"];
        shown.push(of.map(|name| items[0][name].clone()));
    }
    assert_eq!(shown[0], shown[1]);
    assert_eq!(shown[0], shown[2]);
}

#[test]
fn an_article_that_is_here_already_is_not_doubled() {
    let url = "https://xa.example";
    let site = TestSite::new();
    std::fs::write(site.path("xuat.xml"), wordpress(url, &[post(url, 1, "Bài một").xml()])).unwrap();
    assert_eq!(report(&site, "xuat.xml", &[])["published"], 1);
    // The feed of this site, saved as a file.
    site.write("xa-hoi/bai.txt", SAMPLE_ARTICLE);
    site.ok(&["scan"]);
    std::fs::write(site.path("tin.xml"), site.ok(&["render", "-", "rss"])).unwrap();
    let before = site.ok(&["list", "--json"]);
    let again = report(&site, "tin.xml", &["--channel", "xa-hoi"]);
    assert_eq!((&again["published"], &again["refused"]), (&0.into(), &2.into()), "{again}");
    assert!(
        findings(&again).iter().all(|finding| finding.contains("is here already, from elsewhere")),
        "{again}"
    );
    assert_eq!(site.ok(&["list", "--json"]), before);
}

#[test]
fn a_backup_of_another_log_keeps_ids_images_and_addresses() {
    let other = TestSite::new();
    let config = std::fs::read_to_string(other.path("config.toml")).unwrap();
    std::fs::write(other.path("config.toml"), config.replace("dakto.example,2023", "tancanh.example,2022"))
        .unwrap();
    other.write("xa-hoi/a.txt", article("Bài của xã", "12/05/2020 08:30", "Đoạn mở đầu của bài ở xã."));
    other.write("xa-hoi/a.png", png(300, 7));
    other.write("xa-hoi/b.txt", article("Bài đã gỡ", "13/05/2020 08:30", "Đoạn mở đầu của bài đã gỡ."));
    other.write("van-hoa/c.txt", article("Lễ hội", "14/05/2020 08:30", "Đoạn mở đầu của bài lễ hội."));
    let tomorrow = bantin::time::Clock::system().now() + chrono::TimeDelta::days(1);
    let tomorrow = tomorrow.format("%d/%m/%Y %H:%M").to_string();
    other.write("xa-hoi/hen.txt", article("Bài hẹn giờ", &tomorrow, "Đoạn mở đầu của bài hẹn giờ."));
    other.ok(&["scan"]);
    other.ok(&["withdraw", "tag:tancanh.example,2022:2020-05-13/b"]);
    let url = "https://xa.example";
    std::fs::write(other.path("xuat.xml"), wordpress(url, &[post(url, 1, "Bài một").xml()])).unwrap();
    assert_eq!(report(&other, "xuat.xml", &[])["published"], 1);

    let site = TestSite::new();
    // An article of this site has the address that one of the other had.
    site.write("xa-hoi/c.txt", article("Bài khác", "14/05/2020 10:00", "Đoạn mở đầu của một bài khác hẳn."));
    site.ok(&["scan"]);
    let backup = site.path("xa.db").display().to_string();
    other.ok(&["backup", &backup]);
    let refused = import(&site, "xa.db", &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("no channel for the categories `van-hoa`"), "{}", said(&refused));

    let report_of = |arguments: &[&str]| report(&site, "xa.db", arguments);
    assert_eq!(report_of(&["--new-channel", "--dry-run"])["acceptable"], 3);
    let first = report_of(&["--new-channel"]);
    assert_eq!(
        (&first["published"], &first["images"], &first["refused"]),
        (&3.into(), &1.into(), &0.into()),
        "{first}"
    );
    assert_eq!(first["left_out"], serde_json::json!(["1 withdrawn", "1 scheduled"]), "{first}");
    assert!(
        findings(&first)
            .join("")
            .contains("`tag:tancanh.example,2022:2020-05-13/b` is left out: it is withdrawn")
    );
    let items_now = items(&site);
    let of = |id: &str| items_now.iter().find(|item| item["id"] == id).unwrap_or_else(|| panic!("{id}"));
    assert!(of("tag:tancanh.example,2022:2020-05-12/a")["content_html"].as_str().unwrap().contains("<img"));
    let moved = of("tag:tancanh.example,2022:2020-05-14/c");
    assert!(moved["url"].as_str().unwrap().ends_with("/bai-viet/2020/05/14/c-2"), "{moved}");
    let before = site.ok(&["list", "--json"]);
    let again = report_of(&["--new-channel"]);
    assert_eq!((&again["unchanged"], &again["published"]), (&3.into(), &0.into()), "{again}");
    assert_eq!(site.ok(&["list", "--json"]), before);

    let serving = site.serve();
    assert_eq!(serving.get("/2019/05/bai-1/").header("location"), Some("/bai-viet/2019/05/02/bai-1"));
    let own = import(&other, "khac.db", &[]);
    assert_eq!(own.status.code(), Some(1), "{}", said(&own));
    let own = other.run(&["import", &backup]);
    assert_eq!(own.status.code(), Some(2));
    assert!(
        said(&own).contains("is a backup of this log; `bantin restore-backup` restores it"),
        "{}",
        said(&own)
    );
    // A damaged one is refused.
    let mut bytes = std::fs::read(&backup).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&backup, bytes).unwrap();
    assert_eq!(import(&site, "xa.db", &["--new-channel"]).status.code(), Some(1));
}

#[test]
fn arguments_that_do_not_belong_together_are_usage_errors() {
    let url = "https://xa.example";
    let site = TestSite::new();
    std::fs::write(site.path("xuat.xml"), wordpress(url, &[post(url, 1, "Bài một").xml()])).unwrap();
    std::fs::create_dir_all(site.path("cũ/xa-hoi")).unwrap();
    std::fs::write(site.path("cũ/xa-hoi/bai.txt"), article("Bài cũ", "12/05/2020 08:30", "Đoạn mở đầu."))
        .unwrap();
    let folder = site.path("cũ").display().to_string();
    let file = site.path("xuat.xml").display().to_string();
    for (arguments, expected) in [
        (vec![&*file, &*folder], "is imported in another way than"),
        (vec![&*folder, "--map", "a=b"], "are for exports of WordPress, feeds and backups"),
        (vec![&*folder, "--new-channel"], "--new-channel needs --channel SLUG"),
        (vec![&*file, "--encoding", "tcvn3"], "--encoding is for text files"),
        (vec![&*file, "--files", "/nonexistent"], "--files /nonexistent is not a directory"),
    ] {
        let output = site.run(&[&["import"], &arguments[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(expected), "{expected} is missing in\n{}", said(&output));
    }
}

/// The guide in docs/deployment.md, with a site like the ones that it is written for.
#[test]
fn the_commands_of_the_guide_move_a_site() {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deployment.md")).unwrap();
    let section = guide.split("\n## ").find(|section| section.starts_with("Moving from WordPress")).unwrap();
    let commands: Vec<&str> = section.split("```").nth(1).unwrap().lines().skip(1).collect();
    let url = "https://xa.example";
    let site = TestSite::new();
    let image = "<img src=\"https://xa.example/wp-content/uploads/2019/05/san-300x200.png\">";
    let posts = [
        post(url, 1, "Lễ hội").in_categories(&["Văn hoá"]).saying(format!("Đoạn mở đầu.\n\n{image}")),
        post(url, 2, "Tin vắn").in_categories(&["Chưa phân loại"]),
    ];
    std::fs::write(site.path("export.xml"), wordpress(url, &posts.map(|post| post.xml()))).unwrap();
    std::fs::create_dir_all(site.path("uploads/2019/05")).unwrap();
    std::fs::write(site.path("uploads/2019/05/san.png"), png(300, 1)).unwrap();
    let run = |command: &str| {
        let shell = format!(
            "bantin() {{ {} \"$@\" --config config.toml; }}; {command}",
            env!("CARGO_BIN_EXE_bantin")
        );
        std::process::Command::new("sh").current_dir(site.path(".")).args(["-c", &shell]).output().unwrap()
    };
    let outputs: Vec<(Option<i32>, String)> = commands
        .iter()
        .map(|command| run(command))
        .map(|output| (output.status.code(), said(&output)))
        .collect();
    let [first, dry, import, list] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!(first.0, Some(2));
    assert!(
        first.1.contains("no channel for the categories `Chưa phân loại` (1), `Văn hoá` (1)"),
        "{}",
        first.1
    );
    assert!(
        dry.0 == Some(0) && dry.1.contains("2 would be accepted, 0 exist already, 0 would be rejected"),
        "{}",
        dry.1
    );
    assert!(
        import.1.contains("2 published") && import.1.contains("images: 1 stored, 0 missing"),
        "{}",
        import.1
    );
    assert!(list.1.contains("van-hoa") && list.1.contains("Tin vắn"), "{}", list.1);
}

/// What exports of older versions, of other tools and of careless hands look like.
#[test]
fn odd_exports_are_read_or_refused_with_a_reason() {
    let url = "https://xa.example";
    let item = post(url, 1, "Bài một").xml();
    let export =
        |items: &[&str]| wordpress(url, &items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>());
    let whole = export(&[&item]);
    let no_title = post(url, 2, "").saying("Chỉ có một câu, không có tiêu đề.").xml();
    let nothing = post(url, 3, "").saying("").xml();
    let blocks = post(url, 4, "Khối").saying("<!-- wp:paragraph -->\n<p>Đoạn một.</p>\n<!-- /wp:paragraph -->\n\n<!-- wp:list -->\n<ul><li>Mục</li></ul>\n<!-- /wp:list -->").xml();
    let split = post(url, 5, "Tách").saying("Đoạn có dấu ]]]]><![CDATA[> ở giữa.").xml();
    let relative = post(url, 6, "Liên kết")
        .saying("Xem <a href=\"/2019/05/bai-1/\">bài một</a>.<script>alert(1)</script>")
        .xml();
    for (what, text, published, shown) in [
        (
            "a byte order mark and the line ends of Windows",
            format!("\u{feff}{}", whole.replace('\n', "\r\n")),
            1,
            "Đoạn thứ hai",
        ),
        (
            "an older version",
            whole.replace("export/1.2/", "export/1.0/").replace("<wp:wxr_version>1.2", "<wp:wxr_version>1.0"),
            1,
            "Nguyễn Thị Lan",
        ),
        (
            "no address of the site",
            whole.replace(&format!("<wp:base_blog_url>{url}</wp:base_blog_url>"), ""),
            1,
            "Bài một",
        ),
        ("a text without a title", export(&[&no_title]), 1, "Chỉ có một câu"),
        ("an empty article", export(&[&nothing, &item]), 1, "Bài một"),
        ("the block editor", export(&[&blocks]), 1, "<li>Mục</li>"),
        ("a CDATA end in the text", export(&[&split]), 1, "dấu ]]&gt; ở giữa"),
        ("links within the old site", export(&[&relative]), 1, "href=\"https://xa.example/2019/05/bai-1/\""),
        (
            "an entity that XML does not know",
            whole.replace("<![CDATA[Bài một]]>", "B&agrave;i&nbsp;một"),
            1,
            "Bài một",
        ),
        ("control characters", whole.replace("Bài một", "Bài\u{b} một"), 1, "một"),
        ("items without a type", whole.replace("wp:post_type", "wp:other"), 0, ""),
        ("no items", export(&[]), 0, ""),
    ] {
        let site = TestSite::new();
        std::fs::write(site.path("xuat.xml"), text).unwrap();
        let report = report(&site, "xuat.xml", &[]);
        assert_eq!(report["published"], published, "{what}: {report}");
        let items = items(&site)
            .iter()
            .map(|item| item["content_html"].as_str().unwrap().to_owned() + &item.to_string())
            .collect::<String>();
        assert!(items.contains(shown) && !items.contains("alert(1)"), "{what}: {items}");
    }
    for (what, bytes) in [
        ("UTF-16", whole.encode_utf16().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<u8>>()),
        (
            "UTF-16 with its mark",
            [
                &[0xff, 0xfe][..],
                &whole.encode_utf16().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<u8>>(),
            ]
            .concat(),
        ),
        ("noise", (0..60_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()),
    ] {
        let site = TestSite::new();
        std::fs::write(site.path("xuat.xml"), bytes).unwrap();
        let output = import(&site, "xuat.xml", &[]);
        assert_eq!(output.status.code(), Some(2), "{what}: {}", said(&output));
    }
}

//! A province that follows other sites of bantin by their changes, and copies images.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use crate::images::png;
use crate::support::portal::{Portal, item, items, province, pull, rss};
use crate::support::{RunningServer, TestSite, article, free_port, wait_until};

/// A commune with an address that stays the same when its server is stopped and started again.
struct Commune {
    site: TestSite,
    address: String,
}

impl Commune {
    fn new() -> Self {
        let port = free_port();
        let address = format!("127.0.0.1:{port}");
        let site = TestSite::new()
            .with("BANTIN_SITE__TAG_AUTHORITY", "xa.example,2023")
            .with("BANTIN_SITE__URL", format!("http://{address}"))
            .with("BANTIN_SERVER__LISTEN", address.clone());
        Self { site, address }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A province that follows it and has its channels.
    fn province(&self) -> TestSite {
        let province = province(&[("Xã", self.url("/"))]);
        province.configure("map = { \"xa-hoi\" = \"xa-hoi\", \"kinh-te\" = \"kinh-te\" }");
        province
    }
}

/// What readers see of a site: per article its id, title, date, channels and text. The line that names the source is not a
/// part of the text, and images are named by their content.
fn shown(site: &TestSite) -> Vec<Value> {
    let text_of = |item: &Value| -> Vec<String> {
        let html = item["content_html"].as_str().unwrap();
        let lines = html.lines().filter(|line| !line.starts_with("<p>Theo "));
        let without_host = |line: &str| match (line.find("src=\"http"), line.find("/media/")) {
            (Some(from), Some(to)) => format!("{}{}", &line[..from], &line[to..]),
            _ => line.to_owned(),
        };
        lines.map(without_host).collect()
    };
    let shown_of = |item: &Value| {
        json!([item["id"], item["title"], item["date_published"], item["tags"], text_of(item)])
    };
    let mut shown: Vec<Value> = items(site).iter().map(shown_of).collect();
    shown.sort_by_key(Value::to_string);
    shown
}

#[test]
fn another_bantin_is_followed_by_its_changes() {
    let commune = Commune::new();
    let write =
        |path: &str, text: &str| commune.site.write(path, article("Họp dân", "12/05/2023 17:39", text));
    write("xa-hoi/hop-dan.txt", "Sáng nay, xã họp dân.");
    commune.site.write("xa-hoi/le-hoi.txt", article("Lễ hội", "13/05/2023 08:00", "Xã mở lễ hội."));
    commune.site.write("xa-hoi/le-hoi.png", png(200, 120, 7));
    let serving = commune.site.serve();
    let province = commune.province();
    assert_eq!(pull(&province, "Xã")["published"], 2);
    assert_eq!(shown(&province).len(), 2);
    let festival = items(&province).into_iter().find(|item| item["title"] == "Lễ hội").unwrap();
    assert_eq!(festival["id"], "tag:xa.example,2023:2023-05-13/le-hoi");
    assert_eq!(festival["url"], commune.url("/bai-viet/2023/05/13/le-hoi"));
    // Its image is a copy of our own.
    let html = festival["content_html"].as_str().unwrap();
    assert!(html.contains("/media/") && !html.contains(&commune.url("/media/")), "{html}");
    let sources: Value = serde_json::from_str(&province.ok(&["sources", "--json"])).unwrap();
    assert_eq!((&sources[0]["kind"], &sources[0]["published"]), (&"bantin".into(), &2.into()));
    // A correction, a move, a withdrawal and a restoration.
    write("xa-hoi/hop-dan.txt", "Chiều nay, xã họp dân.");
    commune.site.ok(&["scan"]);
    let report = pull(&province, "Xã");
    assert_eq!((&report["items"], &report["corrected"]), (&1.into(), &1.into()), "{report}");
    assert!(province.ok(&["render", "-", "json"]).contains("Chiều nay"));
    std::fs::create_dir_all(commune.site.path("feeds/kinh-te")).unwrap();
    commune.site.rename("xa-hoi/hop-dan.txt", "kinh-te/hop-dan.txt");
    commune.site.ok(&["scan"]);
    pull(&province, "Xã");
    assert!(province.ok(&["render", "kinh-te", "json"]).contains("Chiều nay"));
    assert!(!province.ok(&["render", "xa-hoi", "json"]).contains("Chiều nay"));
    commune.site.remove("kinh-te/hop-dan.txt");
    commune.site.ok(&["scan"]);
    assert_eq!(pull(&province, "Xã")["withdrawn"], 1);
    assert_eq!(shown(&province).len(), 1);
    write("kinh-te/hop-dan.txt", "Chiều nay, xã họp dân.");
    commune.site.ok(&["scan"]);
    pull(&province, "Xã");
    assert_eq!(shown(&province), shown(&commune.site));
    assert_eq!(pull(&province, "Xã")["items"], 0);
    // It is read from its feed again when it has become static files, which do not answer requests for changes.
    drop(serving);
    let portal = Portal::new();
    let config = std::fs::read_to_string(province.path("config.toml")).unwrap();
    std::fs::write(
        province.path("config.toml"),
        config.replace(&commune.url("/"), &portal.url("/feed.json")),
    )
    .unwrap();
    portal.serves("/feed.json", commune.site.ok(&["render", "-", "json"]));
    let report = pull(&province, "Xã");
    assert_eq!(
        (&report["items"], &report["published"], &report["error"]),
        (&2.into(), &0.into(), &Value::Null)
    );
}

#[test]
fn within_the_service_a_change_of_another_bantin_arrives_at_once() {
    let commune = Commune::new();
    commune.site.write("xa-hoi/hop-dan.txt", article("Họp dân", "12/05/2023 17:39", "Sáng nay, xã họp dân."));
    let mut serving = commune.site.serve();
    let province = commune.province();
    let server = province.serve();
    let has = |text: &str| server.get("/feed.json").text().contains(text);
    wait_until("the first article", || has("Sáng nay"));
    commune
        .site
        .write("xa-hoi/hop-dan.txt", article("Họp dân", "12/05/2023 17:39", "Chiều nay, xã họp dân."));
    wait_until("the correction", || has("Chiều nay"));
    // `every` is ten minutes, also after the other site was killed.
    serving.kill();
    commune.site.remove("xa-hoi/hop-dan.txt");
    serving = commune.site.serve();
    wait_until("the withdrawal", || !has("Chiều nay"));
    drop(serving);
    assert!(server.stop());
}

#[test]
fn images_of_a_feed_are_copied_and_a_caption_never_takes_the_image_of_another() {
    let portal = Portal::new();
    portal.serves("/anh/1.png", png(200, 120, 1));
    portal.answers_with("/anh/2.png", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    portal.serves("/anh/nho.png", png(50, 50, 3));
    portal.serves("/anh/trang.png", "<html>404</html>");
    let html = "&lt;figure>&lt;img src='/anh/mat.png'>&lt;figcaption>Ảnh đã mất. Ảnh: Y Hà&lt;/figcaption>&lt;/figure>\
                &lt;figure>&lt;img src='anh/1.png'>&lt;figcaption>Nhà rông. Ảnh: Tấn Lộc&lt;/figcaption>&lt;/figure>\
                &lt;img src='/anh/2.png'>&lt;img src='/anh/nho.png'>&lt;img src='/anh/trang.png'>";
    let feed = rss(&[item("1", "Họp dân", "Fri, 12 May 2023 17:39:00 +0700", &portal.url("/1"), html)]);
    portal.serves("/rss.xml", &feed);
    let site = province(&[("Xã A", portal.url("/rss.xml"))]);
    let report = pull(&site, "Xã A");
    assert_eq!(
        (&report["published"], &report["repairs"]["image_left_out"]),
        (&1.into(), &3.into()),
        "{report}"
    );
    let html = items(&site)[0]["content_html"].as_str().unwrap().to_owned();
    assert_eq!(html.matches("<img").count(), 1, "{html}");
    assert!(html.contains("<figcaption>Nhà rông. Ảnh: Tấn Lộc</figcaption>"), "{html}");
    assert!(html.contains("<p>Ảnh đã mất. Ảnh: Y Hà</p>"), "{html}");
    // The server of the second image answers again: the article gets it, and then nothing is requested any more.
    portal.serves("/anh/2.png", png(200, 120, 2));
    pull(&site, "Xã A");
    let html = items(&site)[0]["content_html"].as_str().unwrap().to_owned();
    assert_eq!(html.matches("<img").count(), 2, "{html}");
    let asked = portal.asked_for("/anh/2.png");
    pull(&site, "Xã A");
    assert_eq!(portal.asked_for("/anh/2.png"), asked);
}

/// A sequence of numbers that a seed repeats.
struct Random(u64);

impl Random {
    /// With `BANTIN_TEST_SEED`, the sequence of an earlier run.
    fn new() -> Self {
        let given = std::env::var("BANTIN_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let seed = given.unwrap_or(time.as_nanos() as u64);
        println!("BANTIN_TEST_SEED={seed}");
        Self(seed | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }
}

/// The articles of a commune at random: `true` for those that are in the folder.
struct Articles {
    commune: Commune,
    files: Vec<(String, bool)>,
    versions: u64,
}

impl Articles {
    fn write(&mut self, place: usize) {
        self.versions += 1;
        let (path, is_there) = &mut self.files[place];
        *is_there = true;
        let text = format!("Bài số {place}, bản {}.", self.versions);
        let day = 1 + place % 28;
        self.commune
            .site
            .write(path, article(&format!("Bài {place}"), &format!("{day:02}/05/2023 17:39"), &text));
    }

    fn change(&mut self, random: &mut Random) {
        let place = random.below(self.files.len() as u64 + 2) as usize;
        if place >= self.files.len() {
            let channel = ["xa-hoi", "kinh-te"][random.below(2) as usize];
            self.files.push((format!("{channel}/bai-{}.txt", self.files.len()), true));
            return self.write(self.files.len() - 1);
        }
        let (path, is_there) = self.files[place].clone();
        match random.below(3) {
            0 if is_there => {
                self.commune.site.remove(&path);
                self.files[place].1 = false;
            }
            1 if is_there => {
                let other = if path.starts_with("xa-hoi") { "kinh-te" } else { "xa-hoi" };
                let moved = format!("{other}/bai-{place}.txt");
                self.commune.site.rename(&path, &moved);
                self.files[place].0 = moved;
            }
            _ => self.write(place),
        }
    }
}

#[test]
fn after_any_changes_and_outages_on_both_sides_both_stand_alike() {
    let mut random = Random::new();
    let mut articles = Articles { commune: Commune::new(), files: Vec::new(), versions: 0 };
    let backup = articles.commune.site.path("bantin.backup");
    let province = articles.commune.province();
    let mut serving: Option<RunningServer> = None;
    for _ in 0..35 {
        match random.below(12) {
            0..5 => {
                for _ in 0..=random.below(3) {
                    articles.change(&mut random);
                }
                articles.commune.site.ok(&["scan", "--confirm"]);
            }
            5 => {
                if let Some(serving) = serving.take() {
                    serving.kill();
                }
            }
            6 if !backup.exists() => {
                articles.commune.site.ok(&["scan", "--confirm"]);
                // An empty log would be refused after it is restored: the folder has the mark of another one.
                if !articles.commune.site.ok(&["list"]).is_empty() {
                    articles.commune.site.ok(&["backup", backup.to_str().unwrap()]);
                }
            }
            6 => {
                // The store is lost and set back.
                if let Some(serving) = serving.take() {
                    serving.kill();
                }
                std::fs::remove_dir_all(articles.commune.site.path("data")).unwrap();
                articles.commune.site.ok(&["restore-backup", backup.to_str().unwrap()]);
                std::fs::remove_file(&backup).unwrap();
            }
            7 | 8 => {
                let mut pulling = province.start(&["pull", "Xã"]);
                std::thread::sleep(Duration::from_millis(random.below(600)));
                let _ = pulling.kill();
                let _ = pulling.wait();
            }
            _ => {
                serving.get_or_insert_with(|| articles.commune.site.serve());
                pull(&province, "Xã");
            }
        }
    }
    articles.commune.site.ok(&["scan", "--confirm"]);
    let serving = serving.unwrap_or_else(|| articles.commune.site.serve());
    wait_until("the province has everything", || {
        let report = pull(&province, "Xã");
        report["error"].is_null() && report["items"] == 0
    });
    drop(serving);
    assert_eq!(shown(&province), shown(&articles.commune.site));
}

#[test]
fn a_list_of_feeds_is_read_even_if_one_of_them_fails() {
    let portal = Portal::new();
    let feed = |id: &str| {
        rss(&[item(id, id, "Fri, 12 May 2023 17:39:00 +0700", &portal.url(&format!("/{id}")), "A.")])
    };
    portal.serves("/mot.xml", feed("mot"));
    portal.serves("/hai.xml", feed("hai"));
    portal.serves(
        "/opml.xml",
        "<opml version='2.0'><head><title>Các nguồn</title></head><body><outline text='x'><outline xmlUrl='/mat.xml'/>\
         <outline xmlUrl='mot.xml'/></outline><outline xmlUrl='/hai.xml'/></body></opml>",
    );
    let site = province(&[("Huyện", portal.url("/opml.xml"))]);
    let report = pull(&site, "Huyện");
    assert_eq!(report["published"], 2, "{report}");
    assert!(report["error"].as_str().unwrap().starts_with("1 of 3 feeds fail; http"), "{report}");
    portal.serves("/mat.xml", feed("ba"));
    let report = pull(&site, "Huyện");
    assert_eq!((&report["published"], &report["error"]), (&1.into(), &Value::Null), "{report}");
}

#[test]
fn a_sitemap_for_news_gives_titles_and_the_pages_give_the_texts_if_that_is_agreed() {
    let portal = Portal::new();
    portal.serves(
        "/news-sitemap.xml",
        format!(
            "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'>\
             <url><loc>{}</loc><n:news><n:publication><n:name>Xã</n:name><n:language>vi</n:language></n:publication>\
             <n:publication_date>2023-05-12T17:39:00+07:00</n:publication_date><n:title>Xã họp dân</n:title></n:news></url>\
             <url><loc>{}</loc></url></urlset>",
            portal.url("/tin/1"),
            portal.url("/gioi-thieu")
        ),
    );
    portal.serves("/tin/anh.png", png(200, 120, 1));
    portal.serves(
        "/tin/1",
        "<html><head><title>Xã họp dân - Trang thông tin</title></head><body><nav><a href='/'>Trang chủ</a></nav><article><h1>Xã họp dân</h1>\
         <p>12/05/2023 17:39</p><p>Sáng nay, xã họp dân ở nhà rông để bàn việc làm đường vào làng Đăk Rao.</p>\
         <figure><img src='anh.png'><figcaption>Nhà rông. Ảnh: Tấn Lộc</figcaption></figure>\
         <p>Dân làng góp công, xã góp xi măng; đường dài 800 mét sẽ xong trước mùa mưa.</p></article></body></html>",
    );
    let site = province(&[("Xã", portal.url("/news-sitemap.xml"))]);
    assert_eq!(pull(&site, "Xã")["published"], 1);
    let first = &items(&site)[0];
    assert_eq!(
        (&first["title"], &first["date_published"]),
        (&"Xã họp dân".into(), &"2023-05-12T17:39:00+07:00".into())
    );
    assert_eq!((portal.asked_for("/tin/1"), first["url"].as_str()), (0, Some(portal.url("/tin/1").as_str())));
    let site = province(&[("Xã", portal.url("/news-sitemap.xml"))]);
    site.configure(
        "full_text = true\npublisher = \"UBND xã Đăk Tô\"\nlicence = \"https://xa.example.vn/ban-quyen\"",
    );
    assert_eq!(pull(&site, "Xã")["published"], 1);
    let html = items(&site)[0]["content_html"].as_str().unwrap().to_owned();
    assert!(
        html.contains("Dân làng góp công") && html.contains("<figcaption>Nhà rông. Ảnh: Tấn Lộc"),
        "{html}"
    );
    assert!(
        !html.contains("Trang chủ")
            && html.contains(", UBND xã Đăk Tô (<a href=\"https://xa.example.vn/ban-quyen\">"),
        "{html}"
    );
}

#[test]
fn images_that_are_linked_stay_where_they_are() {
    let portal = Portal::new();
    let html = "&lt;p>Sáng nay, xã họp dân.&lt;/p>&lt;figure>&lt;img src='/anh/1.png?a=1&amp;amp;b=2'>\
                &lt;figcaption>Nhà rông &amp;amp; suối. Ảnh: Tấn Lộc&lt;/figcaption>&lt;/figure>\
                &lt;img src='anh/2.png'>&lt;img src='javascript:alert(1)'>&lt;p>Chiều nay.&lt;/p>";
    let feed = rss(&[item("1", "Họp dân", "Fri, 12 May 2023 17:39:00 +0700", &portal.url("/tin/1"), html)]);
    portal.serves("/rss.xml", &feed);
    let site = province(&[("Xã A", portal.url("/rss.xml"))]);
    site.configure("images = \"link\"");
    let report = pull(&site, "Xã A");
    assert_eq!((&report["published"], &report["repairs"]), (&1.into(), &json!({})), "{report}");
    let article = &items(&site)[0];
    let html = article["content_html"].as_str().unwrap();
    let first = format!(
        "<p><a href=\"{}\">Nhà rông &amp; suối. Ảnh: Tấn Lộc</a></p>",
        portal.url("/anh/1.png?a=1&amp;b=2")
    );
    let second = format!("<p><a href=\"{}\">Ảnh 1</a></p>", portal.url("/tin/anh/2.png"));
    let place = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text} is missing in {html}"));
    assert!(place("Sáng nay") < place(&first) && place(&first) < place("Chiều nay"), "{html}");
    assert!(place("Chiều nay") < place(&second), "{html}");
    assert!(
        !html.contains("<img") && !html.contains("javascript") && article["image"].is_null(),
        "{article}"
    );
    assert_eq!(portal.asked_for("/anh/1.png?a=1&b=2") + portal.asked_for("/tin/anh/2.png"), 0);
    // Nothing is left to do: the next poll finds it unchanged.
    let report = pull(&site, "Xã A");
    assert_eq!((&report["corrected"], &report["published"]), (&0.into(), &0.into()), "{report}");
}

#[test]
fn an_index_of_sitemaps_leads_to_those_for_news() {
    let portal = Portal::new();
    let index = |paths: &[&str]| {
        let sitemap = |path: &&str| {
            format!("<sitemap><loc>{}</loc><lastmod>2023-05-12</lastmod></sitemap>", portal.url(path))
        };
        let sitemaps: String = paths.iter().map(sitemap).collect();
        format!(
            "<?xml version='1.0'?><sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{sitemaps}</sitemapindex>"
        )
    };
    let news = |name: &str| {
        format!(
            "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'>\
             <url><loc>{}</loc><news:news><news:publication><news:name>Xã</news:name><news:language>vi</news:language>\
             </news:publication><news:publication_date>2023-05-12T17:39:00+07:00</news:publication_date>\
             <news:title>{name}</news:title></news:news></url></urlset>",
            portal.url(&format!("/tin/{name}"))
        )
    };
    let pages = format!(
        "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url><loc>{}</loc></url></urlset>",
        portal.url("/gioi-thieu")
    );
    portal
        .serves("/sitemap.xml", index(&["/sitemap-pages.xml", "/sitemap-news-1.xml", "/sitemap-news-2.xml"]));
    portal.serves("/sitemap-pages.xml", &pages);
    portal.serves("/sitemap-news-1.xml", news("mot"));
    portal.serves("/sitemap-news-2.xml", news("hai"));
    let site = province(&[("Xã", portal.url("/sitemap.xml"))]);
    let report = pull(&site, "Xã");
    assert_eq!((&report["published"], &report["error"]), (&2.into(), &Value::Null), "{report}");
    assert_eq!(portal.asked_for("/sitemap-pages.xml"), 0);
    // Without a name that tells, each is looked at; pages without news are no articles.
    portal.serves("/tin.xml", news("ba"));
    portal.serves("/index.xml", index(&["/sitemap-pages.xml", "/tin.xml", "/khong-co.xml"]));
    let site = province(&[("Xã", portal.url("/index.xml"))]);
    let report = pull(&site, "Xã");
    assert!(report["error"].as_str().is_some_and(|error| error.contains("1 of 3 feeds fail")), "{report}");
    let titles: Vec<_> = items(&site).iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect();
    assert_eq!(titles, ["ba"]);
}

#[test]
fn older_pages_of_wordpress_and_archives_are_walked_once_and_change_nothing_that_is_known() {
    let portal = Portal::new();
    let dated = |id: &str, day: u32, text: &str| {
        item(id, id, &format!("{day:02} May 2023 17:39:00 +0700"), &portal.url(&format!("/{id}")), text)
    };
    let wordpress = |items: &[String]| {
        rss(items).replace("<channel>", "<channel><generator>https://wordpress.org/?v=6.2</generator>")
    };
    portal.serves("/feed", wordpress(&[dated("bon", 4, "Bốn."), dated("ba", 3, "Ba.")]));
    portal.serves("/feed?paged=2", wordpress(&[dated("ba", 3, "Ba, bản cũ."), dated("hai", 2, "Hai.")]));
    portal.serves("/feed?paged=3", wordpress(&[dated("mot", 1, "Một.")]));
    let site = province(&[("Xã", portal.url("/feed"))]);
    assert_eq!(pull(&site, "Xã")["published"], 2);
    let walked = site.ok(&["pull", "Xã", "--backfill", "--json"]);
    let walked: Value = serde_json::from_str(&walked).unwrap();
    assert_eq!((&walked[0]["published"], &walked[0]["corrected"]), (&2.into(), &0.into()), "{walked}");
    let titles: Vec<_> = items(&site).iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect();
    assert_eq!(titles, ["bon", "ba", "hai", "mot"]);
    // An archive of Atom (RFC 5005) with a tombstone of an article that was restored since.
    let entry = |id: &str, text: &str| {
        format!(
            "<entry><id>tag:xa,2023:{id}</id><title>{id}</title><published>2023-05-12T17:39:00+07:00</published>\
             <link href='{}'/><content>{text}</content></entry>",
            portal.url(&format!("/atom/{id}"))
        )
    };
    let atom = |previous: &str, entries: &str| {
        format!(
            "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:at='http://purl.org/atompub/tombstones/1.0'><title>Xã</title>\
             {previous}{entries}</feed>"
        )
    };
    portal.serves("/atom.xml", atom("<link rel='prev-archive' href='/archive/1'/>", &entry("a", "Mới.")));
    let gone = "<at:deleted-entry ref='tag:xa,2023:a' when='2023-05-13T00:00:00Z'/>";
    portal.serves("/archive/1", atom("", &format!("{gone}{}{}", entry("a", "Cũ."), entry("b", "B."))));
    let site = province(&[("Xã", portal.url("/atom.xml"))]);
    pull(&site, "Xã");
    site.ok(&["pull", "Xã", "--backfill"]);
    let feed = site.ok(&["render", "-", "json"]);
    assert!(feed.contains("Mới.") && feed.contains("B.") && !feed.contains("Cũ."), "{feed}");
}

#[test]
fn an_article_that_vanishes_from_the_feed_is_withdrawn_only_if_its_address_says_that_it_is_gone() {
    let portal = Portal::new();
    let of = |id: &str| {
        item(id, id, "Fri, 12 May 2023 17:39:00 +0700", &portal.url(&format!("/{id}")), "Xã họp dân.")
    };
    portal.serves("/rss.xml", rss(&["a", "b", "c", "d"].map(of)));
    let site = province(&[("Xã", portal.url("/rss.xml"))]);
    assert_eq!(pull(&site, "Xã")["published"], 4);
    portal.serves("/rss.xml", rss(&["a", "c"].map(of)));
    portal.answers_with("/b", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n");
    let report = pull(&site, "Xã");
    assert_eq!(
        (&report["withdrawn"], portal.asked_for("/b"), portal.asked_for("/d")),
        (&1.into(), 1, 0),
        "{report}"
    );
    portal.serves("/rss.xml", rss(&["e", "c"].map(of)));
    let report = pull(&site, "Xã");
    assert_eq!((&report["withdrawn"], portal.asked_for("/a")), (&0.into(), 1), "{report}");
    assert_eq!(items(&site).len(), 4);
}

#[test]
fn one_process_at_a_time_polls_a_source() {
    let slow = TcpListener::bind("127.0.0.1:0").unwrap();
    let site = province(&[("Chậm", format!("http://{}/rss.xml", slow.local_addr().unwrap()))]);
    let mut first = site.start(&["pull", "Chậm"]);
    let (connection, _) = slow.accept().unwrap();
    assert_eq!(pull(&site, "Chậm")["busy"], true);
    first.kill().unwrap();
    first.wait().unwrap();
    drop((connection, slow));
    let report = pull(&site, "Chậm");
    assert_eq!((&report["busy"], report["error"].is_string()), (&false.into(), true), "{report}");
}

//! The editing pages `/soan`: over HTTP, and in a browser without scripts of ours.

use std::cell::RefCell;

use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use crate::support::browser::Browser;
use crate::support::form::{BOUNDARY, Part, multipart, png};
use crate::support::portal::{Portal, item, province, pull, rss};
use crate::support::requirement::{Requirement, is_missing};
use crate::support::{HttpResponse, RunningServer, SAMPLE_ARTICLE, TestSite, article, wait_until};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const SEED: &str = "tag:dakto.example,2023:2023-05-12/thi-dua";

struct Office {
    site: TestSite,
    serving: RunningServer,
    secret: String,
    cookie: String,
}

fn encoded(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// The value of a hidden field.
fn hidden(page: &HttpResponse, name: &str) -> String {
    let text = page.text();
    let start = format!("name=\"{name}\" value=\"");
    let rest = text.split_once(&start).unwrap_or_else(|| panic!("no {name} in {text}")).1;
    rest.split('"').next().unwrap().to_owned()
}

impl Office {
    fn new() -> Self {
        Self::of(TestSite::new(), &[])
    }

    fn of(site: TestSite, channels: &[&str]) -> Self {
        site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
        site.configure("[[channel]]\nslug = \"kinh-te\"\ntitle = \"Kinh tế\"\n");
        let serving = site.serve();
        let secret = site.ok(&[&["token", "new", "Văn phòng"][..], channels].concat()).trim().to_owned();
        let mut office = Self { site, serving, secret, cookie: String::new() };
        office.cookie = office.log_in();
        office
    }

    fn log_in(&self) -> String {
        let body = encoded(&[("token", &self.secret)]);
        let answer = self.serving.request_with_body("POST", "/soan/dang-nhap", &[FORM], body.as_bytes());
        assert_eq!((answer.status, answer.header("location")), (303, Some("/soan/")), "{}", answer.text());
        answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    }

    fn get(&self, path: &str) -> HttpResponse {
        self.serving.request("GET", path, &[("Cookie", &self.cookie)])
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> HttpResponse {
        let csrf = hidden(&self.get("/soan/bai-moi"), "csrf");
        let body = encoded(&[&[("csrf", csrf.as_str())], fields].concat());
        self.serving.request_with_body("POST", path, &[FORM, ("Cookie", &self.cookie)], body.as_bytes())
    }

    /// Sends a form with files.
    fn upload(&self, path: &str, parts: &[Part<'_>]) -> HttpResponse {
        let csrf = hidden(&self.get("/soan/bai-moi"), "csrf");
        let (content_type, body) = multipart(BOUNDARY, &[&[("csrf", None, csrf.as_bytes())], parts].concat());
        let headers = [("Content-Type", content_type.as_str()), ("Cookie", self.cookie.as_str())];
        self.serving.request_with_body("POST", path, &headers, &body)
    }

    fn page_of(id: &str) -> String {
        format!("/soan/bai?{}", encoded(&[("id", id)]))
    }

    fn title(&self) -> String {
        let path =
            format!("/api/articles/{}", SEED.replace(':', "%3A").replace(',', "%2C").replace('/', "%2F"));
        self.serving.get(&path).json()["title"].as_str().unwrap_or_default().to_owned()
    }
}

const NEW: [(&str, &str); 5] = [
    ("tieu-de", "Hội nghị tổng kết"),
    ("ngay-gio", "08:00 13/05/2023"),
    ("noi-dung", "Đoạn mở đầu.\r\n\r\nĐoạn hai."),
    ("tac-gia", "Tấn Lộc, Y Hoa"),
    ("chuyen-muc", "xa-hoi"),
];

fn with<'a>(fields: &[(&'a str, &'a str)], name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let others = fields.iter().filter(|(other, _)| *other != name).copied();
    others.chain([(name, value)]).collect()
}

#[test]
fn the_pages_exist_only_where_there_is_a_token_and_only_for_its_holder() {
    let site = TestSite::new();
    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    let mut serving = site.serve();
    for path in ["/soan", "/soan/", "/soan/dang-nhap", "/soan/bai-moi"] {
        assert_eq!(serving.get(path).status, 404, "{path}");
    }
    let secret = site.ok(&["token", "new", "Văn phòng"]).trim().to_owned();
    for path in [
        "/soan/",
        "/soan/bai-moi",
        "/soan/bai?id=x",
        "/soan/lich-su?id=x",
        "/soan/anh/x.png",
        "/soan/nguon",
        "/soan/noi-nhan",
    ] {
        let answer = serving.get(path);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/soan/dang-nhap")), "{path}");
    }
    let wrong = encoded(&[("token", "bantin_sai")]);
    let refused = serving.request_with_body("POST", "/soan/dang-nhap", &[FORM], wrong.as_bytes());
    assert_eq!((refused.status, refused.header("set-cookie")), (403, None));
    let body = encoded(&[("token", &secret)]);
    let answer = serving.request_with_body("POST", "/soan/dang-nhap", &[FORM], body.as_bytes());
    let set = answer.header("set-cookie").unwrap().to_owned();
    assert!(set.ends_with("; Path=/soan/; Max-Age=28800; HttpOnly; SameSite=Strict"), "{set}");
    assert!(!set.contains(&secret), "the cookie does not tell the token");
    let cookie = set.split(';').next().unwrap();
    let page = serving.request("GET", "/soan/", &[("Cookie", cookie)]);
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"), "{policy}");
    assert!(!page.text().contains("<script"), "no page needs a script");
    assert!(serving.stop());
    serving = site.serve();
    assert_eq!(serving.request("GET", "/soan/", &[("Cookie", cookie)]).status, 200, "after a restart");
    site.ok(&["token", "new", "Khác"]);
    site.ok(&["token", "revoke", "Văn phòng"]);
    assert_eq!(serving.request("GET", "/soan/", &[("Cookie", cookie)]).status, 303, "it was revoked");
    let forged = cookie.replace("bantin=", "bantin=0");
    assert_eq!(serving.request("GET", "/soan/", &[("Cookie", &forged)]).status, 303);
    let secure = TestSite::new().with("BANTIN_SITE__URL", "https://huyen.example.vn/tin");
    let office_secret = secure.ok(&["token", "new", "Văn phòng"]).trim().to_owned();
    let serving = secure.serve();
    let body = encoded(&[("token", &office_secret)]);
    let answer = serving.request_with_body("POST", "/tin/soan/dang-nhap", &[FORM], body.as_bytes());
    let set = answer.header("set-cookie").unwrap();
    assert!(
        set.starts_with("__Secure-bantin=") && set.ends_with("; Secure") && set.contains("Path=/tin/soan/"),
        "{set}"
    );
}

#[test]
fn a_form_from_elsewhere_or_after_the_session_changes_nothing_and_loses_no_text() {
    let office = Office::new();
    let fields = [&NEW[..], &[("viec", "dang")]].concat();
    let send = |headers: &[(&str, &str)], fields: &[(&str, &str)]| {
        let headers = [&[FORM], headers].concat();
        office.serving.request_with_body("POST", "/soan/bai-moi", &headers, encoded(fields).as_bytes())
    };
    let cookie = ("Cookie", office.cookie.as_str());
    for (headers, status) in [
        (vec![cookie], 403),
        (vec![], 403),
        (vec![cookie, ("Sec-Fetch-Site", "cross-site")], 403),
        (vec![cookie, ("Sec-Fetch-Site", "same-site")], 403),
        (vec![cookie, ("Origin", "https://gia-mao.example")], 403),
        (vec![cookie, ("Origin", "null")], 403),
    ] {
        let refused = send(&headers, &fields);
        assert_eq!(refused.status, status, "{headers:?}");
        if headers.len() < 2 {
            let page = refused.text();
            assert!(
                page.contains("Phiên làm việc đã hết") && page.contains("value=\"Hội nghị tổng kết\""),
                "{page}"
            );
        }
    }
    assert_eq!(office.serving.metric("bantin_log_head"), 1);
    // Who logs in again sees the form with all that was typed, and publishes then.
    let again = send(&[], &with(&fields, "token", &office.secret));
    assert_eq!(again.status, 200, "{}", again.text());
    let page = again.text();
    assert!(
        page.contains("Chưa đăng gì")
            && page.contains("value=\"Hội nghị tổng kết\"")
            && page.contains("Đoạn hai.")
    );
    assert!(again.header("set-cookie").is_some());
    assert_eq!(office.serving.metric("bantin_log_head"), 1);
    let wrong = send(&[], &with(&fields, "token", "bantin_sai"));
    assert!(wrong.status == 403 && wrong.text().contains("Hội nghị tổng kết"), "{}", wrong.text());
}

#[test]
fn a_form_that_is_sent_twice_is_one_article_and_a_wrong_one_is_explained() {
    let office = Office::new();
    let key = hidden(&office.get("/soan/bai-moi"), "key");
    let fields = [&NEW[..], &[("viec", "dang"), ("key", &key)]].concat();
    let first = office.post("/soan/bai-moi", &fields);
    assert_eq!(first.status, 303, "{}", first.text());
    let second = office.post("/soan/bai-moi", &fields);
    assert_eq!((second.status, second.header("location")), (303, first.header("location")));
    assert_eq!(office.serving.metric("bantin_log_head"), 2);
    for (name, value, told) in [
        ("tieu-de", "", "<li class=\"error\"><strong>Tiêu đề: "),
        ("ngay-gio", "31/02/2023", "31/02/2023"),
        ("ngay-gio", "hôm qua", "Ngày giờ đăng"),
        ("lien-ket", "javascript:alert(1)", "Địa chỉ bài gốc"),
        ("chuyen-muc", "", "Chưa đăng"),
        ("chuyen-muc", "khong-co", "khong-co"),
        ("ngay-gio", "01/01/2099", "một năm"),
    ] {
        let refused = office.post("/soan/bai-moi", &with(&with(&fields, "key", ""), name, value));
        let page = refused.text();
        assert!(
            refused.status >= 400 && page.contains(told) && page.contains("Đoạn hai."),
            "{name} {value}: {page}"
        );
    }
    let none: Vec<_> =
        with(&fields, "key", "").into_iter().filter(|(name, _)| *name != "chuyen-muc").collect();
    assert!(office.post("/soan/bai-moi", &none).text().contains("Hãy chọn chuyên mục"));
    let markup = with(&with(&fields, "key", ""), "noi-dung", "Đoạn <script>alert(1)</script> một.");
    let preview = office.post("/soan/bai-moi", &with(&markup, "viec", "xem"));
    assert!(preview.status == 200 && !preview.text().contains("<script"), "{}", preview.text());
    assert_eq!(office.serving.metric("bantin_log_head"), 2);
}

#[test]
fn nothing_is_possible_that_the_token_does_not_allow() {
    let site = TestSite::new();
    site.write("xa-hoi/hong.txt", "Không ngày\n\nĐoạn.\n");
    let office = Office::of(site, &["--channels", "kinh-te"]);
    let state = office.get("/soan/").text();
    assert!(!state.contains("hong.txt") && !state.contains("thi đua"), "{state}");
    assert_eq!(office.get(&Office::page_of(SEED)).status, 403);
    assert_eq!(office.get(&format!("/soan/lich-su?{}", encoded(&[("id", SEED)]))).status, 403);
    let edit = with(&[&NEW[..], &[("viec", "dang"), ("version", "n1")]].concat(), "id", SEED);
    for (path, fields) in [
        ("/soan/bai", edit.clone()),
        ("/soan/bai-moi", [&NEW[..], &[("viec", "dang")]].concat()),
        ("/soan/go", vec![("id", SEED), ("version", "n1")]),
        ("/soan/khoi-phuc", vec![("id", SEED)]),
        ("/soan/lay-lai", vec![("id", SEED), ("so", "1"), ("version", "n1")]),
    ] {
        assert_eq!(office.post(path, &fields).status, 403, "{path}");
    }
    assert!(
        !office.get("/soan/bai-moi").text().contains("value=\"xa-hoi\""),
        "only its own channels are offered"
    );
    for path in ["/soan/la", "/soan/bai?id=la", "/soan/lich-su?id=la", "/soan/anh/la.png", "/soan/bai/la"] {
        assert_eq!(office.get(path).status, 404, "{path}");
    }
    assert_eq!(office.serving.request("DELETE", "/soan/bai", &[("Cookie", &office.cookie)]).status, 405);
    assert_eq!(office.serving.metric("bantin_log_head"), 1);
}

#[test]
fn a_correction_with_an_emptied_date_keeps_the_date_of_the_article() {
    let office = Office::new();
    let published = |id: &str| {
        let page = office.get(&Office::page_of(id));
        assert!(page.text().contains("Để trống: giữ nguyên ngày giờ của bài."), "{}", page.text());
        (hidden(&page, "version"), hidden(&page, "ngay-gio"))
    };
    let correct = |id: &str, title: &'static str, date: &'static str, doing: &'static str| {
        let version = published(id).0;
        let fields = [&NEW[..], &[("viec", doing), ("id", id), ("version", version.as_str())]].concat();
        office.post("/soan/bai", &with(&with(&fields, "tieu-de", title), "ngay-gio", date))
    };
    let before = published(SEED).1;
    assert_eq!(before, "17:39 12/05/2023");
    let preview = correct(SEED, "Bản sửa", "", "xem");
    assert_eq!(hidden(&preview, "ngay-gio"), before, "it is shown before it is published");
    assert_eq!(correct(SEED, "Bản sửa", "", "dang").status, 303);
    assert_eq!((published(SEED).1, office.title()), (before, "Bản sửa".to_owned()));
    assert_eq!(correct(SEED, "Sai ngày", "31/02/2023", "dang").status, 422);
    assert_eq!(correct(SEED, "Ngày khác", "13/05/2023", "dang").status, 303);
    assert_eq!(published(SEED).1, "13/05/2023", "another date that is given is taken");

    // A scheduled article stays scheduled.
    let ahead = (chrono::Utc::now() + chrono::TimeDelta::days(9)).format("08:00 %d/%m/%Y").to_string();
    let fields = [&NEW[..], &[("viec", "dang")]].concat();
    let made = office.post("/soan/bai-moi", &with(&fields, "ngay-gio", &ahead));
    let query = made.header("location").unwrap().split_once('?').unwrap().1;
    let id =
        url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "id").unwrap().1.into_owned();
    let answer = correct(&id, "Hẹn giờ, sửa", "", "dang");
    assert!(answer.header("location").unwrap().ends_with("xong=hen"), "{}", answer.text());
    assert_eq!(published(&id).1, ahead);
}

#[test]
fn two_people_on_one_article_do_not_overwrite_each_other() {
    let office = Office::new();
    let mine = office.get(&Office::page_of(SEED));
    let version = hidden(&mine, "version");
    let typed = |title: &'static str| {
        let fields = [&NEW[..], &[("viec", "dang"), ("ly-do", "Sai số liệu")]].concat();
        with(&with(&fields, "id", SEED), "tieu-de", title)
    };
    let theirs = with(&typed("Bản của người kia"), "version", &version)
        .into_iter()
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .collect::<Vec<_>>();
    let theirs: Vec<(&str, &str)> = theirs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(office.post("/soan/bai", &theirs).status, 303);
    let mine = [&typed("Bản của tôi")[..], &[("version", version.as_str())]].concat();
    let told = office.post("/soan/bai", &mine);
    let page = told.text();
    assert_eq!(told.status, 409, "{page}");
    assert!(page.contains("có người khác đã sửa") && page.contains("value=\"Bản của tôi\""), "{page}");
    assert!(page.contains("<del>") && page.contains("<ins>"), "{page}");
    assert_eq!(office.title(), "Bản của người kia");
    // Having seen the difference, one may publish.
    let newer = hidden(&told, "version");
    let mine = [&typed("Bản của tôi")[..], &[("version", newer.as_str())]].concat();
    assert_eq!(office.post("/soan/bai", &mine).status, 303);
    assert_eq!(office.title(), "Bản của tôi");
    let stale = office.post("/soan/go", &[("id", SEED), ("version", &version)]);
    assert!(stale.status == 409 && stale.text().contains("người khác"), "{}", stale.text());
    let stale = office.post("/soan/lay-lai", &[("id", SEED), ("version", &version), ("so", "1")]);
    assert_eq!(stale.status, 409);
    let public = "/bai-viet/2023/05/12/thi-dua";
    wait_until("the reason", || office.serving.get(public).text().contains("Sai số liệu"));
    assert!(office.serving.get(public).text().contains("Bản của tôi"));
}

#[test]
fn an_image_of_a_preview_is_published_or_its_absence_is_told_and_never_overlooked() {
    let office = Office::new();
    let image = png(300, 1);
    let mut parts: Vec<Part<'_>> = NEW.iter().map(|(name, value)| (*name, None, value.as_bytes())).collect();
    parts.push(("anh", Some("anh.png"), &image));
    let preview = office.upload("/soan/bai-moi", &parts);
    assert_eq!(preview.status, 200, "{}", preview.text());
    let name = hidden(&preview, "anh-da-co");
    assert_eq!(office.get(&format!("/soan/anh/{name}")).status, 200);
    assert_eq!(office.serving.get(&format!("/media/{name}")).status, 410, "no reader sees it yet");

    // Nobody published it for a week.
    let database = office.site.path("data/bantin.db");
    let aged = "UPDATE picture_unused SET since = since - 700000";
    assert_eq!(crate::support::execute_sql(&database, aged), 1);
    office.site.write("xa-hoi/khac.txt", article("Bài khác", "13/05/2023 08:00", "Đoạn mở đầu."));
    wait_until("its removal", || office.get(&format!("/soan/anh/{name}")).status == 404);
    let head = office.serving.metric("bantin_log_head");
    let fields = [&NEW[..], &[("viec", "dang"), ("anh-da-co", &name)]].concat();
    let told = office.post("/soan/bai-moi", &fields);
    let page = told.text();
    assert!(told.status == 422 && page.contains("Hãy chọn lại tệp ảnh"), "{page}");
    assert!(page.contains("value=\"Hội nghị tổng kết\"") && page.contains("Đoạn hai."), "{page}");
    assert_eq!(office.serving.metric("bantin_log_head"), head, "nothing was published without it");
    // Chosen again, it is published; named twice, it is shown once.
    parts.push(("viec", None, b"dang"));
    assert_eq!(office.upload("/soan/bai-moi", &parts).status, 303);
    wait_until("the image", || office.serving.get(&format!("/media/{name}")).status == 200);
    let twice = [&fields[..], &[("anh-da-co", name.as_str())]].concat();
    let answer = office.post("/soan/bai-moi", &with(&twice, "tieu-de", "Bài thứ hai"));
    let location = answer.header("location").unwrap_or_else(|| panic!("{}", answer.text()));
    assert_eq!(office.get(location).text().matches("name=\"anh-da-co\"").count(), 1);
}

#[test]
fn who_leaves_has_left_everywhere_and_who_guesses_is_slowed_down() {
    let office = Office::new();
    let copied = office.cookie.clone();
    let asks = |cookie: &str| office.serving.request("GET", "/soan/", &[("Cookie", cookie)]).status;
    let other = office.log_in();
    let left = office.post("/soan/thoat", &[]);
    assert_eq!((left.status, left.header("location")), (303, Some("/soan/dang-nhap")));
    let set = left.header("set-cookie").unwrap();
    assert!(set.starts_with("bantin=; Path=/soan/; Max-Age=0; HttpOnly; SameSite=Strict"), "{set}");
    assert_eq!((asks(&copied), asks(&other)), (303, 200), "a copy of the cookie is of no use");

    // A form of this site, by its own address or behind a proxy that passes the name on.
    let origin = format!("http://{}", office.serving.address());
    let log_in = |headers: &[(&str, &str)], secret: &str| {
        let body = encoded(&[("token", secret)]);
        let headers = [&[FORM], headers].concat();
        office.serving.request_with_body("POST", "/soan/dang-nhap", &headers, body.as_bytes())
    };
    let host = office.serving.address().to_string();
    for headers in [
        vec![("Sec-Fetch-Site", "same-origin"), ("Origin", "https://doi-ten.example")],
        vec![("Origin", "http://127.0.0.1:8080")],
        vec![("Origin", origin.as_str()), ("Host", host.as_str())],
    ] {
        assert_eq!(log_in(&headers, &office.secret).status, 303, "{headers:?}");
    }
    assert_eq!(log_in(&[("Origin", "https://gia-mao.example")], &office.secret).status, 403);
    // No address leads out of the site.
    for path in
        ["/soan//gia-mao.example", "/soan/dang-nhap/%2F%2Fgia-mao.example", "/soan/%2e%2e//gia-mao.example"]
    {
        let answer = office.serving.request("GET", path, &[("Cookie", &other)]);
        assert!(
            answer.header("location").is_none_or(|to| to.starts_with("/soan/")),
            "{path}: {}",
            answer.text()
        );
    }
    let statuses: Vec<u16> = (0..40).map(|n| log_in(&[], &format!("bantin_{n:032}")).status).collect();
    assert_eq!((statuses[0], *statuses.last().unwrap()), (403, 429), "{statuses:?}");
    assert_eq!(asks(&other), 200, "who is logged in already goes on");
}

/// What a page must show as text, wherever it comes from.
const HOSTILE: [&str; 12] = [
    "<xss-1>",
    "\"><xss-2 x=\"",
    "'><xss-3 x='",
    "</textarea><xss-4>",
    "</title><xss-5>",
    "--><xss-6>",
    "<![CDATA[<xss-7>]]>",
    "&lt;<xss-8>&#60;xss-8&gt;",
    "\" autofocus onfocus=\"xss-9",
    "[x](javascript:xss-10) <xss-10>",
    "\u{202e}\u{feff}<xss-11>\u{0085}",
    "{{7*7}} ${7*7} <%= 7*7 %> <xss-12>",
];

#[test]
fn markup_in_any_field_or_file_name_stays_text() {
    let office = Office::new();
    let names = [
        "tieu-de",
        "ngay-gio",
        "noi-dung",
        "tac-gia",
        "chuyen-muc",
        "tom-tat",
        "tu-khoa",
        "nguon",
        "lien-ket",
        "ngon-ngu",
        "ly-do",
        "ma",
        "key",
        "anh-da-co",
        "version",
        "van-ban",
    ];
    let harmless = |page: &HttpResponse, place: &str| {
        let text = page.text();
        assert!(page.status < 500, "{place}: {text}");
        let document = dom(&text);
        assert!(!document.iter().any(|(name, _)| name.starts_with("xss")), "{place}: {text}");
        let handlers = document.iter().flat_map(|(_, attributes)| attributes).filter(|(name, value)| {
            name.starts_with("on") || (name == "href" && value.trim_start().starts_with("javascript:"))
        });
        assert_eq!(handlers.count(), 0, "{place}: {text}");
    };
    let mut count = 0;
    for value in HOSTILE {
        // All at once, and in a form that is otherwise right, so that each reaches its page.
        let all: Vec<(&str, &str)> = names.map(|name| (name, value)).to_vec();
        for (path, fields) in [
            ("/soan/bai-moi", with(&all, "viec", "xem")),
            ("/soan/doc", all.clone()),
            ("/soan/bai-moi", with(&with(&with(&NEW, "tieu-de", value), "noi-dung", value), "viec", "xem")),
            ("/soan/bai", with(&all, "id", SEED)),
        ] {
            harmless(&office.post(path, &fields), &format!("{path} {value}"));
            count += fields.len();
        }
        let image = png(20, 1);
        let file = value.replace('"', "%22").replace(['\u{85}', '\u{202e}'], "");
        let parts: Vec<Part<'_>> =
            vec![("anh", Some(&file), b"khong phai anh"), ("anh", Some(&file), &image)];
        harmless(&office.upload("/soan/bai-moi", &parts), &file);
        harmless(&office.upload("/soan/doc", &[("tep", Some(&file), b"khong phai")]), &file);
        for page in ["", "bai", "lich-su", "go", "dang-nhap", "nguon", "noi-nhan"] {
            let query = encoded(
                &["q", "id", "xong", "a", "b", "sau", "tep", "bot", "hen", "go"].map(|name| (name, value)),
            );
            harmless(&office.get(&format!("/soan/{page}?{query}")), page);
        }
        let logged_out = encoded(&names.map(|name| (name, value)));
        let page = office.serving.request_with_body("POST", "/soan/bai-moi", &[FORM], logged_out.as_bytes());
        harmless(&page, "after the session");
    }
    assert!(count >= 500, "{count}");
    assert_eq!(office.serving.metric("bantin_log_head"), 1);
}

type Element = (String, Vec<(String, String)>);

/// The elements of a page as a browser sees them: names and attributes.
fn dom(page: &str) -> Vec<Element> {
    let tokenizer = Tokenizer::new(Elements::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(page.into());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.take()
}

#[derive(Default)]
struct Elements(RefCell<Vec<Element>>);

impl TokenSink for Elements {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let Token::TagToken(Tag { kind: TagKind::StartTag, name, attrs, .. }) = token else {
            return TokenSinkResult::Continue;
        };
        let attributes = attrs.iter().map(|one| (one.name.local.to_string(), one.value.to_string()));
        self.0.borrow_mut().push((name.to_string(), attributes.collect()));
        match &*name {
            "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
            "style" => TokenSinkResult::RawData(RawKind::Rawtext),
            _ => TokenSinkResult::Continue,
        }
    }
}

#[test]
fn the_state_shows_the_articles_of_the_token_however_many_others_there_are() {
    let site = TestSite::new();
    for number in 0..60 {
        let text = article(&format!("Bài khác {number}"), "14/05/2023 08:00", "Đoạn mở đầu.");
        site.write(&format!("xa-hoi/khac-{number}.txt"), text);
        site.write(&format!("xa-hoi/hong-{number:02}.txt"), "Bài hỏng\n\n31/02/2023 08:00\n\nĐoạn.\n");
        let text = article(&format!("Bài cũ {number}"), "13/04/2023 08:00", "Đoạn mở đầu.");
        site.write(&format!("kinh-te/cu-{number}.txt"), text);
    }
    let office = Office::of(site, &["--channels", "kinh-te"]);
    office.site.scanned(&office.serving);
    let rows = |page: &str, title: &str| page.matches(title).count();
    let first = office.get("/soan/").text();
    assert_eq!(
        (rows(&first, ">Bài cũ "), rows(&first, "Bài khác"), rows(&first, "hong-")),
        (50, 0, 0),
        "{first}"
    );
    let next = |page: &str, name: &str| {
        let link = page.split("href=\"").find(|link| link.starts_with(&format!("/soan/?{name}="))).unwrap();
        link.split(['"', '#']).next().unwrap().replace("&amp;", "&")
    };
    let second = office.get(&next(&first, "sau")).text();
    assert_eq!(rows(&second, ">Bài cũ "), 10, "{second}");
    assert!(!second.contains("Xem tiếp") && second.contains("Từ đầu"), "{second}");
    let found = office.get("/soan/?q=cu+7").text();
    assert!(found.contains(">Bài cũ 7<") && !found.contains("Bài khác"), "{found}");
    // Who has all channels reaches each of the rejected files.
    let all = office.site.ok(&["token", "new", "Tất cả"]).trim().to_owned();
    let body = encoded(&[("token", &all)]);
    let answer = office.serving.request_with_body("POST", "/soan/dang-nhap", &[FORM], body.as_bytes());
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let get = |path: &str| office.serving.request("GET", path, &[("Cookie", &cookie)]).text();
    let (first, mut files) = (get("/soan/"), std::collections::BTreeSet::new());
    let second = get(&next(&first, "tep"));
    for page in [&first, &second] {
        files.extend(page.split("xa-hoi/hong-").skip(1).map(|rest| rest[..2].to_owned()));
    }
    assert_eq!(files.len(), 60);
}

/// A province with a source of three articles: a good one, one without a date, and one of the year 2090 with a hostile title.
fn collecting() -> (Portal, TestSite) {
    let portal = Portal::new();
    let hostile = "&lt;b&gt;Ngày&lt;/b&gt; \"&gt;tương lai";
    portal.serves(
        "/rss.xml",
        rss(&[
            item("a", "Không ngày", "", &portal.url("/a"), "A."),
            item("b", hostile, "Fri, 12 May 2090 17:39:00 GMT+7", "javascript:alert(1)", "B."),
            item("c", "Đúng", "Fri, 12 May 2023 17:39:00 GMT+7", &portal.url("/c"), "C."),
        ]),
    );
    let site = province(&[("UBND xã <A>", portal.url("/rss.xml"))]);
    pull(&site, "UBND xã <A>");
    (portal, site)
}

#[test]
fn the_office_sees_its_sources_decides_on_items_and_pauses_one() {
    let (portal, site) = collecting();
    let config = std::fs::read_to_string(site.path("config.toml")).unwrap();
    let quiet = format!(
        "[[source]]\nname = \"Không lỗi\"\nurl = \"{}\"\nchannels = [\"xa-hoi\"]\nenabled = false\nallow_private = true\n\n[[source]]",
        portal.url("/khac.xml")
    );
    std::fs::write(site.path("config.toml"), config.replacen("[[source]]", &quiet, 1)).unwrap();
    let office = Office::of(site, &[]);
    let list = office.get("/soan/nguon");
    let text = list.text();
    for shown in [
        "2 nguồn, 0 nguồn đang lỗi, 2 mục chờ quyết định.",
        "tắt trong cấu hình",
        "UBND xã &lt;A&gt;",
        "bình thường",
        "Lần đọc được gần nhất: <time",
        "Bài mới gần nhất: <time",
        "múi giờ viết khác lạ: ",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(!text.contains("<script"), "{text}");
    assert!(text.find("UBND xã &lt;A&gt;") < text.find("Không lỗi"), "what waits comes first: {text}");
    let page = format!("/soan/nguon?{}", encoded(&[("id", "UBND xã <A>")]));
    let text = office.get(&page).text();
    for shown in [
        "Giữ lại vì không có ngày đăng.",
        "Giữ lại vì ngày đăng ở tương lai.",
        "Ngày ghi ở nguồn: Fri, 12 May 2090 17:39:00 GMT+7",
        &format!("href=\"{}\"", portal.url("/a")),
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let links = dom(&text);
    let is_script = |(_, attributes): &Element| {
        attributes.iter().any(|(name, value)| name == "href" && value.starts_with("javascript:"))
    };
    assert!(!links.iter().any(is_script) && !links.iter().any(|(name, _)| name == "b"), "{text}");
    let decide =
        |fields: &[(&str, &str)]| office.post("/soan/nguon", &[&[("id", "UBND xã <A>")], fields].concat());
    // Without a date that can be read nothing is published, and what was typed stays.
    for (typed, told) in [("", "không đọc được ngày"), ("hôm kia", "không thể đọc ngày đăng")]
    {
        let refused = decide(&[("muc", "id:a"), ("viec", "nhan"), ("ngay-gio", typed)]);
        let text = refused.text();
        assert_eq!(refused.status, 422, "{text}");
        assert!(text.contains(told) && text.contains(&format!("value=\"{typed}\"")), "{typed}: {text}");
    }
    assert_eq!(office.serving.metric("bantin_log_head"), 2);
    let follow = |answer: &HttpResponse| {
        assert_eq!(answer.status, 303, "{}", answer.text());
        office.get(answer.header("location").unwrap()).text()
    };
    let done = decide(&[("muc", "id:a"), ("viec", "nhan"), ("ngay-gio", "08:00 13/05/2023")]);
    assert!(follow(&done).contains("Đã đăng mục của nguồn."));
    assert_eq!(office.serving.metric("bantin_log_head"), 3);
    assert!(follow(&decide(&[("muc", "id:b"), ("viec", "bo")])).contains("Không có mục nào."));
    let twice = decide(&[("muc", "id:b"), ("viec", "bo")]);
    assert!(
        twice.status == 404 && twice.text().contains("có thể đã có người quyết định"),
        "{}",
        twice.text()
    );
    let paused = follow(&decide(&[("viec", "dung")]));
    assert!(paused.contains("đang tạm dừng") && paused.contains("Đã tạm dừng nguồn"), "{paused}");
    assert!(!paused.contains("value=\"dung\"") && paused.contains("value=\"tiep\""), "{paused}");
    let asked = portal.asked_for("/rss.xml");
    portal.answers_with("/rss.xml", "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n");
    assert!(follow(&decide(&[("viec", "tiep")])).contains("Nguồn được đọc lại ngay."));
    wait_until("the failure", || office.get(&page).text().contains("đang lỗi"));
    assert!(portal.asked_for("/rss.xml") > asked);
    let shown = office.get(&page).text();
    assert!(shown.contains("máy chủ của nguồn trả lời 500."), "{shown}");
    assert_eq!(office.get("/soan/nguon?id=la").status, 404);
    assert_eq!(decide(&[("viec", "la")]).status, 404);
}

#[test]
fn a_form_about_a_source_from_elsewhere_or_without_rights_changes_nothing() {
    let (_portal, site) = collecting();
    let office = Office::of(site, &["--channels", "kinh-te"]);
    assert!(office.get("/soan/nguon").text().contains("Chưa có nguồn nào"), "it covers none");
    let about = [("id", "UBND xã <A>"), ("muc", "id:a"), ("ngay-gio", "08:00 13/05/2023")];
    let page = format!("/soan/nguon?{}", encoded(&about[..1]));
    assert_eq!(office.get(&page).status, 403);
    for work in ["dung", "tiep", "nhan", "bo"] {
        let fields = [&about[..], &[("viec", work)]].concat();
        assert_eq!(office.post("/soan/nguon", &fields).status, 403, "{work}");
    }
    // Who may, but by a form of another site or without the token of the session.
    let secret = office.site.ok(&["token", "new", "Tất cả"]).trim().to_owned();
    let body = encoded(&[("token", &secret)]);
    let answer = office.serving.request_with_body("POST", "/soan/dang-nhap", &[FORM], body.as_bytes());
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let fields = encoded(&[&about[..], &[("viec", "nhan")]].concat());
    for headers in [
        vec![FORM, ("Cookie", cookie.as_str())],
        vec![FORM, ("Cookie", cookie.as_str()), ("Sec-Fetch-Site", "cross-site")],
        vec![FORM],
    ] {
        let refused = office.serving.request_with_body("POST", "/soan/nguon", &headers, fields.as_bytes());
        assert_eq!(refused.status, 403, "{headers:?}");
    }
    assert_eq!(office.serving.metric("bantin_log_head"), 2);
    let shown = office.serving.request("GET", &page, &[("Cookie", &cookie)]).text();
    assert!(shown.contains("id:a") && shown.contains("bình thường"), "{shown}");
}

#[test]
fn the_office_sees_who_is_told_of_changes_and_what_failed_without_the_secrets_of_callbacks() {
    let portal = Portal::new();
    portal.answers_with("/khoa-bi-mat", "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n");
    let site = TestSite::new();
    site.configure(&format!(
        "[[webhook]]\nurl = \"{}\"\nsecret = \"một khóa đủ dài\"\n",
        portal.url("/khoa-bi-mat")
    ));
    let office = Office::of(site, &[]);
    assert!(office.get("/soan/").text().contains("href=\"/soan/noi-nhan\""));
    office.site.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
    let page = || office.get("/soan/noi-nhan").text();
    wait_until("the failure", || page().contains("1 nơi nhận, 1 nơi đang lỗi."));
    let text = page();
    let host = portal.url("");
    for shown in ["webhook", host.trim_start_matches("http://"), "mọi thay đổi", "500", "gửi lại lúc"]
    {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(!text.contains("khoa-bi-mat") && !text.contains("một khóa đủ dài"), "{text}");
    portal.serves("/khoa-bi-mat", "");
    let other = office.site.ok(&["token", "new", "Kinh tế", "--channels", "kinh-te"]).trim().to_owned();
    let body = encoded(&[("token", &other)]);
    let answer = office.serving.request_with_body("POST", "/soan/dang-nhap", &[FORM], body.as_bytes());
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let limited = office.serving.request("GET", "/soan/noi-nhan", &[("Cookie", &cookie)]).text();
    assert!(limited.contains("Chưa có nơi nhận nào."), "a webhook has all channels: {limited}");
    assert_eq!(office.post("/soan/noi-nhan", &[]).status, 405);
}

/// By this name `tests/run` tells them from the others.
mod in_a_browser {
    use super::*;

    fn logged_in(office: &Office) -> Option<Browser> {
        if is_missing(Requirement::Program("chromedriver")) {
            return None;
        }
        let browser = Browser::open();
        // What is being scrolled cannot be clicked.
        browser.set_preference("prefers-reduced-motion", "reduce");
        browser.go(&office.serving, "/soan/").write("#ma", &office.secret).click("main button");
        browser.says("Tình trạng");
        Some(browser)
    }

    fn photo(office: &Office) -> String {
        let path = office.site.path("anh.jpg");
        std::fs::write(&path, include_bytes!("../../feeds/kinh-te/gia-ca-phe-dau-vu.jpg")).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn an_item_of_a_source_is_published_with_the_date_that_somebody_types() {
        let (_portal, site) = collecting();
        let office = Office::of(site, &[]);
        let Some(browser) = logged_in(&office) else { return };
        browser.click("nav a[href$='nguon']").says("2 mục chờ quyết định").click(".files a");
        browser.click(".files li:first-child button[value=nhan]").says("không đọc được ngày của mục này");
        browser.write("#ngay-gio-0", "08:00 13/05/2023");
        browser.click(".files li:first-child button[value=nhan]").says("Đã đăng mục của nguồn.");
        browser.click(".files li:first-child button[value=bo]").says("Không có mục nào.");
        browser.click("button[value=dung]").says("đang tạm dừng").click("nav a[href$='noi-nhan']");
        browser.says("Chưa có nơi nhận nào.");
        // The browser notes that the first form was refused, and nothing else.
        let complaints = browser.complaints();
        assert!(complaints.iter().all(|line| line.contains("422")), "{complaints:?}");
        assert!(office.serving.get("/xa-hoi/rss.xml").text().contains("Không ngày"));
    }

    #[test]
    fn an_article_is_written_previewed_published_corrected_and_its_old_text_brought_back() {
        let office = Office::new();
        let Some(browser) = logged_in(&office) else { return };
        browser.click("nav a[href$='bai-moi']").write("#tieu-de", "Đoàn xe về bản");
        browser.write(
            "#noi-dung-bai",
            "Sáng 12/5, đoàn xe về bản.\n\nChú thích: Đoàn xe. Ảnh: TL\n\nĐoạn cuối.",
        );
        browser.click("input[value=xa-hoi]").write("#anh", &photo(&office)).click("button[value=xem]");
        browser.says("Bạn đọc sẽ thấy").says("Đoàn xe. Ảnh: TL").says("Bản xem trước");
        let loaded =
            "const i = document.querySelector('.preview img'); return i.complete && i.naturalWidth > 0";
        wait_until("the image of the preview", || browser.run(loaded) == true);
        assert_eq!(office.serving.metric("bantin_log_head"), 1, "nothing is published by a preview");
        browser.click("button[value=dang]").says("Đã đăng");
        let day =
            chrono::Utc::now().with_timezone(&bantin::time::DEFAULT_TIME_ZONE).format("%Y/%m/%d").to_string();
        let public = format!("/bai-viet/{day}/doan-xe-ve-ban");
        wait_until("the page", || office.serving.get(&public).text().contains("<figure"));

        browser.run("document.querySelector('#tieu-de').value = 'Đoàn xe về làng'");
        browser.write("#ly-do", "Sai tên").click("button[value=dang]").says("Đã đăng bản sửa");
        wait_until("the correction", || office.serving.get(&public).text().contains("Sai tên"));
        assert!(office.serving.get(&public).text().contains("<figure"), "the image stays");
        browser
            .click("a[href*='lich-su']")
            .says("Văn phòng")
            .says("Sai tên")
            .click("form[method=get] button");
        browser.says("so với bản số 2");
        let changed = browser
            .run("return [...document.querySelectorAll('del, ins')].map(e => e.textContent).join('|')");
        assert!(
            changed.as_str().unwrap().contains("bản") && changed.as_str().unwrap().contains("làng"),
            "{changed}"
        );
        browser.click("form[method=post][action$='lay-lai'] button").says("Đã lấy lại nội dung cũ");
        wait_until("the old text", || office.serving.get(&public).text().contains("Đoàn xe về bản"));
        assert!(browser.complaints().is_empty());
    }

    #[test]
    fn a_word_file_or_a_pasted_page_fills_the_form_and_what_is_wrong_is_told() {
        let office = Office::new();
        let Some(browser) = logged_in(&office) else { return };
        let word =
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/word/docx-inline-picture-and-style-lists.docx");
        browser.go(&office.serving, "/soan/bai-moi").write("#tep", word).click("form[action$='doc'] button");
        browser.says("Đã đọc bài").says("Bạn đọc sẽ thấy");
        assert_eq!(browser.run("return document.querySelectorAll('.pictures img').length"), 1);
        browser.click("input[value=xa-hoi]");
        let title =
            browser.run("return document.querySelector('#tieu-de').value").as_str().unwrap().to_owned();
        browser.run("document.querySelector('#ngay-gio').value = '08:00 13/05/2023'");
        browser.click("button[value=dang]").says("Đã đăng");
        wait_until("the article", || office.serving.get("/xa-hoi/rss.xml").text().contains(&title));

        browser
            .go(&office.serving, "/soan/bai-moi")
            .write("#dan", "Bài dán\n\n31/02/2023 08:00\n\nĐoạn một của bài.");
        browser.click("form[action$='doc'] button").says("Chưa đọc được bài").says("Dòng 3");
        browser.run("document.querySelector('#dan').value = document.querySelector('#dan').value.replace('31/02', '13/05')");
        browser.click("form[action$='doc'] button").says("Đã đọc bài");
        assert_eq!(browser.run("return document.querySelector('#ngay-gio').value"), "08:00 13/05/2023");
        assert!(browser.complaints().iter().all(|told| told.contains("422")), "{:?}", browser.complaints());
    }

    #[test]
    fn the_state_of_the_folder_tells_what_to_do_and_an_article_is_scheduled_withdrawn_and_restored() {
        let site = TestSite::new();
        site.write("xa-hoi/hong.txt", "Bài hỏng\n\n31/02/2023 08:00\n\nĐoạn.\n");
        let office = Office::of(site, &[]);
        let Some(browser) = logged_in(&office) else { return };
        browser.says("xa-hoi/hong.txt").says("chưa đăng").says("Dòng 3:");
        office.site.write("xa-hoi/hong.txt", article("Bài lành", "13/05/2023 08:00", "Đoạn mở đầu."));
        let is_cured = |page: String| page.contains("Bài lành") && page.contains("Mọi tệp đều ổn");
        wait_until("the cure", || is_cured(office.get("/soan/").text()));
        browser.go(&office.serving, "/soan/").says("Mọi tệp đều ổn");

        let ahead = (chrono::Utc::now() + chrono::TimeDelta::days(9)).format("08:00 %d/%m/%Y").to_string();
        browser.click("nav a[href$='bai-moi']").write("#tieu-de", "Bài hẹn giờ").write("#ngay-gio", &ahead);
        browser
            .write("#noi-dung-bai", "Đoạn mở đầu.")
            .click("input[value=xa-hoi]")
            .click("button[value=dang]");
        browser.says("Đã hẹn giờ").click("nav a").says("Bài hẹn giờ");
        browser.run("[...document.querySelectorAll('a')].find(a => a.textContent == 'Bài hẹn giờ').click()");
        browser.says("Sửa bài").click("a[href*='/soan/go']").click("main button").says("Đã gỡ bài");
        assert!(!browser.text().contains("Bài hẹn giờ"), "{}", browser.text());

        browser.write("#tim", "bai lanh").click(".find button").says("Bài lành").click("a[href*='hong']");
        browser
            .click("a[href*='/soan/go']")
            .write("#ly-do", "Đăng nhầm")
            .click("main button")
            .says("Đã gỡ bài");
        browser.says("Đăng nhầm");
        wait_until("the withdrawal", || office.serving.get("/bai-viet/2023/05/13/hong").status == 410);
        browser.click("form[action$='khoi-phuc'] button").says("Đã khôi phục bài");
        wait_until("the article", || office.serving.get("/bai-viet/2023/05/13/hong").status == 200);
        browser.click(".leave button").says("Đăng nhập");
        browser.go(&office.serving, "/soan/").says("Mã truy cập");
    }
}

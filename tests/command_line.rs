//! The commands beside `serve`, with the real program.

mod support;

use support::{SAMPLE_ARTICLE, TestSite, article};

fn seeded() -> TestSite {
    let house = TestSite::new();
    house.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    house
}

#[test]
fn a_mistyped_key_is_shown_with_line_and_caret() {
    let house = TestSite::new();
    std::fs::write(house.path("config.toml"), "[site]\ntitle = \"A\"\ntag_autority = \"a.vn,2023\"\n")
        .unwrap();
    let output = house.run(&["config"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    for part in ["config.toml", "line 3", "tag_autority = ", "^^^^", "tag_authority"] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
}

#[test]
fn a_wrong_variable_is_named() {
    let house = TestSite::new().with("BANTIN_SERVER__LISTEN", "somewhere");
    let told = String::from_utf8(house.run(&["config"]).stderr).unwrap();
    assert!(told.contains("BANTIN_SERVER__LISTEN=somewhere"), "{told}");
    let house = TestSite::new().with("BANTIN_SERVR__LISTEN", "127.0.0.1:1");
    let told = String::from_utf8(house.run(&["config"]).stderr).unwrap();
    assert!(told.contains("BANTIN_SERVR__LISTEN") && told.contains("servr"), "{told}");
}

#[test]
fn variables_of_others_are_let_be_and_a_slip_in_one_of_ours_is_told() {
    let others = [
        ("BANTIN_PORT", "tcp://10.96.0.7:8080"),
        ("BANTIN_SERVICE_HOST", "10.96.0.7"),
        ("BANTIN_SERVICE_PORT", "8080"),
        ("BANTIN_SERVICE_PORT_HTTP", "8080"),
        ("BANTIN_PORT_8080_TCP", "tcp://10.96.0.7:8080"),
        ("BANTIN_PORT_8080_TCP_PROTO", "tcp"),
        ("BANTIN_PORT_8080_TCP_PORT", "8080"),
        ("BANTIN_PORT_8080_TCP_ADDR", "10.96.0.7"),
        // Services of the names bantin-site, bantin-server and bantin--feed.
        ("BANTIN_SITE_PORT", "tcp://10.96.0.7:80"),
        ("BANTIN_SERVER_SERVICE_HOST", "10.96.0.7"),
        ("BANTIN_SERVER_PORT_80_TCP_ADDR", "10.96.0.7"),
        ("BANTIN__FEED_SERVICE_PORT", "80"),
        ("BANTIN_SITE__A_PORT", "tcp://10.96.0.7:80"),
        ("BANTIN_HOME", "/srv"),
        ("BANTIN_VERSION", "1.2"),
        ("BANTIN_", "x"),
        ("BANTINX", "x"),
    ];
    let house = others.into_iter().fold(TestSite::new(), |house, (name, value)| house.with(name, value));
    assert!(house.ok(&["config"]).contains("server.listen = \"127.0.0.1:0\""));
    for (slip, meant) in [
        ("BANTIN_SERVER_LISTEN", "BANTIN_SERVER__LISTEN"),
        ("BANTIN_SITE_URL", "BANTIN_SITE__URL"),
        ("BANTIN_STORE_URL", "BANTIN_STORE__URL"),
        ("BANTIN_SITE_TITEL", "BANTIN_SITE__TITLE"),
        ("BANTIN_SERVER_LIMITS_BODY", "BANTIN_SERVER__LIMITS__BODY"),
        ("BANTIN_SITE_TAG_AUTHORITY", "BANTIN_SITE__TAG_AUTHORITY"),
    ] {
        let refused = TestSite::new().with(slip, "postgres://a:bi-mat@b/c").run(&["config"]);
        let told = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{slip}");
        assert!(told.contains(slip) && told.contains(meant) && !told.contains("bi-mat"), "{told}");
    }
}

#[test]
fn a_list_of_a_channel_that_is_not_there_is_an_error() {
    let house = seeded();
    house.ok(&["scan"]);
    for arguments in [&["list", "--channel", "khong-co"][..], &["list", "--channel", "khong-co", "--json"]] {
        let refused = house.run(arguments);
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(1), 0));
        assert!(String::from_utf8(refused.stderr).unwrap().contains("known channels: xa-hoi"));
    }
}

#[test]
fn config_says_what_is_in_force_and_from_where() {
    let house = TestSite::new().with("BANTIN_FEED__ITEMS", "12");
    let shown = house.ok(&["config"]);
    let line = |key: &str| shown.lines().find(|line| line.starts_with(key)).unwrap_or_default().to_owned();
    assert!(line("feed.items = 12 ").ends_with("# BANTIN_FEED__ITEMS"), "{shown}");
    assert!(line("site.title = \"Huyện Đăk Tô\" ").contains("config.toml"), "{shown}");
    assert!(line("site.language = \"vi\" ").ends_with("# default"), "{shown}");
    let json: serde_json::Value = serde_json::from_str(&house.ok(&["config", "--json"])).unwrap();
    assert_eq!(json["feed.items"]["from"], "BANTIN_FEED__ITEMS");
}

#[test]
fn a_password_is_never_printed() {
    let house = TestSite::new().with("BANTIN_STORE__URL", "postgres://bantin:secret@db/bantin");
    let output = house.run(&["list"]);
    let told = format!(
        "{}{}{}",
        house.ok(&["config"]),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!told.contains("secret"), "{told}");
}

#[test]
fn the_sample_authority_does_not_go_public() {
    let house = TestSite::new();
    std::fs::write(house.path("config.toml"), "[site]\nurl = \"https://dakto.example.vn\"\n").unwrap();
    let output = house.run(&["serve"]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("site.tag_authority") && told.contains("for ever"), "{told}");
}

#[test]
fn check_names_file_line_and_cure_and_publishes_nothing() {
    let house = seeded();
    assert_eq!(house.run(&["check"]).status.code(), Some(0));
    house.write("xa-hoi/hong.txt", article("Bài hỏng", "31/02/2023 08:00", "Đoạn mở đầu."));
    house.write("xa-hoi/trong.txt", "");
    house.write("kinh-te/thi-dua.txt", SAMPLE_ARTICLE.replace("năm 2023", "năm 2024"));
    let output = house.run(&["check"]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    for part in
        ["feeds/xa-hoi/hong.txt:3: error: ", "feeds/xa-hoi/trong.txt:1: error: ", "kinh-te/thi-dua.txt"]
    {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
    let one = house.run(&["check", house.path("feeds/xa-hoi/thi-dua.txt").to_str().unwrap()]);
    assert_eq!(one.status.code(), Some(0), "{}", String::from_utf8_lossy(&one.stdout));
    let json = house.run(&["check", "--json"]).stdout;
    let findings: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert!(findings.as_array().unwrap().iter().any(|finding| finding["line"] == 3));
    assert!(!house.path("data").exists(), "check begins no log");
}

#[test]
fn render_prints_what_would_be_served_and_previews_without_a_log() {
    let house = seeded();
    let preview = house.ok(&["render", "xa-hoi", "rss"]);
    assert!(preview.contains("Fri, 12 May 2023 17:39:00 +0700"), "{preview}");
    assert!(!house.path("data").exists(), "a preview begins no log");
    let serving = house.serve();
    for (scope, format, path) in [
        ("xa-hoi", "rss", "/xa-hoi/rss.xml"),
        ("xa-hoi", "atom", "/xa-hoi/atom.xml"),
        ("-", "json", "/feed.json"),
    ] {
        assert_eq!(house.ok(&["render", scope, format]), serving.get(path).text());
    }
    let unknown = house.run(&["render", "khong-co", "rss"]);
    let told = String::from_utf8(unknown.stderr).unwrap();
    assert!(unknown.status.code() == Some(1) && told.contains("xa-hoi"), "{told}");
}

#[test]
fn list_shows_every_article_in_text_and_json() {
    let house = seeded();
    house.write("kinh-te/mai.txt", article("Bài ngày mai", "13/05/2023 08:00", "Đoạn mở đầu."));
    house.ok(&["scan"]);
    let text = house.ok(&["list"]);
    assert_eq!(text.lines().count(), 2);
    assert!(text.starts_with("2023-05-13 08:00  live "), "{text}");
    let json: serde_json::Value = serde_json::from_str(&house.ok(&["list", "--json"])).unwrap();
    assert_eq!(json[1]["published"], "2023-05-12T17:39:00+07:00");
    assert_eq!(house.ok(&["list", "--channel", "kinh-te"]).lines().count(), 1);
}

#[test]
fn an_article_is_named_by_its_id_its_address_or_its_file() {
    let house = seeded();
    house.ok(&["scan"]);
    let id = "tag:dakto.example,2023:2023-05-12/thi-dua";
    let file = house.path("feeds/xa-hoi/thi-dua.txt");
    for named in [
        id,
        "http://127.0.0.1:8080/bai-viet/2023/05/12/thi-dua",
        "/bai-viet/2023/05/12/thi-dua",
        file.to_str().unwrap(),
    ] {
        for (command, done) in [("withdraw", "withdrawn"), ("restore", "restored")] {
            let answer: serde_json::Value =
                serde_json::from_str(&house.ok(&[command, named, "--json"])).unwrap();
            assert_eq!(
                (answer["id"].as_str(), answer["outcome"].as_str()),
                (Some(id), Some(done)),
                "{named}"
            );
        }
    }
    for unknown in ["/bai-viet/2023/05/12/khong-co", "khong-co.txt", "tag:a,2023:b"] {
        let refused = house.run(&["withdraw", unknown]);
        assert!(String::from_utf8(refused.stderr).unwrap().contains("is unknown"), "{unknown}");
    }
}

#[test]
fn an_hour_that_the_clocks_show_twice_is_told_and_one_that_they_never_show_is_refused() {
    let house = TestSite::new().with("BANTIN_SITE__TIME_ZONE", "Europe/Berlin");
    house.write("xa-hoi/hai-lan.txt", article("Giờ có hai lần", "29/10/2023 02:30", "Đoạn mở đầu."));
    house.write("xa-hoi/khong-co.txt", article("Giờ không có", "26/03/2023 02:30", "Đoạn mở đầu."));
    house.write("xa-hoi/ngay.txt", article("Giờ thường", "29/10/2023 03:30", "Đoạn mở đầu."));
    let output = house.run(&["check"]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("hai-lan.txt:3: warning: ") && told.contains("02:30 29/10/2023 +02:00"), "{told}");
    assert!(told.contains("khong-co.txt:3: error: ") && !told.contains("ngay.txt"), "{told}");
}

#[test]
fn a_command_on_an_article_begins_no_log() {
    let house = seeded();
    let output = house.run(&["withdraw", "tag:a,2023:b"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!house.path("data").exists());
}

#[test]
fn usage_that_is_not_understood_exits_2() {
    assert_eq!(TestSite::new().run(&["publsh"]).status.code(), Some(2));
    assert_eq!(TestSite::new().run(&["--help"]).status.code(), Some(0));
    assert!(TestSite::new().ok(&["completions", "bash"]).contains("_bantin"));
}

#[test]
fn publish_takes_an_article_in_that_no_file_stands_for() {
    let house = seeded();
    let serving = house.serve();
    std::fs::write(house.path("moi.txt"), article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu.")).unwrap();
    let file = house.path("moi.txt");
    let arguments = ["publish", file.to_str().unwrap(), "--channel", "xa-hoi"];
    let id = house.ok(&arguments);
    assert_eq!(id.trim(), "tag:dakto.example,2023:2023-05-13/moi");
    assert_eq!(house.ok(&arguments), id, "the same again is the same article");
    support::wait_until("the article", || serving.get("/xa-hoi/rss.xml").text().contains("Bài mới"));
    std::fs::write(&file, article("Bài mới, sửa", "13/05/2023 08:00", "Đoạn mở đầu.")).unwrap();
    house.ok(&[&arguments[..], &["--id", id.trim()]].concat());
    support::wait_until("the correction", || serving.get("/xa-hoi/rss.xml").text().contains("Bài mới, sửa"));
    house.scanned(&serving);
    assert!(serving.get("/xa-hoi/rss.xml").text().contains("Bài mới, sửa"), "no scan takes it away");
    let unknown = house.run(&["publish", file.to_str().unwrap(), "--channel", "xa-hoj"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("unknown channel `xa-hoj`"));
    std::fs::write(&file, "Không có ngày\n\nĐoạn mở đầu.\n").unwrap();
    let refused = house.run(&arguments);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("moi.txt:1: error: "));
}

#[test]
fn a_token_s_secret_is_printed_alone_and_once() {
    let house = seeded();
    house.ok(&["scan"]);
    let secret = house.ok(&["token", "new", "Văn phòng", "--channels", "xa-hoi"]);
    assert!(secret.starts_with("bantin_") && secret.lines().count() == 1, "{secret}");
    let listed = house.ok(&["token", "list"]);
    assert!(listed.contains("Văn phòng") && listed.contains("valid") && !listed.contains(secret.trim()));
    assert_eq!(house.run(&["token", "new", "Văn phòng"]).status.code(), Some(1), "the name is taken");
    assert_eq!(house.run(&["token", "new", "X", "--channels", "khong-co"]).status.code(), Some(1));
    house.ok(&["token", "revoke", "Văn phòng"]);
    assert!(house.ok(&["token", "list"]).contains("revoked"));
    assert_eq!(house.run(&["token", "revoke", "Văn phòng"]).status.code(), Some(1));
}

#[test]
fn a_database_that_cannot_be_reached_is_named_with_its_cause_and_without_its_password() {
    let house = TestSite::new().with("BANTIN_STORE__URL", "postgres://bantin:bi-mat@127.0.0.1:1/bantin");
    let refused = house.run(&["list"]);
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("PostgreSQL at 127.0.0.1:1 cannot be reached: "), "{told}");
    assert_eq!(told.matches("refused").count(), 1, "the cause is said, and once: {told}");
    assert!(!told.contains("bi-mat"), "{told}");
}

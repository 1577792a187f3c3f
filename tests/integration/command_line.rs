//! The commands other than `serve`, with the real program.

use std::io::{BufRead as _, BufReader};

use crate::support::{SAMPLE_ARTICLE, TestSite, article};

fn seeded() -> TestSite {
    let site = TestSite::new();
    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    site
}

#[test]
fn a_mistyped_key_is_shown_with_line_and_caret() {
    let site = TestSite::new();
    std::fs::write(site.path("config.toml"), "[site]\ntitle = \"A\"\ntag_autority = \"a.vn,2023\"\n")
        .unwrap();
    let output = site.run(&["config"]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    for part in ["config.toml", "line 3", "tag_autority = ", "^^^^", "tag_authority"] {
        assert!(message.contains(part), "{part} is not in\n{message}");
    }
}

#[test]
fn an_invalid_variable_is_named() {
    let site = TestSite::new().with("BANTIN_SERVER__LISTEN", "somewhere");
    let message = String::from_utf8(site.run(&["config"]).stderr).unwrap();
    assert!(message.contains("BANTIN_SERVER__LISTEN=somewhere"), "{message}");
    let site = TestSite::new().with("BANTIN_SERVR__LISTEN", "127.0.0.1:1");
    let message = String::from_utf8(site.run(&["config"]).stderr).unwrap();
    assert!(message.contains("BANTIN_SERVR__LISTEN") && message.contains("servr"), "{message}");
}

#[test]
fn foreign_variables_are_ignored_and_a_typo_in_one_of_ours_is_reported() {
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
    let site = others.into_iter().fold(TestSite::new(), |site, (name, value)| site.with(name, value));
    assert!(site.ok(&["config"]).contains("server.listen = \"127.0.0.1:0\""));
    for (slip, meant) in [
        ("BANTIN_SERVER_LISTEN", "BANTIN_SERVER__LISTEN"),
        ("BANTIN_SITE_URL", "BANTIN_SITE__URL"),
        ("BANTIN_STORE_URL", "BANTIN_STORE__URL"),
        ("BANTIN_SITE_TITEL", "BANTIN_SITE__TITLE"),
        ("BANTIN_SERVER_LIMITS_BODY", "BANTIN_SERVER__LIMITS__BODY"),
        ("BANTIN_SITE_TAG_AUTHORITY", "BANTIN_SITE__TAG_AUTHORITY"),
    ] {
        let refused = TestSite::new().with(slip, "postgres://a:bi-mat@b/c").run(&["config"]);
        let message = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{slip}");
        assert!(
            message.contains(slip) && message.contains(meant) && !message.contains("bi-mat"),
            "{message}"
        );
    }
}

#[test]
fn listing_an_unknown_channel_is_an_error() {
    let site = seeded();
    site.ok(&["scan"]);
    for arguments in [&["list", "--channel", "khong-co"][..], &["list", "--channel", "khong-co", "--json"]] {
        let refused = site.run(arguments);
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(1), 0));
        assert!(String::from_utf8(refused.stderr).unwrap().contains("known channels: xa-hoi"));
    }
}

#[test]
fn config_shows_effective_values_and_their_origin() {
    let site = TestSite::new().with("BANTIN_FEED__ITEMS", "12");
    let shown = site.ok(&["config"]);
    let line = |key: &str| shown.lines().find(|line| line.starts_with(key)).unwrap_or_default().to_owned();
    assert!(line("feed.items = 12 ").ends_with("# BANTIN_FEED__ITEMS"), "{shown}");
    assert!(line("site.title = \"Huyện Đăk Tô\" ").contains("config.toml"), "{shown}");
    assert!(line("site.language = \"vi\" ").ends_with("# default"), "{shown}");
    let json: serde_json::Value = serde_json::from_str(&site.ok(&["config", "--json"])).unwrap();
    assert_eq!(json["feed.items"]["from"], "BANTIN_FEED__ITEMS");
    assert_eq!(json["feed.items"]["value"], 12);
    assert_eq!(json["site.title"]["value"], "Huyện Đăk Tô");
    assert_eq!(json["server.access_log"]["value"], false);
    assert_eq!(json["channel"]["value"][0]["slug"], "xa-hoi");
}

#[test]
fn the_service_logs_json_lines_on_request() {
    let site = seeded();
    site.write("xa-hoi/hong.txt", "không có ngày");
    let mut serving = site.start(&["serve", "--json"]);
    let lines = BufReader::new(serving.stderr.take().unwrap()).lines();
    let mut messages = Vec::new();
    for line in lines.map_while(Result::ok) {
        let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        assert!(event["timestamp"].is_string() && event["level"].is_string(), "{line}");
        let message = event["message"].as_str().unwrap().to_owned();
        if message == "the folder has changed" {
            assert_eq!(event["fields"]["published"], 1, "{line}");
        }
        let is_ready = message.contains("metrics");
        messages.push(message);
        if is_ready {
            break;
        }
    }
    serving.kill().unwrap();
    serving.wait().unwrap();
    assert!(messages.iter().any(|message| message == "the folder has changed"), "{messages:?}");

    // A start that fails alerts whoever is alerted by errors.
    let failed = TestSite::new().with("BANTIN_FEED__ITEMS", "many").run(&["serve", "--json"]).stderr;
    let event: serde_json::Value = serde_json::from_slice(&failed).unwrap();
    assert_eq!(event["level"], "ERROR", "{event}");
    assert!(event["message"].as_str().unwrap().contains("BANTIN_FEED__ITEMS=many"), "{event}");
}

#[test]
fn the_error_of_a_refused_configuration_has_the_format_that_it_names() {
    let site = TestSite::new();
    let error = |config: &str| {
        std::fs::write(site.path("config.toml"), config).unwrap();
        let failed = site.run(&["serve"]);
        assert_eq!(failed.status.code(), Some(78), "{config}");
        String::from_utf8(failed.stderr).unwrap()
    };
    for wrong in
        ["[feed]\nitems = \"many\"", "[feed]\nitems = 0", "[site]\nurl = \"dakto\"", "[feed]\nitmes = 3"]
    {
        let line = error(&format!("[log]\nformat = \"json\"\n{wrong}\n"));
        let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        assert_eq!(event["level"], "ERROR", "{event}");
        assert!(event["message"].as_str().unwrap().starts_with("bantin: "), "{event}");
        assert!(error(&format!("{wrong}\n")).starts_with("bantin: "), "text is the default");
    }
    for broken in ["[log]\nformat = \"json\"\n[feed\n", "[log]\nformat = \"jason\"\n", "[log]\nformat = 7\n"]
    {
        assert!(error(broken).starts_with("bantin: "), "{broken}");
    }
    let from_variable = TestSite::new().with("BANTIN_LOG__FORMAT", "json").with("BANTIN_FEED__ITEMS", "many");
    let line = from_variable.run(&["serve"]).stderr;
    assert!(serde_json::from_slice::<serde_json::Value>(&line).is_ok(), "{}", String::from_utf8_lossy(&line));
}

#[test]
fn an_article_is_named_by_its_page_or_file_as_people_write_them() {
    let site = TestSite::new();
    site.write("xa-hoi/bài hai.txt", article("Bài hai", "13/05/2023 08:00", "Đoạn mở đầu."));
    site.ok(&["scan"]);
    let id = "tag:dakto.example,2023:2023-05-13/bai-hai";
    let config = site.ok(&["config", "--json"]);
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    let home = config["site.url"]["value"].as_str().unwrap().trim_end_matches('/').to_owned();
    let page = format!("{home}/bai-viet/2023/05/13/bai-hai");
    let file = site.path("feeds/xa-hoi/bài hai.txt");
    let detour = site.path("feeds/xa-hoi/../xa-hoi/bài hai.txt");
    for name in [
        format!("{page}?utm_source=zalo"),
        format!("{page}#noi-dung"),
        format!("{page}/"),
        page.replace("http://", "https://"),
        page.replace("bai-hai", "b%61i%2Dhai"),
        "/bai-viet/2023/05/13/bai-hai".to_owned(),
        format!(" {id}\n"),
        file.display().to_string(),
        detour.display().to_string(),
        "xa-hoi/bài hai.txt".to_owned(),
        "xa-hoi/ba\u{300}i hai.txt".to_owned(),
    ] {
        for command in ["withdraw", "restore"] {
            let done: serde_json::Value =
                serde_json::from_str(&site.ok(&[command, &name, "--json"])).unwrap();
            assert_eq!(
                (&done["id"], done["number"].is_u64()),
                (&id.into(), true),
                "{command} {name}: {done}"
            );
        }
    }
    let elsewhere = page.replacen("://", "://www.", 1);
    for name in ["", " ", "/etc/passwd", &elsewhere, "feeds", "xa-hoi", "../bài hai.txt", "bài hai.txt"] {
        assert_eq!(site.run(&["withdraw", name]).status.code(), Some(1), "{name}");
    }
}

#[test]
fn check_finds_two_files_with_one_id_however_they_get_it() {
    let site = TestSite::new();
    let with_id = |title: &str, id: &str| {
        format!(
            "+++\nid = \"tag:dakto.example,2023:{id}\"\n+++\n{}",
            article(title, "13/05/2023 08:00", "Đoạn mở đầu.")
        )
    };
    let problems = |files: &[&str]| {
        let files: Vec<_> = files.iter().map(|file| site.path(file).display().to_string()).collect();
        let output = site.run(&[&["check"], &*files.iter().map(String::as_str).collect::<Vec<_>>()].concat());
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(i32::from(!said.is_empty())), "{said}");
        said
    };
    site.write("xa-hoi/mot.txt", with_id("Bài một", "chung"));
    site.write("kinh-te/hai.txt", with_id("Bài hai", "chung"));
    let said = problems(&[]);
    assert!(said.contains("xa-hoi/mot.txt:1: error: Trùng bài với kinh-te/hai.txt"), "{said}");
    let said = problems(&["feeds/kinh-te/hai.txt", "feeds/xa-hoi/mot.txt"]);
    assert!(said.contains("xa-hoi/mot.txt:1: error: Trùng bài với "), "{said}");
    assert_eq!(problems(&["feeds/xa-hoi/mot.txt", "feeds/xa-hoi/mot.txt"]), "", "one file, named twice");
    site.remove("kinh-te/hai.txt");
    // The id that one file sets is the one that another gets from its name and day, whichever is read first.
    for (name, one) in [("xa-hoi/ba.txt", "kinh-te/hai.txt"), ("kinh-te/ba.txt", "xa-hoi/hai.txt")] {
        site.write(one, with_id("Bài hai", "2023-05-13/ba"));
        site.write(name, article("Bài ba", "13/05/2023 09:00", "Đoạn mở đầu."));
        let said = problems(&[]);
        assert!(
            said.contains("tag:dakto.example,2023:2023-05-13/ba trùng với mã của ")
                && said.contains("ba.txt"),
            "{said}"
        );
        assert_eq!(
            site.run(&["scan", "--confirm"]).status.code(),
            Some(1),
            "the scan refuses one of them, too"
        );
        site.remove(one);
        site.remove(name);
    }
}

#[test]
fn a_password_is_never_printed() {
    let site = TestSite::new().with("BANTIN_STORE__URL", "postgres://bantin:secret@db/bantin");
    let output = site.run(&["list"]);
    let message = format!(
        "{}{}{}",
        site.ok(&["config"]),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!message.contains("secret"), "{message}");
}

#[test]
fn what_may_be_secret_in_the_address_of_a_source_or_webhook_is_never_printed() {
    let site = TestSite::new()
        .with(
            "BANTIN_SOURCE",
            r#"[{name="xa", url="https://xa.vn/?feed=rss2&key=S3CRET", channels=["xa-hoi"]}]"#,
        )
        .with("BANTIN_WEBHOOK", r#"[{url="https://a.vn/?S3CRET", secret="S3CRETS3CRETS3CRET"}]"#);
    for shown in [site.ok(&["config"]), site.ok(&["config", "--json"])] {
        assert!(
            shown.contains("https://xa.vn/?feed=rss2&key=***") && shown.contains("https://a.vn/?***"),
            "{shown}"
        );
        assert!(!shown.contains("S3CRET"), "{shown}");
    }
    for (variable, value) in [
        ("BANTIN_HUB__URL", "//a.vn/?key=S3CRET"),
        ("BANTIN_SITE__RIGHTS_URL", "ftp://S3CRET@a.vn/"),
        ("BANTIN_SOURCE", r#"[{name="xa", url="https://S3CRET:S3CRET@xa.vn/", channels=["xa-hoi"]}]"#),
        ("BANTIN_SOURCE", r#"[{name="xa", url="ftp://xa.vn/?key=S3CRET", channels=["xa-hoi"]}]"#),
        ("BANTIN_SOURCE", r#"[{name="xa", url="https://xa.vn/?key=S3CRET", chanels=["xa-hoi"]}]"#),
        ("BANTIN_WEBHOOK", "S3CRET"),
        ("BANTIN_WEBHOOK", r#"["S3CRET"]"#),
        ("BANTIN_WEBHOOK", r#"[{url="https://a.vn/", secret="S3CRET"}]"#),
        ("BANTIN_WEBHOOK", r#"[{url="https://a.vn/", secert="S3CRETS3CRETS3CRET"}]"#),
        (
            "BANTIN_WEBHOOK",
            r#"[{url="https://a.vn/?S3CRET", secret="0123456789abcdef"}, {url="https://a.vn/?S3CRET", secret="0123456789abcdef"}]"#,
        ),
    ] {
        let refused = TestSite::new().with(variable, value).run(&["serve"]);
        let message = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(78), "{value}: {message}");
        assert!(!message.contains("S3CRET"), "{message}");
    }
}

#[test]
fn the_sample_authority_is_rejected_for_a_public_service() {
    let site = TestSite::new();
    std::fs::write(site.path("config.toml"), "[site]\nurl = \"https://dakto.example.vn\"\n").unwrap();
    let output = site.run(&["serve"]);
    assert_eq!(output.status.code(), Some(78));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("site.tag_authority") && message.contains("for ever"), "{message}");
}

#[test]
fn check_reports_file_line_and_fix_and_publishes_nothing() {
    let site = seeded();
    assert_eq!(site.run(&["check"]).status.code(), Some(0));
    site.write("xa-hoi/hong.txt", article("Bài hỏng", "31/02/2023 08:00", "Đoạn mở đầu."));
    site.write("xa-hoi/trong.txt", "");
    site.write("kinh-te/thi-dua.txt", SAMPLE_ARTICLE.replace("năm 2023", "năm 2024"));
    let output = site.run(&["check"]);
    let message = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    for part in
        ["feeds/xa-hoi/hong.txt:3: error: ", "feeds/xa-hoi/trong.txt:1: error: ", "kinh-te/thi-dua.txt"]
    {
        assert!(message.contains(part), "{part} is not in\n{message}");
    }
    let one = site.run(&["check", site.path("feeds/xa-hoi/thi-dua.txt").to_str().unwrap()]);
    assert_eq!(one.status.code(), Some(0), "{}", String::from_utf8_lossy(&one.stdout));
    let json = site.run(&["check", "--json"]).stdout;
    let findings: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert!(findings.as_array().unwrap().iter().any(|finding| finding["line"] == 3));
    std::fs::remove_dir_all(site.path("feeds")).unwrap();
    let message = String::from_utf8(site.run(&["check"]).stderr).unwrap();
    assert!(
        message.contains("feeds cannot be listed") && message.contains("check [folder] path"),
        "{message}"
    );
    assert!(!site.path("data").exists(), "check creates no log");
}

#[test]
fn render_prints_the_served_feed_or_a_preview_without_a_log() {
    let site = seeded();
    let preview = site.ok(&["render", "xa-hoi", "rss"]);
    assert!(preview.contains("Fri, 12 May 2023 17:39:00 +0700"), "{preview}");
    assert!(!site.path("data").exists(), "a preview creates no log");
    let serving = site.serve();
    for (scope, format, path) in [
        ("xa-hoi", "rss", "/xa-hoi/rss.xml"),
        ("xa-hoi", "atom", "/xa-hoi/atom.xml"),
        ("-", "json", "/feed.json"),
    ] {
        assert_eq!(site.ok(&["render", scope, format]), serving.get(path).text());
    }
    let unknown = site.run(&["render", "khong-co", "rss"]);
    let message = String::from_utf8(unknown.stderr).unwrap();
    assert!(unknown.status.code() == Some(1) && message.contains("xa-hoi"), "{message}");
}

#[test]
fn list_shows_every_article_in_text_and_json() {
    let site = seeded();
    site.write("kinh-te/mai.txt", article("Bài ngày mai", "13/05/2023 08:00", "Đoạn mở đầu."));
    site.ok(&["scan"]);
    let text = site.ok(&["list"]);
    assert_eq!(text.lines().count(), 2);
    assert!(text.starts_with("2023-05-13 08:00  live "), "{text}");
    let json: serde_json::Value = serde_json::from_str(&site.ok(&["list", "--json"])).unwrap();
    assert_eq!(json[1]["published"], "2023-05-12T17:39:00+07:00");
    assert_eq!(site.ok(&["list", "--channel", "kinh-te"]).lines().count(), 1);
}

#[test]
fn an_article_can_be_named_by_id_url_or_file() {
    let site = seeded();
    site.ok(&["scan"]);
    let id = "tag:dakto.example,2023:2023-05-12/thi-dua";
    let file = site.path("feeds/xa-hoi/thi-dua.txt");
    for named in [
        id,
        "http://127.0.0.1:8080/bai-viet/2023/05/12/thi-dua",
        "/bai-viet/2023/05/12/thi-dua",
        file.to_str().unwrap(),
    ] {
        for (command, done) in [("withdraw", "withdrawn"), ("restore", "restored")] {
            let answer: serde_json::Value =
                serde_json::from_str(&site.ok(&[command, named, "--json"])).unwrap();
            assert_eq!(
                (answer["id"].as_str(), answer["outcome"].as_str()),
                (Some(id), Some(done)),
                "{named}"
            );
        }
    }
    for unknown in ["/bai-viet/2023/05/12/khong-co", "khong-co.txt", "tag:a,2023:b"] {
        let refused = site.run(&["withdraw", unknown]);
        assert!(String::from_utf8(refused.stderr).unwrap().contains("is unknown"), "{unknown}");
    }
}

#[test]
fn an_ambiguous_local_time_is_reported_and_a_missing_one_is_rejected() {
    let site = TestSite::new().with("BANTIN_SITE__TIME_ZONE", "Europe/Berlin");
    site.write("xa-hoi/hai-lan.txt", article("Giờ có hai lần", "29/10/2023 02:30", "Đoạn mở đầu."));
    site.write("xa-hoi/khong-co.txt", article("Giờ không có", "26/03/2023 02:30", "Đoạn mở đầu."));
    site.write("xa-hoi/ngay.txt", article("Giờ thường", "29/10/2023 03:30", "Đoạn mở đầu."));
    let output = site.run(&["check"]);
    let message = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        message.contains("hai-lan.txt:3: warning: ") && message.contains("02:30 29/10/2023 +02:00"),
        "{message}"
    );
    assert!(message.contains("khong-co.txt:3: error: ") && !message.contains("ngay.txt"), "{message}");
}

#[test]
fn a_command_on_an_article_creates_no_log() {
    let site = seeded();
    let output = site.run(&["withdraw", "tag:a,2023:b"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!site.path("data").exists());
}

#[test]
fn a_usage_error_exits_with_2() {
    assert_eq!(TestSite::new().run(&["publsh"]).status.code(), Some(2));
    assert_eq!(TestSite::new().run(&["--help"]).status.code(), Some(0));
    assert!(TestSite::new().ok(&["completions", "bash"]).contains("_bantin"));
}

#[test]
fn publish_adds_an_article_without_a_source_file() {
    let site = seeded();
    let serving = site.serve();
    std::fs::write(site.path("moi.txt"), article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu.")).unwrap();
    let file = site.path("moi.txt");
    let arguments = ["publish", file.to_str().unwrap(), "--channel", "xa-hoi"];
    let id = site.ok(&arguments);
    assert_eq!(id.trim(), "tag:dakto.example,2023:2023-05-13/moi");
    assert_eq!(site.ok(&arguments), id, "publishing again changes nothing");
    crate::support::wait_until("the article", || serving.get("/xa-hoi/rss.xml").text().contains("Bài mới"));
    std::fs::write(&file, article("Bài mới, sửa", "13/05/2023 08:00", "Đoạn mở đầu.")).unwrap();
    for named in [id.trim(), "/bai-viet/2023/05/13/moi"] {
        assert_eq!(site.ok(&[&arguments[..], &["--id", named]].concat()), id, "{named}");
    }
    let unknown = site.run(&[&arguments[..], &["--id", "tag:a,2023:b"]].concat());
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("does not exist"), "{unknown:?}");
    crate::support::wait_until("the correction", || {
        serving.get("/xa-hoi/rss.xml").text().contains("Bài mới, sửa")
    });
    site.scanned(&serving);
    assert!(serving.get("/xa-hoi/rss.xml").text().contains("Bài mới, sửa"), "a scan does not remove it");
    let unknown = site.run(&["publish", file.to_str().unwrap(), "--channel", "xa-hoj"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("unknown channel `xa-hoj`"));
    std::fs::write(&file, "Không có ngày\n\nĐoạn mở đầu.\n").unwrap();
    let refused = site.run(&arguments);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("moi.txt:1: error: "));
}

#[test]
fn the_secret_of_a_token_is_printed_once_and_alone() {
    let site = seeded();
    site.ok(&["scan"]);
    let secret = site.ok(&["token", "new", "Văn phòng", "--channels", "xa-hoi"]);
    assert!(secret.starts_with("bantin_") && secret.lines().count() == 1, "{secret}");
    let listed = site.ok(&["token", "list"]);
    assert!(listed.contains("Văn phòng") && listed.contains("valid") && !listed.contains(secret.trim()));
    assert_eq!(site.run(&["token", "new", "Văn phòng"]).status.code(), Some(1), "the name is taken");
    assert_eq!(site.run(&["token", "new", "X", "--channels", "khong-co"]).status.code(), Some(1));
    site.ok(&["token", "revoke", "Văn phòng"]);
    assert!(site.ok(&["token", "list"]).contains("revoked"));
    assert_eq!(site.run(&["token", "revoke", "Văn phòng"]).status.code(), Some(1));
}

#[test]
fn an_unreachable_database_is_reported_with_its_cause_and_without_its_password() {
    let site = TestSite::new().with("BANTIN_STORE__URL", "postgres://bantin:bi-mat@127.0.0.1:1/bantin");
    let refused = site.run(&["list"]);
    assert_eq!(refused.status.code(), Some(1));
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(message.contains("PostgreSQL at 127.0.0.1:1 cannot be reached: "), "{message}");
    assert_eq!(message.matches("refused").count(), 1, "the cause is reported once: {message}");
    assert!(!message.contains("bi-mat"), "{message}");
}

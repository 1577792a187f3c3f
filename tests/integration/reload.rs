//! SIGHUP: a new configuration takes effect without a restart; a wrong one is refused and changes nothing.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::support::{RunningServer, SAMPLE_ARTICLE, TestSite, article, request, wait_until};

const RSS: &str = "/xa-hoi/rss.xml";

fn seeded() -> TestSite {
    let site = TestSite::new();
    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    site
}

fn configure(site: &TestSite, from: &str, to: &str) {
    let file = site.path("config.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    assert!(before.contains(from), "{before}");
    std::fs::write(file, before.replace(from, to)).unwrap();
}

/// Sends SIGHUP and waits until its outcome is logged.
fn reload(serving: &RunningServer, outcome: &str) {
    let logged = serving.log().matches(outcome).count();
    let sent = Command::new("kill").args(["-HUP", &serving.pid().to_string()]).status();
    assert!(sent.unwrap().success());
    wait_until(outcome, || serving.log().matches(outcome).count() > logged);
}

const DONE: &str = "the configuration was reloaded";
const REFUSED: &str = "the new configuration was refused";

#[test]
fn channels_site_and_limits_change_on_sighup() {
    let site = seeded();
    let serving = site.serve();
    let before = serving.get(RSS);
    let answered = serving.metric("bantin_connections_total");

    configure(&site, "title = \"Xã hội\"", "title = \"Đời sống xã hội\"\nwas = [\"doi-song\"]");
    reload(&serving, DONE);
    let after = serving.get(RSS);
    assert!(after.text().contains("Đời sống xã hội"), "{}", after.text());
    assert_ne!(before.etag(), after.etag());
    assert_eq!(
        serving.get("/doi-song/rss.xml").header("location").unwrap().rsplit('/').nth(1),
        Some("xa-hoi")
    );
    assert!(serving.metric("bantin_connections_total") > answered, "counters go on");
    wait_until("no connection to be left", || serving.metric("bantin_connections_open") == 0);

    // The new app scans the folder.
    site.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
    wait_until("the article", || serving.get(RSS).text().contains("Bài mới"));

    site.configure("[server.limits]\nrequests_per_minute = 2\n");
    reload(&serving, DONE);
    let statuses: Vec<_> = (0..3).map(|_| serving.get(RSS).status).collect();
    assert_eq!(statuses, [200, 200, 429]);
    assert!(serving.stop(), "and it ends in order");
}

#[test]
fn a_wrong_configuration_is_refused_with_its_message() {
    let site = seeded();
    let serving = site.serve();
    let whole = std::fs::read_to_string(site.path("config.toml")).unwrap();
    let before = serving.get(RSS);
    for (addition, message) in [
        ("[feed]\nitms = 3\n", "itms"),
        ("[server.limits]\nheader_timeout = \"soon\"\n", "soon"),
        ("[[channel]]\nslug = \"a\"\nmembers = [\"nowhere\"]\n", "nowhere"),
        ("this is not toml", "TOML"),
        ("[store]\nurl = \"sqlite:data/other.db\"\n", "restart the service"),
    ] {
        site.configure(addition);
        reload(&serving, REFUSED);
        let log = serving.log();
        let last = log.lines().rfind(|line| line.contains(REFUSED)).unwrap();
        assert!(last.contains(message), "{addition}: {last}");
        std::fs::write(site.path("config.toml"), &whole).unwrap();
    }
    std::fs::remove_file(site.path("config.toml")).unwrap();
    reload(&serving, REFUSED);
    std::fs::write(site.path("config.toml"), &whole).unwrap();
    assert!(!site.path("data/other.db").exists());
    assert_eq!(serving.get(RSS).etag(), before.etag());
    site.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
    wait_until("the article", || serving.get(RSS).text().contains("Bài mới"));
    // The same configuration again changes no byte.
    let before = serving.get(RSS);
    reload(&serving, DONE);
    assert_eq!((serving.get(RSS).etag(), serving.get(RSS).body), (before.etag(), before.body));
    assert!(serving.stop());
}

#[test]
fn a_configuration_that_was_found_and_is_gone_is_not_replaced_by_the_defaults() {
    let site = seeded();
    let (config, aside, log) = (site.path("config.toml"), site.path("aside.toml"), site.path("log.txt"));
    let mut serving = Command::new(env!("CARGO_BIN_EXE_bantin"))
        .arg("serve")
        .current_dir(config.parent().unwrap())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let logged = || std::fs::read_to_string(&log).unwrap();
    wait_until("the service", || logged().contains("metrics "));
    std::fs::rename(&config, &aside).unwrap();
    let hang_up = || {
        assert!(Command::new("kill").args(["-HUP", &serving.id().to_string()]).status().unwrap().success());
    };
    hang_up();
    wait_until("the outcome", || logged().contains(REFUSED) || logged().contains(DONE));
    let refused = logged();
    std::fs::rename(&aside, &config).unwrap();
    hang_up();
    wait_until("the file again", || logged().contains(DONE));
    serving.kill().unwrap();
    serving.wait().unwrap();
    assert!(refused.contains("cannot read config.toml"), "{refused}");
    // A link to nowhere is no reason for the defaults, either.
    std::fs::remove_file(&config).unwrap();
    std::os::unix::fs::symlink(site.path("nowhere"), &config).unwrap();
    let failed = Command::new(env!("CARGO_BIN_EXE_bantin"))
        .arg("serve")
        .current_dir(config.parent().unwrap())
        .output()
        .unwrap();
    let message = String::from_utf8(failed.stderr).unwrap();
    assert!(!failed.status.success() && message.contains("cannot read config.toml"), "{message}");
}

#[test]
fn an_address_that_is_taken_is_refused_and_a_free_one_is_bound() {
    let site = seeded();
    let serving = site.serve();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let whole = std::fs::read_to_string(site.path("config.toml")).unwrap();
    configure(&site, "listen = \"127.0.0.1:0\"", &format!("listen = \"{address}\""));
    reload(&serving, REFUSED);
    assert_eq!(serving.get(RSS).status, 200);
    drop(taken);
    reload(&serving, DONE);
    assert_eq!(request(address, "GET", RSS, &[]).status, 200);
    std::fs::write(site.path("config.toml"), whole).unwrap();
    assert!(serving.stop());
}

#[test]
fn no_request_fails_while_the_configuration_is_reloaded() {
    let site = seeded();
    let serving = site.serve();
    let (address, stop) = (serving.address(), Arc::new(AtomicBool::new(false)));
    let answered = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(request(address, "GET", RSS, &[]).status, 200);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for number in 0..5 {
        site.write("xa-hoi/moi.txt", article(&format!("Bài {number}"), "13/05/2023 08:00", "Đoạn mở đầu."));
        reload(&serving, DONE);
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().expect("every request is answered");
    }
    assert!(answered.load(Ordering::Relaxed) > 20);
    wait_until("the last article", || serving.get(RSS).text().contains("Bài 4"));
    assert!(serving.stop());
}

/// A time this many seconds ahead, as a TOML date-time.
fn ahead(seconds: i64) -> String {
    (chrono::Utc::now() + chrono::TimeDelta::seconds(seconds)).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

const NOTICE: &str = "Cổng nghỉ <Tết> & chúc mừng năm mới.";
const SHOWN: &str = "Cổng nghỉ &lt;Tết&gt; &amp; chúc mừng năm mới.";

#[test]
fn the_notice_appears_and_disappears_by_itself_on_every_page_and_in_readyz() {
    let site = seeded();
    let whole = std::fs::read_to_string(site.path("config.toml")).unwrap();
    let with = |from: i64, until: i64| {
        let notice =
            format!("notice = {{ text = \"{NOTICE}\", from = {}, until = {} }}\n", ahead(from), ahead(until));
        std::fs::write(site.path("config.toml"), whole.replace("[site]\n", &format!("[site]\n{notice}")))
            .unwrap();
    };
    site.ok(&["token", "new", "Văn phòng"]);
    with(5, 3600);
    let serving = site.serve();
    let pages = [
        "/",
        "/xa-hoi/",
        "/bai-viet/2023/05/12/thi-dua",
        "/theo-thang/",
        "/tim-kiem",
        "/khong/co",
        "/soan/dang-nhap",
    ];
    let before: Vec<_> = pages.iter().map(|page| serving.get(page)).collect();
    assert!(before.iter().all(|page| !page.text().contains(SHOWN)));
    assert_eq!(serving.get("/readyz").json().get("notice"), None);
    let out = site.path("out");
    site.ok(&["build", "--out", out.to_str().unwrap()]);
    let built = || std::fs::read_to_string(out.join("xa-hoi/index.html")).unwrap();
    assert!(!built().contains(SHOWN));

    // Meanwhile, both configurations answer.
    wait_until("the notice", || serving.log().matches(DONE).count() == 1);
    assert_eq!(serving.get("/readyz").json()["notice"], NOTICE);
    let shown: Vec<_> = pages.iter().map(|page| serving.get(page)).collect();
    for (page, (before, shown)) in pages.iter().zip(before.iter().zip(&shown)) {
        assert!(shown.text().contains(SHOWN), "{page}");
        assert!(before.header("etag").is_none() || before.etag() != shown.etag(), "{page}");
    }
    site.ok(&["build", "--out", out.to_str().unwrap()]);
    assert_eq!(built(), serving.get("/xa-hoi/").text(), "the files show it, too");
    // Feeds do not show it: the same bytes have the same ETag.
    let rss = serving.get(RSS);
    assert!(!rss.text().contains("chúc mừng"));

    with(-5, 3);
    reload(&serving, DONE);
    assert!(serving.get("/xa-hoi/").text().contains(SHOWN));
    wait_until("the end of the notice", || serving.log().matches(DONE).count() == 3);
    assert_eq!(serving.get("/readyz").json().get("notice"), None);
    for (page, before) in pages.iter().zip(&before) {
        let after = serving.get(page);
        assert!(!after.text().contains(SHOWN), "{page}");
        if before.header("etag").is_some() {
            assert_eq!(after.etag(), before.etag(), "{page}");
        }
    }
    assert_eq!(serving.get(RSS).etag(), rss.etag());
    assert!(serving.log().contains("the notice changes"), "{}", serving.log());
    assert!(serving.stop());
}

#[test]
fn a_late_announcement_of_a_planned_stop_is_reported_by_check_and_serve() {
    let site = seeded();
    let whole = std::fs::read_to_string(site.path("config.toml")).unwrap();
    let stop = (chrono::Utc::now() + chrono::TimeDelta::days(3)).format("%d/%m/%Y");
    let notice = format!(
        "[site]\nnotice = {{ text = \"Cổng tạm ngừng ngày {stop} để nâng cấp.\", from = {}, until = {} }}\n",
        ahead(0),
        ahead(4 * 86_400),
    );
    std::fs::write(site.path("config.toml"), whole.replace("[site]\n", &notice)).unwrap();
    let checked = site.run(&["check"]);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert_eq!(checked.status.code(), Some(1), "{said}");
    assert!(said.contains("chưa đủ 7 ngày làm việc"), "{said}");
    assert!(said.contains("less than 7 working days ahead"), "{said}");
    let serving = site.serve();
    assert!(serving.log().contains("less than 7 working days ahead"), "{}", serving.log());
    assert!(serving.stop());
}

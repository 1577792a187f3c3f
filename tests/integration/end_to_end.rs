//! From a saved file to a 304, with the real program.

use crate::support::{RunningServer, SAMPLE_ARTICLE, TestSite, article, wait_until};

const RSS: &str = "/xa-hoi/rss.xml";
const ATOM: &str = "/xa-hoi/atom.xml";

fn seeded() -> TestSite {
    let site = TestSite::new();
    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    site
}

fn titles(serving: &RunningServer, path: &str) -> Vec<String> {
    let answer = serving.get(path);
    assert_eq!(answer.status, 200, "{path}");
    let feed = feed_rs::parser::parse(answer.body.as_slice()).unwrap();
    feed.entries.into_iter().map(|entry| entry.title.unwrap().content).collect()
}

#[test]
fn the_sample_is_served_in_three_formats_with_the_exact_time() {
    let serving = seeded().serve();
    for path in
        ["/xa-hoi/rss.xml", "/xa-hoi/atom.xml", "/xa-hoi/feed.json", "/rss.xml", "/atom.xml", "/feed.json"]
    {
        let feed = feed_rs::parser::parse(serving.get(path).body.as_slice()).unwrap();
        let entry = &feed.entries[0];
        assert_eq!(
            entry.title.as_ref().unwrap().content,
            "Huyện Đăk Tô phát động phong trào thi đua năm 2023",
            "{path}"
        );
        assert_eq!(entry.published.unwrap().to_rfc3339(), "2023-05-12T10:39:00+00:00", "{path}");
        assert_eq!(entry.id, "tag:dakto.example,2023:2023-05-12/thi-dua", "{path}");
        assert_eq!(entry.authors[0].name.as_deref(), Some("Tấn Lộc"), "{path}");
    }
    let rss = serving.get(RSS).text();
    assert!(rss.contains("<pubDate>Fri, 12 May 2023 17:39:00 +0700</pubDate>"), "{rss}");
    assert!(!rss.contains("Chuyên mục khác"), "boilerplate is not published");
}

#[test]
fn an_unchanged_feed_answers_304() {
    let serving = seeded().serve();
    let first = serving.get(RSS);
    for headers in [
        vec![("If-None-Match", first.etag())],
        vec![("If-None-Match", format!("\"other\", W/{}", first.etag()))],
    ] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = serving.request("GET", RSS, &headers);
        assert_eq!((answer.status, answer.body.len()), (304, 0));
        assert_eq!(answer.etag(), first.etag());
    }
    let head = serving.request("HEAD", RSS, &[]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), first.header("content-length"));
}

#[test]
fn a_saved_file_appears_is_corrected_and_is_withdrawn() {
    let site = seeded();
    let serving = site.serve();
    site.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu của bài mới."));
    wait_until("the new article", || titles(&serving, RSS).len() == 2);
    assert_eq!(titles(&serving, RSS)[0], "Bài mới");
    let page = "/bai-viet/2023/05/13/moi";
    assert_eq!(serving.get(page).status, 200);

    let mut validators = vec![serving.get(RSS).etag()];
    site.write("xa-hoi/moi.txt", article("Bài mới (sửa)", "13/05/2023 08:00", "Đoạn mở đầu."));
    wait_until("the correction", || titles(&serving, RSS)[0] == "Bài mới (sửa)");
    validators.push(serving.get(RSS).etag());
    assert!(serving.get(page).text().contains("Bài mới (sửa)"));

    site.remove("xa-hoi/moi.txt");
    wait_until("the withdrawal", || titles(&serving, RSS).len() == 1);
    validators.push(serving.get(RSS).etag());
    validators.dedup();
    assert_eq!(validators.len(), 3, "a correction and a withdrawal change the validators");
    let atom = serving.get(ATOM).text();
    let tombstone = "<at:deleted-entry ref=\"tag:dakto.example,2023:2023-05-13/moi\"";
    assert!(atom.contains(tombstone), "{atom}");
    assert_eq!(serving.get(page).status, 410);
    assert_eq!(serving.get("/bai-viet/2023/05/13/chua-co").status, 404);

    site.write("xa-hoi/moi.txt", article("Bài mới (sửa)", "13/05/2023 08:00", "Đoạn mở đầu."));
    wait_until("the return", || titles(&serving, RSS).len() == 2);
    assert!(!serving.get(ATOM).text().contains("at:deleted-entry"));
    assert_eq!(serving.get(page).status, 200);
}

#[test]
fn validators_change_only_with_their_own_channel() {
    let site = seeded();
    site.write("kinh-te/gia.txt", article("Giá cà phê", "12/05/2023 08:00", "Giá cà phê hôm nay."));
    let serving = site.serve();
    let (society, economy) = (serving.get(RSS).etag(), serving.get("/kinh-te/rss.xml").etag());
    let all = serving.get("/rss.xml").etag();
    // Back-dated: it arrives now with a date in the past.
    site.write("kinh-te/cu.txt", article("Tin cũ", "01/02/2010 08:00", "Một tin cũ được đưa lên."));
    wait_until("the back-dated arrival", || titles(&serving, "/kinh-te/rss.xml").len() == 2);
    assert_ne!(serving.get("/kinh-te/rss.xml").etag(), economy);
    assert_ne!(serving.get("/rss.xml").etag(), all);
    assert_eq!(serving.get(RSS).etag(), society);
}

#[test]
fn a_touched_file_changes_nothing() {
    let site = seeded();
    let serving = site.serve();
    let before = serving.get(RSS).etag();
    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    site.scanned(&serving);
    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE.replace('\n', "\r\n"));
    site.scanned(&serving);
    assert_eq!(serving.get(RSS).etag(), before);
    assert_eq!(serving.metric("bantin_log_head"), 1);
}

#[test]
fn an_incomplete_file_is_never_published() {
    use std::io::Write as _;
    let site = seeded();
    let serving = site.serve();
    let text = article("Bài dài", "13/05/2023 08:00", "Đoạn mở đầu. HẾT");
    let path = site.path("feeds/xa-hoi/dai.txt");
    let mut file = std::fs::File::create(path).unwrap();
    // Written in small pieces, each well before the last one has settled.
    for piece in text.as_bytes().chunks(16) {
        file.write_all(piece).unwrap();
        file.flush().unwrap();
        serving.metric("bantin_scans_total");
        let rss = serving.get(RSS).text();
        assert!(!rss.contains("Bài dài"), "{rss}");
    }
    drop(file);
    wait_until("the whole article", || titles(&serving, RSS).len() == 2);
    assert!(serving.get(RSS).text().contains("HẾT"));
    assert_eq!(serving.metric("bantin_log_head"), 2, "it was published once, complete");
}

#[test]
fn a_bad_date_is_reported_with_its_line_and_the_last_valid_version_stays() {
    let site = seeded();
    site.write("xa-hoi/tot.txt", article("Bài tốt", "13/05/2023 08:00", "Đoạn mở đầu."));
    let serving = site.serve();
    let before = serving.get(RSS).etag();
    site.write("xa-hoi/tot.txt", article("Bài hỏng", "31/02/2023 08:00", "Đoạn mở đầu."));
    site.write(
        "xa-hoi/khong-ngay.txt",
        "Không có ngày

Đoạn mở đầu.
",
    );
    wait_until("both diagnostics", || serving.metric("bantin_files_refused") == 2);
    for diagnostic in ["path=xa-hoi/tot.txt line=3", "path=xa-hoi/khong-ngay.txt"] {
        wait_until(diagnostic, || serving.log().contains(diagnostic));
    }
    assert_eq!(serving.get(RSS).etag(), before, "other articles and the last valid version are unchanged");

    site.write("xa-hoi/tot.txt", article("Bài tốt, đã sửa", "13/05/2023 08:00", "Đoạn mở đầu."));
    wait_until("the corrected article", || titles(&serving, RSS)[0] == "Bài tốt, đã sửa");
    wait_until("one is left", || serving.metric("bantin_files_refused") == 1);
}

#[test]
fn served_articles_survive_kill_9() {
    let site = seeded();
    let serving = site.serve();
    site.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
    wait_until("the new article", || titles(&serving, RSS).len() == 2);
    let before = serving.get(RSS);
    serving.kill();
    // The folder is missing at the restart, so the article must come from the log.
    std::fs::rename(site.path("feeds"), site.path("away")).unwrap();
    let serving = site.serve();
    let after = serving.get(RSS);
    assert_eq!((after.etag(), after.body), (before.etag(), before.body));
}

#[test]
fn the_same_log_gives_the_same_bytes_after_a_restart_from_a_copy_and_in_a_second_process() {
    let site = seeded();
    site.write("Đất & Người/det.txt", article("Dệt <thổ cẩm>", "01/02/2023", "Nghề dệt & ]]> 🧵."));
    let serving = site.serve();
    let paths = [RSS, ATOM, "/xa-hoi/feed.json", "/dat-nguoi/atom.xml", "/rss.xml", "/opml.xml", "/"];
    let documents = |serving: &RunningServer| {
        paths.map(|path| {
            ["identity", "gzip", "br"].map(|coding| {
                let answer = serving.request("GET", path, &[("Accept-Encoding", coding)]);
                assert_eq!(answer.status, 200, "{path}");
                (path, answer.etag(), answer.header("last-modified").unwrap().to_owned(), answer.body)
            })
        })
    };
    site.scanned(&serving);
    serving.settled("/rss.xml");
    let first = documents(&serving);
    let second_process = site.serve();
    assert_eq!(documents(&second_process), first);
    assert!(second_process.stop());
    assert!(serving.stop(), "a clean shutdown");
    let restarted = site.serve();
    assert_eq!(documents(&restarted), first);
    assert!(restarted.stop());
    assert_eq!(documents(&site.copied().serve()), first);
}

#[test]
fn a_withdrawal_by_command_reaches_the_running_service_and_overrides_the_file() {
    let site = seeded();
    let serving = site.serve();
    let id = "tag:dakto.example,2023:2023-05-12/thi-dua";
    site.ok(&["withdraw", id, "--reason", "Sai thông tin"]);
    wait_until("the withdrawal", || titles(&serving, RSS).is_empty());
    let atom = serving.get(ATOM).text();
    assert!(atom.contains("Sai thông tin"), "{atom}");
    assert_eq!(serving.get("/bai-viet/2023/05/12/thi-dua").status, 410);

    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    site.scanned(&serving);
    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE.replace("năm 2023", "năm 2024"));
    wait_until("the warning", || serving.log().contains("bantin restore"));
    assert!(titles(&serving, RSS).is_empty(), "it does not return when its file is touched");

    site.ok(&["restore", id]);
    wait_until("the return", || titles(&serving, RSS).len() == 1);
    wait_until("the text of the file", || titles(&serving, RSS)[0].contains("năm 2024"));
    let unknown = site.run(&["withdraw", "tag:nobody,2023:x"]);
    assert_eq!(unknown.status.code(), Some(1));
}

#[test]
fn html_pages_link_to_their_feeds() {
    let serving = seeded().serve();
    let page = serving.get("/xa-hoi/").text();
    for link in ["/xa-hoi/rss.xml", "/xa-hoi/atom.xml", "/xa-hoi/feed.json", "/rss.xml"] {
        assert!(page.contains(&format!("href=\"http://127.0.0.1:8080{link}\"")), "{link} in {page}");
    }
    assert!(page.contains("17:39, thứ Sáu 12/05/2023"), "{page}");
    let article = serving.get("/bai-viet/2023/05/12/thi-dua");
    assert!(article.text().contains("Quang cảnh Hội nghị. Ảnh: TL"), "{}", article.text());
    let again = serving.request("GET", "/bai-viet/2023/05/12/thi-dua", &[("If-None-Match", &article.etag())]);
    assert_eq!(again.status, 304);
    for (path, target) in
        [("/feed", "/rss.xml"), ("/feed/", "/rss.xml"), ("/index.xml", "/rss.xml"), ("/xa-hoi/feed/", RSS)]
    {
        let answer = serving.get(path);
        assert_eq!((answer.status, answer.header("location")), (301, Some(target)), "{path}");
    }
}

#[test]
fn no_response_depends_on_the_host_header() {
    let serving = seeded().serve();
    for path in [RSS, ATOM, "/xa-hoi/feed.json", "/", "/xa-hoi/", "/opml.xml", "/feed", "/nowhere"] {
        let answer = serving.get(path);
        assert!(!String::from_utf8_lossy(&answer.body).contains("somebody.example"), "{path}");
        assert!(!format!("{:?}", answer.headers).contains("somebody.example"), "{path}");
    }
}

#[test]
fn health_and_readiness_are_available_on_both_listeners() {
    let serving = seeded().serve();
    assert_eq!(serving.get("/healthz").status, 200);
    let ready = serving.get("/readyz");
    assert_eq!(ready.status, 200);
    assert!(ready.text().contains("\"writes\":\"available\""));
    assert_eq!(serving.admin("/readyz").status, 200);
    assert_eq!(serving.metric("bantin_log_head"), 1);
    let refused = serving.request("POST", RSS, &[("Content-Length", "0")]);
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
}

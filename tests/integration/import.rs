//! Bulk imports, and the report of `check`, with the real program.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::Output;

use crate::support::{SAMPLE_ARTICLE, TestSite, article, wait_until};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// "Huyện Đăk Tô họp giao ban" in TCVN3, as the letters of windows-1252.
const TCVN3: &str = "HuyÖn §¨k T« häp giao ban\n\n12/05/2023 17:39\n\nS¸ng nay, HuyÖn §¨k T« häp giao ban th¸ng N¨m \
                     t¹i héi tr\u{ad}êng.\n";

fn latin(text: &str) -> Vec<u8> {
    encoding_rs::WINDOWS_1252.encode(text).0.into_owned()
}

/// Writes a file outside of the articles folder.
fn write_file(test_site: &TestSite, path: &str, bytes: impl AsRef<[u8]>) {
    let path = test_site.path(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn dated(number: u32) -> String {
    let (day, minute) = (number % 28 + 1, number % 60);
    let title = format!("Bài số {number} của kho lưu");
    article(&title, &format!("{day:02}/05/2019 08:{minute:02}"), &format!("Đoạn mở đầu của bài {number}."))
}

fn archive(test_site: &TestSite, path: &str, entries: &[(&str, &[u8])]) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(test_site.path(path)).unwrap());
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in entries {
        archive.start_file(*name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}

fn import(test_site: &TestSite, arguments: &[&str]) -> Output {
    let arguments: Vec<String> = arguments
        .iter()
        .map(|argument| match test_site.path(argument).exists() {
            true => test_site.path(argument).display().to_string(),
            false => (*argument).to_owned(),
        })
        .collect();
    let mut whole = vec!["import"];
    whole.extend(arguments.iter().map(String::as_str));
    test_site.run(&whole)
}

fn output_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn counts(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", output_text(output)))
}

/// All articles without the times of their revisions.
fn listed(test_site: &TestSite) -> serde_json::Value {
    serde_json::from_str(&test_site.ok(&["list", "--json"])).unwrap()
}

#[test]
fn folders_name_the_channels_and_every_format_is_imported() {
    let test_site = TestSite::new();
    write_file(&test_site, "cũ/Đất & Người/2019/nghe-det.txt", dated(1));
    write_file(&test_site, "cũ/Đất & Người/le-hoi.md", dated(2));
    write_file(
        &test_site,
        "cũ/xa-hoi/trang.html",
        format!("<h1>Trang cũ</h1><p>03/05/2019</p><p>{}</p>", "Đoạn văn của bài. ".repeat(9)),
    );
    write_file(&test_site, "cũ/xa-hoi/anh.jpg", "x");
    write_file(&test_site, "cũ/xa-hoi/van-ban.doc", "x");
    write_file(&test_site, "cũ/xa-hoi/~$bai.docx", "x");
    write_file(&test_site, "cũ/xa-hoi/.an/bai.txt", "x");
    let output = import(&test_site, &["cũ", "--json"]);
    assert!(output.status.success(), "{}", output_text(&output));
    assert_eq!(counts(&output)["published"], 3, "{}", output_text(&output));
    let text = output_text(&output);
    assert!(text.contains("1 picture (not imported yet), 1 .doc (save them as .docx)"), "{text}");
    assert!(text.contains("channels: dat-nguoi (new), xa-hoi\n"), "{text}");
    let list = test_site.ok(&["list"]);
    assert!(list.contains("  dat-nguoi  tag:dakto.example,2023:2019-05-02/nghe-det  Bài số 1"), "{list}");
    let serving = test_site.serve();
    assert!(serving.get("/dat-nguoi/rss.xml").text().contains("<title>Đất &#x26; Người - "));
}

#[test]
fn a_second_import_stores_only_corrected_files() {
    let test_site = TestSite::new();
    for number in 0..20 {
        write_file(&test_site, &format!("cũ/xa-hoi/{number}.txt"), dated(number));
    }
    write_file(&test_site, "cũ/xa-hoi/hong.txt", article("Bài hỏng", "31/02/2019 08:00", "Đoạn mở đầu."));
    let first = import(&test_site, &["cũ"]);
    assert_eq!(first.status.code(), Some(1));
    let line = output_text(&first);
    assert!(line.contains("cũ/xa-hoi/hong.txt:3: error: "), "{line}");
    assert!(line.contains("21 files: 20 published, ") && line.contains(" 1 rejected\n"), "{line}");
    let before = listed(&test_site);

    let again = import(&test_site, &["cũ", "--json"]);
    assert_eq!((again.status.code(), &counts(&again)["unchanged"]), (Some(1), &20.into()));
    assert_eq!(listed(&test_site), before);

    write_file(&test_site, "cũ/xa-hoi/hong.txt", dated(27));
    write_file(&test_site, "cũ/xa-hoi/7.txt", dated(7).replace("số 7", "số bảy"));
    let cured = import(&test_site, &["cũ", "--json"]);
    assert!(cured.status.success(), "{}", output_text(&cured));
    let counts = counts(&cured);
    assert_eq!(
        (&counts["published"], &counts["corrected"], &counts["unchanged"]),
        (&1.into(), &1.into(), &19.into())
    );
    assert_eq!(listed(&test_site).as_array().unwrap().len(), 21);
}

#[test]
fn an_archive_is_the_same_source_as_its_unpacked_folder() {
    let test_site = TestSite::new();
    write_file(&test_site, "cũ/xa-hoi/a.txt", dated(1));
    write_file(&test_site, "cũ/xa-hoi/b.txt", dated(2));
    assert!(import(&test_site, &["cũ"]).status.success());
    let bad = article("Bài hỏng", "31/02/2019", "Đoạn mở đầu.");
    let (a, b) = (dated(1), dated(2).replace("mở đầu", "đầu tiên"));
    archive(
        &test_site,
        "cũ.zip",
        &[
            ("xa-hoi/a.txt", a.as_bytes()),
            ("xa-hoi\\b.txt", b.as_bytes()),
            ("xa-hoi/c.txt", bad.as_bytes()),
            ("__MACOSX/xa-hoi/._a.txt", b"x"),
        ],
    );
    let output = import(&test_site, &["cũ.zip", "--json"]);
    let counts = counts(&output);
    assert_eq!(
        (&counts["unchanged"], &counts["corrected"], &counts["refused"]),
        (&1.into(), &1.into(), &1.into())
    );
    let path = counts["findings"][0]["path"].as_str().unwrap();
    assert!(path.ends_with("cũ.zip!xa-hoi/c.txt") && counts["findings"][0]["line"] == 3, "{counts}");
}

#[test]
fn nothing_is_imported_if_a_channel_is_unclear() {
    let test_site = TestSite::new();
    write_file(&test_site, "cũ/bai.txt", dated(1));
    write_file(&test_site, "kho/bai-cu/xa-hoi/bai.txt", dated(1));
    write_file(&test_site, "api/api/bai.txt", dated(1));
    write_file(&test_site, "khác/cũ/xa-hoi/bai.txt", dated(1));
    test_site.write("xa-hoi/bai.txt", dated(1));
    for (arguments, words) in [
        (&["cũ"][..], "cũ/bai.txt is in no channel"),
        (&["cũ/bai.txt"], "--channel SLUG"),
        (&["kho"], "is `bai-cu` in "),
        (&["api"], "`api` is reserved for a URL of the service"),
        (&["cũ", "khác/cũ", "--channel", "xa-hoi"], "have the same name `cũ`"),
        (&["feeds/xa-hoi", "--channel", "xa-hoi"], "the articles folder"),
        (&[".", "--channel", "xa-hoi"], "the articles folder"),
        (&["cũ", "--channel", "Xã hội"], "xa-hoi"),
        (&["cũ", "--channel", "xa-hoi", "--encoding", "latin1"], "tcvn3"),
        (&[], "PATH"),
    ] {
        let output = import(&test_site, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", output_text(&output));
        assert!(output_text(&output).contains(words), "{arguments:?}: {}", output_text(&output));
    }
    assert_eq!(import(&test_site, &["nirgends", "--channel", "xa-hoi"]).status.code(), Some(1));
    assert_eq!(listed(&test_site), serde_json::json!([]));
    assert!(import(&test_site, &["cũ", "--channel", "xa-hoi"]).status.success());
    assert!(import(&test_site, &["kho/bai-cu"]).status.success(), "the folder inside is what was meant");
    let listed = listed(&test_site);
    assert_eq!(listed.as_array().unwrap().len(), 1, "one text of one day and name is one article: {listed}");
}

#[test]
fn a_zip_bomb_is_rejected_by_name_and_the_other_files_are_imported() {
    let test_site = TestSite::new();
    let (blank, good) = (vec![b' '; 15 << 20], dated(1));
    let large: Vec<u8> = (0..17 << 20).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    archive(
        &test_site,
        "bom.zip",
        &[
            ("xa-hoi/phinh.txt", &blank),
            ("xa-hoi/lon.txt", &large),
            ("xa-hoi/tot.txt", good.as_bytes()),
            ("../../xa-hoi/ngoai.txt", good.as_bytes()),
        ],
    );
    let output = import(&test_site, &["bom.zip"]);
    let text = output_text(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for part in [
        "bom.zip!xa-hoi/phinh.txt:1: error: ",
        "expands to 15 MiB",
        "bom.zip!xa-hoi/lon.txt:1: error: ",
        "ngoai.txt:1: error: ",
        " 1 published",
        " 3 rejected",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    write_file(&test_site, "cat.zip", &std::fs::read(test_site.path("bom.zip")).unwrap()[..4000]);
    let cut = import(&test_site, &["cat.zip"]);
    let text = String::from_utf8_lossy(&cut.stdout).into_owned();
    assert!(cut.status.code() == Some(1) && text.contains("cat.zip:1: error: "), "{text}");
}

#[test]
fn overlapping_entries_of_an_archive_are_rejected() {
    let test_site = TestSite::new();
    let words: Vec<String> =
        (0..4000_u32).map(|n| format!("{:x}", n.wrapping_mul(2_654_435_761) >> 3)).collect();
    let mut archive = zip::ZipWriter::new(std::fs::File::create(test_site.path("chung.zip")).unwrap());
    archive.start_file("xa-hoi/0.txt", SimpleFileOptions::default()).unwrap();
    archive.write_all(article("Bài dài", "12/05/2019", &words.join(" ")).as_bytes()).unwrap();
    for copy in 1..50 {
        archive.shallow_copy_file("xa-hoi/0.txt", &format!("xa-hoi/{copy}.txt")).unwrap();
    }
    archive.finish().unwrap();
    let output = import(&test_site, &["chung.zip", "--json"]);
    let counts = counts(&output);
    assert!(counts["refused"].as_u64().unwrap() >= 45, "{counts}");
    assert!(counts.to_string().contains("shares its bytes with other files"), "{counts}");
}

#[test]
fn a_dry_run_of_an_import_reads_everything_and_creates_no_log() {
    let test_site = TestSite::new();
    write_file(&test_site, "cũ/xa-hoi/a.txt", dated(1));
    write_file(&test_site, "cũ/xa-hoi/hong.txt", "Không có ngày đăng ở đây\n\nĐoạn văn duy nhất của bài.\n");
    let output = import(&test_site, &["cũ", "--dry-run"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        output_text(&output).contains("2 files: 1 would be accepted, 0 exist already, 1 would be rejected"),
        "{}",
        output_text(&output)
    );
    assert!(!test_site.path("data").exists());
    import(&test_site, &["cũ"]);
    assert!(
        output_text(&import(&test_site, &["cũ", "--dry-run"]))
            .contains("0 would be accepted, 1 exist already")
    );
}

#[test]
fn a_dry_run_rejects_closed_channels() {
    let test_site = TestSite::new();
    let closed =
        "\n[[channel]]\nslug = \"bau-cu\"\nclosed = 2018-01-01\n[[channel]]\nslug = \"cu\"\ngone = true\n";
    let config = std::fs::read_to_string(test_site.path("config.toml")).unwrap();
    std::fs::write(test_site.path("config.toml"), config + closed).unwrap();
    for channel in ["xa-hoi", "bau-cu", "cu"] {
        write_file(&test_site, &format!("kho/{channel}/a-{channel}.txt"), dated(1));
    }
    for _ in 0..2 {
        let output = import(&test_site, &["kho", "--dry-run", "--json"]);
        assert_eq!(output.status.code(), Some(1));
        let counts = counts(&output);
        assert_eq!((&counts["acceptable"], &counts["refused"]), (&1.into(), &2.into()), "{counts}");
        // The second time, the log exists.
        test_site.ok(&["scan"]);
    }
    assert_eq!(listed(&test_site), serde_json::json!([]));
}

#[test]
fn a_killed_and_repeated_import_ends_like_an_uninterrupted_one() {
    const FILES: u32 = 3000;
    let (killed, whole) = (TestSite::new(), TestSite::new());
    for test_site in [&killed, &whole] {
        for number in 0..FILES {
            write_file(test_site, &format!("cũ/xa-hoi/{}/bai-{number}.txt", number % 7), dated(number));
        }
    }
    assert!(import(&whole, &["cũ", "-q"]).status.success());
    let path = killed.path("cũ").display().to_string();
    // Before the first batch there is no log.
    let stored = || -> i64 {
        let count = "SELECT COUNT(*) FROM revision";
        let log = rusqlite::Connection::open_with_flags(
            killed.path("data/bantin.db"),
            rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE,
        );
        log.and_then(|log| log.query_row(count, [], |row| row.get(0))).unwrap_or(0)
    };
    for _ in 0..2 {
        let before = stored();
        let mut child = killed.start(&["import", &path, "-q"]);
        wait_until("a batch", || stored() > before);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let half = articles(&killed);
    assert!(half > 0 && half < FILES, "{half} of {FILES} were in when it was killed");
    let output = import(&killed, &["cũ", "--json"]);
    assert!(output.status.success(), "{}", output_text(&output));
    let counts = counts(&output);
    assert_eq!(
        counts["published"].as_u64().unwrap() + counts["unchanged"].as_u64().unwrap(),
        u64::from(FILES)
    );
    assert_eq!(listed(&killed), listed(&whole), "ids, numbers and all");
}

fn articles(test_site: &TestSite) -> u32 {
    let output = test_site.run(&["list"]);
    String::from_utf8_lossy(&output.stdout).lines().count() as u32
}

#[test]
fn a_running_service_publishes_an_import_and_never_withdraws_it() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    test_site.write("xa-hoi/chi-o-day.txt", dated(9));
    let serving = test_site.serve();
    write_file(&test_site, "cũ/xa-hoi/a.txt", dated(1));
    write_file(&test_site, "cũ/xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    assert!(import(&test_site, &["cũ"]).status.success());
    wait_until("the imported article", || serving.get("/xa-hoi/rss.xml").text().contains("Bài số 1 "));
    test_site.scanned(&serving);
    // Imported articles stay, and so does what was never in the folder.
    test_site.remove("xa-hoi/thi-dua.txt");
    test_site.remove("xa-hoi/chi-o-day.txt");
    test_site.write("xa-hoi/a.txt", dated(1).replace("Tấn Lộc", "Minh Hà"));
    wait_until("the correction", || serving.get("/xa-hoi/rss.xml").text().contains("Minh Hà"));
    wait_until("what was only in the folder", || test_site.ok(&["list"]).contains("  withdrawn "));
    test_site.scanned(&serving);
    let list = test_site.ok(&["list"]);
    assert_eq!((list.lines().count(), list.matches("  live ").count()), (3, 2), "{list}");
    assert!(list.contains("2019-05-10 08:09  withdrawn"), "{list}");
}

#[test]
fn a_future_date_is_scheduled_and_one_too_far_ahead_is_rejected() {
    let test_site = TestSite::new();
    let in_days =
        |days: i64| (chrono::Utc::now() + chrono::TimeDelta::days(days)).format("%d/%m/%Y 08:00").to_string();
    write_file(
        &test_site,
        "cũ/xa-hoi/mai.txt",
        article("Bài của ngày kia", &in_days(3), "Đoạn mở đầu của bài."),
    );
    write_file(
        &test_site,
        "cũ/xa-hoi/xa.txt",
        article("Bài của năm sau nữa", &in_days(800), "Đoạn mở đầu của bài."),
    );
    let output = import(&test_site, &["cũ"]);
    assert_eq!(output.status.code(), Some(1));
    let text = output_text(&output);
    assert!(text.contains("1 scheduled") && text.contains("xa.txt:3: error: "), "{text}");
}

#[test]
fn a_legacy_encoding_can_be_set_for_a_folder_an_import_or_a_file() {
    let test_site = TestSite::new();
    test_site.write("kinh-te/giao-ban.txt", latin(TCVN3));
    test_site.write("van-hoa/giao-ban-2.txt", latin(&format!("+++\nencoding = \"tcvn3\"\n+++\n{TCVN3}")));
    let refused = test_site.run(&["scan"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(output_text(&refused).contains("encoding = \"tcvn3\""), "{}", output_text(&refused));
    let list = test_site.ok(&["list"]);
    assert!(list.lines().count() == 1 && list.contains("van-hoa  "), "the file names its own: {list}");

    let config = std::fs::read_to_string(test_site.path("config.toml")).unwrap();
    let config = config + "[[channel]]\nslug = \"kinh-te\"\nencoding = \"tcvn3\"\n";
    std::fs::write(test_site.path("config.toml"), config).unwrap();
    test_site.ok(&["scan"]);
    assert!(
        test_site
            .ok(&["list"])
            .contains("kinh-te  tag:dakto.example,2023:2023-05-12/giao-ban  Huyện Đăk Tô họp")
    );
    assert_eq!(test_site.run(&["check"]).status.code(), Some(0));
    let named = test_site.path("feeds/kinh-te/giao-ban.txt");
    test_site.ok(&["check", named.to_str().unwrap()]);

    write_file(&test_site, "cũ/xa-hoi/a.txt", latin(TCVN3));
    assert_eq!(import(&test_site, &["cũ"]).status.code(), Some(1));
    assert!(import(&test_site, &["cũ", "--encoding", "TCVN3"]).status.success());
}

#[test]
fn check_shows_the_parsed_fields_of_every_file() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    test_site.write("xa-hoi/hong.txt", "Không có ngày đăng ở đây\n\nĐoạn văn duy nhất của bài.\n");
    test_site.write("xa-hoi/ngay.txt", dated(1).replace(" 08:01", ""));
    test_site.write("goc.txt", dated(2));
    let output = test_site.run(&["check", "-v"]);
    let page = String::from_utf8(output.stdout).unwrap();
    for part in [
        "feeds/xa-hoi/thi-dua.txt\n  Tiêu đề     Huyện Đăk Tô phát động phong trào thi đua năm 2023\n",
        "  Ngày đăng   12/05/2023 17:39 +07:00\n",
        "  Ngày đăng   02/05/2019 (chỉ có ngày, tính từ 00:00 +07:00)\n",
        "  Tác giả     Tấn Lộc\n",
        "  Chú thích   Quang cảnh Hội nghị. Ảnh: TL\n",
        "  Chuyên mục  xa-hoi\n",
        "Chuyên mục khác\n",
        "feeds/xa-hoi/hong.txt\n  Không đọc được",
        "feeds/xa-hoi/hong.txt:1: error: ",
        "feeds/goc.txt:1: warning: ",
    ] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
    let json: serde_json::Value =
        serde_json::from_slice(&test_site.run(&["check", "-v", "--json"]).stdout).unwrap();
    let of = |name: &str| {
        let files = json.as_array().unwrap().iter();
        files.clone().find(|file| file["path"].as_str().unwrap().ends_with(name)).unwrap()
    };
    let seed = &of("thi-dua.txt")["understood"];
    assert_eq!(seed["published"], "2023-05-12T17:39:00+07:00");
    assert_eq!(
        (&seed["date_only"], &of("ngay.txt")["understood"]["date_only"]),
        (&false.into(), &true.into())
    );
    assert_eq!(seed["authors"], serde_json::json!(["Tấn Lộc"]));
    assert_eq!(seed["dropped"][0]["text"], "Chuyên mục khác");
    assert!(of("hong.txt")["understood"].is_null() && of("hong.txt")["findings"][0]["severity"] == "error");
    let plain: serde_json::Value =
        serde_json::from_slice(&test_site.run(&["check", "--json"]).stdout).unwrap();
    let keys: Vec<&str> = plain[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["line", "message", "message_en", "path", "severity"]);
}

#[test]
fn check_continues_after_an_unreadable_file_and_reports_a_date_far_ahead() {
    let test_site = TestSite::new();
    write_file(
        &test_site,
        "ngoài/xa.txt",
        article("Bài của năm sau nữa", "12/05/2093", "Đoạn mở đầu của bài."),
    );
    let (far, none) = (test_site.path("ngoài/xa.txt"), test_site.path("ngoài/khong-co.txt"));
    let output = test_site.run(&["check", none.to_str().unwrap(), far.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let text = output_text(&output);
    for part in ["khong-co.txt:1: error: ", "xa.txt:3: error: ", "2 articles read: 2 errors"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn an_import_without_a_terminal_reports_progress_every_second() {
    let test_site = TestSite::new();
    let mut entries = Vec::new();
    for number in 0..4000 {
        entries.push((format!("xa-hoi/bai-{number}.txt"), dated(number)));
    }
    let entries: Vec<(&str, &[u8])> =
        entries.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    archive(&test_site, "cũ.zip", &entries);
    let path = test_site.path("cũ.zip").display().to_string();
    let mut child = test_site.start(&["import", &path]);
    let lines: Vec<String> =
        BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap).collect();
    assert!(child.wait().unwrap().success(), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("4000 files: 4000 published")), "{lines:?}");
    let of_progress =
        lines.iter().filter(|line| line.contains("/4000 articles, ") && line.ends_with(" left"));
    assert!(of_progress.count() < 60, "{lines:?}");
    let mut data = String::new();
    child.stdout.take().unwrap().read_to_string(&mut data).unwrap();
    assert!(data.is_empty() && Path::new(&path).exists(), "{data}");
}

#[test]
fn an_unknown_channel_must_be_confirmed_and_a_stray_file_is_only_reported() {
    let test_site = TestSite::new();
    write_file(&test_site, "cũ/bai.txt", dated(1));
    let slip = import(&test_site, &["cũ", "--channel", "xa-hoy"]);
    assert_eq!(slip.status.code(), Some(2));
    assert!(output_text(&slip).contains("the channels are: xa-hoi"), "{}", output_text(&slip));
    assert!(import(&test_site, &["cũ", "--channel", "van-hoa", "--new-channel"]).status.success());
    let one = dated(2);
    archive(&test_site, "kho.zip", &[("xa-hoi/a.txt", one.as_bytes()), ("lac.txt", one.as_bytes())]);
    let output = import(&test_site, &["kho.zip", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let counts = counts(&output);
    assert_eq!((&counts["published"], &counts["refused"]), (&1.into(), &1.into()), "{counts}");
    assert!(counts["findings"][0]["path"].as_str().unwrap().ends_with("kho.zip!lac.txt"), "{counts}");
}

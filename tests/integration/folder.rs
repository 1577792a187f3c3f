//! The articles folder from the first to the last file, with the real program.

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{RunningServer, SAMPLE_ARTICLE, TestSite, article, wait_until};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

const RSS: &str = "/xa-hoi/rss.xml";

fn seeded() -> TestSite {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    test_site
}

fn ids(serving: &RunningServer, path: &str) -> Vec<String> {
    let feed = feed_rs::parser::parse(serving.get(path).body.as_slice()).unwrap();
    feed.entries.into_iter().map(|entry| entry.id).collect()
}

/// Empty while the channel does not exist.
fn ids_or_none(serving: &RunningServer, path: &str) -> Vec<String> {
    if serving.get(path).status == 200 { ids(serving, path) } else { Vec::new() }
}

fn head(serving: &RunningServer) -> u64 {
    serving.metric("bantin_log_head")
}

fn short(number: u32) -> String {
    article(&format!("Bài {number}"), "13/05/2023 08:00", &format!("Đoạn mở đầu của bài {number}."))
}

#[test]
fn a_renamed_file_is_the_same_article() {
    let test_site = seeded();
    let serving = test_site.serve();
    let before = ids(&serving, RSS);
    test_site.rename("xa-hoi/thi-dua.txt", "xa-hoi/phat-dong-thi-dua.txt");
    test_site.scanned(&serving);
    test_site.write("xa-hoi/phat-dong-thi-dua.txt", SAMPLE_ARTICLE.replace("năm 2023", "năm 2024"));
    wait_until("the correction", || head(&serving) == 2);
    wait_until("the feed", || serving.get(RSS).text().contains("năm 2024"));
    assert_eq!(ids(&serving, RSS), before);
    assert!(test_site.ok(&["list"]).contains(" live "), "{}", test_site.ok(&["list"]));
}

#[test]
fn a_file_that_becomes_markdown_is_the_same_article() {
    let test_site = seeded();
    let serving = test_site.serve();
    let before = ids(&serving, RSS);
    test_site.remove("xa-hoi/thi-dua.txt");
    test_site.write("xa-hoi/thi-dua.md", SAMPLE_ARTICLE.replace("năm 2023", "năm 2024"));
    wait_until("the correction", || head(&serving) == 2);
    assert_eq!(ids(&serving, RSS), before);
}

#[test]
fn a_move_to_another_channel_is_one_revision_without_a_tombstone() {
    let test_site = seeded();
    let serving = test_site.serve();
    let before = ids(&serving, RSS);
    test_site.rename("xa-hoi/thi-dua.txt", "kinh-te/thi-dua.txt");
    wait_until("the move", || head(&serving) == 2);
    wait_until("the new channel", || ids_or_none(&serving, "/kinh-te/rss.xml") == before);
    assert!(ids(&serving, RSS).is_empty());
    assert!(!serving.get("/xa-hoi/atom.xml").text().contains("deleted-entry"));
    assert_eq!(serving.get("/bai-viet/2023/05/12/thi-dua").status, 200, "the permalink stays");
    assert_eq!(head(&serving), 2);
}

#[test]
fn one_file_in_two_channels_is_one_article_and_two_texts_are_an_error() {
    let test_site = seeded();
    let serving = test_site.serve();
    test_site.write("kinh-te/thi-dua.txt", SAMPLE_ARTICLE);
    let before = ids(&serving, RSS);
    wait_until("the second channel", || ids_or_none(&serving, "/kinh-te/rss.xml") == before);
    assert_eq!((ids(&serving, RSS), head(&serving)), (before, 2));

    let corrected = SAMPLE_ARTICLE.replace("năm 2023", "năm 2024");
    test_site.write("kinh-te/thi-dua.txt", &corrected);
    wait_until("the error", || serving.metric("bantin_files_refused") == 1);
    let log = serving.log();
    assert!(log.contains("path=kinh-te/thi-dua.txt") && log.contains("xa-hoi/thi-dua.txt ("), "{log}");
    assert!(!serving.get("/kinh-te/rss.xml").text().contains("năm 2024"));
    test_site.write("xa-hoi/thi-dua.txt", &corrected);
    wait_until("both equal again", || serving.get("/kinh-te/rss.xml").text().contains("thi đua năm 2024"));
    wait_until("no error", || serving.metric("bantin_files_refused") == 0);
    assert!(serving.get(RSS).text().contains("thi đua năm 2024"));
}

#[test]
fn another_article_of_that_name_and_day_does_not_harm_the_first() {
    let test_site = seeded();
    let serving = test_site.serve();
    let before = serving.get(RSS).etag();
    test_site.write("kinh-te/thi-dua.txt", SAMPLE_ARTICLE.replace("năm 2023", "năm 2024"));
    wait_until("the error", || serving.metric("bantin_files_refused") == 1);
    assert_eq!(serving.get(RSS).etag(), before);
    test_site.rename("kinh-te/thi-dua.txt", "kinh-te/thi-dua-kinh-te.txt");
    wait_until("the cure", || serving.metric("bantin_files_refused") == 0);
    let its_own = ["tag:dakto.example,2023:2023-05-12/thi-dua-kinh-te"];
    wait_until("the article", || ids_or_none(&serving, "/kinh-te/rss.xml") == its_own);
    assert_eq!(serving.get(RSS).etag(), before);
}

#[test]
fn a_file_missing_within_the_grace_period_changes_nothing() {
    let test_site = seeded();
    let serving = test_site.serve();
    test_site.within_the_grace(|| {
        let before = (serving.get(RSS).etag(), head(&serving));
        test_site.remove("xa-hoi/thi-dua.txt");
        test_site.scanned(&serving);
        test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
        test_site.scanned(&serving);
        let after = (serving.get(RSS).etag(), head(&serving));
        (after != before).then(|| format!("{before:?} became {after:?}"))
    });
}

#[test]
fn a_file_missing_beyond_the_grace_period_is_withdrawn_and_later_restored_under_one_id() {
    let test_site = seeded();
    let serving = test_site.serve();
    let before = ids(&serving, RSS);
    test_site.remove("xa-hoi/thi-dua.txt");
    wait_until("the withdrawal", || head(&serving) == 2);
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    wait_until("the restoration", || head(&serving) == 3);
    wait_until("the feed", || ids(&serving, RSS) == before);
}

#[test]
fn a_missing_folder_withdraws_nothing_and_is_reported() {
    let test_site = seeded();
    let serving = test_site.serve();
    let before = serving.get(RSS).etag();
    std::fs::rename(test_site.path("feeds"), test_site.path("away")).unwrap();
    wait_until("the complaint", || serving.log().contains("cannot be listed"));
    test_site.scanned(&serving);
    assert_eq!((serving.get(RSS).etag(), head(&serving)), (before.clone(), 1));
    std::fs::rename(test_site.path("away"), test_site.path("feeds")).unwrap();
    test_site.write("xa-hoi/moi.txt", short(1));
    wait_until("the new article", || serving.get(RSS).etag() != before);
    assert_eq!(head(&serving), 2);
}

#[test]
fn an_emptied_folder_withdraws_nothing_until_confirmed() {
    let test_site = TestSite::new();
    for number in 0..8 {
        test_site.write(&format!("xa-hoi/bai-{number}.txt"), short(number));
    }
    let serving = test_site.serve();
    for number in 0..3 {
        test_site.remove(&format!("xa-hoi/bai-{number}.txt"));
    }
    wait_until("the complaint", || serving.log().contains("scan --confirm"));
    let output = test_site.run(&["scan"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("--confirm"));
    assert_eq!((ids(&serving, RSS).len(), head(&serving)), (8, 8));
    test_site.ok(&["scan", "--confirm"]);
    wait_until("the withdrawals", || ids(&serving, RSS).len() == 5);
    test_site.remove("xa-hoi/bai-3.txt");
    wait_until("a withdrawal as ever", || ids(&serving, RSS).len() == 4);
}

#[test]
fn an_editor_that_writes_a_temporary_file_and_renames_it_makes_one_correction() {
    let test_site = seeded();
    let serving = test_site.serve();
    let before = ids(&serving, RSS);
    for (temporary, text) in [(".thi-dua.txt.swp", "năm 2024"), ("thi-dua.txt~", "năm 2025")] {
        let at = head(&serving);
        test_site.write(&format!("xa-hoi/{temporary}"), SAMPLE_ARTICLE.replace("năm 2023", text));
        test_site.rename(&format!("xa-hoi/{temporary}"), "xa-hoi/thi-dua.txt");
        wait_until("the correction", || head(&serving) == at + 1);
    }
    assert_eq!((ids(&serving, RSS), head(&serving)), (before, 3));
}

#[test]
fn a_share_without_events_is_polled() {
    let test_site = seeded().with("BANTIN_FOLDER__WATCH", "poll");
    let serving = test_site.serve();
    test_site.write("xa-hoi/moi.txt", short(1));
    wait_until("the new article", || head(&serving) == 2);
}

#[test]
fn an_unwatched_folder_is_scanned_by_cron() {
    let test_site = seeded().with("BANTIN_FOLDER__WATCH", "off");
    let serving = test_site.serve();
    let before = serving.metric("bantin_scans_total");
    test_site.write("xa-hoi/moi.txt", short(1));
    test_site.ok(&["scan"]);
    wait_until("the new article", || ids(&serving, RSS).len() == 2);
    assert_eq!(serving.metric("bantin_scans_total"), before);
}

#[test]
fn a_scheduled_article_survives_a_restart_and_is_published_when_due() {
    let test_site = seeded();
    let serving = test_site.serve();
    let due = chrono::Utc::now() + chrono::TimeDelta::seconds(6);
    let stamp = due.with_timezone(&chrono_tz::Asia::Ho_Chi_Minh).format("%d/%m/%Y %H:%M:%S").to_string();
    test_site.write("xa-hoi/mai.txt", article("Bài hẹn giờ", &stamp, "Đoạn mở đầu."));
    wait_until("it is taken in", || test_site.ok(&["list"]).contains("waiting"));
    assert!(!serving.get(RSS).text().contains("Bài hẹn giờ"));
    serving.kill();
    let serving = test_site.serve();
    wait_until("its time", || serving.get(RSS).text().contains("Bài hẹn giờ"));
    assert!(chrono::Utc::now() >= due - chrono::TimeDelta::seconds(1), "not before its time");
    assert_eq!(head(&serving), 2);
}

#[test]
fn a_date_more_than_a_year_ahead_is_an_error() {
    let test_site = seeded();
    test_site.write("xa-hoi/xa.txt", article("Bài xa", "13/05/2123 08:00", "Đoạn mở đầu."));
    let output = test_site.run(&["scan"]);
    assert_eq!(output.status.code(), Some(1));
    let output = String::from_utf8(output.stdout).unwrap();
    assert!(output.contains("xa-hoi/xa.txt:3: error: "), "{output}");
}

#[test]
fn a_link_is_followed_inside_the_folder_and_never_out_of_it() {
    let test_site = seeded();
    let outside = test_site.path("secret.txt");
    std::fs::write(&outside, short(7)).unwrap();
    std::fs::create_dir(test_site.path("elsewhere")).unwrap();
    std::fs::write(test_site.path("elsewhere/a.txt"), short(8)).unwrap();
    symlink(&outside, test_site.path("feeds/xa-hoi/secret.txt")).unwrap();
    symlink(test_site.path("elsewhere"), test_site.path("feeds/kinh-te")).unwrap();
    symlink("thi-dua.txt", test_site.path("feeds/xa-hoi/ban-sao.txt")).unwrap();
    symlink("nowhere.txt", test_site.path("feeds/xa-hoi/dut.txt")).unwrap();
    let serving = test_site.serve();
    assert_eq!(ids(&serving, RSS).len(), 2, "the article and its copy inside");
    assert_eq!(serving.get("/kinh-te/rss.xml").status, 404);
    let log = serving.log();
    assert!(log.contains("path=xa-hoi/secret.txt") && log.contains("path=kinh-te"), "{log}");
}

#[test]
fn names_in_nfd_and_names_in_vietnamese_are_channels_and_articles() {
    let test_site = TestSite::new();
    let nfd = "Va\u{306}n ho\u{301}a - The\u{302}\u{309} thao - Du li\u{323}ch";
    test_site.write(&format!("{nfd}/le\u{302}\u{303} ho\u{323}\u{302}i.txt"), short(1));
    test_site.write("Đất & Người/Nghề dệt ở Đăk Tô.txt", short(2));
    let serving = test_site.serve();
    assert_eq!(
        ids(&serving, "/van-hoa-the-thao-du-lich/rss.xml"),
        ["tag:dakto.example,2023:2023-05-13/le-hoi"]
    );
    assert_eq!(ids(&serving, "/dat-nguoi/rss.xml"), ["tag:dakto.example,2023:2023-05-13/nghe-det-o-dak-to"]);
    let opml = serving.get("/opml.xml").text();
    assert!(opml.contains("text=\"Văn hóa - Thể thao - Du lịch\""), "{opml}");
    assert!(opml.contains("text=\"Đất &amp; Người\""), "{opml}");
}

#[test]
fn an_unreadable_file_is_reported_and_its_last_version_stays() {
    let test_site = seeded();
    let serving = test_site.serve();
    let before = serving.get(RSS).etag();
    let path = test_site.path("feeds/xa-hoi/thi-dua.txt");
    // A circular link cannot be read by anybody, not even by root.
    std::fs::remove_file(&path).unwrap();
    symlink("thi-dua.txt", &path).unwrap();
    wait_until("the complaint", || serving.log().contains("path=xa-hoi/thi-dua.txt"));
    test_site.scanned(&serving);
    let monstrous = std::fs::File::create(test_site.path("feeds/xa-hoi/lon.txt")).unwrap();
    monstrous.set_len(20 << 20).unwrap();
    drop(monstrous);
    wait_until("the other complaint", || serving.log().contains("path=xa-hoi/lon.txt"));
    // Longer than the grace period: files that cannot be seen are not missing.
    let since = Instant::now();
    wait_until("the grace is over", || since.elapsed() > Duration::from_secs(6));
    test_site.scanned(&serving);
    assert_eq!((serving.get(RSS).etag(), head(&serving)), (before, 1));
}

#[test]
fn files_in_the_wrong_place_are_reported() {
    let test_site = seeded();
    test_site.write("la-loi.txt", short(1));
    test_site.write("xa-hoi/2023/cu.txt", short(2));
    test_site.write("api/a.txt", short(3));
    let output = test_site.run(&["check"]);
    assert_eq!(output.status.code(), Some(1));
    let output = String::from_utf8(output.stdout).unwrap();
    for path in ["feeds/la-loi.txt:1: warning", "feeds/xa-hoi/2023:1: warning", "feeds/api:1: warning"] {
        assert!(output.contains(path), "{path} is not in\n{output}");
    }
}

#[test]
fn ten_thousand_files_at_once_take_few_render_passes() {
    let test_site = seeded();
    let serving = test_site.serve();
    let before = serving.metric("bantin_render_passes_total");
    for number in 0..10_000 {
        let channel = ["xa-hoi", "kinh-te", "Đất & Người"][number % 3];
        let stamp = format!("{:02}/{:02}/2022 08:{:02}", 1 + number % 28, 1 + number % 12, number % 60);
        let text = article(&format!("Bài số {number}"), &stamp, &format!("Đoạn mở đầu của bài {number}."));
        test_site.write(&format!("{channel}/bai-{number}.txt"), text);
    }
    wait_until("all articles", || head(&serving) == 10_001);
    wait_until("the last of them in the feed", || serving.get("/rss.xml").text().contains("28 Dec 2022"));
    let reprints = serving.metric("bantin_render_passes_total") - before;
    // A slow machine takes longer for the scan and renders more often; one pass per file would be 10,000.
    assert!(reprints < 500, "{reprints} render passes");
    assert!(serving.log().contains("reading the articles folder"), "a progress line");
    let status = std::fs::read_to_string(format!("/proc/{}/status", serving.pid())).unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    let kilobytes: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kilobytes < 300_000, "{peak}");
}

/// Waits, for things that must not happen and so have no condition to wait for.
fn pass(time: Duration) {
    let since = Instant::now();
    wait_until("time goes by", || since.elapsed() > time);
}

#[test]
fn a_file_is_not_published_while_it_is_being_written() {
    let test_site = seeded();
    let serving = test_site.serve();
    let whole = short(1);
    let (first, second) = whole.split_at(whole.find("Đoạn thứ hai").unwrap());
    assert!(first.ends_with('\n'), "the first half looks whole");
    let mut file = std::fs::File::create(test_site.path("feeds/xa-hoi/cham.txt")).unwrap();
    file.write_all(first.as_bytes()).unwrap();
    pass(Duration::from_secs(4));
    test_site.scanned(&serving);
    assert_eq!(head(&serving), 1, "it is held open");
    file.write_all(second.as_bytes()).unwrap();
    drop(file);
    wait_until("the article", || head(&serving) == 2);
    test_site.scanned(&serving);
    assert!(serving.get(RSS).text().contains("Đoạn thứ hai"));
    assert_eq!(head(&serving), 2);
}

#[test]
fn a_truncated_text_is_awaited_and_one_without_a_final_line_end_is_published() {
    let test_site = seeded();
    let serving = test_site.serve();
    let whole = short(1);
    let (first, second) = whole.split_at(whole.find("hai của").unwrap());
    test_site.write("xa-hoi/cham.txt", first);
    pass(Duration::from_millis(1500));
    assert_eq!(head(&serving), 1);
    let mut file =
        std::fs::File::options().append(true).open(test_site.path("feeds/xa-hoi/cham.txt")).unwrap();
    file.write_all(second.as_bytes()).unwrap();
    drop(file);
    test_site.write("xa-hoi/khong-het-dong.txt", short(2).trim_end());
    wait_until("both articles", || head(&serving) == 3);
    test_site.scanned(&serving);
    assert_eq!((ids(&serving, RSS).len(), head(&serving)), (3, 3), "and no correction");
}

#[test]
fn a_fifo_a_device_and_a_huge_file_do_not_block_the_scan() {
    let test_site = seeded();
    let fifo = test_site.path("feeds/xa-hoi/ong.txt");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    symlink("/dev/zero", test_site.path("feeds/xa-hoi/vo-tan.txt")).unwrap();
    symlink("/dev/zero", test_site.path("feeds/xa-hoi/thi-dua.jpg")).unwrap();
    std::fs::File::create(test_site.path("feeds/xa-hoi/lon.txt")).unwrap().set_len(500 << 20).unwrap();
    std::fs::File::create(test_site.path("feeds/xa-hoi/thi-dua-1.jpg")).unwrap().set_len(500 << 20).unwrap();
    test_site.write("xa-hoi/moi.txt", short(1));
    let serving = test_site.serve();
    assert_eq!(ids(&serving, RSS).len(), 2);
    let log = serving.log();
    for name in ["ong.txt", "vo-tan.txt", "lon.txt", "thi-dua.jpg", "thi-dua-1.jpg"] {
        assert!(log.contains(&format!("path=xa-hoi/{name}")), "{name} is not told of:\n{log}");
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", serving.pid())).unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    let kilobytes: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kilobytes < 200_000, "{peak}");
    assert!(serving.stop(), "it ends when it is told to");

    symlink("/dev/zero", test_site.path("vo-tan.txt")).unwrap();
    symlink("/dev/zero", test_site.path("vo-tan.zip")).unwrap();
    let path = |name: &str| test_site.path(name).display().to_string();
    for file in [path("feeds/xa-hoi/ong.txt"), path("vo-tan.txt"), path("feeds/xa-hoi/lon.txt")] {
        for arguments in [&["check", &file][..], &["publish", &file, "--channel", "xa-hoi"]] {
            let output = test_site.run(arguments);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        }
    }
    std::fs::create_dir(test_site.path("cu")).unwrap();
    std::fs::rename(&fifo, test_site.path("cu/ong.txt")).unwrap();
    assert!(Command::new("mkfifo").arg(test_site.path("ong.xml")).status().unwrap().success());
    symlink("/dev/zero", test_site.path("vo-tan.json")).unwrap();
    let others = ["ong.xml", "vo-tan.json"].map(path);
    for file in
        [path("cu/ong.txt"), path("cu"), path("vo-tan.txt"), path("vo-tan.zip")].into_iter().chain(others)
    {
        let output = test_site.run(&["import", &file, "--channel", "xa-hoi"]);
        assert_eq!(output.status.code(), Some(1), "{file}: {output:?}");
    }
}

#[test]
fn an_unreadable_folder_does_not_disable_events_and_is_reported_once() {
    let test_site = seeded().for_an_ordinary_user();
    test_site.write("bi-mat/a.txt", short(9));
    std::fs::create_dir(test_site.path("feeds/.Trash-0")).unwrap();
    let locked = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(test_site.path("feeds/bi-mat"), locked.clone()).unwrap();
    std::fs::set_permissions(test_site.path("feeds/.Trash-0"), locked).unwrap();
    let serving = test_site.serve();
    let found_after = [0, 1, 2, 3, 4].map(|number| {
        test_site.write(&format!("xa-hoi/moi-{number}.txt"), short(number));
        let since = Instant::now();
        wait_until("the new article", || head(&serving) == 2 + u64::from(number));
        since.elapsed()
    });
    // The periodic rescan finds the first one at any time, and each later one ten seconds after the one before.
    let events = found_after[1..].iter().any(|after| *after < Duration::from_secs(8));
    assert!(events, "{found_after:?}");
    test_site.scanned(&serving);
    let log = serving.log();
    assert_eq!(log.matches("bi-mat").count(), 1, "{log}");
    assert!(!log.contains("no file events"), "{log}");
    std::fs::set_permissions(test_site.path("feeds/bi-mat"), std::fs::Permissions::from_mode(0o755)).unwrap();
    wait_until("what was locked", || ids_or_none(&serving, "/bi-mat/rss.xml").len() == 1);
}

#[test]
fn unsupported_files_are_reported_by_name_and_jpeg_is_accepted_under_any_extension() {
    let test_site = seeded();
    let unread =
        ["bai.doc", "bai.pdf", "bai.ods", "bai.rtf", "anh.heic", "anh.avif", "anh.bmp", "anh.tif", "anh.svg"];
    for name in unread {
        test_site.write(&format!("xa-hoi/{name}"), "x");
    }
    let jpeg = include_bytes!("../../feeds/kinh-te/gia-ca-phe-dau-vu.jpg");
    test_site.write("xa-hoi/thi-dua.jfif", jpeg);
    test_site.write("xa-hoi/moi.txt", short(1));
    test_site.write("xa-hoi/moi.JPE", jpeg);
    let check = test_site.run(&["check"]);
    assert_eq!(check.status.code(), Some(1));
    let check = String::from_utf8(check.stdout).unwrap();
    let serving = test_site.serve();
    for name in unread {
        assert!(check.contains(&format!("xa-hoi/{name}:1: warning: ")), "{name} is not in\n{check}");
        assert!(serving.log().contains(&format!("path=xa-hoi/{name}")), "{name}: {}", serving.log());
        let path = test_site.path("feeds/xa-hoi").join(name).display().to_string();
        let alone = test_site.run(&["check", &path]);
        let alone = String::from_utf8(alone.stdout).unwrap();
        let (_, message) = alone.split_once(": error: ").unwrap_or_else(|| panic!("{alone}"));
        assert!(check.contains(message), "{message} is not in\n{check}");
    }
    assert_eq!(serving.get(RSS).text().matches("<enclosure").count(), 2);
}

#[test]
fn copies_and_system_folders_are_never_published() {
    let test_site = seeded();
    for (number, path) in [
        "#recycle/bai.txt",
        "$RECYCLE.BIN/bai.txt",
        "@eaDir/bai.txt",
        "lost+found/bai.txt",
        "System Volume Information/bai.txt",
        "xa-hoi/@eaDir/bai.txt",
        "xa-hoi - Copy/bai.txt",
        "xa-hoi/thi-dua (conflicted copy 2023-05-12).txt",
        "xa-hoi/thi-dua.sync-conflict-20230512-173900-ABCDEF7.txt",
        "xa-hoi/thi-dua - Copy.txt",
        "xa-hoi/thi-dua - Sao chép.txt",
        "xa-hoi/thi-dua.bak.txt",
        "xa-hoi/Copy of thi-dua.txt",
        "xa-hoi/Thumbs.db",
    ]
    .into_iter()
    .enumerate()
    {
        test_site.write(path, short(u32::try_from(number).unwrap()));
    }
    let serving = test_site.serve();
    assert_eq!(ids(&serving, "/rss.xml").len(), 1);
    let opml = serving.get("/opml.xml").text();
    assert_eq!(opml.matches("<outline").count(), 1, "{opml}");
    let log = serving.log();
    for name in [
        "conflicted copy",
        "sync-conflict",
        " - Copy.txt",
        "Sao chép.txt",
        "bak.txt",
        "Copy of",
        "xa-hoi - Copy",
    ] {
        assert!(log.contains(name), "{name} is not told of:\n{log}");
    }
    assert!(!log.contains("Thumbs") && !log.contains("eaDir"), "{log}");
}

#[test]
fn names_that_no_channel_or_article_can_have_are_reported_and_not_published() {
    let test_site = seeded();
    test_site.write("xa-hoi/xuống\ndòng.txt", short(1));
    test_site.write("xa-hoi/cột\tmột.txt", short(2));
    test_site.write("…/bai.txt", short(3));
    test_site.write("!!!/bai.txt", short(4));
    test_site.write("xa-hoi/thi-dua\n.jpg", include_bytes!("../../feeds/kinh-te/gia-ca-phe-dau-vu.jpg"));
    let output = test_site.run(&["scan"]);
    let output = String::from_utf8(output.stdout).unwrap();
    for name in ["xuống\\ndòng.txt", "cột\\tmột.txt", "feeds/…:1", "feeds/!!!:1", "thi-dua\\n.jpg"] {
        assert!(output.contains(name), "{name} is not in\n{output}");
    }
    assert_eq!(test_site.ok(&["list"]).lines().count(), 1);
}

#[test]
fn a_file_above_the_size_limit_is_rejected_as_too_large() {
    let test_site = seeded();
    test_site.write("xa-hoi/lon.txt", "");
    let file = std::fs::File::options().write(true).open(test_site.path("feeds/xa-hoi/lon.txt")).unwrap();
    file.set_len(500 << 20).unwrap();
    let output = test_site.run(&["scan"]);
    let output = String::from_utf8(output.stdout).unwrap();
    assert!(output.contains("lớn hơn") && !output.contains("quyền truy cập"), "{output}");
}

#[test]
fn an_edit_of_the_same_length_is_detected_even_if_the_mtime_is_reset() {
    for watch in ["events", "off"] {
        let test_site = seeded().with("BANTIN_FOLDER__WATCH", watch);
        test_site.ok(&["scan"]);
        let path = test_site.path("feeds/xa-hoi/thi-dua.txt");
        let before = std::fs::metadata(&path).unwrap().modified().unwrap();
        test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE.replace("năm 2023", "năm 2024"));
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
        test_site.ok(&["scan"]);
        assert!(test_site.ok(&["render", "xa-hoi", "rss"]).contains("năm 2024"));
    }
}

#[test]
fn an_empty_folder_is_no_channel_and_leaves_no_trace() {
    let test_site = seeded();
    std::fs::create_dir(test_site.path("feeds/Du lịch")).unwrap();
    test_site.write("nhap/bai.txt", "no article");
    let hour = chrono::Utc::now() + chrono::TimeDelta::hours(1);
    let stamp = hour.with_timezone(&chrono_tz::Asia::Ho_Chi_Minh).format("%d/%m/%Y %H:%M:%S").to_string();
    test_site.write("Sắp tới/mai.txt", article("Bài hẹn giờ", &stamp, "Đoạn mở đầu."));
    let serving = test_site.serve();
    let quiet = |path: &str| {
        let page = serving.get(path).text();
        ["du-lich", "nhap", "sap-toi"].iter().all(|slug| !page.contains(slug))
    };
    for path in ["/opml.xml", "/", "/api/channels", "/xa-hoi/"] {
        assert!(quiet(path), "{path}: {}", serving.get(path).text());
    }
    for path in ["/du-lich/rss.xml", "/nhap/", "/sap-toi/atom.xml", "/api/changes?channel=du-lich"] {
        assert_eq!(serving.get(path).status, 404, "{path}");
    }
    test_site.write("Du lịch/thac.txt", short(1));
    wait_until("the channel", || ids_or_none(&serving, "/du-lich/rss.xml").len() == 1);
    assert!(serving.get("/opml.xml").text().contains("text=\"Du lịch\""));
}

#[test]
fn a_renamed_folder_keeps_its_articles_and_a_warning_explains_the_old_urls() {
    let test_site = seeded();
    for number in 0..10 {
        test_site.write(&format!("tin-cu/bai-{number}.txt"), short(number));
    }
    let serving = test_site.serve();
    let before = ids(&serving, "/tin-cu/rss.xml");
    std::fs::rename(test_site.path("feeds/tin-cu"), test_site.path("feeds/Tin mới")).unwrap();
    wait_until("the moves", || ids_or_none(&serving, "/tin-moi/rss.xml") == before);
    assert_eq!(head(&serving), 21, "each article was moved, and nothing else");
    test_site.scanned(&serving);
    let log = serving.log();
    assert!(log.contains("was = [\"tin-cu\"]") || log.contains("was = [\\\"tin-cu\\\"]"), "{log}");
    let page = serving.get("/bai-viet/2023/05/13/bai-3").text();
    assert!(!page.contains("Đã sửa") && !page.contains("Bài này đã được sửa"), "{page}");

    // The desk says so until the configuration does, whatever is saved and however often the service is started.
    let secret = format!("Bearer {}", test_site.ok(&["token", "new", "Văn phòng"]).trim());
    let offered = |serving: &RunningServer| {
        let found = serving.request("GET", "/api/findings", &[("Authorization", &secret)]);
        assert_eq!(found.status, 200);
        found.text().contains("slug = \\\"tin-moi\\\", was = [\\\"tin-cu\\\"]")
    };
    assert!(offered(&serving));
    test_site.write("Tin mới/bai-20.txt", short(20));
    wait_until("another article", || ids(&serving, "/tin-moi/rss.xml").len() == 11);
    test_site.scanned(&serving);
    assert!(offered(&serving));
    assert!(serving.stop());
    let serving = test_site.serve();
    assert!(offered(&serving));
    assert!(serving.stop());
    test_site.configure("[[channel]]\nslug = \"tin-moi\"\ntitle = \"Tin mới\"\nwas = [\"tin-cu\"]\n");
    let serving = test_site.serve();
    assert!(!offered(&serving));
    assert_eq!(
        serving.get("/tin-cu/rss.xml").header("location").unwrap().rsplit('/').nth(1),
        Some("tin-moi")
    );
    assert_eq!(ids(&serving, "/tin-moi/rss.xml").len(), 11);
    assert!(serving.stop());
}

#[test]
fn an_article_that_leaves_its_channel_is_no_renamed_folder() {
    let test_site = seeded();
    test_site.write("mot/bai-1.txt", short(1));
    test_site.write("hai/bai-2.txt", short(2));
    test_site.write("hai/bai-3.txt", short(3));
    let serving = test_site.serve();
    // The only article of a folder, and one of two, whose other one is withdrawn.
    test_site.rename("mot/bai-1.txt", "xa-hoi/bai-1.txt");
    std::fs::remove_dir(test_site.path("feeds/mot")).unwrap();
    test_site.rename("hai/bai-2.txt", "xa-hoi/bai-2.txt");
    std::fs::remove_dir_all(test_site.path("feeds/hai")).unwrap();
    wait_until("the moves", || ids(&serving, RSS).len() == 3);
    wait_until("the withdrawal", || serving.get("/bai-viet/2023/05/13/bai-3").status == 410);
    test_site.scanned(&serving);
    assert!(!serving.log().contains("was = ["), "{}", serving.log());
    assert!(serving.stop());
}

/// A file that is not an article, or one that must not be published, in one of many ways.
fn bad(kind: usize, number: u32) -> (String, Vec<u8>) {
    let named = |name: &str| format!("xa-hoi/{name}-{number}.txt");
    match kind {
        0 => (named("trong"), Vec::new()),
        1 => (named("khong-ngay"), "Một dòng\n\nHai dòng\n".into()),
        2 => (named("ngay-sai"), article("Bài", "31/02/2023 08:00", "Mở đầu.").into()),
        3 => (named("rac"), vec![0xFF, 0x00, 0xC3, 0x28, b'\n']),
        4 => (named("xa"), article("Bài", "13/05/2123 08:00", "Mở đầu.").into()),
        5 => (named("dau"), "+++\nid = 4\n+++\n".into()),
        6 => (named("kenh"), format!("+++\nchannels = [\"tim-kiem\"]\n+++\n{}", short(number)).into()),
        7 => (named("zip"), b"PK\x03\x04 something".to_vec()),
        8 => (format!("xa-hoi/word-{number}.docx"), b"PK\x03\x04 cut PK\x05\x06".to_vec()),
        _ => (named("lon"), vec![b'x'; 5 << 20]),
    }
}

#[test]
fn bad_files_never_block_the_good_ones() {
    let ways = (1_u32..12, prop::collection::vec(0_usize..10, 0..8));
    let mut runner = TestRunner::new(ProptestConfig { cases: 8, ..ProptestConfig::default() });
    let outcome = runner.run(&ways, |(good, bad_kinds)| {
        let test_site = TestSite::new();
        for number in 0..good {
            test_site.write(&format!("xa-hoi/bai-{number}.txt"), short(number));
        }
        for (number, kind) in bad_kinds.iter().enumerate() {
            let (path, bytes) = bad(*kind, u32::try_from(number).unwrap());
            test_site.write(&path, bytes);
        }
        let output = test_site.run(&["scan", "--json"]);
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let list = test_site.ok(&["list"]);
        prop_assert_eq!(list.lines().count() as u32, good, "{}\n{}", list, text);
        prop_assert_eq!(output.status.code(), Some(i32::from(!bad_kinds.is_empty())), "{}", text);
        Ok(())
    });
    outcome.unwrap();
}

//! Backups, restores, and migrations of a whole log between engines.

use crate::support::postgres::Schema;
use crate::support::requirement::{Requirement, is_missing};
use crate::support::{SAMPLE_ARTICLE, TestSite, article, execute_sql, wait_until};
use bantin::config::Config;
use bantin::export::compare;
use bantin::store::Store;

const FEEDS: [&str; 6] =
    ["/rss.xml", "/atom.xml", "/feed.json", "/xa-hoi/rss.xml", "/xa-hoi/atom.xml", "/xa-hoi/feed.json"];

/// A site with history: articles in several channels and days, one corrected, one withdrawn, one scheduled,
/// sealed pages, an image.
fn with_history(test_site: &TestSite) {
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    for number in 0..60 {
        let title = format!("Bài số {number} của xã Đăk Trăm");
        let stamp = format!("{:02}/04/2023 08:{:02}", number % 28 + 1, number);
        let folder = ["xa-hoi", "Đất & Người"][number % 2];
        test_site.write(&format!("{folder}/bai-{number}.txt"), article(&title, &stamp, "Đoạn mở đầu."));
    }
    let picture = include_bytes!("../../feeds/kinh-te/gia-ca-phe-dau-vu.jpg");
    test_site.write("xa-hoi/bai-2.jpg", picture);
    test_site.write("xa-hoi/mai.txt", article("Ngày mai", "12/05/2027 08:00", "Đoạn mở đầu."));
    test_site.ok(&["scan"]);
    test_site.write("xa-hoi/bai-4.txt", article("Bài số 4, sửa", "05/04/2023 08:04", "Đoạn mở đầu đã sửa."));
    test_site.ok(&["scan"]);
    let id = "tag:dakto.example,2023:2023-04-07/bai-6";
    test_site.ok(&["withdraw", id, "--reason", "sai tin"]);
    test_site.ok(&["token", "new", "Văn phòng"]);
}

/// What readers receive: the bytes and ETag of each feed.
fn given(test_site: &TestSite) -> Vec<(String, Vec<u8>)> {
    let serving = test_site.serve();
    let given = FEEDS.iter().map(|path| serving.get(path));
    given.map(|answer| (answer.etag(), answer.body)).collect()
}

fn without_folder(test_site: TestSite) -> TestSite {
    // Only the log counts.
    test_site.with("BANTIN_FOLDER__WATCH", "off")
}

#[test]
fn a_log_moves_to_postgres_and_back_with_every_document_and_validator() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let test_site = TestSite::new();
    with_history(&test_site);
    let before = given(&test_site);
    let schema = Schema::new();
    let file = format!("sqlite:{}", test_site.path("data/bantin.db").display());
    let moved = test_site.run(&["migrate", "--from", &file, "--to", &schema.url()]);
    let output = String::from_utf8(moved.stderr).unwrap();
    assert!(moved.status.success(), "{output}");
    assert!(output.contains("documents compared, all identical"), "{output}");
    let test_site = without_folder(test_site).with("BANTIN_STORE__URL", schema.url());
    assert_eq!(given(&test_site), before);
    assert_eq!(test_site.ok(&["token", "list"]).matches("Văn phòng").count(), 1);

    // Writes made there come back as well.
    test_site.ok(&["restore", "tag:dakto.example,2023:2023-04-07/bai-6"]);
    let before = given(&test_site);
    let back = test_site.path("data/back.db");
    let back = format!("sqlite:{}", back.display());
    test_site.ok(&["migrate", "--from", &schema.url(), "--to", &back]);
    let test_site = test_site.with("BANTIN_STORE__URL", back.clone());
    assert_eq!(given(&test_site), before);
    let serving = test_site.serve();
    let found = serving.get("/api/articles?q=dak%20tram&limit=100").text();
    assert_eq!(found.matches("của xã Đăk Trăm\"").count(), 59, "all but the corrected one: {found}");

    // Nothing is overwritten.
    let refused = test_site.run(&["migrate", "--from", &file, "--to", &schema.url()]);
    assert_eq!(refused.status.code(), Some(1));
    let output = String::from_utf8(refused.stderr).unwrap();
    assert!(output.contains("the target store is not empty"), "{output}");
    drop(serving);
    assert_eq!(given(&test_site), before);
}

#[test]
fn a_backup_is_made_while_serving_and_a_restore_is_a_new_log() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    for schemas in [None, Some((Schema::new(), Schema::new()))] {
        let mut test_site = TestSite::new();
        if let Some((from, _)) = &schemas {
            test_site = test_site.with("BANTIN_STORE__URL", from.url());
        }
        with_history(&test_site);
        let file = test_site.path("bantin.backup");
        let file = file.to_str().unwrap();
        let serving = test_site.serve();
        let before = FEEDS.map(|path| serving.get(path));
        test_site.ok(&["backup", file]);
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "it holds what was withdrawn");
        let refused = test_site.run(&["backup", file]);
        assert_eq!(refused.status.code(), Some(1), "no backup is written over");
        test_site.write("xa-hoi/sau.txt", article("Sau khi sao lưu", "12/05/2023 20:00", "Đoạn mở đầu."));
        wait_until("the newer article", || serving.get("/rss.xml").text().contains("Sau khi sao lưu"));
        serving.stop();
        let kept = std::fs::read(file).unwrap();

        let full = test_site.run(&["restore-backup", file]);
        assert_eq!(full.status.code(), Some(1), "no log is written over");
        let restored = match &schemas {
            Some((_, to)) => TestSite::new().with("BANTIN_STORE__URL", to.url()),
            None => TestSite::new(),
        };
        let restored = without_folder(restored);
        restored.ok(&["restore-backup", file]);
        assert_eq!(std::fs::read(file).unwrap(), kept, "the backup stays as it was written");
        let serving = restored.serve();
        for (path, before) in FEEDS.iter().zip(before) {
            let after = serving.get(path);
            assert_eq!(after.body, before.body, "{path}");
            let log = |tag: &str| tag.trim_matches('"').split_once('.').unwrap().0.to_owned();
            assert_ne!(
                log(&after.etag()),
                log(&before.etag()),
                "numbers of one log are not those of another"
            );
            // A client that only uses `If-Modified-Since` and may hold a version from after the backup gets a new
            // response.
            let since = before.header("last-modified").unwrap().to_owned();
            let send_request = serving.request("GET", path, &[("If-Modified-Since", &since)]);
            assert_eq!(send_request.status, 200, "{path}");
        }
    }
}

#[test]
fn a_growing_log_is_not_moved_and_an_invalid_backup_is_rejected() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    test_site.ok(&["scan"]);
    std::fs::write(test_site.path("none.db"), "no database").unwrap();
    let refused = TestSite::new().run(&["restore-backup", test_site.path("none.db").to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    let nowhere = format!("sqlite:{}", test_site.path("nowhere.db").display());
    let file = format!("sqlite:{}", test_site.path("data/bantin.db").display());
    let refused = test_site.run(&["migrate", "--from", &nowhere, "--to", &file]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(!test_site.path("nowhere.db").exists(), "asking for a log that is not there makes none");
}

#[tokio::test]
async fn a_move_is_verified_by_its_documents_and_names_the_one_that_differs() {
    let test_site = TestSite::new();
    with_history(&test_site);
    let copy = test_site.copied();
    let open = async |test_site: &TestSite| {
        let config = Config::load(Some(&test_site.path("config.toml")), []).unwrap();
        (Store::open(config.store).await.unwrap(), config.render)
    };
    let (one, options) = open(&test_site).await;
    let (other, _) = open(&copy).await;
    let documents = compare(&one, &other, &options, |_, _| {}).await.unwrap();
    assert!(documents > 90, "{documents}");
    other.close().await;

    // One article with the text of another, which no revision number reveals.
    let sql = "UPDATE article SET content_of = (SELECT content_of FROM article WHERE slug <> 'thi-dua' AND state = 'live' LIMIT 1) WHERE slug = 'thi-dua'";
    assert_eq!(execute_sql(&copy.path("data/bantin.db"), sql), 1);
    let (other, _) = open(&copy).await;
    let differs = compare(&one, &other, &options, |_, _| {}).await.unwrap_err().to_string();
    // The first of the pages that show its title: that of a neighbour.
    assert_eq!(differs, "bai-viet/2023/04/27/bai-54.html differs or cannot be rendered");
}

#[tokio::test]
async fn the_metrics_say_when_the_newest_backup_of_this_log_was_begun() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let now = || std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    for schema in [None, Some(Schema::new())] {
        let mut test_site = TestSite::new();
        if let Some(schema) = &schema {
            test_site = test_site.with("BANTIN_STORE__URL", schema.url());
        }
        with_history(&test_site);
        let serving = test_site.serve();
        let backup = || serving.metric("bantin_last_backup_timestamp_seconds");
        assert_eq!(backup(), 0);
        assert_eq!(test_site.run(&["backup", "/dev/null/bantin.backup"]).status.code(), Some(1));
        let (began, file) = (now(), |name| test_site.path(name).to_str().unwrap().to_owned());
        test_site.ok(&["backup", &file("first.backup")]);
        let ended = now();
        wait_until("a service that knows of the backup", || backup() > 0);
        assert!((began..=ended).contains(&backup()), "{began} {} {ended}", backup());

        // The second backup knows of the first, but what is restored from it is another log.
        test_site.ok(&["backup", &file("second.backup")]);
        let restored = without_folder(TestSite::new());
        restored.ok(&["restore-backup", &file("second.backup")]);
        let config = Config::load(Some(&restored.path("config.toml")), []).unwrap();
        let store = Store::open(config.store).await.unwrap();
        assert_eq!(store.last_backup().await.unwrap(), None);
        store.close().await;
    }
}

#[test]
fn leftovers_of_a_killed_backup_are_removed_but_not_those_of_a_running_one() {
    use std::os::unix::fs::PermissionsExt as _;
    let test_site = TestSite::new();
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    test_site.ok(&["scan"]);
    let (abandoned, running) =
        (test_site.path(".bantin-backupAAAAAA"), test_site.path(".bantin-backupBBBBBB"));
    for folder in [&abandoned, &running] {
        std::fs::create_dir(folder).unwrap();
        std::fs::write(folder.join("backup.db"), "x").unwrap();
    }
    let held = std::fs::File::open(&running).unwrap();
    held.lock().unwrap();
    let file = test_site.path("backup.db");
    test_site.ok(&["backup", file.to_str().unwrap()]);
    assert!(!abandoned.exists() && running.exists());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_migration_that_was_killed_while_it_compared_is_repeated() {
    let test_site = TestSite::new();
    with_history(&test_site);
    let url = |name: &str| format!("sqlite:{}", test_site.path(name).display());
    let (from, to) = (url("data/bantin.db"), url("data/to.db"));
    let migrate = ["migrate", "--from", &from, "--to", &to];
    test_site.ok(&migrate);
    let again = test_site.run(&migrate);
    assert!(String::from_utf8(again.stderr).unwrap().contains("compared, all identical"));
    test_site.write("xa-hoi/nua.txt", article("Bài nữa", "13/05/2023 08:00", "Đoạn mở đầu."));
    test_site.ok(&["scan"]);
    let refused = test_site.run(&migrate);
    assert!(String::from_utf8(refused.stderr).unwrap().contains("the target store is not empty"));
}

#[test]
fn a_damaged_backup_is_found_and_not_restored() {
    let test_site = TestSite::new();
    with_history(&test_site);
    let file = test_site.path("bantin.backup");
    let name = file.to_str().unwrap();
    test_site.ok(&["backup", name]);
    assert!(test_site.ok(&["verify", name]).contains("is intact, SHA-256 "));
    let absent = String::from_utf8(test_site.run(&["verify", "absent"]).stderr).unwrap();
    assert_eq!(absent, "bantin: reading absent: No such file or directory (os error 2)\n");
    let shown: serde_json::Value = serde_json::from_str(&test_site.ok(&["verify", name, "--json"])).unwrap();
    assert_eq!(shown["intact"], true);
    let whole = std::fs::read(&file).unwrap();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        bytes
    };
    let last = whole.len() - 1;
    let damaged = [0, 18, whole.len() / 3, whole.len() / 2, last - 100, last - 80, last - 10, last]
        .map(flipped)
        .into_iter()
        .chain([
            whole[..last].to_vec(),
            whole[..whole.len() / 2].to_vec(),
            [&whole[..], b"x"].concat(),
            Vec::new(),
        ]);
    let restored = without_folder(TestSite::new());
    for (number, bytes) in damaged.enumerate() {
        std::fs::write(&file, bytes).unwrap();
        for arguments in [["verify", name], ["restore-backup", name]] {
            let refused = restored.run(&arguments);
            let message = String::from_utf8(refused.stderr).unwrap();
            assert_eq!(refused.status.code(), Some(1), "{number} {arguments:?} {message}");
            assert!(message.contains("damaged") && message.contains(name), "{number} {message}");
        }
    }
    assert!(!restored.path("data/bantin.db").exists(), "nothing was restored");
    std::fs::write(&file, whole).unwrap();
    restored.ok(&["restore-backup", name]);
    assert!(restored.path("data/bantin.db").exists());
}

#[test]
fn only_the_newest_backups_are_kept() {
    let test_site = TestSite::new();
    with_history(&test_site);
    let folder = test_site.path("backups");
    std::fs::create_dir(&folder).unwrap();
    let own = [
        "bantin-20200101T000000Z.backup",
        "bantin-20210101T000000Z.backup",
        "bantin-20220101T000000Z.backup",
    ];
    let others = ["bantin-before-upgrade.backup", "notes.txt", "bantin-20200101T000000Z.backup.copy"];
    for name in own.iter().chain(&others) {
        std::fs::write(folder.join(name), "x").unwrap();
    }
    test_site.ok(&["backup", folder.to_str().unwrap(), "--keep", "2"]);
    let mut left: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !others.contains(&name.as_str()))
        .collect();
    left.sort();
    assert_eq!((left.len(), left[0].as_str()), (2, own[2]));
    test_site.ok(&["verify", folder.join(&left[1]).to_str().unwrap()]);
    for name in others {
        assert!(folder.join(name).exists(), "{name}");
    }
    for wrong in [
        &["backup", folder.to_str().unwrap()][..],
        &["backup", folder.join("notes.txt").to_str().unwrap(), "--keep", "2"],
    ] {
        assert_eq!(test_site.run(wrong).status.code(), Some(1), "{wrong:?}");
    }
    assert_eq!(test_site.run(&["backup", folder.to_str().unwrap(), "--keep", "0"]).status.code(), Some(2));
}

#[test]
fn backups_under_load_are_intact_and_restore_what_was_acknowledged_before_them() {
    let test_site = TestSite::new();
    with_history(&test_site);
    let bearer = format!("Bearer {}", test_site.ok(&["token", "new", "Tải"]).trim());
    let serving = test_site.serve();
    let (address, stop) = (serving.address(), std::sync::atomic::AtomicBool::new(false));
    let acknowledged = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let headers = [("Authorization", bearer.as_str()), ("Content-Type", "text/plain; charset=utf-8")];
            for number in 0.. {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
                let title = format!("Bài trong lúc sao lưu {number}");
                let text = article(&title, "13/05/2023 08:00", "Đoạn mở đầu.");
                let path = "/api/articles?channel=xa-hoi";
                let answer = crate::support::send(address, "POST", path, &headers, text.as_bytes());
                assert_eq!(answer.status, 201, "{}", answer.text());
                acknowledged.lock().unwrap().push(title);
            }
        });
        for round in 0..4 {
            let count = || acknowledged.lock().unwrap().len();
            wait_until("some writes", || count() >= (round + 1) * 10);
            let before = acknowledged.lock().unwrap().clone();
            let file = test_site.path(&format!("{round}.backup"));
            let file = file.to_str().unwrap();
            test_site.ok(&["backup", file]);
            let restored = without_folder(TestSite::new());
            restored.ok(&["verify", file]);
            restored.ok(&["restore-backup", file]);
            let listed = restored.ok(&["list"]);
            for title in before {
                assert_eq!(listed.matches(&format!("{title}\n")).count(), 1, "{title} in\n{listed}");
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn a_backup_goes_where_it_was_asked_for_and_only_a_file_is_verified() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    test_site.ok(&["scan"]);
    let at = |name: &str| test_site.path(name).display().to_string();
    // A link to a disk that is not mounted.
    std::os::unix::fs::symlink(test_site.path("disk/newest.backup"), test_site.path("newest.backup"))
        .unwrap();
    let refused = test_site.run(&["backup", &at("newest.backup")]);
    assert!(String::from_utf8(refused.stderr).unwrap().contains("newest.backup already exists"));
    assert!(test_site.path("newest.backup").is_symlink());

    test_site.ok(&["backup", &at("one.backup")]);
    let made = std::process::Command::new("mkfifo").arg(test_site.path("pipe")).status().unwrap();
    assert!(made.success());
    std::fs::create_dir(test_site.path("folder")).unwrap();
    for name in ["pipe", "folder", "/dev/zero"] {
        for command in ["verify", "restore-backup"] {
            let refused = test_site.run(&[command, &at(name)]);
            let message = String::from_utf8(refused.stderr).unwrap();
            assert_eq!(refused.status.code(), Some(1), "{command} {name}");
            assert!(message.contains(name) && message.contains("it is no file; name the file"), "{message}");
        }
    }
}

#[test]
fn health_tells_whether_the_service_is_ready() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    let serving = test_site.serve();
    let log = serving.log();
    let admin = log.split_once("metrics       http://").unwrap().1.split('/').next().unwrap().to_owned();
    let test_site = test_site.with("BANTIN_SERVER__ADMIN", admin);
    assert!(test_site.ok(&["health"]).contains("\"ready\":true"));
    assert_eq!(test_site.ok(&["health", "-q"]), "");
    assert!(serving.stop());
    let refused = test_site.run(&["health"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("no answer from"));
}

//! Backups, restores, and migrations of a whole log between engines.

mod support;

use bantin::config::Config;
use bantin::export::compare;
use bantin::store::Store;
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use support::postgres::Schema;
use support::requirement::{Requirement, is_missing};
use support::{SAMPLE_ARTICLE, TestSite, article, wait_until};

const FEEDS: [&str; 6] =
    ["/rss.xml", "/atom.xml", "/feed.json", "/xa-hoi/rss.xml", "/xa-hoi/atom.xml", "/xa-hoi/feed.json"];

/// A site with history: articles in several channels and days, one corrected, one withdrawn, one scheduled,
/// sealed pages, an image.
fn with_history(house: &TestSite) {
    house.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    for number in 0..60 {
        let title = format!("Bài số {number} của xã Đăk Trăm");
        let stamp = format!("{:02}/04/2023 08:{:02}", number % 28 + 1, number);
        let folder = ["xa-hoi", "Đất & Người"][number % 2];
        house.write(&format!("{folder}/bai-{number}.txt"), article(&title, &stamp, "Đoạn mở đầu."));
    }
    let picture = include_bytes!("../feeds/kinh-te/gia-ca-phe-dau-vu.jpg");
    house.write("xa-hoi/bai-2.jpg", picture);
    house.write("xa-hoi/mai.txt", article("Ngày mai", "12/05/2027 08:00", "Đoạn mở đầu."));
    house.ok(&["scan"]);
    house.write("xa-hoi/bai-4.txt", article("Bài số 4, sửa", "05/04/2023 08:04", "Đoạn mở đầu đã sửa."));
    house.ok(&["scan"]);
    let id = "tag:dakto.example,2023:2023-04-07/bai-6";
    house.ok(&["withdraw", id, "--reason", "sai tin"]);
    house.ok(&["token", "new", "Văn phòng"]);
}

/// What readers receive: the bytes and ETag of each feed.
fn given(house: &TestSite) -> Vec<(String, Vec<u8>)> {
    let serving = house.serve();
    let given = FEEDS.iter().map(|path| serving.get(path));
    given.map(|answer| (answer.etag(), answer.body)).collect()
}

fn without_folder(house: TestSite) -> TestSite {
    // Only the log counts.
    house.with("BANTIN_FOLDER__WATCH", "off")
}

#[test]
fn a_log_moves_to_postgres_and_back_with_every_document_and_validator() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let house = TestSite::new();
    with_history(&house);
    let before = given(&house);
    let schema = Schema::new();
    let file = format!("sqlite:{}", house.path("data/bantin.db").display());
    let moved = house.run(&["migrate", "--from", &file, "--to", &schema.url()]);
    let told = String::from_utf8(moved.stderr).unwrap();
    assert!(moved.status.success(), "{told}");
    assert!(told.contains("documents compared, all identical"), "{told}");
    let house = without_folder(house).with("BANTIN_STORE__URL", schema.url());
    assert_eq!(given(&house), before);
    assert_eq!(house.ok(&["token", "list"]).matches("Văn phòng").count(), 1);

    // Writes made there come back as well.
    house.ok(&["restore", "tag:dakto.example,2023:2023-04-07/bai-6"]);
    let before = given(&house);
    let back = house.path("data/back.db");
    let back = format!("sqlite:{}", back.display());
    house.ok(&["migrate", "--from", &schema.url(), "--to", &back]);
    let house = house.with("BANTIN_STORE__URL", back.clone());
    assert_eq!(given(&house), before);
    let serving = house.serve();
    let found = serving.get("/api/articles?q=dak%20tram&limit=100").text();
    assert_eq!(found.matches("của xã Đăk Trăm\"").count(), 59, "all but the corrected one: {found}");

    // Nothing is overwritten.
    let refused = house.run(&["migrate", "--from", &file, "--to", &schema.url()]);
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("the target store is not empty"), "{told}");
    drop(serving);
    assert_eq!(given(&house), before);
}

#[test]
fn a_backup_is_made_while_serving_and_a_restore_is_a_new_log() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    for schemas in [None, Some((Schema::new(), Schema::new()))] {
        let mut house = TestSite::new();
        if let Some((from, _)) = &schemas {
            house = house.with("BANTIN_STORE__URL", from.url());
        }
        with_history(&house);
        let file = house.path("bantin.backup");
        let file = file.to_str().unwrap();
        let serving = house.serve();
        let before = FEEDS.map(|path| serving.get(path));
        house.ok(&["backup", file]);
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "it holds what was withdrawn");
        let refused = house.run(&["backup", file]);
        assert_eq!(refused.status.code(), Some(1), "no backup is written over");
        house.write("xa-hoi/sau.txt", article("Sau khi sao lưu", "12/05/2023 20:00", "Đoạn mở đầu."));
        wait_until("the newer article", || serving.get("/rss.xml").text().contains("Sau khi sao lưu"));
        serving.stop();
        let kept = std::fs::read(file).unwrap();

        let full = house.run(&["restore-backup", file]);
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
            let asked = serving.request("GET", path, &[("If-Modified-Since", &since)]);
            assert_eq!(asked.status, 200, "{path}");
        }
    }
}

#[test]
fn a_growing_log_is_not_moved_and_an_invalid_backup_is_rejected() {
    let house = TestSite::new();
    house.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    house.ok(&["scan"]);
    std::fs::write(house.path("none.db"), "no database").unwrap();
    let refused = TestSite::new().run(&["restore-backup", house.path("none.db").to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    let nowhere = format!("sqlite:{}", house.path("nowhere.db").display());
    let file = format!("sqlite:{}", house.path("data/bantin.db").display());
    let refused = house.run(&["migrate", "--from", &nowhere, "--to", &file]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(!house.path("nowhere.db").exists(), "asking for a log that is not there makes none");
}

#[tokio::test]
async fn a_move_is_verified_by_its_documents_and_names_the_one_that_differs() {
    let house = TestSite::new();
    with_history(&house);
    let copy = house.copied();
    let open = async |house: &TestSite| {
        let config = Config::load(Some(&house.path("config.toml")), []).unwrap();
        (Store::open(config.store).await.unwrap(), config.render)
    };
    let (one, options) = open(&house).await;
    let (other, _) = open(&copy).await;
    let documents = compare(&one, &other, &options, |_, _| {}).await.unwrap();
    assert!(documents > 90, "{documents}");
    other.close().await;

    // A word in the stored text of one article, which no revision number reveals.
    let file = format!("sqlite:{}", copy.path("data/bantin.db").display());
    let mut connection = SqliteConnection::connect(&file).await.unwrap();
    let sql =
        "UPDATE article SET content = replace(content, 'phát động', 'phat dong') WHERE slug = 'thi-dua'";
    assert_eq!(connection.execute(sql).await.unwrap().rows_affected(), 1);
    connection.close().await.unwrap();
    let (other, _) = open(&copy).await;
    let differs = compare(&one, &other, &options, |_, _| {}).await.unwrap_err().to_string();
    assert_eq!(differs, "bai-viet/2023/05/12/thi-dua.html differs, or cannot be printed");
}

#[test]
fn leftovers_of_a_killed_backup_are_removed_but_not_those_of_a_running_one() {
    use std::os::unix::fs::PermissionsExt as _;
    let house = TestSite::new();
    house.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    house.ok(&["scan"]);
    let (abandoned, running) = (house.path(".bantin-backupAAAAAA"), house.path(".bantin-backupBBBBBB"));
    for folder in [&abandoned, &running] {
        std::fs::create_dir(folder).unwrap();
        std::fs::write(folder.join("backup.db"), "x").unwrap();
    }
    let held = std::fs::File::open(&running).unwrap();
    held.lock().unwrap();
    let file = house.path("backup.db");
    house.ok(&["backup", file.to_str().unwrap()]);
    assert!(!abandoned.exists() && running.exists());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_migration_that_was_killed_while_it_compared_is_repeated() {
    let house = TestSite::new();
    with_history(&house);
    let url = |name: &str| format!("sqlite:{}", house.path(name).display());
    let (from, to) = (url("data/bantin.db"), url("data/to.db"));
    let migrate = ["migrate", "--from", &from, "--to", &to];
    house.ok(&migrate);
    let again = house.run(&migrate);
    assert!(String::from_utf8(again.stderr).unwrap().contains("compared, all identical"));
    house.write("xa-hoi/nua.txt", article("Bài nữa", "13/05/2023 08:00", "Đoạn mở đầu."));
    house.ok(&["scan"]);
    let refused = house.run(&migrate);
    assert!(String::from_utf8(refused.stderr).unwrap().contains("the target store is not empty"));
}

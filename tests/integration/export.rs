//! The static site export: what a build guarantees to readers, to operators and to web servers.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use crate::support::requirement::{Requirement, is_missing};
use crate::support::{
    HttpResponse, RunningServer, SAMPLE_ARTICLE, TestSite, article, execute_sql, free_port, request,
    wait_until,
};

const WITHDRAWN: &str = "bai-viet/2023/03/07/bai-6";

/// A site with a history: several channels and months, a corrected, a withdrawn and a moved article, archive pages,
/// an image.
fn with_history(test_site: TestSite) -> TestSite {
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    for number in 0..70 {
        let title = format!("Bài số {number} của xã “Đăk Trăm” & lân cận <1>");
        let (day, month, hour, minute) = (number % 28 + 1, 3 + number % 2, 8 + number / 60, number % 60);
        let stamp = format!("{day:02}/{month:02}/2023 {hour:02}:{minute:02}");
        let folder = ["xa-hoi", "Đất & Người"][number % 2];
        test_site.write(&format!("{folder}/bai-{number}.txt"), article(&title, &stamp, "Đoạn mở đầu."));
    }
    let picture = include_bytes!("../../feeds/kinh-te/gia-ca-phe-dau-vu.jpg");
    test_site.write("xa-hoi/bai-2.jpg", picture);
    test_site.ok(&["scan"]);
    test_site.write("xa-hoi/bai-4.txt", article("Bài số 4, sửa", "05/04/2023 08:04", "Đoạn mở đầu đã sửa."));
    test_site.rename("xa-hoi/bai-8.txt", "kinh-te/bai-8.txt");
    test_site.ok(&["scan"]);
    test_site.ok(&["withdraw", "tag:dakto.example,2023:2023-03-07/bai-6", "--reason", "sai tin"]);
    test_site
}

/// Builds into a directory of the site; returns the JSON report.
fn built(test_site: &TestSite, folder: &str) -> serde_json::Value {
    let out = test_site.path(folder);
    serde_json::from_str(&test_site.ok(&["build", "--json", "--out", out.to_str().unwrap()])).unwrap()
}

/// All served files below a directory, by path.
fn tree(root: &Path) -> BTreeMap<String, PathBuf> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            match entry.file_type().unwrap().is_dir() {
                true => walk(root, &path, found),
                false => {
                    let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                    found.insert(name, path);
                }
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    assert!(found.len() > 20, "only {} files below {}", found.len(), root.display());
    found
}

fn seconds(path: &Path) -> u64 {
    fs::metadata(path).unwrap().modified().unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Names, bytes and dates of all files.
fn content(root: &Path) -> BTreeMap<String, (Vec<u8>, u64)> {
    let read = |path: PathBuf| (fs::read(&path).unwrap(), seconds(&path));
    tree(root).into_iter().map(|(name, path)| (name, read(path))).collect()
}

fn assert_equal(one: &Path, other: &Path) {
    let (one, other) = (content(one), content(other));
    let (names, others): (Vec<_>, Vec<_>) = (one.keys().collect(), other.keys().collect());
    assert_eq!(names, others);
    for (name, (bytes, date)) in &one {
        assert!(bytes == &other[name].0, "{name} has other bytes");
        assert_eq!(*date, other[name].1, "{name} has another date");
    }
}

/// The URL path of a file.
fn address(file: &str) -> Option<String> {
    if file.starts_with(".bantin/") || file == "404.html" || file.ends_with(".gz") || file.ends_with(".br") {
        return None;
    }
    let folder = file.strip_suffix("index.html").map(|folder| format!("/{folder}"));
    Some(folder.unwrap_or_else(|| format!("/{}", file.strip_suffix(".html").unwrap_or(file))))
}

#[test]
fn files_equal_the_responses_of_the_service_in_bytes_and_dates() {
    let test_site = TestSite::new();
    let long: String = (0..6000_u32).map(|n| format!("{} ", n.wrapping_mul(2_654_435_761))).collect();
    test_site.write("kinh-te/dai.txt", article("Số liệu", "02/03/2023 08:00", &long));
    let test_site = with_history(test_site);
    let report = built(&test_site, "public");
    assert_eq!(report["written"], report["documents"]);
    let root = test_site.path("public");
    let serving = test_site.serve();
    serving.settled("/rss.xml");
    let (mut compared, mut with_brotli) = (0, 0);
    for (file, path) in tree(&root) {
        let Some(address) = address(&file) else { continue };
        let bytes = fs::read(&path).unwrap();
        let packed = [".gz", ".br"].map(|ending| fs::read(root.join(format!("{file}{ending}"))).ok());
        for (packed, unpack) in packed.iter().zip([gunzip as fn(&[u8]) -> Vec<u8>, unbrotli]) {
            let is_good = |packed: &Vec<u8>| packed.len() < bytes.len() && unpack(packed) == bytes;
            assert!(packed.as_ref().is_none_or(is_good), "{file}");
        }
        let [gzip, brotli] = packed.map(|packed| packed.map(|bytes| bytes.len()));
        assert!(gzip.is_some() || bytes.len() < 500 || file.ends_with(".jpg"), "{file} has no gzip form");
        // Brotli only where it makes a difference: for documents that are requested often and exceed the first flight.
        let is_long = gzip.is_some_and(|gzip| gzip > 14_600) && !address.contains("/archive/");
        assert!(brotli.is_none() || is_long, "{file} has a Brotli form");
        assert!(brotli.is_some() || !is_long, "{file} has no Brotli form");
        with_brotli += usize::from(brotli.is_some());
        if address == "/tim-kiem" {
            continue;
        }
        let answer = serving.get(&address);
        assert_eq!(answer.status, 200, "{address}");
        assert!(answer.body == bytes, "{address} is served otherwise");
        let dated = httpdate::parse_http_date(answer.header("last-modified").unwrap()).unwrap();
        assert_eq!(dated.duration_since(UNIX_EPOCH).unwrap().as_secs(), seconds(&path), "{address}");
        compared += 1;
    }
    println!("{compared} documents compared");
    assert!(compared > 100 && with_brotli > 3, "{compared}, {with_brotli}");
    // And every document that the service lists exists.
    let locations = serving.get("/sitemap.xml").text();
    let locations: Vec<&str> = locations
        .split("<loc>http://127.0.0.1:8080")
        .skip(1)
        .map(|rest| &rest[..rest.find('<').unwrap()])
        .collect();
    assert!(locations.len() > 60, "{locations:?}");
    for location in locations {
        assert!(file_of(&root, location).exists(), "{location}");
    }
    let gone = fs::read(root.join(format!(".bantin/gone/{WITHDRAWN}.html"))).unwrap();
    let message = serving.get(&format!("/{WITHDRAWN}"));
    assert_eq!((message.status, message.body == gone), (410, true));
    assert!(!root.join(format!("{WITHDRAWN}.html")).exists());
}

#[test]
fn the_same_log_gives_the_same_files_from_every_store() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let test_site = with_history(TestSite::new()).with("BANTIN_FOLDER__WATCH", "off");
    built(&test_site, "public");
    let schema = crate::support::postgres::Schema::new();
    let file = format!("sqlite:{}", test_site.path("data/bantin.db").display());
    test_site.ok(&["migrate", "--from", &file, "--to", &schema.url()]);
    let test_site = test_site.with("BANTIN_STORE__URL", schema.url());
    built(&test_site, "from-postgres");
    assert_equal(&test_site.path("public"), &test_site.path("from-postgres"));
    let report = built(&test_site, "public");
    assert_eq!(report["written"], 0, "nor is anything written over what the other has built");
}

fn file_of(root: &Path, address: &str) -> PathBuf {
    match address.ends_with('/') {
        true => root.join(format!("{}index.html", &address[1..])),
        false => root.join(format!("{}.html", &address[1..])),
    }
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    plain
}

fn unbrotli(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    brotli::Decompressor::new(bytes, 4096).read_to_end(&mut plain).unwrap();
    plain
}

#[test]
fn a_second_build_writes_only_changes_and_equals_a_fresh_one() {
    let test_site = with_history(TestSite::new());
    built(&test_site, "public");
    let root = test_site.path("public");
    let again = built(&test_site, "public");
    assert_eq!((&again["written"], &again["removed"]), (&0.into(), &0.into()));
    let inodes = |root: &Path| -> BTreeMap<String, u64> {
        tree(root).into_iter().map(|(name, path)| (name, fs::metadata(path).unwrap().ino())).collect()
    };
    let before = inodes(&root);

    test_site.write("kinh-te/moi.txt", article("Bài mới nhất", "13/05/2023 08:00", "Đoạn mở đầu."));
    test_site.ok(&["scan"]);
    let report = built(&test_site, "public");
    let after = inodes(&root);
    let rewritten: Vec<&String> =
        after.iter().filter(|(name, inode)| before.get(*name) != Some(inode)).map(|(name, _)| name).collect();
    let of_others: Vec<_> = rewritten
        .iter()
        .filter(|name| {
            name.starts_with("xa-hoi/") || name.starts_with("dat-nguoi/") || name.starts_with("assets/")
        })
        .collect();
    assert!(of_others.is_empty(), "another channel's files were written: {of_others:?}");
    let articles: Vec<_> = rewritten.iter().filter(|name| name.starts_with("bai-viet/")).collect();
    assert_eq!(articles.len(), 4, "the article and the one before it, as they are and in gzip: {articles:?}");
    assert!(report["written"].as_u64().unwrap() < 25, "{report}");

    // A correction, a move, a withdrawal, a file that is damaged and one that is lost.
    test_site
        .write("xa-hoi/bai-10.txt", article("Bài số 10, sửa", "11/03/2023 08:10", "Đoạn mở đầu đã sửa."));
    test_site.rename("xa-hoi/bai-12.txt", "Đất & Người/bai-12.txt");
    test_site.remove("xa-hoi/bai-2.txt");
    test_site.remove("xa-hoi/bai-2.jpg");
    fs::write(root.join("xa-hoi/atom.xml"), "hỏng").unwrap();
    fs::remove_file(root.join("opml.xml.gz")).unwrap();
    fs::write(root.join("google1234.html"), "của người khác").unwrap();
    test_site.ok(&["scan"]);
    let report = built(&test_site, "public");
    assert!(report["removed"].as_u64().unwrap() >= 2, "the article and its picture: {report}");
    assert_eq!(fs::read_to_string(root.join("google1234.html")).unwrap(), "của người khác");
    fs::remove_file(root.join("google1234.html")).unwrap();
    built(&test_site, "fresh");
    assert_equal(&root, &test_site.path("fresh"));

    // A changed configuration changes every document.
    let test_site = test_site.with("BANTIN_SITE__TITLE", "Xã Đăk Tô").with("BANTIN_SITE__COLOUR", "#004488");
    let report = built(&test_site, "public");
    assert!(report["written"].as_u64().unwrap() > 100, "{report}");
    built(&test_site, "fresh-again");
    assert_equal(&root, &test_site.path("fresh-again"));
}

#[test]
fn a_damaged_image_keeps_no_other_document_from_being_built() {
    let test_site = with_history(TestSite::new());
    let root = test_site.path("public");
    let damage = |bytes: &str| {
        let sql =
            format!("UPDATE picture SET bytes = {bytes} WHERE name = (SELECT MIN(picture) FROM picture_use)");
        assert_eq!(execute_sql(&test_site.path("data/bantin.db"), &sql), 1);
    };
    damage("CAST(substr(bytes, 1, 99) || X'42' || substr(bytes, 101) AS BLOB)");
    let out = root.to_str().unwrap();
    let output = test_site.run(&["build", "--json", "--out", out]);
    let message = String::from_utf8(output.stderr).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert_eq!(report["faults"], 1, "{report}");
    let image = message.lines().find(|line| line.contains(".jpg")).unwrap_or_else(|| panic!("{message}"));
    assert!(
        image.contains("file=media/") && image.contains("tag:dakto.example,2023:2023-03-03/bai-2"),
        "{image}"
    );
    assert!(image.contains("restore a backup"), "{image}");
    for document in ["rss.xml", "bai-viet/2023/03/03/bai-2/index.html", "xa-hoi/atom.xml", "index.html"] {
        assert!(
            root.join(document).exists() || root.join(document.replace("/index", "")).exists(),
            "{document}"
        );
    }
    // The next build tries it again.
    let output = test_site.run(&["build", "--json", "--out", out]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["faults"]), (Some(1), &1.into()), "{report}");
}

#[test]
fn a_build_without_compression_has_the_same_documents_and_can_be_changed_into_one_with() {
    let test_site = with_history(TestSite::new());
    let root = test_site.path("public");
    test_site.ok(&["build", "--no-compress", "--out", root.to_str().unwrap()]);
    let is_packed = |file: &String| file.ends_with(".gz") || file.ends_with(".br");
    let plain = content(&root);
    assert!(plain.len() > 100 && !plain.keys().any(is_packed));
    let inode = fs::metadata(root.join("rss.xml")).unwrap().ino();

    built(&test_site, "public");
    built(&test_site, "fresh");
    assert_equal(&root, &test_site.path("fresh"));
    assert_eq!(fs::metadata(root.join("rss.xml")).unwrap().ino(), inode, "nothing is written twice");
    assert_eq!(built(&test_site, "public")["written"], 0);

    let unpacked = content(&root).into_iter().filter(|(file, _)| !is_packed(file));
    let documents = |files: &BTreeMap<String, (Vec<u8>, u64)>| {
        files
            .iter()
            .filter(|(file, _)| *file != ".bantin/manifest")
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    };
    let (one, other): (Vec<_>, Vec<_>) = (documents(&plain), documents(&unpacked.collect()));
    assert!(one == other);
    test_site.ok(&["build", "--no-compress", "--out", root.to_str().unwrap()]);
    assert!(content(&root) == plain, "the compressed files are removed");
}

#[test]
fn every_change_changes_the_date_of_a_feed_however_soon_it_follows() {
    let test_site = TestSite::new().with("BANTIN_FOLDER__WATCH", "off");
    let root = test_site.path("public");
    let mut dates = Vec::new();
    for number in 0..4 {
        let file = test_site.path(&format!("bai-{number}.txt"));
        fs::write(&file, article(&format!("Bài {number}"), "13/05/2023 08:00", "Đoạn mở đầu.")).unwrap();
        test_site.ok(&["publish", file.to_str().unwrap(), "--channel", "xa-hoi"]);
        built(&test_site, "public");
        dates.push(seconds(&root.join("xa-hoi/rss.xml")));
    }
    assert!(dates.is_sorted_by(|one, other| one < other), "{dates:?}");
}

#[test]
fn a_build_that_is_killed_at_any_moment_is_repaired_by_the_next() {
    let mut test_site = with_history(TestSite::new()).with("BANTIN_FOLDER__WATCH", "off");
    let root = test_site.path("public");
    let noted = |root: &Path| fs::metadata(root.join(".bantin/manifest")).map(|manifest| manifest.ino()).ok();
    let mut cut_off = 0;
    for round in 0..12 {
        // Everything must be written again, and files of the interrupted build must go.
        test_site = test_site.with("BANTIN_SITE__TITLE", format!("Huyện Đăk Tô {round}"));
        let number = 14 + round * 2;
        test_site.ok(&[
            "withdraw",
            &format!("tag:dakto.example,2023:2023-03-{:02}/bai-{number}", number % 28 + 1),
        ]);
        let before = noted(&root);
        let mut building = test_site.start(&["build", "--out", root.to_str().unwrap()]);
        if round > 0 {
            wait_until("the build to begin", || noted(&root) != before);
        }
        std::thread::sleep(Duration::from_millis(round * 12));
        let _ = building.kill();
        cut_off += u64::from(!building.wait().unwrap().success());
    }
    println!("{cut_off} builds were cut off");
    assert!(cut_off > 5, "{cut_off}");
    built(&test_site, "public");
    built(&test_site, "fresh");
    assert_equal(&root, &test_site.path("fresh"));
}

/// A disk whose journal is committed on every sync, while data is written back at any time: the worst case that a file
/// system allows.
struct Ext4 {
    folder: tempfile::TempDir,
}

impl Ext4 {
    fn new() -> Self {
        let disk = Self { folder: tempfile::tempdir().unwrap() };
        fs::File::create(disk.image()).unwrap().set_len(48 << 20).unwrap();
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap());
        done(
            Command::new("mkfs.ext4")
                .env("PATH", path)
                .args(["-q", "-F", "-E", "lazy_itable_init=0"])
                .arg(disk.image()),
        );
        disk.mount();
        disk
    }

    /// NOTE: without the right to mount, the test fails. A skipped test would say nothing about power failures.
    fn mount(&self) {
        fs::create_dir_all(self.path("")).unwrap();
        let options = "loop,data=writeback,noauto_da_alloc,commit=1";
        done(crate::support::as_root("mount").args(["-o", options]).arg(self.image()).arg(self.path("")));
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("disk").join(path)
    }

    /// The disk as it would be after a power failure now.
    fn cut(&self) -> Self {
        fs::File::create(self.path("committed")).unwrap().sync_all().unwrap();
        let cut = Self { folder: tempfile::tempdir().unwrap() };
        let mut image = fs::read(self.image()).unwrap();
        wait_until("the disk to be still", || {
            let before = std::mem::replace(&mut image, fs::read(self.image()).unwrap());
            before == image
        });
        fs::write(cut.image(), image).unwrap();
        cut.mount();
        cut
    }
}

impl Drop for Ext4 {
    fn drop(&mut self) {
        let _ =
            crate::support::as_root("umount").arg("--lazy").arg(self.path("")).stderr(Stdio::null()).status();
    }
}

fn done(command: &mut Command) {
    let done = command.status().is_ok_and(|status| status.success());
    assert!(done, "{command:?}: this story needs e2fsprogs, loop devices and the right to mount (SYS_ADMIN)");
}

#[test]
fn a_power_failure_at_any_moment_leaves_no_partial_file_and_no_dead_link() {
    let test_site = with_history(TestSite::new()).with("BANTIN_FOLDER__WATCH", "off");
    let disk = Ext4::new();
    let root = disk.path("public");
    let (mut states, mut cuts, mut looked) = (Vec::new(), 0, 0);
    let mut test_site = test_site;
    for round in 0..2 {
        test_site = test_site.with("BANTIN_SITE__TITLE", format!("Huyện Đăk Tô {round}"));
        built(&test_site, "expected");
        let expected = tree(&test_site.path("expected"));
        states.push(expected.into_iter().map(|(name, path)| (name, fs::read(path).unwrap())).collect());
        let states: &[BTreeMap<String, Vec<u8>>] = &states;
        let mut building = test_site.start(&["build", "--out", root.to_str().unwrap()]);
        let pid = rustix::process::Pid::from_child(&building);
        // At a rename, the bytes of the file may still be missing.
        let named = || {
            ["favicon.ico", "404.html", "bai-viet/2023/03/03/bai-2.html", ".bantin/manifest", "rss.xml"]
                .map(|file| fs::metadata(root.join(file)).map(|file| file.ino()).ok())
        };
        let mut before = named();
        while building.try_wait().unwrap().is_none() {
            if before == named() {
                std::thread::yield_now();
                continue;
            }
            before = named();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::STOP);
            let cut = disk.cut();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::CONT);
            looked += assert_whole(&cut, states);
            cuts += 1;
        }
        assert!(building.wait().unwrap().success());
    }
    println!("{cuts} power cuts, {looked} files");
    assert!(cuts >= 4 && looked > 300, "{cuts} power cuts, {looked} files");

    // The last state is a complete build, and the next build continues from any state.
    let cut = disk.cut();
    test_site.ok(&["build", "--out", cut.path("public").to_str().unwrap()]);
    assert_equal(&cut.path("public"), &test_site.path("expected"));
}

/// Each file of a site has the bytes of one of the builds. Returns the number of files.
fn assert_whole(disk: &Ext4, states: &[BTreeMap<String, Vec<u8>>]) -> usize {
    let root = disk.path("public");
    let mut looked = 0;
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().map(Result::unwrap) {
            let path = entry.path();
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            if entry.file_type().unwrap().is_dir() {
                folders.extend((name != ".bantin/under-way").then_some(path));
            } else if name != ".bantin/manifest" {
                let bytes = fs::read(&path).unwrap();
                let whole = states.iter().any(|state| state.get(&name) == Some(&bytes));
                assert!(whole, "{name} holds {} bytes, and of no build", bytes.len());
                looked += 1;
            }
        }
    }
    let feed = fs::read_to_string(root.join("rss.xml")).unwrap_or_default();
    for link in feed.split("<link>http://127.0.0.1:8080/bai-viet/").skip(1) {
        let page = format!("bai-viet/{}.html", &link[..link.find('<').unwrap()]);
        assert!(root.join(&page).exists(), "{page} is named and is not there");
    }
    looked
}

#[test]
fn during_a_build_every_link_of_a_feed_has_its_target() {
    let test_site = with_history(TestSite::new()).with("BANTIN_FOLDER__WATCH", "off");
    built(&test_site, "public");
    let root = test_site.path("public");
    let ended = AtomicBool::new(false);
    let looked = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looked = 0;
            while !ended.load(Ordering::Relaxed) {
                let feed = fs::read_to_string(root.join("rss.xml")).unwrap();
                let links = feed.split("<link>http://127.0.0.1:8080/bai-viet/").skip(1);
                for link in links.map(|rest| &rest[..rest.find('<').unwrap()]) {
                    let page = format!("bai-viet/{link}.html");
                    let there = root.join(&page).exists() || root.join(".bantin/gone").join(&page).exists();
                    assert!(there, "{page} is named and is not there");
                    looked += 1;
                }
            }
            looked
        });
        for round in 0..6 {
            for number in 0..8 {
                let name = format!("xa-hoi/vong-{round}-{number}.txt");
                test_site.write(
                    &name,
                    article(&format!("Vòng {round} bài {number}"), "13/05/2023 08:00", "Đoạn mở đầu."),
                );
            }
            test_site.ok(&["scan"]);
            test_site.ok(&["withdraw", &format!("tag:dakto.example,2023:2023-05-13/vong-{round}-0")]);
            built(&test_site, "public");
        }
        ended.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert!(looked > 300, "{looked}");
}

#[test]
fn foreign_files_are_never_overwritten_and_two_builds_never_run_at_once() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    let mine = test_site.path("mine");
    fs::create_dir(&mine).unwrap();
    fs::write(mine.join("index.html"), "trang của tôi").unwrap();
    let refused = test_site.run(&["build", "--out", mine.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(message.contains("is not empty and was not created by `bantin build`"), "{message}");
    assert_eq!(fs::read_dir(&mine).unwrap().count(), 1);

    for inside in ["feeds/public", "feeds/xa-hoi/a/b"] {
        let refused = test_site.run(&["build", "--out", test_site.path(inside).to_str().unwrap()]);
        assert_eq!(refused.status.code(), Some(1));
        let message = String::from_utf8(refused.stderr).unwrap();
        assert!(message.contains("is inside the articles folder"), "{message}");
        assert!(!test_site.path(inside).exists());
    }

    built(&test_site, "public");
    let held = fs::File::open(test_site.path("public")).unwrap();
    held.try_lock().unwrap();
    let refused = test_site.run(&["build", "--out", test_site.path("public").to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(message.contains("another `bantin build` is running"), "{message}");
}

#[test]
fn a_build_scans_the_folder_first_and_reports_its_errors() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    test_site.write("xa-hoi/sai.txt", article("Bài sai ngày", "31/02/2023 08:00", "Đoạn mở đầu."));
    let out = test_site.path("public");
    let run = test_site.run(&["build", "--out", out.to_str().unwrap()]);
    let message = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(1), "{message}");
    assert!(message.contains("sai.txt:3: error"), "{message}");
    assert!(
        fs::read_to_string(out.join("rss.xml")).unwrap().contains("thi đua"),
        "what is right is published"
    );
    // With watch = "off" the folder is not scanned.
    test_site.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
    let test_site = test_site.with("BANTIN_FOLDER__WATCH", "off");
    built(&test_site, "public");
    assert!(!fs::read_to_string(out.join("rss.xml")).unwrap().contains("Bài mới"));
}

#[test]
fn a_server_block_is_never_overwritten() {
    let test_site = TestSite::new();
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    built(&test_site, "public");
    let public = test_site.path("public");
    let at = |ending: &str| PathBuf::from(format!("{}{ending}", public.display()));
    let include = fs::read_to_string(at(".nginx.include")).unwrap();
    for (server, include) in [(".nginx.conf", ".nginx.include"), (".Caddyfile", ".caddy.include")] {
        let mut mine = fs::read_to_string(at(server)).unwrap();
        assert!(mine.contains(at(include).to_str().unwrap()), "{mine}");
        mine.push_str("# ssl_certificate của tôi\n");
        fs::write(at(server), mine).unwrap();
    }
    fs::write(at(".caddy.include"), "# hỏng").unwrap();
    let test_site = test_site.with("BANTIN_SITE__URL", "http://127.0.0.1:8080/bantin");
    built(&test_site, "public");
    for server in [".nginx.conf", ".Caddyfile"] {
        assert!(fs::read_to_string(at(server)).unwrap().contains("của tôi"), "{server}");
    }
    assert_ne!(fs::read_to_string(at(".nginx.include")).unwrap(), include);
    assert!(fs::read_to_string(at(".caddy.include")).unwrap().contains("/bantin"));
    // One without the include, as of an older version, is left alone and reported.
    fs::write(at(".nginx.conf"), "server { listen 443 ssl; }\n").unwrap();
    let run = test_site.run(&["build", "--out", test_site.path("public").to_str().unwrap()]);
    let message = String::from_utf8(run.stderr).unwrap();
    assert!(
        run.status.success() && message.contains("public.nginx.conf\n  it does not include"),
        "{message}"
    );
    assert_eq!(fs::read_to_string(at(".nginx.conf")).unwrap(), "server { listen 443 ssl; }\n");
}

#[test]
fn too_long_names_are_shortened_and_a_failed_file_does_not_stop_the_others() {
    let test_site = TestSite::new();
    let text = |title: &str| article(title, "13/05/2023 08:00", "Đoạn mở đầu.");
    let (word, words) = ("d".repeat(248), "thi-đua-".repeat(27));
    test_site.write(&format!("xa-hoi/{word}.txt"), text("Tên dài một từ"));
    test_site.write(&format!("xa-hoi/{}.txt", &words[..words.len() - 1]), text("Tên dài nhiều từ"));
    test_site.write("xa-hoi/ngan.txt", text(&"Tiêu đề dài ".repeat(25)));
    test_site.write(&format!("{}/bai.txt", "Chuyên mục dài ".repeat(13).trim()), text("Kênh dài"));
    built(&test_site, "public");
    let root = test_site.path("public");
    let names: Vec<String> = tree(&root).into_keys().collect();
    let parts = names.iter().flat_map(|name| name.split('/'));
    assert_eq!(parts.filter(|part| part.len() > 219).count(), 0, "{names:?}");
    let of_day = |name: &&String| name.starts_with("bai-viet/2023/05/13/") && name.ends_with(".html");
    assert_eq!(names.iter().filter(of_day).count(), 4, "{names:?}");
    assert!(names.iter().any(|name| name.ends_with("/thi-dua.html") || name.contains("-thi-dua.html")));

    // A foreign directory is in the place of a page.
    let page = root.join("bai-viet/2023/05/13/ngan.html");
    fs::remove_file(&page).unwrap();
    fs::create_dir_all(page.join("cua-toi")).unwrap();
    test_site.write("xa-hoi/ngan.txt", text("Tiêu đề đã sửa"));
    test_site.write("xa-hoi/moi.txt", text("Bài mới"));
    let run = test_site.run(&["build", "--out", root.to_str().unwrap()]);
    let message = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(1), "{message}");
    assert!(
        message.contains("bai-viet/2023/05/13/ngan.html") && message.contains("1 could not be written"),
        "{message}"
    );
    assert!(root.join("bai-viet/2023/05/13/moi.html").exists());
    assert!(fs::read_to_string(root.join("rss.xml")).unwrap().contains("Bài mới"));
    // Once it is removed, the page is written.
    fs::remove_dir_all(&page).unwrap();
    built(&test_site, "public");
    built(&test_site, "fresh");
    assert_equal(&root, &test_site.path("fresh"));
}

/// A real web server with the configuration that the build has written.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn nginx(test_site: &TestSite, site: &str, port: u16) -> Self {
        let folder = test_site.path("nginx");
        fs::create_dir(&folder).unwrap();
        let at = folder.display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {at}/{kind};\n"))
            .concat();
        let config = format!(
            "daemon off;\nmaster_process off;\npid {at}/pid;\nerror_log {at}/error.log;\nevents {{}}\n\
             http {{\naccess_log off;\n{temporary}include {};\n}}\n",
            test_site.path(&format!("{site}.nginx.conf")).display()
        );
        fs::write(folder.join("nginx.conf"), config).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-c").arg(folder.join("nginx.conf")).args(["-e", "stderr"]);
        Self::start(command, &folder, port)
    }

    fn caddy(test_site: &TestSite, site: &str, port: u16) -> Self {
        let folder = test_site.path("caddy");
        fs::create_dir(&folder).unwrap();
        let import = test_site.path(&format!("{site}.Caddyfile"));
        let config = format!("{{\n\tadmin off\n\tauto_https off\n}}\nimport {}\n", import.display());
        fs::write(folder.join("Caddyfile"), config).unwrap();
        let mut command = Command::new("caddy");
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(folder.join("Caddyfile"));
        Self::start(command, &folder, port)
    }

    /// NOTE: without the web server, the test fails. A skipped test would say nothing.
    fn start(mut command: Command, home: &Path, port: u16) -> Self {
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap());
        let message = fs::File::create(home.join("message")).unwrap();
        command.env("PATH", path).env("HOME", home).stdin(Stdio::null()).stderr(message);
        let mut child =
            command.spawn().expect("a server is missing: apt-get install nginx caddy, or run tests/run");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        wait_until("the server to listen", || {
            let message = || fs::read_to_string(home.join("message"));
            assert!(child.try_wait().unwrap().is_none(), "{:?}", message());
            std::net::TcpStream::connect(address).is_ok()
        });
        Self { child, address }
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> HttpResponse {
        let host = self.address.to_string();
        request(self.address, method, path, &[headers, &[("Host", &host)]].concat())
    }

    fn get(&self, path: &str) -> HttpResponse {
        self.request("GET", path, &[])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn nginx_answers_from_the_files_as_the_service_does() {
    if is_missing(Requirement::Program("nginx")) {
        return;
    }
    answers_as_the_service_does(Server::nginx);
}

#[test]
fn caddy_answers_from_the_files_as_the_service_does() {
    if is_missing(Requirement::Program("caddy")) {
        return;
    }
    answers_as_the_service_does(Server::caddy);
}

fn answers_as_the_service_does(server: fn(&TestSite, &str, u16) -> Server) {
    let port = free_port();
    let test_site =
        with_history(TestSite::new().with("BANTIN_SITE__URL", format!("http://127.0.0.1:{port}")));
    test_site.configure("[hub]\nurl = \"https://hub.example.vn/\"");
    built(&test_site, "public");
    let server = server(&test_site, "public", port);
    let serving = test_site.serve();
    serving.settled("/rss.xml");
    let link = format!(
        "<http://127.0.0.1:{port}/xa-hoi/atom.xml>; rel=\"self\", <https://hub.example.vn/>; rel=\"hub\""
    );
    assert_eq!(server.get("/xa-hoi/atom.xml").header("link"), Some(link.as_str()));
    let mut compared = 0;
    for file in tree(&test_site.path("public")).into_keys() {
        let Some(address) = address(&file).filter(|address| address != "/tim-kiem") else { continue };
        for coding in ["identity", "gzip"] {
            let headers = [("Accept-Encoding", coding)];
            let (here, there) =
                (serving.request("GET", &address, &headers), server.request("GET", &address, &headers));
            assert_eq!((here.status, there.status), (200, 200), "{address}");
            for name in [
                "content-type",
                "cache-control",
                "last-modified",
                "content-security-policy",
                "referrer-policy",
                "link",
            ] {
                assert_eq!(here.header(name), there.header(name), "{address} {coding} {name}");
            }
            for name in
                ["x-content-type-options", "access-control-allow-origin", "access-control-expose-headers"]
            {
                assert_eq!(here.header(name), there.header(name), "{address} {coding} {name}");
            }
            let plain = |answer: &HttpResponse| match answer.header("content-encoding") {
                Some("gzip") => gunzip(&answer.body),
                _ => answer.body.clone(),
            };
            assert!(plain(&here) == plain(&there), "{address} {coding}");
            let varies = there.header("vary").is_some_and(|vary| vary.contains("Accept-Encoding"));
            let packed = test_site.path("public").join(format!("{file}.gz")).exists();
            assert!(varies || !packed, "{address} {coding}");
            assert_same_conditional_responses(&server, &address, coding, &there);
            compared += 1;
        }
    }
    assert!(compared > 200, "{compared}");
    let two = ["identity", "gzip"]
        .map(|coding| server.request("GET", "/rss.xml", &[("Accept-Encoding", coding)]).etag());
    assert_ne!(two[0], two[1], "a tag for each coding");

    for (path, status, location) in [
        ("/xa-hoi", 301, Some("/xa-hoi/")),
        ("/feed", 301, Some("/rss.xml")),
        ("/index.xml", 301, Some("/rss.xml")),
        ("/xa-hoi/feed/", 301, Some("/xa-hoi/rss.xml")),
        ("/theo-thang", 301, Some("/theo-thang/")),
        ("/theo-thang/2023", 301, Some("/theo-thang/2023/")),
        ("/theo-thang/2023/04", 301, Some("/theo-thang/2023/04/")),
        ("/tro-giup-tiep-can/", 301, Some("/tro-giup-tiep-can")),
        ("/rss", 301, Some("/rss.xml")),
        ("/rss/?a=b&c=%0d%0a", 301, Some("/rss.xml?a=b&c=%0d%0a")),
        ("/atom", 301, Some("/atom.xml")),
        ("/xa-hoi/atom/", 301, Some("/xa-hoi/atom.xml")),
        ("/xa%2Dhoi", 301, Some("/xa-hoi/")),
        ("/xa-hoi?a=b", 301, Some("/xa-hoi/?a=b")),
        ("/index.html", 301, Some("/")),
        ("/xa-hoi/index.html?a", 301, Some("/xa-hoi/?a")),
        ("/tim-kiem/?q=a", 301, Some("/tim-kiem?q=a")),
        ("/bai-viet/2023/04/08/khong-co", 404, None),
        ("/khong-co/rss.xml", 404, None),
        ("/khong-co", 404, None),
        ("/khong-co/", 404, None),
        ("/khong-co/feed", 404, None),
        ("/khong-co/index.html", 404, None),
        ("/theo-thang/2022/04", 404, None),
        (&format!("/{WITHDRAWN}"), 410, None),
    ] {
        let (here, there) = assert_same_response(&serving, &server, path, status, location);
        if status != 301 {
            for name in
                ["content-type", "cache-control", "content-security-policy", "etag", "last-modified", "link"]
            {
                assert_eq!(here.header(name), there.header(name), "{path} {name}");
            }
        }
    }
    hostile_paths_do_not_redirect(&serving, &server);
    for hidden in
        ["/.bantin/manifest", "/.bantin/gone/410.html", "/rss.xml.gz", "/bai-viet/", "/../public.nginx.conf"]
    {
        assert!([400, 404].contains(&server.get(hidden).status), "{hidden}");
    }
    assert_eq!(server.get("/tim-kiem?q=dak+to").status, 200);

    // A new build is served at once.
    let before = server.get("/xa-hoi/rss.xml");
    test_site.write("xa-hoi/moi.txt", article("Bài mới nhất", "13/05/2023 08:00", "Đoạn mở đầu."));
    test_site.ok(&["scan"]);
    built(&test_site, "public");
    let answer = server.request("GET", "/xa-hoi/rss.xml", &[("If-None-Match", &before.etag())]);
    assert!(answer.status == 200 && answer.text().contains("Bài mới nhất"));
    let since = [("If-Modified-Since", before.header("last-modified").unwrap())];
    assert_eq!(server.request("GET", "/xa-hoi/rss.xml", &since).status, 200);
    let other = server.get("/dat-nguoi/rss.xml");
    assert_eq!(server.request("GET", "/dat-nguoi/rss.xml", &[("If-None-Match", &other.etag())]).status, 304);
}

/// No part of a hostile path comes back in a header, and no response redirects to another host.
fn hostile_paths_do_not_redirect(serving: &RunningServer, server: &Server) {
    let (long, deep) = (format!("/{}", "a".repeat(6000)), "/a".repeat(3000));
    for path in [
        "/xa-hoi%0d%0aSet-Cookie:%20a=b",
        "/xa-hoi/%0d%0aSet-Cookie:%20a=b",
        "/%0d%0aSet-Cookie:%20a=b/feed",
        "/feed%0d",
        "/xa-hoi/feed%0a",
        "/xa-hoi%0d/index.html",
        "/xa-hoi%09",
        "/xa-hoi%7f",
        "/xa-hoi%00",
        "/xa-hoi%00/feed",
        "//xa-hoi",
        "//xa-hoi/rss.xml",
        "//evil.example",
        "//evil.example/index.html",
        "/%2fevil.example/",
        "/%2f/evil.example/feed",
        "/%5cevil.example/",
        "/\\evil.example/",
        "/xa-hoi%2frss.xml",
        "/..%2f..%2fetc/passwd",
        "/%2e%2e%2fetc/passwd",
        "/xa-hoi%2f..%2f..",
        "/x%C3%A3-h%E1%BB%99i",
        "/x%C3%A3-h%E1%BB%99i/feed",
        "/%E2%80%AExa-hoi",
        "/%ff%fe",
        "/xa-hoi%25",
        "/xa-hoi%250d",
        "/$uri",
        "/{path}",
        "/xa-hoi/{http.request.host}/",
        "/xa-hoi;a=b",
        "/xa-hoi%3Fa",
        &long,
        &deep,
    ] {
        let (here, there) = (serving.get(path), server.get(path));
        assert_eq!(here.status, 404, "{path}");
        assert!([400, 404].contains(&there.status), "{path}: {}", there.status);
        for (name, value) in here.headers.iter().chain(&there.headers) {
            assert!(!value.contains(['\r', '\n']) && name != "Set-Cookie", "{path}: {name}: {value:?}");
            assert!(!name.eq_ignore_ascii_case("location"), "{path} leads to {value}");
        }
    }
}

/// Both answer with this status, the same redirect target, and the same body if there is no redirect.
fn assert_same_response(
    serving: &RunningServer,
    server: &Server,
    path: &str,
    status: u16,
    location: Option<&str>,
) -> (HttpResponse, HttpResponse) {
    let (here, there) = (serving.get(path), server.get(path));
    assert_eq!((here.status, there.status), (status, status), "{path}");
    assert_eq!((here.header("location"), there.header("location")), (location, location), "{path}");
    assert!(status == 301 || here.body == there.body, "{path}");
    assert_eq!(here.header("link"), there.header("link"), "{path}");
    (here, there)
}

/// Conditional requests are answered as by the service (feed rules C1, C2 and C4).
fn assert_same_conditional_responses(server: &Server, address: &str, coding: &str, whole: &HttpResponse) {
    let (tag, date) = (whole.etag(), whole.header("last-modified").unwrap());
    let listed = format!("\"x,y\", W/{tag}");
    for (headers, status) in [
        (vec![("If-None-Match", tag.as_str())], 304),
        (vec![("If-None-Match", listed.as_str())], 304),
        (vec![("If-None-Match", "*")], 304),
        (vec![("If-None-Match", "\"x\"")], 200),
        (vec![("If-Modified-Since", date)], 304),
        (vec![("If-Modified-Since", "Fri, 31 Dec 2049 23:59:59 GMT")], 304),
        (vec![("If-Modified-Since", "Fri, 12 May 2000 10:39:00 GMT")], 200),
        (vec![("If-Modified-Since", "hôm qua")], 200),
        (vec![("If-None-Match", "\"x\""), ("If-Modified-Since", date)], 200),
    ] {
        let asked = [headers.as_slice(), &[("Accept-Encoding", coding)]].concat();
        let answer = server.request("GET", address, &asked);
        assert_eq!(answer.status, status, "{address} {coding} {headers:?}");
        if status == 304 {
            assert!(answer.body.is_empty());
            for name in ["etag", "cache-control", "vary"] {
                assert_eq!(answer.header(name), whole.header(name), "{address} {headers:?} {name}");
            }
            // Caddy omits it if there is an ETag.
            let dated = answer.header("last-modified");
            assert!(dated.is_none() || dated == whole.header("last-modified"), "{address} {headers:?}");
        }
    }
    let head = server.request("HEAD", address, &[("Accept-Encoding", coding)]);
    assert_eq!((head.status, head.etag(), head.body.len()), (200, tag, 0), "{address}");
}

#[test]
fn nginx_redirects_old_paths_on_a_site_with_a_path_prefix_as_well() {
    if is_missing(Requirement::Program("nginx")) {
        return;
    }
    redirects_old_paths(Server::nginx);
}

#[test]
fn caddy_redirects_old_paths_on_a_site_with_a_path_prefix_as_well() {
    if is_missing(Requirement::Program("caddy")) {
        return;
    }
    redirects_old_paths(Server::caddy);
}

fn redirects_old_paths(server: fn(&TestSite, &str, u16) -> Server) {
    let port = free_port();
    let test_site = TestSite::new().with("BANTIN_SITE__URL", format!("http://127.0.0.1:{port}/bantin"));
    test_site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    test_site.write("covid/cu.txt", article("Bài cũ", "13/05/2021 08:00", "Đoạn mở đầu."));
    test_site.ok(&["scan"]);
    // The feed of an older site, which had other addresses.
    let item = |link: &str, id: &str, title: &str| {
        format!(
            "<item><title>{title}</title><link>https://xa.example{link}</link><guid isPermaLink=\"false\">\
             https://xa.example/?p={id}</guid><pubDate>Thu, 02 May 2019 08:30:00 +0700</pubDate>\
             <description>Bà con cùng ra quân.</description></item>"
        )
    };
    let feed = format!(
        "<rss version=\"2.0\"><channel><link>https://xa.example/</link>{}{}</channel></rss>",
        item("/2019/05/l%C3%A0m-%C4%91%C6%B0%E1%BB%9Dng/", "7", "Làm đường"),
        item("/doi-song/?id=8", "8", "Họp dân")
    );
    fs::write(test_site.path("cu.xml"), feed).unwrap();
    test_site.ok(&["import", &test_site.path("cu.xml").display().to_string(), "--channel", "xa-hoi"]);
    let mut config = fs::read_to_string(test_site.path("config.toml")).unwrap();
    config = config.replace(
        "slug = \"xa-hoi\"\ntitle = \"Xã hội\"",
        "slug = \"doi-song\"\ntitle = \"Đời sống\"\nwas = [\"xa-hoi\"]",
    );
    config.push_str(
        "[[channel]]\nslug = \"covid\"\ngone = true\n[hub]\nurl = \"https://hub.example.vn/?a=b&c\"\n",
    );
    fs::write(test_site.path("config.toml"), config).unwrap();
    built(&test_site, "public");
    let server = server(&test_site, "public", port);
    let serving = test_site.serve();
    for (path, status, location) in [
        ("/bantin/doi-song/rss.xml", 200, None),
        ("/bantin/", 200, None),
        ("/doi-song/", 200, None),
        ("/bantin/xa-hoi/atom.xml", 301, Some("/bantin/doi-song/atom.xml")),
        ("/bantin/xa-hoi/", 301, Some("/bantin/doi-song/")),
        ("/xa-hoi", 301, Some("/bantin/doi-song/")),
        ("/bantin/xa-hoi/feed/", 301, Some("/bantin/doi-song/rss.xml")),
        ("/bantin/doi-song", 301, Some("/bantin/doi-song/")),
        ("/bantin/xa-hoi/index.html?a=b", 301, Some("/bantin/doi-song/?a=b")),
        ("/bantin/xa-hoi/rss", 301, Some("/bantin/doi-song/rss.xml")),
        ("/bantin/xa-hoi/theo-thang/2023/05", 301, Some("/bantin/doi-song/theo-thang/2023/05/")),
        ("/bantin/xa-hoi/archive/9/rss.xml", 404, None),
        ("/bantin/xa-hoi/khong-co", 404, None),
        ("/bantin/xa-hoi%0d%0aa:b", 404, None),
        ("/bantin/khong-co", 404, None),
        ("/bantin/index.html", 301, Some("/bantin/")),
        ("/bantin/rss?a=b", 301, Some("/bantin/rss.xml?a=b")),
        ("/bantin/covid/rss.xml", 410, None),
        ("/bantin/covid/", 410, None),
        ("/2019/05/l%C3%A0m-%C4%91%C6%B0%E1%BB%9Dng/", 301, Some("/bantin/bai-viet/2019/05/02/lam-duong")),
        ("/2019/05/l%c3%a0m-%c4%91%c6%b0%e1%bb%9dng", 301, Some("/bantin/bai-viet/2019/05/02/lam-duong")),
        (
            "/bantin/2019/05/l%C3%A0m-%C4%91%C6%B0%E1%BB%9Dng/?a=b",
            301,
            Some("/bantin/bai-viet/2019/05/02/lam-duong"),
        ),
        ("/?p=7", 301, Some("/bantin/bai-viet/2019/05/02/lam-duong")),
        ("/bantin/?p=7&utm_source=x", 301, Some("/bantin/bai-viet/2019/05/02/lam-duong")),
        ("/?p=9", 200, None),
        ("/?p=7x", 200, None),
        ("/.bantin/p/7", 404, None),
        ("/2019/05/", 404, None),
        ("/doi-song/?p=7", 200, None),
    ] {
        assert_same_response(&serving, &server, path, status, location);
    }
}

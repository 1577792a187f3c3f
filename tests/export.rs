//! The whole site as files: what a build promises to readers, to operators, and to whoever serves it.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use support::{HttpResponse, RunningServer, SAMPLE_ARTICLE, TestSite, article, request, wait_until};

const WITHDRAWN: &str = "bai-viet/2023/03/07/bai-6";

/// A house with a past: articles of several channels and months, one corrected, one withdrawn, one moved, pages
/// sealed, a picture.
fn lived_in(house: TestSite) -> TestSite {
    house.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    for number in 0..70 {
        let title = format!("Bài số {number} của xã “Đăk Trăm” & lân cận <1>");
        let (day, month, hour, minute) = (number % 28 + 1, 3 + number % 2, 8 + number / 60, number % 60);
        let stamp = format!("{day:02}/{month:02}/2023 {hour:02}:{minute:02}");
        let folder = ["xa-hoi", "Đất & Người"][number % 2];
        house.write(&format!("{folder}/bai-{number}.txt"), article(&title, &stamp, "Đoạn mở đầu."));
    }
    let picture = include_bytes!("../feeds/kinh-te/gia-ca-phe-dau-vu.jpg");
    house.write("xa-hoi/bai-2.jpg", picture);
    house.ok(&["scan"]);
    house.write("xa-hoi/bai-4.txt", article("Bài số 4, sửa", "05/04/2023 08:04", "Đoạn mở đầu đã sửa."));
    house.rename("xa-hoi/bai-8.txt", "kinh-te/bai-8.txt");
    house.ok(&["scan"]);
    house.ok(&["withdraw", "tag:dakto.example,2023:2023-03-07/bai-6", "--reason", "sai tin"]);
    house
}

/// A build into a folder of the house; what it said.
fn built(house: &TestSite, folder: &str) -> serde_json::Value {
    let out = house.path(folder);
    serde_json::from_str(&house.ok(&["build", "--json", "--out", out.to_str().unwrap()])).unwrap()
}

/// All files below a folder that are served, by path.
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

/// The address of a file that stands for a document.
fn address(file: &str) -> Option<String> {
    if file.starts_with(".bantin/") || file == "404.html" || file.ends_with(".gz") || file.ends_with(".br") {
        return None;
    }
    let folder = file.strip_suffix("index.html").map(|folder| format!("/{folder}"));
    Some(folder.unwrap_or_else(|| format!("/{}", file.strip_suffix(".html").unwrap_or(file))))
}

#[test]
fn the_files_are_what_the_service_serves_byte_for_byte_and_bear_its_dates() {
    let house = lived_in(TestSite::new());
    let report = built(&house, "public");
    assert_eq!(report["written"], report["documents"]);
    let root = house.path("public");
    let serving = house.serve();
    let mut compared = 0;
    for (file, path) in tree(&root) {
        let Some(address) = address(&file) else { continue };
        let bytes = fs::read(&path).unwrap();
        for (ending, unpack) in [(".gz", gunzip as fn(&[u8]) -> Vec<u8>), (".br", unbrotli)] {
            let packed = fs::read(root.join(format!("{file}{ending}"))).ok();
            assert!(
                packed.is_some() || bytes.len() < 500 || file.ends_with(".jpg"),
                "{file} has no {ending}"
            );
            if let Some(packed) = packed {
                assert!(packed.len() < bytes.len() && unpack(&packed) == bytes, "{file}{ending}");
            }
        }
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
    assert!(compared > 100, "{compared}");
    // And nothing is missing that the service names.
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
    let told = serving.get(&format!("/{WITHDRAWN}"));
    assert_eq!((told.status, told.body == gone), (410, true));
    assert!(!root.join(format!("{WITHDRAWN}.html")).exists());
}

#[test]
fn the_same_log_gives_the_same_files_from_whichever_store() {
    let house = lived_in(TestSite::new()).with("BANTIN_FOLDER__WATCH", "off");
    built(&house, "public");
    let schema = support::postgres::Schema::new();
    let file = format!("sqlite:{}", house.path("data/bantin.db").display());
    house.ok(&["migrate", "--from", &file, "--to", &schema.url()]);
    let house = house.with("BANTIN_STORE__URL", schema.url());
    built(&house, "from-postgres");
    assert_equal(&house.path("public"), &house.path("from-postgres"));
    let report = built(&house, "public");
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
fn a_second_build_writes_what_changed_and_nothing_else_and_is_no_other_than_a_fresh_one() {
    let house = lived_in(TestSite::new());
    built(&house, "public");
    let root = house.path("public");
    let again = built(&house, "public");
    assert_eq!((&again["written"], &again["removed"]), (&0.into(), &0.into()));
    let inodes = |root: &Path| -> BTreeMap<String, u64> {
        tree(root).into_iter().map(|(name, path)| (name, fs::metadata(path).unwrap().ino())).collect()
    };
    let before = inodes(&root);

    house.write("kinh-te/moi.txt", article("Bài mới nhất", "13/05/2023 08:00", "Đoạn mở đầu."));
    house.ok(&["scan"]);
    let report = built(&house, "public");
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
    assert_eq!(articles.len(), 3, "one article in three codings: {articles:?}");
    assert!(report["written"].as_u64().unwrap() < 25, "{report}");

    // A correction, a move, a withdrawal, a file that is damaged and one that is lost.
    house.write("xa-hoi/bai-10.txt", article("Bài số 10, sửa", "11/03/2023 08:10", "Đoạn mở đầu đã sửa."));
    house.rename("xa-hoi/bai-12.txt", "Đất & Người/bai-12.txt");
    house.remove("xa-hoi/bai-2.txt");
    house.remove("xa-hoi/bai-2.jpg");
    fs::write(root.join("xa-hoi/atom.xml"), "hỏng").unwrap();
    fs::remove_file(root.join("opml.xml.gz")).unwrap();
    fs::write(root.join("google1234.html"), "của người khác").unwrap();
    house.ok(&["scan"]);
    let report = built(&house, "public");
    assert!(report["removed"].as_u64().unwrap() >= 2, "the article and its picture: {report}");
    assert_eq!(fs::read_to_string(root.join("google1234.html")).unwrap(), "của người khác");
    fs::remove_file(root.join("google1234.html")).unwrap();
    built(&house, "fresh");
    assert_equal(&root, &house.path("fresh"));

    // Another configuration changes what each document says.
    let house = house.with("BANTIN_SITE__TITLE", "Xã Đăk Tô").with("BANTIN_SITE__COLOUR", "#004488");
    let report = built(&house, "public");
    assert!(report["written"].as_u64().unwrap() > 100, "{report}");
    built(&house, "fresh-again");
    assert_equal(&root, &house.path("fresh-again"));
}

#[test]
fn each_change_moves_the_date_of_a_feed_however_soon_it_follows() {
    let house = TestSite::new().with("BANTIN_FOLDER__WATCH", "off");
    let root = house.path("public");
    let mut dates = Vec::new();
    for number in 0..4 {
        let file = house.path(&format!("bai-{number}.txt"));
        fs::write(&file, article(&format!("Bài {number}"), "13/05/2023 08:00", "Đoạn mở đầu.")).unwrap();
        house.ok(&["publish", file.to_str().unwrap(), "--channel", "xa-hoi"]);
        built(&house, "public");
        dates.push(seconds(&root.join("xa-hoi/rss.xml")));
    }
    assert!(dates.is_sorted_by(|one, other| one < other), "{dates:?}");
}

#[test]
fn a_build_that_is_killed_at_any_moment_is_made_good_by_the_next() {
    let mut house = lived_in(TestSite::new()).with("BANTIN_FOLDER__WATCH", "off");
    let root = house.path("public");
    let noted = |root: &Path| fs::metadata(root.join(".bantin/manifest")).map(|manifest| manifest.ino()).ok();
    let mut cut_off = 0;
    for round in 0..12 {
        // Everything is to be written anew, and what a build may have made already is to go.
        house = house.with("BANTIN_SITE__TITLE", format!("Huyện Đăk Tô {round}"));
        let number = 14 + round * 2;
        house.ok(&[
            "withdraw",
            &format!("tag:dakto.example,2023:2023-03-{:02}/bai-{number}", number % 28 + 1),
        ]);
        let before = noted(&root);
        let mut building = house.start(&["build", "--out", root.to_str().unwrap()]);
        if round > 0 {
            wait_until("the build to begin", || noted(&root) != before);
        }
        std::thread::sleep(Duration::from_millis(round * 12));
        let _ = building.kill();
        cut_off += u64::from(!building.wait().unwrap().success());
    }
    println!("{cut_off} builds were cut off");
    assert!(cut_off > 5, "{cut_off}");
    built(&house, "public");
    built(&house, "fresh");
    assert_equal(&root, &house.path("fresh"));
}

/// A disk of its own whose journal is committed as soon as somebody asks, and whose bytes come whenever they come: the
/// worst that a file system may do.
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

    /// NOTE: a story that may not mount a disk fails. One that is passed over says nothing about power cuts.
    fn mount(&self) {
        fs::create_dir_all(self.path("")).unwrap();
        let options = "loop,data=writeback,noauto_da_alloc,commit=1";
        done(support::as_root("mount").args(["-o", options]).arg(self.image()).arg(self.path("")));
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("disk").join(path)
    }

    /// The disk as it would be after a power cut at this moment.
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
        let _ = support::as_root("umount").arg("--lazy").arg(self.path("")).stderr(Stdio::null()).status();
    }
}

fn done(command: &mut Command) {
    let done = command.status().is_ok_and(|status| status.success());
    assert!(done, "{command:?}: this story needs e2fsprogs, loop devices and the right to mount (SYS_ADMIN)");
}

#[test]
fn a_power_cut_at_any_moment_leaves_no_torn_file_and_nothing_named_that_is_not_there() {
    let house = lived_in(TestSite::new()).with("BANTIN_FOLDER__WATCH", "off");
    let disk = Ext4::new();
    let root = disk.path("public");
    let (mut states, mut cuts, mut looked) = (Vec::new(), 0, 0);
    let mut house = house;
    for round in 0..2 {
        house = house.with("BANTIN_SITE__TITLE", format!("Huyện Đăk Tô {round}"));
        built(&house, "expected");
        let expected = tree(&house.path("expected"));
        states.push(expected.into_iter().map(|(name, path)| (name, fs::read(path).unwrap())).collect());
        let states: &[BTreeMap<String, Vec<u8>>] = &states;
        let mut building = house.start(&["build", "--out", root.to_str().unwrap()]);
        let pid = rustix::process::Pid::from_child(&building);
        // A file gets its name: the very moment at which its bytes may be missing.
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

    // The last one is of a whole build, and a build goes on from any.
    let cut = disk.cut();
    house.ok(&["build", "--out", cut.path("public").to_str().unwrap()]);
    assert_equal(&cut.path("public"), &house.path("expected"));
}

/// Each file of a site has the bytes of one build or the other. Returns how many there are.
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
fn whoever_reads_while_it_is_built_finds_all_that_a_feed_names() {
    let house = lived_in(TestSite::new()).with("BANTIN_FOLDER__WATCH", "off");
    built(&house, "public");
    let root = house.path("public");
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
                house.write(
                    &name,
                    article(&format!("Vòng {round} bài {number}"), "13/05/2023 08:00", "Đoạn mở đầu."),
                );
            }
            house.ok(&["scan"]);
            house.ok(&["withdraw", &format!("tag:dakto.example,2023:2023-05-13/vong-{round}-0")]);
            built(&house, "public");
        }
        ended.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert!(looked > 300, "{looked}");
}

#[test]
fn nothing_of_somebody_else_s_is_written_over_and_two_builds_never_meet() {
    let house = TestSite::new();
    house.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    let mine = house.path("mine");
    fs::create_dir(&mine).unwrap();
    fs::write(mine.join("index.html"), "trang của tôi").unwrap();
    let refused = house.run(&["build", "--out", mine.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("is not empty, and no `bantin build` has filled it"), "{told}");
    assert_eq!(fs::read_dir(&mine).unwrap().count(), 1);

    for inside in ["feeds/public", "feeds/xa-hoi/a/b"] {
        let refused = house.run(&["build", "--out", house.path(inside).to_str().unwrap()]);
        assert_eq!(refused.status.code(), Some(1));
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(told.contains("is inside the articles folder"), "{told}");
        assert!(!house.path(inside).exists());
    }

    built(&house, "public");
    let held = fs::File::open(house.path("public")).unwrap();
    held.try_lock().unwrap();
    let refused = house.run(&["build", "--out", house.path("public").to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("another `bantin build` is at work"), "{told}");
}

#[test]
fn a_build_takes_in_the_folder_first_and_says_what_is_wrong_in_it() {
    let house = TestSite::new();
    house.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    house.write("xa-hoi/sai.txt", article("Bài sai ngày", "31/02/2023 08:00", "Đoạn mở đầu."));
    let out = house.path("public");
    let run = house.run(&["build", "--out", out.to_str().unwrap()]);
    let told = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(1), "{told}");
    assert!(told.contains("sai.txt:3: error"), "{told}");
    assert!(
        fs::read_to_string(out.join("rss.xml")).unwrap().contains("thi đua"),
        "what is right is published"
    );
    // Where nobody is to look into it, the log alone speaks.
    house.write("xa-hoi/moi.txt", article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu."));
    let house = house.with("BANTIN_FOLDER__WATCH", "off");
    built(&house, "public");
    assert!(!fs::read_to_string(out.join("rss.xml")).unwrap().contains("Bài mới"));
}

#[test]
fn a_server_block_is_the_operator_s_once_it_is_written() {
    let house = TestSite::new();
    house.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    built(&house, "public");
    let public = house.path("public");
    let at = |ending: &str| PathBuf::from(format!("{}{ending}", public.display()));
    let include = fs::read_to_string(at(".nginx.include")).unwrap();
    for (server, include) in [(".nginx.conf", ".nginx.include"), (".Caddyfile", ".caddy.include")] {
        let mut mine = fs::read_to_string(at(server)).unwrap();
        assert!(mine.contains(at(include).to_str().unwrap()), "{mine}");
        mine.push_str("# ssl_certificate của tôi\n");
        fs::write(at(server), mine).unwrap();
    }
    fs::write(at(".caddy.include"), "# hỏng").unwrap();
    let house = house.with("BANTIN_SITE__URL", "http://127.0.0.1:8080/bantin");
    built(&house, "public");
    for server in [".nginx.conf", ".Caddyfile"] {
        assert!(fs::read_to_string(at(server)).unwrap().contains("của tôi"), "{server}");
    }
    assert_ne!(fs::read_to_string(at(".nginx.include")).unwrap(), include);
    assert!(fs::read_to_string(at(".caddy.include")).unwrap().contains("/bantin"));
    // One that does not know of the include any more, as of an older version, is left alone and named.
    fs::write(at(".nginx.conf"), "server { listen 443 ssl; }\n").unwrap();
    let run = house.run(&["build", "--out", house.path("public").to_str().unwrap()]);
    let told = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.success() && told.contains("public.nginx.conf\n  it does not include"), "{told}");
    assert_eq!(fs::read_to_string(at(".nginx.conf")).unwrap(), "server { listen 443 ssl; }\n");
}

#[test]
fn what_has_too_long_a_name_gets_a_shorter_one_and_what_cannot_be_written_stops_nothing_else() {
    let house = TestSite::new();
    let text = |title: &str| article(title, "13/05/2023 08:00", "Đoạn mở đầu.");
    let (word, words) = ("d".repeat(248), "thi-đua-".repeat(27));
    house.write(&format!("xa-hoi/{word}.txt"), text("Tên dài một từ"));
    house.write(&format!("xa-hoi/{}.txt", &words[..words.len() - 1]), text("Tên dài nhiều từ"));
    house.write("xa-hoi/ngan.txt", text(&"Tiêu đề dài ".repeat(25)));
    house.write(&format!("{}/bai.txt", "Chuyên mục dài ".repeat(13).trim()), text("Kênh dài"));
    built(&house, "public");
    let root = house.path("public");
    let names: Vec<String> = tree(&root).into_keys().collect();
    let parts = names.iter().flat_map(|name| name.split('/'));
    assert_eq!(parts.filter(|part| part.len() > 219).count(), 0, "{names:?}");
    let of_day = |name: &&String| name.starts_with("bai-viet/2023/05/13/") && name.ends_with(".html");
    assert_eq!(names.iter().filter(of_day).count(), 4, "{names:?}");
    assert!(names.iter().any(|name| name.ends_with("/thi-dua.html") || name.contains("-thi-dua.html")));

    // Somebody's folder lies where a page is to be.
    let page = root.join("bai-viet/2023/05/13/ngan.html");
    fs::remove_file(&page).unwrap();
    fs::create_dir_all(page.join("cua-toi")).unwrap();
    house.write("xa-hoi/ngan.txt", text("Tiêu đề đã sửa"));
    house.write("xa-hoi/moi.txt", text("Bài mới"));
    let run = house.run(&["build", "--out", root.to_str().unwrap()]);
    let told = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(1), "{told}");
    assert!(
        told.contains("bai-viet/2023/05/13/ngan.html") && told.contains("1 could not be written"),
        "{told}"
    );
    assert!(root.join("bai-viet/2023/05/13/moi.html").exists());
    assert!(fs::read_to_string(root.join("rss.xml")).unwrap().contains("Bài mới"));
    // Once it is out of the way, the page is made.
    fs::remove_dir_all(&page).unwrap();
    built(&house, "public");
    built(&house, "fresh");
    assert_equal(&root, &house.path("fresh"));
}

/// A real server of files, by the configuration that the build has written.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn nginx(house: &TestSite, site: &str, port: u16) -> Self {
        let folder = house.path("nginx");
        fs::create_dir(&folder).unwrap();
        let at = folder.display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {at}/{kind};\n"))
            .concat();
        let config = format!(
            "daemon off;\nmaster_process off;\npid {at}/pid;\nerror_log {at}/error.log;\nevents {{}}\n\
             http {{\naccess_log off;\n{temporary}include {};\n}}\n",
            house.path(&format!("{site}.nginx.conf")).display()
        );
        fs::write(folder.join("nginx.conf"), config).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-c").arg(folder.join("nginx.conf")).args(["-e", "stderr"]);
        Self::start(command, &folder, port)
    }

    fn caddy(house: &TestSite, site: &str, port: u16) -> Self {
        let folder = house.path("caddy");
        fs::create_dir(&folder).unwrap();
        let import = house.path(&format!("{site}.Caddyfile"));
        let config = format!("{{\n\tadmin off\n\tauto_https off\n}}\nimport {}\n", import.display());
        fs::write(folder.join("Caddyfile"), config).unwrap();
        let mut command = Command::new("caddy");
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(folder.join("Caddyfile"));
        Self::start(command, &folder, port)
    }

    /// NOTE: a story without its server fails. One that is passed over says nothing.
    fn start(mut command: Command, home: &Path, port: u16) -> Self {
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap());
        let told = fs::File::create(home.join("told")).unwrap();
        command.env("PATH", path).env("HOME", home).stdin(Stdio::null()).stderr(told);
        let mut child =
            command.spawn().expect("a server is missing: apt-get install nginx caddy, or run tests/run");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        wait_until("the server to listen", || {
            let told = || fs::read_to_string(home.join("told"));
            assert!(child.try_wait().unwrap().is_none(), "{:?}", told());
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

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn nginx_answers_from_the_files_as_the_service_does() {
    answers_as_the_service_does(Server::nginx);
}

#[test]
fn caddy_answers_from_the_files_as_the_service_does() {
    answers_as_the_service_does(Server::caddy);
}

fn answers_as_the_service_does(server: fn(&TestSite, &str, u16) -> Server) {
    let port = free_port();
    let house = lived_in(TestSite::new().with("BANTIN_SITE__URL", format!("http://127.0.0.1:{port}")));
    built(&house, "public");
    let server = server(&house, "public", port);
    let serving = house.serve();
    let mut compared = 0;
    for file in tree(&house.path("public")).into_keys() {
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
            let packed = house.path("public").join(format!("{file}.gz")).exists();
            assert!(varies || !packed, "{address} {coding}");
            not_modified_alike(&server, &address, coding, &there);
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
        ("/theo-thang/2023/04", 301, Some("/theo-thang/2023/04/")),
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
        let (here, there) = led_alike(&serving, &server, path, status, location);
        if status != 301 {
            for name in ["content-type", "cache-control", "content-security-policy", "etag", "last-modified"]
            {
                assert_eq!(here.header(name), there.header(name), "{path} {name}");
            }
        }
    }
    hostile_paths_lead_nowhere(&serving, &server);
    for hidden in
        ["/.bantin/manifest", "/.bantin/gone/410.html", "/rss.xml.gz", "/bai-viet/", "/../public.nginx.conf"]
    {
        assert!([400, 404].contains(&server.get(hidden).status), "{hidden}");
    }
    assert_eq!(server.get("/tim-kiem?q=dak+to").status, 200);

    // What is built meanwhile is served at once.
    let before = server.get("/xa-hoi/rss.xml");
    house.write("xa-hoi/moi.txt", article("Bài mới nhất", "13/05/2023 08:00", "Đoạn mở đầu."));
    house.ok(&["scan"]);
    built(&house, "public");
    let answer = server.request("GET", "/xa-hoi/rss.xml", &[("If-None-Match", &before.etag())]);
    assert!(answer.status == 200 && answer.text().contains("Bài mới nhất"));
    let since = [("If-Modified-Since", before.header("last-modified").unwrap())];
    assert_eq!(server.request("GET", "/xa-hoi/rss.xml", &since).status, 200);
    let other = server.get("/dat-nguoi/rss.xml");
    assert_eq!(server.request("GET", "/dat-nguoi/rss.xml", &[("If-None-Match", &other.etag())]).status, 304);
}

/// Whatever somebody puts into a path, none of it comes back in a header, and nobody is led away.
fn hostile_paths_lead_nowhere(serving: &RunningServer, server: &Server) {
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

/// Both answer with this status, lead to the same place, and show the same where they lead nowhere else.
fn led_alike(
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
    (here, there)
}

/// Rules C1, C2 and C4, as the service keeps them.
fn not_modified_alike(server: &Server, address: &str, coding: &str, whole: &HttpResponse) {
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
            // Caddy leaves it out where there is a tag.
            let dated = answer.header("last-modified");
            assert!(dated.is_none() || dated == whole.header("last-modified"), "{address} {headers:?}");
        }
    }
    let head = server.request("HEAD", address, &[("Accept-Encoding", coding)]);
    assert_eq!((head.status, head.etag(), head.body.len()), (200, tag, 0), "{address}");
}

#[test]
fn nginx_leads_old_addresses_on_below_a_path_of_the_site_as_well() {
    leads_old_addresses_on(Server::nginx);
}

#[test]
fn caddy_leads_old_addresses_on_below_a_path_of_the_site_as_well() {
    leads_old_addresses_on(Server::caddy);
}

fn leads_old_addresses_on(server: fn(&TestSite, &str, u16) -> Server) {
    let port = free_port();
    let house = TestSite::new().with("BANTIN_SITE__URL", format!("http://127.0.0.1:{port}/bantin"));
    house.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    house.write("covid/cu.txt", article("Bài cũ", "13/05/2021 08:00", "Đoạn mở đầu."));
    house.ok(&["scan"]);
    let mut config = fs::read_to_string(house.path("config.toml")).unwrap();
    config = config.replace(
        "slug = \"xa-hoi\"\ntitle = \"Xã hội\"",
        "slug = \"doi-song\"\ntitle = \"Đời sống\"\nwas = [\"xa-hoi\"]",
    );
    config.push_str("[[channel]]\nslug = \"covid\"\ngone = true\n");
    fs::write(house.path("config.toml"), config).unwrap();
    built(&house, "public");
    let server = server(&house, "public", port);
    let serving = house.serve();
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
    ] {
        led_alike(&serving, &server, path, status, location);
    }
}

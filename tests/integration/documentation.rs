//! Checks the documentation: its links work, its commands exist, its examples run.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::requirement::{Requirement, is_missing};
use crate::support::{RunningServer, SAMPLE_ARTICLE, TestSite, article, wait_until, word_document};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Each Markdown file of the top level and of `docs/`, by its path in the repository.
fn documents() -> Vec<(PathBuf, String)> {
    let markdown = |folder: &str| {
        let entries = std::fs::read_dir(root().join(folder)).unwrap();
        let names = entries.map(|entry| Path::new(folder).join(entry.unwrap().file_name()));
        names.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect::<Vec<_>>()
    };
    let paths = [markdown(""), markdown("docs")].concat();
    assert!(paths.len() > 10, "{paths:?}");
    paths
        .into_iter()
        .map(|path| (path.clone(), std::fs::read_to_string(root().join(path)).unwrap()))
        .collect()
}

fn document(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// The code blocks in `language`, in order.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(found) = line.strip_prefix("```") else { continue };
        let block = lines
            .by_ref()
            .take_while(|line| *line != "```")
            .fold(String::new(), |block, line| block + line + "\n");
        if found == language {
            blocks.push(block);
        }
    }
    blocks
}

/// The lines outside code blocks.
fn prose(text: &str) -> String {
    let mut in_block = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            writeln!(prose, "{line}").unwrap();
        }
    }
    prose
}

/// The anchors that GitHub gives to headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text);
    let headings = headings.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
        heading
            .trim_start_matches('#')
            .trim()
            .to_lowercase()
            .chars()
            .filter(kept)
            .collect::<String>()
            .replace(' ', "-")
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_target_exists() {
    let mut followed = 0;
    for (path, text) in documents() {
        for target in prose(&text).split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() {
                root().join(&path)
            } else {
                root().join(path.parent().unwrap()).join(file)
            };
            assert!(file.exists(), "{}: {target}", path.display());
            let found =
                anchor.is_empty() || anchors(&std::fs::read_to_string(&file).unwrap()).contains(anchor);
            assert!(found, "{}: there is no heading for {target}", path.display());
            followed += 1;
        }
    }
    assert!(followed > 50, "{followed}");
}

#[test]
fn every_documented_path_exists() {
    let mut named = 0;
    for (document, text) in documents() {
        let prose = prose(&text);
        // The first word of a command is a path, too.
        let spans = prose.split('`').skip(1).step_by(2).filter_map(|span| span.split(' ').next());
        for path in spans
            .filter(|span| ["src/", "tests/", "docs/", "benches/"].iter().any(|top| span.starts_with(top)))
        {
            assert!(root().join(path).exists(), "{}: {path}", document.display());
            named += 1;
        }
    }
    assert!(named > 30, "{named}");
}

#[test]
fn each_dependency_has_a_licence_that_is_accepted() {
    let accepted: toml::Table = document("deny.toml").parse().unwrap();
    let accepted: Vec<&str> =
        accepted["licenses"]["allow"].as_array().unwrap().iter().filter_map(toml::Value::as_str).collect();
    let mut cargo = Command::new(env!("CARGO"));
    let metadata = cargo
        // Not offline: a new machine has only the packages of its own platform.
        .args(["metadata", "--locked", "--format-version", "1"])
        .current_dir(root())
        .output();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.unwrap().stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages {
        let expression = package["license"].as_str().unwrap_or_default();
        let is_listed = |licence: &str| accepted.contains(&licence.trim_matches(['(', ')', ' ']));
        // Parentheses contain a choice between licences; they are not nested.
        let is_accepted = match expression.contains('(') {
            true => expression.split(" AND ").all(|choice| choice.split(" OR ").any(is_listed)),
            false => expression
                .split(" OR ")
                .flat_map(|part| part.split('/'))
                .any(|all| all.split(" AND ").all(is_listed)),
        };
        assert!(is_accepted, "{}: {expression}", package["name"]);
    }
}

#[test]
fn each_version_of_a_dependency_was_audited_or_excepted_from_it() {
    // What `cargo vet --locked` judges in full; here so that no new version comes in unseen.
    let table = |path: &str| document(path).parse::<toml::Table>().unwrap();
    let (config, imports) = (table("supply-chain/config.toml"), table("supply-chain/imports.lock"));
    let own = table("supply-chain/audits.toml");
    let audits: Vec<&toml::Table> = imports["audits"]
        .as_table()
        .unwrap()
        .values()
        .filter_map(|source| source["audits"].as_table())
        .chain(own["audits"].as_table())
        .collect();
    let versions = |table: &toml::Table, name: &str| -> Vec<String> {
        let entries = table.get(name).and_then(toml::Value::as_array).into_iter().flatten();
        entries
            .filter_map(|entry| entry.get("version").or(entry.get("delta"))?.as_str())
            .map(|range| range.rsplit(' ').next().unwrap().to_owned())
            .collect()
    };
    let lock = table("Cargo.lock");
    let packages = lock["package"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages.iter().filter(|package| package.get("source").is_some()) {
        let text = |key: &str| package[key].as_str().unwrap().to_owned();
        let (name, version) = (text("name"), text("version"));
        let known = versions(config["exemptions"].as_table().unwrap(), &name)
            .into_iter()
            .chain(audits.iter().flat_map(|audits| versions(audits, &name)))
            .any(|known| known == version);
        assert!(known, "{name} {version}: look at it, then `cargo vet certify` or `cargo vet add-exemption`");
    }
}

#[test]
fn the_readme_fits_on_a_page() {
    for path in ["README.md", "README.vi.md"] {
        assert!(document(path).lines().count() <= 150, "{path}");
    }
}

/// A value for a placeholder; other words without the marks of optional or repeated parts.
fn value_for(word: &str) -> &str {
    match word.trim_matches(['[', ']', '…']) {
        "SLUG" => "xa-hoi",
        "FORMAT" => "rss",
        "SHELL" => "bash",
        "NAME" => "vni",
        "N" => "1",
        "" => "x",
        word => word,
    }
}

/// Splits a command into words like a shell, without a comment. Quoted text is one word.
fn words_of(command: &str) -> Vec<String> {
    let command = command.split(" #").next().unwrap().replace("$(date +%F)", "today");
    let parts = command.split('"').enumerate();
    let words = parts.flat_map(|(number, part)| match number % 2 {
        1 => vec![part.to_owned()],
        _ => part.split_whitespace().map(str::to_owned).collect(),
    });
    words.collect()
}

#[test]
fn every_documented_command_exists() {
    let site = TestSite::new();
    let mut tried = 0;
    for (path, text) in documents() {
        let (shell, inline) = (blocks(&text, "sh").join("\n"), prose(&text));
        let spans = inline.split('`').skip(1).step_by(2);
        for command in shell.lines().chain(spans).filter_map(|line| line.strip_prefix("bantin ")) {
            let words = words_of(command);
            let words: Vec<&str> = words.iter().map(|word| value_for(word)).collect();
            let output = site.command(&[]).args(&words).arg("--help").output().unwrap();
            let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{}: bantin {}\n{complaint}", path.display(), words.join(" "));
            tried += 1;
        }
    }
    assert!(tried > 40, "{tried}");
}

#[test]
fn every_command_is_documented() {
    let help = TestSite::new().ok(&["--help"]);
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names =
        commands.lines().filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let names: Vec<&str> =
        names.map(|line| line.split(' ').next().unwrap()).filter(|name| *name != "help").collect();
    assert!(names.len() > 12, "{names:?}");
    let explained = document("docs/configuration.md");
    for name in names {
        assert!(explained.contains(&format!("| `bantin {name}")), "{name}");
    }
}

/// The keys of `config.toml` by section, commented ones too, with their defaults.
fn keys() -> Vec<(String, String, Option<String>)> {
    let mut section = String::new();
    let mut keys = Vec::new();
    for line in document("config.toml").lines() {
        let (line, is_set) = line.strip_prefix("# ").map_or((line, true), |line| (line, false));
        if line.starts_with('[') {
            line.clone_into(&mut section);
        } else if let Some((key, value)) = line.split_once(" = ")
            && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        {
            keys.push((section.clone(), key.to_owned(), is_set.then(|| value.to_owned())));
        }
    }
    keys
}

#[test]
fn every_config_key_is_documented_with_its_default() {
    let text = document("docs/configuration.md");
    let sections: HashMap<&str, &str> =
        text.split("\n### `").skip(1).map(|section| section.split_once('`').unwrap()).collect();
    let keys = keys();
    assert!(keys.len() > 35, "{keys:?}");
    for (section, key, default) in &keys {
        let rows = sections.get(section.as_str()).unwrap_or_else(|| panic!("{section} is not explained"));
        let row = rows.lines().find(|line| line.starts_with(&format!("| `{key}` |")));
        let row = row.unwrap_or_else(|| panic!("{section} {key} is not explained"));
        // The sample authority must not be used, and the channels of config.toml are examples.
        if let Some(default) = default.as_ref().filter(|_| key != "tag_authority" && section != "[[channel]]")
        {
            assert!(row.contains(&format!("| `{default}` |")), "{section} {key} = {default}: {row}");
        }
    }
    // There are no other keys.
    for (section, rows) in sections {
        for row in rows.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| `")) {
            let key = row.split('`').nth(1).unwrap();
            assert!(
                keys.iter().any(|(of, name, _)| of == section && name == key),
                "{section} {key}: there is no such key"
            );
        }
    }
}

#[test]
fn the_samples_of_configurations_are_read() {
    let mut tried = 0;
    for (path, text) in documents() {
        for sample in blocks(&text, "toml") {
            let site = TestSite::new();
            if sample.starts_with("+++") {
                let sample = sample
                    .replace("channels = [\"kinh-te\"]", "channels = []")
                    .replace("encoding = \"tcvn3\"", "");
                site.write("xa-hoi/a.txt", format!("{sample}\nĐoạn mở đầu.\n\nNội dung.\n"));
                site.ok(&["check"]);
            } else {
                std::fs::write(site.path("config.toml"), &sample).unwrap();
                site.ok(&["config"]);
            }
            tried += 1;
            assert!(!sample.is_empty(), "{}", path.display());
        }
    }
    assert!(tried >= 6, "{tried}");
}

#[test]
fn the_problem_codes_and_requests_of_the_api_are_listed() {
    let serving = TestSite::new().serve();
    let description = serving.get("/api/openapi.json").json();
    let text = document("docs/api.md");
    let problems = description["x-problems"].as_object().unwrap();
    assert!(problems.len() > 20);
    for code in problems.keys() {
        assert!(text.contains(&format!("`{code}`")), "{code}");
    }
    for (path, operations) in description["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys().filter(|name| *name != "parameters") {
            assert!(text.contains(&format!("| `{} /api{path}` |", method.to_uppercase())), "{method} {path}");
        }
    }
}

#[test]
fn the_examples_of_the_api_publish_correct_and_withdraw() {
    if is_missing(Requirement::Program("curl")) {
        return;
    }
    let site = TestSite::new();
    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    site.write("kinh-te/gia.txt", article("Giá cà phê", "12/05/2023 08:00", "Giá cà phê hôm nay."));
    let serving = site.serve();
    let secret = site.ok(&["token", "new", "vanphong"]).trim().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hoi-nghi.txt");
    let id = "tag%3Adakto.example%2C2023%3A2023-05-13%2Fhoi-nghi";
    let examples = blocks(&document("docs/api.md"), "sh");
    let examples: Vec<String> = examples.iter().filter(|block| block.starts_with("curl ")).cloned().collect();
    assert_eq!(examples.len(), 5);
    let run = |script: &str| {
        let script = script.replace("http://127.0.0.1:8080", &format!("http://{}", serving.address()));
        let output = Command::new("sh")
            .args(["-ec", &script])
            .current_dir(folder.path())
            .env("SECRET", &secret)
            .env("ID", id)
            .output();
        let output = output.unwrap();
        assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run(&examples[0]).contains("Huyện Đăk Tô phát động"), "the search");
    std::fs::write(&file, article("Hội nghị", "13/05/2023 08:00", "Đoạn mở đầu.")).unwrap();
    assert!(run(&examples[1]).contains("\"outcome\":\"published\""));
    assert!(run(&examples[2]).contains("hoi-nghi-tong-ket"), "as JSON");
    let word = word_document(
        "<w:p><w:r><w:t>Đoàn xe</w:t></w:r></w:p><w:p><w:r><w:t>14/05/2023</w:t></w:r></w:p>\
        <w:p><w:r><w:t>Đoạn mở đầu.</w:t></w:r></w:p>",
        &[],
    );
    std::fs::write(folder.path().join("hoi-nghi.docx"), word).unwrap();
    let photo = include_bytes!("../../feeds/kinh-te/gia-ca-phe-dau-vu.jpg");
    std::fs::write(folder.path().join("hoi-nghi.jpg"), photo).unwrap();
    std::fs::write(folder.path().join("doan-xe.jpg"), photo).unwrap();
    assert!(run(&examples[3]).contains("\"outcome\":\"published\""), "with images");
    std::fs::write(&file, article("Hội nghị (sửa)", "13/05/2023 08:00", "Đoạn mở đầu.")).unwrap();
    let changed = run(&examples[4]);
    assert!(
        changed.contains("\"outcome\":\"corrected\"") && changed.contains("\"outcome\":\"withdrawn\""),
        "{changed}"
    );
    let gone = serving.get(&format!("/api/articles/{id}"));
    assert_eq!((gone.status, gone.json()["reason"].as_str()), (410, Some("đăng nhầm")));
}

/// The program that `docs/portals.md` shows, with its copy of the site.
struct Mirror {
    folder: tempfile::TempDir,
    channel: &'static str,
}

impl Mirror {
    fn of(channel: &'static str) -> Self {
        let program = blocks(&document("docs/portals.md"), "python");
        assert_eq!(program.len(), 1);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mirror.py"), &program[0]).unwrap();
        Self { folder, channel }
    }

    /// Polls once, and returns the titles in the copy.
    fn poll(&self, serving: &RunningServer) -> BTreeSet<String> {
        let path = self.folder.path().join("copy.json");
        // The URLs in the feed are those of `site.url`; all requests are redirected to this service.
        let output = Command::new("python3")
            .args(["mirror.py", &format!("http://127.0.0.1:8080/{}/atom.xml", self.channel), "copy.json"])
            .current_dir(self.folder.path())
            .env("http_proxy", format!("http://{}", serving.address()))
            .env_remove("no_proxy")
            .env_remove("NO_PROXY")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let copy: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let articles = copy["articles"].as_object().unwrap().values();
        articles.map(|article| article["title"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn the_mirror_follows_publication_correction_withdrawal_restoration_and_moves() {
    if is_missing(Requirement::Program("python3")) {
        return;
    }
    let site = TestSite::new()
        .with("BANTIN_FEED__ARCHIVE_PAGE", "3")
        .with("BANTIN_FEED__ITEMS", "2")
        .with("BANTIN_FEED__WINDOW", "1h");
    for number in 1..=9 {
        let text = article(&format!("Bài {number}"), &format!("1{number}/05/2023 08:00"), "Đoạn mở đầu.");
        site.write(&format!("xa-hoi/bai-so-{number}.txt"), text);
    }
    site.write("kinh-te/gia.txt", article("Giá cà phê", "12/05/2023 08:00", "Giá cà phê hôm nay."));
    let serving = site.serve();
    let (society, economy) = (Mirror::of("xa-hoi"), Mirror::of("kinh-te"));
    let all = |changes: &[(&str, &str)]| {
        let titles = (1..=9).map(|number| format!("Bài {number}"));
        let titles = titles.map(|title| match changes.iter().find(|(from, _)| *from == title) {
            Some((_, to)) => (*to).to_owned(),
            None => title,
        });
        titles.filter(|title| !title.is_empty()).collect::<BTreeSet<_>>()
    };
    let follows = |mirror: &Mirror, expected: BTreeSet<String>, what: &str| {
        wait_until(what, || mirror.poll(&serving) == expected);
    };
    assert_eq!(society.poll(&serving), all(&[]), "the archive too");
    assert_eq!(society.poll(&serving), all(&[]), "nothing new");
    site.write("xa-hoi/bai-so-2.txt", article("Bài 2 (sửa)", "12/05/2023 08:00", "Đoạn mở đầu."));
    follows(&society, all(&[("Bài 2", "Bài 2 (sửa)")]), "the correction");
    let id = "tag:dakto.example,2023:2023-05-13/bai-so-3";
    site.ok(&["withdraw", id, "--reason", "đăng nhầm"]);
    follows(&society, all(&[("Bài 2", "Bài 2 (sửa)"), ("Bài 3", "")]), "the withdrawal");
    site.ok(&["restore", id]);
    follows(&society, all(&[("Bài 2", "Bài 2 (sửa)")]), "the restoration");
    assert_eq!(economy.poll(&serving), BTreeSet::from(["Giá cà phê".to_owned()]));
    site.rename("xa-hoi/bai-so-5.txt", "kinh-te/bai-so-5.txt");
    follows(&society, all(&[("Bài 2", "Bài 2 (sửa)"), ("Bài 5", "")]), "the move");
    follows(&economy, BTreeSet::from(["Giá cà phê".to_owned(), "Bài 5".to_owned()]), "the arrival");
    assert_eq!(
        Mirror::of("xa-hoi").poll(&serving),
        society.poll(&serving),
        "one that joins late holds the same"
    );
}

//! Parses every file under `tests/manuscripts`, each of which covers one difficulty, and compares the result with its
//! snapshot. `name.tcvn3.txt` is parsed with that encoding set.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bantin::message::Message;
use bantin::model::Block;
use bantin::parse::{Encoding, ParseOptions, ParseResult, parse};
use bantin::time::{DEFAULT_TIME_ZONE, rfc3339};

#[test]
fn every_file_matches_its_snapshot() {
    let files = article_files();
    assert!(files.len() >= 40, "only {} texts found", files.len());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/manuscripts"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let reading = parse(&name, &std::fs::read(&path).unwrap(), &options_for(&name));
        settings.bind(|| insta::assert_snapshot!(name.as_str(), rendered(&reading)));
    }
}

#[test]
fn warnings_and_errors_say_how_to_fix_them_in_both_languages() {
    let mut seen = 0;
    for path in article_files() {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let reading = parse(&name, &std::fs::read(&path).unwrap(), &options_for(&name));
        assert_eq!(
            reading.draft.is_none(),
            reading.findings.iter().any(|f| f.severity.as_str() == "error"),
            "{name}"
        );
        for finding in reading.findings.iter().filter(|finding| finding.severity.as_str() != "note") {
            let Message { vietnamese, english } = finding.kind.message();
            assert!(vietnamese.contains("ãy "), "{name}: {vietnamese}");
            assert!(english.contains(';') || english.contains(", "), "{name}: {english}");
            seen += 1;
        }
    }
    assert!(seen >= 20, "only {seen} complaints seen");
}

fn article_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manuscripts");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending != "snap" && ending != "new"));
    files.sort();
    files
}

fn options_for(name: &str) -> ParseOptions {
    let setting = name.split('.').nth(1).and_then(Encoding::from_setting);
    ParseOptions { zone: DEFAULT_TIME_ZONE, language: "vi".to_owned(), encoding: setting }
}

/// The complete result as readable text.
fn rendered(reading: &ParseResult) -> String {
    let mut rendered = String::new();
    if let Some(draft) = &reading.draft {
        let article = &draft.article;
        let moment = rfc3339(article.published.instant, DEFAULT_TIME_ZONE);
        let moment = if article.published.date_only { moment[..10].to_owned() } else { moment };
        writeln!(rendered, "{}: {}", draft.lines.title, article.title).unwrap();
        writeln!(rendered, "{}: {moment}", draft.lines.stamp).unwrap();
        for (name, value) in [
            ("authors", (!article.authors.is_empty()).then(|| article.authors.join(" + "))),
            ("source", article.source.clone()),
            ("tags", (!article.tags.is_empty()).then(|| article.tags.join(" + "))),
            ("summary", article.summary.clone()),
            ("language", article.language.clone()),
            ("link", article.link.clone()),
            ("updated", article.updated.map(|moment| rfc3339(moment, DEFAULT_TIME_ZONE))),
            ("id", draft.id.as_ref().map(ToString::to_string)),
            ("channels", (!draft.channels.is_empty()).then(|| draft.channels.join(" + "))),
        ] {
            if let Some(value) = value {
                writeln!(rendered, "{name}: {value}").unwrap();
            }
        }
        article.body.iter().for_each(|block| render_block(block, &mut rendered));
    }
    for finding in &reading.findings {
        let severity = finding.severity.as_str();
        writeln!(rendered, "{severity} {}: {}", finding.line, finding.kind.message().vietnamese).unwrap();
    }
    rendered
}

fn render_block(block: &Block, rendered: &mut String) {
    match block {
        Block::Lead { text, html } => writeln!(rendered, "[lead] {}", html.as_ref().unwrap_or(text)),
        Block::Paragraph { text } => writeln!(rendered, "[p] {text}"),
        Block::Heading { level, text } => writeln!(rendered, "[h{level}] {text}"),
        Block::Caption { text, credit, raw: printed, html } => {
            let printed = html.as_ref().unwrap_or(printed);
            writeln!(rendered, "[caption] {text} | {credit:?} | {printed}")
        }
        Block::List { ordered, items } => {
            writeln!(rendered, "[{}] {}", if *ordered { "ol" } else { "ul" }, items.join(" + "))
        }
        Block::Table { rows } => {
            let rows: Vec<String> = rows.iter().map(|row| row.join(" | ")).collect();
            writeln!(rendered, "[table] {}", rows.join(" // "))
        }
        Block::Html { html } => writeln!(rendered, "[html] {html}"),
    }
    .unwrap();
}

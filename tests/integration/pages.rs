//! Parses the pages under `tests/pages` and the small inputs under `tests/reading` and compares each field with the
//! result of careful human reading. A field listed under `confidence` may differ; every other must match.
//!
//! `tests/pages` contains synthetic copies of real page layouts, and clean texts with pitfalls; `layout` in each
//! describes the page. `tests/reading` contains one pitfall each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bantin::model::Block;
use bantin::parse::{Encoding, ParseOptions, ParsedArticle, parse};
use bantin::time::{DEFAULT_TIME_ZONE, rfc3339};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

#[test]
fn pages_are_parsed_correctly() {
    judge("tests/pages", 229);
}

#[test]
fn every_pitfall_is_parsed_correctly() {
    judge("tests/reading", 77);
}

fn judge(folder: &str, least: usize) {
    let cases = cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
    assert!(cases.len() >= least, "only {} cases in {folder}", cases.len());
    let mut tally: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let (mut wrong, mut doubtful) = (Vec::new(), 0);
    for (name, path, wanted) in &cases {
        let reading = parse(&file_name(path), &std::fs::read(path).unwrap(), &options_for(name));
        for field in compare(reading.draft.as_ref(), wanted) {
            if is_doubtful(wanted, field.name) {
                doubtful += usize::from(!field.right);
                if std::env::var_os("SHOW_DOUBTFUL").is_some() && !field.right {
                    println!("doubtful {name} {}: {}", field.name, field.told);
                }
                continue;
            }
            let count = tally.entry(field.name).or_default();
            count.0 += usize::from(field.right);
            count.1 += 1;
            if !field.right {
                wrong.push(format!("{name} {}: {}", field.name, field.told));
            }
        }
    }
    println!("{tally:?}, doubtful and read otherwise: {doubtful}");
    assert!(wrong.is_empty(), "{} wrong:\n{}\n{tally:?}", wrong.len(), wrong.join("\n"));
}

/// One field of one text.
struct Field {
    name: &'static str,
    right: bool,
    told: String,
}

fn field(name: &'static str, right: bool, got: impl std::fmt::Debug, want: impl std::fmt::Debug) -> Field {
    let short = |text: String| text.chars().take(160).collect::<String>();
    Field {
        name,
        right,
        told: format!("read {}, not {}", short(format!("{got:?}")), short(format!("{want:?}"))),
    }
}

fn compare(draft: Option<&ParsedArticle>, wanted: &Value) -> Vec<Field> {
    let published = wanted["published"].as_str();
    let got = draft.map(|draft| rfc3339(draft.article.published.instant, DEFAULT_TIME_ZONE));
    let mut fields = vec![field("published", got.as_deref() == published, &got, published)];
    let Some(article) = draft.map(|draft| &draft.article) else { return fields };
    if let Some(title) = wanted["title"].as_str() {
        fields.push(field("title", letters(&article.title) == letters(title), &article.title, title));
    }
    let mut authors = texts(&wanted["authors"]);
    if authors.is_empty() {
        authors.extend(wanted["author"].as_str().map(str::to_owned));
    }
    let same =
        |one: &String, other: &String| one.nfc().collect::<String>().to_lowercase() == other.to_lowercase();
    let right = article.authors.len() == authors.len()
        && article.authors.iter().zip(&authors).all(|(a, b)| same(a, b));
    fields.push(field("authors", right, &article.authors, &authors));
    if wanted.get("source").is_some_and(|source| source != "invented") {
        let source = wanted["source"].as_str().unwrap_or_default();
        let got = article.source.as_deref().unwrap_or_default();
        fields.push(field("source", letters(got) == letters(source), got, source));
    }
    if let Some(lead) = wanted["lead"].as_str().filter(|lead| !lead.is_empty()) {
        let begins = |text: &str| letters(text).chars().take(40).collect::<String>();
        fields.push(field("lead", begins(article.excerpt()) == begins(lead), article.excerpt(), lead));
    }
    fields.extend(compare_body(&article.body, wanted));
    fields
}

fn compare_body(body: &[Block], wanted: &Value) -> Vec<Field> {
    let mut fields = Vec::new();
    let (mut captions, mut headings, mut text) = (Vec::new(), Vec::new(), String::new());
    for block in body {
        match block {
            Block::Caption { raw: printed, .. } => captions.push(letters(printed)),
            Block::Heading { text, .. } => headings.push(letters(text)),
            _ => {}
        }
        text.push_str(&letters(&shown(block)));
    }
    if wanted.get("captions").is_some() {
        let want = texts(&wanted["captions"]);
        let found = |caption: &String| {
            captions.iter().any(|got| got.contains(&letters(caption)) || letters(caption).contains(got))
        };
        fields.push(field(
            "captions",
            want.iter().all(found) && captions.len() <= want.len(),
            &captions,
            &want,
        ));
    }
    if wanted.get("headings").is_some() {
        let mut want: Vec<String> =
            texts(&wanted["headings"]).iter().map(|heading| letters(heading)).collect();
        want.sort();
        headings.sort();
        fields.push(field("headings", headings == want, &headings, &want));
    }
    let body = texts(&wanted["body"]);
    if !body.is_empty() {
        let kept = |line: &String| letters(line).is_empty() || text.contains(&letters(line));
        let lost: Vec<&String> = body.iter().filter(|line| !kept(line)).collect();
        fields.push(field("body", lost.is_empty(), &lost, "kept"));
    }
    if wanted.get("dropped").is_some() {
        // A line that was broken anywhere may be part of two lines of the text.
        let whole: String = body.iter().map(|line| letters(line)).collect();
        let part = |line: &str| whole.contains(line);
        let kept: Vec<String> = texts(&wanted["dropped"]).iter().map(|line| letters(line)).collect();
        let kept: Vec<&String> = kept
            .iter()
            .filter(|line| line.chars().count() > 3 && text.contains(line.as_str()) && !part(line))
            .collect();
        fields.push(field("boilerplate", kept.is_empty(), &kept, "dropped"));
    }
    fields
}

/// A block with everything that readers see of it.
fn shown(block: &Block) -> String {
    match block {
        Block::Lead { text, .. } | Block::Paragraph { text } | Block::Heading { text, .. } => text.clone(),
        Block::Caption { raw: printed, .. } => printed.clone(),
        Block::List { items, .. } => items.join(" "),
        Block::Table { rows } => rows.iter().flatten().cloned().collect::<Vec<_>>().join(" "),
        Block::Html { html } => {
            html.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect()
        }
    }
}

fn is_doubtful(wanted: &Value, name: &str) -> bool {
    let named = |key: &str| wanted["confidence"].get(key).is_some();
    named(name) || named(name.trim_end_matches('s')) || named(&format!("{name}_start"))
}

fn letters(text: &str) -> String {
    let text: String = text.nfc().collect::<String>().replace('\u{D0}', "Đ");
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// A text in a legacy encoding has its name in the file name, and its folder would be set to it.
fn options_for(name: &str) -> ParseOptions {
    let encoding = ["tcvn3", "vni"].into_iter().find(|encoding| name.contains(encoding));
    ParseOptions {
        zone: DEFAULT_TIME_ZONE,
        language: "vi".to_owned(),
        encoding: encoding.and_then(Encoding::from_setting),
    }
}

fn cases(folder: &Path) -> Vec<(String, PathBuf, Value)> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = file_name(&path).strip_suffix(".expected.json").map(str::to_owned) else { continue };
        let wanted = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let page = ["txt", "html", "md"]
            .map(|form| folder.join(format!("{name}.{form}")))
            .into_iter()
            .find(|page| page.exists());
        cases.push((name.clone(), page.unwrap(), wanted));
    }
    cases.sort_by(|one, other| one.0.cmp(&other.0));
    cases
}

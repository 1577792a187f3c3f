//! Every sample of the project, damaged at random: nothing panics, the time grows linearly, and an article of the clean
//! form built from any lines of the samples keeps all of them.
//!
//! `BANTIN_FUZZ_SECONDS` sets how long each test runs (default: 800 seeds), `BANTIN_FUZZ_SEED` the first seed,
//! `BANTIN_FUZZ_FORM` the only form that is read (`txt`, `md`, `html`, `docx`, `odt`, `json` or `feed`). The seed of a
//! failure is printed.

use std::io::{Cursor, Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use bantin::parse::{ParseOptions, Repairs, article_of, parse, read_feed, read_feed_date, read_fields};
use bantin::search_text::block_texts;
use bantin::time::DEFAULT_TIME_ZONE;

use crate::support::thread_time;

const SAMPLES: [&str; 7] = [
    "feeds",
    "src/feed/snapshots",
    "tests/manuscripts",
    "tests/odt",
    "tests/pages",
    "tests/reading",
    "tests/word",
];
const FORMS: [&str; 7] = ["txt", "md", "html", "docx", "odt", "json", "feed"];

#[test]
fn damaged_samples_neither_panic_nor_take_long() {
    let only = std::env::var("BANTIN_FUZZ_FORM").ok();
    let samples = samples();
    let damaged: Vec<_> = samples
        .iter()
        .filter(|(form, _)| {
            only.as_deref().is_none_or(|only| only == *form || only == "json" && *form == "txt")
        })
        .collect();
    let mut slowest = Duration::ZERO;
    let runs = for_each_seed(|random| {
        let (form, sample) = damaged[random.below(damaged.len())];
        let (_, other) = &samples[random.below(samples.len())];
        let mut bytes = sample.clone();
        let is_package = matches!(*form, "docx" | "odt");
        match is_package.then(|| with_mixed_up_elements(sample, random)).flatten() {
            Some(mixed) => bytes = mixed,
            None => (0..=random.below(4)).for_each(|_| damage(&mut bytes, other, random)),
        }
        if !is_package {
            bytes.truncate(200_000);
        }
        // Any text may be sent as a JSON field, and the format may be wrong.
        let any = if random.below(4) == 0 { FORMS[random.below(FORMS.len())] } else { form };
        let form = only.as_deref().unwrap_or(any);
        slowest = slowest.max(time_to_read(form, &bytes));
    });
    println!("{runs} runs, the slowest took {slowest:?}");
}

#[test]
fn a_clean_article_keeps_all_its_lines() {
    let samples = samples();
    let texts = samples.iter().filter(|(form, _)| *form == "txt");
    // Text in a legacy encoding that was decoded as another one is rejected.
    let texts =
        texts.filter_map(|(_, bytes)| std::str::from_utf8(bytes).ok().filter(|text| text.contains('ệ')));
    let lines: Vec<&str> = texts.flat_map(str::lines).map(str::trim).filter(|line| is_text(line)).collect();
    let is_sentence = |line: &&&str| line.split_whitespace().count() >= 12 && line.ends_with('.');
    let sentences: Vec<&str> = lines.iter().filter(is_sentence).copied().collect();
    let runs = for_each_seed(|random| {
        let sentence = |random: &mut Random| sentences[random.below(sentences.len())];
        let mut text = vec![sentence(random)];
        for _ in 0..random.below(12) {
            text.push(lines[random.below(lines.len())]);
        }
        text.push(sentence(random));
        let article = format!(
            "Huyện Đăk Tô phát động thi đua\n\n12/05/2023 17:39\n\n{}\n\nTấn Lộc\n",
            text.join("\n\n")
        );
        let reading = parse("bai.txt", article.as_bytes(), &options());
        let draft = reading.draft.unwrap_or_else(|| panic!("{:?}\n{article}", reading.findings));
        let kept: String =
            draft.article.body.iter().flat_map(block_texts).map(|text| letters(&text)).collect();
        for line in text {
            let credited =
                draft.article.authors.iter().chain(&draft.article.source).any(|name| line.contains(name));
            assert!(credited || kept.contains(&letters(line)), "{line} is lost of\n{article}");
        }
    });
    println!("{runs} runs");
}

/// Whether a line is a text of its own: no site macro, table row, list marker or end mark; no date, because two dates
/// may be rejected; no byline, because it ends a text.
fn is_text(line: &str) -> bool {
    let marked = line.starts_with(|c: char| !c.is_alphabetic() && !"“\"(".contains(c));
    let dated = line.bytes().filter(u8::is_ascii_digit).count() >= 4 && line.split_whitespace().count() <= 12;
    let byline = looks_like_a_byline(line);
    !letters(line).is_empty()
        && !byline
        && !marked
        && !dated
        && !line.contains(['\t', '|', '<', '\u{fffd}'])
        && !line.contains("./.")
}

fn looks_like_a_byline(line: &str) -> bool {
    let short = line.split_whitespace().count() <= 16;
    let labelled = line.contains(':')
        || line.contains("Theo ")
        || line.contains("Nguồn ")
        || line.contains(" bởi ")
        || [" thực hiện", " đưa tin"].iter().any(|end| line.ends_with(end));
    let capitals = line.split_whitespace().all(|word| word.starts_with(|c: char| !c.is_lowercase()));
    let office =
        ["Phòng ", "Ban ", "Đài ", "Trạm ", "Văn phòng "].iter().any(|opening| line.starts_with(opening));
    short && (labelled || capitals || office)
}

fn letters(text: &str) -> String {
    let normal = text.replace(['Ð', '\u{189}'], "Đ").replace('ð', "đ");
    let normal: String = unicode_normalization::UnicodeNormalization::nfc(normal.as_str()).collect();
    normal.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn options() -> ParseOptions {
    ParseOptions { zone: DEFAULT_TIME_ZONE, language: "vi".to_owned(), encoding: None }
}

/// Parses the bytes and checks the time limit: 10 ms for 100 kB in a release build, somewhat more on a busy machine,
/// and much more in a debug build.
fn time_to_read(form: &str, bytes: &[u8]) -> Duration {
    let per_byte = Duration::from_nanos(if cfg!(debug_assertions) { 10_000 } else { 600 });
    let most = Duration::from_millis(if cfg!(debug_assertions) { 1000 } else { 100 })
        + per_byte * bytes.len() as u32;
    let once = || {
        let began = thread_time();
        if form == "json" {
            let text = String::from_utf8_lossy(bytes);
            let title = text.lines().next().unwrap_or_default().to_owned();
            let fields =
                [("title", title), ("published", "12/05/2023 17:39".to_owned()), ("text", text.into_owned())];
            let fields = fields.map(|(name, value)| (name.to_owned(), serde_json::Value::String(value)));
            std::hint::black_box(read_fields(&fields, &options()));
        } else if form == "feed" {
            read_as_feed(bytes);
        } else {
            std::hint::black_box(parse(&format!("bai.{form}"), bytes, &options()));
        }
        thread_time() - began
    };
    // Other processes can disturb one run, but hardly all five.
    let best = (0..5).map(|_| once()).find(|time| *time <= most);
    best.unwrap_or_else(|| panic!("a {form} of {} bytes takes over {most:?}", bytes.len()))
}

/// Reads a feed and its items as `pull` does.
fn read_as_feed(bytes: &[u8]) {
    let url = url::Url::parse("https://example.vn/rss.xml").unwrap();
    let Ok(feed) = read_feed(bytes, None, &url) else { return };
    for item in &feed.items {
        let mut repairs = Repairs::new();
        let date = item.date.as_ref().map(|date| read_feed_date(date, DEFAULT_TIME_ZONE, &mut repairs));
        if let Some(Ok(date)) = date {
            let article = article_of(item, date.published, Some("UBND xã"), None, &options());
            std::hint::black_box(article);
        }
    }
}

fn samples() -> Vec<(&'static str, Vec<u8>)> {
    fn add(folder: &Path, samples: &mut Vec<(&'static str, Vec<u8>)>) {
        let mut paths: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let form =
                FORMS.iter().find(|form| path.extension().is_some_and(|extension| extension == **form));
            if path.is_dir() {
                add(&path, samples);
            } else if let Some(form) = form {
                samples.push((form, std::fs::read(path).unwrap()));
            } else if path.parent().is_some_and(|folder| folder.ends_with("src/feed/snapshots")) {
                let snapshot = std::fs::read_to_string(path).unwrap();
                let feed = snapshot.splitn(3, "---\n").nth(2).unwrap();
                samples.push(("feed", feed.as_bytes().to_vec()));
            }
        }
    }
    let mut samples = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    SAMPLES
        .iter()
        .map(|folder| root.join(folder))
        .filter(|folder| folder.exists())
        .for_each(|folder| add(&folder, &mut samples));
    assert!(samples.len() > 150, "only {} samples", samples.len());
    samples
}

fn damage(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    const TOKENS: [&[u8]; 16] = [
        b"<",
        b"</p>",
        b"\n\n",
        b"](",
        b"**",
        b"+++\n",
        b"12/05/2023 17:39\n",
        b"\xe1\xba\xa2nh: ",
        b"Tags:",
        b"|a|b|\n",
        b"\xff",
        b"\"",
        b"{",
        b"<table>",
        b"./.",
        b"\t",
    ];
    let range = |length: usize, random: &mut Random| {
        let start = random.below(length + 1);
        start..(start + random.below(length / 4 + 2)).min(length)
    };
    let (at, part) = (random.below(bytes.len() + 1), range(bytes.len(), random));
    match random.below(6) {
        0 => drop(bytes.drain(part)),
        1 => drop(bytes.splice(at..at, other[range(other.len(), random)].iter().copied())),
        2 => drop(bytes.splice(at..at, TOKENS[random.below(TOKENS.len())].repeat(1 + random.below(40)))),
        3 => {
            let copied = bytes[part].repeat(1 + random.below(8));
            bytes.splice(at..at, copied);
        }
        4 => bytes[part].reverse(),
        _ => bytes[part].iter_mut().for_each(|byte| *byte ^= 1 << random.below(8)),
    }
}

/// A package whose main part is still well-formed XML, with elements removed, repeated, moved and nested. `None` one
/// time in four, and for inputs that are not packages.
fn with_mixed_up_elements(package: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    if random.below(4) == 0 {
        return None;
    }
    let mut archive = zip::ZipArchive::new(Cursor::new(package)).ok()?;
    let mut mixed = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).ok()?;
        let (name, mut bytes) = (part.name().ok()?.to_string(), Vec::new());
        part.read_to_end(&mut bytes).ok()?;
        let is_main = ["document.xml", "content.xml", "styles.xml", "numbering.xml"]
            .iter()
            .any(|end| name.ends_with(end));
        if let Ok(xml) = std::str::from_utf8(&bytes)
            && is_main
        {
            let mut xml = xml.to_owned();
            (0..=random.below(6)).for_each(|_| mix_up(&mut xml, random));
            bytes = xml.into_bytes();
        }
        mixed.start_file(name, zip::write::SimpleFileOptions::default()).ok()?;
        mixed.write_all(&bytes).ok()?;
    }
    Some(mixed.finish().ok()?.into_inner())
}

fn mix_up(xml: &mut String, random: &mut Random) {
    let Ok(tree) = roxmltree::Document::parse(xml) else { return };
    let elements: Vec<_> =
        tree.root_element().descendants().skip(1).filter(|node| node.is_element()).collect();
    if elements.is_empty() {
        return;
    }
    let (one, other) =
        (elements[random.below(elements.len())].range(), elements[random.below(elements.len())].range());
    let (text, choice) = (xml[one.clone()].to_owned(), random.below(5));
    match choice {
        0 => xml.replace_range(one, ""),
        1 => xml.insert_str(other.start, &text),
        2 => xml.insert_str(one.start, &text.repeat(1 + random.below(20))),
        3 => xml.replace_range(one, &format!("{text}12/05/2023 17:39")),
        // One element within another: deeper with each time.
        _ => match text.find('>') {
            Some(end) if !text.ends_with("/>") => xml.insert_str(one.start + end + 1, &text),
            _ => xml.replace_range(other, &text),
        },
    }
    // A document of a few hundred kilobytes at most.
    if xml.len() > 300_000 {
        xml.clear();
    }
}

/// Runs the check with one seed after the other until the time is over; returns the number of seeds.
fn for_each_seed(mut check: impl FnMut(&mut Random)) -> u64 {
    struct Told(u64);
    impl Drop for Told {
        fn drop(&mut self) {
            if std::thread::panicking() {
                println!("BANTIN_FUZZ_SEED={}", self.0);
            }
        }
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let asked = number("BANTIN_FUZZ_SECONDS");
    // NOTE: without a time limit, the seeds are the same on every machine.
    let (time, most) =
        (Duration::from_secs(asked.unwrap_or(10)), if asked.is_some() { u64::MAX } else { 800 });
    let (first, began) = (number("BANTIN_FUZZ_SEED").unwrap_or(1), Instant::now());
    let mut seed = first;
    while began.elapsed() < time && seed - first < most {
        let _told = Told(seed);
        check(&mut Random(seed));
        seed += 1;
    }
    seed - first
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % limit.max(1) as u64) as usize
    }
}

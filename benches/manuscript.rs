//! How long it takes to read an article file: the sample that the office wrote, a long text, and texts made to
//! be slow.
//!
//! `cargo bench --bench manuscript`. No 100 kB may take longer than 10 ms, whatever stands in them.

use std::hint::black_box;

use bantin::manuscript::{self, Options};
use bantin::vietnam_time::VIETNAM;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const SAMPLE: &str = include_str!("../feeds/xa-hoi/huyen-dak-to-phat-dong-phong-trao-thi-dua-nam-2023.txt");
const LENGTH: usize = 100_000;

/// Something over and over again, below a head that makes an article of it.
fn long(piece: &str) -> String {
    format!("Huyện Đăk Tô phát động thi đua\n\n12/05/2023 17:39\n\n{}\n", piece.repeat(LENGTH / piece.len()))
}

fn nested(open: &str, inside: &str, close: &str) -> String {
    let depth = LENGTH / (open.len() + close.len());
    format!("{}{inside}{}", open.repeat(depth), close.repeat(depth))
}

fn reading(criterion: &mut Criterion) {
    let options = Options { zone: VIETNAM, language: "vi".to_owned(), encoding: None };
    let paragraphs = SAMPLE.split_once("\n\n").map_or(SAMPLE, |(_, rest)| rest);
    let cases: Vec<(&str, &str, String)> = vec![
        ("the sample", "a.txt", SAMPLE.to_owned()),
        ("100 kB of text", "a.txt", long(&format!("{paragraphs}\n\n"))),
        ("100 kB of text in Markdown", "a.md", long(&format!("{paragraphs}\n\n"))),
        ("100 kB of text in HTML", "a.html", long(&format!("<p>{paragraphs}</p>\n"))),
        ("one line", "a.txt", long("hội nghị ")),
        ("nothing but line ends", "a.txt", long("\n")),
        ("nothing but short lines", "a.txt", long("a\n")),
        ("dates, line by line", "a.txt", long("12/05/2023 17:39\n")),
        ("dates in one line", "a.txt", long("1/1/")),
        ("captions", "a.txt", long("Quang cảnh. Ảnh: TL\n")),
        ("bylines", "a.txt", long("Tấn Lộc - Mai Anh\n")),
        ("marks upon marks", "a.txt", long("a\u{323}\u{302}\u{301}\u{327}\u{31b}")),
        ("marks without a letter", "a.txt", long("\u{301}\u{323}")),
        ("decomposed text", "a.txt", long("Đa\u{306}\u{301}k To\u{302}, hu\u{31b}o\u{31b}\u{301}ng ")),
        ("invisible letters", "a.txt", long("\u{200b}\u{ad}\u{feff}")),
        ("emphasis that never ends", "a.md", long("*a_ **b__ ")),
        ("brackets that never close", "a.md", long("[a](")),
        ("quotations in quotations", "a.md", long("> ")),
        ("lists in lists", "a.md", (0..440).map(|depth| format!("{}- a\n", " ".repeat(depth))).collect()),
        ("a table of one column", "a.md", long("|a|\n|-|\n")),
        ("backticks", "a.md", long("`a``b")),
        ("elements in elements", "a.html", nested("<div>", "a", "</div>")),
        ("elements that never close", "a.html", long("<b><i><p>a")),
        ("tables in tables", "a.html", long("<table><tr><td>a")),
        ("attributes", "a.html", format!("<p {}>a</p>", "a=1 ".repeat(LENGTH / 4))),
        ("character references", "a.html", long("&amp;&#7871;&")),
        ("front matter of a thousand keys", "a.txt", {
            let keys: String = (0..LENGTH / 12).map(|number| format!("k{number:07} = 1\n")).collect();
            format!("+++\n{keys}+++\nTên bài\n\n12/05/2023 17:39\n\nChữ.\n")
        }),
    ];
    let mut group = criterion.benchmark_group("read");
    group.sample_size(20);
    for (case, name, text) in &cases {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(*case, |bencher| {
            bencher.iter(|| manuscript::read(name, black_box(text.as_bytes()), &options));
        });
    }
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);

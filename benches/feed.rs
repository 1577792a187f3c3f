//! Rendering, assembling and verifying a feed of 30 full articles.

use std::hint::black_box;

use bantin::feed::{self, FeedFrame, FeedInput, FeedKind, RenderedEntry};
use bantin::model::{Article, ArticleId, Block, Channel, Entry, Image, Permalink, Site, Slug};
use bantin::time::{PublishedAt, from_unix};
use bantin::urls::{Format, SiteUrls};
use chrono::NaiveDate;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// A typical article: 3,500 bytes of text, an image, a byline.
fn entry(number: u32) -> Entry {
    const PARAGRAPH: &str = "Hội nghị đã phát động phong trào thi đua năm 2023 trong toàn thể cán bộ, đảng viên và \
        các tầng lớp nhân dân trên địa bàn huyện với mục tiêu: Tiếp tục cụ thể hóa và triển khai thực hiện có hiệu \
        quả Nghị quyết Đại hội Đảng bộ huyện Đăk Tô khóa XVII (nhiệm kỳ 2020-2025); huy động, khai thác và sử dụng \
        có hiệu quả các nguồn lực, tiềm năng, lợi thế của huyện “gắn với” các chương trình mục tiêu quốc gia.";
    let paragraph = |_| Block::Paragraph { text: PARAGRAPH.to_owned() };
    let caption = Block::Caption {
        text: "Quang cảnh Hội nghị.".to_owned(),
        credit: Some("TL".to_owned()),
        raw: "Quang cảnh Hội nghị. Ảnh: TL".to_owned(),
        html: None,
    };
    let lead = Block::Lead { text: PARAGRAPH[..PARAGRAPH.find(" với").unwrap()].to_owned(), html: None };
    let slug = Slug::parse(&format!("thi-dua-{number}")).unwrap();
    let published = PublishedAt::exact(from_unix(1_683_887_940 - i64::from(number) * 7_200));
    Entry {
        id: ArticleId::new(format!("tag:dakto.kontum.vn,2023:2023-05-12/{slug}")),
        permalink: Permalink { day: NaiveDate::from_ymd_opt(2023, 5, 12).unwrap(), slug },
        channels: vec![Slug::parse("dat-nguoi").unwrap()],
        updated: published.instant,
        article: Article {
            title: format!("Huyện Đăk Tô phát động phong trào thi đua & khen thưởng lần thứ {number}"),
            published,
            updated: None,
            summary: None,
            body: [lead, caption].into_iter().chain((0..6).map(paragraph)).collect(),
            authors: vec!["Tấn Lộc".to_owned()],
            source: None,
            tags: vec!["thi đua".to_owned()],
            language: None,
            link: None,
            origin: None,
            images: vec![Image {
                name: format!("{number:064x}.jpg"),
                media_type: "image/jpeg".to_owned(),
                width: 1024,
                height: 683,
                size: 145_678,
                copies: Vec::new(),
            }],
        },
    }
}

fn feeds(criterion: &mut Criterion) {
    let site = Site::new("Báo Kon Tum");
    let title = "Đất & Người".to_owned();
    let channels = [Channel::new(Slug::parse("dat-nguoi").unwrap(), title)];
    let addresses = SiteUrls::new("https://example.vn", "dakto.kontum.vn,2023").unwrap();
    let entries: Vec<Entry> = (0..30).map(entry).collect();
    let document = FeedInput {
        site: &site,
        addresses: &addresses,
        channel: channels.first(),
        channels: &channels,
        entries: &entries,
        tombstones: &[],
        updated: entries[0].updated,
        kind: FeedKind::Live { previous_archive: Some(7), complete: false },
    };
    let rendered: Vec<_> = entries.iter().map(|entry| RenderedEntry::new(&document, entry)).collect();
    let mut group = criterion.benchmark_group("feed of 30 full articles");
    for format in Format::ALL {
        let bytes = feed::render(&document, format);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format!("render {}", format.name()), |bencher| {
            bencher.iter(|| feed::render(black_box(&document), format));
        });
        group.bench_function(format!("assemble {}", format.name()), |bencher| {
            let frame = || FeedFrame::new(black_box(&document), format);
            let texts =
                || entries.iter().zip(&rendered).map(|(entry, done)| done.text(&document, entry, format));
            bencher.iter(|| frame().around(texts()));
        });
        group.bench_function(format!("verify {}", format.name()), |bencher| {
            bencher.iter(|| feed::verify(black_box(&document), format, black_box(&bytes)));
        });
    }
    group.finish();
}

criterion_group!(benches, feeds);
criterion_main!(benches);

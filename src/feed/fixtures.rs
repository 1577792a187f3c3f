//! A small site with every kind of text that ever broke a feed.

use std::time::Duration;

use chrono::NaiveDate;

use super::{FeedInput, FeedKind};
use crate::model::{Article, ArticleId, Block, Channel, Entry, Image, Permalink, Site, Slug, Tombstone};
use crate::time::{DEFAULT_TIME_ZONE, PublishedAt, Timestamp, from_unix};
use crate::urls::SiteUrls;

/// `2023-05-12T17:39:00+07:00`.
pub const SEED: i64 = 1_683_887_940;

/// The values that a [`Document`] borrows.
#[derive(Debug)]
pub struct Fixture {
    pub site: Site,
    pub addresses: SiteUrls,
    pub channels: Vec<Channel>,
    pub entries: Vec<Entry>,
    pub tombstones: Vec<Tombstone>,
    pub updated: Timestamp,
}

impl Fixture {
    /// Hostile in every field.
    pub fn hostile() -> Self {
        Self {
            site: Site {
                title: "Báo <Đất & Người> \"Kon Tum\"\u{3}".to_owned(),
                language: "vi".to_owned(),
                time_zone: DEFAULT_TIME_ZONE,
                publisher: "UBND huyện Đăk Tô & <các> xã".to_owned(),
                rights: Some("© 2023 Báo Đất & Người ]]>".to_owned()),
                rights_url: Some("https://example.vn/ban-quyen?a=1&b=\"2\"".to_owned()),
                logo: Some("https://example.vn/a&b/logo.png?x=1&y=\"2\"".to_owned()),
                colour: Default::default(),
                max_age: Duration::from_secs(301),
                former_publishers: Vec::new(),
                skip_hours: Vec::new(),
                notice: None,
            },
            addresses: SiteUrls::new("https://example.vn/đất&người/", "dakto.kontum.vn,2023").unwrap(),
            channels: vec![
                channel("dat-nguoi", "Đất & Người", None),
                channel("van-hoa", "Văn hóa - Thể thao - Du lịch", Some("Lễ hội <cồng chiêng> & du lịch")),
            ],
            entries: vec![markup(), seed(), other_language(), bare()],
            tombstones: vec![
                Tombstone {
                    id: ArticleId::new("tag:dakto.kontum.vn,2023:2023-05-11/go-bo"),
                    permalink: permalink(11, "go-bo"),
                    when: from_unix(SEED + 7200),
                    reason: Some("Đăng nhầm <ngày> & \"giờ\"\u{fffe}".to_owned()),
                },
                Tombstone {
                    id: ArticleId::new("tag:dakto.kontum.vn,2023:a&b'c"),
                    permalink: permalink(10, "go-bo"),
                    when: from_unix(SEED + 3600),
                    reason: None,
                },
            ],
            updated: from_unix(SEED + 7200),
        }
    }

    /// A site without articles.
    pub fn empty() -> Self {
        Self { entries: Vec::new(), tombstones: Vec::new(), updated: from_unix(SEED), ..Self::hostile() }
    }

    /// The feed of the first channel.
    pub fn document(&self, part: FeedKind<'static>) -> FeedInput<'_> {
        FeedInput { channel: self.channels.first(), ..self.everything(part) }
    }

    /// The feed of everything.
    pub fn everything(&self, part: FeedKind<'static>) -> FeedInput<'_> {
        FeedInput {
            site: &self.site,
            addresses: &self.addresses,
            channel: None,
            channels: &self.channels,
            entries: &self.entries,
            tombstones: &self.tombstones,
            updated: self.updated,
            kind: part,
        }
    }
}

pub const LIVE: FeedKind<'static> = FeedKind::Live { previous_archive: None, complete: false };

pub fn channel(slug: &str, title: &str, description: Option<&str>) -> Channel {
    let description = description.map(str::to_owned);
    Channel { description, ..Channel::new(Slug::parse(slug).unwrap(), title) }
}

pub fn permalink(day: u32, slug: &str) -> Permalink {
    Permalink { day: NaiveDate::from_ymd_opt(2023, 5, day).unwrap(), slug: Slug::parse(slug).unwrap() }
}

pub fn picture(name: &str) -> Image {
    Image {
        name: name.to_owned(),
        media_type: "image/jpeg".to_owned(),
        width: 1024,
        height: 683,
        size: 145_678,
        copies: Vec::new(),
    }
}

pub fn paragraph(text: &str) -> Block {
    Block::Paragraph { text: text.to_owned() }
}

pub fn lead(text: &str) -> Block {
    Block::Lead { text: text.to_owned(), html: None }
}

pub fn caption(text: &str, credit: Option<&str>, rendered: &str) -> Block {
    Block::Caption {
        text: text.to_owned(),
        credit: credit.map(str::to_owned),
        raw: rendered.to_owned(),
        html: None,
    }
}

pub fn article(title: &str, body: Vec<Block>) -> Article {
    Article::new(title, PublishedAt::exact(from_unix(SEED)), body)
}

pub fn entry(slug: &str, article: Article) -> Entry {
    Entry {
        id: ArticleId::new(format!("tag:dakto.kontum.vn,2023:2023-05-12/{slug}")),
        permalink: permalink(12, slug),
        channels: vec![Slug::parse("dat-nguoi").unwrap()],
        updated: article.published.instant,
        article,
    }
}

/// A typical article: one image with its caption.
fn seed() -> Entry {
    let mut article = article(
        "Huyện Đăk Tô phát động phong trào thi đua năm 2023",
        vec![
            lead("Chiều 12/5, UBND huyện Đăk Tô tổ chức Hội nghị phát động phong trào thi đua năm 2023."),
            caption("Quang cảnh Hội nghị.", Some("TL"), "Quang cảnh Hội nghị. Ảnh: TL"),
            paragraph("Theo báo cáo tại Hội nghị, “Huyện Đăk Tô chung sức xây dựng nông thôn mới”…"),
        ],
    );
    article.authors = vec!["Tấn Lộc".to_owned()];
    article.images = vec![picture("0a1b2c.jpg")];
    entry("thi-dua", article)
}

/// Markup, control characters, quotes and broken Unicode in all texts; corrected once.
fn markup() -> Entry {
    let mut article = article(
        "Đất & Người: <b>1 < 2 &amp; ]]> \u{3}👨‍👩‍👧 “Xa\u{303} ho\u{302}\u{323}i”\rhai \"dòng\" 𠀋\u{fffe}",
        vec![
            lead("Lời dẫn có <script>alert('x') & ]]> và &lt;thoát&gt;"),
            caption("Ảnh \"một\" & <hai>", Some("T.SỸ & <b>"), "Ảnh \"một\" & <hai>. Ảnh: T.SỸ & <b>"),
            Block::Heading { level: 1, text: "Mục <1>\u{0}".to_owned() },
            Block::List { ordered: true, items: vec!["một & hai".to_owned(), "]]>".to_owned()] },
            Block::Table {
                rows: vec![vec!["Xã".to_owned(), "<td>".to_owned()], vec!["Đăk \"Tô\"".to_owned()]],
            },
            Block::Html {
                html: "<p>a &amp; <a href=\"https://a.vn/?x=1&amp;y=]]>\">b</a>\u{b}</p>".to_owned(),
            },
            caption("", None, "Ảnh minh họa"),
            caption("Ảnh thứ ba không có tệp.", None, "Ảnh thứ ba không có tệp."),
            paragraph("CR lẻ:\rvà CRLF:\r\nhết. \u{200d}\u{200e}\u{feff}🏳️‍🌈"),
        ],
    );
    article.authors = vec!["Minh & <Huyền>".to_owned(), "\u{3}".to_owned(), "PHƯƠNG LAN/TTXVN".to_owned()];
    article.source = Some("Lê Thúy/NLĐO & <báo>".to_owned());
    article.tags = vec!["thi đua".to_owned(), "Đất & Người".to_owned(), "a\"b\"\tc".to_owned()];
    article.images = vec![picture("a&b.jpg"), picture("2.jpg")];
    let mut entry = entry("dat-nguoi", article);
    entry.id = ArticleId::new("tag:dakto.kontum.vn,2023:dat&nguoi?so='1'");
    entry.channels.push(Slug::parse("khong-biet").unwrap());
    entry.updated = from_unix(SEED + 600);
    entry
}

/// In Jarai, on the publisher's own site, with more images than captions and a very long title.
fn other_language() -> Entry {
    let title = "Phun bôh čar Đăk Tô & ".repeat(40);
    let mut article = article(title.trim_end(), vec![paragraph("Ƀing gơmơi hơdôm anŏ rơngiă")]);
    article.language = Some("jra".to_owned());
    article.link = Some("https://huyen.example.vn/tin?id=1&loai=\"2\"".to_owned());
    article.summary = Some("Tóm tắt riêng & ngắn".to_owned());
    article.images = vec![picture("1.jpg"), picture("2.jpg")];
    entry("jarai", article)
}

/// Only an image, and a link with an active scheme.
fn bare() -> Entry {
    let mut article = article("Ảnh", vec![caption("Ảnh", None, "")]);
    article.link = Some("javascript:alert(1)".to_owned());
    article.language = Some("tiếng Việt".to_owned());
    article.images = vec![picture("1.jpg")];
    entry("anh", article)
}

//! What must hold for everything that was read.

use std::sync::{LazyLock, OnceLock};

use bantin::content_html::{content_html, page_html};
use bantin::feed::{self, FeedInput, FeedKind};
use bantin::model::{Channel, Entry, Image, Permalink, Site, Slug};
use bantin::parse::{
    Diagnostic, Encoding, ParseOptions, ParseResult, ParsedArticle, Severity, TEXT_FIELD, editable_text,
    read_fields,
};
use bantin::search_text::index_text;
use bantin::text::escape_html;
use bantin::time::{DEFAULT_TIME_ZONE, local_date};
use bantin::urls::{Format, SiteUrls};
use serde_json::Value;

/// The options of a site without settings.
pub fn options() -> ParseOptions {
    ParseOptions { zone: DEFAULT_TIME_ZONE, language: "vi".to_owned(), encoding: None }
}

/// The options of a folder with this encoding: one of all, or none.
pub fn options_in(encoding: usize) -> ParseOptions {
    let names = Encoding::ALL;
    ParseOptions { encoding: names.get(encoding % (names.len() + 1)).copied(), ..options() }
}

/// The addresses of the site.
pub fn addresses() -> &'static SiteUrls {
    static ADDRESSES: OnceLock<SiteUrls> = OnceLock::new();
    ADDRESSES.get_or_init(|| {
        SiteUrls::new("https://example.vn/đất&người/", "dakto.kontum.vn,2023").expect("a valid address")
    })
}

static CHANNELS: LazyLock<Vec<Channel>> =
    LazyLock::new(|| vec![Channel::new(Slug::from_title("Đất & Người"), "Đất & Người")]);

/// What is read of a text with so many lines.
///
/// # Panics
/// If something of [`check_findings`] or [`check_article`] does not hold.
pub fn check_reading(result: &ParseResult, lines: Option<usize>) {
    check_findings(result.findings.iter(), lines);
    let has_errors = result.findings.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(result.draft.is_none(), has_errors, "an article, or an error: {:?}", result.findings);
    result.draft.iter().for_each(check_article);
}

/// Every diagnostic names a line of the text and says something in both languages.
///
/// # Panics
/// If one does not.
pub fn check_findings<'f>(findings: impl Iterator<Item = &'f Diagnostic>, lines: Option<usize>) {
    let last = lines.unwrap_or(usize::MAX);
    for finding in findings {
        assert!((1..=last).contains(&finding.line), "of {last} lines: {finding:?}");
        let message = finding.kind.message();
        assert!(!message.vietnamese.trim().is_empty() && !message.english.trim().is_empty(), "{finding:?}");
    }
}

/// An upper bound of the number of lines of a text in any encoding.
pub fn most_lines(bytes: &[u8]) -> usize {
    2 + bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r' | 0x0b | 0x0c | 0x85)).count()
        // U+2028 and U+2029
        + bytes.windows(2).filter(|pair| matches!(pair, [0x80, 0xa8 | 0xa9] | [0x20, 0x28 | 0x29])).count()
}

/// The article survives storage, is published in every format as the independent check before publication demands,
/// and can be edited.
///
/// # Panics
/// If not.
pub fn check_article(draft: &ParsedArticle) {
    let stored = serde_json::to_string(draft).expect("an article is stored as JSON");
    let restored: ParsedArticle = serde_json::from_str(&stored).expect("what was stored is read");
    assert_eq!(&restored, draft, "read otherwise than stored");
    // The store refuses it with the name of the field.
    if draft.article.excess().is_some() {
        return;
    }
    let entry = entry_of(draft);
    check_publication(&entry);
    std::hint::black_box(index_text(&entry.article));
    std::hint::black_box((content_html(&entry, addresses()), page_html(&entry.article, addresses())));
    check_editing(draft);
}

/// The entry that would be published, with an image for each that the article names.
fn entry_of(draft: &ParsedArticle) -> Entry {
    let mut article = draft.article.clone();
    article.images = draft.images.iter().take(8).enumerate().map(|(index, _)| image(index)).collect();
    let day = local_date(article.published.instant, DEFAULT_TIME_ZONE);
    let permalink = Permalink { day, slug: Slug::from_title(&article.title) };
    let id = draft.id.clone().unwrap_or_else(|| addresses().article_id(&permalink));
    let channels = CHANNELS.iter().map(|channel| channel.slug.clone()).collect();
    Entry { id, permalink, channels, updated: article.published.instant, article }
}

fn image(index: usize) -> Image {
    Image {
        name: format!("{index:032x}.jpg"),
        media_type: "image/jpeg".to_owned(),
        width: 1024,
        height: 683,
        size: 145_678,
        copies: Vec::new(),
    }
}

fn check_publication(entry: &Entry) {
    static SITE: LazyLock<Site> = LazyLock::new(|| Site::new("Báo <Đất & Người>"));
    let input = FeedInput {
        site: &SITE,
        addresses: addresses(),
        channel: CHANNELS.first(),
        channels: &CHANNELS,
        entries: std::slice::from_ref(entry),
        tombstones: &[],
        updated: entry.updated,
        kind: FeedKind::Live { previous_archive: None, complete: true },
    };
    for format in [Format::Rss, Format::Atom, Format::Json] {
        let document = feed::render(&input, format);
        if let Err(refused) = feed::verify(&input, format, &document) {
            panic!("not published as {format:?}: {refused}\n{:#?}", entry.article);
        }
    }
}

/// The text that the editing page offers is read back. If it is said to be exact, nothing changes; otherwise it is
/// still a text.
fn check_editing(draft: &ParsedArticle) {
    let body = &draft.article.body;
    let (text, is_exact) = editable_text(body);
    let title = escape_html(&draft.article.title).into_owned();
    let fields = [("title", title), ("published", "12/05/2023 17:39".to_owned()), (TEXT_FIELD, text)];
    let fields = fields.map(|(name, value)| (name.to_owned(), Value::String(value)));
    let reading = read_fields(&fields, &options());
    let text_errors = reading
        .findings
        .iter()
        .filter(|(field, finding)| field == TEXT_FIELD && finding.severity == Severity::Error);
    assert_eq!(text_errors.count(), 0, "what is edited is refused: {:?}\n{body:#?}", reading.findings);
    if let Some(again) = reading.draft.filter(|_| is_exact) {
        assert_eq!(&again.article.body, body, "edited without a change");
    }
}

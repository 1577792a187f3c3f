//! The parsed article in the verbose report, as text and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::ingest::{self, CheckedFile};
use crate::model::{Article, Block, Slug};
use crate::parse::{Diagnostic, DiagnosticKind, ParsedArticle};
use crate::time::{Zone, rfc3339};

/// Maximum length of the excerpt, in characters.
const MAX_EXCERPT: usize = 80;
/// Width of the labels, in columns.
const LABEL_WIDTH: usize = 12;

/// An article as it would be published.
pub(super) struct ParsedReport<'a> {
    draft: &'a ParsedArticle,
    channels: Vec<Slug>,
    pictures: &'a [String],
    /// Line and text of omitted lines.
    dropped: Vec<(usize, String)>,
    /// The language of the article, by default that of the site.
    language: &'a str,
    zone: Zone,
}

impl<'a> ParsedReport<'a> {
    /// `None` if the file has no article.
    pub(super) fn new(seen: &'a CheckedFile, options: &'a ingest::IngestOptions) -> Option<Self> {
        let reading = &seen.reading.as_ref()?.reading;
        let draft = reading.draft.as_ref()?;
        let channels = options.addresses.resolve_channels(seen.channel.clone(), &draft.channels);
        let dropped = reading.findings.iter().filter_map(dropped).collect();
        let language = draft.article.language.as_deref().unwrap_or(&options.language);
        let (pictures, zone) = (seen.pictures.as_slice(), options.time_zone);
        Some(Self { draft, channels, pictures, dropped, language, zone })
    }

    pub(super) fn as_json(&self) -> Value {
        let article = &self.draft.article;
        let dropped: Vec<_> =
            self.dropped.iter().map(|(line, text)| json!({ "line": line, "text": text })).collect();
        json!({
            "title": article.title,
            "published": rfc3339(article.published.instant, self.zone),
            "date_only": article.published.date_only,
            "updated": article.updated.map(|updated| rfc3339(updated, self.zone)),
            "authors": article.authors,
            "lead": article.excerpt(),
            "captions": captions(article).collect::<Vec<_>>(),
            "pictures": self.pictures,
            "source": article.source,
            "tags": article.tags,
            "channels": self.channels,
            "language": self.language,
            "link": article.link,
            "id": self.draft.id.as_ref().map(|id| id.as_str()),
            "dropped": dropped,
        })
    }

    /// Labels and values in reading order.
    fn rows(&self) -> Vec<(&'static str, String)> {
        let article = &self.draft.article;
        let mut rows = vec![("Tiêu đề", article.title.clone()), ("Ngày đăng", self.published())];
        rows.push(("Tác giả", or_dash(article.authors.join(", "))));
        rows.push(("Lời dẫn", or_dash(shortened(article.excerpt()))));
        rows.extend(captions(article).map(|caption| ("Chú thích", caption.to_owned())));
        rows.extend(self.pictures.iter().map(|picture| ("Ảnh", picture.clone())));
        rows.extend(article.source.iter().map(|source| ("Nguồn", source.clone())));
        if !article.tags.is_empty() {
            rows.push(("Từ khóa", article.tags.join(", ")));
        }
        if !self.channels.is_empty() {
            let channels: Vec<_> = self.channels.iter().map(Slug::as_str).collect();
            rows.push(("Chuyên mục", channels.join(", ")));
        }
        rows.push(("Ngôn ngữ", self.language.to_owned()));
        rows.extend(article.link.iter().map(|link| ("Liên kết", link.clone())));
        rows.extend(self.draft.id.iter().map(|id| ("Mã bài", id.to_string())));
        rows.extend(self.dropped.iter().map(|(line, text)| ("Đã bỏ", format!("dòng {line}: {text}"))));
        rows
    }

    fn published(&self) -> String {
        let published = self.draft.article.published;
        let local = published.instant.with_timezone(&self.zone);
        match published.date_only {
            false => local.format("%d/%m/%Y %H:%M %:z").to_string(),
            true => local.format("%d/%m/%Y (chỉ có ngày, tính từ %H:%M %:z)").to_string(),
        }
    }
}

/// The path, and below it the parsed article.
pub(super) fn print_text(path: &str, report: Option<&ParsedReport<'_>>) -> String {
    let mut page = format!("\n{path}");
    let Some(report) = report else {
        page.push_str("\n  Không đọc được thành bài viết; xem lỗi bên dưới.");
        return page;
    };
    let mut last = "";
    for (label, value) in report.rows() {
        let shown = if label == last { "" } else { label };
        last = label;
        let pad = LABEL_WIDTH.saturating_sub(shown.chars().count());
        let _ = write!(page, "\n  {shown}{:pad$}{value}", "");
    }
    page
}

fn captions(article: &Article) -> impl Iterator<Item = &str> {
    article.body.iter().filter_map(|block| match block {
        Block::Caption { raw: printed, .. } => Some(printed.as_str()),
        _ => None,
    })
}

/// Line and text of omitted lines, if the diagnostic is about them.
fn dropped(finding: &Diagnostic) -> Option<(usize, String)> {
    match &finding.kind {
        DiagnosticKind::Dropped { text } | DiagnosticKind::DroppedRepeat { text } => {
            Some((finding.line, text.clone()))
        }
        DiagnosticKind::PageChromeDropped { count, text } => {
            Some((finding.line, format!("{text} … ({count} dòng)")))
        }
        DiagnosticKind::DroppedMore { count, last_line } => {
            Some((finding.line, format!("… và {count} dòng nữa, đến dòng {last_line}")))
        }
        DiagnosticKind::EndMarkRemoved => Some((finding.line, "./.".to_owned())),
        _ => None,
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_EXCERPT) {
        None => text.to_owned(),
        Some((end, _)) => {
            // At a word boundary if possible.
            let cut = &text[..end];
            let cut = cut.rsplit_once(' ').map_or(cut, |(words, _)| words);
            format!("{cut} …")
        }
    }
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "(không có)".to_owned() } else { text }
}

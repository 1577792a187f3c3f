//! From the item of a feed to an article, and what pages of articles tell.

use url::Url;

use super::super::diagnostic::Diagnostics;
use super::super::front_matter::FrontMatter;
use super::super::normalise::Normalizer;
use super::super::{ParseOptions, ParsedArticle, html, structured, web_page};
use super::images;
use super::model::SourceItem;
use crate::model::Article;
use crate::search_text::block_texts;
use crate::text::{language_tag, xml_safe_nfc};
use crate::time::PublishedAt;

/// Plain text on one line, of HTML that may be escaped twice.
pub(super) fn plain(raw: &str) -> String {
    let mut text = raw.to_owned();
    for _ in 0..2 {
        if !has_markup(&text) {
            break;
        }
        match html::plain_text(&text) {
            Some(plain) => text = plain,
            None => break,
        }
    }
    let text = xml_safe_nfc(&text).into_owned();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a text contains a tag or a character reference.
fn has_markup(text: &str) -> bool {
    let tag =
        |at: usize| text[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!'));
    let reference = |at: usize| {
        let name: &str = text[at + 1..].split(';').next().unwrap_or_default();
        let ends = text[at + 1..].len() > name.len();
        ends && (1..=32).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'#')
    };
    text.match_indices('<').any(|(at, _)| tag(at)) || text.match_indices('&').any(|(at, _)| reference(at))
}

/// The article of an item, and its images in the order in which it shows them, those with a caption first. The HTML is
/// read and written anew, as that of an article file; `source`, if another publisher's, is named above it. `page` is the URL and the bytes of its
/// page, whose text is taken if it is longer. `None` if its HTML is too complex.
pub fn article_of(
    item: &SourceItem,
    published: PublishedAt,
    source: Option<&str>,
    page: Option<(&Url, &[u8])>,
    options: &ParseOptions,
) -> Option<ParsedArticle> {
    let mut findings = Diagnostics::default();
    let language = item.language.as_deref().and_then(language_tag);
    let mut normalizer = Normalizer::new(language.unwrap_or(&options.language));
    let base = item.link.as_deref().and_then(|link| Url::parse(link).ok());
    let content = html::feed_content(&item.html, base, options.zone, &mut normalizer, &mut findings)?;
    let title = match item.title.is_empty() {
        // A note without a title is called after its beginning.
        true => crate::text::truncate(&plain(&item.html), 80).into_owned(),
        false => item.title.clone(),
    };
    let matter = FrontMatter {
        updated: item.updated,
        authors: Some(
            item.authors.iter().map(|author| plain(author)).filter(|name| !name.is_empty()).collect(),
        ),
        summary: Some(item.summary.clone()).filter(|summary| !summary.is_empty()),
        tags: item.tags.clone(),
        language: language.filter(|language| !same_language(language, &options.language)).map(str::to_owned),
        link: item.link.clone(),
        source: source.map(str::to_owned),
        ..FrontMatter::default()
    };
    let of_page = page.and_then(|(url, bytes)| web_page(bytes, url, &title, published, options));
    let mut draft = structured::article_of_content(content, title, published, matter, options);
    // A page of which only a part is understood is no more than the feed has.
    if let Some(whole) = of_page.filter(|whole| length(&whole.article) > length(&draft.article)) {
        (draft.article.body, draft.images, draft.lines) = (whole.article.body, whole.images, whole.lines);
    }
    images::add(&mut draft, &item.images);
    Some(draft)
}

/// The length of the text of an article, in bytes.
fn length(article: &Article) -> usize {
    article.body.iter().flat_map(block_texts).map(|text| text.len()).sum()
}

/// `vi` and `vi-VN` are one language.
fn same_language(a: &str, b: &str) -> bool {
    let primary = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    primary(a) == primary(b)
}

/// The publication date that the page of an article prints, in the zone of the options.
pub fn page_date(page: &[u8], options: &ParseOptions) -> Option<PublishedAt> {
    super::super::parse("page.html", page, options).draft.map(|draft| draft.article.published)
}

/// The URLs of the feeds that a page names (`link rel="alternate"`), the most expressive format first.
pub fn feed_links(page: &[u8], url: &Url) -> Vec<Url> {
    const TYPES: [&str; 3] = ["application/atom+xml", "application/rss+xml", "application/feed+json"];
    let text = String::from_utf8_lossy(page);
    let links = html::alternate_links(&text);
    let of_type = |wanted: &'static str| {
        links.iter().filter(move |(media_type, _)| media_type.eq_ignore_ascii_case(wanted))
    };
    TYPES.into_iter().flat_map(of_type).filter_map(|(_, href)| url.join(href).ok()).collect()
}

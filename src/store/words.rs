//! Text as it is searched: lower-case words without diacritics, so that `dak to` finds `Đăk Tô`.
//!
//! Pure. Articles and questions go through the same [`fold`]; nothing else decides what a word is, no engine
//! and no locale.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::article::{Article, Block};

/// All words of an article, in reading order, one space between two: title, summary, text, authors, source,
/// tags.
pub(super) fn of_article(article: &Article) -> String {
    let mut folded = String::with_capacity(4096);
    fold(&article.title, &mut folded);
    if let Some(summary) = &article.summary {
        fold(summary, &mut folded);
    }
    for block in &article.body {
        fold_block(block, &mut folded);
    }
    for text in article.authors.iter().chain(&article.source).chain(&article.tags) {
        fold(text, &mut folded);
    }
    folded
}

/// The words of a question, each once. Nothing in it is an operator: whatever is no letter and no digit only
/// parts words.
pub(super) fn of_question(question: &str) -> Vec<String> {
    let mut folded = String::new();
    fold(question, &mut folded);
    let mut words: Vec<String> = folded.split_terminator(' ').map(str::to_owned).collect();
    words.sort_unstable();
    words.dedup();
    words
}

fn fold_block(block: &Block, folded: &mut String) {
    match block {
        Block::Lead { text } | Block::Paragraph { text } | Block::Heading { text, .. } => fold(text, folded),
        Block::Caption { printed, .. } => fold(printed, folded),
        Block::List { items, .. } => items.iter().for_each(|item| fold(item, folded)),
        Block::Table { rows } => rows.iter().flatten().for_each(|cell| fold(cell, folded)),
        Block::Html { html } => fold(&text_of(html), folded),
    }
}

/// Appends the words of `text`.
fn fold(text: &str, folded: &mut String) {
    if !folded.is_empty() {
        part(folded);
    }
    // Taken apart before it is made lower case (`𝒥`), and again after it, which may bring marks along (`İ`).
    for character in text.nfkd().flat_map(char::to_lowercase).nfkd() {
        match character {
            // They have no decomposition. `Ð` is the Icelandic letter, which is often typed for `Đ`.
            'đ' | 'ð' => folded.push('d'),
            // Bahnar and Jarai.
            'ƀ' => folded.push('b'),
            character if is_combining_mark(character) || is_joiner(character) => {}
            character if character.is_alphanumeric() => folded.push(character),
            _ => part(folded),
        }
    }
    if folded.ends_with(' ') {
        folded.pop();
    }
}

fn part(folded: &mut String) {
    if !folded.is_empty() && !folded.ends_with(' ') {
        folded.push(' ');
    }
}

/// Stands inside words and is not seen.
fn is_joiner(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// The text of sanitised HTML, good enough to find words in. Tags within a line part no words, all others do.
fn text_of(html: &str) -> String {
    const INLINE: [&str; 14] =
        ["a", "abbr", "b", "cite", "em", "i", "mark", "s", "small", "span", "strong", "sub", "sup", "u"];
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(tag) = rest.strip_prefix('<') {
            let name = tag.trim_start_matches('/');
            let name = &name[..name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len())];
            if !INLINE.contains(&name) {
                text.push(' ');
            }
            rest = behind_tag(tag);
        } else {
            // What the sanitiser writes as a reference (`&amp;`, `&lt;`, `&nbsp;`) is no letter.
            text.push(' ');
            let end = rest.find(';').filter(|end| *end < 10);
            rest = end.map_or(&rest[1..], |end| &rest[end + 1..]);
        }
    }
    text.push_str(rest);
    text
}

/// What follows a tag; a `>` between quotation marks does not end it.
fn behind_tag(tag: &str) -> &str {
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return &tag[at + 1..],
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn folded(text: &str) -> String {
        let mut folded = String::new();
        fold(text, &mut folded);
        folded
    }

    #[test]
    fn words_are_found_however_they_are_typed() {
        for (text, words) in [
            ("Đăk Tô", "dak to"),
            ("ĐẮK TÔ", "dak to"),
            ("Ða\u{306}k To\u{302}", "dak to"),
            ("Huye\u{302}\u{323}n ủy, Ủy ban", "huyen uy uy ban"),
            ("số 41/QĐ-CTUB ngày 30/03/2004", "so 41 qd ctub ngay 30 03 2004"),
            ("“Nước\u{a0}sạch”…", "nuoc sach"),
            ("Kon\u{200b}Tum", "kontum"),
            ("Ƀơ̆ Ƀahnar", "bo bahnar"),
            ("２０２３ m²", "2023 m2"),
            ("İstanbul", "istanbul"),
            ("日本語", "日本語"),
            (" … ", ""),
            ("", ""),
        ] {
            assert_eq!(folded(text), words, "{text}");
        }
    }

    #[test]
    fn html_is_searched_for_its_text_and_not_for_its_tags() {
        for (html, words) in [
            ("<p>Một</p><p>hai &amp; ba</p>", "mot hai ba"),
            ("<p><b>Đ</b>ăk <a href=\"https://x.vn/?a>b\" title='c'>Tô</a></p>", "dak to"),
            ("a&nbsp;b & c <", "a b c"),
        ] {
            assert_eq!(folded(&text_of(html)), words, "{html}");
        }
    }

    #[test]
    fn nothing_in_a_question_is_an_operator() {
        assert_eq!(of_question("\"dak to\" OR NOT(tô*) -x:y"), ["dak", "not", "or", "to", "x", "y"]);
        assert!(of_question("\"*\" % _ ' ;--").is_empty());
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once_and_leaves_words_and_single_spaces(text in any::<String>()) {
            let once = folded(&text);
            prop_assert_eq!(&folded(&once), &once);
            prop_assert!(once.split(' ').all(|word| word.chars().all(char::is_alphanumeric)));
            prop_assert!(once.is_empty() || !once.split(' ').any(str::is_empty));
        }

        #[test]
        fn any_html_is_read_to_its_end(html in any::<String>()) {
            text_of(&html);
        }
    }
}

//! Search text: lower-case words without diacritics, so that `dak to` finds `Đăk Tô`.
//!
//! Pure. Articles, queries and highlighted words all go through [`tokenize`]; neither the database engine nor a locale
//! defines what a word is.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::{decompose_compatible, is_combining_mark};

use crate::model::{Article, Block};

/// All words of an article in reading order, separated by single spaces: title, summary, text, authors, source, tags.
pub fn index_text(article: &Article) -> String {
    let mut folded = String::with_capacity(4096);
    each_text(article, |text| append_words(&mut folded, text));
    folded
}

/// Appends the words of `text`, each after a space unless it is the first one.
fn append_words(folded: &mut String, text: &str) {
    let mut inside = false;
    for character in text.chars() {
        fold_char(character, |letter| match letter {
            Some(letter) => {
                if !inside && !folded.is_empty() {
                    folded.push(' ');
                }
                inside = true;
                folded.push(letter);
            }
            None => inside = false,
        });
    }
}

/// The words of a text in reading order.
pub fn folded_words(text: &str) -> Vec<String> {
    tokenize(text).into_iter().map(|word| word.normalized).collect()
}

/// The distinct words of a query. There are no operators: everything except letters and digits separates words.
pub fn query_terms(question: &str) -> Vec<String> {
    let mut words: Vec<String> = tokenize(question).into_iter().map(|word| word.normalized).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// The phrases of a query: the words between quotation marks. Unclosed quotation marks are ignored.
pub fn quoted_phrases(question: &str) -> Vec<Vec<String>> {
    const MARKS: [char; 5] = ['"', '“', '”', '«', '»'];
    let pieces: Vec<&str> = question.split(MARKS).collect();
    let quoted = pieces.iter().skip(1).step_by(2).take(pieces.len().saturating_sub(1) / 2);
    let phrases = quoted.map(|piece| tokenize(piece).into_iter().map(|word| word.normalized).collect());
    phrases.filter(|words: &Vec<String>| words.len() > 1).collect()
}

/// A query word with diacritics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exact {
    /// Without diacritics.
    folded: String,
    /// With diacritics, normalised by [`spelling`].
    spelling: String,
}

/// The distinct words of a query that have diacritics, which must match exactly.
pub fn with_marks(question: &str) -> Vec<Exact> {
    let mut exact: Vec<Exact> = Vec::new();
    for word in tokenize(question) {
        let spelling = spelling(&question[word.range]);
        let exactly = Exact { folded: word.normalized, spelling };
        if exactly.spelling != exactly.folded && !exact.contains(&exactly) {
            exact.push(exactly);
        }
    }
    exact
}

/// Whether the article contains all of these words with these diacritics.
pub fn has_exactly(article: &Article, exact: &[Exact]) -> bool {
    held_exactly(article, exact).len() == exact.len()
}

/// The words that the article contains with these diacritics.
pub fn held_exactly(article: &Article, exact: &[Exact]) -> Vec<Exact> {
    let mut missing: Vec<&Exact> = exact.iter().collect();
    let mut search = |text: &str| {
        if missing.is_empty() {
            return;
        }
        for word in tokenize(text) {
            missing.retain(|wanted| {
                wanted.folded != word.normalized || wanted.spelling != spelling(&text[word.range.clone()])
            });
        }
    };
    each_text(article, &mut search);
    exact.iter().filter(|wanted| !missing.contains(wanted)).cloned().collect()
}

/// Passes each text of an article to `emit`.
fn each_text(article: &Article, mut emit: impl FnMut(&str)) {
    emit(&article.title);
    article.summary.iter().for_each(|summary| emit(summary));
    for block in &article.body {
        block_texts(block).iter().for_each(|text| emit(text));
    }
    article.authors.iter().chain(&article.source).chain(&article.tags).for_each(|line| emit(line));
}

/// A word in lower case with its diacritics, with the tone after all letters: `hòa` and `hoà` are equal.
fn spelling(word: &str) -> String {
    const TONES: [char; 5] = ['\u{300}', '\u{301}', '\u{303}', '\u{309}', '\u{323}'];
    let (mut letters, mut tones) = (String::with_capacity(word.len()), Vec::new());
    for part in word.nfkd().flat_map(char::to_lowercase).nfkd() {
        match part {
            tone if TONES.contains(&tone) => tones.push(tone),
            'ð' => letters.push('đ'),
            joiner if is_joiner(joiner) => {}
            letter => letters.push(letter),
        }
    }
    tones.sort_unstable();
    letters.extend(tones);
    letters
}

/// Whether one of the article's texts contains `phrase`. A phrase does not span two texts, such as title and lead.
pub fn contains_phrase(article: &Article, phrase: &[String]) -> bool {
    let mut found = false;
    each_text(article, |text| {
        if !found {
            let words: Vec<String> = tokenize(text).into_iter().map(|word| word.normalized).collect();
            found = words.windows(phrase.len().max(1)).any(|window| window == phrase);
        }
    });
    found
}

/// The byte ranges of the words in `text`, in order and without overlap. Words of a phrase match only as a phrase,
/// including what is between them. Words in `exact` match only with their diacritics.
pub fn match_ranges(
    text: &str,
    words: &[String],
    phrases: &[Vec<String>],
    exact: &[Exact],
) -> Vec<Range<usize>> {
    let all = tokenize(text);
    let is_meant = |word: &Word| {
        let mut spelled = exact.iter().filter(|wanted| wanted.folded == word.normalized).peekable();
        spelled.peek().is_none() || {
            let written = spelling(&text[word.range.clone()]);
            spelled.any(|wanted| wanted.spelling == written)
        }
    };
    let alone = |word: &Word| {
        words.contains(&word.normalized)
            && !phrases.iter().any(|phrase| phrase.contains(&word.normalized))
            && is_meant(word)
    };
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < all.len() {
        let matching = phrases.iter().filter(|phrase| {
            let rest = all[at..].iter().map(|word| &word.normalized);
            phrase.iter().eq(rest.take(phrase.len()))
        });
        let length = matching.map(Vec::len).max().unwrap_or(usize::from(alone(&all[at])));
        if length > 0 {
            ranges.push(all[at].range.start..all[at + length - 1].range.end);
        }
        at += length.max(1);
    }
    ranges
}

/// The texts of a block in reading order, without markup.
pub fn block_texts(block: &Block) -> Vec<Cow<'_, str>> {
    match block {
        Block::Lead { text, .. } | Block::Paragraph { text } | Block::Heading { text, .. } => {
            vec![text.into()]
        }
        Block::Caption { raw: printed, .. } => vec![printed.into()],
        Block::List { items, .. } => items.iter().map(Cow::from).collect(),
        Block::Table { rows } => rows.iter().flatten().map(Cow::from).collect(),
        Block::Html { html } => vec![text_of(html).into()],
    }
}

/// A word of a text.
#[derive(Debug, PartialEq, Eq)]
struct Word {
    /// Lower-case, without diacritics.
    normalized: String,
    /// Its byte range in the text.
    range: Range<usize>,
}

/// The words of `text` in order.
fn tokenize(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::with_capacity(text.len() / 5);
    let mut inside = false;
    for (start, character) in text.char_indices() {
        let end = start + character.len_utf8();
        fold_char(character, |folded| match folded {
            Some(letter) if inside => {
                if let Some(word) = words.last_mut() {
                    word.normalized.push(letter);
                    word.range.end = end;
                }
            }
            Some(letter) => {
                inside = true;
                words.push(Word { normalized: letter.to_string(), range: start..end });
            }
            None => inside = false,
        });
        // Combining marks belong to the word of their base letter, also when it is highlighted.
        if inside
            && is_combining_mark(character)
            && let Some(word) = words.last_mut()
        {
            word.range.end = end;
        }
    }
    words
}

/// Passes on the folded letters and digits of `character`, and `None` if it separates words.
fn fold_char(character: char, mut emit: impl FnMut(Option<char>)) {
    if character.is_ascii() {
        return emit(character.is_ascii_alphanumeric().then(|| character.to_ascii_lowercase()));
    }
    match LETTERS.get((character as usize).wrapping_sub(FIRST_LETTER)) {
        Some(&letter) if letter != '\0' => emit(Some(letter)),
        _ => decompose_and_fold(character, emit),
    }
}

/// The range of the letters of Vietnamese, up to `ỹ`.
const FIRST_LETTER: usize = 0xc0;
const LAST_LETTER: usize = 0x1ef9;

/// The folded letter of each character of that range; U+0000 if it is not folded to exactly one.
static LETTERS: LazyLock<Vec<char>> = LazyLock::new(|| {
    let fold = |code: usize| {
        let (mut letter, mut count) = ('\0', 0);
        let character = u32::try_from(code).ok().and_then(char::from_u32)?;
        decompose_and_fold(character, |folded| (letter, count) = (folded.unwrap_or_default(), count + 1));
        Some(letter).filter(|_| count == 1)
    };
    (FIRST_LETTER..=LAST_LETTER).map(|code| fold(code).unwrap_or_default()).collect()
});

fn decompose_and_fold(character: char, mut emit: impl FnMut(Option<char>)) {
    // Decomposed before lower-casing (`𝒥`) and again after it, which can add marks (`İ`).
    decompose_compatible(character, |part| {
        for lower in part.to_lowercase() {
            decompose_compatible(lower, |character| match character {
                // These have no decomposition. The Icelandic `Ð` is often typed for `Đ`.
                'đ' | 'ð' => emit(Some('d')),
                // Bahnar and Jarai.
                'ƀ' => emit(Some('b')),
                character if is_combining_mark(character) || is_joiner(character) => {}
                character => emit(Some(character).filter(|character| character.is_alphanumeric())),
            });
        }
    });
}

/// Whether the character is invisible within words.
fn is_joiner(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// The text of sanitised HTML, for searching only. Inline tags do not separate words, all others do.
pub fn text_of(html: &str) -> String {
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
            rest = after_tag(tag);
        } else {
            // The character references that the sanitiser writes (`&amp;`, `&lt;`, `&nbsp;`) are not letters.
            text.push(' ');
            let end = rest.find(';').filter(|end| *end < 10);
            rest = end.map_or(&rest[1..], |end| &rest[end + 1..]);
        }
    }
    text.push_str(rest);
    text
}

/// The text after a tag; a `>` within quotation marks does not end the tag.
fn after_tag(tag: &str) -> &str {
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
        let words: Vec<String> = tokenize(text).into_iter().map(|word| word.normalized).collect();
        words.join(" ")
    }

    fn marked(text: &str, question: &str) -> Vec<String> {
        let places = match_ranges(text, &query_terms(question), &quoted_phrases(question), &[]);
        places.into_iter().map(|place| text[place].to_owned()).collect()
    }

    #[test]
    fn folds_case_diacritics_and_width() {
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
    fn html_tags_are_not_searched() {
        for (html, words) in [
            ("<p>Một</p><p>hai &amp; ba</p>", "mot hai ba"),
            ("<p><b>Đ</b>ăk <a href=\"https://x.vn/?a>b\" title='c'>Tô</a></p>", "dak to"),
            ("a&nbsp;b & c <", "a b c"),
        ] {
            assert_eq!(folded(&text_of(html)), words, "{html}");
        }
    }

    #[test]
    fn queries_have_no_operators() {
        assert_eq!(query_terms("\"dak to\" OR NOT(tô*) -x:y"), ["dak", "not", "or", "to", "x", "y"]);
        assert!(query_terms("\"*\" % _ ' ;--").is_empty());
    }

    #[test]
    fn highlights_words_however_they_are_typed() {
        let text = "Huye\u{302}\u{323}n Đăk Tô phát động thi đua; thi ca, ĐUA THI “thi\u{a0}đua”.";
        for (question, found) in [
            ("huyen", vec!["Huye\u{302}\u{323}n"]),
            ("dak TÔ", vec!["Đăk", "Tô"]),
            ("thi dua", vec!["thi", "đua", "thi", "ĐUA", "THI", "thi", "đua"]),
            ("\"thi dua\"", vec!["thi đua", "thi\u{a0}đua"]),
            ("“thi đua” to", vec!["Tô", "thi đua", "thi\u{a0}đua"]),
            ("\"thi dua", vec!["thi", "đua", "thi", "ĐUA", "THI", "thi", "đua"]),
            ("th", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(marked(text, question), found, "{question}");
        }
    }

    #[test]
    fn diacritics_in_a_query_must_match() {
        let exact = |question: &str, text: &str| {
            let found = match_ranges(text, &query_terms(question), &[], &with_marks(question));
            found.into_iter().map(|place| text[place].to_owned()).collect::<Vec<_>>()
        };
        let text = "Đăk Tô, ĐĂK TÔ, Ða\u{306}k To\u{302}; đắc to, dak to, Đak Tổ";
        assert_eq!(exact("Đăk Tô", text), ["Đăk", "Tô", "ĐĂK", "TÔ", "Ða\u{306}k", "To\u{302}"]);
        assert_eq!(exact("đăk to", text).len(), 9, "a word without marks is any of them");
        assert_eq!(exact("hòa thuỷ", "hoà hoa hóa thủy"), ["hoà", "thủy"]);
        assert!(with_marks("dak to 2023").is_empty());
        assert_eq!(with_marks("Đăk đăk ĐĂK tô").len(), 2);
    }

    #[test]
    fn phrases_are_in_quotation_marks() {
        let words = |phrase: &str| phrase.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (question, found) in [
            ("\"Đăk Tô\"", vec!["dak to"]),
            ("a «một hai» b \"ba bốn\" c", vec!["mot hai", "ba bon"]),
            ("\"một\" \"\" “ ”", vec![]),
            ("\"một hai", vec![]),
            ("một hai", vec![]),
        ] {
            let found: Vec<_> = found.into_iter().map(words).collect();
            assert_eq!(quoted_phrases(question), found, "{question}");
        }
    }

    proptest! {
        #[test]
        fn folding_agrees_with_whole_text_folding(text in any::<String>()) {
            let mut whole = String::new();
            for character in text.nfkd().flat_map(char::to_lowercase).nfkd() {
                match character {
                    'đ' | 'ð' => whole.push('d'),
                    'ƀ' => whole.push('b'),
                    character if is_combining_mark(character) || is_joiner(character) => {}
                    character if character.is_alphanumeric() => whole.push(character),
                    _ => whole.push(' '),
                }
            }
            let whole = whole.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(&folded(&text), &whole);
            let mut appended = String::new();
            append_words(&mut appended, &text);
            prop_assert_eq!(&appended, &whole);
        }

        #[test]
        fn match_ranges_are_ordered_and_valid(text in any::<String>(), question in any::<String>()) {
            let mut end = 0;
            for place in match_ranges(&text, &query_terms(&question), &quoted_phrases(&question), &with_marks(&question)) {
                prop_assert!(end <= place.start && place.start < place.end && text.get(place.clone()).is_some());
                end = place.end;
            }
        }

        #[test]
        fn folding_is_idempotent(text in any::<String>()) {
            let once = folded(&text);
            prop_assert_eq!(&folded(&once), &once);
            prop_assert!(once.split(' ').all(|word| word.chars().all(char::is_alphanumeric)));
            prop_assert!(once.is_empty() || !once.split(' ').any(str::is_empty));
        }

        #[test]
        fn text_of_accepts_any_html(html in any::<String>()) {
            text_of(&html);
        }
    }
}

//! The lists of `phrases.txt`.

use std::sync::LazyLock;

type Phrases = LazyLock<Vec<&'static str>>;

macro_rules! lists {
    ($($list:ident)*) => {
        $(pub(super) static $list: Phrases = LazyLock::new(|| list(stringify!($list)));)*

        #[cfg(test)]
        const ALL: &[&Phrases] = &[$(&$list,)*];
    };
}

lists! {
    ENDS END_OPENINGS BOXES TOOLS TOOL_OPENINGS COUNTERS SITES SITE_OPENINGS SECTIONS SECTION_LABELS DOCUMENTS OFFICES
    AUTHORITIES CONTACTS ATTACHMENTS PICTURES TAG_LABELS ACCOUNTS AUTHOR_LEADS TIMES AUTHOR_LABELS WORKS AGENCIES NO_NAMES
    PLACES DATE_LABELS DEPARTMENTS CREDITS REPORTS SHOWN DOING
}

fn list(name: &str) -> Vec<&'static str> {
    let lists = include_str!("phrases.txt").split("\n\n");
    let mut found = lists.filter_map(|list| list.strip_prefix('[')?.strip_prefix(name)?.strip_prefix(']'));
    let phrases = found.next().and_then(|list| list.split_once('\n')).map_or("", |(_, phrases)| phrases);
    phrases.split('|').map(str::trim).filter(|phrase| !phrase.is_empty()).collect()
}

/// Whether the line begins with a phrase of the list, as whole words.
pub(super) fn opens_with(line: &str, list: &[&str]) -> bool {
    list.iter().any(|phrase| opens(line, phrase))
}

/// Whether a phrase of the list occurs after the first word, as whole words.
pub(super) fn says(line: &str, list: &[&str]) -> bool {
    let at = |phrase: &str, at: usize| line[..at].ends_with(' ') && opens(&line[at..], phrase);
    list.iter().any(|phrase| line.match_indices(phrase).any(|(start, _)| at(phrase, start)))
}

fn opens(line: &str, phrase: &str) -> bool {
    line.strip_prefix(phrase).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

#[test]
fn every_list_has_phrases() {
    assert!(ALL.iter().all(|list| list.len() > 1 && list.iter().all(|phrase| !phrase.contains('\n'))));
}

//! The keys of the front matter, and the suggestion for a mistyped one.

/// The keys of the front matter, in the order of the documentation.
pub const FRONT_MATTER_KEYS: [&str; 12] = [
    "id",
    "title",
    "published",
    "updated",
    "authors",
    "summary",
    "channels",
    "tags",
    "language",
    "link",
    "source",
    "encoding",
];

/// The key that was probably meant: at most two typing errors, or a known alias.
pub(super) fn suggest_key(given: &str) -> Option<&'static str> {
    const KEY_ALIASES: [(&str, &str); 8] = [
        ("date", "published"),
        ("ngay", "published"),
        ("author", "authors"),
        ("description", "summary"),
        ("lang", "language"),
        ("url", "link"),
        ("categories", "channels"),
        ("category", "channels"),
    ];
    let given = given.to_lowercase();
    if let Some((_, key)) = KEY_ALIASES.into_iter().find(|(alias, _)| *alias == given) {
        return Some(key);
    }
    FRONT_MATTER_KEYS
        .into_iter()
        .map(|key| (edit_distance(key, &given), key))
        .filter(|(distance, _)| *distance <= 2)
        .min()
        .map(|(_, key)| key)
}

/// The Levenshtein distance; 9 if the lengths differ too much.
fn edit_distance(wanted: &str, given: &str) -> usize {
    let given: Vec<char> = given.chars().take(20).collect();
    if given.len().abs_diff(wanted.len()) > 2 || given.len() < 2 {
        return 9;
    }
    let mut row: Vec<usize> = (0..=given.len()).collect();
    for (i, letter) in wanted.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for j in 1..=given.len() {
            let replaced = diagonal + usize::from(given[j - 1] != letter);
            diagonal = row[j];
            row[j] = replaced.min(row[j] + 1).min(row[j - 1] + 1);
        }
    }
    row[given.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistyped_keys_get_a_suggestion() {
        for (given, expected) in [
            ("tittle", Some("title")),
            ("Title", Some("title")),
            ("author", Some("authors")),
            ("date", Some("published")),
            ("chanels", Some("channels")),
            ("màu", None),
            ("x", None),
            ("toString", None),
        ] {
            assert_eq!(suggest_key(given), expected, "{given}");
        }
    }
}

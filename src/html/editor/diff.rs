//! The difference between two texts of an article.

use similar::{ChangeTag, TextDiff};

/// A line of a difference: its parts, each with what became of it.
pub struct DiffLine(pub Vec<(Change, String)>);

/// What became of a part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is in both texts.
    Kept,
    /// It is only in the newer text.
    Added,
    /// It is only in the older text.
    Removed,
}

/// The lines that differ, with one unchanged line around them; empty if nothing differs.
pub fn diff(older: &str, newer: &str) -> Vec<DiffLine> {
    let diff = TextDiff::from_lines(older, newer);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(1) {
        for change in group.iter().flat_map(|operation| diff.iter_inline_changes(operation)) {
            let whole = match change.tag() {
                ChangeTag::Equal => Change::Kept,
                ChangeTag::Insert => Change::Added,
                ChangeTag::Delete => Change::Removed,
            };
            let emphasised = change.iter_strings_lossy().any(|(is_emphasised, _)| is_emphasised);
            let parts = change.iter_strings_lossy().filter(|(_, text)| !text.is_empty()).map(
                |(is_emphasised, text)| {
                    let kind = if is_emphasised || !emphasised { whole } else { Change::Kept };
                    (kind, text.trim_end_matches('\n').to_owned())
                },
            );
            let parts: Vec<_> = parts.filter(|(_, text)| !text.is_empty()).collect();
            if !parts.is_empty() {
                lines.push(DiffLine(parts));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown() {
        let older = "Tiêu đề\nĐoạn một giữ nguyên.\nGiá là 5.000 đồng.\nĐoạn cuối.\nXa nữa.\nXa lắm.";
        let lines = diff(older, &older.replace("5.000", "6.000"));
        let of = |kind| {
            let parts = lines.iter().flat_map(|line| &line.0).filter(|(found, _)| *found == kind);
            parts.map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("|")
        };
        assert!(
            of(Change::Added).contains('6') && of(Change::Removed).contains('5'),
            "{}",
            of(Change::Added)
        );
        assert!(!of(Change::Kept).contains("Xa lắm"));
        assert!(diff(older, older).is_empty());
    }
}

//! SQL that several queries share.

/// The view of everything, among the channels.
pub(crate) const ALL_CHANNELS: &str = "";

/// What of a row of `channel` says that readers know of it: it has or had articles, it is configured (then it bears
/// the name under which it was founded), or it is the view of everything. Any other waits for its first article.
macro_rules! is_public {
    () => {
        "(head > 0 OR founded_as <> '' OR slug = '')"
    };
}
pub(crate) use is_public;

/// True of an article that stands in a channel which is served.
macro_rules! served {
    ($gone:literal, $article:literal) => {
        concat!(
            "(",
            $gone,
            " = '' OR EXISTS (SELECT 1 FROM membership v WHERE v.article = ",
            $article,
            " AND v.channel <> '' AND ",
            $gone,
            " NOT LIKE '%|' || v.channel || '|%'))"
        )
    };
}
pub(crate) use served;

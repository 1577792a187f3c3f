//! SQL that several queries share.

/// The slug under which the view of all channels is stored.
pub(crate) const ALL_CHANNELS: &str = "";

/// SQL condition on `channel`: readers know the channel. It has or had articles, it is configured (then
/// `founded_as` is set), or it is the view of all channels. Any other channel waits for its first article.
macro_rules! is_public {
    () => {
        "(head > 0 OR founded_as <> '' OR slug = '')"
    };
}
pub(crate) use is_public;

/// SQL condition: the article is in a channel that is served.
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

/// SQL: the stored text of the article `a`; null if it was erased. [`Row::get_content`](super::engine::Row) reads it.
macro_rules! content {
    () => {
        "(SELECT t.content FROM revision t WHERE t.number = a.content_of)"
    };
}
pub(crate) use content;

/// SQL: the columns of the revision `r` that [`Row::get_metadata`](super::engine::Row) reads.
macro_rules! metadata {
    () => {
        "r.number, r.article, r.kind, r.at, r.updated, r.channels, r.reason, r.author, r.checksum"
    };
}
pub(crate) use metadata;

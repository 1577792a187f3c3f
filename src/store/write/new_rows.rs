//! The rows that a revision adds to the tables of the log.

use crate::store::engine::bulk::{Insert, Kind};

/// The values of a row, in order.
macro_rules! row {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::engine::Value::from($value)),*] };
}
pub(crate) use row;

pub(crate) const REVISION: Insert = Insert {
    table: "revision",
    columns: &[
        ("number", Kind::Integer),
        ("article", Kind::Text),
        ("kind", Kind::Text),
        ("at", Kind::Integer),
        ("updated", Kind::Integer),
        ("channels", Kind::Text),
        ("reason", Kind::Text),
        ("author", Kind::Text),
        ("checksum", Kind::Integer),
        ("content", Kind::Bytes),
    ],
    on_conflict: "",
};

pub(crate) const CHANNEL_REVISION: Insert = Insert {
    table: "channel_revision",
    columns: &[
        ("channel", Kind::Text),
        ("number", Kind::Integer),
        ("revision", Kind::Integer),
        ("article", Kind::Text),
        ("kind", Kind::Text),
        ("at", Kind::Integer),
    ],
    on_conflict: "",
};

pub(crate) const MEMBERSHIP: Insert = Insert {
    table: "membership",
    columns: &[
        ("channel", Kind::Text),
        ("article", Kind::Text),
        ("stamp", Kind::Integer),
        ("place", Kind::Integer),
        ("around", Kind::Integer),
    ],
    on_conflict: "",
};

pub(crate) const FILE: Insert = Insert {
    table: "file",
    columns: &[
        ("path", Kind::Text),
        ("channel", Kind::Text),
        ("channels", Kind::Text),
        ("hash", Kind::Text),
        ("size", Kind::Integer),
        ("modified", Kind::Integer),
        ("article", Kind::Text),
        ("present", Kind::Integer),
        ("refused", Kind::Integer),
        ("pictures", Kind::Text),
    ],
    on_conflict: "ON CONFLICT (path) DO UPDATE SET channel = excluded.channel, channels = excluded.channels, \
         hash = excluded.hash, size = excluded.size, modified = excluded.modified, article = excluded.article, \
         present = 1, refused = excluded.refused, pictures = excluded.pictures",
};

pub(crate) const IMPORTED: Insert = Insert {
    table: "import",
    columns: &[
        ("source", Kind::Text),
        ("place", Kind::Text),
        ("article", Kind::Text),
        ("stem", Kind::Text),
        ("channel", Kind::Text),
        ("channels", Kind::Text),
        ("hash", Kind::Text),
    ],
    on_conflict: "ON CONFLICT (source, place, article) DO UPDATE SET channels = excluded.channels, \
         hash = excluded.hash",
};

pub(crate) const IMAGE_USE: Insert = Insert {
    table: "picture_use",
    columns: &[("picture", Kind::Text), ("article", Kind::Text), ("shown", Kind::Integer)],
    on_conflict: "ON CONFLICT (picture, article) DO UPDATE SET shown = 1 WHERE excluded.shown = 1",
};

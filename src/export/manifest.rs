//! The record of a build: which files it has written, and from what.

use std::collections::BTreeMap;

use crate::time::{Timestamp, from_unix};

/// Files for builds only; servers must not serve them.
pub(super) const META_DIR: &str = ".bantin";
/// Path of the manifest below the output directory.
pub(super) const MANIFEST: &str = ".bantin/manifest";
const MANIFEST_VERSION: &str = "bantin-build 1";
/// Ends the first line after a build without compression.
const UNCOMPRESSED: &str = "\tuncompressed";

/// The version, log and configuration for which the keys in a manifest are valid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BuildInputs {
    pub version: String,
    pub log: String,
    pub config_epoch: u64,
    /// Whether documents have compressed forms.
    pub compress: bool,
}

/// A file that a build has written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OutputFile {
    /// Identifies all inputs of the file; empty if unknown.
    pub key: String,
    /// When the document last changed, from the log.
    pub modified: Timestamp,
    pub lengths: EncodedSizes,
}

/// Size of a document in each content coding, in bytes; `None` if the coding would save nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EncodedSizes {
    pub identity: u64,
    pub gzip: Option<u64>,
    pub brotli: Option<u64>,
}

/// All files that builds have written, by path below the output directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    pub epoch: BuildInputs,
    pub files: BTreeMap<String, OutputFile>,
}

impl Manifest {
    /// The key of a file; `None` if unknown.
    pub(super) fn key(&self, file: &str) -> Option<&str> {
        self.files.get(file).map(|made| made.key.as_str()).filter(|key| !key.is_empty())
    }

    /// The same files with their keys cleared.
    pub(super) fn invalidated(mut self) -> Self {
        self.files.values_mut().for_each(|made| made.key.clear());
        self
    }

    pub(super) fn text(&self) -> String {
        let BuildInputs { version, log, config_epoch, compress } = &self.epoch;
        let codings = if *compress { "" } else { UNCOMPRESSED };
        let mut text = format!("{MANIFEST_VERSION}\t{version}\t{log}\t{config_epoch}{codings}\n");
        for (file, OutputFile { key, modified: at, lengths }) in &self.files {
            let EncodedSizes { identity, gzip, brotli } = lengths;
            let length = |length: &Option<u64>| length.map_or("-".to_owned(), |length| length.to_string());
            let (gzip, brotli) = (length(gzip), length(brotli));
            text.push_str(&format!("{}\t{identity}\t{gzip}\t{brotli}\t{key}\t{file}\n", at.timestamp()));
        }
        text
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let head = lines.next()?;
        let uncompressed = head.strip_suffix(UNCOMPRESSED);
        let mut head = uncompressed.unwrap_or(head).split('\t');
        if head.next() != Some(MANIFEST_VERSION) {
            return None;
        }
        let (version, log) = (head.next()?.to_owned(), head.next()?.to_owned());
        let (config_epoch, compress) = (head.next()?.parse().ok()?, uncompressed.is_none());
        let epoch = BuildInputs { version, log, config_epoch, compress };
        let files = lines.map(read_line).collect::<Option<_>>()?;
        Some(Self { epoch, files })
    }
}

fn read_line(line: &str) -> Option<(String, OutputFile)> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [at, identity, gzip, brotli, key, file] = fields.as_slice() else { return None };
    let length = |field: &str| match field {
        "-" => Some(None),
        digits => digits.parse().ok().map(Some),
    };
    let lengths =
        EncodedSizes { identity: identity.parse().ok()?, gzip: length(gzip)?, brotli: length(brotli)? };
    let made = OutputFile { key: (*key).to_owned(), modified: from_unix(at.parse().ok()?), lengths };
    Some(((*file).to_owned(), made))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn output_file() -> impl Strategy<Value = OutputFile> {
        let lengths = (any::<u64>(), any::<Option<u64>>(), any::<Option<u64>>());
        ("[-.0-9a-z/]{0,20}", 0_i64..4_000_000_000, lengths).prop_map(
            |(key, at, (identity, gzip, brotli))| OutputFile {
                key,
                modified: from_unix(at),
                lengths: EncodedSizes { identity, gzip, brotli },
            },
        )
    }

    proptest! {
        #[test]
        fn a_written_manifest_parses(
            files in proptest::collection::btree_map("[a-z0-9./-]{1,40}", output_file(), 0..8),
            config_epoch in any::<u64>(),
            compress in any::<bool>(),
        ) {
            let epoch = BuildInputs { version: "0.1.0".to_owned(), log: "k3f9".to_owned(), config_epoch, compress };
            let manifest = Manifest { epoch, files };
            prop_assert_eq!(Manifest::parse(&manifest.text()), Some(manifest));
        }

        #[test]
        fn any_text_parses_or_is_rejected_without_a_panic(text in any::<String>(), line in any::<String>()) {
            let _ = Manifest::parse(&text);
            let _ = Manifest::parse(&format!("{MANIFEST_VERSION}\t0.1.0\tk3f9\t1\n{line}"));
        }
    }
}

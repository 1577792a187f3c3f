//! What a large scan has parsed, put aside in a temporary file until it is its turn.
//!
//! The log is in the order of the news, so every file is parsed before the first one is submitted. The articles of a
//! large folder do not fit in memory. Putting one aside and reading it back takes a fifth of the time of parsing it.
//! What could not be put aside or read back is parsed again.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use libdeflater::{CompressionLvl, Compressor, Decompressor};
use serde::{Deserialize, Serialize};

use super::diagnostic::FileDiagnostic;
use crate::parse::ParsedArticle;

/// The part of the free disk space that may be used: the store needs some too, and more.
const SHARE: u64 = 4;

thread_local! {
    static COMPRESSOR: RefCell<Compressor> = RefCell::new(Compressor::new(CompressionLvl::fastest()));
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
}

/// What was read from a file.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ReadFile {
    /// SHA-256 of the bytes, hexadecimal.
    pub(super) hash: String,
    /// None if the file is rejected.
    pub(super) draft: Option<ParsedArticle>,
    pub(super) findings: Vec<FileDiagnostic>,
}

/// A temporary file without a name: it is gone when it is closed, or with the process.
pub(super) struct Aside {
    folder: PathBuf,
    /// The file and how long it may become, once it is needed; none if it cannot be had.
    file: OnceLock<Option<(File, u64)>>,
    /// Where the next article goes.
    end: AtomicU64,
}

/// Where an article is in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    start: u64,
    length: u32,
    /// Its length before compression.
    plain: u32,
}

impl Aside {
    /// A file in `folder`, or in the system's folder for temporary files.
    pub(super) fn new(folder: Option<&Path>) -> Self {
        let folder = folder.map_or_else(std::env::temp_dir, Path::to_owned);
        Self { folder, file: OnceLock::new(), end: AtomicU64::new(0) }
    }

    fn file(&self) -> Option<&(File, u64)> {
        let open = || {
            let file = tempfile::tempfile_in(&self.folder).ok()?;
            let space = rustix::fs::fstatvfs(&file).ok()?;
            Some((file, space.f_bavail.saturating_mul(space.f_frsize) / SHARE))
        };
        self.file.get_or_init(open).as_ref()
    }

    /// Puts an article aside; none if that fails.
    pub(super) fn put(&self, article: &ReadFile) -> Option<Place> {
        let (file, limit) = self.file()?;
        let json = serde_json::to_vec(article).ok()?;
        let bytes = COMPRESSOR.with_borrow_mut(|compressor| {
            let mut bytes = vec![0; compressor.deflate_compress_bound(json.len())];
            let length = compressor.deflate_compress(&json, &mut bytes).ok()?;
            bytes.truncate(length);
            Some(bytes)
        })?;
        let length = bytes.len() as u64;
        let start = self.end.fetch_add(length, Ordering::Relaxed);
        if start + length > *limit {
            return None;
        }
        file.write_all_at(&bytes, start).ok()?;
        Some(Place { start, length: u32::try_from(length).ok()?, plain: u32::try_from(json.len()).ok()? })
    }

    /// Reads an article back; none if that fails.
    pub(super) fn take(&self, place: Place) -> Option<ReadFile> {
        self.read(place).ok()
    }

    fn read(&self, place: Place) -> io::Result<ReadFile> {
        let (file, _) = self.file().ok_or(io::ErrorKind::NotFound)?;
        let (mut bytes, mut json) = (vec![0; place.length as usize], vec![0; place.plain as usize]);
        file.read_exact_at(&mut bytes, place.start)?;
        DECOMPRESSOR
            .with_borrow_mut(|decompressor| decompressor.deflate_decompress(&bytes, &mut json))
            .map_err(io::Error::other)?;
        Ok(serde_json::from_slice(&json)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::diagnostic::FileDiagnostic;
    use crate::parse::{self, ParseOptions, Severity};
    use crate::time::DEFAULT_TIME_ZONE;

    fn parsed(name: &str, text: &str) -> ReadFile {
        let options = ParseOptions { zone: DEFAULT_TIME_ZONE, language: "vi".to_owned(), encoding: None };
        let draft = parse::parse(name, text.as_bytes(), &options).draft;
        assert!(draft.is_some(), "{text}");
        let finding =
            FileDiagnostic { line: 3, ..FileDiagnostic::new("a/b.txt", Severity::Warning, "sai", "wrong") };
        ReadFile { hash: "af".to_owned(), draft, findings: vec![finding] }
    }

    fn samples() -> Vec<ReadFile> {
        let text = "Huyện Đăk Tô phát động thi đua\n\n12/05/2023 17:39\n\nSáng ngày 12/5.\n\nHội nghị. Ảnh: TL\n\nTấn Lộc\n";
        let matter = "+++\nid = \"tag:x.vn,2023:a\"\nchannels = [\"xa-hoi\"]\ntags = [\"một\"]\n+++\n";
        let page = "<html><head><title>Tin</title></head><body><h1>Huyện Đăk Tô</h1><p>12/05/2023 17:39</p>\
            <p>Sáng nay.</p><p><img src=\"tin_files/anh.jpg\"></p><p>Quang cảnh. Ảnh: TL</p></body></html>";
        vec![parsed("a.txt", text), parsed("b.md", &format!("{matter}{text}")), parsed("c.html", page)]
    }

    #[test]
    fn articles_are_read_back_as_they_were_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let aside = Aside::new(Some(folder.path()));
        let samples = samples();
        let places: Vec<Place> = samples.iter().map(|article| aside.put(article).unwrap()).collect();
        for (place, article) in places.iter().zip(&samples).rev() {
            assert_eq!(aside.take(*place).as_ref(), Some(article));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
    }

    #[test]
    fn without_a_place_or_with_a_full_disk_nothing_is_put_aside() {
        let article = &samples()[0];
        let nowhere = Aside::new(Some(Path::new("/nonexistent")));
        assert!(nowhere.put(article).is_none());
        let folder = tempfile::tempdir().unwrap();
        let file = tempfile::tempfile_in(folder.path()).unwrap();
        let full = Aside { file: Some((file, 10)).into(), ..Aside::new(Some(folder.path())) };
        assert!(full.put(article).is_none());
        let beyond = Place { start: 0, length: 10, plain: 100 };
        assert!(full.take(beyond).is_none());
    }
}

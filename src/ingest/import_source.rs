//! Walks over what is imported: a file, a folder with all subfolders, or a zip archive. Nothing is unpacked to disk,
//! and only one file is in memory at a time.
//!
//! SECURITY: an archive may be a zip bomb. An entry is unpacked up to the size limit of an article, one with an
//! implausible compression ratio is not unpacked, and no byte of an archive is unpacked twice.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization as _;
use zip::ZipReadOptions;
use zip::read::{Config, ZipFileEntry};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

use super::article_file::{MAX_ARTICLE_BYTES, read_error};
use super::diagnostic::FileDiagnostic;
use super::listing::{metadata_within, sorted};
use super::names::{self, FileKind, FolderKind};
use crate::files::{open_below, open_named, read_all};
use crate::message::Message;
use crate::parse::Severity;

/// Maximum nesting depth of folders.
const MAX_DEPTH: usize = 32;
/// Text is compressed to about a tenth, a blank page perhaps to a hundredth.
const MAX_COMPRESSION_RATIO: u64 = 200;
/// Smaller entries may have any compression ratio.
const ALWAYS_ALLOWED_BYTES: u64 = 1 << 20;

/// One path of an import.
#[derive(Clone, Debug)]
pub(super) struct ImportSource {
    path: PathBuf,
    kind: SourceKind,
    /// The name of the folder or archive. Later imports recognise the source by it.
    pub(super) source: String,
    /// The canonical path of that folder or archive.
    pub(super) location: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SourceKind {
    File,
    Folder,
    Zip,
}

/// An item of the walk.
pub(super) enum WalkItem<'a> {
    /// A file that may contain an article.
    Article(SourceFile<'a>),
    /// A file of another kind, by its name.
    Other(&'a str),
    /// Something that cannot be read or is not imported.
    Unreadable(FileDiagnostic),
}

/// A file that may contain an article.
pub(super) struct SourceFile<'a> {
    /// Its path within the source, with `/`, in NFC; only the name if the source is a file.
    pub(super) inner: String,
    /// For messages: `archive.zip!xa-hoi/hoi-nghi.txt`.
    pub(super) shown: String,
    read: &'a mut dyn FnMut() -> Result<Vec<u8>, Rejection>,
}

/// Why a file cannot be read.
#[derive(Debug)]
struct Rejection {
    severity: Severity,
    message: Message,
}

impl SourceFile<'_> {
    /// Reads the file.
    pub(super) fn bytes(&mut self) -> Result<Vec<u8>, FileDiagnostic> {
        (self.read)().map_err(|rejection| rejection.of_file(&self.shown))
    }
}

type Visitor<'v> = dyn FnMut(WalkItem<'_>) -> ControlFlow<()> + 'v;

impl ImportSource {
    /// Opens a path.
    ///
    /// # Errors
    /// If it does not exist or cannot be accessed.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let real = path.canonicalize()?;
        let is_zip = |path: &Path| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"));
        let kind = match real.metadata()?.is_dir() {
            true => SourceKind::Folder,
            false if is_zip(path) => SourceKind::Zip,
            false => SourceKind::File,
        };
        let location = match kind {
            SourceKind::File => real.parent().map(Path::to_owned).unwrap_or_default(),
            SourceKind::Folder | SourceKind::Zip => real,
        };
        let name = if kind == SourceKind::Zip { path.file_stem() } else { location.file_name() };
        let source = name.map(|name| name.to_string_lossy().nfc().collect()).unwrap_or_default();
        Ok(Self { path: path.to_owned(), kind, source, location })
    }

    /// Whether all files below it are imported.
    pub(super) fn is_folder(&self) -> bool {
        self.kind == SourceKind::Folder
    }

    /// The path as given.
    pub(super) fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// Passes all files to `visit` until it breaks: those of a folder by name, those of an archive in its order.
    pub(super) fn walk(&self, visit: &mut Visitor<'_>) -> ControlFlow<()> {
        match self.kind {
            SourceKind::File => {
                let name = self.path.file_name().unwrap_or_default().to_string_lossy();
                let mut read = || bytes_of(open_named(&self.path));
                visit_file(&self.shown(), &name, &mut read, visit)
            }
            SourceKind::Folder => match self.path.canonicalize() {
                Ok(root) => walk_folder(&root, &self.path, "", 0, visit),
                Err(cause) => reject(visit, &self.shown(), Rejection::unreadable(&cause)),
            },
            SourceKind::Zip => match self.walk_zip(visit) {
                Ok(flow) => flow,
                Err(cause) => reject(visit, &self.shown(), Rejection::of_archive(&cause)),
            },
        }
    }

    fn walk_zip(&self, visit: &mut Visitor<'_>) -> Result<ControlFlow<()>, ZipError> {
        let open = || open_named(&self.path).map(BufReader::new);
        let mut bodies = open()?;
        let length = bodies.get_ref().metadata()?.len();
        let mut archive = ZipIterable::try_new(open()?, Config::default())?;
        let mut unpacked = 0;
        let mut reported = HashSet::new();
        for entry in archive.files()? {
            let entry = entry?;
            let name = entry.name()?.into_owned();
            let shown = format!("{}!{name}", self.shown());
            if !entry.is_file() {
                continue;
            }
            let Some(inner) = inner_path(&name) else {
                if reject(visit, &shown, Rejection::leads_out()).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                continue;
            };
            if let Some((folder, kind)) = skipped_folder(&inner) {
                let is_silent = kind == FolderKind::Ignored || !reported.insert(folder.to_owned());
                let shown = format!("{}!{folder}", self.shown());
                if !is_silent && visit(WalkItem::Unreadable(folder_finding(kind, &shown))).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                continue;
            }
            let mut entry = Some(entry);
            let mut read = || match entry.take() {
                Some(entry) => {
                    // SECURITY: bytes shared by several entries would be unpacked for each of them.
                    unpacked += entry.compressed_size();
                    if unpacked > length { Err(Rejection::overlapping()) } else { unpack(entry, &mut bodies) }
                }
                None => Err(Rejection::damaged()),
            };
            let flow = visit_file(&shown, &inner, &mut read, visit);
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

fn walk_folder(
    root: &Path,
    folder: &Path,
    inner: &str,
    depth: usize,
    visit: &mut Visitor<'_>,
) -> ControlFlow<()> {
    let shown = |path: &Path| path.display().to_string();
    let entries = match sorted(folder) {
        Ok(_) if depth > MAX_DEPTH => return reject(visit, &shown(folder), Rejection::too_deep()),
        Ok(entries) => entries,
        Err(cause) => return reject(visit, &shown(folder), Rejection::unreadable(&cause)),
    };
    for entry in entries {
        let Some(name) = entry.file_name().and_then(|name| name.to_str()) else {
            reject(visit, &shown(&entry), Rejection::not_utf8())?;
            continue;
        };
        let below = if inner.is_empty() { name.to_owned() } else { format!("{inner}/{name}") };
        // SECURITY: a link may be circular, or lead to files that were not meant to be published.
        match metadata_within(root, &entry) {
            Ok(Some(metadata)) if metadata.is_dir() && !entry.is_symlink() => {
                match names::folder_kind(name) {
                    FolderKind::Channel => walk_folder(root, &entry, &below, depth + 1, visit)?,
                    FolderKind::Ignored => {}
                    kind => visit(WalkItem::Unreadable(folder_finding(kind, &shown(&entry))))?,
                }
            }
            Ok(Some(metadata)) if metadata.is_file() => {
                let mut read = || bytes_of(open_below(root, Path::new(&below)));
                visit_file(&shown(&entry), &below, &mut read, visit)?;
            }
            _ if names::file_kind(name) == FileKind::Ignored => {}
            Ok(Some(metadata)) if !metadata.is_dir() => {
                reject(visit, &shown(&entry), Rejection::not_regular())?;
            }
            Ok(_) => reject(visit, &shown(&entry), Rejection::link())?,
            Err(cause) => reject(visit, &shown(&entry), Rejection::unreadable(&cause))?,
        }
    }
    ControlFlow::Continue(())
}

fn visit_file(
    shown: &str,
    inner: &str,
    read: &mut dyn FnMut() -> Result<Vec<u8>, Rejection>,
    visit: &mut Visitor<'_>,
) -> ControlFlow<()> {
    let name = inner.rsplit('/').next().unwrap_or(inner);
    match names::file_kind(name) {
        FileKind::Ignored => ControlFlow::Continue(()),
        FileKind::Copy => visit(WalkItem::Unreadable(names::copy(shown))),
        FileKind::Article => visit(WalkItem::Article(SourceFile {
            inner: inner.nfc().collect(),
            shown: shown.to_owned(),
            read,
        })),
        FileKind::Picture => visit(WalkItem::Other(inner)),
        FileKind::Unread => {
            visit(WalkItem::Other(inner))?;
            if !names::is_document(name) {
                return ControlFlow::Continue(());
            }
            visit(WalkItem::Unreadable(names::unread(shown, Severity::Warning)))
        }
    }
}

/// The first folder in the path from which nothing is imported.
fn skipped_folder(inner: &str) -> Option<(&str, FolderKind)> {
    let ends = inner.match_indices('/').map(|(end, _)| &inner[..end]);
    let kinds = ends.map(|folder| (folder, names::folder_kind(folder.rsplit('/').next().unwrap_or(folder))));
    kinds.into_iter().find(|(_, kind)| *kind != FolderKind::Channel)
}

fn folder_finding(kind: FolderKind, shown: &str) -> FileDiagnostic {
    if kind == FolderKind::Copy { names::copy(shown) } else { names::system_folder(shown) }
}

/// The bytes of an open file, up to the size limit of an article.
fn bytes_of(opened: io::Result<File>) -> Result<Vec<u8>, Rejection> {
    match opened.and_then(|file| read_all(file, MAX_ARTICLE_BYTES)) {
        Ok((bytes, _)) => Ok(bytes),
        Err(cause) => Err(Rejection::unreadable(&cause)),
    }
}

/// Unpacks one entry, within limits.
fn unpack(entry: ZipFileEntry<'_>, bodies: &mut BufReader<File>) -> Result<Vec<u8>, Rejection> {
    if entry.encrypted() {
        return Err(Rejection::encrypted());
    }
    if entry.size() > MAX_ARTICLE_BYTES {
        return Err(Rejection::too_large());
    }
    if entry.size() > ALWAYS_ALLOWED_BYTES && entry.size() / MAX_COMPRESSION_RATIO > entry.compressed_size() {
        return Err(Rejection::too_compressed(entry.size()));
    }
    let file =
        entry.with_reader(bodies, ZipReadOptions::new()).map_err(|cause| Rejection::of_archive(&cause))?;
    match read_bounded(file) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(Rejection::too_large()),
        Err(_) => Err(Rejection::damaged()),
    }
}

/// `None` if it exceeds the size limit of an article.
fn read_bounded(reader: impl io::Read) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.take(MAX_ARTICLE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= MAX_ARTICLE_BYTES).then_some(bytes))
}

/// The path of an entry with `/` as separator; `None` if it leads out of the archive.
fn inner_path(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".").collect();
    let inside = !parts.is_empty() && !parts.contains(&"..") && !name.starts_with(['/', '\\']);
    inside.then(|| parts.join("/").nfc().collect())
}

fn reject(visit: &mut Visitor<'_>, shown: &str, rejection: Rejection) -> ControlFlow<()> {
    visit(WalkItem::Unreadable(rejection.of_file(shown)))
}

impl Rejection {
    fn new(vietnamese: impl Into<String>, english: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: Message::new(vietnamese, english) }
    }

    fn of_file(self, shown: &str) -> FileDiagnostic {
        FileDiagnostic::of_message(shown, self.severity, self.message)
    }

    fn unreadable(cause: &io::Error) -> Self {
        Self { severity: Severity::Error, message: read_error(cause) }
    }

    fn of_archive(cause: &ZipError) -> Self {
        match cause {
            ZipError::Io(cause) if cause.kind() != io::ErrorKind::UnexpectedEof => Self::unreadable(cause),
            ZipError::CompressionMethodNotSupported(_) | ZipError::UnsupportedArchive(_) => Self::new(
                "Tệp được nén theo cách không hỗ trợ. Hãy nén lại bằng kiểu zip thông thường.",
                "uses an unsupported compression method; compress it again as an ordinary zip",
            ),
            _ => Self::damaged(),
        }
    }

    fn damaged() -> Self {
        Self::new(
            "Tệp zip bị hỏng hoặc thiếu. Hãy chép lại từ bản gốc.",
            "the archive is damaged or truncated; copy it again",
        )
    }

    fn too_large() -> Self {
        Self::unreadable(&io::ErrorKind::FileTooLarge.into())
    }

    fn too_compressed(size: u64) -> Self {
        let size = size >> 20;
        Self::new(
            format!(
                "Tệp phình ra bất thường khi giải nén ({size} MiB) nên bị từ chối. Hãy kiểm tra tệp này."
            ),
            format!("rejected: expands to {size} MiB, far more than any text; check this file"),
        )
    }

    fn overlapping() -> Self {
        Self::new(
            "Tệp dùng chung dữ liệu với tệp khác trong tệp zip nên bị từ chối. Hãy nén lại.",
            "rejected: shares its bytes with other files of the archive; create the archive again",
        )
    }

    fn encrypted() -> Self {
        Self::new(
            "Tệp có mật khẩu nên không đọc được. Hãy nén lại không đặt mật khẩu.",
            "is protected by a password; compress it without one",
        )
    }

    fn leads_out() -> Self {
        Self::new(
            "Tệp có đường dẫn ra ngoài tệp zip nên bị từ chối. Hãy nén lại.",
            "rejected: its path leads out of the archive; create the archive again",
        )
    }

    fn link() -> Self {
        let link = Self::new(
            "Đây là liên kết nên bị bỏ qua. Hãy chép chính tệp hoặc thư mục đó vào đây.",
            "is a link and was skipped; copy its target here",
        );
        Self { severity: Severity::Warning, ..link }
    }

    fn not_regular() -> Self {
        Self::new(
            "Không phải là tệp thường. Hãy chép chính tệp vào đây.",
            "is not a regular file; copy the file itself here",
        )
    }

    fn not_utf8() -> Self {
        Self::new("Tên tệp không phải UTF-8. Hãy đặt lại tên.", "the name is not UTF-8; rename it")
    }

    fn too_deep() -> Self {
        Self::new(
            format!("Thư mục nằm sâu hơn {MAX_DEPTH} cấp. Hãy chuyển ra ngoài."),
            format!("is nested more than {MAX_DEPTH} folders deep; move it up"),
        )
    }
}

//! Goes through what is to be imported: a file, a folder with all below it, or a zip archive, one file after the
//! other. Nothing is ever unpacked to the disk, and no more than one file is held in memory.
//!
//! SECURITY: an archive may be a bomb. An entry is unpacked up to the limit of an article and no further, one that
//! swells beyond all reason is not unpacked at all, and no byte of an archive is unpacked twice.

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
use super::open::{open_below, open_named, read_all};
use crate::message::Message;
use crate::parse::Severity;

/// Folders lie no deeper in each other than this, unless somebody means harm.
const MAX_DEPTH: usize = 32;
/// Text becomes a tenth of its size when it is packed, a blank page perhaps a hundredth.
const MAX_COMPRESSION_RATIO: u64 = 200;
/// So small an entry may swell as it likes.
const ALWAYS_ALLOWED_BYTES: u64 = 1 << 20;

/// One of the paths that an import was given.
#[derive(Clone, Debug)]
pub(super) struct ImportSource {
    path: PathBuf,
    kind: SourceKind,
    /// The name of the folder or archive, by which a later import knows it again.
    pub(super) source: String,
    /// Where that folder or archive really lies.
    pub(super) location: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SourceKind {
    File,
    Folder,
    Zip,
}

/// Something that was met on the way.
pub(super) enum WalkItem<'a> {
    /// A file that may hold an article.
    Article(SourceFile<'a>),
    /// A file of another kind, by its name.
    Other(&'a str),
    /// What could not be gone through.
    Unreadable(FileDiagnostic),
}

/// A file that may hold an article.
pub(super) struct SourceFile<'a> {
    /// Its path inside the bundle, with `/`, in NFC; the bare name of a file that was given by itself.
    pub(super) inner: String,
    /// To be told by: `archive.zip!xa-hoi/hoi-nghi.txt`.
    pub(super) shown: String,
    read: &'a mut dyn FnMut() -> Result<Vec<u8>, Rejection>,
}

/// Why a file's bytes are not to be had.
#[derive(Debug)]
struct Rejection {
    severity: Severity,
    vietnamese: String,
    english: String,
}

impl SourceFile<'_> {
    /// Reads the file.
    pub(super) fn bytes(&mut self) -> Result<Vec<u8>, FileDiagnostic> {
        (self.read)().map_err(|refusal| refusal.io_error(&self.shown))
    }
}

type Visitor<'v> = dyn FnMut(WalkItem<'_>) -> ControlFlow<()> + 'v;

impl ImportSource {
    /// What lies at a path.
    ///
    /// # Errors
    /// Where nothing does, or it cannot be looked at.
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

    /// True where all below it is meant.
    pub(super) fn is_folder(&self) -> bool {
        self.kind == SourceKind::Folder
    }

    /// As it was given.
    pub(super) fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// Hands all files to `visit`, each folder's by name, an archive's in its own order, until it breaks off.
    pub(super) fn walk(&self, visit: &mut Visitor<'_>) -> ControlFlow<()> {
        match self.kind {
            SourceKind::File => {
                let name = self.path.file_name().unwrap_or_default().to_string_lossy();
                let mut read = || bytes_of(open_named(&self.path));
                visit_file(&self.shown(), &name, &mut read, visit)
            }
            SourceKind::Folder => match self.path.canonicalize() {
                Ok(root) => walk_folder(&root, &self.path, "", 0, visit),
                Err(cause) => rejection(visit, &self.shown(), &Rejection::unreadable(&cause)),
            },
            SourceKind::Zip => match self.walk_zip(visit) {
                Ok(flow) => flow,
                Err(cause) => rejection(visit, &self.shown(), &Rejection::of_archive(&cause)),
            },
        }
    }

    fn walk_zip(&self, visit: &mut Visitor<'_>) -> Result<ControlFlow<()>, ZipError> {
        let open = || open_named(&self.path).map(BufReader::new);
        let mut bodies = open()?;
        let length = bodies.get_ref().metadata()?.len();
        let mut archive = ZipIterable::try_new(open()?, Config::default())?;
        let mut unpacked = 0;
        let mut told = HashSet::new();
        for entry in archive.files()? {
            let entry = entry?;
            let name = entry.name()?.into_owned();
            let shown = format!("{}!{name}", self.shown());
            if !entry.is_file() {
                continue;
            }
            let Some(inner) = inner_path(&name) else {
                if rejection(visit, &shown, &Rejection::leads_out()).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                continue;
            };
            if let Some((folder, kind)) = folder_passed_over(&inner) {
                let told_before = kind == FolderKind::Ignored || !told.insert(folder.to_owned());
                let shown = format!("{}!{folder}", self.shown());
                if !told_before && visit(WalkItem::Unreadable(folder_finding(kind, &shown))).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                continue;
            }
            let mut entry = Some(entry);
            let mut read = || match entry.take() {
                Some(entry) => {
                    // SECURITY: what several entries share would be unpacked for each of them.
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
        Ok(_) if depth > MAX_DEPTH => return rejection(visit, &shown(folder), &Rejection::too_deep()),
        Ok(entries) => entries,
        Err(cause) => return rejection(visit, &shown(folder), &Rejection::unreadable(&cause)),
    };
    for entry in entries {
        let Some(name) = entry.file_name().and_then(|name| name.to_str()) else {
            rejection(visit, &shown(&entry), &Rejection::not_utf8())?;
            continue;
        };
        let below = if inner.is_empty() { name.to_owned() } else { format!("{inner}/{name}") };
        // SECURITY: a link may lead round in a circle, or to what nobody meant to publish.
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
                rejection(visit, &shown(&entry), &Rejection::not_regular())?;
            }
            Ok(_) => rejection(visit, &shown(&entry), &Rejection::link())?,
            Err(cause) => rejection(visit, &shown(&entry), &Rejection::unreadable(&cause))?,
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

/// The first folder on the way to a file that nothing is imported from.
fn folder_passed_over(inner: &str) -> Option<(&str, FolderKind)> {
    let ends = inner.match_indices('/').map(|(end, _)| &inner[..end]);
    let kinds = ends.map(|folder| (folder, names::folder_kind(folder.rsplit('/').next().unwrap_or(folder))));
    kinds.into_iter().find(|(_, kind)| *kind != FolderKind::Channel)
}

fn folder_finding(kind: FolderKind, shown: &str) -> FileDiagnostic {
    if kind == FolderKind::Copy { names::copy(shown) } else { names::system_folder(shown) }
}

/// The bytes of a file that was opened, up to the limit of an article.
fn bytes_of(opened: io::Result<File>) -> Result<Vec<u8>, Rejection> {
    match opened.and_then(|file| read_all(file, MAX_ARTICLE_BYTES)) {
        Ok((bytes, _)) => Ok(bytes),
        Err(cause) => Err(Rejection::unreadable(&cause)),
    }
}

/// Unpacks one entry, within bounds.
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

/// None for what is longer than any article.
fn read_bounded(reader: impl io::Read) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.take(MAX_ARTICLE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= MAX_ARTICLE_BYTES).then_some(bytes))
}

/// The path of an entry with `/` between its parts; none where it leads out of the archive.
fn inner_path(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".").collect();
    let inside = !parts.is_empty() && !parts.contains(&"..") && !name.starts_with(['/', '\\']);
    inside.then(|| parts.join("/").nfc().collect())
}

fn rejection(visit: &mut Visitor<'_>, shown: &str, refusal: &Rejection) -> ControlFlow<()> {
    visit(WalkItem::Unreadable(refusal.io_error(shown)))
}

impl Rejection {
    fn new(vietnamese: impl Into<String>, english: impl Into<String>) -> Self {
        Self { severity: Severity::Error, vietnamese: vietnamese.into(), english: english.into() }
    }

    fn io_error(&self, shown: &str) -> FileDiagnostic {
        FileDiagnostic::new(shown, self.severity, self.vietnamese.clone(), self.english.clone())
    }

    fn unreadable(cause: &io::Error) -> Self {
        let Message { vietnamese, english } = read_error(cause);
        Self::new(vietnamese, english)
    }

    fn of_archive(cause: &ZipError) -> Self {
        match cause {
            ZipError::Io(cause) if cause.kind() != io::ErrorKind::UnexpectedEof => Self::unreadable(cause),
            ZipError::CompressionMethodNotSupported(_) | ZipError::UnsupportedArchive(_) => Self::new(
                "được nén theo cách không hỗ trợ; hãy nén lại bằng kiểu zip thông thường",
                "is packed in a way that is not supported; pack it anew as an ordinary zip",
            ),
            _ => Self::damaged(),
        }
    }

    fn damaged() -> Self {
        Self::new(
            "tệp zip bị hỏng hoặc thiếu; hãy chép lại từ bản gốc",
            "is damaged or cut off in the archive; copy the archive anew",
        )
    }

    fn too_large() -> Self {
        Self::unreadable(&io::ErrorKind::FileTooLarge.into())
    }

    fn too_compressed(size: u64) -> Self {
        let size = size >> 20;
        Self::new(
            format!("phình ra bất thường khi giải nén ({size} MiB) nên bị từ chối; hãy kiểm tra tệp này"),
            format!(
                "swells to {size} MiB when it is unpacked, as no text does, and is refused; look into it"
            ),
        )
    }

    fn overlapping() -> Self {
        Self::new(
            "dùng chung dữ liệu với tệp khác trong tệp zip nên bị từ chối; hãy nén lại",
            "shares its bytes with other files of the archive and is refused; pack the archive anew",
        )
    }

    fn encrypted() -> Self {
        Self::new(
            "có mật khẩu nên không đọc được; hãy nén lại không đặt mật khẩu",
            "has a password; pack it without one",
        )
    }

    fn leads_out() -> Self {
        Self::new(
            "có đường dẫn ra ngoài tệp zip nên bị từ chối; hãy nén lại",
            "has a path that leads out of the archive and is refused; pack the archive anew",
        )
    }

    fn link() -> Self {
        let told = Self::new(
            "là liên kết nên bị bỏ qua; hãy chép chính tệp hoặc thư mục đó vào đây",
            "is a link and is passed over; copy here what it leads to",
        );
        Self { severity: Severity::Warning, ..told }
    }

    fn not_regular() -> Self {
        Self::new(
            "không phải là tệp thường; hãy chép chính tệp vào đây",
            "is not a regular file; copy the file itself here",
        )
    }

    fn not_utf8() -> Self {
        Self::new("tên tệp không phải UTF-8; đặt lại tên", "has a name that is not UTF-8; rename it")
    }

    fn too_deep() -> Self {
        Self::new(
            format!("nằm sâu hơn {MAX_DEPTH} thư mục; hãy chuyển ra ngoài"),
            format!("lies more than {MAX_DEPTH} folders deep; move it out"),
        )
    }
}

//! Lists the articles folder: the files of each channel with size and time. Reads no file.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::fs::{self, DirEntry, Metadata};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::os::unix::fs::{DirEntryExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization as _;

use super::diagnostic::FileDiagnostic;
use super::names::{self, FileKind, FolderKind, stem_of};
use super::parallel::map_on_all_cores;
use crate::image;
use crate::model::Slug;
use crate::model::bounds::MAX_PICTURES;
use crate::parse::{self, FileFormat, Severity};
use crate::store::ScannedFile;
use crate::urls::{RESERVED_SLUGS, SiteUrls};

/// The metadata of so many entries of a folder is asked for on all cores.
const MANY_ENTRIES: usize = 1024;

/// What is in the articles folder.
#[derive(Debug, Default)]
pub(super) struct FolderListing {
    /// The article files, by path in byte order; without those of unchanged folders.
    pub(super) files: Vec<ListedFile>,
    /// Number of article files, those of unchanged folders included.
    pub(super) file_count: u64,
    /// The channels that have a folder, even an empty one.
    pub(super) channels: BTreeSet<Slug>,
    /// What is skipped and should not be there.
    pub(super) issues: Vec<FolderIssue>,
    /// Images without an article of their name, by path.
    pub(super) orphans: Vec<String>,
    /// For each channel folder, a hash of everything that a scan depends on in it.
    pub(super) fingerprints: BTreeMap<String, u64>,
    /// Channel folders with the fingerprint that the caller knows. Their files and issues are left out.
    pub(super) unchanged: BTreeSet<String>,
    /// The inodes of the article files that have one name only.
    inodes: Vec<u64>,
}

/// A file that may contain an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListedFile {
    /// Relative to the articles folder, with `/` as separator.
    pub path: String,
    /// The channel of its folder.
    pub channel: Slug,
    pub state: FileState,
    /// The images beside it, in the order of their numbers.
    pub images: Vec<ListedImage>,
    /// The images in the folder that a browser saved with the page, by path.
    pub page_images: Vec<ListedImage>,
}

/// A file that may contain an image of an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListedImage {
    /// Relative to the articles folder.
    pub path: String,
    pub state: FileState,
}

/// The metadata by which changed files are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FileState {
    /// In bytes.
    pub size: u64,
    /// Combines the modification times of content (mtime) and metadata (ctime). A program may reset the first, which
    /// would hide an edit of the same length, but not the second.
    pub mark: i64,
    /// The modification time of the content, in nanoseconds since 1970.
    pub changed: i64,
}

impl FileState {
    pub fn of(metadata: &Metadata) -> Self {
        let nanoseconds =
            |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        let content = nanoseconds(metadata.mtime(), metadata.mtime_nsec());
        let file = nanoseconds(metadata.ctime(), metadata.ctime_nsec());
        Self { size: metadata.len(), mark: content ^ file.rotate_left(32), changed: content }
    }
}

/// Groups of files that belong together, by folder: an article, its images, and what may be another format of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups(BTreeMap<String, Group>);

#[derive(Clone, Debug, Default)]
struct Group {
    names: HashSet<String>,
    /// In NFC.
    stems: HashSet<String>,
}

impl Groups {
    /// Adds the group of the file at this path. Files outside of channel folders belong to no group.
    pub fn add(&mut self, path: &str) {
        let Some((folder, name)) = path.split_once('/') else { return };
        let group = self.0.entry(folder.to_owned()).or_default();
        if !group.names.insert(name.to_owned()) {
            return;
        }
        group.stems.insert(stem_of(name).nfc().collect());
        group.stems.extend(image::owner_candidates(name).into_iter().map(|owner| owner.stem));
        // The images of a saved page.
        group.stems.extend(name.split('/').next().and_then(names::page_of_folder));
    }

    /// Whether the path belongs to one of the groups.
    pub(super) fn contains(&self, path: &str) -> bool {
        let (folder, name) = path.split_once('/').unwrap_or_default();
        self.0.get(folder).is_some_and(|group| group.names.contains(name))
    }

    /// All added paths.
    pub fn paths(&self) -> impl Iterator<Item = String> {
        self.0
            .iter()
            .flat_map(|(folder, group)| group.names.iter().map(move |name| format!("{folder}/{name}")))
    }
}

impl Group {
    /// More stems are looked up in their table.
    const FEW: usize = 32;

    fn contains(&self, name: &str) -> bool {
        self.names.contains(name) || (self.may_contain(name) && self.contains_stem_of(name))
    }

    fn contains_stem_of(&self, name: &str) -> bool {
        self.stems.contains(&stem_of(name).nfc().collect::<String>())
            || image::owner_candidates(name).iter().any(|owner| self.stems.contains(&owner.stem))
            || names::page_of_folder(name).is_some_and(|stem| self.stems.contains(&stem))
    }

    /// A fast check, for folders with very many names: each stem by which a name is looked up is a start of the name. Two
    /// different ASCII characters stay different in NFC, whatever follows them.
    fn may_contain(&self, name: &str) -> bool {
        let may_start = |stem: &String| {
            let differing = stem.bytes().zip(name.bytes()).find(|(one, other)| one != other);
            differing.is_none_or(|(one, other)| !(one.is_ascii() && other.is_ascii()))
        };
        self.stems.len() > Self::FEW || self.stems.iter().any(may_start)
    }
}

impl ListedFile {
    /// Names, sizes and times of the images; changes when any of them does.
    pub fn image_fingerprint(&self) -> String {
        self.all_images().map(|p| format!("{}\t{}\t{}\n", p.path, p.state.size, p.state.mark)).collect()
    }

    /// The paths of the article and its images.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.path.as_str()).chain(self.all_images().map(|picture| picture.path.as_str()))
    }

    /// The file as the store remembers it, with the hash of its bytes.
    pub fn seen(&self, hash: String) -> ScannedFile {
        ScannedFile {
            path: self.path.clone(),
            channel: self.channel.clone(),
            hash,
            size: self.state.size,
            modified: self.state.mark,
            pictures: self.image_fingerprint(),
        }
    }

    /// The last modification of the article or an image, in nanoseconds since 1970.
    pub fn last_change(&self) -> i64 {
        self.all_images().map(|picture| picture.state.changed).fold(self.state.changed, i64::max)
    }

    /// The images beside it and those of a saved page.
    pub fn all_images(&self) -> impl Iterator<Item = &ListedImage> {
        self.images.iter().chain(&self.page_images)
    }
}

/// The paths of the images in an [`ListedFile::image_fingerprint`].
pub fn image_paths(seen: &str) -> impl Iterator<Item = &str> {
    seen.lines().filter_map(|line| line.split('\t').next())
}

/// Something in the folder that is skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FolderIssue {
    /// What is wrong and what to do.
    pub(super) finding: FileDiagnostic,
    /// True if the files in it cannot be seen: they are not missing.
    pub(super) hides_files: bool,
}

/// Lists all channel folders in `root`. Those that still have the fingerprint in `known` are only counted.
///
/// # Errors
/// If `root` itself cannot be listed.
pub(super) fn list_folder(
    root: &Path,
    addresses: &SiteUrls,
    known: &HashMap<String, u64>,
) -> io::Result<FolderListing> {
    consistent(|| list_folder_once(root, addresses, known))
}

/// Lists again if a file was moved from a folder already listed to one that was not: under both names it would be two
/// articles.
fn consistent(list: impl Fn() -> io::Result<FolderListing>) -> io::Result<FolderListing> {
    let mut listing = list()?;
    listing.inodes.sort_unstable();
    match listing.inodes.is_sorted_by(|a, b| a < b) {
        true => Ok(listing),
        false => list(),
    }
}

fn list_folder_once(
    root: &Path,
    addresses: &SiteUrls,
    known: &HashMap<String, u64>,
) -> io::Result<FolderListing> {
    // SECURITY: a link is followed only to a place below this path, never out of the folder.
    let real_root = root.canonicalize()?;
    let mut listing = FolderListing::default();
    for (name, entry) in entries(&real_root, |_| true)? {
        let Some(name) = listing.shown_name(name, "") else { continue };
        let metadata = match metadata_of(&real_root, &entry) {
            Ok(Some(metadata)) => metadata,
            otherwise => {
                listing.not_seen(&name, otherwise.map(|_| ()));
                continue;
            }
        };
        match (metadata.is_dir(), names::folder_kind(&name), names::file_kind(&name)) {
            (true, FolderKind::Channel, _) => {
                let mut folder = FolderListing::default();
                folder.channel(&real_root, &entry.path(), &name, addresses, &|_| true);
                listing.add_folder(name, folder, known);
            }
            (true, FolderKind::Copy, _) | (false, _, FileKind::Copy) => listing.report(names::copy(&name)),
            (true, FolderKind::System, _) => listing.report(names::system_folder(&name)),
            (false, _, FileKind::Article | FileKind::Picture) => listing.report(in_no_channel(&name)),
            (false, _, FileKind::Unread) if names::is_document(&name) => {
                listing.report(names::unread(&name, Severity::Warning));
            }
            _ => {}
        }
    }
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(listing)
}

/// Lists some files only: the same as [`list_folder`] would report for them.
///
/// # Errors
/// If `root` itself cannot be found.
pub(super) fn list_groups(root: &Path, addresses: &SiteUrls, groups: &Groups) -> io::Result<FolderListing> {
    consistent(|| list_groups_once(root, addresses, groups))
}

fn list_groups_once(root: &Path, addresses: &SiteUrls, groups: &Groups) -> io::Result<FolderListing> {
    let real_root = root.canonicalize()?;
    let mut listing = FolderListing::default();
    for (name, group) in &groups.0 {
        let folder = real_root.join(name);
        if names::folder_kind(name) != FolderKind::Channel {
            continue;
        }
        match metadata_within(&real_root, &folder) {
            Ok(Some(metadata)) if metadata.is_dir() => {
                listing.channel(&real_root, &folder, name, addresses, &|name| group.contains(name));
            }
            Ok(Some(_)) => {}
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            otherwise => listing.not_seen(name, otherwise.map(|_| ())),
        }
    }
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    listing.file_count = listing.files.len() as u64;
    Ok(listing)
}

impl FolderListing {
    /// True if a file may be there and cannot be seen.
    pub(super) fn hides(&self, path: &str) -> bool {
        self.issues.iter().filter(|issue| issue.hides_files).any(|issue| {
            let rest = path.strip_prefix(&issue.finding.path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    fn add_folder(&mut self, name: String, folder: Self, known: &HashMap<String, u64>) {
        let fingerprint = folder.fingerprint();
        self.file_count += folder.files.len() as u64;
        self.channels.extend(folder.channels);
        self.orphans.extend(folder.orphans);
        self.inodes.extend(folder.inodes);
        if known.get(&name) == Some(&fingerprint) {
            self.unchanged.insert(name.clone());
        } else {
            self.files.extend(folder.files);
            self.issues.extend(folder.issues);
        }
        self.fingerprints.insert(name, fingerprint);
    }

    /// Changes with everything that a scan depends on.
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for file in &self.files {
            (&file.path, &file.state, file.channel.as_str()).hash(&mut hasher);
            for image in file.all_images() {
                (&image.path, &image.state).hash(&mut hasher);
            }
        }
        for issue in &self.issues {
            (&issue.finding.path, &issue.finding.message.english).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Lists the entries of a channel folder that are `wanted`.
    fn channel(
        &mut self,
        root: &Path,
        folder: &Path,
        name: &str,
        addresses: &SiteUrls,
        wanted: &dyn Fn(&str) -> bool,
    ) {
        let written = Slug::from_title(name);
        if RESERVED_SLUGS.contains(&written.as_str()) {
            return self.warn(
                name,
                format!("tên `{written}` dành riêng cho hệ thống; hãy đổi tên thư mục"),
                format!("`{written}` is an address of the service; rename the folder"),
            );
        }
        if !name.contains(char::is_alphanumeric) && written == Slug::from_title("") {
            return self.warn(
                name,
                "tên thư mục không có chữ nào nên không thể là chuyên mục; hãy đổi tên thư mục",
                "the name has no letter, so the folder cannot be a channel; rename it",
            );
        }
        let slug = addresses.current_slug(written);
        self.channels.insert(slug.clone());
        let entries = match known_entries(root, folder, wanted) {
            Ok(entries) => entries,
            Err(cause) => return self.hidden(name, &cause),
        };
        let (mut files, mut images, mut saved) = (Vec::new(), Vec::new(), Vec::new());
        for (file, known) in entries {
            let Some(file) = self.shown_name(file, name) else { continue };
            let path = format!("{name}/{file}");
            let KnownEntry { is_folder, is_file, inode, state } = match known {
                Ok(Some(known)) => known,
                otherwise => {
                    self.not_seen(&path, otherwise.map(|_| ()));
                    continue;
                }
            };
            if is_folder {
                match names::page_of_folder(&file) {
                    Some(page) => saved.push((page, path)),
                    None => self.folder_in_channel(&path, &file),
                }
                continue;
            }
            match names::file_kind(&file) {
                FileKind::Ignored => {}
                FileKind::Copy => self.report(names::copy(&path)),
                FileKind::Unread => self.report(names::unread(&path, Severity::Warning)),
                FileKind::Article | FileKind::Picture if !is_file => self.warn(
                    &path,
                    "không phải là tệp thường nên bị bỏ qua; hãy chép chính tệp vào đây",
                    "is not a regular file and is skipped; copy the file itself here",
                ),
                FileKind::Article => {
                    self.inodes.extend(inode);
                    let (channel, images, page_images) = (slug.clone(), Vec::new(), Vec::new());
                    files.push(ListedFile { path, channel, state, images, page_images });
                }
                FileKind::Picture => images.push((file, ListedImage { path, state })),
            }
        }
        self.orphans.extend(assign_images(images, &mut files));
        saved.into_iter().for_each(|(page, path)| self.saved_page(root, &page, &path, &mut files));
        self.files.extend(files);
    }

    /// Lists the folder of images that a browser saved with a page.
    fn saved_page(&mut self, root: &Path, page: &str, path: &str, files: &mut [ListedFile]) {
        let is_page = |file: &&mut ListedFile| {
            parse::format_from_name(&file.path) == Some(FileFormat::Html)
                && stem_of(&file.path).nfc().eq(page.chars())
        };
        let Some(owner) = files.iter_mut().find(is_page) else {
            return self.warn(
                path,
                "Không có trang web nào cùng tên với thư mục ảnh này. Hãy đặt tên trang và thư mục giống nhau \
                 (bai.html, bai_files).",
                "no web page has the name of this folder of images; give both the same name (bai.html, bai_files)",
            );
        };
        let entries = match entries(&root.join(path), image::is_image_name) {
            Ok(entries) => entries,
            Err(cause) => return self.hidden(path, &cause),
        };
        for (name, entry) in entries.into_iter().take(MAX_PICTURES) {
            let Ok(name) = name.into_string() else { continue };
            if let Ok(Some(metadata)) = metadata_of(root, &entry)
                && metadata.is_file()
            {
                let state = FileState::of(&metadata);
                owner.page_images.push(ListedImage { path: format!("{path}/{name}"), state });
            }
        }
    }

    fn folder_in_channel(&mut self, path: &str, name: &str) {
        if names::folder_kind(name) == FolderKind::Ignored {
            return;
        }
        self.warn(
            path,
            "Thư mục con không phải là chuyên mục. Hãy chuyển ra cạnh các chuyên mục khác.",
            "a folder inside a channel is not a channel; move it beside the other channels",
        );
    }

    fn report(&mut self, finding: FileDiagnostic) {
        self.issues.push(FolderIssue { finding, hides_files: false });
    }

    fn warn(&mut self, path: &str, vietnamese: impl Into<String>, english: impl Into<String>) {
        self.report(FileDiagnostic::new(path, Severity::Warning, vietnamese, english));
    }

    fn hidden(&mut self, path: &str, cause: &io::Error) {
        let finding = FileDiagnostic::unreadable(path, cause);
        self.issues.push(FolderIssue { finding, hides_files: true });
    }

    /// Reports an entry that could not be accessed, or that leads out of the folder.
    fn not_seen(&mut self, path: &str, result: io::Result<()>) {
        match result {
            Ok(()) => self.warn(
                path,
                "Liên kết dẫn ra ngoài thư mục bài viết nên bị bỏ qua. Hãy chép tệp vào đây.",
                "this link leads out of the articles folder and is skipped; copy the file here",
            ),
            // It was removed after the folder was listed; the next scan handles that.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => self.hidden(path, &cause),
        }
    }

    /// The name of an entry; `None` if it is not UTF-8, or is ignored without a message.
    fn shown_name(&mut self, name: OsString, folder: &str) -> Option<String> {
        let name = match name.into_string() {
            Ok(name) => name,
            Err(name) => {
                self.warn(
                    &Path::new(folder).join(name).to_string_lossy(),
                    "Tên tệp không phải UTF-8. Hãy đặt lại tên.",
                    "the name is not UTF-8; rename it",
                );
                return None;
            }
        };
        if name.contains(char::is_control) {
            self.warn(
                &Path::new(folder).join(name.escape_debug().to_string()).to_string_lossy(),
                "Tên tệp có ký tự điều khiển (xuống dòng, tab …). Hãy đặt lại tên.",
                "the name has control characters (a line break, a tab …); rename it",
            );
            return None;
        }
        let ignored =
            names::file_kind(&name) == FileKind::Ignored && names::folder_kind(&name) == FolderKind::Ignored;
        (!ignored).then_some(name)
    }
}

fn in_no_channel(path: &str) -> FileDiagnostic {
    FileDiagnostic::new(
        path,
        Severity::Warning,
        "Tệp không nằm trong chuyên mục nào. Hãy chuyển vào thư mục của một chuyên mục.",
        "this file is in no channel; move it into a channel's folder",
    )
}

/// Assigns each image to the article with its stem. Returns the paths of images without an article.
fn assign_images(pictures: Vec<(String, ListedImage)>, files: &mut [ListedFile]) -> Vec<String> {
    if pictures.is_empty() {
        return Vec::new();
    }
    let mut by_stem: HashMap<String, usize> = HashMap::new();
    for (index, file) in files.iter().enumerate() {
        by_stem.entry(stem_of(&file.path).nfc().collect()).or_insert(index);
    }
    let mut owned: HashMap<usize, Vec<(u32, ListedImage)>> = HashMap::new();
    let mut orphans = Vec::new();
    for (name, seen) in pictures {
        // The most likely owner first: `hop-dan-1.jpg` belongs to the article `hop-dan-1` if there is one.
        let owner = image::owner_candidates(&name)
            .into_iter()
            .find_map(|owner| Some((*by_stem.get(&owner.stem)?, owner.number)));
        match owner {
            Some((index, number)) => owned.entry(index).or_default().push((number, seen)),
            None => orphans.push(seen.path),
        }
    }
    for (index, mut pictures) in owned {
        pictures.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.path.cmp(&other.path)));
        files[index].images = pictures.into_iter().map(|(_, picture)| picture).collect();
    }
    orphans
}

/// What is known of an entry of a channel folder, or of the target of a link.
struct KnownEntry {
    is_folder: bool,
    is_file: bool,
    /// If it has one name only.
    inode: Option<u64>,
    state: FileState,
}

impl KnownEntry {
    /// `None` if it is a link that leads out of `root`.
    fn of(root: &Path, entry: &DirEntry) -> io::Result<Option<Self>> {
        let is_link = entry.file_type()?.is_symlink();
        let known = |metadata: Metadata| Self {
            is_folder: metadata.is_dir(),
            is_file: metadata.is_file(),
            inode: (metadata.nlink() == 1 && !is_link).then(|| metadata.ino()),
            state: FileState::of(&metadata),
        };
        Ok(metadata_of(root, entry)?.map(known))
    }
}

/// The `wanted` entries of a folder with their metadata, by name.
///
/// The metadata is asked for in the order of the inodes, in which a disk has it: in the order of the names, a disk that is
/// not in memory is read here and there for each file. On all cores, so that the disk has more than one thing to do.
fn known_entries(
    root: &Path,
    folder: &Path,
    wanted: impl Fn(&str) -> bool,
) -> io::Result<Vec<(OsString, io::Result<Option<KnownEntry>>)>> {
    let mut entries = unsorted_entries(folder, wanted)?;
    entries.sort_unstable_by_key(|(_, entry)| entry.ino());
    let know = |(name, entry): (OsString, DirEntry)| (name, KnownEntry::of(root, &entry));
    let mut known: Vec<_> = match entries.len() < MANY_ENTRIES {
        true => entries.into_iter().map(know).collect(),
        false => map_on_all_cores(entries, know),
    };
    known.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok(known)
}

/// The metadata of the target of an entry; `None` if it is outside of the folder.
fn metadata_of(root: &Path, entry: &DirEntry) -> io::Result<Option<Metadata>> {
    if entry.file_type()?.is_symlink() {
        metadata_within(root, &entry.path())
    } else {
        entry.metadata().map(Some)
    }
}

/// The metadata of the target of a path; `None` if a link leads out of the folder.
pub(super) fn metadata_within(root: &Path, path: &Path) -> io::Result<Option<Metadata>> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_symlink() {
        return Ok(Some(metadata));
    }
    let target = path.canonicalize().map_err(|cause| match cause.kind() {
        // The link exists, so it must not count as removed.
        io::ErrorKind::NotFound => io::Error::other("the link has no target"),
        _ => cause,
    })?;
    if target.starts_with(root) { fs::metadata(target).map(Some) } else { Ok(None) }
}

/// The `wanted` entries of a folder, by name; always including names that are not UTF-8.
fn entries(folder: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<(OsString, DirEntry)>> {
    let mut entries = unsorted_entries(folder, wanted)?;
    entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok(entries)
}

fn unsorted_entries(folder: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<(OsString, DirEntry)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_none_or(&wanted) {
            entries.push((name, entry));
        }
    }
    Ok(entries)
}

pub(super) fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(entries(folder, |_| true)?.into_iter().map(|(_, entry)| entry.path()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_fast_check_of_a_group_excludes_nothing_that_belongs_to_it(
            added in "(a|ba|ba\u{300}|b\u{e0}|e\u{302}\u{301}|\u{1ebf}|-1|_files| ){1,4}\\.(txt|html|png)",
            name in "(a|ba|ba\u{300}|b\u{e0}|e\u{302}\u{301}|\u{1ebf}|-1|_files| ){1,4}(\\.(txt|html|png))?",
        ) {
            let mut groups = Groups::default();
            groups.add(&format!("xa-hoi/{added}"));
            let group = &groups.0["xa-hoi"];
            prop_assert!(!group.contains_stem_of(&name) || group.may_contain(&name));
        }
    }

    #[test]
    fn a_group_has_the_images_of_its_article_and_no_others() {
        let mut groups = Groups::default();
        groups.add("xa-hoi/hội nghị.txt");
        let group = &groups.0["xa-hoi"];
        let names = ["hội nghị.docx", "h\u{f4}\u{323}i nghi\u{323}.txt", "hội nghị-2.jpg", "hội nghị_files"];
        assert_eq!(names.map(|name| group.contains(name)), [true; 4]);
        assert_eq!(["họi nghị.txt", "hội nghị 2.txt", "a.txt"].map(|name| group.contains(name)), [false; 3]);
    }
}

//! Looks at the folder: which files lie in which channel, of what size and time. Reads no file.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use unicode_normalization::UnicodeNormalization as _;

use super::scan::stem_of;
use crate::address::{Addresses, RESERVED};
use crate::channel::Slug;
use crate::manuscript;
use crate::picture;

/// One look at the folder.
#[derive(Debug, Default)]
pub struct Observed {
    /// The article files, by path in byte order.
    pub files: Vec<ObservedFile>,
    /// The channels for which there is a folder, empty ones too; with a title where the folder's name is one.
    pub channels: Vec<(Slug, Option<String>)>,
    /// What was passed over and should not have been there.
    pub trouble: Vec<Trouble>,
    /// Pictures that lie beside no article of their name, by path.
    pub orphans: Vec<String>,
}

/// A file that may hold an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedFile {
    /// Relative to the folder of articles, with `/` between the parts.
    pub path: String,
    /// Of the folder that it lies in.
    pub channel: Slug,
    /// In bytes.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub modified: i64,
    /// The pictures beside it, in the order of their numbers.
    pub pictures: Vec<ObservedPicture>,
}

/// A file that may hold a picture of an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedPicture {
    /// Relative to the folder of articles.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub modified: i64,
}

impl ObservedFile {
    /// Names, sizes and times of the pictures: changes when they do.
    pub fn pictures_as_seen(&self) -> String {
        self.pictures.iter().map(|p| format!("{}\t{}\t{}\n", p.path, p.size, p.modified)).collect()
    }

    /// The last time that the text or a picture was changed, in nanoseconds since 1970.
    pub fn last_change(&self) -> i64 {
        self.pictures.iter().map(|picture| picture.modified).fold(self.modified, i64::max)
    }
}

/// The paths of the pictures in what [`ObservedFile::pictures_as_seen`] wrote.
pub fn picture_paths(seen: &str) -> impl Iterator<Item = &str> {
    seen.lines().filter_map(|line| line.split('\t').next())
}

/// Something in the folder that is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Relative to the folder of articles.
    pub path: String,
    /// What is wrong and what to do, for the office.
    pub vietnamese: String,
    /// The same for the log.
    pub english: String,
    /// True where the files behind it cannot be seen: nothing may be concluded from their absence.
    pub hides_files: bool,
}

/// Looks at all channels' folders below `root`.
///
/// # Errors
/// Where `root` itself cannot be listed.
pub fn observe(root: &Path, addresses: &Addresses) -> io::Result<Observed> {
    // SECURITY: a link is followed only to where this path leads, never out of the folder.
    let real_root = root.canonicalize()?;
    let mut observed = Observed::default();
    for entry in sorted(&real_root)? {
        let Some(name) = shown_name(&entry, "", &mut observed.trouble) else { continue };
        match inside(&real_root, &entry) {
            Ok(Some(metadata)) if metadata.is_dir() => observed.channel(&real_root, &entry, &name, addresses),
            Ok(Some(_)) if manuscript::form_of(&name).is_some() => observed.trouble.push(Trouble {
                path: name,
                vietnamese: "bài không nằm trong chuyên mục nào; chuyển vào thư mục của một chuyên mục"
                    .into(),
                english: "this article lies in no channel; move it into a channel's folder".into(),
                hides_files: false,
            }),
            Ok(Some(_)) => {}
            Ok(None) => observed.trouble.push(leads_out(name)),
            Err(cause) => observed.trouble.push(unreadable(name, &cause)),
        }
    }
    observed.files.sort_by(|a, b| a.path.cmp(&b.path));
    observed.channels.sort();
    // Two folders may name one channel (`xa-hoi`, `Xã hội`): the one that is a title names it.
    observed.channels.reverse();
    observed.channels.dedup_by(|a, b| a.0 == b.0);
    observed.channels.reverse();
    Ok(observed)
}

impl Observed {
    fn channel(&mut self, root: &Path, folder: &Path, name: &str, addresses: &Addresses) {
        let written = Slug::from_title(name);
        if RESERVED.contains(&written.as_str()) {
            self.trouble.push(Trouble {
                path: name.to_owned(),
                vietnamese: format!("tên `{written}` dành riêng cho hệ thống; đổi tên thư mục"),
                english: format!("`{written}` is an address of the service; rename the folder"),
                hides_files: false,
            });
            return;
        }
        let title = (written.as_str() != name).then(|| name.nfc().collect());
        let slug = addresses.present_name(written);
        self.channels.push((slug.clone(), title));
        let entries = match sorted(folder) {
            Ok(entries) => entries,
            Err(cause) => return self.trouble.push(unreadable(name.to_owned(), &cause)),
        };
        let (mut files, mut pictures) = (Vec::new(), Vec::new());
        for entry in entries {
            let Some(file) = shown_name(&entry, name, &mut self.trouble) else { continue };
            let path = format!("{name}/{file}");
            match inside(root, &entry) {
                Ok(Some(metadata)) if metadata.is_file() && manuscript::form_of(&file).is_some() => {
                    let (size, modified) = size_and_time(&metadata);
                    let (channel, pictures) = (slug.clone(), Vec::new());
                    files.push(ObservedFile { path, channel, size, modified, pictures });
                }
                Ok(Some(metadata)) if metadata.is_file() && picture::is_picture_name(&file) => {
                    let (size, modified) = size_and_time(&metadata);
                    pictures.push((file, ObservedPicture { path, size, modified }));
                }
                Ok(Some(metadata)) if metadata.is_dir() => self.trouble.push(Trouble {
                    path,
                    vietnamese: "thư mục con không phải là chuyên mục; chuyển ra cạnh các chuyên mục khác"
                        .into(),
                    english: "a folder inside a channel is no channel; move it beside the other channels"
                        .into(),
                    hides_files: false,
                }),
                Ok(Some(_)) => {}
                Ok(None) => self.trouble.push(leads_out(path)),
                // Between the listing and the look it was taken away: the next scan knows.
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                Err(cause) => self.trouble.push(unreadable(path, &cause)),
            }
        }
        self.orphans.extend(assign(pictures, &mut files));
        self.files.extend(files);
    }
}

/// Gives each picture to the article of its stem. Returns the paths of those that belong to none.
fn assign(pictures: Vec<(String, ObservedPicture)>, files: &mut [ObservedFile]) -> Vec<String> {
    let mut by_stem: HashMap<String, usize> = HashMap::new();
    for (index, file) in files.iter().enumerate() {
        by_stem.entry(stem_of(&file.path).nfc().collect()).or_insert(index);
    }
    let mut owned: HashMap<usize, Vec<(u32, ObservedPicture)>> = HashMap::new();
    let mut orphans = Vec::new();
    for (name, seen) in pictures {
        // The likelier owner first: `hop-dan-1.jpg` is of the article `hop-dan-1` where there is one.
        let owner = picture::possible_owners(&name)
            .into_iter()
            .find_map(|owner| Some((*by_stem.get(&owner.stem)?, owner.number)));
        match owner {
            Some((index, number)) => owned.entry(index).or_default().push((number, seen)),
            None => orphans.push(seen.path),
        }
    }
    for (index, mut pictures) in owned {
        pictures.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.path.cmp(&other.path)));
        files[index].pictures = pictures.into_iter().map(|(_, picture)| picture).collect();
    }
    orphans
}

/// Size in bytes, and time of change in nanoseconds since 1970.
pub(super) fn size_and_time(metadata: &Metadata) -> (u64, i64) {
    let modified = metadata.modified().ok().map_or(0, |time| match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
    });
    (metadata.len(), modified)
}

/// The metadata of what an entry leads to; none where that lies outside the folder.
pub(super) fn inside(root: &Path, entry: &Path) -> io::Result<Option<Metadata>> {
    let metadata = fs::symlink_metadata(entry)?;
    if !metadata.is_symlink() {
        return Ok(Some(metadata));
    }
    let target = entry.canonicalize()?;
    if target.starts_with(root) { fs::metadata(target).map(Some) } else { Ok(None) }
}

pub(super) fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

/// The name of an entry that counts; none for what is passed over by its name.
fn shown_name(entry: &Path, folder: &str, trouble: &mut Vec<Trouble>) -> Option<String> {
    let name = entry.file_name()?;
    let Some(name) = name.to_str() else {
        trouble.push(Trouble {
            path: Path::new(folder).join(name).to_string_lossy().into_owned(),
            vietnamese: "tên tệp không phải UTF-8; đặt lại tên".into(),
            english: "the name is not UTF-8; rename it".into(),
            hides_files: false,
        });
        return None;
    };
    (!is_passed_over(name)).then(|| name.to_owned())
}

/// Names of what is no article yet, or never will be: drafts, what systems and editors leave behind.
pub(super) fn is_passed_over(name: &str) -> bool {
    // Word keeps its lock beside an open document: `~$bai.docx`.
    name.starts_with(['.', '_'])
        || name.starts_with("~$")
        || name.ends_with('~')
        || name.to_ascii_lowercase().ends_with(".tmp")
}

fn leads_out(path: String) -> Trouble {
    Trouble {
        path,
        vietnamese: "liên kết dẫn ra ngoài thư mục bài viết nên bị bỏ qua; chép tệp vào đây".into(),
        english: "this link leads out of the folder of articles and is passed over; copy the file here"
            .into(),
        hides_files: false,
    }
}

fn unreadable(path: String, cause: &io::Error) -> Trouble {
    Trouble {
        path,
        vietnamese: format!("không đọc được ({cause}); kiểm tra quyền truy cập"),
        english: format!("cannot be read ({cause}); check its permissions"),
        hides_files: true,
    }
}

//! Checks articles as a scan would, without changing anything.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization as _;

use super::article_file::{ParsedFile, diagnostics_of, parse_file, unreadable_file};
use super::diagnostic::FileDiagnostic;
use super::listing::list_folder;
use super::names::{name_of, stem_of, unread};
use super::options::IngestOptions;
use super::pictures::{ArticleImage, images_of, large_image, read_image};
use super::submission::unfit;
use crate::model::{ArticleId, Permalink, Slug};
use crate::parse::{self, Severity};
use crate::time::{Timestamp, local_date};

/// The result of checking one path.
pub struct CheckedFile {
    /// Relative to the articles folder; as given for a file that was named.
    pub path: String,
    /// The channel of its folder.
    pub channel: Option<Slug>,
    /// The parsed file; `None` if it is not an article file or cannot be read.
    pub reading: Option<ParsedFile>,
    /// The names of its publishable images, in the order of the article.
    pub pictures: Vec<String>,
    /// Sorted by line.
    pub findings: Vec<FileDiagnostic>,
}

/// Checks all articles of the folder and the images beside them, by path, and passes each result to `report`.
/// Publication dates are compared with `now`. Returns the number of article files.
///
/// # Errors
/// If the folder cannot be listed, or `report` fails.
pub fn check_folder(
    options: &IngestOptions,
    now: Timestamp,
    mut report: impl FnMut(CheckedFile) -> io::Result<()>,
) -> io::Result<u64> {
    let observed = list_folder(&options.path, &options.addresses, &HashMap::new()).map_err(|cause| {
        let folder = options.path.display();
        let text = format!("the articles folder {folder} cannot be listed ({cause}); check [folder] path");
        io::Error::new(cause.kind(), text)
    })?;
    let mut beside: Vec<FileDiagnostic> = observed.issues.iter().map(|issue| issue.finding.clone()).collect();
    beside.extend(observed.orphans.iter().map(|path| orphan_image(path)));
    beside.sort_by(|a, b| a.path.cmp(&b.path));
    let mut beside = beside.into_iter().peekable();
    let mut taken = TakenNames::default();
    for file in &observed.files {
        while let Some(finding) = beside.next_if(|finding| finding.path < file.path) {
            report(not_an_article(finding))?;
        }
        let beside = file.images.iter().map(|image| image.path.as_str());
        let mut seen = read_file(&options.path, &file.path, Some(file.channel.clone()), beside, options, now);
        seen.findings.extend(taken.find_duplicate(&seen, options));
        seen.findings.sort_by_key(|finding| finding.line);
        report(seen)?;
    }
    for finding in beside {
        report(not_an_article(finding))?;
    }
    Ok(observed.files.len() as u64)
}

/// Checks files anywhere, without the images beside them, and passes each result to `report`.
///
/// # Errors
/// If `report` fails.
pub fn check_files(
    paths: &[PathBuf],
    options: &IngestOptions,
    now: Timestamp,
    mut report: impl FnMut(CheckedFile) -> io::Result<()>,
) -> io::Result<()> {
    let mut taken = TakenNames::default();
    for path in paths {
        let (channel, path) = (options.channel_of(path), path.to_string_lossy());
        let mut seen = read_file(Path::new(""), &path, channel, std::iter::empty(), options, now);
        seen.findings.extend(taken.find_duplicate(&seen, options));
        report(seen)?;
    }
    Ok(())
}

fn read_file<'a>(
    root: &Path,
    path: &str,
    channel: Option<Slug>,
    beside: impl Iterator<Item = &'a str>,
    options: &IngestOptions,
    now: Timestamp,
) -> CheckedFile {
    if parse::format_from_name(path).is_none() {
        return not_an_article(unread(path, Severity::Error));
    }
    let (reading, findings) = match parse_file(root, path, &options.parse_options(channel.as_ref())) {
        Ok(reading) => {
            let mut findings = diagnostics_of(path, &reading);
            let draft = reading.reading.draft.as_ref();
            findings.extend(draft.and_then(|draft| unfit(path, draft, &options.addresses, now)));
            (Some(reading), findings)
        }
        Err(cause) => (None, vec![unreadable_file(path, &cause)]),
    };
    let mut seen = CheckedFile { path: path.to_owned(), channel, reading, pictures: Vec::new(), findings };
    let draft = seen.reading.as_ref().and_then(|reading| reading.reading.draft.as_ref());
    let images = match draft {
        Some(draft) => images_of(path, draft, beside),
        None => beside.map(|path| ArticleImage::Beside(path.to_owned())).collect(),
    };
    for image in images {
        match read_image(root, &image) {
            Ok(stripped) => {
                seen.pictures.push(image.name().to_owned());
                seen.findings.extend(large_image(&image, &stripped));
            }
            Err(complaint) => seen.findings.push(*complaint),
        }
    }
    seen
}

fn not_an_article(finding: FileDiagnostic) -> CheckedFile {
    let path = finding.path.clone();
    CheckedFile { path, channel: None, reading: None, pictures: Vec::new(), findings: vec![finding] }
}

/// An image without an article, usually because of a typo in its name.
fn orphan_image(path: &str) -> FileDiagnostic {
    FileDiagnostic::new(
        path,
        Severity::Warning,
        "Không có bài nào cùng tên với ảnh này nên ảnh không được đăng. Hãy đặt tên ảnh theo tên tệp bài \
         (bai.txt → bai.jpg, bai-1.jpg, bai-2.jpg).",
        "no article has this image's name, so it is not published; name it after the article's file \
         (bai.txt → bai.jpg, bai-1.jpg, bai-2.jpg)",
    )
}

/// What the files that were read so far are called.
#[derive(Default)]
struct TakenNames {
    /// Path and hash by id, or by day and stem where the file sets no id.
    files: BTreeMap<String, (String, String)>,
    /// Path by id, and whether the file sets the id itself.
    ids: BTreeMap<ArticleId, (String, bool)>,
}

impl TakenNames {
    /// Finds an earlier file with the same id, or with the same stem and day, but different bytes.
    fn find_duplicate(&mut self, seen: &CheckedFile, options: &IngestOptions) -> Option<FileDiagnostic> {
        let reading = seen.reading.as_ref()?;
        let draft = reading.reading.draft.as_ref()?;
        let day = local_date(draft.article.published.instant, options.time_zone);
        let stem: String = stem_of(name_of(&seen.path)).nfc().collect();
        let name = match &draft.id {
            Some(id) => ArticleId::as_str(id).to_owned(),
            None => format!("{day}/{stem}"),
        };
        let (other, hash) = match self.files.get(&name) {
            Some(other) => other.clone(),
            None => {
                self.files.insert(name, (seen.path.clone(), reading.hash.clone()));
                let permalink = Permalink { day, slug: Slug::from_title(&stem) };
                let minted = || options.addresses.article_id(&permalink);
                return self.find_id(&seen.path, draft.id.clone().unwrap_or_else(minted), draft.id.is_some());
            }
        };
        (hash != reading.hash).then(|| {
            FileDiagnostic::new(
                &seen.path,
                Severity::Error,
                format!(
                    "Trùng bài với {other} (cùng tên, cùng ngày hoặc cùng mã) nhưng nội dung khác. Hãy sửa cho giống \
                     nhau hoặc đổi tên một tệp, ví dụ {}-2.",
                    Slug::from_title(&stem)
                ),
                format!(
                    "is the same article as {other} (same name and day, or same id) with another text; make them \
                     equal or rename one"
                ),
            )
        })
    }

    /// Finds an earlier file that gets the id which this one sets, or sets the one which this gets.
    fn find_id(&mut self, path: &str, id: ArticleId, is_set: bool) -> Option<FileDiagnostic> {
        let (other, other_is_set) = self.ids.entry(id.clone()).or_insert_with(|| (path.to_owned(), is_set));
        (is_set != *other_is_set).then(|| {
            FileDiagnostic::new(
                path,
                Severity::Error,
                format!(
                    "Mã {id} trùng với mã của {other}: một tệp ghi mã đó ở «id», tệp kia sẽ có mã đó theo tên và \
                     ngày. Hãy đổi «id» hoặc đổi tên một tệp."
                ),
                format!(
                    "the id {id} is also that of {other}: one file sets it as its `id`, the other gets it from its \
                     name and day; change that id, or rename one"
                ),
            )
        })
    }
}

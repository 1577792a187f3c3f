//! Looks at articles as a scan would, and changes nothing: what `check` tells before anything is published.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use unicode_normalization::UnicodeNormalization as _;

use super::Options;
use super::folder::observe;
use super::names::unread;
use super::scan::{FileFinding, FileReading, file_finding, name_of, picture_of, reading_of, stem_of, unfit};
use crate::article::ArticleId;
use crate::channel::Slug;
use crate::manuscript::{self, Severity};
use crate::vietnam_time::{Moment, Zone, day_of};

/// What was seen at one path.
pub struct Inspected {
    /// Relative to the folder of articles; as it was given for a file that was named.
    pub path: String,
    /// The channel in whose folder it lies.
    pub channel: Option<Slug>,
    /// What was read in it; none for what is no article file, or cannot be read.
    pub reading: Option<FileReading>,
    /// The names of the pictures that lie beside it and can be published, in the order of their numbers.
    pub pictures: Vec<String>,
    /// By line.
    pub findings: Vec<FileFinding>,
}

/// Looks at all articles of the folder and the pictures beside them, by path, and hands each to `tell`. `now` is what stamps are far ahead of.
/// Returns how many article files there are.
///
/// # Errors
/// Where the folder cannot be listed, and what `tell` fails with.
pub fn inspect(
    options: &Options,
    now: Moment,
    mut tell: impl FnMut(Inspected) -> io::Result<()>,
) -> io::Result<u64> {
    let observed = observe(&options.path, &options.addresses)?;
    let mut beside: Vec<FileFinding> =
        observed.trouble.iter().map(|trouble| trouble.finding.clone()).collect();
    beside.extend(observed.orphans.iter().map(|path| orphan(path)));
    beside.sort_by(|a, b| a.path.cmp(&b.path));
    let mut beside = beside.into_iter().peekable();
    let mut taken = BTreeMap::new();
    for file in &observed.files {
        while let Some(finding) = beside.next_if(|finding| finding.path < file.path) {
            tell(no_article(finding))?;
        }
        let mut seen = look(&options.path, &file.path, Some(file.channel.clone()), options, now);
        seen.findings.extend(clash(&mut taken, &seen, options.zone));
        seen.findings.sort_by_key(|finding| finding.line);
        for picture in &file.pictures {
            match picture_of(&options.path, &picture.path) {
                Ok(_) => seen.pictures.push(name_of(&picture.path).to_owned()),
                Err(finding) => seen.findings.push(*finding),
            }
        }
        tell(seen)?;
    }
    for finding in beside {
        tell(no_article(finding))?;
    }
    Ok(observed.files.len() as u64)
}

/// Looks at one file, wherever it lies; not at the pictures beside it.
pub fn inspect_file(path: &str, options: &Options, now: Moment) -> Inspected {
    let channel = options.channel_of(Path::new(path));
    look(Path::new(""), path, channel, options, now)
}

/// What the manuscript reader said of a file.
pub fn findings_of(path: &str, reading: &FileReading) -> Vec<FileFinding> {
    let finding = |finding: &manuscript::Finding| FileFinding {
        path: path.to_owned(),
        line: finding.line,
        severity: finding.severity,
        vietnamese: finding.complaint.vietnamese(),
        english: finding.complaint.english(),
    };
    reading.reading.findings.iter().map(finding).collect()
}

fn look(root: &Path, path: &str, channel: Option<Slug>, options: &Options, now: Moment) -> Inspected {
    if manuscript::form_of(path).is_none() {
        return no_article(unread(path, Severity::Error));
    }
    let (reading, findings) = match reading_of(root, path, &options.reading(channel.as_ref())) {
        Ok(reading) => {
            let mut findings = findings_of(path, &reading);
            let draft = reading.reading.draft.as_ref();
            findings.extend(draft.and_then(|draft| unfit(path, draft, &options.addresses, now)));
            (Some(reading), findings)
        }
        Err(cause) => (None, vec![file_finding(path, &cause)]),
    };
    Inspected { path: path.to_owned(), channel, reading, pictures: Vec::new(), findings }
}

fn no_article(finding: FileFinding) -> Inspected {
    let path = finding.path.clone();
    Inspected { path, channel: None, reading: None, pictures: Vec::new(), findings: vec![finding] }
}

/// A picture that no article owns, most often by a slip in its name.
fn orphan(path: &str) -> FileFinding {
    FileFinding {
        path: path.to_owned(),
        line: 1,
        severity: Severity::Warning,
        vietnamese:
            "không có bài nào cùng tên với ảnh này nên ảnh không được đăng; đặt tên ảnh theo tên tệp \
                     bài (bai.txt → bai.jpg, bai-1.jpg, bai-2.jpg)"
                .to_owned(),
        english: "no article has this picture's name, so it is not published; name it after the article's \
                  file (bai.txt → bai.jpg, bai-1.jpg, bai-2.jpg)"
            .to_owned(),
    }
}

/// Two files of one id, or of one stem and one day, with different bytes.
fn clash(
    taken: &mut BTreeMap<String, (String, String)>,
    seen: &Inspected,
    zone: Zone,
) -> Option<FileFinding> {
    let reading = seen.reading.as_ref()?;
    let draft = reading.reading.draft.as_ref()?;
    let day = day_of(draft.article.stamp.instant, zone);
    let stem: String = stem_of(name_of(&seen.path)).nfc().collect();
    let name = match &draft.id {
        Some(id) => ArticleId::as_str(id).to_owned(),
        None => format!("{day}/{stem}"),
    };
    let (other, hash) = match taken.get(&name) {
        Some(other) => other.clone(),
        None => {
            taken.insert(name, (seen.path.clone(), reading.hash.clone()));
            return None;
        }
    };
    (hash != reading.hash).then(|| FileFinding {
        path: seen.path.clone(),
        line: 1,
        severity: Severity::Error,
        vietnamese: format!(
            "trùng bài với {other} (cùng tên, cùng ngày hoặc cùng mã) nhưng nội dung khác; sửa cho giống nhau \
             hoặc đổi tên một tệp, ví dụ {}-2",
            Slug::from_title(&stem)
        ),
        english: format!(
            "is the same article as {other} (same name and day, or same id) with another text; make them \
             equal or rename one"
        ),
    })
}

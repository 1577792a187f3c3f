//! Looks at the folder as a scan would, and changes nothing: what `check` tells before anything is published.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use unicode_normalization::UnicodeNormalization as _;

use super::folder::observe;
use super::scan::{FileFinding, FileReading, name_of, picture_of, reading_of, stem_of, trouble_finding};
use crate::article::ArticleId;
use crate::channel::Slug;
use crate::manuscript::{self, Severity};
use crate::vietnam_time::day_of;

/// Reads every article below `root`. Returns what is to say, by path and line, and how many files there are.
///
/// # Errors
/// Where `root` cannot be listed.
pub fn inspect(root: &Path, options: &manuscript::Options) -> io::Result<(Vec<FileFinding>, u64)> {
    let observed = observe(root)?;
    let mut findings: Vec<FileFinding> = observed.trouble.iter().map(trouble_finding).collect();
    let mut taken: BTreeMap<String, (String, String)> = BTreeMap::new();
    for file in &observed.files {
        match reading_of(root, &file.path, options) {
            Ok(reading) => {
                findings.extend(findings_of(&file.path, &reading));
                findings.extend(clash(&mut taken, &file.path, &reading, options));
            }
            Err(cause) => findings.push(super::scan::file_finding(&file.path, &cause)),
        }
        let pictures = file.pictures.iter().map(|picture| picture_of(root, &picture.path));
        findings.extend(pictures.filter_map(|outcome| outcome.err().map(|finding| *finding)));
    }
    findings.extend(observed.orphans.iter().map(|path| orphan(path)));
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    Ok((findings, observed.files.len() as u64))
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
    path: &str,
    reading: &FileReading,
    options: &manuscript::Options,
) -> Option<FileFinding> {
    let draft = reading.reading.draft.as_ref()?;
    let day = day_of(draft.article.stamp.instant, options.zone);
    let stem: String = stem_of(name_of(path)).nfc().collect();
    let name = match &draft.id {
        Some(id) => ArticleId::as_str(id).to_owned(),
        None => format!("{day}/{stem}"),
    };
    let (other, hash) = match taken.get(&name) {
        Some(other) => other.clone(),
        None => {
            taken.insert(name, (path.to_owned(), reading.hash.clone()));
            return None;
        }
    };
    (hash != reading.hash).then(|| FileFinding {
        path: path.to_owned(),
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

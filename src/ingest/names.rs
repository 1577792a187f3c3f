//! Classifies files and folders by name: articles, images, copies made by programs, and system files.
//!
//! Office folders are synchronised, shared and backed up by programs that store their own files next to the articles.
//! None of these is published. Files that somebody may have meant to publish are reported.

use unicode_normalization::UnicodeNormalization as _;

use super::diagnostic::FileDiagnostic;
use crate::image;
use crate::parse::{self, DiagnosticKind, Severity};

/// The kind of a file, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    /// An article.
    Article,
    /// An image.
    Picture,
    /// A draft, or a leftover of a system or editor; not reported.
    Ignored,
    /// A copy of another file, made by a program.
    Copy,
    /// Not supported, but somebody may have meant to publish it.
    Unread,
}

/// The kind of a folder, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FolderKind {
    /// A channel.
    Channel,
    /// A system folder or a draft; not reported.
    Ignored,
    /// A copy made by a program.
    Copy,
    /// Named like a system folder; not a channel, and reported.
    System,
}

/// Names of files that systems create, in lower case.
const SYSTEM_FILES: [&str; 7] =
    ["thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "autorun.inf", "aquota.user"];

/// Extensions of incomplete files that are being copied or saved.
const TRANSIENT: [&str; 14] = [
    ".tmp",
    ".part",
    ".partial",
    ".filepart",
    ".crdownload",
    ".download",
    ".opdownload",
    ".swp",
    ".swo",
    ".lock",
    ".laccdb",
    ".gstmp",
    ".!sync",
    ".icloud",
];

/// Names of system folders, in lower case.
const SYSTEM_FOLDERS: [&str; 16] = [
    "#recycle",
    "#snapshot",
    "$recycle.bin",
    "@eadir",
    "@recycle",
    "@recently-snapshot",
    "@tmp",
    "lost+found",
    "network trash folder",
    "recycle bin",
    "recycled",
    "recycler",
    "system volume information",
    "temporary items",
    "thùng rác",
    "~snapshot",
];

/// The channel folder that contains a path, or that is this path.
pub(super) fn folder_of(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

/// The name of the file at a path.
pub(super) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// That name without its extension.
pub(super) fn stem_of(path: &str) -> &str {
    let name = name_of(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The kind of a file.
pub(super) fn file_kind(name: &str) -> FileKind {
    if is_simple_article(name) { FileKind::Article } else { kind_of_any(name) }
}

/// A fast check of names of articles that have none of the marks below: small letters and digits with hyphens, and one dot.
fn is_simple_article(name: &str) -> bool {
    let Some((stem, ending)) = name.split_once('.') else { return false };
    let is_simple = |byte: u8| byte.is_ascii_lowercase() | byte.is_ascii_digit() | (byte == b'-');
    stem.bytes().all(is_simple)
        && ending.bytes().all(is_simple)
        && parse::format_from_name(name).is_some()
        && !is_of_another_computer(stem)
}

fn kind_of_any(name: &str) -> FileKind {
    let lower: String = name.nfc().collect::<String>().to_lowercase();
    if is_hidden(&lower)
        || SYSTEM_FILES.contains(&lower.as_str())
        || TRANSIENT.iter().any(|e| lower.ends_with(e))
        || is_safe_save(&lower)
    {
        return FileKind::Ignored;
    }
    if is_copy(&lower) {
        return FileKind::Copy;
    }
    match name {
        _ if parse::format_from_name(name).is_some() => FileKind::Article,
        _ if image::is_image_name(name) => FileKind::Picture,
        _ => FileKind::Unread,
    }
}

/// The kind of a folder.
pub(super) fn folder_kind(name: &str) -> FolderKind {
    let lower: String = name.nfc().collect::<String>().to_lowercase();
    let lower = lower.trim();
    // Results of a disk check: `found.000`, `found.001` …
    let is_found = lower.strip_prefix("found.").is_some_and(|number| unnumbered(number) == Some(""));
    if is_hidden(lower) || is_found || SYSTEM_FOLDERS.contains(&lower) {
        return FolderKind::Ignored;
    }
    match () {
        () if lower.starts_with(['#', '@', '$', '~']) => FolderKind::System,
        // Folders have no extension; what looks like one is part of the name.
        () if is_copied_stem(lower) => FolderKind::Copy,
        () => FolderKind::Channel,
    }
}

/// Drafts and hidden files by their first character; Word's lock files (`~$bai.docx`); backup copies of editors
/// (`bai.txt~`, `#bai.txt#`).
fn is_hidden(lower: &str) -> bool {
    lower.starts_with(['.', '_'])
        || lower.starts_with("~$")
        || lower.starts_with("~wr")
        || lower.ends_with('~')
        || (lower.starts_with('#') && lower.ends_with('#'))
}

/// Whether it is a file with which macOS replaces a new version: `bai.txt.sb-1a2b3c4d-Xy12Z3`.
fn is_safe_save(lower: &str) -> bool {
    let Some((_, code)) = lower.rsplit_once(".sb-") else { return false };
    code.len() >= 8 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether the file is a copy, made by a program or by copy and paste within a folder.
fn is_copy(lower: &str) -> bool {
    const BACKUPS: [&str; 7] = ["bak", "backup", "old", "orig", "save", "autosave", "rej"];
    let (stem, ending) = lower.rsplit_once('.').unwrap_or((lower, ""));
    let backup = |part: &str| BACKUPS.contains(&part);
    if backup(ending) && stem.contains('.') {
        return true;
    }
    stem.rsplit_once('.').is_some_and(|(_, inner)| backup(inner)) || is_copied_stem(stem)
}

/// Whether a name without extension has the form that synchronisers and desktops give to copies.
fn is_copied_stem(stem: &str) -> bool {
    // Syncthing, ownCloud and Nextcloud, Dropbox, Seafile, Synology Drive, Resilio.
    const ANYWHERE: [&str; 9] = [
        ".sync-conflict-",
        "conflicted copy",
        "(case conflict",
        "_conflict-",
        "(sfconflict",
        "(bản sao xung đột",
        "(copie en conflit",
        "[conflict",
        "(unsaved-",
    ];
    const PREFIXES: [&str; 3] = ["copy of ", "bản sao của ", "bản sao "];
    // A number may follow: ` - Copy (2)`, ` copy 2`.
    const SUFFIXES: [&str; 16] = [
        " - copy",
        " - sao chép",
        " - bản sao",
        " copy",
        " (copy)",
        " (another copy)",
        " (bản sao)",
        " (bản sao khác)",
        " - copie",
        " - kopie",
        " copie",
        " (copie)",
        " kopie",
        " (kopie)",
        "_conflict",
        ".conflict",
    ];
    let bare = stem.trim_end();
    let bare = bare.strip_suffix(')').and_then(|rest| unnumbered(rest)?.strip_suffix(" (")).unwrap_or(bare);
    let bare = unnumbered(bare).and_then(|rest| rest.strip_suffix(' ')).unwrap_or(bare);
    ANYWHERE.iter().any(|mark| stem.contains(mark))
        || PREFIXES.iter().any(|mark| stem.starts_with(mark) && stem.len() > mark.len())
        || SUFFIXES.iter().any(|mark| bare.ends_with(mark) && bare.len() > mark.len())
        || is_ordinal_copy(bare)
        || is_of_another_computer(stem)
}

/// Whether it is a OneDrive copy, which ends with the computer's name; only names generated by Windows are recognised.
fn is_of_another_computer(lower: &str) -> bool {
    ["-desktop-", "-laptop-"].iter().any(|mark| {
        lower.rsplit_once(mark).is_some_and(|(before, code)| {
            let is_code = (7..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric());
            is_code && !before.is_empty() && code.bytes().any(|byte| byte.is_ascii_digit())
        })
    })
}

/// The text before a number at the end; `None` without a number.
fn unnumbered(text: &str) -> Option<&str> {
    let rest = text.trim_end_matches(|letter: char| letter.is_ascii_digit());
    (rest.len() < text.len()).then_some(rest)
}

/// ` (3rd copy)`, as some desktops count.
fn is_ordinal_copy(stem: &str) -> bool {
    let Some((_, last)) = stem.rsplit_once(" (") else { return false };
    let ordinal = last.strip_suffix(" copy)").map(|number| number.trim_end_matches(char::is_alphabetic));
    ordinal.is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
}

/// Whether it is an unsupported format in which offices keep texts and images.
pub(super) fn is_document(name: &str) -> bool {
    const DOCUMENTS: [&str; 23] = [
        "doc", "dot", "docm", "dotx", "dotm", "rtf", "ott", "fodt", "wps", "wpd", "pages", "pdf", "xps",
        "xls", "xlsx", "ods", "ppt", "pptx", "odp", "epub", "eml", "msg", "mht",
    ];
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    ending.is_some_and(|ending| DOCUMENTS.contains(&ending.as_str()) || ending == "mhtml")
        || image::unsupported_image(name).is_some()
}

/// The name of the page if this is the folder in which a browser saved its images, in any of the browser's languages.
pub(super) fn page_of_folder(name: &str) -> Option<String> {
    let name: String = name.nfc().collect();
    let lower = name.to_lowercase();
    let mark = parse::SAVED_PAGE_FOLDERS.into_iter().find(|mark| lower.ends_with(mark))?;
    let stem = name.get(..name.len().checked_sub(mark.len())?)?;
    (!stem.is_empty()).then(|| stem.to_owned())
}

/// The diagnostic for a file that is not published; also for articles and images in the wrong place.
pub(super) fn unread(path: &str, severity: Severity) -> FileDiagnostic {
    let name = name_of(path);
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    let kind = match ending.as_deref() {
        Some("doc" | "dot") => DiagnosticKind::LegacyDoc,
        _ => DiagnosticKind::NotAnArticle { name: name.to_owned() },
    };
    let message = image::unsupported_image(name).map_or_else(|| kind.message(), |error| error.message());
    FileDiagnostic::of_message(path, severity, message)
}

/// The diagnostic for a copy made by a program.
pub(super) fn copy(path: &str) -> FileDiagnostic {
    FileDiagnostic::new(
        path,
        Severity::Warning,
        "Tên cho thấy đây là bản sao (bản xung đột, bản lưu tạm) nên không đăng. Hãy xóa, hoặc đổi tên nếu là bài riêng.",
        "the name is that of a copy made by a program (conflict, backup), so it is not published; delete it, or \
         rename it if it is a separate article",
    )
}

/// The diagnostic for a folder with the name of a system folder.
pub(super) fn system_folder(path: &str) -> FileDiagnostic {
    FileDiagnostic::new(
        path,
        Severity::Warning,
        "Tên giống thư mục hệ thống nên không phải là chuyên mục. Hãy đổi tên nếu là chuyên mục.",
        "the name is that of a system folder, so it is not a channel; rename it if it is one",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_fast_check_finds_what_the_whole_one_finds(
            name in "[a-z0-9-]{0,12}(-desktop-|-laptop-|copy|bak|old)?[a-z0-9-]{0,8}\\.(txt|md|html|docx|odt|tmp|bak|png|db)"
        ) {
            prop_assert_eq!(file_kind(&name), kind_of_any(&name));
        }
    }

    #[test]
    fn a_simple_name_is_that_of_an_article_by_the_fast_check() {
        for (name, is_simple) in [
            ("hoi-nghi-2023.txt", true),
            ("hoi nghi.txt", false),
            ("bai-DESKTOP-1a2b3c4.txt", false),
            ("bai-desktop-1a2b3c4.txt", false),
            ("bai.orig.txt", false),
            ("bai.doc", false),
        ] {
            assert_eq!(is_simple_article(name), is_simple, "{name}");
        }
    }

    #[test]
    fn copies_made_by_programs_are_recognised_by_name() {
        for name in [
            "goc.sync-conflict-20230512-173900-ABCDEF7.txt",
            "goc (conflicted copy 2023-05-12).txt",
            "goc (Lan's conflicted copy 2023-05-12).docx",
            "goc (MAY-TINH's conflicted copy).md",
            "goc_conflict-20230512-173900.txt",
            "goc (SFConflict lan@example.vn 2023-05-12-17-39-00).txt",
            "goc (Case Conflict 1).txt",
            "goc_MAY1_May-12-173900-2023_Conflict.txt",
            "goc - Copy.txt",
            "goc - Copy (2).txt",
            "goc - Sao chép.txt",
            "goc - Sao che\u{301}p (3).docx",
            "goc - Bản sao.txt",
            "goc copy.txt",
            "goc copy 2.txt",
            "goc (copy).txt",
            "goc (another copy).txt",
            "goc (3rd copy).txt",
            "goc (bản sao).txt",
            "Copy of goc.txt",
            "Copy (2) of goc.txt.bak",
            "Bản sao của goc.docx",
            "goc.bak.txt",
            "goc.txt.bak",
            "goc.txt.old",
            "goc.orig.md",
            "goc - Copy.jpg",
            "goc-DESKTOP-1A2B3C4.txt",
            "goc-LAPTOP-9ABCDEFG.docx",
            "goc [Conflict].txt",
            "goc [Conflict 2].txt",
            "goc (Unsaved-308371).docx",
            "goc - Copie (2).txt",
            "goc (Kopie).txt",
        ] {
            assert_eq!(file_kind(name), FileKind::Copy, "{name}");
        }
        for name in [
            "goc.txt",
            "goc (1).txt",
            "bai-2.txt",
            "photocopy.txt",
            "sao chép tài liệu.txt",
            "Sao chép.txt",
            "copy.txt",
            "conflict.txt",
            "xung đột đất đai.txt",
            "Hội nghị 12.5.txt",
            "old.txt",
            "bak.docx",
            "may-laptop-gia-re.txt",
            "desktop-moi.txt",
        ] {
            assert_eq!(file_kind(name), FileKind::Article, "{name}");
        }
    }

    #[test]
    fn system_files_are_ignored_and_unsupported_files_are_recognised() {
        for name in [
            "Thumbs.db",
            "desktop.ini",
            ".DS_Store",
            "~$bai.docx",
            ".~lock.bai.odt#",
            "#bai.txt#",
            "bai.txt~",
            "bai.TMP",
            "bai.txt.part",
            "_nháp.txt",
            "Icon\r",
            "~WRL0001.docx",
            "._bai.txt",
            "bai.txt.gstmp",
            "bai.txt.!sync",
            "bai.txt.icloud",
            "bai.txt.sb-1a2b3c4d-Xy12Z3",
        ] {
            assert_eq!(file_kind(name), FileKind::Ignored, "{name}");
        }
        for name in
            ["bai.doc", "bai.pdf", "bai.ott", "anh.heic", "anh.svg", "README", "bai.txt.zip", "phim.mp4"]
        {
            assert_eq!(file_kind(name), FileKind::Unread, "{name}");
        }
        for name in ["anh.jpg", "anh.JFIF", "anh.jpe"] {
            assert_eq!(file_kind(name), FileKind::Picture, "{name}");
        }
    }

    #[test]
    fn system_folders_and_copies_of_folders_are_not_channels() {
        for name in [
            "#recycle",
            "$RECYCLE.BIN",
            "@eaDir",
            "lost+found",
            "System Volume Information",
            "__MACOSX",
            ".Trash-0",
            "RECYCLER",
            "Thùng rác",
            "Recycle Bin",
            "FOUND.001",
            "~snapshot",
            "System Volume Information ",
            ".stversions",
            ".tmp.drivedownload",
        ] {
            assert_eq!(folder_kind(name), FolderKind::Ignored, "{name}");
        }
        for name in ["@Synology", "#thung-rac", "~luu"] {
            assert_eq!(folder_kind(name), FolderKind::System, "{name}");
        }
        for name in
            ["xa-hoi - Copy", "Xã hội - Sao chép (2)", "Copy of xa-hoi", "xa-hoi (conflicted copy 2023)"]
        {
            assert_eq!(folder_kind(name), FolderKind::Copy, "{name}");
        }
        for name in ["xa-hoi", "Đất & Người", "Sao chép", "An toàn giao thông"] {
            assert_eq!(folder_kind(name), FolderKind::Channel, "{name}");
        }
    }
}

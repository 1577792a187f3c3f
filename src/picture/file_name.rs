//! Which files are pictures by their names, and which article a picture lies beside.

use unicode_normalization::UnicodeNormalization as _;

use super::Refused;

/// Programs save JPEG under several endings.
const ENDINGS: [&str; 10] = ["jpg", "jpeg", "jpe", "jfif", "jif", "pjpeg", "pjp", "png", "webp", "gif"];

/// Endings of pictures that are not read, and what they are.
const UNREAD: [(&str, Refused); 28] = [
    ("heic", Refused::OtherForm { form: "HEIC" }),
    ("heif", Refused::OtherForm { form: "HEIC" }),
    ("hif", Refused::OtherForm { form: "HEIC" }),
    ("avif", Refused::OtherForm { form: "AVIF" }),
    ("bmp", Refused::OtherForm { form: "BMP" }),
    ("dib", Refused::OtherForm { form: "BMP" }),
    ("tif", Refused::OtherForm { form: "TIFF" }),
    ("tiff", Refused::OtherForm { form: "TIFF" }),
    ("ico", Refused::OtherForm { form: "ICO" }),
    ("psd", Refused::OtherForm { form: "Photoshop" }),
    ("jxl", Refused::OtherForm { form: "JPEG XL" }),
    ("jp2", Refused::OtherForm { form: "JPEG 2000" }),
    ("dng", Refused::OtherForm { form: "RAW" }),
    ("cr2", Refused::OtherForm { form: "RAW" }),
    ("cr3", Refused::OtherForm { form: "RAW" }),
    ("nef", Refused::OtherForm { form: "RAW" }),
    ("arw", Refused::OtherForm { form: "RAW" }),
    ("emf", Refused::OtherForm { form: "EMF" }),
    ("wmf", Refused::OtherForm { form: "WMF" }),
    ("svg", Refused::Drawing),
    ("svgz", Refused::Drawing),
    ("mp4", Refused::Video),
    ("mov", Refused::Video),
    ("avi", Refused::Video),
    ("mkv", Refused::Video),
    ("webm", Refused::Video),
    ("3gp", Refused::Video),
    ("wmv", Refused::Video),
];

/// An article may have so many pictures: a longer number at the end of a name is a year or part of a title.
const MOST_DIGITS: usize = 3;

/// Whose picture a file may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureOf {
    /// The article's file without its ending, in NFC.
    pub stem: String,
    /// Its place among the pictures of that article: 0 for the one of the same stem, then 1, 2 ….
    pub number: u32,
}

/// True where the name ends like a picture's: `jpg` and what else JPEG is called, `png`, `webp` or `gif`, in any case. What the
/// file is, only its bytes tell.
pub fn is_picture_name(file_name: &str) -> bool {
    picture_stem(file_name).is_some()
}

/// Why a file that ends like a picture or film of another kind is not published; none for any other name.
pub fn unread_form(file_name: &str) -> Option<Refused> {
    let (_, ending) = file_name.rsplit_once('.')?;
    UNREAD.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(ending)).map(|(_, refused)| refused)
}

/// Whose picture the file of this name may be, the likelier first; none where it is no picture.
///
/// `hop-dan-1.jpg` is the picture of `hop-dan-1` where there is such an article, and else the one numbered 1
/// of `hop-dan`: the first in this list that is an article owns it.
pub fn possible_owners(file_name: &str) -> Vec<PictureOf> {
    let Some(stem) = picture_stem(file_name) else { return Vec::new() };
    let stem: String = stem.nfc().collect();
    let numbered = stem
        .rsplit_once('-')
        .and_then(|(stem, digits)| Some(PictureOf { stem: stem.to_owned(), number: number(digits)? }))
        .filter(|owner| !owner.stem.is_empty());
    std::iter::once(PictureOf { stem, number: 0 }).chain(numbered).collect()
}

/// The place of a file among the pictures of the article whose stem this is: 0 for the same stem, `n` for
/// `stem-n`; nothing where it is no picture of it. The two are compared in NFC.
///
/// The caller decides about `stem-1.jpg` where there is an article `stem-1` as well: it then belongs to that
/// one alone ([`possible_owners`]). Two files may have one place (`stem.jpg`, `stem.png`); their order is
/// that of their names.
pub fn belongs_to(file_name: &str, article_stem: &str) -> Option<u32> {
    let stem: String = article_stem.nfc().collect();
    possible_owners(file_name).into_iter().find(|owner| owner.stem == stem).map(|owner| owner.number)
}

/// The name of a picture without its ending.
fn picture_stem(file_name: &str) -> Option<&str> {
    let (stem, ending) = file_name.rsplit_once('.')?;
    let known = ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending));
    (known && !stem.is_empty()).then_some(stem)
}

/// 1 to 999; people write `01` as well.
fn number(digits: &str) -> Option<u32> {
    let plain = digits.len() <= MOST_DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|number| plain && *number > 0)
}

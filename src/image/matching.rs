//! Which files are pictures by their names, and which article a picture lies beside.

use unicode_normalization::UnicodeNormalization as _;

use super::ImageError;

/// Programs save JPEG under several endings.
const EXTENSIONS: [&str; 10] = ["jpg", "jpeg", "jpe", "jfif", "jif", "pjpeg", "pjp", "png", "webp", "gif"];

/// Endings of pictures that are not read, and what they are.
const UNREAD: [(&str, ImageError); 28] = [
    ("heic", ImageError::UnsupportedFormat { form: "HEIC" }),
    ("heif", ImageError::UnsupportedFormat { form: "HEIC" }),
    ("hif", ImageError::UnsupportedFormat { form: "HEIC" }),
    ("avif", ImageError::UnsupportedFormat { form: "AVIF" }),
    ("bmp", ImageError::UnsupportedFormat { form: "BMP" }),
    ("dib", ImageError::UnsupportedFormat { form: "BMP" }),
    ("tif", ImageError::UnsupportedFormat { form: "TIFF" }),
    ("tiff", ImageError::UnsupportedFormat { form: "TIFF" }),
    ("ico", ImageError::UnsupportedFormat { form: "ICO" }),
    ("psd", ImageError::UnsupportedFormat { form: "Photoshop" }),
    ("jxl", ImageError::UnsupportedFormat { form: "JPEG XL" }),
    ("jp2", ImageError::UnsupportedFormat { form: "JPEG 2000" }),
    ("dng", ImageError::UnsupportedFormat { form: "RAW" }),
    ("cr2", ImageError::UnsupportedFormat { form: "RAW" }),
    ("cr3", ImageError::UnsupportedFormat { form: "RAW" }),
    ("nef", ImageError::UnsupportedFormat { form: "RAW" }),
    ("arw", ImageError::UnsupportedFormat { form: "RAW" }),
    ("emf", ImageError::UnsupportedFormat { form: "EMF" }),
    ("wmf", ImageError::UnsupportedFormat { form: "WMF" }),
    ("svg", ImageError::VectorImage),
    ("svgz", ImageError::VectorImage),
    ("mp4", ImageError::Video),
    ("mov", ImageError::Video),
    ("avi", ImageError::Video),
    ("mkv", ImageError::Video),
    ("webm", ImageError::Video),
    ("3gp", ImageError::Video),
    ("wmv", ImageError::Video),
];

/// An article may have so many pictures: a longer number at the end of a name is a year or part of a title.
const MAX_DIGITS: usize = 3;

/// Whose picture a file may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageOwner {
    /// The article's file without its ending, in NFC.
    pub stem: String,
    /// Its place among the pictures of that article: 0 for the one of the same stem, then 1, 2 ….
    pub number: u32,
}

/// True where the name ends like a picture's: `jpg` and what else JPEG is called, `png`, `webp` or `gif`, in any case. What the
/// file is, only its bytes tell.
pub fn is_image_name(file_name: &str) -> bool {
    image_stem(file_name).is_some()
}

/// Why a file that ends like a picture or film of another kind is not published; none for any other name.
pub fn unread_form(file_name: &str) -> Option<ImageError> {
    let (_, ending) = file_name.rsplit_once('.')?;
    UNREAD.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(ending)).map(|(_, refused)| refused)
}

/// Whose picture the file of this name may be, the likelier first; none where it is no picture.
///
/// `hop-dan-1.jpg` is the picture of `hop-dan-1` where there is such an article, and else the one numbered 1
/// of `hop-dan`: the first in this list that is an article owns it.
pub fn owner_candidates(file_name: &str) -> Vec<ImageOwner> {
    let Some(stem) = image_stem(file_name) else { return Vec::new() };
    let stem: String = stem.nfc().collect();
    let numbered = stem
        .rsplit_once('-')
        .and_then(|(stem, digits)| Some(ImageOwner { stem: stem.to_owned(), number: number(digits)? }))
        .filter(|owner| !owner.stem.is_empty());
    std::iter::once(ImageOwner { stem, number: 0 }).chain(numbered).collect()
}

/// The place of a file among the pictures of the article whose stem this is: 0 for the same stem, `n` for
/// `stem-n`; nothing where it is no picture of it. The two are compared in NFC.
///
/// The caller decides about `stem-1.jpg` where there is an article `stem-1` as well: it then belongs to that
/// one alone ([`owner_candidates`]). Two files may have one place (`stem.jpg`, `stem.png`); their order is
/// that of their names.
pub fn belongs_to(file_name: &str, article_stem: &str) -> Option<u32> {
    let stem: String = article_stem.nfc().collect();
    owner_candidates(file_name).into_iter().find(|owner| owner.stem == stem).map(|owner| owner.number)
}

/// The name of a picture without its ending.
fn image_stem(file_name: &str) -> Option<&str> {
    let (stem, ending) = file_name.rsplit_once('.')?;
    let known = EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(ending));
    (known && !stem.is_empty()).then_some(stem)
}

/// 1 to 999; people write `01` as well.
fn number(digits: &str) -> Option<u32> {
    let plain = digits.len() <= MAX_DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|number| plain && *number > 0)
}

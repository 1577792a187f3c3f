//! Recognises image files by name, and the articles they belong to.

use unicode_normalization::UnicodeNormalization as _;

use super::ImageError;

/// File extensions of supported formats; programs use several for JPEG.
const EXTENSIONS: [&str; 10] = ["jpg", "jpeg", "jpe", "jfif", "jif", "pjpeg", "pjp", "png", "webp", "gif"];

/// File extensions of unsupported formats.
///
/// NOTE: no decoder of HEIC or AVIF in safe Rust has both a licence that `deny.toml` allows and years of use behind it
/// (looked at in November 2026: `heic` and `zenavif` are under the AGPL, `heic-rs` is in its first months).
const UNSUPPORTED: [(&str, ImageError); 28] = [
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

/// Maximum digits of an image number: a longer number at the end of a name is a year or part of a title.
const MAX_DIGITS: usize = 3;

/// The article that an image may belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageOwner {
    /// The article's file name without extension, in NFC.
    pub stem: String,
    /// Its number among the images of that article: 0 for the same stem, then 1, 2 ….
    pub number: u32,
}

/// Whether the name has the extension of a supported format, in any case. The content can still be something else.
pub fn is_image_name(file_name: &str) -> bool {
    image_stem(file_name).is_some()
}

/// The error for a name with the extension of an unsupported image or video format; `None` for other names.
pub fn unsupported_image(file_name: &str) -> Option<ImageError> {
    let (_, extension) = file_name.rsplit_once('.')?;
    UNSUPPORTED.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(extension)).map(|(_, error)| error)
}

/// The articles that the file may belong to, most likely first; empty if it is not an image.
///
/// `hop-dan-1.jpg` belongs to `hop-dan-1` if there is such an article, otherwise it is image 1 of `hop-dan`: the first
/// existing article in this list owns it.
pub fn owner_candidates(file_name: &str) -> Vec<ImageOwner> {
    let Some(stem) = image_stem(file_name) else { return Vec::new() };
    let stem: String = stem.nfc().collect();
    let numbered = stem
        .rsplit_once('-')
        .and_then(|(stem, digits)| Some(ImageOwner { stem: stem.to_owned(), number: number(digits)? }))
        .filter(|owner| !owner.stem.is_empty());
    std::iter::once(ImageOwner { stem, number: 0 }).chain(numbered).collect()
}

/// The name of an image without its extension.
fn image_stem(file_name: &str) -> Option<&str> {
    let (stem, extension) = file_name.rsplit_once('.')?;
    let known = EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension));
    (known && !stem.is_empty()).then_some(stem)
}

/// Parses 1 to 999, also with leading zeros.
fn number(digits: &str) -> Option<u32> {
    let is_valid = digits.len() <= MAX_DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|number| is_valid && *number > 0)
}

//! Image errors, with messages for the editorial office and for operators.

use std::fmt;

use super::format::{FormatError, ImageFormat, MAX_BYTES, MAX_PIXELS};
use crate::message::Message;

/// Why a file is not published as an image. The messages do not contain the file name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // See the table in `entry`.
pub enum ImageError {
    Empty,
    TooManyBytes { bytes: usize },
    TooManyPixels { width: u32, height: u32 },
    UnsupportedFormat { form: &'static str },
    VectorImage,
    WebPage,
    Document { form: &'static str },
    Video,
    Unknown,
    Truncated { form: &'static str },
    Damaged { form: &'static str, what: &'static str },
    NotDisplayable { form: &'static str, what: &'static str },
}

impl ImageError {
    /// A stable identifier for programs.
    pub fn code(&self) -> &'static str {
        self.entry().0
    }

    /// What is wrong and how to fix it.
    pub fn message(&self) -> Message {
        let (_, vietnamese, english) = self.entry();
        Message { vietnamese, english }
    }

    /// Code, Vietnamese and English message.
    fn entry(&self) -> (&'static str, String, String) {
        match self {
            Self::Empty => (
                "picture-empty",
                "Tệp ảnh trống. Hãy chép lại ảnh từ máy ảnh hoặc điện thoại.".into(),
                "the image file is empty; copy it again from the camera or phone".into(),
            ),
            Self::TooManyBytes { bytes } => {
                let (size, max) = (format_megabytes(*bytes), format_megabytes(MAX_BYTES));
                (
                    "picture-too-many-bytes",
                    format!("Tệp ảnh quá lớn ({size} MB, tối đa {max} MB). Hãy thu nhỏ ảnh rồi lưu lại thành JPEG."),
                    format!("the image file has {size} MB, more than {max} MB; scale it down and save it as JPEG"),
                )
            }
            Self::TooManyPixels { width, height } => {
                let max = MAX_PIXELS / 1_000_000;
                (
                    "picture-too-many-pixels",
                    format!("Ảnh quá rộng ({width}×{height}, tối đa {max} triệu điểm ảnh). Hãy thu nhỏ ảnh, ví dụ còn 1600 điểm chiều ngang."),
                    format!("the image has {width}×{height} pixels, more than {max} million; scale it down"),
                )
            }
            Self::UnsupportedFormat { form } => (
                "picture-other-form",
                match *form {
                    "HEIC" => format!("Ảnh ở dạng {form} của điện thoại, nhiều máy không xem được. Hãy mở ảnh và lưu thành JPEG (iPhone: Cài đặt → Camera → Định dạng → Tương thích nhất)."),
                    _ => format!("Ảnh ở dạng {form}, nhiều máy không xem được. Hãy mở ảnh và lưu thành JPEG hoặc PNG."),
                },
                format!("many browsers cannot show {form} images; save it as JPEG or PNG"),
            ),
            Self::VectorImage => (
                "picture-drawing",
                "Hình vẽ SVG có thể chứa mã chạy được nên không đăng. Hãy xuất hình thành PNG.".into(),
                "SVG images can contain scripts and are not published; export it as PNG".into(),
            ),
            Self::WebPage => (
                "picture-web-page",
                "Đây là một trang web, không phải ảnh. Hãy bấm chuột phải vào ảnh trên trang và chọn «Lưu hình ảnh thành…».".into(),
                "this is a web page, not an image; save the image that the page shows".into(),
            ),
            Self::Document { form } => (
                "picture-document",
                format!("Đây là tệp {form}, không phải ảnh. Hãy lấy ảnh trong tệp ra và lưu thành JPEG."),
                format!("this is a {form} file, not an image; extract the image and save it as JPEG"),
            ),
            Self::Video => (
                "picture-video",
                "Đây là video, không phải ảnh. Hãy chụp một khung hình và lưu thành JPEG.".into(),
                "this is a video, not an image; save one frame of it as JPEG".into(),
            ),
            Self::Unknown => (
                "picture-unknown",
                "Không nhận ra đây là ảnh gì. Hãy mở ảnh bằng phần mềm xem ảnh và lưu lại thành JPEG hoặc PNG.".into(),
                "unknown image format; open it and save it as JPEG or PNG".into(),
            ),
            Self::Truncated { form } => (
                "picture-cut-short",
                format!("Ảnh {form} bị thiếu phần cuối, có lẽ chép chưa xong. Hãy chép lại tệp gốc."),
                format!("the {form} image is truncated; copy the original again"),
            ),
            Self::Damaged { form, what } => (
                "picture-damaged",
                format!("Ảnh {form} bị hỏng. Hãy chép lại tệp gốc, hoặc mở ảnh rồi lưu lại."),
                format!("the {form} image is damaged ({what}); copy the original again, or open and save it"),
            ),
            Self::NotDisplayable { form, what } => (
                "picture-unshowable",
                format!("Ảnh {form} được mã hóa theo cách mà trình duyệt không xem được. Hãy mở ảnh và lưu lại thành JPEG thường."),
                format!("browsers cannot show this {form} image ({what}); open it and save it as a baseline JPEG"),
            ),
        }
    }

    pub(super) fn from_format_error(form: ImageFormat, error: FormatError) -> Self {
        let form = form.name();
        match error {
            FormatError::Truncated => Self::Truncated { form },
            FormatError::Damaged(what) => Self::Damaged { form, what },
            FormatError::NotDisplayable(what) => Self::NotDisplayable { form, what },
            FormatError::TooManyPixels { width, height } => Self::TooManyPixels { width, height },
        }
    }

    /// What a file of an unsupported type is, by its first bytes; only used to suggest the right fix.
    pub(super) fn not_a_picture(bytes: &[u8]) -> Self {
        const SIGNATURES: [(&[u8], ImageError); 17] = [
            (b"II*\0", ImageError::UnsupportedFormat { form: "TIFF" }),
            (b"MM\0*", ImageError::UnsupportedFormat { form: "TIFF" }),
            (b"II+\0", ImageError::UnsupportedFormat { form: "TIFF" }),
            (b"MM\0+", ImageError::UnsupportedFormat { form: "TIFF" }),
            (b"BM", ImageError::UnsupportedFormat { form: "BMP" }),
            (b"8BPS", ImageError::UnsupportedFormat { form: "Photoshop" }),
            (b"\xFF\x0A", ImageError::UnsupportedFormat { form: "JPEG XL" }),
            (b"\0\0\0\x0CJXL ", ImageError::UnsupportedFormat { form: "JPEG XL" }),
            (b"\0\0\0\x0CjP  ", ImageError::UnsupportedFormat { form: "JPEG 2000" }),
            (b"\0\0\x01\0", ImageError::UnsupportedFormat { form: "ICO" }),
            (b"%PDF", ImageError::Document { form: "PDF" }),
            (b"%!PS", ImageError::Document { form: "PostScript" }),
            (b"PK\x03\x04", ImageError::Document { form: "Word/ZIP" }),
            (b"\xD0\xCF\x11\xE0", ImageError::Document { form: "Word" }),
            (b"{\\rtf", ImageError::Document { form: "RTF" }),
            (b"\x1A\x45\xDF\xA3", ImageError::Video),
            (b"\0\0\x01\xBA", ImageError::Video),
        ];
        let known = || SIGNATURES.into_iter().find(|(signature, _)| bytes.starts_with(signature));
        match bytes {
            [] => Self::Empty,
            [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => iso_media(brand),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', ..] => Self::Video,
            _ => {
                known().map(|(_, error)| error).or_else(|| looks_like_markup(bytes)).unwrap_or(Self::Unknown)
            }
        }
    }
}

impl fmt::Display for ImageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(formatter)
    }
}

impl std::error::Error for ImageError {}

/// ISO media files: the brand distinguishes images from videos.
fn iso_media(brand: &[u8]) -> ImageError {
    match brand {
        [b'h', b'e', ..] | [b'm', b'i' | b's', b'f', b'1', ..] => {
            ImageError::UnsupportedFormat { form: "HEIC" }
        }
        [b'a', b'v', b'i', ..] => ImageError::UnsupportedFormat { form: "AVIF" },
        [b'c', b'r', b'x', ..] => ImageError::UnsupportedFormat { form: "Canon RAW" },
        _ => ImageError::Video,
    }
}

/// A text file that begins with a tag: an SVG drawing, or a web page saved instead of its image.
fn looks_like_markup(bytes: &[u8]) -> Option<ImageError> {
    const INSPECTED_BYTES: usize = 4096;
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = text.trim_ascii_start();
    text.starts_with(b"<").then(|| {
        let beginning = text[..text.len().min(INSPECTED_BYTES)].to_ascii_lowercase();
        let at = |tag: &[u8]| beginning.windows(tag.len()).position(|window| window == tag);
        match (at(b"<svg"), at(b"<html")) {
            (Some(drawing), page) if page.is_none_or(|page| drawing < page) => ImageError::VectorImage,
            _ => ImageError::WebPage,
        }
    })
}

/// Rounded up, so that a file above the limit never shows the limit itself.
fn format_megabytes(bytes: usize) -> usize {
    bytes.div_ceil(1024 * 1024)
}

//! Why a picture is not published, and what the office can do about it.

use std::fmt;

use super::{FormatError, ImageFormat, MAX_BYTES, MAX_PIXELS};

/// Why a file is not published as a picture. [`Self::vietnamese`] tells the office, [`Self::english`] (and
/// `Display`) the log; both say what to do, and neither names the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // The two texts of each, below, say what it means.
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
    /// A short name that stays the same, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "picture-empty",
            Self::TooManyBytes { .. } => "picture-too-many-bytes",
            Self::TooManyPixels { .. } => "picture-too-many-pixels",
            Self::UnsupportedFormat { .. } => "picture-other-form",
            Self::VectorImage => "picture-drawing",
            Self::WebPage => "picture-web-page",
            Self::Document { .. } => "picture-document",
            Self::Video => "picture-video",
            Self::Unknown => "picture-unknown",
            Self::Truncated { .. } => "picture-cut-short",
            Self::Damaged { .. } => "picture-damaged",
            Self::NotDisplayable { .. } => "picture-unshowable",
        }
    }

    /// For the office: what is the matter and what to do.
    pub fn vietnamese(&self) -> String {
        match self {
            Self::Empty => "Tệp ảnh trống. Hãy chép lại ảnh từ máy ảnh hoặc điện thoại.".into(),
            Self::TooManyBytes { bytes } => format!(
                "Tệp ảnh quá lớn ({} MB, tối đa {} MB). Hãy thu nhỏ ảnh rồi lưu lại thành JPEG.",
                format_megabytes(*bytes),
                format_megabytes(MAX_BYTES)
            ),
            Self::TooManyPixels { width, height } => format!(
                "Ảnh quá rộng ({width}×{height}, tối đa {} triệu điểm ảnh). Hãy thu nhỏ ảnh, ví dụ còn 1600 điểm chiều ngang.",
                MAX_PIXELS / 1_000_000
            ),
            Self::UnsupportedFormat { form: form @ "HEIC" } => format!(
                "Ảnh ở dạng {form} của điện thoại, nhiều máy không xem được. Hãy mở ảnh và lưu thành JPEG (iPhone: Cài đặt → Camera → Định dạng → Tương thích nhất)."
            ),
            Self::UnsupportedFormat { form } => {
                format!("Ảnh ở dạng {form}, nhiều máy không xem được. Hãy mở ảnh và lưu thành JPEG hoặc PNG.")
            }
            Self::VectorImage => {
                "Hình vẽ SVG có thể chứa mã chạy được nên không đăng. Hãy xuất hình thành PNG.".into()
            }
            Self::WebPage => {
                "Đây là một trang web, không phải ảnh. Hãy bấm chuột phải vào ảnh trên trang và chọn «Lưu hình ảnh thành…».".into()
            }
            Self::Document { form } => {
                format!("Đây là tệp {form}, không phải ảnh. Hãy lấy ảnh trong tệp ra và lưu thành JPEG.")
            }
            Self::Video => "Đây là video, không phải ảnh. Hãy chụp một khung hình và lưu thành JPEG.".into(),
            Self::Unknown => {
                "Không nhận ra đây là ảnh gì. Hãy mở ảnh bằng phần mềm xem ảnh và lưu lại thành JPEG hoặc PNG.".into()
            }
            Self::Truncated { form } => {
                format!("Ảnh {form} bị thiếu phần cuối, có lẽ chép chưa xong. Hãy chép lại tệp gốc.")
            }
            Self::Damaged { form, .. } => {
                format!("Ảnh {form} bị hỏng. Hãy chép lại tệp gốc, hoặc mở ảnh rồi lưu lại.")
            }
            Self::NotDisplayable { form, .. } => format!(
                "Ảnh {form} được mã hóa theo cách mà trình duyệt không xem được. Hãy mở ảnh và lưu lại thành JPEG thường."
            ),
        }
    }

    /// For the log: what is the matter and what to do.
    pub fn english(&self) -> String {
        match self {
            Self::Empty => "the picture's file is empty; copy it again from the camera or telephone".into(),
            Self::TooManyBytes { bytes } => format!(
                "the picture's file has {} MB, more than {} MB; make it smaller and save it as JPEG",
                format_megabytes(*bytes),
                format_megabytes(MAX_BYTES)
            ),
            Self::TooManyPixels { width, height } => format!(
                "the picture has {width}×{height} pixels, more than {} million; make it smaller",
                MAX_PIXELS / 1_000_000
            ),
            Self::UnsupportedFormat { form } => {
                format!("the picture is {form}, which many browsers do not show; save it as JPEG or PNG")
            }
            Self::VectorImage => {
                "an SVG drawing can run scripts and is not published; export it as PNG".into()
            }
            Self::WebPage => "this is a web page, not a picture; save the picture that it shows".into(),
            Self::Document { form } => {
                format!("this is a {form} file, not a picture; take the picture out and save it as JPEG")
            }
            Self::Video => "this is a video, not a picture; save one frame of it as JPEG".into(),
            Self::Unknown => "this is no picture of a known kind; open it and save it as JPEG or PNG".into(),
            Self::Truncated { form } => {
                format!("the {form} ends before the picture does; copy the original again")
            }
            Self::Damaged { form, what } => {
                format!(
                    "the {form} is damaged ({what}); copy the original again, or open it and save it anew"
                )
            }
            Self::NotDisplayable { form, what } => {
                format!("no browser shows this {form} ({what}); open it and save it as ordinary JPEG")
            }
        }
    }

    pub(super) fn from_format_error(form: ImageFormat, fault: FormatError) -> Self {
        let form = form.name();
        match fault {
            FormatError::Truncated => Self::Truncated { form },
            FormatError::Damaged(what) => Self::Damaged { form, what },
            FormatError::NotDisplayable(what) => Self::NotDisplayable { form, what },
            FormatError::TooManyPixels { width, height } => Self::TooManyPixels { width, height },
        }
    }

    /// What a file is that is none of the four types, by its first bytes: only to tell the right cure.
    pub(super) fn not_a_picture(bytes: &[u8]) -> Self {
        const BEGINNINGS: [(&[u8], ImageError); 17] = [
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
        let known = || BEGINNINGS.into_iter().find(|(beginning, _)| bytes.starts_with(beginning));
        match bytes {
            [] => Self::Empty,
            [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => iso_media(brand),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', ..] => Self::Video,
            _ => known()
                .map(|(_, refused)| refused)
                .or_else(|| looks_like_markup(bytes))
                .unwrap_or(Self::Unknown),
        }
    }
}

impl fmt::Display for ImageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.english())
    }
}

impl std::error::Error for ImageError {}

/// Still pictures and films share a container; its brand tells them apart.
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

/// A text that opens with a tag: a drawing, or a page that was saved in place of its picture.
fn looks_like_markup(bytes: &[u8]) -> Option<ImageError> {
    const LOOKED_AT: usize = 4096;
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = text.trim_ascii_start();
    text.starts_with(b"<").then(|| {
        let beginning = text[..text.len().min(LOOKED_AT)].to_ascii_lowercase();
        let at = |tag: &[u8]| beginning.windows(tag.len()).position(|window| window == tag);
        match (at(b"<svg"), at(b"<html")) {
            (Some(drawing), page) if page.is_none_or(|page| drawing < page) => ImageError::VectorImage,
            _ => ImageError::WebPage,
        }
    })
}

/// Rounded up, so that what is too large never shows as the limit.
fn format_megabytes(bytes: usize) -> usize {
    bytes.div_ceil(1024 * 1024)
}

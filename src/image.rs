//! Makes of a picture that lay beside an article the one that is published: the same pixels and nothing else.
//!
//! What a camera, a telephone or an editor wrote beside the pixels (place, time, serial numbers, names,
//! comments, thumbnails, second pictures, whatever stands behind the end) stays at home. The image data are
//! copied, never coded anew, so that no picture loses quality; colour profiles, the direction in which a
//! photograph is to be shown, and animation stay. This works by a list of what is kept, not of what is
//! removed: what nobody thought of is not published.
//!
//! The type is what the bytes are, never what the name says: JPEG, PNG, WebP or GIF. Anything else is
//! refused with a text for the office that says what to do; so is a file that is cut short or damaged, for a
//! reader would see half a picture or none. Data behind the end of a picture do not make it refused (many
//! telephones put some there); they fall, and what is published is a picture from its first byte to its last.
//!
//! Not looked at are the compressed pixels themselves: a message hidden *in* them passes.

mod byte_reader;
mod error;
mod gif;
mod icc;
mod jpeg;
mod matching;
mod orientation;
mod png;
#[cfg(test)]
mod test_images;
#[cfg(test)]
mod tests;
mod webp;

pub use error::ImageError;
pub use matching::{ImageOwner, belongs_to, is_image_name, owner_candidates, unread_form};

use sha2::{Digest as _, Sha256};

/// The largest file that is taken, in bytes: a photograph of the best cameras stays far below.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// The largest picture that is taken, in pixels as its header declares them. A reader's browser needs four
/// bytes of memory for each, however small the file is.
pub const MAX_PIXELS: u64 = 100_000_000;

/// A picture as it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrippedImage {
    /// Its name under `/media/`: the first 32 hexadecimal digits of the SHA-256 of [`Self::bytes`] and the
    /// ending of its type, such as `….jpg`.
    pub name: String,
    /// `image/jpeg`, `image/png`, `image/webp` or `image/gif`.
    pub media_type: &'static str,
    /// In pixels, as shown: of a photograph that lies on its side, after it was turned.
    pub width: u32,
    /// In pixels, as shown.
    pub height: u32,
    /// What is served. Put through [`publishable`] again it comes out the same.
    pub bytes: Vec<u8>,
}

/// What is published of the file that holds `bytes`. Same bytes in, same bytes and name out.
///
/// Time and memory grow with the length of the file and with nothing else in it.
///
/// # Errors
/// Where the file is none of the four types, cut short, damaged, of a kind that browsers do not show, or
/// larger than [`MAX_BYTES`] or [`MAX_PIXELS`].
pub fn strip_metadata(bytes: Vec<u8>) -> Result<StrippedImage, ImageError> {
    if bytes.len() > MAX_BYTES {
        return Err(ImageError::TooManyBytes { bytes: bytes.len() });
    }
    let form = ImageFormat::detect(&bytes).ok_or_else(|| ImageError::not_a_picture(&bytes))?;
    let clean = form.strip(&bytes).map_err(|fault| ImageError::from_format_error(form, fault))?;
    Ok(StrippedImage {
        name: format!("{}.{}", hash(&clean.bytes), form.extension()),
        media_type: form.media_type(),
        width: clean.size.width,
        height: clean.size.height,
        bytes: clean.bytes,
    })
}

/// The types that every browser shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ImageFormat {
    Jpeg,
    Png,
    WebP,
    Gif,
}

impl ImageFormat {
    /// By the first bytes.
    fn detect(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            _ if bytes.starts_with(png::SIGNATURE) => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            _ => None,
        }
    }

    fn strip(self, bytes: &[u8]) -> Result<Stripped, FormatError> {
        match self {
            Self::Jpeg => jpeg::strip(bytes),
            Self::Png => png::strip(bytes),
            Self::WebP => webp::strip(bytes),
            Self::Gif => gif::strip(bytes),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Gif => "gif",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
        }
    }
}

/// What the reader of one type hands back.
#[derive(Debug)]
struct Stripped {
    /// As shown.
    size: Dimensions,
    bytes: Vec<u8>,
}

/// In pixels; neither is 0, and both together are within [`MAX_PIXELS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dimensions {
    width: u32,
    height: u32,
}

impl Dimensions {
    /// What a header declares.
    fn new(width: u32, height: u32) -> Result<Self, FormatError> {
        if width == 0 || height == 0 {
            return Err(FormatError::Damaged("its width or height is 0"));
        }
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(FormatError::TooManyPixels { width, height });
        }
        Ok(Self { width, height })
    }
}

/// Why a file of one of the four types is not published. The texts are English, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FormatError {
    /// It ends before the picture does.
    Truncated,
    /// It breaks the rules of its type.
    Damaged(&'static str),
    /// It keeps them, in a way that browsers do not show.
    NotDisplayable(&'static str),
    TooManyPixels {
        width: u32,
        height: u32,
    },
}

/// 128 bits: no two pictures will ever share them by chance, and a name stays short.
fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

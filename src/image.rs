//! Validates images, removes their metadata before they are published, and makes smaller copies of them.
//!
//! Everything that cameras, phones and editors store in addition to the pixels is removed: location, time, serial
//! numbers, names, comments, thumbnails, secondary images, data after the end. Compressed image data is copied, never
//! re-encoded, so that no quality is lost. Colour profiles, orientation and animation are kept. The code lists what is
//! kept, not what is removed, so that unknown metadata is never published.
//!
//! The format is determined by content, not by name: JPEG, PNG, WebP or GIF. Other formats are rejected with a message
//! that says how to fix it, and so are truncated or damaged files. Data after the end of an image (many phones append
//! some) is dropped.
//!
//! The compressed pixels are not inspected: data hidden *in* them is published.

mod byte_reader;
mod copies;
#[cfg(test)]
mod copies_tests;
mod error;
mod format;
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

pub use copies::{ImageCopies, smaller_copies};
pub use error::ImageError;
pub use format::{MAX_BYTES, MAX_PIXELS};
pub use matching::{ImageOwner, is_image_name, owner_candidates, unsupported_image};

use format::{FormatError, ImageFormat, Stripped};
use sha2::{Digest as _, Sha256};

use crate::panics::caught;
use crate::text::hex;

/// An image as served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrippedImage {
    /// Its name under `/media/`: the first 32 hexadecimal digits of the SHA-256 of [`Self::bytes`] and the extension
    /// of its type, such as `….jpg`.
    pub name: String,
    /// `image/jpeg`, `image/png`, `image/webp` or `image/gif`.
    pub media_type: &'static str,
    /// In pixels, as shown: after rotation according to its orientation.
    pub width: u32,
    /// In pixels, as shown.
    pub height: u32,
    /// The bytes to serve. [`strip_metadata`] leaves them unchanged.
    pub bytes: Vec<u8>,
}

/// Validates an image and removes its metadata. Deterministic; takes linear time and memory.
///
/// # Errors
/// If the format is not supported, or the file is truncated, damaged, not displayable in browsers, or larger than
/// [`MAX_BYTES`] or [`MAX_PIXELS`].
pub fn strip_metadata(bytes: Vec<u8>) -> Result<StrippedImage, ImageError> {
    if bytes.len() > MAX_BYTES {
        return Err(ImageError::TooManyBytes { bytes: bytes.len() });
    }
    let form = detect(&bytes).ok_or_else(|| ImageError::not_a_picture(&bytes))?;
    let stripped = caught(|| strip(form, &bytes)).unwrap_or(Err(FormatError::Damaged("it cannot be read")));
    let stripped = stripped.map_err(|error| ImageError::from_format_error(form, error))?;
    Ok(served(form, (stripped.size.width, stripped.size.height), stripped.bytes))
}

/// Names an image after its bytes. `size` is its width and height as shown.
fn served(format: ImageFormat, (width, height): (u32, u32), bytes: Vec<u8>) -> StrippedImage {
    StrippedImage {
        name: format!("{}.{}", hash(&bytes), format.extension()),
        media_type: format.media_type(),
        width,
        height,
        bytes,
    }
}

/// The media type of an image that is served, by its content; none if it is no image.
pub fn media_type_of(bytes: &[u8]) -> Option<&'static str> {
    detect(bytes).map(ImageFormat::media_type)
}

/// Detects the format by the first bytes.
fn detect(bytes: &[u8]) -> Option<ImageFormat> {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => Some(ImageFormat::Jpeg),
        _ if bytes.starts_with(png::SIGNATURE) => Some(ImageFormat::Png),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(ImageFormat::WebP),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(ImageFormat::Gif),
        _ => None,
    }
}

fn strip(format: ImageFormat, bytes: &[u8]) -> Result<Stripped, FormatError> {
    match format {
        ImageFormat::Jpeg => jpeg::strip(bytes),
        ImageFormat::Png => png::strip(bytes),
        ImageFormat::WebP => webp::strip(bytes),
        ImageFormat::Gif => gif::strip(bytes),
    }
}

/// False if `name` begins with a hash that is not of these bytes. They have changed since they were named then.
pub fn is_named_by(name: &str, bytes: &[u8]) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let is_hash = stem.len() == HASH_DIGITS && stem.bytes().all(|digit| digit.is_ascii_hexdigit());
    !is_hash || stem == hash(bytes)
}

/// Of 128 bits: short, and without accidental collisions.
const HASH_DIGITS: usize = 32;

fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..HASH_DIGITS / 2])
}

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

mod bytes;
mod file_name;
mod gif;
mod icc;
mod jpeg;
mod orientation;
mod png;
mod refused;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
mod webp;

pub use file_name::{PictureOf, belongs_to, is_picture_name, possible_owners, unread_form};
pub use refused::Refused;

use sha2::{Digest as _, Sha256};

/// The largest file that is taken, in bytes: a photograph of the best cameras stays far below.
pub const MOST_BYTES: usize = 32 * 1024 * 1024;

/// The largest picture that is taken, in pixels as its header declares them. A reader's browser needs four
/// bytes of memory for each, however small the file is.
pub const MOST_PIXELS: u64 = 100_000_000;

/// A picture as it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publishable {
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
/// larger than [`MOST_BYTES`] or [`MOST_PIXELS`].
pub fn publishable(bytes: Vec<u8>) -> Result<Publishable, Refused> {
    if bytes.len() > MOST_BYTES {
        return Err(Refused::TooManyBytes { bytes: bytes.len() });
    }
    let form = Form::of(&bytes).ok_or_else(|| Refused::not_a_picture(&bytes))?;
    let clean = form.clean(&bytes).map_err(|fault| Refused::of(form, fault))?;
    Ok(Publishable {
        name: format!("{}.{}", hash(&clean.bytes), form.ending()),
        media_type: form.media_type(),
        width: clean.size.width,
        height: clean.size.height,
        bytes: clean.bytes,
    })
}

/// The types that every browser shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Jpeg,
    Png,
    WebP,
    Gif,
}

impl Form {
    /// By the first bytes.
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            _ if bytes.starts_with(png::SIGNATURE) => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            _ => None,
        }
    }

    fn clean(self, bytes: &[u8]) -> Result<Clean, Fault> {
        match self {
            Self::Jpeg => jpeg::clean(bytes),
            Self::Png => png::clean(bytes),
            Self::WebP => webp::clean(bytes),
            Self::Gif => gif::clean(bytes),
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

    fn ending(self) -> &'static str {
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
struct Clean {
    /// As shown.
    size: Size,
    bytes: Vec<u8>,
}

/// In pixels; neither is 0, and both together are within [`MOST_PIXELS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    width: u32,
    height: u32,
}

impl Size {
    /// What a header declares.
    fn declared(width: u32, height: u32) -> Result<Self, Fault> {
        if width == 0 || height == 0 {
            return Err(Fault::Damaged("its width or height is 0"));
        }
        if u64::from(width) * u64::from(height) > MOST_PIXELS {
            return Err(Fault::TooManyPixels { width, height });
        }
        Ok(Self { width, height })
    }
}

/// Why a file of one of the four types is not published. The texts are English, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It ends before the picture does.
    CutShort,
    /// It breaks the rules of its type.
    Damaged(&'static str),
    /// It keeps them, in a way that browsers do not show.
    Unshowable(&'static str),
    TooManyPixels {
        width: u32,
        height: u32,
    },
}

/// 128 bits: no two pictures will ever share them by chance, and a name stays short.
fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

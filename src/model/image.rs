//! An image of an article and its smaller copies.

use serde::{Deserialize, Serialize};

/// The longest side of an image in a feed, in pixels (feed rule R10).
pub const MAX_LIGHT_SIDE: u32 = 1600;
/// The size of an image in a feed, in bytes (feed rule R10).
pub const MAX_LIGHT_BYTES: u64 = 500_000;

/// An image as served: without camera data and location.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Image {
    /// Its name under `/media/`: a hash of its bytes with the extension of its type, so that the URL changes with the
    /// content.
    pub name: String,
    /// `image/jpeg`, `image/png`, `image/webp` or `image/gif`, by content.
    pub media_type: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Its size in bytes.
    pub size: u64,
    /// Its smaller copies, the narrowest first. Not a part of the article: the store keeps them with the image.
    #[serde(skip)]
    pub copies: Vec<ImageCopy>,
}

/// A smaller copy of an image.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageCopy {
    /// Its name under `/media/`, as that of an [`Image`].
    pub name: String,
    /// As that of an [`Image`].
    pub media_type: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Its size in bytes.
    pub size: u64,
    /// The image moves and this copy does not.
    pub is_still: bool,
}

/// What a document shows of an image: the image itself or a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageFile<'a> {
    /// Its name under `/media/`.
    pub name: &'a str,
    /// The type of its bytes.
    pub media_type: &'a str,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Its size in bytes.
    pub size: u64,
}

impl Image {
    /// The file in feeds, in the API and in link previews: the image itself if it is light, else its largest copy
    /// (feed rule R10). An image whose copies are not made yet is itself in them.
    pub fn for_feeds(&self) -> ImageFile<'_> {
        let is_light = self.width.max(self.height) <= MAX_LIGHT_SIDE && self.size <= MAX_LIGHT_BYTES;
        let copy = self.copies.last().filter(|_| !is_light);
        copy.map_or_else(|| self.original(), ImageCopy::file)
    }

    /// The files among which a browser chooses, the narrowest first; never empty. A heavy image is among them only if
    /// no copy can replace it: if it moves, if there is no copy, or if it is so high that copies are too narrow to read.
    pub fn for_pages(&self) -> Vec<ImageFile<'_>> {
        let moving = self.copies.iter().filter(|copy| !copy.is_still);
        let mut files: Vec<_> = moving.map(ImageCopy::file).collect();
        let is_high = self.height > 2 * self.width;
        if files.is_empty() || is_high || self.size <= MAX_LIGHT_BYTES {
            files.push(self.original());
        }
        files
    }

    /// The image itself.
    pub fn original(&self) -> ImageFile<'_> {
        let Self { name, media_type, width, height, size, .. } = self;
        ImageFile { name, media_type, width: *width, height: *height, size: *size }
    }
}

impl ImageCopy {
    fn file(&self) -> ImageFile<'_> {
        let Self { name, media_type, width, height, size, .. } = self;
        ImageFile { name, media_type, width: *width, height: *height, size: *size }
    }
}

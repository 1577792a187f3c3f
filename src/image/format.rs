//! The supported formats, and what stripping one of them yields.

/// Maximum size of an image file in bytes, far above photographs of the best cameras.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Maximum number of pixels, as declared in the header. A browser needs four bytes of memory for each, however small
/// the file is.
pub const MAX_PIXELS: u64 = 100_000_000;

/// The supported formats, which every browser can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ImageFormat {
    Jpeg,
    Png,
    WebP,
    Gif,
}

impl ImageFormat {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
        }
    }

    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Gif => "gif",
        }
    }

    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
        }
    }
}

/// The result of stripping one format.
#[derive(Debug)]
pub(super) struct Stripped {
    /// The dimensions as shown.
    pub size: Dimensions,
    pub bytes: Vec<u8>,
}

/// Width and height in pixels; neither is 0, and their product is at most [`MAX_PIXELS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dimensions {
    pub width: u32,
    pub height: u32,
}

impl Dimensions {
    /// Checks the dimensions that a header declares.
    pub(super) fn new(width: u32, height: u32) -> Result<Self, FormatError> {
        if width == 0 || height == 0 {
            return Err(FormatError::Damaged("its width or height is 0"));
        }
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(FormatError::TooManyPixels { width, height });
        }
        Ok(Self { width, height })
    }
}

/// Why a file of a supported format is rejected. The texts are in English, for logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FormatError {
    /// The file ends before the image does.
    Truncated,
    /// The file violates its format.
    Damaged(&'static str),
    /// The file is valid, but browsers cannot show it.
    NotDisplayable(&'static str),
    TooManyPixels {
        width: u32,
        height: u32,
    },
}

//! Smaller copies of an image: for pages, which offer several widths, and for feeds, which carry one.
//!
//! A copy is a JPEG, or a lossless WebP where that is smaller or the image is transparent. The pixels are in sRGB and
//! upright, and no copy has metadata.
//!
//! NOTE: there is no lossy WebP. The encoders in pure Rust write lossless WebP only, or have a licence that `deny.toml`
//! does not allow; the one in C would bring a second, unchecked language to bytes that strangers send.

use std::io::Cursor;

use fast_image_resize as resize;
use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::{WebPDecoder, WebPEncoder};
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageDecoder, Limits, RgbImage, RgbaImage};
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

use super::format::ImageFormat;
use super::{StrippedImage, detect, gif, served};
use crate::model::{MAX_LIGHT_BYTES, MAX_LIGHT_SIDE};
use crate::panics::caught;

/// The largest sizes of the copies, in pixels: width and height. The first one is that of feeds.
const SIZES: [(u32, u32); 3] = [(MAX_LIGHT_SIDE, MAX_LIGHT_SIDE), (800, 1600), (400, 800)];
/// The largest copy in bytes; a larger image gets a copy even if it has few pixels.
const MAX_COPY_BYTES: usize = MAX_LIGHT_BYTES as usize;
/// The JPEG qualities that are tried, in this order, until the copy is small enough.
const QUALITIES: [u8; 4] = [82, 72, 62, 50];
/// How much smaller the next attempt is if no quality helps.
const SHRINK: f64 = 0.75;
/// SECURITY: memory for the decoded pixels in bytes, enough for [`super::MAX_PIXELS`] with alpha and 8 bits per channel.
const MAX_DECODED_BYTES: u64 = 4 * super::MAX_PIXELS;

/// The copies of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageCopies {
    /// The largest first. Empty if the image is small as it is.
    pub copies: Vec<StrippedImage>,
    /// The image moves and its copies do not: pages show the image itself.
    pub are_still: bool,
}

/// Makes the copies of an image that [`super::strip_metadata`] returned: at most 1,600, 800 and 400 pixels wide, never
/// enlarged, each at most 500,000 bytes and smaller than the next larger one. Takes up to 0.9 GB of memory for an image
/// of [`super::MAX_PIXELS`].
///
/// # Errors
/// In English, for the log: if the pixels cannot be decoded or need too much memory.
pub fn smaller_copies(bytes: &[u8]) -> Result<ImageCopies, String> {
    caught(|| decoded_copies(bytes)).unwrap_or_else(|| Err("the decoder panicked".to_owned()))
}

fn decoded_copies(bytes: &[u8]) -> Result<ImageCopies, String> {
    let format = detect(bytes).ok_or("unknown format")?;
    let source = read(format, bytes)?;
    let sizes = if source.is_animated { &SIZES[..1] } else { &SIZES };
    let (mut pixels, mut copies) = (source.reduced, Vec::<StrippedImage>::new());
    let mut limit = bytes.len();
    for (index, largest) in sizes.iter().enumerate() {
        let size = fitted(source.size, *largest);
        let is_reduced = size != source.size;
        if !is_reduced && (index > 0 || bytes.len() <= MAX_COPY_BYTES) {
            continue;
        }
        pixels = pixels.resized(size)?;
        let copy = encode(&pixels, format != ImageFormat::Jpeg)?;
        // Feeds need the first copy because of its pixels, even if it has more bytes.
        if copy.bytes.len() < limit || (index == 0 && is_reduced) {
            limit = copy.bytes.len();
            copies.push(copy);
        }
    }
    Ok(ImageCopies { copies, are_still: source.is_animated })
}

/// The size with the same ratio within `largest`, never enlarged; no side is 0.
fn fitted((width, height): (u32, u32), largest: (u32, u32)) -> (u32, u32) {
    let ratio = |side: u32, largest: u32| f64::from(largest) / f64::from(side);
    let scale = ratio(width, largest.0).min(ratio(height, largest.1)).min(1.0);
    (scaled(width, scale), scaled(height, scale))
}

/// `scale` is between 0 and 1.
fn scaled(side: u32, scale: f64) -> u32 {
    ((f64::from(side) * scale).round() as u32).max(1)
}

/// A decoded image; the first frame of an animation.
struct Source {
    /// As shown, in pixels.
    size: (u32, u32),
    /// Upright, in sRGB, and not larger than the largest copy.
    reduced: Pixels,
    is_animated: bool,
}

fn read(format: ImageFormat, bytes: &[u8]) -> Result<Source, String> {
    let reader = || Cursor::new(bytes);
    let failed = |cause: image::ImageError| cause.to_string();
    let (decoder, is_animated): (Box<dyn ImageDecoder + '_>, bool) = match format {
        ImageFormat::Jpeg => (Box::new(JpegDecoder::new(reader()).map_err(failed)?), false),
        ImageFormat::Gif => (Box::new(GifDecoder::new(reader()).map_err(failed)?), gif::is_animated(bytes)),
        ImageFormat::Png => {
            let decoder = PngDecoder::new(reader()).map_err(failed)?;
            let is_animated = decoder.is_apng().map_err(failed)?;
            (Box::new(decoder), is_animated)
        }
        ImageFormat::WebP => {
            let decoder = WebPDecoder::new(reader()).map_err(failed)?;
            let is_animated = decoder.has_animation();
            (Box::new(decoder), is_animated)
        }
    };
    let (size, reduced) = decode(decoder)?;
    Ok(Source { size, reduced, is_animated })
}

fn decode(mut decoder: Box<dyn ImageDecoder + '_>) -> Result<((u32, u32), Pixels), String> {
    let failed = |cause: image::ImageError| cause.to_string();
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    limits.reserve(decoder.total_bytes()).map_err(failed)?;
    decoder.set_limits(limits).map_err(failed)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten();
    let pixels = Pixels::of(DynamicImage::from_decoder(decoder).map_err(failed)?);
    let is_turned = matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    let as_shown = |(width, height)| if is_turned { (height, width) } else { (width, height) };
    let size = as_shown((pixels.width, pixels.height));
    // Turned and converted after it is small: both take a second image of the same size.
    let mut reduced = pixels.resized(as_shown(fitted(size, SIZES[0])))?;
    if let Some(profile) = profile {
        reduced.convert_to_srgb(&profile);
    }
    Ok((size, reduced.turned(orientation)))
}

/// Pixels with 8 bits per channel: red, green, blue; and alpha, if any pixel is transparent.
struct Pixels {
    width: u32,
    height: u32,
    has_alpha: bool,
    samples: Vec<u8>,
}

impl Pixels {
    fn of(image: DynamicImage) -> Self {
        let (width, height) = (image.width(), image.height());
        if image.color().has_alpha() {
            let rgba = image.into_rgba8();
            if rgba.pixels().any(|pixel| pixel.0[3] < u8::MAX) {
                return Self { width, height, has_alpha: true, samples: rgba.into_raw() };
            }
            let samples = DynamicImage::ImageRgba8(rgba).into_rgb8().into_raw();
            return Self { width, height, has_alpha: false, samples };
        }
        Self { width, height, has_alpha: false, samples: image.into_rgb8().into_raw() }
    }

    fn into_image(self) -> Option<DynamicImage> {
        let Self { width, height, has_alpha, samples } = self;
        match has_alpha {
            true => RgbaImage::from_raw(width, height, samples).map(DynamicImage::ImageRgba8),
            false => RgbImage::from_raw(width, height, samples).map(DynamicImage::ImageRgb8),
        }
    }

    fn resized(self, (width, height): (u32, u32)) -> Result<Self, String> {
        if (width, height) == (self.width, self.height) {
            return Ok(self);
        }
        let kind = if self.has_alpha { resize::PixelType::U8x4 } else { resize::PixelType::U8x3 };
        let source = resize::images::Image::from_vec_u8(self.width, self.height, self.samples, kind)
            .map_err(|cause| cause.to_string())?;
        let mut result = resize::images::Image::new(width, height, kind);
        // Lanczos; colours are weighted by their alpha.
        resize::Resizer::new().resize(&source, &mut result, None).map_err(|cause| cause.to_string())?;
        Ok(Self { width, height, has_alpha: self.has_alpha, samples: result.into_vec() })
    }

    fn turned(self, orientation: Orientation) -> Self {
        let Some(mut image) = self.into_image() else {
            unreachable!("the samples always have the length of the size")
        };
        image.apply_orientation(orientation);
        Self::of(image)
    }

    /// Leaves the pixels as they are if the profile is damaged or of another colour space: a CMYK image, which the
    /// decoder converts without its profile.
    fn convert_to_srgb(&mut self, profile: &[u8]) {
        let Ok(profile) = ColorProfile::new_from_slice(profile) else { return };
        if profile.color_space != DataColorSpace::Rgb {
            return;
        }
        let layout = if self.has_alpha { Layout::Rgba } else { Layout::Rgb };
        let srgb = ColorProfile::new_srgb();
        let options = TransformOptions::default();
        let Ok(transform) = profile.create_transform_8bit(layout, &srgb, layout, options) else { return };
        let mut converted = vec![0; self.samples.len()];
        if transform.transform(&self.samples, &mut converted).is_ok() {
            self.samples = converted;
        }
    }

    /// On white.
    fn flattened(&self) -> Self {
        let (pixels, _) = self.samples.as_chunks::<4>();
        let on_white = |&[red, green, blue, alpha]: &[u8; 4]| {
            let blend = |channel: u8| {
                let (channel, alpha) = (u32::from(channel), u32::from(alpha));
                // At most 255.
                ((channel * alpha + 255 * (255 - alpha) + 127) / 255) as u8
            };
            [blend(red), blend(green), blend(blue)]
        };
        let samples = pixels.iter().flat_map(on_white).collect();
        Self { width: self.width, height: self.height, has_alpha: false, samples }
    }
}

/// Encodes a copy in at most [`MAX_COPY_BYTES`]: in the best quality that fits, and in fewer pixels if none does.
fn encode(pixels: &Pixels, may_be_drawing: bool) -> Result<StrippedImage, String> {
    let fits = |bytes: &Vec<u8>| bytes.len() <= MAX_COPY_BYTES;
    let lossless = match pixels.has_alpha || may_be_drawing {
        true => Some(encode_webp(pixels)?).filter(fits),
        false => None,
    };
    if let Some(bytes) = lossless.as_ref().filter(|_| pixels.has_alpha) {
        return Ok(served(ImageFormat::WebP, (pixels.width, pixels.height), bytes.clone()));
    }
    let opaque = if pixels.has_alpha { Some(pixels.flattened()) } else { None };
    let opaque = opaque.as_ref().unwrap_or(pixels);
    let (width, height) = (opaque.width, opaque.height);
    for quality in QUALITIES {
        let jpeg = encode_jpeg(opaque, quality)?;
        if let Some(drawing) = lossless.as_ref().filter(|drawing| drawing.len() <= jpeg.len()) {
            return Ok(served(ImageFormat::WebP, (width, height), drawing.clone()));
        }
        if fits(&jpeg) {
            return Ok(served(ImageFormat::Jpeg, (width, height), jpeg));
        }
    }
    let samples = opaque.samples.clone();
    let smaller = Pixels { width, height, has_alpha: false, samples }
        .resized((scaled(width, SHRINK), scaled(height, SHRINK)))?;
    encode(&smaller, false)
}

fn encode_jpeg(pixels: &Pixels, quality: u8) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
    encoder.set_progressive(true);
    encoder.set_optimized_huffman_tables(true);
    // No side is longer than those of `SIZES`.
    let (width, height) = (pixels.width as u16, pixels.height as u16);
    encoder
        .encode(&pixels.samples, width, height, jpeg_encoder::ColorType::Rgb)
        .map_err(|cause| cause.to_string())?;
    Ok(bytes)
}

fn encode_webp(pixels: &Pixels) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let kind = if pixels.has_alpha { ExtendedColorType::Rgba8 } else { ExtendedColorType::Rgb8 };
    WebPEncoder::new_lossless(&mut bytes)
        .encode(&pixels.samples, pixels.width, pixels.height, kind)
        .map_err(|cause| cause.to_string())?;
    Ok(bytes)
}

//! WebP (RFC 9649): lossy, lossless, extended, animated.
//!
//! Implemented here because the available crates keep unknown chunks and do not inspect the frames of an animation.
//!
//! NOTE: the EXIF orientation is not kept. It is after the pixel data, where browsers ignore it: WebP images are shown
//! as stored.

use super::byte_reader::ByteReader;
use super::format::{Dimensions, FormatError, Stripped};
use super::icc;

/// Flags of the extended header (§2.7.1). The flags for EXIF and XMP are always cleared.
const PROFILE: u8 = 0b10_0000;
const ALPHA: u8 = 0b1_0000;
const ANIMATION: u8 = 0b10;

/// Copies the image data and the chunks that it requires.
pub(super) fn strip(bytes: &[u8]) -> Result<Stripped, FormatError> {
    let mut reader = ByteReader::new(bytes);
    reader.take(4)?;
    let declared = usize::try_from(reader.u32_le()?).map_err(|_| FormatError::Truncated)?;
    // The content of the container; data after it is not part of the image.
    let mut chunks = ByteReader::new(reader.take(declared)?);
    chunks.take(4)?;
    let first = Chunk::read(&mut chunks)?;
    let mut body = Vec::with_capacity(bytes.len());
    let size = match &first.kind {
        b"VP8X" => extended(first.data, chunks, &mut body)?,
        _ => {
            let size = first.image_size()?;
            first.write(&mut body);
            size
        }
    };
    let mut output = b"RIFF".to_vec();
    output.extend(length_of(body.len() + 4).to_le_bytes());
    output.extend(b"WEBP");
    output.append(&mut body);
    Ok(Stripped { size, bytes: output })
}

/// An image in the extended format: its dimensions and the chunks to keep.
fn extended(head: &[u8], chunks: ByteReader<'_>, body: &mut Vec<u8>) -> Result<Dimensions, FormatError> {
    let mut reader = ByteReader::new(head);
    let damaged = |_| FormatError::Damaged("header too short");
    let [flags, ..]: [u8; 4] = reader.array().map_err(damaged)?;
    let width = reader.u24_le().map_err(damaged)? + 1;
    let height = reader.u24_le().map_err(damaged)? + 1;
    let canvas = Dimensions::new(width, height)?;
    let mut content = Vec::with_capacity(chunks.rest().len());
    let profile = if flags & ANIMATION == 0 {
        still(canvas, chunks, &mut content)?
    } else {
        animation(canvas, chunks, &mut content)?
    };
    let kept = (flags & (ALPHA | ANIMATION)) | if profile.is_some() { PROFILE } else { 0 };
    let size = [&(width - 1).to_le_bytes()[..3], &(height - 1).to_le_bytes()[..3]].concat();
    Chunk { kind: *b"VP8X", data: &[&[kept, 0, 0, 0], &size[..]].concat() }.write(body);
    if let Some(profile) = profile {
        profile.write(body);
    }
    body.append(&mut content);
    Ok(canvas)
}

/// One image; returns its colour profile.
fn still<'a>(
    canvas: Dimensions,
    mut chunks: ByteReader<'a>,
    to: &mut Vec<u8>,
) -> Result<Option<Chunk<'a>>, FormatError> {
    let mut profile = None;
    let mut alpha = None;
    while !chunks.is_empty() {
        let chunk = Chunk::read(&mut chunks)?;
        match &chunk.kind {
            b"ICCP" => profile = profile.or(Some(chunk)),
            b"ALPH" => alpha = alpha.or(Some(chunk)),
            b"VP8 " | b"VP8L" => {
                write_image(canvas, alpha, chunk, to)?;
                return Ok(profile.filter(|profile| icc::is_profile(profile.data)));
            }
            _ => {}
        }
    }
    Err(FormatError::Damaged("no pixel data"))
}

/// All frames; returns their colour profile.
fn animation<'a>(
    canvas: Dimensions,
    mut chunks: ByteReader<'a>,
    to: &mut Vec<u8>,
) -> Result<Option<Chunk<'a>>, FormatError> {
    let mut profile = None;
    let mut head_seen = false;
    let mut frames = 0_u32;
    while !chunks.is_empty() {
        let chunk = Chunk::read(&mut chunks)?;
        match &chunk.kind {
            b"ICCP" if frames == 0 => profile = profile.or(Some(chunk)),
            b"ANIM" if !head_seen => {
                if chunk.data.len() != 6 {
                    return Err(FormatError::Damaged("invalid animation header length"));
                }
                head_seen = true;
                chunk.write(to);
            }
            b"ANMF" if head_seen => {
                frames += 1;
                Chunk { kind: chunk.kind, data: &frame(canvas, chunk.data)? }.write(to);
            }
            _ => {}
        }
    }
    if frames == 0 {
        return Err(FormatError::Damaged("no pixel data"));
    }
    Ok(profile.filter(|profile| icc::is_profile(profile.data)))
}

/// The data of a frame (§2.7.1.1), reduced to its image.
fn frame(canvas: Dimensions, data: &[u8]) -> Result<Vec<u8>, FormatError> {
    const HEAD: usize = 16;
    let (Some(head), Some(chunks)) = (data.get(..HEAD), data.get(HEAD..)) else {
        return Err(FormatError::Damaged("frame header too short"));
    };
    let mut reader = ByteReader::new(head);
    let (left, top) = (2 * reader.u24_le()?, 2 * reader.u24_le()?);
    let size = Dimensions::new(reader.u24_le()? + 1, reader.u24_le()? + 1)?;
    if left + size.width > canvas.width || top + size.height > canvas.height {
        return Err(FormatError::Damaged("frame larger than the image"));
    }
    let mut output = head.to_vec();
    still(size, ByteReader::new(chunks), &mut output)?;
    Ok(output)
}

/// The image data, preceded by the alpha channel of lossy images.
fn write_image(
    size: Dimensions,
    alpha: Option<Chunk<'_>>,
    image: Chunk<'_>,
    to: &mut Vec<u8>,
) -> Result<(), FormatError> {
    if image.image_size()? != size {
        return Err(FormatError::Damaged("contradictory dimensions"));
    }
    if let Some(alpha) = alpha.filter(|_| &image.kind == b"VP8 ") {
        alpha.write(to);
    }
    image.write(to);
    Ok(())
}

#[derive(Clone, Copy)]
struct Chunk<'a> {
    kind: [u8; 4],
    data: &'a [u8],
}

impl<'a> Chunk<'a> {
    fn read(reader: &mut ByteReader<'a>) -> Result<Self, FormatError> {
        let kind = reader.array()?;
        let length = usize::try_from(reader.u32_le()?).map_err(|_| FormatError::Truncated)?;
        let data = reader.take(length)?;
        // Odd lengths are padded, except often at the end of a file.
        if length % 2 == 1 && !reader.is_empty() {
            reader.take(1)?;
        }
        Ok(Self { kind, data })
    }

    fn write(&self, to: &mut Vec<u8>) {
        to.extend(self.kind);
        to.extend(length_of(self.data.len()).to_le_bytes());
        to.extend_from_slice(self.data);
        if self.data.len() % 2 == 1 {
            to.push(0);
        }
    }

    /// Parses the header of the image data.
    fn image_size(&self) -> Result<Dimensions, FormatError> {
        match &self.kind {
            b"VP8 " => lossy_size(self.data),
            b"VP8L" => lossless_size(self.data),
            _ => Err(FormatError::Damaged("no pixel data")),
        }
    }
}

/// The header of a key frame (RFC 6386 §9.1).
fn lossy_size(data: &[u8]) -> Result<Dimensions, FormatError> {
    const START_CODE: [u8; 3] = [0x9D, 0x01, 0x2A];
    const HEAD: usize = 10;
    let mut reader = ByteReader::new(data);
    let damaged = |_| FormatError::Damaged("bitstream header too short");
    let tag = reader.u24_le().map_err(damaged)?;
    let start = reader.array().map_err(damaged)?;
    // The two highest bits of each are a scaling hint, which decoders ignore.
    let width = reader.u16_le().map_err(damaged)? & 0x3FFF;
    let height = reader.u16_le().map_err(damaged)? & 0x3FFF;
    let is_key_frame = tag & 1 == 0;
    let is_shown = tag & 0b1_0000 != 0;
    let first_partition = usize::try_from(tag >> 5).unwrap_or(usize::MAX);
    if !is_key_frame || !is_shown || start != START_CODE || first_partition > data.len() - HEAD {
        return Err(FormatError::Damaged("invalid bitstream header"));
    }
    Dimensions::new(width.into(), height.into())
}

/// The header of lossless data (RFC 9649 §3.4).
fn lossless_size(data: &[u8]) -> Result<Dimensions, FormatError> {
    let mut reader = ByteReader::new(data);
    let damaged = |_| FormatError::Damaged("bitstream header too short");
    let signature = reader.byte().map_err(damaged)?;
    let head = reader.u32_le().map_err(damaged)?;
    let version = head >> 29;
    if signature != 0x2F || version != 0 {
        return Err(FormatError::Damaged("invalid bitstream header"));
    }
    Dimensions::new((head & 0x3FFF) + 1, (head >> 14 & 0x3FFF) + 1)
}

/// A length as `u32`; [`MAX_BYTES`](super::format::MAX_BYTES) is far below.
fn length_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

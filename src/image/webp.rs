//! WebP (RFC 9649): lossy, lossless, extended, animated.
//!
//! Written by hand: the containers that crates offer keep chunks that they do not know, and do not look into
//! the frames of an animation.
//!
//! NOTE: the direction that EXIF asks for is not kept here. It stands behind the pixels, where no browser
//! obeys it: a WebP is shown as it is stored, before and after.

use super::byte_reader::ByteReader;
use super::{Dimensions, FormatError, Stripped, icc};

/// Flags of the extended head (§2.7.1). EXIF and XMP have theirs, which never leave the house.
const PROFILE: u8 = 0b10_0000;
const ALPHA: u8 = 0b1_0000;
const ANIMATION: u8 = 0b10;

/// Copies the image data with what they need.
pub(super) fn strip(bytes: &[u8]) -> Result<Stripped, FormatError> {
    let mut reader = ByteReader::new(bytes);
    reader.take(4)?;
    let declared = usize::try_from(reader.u32_le()?).map_err(|_| FormatError::Truncated)?;
    // What the container holds; the rest of the file, if any, is none of the picture.
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
    let mut clean = b"RIFF".to_vec();
    clean.extend(length_of(body.len() + 4).to_le_bytes());
    clean.extend(b"WEBP");
    clean.append(&mut body);
    Ok(Stripped { size, bytes: clean })
}

/// A picture with more to it than pixels: its size, and what is kept of it.
fn extended(head: &[u8], chunks: ByteReader<'_>, body: &mut Vec<u8>) -> Result<Dimensions, FormatError> {
    let mut reader = ByteReader::new(head);
    let damaged = |_| FormatError::Damaged("its head is too short");
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

/// One image; hands back its colour profile.
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
    Err(FormatError::Damaged("it holds no pixels"))
}

/// All frames; hands back their colour profile.
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
                    return Err(FormatError::Damaged("the head of its animation has the wrong length"));
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
        return Err(FormatError::Damaged("it holds no pixels"));
    }
    Ok(profile.filter(|profile| icc::is_profile(profile.data)))
}

/// The data of a frame (§2.7.1.1) with its image and nothing else.
fn frame(canvas: Dimensions, data: &[u8]) -> Result<Vec<u8>, FormatError> {
    const HEAD: usize = 16;
    let (Some(head), Some(chunks)) = (data.get(..HEAD), data.get(HEAD..)) else {
        return Err(FormatError::Damaged("the head of a frame is too short"));
    };
    let mut reader = ByteReader::new(head);
    let (left, top) = (2 * reader.u24_le()?, 2 * reader.u24_le()?);
    let size = Dimensions::new(reader.u24_le()? + 1, reader.u24_le()? + 1)?;
    if left + size.width > canvas.width || top + size.height > canvas.height {
        return Err(FormatError::Damaged("a frame is larger than the picture"));
    }
    let mut clean = head.to_vec();
    still(size, ByteReader::new(chunks), &mut clean)?;
    Ok(clean)
}

/// The pixels, and before them, for lossy ones, how transparent they are.
fn write_image(
    size: Dimensions,
    alpha: Option<Chunk<'_>>,
    image: Chunk<'_>,
    to: &mut Vec<u8>,
) -> Result<(), FormatError> {
    if image.image_size()? != size {
        return Err(FormatError::Damaged("it tells two sizes"));
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
        // Data of an odd length are filled up; the last ones of a file are often not.
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

    /// What the head of the image data says.
    fn image_size(&self) -> Result<Dimensions, FormatError> {
        match &self.kind {
            b"VP8 " => lossy_size(self.data),
            b"VP8L" => lossless_size(self.data),
            _ => Err(FormatError::Damaged("it holds no pixels")),
        }
    }
}

/// The head of a key frame (RFC 6386 §9.1).
fn lossy_size(data: &[u8]) -> Result<Dimensions, FormatError> {
    const START_CODE: [u8; 3] = [0x9D, 0x01, 0x2A];
    const HEAD: usize = 10;
    let mut reader = ByteReader::new(data);
    let damaged = |_| FormatError::Damaged("the head of its pixels is too short");
    let tag = reader.u24_le().map_err(damaged)?;
    let start = reader.array().map_err(damaged)?;
    // The two highest bits of each ask for scaling, which nobody does.
    let width = reader.u16_le().map_err(damaged)? & 0x3FFF;
    let height = reader.u16_le().map_err(damaged)? & 0x3FFF;
    let is_key_frame = tag & 1 == 0;
    let is_shown = tag & 0b1_0000 != 0;
    let first_partition = usize::try_from(tag >> 5).unwrap_or(usize::MAX);
    if !is_key_frame || !is_shown || start != START_CODE || first_partition > data.len() - HEAD {
        return Err(FormatError::Damaged("the head of its pixels is wrong"));
    }
    Dimensions::new(width.into(), height.into())
}

/// The head of lossless data (RFC 9649 §3.4).
fn lossless_size(data: &[u8]) -> Result<Dimensions, FormatError> {
    let mut reader = ByteReader::new(data);
    let damaged = |_| FormatError::Damaged("the head of its pixels is too short");
    let signature = reader.byte().map_err(damaged)?;
    let head = reader.u32_le().map_err(damaged)?;
    let version = head >> 29;
    if signature != 0x2F || version != 0 {
        return Err(FormatError::Damaged("the head of its pixels is wrong"));
    }
    Dimensions::new((head & 0x3FFF) + 1, (head >> 14 & 0x3FFF) + 1)
}

/// A file is never as long as this could not say.
fn length_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

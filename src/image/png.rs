//! PNG (W3C, third edition), animated ones included.
//!
//! Implemented here because the available crates either decode the pixels or keep unknown chunks.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::ops::RangeInclusive;

use flate2::read::ZlibDecoder;

use super::byte_reader::ByteReader;
use super::format::{Dimensions, FormatError, Stripped};
use super::icc;
use super::orientation::Orientation;

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The offset of the colour type in IHDR, and the colour type that requires a palette (§11.2.1).
const COLOUR_TYPE: usize = 9;
const PALETTE: u8 = 3;

/// A chunk type and the valid lengths of its data.
type Known = ([u8; 4], RangeInclusive<usize>);

/// Chunks that affect how the pixels are shown: kept once each, before the pixels, with the length of the standard
/// (§11.3). Chunks of other lengths have no effect and could contain anything.
const PIXEL_CHUNKS: [Known; 10] = [
    (*b"tRNS", 1..=256),
    (*b"gAMA", 4..=4),
    (*b"cHRM", 32..=32),
    (*b"sRGB", 1..=1),
    (*b"cICP", 4..=4),
    (*b"mDCV", 24..=24),
    (*b"cLLI", 8..=8),
    (*b"sBIT", 1..=4),
    (*b"bKGD", 1..=6),
    (*b"pHYs", 9..=9),
];

/// Copies the required chunks; rewrites the name of the colour profile and the orientation.
pub(super) fn strip(bytes: &[u8]) -> Result<Stripped, FormatError> {
    let mut reader = ByteReader::new(bytes);
    reader.take(SIGNATURE.len())?;
    let head = Chunk::read(&mut reader)?;
    let size = size(head)?;
    let mut gathered = PngChunks::default();
    let mut body = Vec::with_capacity(bytes.len());
    loop {
        let chunk = Chunk::read(&mut reader)?;
        if &chunk.kind == b"IEND" {
            break;
        }
        gathered.add(chunk, &mut body)?;
    }
    if !gathered.pixels {
        return Err(FormatError::Damaged("no pixel data"));
    }
    if head.data[COLOUR_TYPE] == PALETTE && !gathered.once.contains(b"PLTE") {
        return Err(FormatError::Damaged("no palette"));
    }
    let mut output = SIGNATURE.to_vec();
    output.extend_from_slice(head.raw);
    if let Some(orientation) = gathered.orientation {
        write(&mut output, *b"eXIf", &orientation.to_exif());
    }
    output.append(&mut body);
    write(&mut output, *b"IEND", b"");
    Ok(Stripped { size: Orientation::oriented_size(gathered.orientation, size), bytes: output })
}

/// The state after the chunks read so far.
#[derive(Default)]
struct PngChunks {
    once: BTreeSet<[u8; 4]>,
    /// Pixel data has begun.
    pixels: bool,
    /// The image was declared as animated before its pixel data.
    animated: bool,
    orientation: Option<Orientation>,
}

impl PngChunks {
    fn add(&mut self, chunk: Chunk<'_>, body: &mut Vec<u8>) -> Result<(), FormatError> {
        match &chunk.kind {
            b"IDAT" => {
                chunk.checked()?;
                self.pixels = true;
                body.extend_from_slice(chunk.raw);
            }
            // Frames of an image that is not declared as animated are never shown.
            b"fcTL" | b"fdAT" if self.animated => {
                chunk.checked()?;
                if &chunk.kind == b"fcTL" && chunk.data.len() != 26 {
                    return Err(FormatError::Damaged("invalid frame header length"));
                }
                body.extend_from_slice(chunk.raw);
            }
            b"acTL" if chunk.data.len() == 8 && self.once(chunk) => {
                self.animated = true;
                body.extend_from_slice(chunk.raw);
            }
            b"iCCP" if self.once(chunk) => write_profile(body, chunk.data),
            // Browsers ignore an orientation after the pixel data.
            b"eXIf" if self.once(chunk) => {
                self.orientation = Orientation::from_exif(chunk.data);
            }
            b"PLTE" => {
                chunk.checked()?;
                let whole_colours = chunk.data.len().is_multiple_of(3);
                if !self.once(chunk) || !whole_colours || !(3..=768).contains(&chunk.data.len()) {
                    return Err(FormatError::Damaged("invalid palette"));
                }
                body.extend_from_slice(chunk.raw);
            }
            _ if chunk.is_critical() => {
                return Err(FormatError::Damaged("unknown critical chunk"));
            }
            kind => {
                let known = PIXEL_CHUNKS.iter().find(|(known, _)| known == kind);
                let fits = known.is_some_and(|(_, lengths)| lengths.contains(&chunk.data.len()));
                if fits && self.once(chunk) {
                    body.extend_from_slice(chunk.raw);
                }
            }
        }
        Ok(())
    }

    /// Whether it is the first intact one of its type and before the pixel data. Decoders skip damaged ones, so that a
    /// later one has effect.
    fn once(&mut self, chunk: Chunk<'_>) -> bool {
        !self.pixels && chunk.has_valid_crc() && self.once.insert(chunk.kind)
    }
}

#[derive(Clone, Copy)]
struct Chunk<'a> {
    kind: [u8; 4],
    data: &'a [u8],
    /// The chunk from length to checksum.
    raw: &'a [u8],
}

impl<'a> Chunk<'a> {
    fn read(reader: &mut ByteReader<'a>) -> Result<Self, FormatError> {
        let start = reader.rest();
        let length = usize::try_from(reader.u32_be()?).map_err(|_| FormatError::Truncated)?;
        let kind = reader.array()?;
        let data = reader.take(length)?;
        reader.take(4)?;
        Ok(Self { kind, data, raw: &start[..start.len() - reader.rest().len()] })
    }

    /// Viewers that do not know the chunk cannot show the image (§5.4).
    fn is_critical(&self) -> bool {
        self.kind[0].is_ascii_uppercase()
    }

    fn has_valid_crc(&self) -> bool {
        self.raw.ends_with(&check_sum(self.kind, self.data).to_be_bytes())
    }

    fn checked(&self) -> Result<(), FormatError> {
        if self.has_valid_crc() { Ok(()) } else { Err(FormatError::Damaged("invalid checksum")) }
    }
}

/// The dimensions in IHDR (§11.2.1).
fn size(head: Chunk<'_>) -> Result<Dimensions, FormatError> {
    let damaged = FormatError::Damaged("no image header");
    let data: [u8; 13] = head.data.try_into().map_err(|_| damaged)?;
    let [w0, w1, w2, w3, h0, h1, h2, h3, depth, colour, compression, filter, interlace] = data;
    if &head.kind != b"IHDR" {
        return Err(damaged);
    }
    head.checked()?;
    let colours_fit = match colour {
        0 => matches!(depth, 1 | 2 | 4 | 8 | 16),
        PALETTE => matches!(depth, 1 | 2 | 4 | 8),
        2 | 4 | 6 => matches!(depth, 8 | 16),
        _ => false,
    };
    if !colours_fit || compression != 0 || filter != 0 || interlace > 1 {
        return Err(FormatError::Damaged("unknown colour type or encoding"));
    }
    Dimensions::new(u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]))
}

/// A colour profile (§11.3.2.3) with a fixed name, because its own can contain anything. Invalid profiles are dropped.
fn write_profile(to: &mut Vec<u8>, data: &[u8]) {
    const NAME_AND_METHOD: &[u8] = b"ICC profile\0\0";
    let Some(end_of_name) = data.iter().take(80).position(|byte| *byte == 0) else { return };
    let Some([0, compressed @ ..]) = data.get(end_of_name + 1..) else { return };
    let mut profile = Vec::new();
    let mut decoder = ZlibDecoder::new(compressed);
    // SECURITY: without this limit a few kilobytes could fill the memory.
    let read = decoder.by_ref().take(icc::MAX_BYTES as u64 + 1).read_to_end(&mut profile);
    if read.is_ok() && icc::is_profile(&profile) && decoder.total_in() == compressed.len() as u64 {
        write(to, *b"iCCP", &[NAME_AND_METHOD, compressed].concat());
    }
}

fn write(to: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    to.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    to.extend(kind);
    to.extend_from_slice(data);
    to.extend(check_sum(kind, data).to_be_bytes());
}

/// The checksum of type and data (§5.3).
fn check_sum(kind: [u8; 4], data: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&kind);
    sum.update(data);
    sum.finalize()
}

//! PNG (W3C, third edition), animated ones included.
//!
//! Written by hand: the crates for it either decode the pixels or keep whatever chunk they do not know.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::ops::RangeInclusive;

use flate2::read::ZlibDecoder;

use super::byte_reader::ByteReader;
use super::orientation::Orientation;
use super::{Dimensions, FormatError, Stripped, icc};

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Where in the data of the first chunk the colour type stands, and the one that needs a palette (§11.2.1).
const COLOUR_TYPE: usize = 9;
const PALETTE: u8 = 3;

/// A chunk's type and what its data's length may be.
type Known = ([u8; 4], RangeInclusive<usize>);

/// What says how the pixels are shown: once each, before them, of the length that the standard gives (§11.3).
/// What is of another length says nothing, and could say anything.
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

/// Copies what the pixels need, chunk by chunk; writes anew the colour profile's name and the orientation.
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
        return Err(FormatError::Damaged("it holds no pixels"));
    }
    if head.data[COLOUR_TYPE] == PALETTE && !gathered.once.contains(b"PLTE") {
        return Err(FormatError::Damaged("it has no palette"));
    }
    let mut clean = SIGNATURE.to_vec();
    clean.extend_from_slice(head.whole);
    if let Some(orientation) = gathered.orientation {
        write(&mut clean, *b"eXIf", &orientation.to_exif());
    }
    clean.append(&mut body);
    write(&mut clean, *b"IEND", b"");
    Ok(Stripped { size: Orientation::oriented_size(gathered.orientation, size), bytes: clean })
}

/// What was met so far.
#[derive(Default)]
struct PngChunks {
    once: BTreeSet<[u8; 4]>,
    /// The first pixels were met.
    pixels: bool,
    /// The picture was declared as animated, before its pixels.
    animated: bool,
    orientation: Option<Orientation>,
}

impl PngChunks {
    fn add(&mut self, chunk: Chunk<'_>, body: &mut Vec<u8>) -> Result<(), FormatError> {
        match &chunk.kind {
            b"IDAT" => {
                chunk.checked()?;
                self.pixels = true;
                body.extend_from_slice(chunk.whole);
            }
            // Frames of a picture that is not declared as animated are shown by nobody.
            b"fcTL" | b"fdAT" if self.animated => {
                chunk.checked()?;
                if &chunk.kind == b"fcTL" && chunk.data.len() != 26 {
                    return Err(FormatError::Damaged("the head of a frame has the wrong length"));
                }
                body.extend_from_slice(chunk.whole);
            }
            b"acTL" if self.once(chunk) && chunk.data.len() == 8 && chunk.has_valid_crc() => {
                self.animated = true;
                body.extend_from_slice(chunk.whole);
            }
            b"iCCP" if self.once(chunk) && chunk.has_valid_crc() => write_profile(body, chunk.data),
            // Behind the pixels it would turn a picture that is already on the screen: nobody obeys it there.
            b"eXIf" if self.once(chunk) && chunk.has_valid_crc() => {
                self.orientation = Orientation::from_exif(chunk.data);
            }
            b"PLTE" => {
                chunk.checked()?;
                let whole_colours = chunk.data.len().is_multiple_of(3);
                if !self.once(chunk) || !whole_colours || !(3..=768).contains(&chunk.data.len()) {
                    return Err(FormatError::Damaged("its palette is wrong"));
                }
                body.extend_from_slice(chunk.whole);
            }
            _ if chunk.is_critical() => {
                return Err(FormatError::Damaged("it holds a critical chunk of no known kind"));
            }
            kind => {
                let known = PIXEL_CHUNKS.iter().find(|(known, _)| known == kind);
                let fits = known.is_some_and(|(_, lengths)| lengths.contains(&chunk.data.len()));
                if fits && self.once(chunk) && chunk.has_valid_crc() {
                    body.extend_from_slice(chunk.whole);
                }
            }
        }
        Ok(())
    }

    /// True where it is the first of its type, before the pixels.
    fn once(&mut self, chunk: Chunk<'_>) -> bool {
        !self.pixels && self.once.insert(chunk.kind)
    }
}

#[derive(Clone, Copy)]
struct Chunk<'a> {
    kind: [u8; 4],
    data: &'a [u8],
    /// From its length to its check sum.
    whole: &'a [u8],
}

impl<'a> Chunk<'a> {
    fn read(reader: &mut ByteReader<'a>) -> Result<Self, FormatError> {
        let start = reader.rest();
        let length = usize::try_from(reader.u32_be()?).map_err(|_| FormatError::Truncated)?;
        let kind = reader.array()?;
        let data = reader.take(length)?;
        reader.take(4)?;
        Ok(Self { kind, data, whole: &start[..start.len() - reader.rest().len()] })
    }

    /// A viewer that does not know it cannot show the picture (§5.4).
    fn is_critical(&self) -> bool {
        self.kind[0].is_ascii_uppercase()
    }

    fn has_valid_crc(&self) -> bool {
        self.whole.ends_with(&check_sum(self.kind, self.data).to_be_bytes())
    }

    fn checked(&self) -> Result<(), FormatError> {
        if self.has_valid_crc() { Ok(()) } else { Err(FormatError::Damaged("a check sum is wrong")) }
    }
}

/// The size of a picture whose first chunk this is (§11.2.1).
fn size(head: Chunk<'_>) -> Result<Dimensions, FormatError> {
    let damaged = FormatError::Damaged("its first chunk does not tell its size");
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
        return Err(FormatError::Damaged("its colours or its coding are of no known kind"));
    }
    Dimensions::new(u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]))
}

/// A colour profile (§11.3.2.3) under a name of ours, for its own may say anything. One that is none falls.
fn write_profile(to: &mut Vec<u8>, data: &[u8]) {
    const NAME_AND_METHOD: &[u8] = b"ICC profile\0\0";
    let Some(end_of_name) = data.iter().take(80).position(|byte| *byte == 0) else { return };
    let Some([0, compressed @ ..]) = data.get(end_of_name + 1..) else { return };
    let mut profile = Vec::new();
    let mut decoder = ZlibDecoder::new(compressed);
    // SECURITY: without the bound a few kilobytes would fill the memory.
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

/// Over type and data (§5.3).
fn check_sum(kind: [u8; 4], data: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&kind);
    sum.update(data);
    sum.finalize()
}

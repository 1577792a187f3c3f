//! PNG (W3C, third edition), animated ones included.
//!
//! Written by hand: the crates for it either decode the pixels or keep whatever chunk they do not know.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::ops::RangeInclusive;

use flate2::read::ZlibDecoder;

use super::bytes::Reader;
use super::orientation::Orientation;
use super::{Clean, Fault, Size, icc};

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Where in the data of the first chunk the colour type stands, and the one that needs a palette (§11.2.1).
const COLOUR_TYPE: usize = 9;
const PALETTE: u8 = 3;

/// A chunk's type and what its data's length may be.
type Known = ([u8; 4], RangeInclusive<usize>);

/// What says how the pixels are shown: once each, before them, of the length that the standard gives (§11.3).
/// What is of another length says nothing, and could say anything.
const ABOUT_PIXELS: [Known; 10] = [
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
pub(super) fn clean(bytes: &[u8]) -> Result<Clean, Fault> {
    let mut reader = Reader::new(bytes);
    reader.take(SIGNATURE.len())?;
    let head = Chunk::read(&mut reader)?;
    let size = size(head)?;
    let mut gathered = Gathered::default();
    let mut body = Vec::with_capacity(bytes.len());
    loop {
        let chunk = Chunk::read(&mut reader)?;
        if &chunk.kind == b"IEND" {
            break;
        }
        gathered.take_in(chunk, &mut body)?;
    }
    if !gathered.pixels {
        return Err(Fault::Damaged("it holds no pixels"));
    }
    if head.data[COLOUR_TYPE] == PALETTE && !gathered.once.contains(b"PLTE") {
        return Err(Fault::Damaged("it has no palette"));
    }
    let mut clean = SIGNATURE.to_vec();
    clean.extend_from_slice(head.whole);
    if let Some(orientation) = gathered.orientation {
        write(&mut clean, *b"eXIf", &orientation.as_exif());
    }
    clean.append(&mut body);
    write(&mut clean, *b"IEND", b"");
    Ok(Clean { size: Orientation::shown(gathered.orientation, size), bytes: clean })
}

/// What was met so far.
#[derive(Default)]
struct Gathered {
    once: BTreeSet<[u8; 4]>,
    /// The first pixels were met.
    pixels: bool,
    /// The picture was declared as animated, before its pixels.
    animated: bool,
    orientation: Option<Orientation>,
}

impl Gathered {
    fn take_in(&mut self, chunk: Chunk<'_>, body: &mut Vec<u8>) -> Result<(), Fault> {
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
                    return Err(Fault::Damaged("the head of a frame has the wrong length"));
                }
                body.extend_from_slice(chunk.whole);
            }
            b"acTL" if self.first(chunk) && chunk.data.len() == 8 && chunk.is_sound() => {
                self.animated = true;
                body.extend_from_slice(chunk.whole);
            }
            b"iCCP" if self.first(chunk) && chunk.is_sound() => write_profile(body, chunk.data),
            // Behind the pixels it would turn a picture that is already on the screen: nobody obeys it there.
            b"eXIf" if self.first(chunk) && chunk.is_sound() => {
                self.orientation = Orientation::of_exif(chunk.data);
            }
            b"PLTE" => {
                chunk.checked()?;
                let whole_colours = chunk.data.len().is_multiple_of(3);
                if !self.first(chunk) || !whole_colours || !(3..=768).contains(&chunk.data.len()) {
                    return Err(Fault::Damaged("its palette is wrong"));
                }
                body.extend_from_slice(chunk.whole);
            }
            _ if chunk.is_critical() => {
                return Err(Fault::Damaged("it holds a critical chunk of no known kind"));
            }
            kind => {
                let known = ABOUT_PIXELS.iter().find(|(known, _)| known == kind);
                let fits = known.is_some_and(|(_, lengths)| lengths.contains(&chunk.data.len()));
                if fits && self.first(chunk) && chunk.is_sound() {
                    body.extend_from_slice(chunk.whole);
                }
            }
        }
        Ok(())
    }

    /// True where it is the first of its type, before the pixels.
    fn first(&mut self, chunk: Chunk<'_>) -> bool {
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
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let start = reader.rest();
        let length = usize::try_from(reader.u32_be()?).map_err(|_| Fault::CutShort)?;
        let kind = reader.array()?;
        let data = reader.take(length)?;
        reader.take(4)?;
        Ok(Self { kind, data, whole: &start[..start.len() - reader.rest().len()] })
    }

    /// A viewer that does not know it cannot show the picture (§5.4).
    fn is_critical(&self) -> bool {
        self.kind[0].is_ascii_uppercase()
    }

    fn is_sound(&self) -> bool {
        self.whole.ends_with(&check_sum(self.kind, self.data).to_be_bytes())
    }

    fn checked(&self) -> Result<(), Fault> {
        if self.is_sound() { Ok(()) } else { Err(Fault::Damaged("a check sum is wrong")) }
    }
}

/// The size of a picture whose first chunk this is (§11.2.1).
fn size(head: Chunk<'_>) -> Result<Size, Fault> {
    let damaged = Fault::Damaged("its first chunk does not tell its size");
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
        return Err(Fault::Damaged("its colours or its coding are of no known kind"));
    }
    Size::declared(u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]))
}

/// A colour profile (§11.3.2.3) under a name of ours, for its own may say anything. One that is none falls.
fn write_profile(to: &mut Vec<u8>, data: &[u8]) {
    const NAME_AND_METHOD: &[u8] = b"ICC profile\0\0";
    let Some(end_of_name) = data.iter().take(80).position(|byte| *byte == 0) else { return };
    let Some([0, compressed @ ..]) = data.get(end_of_name + 1..) else { return };
    let mut profile = Vec::new();
    let mut decoder = ZlibDecoder::new(compressed);
    // SECURITY: without the bound a few kilobytes would fill the memory.
    let read = decoder.by_ref().take(icc::LONGEST as u64 + 1).read_to_end(&mut profile);
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

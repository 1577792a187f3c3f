//! JPEG (ITU-T T.81) with the segments of JFIF, Adobe and ICC.
//!
//! Implemented here because the available crates treat everything from the first scan on as one block, so that comments
//! between the scans of a progressive image and data after its end would be kept.

use std::collections::BTreeMap;

use super::byte_reader::ByteReader;
use super::format::{Dimensions, FormatError, Stripped};
use super::icc;
use super::orientation::Orientation;

/// Baseline, extended sequential and progressive: supported by browsers.
const SOF0: u8 = 0xC0;
const SOF2: u8 = 0xC2;
const DHT: u8 = 0xC4;
const JPG: u8 = 0xC8;
const DAC: u8 = 0xCC;
const SOF15: u8 = 0xCF;
const RST0: u8 = 0xD0;
const RST7: u8 = 0xD7;
const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const DQT: u8 = 0xDB;
const DNL: u8 = 0xDC;
const DRI: u8 = 0xDD;
const APP0: u8 = 0xE0;
const APP1: u8 = 0xE1;
const APP2: u8 = 0xE2;
const APP14: u8 = 0xEE;
const APP15: u8 = 0xEF;
const COM: u8 = 0xFE;

/// Encoders write some twenty at most.
const MAX_PROGRESSIVE_SCANS: usize = 100;

/// Copies the tables, the frame and the scans; rewrites those values of the application segments that affect how the
/// image is shown, in a fixed order.
pub(super) fn strip(bytes: &[u8]) -> Result<Stripped, FormatError> {
    let mut reader = ByteReader::new(bytes);
    let mut app_segments = AppSegments::default();
    let mut frame: Option<Frame> = None;
    let mut body = Vec::with_capacity(bytes.len());
    if reader.array()? != [0xFF, SOI] {
        return Err(FormatError::Damaged("no start marker"));
    }
    loop {
        let marker = marker(&mut reader)?;
        if marker == EOI {
            break;
        }
        let segment = segment(&mut reader, marker)?;
        match marker {
            SOF0..=SOF15 if !matches!(marker, DHT | JPG | DAC) => {
                if frame.replace(Frame::read(marker, segment)?).is_some() {
                    return Err(FormatError::Damaged("more than one frame"));
                }
                copy(&mut body, marker, segment);
            }
            SOS => {
                frame
                    .as_mut()
                    .ok_or(FormatError::Damaged("scan before frame header"))?
                    .begin_scan(segment)?;
                copy(&mut body, marker, segment);
                body.extend_from_slice(scan(&mut reader));
            }
            DHT | DQT | DRI => copy(&mut body, marker, segment),
            // Application segments after the first scan have no effect.
            APP0..=APP15 if frame.as_ref().is_none_or(|frame| frame.scans == 0) => {
                app_segments.note(marker, segment)
            }
            APP0..=APP15 | COM | DNL | DAC => {}
            _ => return Err(FormatError::Damaged("unknown segment type")),
        }
    }
    let frame = frame.filter(|frame| frame.scans > 0).ok_or(FormatError::Damaged("no pixel data"))?;
    let mut output = vec![0xFF, SOI];
    app_segments.write(&mut output);
    output.append(&mut body);
    output.extend([0xFF, EOI]);
    Ok(Stripped { size: Orientation::oriented_size(app_segments.orientation, frame.size), bytes: output })
}

/// The next marker. Any number of 0xFF bytes can precede it (T.81 §B.1.1.2).
fn marker(reader: &mut ByteReader<'_>) -> Result<u8, FormatError> {
    if reader.byte()? != 0xFF {
        return Err(FormatError::Damaged("marker expected after a segment"));
    }
    loop {
        match reader.byte()? {
            0xFF => {}
            marker => return Ok(marker),
        }
    }
}

/// The content of a segment, without its length.
fn segment<'a>(reader: &mut ByteReader<'a>, marker: u8) -> Result<&'a [u8], FormatError> {
    if matches!(marker, 0..=0xBF | RST0..=SOI) {
        return Err(FormatError::Damaged("unexpected marker"));
    }
    let length = usize::from(reader.u16_be()?);
    let length = length.checked_sub(2).ok_or(FormatError::Damaged("invalid segment length"))?;
    reader.take(length)
}

/// The entropy-coded data after a scan header, including restart markers, up to the next other marker or the end of
/// the file.
fn scan<'a>(reader: &mut ByteReader<'a>) -> &'a [u8] {
    let data = reader.rest();
    let mut at = 0;
    while let Some(found) = data[at..].iter().position(|byte| *byte == 0xFF) {
        let first = at + found;
        let run = data[first..].iter().take_while(|byte| **byte == 0xFF).count();
        match data.get(first + run) {
            // A 0xFF in the data is followed by 0.
            Some(0 | RST0..=RST7) => at = first + run + 1,
            Some(_) => {
                *reader = ByteReader::new(&data[first..]);
                return &data[..first];
            }
            None => break,
        }
    }
    *reader = ByteReader::new(&[]);
    data
}

/// An image in a format that browsers support, and how much of it its scans have brought.
struct Frame {
    /// As stored, not as shown.
    size: Dimensions,
    components: usize,
    is_progressive: bool,
    scans: usize,
    /// Of all scans.
    scanned_components: usize,
}

impl Frame {
    fn read(marker: u8, segment: &[u8]) -> Result<Self, FormatError> {
        if !(SOF0..=SOF2).contains(&marker) {
            return Err(FormatError::NotDisplayable("arithmetic, lossless or hierarchical coding"));
        }
        let mut reader = ByteReader::new(segment);
        let damaged = |_| FormatError::Damaged("frame header too short");
        let precision = reader.byte().map_err(damaged)?;
        let height = reader.u16_be().map_err(damaged)?;
        let width = reader.u16_be().map_err(damaged)?;
        let components = usize::from(reader.byte().map_err(damaged)?);
        if precision != 8 {
            return Err(FormatError::NotDisplayable("more than 8 bits per component"));
        }
        if !matches!(components, 1 | 3 | 4) || reader.rest().len() != 3 * components {
            return Err(FormatError::Damaged("invalid number of components"));
        }
        if height == 0 {
            return Err(FormatError::NotDisplayable("height declared after the pixels"));
        }
        let size = Dimensions::new(width.into(), height.into())?;
        Ok(Self { size, components, is_progressive: marker == SOF2, scans: 0, scanned_components: 0 })
    }

    /// SECURITY: a scan of a few bytes makes a decoder go through a row or all of the image again.
    fn begin_scan(&mut self, header: &[u8]) -> Result<(), FormatError> {
        self.scans += 1;
        self.scanned_components += usize::from(header.first().copied().unwrap_or(0).max(1));
        match self.is_progressive {
            true if self.scans > MAX_PROGRESSIVE_SCANS => Err(FormatError::Damaged("more than 100 scans")),
            // Each component is in one scan (T.81 §A.2).
            false if self.scanned_components > self.components => {
                Err(FormatError::Damaged("a component in more than one scan"))
            }
            _ => Ok(()),
        }
    }
}

fn copy(to: &mut Vec<u8>, marker: u8, segment: &[u8]) {
    let length = u16::try_from(segment.len() + 2).unwrap_or(u16::MAX);
    to.extend([0xFF, marker]);
    to.extend(length.to_be_bytes());
    to.extend_from_slice(segment);
}

/// Values of the application segments that affect how the image is shown.
#[derive(Default)]
struct AppSegments<'a> {
    /// JFIF version and density; the first one is used.
    jfif: Option<[u8; 12]>,
    /// The first one is used, as in browsers.
    orientation: Option<Orientation>,
    exif_seen: bool,
    profile: IccChunks<'a>,
    /// The Adobe colour transform; the last one is used, as in libjpeg.
    adobe: Option<[u8; 12]>,
}

impl<'a> AppSegments<'a> {
    fn note(&mut self, marker: u8, segment: &'a [u8]) {
        if marker == APP0 && segment.starts_with(b"JFIF\0") && segment.len() >= 14 {
            self.jfif = self.jfif.or(segment.first_chunk().copied());
        } else if marker == APP1 && !self.exif_seen {
            if let Some(exif) = segment.strip_prefix(b"Exif\0") {
                self.exif_seen = true;
                self.orientation = exif.get(1..).and_then(Orientation::from_exif);
            }
        } else if marker == APP14 && segment.starts_with(b"Adobe") {
            self.adobe = segment.first_chunk().copied().or(self.adobe);
        } else if marker == APP2
            && let Some(part) = segment.strip_prefix(b"ICC_PROFILE\0")
        {
            self.profile.note(part);
        }
    }

    fn write(&self, to: &mut Vec<u8>) {
        if let Some(jfif) = self.jfif {
            // The two zeros: width and height of the thumbnail.
            copy(to, APP0, &[&jfif[..], &[0, 0]].concat());
        }
        if let Some(orientation) = self.orientation {
            copy(to, APP1, &[b"Exif\0\0", &orientation.to_exif()[..]].concat());
        }
        self.profile.write(to);
        if let Some(adobe) = self.adobe {
            copy(to, APP14, &adobe);
        }
    }
}

/// A colour profile, split into numbered segments (ICC.1 §B.4).
#[derive(Default)]
struct IccChunks<'a> {
    total: Option<u8>,
    parts: BTreeMap<u8, &'a [u8]>,
    /// A duplicate number or a different total: browsers then ignore the profile.
    broken: bool,
}

impl<'a> IccChunks<'a> {
    fn note(&mut self, segment: &'a [u8]) {
        let [number, total, part @ ..] = segment else {
            self.broken = true;
            return;
        };
        self.broken |= self.parts.insert(*number, part).is_some();
        self.broken |= *self.total.get_or_insert(*total) != *total;
    }

    fn write(&self, to: &mut Vec<u8>) {
        let Some(total) = self.total else { return };
        let is_complete = !self.broken && self.parts.keys().copied().eq(1..=total);
        if !is_complete || !icc::is_profile(&self.parts.values().copied().collect::<Vec<_>>().concat()) {
            return;
        }
        for (number, part) in &self.parts {
            copy(to, APP2, &[b"ICC_PROFILE\0", &[*number, total][..], part].concat());
        }
    }
}

//! The orientation of a photograph: the only EXIF value that is kept.
//!
//! Phones store the pixels of the sensor and the orientation in EXIF (Exif 3.0 §4.6.5.1, tag 0x0112). Without it,
//! portraits would be shown sideways. Only this value is read, and it is written into a new block: nothing is copied.

use super::byte_reader::ByteReader;
use super::format::Dimensions;

/// How the stored pixels are rotated or mirrored for display: the EXIF values 2 to 8. The value 1 (unchanged) is not
/// represented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Orientation(u8);

impl Orientation {
    const TAG: u16 = 0x0112;
    const SHORT: u16 = 3;

    /// Reads the orientation from an EXIF block, beginning at its TIFF header. `None` if missing or invalid.
    pub(super) fn from_exif(tiff: &[u8]) -> Option<Self> {
        let order = match tiff.get(..4)? {
            b"II*\0" => ByteOrder::Little,
            b"MM\0*" => ByteOrder::Big,
            _ => return None,
        };
        let offset = usize::try_from(order.u32(*tiff.get(4..)?.first_chunk()?)).ok()?;
        let mut directory = ByteReader::new(tiff.get(offset..)?);
        let count = order.u16(directory.array().ok()?);
        for _ in 0..count {
            let tag = order.u16(directory.array().ok()?);
            let kind = order.u16(directory.array().ok()?);
            let values = order.u32(directory.array().ok()?);
            let value = order.u16(directory.array().ok()?);
            directory.take(2).ok()?;
            if tag == Self::TAG {
                let number = u8::try_from(value).ok()?;
                let is_valid = kind == Self::SHORT && values == 1 && (2..=8).contains(&number);
                return is_valid.then_some(Self(number));
            }
        }
        None
    }

    /// An EXIF block with only the orientation, beginning at its TIFF header.
    pub(super) fn to_exif(self) -> [u8; 26] {
        let mut block = *b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
        block[19] = self.0;
        block
    }

    /// The dimensions as shown of an image stored in `size`: 5 to 8 swap width and height.
    pub(super) fn oriented_size(orientation: Option<Self>, size: Dimensions) -> Dimensions {
        match orientation {
            Some(Self(5..=8)) => Dimensions { width: size.height, height: size.width },
            _ => size,
        }
    }
}

/// The byte order of a TIFF block.
#[derive(Clone, Copy)]
enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

//! GIF (versions 87a and 89a), animated ones included.
//!
//! Written by hand: the crates for it decode the pixels.

use super::byte_reader::ByteReader;
use super::{Dimensions, FormatError, Stripped};

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2C;
const TRAILER: u8 = 0x3B;

/// Labels of extensions (§23, §26).
const CONTROL: u8 = 0xF9;
const APPLICATION: u8 = 0xFF;

/// The two names under which programs say how often an animation runs.
const LOOP: [&[u8]; 2] = [b"NETSCAPE2.0", b"ANIMEXTS1.0"];

/// Copies the images with the control block before each, and how often they run.
pub(super) fn strip(bytes: &[u8]) -> Result<Stripped, FormatError> {
    let mut reader = ByteReader::new(bytes);
    let mut clean = Vec::with_capacity(bytes.len());
    clean.extend_from_slice(reader.take(6)?);
    let size = screen(&mut reader, &mut clean)?;
    let mut control: Option<[u8; 4]> = None;
    let mut runs = None;
    let mut images = 0_u32;
    loop {
        match reader.byte()? {
            IMAGE => {
                if let Some([flags, delay_low, delay_high, transparent]) = control.take() {
                    clean.extend([EXTENSION, CONTROL, 4, flags, delay_low, delay_high, transparent, 0]);
                }
                image(&mut reader, &mut clean)?;
                images += 1;
            }
            EXTENSION => match reader.byte()? {
                CONTROL => control = control_block(&mut reader)?,
                APPLICATION => {
                    let count = loop_count(&mut reader)?;
                    if let (None, Some([low, high])) = (runs, count) {
                        runs = count;
                        clean.extend([EXTENSION, APPLICATION, 11]);
                        clean.extend_from_slice(LOOP[0]);
                        clean.extend([3, 1, low, high, 0]);
                    }
                }
                // Comments, and texts in the pixels, which nobody shows.
                _ => {
                    blocks(&mut reader)?;
                }
            },
            TRAILER => break,
            _ => return Err(FormatError::Damaged("it holds a block of no known kind")),
        }
    }
    if images == 0 {
        return Err(FormatError::Damaged("it holds no pixels"));
    }
    clean.push(TRAILER);
    Ok(Stripped { size, bytes: clean })
}

/// The head of the whole and its table of colours (§18, §19).
fn screen(reader: &mut ByteReader<'_>, to: &mut Vec<u8>) -> Result<Dimensions, FormatError> {
    let head: [u8; 7] = reader.array()?;
    let [w0, w1, h0, h1, flags, ..] = head;
    let size = Dimensions::new(u16::from_le_bytes([w0, w1]).into(), u16::from_le_bytes([h0, h1]).into())?;
    to.extend(head);
    to.extend_from_slice(reader.take(colour_table_len(flags))?);
    Ok(size)
}

/// One image (§20 to §22).
fn image(reader: &mut ByteReader<'_>, to: &mut Vec<u8>) -> Result<(), FormatError> {
    let head: [u8; 9] = reader.array()?;
    to.push(IMAGE);
    to.extend(head);
    to.extend_from_slice(reader.take(colour_table_len(head[8]))?);
    let bits = reader.byte()?;
    if !(1..=11).contains(&bits) {
        return Err(FormatError::Damaged("the head of its pixels is wrong"));
    }
    to.push(bits);
    to.extend_from_slice(blocks(reader)?);
    Ok(())
}

/// The length in bytes of the table of colours that these flags announce.
fn colour_table_len(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 0b111) + 1) }
}

/// Blocks of data up to the empty one that ends them (§15, §16), as they stand.
fn blocks<'a>(reader: &mut ByteReader<'a>) -> Result<&'a [u8], FormatError> {
    let start = reader.rest();
    loop {
        match reader.byte()? {
            0 => return Ok(&start[..start.len() - reader.rest().len()]),
            length => reader.take(usize::from(length))?,
        };
    }
}

/// How the next image is shown, for how long, and what of it is transparent (§23).
fn control_block(reader: &mut ByteReader<'_>) -> Result<Option<[u8; 4]>, FormatError> {
    Ok(match blocks(reader)? {
        [4, flags, delay_low, delay_high, transparent, 0] => {
            Some([*flags, *delay_low, *delay_high, *transparent])
        }
        _ => None,
    })
}

/// How often an animation runs, low byte first, where this application extension says so.
fn loop_count(reader: &mut ByteReader<'_>) -> Result<Option<[u8; 2]>, FormatError> {
    let data = blocks(reader)?;
    let Some((name, [3, 1, low, high, ..])) = data.get(1..).and_then(|data| data.split_at_checked(11)) else {
        return Ok(None);
    };
    Ok((data[0] == 11 && LOOP.contains(&name)).then_some([*low, *high]))
}

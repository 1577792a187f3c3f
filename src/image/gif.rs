//! GIF (versions 87a and 89a), animated ones included.
//!
//! Implemented here because the available crates decode the pixels.

use super::byte_reader::ByteReader;
use super::format::{Dimensions, FormatError, Stripped};

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2C;
const TRAILER: u8 = 0x3B;

/// Labels of extensions (§23, §26).
const CONTROL: u8 = 0xF9;
const APPLICATION: u8 = 0xFF;

/// The two application identifiers for the loop count of an animation.
const LOOP: [&[u8]; 2] = [b"NETSCAPE2.0", b"ANIMEXTS1.0"];

/// Copies the images with their control blocks, and the loop count.
pub(super) fn strip(bytes: &[u8]) -> Result<Stripped, FormatError> {
    copy(bytes).map(|(stripped, _)| stripped)
}

/// True if it consists of several images. Decodes none of them.
pub(super) fn is_animated(bytes: &[u8]) -> bool {
    copy(bytes).is_ok_and(|(_, images)| images > 1)
}

/// The result of [`strip`], and the number of its images.
fn copy(bytes: &[u8]) -> Result<(Stripped, u32), FormatError> {
    let mut reader = ByteReader::new(bytes);
    let mut output = Vec::with_capacity(bytes.len());
    output.extend_from_slice(reader.take(6)?);
    let size = screen(&mut reader, &mut output)?;
    let mut control: Option<[u8; 4]> = None;
    let mut runs = None;
    let mut images = 0_u32;
    loop {
        match reader.byte()? {
            IMAGE => {
                if let Some([flags, delay_low, delay_high, transparent]) = control.take() {
                    output.extend([EXTENSION, CONTROL, 4, flags, delay_low, delay_high, transparent, 0]);
                }
                image(&mut reader, size, &mut output)?;
                images += 1;
            }
            EXTENSION => match reader.byte()? {
                CONTROL => control = Some(control_block(&mut reader)?),
                APPLICATION => {
                    let count = loop_count(&mut reader)?;
                    if let (None, Some([low, high])) = (runs, count) {
                        runs = count;
                        output.extend([EXTENSION, APPLICATION, 11]);
                        output.extend_from_slice(LOOP[0]);
                        output.extend([3, 1, low, high, 0]);
                    }
                }
                // Comments, and plain text extensions, which no browser shows.
                _ => {
                    blocks(&mut reader)?;
                }
            },
            TRAILER => break,
            _ => return Err(FormatError::Damaged("unknown block type")),
        }
    }
    if images == 0 {
        return Err(FormatError::Damaged("no pixel data"));
    }
    output.push(TRAILER);
    Ok((Stripped { size, bytes: output }, images))
}

/// The logical screen descriptor and the global colour table (§18, §19).
fn screen(reader: &mut ByteReader<'_>, to: &mut Vec<u8>) -> Result<Dimensions, FormatError> {
    let head: [u8; 7] = reader.array()?;
    let [w0, w1, h0, h1, flags, ..] = head;
    let size = Dimensions::new(u16::from_le_bytes([w0, w1]).into(), u16::from_le_bytes([h0, h1]).into())?;
    to.extend(head);
    to.extend_from_slice(reader.take(colour_table_len(flags))?);
    Ok(size)
}

/// One image (§20 to §22).
///
/// SECURITY: it lies within the screen (§20). Who decodes a larger one needs memory for all of it, and browsers would show
/// another size than the one that is published.
fn image(reader: &mut ByteReader<'_>, screen: Dimensions, to: &mut Vec<u8>) -> Result<(), FormatError> {
    let head: [u8; 9] = reader.array()?;
    let [x0, x1, y0, y1, w0, w1, h0, h1, flags] = head;
    let end = |start: [u8; 2], length: [u8; 2]| {
        u32::from(u16::from_le_bytes(start)) + u32::from(u16::from_le_bytes(length))
    };
    if end([x0, x1], [w0, w1]) > screen.width || end([y0, y1], [h0, h1]) > screen.height {
        return Err(FormatError::Damaged("frame larger than the image"));
    }
    to.push(IMAGE);
    to.extend(head);
    to.extend_from_slice(reader.take(colour_table_len(flags))?);
    let bits = reader.byte()?;
    if !(1..=11).contains(&bits) {
        return Err(FormatError::Damaged("invalid LZW code size"));
    }
    to.push(bits);
    to.extend_from_slice(blocks(reader)?);
    Ok(())
}

/// The size of the colour table in bytes, by its flags.
fn colour_table_len(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 0b111) + 1) }
}

/// The data sub-blocks up to the block terminator (§15, §16), unchanged.
fn blocks<'a>(reader: &mut ByteReader<'a>) -> Result<&'a [u8], FormatError> {
    let start = reader.rest();
    loop {
        match reader.byte()? {
            0 => return Ok(&start[..start.len() - reader.rest().len()]),
            length => reader.take(usize::from(length))?,
        };
    }
}

/// The graphic control extension: disposal, delay and transparency of the next image (§23). Of one with another length,
/// or with several blocks, some decoders use the first block, some the last, some none.
fn control_block(reader: &mut ByteReader<'_>) -> Result<[u8; 4], FormatError> {
    match blocks(reader)? {
        [4, flags, delay_low, delay_high, transparent, 0] => {
            Ok([*flags, *delay_low, *delay_high, *transparent])
        }
        _ => Err(FormatError::Damaged("invalid control block")),
    }
}

/// The loop count of an animation, low byte first, if this application extension contains one.
fn loop_count(reader: &mut ByteReader<'_>) -> Result<Option<[u8; 2]>, FormatError> {
    let data = blocks(reader)?;
    let Some((name, [3, 1, low, high, ..])) = data.get(1..).and_then(|data| data.split_at_checked(11)) else {
        return Ok(None);
    };
    Ok((data[0] == 11 && LOOP.contains(&name)).then_some([*low, *high]))
}

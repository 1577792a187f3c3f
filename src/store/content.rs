//! The stored form of an article: its JSON, compressed with a dictionary.
//!
//! The first byte names the form. `{` begins the JSON itself, as older versions stored it. 1 precedes the length of
//! the JSON (four bytes, the lowest first) and a raw deflate stream (RFC 1951) that was made with [`DICTIONARY`]. 2 is
//! the same with the CRC-32 of the JSON (four bytes, the lowest first) between them: a flipped bit often makes another
//! valid text, which would be published.

use std::cell::RefCell;

use flate2::{Compress, Compression, FlushCompress, Status};
use libdeflater::Decompressor;
use serde::de::DeserializeOwned;

use super::engine::{Row, Value};
use super::error::StoreError;
use super::rows::from_json;

/// NOTE: it must never change, because stored texts are unreadable without it. A better one needs a form of its own.
const DICTIONARY: &[u8] = include_bytes!("content_dictionary.txt");
const DEFLATED: u8 = 1;
const DEFLATED_WITH_CHECKSUM: u8 = 2;
const LEVEL: Compression = Compression::new(6);
/// Memory that a thread keeps for the next text, in bytes. Most texts need a tenth of it.
const KEPT_BYTES: usize = 256 * 1024;

thread_local! {
    static DEFLATE: RefCell<Compress> = RefCell::new(Compress::new(LEVEL, false));
    static INFLATE: RefCell<Inflater> = RefCell::new(Inflater::new());
}

/// The stored form of an article's JSON.
///
/// # Errors
/// If compression fails.
pub(crate) fn compress(json: &str) -> Result<Value, StoreError> {
    let failed = || StoreError::Corrupt("a text cannot be compressed".to_owned());
    DEFLATE.with_borrow_mut(|deflate| {
        deflate.reset();
        deflate.set_dictionary(DICTIONARY).map_err(|_| failed())?;
        let mut bytes = Vec::with_capacity(json.len() / 2 + 128);
        bytes.push(DEFLATED_WITH_CHECKSUM);
        bytes.extend(u32::try_from(json.len()).map_err(|_| failed())?.to_le_bytes());
        bytes.extend(crc32fast::hash(json.as_bytes()).to_le_bytes());
        loop {
            let done = usize::try_from(deflate.total_in()).map_err(|_| failed())?;
            match deflate.compress_vec(&json.as_bytes()[done..], &mut bytes, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => return Ok(Value::Bytes(bytes)),
                Ok(_) => bytes.reserve(bytes.len()),
                Err(_) => return Err(failed()),
            }
        }
    })
}

impl Row {
    /// Bytes of an article's JSON; 0 if it was erased.
    pub(crate) fn content_length(&self, column: usize) -> usize {
        match self.0.get(column) {
            Some(Value::Text(json)) => json.len(),
            Some(Value::Bytes(stored)) => split(stored).map_or(stored.len(), |parts| parts.length),
            _ => 0,
        }
    }

    /// An article, or a part of it; none if it was erased.
    ///
    /// # Errors
    /// If it is damaged.
    pub(crate) fn get_article<T: DeserializeOwned>(&self, column: usize) -> Result<Option<T>, StoreError> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            // SQLite keeps what an older version stored as text.
            Some(Value::Text(json)) => from_json(json).map(Some),
            _ => read_article(self.get_bytes(column)?).map(Some),
        }
    }

    /// The text of a published article, which is never erased.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub(crate) fn get_published<T: DeserializeOwned>(&self, column: usize) -> Result<T, StoreError> {
        let none = || StoreError::Corrupt("a published article has no content".to_owned());
        self.get_article(column)?.ok_or_else(none)
    }

    /// An article's JSON; none if it was erased.
    ///
    /// # Errors
    /// If it is damaged.
    pub(crate) fn get_content(&self, column: usize) -> Result<Option<String>, StoreError> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Text(json)) => Ok(Some(json.clone())),
            _ => with_json(self.get_bytes(column)?, |json| Ok(json.to_owned())).map(Some),
        }
    }
}

/// The article, or a part of it, in its stored form.
///
/// # Errors
/// If it is damaged.
pub(crate) fn read_article<T: DeserializeOwned>(stored: &[u8]) -> Result<T, StoreError> {
    with_json(stored, from_json)
}

/// Gives the JSON of a stored text to `read`, which must not read another one.
fn with_json<T>(stored: &[u8], read: impl FnOnce(&str) -> Result<T, StoreError>) -> Result<T, StoreError> {
    let damaged = || StoreError::Corrupt("a stored text is damaged".to_owned());
    let read_bytes = |json: &[u8]| {
        // Checked with vector instructions, unlike by `str::from_utf8`.
        let text = encoding_rs::UTF_8.decode_without_bom_handling_and_without_replacement(json);
        read(&text.ok_or_else(damaged)?)
    };
    if !matches!(stored.first(), Some(&(DEFLATED | DEFLATED_WITH_CHECKSUM))) {
        return read_bytes(stored);
    }
    INFLATE.with_borrow_mut(|inflater| {
        let parts = split(stored).ok_or_else(damaged)?;
        let json = inflater.inflate(parts.stream, parts.length).ok_or_else(damaged)?;
        if parts.checksum.is_some_and(|checksum| checksum != crc32fast::hash(json)) {
            return Err(damaged());
        }
        read_bytes(json)
    })
}

/// A stored text that is compressed.
struct Parts<'a> {
    /// Of the JSON, in bytes.
    length: usize,
    /// CRC-32 of the JSON. None in texts of an older version.
    checksum: Option<u32>,
    stream: &'a [u8],
}

fn split(stored: &[u8]) -> Option<Parts<'_>> {
    let (&form, rest) = stored.split_first()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    match form {
        DEFLATED => Some(Parts { length, checksum: None, stream: rest }),
        DEFLATED_WITH_CHECKSUM => {
            let (checksum, stream) = rest.split_first_chunk::<4>()?;
            Some(Parts { length, checksum: Some(u32::from_le_bytes(*checksum)), stream })
        }
        _ => None,
    }
}

/// Expands texts with libdeflate, twice as fast as zlib. It knows no dictionaries: a block that is not compressed
/// (RFC 1951 §3.2.4) precedes each stream instead. It holds the dictionary, to which the text then refers.
struct Inflater {
    decompressor: Decompressor,
    /// The block, and the stream of the last text.
    input: Vec<u8>,
    /// The dictionary, and at least the last text.
    output: Vec<u8>,
}

impl Inflater {
    /// Bytes of the block before the dictionary.
    const HEADER: usize = 5;

    fn new() -> Self {
        let length = const {
            assert!(DICTIONARY.len() <= 0xFFFF);
            (DICTIONARY.len() as u16).to_le_bytes()
        };
        let input = [&[0][..], &length, &length.map(|byte| !byte), DICTIONARY].concat();
        Self { decompressor: Decompressor::new(), input, output: Vec::new() }
    }

    /// The text of a raw deflate stream; none if it is damaged or has another length.
    fn inflate(&mut self, stream: &[u8], length: usize) -> Option<&[u8]> {
        // A damaged length must not ask for memory that no text needs: deflate saves at most a factor of 1,032.
        let length = (length <= stream.len().saturating_mul(1032)).then_some(length)?;
        self.input.truncate(Self::HEADER + DICTIONARY.len());
        self.input.extend_from_slice(stream);
        let end = DICTIONARY.len() + length;
        if self.output.len() < end || self.output.capacity() > KEPT_BYTES {
            self.input.shrink_to(KEPT_BYTES);
            self.output = vec![0; end.next_multiple_of(4096)];
        }
        let written = self.decompressor.deflate_decompress(&self.input, &mut self.output[..end]).ok()?;
        (written == end).then(|| &self.output[DICTIONARY.len()..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Made with the first dictionary, without a checksum.
    const STORED: &str = "014d0000004378119b7e58e98c9ce371665ea55a00";

    fn decompress(stored: &[u8]) -> Result<String, StoreError> {
        with_json(stored, |json| Ok(json.to_owned()))
    }

    fn stored(json: &str) -> Vec<u8> {
        match compress(json).unwrap() {
            Value::Bytes(bytes) => bytes,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_short_article_is_stored_in_a_third_of_its_size() {
        let text =
            "Ủy ban nhân dân huyện tổ chức hội nghị tổng kết công tác xây dựng nông thôn mới năm 2023.";
        let json = format!(
            "{{\"title\":\"{text}\",\"stamp\":{{\"instant\":1683887940,\"date_only\":false}},\
             \"body\":[{{\"kind\":\"paragraph\",\"text\":\"{text}\"}}],\"authors\":[\"Hà Minh\"]}}"
        );
        assert!(stored(&json).len() * 3 < json.len(), "{} of {}", stored(&json).len(), json.len());
    }

    #[test]
    fn a_text_that_was_stored_with_this_dictionary_stays_readable() {
        // NOTE: if this fails, the dictionary has changed, and no stored text can be read any more.
        let stored = hex_bytes(STORED);
        assert_eq!(
            decompress(&stored).unwrap(),
            "{\"title\":\"Ủy ban nhân dân huyện tổ chức hội nghị tổng kết\"}"
        );
    }

    fn hex_bytes(digits: &str) -> Vec<u8> {
        let byte = |place: usize| u8::from_str_radix(&digits[place..place + 2], 16).unwrap();
        (0..digits.len()).step_by(2).map(byte).collect()
    }

    #[test]
    fn data_of_an_older_version_is_readable() {
        assert_eq!(decompress(b"{\"title\":\"x\"}").unwrap(), "{\"title\":\"x\"}");
    }

    proptest! {
        #[test]
        fn stored_values_are_read_back(json in "\\PC{0,3000}") {
            prop_assert_eq!(decompress(&stored(&json)).unwrap(), json);
        }

        #[test]
        fn damaged_bytes_do_not_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), form in 0_u8..4) {
            bytes.insert(0, form);
            let _ = decompress(&bytes);
        }

        #[test]
        fn a_flipped_bit_never_makes_another_text(json in "[a-zà-ỹ ]{10,500}", place in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let mut bytes = stored(&json);
            let place = place.index(bytes.len());
            bytes[place] ^= 1_u8 << bit;
            // The last bits of a deflate stream may have no meaning.
            match decompress(&bytes) {
                Ok(text) => prop_assert_eq!(text, json),
                Err(cause) => prop_assert!(cause.to_string().contains("damaged")),
            }
        }

        #[test]
        fn truncated_compressed_text_is_an_error(json in "[a-zà-ỹ ]{10,500}", share in 0.0..1.0) {
            let whole = stored(&json);
            let cut = 1 + ((whole.len() - 1) as f64 * share) as usize;
            prop_assert!(decompress(&whole[..cut]).is_err());
        }
    }
}

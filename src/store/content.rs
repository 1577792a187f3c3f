//! The stored form of an article: its JSON, compressed with a dictionary.
//!
//! The first byte names the form. `{` begins the JSON itself, as older versions stored it; 1 precedes the length of
//! the JSON (four bytes, the lowest first) and a raw deflate stream (RFC 1951) that was made with [`DICTIONARY`].

use std::borrow::Cow;
use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::engine::{Row, Value};
use super::error::StoreError;

/// NOTE: it must never change, because stored texts are unreadable without it. A better one needs a form of its own.
const DICTIONARY: &[u8] = include_bytes!("content_dictionary.txt");
const DEFLATED: u8 = 1;
const LEVEL: Compression = Compression::new(6);

thread_local! {
    static DEFLATE: RefCell<Compress> = RefCell::new(Compress::new(LEVEL, false));
    static INFLATE: RefCell<Decompress> = RefCell::new(Decompress::new(false));
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
        bytes.push(DEFLATED);
        bytes.extend(u32::try_from(json.len()).map_err(|_| failed())?.to_le_bytes());
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
            Some(Value::Bytes(stored)) => split(stored).map_or(stored.len(), |(length, _)| length),
            _ => 0,
        }
    }

    /// An article's JSON; none if it was erased.
    pub(crate) fn get_content(&self, column: usize) -> Result<Option<String>, StoreError> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            // SQLite keeps what an older version stored as text.
            Some(Value::Text(json)) => Ok(Some(json.clone())),
            _ => decompress(self.get_bytes(column)?).map(Some),
        }
    }
}

fn decompress(stored: &[u8]) -> Result<String, StoreError> {
    let damaged = || StoreError::Corrupt("a stored text is damaged".to_owned());
    let json = match stored.first() {
        Some(&DEFLATED) => Cow::Owned(
            split(stored).and_then(|(length, stream)| inflate(stream, length)).ok_or_else(damaged)?,
        ),
        _ => Cow::Borrowed(stored),
    };
    // Checked with vector instructions, unlike by `String::from_utf8`.
    let text = encoding_rs::UTF_8.decode_without_bom_handling_and_without_replacement(&json);
    text.map(Cow::into_owned).ok_or_else(damaged)
}

/// The length of the JSON, and the deflate stream.
fn split(stored: &[u8]) -> Option<(usize, &[u8])> {
    let (length, stream) = stored.strip_prefix(&[DEFLATED])?.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*length) as usize, stream))
}

fn inflate(stream: &[u8], length: usize) -> Option<Vec<u8>> {
    // A damaged length must not ask for memory that no text needs: deflate saves at most a factor of 1,032.
    let capacity = length.min(stream.len().saturating_mul(1032));
    INFLATE.with_borrow_mut(|inflate| {
        inflate.reset(false);
        inflate.set_dictionary(DICTIONARY).ok()?;
        let mut json = Vec::with_capacity(capacity);
        let status = inflate.decompress_vec(stream, &mut json, FlushDecompress::Finish).ok()?;
        (status == Status::StreamEnd && json.len() == length).then_some(json)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Made with the first dictionary.
    const STORED: &str = "014d0000004378119b7e58e98c9ce371665ea55a00";

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
        fn damaged_bytes_are_an_error_or_another_text(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            bytes.insert(0, DEFLATED);
            let _ = decompress(&bytes);
        }

        #[test]
        fn truncated_compressed_text_is_an_error(json in "[a-zà-ỹ ]{10,500}", share in 0.0..1.0) {
            let whole = stored(&json);
            let cut = 1 + ((whole.len() - 1) as f64 * share) as usize;
            prop_assert!(decompress(&whole[..cut]).is_err());
        }
    }
}

//! Writes JSON objects member by member. A serialiser looks at each byte of a text; most of a response is the texts of
//! articles.

use serde::Serialize;

use crate::store::StoreError;

/// The members of an object, in the order in which they are written.
pub struct Members<'a> {
    json: &'a mut Vec<u8>,
    /// What stands before the next member.
    separator: u8,
}

impl<'a> Members<'a> {
    /// Begins an object at the end of `json`.
    pub fn new(json: &'a mut Vec<u8>) -> Self {
        Self { json, separator: b'{' }
    }

    pub fn text(&mut self, name: &str, text: &str) {
        append_text(self.member(name), text);
    }

    /// Null if there is no text.
    pub fn optional_text(&mut self, name: &str, text: Option<&str>) {
        match text {
            Some(text) => self.text(name, text),
            None => self.member(name).extend(b"null"),
        }
    }

    pub fn value(&mut self, name: &str, value: &impl Serialize) -> Result<(), StoreError> {
        append_json(self.member(name), value)
    }

    /// Begins a member. Its value is to be appended. `name` has no character that JSON escapes.
    pub fn member(&mut self, name: &str) -> &mut Vec<u8> {
        self.json.extend([self.separator, b'"']);
        self.json.extend(name.as_bytes());
        self.json.extend(b"\":");
        self.separator = b',';
        self.json
    }

    /// Ends an object that has members.
    pub fn end(self) {
        self.json.push(b'}');
    }
}

/// JSON on one line, which `append` writes.
pub fn line(append: impl FnOnce(&mut Vec<u8>) -> Result<(), StoreError>) -> Result<Vec<u8>, StoreError> {
    let mut json = Vec::new();
    append(&mut json)?;
    json.push(b'\n');
    Ok(json)
}

/// Appends a list; `append` appends an item.
pub fn append_list<T>(
    json: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut append: impl FnMut(&mut Vec<u8>, T) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    json.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        append(json, item)?;
    }
    json.push(b']');
    Ok(())
}

/// Appends a value.
pub fn append_json(json: &mut Vec<u8>, value: &impl Serialize) -> Result<(), StoreError> {
    serde_json::to_writer(json, value).map_err(|cause| StoreError::Corrupt(cause.to_string()))
}

/// Appends a text as a string (RFC 8259 §7).
pub fn append_text(json: &mut Vec<u8>, text: &str) {
    json.reserve(text.len() + 32);
    json.push(b'"');
    let (parts, rest) = text.as_bytes().as_chunks::<32>();
    for part in parts {
        // Without early exit and branches, the compiler looks at many bytes at once.
        match part.iter().fold(0, |any, byte| any | u8::from(is_escaped(*byte))) {
            0 => json.extend_from_slice(part),
            _ => append_escaped(json, part),
        }
    }
    append_escaped(json, rest);
    json.push(b'"');
}

fn is_escaped(byte: u8) -> bool {
    (byte < b' ') | (byte == b'"') | (byte == b'\\')
}

fn append_escaped(json: &mut Vec<u8>, bytes: &[u8]) {
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| is_escaped(*byte)) {
        json.extend_from_slice(&rest[..end]);
        match rest[end] {
            byte @ (b'"' | b'\\') => json.extend([b'\\', byte]),
            b'\n' => json.extend(b"\\n"),
            b'\r' => json.extend(b"\\r"),
            b'\t' => json.extend(b"\\t"),
            8 => json.extend(b"\\b"),
            12 => json.extend(b"\\f"),
            control => json.extend(format!("\\u{control:04x}").bytes()),
        }
        rest = &rest[end + 1..];
    }
    json.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_is_written_as_a_serialiser_writes_it(text in "(\\PC|[\0-\x1f\"\\\\]){0,300}") {
            let mut json = Vec::new();
            append_text(&mut json, &text);
            prop_assert_eq!(String::from_utf8(json).unwrap(), serde_json::to_string(&text).unwrap());
        }
    }
}

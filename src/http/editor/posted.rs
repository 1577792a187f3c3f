//! The fields and files of a form that was sent.

use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use sha2::{Digest as _, Sha256};

use super::super::api::problem::Problem;
use super::super::api::upload::{FormPart, parts};
use super::super::server::RequestBody;
use super::super::validity::has_files;
use crate::text::hex;

/// A form that was sent.
#[derive(Default)]
pub(super) struct Posted {
    fields: Vec<(String, String)>,
    /// Name of the field, name of the file, and its bytes.
    files: Vec<(String, String, Bytes)>,
}

impl Posted {
    /// Reads a form. Only who has logged in may send files.
    ///
    /// # Errors
    /// If it is too long or malformed.
    pub(super) async fn read(request: &Parts, body: RequestBody, may_upload: bool) -> Result<Self, Problem> {
        let is_multipart = has_files(&request.headers);
        let body = match is_multipart && may_upload {
            true => body.collect_upload().await?,
            false => body.collect().await?,
        };
        let mut posted = Self::default();
        if is_multipart {
            let line =
                request.headers.get(CONTENT_TYPE).and_then(|line| line.to_str().ok()).unwrap_or_default();
            for FormPart { name, file_name, media_type, bytes } in parts(line, body).await? {
                match (file_name, media_type) {
                    (Some(file), _) => posted.files.push((name, file, bytes)),
                    // No file was chosen.
                    (None, Some(_)) if bytes.is_empty() => {}
                    (None, _) => posted.push(name, &String::from_utf8_lossy(&bytes)),
                }
            }
        } else {
            for (name, value) in url::form_urlencoded::parse(&body) {
                posted.push(name.into_owned(), &value);
            }
        }
        Ok(posted)
    }

    /// Browsers send the line ends of Windows.
    fn push(&mut self, name: String, value: &str) {
        self.fields.push((name, value.replace("\r\n", "\n")));
    }

    /// The value of a field without white space at its ends; empty if it is missing.
    pub(super) fn text(&self, name: &str) -> &str {
        let field = self.fields.iter().find(|(found, _)| found == name);
        field.map_or("", |(_, value)| value.trim())
    }

    /// All values of a field.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Names and bytes of the files of a field.
    pub(super) fn files(&self, name: &str) -> Vec<(String, Bytes)> {
        let files = self.files.iter().filter(|(found, ..)| found == name);
        files.map(|(_, file, bytes)| (file.clone(), bytes.clone())).collect()
    }

    /// All fields but those of the session.
    pub(super) fn kept(&self) -> Vec<(String, String)> {
        self.fields.iter().filter(|(name, _)| !["csrf", "token"].contains(&name.as_str())).cloned().collect()
    }

    /// A hash of everything but the fields of the session.
    pub(super) fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        };
        for (name, value) in self.kept() {
            add(name.as_bytes());
            add(value.as_bytes());
        }
        for (name, file, bytes) in &self.files {
            add(name.as_bytes());
            add(file.as_bytes());
            add(bytes);
        }
        hex(&hash.finalize())
    }
}

impl Posted {
    /// The parameters of a query string.
    pub(super) fn of_query(query: Option<&str>) -> Self {
        let mut read = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            read.push(name.into_owned(), &value);
        }
        read
    }
}

//! A form with an article file and images (`multipart/form-data`, RFC 7578).

use http_body_util::{BodyDataStream, Full};
use hyper::body::Bytes;
use sha2::{Digest as _, Sha256};

use super::body_format::BodyFormat;
use super::problem::Problem;
use crate::message::Message;
use crate::text::hex;

/// Maximum number of parts of a form.
const MAX_PARTS: usize = 600;

/// What was sent.
#[derive(Default)]
pub(super) struct Upload {
    pub(super) article: Bytes,
    /// The name of the article file. It is read like a file of this name in the articles folder.
    pub(super) file_name: Option<String>,
    /// The format of an article part without a file name.
    pub(super) format: Option<BodyFormat>,
    /// File names and bytes of the images, in the order of the form.
    pub(super) images: Vec<(String, Bytes)>,
}

impl Upload {
    /// Reads the parts `article` and `image`.
    ///
    /// # Errors
    /// If the form is malformed, has another part, or no article.
    pub(super) async fn from_multipart(content_type: &str, body: Bytes) -> Result<Self, Problem> {
        let (mut upload, mut article) = (Self::default(), None);
        for FormPart { name, file_name, media_type, bytes } in parts(content_type, body).await? {
            match name.as_str() {
                "article" if article.is_none() => {
                    upload.format = media_type.as_deref().and_then(BodyFormat::from_media_type);
                    upload.file_name = file_name;
                    article = Some(bytes);
                }
                "image" => upload.images.push((file_name.unwrap_or_else(|| name.clone()), bytes)),
                _ => return Err(unknown_part(&name)),
            }
        }
        upload.article = article.ok_or_else(|| {
            Problem::bad_request(Message::new(
                "Biểu mẫu phải có một phần `article` (bài viết) và có thể có nhiều phần `image` (ảnh).",
                "The form must have one part `article`, and may have several parts `image`.",
            ))
        })?;
        Ok(upload)
    }

    /// A hash of what was sent; the boundary of a form does not count.
    pub(super) fn fingerprint(&self, media_type: &str) -> String {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        };
        add(media_type.as_bytes());
        add(self.file_name.as_deref().unwrap_or_default().as_bytes());
        add(&self.article);
        for (name, bytes) in &self.images {
            add(name.as_bytes());
            add(bytes);
        }
        hex(&hash.finalize())
    }
}

/// One part of a form.
pub(in crate::http) struct FormPart {
    pub(in crate::http) name: String,
    /// None if it is no file, or no file was chosen.
    pub(in crate::http) file_name: Option<String>,
    pub(in crate::http) media_type: Option<String>,
    pub(in crate::http) bytes: Bytes,
}

/// The parts of a form, in order.
///
/// # Errors
/// If it is malformed or has too many parts.
pub(in crate::http) async fn parts(content_type: &str, body: Bytes) -> Result<Vec<FormPart>, Problem> {
    let boundary = multer::parse_boundary(content_type).map_err(|_| malformed())?;
    let mut form = multer::Multipart::new(BodyDataStream::new(Full::new(body)), boundary);
    let mut parts = Vec::new();
    while let Some(part) = form.next_field().await.map_err(|_| malformed())? {
        if parts.len() == MAX_PARTS {
            return Err(malformed());
        }
        parts.push(FormPart {
            name: part.name().unwrap_or_default().to_owned(),
            file_name: part.file_name().map(str::to_owned).filter(|name| !name.is_empty()),
            media_type: part.content_type().map(ToString::to_string),
            bytes: part.bytes().await.map_err(|_| malformed())?,
        });
    }
    Ok(parts)
}

fn malformed() -> Problem {
    Problem::bad_request(Message::new(
        "Biểu mẫu (multipart/form-data) không đọc được.",
        "The form (multipart/form-data) is malformed.",
    ))
}

fn unknown_part(name: &str) -> Problem {
    Problem::bad_request(Message::new(
        format!(
            "Biểu mẫu có phần `{name}` không dùng được hoặc bị lặp; chỉ nhận một `article` và các `image`."
        ),
        format!(
            "The part `{name}` of the form is unknown or repeated; send one `article`, and `image` parts."
        ),
    ))
}

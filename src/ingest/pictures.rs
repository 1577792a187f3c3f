//! The images of an article: those beside it and those in it.

use std::io;
use std::path::Path;

use super::article_file::{MAX_ARTICLE_BYTES, read_below};
use super::copies::{CopiesAtOnce, put_images};
use super::diagnostic::FileDiagnostic;
use super::parallel::blocking;
use crate::image::{self, ImageCopies, StrippedImage};
use crate::message::Message;
use crate::model::Image;
use crate::parse::{self, ImageSource, ParsedArticle, ReferencedImage, Severity};
use crate::store::{Store, StoreError};
use crate::text::byte_size;

/// An image in an article that is smaller than this is an icon or a line, in pixels.
const MIN_SIDE: u32 = 100;
/// An image with more bytes or a longer side is not meant for readers, but straight from a camera.
const LARGE_BYTES: usize = 5_000_000;
const LARGE_SIDE: u32 = 6000;

/// Where an image of an article is.
#[derive(Clone)]
pub(super) enum ArticleImage {
    /// In a file beside the article: its path.
    Beside(String),
    /// In the article file at this path.
    Inside(String, ReferencedImage),
}

impl ArticleImage {
    /// Its file name.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Beside(path) => path.rsplit('/').next().unwrap_or(path),
            Self::Inside(_, image) => image.source.name(),
        }
    }
}

/// The images of the article at `path`: those in it that have a caption, in the order of the captions, then those
/// beside it, then the others in it.
pub(super) fn images_of<'a>(
    path: &str,
    draft: &ParsedArticle,
    beside: impl Iterator<Item = &'a str>,
) -> Vec<ArticleImage> {
    let inside = |captioned: bool| {
        let images = draft.images.iter().filter(move |image| image.has_caption == captioned);
        images.map(|image| ArticleImage::Inside(path.to_owned(), image.clone()))
    };
    let beside = beside.map(|path| ArticleImage::Beside(path.to_owned()));
    inside(true).chain(beside).chain(inside(false)).collect()
}

/// Reads an image and strips its metadata. Paths are below `root`; anywhere if `root` is empty.
///
/// # Errors
/// Why it cannot be published.
pub(super) fn read_image(root: &Path, image: &ArticleImage) -> Result<StrippedImage, Box<FileDiagnostic>> {
    match image {
        ArticleImage::Beside(path) => {
            let bytes = read_below(root, path, image::MAX_BYTES as u64)
                .map_err(|cause| diagnostic(path, 1, unreadable(&cause)))?;
            image::strip_metadata(bytes).map_err(|refused| diagnostic(path, 1, refused.message()))
        }
        ArticleImage::Inside(path, image) => {
            let read = |path: &str, limit| {
                read_below(root, path, limit).map_err(|cause| inside(path, image, &unreadable(&cause)))
            };
            match &image.source {
                ImageSource::Part(_) => image_in(&read(path, MAX_ARTICLE_BYTES)?, path, image),
                ImageSource::File(file) => {
                    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    let file = if folder.is_empty() { file.clone() } else { format!("{folder}/{file}") };
                    publishable(read(&file, image::MAX_BYTES as u64)?, path, image)
                }
                ImageSource::Url(_) => Err(inside(path, image, &not_with_the_file())),
            }
        }
    }
}

/// Publishes the images in an article file that a command names; those beside it are not read. Returns the diagnostics
/// of images that could not be published.
///
/// # Errors
/// If the store fails.
pub async fn add_images(
    store: &Store,
    path: &str,
    draft: &mut ParsedArticle,
) -> Result<Vec<FileDiagnostic>, StoreError> {
    let (mut images, mut diagnostics) = (Vec::new(), Vec::new());
    for image in images_of(path, draft, std::iter::empty()) {
        match blocking(move || read_image(Path::new(""), &image)).await {
            Ok(stripped) => {
                let (image, bytes) = to_store(stripped);
                draft.article.images.push(image.clone());
                images.push((image, bytes));
            }
            Err(diagnostic) => diagnostics.push(*diagnostic),
        }
    }
    put_images(store, images, &mut CopiesAtOnce::default()).await?;
    Ok(diagnostics)
}

/// The images of an article that was sent as `document` (empty if it was not a file) together with images, as the
/// store takes them, and what could not be published. The names and order of the images go into the article.
///
/// An image that a saved web page shows is found among those sent by its file name. Blocking.
pub fn uploaded_images<B: AsRef<[u8]>>(
    document: &[u8],
    draft: &mut ParsedArticle,
    sent: &[(String, B)],
) -> (Vec<(Image, Vec<u8>)>, Vec<FileDiagnostic>) {
    let (mut images, mut diagnostics) = (Vec::new(), Vec::new());
    let is_shown = |name: &str| {
        let files = draft.images.iter().filter(|image| matches!(image.source, ImageSource::File(_)));
        files.map(|image| image.source.name()).any(|file| file == name)
    };
    // Two images may have the same name: each is known by its place.
    let places: Vec<String> =
        (0..sent.len()).filter(|place| !is_shown(&sent[*place].0)).map(|place| place.to_string()).collect();
    for source in images_of("", draft, places.iter().map(String::as_str)) {
        let stripped = match &source {
            ArticleImage::Beside(place) => {
                let Some((name, bytes)) = place.parse().ok().and_then(|place: usize| sent.get(place)) else {
                    continue;
                };
                image::strip_metadata(bytes.as_ref().to_vec())
                    .map_err(|refused| diagnostic(name, 1, named(name, refused.message())))
            }
            ArticleImage::Inside(_, reference) => {
                let file = sent.iter().find(|(name, _)| name == source.name());
                match file.filter(|_| matches!(reference.source, ImageSource::File(_))) {
                    Some((_, bytes)) => publishable(bytes.as_ref().to_vec(), "", reference),
                    None => image_in(document, "", reference),
                }
            }
        };
        match stripped.map(to_store) {
            Ok((image, _)) if images.iter().any(|(known, _): &(Image, _)| known.name == image.name) => {}
            Ok(image) => images.push(image),
            Err(diagnostic) => diagnostics.push(*diagnostic),
        }
    }
    draft.article.images = images.iter().map(|(image, _)| image.clone()).collect();
    (images, diagnostics)
}

/// A message that names its image.
fn named(name: &str, message: Message) -> Message {
    let Message { vietnamese, english } = message;
    Message {
        vietnamese: format!("Không đăng được ảnh «{name}». {vietnamese}"),
        english: format!("cannot publish the image `{name}`: {english}"),
    }
}

/// An image in the form that the store expects.
pub(super) fn to_store(image: StrippedImage) -> (Image, Vec<u8>) {
    let StrippedImage { name, media_type, width, height, bytes } = image;
    let (media_type, size) = (media_type.to_owned(), bytes.len() as u64);
    (Image { name, media_type, width, height, size, copies: Vec::new() }, bytes)
}

/// Extracts an image from the bytes of its article file.
///
/// # Errors
/// As [`read_image`].
pub(super) fn image_in(
    document: &[u8],
    path: &str,
    image: &ReferencedImage,
) -> Result<StrippedImage, Box<FileDiagnostic>> {
    let ImageSource::Part(part) = &image.source else {
        return Err(inside(path, image, &not_with_the_file()));
    };
    let bytes = parse::embedded_image(path, document, part, image::MAX_BYTES as u64);
    publishable(bytes.map_err(|kind| inside(path, image, &kind.message()))?, path, image)
}

fn publishable(
    bytes: Vec<u8>,
    path: &str,
    image: &ReferencedImage,
) -> Result<StrippedImage, Box<FileDiagnostic>> {
    let stripped = image::strip_metadata(bytes).map_err(|error| inside(path, image, &error.message()))?;
    match stripped.width.min(stripped.height) < MIN_SIDE {
        true => Err(inside(path, image, &too_small(&stripped))),
        false => Ok(stripped),
    }
}

/// What is done with an image that is so large that somebody should know.
pub(super) fn large_image(place: &ArticleImage, image: &StrippedImage) -> Option<FileDiagnostic> {
    if image.bytes.len() < LARGE_BYTES && image.width.max(image.height) < LARGE_SIDE {
        return None;
    }
    let size = |width, height, bytes: usize| format!("{width}×{height}, {}", byte_size(bytes as u64));
    let original = size(image.width, image.height, image.bytes.len());
    let (vietnamese, english) = match image::smaller_copies(&image.bytes) {
        Ok(ImageCopies { copies, are_still }) if !copies.is_empty() => {
            let copy = &copies[0];
            let copy = size(copy.width, copy.height, copy.bytes.len());
            match are_still {
                false => (
                    format!(
                        "Ảnh rất lớn ({original}). Trang và nguồn tin dùng bản thu nhỏ ({copy}); trang bài có liên kết \
                         đến ảnh gốc. Nếu không cần ảnh gốc, hãy thu nhỏ ảnh trước khi đăng."
                    ),
                    format!(
                        "the image is very large ({original}); pages and feeds use smaller copies ({copy}) and the \
                         article links to the original; scale it down if nobody needs the original"
                    ),
                ),
                true => (
                    format!(
                        "Ảnh động rất lớn ({original}). Nguồn tin dùng một hình tĩnh ({copy}), còn trang bài dùng ảnh \
                         gốc. Hãy thu nhỏ ảnh động trước khi đăng."
                    ),
                    format!(
                        "the animation is very large ({original}); feeds use a still image ({copy}), pages the \
                         animation itself; scale it down"
                    ),
                ),
            }
        }
        Ok(_) => return None,
        Err(cause) => (
            format!(
                "Ảnh rất lớn ({original}) và không thu nhỏ được, nên người đọc phải tải cả ảnh gốc. Hãy mở ảnh, thu nhỏ \
                 rồi lưu lại thành JPEG."
            ),
            format!(
                "the image is very large ({original}) and no smaller copies can be made ({cause}), so readers get the \
                 image itself; open it, scale it down and save it as JPEG"
            ),
        ),
    };
    let message = Message { vietnamese, english };
    Some(match place {
        ArticleImage::Beside(path) => *diagnostic(path, 1, message),
        ArticleImage::Inside(path, referenced) => *diagnostic(path, referenced.line, message),
    })
}

fn diagnostic(path: &str, line: usize, message: Message) -> Box<FileDiagnostic> {
    Box::new(FileDiagnostic { line, ..FileDiagnostic::of_message(path, Severity::Warning, message) })
}

/// A diagnostic about an image within an article, with its name.
fn inside(path: &str, image: &ReferencedImage, message: &Message) -> Box<FileDiagnostic> {
    let name = image.source.name();
    let Message { vietnamese, english } = message;
    let named = Message {
        vietnamese: format!("Không đăng được ảnh «{name}» trong bài. {vietnamese}"),
        english: format!("cannot publish the image `{name}` in the article: {english}"),
    };
    diagnostic(path, image.line, named)
}

fn unreadable(cause: &io::Error) -> Message {
    Message {
        vietnamese: format!("Không đọc được ảnh ({cause}). Bài đăng không có ảnh này."),
        english: format!("cannot read the image ({cause}); the article is published without it"),
    }
}

fn not_with_the_file() -> Message {
    Message {
        vietnamese: "Ảnh nằm ngoài tệp bài. Hãy đặt ảnh cạnh bài và đặt tên theo tên tệp bài (bai.jpg, bai-1.jpg)."
            .to_owned(),
        english: "it is not in the article file; put it next to the article and name it after it (bai.jpg, bai-1.jpg)"
            .to_owned(),
    }
}

fn too_small(image: &StrippedImage) -> Message {
    let size = format!("{}×{}", image.width, image.height);
    Message {
        vietnamese: format!(
            "Ảnh chỉ có {size} điểm, có lẽ là biểu tượng. Nếu cần đăng, hãy lưu thành tệp ảnh cùng tên bên cạnh bài."
        ),
        english: format!(
            "it has only {size} pixels and is probably an icon; to publish it, save it as an image file with the same \
             name next to the article"
        ),
    }
}

//! The images of an article that is being written: those that were sent before, and those that are sent now.

use hyper::body::Bytes;

use super::super::api::actions;
use super::super::api::problem::Problem;
use super::context::Editor;
use crate::ingest;
use crate::model::{Article, Image, bounds};
use crate::parse::{ParsedArticle, SourceLines};
use crate::time::{PublishedAt, from_unix};

/// Severity, place and message of a diagnostic.
pub(super) type Found = (&'static str, String, String);

/// Where a diagnostic about an image is shown.
const IMAGE: &str = "Ảnh";

/// Images that are stored already, by their names, and an error for each that is no longer.
///
/// SECURITY: whatever the number and size of the images, one is in memory.
pub(super) async fn stored(editor: &Editor, names: &[String]) -> Result<(Vec<Image>, Vec<Found>), Problem> {
    let state = &editor.state;
    let mut wanted: Vec<String> = Vec::new();
    for name in names.iter().take(bounds::MAX_PICTURES + 1) {
        if !wanted.contains(name) {
            wanted.push(name.clone());
        }
    }
    let touched = wanted.clone();
    let is_kept = state.run_with_store(async move |state| state.store.touch_images(&touched).await).await;
    let (mut images, mut found) = (Vec::with_capacity(wanted.len()), Vec::new());
    for (name, is_kept) in wanted.into_iter().zip(is_kept.ok_or_else(Problem::overloaded)?) {
        let stored = name.clone();
        let bytes = match is_kept {
            true => state.run_with_store(async move |state| state.store.stored_image(&stored).await).await,
            false => Some(None),
        };
        let Some(bytes) = bytes.ok_or_else(Problem::overloaded)? else {
            let message =
                format!("Ảnh {name} không còn được giữ vì quá một tuần chưa đăng. Hãy chọn lại tệp ảnh.");
            found.push(("error", IMAGE.to_owned(), message));
            continue;
        };
        let (read, unusable) = read(editor, None, vec![(name.clone(), Bytes::from(bytes))]).await?;
        images.extend(read.into_iter().map(|(image, _)| Image { name: name.clone(), ..image }));
        found.extend(unusable);
    }
    Ok((images, found))
}

/// Stores images that were sent, and those in a document. `document`: its bytes and what was read in it.
pub(super) async fn uploaded(
    editor: &Editor,
    document: Option<(Bytes, ParsedArticle)>,
    sent: Vec<(String, Bytes)>,
) -> Result<(Vec<Image>, Vec<Found>), Problem> {
    let (images, found) = read(editor, document, sent).await?;
    actions::store_images(&editor.state, &images).await?;
    Ok((images.into_iter().map(|(image, _)| image).collect(), found))
}

/// Adds images that are not there yet.
pub(super) fn add(images: &mut Vec<Image>, new: Vec<Image>) {
    for image in new {
        if images.iter().all(|known| known.name != image.name) {
            images.push(image);
        }
    }
}

async fn read(
    editor: &Editor,
    document: Option<(Bytes, ParsedArticle)>,
    sent: Vec<(String, Bytes)>,
) -> Result<(Vec<(Image, Vec<u8>)>, Vec<Found>), Problem> {
    if document.is_none() && sent.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let reading = editor.state.blocking(move || {
        let (document, mut draft) = document.unwrap_or_else(|| (Bytes::new(), empty()));
        ingest::uploaded_images(&document, &mut draft, &sent)
    });
    let (images, unusable) = reading.await.ok_or_else(Problem::unavailable)?;
    let found = unusable.into_iter().map(|found| ("warning", IMAGE.to_owned(), found.message.vietnamese));
    Ok((images, found.collect()))
}

/// An article without images of its own.
fn empty() -> ParsedArticle {
    ParsedArticle {
        article: Article::new("", PublishedAt::exact(from_unix(0)), Vec::new()),
        id: None,
        channels: Vec::new(),
        images: Vec::new(),
        lines: SourceLines::default(),
    }
}

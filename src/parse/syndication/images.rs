//! The images beside the text of an item: enclosures, `media:content`, attachments.

use super::super::ParsedArticle;
use super::super::caption::{self, Caption};
use super::super::pictures::{ImageSource, ReferencedImage};
use super::links::link_key;
use super::model::SourceImage;
use crate::model::Block;
use crate::model::bounds::MAX_PICTURES;

/// Adds the images beside a text to those in it. One that is in the text stays where it is.
pub(super) fn add(draft: &mut ParsedArticle, beside: &[SourceImage]) {
    for image in beside {
        let key = image_key(&image.url);
        let known = draft.images.iter_mut().find(|known| match &known.source {
            ImageSource::Url(url) => image_key(url) == key,
            ImageSource::Part(_) | ImageSource::File(_) => false,
        });
        let itself = ImageSource::Url(image.original.as_ref().unwrap_or(&image.url).clone());
        match known {
            Some(known) if image.original.is_some() => known.source = itself,
            Some(_) => {}
            None => append(draft, itself, image.caption.as_deref()),
        }
    }
}

/// NOTE: the n-th caption of a text belongs to the n-th image, so images with captions come first.
fn append(draft: &mut ParsedArticle, source: ImageSource, caption: Option<&str>) {
    if draft.images.len() >= MAX_PICTURES {
        return;
    }
    let image = ReferencedImage { line: 1, source, has_caption: caption.is_some() };
    let Some(line) = caption else { return draft.images.push(image) };
    let captions = draft.article.body.iter().filter(|block| matches!(block, Block::Caption { .. })).count();
    let captioned = draft.images.iter().filter(|image| image.has_caption).count();
    if captions != captioned {
        // A caption in the text has no image and would take this one.
        return draft.images.push(ReferencedImage { has_caption: false, ..image });
    }
    let Caption { text, credit } =
        caption::read(line).unwrap_or_else(|| Caption { text: line.to_owned(), credit: None });
    draft.article.body.push(Block::Caption { text, credit, raw: line.to_owned(), html: None });
    draft.images.insert(captioned, image);
}

/// What the URLs of an image in several sizes have in common: WordPress appends `-300x200`.
fn image_key(url: &str) -> String {
    let key = link_key(url).unwrap_or_else(|| url.to_owned());
    let Some((name, extension)) = key.rsplit_once('.') else { return key };
    let Some((base, size)) = name.rsplit_once('-') else { return key };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match size.split_once('x') {
        Some((width, height)) if is_number(width) && is_number(height) => format!("{base}.{extension}"),
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use super::image_key;

    #[test]
    fn sizes_of_an_image_are_the_same_image() {
        assert_eq!(image_key("https://xa.vn/a-300x200.jpg"), image_key("http://www.xa.vn/a.jpg"));
        assert_ne!(image_key("https://xa.vn/a-1.jpg"), image_key("https://xa.vn/a.jpg"));
        assert_ne!(image_key("https://xa.vn/a-x2.jpg"), image_key("https://xa.vn/a.jpg"));
    }
}

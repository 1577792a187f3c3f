//! The images that a file contains or refers to, and the captions that belong to them.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::model::{Block, bounds::MAX_PICTURES};

/// How the folders end that browsers and Word create beside a saved page, in lower case.
pub const SAVED_PAGE_FOLDERS: [&str; 6] = ["_files", ".files", "_tep_tin", "_tệp_tin", "_tệp", "-files"];

/// An image that an article file contains or refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferencedImage {
    /// Its line in the file; in a Word document, its paragraph.
    pub line: usize,
    /// Where its bytes are.
    pub source: ImageSource,
    /// Whether a caption in the text belongs to it.
    pub has_caption: bool,
}

/// Where the bytes of an image are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImageSource {
    /// In the document itself: the name of a part, for [`embedded_image`](super::embedded_image).
    Part(String),
    /// In the folder of a saved page: a path relative to the folder of the page, such as `bai_files/anh.jpg`.
    File(String),
    /// On the web: an absolute URL. Only the text of a collected article has such images.
    Url(String),
}

impl ImageSource {
    /// The image at the URL `src` of a saved page; `None` if it is not in the folder of the page.
    ///
    /// SECURITY: the path has exactly two parts and leads nowhere else.
    pub(super) fn of_saved_page(src: &str) -> Option<Self> {
        let path = src.trim().split(['?', '#']).next()?;
        let (folder, file) = path.strip_prefix("./").unwrap_or(path).split_once('/')?;
        let decoded = |part: &str| percent_decode_str(part).decode_utf8().ok().map(Cow::into_owned);
        let (folder, file) = (decoded(folder)?, decoded(file)?);
        let is_part = |part: &str| !part.starts_with('.') && !part.contains(['/', '\\', '\0']);
        let lower = folder.to_lowercase();
        let is_saved = SAVED_PAGE_FOLDERS.iter().any(|end| lower.ends_with(end));
        (is_saved && is_part(&folder) && is_part(&file) && !file.is_empty())
            .then(|| Self::File(format!("{folder}/{file}")))
    }

    /// The file name of the image.
    pub fn name(&self) -> &str {
        let (Self::Part(path) | Self::File(path) | Self::Url(path)) = self;
        path.rsplit('/').next().unwrap_or(path)
    }
}

/// The images of a file in reading order, while it is read.
#[derive(Debug, Default)]
pub(super) struct Images(Vec<PlacedImage>);

#[derive(Debug)]
struct PlacedImage {
    /// The index of the first piece after it.
    before: usize,
    line: usize,
    source: ImageSource,
}

impl Images {
    /// Adds an image; one that is shown again is published once. False if there are too many.
    pub(super) fn add(&mut self, source: ImageSource, line: usize, before: usize) -> bool {
        if self.0.iter().any(|image| image.source == source) {
            return true;
        }
        let fits = self.0.len() < MAX_PICTURES;
        if fits {
            self.0.push(PlacedImage { before, line, source });
        }
        fits
    }

    /// The first `count` pieces were removed.
    pub(super) fn shift(&mut self, count: usize) {
        self.0.iter_mut().for_each(|image| image.before = image.before.saturating_sub(count));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives each caption of `body` to the image above it, because the n-th caption belongs to the n-th image of an
    /// article: the images with captions come first. A caption without an image becomes a paragraph where it would
    /// take the image of a later one.
    ///
    /// `lines`: line and text of each piece. `captions`: the line of each caption.
    pub(super) fn arrange(
        self,
        body: &mut [Block],
        captions: &[usize],
        lines: &[(usize, String)],
    ) -> Vec<ReferencedImage> {
        if self.is_empty() {
            return Vec::new();
        }
        let owners = self.owners(&places_of_captions(body, captions, lines));
        let claimed = owners.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        let blocks = body.iter_mut().filter(|block| matches!(block, Block::Caption { .. }));
        for (block, _) in blocks.zip(&owners[..claimed]).filter(|(_, owner)| owner.is_none()) {
            *block = as_paragraph(block);
        }
        let mut order: Vec<usize> = owners.into_iter().flatten().collect();
        let with_caption = order.len();
        order.extend((0..self.0.len()).filter(|index| !order.contains(index)).collect::<Vec<_>>());
        let mut images: Vec<Option<PlacedImage>> = self.0.into_iter().map(Some).collect();
        let ordered = order.into_iter().enumerate();
        ordered
            .filter_map(|(place, index)| {
                let PlacedImage { line, source, .. } = images[index].take()?;
                Some(ReferencedImage { line, source, has_caption: place < with_caption })
            })
            .collect()
    }

    /// The index of the image of each caption. Several images in a row are followed by as many captions; where
    /// there are fewer captions, they belong to the last images.
    fn owners(&self, captions: &[usize]) -> Vec<Option<usize>> {
        let mut owners = vec![None; captions.len()];
        let (mut image, mut caption) = (0, 0);
        while caption < captions.len() {
            let end = self.0.partition_point(|image| image.before <= captions[caption]);
            let next = self.0.get(end).map_or(usize::MAX, |image| image.before);
            let count = captions[caption..].iter().take_while(|place| **place < next).count();
            let pairs = count.min(end.saturating_sub(image));
            for pair in 0..pairs {
                owners[caption + pair] = Some(end - pairs + pair);
            }
            image = end;
            caption += count.max(1);
        }
        owners
    }
}

/// The index of the piece of each caption in `body`.
fn places_of_captions(body: &[Block], captions: &[usize], lines: &[(usize, String)]) -> Vec<usize> {
    let printed = body.iter().filter_map(|block| match block {
        Block::Caption { raw, .. } => Some(raw),
        _ => None,
    });
    let mut from = 0;
    printed
        .zip(captions)
        .map(|(printed, line)| {
            let is_it = |(of, text): &(usize, String)| of == line && printed.contains(text.as_str());
            let found = lines.iter().skip(from).position(is_it).map(|place| from + place);
            // A piece that was split or joined: the first one of its line or after it.
            let place = found.unwrap_or_else(|| lines.partition_point(|(of, _)| of < line));
            from = found.map_or(from, |place| place + 1);
            place
        })
        .collect()
}

fn as_paragraph(caption: &Block) -> Block {
    match caption {
        Block::Caption { html: Some(html), .. } => Block::Html { html: format!("<p>{html}</p>") },
        Block::Caption { raw, .. } => Block::Paragraph { text: raw.clone() },
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arranges images (`1`, `2` …), captions (`c…`) and paragraphs in reading order: the images in the order of the
    /// article, `*` for those with a caption, and the captions that became paragraphs.
    fn arranged(order: &str) -> (String, String) {
        let (mut images, mut lines, mut body) = (Images::default(), Vec::new(), Vec::new());
        for word in order.split(' ') {
            if word.starts_with(|c: char| c.is_ascii_digit()) {
                assert!(images.add(ImageSource::Part(word.to_owned()), 1, lines.len()));
                continue;
            }
            lines.push((1, word.to_owned()));
            body.push(match word.starts_with('c') {
                true => {
                    Block::Caption { text: word.to_owned(), credit: None, raw: word.to_owned(), html: None }
                }
                false => Block::Paragraph { text: word.to_owned() },
            });
        }
        let captions = vec![1; body.iter().filter(|block| matches!(block, Block::Caption { .. })).count()];
        let arranged = images.arrange(&mut body, &captions, &lines);
        let images = arranged
            .iter()
            .map(|image| format!("{}{}", image.source.name(), if image.has_caption { "*" } else { "" }));
        let texts = body.iter().filter_map(|block| match block {
            Block::Paragraph { text } if text.starts_with('c') => Some(text.as_str()),
            _ => None,
        });
        (images.collect::<Vec<_>>().join(" "), texts.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn only_images_in_the_folder_of_a_saved_page_are_files() {
        for (src, path) in [
            ("./B%C3%A0i_files/anh%201.jpg?w=600", Some("Bài_files/anh 1.jpg")),
            ("bai.files/image001.png", Some("bai.files/image001.png")),
            ("bai_files/", None),
            ("anh/bai.jpg", None),
            ("https://a_files/anh.jpg", None),
            ("/bai_files/anh.jpg", None),
            ("bai_files/con/anh.jpg", None),
            ("bai_files/..%2F..%2Fmat.jpg", None),
            ("../bai_files/anh.jpg", None),
            ("..%2Fbai_files/anh.jpg", None),
            ("data:image/png;base64,_files/a", None),
        ] {
            let source = ImageSource::of_saved_page(src);
            assert_eq!(source, path.map(|path| ImageSource::File(path.to_owned())), "{src}");
        }
    }

    #[test]
    fn a_caption_belongs_to_the_image_above_it() {
        for (order, images, paragraphs) in [
            ("p 1 c1 p 2 c2 p", "1* 2*", ""),
            ("1 p p 2 c2 p 3 p", "2* 1 3", ""),
            ("1 2 c1 c2 p", "1* 2*", ""),
            ("1 2 c2 p", "2* 1", ""),
            ("p c0 p 1 c1", "1*", "c0"),
            ("1 c1 p c2 p", "1*", ""),
            ("c0 p", "", ""),
            ("p 1 p", "1", ""),
            ("1 c1 1 p 2 c2", "1* 2*", ""),
        ] {
            assert_eq!(arranged(order), (images.to_owned(), paragraphs.to_owned()), "{order}");
        }
    }
}

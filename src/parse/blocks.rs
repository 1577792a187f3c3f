//! Converts pieces into the blocks of an article, with their inline styles and links.

use super::caption::Caption;
use super::piece::{Kind, Piece};
use super::safe_html::{Inline, extend_quotation};
use crate::model::Block;

/// The opening paragraph.
pub(super) fn lead(piece: &Piece) -> Block {
    let html = marked(piece).map(|html| html.as_str().to_owned());
    Block::Lead { text: piece.text.clone(), html }
}

/// A paragraph.
pub(super) fn paragraph(piece: &Piece) -> Block {
    match marked(piece) {
        Some(html) => Block::Html { html: html.paragraph() },
        None => Block::Paragraph { text: piece.text.clone() },
    }
}

/// A piece of text, a list or a table.
pub(super) fn plain(piece: &Piece) -> Block {
    match &piece.kind {
        Kind::Whole(block) => block.clone(),
        _ => paragraph(piece),
    }
}

/// A sub-heading.
pub(super) fn heading(piece: &Piece, level: u8) -> Block {
    let level = level.clamp(2, 6);
    match &piece.html {
        Some(html) => Block::Html { html: html.heading(level) },
        None => Block::Heading { level, text: piece.text.clone() },
    }
}

/// A caption.
pub(super) fn caption(piece: &Piece, caption: Caption) -> Block {
    let html = piece.html.as_ref().map(|html| html.as_str().to_owned());
    Block::Caption { text: caption.text, credit: caption.credit, raw: piece.text.clone(), html }
}

/// Appends a block; consecutive quoted paragraphs become one quotation.
pub(super) fn push(blocks: &mut Vec<Block>, block: Block) {
    if let (Some(Block::Html { html: last }), Block::Html { html }) = (blocks.last_mut(), &block)
        && extend_quotation(last, html)
    {
        return;
    }
    blocks.push(block);
}

/// Appends an item to the last list, or begins a new one.
pub(super) fn push_item(blocks: &mut Vec<Block>, is_ordered: bool, piece: &Piece) {
    let text = piece.text.clone();
    match blocks.last_mut() {
        Some(Block::List { ordered, items }) if *ordered == is_ordered => items.push(text),
        _ => blocks.push(Block::List { ordered: is_ordered, items: vec![text] }),
    }
}

/// The inline HTML of a piece, with plain-text URLs as links.
fn marked(piece: &Piece) -> Option<Inline> {
    piece.html.clone().or_else(|| Inline::of_addresses_in(&piece.text))
}

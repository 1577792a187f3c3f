//! Converts pieces into the blocks of an article, with their inline styles and links.

use super::caption::Caption;
use super::piece::{Kind, Piece};
use super::safe_html::{Inline, ListItem, extend_list, extend_quotation, list_html};
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
        Kind::Whole(block) => (**block).clone(),
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

/// Appends an item to the last list, or begins a new one. A list with links or styles is HTML.
pub(super) fn push_item(blocks: &mut Vec<Block>, is_ordered: bool, piece: &Piece) {
    let item = ListItem { text: &piece.text, html: marked(piece) };
    if let Some(Block::Html { html }) = blocks.last_mut()
        && extend_list(html, is_ordered, &item)
    {
        return;
    }
    let mut items =
        match blocks.pop_if(|last| matches!(last, Block::List { ordered, .. } if *ordered == is_ordered)) {
            Some(Block::List { items, .. }) => items,
            _ => Vec::new(),
        };
    blocks.push(match item.html {
        None => {
            items.push(piece.text.clone());
            Block::List { ordered: is_ordered, items }
        }
        Some(_) => {
            let plain = items.iter().map(|text| ListItem { text, html: None });
            Block::Html { html: list_html(is_ordered, plain.chain([item])) }
        }
    });
}

/// The inline HTML of a piece, with plain-text URLs as links.
fn marked(piece: &Piece) -> Option<Box<Inline>> {
    piece.html.clone().or_else(|| Inline::of_addresses_in(&piece.text).map(Box::new))
}

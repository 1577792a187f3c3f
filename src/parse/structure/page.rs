//! A page with the roles of its lines, and the article built from it.

use super::super::byline::Byline;
use super::super::facts::Fact;
use super::super::features::LineFeatures;
use super::super::layout::{self, Layout};
use super::super::piece::Piece;
use super::super::weights::Role;
use crate::model::Block;
use crate::time::Zone;

pub(super) struct LabelledPage<'p> {
    pub pieces: &'p [Piece],
    pub lines: &'p [LineFeatures],
    pub layout: &'p Layout,
    pub zone: Zone,
}

#[derive(Default)]
pub(super) struct Body {
    pub blocks: Vec<Block>,
    pub authors: Vec<String>,
    pub author_lines: Vec<usize>,
    pub source: Option<String>,
    pub tags: Vec<String>,
    pub lead_line: Option<usize>,
    pub caption_lines: Vec<usize>,
}

impl Body {
    pub(super) fn credit(&mut self, byline: &Byline, line: usize) {
        // A longer list is not one of authors, and checking it for duplicates would be slow.
        const MAX_AUTHORS: usize = 50;
        if !byline.authors.is_empty() {
            self.author_lines.push(line);
        }
        for author in &byline.authors {
            if self.authors.len() < MAX_AUTHORS && !self.authors.contains(author) {
                self.authors.push(author.clone());
            }
        }
        if let Some(source) = &byline.source {
            self.source.get_or_insert_with(|| source.clone());
        }
    }
}

impl<'p> LabelledPage<'p> {
    pub(super) fn role(&self, index: usize) -> Role {
        layout::role(self.layout.states[index])
    }

    pub(super) fn text(&self, index: usize) -> &'p str {
        &self.pieces[index].text
    }

    pub(super) fn line(&self, index: usize) -> usize {
        self.pieces[index].line
    }

    pub(super) fn has(&self, index: usize, fact: Fact) -> bool {
        self.lines[index].facts.has(fact)
    }
}

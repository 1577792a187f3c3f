//! Drawings: text boxes, images, and what cannot be published.

use roxmltree::Node;

use super::super::diagnostic::{DiagnosticKind, Part};
use super::super::pictures::ImageSource;
use super::package::{attribute, check_depth, child};
use super::{DocxReader, chosen};

impl<'d> DocxReader<'d, '_, '_, '_> {
    /// Reads text boxes, which often contain captions, and reports content that cannot be published.
    pub(super) fn graphic(&mut self, drawing: Node<'d, 'd>, depth: usize) -> Result<(), DiagnosticKind> {
        check_depth(depth)?;
        for node in drawing.children().filter(Node::is_element) {
            match node.tag_name().name() {
                "docPr" if matches!(attribute(node, "hidden"), Some("1" | "true")) => return Ok(()),
                "AlternateContent" => {
                    if let Some(chosen) = chosen(node) {
                        self.graphic(chosen, depth + 1)?;
                    }
                }
                // NOTE: nested boxes are found by their own runs; searching for them here would duplicate them.
                "txbxContent" => self.boxes.push(node),
                "blip" | "imagedata" => self.picture(node),
                "chart" | "relIds" => self.omit(Part::Drawing, ""),
                "OLEObject" => self.omit(Part::Object, attribute(node, "ProgID").unwrap_or_default()),
                "textpath" => {
                    let text = attribute(node, "string").unwrap_or_default();
                    self.flow.text(&format!(" {text} "), self.paragraph);
                }
                // Text in a drawing.
                "t" => self.flow.text(&format!(" {} ", node.text().unwrap_or_default()), self.paragraph),
                _ => self.graphic(node, depth + 1)?,
            }
        }
        Ok(())
    }

    /// An image. One that is stored elsewhere, or that Word shows only a part of or turned, is not published.
    fn picture(&mut self, node: Node<'_, '_>) {
        let file = attribute(node, "embed").or(attribute(node, "id")).or(attribute(node, "link"));
        let relation = file.and_then(|id| self.relations.get(id));
        match relation.filter(|relation| !relation.external && !is_altered(node)) {
            Some(relation) => self.flow.image(ImageSource::Part(relation.target.clone()), self.paragraph),
            None => {
                let described = node.ancestors().take(8).find_map(|node| {
                    let about = child(node, "docPr")?;
                    let text = attribute(about, "descr").or(attribute(about, "title"))?;
                    Some(text).filter(|text| !text.trim().is_empty())
                });
                let file = relation.and_then(|relation| relation.target.rsplit('/').next());
                self.omit(Part::Picture, described.or(file).unwrap_or_default());
            }
        }
    }
}

/// Whether Word crops, turns or mirrors the image. NOTE: what was cropped must not be published.
fn is_altered(image: Node<'_, '_>) -> bool {
    let is_set = |node: Node<'_, '_>, names: &[&str]| {
        names.iter().any(|name| attribute(node, name).is_some_and(|value| value != "0" && value != "false"))
    };
    let holder = image.parent();
    let cropped = holder.and_then(|fill| child(fill, "srcRect"));
    let shape = holder.and_then(|fill| child(fill.parent()?, "spPr"));
    let turned = shape.and_then(|shape| child(shape, "xfrm"));
    let style = holder.and_then(|shape| attribute(shape, "style")).unwrap_or_default();
    cropped.is_some_and(|node| is_set(node, &["l", "t", "r", "b"]))
        || turned.is_some_and(|node| is_set(node, &["rot", "flipH", "flipV"]))
        || is_set(image, &["cropleft", "croptop", "cropright", "cropbottom"])
        || style.contains("rotation:")
        || style.contains("flip:")
}

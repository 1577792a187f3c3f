//! Drawings: text boxes, images, and what cannot be published.

use roxmltree::Node;

use super::super::diagnostic::Part;
use super::super::letters::Letters;
use super::super::package::{attribute, check_depth, child};
use super::super::pictures::ImageSource;
use super::styles::Family;
use super::{OdtReader, ReadResult, formula, is_graphic};

impl<'d> OdtReader<'d, '_, '_, '_> {
    pub(super) fn graphic(&mut self, node: Node<'d, 'd>, depth: usize) -> ReadResult {
        check_depth(depth)?;
        match node.tag_name().name() {
            "frame" => self.frame(node, depth),
            "g" => {
                for part in node.children().filter(|part| is_graphic(part.tag_name().name())) {
                    self.graphic(part, depth + 1)?;
                }
                Ok(())
            }
            // The text in a shape.
            _ => {
                self.boxes.push(node);
                Ok(())
            }
        }
    }

    /// A frame holds one content in several forms; the first that can be published is taken.
    fn frame(&mut self, frame: Node<'d, 'd>, depth: usize) -> ReadResult {
        if let Some(text_box) = child(frame, "text-box") {
            self.boxes.push(text_box);
            return Ok(());
        }
        if let Some(object) = child(frame, "object").or(child(frame, "object-ole")) {
            match self.formulas.get(attribute(object, "href").unwrap_or_default()).cloned() {
                Some(parts) => self.formula(parts),
                None => self.omit(Part::Object, self.name_of(frame)),
            }
            return Ok(());
        }
        if child(frame, "plugin").is_some() || child(frame, "applet").is_some() {
            self.omit(Part::Object, self.name_of(frame));
            return Ok(());
        }
        if let Some(inner) = child(frame, "frame") {
            return self.graphic(inner, depth + 1);
        }
        self.image(frame);
        Ok(())
    }

    /// Writes a formula as text, and reports that its layout is lost.
    fn formula(&mut self, parts: formula::Parts) {
        self.omit(Part::Formula, "");
        for (text, position) in parts {
            self.text(&text, &Letters { raised: Some(position), ..Letters::default() });
        }
    }

    /// An image. One that is stored elsewhere, or that the document shows only a part of or turned, is not published:
    /// what was cropped must not appear.
    fn image(&mut self, frame: Node<'d, 'd>) {
        let parts: Vec<&str> = frame
            .children()
            .filter(|node| node.tag_name().name() == "image")
            .filter_map(|image| attribute(image, "href"))
            .map(|href| href.trim_start_matches("./"))
            .filter(|href| !href.contains("://") && !href.starts_with("../") && !href.is_empty())
            .collect();
        let is_drawing =
            |part: &&&str| [".svg", ".svm", ".emf", ".wmf"].iter().any(|end| part.ends_with(end));
        let style = self.styles.get(Family::Graphic, attribute(frame, "style-name").unwrap_or_default());
        let is_turned = attribute(frame, "transform").is_some_and(|transform| transform.contains("rotate"));
        match parts
            .iter()
            .find(|part| !is_drawing(part))
            .or(parts.first())
            .filter(|_| !style.alters_image && !is_turned)
        {
            Some(part) => self.flow.image(ImageSource::Part((*part).to_owned()), self.paragraph),
            None => self.omit(Part::Picture, self.name_of(frame)),
        }
    }

    /// The description of a frame, else its name.
    fn name_of(&self, frame: Node<'d, 'd>) -> &'d str {
        let described = ["desc", "title"].iter().find_map(|name| child(frame, name)?.text());
        described.filter(|text| !text.trim().is_empty()).or(attribute(frame, "name")).unwrap_or_default()
    }
}

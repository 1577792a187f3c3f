//! The stylesheet, the script and the icons, in the site's colour.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::model::{Colour, Site};
use crate::text::hex;
use crate::urls::{ICON_PATH, asset_path};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("buttons.js");

/// A static file used by pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The path. The name is a hash of the bytes, except for `favicon.ico`.
    pub path: String,
    /// For `Content-Type`.
    pub media_type: &'static str,
    /// The content.
    pub bytes: Vec<u8>,
}

impl Asset {
    fn fingerprinted(extension: &str, media_type: &'static str, bytes: Vec<u8>) -> Self {
        let name = hex(&Sha256::digest(&bytes)[..8]);
        Self { path: asset_path(&format!("{name}.{extension}")), media_type, bytes }
    }
}

/// All static files of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteAssets {
    /// The stylesheet.
    pub style: Asset,
    /// The script of the buttons to copy and to share.
    pub script: Asset,
    /// The icon as SVG.
    pub icon: Asset,
    /// The icon for old browsers.
    pub favicon_ico: Asset,
}

impl SiteAssets {
    /// Builds the files. Deterministic.
    pub fn new(site: &Site) -> Self {
        let colour = site.colour;
        let style = format!(":root{{--site:{colour};--site-on-dark:{}}}\n{STYLE}", colour.on_dark());
        Self {
            style: Asset::fingerprinted("css", "text/css; charset=utf-8", style.into_bytes()),
            script: Asset::fingerprinted("js", "text/javascript; charset=utf-8", SCRIPT.into()),
            icon: Asset::fingerprinted("svg", "image/svg+xml", svg_icon(colour).into_bytes()),
            favicon_ico: Asset {
                path: ICON_PATH.to_owned(),
                media_type: "image/vnd.microsoft.icon",
                bytes: ico_icon(colour),
            },
        }
    }

    /// Each of them.
    pub fn assets(self) -> [Asset; 4] {
        [self.style, self.script, self.icon, self.favicon_ico]
    }
}

/// A page with a headline and lines of text: left, top, right and bottom in a square of 32 pixels.
const ICON_LINES: [[usize; 4]; 3] = [[8, 8, 24, 13], [8, 16, 24, 18], [8, 21, 19, 23]];

fn svg_icon(colour: Colour) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\">\
         <rect width=\"32\" height=\"32\" rx=\"6\" fill=\"{colour}\"/><g fill=\"#fff\">"
    );
    for [left, top, right, bottom] in ICON_LINES {
        let (width, height) = (right - left, bottom - top);
        let _ = write!(svg, "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/>");
    }
    svg.push_str("</g></svg>");
    svg
}

/// An ICO file with one uncompressed image, which every browser supports.
fn ico_icon(colour: Colour) -> Vec<u8> {
    const SIDE: usize = 32;
    const PIXELS: usize = SIDE * SIDE * 4;
    const MASK: usize = SIDE * SIDE / 8;
    const HEAD: usize = 40;
    let mut bytes = Vec::with_capacity(6 + 16 + HEAD + PIXELS + MASK);
    let mut number =
        |value: usize, width: usize| bytes.extend_from_slice(&(value as u64).to_le_bytes()[..width]);
    // ICONDIR: one icon.
    for value in [0, 1, 1] {
        number(value, 2);
    }
    for (value, width) in
        [(SIDE, 1), (SIDE, 1), (0, 2), (1, 2), (32, 2), (HEAD + PIXELS + MASK, 4), (6 + 16, 4)]
    {
        number(value, width);
    }
    // BITMAPINFOHEADER: the height includes the mask.
    for (value, width) in
        [(HEAD, 4), (SIDE, 4), (2 * SIDE, 4), (1, 2), (32, 2), (0, 4), (PIXELS + MASK, 4), (0, 8), (0, 8)]
    {
        number(value, width);
    }
    let [red, green, blue] = colour.rgb();
    // Rows are stored bottom-up.
    for y in (0..SIDE).rev() {
        for x in 0..SIDE {
            let is_on_line = |[left, top, right, bottom]: [usize; 4]| {
                (left..right).contains(&x) && (top..bottom).contains(&y)
            };
            bytes.extend_from_slice(&match () {
                () if is_outside_corner(x, y) => [0, 0, 0, 0],
                () if ICON_LINES.into_iter().any(is_on_line) => [255, 255, 255, 255],
                () => [blue, green, red, 255],
            });
        }
    }
    bytes.resize(bytes.len() + MASK, 0);
    bytes
}

/// The corners have a radius of 6.
fn is_outside_corner(x: usize, y: usize) -> bool {
    // Twice the distance between the centres of the pixel and the circle.
    let from_circle = |at: usize| 11_usize.saturating_sub(2 * at.min(31 - at));
    from_circle(x).pow(2) + from_circle(y).pow(2) > 144
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_is_a_complete_image() {
        let bytes = ico_icon(Colour::default());
        assert_eq!(bytes.len(), 6 + 16 + 40 + 4096 + 128);
        assert_eq!(bytes[..6], [0, 0, 1, 0, 1, 0]);
        let pixel = |x: usize, y: usize| &bytes[62 + ((31 - y) * 32 + x) * 4..][..4];
        assert_eq!(pixel(0, 0), [0, 0, 0, 0]);
        assert_eq!(pixel(0, 16), [0x18, 0x1d, 0x8c, 255]);
        assert_eq!(pixel(10, 10), [255, 255, 255, 255]);
    }

    #[test]
    fn the_stylesheet_uses_the_backgrounds_of_the_contrast_check() {
        for background in [Colour::LIGHT_BACKGROUND, Colour::DARK_BACKGROUND] {
            assert!(STYLE.contains(&format!("--surface:{background}")), "{background}");
        }
    }
}

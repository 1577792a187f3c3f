//! The site's own colour, and whether text can be read in it.

use std::fmt;
use std::str::FromStr;

/// A colour in sRGB: `#8c1d18`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

/// Why a text is no colour for a site.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidColour {
    /// Not `#` and six hexadecimal digits.
    #[error("`{0}` is no colour: write it like `#8c1d18`")]
    Syntax(String),
    /// Text in it cannot be read on a light page (WCAG 2.2, 1.4.3).
    #[error(
        "`{given}` is too pale for text on a light page (contrast {contrast:.1}, 4.5 is needed): take a darker one, like `{darker}`"
    )]
    LowContrast {
        /// What was written.
        given: Colour,
        /// The contrast that it would have.
        contrast: f64,
        /// The same, dark enough.
        darker: Colour,
    },
}

impl Colour {
    /// The darkest ground on which light pages set text in the site's colour.
    pub const LIGHT_BACKGROUND: Self = Self::new(0xf1, 0xef, 0xe9);
    /// The lightest ground on which dark pages set text in the site's colour.
    pub const DARK_BACKGROUND: Self = Self::new(0x29, 0x27, 0x25);
    /// What small text needs (WCAG 2.2, 1.4.3, level AA).
    const MIN_CONTRAST: f64 = 4.5;

    /// A colour of its three parts.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Red, green, blue.
    pub fn rgb(self) -> [u8; 3] {
        [self.red, self.green, self.blue]
    }

    /// Takes a colour for a site.
    ///
    /// # Errors
    /// Where it is none, or text in it could not be read; the error proposes one that can.
    pub fn parse_accessible(text: &str) -> Result<Self, InvalidColour> {
        let given: Self = text.parse()?;
        let contrast = given.contrast(Self::LIGHT_BACKGROUND);
        if contrast >= Self::MIN_CONTRAST {
            return Ok(given);
        }
        let darker = given.mix_until_readable(Self::new(0, 0, 0), Self::LIGHT_BACKGROUND);
        Err(InvalidColour::LowContrast { given, contrast, darker })
    }

    /// The same colour for dark pages: as it is where it can be read there, else lightened until it can.
    pub fn on_dark(self) -> Self {
        // First to a brighter one of the same tint, for white alone would leave it pale.
        let strongest = u16::from(self.red.max(self.green).max(self.blue).max(1));
        let bright = |part: u8| {
            let full = u16::from(part) * 255 / strongest;
            u8::try_from((full + 255) / 2).unwrap_or(u8::MAX)
        };
        let tint = Self::new(bright(self.red), bright(self.green), bright(self.blue));
        let white = Self::new(0xff, 0xff, 0xff);
        self.mix_until_readable(tint, Self::DARK_BACKGROUND).mix_until_readable(white, Self::DARK_BACKGROUND)
    }

    /// How well one can be told from the other: 1 to 21 (WCAG 2.2, "contrast ratio").
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// As little of the way to `end` as makes it readable on `ground`.
    fn mix_until_readable(self, end: Self, ground: Self) -> Self {
        const STEPS: u16 = 64;
        let mix = |from: u8, to: u8, step: u16| {
            let sum = u16::from(from) * (STEPS - step) + u16::from(to) * step;
            u8::try_from(sum / STEPS).unwrap_or(u8::MAX)
        };
        let at = |step| {
            Self::new(
                mix(self.red, end.red, step),
                mix(self.green, end.green, step),
                mix(self.blue, end.blue, step),
            )
        };
        (0..STEPS).map(at).find(|colour| colour.contrast(ground) >= Self::MIN_CONTRAST).unwrap_or(end)
    }

    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

/// The colour of a site that chose none: the red of lacquer.
impl Default for Colour {
    fn default() -> Self {
        Self::new(0x8c, 0x1d, 0x18)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

impl FromStr for Colour {
    type Err = InvalidColour;

    fn from_str(text: &str) -> Result<Self, InvalidColour> {
        let refuse = || InvalidColour::Syntax(text.to_owned());
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or_else(refuse)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(refuse());
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| refuse())?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self { red, green, blue })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn contrast_is_that_of_wcag() {
        let (black, white) = (Colour::new(0, 0, 0), Colour::new(255, 255, 255));
        assert!((black.contrast(white) - 21.0).abs() < 1e-9);
        assert!((white.contrast(white) - 1.0).abs() < 1e-9);
        let grey: Colour = "#767676".parse().unwrap();
        assert!((grey.contrast(white) - 4.54).abs() < 0.01, "{}", grey.contrast(white));
    }

    #[test]
    fn a_colour_that_cannot_be_read_is_refused_with_one_that_can() {
        for text in ["", "8c1d18", "#8c1d1", "#8c1d189", "#8c1d1g", "red", "#+c1d18", "#đỏ00"] {
            assert!(matches!(Colour::parse_accessible(text), Err(InvalidColour::Syntax(_))), "{text}");
        }
        let Err(InvalidColour::LowContrast { darker, .. }) = Colour::parse_accessible("#ffcc00") else {
            panic!()
        };
        assert_eq!(Colour::parse_accessible(&darker.to_string()), Ok(darker));
        assert_eq!(Colour::parse_accessible("#8C1D18"), Ok(Colour::default()));
    }

    proptest! {
        #[test]
        fn on_dark_pages_every_colour_can_be_read(red: u8, green: u8, blue: u8) {
            let colour = Colour::new(red, green, blue).on_dark();
            prop_assert!(colour.contrast(Colour::DARK_BACKGROUND) >= Colour::MIN_CONTRAST);
        }

        #[test]
        fn any_text_is_a_colour_or_refused(text in "[#0-9a-f]{0,8}|.{0,9}") {
            if let Ok(colour) = text.parse::<Colour>() {
                prop_assert_eq!(colour.to_string(), text.to_lowercase());
            }
        }
    }
}

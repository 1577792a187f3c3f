//! The colour of the site, and its contrast (WCAG).

use std::fmt;
use std::str::FromStr;

/// A colour in sRGB: `#8c1d18`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

/// The error for an invalid site colour.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidColour {
    /// Not `#` and six hexadecimal digits.
    #[error("`{0}` is not a colour: write it like `#8c1d18`")]
    Syntax(String),
    /// Its contrast on a light page is too low (WCAG 2.2, 1.4.3).
    #[error(
        "`{given}` is too pale for text on a light page (contrast {contrast:.1}, at least 4.5 needed): use a darker one, such as `{darker}`"
    )]
    LowContrast {
        /// The given colour.
        given: Colour,
        /// Its contrast.
        contrast: f64,
        /// A darker variant with sufficient contrast.
        darker: Colour,
    },
}

impl Colour {
    /// The darkest background of text in the site's colour on light pages.
    pub const LIGHT_BACKGROUND: Self = Self::new(0xf1, 0xef, 0xe9);
    /// The lightest background of text in the site's colour on dark pages.
    pub const DARK_BACKGROUND: Self = Self::new(0x29, 0x27, 0x25);
    /// The minimum contrast of small text (WCAG 2.2, 1.4.3, level AA).
    const MIN_CONTRAST: f64 = 4.5;

    /// A colour from its three components.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Red, green, blue.
    pub fn rgb(self) -> [u8; 3] {
        [self.red, self.green, self.blue]
    }

    /// Parses a colour with sufficient contrast.
    ///
    /// # Errors
    /// If it is not a colour, or its contrast is too low; the error suggests another.
    pub fn parse_accessible(text: &str) -> Result<Self, InvalidColour> {
        let given: Self = text.parse()?;
        let contrast = given.contrast(Self::LIGHT_BACKGROUND);
        if contrast >= Self::MIN_CONTRAST {
            return Ok(given);
        }
        let darker = given.mix_until_readable(Self::new(0, 0, 0), Self::LIGHT_BACKGROUND);
        Err(InvalidColour::LowContrast { given, contrast, darker })
    }

    /// The colour for dark pages, lightened until its contrast is sufficient.
    pub fn on_dark(self) -> Self {
        // First towards a brighter colour of the same hue; mixing with white alone would make it pale.
        let strongest = u16::from(self.red.max(self.green).max(self.blue).max(1));
        let bright = |part: u8| {
            let full = u16::from(part) * 255 / strongest;
            u8::try_from((full + 255) / 2).unwrap_or(u8::MAX)
        };
        let tint = Self::new(bright(self.red), bright(self.green), bright(self.blue));
        let white = Self::new(0xff, 0xff, 0xff);
        self.mix_until_readable(tint, Self::DARK_BACKGROUND).mix_until_readable(white, Self::DARK_BACKGROUND)
    }

    /// The contrast ratio of two colours: 1 to 21 (WCAG 2.2).
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Mixes in as little of `end` as gives sufficient contrast on `background`.
    fn mix_until_readable(self, end: Self, background: Self) -> Self {
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
        (0..STEPS).map(at).find(|colour| colour.contrast(background) >= Self::MIN_CONTRAST).unwrap_or(end)
    }

    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

/// The default colour of a site: lacquer red.
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
        let error = || InvalidColour::Syntax(text.to_owned());
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or_else(error)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(error());
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| error())?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self { red, green, blue })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn contrast_follows_wcag() {
        let (black, white) = (Colour::new(0, 0, 0), Colour::new(255, 255, 255));
        assert!((black.contrast(white) - 21.0).abs() < 1e-9);
        assert!((white.contrast(white) - 1.0).abs() < 1e-9);
        let grey: Colour = "#767676".parse().unwrap();
        assert!((grey.contrast(white) - 4.54).abs() < 0.01, "{}", grey.contrast(white));
    }

    #[test]
    fn low_contrast_is_rejected_with_a_suggestion() {
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
        fn every_colour_is_readable_on_dark_pages(red: u8, green: u8, blue: u8) {
            let colour = Colour::new(red, green, blue).on_dark();
            prop_assert!(colour.contrast(Colour::DARK_BACKGROUND) >= Colour::MIN_CONTRAST);
        }

        #[test]
        fn every_text_is_a_colour_or_rejected(text in "[#0-9a-f]{0,8}|.{0,9}") {
            if let Ok(colour) = text.parse::<Colour>() {
                prop_assert_eq!(colour.to_string(), text.to_lowercase());
            }
        }
    }
}

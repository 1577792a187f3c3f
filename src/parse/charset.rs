//! The names of the supported encodings.

use std::fmt;

/// An encoding that a setting can select for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// UTF-16, little-endian unless a byte order mark says otherwise.
    Utf16,
    /// windows-1258: Vietnamese with combining marks.
    Windows1258,
    /// TCVN 5712 (`.VnTime` fonts), as raw bytes or read as Latin letters and saved as Unicode.
    Tcvn3,
    /// VNI (`VNI-Times` fonts), likewise.
    Vni,
}

impl Encoding {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Utf8, Self::Utf16, Self::Windows1258, Self::Tcvn3, Self::Vni];

    /// The name in settings: `encoding = "tcvn3"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16 => "utf-16",
            Self::Windows1258 => "windows-1258",
            Self::Tcvn3 => "tcvn3",
            Self::Vni => "vni",
        }
    }

    /// The encoding with this name, in any case and with or without hyphens.
    pub fn from_setting(name: &str) -> Option<Self> {
        let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
        let wanted = match plain(name).as_str() {
            "cp1258" => "windows1258".to_owned(),
            "abc" | "tcvn" => "tcvn3".to_owned(),
            other => other.to_owned(),
        };
        Self::ALL.into_iter().find(|encoding| plain(encoding.as_str()) == wanted)
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16 => "UTF-16",
            Self::Windows1258 => "windows-1258",
            Self::Tcvn3 => "TCVN3",
            Self::Vni => "VNI",
        })
    }
}

//! Bytes into text: which encoding a file is in, and when to say rather than guess.

use std::fmt;

use super::finding::{Complaint, Findings};

/// An encoding that a setting may force on a file.
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

    /// The word for settings: `encoding = "tcvn3"`.
    pub fn setting(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16 => "utf-16",
            Self::Windows1258 => "windows-1258",
            Self::Tcvn3 => "tcvn3",
            Self::Vni => "vni",
        }
    }

    /// The encoding of that word, in any case and with or without hyphens.
    pub fn from_setting(word: &str) -> Option<Self> {
        let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
        let wanted = match plain(word).as_str() {
            "cp1258" => "windows1258".to_owned(),
            "abc" | "tcvn" => "tcvn3".to_owned(),
            other => other.to_owned(),
        };
        Self::ALL.into_iter().find(|encoding| plain(encoding.setting()) == wanted)
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

/// Decodes a file. `None` where it was refused.
pub(super) fn decode(bytes: &[u8], forced: Option<Encoding>, findings: &mut Findings) -> Option<String> {
    let _ = forced;
    let (text, _, broken) = encoding_rs::UTF_8.decode(bytes);
    if broken {
        findings.refuse(1, Complaint::UnknownEncoding { guess: "windows-1258" });
        return None;
    }
    Some(with_newlines(text.into_owned()))
}

/// Every kind of line end becomes `\n`, so that lines count as editors count them.
fn with_newlines(text: String) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text }
}

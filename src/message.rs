//! Messages in both languages of the program: Vietnamese for the editorial office, English for logs and the command
//! line.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One message in two languages. [`Display`](fmt::Display) shows the English text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// For the editorial office.
    pub vietnamese: String,
    /// For operators.
    pub english: String,
}

impl Message {
    /// A message with the same content in both languages.
    pub fn new(vietnamese: impl Into<String>, english: impl Into<String>) -> Self {
        Self { vietnamese: vietnamese.into(), english: english.into() }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.english)
    }
}

/// `1 file`, `2 files`.
pub fn counted(number: impl TryInto<u64>, what: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

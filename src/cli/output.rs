//! Output of commands: lines of data and counts.

use std::io::{self, Write as _};

/// Maximum length of one part of a text line, in bytes.
pub(super) const MAX_LINE: usize = 4096;

/// The options on output that all commands share.
#[derive(Clone, Copy)]
pub(super) struct OutputOptions {
    pub(super) json: bool,
    pub(super) quiet: bool,
    pub(super) verbose: bool,
}

/// The outcome of a command that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    ProblemsFound,
}

pub(super) use crate::message::counted;

/// Prints a line of data on stdout.
pub(super) fn print_line(line: impl std::fmt::Display) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

/// Lines of data: text, or the elements of one JSON array.
pub(super) struct Lines {
    out: io::StdoutLock<'static>,
    pub(super) json: bool,
    first: bool,
}

impl Lines {
    pub(super) fn new(json: bool) -> io::Result<Self> {
        Ok(Self { out: io::stdout().lock(), json, first: true })
    }

    pub(super) fn line(&mut self, line: impl FnOnce(bool) -> String) -> io::Result<()> {
        let before = match (self.json, self.first) {
            (false, _) => "",
            (true, true) => "[",
            (true, false) => ",\n ",
        };
        self.first = false;
        write!(self.out, "{before}{}{}", line(self.json), if self.json { "" } else { "\n" })
    }

    pub(super) fn end(mut self) -> io::Result<()> {
        match (self.json, self.first) {
            (true, true) => writeln!(self.out, "[]"),
            (true, false) => writeln!(self.out, "]"),
            (false, _) => Ok(()),
        }
    }
}

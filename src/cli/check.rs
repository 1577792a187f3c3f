//! `bantin check`: reads config and articles, publishes nothing, says what is wrong and what to do.

mod understood;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Arguments, LONGEST_LINE, Lines, Outcome, counted};
use crate::config::Config;
use crate::ingest::{self, FileFinding, Inspected};
use crate::manuscript::Severity;
use crate::telemetry::{printable, say};
use understood::Understood;

pub(super) fn check(config: &Config, files: &[PathBuf], arguments: &Arguments) -> anyhow::Result<Outcome> {
    let root = if files.is_empty() { config.ingest.path.as_path() } else { Path::new("") };
    let mut told = Told::new(root, &config.ingest, arguments)?;
    if let Err(cause) = config.fit_to_serve() {
        told.finding_of_config(cause.to_string())?;
    }
    let now = config.store.clock.now();
    let read = if files.is_empty() {
        ingest::inspect(&config.ingest, now, |seen| told.file(&seen))?
    } else {
        for file in files {
            told.file(&ingest::inspect_file(&file.to_string_lossy(), &config.ingest, now))?;
        }
        files.len() as u64
    };
    let (errors, warnings) = (told.errors, told.warnings);
    told.lines.end()?;
    if !arguments.quiet {
        say!(
            "{} read: {}, {}",
            counted(read, "article"),
            counted(errors, "error"),
            counted(warnings, "warning")
        );
    }
    Ok(if errors + warnings == 0 { Outcome::Done } else { Outcome::Findings })
}

/// Tells of one file after the other, and counts.
struct Told<'a> {
    root: &'a Path,
    options: &'a ingest::Options,
    verbose: bool,
    lines: Lines,
    errors: usize,
    warnings: usize,
}

impl<'a> Told<'a> {
    fn new(root: &'a Path, options: &'a ingest::Options, arguments: &Arguments) -> io::Result<Self> {
        let lines = Lines::new(arguments.json)?;
        Ok(Self { root, options, verbose: arguments.verbose, lines, errors: 0, warnings: 0 })
    }

    fn finding_of_config(&mut self, text: String) -> io::Result<()> {
        let finding = FileFinding {
            path: "config".to_owned(),
            line: 1,
            severity: Severity::Error,
            vietnamese: text.clone(),
            english: text,
        };
        let (path, findings) = ("config".to_owned(), vec![finding]);
        let seen = Inspected { path, channel: None, reading: None, pictures: Vec::new(), findings };
        self.tell(&seen, Path::new(""))
    }

    fn file(&mut self, seen: &Inspected) -> io::Result<()> {
        self.tell(seen, self.root)
    }

    /// Plainly, a line for each finding; verbosely, what was understood of the file before them.
    fn tell(&mut self, seen: &Inspected, root: &Path) -> io::Result<()> {
        self.errors += count(&seen.findings, Severity::Error);
        self.warnings += count(&seen.findings, Severity::Warning);
        let understood = Understood::of(seen, self.options).filter(|_| self.verbose);
        match (self.lines.json, self.verbose) {
            (true, true) => {
                let path = root.join(&seen.path).display().to_string();
                let findings: Vec<_> = seen.findings.iter().map(|finding| as_json(root, finding)).collect();
                let understood = understood.as_ref().map(Understood::as_json);
                let file = json!({ "path": path, "understood": understood, "findings": findings });
                return self.lines.line(|_| file.to_string());
            }
            (false, true) if seen.reading.is_some() => {
                let path = root.join(&seen.path).display().to_string();
                let path = printable(&path, LONGEST_LINE);
                self.lines.line(|_| understood::for_people(&path, understood.as_ref()))?;
            }
            _ => {}
        }
        let all = self.verbose || self.lines.json;
        for finding in seen.findings.iter().filter(|finding| all || finding.severity != Severity::Note) {
            self.lines.line(|json| match json {
                true => as_json(root, finding).to_string(),
                false => as_line(root, finding),
            })?;
        }
        Ok(())
    }
}

fn count(findings: &[FileFinding], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}

/// Prints findings as `path:line: severity: message`, or as JSON. Notes only with `-v` or as JSON.
pub(super) fn print_findings(findings: &[FileFinding], root: &Path, arguments: &Arguments) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if arguments.json {
        let findings: Vec<_> = findings.iter().map(|finding| as_json(root, finding)).collect();
        return writeln!(out, "{}", Value::Array(findings));
    }
    for finding in findings {
        if finding.severity != Severity::Note || arguments.verbose {
            writeln!(out, "{}", as_line(root, finding))?;
        }
    }
    Ok(())
}

/// Prints findings of a command whose data is something else.
pub(super) fn print_findings_to_stderr(findings: &[FileFinding], root: &Path, arguments: &Arguments) {
    let shown = findings.iter().filter(|f| f.severity != Severity::Note || arguments.verbose);
    for finding in shown.filter(|finding| !arguments.quiet || finding.severity == Severity::Error) {
        say!("{}", as_line(root, finding));
    }
}

/// `path:line: severity: message (English message)`.
pub(super) fn as_line(root: &Path, finding: &FileFinding) -> String {
    let FileFinding { path, line, severity, vietnamese, english } = finding;
    let path = root.join(path).display().to_string();
    let message = format!("{vietnamese} ({english})");
    let (path, message) = (printable(&path, LONGEST_LINE), printable(&message, LONGEST_LINE));
    format!("{path}:{line}: {}: {message}", severity.as_str())
}

pub(super) fn as_json(root: &Path, finding: &FileFinding) -> Value {
    let fields: BTreeMap<&str, Value> = BTreeMap::from([
        ("path", json!(root.join(&finding.path).display().to_string())),
        ("line", json!(finding.line)),
        ("severity", json!(finding.severity.as_str())),
        ("message", json!(finding.vietnamese)),
        ("message_en", json!(finding.english)),
    ]);
    json!(fields)
}

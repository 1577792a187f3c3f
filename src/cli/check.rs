//! `bantin check`: reads config and articles and reports problems; publishes nothing.

mod report;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::output::{Lines, MAX_LINE, Outcome, OutputOptions, counted};
use crate::config::Config;
use crate::ingest::{self, CheckedFile, FileDiagnostic};
use crate::logging::{printable, say};
use crate::message::Message;
use crate::parse::Severity;
use report::ParsedReport;

pub(super) fn check(config: &Config, files: &[PathBuf], output: OutputOptions) -> anyhow::Result<Outcome> {
    let root = if files.is_empty() { config.ingest.path.as_path() } else { Path::new("") };
    let mut reporter = CheckReporter::new(root, &config.ingest, output)?;
    if let Err(cause) = config.validate_for_serving() {
        let text = cause.to_string();
        reporter.config_diagnostic(Severity::Error, Message::new(text.clone(), text))?;
    }
    for warning in &config.warnings {
        reporter.config_diagnostic(Severity::Warning, warning.clone())?;
    }
    let now = config.store.clock.now();
    let read = if files.is_empty() {
        ingest::check_folder(&config.ingest, now, |seen| reporter.file(&seen))?
    } else {
        ingest::check_files(files, &config.ingest, now, |seen| reporter.file(&seen))?;
        files.len() as u64
    };
    let (errors, warnings) = (reporter.errors, reporter.warnings);
    reporter.lines.end()?;
    if !output.quiet {
        say!(
            "{} read: {}, {}",
            counted(read, "article"),
            counted(errors, "error"),
            counted(warnings, "warning")
        );
    }
    Ok(if errors + warnings == 0 { Outcome::Done } else { Outcome::ProblemsFound })
}

/// Reports one file after the other, and counts errors and warnings.
struct CheckReporter<'a> {
    root: &'a Path,
    options: &'a ingest::IngestOptions,
    verbose: bool,
    lines: Lines,
    errors: usize,
    warnings: usize,
}

impl<'a> CheckReporter<'a> {
    fn new(root: &'a Path, options: &'a ingest::IngestOptions, output: OutputOptions) -> io::Result<Self> {
        let lines = Lines::new(output.json)?;
        Ok(Self { root, options, verbose: output.verbose, lines, errors: 0, warnings: 0 })
    }

    fn config_diagnostic(&mut self, severity: Severity, message: Message) -> io::Result<()> {
        let finding = FileDiagnostic { path: "config".to_owned(), line: 1, severity, message };
        let (path, findings) = ("config".to_owned(), vec![finding]);
        let seen = CheckedFile { path, channel: None, reading: None, pictures: Vec::new(), findings };
        self.report(&seen, Path::new(""))
    }

    fn file(&mut self, seen: &CheckedFile) -> io::Result<()> {
        self.report(seen, self.root)
    }

    /// Prints a line per diagnostic; verbosely, also the parsed article.
    fn report(&mut self, seen: &CheckedFile, root: &Path) -> io::Result<()> {
        self.errors += count(&seen.findings, Severity::Error);
        self.warnings += count(&seen.findings, Severity::Warning);
        let understood = ParsedReport::new(seen, self.options).filter(|_| self.verbose);
        match (self.lines.json, self.verbose) {
            (true, true) => {
                let path = root.join(&seen.path).display().to_string();
                let findings: Vec<_> = seen.findings.iter().map(|finding| as_json(root, finding)).collect();
                let understood = understood.as_ref().map(ParsedReport::as_json);
                let file = json!({ "path": path, "understood": understood, "findings": findings });
                return self.lines.line(|_| file.to_string());
            }
            (false, true) if seen.reading.is_some() => {
                let path = root.join(&seen.path).display().to_string();
                let path = printable(&path, MAX_LINE);
                self.lines.line(|_| report::print_text(&path, understood.as_ref()))?;
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

fn count(findings: &[FileDiagnostic], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}

/// Prints diagnostics as `path:line: severity: message`, or as JSON. Notes only with `-v` or as JSON.
pub(super) fn print_diagnostics(
    findings: &[FileDiagnostic],
    root: &Path,
    output: OutputOptions,
) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if output.json {
        let findings: Vec<_> = findings.iter().map(|finding| as_json(root, finding)).collect();
        return writeln!(out, "{}", Value::Array(findings));
    }
    for finding in findings {
        if finding.severity != Severity::Note || output.verbose {
            writeln!(out, "{}", as_line(root, finding))?;
        }
    }
    Ok(())
}

/// Prints diagnostics of a command whose stdout has other data.
pub(super) fn print_diagnostics_to_stderr(findings: &[FileDiagnostic], root: &Path, output: OutputOptions) {
    let shown = findings.iter().filter(|f| f.severity != Severity::Note || output.verbose);
    for finding in shown.filter(|finding| !output.quiet || finding.severity == Severity::Error) {
        say!("{}", as_line(root, finding));
    }
}

/// `path:line: severity: message (English message)`.
pub(super) fn as_line(root: &Path, finding: &FileDiagnostic) -> String {
    let FileDiagnostic { path, line, severity, message: Message { vietnamese, english } } = finding;
    let path = root.join(path).display().to_string();
    // An error of the configuration has one language only.
    let message = if vietnamese == english { english.clone() } else { format!("{vietnamese} ({english})") };
    let (path, message) = (printable(&path, MAX_LINE), printable(&message, MAX_LINE));
    format!("{path}:{line}: {}: {message}", severity.as_str())
}

pub(super) fn as_json(root: &Path, finding: &FileDiagnostic) -> Value {
    let fields: BTreeMap<&str, Value> = BTreeMap::from([
        ("path", json!(root.join(&finding.path).display().to_string())),
        ("line", json!(finding.line)),
        ("severity", json!(finding.severity.as_str())),
        ("message", json!(finding.message.vietnamese)),
        ("message_en", json!(finding.message.english)),
    ]);
    json!(fields)
}

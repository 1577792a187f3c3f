//! `bantin check`: reads config and articles, publishes nothing, says what is wrong and what to do.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;

use super::{Arguments, Outcome};
use crate::config::Config;
use crate::ingest::{self, FileFinding, reading_of};
use crate::manuscript::Severity;

pub(super) fn check(config: &Config, files: &[PathBuf], arguments: &Arguments) -> anyhow::Result<Outcome> {
    let mut findings = Vec::new();
    if let Err(cause) = config.fit_to_serve() {
        let text = cause.to_string();
        findings.push(FileFinding {
            path: "config".to_owned(),
            line: 1,
            severity: Severity::Error,
            vietnamese: text.clone(),
            english: text,
        });
    }
    let options = config.ingest.reading();
    let root = if files.is_empty() { config.ingest.path.as_path() } else { Path::new("") };
    let mut read = 0u64;
    if files.is_empty() {
        let (inspected, count) = ingest::inspect(root, &options)?;
        findings.extend(inspected);
        read = count;
    }
    for file in files {
        let path = file.display().to_string();
        let reading =
            reading_of(Path::new(""), &path, &options).with_context(|| format!("reading {path}"))?;
        findings.extend(ingest::findings_of(&path, &reading));
        read += 1;
    }
    print_findings(&findings, root, arguments)?;
    let errors = count(&findings, Severity::Error);
    let warnings = count(&findings, Severity::Warning);
    if !arguments.quiet {
        eprintln!("{read} articles read: {errors} errors, {warnings} warnings");
    }
    Ok(if errors + warnings == 0 { Outcome::Done } else { Outcome::Findings })
}

fn count(findings: &[FileFinding], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}

/// Prints findings as `path:line: severity: message`, or as JSON. Notes only with `-v` or as JSON.
pub(super) fn print_findings(findings: &[FileFinding], root: &Path, arguments: &Arguments) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if arguments.json {
        let findings: Vec<_> = findings.iter().map(|finding| as_json(root, finding)).collect();
        return writeln!(out, "{}", serde_json::Value::Array(findings));
    }
    for finding in findings {
        if finding.severity == Severity::Note && !arguments.verbose {
            continue;
        }
        writeln!(out, "{}", line_of(root, finding))?;
    }
    Ok(())
}

/// Prints findings of a command whose data is something else.
pub(super) fn print_findings_to_stderr(findings: &[FileFinding], arguments: &Arguments) -> io::Result<()> {
    let mut err = io::stderr().lock();
    let shown = findings.iter().filter(|f| f.severity != Severity::Note || arguments.verbose);
    for finding in shown.filter(|finding| !arguments.quiet || finding.severity == Severity::Error) {
        writeln!(err, "{}", line_of(Path::new(""), finding))?;
    }
    Ok(())
}

/// `path:line: severity: message (English message)`.
fn line_of(root: &Path, finding: &FileFinding) -> String {
    format!(
        "{}:{}: {}: {} ({})",
        root.join(&finding.path).display(),
        finding.line,
        finding.severity.as_str(),
        finding.vietnamese,
        finding.english
    )
}

fn as_json(root: &Path, finding: &FileFinding) -> serde_json::Value {
    let fields: BTreeMap<&str, serde_json::Value> = BTreeMap::from([
        ("path", json!(root.join(&finding.path).display().to_string())),
        ("line", json!(finding.line)),
        ("severity", json!(finding.severity.as_str())),
        ("message", json!(finding.vietnamese)),
        ("message_en", json!(finding.english)),
    ]);
    json!(fields)
}

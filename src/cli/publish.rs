//! `bantin publish`: publishes one file, in the local store or over HTTP.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::check;
use super::open::article_of;
use super::output::{Outcome, OutputOptions, print_line};
use super::remote::Remote;
use crate::app::open_store;
use crate::config::Config;
use crate::ingest::{FileDiagnostic, add_images, diagnostics_of, parse_file};
use crate::logging::say;
use crate::model::Slug;
use crate::parse::Severity;
use crate::store::{Source, Submission, SubmitOutcome, SubmitResult, WriteConditions};
use crate::urls::article_path;

/// Publishes a file in a channel, or corrects the article that `correct` names.
pub(super) async fn publish(
    config: Config,
    file: &Path,
    channel: &Slug,
    correct: Option<&str>,
    remote: &Remote,
    output: OutputOptions,
) -> anyhow::Result<Outcome> {
    match remote.service()? {
        Some(service) => service.publish(file, channel, correct, output),
        None => publish_local(config, file, channel, correct, output).await,
    }
}

async fn publish_local(
    config: Config,
    file: &Path,
    channel: &Slug,
    correct: Option<&str>,
    output: OutputOptions,
) -> anyhow::Result<Outcome> {
    let path = file.display().to_string();
    let reading = parse_file(Path::new(""), &path, &config.ingest.parse_options(Some(channel)))
        .with_context(|| format!("reading {path}"))?;
    let mut findings = diagnostics_of(&path, &reading);
    print_diagnostics(&findings, output);
    let Some(mut draft) = reading.reading.draft else {
        bail!("{path} is not a valid article and was not published")
    };
    let store = open_store(&config).await?;
    // As over HTTP: the channels in the file are added to the one of the command.
    let addresses = &config.render.addresses;
    let channels = addresses.resolve_channels([channel.clone()], &draft.channels);
    let complaints = add_images(&store, &path, &mut draft).await?;
    print_diagnostics(&complaints, output);
    findings.extend(complaints);
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let submission = Submission {
        article: draft.article,
        channels,
        id: match correct {
            Some(named) => Some(article_of(named, &store, &config).await?),
            None => draft.id,
        },
        stem: Slug::from_title(&stem),
        source: Source::Command("command".to_owned()),
        conditions: WriteConditions {
            known_channels: true,
            must_exist: correct.is_some(),
            ..WriteConditions::default()
        },
    };
    let accepted = store.submit(submission).await?;
    store.close().await;
    let url = config.render.addresses.url(&article_path(&accepted.permalink));
    print_outcome(&accepted, &url, &findings, output)
}

/// Prints notes too, since they list omitted lines.
fn print_diagnostics(findings: &[FileDiagnostic], output: OutputOptions) {
    for finding in findings.iter().filter(|finding| !output.quiet || finding.severity == Severity::Error) {
        say!("{}", check::as_line(Path::new(""), finding));
    }
}

fn print_outcome(
    accepted: &SubmitResult,
    url: &str,
    findings: &[FileDiagnostic],
    output: OutputOptions,
) -> anyhow::Result<Outcome> {
    let id = &accepted.id;
    let (outcome, number) = match &accepted.outcome {
        SubmitOutcome::Published(number) => ("published", Some(*number)),
        SubmitOutcome::Corrected(number) => ("corrected", Some(*number)),
        SubmitOutcome::Moved(number) => ("moved", Some(*number)),
        SubmitOutcome::Restored(number) => ("restored", Some(*number)),
        SubmitOutcome::Unchanged => ("unchanged", None),
        SubmitOutcome::Scheduled(_) => ("waits for its time", None),
        SubmitOutcome::WithdrawnByOperator => {
            bail!("{id} was withdrawn; `bantin restore {id}` brings it back")
        }
        SubmitOutcome::Conflict { with } => {
            bail!("{id} belongs to the file {with}; correct that file")
        }
        SubmitOutcome::VersionMismatch(_) | SubmitOutcome::IdempotencyConflict => {
            bail!("{id} was changed by somebody else in the meantime")
        }
        SubmitOutcome::Refused(refusal) => bail!("{}", refusal.message()),
    };
    if output.json {
        let findings: Vec<Value> =
            findings.iter().map(|finding| check::as_json(Path::new(""), finding)).collect();
        let result = json!({
            "id": id.as_str(), "url": url, "outcome": outcome, "number": number, "findings": findings,
        });
        print_line(result)?;
    } else {
        print_line(id)?;
        if !output.quiet {
            say!("{outcome}: {url}");
        }
    }
    Ok(Outcome::Done)
}

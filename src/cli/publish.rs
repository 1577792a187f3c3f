//! `bantin publish`: the same from a shell as over HTTP, here or against a running service.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::remote::Remote;
use super::{Arguments, Outcome, check, is_channel, print_line};
use crate::address::article_path;
use crate::app::open_store;
use crate::article::ArticleId;
use crate::channel::Slug;
use crate::config::Config;
use crate::ingest::{FileFinding, findings_of, reading_of};
use crate::manuscript::Severity;
use crate::store::{Accepted, Origin, Submission, Terms, Verdict};
use crate::telemetry::say;

/// Publishes one file in one channel, or corrects the article of this id with it.
pub(super) async fn publish(
    config: Config,
    file: &Path,
    channel: &Slug,
    id: Option<&ArticleId>,
    remote: &Remote,
    arguments: &Arguments,
) -> anyhow::Result<Outcome> {
    match remote.service()? {
        Some(service) => service.publish(file, channel, id, arguments),
        None => publish_here(config, file, channel, id, arguments).await,
    }
}

async fn publish_here(
    config: Config,
    file: &Path,
    channel: &Slug,
    id: Option<&ArticleId>,
    arguments: &Arguments,
) -> anyhow::Result<Outcome> {
    let path = file.display().to_string();
    let reading = reading_of(Path::new(""), &path, &config.ingest.reading(Some(channel)))
        .with_context(|| format!("reading {path}"))?;
    let findings = findings_of(&path, &reading);
    tell_findings(&findings, arguments);
    let Some(draft) = reading.reading.draft else { bail!("{path} is no article and was not published") };
    let store = open_store(&config).await?;
    // As over HTTP: the channels that the article names come to the one that the command names.
    let addresses = &config.press.addresses;
    let mut channels = vec![addresses.present_name(channel.clone())];
    channels.extend(draft.channels.iter().map(|name| addresses.channel_named(name)));
    channels.sort();
    channels.dedup();
    for channel in &channels {
        is_channel(&store, &config, channel).await?;
    }
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let submission = Submission {
        article: draft.article,
        channels,
        id: id.cloned().or(draft.id),
        stem: Slug::from_title(&stem),
        origin: Origin::Command("command".to_owned()),
        terms: Terms::default(),
    };
    let accepted = store.take_in(submission).await?;
    store.close().await;
    let url = config.press.addresses.absolute(&article_path(&accepted.permalink));
    tell(&accepted, &url, &findings, arguments)
}

/// Notes too: what was left out of one article is to be seen by whoever publishes it.
fn tell_findings(findings: &[FileFinding], arguments: &Arguments) {
    for finding in findings.iter().filter(|finding| !arguments.quiet || finding.severity == Severity::Error) {
        say!("{}", check::as_line(Path::new(""), finding));
    }
}

fn tell(
    accepted: &Accepted,
    url: &str,
    findings: &[FileFinding],
    arguments: &Arguments,
) -> anyhow::Result<Outcome> {
    let id = &accepted.id;
    let (word, number) = match &accepted.verdict {
        Verdict::Published(number) => ("published", Some(*number)),
        Verdict::Corrected(number) => ("corrected", Some(*number)),
        Verdict::Moved(number) => ("moved", Some(*number)),
        Verdict::Restored(number) => ("restored", Some(*number)),
        Verdict::Unchanged => ("unchanged", None),
        Verdict::Waiting(_) => ("waits for its time", None),
        Verdict::StaysWithdrawn => bail!("{id} was withdrawn; `bantin restore {id}` brings it back"),
        Verdict::Conflict { with } => bail!("{id} is the article of the file {with}; correct that file"),
        Verdict::Stale(_) | Verdict::KeyReused => bail!("{id} was changed by somebody else meanwhile"),
        Verdict::Refused(refusal) => bail!("{}", refusal.english()),
    };
    if arguments.json {
        let findings: Vec<Value> =
            findings.iter().map(|finding| check::as_json(Path::new(""), finding)).collect();
        let told = json!({
            "id": id.as_str(), "url": url, "outcome": word, "number": number, "findings": findings,
        });
        print_line(told)?;
    } else {
        print_line(id)?;
        if !arguments.quiet {
            say!("{word}: {url}");
        }
    }
    Ok(Outcome::Done)
}

//! `bantin pull` and `bantin sources`: collects articles of other publishers, and shows how they are.

use std::time::Duration;

use anyhow::{Context as _, bail};
use chrono::TimeDelta;
use clap::Subcommand;
use serde_json::json;

use super::open::open_existing_store;
use super::output::{Lines, MAX_LINE, Outcome, OutputOptions, counted, print_line};
use crate::app::open_store;
use crate::config::Config;
use crate::logging::{printable, say};
use crate::parse::{Repairs, read_feed_date};
use crate::pull::WaitingItem;
use crate::pull::{
    self, Collector, Decision, DoubtfulItem, PullReport, Shortfall, SourceHealth, SourceOptions,
};
use crate::store::{ProbableDuplicate, SubmitOutcome};
use crate::time::Timestamp;

/// Pairs of one source that are listed, the latest.
const MAX_PAIRS: u32 = 1000;

#[derive(Subcommand)]
pub(super) enum SourcesCommand {
    /// List the items that are held back, with the reason
    Doubtful,
    /// List the articles that two sources have probably both published: same title, mostly the same words
    Duplicates,
    /// List the items that change again and again, so that their newest version waits
    Unsettled,
    /// Publish an item that is held back
    Accept {
        /// Name of the source
        name: String,
        /// Key of the item, as `doubtful` shows it
        key: String,
        /// Its publication date, if that of the source is missing or wrong: 12/05/2023 17:39
        #[arg(long, value_name = "DATE")]
        published: Option<String>,
    },
    /// Never publish an item that is held back
    Drop {
        /// Name of the source
        name: String,
        /// Key of the item, as `doubtful` shows it
        key: String,
    },
    /// Do not request a source any more, until `resume`
    Pause {
        /// Name of the source
        name: String,
    },
    /// Request a paused source again, or one that answered 410
    Resume {
        /// Name of the source
        name: String,
    },
}

/// Polls the source `name` now, or all that are due.
pub(super) async fn pull(
    config: Config,
    name: Option<&str>,
    backfill: bool,
    output: OutputOptions,
) -> anyhow::Result<Outcome> {
    // An article gets its id here, which is permanent.
    config.validate_for_serving()?;
    let named = name.map(|name| source(&config, name).cloned()).transpose()?;
    let store = open_store(&config).await?;
    let collector = Collector::new(store.clone(), config.pull.clone());
    // A source that is due during the next minute is polled by this run of cron, not by the next one.
    let soon = store.clock().now() + TimeDelta::minutes(1);
    let known = pull::health(&store, &config.pull).await?;
    let health_of = |source: &SourceOptions| known.iter().find(|health| health.name == source.name);
    let is_due =
        |source: &SourceOptions| source.enabled && health_of(source).is_some_and(|of| of.state.is_due(soon));
    let mut waiting = Vec::new();
    let mut polls = tokio::task::JoinSet::new();
    for source in &config.pull.sources {
        let wanted = match &named {
            Some(named) => named == source,
            None => is_due(source),
        };
        if !wanted && named.is_none() && source.enabled {
            waiting.extend(health_of(source).filter(|health| is_failing(health)));
        }
        if wanted {
            let (collector, source) = (collector.clone(), source.clone());
            polls.spawn(async move {
                let report = match backfill {
                    true => collector.backfill(&source).await,
                    false => collector.poll(&source, Duration::ZERO).await,
                };
                (source.name.clone(), report)
            });
        }
    }
    let mut lines = Lines::new(output.json)?;
    let mut outcome = Outcome::Done;
    while let Some(polled) = polls.join_next().await {
        let (name, report) = polled.context("reading a source")?;
        let report = report.with_context(|| format!("storing the articles of {name}"))?;
        if report.error.is_some() || !report.doubtful.is_empty() {
            outcome = Outcome::ProblemsFound;
        }
        lines.line(
            |as_json| if as_json { report_json(&name, &report) } else { report_text(&name, &report) },
        )?;
    }
    lines.end()?;
    // They are not forgotten because nothing was tried now: the same problem as at their last attempt.
    for health in waiting {
        outcome = Outcome::ProblemsFound;
        say!("{}", waiting_text(health, &config));
    }
    store.publish_due().await?;
    store.close().await;
    Ok(outcome)
}

/// True if `bantin sources` counts it as a problem.
fn is_failing(health: &SourceHealth) -> bool {
    matches!(health.word(), "failing" | "gone")
}

/// A source that fails and is not due.
fn waiting_text(health: &SourceHealth, config: &Config) -> String {
    let state = &health.state;
    let next = match state.next_due {
        _ if state.is_gone => "exists no more; remove it, or run `bantin sources resume`".to_owned(),
        Some(due) => {
            format!("is tried again at {}", due.with_timezone(&config.store.zone).format("%Y-%m-%d %H:%M"))
        }
        None => "is tried again".to_owned(),
    };
    let name = printable(&health.name, MAX_LINE);
    let error = printable(state.error.as_deref().unwrap_or("no answer"), MAX_LINE);
    format!("{name}: not due; it fails and {next}: {error}")
}

fn report_text(name: &str, report: &PullReport) -> String {
    let PullReport {
        items,
        published,
        corrected,
        withdrawn,
        doubtful,
        unsettled,
        too_old,
        repairs,
        error,
        is_busy,
    } = report;
    let name = printable(name, MAX_LINE);
    if *is_busy {
        return format!("{name}: another process is reading this source now");
    }
    if let Some(error) = error {
        return format!("{name}: {}", printable(error, MAX_LINE));
    }
    let mut text = format!(
        "{name}: {}, {published} published, {corrected} corrected, {withdrawn} withdrawn, {} held back",
        counted(*items, "item"),
        doubtful.len()
    );
    if *too_old > 0 {
        text.push_str(&format!(", {too_old} too old"));
    }
    if !repairs.is_empty() {
        text.push_str(&format!("; repaired: {}", repairs_text(repairs)));
    }
    for title in unsettled {
        text.push_str(&format!(
            "\n  {}: changes again and again, its newest version waits",
            printable(title, MAX_LINE)
        ));
    }
    for (title, reason) in doubtful {
        text.push_str(&format!("\n  {}: {}", printable(title, MAX_LINE), printable(reason, MAX_LINE)));
    }
    text
}

fn report_json(name: &str, report: &PullReport) -> String {
    let PullReport {
        items,
        published,
        corrected,
        withdrawn,
        doubtful,
        unsettled,
        too_old,
        repairs,
        error,
        is_busy,
    } = report;
    let doubtful: Vec<_> =
        doubtful.iter().map(|(title, reason)| json!({ "title": title, "reason": reason })).collect();
    let report = json!({
        "source": name, "items": items, "published": published, "corrected": corrected,
        "withdrawn": withdrawn, "doubtful": doubtful, "unsettled": unsettled, "too_old": too_old,
        "repairs": repairs, "error": error, "busy": is_busy,
    });
    report.to_string()
}

fn repairs_text(repairs: &Repairs) -> String {
    repairs.iter().map(|(kind, times)| format!("{} {times}", kind.name())).collect::<Vec<_>>().join(", ")
}

/// Shows how all sources are, or carries out what an operator decides.
pub(super) async fn sources(
    config: Config,
    command: Option<&SourcesCommand>,
    output: OutputOptions,
) -> anyhow::Result<Outcome> {
    let store = open_existing_store(&config).await?;
    let collector = Collector::new(store.clone(), config.pull.clone());
    let mut outcome = Outcome::Done;
    match command {
        None => {
            let mut lines = Lines::new(output.json)?;
            let now = store.clock().now();
            for health in &pull::health(&store, &config.pull).await? {
                if is_failing(health) {
                    outcome = Outcome::ProblemsFound;
                }
                lines.line(|as_json| health_line(health, now, &config, as_json))?;
            }
            lines.end()?;
        }
        Some(SourcesCommand::Doubtful) => {
            let mut lines = Lines::new(output.json)?;
            for item in pull::doubtful(&store).await? {
                lines.line(|as_json| if as_json { item.to_json().to_string() } else { item_text(&item) })?;
            }
            lines.end()?;
        }
        Some(SourcesCommand::Duplicates) => {
            let mut lines = Lines::new(output.json)?;
            for source in &config.pull.sources {
                for pair in store.probable_duplicates(&source.name, MAX_PAIRS).await? {
                    // The other source lists it, too.
                    if pair.later.1 == source.name {
                        lines.line(|as_json| duplicate_line(&pair, as_json))?;
                    }
                }
            }
            lines.end()?;
        }
        Some(SourcesCommand::Unsettled) => {
            let mut lines = Lines::new(output.json)?;
            for source in &config.pull.sources {
                for item in pull::waiting_of(&store, &source.name).await? {
                    lines.line(|as_json| waiting_line(&source.name, &item, &config, as_json))?;
                }
            }
            lines.end()?;
        }
        Some(SourcesCommand::Accept { name, key, published }) => {
            let zone = config.store.zone;
            let date =
                |text: &String| read_feed_date(text, zone, &mut Repairs::new()).map(|date| date.published);
            let published = published.as_ref().map(date).transpose().context("reading --published")?;
            let decision = Decision::Accept(published);
            let done = pull::decide(&collector, source(&config, name)?, key, decision).await?;
            print_line(match done {
                Some(SubmitOutcome::Published(_)) => "published",
                Some(SubmitOutcome::Corrected(_) | SubmitOutcome::Moved(_)) => "corrected",
                Some(SubmitOutcome::Restored(_)) => "restored",
                Some(SubmitOutcome::Scheduled(_)) => "scheduled",
                Some(SubmitOutcome::WithdrawnByOperator) => "stays withdrawn; see `bantin restore`",
                _ => "unchanged",
            })?;
        }
        Some(SourcesCommand::Drop { name, key }) => {
            pull::decide(&collector, source(&config, name)?, key, Decision::Drop).await?;
            print_line("dropped")?;
        }
        Some(SourcesCommand::Pause { name }) => {
            pull::set_paused(&store, source(&config, name)?, true).await?;
            say!("{name} is paused");
        }
        Some(SourcesCommand::Resume { name }) => {
            pull::set_paused(&store, source(&config, name)?, false).await?;
            say!("{name} is requested again");
        }
    }
    store.close().await;
    Ok(outcome)
}

fn item_text(item: &DoubtfulItem) -> String {
    let DoubtfulItem { source, key, title, date, reason, .. } = item;
    let date = date.as_deref().unwrap_or("no date");
    let parts = [source, key, title, date, &reason.english].map(|text| printable(text, MAX_LINE));
    parts.join("  ")
}

fn duplicate_line(pair: &ProbableDuplicate, as_json: bool) -> String {
    if as_json {
        return pull::duplicate_json(pair).to_string();
    }
    let ProbableDuplicate { title, later: (later, source), earlier: (earlier, other) } = pair;
    let shown = [title.as_str(), source, later.as_str(), other, earlier.as_str()];
    shown.map(|text| printable(text, MAX_LINE)).join("  ")
}

fn waiting_line(source: &str, item: &WaitingItem, config: &Config, as_json: bool) -> String {
    let zone = config.store.zone;
    if as_json {
        return item.to_json(source, zone).to_string();
    }
    let since = item.since.with_timezone(&zone).format("%Y-%m-%d %H:%M");
    let shown = [source, &item.title, item.article.as_str()].map(|text| printable(text, MAX_LINE));
    format!("{}  since {since}", shown.join("  "))
}

fn source<'c>(config: &'c Config, name: &str) -> anyhow::Result<&'c SourceOptions> {
    let sources = &config.pull.sources;
    let Some(source) = sources.iter().find(|source| source.name == name) else {
        let known: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        bail!("there is no source `{name}` in the configuration; known sources: {}", known.join(", "));
    };
    Ok(source)
}

fn health_line(health: &SourceHealth, now: Timestamp, config: &Config, as_json: bool) -> String {
    let (state, zone) = (&health.state, config.store.zone);
    if as_json {
        return health.to_json(zone, now).to_string();
    }
    let short = |moment: Option<Timestamp>| {
        moment
            .map_or("-".to_owned(), |moment| moment.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string())
    };
    let mut line = format!(
        "{:8}  last answer {}  last new {}  {} published, {} held back  {}",
        health.word(),
        short(state.last_success),
        short(state.last_new),
        state.published,
        health.counts.doubtful,
        printable(&health.name, MAX_LINE)
    );
    if let Some(error) = &state.error {
        let since = short(state.failing_since);
        line.push_str(&format!("\n          failing since {since}: {}", printable(error, MAX_LINE)));
    }
    for (count, what) in [
        (health.counts.unsettled, "changing again and again: `bantin sources unsettled`"),
        (health.counts.duplicates, "probably published by another source, too: `bantin sources duplicates`"),
    ] {
        if count > 0 {
            line.push_str(&format!("\n          {} {what}", counted(count, "article")));
        }
    }
    if state.is_quiet(now) {
        line.push_str("\n          nothing new for much longer than usual");
    }
    if let Some(Shortfall { last_week, usual_week }) = state.shortfall(zone) {
        let last_week = counted(last_week, "article");
        line.push_str(&format!("\n          {last_week} in the last week, usually {usual_week}"));
    }
    if state.hub.is_subscribed {
        let trust = if state.hub.is_trusted() { "trusted" } else { "not trusted any more" };
        let (told, missed) = (counted(state.hub.seen, "time"), counted(state.hub.missed, "change"));
        line.push_str(&format!(
            "\n          hub {trust}: told {told}, polls found {missed} that it had not told"
        ));
    }
    if !state.repairs.is_empty() {
        line.push_str(&format!("\n          repaired: {}", repairs_text(&state.repairs)));
    }
    line
}

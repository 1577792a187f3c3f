//! `bantin subscribers`: who is told of changes, and how that goes.

use super::output::{Lines, MAX_LINE, Outcome, OutputOptions};
use crate::app::open_store;
use crate::config::Config;
use crate::logging::printable;
use crate::push::{self, TargetStatus};
use crate::time::{Timestamp, Zone};

pub(super) async fn subscribers(config: Config, output: OutputOptions) -> anyhow::Result<Outcome> {
    let store = open_store(&config).await?;
    let (urls, zone) = (&config.store.addresses, config.store.zone);
    let mut lines = Lines::new(output.json)?;
    for target in push::statuses(&store).await? {
        lines.line(|as_json| match as_json {
            true => target.as_json(urls, zone).to_string(),
            false => line(&target, zone),
        })?;
    }
    lines.end()?;
    store.close().await;
    Ok(Outcome::Done)
}

fn line(target: &TargetStatus, zone: Zone) -> String {
    let short = |time: Option<Timestamp>| {
        time.map_or("-".to_owned(), |time| time.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string())
    };
    let progress = &target.progress;
    let mut line = format!(
        "{:12}  {}  {}  since {}  lease ends {}  last success {}",
        target.kind,
        printable(target.topic.as_deref().unwrap_or("-"), MAX_LINE),
        printable(target.host.as_deref().unwrap_or("-"), MAX_LINE),
        short(target.since),
        short(target.expires),
        short(progress.last_success),
    );
    if let Some(error) = &progress.error {
        let error = printable(error, MAX_LINE);
        line.push_str(&format!(
            "\n              failed {} times, next attempt {}: {error}",
            progress.failures,
            short(progress.retry_at)
        ));
    }
    line
}

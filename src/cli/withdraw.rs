//! `bantin withdraw` and `bantin restore`.

use anyhow::bail;
use serde_json::json;

use super::open::{article_of, open_existing_store};
use super::output::{Outcome, OutputOptions, print_line};
use crate::config::Config;
use crate::logging::say;
use crate::model::ArticleId;
use crate::store::{RestoreOutcome, WithdrawOutcome};

pub(super) async fn withdraw(
    config: Config,
    named: &str,
    reason: Option<String>,
    erase: bool,
    output: OutputOptions,
) -> anyhow::Result<Outcome> {
    let store = open_existing_store(&config).await?;
    let id = &article_of(named, &store, &config).await?;
    let result = store.withdraw(id, reason, erase, "command").await?;
    store.close().await;
    let (outcome, number) = match result {
        WithdrawOutcome::Withdrawn(number) => ("withdrawn", Some(number)),
        WithdrawOutcome::ReasonChanged(number) => {
            ("was withdrawn before; the reason is changed", Some(number))
        }
        WithdrawOutcome::Already => ("was withdrawn before", None),
        WithdrawOutcome::NeverPublished => ("will not be published", None),
        WithdrawOutcome::Unknown => bail!("{id} is unknown; `bantin list` shows all articles"),
        WithdrawOutcome::Refused(refusal) => bail!("{}", refusal.message()),
        WithdrawOutcome::Stale(_) => bail!("{id} was changed by somebody else in the meantime"),
    };
    print_outcome(output, id, outcome, number)
}

pub(super) async fn restore(config: Config, named: &str, output: OutputOptions) -> anyhow::Result<Outcome> {
    let store = open_existing_store(&config).await?;
    let id = &article_of(named, &store, &config).await?;
    let result = store.restore(id, "command").await?;
    store.close().await;
    let (outcome, number) = match result {
        RestoreOutcome::Restored(number) => ("restored", Some(number)),
        RestoreOutcome::Waiting => ("waits for its time again", None),
        RestoreOutcome::NotWithdrawn => ("is not withdrawn", None),
        RestoreOutcome::Erased => bail!("the text of {id} was erased; publish it again under another name"),
        RestoreOutcome::Unknown => bail!("{id} is unknown; `bantin list` shows all articles"),
        RestoreOutcome::Refused(refusal) => bail!("{}", refusal.message()),
        RestoreOutcome::VersionMismatch(_) => bail!("{id} was changed by somebody else in the meantime"),
    };
    print_outcome(output, id, outcome, number)
}

fn print_outcome(
    output: OutputOptions,
    id: &ArticleId,
    word: &str,
    number: Option<u64>,
) -> anyhow::Result<Outcome> {
    if output.json {
        print_line(json!({ "id": id.as_str(), "outcome": word, "number": number }))?;
    } else if !output.quiet {
        match number {
            Some(number) => say!("{id} {word} (number {number})"),
            None => say!("{id} {word}"),
        }
    }
    Ok(Outcome::Done)
}

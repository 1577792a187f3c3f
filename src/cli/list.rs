//! `bantin list`: lists all articles.

use serde_json::json;

use super::open::require_channel;
use super::output::{Lines, MAX_LINE, Outcome, OutputOptions};
use crate::app::open_store;
use crate::config::Config;
use crate::logging::printable;
use crate::model::Slug;
use crate::store::ArticleSummary;
use crate::time::rfc3339;

pub(super) async fn list(
    config: Config,
    channel: Option<&Slug>,
    limit: Option<usize>,
    output: OutputOptions,
) -> anyhow::Result<Outcome> {
    const PAGE: u32 = 500;
    let store = open_store(&config).await?;
    if let Some(slug) = channel {
        require_channel(&store, &config, slug).await?;
    }
    let zone = config.store.zone;
    let mut left = limit.unwrap_or(usize::MAX);
    let mut last: Option<ArticleSummary> = None;
    let mut outcome = Outcome::Done;
    let mut lines = Lines::new(output.json)?;
    while left > 0 {
        let page = store.list(channel, last.as_ref(), PAGE).await?;
        for article in page.iter().take(left) {
            if article.damaged {
                outcome = Outcome::ProblemsFound;
            }
            lines.line(|json| match json {
                true => json!({
                    "id": article.id.as_str(),
                    "state": article.state,
                    "number": article.number,
                    "published": rfc3339(article.stamp, zone),
                    "channels": article.channels,
                    "title": article.title,
                    "damaged": article.damaged,
                })
                .to_string(),
                false => format!(
                    "{}  {:9}  {}  {}  {}",
                    article.stamp.with_timezone(&zone).format("%Y-%m-%d %H:%M"),
                    article.state,
                    Slug::join(&article.channels, ","),
                    printable(article.id.as_str(), MAX_LINE),
                    match article.damaged {
                        true => "(damaged in the store; see `bantin verify`)".into(),
                        false => printable(&article.title, MAX_LINE),
                    }
                ),
            })?;
        }
        left = left.saturating_sub(page.len());
        last = page.last().cloned();
        if page.len() < PAGE as usize {
            break;
        }
    }
    lines.end()?;
    store.close().await;
    Ok(outcome)
}

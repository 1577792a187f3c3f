//! Follows another bantin by its `/api/changes`: corrections, moves, withdrawals and restorations, each exactly once.
//!
//! The number of the last change is stored after the changes of its page. A page that is read twice, because the program
//! or the other site stopped in between, changes nothing the second time: only the last state of an article in a page
//! counts, and it is compared with what is stored.

use std::collections::HashMap;
use std::time::Duration;

use hyper::StatusCode;
use tokio::task::block_in_place;
use tracing::warn;
use url::Url;

use super::client::{Failure, successful};
use super::context::Context;
use super::cursor::ChangesCursor;
use super::identity::{collected_items, is_settled, item_of_id};
use super::options::SourceOptions;
use super::poll::Poll;
use crate::parse::{ChangesPage, DateDoubt, SourceChange, SourceChangeKind, check_age, read_changes};
use crate::store::{CollectedItem, ItemRecord, ItemState, StoreError};
use crate::time::{PublishedAt, Timestamp};

/// The longest wait for a change. Proxies commonly end a request after 60 s.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(45);
/// A date may be this much ahead of our clock. Until then the article is scheduled.
const MAX_AHEAD: chrono::TimeDelta = chrono::TimeDelta::hours(1);
/// A new log with fewer than half of the articles may still be filling. For this time nothing is withdrawn because it is
/// not in it.
const MAX_FILLING: chrono::TimeDelta = chrono::TimeDelta::hours(1);
/// So few articles may all be gone.
const FEW: usize = 20;

/// The changes of the bantin whose feed is at `feed`; `None` if its API does not answer, for example because the site is
/// served as static files.
pub(super) async fn find(context: &Context, source: &SourceOptions, feed: &Url) -> Option<ChangesCursor> {
    for cursor in candidates(feed) {
        let request = ChangesCursor { after: 0, ..cursor.clone() }.request(Duration::ZERO, source);
        let Ok(response) = context.client.get(request).await else { continue };
        let read = || block_in_place(|| read_changes(&response.body, &response.url));
        if response.status == StatusCode::OK && read().is_ok() {
            return Some(cursor);
        }
    }
    None
}

/// Where the changes of a feed may be: those of a site are beside its feeds, those of a channel one folder above.
fn candidates(feed: &Url) -> Vec<ChangesCursor> {
    let at = |path: &str, channel: Option<&str>| {
        let mut url = feed.clone();
        url.set_path(&format!("{path}/api/changes"));
        url.set_query(None);
        url.set_fragment(None);
        ChangesCursor { url: url.into(), channel: channel.map(str::to_owned), ..ChangesCursor::default() }
    };
    let folder = feed.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut found = vec![at(folder, None)];
    if let Some((above, channel)) = folder.rsplit_once('/') {
        found.push(at(above, Some(channel)));
    }
    found
}

/// Takes in all changes since the last poll; waits for the first one if there is none.
pub(super) async fn follow(poll: &mut Poll<'_>, wait: Duration) -> Result<Result<(), Failure>, StoreError> {
    let (mut wait, mut resets) = (wait, 0);
    loop {
        let Some(cursor) = poll.state.changes.clone() else { return Ok(Ok(())) };
        let answer = request(poll, &cursor, wait).await;
        poll.now = poll.context.store.clock().now();
        let page = match answer {
            Ok(page) => page,
            Err(failure) if failure.is_gone() && resets == 0 => {
                resets += 1;
                wait = Duration::ZERO;
                warn!(source = %poll.source.name, "the source has a new log; it is read from the beginning");
                poll.state.change_cursor(|cursor| cursor.begin_anew(poll.now));
                continue;
            }
            Err(failure) => {
                if failure.status == Some(StatusCode::NOT_FOUND) {
                    // The site may have become one of another kind: its feed tells.
                    poll.state.changes = None;
                }
                // NOTE: 410 names another log here, not the end of the source.
                let status = failure.status.filter(|status| *status != StatusCode::GONE);
                return Ok(Err(Failure { status, ..failure }));
            }
        };
        wait = Duration::ZERO;
        let (is_last, next, log) = (page.changes.is_empty(), page.next, page.log.clone());
        take(poll, page).await?;
        if poll.is_incomplete {
            return Ok(Err(Failure::new(
                "an image of the source does not answer; its changes are read again",
            )));
        }
        poll.state.change_cursor(|cursor| (cursor.after, cursor.log) = (next, Some(log.clone())));
        if is_last {
            if let Some(since) = cursor.anew_since {
                finish_anew(poll, &log, since).await?;
            }
            return Ok(Ok(()));
        }
        poll.state.save_poll(&poll.context.store, poll.source).await?;
    }
}

async fn request(poll: &Poll<'_>, cursor: &ChangesCursor, wait: Duration) -> Result<ChangesPage, Failure> {
    let client = &poll.context.client;
    let request = cursor.request(wait, poll.source);
    let response = if wait.is_zero() { client.get(request).await } else { client.wait(request).await };
    let response = successful(response, poll.now)?;
    let page = block_in_place(|| read_changes(&response.body, &response.url)).map_err(Failure::new)?;
    if !page.changes.is_empty() && page.next <= cursor.after {
        return Err(Failure::new("the numbers of its changes do not grow"));
    }
    Ok(page)
}

/// Takes in a page: of each article the last change.
async fn take(poll: &mut Poll<'_>, page: ChangesPage) -> Result<(), StoreError> {
    poll.report.items += page.changes.len() as u64;
    let last: HashMap<&str, usize> =
        page.changes.iter().enumerate().map(|(place, change)| (change.id.as_str(), place)).collect();
    let changes: Vec<&SourceChange> = page
        .changes
        .iter()
        .enumerate()
        .filter(|(place, change)| last.get(change.id.as_str()) == Some(place))
        .map(|(_, change)| change)
        .collect();
    let items: Vec<CollectedItem> = changes
        .iter()
        .map(|change| CollectedItem { log: Some(page.log.clone()), ..identity(change, poll.source) })
        .collect();
    let records = poll.context.store.collected(&items).await?;
    let mut met = Vec::new();
    for ((change, item), record) in changes.into_iter().zip(items).zip(records) {
        if let Some(key) = take_change(poll, change, item, record).await? {
            met.push(key);
        }
    }
    if met.is_empty() {
        return Ok(());
    }
    poll.context.store.items_met(&poll.source.name, met, &page.log).await
}

/// NOTE: the link is no identity here: the ids of a bantin are permanent, and two of its articles may have the same link.
fn identity(change: &SourceChange, source: &SourceOptions) -> CollectedItem {
    match &change.kind {
        SourceChangeKind::Published(item, _) => {
            let items = collected_items(std::slice::from_ref(item), source);
            items.into_iter().next().map(|item| CollectedItem { link: None, ..item })
        }
        SourceChangeKind::Withdrawn | SourceChangeKind::Superseded => None,
    }
    .unwrap_or_else(|| item_of_id(&change.id, source))
}

/// Returns the key of an item that is known and did not change.
async fn take_change(
    poll: &mut Poll<'_>,
    change: &SourceChange,
    collected: CollectedItem,
    record: Option<ItemRecord>,
) -> Result<Option<String>, StoreError> {
    match &change.kind {
        SourceChangeKind::Published(item, published) => {
            if let Some(record) = record.as_ref().filter(|record| is_settled(Some(record), &collected)) {
                return Ok(Some(record.item.key.clone()).filter(|_| record.item.log != collected.log));
            }
            match date_of(poll, *published, &collected, record.as_ref()) {
                Ok(published) => poll.take_item(item, collected, record, published).await?,
                Err(doubt) => poll.hold_back(item, collected, record, doubt.message()).await?,
            }
        }
        SourceChangeKind::Withdrawn => {
            let is_known =
                |record: &ItemRecord| matches!(record.state, ItemState::Published | ItemState::Doubtful);
            if let Some(record) = record.filter(is_known) {
                let item = CollectedItem { log: collected.log, ..record.item };
                poll.withdraw(ItemRecord { item, ..record }, change.reason.clone()).await?;
            }
        }
        // The change that withdraws it follows.
        SourceChangeKind::Superseded => {}
    }
    Ok(None)
}

/// The publication date. What an operator decided stays.
fn date_of(
    poll: &Poll<'_>,
    published: PublishedAt,
    item: &CollectedItem,
    record: Option<&ItemRecord>,
) -> Result<PublishedAt, DateDoubt> {
    let decided = record.filter(|record| record.item.date == item.date).and_then(|record| record.published);
    if let Some(decided) = decided {
        return Ok(decided);
    }
    check_age(published, poll.context.options.parse.zone)?;
    match published.instant > poll.now + MAX_AHEAD {
        true => Err(DateDoubt::Future),
        false => Ok(published),
    }
}

/// The new log was read to its end: what is not in it is not published any more.
async fn finish_anew(poll: &mut Poll<'_>, log: &str, since: Timestamp) -> Result<(), StoreError> {
    let (outside, met) = poll.context.store.items_outside_log(&poll.source.name, log).await?;
    let may_be_filling = outside.len() > FEW && outside.len() as u64 > met && poll.now - since < MAX_FILLING;
    if may_be_filling {
        return Ok(());
    }
    for record in outside {
        poll.withdraw(record, None).await?;
    }
    poll.state.change_cursor(|cursor| cursor.anew_since = None);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_beside_the_feeds_of_a_site_or_above_those_of_a_channel() {
        let found = |feed: &str| -> Vec<(String, Option<String>)> {
            let cursors = candidates(&Url::parse(feed).unwrap());
            cursors.into_iter().map(|cursor| (cursor.url, cursor.channel)).collect()
        };
        let at = |url: &str, channel: Option<&str>| (url.to_owned(), channel.map(str::to_owned));
        assert_eq!(found("https://xa.vn/atom.xml?x"), [at("https://xa.vn/api/changes", None)]);
        assert_eq!(
            found("https://xa.vn/tin/xa-hoi/rss.xml"),
            [
                at("https://xa.vn/tin/xa-hoi/api/changes", None),
                at("https://xa.vn/tin/api/changes", Some("xa-hoi"))
            ]
        );
    }
}

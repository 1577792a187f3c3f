//! What a source published before what its feed contains now.

use std::collections::HashSet;
use std::time::Duration;

use hyper::StatusCode;
use tokio::task::block_in_place;
use url::Url;

use super::client::{ACCEPT, Failure, read_response, successful};
use super::poll::Poll;
use crate::fetch::FetchRequest;
use crate::parse::SourceFeed;
use crate::store::StoreError;

/// Maximum number of pages of one walk.
const MAX_PAGES: usize = 5000;
/// Between two requests: nobody waits for old articles.
const PAUSE: Duration = Duration::from_secs(1);

/// Walks from the feed to its oldest page and takes in the articles that are not known.
pub(super) async fn walk(poll: &mut Poll<'_>) -> Result<Result<(), Failure>, StoreError> {
    let first = poll.state.feed_url(poll.source).to_owned();
    let (mut url, mut walked) = (first.clone(), HashSet::new());
    while walked.insert(url.clone()) && walked.len() <= MAX_PAGES {
        if walked.len() > 1 {
            tokio::time::sleep(PAUSE).await;
        }
        let feed = match page(poll, &url).await {
            Ok(feed) => feed,
            // The page behind the last one.
            Err(failure) if walked.len() > 1 && failure.status == Some(StatusCode::NOT_FOUND) => break,
            Err(failure) => return Ok(Err(failure)),
        };
        let is_empty = feed.items.is_empty();
        let next = match &feed.previous {
            Some(previous) => Some(previous.clone()),
            None if feed.is_of_wordpress && !is_empty => paged(&first, walked.len() + 1),
            None => None,
        };
        poll.take_unknown(feed).await?;
        match next {
            Some(next) => url = next,
            None => break,
        }
    }
    Ok(Ok(()))
}

async fn page(poll: &Poll<'_>, url: &str) -> Result<SourceFeed, Failure> {
    let request = FetchRequest { accept: ACCEPT, ..FetchRequest::new(url, poll.source.addresses()) };
    let response = successful(poll.context.client.get(request).await, poll.now)?;
    block_in_place(|| read_response(&response)).map_err(Failure::new)
}

/// A page of older articles of WordPress.
fn paged(feed: &str, number: usize) -> Option<String> {
    let mut url = Url::parse(feed).ok()?;
    url.query_pairs_mut().append_pair("paged", &number.to_string());
    Some(url.into())
}

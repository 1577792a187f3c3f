//! Tells search engines which pages have changed, by [IndexNow](https://www.indexnow.org/documentation).

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use url::Url;

use super::attempt::{self, Failure};
use super::follower::{LogFollower, Untold};
use crate::fetch::{AllowList, CallbackClient};
use crate::store::{ChangedPages, Store, StoreError};
use crate::urls::{SiteUrls, article_path, indexnow_key_path};

/// Maximum number of changes in one request; the protocol allows 10,000 URLs.
const BATCH: u32 = 1000;
/// Changes that come soon after another are announced together.
const PAUSE: Duration = Duration::from_secs(5);
/// Time of a whole request.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The kind of this target in the store.
pub(super) const INDEXNOW: &str = "indexnow";

/// Whom to tell, and as whom.
#[derive(Clone, Debug)]
pub struct IndexNowOptions {
    /// Proves that the site is ours: it is published at `/KEY.txt`.
    pub key: String,
    /// The URL that takes announcements; its address may be private.
    pub endpoint: String,
    /// Builds the URLs of the pages.
    pub addresses: Arc<SiteUrls>,
    /// The `User-Agent` header.
    pub user_agent: String,
}

/// Tells search engines of changed pages.
pub struct IndexNow {
    store: Store,
    options: IndexNowOptions,
    client: CallbackClient,
    follower: LogFollower,
}

impl IndexNow {
    /// The first time it begins with the next change: search engines find old articles by the sitemap.
    pub fn new(store: Store, options: IndexNowOptions) -> Self {
        let client = CallbackClient::new(&options.user_agent, AllowList::everything(), TIMEOUT);
        let follower = LogFollower::new(store.clone(), INDEXNOW, options.endpoint.clone());
        Self { store, options, client, follower }
    }

    /// Announces changes until `shutdown` is true. Of several processes that share the log, the one that scans the folder
    /// does.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => return,
                // Errors of the store are logged by the maintenance loop.
                _ = self.announce() => {}
            }
            tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    async fn announce(&mut self) -> Result<(), StoreError> {
        let Some(Untold { after, .. }) = self.follower.untold().await? else { return Ok(()) };
        let ChangedPages { permalinks, next } = self.store.pages_changed_after(after, BATCH).await?;
        let urls = permalinks.iter().map(|permalink| self.options.addresses.url(&article_path(permalink)));
        let body = self.body(urls.collect());
        let (client, endpoint) = (self.client.clone(), self.options.endpoint.clone());
        let result = attempt::on_thread(move || attempt::post_json(&client, &endpoint, &body)).await;
        self.follower.record(next, result.map_err(explained)).await.map(|_| ())
    }

    fn body(&self, urls: Vec<String>) -> Vec<u8> {
        let IndexNowOptions { key, addresses, .. } = &self.options;
        let host = Url::parse(&addresses.url("/")).ok().and_then(|url| url.host_str().map(str::to_owned));
        let location = addresses.url(&indexnow_key_path(key));
        json!({ "host": host, "key": key, "keyLocation": location, "urlList": urls }).to_string().into_bytes()
    }
}

/// Adds what the documentation of IndexNow says about a status.
fn explained(failure: Failure) -> Failure {
    let meaning = match failure.status.map(|status| status.as_u16()) {
        Some(400) => "the request is malformed",
        Some(403) => {
            "the key could not be confirmed; the file with the key must be reachable from the Internet"
        }
        Some(422) => "the pages do not belong to the host, or the key is malformed",
        _ => return failure,
    };
    Failure { reason: format!("{}: {meaning}", failure.reason), ..failure }
}

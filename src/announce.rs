//! Tells search engines which pages changed, by [IndexNow](https://www.indexnow.org/documentation).
//!
//! The position in the log is stored after each announcement: what changed while nobody could be told is told later,
//! and nothing is told twice, except after a crash between the answer and the store.

use std::time::Duration;

use serde_json::json;
use tokio::sync::{oneshot, watch};
use tracing::{info, warn};

use crate::fetch::{self, AllowedAddresses};
use crate::store::{ChangedPages, Store, StoreError};
use crate::urls::{SiteUrls, article_path, indexnow_key_path};

/// The name of the service in the store.
const SERVICE: &str = "indexnow";
/// Maximum number of changes in one request; the protocol allows 10,000 URLs.
const BATCH: u32 = 1000;
/// Changes that come soon after another are announced together.
const PAUSE: Duration = Duration::from_secs(5);
/// How often it is looked at whether something remains to be announced.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// The time of a request.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The pause after the first failure; doubled after each further one …
const FIRST_RETRY: Duration = Duration::from_secs(30);
/// … up to this.
const LONGEST_RETRY: Duration = Duration::from_secs(6 * 3600);

/// Whom to tell, and as whom.
#[derive(Clone, Debug)]
pub struct IndexNowOptions {
    /// Proves that the site is ours: it is published at `/KEY.txt`.
    pub key: String,
    /// The URL that takes announcements.
    pub endpoint: String,
    /// Builds the URLs of the pages.
    pub addresses: std::sync::Arc<SiteUrls>,
    /// The `User-Agent` header.
    pub user_agent: String,
}

/// Announces changes until `shutdown` is true. Of several processes that share the log, the one that scans the folder
/// does. The first time it begins with the next change: search engines find old articles by the sitemap.
pub async fn run(store: Store, options: IndexNowOptions, mut shutdown: watch::Receiver<bool>) {
    let mut positions = store.subscribe();
    let mut failures = 0;
    loop {
        // Errors of the store are logged by the maintenance loop.
        let outcome = announce(&store, &options).await.unwrap_or(Outcome::UpToDate);
        match &outcome {
            Outcome::Told if failures > 0 => info!("IndexNow answers again"),
            Outcome::Failed(reason) if failures == 0 => {
                warn!(%reason, endpoint = %options.endpoint, "IndexNow was not told about changes; trying again");
            }
            _ => {}
        }
        failures = match outcome {
            Outcome::Failed(_) => failures + 1,
            Outcome::Told => 0,
            Outcome::UpToDate => failures,
        };
        let next = async {
            match outcome {
                Outcome::Failed(_) => tokio::time::sleep(retry_after(failures)).await,
                Outcome::Told => tokio::time::sleep(PAUSE).await,
                Outcome::UpToDate => {
                    // After a while without a change as well: another process may have announced, and has ended.
                    let _ = tokio::time::timeout(LOOK_AGAIN, positions.changed()).await;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => return,
            () = next => {}
        }
    }
}

enum Outcome {
    UpToDate,
    Told,
    /// The reason.
    Failed(String),
}

fn retry_after(failures: u32) -> Duration {
    FIRST_RETRY.saturating_mul(1 << (failures.clamp(1, 16) - 1)).min(LONGEST_RETRY)
}

/// Announces the next changes, if there are any.
async fn announce(store: &Store, options: &IndexNowOptions) -> Result<Outcome, StoreError> {
    let Some(after) = store.announced(SERVICE).await? else {
        store.set_announced(SERVICE, store.poll_position().await?.head).await?;
        return Ok(Outcome::UpToDate);
    };
    if !store.acquire_scan_lease().await? {
        return Ok(Outcome::UpToDate);
    }
    let ChangedPages { permalinks, next } = store.pages_changed_after(after, BATCH).await?;
    if permalinks.is_empty() {
        return Ok(Outcome::UpToDate);
    }
    let urls = permalinks.iter().map(|permalink| options.addresses.url(&article_path(permalink)));
    match post(options.clone(), body(options, urls.collect())).await {
        Ok(()) => {
            store.set_announced(SERVICE, next).await?;
            Ok(Outcome::Told)
        }
        Err(reason) => Ok(Outcome::Failed(reason)),
    }
}

fn body(options: &IndexNowOptions, urls: Vec<String>) -> String {
    let IndexNowOptions { key, addresses, .. } = options;
    let host = url::Url::parse(&addresses.url("/")).ok().and_then(|url| url.host_str().map(str::to_owned));
    json!({ "host": host, "key": key, "keyLocation": addresses.url(&indexnow_key_path(key)), "urlList": urls }).to_string()
}

/// Sends an announcement, on a thread of its own, which a shutdown does not wait for. The endpoint is the operator's choice
/// and may be internal.
async fn post(options: IndexNowOptions, body: String) -> Result<(), String> {
    let (send, receive) = oneshot::channel();
    let thread = std::thread::Builder::new().name("indexnow".to_owned()).spawn(move || {
        let agent = fetch::agent(AllowedAddresses::All, &options.user_agent, TIMEOUT);
        let request = agent.post(&options.endpoint).header("Content-Type", "application/json; charset=utf-8");
        let outcome = match request.send(body) {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(explained(answer.status().as_u16())),
            Err(cause) => Err(cause.to_string()),
        };
        // The caller may have been stopped.
        let _ = send.send(outcome);
    });
    thread.map_err(|cause| cause.to_string())?;
    receive.await.unwrap_or_else(|_| Err("the request was abandoned".to_owned()))
}

/// What the documentation of IndexNow says about a status.
fn explained(status: u16) -> String {
    let meaning = match status {
        400 => ": the request is malformed",
        403 => ": the key could not be confirmed; the file with the key must be reachable from the Internet",
        422 => ": the pages do not belong to the host, or the key is malformed",
        429 => ": too many requests",
        _ => "",
    };
    format!("status {status}{meaning}")
}

//! The hub as its users see it: it accepts requests of subscribers.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::Notify;
use url::Url;

use super::error::HubError;
use super::form::Form;
use super::options::HubOptions;
use crate::fetch::CallbackClient;
use crate::render::SiteCache;
use crate::store::{NewSubscriptionRequest, Store};
use crate::urls::{Format, Route, Scope, SiteUrls, feed_path};

/// Time of a whole request to a callback.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What the hub has done since the start.
#[derive(Debug, Default)]
pub struct HubCounters {
    /// Confirmed subscriptions at the moment.
    pub subscriptions: AtomicU64,
    /// Requests of subscribers that they confirmed.
    pub confirmed: AtomicU64,
    /// Requests of subscribers that they did not confirm.
    pub unconfirmed: AtomicU64,
    /// Messages that were delivered.
    pub delivered: AtomicU64,
    /// Attempts to deliver a message that failed.
    pub failed: AtomicU64,
}

/// A WebSub hub for the live feeds of this site. Clones share it.
#[derive(Clone)]
pub struct Hub {
    pub(super) store: Store,
    pub(super) site: SiteCache,
    pub(super) urls: Arc<SiteUrls>,
    pub(super) options: Arc<HubOptions>,
    pub(super) client: CallbackClient,
    /// A request was stored.
    pub(super) requested: Arc<Notify>,
    pub(super) counters: Arc<HubCounters>,
}

impl Hub {
    /// A hub for the feeds in `site`.
    pub fn new(
        store: Store,
        site: SiteCache,
        urls: Arc<SiteUrls>,
        options: HubOptions,
        counters: Arc<HubCounters>,
    ) -> Self {
        let client = CallbackClient::new(&options.user_agent, options.allow.clone(), TIMEOUT);
        Self { store, site, urls, options: Arc::new(options), client, requested: Arc::default(), counters }
    }

    /// Checks the form of a subscriber.
    ///
    /// # Errors
    /// If it is malformed, names a topic of others or an address that must not be requested.
    pub fn parse(&self, form: &[u8]) -> Result<NewSubscriptionRequest, HubError> {
        let form = Form::parse(form, &self.options)?;
        let callback = self
            .client
            .parse(&form.callback)
            .map_err(|cause| HubError::Invalid(format!("hub.callback: {cause}")))?;
        let (scope, format) = self.topic(&form.topic)?;
        let site = self.site.current();
        let feed = site.live_feed(&scope).ok_or_else(|| unknown(&form.topic))?;
        Ok(NewSubscriptionRequest {
            topic: feed_path(scope.as_ref(), format),
            callback: callback.into(),
            mode: form.mode,
            secret: form.secret,
            lease: form.lease,
            log: feed.log().to_owned(),
            delivered: feed.number(),
        })
    }

    /// Stores a request. Its subscriber is asked for confirmation afterwards.
    ///
    /// # Errors
    /// If there are too many subscriptions, or the store fails.
    pub async fn request(&self, request: NewSubscriptionRequest) -> Result<(), HubError> {
        match self.store.request_subscription(request, self.options.max_subscriptions).await? {
            true => {
                self.requested.notify_one();
                Ok(())
            }
            false => Err(HubError::Full),
        }
    }

    /// The feed of this topic, which must be written as the feed itself names it.
    fn topic(&self, topic: &str) -> Result<(Scope, Format), HubError> {
        let url = Url::parse(topic).map_err(|_| unknown(topic))?;
        let is_ours = |path: &str| Url::parse(&self.urls.url(path)).is_ok_and(|own| own == url);
        match self.urls.parse(url.path()) {
            Route::Feed(scope, format) if is_ours(&feed_path(scope.as_ref(), format)) => Ok((scope, format)),
            Route::Redirect(target) if url.as_str().starts_with(self.urls.site_url()) => {
                let target = self.urls.url(&target);
                Err(HubError::Invalid(format!("hub.topic has moved: subscribe to {target}")))
            }
            _ => Err(unknown(topic)),
        }
    }
}

fn unknown(topic: &str) -> HubError {
    let topic: String = topic.chars().take(200).collect();
    HubError::Invalid(format!(
        "hub.topic {topic} is not a feed of this site; use the URL with rel=self in the feed"
    ))
}

//! Renders all documents of one channel.

use super::context::{RenderContext, live_input, remove_article};
use super::live_feed::{LiveFeed, channel_page};
use super::representation::{LogVersion, Representation};
use crate::feed::{self, VerifyError};
use crate::html;
use crate::model::{ArticleId, Entry};
use crate::panics::caught;
use crate::store::{ChannelState, LiveFeedData};
use crate::urls::{Format, OPML_PATH, Scope, feed_path, page_path};

/// The media type of the channel list.
pub const OPML_MEDIA_TYPE: &str = "text/x-opml; charset=utf-8";

/// The documents of a channel, replaced together.
pub(super) struct ChannelDocuments {
    /// By path.
    pub documents: Vec<(String, Representation)>,
    pub live_feed: LiveFeed,
}

/// The result of a job.
pub(super) struct ChannelResult {
    pub scope: Scope,
    pub state: ChannelState,
    pub outcome: Result<(ChannelDocuments, Vec<VerifyError>), VerifyError>,
}

/// Renders one channel. Blocking.
pub(super) struct ChannelJob {
    pub context: RenderContext,
    /// For the home page: the newest articles of each channel, in the order of the channels.
    pub sections: Vec<Vec<Entry>>,
    pub scope: Scope,
}

impl ChannelJob {
    pub(super) fn run(mut self, view: LiveFeedData) -> ChannelResult {
        let state = view.state;
        let outcome = caught(|| self.render(view))
            .unwrap_or_else(|| Err(VerifyError { article: None, reason: "rendering panicked".to_owned() }));
        ChannelResult { state, outcome, scope: self.scope }
    }

    /// Renders; omits articles that fail verification. Fails if the error is not in an article.
    fn render(
        &mut self,
        mut view: LiveFeedData,
    ) -> Result<(ChannelDocuments, Vec<VerifyError>), VerifyError> {
        let mut faults = Vec::new();
        loop {
            match self.attempt(&view) {
                Ok(documents) => {
                    let sections = std::mem::take(&mut self.sections);
                    let live_feed = LiveFeed::new(self.context.clone(), self.scope.clone(), view, sections);
                    return Ok((ChannelDocuments { documents, live_feed }, faults));
                }
                Err(fault) => {
                    let Some(article) = fault.article.clone() else { return Err(fault) };
                    if !remove(&mut view, &article) {
                        return Err(fault);
                    }
                    faults.push(fault);
                }
            }
        }
    }

    fn attempt(&self, view: &LiveFeedData) -> Result<Vec<(String, Representation)>, VerifyError> {
        let scope = self.scope.as_ref();
        let version = LogVersion { log: self.context.log_id_for(scope), number: view.state.number };
        let document = live_input(&self.context, &self.scope, view);
        let mut documents = Vec::new();
        for format in Format::ALL {
            let bytes = self.context.render_feed(&document, format)?;
            let feed =
                Representation::new(feed::media_type(format), bytes, &version, view.state.last_modified);
            let feed = if view.abridged { feed.into_abridged() } else { feed };
            let (path, addresses) = (feed_path(scope, format), &self.context.options.addresses);
            let feed = feed.with_hub(&addresses.url(&path), addresses.hub_url());
            documents.push((path, feed));
        }
        documents.extend(self.pages(view, &version));
        Ok(documents)
    }

    /// The HTML page; for the aggregate of all channels also the channel list.
    fn pages(&self, view: &LiveFeedData, version: &LogVersion) -> Vec<(String, Representation)> {
        let RenderContext { options, channels, channels_at, .. } = &self.context;
        let page = channel_page(&self.context, &self.scope, view, &self.sections, None);
        // The menu of every page contains all channels.
        let last_modified = view.state.last_modified.max(*channels_at);
        let mut documents = vec![(
            page_path(self.scope.as_ref()),
            Representation::new(html::MEDIA_TYPE, page, version, last_modified),
        )];
        if self.scope.is_none() {
            let opml = feed::opml(&options.site, &options.addresses, channels);
            // The channel list does not depend on the articles, so its version is not that of the log.
            let version = LogVersion { log: version.log.clone(), number: channels.len() as u64 };
            let opml = Representation::new(OPML_MEDIA_TYPE, opml, &version, *channels_at);
            documents.push((OPML_PATH.to_owned(), opml));
        }
        documents
    }
}

/// Removes an article from the feed. A delta must not start before its last change.
fn remove(view: &mut LiveFeedData, article: &ArticleId) -> bool {
    view.complete = false;
    view.delta_floor = view.delta_floor.max(view.last_changes.get(article).copied().unwrap_or_default());
    remove_article(&mut view.entries, &mut view.tombstones, article)
}

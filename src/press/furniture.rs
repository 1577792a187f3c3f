//! What the pages stand on: stylesheet, script and icon, `robots.txt`, and the page for an address that leads nowhere.

use super::{Document, Options, Version};
use crate::address::ROBOTS_PATH;
use crate::channel::Channel;
use crate::pages;
use crate::vietnam_time::Moment;

/// Printed whenever the configuration or the list of channels has changed, and not with every article.
pub(super) struct Furniture {
    /// By path.
    pub documents: Vec<(String, Document)>,
    pub not_found: Document,
}

impl Furniture {
    /// Takes some milliseconds: call it where blocking is allowed.
    pub fn print(options: &Options, channels: &[Channel], log: &str, at: Moment) -> Self {
        let version = Version { log: log.to_owned(), number: 0 };
        let assets = pages::Look::of(&options.site).assets().into_iter().map(|asset| {
            let named_by_its_bytes = asset.path.starts_with(&crate::address::asset_path(""));
            let document = Document::print(asset.media_type, asset.bytes, &version, at);
            (asset.path, if named_by_its_bytes { document.into_asset() } else { document })
        });
        let mut documents: Vec<_> = assets.collect();
        let robots = pages::robots(&options.addresses);
        let robots = Document::print("text/plain; charset=utf-8", robots, &version, at);
        documents.push((ROBOTS_PATH.to_owned(), robots));
        let frame = pages::Frame::new(&options.site, &options.addresses, channels);
        let not_found = Document::print(pages::MEDIA_TYPE, pages::not_found(&frame), &version, at);
        Self { documents, not_found }
    }
}

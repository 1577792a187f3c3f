//! What the pages stand on: stylesheet, script and icon, `robots.txt`, and the pages for an address that leads nowhere,
//! or nowhere any more.

use super::{Document, Options, Setting, Version};
use crate::address::ROBOTS_PATH;
use crate::pages;

/// Printed whenever the configuration or the list of channels has changed, and not with every article.
pub(super) struct Furniture {
    /// By path.
    pub documents: Vec<(String, Document)>,
    pub not_found: Document,
    pub gone: Document,
}

/// The paths of all that the pages of a site stand on.
pub fn furniture(setting: &Setting) -> Vec<String> {
    let assets = pages::Look::of(&setting.options.site).assets();
    assets.into_iter().map(|asset| asset.path).chain([ROBOTS_PATH.to_owned()]).collect()
}

impl Furniture {
    /// Takes some milliseconds: call it where blocking is allowed.
    pub fn print(setting: &Setting) -> Self {
        let Options { site, addresses, .. } = &*setting.options;
        let (version, at) = (Version { log: setting.log_of(None), number: 0 }, setting.channels_at);
        let assets = pages::Look::of(site).assets().into_iter().map(|asset| {
            let named_by_its_bytes = asset.path.starts_with(&crate::address::asset_path(""));
            let document = Document::print(asset.media_type, asset.bytes, &version, at);
            (asset.path, if named_by_its_bytes { document.into_asset() } else { document })
        });
        let mut documents: Vec<_> = assets.collect();
        let robots = Document::print("text/plain; charset=utf-8", pages::robots(addresses), &version, at);
        documents.push((ROBOTS_PATH.to_owned(), robots));
        let frame = setting.frame();
        let page = |page| Document::print(pages::MEDIA_TYPE, page, &version, at);
        Self { documents, not_found: page(pages::not_found(&frame)), gone: page(pages::gone(&frame)) }
    }
}

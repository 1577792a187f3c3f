//! Documents that depend only on the configuration and the channels: stylesheet, script, icons, `robots.txt`, the key for
//! IndexNow, the page about accessibility and the error pages.

use super::context::{RenderContext, RenderOptions};
use super::representation::{LogVersion, Representation};
use crate::html;
use crate::urls::{ACCESSIBILITY_PATH, ROBOTS_PATH, indexnow_key_path};

/// Rendered when the configuration or the channel list changes.
pub(super) struct StaticAssets {
    /// By path.
    pub documents: Vec<(String, Representation)>,
    pub not_found: Representation,
    pub gone: Representation,
}

/// The paths of the static files, of `robots.txt`, of the key for IndexNow and of the page about accessibility.
pub fn asset_paths(context: &RenderContext) -> Vec<String> {
    let assets = html::SiteAssets::new(&context.options.site).assets();
    let others = [ROBOTS_PATH, ACCESSIBILITY_PATH].map(str::to_owned);
    let key = context.options.indexnow_key.as_deref().map(indexnow_key_path);
    assets.into_iter().map(|asset| asset.path).chain(others).chain(key).collect()
}

impl StaticAssets {
    /// Blocking: takes some milliseconds.
    pub fn render(context: &RenderContext) -> Self {
        let RenderOptions { site, addresses, indexnow_key, .. } = &*context.options;
        let (version, at) = (LogVersion { log: context.log_id_for(None), number: 0 }, context.channels_at);
        let assets = html::SiteAssets::new(site).assets().into_iter().map(|asset| {
            let is_fingerprinted = asset.path.starts_with(&crate::urls::asset_path(""));
            let document = Representation::new(asset.media_type, asset.bytes, &version, at);
            (asset.path, if is_fingerprinted { document.immutable() } else { document })
        });
        let mut documents: Vec<_> = assets.collect();
        let plain = |text| Representation::new("text/plain; charset=utf-8", text, &version, at);
        documents.push((ROBOTS_PATH.to_owned(), plain(html::robots(addresses))));
        if let Some(key) = indexnow_key {
            documents.push((indexnow_key_path(key), plain(key.as_bytes().to_vec())));
        }
        let page_context = context.page_context();
        let page = |page| Representation::new(html::MEDIA_TYPE, page, &version, at);
        documents.push((ACCESSIBILITY_PATH.to_owned(), page(html::accessibility_page(&page_context))));
        Self {
            documents,
            not_found: page(html::not_found_page(&page_context)),
            gone: page(html::gone_page(&page_context)),
        }
    }
}

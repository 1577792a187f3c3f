//! What the pages stand on: stylesheet, script and icon, `robots.txt`, and the pages for an address that leads nowhere,
//! or nowhere any more.

use super::{LogVersion, RenderContext, RenderOptions, Representation};
use crate::html;
use crate::urls::ROBOTS_PATH;

/// Printed whenever the configuration or the list of channels has changed, and not with every article.
pub(super) struct StaticAssets {
    /// By path.
    pub documents: Vec<(String, Representation)>,
    pub not_found: Representation,
    pub gone: Representation,
}

/// The paths of all that the pages of a site stand on.
pub fn asset_paths(setting: &RenderContext) -> Vec<String> {
    let assets = html::SiteAssets::new(&setting.options.site).assets();
    assets.into_iter().map(|asset| asset.path).chain([ROBOTS_PATH.to_owned()]).collect()
}

impl StaticAssets {
    /// Takes some milliseconds: call it where blocking is allowed.
    pub fn render(setting: &RenderContext) -> Self {
        let RenderOptions { site, addresses, .. } = &*setting.options;
        let (version, at) = (LogVersion { log: setting.log_id_for(None), number: 0 }, setting.channels_at);
        let assets = html::SiteAssets::new(site).assets().into_iter().map(|asset| {
            let named_by_its_bytes = asset.path.starts_with(&crate::urls::asset_path(""));
            let document = Representation::encode(asset.media_type, asset.bytes, &version, at);
            (asset.path, if named_by_its_bytes { document.immutable() } else { document })
        });
        let mut documents: Vec<_> = assets.collect();
        let robots =
            Representation::encode("text/plain; charset=utf-8", html::robots(addresses), &version, at);
        documents.push((ROBOTS_PATH.to_owned(), robots));
        let frame = setting.page_context();
        let page = |page| Representation::encode(html::MEDIA_TYPE, page, &version, at);
        Self { documents, not_found: page(html::not_found_page(&frame)), gone: page(html::gone_page(&frame)) }
    }
}

//! The list of all documents of the site at one state of the log: each with its file, its date, and a key that
//! identifies its inputs. If key and date equal those of the last build, the document need not be rendered.

use sha2::{Digest as _, Sha256};

use super::manifest::{META_DIR, Manifest};
use crate::model::Permalink;
use crate::render::{self, MonthExtent, PageRequest, RenderContext};
use crate::store::{ChannelState, MonthState, Snapshot, StoreError};
use crate::text::hex;
use crate::time::Timestamp;
use crate::urls::{
    Format, OPML_PATH, Scope, Sitemap, archive_path, article_path, asset_path, feed_path, media_path,
    month_path, months_path, page_path, search_path, sitemap_path,
};

/// The 404 page, under the name that static servers expect.
pub(super) const NOT_FOUND: &str = "404.html";
/// The 410 page for removed documents without a page of their own.
pub(super) const GONE_PAGE: &str = "410.html";
/// Number of rows per read from the store.
const BATCH_SIZE: u32 = 1000;

/// A document to be exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlannedFile {
    /// Path below the output directory.
    pub file: String,
    pub key: String,
    pub modified: Timestamp,
    pub output: Output,
}

/// Which document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// A static asset, by its path.
    Asset(String),
    /// The 404 page.
    NotFound,
    /// The 410 page.
    Gone,
    /// The page in place of the search, which needs the server.
    NoSearch,
    Image(String),
    /// An article page, or its tombstone page.
    Article(Permalink),
    Archive(Scope, u64, Format),
    /// A live document of a channel, by its path.
    Live(String),
    OnDemand(PageRequest),
}

impl Output {
    /// True for documents with links to others. They are written last, so that every link target exists.
    pub(super) fn is_entry_point(&self) -> bool {
        matches!(self, Self::Live(..) | Self::OnDemand(_))
    }
}

/// The states of all served channels; the feed of all channels comes last.
pub(super) type States = Vec<(Scope, ChannelState)>;

/// Reads the states of all served channels.
pub(super) async fn states(snapshot: &mut Snapshot, context: &RenderContext) -> Result<States, StoreError> {
    let known = snapshot.channel_states().await?;
    let configured_at = snapshot.config_modified_at().await?;
    let none = ChannelState { number: 0, updated: configured_at, last_modified: configured_at };
    let served = context.channels().iter().filter(|channel| !channel.is_gone());
    let scopes = served.map(|channel| Some(channel.slug.clone())).chain([None]);
    Ok(scopes.map(|scope| (scope.clone(), known.get(&scope).copied().unwrap_or(none))).collect())
}

/// Lists every document. Keys in `before` save queries for archive pages that cannot have changed.
pub(super) async fn plan(
    snapshot: &mut Snapshot,
    context: &RenderContext,
    states: &States,
    before: &Manifest,
) -> Result<Vec<PlannedFile>, StoreError> {
    let mut plan = assets(context);
    let at = context.channels_at();
    images(snapshot, &mut plan).await?;
    articles(snapshot, at, &mut plan).await?;
    plan.extend(archives(snapshot, context, states, before).await?);
    for (scope, state) in states {
        months(snapshot, context, scope, *state, &mut plan).await?;
        plan.extend(live(scope, *state, at));
    }
    Ok(plan)
}

/// The static assets and error pages.
pub(super) fn assets(context: &RenderContext) -> Vec<PlannedFile> {
    let at = context.channels_at();
    let planned = |file, output| PlannedFile { file, key: modified_at(at), modified: at, output };
    let documents = render::asset_paths(context).into_iter();
    let documents = documents.map(|path| planned(output_path(&path), Output::Asset(path)));
    let pages = [
        planned(NOT_FOUND.to_owned(), Output::NotFound),
        planned(tombstone_path(GONE_PAGE), Output::Gone),
        planned(output_path(&search_path(None, "")), Output::NoSearch),
    ];
    documents.chain(pages).collect()
}

/// True for files whose names contain a hash of their bytes.
pub(super) fn is_asset(file: &str) -> bool {
    format!("/{file}").starts_with(&asset_path(""))
}

/// The live documents of a channel.
pub(super) fn live(scope: &Scope, state: ChannelState, channels_at: Timestamp) -> Vec<PlannedFile> {
    let key = format!("{}.{}.{}", state.number, state.updated.timestamp(), state.last_modified.timestamp());
    let of = |path: String, at| {
        let file = output_path(&path);
        PlannedFile { file, key: key.clone(), modified: at, output: Output::Live(path) }
    };
    let feeds = Format::ALL.map(|format| of(feed_path(scope.as_ref(), format), state.last_modified));
    let page = of(page_path(scope.as_ref()), state.last_modified.max(channels_at));
    let mut files: Vec<PlannedFile> = feeds.into_iter().chain([page]).collect();
    if scope.is_none() {
        let opml = PlannedFile { key: modified_at(channels_at), ..of(OPML_PATH.to_owned(), channels_at) };
        files.push(opml);
    }
    files
}

async fn images(snapshot: &mut Snapshot, plan: &mut Vec<PlannedFile>) -> Result<(), StoreError> {
    let mut after = String::new();
    loop {
        let pictures = snapshot.image_refs(&after, BATCH_SIZE).await?;
        let Some(last) = pictures.last() else { return Ok(()) };
        after.clone_from(&last.name);
        plan.extend(pictures.into_iter().map(|picture| PlannedFile {
            file: output_path(&media_path(&picture.name)),
            // The name is a hash of the bytes.
            key: "picture".to_owned(),
            modified: picture.stored_at,
            output: Output::Image(picture.name),
        }));
    }
}

async fn articles(
    snapshot: &mut Snapshot,
    channels_at: Timestamp,
    plan: &mut Vec<PlannedFile>,
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let articles = snapshot.article_refs(after.as_ref(), BATCH_SIZE).await?;
        let Some(last) = articles.last() else { return Ok(()) };
        after = Some(last.id.clone());
        plan.extend(articles.into_iter().map(|article| {
            let file = output_path(&article_path(&article.permalink));
            PlannedFile {
                file: if article.is_live { file } else { tombstone_path(&file) },
                key: article.neighbours.map_or_else(
                    || article.number.to_string(),
                    |(number, _)| format!("{}.{number}", article.number),
                ),
                modified: article
                    .neighbours
                    .map_or(article.at, |(_, at)| article.at.max(at))
                    .max(channels_at),
                output: Output::Article(article.permalink),
            }
        }));
    }
}

/// The archive pages of all channels, in an order in which an article that several pages show is still in memory in its
/// rendered form when the next of them is rendered.
async fn archives(
    snapshot: &mut Snapshot,
    context: &RenderContext,
    states: &States,
    before: &Manifest,
) -> Result<Vec<PlannedFile>, StoreError> {
    let total = states.last().map_or(0, |(_, state)| state.number);
    let mut pages = Vec::new();
    for (scope, state) in states {
        let place = |page| about_where(scope, page, *state, total);
        let files = archive(snapshot, context, scope, *state, before).await?;
        pages.extend(files.into_iter().map(|(page, file)| (place(page), file)));
    }
    pages.sort_by_key(|(place, _)| *place);
    Ok(pages.into_iter().map(|(_, file)| file).collect())
}

/// About where the articles of a page are in the log of `total` revisions, in pages, if the channels grow evenly. The
/// pages of the view of all channels come somewhat later, so that no two tasks render the same article at once.
fn about_where(scope: &Scope, page: u64, state: ChannelState, total: u64) -> u64 {
    const LAG: u64 = 20;
    match scope {
        Some(_) => page.saturating_mul(total) / state.number.max(1),
        None => page + LAG,
    }
}

/// The archive pages of a channel, each with its number.
async fn archive(
    snapshot: &mut Snapshot,
    context: &RenderContext,
    scope: &Scope,
    state: ChannelState,
    before: &Manifest,
) -> Result<Vec<(u64, PlannedFile)>, StoreError> {
    let size = context.page_size();
    let mut pages = Vec::new();
    // The channel state at the last build. Its archive pages change only if an article was removed since.
    let known_to = before.key(&output_path(&feed_path(scope.as_ref(), Format::Rss))).and_then(number_of);
    let departed = snapshot.last_removal(scope.as_ref()).await?;
    let unchanged = known_to.filter(|known| departed <= *known).unwrap_or(0) / size;
    for page in 1..=state.number / size {
        let files =
            Format::ALL.map(|format| (format, output_path(&archive_path(scope.as_ref(), page, format))));
        let known = before.files.get(&files[0].1).filter(|made| page <= unchanged && !made.key.is_empty());
        let (key, at) = match known {
            Some(made) => (made.key.clone(), made.modified),
            None => match snapshot.archive_state(scope.as_ref(), page, size).await? {
                Some(state) => {
                    (format!("{}.{}", state.number, state.last_modified.timestamp()), state.last_modified)
                }
                None => continue,
            },
        };
        pages.extend(files.into_iter().map(|(format, file)| {
            let output = Output::Archive(scope.clone(), page, format);
            (page, PlannedFile { file, key: key.clone(), modified: at, output })
        }));
    }
    Ok(pages)
}

async fn months(
    snapshot: &mut Snapshot,
    context: &RenderContext,
    scope: &Scope,
    state: ChannelState,
    plan: &mut Vec<PlannedFile>,
) -> Result<(), StoreError> {
    let months = snapshot.month_states(scope.as_ref(), context.zone()).await?;
    let at = state.last_modified.max(context.channels_at());
    let mut add = |path: String, key: String, request: PageRequest| {
        plan.push(PlannedFile {
            file: output_path(&path),
            key,
            modified: at,
            output: Output::OnDemand(request),
        });
    };
    let key = |months: &[MonthState]| {
        let add = |hash: Sha256, state: &MonthState| hash.chain_update(format!("{:?}", state.month));
        hex(&months.iter().fold(Sha256::new(), add).finalize()[..8])
    };
    add(months_path(scope.as_ref(), None), key(&months), PageRequest::Months(scope.clone(), None));
    for of_year in months.chunk_by(|one, other| one.month.year == other.month.year) {
        let year = Some(of_year[0].month.year);
        add(months_path(scope.as_ref(), year), key(of_year), PageRequest::Months(scope.clone(), year));
    }
    for (index, MonthState { month, articles, number }) in months.iter().enumerate() {
        let neighbour = |index: Option<usize>| {
            let month = index.and_then(|index| months.get(index)).map(|state| state.month);
            month.map_or("-".to_owned(), |month| format!("{}/{}", month.year, month.month))
        };
        // The page links to the neighbouring months.
        let key =
            format!("{articles}.{number}.{}.{}", neighbour(index.checked_sub(1)), neighbour(Some(index + 1)));
        let request = PageRequest::Month(scope.clone(), *month, MonthExtent::Whole);
        add(month_path(scope.as_ref(), *month), key, request);
        if scope.is_none() {
            let sitemap = Sitemap::Month(*month);
            add(sitemap_path(sitemap), format!("{articles}.{number}"), PageRequest::Sitemap(sitemap));
        }
    }
    if scope.is_none() {
        let number = state.number.to_string();
        let pages = modified_at(context.channels_at());
        // Without articles there is no news sitemap.
        let news = (!months.is_empty()).then(|| (Sitemap::News, number.clone()));
        for (sitemap, key) in [(Sitemap::Index, number), (Sitemap::Pages, pages)].into_iter().chain(news) {
            add(sitemap_path(sitemap), key, PageRequest::Sitemap(sitemap));
        }
    }
    Ok(())
}

fn modified_at(at: Timestamp) -> String {
    at.timestamp().to_string()
}

/// The number in the key of a live feed.
fn number_of(key: &str) -> Option<u64> {
    key.split('.').next()?.parse().ok()
}

/// The file of a URL path: `index.html` after a slash; `.html` is added if there is no extension.
pub(super) fn output_path(path: &str) -> String {
    let path = path.trim_start_matches('/');
    let name = path.rsplit('/').next().unwrap_or_default();
    match () {
        () if name.is_empty() => format!("{path}index.html"),
        () if name.contains('.') => path.to_owned(),
        () => format!("{path}.html"),
    }
}

/// The file of a tombstone page. It is not reachable by URL; the server sends it with status 410.
pub(super) fn tombstone_path(file: &str) -> String {
    format!("{META_DIR}/gone/{file}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_has_a_file_that_static_servers_find() {
        for (path, file) in [
            ("/", "index.html"),
            ("/xa-hoi/", "xa-hoi/index.html"),
            ("/xa-hoi/rss.xml", "xa-hoi/rss.xml"),
            ("/bai-viet/2023/05/12/hoi-nghi", "bai-viet/2023/05/12/hoi-nghi.html"),
            ("/tim-kiem", "tim-kiem.html"),
            ("/theo-thang/2023/05/", "theo-thang/2023/05/index.html"),
        ] {
            assert_eq!(output_path(path), file);
        }
    }
}

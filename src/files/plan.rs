//! What the site consists of at one state of the log: each document with its file, its date, and a key that names
//! all that it is made of. Where key and date are those of the last build, nobody needs to print it.

use sha2::{Digest as _, Sha256};

use super::folder::{HIDDEN, Manifest};
use crate::address::{
    Format, OPML_PATH, Scope, Sitemap, archive_path, article_path, asset_path, feed_path, media_path,
    month_path, months_path, page_path, search_path, sitemap_path,
};
use crate::article::Permalink;
use crate::press::{self, Asked, MonthPart, Setting};
use crate::store::{ChannelState, MonthState, Snapshot, StoreError};
use crate::vietnam_time::Moment;

/// The page for addresses that lead nowhere; static servers know it by this name.
pub(super) const NOT_FOUND: &str = "404.html";
/// The page for those that lead nowhere any more and have no page of their own.
pub(super) const GONE: &str = "410.html";
/// Names that are read from the store at a time.
const STRIDE: u32 = 1000;

/// A document on the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    /// Its path below the folder.
    pub file: String,
    pub key: String,
    pub at: Moment,
    pub what: What,
}

/// Which document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// What pages stand on, by its path.
    Furniture(String),
    /// For addresses that lead nowhere.
    NotFound,
    /// For addresses that lead nowhere any more.
    Gone,
    /// In place of the search, which files cannot do.
    NoSearch,
    Picture(String),
    /// An article's page, or what stands there once it is withdrawn.
    Article(Permalink),
    Archive(Scope, u64, Format),
    /// What the press keeps printed of each channel, by its path.
    Live(String),
    Asked(Asked),
}

impl What {
    /// True for what leads people and readers on to other documents: it is written last, so that nothing is named
    /// before it is there.
    pub(super) fn is_index(&self) -> bool {
        matches!(self, Self::Live(..) | Self::Asked(_))
    }
}

/// The states of all channels that are served, everything last.
pub(super) type States = Vec<(Scope, ChannelState)>;

/// Reads how far each channel that is served has come.
pub(super) async fn states(snapshot: &mut Snapshot, setting: &Setting) -> Result<States, StoreError> {
    let known = snapshot.states().await?;
    let configured_at = snapshot.configured_at().await?;
    let none = ChannelState { number: 0, updated: configured_at, last_modified: configured_at };
    let served = setting.channels().iter().filter(|channel| !channel.is_gone());
    let scopes = served.map(|channel| Some(channel.slug.clone())).chain([None]);
    Ok(scopes.map(|scope| (scope.clone(), known.get(&scope).copied().unwrap_or(none))).collect())
}

/// Lists every document. `before` saves questions: what a key says there is known, and need not be asked.
pub(super) async fn plan(
    snapshot: &mut Snapshot,
    setting: &Setting,
    states: &States,
    before: &Manifest,
) -> Result<Vec<Planned>, StoreError> {
    let mut plan = furniture(setting);
    let at = setting.channels_at();
    pictures(snapshot, &mut plan).await?;
    articles(snapshot, at, &mut plan).await?;
    for (scope, state) in states {
        archive(snapshot, setting, scope, *state, before, &mut plan).await?;
        months(snapshot, setting, scope, *state, &mut plan).await?;
        plan.extend(live(scope, *state, at));
    }
    Ok(plan)
}

/// The files of what all pages stand on.
pub(super) fn furniture(setting: &Setting) -> Vec<Planned> {
    let at = setting.channels_at();
    let planned = |file, what| Planned { file, key: stamp(at), at, what };
    let documents = press::furniture(setting).into_iter();
    let documents = documents.map(|path| planned(file_of(&path), What::Furniture(path)));
    let pages = [
        planned(NOT_FOUND.to_owned(), What::NotFound),
        planned(gone_file(GONE), What::Gone),
        planned(file_of(&search_path(None, "")), What::NoSearch),
    ];
    documents.chain(pages).collect()
}

/// True for what pages refer to by the hash of its bytes.
pub(super) fn is_asset(file: &str) -> bool {
    format!("/{file}").starts_with(&asset_path(""))
}

/// The files of what the press keeps printed of a channel.
pub(super) fn live(scope: &Scope, state: ChannelState, channels_at: Moment) -> Vec<Planned> {
    let key = format!("{}.{}.{}", state.number, state.updated.timestamp(), state.last_modified.timestamp());
    let of = |path: String, at| {
        let file = file_of(&path);
        Planned { file, key: key.clone(), at, what: What::Live(path) }
    };
    let feeds = Format::ALL.map(|format| of(feed_path(scope.as_ref(), format), state.last_modified));
    let page = of(page_path(scope.as_ref()), state.last_modified.max(channels_at));
    let mut files: Vec<Planned> = feeds.into_iter().chain([page]).collect();
    if scope.is_none() {
        let opml = Planned { key: stamp(channels_at), ..of(OPML_PATH.to_owned(), channels_at) };
        files.push(opml);
    }
    files
}

async fn pictures(snapshot: &mut Snapshot, plan: &mut Vec<Planned>) -> Result<(), StoreError> {
    let mut after = String::new();
    loop {
        let pictures = snapshot.pictures(&after, STRIDE).await?;
        let Some(last) = pictures.last() else { return Ok(()) };
        after.clone_from(&last.name);
        plan.extend(pictures.into_iter().map(|picture| Planned {
            file: file_of(&media_path(&picture.name)),
            // The name is made of the bytes.
            key: "picture".to_owned(),
            at: picture.kept_at,
            what: What::Picture(picture.name),
        }));
    }
}

async fn articles(
    snapshot: &mut Snapshot,
    channels_at: Moment,
    plan: &mut Vec<Planned>,
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let articles = snapshot.roll(after.as_ref(), STRIDE).await?;
        let Some(last) = articles.last() else { return Ok(()) };
        after = Some(last.id.clone());
        plan.extend(articles.into_iter().map(|article| {
            let file = file_of(&article_path(&article.permalink));
            Planned {
                file: if article.is_live { file } else { gone_file(&file) },
                key: article.number.to_string(),
                at: article.at.max(channels_at),
                what: What::Article(article.permalink),
            }
        }));
    }
}

async fn archive(
    snapshot: &mut Snapshot,
    setting: &Setting,
    scope: &Scope,
    state: ChannelState,
    before: &Manifest,
    plan: &mut Vec<Planned>,
) -> Result<(), StoreError> {
    let size = setting.page_size();
    // Of the last build: how far the channel had come. Its sealed pages change only with a departure since.
    let known_to = before.key(&file_of(&feed_path(scope.as_ref(), Format::Rss))).and_then(number_of);
    let departed = snapshot.newest_departure(scope.as_ref()).await?;
    let stands = known_to.filter(|known| departed <= *known).unwrap_or(0) / size;
    for page in 1..=state.number / size {
        let files = Format::ALL.map(|format| (format, file_of(&archive_path(scope.as_ref(), page, format))));
        let known = before.files.get(&files[0].1).filter(|made| page <= stands && !made.key.is_empty());
        let (key, at) = match known {
            Some(made) => (made.key.clone(), made.at),
            None => match snapshot.archive_state(scope.as_ref(), page, size).await? {
                Some(state) => {
                    (format!("{}.{}", state.number, state.last_modified.timestamp()), state.last_modified)
                }
                None => continue,
            },
        };
        plan.extend(files.into_iter().map(|(format, file)| {
            let what = What::Archive(scope.clone(), page, format);
            Planned { file, key: key.clone(), at, what }
        }));
    }
    Ok(())
}

async fn months(
    snapshot: &mut Snapshot,
    setting: &Setting,
    scope: &Scope,
    state: ChannelState,
    plan: &mut Vec<Planned>,
) -> Result<(), StoreError> {
    let months = snapshot.month_states(scope.as_ref(), setting.zone()).await?;
    let at = state.last_modified.max(setting.channels_at());
    let mut add = |path: String, key: String, asked: Asked| {
        plan.push(Planned { file: file_of(&path), key, at, what: What::Asked(asked) });
    };
    let all =
        months.iter().fold(Sha256::new(), |hash, month| hash.chain_update(format!("{:?}", month.month)));
    let all: String = all.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    add(months_path(scope.as_ref()), all, Asked::Months(scope.clone()));
    for (place, MonthState { month, articles, number }) in months.iter().enumerate() {
        let beside = |place: Option<usize>| {
            let month = place.and_then(|place| months.get(place)).map(|state| state.month);
            month.map_or("-".to_owned(), |month| format!("{}/{}", month.year, month.month))
        };
        // The page leads on to the months before and behind it.
        let key = format!("{articles}.{number}.{}.{}", beside(place.checked_sub(1)), beside(Some(place + 1)));
        let asked = Asked::Month(scope.clone(), *month, MonthPart::Whole);
        add(month_path(scope.as_ref(), *month), key, asked);
        if scope.is_none() {
            let sitemap = Sitemap::Month(*month);
            add(sitemap_path(sitemap), format!("{articles}.{number}"), Asked::Sitemap(sitemap));
        }
    }
    if scope.is_none() {
        for (sitemap, key) in
            [(Sitemap::Whole, state.number.to_string()), (Sitemap::Pages, stamp(setting.channels_at()))]
        {
            add(sitemap_path(sitemap), key, Asked::Sitemap(sitemap));
        }
    }
    Ok(())
}

fn stamp(at: Moment) -> String {
    at.timestamp().to_string()
}

/// The number in the key of a live feed.
fn number_of(key: &str) -> Option<u64> {
    key.split('.').next()?.parse().ok()
}

/// The file of a path: of one that ends with a slash, the index of that folder; of one without an ending, a page.
pub(super) fn file_of(path: &str) -> String {
    let path = path.trim_start_matches('/');
    let name = path.rsplit('/').next().unwrap_or_default();
    match () {
        () if name.is_empty() => format!("{path}index.html"),
        () if name.contains('.') => path.to_owned(),
        () => format!("{path}.html"),
    }
}

/// Where the page lies that says that something was withdrawn: out of reach but for the server, which answers 410
/// with it.
pub(super) fn gone_file(file: &str) -> String {
    format!("{HIDDEN}/gone/{file}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_a_file_that_static_servers_find() {
        for (path, file) in [
            ("/", "index.html"),
            ("/xa-hoi/", "xa-hoi/index.html"),
            ("/xa-hoi/rss.xml", "xa-hoi/rss.xml"),
            ("/bai-viet/2023/05/12/hoi-nghi", "bai-viet/2023/05/12/hoi-nghi.html"),
            ("/tim-kiem", "tim-kiem.html"),
            ("/theo-thang/2023/05/", "theo-thang/2023/05/index.html"),
        ] {
            assert_eq!(file_of(path), file);
        }
    }
}

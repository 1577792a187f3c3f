//! Reads a file for the first time: what it is, and what its items need of each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use url::Url;

use super::channels::{CategoryTarget, ChannelMap};
use super::dates;
use super::pieces::{Piece, Pieces};
use super::report::LeftOut;
use super::{FileImportFault, FileImportOptions};
use crate::files::open_named;
use crate::model::Slug;
use crate::parse::{
    SourceImage, SourceItem, WordPressHead, WordPressItem, link_key, read_feed, read_feed_head,
    read_wordpress_item,
};
use crate::urls::SiteUrls;

/// Maximum size of a JSON Feed, which is read as a whole, in bytes.
const MAX_JSON: u64 = 256 << 20;
/// Dates that show whether all have the month in place of the minutes.
const MAX_DATES: usize = 1000;
/// Unknown categories that an error names.
const NAMED_CATEGORIES: usize = 12;

/// True if a file is to be imported as a feed or a backup, by its name.
pub fn is_feed_file(path: &Path) -> bool {
    let endings = ["xml", "rss", "atom", "rdf", "wxr", "json"];
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    endings.iter().any(|known| known.eq_ignore_ascii_case(ending)) && !path.is_dir() || is_backup(path)
}

/// True if a file is a backup, which is an SQLite file.
pub fn is_backup(path: &Path) -> bool {
    let mut begin = [0; 16];
    let reading = open_named(path).and_then(|mut file| file.read_exact(&mut begin));
    reading.is_ok() && begin == *b"SQLite format 3\0"
}

/// A file of another system that can be taken in.
#[derive(Debug)]
pub struct FileImport {
    pub(super) path: PathBuf,
    pub(super) options: FileImportOptions,
    pub(super) channels: ChannelMap,
    pub(super) kind: FileKind,
    /// The URL of the old site.
    pub(super) site: Url,
    /// Its name as a source of articles: the same for each file of that site.
    pub(super) source: String,
    /// How often each link is that of an article, by its key.
    pub(super) links: HashMap<String, u32>,
    /// The dates of the first items of a feed, as written.
    pub(super) dates: Vec<Option<String>>,
    articles: u64,
    bytes: u64,
    new_channels: BTreeMap<Slug, String>,
}

/// What a file is.
#[derive(Debug)]
pub(super) enum FileKind {
    WordPress(Box<WordPressPlan>),
    Feed,
    Json,
}

/// What the items of an export need of each other.
#[derive(Debug, Default)]
pub(super) struct WordPressPlan {
    pub(super) head: WordPressHead,
    /// Files, by their numbers.
    pub(super) files: HashMap<u64, OldFile>,
    /// Images, by the number of the article that they belong to, in the order of the file.
    pub(super) images_of: HashMap<u64, Vec<u64>>,
    /// What the zones of the dates are.
    pub(super) offsets: BTreeSet<TimeDelta>,
}

/// A file of the old site.
#[derive(Clone, Debug)]
pub(super) struct OldFile {
    pub(super) url: String,
    pub(super) caption: Option<String>,
}

impl WordPressPlan {
    /// A file as an image beside a text.
    pub(super) fn image(&self, number: u64) -> Option<SourceImage> {
        let OldFile { url, caption } = self.files.get(&number)?.clone();
        Some(SourceImage { url, original: None, caption })
    }
}

/// Why an item is no article for readers; none if it is one.
pub(super) fn left_out(item: &WordPressItem) -> Option<LeftOut> {
    if item.kind != "post" {
        return Some(LeftOut::Kind(item.kind.clone()));
    }
    if item.status != "publish" {
        return Some(LeftOut::Status(item.status.clone()));
    }
    item.has_password.then_some(LeftOut::Password)
}

/// What the first reading counts.
#[derive(Default)]
struct Tally {
    categories: BTreeMap<String, u64>,
    articles: u64,
    /// Articles that are in no channel, and the line of the first one.
    homeless: u64,
    first_homeless: usize,
}

impl FileImport {
    /// Reads the file without taking anything in. Blocking. `tell` receives the bytes read and the size of the file.
    ///
    /// # Errors
    /// If it cannot be read, or it is unclear which channels its articles belong to: then nothing is taken in.
    pub fn plan(
        path: &Path,
        options: FileImportOptions,
        addresses: &SiteUrls,
        mut tell: impl FnMut(u64, u64),
    ) -> Result<Self, FileImportFault> {
        let shown = path.display().to_string();
        let unreadable = |cause| FileImportFault::Unreadable { path: shown.clone(), cause };
        let not_a_feed = |reason: String| FileImportFault::NotAFeed { path: shown.clone(), reason };
        if let Some(folder) = options.files.as_ref().filter(|folder| !folder.is_dir()) {
            return Err(FileImportFault::NoFolder(folder.display().to_string()));
        }
        let channels = channel_map(&options, addresses)?;
        let bytes = path.metadata().map_err(unreadable)?.len();
        let mut import = Self {
            path: path.to_owned(),
            options,
            channels,
            kind: FileKind::Feed,
            site: unknown_site(),
            source: String::new(),
            links: HashMap::new(),
            dates: Vec::new(),
            articles: 0,
            bytes,
            new_channels: BTreeMap::new(),
        };
        let mut tally = Tally::default();
        let begin = beginning(path).map_err(unreadable)?;
        if begin.starts_with(&[0xff, 0xfe]) || begin.starts_with(&[0xfe, 0xff]) {
            return Err(not_a_feed("is in UTF-16; save it as UTF-8".to_owned()));
        }
        if begin.trim_ascii_start().starts_with(b"{") {
            import.kind = FileKind::Json;
            let items = json_items(path).map_err(|cause| match cause {
                JsonFault::Unreadable(cause) => unreadable(cause),
                JsonFault::NotAFeed(reason) => not_a_feed(reason),
            })?;
            import.set_site(items.iter().find_map(|item| item.link.clone()));
            items.iter().for_each(|item| import.note(item, 1, addresses, &mut tally));
        } else {
            let pieces = Pieces::open(path).map_err(unreadable)?;
            let pieces = pieces.ok_or_else(|| {
                not_a_feed(
                    "is neither an export of WordPress nor RSS, Atom, JSON Feed or a backup of bantin"
                        .to_owned(),
                )
            })?;
            import.read_pieces(pieces, addresses, &mut tally, &mut tell).map_err(|cause| match cause {
                PlanFault::Unreadable(cause) => unreadable(cause),
                PlanFault::NotAFeed(reason) => not_a_feed(reason),
            })?;
        }
        import.articles = tally.articles;
        import.check_channels(&tally, addresses)?;
        Ok(import)
    }

    /// Number of articles in the file.
    pub fn articles(&self) -> u64 {
        self.articles
    }

    /// The channels that will be created, with their titles.
    pub fn new_channels(&self) -> impl Iterator<Item = (&Slug, &str)> {
        self.new_channels.iter().map(|(slug, title)| (slug, title.as_str()))
    }

    fn set_site(&mut self, url: Option<String>) {
        let url = url.and_then(|url| Url::parse(&url).ok()).filter(Url::has_host);
        if let Some(url) = url {
            let path =
                if matches!(self.kind, FileKind::Json) { "/".to_owned() } else { url.path().to_owned() };
            self.site = url;
            self.site.set_path(&path);
            self.site.set_query(None);
            self.site.set_fragment(None);
        }
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let host = Some(&self.site).filter(|site| **site != unknown_site());
        let name = host.and_then(|site| link_key(site.as_str())).unwrap_or(stem);
        self.source = format!("import:{name}");
    }

    fn read_pieces(
        &mut self,
        mut pieces: Pieces<io::BufReader<File>>,
        addresses: &SiteUrls,
        tally: &mut Tally,
        tell: &mut impl FnMut(u64, u64),
    ) -> Result<(), PlanFault> {
        let head = read_feed_head(&pieces.head()).map_err(|fault| PlanFault::NotAFeed(fault.to_string()))?;
        self.set_site(head.site.clone());
        if let Some(head) = head.wordpress {
            self.kind = FileKind::WordPress(Box::new(WordPressPlan { head, ..WordPressPlan::default() }));
        }
        while let Some(piece) = pieces.next()? {
            tell(pieces.bytes(), self.bytes);
            // What is wrong with an item is reported when it is taken in.
            let Piece::Item(line, bytes) = piece else { continue };
            match &mut self.kind {
                FileKind::WordPress(plan) => {
                    let Ok(Some(item)) = read_wordpress_item(&bytes, &self.site) else { continue };
                    plan.note(&item);
                    if left_out(&item).is_none() {
                        self.note(&item.item, line, addresses, tally);
                    }
                }
                FileKind::Feed | FileKind::Json => {
                    let Ok(feed) = read_feed(&bytes, None, &self.site) else { continue };
                    let Some(item) = feed.items.first() else { continue };
                    if head.site.is_none() && self.site == unknown_site() {
                        self.set_site(item.link.clone());
                    }
                    self.note(item, line, addresses, tally);
                }
            }
        }
        Ok(())
    }

    fn note(&mut self, item: &SourceItem, line: usize, addresses: &SiteUrls, tally: &mut Tally) {
        tally.articles += 1;
        for category in &item.categories {
            *tally.categories.entry(category.clone()).or_default() += 1;
        }
        if let Some(link) = item.link.as_deref().and_then(link_key) {
            *self.links.entry(link).or_default() += 1;
        }
        if matches!(self.kind, FileKind::Feed | FileKind::Json) && self.dates.len() < MAX_DATES {
            self.dates.push(item.date.clone());
        }
        if self.channels.channels_of(&item.categories, addresses).is_empty() {
            tally.homeless += 1;
            if tally.first_homeless == 0 {
                tally.first_homeless = line;
            }
        }
    }

    fn check_channels(&mut self, tally: &Tally, addresses: &SiteUrls) -> Result<(), FileImportFault> {
        let mut unknown: Vec<(&str, u64)> = Vec::new();
        for (category, count) in &tally.categories {
            match self.channels.target(category, addresses) {
                CategoryTarget::Unknown => unknown.push((category, *count)),
                CategoryTarget::Reserved(slug) => {
                    return Err(FileImportFault::Reserved { category: category.clone(), slug });
                }
                CategoryTarget::New(slug, title) => drop(self.new_channels.insert(slug, title)),
                CategoryTarget::Channel(_) | CategoryTarget::Ignored => {}
            }
        }
        let known = Slug::join(self.channels.known.keys(), ", ");
        unknown.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
        if let Some((example, _)) = unknown.first() {
            let example = (*example).to_owned();
            let named =
                unknown.iter().take(NAMED_CATEGORIES).map(|(name, count)| format!("`{name}` ({count})"));
            let mut categories = named.collect::<Vec<_>>().join(", ");
            if unknown.len() > NAMED_CATEGORIES {
                categories.push_str(&format!(" and {} more", unknown.len() - NAMED_CATEGORIES));
            }
            return Err(FileImportFault::UnknownCategories { categories, example, known });
        }
        let Tally { homeless: count, articles, first_homeless: line, .. } = *tally;
        if count > 0 { Err(FileImportFault::NoChannel { count, articles, line }) } else { Ok(()) }
    }
}

impl WordPressPlan {
    fn note(&mut self, item: &WordPressItem) {
        if let (Some(number), Some(url)) = (item.number, &item.file) {
            let caption = Some(item.item.summary.clone()).filter(|caption| !caption.is_empty());
            self.files.insert(number, OldFile { url: url.clone(), caption });
            let is_image = crate::image::is_image_name(url.rsplit('/').next().unwrap_or_default());
            if let Some(parent) = item.parent.filter(|_| is_image) {
                self.images_of.entry(parent).or_default().push(number);
            }
        }
        if item.kind == "post" && item.status == "publish" {
            self.offsets.extend(dates::offset_of(item));
        }
    }
}

pub(super) fn channel_map(
    options: &FileImportOptions,
    addresses: &SiteUrls,
) -> Result<ChannelMap, FileImportFault> {
    let current = |slug: &Slug| addresses.current_slug(slug.clone());
    let named = options
        .map
        .iter()
        .map(|(category, slug)| (category.trim().to_lowercase(), slug.as_ref().map(current)));
    let map = ChannelMap {
        named: named.collect(),
        fallback: options.channel.as_ref().map(current),
        may_create: options.new_channels,
        known: options.known.clone(),
    };
    let given = map.named.values().flatten().chain(&map.fallback);
    let unknown = given.filter(|_| !options.new_channels).find(|slug| !map.known.contains_key(*slug));
    match unknown.cloned() {
        Some(slug) => {
            Err(FileImportFault::UnknownChannel { slug, known: Slug::join(map.known.keys(), ", ") })
        }
        None => Ok(map),
    }
}

/// The base of relative URLs in a file that names no site.
pub(super) fn unknown_site() -> Url {
    const UNKNOWN: &str = "http://unknown.invalid/";
    Url::parse(UNKNOWN).expect("a constant")
}

fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let mut begin = Vec::new();
    open_named(path)?.take(1024).read_to_end(&mut begin)?;
    Ok(begin.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(begin))
}

enum PlanFault {
    Unreadable(io::Error),
    NotAFeed(String),
}

impl From<io::Error> for PlanFault {
    fn from(cause: io::Error) -> Self {
        Self::Unreadable(cause)
    }
}

pub(super) enum JsonFault {
    Unreadable(io::Error),
    NotAFeed(String),
}

/// The items of a JSON Feed.
pub(super) fn json_items(path: &Path) -> Result<Vec<SourceItem>, JsonFault> {
    let mut bytes = Vec::new();
    let file = open_named(path).map_err(JsonFault::Unreadable)?;
    file.take(MAX_JSON + 1).read_to_end(&mut bytes).map_err(JsonFault::Unreadable)?;
    if bytes.len() as u64 > MAX_JSON {
        return Err(JsonFault::NotAFeed("is too large for a JSON Feed; split it".to_owned()));
    }
    let feed = read_feed(&bytes, None, &unknown_site());
    feed.map(|feed| feed.items).map_err(|fault| JsonFault::NotAFeed(fault.to_string()))
}

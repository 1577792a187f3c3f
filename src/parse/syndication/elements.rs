//! RSS and Atom elements.

use roxmltree::{Document, Node, ParsingOptions};
use url::Url;

use super::article;
use super::links::{absolute, link_key};
use super::model::{FeedFault, Repair, Repairs, SourceFeed, SourceImage, SourceItem, count};

/// Maximum number of nodes.
const MAX_NODES: u32 = 500_000;

/// The namespaces that are told apart. RSS elements are in none or, in RSS 0.9 and 1.0, in one of their own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Namespace {
    Rss,
    Atom,
    DublinCore,
    Content,
    Tombstones,
    Media,
    /// The elements of an export of WordPress.
    WordPress,
    Excerpt,
    Other,
}

fn namespace(node: Node<'_, '_>) -> Namespace {
    match node.tag_name().namespace() {
        None
        | Some(
            "http://purl.org/rss/1.0/"
            | "http://my.netscape.com/rdf/simple/0.9/"
            | "http://channel.netscape.com/rdf/simple/0.9/"
            | "http://backend.userland.com/rss2",
        ) => Namespace::Rss,
        Some("http://www.w3.org/2005/Atom" | "http://purl.org/atom/ns#") => Namespace::Atom,
        Some("http://purl.org/rss/1.0/modules/content/") => Namespace::Content,
        Some("http://purl.org/atompub/tombstones/1.0") => Namespace::Tombstones,
        Some("http://search.yahoo.com/mrss/" | "http://search.yahoo.com/mrss") => Namespace::Media,
        Some(uri) if uri.starts_with("http://wordpress.org/export/") => match uri.contains("excerpt") {
            true => Namespace::Excerpt,
            false => Namespace::WordPress,
        },
        Some(uri) if uri.starts_with("http://purl.org/dc/") => Namespace::DublinCore,
        Some(_) => Namespace::Other,
    }
}

pub(super) fn read(xml: &str, url: &Url, repairs: &mut Repairs) -> Result<SourceFeed, FeedFault> {
    read_document(&document(xml)?, url, repairs)
}

/// Parses XML within limits.
pub(super) fn document(xml: &str) -> Result<Document<'_>, FeedFault> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(xml, options).map_err(|cause| match cause {
        roxmltree::Error::NodesLimitReached => FeedFault::TooComplex,
        cause => FeedFault::Xml(cause.to_string()),
    })
}

pub(super) fn read_document(
    document: &Document<'_>,
    url: &Url,
    repairs: &mut Repairs,
) -> Result<SourceFeed, FeedFault> {
    let root = document.root_element();
    match root.tag_name().name() {
        "rss" | "RDF" => Ok(Reader { base: base_of(root, url), repairs }.rss(root)),
        "feed" if namespace(root) == Namespace::Atom => {
            Ok(Reader { base: base_of(root, url), repairs }.atom(root))
        }
        "opml" => Ok(Reader { base: base_of(root, url), repairs }.opml(root)),
        "urlset" => Ok(Reader { base: base_of(root, url), repairs }.news_sitemap(root)),
        "sitemapindex" => Ok(Reader { base: base_of(root, url), repairs }.sitemap_index(root)),
        other => Err(FeedFault::NotAFeed(format!(
            "its root element is <{}>",
            other.chars().take(40).collect::<String>()
        ))),
    }
}

/// The base of relative URLs in an element (`xml:base`).
fn base_of(node: Node<'_, '_>, base: &Url) -> Url {
    let named = node.attribute(("http://www.w3.org/XML/1998/namespace", "base"));
    named.and_then(|named| base.join(named).ok()).unwrap_or_else(|| base.clone())
}

struct Reader<'m> {
    base: Url,
    repairs: &'m mut Repairs,
}

impl Reader<'_> {
    fn rss(mut self, root: Node<'_, '_>) -> SourceFeed {
        let channel = children(root, Namespace::Rss, "channel").next().unwrap_or(root);
        if let Some(link) = text(channel, Namespace::Rss, "link").and_then(|link| self.base.join(&link).ok())
        {
            // Relative links of items are relative to the site.
            self.base = link;
        }
        let number = |node: Node<'_, '_>| all_text(node).trim().parse().ok();
        let hours = children(channel, Namespace::Rss, "skipHours").flat_map(|node| node.children());
        let mut feed = SourceFeed {
            title: text(channel, Namespace::Rss, "title").unwrap_or_default(),
            is_of_bantin: is_of_bantin(channel, Namespace::Rss),
            is_of_wordpress: text(channel, Namespace::Rss, "generator")
                .is_some_and(|name| name.to_ascii_lowercase().contains("wordpress")),
            previous: self.previous(channel),
            ttl: children(channel, Namespace::Rss, "ttl").find_map(|node| all_text(node).trim().parse().ok()),
            skip_hours: hours.filter_map(number).map(|hour: u8| hour % 24).collect(),
            deleted: deleted(root).chain(deleted(channel)).collect(),
            ..SourceFeed::default()
        };
        feed.title = self.title(&feed.title);
        let language = text(channel, Namespace::Rss, "language")
            .or_else(|| text(channel, Namespace::DublinCore, "language"));
        // RSS 0.9 and 1.0 have the items beside the channel.
        let parents = if channel == root { vec![root] } else { vec![channel, root] };
        for item in parents
            .into_iter()
            .flat_map(|parent| children(parent, Namespace::Rss, "item").collect::<Vec<_>>())
        {
            let item = self.rss_item(item);
            feed.items.push(SourceItem { language: item.language.or_else(|| language.clone()), ..item });
        }
        feed
    }

    fn rss_item(&mut self, item: Node<'_, '_>) -> SourceItem {
        let guid = children(item, Namespace::Rss, "guid").next();
        let id = guid.map(all_text).map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
        let about =
            item.attribute(("http://www.w3.org/1999/02/22-rdf-syntax-ns#", "about")).map(str::to_owned);
        let link = text(item, Namespace::Rss, "link").or_else(|| {
            children(item, Namespace::Atom, "link").find_map(|link| link.attribute("href").map(str::to_owned))
        });
        let permalink = guid
            .filter(|guid| guid.attribute("isPermaLink") != Some("false"))
            .and(id.clone())
            .filter(|id| link_key(id).is_some());
        let link = link.or(permalink).and_then(|link| absolute(&link, &self.base, self.repairs));
        let date = text(item, Namespace::Rss, "pubDate")
            .or_else(|| text(item, Namespace::DublinCore, "date"))
            .or_else(|| text(item, Namespace::Atom, "published"));
        let description = text(item, Namespace::Rss, "description").unwrap_or_default();
        let content =
            text(item, Namespace::Content, "encoded").or_else(|| text(item, Namespace::Rss, "fulltext"));
        let authors = [(Namespace::DublinCore, "creator"), (Namespace::Rss, "author")];
        let authors = authors.iter().find_map(|(namespace, name)| {
            let names: Vec<String> =
                children(item, *namespace, name).filter_map(|node| person(&all_text(node))).collect();
            Some(names).filter(|names| !names.is_empty())
        });
        let categories = children(item, Namespace::Rss, "category").chain(children(
            item,
            Namespace::DublinCore,
            "subject",
        ));
        let (summary, html) = self.texts(description, content);
        SourceItem {
            id: id.or(about),
            link,
            title: self.title(
                &text(item, Namespace::Rss, "title")
                    .or_else(|| text(item, Namespace::DublinCore, "title"))
                    .unwrap_or_default(),
            ),
            date,
            summary,
            html,
            categories: categories
                .map(|node| all_text(node).trim().to_owned())
                .filter(|name| !name.is_empty())
                .collect(),
            authors: authors.unwrap_or_default(),
            language: text(item, Namespace::DublinCore, "language"),
            images: self.images(item, &self.base.clone()),
            ..SourceItem::default()
        }
    }

    fn atom(mut self, root: Node<'_, '_>) -> SourceFeed {
        let title = children(root, Namespace::Atom, "title").next().map(construct).unwrap_or_default();
        let language = root.attribute(("http://www.w3.org/XML/1998/namespace", "lang")).map(str::to_owned);
        let mut feed = SourceFeed {
            title: self.title(&title),
            is_of_bantin: is_of_bantin(root, Namespace::Atom),
            previous: self.previous(root),
            deleted: deleted(root).collect(),
            ..SourceFeed::default()
        };
        for entry in children(root, Namespace::Atom, "entry") {
            let item = self.entry(entry);
            feed.items.push(SourceItem { language: item.language.or_else(|| language.clone()), ..item });
        }
        feed
    }

    fn entry(&mut self, entry: Node<'_, '_>) -> SourceItem {
        let base = base_of(entry, &self.base);
        let link = children(entry, Namespace::Atom, "link")
            .filter(|link| matches!(link.attribute("rel"), None | Some("alternate" | "")))
            .find_map(|link| link.attribute("href"));
        let construct_of = |name| children(entry, Namespace::Atom, name).next().map(construct);
        let date = ["published", "issued", "created", "updated", "modified"]
            .iter()
            .find_map(|name| text(entry, Namespace::Atom, name));
        let authors = children(entry, Namespace::Atom, "author")
            .filter_map(|author| text(author, Namespace::Atom, "name"));
        let category = |node: Node<'_, '_>| {
            node.attribute("label").or_else(|| node.attribute("term")).map(str::to_owned)
        };
        let (summary, html) =
            self.texts(construct_of("summary").unwrap_or_default(), construct_of("content"));
        SourceItem {
            id: text(entry, Namespace::Atom, "id"),
            link: link.and_then(|link| absolute(link, &base, self.repairs)),
            title: self.title(&construct_of("title").unwrap_or_default()),
            date,
            summary,
            html,
            categories: children(entry, Namespace::Atom, "category").filter_map(category).collect(),
            authors: authors.collect(),
            language: entry.attribute(("http://www.w3.org/XML/1998/namespace", "lang")).map(str::to_owned),
            images: self.images(entry, &base),
            ..SourceItem::default()
        }
    }

    /// The archive page before a feed or an archive page (RFC 5005 §4), or the next page of a paged feed (§3).
    fn previous(&mut self, feed: Node<'_, '_>) -> Option<String> {
        let of = |rel| {
            let mut links = children(feed, Namespace::Atom, "link");
            links.find(|link| link.attribute("rel") == Some(rel)).and_then(|link| link.attribute("href"))
        };
        of("prev-archive").or_else(|| of("next")).and_then(|link| absolute(link, &self.base, self.repairs))
    }

    /// The feeds of an OPML document, without repetition.
    fn opml(self, root: Node<'_, '_>) -> SourceFeed {
        let mut feeds: Vec<String> = Vec::new();
        for outline in root.descendants().filter(|node| node.has_tag_name("outline")) {
            let url = outline.attribute("xmlUrl").and_then(|url| absolute(url, &self.base, self.repairs));
            feeds.extend(url.filter(|url| !feeds.contains(url)));
        }
        let title = root.descendants().find(|node| node.has_tag_name("title")).map(all_text);
        SourceFeed { title: article::plain(&title.unwrap_or_default()), feeds, ..SourceFeed::default() }
    }

    /// The sitemaps of an index. If some are for news by their name, the others are pages without titles.
    fn sitemap_index(self, root: Node<'_, '_>) -> SourceFeed {
        let sitemaps = root.children().filter(|node| node.tag_name().name() == "sitemap");
        let locations =
            sitemaps.flat_map(|sitemap| sitemap.children().filter(|node| node.tag_name().name() == "loc"));
        let mut feeds: Vec<String> = Vec::new();
        for location in locations {
            let url = absolute(&all_text(location), &self.base, self.repairs);
            feeds.extend(url.filter(|url| !feeds.contains(url)));
        }
        let is_news =
            |url: &String| Url::parse(url).is_ok_and(|url| url.path().to_ascii_lowercase().contains("news"));
        if feeds.iter().any(is_news) {
            feeds.retain(is_news);
        }
        SourceFeed { feeds, ..SourceFeed::default() }
    }

    /// The articles of a sitemap for news: titles, dates and addresses without texts.
    fn news_sitemap(mut self, root: Node<'_, '_>) -> SourceFeed {
        const NEWS: &str = "http://www.google.com/schemas/sitemap-news/0.9";
        let of = |parent: Node<'_, '_>, name: &'static str| {
            let named = parent.children().find(|node| node.is_element() && node.tag_name().name() == name);
            named.map(all_text).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let mut items = Vec::new();
        for url in root.children().filter(|node| node.tag_name().name() == "url") {
            let news = url.children().find(|node| node.has_tag_name((NEWS, "news")));
            let (Some(news), Some(address)) = (news, of(url, "loc")) else { continue };
            let publication = news.children().find(|node| node.has_tag_name((NEWS, "publication")));
            items.push(SourceItem {
                id: Some(address.clone()),
                link: absolute(&address, &self.base, self.repairs),
                title: self.title(&of(news, "title").unwrap_or_default()),
                date: of(news, "publication_date"),
                language: publication.and_then(|publication| of(publication, "language")),
                ..SourceItem::default()
            });
        }
        SourceFeed { items, ..SourceFeed::default() }
    }

    /// The images beside the text: Media RSS, enclosures. A thumbnail only if there is nothing else.
    fn images(&mut self, item: Node<'_, '_>, base: &Url) -> Vec<SourceImage> {
        let is_image = |node: &Node<'_, '_>| {
            let of_type = |name| node.attribute(name).is_some_and(|kind: &str| kind.starts_with("image"));
            of_type("medium") || of_type("type")
        };
        let media = |name: &'static str| {
            let nodes = item.descendants().filter(|node| node.is_element());
            nodes.filter(move |node| node.tag_name().name() == name && namespace(*node) == Namespace::Media)
        };
        let contents = media("content").filter(is_image);
        let mut found: Vec<(Option<&str>, Option<String>)> =
            contents.map(|node| (node.attribute("url"), media_caption(node))).collect();
        let enclosures = children(item, Namespace::Rss, "enclosure").filter(is_image);
        found.extend(enclosures.map(|node| (node.attribute("url"), None)));
        let links = children(item, Namespace::Atom, "link").filter(is_image);
        let links = links.filter(|link| link.attribute("rel") == Some("enclosure"));
        found.extend(links.map(|node| (node.attribute("href"), node.attribute("title").map(str::to_owned))));
        if found.is_empty() {
            found.extend(media("thumbnail").map(|node| (node.attribute("url"), None)));
        }
        let mut images: Vec<SourceImage> = Vec::new();
        for (url, caption) in found {
            let Some(url) = url.and_then(|url| absolute(url, base, self.repairs)) else { continue };
            if !images.iter().any(|known| known.url == url) {
                images.push(SourceImage { url, original: None, caption });
            }
        }
        images
    }

    /// Summary and text. A description without a text beside it is the text.
    fn texts(&mut self, description: String, content: Option<String>) -> (String, String) {
        match content.filter(|content| !content.trim().is_empty()) {
            Some(content) => (article::plain(&description), content),
            None => (String::new(), description),
        }
    }

    fn title(&mut self, raw: &str) -> String {
        let title = article::plain(raw);
        count(
            self.repairs,
            Repair::TitleMarkup,
            usize::from(raw.split_whitespace().ne(title.split_whitespace())),
        );
        title
    }
}

/// Whether the generator of a feed is this program.
fn is_of_bantin(feed: Node<'_, '_>, of: Namespace) -> bool {
    text(feed, of, "generator").is_some_and(|name| name.split(' ').next() == Some("bantin"))
}

/// The caption of an image of Media RSS: its description with the photographer.
fn media_caption(content: Node<'_, '_>) -> Option<String> {
    let plain = |name| {
        let text = text(content, Namespace::Media, name).map(|text| article::plain(&text));
        text.filter(|text| !text.is_empty())
    };
    match (plain("description"), plain("credit")) {
        (Some(text), Some(credit)) if !text.contains(&credit) => Some(format!("{text}. Ảnh: {credit}")),
        (None, Some(credit)) => Some(format!("Ảnh: {credit}")),
        (text, _) => text,
    }
}

pub(super) fn children<'a, 'i>(
    parent: Node<'a, 'i>,
    of: Namespace,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    parent
        .children()
        .filter(move |node| node.is_element() && node.tag_name().name() == name && namespace(*node) == of)
}

/// The trimmed text of the first child with this name that has one.
pub(super) fn text(parent: Node<'_, '_>, of: Namespace, name: &'static str) -> Option<String> {
    children(parent, of, name).map(|node| all_text(node).trim().to_owned()).find(|text| !text.is_empty())
}

pub(super) fn all_text(node: Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|part| part.text()).collect()
}

/// An Atom text construct (RFC 4287 §3.1) as HTML: plain text is escaped.
fn construct(node: Node<'_, '_>) -> String {
    match node.attribute("type").map(str::to_ascii_lowercase).as_deref() {
        Some("xhtml" | "application/xhtml+xml") => {
            let inner: Vec<_> =
                node.children().map(|child| &node.document().input_text()[child.range()]).collect();
            inner.concat()
        }
        Some("html" | "text/html") => all_text(node),
        _ => {
            let text = all_text(node);
            // A feed that says `text` and writes HTML means HTML.
            if text.contains("</") || text.contains("/>") {
                text
            } else {
                crate::text::escape_html(&text).into_owned()
            }
        }
    }
}

/// The tombstones of a feed (RFC 6721 §3): id and comment.
fn deleted<'a>(parent: Node<'a, 'a>) -> impl Iterator<Item = (String, Option<String>)> {
    children(parent, Namespace::Tombstones, "deleted-entry").filter_map(|node| {
        let reason = text(node, Namespace::Tombstones, "comment");
        Some((node.attribute("ref")?.to_owned(), reason))
    })
}

/// A name without the address of RSS (`tanloc@example.vn (Tấn Lộc)`).
fn person(text: &str) -> Option<String> {
    let text = text.trim();
    let name = match text.split_once('(') {
        Some((address, name)) if address.contains('@') => name.trim_end_matches(')').trim(),
        _ => text,
    };
    Some(name.to_owned()).filter(|name| !name.is_empty() && !name.contains('@'))
}

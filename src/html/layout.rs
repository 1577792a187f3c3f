//! The layout of all pages: head, masthead, channel menu, footer; and simple notice pages.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use super::assets::SiteAssets;
use super::text::clean;
use crate::model::{Channel, Site, Slug};
use crate::urls::{
    ACCESSIBILITY_PATH, Format, OPML_PATH, SiteUrls, feed_path, months_path, page_path, search_path,
};

/// The values shared by all pages of a site.
#[derive(Clone, Debug)]
pub struct PageContext<'a> {
    /// The publisher.
    pub site: &'a Site,
    /// Builds the URLs.
    pub addresses: &'a SiteUrls,
    /// All channels, in the order of the menu.
    pub channels: &'a [Channel],
    style: String,
    script: String,
    icon: String,
    favicon_ico: String,
}

/// The metadata of a page.
#[derive(Default)]
pub(super) struct PageMeta<'a> {
    /// The title without the site's; empty on the home page.
    pub title: &'a str,
    /// The description for search engines and link previews.
    pub description: &'a str,
    /// The path without the site's prefix; empty if unknown.
    pub path: String,
    /// The canonical URL, if it is on another site.
    pub canonical: Option<String>,
    /// The channel that the page belongs to.
    pub channel: Option<&'a Channel>,
    /// Excluded from search engines.
    pub noindex: bool,
    /// Further elements of `head`.
    pub more: Option<Markup>,
    /// Above the page's own content.
    pub banner: Option<Markup>,
}

/// What the `head` of every page begins with.
pub fn head_start(title: &str) -> Markup {
    html! {
        meta charset="utf-8";
        meta name="viewport" content="width=device-width, initial-scale=1";
        title { (title) }
    }
}

impl<'a> PageContext<'a> {
    /// The context of a site's pages.
    pub fn new(site: &'a Site, addresses: &'a SiteUrls, channels: &'a [Channel]) -> Self {
        let assets = SiteAssets::new(site).assets();
        let [style, script, icon, favicon_ico] = assets.map(|asset| addresses.path(&asset.path));
        Self { site, addresses, channels, style, script, icon, favicon_ico }
    }

    /// The path of a link within the site, with the site's prefix.
    pub(super) fn path(&self, path: &str) -> String {
        self.addresses.path(path)
    }

    /// The path of the stylesheet.
    pub(super) fn style(&self) -> &str {
        &self.style
    }

    /// The channel with this slug.
    pub(super) fn channel(&self, slug: &Slug) -> Option<&'a Channel> {
        self.channels.iter().find(|channel| channel.slug == *slug)
    }

    /// The channels that have a page.
    pub(super) fn visible_channels(&self) -> impl Iterator<Item = &'a Channel> + use<'a> {
        self.channels.iter().filter(|channel| !channel.is_gone())
    }

    /// The title of a channel, linked to its page unless the channel is removed.
    pub(super) fn channel_link(&self, slug: &Slug) -> Markup {
        let title = clean(self.channel_title(slug));
        let gone = self.channel(slug).is_some_and(Channel::is_gone);
        html! {
            @if gone { bdi { (title) } } @else { a href=(self.path(&page_path(Some(slug)))) { (title) } }
        }
    }

    /// A channel's title, or the slug of an unknown channel.
    pub(super) fn channel_title<'s>(&self, slug: &'s Slug) -> &'s str
    where
        'a: 's,
    {
        self.channel(slug).map_or(slug.as_str(), |channel| channel.title.as_str())
    }

    /// Renders a page.
    pub(super) fn page(&self, head: PageMeta<'_>, body: Markup) -> Vec<u8> {
        let site = self.site;
        let title = match head.title {
            "" => clean(&site.title).into_owned(),
            title => format!("{} - {}", clean(title), clean(&site.title)),
        };
        let url = head.canonical.clone().unwrap_or_else(|| self.addresses.url(&head.path));
        let markup = html! {
            (DOCTYPE)
            html lang=(site.language) {
                head {
                    (head_start(&title))
                    @if !head.description.is_empty() {
                        meta name="description" content=(clean(head.description));
                    }
                    @if head.noindex {
                        meta name="robots" content="noindex";
                    } @else {
                        link rel="canonical" href=(url);
                        (open_graph(site, &title, &head, &url))
                    }
                    link rel="stylesheet" href=(self.style);
                    link rel="icon" href=(self.icon) type="image/svg+xml";
                    link rel="alternate icon" href=(self.favicon_ico) sizes="32x32";
                    meta name="theme-color" content=(site.colour);
                    @if let Some(license) = &site.rights_url { link rel="license" href=(license); }
                    @if let Some(channel) = head.channel { (self.autodiscovery(Some(channel))) }
                    (self.autodiscovery(None))
                    @if let Some(more) = &head.more { (more) }
                }
                body {
                    a.skip href="#noi-dung" { "Đến nội dung chính" }
                    (announcement(site))
                    (self.masthead(head.channel, &head.path))
                    @if let Some(banner) = &head.banner { (banner) }
                    main.wide #noi-dung tabindex="-1" { (body) }
                    (self.footer())
                    script src=(self.script) defer {}
                }
            }
        };
        markup.into_string().into_bytes()
    }

    fn masthead(&self, current_channel: Option<&Channel>, path: &str) -> Markup {
        let site = self.site;
        let aria_current = |is_current: bool| is_current.then_some("page");
        html! {
            header {
                div.wide.masthead {
                    p.brand {
                        a href=(self.path(&page_path(None))) {
                            @if let Some(logo) = &site.logo { img src=(logo) alt=""; }
                            span { (clean(&site.title)) }
                        }
                    }
                    form.find role="search" action=(self.path(&search_path(None, ""))) {
                        label.unseen for="tim-nhanh" { "Tìm bài viết" }
                        input #tim-nhanh name="q" type="search" maxlength="200" placeholder="Tìm, không cần gõ dấu";
                        button { "Tìm" }
                    }
                }
                nav.wide aria-label="Chuyên mục" {
                    div.sections {
                        ul {
                            li {
                                a href=(self.path(&page_path(None)))
                                    aria-current=[aria_current(path == page_path(None))] { "Trang chủ" }
                            }
                            @for channel in self.visible_channels() {
                                @let current = aria_current(current_channel.is_some_and(|current| current.slug == channel.slug));
                                li {
                                    a href=(self.path(&page_path(Some(&channel.slug)))) aria-current=[current] {
                                        (clean(&channel.title))
                                        @if !channel.is_open() { " " span.closed { "(đã đóng)" } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn footer(&self) -> Markup {
        let site = self.site;
        html! {
            footer.bottom {
                div.wide {
                    ul {
                        li { a href=(format!("{}#theo-doi", self.path(&page_path(None)))) { "Theo dõi tin mới" } }
                        li { a href=(self.path(&feed_path(None, Format::Rss))) { "RSS" } }
                        li { a href=(self.path(OPML_PATH)) { "Mọi chuyên mục (OPML)" } }
                        li { a href=(self.path(&months_path(None, None))) { "Tin theo tháng" } }
                        li { a href=(self.path(&search_path(None, ""))) { "Tìm kiếm" } }
                        li { a href=(self.path(ACCESSIBILITY_PATH)) { "Trợ giúp tiếp cận" } }
                    }
                    p { (clean(&site.publisher)) }
                    (self.rights())
                }
            }
        }
    }

    /// The copyright notice, linked to the terms of reuse.
    fn rights(&self) -> Markup {
        let text = self.site.rights.as_deref().map(clean);
        html! {
            @match (text, &self.site.rights_url) {
                (text, Some(url)) => p {
                    a href=(url) rel="license" { (text.unwrap_or("Điều kiện sử dụng lại nội dung".into())) }
                },
                (Some(text), None) => p { (text) },
                (None, None) => {},
            }
        }
    }

    /// The links by which feed readers and browsers find a page's feeds.
    fn autodiscovery(&self, channel: Option<&Channel>) -> Markup {
        let title = channel.map_or(&self.site.title, |channel| &channel.title);
        let scope = channel.map(|channel| &channel.slug);
        html! {
            @for format in Format::ALL {
                link rel="alternate" type=(format.media_type())
                    title=(format!("{} ({})", clean(title), format_title(format)))
                    href=(self.addresses.url(&feed_path(scope, format)));
            }
        }
    }
}

/// The notice of the site, on every page while it is shown.
pub(super) fn announcement(site: &Site) -> Markup {
    html! {
        @if let Some(notice) = &site.notice {
            section.announcement aria-label="Thông báo" { p.wide { (clean(notice)) } }
        }
    }
}

fn open_graph(site: &Site, title: &str, head: &PageMeta<'_>, url: &str) -> Markup {
    html! {
        meta property="og:site_name" content=(clean(&site.title));
        meta property="og:title" content=(if head.title.is_empty() { title.into() } else { clean(head.title) });
        meta property="og:url" content=(url);
        @if !head.description.is_empty() {
            meta property="og:description" content=(clean(head.description));
        }
        @if site.language == "vi" { meta property="og:locale" content="vi_VN"; }
    }
}

/// A JSON-LD element.
///
/// SECURITY: `<` is escaped as `\u003c`, so that no text can close the element.
pub(super) fn linked_data(data: &Value) -> Markup {
    let json = data.to_string().replace('<', "\\u003c");
    html! { script type="application/ld+json" { (PreEscaped(json)) } }
}

/// The display name of a format.
pub(super) fn format_title(format: Format) -> &'static str {
    match format {
        Format::Rss => "RSS",
        Format::Atom => "Atom",
        Format::Json => "JSON Feed",
    }
}

/// The page for unknown URLs.
pub fn not_found_page(frame: &PageContext<'_>) -> Vec<u8> {
    let message =
        "Địa chỉ này không có nội dung. Có thể địa chỉ bị gõ thiếu hoặc trang đã chuyển sang địa chỉ khác.";
    notice_page(frame, "Không tìm thấy trang", message, true)
}

/// The page for removed channels and for images that no article uses any more.
pub fn gone_page(frame: &PageContext<'_>) -> Vec<u8> {
    notice_page(frame, "Nội dung đã được gỡ", "Nội dung này đã được gỡ và không còn ở đây.", true)
}

/// Replaces the search page in a static export, which cannot search.
pub fn search_unavailable_page(frame: &PageContext<'_>) -> Vec<u8> {
    let message = "Đây là bản sao tĩnh của trang tin nên không tìm kiếm được.";
    notice_page(frame, "Không có phần tìm kiếm", message, false)
}

fn notice_page(frame: &PageContext<'_>, title: &str, message: &str, offer_search: bool) -> Vec<u8> {
    // The page is served at many URLs.
    let head = PageMeta { title, noindex: true, ..PageMeta::default() };
    let body = html! {
        div.notice {
            h1.title { (title) }
            p { (message) }
            p {
                "Hãy "
                @if offer_search {
                    a href=(frame.path(&search_path(None, ""))) { "tìm bài theo từ trong bài" } ", "
                }
                "xem " a href=(frame.path(&months_path(None, None))) { "tin theo tháng" }
                ", hoặc bắt đầu từ " a href=(frame.path(&page_path(None))) { "trang chủ" } "."
            }
        }
    };
    frame.page(head, body)
}

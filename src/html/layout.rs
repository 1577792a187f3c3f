//! What all pages have in common: head, masthead, sections, foot.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use super::assets::SiteAssets;
use super::text::clean;
use crate::model::{Channel, Site, Slug};
use crate::urls::{Format, OPML_PATH, SiteUrls, feed_path, months_path, page_path, search_path};

/// What all pages of a site share.
#[derive(Clone, Debug)]
pub struct PageContext<'a> {
    /// The publisher.
    pub site: &'a Site,
    /// Makes the links.
    pub addresses: &'a SiteUrls,
    /// All channels, in the order of the menu.
    pub channels: &'a [Channel],
    style: String,
    script: String,
    icon: String,
    old_icon: String,
}

/// What a page says about itself.
#[derive(Default)]
pub(super) struct PageMeta<'a> {
    /// In the browser's tab, without the site's.
    pub title: &'a str,
    /// For those who show a link to the page.
    pub description: &'a str,
    /// Where it is, without the site's prefix; empty where that is not known.
    pub path: String,
    /// Where its content is at home, where that is elsewhere.
    pub canonical: Option<String>,
    /// The channel whose section it is.
    pub channel: Option<&'a Channel>,
    /// Crawlers are to pass it over.
    pub noindex: bool,
    /// More of `head`.
    pub more: Option<Markup>,
    /// Above the page's own content.
    pub banner: Option<Markup>,
}

impl<'a> PageContext<'a> {
    /// The frame of a site's pages.
    pub fn new(site: &'a Site, addresses: &'a SiteUrls, channels: &'a [Channel]) -> Self {
        let look = SiteAssets::new(site);
        let [style, script, icon, old_icon] = look.assets().map(|asset| addresses.path(&asset.path));
        Self { site, addresses, channels, style, script, icon, old_icon }
    }

    /// The path under which a link within the site is written.
    pub(super) fn path(&self, path: &str) -> String {
        self.addresses.path(path)
    }

    /// The channel with this slug.
    pub(super) fn channel(&self, slug: &Slug) -> Option<&'a Channel> {
        self.channels.iter().find(|channel| channel.slug == *slug)
    }

    /// The channels that have a page.
    pub(super) fn visible_channels(&self) -> impl Iterator<Item = &'a Channel> + use<'a> {
        self.channels.iter().filter(|channel| !channel.is_gone())
    }

    /// A channel by its title; a link to its page where it has one.
    pub(super) fn channel_link(&self, slug: &Slug) -> Markup {
        let title = clean(self.channel_title(slug));
        let gone = self.channel(slug).is_some_and(Channel::is_gone);
        html! {
            @if gone { bdi { (title) } } @else { a href=(self.path(&page_path(Some(slug)))) { (title) } }
        }
    }

    /// A channel's title, or its slug where nobody knows it.
    pub(super) fn channel_title<'s>(&self, slug: &'s Slug) -> &'s str
    where
        'a: 's,
    {
        self.channel(slug).map_or(slug.as_str(), |channel| channel.title.as_str())
    }

    /// A whole page.
    pub(super) fn page(&self, head: PageMeta<'_>, body: Markup) -> Vec<u8> {
        let site = self.site;
        let title = match head.title {
            "" => clean(&site.title).into_owned(),
            title => format!("{} - {}", clean(title), clean(&site.title)),
        };
        let here = head.canonical.clone().unwrap_or_else(|| self.addresses.url(&head.path));
        let markup = html! {
            (DOCTYPE)
            html lang=(site.language) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) }
                    @if !head.description.is_empty() {
                        meta name="description" content=(clean(head.description));
                    }
                    @if head.noindex {
                        meta name="robots" content="noindex";
                    } @else {
                        link rel="canonical" href=(here);
                        (open_graph(site, &title, &head, &here))
                    }
                    link rel="stylesheet" href=(self.style);
                    link rel="icon" href=(self.icon) type="image/svg+xml";
                    link rel="alternate icon" href=(self.old_icon) sizes="32x32";
                    meta name="theme-color" content=(site.colour);
                    @if let Some(channel) = head.channel { (self.autodiscovery(Some(channel))) }
                    (self.autodiscovery(None))
                    @if let Some(more) = &head.more { (more) }
                }
                body {
                    a.skip href="#noi-dung" { "Đến nội dung chính" }
                    (self.masthead(head.channel, &head.path))
                    @if let Some(band) = &head.banner { (band) }
                    main.wide #noi-dung tabindex="-1" { (body) }
                    (self.foot())
                    script src=(self.script) defer {}
                }
            }
        };
        markup.into_string().into_bytes()
    }

    fn masthead(&self, here: Option<&Channel>, path: &str) -> Markup {
        let site = self.site;
        let current = |this: bool| this.then_some("page");
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
                                    aria-current=[current(path == page_path(None))] { "Trang chủ" }
                            }
                            @for channel in self.visible_channels() {
                                @let current = current(here.is_some_and(|here| here.slug == channel.slug));
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

    fn foot(&self) -> Markup {
        let site = self.site;
        html! {
            footer.bottom {
                div.wide {
                    ul {
                        li { a href=(format!("{}#theo-doi", self.path(&page_path(None)))) { "Theo dõi tin mới" } }
                        li { a href=(self.path(&feed_path(None, Format::Rss))) { "RSS" } }
                        li { a href=(self.path(OPML_PATH)) { "Mọi chuyên mục (OPML)" } }
                        li { a href=(self.path(&months_path(None))) { "Tin theo tháng" } }
                        li { a href=(self.path(&search_path(None, ""))) { "Tìm kiếm" } }
                    }
                    p { (clean(&site.publisher)) }
                    @if let Some(rights) = &site.rights { p { (clean(rights)) } }
                }
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

fn open_graph(site: &Site, title: &str, head: &PageMeta<'_>, here: &str) -> Markup {
    html! {
        meta property="og:site_name" content=(clean(&site.title));
        meta property="og:title" content=(if head.title.is_empty() { title.into() } else { clean(head.title) });
        meta property="og:url" content=(here);
        @if !head.description.is_empty() {
            meta property="og:description" content=(clean(head.description));
        }
        @if site.language == "vi" { meta property="og:locale" content="vi_VN"; }
    }
}

/// Data for machines in a page.
///
/// SECURITY: `<` is written `\u003c`, so that no text in it can end the element.
pub(super) fn linked_data(data: &Value) -> Markup {
    let json = data.to_string().replace('<', "\\u003c");
    html! { script type="application/ld+json" { (PreEscaped(json)) } }
}

/// The name of a format, as people say it.
pub(super) fn format_title(format: Format) -> &'static str {
    match format {
        Format::Rss => "RSS",
        Format::Atom => "Atom",
        Format::Json => "JSON Feed",
    }
}

/// For an address that leads nowhere.
pub fn not_found_page(frame: &PageContext<'_>) -> Vec<u8> {
    let told = "Địa chỉ này không có nội dung. Có thể địa chỉ bị gõ thiếu hoặc trang đã đổi chỗ.";
    notice_page(frame, "Không tìm thấy trang", told, true)
}

/// For an address that leads nowhere any more: a channel that is gone, a picture that no article shows.
pub fn gone_page(frame: &PageContext<'_>) -> Vec<u8> {
    notice_page(frame, "Nội dung đã được gỡ", "Nội dung này đã được gỡ và không còn ở đây.", true)
}

/// In place of the search where the site is served from files, which cannot look anything up.
pub fn search_unavailable_page(frame: &PageContext<'_>) -> Vec<u8> {
    let told = "Đây là bản sao tĩnh của trang tin nên không tìm kiếm được.";
    notice_page(frame, "Không có phần tìm kiếm", told, false)
}

fn notice_page(frame: &PageContext<'_>, title: &str, told: &str, searches: bool) -> Vec<u8> {
    // It stands at no address of its own.
    let head = PageMeta { title, noindex: true, ..PageMeta::default() };
    let body = html! {
        div.notice {
            h1.title { (title) }
            p { (told) }
            p {
                "Xin "
                @if searches {
                    a href=(frame.path(&search_path(None, ""))) { "tìm bài theo từ trong bài" } ", "
                }
                "xem " a href=(frame.path(&months_path(None))) { "tin theo tháng" }
                ", hoặc bắt đầu từ " a href=(frame.path(&page_path(None))) { "trang chủ" } "."
            }
        }
    };
    frame.page(head, body)
}

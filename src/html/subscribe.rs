//! How to subscribe to a feed, explained for people who do not know feeds.

use maud::{Markup, html};

use super::layout::{PageContext, format_title};
use super::text::clean;
use crate::urls::{Format, OPML_PATH, Scope, feed_path, page_path, search_path};

/// A feed to subscribe to.
#[derive(Clone, Copy)]
pub(super) enum FeedTarget<'a> {
    /// A channel and its title, or all channels.
    Channel(&'a Scope, &'a str),
    /// Search results, by query string.
    Search(&'a str),
}

impl FeedTarget<'_> {
    fn path(self, format: Format) -> String {
        match self {
            Self::Channel(scope, _) => feed_path(scope.as_ref(), format),
            Self::Search(query) => search_path(Some(format), query),
        }
    }

    fn heading(self) -> String {
        match self {
            Self::Channel(Some(_), title) => format!("Theo dõi chuyên mục {}", clean(title)),
            Self::Channel(None, _) => "Theo dõi mọi chuyên mục".to_owned(),
            Self::Search(_) => "Theo dõi kết quả tìm kiếm này".to_owned(),
        }
    }
}

/// The section at the end of a page.
pub(super) fn subscribe_section(frame: &PageContext<'_>, target: FeedTarget<'_>) -> Markup {
    html! {
        section.subscribe #theo-doi aria-labelledby="theo-doi-ten" {
            h2 #theo-doi-ten { (target.heading()) }
            p {
                "Bài mới tự đến với bạn: không cần đăng ký, không để lại địa chỉ thư. Sao chép địa chỉ dưới đây rồi \
                 dán vào một ứng dụng đọc tin (trình đọc RSS)."
            }
            (address(frame, target, Format::Rss, "theo-doi"))
            dl.formats {
                @for format in Format::ALL {
                    dt { a href=(frame.path(&target.path(format))) { (format_title(format)) } }
                    dd { (explanation(format)) }
                }
                dt { a href=(frame.path(OPML_PATH)) { "OPML" } }
                dd { "danh sách mọi chuyên mục, nhập một lần là theo dõi được tất cả" }
            }
        }
    }
}

/// The banner above a page that a browser gets instead of a feed.
pub(super) fn feed_banner(frame: &PageContext<'_>, target: FeedTarget<'_>, format: Format) -> Markup {
    let path = frame.path(&target.path(format));
    let xml = format!("{path}{}xml", if path.contains('?') { '&' } else { '?' });
    let source = if format == Format::Json { "Xem JSON gốc" } else { "Xem XML gốc" };
    html! {
        aside.band aria-labelledby="nguon-tin" {
            div.wide {
                h2 #nguon-tin { "Địa chỉ bạn vừa mở là một nguồn tin (" (format_title(format)) ")" }
                p {
                    "Địa chỉ này dành cho ứng dụng đọc tin. Dán nó vào ứng dụng, bài mới sẽ tự đến với bạn. Bên dưới là \
                     nội dung của nguồn tin, trình bày cho người đọc."
                }
                (address(frame, target, format, "nguon-tin"))
                p { a href=(xml) { (source) } }
            }
        }
    }
}

/// The feed URL with its buttons. The script makes the copy button visible.
fn address(frame: &PageContext<'_>, target: FeedTarget<'_>, format: Format, id: &str) -> Markup {
    let address = frame.addresses.url(&target.path(format));
    let (field, status) = (format!("{id}-dia-chi"), format!("{id}-bao"));
    html! {
        label for=(field) { "Địa chỉ nguồn tin" }
        div.address {
            input #(field) type="text" readonly value=(address);
            button type="button" hidden data-copy=(field) data-said=(status)
                data-done="Đã sao chép. Giờ hãy dán vào ứng dụng đọc tin."
                data-failed="Trình duyệt không cho sao chép: địa chỉ đã được bôi đen, hãy nhấn Ctrl+C." {
                "Sao chép địa chỉ"
            }
            a.button.plain href=(format!("feed:{address}")) { "Mở bằng ứng dụng đọc tin" }
        }
        p.said role="status" id=(status) {}
    }
}

/// A link to the section, for the top of a page.
pub(super) fn subscribe_link(scope: &Scope) -> Markup {
    let label = if scope.is_some() { "Theo dõi chuyên mục này" } else { "Theo dõi tin mới" };
    html! { a href="#theo-doi" { (label) } }
}

fn explanation(format: Format) -> &'static str {
    match format {
        Format::Rss => "mọi ứng dụng đọc tin đều hiểu",
        Format::Atom => "như RSS, và báo cả bài đã gỡ",
        Format::Json => "cho người lập trình",
    }
}

/// The HTML page of a feed.
pub(super) fn feed_page_path(target: FeedTarget<'_>) -> String {
    match target {
        FeedTarget::Channel(scope, _) => page_path(scope.as_ref()),
        FeedTarget::Search(query) => search_path(None, query),
    }
}

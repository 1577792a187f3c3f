//! How to follow a channel: a block that explains itself to somebody who has never heard of feeds.

use maud::{Markup, html};

use super::layout::{PageContext, format_title};
use super::text::clean;
use crate::urls::{Format, OPML_PATH, Scope, feed_path, page_path, search_path};

/// What can be followed.
#[derive(Clone, Copy)]
pub(super) enum FeedTarget<'a> {
    /// A channel, by its title, or everything.
    Channel(&'a Scope, &'a str),
    /// What a search finds; with its query.
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

/// The block at the end of a page.
pub(super) fn subscribe_section(frame: &PageContext<'_>, followed: FeedTarget<'_>) -> Markup {
    html! {
        section.subscribe #theo-doi aria-labelledby="theo-doi-ten" {
            h2 #theo-doi-ten { (followed.heading()) }
            p {
                "Bài mới tự đến với bạn: không cần đăng ký, không để lại địa chỉ thư. Sao chép địa chỉ dưới đây rồi \
                 dán vào một ứng dụng đọc tin (trình đọc RSS)."
            }
            (address(frame, followed, Format::Rss, "theo-doi"))
            dl.formats {
                @for format in Format::ALL {
                    dt { a href=(frame.path(&followed.path(format))) { (format_title(format)) } }
                    dd { (explanation(format)) }
                }
                dt { a href=(frame.path(OPML_PATH)) { "OPML" } }
                dd { "danh sách mọi chuyên mục, nhập một lần là theo dõi được tất cả" }
            }
        }
    }
}

/// The band above a page that stands in place of a feed, because a person has opened it.
pub(super) fn feed_banner(frame: &PageContext<'_>, followed: FeedTarget<'_>, format: Format) -> Markup {
    let this = frame.path(&followed.path(format));
    let xml = format!("{this}{}xml", if this.contains('?') { '&' } else { '?' });
    let source = if format == Format::Json { "Xem JSON gốc" } else { "Xem XML gốc" };
    html! {
        aside.band aria-labelledby="nguon-tin" {
            div.wide {
                h2 #nguon-tin { "Địa chỉ bạn vừa mở là một nguồn tin (" (format_title(format)) ")" }
                p {
                    "Địa chỉ này dành cho ứng dụng đọc tin. Dán nó vào ứng dụng, bài mới sẽ tự đến với bạn. Bên dưới là \
                     nội dung của nguồn tin, trình bày cho người đọc."
                }
                (address(frame, followed, format, "nguon-tin"))
                p { a href=(xml) { (source) } }
            }
        }
    }
}

/// The address with its buttons. The one for copying shows itself where the script runs.
fn address(frame: &PageContext<'_>, followed: FeedTarget<'_>, format: Format, id: &str) -> Markup {
    let address = frame.addresses.url(&followed.path(format));
    let (field, said) = (format!("{id}-dia-chi"), format!("{id}-bao"));
    html! {
        label for=(field) { "Địa chỉ nguồn tin" }
        div.address {
            input #(field) type="text" readonly value=(address);
            button type="button" hidden data-copy=(field) data-said=(said)
                data-done="Đã sao chép. Giờ hãy dán vào ứng dụng đọc tin."
                data-failed="Trình duyệt không cho sao chép: địa chỉ đã được bôi đen, hãy nhấn Ctrl+C." {
                "Sao chép địa chỉ"
            }
            a.button.plain href=(format!("feed:{address}")) { "Mở bằng ứng dụng đọc tin" }
        }
        p.said role="status" id=(said) {}
    }
}

/// A link to the block, for the top of a page.
pub(super) fn subscribe_link(path: &Scope) -> Markup {
    let what = if path.is_some() { "Theo dõi chuyên mục này" } else { "Theo dõi tin mới" };
    html! { a href="#theo-doi" { (what) } }
}

fn explanation(format: Format) -> &'static str {
    match format {
        Format::Rss => "mọi ứng dụng đọc tin đều hiểu",
        Format::Atom => "như RSS, và báo cả bài đã gỡ",
        Format::Json => "cho người lập trình",
    }
}

/// Where what is followed can be read.
pub(super) fn feed_page_path(followed: FeedTarget<'_>) -> String {
    match followed {
        FeedTarget::Channel(scope, _) => page_path(scope.as_ref()),
        FeedTarget::Search(query) => search_path(None, query),
    }
}

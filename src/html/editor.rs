//! The editing pages for the office: plain forms that work without scripts.
//!
//! They are never cached and only for those who have logged in. Every form carries the token of the session against
//! forged requests.

mod diff;
mod form;
mod history;
mod recipients;
mod sources;
mod state;

use maud::{DOCTYPE, Markup, html};

use super::layout::{PageContext, announcement, head_start};
use super::text::clean;
use crate::urls::editor_path;

pub use diff::{Change, DiffLine, diff};
pub use form::{ArticleForm, Banner, ChannelChoice, Understood, article_form, reading_page};
pub use history::{Comparison, HistoryRow, history_page};
pub use recipients::{RecipientRow, recipients_page};
pub use sources::{
    ConcernRows, DoubtfulRow, DuplicateRow, Failing, SourceRow, WaitingRow, source_page, sources_page,
};
pub use state::{FileRow, Listed, StatePage, StateRow, state_page};

/// The additional stylesheet of these pages.
pub const STYLE: &str = include_str!("editor/editor.css");

/// What all editing pages share.
#[derive(Clone, Copy)]
pub struct EditorFrame<'a> {
    /// The site.
    pub page: &'a PageContext<'a>,
    /// The name of the token; none before login.
    pub user: Option<&'a str>,
    /// The token of the session against forged requests; empty before login.
    pub csrf: &'a str,
}

impl EditorFrame<'_> {
    /// The path of an editing page.
    fn path(&self, page: &str) -> String {
        self.page.path(&editor_path(page))
    }

    /// The path of an editing page about one article.
    fn path_of(&self, page: &str, id: &str) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("id", id).finish();
        format!("{}?{query}", self.path(page))
    }

    /// The hidden field that every form needs.
    fn csrf_field(&self) -> Markup {
        html! { input type="hidden" name="csrf" value=(self.csrf); }
    }

    fn render(&self, title: &str, body: Markup) -> Vec<u8> {
        let site = self.page.site;
        let markup = html! {
            (DOCTYPE)
            html lang="vi" {
                head {
                    (head_start(&format!("{title} - Soạn tin")))
                    meta name="robots" content="noindex";
                    link rel="stylesheet" href=(self.page.style());
                    link rel="stylesheet" href=(self.path("soan.css"));
                }
                body.editor {
                    a.skip href="#noi-dung" { "Đến nội dung chính" }
                    (announcement(site))
                    header.wide.editor-head {
                        p.brand { a href=(self.path("")) { "Soạn tin" } }
                        p.meta { a href=(self.page.path("/")) { (clean(&site.title)) } }
                        @if let Some(user) = self.user {
                            form.leave method="post" action=(self.path("thoat")) {
                                (self.csrf_field())
                                span.meta { "Đang dùng mã “" (clean(user)) "”" }
                                button.plain { "Thoát" }
                            }
                        }
                    }
                    @if self.user.is_some() {
                        nav.wide.editor-nav aria-label="Soạn tin" {
                            a href=(self.path("")) { "Tình trạng" }
                            a href=(self.path("bai-moi")) { "Viết bài mới" }
                            a href=(self.path("nguon")) { "Nguồn" }
                            a href=(self.path("noi-nhan")) { "Nơi nhận" }
                        }
                    }
                    main.wide #noi-dung tabindex="-1" { (body) }
                }
            }
        };
        markup.into_string().into_bytes()
    }
}

/// The login form. `kept`: the fields of a form that was sent after the session had ended; `action` is where they were
/// sent to.
pub fn login_page(
    frame: &EditorFrame<'_>,
    message: Option<&str>,
    action: Option<&str>,
    kept: &[(String, String)],
) -> Vec<u8> {
    let target = action.map_or_else(|| frame.path("dang-nhap"), str::to_owned);
    let body = html! {
        div.card {
            h1.title { "Đăng nhập" }
            @if let Some(message) = message { p.banner.bad role="alert" { (message) } }
            @if !kept.is_empty() { p { "Nội dung đang soạn vẫn còn và sẽ hiện lại sau khi đăng nhập (trừ ảnh và tệp vừa chọn)." } }
            form method="post" action=(target) {
                label for="ma" { "Mã truy cập" }
                input #ma name="token" type="password" required autocomplete="current-password" autofocus;
                p.hint { "Người quản trị cấp mã này. Không đưa mã cho người khác." }
                @for (name, value) in kept { input type="hidden" name=(name) value=(value); }
                p { button { "Đăng nhập" } }
            }
        }
    };
    frame.render("Đăng nhập", body)
}

/// A page with one message.
pub fn message_page(frame: &EditorFrame<'_>, title: &str, message: &str) -> Vec<u8> {
    let body = html! {
        div.card {
            h1.title { (title) }
            p role="alert" { (message) }
            p { a href=(frame.path("")) { "Về trang tình trạng" } }
        }
    };
    frame.render(title, body)
}

/// Asks for the reason before an article is withdrawn.
pub fn withdraw_page(
    frame: &EditorFrame<'_>,
    id: &str,
    title: &str,
    version: &str,
    problem: Option<&str>,
) -> Vec<u8> {
    let body = html! {
        div.card {
            h1.title { "Gỡ bài" }
            @if let Some(problem) = problem { p.banner.bad role="alert" { (problem) } }
            p { "Bài: " strong { (clean(title)) } }
            form method="post" action=(frame.path("go")) {
                (frame.csrf_field())
                input type="hidden" name="id" value=(id);
                input type="hidden" name="version" value=(version);
                label for="ly-do" { "Lý do (bạn đọc sẽ thấy; có thể để trống)" }
                input #ly-do name="ly-do" maxlength="2000";
                p {
                    label.choice {
                        input type="checkbox" name="xoa" value="1";
                        " Xóa hẳn nội dung, vì có dữ liệu cá nhân. Không khôi phục được."
                    }
                }
                p.buttons {
                    button { "Gỡ bài" }
                    a.button.plain href=(frame.path_of("bai", id)) { "Không gỡ" }
                }
            }
        }
    };
    frame.render("Gỡ bài", body)
}

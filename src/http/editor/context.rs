//! What the editing pages are rendered from, and the answers that they share.

use std::sync::Arc;

use hyper::StatusCode;

use super::super::api::problem::Problem;
use super::super::response::{self, HttpResponse};
use super::super::state::AppState;
use super::session::Session;
use crate::html::PageContext;
use crate::html::editor::{self as pages, Banner, EditorFrame};
use crate::model::Channel;
use crate::store::ArticleVersion;
use crate::urls::editor_path;

/// The code of the problem that somebody else was faster.
pub(super) const CHANGED: &str = "changed-meanwhile";
pub(super) const CHANGED_MEANWHILE: &str =
    "Trong lúc đó có người khác đã sửa bài này. Chưa có gì thay đổi; hãy xem lại rồi quyết định.";

/// What the pages are rendered from.
pub(super) struct Editor {
    pub(super) state: Arc<AppState>,
    pub(super) channels: Arc<Vec<Channel>>,
    /// None before login.
    pub(super) session: Option<Session>,
    /// `Set-Cookie` of the response.
    pub(super) cookie: Option<String>,
}

impl Editor {
    /// The session; after the dispatch has checked that there is one.
    pub(super) fn session(&self) -> Result<&Session, Problem> {
        self.session.as_ref().ok_or_else(Problem::unauthorized)
    }

    pub(super) fn page(
        &self,
        status: StatusCode,
        render: impl FnOnce(&EditorFrame<'_>) -> Vec<u8>,
    ) -> HttpResponse {
        let state = &self.state;
        let page = PageContext::new(&state.render_options.site, &state.urls, &self.channels);
        let session = self.session.as_ref();
        let frame = EditorFrame {
            page: &page,
            user: session.map(|session| session.token.name.as_str()),
            csrf: session.map_or("", |session| &session.csrf),
        };
        response::editor::page(status, render(&frame), self.cookie.as_deref())
    }

    pub(super) fn login(
        &self,
        message: Option<&str>,
        action: Option<&str>,
        kept: &[(String, String)],
    ) -> HttpResponse {
        let status = if message.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
        self.page(status, |frame| pages::login_page(frame, message, action, kept))
    }

    pub(super) fn message(&self, status: StatusCode, title: &str, message: &str) -> HttpResponse {
        self.page(status, |frame| pages::message_page(frame, title, message))
    }

    pub(super) fn problem(&self, problem: &Problem) -> HttpResponse {
        // A challenge would make browsers ask for a password.
        let status = Some(problem.status()).filter(|status| *status != StatusCode::UNAUTHORIZED);
        self.message(status.unwrap_or(StatusCode::FORBIDDEN), "Chưa làm được", problem.vietnamese())
    }

    pub(super) fn see_other(&self, page: &str) -> HttpResponse {
        response::editor::see_other(&self.state.urls.path(&editor_path(page)), self.cookie.as_deref())
    }
}

/// What was done, for the page after a form was sent.
pub(super) fn done(word: &str) -> Option<Banner> {
    let text = match word {
        "dang" => "Đã đăng. Bạn đọc thấy bài ngay bây giờ.",
        "sua" => "Đã đăng bản sửa.",
        "chuyen" => "Đã đăng bản sửa và đổi chuyên mục.",
        "hen" => "Đã hẹn giờ. Bài tự đăng khi đến giờ.",
        "khong-doi" => "Không có gì thay đổi.",
        "go" => "Đã gỡ bài.",
        "khoi-phuc" => "Đã khôi phục bài.",
        "lay-lai" => "Đã lấy lại nội dung cũ.",
        "nguon-dung" => "Đã tạm dừng nguồn. Các nguồn khác vẫn chạy.",
        "nguon-tiep" => "Nguồn được đọc lại ngay.",
        "muc-dang" => "Đã đăng mục của nguồn.",
        "muc-bo" => "Đã bỏ mục này.",
        "muc-van-go" => "Bài này đã bị gỡ tại đây nên vẫn gỡ. Hãy khôi phục bài ở trang Tình trạng nếu cần.",
        "muc-dang-lam" => "Đang tải ảnh của bài. Bài tự đăng khi tải xong.",
        _ => return None,
    };
    Some(Banner { is_bad: false, text: text.to_owned() })
}

/// The number of a published version.
pub(super) fn number_of(version: &ArticleVersion) -> Option<u64> {
    match version {
        ArticleVersion::Number(number) => Some(*number),
        ArticleVersion::Scheduled(_) => None,
    }
}

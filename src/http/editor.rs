//! The editing pages below `/soan/`: what the office does without a shell. They exist once a token exists.
//!
//! Everything goes through the same functions as the API, with the rights of the token that was used to log in.
//!
//! SECURITY: a page is never cached and runs no script. A form is refused if it comes from another site
//! (`Sec-Fetch-Site`, or `Origin` of older browsers) or without the token of its session.

mod article;
mod context;
mod draft;
mod history;
mod images;
mod overview;
mod posted;
mod recipients;
mod session;
mod sources;

use std::sync::Arc;

use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use super::api::actions;
use super::api::problem::Problem;
use super::response::{self, HttpResponse};
use super::server::RequestBody;
use super::state::AppState;
use crate::html::editor as pages;
use crate::image;
use crate::model::ArticleId;
use crate::store::RestoreOutcome;
use crate::urls::editor_path;
use context::{CHANGED, CHANGED_MEANWHILE, Editor};
use draft::versions;
use posted::Posted;

/// Allowed methods of a page without and with a form, and of a form without a page.
const PAGE: &str = "GET, HEAD";
const FORM: &str = "GET, HEAD, POST";
const ACTION: &str = "POST";

/// Answers a request for these segments below `/soan/`.
pub(super) async fn answer(
    state: &Arc<AppState>,
    request: Parts,
    body: RequestBody,
    page: &[String],
) -> HttpResponse {
    let exists = state.run_with_store(async move |state| state.store.has_tokens().await).await;
    match exists {
        Some(true) => {}
        Some(false) => return state.not_found(&request.headers),
        None => return response::service_unavailable(super::state::RETRY_AFTER),
    }
    let channels = state.channels().unwrap_or_default();
    let mut editor = Editor { state: Arc::clone(state), channels, session: None, cookie: None };
    let page: Vec<&str> = page.iter().map(String::as_str).collect();
    let answered = match request.method {
        Method::GET | Method::HEAD => editor.get(&request, &page).await,
        Method::POST => editor.post(&request, body, &page).await,
        _ => Ok(response::method_not_allowed(methods(&page))),
    };
    answered.unwrap_or_else(|problem| editor.problem(&problem))
}

fn methods(page: &[&str]) -> &'static str {
    match page {
        ["dang-nhap" | "bai-moi" | "bai" | "go" | "nguon"] => FORM,
        ["doc" | "khoi-phuc" | "lay-lai" | "thoat"] => ACTION,
        _ => PAGE,
    }
}

impl Editor {
    async fn get(&mut self, request: &Parts, page: &[&str]) -> Result<HttpResponse, Problem> {
        match page {
            [] => return Ok(self.see_other("")),
            ["soan.css"] => {
                return Ok(response::editor::file("text/css; charset=utf-8", pages::STYLE.into()));
            }
            _ => {}
        }
        self.session = session::current(&self.state, request).await?;
        let query = Posted::of_query(request.uri.query());
        match page {
            ["dang-nhap"] if self.session.is_some() => Ok(self.see_other("")),
            ["dang-nhap"] => Ok(self.login(None, None, &[])),
            ["" | "bai-moi" | "bai" | "go" | "lich-su" | "nguon" | "noi-nhan"] | ["anh", _]
                if self.session.is_none() =>
            {
                Ok(self.see_other("dang-nhap"))
            }
            [""] => overview::page(self, &query).await,
            ["bai-moi"] => Ok(article::new(self)),
            ["bai"] => article::edit(self, &query).await,
            ["go"] => self.withdraw_form(&query).await,
            ["lich-su"] => history::page(self, &query).await,
            ["nguon"] => sources::page(self, &query).await,
            ["noi-nhan"] => recipients::page(self).await,
            ["anh", name] => self.image(name).await,
            ["doc" | "khoi-phuc" | "lay-lai" | "thoat"] => Ok(response::method_not_allowed(ACTION)),
            _ => Ok(self.state.not_found(&request.headers)),
        }
    }

    async fn post(
        &mut self,
        request: &Parts,
        body: RequestBody,
        page: &[&str],
    ) -> Result<HttpResponse, Problem> {
        if !matches!(methods(page), FORM | ACTION) {
            return Ok(response::method_not_allowed(PAGE));
        }
        self.session = session::current(&self.state, request).await?;
        let posted = Posted::read(request, body, self.session.is_some()).await?;
        if is_from_elsewhere(&self.state, request) {
            let message = "Biểu mẫu này được gửi từ một trang khác nên không được nhận.";
            return Ok(self.message(StatusCode::FORBIDDEN, "Không được nhận", message));
        }
        if page == ["dang-nhap"] {
            return self.log_in(request, posted.text("token")).await;
        }
        let is_valid = self.session.as_ref().is_some_and(|session| posted.text("csrf") == session.csrf);
        if !is_valid && let Some(login) = self.log_in_again(request, page, &posted).await? {
            return Ok(login);
        }
        let has_just_logged_in = !is_valid;
        if page != ["thoat"] {
            let user = &self.session()?.token.name;
            self.state.write_limiter.check(user).map_err(Problem::rate_limited)?;
        }
        match page {
            ["bai-moi" | "bai"] => article::save(self, &posted, has_just_logged_in).await,
            ["doc"] => article::read_file(self, &posted).await,
            ["go"] => self.withdraw(&posted).await,
            ["khoi-phuc"] => self.restore(&posted).await,
            ["lay-lai"] => history::bring_back(self, &posted).await,
            ["nguon"] => sources::decide(self, &posted).await,
            _ => {
                self.cookie = Some(session::end(&self.state, request).await?);
                Ok(self.see_other("dang-nhap"))
            }
        }
    }

    async fn log_in(&mut self, request: &Parts, secret: &str) -> Result<HttpResponse, Problem> {
        match session::begin(&self.state, request, secret).await {
            Ok((session, cookie)) => {
                (self.session, self.cookie) = (Some(session), Some(cookie));
                Ok(self.see_other(""))
            }
            Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {
                Ok(self.login(Some(WRONG_TOKEN), None, &[]))
            }
            Err(problem) => Err(problem),
        }
    }

    /// A form was sent after its session had ended: nothing that was typed is lost. Returns the login page, or
    /// nothing if the form contains a valid token.
    async fn log_in_again(
        &mut self,
        request: &Parts,
        page: &[&str],
        posted: &Posted,
    ) -> Result<Option<HttpResponse>, Problem> {
        let action = self.state.urls.path(&editor_path(&page.join("/")));
        let mut message = "Phiên làm việc đã hết. Hãy đăng nhập lại.";
        if !posted.text("token").is_empty() {
            match session::begin(&self.state, request, posted.text("token")).await {
                Ok((session, cookie)) => {
                    (self.session, self.cookie) = (Some(session), Some(cookie));
                    return Ok(None);
                }
                Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => message = WRONG_TOKEN,
                Err(problem) => return Err(problem),
            }
        }
        self.session = None;
        Ok(Some(self.login(Some(message), Some(&action), &posted.kept())))
    }

    async fn withdraw_form(&self, query: &Posted) -> Result<HttpResponse, Problem> {
        let id = ArticleId::new(query.text("id"));
        let loaded = article::load(self, &id).await?;
        let version = draft::version_text(&loaded.version);
        Ok(self.page(StatusCode::OK, |frame| {
            pages::withdraw_page(frame, id.as_str(), &loaded.entry.article.title, &version, None)
        }))
    }

    async fn withdraw(&self, posted: &Posted) -> Result<HttpResponse, Problem> {
        let id = ArticleId::new(posted.text("id"));
        let reason = Some(posted.text("ly-do").to_owned()).filter(|reason| !reason.is_empty());
        let token = self.session()?.token.clone();
        let expected = versions(posted.text("version"));
        let erase = posted.text("xoa") == "1";
        match actions::withdraw(&self.state, token, &id, reason, erase, Some(expected)).await {
            Ok(_) => Ok(self.see_other("?xong=go")),
            Err(problem) if problem.code() == CHANGED => {
                let loaded = article::load(self, &id).await?;
                let version = draft::version_text(&loaded.version);
                let title = &loaded.entry.article.title;
                Ok(self.page(StatusCode::CONFLICT, |frame| {
                    pages::withdraw_page(frame, id.as_str(), title, &version, Some(CHANGED_MEANWHILE))
                }))
            }
            Err(problem) => Err(problem),
        }
    }

    async fn restore(&self, posted: &Posted) -> Result<HttpResponse, Problem> {
        let id = ArticleId::new(posted.text("id"));
        let outcome = actions::restore(&self.state, self.session()?.token.clone(), &id, None).await?;
        Ok(self.see_other(match outcome {
            RestoreOutcome::NotWithdrawn => "?xong=khong-doi",
            _ => "?xong=khoi-phuc",
        }))
    }

    /// An image that is stored, for the preview of an article that is not published.
    async fn image(&self, name: &str) -> Result<HttpResponse, Problem> {
        let name = name.to_owned();
        let stored =
            self.state.run_with_store(async move |state| state.store.stored_image(&name).await).await;
        let bytes = stored.ok_or_else(Problem::overloaded)?.ok_or_else(Problem::not_found)?;
        let media_type = image::media_type_of(&bytes).ok_or_else(Problem::not_found)?;
        Ok(response::editor::file(media_type, bytes))
    }
}

const WRONG_TOKEN: &str = "Mã truy cập không đúng hoặc đã bị thu hồi.";

/// True if a browser says that another site made it send the request: with Fetch Metadata, or with `Origin` if it is older.
fn is_from_elsewhere(state: &AppState, request: &Parts) -> bool {
    let header = |name: &str| request.headers.get(name).map(|line| line.as_bytes());
    if let Some(site) = header("sec-fetch-site") {
        return !matches!(site, b"same-origin" | b"none");
    }
    let Some(origin) = header("origin") else { return false };
    let own = url::Url::parse(state.urls.site_url()).map(|url| url.origin().ascii_serialization());
    let host = origin.strip_prefix(b"https://").or_else(|| origin.strip_prefix(b"http://"));
    !own.is_ok_and(|own| own.as_bytes() == origin) && (host.is_none() || host != header("host"))
}

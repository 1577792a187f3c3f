//! Errors of the API: problem details (RFC 9457) in English and Vietnamese.
//!
//! `type` is the URL at which `/api/openapi.json` describes this kind of problem, and `code` its name for
//! programs. `title` and `detail` are English, `title_vi` and `detail_vi` Vietnamese. Further members depend
//! on the kind.

use std::time::Duration;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::super::response::{self, HttpResponse};
use super::super::server::BodyError;
use crate::model::{ArticleId, Slug, Tombstone};
use crate::parse::{Diagnostic, TEXT_FIELD};
use crate::store::Refusal;
use crate::time::{Zone, rfc3339};
use crate::urls::{CHANGES_PATH, OPENAPI_PATH, SiteUrls};

/// An error response. The request has changed nothing.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    title: (&'static str, &'static str),
    detail: Box<(String, String)>,
    /// The additional members of this kind.
    members: Vec<(&'static str, Value)>,
    /// The value of `Allow`.
    methods: Option<&'static str>,
    /// The value of `Retry-After`.
    wait: Option<Duration>,
}

/// A diagnostic as JSON.
pub(super) fn diagnostic_json(diagnostic: &Diagnostic) -> Value {
    let message = diagnostic.kind.message();
    json!({
        "line": diagnostic.line,
        "severity": diagnostic.severity.as_str(),
        "code": diagnostic.kind.code(),
        "message": message.english,
        "message_vi": message.vietnamese,
    })
}

/// A diagnostic about a field of an article sent as JSON. Only diagnostics about the text have a line.
pub(super) fn field_diagnostic(field: &str, of: &Diagnostic) -> Value {
    let mut entry = diagnostic_json(of);
    entry["field"] = field.into();
    if field != TEXT_FIELD {
        entry["line"] = Value::Null;
    }
    entry
}

/// Makes a log message a sentence.
fn sentence(message: &str) -> String {
    let mut letters = message.trim_end_matches('.').chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    format!("{}.", first.chain(letters).collect::<String>())
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::too_large(),
            BodyError::TooSlow => Self::too_slow(),
            BodyError::CutShort => Self::incomplete_body(),
            BodyError::Busy => Self::overloaded(),
        }
    }
}

impl Problem {
    fn new(
        status: StatusCode,
        code: &'static str,
        title: (&'static str, &'static str),
        detail: (impl Into<String>, impl Into<String>),
    ) -> Self {
        let detail = Box::new((detail.0.into(), detail.1.into()));
        Self { status, code, title, detail, members: Vec::new(), methods: None, wait: None }
    }

    /// Adds a member.
    fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// The response.
    pub(super) fn reply(self, urls: &SiteUrls) -> HttpResponse {
        let mut body = json!({
            "type": urls.url(&format!("{OPENAPI_PATH}#/x-problems/{}", self.code)),
            "code": self.code,
            "title": self.title.0,
            "title_vi": self.title.1,
            "status": self.status.as_u16(),
            "detail": self.detail.0,
            "detail_vi": self.detail.1,
        });
        for (name, value) in self.members {
            body[name] = value;
        }
        let reply = response::problem(self.status, body.to_string());
        match (self.methods, self.wait) {
            (Some(methods), _) => response::with_allow(reply, methods),
            (None, Some(wait)) => response::with_retry_after(reply, wait),
            (None, None) => reply,
        }
    }

    pub(super) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            ("Not found", "Không tìm thấy"),
            (
                "There is no resource at this URL; /api/openapi.json describes all resources.",
                "Không có tài nguyên nào ở địa chỉ này; /api/openapi.json mô tả tất cả.",
            ),
        )
    }

    /// `methods` are the allowed ones.
    pub(super) fn method_not_allowed(methods: &'static str) -> Self {
        let problem = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            ("Method not allowed", "Phương thức không được phép"),
            (format!("This resource allows: {methods}."), format!("Địa chỉ này chỉ nhận: {methods}.")),
        );
        Self { methods: Some(methods), ..problem }
    }

    /// An invalid query parameter.
    pub(super) fn parameter(
        name: &str,
        english: impl std::fmt::Display,
        vietnamese: impl std::fmt::Display,
    ) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad-parameter",
            ("A parameter is wrong", "Tham số không đúng"),
            (format!("{name}: {english}"), format!("{name}: {vietnamese}")),
        )
        .with("parameter", name)
    }

    pub(super) fn unknown_channel() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "unknown-channel",
            ("Unknown channel", "Không có chuyên mục này"),
            (
                "No channel has this name; /opml.xml lists them all.",
                "Không có chuyên mục mang tên này; /opml.xml liệt kê tất cả.",
            ),
        )
    }

    /// A withdrawn article, with date and reason.
    pub(super) fn gone(tombstone: &Tombstone, zone: Zone) -> Self {
        Self::new(
            StatusCode::GONE,
            "gone",
            ("The article was withdrawn", "Bài đã được gỡ"),
            (
                "Its text is no longer given out; it may be restored under the same id.",
                "Nội dung không còn được cung cấp; bài có thể được khôi phục với cùng mã.",
            ),
        )
        .with("id", tombstone.id.as_str())
        .with("withdrawn", rfc3339(tombstone.when, zone))
        .with("reason", tombstone.reason.clone())
    }

    /// The number that the client stored is from another log, or not reached yet: the store was replaced or
    /// restored from a backup. Contains the URL to start over.
    pub(super) fn log_reset(urls: &SiteUrls, log: &str, channel: Option<&Slug>, head: u64) -> Self {
        let channel = channel.map(|channel| format!("&channel={channel}")).unwrap_or_default();
        Self::new(
            StatusCode::GONE,
            "begin-anew",
            ("The number is not of this log", "Số này không thuộc nhật ký hiện tại"),
            (
                "The store was replaced or set back since that number was given out. Take all changes from \
                 `begin` on; an article that you hold and do not meet there is no longer published.",
                "Kho dữ liệu đã được thay hoặc phục hồi sau khi số này được cấp. Hãy lấy lại mọi thay đổi từ \
                 `begin`; bài đang giữ mà không gặp lại ở đó thì không còn được đăng.",
            ),
        )
        .with("log", log)
        .with("head", head)
        .with("begin", urls.url(&format!("{CHANGES_PATH}?after=0&log={log}{channel}")))
    }

    pub(super) fn not_acceptable() -> Self {
        Self::new(
            StatusCode::NOT_ACCEPTABLE,
            "not-acceptable",
            ("Not acceptable", "Không có dạng phù hợp"),
            (
                "The response is available as br, gzip or identity; the request rejects all of them.",
                "Nội dung có ở dạng br, gzip hoặc không nén; yêu cầu từ chối tất cả.",
            ),
        )
    }

    /// A read that cannot be served now.
    pub(super) fn overloaded() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            ("Unavailable", "Chưa thể phục vụ"),
            (
                "The store is unavailable, or there are too many requests; try again later.",
                "Kho dữ liệu chưa trả lời, hoặc có quá nhiều yêu cầu cùng lúc; hãy thử lại sau.",
            ),
        )
    }

    pub(super) fn unknown_article(id: &ArticleId) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "unknown-article",
            ("Unknown article", "Không có bài này"),
            (
                format!("There is no article {id}. Ids are written percent-encoded in one segment."),
                format!("Không có bài {id}. Mã bài phải được mã hóa phần trăm trong một đoạn của địa chỉ."),
            ),
        )
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "no-token",
            ("A token is needed", "Cần có mã truy cập"),
            (
                "Send `Authorization: Bearer …` with the secret of a valid token; `bantin token new` creates one.",
                "Hãy gửi kèm `Authorization: Bearer …` với mã còn hiệu lực; `bantin token new` tạo mã mới.",
            ),
        )
    }

    pub(super) fn channel_forbidden(channels: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "not-your-channel",
            ("Not your channel", "Không được đăng ở chuyên mục này"),
            (
                format!("This token may not publish in: {channels}."),
                format!("Mã truy cập này không được đăng ở: {channels}."),
            ),
        )
    }

    pub(super) fn closed_channel(channel: &Slug) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "closed-channel",
            ("The channel is closed", "Chuyên mục đã đóng"),
            (
                format!("`{channel}` accepts no new articles; existing ones can be corrected and withdrawn."),
                format!("`{channel}` không nhận bài mới; bài đã đăng vẫn sửa và gỡ được."),
            ),
        )
    }

    /// Retry after `wait`.
    pub(super) fn rate_limited(wait: Duration) -> Self {
        let seconds = response::whole_seconds(wait);
        let problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-often",
            ("Too many requests", "Quá nhiều yêu cầu"),
            (format!("Try again in {seconds} s."), format!("Hãy thử lại sau {seconds} giây.")),
        );
        Self { wait: Some(wait), ..problem }
    }

    pub(super) fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            ("Unavailable", "Chưa thể phục vụ"),
            (
                "The store is unavailable. Nothing was changed; try again.",
                "Kho dữ liệu chưa trả lời. Chưa có gì thay đổi; hãy thử lại.",
            ),
        )
    }

    pub(super) fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            ("Too large", "Quá lớn"),
            ("The body exceeds the maximum length.", "Nội dung dài hơn mức cho phép."),
        )
    }

    pub(super) fn incomplete_body() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "cut-short",
            ("Cut short", "Bị cắt ngang"),
            ("The body is incomplete.", "Nội dung gửi đến không trọn vẹn."),
        )
    }

    pub(super) fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "too-slow",
            ("Too slow", "Quá chậm"),
            (
                "The body arrived too slowly. Nothing was changed; send it again.",
                "Nội dung gửi đến quá chậm nên không chờ hết. Chưa có gì thay đổi; hãy gửi lại.",
            ),
        )
    }

    pub(super) fn coded_body(coding: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "coded-body",
            ("Unsupported coding", "Không nhận nội dung nén"),
            (
                format!("The content coding `{coding}` is not supported; send the body without it."),
                format!("Không nhận nội dung nén dạng `{coding}`: hãy gửi nội dung không nén."),
            ),
        )
    }

    pub(super) fn bad_request(english: impl Into<String>, vietnamese: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad-request",
            ("Bad request", "Yêu cầu sai"),
            (english, vietnamese),
        )
    }

    pub(super) fn unsupported_media_type(found: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-type",
            ("Unsupported media type", "Không hỗ trợ định dạng này"),
            (
                format!(
                    "`{found}` is not supported; send text/plain, text/markdown, text/html or application/json."
                ),
                format!(
                    "Không nhận `{found}`; hãy gửi text/plain, text/markdown, text/html hoặc application/json."
                ),
            ),
        )
    }

    pub(super) fn unprocessable(english: impl Into<String>, vietnamese: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "unprocessable",
            ("Cannot be published as it is", "Chưa thể đăng"),
            (english, vietnamese),
        )
    }

    /// An invalid field of an article.
    pub(super) fn field(
        name: &str,
        english: impl std::fmt::Display,
        vietnamese: impl std::fmt::Display,
    ) -> Self {
        Self::unprocessable(format!("{name}: {english}"), format!("{name}: {vietnamese}")).with("field", name)
    }

    /// An article with errors, each with its line.
    pub(super) fn unreadable_article(findings: Vec<Value>) -> Self {
        let problem = Self::unprocessable(
            "The article has errors; see `findings`. Nothing was changed.",
            "Bài viết có lỗi; xem `findings`. Chưa có gì thay đổi.",
        );
        problem.with("findings", findings)
    }

    pub(super) fn withdrawn(id: &ArticleId) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "withdrawn",
            ("Withdrawn", "Bài đã rút"),
            (
                format!("The article {id} was withdrawn; only `bantin restore` can restore it."),
                format!("Bài {id} đã bị gỡ; chỉ `bantin restore` mới đưa trở lại."),
            ),
        )
    }

    pub(super) fn already_exists(id: &ArticleId) -> Self {
        Self::taken(
            format!("The article {id} already exists; correct it with PUT."),
            format!("Đã có bài {id}; hãy dùng PUT để sửa."),
        )
    }

    fn taken(english: String, vietnamese: String) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "exists",
            ("There is such an article", "Đã có bài này"),
            (english, vietnamese),
        )
    }

    fn not_your_id(english: String, vietnamese: String) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "not-your-id",
            ("Not your id", "Không được đặt mã này"),
            (english, vietnamese),
        )
    }

    /// The error for an article that the store rejected.
    pub(super) fn refused(refusal: &Refusal, id: &ArticleId) -> Self {
        let (english, vietnamese) = (sentence(&refusal.english()), sentence(&refusal.vietnamese()));
        match refusal {
            Refusal::UnknownArticle => Self::unknown_article(id),
            Refusal::Revoked => Self::unauthorized(),
            Refusal::NotYours(channels) => {
                let names: Vec<&str> = channels.iter().map(Slug::as_str).collect();
                Self::channel_forbidden(&names.join(", "))
            }
            Refusal::NotYourId(_) => Self::not_your_id(english, vietnamese),
            Refusal::Closed { channel, .. } | Refusal::Gone(channel) => Self::closed_channel(channel),
            Refusal::IdTaken { .. } => Self::taken(english, vietnamese),
            Refusal::UnfitId
            | Refusal::TooFarAhead
            | Refusal::Reserved(_)
            | Refusal::TooLong(..)
            | Refusal::Failed => Self::unprocessable(english, vietnamese),
        }
    }

    pub(super) fn version_mismatch(number: u64) -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "changed-meanwhile",
            ("Changed meanwhile", "Bài đã thay đổi"),
            match number {
                // A scheduled article has no number.
                0 => (
                    "The article is not the version in If-Match; read it again and edit that version."
                        .to_owned(),
                    "Bài hiện không còn là bản mà If-Match nêu; hãy đọc lại rồi sửa trên bản đó.".to_owned(),
                ),
                _ => (
                    format!("The article is at number {number} now; read it again and edit that."),
                    format!("Bài hiện ở số {number}; hãy đọc lại rồi sửa trên bản đó."),
                ),
            },
        )
    }

    pub(super) fn idempotency_conflict() -> Self {
        Self::unprocessable(
            "This Idempotency-Key was used for another request within the last day.",
            "Idempotency-Key này đã dùng cho một yêu cầu khác trong vòng một ngày.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_described_in_openapi() {
        let id = ArticleId::new("tag:x");
        let urls = SiteUrls::new("http://127.0.0.1:8080", "a.vn,2023").unwrap();
        let day = chrono::NaiveDate::default();
        let permalink = crate::model::Permalink { day, slug: Slug::from_title("bài") };
        let when = crate::time::from_unix(0);
        let tombstone = Tombstone { id: id.clone(), permalink, when, reason: None };
        let problems = [
            Problem::not_found(),
            Problem::method_not_allowed("GET"),
            Problem::parameter("x", "", ""),
            Problem::unknown_channel(),
            Problem::gone(&tombstone, crate::time::DEFAULT_TIME_ZONE),
            Problem::log_reset(&urls, "x", None, 0),
            Problem::closed_channel(&Slug::from_title("x")),
            Problem::rate_limited(Duration::from_secs(1)),
            Problem::not_acceptable(),
            Problem::overloaded(),
            Problem::unavailable(),
            Problem::unknown_article(&id),
            Problem::unauthorized(),
            Problem::channel_forbidden(""),
            Problem::too_large(),
            Problem::incomplete_body(),
            Problem::too_slow(),
            Problem::coded_body(""),
            Problem::bad_request("", ""),
            Problem::unsupported_media_type(""),
            Problem::unprocessable("", ""),
            Problem::withdrawn(&id),
            Problem::already_exists(&id),
            Problem::not_your_id(String::new(), String::new()),
            Problem::version_mismatch(0),
        ];
        let written = include_str!("problem.rs").split("mod tests").next().unwrap();
        assert_eq!(
            problems.len(),
            written.matches("Self::new(").count(),
            "a problem is missing in this list"
        );
        let description: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
        let mut described = description["x-problems"].as_object().unwrap().clone();
        for problem in &problems {
            let entry = &described[problem.code];
            assert_eq!(entry["status"], problem.status.as_u16(), "{}", problem.code);
            assert_eq!(
                (&entry["title"], &entry["title_vi"]),
                (&problem.title.0.into(), &problem.title.1.into())
            );
        }
        described.retain(|code, _| problems.iter().all(|problem| problem.code != code));
        assert!(described.is_empty(), "described but never sent: {described:?}");
    }
}

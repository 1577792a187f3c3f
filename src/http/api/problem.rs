//! Errors of the API: problem details (RFC 9457) in English and Vietnamese.
//!
//! `type` is the URL at which `/api/openapi.json` describes this kind of problem, and `code` its name for
//! programs. Its status and titles are defined only there. `title` and `detail` are English, `title_vi` and `detail_vi`
//! Vietnamese. Further members depend on the kind.

use std::sync::LazyLock;
use std::time::Duration;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::super::response::{self, HttpResponse};
use super::super::server::BodyError;
use crate::ingest::FileDiagnostic;
use crate::message::Message;
use crate::model::{ArticleId, Slug, Tombstone};
use crate::parse::{Diagnostic, TEXT_FIELD};
use crate::store::Refusal;
use crate::time::{Zone, rfc3339};
use crate::urls::{CHANGES_PATH, OPENAPI_PATH, SiteUrls};

/// The description of the API.
pub(super) const OPENAPI: &str = include_str!("openapi.json");

/// Status and titles of each problem by its code, as [`OPENAPI`] describes them.
static DESCRIPTIONS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str::<Value>(OPENAPI).unwrap_or_default()["x-problems"].take());

/// An error response. The request has changed nothing.
#[derive(Clone, Debug)]
pub(in crate::http) struct Problem {
    /// The key of its description.
    code: &'static str,
    detail: Box<Message>,
    /// The additional members of this kind.
    members: Vec<(&'static str, Value)>,
    /// The value of `Allow`.
    methods: Option<&'static str>,
    /// The value of `Retry-After`.
    wait: Option<Duration>,
}

/// A diagnostic as JSON.
pub(super) fn diagnostic_json(diagnostic: &Diagnostic) -> Value {
    let Diagnostic { line, severity, kind } = diagnostic;
    finding(Some(*line), severity.as_str(), kind.code(), &kind.message())
}

/// A diagnostic about an image as JSON.
pub(super) fn file_diagnostic(diagnostic: &FileDiagnostic) -> Value {
    finding(Some(diagnostic.line), diagnostic.severity.as_str(), "picture", &diagnostic.message)
}

fn finding(line: Option<usize>, severity: &str, code: &str, message: &Message) -> Value {
    let Message { vietnamese, english } = message;
    json!({
        "line": line, "severity": severity, "code": code, "message": english, "message_vi": vietnamese,
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

/// A message about a named part of the request.
fn about(name: &str, message: &Message) -> Message {
    let Message { vietnamese, english } = message;
    Message::new(format!("{name}: {vietnamese}"), format!("{name}: {english}"))
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
    fn new(code: &'static str, detail: Message) -> Self {
        Self { code, detail: Box::new(detail), members: Vec::new(), methods: None, wait: None }
    }

    /// The status as described; 500 for a problem that is not described.
    pub(in crate::http) fn status(&self) -> StatusCode {
        let status = DESCRIPTIONS[self.code]["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        status
            .and_then(|status| StatusCode::from_u16(status).ok())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Adds a member.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// The response.
    pub(super) fn reply(self, urls: &SiteUrls) -> HttpResponse {
        let (status, described) = (self.status(), &DESCRIPTIONS[self.code]);
        let mut body = json!({
            "type": urls.url(&format!("{OPENAPI_PATH}#/x-problems/{}", self.code)),
            "code": self.code,
            "title": described["title"],
            "title_vi": described["title_vi"],
            "status": status.as_u16(),
            "detail": self.detail.english,
            "detail_vi": self.detail.vietnamese,
        });
        for (name, value) in self.members {
            body[name] = value;
        }
        let reply = response::problem(status, body.to_string());
        match (self.methods, self.wait) {
            (Some(methods), _) => response::with_allow(reply, methods),
            (None, Some(wait)) => response::with_retry_after(reply, wait),
            (None, None) => reply,
        }
    }

    pub(in crate::http) fn not_found() -> Self {
        Self::new(
            "not-found",
            Message::new(
                "Không có tài nguyên nào ở địa chỉ này; /api/openapi.json mô tả tất cả.",
                "There is no resource at this URL; /api/openapi.json describes all resources.",
            ),
        )
    }

    /// `methods` are the allowed ones.
    pub(super) fn method_not_allowed(methods: &'static str) -> Self {
        let problem = Self::new(
            "method-not-allowed",
            Message::new(
                format!("Địa chỉ này chỉ nhận: {methods}."),
                format!("This resource allows: {methods}."),
            ),
        );
        Self { methods: Some(methods), ..problem }
    }

    /// An invalid query parameter.
    pub(super) fn parameter(name: &str, message: &Message) -> Self {
        Self::new("bad-parameter", about(name, message)).with("parameter", name)
    }

    pub(super) fn unknown_channel() -> Self {
        Self::new(
            "unknown-channel",
            Message::new(
                "Không có chuyên mục mang tên này; /opml.xml liệt kê tất cả.",
                "No channel has this name; /opml.xml lists them all.",
            ),
        )
    }

    /// A withdrawn article, with date and reason.
    pub(in crate::http) fn gone(tombstone: &Tombstone, zone: Zone) -> Self {
        Self::new(
            "gone",
            Message::new(
                "Nội dung không còn được cung cấp; bài có thể được khôi phục với cùng mã.",
                "Its text is no longer given out; it may be restored under the same id.",
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
            "begin-anew",
            Message::new(
                "Kho dữ liệu đã được thay hoặc phục hồi sau khi số này được cấp. Hãy lấy lại mọi thay đổi từ \
                 `begin`; bài đang giữ mà không gặp lại ở đó thì không còn được đăng.",
                "The store was replaced or set back since that number was given out. Take all changes from \
                 `begin` on; an article that you hold and do not meet there is no longer published.",
            ),
        )
        .with("log", log)
        .with("head", head)
        .with("begin", urls.url(&format!("{CHANGES_PATH}?after=0&log={log}{channel}")))
    }

    pub(super) fn not_acceptable() -> Self {
        Self::new(
            "not-acceptable",
            Message::new(
                "Nội dung có ở dạng br, gzip hoặc không nén; yêu cầu từ chối tất cả.",
                "The response is available as br, gzip or identity; the request rejects all of them.",
            ),
        )
    }

    /// A read that cannot be served now.
    pub(in crate::http) fn overloaded() -> Self {
        Self::new(
            "unavailable",
            Message::new(
                "Kho dữ liệu chưa trả lời, hoặc có quá nhiều yêu cầu cùng lúc; hãy thử lại sau.",
                "The store is unavailable, or there are too many requests; try again later.",
            ),
        )
    }

    pub(in crate::http) fn unknown_article(id: &ArticleId) -> Self {
        Self::new(
            "unknown-article",
            Message::new(
                format!("Không có bài {id}. Mã bài phải được mã hóa phần trăm trong một đoạn của địa chỉ."),
                format!("There is no article {id}. Ids are written percent-encoded in one segment."),
            ),
        )
    }

    pub(in crate::http) fn unauthorized() -> Self {
        Self::new(
            "no-token",
            Message::new(
                "Hãy gửi kèm `Authorization: Bearer …` với mã còn hiệu lực; `bantin token new` tạo mã mới.",
                "Send `Authorization: Bearer …` with the secret of a valid token; `bantin token new` creates one.",
            ),
        )
    }

    /// Retry after `wait`.
    pub(in crate::http) fn rate_limited(wait: Duration) -> Self {
        let seconds = response::whole_seconds(wait);
        let problem = Self::new(
            "too-often",
            Message::new(format!("Hãy thử lại sau {seconds} giây."), format!("Try again in {seconds} s.")),
        );
        Self { wait: Some(wait), ..problem }
    }

    pub(in crate::http) fn unavailable() -> Self {
        Self::new(
            "unavailable",
            Message::new(
                "Kho dữ liệu chưa trả lời. Chưa có gì thay đổi; hãy thử lại.",
                "The store is unavailable. Nothing was changed; try again.",
            ),
        )
    }

    pub(super) fn too_large() -> Self {
        Self::new(
            "too-large",
            Message::new("Nội dung dài hơn mức cho phép.", "The body exceeds the maximum length."),
        )
    }

    pub(super) fn incomplete_body() -> Self {
        Self::new("cut-short", Message::new("Nội dung gửi đến không trọn vẹn.", "The body is incomplete."))
    }

    pub(super) fn too_slow() -> Self {
        Self::new(
            "too-slow",
            Message::new(
                "Nội dung gửi đến quá chậm nên không chờ hết. Chưa có gì thay đổi; hãy gửi lại.",
                "The body arrived too slowly. Nothing was changed; send it again.",
            ),
        )
    }

    pub(super) fn coded_body(coding: &str) -> Self {
        Self::new(
            "coded-body",
            Message::new(
                format!("Không nhận nội dung nén dạng `{coding}`: hãy gửi nội dung không nén."),
                format!("The content coding `{coding}` is not supported; send the body without it."),
            ),
        )
    }

    pub(in crate::http) fn bad_request(detail: Message) -> Self {
        Self::new("bad-request", detail)
    }

    pub(super) fn unsupported_media_type(found: &str) -> Self {
        Self::new(
            "unsupported-type",
            Message::new(
                format!(
                    "Không nhận `{found}`; hãy gửi text/plain, text/markdown, text/html, application/json, tệp .docx \
                     hoặc multipart/form-data."
                ),
                format!(
                    "`{found}` is not supported; send text/plain, text/markdown, text/html, application/json, a .docx \
                     file or multipart/form-data."
                ),
            ),
        )
    }

    pub(super) fn unprocessable(detail: Message) -> Self {
        Self::new("unprocessable", detail)
    }

    /// An invalid field of an article.
    pub(in crate::http) fn field(name: &str, message: &Message) -> Self {
        Self::unprocessable(about(name, message)).with("field", name)
    }

    /// An article with errors, which `findings` name with their lines.
    pub(super) fn unreadable_article() -> Self {
        Self::unprocessable(Message::new(
            "Bài viết có lỗi; xem `findings`. Chưa có gì thay đổi.",
            "The article has errors; see `findings`. Nothing was changed.",
        ))
    }

    pub(super) fn withdrawn(id: &ArticleId) -> Self {
        Self::new(
            "withdrawn",
            Message::new(
                format!("Bài {id} đã bị gỡ. Hãy khôi phục bài trước khi sửa."),
                format!("The article {id} was withdrawn; restore it first."),
            ),
        )
    }

    pub(super) fn erased(id: &ArticleId) -> Self {
        Self::new(
            "erased",
            Message::new(
                format!(
                    "Nội dung bài {id} đã bị xóa hẳn nên không khôi phục được. Hãy đăng lại thành bài mới."
                ),
                format!("The text of {id} was erased and cannot be restored. Publish it as a new article."),
            ),
        )
    }

    pub(in crate::http) fn unknown_revision(number: u64) -> Self {
        Self::new(
            "unknown-revision",
            Message::new(
                format!("Bài này không có lần thay đổi số {number}."),
                format!("The article has no revision with the number {number}."),
            ),
        )
    }

    /// A read for which the token lacks rights.
    pub(in crate::http) fn not_your_channel() -> Self {
        Self::new(
            "not-your-channel",
            Message::new(
                "Mã truy cập không có quyền với mọi chuyên mục của bài này.",
                "The token does not cover all channels of this article.",
            ),
        )
    }

    /// The token lacks rights to a source.
    pub(in crate::http) fn not_your_source() -> Self {
        Self::new(
            "not-your-channel",
            Message::new(
                "Mã truy cập không có quyền với mọi chuyên mục của nguồn này.",
                "The token does not cover all channels of this source.",
            ),
        )
    }

    pub(in crate::http) fn unknown_source(detail: Message) -> Self {
        Self::new("unknown-source", detail)
    }

    /// No item of the source is held back under this key.
    pub(in crate::http) fn unknown_item(key: &str) -> Self {
        Self::new(
            "unknown-item",
            Message::new(
                format!("Nguồn này không giữ lại mục nào mang mã {key}; có thể đã có người quyết định."),
                format!("The source has no item {key} that is held back; somebody may have decided already."),
            ),
        )
    }

    pub(in crate::http) fn no_channel() -> Self {
        Self::unprocessable(Message::new(
            "Hãy nêu chuyên mục: `?channel=SLUG`, hoặc `channels` trong bài.",
            "Name a channel: `?channel=SLUG`, or `channels` in the article.",
        ))
    }

    /// What to tell a person.
    pub(in crate::http) fn vietnamese(&self) -> &str {
        &self.detail.vietnamese
    }

    /// The name of its kind.
    pub(in crate::http) fn code(&self) -> &'static str {
        self.code
    }

    /// The article exists already.
    pub(super) fn exists(detail: Message) -> Self {
        Self::new("exists", detail)
    }

    /// The error for a write that the store refused.
    pub(super) fn refused(refusal: &Refusal, id: &ArticleId) -> Self {
        let Message { vietnamese, english } = refusal.message();
        let detail = Message { vietnamese, english: sentence(&english) };
        match refusal {
            Refusal::UnknownArticle => Self::unknown_article(id),
            Refusal::Revoked => Self::unauthorized(),
            Refusal::NotYours(_) => Self::new("not-your-channel", detail),
            Refusal::NotYourId(_) => Self::new("not-your-id", detail),
            Refusal::Closed { .. } | Refusal::Gone(_) => Self::new("closed-channel", detail),
            Refusal::IdTaken { .. } => Self::exists(detail),
            Refusal::TooLong(excess) => Self::unprocessable(detail).with("field", excess.field),
            Refusal::UnknownChannel { .. }
            | Refusal::UnfitId
            | Refusal::TooFarAhead
            | Refusal::Reserved(_)
            | Refusal::Failed => Self::unprocessable(detail),
        }
    }

    pub(super) fn version_mismatch(number: u64) -> Self {
        let detail = match number {
            // A scheduled article has no number.
            0 => Message::new(
                "Bài hiện không còn là bản mà If-Match nêu; hãy đọc lại rồi sửa trên bản đó.",
                "The article is not the version in If-Match; read it again and edit that version.",
            ),
            _ => Message::new(
                format!("Bài hiện ở số {number}; hãy đọc lại rồi sửa trên bản đó."),
                format!("The article is at number {number} now; read it again and edit that."),
            ),
        };
        Self::new("changed-meanwhile", detail)
    }

    /// False if the request is at fault and not the article.
    pub(super) fn is_about_the_article(&self) -> bool {
        self.status() == StatusCode::UNPROCESSABLE_ENTITY
    }

    /// As a diagnostic of the article.
    pub(super) fn as_finding(&self) -> Value {
        finding(None, "error", self.code, &self.detail)
    }

    pub(super) fn idempotency_conflict() -> Self {
        Self::unprocessable(Message::new(
            "Idempotency-Key này đã dùng cho một yêu cầu khác trong vòng một ngày. Hãy dùng khóa khác.",
            "This Idempotency-Key was used for another request within the last day; use another key.",
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_problem_is_described_in_openapi_and_every_description_is_used() {
        let written = include_str!("problem.rs").split("mod tests").next().unwrap();
        let codes = written.split("Self::new(").skip(1).map(|call| call.split('"').nth(1).unwrap());
        let described = DESCRIPTIONS.as_object().unwrap();
        assert_eq!(codes.collect::<BTreeSet<_>>(), described.keys().map(String::as_str).collect());
        for (code, problem) in described {
            let status = Problem::new(code.clone().leak(), Message::new("", "")).status();
            assert!(
                status.is_client_error() || status == StatusCode::SERVICE_UNAVAILABLE,
                "{code}: {status}"
            );
            assert!(problem["title"].is_string() && problem["title_vi"].is_string(), "{code}");
        }
    }
}

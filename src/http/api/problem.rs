//! Why a request was refused: problem details (RFC 9457), in English and in Vietnamese.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::super::reply::{self, Reply};
use crate::article::ArticleId;
use crate::manuscript::Finding;

/// A refusal. Nothing was changed.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    title: (&'static str, &'static str),
    detail: (String, String),
    /// Remarks on the lines of a manuscript.
    findings: Vec<Value>,
}

/// A finding as it stands in an answer.
pub(super) fn finding(finding: &Finding) -> Value {
    json!({
        "line": finding.line,
        "severity": finding.severity.as_str(),
        "message": finding.complaint.english(),
        "message_vi": finding.complaint.vietnamese(),
    })
}

impl Problem {
    fn new(
        status: StatusCode,
        title: (&'static str, &'static str),
        detail: (impl Into<String>, impl Into<String>),
    ) -> Self {
        Self { status, title, detail: (detail.0.into(), detail.1.into()), findings: Vec::new() }
    }

    pub(super) fn reply(self) -> Reply {
        let mut body = json!({
            "type": "about:blank",
            "title": self.title.0,
            "title_vi": self.title.1,
            "status": self.status.as_u16(),
            "detail": self.detail.0,
            "detail_vi": self.detail.1,
        });
        if !self.findings.is_empty() {
            body["findings"] = Value::Array(self.findings);
        }
        reply::problem(self.status, body.to_string())
    }

    pub(super) fn no_such_resource() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            ("Not found", "Không tìm thấy"),
            ("There is nothing at this address.", "Không có gì ở địa chỉ này."),
        )
    }

    pub(super) fn unknown_article(id: &ArticleId) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            ("Unknown article", "Không có bài này"),
            (
                format!("There is no article {id}. Ids are written percent-encoded in one segment."),
                format!("Không có bài {id}. Mã bài phải được mã hóa phần trăm trong một đoạn của địa chỉ."),
            ),
        )
    }

    pub(super) fn no_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            ("A token is needed", "Cần có mã truy cập"),
            (
                "Send `Authorization: Bearer …` with the secret of a valid token; `bantin token new` makes one.",
                "Gửi kèm `Authorization: Bearer …` với mã còn hiệu lực; `bantin token new` tạo mã mới.",
            ),
        )
    }

    pub(super) fn not_your_channel(channels: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            ("Not your channel", "Không được đăng ở chuyên mục này"),
            (
                format!("This token may not publish in: {channels}."),
                format!("Mã truy cập này không được đăng ở: {channels}."),
            ),
        )
    }

    pub(super) fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ("Writes are unavailable", "Tạm thời chưa ghi được"),
            (
                "The store does not answer. Nothing was changed; try again.",
                "Kho dữ liệu chưa trả lời. Chưa có gì thay đổi; hãy thử lại.",
            ),
        )
    }

    pub(super) fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            ("Too large", "Quá lớn"),
            ("The body is longer than this service takes.", "Nội dung dài hơn mức cho phép."),
        )
    }

    pub(super) fn cut_short() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            ("Cut short", "Bị cắt ngang"),
            ("The body did not arrive whole.", "Nội dung gửi đến không trọn vẹn."),
        )
    }

    pub(super) fn bad_request(english: impl Into<String>, vietnamese: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ("Bad request", "Yêu cầu sai"), (english, vietnamese))
    }

    pub(super) fn unsupported_type(found: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ("Unsupported media type", "Không hỗ trợ định dạng này"),
            (
                format!(
                    "`{found}` is not taken: send text/plain, text/markdown, text/html or application/json."
                ),
                format!(
                    "Không nhận `{found}`: gửi text/plain, text/markdown, text/html hoặc application/json."
                ),
            ),
        )
    }

    pub(super) fn unprocessable(english: impl Into<String>, vietnamese: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            ("Cannot be published as it is", "Chưa thể đăng"),
            (english, vietnamese),
        )
    }

    /// A manuscript with errors; each is named with its line.
    pub(super) fn manuscript(findings: &[Finding]) -> Self {
        let mut problem = Self::unprocessable(
            "The article has errors; see `findings`. Nothing was changed.",
            "Bài viết có lỗi; xem `findings`. Chưa có gì thay đổi.",
        );
        problem.findings = findings.iter().map(finding).collect();
        problem
    }

    pub(super) fn withdrawn(id: &ArticleId) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            ("Withdrawn", "Bài đã rút"),
            (
                format!("The article {id} was withdrawn; only `bantin restore` brings it back."),
                format!("Bài {id} đã bị rút; chỉ `bantin restore` mới đưa trở lại."),
            ),
        )
    }

    pub(super) fn exists(id: &ArticleId) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            ("There is such an article", "Đã có bài này"),
            (
                format!("The article {id} is there already; correct it with PUT."),
                format!("Đã có bài {id}; dùng PUT để sửa."),
            ),
        )
    }

    pub(super) fn changed_meanwhile(number: u64) -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            ("Changed meanwhile", "Bài đã thay đổi"),
            (
                format!("The article is at number {number} now; read it again and edit that."),
                format!("Bài hiện ở số {number}; hãy đọc lại rồi sửa trên bản đó."),
            ),
        )
    }

    pub(super) fn key_reused() -> Self {
        Self::unprocessable(
            "This Idempotency-Key was used for another request within the last day.",
            "Idempotency-Key này đã dùng cho một yêu cầu khác trong vòng một ngày.",
        )
    }
}

//! Why a single submission is refused. The rest of its batch is written.

use chrono::NaiveDate;

use crate::message::Message;
use crate::model::bounds::Excess;
use crate::model::{ArticleId, Slug};

/// Why a write is refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The id that would be assigned is the explicit id of another article.
    IdTaken {
        /// The id.
        id: ArticleId,
        /// What holds the other article: a file, an imported file, or a permalink.
        holder: Option<String>,
    },
    /// A token sets an id that it may not assign.
    NotYourId(ArticleId),
    /// The explicit id is not an absolute URI or IRI.
    UnfitId,
    /// The article does not exist, or the token may not know that it does.
    UnknownArticle,
    /// The token was revoked in the meantime.
    Revoked,
    /// The token has no right to one of these channels, which contain or would contain the article.
    NotYours(Vec<Slug>),
    /// The channel does not exist.
    UnknownChannel {
        /// Its slug.
        channel: Slug,
        /// The channels that exist.
        known: Vec<Slug>,
    },
    /// The channel is closed to new articles.
    Closed {
        /// Its slug.
        channel: Slug,
        /// The day on which it was closed, if known.
        since: Option<NaiveDate>,
    },
    /// The channel was removed.
    Gone(Slug),
    /// The slug is reserved for a URL of the service.
    Reserved(Slug),
    /// Its publication date is more than a year ahead: probably a typing error.
    TooFarAhead,
    /// A field is too long.
    TooLong(Excess),
    /// The database rejects the values, or what is stored of this article is damaged. The cause is logged.
    Failed,
}

/// What is told of an article that was withdrawn by command and comes again.
pub fn withdrawn_by_command(id: &ArticleId) -> Message {
    Message::new(
        format!(
            "Bài {id} đã bị gỡ bằng lệnh nên không đăng lại. Hãy chạy `bantin restore {id}` nếu muốn đăng."
        ),
        format!("the article {id} was withdrawn by command; run `bantin restore {id}` to publish it again"),
    )
}

impl Refusal {
    /// The reason, and what to do.
    pub fn message(&self) -> Message {
        match self {
            Self::IdTaken { id, holder } => Message::new(
                format!(
                    "Mã của bài này sẽ là {id}, trùng với «id» ghi trong {}. Hãy đổi mã đó hoặc đổi tên tệp này.",
                    holder.as_deref().unwrap_or("một bài khác")
                ),
                format!(
                    "the id of this article would be {id}, which {} sets as its `id`; change that id, or rename \
                     this file",
                    holder.as_deref().unwrap_or("another article")
                ),
            ),
            Self::NotYourId(id) => Message::new(
                format!("Mã truy cập này không được đặt mã bài {id}. Hãy bỏ «id» để hệ thống tự đặt."),
                format!("this token may not set the id {id}; omit `id` to have one assigned"),
            ),
            Self::UnfitId => Message::new(
                "«id» phải là một URI đầy đủ, ví dụ tag:old.example,2010:4711. Hãy sửa hoặc bỏ «id».",
                "`id` must be an absolute URI, like tag:old.example,2010:4711; correct or omit it",
            ),
            Self::UnknownArticle => Message::new("Không có bài này.", "the article does not exist"),
            Self::Revoked => Message::new(
                "Mã truy cập không còn hiệu lực. Hãy dùng mã khác.",
                "the token is no longer valid",
            ),
            Self::NotYours(channels) => {
                let channels = Slug::join(channels, ", ");
                Message::new(
                    format!("Mã truy cập này không được đăng ở: {channels}. Hãy chọn chuyên mục khác."),
                    format!("this token may not publish in: {channels}"),
                )
            }
            Self::UnknownChannel { channel, known } => {
                let known = Slug::join(known, ", ");
                Message::new(
                    format!("Không có chuyên mục «{channel}». Hãy chọn một trong: {known}."),
                    format!("unknown channel `{channel}`; known channels: {known}"),
                )
            }
            Self::Closed { channel, since } => closed(channel, *since),
            Self::Gone(channel) => Message::new(
                format!("Chuyên mục «{channel}» đã bỏ nên không nhận bài mới. Hãy chọn chuyên mục khác."),
                format!(
                    "the channel `{channel}` was removed and accepts no new articles; choose another channel"
                ),
            ),
            Self::Reserved(channel) => Message::new(
                format!(
                    "«{channel}» là địa chỉ của hệ thống nên không thể là chuyên mục. Hãy bỏ khỏi «channels»."
                ),
                format!(
                    "`{channel}` is reserved for a URL of the service and cannot be a channel; remove it from \
                     `channels`"
                ),
            ),
            Self::TooFarAhead => Message::new(
                "Ngày đăng còn hơn một năm nữa mới tới. Hãy sửa lại.",
                "the publication date is more than a year ahead; correct it",
            ),
            Self::TooLong(excess) => excess.message(),
            Self::Failed => Message::new(
                "Không lưu được bài này. Hãy xem nguyên nhân trong nhật ký của dịch vụ.",
                "the article could not be stored; see the service log for the cause",
            ),
        }
    }
}

fn closed(channel: &Slug, since: Option<NaiveDate>) -> Message {
    match since.map(|day| day.format("%d/%m/%Y")) {
        Some(day) => Message::new(
            format!(
                "Chuyên mục «{channel}» đã đóng ngày {day} nên không nhận bài mới. Hãy chọn chuyên mục khác."
            ),
            format!(
                "the channel `{channel}` was closed on {day} and accepts no new articles; choose another channel"
            ),
        ),
        None => Message::new(
            format!(
                "Chuyên mục «{channel}» đã đóng nên không nhận bài mới. Hãy chọn chuyên mục khác, hoặc ghi ngày đóng \
                 (closed = 2023-06-30) để nhận các bài cũ hơn."
            ),
            format!(
                "the channel `{channel}` is closed and accepts no new articles; choose another channel, or \
                 configure the closing day (closed = 2023-06-30) so that older articles are accepted"
            ),
        ),
    }
}

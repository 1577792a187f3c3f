//! Why a single submission is refused. The rest of its batch is written.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::model::bounds::Excess;
use crate::model::{ArticleId, Slug};

/// Why a write is refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// A field is too long: the message in English and in Vietnamese.
    TooLong(String, String),
    /// The database rejects the values, or what is stored of this article is damaged. The cause is logged.
    Failed,
}

impl Refusal {
    /// Message and fix, in English.
    pub fn english(&self) -> String {
        match self {
            Self::IdTaken { id, holder } => format!(
                "the id of this article would be {id}, which {} sets as its `id`; change that id, or rename this file",
                holder.as_deref().unwrap_or("another article")
            ),
            Self::NotYourId(id) => {
                format!("this token may not set the id {id}; omit `id` to have one assigned")
            }
            Self::UnfitId => {
                "`id` must be an absolute URI, like tag:old.example,2010:4711; correct or omit it".to_owned()
            }
            Self::UnknownArticle => "the article does not exist".to_owned(),
            Self::Revoked => "the token is no longer valid".to_owned(),
            Self::NotYours(channels) => format!("this token may not publish in: {}", joined(channels)),
            Self::Closed { channel, since: Some(day) } => format!(
                "the channel `{channel}` was closed on {} and accepts no new articles; choose another channel",
                day.format("%d/%m/%Y")
            ),
            Self::Closed { channel, since: None } => format!(
                "the channel `{channel}` is closed and accepts no new articles; choose another channel, or \
                 configure the closing day (closed = 2023-06-30) so that older articles are accepted"
            ),
            Self::Gone(channel) => {
                format!(
                    "the channel `{channel}` was removed and accepts no new articles; choose another channel"
                )
            }
            Self::Reserved(channel) => format!(
                "`{channel}` is reserved for a URL of the service and cannot be a channel; remove it from `channels`"
            ),
            Self::TooFarAhead => "the publication date is more than a year ahead; correct it".to_owned(),
            Self::TooLong(english, _) => english.clone(),
            Self::Failed => "the article could not be stored; see the service log for the cause".to_owned(),
        }
    }

    /// Message and fix, in Vietnamese.
    pub fn vietnamese(&self) -> String {
        match self {
            Self::IdTaken { id, holder } => format!(
                "mã của bài này sẽ là {id}, trùng với `id` ghi trong {}; hãy đổi mã đó hoặc đổi tên tệp này",
                holder.as_deref().unwrap_or("một bài khác")
            ),
            Self::NotYourId(id) => {
                format!("không được tự đặt mã {id}; hãy bỏ `id`, hệ thống sẽ tự đặt mã")
            }
            Self::UnfitId => {
                "`id` phải là một URI đầy đủ, ví dụ tag:old.example,2010:4711; hãy sửa hoặc bỏ đi".to_owned()
            }
            Self::UnknownArticle => "không có bài này".to_owned(),
            Self::Revoked => "mã truy cập không còn hiệu lực".to_owned(),
            Self::NotYours(channels) => {
                format!("mã truy cập này không được đăng ở: {}", joined(channels))
            }
            Self::Closed { channel, since: Some(day) } => format!(
                "chuyên mục `{channel}` đã đóng ngày {} nên không nhận bài mới; hãy chọn chuyên mục khác",
                day.format("%d/%m/%Y")
            ),
            Self::Closed { channel, since: None } => format!(
                "chuyên mục `{channel}` đã đóng nên không nhận bài mới; hãy chọn chuyên mục khác, hoặc ghi rõ \
                 ngày đóng (closed = 2023-06-30) để nhận các bài cũ hơn"
            ),
            Self::Gone(channel) => {
                format!("chuyên mục `{channel}` đã bỏ nên không nhận bài mới; hãy chọn chuyên mục khác")
            }
            Self::Reserved(channel) => format!(
                "`{channel}` là địa chỉ của hệ thống, không thể là chuyên mục; hãy bỏ khỏi `channels`"
            ),
            Self::TooFarAhead => "ngày đăng còn hơn một năm nữa mới tới; hãy sửa lại".to_owned(),
            Self::TooLong(_, vietnamese) => vietnamese.clone(),
            Self::Failed => "kho dữ liệu không lưu được bài này; xem nguyên nhân trong nhật ký".to_owned(),
        }
    }
}

fn joined(channels: &[Slug]) -> String {
    channels.iter().map(Slug::as_str).collect::<Vec<_>>().join(", ")
}

/// The refusal of a field that is too long.
pub(crate) fn too_long(excess: Excess) -> Refusal {
    Refusal::TooLong(excess.to_string(), excess.vietnamese())
}

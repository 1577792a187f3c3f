//! Why one submission is refused. It is that submission's alone: the rest of its batch is written.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::model::bounds::Excess;
use crate::model::{ArticleId, Slug};

/// Why a write is refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The id that would be minted for it is the explicit id of another article.
    IdTaken {
        /// The id.
        id: ArticleId,
        /// What stands for the other article: a file, an imported file, or a permalink.
        holder: Option<String>,
    },
    /// A token names an id that is not its own to give.
    NotYourId(ArticleId),
    /// The explicit id is no absolute URI or IRI.
    UnfitId,
    /// There is no such article, or none that the token may know of.
    UnknownArticle,
    /// The token was revoked meanwhile.
    Revoked,
    /// The token has no right to one of these channels, in which the article stands or would stand.
    NotYours(Vec<Slug>),
    /// The channel takes no new articles.
    Closed {
        /// Its slug.
        channel: Slug,
        /// The day on which it was closed, where that is known.
        since: Option<NaiveDate>,
    },
    /// The channel is no more.
    Gone(Slug),
    /// The name of the channel is an address of the service.
    Reserved(Slug),
    /// Its stamp lies more than a year ahead: a slip of the pen.
    TooFarAhead,
    /// A field is longer than its bound: the message in English and in Vietnamese.
    TooLong(String, String),
    /// The engine cannot keep this, or what it holds of this article is damaged. The cause is in the log.
    Failed,
}

impl Refusal {
    /// Message and cure for the log.
    pub fn english(&self) -> String {
        match self {
            Self::IdTaken { id, holder } => format!(
                "its id would be {id}, which {} names as its own `id`; change that id, or rename this one",
                holder.as_deref().unwrap_or("another article")
            ),
            Self::NotYourId(id) => {
                format!("the id {id} is not this token's to give; leave `id` out, and the service makes one")
            }
            Self::UnfitId => {
                "`id` must be an absolute URI, like tag:old.example,2010:4711; correct it or leave it out"
                    .to_owned()
            }
            Self::UnknownArticle => "there is no such article".to_owned(),
            Self::Revoked => "the token is not valid any more".to_owned(),
            Self::NotYours(channels) => format!("this token may not publish in: {}", joined(channels)),
            Self::Closed { channel, since: Some(day) } => format!(
                "the channel `{channel}` was closed on {} and takes no new articles; choose another channel",
                day.format("%d/%m/%Y")
            ),
            Self::Closed { channel, since: None } => format!(
                "the channel `{channel}` is closed and takes no new articles; choose another channel, or name \
                 the day of its closing (closed = 2023-06-30), and older articles are taken in"
            ),
            Self::Gone(channel) => {
                format!("the channel `{channel}` is gone and takes no new articles; choose another channel")
            }
            Self::Reserved(channel) => format!(
                "`{channel}` is an address of the service and cannot be a channel; take it out of `channels`"
            ),
            Self::TooFarAhead => "its date is more than a year ahead; correct it".to_owned(),
            Self::TooLong(english, _) => english.clone(),
            Self::Failed => "the store cannot keep this article; the log of the service says why".to_owned(),
        }
    }

    /// Message and cure for the office.
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

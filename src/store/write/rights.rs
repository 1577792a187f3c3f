//! What a sender may do to an article: judged inside the transaction that does it.
//!
//! SECURITY: a token may harm no channel but its own. Harm is whatever keeps another channel's article out,
//! changes it, takes it away, or shows it before its time:
//! - A write to an article that is there (published, waiting or withdrawn) needs the right to every channel in
//!   which it stands, stood or is to stand, and to every channel that it is put into.
//! - Of an article that was never published, a token without that right learns nothing: it is unknown.
//! - An id that the service itself may mint some day is not for a token to give ([`Rejection::NotYourId`]): whoever
//!   held the predictable id of tomorrow's article would keep it out.
//! - A sender's text is only ever taken for an article that the sender has a right to. The same title on the same
//!   day in another channel is another article with an address of its own.
//!
//! No harm is: that an address was taken and another article's ends in `-2`; that an id of a foreign authority
//! belongs to who brings it first. The operator may do everything: the folder, the commands, and tokens for all
//! channels.

use crate::model::Slug;
use crate::store::error::StoreError;
use crate::store::refusal::Refusal;
use crate::store::submission::WriteConditions;
use crate::store::token::{Token, valid_token};
use crate::store::write::current::CurrentArticle;
use crate::store::write::log_writer::LogWriter;

/// The rights of who asks for a write.
pub(crate) struct Rights(Option<Token>);

impl Rights {
    pub(crate) fn of_the_operator() -> Self {
        Self(None)
    }

    pub(crate) fn of(token: Token) -> Self {
        Self(Some(token))
    }

    /// True where they reach to all channels.
    pub(crate) fn are_all(&self) -> bool {
        self.0.as_ref().is_none_or(|token| token.channels.is_none())
    }

    /// True where they reach to each of these channels.
    pub(crate) fn cover(&self, channels: &[Slug]) -> bool {
        self.0.as_ref().is_none_or(|token| token.allows(channels))
    }

    /// Why an article that is there may not be written to. `addressed`: by its id alone, as something that the
    /// sender says is there.
    pub(crate) fn refusal(&self, current: &CurrentArticle, addressed: bool) -> Option<Refusal> {
        let channels = current.concerned();
        if self.cover(&channels) {
            return None;
        }
        Some(match (current.was_published(), addressed) {
            (true, _) => Refusal::NotYours(channels),
            (false, true) => Refusal::UnknownArticle,
            (false, false) => Refusal::NotYourId(current.id.clone()),
        })
    }
}

impl LogWriter<'_> {
    /// Whose rights count; none where the token is not valid any more.
    pub(crate) async fn rights(&mut self, terms: &WriteConditions) -> Result<Option<Rights>, StoreError> {
        let Some(name) = &terms.token else { return Ok(Some(Rights::of_the_operator())) };
        Ok(valid_token(self.transaction, name).await?.map(Rights::of))
    }
}

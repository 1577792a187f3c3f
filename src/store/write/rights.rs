//! What a sender may do to an article. Checked in the transaction that does it.
//!
//! SECURITY: a token must not affect channels other than its own. It must not block, change or remove an article of
//! another channel, or reveal it before its time:
//! - A write to an existing article (published, scheduled or withdrawn) needs rights to every channel that contains
//!   it, contained it or will contain it.
//! - A token without these rights learns nothing about an article that was never published: it is unknown.
//! - A token may not set an id that the service may assign itself ([`Refusal::NotYourId`]): it could block tomorrow's
//!   article by taking its predictable id.
//! - A sender's text is only matched with articles that the sender has rights to. The same title on the same day in
//!   another channel is another article with its own URL.
//!
//! These are acceptable: another article's URL ends in `-2` because the first one was taken; an id of a
//! foreign authority belongs to the first that uses it. The operator may do everything: the folder, the
//! commands, and tokens for all channels.

use crate::model::Slug;
use crate::store::error::StoreError;
use crate::store::refusal::Refusal;
use crate::store::submission::WriteConditions;
use crate::store::token::{Token, valid_token};
use crate::store::write::current::CurrentArticle;
use crate::store::write::log_writer::LogWriter;

/// The rights of the sender of a write.
pub(crate) struct Rights(Option<Token>);

impl Rights {
    pub(crate) fn operator() -> Self {
        Self(None)
    }

    pub(crate) fn from_token(token: Token) -> Self {
        Self(Some(token))
    }

    /// True if they cover all channels.
    pub(crate) fn are_unlimited(&self) -> bool {
        self.0.as_ref().is_none_or(|token| token.channels.is_none())
    }

    /// True if they cover each of these channels.
    pub(crate) fn allow(&self, channels: &[Slug]) -> bool {
        self.0.as_ref().is_none_or(|token| token.allows(channels))
    }

    /// Why an existing article may not be written to. `addressed`: the sender named it by its id.
    pub(crate) fn refusal(&self, current: &CurrentArticle, addressed: bool) -> Option<Refusal> {
        let channels = current.affected_channels();
        if self.allow(&channels) {
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
    /// The rights that apply; none if the token is no longer valid.
    pub(crate) async fn rights(&mut self, terms: &WriteConditions) -> Result<Option<Rights>, StoreError> {
        let Some(name) = &terms.token else { return Ok(Some(Rights::operator())) };
        Ok(valid_token(self.transaction, name).await?.map(Rights::from_token))
    }
}

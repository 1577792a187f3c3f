//! Withdraws, restores and erases articles.

use crate::model::bounds::Excess;
use crate::model::{ArticleId, bounds};
use crate::store::engine::values;
use crate::store::error::StoreError;
use crate::store::outcome::{RestoreOutcome, WithdrawOutcome};
use crate::store::queries::ChangeKind;
use crate::store::refusal::Refusal;
use crate::store::submission::WriteConditions;
use crate::store::write::append::NewRevision;
use crate::store::write::current::{ArticleStatus, CurrentArticle};
use crate::store::write::log_writer::LogWriter;

impl LogWriter<'_> {
    pub(crate) async fn withdraw(
        &mut self,
        id: &ArticleId,
        reason: Option<&str>,
        erase: bool,
        author: &str,
        terms: &WriteConditions,
    ) -> Result<WithdrawOutcome, StoreError> {
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        if let Some(excess) =
            reason.and_then(|reason| Excess::in_characters("reason", reason, bounds::MAX_REASON_CHARS))
        {
            return Ok(WithdrawOutcome::Refused(Refusal::TooLong(excess)));
        }
        let Some(rights) = self.rights(terms).await? else {
            return Ok(WithdrawOutcome::Refused(Refusal::Revoked));
        };
        let Some(current) = self.current(id).await? else { return Ok(WithdrawOutcome::Unknown) };
        match rights.refusal(&current, true) {
            Some(Refusal::UnknownArticle) => return Ok(WithdrawOutcome::Unknown),
            Some(refusal) => return Ok(WithdrawOutcome::Refused(refusal)),
            None => {}
        }
        if !current.is_as_expected(terms.expected.as_deref()) {
            return Ok(WithdrawOutcome::Stale(current.number));
        }
        let withdrawal = self.withdraw_current(&current, reason, author).await?;
        if erase {
            self.erase(id).await?;
        }
        Ok(withdrawal)
    }

    async fn withdraw_current(
        &mut self,
        current: &CurrentArticle,
        reason: Option<&str>,
        author: &str,
    ) -> Result<WithdrawOutcome, StoreError> {
        let by_command = ArticleStatus::WithdrawnByCommand;
        Ok(match current.state {
            ArticleStatus::Waiting => {
                self.set_state(&current.id, by_command).await?;
                WithdrawOutcome::NeverPublished
            }
            ArticleStatus::Live => {
                WithdrawOutcome::Withdrawn(self.withdraw_article(current, by_command, reason, author).await?)
            }
            ArticleStatus::WithdrawnByCommand | ArticleStatus::WithdrawnWithItsFile => {
                let is_new = reason.is_some() && reason != self.reason_of(&current.id).await?.as_deref();
                if is_new && current.was_published() {
                    // A reason is published with a revision, like any change.
                    let number = self.withdraw_article(current, by_command, reason, author).await?;
                    return Ok(WithdrawOutcome::ReasonChanged(number));
                }
                self.set_state(&current.id, by_command).await?;
                WithdrawOutcome::Already
            }
        })
    }

    async fn reason_of(&mut self, id: &ArticleId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT reason FROM article WHERE id = $1";
        let row = self.transaction.one(sql, values![id.as_str()]).await?;
        Ok(row.get_optional_text(0)?.map(str::to_owned))
    }

    pub(crate) async fn restore(
        &mut self,
        id: &ArticleId,
        author: &str,
        terms: &WriteConditions,
    ) -> Result<RestoreOutcome, StoreError> {
        let Some(rights) = self.rights(terms).await? else {
            return Ok(RestoreOutcome::Refused(Refusal::Revoked));
        };
        let Some(current) = self.current(id).await? else { return Ok(RestoreOutcome::Unknown) };
        match rights.refusal(&current, true) {
            Some(Refusal::UnknownArticle) => return Ok(RestoreOutcome::Unknown),
            Some(refusal) => return Ok(RestoreOutcome::Refused(refusal)),
            None => {}
        }
        if !current.is_as_expected(terms.expected.as_deref()) {
            return Ok(RestoreOutcome::VersionMismatch(current.number));
        }
        if matches!(current.state, ArticleStatus::Live | ArticleStatus::Waiting) {
            return Ok(RestoreOutcome::NotWithdrawn);
        }
        // Its files must be compared again.
        for sql in
            ["UPDATE file SET hash = '' WHERE article = $1", "UPDATE import SET hash = '' WHERE article = $1"]
        {
            self.transaction.run(sql, values![id.as_str()]).await?;
        }
        if current.number == 0 {
            self.set_state(id, ArticleStatus::Waiting).await?;
            return Ok(RestoreOutcome::Waiting);
        }
        if current.content.is_none() {
            return Ok(RestoreOutcome::Erased);
        }
        let restored = NewRevision::of(&current, ChangeKind::Restored, author, ArticleStatus::Live)?;
        Ok(RestoreOutcome::Restored(self.append(&current, restored).await?))
    }

    pub(crate) async fn withdraw_article(
        &mut self,
        current: &CurrentArticle,
        state: ArticleStatus,
        reason: Option<&str>,
        author: &str,
    ) -> Result<u64, StoreError> {
        let withdrawn = NewRevision::of(current, ChangeKind::Withdrawn, author, state)?;
        self.append(current, NewRevision { reason, ..withdrawn }).await
    }

    /// Deletes the text of an article everywhere, and the bytes of its images that no other article uses. Its id and
    /// its tombstone stay.
    async fn erase(&mut self, id: &ArticleId) -> Result<(), StoreError> {
        self.erase_images(id).await?;
        self.erase_traces(id).await?;
        for sql in [
            "UPDATE revision SET content = NULL WHERE article = $1",
            "UPDATE article SET content_of = NULL, length = 0, link = NULL WHERE id = $1",
            "DELETE FROM waiting WHERE article = $1",
        ] {
            self.transaction.run(sql, values![id.as_str()]).await?;
        }
        Ok(())
    }
}

//! The writes of [`Store`]. Each runs in the write queue and returns after the commit.

use crate::model::{ArticleId, Image, ImageCopy, Slug};
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::outcome::{FileRemovalOutcome, RestoreOutcome, SubmitResult, WithdrawOutcome};
use crate::store::submission::{PreparedSubmission, ScannedFile, Submission, WriteConditions};
use crate::store::write::queue::PendingWrite;

impl Store {
    /// Publishes, corrects, moves or restores an article, or finds it unchanged.
    ///
    /// # Errors
    /// If the database fails. The article was not accepted then.
    pub async fn submit(&self, submission: Submission) -> Result<SubmitResult, StoreError> {
        self.queue_submission(submission).committed().await
    }

    /// Queues submissions that the caller has prepared, in this order, and returns at once. They are written with as few
    /// flushes as possible, and new articles that follow each other together.
    pub fn start_submitting(&self, submissions: Vec<PreparedSubmission>) -> PendingSubmissions {
        let queue = |prepared| self.writes.push_submission(prepared);
        PendingSubmissions(submissions.into_iter().map(queue).collect())
    }

    fn queue_submission(&self, submission: Submission) -> PendingWrite<SubmitResult> {
        self.writes
            .push(move |log| Box::pin(async move { log.submit_or_refuse(&submission.prepare()?).await }))
    }

    /// Publishes the scheduled articles that are due. Returns the results, the earliest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn publish_due(&self) -> Result<Vec<SubmitResult>, StoreError> {
        self.writes.push(|log| Box::pin(log.publish_due())).committed().await
    }

    /// Withdraws an article by command. Only [`Store::restore`] undoes this. With `erase`, the stored text of every
    /// revision is deleted. The reason is published; a later reason replaces an earlier one.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn withdraw(
        &self,
        id: &ArticleId,
        reason: Option<String>,
        erase: bool,
        author: &str,
    ) -> Result<WithdrawOutcome, StoreError> {
        self.withdraw_on_terms(id, reason, erase, author, WriteConditions::default()).await
    }

    /// Withdraws an article if the conditions hold. They are checked in the transaction that withdraws it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn withdraw_on_terms(
        &self,
        id: &ArticleId,
        reason: Option<String>,
        erase: bool,
        author: &str,
        terms: WriteConditions,
    ) -> Result<WithdrawOutcome, StoreError> {
        let (id, author) = (id.clone(), author.to_owned());
        let pending = self.writes.push(move |log| {
            Box::pin(async move { log.withdraw(&id, reason.as_deref(), erase, &author, &terms).await })
        });
        pending.committed().await
    }

    /// Restores a withdrawn article, no matter who withdrew it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn restore(&self, id: &ArticleId, author: &str) -> Result<RestoreOutcome, StoreError> {
        self.restore_on_terms(id, author, WriteConditions::default()).await
    }

    /// Restores a withdrawn article if the conditions hold. They are checked in the transaction that restores it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn restore_on_terms(
        &self,
        id: &ArticleId,
        author: &str,
        terms: WriteConditions,
    ) -> Result<RestoreOutcome, StoreError> {
        let (id, author) = (id.clone(), author.to_owned());
        let pending =
            self.writes.push(move |log| Box::pin(async move { log.restore(&id, &author, &terms).await }));
        pending.committed().await
    }

    /// Records that a file was removed. Its article is withdrawn without a reason, unless another file holds it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn file_removed(&self, path: &str) -> Result<FileRemovalOutcome, StoreError> {
        let path = path.to_owned();
        let pending = self.writes.push(move |log| Box::pin(async move { log.file_removed(&path).await }));
        pending.committed().await
    }

    /// The same for many files, with as few flushes as possible. Returns a result for each.
    pub async fn files_removed(&self, paths: &[String]) -> Vec<Result<FileRemovalOutcome, StoreError>> {
        let queue = |path: &String| {
            let path = path.clone();
            self.writes.push(move |log| Box::pin(async move { log.file_removed(&path).await }))
        };
        all_committed(paths.iter().map(queue).collect()).await
    }

    /// Records that these bytes of files are not articles. The last valid versions stay published. Returns a result
    /// for each.
    pub async fn files_rejected(&self, seen: Vec<ScannedFile>) -> Vec<Result<(), StoreError>> {
        let queue = |seen: ScannedFile| {
            self.writes.push(move |log| Box::pin(async move { log.file_rejected(&seen).await }))
        };
        all_committed(seen.into_iter().map(queue).collect()).await
    }

    /// Records new sizes and times of files whose bytes did not change.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn files_touched(&self, seen: Vec<ScannedFile>) -> Result<(), StoreError> {
        let queue = |seen: ScannedFile| {
            self.writes.push(move |log| Box::pin(async move { log.file_touched(&seen).await }))
        };
        all_committed(seen.into_iter().map(queue).collect()).await.into_iter().collect()
    }

    /// Creates a channel if it does not exist, and sets its title if one is given.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn create_channel(&self, slug: &Slug, title: Option<&str>) -> Result<(), StoreError> {
        let (slug, title) = (slug.clone(), title.map(str::to_owned));
        let pending = self
            .writes
            .push(move |log| Box::pin(async move { log.create_channel(&slug, title.as_deref()).await }));
        pending.committed().await
    }

    /// Applies the configuration. A new fingerprint, a hash of everything else that documents depend on, advances
    /// `Last-Modified` everywhere. Channels are created and renamed as the options say, and the logs of channels
    /// that include others are rebuilt if their members changed.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn apply_config(&self, fingerprint: &str) -> Result<(), StoreError> {
        let fingerprint = fingerprint.to_owned();
        let pending =
            self.writes.push_config(move |log| Box::pin(async move { log.apply_config(&fingerprint).await }));
        pending.committed().await
    }

    /// Stores the bytes of images under their content-based names. They are served once an article shows them; those that
    /// no article uses are removed after a week ([`Store::remove_unused_images`]).
    ///
    /// # Errors
    /// If the database fails.
    pub async fn put_images(&self, images: Vec<(Image, Vec<u8>)>) -> Result<(), StoreError> {
        let queue = |(image, bytes): (Image, Vec<u8>)| {
            self.writes.push(move |log| {
                Box::pin(async move { log.put_image(&image.name, &image.media_type, &bytes).await })
            })
        };
        all_committed(images.into_iter().map(queue).collect()).await.into_iter().collect()
    }

    /// An unused image is kept from now on as long as a new one. Returns for each name if it is stored.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn touch_images(&self, names: &[String]) -> Result<Vec<bool>, StoreError> {
        let names = names.to_vec();
        let write = self.writes.push(move |log| {
            Box::pin(async move {
                let mut stored = Vec::with_capacity(names.len());
                for name in names {
                    stored.push(log.touch_image(&name).await?);
                }
                Ok(stored)
            })
        });
        write.committed().await
    }

    /// Removes images that were uploaded for a preview more than a week ago and are of no revision and no scheduled
    /// article, with their copies. Returns how many were due: more may be left unless it is 0.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn remove_unused_images(&self) -> Result<usize, StoreError> {
        let write = self.writes.push(|log| Box::pin(async move { log.remove_unused_images().await }));
        write.committed().await
    }

    /// Stores the smaller copies of a stored image; the second time nothing. Documents show them at once if no
    /// published article shows the image yet, otherwise after [`Store::show_copies`].
    ///
    /// # Errors
    /// If the database fails.
    pub async fn put_copies(&self, image: &str, copies: Vec<(ImageCopy, Vec<u8>)>) -> Result<(), StoreError> {
        let image = image.to_owned();
        let write =
            self.writes.push(move |log| Box::pin(async move { log.put_copies(&image, &copies).await }));
        write.committed().await
    }

    /// Documents show all stored copies from now on. If there are new ones, this advances `Last-Modified` everywhere,
    /// like a new configuration.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn show_copies(&self) -> Result<(), StoreError> {
        let write = self.writes.push_config(move |log| Box::pin(async move { log.show_copies().await }));
        write.committed().await
    }
}

/// Submissions that are being written.
#[must_use]
pub struct PendingSubmissions(Vec<PendingWrite<SubmitResult>>);

impl PendingSubmissions {
    /// Their results after the commit, in their order.
    pub async fn committed(self) -> Vec<Result<SubmitResult, StoreError>> {
        all_committed(self.0).await
    }
}

/// The results of writes that were all queued before waiting for the first, so that they share commits.
async fn all_committed<T>(queued: Vec<PendingWrite<T>>) -> Vec<Result<T, StoreError>> {
    let mut results = Vec::with_capacity(queued.len());
    for pending in queued {
        results.push(pending.committed().await);
    }
    results
}

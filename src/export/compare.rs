//! Compares two stores by their output: every document is rendered from both.

use super::manifest::Manifest;
use super::renderer::SiteRenderer;
use crate::render;
use crate::store::{Store, StoreError};

/// How the output of two stores differs.
#[derive(Debug, thiserror::Error)]
pub enum StoreMismatch {
    /// The lists of documents or their dates differ.
    #[error("one store has {one} documents and the other {other}; the first that differs is {file}")]
    Documents {
        /// Number of documents in one store.
        one: usize,
        /// Number of documents in the other.
        other: usize,
        /// The file of the first document that differs.
        file: String,
    },
    /// A document differs in bytes or validator, or cannot be rendered.
    #[error("{0} differs or cannot be rendered")]
    Document(String),
    /// A store is unavailable.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Renders each document from both stores and compares bytes and validators. `on_progress` gets the number of compared
/// documents and the total. Returns the total.
///
/// # Errors
/// At the first document that differs, or if a store is unavailable.
pub async fn compare(
    one: &Store,
    other: &Store,
    options: &render::RenderOptions,
    mut on_progress: impl FnMut(u64, u64),
) -> Result<u64, StoreMismatch> {
    let mut one = SiteRenderer::load(one, options, one.snapshot().await?).await?;
    let mut other = SiteRenderer::load(other, options, other.snapshot().await?).await?;
    let (plan, planned) = (one.plan(&Manifest::default()).await?, other.plan(&Manifest::default()).await?);
    if plan != planned {
        let differ = plan.iter().zip(&planned).find(|(one, other)| one != other).map(|(one, _)| one);
        let longer = if plan.len() > planned.len() { &plan } else { &planned };
        let first = differ.or_else(|| longer.get(plan.len().min(planned.len())));
        let file = first.map_or_else(String::new, |planned| planned.file.clone());
        return Err(StoreMismatch::Documents { one: plan.len(), other: planned.len(), file });
    }
    one.render_live(|_| false).await?;
    other.render_live(|_| false).await?;
    for (done, planned) in plan.iter().enumerate() {
        let (here, there) = (one.input(&planned.output).await?, other.input(&planned.output).await?);
        let rendering = tokio::task::spawn_blocking(move || {
            let (here, there) = std::thread::scope(|scope| {
                let there = scope.spawn(|| there.render());
                (here.render(), there.join())
            });
            let there = there.unwrap_or_else(|failure| std::panic::resume_unwind(failure));
            here.zip(there).is_some_and(|(here, there)| {
                here.identity.bytes == there.identity.bytes && here.identity.etag == there.identity.etag
            })
        });
        if !rendering.await.unwrap_or_else(|failure| std::panic::resume_unwind(failure.into_panic())) {
            return Err(StoreMismatch::Document(planned.file.clone()));
        }
        on_progress(done as u64 + 1, plan.len() as u64);
    }
    Ok(plan.len() as u64)
}

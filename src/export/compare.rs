//! Two stores compared by what leaves them: each document of the site, printed from both.

use super::output_dir::Manifest;
use super::renderer::SiteRenderer;
use crate::render;
use crate::store::{Store, StoreError};

/// Why two stores are not the same to their readers.
#[derive(Debug, thiserror::Error)]
pub enum StoreMismatch {
    /// One has documents that the other has not, or dates them otherwise.
    #[error("one store has {one} documents and the other {other}; the first that differs is {file}")]
    Documents {
        /// So many here.
        one: usize,
        /// So many there.
        other: usize,
        /// As the file that it would be.
        file: String,
    },
    /// A document has other bytes or another validator, or cannot be printed.
    #[error("{0} differs, or cannot be printed")]
    Document(String),
    /// A store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Prints each document from both stores and compares bytes and validators. `tell` hears how many are done, and of
/// how many. Returns how many there are.
///
/// # Errors
/// Where a document differs, which is named, or a store does not answer.
pub async fn compare(
    one: &Store,
    other: &Store,
    options: &render::RenderOptions,
    mut tell: impl FnMut(u64, u64),
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
        let printing = tokio::task::spawn_blocking(move || {
            let (here, there) = std::thread::scope(|scope| {
                let there = scope.spawn(|| there.render());
                (here.render(), there.join())
            });
            let there = there.unwrap_or_else(|failure| std::panic::resume_unwind(failure));
            here.zip(there).is_some_and(|(here, there)| {
                here.identity.bytes == there.identity.bytes && here.identity.etag == there.identity.etag
            })
        });
        if !printing.await.unwrap_or_else(|failure| std::panic::resume_unwind(failure.into_panic())) {
            return Err(StoreMismatch::Document(planned.file.clone()));
        }
        tell(done as u64 + 1, plan.len() as u64);
    }
    Ok(plan.len() as u64)
}

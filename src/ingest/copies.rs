//! Smaller copies of images: made at once for the few images of an article that is being published, and in the background
//! for many images, for those of an older version and for those that came without.

use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::image::{self, ImageCopies, StrippedImage};
use crate::model::{Image, ImageCopy};
use crate::store::{ImageLookup, Store, StoreError};

/// Copies as the store takes them.
type StoredCopies = Vec<(ImageCopy, Vec<u8>)>;

/// SECURITY: one image at a time is decoded, whoever asks: a large one needs up to 0.9 GB.
static DECODING: Semaphore = Semaphore::const_new(1);

/// Images whose article was published a moment ago may be of a batch that goes on.
const DEBOUNCE: Duration = Duration::from_secs(1);
/// Copies that are made in the background are shown together, for each time documents of all channels change.
const SHOW_INTERVAL: Duration = Duration::from_secs(60);
/// Also without a change of the log: another process may have stopped, or the store may have failed.
const RETRY: Duration = Duration::from_secs(30);

/// The images whose copies are made while their articles wait: for about a second. The copies of more images are made in
/// the background.
#[derive(Clone, Copy, Debug)]
pub struct CopiesAtOnce {
    images: u32,
    pixels: u64,
}

impl Default for CopiesAtOnce {
    fn default() -> Self {
        Self { images: 10, pixels: 60_000_000 }
    }
}

/// Stores images before their article is submitted, with the copies that may be made at once.
///
/// # Errors
/// If the store fails.
pub async fn put_images(
    store: &Store,
    images: Vec<(Image, Vec<u8>)>,
    at_once: &mut CopiesAtOnce,
) -> Result<(), StoreError> {
    let (mut stored, mut with_copies) = (Vec::with_capacity(images.len()), Vec::new());
    for (image, mut bytes) in images {
        let pixels = u64::from(image.width) * u64::from(image.height);
        if at_once.images > 0 && at_once.pixels >= pixels && !store.is_scaled(&image.name).await? {
            at_once.images -= 1;
            at_once.pixels -= pixels;
            let copies;
            (bytes, copies) = copies_of(&image.name, bytes).await;
            with_copies.push((image.name.clone(), copies));
        }
        stored.push((image, bytes));
    }
    store.put_images(stored).await?;
    for (image, copies) in with_copies {
        store.put_copies(&image, copies).await?;
    }
    Ok(())
}

/// Makes the copies of an image. One that cannot be decoded has none: browsers may still show it.
/// Returns the bytes, which it does not copy.
async fn copies_of(name: &str, bytes: Vec<u8>) -> (Vec<u8>, StoredCopies) {
    let decoding = DECODING.acquire().await;
    let making = tokio::task::spawn_blocking(move || {
        let made = image::smaller_copies(&bytes);
        (bytes, made)
    });
    let (bytes, made) = match making.await {
        Ok(made) => made,
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    };
    drop(decoding);
    match made {
        Ok(copies) => (bytes, to_store(copies)),
        Err(cause) => {
            warn!(
                image = name,
                cause, "no smaller copies can be made of this image; readers get the image itself"
            );
            (bytes, Vec::new())
        }
    }
}

fn to_store(ImageCopies { copies, are_still }: ImageCopies) -> StoredCopies {
    let copy = |StrippedImage { name, media_type, width, height, bytes }: StrippedImage| {
        let (media_type, size) = (media_type.to_owned(), bytes.len() as u64);
        (ImageCopy { name, media_type, width, height, size, is_still: are_still }, bytes)
    };
    copies.into_iter().map(copy).collect()
}

/// Makes the copies that are due for as long as the service runs, and removes images that nobody uses. Of several
/// processes that share the log, one makes copies at a time.
pub async fn make_copies(store: Store, mut shutdown: watch::Receiver<bool>) {
    let mut position = store.subscribe();
    let making = async {
        loop {
            position.borrow_and_update();
            if let Err(cause) = make_as_leader(&store).await {
                warn!(%cause, "the copies of images cannot be stored; trying again");
            }
            if let Err(cause) = remove_unused(&store).await {
                warn!(%cause, "unused images cannot be removed; trying again");
            }
            let _ = tokio::time::timeout(RETRY, position.changed()).await;
            tokio::time::sleep(DEBOUNCE).await;
        }
    };
    tokio::select! {
        _ = shutdown.wait_for(|stop| *stop) => {}
        () = making => {}
    }
}

/// Removes what was uploaded for previews and never published.
async fn remove_unused(store: &Store) -> Result<(), StoreError> {
    let mut removed = 0;
    while store.has_unused_images().await? {
        removed += store.remove_unused_images().await?;
    }
    if removed > 0 {
        info!(images = removed, "images that no article used for a week were removed");
    }
    Ok(())
}

async fn make_as_leader(store: &Store) -> Result<(), StoreError> {
    let is_idle = store.next_to_scale().await?.is_none() && !store.has_staged_copies().await?;
    if is_idle || !store.acquire_copies_lease().await? {
        return Ok(());
    }
    make_due_copies(store, Sharing::WithOthers).await
}

/// Makes all copies that are due, and shows them.
///
/// # Errors
/// If the store fails. What was made is stored.
pub async fn make_all_copies(store: &Store) -> Result<(), StoreError> {
    make_due_copies(store, Sharing::Alone).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Alone,
    /// Stops when another process takes over.
    WithOthers,
}

/// The newest images first.
async fn make_due_copies(store: &Store, sharing: Sharing) -> Result<(), StoreError> {
    let (mut shown_at, mut made) = (Instant::now(), 0_u64);
    while let Some(name) = store.next_to_scale().await? {
        let copies = match store.image(&name).await {
            Ok(ImageLookup::Live { bytes, .. }) => copies_of(&name, bytes).await.1,
            Ok(_) => break,
            // It must not be in the way of the others for ever.
            Err(StoreError::Corrupt(cause)) => {
                error!(image = name, cause, "no smaller copies are made of this image");
                Vec::new()
            }
            Err(cause) => return Err(cause),
        };
        store.put_copies(&name, copies).await?;
        made += 1;
        if sharing == Sharing::WithOthers && !store.acquire_copies_lease().await? {
            return Ok(());
        }
        if shown_at.elapsed() >= SHOW_INTERVAL {
            store.show_copies().await?;
            shown_at = Instant::now();
        }
    }
    if made > 0 {
        info!(images = made, "smaller copies were made");
    }
    store.show_copies().await
}

//! `bantin backup`, `restore-backup` and `migrate`: a whole log in one piece, with a bar that shows how far it is.

use std::fs::{self, File};
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::scratch::Scratch;
use super::{Arguments, Outcome, counted, open_existing_store};
use crate::config::Config;
use crate::export;
use crate::ingest::mark_of;
use crate::logging::say;
use crate::store::{CopyMode, Store, StoreOptions};

/// Writes the log as it is now into a file, which is there whole or not at all.
pub(super) async fn backup(config: Config, file: &Path, arguments: &Arguments) -> anyhow::Result<Outcome> {
    if file.exists() {
        bail!("{} already exists", file.display());
    }
    let store = open_existing_store(&config).await?;
    let folder = &folder_of(file);
    let scratch = Scratch::new(folder).with_context(|| format!("writing beside {}", file.display()))?;
    let unfinished = scratch.path().join("backup.db");
    let copy = Store::open(at(&config.store, &unfinished)).await?;
    let bar = progress_bar("rows", arguments);
    store.copy_to(copy, CopyMode::Backup, |done, total| set_progress(&bar, done, total)).await?;
    bar.finish_and_clear();
    store.close().await;
    File::open(&unfinished)?.sync_all()?;
    fs::rename(&unfinished, file).with_context(|| format!("writing {}", file.display()))?;
    File::open(folder)?.sync_all()?;
    if !arguments.quiet {
        say!("{} contains the log {}", file.display(), store.log_id());
    }
    Ok(Outcome::Done)
}

/// Fills the configured store, which must hold nothing, from a backup. It is another log from then on.
pub(super) async fn restore(config: Config, file: &Path, arguments: &Arguments) -> anyhow::Result<Outcome> {
    // A copy: opening a file of an older program brings it up to date, and a backup stays as it was written.
    // It lies beside the store: nothing else of the machine need be writable.
    let beside = config.store.url.strip_prefix("sqlite:").map_or_else(std::env::temp_dir, folder_of);
    let scratch = Scratch::new(&beside).context("creating a temporary directory")?;
    let copy = scratch.path().join("backup.db");
    fs::copy(file, &copy).with_context(|| format!("reading {}", file.display()))?;
    let backup = Store::open(at(&config.store, &copy)).await?;
    let store = Store::open(config.store.clone()).await?;
    let bar = progress_bar("rows", arguments);
    backup.copy_to(store, CopyMode::Restore, |done, total| set_progress(&bar, done, total)).await?;
    bar.finish_and_clear();
    backup.close().await;
    let store = Store::open(config.store.clone()).await?;
    let (articles, channels) = store.count_live().await?;
    if !arguments.quiet {
        say!(
            "restored {} in {} as the log {}",
            counted(articles, "article"),
            counted(channels.len(), "channel"),
            store.log_id()
        );
        if store.is_shared() || mark_of(&config.ingest.path).is_some() {
            say!("now run `bantin scan --confirm` to mark the articles folder as belonging to this log");
        }
    }
    store.close().await;
    Ok(Outcome::Done)
}

/// Moves the log to another store, which must hold nothing, and compares all that leaves the two.
pub(super) async fn migrate(
    config: Config,
    from: &str,
    to: &str,
    arguments: &Arguments,
) -> anyhow::Result<Outcome> {
    let options = |url: &str| StoreOptions { url: url.to_owned(), ..config.store.clone() };
    if !Store::exists(&options(from)) {
        bail!("there is no log at {from}");
    }
    let source = Store::open(options(from)).await.context("opening --from")?;
    let target = Store::open(options(to)).await.context("opening --to")?;
    // One that was ended while it compared is repeated from there.
    if is_moved(&source, &target).await? {
        target.close().await;
    } else {
        let rows = progress_bar("rows", arguments);
        source.copy_to(target, CopyMode::Move, |done, total| set_progress(&rows, done, total)).await?;
        rows.finish_and_clear();
    }
    let target = Store::open(options(to)).await.context("opening --to")?;
    let compared = progress_bar("documents compared", arguments);
    let documents =
        export::compare(&source, &target, &config.render, |done, total| set_progress(&compared, done, total))
            .await;
    compared.finish_and_clear();
    let documents =
        documents.context("the log was copied, but the two stores do not render the same documents")?;
    if !arguments.quiet {
        say!("moved the log {}: {} compared, all identical", target.log_id(), counted(documents, "document"));
        say!("now set [store] url to the new address");
        if target.is_shared() {
            say!("and run `bantin scan --confirm` to mark the articles folder as belonging to this log");
        }
    }
    source.close().await;
    target.close().await;
    Ok(Outcome::Done)
}

/// The folder that a file lies in, or will.
fn folder_of(file: impl AsRef<Path>) -> PathBuf {
    let folder = file.as_ref().parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

/// True where a migration has filled `target` before, and neither of the two has grown since.
async fn is_moved(source: &Store, target: &Store) -> anyhow::Result<bool> {
    if source.log_id() != target.log_id() {
        return Ok(false);
    }
    let (here, there) =
        (source.snapshot().await?.position().await?, target.snapshot().await?.position().await?);
    Ok(here == there)
}

fn at(options: &StoreOptions, path: &Path) -> StoreOptions {
    StoreOptions { url: format!("sqlite:{}", path.display()), ..options.clone() }
}

pub(super) fn progress_bar(what: &str, arguments: &Arguments) -> ProgressBar {
    if arguments.quiet || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let template = format!("{{wide_bar}} {{human_pos}}/{{human_len}} {what}, {{per_sec}}, {{eta}} left");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar
}

pub(super) fn set_progress(bar: &ProgressBar, done: u64, total: u64) {
    bar.set_length(total);
    bar.set_position(done);
}

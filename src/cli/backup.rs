//! `bantin backup`, `verify`, `restore-backup` and `migrate`: copies of a whole log, with a progress bar.

use std::fs::{self, File};
use std::io::{self, IsTerminal as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::watch;

use super::open::open_existing_store;
use super::output::{Outcome, OutputOptions, counted, print_line};
use super::scratch::Scratch;
use super::{checksum, retention};
use crate::config::Config;
use crate::export;
use crate::ingest::mark_of;
use crate::logging::say;
use crate::store::{CheckPace, CopyMode, Store, StoreOptions};
use crate::urls::redact_database_url;

/// Writes a snapshot of the log with its checksum into a file, atomically. With `keep`, `file` is a directory: the
/// backup gets a name by its time, and only the newest `keep` remain.
pub(super) async fn backup(
    config: Config,
    file: &Path,
    keep: Option<NonZeroUsize>,
    output: OutputOptions,
) -> anyhow::Result<Outcome> {
    let dated = keep.map(|_| retention::file_in(file, config.store.clock.now()));
    let (folder, file) = (file, dated.as_deref().unwrap_or(file));
    if keep.is_some() && folder.exists() && !folder.is_dir() {
        bail!("{} is not a directory; with --keep, name the directory of the backups", folder.display());
    }
    if file.is_dir() {
        bail!("{} is a directory; name a file, or keep the newest N in it by --keep N", file.display());
    }
    // Also a link to nowhere: of a backup disk that is not mounted.
    if file.symlink_metadata().is_ok() {
        bail!("{} already exists", file.display());
    }
    write_backup(&config, file, output).await?;
    if let Some(keep) = keep {
        let deleted = retention::prune(folder, keep)
            .with_context(|| format!("deleting old backups in {}", folder.display()))?;
        if !output.quiet && !deleted.is_empty() {
            say!("deleted {}; the newest {keep} remain", counted(deleted.len(), "old backup"));
        }
    }
    Ok(Outcome::Done)
}

async fn write_backup(config: &Config, file: &Path, output: OutputOptions) -> anyhow::Result<()> {
    let store = open_existing_store(config).await?;
    let folder = &folder_of(file);
    let scratch = Scratch::new(folder).with_context(|| format!("writing next to {}", file.display()))?;
    let (unfinished, began) = (scratch.path().join("backup.db"), store.clock().now());
    let copy = Store::open(sqlite_at(&config.store, &unfinished)).await?;
    let bar = progress_bar("rows", output);
    let copied = store.copy_to(copy, CopyMode::Backup, |done, total| set_progress(&bar, done, total)).await;
    copied.with_context(|| format!("copying the log to {}", file.display()))?;
    bar.finish_and_clear();
    checksum::append(&unfinished).with_context(|| format!("writing next to {}", file.display()))?;
    fs::rename(&unfinished, file).with_context(|| format!("writing {}", file.display()))?;
    File::open(folder)?.sync_all()?;
    if let Err(cause) = store.record_backup(began).await {
        say!("the backup is complete, but the metrics of the service will not show it: {cause}");
    }
    store.close().await;
    if !output.quiet {
        say!("{} contains the log {}", file.display(), store.log_id());
    }
    Ok(())
}

/// Reads a whole backup and compares its checksum.
pub(super) fn verify(file: &Path, output: OutputOptions) -> anyhow::Result<Outcome> {
    let sum = checksum::verify(file).with_context(|| format!("reading {}", file.display()))?;
    match output.json {
        true => print_line(serde_json::json!({ "file": file, "intact": true, "sha256": sum }))?,
        false if output.quiet => {}
        false => print_line(format_args!("{} is intact, SHA-256 {sum}", file.display()))?,
    }
    Ok(Outcome::Done)
}

/// Reads the whole database of the configured store and names what is damaged.
pub(super) async fn verify_store(config: &Config, output: OutputOptions) -> anyhow::Result<Outcome> {
    let store = open_existing_store(config).await?;
    let (_run_to_the_end, stop) = watch::channel(false);
    let found = store.find_damage(CheckPace::Full, stop).await.context("reading the database")?;
    store.close().await;
    match output.json {
        true => print_line(serde_json::json!({ "intact": found.is_empty(), "damage": found }))?,
        false if found.is_empty() && output.quiet => {}
        false if found.is_empty() => print_line("the database is intact")?,
        false => {
            for damage in &found {
                print_line(damage)?;
            }
            say!("the database is damaged: stop the service, keep a copy of it, and restore the last backup");
        }
    }
    Ok(if found.is_empty() { Outcome::Done } else { Outcome::ProblemsFound })
}

/// Fills the configured store, which must be empty, from a backup. It becomes a new log.
/// `accept_unverified` skips the checksum.
pub(super) async fn restore(
    config: Config,
    file: &Path,
    accept_unverified: bool,
    output: OutputOptions,
) -> anyhow::Result<Outcome> {
    // Opening a file of an older version migrates it, so a copy is opened and the backup stays unchanged. The copy is
    // next to the store, since no other directory need be writable.
    let parent = config.store.url.strip_prefix("sqlite:").map_or_else(std::env::temp_dir, folder_of);
    let scratch = Scratch::new(&parent).context("creating a temporary directory")?;
    let copy = scratch.path().join("backup.db");
    match accept_unverified {
        true => drop(fs::copy(file, &copy).with_context(|| format!("reading {}", file.display()))?),
        false => drop(checksum::verified_copy(file, &copy).with_context(|| {
            format!("{}; nothing was restored (--without-checksum restores it unchecked)", file.display())
        })?),
    }
    let backup = Store::open(sqlite_at(&config.store, &copy)).await?;
    let store = Store::open(config.store.clone()).await?;
    let bar = progress_bar("rows", output);
    backup.copy_to(store, CopyMode::Restore, |done, total| set_progress(&bar, done, total)).await?;
    bar.finish_and_clear();
    backup.close().await;
    let store = Store::open(config.store.clone()).await?;
    let (articles, channels) = store.count_live().await?;
    if !output.quiet {
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

/// Copies the log to another store, which must be empty, and compares the output of both.
pub(super) async fn migrate(
    config: Config,
    from: &str,
    to: &str,
    output: OutputOptions,
) -> anyhow::Result<Outcome> {
    let options = |url: &str| StoreOptions { url: url.to_owned(), ..config.store.clone() };
    if !Store::exists(&options(from)) {
        bail!("there is no log at {}", redact_database_url(from));
    }
    let source = Store::open(options(from)).await.context("opening --from")?;
    let target = Store::open(options(to)).await.context("opening --to")?;
    // A migration that was interrupted during the comparison continues with it.
    if is_moved(&source, &target).await? {
        target.close().await;
    } else {
        let rows = progress_bar("rows", output);
        source.copy_to(target, CopyMode::Move, |done, total| set_progress(&rows, done, total)).await?;
        rows.finish_and_clear();
    }
    let target = Store::open(options(to)).await.context("opening --to")?;
    let compared = progress_bar("documents compared", output);
    let documents =
        export::compare(&source, &target, &config.render, |done, total| set_progress(&compared, done, total))
            .await;
    compared.finish_and_clear();
    let documents =
        documents.context("the log was copied, but the two stores do not render the same documents")?;
    if !output.quiet {
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

/// The directory of a file.
pub(super) fn folder_of(file: impl AsRef<Path>) -> PathBuf {
    let folder = file.as_ref().parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

/// True if `target` is a complete copy of `source`.
async fn is_moved(source: &Store, target: &Store) -> anyhow::Result<bool> {
    if source.log_id() != target.log_id() {
        return Ok(false);
    }
    let (here, there) =
        (source.snapshot().await?.position().await?, target.snapshot().await?.position().await?);
    Ok(here == there)
}

pub(super) fn sqlite_at(options: &StoreOptions, path: &Path) -> StoreOptions {
    StoreOptions { url: format!("sqlite:{}", path.display()), ..options.clone() }
}

pub(super) fn progress_bar(what: &str, output: OutputOptions) -> ProgressBar {
    if output.quiet || !io::stderr().is_terminal() {
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

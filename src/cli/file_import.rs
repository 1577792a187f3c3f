//! `bantin import` of what another system has exported: WordPress, feeds, a backup of another bantin.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::import::{ImportReporter, open, titles_of_channels};
use super::output::{Outcome, OutputOptions, counted};
use super::scratch::Scratch;
use super::{backup, checksum};
use crate::config::Config;
use crate::ingest::{FileDiagnostic, ImportRequest};
use crate::logging::say;
use crate::model::Slug;
use crate::pull::{
    BackupImport, FileImport, FileImportFault, FileImportOptions, FileImportReport, ImportFinding, is_backup,
    is_feed_file,
};
use crate::store::Store;

/// What only the files of other systems need.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct FileImportArguments {
    /// The channel of a category of the file; without SLUG, the category is left out. Can be repeated
    #[arg(long, value_name = "CATEGORY=SLUG", value_parser = mapping)]
    map: Vec<(String, Option<Slug>)>,
    /// A copy of the files of the old site, such as wp-content/uploads [default: images are requested from the old site]
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
    /// Request images also from private addresses, such as a server in the office
    #[arg(long)]
    allow_private: bool,
}

fn mapping(text: &str) -> Result<(String, Option<Slug>), String> {
    let (category, slug) = text.rsplit_once('=').ok_or("write it like \"Văn hoá=van-hoa\"")?;
    let slug = match slug.trim() {
        "" => None,
        slug => Some(Slug::parse_new(slug).map_err(|cause| cause.to_string())?),
    };
    Ok((category.to_owned(), slug))
}

/// Arguments that do not belong together.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileImportUsage {
    /// Files of both kinds.
    #[error("{0} is imported in another way than {1}: import them one after the other")]
    Mixed(String, String),
    /// Options that the articles of a folder do not need.
    #[error(
        "--map, --files and --allow-private are for exports of WordPress, feeds and backups, and {0} is none"
    )]
    NotForFolders(String),
    /// Options that a feed does not need.
    #[error("--encoding is for text files; {0} says itself in which encoding it is")]
    NotForFeeds(String),
    /// The top-level folders are the channels.
    #[error(
        "--new-channel needs --channel SLUG: without it, the directories name the channels, and new ones are created"
    )]
    NewChannelAlone,
    /// A backup is the log of this site itself.
    #[error("{0} is a backup of this log; `bantin restore-backup` restores it")]
    OwnBackup(String),
}

/// True for a usage error, in contrast to a failure.
pub(super) fn is_usage_error(cause: &anyhow::Error) -> bool {
    cause.is::<FileImportUsage>()
        || cause
            .downcast_ref::<FileImportFault>()
            .is_some_and(|fault| !matches!(fault, FileImportFault::Unreadable { .. }))
}

/// Whether the paths of an import are files of other systems.
///
/// # Errors
/// If only some are, or the arguments are not meant for them.
pub(super) fn is_of_files(
    request: &ImportRequest,
    arguments: &FileImportArguments,
) -> Result<bool, FileImportUsage> {
    let shown = |path: &PathBuf| path.display().to_string();
    let (feeds, others): (Vec<_>, Vec<_>) = request.paths.iter().partition(|path| is_feed_file(path));
    match (feeds.first(), others.first()) {
        (Some(feed), Some(other)) => Err(FileImportUsage::Mixed(shown(feed), shown(other))),
        (Some(feed), None) if request.encoding.is_some() => Err(FileImportUsage::NotForFeeds(shown(feed))),
        (Some(_), None) => Ok(true),
        (None, _) if request.new_channel && request.channel.is_none() => {
            Err(FileImportUsage::NewChannelAlone)
        }
        (None, Some(other))
            if !arguments.map.is_empty() || arguments.files.is_some() || arguments.allow_private =>
        {
            Err(FileImportUsage::NotForFolders(shown(other)))
        }
        (None, _) => Ok(false),
    }
}

/// Imports files of other systems, one after the other.
pub(super) async fn import(
    config: Config,
    request: &ImportRequest,
    arguments: &FileImportArguments,
    dry_run: bool,
    output: OutputOptions,
) -> anyhow::Result<Outcome> {
    let (config, store, _scratch) = open(config, dry_run).await?;
    let mut outcome = Outcome::Done;
    for path in &request.paths {
        let options = FileImportOptions {
            channel: request.channel.clone(),
            map: arguments.map.clone(),
            new_channels: request.new_channel,
            known: titles_of_channels(&config, &store).await?,
            files: arguments.files.clone(),
            allow_private: arguments.allow_private,
            dry_run,
        };
        let report = match is_backup(path) {
            true => import_backup(&config, &store, path, options, output).await?,
            false => import_file(&config, &store, path, options, output).await?,
        };
        if report.rejected > 0 {
            outcome = Outcome::ProblemsFound;
        }
        if !output.quiet {
            say!("{}", summary(path, &report, dry_run).trim_end());
        }
    }
    store.close().await;
    Ok(outcome)
}

async fn import_file(
    config: &Config,
    store: &Store,
    path: &Path,
    options: FileImportOptions,
    output: OutputOptions,
) -> anyhow::Result<FileImportReport> {
    if !output.quiet {
        say!("reading {}", path.display());
    }
    let bar = backup::progress_bar("MiB read", output);
    let tell = |read: u64, size: u64| backup::set_progress(&bar, read >> 20, size >> 20);
    let import = FileImport::plan(path, options, &config.pull.addresses, tell)?;
    bar.finish_and_clear();
    let new: Vec<String> = import.new_channels().map(|(slug, title)| format!("{slug} ({title})")).collect();
    if !new.is_empty() && !output.quiet {
        say!("new channels: {}", new.join(", "));
    }
    let mut reporter = ImportReporter::new(import.articles(), output)?;
    let mut failed = Ok(());
    let on_batch = |report: &FileImportReport, findings: Vec<ImportFinding>| {
        if failed.is_ok() {
            failed = reporter.batch(report.articles, &diagnostics(path, findings));
        }
    };
    let report = import.run(store, &config.pull, on_batch).await?;
    failed?;
    reporter.end(counts(&report))?;
    Ok(report)
}

async fn import_backup(
    config: &Config,
    store: &Store,
    path: &Path,
    options: FileImportOptions,
    output: OutputOptions,
) -> anyhow::Result<FileImportReport> {
    // Opening a file of an older version migrates it, so a copy is opened and the backup stays unchanged.
    let folder = config.store.url.strip_prefix("sqlite:").map_or_else(std::env::temp_dir, backup::folder_of);
    let scratch = Scratch::new(&folder).context("creating a temporary directory")?;
    let copy = scratch.path().join("backup.db");
    checksum::verified_copy(path, &copy)
        .with_context(|| format!("{}; nothing was imported", path.display()))?;
    let other = Store::open(backup::sqlite_at(&config.store, &copy)).await?;
    if other.log_id() == store.log_id() {
        return Err(FileImportUsage::OwnBackup(path.display().to_string()).into());
    }
    let addresses = &config.pull.addresses;
    let import = BackupImport::plan(&other, options, addresses).await??;
    let mut reporter = ImportReporter::new(import.articles(), output)?;
    let mut failed = Ok(());
    let on_batch = |report: &FileImportReport, findings: Vec<ImportFinding>| {
        if failed.is_ok() {
            failed = reporter.batch(report.articles, &diagnostics(path, findings));
        }
    };
    let report = import.run(&other, store, addresses, on_batch).await?;
    other.close().await;
    failed?;
    reporter.end(counts(&report))?;
    Ok(report)
}

fn diagnostics(path: &Path, findings: Vec<ImportFinding>) -> Vec<FileDiagnostic> {
    let path = path.display().to_string();
    let diagnostic = |ImportFinding { line, severity, message }: ImportFinding| FileDiagnostic {
        path: path.clone(),
        line,
        severity,
        message,
    };
    findings.into_iter().map(diagnostic).collect()
}

fn counts(report: &FileImportReport) -> serde_json::Value {
    let left_out: Vec<String> = report.left_out.iter().map(|(why, count)| why.counted(*count)).collect();
    json!({
        "articles": report.articles,
        "published": report.published,
        "corrected": report.corrected,
        "unchanged": report.unchanged,
        "stay_withdrawn": report.still_withdrawn,
        "acceptable": report.acceptable,
        "refused": report.rejected,
        "left_out": left_out,
        "images": report.images,
        "missing_images": report.missing_images,
        "old_addresses": report.old_addresses,
    })
}

fn summary(path: &Path, report: &FileImportReport, dry_run: bool) -> String {
    let FileImportReport { articles, published, corrected, unchanged, still_withdrawn, .. } = report;
    let FileImportReport { acceptable, rejected, images, missing_images, old_addresses, .. } = report;
    let (path, articles) = (path.display(), counted(*articles, "article"));
    let mut text = match dry_run {
        true => format!(
            "{path}: {articles}: {acceptable} would be accepted, {unchanged} exist already, {rejected} would be rejected; \
             nothing was published\n"
        ),
        false => format!(
            "{path}: {articles}: {published} published, {corrected} corrected, {unchanged} unchanged, {still_withdrawn} \
             stay withdrawn, {rejected} rejected\n"
        ),
    };
    if *images + *missing_images > 0 {
        text.push_str(&format!("images: {images} stored, {missing_images} missing\n"));
    }
    if *old_addresses > 0 {
        text.push_str(&format!("old addresses that lead to their articles: {old_addresses}\n"));
    }
    let left_out: Vec<String> = report.left_out.iter().map(|(why, count)| why.counted(*count)).collect();
    if !left_out.is_empty() {
        text.push_str(&format!("left out: {}\n", left_out.join(", ")));
    }
    if *rejected > 0 {
        text.push_str("what is rejected is listed above; correct it and run the same command again\n");
    }
    text
}

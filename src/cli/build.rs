//! `bantin build`: exports the site as files.

use std::io;
use std::path::Path;

use anyhow::bail;
use serde_json::json;

use super::output::{Outcome, OutputOptions, counted, print_line};
use super::{backup, check};
use crate::app::open_store;
use crate::config::Config;
use crate::export::{self, BuildReport, Headers};
use crate::http::response::{CachePolicies, html_security_headers};
use crate::ingest::{Scanner, WatchMode, make_all_copies};
use crate::logging::say;
use crate::store::Store;

pub(super) async fn build(
    config: Config,
    folder: &Path,
    compress: bool,
    output: OutputOptions,
) -> anyhow::Result<Outcome> {
    // A build scans the folder and so creates ids, which are permanent.
    config.validate_for_serving()?;
    if contains_path(folder, &config.ingest.path) {
        bail!(
            "{} is inside the articles folder, where its pages would be read as articles; choose another directory",
            folder.display()
        );
    }
    let store = open_store(&config).await?;
    let clean = scan_folder(&store, &config, output).await?;
    let CachePolicies { feeds, pages, images, assets } = CachePolicies::new(config.render.site.max_age);
    let options = export::ExportOptions {
        folder: folder.to_owned(),
        render: config.render.clone(),
        headers: Headers {
            feeds: feeds.text(),
            pages: pages.text(),
            images: images.text(),
            assets: assets.text(),
            html_headers: html_security_headers(),
        },
        compress,
    };
    make_all_copies(&store).await?;
    let bar = backup::progress_bar("documents", output);
    let report = export::build(&store, &options, |done, total| backup::set_progress(&bar, done, total)).await;
    bar.finish_and_clear();
    store.close().await;
    let report = report?;
    print_report(&report, folder, output)?;
    Ok(if clean && report.failures == 0 { Outcome::Done } else { Outcome::ProblemsFound })
}

/// True if `folder`, which need not exist yet, is inside `other`.
fn contains_path(folder: &Path, other: &Path) -> bool {
    let Ok(folder) = std::path::absolute(folder) else { return false };
    let there = folder.ancestors().find_map(|ancestor| ancestor.canonicalize().ok());
    there.zip(other.canonicalize().ok()).is_some_and(|(there, other)| there.starts_with(other))
}

/// Scans the article folder like `bantin scan`, unless `watch` is off. Returns true if there were no problems.
async fn scan_folder(store: &Store, config: &Config, output: OutputOptions) -> anyhow::Result<bool> {
    if config.ingest.watch == WatchMode::Off {
        return Ok(true);
    }
    let report = Scanner::new(store.clone(), config.ingest.clone()).scan_until_stable(false).await?;
    store.publish_due().await?;
    check::print_diagnostics_to_stderr(&report.findings, &config.ingest.path, output);
    Ok(report.suspended_reason.is_none() && report.rejected_total == 0)
}

fn print_report(report: &BuildReport, folder: &Path, output: OutputOptions) -> io::Result<()> {
    let BuildReport { number, documents, written, removed, failures, servers } = report;
    if output.json {
        let servers: Vec<_> = servers.iter().map(|server| server.path.display().to_string()).collect();
        let report = json!({
            "number": number, "documents": documents, "written": written, "removed": removed, "faults": failures,
            "servers": servers,
        });
        return print_line(report);
    }
    if output.quiet {
        return Ok(());
    }
    say!(
        "{} in {}, as of number {number}: {written} written, {removed} removed, {} unchanged",
        counted(*documents, "document"),
        folder.display(),
        documents.saturating_sub(written + failures)
    );
    if *failures > 0 {
        say!("{failures} could not be written or removed; the old version stays. The log above names them");
    }
    for export::Server { path, include, includes } in servers {
        say!("server configuration: {}", path.display());
        if !includes {
            say!(
                "  it does not include {}: add the include, or delete the file and build again",
                include.display()
            );
        }
    }
    Ok(())
}

//! `bantin build`: the whole site as files.

use std::io;
use std::path::Path;

use anyhow::bail;
use serde_json::json;

use super::{Arguments, Outcome, check, counted, moving, print_line};
use crate::app::open_store;
use crate::config::Config;
use crate::files::{self, Headers, Report};
use crate::http::reply::{Policies, headers_of_pages};
use crate::ingest::{Scanner, Watching};
use crate::store::Store;
use crate::telemetry::say;

pub(super) async fn build(config: Config, folder: &Path, arguments: &Arguments) -> anyhow::Result<Outcome> {
    // Ids come into being here as well, and are for ever.
    config.fit_to_serve()?;
    if lies_in(folder, &config.ingest.path) {
        bail!(
            "{} lies in the folder of articles, where its pages would be taken for articles",
            folder.display()
        );
    }
    let store = open_store(&config).await?;
    let clean = take_in(&store, &config, arguments).await?;
    let Policies { feeds, pages, pictures, assets } = Policies::of(config.press.site.max_age);
    let options = files::Options {
        folder: folder.to_owned(),
        press: config.press.clone(),
        headers: Headers {
            feeds: feeds.text(),
            pages: pages.text(),
            pictures: pictures.text(),
            assets: assets.text(),
            of_pages: headers_of_pages(),
        },
    };
    let bar = moving::bar("documents", arguments);
    let report = files::build(&store, &options, |done, total| moving::at_place(&bar, done, total)).await;
    bar.finish_and_clear();
    store.close().await;
    let report = report?;
    tell(&report, folder, arguments)?;
    Ok(if clean && report.faults == 0 { Outcome::Done } else { Outcome::Findings })
}

/// Also of a folder that is not there yet.
fn lies_in(folder: &Path, other: &Path) -> bool {
    let Ok(folder) = std::path::absolute(folder) else { return false };
    let there = folder.ancestors().find_map(|ancestor| ancestor.canonicalize().ok());
    there.zip(other.canonicalize().ok()).is_some_and(|(there, other)| there.starts_with(other))
}

/// What lies in the folder of articles first comes into the log, as by `bantin scan`; not where nobody is to look
/// into it by himself. True where nothing was wrong with it.
async fn take_in(store: &Store, config: &Config, arguments: &Arguments) -> anyhow::Result<bool> {
    if config.ingest.watch == Watching::Off {
        return Ok(true);
    }
    let report = Scanner::new(store.clone(), config.ingest.clone()).scan_until_still(false).await?;
    store.publish_due().await?;
    check::print_findings_to_stderr(&report.findings, &config.ingest.path, arguments);
    Ok(report.suspended.is_none() && report.refused_now == 0)
}

fn tell(report: &Report, folder: &Path, arguments: &Arguments) -> io::Result<()> {
    let Report { number, documents, written, removed, faults, servers } = report;
    if arguments.json {
        let servers: Vec<_> = servers.iter().map(|server| server.path.display().to_string()).collect();
        let told = json!({
            "number": number, "documents": documents, "written": written, "removed": removed, "faults": faults,
            "servers": servers,
        });
        return print_line(told);
    }
    if arguments.quiet {
        return Ok(());
    }
    say!(
        "{} in {}, as of number {number}: {written} written, {removed} removed, {} as before",
        counted(*documents, "document"),
        folder.display(),
        documents.saturating_sub(written + faults)
    );
    if *faults > 0 {
        say!(
            "{faults} could not be made or removed: what lay there stays, and the log above says which, and why"
        );
    }
    for files::Server { path, include, includes } in servers {
        say!("for a server: {}", path.display());
        if !includes {
            say!(
                "  it does not include {}: include it there, or take the file away and build anew",
                include.display()
            );
        }
    }
    Ok(())
}

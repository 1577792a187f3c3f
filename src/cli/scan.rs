//! `bantin scan`: scans the articles folder once.

use super::check;
use super::output::{Outcome, OutputOptions, counted};
use crate::app::open_store;
use crate::config::Config;
use crate::ingest::{Marking, ScanReport, Scanner};
use crate::logging::say;

pub(super) async fn scan(
    mut config: Config,
    confirm: bool,
    output: OutputOptions,
) -> anyhow::Result<Outcome> {
    // A scan creates ids, which are permanent.
    config.validate_for_serving()?;
    if confirm {
        config.ingest.marking = Marking::Renewed;
    }
    let store = open_store(&config).await?;
    let report = Scanner::new(store.clone(), config.ingest.clone()).scan_until_stable(confirm).await?;
    store.publish_due().await?;
    store.close().await;
    check::print_diagnostics(&report.findings, &config.ingest.path, output)?;
    if !output.quiet {
        say!("{}", summary(&report));
    }
    let clean = report.suspended_reason.is_none() && report.rejected_total == 0;
    Ok(if clean { Outcome::Done } else { Outcome::ProblemsFound })
}

fn summary(report: &ScanReport) -> String {
    format!(
        "{}: {} published, {} corrected, {} moved, {} restored, {} withdrawn, {} scheduled, \
         {} rejected",
        counted(report.files, "file"),
        report.published,
        report.corrected,
        report.moved,
        report.restored,
        report.withdrawn,
        report.scheduled,
        report.rejected_total
    )
}

//! `bantin import`: publishes many old articles at once, with progress.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::check;
use super::open::scratch_store;
use super::output::{Outcome, OutputOptions, counted};
use super::scratch::Scratch;
use crate::app::open_store;
use crate::config::Config;
use crate::image;
use crate::ingest::{FileDiagnostic, Import, ImportError, ImportReport, ImportRequest};
use crate::logging::say;
use crate::model::Slug;
use crate::parse::Severity;
use crate::render;
use crate::store::Store;

pub(super) async fn import(
    config: Config,
    order: &ImportRequest,
    dry_run: bool,
    output: OutputOptions,
) -> anyhow::Result<Outcome> {
    let (config, store, _scratch) = open(config, dry_run).await?;
    let known = known_channels(&config, &store).await?;
    let import = Import::plan(order, &config.ingest, &known)?;
    let summary = ImportSummary::new(&import, &known);
    let mut reporter = ImportReporter::new(import.articles(), output)?;
    let mut failed = Ok(());
    let on_batch = |report: &ImportReport, findings: Vec<FileDiagnostic>| {
        if failed.is_ok() {
            failed = reporter.batch(report.files, &findings);
        }
    };
    let report = import.run(&store, dry_run, on_batch).await?;
    store.close().await;
    failed?;
    reporter.end(counts(&report))?;
    if !output.quiet {
        say!("{}", summary.text(&report, dry_run).trim_end());
    }
    Ok(if report.rejected == 0 { Outcome::Done } else { Outcome::ProblemsFound })
}

/// Opens the store that articles are imported into.
pub(super) async fn open(
    mut config: Config,
    dry_run: bool,
) -> anyhow::Result<(Config, Store, Option<Scratch>)> {
    // An import creates ids, which are permanent.
    config.validate_for_serving()?;
    // A dry run must not create a log.
    let scratch = match dry_run && !Store::exists(&config.store) {
        true => Some(scratch_store(&mut config)?),
        false => None,
    };
    let store = match dry_run {
        true => Store::open(config.store.clone()).await?,
        false => open_store(&config).await?,
    };
    Ok((config, store, scratch))
}

/// True for a usage error, in contrast to a failure.
pub(super) fn is_usage_error(cause: &anyhow::Error) -> bool {
    let error = cause.downcast_ref::<ImportError>();
    error.is_some_and(|error| !matches!(error, ImportError::Unreadable { .. }))
}

async fn known_channels(config: &Config, store: &Store) -> anyhow::Result<BTreeSet<Slug>> {
    Ok(titles_of_channels(config, store).await?.into_keys().collect())
}

/// The existing channels with their titles.
pub(super) async fn titles_of_channels(
    config: &Config,
    store: &Store,
) -> anyhow::Result<BTreeMap<Slug, String>> {
    let channels = render::channels(&mut store.snapshot().await?, &config.render.channels).await?;
    Ok(channels.into_iter().map(|channel| (channel.slug, channel.title)).collect())
}

/// The summary of an import: channels, and files that are ignored.
struct ImportSummary {
    channels: Vec<String>,
    ignored: Vec<String>,
}

impl ImportSummary {
    fn new(import: &Import, known: &BTreeSet<Slug>) -> Self {
        let channels = import.channels().map(|slug| {
            let new = if known.contains(slug) { "" } else { " (new)" };
            format!("{slug}{new}")
        });
        let (mut pictures, mut ignored) = (0, Vec::new());
        for (extension, count) in import.skipped() {
            match extension {
                _ if image::is_image_name(&format!("a.{extension}")) => pictures += count,
                "" => ignored.push(format!("{count} of other types")),
                "doc" | "rtf" => ignored.push(format!("{count} .{extension} (save them as .docx)")),
                "zip" | "xml" => ignored.push(format!("{count} .{extension} (name them to import them)")),
                _ => ignored.push(format!("{count} .{extension}")),
            }
        }
        if pictures > 0 {
            ignored.insert(0, format!("{} (not imported yet)", counted(pictures, "picture")));
        }
        Self { channels: channels.collect(), ignored }
    }

    fn text(&self, report: &ImportReport, dry_run: bool) -> String {
        let ImportReport { files, published, corrected, moved, restored, unchanged, scheduled, .. } = report;
        let ImportReport { still_withdrawn, acceptable, rejected, .. } = report;
        let files = counted(*files, "file");
        let mut summary = match dry_run {
            true => format!(
                "{files}: {acceptable} would be accepted, {unchanged} exist already, {rejected} would \
                 be rejected; nothing was published\n"
            ),
            false => format!(
                "{files}: {published} published, {corrected} corrected, {moved} moved, {restored} \
                 restored, {unchanged} unchanged, {scheduled} scheduled, {still_withdrawn} stay \
                 withdrawn, {rejected} rejected\n"
            ),
        };
        if !self.channels.is_empty() {
            summary.push_str(&format!("channels: {}\n", self.channels.join(", ")));
        }
        if !self.ignored.is_empty() {
            summary.push_str(&format!("skipped: {}\n", self.ignored.join(", ")));
        }
        if *rejected > 0 {
            summary.push_str(
                "rejected articles are listed above; correct them and run the same command again\n",
            );
        }
        summary
    }
}

/// Prints diagnostics as they occur, so that memory does not grow with their number.
pub(super) struct ImportReporter {
    output: OutputOptions,
    progress: Progress,
    out: io::Stdout,
    first: bool,
}

impl ImportReporter {
    pub(super) fn new(total: u64, output: OutputOptions) -> io::Result<Self> {
        let mut out = io::stdout();
        if output.json {
            write!(out, "{{\"findings\": [")?;
        }
        Ok(Self { output, progress: Progress::new(total, output.quiet), out, first: true })
    }

    /// Prints the diagnostics of a batch, after which `done` articles are processed.
    pub(super) fn batch(&mut self, done: u64, findings: &[FileDiagnostic]) -> io::Result<()> {
        let Self { output, progress, out, first } = self;
        let mut lines = String::new();
        for finding in findings {
            match finding.severity {
                _ if output.json => {
                    let comma = if *first { "" } else { "," };
                    lines.push_str(&format!("{comma}\n {}", check::as_json(Path::new(""), finding)));
                    *first = false;
                }
                Severity::Note if !output.verbose => {}
                _ => lines.push_str(&format!("{}\n", check::as_line(Path::new(""), finding))),
            }
        }
        progress.suspend(|| out.write_all(lines.as_bytes()))?;
        progress.at(done);
        Ok(())
    }

    /// Ends the progress, and the JSON with these counts.
    pub(super) fn end(mut self, counts: serde_json::Value) -> io::Result<()> {
        self.progress.end();
        if !self.output.json {
            return Ok(());
        }
        let counts = counts.to_string();
        writeln!(self.out, "],\n {}", counts.trim_start_matches('{'))
    }
}

fn counts(report: &ImportReport) -> serde_json::Value {
    json!({
        "files": report.files,
        "published": report.published,
        "corrected": report.corrected,
        "moved": report.moved,
        "restored": report.restored,
        "unchanged": report.unchanged,
        "waiting": report.scheduled,
        "stay_withdrawn": report.still_withdrawn,
        "acceptable": report.acceptable,
        "refused": report.rejected,
    })
}

/// Progress: a bar on a terminal, a line per second in a log, nothing if quiet.
enum Progress {
    Bar(ProgressBar),
    Lines { began: Instant, last: Instant, total: u64 },
    Silent,
}

impl Progress {
    const INTERVAL: Duration = Duration::from_secs(1);

    fn new(total: u64, quiet: bool) -> Self {
        let began = Instant::now();
        if quiet {
            return Self::Silent;
        }
        if !io::stderr().is_terminal() {
            return Self::Lines { began, last: began, total };
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let template = "{wide_bar} {human_pos}/{human_len} articles, {per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Self::Bar(bar)
    }

    fn at(&mut self, files: u64) {
        match self {
            Self::Bar(bar) => bar.set_position(files),
            Self::Lines { began, last, total } if last.elapsed() >= Self::INTERVAL => {
                *last = Instant::now();
                let rate = files as f64 / began.elapsed().as_secs_f64();
                let left = total.saturating_sub(files) as f64 / rate.max(f64::MIN_POSITIVE);
                let left = Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX);
                say!("{files}/{total} articles, {rate:.0}/s, {} left", HumanDuration(left));
            }
            Self::Lines { .. } | Self::Silent => {}
        }
    }

    /// Prints above the bar.
    fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        match self {
            Self::Bar(bar) => bar.suspend(print),
            Self::Lines { .. } | Self::Silent => print(),
        }
    }

    fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

//! `bantin import`: publishes many old articles at once, and says how far it has come.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::{Arguments, Outcome, check, counted};
use crate::app::open_store;
use crate::config::Config;
use crate::image;
use crate::ingest::{FileDiagnostic, Import, ImportError, ImportReport, ImportRequest};
use crate::logging::say;
use crate::model::Slug;
use crate::parse::Severity;
use crate::store::Store;

pub(super) async fn import(
    config: Config,
    order: &ImportRequest,
    dry_run: bool,
    arguments: &Arguments,
) -> anyhow::Result<Outcome> {
    // Every article that comes in gets an id for ever.
    config.validate_for_serving()?;
    let store = match dry_run {
        false => Some(open_store(&config).await?),
        true if Store::exists(&config.store) => Some(Store::open(config.store.clone()).await?),
        true => None,
    };
    let known = known_channels(&config, store.as_ref()).await?;
    let import = Import::plan(order, &config.ingest, &known)?;
    let about = ImportSummary::new(&import, &known);
    let mut told = ImportReporter::new(import.articles(), arguments)?;
    let mut failed = Ok(());
    let tell = |report: &ImportReport, findings: Vec<FileDiagnostic>| {
        if failed.is_ok() {
            failed = told.batch(report, &findings);
        }
    };
    let report = match &store {
        Some(store) if !dry_run => import.run(store, tell).await?,
        store => import.dry_run(store.as_ref(), config.store.clock.now(), tell).await?,
    };
    if let Some(store) = &store {
        store.close().await;
    }
    failed?;
    told.end(&report)?;
    if !arguments.quiet {
        say!("{}", about.summary(&report, dry_run).trim_end());
    }
    Ok(if report.rejected == 0 { Outcome::Done } else { Outcome::ProblemsFound })
}

/// True where a command was given that cannot be meant, rather than one that failed.
pub(super) fn is_usage_error(cause: &anyhow::Error) -> bool {
    let refusal = cause.downcast_ref::<ImportError>();
    refusal.is_some_and(|refusal| !matches!(refusal, ImportError::Unreadable { .. }))
}

async fn known_channels(config: &Config, store: Option<&Store>) -> anyhow::Result<BTreeSet<Slug>> {
    let mut known: BTreeSet<Slug> =
        config.render.channels.iter().map(|channel| channel.slug.clone()).collect();
    if let Some(store) = store {
        known.extend(store.snapshot().await?.channels().await?.into_iter().map(|channel| channel.slug));
    }
    Ok(known)
}

/// What is known of an import before it begins.
struct ImportSummary {
    channels: Vec<String>,
    passed_over: Vec<String>,
}

impl ImportSummary {
    fn new(import: &Import, known: &BTreeSet<Slug>) -> Self {
        let channels = import.channels().map(|slug| {
            let new = if known.contains(slug) { "" } else { " (new)" };
            format!("{slug}{new}")
        });
        let (mut pictures, mut passed_over) = (0, Vec::new());
        for (ending, count) in import.passed_over() {
            match ending {
                _ if image::is_image_name(&format!("a.{ending}")) => pictures += count,
                "" => passed_over.push(format!("{count} of other types")),
                "doc" | "rtf" | "odt" => passed_over.push(format!("{count} .{ending} (save them as .docx)")),
                "zip" => passed_over.push(format!("{count} .zip (name them to import them)")),
                _ => passed_over.push(format!("{count} .{ending}")),
            }
        }
        if pictures > 0 {
            passed_over.insert(0, format!("{} (not imported yet)", counted(pictures, "picture")));
        }
        Self { channels: channels.collect(), passed_over }
    }

    fn summary(&self, report: &ImportReport, dry_run: bool) -> String {
        let ImportReport {
            files, published, corrected, moved, restored, unchanged, scheduled: waiting, ..
        } = report;
        let ImportReport { still_withdrawn: stay_withdrawn, acceptable, rejected: refused, .. } = report;
        let files = counted(*files, "file");
        let mut summary = match dry_run {
            true => format!(
                "{files}: {acceptable} would be accepted, {unchanged} exist already, {refused} would \
                 be rejected; nothing was published\n"
            ),
            false => format!(
                "{files}: {published} published, {corrected} corrected, {moved} moved, {restored} \
                 restored, {unchanged} unchanged, {waiting} scheduled, {stay_withdrawn} stay \
                 withdrawn, {refused} rejected\n"
            ),
        };
        if !self.channels.is_empty() {
            summary.push_str(&format!("channels: {}\n", self.channels.join(", ")));
        }
        if !self.passed_over.is_empty() {
            summary.push_str(&format!("skipped: {}\n", self.passed_over.join(", ")));
        }
        if *refused > 0 {
            summary.push_str(
                "rejected articles are listed above; correct them and run the same command again\n",
            );
        }
        summary
    }
}

/// Says what there is to say while it happens: memory does not grow with the number of complaints.
struct ImportReporter<'a> {
    arguments: &'a Arguments,
    progress: Progress,
    out: io::Stdout,
    first: bool,
}

impl<'a> ImportReporter<'a> {
    fn new(total: u64, arguments: &'a Arguments) -> io::Result<Self> {
        let mut out = io::stdout();
        if arguments.json {
            write!(out, "{{\"findings\": [")?;
        }
        Ok(Self { arguments, progress: Progress::new(total, arguments.quiet), out, first: true })
    }

    fn batch(&mut self, report: &ImportReport, findings: &[FileDiagnostic]) -> io::Result<()> {
        let Self { arguments, progress, out, first } = self;
        let mut lines = String::new();
        for finding in findings {
            match finding.severity {
                _ if arguments.json => {
                    let comma = if *first { "" } else { "," };
                    lines.push_str(&format!("{comma}\n {}", check::as_json(Path::new(""), finding)));
                    *first = false;
                }
                Severity::Note if !arguments.verbose => {}
                _ => lines.push_str(&format!("{}\n", check::as_line(Path::new(""), finding))),
            }
        }
        progress.aside(|| out.write_all(lines.as_bytes()))?;
        progress.at(report.files);
        Ok(())
    }

    fn end(mut self, report: &ImportReport) -> io::Result<()> {
        self.progress.end();
        if !self.arguments.json {
            return Ok(());
        }
        let counts = json!({
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
        });
        let counts = counts.to_string();
        writeln!(self.out, "],\n {}", counts.trim_start_matches('{'))
    }
}

/// How far it has come: a bar for people, a line a second for a log, nothing where nothing is wanted.
enum Progress {
    Bar(ProgressBar),
    Lines { began: Instant, last: Instant, total: u64 },
    Silent,
}

impl Progress {
    const PAUSE: Duration = Duration::from_secs(1);

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
            Self::Lines { began, last, total } if last.elapsed() >= Self::PAUSE => {
                *last = Instant::now();
                let rate = files as f64 / began.elapsed().as_secs_f64();
                let left = total.saturating_sub(files) as f64 / rate.max(f64::MIN_POSITIVE);
                let left = Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX);
                say!("{files}/{total} articles, {rate:.0}/s, {} left", HumanDuration(left));
            }
            Self::Lines { .. } | Self::Silent => {}
        }
    }

    /// Prints something else without tearing the bar.
    fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
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

//! The command line: parses the arguments, runs one command, reports the outcome.
//!
//! Data goes to stdout, messages to stderr. Exit codes: 0 done; 1 failed, or problems found; 2 usage error.

mod backup;
mod build;
mod check;
mod import;
mod open;
mod output;
mod publish;
mod remote;
mod scratch;
mod serve;
mod token;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use open::{article_of, open_existing_store, require_channel, scratch_store};
use output::{Lines, MAX_LINE, Outcome, OutputOptions, counted, print_line};
use rustix::process::Signal;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::open_store;
use crate::config::{Config, EffectiveValue};
use crate::ingest::{ImportRequest, Marking, ScanReport, Scanner};
use crate::logging::{self, Verbosity, printable, say};
use crate::model::{ArticleId, Slug};
use crate::parse::Encoding;
use crate::render;
use crate::store::{ArticleSummary, RestoreOutcome, Store, WithdrawOutcome};
use crate::time::rfc3339;
use crate::urls::Format;

/// Publishes the articles of a district, commune or province as RSS, Atom and JSON feeds.
#[derive(Parser)]
#[command(name = "bantin", version, max_term_width = 100)]
struct Arguments {
    /// Config file [default: ./config.toml]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Print data as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Only errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// More detail
    #[arg(short, long, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the site and watch the articles folder
    Serve,
    /// Validate the configuration and the articles; publishes nothing
    Check {
        /// Articles to check [default: all in the articles folder]
        files: Vec<PathBuf>,
    },
    /// Print a feed as it would be served now
    Render {
        /// The channel's slug, or `-` for the feed of all channels
        channel: String,
        /// Format of the feed
        format: FormatArgument,
    },
    /// Scan the articles folder once and publish what changed, for cron
    Scan {
        /// Accept this folder and log as belonging together, and withdraw missing articles even if there are many
        #[arg(long)]
        confirm: bool,
    },
    /// List all articles, newest first
    List {
        /// Only articles of this channel
        #[arg(long, value_name = "SLUG")]
        channel: Option<Slug>,
        /// Maximum number of articles
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Publish one file, here or on a running service
    Publish {
        /// Article file: .txt, .md, .html or .docx
        file: PathBuf,
        /// The channel's slug
        #[arg(long, value_name = "SLUG")]
        channel: Slug,
        /// Correct this article, named by its id, page address or file, instead of publishing a new one
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        #[command(flatten)]
        remote: remote::Remote,
    },
    /// Publish many old articles at once; can be repeated after an interruption or a correction
    Import {
        /// Files, directories (with all subdirectories) and zip archives
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// The channel of all articles [default: the directories at the top of each PATH are the channels]
        #[arg(long, value_name = "SLUG")]
        channel: Option<Slug>,
        /// Create the channel if it does not exist
        #[arg(long, requires = "channel")]
        new_channel: bool,
        /// Encoding of text files that are not Unicode: tcvn3, vni, windows-1258, utf-16, utf-8
        #[arg(long, value_name = "NAME", value_parser = encoding)]
        encoding: Option<Encoding>,
        /// Read everything and report what would be rejected; publishes nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Write the whole site as static files for nginx, Caddy or a CDN; only what changed since the last build
    Build {
        /// Output directory; created if missing. An existing one must be empty or from an earlier build
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Withdraw an article; only `restore` brings it back
    Withdraw {
        /// The article's id (as `list` shows it), page address or file
        id: String,
        /// Reason, shown to readers
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Also blank the stored text; cannot be undone
        #[arg(long)]
        erase: bool,
        #[command(flatten)]
        remote: remote::Remote,
    },
    /// Restore a withdrawn article
    Restore {
        /// The article's id (as `list` shows it), page address or file
        id: String,
    },
    /// Write the whole log to one file, also while it is served
    Backup {
        /// Backup file; must not exist yet
        file: PathBuf,
    },
    /// Fill the configured store, which must be empty, from a backup, as a new log
    RestoreBackup {
        /// Backup file
        file: PathBuf,
    },
    /// Move the log to another store and compare every document; stop the service first
    Migrate {
        /// Current store, such as sqlite:data/bantin.db
        #[arg(long, value_name = "URL")]
        from: String,
        /// New store, such as postgres://bantin@db.example/bantin; must be empty
        #[arg(long, value_name = "URL")]
        to: String,
    },
    /// Create, list and revoke tokens for the publishing API
    Token {
        #[command(subcommand)]
        command: token::TokenCommand,
    },
    /// Show the effective configuration and where each value comes from
    Config,
    /// Print a shell completion script
    Completions {
        /// Shell
        shell: Shell,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatArgument {
    Rss,
    Atom,
    Json,
}

impl From<FormatArgument> for Format {
    fn from(argument: FormatArgument) -> Self {
        match argument {
            FormatArgument::Rss => Self::Rss,
            FormatArgument::Atom => Self::Atom,
            FormatArgument::Json => Self::Json,
        }
    }
}

/// Runs the program with the arguments and the environment of the process.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse_from(std::env::args_os()) {
        Ok(arguments) => arguments,
        // Help and version are data and exit 0; the rest is usage and exits 2.
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let serves = matches!(arguments.command, Command::Serve);
    logging::init(arguments.verbosity(), serves && arguments.json);
    // Without the flush, an error on buffered output would be lost.
    let outcome = run(arguments).and_then(|outcome| Ok(io::stdout().flush().map(|()| outcome)?));
    let code = match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::ProblemsFound) => ExitCode::from(1),
        Err(cause) if is_closed_pipe(&cause) => ExitCode::SUCCESS,
        Err(cause) => {
            // SECURITY: further lines are indented, so that no name in an error can forge another error.
            say!("bantin: {}", format!("{cause:#}").trim_end().replace('\n', "\n  "));
            ExitCode::from(if import::is_usage_error(&cause) { 2 } else { 1 })
        }
    };
    logging::flush();
    code
}

fn encoding(word: &str) -> Result<Encoding, String> {
    let known = || Encoding::ALL.map(Encoding::as_str).join(", ");
    Encoding::from_setting(word).ok_or_else(|| format!("accepted values: {}", known()))
}

impl Arguments {
    fn output(&self) -> OutputOptions {
        OutputOptions { json: self.json, quiet: self.quiet, verbose: self.verbose }
    }

    fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            // Commands print their outcome; the service logs.
            _ if matches!(self.command, Command::Serve) => Verbosity::Normal,
            _ => Verbosity::Quiet,
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    if let Command::Completions { shell } = arguments.command {
        // Into memory first: the library panics on a write error.
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Arguments::command(), "bantin", &mut script);
        io::stdout().write_all(&script)?;
        return Ok(Outcome::Done);
    }
    let output = arguments.output();
    let config = Config::load(arguments.config.as_deref(), environment())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // At the file size limit, a write must fail instead of ending the process.
        let _ = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()));
        match &arguments.command {
            Command::Serve => serve::serve(config, arguments.quiet).await,
            Command::Check { files } => check::check(&config, files, output),
            Command::Render { channel, format } => render(config, channel, (*format).into()).await,
            Command::Scan { confirm } => scan(config, *confirm, output).await,
            Command::List { channel, limit } => list(config, channel.as_ref(), *limit, output).await,
            Command::Publish { file, channel, id, remote } => {
                publish::publish(config, file, channel, id.as_deref(), remote, output).await
            }
            Command::Import { paths, channel, new_channel, encoding, dry_run } => {
                let request = ImportRequest {
                    paths: paths.clone(),
                    channel: channel.clone(),
                    new_channel: *new_channel,
                    encoding: *encoding,
                };
                import::import(config, &request, *dry_run, output).await
            }
            Command::Withdraw { id, reason, erase, remote } => match remote.service()? {
                Some(service) => service.withdraw(id, reason.as_deref(), *erase),
                None => withdraw(config, id, reason.clone(), *erase, output).await,
            },
            Command::Build { out } => build::build(config, out, output).await,
            Command::Token { command } => token::token(config, command, output).await,
            Command::Backup { file } => backup::backup(config, file, output).await,
            Command::RestoreBackup { file } => backup::restore(config, file, output).await,
            Command::Migrate { from, to } => backup::migrate(config, from, to, output).await,
            Command::Restore { id } => restore(config, id, output).await,
            Command::Config => show_config(&config, arguments.json),
            Command::Completions { .. } => Ok(Outcome::Done),
        }
    })
}

/// The environment variables that are valid UTF-8.
fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |value: OsString| value.into_string().ok();
    std::env::vars_os().filter_map(move |(name, value)| Some((text(name)?, text(value)?)))
}

async fn render(config: Config, channel: &str, format: Format) -> anyhow::Result<Outcome> {
    let scope = match channel {
        "-" => None,
        slug => Some(Slug::parse(slug)?),
    };
    let preview = !Store::exists(&config.store);
    let mut config = config;
    let mut _scratch = None;
    if preview {
        // There is no log yet, and a preview must not create one.
        _scratch = Some(scratch_store(&mut config)?);
    }
    let store = open_store(&config).await?;
    if preview {
        say!("bantin: nothing is published yet; this is a preview of the articles folder");
        Scanner::new(store.clone(), config.ingest.clone()).scan_until_stable(false).await?;
    }
    if let Some(slug) = &scope {
        require_channel(&store, &config, slug).await?;
    }
    let bytes = render::render_feed(&store, &config.render, scope.as_ref(), format).await?;
    io::stdout().write_all(&bytes)?;
    store.close().await;
    Ok(Outcome::Done)
}

async fn scan(mut config: Config, confirm: bool, output: OutputOptions) -> anyhow::Result<Outcome> {
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

async fn list(
    config: Config,
    channel: Option<&Slug>,
    limit: Option<usize>,
    output: OutputOptions,
) -> anyhow::Result<Outcome> {
    const PAGE: u32 = 500;
    let store = open_store(&config).await?;
    if let Some(slug) = channel {
        require_channel(&store, &config, slug).await?;
    }
    let zone = config.store.zone;
    let mut left = limit.unwrap_or(usize::MAX);
    let mut last: Option<ArticleSummary> = None;
    let mut lines = Lines::new(output.json)?;
    while left > 0 {
        let page = store.list(channel, last.as_ref(), PAGE).await?;
        for article in page.iter().take(left) {
            lines.line(|json| match json {
                true => json!({
                    "id": article.id.as_str(),
                    "state": article.state,
                    "number": article.number,
                    "published": rfc3339(article.stamp, zone),
                    "channels": article.channels,
                    "title": article.title,
                })
                .to_string(),
                false => format!(
                    "{}  {:9}  {}  {}  {}",
                    article.stamp.with_timezone(&zone).format("%Y-%m-%d %H:%M"),
                    article.state,
                    Slug::join(&article.channels, ","),
                    printable(article.id.as_str(), MAX_LINE),
                    printable(&article.title, MAX_LINE)
                ),
            })?;
        }
        left = left.saturating_sub(page.len());
        last = page.last().cloned();
        if page.len() < PAGE as usize {
            break;
        }
    }
    lines.end()?;
    store.close().await;
    Ok(Outcome::Done)
}

async fn withdraw(
    config: Config,
    named: &str,
    reason: Option<String>,
    erase: bool,
    output: OutputOptions,
) -> anyhow::Result<Outcome> {
    let store = open_existing_store(&config).await?;
    let id = &article_of(named, &store, &config).await?;
    let result = store.withdraw(id, reason, erase, "command").await?;
    store.close().await;
    let (done, outcome) = match result {
        WithdrawOutcome::Withdrawn(number) => {
            return print_outcome(output, id, "withdrawn", Some(number));
        }
        WithdrawOutcome::ReasonChanged(number) => {
            return print_outcome(output, id, "was withdrawn before; the reason is changed", Some(number));
        }
        WithdrawOutcome::Already => (true, "was withdrawn before"),
        WithdrawOutcome::NeverPublished => (true, "will not be published"),
        WithdrawOutcome::Unknown => (false, "is unknown; `bantin list` shows all articles"),
        WithdrawOutcome::Refused(refusal) => bail!("{}", refusal.message()),
        WithdrawOutcome::Stale(_) => (false, "was changed by somebody else in the meantime"),
    };
    if done { print_outcome(output, id, outcome, None) } else { bail!("{id} {outcome}") }
}

async fn restore(config: Config, named: &str, output: OutputOptions) -> anyhow::Result<Outcome> {
    let store = open_existing_store(&config).await?;
    let id = &article_of(named, &store, &config).await?;
    let result = store.restore(id, "command").await?;
    store.close().await;
    match result {
        RestoreOutcome::Restored(number) => print_outcome(output, id, "restored", Some(number)),
        RestoreOutcome::Waiting => print_outcome(output, id, "waits for its time again", None),
        RestoreOutcome::NotWithdrawn => print_outcome(output, id, "is not withdrawn", None),
        RestoreOutcome::Erased => bail!("the text of {id} was erased; publish it again under another name"),
        RestoreOutcome::Unknown => bail!("{id} is unknown; `bantin list` shows all articles"),
    }
}

fn print_outcome(
    output: OutputOptions,
    id: &ArticleId,
    word: &str,
    number: Option<u64>,
) -> anyhow::Result<Outcome> {
    if output.json {
        print_line(json!({ "id": id.as_str(), "outcome": word, "number": number }))?;
    } else if !output.quiet {
        match number {
            Some(number) => say!("{id} {word} (number {number})"),
            None => say!("{id} {word}"),
        }
    }
    Ok(Outcome::Done)
}

fn show_config(config: &Config, json: bool) -> anyhow::Result<Outcome> {
    let mut out = io::stdout().lock();
    let values = config.effective_values();
    if json {
        let keys: BTreeMap<&str, _> = (values.iter())
            .map(|key| (key.key.as_str(), json!({ "value": as_json(&key.value), "from": key.origin })))
            .collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&keys)?)?;
    } else {
        let length = |key: &EffectiveValue| key.key.chars().count() + key.value.to_string().chars().count();
        let width = values.iter().map(length).max().unwrap_or(0).min(60);
        for key in &values {
            let pad = width.saturating_sub(length(key));
            writeln!(out, "{} = {}{:pad$}  # {}", key.key, key.value, "", key.origin)?;
        }
    }
    Ok(Outcome::Done)
}

/// A date has no form of its own in JSON and becomes a string.
fn as_json(value: &toml::Value) -> serde_json::Value {
    match value {
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(values) => values.iter().map(as_json).collect(),
        toml::Value::Table(table) => table
            .iter()
            .map(|(key, value)| (key.clone(), as_json(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        value => json!(value),
    }
}

/// True if stdout was closed by its reader (`bantin list | head`).
fn is_closed_pipe(cause: &anyhow::Error) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

//! The command line: parses the arguments, runs one command, reports the outcome.
//!
//! Data goes to stdout, messages to stderr. Exit codes: 0 done; 1 failed, or problems found; 2 usage error; 78 `serve`
//! refused its configuration.

mod backup;
mod build;
mod check;
mod checksum;
mod config;
mod file_import;
mod health;
mod import;
mod list;
mod manual;
mod open;
mod output;
mod publish;
mod pull;
mod remote;
mod render;
mod retention;
mod scan;
mod scratch;
mod serve;
mod subscribers;
mod token;
mod withdraw;

use std::io::{self, Write as _};
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use output::{Outcome, OutputOptions};
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Config, ConfigError, process_environment};
use crate::ingest::ImportRequest;
use crate::logging::{self, Verbosity};
use crate::model::Slug;
use crate::parse::Encoding;
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
        /// Article file: .txt, .md, .html, .docx or .odt
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
        /// Files, directories (with all subdirectories) and zip archives; exports of WordPress, RSS, Atom and JSON Feed
        /// files, backups of another bantin
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// The channel of all articles [default: the directories at the top of each PATH are the channels, or the
        /// categories of a file]
        #[arg(long, value_name = "SLUG")]
        channel: Option<Slug>,
        /// Create the channel if it does not exist; of a file, all channels that its categories need
        #[arg(long)]
        new_channel: bool,
        /// Encoding of text files that are not Unicode: tcvn3, vni, windows-1258, utf-16, utf-8
        #[arg(long, value_name = "NAME", value_parser = encoding)]
        encoding: Option<Encoding>,
        #[command(flatten)]
        of_file: file_import::FileImportArguments,
        /// Read everything and report what would be rejected; publishes nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Collect articles from the sources in the configuration, for cron; exit code 1 if one fails or an item is held back
    Pull {
        /// Only this source, also if it is not due yet [default: all that are due]
        name: Option<String>,
        /// Take in what the source published before what its feed contains now: archives, pages of WordPress
        #[arg(long, requires = "name")]
        backfill: bool,
    },
    /// Show how the sources are, decide on items that are held back, pause a source
    Sources {
        #[command(subcommand)]
        command: Option<pull::SourcesCommand>,
    },
    /// Show who is told of changes: the subscribers of the hub, webhooks and an outside hub
    Subscribers,
    /// Write the whole site as static files for nginx, Caddy or a CDN; only what changed since the last build
    Build {
        /// Output directory; created if missing. An existing one must be empty or from an earlier build
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Write no compressed files (.gz, .br), for a server or CDN that compresses by itself
        #[arg(long)]
        no_compress: bool,
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
        /// Backup file; must not exist yet. With --keep: the directory of the backups
        file: PathBuf,
        /// Name the backup by its time and delete all but the newest N backups in the directory
        #[arg(long, value_name = "N")]
        keep: Option<NonZeroUsize>,
    },
    /// Read a whole backup and compare its checksum; without FILE, read the whole database of the configured store and
    /// name what is damaged
    Verify {
        /// Backup file
        file: Option<PathBuf>,
    },
    /// Fill the configured store, which must be empty, from a backup, as a new log
    RestoreBackup {
        /// Backup file
        file: PathBuf,
        /// Do not compare the checksum: for a backup of a version that wrote none
        #[arg(long)]
        without_checksum: bool,
    },
    /// Ask the running service whether it is ready
    Health,
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
    /// Show the effective configuration and where each value comes from; with --quiet, only validate it
    Config,
    /// Print a shell completion script
    Completions {
        /// Shell
        shell: Shell,
    },
    /// Write man pages and completions, for packages
    #[command(hide = true)]
    Manual {
        /// Output directory
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
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

/// `EX_CONFIG` of sysexits.h. The unit of systemd names it: only a person can repair a configuration, so that a restart
/// would only bury the message.
const CONFIGURATION_REFUSED: u8 = 78;

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
    logging::init(arguments.verbosity());
    let is_service = matches!(arguments.command, Command::Serve);
    logging::set_json(is_service && arguments.json);
    // Without the flush, an error on buffered output would be lost.
    let outcome = run(arguments).and_then(|outcome| Ok(io::stdout().flush().map(|()| outcome)?));
    let code = match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::ProblemsFound) => ExitCode::from(1),
        Err(cause) if is_closed_pipe(&cause) => ExitCode::SUCCESS,
        Err(cause) => {
            // SECURITY: further lines are indented, so that no name in an error can forge another error.
            logging::say_fatal(&format!("bantin: {}", format!("{cause:#}").trim_end().replace('\n', "\n  ")));
            let is_usage = import::is_usage_error(&cause) || file_import::is_usage_error(&cause);
            ExitCode::from(match cause.is::<ConfigError>() {
                true if is_service => CONFIGURATION_REFUSED,
                _ if is_usage => 2,
                _ => 1,
            })
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
    if let Command::Manual { out } = &arguments.command {
        return manual::manual(Arguments::command(), out);
    }
    let output = arguments.output();
    if let Command::Verify { file: Some(file) } = &arguments.command {
        return backup::verify(file, output);
    }
    // Before other threads start, because it removes variables from the environment.
    let inherited = match arguments.command {
        Command::Serve => inherited_sockets()?,
        _ => Vec::new(),
    };
    let file_by_default = Config::default_file();
    let file = arguments.config.as_deref();
    let config = Config::load(file, process_environment()).inspect_err(|_| {
        if matches!(arguments.command, Command::Serve)
            && Config::refused_wants_json_log(file, process_environment())
        {
            logging::set_json(true);
        }
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // At the file size limit, a write must fail instead of ending the process.
        let _ = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()));
        match &arguments.command {
            Command::Serve => {
                // A reload reads the same file: without it, the defaults would take the place of all that it says.
                let file = arguments.config.or_else(|| file_by_default.map(Path::to_owned));
                serve::serve(config, file, inherited, output).await
            }
            Command::Check { files } => check::check(&config, files, output),
            Command::Render { channel, format } => render::render(config, channel, (*format).into()).await,
            Command::Scan { confirm } => scan::scan(config, *confirm, output).await,
            Command::List { channel, limit } => list::list(config, channel.as_ref(), *limit, output).await,
            Command::Publish { file, channel, id, remote } => {
                publish::publish(config, file, channel, id.as_deref(), remote, output).await
            }
            Command::Import { paths, channel, new_channel, encoding, of_file, dry_run } => {
                let request = ImportRequest {
                    paths: paths.clone(),
                    channel: channel.clone(),
                    new_channel: *new_channel,
                    encoding: *encoding,
                };
                match file_import::is_of_files(&request, of_file)? {
                    true => file_import::import(config, &request, of_file, *dry_run, output).await,
                    false => import::import(config, &request, *dry_run, output).await,
                }
            }
            Command::Withdraw { id, reason, erase, remote } => match remote.service()? {
                Some(service) => service.withdraw(id, reason.as_deref(), *erase),
                None => withdraw::withdraw(config, id, reason.clone(), *erase, output).await,
            },
            Command::Pull { name, backfill } => pull::pull(config, name.as_deref(), *backfill, output).await,
            Command::Sources { command } => pull::sources(config, command.as_ref(), output).await,
            Command::Subscribers => subscribers::subscribers(config, output).await,
            Command::Build { out, no_compress } => build::build(config, out, !no_compress, output).await,
            Command::Token { command } => token::token(config, command, output).await,
            Command::Backup { file, keep } => backup::backup(config, file, *keep, output).await,
            Command::RestoreBackup { file, without_checksum } => {
                backup::restore(config, file, *without_checksum, output).await
            }
            Command::Health => health::health(&config, output),
            Command::Migrate { from, to } => backup::migrate(config, from, to, output).await,
            Command::Restore { id } => withdraw::restore(config, id, output).await,
            Command::Config => config::show(&config, output),
            Command::Verify { .. } => backup::verify_store(&config, output).await,
            Command::Completions { .. } | Command::Manual { .. } => Ok(Outcome::Done),
        }
    })
}

/// The listening sockets that systemd passes (sd_listen_fds(3)), in the order of its unit.
fn inherited_sockets() -> io::Result<Vec<TcpListener>> {
    let mut passed = listenfd::ListenFd::from_env();
    let sockets = (0..passed.len()).map(|index| passed.take_tcp_listener(index));
    Ok(sockets.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// True if stdout was closed by its reader (`bantin list | head`).
fn is_closed_pipe(cause: &anyhow::Error) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

//! Where log lines go: to stderr, in English, one line each.
//!
//! What to log where: once, where a thing is handled, with the identifier as a field. Never a secret, never
//! the text of an article; nothing on the path of a request that is answered from memory, unless the operator
//! asks for a line on each.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// Errors alone.
    Quiet,
    /// What the operator should know.
    Normal,
    /// Each step.
    Verbose,
}

/// Sends log lines to stderr. The variable `RUST_LOG` beats `verbosity`. Call it once, at the start.
pub fn install(verbosity: Verbosity) {
    let default = match verbosity {
        Verbosity::Quiet => "error",
        Verbosity::Normal => "warn,bantin=info",
        Verbosity::Verbose => "info,bantin=debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .finish();
    // A second call changes nothing: the first subscriber stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

//! `bantin manual`: writes the man pages and the completions, for packages.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use clap_complete::Shell;

use super::output::Outcome;

/// Writes `man/*.1` and `completions/*` below `out`.
///
/// # Errors
/// If a file cannot be written.
pub(super) fn manual(command: clap::Command, out: &Path) -> anyhow::Result<Outcome> {
    let (man, completions) = (out.join("man"), out.join("completions"));
    for folder in [&man, &completions] {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    clap_mangen::generate_to(command.clone().disable_help_subcommand(true), &man)
        .with_context(|| format!("writing {}", man.display()))?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command.clone(), "bantin", &completions)
            .with_context(|| format!("writing {}", completions.display()))?;
    }
    Ok(Outcome::Done)
}

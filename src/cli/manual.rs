//! `bantin manual`: writes the man pages and the completions, for packages.

use std::path::Path;
use std::{env, fs, io};

use anyhow::Context as _;
use clap_complete::Shell;

use super::output::Outcome;

/// Writes `man/*.1` and `completions/*` below `out`. The pages have the date of `SOURCE_DATE_EPOCH` (seconds since 1970, UTC),
/// so that two builds of a package are equal; without it, today's.
///
/// # Errors
/// If a file cannot be written.
pub(super) fn manual(command: clap::Command, out: &Path) -> anyhow::Result<Outcome> {
    let (man, completions) = (out.join("man"), out.join("completions"));
    for folder in [&man, &completions] {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    let mut described = command.clone().disable_help_subcommand(true);
    described.build();
    write_pages(&described, &date()?, &man).with_context(|| format!("writing {}", man.display()))?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command.clone(), "bantin", &completions)
            .with_context(|| format!("writing {}", completions.display()))?;
    }
    Ok(Outcome::Done)
}

/// The page of a command and those of its subcommands.
fn write_pages(command: &clap::Command, date: &str, folder: &Path) -> io::Result<()> {
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        write_pages(subcommand, date, folder)?;
    }
    // NOTE: without a date, the page would show the version in its place.
    let source = format!("bantin {}", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command.clone()).date(date).source(source).generate_to(folder).map(drop)
}

fn date() -> anyhow::Result<String> {
    let now = match env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => {
            text.parse().ok().and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0)).with_context(
                || format!("SOURCE_DATE_EPOCH={text}: write seconds since 1970, like 1683887940"),
            )?
        }
        Err(_) => chrono::Utc::now(),
    };
    Ok(now.format("%Y-%m-%d").to_string())
}

//! `bantin token`: tokens for publishing over HTTP.

use anyhow::bail;
use clap::Subcommand;
use serde_json::json;

use super::open::require_channel;
use super::output::{Lines, MAX_LINE, Outcome, OutputOptions, print_line};
use crate::app::open_store;
use crate::config::Config;
use crate::logging::{printable, say};
use crate::model::Slug;
use crate::time::rfc3339;

#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Create a token; its secret is printed once and stored only as a hash
    New {
        /// Name of the token's owner; recorded with each revision
        name: String,
        /// Slugs of the channels the token may write to [default: all]
        #[arg(long, value_name = "SLUG", value_delimiter = ',', num_args = 1..)]
        channels: Vec<Slug>,
    },
    /// List tokens, without their secrets
    List,
    /// Revoke a token; takes effect at once, also on a running service
    Revoke {
        /// Name of the token
        name: String,
    },
}

pub(super) async fn token(
    config: Config,
    command: &TokenCommand,
    output: OutputOptions,
) -> anyhow::Result<Outcome> {
    let store = open_store(&config).await?;
    match command {
        TokenCommand::New { name, channels } => {
            for channel in channels {
                require_channel(&store, &config, channel).await?;
            }
            let channels = (!channels.is_empty()).then_some(channels.as_slice());
            match store.create_token(name, channels).await? {
                Some(secret) => print_line(secret)?,
                None => bail!("token `{name}` already exists; choose another name"),
            }
        }
        TokenCommand::List => {
            let mut lines = Lines::new(output.json)?;
            for token in store.tokens().await? {
                let revoked = token.revoked_at.map(|at| rfc3339(at, config.store.zone));
                let created = rfc3339(token.created_at, config.store.zone);
                lines.line(|as_json| match as_json {
                    true => json!({
                        "name": token.name,
                        "channels": token.channels,
                        "created": created,
                        "revoked": revoked,
                    })
                    .to_string(),
                    false => format!(
                        "{created}  {}  {}  {}",
                        if revoked.is_some() { "revoked" } else { "valid  " },
                        token
                            .channels
                            .as_ref()
                            .map_or("(all channels)".to_owned(), |own| Slug::join(own, ",")),
                        printable(&token.name, MAX_LINE)
                    ),
                })?;
            }
            lines.end()?;
        }
        TokenCommand::Revoke { name } => {
            if !store.revoke_token(name).await? {
                bail!("no valid token `{name}`; `bantin token list` shows all");
            }
            if !output.quiet {
                say!("{name} revoked");
            }
        }
    }
    store.close().await;
    Ok(Outcome::Done)
}

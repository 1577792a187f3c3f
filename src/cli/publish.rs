//! `bantin publish` and `withdraw --to`: the same from a shell as over HTTP, here or against a running service.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use serde_json::json;

use super::{Arguments, Outcome, check};
use crate::address::{api_article_path, article_path};
use crate::app::open_store;
use crate::article::ArticleId;
use crate::channel::Slug;
use crate::config::Config;
use crate::ingest::{findings_of, reading_of};
use crate::manuscript::{self, Form};
use crate::press;
use crate::store::{Accepted, Origin, Submission, Terms, Verdict};

/// Where a running service is, and what opens its door.
#[derive(clap::Args, Clone)]
pub(super) struct Remote {
    /// Do it on the service at this address instead of in the store here
    #[arg(long, value_name = "URL", requires = "token_file")]
    pub(super) to: Option<String>,
    /// The file that holds the token's secret and nothing else
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
}

impl Remote {
    /// The service's address without a slash at the end, and the secret.
    pub(super) fn service(&self) -> anyhow::Result<Option<(String, String)>> {
        let (Some(to), Some(file)) = (&self.to, &self.token_file) else { return Ok(None) };
        let secret =
            fs::read_to_string(file).with_context(|| format!("reading the token in {}", file.display()))?;
        Ok(Some((to.trim_end_matches('/').to_owned(), secret.trim().to_owned())))
    }
}

/// Publishes one file in one channel, or corrects the article of this id with it.
pub(super) async fn publish(
    config: Config,
    file: &Path,
    channel: &Slug,
    id: Option<&ArticleId>,
    remote: &Remote,
    arguments: &Arguments,
) -> anyhow::Result<Outcome> {
    match remote.service()? {
        Some((to, secret)) => publish_there(file, channel, id, &to, &secret),
        None => publish_here(config, file, channel, id, arguments).await,
    }
}

async fn publish_here(
    config: Config,
    file: &Path,
    channel: &Slug,
    id: Option<&ArticleId>,
    arguments: &Arguments,
) -> anyhow::Result<Outcome> {
    let path = file.display().to_string();
    let reading = reading_of(Path::new(""), &path, &config.ingest.reading(Some(channel)))
        .with_context(|| format!("reading {path}"))?;
    let findings = findings_of(&path, &reading);
    check::print_findings_to_stderr(&findings, Path::new(""), arguments)?;
    let Some(draft) = reading.reading.draft else { bail!("{path} is no article and was not published") };
    let store = open_store(&config).await?;
    let known = press::channels(&mut store.snapshot().await?, &config.press.channels).await?;
    if !known.iter().any(|known| known.slug == *channel) {
        let names: Vec<&str> = known.iter().map(|known| known.slug.as_str()).collect();
        bail!("there is no channel `{channel}`; there are: {}", names.join(", "));
    }
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let submission = Submission {
        article: draft.article,
        channels: vec![channel.clone()],
        id: id.cloned().or(draft.id),
        stem: Slug::from_title(&stem),
        origin: Origin::Command("command".to_owned()),
        terms: Terms::default(),
    };
    let accepted = store.take_in(submission).await?;
    store.close().await;
    let url = config.press.addresses.absolute(&article_path(&accepted.permalink));
    tell(&accepted, &url, arguments)
}

fn tell(accepted: &Accepted, url: &str, arguments: &Arguments) -> anyhow::Result<Outcome> {
    let id = &accepted.id;
    let (word, number) = match &accepted.verdict {
        Verdict::Published(number) => ("published", Some(*number)),
        Verdict::Corrected(number) => ("corrected", Some(*number)),
        Verdict::Moved(number) => ("moved", Some(*number)),
        Verdict::Restored(number) => ("restored", Some(*number)),
        Verdict::Unchanged => ("unchanged", None),
        Verdict::Waiting(_) => ("waits for its time", None),
        Verdict::StaysWithdrawn => bail!("{id} was withdrawn; `bantin restore {id}` brings it back"),
        Verdict::Conflict { with } => bail!("{id} is the article of the file {with}; correct that file"),
        Verdict::Stale(_) | Verdict::KeyReused => bail!("{id} was changed by somebody else meanwhile"),
    };
    if arguments.json {
        println!("{}", json!({ "id": id.as_str(), "url": url, "outcome": word, "number": number }));
    } else {
        println!("{id}");
        if !arguments.quiet {
            eprintln!("{word}: {url}");
        }
    }
    Ok(Outcome::Done)
}

fn publish_there(
    file: &Path,
    channel: &Slug,
    id: Option<&ArticleId>,
    to: &str,
    secret: &str,
) -> anyhow::Result<Outcome> {
    let name = file.display().to_string();
    let media_type = match manuscript::form_of(&name) {
        Some(Form::Text) => "text/plain; charset=utf-8",
        Some(Form::Markdown) => "text/markdown; charset=utf-8",
        Some(Form::Html) => "text/html; charset=utf-8",
        Some(Form::Docx) | None => bail!("{name}: over HTTP send .txt, .md or .html"),
    };
    let bytes = fs::read(file).with_context(|| format!("reading {name}"))?;
    let request = match id {
        Some(id) => ureq::put(format!("{to}{}", api_article_path(id))),
        None => ureq::post(format!("{to}/api/articles")),
    };
    let answer = request
        .query("channel", channel.as_str())
        .header("Content-Type", media_type)
        .header("Authorization", format!("Bearer {secret}"))
        .config()
        .http_status_as_error(false)
        .build()
        .send(&bytes);
    print_answer(answer)
}

/// Withdraws an article on a running service.
pub(super) fn withdraw_there(
    id: &ArticleId,
    reason: Option<&str>,
    erase: bool,
    to: &str,
    secret: &str,
) -> anyhow::Result<Outcome> {
    let mut request = ureq::delete(format!("{to}{}", api_article_path(id)))
        .header("Authorization", format!("Bearer {secret}"));
    if let Some(reason) = reason {
        request = request.query("reason", reason);
    }
    if erase {
        request = request.query("erase", "true");
    }
    print_answer(request.config().http_status_as_error(false).build().call())
}

/// Prints what the service answered: data on stdout, a refusal as an error.
fn print_answer(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> anyhow::Result<Outcome> {
    let mut answer = answer.context("asking the service")?;
    let status = answer.status();
    let text = answer.body_mut().read_to_string().context("reading the service's answer")?;
    if status.is_success() {
        println!("{}", text.trim_end());
        Ok(Outcome::Done)
    } else {
        Err(anyhow!("the service answered {status}: {}", text.trim_end()))
    }
}

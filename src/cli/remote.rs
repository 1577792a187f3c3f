//! The HTTP client of `publish --to` and `withdraw --to`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use ureq::http::StatusCode;
use ureq::http::header::LOCATION;
use ureq::{Agent, Body, http::Response};

use super::output::{Outcome, OutputOptions, print_line};
use crate::fetch;
use crate::files::{read_named, read_named_text};
use crate::logging::{printable, say};
use crate::model::{ArticleId, Slug};
use crate::parse::{self, FileFormat};
use crate::urls::api_article_path;

/// Where a running service is, and the token for it.
#[derive(clap::Args, Clone)]
pub(super) struct Remote {
    /// Address of a running service to send the change to, instead of the local store
    #[arg(long, value_name = "URL", requires = "token_file")]
    to: Option<String>,
    /// File that contains only the token's secret
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// A running service.
pub(super) struct Service {
    /// Without a trailing slash.
    address: String,
    secret: String,
    agent: Agent,
}

/// Timeout of a whole request.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Maximum length of a file, in bytes.
const MAX_FILE_BYTES: u64 = 64 << 20;
/// Maximum length of shown text from an unexpected response.
const MAX_SHOWN_CHARS: usize = 300;

impl Remote {
    /// The service; `None` for the local store.
    pub(super) fn service(&self) -> anyhow::Result<Option<Service>> {
        let (Some(to), Some(file)) = (&self.to, &self.token_file) else { return Ok(None) };
        let secret = read_named_text(file, 1 << 16)
            .with_context(|| format!("reading the token in {}", file.display()))?;
        // NOTE: the agent follows no redirect. One turns POST and DELETE into GET (RFC 9110 §15.4.2), which changes
        // nothing and succeeds.
        let agent = fetch::agent(
            fetch::AllowedAddresses::All,
            concat!("bantin/", env!("CARGO_PKG_VERSION")),
            TIMEOUT,
        );
        let (address, secret) = (to.trim_end_matches('/').to_owned(), secret.trim().to_owned());
        Ok(Some(Service { address, secret, agent }))
    }
}

impl Service {
    /// Publishes a file in a channel, or corrects the article that `correct` names.
    pub(super) fn publish(
        &self,
        file: &Path,
        channel: &Slug,
        correct: Option<&str>,
        output: OutputOptions,
    ) -> anyhow::Result<Outcome> {
        let name = file.display().to_string();
        let media_type = match parse::format_from_name(&name) {
            Some(FileFormat::Text) => "text/plain; charset=utf-8",
            Some(FileFormat::Markdown) => "text/markdown; charset=utf-8",
            Some(FileFormat::Html) => "text/html; charset=utf-8",
            Some(FileFormat::Docx | FileFormat::Odt) | None => {
                bail!("{name}: only .txt, .md and .html can be sent over HTTP")
            }
        };
        let bytes = read_named(file, MAX_FILE_BYTES).with_context(|| format!("reading {name}"))?;
        let request = match correct {
            Some(named) => self.agent.put(self.resource(named)?),
            None => self.agent.post(format!("{}/api/articles", self.address)),
        };
        let answer = request
            .query("channel", channel.as_str())
            .header("Content-Type", media_type)
            .header("Authorization", format!("Bearer {}", self.secret))
            .send(&bytes);
        let answered = self.response(answer)?;
        print_diagnostics(&name, &answered, output);
        answered.require_success()
    }

    /// Withdraws an article.
    pub(super) fn withdraw(&self, named: &str, reason: Option<&str>, erase: bool) -> anyhow::Result<Outcome> {
        let mut request = self
            .agent
            .delete(self.resource(named)?)
            .header("Authorization", format!("Bearer {}", self.secret));
        if let Some(reason) = reason {
            request = request.query("reason", reason);
        }
        if erase {
            request = request.query("erase", "true");
        }
        self.response(request.call())?.require_success()
    }

    /// The URL of an article in the API. An article that is named by its page is looked up by the day in the address.
    fn resource(&self, named: &str) -> anyhow::Result<String> {
        let resource = |id: &str| format!("{}{}", self.address, api_article_path(&ArticleId::new(id)));
        let Some(page) = named.find("/bai-viet/").map(|start| &named[start..]) else {
            return Ok(resource(named));
        };
        let day = page.split('/').skip(2).take(3).collect::<Vec<_>>().join("-");
        let list = format!("{}/api/articles", self.address);
        let list = self.agent.get(list).query("from", &day).query("to", &day).query("limit", "1000").call();
        let articles = self.response(list)?.json["articles"].take();
        let mut articles = articles.as_array().into_iter().flatten();
        let found = articles.find(|article| article["url"].as_str().is_some_and(|url| url.ends_with(page)));
        Ok(resource(found.and_then(|article| article["id"].as_str()).unwrap_or(named)))
    }

    fn response(&self, answer: Result<Response<Body>, ureq::Error>) -> anyhow::Result<RemoteResponse> {
        let mut answer = answer.with_context(|| format!("connecting to the service at {}", self.address))?;
        let status = answer.status();
        if status.is_redirection() {
            bail!(
                self.redirect_error(status, answer.headers().get(LOCATION).and_then(|to| to.to_str().ok()))
            );
        }
        let text = answer.body_mut().read_to_string().context("reading the response of the service")?;
        Ok(RemoteResponse { status, json: serde_json::from_str(&text).unwrap_or_default(), text })
    }

    fn redirect_error(&self, status: StatusCode, location: Option<&str>) -> String {
        let target = location
            .and_then(|location| url::Url::parse(&self.address).and_then(|base| base.join(location)).ok());
        let cure = match target {
            Some(target) => {
                let path = target.path().find("/api/").map_or("", |end| &target.path()[..end]);
                format!(
                    "the service redirects ({status}) to {target}; repeat the command with `--to {}{path}`",
                    target.origin().ascii_serialization()
                )
            }
            None => format!("it redirects ({status}) without an address"),
        };
        format!("nothing was changed: the service is not at {}: {cure}", self.address)
    }
}

/// A response of the service.
struct RemoteResponse {
    status: StatusCode,
    text: String,
    /// Null if the body is not JSON.
    json: Value,
}

impl RemoteResponse {
    /// Prints the response. It is an error unless it confirms the operation.
    fn require_success(&self) -> anyhow::Result<Outcome> {
        let text = self.text.trim_end();
        if !self.status.is_success() {
            bail!("the service answered {}: {}", self.status, shorten(text));
        }
        // A page of a proxy or of another program may have status 200 as well.
        if !(self.json["id"].is_string() && self.json["outcome"].is_string()) {
            bail!(
                "unexpected answer ({}), probably not from bantin; nothing confirms the change: {}",
                self.status,
                shorten(text)
            );
        }
        print_line(text)?;
        Ok(Outcome::Done)
    }
}

/// The beginning of an untrusted text, without control characters.
fn shorten(text: &str) -> String {
    printable(text, MAX_SHOWN_CHARS).into_owned()
}

/// Prints the diagnostics of the service in the format of `bantin check`.
fn print_diagnostics(name: &str, answered: &RemoteResponse, output: OutputOptions) {
    let text = |finding: &Value, member: &str| shorten(finding[member].as_str().unwrap_or_default());
    for finding in answered.json["findings"].as_array().into_iter().flatten() {
        let severity = text(finding, "severity");
        if output.quiet && severity != "error" {
            continue;
        }
        let line = finding["line"].as_u64().map(|line| format!("{line}:")).unwrap_or_default();
        let (vietnamese, english) = (text(finding, "message_vi"), text(finding, "message"));
        say!("{name}:{line} {severity}: {vietnamese} ({english})");
    }
}

//! The query parameters and the body of a write: plain text, Markdown, HTML, JSON, a Word document, or a form with an
//! article file and images, parsed into an article.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::http::request::Parts;
use serde_json::{Value, json};

use super::super::response::{self, HttpResponse};
use super::super::server::RequestBody;
use super::super::state::AppState;
use super::super::validity::has_files;
use super::body_format::{BodyFormat, ReadBody, content_type, read};
use super::problem::{self, Problem};
use super::upload::Upload;
use crate::content_html::content_html;
use crate::ingest;
use crate::message::Message;
use crate::model::{Entry, Image, Permalink, Slug};
use crate::parse::{self, ParsedArticle};
use crate::store::KeptImages;
use crate::time::{PublishedAt, local_date, rfc3339};
use crate::urls::SiteUrls;

/// An article as sent and as parsed.
pub(super) struct ParsedWrite {
    pub(super) options: WriteParams,
    urls: Arc<SiteUrls>,
    /// A hash of what was sent, the same for every retry.
    pub(super) fingerprint: String,
    draft: Option<ParsedArticle>,
    /// The date is the one that the article has.
    pub(super) keeps_date: bool,
    /// The images of the article, to be stored before it.
    pub(super) images: Vec<(Image, Vec<u8>)>,
    /// The diagnostics as JSON.
    pub(super) diagnostics: Vec<Value>,
}

impl ParsedWrite {
    /// Reads the body. `kept_date`: the date of the article if the body names none.
    pub(super) async fn parse(
        state: &Arc<AppState>,
        request: &Parts,
        body: RequestBody,
        kept_date: Option<PublishedAt>,
    ) -> Result<Self, Problem> {
        let options = WriteParams::parse(request)?;
        let format = BodyFormat::from_content_type(request)?;
        let body = match has_files(&request.headers) {
            true => body.collect_upload().await?,
            false => body.collect().await?,
        };
        let content_type = content_type(request).to_owned();
        let upload = match format {
            BodyFormat::Multipart => Upload::from_multipart(&content_type, body).await?,
            _ => Upload { article: body, ..Upload::default() },
        };
        let parse_options = parse::ParseOptions {
            zone: state.render_options.site.time_zone,
            language: state.render_options.site.language.clone(),
            encoding: None,
        };
        let parsed =
            state.blocking(move || ParsedUpload::of(format, &upload, &parse_options, kept_date)).await;
        let ParsedUpload { fingerprint, body, images } = parsed.ok_or_else(Problem::unavailable)??;
        let ReadBody { draft, diagnostics, keeps_date } = body;
        let urls = Arc::clone(&state.urls);
        Ok(Self { options, urls, fingerprint, draft, keeps_date, images, diagnostics })
    }

    /// The article; an error if it could not be parsed.
    pub(super) fn draft(&self) -> Result<&ParsedArticle, Problem> {
        self.draft.as_ref().ok_or_else(Problem::unreadable_article)
    }

    /// The channels named by the request and the article, sorted and deduplicated.
    pub(super) fn channels(&self, draft: &ParsedArticle) -> Vec<Slug> {
        self.urls.resolve_channels(self.options.channels.iter().cloned(), &draft.channels)
    }

    /// The response to a dry run. `problem` is the reason to refuse the article.
    pub(super) fn dry_run_response(&self, state: &AppState, problem: Option<&Problem>) -> HttpResponse {
        let zone = state.render_options.site.time_zone;
        // The diagnostics of an article that could not be parsed already say why.
        let refusal = problem.filter(|_| self.draft.is_some()).map(Problem::as_finding);
        let understood = self.draft.as_ref().map(|draft| {
            let article = &draft.article;
            json!({
                "title": article.title,
                "published": rfc3339(article.published.instant, zone),
                "date_only": article.published.date_only,
                "lead": article.excerpt(),
                "authors": article.authors,
                "source": article.source,
                "tags": article.tags,
                "language": article.language,
                "channels": self.channels(draft),
                "content_html": content_html(&preview(draft, state), &state.urls),
                "pictures": article.images.len(),
            })
        });
        let body = json!({
            "acceptable": problem.is_none(),
            "understood": understood,
            "findings": self.diagnostics.iter().cloned().chain(refusal).collect::<Vec<_>>(),
        });
        response::json(StatusCode::OK, body.to_string(), None, None)
    }
}

/// The entry that would be published, for its text only.
fn preview(draft: &ParsedArticle, state: &AppState) -> Entry {
    let article = draft.article.clone();
    let day = local_date(article.published.instant, state.render_options.site.time_zone);
    let permalink = Permalink { day, slug: Slug::from_title(&article.title) };
    let id = draft.id.clone().unwrap_or_else(|| state.urls.article_id(&permalink));
    Entry { id, permalink, channels: Vec::new(), updated: article.published.instant, article }
}

/// A parsed body.
struct ParsedUpload {
    fingerprint: String,
    body: ReadBody,
    images: Vec<(Image, Vec<u8>)>,
}

impl ParsedUpload {
    /// Parses a body and its images. Blocking.
    fn of(
        format: BodyFormat,
        upload: &Upload,
        options: &parse::ParseOptions,
        kept_date: Option<PublishedAt>,
    ) -> Result<Self, Problem> {
        let fingerprint = upload.fingerprint(format.name());
        let mut body = match &upload.file_name {
            Some(name) => read(parse::parse(name, &upload.article, options)),
            None => upload.format.unwrap_or(format).parse(&upload.article, options, kept_date)?,
        };
        let mut images = Vec::new();
        if let Some(draft) = &mut body.draft {
            let complaints;
            (images, complaints) = ingest::uploaded_images(&upload.article, draft, &upload.images);
            body.diagnostics.extend(complaints.iter().map(problem::file_diagnostic));
        }
        Ok(Self { fingerprint, body, images })
    }
}

/// The query parameters of a write.
#[derive(Default)]
pub(super) struct WriteParams {
    channels: Vec<Slug>,
    pub(super) dry_run: bool,
    pub(super) reason: Option<String>,
    pub(super) erase: bool,
    pub(super) kept_images: KeptImages,
}

impl WriteParams {
    pub(super) fn parse(request: &Parts) -> Result<Self, Problem> {
        let mut options = Self::default();
        let query = request.uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "channel" => options.channels.push(Slug::parse(&value).map_err(|cause| {
                    let vietnamese = "channel: phải là tên chuyên mục như trong địa chỉ, ví dụ xa-hoi";
                    Problem::bad_request(Message::new(vietnamese, format!("channel: {cause}")))
                })?),
                "dry_run" => options.dry_run = flag(&name, &value)?,
                "erase" => options.erase = flag(&name, &value)?,
                "reason" => {
                    options.reason = Some(value.trim().to_owned()).filter(|reason| !reason.is_empty())
                }
                "images" => options.kept_images = kept_images(options.kept_images, &value),
                _ => {
                    return Err(Problem::bad_request(Message::new(
                        format!("Không có tham số `{name}`."),
                        format!("Unknown parameter `{name}`."),
                    )));
                }
            }
        }
        Ok(options)
    }
}

/// Adds a value of `images`: `all`, `none`, or the name of an image.
fn kept_images(kept: KeptImages, value: &str) -> KeptImages {
    match (kept, value) {
        (_, "all") | (KeptImages::All, _) => KeptImages::All,
        (KeptImages::Named(names), "none") => KeptImages::Named(names),
        (KeptImages::Named(mut names), name) => {
            names.push(name.to_owned());
            KeptImages::Named(names)
        }
        (KeptImages::UnlessReplaced, "none") => KeptImages::Named(Vec::new()),
        (KeptImages::UnlessReplaced, name) => KeptImages::Named(vec![name.to_owned()]),
    }
}

fn flag(name: &str, value: &str) -> Result<bool, Problem> {
    match value {
        "true" | "1" | "" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Problem::bad_request(Message::new(
            format!("`{name}` phải là `true` hoặc `false`."),
            format!("`{name}` must be `true` or `false`."),
        ))),
    }
}

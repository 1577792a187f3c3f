//! Publish, correct and withdraw over HTTP: `POST`, `PUT` and `DELETE` on articles.
//!
//! The order of a request: who asks, what it is written in, what is understood of it, where it may stand, and
//! then one transaction of the store, which alone decides: on the token's rights, on `If-Match` and on the write
//! together. An answer of success means that it is on disk.

use std::fmt;
use std::sync::Arc;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, IF_MATCH};
use hyper::http::request::Parts;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::conditional::{Tag, TagList};
use super::super::door::RequestBody;
use super::super::reply::{self, Reply};
use super::super::service::Inner;
use super::problem::{self, Problem};
use super::whole;
use crate::address::{Addresses, api_article_path, article_path};
use crate::article::{ArticleId, Permalink};
use crate::channel::Slug;
use crate::manuscript::{self, Draft, Form};
use crate::press;
use crate::store::{
    Accepted, ArticleVersion, Found, Once, Origin, Refusal, Scheduled, Submission, Terms, Token, Verdict,
    Withdrawal,
};
use crate::vietnam_time::{Zone, rfc3339};

/// A stamp that lies further ahead is a slip of the pen.
const FURTHEST: chrono::TimeDelta = chrono::TimeDelta::days(366);
/// No sensible key is longer.
const LONGEST_KEY: usize = 255;

pub(super) async fn post(service: &Arc<Inner>, request: Parts, body: RequestBody) -> Result<Reply, Problem> {
    let token = authorised(service, &request).await?;
    let incoming = Incoming::read(service, &request, body).await?;
    let once = once(&request, &incoming.body, &token)?;
    if incoming.options.dry_run {
        return Ok(incoming.understood(service.press.site.zone));
    }
    let draft = incoming.draft()?;
    let channels = incoming.channels(draft);
    if channels.is_empty() {
        return Err(Problem::unprocessable(
            "Name a channel: `?channel=SLUG`, or `channels` in the article.",
            "Hãy nêu chuyên mục: `?channel=SLUG`, hoặc `channels` trong bài.",
        ));
    }
    known_channels(service, &channels).await?;
    let terms = Terms { must_be_new: true, once, ..Terms::default() };
    let accepted = submit(service, draft, channels, draft.id.clone(), token, terms).await?;
    match accepted.verdict {
        Verdict::Stale(_) => Err(Problem::exists(&accepted.id)),
        _ => told(service, accepted, &incoming, StatusCode::CREATED).await,
    }
}

pub(super) async fn put(
    service: &Arc<Inner>,
    request: Parts,
    body: RequestBody,
    id: &str,
) -> Result<Reply, Problem> {
    let token = authorised(service, &request).await?;
    let id = ArticleId::new(id);
    // The store judges this again with the write itself. Here it is for a dry run, and for who need not send more.
    may_edit(service, &token, &id).await?;
    let incoming = Incoming::read(service, &request, body).await?;
    let terms = Terms {
        expected: expected(service, &request),
        must_exist: true,
        once: once(&request, &incoming.body, &token)?,
        ..Terms::default()
    };
    if incoming.options.dry_run {
        return Ok(incoming.understood(service.press.site.zone));
    }
    let draft = incoming.draft()?;
    if draft.id.as_ref().is_some_and(|named| *named != id) {
        return Err(Problem::unprocessable(
            "The article names another id than the address does.",
            "Bài viết ghi mã khác với địa chỉ.",
        ));
    }
    let channels = incoming.channels(draft);
    known_channels(service, &channels).await?;
    let accepted = submit(service, draft, channels, Some(id), token, terms).await?;
    match accepted.verdict {
        Verdict::Stale(number) => Err(Problem::changed_meanwhile(number)),
        _ => told(service, accepted, &incoming, StatusCode::OK).await,
    }
}

pub(super) async fn delete(service: &Arc<Inner>, request: Parts, id: &str) -> Result<Reply, Problem> {
    let token = authorised(service, &request).await?;
    let Options { reason, erase, .. } = Options::of(&request)?;
    let author = token.name.clone();
    let terms = Terms { token: Some(token.name), expected: expected(service, &request), ..Terms::default() };
    let id = ArticleId::new(id);
    let name = id.clone();
    let withdrawal = service
        .with_store(async move |service| {
            service.store.withdraw_on_terms(&name, reason, erase, &author, terms).await
        })
        .await;
    let (number, outcome) = match withdrawal.ok_or_else(Problem::unavailable)? {
        Withdrawal::Withdrawn(number) => (Some(number), "withdrawn"),
        Withdrawal::ReasonChanged(number) => (Some(number), "reason changed"),
        Withdrawal::Already => (None, "withdrawn before"),
        Withdrawal::NeverPublished => (None, "will not be published"),
        Withdrawal::Unknown => return Err(Problem::unknown_article(&id)),
        Withdrawal::Stale(number) => return Err(Problem::changed_meanwhile(number)),
        Withdrawal::Refused(refusal) => return Err(Problem::refused(&refusal, &id)),
    };
    let body = json!({ "id": id.as_str(), "number": number, "outcome": outcome });
    Ok(reply::data(StatusCode::OK, body.to_string(), None, None))
}

/// An article that waits for its moment, for whoever may publish in its channels: where it is readable, changeable
/// and removable until then. None for anybody else, as where there is none.
///
/// SECURITY: it is under embargo, and so is that it is there.
pub(super) async fn scheduled(
    service: &Arc<Inner>,
    request: &Parts,
    id: &ArticleId,
) -> Result<Option<Scheduled>, Problem> {
    if !request.headers.contains_key(AUTHORIZATION) {
        return Ok(None);
    }
    let token = authorised(service, request).await?;
    scheduled_for(service, &token, id).await
}

async fn scheduled_for(
    service: &Arc<Inner>,
    token: &Token,
    id: &ArticleId,
) -> Result<Option<Scheduled>, Problem> {
    let id = id.clone();
    let scheduled = service.with_store(async move |service| service.store.scheduled(&id).await).await;
    let scheduled = scheduled.ok_or_else(Problem::unavailable)?;
    Ok(scheduled.filter(|scheduled| token.covers(&scheduled.entry.channels)))
}

/// The tag of a scheduled article.
pub(super) fn tag_of(service: &Arc<Inner>, scheduled: &Scheduled) -> String {
    format!("\"{}.0-{}\"", service.store.log_id(), scheduled.version)
}

/// There is an article of this id that the token may change.
async fn may_edit(service: &Arc<Inner>, token: &Token, id: &ArticleId) -> Result<(), Problem> {
    match find(service, id).await? {
        Found::Live { entry, .. } if token.covers(&entry.channels) => Ok(()),
        Found::Live { entry, .. } => Err(Problem::refused(&Refusal::NotYours(entry.channels.clone()), id)),
        Found::Withdrawn(_) => Err(Problem::withdrawn(id)),
        Found::Nothing => match scheduled_for(service, token, id).await? {
            Some(_) => Ok(()),
            None => Err(Problem::unknown_article(id)),
        },
    }
}

/// Whose token the request bears.
async fn authorised(service: &Arc<Inner>, request: &Parts) -> Result<Token, Problem> {
    let mut lines = request.headers.get_all(AUTHORIZATION).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return Err(Problem::no_token()) };
    let secret = line
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, secret)| secret.trim().to_owned())
        .ok_or_else(Problem::no_token)?;
    // SECURITY: a store that is away is no word about the token: 503, never 401.
    let token = service.with_store(async move |service| service.store.token_of(&secret).await).await;
    let token = token.ok_or_else(Problem::unavailable)?.ok_or_else(Problem::no_token)?;
    service.writers.turn(&token.name).map_err(Problem::too_often)?;
    Ok(token)
}

/// The channels exist. Whether the token covers them, and whether they take new articles, the store judges.
async fn known_channels(service: &Arc<Inner>, channels: &[Slug]) -> Result<(), Problem> {
    let known = service
        .with_store(async |service| {
            press::channels(&mut service.store.snapshot().await?, &service.press.channels).await
        })
        .await;
    let known = known.ok_or_else(Problem::unavailable)?;
    let Some(unknown) = channels.iter().find(|slug| !known.iter().any(|known| known.slug == **slug)) else {
        return Ok(());
    };
    let names: Vec<&str> = known.iter().map(|known| known.slug.as_str()).collect();
    let names = names.join(", ");
    Err(Problem::unprocessable(
        format!("There is no channel `{unknown}`; there are: {names}."),
        format!("Không có chuyên mục `{unknown}`; hiện có: {names}."),
    ))
}

/// An article as it was sent, and what was understood of it.
struct Incoming {
    options: Options,
    addresses: Arc<Addresses>,
    body: Bytes,
    draft: Option<Draft>,
    /// What there is to say about the article, as it stands in answers.
    findings: Vec<Value>,
    /// Why the article is refused although it could be read.
    refusal: Option<Problem>,
}

impl Incoming {
    async fn read(service: &Arc<Inner>, request: &Parts, body: RequestBody) -> Result<Self, Problem> {
        let options = Options::of(request)?;
        let form = BodyForm::of(request)?;
        let body = whole(body).await?;
        let reading_options = manuscript::Options {
            zone: service.press.site.zone,
            language: service.press.site.language.clone(),
            encoding: None,
        };
        let sent = body.clone();
        let reading = service.blocking(move || form.read(&sent, &reading_options)).await;
        let (draft, findings) = reading.ok_or_else(Problem::unavailable)??;
        let furthest = service.clock.now() + FURTHEST;
        let too_far = |draft: &Draft| draft.article.stamp.instant > furthest;
        let refusal = draft.as_ref().is_some_and(too_far).then(|| {
            Problem::unprocessable(
                "The date is more than a year ahead; correct it.",
                "Ngày đăng còn hơn một năm nữa mới tới; hãy sửa lại.",
            )
        });
        Ok(Self { options, addresses: Arc::clone(&service.addresses), body, draft, findings, refusal })
    }

    fn draft(&self) -> Result<&Draft, Problem> {
        match (&self.draft, &self.refusal) {
            (Some(draft), None) => Ok(draft),
            (Some(_), Some(refusal)) => Err(refusal.clone()),
            (None, _) => Err(Problem::manuscript(self.findings.clone())),
        }
    }

    /// The channels that the request and the article name, sorted, each once.
    fn channels(&self, draft: &Draft) -> Vec<Slug> {
        let asked = self.options.channels.iter().map(|slug| self.addresses.present_name(slug.clone()));
        let named = draft.channels.iter().map(|name| self.addresses.channel_named(name));
        let mut channels: Vec<Slug> = asked.chain(named).collect();
        channels.sort();
        channels.dedup();
        channels
    }

    /// The answer to a dry run.
    fn understood(&self, zone: Zone) -> Reply {
        let understood = self.draft.as_ref().map(|draft| {
            let article = &draft.article;
            json!({
                "title": article.title,
                "published": rfc3339(article.stamp.instant, zone),
                "date_only": article.stamp.date_only,
                "lead": article.lead(),
                "authors": article.authors,
                "source": article.source,
                "tags": article.tags,
                "language": article.language,
                "channels": self.channels(draft),
            })
        });
        let body = json!({
            "acceptable": self.draft().is_ok(),
            "understood": understood,
            "findings": self.findings,
        });
        reply::data(StatusCode::OK, body.to_string(), None, None)
    }
}

/// The parameters of a write.
#[derive(Default)]
struct Options {
    channels: Vec<Slug>,
    dry_run: bool,
    reason: Option<String>,
    erase: bool,
}

impl Options {
    fn of(request: &Parts) -> Result<Self, Problem> {
        let mut options = Self::default();
        let query = request.uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "channel" => options.channels.push(Slug::parse(&value).map_err(|cause| {
                    Problem::bad_request(format!("channel: {cause}"), format!("channel: {cause}"))
                })?),
                "dry_run" => options.dry_run = flag(&name, &value)?,
                "erase" => options.erase = flag(&name, &value)?,
                "reason" => options.reason = Some(value.into_owned()),
                _ => {
                    return Err(Problem::bad_request(
                        format!("There is no parameter `{name}`."),
                        format!("Không có tham số `{name}`."),
                    ));
                }
            }
        }
        Ok(options)
    }
}

fn flag(name: &str, value: &str) -> Result<bool, Problem> {
    match value {
        "true" | "1" | "" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Problem::bad_request(
            format!("`{name}` is `true` or `false`."),
            format!("`{name}` là `true` hoặc `false`."),
        )),
    }
}

/// How the body is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyForm {
    Text,
    Markdown,
    Html,
    Fields,
}

impl BodyForm {
    fn of(request: &Parts) -> Result<Self, Problem> {
        let coded = request
            .headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
        if let Some(coding) = coded
            .map(<[u8]>::trim_ascii)
            .find(|coding| !matches!(coding.to_ascii_lowercase().as_slice(), b"" | b"identity"))
        {
            return Err(Problem::coded_body(&String::from_utf8_lossy(coding)));
        }
        let line = request.headers.get(CONTENT_TYPE).and_then(|line| line.to_str().ok()).unwrap_or_default();
        let essence = line.split(';').next().unwrap_or_default().trim();
        match essence.to_ascii_lowercase().as_str() {
            "text/plain" => Ok(Self::Text),
            "text/markdown" => Ok(Self::Markdown),
            "text/html" => Ok(Self::Html),
            "application/json" => Ok(Self::Fields),
            _ => Err(Problem::unsupported_type(essence)),
        }
    }

    /// Reads a body. Only a plain text does not say what in it is the title, the date and the text.
    fn read(
        self,
        body: &[u8],
        options: &manuscript::Options,
    ) -> Result<(Option<Draft>, Vec<Value>), Problem> {
        let reading = match self {
            Self::Text => manuscript::read("article.txt", body, options),
            Self::Markdown => manuscript::read_document(Form::Markdown, body, options),
            Self::Html => manuscript::read_document(Form::Html, body, options),
            Self::Fields => {
                let reading = manuscript::read_fields(&fields(body)?, options);
                let findings = reading.findings.iter();
                let findings = findings.map(|(field, finding)| problem::finding_of_field(field, finding));
                return Ok((reading.draft, findings.collect()));
            }
        };
        Ok((reading.draft, reading.findings.iter().map(problem::finding).collect()))
    }
}

/// The fields of an article as JSON: the keys of the front matter, and the text.
fn fields(body: &[u8]) -> Result<Vec<(String, Value)>, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = json.deserialize_map(Members).and_then(|members| json.end().map(|()| members));
    let fields = read.map_err(|cause| {
        Problem::unprocessable(format!("The JSON is wrong: {cause}."), format!("JSON không hợp lệ: {cause}."))
    })?;
    // JSON is always Unicode.
    let known =
        || manuscript::KEYS.into_iter().filter(|key| *key != "encoding").chain([manuscript::TEXT_FIELD]);
    if let Some((unknown, _)) = fields.iter().find(|(name, _)| known().all(|known| known != name)) {
        let known = known().collect::<Vec<_>>().join(", ");
        return Err(Problem::field(
            unknown,
            format!("there is no such field; there are: {known}"),
            format!("không có trường này; các trường là: {known}"),
        ));
    }
    for required in ["title", "published", manuscript::TEXT_FIELD] {
        let value = fields.iter().find(|(name, _)| name == required).map(|(_, value)| value);
        if !value.is_some_and(Value::is_string) {
            return Err(Problem::field(required, "it must be there, as a text", "phải có, dưới dạng chuỗi"));
        }
    }
    Ok(fields)
}

/// The members of a JSON object in their order. One that stands there twice is refused: which of them is meant?
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut members: Self::Value = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if members.iter().any(|(known, _)| *known == name) {
                return Err(serde::de::Error::custom(format_args!("`{name}` stands there twice")));
            }
            members.push((name, value));
        }
        Ok(members)
    }
}

/// The `Idempotency-Key`, bound to all that the request asks for.
fn once(request: &Parts, body: &Bytes, token: &Token) -> Result<Option<Once>, Problem> {
    let mut lines = request.headers.get_all("idempotency-key").iter();
    let line = match (lines.next(), lines.next()) {
        (None, _) => return Ok(None),
        (Some(line), None) => line,
        (Some(_), Some(_)) => {
            return Err(Problem::bad_request("Send one Idempotency-Key.", "Chỉ gửi một Idempotency-Key."));
        }
    };
    let key = line.to_str().ok().filter(|key| !key.is_empty() && key.len() <= LONGEST_KEY);
    let key = key.ok_or_else(|| {
        Problem::bad_request(
            "An Idempotency-Key has 1 to 255 visible characters.",
            "Idempotency-Key có từ 1 đến 255 ký tự.",
        )
    })?;
    let mut hash = Sha256::new();
    for part in [request.method.as_str(), &request.uri.to_string()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    for line in [CONTENT_TYPE, IF_MATCH].iter().flat_map(|name| request.headers.get_all(name)) {
        hash.update(line.as_bytes());
        hash.update([0]);
    }
    hash.update(body);
    let request = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some(Once { token: token.name.clone(), key: key.to_owned(), request }))
}

/// The versions that `If-Match` asks for: those that tags of this log name. Any other tag matches nothing (RFC 9110
/// §13.1.1), and none is asked for where `*` is, or the header is missing.
fn expected(service: &Arc<Inner>, request: &Parts) -> Option<Vec<ArticleVersion>> {
    let tags: Vec<_> = TagList::of(&request.headers, IF_MATCH)?.iter().collect();
    let version = |tag: &Tag<'_>| {
        let Tag::Strong(opaque) = tag else { return None };
        let rest =
            std::str::from_utf8(opaque).ok()?.strip_prefix(service.store.log_id())?.strip_prefix('.')?;
        match rest.strip_prefix("0-") {
            Some(version) => Some(ArticleVersion::Scheduled(version.to_owned())),
            None => rest.split('-').next()?.parse().ok().map(ArticleVersion::Number),
        }
    };
    (!tags.contains(&Tag::Any)).then(|| tags.iter().filter_map(version).collect())
}

async fn find(service: &Arc<Inner>, id: &ArticleId) -> Result<Found, Problem> {
    let id = id.clone();
    let found = service.with_store(async move |service| service.store.article_named(&id).await).await;
    found.ok_or_else(Problem::unavailable)
}

async fn submit(
    service: &Arc<Inner>,
    draft: &Draft,
    channels: Vec<Slug>,
    id: Option<ArticleId>,
    token: Token,
    terms: Terms,
) -> Result<Accepted, Problem> {
    let submission = Submission {
        article: draft.article.clone(),
        channels,
        id,
        stem: Slug::from_title(&draft.article.title),
        origin: Origin::Command(token.name.clone()),
        terms: Terms { token: Some(token.name), ..terms },
    };
    let accepted = service.with_store(async move |service| service.store.take_in(submission).await).await;
    let accepted = accepted.ok_or_else(Problem::unavailable)?;
    match accepted.verdict {
        Verdict::StaysWithdrawn => Err(Problem::withdrawn(&accepted.id)),
        Verdict::KeyReused => Err(Problem::key_reused()),
        Verdict::Refused(refusal) => Err(Problem::refused(&refusal, &accepted.id)),
        _ => Ok(accepted),
    }
}

/// Says what was done. `fresh` is the status where the log has grown.
async fn told(
    service: &Arc<Inner>,
    accepted: Accepted,
    incoming: &Incoming,
    fresh: StatusCode,
) -> Result<Reply, Problem> {
    let Accepted { id, permalink, verdict } = accepted;
    let (status, outcome, number) = match verdict {
        Verdict::Published(number) => (fresh, "published", Some(number)),
        Verdict::Corrected(number) => (fresh, "corrected", Some(number)),
        Verdict::Moved(number) => (fresh, "moved", Some(number)),
        Verdict::Restored(number) => (fresh, "restored", Some(number)),
        Verdict::Waiting(_) => (StatusCode::ACCEPTED, "waiting", None),
        _ => (StatusCode::OK, "unchanged", number_at(service, &permalink).await?),
    };
    let addresses = &service.addresses;
    let published = incoming.draft()?.article.stamp.instant;
    let body = json!({
        "id": id.as_str(),
        "url": addresses.absolute(&article_path(&permalink)),
        "number": number,
        "published": rfc3339(published, service.press.site.zone),
        "outcome": outcome,
        "findings": incoming.findings,
    });
    let location = addresses.absolute(&api_article_path(&id));
    let etag = match (number, status) {
        (Some(number), _) => Some(format!("\"{}.{number}\"", service.store.log_id())),
        (None, StatusCode::ACCEPTED) => {
            let name = id.clone();
            let scheduled = service.with_store(async move |service| service.store.scheduled(&name).await);
            scheduled.await.flatten().map(|scheduled| tag_of(service, &scheduled))
        }
        (None, _) => None,
    };
    Ok(reply::data(status, body.to_string(), Some(&location), etag.as_deref()))
}

async fn number_at(service: &Arc<Inner>, permalink: &Permalink) -> Result<Option<u64>, Problem> {
    let permalink = permalink.clone();
    let found = service.with_store(async move |service| service.store.article(&permalink).await).await;
    Ok(match found.ok_or_else(Problem::unavailable)? {
        Found::Live { number, .. } => Some(number),
        Found::Withdrawn(_) | Found::Nothing => None,
    })
}

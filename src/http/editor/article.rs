//! Writing, reading in, previewing, publishing and correcting an article.

use hyper::StatusCode;
use hyper::body::Bytes;

use super::super::api::actions;
use super::super::api::problem::Problem;
use super::super::response::HttpResponse;
use super::context::{CHANGED, Editor, done, number_of};
use super::draft::{form_of, form_posted, place_of, printed, read, typed, version_text, versions};
use super::images::{self, Found};
use super::posted::Posted;
use crate::html::editor::{self as pages, ArticleForm, Banner, ChannelChoice, DiffLine, Understood};
use crate::model::{Article, ArticleId, Entry, Slug};
use crate::parse::{self, ParseOptions, ParsedArticle};
use crate::store::{
    ArticleLookup, ArticleVersion, IdempotencyKey, KeptImages, SubmitOutcome, SubmitResult, WriteConditions,
};
use crate::text::hex;
use crate::urls::article_path;

/// An article that may be edited.
pub(super) struct Loaded {
    /// The scheduled correction if there is one.
    pub(super) entry: Entry,
    pub(super) version: ArticleVersion,
    has_pending_correction: bool,
}

/// Loads an article that the holder of the token may edit.
///
/// # Errors
/// If it does not exist, is withdrawn, or the token has no rights to it.
pub(super) async fn load(editor: &Editor, id: &ArticleId) -> Result<Loaded, Problem> {
    let token = &editor.session()?.token;
    let name = id.clone();
    let found = editor
        .state
        .run_with_store(async move |state| {
            let store = &state.store;
            let lookup = store.article_by_id(&name).await?;
            Ok((lookup, store.pending_correction(&name).await?, store.scheduled(&name).await?))
        })
        .await;
    match found.ok_or_else(Problem::overloaded)? {
        (ArticleLookup::Live { entry, number, .. }, pending, _) => {
            let planned = pending.iter().flat_map(|(channels, _)| channels).cloned();
            let channels: Vec<Slug> = entry.channels.iter().cloned().chain(planned).collect();
            if !token.allows(&channels) {
                return Err(Problem::not_your_channel());
            }
            let has_pending_correction = pending.is_some();
            let entry = match pending {
                Some((channels, article)) => Entry { channels, article, ..*entry },
                None => *entry,
            };
            Ok(Loaded { entry, version: ArticleVersion::Number(number), has_pending_correction })
        }
        (ArticleLookup::Withdrawn(tombstone), ..) => {
            Err(Problem::gone(&tombstone, editor.state.render_options.site.time_zone))
        }
        (ArticleLookup::NotFound, _, Some(scheduled)) if token.allows(&scheduled.entry.channels) => {
            Ok(Loaded {
                entry: scheduled.entry,
                version: ArticleVersion::Scheduled(scheduled.version),
                has_pending_correction: false,
            })
        }
        // SECURITY: a scheduled article of others does not exist for this token.
        (ArticleLookup::NotFound, ..) => Err(Problem::unknown_article(id)),
    }
}

/// The path of an editing page about an article, with what was done.
pub(super) fn query(page: &str, id: &ArticleId, done: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    format!("{page}?{}", query.append_pair("id", id.as_str()).append_pair("xong", done).finish())
}

/// The empty form.
pub(super) fn new(editor: &Editor) -> HttpResponse {
    let mut form = ArticleForm { key: random_key(), ..ArticleForm::default() };
    let choices = choices(editor, &form);
    if let [only] = choices.as_slice() {
        form.channels.push(only.slug.clone());
    }
    editor.page(StatusCode::OK, |frame| pages::article_form(frame, &form, &choices, &[], None, &[]))
}

/// The form of an existing article.
pub(super) async fn edit(editor: &Editor, query: &Posted) -> Result<HttpResponse, Problem> {
    let id = ArticleId::new(query.text("id"));
    let loaded = load(editor, &id).await?;
    let zone = editor.state.render_options.site.time_zone;
    let (form, warning) = form_of(&loaded.entry.article, &loaded.entry.channels, zone);
    let form = with_identity(form, &loaded);
    let mut banners: Vec<Banner> = done(query.text("xong")).into_iter().chain(warning).collect();
    if loaded.has_pending_correction {
        let text = "Bài này có một bản sửa đang chờ đến giờ. Dưới đây là bản ấy; đăng lại sẽ thay cho nó.";
        banners.push(Banner { is_bad: false, text: text.to_owned() });
    }
    let choices = choices(editor, &form);
    Ok(editor.page(StatusCode::OK, |frame| pages::article_form(frame, &form, &choices, &banners, None, &[])))
}

fn with_identity(form: ArticleForm, loaded: &Loaded) -> ArticleForm {
    let page = number_of(&loaded.version).map(|_| article_path(&loaded.entry.permalink));
    ArticleForm {
        id: loaded.entry.id.to_string(),
        version: version_text(&loaded.version),
        key: random_key(),
        page: page.unwrap_or_default(),
        ..form
    }
}

/// Channels that the token may publish in; and those that are ticked, which may be closed.
fn choices(editor: &Editor, form: &ArticleForm) -> Vec<ChannelChoice> {
    let Some(session) = &editor.session else { return Vec::new() };
    let may_choose = |slug: &Slug| session.token.allows(std::slice::from_ref(slug));
    let channels = editor.channels.iter().filter(|channel| {
        let is_ticked = form.channels.iter().any(|slug| slug == channel.slug.as_str());
        is_ticked || (channel.is_open() && channel.includes.is_empty() && may_choose(&channel.slug))
    });
    channels
        .map(|channel| ChannelChoice { slug: channel.slug.to_string(), title: channel.title.clone() })
        .collect()
}

fn options(editor: &Editor) -> ParseOptions {
    let site = &editor.state.render_options.site;
    ParseOptions { zone: site.time_zone, language: site.language.clone(), encoding: None }
}

/// Previews, publishes or corrects the article in the form.
pub(super) async fn save(
    editor: &Editor,
    posted: &Posted,
    has_just_logged_in: bool,
) -> Result<HttpResponse, Problem> {
    let mut form = form_posted(posted);
    keep_date(editor, &mut form).await?;
    let (parse_options, now, sent) = (options(editor), editor.state.clock.now(), form.clone());
    let reading = editor.state.blocking(move || read(&sent, &parse_options, now)).await;
    let reading = reading.ok_or_else(Problem::unavailable)?;
    let mut found: Vec<Found> = Vec::new();
    for (field, diagnostic) in &reading.findings {
        let message = diagnostic.kind.message().vietnamese;
        found.push((diagnostic.severity.as_str(), place_of(field, diagnostic.line), message));
    }
    let (mut images, missing) = images::stored(editor, &form.images).await?;
    let (new, unusable) = images::uploaded(editor, None, posted.files("anh")).await?;
    images::add(&mut images, new);
    found.extend(missing.into_iter().chain(unusable));
    form.images = images.iter().map(|image| image.name.clone()).collect();
    let is_complete = found.iter().all(|(severity, ..)| *severity != "error");
    let draft = reading.draft.filter(|_| is_complete).map(|draft| {
        let article = Article { images, ..draft.article };
        ParsedArticle { article, ..draft }
    });
    let Some(draft) = draft else {
        let banner = bad("Bài còn lỗi nên chưa đăng. Nội dung vẫn còn nguyên dưới đây.");
        return Ok(show(editor, &form, StatusCode::UNPROCESSABLE_ENTITY, vec![banner], None, found, &[]));
    };
    let article = draft.article.clone();
    let is_preview = has_just_logged_in || posted.text("viec") != "dang";
    match submit(editor, &form, draft, posted.fingerprint(), is_preview).await {
        Ok(_) if is_preview => {
            let banner = Banner { is_bad: false, text: "Bản xem trước. Chưa đăng gì.".to_owned() };
            Ok(show(editor, &form, StatusCode::OK, vec![banner], Some(&article), found, &[]))
        }
        Ok(result) => Ok(editor.see_other(&query("bai", &result.id, word_of(&result.outcome)))),
        Err(problem) if problem.code() == CHANGED => conflict(editor, form, &article, found).await,
        Err(problem) => {
            form.key = random_key();
            let status = problem.status();
            let message = match problem.code() {
                "unprocessable" if form.channels.is_empty() && form.id.is_empty() => "Hãy chọn chuyên mục.",
                _ => problem.vietnamese(),
            };
            let banners = vec![bad(&format!("Chưa đăng. {message}"))];
            Ok(show(editor, &form, status, banners, Some(&article), found, &[]))
        }
    }
}

/// A correction without a date keeps the date of its article. Another version than the one that was read is noticed later.
async fn keep_date(editor: &Editor, form: &mut ArticleForm) -> Result<(), Problem> {
    if !form.id.is_empty() && form.published.is_empty() {
        let loaded = load(editor, &ArticleId::new(form.id.as_str())).await?;
        form.published = typed(loaded.entry.article.published, editor.state.render_options.site.time_zone);
    }
    Ok(())
}

async fn submit(
    editor: &Editor,
    form: &ArticleForm,
    draft: ParsedArticle,
    fingerprint: String,
    is_preview: bool,
) -> Result<SubmitResult, Problem> {
    let token = editor.session()?.token.name.clone();
    let id = Some(ArticleId::new(form.id.as_str())).filter(|_| !form.id.is_empty());
    let channels: Result<Vec<Slug>, _> = form.channels.iter().map(|slug| Slug::parse(slug)).collect();
    let channels = channels.map_err(|_| Problem::not_your_channel())?;
    if channels.is_empty() && id.is_none() && !is_preview {
        return Err(Problem::no_channel());
    }
    let key = Some(form.key.as_str()).filter(|key| !key.is_empty() && !is_preview);
    let conditions = WriteConditions {
        may_choose_id: false,
        expected: id.as_ref().map(|_| versions(&form.version)),
        must_be_new: id.is_none(),
        must_exist: id.is_some(),
        known_channels: true,
        dry_run: is_preview,
        idempotency: key.map(|key| IdempotencyKey {
            token: token.clone(),
            key: format!("soan {key}"),
            request: fingerprint,
        }),
        token: Some(token),
        reason: Some(form.reason.clone()).filter(|reason| !reason.is_empty() && id.is_some()),
        // The form names every image.
        kept_images: KeptImages::Named(Vec::new()),
    };
    let draft = actions::Draft { article: draft.article, id: draft.id, channels };
    actions::submit(&editor.state, draft, id, conditions).await
}

/// Somebody else was faster: the text in the form stays, and the difference is shown.
async fn conflict(
    editor: &Editor,
    form: ArticleForm,
    article: &Article,
    found: Vec<Found>,
) -> Result<HttpResponse, Problem> {
    let loaded = load(editor, &ArticleId::new(form.id.as_str())).await?;
    let zone = editor.state.render_options.site.time_zone;
    let (theirs, mine) = (printed(&loaded.entry.article, zone), printed(article, zone));
    let others = editor.state.blocking(move || pages::diff(&theirs, &mine)).await;
    let banner = bad(
        "Trong lúc bạn soạn, có người khác đã sửa bài này. Bản của bạn chưa được đăng và vẫn còn nguyên dưới đây. Hãy xem \
         chỗ khác nhau, sửa cho đúng rồi đăng; đăng bây giờ sẽ thay bản của người kia.",
    );
    let form = with_identity(form, &loaded);
    let others = others.ok_or_else(Problem::unavailable)?;
    Ok(show(editor, &form, StatusCode::CONFLICT, vec![banner], Some(article), found, &others))
}

/// Reads a file or a pasted text into the form.
pub(super) async fn read_file(editor: &Editor, posted: &Posted) -> Result<HttpResponse, Problem> {
    let pasted = posted.text("van-ban").to_owned();
    let (name, document) = match posted.files("tep").into_iter().next() {
        Some((name, bytes)) => (name, bytes),
        None => ("article.txt".to_owned(), Bytes::from(pasted.clone())),
    };
    let (parse_options, sent) = (options(editor), document.clone());
    let reading = editor.state.blocking(move || parse::parse(&name, &sent, &parse_options)).await;
    let reading = reading.ok_or_else(Problem::unavailable)?;
    let mut found: Vec<Found> = Vec::new();
    for diagnostic in &reading.findings {
        let place = format!("Dòng {}", diagnostic.line);
        found.push((diagnostic.severity.as_str(), place, diagnostic.kind.message().vietnamese));
    }
    let identity = form_posted(posted);
    let Some(draft) = reading.draft else {
        let understood = Understood { article: None, found };
        return Ok(editor.page(StatusCode::UNPROCESSABLE_ENTITY, |frame| {
            pages::reading_page(frame, &identity, &pasted, &understood)
        }));
    };
    let read = Some((document, draft.clone()));
    let (images, unusable) = images::uploaded(editor, read, posted.files("anh")).await?;
    found.extend(unusable);
    let article = Article { images, ..draft.article };
    let zone = editor.state.render_options.site.time_zone;
    let mut channels = editor.state.urls.resolve_channels([], &draft.channels);
    let mut banners = vec![Banner {
        is_bad: false,
        text: "Đã đọc bài. Chưa đăng gì: hãy xem lại rồi bấm “Đăng”.".to_owned(),
    }];
    let mut page = String::new();
    if !identity.id.is_empty() {
        let loaded = load(editor, &ArticleId::new(identity.id.as_str())).await?;
        if channels.is_empty() {
            channels.clone_from(&loaded.entry.channels);
        }
        page = number_of(&loaded.version).map(|_| article_path(&loaded.entry.permalink)).unwrap_or_default();
    }
    let (form, warning) = form_of(&article, &channels, zone);
    banners.extend(warning);
    let named_id = draft.id.filter(|_| identity.id.is_empty()).map(|id| id.to_string());
    let mut form = ArticleForm {
        id: identity.id,
        version: identity.version,
        key: random_key(),
        named_id: named_id.unwrap_or_default(),
        page,
        ..form
    };
    if let ([only], true) = (choices(editor, &form).as_slice(), form.channels.is_empty()) {
        form.channels.push(only.slug.clone());
    }
    Ok(show(editor, &form, StatusCode::OK, banners, Some(&article), found, &[]))
}

fn show(
    editor: &Editor,
    form: &ArticleForm,
    status: StatusCode,
    banners: Vec<Banner>,
    article: Option<&Article>,
    found: Vec<Found>,
    others: &[DiffLine],
) -> HttpResponse {
    let choices = choices(editor, form);
    let understood = Understood { article, found };
    editor
        .page(status, |frame| pages::article_form(frame, form, &choices, &banners, Some(&understood), others))
}

fn bad(text: &str) -> Banner {
    Banner { is_bad: true, text: text.to_owned() }
}

fn word_of(outcome: &SubmitOutcome) -> &'static str {
    match outcome {
        SubmitOutcome::Published(_) => "dang",
        SubmitOutcome::Corrected(_) => "sua",
        SubmitOutcome::Moved(_) => "chuyen",
        SubmitOutcome::Restored(_) => "khoi-phuc",
        SubmitOutcome::Scheduled(_) => "hen",
        _ => "khong-doi",
    }
}

/// Makes a form that is sent twice one article. Without random bytes nothing is lost but that.
fn random_key() -> String {
    let mut bytes = [0; 16];
    match getrandom::fill(&mut bytes) {
        Ok(()) => hex(&bytes),
        Err(_) => String::new(),
    }
}

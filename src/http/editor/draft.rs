//! Between the form of an article and the article: what is typed, and what is stored.

use serde_json::Value;

use crate::html::editor::{ArticleForm, Banner};
use crate::model::{Article, Slug};
use crate::parse::{self, FieldsReading, ParseOptions};
use crate::store::ArticleVersion;
use crate::text::escape_html;
use crate::time::{PublishedAt, Timestamp, Zone, format_vi};

use super::posted::Posted;

/// The form with the content of an article, and a warning if the form cannot hold all of its formatting.
pub(super) fn form_of(article: &Article, channels: &[Slug], zone: Zone) -> (ArticleForm, Option<Banner>) {
    let (text, is_exact) = parse::editable_text(&article.body);
    let text = text.lines().map(caption_as_typed).collect::<Vec<_>>().join("\n");
    let warning = Banner {
        is_bad: false,
        text: "Một phần định dạng của bài không ghi được trong biểu mẫu. Hãy bấm “Xem trước” và so lại trước khi đăng."
            .to_owned(),
    };
    let form = ArticleForm {
        title: article.title.clone(),
        published: typed(article.published, zone),
        authors: article.authors.join(", "),
        text,
        summary: article.summary.clone().unwrap_or_default(),
        tags: article.tags.join(", "),
        source: article.source.clone().unwrap_or_default(),
        link: article.link.clone().unwrap_or_default(),
        language: article.language.clone().unwrap_or_default(),
        channels: channels.iter().map(ToString::to_string).collect(),
        images: article.images.iter().map(|image| image.name.clone()).collect(),
        ..ArticleForm::default()
    };
    (form, (!is_exact).then_some(warning))
}

/// The form as it was sent.
pub(super) fn form_posted(posted: &Posted) -> ArticleForm {
    let text = |name: &str| posted.text(name).to_owned();
    ArticleForm {
        id: text("id"),
        version: text("version"),
        key: text("key"),
        named_id: text("ma"),
        title: text("tieu-de"),
        published: text("ngay-gio"),
        authors: text("tac-gia"),
        text: text("noi-dung"),
        summary: text("tom-tat"),
        tags: text("tu-khoa"),
        source: text("nguon"),
        link: text("lien-ket"),
        language: text("ngon-ngu"),
        reason: text("ly-do"),
        channels: posted.all("chuyen-muc").map(str::to_owned).collect(),
        images: posted.all("anh-da-co").map(str::to_owned).collect(),
        page: String::new(),
    }
}

/// Reads the form as the API reads the fields of an article. A new article without a date is published `now`.
pub(super) fn read(form: &ArticleForm, options: &ParseOptions, now: Timestamp) -> FieldsReading {
    let published = match form.published.as_str() {
        "" => typed(PublishedAt::exact(now), options.zone),
        typed => typed.to_owned(),
    };
    let list = |text: &str| -> Value {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Value::from).collect()
    };
    let mut fields: Vec<(String, Value)> = vec![
        ("title".to_owned(), form.title.clone().into()),
        ("published".to_owned(), published.into()),
        ("text".to_owned(), form.text.lines().map(caption_as_markup).collect::<Vec<_>>().join("\n").into()),
        ("authors".to_owned(), list(&form.authors)),
        ("tags".to_owned(), list(&form.tags)),
    ];
    let optional = [
        ("summary", &form.summary),
        ("source", &form.source),
        ("link", &form.link),
        ("language", &form.language),
        ("id", &form.named_id),
    ];
    let given = optional.into_iter().filter(|(_, value)| !value.is_empty());
    fields.extend(given.map(|(name, value)| (name.to_owned(), value.clone().into())));
    parse::read_fields(&fields, options)
}

/// What the caption of an image begins with in the form. In Markdown it is an element, which nobody in an office types.
const CAPTION: &str = "Chú thích:";

/// A line of Markdown as a person sees it.
fn caption_as_typed(line: &str) -> String {
    let caption = line.strip_prefix("<figcaption>").and_then(|rest| rest.strip_suffix("</figcaption>"));
    match caption.filter(|caption| !caption.contains('<')) {
        Some(caption) => format!("{CAPTION} {}", unescape_html(caption)),
        None => line.to_owned(),
    }
}

/// A line of the form as Markdown.
fn caption_as_markup(line: &str) -> String {
    match line.trim().strip_prefix(CAPTION).map(str::trim).filter(|caption| !caption.is_empty()) {
        Some(caption) => format!("<figcaption>{}</figcaption>", escape_html(caption)),
        None => line.to_owned(),
    }
}

fn unescape_html(text: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    entities.into_iter().fold(text.to_owned(), |text, (entity, letter)| text.replace(entity, letter))
}

/// What a field of the form is called.
pub(super) fn place_of(field: &str, line: usize) -> String {
    match field {
        "text" => format!("Nội dung, dòng {line}"),
        "title" => "Tiêu đề".to_owned(),
        "published" => "Ngày giờ đăng".to_owned(),
        "authors" => "Tác giả".to_owned(),
        "tags" => "Từ khóa".to_owned(),
        "summary" => "Tóm tắt".to_owned(),
        "source" => "Nguồn".to_owned(),
        "link" => "Địa chỉ bài gốc".to_owned(),
        "language" => "Ngôn ngữ".to_owned(),
        "id" => "Mã bài".to_owned(),
        other => other.to_owned(),
    }
}

/// A date as a person types it. Seconds only where there are any.
pub(super) fn typed(published: PublishedAt, zone: Zone) -> String {
    let local = published.instant.with_timezone(&zone);
    let format = match published {
        PublishedAt { date_only: true, .. } => "%d/%m/%Y",
        _ if published.instant.timestamp() % 60 != 0 => "%H:%M:%S %d/%m/%Y",
        _ => "%H:%M %d/%m/%Y",
    };
    local.format(format).to_string()
}

/// A version in a hidden field.
pub(super) fn version_text(version: &ArticleVersion) -> String {
    match version {
        ArticleVersion::Number(number) => format!("n{number}"),
        ArticleVersion::Scheduled(hash) => format!("s{hash}"),
    }
}

/// The versions that the person has read. A text that names none matches nothing.
pub(super) fn versions(text: &str) -> Vec<ArticleVersion> {
    let number = || text.strip_prefix('n')?.parse().ok().map(ArticleVersion::Number);
    let scheduled = || text.strip_prefix('s').map(|hash| ArticleVersion::Scheduled(hash.to_owned()));
    number().or_else(scheduled).into_iter().collect()
}

/// The article as lines, with all that a correction can change.
pub(super) fn printed(article: &Article, zone: Zone) -> String {
    let mut lines = vec![article.title.clone(), format_vi(article.published, zone)];
    lines.extend(article.summary.iter().map(|summary| format!("Tóm tắt: {summary}")));
    lines.push(parse::editable_text(&article.body).0);
    for (name, values) in [("Tác giả", &article.authors), ("Từ khóa", &article.tags)] {
        if !values.is_empty() {
            lines.push(format!("{name}: {}", values.join(", ")));
        }
    }
    for (name, value) in
        [("Nguồn", &article.source), ("Địa chỉ bài gốc", &article.link), ("Ngôn ngữ", &article.language)]
    {
        lines.extend(value.iter().map(|value| format!("{name}: {value}")));
    }
    let images = article.images.iter();
    lines.extend(images.map(|image| format!("Ảnh: {} ({}×{})", image.name, image.width, image.height)));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_is_typed_as_a_person_writes_it_and_read_back_as_the_same_caption() {
        let options =
            ParseOptions { zone: crate::time::DEFAULT_TIME_ZONE, language: "vi".to_owned(), encoding: None };
        let typed = "Đoạn mở đầu.\n\nChú thích: Chợ \"A\" & B <mới>. Ảnh: TL\n\nĐoạn cuối.";
        let form = ArticleForm {
            title: "Chợ".to_owned(),
            published: "12/05/2023".to_owned(),
            text: typed.to_owned(),
            ..ArticleForm::default()
        };
        let article = read(&form, &options, crate::time::from_unix(0)).draft.unwrap().article;
        let is_caption = |block: &crate::model::Block| matches!(block, crate::model::Block::Caption { credit: Some(credit), .. } if credit == "TL");
        assert!(is_caption(&article.body[1]), "{:?}", article.body);
        let (again, warning) = form_of(&article, &[], options.zone);
        assert_eq!((again.text.as_str(), warning.is_none()), (typed, true));
    }
}

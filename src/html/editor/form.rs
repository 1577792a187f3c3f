//! Writing and correcting an article: the form, what was understood, and the article as readers will see it.

use maud::{Markup, PreEscaped, html};

use super::super::text::clean;
use super::EditorFrame;
use super::diff::{Change, DiffLine};
use crate::content_html::page_html;
use crate::model::Article;
use crate::time::{Zone, format_vi};
use crate::urls::{MEDIA_PREFIX, editor_path};

/// The fields of the form, as typed.
#[derive(Clone, Debug, Default)]
pub struct ArticleForm {
    /// The id of the article that is corrected; empty for a new one.
    pub id: String,
    /// The version that the person has read; empty for a new article.
    pub version: String,
    /// Makes a double click one article.
    pub key: String,
    /// The id that the uploaded file names; empty if none.
    pub named_id: String,
    /// On one line.
    pub title: String,
    /// As typed. Empty: a new article is published now, a correction keeps the date.
    pub published: String,
    /// Separated by commas.
    pub authors: String,
    /// Markdown.
    pub text: String,
    /// Empty: the lead.
    pub summary: String,
    /// Separated by commas.
    pub tags: String,
    /// The publication that it was reprinted from.
    pub source: String,
    /// The URL of the original.
    pub link: String,
    /// BCP 47; empty: the language of the site.
    pub language: String,
    /// Why it is corrected.
    pub reason: String,
    /// The slugs that are ticked.
    pub channels: Vec<String>,
    /// The names of the images that are ticked.
    pub images: Vec<String>,
    /// The path of its public page; empty if it has none.
    pub page: String,
}

/// A channel to choose.
pub struct ChannelChoice {
    /// Its name in addresses.
    pub slug: String,
    /// Its displayed name.
    pub title: String,
}

/// A message above the form.
pub struct Banner {
    /// Something was refused.
    pub is_bad: bool,
    /// What happened.
    pub text: String,
}

/// What was understood of the article.
pub struct Understood<'a> {
    /// None if it cannot be read.
    pub article: Option<&'a Article>,
    /// Severity, place and message of each diagnostic.
    pub found: Vec<(&'static str, String, String)>,
}

/// The page of the form. `others`: what somebody else changed meanwhile, compared with the text in the form.
pub fn article_form(
    frame: &EditorFrame<'_>,
    form: &ArticleForm,
    choices: &[ChannelChoice],
    banners: &[Banner],
    understood: Option<&Understood<'_>>,
    others: &[DiffLine],
) -> Vec<u8> {
    let is_new = form.id.is_empty();
    let title = if is_new { "Viết bài mới" } else { "Sửa bài" };
    let zone = frame.page.site.time_zone;
    let body = html! {
        h1.title { (title) }
        @for banner in banners { p.banner.bad[banner.is_bad] role="alert" { (banner.text) } }
        @if !others.is_empty() {
            section aria-labelledby="khac" {
                h2 #khac { "Khác nhau giữa bài hiện nay và bản trong biểu mẫu" }
                p.hint { "Gạch: có trong bài hiện nay. Tô xanh: có trong biểu mẫu dưới đây." }
                (changes(others))
            }
        }
        @if let Some(understood) = understood { (understood_section(frame, understood, zone)) }
        @if !is_new { (other_actions(frame, form)) }
        form.fields method="post" enctype="multipart/form-data"
            action=(frame.path(if is_new { "bai-moi" } else { "bai" })) {
            (frame.csrf_field())
            @for (name, value) in [("id", &form.id), ("version", &form.version), ("key", &form.key), ("ma", &form.named_id)] {
                input type="hidden" name=(name) value=(value);
            }
            (text_fields(form))
            (channel_fields(form, choices))
            (image_fields(frame, form))
            (more_fields(form))
            @if !is_new {
                label for="ly-do" { "Lý do sửa (bạn đọc sẽ thấy; có thể để trống)" }
                input #ly-do name="ly-do" value=(form.reason) maxlength="2000";
            }
            p.buttons {
                button.plain name="viec" value="xem" { "Xem trước" }
                button name="viec" value="dang" { @if is_new { "Đăng" } @else { "Đăng bản sửa" } }
            }
        }
        @if is_new || understood.is_none() { (reading_form(frame, form, "")) }
    };
    frame.render(title, body)
}

/// The form to read a file or a pasted text, after one that could not be read.
pub fn reading_page(
    frame: &EditorFrame<'_>,
    form: &ArticleForm,
    pasted: &str,
    understood: &Understood<'_>,
) -> Vec<u8> {
    let zone = frame.page.site.time_zone;
    let body = html! {
        h1.title { "Chưa đọc được bài" }
        p.banner.bad role="alert" { "Chưa có gì được đăng. Hãy sửa theo hướng dẫn rồi đọc lại, hoặc tự điền vào biểu mẫu." }
        (understood_section(frame, understood, zone))
        (reading_form(frame, form, pasted))
        p { a href=(if form.id.is_empty() { frame.path("bai-moi") } else { frame.path_of("bai", &form.id) }) { "Tự điền biểu mẫu" } }
    };
    frame.render("Chưa đọc được bài", body)
}

fn other_actions(frame: &EditorFrame<'_>, form: &ArticleForm) -> Markup {
    html! {
        p.actions {
            a href=(frame.path_of("lich-su", &form.id)) { "Lịch sử của bài" }
            a href=(frame.path_of("go", &form.id)) { "Gỡ bài" }
            @if !form.page.is_empty() { a href=(frame.page.path(&form.page)) { "Xem trang công khai" } }
        }
    }
}

fn text_fields(form: &ArticleForm) -> Markup {
    html! {
        label for="tieu-de" { "Tiêu đề" }
        input #tieu-de name="tieu-de" value=(form.title) required maxlength="1000";
        label for="ngay-gio" { "Ngày giờ đăng" }
        input.short #ngay-gio name="ngay-gio" value=(form.published) placeholder="17:39 12/05/2023"
            aria-describedby="ngay-gio-y";
        p.hint #ngay-gio-y {
            @if form.id.is_empty() { "Để trống: đăng ngay. " } @else { "Để trống: giữ nguyên ngày giờ của bài. " }
            "Ghi giờ sắp tới: bài tự đăng vào giờ ấy."
        }
        label for="noi-dung-bai" { "Nội dung" }
        textarea.text #noi-dung-bai name="noi-dung" aria-describedby="noi-dung-y" {
            // A browser drops the first line break.
            "\n" (form.text)
        }
        p.hint #noi-dung-y {
            "Cách một dòng trống giữa hai đoạn. Đoạn đầu là phần mở đầu. Dòng bắt đầu bằng “## ” là đề mục, bằng “- ” là gạch đầu dòng. "
            "Chú thích ảnh là một đoạn riêng, theo thứ tự của ảnh, ví dụ: “Chú thích: Quang cảnh Hội nghị. Ảnh: TL”."
        }
        label for="tac-gia" { "Tác giả (cách nhau bằng dấu phẩy)" }
        input #tac-gia name="tac-gia" value=(form.authors);
    }
}

fn channel_fields(form: &ArticleForm, choices: &[ChannelChoice]) -> Markup {
    html! {
        fieldset {
            legend { "Chuyên mục" }
            @for choice in choices {
                label.choice {
                    input type="checkbox" name="chuyen-muc" value=(choice.slug)
                        checked[form.channels.contains(&choice.slug)];
                    span { (clean(&choice.title)) }
                }
            }
        }
    }
}

fn image_fields(frame: &EditorFrame<'_>, form: &ArticleForm) -> Markup {
    html! {
        fieldset {
            legend { "Ảnh" }
            @if !form.images.is_empty() {
                p.hint { "Theo thứ tự của chú thích trong bài. Bỏ dấu để không dùng ảnh." }
                ul.pictures {
                    @for (index, image) in form.images.iter().enumerate() {
                        li {
                            label.choice {
                                input type="checkbox" name="anh-da-co" value=(image) checked;
                                img src=(frame.path(&format!("anh/{image}"))) alt=(format!("Ảnh {}", index + 1));
                            }
                        }
                    }
                }
            }
            label for="anh" { "Thêm ảnh (JPEG, PNG, WebP, GIF)" }
            input #anh type="file" name="anh" multiple accept=(IMAGE_TYPES);
            p.hint { "Bấm “Xem trước” để thấy ảnh trong bài; ảnh đã tải lên được giữ một tuần." }
        }
    }
}

fn more_fields(form: &ArticleForm) -> Markup {
    let fields = [
        ("tom-tat", "Tóm tắt trong danh sách (để trống: dùng phần mở đầu)", &form.summary),
        ("tu-khoa", "Từ khóa (cách nhau bằng dấu phẩy)", &form.tags),
        ("nguon", "Nguồn, nếu đăng lại", &form.source),
        ("lien-ket", "Địa chỉ bài gốc", &form.link),
        ("ngon-ngu", "Ngôn ngữ, nếu không phải tiếng Việt (ví dụ: jra)", &form.language),
    ];
    let is_used = fields.iter().any(|(.., value)| !value.is_empty());
    html! {
        details open[is_used] {
            summary { "Thông tin thêm" }
            @for (name, label, value) in fields {
                label for=(name) { (label) }
                input id=(name) name=(name) value=(value);
            }
        }
    }
}

/// Reads a file or a pasted text into the form.
/// What the image fields accept. NOTE: named one by one, so that an iPhone converts its HEIC photographs to JPEG.
const IMAGE_TYPES: &str = "image/jpeg,image/png,image/webp,image/gif";

fn reading_form(frame: &EditorFrame<'_>, form: &ArticleForm, pasted: &str) -> Markup {
    html! {
        section aria-labelledby="doc-tep" {
            h2 #doc-tep { @if form.id.is_empty() { "Lấy từ tệp hoặc dán văn bản" } @else { "Thay bằng tệp hoặc văn bản khác" } }
            p.hint {
                "Hệ thống tự nhận ra tiêu đề, ngày giờ, chú thích và tác giả rồi điền vào biểu mẫu. Chưa đăng gì cho đến khi bấm “Đăng”."
            }
            form.fields method="post" enctype="multipart/form-data" action=(frame.path("doc")) {
                (frame.csrf_field())
                input type="hidden" name="id" value=(form.id);
                input type="hidden" name="version" value=(form.version);
                label for="tep" { "Tệp bài viết (.docx, .odt, .txt, .md, .html)" }
                input #tep type="file" name="tep";
                label for="dan" { "Hoặc dán cả bài vào đây" }
                textarea.pasted #dan name="van-ban" { "\n" (pasted) }
                label for="anh-kem" { "Ảnh kèm theo" }
                input #anh-kem type="file" name="anh" multiple accept=(IMAGE_TYPES);
                p.buttons { button.plain { "Đọc bài" } }
            }
        }
    }
}

fn understood_section(frame: &EditorFrame<'_>, understood: &Understood<'_>, zone: Zone) -> Markup {
    html! {
        @if !understood.found.is_empty() {
            section aria-labelledby="luu-y" {
                h2 #luu-y { "Cần lưu ý" }
                ul.found {
                    @for (severity, place, message) in &understood.found {
                        li class=(severity) { strong { (place) ": " } (message) }
                    }
                }
            }
        }
        @if let Some(article) = understood.article {
            section aria-labelledby="xem-truoc" {
                h2 #xem-truoc { "Bạn đọc sẽ thấy" }
                article.reading.preview {
                    h3.title { (clean(&article.title)) }
                    p.meta { (format_vi(article.published, zone)) }
                    // SECURITY: the sanitiser wrote all markup in it, and the policy of the page allows no script.
                    div.text { (PreEscaped(private_images(frame, page_html(article, frame.page.addresses)))) }
                    @if !article.authors.is_empty() { p.authors { (clean(&article.authors.join(", "))) } }
                    @if let Some(source) = &article.source { p.source { "Nguồn: " (clean(source)) } }
                }
            }
        }
    }
}

/// Images that no published article shows are served to editors only.
fn private_images(frame: &EditorFrame<'_>, html: String) -> String {
    let (public, private) = (frame.page.path(MEDIA_PREFIX), frame.page.path(&editor_path("anh/")));
    ["=\"", ", "]
        .iter()
        .fold(html, |html, before| html.replace(&format!("{before}{public}"), &format!("{before}{private}")))
}

/// A difference as a list of lines.
pub(super) fn changes(lines: &[DiffLine]) -> Markup {
    html! {
        ul.changes {
            @for DiffLine(parts) in lines {
                li {
                    @for (change, text) in parts {
                        @match change {
                            Change::Kept => (clean(text)),
                            Change::Added => ins { (clean(text)) },
                            Change::Removed => del { (clean(text)) },
                        }
                    }
                }
            }
        }
    }
}

//! The sources whose articles are collected, and what somebody decides about them.

use hyper::StatusCode;

use super::super::api::problem::Problem;
use super::super::api::sources::{self, Accepted, Concerns};
use super::super::response::HttpResponse;
use super::context::{Editor, done};
use super::posted::Posted;
use crate::html::editor::{
    self as pages, Banner, ConcernRows, DoubtfulRow, DuplicateRow, Failing, Listed, SourceRow, WaitingRow,
};
use crate::parse::Repair;
use crate::pull::{FailureCause, SourceHealth};
use crate::store::ProbableDuplicate;
use crate::time::{Timestamp, Zone};

/// Items on one page.
const MAX_LISTED: usize = 50;
/// The parameter that says how many items come before.
const SKIP: &str = "cho";

/// All sources of the token, or the one that the query names.
pub(super) async fn page(editor: &Editor, query: &Posted) -> Result<HttpResponse, Problem> {
    let name = query.text("id");
    if !name.is_empty() {
        let skip = query.text(SKIP).parse().unwrap_or(0);
        let banners = done(query.text("xong")).into_iter().collect();
        return one(editor, name, skip, banners, None).await;
    }
    let (zone, now) = (editor.state.render_options.site.time_zone, editor.state.clock.now());
    let all = sources::all(&editor.state, &editor.session()?.token).await?;
    let mut rows: Vec<SourceRow> = all.into_iter().map(|health| row_of(health, zone, now)).collect();
    // Of a hundred sources, those that need somebody come first.
    rows.sort_by_key(|row| (row.failing.is_none(), row.doubtful == 0, row.warnings.is_empty()));
    Ok(editor.page(StatusCode::OK, |frame| pages::sources_page(frame, &rows)))
}

/// The page of one source. `refused`: the form of an item that was not accepted.
async fn one(
    editor: &Editor,
    name: &str,
    skip: usize,
    banners: Vec<Banner>,
    refused: Option<&Posted>,
) -> Result<HttpResponse, Problem> {
    let (state, token) = (&editor.state, &editor.session()?.token);
    let health = sources::one(state, token, name).await?;
    let part = sources::doubtful(state, token, name, skip, MAX_LISTED).await?;
    let typed = |key: &str| {
        let form = refused.filter(|form| form.text("muc") == key);
        form.map_or("", |form| form.text("ngay-gio")).to_owned()
    };
    let next = part.has_more.then(|| (SKIP, (skip + MAX_LISTED).to_string()));
    let rows = part.rows.into_iter().map(|item| DoubtfulRow {
        typed: typed(&item.key),
        key: item.key,
        title: item.title,
        link: item.link,
        date: item.date,
        reason: item.reason.vietnamese,
        is_correction: item.is_correction,
    });
    let concerns = sources::concerns(state, token, name).await?;
    let concerns = concern_rows(concerns, name);
    let doubtful = Listed { rows: rows.collect(), next, is_first: skip == 0 };
    let row = row_of(health, state.render_options.site.time_zone, state.clock.now());
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(editor.page(status, |frame| pages::source_page(frame, &row, &doubtful, &concerns, &banners)))
}

/// Carries out what somebody decided.
pub(super) async fn decide(editor: &Editor, posted: &Posted) -> Result<HttpResponse, Problem> {
    let (state, token) = (&editor.state, &editor.session()?.token);
    let (name, key) = (posted.text("id"), posted.text("muc"));
    let word = match posted.text("viec") {
        work @ ("dung" | "tiep") => {
            sources::set_paused(state, token, name, work == "dung").await?;
            if work == "dung" { "nguon-dung" } else { "nguon-tiep" }
        }
        "bo" => {
            sources::drop_item(state, token, name, key).await?;
            "muc-bo"
        }
        "nhan" => {
            let date = Some(posted.text("ngay-gio")).filter(|date| !date.is_empty());
            match sources::accept(state, token, name, key, date).await {
                Ok(accepted) => word_of(accepted),
                Err(problem) if problem.status() == StatusCode::UNPROCESSABLE_ENTITY => {
                    let banner = Banner { is_bad: true, text: problem.vietnamese().to_owned() };
                    return one(editor, name, 0, vec![banner], Some(posted)).await;
                }
                Err(problem) => return Err(problem),
            }
        }
        _ => return Err(Problem::not_found()),
    };
    let query = [("id", name), ("xong", word)];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    Ok(editor.see_other(&format!("nguon?{query}")))
}

fn concern_rows(concerns: Concerns, name: &str) -> ConcernRows {
    let waiting = concerns.waiting.into_iter().map(|item| WaitingRow {
        id: item.article.to_string(),
        title: item.title,
        since: item.since,
    });
    let mut duplicates: Vec<DuplicateRow> = Vec::new();
    for ProbableDuplicate { title, later, earlier } in concerns.duplicates {
        let (own, (other, source)) = if later.1 == name { (later, earlier) } else { (earlier, later) };
        let (own, other) = (own.0.to_string(), (other.to_string(), source));
        match duplicates.iter_mut().find(|row| row.own == own) {
            Some(row) => row.others.push(other),
            None => duplicates.push(DuplicateRow { title, own, others: vec![other] }),
        }
    }
    ConcernRows { waiting: waiting.collect(), duplicates }
}

fn word_of(accepted: Accepted) -> &'static str {
    match accepted {
        Accepted::Published => "muc-dang",
        Accepted::Corrected => "sua",
        Accepted::Scheduled => "hen",
        Accepted::StaysWithdrawn => "muc-van-go",
        Accepted::Unchanged => "khong-doi",
        Accepted::UnderWay => "muc-dang-lam",
    }
}

fn row_of(health: SourceHealth, zone: Zone, now: Timestamp) -> SourceRow {
    let state = &health.state;
    let mut warnings = Vec::new();
    if state.is_quiet(now) {
        warnings.push("Lâu hơn hẳn thường lệ không có bài mới.".to_owned());
    }
    if let Some(shortfall) = state.shortfall(zone) {
        let (week, usual) = (shortfall.last_week, shortfall.usual_week);
        warnings.push(format!("Tuần qua chỉ có {week} bài, thường lệ {usual} bài một tuần."));
    }
    let counts = &health.counts;
    if counts.unsettled > 0 {
        warnings.push(format!("{} bài thay đổi liên tục nên bản mới nhất phải chờ.", counts.unsettled));
    }
    let mut notes = Vec::new();
    if counts.duplicates > 0 {
        notes.push(format!("{} bài có thể trùng với bài của nguồn khác.", counts.duplicates));
    }
    if state.hub.is_subscribed {
        let (told, missed) = (state.hub.seen, state.hub.missed);
        let counts = format!("đã báo {told} lần, {missed} thay đổi không báo mà tự đọc mới thấy");
        match state.hub.is_trusted() {
            true => notes.push(format!("Nguồn tự báo khi có thay đổi (WebSub): {counts}.")),
            false => warnings.push(format!("Hub của nguồn báo sót nên không tin nữa: {counts}.")),
        }
    }
    let failing = state.failing_since.map(|since| Failing {
        since,
        cause: state.cause.map(cause_words).unwrap_or_else(|| "không đọc được nguồn".to_owned()),
        reason: state.error.clone().unwrap_or_default(),
    });
    SourceRow {
        state: state_word(health.word()),
        is_paused: state.is_paused,
        can_resume: state.is_paused || state.is_gone,
        last_success: state.last_success,
        last_new: state.last_new,
        failing,
        warnings,
        notes,
        repairs: state.repairs.iter().map(|(kind, times)| (repair_word(*kind), *times)).collect(),
        published: state.published,
        doubtful: health.counts.doubtful,
        url: health.url,
        name: health.name,
    }
}

fn cause_words(cause: FailureCause) -> String {
    match cause {
        FailureCause::Address => "địa chỉ của nguồn không được phép gọi tới".to_owned(),
        FailureCause::Connection => "không kết nối được với máy chủ của nguồn".to_owned(),
        FailureCause::Timeout => "máy chủ của nguồn không trả lời kịp".to_owned(),
        FailureCause::Status(status) => format!("máy chủ của nguồn trả lời {status}"),
        FailureCause::Unusable => "nội dung nhận được không dùng được".to_owned(),
    }
}

fn state_word(word: &str) -> &'static str {
    match word {
        "ok" => "bình thường",
        "failing" => "đang lỗi",
        "gone" => "nguồn đã đóng hẳn (410)",
        "paused" => "đang tạm dừng",
        "disabled" => "tắt trong cấu hình",
        _ => "chưa đọc lần nào",
    }
}

fn repair_word(kind: Repair) -> &'static str {
    match kind {
        Repair::WrongEncoding => "bảng mã khác với khai báo",
        Repair::BrokenBytes => "byte không phải chữ",
        Repair::ControlCharacter => "ký tự điều khiển",
        Repair::TextAroundDocument => "chữ thừa trước hoặc sau tài liệu",
        Repair::Doctype => "khai báo DOCTYPE",
        Repair::Entity => "thực thể HTML, hoặc dấu & và < để trần",
        Repair::UndeclaredPrefix => "tiền tố không khai báo",
        Repair::TitleMarkup => "thẻ HTML hoặc mã hóa hai lần trong tiêu đề",
        Repair::RelativeLink => "liên kết thiếu tên máy",
        Repair::TrackingParameter => "tham số theo dõi trong liên kết",
        Repair::EmptyItem => "mục rỗng",
        Repair::OddZone => "múi giờ viết khác lạ",
        Repair::MissingZone => "ngày thiếu múi giờ",
        Repair::OddDate => "ngày viết khác chuẩn",
        Repair::DateFromPage => "ngày lấy từ trang của bài",
        Repair::ImageLeftOut => "ảnh bị bỏ",
    }
}

//! What the reader has to say about a file, in the office's language and in the log's.
//!
//! Each complaint says what is the matter *and* what to do about it. The texts name no line and no file:
//! whoever prints a finding puts `path:line:` before it.

use chrono::NaiveDate;

use super::encoding::Encoding;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is wrong: the reader tells what it did, above all what it left out.
    Note,
    /// The article stands, and somebody should look at it.
    Warning,
    /// The article cannot be published as it is.
    Error,
}

impl Severity {
    /// The word for logs and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One remark about one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Counted from 1 in the file as it lies on the disk. In a Word document the number of the paragraph,
    /// which is what Word shows.
    pub line: usize,
    /// How much it weighs.
    pub severity: Severity,
    /// What it is about.
    pub kind: DiagnosticKind,
}

/// The findings of one reading, as they are made.
#[derive(Debug, Default)]
pub(super) struct Diagnostics {
    made: Vec<Diagnostic>,
    notes: usize,
    more: usize,
}

/// So many notes are read by nobody; what lies beyond is counted.
const MAX_NOTES: usize = 400;

impl Diagnostics {
    pub(super) fn note(&mut self, line: usize, complaint: DiagnosticKind) {
        if self.notes == MAX_NOTES {
            self.more += 1;
        } else {
            self.notes += 1;
            self.push(line, Severity::Note, complaint);
        }
    }

    pub(super) fn warn(&mut self, line: usize, complaint: DiagnosticKind) {
        self.push(line, Severity::Warning, complaint);
    }

    pub(super) fn error(&mut self, line: usize, complaint: DiagnosticKind) {
        self.push(line, Severity::Error, complaint);
    }

    pub(super) fn has_errors(&self) -> bool {
        self.made.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// In the order of the lines; on one line the graver first.
    pub(super) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.made.sort_by_key(|finding| (finding.line, std::cmp::Reverse(finding.severity)));
        if self.more > 0 {
            let line = self.made.last().map_or(1, |finding| finding.line);
            self.push(line, Severity::Note, DiagnosticKind::MoreNotes { count: self.more });
        }
        self.made
    }

    fn push(&mut self, line: usize, severity: Severity, complaint: DiagnosticKind) {
        self.made.push(Diagnostic { line: line.max(1), severity, kind: complaint });
    }
}

/// Everything that the reader can have to say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // The two texts of each, below, say what it means.
pub enum DiagnosticKind {
    // The file as a whole.
    NotAnArticle { name: String },
    Empty,
    TooLarge { limit: u64 },
    WrongFormat { form: &'static str },
    LegacyDoc,
    Damaged { form: &'static str },
    TooDeep { limit: usize },
    TooComplex { limit: usize },

    // Its bytes.
    UnknownEncoding { guess: &'static str },
    LegacyEncoding { encoding: Encoding, sample: String },
    DoublyEncoded { sample: String },
    BrokenBytes { count: usize },
    EncodingNotUsed { encoding: Encoding },
    ForbiddenCharacters { characters: Vec<char> },
    EthUsedAsD { count: usize },

    // Its front matter.
    FrontMatterUnclosed,
    FrontMatterYaml,
    FrontMatterSyntax { message: String },
    FrontMatterUnknownKey { key: String },
    FrontMatterWrongType { key: String, wanted: ExpectedValue },
    FrontMatterEmpty { key: String },

    // Its title and its text.
    TitleMissing,
    TitleLong { characters: usize },
    TextMissing,
    UnsureTitle { title: String },

    // Its date.
    DateMissing,
    DateNotBelowTitle { text: String },
    OnlyPageClock { text: String },
    DateInDoubt { text: String, line: usize, other: String },
    DateAboveTitle { text: String },
    DateUnreadable { text: String },
    DateWithoutYear { text: String },
    DateImpossible { text: String },
    DateMonthFirst { text: String },
    DateTooOld { text: String },
    DateShortYear { text: String },
    DateRelative { text: String },
    TimeImpossible { text: String },
    AmbiguousAmPm { text: String },
    WeekdayWrong { printed: String, date: NaiveDate },
    OffsetForeign { offset: String, local: String },
    TimeTwice { taken: String },
    SecondDate { text: String, chosen: String },
    DateOfUpdate { text: String },
    PageClockIgnored { text: String },
    ExtraTextOnDateLine { text: String },

    // What was left out, and what was kept in doubt.
    Dropped { text: String },
    DroppedMore { count: usize, last_line: usize },
    DroppedRepeat { text: String },
    PageChromeDropped { count: usize, text: String },
    EndMarkRemoved,
    KeptAfterEnd { heading: String },
    TextAboveTitle { text: String },
    PossibleByline { text: String },
    LinesJoined { count: usize },
    SecondSource { text: String },
    LinkDropped { target: String },
    LinkAsText { target: String },
    StruckText { text: String },
    HiddenText { text: String },
    NotCarried { what: Part, name: String, count: usize },
    MoreNotes { count: usize },
}

/// What a key of the front matter must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedValue {
    /// A text in quotes.
    Text,
    /// A text, or a list of texts.
    Texts,
    /// A date, or a text in any of the printed forms.
    Date,
    /// An absolute IRI such as a tag URI.
    Id,
    /// An absolute http or https URL.
    Url,
    /// A language tag (BCP 47).
    Language,
    /// The word for an encoding.
    Encoding,
}

impl DiagnosticKind {
    /// A short name that stays the same, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnArticle { .. } => "not-an-article",
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too-large",
            Self::WrongFormat { .. } => "not-that-form",
            Self::LegacyDoc => "old-word",
            Self::Damaged { .. } => "damaged",
            Self::TooDeep { .. } => "too-deep",
            Self::TooComplex { .. } => "grows-when-read",
            Self::UnknownEncoding { .. } => "unknown-encoding",
            Self::LegacyEncoding { .. } => "legacy-encoding",
            Self::DoublyEncoded { .. } => "doubly-encoded",
            Self::BrokenBytes { .. } => "broken-bytes",
            Self::EncodingNotUsed { .. } => "encoding-not-used",
            Self::ForbiddenCharacters { .. } => "forbidden-characters",
            Self::EthUsedAsD { .. } => "icelandic-d",
            Self::FrontMatterUnclosed => "front-matter-unclosed",
            Self::FrontMatterYaml => "front-matter-yaml",
            Self::FrontMatterSyntax { .. } => "front-matter-syntax",
            Self::FrontMatterUnknownKey { .. } => "front-matter-unknown-key",
            Self::FrontMatterWrongType { .. } => "front-matter-wrong-type",
            Self::FrontMatterEmpty { .. } => "front-matter-empty",
            Self::TitleMissing => "title-missing",
            Self::TitleLong { .. } => "title-long",
            Self::TextMissing => "text-missing",
            Self::UnsureTitle { .. } => "unsure-title",
            Self::DateMissing => "date-missing",
            Self::DateNotBelowTitle { .. } => "date-elsewhere",
            Self::OnlyPageClock { .. } => "date-only-clock",
            Self::DateInDoubt { .. } => "date-in-doubt",
            Self::DateAboveTitle { .. } => "date-above-title",
            Self::DateUnreadable { .. } => "date-unreadable",
            Self::DateWithoutYear { .. } => "date-without-year",
            Self::DateImpossible { .. } => "date-impossible",
            Self::DateMonthFirst { .. } => "date-month-first",
            Self::DateTooOld { .. } => "date-too-old",
            Self::DateShortYear { .. } => "date-short-year",
            Self::DateRelative { .. } => "date-relative",
            Self::TimeImpossible { .. } => "time-impossible",
            Self::AmbiguousAmPm { .. } => "time-half-unclear",
            Self::WeekdayWrong { .. } => "weekday-wrong",
            Self::OffsetForeign { .. } => "offset-foreign",
            Self::TimeTwice { .. } => "time-twice",
            Self::SecondDate { .. } => "second-date",
            Self::DateOfUpdate { .. } => "date-of-update",
            Self::PageClockIgnored { .. } => "clock-passed-over",
            Self::ExtraTextOnDateLine { .. } => "words-beside-date",
            Self::Dropped { .. } => "dropped",
            Self::DroppedMore { .. } => "dropped-more",
            Self::DroppedRepeat { .. } => "dropped-repeat",
            Self::PageChromeDropped { .. } => "dropped-around",
            Self::EndMarkRemoved => "end-mark",
            Self::KeptAfterEnd { .. } => "kept-after-end",
            Self::TextAboveTitle { .. } => "text-above-title",
            Self::PossibleByline { .. } => "perhaps-byline",
            Self::LinesJoined { .. } => "lines-joined",
            Self::SecondSource { .. } => "second-source",
            Self::LinkDropped { .. } => "link-dropped",
            Self::LinkAsText { .. } => "link-as-text",
            Self::StruckText { .. } => "struck-text",
            Self::HiddenText { .. } => "hidden-text",
            Self::NotCarried { .. } => "not-carried",
            Self::MoreNotes { .. } => "more-notes",
        }
    }

    /// For the office: what is the matter and what to do.
    pub fn vietnamese(&self) -> String {
        match self {
            Self::NotAnArticle { name } => format!(
                "«{name}» không phải là tệp bài viết. Hãy lưu bài dưới dạng .txt, .md, .html hoặc .docx."
            ),
            Self::Empty => {
                "Tệp trống. Hãy ghi tiêu đề ở dòng đầu, ngày giờ đăng ở dòng kế tiếp, rồi đến nội dung.".into()
            }
            Self::TooLarge { limit } => format!(
                "Tệp quá lớn (tối đa {}). Hãy để ảnh thành tệp riêng bên cạnh bài, hoặc chia bài thành nhiều phần.",
                megabytes(*limit)
            ),
            Self::WrongFormat { form } => {
                format!("Tệp không đúng định dạng {form}. Hãy mở bằng phần mềm soạn thảo và lưu lại đúng dạng {form}.")
            }
            Self::LegacyDoc => {
                "Đây là tệp Word đời cũ (.doc). Hãy mở bằng Word và chọn «Lưu thành… .docx».".into()
            }
            Self::Damaged { form } => {
                format!("Tệp {form} bị hỏng hoặc thiếu. Hãy chép lại tệp gốc, hoặc mở rồi lưu lại.")
            }
            Self::TooDeep { limit } => format!(
                "Các thẻ lồng nhau quá {limit} tầng nên không đọc. Hãy dán phần chữ của bài vào tệp .txt."
            ),
            Self::TooComplex { limit } => format!(
                "Nội dung phình ra quá {limit} phần tử khi đọc (thẻ mở mà không đóng). Hãy dán phần chữ của bài vào tệp .txt."
            ),
            Self::UnknownEncoding { guess } => format!(
                "Không nhận ra bảng mã (có thể là {guess}). Hãy mở tệp và lưu lại với bảng mã UTF-8."
            ),
            Self::LegacyEncoding { encoding, sample } => format!(
                "Chữ có vẻ ở bảng mã cũ {encoding}: «{sample}». Hãy chuyển sang Unicode (UTF-8), hoặc đặt encoding = \"{}\".",
                encoding.as_str()
            ),
            Self::DoublyEncoded { sample } => format!(
                "Chữ UTF-8 đã bị mở nhầm bảng mã rồi lưu lại: «{sample}». Hãy chép lại từ bản gốc và lưu với UTF-8."
            ),
            Self::BrokenBytes { count } => format!(
                "Có {count} chỗ không đọc được, được thay bằng dấu �. Hãy gõ lại các chữ đó và lưu với UTF-8."
            ),
            Self::EncodingNotUsed { encoding } => format!(
                "Thiết lập encoding = \"{}\" nhưng tệp đã là Unicode, nên đọc theo Unicode. Hãy bỏ thiết lập này.",
                encoding.as_str()
            ),
            Self::ForbiddenCharacters { characters } => format!(
                "Đã bỏ ký tự điều khiển {} mà bản tin không được chứa. Hãy xóa chúng trong tệp.",
                code_points(characters)
            ),
            Self::EthUsedAsD { count } => format!(
                "Đã thay {count} chữ Ð (U+00D0) bằng Đ (U+0110), bắt đầu từ dòng này. Hãy dùng bộ gõ Unicode."
            ),
            Self::FrontMatterUnclosed => {
                "Phần khai báo mở bằng +++ nhưng không đóng. Hãy thêm một dòng +++ sau khai báo cuối.".into()
            }
            Self::FrontMatterYaml => {
                "Phần khai báo giữa hai dòng --- không được hỗ trợ. Hãy dùng hai dòng +++ và viết khóa = \"giá trị\".".into()
            }
            Self::FrontMatterSyntax { message } => format!(
                "Phần khai báo viết sai ({message}). Hãy viết mỗi dòng dạng khóa = \"giá trị\"."
            ),
            Self::FrontMatterUnknownKey { key } => match suggest_key(key) {
                Some(near) => format!("Không có khóa «{key}». Có phải ý bạn là «{near}»? Hãy sửa hoặc xóa dòng này."),
                None => format!("Không có khóa «{key}». Hãy dùng một trong các khóa: {}.", keys()),
            },
            Self::FrontMatterWrongType { key, wanted } => {
                format!("Giá trị của «{key}» không hợp lệ. Hãy viết {}.", wanted.vietnamese())
            }
            Self::FrontMatterEmpty { key } => {
                format!("Khóa «{key}» để trống. Hãy ghi giá trị hoặc xóa dòng này.")
            }
            Self::TitleMissing => "Bài không có tiêu đề. Hãy ghi tiêu đề trên một dòng riêng, phía trên ngày giờ đăng.".into(),
            Self::TitleLong { characters } => format!(
                "Tiêu đề dài {characters} ký tự, có thể là cả một đoạn văn. Hãy kiểm tra dòng tiêu đề."
            ),
            Self::TextMissing => "Bài không có nội dung. Hãy kiểm tra xem đã dán đủ bài chưa.".into(),
            Self::UnsureTitle { title } => format!(
                "Không chắc đâu là tiêu đề, đã lấy «{}». Nếu sai, hãy ghi title = \"…\" trong phần khai báo +++.",
                short(title)
            ),
            Self::DateMissing => {
                "Không thấy ngày đăng. Hãy thêm một dòng ngay dưới tiêu đề, ví dụ 12/05/2023 17:39.".into()
            }
            Self::DateNotBelowTitle { text } => format!(
                "Không thấy ngày đăng dưới tiêu đề. Nếu «{}» là ngày đăng, hãy chuyển dòng này lên ngay dưới tiêu đề.",
                short(text)
            ),
            Self::OnlyPageClock { text } => format!(
                "Chỉ có «{}» ở đầu trang, có thể là đồng hồ của trang web. Hãy ghi ngày đăng ngay dưới tiêu đề, ví dụ 12/05/2023 17:39.",
                short(text)
            ),
            Self::DateInDoubt { text, line, other } => format!(
                "Không chắc ngày đăng là «{}» hay «{}» (dòng {line}). Hãy chỉ để lại ngày đăng, ngay dưới tiêu đề.",
                short(text),
                short(other)
            ),
            Self::DateAboveTitle { text } => format!(
                "Ngày «{}» đứng trên tiêu đề. Hãy kiểm tra đây là ngày đăng, không phải đồng hồ của trang web, và chuyển xuống dưới tiêu đề.",
                short(text)
            ),
            Self::DateUnreadable { text } => format!(
                "Không đọc được ngày giờ «{}». Hãy viết ngày/tháng/năm giờ:phút, ví dụ 12/05/2023 17:39.",
                short(text)
            ),
            Self::DateWithoutYear { text } => {
                format!("Ngày «{}» thiếu năm. Hãy viết đủ, ví dụ 12/05/2023 17:39.", short(text))
            }
            Self::DateImpossible { text } => {
                format!("Không có ngày «{}» trên lịch. Hãy sửa lại ngày và tháng.", short(text))
            }
            Self::DateMonthFirst { text } => format!(
                "«{}» viết tháng trước ngày. Hãy viết ngày trước: ngày/tháng/năm, ví dụ 12/05/2023.",
                short(text)
            ),
            Self::DateTooOld { text } => {
                format!("Năm trong «{}» trước 1990, chắc là gõ nhầm. Hãy sửa lại năm.", short(text))
            }
            Self::DateShortYear { text } => {
                format!("Năm trong «{}» chỉ có hai chữ số. Hãy viết đủ bốn chữ số, ví dụ 2023.", short(text))
            }
            Self::DateRelative { text } => format!(
                "«{}» không phải là ngày cố định. Hãy ghi ngày giờ thật, ví dụ 12/05/2023 17:39.",
                short(text)
            ),
            Self::TimeImpossible { text } => {
                format!("Không có giờ như trong «{}». Hãy viết giờ từ 00:00 đến 23:59.", short(text))
            }
            Self::AmbiguousAmPm { text } => format!(
                "Không rõ giờ sáng hay chiều trong «{}». Hãy viết theo 24 giờ (17:39), hoặc thêm SA/CH.",
                short(text)
            ),
            Self::WeekdayWrong { printed, date } => format!(
                "Ngày {} là {}, không phải {printed}. Đã lấy ngày; hãy kiểm tra lại.",
                date.format("%d/%m/%Y"),
                weekday_vietnamese(*date)
            ),
            Self::OffsetForeign { offset, local } => format!(
                "Giờ in theo múi giờ {offset}, tức {local} giờ Việt Nam. Hãy kiểm tra xem có đúng múi giờ không."
            ),
            Self::TimeTwice { taken } => format!(
                "Giờ này có hai lần trong ngày vì đồng hồ vặn lùi; đã lấy lần đầu: {taken}. Hãy ghi thêm múi giờ nếu là lần sau."
            ),
            Self::SecondDate { text, chosen } => format!(
                "Có hai ngày: đã lấy «{}», bỏ qua «{}». Hãy chỉ để lại ngày đăng.",
                short(chosen),
                short(text)
            ),
            Self::DateOfUpdate { text } => format!(
                "Đã bỏ qua ngày cập nhật «{}». Nếu muốn dùng, hãy ghi updated = … trong phần khai báo +++.",
                short(text)
            ),
            Self::PageClockIgnored { text } => {
                format!("Đã bỏ qua ngày giờ phía trên tiêu đề «{}» (đồng hồ của trang web).", short(text))
            }
            Self::ExtraTextOnDateLine { text } => format!("Đã bỏ chữ «{}» bên cạnh ngày đăng.", short(text)),
            Self::Dropped { text } => format!(
                "Đã bỏ dòng «{}» vì không thuộc bài viết. Nếu cần giữ, hãy viết thành một câu đầy đủ.",
                short(text)
            ),
            Self::DroppedMore { count, last_line } => {
                format!("Đã bỏ tiếp {count} dòng sau phần kết của bài, đến dòng {last_line}.")
            }
            Self::DroppedRepeat { text } => format!("Đã bỏ dòng lặp lại «{}».", short(text)),
            Self::PageChromeDropped { count, text } => {
                format!("Đã bỏ {count} dòng của trang web quanh bài (bắt đầu: «{}»).", short(text))
            }
            Self::EndMarkRemoved => "Đã bỏ dấu kết thúc văn bản ./. ở cuối câu.".into(),
            Self::KeptAfterEnd { heading } => format!(
                "Sau dòng «{}» vẫn còn đoạn văn nên đã giữ lại. Nếu không thuộc bài, hãy xóa từ dòng đó trở đi.",
                short(heading)
            ),
            Self::TextAboveTitle { text } => format!(
                "Đã bỏ đoạn văn phía trên tiêu đề «{}». Nếu thuộc bài, hãy chuyển xuống dưới ngày đăng.",
                short(text)
            ),
            Self::PossibleByline { text } => format!(
                "«{}» có thể là tên tác giả nhưng không chắc, nên giữ trong bài. Nếu đúng, hãy viết «Tác giả: …».",
                short(text)
            ),
            Self::LinesJoined { count } => {
                format!("Đã nối {count} dòng bị ngắt giữa câu thành đoạn văn. Hãy để mỗi đoạn trên một dòng.")
            }
            Self::SecondSource { text } => {
                format!("Có hai nguồn; đã bỏ qua «{}». Hãy chỉ để lại một dòng nguồn.", short(text))
            }
            Self::MoreNotes { count } => format!("Còn {count} ghi chú nữa không liệt kê."),
            Self::LinkDropped { target } => format!(
                "Đã bỏ liên kết «{}» (giữ lại chữ). Hãy dùng địa chỉ đầy đủ bắt đầu bằng https://.",
                short(target)
            ),
            Self::LinkAsText { target } => format!(
                "Đã bỏ liên kết «{}» (giữ lại chữ) vì tiêu đề và tên tác giả chỉ gồm chữ. Nếu cần, hãy đặt liên kết trong một đoạn văn.",
                short(target)
            ),
            Self::StruckText { text } => format!(
                "Đã bỏ chữ gạch ngang «{}». Hãy kiểm tra câu còn lại; nếu vẫn cần các chữ đó, hãy bỏ gạch ngang.",
                short(text)
            ),
            Self::HiddenText { text } => format!("Đã bỏ chữ ẩn «{}».", short(text)),
            Self::NotCarried { what, name, count } => format!(
                "Không đăng được {}{}. Hãy {}.",
                what.vietnamese(),
                named(name, *count),
                what.cure_in_vietnamese()
            ),
        }
    }

    /// For logs: what is the matter and what to do.
    pub fn english(&self) -> String {
        match self {
            Self::NotAnArticle { name } => {
                format!("`{name}` is no article file; save the article as .txt, .md, .html or .docx")
            }
            Self::Empty => {
                "the file is empty; put the title on the first line, the date below it, then the text".into()
            }
            Self::TooLarge { limit } => format!(
                "the file is too large (at most {}); keep pictures in files of their own, or split the article",
                megabytes(*limit)
            ),
            Self::WrongFormat { form } => {
                format!("the file is not {form}; open it in its editor and save it as {form}")
            }
            Self::LegacyDoc => "this is a Word file of the old kind (.doc); save it as .docx".into(),
            Self::Damaged { form } => {
                format!("the {form} file is damaged or cut short; copy it again, or open and save it")
            }
            Self::TooDeep { limit } => {
                format!(
                    "tags are nested more than {limit} deep; paste the text of the article into a .txt file"
                )
            }
            Self::TooComplex { limit } => format!(
                "the page grows beyond {limit} elements when read (tags left open); paste its text into a .txt file"
            ),
            Self::UnknownEncoding { guess } => {
                format!("the encoding is not known (perhaps {guess}); save the file as UTF-8")
            }
            Self::LegacyEncoding { encoding, sample } => format!(
                "the text looks like {encoding}: `{sample}`; convert it to UTF-8, or set encoding = \"{}\"",
                encoding.as_str()
            ),
            Self::DoublyEncoded { sample } => format!(
                "UTF-8 was opened in a wrong encoding and saved again: `{sample}`; copy the original and save as UTF-8"
            ),
            Self::BrokenBytes { count } => {
                format!("{count} places cannot be read and show as �; type them again and save as UTF-8")
            }
            Self::EncodingNotUsed { encoding } => format!(
                "encoding = \"{}\" is set but the file is Unicode and was read as such; take the setting away",
                encoding.as_str()
            ),
            Self::ForbiddenCharacters { characters } => format!(
                "removed {}, which no feed may carry; delete them in the file",
                code_points(characters)
            ),
            Self::EthUsedAsD { count } => {
                format!(
                    "replaced {count} letters U+00D0 by Đ (U+0110) from this line on; use a Unicode keyboard"
                )
            }
            Self::FrontMatterUnclosed => {
                "the front matter opens with +++ and never closes; add a line +++ below its last key".into()
            }
            Self::FrontMatterYaml => {
                "front matter between --- lines is not read; use +++ lines and key = \"value\"".into()
            }
            Self::FrontMatterSyntax { message } => {
                format!("the front matter is no TOML ({message}); write each line as key = \"value\"")
            }
            Self::FrontMatterUnknownKey { key } => match suggest_key(key) {
                Some(near) => format!("there is no key `{key}`; did you mean `{near}`? Correct or delete it"),
                None => format!("there is no key `{key}`; use one of {}", keys()),
            },
            Self::FrontMatterWrongType { key, wanted } => {
                format!("the value of `{key}` does not fit; write {}", wanted.english())
            }
            Self::FrontMatterEmpty { key } => {
                format!("`{key}` is empty; give it a value or delete the line")
            }
            Self::TitleMissing => {
                "the article has no title; put it on a line of its own above the date".into()
            }
            Self::TitleLong { characters } => {
                format!("the title has {characters} characters and may be a paragraph; check that line")
            }
            Self::TextMissing => "the article has no text; check that all of it was pasted".into(),
            Self::UnsureTitle { title } => format!(
                "not sure which line is the title, took `{}`; if wrong, give title = \"…\" in the front matter",
                short(title)
            ),
            Self::DateMissing => {
                "there is no date of publication; add a line below the title, such as 12/05/2023 17:39".into()
            }
            Self::DateNotBelowTitle { text } => format!(
                "no date of publication below the title; if `{}` is it, move that line up below the title",
                short(text)
            ),
            Self::OnlyPageClock { text } => format!(
                "the only date, `{}`, stands at the top and may be the page's clock; put the date below the title",
                short(text)
            ),
            Self::DateInDoubt { text, line, other } => format!(
                "not sure whether `{}` or `{}` (line {line}) is the date; leave the date of publication alone, below the title",
                short(text),
                short(other)
            ),
            Self::DateAboveTitle { text } => format!(
                "the date `{}` stands above the title; check that it is not the page's clock and move it below",
                short(text)
            ),
            Self::DateUnreadable { text } => format!(
                "the date `{}` cannot be read; write day/month/year hour:minute, such as 12/05/2023 17:39",
                short(text)
            ),
            Self::DateWithoutYear { text } => {
                format!("the date `{}` has no year; write it in full, such as 12/05/2023 17:39", short(text))
            }
            Self::DateImpossible { text } => {
                format!("there is no such day as in `{}`; correct day and month", short(text))
            }
            Self::DateMonthFirst { text } => {
                format!("`{}` puts the month first; write day/month/year, such as 12/05/2023", short(text))
            }
            Self::DateTooOld { text } => {
                format!("the year in `{}` is before 1990, probably a slip; correct the year", short(text))
            }
            Self::DateShortYear { text } => {
                format!("the year in `{}` has two digits; write all four, such as 2023", short(text))
            }
            Self::DateRelative { text } => {
                format!("`{}` is no fixed date; write the real one, such as 12/05/2023 17:39", short(text))
            }
            Self::TimeImpossible { text } => {
                format!("there is no such time as in `{}`; write 00:00 to 23:59", short(text))
            }
            Self::AmbiguousAmPm { text } => format!(
                "`{}` does not tell morning from afternoon; write 24 hours (17:39), or add SA/CH",
                short(text)
            ),
            Self::WeekdayWrong { printed, date } => format!(
                "{} is a {}, not {printed}; the date was taken, check it",
                date.format("%d/%m/%Y"),
                date.format("%A")
            ),
            Self::OffsetForeign { offset, local } => {
                format!("the time is printed at {offset}, which is {local} in Việt Nam; check the offset")
            }
            Self::TimeTwice { taken } => format!(
                "the clocks show this time twice, as they are put back; took the first: {taken}; write the offset if it is the second"
            ),
            Self::SecondDate { text, chosen } => format!(
                "there are two dates: took `{}`, passed over `{}`; leave only the date of publication",
                short(chosen),
                short(text)
            ),
            Self::DateOfUpdate { text } => format!(
                "passed over the date of update `{}`; to use it, give updated = … in the front matter",
                short(text)
            ),
            Self::PageClockIgnored { text } => {
                format!("passed over `{}` above the title (the page's clock)", short(text))
            }
            Self::ExtraTextOnDateLine { text } => format!("dropped `{}` beside the date", short(text)),
            Self::Dropped { text } => {
                format!(
                    "dropped `{}`, which is not part of the article; to keep it, make it a sentence",
                    short(text)
                )
            }
            Self::DroppedMore { count, last_line } => {
                format!("dropped {count} more lines below the article, down to line {last_line}")
            }
            Self::DroppedRepeat { text } => format!("dropped the repeated line `{}`", short(text)),
            Self::PageChromeDropped { count, text } => {
                format!("dropped {count} lines of the page around the article (beginning `{}`)", short(text))
            }
            Self::EndMarkRemoved => "dropped the end mark ./. behind the last sentence".into(),
            Self::KeptAfterEnd { heading } => format!(
                "text follows below `{}` and was kept; if it is not part of the article, delete it from there on",
                short(heading)
            ),
            Self::TextAboveTitle { text } => format!(
                "dropped the text above the title `{}`; if it belongs to the article, move it below the date",
                short(text)
            ),
            Self::PossibleByline { text } => format!(
                "`{}` may be an author and was kept in the text; if it is one, write `Tác giả: …`",
                short(text)
            ),
            Self::LinesJoined { count } => {
                format!(
                    "joined {count} lines that were broken within sentences; keep a paragraph on one line"
                )
            }
            Self::SecondSource { text } => {
                format!("there are two sources, passed over `{}`; leave only one", short(text))
            }
            Self::MoreNotes { count } => format!("and {count} more notes"),
            Self::LinkDropped { target } => {
                format!("dropped the link `{}` and kept its text; use a full https:// address", short(target))
            }
            Self::LinkAsText { target } => format!(
                "dropped the link `{}` and kept its text, since titles and bylines are plain text; put it into a paragraph if it is needed",
                short(target)
            ),
            Self::StruckText { text } => format!(
                "left out the struck text `{}`; check what remains of the sentence, and take the stroke away where the text is needed",
                short(text)
            ),
            Self::HiddenText { text } => format!("left out the hidden text `{}`", short(text)),
            Self::NotCarried { what, name, count } => {
                format!(
                    "cannot publish {}{}; {}",
                    what.english(),
                    named(name, *count),
                    what.cure_in_english()
                )
            }
        }
    }
}

fn named(name: &str, count: usize) -> String {
    let name = if name.is_empty() { String::new() } else { format!(" «{}»", short(name)) };
    if count > 1 { format!("{name} (×{count})") } else { name }
}

/// What a form can hold and an article cannot, or not as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The texts below say what they are.
pub enum Part {
    Picture,
    Drawing,
    Video,
    Sound,
    Frame,
    Object,
    Form,
    /// Its letters are published on one line.
    Formula,
    /// A character of a picture font.
    Symbol,
    /// Another document that is shown within this one.
    Document,
}

impl Part {
    fn vietnamese(self) -> &'static str {
        match self {
            Self::Picture => "ảnh",
            Self::Drawing => "hình vẽ",
            Self::Video => "video",
            Self::Sound => "âm thanh",
            Self::Frame => "khung nhúng",
            Self::Object => "đối tượng nhúng",
            Self::Form => "biểu mẫu",
            Self::Formula => "công thức đúng dạng (chỉ giữ các chữ trên một dòng)",
            Self::Symbol => "ký hiệu",
            Self::Document => "tài liệu chèn vào bài",
        }
    }

    fn cure_in_vietnamese(self) -> &'static str {
        match self {
            Self::Picture | Self::Drawing => "lưu thành tệp ảnh cùng tên bên cạnh bài",
            Self::Video | Self::Sound | Self::Frame => "ghi địa chỉ của nội dung đó trong bài",
            Self::Object | Self::Form | Self::Document => "chép phần chữ cần đăng vào bài",
            Self::Formula => "kiểm tra lại, hoặc lưu công thức thành ảnh bên cạnh bài",
            Self::Symbol => "thay bằng ký tự Unicode",
        }
    }

    fn english(self) -> &'static str {
        match self {
            Self::Picture => "the picture",
            Self::Drawing => "the drawing",
            Self::Video => "the video",
            Self::Sound => "the sound",
            Self::Frame => "the frame",
            Self::Object => "the object",
            Self::Form => "the form",
            Self::Formula => "the formula in its shape (its letters are kept on one line)",
            Self::Symbol => "the symbol",
            Self::Document => "the inserted document",
        }
    }

    fn cure_in_english(self) -> &'static str {
        match self {
            Self::Picture | Self::Drawing => "save it as an image file of the same name beside the article",
            Self::Video | Self::Sound | Self::Frame => "give its address in the text",
            Self::Object | Self::Form | Self::Document => "copy the text that is needed into the article",
            Self::Formula => "check it, or save the formula as an image beside the article",
            Self::Symbol => "replace it by a Unicode character",
        }
    }
}

impl ExpectedValue {
    fn vietnamese(self) -> &'static str {
        match self {
            Self::Text => "một chuỗi trong ngoặc kép, ví dụ \"Hội nghị\"",
            Self::Texts => "một chuỗi hoặc danh sách, ví dụ [\"Tấn Lộc\", \"Minh Huyền\"]",
            Self::Date => "ngày giờ thật, ví dụ \"12/05/2023 17:39\" hoặc 2023-05-12T17:39:00+07:00",
            Self::Id => {
                "một định danh đầy đủ không có dấu cách, ví dụ \"tag:dakto.kontum.vn,2023:2023-05-12/hoi-nghi\""
            }
            Self::Url => "địa chỉ đầy đủ, ví dụ \"https://example.vn/bai\"",
            Self::Language => "mã ngôn ngữ, ví dụ \"vi\" hoặc \"jra\"",
            Self::Encoding => "\"utf-8\", \"utf-16\", \"windows-1258\", \"tcvn3\" hoặc \"vni\"",
        }
    }

    fn english(self) -> &'static str {
        match self {
            Self::Text => "a text in quotes, such as \"Hội nghị\"",
            Self::Texts => "a text or a list, such as [\"Tấn Lộc\", \"Minh Huyền\"]",
            Self::Date => "a real date, such as \"12/05/2023 17:39\" or 2023-05-12T17:39:00+07:00",
            Self::Id => {
                "a whole IRI without spaces, such as \"tag:dakto.kontum.vn,2023:2023-05-12/hoi-nghi\""
            }
            Self::Url => "a full address, such as \"https://example.vn/bai\"",
            Self::Language => "a language tag, such as \"vi\" or \"jra\"",
            Self::Encoding => "\"utf-8\", \"utf-16\", \"windows-1258\", \"tcvn3\" or \"vni\"",
        }
    }
}

/// The keys of the front matter, in the order of the documentation.
pub const FRONT_MATTER_KEYS: [&str; 12] = [
    "id",
    "title",
    "published",
    "updated",
    "authors",
    "summary",
    "channels",
    "tags",
    "language",
    "link",
    "source",
    "encoding",
];

fn keys() -> String {
    FRONT_MATTER_KEYS.join(", ")
}

/// The key that was probably meant: a slip of one or two letters, or the word in the singular.
fn suggest_key(given: &str) -> Option<&'static str> {
    const KEY_ALIASES: [(&str, &str); 8] = [
        ("date", "published"),
        ("ngay", "published"),
        ("author", "authors"),
        ("description", "summary"),
        ("lang", "language"),
        ("url", "link"),
        ("categories", "channels"),
        ("category", "channels"),
    ];
    let given = given.to_lowercase();
    if let Some((_, key)) = KEY_ALIASES.into_iter().find(|(habit, _)| *habit == given) {
        return Some(key);
    }
    FRONT_MATTER_KEYS
        .into_iter()
        .map(|key| (slips(key, &given), key))
        .filter(|(slips, _)| *slips <= 2)
        .min()
        .map(|(_, key)| key)
}

/// Levenshtein's distance; 9 for what is too long to be a slip.
fn slips(wanted: &str, given: &str) -> usize {
    let given: Vec<char> = given.chars().take(20).collect();
    if given.len().abs_diff(wanted.len()) > 2 || given.len() < 2 {
        return 9;
    }
    let mut row: Vec<usize> = (0..=given.len()).collect();
    for (i, letter) in wanted.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for j in 1..=given.len() {
            let replaced = diagonal + usize::from(given[j - 1] != letter);
            diagonal = row[j];
            row[j] = replaced.min(row[j] + 1).min(row[j - 1] + 1);
        }
    }
    row[given.len()]
}

/// A text as it is quoted in a complaint: long ones end in an ellipsis.
fn short(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes / (1024 * 1024))
}

fn code_points(characters: &[char]) -> String {
    let named: Vec<String> =
        characters.iter().map(|character| format!("U+{:04X}", u32::from(*character))).collect();
    named.join(", ")
}

fn weekday_vietnamese(date: NaiveDate) -> &'static str {
    use chrono::Datelike;
    const NAMES: [&str; 7] = ["thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật"];
    NAMES[date.weekday().num_days_from_monday() as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_a_key_is_answered_with_the_key_that_was_meant() {
        for (given, meant) in [
            ("tittle", Some("title")),
            ("Title", Some("title")),
            ("author", Some("authors")),
            ("date", Some("published")),
            ("chanels", Some("channels")),
            ("màu", None),
            ("x", None),
            ("toString", None),
        ] {
            assert_eq!(suggest_key(given), meant, "{given}");
        }
    }

    #[test]
    fn a_long_line_is_quoted_by_its_beginning() {
        let said = DiagnosticKind::Dropped { text: "Đăk Tô ".repeat(100) }.vietnamese();
        assert!(said.contains("Đăk…»"), "{said}");
        assert!(said.chars().count() < 220, "{said}");
    }
}

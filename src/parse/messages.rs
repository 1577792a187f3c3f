//! The code and the two messages of each [`DiagnosticKind`], in one table.
//!
//! Each message says what is wrong and how to fix it. It contains neither file name nor line: callers prefix it with
//! `path:line:`.

use chrono::NaiveDate;

use super::diagnostic::{DiagnosticKind, ExpectedValue, Part};
use super::front_matter_keys::{FRONT_MATTER_KEYS, suggest_key};
use crate::message::{Message, counted};

impl DiagnosticKind {
    /// A stable identifier for programs.
    pub fn code(&self) -> &'static str {
        self.entry().0
    }

    /// What is wrong and how to fix it.
    pub fn message(&self) -> Message {
        let (_, vietnamese, english) = self.entry();
        Message { vietnamese, english }
    }

    /// Code, Vietnamese and English message.
    fn entry(&self) -> (&'static str, String, String) {
        match self {
            // The file as a whole.
            Self::NotAnArticle { name } => (
                "not-an-article",
                format!(
                "«{name}» không phải là tệp bài viết. Hãy lưu bài dưới dạng .txt, .md, .html, .docx hoặc .odt."
            ),
                format!("`{name}` is not an article file; save the article as .txt, .md, .html, .docx or .odt"),
            ),
            Self::ReaderFailed => (
                "reader-failed",
                "Chương trình gặp lỗi khi đọc tệp này. Hãy gửi tệp cho người quản trị để báo lỗi; có thể thử dán phần chữ của bài vào tệp .txt.".into(),
                "the program failed while it read this file, which is a fault of bantin: please report it with the file; the text in a .txt file may work".into(),
            ),
            Self::Empty => (
                "empty",
                "Tệp trống. Hãy ghi tiêu đề ở dòng đầu, ngày giờ đăng ở dòng kế tiếp, rồi đến nội dung.".into(),
                "the file is empty; put the title on the first line, the date on the next, then the text".into(),
            ),
            Self::TooLarge { limit } => (
                "too-large",
                format!(
                "Tệp quá lớn (tối đa {}). Hãy để ảnh thành tệp riêng bên cạnh bài, hoặc chia bài thành nhiều phần.",
                megabytes(*limit)
            ),
                format!(
                "the file is too large (at most {}); store images as separate files, or split the article",
                megabytes(*limit)
            ),
            ),
            Self::WrongFormat { form } => (
                "not-that-form",
                format!("Tệp không đúng định dạng {form}. Hãy mở bằng phần mềm soạn thảo và lưu lại đúng dạng {form}."),
                format!("the file is not {form}; open it in its editor and save it as {form}"),
            ),
            Self::LegacyDoc => (
                "old-word",
                "Đây là tệp Word đời cũ (.doc). Hãy mở bằng Word và chọn «Lưu thành… .docx».".into(),
                "this is a legacy Word file (.doc); save it as .docx".into(),
            ),
            Self::Encrypted => (
                "encrypted",
                "Tệp có mật khẩu nên không đọc được. Hãy mở tệp và lưu lại không đặt mật khẩu.".into(),
                "the file is protected by a password; open it and save it without one".into(),
            ),
            Self::Damaged { form } => (
                "damaged",
                format!("Tệp {form} bị hỏng hoặc thiếu. Hãy chép lại tệp gốc, hoặc mở rồi lưu lại."),
                format!("the {form} file is damaged or truncated; copy it again, or open and save it"),
            ),
            Self::TooDeep { limit } => (
                "too-deep",
                format!(
                "Các thẻ lồng nhau quá {limit} tầng nên không đọc. Hãy dán phần chữ của bài vào tệp .txt."
            ),
                format!(
                    "tags are nested more than {limit} levels deep; paste the text of the article into a .txt file"
                ),
            ),
            Self::TooComplex { limit } => (
                "grows-when-read",
                format!(
                "Nội dung phình ra quá {limit} phần tử khi đọc (thẻ mở mà không đóng). Hãy dán phần chữ của bài vào tệp .txt."
            ),
                format!(
                "the page expands to more than {limit} elements (unclosed tags); paste its text into a .txt file"
            ),
            ),
            // Its bytes.
            Self::UnknownEncoding { guess } => (
                "unknown-encoding",
                format!(
                "Không nhận ra bảng mã (có thể là {guess}). Hãy mở tệp và lưu lại với bảng mã UTF-8."
            ),
                format!("unknown encoding (perhaps {guess}); save the file as UTF-8"),
            ),
            Self::LegacyEncoding { encoding, sample } => (
                "legacy-encoding",
                format!(
                "Chữ có vẻ ở bảng mã cũ {encoding}: «{sample}». Hãy chuyển sang Unicode (UTF-8), hoặc đặt encoding = \"{}\".",
                encoding.as_str()
            ),
                format!(
                "the text looks like {encoding}: `{sample}`; convert it to UTF-8, or set encoding = \"{}\"",
                encoding.as_str()
            ),
            ),
            Self::DoublyEncoded { sample } => (
                "doubly-encoded",
                format!(
                "Chữ UTF-8 đã bị mở nhầm bảng mã rồi lưu lại: «{sample}». Hãy chép lại từ bản gốc và lưu với UTF-8."
            ),
                format!(
                "UTF-8 text was opened in a wrong encoding and saved again: `{sample}`; copy the original and save it as UTF-8"
            ),
            ),
            Self::BrokenBytes { count } => (
                "broken-bytes",
                format!(
                "Có {count} chỗ không đọc được, được thay bằng dấu �. Hãy gõ lại các chữ đó và lưu với UTF-8."
            ),
                format!("invalid bytes in {count} places, shown as �; type these characters again and save as UTF-8"),
            ),
            Self::EncodingNotUsed { encoding } => (
                "encoding-not-used",
                format!(
                "Thiết lập encoding = \"{}\" nhưng tệp đã là Unicode, nên đọc theo Unicode. Hãy bỏ thiết lập này.",
                encoding.as_str()
            ),
                format!(
                "encoding = \"{}\" is set but the file is Unicode and was read as Unicode; remove the setting",
                encoding.as_str()
            ),
            ),
            Self::ForbiddenCharacters { characters } => (
                "forbidden-characters",
                format!(
                "Đã bỏ ký tự điều khiển {} mà bản tin không được chứa. Hãy xóa chúng trong tệp.",
                code_points(characters)
            ),
                format!(
                "removed {}, which feeds must not contain; delete them in the file",
                code_points(characters)
            ),
            ),
            Self::EthUsedAsD { count } => (
                "icelandic-d",
                format!(
                "Đã thay {count} chữ Ð (U+00D0) bằng Đ (U+0110), bắt đầu từ dòng này. Hãy dùng bộ gõ Unicode."
            ),
                format!(
                    "replaced {count} × U+00D0 by Đ (U+0110), starting on this line; use a Unicode keyboard"
                ),
            ),
            // Its front matter.
            Self::FrontMatterUnclosed => (
                "front-matter-unclosed",
                "Phần khai báo mở bằng +++ nhưng không đóng. Hãy thêm một dòng +++ sau khai báo cuối.".into(),
                "the front matter starts with +++ but is not closed; add a line +++ after its last key".into(),
            ),
            Self::FrontMatterYaml => (
                "front-matter-yaml",
                "Phần khai báo giữa hai dòng --- không được hỗ trợ. Hãy dùng hai dòng +++ và viết khóa = \"giá trị\".".into(),
                "YAML front matter (---) is not supported; use +++ lines and key = \"value\"".into(),
            ),
            Self::FrontMatterSyntax { message } => (
                "front-matter-syntax",
                format!(
                "Phần khai báo viết sai ({message}). Hãy viết mỗi dòng dạng khóa = \"giá trị\"."
            ),
                format!("the front matter is not valid TOML ({message}); write each line as key = \"value\""),
            ),
            Self::FrontMatterUnknownKey { key } => (
                "front-matter-unknown-key",
                match suggest_key(key) {
                Some(near) => format!("Không có khóa «{key}». Có phải ý bạn là «{near}»? Hãy sửa hoặc xóa dòng này."),
                None => format!("Không có khóa «{key}». Hãy dùng một trong các khóa: {}.", keys()),
            },
                match suggest_key(key) {
                    Some(near) => format!("unknown key `{key}`; did you mean `{near}`? Correct or delete it"),
                    None => format!("unknown key `{key}`; use one of {}", keys()),
                },
            ),
            Self::FrontMatterWrongType { key, wanted } => (
                "front-matter-wrong-type",
                format!("Giá trị của «{key}» không hợp lệ. Hãy viết {}.", wanted.vietnamese()),
                format!("invalid value for `{key}`; write {}", wanted.english()),
            ),
            Self::FrontMatterEmpty { key } => (
                "front-matter-empty",
                format!("Khóa «{key}» để trống. Hãy ghi giá trị hoặc xóa dòng này."),
                format!("`{key}` is empty; set a value or delete the line"),
            ),
            // Its title and text.
            Self::TitleMissing => (
                "title-missing",
                "Bài không có tiêu đề. Hãy ghi tiêu đề trên một dòng riêng, phía trên ngày giờ đăng.".into(),
                "the article has no title; put it on a line of its own above the date".into(),
            ),
            Self::TitleLong { characters } => (
                "title-long",
                format!(
                "Tiêu đề dài {characters} ký tự, có thể là cả một đoạn văn. Hãy kiểm tra dòng tiêu đề."
            ),
                format!("the title has {characters} characters and may be a paragraph; check that line"),
            ),
            Self::TextMissing => (
                "text-missing",
                "Bài không có nội dung. Hãy kiểm tra xem đã dán đủ bài chưa.".into(),
                "the article has no text; check that all of it was pasted".into(),
            ),
            Self::UnsureTitle { title } => (
                "unsure-title",
                format!(
                "Không chắc đâu là tiêu đề, đã lấy «{}». Nếu sai, hãy ghi title = \"…\" trong phần khai báo +++.",
                short(title)
            ),
                format!(
                "uncertain title, used `{}`; if it is wrong, set title = \"…\" in the front matter",
                short(title)
            ),
            ),
            // Its date.
            Self::DateMissing => (
                "date-missing",
                "Không thấy ngày đăng. Hãy thêm một dòng ngay dưới tiêu đề, ví dụ 12/05/2023 17:39.".into(),
                "no publication date; add a line below the title, such as 12/05/2023 17:39".into(),
            ),
            Self::DateNotBelowTitle { text } => (
                "date-elsewhere",
                format!(
                "Không thấy ngày đăng dưới tiêu đề. Nếu «{}» là ngày đăng, hãy chuyển dòng này lên ngay dưới tiêu đề.",
                short(text)
            ),
                format!(
                "no publication date below the title; if it is `{}`, move that line directly below the title",
                short(text)
            ),
            ),
            Self::OnlyPageClock { text } => (
                "date-only-clock",
                format!(
                "Chỉ có «{}» ở đầu trang, có thể là đồng hồ của trang web. Hãy ghi ngày đăng ngay dưới tiêu đề, ví dụ 12/05/2023 17:39.",
                short(text)
            ),
                format!(
                "the only date, `{}`, is at the top and may be the clock of the website; put the publication date below the title",
                short(text)
            ),
            ),
            Self::DateInDoubt { text, line, other } => (
                "date-in-doubt",
                format!(
                "Không chắc ngày đăng là «{}» hay «{}» (dòng {line}). Hãy chỉ để lại ngày đăng, ngay dưới tiêu đề.",
                short(text),
                short(other)
            ),
                format!(
                "the publication date may be `{}` or `{}` (line {line}); keep only the publication date, below the title",
                short(text),
                short(other)
            ),
            ),
            Self::DateAboveTitle { text } => (
                "date-above-title",
                format!(
                "Ngày «{}» đứng trên tiêu đề. Hãy kiểm tra đây là ngày đăng, không phải đồng hồ của trang web, và chuyển xuống dưới tiêu đề.",
                short(text)
            ),
                format!(
                "the date `{}` is above the title; check that it is not the clock of the website and move it below the title",
                short(text)
            ),
            ),
            Self::DateUnreadable { text } => (
                "date-unreadable",
                format!(
                "Không đọc được ngày giờ «{}». Hãy viết ngày/tháng/năm giờ:phút, ví dụ 12/05/2023 17:39.",
                short(text)
            ),
                format!(
                "invalid date `{}`; write day/month/year hour:minute, such as 12/05/2023 17:39",
                short(text)
            ),
            ),
            Self::DateWithoutYear { text } => (
                "date-without-year",
                format!("Ngày «{}» thiếu năm. Hãy viết đủ, ví dụ 12/05/2023 17:39.", short(text)),
                format!("the date `{}` has no year; write it in full, such as 12/05/2023 17:39", short(text)),
            ),
            Self::DateImpossible { text } => (
                "date-impossible",
                format!("Không có ngày «{}» trên lịch. Hãy sửa lại ngày và tháng.", short(text)),
                format!("the day in `{}` does not exist; correct day and month", short(text)),
            ),
            Self::DateMonthFirst { text } => (
                "date-month-first",
                format!(
                "«{}» viết tháng trước ngày. Hãy viết ngày trước: ngày/tháng/năm, ví dụ 12/05/2023.",
                short(text)
            ),
                format!("`{}` puts the month first; write day/month/year, such as 12/05/2023", short(text)),
            ),
            Self::DateTooOld { text } => (
                "date-too-old",
                format!("Năm trong «{}» trước 1990, chắc là gõ nhầm. Hãy sửa lại năm.", short(text)),
                format!("the year in `{}` is before 1990, probably a typing error; correct the year", short(text)),
            ),
            Self::DateShortYear { text } => (
                "date-short-year",
                format!("Năm trong «{}» chỉ có hai chữ số. Hãy viết đủ bốn chữ số, ví dụ 2023.", short(text)),
                format!("the year in `{}` has two digits; write four, such as 2023", short(text)),
            ),
            Self::DateRelative { text } => (
                "date-relative",
                format!(
                "«{}» không phải là ngày cố định. Hãy ghi ngày giờ thật, ví dụ 12/05/2023 17:39.",
                short(text)
            ),
                format!("`{}` is a relative date; write the actual date, such as 12/05/2023 17:39", short(text)),
            ),
            Self::TimeImpossible { text } => (
                "time-impossible",
                format!("Không có giờ như trong «{}». Hãy viết giờ từ 00:00 đến 23:59.", short(text)),
                format!("the time in `{}` does not exist; write 00:00 to 23:59", short(text)),
            ),
            Self::AmbiguousAmPm { text } => (
                "time-half-unclear",
                format!(
                "Không rõ giờ sáng hay chiều trong «{}». Hãy viết theo 24 giờ (17:39), hoặc thêm SA/CH.",
                short(text)
            ),
                format!(
                "`{}` may be morning or afternoon; write the time in 24 hours (17:39), or add SA/CH",
                short(text)
            ),
            ),
            Self::WeekdayWrong { printed, date } => (
                "weekday-wrong",
                format!(
                "Ngày {} là {}, không phải {printed}. Đã lấy ngày; hãy kiểm tra lại.",
                date.format("%d/%m/%Y"),
                weekday_vietnamese(*date)
            ),
                format!(
                "{} is a {}, not {printed}; used the date, check it",
                date.format("%d/%m/%Y"),
                date.format("%A")
            ),
            ),
            Self::OffsetForeign { offset, local } => (
                "offset-foreign",
                format!(
                "Giờ in theo múi giờ {offset}, tức {local} giờ Việt Nam. Hãy kiểm tra xem có đúng múi giờ không."
            ),
                format!("the time has the UTC offset {offset}, which is {local} in Vietnam; check the offset"),
            ),
            Self::TimeTwice { taken } => (
                "time-twice",
                format!(
                "Giờ này có hai lần trong ngày vì đồng hồ vặn lùi; đã lấy lần đầu: {taken}. Hãy ghi thêm múi giờ nếu là lần sau."
            ),
                format!(
                "this time occurs twice because clocks are set back; used the first: {taken}; write the UTC offset if you mean the second"
            ),
            ),
            Self::SecondDate { text, chosen } => (
                "second-date",
                format!(
                "Có hai ngày: đã lấy «{}», bỏ qua «{}». Hãy chỉ để lại ngày đăng.",
                short(chosen),
                short(text)
            ),
                format!(
                "two dates: used `{}`, ignored `{}`; keep only the publication date",
                short(chosen),
                short(text)
            ),
            ),
            Self::DateOfUpdate { text } => (
                "date-of-update",
                format!(
                "Đã bỏ qua ngày cập nhật «{}». Nếu muốn dùng, hãy ghi updated = … trong phần khai báo +++.",
                short(text)
            ),
                format!(
                "ignored the update date `{}`; to use it, set updated = … in the front matter",
                short(text)
            ),
            ),
            Self::PageClockIgnored { text } => (
                "clock-passed-over",
                format!("Đã bỏ qua ngày giờ phía trên tiêu đề «{}» (đồng hồ của trang web).", short(text)),
                format!("ignored `{}` above the title (clock of the website)", short(text)),
            ),
            Self::ExtraTextOnDateLine { text } => (
                "words-beside-date",
                format!("Đã bỏ chữ «{}» bên cạnh ngày đăng.", short(text)),
                format!("dropped `{}` next to the date", short(text)),
            ),
            // What was left out, and what was kept in doubt.
            Self::Dropped { text } => (
                "dropped",
                format!(
                "Đã bỏ dòng «{}» vì không thuộc bài viết. Nếu cần giữ, hãy viết thành một câu đầy đủ.",
                short(text)
            ),
                format!(
                    "dropped `{}`, which is not part of the article; to keep it, write it as a sentence",
                    short(text)
                ),
            ),
            Self::DroppedMore { count, last_line } => (
                "dropped-more",
                format!("Đã bỏ tiếp {count} dòng sau phần kết của bài, đến dòng {last_line}."),
                format!("dropped {} after the article, up to line {last_line}", counted(*count, "more line")),
            ),
            Self::DroppedRepeat { text } => (
                "dropped-repeat",
                format!("Đã bỏ dòng lặp lại «{}».", short(text)),
                format!("dropped the repeated line `{}`", short(text)),
            ),
            Self::PageChromeDropped { count, text } => (
                "dropped-around",
                format!("Đã bỏ {count} dòng của trang web quanh bài (bắt đầu: «{}»).", short(text)),
                format!(
                    "dropped {} of the web page around the article (first: `{}`)",
                    counted(*count, "line"),
                    short(text)
                ),
            ),
            Self::EndMarkRemoved => (
                "end-mark",
                "Đã bỏ dấu kết thúc văn bản ./. ở cuối câu.".into(),
                "removed the end mark ./. after the last sentence".into(),
            ),
            Self::KeptAfterEnd { heading } => (
                "kept-after-end",
                format!(
                "Sau dòng «{}» vẫn còn đoạn văn nên đã giữ lại. Nếu không thuộc bài, hãy xóa từ dòng đó trở đi.",
                short(heading)
            ),
                format!(
                "kept the text after `{}`; if it is not part of the article, delete everything from that line on",
                short(heading)
            ),
            ),
            Self::TextAboveTitle { text } => (
                "text-above-title",
                format!(
                "Đã bỏ đoạn văn phía trên tiêu đề «{}». Nếu thuộc bài, hãy chuyển xuống dưới ngày đăng.",
                short(text)
            ),
                format!(
                "dropped the text above the title `{}`; if it belongs to the article, move it below the date",
                short(text)
            ),
            ),
            Self::PossibleByline { text } => (
                "perhaps-byline",
                format!(
                "«{}» có thể là tên tác giả nhưng không chắc, nên giữ trong bài. Nếu đúng, hãy viết «Tác giả: …».",
                short(text)
            ),
                format!(
                "kept `{}` in the text; if it is an author, write `Tác giả: …`",
                short(text)
            ),
            ),
            Self::LinesJoined { count } => (
                "lines-joined",
                format!("Đã nối {count} dòng bị ngắt giữa câu thành đoạn văn. Hãy để mỗi đoạn trên một dòng."),
                format!(
                    "joined {} broken within sentences; put each paragraph on one line",
                    counted(*count, "line")
                ),
            ),
            Self::SecondSource { text } => (
                "second-source",
                format!("Có hai nguồn; đã bỏ qua «{}». Hãy chỉ để lại một dòng nguồn.", short(text)),
                format!("two sources: ignored `{}`; keep only one", short(text)),
            ),
            Self::LinkDropped { target } => (
                "link-dropped",
                format!(
                "Đã bỏ liên kết «{}» (giữ lại chữ). Hãy dùng địa chỉ đầy đủ bắt đầu bằng https://.",
                short(target)
            ),
                format!("removed the link `{}` and kept its text; use a full https:// address", short(target)),
            ),
            Self::LinkAsText { target } => (
                "link-as-text",
                format!(
                "Đã bỏ liên kết «{}» (giữ lại chữ) vì tiêu đề và tên tác giả chỉ gồm chữ. Nếu cần, hãy đặt liên kết trong một đoạn văn.",
                short(target)
            ),
                format!(
                "removed the link `{}` and kept its text, since titles and bylines are plain text; put the link in a paragraph if needed",
                short(target)
            ),
            ),
            Self::StruckText { text } => (
                "struck-text",
                format!(
                "Đã bỏ chữ gạch ngang «{}». Hãy kiểm tra câu còn lại; nếu vẫn cần các chữ đó, hãy bỏ gạch ngang.",
                short(text)
            ),
                format!(
                "omitted the struck-through text `{}`; check the rest of the sentence, or remove the strikethrough to keep it",
                short(text)
            ),
            ),
            Self::HiddenText { text } => (
                "hidden-text",
                format!("Đã bỏ chữ ẩn «{}».", short(text)),
                format!("omitted the hidden text `{}`", short(text)),
            ),
            Self::NotCarried { what, name, count } => (
                "not-carried",
                format!("Không đăng được {}{}. Hãy {}.", what.vietnamese().0, named(name, *count), what.vietnamese().1),
                format!("cannot publish {}{}; {}", what.english().0, named(name, *count), what.english().1),
            ),
            Self::MoreNotes { count } => (
                "more-notes",
                format!("Còn {count} ghi chú nữa không liệt kê."),
                format!("and {count} more notes"),
            ),
        }
    }
}

impl Part {
    /// Its name and what to do about it.
    fn vietnamese(self) -> (&'static str, &'static str) {
        const IMAGE: &str = "lưu thành tệp ảnh cùng tên bên cạnh bài";
        const URL: &str = "ghi địa chỉ của nội dung đó trong bài";
        const COPY: &str = "chép phần chữ cần đăng vào bài";
        match self {
            Self::Picture => ("ảnh", IMAGE),
            Self::Drawing => ("hình vẽ", IMAGE),
            Self::Video => ("video", URL),
            Self::Sound => ("âm thanh", URL),
            Self::Frame => ("khung nhúng", URL),
            Self::Object => ("đối tượng nhúng", COPY),
            Self::Form => ("biểu mẫu", COPY),
            Self::Formula => (
                "công thức đúng dạng (chỉ giữ các chữ trên một dòng)",
                "kiểm tra lại, hoặc lưu công thức thành ảnh bên cạnh bài",
            ),
            Self::Symbol => ("ký hiệu", "thay bằng ký tự Unicode"),
            Self::Document => ("tài liệu chèn vào bài", COPY),
            Self::Script => ("mã lệnh (script)", "bỏ mã đó khỏi bài"),
            Self::StyleSheet => ("bảng kiểu (style)", "bỏ bảng kiểu đó khỏi bài"),
            Self::Field => {
                ("trường (field) của Word", "đổi trường đó thành chữ (chọn rồi bấm Ctrl+Shift+F9)")
            }
        }
    }

    /// Its name and what to do about it.
    fn english(self) -> (&'static str, &'static str) {
        const IMAGE: &str = "save it next to the article as an image file with the same name";
        const URL: &str = "write its address in the text";
        const COPY: &str = "copy the text you need into the article";
        match self {
            Self::Picture => ("the image", IMAGE),
            Self::Drawing => ("the drawing", IMAGE),
            Self::Video => ("the video", URL),
            Self::Sound => ("the audio", URL),
            Self::Frame => ("the embedded frame", URL),
            Self::Object => ("the embedded object", COPY),
            Self::Form => ("the form", COPY),
            Self::Formula => (
                "the layout of the formula (its text is kept on one line)",
                "check it, or save the formula as an image next to the article",
            ),
            Self::Symbol => ("the symbol", "replace it by a Unicode character"),
            Self::Document => ("the inserted document", COPY),
            Self::Script => ("the script", "remove it from the article"),
            Self::StyleSheet => ("the style sheet", "remove it from the article"),
            Self::Field => ("the Word field", "convert it to text (select it and press Ctrl+Shift+F9)"),
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
            Self::Text => "a string in quotes, such as \"Hội nghị\"",
            Self::Texts => "a string or a list, such as [\"Tấn Lộc\", \"Minh Huyền\"]",
            Self::Date => "a date, such as \"12/05/2023 17:39\" or 2023-05-12T17:39:00+07:00",
            Self::Id => {
                "a complete IRI without spaces, such as \"tag:dakto.kontum.vn,2023:2023-05-12/hoi-nghi\""
            }
            Self::Url => "a full address, such as \"https://example.vn/bai\"",
            Self::Language => "a language tag, such as \"vi\" or \"jra\"",
            Self::Encoding => "\"utf-8\", \"utf-16\", \"windows-1258\", \"tcvn3\" or \"vni\"",
        }
    }
}

fn keys() -> String {
    FRONT_MATTER_KEYS.join(", ")
}

fn named(name: &str, count: usize) -> String {
    let name = if name.is_empty() { String::new() } else { format!(" «{}»", short(name)) };
    if count > 1 { format!("{name} (×{count})") } else { name }
}

/// Text as a message quotes it: truncated with an ellipsis.
fn short(text: &str) -> String {
    const MAX_CHARS: usize = 80;
    match text.char_indices().nth(MAX_CHARS) {
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
    fn long_quotations_are_truncated() {
        let message = DiagnosticKind::Dropped { text: "Đăk Tô ".repeat(100) }.message().vietnamese;
        assert!(message.contains("Đăk…»"), "{message}");
        assert!(message.chars().count() < 220, "{message}");
    }
}

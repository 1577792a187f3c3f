//! The page about the accessibility of the site.

use maud::html;

use super::layout::{PageContext, PageMeta};
use super::text::clean;
use crate::urls::{ACCESSIBILITY_PATH, Format, feed_path, search_path};

/// What the pages offer to people with disabilities, how to use it, and what is not met.
pub fn accessibility_page(frame: &PageContext<'_>) -> Vec<u8> {
    const TITLE: &str = "Trợ giúp tiếp cận";
    let body = html! {
        article.reading {
            h1.title { (TITLE) }
            div.text {
                p {
                    "Trang tin này được làm để ai cũng đọc được, kể cả người dùng trình đọc màn hình, chỉ dùng bàn phím \
                     hoặc cần chữ lớn. Các trang hướng tới chuẩn WCAG 2.2, mức AA."
                }
                h2 { "Cách dùng" }
                ul {
                    li {
                        "Nhấn phím Tab để đi qua các liên kết. Liên kết đầu tiên, «Đến nội dung chính», bỏ qua phần đầu trang."
                    }
                    li { "Phóng to bằng Ctrl và dấu +. Chữ lớn đến 400% vẫn nằm gọn trong màn hình." }
                    li { "Màu nền tối hay sáng theo cài đặt của máy. Hiệu ứng chuyển động tắt theo cài đặt của máy." }
                    li { "Trang đọc được khi trình duyệt tắt JavaScript." }
                    li {
                        a href=(frame.path(&search_path(None, ""))) { "Ô tìm kiếm" }
                        " hiểu cả từ gõ không dấu."
                    }
                    li {
                        "Ứng dụng đọc tin có thể tự đọc bài thành tiếng từ "
                        a href=(frame.path(&feed_path(None, Format::Rss))) { "nguồn tin RSS" }
                        "."
                    }
                }
                h2 { "Điều chưa đáp ứng" }
                ul {
                    li { "Ảnh không có chú thích thì không có mô tả bằng lời cho trình đọc màn hình." }
                    li { "Bảng trong bài cũ có thể thiếu tiêu đề cột." }
                    li { "Chữ nằm trong ảnh chụp văn bản không đọc được thành tiếng." }
                }
                h2 { "Góp ý" }
                p {
                    "Nếu gặp khó khăn khi đọc trang, hãy báo cho " (clean(&frame.site.publisher))
                    " để được cung cấp nội dung ở dạng khác."
                }
            }
        }
    };
    let head = PageMeta {
        title: TITLE,
        description: "Cách đọc trang tin bằng bàn phím, trình đọc màn hình và chữ lớn; những điều chưa đáp ứng.",
        path: ACCESSIBILITY_PATH.to_owned(),
        ..PageMeta::default()
    };
    frame.page(head, body)
}

//! `verify` detects every difference from the input.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Renders, replaces the first `from` with `to`, and verifies.
fn fault(document: &FeedInput<'_>, format: Format, from: &str, to: &str) -> VerifyError {
    let text = rendered(document, format);
    let changed = text.replacen(from, to, 1);
    assert_ne!(text, changed, "{from:?} is not in {format:?}");
    verify(document, format, changed.as_bytes()).expect_err(&format!("{from:?} → {to:?} in {format:?}"))
}

#[test]
fn a_changed_document_is_rejected() {
    let fixture = Fixture::hostile();
    let document = fixture.document(ARCHIVE);
    for (format, from, to, reason) in [
        (Format::Rss, "encoding=\"utf-8\"", "encoding=\"latin1\"", "declare UTF-8"),
        (Format::Rss, "</rss>", "", "not well-formed"),
        (Format::Rss, "Huyện Đăk Tô phát", "Huyện \u{3}Đăk Tô phát", "not well-formed"),
        (Format::Rss, "version=\"2.0\"", "version=\"0.9\"", "not RSS 2.0"),
        (Format::Rss, "rel=\"self\"", "rel=\"via\"", "self link is missing"),
        (Format::Rss, "/archive/2/rss.xml", "/archive/3/rss.xml", "the self link is"),
        (Format::Rss, "<fh:archive></fh:archive>", "", "archive marker"),
        (Format::Rss, "rel=\"prev-archive\"", "rel=\"next-archive\"", "link to the archive"),
        (Format::Rss, "rel=\"current\"", "rel=\"self\"", "more than one `self` link"),
        (Format::Rss, "isPermaLink=\"false\"", "", "`isPermaLink` is not"),
        (Format::Rss, "Huyện Đăk Tô phát", "Huyện Đăk Tô  phát", "the title is"),
        (Format::Rss, "Chiều 12/5", "Chiều 5/12", "the lead is"),
        (Format::Rss, "</item>", "<author>a@b.vn</author></item>", "author"),
        (Format::Rss, "<dc:creator>Tấn Lộc</dc:creator>", "", "the authors are"),
        (Format::Rss, "tag:dakto.kontum.vn,2023:2023-05-12/thi-dua", "x", "the id is"),
        (
            Format::Rss,
            "Fri, 12 May 2023 17:39:00 +0700</pub",
            "Fri, 12 May 2023 17:39:00 GMT+7</pub",
            "not a valid RSS date",
        ),
        (
            Format::Rss,
            "Fri, 12 May 2023 17:39:00 +0700</pub",
            "Thu, 12 May 2023 17:39:00 +0700</pub",
            "not a valid RSS date",
        ),
        (
            Format::Rss,
            "Fri, 12 May 2023 17:39:00 +0700</pub",
            "Fri, 12 May 2023 17:39:00 +07:00</pub",
            "not a valid RSS date",
        ),
        (
            Format::Rss,
            "Fri, 12 May 2023 17:39:00 +0700</pub",
            "Fri, 12 May 2023 17:39:00 +0000</pub",
            "date of publication",
        ),
        (Format::Rss, "2023-05-12T17:49:00+07:00", "2023-05-12T17:49:00.0+07:00", "not a valid Atom date"),
        (Format::Rss, "</item>", "<enclosure/><enclosure/></item>", "`enclosure` is duplicated"),
        (Format::Rss, "</channel>", "<ttl>5</ttl></channel>", "follows an entry"),
        (Format::Rss, "<h2>Mục", "<h2>Mục Mục", "the text is"),
        (Format::Rss, "<p>Theo báo cáo", "<p>Theo &amp;báo cáo", "the text is"),
        (Format::Rss, "<p>Theo báo cáo", "<p onclick=\"x()\">Theo báo cáo", "attribute `onclick`"),
        (Format::Rss, "<p>Theo báo cáo", "<script>x()</script><p>Theo báo cáo", "contains `<script>`"),
        (Format::Rss, "<figure><img src", "<figure><!-- <img src", "contains `<!-->`"),
        (Format::Atom, "<updated>2023-05-12T19:39", "<updated>2023-05-12T20:39", "date of the feed"),
        (Format::Atom, "</feed>", "<fh:complete/></feed>", "follows an entry"),
        (Format::Atom, "<content type=\"html\">", "<content>", "not marked as HTML"),
        (Format::Atom, "<title>Huyện", "<title type=\"html\">Huyện", "has the type html"),
        (Format::Atom, " when=\"2023-05-12T19:39:00+07:00\"", "", "without `when`"),
        (Format::Atom, " when=\"2023-05-12T19:39", " when=\"2023-05-12T19:38", "the tombstone list is"),
        (Format::Atom, "<published>2023-05-12T17:39", "<published>2023-12-05T17:39", "date of publication"),
        (Format::Atom, "/media/2.jpg\" width", "/media/3.jpg\" width", "the image list is"),
        (Format::Json, "version/1.1", "version/1", "not JSON Feed 1.1"),
        (Format::Json, "\"items\"", "\"item\"", "`items` is missing"),
        (Format::Json, "\"history\": \"archive\"", "\"history\": \"complete\"", "archive marker"),
        (Format::Json, "\"date_deleted\"", "\"date\"", "`date_deleted` is missing"),
        (Format::Json, "Đăng nhầm", "Đăng lại", "the tombstone list is"),
        (Format::Json, "\"title\": \"Huyện", "\"title\": \"Xã", "the title is"),
        (Format::Json, "\\n<p>Theo báo cáo", "\\n<p>Theo cáo", "the text is"),
        (
            Format::Json,
            "<figure><img src",
            "<figure><img title=\\\"1\\\" onerror=x() src",
            "attribute `onerror`",
        ),
        (
            Format::Json,
            "\"id\": \"tag:dakto.kontum.vn,2023:2023-05-12/anh\"",
            "\"id\": 17",
            "`id` is not a string",
        ),
    ] {
        let fault = fault(&document, format, from, to);
        assert!(fault.reason.contains(reason), "{from:?} → {to:?}: {fault}");
    }
}

#[test]
fn the_error_names_the_article() {
    let fixture = Fixture::hostile();
    let fault = fault(&fixture.document(LIVE), Format::Atom, "<title>Huyện Đăk Tô", "<title>Huyện");
    assert_eq!(fault.article.as_ref(), Some(&fixture.entries[1].id));
    assert!(fault.to_string().starts_with("tag:dakto.kontum.vn,2023:2023-05-12/thi-dua: the title is"));
}

#[test]
fn an_unreadable_entry_is_named() {
    let fixture = Fixture::hostile();
    for (format, from, to) in [
        (Format::Rss, "<pubDate>Fri, 12 May", "<pubDate>12 May"),
        (Format::Atom, "<content type=\"html\">", "<content>"),
        (Format::Json, "\"content_html\"", "\"content\""),
    ] {
        let fault = fault(&fixture.document(LIVE), format, from, to);
        assert_eq!(fault.article.as_ref(), Some(&fixture.entries[0].id), "{fault}");
    }
}

#[test]
fn active_html_is_rejected_even_if_the_sanitiser_missed_it() {
    for html in [
        "<script>alert(1)</script>",
        "<IFRAME src=\"https://a.vn\"></IFRAME>",
        "<p OnClick='x()'>a</p>",
        "<a href=\" java\tscript:x()\">a</a>",
        "<a href=\"java&#115;cript:x()\">a</a>",
        "<a href=data:text/html,x>a</a>",
        "<svg/onload=x()>",
        "<p style=\"background:url(x)\">a</p>",
        "<!-- a -->",
        "<p",
    ] {
        let fixture = fixture_of(article("a", vec![Block::Html { html: html.to_owned() }]));
        let document = fixture.document(LIVE);
        for format in Format::ALL {
            let fault = verify(&document, format, &render(&document, format)).expect_err(html);
            assert_eq!(fault.article.as_ref(), Some(&fixture.entries[0].id), "{html}");
        }
    }
}

#[test]
fn passive_html_is_accepted() {
    for html in [
        "<p>Một<br>hai &nbsp; &copy; &#7879; a & b</p>",
        "<a href=\"https://a.vn/?a=1&b=2\" title='javascript: là gì?'>a</a>",
        "<img src=https://a.vn/1.jpg alt=\"on & off\">",
        "<ul><li>1 &lt; 2</ul>",
    ] {
        let fixture = fixture_of(article("a", vec![Block::Html { html: html.to_owned() }]));
        let document = fixture.document(LIVE);
        for format in Format::ALL {
            assert_eq!(verify(&document, format, &render(&document, format)), Ok(()), "{html}");
        }
    }
}

#[test]
fn a_document_of_other_articles_is_rejected() {
    let fixture = Fixture::hostile();
    let document = fixture.document(LIVE);
    let fewer = FeedInput { entries: &fixture.entries[1..], ..document };
    let mut reversed = fixture.entries.clone();
    reversed.reverse();
    for format in Format::ALL {
        for other in [fewer, FeedInput { entries: &reversed, ..document }, fixture.everything(LIVE)] {
            assert!(verify(&document, format, &render(&other, format)).is_err(), "{format:?}");
        }
        assert!(verify(&document, format, b"").is_err());
        assert!(verify(&document, format, b"\xff\xfe").is_err());
    }
}

/// Output of a hypothetical broken sanitiser: pieces of markup in any order.
fn broken_html() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "<",
        ">",
        "</",
        "/>",
        "<p",
        "<p ",
        "=",
        "\"",
        "'",
        "&",
        ";",
        "&#",
        "&#x",
        "&#xD800;",
        "&#99999999999;",
        "&amp;",
        "<!--",
        "<![CDATA[",
        "]]>",
        "<?",
        " a=",
        " on=",
        "đ",
        "𠀋",
        "\u{3}",
        "\r",
        "\u{338}",
        " ",
        "\n",
        "x",
    ];
    vec(select(PIECES), 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_html_makes_verify_panic(html in broken_html()) {
        let fixture = fixture_of(article("a", vec![Block::Html { html }]));
        let document = fixture.document(LIVE);
        for format in Format::ALL {
            // Accepted or rejected, but an error always names the article.
            if let Err(fault) = verify(&document, format, &render(&document, format)) {
                prop_assert_eq!(fault.article.as_ref(), Some(&fixture.entries[0].id));
            }
        }
    }

    #[test]
    fn no_bytes_make_verify_panic(cut in 0_usize..4000, put in vec(any::<u8>(), 0..8)) {
        let fixture = Fixture::hostile();
        let document = fixture.document(ARCHIVE);
        for format in Format::ALL {
            let mut bytes = render(&document, format);
            let whole = bytes.clone();
            let place = cut.min(bytes.len());
            bytes.splice(place..(place + put.len()).min(whole.len()), put.clone());
            // A change outside of the compared values may pass; nothing may panic.
            let _ = verify(&document, format, &bytes);
            prop_assert_eq!(verify(&document, format, &whole), Ok(()));
        }
    }
}

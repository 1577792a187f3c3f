//! The sanitiser: the one place that writes the HTML of an article.
//!
//! Nothing that a file holds is passed on as markup. What it means was read into values that can hold no more
//! than a feed may carry: plain text, five marks, an address of a vetted kind. From these the HTML is written
//! anew, with everything escaped, so that a second parse has nothing left to find. SECURITY: the fields of
//! [`Html`] and [`Address`] stay private: that is what makes the rule hold.

use std::rc::Rc;

use super::super::text::{fold, is_xml_character};

/// An absolute web or mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Address(Rc<str>);

impl Address {
    /// Made whole against `base`; none for what a feed cannot carry (rule R12).
    pub(in super::super) fn of(target: &str, base: Option<&url::Url>) -> Option<Self> {
        const LONGEST: usize = 2000;
        let target = target.trim();
        if target.is_empty() || target.len() > LONGEST || target.starts_with('#') {
            return None;
        }
        let url = match url::Url::parse(target) {
            Ok(url) => url,
            Err(_) => base?.join(target).ok()?,
        };
        let good = match url.scheme() {
            "http" | "https" => url.host_str().is_some(),
            "mailto" => true,
            _ => false,
        };
        let text = url.as_str();
        (good && text.len() <= LONGEST && text.chars().all(is_xml_character)).then(|| Self(Rc::from(text)))
    }

    pub(in super::super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Letters above or below the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Raised {
    Sub,
    Sup,
}

/// How a run of text is marked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Style {
    pub strong: bool,
    pub emphasis: bool,
    pub raised: Option<Raised>,
    pub link: Option<Address>,
}

/// HTML that is safe to publish, and where its links lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Html {
    text: String,
    links: Vec<Address>,
}

impl Html {
    /// A paragraph of runs of text, each with its marks.
    pub(in super::super) fn paragraph<'a>(runs: impl Iterator<Item = (&'a str, &'a Style)>) -> Self {
        let mut html = String::from("<p>");
        let mut links = Vec::new();
        let mut link: Option<&Address> = None;
        for (text, style) in runs {
            if style.link.as_ref() != link {
                if link.is_some() {
                    html.push_str("</a>");
                }
                if let Some(target) = &style.link {
                    html.push_str("<a href=\"");
                    push_attribute(&mut html, target.as_str());
                    html.push_str("\">");
                    links.push(target.clone());
                }
                link = style.link.as_ref();
            }
            push_marked(&mut html, text, style);
        }
        html.push_str(if link.is_some() { "</a></p>" } else { "</p>" });
        Self { text: fold(&html), links }
    }

    pub(in super::super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(in super::super) fn links(&self) -> &[Address] {
        &self.links
    }
}

fn push_marked(html: &mut String, text: &str, style: &Style) {
    let raised = style.raised.map(|raised| match raised {
        Raised::Sub => ("<sub>", "</sub>"),
        Raised::Sup => ("<sup>", "</sup>"),
    });
    let marks = [
        style.strong.then_some(("<strong>", "</strong>")),
        style.emphasis.then_some(("<em>", "</em>")),
        raised,
    ];
    let marks = if text.trim().is_empty() { [None; 3] } else { marks };
    for (open, _) in marks.iter().flatten() {
        html.push_str(open);
    }
    push_text(html, text);
    for (_, close) in marks.iter().rev().flatten() {
        html.push_str(close);
    }
}

fn push_text(html: &mut String, text: &str) {
    push_escaped(html, text, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        _ => None,
    });
}

fn push_attribute(html: &mut String, text: &str) {
    push_escaped(html, text, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        _ => None,
    });
}

fn push_escaped(html: &mut String, text: &str, reference: impl Fn(u8) -> Option<&'static str>) {
    let mut done = 0;
    for (at, byte) in text.bytes().enumerate() {
        if let Some(reference) = reference(byte) {
            html.push_str(&text[done..at]);
            html.push_str(reference);
            done = at + 1;
        }
    }
    html.push_str(&text[done..]);
}

/// What a sanitiser that parses leaves of the HTML; tests hold that it is all of it.
#[cfg(test)]
pub(in super::super) fn parsed_and_cleaned(html: &str) -> String {
    use std::collections::{HashMap, HashSet};
    let mut builder = ammonia::Builder::empty();
    builder
        .tags(HashSet::from(["a", "em", "p", "strong", "sub", "sup"]))
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"]))]))
        .clean_content_tags(HashSet::from(["script", "style"]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(None);
    builder.clean(html).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_that_run_or_lead_nowhere_are_no_links() {
        let base = url::Url::parse("https://dakto.vn/tin/bai.html").unwrap();
        for (target, wanted) in [
            ("https://dakto.vn/a?b=1&c=2", Some("https://dakto.vn/a?b=1&c=2")),
            ("/tep/kh.pdf", Some("https://dakto.vn/tep/kh.pdf")),
            ("//dakto.vn/a", Some("https://dakto.vn/a")),
            ("mailto:ubnd@dakto.vn", Some("mailto:ubnd@dakto.vn")),
            ("javascript:alert(1)", None),
            (" JaVa\tScript:alert(1)", None),
            ("vbscript:x", None),
            ("data:text/html,x", None),
            ("#dau-trang", None),
            ("", None),
        ] {
            let address = Address::of(target, Some(&base));
            assert_eq!(address.as_ref().map(Address::as_str), wanted, "{target}");
        }
        assert_eq!(Address::of("/tep/kh.pdf", None), None);
    }

    #[test]
    fn markup_in_a_text_or_an_address_is_text() {
        let link = Address::of("mailto:a\"><script>x</script>@b.vn?subject='&lt;", None);
        assert!(link.is_some());
        let linked = Style { link, raised: Some(Raised::Sup), ..Style::default() };
        let html = Html::paragraph(
            [("</p><script>x</script>", &Style::default()), ("a < b & \"c\" &lt;", &linked)].into_iter(),
        );
        assert_eq!(
            html.as_str(),
            "<p>&lt;/p&gt;&lt;script&gt;x&lt;/script&gt;\
             <a href=\"mailto:a&quot;&gt;&lt;script&gt;x&lt;/script&gt;@b.vn?subject='&amp;lt;\">\
             <sup>a &lt; b &amp; \"c\" &amp;lt;</sup></a></p>"
        );
        assert_eq!(parsed_and_cleaned(html.as_str()), html.as_str());
    }

    #[test]
    fn the_sanitiser_of_the_tests_does_find_what_must_not_pass() {
        for (html, clean) in [
            ("<p onclick=\"x()\">A<script>alert(1)</script></p>", "<p>A</p>"),
            ("<a href=\"javascript:x()\">A</a>", "<a>A</a>"),
            ("<a href=\"/b\">A</a>", "<a>A</a>"),
            ("<iframe src=\"https://x.vn\"></iframe>B", "B"),
            ("<p><p>A", "<p></p><p>A</p>"),
            ("<p>Đất & Người</p>", "<p>Đất &amp; Người</p>"),
        ] {
            assert_eq!(parsed_and_cleaned(html), clean, "{html}");
        }
    }

    fn styles() -> impl Strategy<Value = Style> {
        let target = prop_oneof![
            Just("https://dakto.vn/a?b=1&c=<d>\"'".to_owned()),
            r"(https?:|mailto:|javascript:|//|\\|/)?\PC{0,16}",
            r#"(https?://|mailto:)[ -~]{0,24}"#,
            r#"(https?://a\.vn[/?#]|mailto:)[<>"'&;`{}|\\^%a ]{0,24}"#,
        ];
        let raised = prop_oneof![Just(None), Just(Some(Raised::Sub)), Just(Some(Raised::Sup))];
        (any::<bool>(), any::<bool>(), raised, proptest::option::of(target)).prop_map(
            |(strong, emphasis, raised, target)| {
                let base = url::Url::parse("https://dakto.vn/tin/").unwrap();
                let link = target.and_then(|target| Address::of(&target, Some(&base)));
                Style { strong, emphasis, raised, link }
            },
        )
    }

    /// Text as the cleaner leaves it, with as much markup in it as will fit.
    fn texts() -> impl Strategy<Value = String> {
        let text = prop_oneof![
            r#"(<|>|&|"|'|=|/|!|-|\[|p|a|script|style|href|svg|math|lt;|#60;|#x3c|amp|nbsp;| ){0,12}"#,
            r"\PC{0,12}",
            proptest::collection::vec(any::<char>(), 0..12)
                .prop_map(|letters| letters.into_iter().collect::<String>()),
        ];
        text.prop_map(|text| text.chars().filter(|c| is_xml_character(*c)).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn a_parser_finds_nothing_to_clean(runs in proptest::collection::vec((texts(), styles()), 0..8)) {
            let html = Html::paragraph(runs.iter().map(|(text, style)| (text.as_str(), style)));
            prop_assert_eq!(parsed_and_cleaned(html.as_str()), html.as_str());
        }
    }
}

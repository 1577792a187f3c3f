//! A portal on WordPress, and what breaks in its feed: a story takes the posts, breaks them in one way, and pulls the feed
//! over a socket.

use super::portal::Portal;

/// A post as the feed prints it. Every part can be broken by itself; nothing is escaped that is not in a CDATA section.
#[derive(Clone, Debug)]
pub struct Post {
    /// The inside of `guid`.
    pub guid: String,
    /// The inside of `link`.
    pub link: String,
    /// The inside of `title`.
    pub title: String,
    /// The inside of `pubDate`.
    pub date: String,
    /// The inside of the CDATA section of `description`.
    pub excerpt: String,
    /// The inside of the CDATA section of `content:encoded`; the element is left out if it is empty.
    pub content: String,
    /// More elements.
    pub more: String,
}

/// A site on WordPress.
pub struct WordPress {
    pub portal: Portal,
    /// The `rss` start tag with its namespaces.
    pub root: String,
    /// The XML declaration.
    pub declaration: String,
}

impl WordPress {
    /// Where its feed is.
    pub const FEED: &str = "/feed/";

    /// A site whose feed is as the system writes it.
    pub fn new() -> Self {
        let root = "<rss version=\"2.0\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" \
                    xmlns:wfw=\"http://wellformedweb.org/CommentAPI/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
                    xmlns:atom=\"http://www.w3.org/2005/Atom\" xmlns:sy=\"http://purl.org/rss/1.0/modules/syndication/\" \
                    xmlns:slash=\"http://purl.org/rss/1.0/modules/slash/\">";
        let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned();
        Self { portal: Portal::new(), root: root.to_owned(), declaration }
    }

    /// The URL of its feed.
    pub fn url(&self) -> String {
        self.portal.url(Self::FEED)
    }

    /// A post of the 12th of May 2023, 17:39 in Vietnam.
    pub fn post(&self, number: u32, title: &str) -> Post {
        let link = self.portal.url(&format!("/2023/05/bai-{number}/"));
        Post {
            guid: self.portal.url(&format!("/?p={number}")),
            title: title.to_owned(),
            date: "Fri, 12 May 2023 10:39:00 +0000".to_owned(),
            excerpt: format!("<p>Tóm tắt {number} [&hellip;]</p>\n<p>Xem <a href=\"{link}\">cả bài</a>.</p>"),
            content: format!("<p>Sáng nay, tại nhà rông, xã họp dân lần {number}.</p>"),
            more: String::new(),
            link,
        }
    }

    /// The feed of these posts.
    pub fn feed(&self, posts: &[Post]) -> String {
        let (declaration, root) = (&self.declaration, &self.root);
        let (own, home) = (self.url(), self.portal.url(""));
        let items: String = posts.iter().map(Self::item).collect();
        format!(
            "{declaration}{root}\n<channel>\n\t<title>UBND xã Đăk Tô</title>\n\
             \t<atom:link href=\"{own}\" rel=\"self\" type=\"application/rss+xml\" />\n\t<link>{home}</link>\n\
             \t<description>Trang thông tin điện tử</description>\n\
             \t<lastBuildDate>Fri, 12 May 2023 10:39:00 +0000</lastBuildDate>\n\t<language>vi</language>\n\
             \t<sy:updatePeriod>\n\thourly\t</sy:updatePeriod>\n\t<sy:updateFrequency>\n\t1\t</sy:updateFrequency>\n\
             \t<generator>https://wordpress.org/?v=6.5.2</generator>\n{items}</channel>\n</rss>\n"
        )
    }

    fn item(post: &Post) -> String {
        let Post { guid, link, title, date, excerpt, content, more } = post;
        let content = match content.as_str() {
            "" => String::new(),
            content => format!("\t\t<content:encoded><![CDATA[{content}]]></content:encoded>\n"),
        };
        format!(
            "\t<item>\n\t\t<title>{title}</title>\n\t\t<link>{link}</link>\n\
             \t\t<dc:creator><![CDATA[Văn phòng]]></dc:creator>\n\t\t<pubDate>{date}</pubDate>\n\
             \t\t<category><![CDATA[Tin tức]]></category>\n\t\t<guid isPermaLink=\"false\">{guid}</guid>\n\
             \t\t<description><![CDATA[{excerpt}]]></description>\n{content}{more}\
             \t\t<wfw:commentRss>{link}feed/</wfw:commentRss>\n\t\t<slash:comments>0</slash:comments>\n\t</item>\n"
        )
    }

    /// Serves the feed of these posts.
    pub fn publishes(&self, posts: &[Post]) {
        self.portal.serves(Self::FEED, self.feed(posts));
    }

    /// Serves the page of a post, which prints this date.
    pub fn has_page(&self, post: &Post, printed: &str) {
        let path = post.link.strip_prefix(&self.portal.url("")).expect("a link of this site");
        let Post { title, content, .. } = post;
        self.portal.serves(
            path,
            format!(
                "<!doctype html><html lang=\"vi\"><head><meta charset=\"utf-8\"><title>{title} – UBND xã Đăk Tô</title>\
                 </head><body><header><a href=\"/\">Trang chủ</a></header><article><h1>{title}</h1>\
                 <p class=\"entry-meta\">{printed}</p>{content}</article></body></html>"
            ),
        );
    }
}

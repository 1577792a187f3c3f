//! A site with an article in `xa-hoi`, an empty channel `kinh-te`, and a token for `xa-hoi`.

use super::form::{BOUNDARY, Part, multipart};
use super::{HttpResponse, RunningServer, SAMPLE_ARTICLE, TestSite};

pub const PLAIN: (&str, &str) = ("Content-Type", "text/plain; charset=utf-8");

pub struct Office {
    pub site: TestSite,
    pub serving: RunningServer,
    pub bearer: String,
}

impl Office {
    pub fn new() -> Self {
        Self::of(TestSite::new())
    }

    pub fn of(site: TestSite) -> Self {
        site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
        site.configure("[[channel]]\nslug = \"kinh-te\"\n");
        let serving = site.serve();
        let bearer = Self::token(&site, &["token", "new", "Văn phòng", "--channels", "xa-hoi"]);
        Self { site, serving, bearer }
    }

    /// The `Authorization` of the token that the command creates.
    pub fn token(site: &TestSite, command: &[&str]) -> String {
        format!("Bearer {}", site.ok(command).trim())
    }

    /// Sends a request with the token.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> HttpResponse {
        let headers = [&[("Authorization", self.bearer.as_str())], headers].concat();
        self.serving.request_with_body(method, path, &headers, body.as_ref())
    }

    pub fn get(&self, path: &str) -> HttpResponse {
        self.serving.request("GET", path, &[("Authorization", &self.bearer)])
    }

    /// Publishes an article.
    pub fn post(&self, query: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> HttpResponse {
        self.send("POST", &format!("/api/articles?{query}"), headers, body)
    }

    /// Sends a form.
    pub fn form(
        &self,
        method: &str,
        path: &str,
        parts: &[Part<'_>],
        headers: &[(&str, &str)],
    ) -> HttpResponse {
        let (content_type, body) = multipart(BOUNDARY, parts);
        self.send(method, path, &[&[("Content-Type", content_type.as_str())], headers].concat(), body)
    }

    /// The feed of its channel.
    pub fn shown(&self) -> String {
        self.serving.get("/xa-hoi/rss.xml").text()
    }
}

/// The path of an article's API resource, from its `Location`.
pub fn resource(answer: &HttpResponse) -> String {
    answer.header("location").unwrap().strip_prefix("http://127.0.0.1:8080").unwrap().to_owned()
}

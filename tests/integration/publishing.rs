//! Publishing over HTTP with the real binary.

use crate::support::office::{Office, PLAIN, resource};
use crate::support::portal::{Portal, item, province, pull, rss};
use crate::support::{HttpResponse, SAMPLE_ARTICLE, TestSite, article, wait_until};

fn new_article() -> String {
    article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu của bài mới.")
}

#[test]
fn an_article_is_published_corrected_and_withdrawn_over_http() {
    let office = Office::new();
    let made = office.post("channel=xa-hoi", &[PLAIN], new_article());
    assert_eq!(made.status, 201, "{}", made.text());
    let body = made.json();
    assert_eq!(body["id"], "tag:dakto.example,2023:2023-05-13/bai-moi");
    assert_eq!(body["url"], "http://127.0.0.1:8080/bai-viet/2023/05/13/bai-moi");
    assert_eq!((&body["number"], &body["published"]), (&2.into(), &"2023-05-13T08:00:00+07:00".into()));
    let path = resource(&made);
    assert_eq!(path, "/api/articles/tag%3Adakto.example%2C2023%3A2023-05-13%2Fbai-moi");
    wait_until("the article", || office.shown().contains("Bài mới"));

    let edit = article("Bài mới, sửa", "13/05/2023 08:00", "Đoạn mở đầu của bài mới.");
    let tag = made.etag();
    let corrected = office.send("PUT", &path, &[PLAIN, ("If-Match", &tag)], &edit);
    assert_eq!((corrected.status, &corrected.json()["number"]), (200, &3.into()), "{}", corrected.text());
    let stale = office.send("PUT", &path, &[PLAIN, ("If-Match", &tag)], new_article());
    assert_eq!(stale.status, 412);
    wait_until("the correction", || office.shown().contains("Bài mới, sửa"));
    office.site.scanned(&office.serving);
    assert!(office.shown().contains("Bài mới, sửa"), "it has no source file, and it stays");

    let gone = office.send("DELETE", &format!("{path}?reason=Sai%20tin"), &[], "");
    assert_eq!((gone.status, &gone.json()["outcome"]), (200, &"withdrawn".into()), "{}", gone.text());
    wait_until("the withdrawal", || !office.shown().contains("Bài mới, sửa"));
    assert_eq!(office.send("PUT", &path, &[PLAIN], new_article()).status, 409);
    assert_eq!(office.post("channel=xa-hoi", &[PLAIN], new_article()).status, 409);
}

#[test]
fn no_write_works_without_a_valid_token_for_its_channels() {
    let office = Office::new();
    let path = "/api/articles?channel=xa-hoi";
    let nobody = office.serving.request_with_body("POST", path, &[PLAIN], new_article().as_bytes());
    assert_eq!((nobody.status, nobody.header("content-type")), (401, Some("application/problem+json")));
    assert_eq!(nobody.header("www-authenticate"), Some("Bearer realm=\"bantin\""));
    let headers = [PLAIN, ("Authorization", "Bearer bantin_0123456789")];
    assert_eq!(
        office.serving.request_with_body("POST", path, &headers, new_article().as_bytes()).status,
        401
    );
    assert_eq!(office.post("channel=kinh-te", &[PLAIN], new_article()).status, 403);
    assert_eq!(office.post("channel=xa-hoi&channel=kinh-te", &[PLAIN], new_article()).status, 403);
    let everywhere = office.site.ok(&["token", "new", "Tỉnh"]);
    let headers = [PLAIN, ("Authorization", &format!("Bearer {}", everywhere.trim()))];
    let made = office.serving.request_with_body(
        "POST",
        "/api/articles?channel=kinh-te",
        &headers,
        new_article().as_bytes(),
    );
    assert_eq!(made.status, 201, "a new token is valid at once");
    let other = resource(&made);
    assert_eq!(office.send("PUT", &other, &[PLAIN], SAMPLE_ARTICLE).status, 403);
    assert_eq!(office.send("DELETE", &other, &[], "").status, 403);
    office.site.ok(&["token", "revoke", "Văn phòng"]);
    assert_eq!(office.post("channel=xa-hoi", &[PLAIN], new_article()).status, 401);
}

#[test]
fn a_retry_is_one_article() {
    let office = Office::new();
    let headers = [PLAIN, ("Idempotency-Key", "lan-1")];
    let first = office.post("channel=xa-hoi", &headers, new_article());
    let again = office.post("channel=xa-hoi", &headers, new_article());
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.json(), again.json());
    let other = office.post("channel=xa-hoi", &headers, SAMPLE_ARTICLE);
    assert_eq!(other.status, 422, "{}", other.text());
    wait_until("the article", || office.shown().contains("Bài mới"));
    assert_eq!(office.serving.metric("bantin_log_head"), 2);
}

#[test]
fn every_format_is_parsed_and_errors_name_their_line() {
    let office = Office::new();
    let fields = serde_json::json!({
        "title": "Từ \"biểu mẫu\" & hơn",
        "published": "14/05/2023 09:00",
        "authors": ["Lê An"],
        "text": "Đoạn mở đầu.\n\nĐoạn **hai**.",
    });
    let json = ("Content-Type", "application/json");
    let made = office.post("channel=xa-hoi", &[json], fields.to_string());
    assert_eq!(made.status, 201, "{}", made.text());
    let markdown = "+++\ntitle = \"Từ Markdown\"\npublished = \"14/05/2023 10:00\"\n+++\n\nĐoạn mở đầu.\n";
    let markdown = office.post("channel=xa-hoi", &[("Content-Type", "text/markdown")], markdown);
    assert_eq!(markdown.status, 201, "{}", markdown.text());
    wait_until("both", || {
        let shown = office.shown();
        shown.contains("Từ Markdown") && shown.contains("biểu mẫu")
    });
    let bad = article("Bài hỏng", "31/02/2023 08:00", "Đoạn mở đầu.");
    let refused = office.post("channel=xa-hoi", &[PLAIN], &bad);
    assert_eq!(refused.status, 422);
    assert_eq!(refused.json()["findings"][0]["line"], 3);
    for (query, headers, body, status) in [
        ("channel=xa-hoi", vec![("Content-Type", "application/pdf")], "x", 415),
        ("channel=xa-hoi", vec![], "x", 415),
        ("", vec![PLAIN], "A\n\n13/05/2023 08:00\n\nĐoạn mở đầu.\n", 422),
        ("channel=khong-co", vec![PLAIN], "A\n\n13/05/2023 08:00\n\nĐoạn mở đầu.\n", 422),
        ("channel=Xã", vec![PLAIN], "A\n\n13/05/2023 08:00\n\nĐoạn mở đầu.\n", 400),
        ("chanel=xa-hoi", vec![PLAIN], "x", 400),
        ("channel=xa-hoi", vec![json], "{\"titel\": \"A\"}", 422),
        ("channel=xa-hoi", vec![json], "{", 422),
        ("channel=xa-hoi", vec![PLAIN], "A\n\n13/05/2123 08:00\n\nĐoạn mở đầu.\n", 422),
    ] {
        let query = query.replace('ã', "%C3%A3");
        let answer = office.post(&query, &headers, body);
        assert_eq!(answer.status, status, "{query} {headers:?} {body}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    }
    let long = office.post("channel=xa-hoi", &[PLAIN], vec![b'a'; 3 << 20]);
    assert_eq!(long.status, 413);
    assert_eq!(office.serving.metric("bantin_log_head"), 3, "nothing else was taken");
}

/// The text of a published article without markup.
fn text_of(office: &Office, made: &HttpResponse) -> String {
    let html = office.serving.get(&resource(made)).json()["content_html"].as_str().unwrap().to_owned();
    html.replace("</p>", "\n").replace("</h2>", "\n").replace("<p>", "").replace("<h2>", "")
}

#[test]
fn a_declared_text_is_published_completely() {
    let office = Office::new();
    let lines = [
        "Đoạn mở đầu của bài.",
        "Bình luận",
        "Đoạn dưới dòng ấy.",
        "Tin khác",
        "Vào Cài đặt > Tài khoản > Đổi mật khẩu.",
        "Tags: an ninh, trật tự",
        "Đoạn cuối của bài.",
    ];
    let fields = |title: &str, published: &str| {
        serde_json::json!({ "title": title, "published": published, "text": lines.join("\n\n") }).to_string()
    };
    let html: String = lines.iter().map(|line| format!("<p>{}</p>", line.replace('>', "&gt;"))).collect();
    for (media_type, body) in [
        ("application/json", fields("Từ biểu mẫu", "14/05/2023 09:00")),
        ("text/markdown", format!("# Từ Markdown\n\n14/05/2023 09:01\n\n{}\n", lines.join("\n\n"))),
        ("text/html", format!("<h1>Từ HTML</h1><p>14/05/2023 09:02</p>{html}")),
    ] {
        let made = office.post("channel=xa-hoi", &[("Content-Type", media_type)], body);
        assert_eq!(made.status, 201, "{media_type}: {}", made.text());
        let text = text_of(&office, &made);
        for line in lines {
            assert!(text.contains(&line.replace('>', "&gt;")), "{media_type} lost {line}: {text}");
        }
    }
    let json = ("Content-Type", "application/json");
    let odd = office.post("channel=xa-hoi", &[json], fields("Hai\n+++\ndòng \"\"\"", "14/05/2023 10:00"));
    assert_eq!(odd.status, 201, "{}", odd.text());
    let read = office.serving.get(&resource(&odd)).json();
    assert_eq!(read["title"], "Hai +++ dòng \"\"\"");
}

#[test]
fn an_invalid_field_is_named() {
    let office = Office::new();
    let json = ("Content-Type", "application/json");
    let with = |name: &str, value: serde_json::Value| {
        let mut fields = serde_json::json!({ "title": "A", "published": "14/05/2023", "text": "B" });
        fields[name] = value;
        office.post("channel=xa-hoi", &[json], fields.to_string())
    };
    for (name, value) in [
        ("published", "31/02/2023".into()),
        ("published", "hôm qua".into()),
        ("title", " \n ".into()),
        ("title", 3.into()),
        ("text", serde_json::Value::Null),
        ("tags", serde_json::json!([1])),
        ("authors", serde_json::json!({})),
        ("link", "javascript:alert(1)".into()),
        ("titel", "A".into()),
        ("encoding", "utf-8".into()),
    ] {
        let refused = with(name, value);
        assert_eq!(refused.status, 422, "{name}: {}", refused.text());
        let report = refused.json();
        let named = &[&report["field"], &report["findings"][0]["field"]];
        assert!(named.iter().any(|named| **named == name), "{name}: {report}");
    }
    let twice = "{\"title\": \"A\", \"title\": \"B\", \"published\": \"14/05/2023\", \"text\": \"C\"}";
    assert_eq!(office.post("channel=xa-hoi", &[json], twice).status, 422);
    assert_eq!(office.serving.metric("bantin_log_head"), 1, "nothing was taken");
    assert_eq!(with("summary", serde_json::Value::Null).status, 201, "null is a field that is not there");
}

#[test]
fn omitted_content_is_reported_to_the_author() {
    let office = Office::new();
    let page = format!("Trang chủ\n\n{}\nTin khác\n\nMột tin khác\n", new_article());
    let dropped = |report: &serde_json::Value| {
        let findings = report["findings"].as_array().unwrap();
        findings.iter().any(|finding| finding["severity"] == "note")
    };
    let made = office.post("channel=xa-hoi", &[PLAIN], &page);
    assert!(made.status == 201 && dropped(&made.json()), "{}", made.text());
    let corrected = office.send("PUT", &resource(&made), &[PLAIN], page.replace("mở đầu", "đầu"));
    assert!(corrected.status == 200 && dropped(&corrected.json()), "{}", corrected.text());
    std::fs::write(office.site.path("trang.txt"), page.replace("Bài mới", "Bài từ lệnh")).unwrap();
    let file = office.site.path("trang.txt");
    let publish = ["publish", file.to_str().unwrap(), "--channel", "xa-hoi"];
    let report = office.site.ok(&[&publish[..], &["--json"]].concat());
    assert!(dropped(&serde_json::from_str(&report).unwrap()), "{report}");
    let report = office.site.run(&publish);
    assert!(String::from_utf8_lossy(&report.stderr).contains("note: "), "{report:?}");
    std::fs::write(office.site.path("token"), office.bearer.trim_start_matches("Bearer ")).unwrap();
    let (to, token) = (format!("http://{}", office.serving.address()), office.site.path("token"));
    let there = ["--to", &to, "--token-file", token.to_str().unwrap()];
    std::fs::write(&file, page.replace("Bài mới", "Bài từ xa")).unwrap();
    let report = office.site.run(&[&publish[..], &there].concat());
    assert!(String::from_utf8_lossy(&report.stderr).contains("trang.txt:1: note: "), "{report:?}");
}

#[test]
fn a_dry_run_reports_the_parsed_article_and_changes_nothing() {
    let office = Office::new();
    let answer = office.post("channel=xa-hoi&dry_run=true", &[PLAIN], SAMPLE_ARTICLE);
    assert_eq!(answer.status, 200);
    let report = answer.json();
    assert_eq!(report["understood"]["title"], "Huyện Đăk Tô phát động phong trào thi đua năm 2023");
    assert_eq!(report["understood"]["published"], "2023-05-12T17:39:00+07:00");
    assert_eq!(
        (&report["acceptable"], &report["understood"]["authors"][0]),
        (&true.into(), &"Tấn Lộc".into())
    );
    assert!(report["findings"].as_array().unwrap().iter().any(|finding| finding["line"] == 24));
    let bad = office.post("channel=xa-hoi&dry_run=true", &[PLAIN], "Không ngày\n\nĐoạn.\n").json();
    assert_eq!(bad["acceptable"], false);
    assert_eq!(office.serving.metric("bantin_log_head"), 1);
}

#[test]
fn a_dry_run_reports_why_the_article_would_be_rejected() {
    let office = Office::new();
    let ahead = article("Quá xa", "13/05/2099 08:00", "Đoạn mở đầu.");
    let holder = "+++\ntitle = \"Giữ mã\"\npublished = \"13/05/2023\"\n\
                  id = \"tag:dakto.example,2023:2023-05-13/bai-moi\"\n+++\nThân bài.\n";
    office.site.write("xa-hoi/a.md", holder);
    wait_until("the holder", || office.shown().contains("Giữ mã"));
    let new = new_article();
    let path = "/api/articles/tag%3Adakto.example%2C2023%3A2023-05-13%2Fbai-moi";
    let (post, unknown) = ("/api/articles?channel=xa-hoi", "/api/articles?channel=xa-hoi&channel=xa-hoy");
    type Case<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>, &'a str, u16, &'a str);
    let cases: Vec<Case<'_>> = vec![
        ("POST", post, vec![], &ahead, 422, "a year ahead"),
        ("POST", unknown, vec![], &new, 422, "xa-hoy"),
        ("POST", post, vec![], &new, 409, "exists"),
        ("POST", "/api/articles?channel=kinh-te", vec![], &new, 403, "not-your-channel"),
        ("PUT", path, vec![("If-Match", "\"x\"")], &new, 412, "changed-meanwhile"),
        ("PUT", "/api/articles/x", vec![], &new, 404, "unknown-article"),
    ];
    for (method, path, headers, body, status, reason) in cases {
        let headers = [&[PLAIN], &headers[..]].concat();
        let place = format!("{method} {path}");
        let real = office.send(method, path, &headers, body);
        assert_eq!(real.status, status, "{place}: {}", real.text());
        assert!(real.text().contains(reason) && real.json()["findings"].is_array(), "{}", real.text());
        let separator = if path.contains('?') { '&' } else { '?' };
        let dry = office.send(method, &format!("{path}{separator}dry_run=true"), &headers, body);
        assert_eq!(dry.status, if status == 422 { 200 } else { status }, "{place}: {}", dry.text());
        assert!(dry.text().contains(reason), "{}", dry.text());
        if status == 422 {
            assert_eq!(
                (&dry.json()["acceptable"], &dry.json()["understood"]["title"].is_string()),
                (&false.into(), &true)
            );
        }
    }
    assert_eq!(office.serving.metric("bantin_log_head"), 2);
}

#[test]
fn every_answer_to_a_write_names_the_current_version() {
    let office = Office::new();
    let made = office.post("channel=xa-hoi", &[PLAIN], new_article());
    let path = resource(&made);
    for headers in [vec![PLAIN], vec![PLAIN, ("If-Match", "*")]] {
        let same = office.send("PUT", &path, &headers, new_article());
        assert_eq!((same.status, &same.json()["outcome"]), (200, &"unchanged".into()));
        assert_eq!((same.etag(), &same.json()["number"]), (made.etag(), &made.json()["number"]));
    }
    let ahead = (chrono::Utc::now() + chrono::TimeDelta::days(9)).format("%d/%m/%Y 08:00").to_string();
    let scheduled = article("Bài mới, sửa", &ahead, "Đoạn mở đầu.");
    let planned = office.send("PUT", &path, &[PLAIN, ("If-Match", &made.etag())], &scheduled);
    assert_eq!((planned.status, planned.etag()), (202, made.etag()), "readers still see that version");
    assert!(planned.json()["number"].is_null());
    let again = office.send("PUT", &path, &[PLAIN, ("If-Match", &planned.etag())], new_article());
    assert_eq!(again.status, 200, "{}", again.text());
}

#[test]
fn an_article_with_a_future_date_is_scheduled() {
    let office = Office::new();
    let due = chrono::Utc::now() + chrono::TimeDelta::days(2);
    let stamp = due.with_timezone(&chrono_tz::Asia::Ho_Chi_Minh).format("%d/%m/%Y %H:%M").to_string();
    let answer = office.post("channel=xa-hoi", &[PLAIN], article("Hẹn giờ", &stamp, "Đoạn mở đầu."));
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert!(office.site.ok(&["list"]).contains("waiting"));
    assert!(!office.shown().contains("Hẹn giờ"));
}

/// A scheduled article in the channel `xa-hoi`, and its resource.
fn scheduled(office: &Office) -> (HttpResponse, String) {
    let due = chrono::Utc::now() + chrono::TimeDelta::days(2);
    let stamp = due.with_timezone(&chrono_tz::Asia::Ho_Chi_Minh).format("%d/%m/%Y %H:%M").to_string();
    let made = office.post("channel=xa-hoi", &[PLAIN], article("Hẹn giờ", &stamp, "Đoạn mở đầu."));
    assert_eq!(made.status, 202, "{}", made.text());
    let path = resource(&made);
    (made, path)
}

#[test]
fn a_scheduled_article_is_visible_only_to_tokens_of_its_channels() {
    let office = Office::new();
    let (made, path) = scheduled(&office);
    let read = office.send("GET", &path, &[], "");
    assert_eq!((read.status, read.etag()), (200, made.etag()), "{}", read.text());
    assert_eq!((&read.json()["title"], &read.json()["state"]), (&"Hẹn giờ".into(), &"waiting".into()));
    assert_eq!(read.header("cache-control"), Some("no-store"));
    let description = office.serving.get("/api/openapi.json").json();
    described(&description, "/articles/{id}", "GET", &read);

    let other = office.site.ok(&["token", "new", "Kinh tế", "--channels", "kinh-te"]);
    let headers = [PLAIN, ("Authorization", &format!("Bearer {}", other.trim()))];
    let past = article("Lộ tin", "12/05/2023 08:00", "Đoạn mở đầu.");
    assert_eq!(office.serving.get(&path).status, 404, "it is under embargo");
    for method in ["GET", "PUT", "DELETE"] {
        let answer = office.serving.request_with_body(method, &path, &headers, past.as_bytes());
        assert_eq!((answer.status, answer.json()["code"].as_str()), (404, Some("unknown-article")));
    }
    assert_eq!(
        office
            .serving
            .request_with_body("PUT", &format!("{path}?dry_run=true"), &headers, past.as_bytes())
            .status,
        404
    );
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let fields = serde_json::json!({ "id": id, "title": "A", "published": "12/05/2023", "text": "B." });
    let taking = [("Content-Type", "application/json"), headers[1]];
    let body = fields.to_string();
    let taken =
        office.serving.request_with_body("POST", "/api/articles?channel=kinh-te", &taking, body.as_bytes());
    assert_eq!((taken.status, taken.json()["code"].as_str()), (403, Some("not-your-id")), "{}", taken.text());
    assert_eq!(office.send("GET", &path, &[], "").json()["title"], "Hẹn giờ");

    let stamp = read.json()["published"].as_str().unwrap().to_owned();
    let edit =
        serde_json::json!({ "title": "Hẹn giờ, sửa", "published": stamp, "text": "Đoạn." }).to_string();
    let json = ("Content-Type", "application/json");
    let tag = read.etag();
    let edited = office.send("PUT", &path, &[json, ("If-Match", &tag)], &edit);
    assert_eq!(edited.status, 202, "{}", edited.text());
    let stale = office.send("DELETE", &path, &[("If-Match", &tag)], "");
    assert_eq!(stale.status, 412);
    assert!(!stale.text().contains("number 0") && !stale.text().contains("số 0"), "{}", stale.text());
    let list = format!("\"x\", {}", edited.etag());
    let removed = office.send("DELETE", &path, &[("If-Match", &list)], "");
    assert_eq!(removed.json()["outcome"], "will not be published", "{}", removed.text());
    assert_eq!(office.send("GET", &path, &[], "").status, 404);
    assert_eq!(office.serving.metric("bantin_log_head"), 1, "nothing of it was ever published");
}

#[test]
fn a_tag_of_another_log_matches_nothing_and_the_error_names_the_current_number() {
    let office = Office::new();
    let path = resource(&office.post("channel=xa-hoi", &[PLAIN], new_article()));
    for tag in ["\"x\"", "\"khac.2\"", "W/\"x.2\"", "\"0\"", "nonsense"] {
        for method in ["PUT", "DELETE"] {
            let answer = office.send(method, &path, &[PLAIN, ("If-Match", tag)], new_article());
            assert_eq!(answer.status, 412, "{method} {tag}");
            assert!(answer.text().contains("at number 2 now"), "{}", answer.text());
        }
    }
    assert_eq!(office.send("DELETE", &path, &[("If-Match", "*")], "").status, 200);
}

#[test]
fn of_fifty_concurrent_deletes_of_one_version_one_succeeds() {
    let office = Office::new();
    let made = office.post("channel=xa-hoi", &[PLAIN], new_article());
    let (path, tag) = (resource(&made), made.etag());
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let racer = |number: usize| {
            let (office, path, tag) = (&office, &path, &tag);
            scope.spawn(move || match number % 2 {
                0 => office.send("DELETE", path, &[("If-Match", tag)], "").status,
                _ => {
                    let edit = article(&format!("Bản {number}"), "13/05/2023 08:00", "Đoạn mở đầu.");
                    office.send("PUT", path, &[PLAIN, ("If-Match", tag)], edit).status
                }
            })
        };
        let racing: Vec<_> = (0..50).map(racer).collect();
        racing.into_iter().map(|racer| racer.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 409, 412].contains(status)), "{statuses:?}");
    assert_eq!(office.serving.metric("bantin_log_head"), 3);
}

#[test]
fn the_last_given_reason_is_published() {
    let office = Office::new();
    let path = resource(&office.post("channel=xa-hoi", &[PLAIN], new_article()));
    let id = "tag:dakto.example,2023:2023-05-13/bai-moi";
    assert_eq!(office.send("DELETE", &path, &[], "").status, 200);
    office.site.ok(&["withdraw", id, "--reason", "Sai số liệu"]);
    wait_until("the reason", || office.serving.get("/xa-hoi/atom.xml").text().contains("Sai số liệu"));
    let again = office.send("DELETE", &format!("{path}?reason=Tr%C3%B9ng"), &[], "");
    assert_eq!(again.json()["outcome"], "reason changed");
    wait_until("the other", || office.serving.get("/xa-hoi/atom.xml").text().contains("Trùng"));
    assert!(!office.serving.get("/xa-hoi/atom.xml").text().contains("Sai số liệu"));
    office.site.remove("xa-hoi/thi-dua.txt");
    wait_until("the withdrawal", || !office.shown().contains("thi-dua"));
    for path in ["/xa-hoi/atom.xml", "/api/changes?after=0", "/bai-viet/2023/05/12/thi-dua"] {
        assert!(!office.serving.get(path).text().contains("file-removed"), "{path}");
    }
}

#[test]
fn a_rejected_article_gets_its_own_problem_and_never_503() {
    let office = Office::new();
    let holder = "+++\ntitle = \"Giữ mã cũ\"\npublished = \"13/05/2023\"\n\
                  id = \"tag:dakto.example,2023:2023-05-13/bai-moi\"\n+++\nThân bài.\n";
    office.site.write("xa-hoi/a.md", holder);
    wait_until("the holder", || office.shown().contains("Giữ mã cũ"));
    let taken = office.post("channel=xa-hoi", &[PLAIN], new_article());
    assert_eq!((taken.status, taken.json()["code"].as_str()), (409, Some("exists")), "{}", taken.text());
    let json = [("Content-Type", "application/json")];
    let with = |name: &str, value: serde_json::Value| {
        let mut fields =
            serde_json::json!({ "title": "Bài", "published": "14/05/2023 09:00", "text": "Mở đầu." });
        fields[name] = value;
        office.post("channel=xa-hoi", &json, fields.to_string())
    };
    for (name, value) in [
        ("id", format!("tag:a.vn,2020:{}", "x".repeat(70_000)).into()),
        ("title", "ắ".repeat(1001).into()),
        ("tags", (0..101).map(|tag| tag.to_string()).collect()),
        ("authors", vec!["A".repeat(5000)].into()),
        ("channels", vec!["tim-kiem"].into()),
    ] {
        let answer = with(name, value);
        assert_eq!(answer.status, 422, "{name}: {}", answer.text());
    }
    assert_eq!(office.serving.admin("/readyz").status, 200);
    assert_eq!(office.serving.metric("bantin_log_head"), 2);
}

#[test]
fn the_commands_do_the_same_against_a_running_service() {
    let office = Office::new();
    let secret = office.bearer.trim_start_matches("Bearer ");
    std::fs::write(office.site.path("token"), format!("{secret}\n")).unwrap();
    std::fs::write(office.site.path("moi.txt"), new_article()).unwrap();
    let (file, token) = (office.site.path("moi.txt"), office.site.path("token"));
    let to = format!("http://{}/", office.serving.address());
    let there = ["--to", &to, "--token-file", token.to_str().unwrap()];
    let publish = ["publish", file.to_str().unwrap(), "--channel", "xa-hoi"];
    let report = office.site.ok(&[&publish[..], &there].concat());
    let id = serde_json::from_str::<serde_json::Value>(&report).unwrap()["id"].as_str().unwrap().to_owned();
    wait_until("the article", || office.shown().contains("Bài mới"));
    office.site.ok(&[&["withdraw", &id, "--reason", "Sai tin"][..], &there].concat());
    wait_until("the withdrawal", || !office.shown().contains("Bài mới"));
    let refused = office.site.run(&[&publish[..], &there].concat());
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("409"), "a withdrawn id");
    office.site.ok(&["restore", &id]);
    wait_until("the restoration", || office.shown().contains("Bài mới"));
    let page = "http://127.0.0.1:8080/bai-viet/2023/05/13/bai-moi";
    let same = office.site.ok(&[&publish[..], &there, &["--id", page]].concat());
    assert!(same.contains("unchanged"), "{same}");
    let withdrawn = office.site.ok(&[&["withdraw", page][..], &there].concat());
    assert!(withdrawn.contains(&id), "{withdrawn}");
}

#[test]
fn guessing_tokens_is_limited_without_blocking_valid_tokens() {
    let office = Office::new();
    let delete = |bearer: &str| {
        let headers = [("Authorization", bearer)];
        office.serving.request_with_body("DELETE", "/api/articles/x", &headers, b"")
    };
    assert_eq!(delete(&office.bearer).status, 404);
    let guesses: Vec<u16> = (0..40).map(|guess| delete(&format!("Bearer bantin_{guess}")).status).collect();
    assert!(guesses[..29].iter().all(|status| *status == 401), "{guesses:?}");
    assert!(guesses.contains(&429), "{guesses:?}");
    let refused = delete("Bearer bantin_x");
    assert_eq!((refused.status, &refused.json()["code"]), (429, &"too-often".into()));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(delete(&office.bearer).status, 404, "a valid token still works");
    assert_eq!(office.serving.get("/xa-hoi/rss.xml").status, 200);
}

/// Sends bytes on a separate connection and reads the response until it is closed.
fn exchange(office: &Office, request: &str) -> String {
    let mut stream = std::net::TcpStream::connect(office.serving.address()).unwrap();
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
    answer
}

#[test]
fn every_error_of_the_api_is_a_problem_detail() {
    let office = Office::new();
    let long = "a".repeat(3 << 20);
    let article = "/api/articles/tag%3Adakto.example%2C2023%3A2023-05-12%2Fthi-dua";
    let slash = format!("{article}/");
    type Case<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>, &'a str, u16);
    let cases: Vec<Case<'_>> = vec![
        ("POST", "/api/articles/", vec![PLAIN], "x", 404),
        ("GET", "/api/articles/", vec![], "", 404),
        ("HEAD", "/api/articles/", vec![], "", 404),
        ("PUT", &slash, vec![PLAIN], "x", 404),
        ("GET", "/api", vec![], "", 404),
        ("GET", "/api/", vec![], "", 404),
        ("DELETE", "/api/nothing/at/all", vec![], "", 404),
        ("GET", "/api/%ff", vec![], "", 404),
        ("POST", "/api/changes", vec![PLAIN], "x", 405),
        ("PATCH", article, vec![PLAIN], "x", 405),
        ("BREW", "/api/articles", vec![], "", 405),
        ("GET", "/api/articles?q=a&q=b", vec![], "", 400),
        ("POST", "/api/articles?channel=xa-hoi", vec![PLAIN], &long, 413),
        ("POST", "/api/articles/", vec![PLAIN], &long, 413),
        ("DELETE", article, vec![], &long, 413),
        ("GET", "/api/changes", vec![("Host", "a b")], "", 400),
        ("POST", "/api/articles?channel=xa-hoi", vec![PLAIN, ("Content-Encoding", "gzip")], "x", 415),
        ("PUT", article, vec![PLAIN, ("Content-Encoding", "identity, br")], "x", 415),
        ("POST", "/%61pi/articles", vec![("Content-Encoding", ""), ("Content-Encoding", "X-GZIP")], "x", 415),
        ("GET", article, vec![("If-Match", "\"x\"")], "", 412),
        ("GET", article, vec![("Accept-Encoding", "*;q=0")], "", 406),
    ];
    for (method, path, headers, body, status) in cases {
        let answer = office.send(method, path, &headers, body);
        let place = format!("{method} {path} {headers:?}");
        assert_eq!(answer.status, status, "{place}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{place}");
        if method != "HEAD" {
            assert_eq!(answer.json()["status"], status, "{place}");
        }
        if status == 415 {
            assert_eq!(answer.header("accept-encoding"), Some("identity"), "RFC 9110 §15.5.16");
        }
    }
    for head in ["GET /api/articles HTTP/1.1\r\n", "POST /api/articles HTTP/1.1\r\nHost: a\r\nHost: a\r\n"] {
        let answer = exchange(&office, &format!("{head}Connection: close\r\n\r\n"));
        assert!(
            answer.starts_with("HTTP/1.1 400 ") && answer.contains("application/problem+json"),
            "{answer}"
        );
    }
    let head = format!(
        "POST /api/articles?channel=xa-hoi HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: {}\r\n\
         Content-Type: text/plain\r\n",
        office.bearer
    );
    let long = format!("{:x}\r\n{}\r\n0\r\n\r\n", long.len(), long);
    for (coding, body, status) in [
        ("chunked", long.as_str(), 413),
        ("gzip, chunked", "1\r\nx\r\n0\r\n\r\n", 415),
        ("chunked", "x\r\n", 400),
    ] {
        let answer = exchange(&office, &format!("{head}Transfer-Encoding: {coding}\r\n\r\n{body}"));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{coding}: {answer}");
        assert!(answer.contains("application/problem+json"), "{coding}: {answer}");
    }
    assert_eq!(office.serving.metric("bantin_log_head"), 1);
}

#[test]
fn without_permission_the_body_is_not_requested() {
    let office = Office::new();
    let head = |path: &str, more: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\nExpect: 100-continue\r\n{more}\r\n"
        )
    };
    let bearer = format!("Authorization: {}\r\n", office.bearer);
    let typed = format!("{bearer}Content-Type: text/plain\r\n");
    for (head, status) in [
        (head("/api/articles?channel=xa-hoi", "Content-Type: text/plain\r\n"), 401),
        (head("/api/articles?channel=xa-hoi", "Authorization: Bearer x\r\n"), 401),
        (head("/api/articles?channel=xa-hoi", &bearer), 415),
        (head("/api/articles?channel=xa-hoi", &format!("{typed}Content-Encoding: gzip\r\n")), 415),
        (head("/api/articles?kenh=xa-hoi", &typed), 400),
        (head("/api/articles/", &typed), 404),
    ] {
        let answer = exchange(&office, &head);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {answer}");
        assert!(!answer.contains("100 Continue") && answer.contains("connection: close"), "{answer}");
    }
}

#[test]
fn an_article_sent_in_single_bytes_needs_no_extra_memory() {
    let office = Office::new();
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", office.serving.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let before = resident();
    let mut stream = std::net::TcpStream::connect(office.serving.address()).unwrap();
    let head = format!(
        "POST /api/articles?channel=xa-hoi HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n\
         Authorization: {}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        office.bearer
    );
    std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
    let text = format!("{}\n{}", new_article(), "Đoạn nữa của bài này.\n".repeat(4000));
    let pieces: Vec<u8> = text.bytes().flat_map(|byte| [b"1\r\n", &[byte][..], b"\r\n"].concat()).collect();
    for pieces in pieces.chunks(4096) {
        std::io::Write::write_all(&mut stream, pieces).unwrap();
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 40 << 10, "{grown} kB for {} bytes", text.len());
    std::io::Write::write_all(&mut stream, b"0\r\n\r\n").unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}

#[test]
fn an_article_page_is_always_current_and_cheap_to_revalidate() {
    let office = Office::new();
    let made = office.post("channel=xa-hoi", &[PLAIN], new_article());
    let page = "/bai-viet/2023/05/13/bai-moi";
    let unchanged = |tag: &str, coding: &str| {
        office.serving.request("GET", page, &[("If-None-Match", tag), ("Accept-Encoding", coding)]).status
            == 304
    };
    let mut tags = Vec::new();
    for coding in ["identity", "gzip", "br"].repeat(2) {
        let shown = office.serving.request("GET", page, &[("Accept-Encoding", coding)]);
        assert_eq!(shown.status, 200);
        assert!(unchanged(&shown.etag(), coding));
        tags.push(shown.etag());
    }
    assert_eq!(tags[..3], tags[3..]);
    // After each write the page shows the new state.
    for round in 0..5 {
        let edit = new_article().replace("mở đầu", &format!("mở đầu thứ {round}"));
        assert_eq!(office.send("PUT", &resource(&made), &[PLAIN], edit).status, 200);
        assert!(office.serving.get(page).text().contains(&format!("mở đầu thứ {round}")), "{round}");
    }
    assert!(!unchanged(&tags[1], "gzip"));
    assert_eq!(office.send("DELETE", &resource(&made), &[], "").status, 200);
    assert_eq!(office.serving.get(page).status, 410);
    assert_eq!(office.serving.get("/bai-viet/2023/05/13/khong-co").status, 404);
}

#[test]
fn health_checks_are_not_rate_limited() {
    let test_site = TestSite::new();
    let config = std::fs::read_to_string(test_site.path("config.toml")).unwrap();
    let limits = "[server.limits]\nrequests_per_minute = 2\n[[channel]]";
    std::fs::write(test_site.path("config.toml"), config.replace("[[channel]]", limits)).unwrap();
    let serving = test_site.serve();
    for path in ["/healthz", "/readyz"].repeat(20) {
        let answer = serving.get(path);
        assert!(matches!(answer.status, 200 | 503), "{path} {}", answer.status);
        assert_eq!(serving.admin(path).status, answer.status);
    }
    let report: Vec<u16> = (0..3).map(|_| serving.get("/api/articles").status).collect();
    assert_eq!(report, [200, 200, 429]);
    let refused = serving.get("/api/articles/");
    assert_eq!((refused.status, refused.header("content-type")), (429, Some("application/problem+json")));
    assert_eq!(serving.get("/healthz").status, 200);
}

/// A server that answers each connection with the same bytes until the end of the test.
fn something_else(answer: &'static str) -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = std::io::Read::read(&mut stream, &mut [0; 8192]);
            let _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
        }
    });
    address
}

#[test]
fn a_command_reports_success_only_if_the_server_did_it() {
    let test_site = TestSite::new();
    std::fs::write(test_site.path("token"), "bantin_0123456789").unwrap();
    std::fs::write(test_site.path("moi.txt"), new_article()).unwrap();
    let (file, token) = (test_site.path("moi.txt"), test_site.path("token"));
    for (answer, report) in [
        (
            "HTTP/1.1 301 Moved Permanently\r\nLocation: https://moi.example/tin/api/articles?channel=xa-hoi\r\n\
             Content-Length: 0\r\nConnection: close\r\n\r\n",
            "--to https://moi.example/tin`",
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: /moi/api/articles/x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "/moi`",
        ),
        ("HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "307"),
        ("HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n", "304"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>", "<html>"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", "{}"),
        ("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", "204"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{", "response"),
        ("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "502"),
    ] {
        let to = format!("http://{}", something_else(answer));
        let there = ["--to", &to, "--token-file", token.to_str().unwrap()];
        for command in
            [&["publish", file.to_str().unwrap(), "--channel", "xa-hoi"][..], &["withdraw", "tag:x"]]
        {
            let output = test_site.run(&[command, &there].concat());
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(
                (output.status.code(), output.stdout.len()),
                (Some(1), 0),
                "{command:?} {answer}: {stderr}"
            );
            assert!(stderr.contains(report), "{answer}: {stderr}");
        }
    }
}

/// Every response of the write endpoints conforms to the OpenAPI description.
#[test]
fn write_responses_conform_to_openapi() {
    let portal = Portal::new();
    let undated = ["a", "b", "c"].map(|id| item(id, id, "", &portal.url(&format!("/{id}")), "Tin."));
    portal.serves("/rss.xml", rss(&undated));
    let site = province(&[("Xã", portal.url("/rss.xml"))]);
    assert_eq!(pull(&site, "Xã")["doubtful"].as_array().unwrap().len(), 3);
    let office = Office::of(site);
    let description = office.serving.get("/api/openapi.json").json();
    let seed = "/api/articles/tag%3Adakto.example%2C2023%3A2023-05-12%2Fthi-dua";
    let (json, bad) = (("Content-Type", "application/json"), "Không ngày\n\nĐoạn.\n");
    let fields =
        serde_json::json!({ "title": "Từ biểu mẫu", "published": "14/05/2023 09:00", "text": "Mở đầu." });
    let example =
        &description["paths"]["/articles"]["post"]["requestBody"]["content"]["text/plain"]["example"];
    let example = example.as_str().unwrap();
    let ahead = (chrono::Utc::now() + chrono::TimeDelta::days(9)).format("%d/%m/%Y 08:00").to_string();
    let waiting = article("Hẹn giờ", &ahead, "Đoạn mở đầu.");
    let corrected = article("Đã sửa", "12/05/2023 17:39", "Đoạn mở đầu đã sửa.");
    let long = "a".repeat(3 << 20);
    let fields = fields.to_string();
    let squatting = r#"{"id": "tag:dakto.example,2023:2023-05-14/mai", "title": "A", "published": "14/05/2023", "text": "B."}"#;
    let new = new_article();
    let (post, id, restore) = ("/articles", "/articles/{id}", "/articles/{id}/restore");
    let back = "/articles/{id}/revisions/{number}/restore";
    let (pause, resume) = ("/sources/{name}/pause", "/sources/{name}/resume");
    let (accept, discard) = ("/sources/{name}/items/{key}/accept", "/sources/{name}/items/{key}/drop");
    let of_item = |rest: &str| format!("/api/sources/X%C3%A3/items/id%3A{rest}");
    let in_a_week = (chrono::Utc::now() + chrono::TimeDelta::days(7)).format("%d/%m/%Y%%2008:00").to_string();
    let to = |query: &str| format!("/api/articles?{query}");
    type Asked<'a> = (&'a str, &'a str, String, Vec<(&'a str, &'a str)>, &'a str, u16);
    let asked: Vec<Asked<'_>> = vec![
        (post, "POST", to("channel=xa-hoi"), vec![PLAIN], example, 201),
        (post, "POST", to("channel=xa-hoi"), vec![json], &fields, 201),
        (post, "POST", to("channel=xa-hoi"), vec![PLAIN, ("Idempotency-Key", "a")], &new, 201),
        (post, "POST", to("channel=xa-hoi"), vec![PLAIN, ("Idempotency-Key", "a")], example, 422),
        (post, "POST", to("channel=xa-hoi&dry_run=true"), vec![PLAIN], bad, 200),
        (post, "POST", to("channel=xa-hoi"), vec![PLAIN], &waiting, 202),
        (post, "POST", to("channel=xa-hoi"), vec![PLAIN], bad, 422),
        (post, "POST", to("kenh=xa-hoi"), vec![PLAIN], &new, 400),
        (post, "POST", to("channel=kinh-te"), vec![PLAIN], &new, 403),
        (post, "POST", to("channel=xa-hoi"), vec![], &new, 415),
        (post, "POST", to("channel=xa-hoi"), vec![json], squatting, 403),
        (post, "POST", to("channel=xa-hoi"), vec![PLAIN], &long, 413),
        (id, "PUT", seed.to_owned(), vec![PLAIN], &corrected, 200),
        (id, "PUT", format!("{seed}?dry_run=true"), vec![PLAIN], &corrected, 200),
        (id, "PUT", seed.to_owned(), vec![PLAIN, ("If-Match", "\"x\"")], &corrected, 412),
        (id, "PUT", seed.to_owned(), vec![PLAIN], bad, 422),
        (id, "PUT", seed.to_owned(), vec![], &new, 415),
        (id, "PUT", format!("{seed}?channel=kinh-te"), vec![PLAIN], &corrected, 403),
        (id, "PUT", "/api/articles/la".to_owned(), vec![PLAIN], &corrected, 404),
        (id, "DELETE", "/api/articles/la".to_owned(), vec![], "", 404),
        (id, "DELETE", seed.to_owned(), vec![("If-Match", "\"x\"")], "", 412),
        (id, "DELETE", format!("{seed}?erase=vielleicht"), vec![], "", 400),
        (back, "POST", format!("{seed}/revisions/1/restore"), vec![("If-Match", "\"x\"")], "", 412),
        (back, "POST", format!("{seed}/revisions/1/restore?x=1"), vec![], "", 400),
        (back, "POST", format!("{seed}/revisions/99/restore"), vec![], "", 404),
        (back, "POST", format!("{seed}/revisions/1/restore?reason=sai"), vec![], "", 200),
        (id, "DELETE", format!("{seed}?reason=nh%E1%BA%A7m"), vec![], "", 200),
        (back, "POST", format!("{seed}/revisions/1/restore"), vec![], "", 409),
        (id, "DELETE", seed.to_owned(), vec![], "", 200),
        (id, "DELETE", format!("{seed}?reason=sai"), vec![], "", 200),
        (id, "PUT", seed.to_owned(), vec![PLAIN], &corrected, 409),
        (restore, "POST", format!("{seed}/restore"), vec![("If-Match", "\"x\"")], "", 412),
        (restore, "POST", format!("{seed}/restore?x=1"), vec![], "", 400),
        (restore, "POST", "/api/articles/la/restore".to_owned(), vec![], "", 404),
        (restore, "POST", format!("{seed}/restore"), vec![], "", 200),
        (restore, "POST", format!("{seed}/restore"), vec![], "", 200),
        (id, "DELETE", format!("{seed}?erase=true"), vec![], "", 200),
        (restore, "POST", format!("{seed}/restore"), vec![], "", 409),
        (pause, "POST", "/api/sources/X%C3%A3/pause".to_owned(), vec![], "", 200),
        (pause, "POST", "/api/sources/X%C3%A3/pause?x=1".to_owned(), vec![], "", 400),
        (pause, "POST", "/api/sources/la/pause".to_owned(), vec![], "", 404),
        (resume, "POST", "/api/sources/X%C3%A3/resume".to_owned(), vec![], "", 200),
        (accept, "POST", of_item("a/accept"), vec![], "", 422),
        (accept, "POST", of_item("a/accept?published=31/02/2023"), vec![], "", 422),
        (accept, "POST", of_item("a/accept?x=1"), vec![], "", 400),
        (accept, "POST", of_item("a/accept?published=12/05/2023%2017:39"), vec![], "", 200),
        (accept, "POST", of_item("a/accept?published=12/05/2023%2017:39"), vec![], "", 404),
        (accept, "POST", of_item(&format!("b/accept?published={in_a_week}")), vec![], "", 202),
        (discard, "POST", of_item("c/drop?x=1"), vec![], "", 400),
        (discard, "POST", of_item("c/drop"), vec![], "", 200),
        (discard, "POST", of_item("c/drop"), vec![], "", 404),
    ];
    let mut operations = std::collections::BTreeSet::new();
    for (path, method, address, headers, body, status) in asked {
        let answer = office.send(method, &address, &headers, body);
        assert_eq!(answer.status, status, "{method} {address}: {}", answer.text());
        described(&description, path, method, &answer);
        operations.insert((path, method));
    }
    let nobody = office.serving.request_with_body("POST", &to("channel=xa-hoi"), &[PLAIN], new.as_bytes());
    assert_eq!(nobody.status, 401);
    described(&description, post, "POST", &nobody);
    let all = description["paths"].as_object().unwrap().values();
    let writing = all
        .flat_map(|path| path.as_object().unwrap().keys())
        .filter(|name| ["post", "put", "delete", "patch"].contains(&name.as_str()));
    assert_eq!(writing.count(), operations.len(), "each operation was tried");
}

fn described(description: &serde_json::Value, path: &str, method: &str, answer: &HttpResponse) {
    let place = format!("{method} {path} {}", answer.status);
    let operation = &description["paths"][path][method.to_lowercase()];
    let response = &operation["responses"][answer.status.to_string()];
    let response = match response["$ref"].as_str() {
        Some(reference) => description.pointer(reference.trim_start_matches('#')).unwrap(),
        None => response,
    };
    let media_type = answer.header("content-type").unwrap();
    let content = response["content"].get(media_type).unwrap_or_else(|| panic!("{place}: {media_type}"));
    for (name, _) in response["headers"].as_object().into_iter().flatten() {
        assert!(answer.header(name).is_some(), "{place}: no {name}");
    }
    if media_type.contains("json") {
        let mut schema = content["schema"].clone();
        schema["components"] = description["components"].clone();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let wrong: Vec<String> =
            validator.iter_errors(&answer.json()).map(|wrong| wrong.to_string()).collect();
        assert!(wrong.is_empty(), "{place}: {wrong:?} {}", answer.text());
    }
}

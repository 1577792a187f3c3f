//! What an office does over HTTP beyond publishing a text: images and Word files, scheduled articles, the history, and
//! the state of its folder.

use crate::support::form::{Part, multipart, png};
use crate::support::office::{Office, PLAIN, resource};
use crate::support::{HttpResponse, SAMPLE_ARTICLE, TestSite, article, wait_until, word_document};

fn new_article() -> String {
    article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu của bài mới.\nQuang cảnh Hội nghị. Ảnh: TL")
}

/// The widths of the images of an article.
fn widths(answer: &HttpResponse) -> Vec<u64> {
    let article = answer.json();
    article["pictures"].as_array().unwrap().iter().map(|image| image["width"].as_u64().unwrap()).collect()
}

#[test]
fn images_come_with_their_article_and_stay_when_its_text_is_corrected() {
    let office = Office::new();
    let (one, two, text) = (png(300, 1), png(400, 2), new_article());
    let parts: [Part<'_>; 3] = [
        ("article", Some("bai-moi.txt"), text.as_bytes()),
        ("image", Some("anh.png"), &one),
        ("image", Some("anh.png"), &two),
    ];
    let dry = office.form("POST", "/api/articles?channel=xa-hoi&dry_run=true", &parts, &[]);
    assert_eq!((dry.status, &dry.json()["understood"]["pictures"]), (200, &2.into()), "{}", dry.text());
    let shown = dry.json()["understood"]["content_html"].as_str().unwrap().to_owned();
    assert!(shown.contains("<figure>") && shown.contains("Quang cảnh Hội nghị"), "{shown}");
    let made = office.form("POST", "/api/articles?channel=xa-hoi", &parts, &[]);
    assert_eq!(made.status, 201, "{}", made.text());
    let path = resource(&made);
    let published = office.serving.get(&path);
    assert_eq!(widths(&published), [300, 400]);
    let url = published.json()["pictures"][0]["url"].as_str().unwrap().to_owned();
    let image = office.serving.get(url.strip_prefix("http://127.0.0.1:8080").unwrap());
    assert_eq!((image.status, image.header("content-type")), (200, Some("image/png")));

    let edit = text.replace("của bài mới", "đã sửa");
    assert_eq!(office.send("PUT", &path, &[PLAIN], &edit).status, 200);
    assert_eq!(widths(&office.serving.get(&path)), [300, 400], "a text sent alone removes no picture");
    let name = url.rsplit('/').next().unwrap();
    let edit = edit.replace("đã sửa", "đã sửa lần nữa");
    assert_eq!(office.send("PUT", &format!("{path}?images={name}"), &[PLAIN], &edit).status, 200);
    assert_eq!(widths(&office.serving.get(&path)), [300]);
    let three = png(500, 3);
    let parts: [Part<'_>; 2] =
        [("article", Some("a.txt"), edit.as_bytes()), ("image", Some("b.png"), &three)];
    assert_eq!(office.form("PUT", &format!("{path}?images=all"), &parts, &[]).status, 200);
    assert_eq!(widths(&office.serving.get(&path)), [300, 500]);
    assert_eq!(office.form("PUT", &path, &parts, &[]).status, 200);
    assert_eq!(widths(&office.serving.get(&path)), [500], "images that are sent replace those before");
    assert_eq!(office.send("PUT", &format!("{path}?images=none"), &[PLAIN], &edit).status, 200);
    assert!(widths(&office.serving.get(&path)).is_empty());
}

#[test]
fn a_word_document_is_published_with_its_images() {
    let office = Office::new();
    let word = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/word/docx-inline-picture-and-style-lists.docx"
    ))
    .unwrap();
    let kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    let made = office.send("POST", "/api/articles?channel=xa-hoi", &[("Content-Type", kind)], &word);
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(widths(&office.serving.get(&resource(&made))).len(), 1);
    let put = format!("{}?dry_run=1", resource(&made));
    let again = office.form("PUT", &put, &[("article", Some("B.DOCX"), &word)], &[]);
    assert_eq!((again.status, &again.json()["understood"]["pictures"]), (200, &1.into()), "{}", again.text());
    // A retry chooses another boundary; it is still the same request.
    let text = word_document(
        "<w:p><w:r><w:t>Tên bài</w:t></w:r></w:p><w:p><w:r><w:t>14/05/2023</w:t></w:r></w:p>\
        <w:p><w:r><w:t>Đoạn mở đầu.</w:t></w:r></w:p>",
        &[],
    );
    let answers: Vec<_> = ["mot", "hai"]
        .map(|boundary| {
            let (media_type, body) = multipart(boundary, &[("article", Some("a.docx"), &text)]);
            let headers = [("Content-Type", media_type.as_str()), ("Idempotency-Key", "k")];
            office.send("POST", "/api/articles?channel=xa-hoi", &headers, body)
        })
        .into_iter()
        .collect();
    assert_eq!((answers[0].status, answers[0].json()), (201, answers[1].json()));
}

#[test]
fn an_invalid_form_changes_nothing() {
    let office = Office::new();
    let (text, bad) = (new_article(), article("Bài hỏng", "31/02/2023", "Đoạn."));
    let form: [(&[Part<'_>], u16, &str); 7] = [
        (&[], 400, "bad-request"),
        (&[("image", Some("a.png"), b"x")], 400, "bad-request"),
        (&[("article", Some("a.txt"), text.as_bytes()), ("article", None, b"x")], 400, "bad-request"),
        (&[("article", Some("a.txt"), text.as_bytes()), ("khac", None, b"x")], 400, "bad-request"),
        (&[("article", Some("a.txt"), bad.as_bytes())], 422, "unprocessable"),
        (&[("article", Some("a.pdf"), text.as_bytes())], 422, "unprocessable"),
        (&[("article", Some("a.docx"), text.as_bytes())], 422, "unprocessable"),
    ];
    for (parts, status, code) in form {
        let refused = office.form("POST", "/api/articles?channel=xa-hoi", parts, &[]);
        assert_eq!(
            (refused.status, refused.json()["code"].as_str()),
            (status, Some(code)),
            "{}",
            refused.text()
        );
    }
    for media_type in ["multipart/form-data", "multipart/form-data; boundary=khac"] {
        let refused =
            office.send("POST", "/api/articles?channel=xa-hoi", &[("Content-Type", media_type)], "--x--");
        assert_eq!(refused.status, 400, "{}", refused.text());
    }
    let long = vec![b'a'; 33 << 20];
    let refused =
        office.form("POST", "/api/articles?channel=xa-hoi", &[("article", Some("a.txt"), &long)], &[]);
    assert_eq!(refused.status, 413);
    assert_eq!(office.serving.metric("bantin_log_head"), 1, "nothing was taken");
    // An image that is none costs a finding and not the article.
    let parts: [Part<'_>; 2] =
        [("article", Some("a.txt"), text.as_bytes()), ("image", Some("a.png"), b"khong phai")];
    let made = office.form("POST", "/api/articles?channel=xa-hoi", &parts, &[]);
    assert_eq!(made.status, 201, "{}", made.text());
    let findings = made.json()["findings"].to_string();
    assert!(findings.contains("a.png"), "{findings}");
}

#[test]
fn a_scheduled_article_is_read_changed_removed_and_restored() {
    let office = Office::new();
    let ahead = (chrono::Utc::now() + chrono::TimeDelta::days(9)).format("%d/%m/%Y 08:00").to_string();
    let made =
        office.send("POST", "/api/articles?channel=xa-hoi", &[PLAIN], article("Hẹn giờ", &ahead, "Mở đầu."));
    assert_eq!(made.status, 202, "{}", made.text());
    let path = resource(&made);
    assert_eq!(office.serving.get(&path).status, 404, "its existence is no public matter");
    let read = office.get(&path);
    assert_eq!((read.status, &read.json()["state"]), (200, &"waiting".into()));
    let waiting = office.get("/api/findings").json()["scheduled"].clone();
    assert_eq!((&waiting[0]["title"], &waiting[0]["correction"]), (&"Hẹn giờ".into(), &false.into()));
    let edit = article("Hẹn giờ, sửa", &ahead, "Mở đầu.");
    let tag = read.etag();
    assert_eq!(office.send("PUT", &path, &[PLAIN, ("If-Match", &tag)], &edit).status, 202);
    assert_eq!(office.send("PUT", &path, &[PLAIN, ("If-Match", &tag)], &edit).status, 412);
    assert_eq!(office.get(&path).json()["title"], "Hẹn giờ, sửa");
    assert_eq!(office.get(&format!("{path}/revisions")).status, 404, "it has no revision yet");

    let gone = office.send("DELETE", &path, &[], "");
    assert_eq!((gone.status, &gone.json()["outcome"]), (200, &"will not be published".into()));
    assert_eq!(office.get("/api/findings").json()["scheduled"], serde_json::json!([]));
    let back = office.send("POST", &format!("{path}/restore"), &[], "");
    assert_eq!((back.status, &back.json()["outcome"]), (200, &"waiting".into()), "{}", back.text());
    assert_eq!(office.get("/api/findings").json()["scheduled"][0]["title"], "Hẹn giờ, sửa");
    let now = article("Hẹn giờ, sửa", "13/05/2023 08:00", "Mở đầu.");
    assert_eq!(office.send("PUT", &path, &[PLAIN], now).json()["outcome"], "published");
    assert_eq!(office.serving.get(&path).status, 200);
}

#[test]
fn the_history_has_author_time_reason_and_text_of_every_revision() {
    let office = Office::new();
    let seed = "/api/articles/tag%3Adakto.example%2C2023%3A2023-05-12%2Fthi-dua";
    let edit = SAMPLE_ARTICLE.replacen("Huyện Đăk Tô", "Xã Đăk Tô", 1);
    let corrected = office.send("PUT", &format!("{seed}?reason=Sai%20t%C3%AAn"), &[PLAIN], &edit);
    assert_eq!(corrected.status, 200, "{}", corrected.text());
    assert_eq!(office.send("DELETE", &format!("{seed}?reason=nh%E1%BA%A7m"), &[], "").status, 200);
    let back = office.send("POST", &format!("{seed}/restore"), &[], "");
    assert_eq!((back.status, &back.json()["number"]), (200, &4.into()), "{}", back.text());
    let page = office.get(&format!("{seed}/revisions?limit=3")).json();
    let told = |index: usize, field: &str| page["revisions"][index][field].clone();
    assert_eq!([told(0, "kind"), told(1, "kind"), told(2, "kind")], ["restored", "withdrawn", "corrected"]);
    assert_eq!([told(1, "reason"), told(2, "reason")], ["nhầm", "Sai tên"]);
    assert_eq!((told(2, "author"), &page["next"]), ("Văn phòng".into(), &2.into()));
    let rest = office.get(&format!("{seed}/revisions?before=2")).json();
    assert_eq!(
        (&rest["revisions"][0]["author"], &rest["next"]),
        (&"folder".into(), &serde_json::Value::Null)
    );
    let text = |number: u64| office.get(&format!("{seed}/revisions/{number}")).json()["article"].clone();
    assert!(text(1)["title"].as_str().unwrap().starts_with("Huyện"));
    assert!(text(2)["title"].as_str().unwrap().starts_with("Xã"));
    assert_eq!(text(3)["content_html"], text(2)["content_html"], "the text that was withdrawn");
    let page = "/bai-viet/2023/05/12/thi-dua";
    wait_until("the reason", || office.serving.get(page).text().contains("Sai tên"));
    let other = Office::token(&office.site, &["token", "new", "Khác", "--channels", "kinh-te"]);
    let refused = office.serving.request("GET", &format!("{seed}/revisions"), &[("Authorization", &other)]);
    assert_eq!(refused.status, 403);
    let refused = office.serving.request_with_body(
        "POST",
        &format!("{seed}/restore"),
        &[("Authorization", &other)],
        b"",
    );
    assert_eq!(refused.status, 403);
    assert_eq!(office.send("DELETE", &format!("{seed}?erase=1"), &[], "").status, 200);
    assert_eq!(text(1), serde_json::Value::Null, "an erased text is nowhere");
    let refused = office.send("POST", &format!("{seed}/restore"), &[], "");
    assert_eq!((refused.status, &refused.json()["code"]), (409, &"erased".into()));
}

#[test]
fn an_earlier_text_is_brought_back_as_a_correction_of_the_version_that_was_read() {
    let office = Office::new();
    let seed = "/api/articles/tag%3Adakto.example%2C2023%3A2023-05-12%2Fthi-dua";
    let (first, image) = (office.get(seed), png(300, 1));
    let edit = article("Bản sửa", "13/05/2023 08:00", "Đoạn mở đầu đã sửa.");
    let parts: [Part<'_>; 2] =
        [("article", Some("a.txt"), edit.as_bytes()), ("image", Some("a.png"), &image)];
    assert_eq!(office.form("PUT", seed, &parts, &[]).status, 200);
    let back = |headers: &[(&str, &str)]| {
        office.send(
            "POST",
            &format!("{seed}/revisions/1/restore?reason=S%E1%BB%ADa%20nh%E1%BA%A7m"),
            headers,
            "",
        )
    };
    let stale = back(&[("If-Match", &first.etag())]);
    assert_eq!((stale.status, &stale.json()["code"]), (412, &"changed-meanwhile".into()));
    assert_eq!(office.get(seed).json()["title"], "Bản sửa", "nothing was overwritten");
    let read = office.get(seed).etag();
    let headers = [("If-Match", read.as_str()), ("Idempotency-Key", "k")];
    let done = back(&headers);
    assert_eq!(
        (done.status, &done.json()["outcome"], &done.json()["number"]),
        (200, &"corrected".into(), &3.into())
    );
    assert_eq!(back(&headers).json(), done.json(), "a retry is the same correction");
    let now = office.get(seed);
    // The tag is that of the new version.
    assert_eq!(office.send("DELETE", seed, &[("If-Match", &done.etag())], "").status, 200);
    let (was, is) = (first.json(), now.json());
    for field in ["title", "published", "content_html", "pictures", "channels"] {
        assert_eq!(is[field], was[field], "{field}");
    }
    let log = office.get(&format!("{seed}/revisions?limit=2")).json();
    assert_eq!(log["revisions"][1]["reason"], "Sửa nhầm");
    assert_eq!(log["revisions"][1]["author"], "Văn phòng");
    assert_eq!(back(&[]).status, 409, "what is withdrawn is restored first");
    let other = Office::token(&office.site, &["token", "new", "Khác", "--channels", "kinh-te"]);
    let refused = office.serving.request_with_body(
        "POST",
        &format!("{seed}/revisions/1/restore"),
        &[("Authorization", &other)],
        b"",
    );
    assert_eq!(refused.status, 403);
}

#[test]
fn a_correction_that_names_no_date_keeps_the_date_of_its_article() {
    let office = Office::new();
    let json = ("Content-Type", "application/json");
    let body = |title: &str, date: Option<&str>| {
        let mut fields = serde_json::json!({ "title": title, "text": "Đoạn mở đầu." });
        if let Some(date) = date {
            fields["published"] = if date == "null" { serde_json::Value::Null } else { date.into() };
        }
        fields.to_string()
    };
    for (made_at, kept) in
        [("17:39:05 12/05/2023", "2023-05-12T17:39:05+07:00"), ("12/05/2023", "2023-05-12T00:00:00+07:00")]
    {
        let made = office.send("POST", "/api/articles?channel=xa-hoi", &[json], body(made_at, Some(made_at)));
        assert_eq!(made.status, 201, "{}", made.text());
        let path = resource(&made);
        let before = office.get(&path).json();
        for (count, date) in [None, Some(""), Some(" "), Some("null")].into_iter().enumerate() {
            let title = format!("{made_at}, sửa {count}");
            let done = office.send("PUT", &path, &[json], body(&title, date));
            assert_eq!((done.status, &done.json()["published"]), (200, &kept.into()), "{}", done.text());
            let after = office.get(&path).json();
            assert_eq!(after["title"], title);
            assert_eq!(
                (&after["published"], &after["date_only"]),
                (&before["published"], &before["date_only"])
            );
        }
        let read = office.get(&path).etag();
        let other = body("Ngày khác", Some("08:00 13/05/2023"));
        assert_eq!(office.send("PUT", &path, &[json], other).status, 200);
        let stale = office.send("PUT", &path, &[json, ("If-Match", &read)], body("Cũ", None));
        assert_eq!((stale.status, &office.get(&path).json()["title"]), (412, &"Ngày khác".into()));
    }
    // A scheduled article stays scheduled.
    let ahead = (chrono::Utc::now() + chrono::TimeDelta::days(9)).format("%d/%m/%Y 08:00").to_string();
    let made = office.send("POST", "/api/articles?channel=xa-hoi", &[json], body("Hẹn giờ", Some(&ahead)));
    let path = resource(&made);
    let tag = office.get(&path).etag();
    let edited = office.send("PUT", &path, &[json, ("If-Match", &tag)], body("Hẹn giờ, sửa", None));
    assert_eq!((edited.status, &edited.json()["published"]), (202, &made.json()["published"]));
    // Nothing is known of what does not exist.
    for (method, path) in [("POST", "/api/articles?channel=xa-hoi"), ("PUT", "/api/articles/la")] {
        let refused = office.send(method, path, &[json], body("Mới", None));
        assert_eq!(
            (refused.status, &refused.json()["field"]),
            (422, &"published".into()),
            "{}",
            refused.text()
        );
    }
    let wrong = office.send("PUT", &path, &[json], body("Sai", Some("hôm qua")));
    assert_eq!(wrong.status, 422, "a doubtful date is never replaced");
}

#[test]
fn the_state_of_the_folder_is_known_after_a_restart_and_to_its_own_office_only() {
    let site = TestSite::new();
    site.write("xa-hoi/hong.txt", "Bài hỏng\n\n31/02/2023 08:00\n\nĐoạn.\n");
    site.write("xa-hoi/nghi.txt", article("Bài nghi ngờ", "Thứ hai, 13/05/2023 08:00", "Đoạn mở đầu."));
    site.write("kinh-te/hong.txt", "Không ngày\n\nĐoạn.\n");
    let mut office = Office::of(site);
    let files = |office: &Office| {
        let state = office.get("/api/findings").json();
        let files = state["files"].as_array().unwrap().clone();
        let doubtful = |file: &serde_json::Value| {
            file["findings"].as_array().unwrap().iter().any(|f| f["severity"] != "note")
        };
        files.into_iter().filter(doubtful).collect::<Vec<_>>()
    };
    wait_until("both files", || files(&office).len() == 2);
    let found = files(&office);
    assert_eq!((&found[0]["path"], &found[0]["state"]), (&"xa-hoi/hong.txt".into(), &"refused".into()));
    assert_eq!((&found[0]["findings"][0]["line"], &found[0]["channel"]), (&3.into(), &"xa-hoi".into()));
    assert!(found[0]["findings"][0]["message_vi"].as_str().unwrap().contains("31/02/2023"), "{}", found[0]);
    assert_eq!((&found[1]["path"], &found[1]["state"]), (&"xa-hoi/nghi.txt".into(), &"taken".into()));
    assert!(office.serving.stop());
    office.serving = office.site.serve();
    office.site.scanned(&office.serving);
    assert_eq!(files(&office), found, "what was doubtful is not read again, and not forgotten");
    assert!(
        office.serving.log().contains("xa-hoi/hong.txt"),
        "the log of each process tells what is refused"
    );
    office.site.write("xa-hoi/hong.txt", article("Bài lành", "13/05/2023 08:00", "Đoạn mở đầu."));
    wait_until("the cure", || files(&office).len() == 1);
    office.site.remove("xa-hoi/nghi.txt");
    wait_until("nothing is left", || files(&office).is_empty());
    office.site.ok(&["withdraw", "tag:dakto.example,2023:2023-05-12/thi-dua", "--reason", "nhầm"]);
    let state = office.get("/api/findings").json();
    assert_eq!(state["withdrawn"][0]["reason"], "nhầm", "{state}");
}

#[test]
fn an_error_file_in_the_folder_lists_its_problems_if_enabled() {
    let site = TestSite::new().with("BANTIN_FOLDER__ERROR_FILE", "true");
    site.write("xa-hoi/hong.txt", "Bài hỏng\n\n31/02/2023 08:00\n\nĐoạn.\n");
    let office = Office::of(site);
    let path = office.site.path("feeds/xa-hoi/_loi.txt");
    let text = || std::fs::read_to_string(&path).unwrap_or_default();
    wait_until("the file", || text().contains("hong.txt: CHƯA ĐĂNG\r\n  Dòng 3: "));
    assert!(text().starts_with("\u{feff}Tệp này do hệ thống tự ghi"), "{}", text());
    let before = std::fs::metadata(&path).unwrap().modified().unwrap();
    office.site.scanned(&office.serving);
    assert_eq!(
        std::fs::metadata(&path).unwrap().modified().unwrap(),
        before,
        "it is written only when it changes"
    );
    assert_eq!(office.serving.metric("bantin_log_head"), 1, "it is no article");
    office.site.write("xa-hoi/hong.txt", article("Bài lành", "13/05/2023 08:00", "Đoạn mở đầu."));
    wait_until("it is gone", || !path.exists());
}

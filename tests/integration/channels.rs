//! Channels over time, with the real program: renamed, closed, removed, combined; and a renamed publisher.

use std::collections::BTreeSet;

use crate::support::{HttpResponse, RunningServer, SAMPLE_ARTICLE, TestSite, article, wait_until};

const PLAIN: (&str, &str) = ("Content-Type", "text/plain; charset=utf-8");

/// A site with these channels in its config.
fn site(channels: &str) -> TestSite {
    let site = TestSite::new();
    configure(&site, channels);
    site
}

fn configure(site: &TestSite, channels: &str) {
    let config = std::fs::read_to_string(site.path("config.toml")).unwrap();
    let common = config.split("[[channel]]").next().unwrap();
    std::fs::write(site.path("config.toml"), format!("{common}{channels}")).unwrap();
}

fn write(site: &TestSite, channel: &str, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let stamp = format!("12/05/2023 {:02}:{:02}", number / 60, number % 60);
        let text = article(&format!("Bài {channel} {number}"), &stamp, "Đoạn mở đầu của bài.");
        site.write(&format!("{channel}/bai-{channel}-{number}.txt"), text);
    }
}

/// The titles in a JSON feed and in all its archive pages, each once.
fn titles(serving: &RunningServer, channel: &str) -> BTreeSet<String> {
    let mut titles = BTreeSet::new();
    let mut next = Some(format!("/{channel}/feed.json"));
    while let Some(path) = next.take() {
        let answer = serving.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        let feed = answer.json();
        let items = feed["items"].as_array().unwrap();
        titles.extend(items.iter().map(|item| item["title"].as_str().unwrap().to_owned()));
        next = feed["next_url"].as_str().map(|url| url.replace("http://127.0.0.1:8080", ""));
    }
    titles
}

fn location(answer: &HttpResponse) -> &str {
    assert_eq!(answer.status, 301, "{}", answer.text());
    answer.header("location").unwrap()
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = text.split_once(start).unwrap_or_else(|| panic!("no {start} in {text}")).1;
    rest.split_once(end).unwrap().0
}

#[test]
fn a_renamed_channel_keeps_its_log_and_its_old_paths_redirect() {
    let site = site("[[channel]]\nslug = \"xa-hoi\"\ntitle = \"Xã hội\"\n");
    write(&site, "xa-hoi", 0..60);
    let before = site.serve();
    let id = between(&before.get("/xa-hoi/atom.xml").text(), "<id>", "</id>").to_owned();
    let (all_titles, next) =
        (titles(&before, "xa-hoi"), before.get("/api/changes?channel=xa-hoi&limit=55").json());
    assert_eq!(all_titles.len(), 60);
    assert!(before.stop());

    configure(&site, "[[channel]]\nslug = \"doi-song\"\ntitle = \"Đời sống\"\nwas = [\"xa-hoi\"]\n");
    std::fs::rename(site.path("feeds/xa-hoi"), site.path("feeds/doi-song")).unwrap();
    let after = site.serve();
    site.scanned(&after);
    for (old, new) in [
        ("/xa-hoi/rss.xml", "/doi-song/rss.xml"),
        ("/xa-hoi/archive/1/atom.xml", "/doi-song/archive/1/atom.xml"),
        ("/xa-hoi/feed", "/doi-song/rss.xml"),
        ("/xa-hoi", "/doi-song/"),
        ("/xa-hoi/?xml", "/doi-song/?xml"),
    ] {
        assert_eq!(location(&after.get(old)), new, "{old}");
        assert_eq!(after.get(new).status, 200, "{new}");
    }
    assert_eq!(titles(&after, "doi-song"), all_titles);
    let atom = after.get("/doi-song/atom.xml").text();
    assert_eq!(between(&atom, "<id>", "</id>"), id, "a feed is known by its first name for ever");
    assert!(!atom.contains("deleted-entry") && atom.contains("Đời sống"));
    // A client continues from its stored number, under either name, and gets nothing twice.
    for name in ["doi-song", "xa-hoi"] {
        let path = format!(
            "/api/changes?channel={name}&after={}&log={}",
            next["next"],
            next["log"].as_str().unwrap()
        );
        assert_eq!(after.get(&path).json()["changes"].as_array().unwrap().len(), 5, "{name}");
    }
    assert_eq!(after.metric("bantin_log_head"), 60, "nothing was moved, nothing corrected");

    // With the old folder, or without the old name in the config, nothing is lost either.
    std::fs::rename(site.path("feeds/doi-song"), site.path("feeds/xa-hoi")).unwrap();
    site.scanned(&after);
    assert_eq!(after.metric("bantin_log_head"), 60);
    std::fs::rename(site.path("feeds/xa-hoi"), site.path("feeds/doi-song")).unwrap();
    site.scanned(&after);
    assert!(after.stop());
    configure(&site, "[[channel]]\nslug = \"doi-song\"\ntitle = \"Đời sống\"\n");
    let later = site.serve();
    assert_eq!(titles(&later, "doi-song"), all_titles);
    assert_eq!(between(&later.get("/doi-song/atom.xml").text(), "<id>", "</id>"), id);
    assert_eq!(later.get("/xa-hoi/rss.xml").status, 404);
}

#[test]
fn a_store_rebuilt_from_the_folder_gives_a_renamed_channel_the_same_id() {
    let first = site("[[channel]]\nslug = \"xa-hoi\"\ntitle = \"Xã hội\"\n");
    write(&first, "xa-hoi", 0..2);
    let id = between(&first.serve().get("/xa-hoi/atom.xml").text(), "<id>", "</id>").to_owned();
    let rebuilt = site("[[channel]]\nslug = \"doi-song\"\nwas = [\"xa-hoi\", \"tin-xa-hoi\"]\n");
    write(&rebuilt, "doi-song", 0..2);
    assert_eq!(between(&rebuilt.serve().get("/doi-song/atom.xml").text(), "<id>", "</id>"), id);
}

#[test]
fn a_closed_channel_is_served_and_marked_as_closed_and_accepts_no_articles() {
    let site = site("[[channel]]\nslug = \"bau-cu\"\ntitle = \"Bầu cử\"\nclosed = 2023-06-30\n");
    write(&site, "bau-cu", 0..60);
    let serving = site.serve();
    let rss = serving.get("/bau-cu/rss.xml").text();
    assert!(between(&rss, "<description>", "</description>").contains("đã đóng từ ngày 30/06/2023"));
    assert_eq!(rss.matches("<item>").count(), 60);
    assert!(rss.contains("<fh:complete") && !rss.contains("prev-archive"));
    assert!(serving.get("/opml.xml").text().contains("/bau-cu/rss.xml"));

    let bearer = format!("Bearer {}", site.ok(&["token", "new", "Văn phòng"]).trim());
    let headers = [("Authorization", bearer.as_str()), PLAIN];
    let text = article("Bài mới", "13/05/2023 08:00", "Đoạn mở đầu.");
    let refused =
        serving.request_with_body("POST", "/api/articles?channel=bau-cu", &headers, text.as_bytes());
    assert_eq!((refused.status, refused.json()["code"].as_str()), (409, Some("closed-channel")));
    // By no other way either; an article may also name the channel in its front matter.
    let late = article("Bài muộn", "13/07/2023 08:00", "Đoạn mở đầu.");
    let by_name = "+++\ntitle = \"A\"\npublished = \"13/07/2023\"\nchannels = [\"Bầu cử\"]\n+++\nThân bài.\n";
    std::fs::create_dir_all(site.path("kho/bau-cu")).unwrap();
    for (path, text) in [("kho/bau-cu/muon.txt", late.as_str()), ("ten.md", by_name)] {
        std::fs::write(site.path(path), text).unwrap();
    }
    site.write("bau-cu/muon.txt", &late);
    site.write("mo/ten.md", by_name);
    site.write("mo/tot.txt", article("Bài tốt", "13/07/2023 08:00", "Đoạn mở đầu."));
    wait_until("the valid article", || serving.get("/mo/rss.xml").text().contains("Bài tốt"));
    site.scanned(&serving);
    let (stock, file) = (site.path("kho"), site.path("ten.md"));
    for command in
        [vec!["import", stock.to_str().unwrap()], vec!["publish", file.to_str().unwrap(), "--channel", "mo"]]
    {
        let output = site.run(&command);
        let message = format!("{output:?}");
        assert!(output.status.code() == Some(1) && message.contains("30/06/2023"), "{command:?}: {message}");
    }
    assert_eq!(serving.metric("bantin_log_head"), 61);
    let path = "/api/articles/tag%3Adakto.example%2C2023%3A2023-05-12%2Fbai-bau-cu-7";
    let edit = article("Bài 7, sửa", "12/05/2023 00:07", "Đoạn mở đầu của bài.");
    assert_eq!(serving.request_with_body("PUT", path, &headers, edit.as_bytes()).status, 200);
    wait_until("the correction", || serving.get("/bau-cu/rss.xml").text().contains("Bài 7, sửa"));
    assert_eq!(serving.request_with_body("DELETE", path, &headers, b"").status, 200);
    wait_until("the withdrawal", || !serving.get("/bau-cu/rss.xml").text().contains("Bài 7, sửa"));
    assert_eq!(serving.get("/bau-cu/rss.xml").text().matches("<item>").count(), 59);
}

#[test]
fn a_removed_channel_answers_410_and_its_articles_keep_their_urls() {
    let channel = "[[channel]]\nslug = \"covid\"\ntitle = \"Covid-19\"\n";
    let site = site(channel);
    write(&site, "covid", 0..60);
    site.write("covid/thang-tu.txt", article("Bài covid tháng tư", "12/04/2023 08:00", "Đoạn mở đầu."));
    write(&site, "xa-hoi", 0..1);
    site.write("xa-hoi/noi-khac.md", "+++\nlink = \"https://huyen.example/tin/7\"\n+++\n# Bài ở trang khác\n\n12/05/2023 09:00\n\nĐoạn mở đầu.\n");
    let before = site.serve();
    assert!(before.get("/sitemap.xml").text().contains("/bai-covid-7<"));
    assert!(before.stop());
    configure(&site, &format!("{channel}gone = true\n"));
    let serving = site.serve();
    for path in [
        "/covid/rss.xml",
        "/covid/feed.json",
        "/covid/",
        "/covid",
        "/covid/archive/1/atom.xml",
        "/covid/feed/",
    ] {
        assert_eq!(serving.get(path).status, 410, "{path}");
    }
    assert!(!serving.get("/opml.xml").text().contains("/covid/"));
    for path in ["/", "/tim-kiem?q=covid", "/theo-thang/2023/05/", "/api/articles"] {
        let list = serving.get(path);
        assert_eq!(list.status, 200, "{path}");
        assert!(!list.text().contains("Bài covid"), "{path}");
    }
    assert_eq!(serving.get("/tim-kiem?q=covid&channel=covid").status, 404);
    assert!(
        serving.get("/rss.xml").text().contains("Bài covid 59"),
        "followers of the feed of all channels miss nothing"
    );
    assert_eq!(serving.get("/bai-viet/2023/05/12/bai-covid-7").status, 200);

    assert_eq!(
        serving.get("/sitemap/2023-04.xml").status,
        404,
        "a month without articles of served channels"
    );
    // A sitemap lists the articles of served channels under their canonical URLs.
    let page = serving.get("/bai-viet/2023/05/12/noi-khac").text();
    assert!(page.contains("<link rel=\"canonical\" href=\"https://huyen.example/tin/7\">"), "{page}");
    site.ok(&["build", "-q", "--out", site.path("public").to_str().unwrap()]);
    for name in ["sitemap.xml", "sitemap/2023-05.xml"] {
        let sitemap = serving.get(&format!("/{name}")).text();
        assert!(sitemap.contains("/bai-xa-hoi-0<") && !sitemap.contains("covid"), "{sitemap}");
        assert!(!sitemap.contains("noi-khac") && !sitemap.contains("huyen.example"), "{sitemap}");
        assert_eq!(std::fs::read_to_string(site.path("public").join(name)).unwrap(), sitemap);
    }
}

#[test]
fn a_combined_channel_contains_all_articles_of_its_members() {
    let members =
        "[[channel]]\nslug = \"xa-hoi\"\n[[channel]]\nslug = \"kinh-te\"\n[[channel]]\nslug = \"y-te\"\n";
    let site = site(members);
    for channel in ["xa-hoi", "kinh-te", "y-te"] {
        write(&site, channel, 0..30);
    }
    assert!(site.serve().stop());

    let combined = |list: &str| {
        format!("{members}[[channel]]\nslug = \"tong-hop\"\ntitle = \"Tổng hợp\"\nmembers = [{list}]\n")
    };
    configure(&site, &combined("\"xa-hoi\", \"kinh-te\""));
    let serving = site.serve();
    let of = |serving: &RunningServer, channels: &[&str]| -> BTreeSet<String> {
        channels.iter().flat_map(|channel| titles(serving, channel)).collect()
    };
    assert_eq!(titles(&serving, "tong-hop"), of(&serving, &["xa-hoi", "kinh-te"]));
    let page = serving.get("/api/changes?channel=tong-hop&limit=1000").json();
    assert_eq!(page["changes"].as_array().unwrap().len(), 60);

    // New, withdrawn, and articles that move out or in.
    write(&site, "kinh-te", 30..31);
    site.remove("xa-hoi/bai-xa-hoi-3.txt");
    site.rename("xa-hoi/bai-xa-hoi-4.txt", "y-te/bai-xa-hoi-4.txt");
    site.rename("y-te/bai-y-te-5.txt", "kinh-te/bai-y-te-5.txt");
    wait_until("the changes", || {
        let found = titles(&serving, "tong-hop");
        found.contains("Bài kinh-te 30")
            && found.contains("Bài y-te 5")
            && !found.contains("Bài xa-hoi 3")
            && !found.contains("Bài xa-hoi 4")
    });
    assert_eq!(titles(&serving, "tong-hop"), of(&serving, &["xa-hoi", "kinh-te"]));
    let next =
        format!("/api/changes?channel=tong-hop&after={}&log={}", page["next"], page["log"].as_str().unwrap());
    let changes = serving.get(&next).json();
    let mut kinds: Vec<_> =
        changes["changes"].as_array().unwrap().iter().map(|change| change["kind"].to_string()).collect();
    kinds.sort();
    assert_eq!(kinds, ["\"left\"", "\"moved\"", "\"published\"", "\"withdrawn\""]);
    assert!(serving.stop());

    // Changed members make a new log: clients start again and miss nothing.
    configure(&site, &combined("\"kinh-te\", \"y-te\""));
    let serving = site.serve();
    assert_eq!(titles(&serving, "tong-hop"), of(&serving, &["kinh-te", "y-te"]));
    let reset = serving.get(&next);
    assert_eq!((reset.status, reset.json()["code"].as_str()), (410, Some("begin-anew")));
    let begin = reset.json()["begin"].as_str().unwrap().replace("http://127.0.0.1:8080", "");
    assert_eq!(serving.get(&begin).json()["log"], reset.json()["log"]);
    // An article in several channels has one id.
    let items = serving.get("/tong-hop/feed.json").json();
    let ids: Vec<_> = items["items"].as_array().unwrap().iter().map(|item| item["id"].to_string()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
}

#[test]
fn articles_of_a_former_publisher_keep_its_name() {
    let site = site("[[channel]]\nslug = \"xa-hoi\"\n");
    let config = std::fs::read_to_string(site.path("config.toml")).unwrap();
    let publishers = "[site]\npublisher = \"UBND xã Đăk Tô\"\n\
                      former_publisher = [{ name = \"UBND huyện Đăk Tô & các xã\", until = \"01/07/2023\" }]\n";
    std::fs::write(site.path("config.toml"), config.replace("[site]\n", publishers)).unwrap();
    for (name, stamp) in [("cu", "30/06/2023 23:59"), ("moi", "01/07/2023 00:00")] {
        site.write(
            &format!("xa-hoi/{name}.txt"),
            format!("Bài {name}\n\n{stamp}\n\nĐoạn mở đầu, không ai ký tên.\n"),
        );
    }
    let serving = site.serve();
    let feed = serving.get("/xa-hoi/feed.json").json();
    let authors = |index: usize| feed["items"][index]["authors"][0]["name"].as_str().map(str::to_owned);
    assert_eq!(feed["items"][0]["title"], "Bài moi");
    assert_eq!((authors(0), authors(1).as_deref()), (None, Some("UBND huyện Đăk Tô & các xã")));
    assert_eq!(feed["authors"][0]["name"], "UBND xã Đăk Tô");
    assert!(
        serving
            .get("/xa-hoi/rss.xml")
            .text()
            .contains("<dc:creator>UBND huyện Đăk Tô &#x26; các xã</dc:creator>")
    );
    assert!(serving.get("/xa-hoi/atom.xml").text().contains("<name>UBND huyện Đăk Tô &amp; các xã</name>"));
}

#[test]
fn update_hints_of_a_feed_follow_the_config_and_are_consistent() {
    let site =
        TestSite::new().with("BANTIN_FEED__MAX_AGE", "10m").with("BANTIN_FEED__SKIP_HOURS", "[23, 0, 1, 5]");
    write(&site, "xa-hoi", 0..1);
    let serving = site.serve();
    let answer = serving.get("/xa-hoi/rss.xml");
    assert!(answer.header("cache-control").unwrap().contains("max-age=600"));
    let rss = answer.text();
    assert_eq!(between(&rss, "<ttl>", "</ttl>"), "10");
    assert_eq!(between(&rss, "<sy:updatePeriod>", "</sy:updatePeriod>"), "hourly");
    assert_eq!(between(&rss, "<sy:updateFrequency>", "</sy:updateFrequency>"), "6");
    // In GMT, seven hours behind.
    let hours: Vec<_> = rss.split("<hour>").skip(1).map(|hour| hour.split('<').next().unwrap()).collect();
    assert_eq!(hours, ["16", "17", "18", "22"]);
}

#[test]
fn a_client_over_the_rate_limit_gets_retry_after_and_others_are_not_affected() {
    let site = TestSite::new()
        .with("BANTIN_SERVER__LIMITS__REQUESTS_PER_MINUTE", "20")
        .with("BANTIN_SERVER__TRUSTED_PROXIES", "[\"127.0.0.1\"]");
    write(&site, "xa-hoi", 0..1);
    let serving = site.serve();
    let ask = |path: &str, client: &str| serving.request("GET", path, &[("X-Forwarded-For", client)]);
    assert!((0..20).all(|_| ask("/xa-hoi/rss.xml", "203.0.113.1").status == 200));
    let refused = ask("/xa-hoi/rss.xml", "203.0.113.1");
    assert_eq!(refused.status, 429);
    assert!((1..=3).contains(&refused.header("retry-after").unwrap().parse::<u64>().unwrap()));
    let refused = ask("/api/articles", "203.0.113.1");
    assert_eq!((refused.status, refused.json()["code"].as_str()), (429, Some("too-often")));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(ask("/xa-hoi/rss.xml", "203.0.113.2").status, 200);
}

#[test]
fn each_request_is_logged_with_its_client_only_if_the_access_log_is_on() {
    let start = |site: TestSite| {
        let serving = site.serve();
        let client = [("X-Forwarded-For", "203.0.113.7")];
        serving.request("GET", "/xa-hoi/rss.xml?page=1&token=S3CRET", &client);
        serving.get("/bai-viet/");
        wait_until("the answers to be counted", || serving.metric("bantin_scans_total") > 0);
        serving
    };
    let noting = TestSite::new()
        .with("BANTIN_SERVER__ACCESS_LOG", "true")
        .with("BANTIN_SERVER__TRUSTED_PROXIES", "[\"127.0.0.1\"]");
    let serving = start(noting);
    wait_until("both lines", || {
        serving.log().lines().filter(|line| line.contains("request answered")).count() == 2
    });
    let log = serving.log();
    let line = log.lines().find(|line| line.contains("203.0.113.7")).unwrap();
    assert!(line.contains("method=GET address=/xa-hoi/rss.xml?page=1&token=*** status=200 bytes="), "{line}");
    assert!(log.contains("client=127.0.0.1 method=GET address=/bai-viet/ status=404"), "{log}");
    assert!(!start(TestSite::new()).log().contains("request answered"));
}

#[test]
fn a_token_writes_as_often_as_the_limit_allows() {
    let site = TestSite::new().with("BANTIN_SERVER__LIMITS__WRITES_PER_MINUTE", "2");
    write(&site, "xa-hoi", 0..1);
    let serving = site.serve();
    let post = |bearer: &str, number: u32| {
        let text = article(&format!("Bài {number}"), "13/05/2023 08:00", "Đoạn mở đầu.");
        serving.request_with_body(
            "POST",
            "/api/articles?channel=xa-hoi",
            &[("Authorization", bearer), PLAIN],
            text.as_bytes(),
        )
    };
    let bearers = ["một", "hai"].map(|name| format!("Bearer {}", site.ok(&["token", "new", name]).trim()));
    assert_eq!([post(&bearers[0], 1).status, post(&bearers[0], 2).status], [201, 201]);
    let refused = post(&bearers[0], 3);
    assert_eq!((refused.status, refused.json()["code"].as_str()), (429, Some("too-often")));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(post(&bearers[1], 4).status, 201);
}

#[test]
fn a_path_redirects_only_to_existing_resources_in_every_encoding() {
    let site = TestSite::new();
    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    std::fs::create_dir(site.path("feeds/trong")).unwrap();
    let serving = site.serve();
    for (path, target) in [
        ("/xa-hoi", "/xa-hoi/"),
        ("/xa%2Dhoi?a=%0d", "/xa-hoi/?a=%0d"),
        ("/index.html", "/"),
        ("/xa-hoi/index.html", "/xa-hoi/"),
        ("/theo-thang/2023/05", "/theo-thang/2023/05/"),
        ("/tim-kiem/", "/tim-kiem"),
        ("/rss", "/rss.xml"),
        ("/rss/", "/rss.xml"),
        ("/feed/", "/rss.xml"),
        ("/atom", "/atom.xml"),
        ("/xa-hoi/rss", "/xa-hoi/rss.xml"),
        ("/xa-hoi/atom/", "/xa-hoi/atom.xml"),
    ] {
        let answer = serving.get(path);
        assert_eq!((answer.status, answer.header("location")), (301, Some(target)), "{path}");
        assert_eq!(serving.get(target.split('?').next().unwrap()).status, 200, "{target}");
        assert_eq!(serving.request("HEAD", path, &[("If-None-Match", "*")]).status, 301, "{path}");
    }
    for path in [
        "/abc",
        "/abc/feed",
        "/abc/index.html",
        "/xa-hoi/theo-thang/2022/05",
        "/xa-hoi%0d%0aSet-Cookie:%20a=b",
        "/xa-hoi%2f",
        "//xa-hoi",
        "//evil.example/",
        "//evil.example/index.html",
        "/..%2f..%2fetc/passwd",
        "/xa-hoi%00",
        "/x%C3%A3-h%E1%BB%99i",
        "/XA-HOI/",
        "/Xa-Hoi",
        "/XA-HOI/rss.xml",
        "/xa-hoi.",
        "/xa-hoi./",
        "/rss.xml.",
        "/rss.xml/",
        "/xa-hoi//",
        "/xa-hoi//rss.xml",
        "/xa-hoi/./rss.xml",
        "/xa-hoi/../rss.xml",
        "/xa-hoi/%2e%2e/rss.xml",
        "/%2e%2e/rss.xml",
        "/xa-hoi%2Frss.xml",
        "/trong",
        "/trong/rss",
        "/healthz/",
        "/sitemap/2019-01.xml",
        "/bai-viet",
        "/%",
        "/%zz",
    ] {
        let answer = serving.get(path);
        assert_eq!((answer.status, answer.header("location")), (404, None), "{path}");
    }
    assert_eq!(serving.get("/xa%2Dhoi/rss%2Exml").body, serving.get("/xa-hoi/rss.xml").body);
    let tag = serving.get("/xa-hoi/rss.xml").etag();
    assert_eq!(serving.request("GET", "/xa%2Dhoi/rss%2Exml", &[("If-None-Match", &tag)]).status, 304);
    // An absolute target means its path; no redirect leads to its host (feed rule C9).
    let absolute = serving.request("GET", "http://other.example/xa-hoi?a", &[]);
    assert_eq!((absolute.status, absolute.header("location")), (301, Some("/xa-hoi/?a")));
    for (method, path, status) in [
        ("OPTIONS", "/xa-hoi/rss.xml", 204),
        ("OPTIONS", "*", 204),
        ("TRACE", "/xa-hoi/", 405),
        ("POST", "/xa-hoi/rss.xml", 405),
        ("get", "/rss.xml", 405),
        ("PUT", "/xa-hoi", 405),
        ("DELETE", "/healthz", 405),
        ("BREW", "/tim-kiem?q=a", 405),
    ] {
        let answer = serving.request(method, path, &[]);
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"), "{method} {path}");
    }
}

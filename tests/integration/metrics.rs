//! Metrics in both formats, the dashboard and the alerts that use them, and the log for machines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{RunningServer, SAMPLE_ARTICLE, TestSite, request, wait_until};

fn seeded() -> TestSite {
    let site = TestSite::new();
    site.write("xa-hoi/thi-dua.txt", SAMPLE_ARTICLE);
    site
}

/// Samples by their name with labels, and the kinds by family.
fn read(page: &str) -> (BTreeMap<String, f64>, BTreeMap<String, String>) {
    let (mut samples, mut kinds) = (BTreeMap::new(), BTreeMap::new());
    for line in page.lines() {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} is described twice");
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(samples.insert(name.to_owned(), value.parse().unwrap()).is_none(), "{name} stands twice");
        }
    }
    (samples, kinds)
}

fn scrape(serving: &RunningServer, accept: &str) -> (String, String) {
    let answer = request(serving.admin_address(), "GET", "/metrics", &[("Accept", accept)]);
    assert_eq!(answer.status, 200);
    (answer.header("content-type").unwrap().to_owned(), answer.text())
}

#[test]
fn both_formats_have_the_same_samples_with_their_kinds() {
    let serving = seeded().serve();
    wait_until("the first check of the store", || serving.metric("bantin_store_writable") == 1);
    let etag = serving.get("/xa-hoi/rss.xml").etag();
    assert_eq!(serving.request("GET", "/xa-hoi/rss.xml", &[("If-None-Match", &etag)]).status, 304);
    serving.get("/api/articles");
    serving.get("/khong-co");
    let (text_type, text) = scrape(&serving, "text/plain;version=0.0.4;q=0.5,*/*;q=0.1");
    let (open_type, open) =
        scrape(&serving, "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5");
    assert!(text_type.starts_with("text/plain; version=0.0.4"), "{text_type}");
    assert!(open_type.starts_with("application/openmetrics-text; version=1.0.0"), "{open_type}");
    assert!(open.ends_with("# EOF\n") && !text.contains("# EOF"));
    let ((samples, kinds), (other_samples, other_kinds)) = (read(&text), read(&open));
    assert_eq!(samples.keys().collect::<Vec<_>>(), other_samples.keys().collect::<Vec<_>>());
    assert_eq!(kinds["bantin_http_responses_total"], "counter");
    assert_eq!(other_kinds["bantin_http_responses"], "counter");
    assert_eq!(
        (kinds["bantin_build_info"].as_str(), other_kinds["bantin_build"].as_str()),
        ("gauge", "info")
    );
    for (name, at_least) in [
        ("bantin_http_responses_total{status=\"2xx\"}", 2.0),
        ("bantin_http_responses_total{status=\"4xx\"}", 1.0),
        ("bantin_http_not_modified_total", 1.0),
        ("bantin_http_request_duration_seconds_count{route=\"feed\"}", 2.0),
        ("bantin_http_request_duration_seconds_bucket{le=\"+Inf\",route=\"api\"}", 1.0),
        ("bantin_http_request_duration_seconds_count{route=\"page\"}", 1.0),
        ("bantin_render_duration_seconds_count", 1.0),
        ("bantin_store_read_duration_seconds_count", 1.0),
        ("bantin_ready", 1.0),
        ("bantin_store_up", 1.0),
        ("bantin_store_writable", 1.0),
        ("process_resident_memory_bytes", 1e6),
        ("process_open_fds", 3.0),
        ("process_max_fds", 3.0),
        ("process_start_time_seconds", 1.7e9),
    ] {
        let value = samples.get(name).unwrap_or_else(|| panic!("no {name} in\n{text}"));
        assert!(*value >= at_least, "{name} is {value}");
    }
    // Of each kind there is the family that its samples belong to.
    for name in samples.keys() {
        let family = name.split('{').next().unwrap();
        let parts = ["_bucket", "_sum", "_count"].iter().filter_map(|part| family.strip_suffix(part));
        assert!(parts.chain([family]).any(|family| kinds.contains_key(family)), "{name}");
    }
}

/// The names of our metrics in expressions.
fn names_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    words
        .filter(|word| word.starts_with("bantin_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_metric_of_the_dashboard_and_the_alerts_exists() {
    let site = seeded();
    site.configure("[[source]]\nname = \"Xã\"\nurl = \"http://xa.invalid/\"\nchannels = [\"xa-hoi\"]\n");
    let serving = site.serve();
    wait_until("the source", || scrape(&serving, "text/plain").1.contains("bantin_source_failing{"));
    serving.get("/xa-hoi/rss.xml");
    let (mut samples, _) = read(&scrape(&serving, "text/plain").1);
    // Some are those of a service with a certificate.
    samples.extend(read(&scrape(&crate::tls::encrypted_site().serve(), "text/plain").1).0);
    let known: BTreeSet<&str> = samples.keys().map(|name| name.split('{').next().unwrap()).collect();
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    let dashboard: Value =
        serde_json::from_slice(&fs::read(packaging.join("grafana.json")).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() >= 8);
    let mut expressions: Vec<String> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect();
    let alerts = fs::read_to_string(packaging.join("alerts.yml")).unwrap();
    expressions
        .extend(alerts.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).map(str::to_owned));
    assert!(expressions.len() >= 25, "{expressions:?}");
    let mut used = 0;
    for expression in &expressions {
        assert_eq!(expression.matches('(').count(), expression.matches(')').count(), "{expression}");
        for name in names_in(expression) {
            assert!(known.contains(name.as_str()), "{name} in {expression}");
            used += 1;
        }
    }
    assert!(used >= 25, "{used}");
}

#[test]
fn the_log_is_json_if_configured_and_follows_a_reload() {
    let site = seeded().with("BANTIN_SERVER__ACCESS_LOG", "true");
    let serving = site.serve();
    serving.get("/xa-hoi/rss.xml");
    wait_until("the line", || serving.log().contains("request answered"));
    assert!(!serving.log().lines().any(|line| line.starts_with('{')));
    site.configure("[log]\nformat = \"json\"\n");
    let sent = std::process::Command::new("kill").args(["-HUP", &serving.pid().to_string()]).status();
    assert!(sent.unwrap().success());
    wait_until("the reload", || serving.log().contains("the configuration was reloaded"));
    serving.get("/xa-hoi/rss.xml?page=1");
    let line = || {
        let log = serving.log();
        log.lines().find(|line| line.contains("?page=1")).map(str::to_owned)
    };
    wait_until("the line", || line().is_some());
    let line: Value = serde_json::from_str(&line().unwrap()).unwrap();
    let fields = &line["fields"];
    assert_eq!((&line["message"], &line["level"]), (&"request answered".into(), &"INFO".into()));
    assert_eq!(
        (&fields["route"], &fields["status"], &fields["method"]),
        (&"feed".into(), &200.into(), &"GET".into())
    );
    assert!(fields["id"].is_u64() && fields["bytes"].is_u64() && fields["ms"].is_number(), "{line}");
}

//! The renderer: all formats change atomically, one invalid article never takes a channel down, bursts take few passes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bantin::feed::{self, VerifyError};
use bantin::model::{Article, Block, Permalink, Site, Slug};
use bantin::render::{
    ArticlePage, ArticlePages, RenderCounters, RenderOptions, Renderer, Representation, SiteCache, Verifier,
};
use bantin::store::{self, LiveFeedOptions, Source, Store, Submission};
use bantin::time::{Clock, DEFAULT_TIME_ZONE, PublishedAt, from_unix};
use bantin::urls::{Format, SiteUrls};

const NOON: i64 = 1_683_867_600;

struct TestRenderer {
    directory: tempfile::TempDir,
    store: Store,
    renderer: Renderer,
    site_cache: SiteCache,
    counters: Arc<RenderCounters>,
    pages: ArticlePages,
}

async fn test_renderer(verifier: Verifier) -> TestRenderer {
    let directory = tempfile::tempdir().unwrap();
    let addresses = Arc::new(SiteUrls::new("http://127.0.0.1:8080", "dakto.example,2023").unwrap());
    let store = Store::open(store::StoreOptions {
        url: format!("sqlite:{}", directory.path().join("bantin.db").display()),
        addresses: Arc::clone(&addresses),
        channels: Vec::new(),
        zone: DEFAULT_TIME_ZONE,
        clock: Clock::fixed(NOON),
    })
    .await
    .unwrap();
    let site = Site::new("Huyện Đăk Tô");
    let live = LiveFeedOptions {
        items: 30,
        window: 604_800,
        archive_page: 50,
        limit: 200,
        bytes: 524_288,
        whole: false,
    };
    let entry_cache = Default::default();
    let options = RenderOptions {
        site,
        addresses,
        channels: Vec::new(),
        live,
        verifier,
        indexnow_key: None,
        entry_cache,
    };
    let counters = Arc::new(RenderCounters::default());
    let pages = ArticlePages::new(store.clone(), options.clone());
    let (renderer, site_cache) = Renderer::new(store.clone(), options, Arc::clone(&counters));
    TestRenderer { directory, store, renderer, site_cache, counters, pages }
}

fn submission(channel: &str, title: &str) -> Submission {
    let body = vec![Block::Lead { text: "Đoạn mở đầu.".to_owned(), html: None }];
    let article = Article::new(title, PublishedAt::exact(from_unix(NOON - 3600)), body);
    Submission {
        article,
        channels: vec![Slug::parse(channel).unwrap()],
        id: None,
        stem: Slug::from_title(title),
        source: Source::Command("test".to_owned()),
        conditions: store::WriteConditions::default(),
    }
}

fn served(site_cache: &SiteCache, path: &str) -> Option<String> {
    let document = site_cache.current().document(path).cloned()?;
    Some(String::from_utf8(document.identity.bytes.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_article_is_omitted_alone() {
    let rejects_bad: Verifier =
        |document, _, _| match document.entries.iter().find(|entry| entry.article.title.contains("hỏng")) {
            Some(entry) => Err(VerifyError { article: Some(entry.id.clone()), reason: "hỏng".to_owned() }),
            None => Ok(()),
        };
    let mut test = test_renderer(rejects_bad).await;
    for title in ["Bài tốt", "Bài hỏng", "Bài hỏng nữa"] {
        test.store.submit(submission("xa-hoi", title)).await.unwrap();
    }
    test.renderer.render_changes().await.unwrap();
    for path in ["/xa-hoi/rss.xml", "/xa-hoi/atom.xml", "/xa-hoi/feed.json", "/rss.xml"] {
        let shown = served(&test.site_cache, path).unwrap();
        assert!(shown.contains("Bài tốt") && !shown.contains("hỏng"), "{path}: {shown}");
    }
    assert_eq!(test.counters.failures.load(Ordering::Relaxed), 4, "two articles in two channels");
}

/// One that ended the process would end it again after each start: the article is in the log.
#[tokio::test(flavor = "multi_thread")]
async fn an_article_whose_rendering_panics_is_omitted_alone() {
    let panics_at_bad: Verifier = |document, format, bytes| {
        assert!(document.entries.iter().all(|entry| !entry.article.title.contains("hỏng")));
        feed::verify(document, format, bytes)
    };
    let mut test = test_renderer(panics_at_bad).await;
    for title in ["Bài tốt", "Bài hỏng", "Bài sau"] {
        test.store.submit(submission("xa-hoi", title)).await.unwrap();
    }
    test.renderer.render_changes().await.unwrap();
    for path in ["/xa-hoi/rss.xml", "/xa-hoi/atom.xml", "/xa-hoi/feed.json", "/rss.xml"] {
        let shown = served(&test.site_cache, path).unwrap();
        assert!(
            shown.contains("Bài tốt") && shown.contains("Bài sau") && !shown.contains("hỏng"),
            "{path}: {shown}"
        );
    }
    assert_eq!(test.counters.failures.load(Ordering::Relaxed), 2, "an article in two channels");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_fails_verification_keeps_its_previous_documents() {
    static REJECTS: AtomicBool = AtomicBool::new(true);
    // In every feed: an article that one feed has verified is not verified again in another.
    let rejects_two: Verifier = |document, format, _| {
        let bad = document.entries.iter().any(|entry| entry.article.title == "Hai")
            && format == Format::Json
            && REJECTS.load(Ordering::Relaxed);
        if bad { Err(VerifyError { article: None, reason: "hỏng".to_owned() }) } else { Ok(()) }
    };
    let mut test = test_renderer(rejects_two).await;
    test.store.submit(submission("xa-hoi", "Một")).await.unwrap();
    test.renderer.render_changes().await.unwrap();
    let before = served(&test.site_cache, "/xa-hoi/rss.xml").unwrap();
    test.store.submit(submission("xa-hoi", "Hai")).await.unwrap();
    test.store.submit(submission("kinh-te", "Ba")).await.unwrap();
    test.renderer.render_changes().await.unwrap();
    assert_eq!(served(&test.site_cache, "/xa-hoi/rss.xml").unwrap(), before, "all formats or none");
    assert!(served(&test.site_cache, "/kinh-te/rss.xml").unwrap().contains("Ba"));
    REJECTS.store(false, Ordering::Relaxed);
    test.store.submit(submission("xa-hoi", "Bốn")).await.unwrap();
    test.renderer.render_changes().await.unwrap();
    let after = served(&test.site_cache, "/xa-hoi/rss.xml").unwrap();
    assert!(after.contains("Hai") && after.contains("Bốn"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_verifies_only_the_changed_article() {
    static VERIFIED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let records_titles: Verifier = |document, format, bytes| {
        let titles = document.entries.iter().map(|entry| entry.article.title.clone());
        VERIFIED.lock().unwrap().extend(titles);
        feed::verify(document, format, bytes)
    };
    let mut test = test_renderer(records_titles).await;
    for title in ["Một", "Hai", "Ba"] {
        test.store.submit(submission("xa-hoi", title)).await.unwrap();
        test.renderer.render_changes().await.unwrap();
        let verified = std::mem::take(&mut *VERIFIED.lock().unwrap());
        assert!(
            verified.len() >= Format::ALL.len() && verified.iter().all(|seen| seen == title),
            "{verified:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_row_is_omitted_alone() {
    let mut test = test_renderer(feed::verify).await;
    for title in ["Bài tốt", "Bài hỏng"] {
        test.store.submit(submission("xa-hoi", title)).await.unwrap();
    }
    let damage = "UPDATE revision SET content = '{\"title\":' WHERE article LIKE '%/bai-hong'";
    assert_eq!(crate::support::execute_sql(&test.directory.path().join("bantin.db"), damage), 1);
    test.renderer.render_changes().await.unwrap();
    let shown = served(&test.site_cache, "/xa-hoi/atom.xml").unwrap();
    assert!(shown.contains("Bài tốt") && !shown.contains("Bài hỏng"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_changes_takes_few_passes() {
    let test = test_renderer(feed::verify).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let started = std::time::Instant::now();
    let running = tokio::spawn(test.renderer.run(stopped));
    for number in 0..1000 {
        test.store.submit(submission("xa-hoi", &format!("Bài số {number}"))).await.unwrap();
    }
    test.store.submit(submission("xa-hoi", "Bài cuối cùng")).await.unwrap();
    while !served(&test.site_cache, "/xa-hoi/rss.xml").is_some_and(|shown| shown.contains("Bài cuối cùng"))
    {
        tokio::task::yield_now().await;
    }
    let passes = test.counters.renders.load(Ordering::Relaxed);
    // One pass in 20 ms, after the first few.
    let limit = 10 + started.elapsed().as_millis() as u64 / 20;
    assert!(passes <= limit, "{passes} passes, at most {limit} expected");
    stop.send_replace(true);
    running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn all_formats_of_a_channel_change_atomically() {
    let mut test = test_renderer(feed::verify).await;
    let site_cache = test.site_cache.clone();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let watching = tokio::task::spawn_blocking(move || {
        let mut seen = 0u64;
        while !*stopped.borrow() {
            let site = site_cache.current();
            let numbers: Vec<String> = Format::ALL
                .iter()
                .filter_map(|format| site.document(&format!("/xa-hoi/{}", format.file_name())))
                .map(|document| document.identity.etag.to_str().unwrap().to_owned())
                .map(|etag| etag.split('-').next().unwrap().to_owned())
                .collect();
            assert!(numbers.windows(2).all(|pair| pair[0] == pair[1]), "{numbers:?}");
            seen += 1;
        }
        seen
    });
    for number in 0..20 {
        test.store.submit(submission("xa-hoi", &format!("Bài số {number}"))).await.unwrap();
        test.renderer.render_changes().await.unwrap();
    }
    stop.send_replace(true);
    assert!(watching.await.unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_article_page_is_cached_until_it_changes() {
    let test = test_renderer(feed::verify).await;
    let published = test.store.submit(submission("xa-hoi", "Bài một")).await.unwrap();
    let permalink = published.permalink;
    let page = async || match test.pages.render(&permalink).await.unwrap() {
        ArticlePage::Page(page) => page,
        ArticlePage::Gone(_) | ArticlePage::NotFound => panic!("no page"),
    };
    let text = |page: &Arc<Representation>| String::from_utf8(page.identity.bytes.to_vec()).unwrap();
    assert!(test.pages.cached(&permalink).is_none());
    let first = page().await;
    let cached = test.pages.cached(&permalink);
    assert!(matches!(cached, Some(ArticlePage::Page(page)) if Arc::ptr_eq(&page, &first)));

    test.store.submit(submission("xa-hoi", "Bài hai")).await.unwrap();
    assert!(test.pages.cached(&permalink).is_none(), "the log has changed");
    let linked = page().await;
    assert!(text(&linked).contains("Bài hai") && linked.identity.etag != first.identity.etag);

    test.store.submit(submission("xa-hoi", "Bài ba")).await.unwrap();
    assert!(test.pages.cached(&permalink).is_none(), "the log has changed");
    assert!(Arc::ptr_eq(&page().await, &linked), "nothing on the page has changed");

    let mut corrected = submission("xa-hoi", "Bài một");
    corrected.article.body = vec![Block::Lead { text: "Đoạn mở đầu, sửa.".to_owned(), html: None }];
    corrected.id = Some(published.id.clone());
    test.store.submit(corrected).await.unwrap();
    let second = page().await;
    assert!(text(&second).contains("Đoạn mở đầu, sửa.") && second.identity.etag != linked.identity.etag);

    test.store.submit(submission("kinh-te", "Bài bốn")).await.unwrap();
    assert!(text(&page().await).contains("/kinh-te/"), "the menu contains all channels");

    test.store.withdraw(&published.id, None, false, "test").await.unwrap();
    for _ in 0..2 {
        assert!(matches!(test.pages.render(&permalink).await.unwrap(), ArticlePage::Gone(_)));
    }
    let nowhere = Permalink { slug: Slug::from_title("khong-co"), ..permalink };
    assert!(matches!(test.pages.render(&nowhere).await.unwrap(), ArticlePage::NotFound));
    assert!(test.pages.cached(&nowhere).is_none(), "unknown URLs are not cached");
}

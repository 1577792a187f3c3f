//! What the press promises: all formats at a stroke, one bad article never a whole channel, few reprints.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bantin::feed::{self, VerifyError};
use bantin::model::{Article, Block, Permalink, Site, Slug};
use bantin::render::{
    ArticlePage, ArticlePages, RenderCounters, RenderOptions, Renderer, Representation, SiteCache, Verifier,
};
use bantin::store::{self, LiveFeedOptions, Source, Store, Submission};
use bantin::time::{Clock, DEFAULT_TIME_ZONE, PublishedAt, from_unix};
use bantin::urls::{Format, SiteUrls};

const NOON: i64 = 1_683_867_600;

struct Works {
    folder: tempfile::TempDir,
    store: Store,
    press: Renderer,
    stand: SiteCache,
    counters: Arc<RenderCounters>,
    pages: ArticlePages,
}

async fn works(inspector: Verifier) -> Works {
    let folder = tempfile::tempdir().unwrap();
    let addresses = Arc::new(SiteUrls::new("http://127.0.0.1:8080", "dakto.example,2023").unwrap());
    let store = Store::open(store::StoreOptions {
        url: format!("sqlite:{}", folder.path().join("bantin.db").display()),
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
    let options = RenderOptions { site, addresses, channels: Vec::new(), live, verifier: inspector };
    let counters = Arc::new(RenderCounters::default());
    let pages = ArticlePages::new(store.clone(), options.clone());
    let (press, stand) = Renderer::new(store.clone(), options, Arc::clone(&counters));
    Works { folder, store, press, stand, counters, pages }
}

fn submission(channel: &str, title: &str) -> Submission {
    let article = Article {
        title: title.to_owned(),
        published: PublishedAt::exact(from_unix(NOON - 3600)),
        updated: None,
        summary: None,
        body: vec![Block::Lead { text: "Đoạn mở đầu.".to_owned(), html: None }],
        authors: Vec::new(),
        source: None,
        tags: Vec::new(),
        language: None,
        link: None,
        images: Vec::new(),
    };
    Submission {
        article,
        channels: vec![Slug::parse(channel).unwrap()],
        id: None,
        stem: Slug::from_title(title),
        source: Source::Command("test".to_owned()),
        conditions: store::WriteConditions::default(),
    }
}

fn served(stand: &SiteCache, path: &str) -> Option<String> {
    let document = stand.current().document(path).cloned()?;
    Some(String::from_utf8(document.identity.bytes.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_article_never_takes_a_channel_down() {
    let no_bad_ones: Verifier =
        |document, _, _| match document.entries.iter().find(|entry| entry.article.title.contains("hỏng")) {
            Some(entry) => Err(VerifyError { article: Some(entry.id.clone()), reason: "hỏng".to_owned() }),
            None => Ok(()),
        };
    let mut works = works(no_bad_ones).await;
    for title in ["Bài tốt", "Bài hỏng", "Bài hỏng nữa"] {
        works.store.submit(submission("xa-hoi", title)).await.unwrap();
    }
    works.press.render_changes().await.unwrap();
    for path in ["/xa-hoi/rss.xml", "/xa-hoi/atom.xml", "/xa-hoi/feed.json", "/rss.xml"] {
        let shown = served(&works.stand, path).unwrap();
        assert!(shown.contains("Bài tốt") && !shown.contains("hỏng"), "{path}: {shown}");
    }
    assert_eq!(works.counters.failures.load(Ordering::Relaxed), 4, "two articles in two views");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_does_not_pass_keeps_its_last_edition_and_others_go_on() {
    let not_two: Verifier = |document, format, _| {
        let bad = document.channel.is_some_and(|channel| channel.slug.as_str() == "xa-hoi")
            && document.entries.len() == 2
            && format == Format::Json;
        if bad { Err(VerifyError { article: None, reason: "hỏng".to_owned() }) } else { Ok(()) }
    };
    let mut works = works(not_two).await;
    works.store.submit(submission("xa-hoi", "Một")).await.unwrap();
    works.press.render_changes().await.unwrap();
    let before = served(&works.stand, "/xa-hoi/rss.xml").unwrap();
    works.store.submit(submission("xa-hoi", "Hai")).await.unwrap();
    works.store.submit(submission("kinh-te", "Ba")).await.unwrap();
    works.press.render_changes().await.unwrap();
    assert_eq!(served(&works.stand, "/xa-hoi/rss.xml").unwrap(), before, "all formats or none");
    assert!(served(&works.stand, "/kinh-te/rss.xml").unwrap().contains("Ba"));
    works.store.submit(submission("xa-hoi", "Bốn")).await.unwrap();
    works.press.render_changes().await.unwrap();
    let after = served(&works.stand, "/xa-hoi/rss.xml").unwrap();
    assert!(after.contains("Hai") && after.contains("Bốn"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_row_in_the_store_costs_that_article_alone() {
    let mut works = works(feed::verify).await;
    for title in ["Bài tốt", "Bài hỏng"] {
        works.store.submit(submission("xa-hoi", title)).await.unwrap();
    }
    let url = format!("sqlite:{}", works.folder.path().join("bantin.db").display());
    let database = sqlx::SqlitePool::connect(&url).await.unwrap();
    let damaged =
        sqlx::query("UPDATE article SET content = '{\"title\":' WHERE slug = 'bai-hong'").execute(&database);
    assert_eq!(damaged.await.unwrap().rows_affected(), 1);
    works.press.render_changes().await.unwrap();
    let shown = served(&works.stand, "/xa-hoi/atom.xml").unwrap();
    assert!(shown.contains("Bài tốt") && !shown.contains("Bài hỏng"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_a_thousand_changes_is_a_handful_of_reprints() {
    let works = works(feed::verify).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(works.press.run(stopped));
    for number in 0..1000 {
        works.store.submit(submission("xa-hoi", &format!("Bài số {number}"))).await.unwrap();
    }
    works.store.submit(submission("xa-hoi", "Bài cuối cùng")).await.unwrap();
    while !served(&works.stand, "/xa-hoi/rss.xml").is_some_and(|shown| shown.contains("Bài cuối cùng")) {
        tokio::task::yield_now().await;
    }
    let reprints = works.counters.renders.load(Ordering::Relaxed);
    assert!(reprints < 50, "{reprints} reprints");
    stop.send_replace(true);
    running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn all_formats_of_a_channel_change_at_a_stroke() {
    let mut works = works(feed::verify).await;
    let stand = works.stand.clone();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let watching = tokio::task::spawn_blocking(move || {
        let mut seen = 0u64;
        while !*stopped.borrow() {
            let edition = stand.current();
            let numbers: Vec<String> = Format::ALL
                .iter()
                .filter_map(|format| edition.document(&format!("/xa-hoi/{}", format.file_name())))
                .map(|document| document.identity.etag.to_str().unwrap().to_owned())
                .map(|etag| etag.split('-').next().unwrap().to_owned())
                .collect();
            assert!(numbers.windows(2).all(|pair| pair[0] == pair[1]), "{numbers:?}");
            seen += 1;
        }
        seen
    });
    for number in 0..20 {
        works.store.submit(submission("xa-hoi", &format!("Bài số {number}"))).await.unwrap();
        works.press.render_changes().await.unwrap();
    }
    stop.send_replace(true);
    assert!(watching.await.unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_an_article_is_at_hand_while_nothing_in_it_changes() {
    let works = works(feed::verify).await;
    let published = works.store.submit(submission("xa-hoi", "Bài một")).await.unwrap();
    let permalink = published.permalink;
    let page = async || match works.pages.print(&permalink).await.unwrap() {
        ArticlePage::Page(page) => page,
        ArticlePage::Gone(_) | ArticlePage::NotFound => panic!("no page"),
    };
    let text = |page: &Arc<Representation>| String::from_utf8(page.identity.bytes.to_vec()).unwrap();
    assert!(works.pages.at_hand(&permalink).is_none());
    let first = page().await;
    let at_hand = works.pages.at_hand(&permalink);
    assert!(matches!(at_hand, Some(ArticlePage::Page(page)) if Arc::ptr_eq(&page, &first)));

    works.store.submit(submission("xa-hoi", "Bài hai")).await.unwrap();
    assert!(works.pages.at_hand(&permalink).is_none(), "the store may know better");
    assert!(Arc::ptr_eq(&page().await, &first), "it does not: nothing of the page has changed");

    let mut corrected = submission("xa-hoi", "Bài một");
    corrected.article.body = vec![Block::Lead { text: "Đoạn mở đầu, sửa.".to_owned(), html: None }];
    corrected.id = Some(published.id.clone());
    works.store.submit(corrected).await.unwrap();
    let second = page().await;
    assert!(text(&second).contains("Đoạn mở đầu, sửa.") && second.identity.etag != first.identity.etag);

    works.store.submit(submission("kinh-te", "Bài ba")).await.unwrap();
    assert!(text(&page().await).contains("/kinh-te/"), "every page names all channels");

    works.store.withdraw(&published.id, None, false, "test").await.unwrap();
    for _ in 0..2 {
        assert!(matches!(works.pages.print(&permalink).await.unwrap(), ArticlePage::Gone(_)));
    }
    let nowhere = Permalink { slug: Slug::from_title("khong-co"), ..permalink };
    assert!(matches!(works.pages.print(&nowhere).await.unwrap(), ArticlePage::NotFound));
    assert!(works.pages.at_hand(&nowhere).is_none(), "what is nowhere takes no room");
}

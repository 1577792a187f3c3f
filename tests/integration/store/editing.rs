//! What the editing desk needs of the store: findings, history, images of previews, sessions and restoring.

use std::collections::BTreeSet;

use super::{
    Home, Requirement, SAMPLE_ARTICLE, article, by, copy_of, file, is_missing, named, named_picture, sent,
    slug, store_with_two_tokens, take, titles,
};
use bantin::model::{Article, ArticleId, Image};
use bantin::store::{
    ArticleQuery, ArticleQueryResult, ArticleVersion, ChangeKind, CopyMode, FileFindings, ImageLookup,
    Refusal, RestoreOutcome, Revision, Selection, Store, StoredFinding, Submission, SubmitOutcome,
    WithdrawOutcome, WriteConditions,
};
use bantin::time::from_unix;

on_every_engine! {
    findings_are_kept_for_each_file_until_it_is_in_order
    the_worst_findings_are_kept_where_there_are_too_many
    the_history_of_an_article_names_who_did_what_and_keeps_every_text
    the_texts_of_an_erased_article_are_in_no_history
    what_is_scheduled_and_withdrawn_is_listed_for_the_desk
    lists_are_limited_to_channels_before_they_are_cut
    a_session_that_was_ended_stays_ended_until_it_would_end_anyway
    images_that_no_article_uses_are_removed_after_a_week_and_no_others
    an_image_of_an_open_form_is_kept_and_a_removed_one_is_not_reported_as_stored
    the_images_of_a_scheduled_article_whose_file_is_removed_become_unused
    all_processes_share_one_session_key_and_no_backup_contains_it
    an_article_is_restored_only_in_the_version_that_was_read_and_by_its_own_token
}

fn finding(line: usize, severity: u8, text: &str) -> StoredFinding {
    StoredFinding { line, severity, vietnamese: format!("{text} (vi)"), english: text.to_owned() }
}

fn findings_of(path: &str, found: Vec<StoredFinding>) -> FileFindings {
    let channel = path.split_once('/').map(|(folder, _)| slug(folder));
    FileFindings { path: path.to_owned(), channel, at: from_unix(SAMPLE_ARTICLE), found }
}

async fn findings_are_kept_for_each_file_until_it_is_in_order(home: Home) {
    let (store, other) = (home.open().await, home.open().await);
    let folder = findings_of("", vec![finding(1, 1, "no channel")]);
    let refused = findings_of("xa-hoi/a.txt", vec![finding(3, 2, "no date"), finding(9, 0, "left out")]);
    let doubtful = findings_of("kinh-te/b.txt", vec![finding(2, 1, "which year?")]);
    store.record_findings(vec![refused.clone(), folder.clone(), doubtful.clone()]).await.unwrap();
    assert_eq!(other.findings().await.unwrap(), [folder.clone(), doubtful.clone(), refused.clone()]);
    assert_eq!(refused.severity(), 2);
    let names: Vec<_> = refused.found.iter().map(StoredFinding::severity_name).collect();
    assert_eq!(names, ["error", "note"]);

    // What is said of one file replaces what was said of it before, and of no other.
    let cured = findings_of("xa-hoi/a.txt", vec![finding(1, 0, "left out")]);
    let in_order = findings_of("kinh-te/b.txt", Vec::new());
    other.record_findings(vec![cured.clone(), in_order]).await.unwrap();
    drop(store);
    assert_eq!(home.open().await.findings().await.unwrap(), [folder, cured]);
}

async fn the_worst_findings_are_kept_where_there_are_too_many(home: Home) {
    let store = home.open().await;
    let many = (1..=150).map(|line| finding(line, u8::from(line == 140) * 2, "đ")).collect();
    let long = vec![finding(1, 1, &"đ".repeat(5000))];
    let notes = (0..5000).map(|n| findings_of(&format!("xa-hoi/{n:04}.txt"), vec![finding(1, 0, "note")]));
    let files = notes.chain([findings_of("y-te/nhieu.txt", many), findings_of("y-te/dai.txt", long)]);
    store.record_findings(files.collect()).await.unwrap();
    let kept = store.findings().await.unwrap();
    assert_eq!(kept.len(), 5000);
    let of = |path: &str| kept.iter().find(|file| file.path == path).unwrap();
    let lines: Vec<usize> = of("y-te/nhieu.txt").found.iter().map(|finding| finding.line).collect();
    assert!(lines.len() == 100 && lines.contains(&140) && lines.is_sorted(), "{lines:?}");
    assert!(of("y-te/dai.txt").found[0].vietnamese.chars().count() <= 1001);
}

fn edit(id: &ArticleId, title: &str, reason: &str, token: &str) -> Submission {
    let conditions = WriteConditions { reason: Some(reason.to_owned()), must_exist: true, ..by(token) };
    Submission { channels: Vec::new(), ..named(id.as_str(), sent(title, SAMPLE_ARTICLE, conditions)) }
}

async fn title_at(store: &Store, id: &ArticleId, number: u64) -> Option<String> {
    let text = store.revision(id, number).await.unwrap().unwrap();
    text.entry.map(|entry| entry.article.title)
}

async fn the_history_of_an_article_names_who_did_what_and_keeps_every_text(home: Home) {
    let store = store_with_two_tokens(&home).await;
    let (id, _) = take(&store, file("xa-hoi/a.txt", "1", article("Bản đầu", SAMPLE_ARTICLE))).await;
    take(&store, file("kinh-te/khac.txt", "2", article("Bài khác", SAMPLE_ARTICLE))).await;
    home.clock.advance(60);
    take(&store, edit(&id, "Bản sửa", "Sai tên", "xa-hoi")).await;
    store.withdraw(&id, Some("nhầm".to_owned()), false, "Văn phòng").await.unwrap();
    store.restore(&id, "Văn phòng").await.unwrap();
    let history = store.history(&id, None, 100).await.unwrap().unwrap();
    assert_eq!(history.channels, [slug("xa-hoi")]);
    let told = |revision: &Revision| {
        (revision.number, revision.kind, revision.author.clone(), revision.reason.clone())
    };
    let reason = |text: &str| Some(text.to_owned());
    assert_eq!(
        history.revisions.iter().map(told).collect::<Vec<_>>(),
        [
            (5, ChangeKind::Restored, "Văn phòng".to_owned(), None),
            (4, ChangeKind::Withdrawn, "Văn phòng".to_owned(), reason("nhầm")),
            (3, ChangeKind::Corrected, "Văn phòng".to_owned(), reason("Sai tên")),
            (1, ChangeKind::Published, "folder".to_owned(), None),
        ]
    );
    assert_eq!(history.revisions[2].at, home.clock.now());
    // Page by page it is the same.
    let mut pages = Vec::new();
    while let Some(page) = store
        .history(&id, pages.last().map(|last: &Revision| last.number), 1)
        .await
        .unwrap()
        .filter(|page| !page.revisions.is_empty())
    {
        pages.extend(page.revisions);
    }
    assert_eq!(pages, history.revisions);
    for (number, title) in [(1, "Bản đầu"), (3, "Bản sửa"), (4, "Bản sửa"), (5, "Bản sửa")] {
        assert_eq!(title_at(&store, &id, number).await.as_deref(), Some(title), "{number}");
    }
    assert_eq!(store.revision(&id, 2).await.unwrap(), None, "that one is of another article");
    let unknown = ArticleId::new("tag:la");
    assert_eq!(store.history(&unknown, None, 100).await.unwrap(), None);
    // An article that never was published has no revision, and its channels are known.
    let (waiting, _) = take(&store, sent("Hẹn giờ", SAMPLE_ARTICLE + 9000, by("xa-hoi"))).await;
    let history = store.history(&waiting, None, 100).await.unwrap().unwrap();
    assert_eq!((history.channels, history.revisions), (vec![slug("xa-hoi")], Vec::new()));
}

/// The first ones of everything.
fn first(limit: usize) -> Selection<'static> {
    Selection { within: None, skip: 0, limit }
}

async fn lists_are_limited_to_channels_before_they_are_cut(home: Home) {
    let store = home.open().await;
    let due = SAMPLE_ARTICLE + 9000;
    for number in 0..12 {
        for (channel, stamp) in [("xa-hoi", SAMPLE_ARTICLE), ("kinh-te", SAMPLE_ARTICLE), ("kinh-te", due)] {
            // The few of one channel come after the many of the other.
            if channel == "xa-hoi" && number > 3 {
                continue;
            }
            let path = format!("{channel}/{channel}-{number}-{stamp}.txt");
            take(&store, file(&path, &path, article(&path, stamp + number))).await;
        }
    }
    for number in 4..12 {
        store.file_removed(&format!("kinh-te/kinh-te-{number}-{SAMPLE_ARTICLE}.txt")).await.unwrap();
    }
    take(&store, file("xa-hoi/hen.txt", "1", article("Hẹn giờ", due + 100))).await;
    store.file_removed(&format!("xa-hoi/xa-hoi-0-{SAMPLE_ARTICLE}.txt")).await.unwrap();
    for number in 0..2 {
        store.file_removed(&format!("kinh-te/kinh-te-{number}-{SAMPLE_ARTICLE}.txt")).await.unwrap();
    }
    let own = [slug("xa-hoi")];
    let of = |skip, limit| Selection { within: Some(&own), skip, limit };
    let scheduled = store.all_scheduled(of(0, 2)).await.unwrap();
    assert_eq!(scheduled.iter().map(|row| row.title.as_str()).collect::<Vec<_>>(), ["Hẹn giờ"]);
    let gone = store.withdrawn(of(0, 2)).await.unwrap();
    assert_eq!(gone.iter().map(|row| row.channels.as_slice()).collect::<Vec<_>>(), [own.as_slice()]);
    assert!(store.withdrawn(of(1, 2)).await.unwrap().is_empty());
    assert!(store.withdrawn(Selection { within: Some(&[]), skip: 0, limit: 2 }).await.unwrap().is_empty());
    // Part by part it is the whole list.
    let all = store.withdrawn(first(100)).await.unwrap();
    assert_eq!(all.len(), 11);
    let mut parts = Vec::new();
    while parts.len() < 11 {
        parts.extend(store.withdrawn(Selection { skip: parts.len(), ..first(4) }).await.unwrap());
    }
    assert_eq!(parts, all);
    let within =
        ArticleQuery { within: Some(own.to_vec()), limit: 2, bytes: usize::MAX, ..ArticleQuery::default() };
    let ArticleQueryResult::Page(page) = store.query_articles(&within).await.unwrap() else { panic!() };
    assert_eq!((page.items.len(), page.next.is_some()), (2, true));
    let rest = ArticleQuery { after: page.next, ..within };
    let ArticleQueryResult::Page(rest) = store.query_articles(&rest).await.unwrap() else { panic!() };
    assert_eq!((rest.items.len(), rest.next), (1, None));
    let all = page.items.iter().chain(&rest.items);
    assert!(all.into_iter().all(|row| row.entry.channels == own), "{page:?} {rest:?}");
}

async fn a_session_that_was_ended_stays_ended_until_it_would_end_anyway(home: Home) {
    let (store, other) = (home.open().await, home.open().await);
    let until = SAMPLE_ARTICLE + 5000;
    assert!(!store.is_session_ended("a").await.unwrap());
    store.end_session("a", from_unix(until)).await.unwrap();
    store.end_session("a", from_unix(until)).await.unwrap();
    assert!(other.is_session_ended("a").await.unwrap() && !other.is_session_ended("b").await.unwrap());
    // What is over is forgotten with the next one.
    home.clock.advance(6000);
    store.end_session("b", from_unix(until + 9000)).await.unwrap();
    assert!(!store.is_session_ended("a").await.unwrap() && store.is_session_ended("b").await.unwrap());
}

async fn the_texts_of_an_erased_article_are_in_no_history(home: Home) {
    let store = store_with_two_tokens(&home).await;
    let (id, _) = take(&store, file("xa-hoi/a.txt", "1", article("Bản đầu", SAMPLE_ARTICLE))).await;
    take(&store, edit(&id, "Bản sửa", "Sai tên", "xa-hoi")).await;
    store.withdraw(&id, None, true, "test").await.unwrap();
    for number in 1..=3 {
        assert_eq!(title_at(&store, &id, number).await, None, "{number}");
    }
    assert_eq!(store.withdrawn(first(10)).await.unwrap()[0].title, "");
    assert_eq!(store.restore(&id, "test").await.unwrap(), RestoreOutcome::Erased);
}

async fn what_is_scheduled_and_withdrawn_is_listed_for_the_desk(home: Home) {
    let store = store_with_two_tokens(&home).await;
    let (live, _) = take(&store, sent("Đã đăng", SAMPLE_ARTICLE, by("xa-hoi"))).await;
    let (later, _) = take(&store, sent("Muộn hơn", SAMPLE_ARTICLE + 9000, by("xa-hoi"))).await;
    let correction = Submission {
        channels: vec![slug("xa-hoi"), slug("kinh-te")],
        ..named(live.as_str(), sent("Bản sửa", SAMPLE_ARTICLE + 5000, WriteConditions::default()))
    };
    take(&store, correction).await;
    let listed = store.all_scheduled(first(10)).await.unwrap();
    let rows: Vec<_> = listed
        .iter()
        .map(|row| (&row.id, row.title.as_str(), row.channels.len(), row.is_correction))
        .collect();
    assert_eq!(rows, [(&live, "Bản sửa", 2, true), (&later, "Muộn hơn", 1, false)]);
    assert_eq!(listed[1].due, from_unix(SAMPLE_ARTICLE + 9000));
    assert_eq!(store.all_scheduled(first(1)).await.unwrap().len(), 1);
    let (channels, pending) = store.pending_correction(&live).await.unwrap().unwrap();
    assert_eq!((channels.len(), pending.title.as_str()), (2, "Bản sửa"));
    assert_eq!(store.pending_correction(&later).await.unwrap(), None, "it corrects nothing");

    store.withdraw(&live, Some("nhầm".to_owned()), false, "test").await.unwrap();
    take(&store, file("kinh-te/b.txt", "1", article("Của tệp", SAMPLE_ARTICLE))).await;
    store.file_removed("kinh-te/b.txt").await.unwrap();
    let gone = store.withdrawn(first(10)).await.unwrap();
    let rows: Vec<_> =
        gone.iter().map(|row| (row.title.as_str(), row.reason.as_deref(), row.with_its_file)).collect();
    assert_eq!(rows, [("Của tệp", None, true), ("Đã đăng", Some("nhầm"), false)]);
    assert_eq!(store.withdrawn(first(1)).await.unwrap().len(), 1);
    let left: Vec<_> = store.all_scheduled(first(10)).await.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(left, [later], "what was withdrawn is not scheduled");

    // What is damaged does not hide the others.
    assert_eq!(home.alter("UPDATE article SET channels = '[\"' WHERE reason = 'nhầm'").await, 1);
    let titles: Vec<_> = store.withdrawn(first(10)).await.unwrap().into_iter().map(|row| row.title).collect();
    assert_eq!(titles, ["Của tệp"]);
}

const WEEK: i64 = 7 * 86_400;

async fn is_stored(store: &Store, name: &str) -> bool {
    store.stored_image(name).await.unwrap().is_some()
}

async fn remove_unused(store: &Store) {
    while store.has_unused_images().await.unwrap() {
        assert!(store.remove_unused_images().await.unwrap() > 0);
    }
}

fn showing(image: &Image, title: &str, stamp: i64) -> Article {
    Article { images: vec![image.clone()], ..article(title, stamp) }
}

async fn images_that_no_article_uses_are_removed_after_a_week_and_no_others(home: Home) {
    let store = home.open().await;
    let [unused, live, scheduled, old, withdrawn] = ['a', 'b', 'c', 'd', 'e'].map(named_picture);
    for image in [&unused, &live, &scheduled, &old, &withdrawn] {
        store.put_images(vec![(image.clone(), vec![1, 2, 3])]).await.unwrap();
    }
    let shared = copy_of('1', 400).0.name;
    let own = copy_of('2', 800).0.name;
    store.put_copies(&unused.name, vec![copy_of('1', 400), copy_of('2', 800)]).await.unwrap();
    store.put_copies(&live.name, vec![copy_of('1', 400)]).await.unwrap();
    for (path, image, stamp) in [
        ("xa-hoi/b.txt", &live, SAMPLE_ARTICLE),
        ("xa-hoi/c.txt", &scheduled, SAMPLE_ARTICLE + 30 * 86_400),
        ("xa-hoi/d.txt", &old, SAMPLE_ARTICLE),
        ("xa-hoi/e.txt", &withdrawn, SAMPLE_ARTICLE),
    ] {
        take(&store, file(path, path, showing(image, path, stamp))).await;
    }
    take(&store, file("xa-hoi/d.txt", "không ảnh", article("D", SAMPLE_ARTICLE))).await;
    store.file_removed("xa-hoi/e.txt").await.unwrap();

    home.clock.advance(WEEK);
    assert!(!store.has_unused_images().await.unwrap(), "a week is not over");
    assert_eq!(store.remove_unused_images().await.unwrap(), 0);
    home.clock.advance(1);
    remove_unused(&store).await;
    for gone in [&unused.name, &own] {
        assert!(!is_stored(&store, gone).await, "{gone}");
        assert_eq!(store.image(gone).await.unwrap(), ImageLookup::NotFound);
    }
    for kept in [&live.name, &scheduled.name, &old.name, &withdrawn.name, &shared] {
        assert!(is_stored(&store, kept).await, "{kept}");
    }
    assert!(matches!(store.image(&shared).await.unwrap(), ImageLookup::Live { .. }));
    // It comes back like a new one, with copies of its own.
    store.put_images(vec![(unused.clone(), vec![1, 2, 3])]).await.unwrap();
    assert!(is_stored(&store, &unused.name).await && !store.is_scaled(&unused.name).await.unwrap());
    take(&store, file("xa-hoi/a.txt", "1", showing(&unused, "A", SAMPLE_ARTICLE))).await;
    home.clock.advance(60 * 86_400);
    store.publish_due().await.unwrap();
    remove_unused(&store).await;
    assert!(matches!(store.image(&unused.name).await.unwrap(), ImageLookup::Live { .. }));
    assert!(matches!(store.image(&scheduled.name).await.unwrap(), ImageLookup::Live { .. }));
}

async fn an_image_of_an_open_form_is_kept_and_a_removed_one_is_not_reported_as_stored(home: Home) {
    let store = home.open().await;
    let [open, sent_again, left] = ['a', 'b', 'c'].map(named_picture);
    let images = [&open, &sent_again, &left].map(|image| (image.clone(), vec![1]));
    store.put_images(images.to_vec()).await.unwrap();
    home.clock.advance(WEEK - 10);
    let names = [open.name.clone(), "khong-co.png".to_owned()];
    assert_eq!(store.touch_images(&names).await.unwrap(), [true, false]);
    store.put_images(vec![(sent_again.clone(), vec![1])]).await.unwrap();
    home.clock.advance(WEEK);
    remove_unused(&store).await;
    assert!(is_stored(&store, &open.name).await && is_stored(&store, &sent_again.name).await);
    assert_eq!(store.touch_images(&[left.name]).await.unwrap(), [false]);
}

async fn the_images_of_a_scheduled_article_whose_file_is_removed_become_unused(home: Home) {
    let store = home.open().await;
    let [own, shared] = ['a', 'b'].map(named_picture);
    let due = SAMPLE_ARTICLE + 90 * 86_400;
    store.put_images(vec![(own.clone(), vec![1]), (shared.clone(), vec![2])]).await.unwrap();
    let both = Article { images: vec![own.clone(), shared.clone()], ..article("A", due) };
    take(&store, file("xa-hoi/a.txt", "1", both)).await;
    take(&store, file("xa-hoi/b.txt", "2", showing(&shared, "B", due))).await;
    store.file_removed("xa-hoi/a.txt").await.unwrap();
    assert!(is_stored(&store, &own.name).await, "its file may come back");
    home.clock.advance(WEEK + 1);
    remove_unused(&store).await;
    assert!(!is_stored(&store, &own.name).await && is_stored(&store, &shared.name).await);
}

async fn all_processes_share_one_session_key_and_no_backup_contains_it(home: Home) {
    let (one, two) = (home.open().await, home.open().await);
    let (first, second) = tokio::join!(one.session_key(), two.session_key());
    let key = first.unwrap();
    assert_eq!(second.unwrap(), key);
    assert!(key.len() == 64 && key.bytes().all(|digit| digit.is_ascii_hexdigit()), "{key}");
    drop((one, two));
    let again = home.open().await;
    assert_eq!(again.session_key().await.unwrap(), key, "also after a restart");
    let copy = home.same_engine();
    again.copy_to(copy.open().await, CopyMode::Backup, |_, _| {}).await.unwrap();
    let bytes = copy.bytes();
    assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()));
    assert_ne!(copy.open().await.session_key().await.unwrap(), key);
}

async fn an_article_is_restored_only_in_the_version_that_was_read_and_by_its_own_token(home: Home) {
    let store = store_with_two_tokens(&home).await;
    let (id, _) = take(&store, sent("A", SAMPLE_ARTICLE, by("xa-hoi"))).await;
    let restore = async |token: &str, versions: Option<Vec<ArticleVersion>>| {
        let conditions = WriteConditions { expected: versions, ..by(token) };
        store.restore_on_terms(&id, token, conditions).await.unwrap()
    };
    assert_eq!(restore("xa-hoi", None).await, RestoreOutcome::NotWithdrawn);
    let withdrawn = store.withdraw(&id, None, false, "xa-hoi").await.unwrap();
    assert_eq!(withdrawn, WithdrawOutcome::Withdrawn(2));
    assert!(matches!(restore("kinh-te", None).await, RestoreOutcome::Refused(Refusal::NotYours(_))));
    let number = |number| Some(vec![ArticleVersion::Number(number)]);
    assert_eq!(restore("xa-hoi", number(1)).await, RestoreOutcome::VersionMismatch(2));
    assert_eq!(restore("xa-hoi", number(2)).await, RestoreOutcome::Restored(3));
    let unknown = store.restore(&ArticleId::new("tag:la"), "test").await.unwrap();
    assert_eq!(unknown, RestoreOutcome::Unknown);
    // One that was removed before it was published waits again, and is published when it is due.
    let (later, _) = take(&store, sent("B", SAMPLE_ARTICLE + 5000, by("xa-hoi"))).await;
    let removed = store.withdraw(&later, None, false, "xa-hoi").await.unwrap();
    assert_eq!(removed, WithdrawOutcome::NeverPublished);
    assert_eq!(store.restore(&later, "xa-hoi").await.unwrap(), RestoreOutcome::Waiting);
    home.clock.advance(5000);
    let published = store.publish_due().await.unwrap();
    assert!(
        matches!(published[..], [ref one] if one.outcome == SubmitOutcome::Published(4)),
        "{published:?}"
    );
    let live = super::live(&store, "xa-hoi").await;
    assert_eq!(titles(&live).into_iter().collect::<BTreeSet<_>>(), BTreeSet::from(["A", "B"]));
}

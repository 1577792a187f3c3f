//! The guarantees of the log, tested on every engine; those of the editing desk are in `editing`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::support::postgres::Schema;
use crate::support::requirement::{Requirement, is_missing};
use bantin::message::Message;
use bantin::model::{Article, ArticleId, Block, Channel, ChannelStatus, Correction, Image, ImageCopy, Slug};
use bantin::search_text;
use bantin::store::{
    ArchivePageData, ArticleLookup, ArticlePage, ArticleQuery, ArticleQueryResult, ArticleVersion, Change,
    ChangesPage, ChangesQuery, ChangesResult, CheckPace, FileRemovalOutcome, IdempotencyKey, ImageLookup,
    ImportedFile, LiveFeedData, LiveFeedOptions, MonthState, Refusal, RestoreOutcome, ScannedFile,
    SitemapEntry, Source, Store, StoreOptions, Submission, SubmitOutcome, SubmitResult, WithdrawOutcome,
    WriteConditions,
};
use bantin::time::{Clock, DEFAULT_TIME_ZONE, Month, PublishedAt, from_unix};
use bantin::urls::SiteUrls;
use sqlx::Connection as _;
use tokio::sync::watch;

/// 12/05/2023 17:39 in Việt Nam.
const SAMPLE_ARTICLE: i64 = 1_683_887_940;
const CHOICE: LiveFeedOptions = LiveFeedOptions {
    items: 30,
    window: 7 * 86_400,
    archive_page: 50,
    limit: 200,
    bytes: 524_288,
    whole: false,
};

/// A database that a store can be opened on repeatedly.
struct Home {
    place: Place,
    clock: Clock,
}

enum Place {
    Folder(tempfile::TempDir),
    Schema(Schema),
}

impl Home {
    fn sqlite() -> Self {
        Self::at(Place::Folder(tempfile::tempdir().unwrap()))
    }

    fn postgres() -> Self {
        Self::at(Place::Schema(Schema::new()))
    }

    fn at(place: Place) -> Self {
        Self { place, clock: Clock::fixed(SAMPLE_ARTICLE + 1000) }
    }

    /// Another database on the same engine.
    fn same_engine(&self) -> Self {
        match self.place {
            Place::Folder(_) => Self::sqlite(),
            Place::Schema(_) => Self::postgres(),
        }
    }

    fn url(&self) -> String {
        match &self.place {
            Place::Folder(folder) => format!("sqlite:{}", folder.path().join("data/bantin.db").display()),
            Place::Schema(schema) => schema.url(),
        }
    }

    /// The file, on SQLite.
    fn file(&self) -> PathBuf {
        PathBuf::from(self.url().trim_start_matches("sqlite:"))
    }

    /// Changes the data in a way that the program never would. Returns the number of changed rows.
    async fn alter(&self, sql: &'static str) -> u64 {
        match &self.place {
            Place::Schema(schema) => schema.execute(sql),
            Place::Folder(_) => crate::support::execute_sql(&self.file(), sql) as u64,
        }
    }

    /// Everything that is stored, in any form.
    fn bytes(&self) -> Vec<u8> {
        match &self.place {
            Place::Schema(schema) => schema.text().into_bytes(),
            Place::Folder(folder) => {
                let files = std::fs::read_dir(folder.path().join("data")).unwrap();
                files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
            }
        }
    }

    async fn open(&self) -> Store {
        self.open_with(Vec::new()).await
    }

    async fn open_with(&self, channels: Vec<Channel>) -> Store {
        self.open_at(self.url(), channels).await
    }

    async fn open_at(&self, url: String, channels: Vec<Channel>) -> Store {
        let options = StoreOptions {
            url,
            addresses: Arc::new(SiteUrls::new("http://127.0.0.1:8080", "dakto.example,2023").unwrap()),
            channels,
            zone: DEFAULT_TIME_ZONE,
            clock: self.clock.clone(),
        };
        Store::open(options).await.unwrap()
    }
}

/// The numbers of the changes after this one.
async fn numbers_after(store: &Store, after: u64) -> Vec<u64> {
    changes_after(store, None, after, 1000).await.changes.iter().map(|change| change.number).collect()
}

/// A writer has its number and is blocked before it commits. Later writers must wait for it, on any machine:
/// a reader that saw the second number first would never see the first one.
#[tokio::test(flavor = "multi_thread")]
async fn commits_become_visible_in_order() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let home = Home::postgres();
    let (one, two) = (home.open().await, home.open().await);
    for channel in ["xa-hoi", "kinh-te"] {
        one.create_channel(&slug(channel), None).await.unwrap();
    }
    let mut stranger = sqlx::PgConnection::connect(&home.url()).await.unwrap();
    let mut held = stranger.begin().await.unwrap();
    let row = "SELECT head FROM channel WHERE slug = 'xa-hoi' FOR UPDATE";
    sqlx::query(row).execute(&mut *held).await.unwrap();
    let writing = one.clone();
    let first = tokio::spawn(async move {
        take(&writing, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await.1
    });
    // It has its number and waits for the locked channel.
    let stands = "EXISTS (SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE \
                  'UPDATE channel SET head%' AND pid IN (SELECT pid FROM pg_locks WHERE relation = 'channel'::regclass))";
    crate::support::wait_until("the first writer to be held up", || {
        crate::support::postgres::query(stands, &home.url())
    });
    // From another minute: articles of the same second would also wait for each other's sort key.
    let (writing, later) = (two.clone(), article("B", SAMPLE_ARTICLE + 60));
    let second = tokio::spawn(async move { take(&writing, file("kinh-te/b.txt", "1", later)).await.1 });
    let in_time = tokio::time::timeout(Duration::from_millis(400), async {
        while numbers_after(&two, 0).await.is_empty() {
            tokio::task::yield_now().await;
        }
    });
    assert!(in_time.await.is_err(), "the second was seen before the first");
    held.rollback().await.unwrap();
    assert_eq!(
        (first.await.unwrap(), second.await.unwrap()),
        (SubmitOutcome::Published(1), SubmitOutcome::Published(2))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_start_together_create_one_log() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let home = Arc::new(Home::postgres());
    let starting: Vec<_> = (0..8)
        .map(|_| {
            let home = Arc::clone(&home);
            tokio::spawn(async move { home.open().await.log_id().to_owned() })
        })
        .collect();
    let mut ids = std::collections::BTreeSet::new();
    for started in starting {
        ids.insert(started.await.unwrap());
    }
    assert_eq!(ids.len(), 1);
}

/// The PostgreSQL cluster of this test sorts `b` before `C`; the log must not.
#[tokio::test(flavor = "multi_thread")]
async fn order_is_by_bytes_whatever_the_locale() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    for home in [Home::sqlite(), Home::postgres()] {
        let store = home.open().await;
        let named = |id: &str| Submission {
            id: Some(ArticleId::new(format!("tag:{id}"))),
            ..file(&format!("xa-hoi/{id}.txt"), id, article("A", SAMPLE_ARTICLE))
        };
        for id in ["đ", "b", "C", "a-b", "ab", "B"] {
            take(&store, named(id)).await;
        }
        let order = ["B", "C", "a-b", "ab", "b", "đ"];
        let listed = store.list(None, None, 10).await.unwrap();
        let stem = |id: &ArticleId| id.as_str().trim_start_matches("tag:").to_owned();
        assert_eq!(listed.iter().map(|article| stem(&article.id)).collect::<Vec<_>>(), order);
        let files = store.files().await.unwrap();
        let paths: Vec<_> = files.iter().map(|file| file.seen.path.as_str()).collect();
        assert!(paths.is_sorted(), "{paths:?}");
        let shown = live(&store, "xa-hoi").await;
        assert_eq!(shown.entries.iter().map(|entry| stem(&entry.id)).collect::<Vec<_>>(), order);
    }
}

/// A replica is notified of a write immediately, without polling the database.
#[tokio::test(flavor = "multi_thread")]
async fn another_replica_is_announced_immediately() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let home = Home::postgres();
    let (one, two) = (home.open().await, home.open().await);
    let stop = watch::Sender::new(false);
    let (following, stopped) = (two.clone(), stop.subscribe());
    let (started, mut listening) = watch::channel(false);
    let follower = tokio::spawn(async move { following.listen(started, stopped).await });
    listening.wait_for(|listening| *listening).await.unwrap();
    let listens = "EXISTS (SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND state = 'idle' AND \
                   query LIKE '%' || (SELECT id FROM log) || '%')";
    let mut positions = two.subscribe();
    take(&one, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    positions.wait_for(|announced| announced.head == 1).await.unwrap();
    // A closed connection is opened again.
    let cut = "(SELECT bool_and(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND \
               query LIKE '%' || (SELECT id FROM log) || '%')";
    assert!(crate::support::postgres::query::<bool>(cut, &home.url()));
    crate::support::wait_until("somebody to listen again", || {
        crate::support::postgres::query(listens, &home.url())
    });
    take(&one, file("xa-hoi/b.txt", "1", article("B", SAMPLE_ARTICLE))).await;
    positions.wait_for(|announced| announced.head == 2).await.unwrap();
    stop.send_replace(true);
    follower.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_replica_scans_at_a_time_and_another_takes_over() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let home = Home::postgres();
    let (one, two) = (home.open().await, home.open().await);
    assert!(one.acquire_scan_lease().await.unwrap());
    assert!(!two.acquire_scan_lease().await.unwrap());
    assert!(one.acquire_scan_lease().await.unwrap(), "it is renewed");
    one.deregister().await.unwrap();
    assert!(two.acquire_scan_lease().await.unwrap());
    // A replica that died sends nothing any more.
    assert_eq!(home.alter("UPDATE lease SET until = until - 60").await, 1);
    assert!(one.acquire_scan_lease().await.unwrap());
    let alone = Home::sqlite();
    let (one, two) = (alone.open().await, alone.open().await);
    assert!(one.acquire_scan_lease().await.unwrap() && !two.acquire_scan_lease().await.unwrap());
    one.deregister().await.unwrap();
    assert!(two.acquire_scan_lease().await.unwrap());
}

/// At the end of the service, whatever is being read.
async fn a_check_of_the_database_that_is_stopped_is_no_failure(home: Home) {
    let store = home.open().await;
    for batch in 0..4 {
        let file =
            |number| file(&format!("xa-hoi/{batch}-{number}.txt"), "1", article(&format!("Bài {number}"), 1));
        submit_together(&store, (0..100).map(file).collect()).await;
    }
    for hundreds in 0..150 {
        let (stop, stopping) = watch::channel(false);
        let checking = store.clone();
        let checking = tokio::spawn(async move { checking.find_damage(CheckPace::Full, stopping).await });
        tokio::task::spawn_blocking(move || std::thread::sleep(Duration::from_micros(100 * hundreds)))
            .await
            .unwrap();
        stop.send_replace(true);
        assert_eq!(checking.await.unwrap().unwrap(), Vec::<String>::new(), "after {hundreds}00 microseconds");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_with_different_fingerprints_detect_each_other() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let home = Home::postgres();
    let (one, two) = (home.open().await, home.open().await);
    assert_eq!(one.heartbeat("1.0 a").await.unwrap(), Vec::<String>::new());
    assert_eq!(two.heartbeat("1.0 a").await.unwrap(), Vec::<String>::new());
    assert_eq!(two.heartbeat("1.1 a").await.unwrap(), ["1.0 a"]);
    assert_eq!(one.heartbeat("1.0 a").await.unwrap(), ["1.1 a"]);
    two.deregister().await.unwrap();
    assert_eq!(one.heartbeat("1.0 a").await.unwrap(), Vec::<String>::new());
}

/// Runs each test on each engine.
macro_rules! on_every_engine {
    ($($test:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(super::Home::sqlite()).await;
            })*
        }

        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                if super::is_missing(super::Requirement::Postgres) {
                    return;
                }
                super::$test(super::Home::postgres()).await;
            })*
        }
    };
}

mod collecting;
mod editing;
mod old_addresses;
mod push;
mod source_hubs;
mod together;

on_every_engine! {
    an_article_is_published_corrected_withdrawn_and_restored_under_one_id
    a_touched_file_adds_no_revision
    a_change_of_white_space_or_unicode_form_adds_no_revision
    a_space_added_or_removed_between_two_letters_is_a_correction
    an_id_that_another_file_would_get_is_rejected_by_name_in_either_order
    invalid_files_do_not_block_the_others_of_their_batch
    values_that_the_database_rejects_fail_only_their_own_write
    a_due_article_that_cannot_be_published_does_not_block_others
    a_token_cannot_write_to_articles_of_other_channels
    a_token_cannot_block_an_article_of_another_channel
    of_fifty_concurrent_edits_of_one_version_one_succeeds
    a_scheduled_article_is_changed_and_removed_by_its_version
    a_later_reason_is_published
    a_copy_is_the_same_article_even_if_its_date_was_corrected
    importing_a_sent_article_keeps_its_channels
    a_copy_does_not_undo_a_correction_by_command
    closed_and_removed_channels_accept_no_new_articles
    a_reserved_slug_cannot_be_a_channel
    an_image_that_arrives_just_after_its_text_belongs_to_the_publication
    a_move_does_not_count_as_a_correction
    another_article_with_the_same_day_and_stem_gets_its_own_id
    one_stem_in_two_channels_is_one_article_if_the_bytes_are_equal
    one_stem_in_two_channels_is_rejected_if_the_bytes_differ
    a_move_leaves_no_tombstone_and_keeps_the_id
    a_rename_that_two_processes_record_is_one_article
    a_file_does_not_restore_what_a_command_withdrew
    a_file_that_comes_back_restores_its_article
    two_revisions_of_one_article_never_share_a_second
    updated_never_decreases_when_the_clock_does
    a_scheduled_article_survives_a_restart_and_is_numbered_when_due
    a_scheduled_article_whose_file_is_removed_leaves_no_trace
    the_live_feed_shows_the_tail_the_newest_and_the_window
    the_window_is_shown_completely_or_not_at_all
    writes_of_another_process_are_announced
    many_writers_at_once_get_numbers_without_gaps
    a_reader_that_continues_after_the_last_number_misses_nothing
    copies_of_a_new_image_are_shown_with_it_and_those_of_an_old_one_with_a_new_generation
    changes_with_images_are_in_order_and_have_the_copies
    erasing_an_image_erases_its_copies_but_none_that_another_image_has
    erased_text_is_deleted_everywhere_and_cannot_be_restored
    an_explicit_id_is_kept_and_a_second_file_with_it_is_rejected
    an_image_is_served_while_a_published_article_shows_it
    erasing_an_article_keeps_the_images_that_others_use
    an_empty_feed_has_the_date_of_its_channel
    a_dry_run_reports_the_outcome_and_stores_nothing
    a_token_is_valid_until_it_is_revoked
    a_retried_request_is_one_article_and_its_key_cannot_be_reused
    an_edit_of_an_outdated_version_is_rejected
    the_same_text_sent_twice_is_one_article
    articles_of_one_title_and_day_stay_apart_and_are_recognised
    an_unchanged_file_does_not_undo_a_correction_by_api
    a_sealed_page_shows_each_article_once_as_its_last_revision_in_it
    an_archive_page_exists_once_it_is_full
    a_sealed_page_only_loses_removed_articles
    a_restored_article_appears_at_its_newest_revision
    a_tombstone_disappears_when_its_article_stays_in_another_channel
    a_damaged_revision_removes_only_its_article_from_the_page
    a_damaged_text_can_be_withdrawn
    a_damaged_time_channel_author_or_reason_is_not_published
    a_check_of_the_database_names_what_is_damaged
    a_check_of_the_database_that_is_stopped_is_no_failure
    revisions_of_an_older_version_get_a_checksum
    a_live_feed_knows_the_oldest_number_of_its_deltas
    a_live_feed_is_complete_until_a_page_is_sealed
    every_change_is_returned_once_for_any_page_size
    the_changes_of_a_channel_include_departures_and_use_log_numbers
    the_text_of_a_withdrawn_article_is_in_no_change
    words_are_found_without_diacritics_and_in_any_order
    a_search_finds_the_current_text_and_nothing_withdrawn
    the_list_continues_where_it_stopped_despite_concurrent_changes
    a_page_ends_at_its_size_limit
    a_store_of_an_older_version_can_be_searched
    the_log_keeps_its_id_and_a_new_store_has_another
    only_visible_changes_advance_the_config_epoch
    months_sitemap_entries_corrections_and_phrases_are_queried
    everything_with_a_url_is_listed
    an_article_knows_its_neighbours_and_the_revision_that_last_changed_them
    a_second_import_corrects_the_articles_of_the_first
    importing_again_undoes_nothing
    a_scan_does_not_withdraw_imported_articles
    a_file_in_the_folder_corrects_the_imported_article
    importing_a_file_of_the_folder_changes_nothing
    two_archives_never_overwrite_articles_of_each_other
    an_import_into_a_second_channel_is_one_article_if_the_text_is_equal
    an_import_restores_a_removed_file_but_not_a_withdrawal_by_command
    an_imported_article_with_a_future_date_is_scheduled
    a_channel_is_renamed_and_an_aggregate_is_rebuilt
    the_pages_that_changed_are_listed_once_each
}

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

fn article(title: &str, stamp: i64) -> Article {
    let body = vec![Block::Lead { text: format!("{title} — đoạn mở đầu"), html: None }];
    let authors = vec!["Tấn Lộc".to_owned()];
    Article { authors, ..Article::new(title, PublishedAt::exact(from_unix(stamp)), body) }
}

fn seen(path: &str, hash: &str) -> ScannedFile {
    let channel = slug(path.split('/').next().unwrap());
    ScannedFile {
        path: path.to_owned(),
        channel,
        hash: hash.to_owned(),
        size: 1,
        modified: 1,
        pictures: String::new(),
    }
}

/// A file at `channel/stem.txt` whose bytes have this hash.
fn file(path: &str, hash: &str, article: Article) -> Submission {
    let seen = seen(path, hash);
    let stem = path.rsplit('/').next().unwrap().rsplit_once('.').unwrap().0;
    Submission {
        article,
        channels: vec![seen.channel.clone()],
        id: None,
        stem: Slug::from_title(stem),
        source: Source::File { seen, renamed_from: None },
        conditions: WriteConditions::default(),
    }
}

/// A file at `channel/…/stem.txt` in a folder or archive with the name `source`.
fn import(source: &str, place: &str, hash: &str, article: Article) -> Submission {
    let channel = slug(place.split('/').next().unwrap());
    let file = file(place, hash, article);
    let (source, place, hash) = (source.to_owned(), place.to_owned(), hash.to_owned());
    Submission { source: Source::Import(ImportedFile { source, place, channel, hash }), ..file }
}

/// Submits many as a scan does: they are queued before the first is written.
async fn submit_together(store: &Store, submissions: Vec<Submission>) -> Vec<SubmitResult> {
    let prepared = submissions.into_iter().map(|submission| submission.prepare().unwrap()).collect();
    let results = store.start_submitting(prepared).committed().await;
    results.into_iter().map(Result::unwrap).collect()
}

async fn take(store: &Store, submission: Submission) -> (ArticleId, SubmitOutcome) {
    let accepted = store.submit(submission).await.unwrap();
    (accepted.id, accepted.outcome)
}

async fn live(store: &Store, channel: &str) -> LiveFeedData {
    store.snapshot().await.unwrap().live(Some(&slug(channel)), CHOICE).await.unwrap()
}

fn titles(view: &LiveFeedData) -> Vec<&str> {
    view.entries.iter().map(|entry| entry.article.title.as_str()).collect()
}

async fn an_article_is_published_corrected_withdrawn_and_restored_under_one_id(home: Home) {
    let store = home.open().await;
    let (id, outcome) =
        take(&store, file("xa-hoi/hoi-nghi.txt", "1", article("Hội nghị", SAMPLE_ARTICLE))).await;
    assert_eq!(id.as_str(), "tag:dakto.example,2023:2023-05-12/hoi-nghi");
    assert_eq!(outcome, SubmitOutcome::Published(1));
    let entry = live(&store, "xa-hoi").await.entries.remove(0);
    assert_eq!(entry.updated, from_unix(SAMPLE_ARTICLE), "at first, updated is the stamp");

    home.clock.advance(60);
    let (again, outcome) =
        take(&store, file("xa-hoi/hoi-nghi.txt", "2", article("Hội nghị lớn", SAMPLE_ARTICLE))).await;
    assert_eq!((again, outcome), (id.clone(), SubmitOutcome::Corrected(2)));
    let view = live(&store, "xa-hoi").await;
    assert_eq!(titles(&view), ["Hội nghị lớn"]);
    assert_eq!(view.entries[0].updated, from_unix(SAMPLE_ARTICLE + 1060));

    assert_eq!(store.file_removed("xa-hoi/hoi-nghi.txt").await.unwrap(), FileRemovalOutcome::Withdrawn(3));
    let view = live(&store, "xa-hoi").await;
    assert!(view.entries.is_empty());
    assert_eq!(view.tombstones[0].id, id);
    assert_eq!(view.tombstones[0].reason, None, "nobody gave a reason");
    assert!(matches!(
        store.article(&view.tombstones[0].permalink).await.unwrap(),
        ArticleLookup::Withdrawn(_)
    ));

    let (back, outcome) =
        take(&store, file("xa-hoi/hoi-nghi.txt", "2", article("Hội nghị lớn", SAMPLE_ARTICLE))).await;
    assert_eq!((back, outcome), (id, SubmitOutcome::Restored(4)));
    let view = live(&store, "xa-hoi").await;
    assert_eq!(titles(&view), ["Hội nghị lớn"]);
    assert!(view.tombstones.is_empty());
    assert_eq!(view.state.number, 4);
}

async fn a_touched_file_adds_no_revision(home: Home) {
    let store = home.open().await;
    take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    let (_, outcome) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    assert_eq!(outcome, SubmitOutcome::Unchanged);
    assert_eq!(live(&store, "xa-hoi").await.state.number, 1);
}

async fn a_change_of_white_space_or_unicode_form_adds_no_revision(home: Home) {
    let store = home.open().await;
    take(&store, file("xa-hoi/a.txt", "1", article("Hội nghị", SAMPLE_ARTICLE))).await;
    let other = article("Ho\u{302}\u{323}i  nghi\u{323} ", SAMPLE_ARTICLE);
    let (_, outcome) = take(&store, file("xa-hoi/a.txt", "2", other)).await;
    assert_eq!(outcome, SubmitOutcome::Unchanged);
}

async fn a_space_added_or_removed_between_two_letters_is_a_correction(home: Home) {
    let store = home.open().await;
    let text = |lead: &str| Article {
        body: vec![
            Block::Lead { text: lead.to_owned(), html: None },
            Block::Caption { text: lead.to_owned(), credit: None, raw: lead.to_owned(), html: None },
        ],
        ..article("Hội nghị", SAMPLE_ARTICLE)
    };
    take(&store, file("xa-hoi/a.txt", "0", text("phátđộng thi đua"))).await;
    for (hash, lead, outcome) in [
        ("1", "phát động thi đua", SubmitOutcome::Corrected(2)),
        ("2", "phát  động\u{a0}thi\nđua ", SubmitOutcome::Unchanged),
        ("3", "phát động thiđua", SubmitOutcome::Corrected(3)),
        ("4", "phát động , thiđua", SubmitOutcome::Corrected(4)),
    ] {
        assert_eq!(take(&store, file("xa-hoi/a.txt", hash, text(lead))).await.1, outcome, "{lead}");
    }
    for (author, title, outcome) in [
        ("Tấn Lộc", "Hộinghị", SubmitOutcome::Corrected(5)),
        ("TấnLộc", "Hộinghị", SubmitOutcome::Corrected(6)),
        ("Tấn  Lộc", "Hộinghị", SubmitOutcome::Corrected(7)),
        ("Tấn Lộc", "Hộinghị", SubmitOutcome::Unchanged),
    ] {
        let other = Article { authors: vec![author.to_owned()], ..article(title, SAMPLE_ARTICLE) };
        assert_eq!(take(&store, file("xa-hoi/a.txt", title, other)).await.1, outcome, "{author}");
    }
    // An article that was sent by command is corrected by sending it again with a change.
    let (id, _) = take(&store, sent("Phátđộng", SAMPLE_ARTICLE, WriteConditions::default())).await;
    let again = Submission {
        stem: slug("phatdong"),
        ..sent("Phát động", SAMPLE_ARTICLE, WriteConditions::default())
    };
    let again = Submission {
        article: Article { body: article("Phátđộng", SAMPLE_ARTICLE).body, ..again.article },
        ..again
    };
    assert_eq!(take(&store, again).await, (id, SubmitOutcome::Corrected(9)));
}

fn named(id: &str, submission: Submission) -> Submission {
    Submission { id: Some(ArticleId::new(id)), ..submission }
}

fn refused(submission: &SubmitResult) -> &Refusal {
    match &submission.outcome {
        SubmitOutcome::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

async fn an_id_that_another_file_would_get_is_rejected_by_name_in_either_order(home: Home) {
    let id = |stem: &str| format!("tag:dakto.example,2023:2023-05-12/{stem}");
    let store = home.open().await;
    let batch = vec![
        file("xa-hoi/truoc.txt", "0", article("Trước", SAMPLE_ARTICLE)),
        named(&id("hoi-nghi"), file("xa-hoi/a.txt", "1", article("Giữ mã cũ", SAMPLE_ARTICLE))),
        file("xa-hoi/hoi-nghi.txt", "2", article("Hội nghị", SAMPLE_ARTICLE)),
        file("xa-hoi/sau.txt", "3", article("Sau", SAMPLE_ARTICLE)),
    ];
    let answers = submit_together(&store, batch).await;
    let [before, holder, other, after] = &answers[..] else { panic!() };
    assert_eq!(
        (&before.outcome, &holder.outcome),
        (&SubmitOutcome::Published(1), &SubmitOutcome::Published(2))
    );
    let taken =
        Refusal::IdTaken { id: ArticleId::new(id("hoi-nghi")), holder: Some("xa-hoi/a.txt".to_owned()) };
    assert_eq!((refused(other), &after.outcome), (&taken, &SubmitOutcome::Published(3)));
    assert!(store.try_writing().await.is_ok());
    let refused_file = store.files().await.unwrap().remove(1);
    assert_eq!((refused_file.seen.path.as_str(), refused_file.rejected), ("xa-hoi/hoi-nghi.txt", true));
    assert_eq!(
        store.file_removed("xa-hoi/truoc.txt").await.unwrap(),
        FileRemovalOutcome::Withdrawn(4),
        "all goes on"
    );

    let other_way = home.same_engine();
    let store = other_way.open().await;
    take(&store, file("xa-hoi/hoi-nghi.txt", "2", article("Hội nghị", SAMPLE_ARTICLE))).await;
    let late = named(&id("hoi-nghi"), file("xa-hoi/a.txt", "1", article("Giữ mã cũ", SAMPLE_ARTICLE)));
    assert_eq!(
        take(&store, late).await.1,
        SubmitOutcome::Conflict { with: "xa-hoi/hoi-nghi.txt".to_owned() }
    );

    // The same for an id with a number suffix, an import, and a command.
    take(&store, named(&id("hoi-nghi-2"), file("xa-hoi/b.txt", "4", article("Số 2", SAMPLE_ARTICLE)))).await;
    let second = Submission {
        stem: slug("hoi-nghi"),
        ..file("kinh-te/Hội nghị!.txt", "5", article("Hai", SAMPLE_ARTICLE))
    };
    assert!(matches!(take(&store, second).await.1, SubmitOutcome::Refused(Refusal::IdTaken { .. })));
    let second = Submission {
        stem: slug("hoi-nghi"),
        ..import("kho", "kinh-te/x.txt", "6", article("Ba", SAMPLE_ARTICLE))
    };
    assert!(matches!(take(&store, second).await.1, SubmitOutcome::Refused(Refusal::IdTaken { .. })));
    let second =
        Submission { stem: slug("hoi-nghi"), ..sent("Bốn", SAMPLE_ARTICLE, WriteConditions::default()) };
    let answer = store.submit(second).await.unwrap();
    assert!(matches!(refused(&answer), Refusal::IdTaken { holder: None, .. }));
    assert_eq!(store.subscribe().borrow().head, 2);
}

/// Of n files, any k are invalid in any way: n − k are published, and each invalid one is named.
async fn invalid_files_do_not_block_the_others_of_their_batch(home: Home) {
    let long = "ắ".repeat(1001);
    let closed = Channel { status: ChannelStatus::Closed { since: None }, ..Channel::new(slug("cu"), "Cũ") };
    let store = home.open_with(vec![closed]).await;
    type Spoil = fn(&str, Submission) -> Submission;
    let worst: [(&str, Spoil); 10] = [
        ("TooFarAhead", |_, good| Submission {
            article: article("Năm sau", SAMPLE_ARTICLE + 400 * 86_400),
            ..good
        }),
        ("UnfitId", |_, good| named("không phải mã", good)),
        ("TooLong", |_, good| named(&format!("tag:a,2023:{}", "x".repeat(70_000)), good)),
        ("TooLong", |long, good| Submission { article: article(long, SAMPLE_ARTICLE), ..good }),
        ("TooLong", |long, mut good| {
            good.article.tags.push(long.to_owned());
            good
        }),
        ("TooLong", |_, mut good| {
            good.article.authors = vec!["A".to_owned(); 101];
            good
        }),
        ("TooLong", |_, mut good| {
            good.article.link = Some(format!("https://a.vn/{}", "x".repeat(3000)));
            good
        }),
        ("Closed", |_, good| Submission { channels: vec![slug("cu"), slug("xa-hoi")], ..good }),
        ("Reserved", |_, good| Submission { channels: vec![slug("tim-kiem"), slug("xa-hoi")], ..good }),
        ("TooLong", |_, mut good| {
            if let Source::File { seen, .. } = &mut good.source {
                seen.path = format!("xa-hoi/{}/{}", "x".repeat(4000), seen.path);
            }
            good
        }),
    ];
    let mut published = 0;
    for mask in (0..1 << worst.len()).step_by(7) {
        let mut batch = Vec::new();
        let mut kinds = Vec::new();
        for (index, (kind, spoil)) in worst.iter().enumerate() {
            let stem = format!("{mask}-{index}");
            let good =
                file(&format!("xa-hoi/{stem}.txt"), &stem, article(&format!("Bài {stem}"), SAMPLE_ARTICLE));
            let is_bad = mask >> index & 1 == 1;
            batch.push(if is_bad { spoil(&long, good) } else { good });
            kinds.push(is_bad.then_some(kind));
        }
        for (answer, kind) in submit_together(&store, batch).await.into_iter().zip(kinds) {
            let outcome = answer.outcome;
            match (outcome, kind) {
                (SubmitOutcome::Published(_), None) => published += 1,
                (SubmitOutcome::Refused(refusal), Some(kind)) => {
                    assert!(format!("{refusal:?}").starts_with(kind), "{kind}: {refusal:?}");
                    let Message { vietnamese, english } = refusal.message();
                    assert!(vietnamese.ends_with('.') && !english.is_empty(), "{vietnamese}");
                }
                (outcome, kind) => panic!("mask {mask}: {outcome:?} of {kind:?}"),
            }
        }
    }
    assert!(published > 100);
    assert_eq!(store.subscribe().borrow().head, published);
    let channels = store.snapshot().await.unwrap().channels().await.unwrap();
    assert!(channels.iter().all(|channel| channel.slug.as_str() != "tim-kiem"));
}

async fn values_that_the_database_rejects_fail_only_their_own_write(home: Home) {
    let store = home.open().await;
    take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    home.alter("CREATE UNIQUE INDEX harsh ON article (stamp)").await;
    let batch = vec![
        file("xa-hoi/b.txt", "2", article("B", SAMPLE_ARTICLE + 1)),
        file("xa-hoi/c.txt", "3", article("C", SAMPLE_ARTICLE)),
        file("xa-hoi/d.txt", "4", article("D", SAMPLE_ARTICLE + 2)),
    ];
    let outcomes: Vec<_> =
        submit_together(&store, batch).await.into_iter().map(|answer| answer.outcome).collect();
    let failed = SubmitOutcome::Refused(Refusal::Failed);
    assert_eq!(outcomes, [SubmitOutcome::Published(2), failed.clone(), SubmitOutcome::Published(3)]);
    assert!(store.try_writing().await.is_ok(), "the store itself is well");
    assert_eq!(home.alter("UPDATE article SET channels = '[' WHERE slug = 'b'").await, 1);
    assert_eq!(
        take(&store, file("xa-hoi/b.txt", "5", article("B, sửa", SAMPLE_ARTICLE + 1))).await.1,
        failed
    );
    assert_eq!(
        take(&store, file("xa-hoi/d.txt", "6", article("D, sửa", SAMPLE_ARTICLE + 2))).await.1,
        SubmitOutcome::Corrected(4)
    );
}

async fn a_due_article_that_cannot_be_published_does_not_block_others(home: Home) {
    let store = home.open().await;
    for (stem, due) in ["a", "b", "c", "d"].into_iter().zip(SAMPLE_ARTICLE + 2000..) {
        take(&store, file(&format!("xa-hoi/{stem}.txt"), stem, article(stem, due))).await;
    }
    for damage in [
        "UPDATE waiting SET content = '{' WHERE article LIKE '%/a'",
        // Another text, which nobody wrote.
        "UPDATE waiting SET content = REPLACE(content, 'mở', 'mỡ') WHERE article LIKE '%/b'",
    ] {
        assert_eq!(home.alter(damage).await, 1);
    }
    home.clock.advance(2003);
    let published = store.publish_due().await.unwrap();
    assert_eq!(
        published.iter().map(|done| done.outcome.clone()).collect::<Vec<_>>(),
        [SubmitOutcome::Published(1), SubmitOutcome::Published(2)]
    );
    assert!(store.next_due().await.unwrap().unwrap() > home.clock.now(), "it is not tried without end");
}

/// Conditions of a write with this token.
fn by(token: &str) -> WriteConditions {
    WriteConditions { token: Some(token.to_owned()), ..WriteConditions::default() }
}

/// A store with a token for each of two channels.
async fn store_with_two_tokens(home: &Home) -> Store {
    let store = home.open().await;
    for channel in ["xa-hoi", "kinh-te"] {
        store.create_channel(&slug(channel), None).await.unwrap();
        store.create_token(channel, Some(&[slug(channel)])).await.unwrap();
    }
    store
}

async fn a_token_cannot_write_to_articles_of_other_channels(home: Home) {
    let store = store_with_two_tokens(&home).await;
    let theirs =
        |title, stamp, terms| Submission { channels: vec![slug("kinh-te")], ..sent(title, stamp, terms) };
    let (live_id, _) = take(&store, sent("Đã đăng", SAMPLE_ARTICLE, by("xa-hoi"))).await;
    let (waiting_id, outcome) = take(&store, sent("Hẹn giờ", SAMPLE_ARTICLE + 5000, by("xa-hoi"))).await;
    assert!(matches!(outcome, SubmitOutcome::Scheduled(_)));
    let (gone_id, _) = take(&store, sent("Đã gỡ", SAMPLE_ARTICLE, by("xa-hoi"))).await;
    store.withdraw(&gone_id, None, false, "test").await.unwrap();
    let head = store.subscribe().borrow().head;
    let there = |id: &ArticleId, terms: WriteConditions| {
        named(id.as_str(), theirs("Của tôi", SAMPLE_ARTICLE, WriteConditions { must_exist: true, ..terms }))
    };
    // As a new article with that id, or as a correction; with a past or future date; with or without
    // channels.
    for id in [&live_id, &waiting_id, &gone_id] {
        for submission in [
            named(id.as_str(), theirs("Của tôi", SAMPLE_ARTICLE, by("kinh-te"))),
            named(id.as_str(), theirs("Của tôi", SAMPLE_ARTICLE + 9000, by("kinh-te"))),
            named(
                id.as_str(),
                theirs("Của tôi", SAMPLE_ARTICLE, WriteConditions { must_be_new: true, ..by("kinh-te") }),
            ),
            there(id, by("kinh-te")),
            Submission { channels: Vec::new(), ..there(id, by("kinh-te")) },
        ] {
            let answer = store.submit(submission).await.unwrap();
            refused(&answer);
        }
        let refusal = store.withdraw_on_terms(id, None, true, "kinh-te", by("kinh-te")).await.unwrap();
        assert!(matches!(refusal, WithdrawOutcome::Refused(Refusal::NotYours(_)) | WithdrawOutcome::Unknown));
    }
    // It must not move its own article into another's channel, or another's article into its own.
    let (own, _) = take(&store, theirs("Của tôi", SAMPLE_ARTICLE, by("kinh-te"))).await;
    let both = Submission { channels: vec![slug("kinh-te"), slug("xa-hoi")], ..there(&own, by("kinh-te")) };
    assert!(matches!(refused(&store.submit(both).await.unwrap()), Refusal::NotYours(_)));
    assert_eq!(store.subscribe().borrow().head, head + 1);
    home.clock.advance(5000);
    store.publish_due().await.unwrap();
    assert_eq!(titles(&live(&store, "xa-hoi").await), ["Hẹn giờ", "Đã đăng"]);
    // A token that is revoked during its request cannot write any more.
    store.revoke_token("kinh-te").await.unwrap();
    let answer = store.submit(theirs("Muộn", SAMPLE_ARTICLE, by("kinh-te"))).await.unwrap();
    assert_eq!(refused(&answer), &Refusal::Revoked);
}

async fn a_token_cannot_block_an_article_of_another_channel(home: Home) {
    let store = store_with_two_tokens(&home).await;
    let theirs =
        |title, stamp| Submission { channels: vec![slug("kinh-te")], ..sent(title, stamp, by("kinh-te")) };
    // By the id that tomorrow's article of another channel will get.
    for stem in ["hoi-nghi", "hoi-nghi-2", "x/y", "../channel/xa-hoi"] {
        let id = format!("tag:dakto.example,2023:2023-05-12/{stem}");
        let answer = store.submit(named(&id, theirs("Giữ chỗ", SAMPLE_ARTICLE))).await.unwrap();
        assert_eq!(refused(&answer), &Refusal::NotYourId(ArticleId::new(id)));
    }
    let own = "tag:dakto.example,2023:2023-05-12/cua-toi";
    assert!(matches!(
        take(&store, named(own, theirs("Của tôi", SAMPLE_ARTICLE))).await.1,
        SubmitOutcome::Published(_)
    ));
    assert!(matches!(
        take(&store, named("https://cu.vn/?p=1", theirs("Cũ", SAMPLE_ARTICLE))).await.1,
        SubmitOutcome::Published(_)
    ));
    // By the same text: published first, withdrawn, or scheduled.
    for (title, stamp) in
        [("Thông cáo", SAMPLE_ARTICLE), ("Thông báo", SAMPLE_ARTICLE), ("Hẹn giờ", SAMPLE_ARTICLE + 9000)]
    {
        let (squatter, _) = take(&store, theirs(title, stamp)).await;
        if title == "Thông báo" {
            store.withdraw_on_terms(&squatter, None, false, "kinh-te", by("kinh-te")).await.unwrap();
        }
        let (id, outcome) = take(&store, sent(title, stamp, by("xa-hoi"))).await;
        assert_eq!(id.as_str(), format!("{squatter}-2"));
        assert!(
            matches!(outcome, SubmitOutcome::Published(_) | SubmitOutcome::Scheduled(_)),
            "{title}: {outcome:?}"
        );
        let stem = Slug::from_title(title);
        let file = file(&format!("xa-hoi/{stem}.txt"), title, article(title, stamp));
        let (_, outcome) = take(&store, file).await;
        assert!(
            matches!(outcome, SubmitOutcome::Published(_) | SubmitOutcome::Scheduled(_)),
            "{title}: {outcome:?}"
        );
    }
    // Idempotency keys belong to one token.
    let once = |token: &str, title: &str, channel: &str| {
        let once = IdempotencyKey { token: token.to_owned(), key: "k".to_owned(), request: title.to_owned() };
        let terms = WriteConditions { idempotency: Some(once), ..by(token) };
        Submission { channels: vec![slug(channel)], ..sent(title, SAMPLE_ARTICLE, terms) }
    };
    let (one, _) = take(&store, once("kinh-te", "Khóa", "kinh-te")).await;
    let (other, outcome) = take(&store, once("xa-hoi", "Khóa", "xa-hoi")).await;
    assert!(one != other && matches!(outcome, SubmitOutcome::Published(_)));
}

async fn of_fifty_concurrent_edits_of_one_version_one_succeeds(home: Home) {
    let store = store_with_two_tokens(&home).await;
    let (id, _) = take(&store, sent("Hội nghị", SAMPLE_ARTICLE, by("xa-hoi"))).await;
    let terms = || WriteConditions {
        expected: Some(vec![ArticleVersion::Number(1)]),
        must_exist: true,
        ..by("xa-hoi")
    };
    let racing: Vec<_> = (0..50)
        .map(|racer| {
            let (store, id) = (store.clone(), id.clone());
            tokio::spawn(async move {
                if racer % 2 == 0 {
                    let done = store.withdraw_on_terms(&id, None, false, "xa-hoi", terms()).await.unwrap();
                    return matches!(done, WithdrawOutcome::Withdrawn(_));
                }
                let edit = named(id.as_str(), sent(&format!("Bản {racer}"), SAMPLE_ARTICLE, terms()));
                matches!(take(&store, edit).await.1, SubmitOutcome::Corrected(_))
            })
        })
        .collect();
    let mut done = 0;
    for racer in racing {
        done += usize::from(racer.await.unwrap());
    }
    assert_eq!((done, store.subscribe().borrow().head), (1, 2));
    let foreign = WriteConditions { expected: Some(Vec::new()), ..by("xa-hoi") };
    let stale = store.withdraw_on_terms(&id, None, false, "xa-hoi", foreign).await.unwrap();
    assert_eq!(stale, WithdrawOutcome::Stale(2), "a tag of another log matches nothing");
}

async fn a_scheduled_article_is_changed_and_removed_by_its_version(home: Home) {
    let store = store_with_two_tokens(&home).await;
    let due = SAMPLE_ARTICLE + 5000;
    let (id, _) = take(&store, sent("Hẹn giờ", due, by("xa-hoi"))).await;
    let first = store.scheduled(&id).await.unwrap().unwrap();
    assert_eq!(
        (first.entry.article.title.as_str(), &first.entry.channels[..]),
        ("Hẹn giờ", &[slug("xa-hoi")][..])
    );
    let version = |version: &str| WriteConditions {
        expected: Some(vec![ArticleVersion::Scheduled(version.to_owned())]),
        must_exist: true,
        ..by("xa-hoi")
    };
    let edit = |title: &str, terms| Submission {
        channels: Vec::new(),
        ..named(id.as_str(), sent(title, due, terms))
    };
    assert!(matches!(
        take(&store, edit("Sửa", version(&first.version))).await.1,
        SubmitOutcome::Scheduled(_)
    ));
    assert_eq!(
        take(&store, edit("Sửa nữa", version(&first.version))).await.1,
        SubmitOutcome::VersionMismatch(0)
    );
    let second = store.scheduled(&id).await.unwrap().unwrap();
    assert_eq!((second.entry.article.title.as_str(), &second.entry.channels), ("Sửa", &first.entry.channels));
    let new = named(id.as_str(), sent("Mới", due, WriteConditions { must_be_new: true, ..by("xa-hoi") }));
    assert_eq!(take(&store, new).await.1, SubmitOutcome::VersionMismatch(0), "it is there already");
    let withdraw = async |terms| store.withdraw_on_terms(&id, None, false, "xa-hoi", terms).await.unwrap();
    assert_eq!(withdraw(version(&first.version)).await, WithdrawOutcome::Stale(0));
    assert_eq!(withdraw(version(&second.version)).await, WithdrawOutcome::NeverPublished);
    assert_eq!(store.scheduled(&id).await.unwrap(), None);
    home.clock.advance(10_000);
    assert!(store.publish_due().await.unwrap().is_empty());
}

async fn a_later_reason_is_published(home: Home) {
    let store = home.open().await;
    let (id, _) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    let withdraw = async |reason: Option<&str>| {
        store.withdraw(&id, reason.map(str::to_owned), false, "test").await.unwrap()
    };
    assert_eq!(withdraw(None).await, WithdrawOutcome::Withdrawn(2));
    assert_eq!(withdraw(Some(" ")).await, WithdrawOutcome::Already);
    for (number, reason) in [(3, "nhầm"), (4, "sai số liệu")] {
        assert_eq!(withdraw(Some(reason)).await, WithdrawOutcome::ReasonChanged(number));
        assert_eq!(withdraw(Some(reason)).await, WithdrawOutcome::Already);
        assert_eq!(withdraw(None).await, WithdrawOutcome::Already, "no reason takes none away");
        let tombstones = live(&store, "xa-hoi").await.tombstones;
        assert_eq!((tombstones.len(), tombstones[0].reason.as_deref()), (1, Some(reason)));
    }
    let (other, _) = take(&store, file("xa-hoi/b.txt", "2", article("B", SAMPLE_ARTICLE))).await;
    store.file_removed("xa-hoi/b.txt").await.unwrap();
    let told = store.withdraw(&other, Some("trùng".to_owned()), false, "test").await.unwrap();
    assert_eq!(told, WithdrawOutcome::ReasonChanged(7), "also of what went with its file");
    let long = store.withdraw(&other, Some("x".repeat(2001)), false, "test").await.unwrap();
    assert!(matches!(long, WithdrawOutcome::Refused(Refusal::TooLong(excess)) if excess.field == "reason"));
    assert!(matches!(store.restore(&id, "test").await.unwrap(), RestoreOutcome::Restored(8)));
    assert_eq!(titles(&live(&store, "xa-hoi").await), ["A"]);
}

async fn a_copy_is_the_same_article_even_if_its_date_was_corrected(home: Home) {
    let store = home.open().await;
    let (id, _) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    home.clock.advance(86_400);
    let later = SAMPLE_ARTICLE + 86_400;
    assert_eq!(
        take(&store, file("xa-hoi/a.txt", "2", article("A", later))).await.1,
        SubmitOutcome::Corrected(2)
    );
    let copy = take(&store, file("kinh-te/a.txt", "2", article("A", later))).await;
    assert_eq!(copy, (id.clone(), SubmitOutcome::Moved(3)));
    let copy = take(&store, import("kho", "y-te/a.txt", "2", article("A", later))).await;
    assert_eq!(copy, (id, SubmitOutcome::Moved(4)));
    // For a command: by date and text.
    let (id, _) = take(&store, sent("B", SAMPLE_ARTICLE, WriteConditions::default())).await;
    take(&store, named(id.as_str(), sent("B", later, WriteConditions::default()))).await;
    let again =
        Submission { channels: vec![slug("kinh-te")], ..sent("B", later, WriteConditions::default()) };
    assert_eq!(take(&store, again).await, (id, SubmitOutcome::Moved(7)));
    // Another stem is another article, even with the same bytes.
    assert!(matches!(
        take(&store, file("kinh-te/c.txt", "2", article("A", later))).await.1,
        SubmitOutcome::Published(8)
    ));
}

async fn importing_a_sent_article_keeps_its_channels(home: Home) {
    let store = home.open().await;
    let (id, _) = take(&store, sent("A", SAMPLE_ARTICLE, WriteConditions::default())).await;
    let imported = import("kho", "kinh-te/a.txt", "1", article("A", SAMPLE_ARTICLE));
    assert_eq!(take(&store, imported).await, (id, SubmitOutcome::Moved(2)));
    assert_eq!(titles(&live(&store, "xa-hoi").await), ["A"]);
    assert_eq!(titles(&live(&store, "kinh-te").await), ["A"]);
}

async fn a_copy_does_not_undo_a_correction_by_command(home: Home) {
    let store = home.open().await;
    let (id, _) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    take(&store, named(id.as_str(), sent("A, sửa", SAMPLE_ARTICLE, WriteConditions::default()))).await;
    assert_eq!(
        take(&store, file("kinh-te/a.txt", "1", article("A", SAMPLE_ARTICLE))).await,
        (id, SubmitOutcome::Moved(3))
    );
    assert_eq!(titles(&live(&store, "kinh-te").await), ["A, sửa"]);
    // Both files are edited, one after the other: the new text is published once they agree.
    let edited = article("A mới", SAMPLE_ARTICLE);
    assert!(matches!(
        take(&store, file("xa-hoi/a.txt", "2", edited.clone())).await.1,
        SubmitOutcome::Conflict { .. }
    ));
    assert_eq!(take(&store, file("kinh-te/a.txt", "2", edited)).await.1, SubmitOutcome::Corrected(4));
    assert_eq!(titles(&live(&store, "xa-hoi").await), ["A mới"]);
}

async fn closed_and_removed_channels_accept_no_new_articles(home: Home) {
    let before = home.open().await;
    for (channel, stem) in [("bau-cu", "a"), ("covid", "b"), ("dong", "c")] {
        take(&before, file(&format!("{channel}/{stem}.txt"), stem, article(stem, SAMPLE_ARTICLE))).await;
    }
    before.close().await;
    let channel = |name: &str, standing| Channel { status: standing, ..Channel::new(slug(name), name) };
    let closed_on = chrono::NaiveDate::from_ymd_opt(2023, 5, 12);
    let store = home
        .open_with(vec![
            channel("bau-cu", ChannelStatus::Closed { since: closed_on }),
            channel("covid", ChannelStatus::Removed),
            channel("dong", ChannelStatus::Closed { since: None }),
        ])
        .await;
    let later = SAMPLE_ARTICLE + 86_400;
    home.clock.advance(2 * 86_400);
    let head = store.subscribe().borrow().head;
    for (name, stamp) in [("bau-cu", later), ("covid", SAMPLE_ARTICLE), ("dong", SAMPLE_ARTICLE)] {
        let channels = vec![slug("xa-hoi"), slug(name)];
        for submission in [
            file(&format!("{name}/moi.txt"), "m", article("Mới", stamp)),
            import("kho", &format!("{name}/moi.txt"), "m", article("Mới", stamp)),
            Submission { channels: vec![slug(name)], ..sent("Mới", stamp, WriteConditions::default()) },
            // By front matter.
            Submission { channels: channels.clone(), ..file("xa-hoi/moi.txt", "m", article("Mới", stamp)) },
        ] {
            let answer = store.submit(submission).await.unwrap();
            assert!(matches!(refused(&answer), Refusal::Closed { .. } | Refusal::Gone(_)), "{name}");
        }
    }
    // A command acts now, whatever publication date it sends.
    let sent_late = Submission {
        channels: vec![slug("bau-cu")],
        ..sent("Lùi ngày", SAMPLE_ARTICLE, WriteConditions::default())
    };
    assert!(matches!(refused(&store.submit(sent_late).await.unwrap()), Refusal::Closed { .. }));
    assert_eq!(store.subscribe().borrow().head, head);
    // A file from before the closing that is only seen now is accepted.
    let old = file("bau-cu/cu.txt", "o", article("Cũ", SAMPLE_ARTICLE));
    assert!(matches!(take(&store, old).await.1, SubmitOutcome::Published(_)));
    // Existing articles can always be corrected, withdrawn and restored.
    for (path, stem) in [("bau-cu/a.txt", "a"), ("covid/b.txt", "b"), ("dong/c.txt", "c")] {
        let (id, outcome) = take(&store, file(path, "2", article(&format!("{stem}, sửa"), later))).await;
        assert!(matches!(outcome, SubmitOutcome::Corrected(_)), "{path}: {outcome:?}");
        assert!(matches!(store.file_removed(path).await.unwrap(), FileRemovalOutcome::Withdrawn(_)));
        assert!(matches!(store.restore(&id, "test").await.unwrap(), RestoreOutcome::Restored(_)));
    }
}

async fn a_reserved_slug_cannot_be_a_channel(home: Home) {
    let store = home.open().await;
    store.create_channel(&slug("tim-kiem"), Some("Tìm kiếm")).await.unwrap();
    let front_matter = Submission {
        channels: vec![slug("tim-kiem"), slug("xa-hoi")],
        ..file("xa-hoi/b.txt", "1", article("Bài", SAMPLE_ARTICLE))
    };
    let answer = store.submit(front_matter).await.unwrap();
    assert_eq!(refused(&answer), &Refusal::Reserved(slug("tim-kiem")));
    assert_eq!(store.snapshot().await.unwrap().channels().await.unwrap(), []);
}

/// NOTE: a name that is no hash: one that is would be compared with the bytes.
fn picture(name: &str) -> Image {
    Image {
        name: name.to_owned(),
        media_type: "image/png".to_owned(),
        width: 1,
        height: 1,
        size: 3,
        copies: Vec::new(),
    }
}

async fn an_image_that_arrives_just_after_its_text_belongs_to_the_publication(home: Home) {
    let store = home.open().await;
    let with = |names: &[&str]| Article {
        images: names.iter().map(|name| picture(name)).collect(),
        ..article("A", SAMPLE_ARTICLE)
    };
    let corrections = async |id: &ArticleId| store.snapshot().await.unwrap().corrections(id).await.unwrap();
    let (id, _) = take(&store, file("xa-hoi/a.txt", "1", with(&[]))).await;
    home.clock.advance(4);
    assert_eq!(
        take(&store, file("xa-hoi/a.txt", "1", with(&["a.png"]))).await.1,
        SubmitOutcome::Corrected(2)
    );
    let view = live(&store, "xa-hoi").await;
    assert_eq!(view.entries[0].article.images.len(), 1, "readers get it");
    assert_eq!(view.entries[0].updated, from_unix(SAMPLE_ARTICLE), "and see no correction");
    assert_eq!(view.state.number, 2, "the validators move");
    assert!(corrections(&id).await.is_empty());
    home.clock.advance(60);
    take(&store, file("xa-hoi/a.txt", "1", with(&["a.png", "b.png"]))).await;
    assert_eq!(live(&store, "xa-hoi").await.entries[0].updated, home.clock.now(), "a minute later it is one");
    assert_eq!(corrections(&id).await, [Correction { at: home.clock.now(), reason: None }]);
}

async fn a_move_does_not_count_as_a_correction(home: Home) {
    let store = home.open().await;
    let (id, _) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    home.clock.advance(100);
    assert_eq!(
        take(&store, moved("xa-hoi/a.txt", "doi-song/a.txt", "1", article("A", SAMPLE_ARTICLE))).await.1,
        SubmitOutcome::Moved(2)
    );
    let view = live(&store, "doi-song").await;
    assert_eq!((view.entries[0].updated, view.state.updated), (from_unix(SAMPLE_ARTICLE), home.clock.now()));
    take(&store, file("kinh-te/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    home.clock.advance(100);
    assert_eq!(store.file_removed("kinh-te/a.txt").await.unwrap(), FileRemovalOutcome::Moved(4));
    assert_eq!(live(&store, "doi-song").await.entries[0].updated, from_unix(SAMPLE_ARTICLE));
    // Moved and corrected at once counts as a correction.
    home.clock.advance(100);
    take(&store, moved("doi-song/a.txt", "y-te/a.txt", "2", article("A, sửa", SAMPLE_ARTICLE))).await;
    assert_eq!(live(&store, "y-te").await.entries[0].updated, home.clock.now());
    let corrections = store.snapshot().await.unwrap().corrections(&id).await.unwrap();
    assert_eq!(corrections, [Correction { at: home.clock.now(), reason: None }]);
}

async fn another_article_with_the_same_day_and_stem_gets_its_own_id(home: Home) {
    let store = home.open().await;
    let (first, _) = take(&store, file("xa-hoi/hoi-nghi.txt", "1", article("Một", SAMPLE_ARTICLE))).await;
    let (second, _) =
        take(&store, file("xa-hoi/hội nghị.txt", "2", article("Hai", SAMPLE_ARTICLE + 60))).await;
    assert_eq!(second.as_str(), format!("{first}-2"));
    let (next_day, _) =
        take(&store, file("xa-hoi/Hội nghị!.txt", "3", article("Ba", SAMPLE_ARTICLE + 86_400))).await;
    assert_eq!(next_day.as_str(), "tag:dakto.example,2023:2023-05-13/hoi-nghi");
}

async fn one_stem_in_two_channels_is_one_article_if_the_bytes_are_equal(home: Home) {
    let store = home.open().await;
    let (first, _) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    let (second, outcome) = take(&store, file("kinh-te/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    assert_eq!((&second, outcome), (&first, SubmitOutcome::Moved(2)));
    for channel in ["xa-hoi", "kinh-te"] {
        let view = live(&store, channel).await;
        assert_eq!(view.entries[0].id, first);
        assert_eq!(view.entries[0].channels, [slug("kinh-te"), slug("xa-hoi")]);
    }
    assert_eq!(store.snapshot().await.unwrap().live(None, CHOICE).await.unwrap().entries.len(), 1);
    assert_eq!(store.file_removed("xa-hoi/a.txt").await.unwrap(), FileRemovalOutcome::Moved(3));
    let view = live(&store, "xa-hoi").await;
    assert!(view.entries.is_empty() && view.tombstones.is_empty(), "it lives on elsewhere");
    assert_eq!(titles(&live(&store, "kinh-te").await), ["A"]);
}

async fn one_stem_in_two_channels_is_rejected_if_the_bytes_differ(home: Home) {
    let store = home.open().await;
    take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    let (_, outcome) = take(&store, file("kinh-te/a.txt", "2", article("B", SAMPLE_ARTICLE))).await;
    assert_eq!(outcome, SubmitOutcome::Conflict { with: "xa-hoi/a.txt".to_owned() });
    let (_, outcome) = take(&store, file("xa-hoi/a.txt", "3", article("A mới", SAMPLE_ARTICLE))).await;
    assert_eq!(
        outcome,
        SubmitOutcome::Corrected(2),
        "the refused file does not stand in the way of the good one"
    );
    assert!(live(&store, "kinh-te").await.entries.is_empty());
}

async fn a_move_leaves_no_tombstone_and_keeps_the_id(home: Home) {
    let store = home.open().await;
    let (id, _) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    let mut moved = file("kinh-te/b.txt", "1", article("A", SAMPLE_ARTICLE));
    if let Source::File { renamed_from, .. } = &mut moved.source {
        *renamed_from = Some("xa-hoi/a.txt".to_owned());
    }
    assert_eq!(take(&store, moved).await, (id.clone(), SubmitOutcome::Moved(2)));
    let old = live(&store, "xa-hoi").await;
    assert!(old.entries.is_empty() && old.tombstones.is_empty());
    assert_eq!(old.state.number, 2, "the old channel's documents change");
    assert_eq!(live(&store, "kinh-te").await.entries[0].id, id);
    assert_eq!(store.file_removed("xa-hoi/a.txt").await.unwrap(), FileRemovalOutcome::Nothing);
    let withdrawal = store.withdraw(&id, None, false, "test").await.unwrap();
    assert_eq!(withdrawal, WithdrawOutcome::Withdrawn(3));
    let old = live(&store, "xa-hoi").await;
    assert!(old.tombstones.is_empty(), "what had left a channel is not withdrawn from it");
    assert_eq!(old.state.number, 2);
}

async fn a_file_does_not_restore_what_a_command_withdrew(home: Home) {
    let store = home.open().await;
    let (id, _) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    let reason = Some("sai thông tin".to_owned());
    assert_eq!(
        store.withdraw(&id, reason.clone(), false, "test").await.unwrap(),
        WithdrawOutcome::Withdrawn(2)
    );
    assert_eq!(store.withdraw(&id, reason, false, "test").await.unwrap(), WithdrawOutcome::Already);
    let (_, touched) = take(&store, file("xa-hoi/a.txt", "2", article("A khác", SAMPLE_ARTICLE))).await;
    assert_eq!(touched, SubmitOutcome::WithdrawnByOperator);
    let (_, copied) = take(&store, file("kinh-te/a.txt", "2", article("A khác", SAMPLE_ARTICLE))).await;
    assert_eq!(copied, SubmitOutcome::WithdrawnByOperator);
    let view = live(&store, "xa-hoi").await;
    assert_eq!(view.tombstones[0].reason.as_deref(), Some("sai thông tin"));
    assert_eq!(store.restore(&id, "test").await.unwrap(), RestoreOutcome::Restored(3));
    assert_eq!(store.restore(&id, "test").await.unwrap(), RestoreOutcome::NotWithdrawn);
    assert_eq!(titles(&live(&store, "xa-hoi").await), ["A"]);
    let files = store.files().await.unwrap();
    assert!(files.iter().all(|file| file.seen.hash.is_empty()), "its files are read anew");
    let unknown = ArticleId::new("tag:nobody,2023:x");
    assert_eq!(store.withdraw(&unknown, None, false, "test").await.unwrap(), WithdrawOutcome::Unknown);
    assert_eq!(store.restore(&unknown, "test").await.unwrap(), RestoreOutcome::Unknown);
}

async fn a_rename_that_two_processes_record_is_one_article(home: Home) {
    let store = home.open().await;
    let (id, _) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    let mut renamed = file("xa-hoi/b.txt", "1", article("A", SAMPLE_ARTICLE));
    if let Source::File { renamed_from, .. } = &mut renamed.source {
        *renamed_from = Some("xa-hoi/a.txt".to_owned());
    }
    for _ in 0..2 {
        assert_eq!(take(&store, renamed.clone()).await, (id.clone(), SubmitOutcome::Unchanged));
    }
    assert_eq!(store.list(None, None, 10).await.unwrap().len(), 1);
}

async fn a_file_that_comes_back_restores_its_article(home: Home) {
    let store = home.open().await;
    let (id, _) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    take(&store, file("xa-hoi/a.txt", "2", article("A", SAMPLE_ARTICLE - 86_400))).await;
    store.file_removed("xa-hoi/a.txt").await.unwrap();
    let back = take(&store, file("xa-hoi/a.txt", "2", article("A", SAMPLE_ARTICLE - 86_400))).await;
    assert_eq!(back, (id, SubmitOutcome::Restored(4)), "also when its day was corrected meanwhile");
}

async fn two_revisions_of_one_article_never_share_a_second(home: Home) {
    let store = home.open().await;
    for (hash, title) in [("1", "A"), ("2", "B"), ("3", "C")] {
        take(&store, file("xa-hoi/a.txt", hash, article(title, SAMPLE_ARTICLE))).await;
    }
    let view = live(&store, "xa-hoi").await;
    assert_eq!(view.state.updated, from_unix(SAMPLE_ARTICLE + 1002));
    assert_eq!(view.entries[0].updated, view.state.updated);
}

async fn updated_never_decreases_when_the_clock_does(home: Home) {
    let store = home.open().await;
    take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    home.clock.advance(-50);
    take(&store, file("xa-hoi/b.txt", "1", article("B", SAMPLE_ARTICLE - 9000))).await;
    assert_eq!(live(&store, "xa-hoi").await.state.updated, from_unix(SAMPLE_ARTICLE + 1000));
}

async fn a_scheduled_article_survives_a_restart_and_is_numbered_when_due(home: Home) {
    let due = SAMPLE_ARTICLE + 5000;
    let store = home.open().await;
    let (id, outcome) = take(&store, file("xa-hoi/mai.txt", "1", article("Ngày mai", due))).await;
    assert_eq!(outcome, SubmitOutcome::Scheduled(from_unix(due)));
    assert!(live(&store, "xa-hoi").await.entries.is_empty());
    store.close().await;

    let store = home.open().await;
    assert_eq!(store.next_due().await.unwrap(), Some(from_unix(due)));
    assert!(store.publish_due().await.unwrap().is_empty(), "not yet");
    home.clock.advance(4000);
    let published = store.publish_due().await.unwrap();
    assert_eq!((&published[0].id, &published[0].outcome), (&id, &SubmitOutcome::Published(1)));
    assert_eq!(titles(&live(&store, "xa-hoi").await), ["Ngày mai"]);
    assert!(store.publish_due().await.unwrap().is_empty(), "once");
}

async fn a_scheduled_article_whose_file_is_removed_leaves_no_trace(home: Home) {
    let store = home.open().await;
    take(&store, file("xa-hoi/mai.txt", "1", article("Ngày mai", SAMPLE_ARTICLE + 5000))).await;
    assert_eq!(store.file_removed("xa-hoi/mai.txt").await.unwrap(), FileRemovalOutcome::Nothing);
    home.clock.advance(10_000);
    assert!(store.publish_due().await.unwrap().is_empty());
    assert_eq!(store.subscribe().borrow().head, 0);
}

async fn the_live_feed_shows_the_tail_the_newest_and_the_window(home: Home) {
    let store = home.open().await;
    let choice =
        LiveFeedOptions { items: 2, window: 3600, archive_page: 4, limit: 200, bytes: 524_288, whole: false };
    for day in 0..6 {
        let path = format!("xa-hoi/bai-{day}.txt");
        take(
            &store,
            file(&path, "1", article(&format!("Bài {day}"), SAMPLE_ARTICLE - 864_000 - day * 86_400)),
        )
        .await;
        home.clock.advance(86_400);
    }
    // Six revisions: four sealed, two in the tail (the oldest dates), and the two newest dates.
    let view = store.snapshot().await.unwrap().live(Some(&slug("xa-hoi")), choice).await.unwrap();
    assert_eq!(titles(&view), ["Bài 0", "Bài 1", "Bài 4", "Bài 5"]);
    // Two corrections seal the second page; the window still shows the changed articles.
    for (hash, day) in [("2", 2), ("2", 3)] {
        let path = format!("xa-hoi/bai-{day}.txt");
        let stamp = SAMPLE_ARTICLE - 864_000 - day * 86_400;
        take(&store, file(&path, hash, article(&format!("Bài {day} (sửa)"), stamp))).await;
    }
    let view = store.snapshot().await.unwrap().live(Some(&slug("xa-hoi")), choice).await.unwrap();
    assert_eq!(titles(&view), ["Bài 0", "Bài 1", "Bài 2 (sửa)", "Bài 3 (sửa)"]);
}

async fn the_window_is_shown_completely_or_not_at_all(home: Home) {
    let store = home.open().await;
    let choice = LiveFeedOptions {
        items: 3,
        window: 86_400,
        archive_page: 6,
        limit: 40,
        bytes: 524_288,
        whole: false,
    };
    for number in 0..40 {
        let path = format!("xa-hoi/bai-{number}.txt");
        take(&store, file(&path, "1", article(&format!("Bài {number}"), SAMPLE_ARTICLE - number * 60))).await;
    }
    let shown = async |choice| {
        let view = store.snapshot().await.unwrap().live(Some(&slug("xa-hoi")), choice).await.unwrap();
        (titles(&view).iter().map(|title| (*title).to_owned()).collect::<Vec<_>>(), view.delta_floor)
    };
    // Forty revisions, 36 of them sealed.
    assert_eq!(shown(choice).await.0.len(), 40);
    let without = vec!["Bài 0", "Bài 1", "Bài 2", "Bài 36", "Bài 37", "Bài 38", "Bài 39"];
    let without = (without.into_iter().map(str::to_owned).collect::<Vec<_>>(), 36);
    assert_eq!(shown(LiveFeedOptions { limit: 39, ..choice }).await, without, "too many");
    assert_eq!(shown(LiveFeedOptions { bytes: 3000, ..choice }).await, without, "too long");
}

async fn writes_of_another_process_are_announced(home: Home) {
    let (serving, commanding) = (home.open().await, home.open().await);
    let positions = serving.subscribe();
    take(&commanding, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    serving.poll_position().await.unwrap();
    assert_eq!(positions.borrow().head, 1);
    assert_eq!(live(&serving, "xa-hoi").await, live(&commanding, "xa-hoi").await);
}

async fn many_writers_at_once_get_numbers_without_gaps(home: Home) {
    let (one, two) = (home.open().await, home.open().await);
    let writers: Vec<_> = (0..200)
        .map(|number| {
            let store = if number % 2 == 0 { one.clone() } else { two.clone() };
            tokio::spawn(async move {
                let path = format!("xa-hoi/bai-{number}.txt");
                match take(&store, file(&path, "1", article("A", SAMPLE_ARTICLE - number))).await.1 {
                    SubmitOutcome::Published(number) => number,
                    other => panic!("{other:?}"),
                }
            })
        })
        .collect();
    let mut numbers = Vec::new();
    for writer in writers {
        numbers.push(writer.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
}

/// Many writers on two machines publish and correct; readers on a third always continue after the last number
/// they received.
async fn a_reader_that_continues_after_the_last_number_misses_nothing(home: Home) {
    let channels = ["xa-hoi", "kinh-te", "van-hoa"];
    let open = || home.open_with(channels.map(|name| Channel::new(slug(name), name.to_owned())).to_vec());
    let stores = [open().await, open().await, open().await];
    stores[0].apply_config("three channels").await.unwrap();
    let scopes = [None, Some(channels[0]), Some(channels[1]), Some(channels[2])];
    let readers = scopes.map(|scope| (scope, tokio::spawn(poll_numbers(stores[2].clone(), scope, 240))));
    let writers: Vec<_> = (0..120)
        .map(|number: usize| {
            let stamp = SAMPLE_ARTICLE - 60 * number as i64;
            let (one, other) = (stores[number % 2].clone(), stores[(number + 1) % 2].clone());
            let path = format!("{}/bai-{number}.txt", channels[number % 3]);
            tokio::spawn(async move {
                let published = take(&one, file(&path, "1", article("A", stamp))).await.1;
                let corrected = take(&other, file(&path, "2", article("A (sửa)", stamp))).await.1;
                assert!(matches!(published, SubmitOutcome::Published(_)), "{published:?}");
                assert!(matches!(corrected, SubmitOutcome::Corrected(_)), "{corrected:?}");
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    for (scope, reader) in readers {
        let all: Vec<u64> = changes_after(&stores[0], scope, 0, 1000)
            .await
            .changes
            .iter()
            .map(|change| change.number)
            .collect();
        assert_eq!(reader.await.unwrap(), all, "{scope:?}");
        assert_eq!(all.len(), if scope.is_some() { 80 } else { 240 }, "{scope:?}");
    }
}

/// The numbers of a channel up to `last`, as received by a reader that polls; of all channels, without gaps.
async fn poll_numbers(store: Store, channel: Option<&str>, last: u64) -> Vec<u64> {
    let (mut next, mut numbers) = (0, Vec::new());
    while next < last {
        let page = changes_after(&store, channel, next, 7).await;
        for change in page.changes {
            let before = numbers.last().copied().unwrap_or_default();
            assert!(change.number > before, "{channel:?}: {} after {before}", change.number);
            assert!(channel.is_some() || change.number == before + 1, "{} after {before}", change.number);
            numbers.push(change.number);
        }
        next = page.next;
        tokio::task::yield_now().await;
    }
    numbers
}

async fn erased_text_is_deleted_everywhere_and_cannot_be_restored(home: Home) {
    let store = home.open().await;
    let secret = "số căn cước 062087001234";
    let (id, _) = take(&store, file("xa-hoi/a.txt", "1", article(secret, SAMPLE_ARTICLE))).await;
    take(&store, file("xa-hoi/a.txt", "2", article("Đã sửa", SAMPLE_ARTICLE))).await;
    assert_eq!(store.withdraw(&id, None, true, "test").await.unwrap(), WithdrawOutcome::Withdrawn(3));
    assert_eq!(store.restore(&id, "test").await.unwrap(), RestoreOutcome::Erased);
    assert_eq!(store.list(None, None, 10).await.unwrap()[0].title, "");
}

async fn an_explicit_id_is_kept_and_a_second_file_with_it_is_rejected(home: Home) {
    let store = home.open().await;
    let named = |path, hash| Submission {
        id: Some(ArticleId::new("tag:old.example,2010:4711")),
        ..file(path, hash, article("A", SAMPLE_ARTICLE))
    };
    let (id, outcome) = take(&store, named("xa-hoi/a.txt", "1")).await;
    assert_eq!((id.as_str(), outcome), ("tag:old.example,2010:4711", SubmitOutcome::Published(1)));
    let (_, outcome) = take(&store, named("xa-hoi/b.txt", "2")).await;
    assert_eq!(outcome, SubmitOutcome::Conflict { with: "xa-hoi/a.txt".to_owned() });
}

async fn an_image_is_served_while_a_published_article_shows_it(home: Home) {
    let store = home.open().await;
    let picture = picture("anh.png");
    let found = async || store.image(&picture.name).await.unwrap();
    assert_eq!(found().await, ImageLookup::NotFound);
    store.put_images(vec![(picture.clone(), vec![1, 2, 3])]).await.unwrap();
    assert_eq!(found().await, ImageLookup::Gone, "nobody shows it yet");
    let with_picture = Article { images: vec![picture.clone()], ..article("A", SAMPLE_ARTICLE) };
    let (id, _) = take(&store, file("xa-hoi/a.txt", "1", with_picture)).await;
    assert!(matches!(found().await, ImageLookup::Live { bytes, .. } if bytes == [1, 2, 3]));
    store.withdraw(&id, None, false, "test").await.unwrap();
    assert_eq!(found().await, ImageLookup::Gone);
    store.restore(&id, "test").await.unwrap();
    assert!(matches!(found().await, ImageLookup::Live { .. }));
    // The same text in another channel, without an image, removes no image.
    take(&store, file("kinh-te/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    assert!(matches!(found().await, ImageLookup::Live { .. }));
    store.withdraw(&id, None, true, "test").await.unwrap();
    let blank = home.alter("UPDATE picture SET kept_at = 0 WHERE LENGTH(bytes) = 0").await;
    assert_eq!(blank, 1, "erased with its article");
}

fn copy_of(name: char, width: u32) -> (ImageCopy, Vec<u8>) {
    let name = format!("nho-{name}.jpg");
    let copy = ImageCopy {
        name,
        media_type: "image/jpeg".to_owned(),
        width,
        height: width,
        size: 4,
        is_still: false,
    };
    (copy, vec![4; 4])
}

fn named_picture(name: char) -> Image {
    Image { name: format!("anh-{name}.png"), ..picture("") }
}

async fn copies_of(store: &Store, id: &ArticleId) -> Vec<u32> {
    match store.article_by_id(id).await.unwrap() {
        ArticleLookup::Live { entry, .. } => {
            entry.article.images.iter().flat_map(|image| &image.copies).map(|copy| copy.width).collect()
        }
        other => panic!("{other:?}"),
    }
}

async fn copies_of_a_new_image_are_shown_with_it_and_those_of_an_old_one_with_a_new_generation(home: Home) {
    let store = home.open().await;
    let (new, old) = (named_picture('a'), named_picture('b'));
    store.put_images(vec![(new.clone(), vec![1]), (old.clone(), vec![2])]).await.unwrap();
    assert!(!store.is_scaled(&new.name).await.unwrap());
    assert!(store.put_copies(&new.name, vec![copy_of('c', 800), copy_of('d', 400)]).await.is_ok());
    assert!(store.is_scaled(&new.name).await.unwrap());
    let with = |image: &Image| Article { images: vec![image.clone()], ..article("A", SAMPLE_ARTICLE) };
    assert_eq!(store.next_to_scale().await.unwrap(), None, "no article shows the other one yet");
    let (first, _) = take(&store, file("xa-hoi/a.txt", "1", with(&new))).await;
    let (second, _) = take(&store, file("xa-hoi/b.txt", "2", with(&old))).await;
    assert_eq!(copies_of(&store, &first).await, [400, 800]);
    let copy = copy_of('d', 400).0.name;
    assert!(matches!(store.image(&copy).await.unwrap(), ImageLookup::Live { bytes, .. } if bytes == [4; 4]));

    assert_eq!(store.next_to_scale().await.unwrap(), Some(old.name.clone()));
    let before = store.poll_position().await.unwrap();
    store.put_copies(&old.name, vec![copy_of('e', 800)]).await.unwrap();
    assert!(copies_of(&store, &second).await.is_empty(), "no document changes without a new generation");
    assert!(store.has_staged_copies().await.unwrap());
    home.clock.advance(10);
    store.show_copies().await.unwrap();
    assert_eq!(copies_of(&store, &second).await, [800]);
    let after = store.poll_position().await.unwrap();
    assert_eq!((after.head, after.config_epoch), (before.head, before.config_epoch + 1));
    assert_eq!(store.snapshot().await.unwrap().config_modified_at().await.unwrap(), home.clock.now());
    // Once is enough.
    store.put_copies(&old.name, vec![copy_of('f', 400)]).await.unwrap();
    store.show_copies().await.unwrap();
    assert_eq!((copies_of(&store, &second).await, store.poll_position().await.unwrap()), (vec![800], after));
    // The same text again is no correction: copies are no part of it.
    let again = file("xa-hoi/a.txt", "3", with(&new));
    assert_eq!(take(&store, again).await.1, SubmitOutcome::Unchanged);
    let refs = store.snapshot().await.unwrap().image_refs("", 10).await.unwrap();
    assert_eq!(refs.len(), 5, "a static site has the copies as well");
    store.withdraw(&first, None, false, "test").await.unwrap();
    assert_eq!(store.image(&copy).await.unwrap(), ImageLookup::Gone);
}

/// The copies are looked up for many images at once, and for those that are left at the end.
async fn changes_with_images_are_in_order_and_have_the_copies(home: Home) {
    let store = home.open().await;
    let image = |number: usize| Image { name: format!("anh-{number}.png"), ..picture("") };
    let names = |number: usize| (0..number % 5).map(move |index| 10 * number + index);
    let mut submissions = Vec::new();
    for number in 0..70 {
        let images: Vec<_> = names(number).map(image).collect();
        store.put_images(images.iter().map(|image| (image.clone(), vec![1])).collect()).await.unwrap();
        for image in &images {
            let copy = ImageCopy { name: format!("nho-{}", image.name), ..copy_of('a', 400).0 };
            store.put_copies(&image.name, vec![(copy, vec![4; 4])]).await.unwrap();
        }
        let article = Article { images, ..article(&format!("Bài {number}"), SAMPLE_ARTICLE) };
        submissions.push(file(&format!("xa-hoi/bai-{number}.txt"), "1", article));
    }
    submit_together(&store, submissions).await;
    let copies = |change: Change| {
        let images = change.entry.unwrap().article.images;
        images.into_iter().flat_map(|image| image.copies).map(|copy| copy.name).collect::<Vec<_>>()
    };
    for limit in [1, 3, 64, 1000] {
        let (mut found, mut after) = (Vec::new(), 0);
        while after < 70 {
            let page = changes_after(&store, None, after, limit).await;
            assert!(page.changes.iter().map(|change| change.number).eq(after + 1..=page.next), "{limit}");
            (after, found) = (page.next, [found, page.changes.into_iter().map(copies).collect()].concat());
        }
        let wanted = |number| names(number).map(|name| format!("nho-anh-{name}.png")).collect::<Vec<_>>();
        assert_eq!(found, (0..70).map(wanted).collect::<Vec<_>>(), "{limit}");
    }
}

async fn erasing_an_image_erases_its_copies_but_none_that_another_image_has(home: Home) {
    let store = home.open().await;
    let images = ['a', 'b', 'c'].map(named_picture);
    let mut ids = Vec::new();
    for (image, copies) in images.iter().zip([
        vec![copy_of('1', 800), copy_of('2', 400)],
        vec![copy_of('3', 800), copy_of('2', 400)],
        vec![],
    ]) {
        store.put_images(vec![(image.clone(), vec![1])]).await.unwrap();
        store.put_copies(&image.name, copies).await.unwrap();
        let text = Article { images: vec![image.clone()], ..article(&image.name, SAMPLE_ARTICLE) };
        let path = format!("xa-hoi/{}.txt", image.name);
        ids.push(take(&store, file(&path, &path, text)).await.0);
    }
    let blank = async || home.alter("UPDATE picture SET kept_at = 0 WHERE LENGTH(bytes) = 0").await;
    store.withdraw(&ids[0], None, true, "test").await.unwrap();
    assert_eq!(blank().await, 2, "the image and its own copy");
    assert_eq!(copies_of(&store, &ids[1]).await, [400, 800]);
    let shared = copy_of('2', 400).0.name;
    assert!(matches!(store.image(&shared).await.unwrap(), ImageLookup::Live { .. }));
    store.withdraw(&ids[1], None, true, "test").await.unwrap();
    assert_eq!(blank().await, 5);
    // An image that comes back gets its copies anew.
    store.put_images(vec![(images[0].clone(), vec![1])]).await.unwrap();
    assert!(!store.is_scaled(&images[0].name).await.unwrap());
    assert!(matches!(store.image(&images[2].name).await.unwrap(), ImageLookup::Live { .. }));
}

async fn erasing_an_article_keeps_the_images_that_others_use(home: Home) {
    let store = home.open().await;
    let picture = picture("anh.png");
    store.put_images(vec![(picture.clone(), vec![1, 2, 3])]).await.unwrap();
    let with_picture = |stamp: i64| Article { images: vec![picture.clone()], ..article("A", stamp) };
    let due = home.clock.now().timestamp() + 1000;
    let mut users = Vec::new();
    for (path, stamp) in
        [("xa-hoi/a.txt", SAMPLE_ARTICLE), ("kinh-te/b.txt", SAMPLE_ARTICLE), ("kinh-te/c.txt", due)]
    {
        users.push(take(&store, file(path, path, with_picture(stamp))).await.0);
    }
    let corrected = file("kinh-te/d.txt", "1", with_picture(SAMPLE_ARTICLE));
    users.push(take(&store, corrected).await.0);
    take(&store, file("kinh-te/d.txt", "2", article("Không ảnh", SAMPLE_ARTICLE))).await;
    let bytes = async || match store.image(&picture.name).await.unwrap() {
        ImageLookup::Live { bytes, .. } => bytes,
        other => panic!("{other:?}"),
    };
    // One that is withdrawn, one that is scheduled, and one whose older version shows it.
    store.withdraw(&users[1], None, false, "test").await.unwrap();
    store.withdraw(&users[0], None, true, "test").await.unwrap();
    assert_eq!(store.image(&picture.name).await.unwrap(), ImageLookup::Gone);
    store.restore(&users[1], "test").await.unwrap();
    assert_eq!(bytes().await, [1, 2, 3]);
    store.withdraw(&users[1], None, true, "test").await.unwrap();
    home.clock.advance(2000);
    store.publish_due().await.unwrap();
    assert_eq!(bytes().await, [1, 2, 3]);
    let blank = async || home.alter("UPDATE picture SET kept_at = 0 WHERE LENGTH(bytes) = 0").await;
    store.withdraw(&users[2], None, true, "test").await.unwrap();
    assert_eq!(blank().await, 0, "an archive page still shows it");
    store.withdraw(&users[3], None, true, "test").await.unwrap();
    assert_eq!(blank().await, 1);
}

/// Feed rule A3.
async fn an_empty_feed_has_the_date_of_its_channel(home: Home) {
    let created = home.clock.now();
    let channel = |name: &str| Channel::new(slug(name), name.to_owned());
    let store = home.open_with(vec![channel("xa-hoi")]).await;
    store.apply_config("one").await.unwrap();
    home.clock.advance(1000);
    let second = home.clock.now();
    let store = home.open_with(vec![channel("xa-hoi"), channel("kinh-te")]).await;
    store.apply_config("two").await.unwrap();
    home.clock.advance(1000);
    store.apply_config("three").await.unwrap();
    for (name, at) in [("xa-hoi", created), ("kinh-te", second)] {
        let state = live(&store, name).await.state;
        assert_eq!((state.updated, state.last_modified), (at, home.clock.now()), "{name}");
        let states = store.snapshot().await.unwrap().channel_states().await.unwrap();
        assert_eq!(states[&Some(slug(name))], state, "{name}");
    }
    let all = store.snapshot().await.unwrap().live(None, CHOICE).await.unwrap();
    assert_eq!(all.state.updated, created);
}

async fn a_dry_run_reports_the_outcome_and_stores_nothing(home: Home) {
    let store = home.open_with(vec![Channel::new(slug("xa-hoi"), "Xã hội".to_owned())]).await;
    store.apply_config("one").await.unwrap();
    let dry = |submission: Submission| {
        let conditions = WriteConditions { dry_run: true, ..submission.conditions.clone() };
        Submission { conditions, ..submission }
    };
    let one = file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE));
    let due = home.clock.now().timestamp() + 1000;
    let later = file("xa-hoi/b.txt", "2", article("B", due));
    let (outcome, now) = (take(&store, dry(one.clone())).await.1, home.clock.now());
    assert_eq!(outcome, SubmitOutcome::Published(1));
    assert!(matches!(take(&store, dry(later)).await.1, SubmitOutcome::Scheduled(at) if at > now));
    assert!(store.is_empty() && store.files().await.unwrap().is_empty());
    assert_eq!(store.list(None, None, 10).await.unwrap(), []);
    assert_eq!(take(&store, one.clone()).await.1, SubmitOutcome::Published(1));
    assert_eq!(take(&store, dry(one)).await.1, SubmitOutcome::Unchanged);
    let known = WriteConditions { known_channels: true, dry_run: true, ..WriteConditions::default() };
    let unknown = Submission { channels: vec![slug("xa-hoy")], ..sent("C", SAMPLE_ARTICLE, known) };
    let refusal = Refusal::UnknownChannel { channel: slug("xa-hoy"), known: vec![slug("xa-hoi")] };
    assert_eq!(take(&store, unknown).await.1, SubmitOutcome::Refused(refusal));
}

async fn a_token_is_valid_until_it_is_revoked(home: Home) {
    let store = home.open().await;
    let channels = [slug("xa-hoi")];
    let secret = store.create_token("Văn phòng", Some(&channels)).await.unwrap().unwrap();
    assert_eq!(store.create_token("Văn phòng", None).await.unwrap(), None, "the name is taken");
    let other = home.open().await;
    let token = other.authenticate(&secret).await.unwrap().unwrap();
    assert_eq!(token.name, "Văn phòng");
    assert!(token.allows(&channels) && !token.allows(&[slug("xa-hoi"), slug("kinh-te")]));
    assert_eq!(store.authenticate("bantin_0").await.unwrap(), None);
    assert!(store.revoke_token("Văn phòng").await.unwrap());
    assert!(!store.revoke_token("Văn phòng").await.unwrap());
    assert_eq!(other.authenticate(&secret).await.unwrap(), None);
    let everywhere = store.create_token("Tỉnh", None).await.unwrap().unwrap();
    assert!(store.authenticate(&everywhere).await.unwrap().unwrap().allows(&channels));
    let bytes = home.bytes();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("Văn phòng"), "its name is there");
    assert!(!holds(&secret) && !holds(&everywhere), "the secret is nowhere");
    assert_eq!(store.tokens().await.unwrap().len(), 2);
}

/// An article sent over HTTP or by command.
fn sent(title: &str, stamp: i64, terms: WriteConditions) -> Submission {
    Submission {
        article: article(title, stamp),
        channels: vec![slug("xa-hoi")],
        id: None,
        stem: Slug::from_title(title),
        source: Source::Command("Văn phòng".to_owned()),
        conditions: terms,
    }
}

async fn a_retried_request_is_one_article_and_its_key_cannot_be_reused(home: Home) {
    let store = home.open().await;
    let once = |request: &str| WriteConditions {
        idempotency: Some(IdempotencyKey {
            token: "Văn phòng".to_owned(),
            key: "k1".to_owned(),
            request: request.to_owned(),
        }),
        ..WriteConditions::default()
    };
    let first = take(&store, sent("Hội nghị", SAMPLE_ARTICLE, once("a"))).await;
    assert_eq!(first.1, SubmitOutcome::Published(1));
    assert_eq!(
        take(&store, sent("Hội nghị", SAMPLE_ARTICLE, once("a"))).await,
        first,
        "the very same answer"
    );
    assert_eq!(
        take(&store, sent("Khác", SAMPLE_ARTICLE, once("b"))).await.1,
        SubmitOutcome::IdempotencyConflict
    );
    home.clock.advance(86_401);
    assert_eq!(take(&store, sent("Khác", SAMPLE_ARTICLE, once("b"))).await.1, SubmitOutcome::Published(2));
}

async fn an_edit_of_an_outdated_version_is_rejected(home: Home) {
    let store = home.open().await;
    let (id, _) = take(&store, sent("Hội nghị", SAMPLE_ARTICLE, WriteConditions::default())).await;
    let edit = |title: &str, expected| Submission {
        id: Some(id.clone()),
        channels: Vec::new(),
        ..sent(
            title,
            SAMPLE_ARTICLE,
            WriteConditions {
                expected: Some(vec![ArticleVersion::Number(expected)]),
                ..WriteConditions::default()
            },
        )
    };
    assert_eq!(take(&store, edit("Hội nghị A", 1)).await.1, SubmitOutcome::Corrected(2));
    assert_eq!(take(&store, edit("Hội nghị B", 1)).await.1, SubmitOutcome::VersionMismatch(2));
    assert_eq!(titles(&live(&store, "xa-hoi").await), ["Hội nghị A"]);
    let new = Submission {
        id: Some(id.clone()),
        ..sent(
            "Hội nghị C",
            SAMPLE_ARTICLE,
            WriteConditions { must_be_new: true, ..WriteConditions::default() },
        )
    };
    assert_eq!(take(&store, new).await.1, SubmitOutcome::VersionMismatch(2));
    let nobody = Submission { id: Some(ArticleId::new("tag:a,2023:b")), ..edit("X", 1) };
    assert_eq!(take(&store, nobody).await.1, SubmitOutcome::VersionMismatch(0));
    assert_eq!(store.list(None, None, 10).await.unwrap().len(), 1, "nothing was minted for it");
}

async fn the_same_text_sent_twice_is_one_article(home: Home) {
    let store = home.open().await;
    let (first, _) = take(&store, sent("Hội nghị", SAMPLE_ARTICLE, WriteConditions::default())).await;
    let again = take(&store, sent("Hội  nghị", SAMPLE_ARTICLE, WriteConditions::default())).await;
    assert_eq!(again, (first.clone(), SubmitOutcome::Unchanged));
    let (other, _) = take(&store, sent("Hội nghị!", SAMPLE_ARTICLE, WriteConditions::default())).await;
    assert_eq!(other.as_str(), format!("{first}-2"));
}

async fn articles_of_one_title_and_day_stay_apart_and_are_recognised(home: Home) {
    let store = home.open().await;
    let saying = |text: &str, stamp| {
        let mut submission = sent("Lịch tiếp công dân", stamp, WriteConditions::default());
        submission.article.body = vec![Block::Paragraph { text: text.into() }];
        submission
    };
    let (minute, evening) = (SAMPLE_ARTICLE, SAMPLE_ARTICLE + 5000);
    let all = [
        ("Xã Đăk Tờ Kan", minute),
        ("Xã Văn Xuôi", minute),
        ("Xã Văn Xuôi", minute + 60),
        ("Xã Tê Xăng", evening),
    ];
    let mut ids = Vec::new();
    for (text, stamp) in all {
        let (id, outcome) = take(&store, saying(text, stamp)).await;
        match stamp == evening {
            true => assert!(matches!(outcome, SubmitOutcome::Scheduled(_)), "{outcome:?}"),
            false => assert!(matches!(outcome, SubmitOutcome::Published(_)), "{outcome:?}"),
        }
        ids.push(id);
    }
    let first = ids[0].as_str();
    assert_eq!(ids[1..], [2, 3, 4].map(|number| ArticleId::new(format!("{first}-{number}"))));

    let same_as_before = async || {
        for (id, (text, stamp)) in ids.iter().zip(all) {
            let (again, outcome) = take(&store, saying(text, stamp)).await;
            assert_eq!(again, *id, "{text}");
            assert!(matches!(outcome, SubmitOutcome::Unchanged | SubmitOutcome::Scheduled(_)), "{outcome:?}");
        }
    };
    same_as_before().await;
    store.withdraw(&ids[1], None, false, "test").await.unwrap();
    store.restore(&ids[1], "test").await.unwrap();
    same_as_before().await;
    // A date that was corrected counts, not the first one.
    take(&store, named(ids[2].as_str(), saying("Xã Văn Xuôi", minute - 60))).await;
    assert_eq!(
        take(&store, saying("Xã Văn Xuôi", minute - 60)).await,
        (ids[2].clone(), SubmitOutcome::Unchanged)
    );
    // What is scheduled is recognised after its publication.
    home.clock.advance(10_000);
    assert_eq!(store.publish_due().await.unwrap().len(), 1);
    assert_eq!(take(&store, saying("Xã Tê Xăng", evening)).await, (ids[3].clone(), SubmitOutcome::Unchanged));
    // An import of the same text is the same article.
    let mut imported =
        import("kho", "xa-hoi/lich-tiep-cong-dan.txt", "1", article("Lịch tiếp công dân", minute));
    imported.article.body = vec![Block::Paragraph { text: "Xã Văn Xuôi".into() }];
    assert_eq!(take(&store, imported).await, (ids[1].clone(), SubmitOutcome::Unchanged));
}

async fn an_unchanged_file_does_not_undo_a_correction_by_api(home: Home) {
    let store = home.open().await;
    let (id, _) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    let edit = Submission {
        id: Some(id),
        channels: Vec::new(),
        ..sent("A, sửa", SAMPLE_ARTICLE, WriteConditions::default())
    };
    assert_eq!(take(&store, edit).await.1, SubmitOutcome::Corrected(2));
    // The scan submits only files that changed since the last scan.
    assert_eq!(store.files().await.unwrap()[0].seen.hash, "1");
    assert_eq!(titles(&live(&store, "xa-hoi").await), ["A, sửa"]);
}

async fn page(store: &Store, channel: &str, number: u64) -> Option<ArchivePageData> {
    let scope = (!channel.is_empty()).then(|| slug(channel));
    store.snapshot().await.unwrap().archive(scope.as_ref(), number, 4).await.unwrap()
}

/// The titles of a page, then the stems of its tombstones with daggers.
async fn shown(store: &Store, channel: &str, number: u64) -> Vec<String> {
    let page = page(store, channel, number).await.unwrap();
    let entries = page.entries.into_iter().map(|entry| entry.article.title);
    let tombstones = page.tombstones.into_iter().map(|tombstone| format!("†{}", tombstone.permalink.slug));
    entries.chain(tombstones).collect()
}

/// Publishes or corrects `kho/{stem}.txt` in these channels; later letters have older dates.
async fn put(
    home: &Home,
    store: &Store,
    stem: &str,
    title: &str,
    channels: &[&str],
) -> (ArticleId, SubmitOutcome) {
    home.clock.advance(10);
    let age = i64::from(stem.as_bytes()[0] - b'a') * 60;
    let path = format!("kho/{stem}.txt");
    let submission = file(&path, title, article(title, SAMPLE_ARTICLE - age));
    let channels = channels.iter().map(|channel| slug(channel)).collect();
    take(store, Submission { channels, ..submission }).await
}

async fn a_sealed_page_shows_each_article_once_as_its_last_revision_in_it(home: Home) {
    let store = home.open().await;
    put(&home, &store, "a", "A", &["xa-hoi"]).await;
    put(&home, &store, "b", "B", &["xa-hoi"]).await;
    put(&home, &store, "a", "A (sửa)", &["xa-hoi"]).await;
    home.clock.advance(10);
    assert_eq!(store.file_removed("kho/b.txt").await.unwrap(), FileRemovalOutcome::Withdrawn(4));
    put(&home, &store, "a", "A (sửa nữa)", &["xa-hoi"]).await;
    for channel in ["xa-hoi", ""] {
        assert_eq!(shown(&store, channel, 1).await, ["A (sửa)", "†b"]);
        let page = page(&store, channel, 1).await.unwrap();
        assert_eq!(page.state.number, 4);
        assert_eq!(page.state.updated, from_unix(SAMPLE_ARTICLE + 1040));
        assert_eq!(page.state.last_modified, page.state.updated);
        assert_eq!(
            page.entries[0].updated,
            from_unix(SAMPLE_ARTICLE + 1030),
            "of the revision that is shown"
        );
        assert_eq!(page.tombstones[0].when, from_unix(SAMPLE_ARTICLE + 1040));
        assert_eq!(page.tombstones[0].reason, None);
    }
}

async fn an_archive_page_exists_once_it_is_full(home: Home) {
    let store = home.open().await;
    for stem in ["a", "b", "c", "d", "e", "f", "g"] {
        put(&home, &store, stem, stem, &["xa-hoi"]).await;
    }
    assert_eq!(page(&store, "xa-hoi", 1).await.unwrap().entries.len(), 4);
    for (channel, number) in
        [("xa-hoi", 0), ("xa-hoi", 2), ("xa-hoi", u64::MAX), ("xa-hoi", u64::MAX / 4), ("kinh-te", 1)]
    {
        assert_eq!(page(&store, channel, number).await, None, "{channel} {number}");
    }
    assert_eq!(live(&store, "xa-hoi").await.sealed_pages, 0, "it has pages of fifty");
}

async fn a_sealed_page_only_loses_removed_articles(home: Home) {
    let store = home.open().await;
    let mut ids = Vec::new();
    for stem in ["a", "b", "c", "d"] {
        ids.push(put(&home, &store, stem, stem, &["xa-hoi"]).await.0);
    }
    let sealed = page(&store, "xa-hoi", 1).await.unwrap();
    put(&home, &store, "a", "a (sửa)", &["xa-hoi"]).await;
    put(&home, &store, "e", "e", &["xa-hoi"]).await;
    put(&home, &store, "b", "b", &["xa-hoi", "kinh-te"]).await;
    assert_eq!(page(&store, "xa-hoi", 1).await.unwrap(), sealed, "corrected, moved into another as well");

    put(&home, &store, "b", "b", &["kinh-te"]).await;
    assert_eq!(shown(&store, "xa-hoi", 1).await, ["a", "c", "d"], "it left the channel");
    let state = page(&store, "xa-hoi", 1).await.unwrap().state;
    assert_eq!((state.number, state.updated), (8, sealed.state.updated));
    assert_eq!(state.last_modified, from_unix(SAMPLE_ARTICLE + 1080));

    home.clock.advance(10);
    store.withdraw(&ids[2], Some("sai".to_owned()), true, "test").await.unwrap();
    assert_eq!(shown(&store, "xa-hoi", 1).await, ["a", "d"]);
    assert_eq!(shown(&store, "", 1).await, ["a", "b", "d"]);
    let lost = page(&store, "xa-hoi", 1).await.unwrap();
    assert_eq!(lost.state.number, 9);
    assert_eq!(lost.unreadable, [], "what was erased is not missed");

    // An article that was removed once does not change the page again.
    put(&home, &store, "b", "b", &["xa-hoi"]).await;
    put(&home, &store, "b", "b", &["kinh-te"]).await;
    put(&home, &store, "e", "e (sửa)", &["xa-hoi"]).await;
    assert_eq!(page(&store, "xa-hoi", 1).await.unwrap(), lost);
}

async fn a_restored_article_appears_at_its_newest_revision(home: Home) {
    let store = home.open().await;
    let (id, _) = put(&home, &store, "a", "A", &["xa-hoi"]).await;
    for stem in ["b", "c", "d"] {
        put(&home, &store, stem, stem, &["xa-hoi"]).await;
    }
    // Page 2: withdrawn and restored; another article leaves and comes back.
    store.withdraw(&id, None, false, "test").await.unwrap();
    store.restore(&id, "test").await.unwrap();
    put(&home, &store, "b", "b", &["kinh-te"]).await;
    put(&home, &store, "b", "b", &["xa-hoi"]).await;
    assert_eq!(shown(&store, "xa-hoi", 1).await, ["c", "d"]);
    assert_eq!(shown(&store, "xa-hoi", 2).await, ["A", "b"]);
    // Page 3: withdrawn again. Its tombstone is only here.
    store.withdraw(&id, Some("sai".to_owned()), false, "test").await.unwrap();
    for title in ["b2", "b3", "b4"] {
        put(&home, &store, "b", title, &["xa-hoi"]).await;
    }
    assert_eq!(shown(&store, "xa-hoi", 2).await, ["b"]);
    assert_eq!(shown(&store, "xa-hoi", 3).await, ["b4", "†a"]);
    // Page 4: restored. The tombstone is older than the article, and its page stays as it was sealed.
    store.restore(&id, "test").await.unwrap();
    let restored = live(&store, "xa-hoi").await.entries.into_iter().find(|entry| entry.id == id).unwrap();
    let page = page(&store, "xa-hoi", 3).await.unwrap();
    assert!(page.tombstones[0].when < restored.updated);
    assert_eq!(page.state.number, 12);
}

async fn a_tombstone_disappears_when_its_article_stays_in_another_channel(home: Home) {
    let store = home.open().await;
    put(&home, &store, "a", "A", &["xa-hoi"]).await;
    put(&home, &store, "b", "B", &["xa-hoi"]).await;
    put(&home, &store, "c", "C", &["xa-hoi"]).await;
    store.file_removed("kho/a.txt").await.unwrap();
    assert_eq!(shown(&store, "xa-hoi", 1).await, ["B", "C", "†a"]);
    assert_eq!(put(&home, &store, "a", "A", &["kinh-te"]).await.1, SubmitOutcome::Restored(5));
    assert_eq!(shown(&store, "xa-hoi", 1).await, ["B", "C"]);
    assert_eq!(shown(&store, "", 1).await, ["B", "C", "†a"], "there it never left");
}

async fn a_damaged_revision_removes_only_its_article_from_the_page(home: Home) {
    let store = home.open().await;
    for stem in ["a", "b", "c", "d"] {
        put(&home, &store, stem, stem, &["xa-hoi"]).await;
    }
    assert_eq!(home.alter("UPDATE revision SET content = '{\"title\":' WHERE number = 2").await, 1);
    assert_eq!(shown(&store, "xa-hoi", 1).await, ["a", "c", "d"]);
    assert_eq!(page(&store, "xa-hoi", 1).await.unwrap().unreadable.len(), 1);
}

/// Whoever holds a copy of it must drop it.
async fn a_damaged_text_can_be_withdrawn(home: Home) {
    let store = home.open().await;
    let mut ids = Vec::new();
    for stem in ["a", "b", "c"] {
        ids.push(put(&home, &store, stem, stem, &["xa-hoi"]).await.0);
    }
    assert_eq!(home.alter("UPDATE revision SET content = '{\"title\":' WHERE number < 3").await, 2);
    store.withdraw(&ids[0], Some("Trùng tin".to_owned()), false, "test").await.unwrap();
    store.file_removed("kho/b.txt").await.unwrap();
    let feed = live(&store, "xa-hoi").await;
    assert_eq!((titles(&feed), feed.tombstones.len(), feed.unreadable.len()), (vec!["c"], 2, 0));
    // Not restored, as there is nothing to publish. Whoever writes it anew has it again.
    let refused = store.restore(&ids[0], "test").await.unwrap_err();
    assert!(refused.to_string().contains("Write it anew"), "{refused}");
    assert_eq!(live(&store, "xa-hoi").await.tombstones.len(), 2);
    put(&home, &store, "b", "b (sửa)", &["xa-hoi"]).await;
    assert_eq!(titles(&live(&store, "xa-hoi").await), ["b (sửa)", "c"]);
}

/// What a flipped bit makes of a revision is often as valid as what was stored.
async fn a_damaged_time_channel_author_or_reason_is_not_published(home: Home) {
    let store = home.open().await;
    let mut ids = Vec::new();
    for stem in ["a", "b", "c", "d", "e"] {
        ids.push(put(&home, &store, stem, stem, &["xa-hoi"]).await.0);
    }
    store.withdraw(&ids[4], Some("Trùng tin".to_owned()), false, "test").await.unwrap();
    for damage in [
        "UPDATE revision SET updated = updated + 64 WHERE number = 1",
        "UPDATE revision SET channels = '[\"xa-hoj\"]' WHERE number = 2",
        "UPDATE revision SET author = 'folddr' WHERE number = 3",
        "UPDATE revision SET reason = 'Trung tin' WHERE number = 6",
    ] {
        assert_eq!(home.alter(damage).await, 1, "{damage}");
    }
    let feed = live(&store, "xa-hoi").await;
    assert_eq!((titles(&feed), feed.tombstones.len(), feed.unreadable.len()), (vec!["d"], 0, 4));
    assert_eq!(shown(&store, "xa-hoi", 1).await, ["d"]);
    for words in [None, Some("doan")] {
        let list = list_query(&store, asked(words)).await;
        let found: Vec<_> = list.items.iter().map(|item| item.entry.article.title.as_str()).collect();
        assert_eq!((found, list.damaged.len()), (vec!["d"], 3), "{words:?}");
    }
    let changes = changes_after(&store, None, 0, 100).await.changes;
    let damaged: Vec<_> =
        changes.iter().filter(|change| change.damaged).map(|change| change.number).collect();
    assert_eq!(damaged, [1, 2, 3, 6], "the others can be read on");
    assert!(
        changes.iter().all(|change| !change.damaged || (change.entry.is_none() && change.reason.is_none()))
    );
    assert!(store.article_by_id(&ids[0]).await.is_err() && store.history(&ids[2], None, 9).await.is_err());
    for limit in [1, 2, 9] {
        let history = store.history(&ids[4], None, limit).await.unwrap().unwrap();
        let numbers: Vec<_> = history.revisions.iter().map(|one| one.number).collect();
        assert_eq!(numbers, [5], "but not its withdrawal");
    }

    // Whoever writes it anew has it again.
    put(&home, &store, "a", "a (sửa)", &["xa-hoi"]).await;
    assert_eq!(titles(&live(&store, "xa-hoi").await), ["a (sửa)", "d"]);
}

/// Of every kind: a text, a change, a scheduled text, an image, and what is stored twice.
async fn a_check_of_the_database_names_what_is_damaged(home: Home) {
    let store = home.open().await;
    let (_run_to_the_end, stop) = watch::channel(false);
    for stem in ["a", "b", "c"] {
        put(&home, &store, stem, stem, &["xa-hoi"]).await;
    }
    take(&store, file("xa-hoi/mai-sau.txt", "1", article("Mai sau", SAMPLE_ARTICLE + 5000))).await;
    // Named by its hash.
    let image = picture("039058c6f2c0cb492c533b0a4d14ef77.png");
    store.put_images(vec![(image.clone(), vec![1, 2, 3])]).await.unwrap();
    let illustrated = Article { images: vec![image], ..article("Ảnh", SAMPLE_ARTICLE) };
    take(&store, file("xa-hoi/anh.txt", "1", illustrated)).await;
    let check = async || store.find_damage(CheckPace::Full, stop.clone()).await.unwrap();
    assert_eq!(check().await, Vec::<String>::new());
    for (damage, rows) in [
        ("UPDATE revision SET content = '{\"title\":' WHERE number = 1", 1),
        ("UPDATE revision SET author = 'folddr' WHERE number = 2", 1),
        ("UPDATE waiting SET author = 'folddr'", 1),
        ("UPDATE picture SET bytes = 'abc'", 1),
        ("UPDATE membership SET stamp = stamp + 64 WHERE article LIKE '%/c' AND channel = 'xa-hoi'", 1),
    ] {
        assert_eq!(home.alter(damage).await, rows, "{damage}");
    }
    let found = check().await.join("\n");
    for named in [
        "text of tag:",
        "change 2 of tag:",
        "scheduled text of tag:",
        "image ",
        "channel contradicts its copy: xa-hoi tag:",
    ] {
        assert!(found.contains(named), "{named}: {found}");
    }
    assert_eq!(found.lines().count(), 5, "{found}");
}

async fn revisions_of_an_older_version_get_a_checksum(home: Home) {
    let store = home.open().await;
    for stem in ["a", "b", "c"] {
        put(&home, &store, stem, stem, &["xa-hoi"]).await;
    }
    store.close().await;
    assert_eq!(home.alter("UPDATE revision SET checksum = NULL").await, 3);
    let store = home.open().await;
    assert_eq!(titles(&live(&store, "xa-hoi").await).len(), 3);
    assert_eq!(home.alter("UPDATE revision SET author = 'folddr' WHERE number = 2").await, 1);
    assert_eq!(live(&store, "xa-hoi").await.unreadable.len(), 1);
}

async fn a_live_feed_knows_the_oldest_number_of_its_deltas(home: Home) {
    let store = home.open().await;
    let choice =
        LiveFeedOptions { items: 1, window: 100, archive_page: 4, limit: 200, bytes: 524_288, whole: false };
    let live = async || store.snapshot().await.unwrap().live(Some(&slug("xa-hoi")), choice).await.unwrap();
    let mut ids = Vec::new();
    for stem in ["a", "b", "c", "d", "e"] {
        ids.push(put(&home, &store, stem, stem, &["xa-hoi"]).await.0);
    }
    assert_eq!(live().await.delta_floor, 0, "all of it lies within the window");
    store.withdraw(&ids[3], None, false, "test").await.unwrap();
    let view = live().await;
    assert_eq!((view.state.number, view.delta_floor), (6, 0));
    let numbers: Vec<_> = ids.iter().map(|id| view.last_changes[id]).collect();
    assert_eq!(numbers, [1, 2, 3, 6, 5]);

    home.clock.advance(200);
    put(&home, &store, "a", "a (sửa)", &["xa-hoi"]).await;
    assert_eq!(live().await.delta_floor, 4, "the sealed page is older than the window");
    put(&home, &store, "b", "b", &["kinh-te"]).await;
    put(&home, &store, "a", "a (sửa nữa)", &["xa-hoi"]).await;
    assert_eq!(live().await.delta_floor, 8, "who left is not told of");
    put(&home, &store, "b", "b", &["xa-hoi"]).await;
    assert_eq!(live().await.delta_floor, 6, "who is back is; six is where the window begins");

    home.clock.advance(1);
    store.apply_config("another").await.unwrap();
    assert_eq!(live().await.delta_floor, 11, "what readers hold is worded otherwise");
    put(&home, &store, "c", "c (sửa)", &["xa-hoi"]).await;
    put(&home, &store, "d", "d", &["xa-hoi"]).await;
    assert_eq!(live().await.delta_floor, 11);
}

async fn a_live_feed_is_complete_until_a_page_is_sealed(home: Home) {
    let store = home.open().await;
    let choice =
        LiveFeedOptions { items: 1, window: 0, archive_page: 4, limit: 200, bytes: 524_288, whole: false };
    let live =
        async |choice| store.snapshot().await.unwrap().live(Some(&slug("xa-hoi")), choice).await.unwrap();
    assert!(live(choice).await.complete, "nothing is all there is");
    for stem in ["a", "b", "c"] {
        put(&home, &store, stem, stem, &["xa-hoi"]).await;
    }
    let view = live(choice).await;
    assert_eq!((view.complete, view.sealed_pages, view.entries.len()), (true, 0, 3));
    assert!(!live(LiveFeedOptions { limit: 2, ..choice }).await.complete);
    put(&home, &store, "d", "d", &["xa-hoi"]).await;
    let view = live(choice).await;
    assert_eq!((view.complete, view.sealed_pages), (false, 1));
}

async fn changes_after(store: &Store, channel: Option<&str>, after: u64, limit: u32) -> ChangesPage {
    let channel = channel.map(slug);
    let asked = ChangesQuery { channel, after, until: None, limit, bytes: usize::MAX };
    match store.changes(&asked).await.unwrap() {
        ChangesResult::Page(page) => page,
        other => panic!("{other:?}"),
    }
}

/// `7 moved TITLE`, for each change.
fn change_lines(changes: &[Change]) -> Vec<String> {
    let title = |change: &Change| change.entry.as_ref().map_or("-".to_owned(), |e| e.article.title.clone());
    changes
        .iter()
        .map(|change| format!("{} {} {}", change.number, change.kind.name(), title(change)))
        .collect()
}

fn moved(from: &str, to: &str, hash: &str, article: Article) -> Submission {
    let mut moved = file(to, hash, article);
    if let Source::File { renamed_from, .. } = &mut moved.source {
        *renamed_from = Some(from.to_owned());
    }
    moved
}

async fn every_change_is_returned_once_for_any_page_size(home: Home) {
    let store = home.open().await;
    for number in 0..150 {
        let path = format!("xa-hoi/bai-{}.txt", number % 100);
        take(&store, file(&path, &number.to_string(), article(&format!("Bài {number}"), SAMPLE_ARTICLE)))
            .await;
    }
    let whole = changes_after(&store, None, 0, 1000).await;
    assert_eq!(
        whole.changes.iter().map(|change| change.number).collect::<Vec<_>>(),
        (1..=150).collect::<Vec<_>>()
    );
    assert_eq!((whole.next, whole.head), (150, 150));
    for size in [1, 7, 64, 65, 150] {
        let (mut after, mut all) = (0, Vec::new());
        loop {
            let page = changes_after(&store, None, after, size).await;
            if page.changes.is_empty() {
                break;
            }
            after = page.next;
            all.extend(page.changes);
        }
        assert_eq!(all, whole.changes, "{size} at a time");
    }
    let asked = ChangesQuery { channel: None, after: 151, until: None, limit: 1, bytes: 1 };
    assert_eq!(store.changes(&asked).await.unwrap(), ChangesResult::BeyondHead { head: 150 });
    let asked = ChangesQuery { after: 0, until: Some(100), limit: 1000, bytes: usize::MAX, channel: None };
    let ChangesResult::Page(page) = store.changes(&asked).await.unwrap() else { panic!() };
    assert_eq!((page.changes.len(), page.next, page.head), (100, 100, 150));
}

async fn the_changes_of_a_channel_include_departures_and_use_log_numbers(home: Home) {
    let store = home.open().await;
    take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    take(&store, file("kinh-te/b.txt", "2", article("B", SAMPLE_ARTICLE))).await;
    take(&store, moved("xa-hoi/a.txt", "kinh-te/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    take(&store, file("kinh-te/a.txt", "3", article("A (sửa)", SAMPLE_ARTICLE))).await;
    assert_eq!(
        change_lines(&changes_after(&store, Some("xa-hoi"), 0, 10).await.changes),
        ["1 published A", "3 left A"]
    );
    let economy = changes_after(&store, Some("kinh-te"), 0, 10).await;
    assert_eq!(change_lines(&economy.changes), ["2 published B", "3 moved A", "4 corrected A (sửa)"]);
    let all = changes_after(&store, None, 0, 10).await;
    assert_eq!(
        change_lines(&all.changes),
        ["1 published A", "2 published B", "3 moved A", "4 corrected A (sửa)"]
    );
    assert_eq!(all.changes[2].channels, [slug("kinh-te")]);
    assert_eq!(changes_after(&store, Some("xa-hoi"), 3, 10).await.next, 4, "looked at up to the head");
    assert_eq!(
        changes_after(&store, Some("xa-hoi"), 0, 1).await.next,
        1,
        "a full page ends with its last change"
    );
    let asked = ChangesQuery { channel: Some(slug("la")), after: 0, until: None, limit: 1, bytes: 1 };
    assert_eq!(store.changes(&asked).await.unwrap(), ChangesResult::UnknownChannel);
}

async fn the_text_of_a_withdrawn_article_is_in_no_change(home: Home) {
    let store = home.open().await;
    let (id, _) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    take(&store, file("xa-hoi/a.txt", "2", article("A (sửa)", SAMPLE_ARTICLE))).await;
    store.withdraw(&id, Some("nhầm".to_owned()), false, "test").await.unwrap();
    let page = changes_after(&store, None, 0, 10).await;
    assert_eq!(change_lines(&page.changes), ["1 published -", "2 corrected -", "3 withdrawn -"]);
    assert_eq!(page.changes[2].reason.as_deref(), Some("nhầm"));
    assert!(page.changes.iter().all(|change| !change.damaged));
    store.restore(&id, "test").await.unwrap();
    assert_eq!(
        change_lines(&changes_after(&store, None, 0, 10).await.changes),
        ["1 published A", "2 corrected A (sửa)", "3 withdrawn -", "4 restored A (sửa)"]
    );
    store.withdraw(&id, None, true, "test").await.unwrap();
    assert!(
        changes_after(&store, Some("xa-hoi"), 0, 10)
            .await
            .changes
            .iter()
            .all(|change| change.entry.is_none())
    );
}

async fn list_query(store: &Store, asked: ArticleQuery) -> ArticlePage {
    match store.query_articles(&asked).await.unwrap() {
        ArticleQueryResult::Page(page) => page,
        other => panic!("{other:?}"),
    }
}

fn asked(words: Option<&str>) -> ArticleQuery {
    ArticleQuery { words: words.map(str::to_owned), limit: 100, bytes: usize::MAX, ..ArticleQuery::default() }
}

/// The titles of all matches, newest first.
async fn finds(store: &Store, words: &str) -> Vec<String> {
    let page = list_query(store, asked(Some(words))).await;
    page.items.into_iter().map(|item| item.entry.article.title).collect()
}

async fn words_are_found_without_diacritics_and_in_any_order(home: Home) {
    let store = home.open().await;
    let text = article("Huyện Ða\u{306}k Tô phát động “thi đua”", SAMPLE_ARTICLE);
    take(&store, file("xa-hoi/a.txt", "1", text)).await;
    take(&store, file("xa-hoi/b.txt", "2", article("Đắk Hà đón khách", SAMPLE_ARTICLE + 60))).await;
    for (words, found) in [
        ("dak to", 1),
        ("Đăk Tô", 1),
        ("ĐẮK TÔ", 1),
        ("to dak", 1),
        ("dak", 2),
        ("tan loc", 2),
        ("da", 0),
        ("dakto", 0),
        ("dak ha thi dua", 0),
        ("\"dak to\"", 1),
        ("\"dak", 1 + 1),
        ("dak AND to", 0),
        ("dak* to", 1),
        ("folded:dak", 0),
        ("dak'; DROP TABLE article; --", 0),
        ("-dak (to)^2", 0),
        ("dak%to_", 1),
        ("dak\0to", 1),
        ("***", 0),
        ("", 0),
        (&"dak ".repeat(2000), 2),
    ] {
        assert_eq!(finds(&store, words).await.len(), found, "{words:?}");
    }
    assert_eq!(finds(&store, "dak").await[0], "Đắk Hà đón khách", "newest first");
}

async fn months_sitemap_entries_corrections_and_phrases_are_queried(home: Home) {
    let store = home.open().await;
    let month = |year, month| Month::new(year, month).unwrap();
    let april_in_utc = 1_682_874_000; // 00:00 on 1 May in Việt Nam.
    let (old, _) =
        take(&store, file("kinh-te/cu.txt", "1", article("Tin cũ", SAMPLE_ARTICLE - 500 * 86_400))).await;
    let (id, _) =
        take(&store, file("xa-hoi/a.txt", "1", article("Phong trào thi đua", SAMPLE_ARTICLE))).await;
    take(&store, file("xa-hoi/b.txt", "1", article("Đua nhau thi", april_in_utc))).await;
    home.clock.advance(60);
    take(&store, file("xa-hoi/a.txt", "2", article("Phong trào thi đua mới", SAMPLE_ARTICLE))).await;
    let mut snapshot = store.snapshot().await.unwrap();
    let months = snapshot.months(None, DEFAULT_TIME_ZONE).await.unwrap().unwrap();
    assert_eq!(months, [month(2023, 5), month(2021, 12)]);
    let months = snapshot.months(Some(&slug("xa-hoi")), DEFAULT_TIME_ZONE).await.unwrap().unwrap();
    assert_eq!(months, [month(2023, 5)]);
    assert_eq!(snapshot.months(Some(&slug("la")), DEFAULT_TIME_ZONE).await.unwrap(), None);
    let slugs = |listing: Vec<SitemapEntry>| {
        listing.into_iter().map(|listed| listed.permalink.slug.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(slugs(snapshot.sitemap_entries(None, None, 10).await.unwrap()), ["a", "b", "cu"]);
    assert_eq!(slugs(snapshot.sitemap_entries(None, None, 1).await.unwrap()), ["a"]);
    let (first, last) = (month(2021, 12).start(DEFAULT_TIME_ZONE), month(2021, 12).end(DEFAULT_TIME_ZONE));
    assert_eq!(slugs(snapshot.sitemap_entries(Some(first), Some(last), 10).await.unwrap()), ["cu"]);
    let correction = Correction { at: home.clock.now(), reason: None };
    assert_eq!(snapshot.corrections(&id).await.unwrap(), [correction]);
    assert!(snapshot.corrections(&old).await.unwrap().is_empty());
    drop(snapshot);
    let phrase = |text| ArticleQuery { phrases: search_text::quoted_phrases(text), ..asked(Some(text)) };
    assert_eq!(list_query(&store, phrase("thi đua")).await.items.len(), 2);
    assert_eq!(list_query(&store, phrase("\"thi đua\"")).await.items.len(), 1);
    // Articles without the phrase are read as well, and count towards the size of a page.
    let bounded = ArticleQuery { bytes: 1, ..phrase("\"đua nhau\"") };
    let page = list_query(&store, bounded.clone()).await;
    assert!(page.items.len() == 1 && page.next.is_none(), "{page:?}");
    let none = ArticleQuery { bytes: 1, ..phrase("\"thi mới\"") };
    assert!(list_query(&store, none).await.items.is_empty());
}

/// The titles of the neighbours of each article in the channel, the newer one first, and the number of the revision that last changed them.
async fn neighbourhood(store: &Store, ids: &[ArticleId]) -> Vec<(String, Option<u64>)> {
    let mut snapshot = store.snapshot().await.unwrap();
    let refs = snapshot.article_refs(None, 100).await.unwrap();
    let mut found = Vec::new();
    for id in ids {
        let around = snapshot.neighbours(&slug("xa-hoi"), id).await.unwrap();
        let older: String = around.older.iter().map(|link| link.title.as_str()).collect();
        let newer = around.newer.map_or("-".to_owned(), |link| link.title);
        let changed = snapshot.neighbours_changed(id).await.unwrap();
        assert_eq!(refs.iter().find(|known| known.id == *id).unwrap().neighbours, changed);
        found.push((format!("{newer}<{older}"), changed.map(|(number, _)| number)));
    }
    found
}

async fn an_article_knows_its_neighbours_and_the_revision_that_last_changed_them(home: Home) {
    let store = home.open().await;
    let mut ids = Vec::new();
    for (index, title) in ["A", "B", "C", "D", "E", "F", "G"].into_iter().enumerate() {
        let stamp = SAMPLE_ARTICLE - 86_400 + 60 * index as i64;
        ids.push(take(&store, file(&format!("xa-hoi/{title}.txt"), "1", article(title, stamp))).await.0);
    }
    let of = |number: u64| Some(number);
    let expected = |list: &[(&str, Option<u64>)]| -> Vec<(String, Option<u64>)> {
        list.iter().map(|(links, changed)| ((*links).to_owned(), *changed)).collect()
    };
    // Each of them changed its predecessor alone.
    let first = expected(&[
        ("B<", of(2)),
        ("C<A", of(3)),
        ("D<BA", of(4)),
        ("E<CBA", of(5)),
        ("F<DCBA", of(6)),
        ("G<EDCB", of(7)),
        ("-<FEDC", None),
    ]);
    assert_eq!(neighbourhood(&store, &ids).await, first);

    // Another channel, the same text again: nothing changes.
    take(&store, file("kinh-te/k.txt", "1", article("K", SAMPLE_ARTICLE - 86_390))).await;
    take(&store, file("xa-hoi/D.txt", "1", article("D", SAMPLE_ARTICLE - 86_400 + 180))).await;
    assert_eq!(neighbourhood(&store, &ids).await, first);

    // A title is corrected: revision 9.
    home.clock.advance(60);
    take(&store, file("xa-hoi/B.txt", "2", article("b", SAMPLE_ARTICLE - 86_400 + 60))).await;
    let corrected = expected(&[
        ("b<", of(9)),
        ("C<A", None),
        ("D<bA", of(9)),
        ("E<CbA", of(9)),
        ("F<DCbA", of(9)),
        ("G<EDCb", of(9)),
        ("-<FEDC", None),
    ]);
    assert_eq!(neighbourhood(&store, &ids).await, corrected);

    // The newest is withdrawn, and one gets a date before all others: revisions 10 and 11.
    home.clock.advance(60);
    store.withdraw(&ids[6], None, false, "test").await.unwrap();
    take(&store, file("xa-hoi/E.txt", "2", article("E", SAMPLE_ARTICLE - 2 * 86_400))).await;
    let moved = expected(&[
        ("b<E", of(11)),
        ("C<AE", of(11)),
        ("D<bAE", of(11)),
        ("F<CbAE", of(11)),
        ("A<", None),
        ("-<DCbA", of(11)),
    ]);
    assert_eq!(neighbourhood(&store, &ids[..6]).await, moved);
    assert_eq!(neighbourhood(&store, &ids[6..]).await, expected(&[("-<", None)]), "it has no place");

    // The copy of a log has the same ones.
    let copy = home.same_engine();
    let target = copy.open().await;
    store.copy_to(target, bantin::store::CopyMode::Move, |_, _| {}).await.unwrap();
    assert_eq!(neighbourhood(&copy.open().await, &ids[..6]).await, moved);
}

async fn everything_with_a_url_is_listed(home: Home) {
    let store = home.open().await;
    let (a, _) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    let (b, _) = take(&store, file("xa-hoi/b.txt", "1", article("B", SAMPLE_ARTICLE - 60))).await;
    let (c, _) = take(&store, file("kinh-te/c.txt", "1", article("C", SAMPLE_ARTICLE - 40 * 86_400))).await;
    // Never published, so it has no URL.
    take(&store, file("kinh-te/mai.txt", "1", article("Mai", home.clock.now().timestamp() + 3600))).await;
    home.clock.advance(60);
    let withdrawn_at = home.clock.now();
    store.withdraw(&b, None, false, "test").await.unwrap();
    let mut snapshot = store.snapshot().await.unwrap();
    snapshot.disable_timeouts().await.unwrap();

    let roll = snapshot.article_refs(None, 10).await.unwrap();
    let told: Vec<_> = roll.iter().map(|on| (on.id.clone(), on.is_live, on.number)).collect();
    assert_eq!(told, [(c, true, 3), (a.clone(), true, 1), (b.clone(), false, 4)]);
    assert_eq!((roll[2].at, roll[2].permalink.slug.as_str()), (withdrawn_at, "b"));
    let behind: Vec<_> =
        snapshot.article_refs(Some(&a), 10).await.unwrap().into_iter().map(|on| on.id).collect();
    assert_eq!(behind, [b]);
    assert_eq!(snapshot.article_refs(None, 2).await.unwrap().len(), 2);

    let (xa_hoi, kinh_te) = (slug("xa-hoi"), slug("kinh-te"));
    assert_eq!(snapshot.last_removal(Some(&xa_hoi)).await.unwrap(), 3);
    assert_eq!(snapshot.last_removal(Some(&kinh_te)).await.unwrap(), 0);
    assert_eq!(snapshot.last_removal(None).await.unwrap(), 4);
    let state = |year, month, articles, number| MonthState {
        month: Month::new(year, month).unwrap(),
        articles,
        number,
    };
    let months = snapshot.month_states(None, DEFAULT_TIME_ZONE).await.unwrap();
    assert_eq!(months, [state(2023, 5, 1, 1), state(2023, 4, 1, 3)]);
    assert_eq!(
        snapshot.month_states(Some(&kinh_te), DEFAULT_TIME_ZONE).await.unwrap(),
        [state(2023, 4, 1, 3)]
    );
    assert_eq!(snapshot.last_modified().await.unwrap(), withdrawn_at);
}

async fn a_search_finds_the_current_text_and_nothing_withdrawn(home: Home) {
    let store = home.open().await;
    let (id, _) =
        take(&store, file("xa-hoi/a.txt", "1", article("Lễ hội cồng chiêng", SAMPLE_ARTICLE))).await;
    take(&store, file("xa-hoi/a.txt", "2", article("Lễ hội đua thuyền", SAMPLE_ARTICLE - 86_400))).await;
    assert!(finds(&store, "cong chieng").await.is_empty());
    assert_eq!(finds(&store, "dua thuyen").await.len(), 1);
    let in_channel = |channel| ArticleQuery { channel: Some(slug(channel)), ..asked(Some("le hoi")) };
    take(&store, file("kinh-te/b.txt", "2", article("Giá cà phê", SAMPLE_ARTICLE))).await;
    assert_eq!(list_query(&store, in_channel("xa-hoi")).await.items.len(), 1);
    assert!(list_query(&store, in_channel("kinh-te")).await.items.is_empty());
    let la = ArticleQuery { channel: Some(slug("la")), ..asked(None) };
    assert_eq!(store.query_articles(&la).await.unwrap(), ArticleQueryResult::UnknownChannel);

    store.withdraw(&id, None, false, "test").await.unwrap();
    assert!(finds(&store, "dua thuyen").await.is_empty());
    assert_eq!(list_query(&store, asked(None)).await.items.len(), 1);
    assert!(matches!(store.article_by_id(&id).await.unwrap(), ArticleLookup::Withdrawn(_)));
    store.restore(&id, "test").await.unwrap();
    assert_eq!(finds(&store, "dua thuyen").await.len(), 1);
    assert!(matches!(store.article_by_id(&id).await.unwrap(), ArticleLookup::Live { .. }));
    take(&store, file("xa-hoi/mai.txt", "1", article("Lễ hội ngày mai", SAMPLE_ARTICLE + 864_000))).await;
    assert!(finds(&store, "ngay mai").await.is_empty(), "what waits for its moment is nobody's yet");

    // The text as it is stored, compressed.
    let stored: Vec<Vec<u8>> = match &home.place {
        Place::Folder(_) => {
            let sql = "SELECT content FROM revision WHERE article = ?1 AND content IS NOT NULL";
            let file = rusqlite::Connection::open(home.file()).unwrap();
            let mut rows = file.prepare(sql).unwrap();
            rows.query_map([id.as_str()], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
        }
        Place::Schema(_) => vec![],
    };
    store.withdraw(&id, None, true, "test").await.unwrap();
    store.close().await;
    let bytes = home.bytes();
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(holds(b"kinh-te/b.txt"), "what stands is there");
    for erased in ["thuyen", "thuyền", "uyen"] {
        assert!(!holds(erased.as_bytes()), "{erased} is still there");
    }
    if let Place::Folder(_) = home.place {
        assert_eq!(stored.len(), 3);
        assert!(stored.iter().all(|text| !holds(text)), "a text is still there");
        let blank = rusqlite::Connection::open(home.file()).unwrap();
        let count = "SELECT COUNT(*) FROM search WHERE search MATCH 'thuyen'";
        assert_eq!(blank.query_row(count, [], |row| row.get(0)), Ok(0));
        blank
            .execute("INSERT INTO search (search) VALUES ('integrity-check')", [])
            .expect("the index is whole");
    }
}

async fn the_list_continues_where_it_stopped_despite_concurrent_changes(home: Home) {
    let store = home.open().await;
    // Three articles share each second.
    for number in 0..30 {
        let text = article(&format!("Bài {number}"), SAMPLE_ARTICLE + number / 3);
        take(&store, file(&format!("xa-hoi/bai-{number}.txt"), "1", text)).await;
    }
    let all: Vec<_> = (0..30).rev().map(|number| format!("Bài {number}")).collect();
    for words in [None, Some("bai")] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = list_query(&store, ArticleQuery { after, limit: 7, ..asked(words) }).await;
            seen.extend(page.items.into_iter().map(|item| item.entry.article.title));
            // Newer articles arrive, and the last one of the page is corrected.
            let newer = article("Bài mới", SAMPLE_ARTICLE + 500);
            take(&store, file(&format!("xa-hoi/moi-{}.txt", seen.len()), "1", newer)).await;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let (_, old): (Vec<_>, Vec<_>) = seen.into_iter().partition(|title| title == "Bài mới");
        assert_eq!(old, all, "{words:?}");
    }
    let at = |seconds| Some(from_unix(SAMPLE_ARTICLE + seconds));
    let range = ArticleQuery { from: at(2), to: at(3), ..asked(None) };
    let page = list_query(&store, range.clone()).await;
    let titles: Vec<_> = page.items.iter().map(|item| item.entry.article.title.as_str()).collect();
    assert_eq!(titles, ["Bài 11", "Bài 10", "Bài 9", "Bài 8", "Bài 7", "Bài 6"]);
    let found = list_query(&store, ArticleQuery { words: Some("bai".to_owned()), ..range }).await;
    assert_eq!(found, page);
    let exact = list_query(&store, ArticleQuery { from: at(0), to: at(0), limit: 3, ..asked(None) }).await;
    assert_eq!((exact.items.len(), exact.next), (3, None), "nothing follows a page that is exactly full");
}

async fn a_page_ends_at_its_size_limit(home: Home) {
    let store = home.open().await;
    for number in 0..10 {
        let mut long = article(&format!("Bài {number}"), SAMPLE_ARTICLE + number);
        long.body = vec![Block::Paragraph { text: "dài ".repeat(1000) }];
        take(&store, file(&format!("xa-hoi/bai-{number}.txt"), "1", long)).await;
    }
    let changes = ChangesQuery { channel: None, after: 0, until: None, limit: 1000, bytes: 12_000 };
    let ChangesResult::Page(page) = store.changes(&changes).await.unwrap() else { panic!() };
    assert_eq!((page.changes.len(), page.next, page.head), (3, 3, 10));
    let first = list_query(&store, ArticleQuery { bytes: 12_000, ..asked(None) }).await;
    assert_eq!(first.items.len(), 3);
    let rest = list_query(&store, ArticleQuery { after: first.next, ..asked(None) }).await;
    assert_eq!((rest.items.len(), rest.next), (7, None));
}

async fn a_store_of_an_older_version_can_be_searched(home: Home) {
    let store = home.open().await;
    for number in 0..3 {
        let path = format!("xa-hoi/bai-{number}.txt");
        take(&store, file(&path, "1", article(&format!("Bài {number} Đăk Tô"), SAMPLE_ARTICLE))).await;
    }
    let expected = list_query(&store, asked(None)).await;
    store.close().await;
    // As found by the migration: without sort key.
    for sql in ["UPDATE article SET place = NULL", "UPDATE membership SET place = 0"] {
        assert_eq!(home.alter(sql).await % 3, 0);
    }
    let store = home.open().await;
    assert_eq!(list_query(&store, asked(Some("dak to"))).await, expected);
    assert_eq!(list_query(&store, asked(None)).await, expected);
}

async fn the_log_keeps_its_id_and_a_new_store_has_another(home: Home) {
    let first = home.open().await.log_id().to_owned();
    assert_eq!(home.open().await.log_id(), first);
    assert_ne!(home.same_engine().open().await.log_id(), first);
}

async fn only_visible_changes_advance_the_config_epoch(home: Home) {
    let store = home.open().await;
    store.apply_config("one").await.unwrap();
    let before =
        (store.snapshot().await.unwrap().config_modified_at().await.unwrap(), *store.subscribe().borrow());
    home.clock.advance(100);
    store.apply_config("one").await.unwrap();
    assert_eq!(
        (store.snapshot().await.unwrap().config_modified_at().await.unwrap(), *store.subscribe().borrow()),
        before
    );
    store.create_channel(&slug("dat-nguoi"), Some("Đất & Người")).await.unwrap();
    assert_eq!(store.subscribe().borrow().config_epoch, before.1.config_epoch);
    assert!(store.snapshot().await.unwrap().channels().await.unwrap().is_empty(), "nobody hears of it yet");
    put(&home, &store, "a", "a", &["dat-nguoi"]).await;
    assert_eq!(store.subscribe().borrow().config_epoch, before.1.config_epoch + 1);
    assert_eq!(
        store.snapshot().await.unwrap().channels().await.unwrap()[0].title.as_deref(),
        Some("Đất & Người")
    );
    assert_eq!(
        store.snapshot().await.unwrap().config_modified_at().await.unwrap(),
        before.0,
        "a new channel changes no other's documents"
    );
    home.clock.advance(100);
    store.create_channel(&slug("dat-nguoi"), Some("Đất và Người")).await.unwrap();
    let now = home.clock.now();
    assert_eq!(live(&store, "dat-nguoi").await.state.last_modified, now);
}

async fn a_second_import_corrects_the_articles_of_the_first(home: Home) {
    let store = home.open().await;
    let (id, outcome) =
        take(&store, import("cũ", "xa-hoi/2019/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    assert_eq!(id.as_str(), "tag:dakto.example,2023:2023-05-12/a", "named as a file of the folder would be");
    assert_eq!(outcome, SubmitOutcome::Published(1));
    let again = take(&store, import("cũ", "xa-hoi/2019/a.txt", "2", article("A sửa", SAMPLE_ARTICLE))).await;
    assert_eq!(again, (id.clone(), SubmitOutcome::Corrected(2)));
    let of_another_day = article("A sửa", SAMPLE_ARTICLE - 86_400);
    let again = take(&store, import("cũ", "xa-hoi/2019/a.txt", "3", of_another_day)).await;
    assert_eq!(
        again,
        (id.clone(), SubmitOutcome::Corrected(3)),
        "its title tells that only its day was corrected"
    );
    let again =
        take(&store, import("cũ", "xa-hoi/2019/a.txt", "4", article("A nữa", SAMPLE_ARTICLE - 86_400))).await;
    assert_eq!(again, (id.clone(), SubmitOutcome::Corrected(4)), "and it is known by its new day");
    let mut elsewhere = article("A nữa", SAMPLE_ARTICLE);
    elsewhere.source = Some("TTXVN".to_owned());
    let again = take(&store, import("cũ (2)", "xa-hoi/2019/a.txt", "5", elsewhere)).await;
    assert_eq!(again, (id, SubmitOutcome::Corrected(5)), "also from an archive of another name");
    assert_eq!(store.list(None, None, 10).await.unwrap().len(), 1);
}

async fn importing_again_undoes_nothing(home: Home) {
    let store = home.open().await;
    let first = import("cũ", "xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE));
    let Source::Import(imported) = first.source.clone() else { unreachable!() };
    let other = ImportedFile { hash: "2".to_owned(), ..imported.clone() };
    assert_eq!(store.already_imported(std::slice::from_ref(&imported)).await.unwrap(), [false]);
    let (id, _) = take(&store, first.clone()).await;
    assert_eq!(store.already_imported(&[imported.clone(), other]).await.unwrap(), [true, false]);
    take(&store, file("xa-hoi/a.txt", "2", article("A sửa", SAMPLE_ARTICLE))).await;
    assert_eq!(take(&store, first.clone()).await, (id.clone(), SubmitOutcome::Unchanged));
    assert_eq!(titles(&live(&store, "xa-hoi").await), ["A sửa"]);
    store.withdraw(&id, None, false, "test").await.unwrap();
    assert_eq!(take(&store, first.clone()).await.1, SubmitOutcome::Unchanged);
    assert!(live(&store, "xa-hoi").await.entries.is_empty());
    store.restore(&id, "test").await.unwrap();
    assert_eq!(store.already_imported(&[imported]).await.unwrap(), [false], "it is compared anew");
}

async fn a_scan_does_not_withdraw_imported_articles(home: Home) {
    let store = home.open().await;
    let (id, _) = take(&store, import("cũ", "xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    assert!(store.files().await.unwrap().is_empty(), "no scan misses a file of it");
    let (same, outcome) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    assert_eq!((same, outcome), (id.clone(), SubmitOutcome::Unchanged));
    assert_eq!(store.file_removed("xa-hoi/a.txt").await.unwrap(), FileRemovalOutcome::Nothing);
    take(&store, file("kinh-te/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    assert_eq!(live(&store, "kinh-te").await.entries[0].id, id);
    assert_eq!(store.file_removed("kinh-te/a.txt").await.unwrap(), FileRemovalOutcome::Moved(3));
    assert_eq!(titles(&live(&store, "xa-hoi").await), ["A"]);
    assert!(live(&store, "kinh-te").await.entries.is_empty());

    take(&store, file("xa-hoi/b.txt", "1", article("B", SAMPLE_ARTICLE))).await;
    take(&store, import("cũ", "xa-hoi/b.txt", "1", article("B", SAMPLE_ARTICLE))).await;
    assert_eq!(
        store.file_removed("xa-hoi/b.txt").await.unwrap(),
        FileRemovalOutcome::Nothing,
        "what was put away in the archive stays published"
    );
}

async fn a_file_in_the_folder_corrects_the_imported_article(home: Home) {
    let store = home.open().await;
    let (id, _) = take(&store, import("cũ", "xa-hoi/2019/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    let same_text = take(&store, file("xa-hoi/a.txt", "2", article("A", SAMPLE_ARTICLE))).await;
    assert_eq!(same_text, (id.clone(), SubmitOutcome::Unchanged), "no second article, whatever its bytes");
    let corrected = take(&store, file("xa-hoi/a.txt", "3", article("A sửa", SAMPLE_ARTICLE))).await;
    assert_eq!(corrected, (id.clone(), SubmitOutcome::Corrected(2)));
    let late = import("cũ", "xa-hoi/2019/a.txt", "4", article("A khác", SAMPLE_ARTICLE));
    let (_, outcome) = take(&store, late).await;
    assert_eq!(outcome, SubmitOutcome::Conflict { with: "xa-hoi/a.txt".to_owned() }, "the folder is nearer");

    take(&store, import("cũ", "xa-hoi/b.txt", "1", article("B", SAMPLE_ARTICLE))).await;
    let (_, outcome) = take(&store, file("kinh-te/b.txt", "2", article("Bài khác", SAMPLE_ARTICLE))).await;
    assert_eq!(outcome, SubmitOutcome::Conflict { with: "cũ: xa-hoi/b.txt".to_owned() });
    let (_, outcome) = take(&store, file("kinh-te/b.txt", "3", article("B", SAMPLE_ARTICLE))).await;
    assert_eq!(outcome, SubmitOutcome::Moved(4), "it stands in both channels");
    assert_eq!(store.list(None, None, 10).await.unwrap().len(), 2);
}

async fn importing_a_file_of_the_folder_changes_nothing(home: Home) {
    let store = home.open().await;
    let mut with_picture = article("A", SAMPLE_ARTICLE);
    with_picture.images.push(Image {
        name: "abc.jpg".to_owned(),
        media_type: "image/jpeg".to_owned(),
        width: 4,
        height: 3,
        size: 9,
        copies: Vec::new(),
    });
    let (id, _) = take(&store, file("xa-hoi/a.txt", "1", with_picture)).await;
    let (_, outcome) =
        take(&store, import("cũ", "xa-hoi/a.txt", "2", article("A khác", SAMPLE_ARTICLE))).await;
    assert_eq!(outcome, SubmitOutcome::Conflict { with: "xa-hoi/a.txt".to_owned() });
    for (place, hash) in [("xa-hoi/a.txt", "1"), ("xa-hoi/sâu/a.txt", "3")] {
        let same = take(&store, import("cũ", place, hash, article("A", SAMPLE_ARTICLE))).await;
        assert_eq!(same, (id.clone(), SubmitOutcome::Unchanged));
    }
    assert_eq!(live(&store, "xa-hoi").await.entries[0].article.images.len(), 1, "the picture stays");
}

async fn two_archives_never_overwrite_articles_of_each_other(home: Home) {
    let store = home.open().await;
    let (first, _) =
        take(&store, import("Lộc", "xa-hoi/1.txt", "1", article("Bài của Lộc", SAMPLE_ARTICLE))).await;
    let huyen = import("Huyền", "xa-hoi/1.txt", "2", article("Bài của Huyền", SAMPLE_ARTICLE));
    let conflict = SubmitOutcome::Conflict { with: "Lộc: xa-hoi/1.txt".to_owned() };
    assert_eq!(take(&store, huyen.clone()).await, (first.clone(), conflict.clone()));
    let deeper = import("Lộc", "xa-hoi/sâu/1.txt", "3", article("Bài khác của Lộc", SAMPLE_ARTICLE));
    assert_eq!(take(&store, deeper).await.1, conflict);
    assert_eq!(take(&store, huyen).await.1, conflict, "also when it is tried again");
    assert_eq!(titles(&live(&store, "xa-hoi").await), ["Bài của Lộc"]);
    // Another archive with the same name, whose first article has another day.
    let other = import("Lộc", "xa-hoi/1.txt", "4", article("Chuyện khác", SAMPLE_ARTICLE - 5 * 86_400));
    let (second, outcome) = take(&store, other.clone()).await;
    assert_eq!(outcome, SubmitOutcome::Published(2));
    assert_ne!(first, second);
    assert_eq!(take(&store, other).await, (second, SubmitOutcome::Unchanged));
    let again = import("Lộc", "xa-hoi/1.txt", "1", article("Bài của Lộc", SAMPLE_ARTICLE));
    assert_eq!(take(&store, again).await, (first.clone(), SubmitOutcome::Unchanged));
    let corrected = import("Lộc", "xa-hoi/1.txt", "5", article("Bài của Tấn Lộc", SAMPLE_ARTICLE));
    assert_eq!(take(&store, corrected).await, (first, SubmitOutcome::Corrected(3)));
}

async fn an_import_into_a_second_channel_is_one_article_if_the_text_is_equal(home: Home) {
    let store = home.open().await;
    let (id, _) = take(&store, import("cũ", "xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    let second = take(&store, import("cũ", "kinh-te/a.docx", "2", article("A", SAMPLE_ARTICLE))).await;
    assert_eq!(second, (id.clone(), SubmitOutcome::Moved(2)));
    let corrected = take(&store, import("cũ", "xa-hoi/a.txt", "3", article("A sửa", SAMPLE_ARTICLE))).await;
    assert_eq!(corrected, (id.clone(), SubmitOutcome::Corrected(3)));
    let corrected = take(&store, import("cũ", "kinh-te/a.docx", "4", article("A sửa", SAMPLE_ARTICLE))).await;
    assert_eq!(corrected, (id, SubmitOutcome::Unchanged));
    assert_eq!(live(&store, "kinh-te").await.entries, live(&store, "xa-hoi").await.entries);
}

async fn an_import_restores_a_removed_file_but_not_a_withdrawal_by_command(home: Home) {
    let store = home.open().await;
    let (gone, _) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    let (withdrawn, _) = take(&store, file("xa-hoi/b.txt", "1", article("B", SAMPLE_ARTICLE))).await;
    store.file_removed("xa-hoi/a.txt").await.unwrap();
    store.withdraw(&withdrawn, None, false, "test").await.unwrap();
    let back = take(&store, import("cũ", "xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    assert_eq!(back, (gone, SubmitOutcome::Restored(5)));
    let stays = take(&store, import("cũ", "xa-hoi/b.txt", "1", article("B", SAMPLE_ARTICLE))).await;
    assert_eq!(stays, (withdrawn, SubmitOutcome::WithdrawnByOperator));
    assert_eq!(titles(&live(&store, "xa-hoi").await), ["A"]);
}

async fn an_imported_article_with_a_future_date_is_scheduled(home: Home) {
    let due = SAMPLE_ARTICLE + 5000;
    let store = home.open().await;
    let tomorrow = import("cũ", "xa-hoi/mai.txt", "1", article("Ngày mai", due));
    let (id, outcome) = take(&store, tomorrow.clone()).await;
    assert_eq!(outcome, SubmitOutcome::Scheduled(from_unix(due)));
    assert_eq!(take(&store, tomorrow).await, (id.clone(), SubmitOutcome::Unchanged));
    home.clock.advance(5000);
    let published = store.publish_due().await.unwrap();
    assert_eq!((&published[0].id, &published[0].outcome), (&id, &SubmitOutcome::Published(1)));
}

async fn a_channel_is_renamed_and_an_aggregate_is_rebuilt(home: Home) {
    let store = home.open().await;
    for (number, path) in
        ["xa-hoi/a.txt", "kinh-te/b.txt", "y-te/c.txt", "xa-hoi/d.txt"].into_iter().enumerate()
    {
        home.clock.advance(10);
        take(&store, file(path, "1", article(path, SAMPLE_ARTICLE - number as i64))).await;
    }
    store.create_token("Văn phòng", Some(&[slug("xa-hoi")])).await.unwrap().unwrap();
    store.file_removed("kinh-te/b.txt").await.unwrap();
    let before = live(&store, "xa-hoi").await;
    store.close().await;

    let renamed =
        Channel { former_slugs: vec![slug("xa-hoi")], ..Channel::new(slug("doi-song"), "Đời sống") };
    let parent = |members: &[&str]| Channel {
        includes: members.iter().map(|member| slug(member)).collect(),
        ..Channel::new(slug("tong-hop"), "Tổng hợp")
    };
    let store = home.open_with(vec![renamed.clone(), parent(&["doi-song", "kinh-te"])]).await;
    store.apply_config("other names").await.unwrap();
    let known = store.snapshot().await.unwrap().channels().await.unwrap();
    let names: Vec<_> =
        known.iter().map(|known| (known.slug.as_str(), known.original_slug.as_str())).collect();
    assert_eq!(
        names,
        [("doi-song", "xa-hoi"), ("kinh-te", "kinh-te"), ("tong-hop", "tong-hop"), ("y-te", "y-te")]
    );
    let after = live(&store, "doi-song").await;
    assert_eq!((titles(&after), after.state.number), (titles(&before), before.state.number));
    assert!(after.entries.iter().all(|entry| entry.channels == [slug("doi-song")]));
    let tokens = store.tokens().await.unwrap();
    assert_eq!(tokens[0].channels, Some(vec![slug("doi-song")]));

    // The log of the parent is that of its members, including the withdrawal, and continues with them.
    let kinds = |page: &ChangesPage| -> Vec<(u64, &str)> {
        page.changes.iter().map(|change| (change.number, change.kind.name())).collect()
    };
    let page = changes_after(&store, Some("tong-hop"), 0, 100).await;
    assert_eq!(kinds(&page), [(1, "published"), (2, "published"), (4, "published"), (5, "withdrawn")]);
    take(&store, file("kinh-te/e.txt", "1", article("e", SAMPLE_ARTICLE))).await;
    take(&store, file("y-te/f.txt", "1", article("f", SAMPLE_ARTICLE))).await;
    assert_eq!(kinds(&changes_after(&store, Some("tong-hop"), 5, 100).await), [(6, "published")]);
    assert_eq!(titles(&live(&store, "tong-hop").await), ["xa-hoi/a.txt", "e", "xa-hoi/d.txt"]);
    let log = store.log_id_for(Some(&slug("tong-hop")));
    store.close().await;

    let store = home.open_with(vec![renamed, parent(&["y-te"])]).await;
    store.apply_config("other members").await.unwrap();
    assert_eq!(titles(&live(&store, "tong-hop").await), ["f", "y-te/c.txt"]);
    assert_ne!(store.log_id_for(Some(&slug("tong-hop"))), log, "it does not go on from what it was");
    store.close().await;
}

async fn the_pages_that_changed_are_listed_once_each(home: Home) {
    let store = home.open().await;
    for path in ["xa-hoi/a.txt", "xa-hoi/b.txt"] {
        take(&store, file(path, "1", article(path, SAMPLE_ARTICLE))).await;
    }
    home.clock.advance(10);
    take(&store, file("xa-hoi/a.txt", "2", article("corrected", SAMPLE_ARTICLE))).await;
    store.file_removed("xa-hoi/b.txt").await.unwrap();
    for (after, limit, slugs, next) in
        [(0, 100, vec!["a", "b"], 4), (0, 3, vec!["a", "b"], 3), (3, 100, vec!["b"], 4), (4, 100, vec![], 4)]
    {
        let pages = store.pages_changed_after(after, limit).await.unwrap();
        let found: Vec<&str> = pages.permalinks.iter().map(|permalink| permalink.slug.as_str()).collect();
        assert_eq!((found, pages.next), (slugs, next), "after {after}, at most {limit}");
    }
    store.close().await;
}

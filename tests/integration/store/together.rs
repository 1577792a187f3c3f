//! Many new articles are written together, with few statements. Whether they are must not be seen in the log.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{
    Home, Place, Requirement, SAMPLE_ARTICLE, article, file, finds, import, is_missing, named, slug,
    submit_together, take,
};
use crate::support::postgres::server;
use bantin::model::{Channel, Image};
use bantin::store::{CopyMode, Source, Store, Submission, SubmitResult};
use bantin::time::{PublishedAt, from_unix};

on_every_engine! {
    articles_that_are_submitted_together_become_what_they_become_one_by_one
    a_correction_and_a_newer_article_in_one_batch_are_both_found
    a_new_article_between_two_others_is_their_neighbour_whoever_came_first
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// A submission of a small world, in which names, days, seconds, bytes and ids often meet.
fn any_submission(numbers: &mut Numbers) -> Submission {
    let channel = ["xa-hoi", "kinh-te", "y-te"][numbers.below(3)];
    let stem = format!("bai-{}", numbers.below(40));
    let published = SAMPLE_ARTICLE - numbers.below(4) as i64 * 86_400 + numbers.below(3) as i64;
    let mut text = article(&format!("Tin {stem} số {}", numbers.below(4)), published);
    if numbers.one_in(4) {
        let name = format!("{:032x}.png", numbers.below(5));
        let image = Image {
            name,
            media_type: "image/png".to_owned(),
            width: 9,
            height: 9,
            size: 99,
            copies: Vec::new(),
        };
        text.images = vec![image; 1 + numbers.below(2)];
    }
    if numbers.one_in(5) {
        text.updated = Some(from_unix(published + 900));
    }
    if numbers.one_in(12) {
        text.published =
            PublishedAt::exact(from_unix(SAMPLE_ARTICLE + 86_400 * (1 + numbers.below(500) as i64)));
    }
    let (hash, ending) = (format!("{stem}{}", numbers.below(3)), ["txt", "docx"][numbers.below(2)]);
    let path = format!("{channel}/{stem}.{ending}");
    let mut submission = match numbers.below(4) {
        0 => import(["kho", "kho (2)"][numbers.below(2)], &path, &hash, text),
        _ => file(&path, &hash, text),
    };
    if numbers.one_in(4) {
        submission.channels.push(slug("van-hoa"));
    }
    if let Source::File { renamed_from, .. } = &mut submission.source {
        *renamed_from = numbers.one_in(10).then(|| format!("{channel}/bai-{}.txt", numbers.below(40)));
    }
    if numbers.one_in(15) {
        submission =
            named(&format!("tag:dakto.example,2023:2023-05-12/bai-{}", numbers.below(40)), submission);
    }
    submission.conditions.dry_run = numbers.one_in(25);
    submission
}

async fn submit_one_by_one(store: &Store, submissions: Vec<Submission>) -> Vec<SubmitResult> {
    let mut results = Vec::new();
    for submission in submissions {
        results.push(store.submit(submission).await.unwrap());
    }
    results
}

/// All rows of the log but its id, by table, in their forms of SQLite.
async fn stored(store: &Store) -> BTreeMap<String, Vec<String>> {
    let copy = Home::sqlite();
    store.copy_to(copy.open().await, CopyMode::Backup, |_, _| {}).await.unwrap();
    let connection = rusqlite::Connection::open(copy.file()).unwrap();
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' \
                  AND name NOT LIKE 'search%' AND name NOT LIKE '%migrations'";
    let mut names = connection.prepare(tables).unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let rows_of = |table: String| {
        let columns = if table == "log" { "head, head_at, generation, channels_at" } else { "*" };
        let mut statement = connection.prepare(&format!("SELECT {columns} FROM {table}")).unwrap();
        let count = statement.column_count();
        let line = |row: &rusqlite::Row<'_>| {
            Ok((0..count).map(|column| format!("{:?} ", row.get_ref(column).unwrap())).collect::<String>())
        };
        let mut rows: Vec<String> = statement.query_map([], line).unwrap().map(Result::unwrap).collect();
        rows.sort();
        (table, rows)
    };
    names.into_iter().map(rows_of).collect()
}

async fn articles_that_are_submitted_together_become_what_they_become_one_by_one(home: Home) {
    let all =
        Channel { includes: vec![slug("y-te"), slug("van-hoa")], ..Channel::new(slug("chung"), "Chung") };
    let mut written = 0;
    for seed in 0..4 {
        let (one, other) = (home.same_engine(), home.same_engine());
        let channels = vec![Channel::new(slug("y-te"), "Y tế"), all.clone()];
        let (apart, together) = (one.open_with(channels.clone()).await, other.open_with(channels).await);
        for store in [&apart, &together] {
            store.apply_config("1").await.unwrap();
            store.create_channel(&slug("xa-hoi"), Some("Xã hội")).await.unwrap();
        }
        let mut numbers = Numbers(seed);
        for count in [1, 30, 90] {
            let submissions: Vec<_> = (0..count).map(|_| any_submission(&mut numbers)).collect();
            let expected = submit_one_by_one(&apart, submissions.clone()).await;
            assert_eq!(submit_together(&together, submissions).await, expected, "seed {seed}");
            let (found, expected) = (stored(&together).await, stored(&apart).await);
            for (table, rows) in &expected {
                assert_eq!(found.get(table), Some(rows), "seed {seed}, {table}");
            }
            assert_eq!(finds(&together, "tin so 1").await, finds(&apart, "tin so 1").await);
            written += expected["revision"].len();
        }
    }
    assert!(written > 300, "{written}");
}

/// FTS5 forgets the rows after one that is replaced in the same flush (seen with SQLite 3.50 to 3.51).
async fn a_correction_and_a_newer_article_in_one_batch_are_both_found(home: Home) {
    let store = home.open().await;
    take(&store, file("xa-hoi/le-hoi.txt", "1", article("Lễ hội", SAMPLE_ARTICLE))).await;
    let batch = vec![
        file("xa-hoi/le-hoi.txt", "2", article("Lễ hội cà phê", SAMPLE_ARTICLE)),
        file("xa-hoi/le-hoi-2.txt", "3", article("Lễ hội sâm", SAMPLE_ARTICLE + 60)),
        file("xa-hoi/le-hoi-3.txt", "4", article("Lễ hội cồng chiêng", SAMPLE_ARTICLE + 120)),
        file("xa-hoi/le-hoi-2.txt", "5", article("Hội sâm", SAMPLE_ARTICLE + 60)),
    ];
    submit_together(&store, batch).await;
    assert_eq!(finds(&store, "hoi").await, ["Lễ hội cồng chiêng", "Hội sâm", "Lễ hội cà phê"]);
    assert_eq!(finds(&store, "le hoi").await, ["Lễ hội cồng chiêng", "Lễ hội cà phê"]);
    assert_eq!(finds(&store, "doan mo dau").await.len(), 3);
}

async fn a_new_article_between_two_others_is_their_neighbour_whoever_came_first(home: Home) {
    let store = home.open().await;
    let at = |hour: i64| {
        let title = format!("Lúc {hour} giờ");
        file(
            &format!("xa-hoi/luc-{hour}.txt"),
            &title,
            article(&title, SAMPLE_ARTICLE - 86_400 + hour * 3600),
        )
    };
    let (first, _) = take(&store, at(6)).await;
    let (last, _) = take(&store, at(9)).await;
    let (far, _) = take(&store, at(12)).await;
    submit_together(&store, vec![at(8), at(7), at(5)]).await;
    assert_eq!(
        super::neighbourhood(&store, &[first, last, far]).await,
        [
            ("Lúc 7 giờ<Lúc 5 giờ".to_owned(), Some(6)),
            ("Lúc 12 giờ<Lúc 8 giờLúc 7 giờLúc 6 giờLúc 5 giờ".to_owned(), Some(6)),
            ("-<Lúc 9 giờLúc 8 giờLúc 7 giờLúc 6 giờ".to_owned(), Some(5)),
        ]
    );
}

/// A line to the server that counts the messages to which an answer was waited for.
fn counting_line(server: String) -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&count);
    let carry = |mut from: TcpStream, mut to: TcpStream, pass: Box<dyn Fn() + Send>| {
        std::thread::spawn(move || {
            let mut bytes = [0; 65_536];
            while let Ok(length @ 1..) = std::io::Read::read(&mut from, &mut bytes) {
                pass();
                if to.write_all(&bytes[..length]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(std::net::Shutdown::Both);
        });
    };
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let upstream = TcpStream::connect(&server).unwrap();
            let (answered, counter) = (Arc::new(AtomicBool::new(true)), Arc::clone(&counter));
            let mark = Arc::clone(&answered);
            let asked = move || {
                if answered.swap(false, Ordering::SeqCst) {
                    counter.fetch_add(1, Ordering::SeqCst);
                }
            };
            carry(client.try_clone().unwrap(), upstream.try_clone().unwrap(), Box::new(asked));
            carry(upstream, client, Box::new(move || mark.store(true, Ordering::SeqCst)));
        }
    });
    (address, count)
}

/// Each message takes a way to the server and back, so the number of messages decides how long a first scan takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_asked_once_for_several_new_articles() {
    if is_missing(Requirement::Postgres) {
        return;
    }
    let home = Home::postgres();
    let Place::Schema(schema) = &home.place else { panic!() };
    let server = server();
    let address = server.split(['@', '/']).nth(3).unwrap();
    let (line, messages) = counting_line(address.to_owned());
    let store = home.open_at(schema.url_at(&server.replace(address, &line.to_string())), Vec::new()).await;
    let new = |number: i64| {
        let name = format!("bai-{number}");
        file(&format!("xa-hoi/{name}.txt"), &name, article(&name, SAMPLE_ARTICLE - number * 600))
    };
    submit_together(&store, (0..2).map(new).collect()).await;
    let before = messages.load(Ordering::SeqCst);
    submit_together(&store, (2..258).map(new).collect()).await;
    let needed = messages.load(Ordering::SeqCst) - before;
    assert_eq!(store.list(None, None, 300).await.unwrap().len(), 258);
    assert!(needed < 256 / 2, "{needed} messages for 256 articles");
}

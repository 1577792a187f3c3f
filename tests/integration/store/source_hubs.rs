//! What a site that subscribes at the hubs of its sources needs of the store.

use super::{Home, Requirement, SAMPLE_ARTICLE, is_missing};
use bantin::store::{CopyMode, SourceHub};
use bantin::time::from_unix;

on_every_engine! {
    a_subscription_is_found_by_its_source_and_by_its_callback
    a_renewal_keeps_what_was_confirmed_and_another_callback_begins_anew
    what_hubs_tell_is_counted_by_callback_also_from_several_processes
    subscriptions_at_hubs_move_with_the_log
}

fn hub(source: &str, token: &str) -> SourceHub {
    SourceHub {
        source: source.to_owned(),
        token: token.to_owned(),
        hub: "https://hub.vn/".to_owned(),
        topic: format!("https://{source}.vn/atom.xml"),
        secret: "bí mật".to_owned(),
        asked_at: from_unix(SAMPLE_ARTICLE),
        expires: None,
        notified: 0,
    }
}

async fn a_subscription_is_found_by_its_source_and_by_its_callback(home: Home) {
    let store = home.open().await;
    assert_eq!(store.source_hub("xa").await.unwrap(), None);
    for (source, token) in [("xa", "t1"), ("phuong", "t2")] {
        store.set_source_hub(hub(source, token)).await.unwrap();
    }
    assert_eq!(store.source_hub("xa").await.unwrap(), Some(hub("xa", "t1")));
    assert_eq!(store.source_hub_of("t2").await.unwrap(), Some(hub("phuong", "t2")));
    assert_eq!(store.source_hub_of("t3").await.unwrap(), None);
    store.close().await;
}

async fn a_renewal_keeps_what_was_confirmed_and_another_callback_begins_anew(home: Home) {
    let store = home.open().await;
    store.set_source_hub(hub("xa", "t1")).await.unwrap();
    let end = from_unix(SAMPLE_ARTICLE + 864_000);
    store.set_source_hub_lease("t1".to_owned(), Some(end)).await.unwrap();
    store.note_source_hub("t1".to_owned()).await.unwrap();
    let confirmed = SourceHub { expires: Some(end), notified: 1, ..hub("xa", "t1") };
    assert_eq!(store.source_hub("xa").await.unwrap(), Some(confirmed.clone()));
    assert!(confirmed.is_confirmed(from_unix(SAMPLE_ARTICLE)) && !confirmed.is_confirmed(end));
    // Whoever renews it has read it before the hub has confirmed or told anything.
    let asked_at = from_unix(SAMPLE_ARTICLE + 600);
    store.set_source_hub(SourceHub { asked_at, ..hub("xa", "t1") }).await.unwrap();
    let renewed = SourceHub { asked_at, ..confirmed };
    assert_eq!(store.source_hub("xa").await.unwrap(), Some(renewed.clone()));
    // The feed names another hub: a new callback, which nobody has confirmed.
    let moved = SourceHub { hub: "https://hub2.vn/".to_owned(), ..hub("xa", "t9") };
    store.set_source_hub(moved.clone()).await.unwrap();
    let found = store.source_hub("xa").await.unwrap().unwrap();
    assert_eq!((found.expires, found.hub.as_str()), (None, "https://hub2.vn/"));
    // What is told about the old callback concerns nobody any more.
    store.note_source_hub("t1".to_owned()).await.unwrap();
    store.set_source_hub_lease("t1".to_owned(), Some(end)).await.unwrap();
    assert_eq!(store.source_hub("xa").await.unwrap(), Some(found));
    assert_eq!(store.source_hub_of("t1").await.unwrap(), None);
    store.close().await;
    // A restart changes nothing.
    let store = home.open().await;
    assert_eq!(store.source_hub_of("t9").await.unwrap().map(|hub| hub.source), Some("xa".to_owned()));
    store.close().await;
}

async fn what_hubs_tell_is_counted_by_callback_also_from_several_processes(home: Home) {
    let (one, two) = (home.open().await, home.open().await);
    one.set_source_hub(hub("xa", "t1")).await.unwrap();
    one.set_source_hub(hub("phuong", "t2")).await.unwrap();
    for store in [&one, &two, &two] {
        store.note_source_hub("t1".to_owned()).await.unwrap();
    }
    // The end of a lease, which its hub tells, leaves the count.
    two.set_source_hub_lease("t1".to_owned(), None).await.unwrap();
    for store in [&one, &two] {
        assert_eq!(store.source_hub("xa").await.unwrap().unwrap().notified, 3);
        assert_eq!(store.source_hub("phuong").await.unwrap().unwrap().notified, 0);
    }
    one.close().await;
    two.close().await;
}

async fn subscriptions_at_hubs_move_with_the_log(home: Home) {
    let store = home.open().await;
    store.set_source_hub(hub("xa", "t1")).await.unwrap();
    let there = home.same_engine();
    store.copy_to(there.open().await, CopyMode::Move, |_, _| {}).await.unwrap();
    let copy = there.open().await;
    assert_eq!(copy.source_hub("xa").await.unwrap(), Some(hub("xa", "t1")));
    copy.close().await;
}

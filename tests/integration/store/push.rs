//! What the hub needs of the store: requests, subscriptions, and how far everybody was told.

use super::{Home, Requirement, SAMPLE_ARTICLE, is_missing};
use bantin::store::{
    CopyMode, NewSubscriptionRequest, PushTarget, Store, Subscription, SubscriptionMode, SubscriptionRequest,
    TargetProgress,
};
use bantin::time::from_unix;

on_every_engine! {
    a_request_becomes_a_subscription_when_it_is_confirmed
    a_later_request_replaces_an_earlier_one_and_is_not_lost_when_that_is_confirmed
    a_renewal_changes_secret_and_lease_and_keeps_what_the_subscriber_was_told
    the_number_of_subscriptions_is_limited_and_renewals_are_not
    progress_is_kept_for_each_target_and_never_revives_a_subscription
    subscriptions_move_with_the_log
}

const TOPIC: &str = "/xa-hoi/atom.xml";

fn asking(callback: &str, mode: SubscriptionMode) -> NewSubscriptionRequest {
    NewSubscriptionRequest {
        topic: TOPIC.to_owned(),
        callback: callback.to_owned(),
        mode,
        secret: Some("mật".to_owned()),
        lease: 3600,
        log: "log".to_owned(),
        delivered: 7,
    }
}

async fn request(store: &Store, request: NewSubscriptionRequest) -> SubscriptionRequest {
    assert!(store.request_subscription(request, 100).await.unwrap());
    store.subscription_requests(100).await.unwrap().pop().unwrap()
}

async fn subscribe(store: &Store, callback: &str) -> Subscription {
    let asked = request(store, asking(callback, SubscriptionMode::Subscribe)).await;
    store.confirm_subscription(asked, from_unix(SAMPLE_ARTICLE + 9000)).await.unwrap();
    let found = store.subscriptions().await.unwrap();
    found.into_iter().find(|subscription| subscription.callback == callback).unwrap()
}

async fn a_request_becomes_a_subscription_when_it_is_confirmed(home: Home) {
    let (store, other) = (home.open().await, home.open().await);
    let asked = asking("https://a.vn/", SubscriptionMode::Subscribe);
    let stored = request(&store, asked.clone()).await;
    assert_eq!(stored.request, asked);
    assert_eq!(other.subscriptions().await.unwrap(), []);
    assert_eq!(
        other.subscription_requests(100).await.unwrap(),
        std::slice::from_ref(&stored),
        "all processes see it"
    );

    store.confirm_subscription(stored.clone(), from_unix(SAMPLE_ARTICLE + 9000)).await.unwrap();
    assert_eq!(other.subscription_requests(100).await.unwrap(), []);
    let expected = Subscription {
        topic: TOPIC.to_owned(),
        callback: "https://a.vn/".to_owned(),
        secret: Some("mật".to_owned()),
        number: stored.number,
        since: from_unix(SAMPLE_ARTICLE + 1000),
        expires: from_unix(SAMPLE_ARTICLE + 9000),
        progress: TargetProgress { log: "log".to_owned(), delivered: 7, ..TargetProgress::default() },
    };
    assert_eq!(other.subscriptions().await.unwrap(), [expected]);
    assert_eq!(other.subscriptions_version().await.unwrap(), (1, stored.number));

    let asked = request(&store, asking("https://a.vn/", SubscriptionMode::Unsubscribe)).await;
    assert!(asked.number > stored.number);
    assert_eq!(store.subscriptions().await.unwrap().len(), 1, "not before it is confirmed");
    store.confirm_subscription(asked, from_unix(0)).await.unwrap();
    assert_eq!(store.subscriptions().await.unwrap(), []);
    assert_eq!(store.subscriptions_version().await.unwrap(), (0, 0));
}

/// A subscriber renews while its first request is being verified (w3c/websub#174).
async fn a_later_request_replaces_an_earlier_one_and_is_not_lost_when_that_is_confirmed(home: Home) {
    let store = home.open().await;
    let first = request(&store, asking("https://a.vn/", SubscriptionMode::Subscribe)).await;
    let renewal = NewSubscriptionRequest {
        secret: None,
        lease: 7200,
        delivered: 9,
        ..asking("https://a.vn/", SubscriptionMode::Subscribe)
    };
    let second = request(&store, renewal).await;
    assert!(second.number > first.number);
    assert_eq!((second.request.lease, &second.request.secret), (7200, &None));
    assert_eq!(second.request.delivered, 7, "nothing since the first request is lost");

    store.confirm_subscription(first, from_unix(SAMPLE_ARTICLE + 9000)).await.unwrap();
    assert_eq!(store.subscriptions().await.unwrap().len(), 1, "what was confirmed holds");
    assert_eq!(store.subscription_requests(100).await.unwrap(), std::slice::from_ref(&second));
    store.drop_subscription_request(second.number).await.unwrap();
    assert_eq!(store.subscription_requests(100).await.unwrap(), []);
    assert_eq!(store.subscriptions().await.unwrap()[0].secret.as_deref(), Some("mật"));
}

async fn a_renewal_changes_secret_and_lease_and_keeps_what_the_subscriber_was_told(home: Home) {
    let store = home.open().await;
    let before = subscribe(&store, "https://a.vn/").await;
    let target = PushTarget::Subscription { topic: TOPIC.to_owned(), callback: before.callback.clone() };
    let told = TargetProgress {
        log: "log".to_owned(),
        delivered: 12,
        failures: 3,
        retry_at: Some(from_unix(SAMPLE_ARTICLE + 5000)),
        last_success: Some(from_unix(SAMPLE_ARTICLE)),
        error: Some("503".to_owned()),
    };
    store.record_progress(vec![(target, told.clone())]).await.unwrap();
    assert_eq!(store.subscriptions().await.unwrap()[0].progress, told);
    home.clock.advance(100);
    let renewal = NewSubscriptionRequest {
        secret: Some("mới".to_owned()),
        delivered: 15,
        ..asking("https://a.vn/", SubscriptionMode::Subscribe)
    };
    let renewal = request(&store, renewal).await;
    store.confirm_subscription(renewal.clone(), from_unix(SAMPLE_ARTICLE + 20_000)).await.unwrap();
    let expected = Subscription {
        secret: Some("mới".to_owned()),
        number: renewal.number,
        expires: from_unix(SAMPLE_ARTICLE + 20_000),
        progress: TargetProgress { failures: 0, retry_at: None, error: None, ..told },
        ..before
    };
    assert_eq!(store.subscriptions().await.unwrap(), [expected]);
}

async fn the_number_of_subscriptions_is_limited_and_renewals_are_not(home: Home) {
    let store = home.open().await;
    subscribe(&store, "https://a.vn/").await;
    let ask = async |callback: &str| {
        store.request_subscription(asking(callback, SubscriptionMode::Subscribe), 2).await.unwrap()
    };
    assert!(ask("https://b.vn/").await);
    assert!(!ask("https://c.vn/").await, "requests count as well");
    assert!(ask("https://a.vn/").await);
    assert!(ask("https://b.vn/").await);
    assert_eq!(store.subscription_requests(100).await.unwrap().len(), 2);
    assert_eq!(store.subscription_requests(1).await.unwrap().len(), 1);
}

async fn progress_is_kept_for_each_target_and_never_revives_a_subscription(home: Home) {
    let store = home.open().await;
    let subscription = subscribe(&store, "https://a.vn/").await;
    let target = PushTarget::Subscription { topic: TOPIC.to_owned(), callback: subscription.callback };
    let webhook = |name: &str| PushTarget::Configured { kind: "webhook", name: name.to_owned() };
    let told = |delivered| TargetProgress { log: "log".to_owned(), delivered, ..TargetProgress::default() };
    store.end_subscription(TOPIC.to_owned(), "https://a.vn/".to_owned()).await.unwrap();
    store
        .record_progress(vec![(target, told(8)), (webhook("b"), told(2)), (webhook("a"), told(1))])
        .await
        .unwrap();
    store.record_progress(vec![(webhook("b"), told(3))]).await.unwrap();
    assert_eq!(store.subscriptions().await.unwrap(), []);
    let expected = [("a".to_owned(), told(1)), ("b".to_owned(), told(3))];
    assert_eq!(store.push_targets("webhook").await.unwrap(), expected);
    assert_eq!(store.push_targets("hub").await.unwrap(), []);
}

async fn subscriptions_move_with_the_log(home: Home) {
    let store = home.open().await;
    let subscription = subscribe(&store, "https://a.vn/").await;
    let waiting = request(&store, asking("https://b.vn/", SubscriptionMode::Subscribe)).await;
    let there = home.same_engine();
    store.copy_to(there.open().await, CopyMode::Move, |_, _| {}).await.unwrap();
    let copy = there.open().await;
    assert_eq!(copy.subscriptions().await.unwrap(), [subscription]);
    assert_eq!(copy.subscription_requests(100).await.unwrap(), [waiting]);
}

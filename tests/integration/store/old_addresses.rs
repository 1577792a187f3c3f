//! The addresses that imported articles had before.

use super::{Home, Requirement, SAMPLE_ARTICLE, article, file, is_missing, take};
use bantin::store::CopyMode;

on_every_engine! {
    an_old_address_leads_to_its_article_and_never_to_another
    old_addresses_of_published_articles_are_listed_in_order
    old_addresses_move_with_the_log
    an_address_that_is_too_long_is_not_kept_and_does_no_harm
}

async fn an_old_address_leads_to_its_article_and_never_to_another(home: Home) {
    let (store, other) = (home.open().await, home.open().await);
    let (first, _) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    let (second, _) = take(&store, file("xa-hoi/b.txt", "2", article("B", SAMPLE_ARTICLE + 60))).await;
    let claims = vec![("/2019/05/họp".to_owned(), first.clone()), ("/?p=1".to_owned(), first.clone())];
    let holders = store.add_old_addresses(claims.clone()).await.unwrap();
    assert_eq!(holders, [Some(first.clone()), Some(first.clone())]);
    assert_eq!(store.add_old_addresses(claims).await.unwrap(), holders, "again changes nothing");
    let claim = vec![("/?p=1".to_owned(), second)];
    assert_eq!(store.add_old_addresses(claim).await.unwrap(), [Some(first)], "it stays with the first");
    let found = other.article_of_old_address("/2019/05/họp").await.unwrap().unwrap();
    assert_eq!(found.to_string(), "2023-05-12/a");
    assert_eq!(other.article_of_old_address("/?p=1").await.unwrap(), Some(found));
    assert_eq!(other.article_of_old_address("/?p=2").await.unwrap(), None);
}

async fn old_addresses_of_published_articles_are_listed_in_order(home: Home) {
    let store = home.open().await;
    let (first, _) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    let (second, _) = take(&store, file("xa-hoi/b.txt", "2", article("B", SAMPLE_ARTICLE + 60))).await;
    let claims = [("/đ", &first), ("/a", &second), ("/Z", &first), ("/b", &first)];
    let claims = claims.map(|(address, id)| (address.to_owned(), id.clone())).to_vec();
    store.add_old_addresses(claims).await.unwrap();
    store.withdraw(&second, None, false, "test").await.unwrap();
    let mut snapshot = store.snapshot().await.unwrap();
    let mut listed = async |after, limit| {
        let found = snapshot.old_addresses(after, limit).await.unwrap();
        found
            .into_iter()
            .map(|(address, permalink)| format!("{address} {}", permalink.slug))
            .collect::<Vec<_>>()
    };
    assert_eq!(listed("", 2).await, ["/Z a", "/b a"]);
    assert_eq!(listed("/b", 2).await, ["/đ a"]);
    // Its address answers that it was withdrawn.
    assert!(store.article_of_old_address("/a").await.unwrap().is_some());
}

async fn old_addresses_move_with_the_log(home: Home) {
    let store = home.open().await;
    let (id, _) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    store.add_old_addresses(vec![("/?p=1".to_owned(), id)]).await.unwrap();
    let there = home.same_engine();
    store.copy_to(there.open().await, CopyMode::Move, |_, _| {}).await.unwrap();
    let found = there.open().await.article_of_old_address("/?p=1").await.unwrap();
    assert_eq!(found.unwrap().to_string(), "2023-05-12/a");
}

async fn an_address_that_is_too_long_is_not_kept_and_does_no_harm(home: Home) {
    let store = home.open().await;
    let (id, _) = take(&store, file("xa-hoi/a.txt", "1", article("A", SAMPLE_ARTICLE))).await;
    let claims = vec![(format!("/{}", "đ".repeat(2000)), id.clone()), ("/b".to_owned(), id.clone())];
    assert_eq!(store.add_old_addresses(claims).await.unwrap(), [None, Some(id)]);
}

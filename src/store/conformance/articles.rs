//! Cases of [`crate::store::ArticleStore`].
//!
//! May import: `types`, `store`.

use super::samples::{article, article_id, site};
use crate::store::SharedStore;

pub(crate) async fn an_article_is_put_replaced_and_deleted(store: SharedStore) {
    let (home, id) = (site("daily"), article_id("xi-putin"));
    assert_eq!(store.article(&home, &id).await.unwrap(), None);
    for text in ["first", "second"] {
        store.put_article(&home, article("xi-putin", text)).await.unwrap();
        assert_eq!(store.article(&home, &id).await.unwrap(), Some(article("xi-putin", text)));
    }
    assert!(store.delete_article(&home, &id).await.unwrap());
    assert!(!store.delete_article(&home, &id).await.unwrap());
    assert_eq!(store.article(&home, &id).await.unwrap(), None);
}

pub(crate) async fn long_articles_shrink_and_grow(store: SharedStore) {
    let (home, id) = (site("daily"), article_id("a"));
    store.put_article(&home, article("ab", &"n".repeat(20_000))).await.unwrap();
    for size in [10, 262_144, 7_000, 100_000, 5_900, 6_000, 30_000, 0] {
        let want = article("a", &"é".repeat(size / 2));
        store.put_article(&home, want.clone()).await.unwrap();
        assert_eq!(store.article(&home, &id).await.unwrap(), Some(want), "size {size}");
    }
    store.put_article(&home, article("a", &"x".repeat(50_000))).await.unwrap();
    assert!(store.delete_article(&home, &id).await.unwrap());
    assert_eq!(store.article(&home, &id).await.unwrap(), None);
    let neighbour = store.article(&home, &article_id("ab")).await.unwrap();
    assert_eq!(neighbour, Some(article("ab", &"n".repeat(20_000))));
}

pub(crate) async fn articles_belong_to_their_site(store: SharedStore) {
    store.put_article(&site("daily"), article("a", "ours")).await.unwrap();
    store.put_article(&site("daily-2"), article("a", "theirs")).await.unwrap();
    assert!(!store.delete_article(&site("dail"), &article_id("a")).await.unwrap());
    assert!(store.delete_article(&site("daily-2"), &article_id("a")).await.unwrap());
    let left = store.article(&site("daily"), &article_id("a")).await.unwrap();
    assert_eq!(left, Some(article("a", "ours")));
}

//! What a refusal looks like, whatever was refused.

use std::sync::atomic::{AtomicUsize, Ordering};

use store::Position;
use tests::shop::{Answer, Shop};

use super::endpoints::Ask;

/// Sends what is to be refused, and counts.
pub(super) struct Refusals<'shop> {
    shop: &'shop Shop,
    head: Position,
    count: AtomicUsize,
}

impl<'shop> Refusals<'shop> {
    pub(super) fn of(shop: &'shop Shop) -> Self {
        Self { shop, head: shop.head(), count: AtomicUsize::new(0) }
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Sends it as a French and as an English reader: both are refused alike, in their language, and nothing happens.
    pub(super) async fn expect(&self, ask: &Ask, what: &str) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let french = ask.send(self.shop, "de, fr;q=0.5").await;
        let english = ask.send(self.shop, "en-GB").await;
        check(&french, "fr", what);
        check(&english, "en", what);
        assert_eq!((french.status, &french.body["slug"]), (english.status, &english.body["slug"]), "{what}");
        assert_ne!(french.body["title"], english.body["title"], "{what}");
        assert_eq!(self.shop.head(), self.head, "{what} left a trace: {}", french.body);
    }
}

fn check(answer: &Answer, language: &str, what: &str) {
    let Answer { status, headers, body } = answer;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert!(status.is_client_error(), "{what} answers {status} {body}");
    assert_eq!(header("content-type"), "application/problem+json", "{what} answers {status} {body}");
    assert_eq!(header("content-language"), language, "{what}");
    let slug = body["slug"].as_str().unwrap_or_default();
    let is_word = !slug.is_empty() && slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    assert!(is_word, "{what} answers {body}");
    assert_eq!(body["type"], format!("/problems/{slug}"), "{what}");
    assert_eq!(body["status"], status.as_u16(), "{what}");
    assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()), "{what} answers {body}");
    assert_eq!(header("x-request-id").len(), 36, "{what} has no request id");
    assert_eq!(body["request_id"], header("x-request-id"), "{what}");
    assert_eq!(header("x-content-type-options"), "nosniff", "{what}");
}

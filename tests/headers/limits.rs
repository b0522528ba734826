//! How much one client may have of the shop, and that the others still have theirs.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode};
use tests::shop::{Answer, Backend, Shop, config};

use super::wire::{Wire, aside, exchange};

const QUESTION: &str = "GET /api/monitoring/health/live HTTP/1.1\r\nHost: shop\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn headers_have_their_bounds() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    for (count, status) in [(62, "204"), (63, "431"), (1_000, "431")] {
        let mut request = format!("{QUESTION}Connection: close\r\n");
        for number in 0..count {
            write!(request, "X-{number}: y\r\n").unwrap();
        }
        let answer = exchange(&shop.url, format!("{request}\r\n").into_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{count} headers more: {answer}");
    }
    for (size, status) in [(8 * 1024, "204"), (20 * 1024, "431"), (2 * 1024 * 1024, "431")] {
        let request = format!("{QUESTION}Connection: close\r\nX: {}\r\n\r\n", "y".repeat(size));
        let answer = exchange(&shop.url, request.into_bytes()).await;
        // Where the client still sends when the answer comes, its machine may not show it the answer.
        let is_cut = size > 1024 * 1024 && answer.is_empty();
        assert!(is_cut || answer.starts_with(&format!("HTTP/1.1 {status} ")), "{size} bytes: {answer}");
    }
    still_answers(&shop).await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_8_kib() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    for length in [8 * 1024, 8 * 1024 + 1, 9 * 1024] {
        let status = if length > 8 * 1024 { "414" } else { "404" };
        for start in ["/api/products/", "/api/nope?"] {
            let path = format!("{start}{}", "a".repeat(length - start.len()));
            let request = format!("GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
            let answer = exchange(&shop.url, request.into_bytes()).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{length} bytes: {answer}");
            assert!(answer.contains("application/problem+json"), "{length} bytes: {answer}");
        }
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_http_is_not_answered_for_long() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    for bytes in [
        &b"garbage\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /api/products HTTP/9.9\r\n\r\n",
        b"GET  /api/products HTTP/1.1\r\n\r\n",
        b"GET /api/products HTTP/1.1\r\nHost: a\r\nHost : b\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /api/checkout HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/checkout HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"POST /api/checkout HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnope\r\n",
    ] {
        let answer = exchange(&shop.url, bytes.to_vec()).await;
        let shown = String::from_utf8_lossy(bytes);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{shown:?}: {answer}");
    }
    still_answers(&shop).await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_slow_is_cut_off() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    // Half a header, a header byte by byte, half of what opens HTTP/2, and nothing at all.
    let drips: [(&str, bool); 4] =
        [(QUESTION, false), ("GET / HTTP/1.1\r\nX: ", true), ("PRI * HTTP/2", false), ("", false)];
    let waits = drips.map(|(bytes, drips)| {
        let url = shop.url.clone();
        aside(move || {
            let mut wire = Wire::open(&url);
            let start = Instant::now();
            wire.send(bytes.as_bytes());
            if drips {
                for _ in 0..35 {
                    std::thread::sleep(Duration::from_secs(1));
                    wire.send(b"y");
                    if wire.is_closed() {
                        break;
                    }
                }
            }
            let answer = wire.rest();
            (bytes, start.elapsed(), answer)
        })
    });
    for (bytes, waited, answer) in futures::future::join_all(waits).await {
        assert!(waited > Duration::from_secs(3), "{bytes:?} was cut after {waited:?}");
        assert!(waited < Duration::from_secs(30), "{bytes:?} was held for {waited:?}");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{bytes:?}: {answer}");
    }
    still_answers(&shop).await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_so_many_connections_and_no_more() {
    let mut shop = Shop::open_as(api::Config { max_connections_per_address: 5, ..config(Backend::Sqlite) }).await;
    let url = shop.url.clone();
    aside(move || {
        let question = format!("{QUESTION}\r\n");
        let mut inside: Vec<Wire> = (0..5).map(|_| Wire::open(&url)).collect();
        for wire in &mut inside {
            wire.send(question.as_bytes());
            assert!(wire.answer().starts_with("HTTP/1.1 204"));
        }
        for _ in 0..3 {
            let mut sixth = Wire::open(&url);
            sixth.send(question.as_bytes());
            assert_eq!(sixth.rest(), "", "a sixth connection is answered");
        }
        for wire in &mut inside {
            wire.send(question.as_bytes());
            assert!(wire.answer().starts_with("HTTP/1.1 204"), "the others do not go on");
        }
        drop(inside.pop());
        for _ in 0..100 {
            let mut next = Wire::open(&url);
            next.send(question.as_bytes());
            if next.answer().starts_with("HTTP/1.1 204") {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the place of somebody who went stays taken");
    })
    .await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_at_once_is_turned_away() {
    let mut shop = Shop::open_as(api::Config { max_requests: 1, ..config(Backend::Sqlite) }).await;
    let mut turned_away = None;
    for _ in 0..20 {
        let url = shop.url.clone();
        let held = aside(move || {
            let mut wire = Wire::open(&url);
            wire.send(b"POST /api/checkout HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{");
            wire
        })
        .await;
        // It comes in by itself; where the question below is faster, it is the one that is turned away.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let answer = Answer::of(shop.request(Method::GET, "/api/products")).await;
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            turned_away = Some((held, answer));
            break;
        }
        answer.expect(StatusCode::OK);
    }
    let (mut held, turned_away) = turned_away.expect("one at once is too much");
    turned_away.expect_problem(StatusCode::SERVICE_UNAVAILABLE, "overloaded");
    assert_eq!(turned_away.headers["retry-after"], "1");
    let command = shop.staff(Method::POST, "/api/products");
    Answer::of(command).await.expect_problem(StatusCode::SERVICE_UNAVAILABLE, "overloaded");

    let answer = aside(move || {
        held.send(b"}");
        held.answer()
    })
    .await;
    assert!(answer.starts_with("HTTP/1.1 422"), "{answer}");
    Answer::of(shop.request(Method::GET, "/api/products")).await.expect(StatusCode::OK);
    shop.close().await;
}

async fn still_answers(shop: &Shop) {
    Answer::of(shop.request(Method::GET, "/api/products")).await.expect(StatusCode::OK);
}

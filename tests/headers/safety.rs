//! Every kind of answer keeps the browser that reads it safe.

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, redirect::Policy};
use serde_json::json;
use tests::shop::{Backend, STAFF, Shop, config};

const STRICT: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_keeps_the_browser_safe() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    for answer in every_kind_of_answer(&shop).await {
        check(&answer);
        assert!(!answer.headers().contains_key("strict-transport-security"), "{}", answer.url());
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_behind_https_says_that_it_stays_there() {
    let public_url = Some("https://shop.example".to_owned());
    let mut shop = Shop::open_as(api::Config { public_url, ..config(Backend::Sqlite) }).await;
    for answer in every_kind_of_answer(&shop).await {
        check(&answer);
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=63072000; includeSubDomains");
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_names_a_request_but_the_shop() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    for given in ["018f0000-0000-7000-8000-000000000000", "garbage", ""] {
        let answer = shop.request(Method::GET, "/api/nope").header("x-request-id", given).send().await.unwrap();
        let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert_ne!(id, given);
        assert_eq!(id.len(), 36);
        assert_eq!(answer.headers().get_all("x-request-id").iter().count(), 1);
    }
    shop.close().await;
}

fn check(answer: &Response) {
    let what = format!("{} {}", answer.status(), answer.url());
    let header = |name: &str| {
        let mut values = answer.headers().get_all(name).iter();
        let value = values.next().unwrap_or_else(|| panic!("{what} has no {name}"));
        assert_eq!(values.next(), None, "{what} has two {name}");
        value.to_str().unwrap()
    };
    let policy = header("content-security-policy");
    if answer.url().path().starts_with("/docs") {
        assert!(
            policy.starts_with("default-src 'self';") && policy.contains("frame-ancestors 'none'"),
            "{what}: {policy}"
        );
        assert!(!policy.contains("script-src") && !policy.contains("unsafe-eval"), "{what}: {policy}");
    } else {
        assert_eq!(policy, STRICT, "{what}");
    }
    assert_eq!(header("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(header("referrer-policy"), "no-referrer", "{what}");
    assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{what}");
    assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{what}");
    assert!(header("permissions-policy").contains("camera=()"), "{what}");
    assert!(["no-store", "no-cache"].contains(&header("cache-control")), "{what}");
    assert_eq!(header("x-request-id").len(), 36, "{what}");
    for name in ["server", "x-powered-by", "access-control-allow-origin", "access-control-allow-credentials"] {
        assert!(!answer.headers().contains_key(name), "{what} has {name}");
    }
}

/// An answer of every status that the shop gives, and of every part of it that gives one.
async fn every_kind_of_answer(shop: &Shop) -> Vec<Response> {
    let product = shop.product("brume", 1990, Some(5)).await;
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let ask = |method: Method, path: &str| client.request(method, format!("{}{path}", shop.url));
    let (get, post) = (Method::GET, Method::POST);
    let add =
        |quantity: i64| ask(post.clone(), "/api/cart/items").json(&json!({"product": product, "quantity": quantity}));
    let stock = format!("/api/products/{product}/stock");
    let asked: Vec<(u16, RequestBuilder)> = vec![
        (200, ask(get.clone(), "/api/products").header("webox-position", shop.head().0)),
        (200, ask(get.clone(), "/api/cart")),
        (200, ask(get.clone(), "/api/monitoring/health")),
        (200, ask(get.clone(), "/api/openapi.json")),
        (200, ask(get.clone(), "/docs/")),
        (200, ask(get.clone(), "/docs/swagger-ui.css")),
        (200, ask(Method::HEAD, "/api/products")),
        (200, ask(get.clone(), "/api/orders/list").bearer_auth(STAFF)),
        (200, add(1)),
        (204, ask(get.clone(), "/api/monitoring/health/live")),
        (304, ask(get.clone(), "/api/products").header("if-none-match", "*")),
        (303, ask(get.clone(), "/docs")),
        (307, ask(get.clone(), "/")),
        (400, ask(get.clone(), "/api/products?limit=x")),
        (401, ask(get.clone(), "/api/orders/list")),
        (403, add(1).header("sec-fetch-site", "cross-site")),
        (404, ask(get.clone(), "/api/nope")),
        (404, ask(get.clone(), "/api/products/nope")),
        (404, ask(get.clone(), "/docs/nope")),
        (405, ask(Method::PUT, "/api/products")),
        (409, ask(post.clone(), &stock).bearer_auth(STAFF).json(&json!({"change": -99}))),
        (413, add(1).body(vec![b' '; 257 * 1024])),
        (414, ask(get.clone(), &format!("/api/products/{}", "a".repeat(9 * 1024)))),
        (415, ask(post.clone(), "/api/cart/items").body("x")),
        (422, add(0)),
        (503, ask(get, "/api/products").header("webox-position", u64::MAX)),
    ];
    let mut answers = Vec::new();
    for (status, request) in asked {
        let answer = request.send().await.unwrap();
        let is_expected = answer.status().as_u16() == status || (status == 303 && answer.status().is_redirection());
        assert!(is_expected, "{} answers {}, not {status}", answer.url(), answer.status());
        answers.push(answer);
    }
    assert_eq!(answers.last().unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    answers
}

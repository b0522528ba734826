//! The cart's cookie: no script reads it, no other site sends it along with a command, no other host sets it.

use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::shop::{Answer, Backend, Shop, config};

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_is_kept_in_a_cookie() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    let (name, rest, token) = cookie_of(&shop).await;
    assert_eq!(name, "webox-cart");
    assert_eq!(rest, ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=Lax"]);
    assert_eq!(lines_of(&shop, &format!("webox-cart={token}")).await, 1);
    assert_eq!(lines_of(&shop, &format!("a=b; webox-cart={token}; c=d")).await, 1);
    assert_eq!(lines_of(&shop, &format!("my-webox-cart={token}")).await, 0);
    assert_eq!(lines_of(&shop, &format!("webox-cartx={token}")).await, 0);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_https_the_cookie_is_bound_to_the_host() {
    let public_url = Some("https://shop.example".to_owned());
    let mut shop = Shop::open_as(api::Config { public_url, ..config(Backend::Sqlite) }).await;
    let (name, rest, token) = cookie_of(&shop).await;
    assert_eq!(name, "__Host-webox-cart");
    assert_eq!(rest, ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=Lax", "Secure"]);
    assert_eq!(lines_of(&shop, &format!("__Host-webox-cart={token}")).await, 1);
    // A neighbour below the same domain can set this one.
    assert_eq!(lines_of(&shop, &format!("webox-cart={token}")).await, 0);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_but_that_of_a_cart_sets_a_cookie() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    let product = shop.product("brume", 1990, Some(5)).await;
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/api/cart"),
        (Method::GET, "/api/products"),
        (Method::GET, &format!("/api/products/{product}")),
        (Method::POST, "/api/checkout"),
        (Method::POST, "/api/cart/items"),
        (Method::GET, "/api/nope"),
    ] {
        let answer = Answer::of(shop.request(method, path)).await;
        assert!(!answer.headers.contains_key("set-cookie"), "{path} sets a cookie");
    }
    shop.close().await;
}

/// The name of a new cart's cookie, its attributes in the order of the alphabet, and its value.
async fn cookie_of(shop: &Shop) -> (String, Vec<String>, String) {
    let product = shop.product("brume", 1990, Some(5)).await;
    let add = shop.request(Method::POST, "/api/cart/items").json(&json!({"product": product, "quantity": 1}));
    let answer = Answer::of(add).await;
    answer.expect(StatusCode::OK);
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 1);
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    let mut parts = cookie.split("; ").map(str::to_owned);
    let (name, token) = parts.next().unwrap().split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert_eq!(answer.headers["webox-cart"].to_str().unwrap(), token);
    let mut rest: Vec<String> = parts.collect();
    rest.sort();
    (name, rest, token)
}

async fn lines_of(shop: &Shop, cookie: &str) -> usize {
    let request = shop.request(Method::GET, "/api/cart").header("webox-position", shop.head().0);
    let answer = Answer::of(request.header("cookie", cookie)).await;
    answer.expect(StatusCode::OK)["lines"].as_array().unwrap().len()
}

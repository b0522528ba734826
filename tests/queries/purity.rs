//! Every query of the document, by everybody, in good and in odd words.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;
use tests::{
    on_both,
    shop::{Answer, Backend, Placed, Shop},
};

const ODD_IDS: [&str; 16] = [
    "nope",
    "%00",
    "brume%00",
    "%FF%FE",
    "%E2%80%AE",
    "..%2f..%2fetc%2fpasswd",
    "%25",
    "_",
    "%F0%9F%8C%AB",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "9223372036854775808",
    "-1",
    "'%20or%201=1--",
    "BRUME",
    "%20",
];

/// Bodies of a question that is posted.
const ODD_BODIES: [&str; 16] = [
    "",
    "{}",
    "[]",
    "null",
    "{\"query\": null}",
    "{\"query\": \"brume\"}",
    "{\"query\": \"\\u0000\\u202e\"}",
    "{\"query\": \"\\ud800\"}",
    "{\"query\": \"a:b AND (c OR *) NOT \\\"\"}",
    "{\"sort\": \"name\", \"after\": \"6e756c6c\"}",
    "{\"after\": \"7b7d\"}",
    "{\"limit\": 101}",
    "{\"price_min\": 2, \"price_max\": 1}",
    "{\"price_min\": -9223372036854775809}",
    "{\"tags\": [\"%\"]}",
    "{\"unknown\": 1}",
];

const ODD_QUERIES: [&str; 53] = [
    "q=%00%FF%25*%22",
    "limit=0",
    "limit=1",
    "limit=100",
    "limit=101",
    "limit=-1",
    "limit=4294967295",
    "limit=4294967296",
    "limit=99999999999999999999",
    "limit=x",
    "limit=",
    "limit=1&limit=2",
    "after=",
    "after=x",
    "after=zz",
    "after=00",
    "after=%00",
    "after=6e756c6c",
    "after=5b5d",
    "after=2d31",
    "after=39393939393939393939393939393939393939",
    "after=7b7d",
    // {"number":0,"text":"\u0000","position":0}
    "sort=name&after=7b226e756d626572223a302c2274657874223a225c7530303030222c22706f736974696f6e223a307d",
    // {"number":9223372036854775807,"text":"","position":-9223372036854775808}
    "sort=price&after=7b226e756d626572223a393232333337323033363835343737353830372c2274657874223a22222c22706f736974696f6e223a2d393232333337323033363835343737353830387d",
    "sort=nope",
    "sort=",
    "sort=Name",
    "category=%00",
    "category=tirages%00",
    "category=%FF",
    "category=%25",
    "category=",
    "category='%20or%201=1--",
    "tag=%00",
    "tag=%25",
    "tag=_",
    "tag=",
    "tag=%20",
    "kind=nope",
    "kind=%00",
    "price_min=-9223372036854775808&price_max=9223372036854775807",
    "price_min=10&price_max=1",
    "price_min=99999999999999999999",
    "price_min=1e3",
    "price_max=",
    "in_stock=true",
    "in_stock=yes",
    "in_stock=1",
    "status=draft",
    "status=paid",
    "status=%00",
    "unknown=1",
    "%FF=%FF&&&==;",
];

on_both! {
    async fn no_query_leaves_a_trace_or_fails(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 1).await;
        guest.add(&product, 1).await.expect(StatusCode::OK);
        let cart = guest.cart.clone().unwrap();
        shop.app.views().products.wait(shop.head()).await.unwrap();
        let head = shop.head();

        let mut asked = 0;
        for path in queries_of(&shop) {
            for path in addresses(&path, &product, &order) {
                for query in ODD_QUERIES.into_iter().chain([""]) {
                    // An odd address in odd words says no more than either.
                    if !query.is_empty() && ODD_IDS.iter().any(|id| path.contains(&format!("/{id}"))) {
                        continue;
                    }
                    let address = format!("{path}?{query}");
                    for request in askers(&shop, &address, &cart, &order) {
                        let answer = Answer::of(request).await;
                        check(&answer, &address);
                        assert_eq!(shop.head(), head, "GET {address} left a trace");
                        asked += 1;
                    }
                }
            }
        }
        assert!(asked > 1_000, "only {asked} questions were asked");
        shop.close().await;
    }

    async fn no_posted_question_leaves_a_trace_or_fails(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        shop.product("brume", 1990, Some(5)).await;
        let head = shop.head();
        for body in ODD_BODIES {
            for kind in ["application/json", "text/plain"] {
                let ask = || shop.request(Method::POST, "/api/search/products").header("content-type", kind).body(body);
                let key = || ask().header("idempotency-key", "a-key-that-a-question-has-no-use-for");
                for request in [ask(), key(), key().bearer_auth(tests::shop::STAFF)] {
                    check(&Answer::of(request).await, body);
                    assert_eq!(shop.head(), head, "{body} left a trace");
                }
            }
        }
        shop.close().await;
    }

    async fn odd_headers_of_a_query_are_refused(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let head = shop.head();
        shop.app.views().products.wait(head).await.unwrap();
        for path in ["/api/products", &format!("/api/products/{product}"), "/api/cart"] {
            for position in ["x", "", "-1", "1.5", "99999999999999999999", "1 2", "0x1", "é"] {
                let answer = Answer::of(shop.request(Method::GET, path).header("webox-position", position.as_bytes())).await;
                answer.expect_problem(StatusCode::BAD_REQUEST, "position-invalid");
            }
            for token in ["garbage", "Bearer x", "Bearer", "Basic eDp5", "é"] {
                let answer = Answer::of(shop.request(Method::GET, path).header("authorization", token.as_bytes())).await;
                answer.expect_problem(StatusCode::UNAUTHORIZED, "staff-only");
            }
            for cart in ["garbage", "", "é", &"x".repeat(4_000)] {
                let answer = Answer::of(shop.request(Method::GET, path).header("webox-cart", cart.as_bytes())).await;
                answer.expect_problem(StatusCode::BAD_REQUEST, "cart-token-invalid");
            }
            // A cookie is not what a program says, but what a browser kept: one that is damaged is no cart.
            for cookie in ["webox-cart=garbage", "webox-cart=", "webox-cart", ";;;=", "x=y; webox-cart=\u{fffd}"] {
                let answer = Answer::of(shop.request(Method::GET, path).header("cookie", cookie.as_bytes())).await;
                answer.expect(StatusCode::OK);
            }
        }
        assert_eq!(shop.head(), head);
        shop.close().await;
    }

    async fn a_head_request_is_answered_like_its_query_without_the_body(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let promo = shop.staff(Method::POST, "/api/promo/create");
        let promo = promo.json(&json!({"code": "VIP20", "reduction": {"basis_points": 2000}}));
        Answer::of(promo).await.expect(StatusCode::CREATED);
        let mut guest = shop.guest();
        let order = guest.buy(&product, 1).await;
        guest.pay(&order, "sandbox_ok").await.expect(StatusCode::OK);
        shop.wait_for("InvoicePrinted", store::Position::START).await;
        let head = shop.head();
        for mut reached in shop.app.views().watches() {
            reached.wait_for(|at| *at >= head).await.unwrap();
        }
        let invoice = domain::InvoiceId::of_order(order.id.parse().unwrap()).to_string();
        for path in queries_of(&shop) {
            let id = match path.as_str() {
                path if path.contains("orders") => &order.id,
                path if path.contains("invoice") => &invoice,
                _ => &product,
            };
            let path = path.replace("{id}", id).replace("{code}", "VIP20");
            let path = if path.ends_with("/sales") { format!("{path}?from=2026-11-01&to=2026-11-30") } else { path };
            let full = shop.staff(Method::GET, &path).send().await.unwrap();
            let bare = shop.staff(Method::HEAD, &path).send().await.unwrap();
            assert!(full.status().is_success(), "GET {path} answers {}", full.status());
            assert_eq!(bare.status(), full.status(), "HEAD {path}");
            for name in ["content-type", "etag", "cache-control", "content-security-policy"] {
                assert_eq!(bare.headers().get(name), full.headers().get(name), "{name} of HEAD {path}");
            }
            assert!(bare.bytes().await.unwrap().is_empty(), "HEAD {path} has a body");
        }
        assert_eq!(shop.head(), head);
        shop.close().await;
    }
}

/// The addresses of all queries, as the document has them.
fn queries_of(shop: &Shop) -> Vec<String> {
    let document = shop.app.document().unwrap();
    let queries = document.paths.paths.iter().filter(|(_, item)| item.get.is_some());
    let paths: Vec<String> = queries.map(|(path, _)| path.clone()).collect();
    assert!(paths.len() >= 9, "{paths:?}");
    paths
}

/// The address with a good id and with odd ones.
fn addresses(path: &str, product: &str, order: &Placed) -> Vec<String> {
    let Some((before, after)) = path.split_once("{id}").or_else(|| path.split_once("{code}")) else {
        assert!(!path.contains('{'), "{path} is asked with something new");
        return vec![path.to_owned()];
    };
    let good = match path {
        _ if path.contains("orders") => [order.id.as_str(), product],
        _ if path.contains("promo") => ["VIP20", "vip20"],
        _ => [product, "brume"],
    };
    let long = "a".repeat(4_000);
    let ids = good.into_iter().chain(ODD_IDS).chain([long.as_str()]);
    ids.map(|id| format!("{before}{id}{after}")).collect()
}

/// Nobody, the staff, and whoever holds a cart and an order.
fn askers(shop: &Shop, address: &str, cart: &str, order: &Placed) -> [RequestBuilder; 3] {
    [
        shop.request(Method::GET, address),
        shop.staff(Method::GET, address),
        shop.request(Method::GET, address).header("webox-cart", cart).header("webox-order-token", &order.token),
    ]
}

fn check(answer: &Answer, address: &str) {
    let Answer { status, headers, body } = answer;
    assert!(!status.is_server_error(), "GET {address} answers {status} {body}");
    if !status.is_success() {
        assert_eq!(headers["content-type"], "application/problem+json", "GET {address} answers {status}");
        assert_eq!(body["status"], status.as_u16(), "GET {address} answers {body}");
        assert_eq!(body["request_id"], headers["x-request-id"].to_str().unwrap(), "GET {address}");
    }
}

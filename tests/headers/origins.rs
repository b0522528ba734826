//! No other site sends a command in its visitor's name.

use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::shop::{Answer, Backend, Shop, config};

const SITES: [Option<&str>; 6] =
    [None, Some("none"), Some("same-origin"), Some("same-site"), Some("cross-site"), Some("garbage")];

#[tokio::test(flavor = "multi_thread")]
async fn no_other_site_sends_a_command() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    let product = shop.product("brume", 1990, None).await;
    let own = shop.url.clone();
    let port = own.rsplit(':').next().unwrap();
    let foreign = [
        "null".to_owned(),
        "https://evil.example".to_owned(),
        format!("http://127.0.0.1.evil.example:{port}"),
        format!("http://evil.example:{port}"),
        "http://127.0.0.1".to_owned(),
        format!("http://localhost:{port}"),
        format!("http://127.0.0.1:{port}@evil.example"),
        format!("http://evil.example#{own}"),
        format!("{own}0"),
        format!("file://127.0.0.1:{port}"),
        "garbage".to_owned(),
        "%00".to_owned(),
    ];
    let mut origins: Vec<Option<&str>> = vec![None, Some(&own)];
    origins.extend(foreign.iter().map(|origin| Some(origin.as_str())));

    for site in SITES {
        for origin in &origins {
            // A browser that says where a request comes from is believed; one that does not is asked for its origin.
            let is_own = match site {
                Some("none" | "same-origin") => true,
                Some(_) => false,
                None => origin.is_none_or(|origin| origin == own),
            };
            let mut guest = shop.guest();
            guest.add(&product, 1).await.expect(StatusCode::OK);
            let line = format!("/api/cart/items/{product}");
            for (method, path, body) in [
                (Method::POST, "/api/cart/items", json!({"product": product, "quantity": 1})),
                (Method::PATCH, line.as_str(), json!({"quantity": 7})),
                (Method::DELETE, line.as_str(), json!({})),
            ] {
                let what = format!("{method} of {site:?} from {origin:?}");
                let mut request = guest.request(method, path).json(&body);
                if let Some(site) = site {
                    request = request.header("sec-fetch-site", site);
                }
                if let Some(origin) = origin {
                    request = request.header("origin", *origin);
                }
                let before = shop.head();
                let answer = Answer::of(request).await;
                if is_own {
                    assert_eq!(answer.status, StatusCode::OK, "{what}: {}", answer.body);
                    assert!(shop.head() > before, "{what}");
                } else {
                    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}: {}", answer.body);
                    answer.expect_problem(StatusCode::FORBIDDEN, "cross-origin");
                    assert_eq!(shop.head(), before, "{what}");
                }
            }
        }
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_is_guarded() {
    // A question that is posted changes nothing, and is no command.
    const QUESTIONS: [&str; 2] = ["/api/search/products", "/api/promo/validate"];
    let mut shop = Shop::open(Backend::Sqlite).await;
    let before = shop.head();
    let document = shop.app.document().unwrap();
    let mut guarded = 0;
    for (path, item) in document.paths.paths.iter().filter(|(path, _)| !QUESTIONS.contains(&path.as_str())) {
        let methods = [
            (Method::POST, item.post.is_some()),
            (Method::PATCH, item.patch.is_some()),
            (Method::DELETE, item.delete.is_some()),
            (Method::PUT, item.put.is_some()),
        ];
        for (method, _) in methods.into_iter().filter(|(_, is_there)| *is_there) {
            let request = shop.staff(method, path).header("sec-fetch-site", "cross-site");
            Answer::of(request).await.expect_problem(StatusCode::FORBIDDEN, "cross-origin");
            guarded += 1;
        }
    }
    assert!(guarded >= 12, "only {guarded} commands were found");
    assert_eq!(shop.head(), before);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_from_another_site_is_answered_and_not_shared() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    for origin in ["https://evil.example", "null"] {
        let request = shop.request(Method::GET, "/api/products").header("sec-fetch-site", "cross-site");
        let answer = Answer::of(request.header("origin", origin)).await;
        answer.expect(StatusCode::OK);
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")));
        let posted = shop.request(Method::POST, "/api/search/products").header("sec-fetch-site", "cross-site");
        let answer = Answer::of(posted.header("origin", origin).json(&json!({}))).await;
        answer.expect(StatusCode::OK);
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")));
        let preflight = shop.request(Method::OPTIONS, "/api/checkout").header("origin", origin);
        let answer = Answer::of(preflight.header("access-control-request-method", "POST")).await;
        answer.expect_problem(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")));
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_site_sends_commands() {
    let trusted = "https://pos.example".to_owned();
    let settings = api::Config { trusted_origins: vec![trusted.clone()], ..config(Backend::Sqlite) };
    let mut shop = Shop::open_as(settings).await;
    let product = shop.product("brume", 1990, None).await;
    let add = |origin: &str| {
        let request = shop.request(Method::POST, "/api/cart/items").header("sec-fetch-site", "cross-site");
        request.header("origin", origin).json(&json!({"product": product, "quantity": 1}))
    };
    Answer::of(add(&trusted)).await.expect(StatusCode::OK);
    for origin in
        ["http://pos.example", "https://pos.example.evil.example", "https://pos.example:444", "https://evilpos.example"]
    {
        Answer::of(add(origin)).await.expect_problem(StatusCode::FORBIDDEN, "cross-origin");
    }
    shop.close().await;
}

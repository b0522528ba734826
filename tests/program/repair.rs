//! What the operator does with a closed shop: makes its views again, and proves its log.

use std::fs;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sqlx::SqlitePool;
use tests::shop::{Answer, contact};

use super::{
    demo::get,
    process::{Place, Served},
};

#[tokio::test(flavor = "multi_thread")]
async fn views_that_are_made_again_are_the_same() {
    let place = Place::new();
    let served = place.serve();
    let order = buy(&served).await;
    let before = views(&place, &served, &order).await;
    served.stop();

    place.run(&["rebuild", "--projection", "nope"]).refused(&["products", "carts", "orders", "histories"]);
    place.run(&["rebuild", "--projection", "orders"]).done(&["orders: made again from"]);
    let all = place.run(&["rebuild"]);
    all.done(&["products: made again", "carts: made again", "orders: made again", "histories: made again"]);
    let served = place.serve();
    assert_eq!(views(&place, &served, &order).await, before);
    served.stop();

    // Views are nothing that has to be kept.
    for file in fs::read_dir(place.folder.join("data")).unwrap().map(|entry| entry.unwrap()) {
        if file.file_name().to_str().unwrap().starts_with("views.db") {
            fs::remove_file(file.path()).unwrap();
        }
    }
    let served = place.serve();
    assert_eq!(views(&place, &served, &order).await, before);
    served.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_log_is_found_out() {
    let place = Place::new();
    let served = place.serve();
    buy(&served).await;
    served.stop();
    place.run(&["verify"]).done(&["events are what was recorded"]);

    let url = format!("sqlite:{}", place.data("log.db").display());
    let alterations = [
        (
            "update events set payload = substr(payload, 1, 4) || 'X' || substr(payload, 6) where position = 7",
            "the log was altered: the event at position 7",
        ),
        (
            "update events set metadata = replace(metadata, 'shop', 'shoq') where position = 9",
            "the log was altered: the event at position 9",
        ),
        (
            "update events set recorded_at = recorded_at + 1 where position = 11",
            "the log was altered: the event at position 11",
        ),
        (
            "update events set event_type = event_type || 'X' where position = 12",
            "the log was altered: the event at position 12",
        ),
        ("update events set hash = zeroblob(32) where position = 13", "the log was altered: the event at position 13"),
        ("delete from events where position = 15", "the log was altered: position 15 is missing"),
        ("update head set hash = zeroblob(32)", "the log was altered: the event at position"),
        ("delete from events where position = (select position from head)", "and its head says"),
    ];
    let whole = fs::read(place.data("log.db")).unwrap();
    for (alteration, named) in alterations {
        let pool = SqlitePool::connect(&url).await.unwrap();
        let altered = sqlx::query(alteration).execute(&pool).await.unwrap();
        assert_eq!(altered.rows_affected(), 1, "{alteration}");
        sqlx::query("pragma wal_checkpoint(truncate)").execute(&pool).await.unwrap();
        pool.close().await;
        place.run(&["verify"]).refused(&[named]);

        for file in ["log.db-wal", "log.db-shm"] {
            let _ = fs::remove_file(place.data(file));
        }
        fs::write(place.data("log.db"), &whole).unwrap();
        place.run(&["verify"]).done(&["events are what was recorded"]);
    }
}

/// Buys the first thing there is and pays for it: the order's id.
async fn buy(served: &Served) -> String {
    let products = get(served, "/api/products?kind=digital").await;
    let product = products["items"][0]["id"].clone();
    let client = Client::new();
    let post = |path: &str| client.post(format!("{}{path}", served.url));
    let added = Answer::of(post("/api/cart/items").json(&json!({"product": product, "quantity": 2}))).await;
    added.expect(StatusCode::OK);
    let cart = added.headers["webox-cart"].clone();
    let shown = client.get(format!("{}/api/cart", served.url)).header("webox-cart", cart.clone());
    let shown = Answer::of(shown.header("webox-position", added.body["position"].as_u64().unwrap())).await;
    let body = json!({
        "cart_version": shown.body["version"], "expected_total": shown.body["totals"]["total"], "contact": contact(),
        "consents": {"terms": true, "immediate_start": true}, "shipping": "standard",
    });
    let placed = Answer::of(post("/api/checkout").header("webox-cart", cart).json(&body)).await;
    let placed = placed.expect(StatusCode::CREATED);
    let order = placed["order"].as_str().unwrap().to_owned();
    let pay = post(&format!("/api/orders/{order}/pay")).header("webox-order-token", placed["token"].as_str().unwrap());
    let paid = Answer::of(pay.json(&json!({"method": "sandbox_ok"}))).await;
    assert_eq!(paid.expect(StatusCode::OK)["status"], "paid");
    order
}

/// Everything that the shop shows, to its staff and after everything that was done.
async fn views(place: &Place, served: &Served, order: &str) -> Vec<Value> {
    let token = fs::read_to_string(place.data("admin.token")).unwrap();
    let position = super::demo::head(served).await;
    let mut shown = Vec::new();
    for path in ["/api/products?limit=100", "/api/products?limit=100&sort=name", "/api/orders/list"]
        .into_iter()
        .map(str::to_owned)
        .chain([format!("/api/orders/{order}"), format!("/api/orders/{order}/history")])
    {
        let request = Client::new().get(format!("{}{path}", served.url)).bearer_auth(&token);
        let answer = Answer::of(request.header("webox-position", position)).await;
        shown.push(answer.expect(StatusCode::OK).clone());
    }
    shown
}

//! What the operator asks of a shop that is served: where its views are, and to make them again.

use std::{fs, time::Duration};

use reqwest::{Client, StatusCode};
use serde_json::Value;
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use tests::shop::Answer;

use super::process::{Place, Served};

/// The views, as the shop tells its staff.
async fn views(place: &Place, served: &Served) -> Vec<Value> {
    let token = fs::read_to_string(place.data("admin.token")).unwrap();
    let request = Client::new().get(format!("{}/api/admin/projections", served.url)).bearer_auth(token);
    let answer = Answer::of(request).await;
    answer.expect(StatusCode::OK)["projections"].as_array().unwrap().clone()
}

fn tables(views: &[Value]) -> Vec<&Value> {
    // The search is in memory, and has no table.
    views.iter().filter(|view| view["name"] != "search").map(|view| &view["table"]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_is_served_makes_its_views_again() {
    let place = Place::new();
    let served = place.serve();
    let before = views(&place, &served).await;

    place.run(&["rebuild", "--projection", "orders"]).done(&["orders: made again from"]);
    let after = views(&place, &served).await;
    for (before, after) in before.iter().zip(&after) {
        let is_orders = after["name"] == "orders";
        assert_eq!(before["table"] != after["table"], is_orders, "{after}");
        assert_eq!(after["rebuild"]["state"] == "flipped", is_orders, "{after}");
    }

    let all = place.run(&["rebuild"]);
    all.done(&["products: made again", "carts: made again", "orders: made again", "histories: made again"]);
    let last = views(&place, &served).await;
    assert!(tables(&after).iter().zip(tables(&last)).all(|(before, after)| **before != *after));
    assert_eq!(super::demo::get(&served, "/api/products?limit=100").await["items"].as_array().unwrap().len(), 40);

    let head = super::demo::head(&served).await;
    let listed = place.run(&["projections"]);
    listed.done(&[&format!("The log holds {head} events"), "orders", "following", "lag 0", "rebuild flipped: 100 %"]);
    place.run(&["rebuild", "--projection", "nope"]).refused(&["products", "carts", "orders", "histories"]);
    served.stop();

    // Nobody is there any more: it is done here, and nothing is kept of what was before.
    place.run(&["projections"]).done(&["orders", "closed", "lag 0"]);
    place.run(&["rebuild"]).done(&["histories: made again"]);
    let served = place.serve();
    assert!(tables(&last).iter().zip(tables(&views(&place, &served).await)).all(|(before, after)| **before != *after));
    served.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_looking_leaves_the_shop_at_it() {
    let place = Place::new();
    let served = place.serve();
    let before = views(&place, &served).await;
    // Nothing gets on while somebody else writes to the views.
    let url = format!("sqlite:{}", place.data("views.db").display());
    let mut session = SqliteConnection::connect(&url).await.unwrap();
    session.execute("begin immediate").await.unwrap();
    let said = place.interrupt(&["rebuild"], Duration::from_secs(2));
    said.refused(&["the shop goes on making products again", "webox projections"]);
    assert_eq!(tables(&views(&place, &served).await), tables(&before));
    session.execute("rollback").await.unwrap();
    session.close().await.unwrap();
    for _ in 0..200 {
        if views(&place, &served).await[0]["rebuild"]["state"] == "flipped" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let after = views(&place, &served).await;
    assert_ne!(tables(&after)[0], tables(&before)[0]);
    assert_eq!(tables(&after)[1..], tables(&before)[1..], "the others were not asked for");
    served.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_is_named_and_asked_by_its_staff_alone() {
    let place = Place::new();
    let served = place.serve();
    let before = views(&place, &served).await;
    let token = fs::read_to_string(place.data("admin.token")).unwrap();
    let elsewhere = Place::new();
    let url = served.url.clone();
    let named = ["rebuild", "--projection", "carts", "--server", &url];
    elsewhere.run(&named).refused(&["WEBOX_ADMIN_TOKEN"]);
    let wrong = "a-token-that-is-long-enough-0123456789";
    let said = elsewhere.with("WEBOX_ADMIN_TOKEN", wrong).run(&named);
    said.refused(&["staff", "WEBOX_ADMIN_TOKEN"]);
    assert!(!said.err.contains(wrong), "{}", said.err);
    assert_eq!(tables(&views(&place, &served).await), tables(&before));

    let staff = elsewhere.with("WEBOX_ADMIN_TOKEN", &token).with("http_proxy", "http://127.0.0.1:1");
    staff.run(&named).done(&["carts: made again from"]);
    assert_ne!(tables(&views(&place, &served).await), tables(&before));
    staff.run(&["projections", "--server", &served.url]).done(&["carts", "rebuild flipped"]);
    for address in
        ["http://192.0.2.1:8080", "https://127.0.0.1:8080", "ftp://127.0.0.1", "nope", "http://localhost.example"]
    {
        staff.run(&["rebuild", "--server", address]).refused(&[]);
    }
    assert!(!elsewhere.folder.join("data").exists(), "asking somebody else leaves files");
    served.stop();
    staff.run(&named).refused(&["does not answer"]);
}

//! Stories of views that are thrown away and made again.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures::future::join_all;
use tests::{
    rows::{dump, rebuild, without_number},
    shop::Guest,
};

use super::*;

/// What becomes of an order.
const FATES: [&str; 7] = ["open", "paid", "declined", "fulfilled", "cancelled", "expired", "late"];

/// Buys and lets happen what can happen before time passes.
async fn live(shop: &Shop, product: &str, fate: &str) {
    let mut guest: Guest<'_> = shop.guest();
    guest.add(product, 1).await.expect(StatusCode::OK);
    let order = guest.buy(product, 1).await;
    match fate {
        "paid" | "fulfilled" => {
            guest.pay(&order, "sandbox_ok").await.expect(StatusCode::OK);
        }
        "declined" => {
            guest.pay(&order, "sandbox_declined").await.expect(StatusCode::OK);
        }
        "cancelled" => {
            guest.ask(&order, "cancel").await.expect(StatusCode::OK);
        }
        _ => {}
    }
    if fate == "fulfilled" {
        let path = format!("/api/orders/{}/fulfil", order.id);
        Answer::of(shop.staff(Method::POST, &path)).await.expect(StatusCode::OK);
    }
}

on_both! {
    async fn views_made_again_are_what_they_were(backend: Backend) {
        let payments = Held::open();
        let mut shop = Shop::open_with(backend, payments.clone()).await;
        let products = [shop.product("brume", 1990, Some(500)).await, shop.product("fichier", 500, None).await];
        let gone = shop.product("perdu", 100, Some(3)).await;
        let change = json!({"price": eur(2090), "tags": ["mer", "nuit"], "name": {"fr": "Brume", "en": "Mist"}});
        Answer::of(shop.staff(Method::PATCH, &format!("/api/products/{}", products[0])).json(&change))
            .await
            .expect(StatusCode::OK);
        shop.guest().add(&gone, 1).await.expect(StatusCode::OK);
        Answer::of(shop.staff(Method::POST, &format!("/api/products/{gone}/archive"))).await.expect(StatusCode::OK);

        let lives = ["expired", "late"].iter().cycle().take(10).zip(products.iter().cycle());
        join_all(lives.map(|(fate, product)| live(&shop, product, fate))).await;
        payments.hold();
        let late = shop.guest().buy(&products[0], 1).await;
        shop.guest().pay(&late, "sandbox_ok").await.expect(StatusCode::ACCEPTED);
        let before = shop.head();
        shop.turn(TimeDelta::minutes(31));
        shop.wait_for_all("OrderExpired", before, 11).await;
        payments.release();
        shop.wait_for("OrderRefunded", before).await;
        let lives = FATES.iter().cycle().take(28).zip(products.iter().cycle());
        join_all(lives.map(|(fate, product)| live(&shop, product, fate))).await;
        let mut left = shop.guest();
        left.add(&products[0], 3).await.expect(StatusCode::OK);
        shop.close().await;

        let target = shop.config().views_target().expect("a store");
        let numberless = |rows: BTreeMap<String, Vec<String>>| -> BTreeMap<String, Vec<String>> {
            rows.into_iter().map(|(table, rows)| (without_number(&table).to_owned(), rows)).collect()
        };
        let grown = numberless(dump(&target).await);
        rebuild(shop.config()).await;
        let made = dump(&target).await;
        assert_eq!(made.len(), grown.len(), "nothing is kept of what was before: {:?}", made.keys());
        let made = numberless(made);
        assert_eq!(grown.keys().collect::<Vec<_>>(), made.keys().collect::<Vec<_>>());
        for (table, rows) in &grown {
            if table != "checkpoints" {
                assert_eq!(rows, &made[table], "{table}");
            }
        }
        assert!(made["set_aside"].is_empty(), "{made:?}");
        let count = |start: &str| {
            made.iter().find(|(table, _)| table.starts_with(start)).map_or(0, |(_, rows)| rows.len())
        };
        assert_eq!((count("orders_"), count("products_"), count("carts_")), (39, 3, 41));

        shop.reopen().await;
        for status in ["awaiting_payment", "paid", "fulfilled", "cancelled", "expired"] {
            let path = format!("/api/orders/list?limit=100&status={status}");
            let list = Answer::of(shop.staff(Method::GET, &path)).await;
            let orders = list.expect(StatusCode::OK)["items"].as_array().expect("a list").clone();
            assert!(orders.len() >= 4 && orders.iter().all(|order| order["status"] == status), "{status}");
        }
        shop.close().await;
    }
}

//! Rebuilds while people buy and look.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use futures::future::{join_all, join4};
use projections::Views;
use store::Target;
use tests::rows::without_number;

use super::*;

/// Rows by view, whatever number its table has; the one that answers alone.
async fn rows(target: &Target, live: &[String]) -> BTreeMap<String, Vec<String>> {
    let all = dump(target).await.into_iter().filter(|(table, _)| live.contains(table));
    all.map(|(table, rows)| (without_number(&table).to_owned(), rows)).collect()
}

fn live_tables(views: &Views) -> Vec<String> {
    // The search is in memory, and has no table.
    views.statuses().into_iter().filter(|view| NAMES.contains(&view.name)).map(|view| view.table).collect()
}

/// Somebody who puts things in, looks, and buys: everything done before is seen each time.
async fn customer(shop: &Shop, product: &str, done: &AtomicBool, asked: &AtomicUsize) {
    while !done.load(Ordering::Acquire) {
        let mut guest = shop.guest();
        for count in 1..=4 {
            guest.add(product, 1).await.expect(StatusCode::OK);
            let cart = guest.show_cart().await;
            assert_eq!((&cart["version"], &cart["lines"][0]["quantity"]), (&json!(count), &json!(count)));
        }
        let order = guest.buy(product, 1).await;
        assert_eq!(guest.show(&order).await["status"], "awaiting_payment");
        asked.fetch_add(12, Ordering::Relaxed);
    }
}

/// Somebody who looks without waiting for anything: what was there once stays there.
async fn onlooker(shop: &Shop, done: &AtomicBool, asked: &AtomicUsize) {
    let (mut newest, mut seen) = (Vec::new(), [0; 4]);
    while !done.load(Ordering::Acquire) {
        let list = Answer::of(shop.staff(Method::GET, "/api/orders/list?limit=100")).await;
        let list = list.expect(StatusCode::OK)["items"].as_array().unwrap().clone();
        let ids: Vec<Value> = list.iter().map(|order| order["id"].clone()).collect();
        if let Some(known) = newest.first() {
            assert!(ids.len() == 100 || ids.contains(known), "an order was shown and is gone");
        }
        newest = ids;
        for (before, view) in seen.iter_mut().zip(shop.app.views().statuses()) {
            assert!(view.position.0 >= *before, "{} was at {before} and is at {}", view.name, view.position);
            *before = view.position.0;
        }
        asked.fetch_add(1, Ordering::Relaxed);
    }
}

/// Somebody who turns all pages: each order once, the newest first, and all that were there before.
async fn reader(shop: &Shop, done: &AtomicBool, asked: &AtomicUsize) {
    let mut before: Vec<Value> = Vec::new();
    while !done.load(Ordering::Acquire) {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let page = Answer::of(shop.staff(Method::GET, &format!("/api/orders/list?limit=7{after}"))).await;
            let page = page.expect(StatusCode::OK);
            all.extend(page["items"].as_array().unwrap().iter().map(|order| order["id"].clone()));
            asked.fetch_add(1, Ordering::Relaxed);
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        let tail = &all[all.len().saturating_sub(before.len())..];
        assert_eq!(tail, before, "a page mark led elsewhere");
        before = all;
    }
}

on_both! {
    async fn nobody_notices_a_rebuild(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, None).await;
        fill(&shop, &product, 3_000).await;
        let (done, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
        let rebuilds = async {
            let mut tables = Vec::new();
            for what in ["rebuild", "rebuild", "rollback", "rebuild"] {
                let all = NAMES.map(|name| {
                    let shop = &shop;
                    async move {
                        command(shop, name, what).await.expect(StatusCode::ACCEPTED);
                        let ended = end_of_rebuild(shop, name).await;
                        assert_eq!(ended["state"], "flipped", "{name}: {ended}");
                    }
                });
                join_all(all).await;
                tables.extend(live_tables(shop.app.views()));
            }
            done.store(true, Ordering::Release);
            tables
        };
        let (tables, ..) = join4(
            rebuilds,
            join_all((0..6).map(|_| customer(&shop, &product, &done, &asked))),
            onlooker(&shop, &done, &asked),
            reader(&shop, &done, &asked),
        )
        .await;
        assert!(asked.load(Ordering::Relaxed) > 200, "only {asked:?} requests");
        let rounds: Vec<&[String]> = tables.chunks(NAMES.len()).collect();
        rounds.windows(2).for_each(|pair| assert!(pair[0].iter().zip(pair[1]).all(|(a, b)| a != b)));

        // What a view is that was never made again.
        let target = shop.config().views_target().unwrap();
        let fresh = match &target {
            Target::Sqlite(path) => Target::Sqlite(path.with_file_name("fresh.db")),
            Target::Postgres { url, .. } => Target::Postgres { url: url.clone(), schema: "fresh".to_owned() },
            Target::Memory => panic!("views are in a database"),
        };
        let head = shop.head();
        let views = Views::open(shop.app.log(), shop.app.vault(), &fresh).await.unwrap();
        views.start();
        for mut reached in views.watches() {
            reached.wait_for(|at| *at >= head).await.unwrap();
        }
        let (live, incremental) = (live_tables(shop.app.views()), live_tables(&views));
        views.close().await;
        shop.close().await;
        let (made, grown) = (rows(&target, &live).await, rows(&fresh, &incremental).await);
        assert_eq!(made.len(), NAMES.len());
        assert_eq!(made, grown);
    }
}

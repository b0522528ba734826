//! A shop that ends in the middle of a rebuild.

use reqwest::Client;
use tests::{
    program::Process,
    shop::{STAFF, config},
};

use super::*;

/// As if a process had begun a rebuild and was gone: its claim, its checkpoint, its table.
pub(super) async fn leave_half_made(config: &Config, table: &str) {
    let db = views_of(config).await;
    for statement in [
        format!("create table {table} (key text primary key)"),
        format!("insert into rebuilds (projection, table_name) values ('orders', '{table}')"),
        format!(
            "insert into checkpoints (projection, table_name, log, position, hash, epoch)
             select '{table}', '{table}', log, 1, '', 99 from checkpoints where projection = 'orders'"
        ),
        format!("insert into set_aside (projection, position, error) values ('{table}', 1, 'a poison')"),
    ] {
        execute(&db, &statement).await;
    }
    db.close().await;
}

on_both! {
    async fn a_killed_shop_has_its_views(backend: Backend) {
        let settings = config(backend);
        let mut shop = Shop::open_as(settings.clone()).await;
        let product = shop.product("brume", 1990, Some(500)).await;
        fill(&shop, &product, 10_000).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 1).await;
        guest.pay(&order, "sandbox_ok").await.expect(StatusCode::OK);
        shop.close().await;
        for delay in [0, 30, 100, 200, 400] {
            let mut process = Process::start(&settings);
            let client = Client::new();
            let begun = NAMES.map(|name| {
                let path = format!("{}/api/admin/projections/{name}/rebuild", process.url);
                Answer::of(client.post(path).bearer_auth(STAFF))
            });
            for begun in futures::future::join_all(begun).await {
                begun.expect(StatusCode::ACCEPTED);
            }
            tokio::time::sleep(Duration::from_millis(delay)).await;
            process.kill();

            let mut shop = Shop::open_as(settings.clone()).await;
            assert_eq!(shop.guest().show(&order).await["status"], "paid");
            assert_eq!(shop.available(&product).await, 499);
            shop.app.views().carts.wait(shop.head()).await.unwrap();
            for name in NAMES {
                let view = view(&shop, name).await;
                assert!(view.get("rebuild").is_none(), "nothing runs after {delay}: {view}");
                let all = dump(&settings.views_target().unwrap()).await;
                let count = all[view["table"].as_str().unwrap()].len();
                assert!(name != "carts" || count == 10_002, "{count} carts");
            }
            shop.close().await;
        }
        let mut shop = Shop::open_as(settings.clone()).await;
        for name in NAMES {
            rebuilt(&shop, name).await;
        }
        assert_eq!(shop.guest().show(&order).await["status"], "paid");
        for name in NAMES {
            wait_for_tables(&settings, name, 2).await;
        }
        shop.close().await;
    }

    async fn what_a_process_left_is_thrown_away(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        shop.product("brume", 1990, Some(5)).await;
        let live = view(&shop, "orders").await["table"].as_str().unwrap().to_owned();
        let left = format!("{}_77", tests::rows::without_number(&live));
        shop.close().await;
        leave_half_made(shop.config(), &left).await;
        shop.reopen().await;
        // Beside other processes it takes a while to be sure that nobody is at it.
        wait_for_tables(shop.config(), "orders", 1).await;
        assert_eq!(view(&shop, "orders").await["table"], live);
        let all = dump(&shop.config().views_target().unwrap()).await;
        assert!(all["rebuilds"].is_empty() && all["set_aside"].is_empty(), "{all:?}");

        shop.close().await;
        leave_half_made(shop.config(), &left).await;
        shop.reopen().await;
        // Or it is asked for first.
        rebuilt(&shop, "orders").await;
        wait_for_tables(shop.config(), "orders", 2).await;
        assert!(!tables(shop.config(), "orders").await.contains(&left));
        shop.close().await;
    }

    async fn a_shop_that_stops_stops_its_rebuilds(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(500)).await;
        fill(&shop, &product, 20_000).await;
        let before = view(&shop, "carts").await["table"].clone();
        command(&shop, "carts", "rebuild").await.expect(StatusCode::ACCEPTED);
        shop.close().await;
        assert_eq!(tables(shop.config(), "carts").await.len(), 1, "what was half made is gone");
        shop.reopen().await;
        assert_eq!(view(&shop, "carts").await["table"], before);
        rebuilt(&shop, "carts").await;
        shop.close().await;
    }
}

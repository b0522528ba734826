//! Two processes of one shop on one database.

use futures::future::{join, join_all};
use tests::{
    rows::without_number,
    shop::{Guest, config, folder},
};

use super::{crash::leave_half_made, *};

async fn two() -> (Shop, Shop) {
    let settings = config(Backend::Postgres);
    let one = Shop::open_as(settings.clone()).await;
    let other = Shop::open_as(Config { data: folder(), ..settings }).await;
    (one, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rebuilds_at_once_leave_one_table_that_is_whole() {
    let (mut one, mut other) = two().await;
    let product = one.product("brume", 1990, Some(5)).await;
    for round in 0..25 {
        let what = if round % 3 == 2 { "rollback" } else { "rebuild" };
        let here = join(command(&one, "products", what), command(&one, "products", "rebuild"));
        let there = join(command(&other, "products", "rebuild"), command(&other, "products", what));
        let (here, there) = join(here, there).await;
        let answers = [(&one, here.0), (&one, here.1), (&other, there.0), (&other, there.1)];
        let mut accepted = 0;
        for (shop, answer) in answers {
            assert!([202, 409].contains(&answer.status.as_u16()), "{answer:?}");
            if answer.status == StatusCode::ACCEPTED {
                let ended = end_of_rebuild(shop, "products").await;
                assert_eq!(ended["state"], "flipped", "{ended}");
                accepted += 1;
            }
        }
        assert!(accepted > 0, "nobody won");
        for shop in [&one, &other] {
            assert_eq!(shop.available(&product).await, 5);
        }
    }
    let db = views_of(one.config()).await;
    let last: String = on_db!(&db, read, |pool| {
        sqlx::query_scalar("select table_name from checkpoints where projection = 'products'").fetch_one(pool).await
    })
    .unwrap();
    db.close().await;
    for shop in [&one, &other] {
        wait_for_table(shop, "products", &json!(last)).await;
    }
    wait_for_tables(one.config(), "products", 2).await;
    other.close().await;
    one.close().await;
}

/// The same person at another process.
fn at<'shop>(shop: &'shop Shop, guest: &Guest<'_>) -> Guest<'shop> {
    let mut there = shop.guest();
    (there.cart, there.position) = (guest.cart.clone(), guest.position);
    there
}

async fn wait_for_table(shop: &Shop, name: &str, table: &Value) {
    for _ in 0..500 {
        if view(shop, name).await["table"] == *table {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} does not go over to {table}", view(shop, name).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_answer_while_one_makes_views_again() {
    let (mut one, mut other) = two().await;
    let product = one.product("brume", 1990, None).await;
    fill(&one, &product, 3_000).await;
    let rebuilds = async {
        for round in 0..3 {
            for name in NAMES {
                let shop = if round % 2 == 0 { &one } else { &other };
                rebuilt(shop, name).await;
            }
        }
    };
    let customers = async |shop: &Shop, elsewhere: &Shop| {
        for _ in 0..15 {
            let mut guest = shop.guest();
            guest.position = 0;
            guest.add(&product, 1).await.expect(StatusCode::OK);
            let mut there = at(elsewhere, &guest);
            assert_eq!(there.show_cart().await["version"], 1);
            there.add(&product, 1).await.expect(StatusCode::OK);
            guest.position = there.position;
            assert_eq!(guest.show_cart().await["version"], 2);
            let order = guest.buy(&product, 1).await;
            let there = at(elsewhere, &guest);
            assert_eq!(there.show(&order).await["status"], "awaiting_payment");
        }
    };
    let here = join_all((0..3).map(|_| customers(&one, &other)));
    let there = join_all((0..3).map(|_| customers(&other, &one)));
    join(rebuilds, join(here, there)).await;
    for name in NAMES {
        let table = view(&one, name).await["table"].clone();
        wait_for_table(&other, name, &table).await;
        wait_for_tables(one.config(), name, 2).await;
    }
    other.close().await;
    one.close().await;
    let target = one.config().views_target().unwrap();
    let made = dump(&target).await;
    tests::rows::rebuild(one.config()).await;
    for (table, rows) in dump(&target).await.iter().filter(|(table, _)| table.contains("_v")) {
        let same = |name: &String| without_number(name) == without_number(table);
        assert!(made.iter().any(|(name, known)| same(name) && known == rows), "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_process_goes_over_too() {
    let (mut one, mut other) = two().await;
    one.product("brume", 1990, None).await;
    for shop in [&one, &other, &one] {
        rebuilt(shop, "products").await;
        let table = view(shop, "products").await["table"].clone();
        for shop in [&one, &other] {
            wait_for_table(shop, "products", &table).await;
            assert_eq!(view(shop, "products").await["state"], "following");
        }
    }
    other.close().await;
    one.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_rebuilds_at_once_one_wins() {
    let (mut one, mut other) = two().await;
    let product = one.product("brume", 1990, None).await;
    fill(&one, &product, 10_000).await;
    let (first, second) = join(command(&one, "carts", "rebuild"), command(&other, "carts", "rebuild")).await;
    let mut accepted = 0;
    for (shop, answer) in [(&one, first), (&other, second)] {
        if answer.status == StatusCode::ACCEPTED {
            assert_eq!(end_of_rebuild(shop, "carts").await["state"], "flipped");
            accepted += 1;
        } else {
            answer.expect_problem(StatusCode::CONFLICT, "rebuild-running");
        }
    }
    assert!(accepted >= 1);

    // One that goes on elsewhere is not disturbed; one that was left is taken over.
    let live = view(&one, "orders").await["table"].as_str().unwrap().to_owned();
    let left = format!("{}_77", without_number(&live));
    leave_half_made(one.config(), &left).await;
    let db = views_of(one.config()).await;
    let moving = async {
        for _ in 0..60 {
            let statement = format!("update checkpoints set position = position + 1 where projection = '{left}'");
            execute(&db, &statement).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let (refused, ()) = join(command(&other, "orders", "rebuild"), moving).await;
    refused.expect_problem(StatusCode::CONFLICT, "rebuild-running");
    assert!(view(&other, "orders").await.get("rebuild").is_none());
    rebuilt(&other, "orders").await;
    assert!(!tables(one.config(), "orders").await.contains(&left));
    db.close().await;
    other.close().await;
    one.close().await;
}

//! Callers go away in the middle of everything: connections break, people close their browsers.

use std::{sync::Arc, time::Duration};

use sqlx::{Connection as _, PgConnection};
use tokio::{sync::Semaphore, task::JoinSet};
use uuid::Uuid;

use super::ground::{Ground, Shop, checkout, contact, eventually, guest, pieces, staff};

super::stories!(callers_who_leave_take_nothing_with_them);

async fn callers_who_leave_take_nothing_with_them(ground: Ground) {
    let shop = Arc::new(ground.open().await);
    let mut products = Vec::new();
    for number in 0..3 {
        products.push(shop.product(&format!("p{number}"), 1250, Some(10_000)).await);
    }
    let at_once = Arc::new(Semaphore::new(24));
    let mut callers = JoinSet::new();
    for number in 0..400_u64 {
        let (shop, at_once) = (Arc::clone(&shop), Arc::clone(&at_once));
        let product = products[usize::try_from(number % 3).unwrap()];
        callers.spawn(async move {
            let _turn = at_once.acquire_owned().await.unwrap();
            // Every fourth caller stays; the others leave after up to a few milliseconds.
            let patience = match number % 4 {
                0 => Duration::from_mins(1),
                _ => Duration::from_micros(number.wrapping_mul(2_654_435_761) % 6_000),
            };
            let left = tokio::time::timeout(patience, async {
                if number % 3 == 0 {
                    let context = staff();
                    shop.commands.products.adjust_stock(&context, product, 1).await.unwrap();
                    vec![context.command]
                } else {
                    buy(&shop, product, number).await
                }
            });
            let acknowledged = left.await.unwrap_or_default();
            assert!(number % 4 != 0 || !acknowledged.is_empty(), "whoever stays gets an answer");
            acknowledged
        });
    }
    let acknowledged: Vec<Uuid> = callers.join_all().await.into_iter().flatten().collect();

    let events = shop.events().await;
    let stored: std::collections::HashSet<Uuid> =
        events.iter().map(|event| serde_json::from_str::<store::Metadata>(&event.metadata).unwrap().command).collect();
    for command in acknowledged {
        assert!(stored.contains(&command), "{command} was answered and is not in the log");
    }
    shop.prove().await;

    // What is remembered is what is in the log: the last piece can be taken, and not one more.
    for product in products {
        let stock = shop.stock(product).await;
        let free = stock.on_hand - stock.held;
        let take = |count| {
            let (shop, context) = (Arc::clone(&shop), staff());
            async move { shop.commands.products.adjust_stock(&context, product, count).await }
        };
        assert!(take(-free - 1).await.is_err());
        take(-free).await.unwrap();
    }
    if let Some(url) = ground.url() {
        let mut connection = PgConnection::connect(url).await.unwrap();
        eventually("no session is left inside a transaction", async || {
            let idle: i64 = sqlx::query_scalar(
                "select count(*) from pg_stat_activity
                 where datname = current_database() and state like 'idle in transaction%'",
            )
            .fetch_one(&mut connection)
            .await
            .unwrap();
            idle == 0
        })
        .await;
        connection.close().await.unwrap();
    }
    shop.prove().await;
    Arc::into_inner(shop).unwrap().close().await;
}

/// Fills a cart and checks it out, as a new buyer; answers the commands.
async fn buy(shop: &Shop, product: domain::ProductId, number: u64) -> Vec<Uuid> {
    let token = shop.commands.carts.open_one(None, None).await.unwrap();
    let cart = token.cart();
    let (add, order) = (guest(cart), guest(cart));
    shop.commands.carts.add(&add, cart, product, pieces(1)).await.unwrap();
    let mut asked = checkout(cart, 1, 1250);
    asked.contact = contact(&format!("ana{number}@exemple.fr"));
    shop.commands.orders.check_out(&order, &asked).await.unwrap();
    vec![add.command, order.command]
}

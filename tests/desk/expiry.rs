//! What nobody pays or touches falls through, whatever happens to the process meanwhile.

use domain::OrderId;

use super::ground::{Ground, Stock, a_moment, checkout, eventually, guest, later};

super::stories!(
    an_unpaid_order_gives_its_stock_back,
    a_deadline_survives_a_restart,
    a_payment_takes_the_deadline_away,
    a_cart_that_nobody_touches_is_closed,
    reactors_that_are_told_twice_change_nothing,
    a_deadline_that_could_not_be_kept_is_kept_later,
);

async fn an_unpaid_order_gives_its_stock_back(ground: Ground) {
    let shop = ground.open_alive().await;
    let product = shop.product("affiche", 1250, Some(1)).await;
    let order = shop.order(product, 1250).await;
    until_scheduled(&shop.log, 1).await;
    a_moment().await;
    assert_eq!(shop.names("order", order).await, ["OrderPlaced"], "its time is not over");
    ground.clock.turn(later(1));
    shop.until_order(order, "OrderExpired").await;
    assert_eq!(shop.stock(product).await, Stock { on_hand: 1, held: 0 });
    let events = shop.events().await;
    let [.., expired, released, struck] = &events[..] else { panic!("{events:?}") };
    assert_eq!(released.event_type, "ProductStockReleased");
    assert_eq!(struck.event_type, "BuyerReleased");
    assert_eq!(expired.transaction_end, struck.position);
    let metadata: store::Metadata = serde_json::from_str(&expired.metadata).unwrap();
    assert_eq!(metadata.actor_id.as_deref(), Some("expire-orders"));
    shop.close().await;
}

async fn a_deadline_survives_a_restart(ground: Ground) {
    let shop = ground.open_alive().await;
    let product = shop.product("affiche", 1250, Some(1)).await;
    let order = shop.order(product, 1250).await;
    until_scheduled(&shop.log, 1).await;
    shop.close().await;
    ground.clock.turn(later(2));
    let shop = ground.open_alive().await;
    shop.until_order(order, "OrderExpired").await;
    assert_eq!(shop.stock(product).await, Stock { on_hand: 1, held: 0 });
    shop.prove().await;
    shop.close().await;
}

async fn a_payment_takes_the_deadline_away(ground: Ground) {
    let shop = ground.open_alive().await;
    let product = shop.product("affiche", 1250, Some(1)).await;
    let order = shop.order(product, 1250).await;
    until_scheduled(&shop.log, 1).await;
    shop.pay(order, "ok").await;
    shop.until_order(order, "OrderPaid").await;
    until_scheduled(&shop.log, 0).await;
    shop.close().await;
    ground.clock.turn(later(48));
    let shop = ground.open_alive().await;
    let before = shop.head().await;
    a_moment().await;
    assert_eq!(shop.head().await, before);
    assert_eq!(shop.stock(product).await, Stock { on_hand: 0, held: 0 });
    shop.close().await;
}

async fn a_cart_that_nobody_touches_is_closed(ground: Ground) {
    let shop = ground.open_alive().await;
    let product = shop.product("affiche", 1250, Some(1)).await;
    let cart = shop.cart(&[product]).await;
    until_scheduled(&shop.log, 1).await;
    ground.clock.turn(later(24));
    eventually("the cart expires", async || shop.names("cart", cart).await == ["CartItemAdded", "CartExpired"]).await;
    let asked = checkout(cart, 1, 1250);
    assert!(shop.commands.orders.check_out(&guest(cart), &asked).await.is_err());
    shop.close().await;
}

async fn reactors_that_are_told_twice_change_nothing(ground: Ground) {
    let shop = ground.open_alive().await;
    let product = shop.product("affiche", 1250, Some(9)).await;
    let paid = shop.order(product, 1250).await;
    shop.pay(paid, "declined").await;
    shop.until_order(paid, "OrderPaymentDeclined").await;
    let attempt = shop.pay(paid, "ok").await;
    shop.until_order(paid, "OrderPaid").await;
    let late = shop.order(product, 1250).await;
    shop.pay(late, "held").await;
    let expired = shop.order(product, 1250).await;
    let _left = shop.cart(&[product]).await;
    until_scheduled(&shop.log, 3).await;
    ground.clock.turn(later(25));
    shop.until_order(late, "OrderExpired").await;
    shop.until_order(expired, "OrderExpired").await;
    ground.payments.release();
    shop.until_order(late, "OrderRefunded").await;
    until_scheduled(&shop.log, 0).await;
    let before = shop.events().await;
    shop.close().await;

    for _ in 0..2 {
        forget_bookmarks(&ground).await;
        let shop = ground.open_alive().await;
        let asked = ground.payments.charges(attempt);
        eventually("the provider is asked again", async || ground.payments.charges(attempt) > asked).await;
        until_scheduled(&shop.log, 0).await;
        a_moment().await;
        assert_eq!(shop.events().await, before);
        shop.close().await;
        let shop = ground.open().await;
        for name in ["take-payments", "return-payments", "expire-orders", "expire-carts"] {
            let bookmark = shop.log.bookmark(name).await.unwrap();
            assert_eq!(bookmark, Some(shop.head().await), "{name} was told everything");
        }
        shop.close().await;
    }
}

/// The database fails for a while, and then the shop is quiet: the deadline must not wait for another event.
async fn a_deadline_that_could_not_be_kept_is_kept_later(ground: Ground) {
    let shop = ground.open_alive().await;
    let product = shop.product("affiche", 1250, Some(1)).await;
    a_moment().await;
    ground.sql("log", "alter table deadlines rename to away").await;
    let order: OrderId = shop.order(product, 1250).await;
    a_moment().await;
    ground.sql("log", "alter table away rename to deadlines").await;
    until_scheduled(&shop.log, 1).await;
    ground.clock.turn(later(1));
    shop.until_order(order, "OrderExpired").await;
    shop.close().await;
}

/// Waits until so many deadlines are written down.
async fn until_scheduled(log: &store::Log, count: usize) {
    eventually("the deadlines are written down", async || {
        log.due(i64::MAX, 1_000).await.is_ok_and(|due| due.len() == count)
    })
    .await;
}

/// As after a crash that came before any bookmark was kept.
async fn forget_bookmarks(ground: &Ground) {
    ground.sql("log", "update bookmarks set position = 0").await;
}

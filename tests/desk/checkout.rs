//! A cart becomes an order in one append, once.

use std::collections::HashSet;

use commands::{CommandError, order::CheckoutError, product::Changes};
use domain::{
    Event, Money, OrderId,
    buyer::BuyerEvent,
    cart::CartEvent,
    order::OrderEvent,
    product::{ProductError, ProductEvent},
};
use tokio::task::JoinSet;

use super::ground::{Ground, Shop, Stock, checkout, decoded, guest, later, nobody, pieces, staff};

super::stories!(
    a_checkout_is_one_append,
    a_cart_becomes_one_order_however_often_it_is_asked,
    the_last_piece_is_sold_once,
    a_refused_checkout_leaves_nothing,
    a_price_that_changed_is_shown_first,
    a_cart_that_changed_is_shown_first,
    what_costs_nothing_is_paid_when_it_is_placed,
    an_order_cancelled_while_it_is_placed_gives_its_stock_back,
);

async fn a_checkout_is_one_append(ground: Ground) {
    let shop = ground.open().await;
    let poster = shop.product("affiche", 1250, Some(3)).await;
    let film = shop.product("film", 400, None).await;
    let cart = shop.cart(&[poster, film]).await;
    let before = shop.head().await;
    let asked = checkout(cart, 2, 1650);
    let done = shop.commands.orders.check_out(&guest(cart), &asked).await.unwrap();
    assert_eq!(done.value, OrderId::of_cart(cart, 2));

    let events = shop.log.read_all(before, 100).await.unwrap();
    assert!(events.iter().all(|event| event.transaction_end == done.position));
    let [closed, placed, reserved, entered] = &events[..] else { panic!("{events:?}") };
    assert_eq!(decoded(closed), Event::Cart(CartEvent::CheckedOut { order: done.value }));
    let Event::Order(OrderEvent::Placed { order, cart: of, lines, totals, expires_at, .. }) = decoded(placed) else {
        panic!("{placed:?}")
    };
    assert_eq!((order, of, totals.total), (done.value, cart, Money::eur(1650)));
    assert_eq!(expires_at, "2026-05-04T11:00:00Z".parse::<domain::Timestamp>().unwrap());
    let bought: Vec<_> = lines.iter().map(|line| (line.product, line.unit_price)).collect();
    assert_eq!(bought, [(poster, Money::eur(1250)), (film, Money::eur(400))]);
    assert_eq!(
        decoded(reserved),
        Event::Product(ProductEvent::StockReserved { order: done.value, quantity: pieces(1), available: 2 })
    );
    assert_eq!(decoded(entered), Event::Buyer(BuyerEvent::Ordered { order: done.value, promos: vec![] }));
    shop.prove().await;
    shop.close().await;
}

async fn a_cart_becomes_one_order_however_often_it_is_asked(ground: Ground) {
    let shop = ground.open().await;
    let product = shop.product("affiche", 1250, Some(100)).await;
    let cart = shop.cart(&[product]).await;
    let answers = all_at_once(&shop, &[cart; 50]).await;
    let orders: HashSet<OrderId> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(orders, HashSet::from([OrderId::of_cart(cart, 1)]));
    assert_eq!(shop.names("cart", cart).await, ["CartItemAdded", "CartCheckedOut"]);
    assert_eq!(shop.stock(product).await, Stock { on_hand: 100, held: 1 });

    // Whatever else is asked of it, it is that order.
    let before = shop.head().await;
    let again = shop.commands.orders.check_out(&guest(cart), &checkout(cart, 7, 1)).await.unwrap();
    assert_eq!((again.value, again.replayed), (OrderId::of_cart(cart, 1), true));
    assert_eq!(shop.head().await, before);
    shop.close().await;
}

async fn the_last_piece_is_sold_once(ground: Ground) {
    let shop = ground.open().await;
    let product = shop.product("affiche", 1250, Some(1)).await;
    let mut carts = Vec::new();
    for _ in 0..50 {
        carts.push(shop.cart(&[product]).await);
    }
    let answers = all_at_once(&shop, &carts).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for refusal in answers.into_iter().filter_map(Result::err) {
        assert_eq!(refusal, CheckoutError::Product { product, error: ProductError::OutOfStock { available: 0 } });
    }
    assert_eq!(shop.stock(product).await, Stock { on_hand: 1, held: 1 });
    let placed = shop.events().await.into_iter().filter(|event| event.event_type == "OrderPlaced").count();
    assert_eq!(placed, 1);
    shop.prove().await;
    shop.close().await;
}

async fn a_refused_checkout_leaves_nothing(ground: Ground) {
    let shop = ground.open().await;
    let first = shop.product("une", 1250, Some(1)).await;
    let second = shop.product("deux", 1250, Some(0)).await;
    let cart = shop.cart(&[first, second]).await;
    let before = shop.head().await;
    let refusal = shop.commands.orders.check_out(&guest(cart), &checkout(cart, 2, 2500)).await.unwrap_err();
    let error = ProductError::OutOfStock { available: 0 };
    let expected = CheckoutError::Product { product: second, error };
    assert!(matches!(&refusal, CommandError::Refused(error) if *error == expected), "{refusal:?}");
    assert_eq!(shop.head().await, before);

    // The first product and the cart are as free as they were.
    shop.order(first, 1250).await;
    shop.commands.carts.remove(&guest(cart), cart, first).await.unwrap();
    shop.close().await;
}

async fn a_price_that_changed_is_shown_first(ground: Ground) {
    let shop = ground.open().await;
    let product = shop.product("affiche", 1250, Some(3)).await;
    let cart = shop.cart(&[product]).await;
    let dearer = Changes { price: Some(Money::eur(1300)), ..Changes::default() };
    shop.commands.products.change(&staff(), product, dearer).await.unwrap();
    let before = shop.head().await;
    assert_changed(&shop, cart, (1, 1250), (1, 1300)).await;
    assert_eq!(shop.head().await, before);
    shop.commands.orders.check_out(&guest(cart), &checkout(cart, 1, 1300)).await.unwrap();
    shop.close().await;
}

async fn a_cart_that_changed_is_shown_first(ground: Ground) {
    let shop = ground.open().await;
    let product = shop.product("affiche", 1250, Some(3)).await;
    let cart = shop.cart(&[product]).await;
    shop.commands.carts.change_quantity(&guest(cart), cart, product, pieces(2)).await.unwrap();
    let before = shop.head().await;
    assert_changed(&shop, cart, (1, 1250), (2, 2500)).await;
    assert_changed(&shop, cart, (1, 2500), (2, 2500)).await;
    assert_changed(&shop, cart, (2, 2499), (2, 2500)).await;
    assert_eq!(shop.head().await, before);
    shop.close().await;
}

async fn what_costs_nothing_is_paid_when_it_is_placed(ground: Ground) {
    let shop = ground.open_alive().await;
    let product = shop.product("cadeau", 0, Some(3)).await;
    let order = shop.order(product, 0).await;
    assert_eq!(shop.names("order", order).await, ["OrderPlaced", "OrderPaid"]);
    assert_eq!(shop.stock(product).await, Stock { on_hand: 2, held: 0 });
    let events = shop.events().await;
    let ends: HashSet<_> = events.iter().rev().take(5).map(|event| event.transaction_end).collect();
    assert_eq!(ends.len(), 1, "all of it is one append");

    // Nobody waits for its money, so it does not expire.
    let before = shop.head().await;
    ground.clock.turn(later(2));
    super::ground::a_moment().await;
    assert_eq!(shop.head().await, before);
    shop.close().await;
}

/// The order's id can be known before the order is: whoever cancels it at the moment it is placed must not overlook its
/// goods.
async fn an_order_cancelled_while_it_is_placed_gives_its_stock_back(ground: Ground) {
    let shop = ground.open().await;
    let product = shop.product("affiche", 1250, Some(1)).await;
    for _ in 0..60 {
        let cart = shop.cart(&[product]).await;
        let order = OrderId::of_cart(cart, 1);
        let mut callers = JoinSet::new();
        for _ in 0..4 {
            let orders = shop.commands.orders.clone();
            callers.spawn(async move {
                while orders.cancel(&nobody(), order).await.is_err() {
                    tokio::task::yield_now().await;
                }
            });
        }
        let asked = checkout(cart, 1, 1250);
        shop.commands.orders.check_out(&guest(cart), &asked).await.unwrap();
        callers.join_all().await;
        assert_eq!(shop.names("order", order).await, ["OrderPlaced", "OrderCancelled"]);
        assert_eq!(shop.stock(product).await, Stock { on_hand: 1, held: 0 });
    }
    shop.close().await;
}

async fn assert_changed(shop: &Shop, cart: domain::CartId, (version, cents): (u64, i64), (is, total): (u64, i64)) {
    let asked = checkout(cart, version, cents);
    let refusal = shop.commands.orders.check_out(&guest(cart), &asked).await.unwrap_err();
    let expected = CheckoutError::CartChanged { cart_version: is, total: Money::eur(total) };
    assert!(matches!(&refusal, CommandError::Refused(error) if *error == expected), "{refusal:?}");
}

/// Checks each cart out, at the same time.
async fn all_at_once(shop: &Shop, carts: &[domain::CartId]) -> Vec<Result<OrderId, CheckoutError>> {
    let mut checkouts = JoinSet::new();
    for &cart in carts {
        let orders = shop.commands.orders.clone();
        checkouts.spawn(async move {
            match orders.check_out(&guest(cart), &checkout(cart, 1, 1250)).await {
                Ok(done) => Ok(done.value),
                Err(CommandError::Refused(refusal)) => Err(refusal),
                Err(error) => panic!("{error:?}"),
            }
        });
    }
    checkouts.join_all().await
}

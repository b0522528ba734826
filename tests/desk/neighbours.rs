//! Two processes on one PostgreSQL database: what one remembers, the other may have changed.

use std::collections::HashSet;

use commands::{CommandError, order::CheckoutError};
use domain::{CartId, OrderId, product::ProductError};
use tokio::task::JoinSet;

use super::ground::{Ground, Shop, Stock, checkout, guest, nobody, pieces, staff};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_sell_the_last_piece_once() {
    let (ground, one, other) = two_processes().await;
    let product = one.product("affiche", 1250, Some(1)).await;
    let mut checkouts = JoinSet::new();
    for number in 0..50 {
        let shop = if number % 2 == 0 { &one } else { &other };
        let cart = shop.cart(&[product]).await;
        let orders = shop.commands.orders.clone();
        checkouts.spawn(async move {
            match orders.check_out(&guest(cart), &checkout(cart, 1, 1250)).await {
                Ok(_) => true,
                Err(CommandError::Refused(refusal)) => {
                    let error = ProductError::OutOfStock { available: 0 };
                    assert_eq!(refusal, CheckoutError::Product { product, error });
                    false
                }
                Err(error) => panic!("{error:?}"),
            }
        });
    }
    assert_eq!(checkouts.join_all().await.into_iter().filter(|sold| *sold).count(), 1);
    assert_eq!(one.stock(product).await, Stock { on_hand: 1, held: 1 });
    one.prove().await;
    close(ground, one, other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_make_one_order_of_a_cart() {
    let (ground, one, other) = two_processes().await;
    let product = one.product("affiche", 1250, Some(90)).await;
    let cart = one.cart(&[product]).await;
    let mut checkouts = JoinSet::new();
    for number in 0..50 {
        let shop = if number % 2 == 0 { &one } else { &other };
        let (orders, log) = (shop.commands.orders.clone(), shop.log.clone());
        checkouts.spawn(async move {
            let done = orders.check_out(&guest(cart), &checkout(cart, 1, 1250)).await.unwrap();
            let events = log.read_stream(&store::StreamName::new("order", done.value), 0, 9).await;
            // A query that waits for the answer's position sees the order.
            assert!(done.position >= events.unwrap()[0].position);
            done.value
        });
    }
    let orders: HashSet<OrderId> = checkouts.join_all().await.into_iter().collect();
    assert_eq!(orders, HashSet::from([OrderId::of_cart(cart, 1)]));
    assert_eq!(one.stock(product).await, Stock { on_hand: 90, held: 1 });
    close(ground, one, other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_count_one_product_together() {
    let (ground, one, other) = two_processes().await;
    let product = one.product("affiche", 1250, Some(1)).await;
    let mut changes = JoinSet::new();
    for shop in [&one, &other] {
        for _ in 0..8 {
            let products = shop.commands.products.clone();
            changes.spawn(async move {
                for _ in 0..8 {
                    products.adjust_stock(&staff(), product, 1).await.unwrap();
                }
            });
        }
    }
    changes.join_all().await;
    assert_eq!(one.stock(product).await, Stock { on_hand: 129, held: 0 });
    one.prove().await;
    close(ground, one, other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_refused_for_what_another_process_has_changed() {
    let (ground, one, other) = two_processes().await;
    let products = &one.commands.products;
    let new = super::ground::new_product("affiche", domain::product::Kind::Physical, 1250);
    let product = products.draft(&staff(), new).await.unwrap().value;
    let cart = remember_as_draft(&other, product).await;

    one.commands.products.adjust_stock(&staff(), product, 2).await.unwrap();
    one.commands.products.publish(&staff(), product).await.unwrap();
    other.commands.carts.add(&guest(cart), cart, product, pieces(1)).await.unwrap();
    other.commands.products.adjust_stock(&staff(), product, -2).await.unwrap();

    // A no-op is an answer, too: archived here, published there, archived again is not "nothing to do".
    let reserved = one.commands.orders.check_out(&guest(cart), &checkout(cart, 1, 1250)).await;
    let Err(CommandError::Refused(CheckoutError::Product { error, .. })) = reserved else { panic!("{reserved:?}") };
    assert_eq!(error, ProductError::OutOfStock { available: 0 });
    one.commands.products.adjust_stock(&staff(), product, 1).await.unwrap();
    other.commands.orders.check_out(&guest(cart), &checkout(cart, 1, 1250)).await.unwrap();
    assert_eq!(one.stock(product).await, Stock { on_hand: 1, held: 1 });
    close(ground, one, other).await;
}

/// The first process remembers that there is no such order. It must not close the order without its goods.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_of_another_process_is_closed_with_its_goods() {
    let (ground, one, other) = two_processes().await;
    let product = one.product("affiche", 1250, Some(0)).await;
    let cart = one.cart(&[product]).await;
    let asked = checkout(cart, 1, 1250);
    assert!(one.commands.orders.check_out(&guest(cart), &asked).await.is_err());
    other.commands.products.adjust_stock(&staff(), product, 1).await.unwrap();
    let order = other.commands.orders.check_out(&guest(cart), &asked).await.unwrap().value;
    one.commands.orders.cancel(&nobody(), order).await.unwrap();
    assert_eq!(one.names("order", order).await, ["OrderPlaced", "OrderCancelled"]);
    assert_eq!(one.stock(product).await, Stock { on_hand: 1, held: 0 });
    close(ground, one, other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_with_reactors_take_the_money_once() {
    let ground = Ground::postgres();
    let (one, other) = (ground.open_alive().await, ground.open_alive().await);
    let product = one.product("affiche", 1250, Some(9)).await;
    for _ in 0..4 {
        let order = one.order(product, 1250).await;
        other.pay(order, "ok").await;
        one.until_order(order, "OrderPaid").await;
        assert_eq!(one.names("order", order).await.len(), 4);
    }
    assert_eq!(one.stock(product).await, Stock { on_hand: 5, held: 0 });
    close(ground, one, other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_forgets_no_other_can_open() {
    let ground = Ground::postgres();
    let (one, other) = (ground.vault().await, ground.vault().await);
    let person = uuid::Uuid::now_v7();
    let stream = store::StreamName::new("order", "1");
    let place = store::vault::Place { subject: person, stream: &stream, field: "contact" };
    let sealed = one.key_of(person).await.unwrap().seal(place, b"Ana").unwrap();
    assert_eq!(one.existing_keys(&[(person, sealed.key)]).await.unwrap().len(), 1);
    assert_eq!(other.forget(person).await.unwrap(), 1);
    assert!(one.existing_keys(&[(person, sealed.key)]).await.unwrap().is_empty());
    // What is sealed from now on can be opened.
    let sealed = one.key_of(person).await.unwrap().seal(place, b"Ana").unwrap();
    assert_eq!(other.existing_keys(&[(person, sealed.key)]).await.unwrap().len(), 1);
    one.close().await;
    other.close().await;
}

/// Two processes without any word between them but the log.
async fn two_processes() -> (Ground, Shop, Shop) {
    let ground = Ground::postgres();
    let (one, other) = (ground.open().await, ground.open().await);
    (ground, one, other)
}

async fn close(ground: Ground, one: Shop, other: Shop) {
    one.close().await;
    other.close().await;
    drop(ground);
}

/// Makes a process remember that `product` is a draft, and answers a cart it was not put into.
async fn remember_as_draft(shop: &Shop, product: domain::ProductId) -> CartId {
    let cart = shop.cart(&[]).await;
    let refused = shop.commands.carts.add(&guest(cart), cart, product, pieces(1)).await;
    assert!(matches!(refused, Err(CommandError::Refused(_))), "{refused:?}");
    let refused = shop.commands.products.adjust_stock(&staff(), product, -1).await;
    assert!(matches!(refused, Err(CommandError::Refused(_))), "{refused:?}");
    cart
}

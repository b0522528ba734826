//! A request with an idempotency key is carried out once, however often it is asked.

use std::collections::HashSet;

use commands::{Actor, CommandError, Context, Failure, product::DraftError};
use domain::product::Kind;
use tokio::task::JoinSet;

use super::ground::{Ground, Stock, a_moment, checkout, guest, keyed, new_product, nobody, pieces, staff};

super::stories!(
    the_same_key_gives_the_same_answer,
    a_key_stands_for_one_request,
    a_key_in_use_is_used_once,
    a_refusal_does_not_use_its_key_up,
    a_no_op_is_remembered_under_its_key,
    keys_of_others_are_other_keys,
    a_key_answers_again_after_a_restart,
    a_key_is_forgotten_after_a_week,
    a_request_whose_caller_left_is_not_refused_for_its_own_work,
    a_repeated_request_is_answered_though_the_product_is_gone,
);

async fn the_same_key_gives_the_same_answer(ground: Ground) {
    let shop = ground.open().await;
    let new = new_product("affiche", Kind::Physical, 1250);
    let products = &shop.commands.products;
    let first = products.draft(&keyed(staff(), "k", 1), new.clone()).await.unwrap();
    let before = shop.head().await;
    let again = products.draft(&keyed(staff(), "k", 1), new).await.unwrap();
    assert!(!first.replayed && again.replayed);
    assert_eq!((again.value, again.position), (first.value, first.position));
    assert_eq!(shop.head().await, before);
    shop.close().await;
}

async fn a_key_stands_for_one_request(ground: Ground) {
    let shop = ground.open().await;
    let products = &shop.commands.products;
    let new = |slug| new_product(slug, Kind::Physical, 1250);
    products.draft(&keyed(staff(), "k", 1), new("une")).await.unwrap();
    let before = shop.head().await;
    let other = products.draft(&keyed(staff(), "k", 2), new("deux")).await;
    assert!(matches!(other, Err(CommandError::Failed(Failure::KeyMismatch))), "{other:?}");
    assert_eq!(shop.head().await, before);
    shop.close().await;
}

async fn a_key_in_use_is_used_once(ground: Ground) {
    let shop = ground.open().await;
    let product = shop.product("affiche", 1250, Some(1)).await;
    let mut asked = JoinSet::new();
    for _ in 0..32 {
        let products = shop.commands.products.clone();
        asked.spawn(async move { products.adjust_stock(&keyed(staff(), "k", 1), product, 10).await });
    }
    let mut positions = HashSet::new();
    for answer in asked.join_all().await {
        match answer {
            Ok(done) => drop(positions.insert(done.position)),
            Err(CommandError::Failed(Failure::KeyInFlight)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(positions.len(), 1, "all answers are the same");
    assert_eq!(shop.stock(product).await, Stock { on_hand: 11, held: 0 });
    shop.close().await;
}

async fn a_refusal_does_not_use_its_key_up(ground: Ground) {
    let shop = ground.open().await;
    let product = shop.product("affiche", 1250, Some(1)).await;
    let products = &shop.commands.products;
    let context = keyed(staff(), "k", 1);
    let take = || products.adjust_stock(&context, product, -5);
    let refused = take().await;
    assert!(matches!(refused, Err(CommandError::Refused(_))), "{refused:?}");
    products.adjust_stock(&staff(), product, 9).await.unwrap();
    assert!(!take().await.unwrap().replayed);
    assert!(take().await.unwrap().replayed);
    assert_eq!(shop.stock(product).await, Stock { on_hand: 5, held: 0 });
    shop.close().await;
}

async fn a_no_op_is_remembered_under_its_key(ground: Ground) {
    let shop = ground.open().await;
    let product = shop.product("affiche", 1250, Some(1)).await;
    let before = shop.head().await;
    let products = &shop.commands.products;
    let publish = |request| {
        let context = keyed(staff(), "k", request);
        async move { products.publish(&context, product).await }
    };
    assert!(!publish(1).await.unwrap().replayed);
    assert!(publish(1).await.unwrap().replayed);
    let other = publish(2).await;
    assert!(matches!(other, Err(CommandError::Failed(Failure::KeyMismatch))), "{other:?}");
    assert_eq!(shop.head().await, before);
    shop.close().await;
}

async fn keys_of_others_are_other_keys(ground: Ground) {
    let shop = ground.open().await;
    let product = shop.product("affiche", 1250, Some(1)).await;
    let products = &shop.commands.products;
    products.adjust_stock(&keyed(staff(), "k", 1), product, 1).await.unwrap();
    let other = keyed(Context::new(Actor::Shop), "k", 2);
    products.adjust_stock(&other, product, 1).await.unwrap();
    assert_eq!(shop.stock(product).await, Stock { on_hand: 3, held: 0 });
    shop.close().await;
}

async fn a_key_answers_again_after_a_restart(ground: Ground) {
    let shop = ground.open().await;
    let product = shop.product("affiche", 1250, Some(5)).await;
    let cart = shop.cart(&[product]).await;
    let order = shop.order(product, 1250).await;
    let context = keyed(nobody(), "pay", 1);
    let method = domain::Line::parse("ok").unwrap();
    let first = shop.commands.orders.pay(&context, order, method.clone()).await.unwrap();
    let asked = checkout(cart, 1, 1250);
    let bought = shop.commands.orders.check_out(&keyed(guest(cart), "buy", 1), &asked).await.unwrap();
    shop.close().await;

    let shop = ground.open().await;
    let before = shop.head().await;
    let again = shop.commands.orders.pay(&context, order, method).await.unwrap();
    assert_eq!((again.value, again.replayed), (first.value, true));
    let again = shop.commands.orders.check_out(&keyed(guest(cart), "buy", 1), &asked).await.unwrap();
    assert_eq!((again.value, again.replayed), (bought.value, true));
    assert_eq!(shop.head().await, before);
    shop.close().await;
}

async fn a_key_is_forgotten_after_a_week(ground: Ground) {
    let shop = ground.open().await;
    let product = shop.product("affiche", 1250, Some(1)).await;
    let products = &shop.commands.products;
    let add = |request| {
        let context = keyed(staff(), "k", request);
        async move { products.adjust_stock(&context, product, 1).await }
    };
    add(1).await.unwrap();
    ground.clock.turn(super::ground::later(7 * 24) - chrono::TimeDelta::microseconds(1));
    assert!(add(1).await.unwrap().replayed);
    ground.clock.turn(chrono::TimeDelta::microseconds(1));
    assert!(!add(2).await.unwrap().replayed);
    // A clock that goes back takes nothing away.
    ground.clock.turn(-super::ground::later(24));
    assert!(add(2).await.unwrap().replayed);
    assert_eq!(shop.stock(product).await, Stock { on_hand: 3, held: 0 });
    shop.close().await;
}

async fn a_request_whose_caller_left_is_not_refused_for_its_own_work(ground: Ground) {
    let shop = ground.open().await;
    let draft = || {
        let products = shop.commands.products.clone();
        let new = new_product("affiche", Kind::Physical, 1250);
        async move { products.draft(&keyed(staff(), "k", 1), new).await }
    };
    let stall = ground.stall("log").await;
    let mut callers = JoinSet::new();
    callers.spawn(draft());
    a_moment().await;
    callers.shutdown().await; // The connection breaks, and the client asks again.
    callers.spawn(draft());
    a_moment().await;
    stall.release().await;
    let again = callers.join_next().await.unwrap().unwrap();
    let again = again.expect("the slug is taken by this very request");
    assert_eq!(shop.names("product", again.value).await, ["ProductDrafted"]);
    assert_eq!(shop.events().await.len(), 2);

    let new = new_product("affiche", Kind::Physical, 1250);
    let other = shop.commands.products.draft(&staff(), new).await;
    assert!(matches!(other, Err(CommandError::Refused(DraftError::SlugTaken))), "{other:?}");
    shop.close().await;
}

async fn a_repeated_request_is_answered_though_the_product_is_gone(ground: Ground) {
    let shop = ground.open().await;
    let product = shop.product("affiche", 1250, Some(1)).await;
    let cart = shop.cart(&[product]).await;
    let context = keyed(guest(cart), "k", 1);
    let carts = &shop.commands.carts;
    let first = carts.add(&context, cart, product, pieces(1)).await.unwrap();
    shop.commands.products.archive(&staff(), product).await.unwrap();
    let again = carts.add(&context, cart, product, pieces(1)).await.unwrap();
    assert_eq!((again.position, again.replayed), (first.position, true));
    assert!(carts.add(&guest(cart), cart, product, pieces(1)).await.is_err());
    shop.close().await;
}

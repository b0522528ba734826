//! Answers that rest on what is still on its way to the disk. The writer is held up while commands are decided.

use commands::{CommandError, order::CheckoutError};
use domain::{CartId, ProductId, product::ProductError};
use tokio::task::JoinSet;

use super::ground::{Ground, Shop, Stock, a_moment, checkout, guest, staff};

super::stories!(
    an_answer_waits_for_what_it_rests_on,
    a_refusal_does_not_hide_what_is_on_its_way,
    a_caller_who_leaves_does_not_hide_what_is_on_its_way,
);

async fn an_answer_waits_for_what_it_rests_on(ground: Ground) {
    let shop = ground.open().await;
    let product = shop.product("affiche", 1250, Some(1)).await;
    let (winner, loser) = (shop.cart(&[product]).await, shop.cart(&[product]).await);
    let stall = ground.stall("log").await;
    let mut first = buy(&shop, winner);
    a_moment().await;
    let mut second = buy(&shop, loser);
    a_moment().await;
    assert!(first.try_join_next().is_none(), "the order is not durable");
    assert!(second.try_join_next().is_none(), "the refusal rests on an order that is not durable");
    stall.release().await;
    assert_eq!(first.join_next().await.unwrap().unwrap(), Ok(()));
    let refusal = second.join_next().await.unwrap().unwrap().unwrap_err();
    let error = ProductError::OutOfStock { available: 0 };
    assert_eq!(refusal, CheckoutError::Product { product, error });
    assert_eq!(shop.stock(product).await, Stock { on_hand: 1, held: 1 });
    shop.close().await;
}

/// A checkout that is refused by its second product had changed the first one in memory for nothing. What was submitted
/// for the first one before is not in the log yet, and must not be overlooked when it is loaded again.
async fn a_refusal_does_not_hide_what_is_on_its_way(ground: Ground) {
    let shop = ground.open().await;
    let scarce = shop.product("rare", 1250, Some(0)).await;
    let gone = shop.product("parti", 1250, Some(0)).await;
    let (both, one) = (shop.cart(&[scarce, gone]).await, shop.cart(&[scarce]).await);
    let stall = ground.stall("log").await;
    let mut callers = restock(&shop, scarce);
    let orders = shop.commands.orders.clone();
    a_moment().await;
    callers.spawn(async move {
        let refusal = orders.check_out(&guest(both), &checkout(both, 2, 2500)).await.unwrap_err();
        let error = ProductError::OutOfStock { available: 0 };
        let expected = CheckoutError::Product { product: gone, error };
        assert!(matches!(&refusal, CommandError::Refused(is) if *is == expected), "{refusal:?}");
    });
    a_moment().await;
    let mut bought = buy(&shop, one);
    a_moment().await;
    stall.release().await;
    callers.join_all().await;
    assert_eq!(bought.join_next().await.unwrap().unwrap(), Ok(()));
    assert_eq!(shop.stock(scarce).await, Stock { on_hand: 5, held: 1 });
    shop.close().await;
}

/// The caller leaves while the vault makes a key, with the product in its hands.
async fn a_caller_who_leaves_does_not_hide_what_is_on_its_way(ground: Ground) {
    let shop = ground.open().await;
    let product = shop.product("affiche", 1250, Some(0)).await;
    let (left, stays) = (shop.cart(&[product]).await, shop.cart(&[product]).await);
    let (log, vault) = (ground.stall("log").await, ground.stall("vault").await);
    let callers = restock(&shop, product);
    a_moment().await;
    let mut leaves = buy(&shop, left);
    a_moment().await;
    leaves.shutdown().await;
    let mut bought = buy(&shop, stays);
    a_moment().await;
    vault.release().await;
    log.release().await;
    callers.join_all().await;
    assert_eq!(bought.join_next().await.unwrap().unwrap(), Ok(()));
    assert_eq!(shop.stock(product).await, Stock { on_hand: 5, held: 1 });
    shop.close().await;
}

/// Puts five pieces on the shelf, in a task of its own.
fn restock(shop: &Shop, product: ProductId) -> JoinSet<()> {
    let products = shop.commands.products.clone();
    let mut task = JoinSet::new();
    task.spawn(async move {
        products.adjust_stock(&staff(), product, 5).await.unwrap();
    });
    task
}

/// Checks out a cart that holds one piece, in a task of its own.
fn buy(shop: &Shop, cart: CartId) -> JoinSet<Result<(), CheckoutError>> {
    let orders = shop.commands.orders.clone();
    let mut task = JoinSet::new();
    task.spawn(async move {
        match orders.check_out(&guest(cart), &checkout(cart, 1, 1250)).await {
            Ok(_) => Ok(()),
            Err(CommandError::Refused(refusal)) => Err(refusal),
            Err(error) => panic!("{error:?}"),
        }
    });
    task
}

/// Many others are looked at while something is on its way, so that memory has to be made room in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn making_room_in_memory_does_not_hide_what_is_on_its_way() {
    const MORE_THAN_ARE_REMEMBERED: usize = 50_010;
    let ground = Ground::sqlite();
    let shop = ground.open().await;
    let product = shop.product("affiche", 1250, Some(0)).await;
    let cart = shop.cart(&[product]).await;
    look_at_carts(&shop, MORE_THAN_ARE_REMEMBERED - 1_000).await;
    let stall = ground.stall("log").await;
    let callers = restock(&shop, product);
    a_moment().await;
    look_at_carts(&shop, 1_000).await;
    let mut bought = buy(&shop, cart);
    a_moment().await;
    stall.release().await;
    callers.join_all().await;
    assert_eq!(bought.join_next().await.unwrap().unwrap(), Ok(()));
    shop.close().await;
}

async fn look_at_carts(shop: &Shop, count: usize) {
    let mut lookers = JoinSet::new();
    for _ in 0..4 {
        let carts = shop.commands.carts.clone();
        lookers.spawn(async move {
            for _ in 0..count / 4 {
                let token = carts.open_one(None, None).await.unwrap();
                carts.open_one(Some(token), None).await.unwrap();
            }
        });
    }
    lookers.join_all().await;
}

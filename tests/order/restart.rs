//! Stories of a shop that is stopped in the middle of something and opened again.

use chrono::TimeDelta;

use super::*;

/// The same person, back at the shop that was opened again.
fn back<'shop>(shop: &'shop Shop, cart: Option<&String>) -> Guest<'shop> {
    let mut guest = shop.guest();
    guest.cart = cart.cloned();
    guest.position = shop.head().0;
    guest
}

on_both! {
    async fn a_purchase_goes_on_through_restarts(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let before = shop.head();
        let mut guest = shop.guest();
        guest.add(&product, 2).await.expect(StatusCode::OK);
        let cart = guest.cart.clone();
        shop.reopen().await;

        let mut guest = back(&shop, cart.as_ref());
        let shown = guest.show_cart().await;
        assert_eq!((&shown["version"], &shown["lines"][0]["quantity"]), (&json!(1), &json!(2)));
        let order = Placed::of(guest.check_out().await.expect(StatusCode::CREATED));
        shop.reopen().await;

        let mut guest = back(&shop, cart.as_ref());
        assert_eq!(guest.show(&order).await["status"], "awaiting_payment");
        assert_eq!(Placed::of(guest.check_out().await.expect(StatusCode::OK)), order);
        guest.pay(&order, "sandbox_ok").await.expect(StatusCode::OK);
        shop.reopen().await;

        let mut guest = back(&shop, cart.as_ref());
        assert_eq!(guest.show(&order).await["status"], "paid");
        guest.pay(&order, "sandbox_ok").await.expect_problem(StatusCode::CONFLICT, "order-already-paid");
        assert_eq!(shop.available(&product).await, 3);
        assert_eq!(
            shop.types_after(before).await,
            [
                "CartItemAdded", "CartCheckedOut", "OrderPlaced", "ProductStockReserved", "BuyerOrdered", "OrderPaymentRequested",
                "OrderPaymentSucceeded", "OrderPaid", "ProductStockCommitted", "BuyerSettled", "RegisterEntered", "InvoiceIssued",
            ]
        );
        shop.close().await;
    }

    async fn a_payment_under_way_is_taken_up_again_and_recorded_once(backend: Backend) {
        let payments = Held::closed();
        let mut shop = Shop::open_with(backend, payments.clone()).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 1).await;
        let before = shop.head();
        guest.pay(&order, "sandbox_ok").await.expect(StatusCode::ACCEPTED);
        assert_eq!(payments.charges().len(), 1);
        shop.reopen().await;

        payments.wait_for_charges(2).await;
        let charges = payments.charges();
        assert_eq!(charges[0].attempt, charges[1].attempt, "the provider charges one attempt once");
        assert_eq!(shop.guest().show(&order).await["payments"][0]["status"], "pending");
        payments.release();
        shop.wait_for("ProductStockCommitted", before).await;
        shop.reopen().await;
        assert_eq!(back(&shop, None).show(&order).await["status"], "paid");
        assert_eq!(
            shop.types_after(before).await,
            ["OrderPaymentRequested", "OrderPaymentSucceeded", "OrderPaid", "ProductStockCommitted", "BuyerSettled", "RegisterEntered", "InvoiceIssued"]
        );
        shop.close().await;
    }

    async fn time_that_passed_while_the_shop_was_closed_counts(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let order = shop.guest().buy(&product, 1).await;
        let before = shop.head();
        shop.close().await;
        shop.turn(TimeDelta::minutes(31));
        shop.reopen().await;
        shop.wait_for("ProductStockReleased", before).await;
        assert_eq!(shop.types_after(before).await, ["OrderExpired", "ProductStockReleased", "BuyerReleased"]);
        assert_eq!(back(&shop, None).show(&order).await["status"], "expired");
        assert_eq!(shop.available(&product).await, 5);
        shop.close().await;
    }
}

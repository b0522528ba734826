//! Stories of time: orders that nobody pays, and money that comes too late.

use chrono::TimeDelta;

use super::*;

on_both! {
    async fn an_order_that_nobody_pays_expires_and_gives_its_stock_back(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let (mut guest, mut payer) = (shop.guest(), shop.guest());
        let paid = payer.buy(&product, 1).await;
        payer.pay(&paid, "sandbox_ok").await.expect(StatusCode::OK);
        let order = guest.buy(&product, 3).await;
        assert_eq!(shop.available(&product).await, 1);
        let before = shop.head();
        shop.turn(TimeDelta::minutes(29));
        guest.pay(&order, "sandbox_declined").await.expect(StatusCode::OK);
        assert_eq!(shop.types_after(before).await, ["OrderPaymentRequested", "OrderPaymentDeclined"]);

        let before = shop.head();
        shop.turn(TimeDelta::minutes(2));
        let released = shop.wait_for("ProductStockReleased", before).await;
        assert_eq!(says(&released), json!({"order": order.id, "quantity": 3, "available": 4}));
        let events = shop.events_after(before).await;
        assert_eq!(shop.types_after(before).await, ["OrderExpired", "ProductStockReleased", "BuyerReleased"]);
        assert_eq!(events[0].transaction_end, events[2].position);
        assert_eq!(shop.available(&product).await, 4);
        guest.position = shop.head().0;
        assert_eq!(guest.show(&order).await["status"], "expired");
        guest.pay(&order, "sandbox_ok").await.expect_problem(StatusCode::CONFLICT, "order-closed");
        guest.ask(&order, "cancel").await.expect_problem(StatusCode::CONFLICT, "order-closed");

        // Time has no power over what is paid: of all that is here, only a younger order expires.
        let younger = guest.buy(&product, 1).await;
        let before = shop.head();
        shop.turn(TimeDelta::days(1));
        shop.wait_for("OrderExpired", before).await;
        assert_eq!(shop.types_after(before).await, ["OrderExpired", "ProductStockReleased", "BuyerReleased"]);
        payer.position = shop.head().0;
        assert_eq!(payer.show(&paid).await["status"], "paid");
        assert_eq!(payer.show_cart().await["state"], "checked_out");
        guest.position = shop.head().0;
        assert_eq!(guest.show(&younger).await["status"], "expired");
        shop.close().await;
    }

    async fn money_that_comes_after_the_order_expired_goes_back(backend: Backend) {
        let payments = Held::closed();
        let mut shop = Shop::open_with(backend, payments.clone()).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 2).await;
        guest.pay(&order, "sandbox_ok").await.expect(StatusCode::ACCEPTED);
        let before = shop.head();
        shop.turn(TimeDelta::minutes(31));
        shop.wait_for("ProductStockReleased", before).await;
        payments.release();
        shop.wait_for("OrderRefunded", before).await;
        assert_eq!(
            shop.types_after(before).await,
            [
                "OrderExpired", "ProductStockReleased", "BuyerReleased", "OrderPaymentSucceeded", "OrderRefundRequested",
                "OrderRefunded",
            ]
        );
        let events = shop.events_after(before).await;
        assert_eq!(says(&events[4])["reason"], "late");
        assert_eq!(says(&events[5])["amount"], eur(3980));
        guest.position = shop.head().0;
        let shown = guest.show(&order).await;
        let payment = &shown["payments"][0];
        assert_eq!(shown["status"], "expired");
        assert_eq!((&payment["status"], &payment["reason"]), (&json!("refunded"), &json!("late")));
        assert_eq!((payments.charges().len(), payments.refunds().len()), (1, 1));
        assert_eq!(payments.refunds()[0].attempt, payments.charges()[0].attempt);
        assert_eq!(shop.available(&product).await, 5);
        shop.close().await;
    }

    async fn money_that_comes_after_the_order_was_cancelled_goes_back(backend: Backend) {
        let payments = Held::closed();
        let mut shop = Shop::open_with(backend, payments.clone()).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 2).await;
        guest.pay(&order, "sandbox_ok").await.expect(StatusCode::ACCEPTED);
        let before = shop.head();
        guest.ask(&order, "cancel").await.expect(StatusCode::OK);
        payments.release();
        shop.wait_for("OrderRefunded", before).await;
        assert_eq!(
            shop.types_after(before).await,
            [
                "OrderCancelled", "ProductStockReleased", "BuyerReleased", "OrderPaymentSucceeded", "OrderRefundRequested",
                "OrderRefunded",
            ]
        );
        guest.position = shop.head().0;
        let shown = guest.show(&order).await;
        assert_eq!((&shown["status"], &shown["payments"][0]["status"]), (&json!("cancelled"), &json!("refunded")));
        assert_eq!(shop.available(&product).await, 5);
        shop.close().await;
    }

    async fn a_late_decline_leaves_an_expired_order_as_it_is(backend: Backend) {
        let payments = Held::closed();
        let mut shop = Shop::open_with(backend, payments.clone()).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 2).await;
        guest.pay(&order, "sandbox_declined").await.expect(StatusCode::ACCEPTED);
        let before = shop.head();
        shop.turn(TimeDelta::minutes(31));
        shop.wait_for("ProductStockReleased", before).await;
        payments.release();
        shop.wait_for("OrderPaymentDeclined", before).await;
        assert_eq!(
            shop.types_after(before).await,
            ["OrderExpired", "ProductStockReleased", "BuyerReleased", "OrderPaymentDeclined"]
        );
        shop.close().await;
    }
}

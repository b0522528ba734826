//! Stories of the sandbox: everything a payment provider may do, and what the shop makes of it.

use chrono::TimeDelta;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{
    on_both,
    shop::{Answer, Backend, Guest, Placed, Shop, says},
};

mod action;

/// What follows from the first money of an order of goods.
const MONEY: [&str; 6] =
    ["OrderPaymentSucceeded", "OrderPaid", "ProductStockCommitted", "BuyerSettled", "RegisterEntered", "InvoiceIssued"];

/// `first`, then all that follows from the money.
fn then_money(first: &[&'static str]) -> Vec<&'static str> {
    [first, &MONEY].concat()
}

on_both! {
    async fn money_at_once_or_never(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 2).await;
        let before = shop.head();
        let declined = guest.pay(&order, "sandbox_declined").await;
        let body = declined.expect(StatusCode::OK);
        assert_eq!(body["status"], "awaiting_payment");
        assert_eq!((&body["payments"][0]["status"], &body["payments"][0]["reason"]), (&json!("declined"), &json!("card_declined")));
        assert_eq!(shop.types_after(before).await, ["OrderPaymentRequested", "OrderPaymentDeclined"]);

        let before = shop.head();
        let paid = guest.pay(&order, "sandbox_ok").await;
        assert_eq!(paid.expect(StatusCode::OK)["status"], "paid");
        assert_eq!(shop.types_after(before).await, then_money(&["OrderPaymentRequested"]));
        let end = shop.events_after(before).await[1].transaction_end;
        assert!(shop.events_after(before).await[1..7].iter().all(|event| event.transaction_end == end), "one append");
        assert_eq!(shop.available(&product).await, 3);
        shop.close().await;
    }

    async fn an_unknown_method_is_refused(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 1).await;
        let before = shop.head();
        for method in ["sandbox_never", "SANDBOX_OK", "pm_card_visa"] {
            guest.pay(&order, method).await.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "payment-method-unknown");
        }
        assert_eq!(shop.head(), before);
        shop.close().await;
    }

    async fn slow_money_is_awaited_and_comes(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 1).await;
        let before = shop.head();
        let waiting = guest.pay(&order, "sandbox_slow").await;
        assert_eq!(waiting.expect(StatusCode::ACCEPTED)["payments"][0]["status"], "pending");
        // A second click, with whatever method, joins it.
        assert_eq!(shop.types_after(before).await, ["OrderPaymentRequested"]);
        guest.pay(&order, "sandbox_ok").await;
        shop.wait_for("InvoiceIssued", before).await;
        assert_eq!(shop.types_after(before).await, then_money(&["OrderPaymentRequested"]));
        guest.position = shop.head().0;
        assert_eq!(guest.show(&order).await["status"], "paid");
        shop.close().await;
    }

    async fn money_that_is_told_three_times_pays_once(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 2).await;
        let before = shop.head();
        guest.pay(&order, "sandbox_duplicate").await.expect(StatusCode::OK);
        shop.wait_for("InvoicePrinted", before).await;
        shop.reopen().await; // All that was under way has ended.
        assert_eq!(shop.types_after(before).await, then_money(&["OrderPaymentRequested"]));
        assert_eq!(shop.available(&product).await, 3);
        shop.close().await;
    }

    async fn money_that_comes_after_a_decline_pays(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 1).await;
        let before = shop.head();
        let declined = guest.pay(&order, "sandbox_late_success").await;
        assert_eq!(declined.expect(StatusCode::OK)["payments"][0]["status"], "declined");
        shop.wait_for("InvoiceIssued", before).await;
        assert_eq!(shop.types_after(before).await, then_money(&["OrderPaymentRequested", "OrderPaymentDeclined"]));
        guest.position = shop.head().0;
        assert_eq!(guest.show(&order).await["status"], "paid");
        shop.close().await;
    }

    async fn money_that_comes_after_other_money_goes_back(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 1).await;
        let before = shop.head();
        let declined = guest.pay(&order, "sandbox_late_success").await;
        assert_eq!(declined.expect(StatusCode::OK)["payments"][0]["status"], "declined");
        let paid = guest.pay(&order, "sandbox_ok").await;
        assert_eq!(paid.expect(StatusCode::OK)["status"], "paid");
        shop.wait_for("OrderRefunded", before).await;
        let mut expected = then_money(&["OrderPaymentRequested", "OrderPaymentDeclined", "OrderPaymentRequested"]);
        expected.extend(["OrderPaymentSucceeded", "OrderRefundRequested", "OrderRefunded"]);
        assert_eq!(shop.types_after(before).await, expected);
        let refund = says(&shop.wait_for("OrderRefundRequested", before).await);
        assert_eq!(refund["reason"], "duplicate");
        guest.position = shop.head().0;
        let shown = guest.show(&order).await;
        assert_eq!((&shown["status"], &shown["payments"][0]["status"]), (&json!("paid"), &json!("refunded")));
        assert_eq!(shop.available(&product).await, 4);
        shop.close().await;
    }
}

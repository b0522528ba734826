//! Stories of a payment that waits for the customer.

use super::*;

/// Says what the customer did.
async fn confirm(guest: &mut Guest<'_>, order: &Placed, approved: bool) -> Answer {
    let path = format!("/api/orders/{}/confirm", order.id);
    let request = guest.request(Method::POST, &path).header("webox-order-token", &order.token);
    guest.send(request.json(&json!({"approved": approved}))).await
}

/// An order whose payment waits for the customer.
async fn asked(guest: &mut Guest<'_>, product: &str) -> Placed {
    let order = guest.buy(product, 1).await;
    let waiting = guest.pay(&order, "sandbox_requires_action").await;
    let body: &Value = waiting.expect(StatusCode::OK);
    assert_eq!(body["status"], "awaiting_payment");
    assert_eq!(
        (&body["payments"][0]["status"], &body["payments"][0]["reason"]),
        (&json!("action_required"), &json!("authenticate"))
    );
    order
}

on_both! {
    async fn the_customer_approves(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = asked(&mut guest, &product).await;
        let before = shop.head();
        let again = guest.pay(&order, "sandbox_requires_action").await;
        assert_eq!(again.expect(StatusCode::OK)["payments"].as_array().unwrap().len(), 1, "asked twice, it joins");
        assert_eq!(shop.head(), before);
        assert_eq!(confirm(&mut guest, &order, true).await.expect(StatusCode::OK)["status"], "paid");
        assert_eq!(shop.types_after(before).await, MONEY);
        shop.wait_for("InvoicePrinted", before).await;
        let head = shop.head();
        for approved in [true, false] {
            confirm(&mut guest, &order, approved).await.expect_problem(StatusCode::CONFLICT, "payment-waits-for-nothing");
        }
        assert_eq!(shop.head(), head);
        shop.close().await;
    }

    async fn the_customer_refuses_and_pays_otherwise(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = asked(&mut guest, &product).await;
        let before = shop.head();
        let refused = confirm(&mut guest, &order, false).await;
        let payment = &refused.expect(StatusCode::OK)["payments"][0];
        assert_eq!((&payment["status"], &payment["reason"]), (&json!("declined"), &json!("authentication_failed")));
        assert_eq!(shop.types_after(before).await, ["OrderPaymentDeclined"]);
        let head = shop.head();
        confirm(&mut guest, &order, true).await.expect_problem(StatusCode::CONFLICT, "payment-waits-for-nothing");
        assert_eq!(shop.head(), head);
        assert_eq!(guest.pay(&order, "sandbox_ok").await.expect(StatusCode::OK)["status"], "paid");
        assert_eq!(shop.types_after(head).await, then_money(&["OrderPaymentRequested"]));
        shop.close().await;
    }

    async fn approved_twice_at_once_it_is_paid_once(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = asked(&mut guest, &product).await;
        let before = shop.head();
        let (mut one, mut two) = (shop.guest(), shop.guest());
        let (one, two) = futures::future::join(confirm(&mut one, &order, true), confirm(&mut two, &order, true)).await;
        assert!([&one, &two].iter().any(|answer| answer.status == StatusCode::OK));
        assert_eq!(shop.types_after(before).await, MONEY);
        shop.close().await;
    }

    async fn a_customer_who_never_answers_loses_the_order(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = asked(&mut guest, &product).await;
        let before = shop.head();
        shop.turn(TimeDelta::minutes(31));
        shop.wait_for("BuyerReleased", before).await;
        assert_eq!(shop.types_after(before).await, ["OrderExpired", "ProductStockReleased", "BuyerReleased"]);
        assert_eq!(shop.available(&product).await, 5);
        // The bank has the money all the same: it goes back.
        let before = shop.head();
        let late = confirm(&mut guest, &order, true).await;
        assert_eq!(late.expect(StatusCode::OK)["status"], "expired");
        shop.wait_for("OrderRefunded", before).await;
        assert_eq!(shop.types_after(before).await, ["OrderPaymentSucceeded", "OrderRefundRequested", "OrderRefunded"]);
        shop.close().await;
    }

    async fn strangers_confirm_nothing(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = asked(&mut guest, &product).await;
        let unasked = guest.buy(&product, 1).await;
        let before = shop.head();
        let stranger = Placed { token: unasked.token.clone(), ..order.clone() };
        confirm(&mut guest, &stranger, true).await.expect(StatusCode::NOT_FOUND);
        confirm(&mut guest, &unasked, true).await.expect_problem(StatusCode::CONFLICT, "payment-waits-for-nothing");
        assert_eq!(shop.head(), before);
        shop.close().await;
    }
}

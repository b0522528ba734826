//! A code in an order: held, used, given back.

use chrono::TimeDelta;

use super::*;

/// Somebody orders one of `product` with `code`.
async fn order(guest: &mut Guest<'_>, product: &str, code: &str) -> Placed {
    guest.add(product, 1).await.expect(StatusCode::OK);
    guest.apply(code).await.expect(StatusCode::OK);
    Placed::of(guest.check_out().await.expect(StatusCode::CREATED))
}

/// The numbers of a usage: reserved, used, left, and what was taken off.
async fn counts(shop: &Shop, code: &str) -> (Value, Value, Value, Value) {
    let usage = shop.usage(code).await;
    (usage["reserved"].clone(), usage["used"].clone(), usage["left"].clone(), usage["discount"]["amount"].clone())
}

/// The same, as numbers.
fn numbers(reserved: u32, used: u32, left: u32, discount: i64) -> (Value, Value, Value, Value) {
    (json!(reserved), json!(used), json!(left), json!(discount))
}

on_both! {
    async fn a_code_is_held_by_the_order_and_used_when_it_is_paid(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 2000, Some(9)).await;
        shop.promo("VIE", json!({"reduction": {"basis_points": 1000}, "limit": 3})).await;
        let mut guest = shop.guest();
        let before = shop.head();
        let placed = order(&mut guest, &product, "VIE").await;
        let checkout = ["CartCheckedOut", "OrderPlaced", "ProductStockReserved", "PromoReserved", "BuyerOrdered"];
        let types = shop.types_after(before).await;
        assert_eq!(types[..2], ["CartItemAdded", "CartPromoApplied"]);
        assert_eq!(types[2..], checkout);
        let events = shop.events_after(before).await;
        assert!(events[2..].iter().all(|event| event.transaction_end == events[6].position), "one transaction");
        assert!(events[1].transaction_end < events[2].position);
        assert_eq!(says(&events[5]), json!({"order": placed.id, "discount": eur(200), "left": 2}));
        assert_eq!(says(&events[6]), json!({"order": placed.id, "promos": ["VIE"]}));
        assert_eq!(counts(&shop, "VIE").await, numbers(1, 0, 2, 200));

        let before = shop.head();
        guest.pay(&placed, "sandbox_ok").await.expect(StatusCode::OK);
        let paid = [
            "OrderPaymentRequested", "OrderPaymentSucceeded", "OrderPaid", "ProductStockCommitted", "PromoConfirmed",
            "BuyerSettled", "RegisterEntered", "InvoiceIssued",
        ];
        assert_eq!(shop.types_after(before).await, paid);
        assert_eq!(says(&shop.events_after(before).await[4]), json!({"order": placed.id}));
        assert_eq!(counts(&shop, "VIE").await, numbers(0, 1, 2, 200));

        // A refund gives money back, and no code.
        let before = shop.head();
        let refund = shop.staff(Method::POST, &format!("/api/orders/{}/refund", placed.id));
        let refund = refund.json(&json!({"everything": true, "reason": "Retour du client"}));
        Answer::of(refund).await.expect(StatusCode::CREATED);
        shop.wait_for("OrderRefundPaid", before).await;
        let refunded = ["OrderRefundGranted", "RegisterEntered", "InvoiceIssued", "OrderRefundPaid"];
        assert_eq!(shop.types_after(before).await, refunded);
        assert_eq!(counts(&shop, "VIE").await, numbers(0, 1, 2, 200));
        guest.position = shop.head().0;
        let shown = guest.show(&placed).await;
        assert_eq!((&shown["status"], &shown["refunds"][0]["amount"]), (&json!("refunded"), &eur(1800)));
        shop.close().await;
    }

    async fn a_code_comes_back_when_the_order_expires_or_is_cancelled(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 2000, Some(9)).await;
        shop.promo("VIE", json!({"reduction": {"basis_points": 1000}, "limit": 1})).await;
        let mut guest = shop.guest();
        let cancelled = order(&mut guest, &product, "VIE").await;
        let before = shop.head();
        guest.ask(&cancelled, "cancel").await.expect(StatusCode::OK);
        guest.ask(&cancelled, "cancel").await.expect(StatusCode::OK);
        let types = ["OrderCancelled", "ProductStockReleased", "PromoReleased", "BuyerReleased"];
        assert_eq!(shop.types_after(before).await, types);
        let events = shop.events_after(before).await;
        assert!(events.iter().all(|event| event.transaction_end == events[3].position), "one transaction");
        assert_eq!(says(&events[2]), json!({"order": cancelled.id, "left": 1}));
        assert_eq!(counts(&shop, "VIE").await, numbers(0, 0, 1, 0));

        let mut other = shop.guest();
        let expired = order(&mut other, &product, "VIE").await;
        assert_eq!(counts(&shop, "VIE").await, numbers(1, 0, 0, 200));
        // What is switched off, or has other terms, comes back all the same.
        shop.amend("VIE", json!({"active": false, "limit": 2})).await;
        let before = shop.head();
        shop.turn(TimeDelta::minutes(31));
        shop.wait_for("PromoReleased", before).await;
        let types = ["OrderExpired", "ProductStockReleased", "PromoReleased", "BuyerReleased"];
        assert_eq!(shop.types_after(before).await, types);
        assert_eq!(says(&shop.events_after(before).await[2]), json!({"order": expired.id, "left": 2}));
        assert_eq!(counts(&shop, "VIE").await, numbers(0, 0, 2, 0));
        let usage = shop.usage("VIE").await;
        let uses = usage["uses"].as_array().unwrap().iter();
        let uses: Vec<_> = uses.map(|one| (one["order"].clone(), one["state"].clone())).collect();
        assert_eq!(uses, [(json!(expired.id), json!("released")), (json!(cancelled.id), json!("released"))]);
        shop.close().await;
    }

    async fn an_order_keeps_what_it_was_granted(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 2000, Some(9)).await;
        shop.promo("VIE", tenth()).await;
        let mut guest = shop.guest();
        let placed = order(&mut guest, &product, "VIE").await;
        shop.amend("VIE", json!({"reduction": {"basis_points": 1}, "ends_at": "2026-11-22T08:00:00Z"})).await;
        Answer::of(shop.staff(Method::POST, "/api/promo/VIE/deactivate")).await.expect(StatusCode::OK);
        let paid = guest.pay(&placed, "sandbox_ok").await;
        assert_eq!(paid.expect(StatusCode::OK)["payments"][0]["amount"], eur(1800));
        let usage = shop.usage("VIE").await;
        assert_eq!((&usage["used"], &usage["discount"], &usage["left"]), (&json!(1), &eur(200), &Value::Null));
        shop.close().await;
    }
}

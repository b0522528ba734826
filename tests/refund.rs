//! Stories of money that the staff gives back: never more than was paid, and each cent once.

use chrono::TimeDelta;
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{
    on_both,
    payments::Held,
    shop::{Answer, Backend, Placed, Shop, eur, says},
};

mod parts;
mod provider;
mod refused;

/// An order of `quantity` pieces that is paid.
async fn bought(shop: &Shop, product: &str, quantity: i64) -> Placed {
    let mut guest = shop.guest();
    let order = guest.buy(product, quantity).await;
    assert_eq!(guest.pay(&order, "sandbox_ok").await.expect(StatusCode::OK)["status"], "paid");
    order
}

/// The staff gives money back.
async fn refund(shop: &Shop, order: &Placed, body: Value) -> Answer {
    let request = shop.staff(Method::POST, &format!("/api/orders/{}/refund", order.id));
    Answer::of(request.json(&body)).await
}

/// The order, as the staff sees it now.
async fn shown(shop: &Shop, order: &Placed) -> Value {
    let request = shop.staff(Method::GET, &format!("/api/orders/{}", order.id));
    Answer::of(request.header("webox-position", shop.head().0)).await.expect(StatusCode::OK).clone()
}

fn everything() -> Value {
    json!({"everything": true, "reason": "Retour du client"})
}

fn amount(cents: i64) -> Value {
    json!({"amount": eur(cents), "reason": "Geste commercial"})
}

/// What follows from a refund without goods, once its money is back.
const REFUND: [&str; 4] = ["OrderRefundGranted", "RegisterEntered", "InvoiceIssued", "OrderRefundPaid"];

on_both! {
    async fn everything_is_given_back(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let order = bought(&shop, &product, 2).await;
        let before = shop.head();
        let granted = refund(&shop, &order, everything()).await;
        granted.expect(StatusCode::CREATED);
        shop.wait_for("OrderRefundPaid", before).await;
        assert_eq!(shop.types_after(before).await, REFUND);
        assert_eq!(shop.available(&product).await, 3, "the pieces stay with the customer");
        let order_shown = shown(&shop, &order).await;
        assert_eq!(order_shown["status"], "refunded");
        let refunds = order_shown["refunds"].as_array().unwrap();
        assert_eq!((refunds.len(), &refunds[0]["amount"], &refunds[0]["id"]), (1, &eur(3980), &granted.body["refund"]));
        assert!(refunds[0]["reference"].as_str().unwrap().starts_with("sandbox-refund-"));

        let head = shop.head();
        refund(&shop, &order, everything()).await.expect_problem(StatusCode::CONFLICT, "refund-nothing");
        refund(&shop, &order, amount(1)).await.expect_problem(StatusCode::CONFLICT, "refund-nothing");
        let fulfil = shop.staff(Method::POST, &format!("/api/orders/{}/fulfil", order.id));
        Answer::of(fulfil).await.expect_problem(StatusCode::CONFLICT, "order-closed");
        let mut guest = shop.guest();
        guest.ask(&order, "cancel").await.expect_problem(StatusCode::CONFLICT, "order-closed");
        guest.pay(&order, "sandbox_ok").await.expect_problem(StatusCode::CONFLICT, "order-closed");
        let settled = shop.events_after(head).await.into_iter().filter(|event| event.event_type != "InvoicePrinted");
        assert_eq!(settled.count(), 0);
        shop.close().await;
    }

    async fn stock_comes_back_where_it_is_asked(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let (print, frame) = (shop.product("brume", 1990, Some(5)).await, shop.product("cadre", 3000, Some(5)).await);
        let file = shop.product("fichier", 500, None).await;
        let mut guest = shop.guest();
        guest.add(&print, 2).await.expect(StatusCode::OK);
        guest.add(&file, 1).await.expect(StatusCode::OK);
        let order = guest.buy(&frame, 1).await;
        guest.pay(&order, "sandbox_ok").await.expect(StatusCode::OK);
        let before = shop.head();
        let body = json!({"everything": true, "restock": true, "reason": "Retour"});
        refund(&shop, &order, body).await.expect(StatusCode::CREATED);
        shop.wait_for("OrderRefundPaid", before).await;
        assert_eq!(
            shop.types_after(before).await,
            [
                "OrderRefundGranted", "ProductStockReturned", "ProductStockReturned", "RegisterEntered", "InvoiceIssued",
                "OrderRefundPaid",
            ]
        );
        let mut events = shop.events_after(before).await;
        events.retain(|event| event.event_type != "InvoicePrinted");
        let granted = events[0].position;
        let end = events[0].transaction_end;
        assert!(events[..5].iter().all(|event| event.transaction_end == end), "one append");
        assert_eq!(end.0, granted.0 + 4);
        assert_eq!((shop.available(&print).await, shop.available(&frame).await), (5, 5));
        shop.close().await;
    }

    async fn the_same_key_gives_back_once(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1000, Some(5)).await;
        let order = bought(&shop, &product, 2).await;
        let before = shop.head();
        let ask = |body: Value| {
            let request = shop.staff(Method::POST, &format!("/api/orders/{}/refund", order.id));
            Answer::of(request.header("idempotency-key", "retour-1-de-la-commande").json(&body))
        };
        let first = ask(amount(500)).await.expect(StatusCode::CREATED).clone();
        shop.wait_for("OrderRefundPaid", before).await;
        let again = ask(amount(500)).await.expect(StatusCode::OK).clone();
        assert_eq!((&first["refund"], &first["credit_note"]), (&again["refund"], &again["credit_note"]));
        assert_eq!(shop.types_after(before).await, REFUND);
        refund(&shop, &order, everything()).await.expect(StatusCode::CREATED);
        shop.wait_for_all("OrderRefundPaid", before, 2).await;
        ask(amount(500)).await.expect(StatusCode::OK);
        assert_eq!(shop.types_after(before).await, [REFUND, REFUND].concat());
        shop.close().await;
    }

    async fn of_two_refunds_of_everything_one_wins(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let order = bought(&shop, &product, 1).await;
        let before = shop.head();
        let answers = join_all((0..2).map(|_| refund(&shop, &order, everything()))).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
        shop.wait_for("OrderRefundPaid", before).await;
        assert_eq!(shop.types_after(before).await, REFUND);
        shop.close().await;
    }

    async fn of_twenty_tenths_at_once_ten_are_given_back(backend: Backend) {
        let payments = Held::open();
        let mut shop = Shop::open_with(backend, payments.clone()).await;
        let product = shop.product("brume", 1000, Some(5)).await;
        let order = bought(&shop, &product, 1).await;
        let before = shop.head();
        let answers = join_all((0..20).map(|_| async {
            loop {
                let answer = refund(&shop, &order, amount(100)).await;
                // Asked to try again, the staff does.
                if answer.status != StatusCode::SERVICE_UNAVAILABLE {
                    return answer;
                }
            }
        }))
        .await;
        let won = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
        let lost = answers.iter().filter(|answer| answer.status == StatusCode::CONFLICT).count();
        assert_eq!((won, lost), (10, 10));
        shop.wait_for_all("OrderRefundPaid", before, 10).await;
        let refunds = payments.refunds();
        let mut keys: Vec<_> = refunds.iter().map(|refund| refund.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!((refunds.len(), keys.len()), (10, 10), "the provider is asked once for each, with its own key");
        assert_eq!(refunds.iter().map(|refund| refund.amount.amount).sum::<i64>(), 1000);
        let notes = shop.wait_for_all("InvoiceIssued", before, 10).await;
        let cents = |kind: &str| notes.iter().map(|note| says(note)["vat"][0][kind]["amount"].as_i64().unwrap()).sum::<i64>();
        assert_eq!((cents("vat"), cents("net")), (167, 833), "the VAT of the invoice, to the cent");
        assert_eq!(shown(&shop, &order).await["status"], "refunded");
        shop.close().await;
    }
}

//! Stories of invoices and credit notes: who gets which, under which number, and for how long.

use chrono::TimeDelta;
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{
    on_both,
    shop::{Answer, Backend, Placed, Shop, eur, says},
};

mod download;
mod gapless;
mod sealed;

/// An order of one piece that is paid.
async fn bought(shop: &Shop, product: &str) -> Placed {
    let mut guest = shop.guest();
    let order = guest.buy(product, 1).await;
    assert_eq!(guest.pay(&order, "sandbox_ok").await.expect(StatusCode::OK)["status"], "paid");
    order
}

/// Has the invoice of an order, as its owner.
async fn generate(shop: &Shop, order: &Placed) -> Answer {
    let request = shop.request(Method::POST, "/api/invoice/generate").header("webox-order-token", &order.token);
    Answer::of(request.json(&json!({"order": order.id}))).await
}

/// Gives everything back, and answers the credit note.
async fn refunded(shop: &Shop, order: &Placed) -> String {
    let body = json!({"everything": true, "reason": "Retour du client"});
    let request = shop.staff(Method::POST, &format!("/api/orders/{}/refund", order.id)).json(&body);
    let granted = Answer::of(request).await;
    granted.expect(StatusCode::CREATED)["credit_note"].as_str().unwrap().to_owned()
}

/// The documents that the staff sees.
async fn listed(shop: &Shop, query: &str) -> Value {
    let request = shop.staff(Method::GET, &format!("/api/invoice/list{query}"));
    Answer::of(request.header("webox-position", shop.head().0)).await.expect(StatusCode::OK).clone()
}

/// The numbers of listed documents.
fn numbers(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["number"].as_str().unwrap()).collect()
}

on_both! {
    async fn an_order_that_is_paid_has_its_invoice(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(9)).await;
        let unpaid = shop.guest().buy(&product, 1).await;
        let before = shop.head();
        generate(&shop, &unpaid).await.expect_problem(StatusCode::CONFLICT, "invoice-unpaid");
        assert_eq!(shop.head(), before);

        let order = bought(&shop, &product).await;
        let money = shop.wait_for("OrderPaid", before).await;
        let issued = shop.wait_for("InvoiceIssued", before).await;
        assert_eq!(money.transaction_end, issued.transaction_end, "one append");
        let said = says(&issued);
        assert_eq!((&said["number"], &said["order"], &said["total"]), (&json!("WBX-2026-000001"), &json!(order.id), &eur(1990)));
        shop.wait_for("InvoicePrinted", before).await;
        let head = shop.head();
        let one = generate(&shop, &order).await.expect(StatusCode::OK).clone();
        let two = generate(&shop, &order).await.expect(StatusCode::OK).clone();
        assert_eq!((&one["invoice"], &two["invoice"]), (&said["invoice"], &said["invoice"]));
        let stranger = Placed { token: unpaid.token.clone(), ..order.clone() };
        generate(&shop, &stranger).await.expect(StatusCode::NOT_FOUND);
        let absent = Placed { id: "019ab000-0000-7000-8000-000000000000".to_owned(), token: order.token.clone() };
        generate(&shop, &absent).await.expect(StatusCode::NOT_FOUND);
        let staff = shop.staff(Method::POST, "/api/invoice/generate").json(&json!({"order": absent.id}));
        Answer::of(staff).await.expect(StatusCode::NOT_FOUND);
        assert_eq!(shop.head(), head);
        shop.close().await;
    }

    async fn what_cost_nothing_has_an_invoice_when_somebody_asks(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("cadeau", 0, None).await;
        let order = shop.guest().buy(&product, 1).await;
        let before = shop.head();
        let answers = join_all((0..4).map(|_| generate(&shop, &order))).await;
        let ids: Vec<&Value> = answers.iter().map(|answer| &answer.expect(StatusCode::OK)["invoice"]).collect();
        assert!(ids.iter().all(|id| *id == ids[0]));
        assert_eq!(shop.types_after(before).await, ["RegisterEntered", "InvoiceIssued"]);
        shop.wait_for("InvoicePrinted", before).await;
        shop.close().await;
    }

    async fn numbers_begin_anew_with_the_year_in_paris(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(9)).await;
        let first = bought(&shop, &product).await;
        refunded(&shop, &first).await;
        shop.turn("2026-12-31T22:59:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap() - "2026-11-22T09:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap());
        let second = bought(&shop, &product).await;
        let waiting = shop.guest().buy(&product, 1).await;
        shop.turn(TimeDelta::minutes(1));
        shop.guest().pay(&waiting, "sandbox_ok").await.expect(StatusCode::OK);
        refunded(&shop, &second).await;
        refunded(&shop, &waiting).await;
        let page = listed(&shop, "").await;
        assert_eq!(
            numbers(&page),
            ["WBX-AV-2027-000002", "WBX-AV-2027-000001", "WBX-2027-000001", "WBX-2026-000002", "WBX-AV-2026-000001", "WBX-2026-000001"]
        );
        let items = page["items"].as_array().unwrap();
        let on: Vec<&str> = items.iter().map(|item| item["on"].as_str().unwrap()).collect();
        assert_eq!(on, ["2027-01-01", "2027-01-01", "2027-01-01", "2026-12-31", "2026-11-22", "2026-11-22"]);
        assert_eq!((&items[1]["corrects"], &items[1]["kind"]), (&json!("WBX-2026-000002"), &json!("credit_note")));
        shop.close().await;
    }

    async fn documents_are_listed_for_whom_they_concern(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(9)).await;
        let (one, two) = (bought(&shop, &product).await, bought(&shop, &product).await);
        refunded(&shop, &one).await;
        let first = listed(&shop, "?limit=2").await;
        assert_eq!(numbers(&first), ["WBX-AV-2026-000001", "WBX-2026-000002"]);
        let second = listed(&shop, &format!("?limit=2&after={}", first["next"].as_str().unwrap())).await;
        assert_eq!((numbers(&second), &second["next"]), (vec!["WBX-2026-000001"], &Value::Null));

        let head = shop.head().0;
        let ask = |query: String, token: Option<&str>| {
            let request = shop.request(Method::GET, &format!("/api/invoice/list{query}")).header("webox-position", head);
            Answer::of(match token { Some(token) => request.header("webox-order-token", token), None => request })
        };
        let own = ask(format!("?order={}", one.id), Some(&one.token)).await;
        assert_eq!(numbers(own.expect(StatusCode::OK)), ["WBX-AV-2026-000001", "WBX-2026-000001"]);
        let other = ask(format!("?order={}", two.id), Some(&two.token)).await;
        assert_eq!(numbers(other.expect(StatusCode::OK)), ["WBX-2026-000002"]);
        ask(format!("?order={}", one.id), Some(&two.token)).await.expect(StatusCode::NOT_FOUND);
        ask(format!("?order={}", one.id), None).await.expect(StatusCode::NOT_FOUND);
        ask(String::new(), Some(&one.token)).await.expect(StatusCode::UNAUTHORIZED);
        ask(String::new(), None).await.expect(StatusCode::UNAUTHORIZED);
        shop.close().await;
    }
}

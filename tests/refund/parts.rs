//! Stories of orders of which only parts are given back.

use std::fs;

use tests::shop::{SHOP, config};

use super::*;

/// A shop that ships, for 5,90 €.
async fn with_shipping(backend: Backend) -> Shop {
    let config = config(backend);
    let ways =
        r#""shipping": [{"id": "standard", "name": {"fr": "Colissimo", "en": null}, "price": 590}], "terms_version""#;
    let path = config.shop.clone().expect("a file");
    fs::write(path, SHOP.replacen("\"terms_version\"", ways, 1)).expect("the file of the shop is written");
    Shop::open_as(config).await
}

/// A product on the shelf with this rate of VAT.
async fn taxed(shop: &Shop, slug: &str, price: i64, rate: i64) -> String {
    let body = json!({
        "slug": slug, "kind": "physical", "category": "tirages", "vat_rate": rate,
        "name": {"fr": slug}, "description": {"fr": "Un produit."}, "price": eur(price),
    });
    let drafted = Answer::of(shop.staff(Method::POST, "/api/products").json(&body)).await;
    let id = drafted.expect(StatusCode::CREATED)["id"].as_str().unwrap().to_owned();
    let stock = shop.staff(Method::POST, &format!("/api/products/{id}/stock")).json(&json!({"change": 10}));
    Answer::of(stock).await.expect(StatusCode::OK);
    Answer::of(shop.staff(Method::POST, &format!("/api/products/{id}/publish"))).await.expect(StatusCode::OK);
    id
}

/// What the books count, by rate: net and VAT of these documents together.
fn books<'event>(
    documents: impl Iterator<Item = &'event store::Recorded>,
) -> std::collections::BTreeMap<i64, (i64, i64)> {
    let mut books = std::collections::BTreeMap::new();
    for document in documents {
        let said = says(document);
        let mut total = 0;
        for row in said["vat"].as_array().unwrap() {
            let (net, vat) = (row["net"]["amount"].as_i64().unwrap(), row["vat"]["amount"].as_i64().unwrap());
            assert!(net >= 0 && vat >= 0, "{row}");
            total += net + vat;
            let entry = books.entry(row["rate"].as_i64().unwrap()).or_insert((0, 0));
            *entry = (entry.0 + net, entry.1 + vat);
        }
        assert_eq!(said["total"]["amount"], total);
    }
    books
}

on_both! {
    async fn lines_shipping_and_goodwill_come_to_what_was_paid(backend: Backend) {
        let mut shop = with_shipping(backend).await;
        let print = taxed(&shop, "brume", 1999, 2000).await;
        let book = taxed(&shop, "livre", 1333, 550).await;
        let mut guest = shop.guest();
        guest.add(&print, 3).await.expect(StatusCode::OK);
        guest.add(&book, 2).await.expect(StatusCode::OK);
        let mut body = guest.checkout_body().await;
        body["shipping"] = json!("standard");
        let total = 3 * 1999 + 2 * 1333 + 590;
        body["expected_total"] = eur(total);
        let placed = guest.send(guest.request(Method::POST, "/api/checkout").json(&body)).await;
        let order = Placed::of(placed.expect(StatusCode::CREATED));
        let before = shop.head();
        guest.pay(&order, "sandbox_ok").await.expect(StatusCode::OK);
        let invoice = shop.wait_for("InvoiceIssued", before).await;
        let owed = books(std::iter::once(&invoice));

        let before = shop.head();
        let mut given = Vec::new();
        for body in [
            json!({"lines": [{"product": print, "quantity": 1}], "restock": true, "reason": "Rayé"}),
            json!({"amount": eur(777), "reason": "Retard"}),
            json!({"shipping": true, "reason": "Port offert"}),
            json!({"lines": [{"product": book, "quantity": 2}], "amount": eur(11), "reason": "Livres abîmés"}),
            json!({"amount": eur(1), "reason": "Un centime"}),
            json!({"lines": [{"product": print, "quantity": 1}, {"product": print, "quantity": 1}], "restock": true, "reason": "Le reste"}),
        ] {
            let head = shop.head();
            refund(&shop, &order, body).await.expect(StatusCode::CREATED);
            shop.wait_for("OrderRefundPaid", head).await;
            let granted = says(&shop.wait_for("OrderRefundGranted", head).await);
            given.push(granted["amount"]["amount"].as_i64().unwrap());
        }
        assert_eq!(given[0], 1999);
        assert_eq!((given[1], given[4]), (777, 1));
        assert_eq!(given.iter().sum::<i64>(), total, "{given:?}");
        assert_eq!(shown(&shop, &order).await["status"], "refunded");
        assert_eq!((shop.available(&print).await, shop.available(&book).await), (10, 8));
        let notes = shop.wait_for_all("InvoiceIssued", before, 6).await;
        assert_eq!(books(notes.iter()), owed, "the VAT of all credit notes is the VAT of the invoice");
        let numbers: Vec<String> = notes.iter().map(|note| says(note)["number"].as_str().unwrap().to_owned()).collect();
        let expected: Vec<String> = (1..=6).map(|number| format!("WBX-AV-2026-{number:06}")).collect();
        assert_eq!(numbers, expected);
        shop.close().await;
    }

    async fn goodwill_in_steps_until_nothing_is_left(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let order = bought(&shop, &product, 1).await;
        let before = shop.head();
        for cents in [700, 1200, 89] {
            refund(&shop, &order, amount(cents)).await.expect(StatusCode::CREATED);
        }
        let head = shop.head();
        let large = refund(&shop, &order, amount(2)).await;
        assert_eq!(large.expect_problem(StatusCode::CONFLICT, "refund-too-large")["left"], eur(1));
        assert!(shop.events_after(head).await.iter().all(|event| event.event_type != "OrderRefundGranted"));
        assert_eq!(shown(&shop, &order).await["status"], "paid");
        refund(&shop, &order, amount(1)).await.expect(StatusCode::CREATED);
        shop.wait_for_all("OrderRefundPaid", before, 4).await;
        assert_eq!(shown(&shop, &order).await["status"], "refunded");
        shop.close().await;
    }

    async fn what_is_handed_over_can_be_given_back(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let order = bought(&shop, &product, 2).await;
        let fulfil = || Answer::of(shop.staff(Method::POST, &format!("/api/orders/{}/fulfil", order.id)));
        fulfil().await.expect(StatusCode::OK);
        let before = shop.head();
        let body = json!({"lines": [{"product": product, "quantity": 1}], "restock": true, "reason": "Retour"});
        refund(&shop, &order, body).await.expect(StatusCode::CREATED);
        shop.wait_for("OrderRefundPaid", before).await;
        assert_eq!(shown(&shop, &order).await["status"], "fulfilled");
        assert_eq!(shop.available(&product).await, 4);
        refund(&shop, &order, everything()).await.expect(StatusCode::CREATED);
        assert_eq!(shown(&shop, &order).await["status"], "refunded");
        fulfil().await.expect_problem(StatusCode::CONFLICT, "order-closed");
        shop.close().await;
    }
}

//! Stories of the sales the staff reads: every day adds up to what its documents say.

use chrono::TimeDelta;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{
    on_both,
    shop::{Answer, Backend, Placed, Shop, eur},
};

/// The sales of these days, once the view has seen everything that is in the log now.
async fn sales(shop: &Shop, from: &str, to: &str) -> Value {
    let asked = shop.staff(Method::GET, &format!("/api/admin/sales?from={from}&to={to}"));
    Answer::of(asked.header("webox-position", shop.head().0)).await.expect(StatusCode::OK).clone()
}

/// One of `product` with `code`, shipped where `shipping` says so, for `total`, and paid.
async fn sell(shop: &Shop, product: &str, quantity: i64, code: Option<&str>, shipped: Option<i64>) -> Placed {
    let mut guest = shop.guest();
    guest.add(product, quantity).await.expect(StatusCode::OK);
    if let Some(code) = code {
        guest.apply(code).await.expect(StatusCode::OK);
    }
    let mut body = guest.checkout_body().await;
    if let Some(total) = shipped {
        body["shipping"] = json!("standard");
        body["expected_total"] = eur(total);
    }
    let order = Placed::of(guest.place(&body).await.expect(StatusCode::CREATED));
    let paid = guest.pay(&order, "sandbox_ok").await;
    assert_eq!(paid.expect(StatusCode::OK)["status"], "paid");
    order
}

on_both! {
    async fn two_days_of_sales_add_up(backend: Backend) {
        let mut shop = Shop::open_shipping(backend).await;
        let print = shop.product("brume", 2000, Some(9)).await;
        let book = shop.offer("recueil", 1055, None, ("livres", 550)).await;
        shop.promo("DIX", json!({"reduction": {"basis_points": 1000}})).await;
        let empty = sales(&shop, "2026-11-22", "2026-11-22").await;
        assert_eq!((&empty["days"], &empty["totals"]["sold"]), (&json!([]), &json!(0)));

        let returned = sell(&shop, &print, 2, Some("DIX"), Some(4190)).await;
        // The last second of the day in Paris.
        shop.turn(TimeDelta::hours(14) - TimeDelta::seconds(1));
        sell(&shop, &book, 1, None, None).await;
        shop.turn(TimeDelta::seconds(1));
        sell(&shop, &book, 1, None, None).await;
        let before = shop.head();
        let refund = shop.staff(Method::POST, &format!("/api/orders/{}/refund", returned.id));
        let refund = refund.json(&json!({"everything": true, "reason": "Retour"}));
        Answer::of(refund).await.expect(StatusCode::CREATED);
        shop.wait_for("OrderRefundPaid", before).await;
        // What nobody pays is no sale.
        let mut guest = shop.guest();
        guest.buy(&book, 3).await;

        let first = json!({
            "on": "2026-11-22", "invoices": 2, "credit_notes": 0, "sold": 5245, "given_back": 0, "revenue": 5245,
            "shipping": 590,
            "vat": [{"rate": 550, "net": 1000, "vat": 55}, {"rate": 2000, "net": 3492, "vat": 698}],
        });
        let second = json!({
            "on": "2026-11-23", "invoices": 1, "credit_notes": 1, "sold": 1055, "given_back": 4190, "revenue": -3135,
            "shipping": -590,
            "vat": [{"rate": 550, "net": 1000, "vat": 55}, {"rate": 2000, "net": -3492, "vat": -698}],
        });
        let line = |product: &str, slug: &str, quantity: i64, total: i64| json!({
            "product": product, "slug": slug, "name": {"fr": slug}, "quantity": quantity, "total": total,
        });
        let promo = json!([{"code": "DIX", "uses": 1, "discount": 400}]);
        let both = sales(&shop, "2026-11-22", "2026-11-23").await;
        assert_eq!(
            both,
            json!({
                "from": "2026-11-22", "to": "2026-11-23",
                "totals": {
                    "invoices": 3, "credit_notes": 1, "sold": 6300, "given_back": 4190, "revenue": 2110,
                    "shipping": 0,
                    "vat": [{"rate": 550, "net": 2000, "vat": 110}, {"rate": 2000, "net": 0, "vat": 0}],
                },
                "days": [first, second],
                "products": [line(&book, "recueil", 2, 2110), line(&print, "brume", 0, 0)],
                "promos": promo,
            })
        );
        let one = sales(&shop, "2026-11-22", "2026-11-22").await;
        assert_eq!((&one["days"], &one["promos"]), (&json!([first]), &promo));
        assert_eq!(one["products"], json!([line(&print, "brume", 2, 3600), line(&book, "recueil", 1, 1055)]));
        let other = sales(&shop, "2026-11-23", "2027-11-23").await;
        assert_eq!((&other["days"], &other["promos"]), (&json!([second]), &json!([])));
        assert_eq!(other["products"], json!([line(&book, "recueil", 1, 1055), line(&print, "brume", -2, -3600)]));
        shop.close().await;
    }

    async fn at_most_a_year_of_sales_is_read_and_by_the_staff_alone(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let ask = |query: &str| Answer::of(shop.staff(Method::GET, &format!("/api/admin/sales{query}")));
        ask("?from=2026-01-01&to=2027-01-01").await.expect(StatusCode::OK);
        for query in [
            "?from=2026-01-01&to=2027-01-02", "?from=2026-11-23&to=2026-11-22", "?from=2026-11-22", "",
            "?from=2026-02-30&to=2026-03-01", "?from=x&to=y", "?from=2026-11-22&to=2026-11-22&more=1",
        ] {
            assert_eq!(ask(query).await.status, StatusCode::BAD_REQUEST, "{query}");
        }
        let guest = shop.request(Method::GET, "/api/admin/sales?from=2026-11-22&to=2026-11-22");
        Answer::of(guest).await.expect_problem(StatusCode::UNAUTHORIZED, "staff-only");
        shop.close().await;
    }
}

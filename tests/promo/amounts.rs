//! What codes take off.

use super::*;

on_both! {
    async fn a_part_of_a_price_is_rounded_half_up(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        for (number, (price, basis_points, discount)) in
            [(1005, 1000, 101), (1004, 1000, 100), (1990, 1, 0), (5000, 1, 1), (999, 3333, 333), (1990, 10_000, 1990)]
                .into_iter()
                .enumerate()
        {
            let code = format!("PART-{number}");
            let product = shop.product(&format!("brume-{number}"), price, Some(5)).await;
            shop.promo(&code, json!({"reduction": {"basis_points": basis_points}})).await;
            let mut guest = shop.guest();
            guest.add(&product, 1).await.expect(StatusCode::OK);
            guest.apply(&code).await.expect(StatusCode::OK);
            goes(&shop, &mut guest, &code, discount).await;
            let totals = guest.show_cart().await["totals"].clone();
            assert_eq!(
                (&totals["subtotal"], &totals["discount"], &totals["total"]),
                (&eur(price), &eur(discount), &eur(price - discount))
            );
        }
        shop.close().await;
    }

    async fn an_amount_is_no_more_than_there_is_and_nothing_is_paid_at_once(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        shop.promo("CADEAU", json!({"reduction": {"amount": eur(5000)}, "limit": 2})).await;
        let mut guest = shop.guest();
        guest.add(&product, 1).await.expect(StatusCode::OK);
        guest.apply("CADEAU").await.expect(StatusCode::OK);
        goes(&shop, &mut guest, "CADEAU", 1990).await;
        let before = shop.head();
        let order = Placed::of(guest.check_out().await.expect(StatusCode::CREATED));
        let types = [
            "CartCheckedOut", "OrderPlaced", "OrderPaid", "ProductStockReserved", "ProductStockCommitted",
            "PromoReserved", "PromoConfirmed", "BuyerOrdered", "BuyerSettled",
        ];
        assert_eq!(shop.types_after(before).await, types);
        let events = shop.events_after(before).await;
        assert!(events.iter().all(|event| event.transaction_end == events[8].position));
        assert_eq!(says(&events[5]), json!({"order": order.id, "discount": eur(1990), "left": 1}));
        assert_eq!(guest.show(&order).await["status"], "paid");
        let usage = shop.usage("CADEAU").await;
        assert_eq!((&usage["used"], &usage["reserved"], &usage["left"]), (&json!(1), &json!(0), &json!(1)));
        shop.close().await;
    }

    async fn codes_are_taken_off_in_their_order_each_from_what_is_left(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 2000, Some(5)).await;
        shop.promo("APART", json!({"reduction": {"basis_points": 1000}, "priority": 2})).await;
        shop.promo("FIXE", json!({"reduction": {"amount": eur(500)}, "priority": 1})).await;
        let mut guest = shop.guest();
        guest.add(&product, 1).await.expect(StatusCode::OK);
        guest.apply("APART").await.expect(StatusCode::OK);
        guest.apply("FIXE").await.expect(StatusCode::OK);
        goes(&shop, &mut guest, "FIXE", 500).await;
        goes(&shop, &mut guest, "APART", 150).await;
        // Of equals, the first in the alphabet.
        shop.amend("FIXE", json!({"priority": 2})).await;
        goes(&shop, &mut guest, "APART", 200).await;
        goes(&shop, &mut guest, "FIXE", 500).await;
        assert_eq!(guest.show_cart().await["totals"]["total"], eur(1300));
        shop.amend("APART", json!({"priority": 3})).await;
        goes(&shop, &mut guest, "APART", 150).await;
        let before = shop.head();
        let order = Placed::of(guest.check_out().await.expect(StatusCode::CREATED));
        let types = [
            "CartCheckedOut", "OrderPlaced", "ProductStockReserved", "PromoReserved", "PromoReserved", "BuyerOrdered",
        ];
        assert_eq!(shop.types_after(before).await, types);
        let shown = guest.show(&order).await;
        assert_eq!(shown["totals"]["total"], eur(1350));
        assert_eq!(
            shown["discounts"],
            json!([
                {"code": "FIXE", "amount": eur(500), "free_shipping": false},
                {"code": "APART", "amount": eur(150), "free_shipping": false},
            ])
        );
        shop.close().await;
    }

    async fn shipping_is_free_with_a_code(backend: Backend) {
        let mut shop = Shop::open_shipping(backend).await;
        let product = shop.product("brume", 2000, Some(5)).await;
        shop.promo("PORT", json!({"free_shipping": true})).await;
        let mut guest = shop.guest();
        guest.add(&product, 1).await.expect(StatusCode::OK);
        assert_eq!(guest.show_cart().await["shipping"][0]["total"], eur(2590));
        guest.apply("PORT").await.expect(StatusCode::OK);
        let verdict = validate(&guest, "PORT").await;
        assert_eq!((&verdict["discount"], &verdict["free_shipping"]), (&eur(0), &json!(true)));
        let cart = guest.show_cart().await;
        assert_eq!(held(&cart, "PORT")["free_shipping"], true);
        for way in cart["shipping"].as_array().unwrap() {
            assert_eq!((&way["price"], &way["total"]), (&eur(0), &eur(2000)));
        }
        let mut body = guest.checkout_body().await;
        body["shipping"] = json!("express");
        let before = shop.head();
        let order = Placed::of(guest.place(&body).await.expect(StatusCode::CREATED));
        let types = ["CartCheckedOut", "OrderPlaced", "ProductStockReserved", "PromoReserved", "BuyerOrdered"];
        assert_eq!(shop.types_after(before).await, types);
        let shown = guest.show(&order).await;
        assert_eq!(shown["discounts"], json!([{"code": "PORT", "amount": eur(0), "free_shipping": true}]));
        assert_eq!((&shown["totals"]["shipping"], &shown["totals"]["total"]), (&eur(0), &eur(2000)));
        assert_eq!(shown["shipping"]["method"], "express");
        shop.close().await;
    }
}

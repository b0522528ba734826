//! Stories of how an order is shipped, what the customer agrees to, and companies that buy.

use super::*;

on_both! {
    async fn the_cart_shows_every_way_of_shipping_with_its_total(backend: Backend) {
        let mut shop = Shop::open_shipping(backend).await;
        let print = shop.product("brume", 2000, Some(9)).await;
        let book = shop.offer("recueil", 1055, Some(9), ("livres", 550)).await;
        let mut guest = shop.guest();
        guest.add(&print, 1).await.expect(StatusCode::OK);
        guest.add(&book, 1).await.expect(StatusCode::OK);
        let cart = guest.show_cart().await;
        assert_eq!((&cart["totals"]["total"], &cart["totals"]["shipping"]), (&eur(3055), &eur(0)));
        assert_eq!(
            cart["shipping"],
            json!([
                {
                    "method": "standard", "name": {"fr": "À domicile"}, "price": eur(590), "total": eur(3645),
                    "free_from": eur(6000), "countries": ["FR", "BE"],
                },
                {
                    "method": "express", "name": {"fr": "Express"}, "price": eur(1290), "total": eur(4345),
                    "countries": ["FR"],
                },
            ])
        );
        let mut body = guest.checkout_body().await;
        body["shipping"] = json!("standard");
        // What is expected holds the shipping.
        let before = shop.head();
        let answer = guest.place(&body).await;
        assert_eq!(answer.expect_problem(StatusCode::CONFLICT, "cart-changed")["total"], eur(3645));
        assert_eq!(shop.head(), before);
        body["expected_total"] = eur(3645);
        let order = Placed::of(guest.place(&body).await.expect(StatusCode::CREATED));
        let types = shop.types_after(before).await;
        assert_eq!(
            types,
            ["CartCheckedOut", "OrderPlaced", "ProductStockReserved", "ProductStockReserved", "BuyerOrdered"]
        );
        let shown = guest.show(&order).await;
        assert_eq!(shown["shipping"], json!({"method": "standard", "name": {"fr": "À domicile"}}));
        // Shipping is taxed as the goods are: 204 cents at 5.5 %, 386 at 20 %.
        assert_eq!(
            shown["totals"],
            json!({
                "subtotal": eur(3055), "discount": eur(0), "shipping": eur(590), "total": eur(3645),
                "vat": [
                    {"rate": 550, "net": eur(1193), "vat": eur(66)},
                    {"rate": 2000, "net": eur(1988), "vat": eur(398)},
                ],
            })
        );
        let paid = guest.pay(&order, "sandbox_ok").await;
        assert_eq!(paid.expect(StatusCode::OK)["payments"][0]["amount"], eur(3645));
        shop.close().await;
    }

    async fn a_way_of_shipping_must_be_named_be_known_and_go_there(backend: Backend) {
        let mut shop = Shop::open_shipping(backend).await;
        let print = shop.product("brume", 2000, Some(9)).await;
        let mut guest = shop.guest();
        guest.add(&print, 1).await.expect(StatusCode::OK);
        let right = guest.checkout_body().await;
        let belgium = json!({"street": "1 rue Haute", "postal_code": "1000", "city": "Bruxelles", "country": "BE"});
        let before = shop.head();
        for (shipping, country, slug) in [
            (Value::Null, "FR", "shipping-missing"),
            (json!("drone"), "FR", "shipping-unknown"),
            (json!("express"), "BE", "shipping-elsewhere"),
            (json!("standard"), "US", "shipping-elsewhere"),
            (json!("Pas Bon"), "FR", "body-invalid"),
        ] {
            let mut body = right.clone();
            body["shipping"] = shipping;
            body["contact"]["shipping"] = belgium.clone();
            body["contact"]["shipping"]["country"] = json!(country);
            let answer = guest.place(&body).await;
            answer.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, slug);
        }
        // Without another address, it goes where the invoice goes.
        let mut body = right.clone();
        body["shipping"] = json!("express");
        body["expected_total"] = eur(3290);
        body["contact"]["billing"] = belgium.clone();
        guest.place(&body).await.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "shipping-elsewhere");
        assert_eq!(shop.head(), before);
        body["contact"]["shipping"] = contact()["billing"].clone();
        let order = Placed::of(guest.place(&body).await.expect(StatusCode::CREATED));
        let shown = guest.show(&order).await;
        assert_eq!(shown["contact"]["shipping"], contact()["billing"]);
        assert_eq!(shown["shipping"]["method"], "express");
        shop.close().await;
    }

    async fn shipping_is_free_from_an_amount_that_is_left_after_discounts(backend: Backend) {
        let mut shop = Shop::open_shipping(backend).await;
        let print = shop.product("brume", 2000, Some(9)).await;
        shop.promo("UNSOU", json!({"reduction": {"amount": eur(1)}})).await;
        let mut guest = shop.guest();
        guest.add(&print, 3).await.expect(StatusCode::OK);
        let cart = guest.show_cart().await;
        assert_eq!((&cart["shipping"][0]["price"], &cart["shipping"][0]["total"]), (&eur(0), &eur(6000)));
        assert_eq!(cart["shipping"][1]["price"], eur(1290));
        guest.apply("UNSOU").await.expect(StatusCode::OK);
        let cart = guest.show_cart().await;
        assert_eq!((&cart["shipping"][0]["price"], &cart["shipping"][0]["total"]), (&eur(590), &eur(6589)));
        let mut body = guest.checkout_body().await;
        body["shipping"] = json!("standard");
        body["expected_total"] = eur(6589);
        guest.place(&body).await.expect(StatusCode::CREATED);
        shop.close().await;
    }

    async fn what_is_digital_is_not_shipped(backend: Backend) {
        let mut shop = Shop::open_shipping(backend).await;
        let file = shop.product("fichier", 2000, None).await;
        let mut guest = shop.guest();
        guest.add(&file, 1).await.expect(StatusCode::OK);
        assert_eq!(guest.show_cart().await["shipping"], json!([]));
        let order = Placed::of(guest.check_out().await.expect(StatusCode::CREATED));
        let shown = guest.show(&order).await;
        assert_eq!((&shown["shipping"], &shown["totals"]["total"]), (&Value::Null, &eur(2000)));
        shop.close().await;
    }

    async fn nothing_is_sold_without_the_terms_and_nothing_digital_without_more(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let (print, file) = (shop.product("brume", 2000, Some(9)).await, shop.product("fichier", 500, None).await);
        let mut guest = shop.guest();
        guest.add(&print, 1).await.expect(StatusCode::OK);
        assert_eq!(guest.show_cart().await["consents"], json!({"terms": "essai-1", "immediate_start": false}));
        let mut body = guest.checkout_body().await;
        let refuse = async |guest: &mut Guest<'_>, body: &Value, slug: &str| {
            let before = shop.head();
            guest.place(body).await.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, slug);
            assert_eq!(shop.head(), before);
        };
        body.as_object_mut().unwrap().remove("consents");
        refuse(&mut guest, &body, "terms-not-accepted").await;
        for consents in [json!({}), json!({"terms": false}), json!({"immediate_start": true})] {
            body["consents"] = consents;
            refuse(&mut guest, &body, "terms-not-accepted").await;
        }
        for consents in [json!(null), json!([true, true]), json!({"terms": "yes"}), json!({"other": true})] {
            body["consents"] = consents;
            refuse(&mut guest, &body, "body-invalid").await;
        }
        body["consents"] = json!({"terms": true});
        let order = Placed::of(guest.place(&body).await.expect(StatusCode::CREATED));
        assert_eq!(guest.show(&order).await["consents"], json!({"terms": "essai-1", "immediate_start": false}));

        let mut guest = shop.guest();
        guest.add(&print, 1).await.expect(StatusCode::OK);
        guest.add(&file, 1).await.expect(StatusCode::OK);
        assert_eq!(guest.show_cart().await["consents"], json!({"terms": "essai-1", "immediate_start": true}));
        let mut body = guest.checkout_body().await;
        body["consents"] = json!({"terms": true});
        refuse(&mut guest, &body, "immediate-start-not-accepted").await;
        body["consents"] = json!({"terms": true, "immediate_start": true});
        let before = shop.head();
        let order = Placed::of(guest.place(&body).await.expect(StatusCode::CREATED));
        let placed = says(&shop.events_after(before).await[1]);
        assert_eq!(placed["consents"], json!({"terms": "essai-1", "immediate_start": true}));
        assert_eq!(guest.show(&order).await["consents"], placed["consents"]);
        shop.close().await;
    }

    async fn a_company_is_named_with_its_numbers(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let print = shop.product("brume", 2000, Some(9)).await;
        let mut guest = shop.guest();
        guest.add(&print, 1).await.expect(StatusCode::OK);
        let mut body = guest.checkout_body().await;
        let business = json!({
            "name": "Atelier des Lilas SARL", "siren": "552100554", "vat_number": "FR96552100554",
            "reference": "BC-2026-118",
        });
        let before = shop.head();
        for (field, value) in [
            ("siren", "552100555"), ("siren", "55210055"), ("siren", ""), ("vat_number", "FR97552100554"),
            ("vat_number", "FR"), ("vat_number", "1X123"), ("name", ""), ("reference", "\n"),
        ] {
            body["contact"]["business"] = business.clone();
            body["contact"]["business"][field] = json!(value);
            let answer = guest.place(&body).await;
            let problem = answer.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "body-invalid");
            assert_eq!(problem["errors"][0]["field"], format!("contact.business.{field}"), "{value}: {problem}");
        }
        assert_eq!(shop.head(), before);
        body["contact"]["business"] = business.clone();
        let order = Placed::of(guest.place(&body).await.expect(StatusCode::CREATED));
        assert_eq!(guest.show(&order).await["contact"]["business"], business);
        shop.close().await;
    }
}

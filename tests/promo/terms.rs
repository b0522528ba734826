//! Each condition of a code: who asks is told which one fails.

use chrono::TimeDelta;

use super::*;

on_both! {
    async fn nobody_knows_a_code_that_was_never_made(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 2000, Some(5)).await;
        let mut guest = shop.guest();
        // Without a cart there is nothing to put a code into; the question is answered.
        let before = shop.head();
        assert_eq!(validate(&guest, "NOBODY").await["reason"]["slug"], "promo-unknown");
        guest.apply("NOBODY").await.expect_problem(StatusCode::NOT_FOUND, "cart-unknown");
        assert_eq!(shop.head(), before);
        guest.add(&product, 1).await.expect(StatusCode::OK);
        kept_out(&shop, &mut guest, "NOBODY", "promo-unknown", &json!({})).await;
        let before = shop.head();
        for code in ["", "AB", "A B C", "é10", &"A".repeat(33)] {
            let applied = guest.apply(code).await;
            let problem = applied.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "body-invalid");
            assert_eq!(problem["errors"][0]["field"], "code");
        }
        assert_eq!(shop.head(), before);
        shop.close().await;
    }

    async fn a_code_has_its_time_and_the_end_is_no_part_of_it(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 2000, Some(5)).await;
        shop.promo("HEURE", tenth()).await;
        let mut guest = shop.guest();
        guest.add(&product, 1).await.expect(StatusCode::OK);
        guest.apply("heure").await.expect(StatusCode::OK);
        goes(&shop, &mut guest, "HEURE", 200).await;
        let (starts, ends) = ("2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z");
        shop.amend("HEURE", json!({"starts_at": starts, "ends_at": "2026-11-22T12:00:00+01:00"})).await;
        turned_away(&shop, &mut guest, "HEURE", "promo-not-started", &json!({"starts_at": starts})).await;
        shop.turn(TimeDelta::hours(1) - TimeDelta::microseconds(1));
        turned_away(&shop, &mut guest, "HEURE", "promo-not-started", &json!({"starts_at": starts})).await;
        shop.turn(TimeDelta::microseconds(1));
        goes(&shop, &mut guest, "HEURE", 200).await;
        shop.turn(TimeDelta::hours(1) - TimeDelta::microseconds(1));
        goes(&shop, &mut guest, "HEURE", 200).await;
        shop.turn(TimeDelta::microseconds(1));
        turned_away(&shop, &mut guest, "HEURE", "promo-ended", &json!({"ended_at": ends})).await;
        shop.amend("HEURE", json!({"ends_at": null})).await;
        goes(&shop, &mut guest, "HEURE", 200).await;
        guest.check_out().await.expect(StatusCode::CREATED);
        shop.close().await;
    }

    async fn a_minimum_counts_what_the_code_is_for_before_any_discount(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let (print, other) = (shop.product("brume", 1000, Some(5)).await, shop.product("lueur", 9000, Some(5)).await);
        shop.promo("HALF", json!({"reduction": {"basis_points": 5000}})).await;
        shop.promo("SEUIL", json!({"reduction": {"amount": eur(300)}, "priority": 9})).await;
        let mut guest = shop.guest();
        guest.add(&print, 1).await.expect(StatusCode::OK);
        guest.add(&other, 1).await.expect(StatusCode::OK);
        guest.apply("SEUIL").await.expect(StatusCode::OK);
        shop.amend("SEUIL", json!({"minimum": eur(2000), "scope": {"products": [print]}})).await;
        let present = json!({"minimum": eur(2000), "reached": eur(1000)});
        turned_away(&shop, &mut guest, "SEUIL", "promo-minimum", &present).await;
        guest.add(&print, 1).await.expect(StatusCode::OK);
        goes(&shop, &mut guest, "SEUIL", 300).await;
        // What another code takes off is not held against it.
        guest.apply("HALF").await.expect(StatusCode::OK);
        goes(&shop, &mut guest, "SEUIL", 300).await;
        goes(&shop, &mut guest, "HALF", 5500).await;
        assert_eq!(guest.show_cart().await["totals"]["total"], eur(5200));
        shop.amend("SEUIL", json!({"minimum": eur(2001)})).await;
        let present = json!({"minimum": eur(2001), "reached": eur(2000)});
        turned_away(&shop, &mut guest, "SEUIL", "promo-minimum", &present).await;
        shop.close().await;
    }

    async fn a_code_is_for_products_or_for_categories(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let print = shop.product("brume", 1000, Some(5)).await;
        let book = shop.offer("recueil", 3000, Some(5), ("livres", 550)).await;
        shop.promo("POUR", json!({"reduction": {"basis_points": 1000}})).await;
        let mut guest = shop.guest();
        guest.add(&print, 1).await.expect(StatusCode::OK);
        guest.apply("POUR").await.expect(StatusCode::OK);
        for scope in [json!({"products": [book]}), json!({"categories": ["livres"]})] {
            shop.amend("POUR", json!({"scope": scope})).await;
            turned_away(&shop, &mut guest, "POUR", "promo-scope", &json!({})).await;
        }
        guest.add(&book, 1).await.expect(StatusCode::OK);
        goes(&shop, &mut guest, "POUR", 300).await;
        shop.amend("POUR", json!({"scope": {"products": [print]}})).await;
        goes(&shop, &mut guest, "POUR", 100).await;
        shop.amend("POUR", json!({"scope": {"products": [print], "categories": ["livres"]}})).await;
        goes(&shop, &mut guest, "POUR", 400).await;
        let order = Placed::of(guest.check_out().await.expect(StatusCode::CREATED));
        let shown = guest.show(&order).await;
        assert_eq!((&shown["lines"][0]["discount"], &shown["lines"][1]["discount"]), (&eur(100), &eur(300)));
        assert_eq!(shown["discounts"], json!([{"code": "POUR", "amount": eur(400), "free_shipping": false}]));
        assert_eq!(
            shown["totals"]["vat"],
            json!([{"rate": 550, "net": eur(2559), "vat": eur(141)}, {"rate": 2000, "net": eur(750), "vat": eur(150)}])
        );
        shop.close().await;
    }

    async fn a_code_may_be_used_so_often_and_is_given_back(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 2000, Some(5)).await;
        let mut terms = tenth();
        terms["limit"] = json!(1);
        shop.promo("UNIQUE", terms).await;
        let (mut first, mut second) = (shop.guest(), shop.guest());
        for guest in [&mut first, &mut second] {
            guest.add(&product, 1).await.expect(StatusCode::OK);
            guest.apply("UNIQUE").await.expect(StatusCode::OK);
        }
        let order = Placed::of(first.check_out().await.expect(StatusCode::CREATED));
        turned_away(&shop, &mut second, "UNIQUE", "promo-used-up", &json!({})).await;
        first.ask(&order, "cancel").await.expect(StatusCode::OK);
        goes(&shop, &mut second, "UNIQUE", 200).await;
        second.check_out().await.expect(StatusCode::CREATED);
        shop.close().await;
    }

    async fn a_code_that_stands_alone_goes_with_no_other(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 2000, Some(5)).await;
        for code in ["AVEC", "SEUL"] {
            shop.promo(code, tenth()).await;
        }
        let mut guest = shop.guest();
        guest.add(&product, 1).await.expect(StatusCode::OK);
        guest.apply("AVEC").await.expect(StatusCode::OK);
        guest.apply("SEUL").await.expect(StatusCode::OK);
        shop.amend("SEUL", json!({"exclusive": true})).await;
        turned_away(&shop, &mut guest, "SEUL", "promo-not-combinable", &json!({"with": "AVEC"})).await;
        let drop = guest.request(Method::DELETE, "/api/cart/promo?code=avec");
        guest.send(drop).await.expect(StatusCode::OK);
        goes(&shop, &mut guest, "SEUL", 200).await;
        // It is no matter which of the two comes second.
        kept_out(&shop, &mut guest, "AVEC", "promo-not-combinable", &json!({"with": "SEUL"})).await;
        let all = guest.request(Method::DELETE, "/api/cart/promo");
        guest.send(all).await.expect(StatusCode::OK);
        guest.apply("AVEC").await.expect(StatusCode::OK);
        kept_out(&shop, &mut guest, "SEUL", "promo-not-combinable", &json!({"with": "AVEC"})).await;
        shop.close().await;
    }

    async fn a_code_is_switched_off_and_on(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 2000, Some(5)).await;
        shop.promo("BOUTON", tenth()).await;
        let mut guest = shop.guest();
        guest.add(&product, 1).await.expect(StatusCode::OK);
        guest.apply("BOUTON").await.expect(StatusCode::OK);
        let before = shop.head();
        for _ in 0..2 {
            let off = shop.staff(Method::POST, "/api/promo/BOUTON/deactivate");
            Answer::of(off).await.expect(StatusCode::OK);
        }
        assert_eq!(shop.types_after(before).await, ["PromoDeactivated"]);
        turned_away(&shop, &mut guest, "BOUTON", "promo-inactive", &json!({})).await;
        let before = shop.head();
        shop.amend("BOUTON", json!({"active": true})).await;
        shop.amend("BOUTON", json!({"active": true})).await;
        assert_eq!(shop.types_after(before).await, ["PromoActivated"]);
        goes(&shop, &mut guest, "BOUTON", 200).await;
        shop.amend("BOUTON", json!({"active": false, "priority": 3})).await;
        assert_eq!(shop.types_after(before).await, ["PromoActivated", "PromoAmended", "PromoDeactivated"]);
        turned_away(&shop, &mut guest, "BOUTON", "promo-inactive", &json!({})).await;
        shop.close().await;
    }

    async fn what_is_wrong_with_one_code_hides_nothing_of_another(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let (kept, gone) = (shop.product("brume", 2000, Some(5)).await, shop.product("perdu", 900, None).await);
        for code in ["VIEUX", "NEUF"] {
            shop.promo(code, tenth()).await;
        }
        shop.promo("SEUIL", json!({"reduction": {"amount": eur(300)}, "minimum": eur(2500)})).await;
        let mut guest = shop.guest();
        guest.add(&kept, 1).await.expect(StatusCode::OK);
        guest.apply("VIEUX").await.expect(StatusCode::OK);
        shop.amend("VIEUX", json!({"active": false})).await;
        let present = json!({"minimum": eur(2500), "reached": eur(2000)});
        kept_out(&shop, &mut guest, "SEUIL", "promo-minimum", &present).await;
        assert_eq!(validate(&guest, "NEUF").await["discount"], eur(200));
        guest.apply("NEUF").await.expect(StatusCode::OK);
        goes(&shop, &mut guest, "NEUF", 200).await;

        // Neither does a product that is no longer sold.
        guest.add(&gone, 1).await.expect(StatusCode::OK);
        let archive = shop.staff(Method::POST, &format!("/api/products/{gone}/archive"));
        Answer::of(archive).await.expect(StatusCode::OK);
        goes(&shop, &mut guest, "NEUF", 200).await;
        kept_out(&shop, &mut guest, "SEUIL", "promo-minimum", &present).await;
        shop.close().await;
    }
}

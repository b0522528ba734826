//! What changes between the cart that was shown and the checkout.

use super::*;

on_both! {
    async fn other_terms_or_another_price_must_be_seen_first(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 2000, Some(9)).await;
        shop.promo("BOUGE", tenth()).await;
        let mut guest = shop.guest();
        guest.add(&product, 1).await.expect(StatusCode::OK);
        guest.apply("BOUGE").await.expect(StatusCode::OK);
        let changed = async |guest: &mut Guest<'_>, shown: &Value, total: i64| {
            let before = shop.head();
            let answer = guest.place(shown).await;
            let problem = answer.expect_problem(StatusCode::CONFLICT, "cart-changed");
            assert_eq!((&problem["total"], &problem["cart_version"]), (&eur(total), &shown["cart_version"]));
            assert_eq!(shop.head(), before);
        };
        let shown = guest.checkout_body().await;
        shop.amend("BOUGE", json!({"reduction": {"basis_points": 2000}})).await;
        changed(&mut guest, &shown, 1600).await;

        guest.position = shop.head().0;
        let shown = guest.checkout_body().await;
        let reprice = shop.staff(Method::PATCH, &format!("/api/products/{product}")).json(&json!({"price": eur(3000)}));
        Answer::of(reprice).await.expect(StatusCode::OK);
        changed(&mut guest, &shown, 2400).await;

        guest.position = shop.head().0;
        let shown = guest.checkout_body().await;
        shop.amend("BOUGE", json!({"minimum": eur(3001)})).await;
        let before = shop.head();
        let answer = guest.place(&shown).await;
        let problem = answer.expect_problem(StatusCode::CONFLICT, "promo-minimum");
        let present = (&problem["code"], &problem["minimum"], &problem["reached"]);
        assert_eq!(present, (&json!("BOUGE"), &eur(3001), &eur(3000)));
        assert_eq!(shop.head(), before);

        // A code that went out of the cart in another tab.
        shop.amend("BOUGE", json!({"minimum": null})).await;
        guest.position = shop.head().0;
        let shown = guest.checkout_body().await;
        guest.send(guest.request(Method::DELETE, "/api/cart/promo")).await.expect(StatusCode::OK);
        let before = shop.head();
        let answer = guest.place(&shown).await;
        let problem = answer.expect_problem(StatusCode::CONFLICT, "cart-changed");
        assert_eq!((&problem["total"], &problem["cart_version"]), (&eur(3000), &json!(3)));
        assert_eq!(shop.head(), before);
        guest.check_out().await.expect(StatusCode::CREATED);
        shop.close().await;
    }

    async fn an_empty_cart_is_empty_whatever_codes_are_in_it(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 2000, Some(9)).await;
        shop.promo("RIEN", tenth()).await;
        let mut guest = shop.guest();
        guest.add(&product, 1).await.expect(StatusCode::OK);
        guest.apply("RIEN").await.expect(StatusCode::OK);
        let remove = guest.request(Method::DELETE, &format!("/api/cart/items/{product}"));
        guest.send(remove).await.expect(StatusCode::OK);
        let before = shop.head();
        guest.check_out().await.expect_problem(StatusCode::CONFLICT, "cart-empty");
        assert_eq!(shop.head(), before);
        shop.close().await;
    }
}

//! Conditions on the person, who is known by an e-mail address.

use super::*;

/// Somebody with a product and a code in the cart.
async fn shopper<'shop>(shop: &'shop Shop, product: &str, code: &str) -> Guest<'shop> {
    let mut guest = shop.guest();
    guest.add(product, 1).await.expect(StatusCode::OK);
    guest.apply(code).await.expect(StatusCode::OK);
    guest
}

/// The checkout as this person is refused, and nothing is stored.
async fn refused(shop: &Shop, guest: &mut Guest<'_>, code: &str, email: &str, slug: &str) {
    let before = shop.head();
    let body = guest.checkout_body_of(email).await;
    let answer = guest.place(&body).await;
    assert_eq!(answer.expect_problem(StatusCode::CONFLICT, slug)["code"], code);
    let verdict = validate_for(shop, code, email).await;
    assert_eq!((&verdict["valid"], &verdict["reason"]["slug"]), (&json!(false), &json!(slug)), "{verdict}");
    assert_eq!(verdict["depends_on_customer"], false);
    // Nobody else is told what that person has bought.
    let guessed = guest.request(Method::POST, "/api/promo/validate").json(&json!({"code": code, "email": email}));
    Answer::of(guessed).await.expect_problem(StatusCode::UNAUTHORIZED, "staff-only");
    let verdict = validate(guest, code).await;
    assert_eq!((&verdict["valid"], &verdict["depends_on_customer"]), (&json!(true), &json!(true)), "{verdict}");
    assert_eq!(shop.types_after(before).await, [""; 0]);
}

on_both! {
    async fn one_person_uses_a_code_so_often(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 2000, Some(9)).await;
        let mut terms = tenth();
        terms["limit_per_customer"] = json!(1);
        shop.promo("PARTETE", terms).await;
        assert_eq!(validate_for(&shop, "PARTETE", "ana@example.fr").await["valid"], true);
        let mut first = shopper(&shop, &product, "PARTETE").await;
        let body = first.checkout_body_of("Ana@Example.fr").await;
        let order = Placed::of(first.place(&body).await.expect(StatusCode::CREATED));
        let mut second = shopper(&shop, &product, "PARTETE").await;
        refused(&shop, &mut second, "PARTETE", "aNA@eXAMPLE.FR", "promo-used-by-customer").await;
        // Another person may; so may this one when the order fell through.
        assert_eq!(validate_for(&shop, "PARTETE", "bea@example.fr").await["valid"], true);
        first.ask(&order, "cancel").await.expect(StatusCode::OK);
        let body = second.checkout_body_of("ANA@EXAMPLE.FR").await;
        let order = Placed::of(second.place(&body).await.expect(StatusCode::CREATED));
        second.pay(&order, "sandbox_ok").await.expect(StatusCode::OK);
        let mut third = shopper(&shop, &product, "PARTETE").await;
        refused(&shop, &mut third, "PARTETE", "ana@example.fr", "promo-used-by-customer").await;
        shop.amend("PARTETE", json!({"limit_per_customer": 2})).await;
        let body = third.checkout_body_of("ana@example.fr").await;
        third.place(&body).await.expect(StatusCode::CREATED);
        shop.close().await;
    }

    async fn a_first_order_is_the_first_of_that_person(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 2000, Some(9)).await;
        let mut terms = tenth();
        terms["first_order_only"] = json!(true);
        shop.promo("PREMIERE", terms).await;
        let mut guest = shopper(&shop, &product, "PREMIERE").await;
        // An order without any code counts, too, as soon as it is placed.
        let mut before = shop.guest();
        before.add(&product, 1).await.expect(StatusCode::OK);
        let body = before.checkout_body_of("ANA@example.fr").await;
        let order = Placed::of(before.place(&body).await.expect(StatusCode::CREATED));
        refused(&shop, &mut guest, "PREMIERE", "ana@EXAMPLE.fr", "promo-first-order").await;
        before.ask(&order, "cancel").await.expect(StatusCode::OK);
        assert_eq!(validate_for(&shop, "PREMIERE", "ana@example.fr").await["valid"], true);
        let body = guest.checkout_body_of("ana@example.fr").await;
        let order = Placed::of(guest.place(&body).await.expect(StatusCode::CREATED));
        guest.pay(&order, "sandbox_ok").await.expect(StatusCode::OK);
        let mut again = shopper(&shop, &product, "PREMIERE").await;
        refused(&shop, &mut again, "PREMIERE", "Ana@example.fr", "promo-first-order").await;
        for (language, title) in titles("promo-first-order") {
            let body = again.checkout_body_of("ana@example.fr").await;
            let request = again.request(Method::POST, "/api/checkout").header("accept-language", language);
            let answer = Answer::of(request.json(&body)).await;
            let problem = answer.expect_problem(StatusCode::CONFLICT, "promo-first-order");
            says_why(problem, "promo-first-order", title, &json!({"code": "PREMIERE"}));
        }
        // Money that went back makes nobody new.
        let refund = shop.staff(Method::POST, &format!("/api/orders/{}/refund", order.id));
        let refund = refund.json(&json!({"everything": true, "reason": "Retour"}));
        Answer::of(refund).await.expect(StatusCode::CREATED);
        assert_eq!(validate_for(&shop, "PREMIERE", "ana@example.fr").await["valid"], false);
        shop.close().await;
    }
}

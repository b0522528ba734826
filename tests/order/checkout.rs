//! Stories of the moment in which a cart becomes an order, however often and from wherever that is asked.

use futures::future::join_all;

use super::*;

on_both! {
    async fn two_tabs_place_one_order(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(100)).await;
        for tabs in [2, 20] {
            let before = shop.head();
            let mut guest = shop.guest();
            guest.add(&product, 1).await.expect(StatusCode::OK);
            let body = guest.checkout_body().await;
            let click = || Answer::of(guest.request(Method::POST, "/api/checkout").json(&body));
            let answers = join_all((0..tabs).map(|_| click())).await;
            let count = |status| answers.iter().filter(|answer| answer.status == status).count();
            assert_eq!((count(StatusCode::CREATED), count(StatusCode::OK)), (1, tabs - 1));
            let mut orders: Vec<Placed> = answers.iter().map(|answer| Placed::of(&answer.body)).collect();
            orders.dedup();
            assert_eq!(orders.len(), 1, "every tab is told the same order and the same token");
            let types = shop.types_after(before).await;
            assert_eq!(types, ["CartItemAdded", "CartCheckedOut", "OrderPlaced", "ProductStockReserved", "BuyerOrdered"]);
        }
        shop.close().await;
    }

    async fn a_repeated_click_is_given_the_same_order(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        guest.add(&product, 1).await.expect(StatusCode::OK);
        let body = guest.checkout_body().await;
        let key = "a-key-that-nobody-guesses-1";
        let click = |key: Option<&'static str>, body: &Value| {
            let request = guest.request(Method::POST, "/api/checkout").json(body);
            Answer::of(match key {
                Some(key) => request.header("idempotency-key", key),
                None => request,
            })
        };
        let first = click(Some(key), &body).await;
        first.expect(StatusCode::CREATED);
        assert_eq!(first.headers["location"], format!("/api/orders/{}", Placed::of(&first.body).id));
        let after = shop.head();
        let again = click(Some(key), &body).await;
        assert_eq!(again.expect(StatusCode::OK), &first.body);
        assert_eq!(again.headers["idempotent-replayed"], "true");
        let without = click(None, &body).await;
        assert_eq!(Placed::of(without.expect(StatusCode::OK)), Placed::of(&first.body));
        let mut other = body.clone();
        other["contact"]["name"] = json!("Ana M.");
        let reused = click(Some(key), &other).await;
        reused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused");
        click(Some("short"), &body).await.expect_problem(StatusCode::BAD_REQUEST, "idempotency-key-invalid");
        assert_eq!(shop.head(), after);
        shop.close().await;
    }

    async fn a_repeated_payment_is_given_the_same_answer(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 1).await;
        let path = format!("/api/orders/{}/pay", order.id);
        let click = |method: &str| {
            let request = guest.request(Method::POST, &path).header("webox-order-token", &order.token);
            Answer::of(request.header("idempotency-key", "a-key-of-one-click").json(&json!({"method": method})))
        };
        let first = click("sandbox_declined").await;
        first.expect(StatusCode::OK);
        let after = shop.head();
        let again = click("sandbox_declined").await;
        assert_eq!(again.expect(StatusCode::OK), &first.body);
        assert_eq!(again.headers["idempotent-replayed"], "true");
        let reused = click("sandbox_ok").await;
        reused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused");
        assert_eq!(shop.head(), after);
        shop.close().await;
    }

    async fn a_refused_checkout_does_not_use_its_key_up(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        guest.add(&product, 1).await.expect(StatusCode::OK);
        let right = guest.checkout_body().await;
        let mut wrong = right.clone();
        wrong["expected_total"] = eur(1);
        let click = |body: &Value| {
            let request = guest.request(Method::POST, "/api/checkout");
            Answer::of(request.header("idempotency-key", "a-key-for-one-checkout").json(body))
        };
        click(&wrong).await.expect_problem(StatusCode::CONFLICT, "cart-changed");
        let placed = click(&right).await;
        placed.expect(StatusCode::CREATED);
        assert!(!placed.headers.contains_key("idempotent-replayed"));
        shop.close().await;
    }

    async fn fifty_guests_want_the_last_one_and_one_gets_it(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("unique", 1990, Some(1)).await;
        let mut guests: Vec<_> = (0..50).map(|_| shop.guest()).collect();
        let added = join_all(guests.iter_mut().map(|guest| guest.add(&product, 1))).await;
        assert!(added.iter().all(|answer| answer.status == StatusCode::OK));
        let bodies = join_all(guests.iter().map(Guest::checkout_body)).await;
        let before = shop.head();
        let answers = join_all(guests.iter().zip(&bodies).map(|(guest, body)| {
            Answer::of(guest.request(Method::POST, "/api/checkout").json(body))
        })).await;
        let (won, lost): (Vec<_>, Vec<_>) =
            answers.iter().partition(|answer| answer.status == StatusCode::CREATED);
        assert_eq!((won.len(), lost.len()), (1, 49));
        for answer in lost {
            let problem = answer.expect_problem(StatusCode::CONFLICT, "product-out-of-stock");
            assert_eq!((&problem["product"], &problem["available"]), (&json!(product), &json!(0)));
        }
        assert_eq!(shop.types_after(before).await, ["CartCheckedOut", "OrderPlaced", "ProductStockReserved", "BuyerOrdered"]);
        assert_eq!(says(&shop.events_after(before).await[2])["available"], 0);
        assert_eq!(shop.available(&product).await, 0);
        shop.close().await;
    }

    async fn a_price_that_changed_must_be_seen_before_it_is_paid(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        guest.add(&product, 2).await.expect(StatusCode::OK);
        let shown = guest.checkout_body().await;
        let reprice = shop.staff(Method::PATCH, &format!("/api/products/{product}"));
        let repriced = Answer::of(reprice.json(&json!({"price": eur(2490)}))).await;
        repriced.expect(StatusCode::OK);
        let before = shop.head();
        let refused = guest.send(guest.request(Method::POST, "/api/checkout").json(&shown)).await;
        let problem = refused.expect_problem(StatusCode::CONFLICT, "cart-changed");
        assert_eq!((&problem["total"], &problem["cart_version"]), (&eur(4980), &json!(1)));
        assert_eq!(shop.head(), before);

        let mut accepted = shown.clone();
        accepted["expected_total"] = problem["total"].clone();
        let placed = guest.send(guest.request(Method::POST, "/api/checkout").json(&accepted)).await;
        let order = Placed::of(placed.expect(StatusCode::CREATED));
        let order = guest.show(&order).await;
        assert_eq!((&order["lines"][0]["unit_price"], &order["totals"]["total"]), (&eur(2490), &eur(4980)));
        shop.close().await;
    }

    async fn a_cart_that_changed_in_another_tab_must_be_seen_first(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        guest.add(&product, 1).await.expect(StatusCode::OK);
        let shown = guest.checkout_body().await;
        guest.add(&product, 1).await.expect(StatusCode::OK);
        let before = shop.head();
        let refused = guest.send(guest.request(Method::POST, "/api/checkout").json(&shown)).await;
        let problem = refused.expect_problem(StatusCode::CONFLICT, "cart-changed");
        assert_eq!((&problem["total"], &problem["cart_version"]), (&eur(3980), &json!(2)));
        assert_eq!(shop.head(), before);
        guest.check_out().await.expect(StatusCode::CREATED);
        shop.close().await;
    }

    async fn what_is_no_longer_for_sale_is_named(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let (kept, gone) = (shop.product("brume", 1990, Some(5)).await, shop.product("perdu", 990, None).await);
        let mut guest = shop.guest();
        guest.add(&kept, 1).await.expect(StatusCode::OK);
        guest.add(&gone, 1).await.expect(StatusCode::OK);
        let archive = shop.staff(Method::POST, &format!("/api/products/{gone}/archive"));
        guest.position = Answer::of(archive).await.expect(StatusCode::OK)["position"].as_u64().expect("a position");
        let cart = guest.show_cart().await;
        assert_eq!((&cart["lines"][1]["for_sale"], &cart["totals"]["total"]), (&json!(false), &eur(1990)));
        let before = shop.head();
        let refused = guest.check_out().await;
        let problem = refused.expect_problem(StatusCode::CONFLICT, "product-not-for-sale");
        assert_eq!(problem["product"], json!(gone));
        assert_eq!(shop.head(), before);

        let remove = guest.request(Method::DELETE, &format!("/api/cart/items/{gone}"));
        guest.send(remove).await.expect(StatusCode::OK);
        guest.check_out().await.expect(StatusCode::CREATED);
        shop.close().await;
    }

    async fn an_empty_cart_is_no_order(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        guest.check_out().await.expect_problem(StatusCode::NOT_FOUND, "cart-unknown");
        guest.add(&product, 1).await.expect(StatusCode::OK);
        let remove = guest.request(Method::DELETE, &format!("/api/cart/items/{product}"));
        guest.send(remove).await.expect(StatusCode::OK);
        let before = shop.head();
        guest.check_out().await.expect_problem(StatusCode::CONFLICT, "cart-empty");
        assert_eq!(shop.head(), before);
        shop.close().await;
    }
}

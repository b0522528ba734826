//! Stories of carts: what somebody wants, until it becomes an order.

use chrono::TimeDelta;
use futures::{StreamExt as _, future::join_all, stream};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{
    on_both,
    shop::{Answer, Backend, Guest, Placed, Shop, eur, says},
};

/// Asks for another quantity of what is in the cart.
async fn change(guest: &mut Guest<'_>, product: &str, quantity: i64) -> Answer {
    let request = guest.request(Method::PATCH, &format!("/api/cart/items/{product}"));
    guest.send(request.json(&json!({"quantity": quantity}))).await
}

/// Takes something out of the cart.
async fn remove(guest: &mut Guest<'_>, product: &str) -> Answer {
    let request = guest.request(Method::DELETE, &format!("/api/cart/items/{product}"));
    guest.send(request).await
}

/// What is in the cart: each product with how many.
fn lines(cart: &Value) -> Vec<(String, i64)> {
    let lines = cart["lines"].as_array().expect("a list");
    lines
        .iter()
        .map(|line| {
            let slug = line["slug"].as_str().expect("a slug").to_owned();
            (slug, line["quantity"].as_i64().expect("a number"))
        })
        .collect()
}

on_both! {
    async fn what_goes_in_can_change_and_come_out(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let (print, file) = (shop.product("brume", 1990, Some(5)).await, shop.product("fichier", 500, None).await);
        let before = shop.head();
        let mut guest = shop.guest();
        assert_eq!(guest.show_cart().await["version"], 0);
        guest.add(&print, 1).await.expect(StatusCode::OK);
        guest.add(&file, 2).await.expect(StatusCode::OK);
        guest.add(&print, 2).await.expect(StatusCode::OK);
        let cart = guest.show_cart().await;
        assert_eq!(lines(&cart), [("brume".to_owned(), 3), ("fichier".to_owned(), 2)]);
        assert_eq!((&cart["version"], &cart["totals"]["total"]), (&json!(3), &eur(6970)));
        assert_eq!((&cart["lines"][0]["in_stock"], cart["lines"][0].get("price_was")), (&json!(true), None));

        change(&mut guest, &print, 6).await.expect(StatusCode::OK);
        change(&mut guest, &print, 6).await.expect(StatusCode::OK);
        assert_eq!(guest.show_cart().await["lines"][0]["in_stock"], false);
        remove(&mut guest, &file).await.expect(StatusCode::OK);
        let cart = guest.show_cart().await;
        assert_eq!((lines(&cart), &cart["totals"]["total"]), (vec![("brume".to_owned(), 6)], &eur(11940)));
        remove(&mut guest, &file).await.expect_problem(StatusCode::NOT_FOUND, "cart-item-absent");
        change(&mut guest, &file, 1).await.expect_problem(StatusCode::NOT_FOUND, "cart-item-absent");
        assert_eq!(
            shop.types_after(before).await,
            ["CartItemAdded", "CartItemAdded", "CartItemAdded", "CartQuantityChanged", "CartItemRemoved"]
        );
        let quantities: Vec<_> =
            shop.events_after(before).await.iter().map(|event| says(event)["quantity"].clone()).collect();
        assert_eq!(quantities, [json!(1), json!(2), json!(3), json!(6), Value::Null]);
        shop.close().await;
    }

    async fn a_cart_is_seen_by_its_token_alone(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let (mut one, mut other) = (shop.guest(), shop.guest());
        let added = one.add(&product, 1).await;
        let cookie = added.headers["set-cookie"].to_str().expect("a text");
        let (name, attributes) = cookie.split_once(';').expect("a cookie");
        assert_eq!(name, format!("webox-cart={}", one.cart.as_ref().expect("a cart")));
        assert!(["HttpOnly", "SameSite=Lax", "Path=/"].iter().all(|word| attributes.contains(word)), "{cookie}");
        other.add(&product, 4).await.expect(StatusCode::OK);
        assert_ne!(one.cart, other.cart);
        assert_eq!(one.show_cart().await["lines"][0]["quantity"], 1);
        let browser = shop.request(Method::GET, "/api/cart").header("cookie", format!("a=b; {name}"));
        assert_eq!(Answer::of(browser).await.expect(StatusCode::OK)["lines"][0]["quantity"], 1);
        assert_eq!(shop.guest().show_cart().await["lines"], json!([]));
        let mut nobody = shop.guest();
        change(&mut nobody, &product, 2).await.expect_problem(StatusCode::NOT_FOUND, "cart-unknown");
        nobody.cart = Some("no-token".to_owned());
        remove(&mut nobody, &product).await.expect_problem(StatusCode::BAD_REQUEST, "cart-token-invalid");
        shop.close().await;
    }

    async fn one_click_of_somebody_without_a_cart_opens_one_cart(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let before = shop.head();
        let click = |key: &str, cart: Option<&str>, quantity: i64| {
            let request = shop.request(Method::POST, "/api/cart/items").header("idempotency-key", key);
            let request = request.json(&json!({"product": product, "quantity": quantity}));
            Answer::of(match cart {
                Some(cart) => request.header("webox-cart", cart),
                None => request,
            })
        };
        let key = "a-key-of-a-first-click";
        let first = click(key, None, 2).await;
        let cart = first.headers["webox-cart"].to_str().expect("a token").to_owned();
        for token in [None, Some(cart.as_str())] {
            let again = click(key, token, 2).await;
            assert_eq!(again.expect(StatusCode::OK), first.expect(StatusCode::OK));
            assert_eq!(again.headers["idempotent-replayed"], "true");
            assert_eq!(again.headers["webox-cart"], cart.as_str());
        }
        let reused = click(key, None, 3).await;
        reused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused");
        click("too-short", None, 2).await.expect_problem(StatusCode::BAD_REQUEST, "idempotency-key-invalid");
        let types = shop.types_after(before).await;
        assert_eq!(types, ["CartItemAdded"]);
        let mut guest = shop.guest();
        guest.cart = Some(cart.clone());
        assert_eq!(guest.show_cart().await["lines"][0]["quantity"], 2);

        // Even when the cart has become an order meanwhile, the click was one click.
        guest.check_out().await.expect(StatusCode::CREATED);
        let before = shop.head();
        let again = click(key, None, 2).await;
        assert_eq!(again.expect(StatusCode::OK), first.expect(StatusCode::OK));
        assert_eq!(shop.head(), before);

        let other = click("a-key-of-another-click", None, 2).await;
        assert_ne!(other.headers["webox-cart"], cart.as_str());
        shop.close().await;
    }

    async fn a_click_that_is_sent_ten_times_at_once_counts_once(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let before = shop.head();
        let click = || {
            let request = shop.request(Method::POST, "/api/cart/items");
            let request = request.header("idempotency-key", "a-key-of-an-impatient-click");
            Answer::of(request.json(&json!({"product": product, "quantity": 1})))
        };
        let answers = join_all((0..10).map(|_| click())).await;
        for answer in &answers {
            if answer.status != StatusCode::OK {
                answer.expect_problem(StatusCode::CONFLICT, "idempotency-key-in-flight");
                assert_eq!(answer.headers["retry-after"], "1");
            }
        }
        assert!(answers.iter().any(|answer| answer.status == StatusCode::OK));
        assert_eq!(shop.types_after(before).await, ["CartItemAdded"]);
        shop.close().await;
    }

    async fn a_key_stands_for_its_click_for_seven_days(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        guest.add(&product, 1).await.expect(StatusCode::OK);
        let click = || {
            let request = guest.request(Method::POST, "/api/cart/items");
            let request = request.header("idempotency-key", "a-key-of-seven-days");
            Answer::of(request.json(&json!({"product": product, "quantity": 2})))
        };
        let before = shop.head();
        let first = click().await;
        shop.turn(TimeDelta::days(7) - TimeDelta::seconds(1));
        let again = click().await;
        assert_eq!(again.expect(StatusCode::OK), first.expect(StatusCode::OK));
        shop.turn(TimeDelta::seconds(2));
        for _ in 0..2 {
            click().await.expect(StatusCode::OK);
        }
        let quantities: Vec<_> =
            shop.events_after(before).await.iter().map(|event| says(event)["quantity"].clone()).collect();
        assert_eq!(quantities, [3, 5], "it is another click after that, and the key stands for it again");
        shop.close().await;
    }

    async fn a_price_that_changed_shows_in_the_cart(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        guest.add(&product, 2).await.expect(StatusCode::OK);
        let reprice = shop.staff(Method::PATCH, &format!("/api/products/{product}"));
        let repriced = Answer::of(reprice.json(&json!({"price": eur(1490)}))).await;
        guest.position = repriced.expect(StatusCode::OK)["position"].as_u64().expect("a position");
        let cart = guest.show_cart().await;
        let line = &cart["lines"][0];
        assert_eq!((&line["unit_price"], &line["price_was"]), (&eur(1490), &eur(1990)));
        assert_eq!((&line["total"], &cart["totals"]["total"]), (&eur(2980), &eur(2980)));
        guest.add(&product, 1).await.expect(StatusCode::OK);
        assert_eq!(guest.show_cart().await["lines"][0].get("price_was"), None);
        shop.close().await;
    }

    async fn a_cart_holds_ten_thousand_of_one_and_no_more(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("fichier", 100, None).await;
        let mut guest = shop.guest();
        for quantity in [0, -1, 10_001, i64::MAX] {
            let refused = guest.add(&product, quantity).await;
            let problem = refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "body-invalid");
            assert_eq!(problem["errors"][0]["field"], "quantity");
        }
        guest.add(&product, 9_999).await.expect(StatusCode::OK);
        guest.add(&product, 1).await.expect(StatusCode::OK);
        let before = shop.head();
        guest.add(&product, 1).await.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "cart-quantity");
        let refused = change(&mut guest, &product, 10_001).await;
        refused.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "body-invalid");
        assert_eq!(shop.head(), before);
        assert_eq!(guest.show_cart().await["lines"][0]["quantity"], 10_000);
        guest.check_out().await.expect(StatusCode::CREATED);
        shop.close().await;
    }

    async fn a_cart_of_five_hundred_products_becomes_an_order(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let slugs: Vec<String> = (0..501).map(|number| format!("produit-{number}")).collect();
        let products: Vec<String> =
            stream::iter(&slugs).map(|slug| shop.product(slug, 100, None)).buffered(32).collect().await;
        let mut guest = shop.guest();
        let (last, first) = products.split_last().expect("products");
        guest.add(&first[0], 1).await.expect(StatusCode::OK);
        let added: Vec<Answer> = stream::iter(&first[1..])
            .map(|product| {
                let request = guest.request(Method::POST, "/api/cart/items");
                Answer::of(request.json(&json!({"product": product, "quantity": 1})))
            })
            .buffered(32)
            .collect()
            .await;
        assert!(added.iter().all(|answer| answer.status == StatusCode::OK));
        guest.position = shop.head().0;
        let before = shop.head();
        guest.add(last, 1).await.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "cart-full");
        guest.add(&first[0], 1).await.expect(StatusCode::OK);
        assert_eq!(shop.types_after(before).await, ["CartItemAdded"]);
        let cart = guest.show_cart().await;
        assert_eq!((lines(&cart).len(), &cart["totals"]["total"]), (500, &eur(50_100)));
        let order = Placed::of(guest.check_out().await.expect(StatusCode::CREATED));
        assert_eq!(guest.show(&order).await["lines"].as_array().map(Vec::len), Some(500));
        shop.close().await;
    }

    async fn a_cart_left_behind_expires_and_the_next_one_is_new(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        guest.add(&product, 1).await.expect(StatusCode::OK);
        let old = guest.cart.clone();
        shop.turn(TimeDelta::days(29));
        change(&mut guest, &product, 2).await.expect(StatusCode::OK);
        let before = shop.head();
        shop.turn(TimeDelta::days(29));
        // Touched again in time, it lives on: this waits until a younger deadline is met.
        let order = shop.guest().buy(&product, 1).await;
        shop.turn(TimeDelta::minutes(31));
        shop.wait_for("OrderExpired", before).await;
        assert_eq!(guest.show_cart().await["state"], "open");

        let before = shop.head();
        shop.turn(TimeDelta::days(2));
        shop.wait_for("CartExpired", before).await;
        guest.position = shop.head().0;
        assert_eq!(guest.show_cart().await["state"], "expired");
        change(&mut guest, &product, 1).await.expect_problem(StatusCode::CONFLICT, "cart-expired");
        guest.check_out().await.expect_problem(StatusCode::CONFLICT, "cart-expired");
        guest.add(&product, 1).await.expect(StatusCode::OK);
        assert_ne!(guest.cart, old);
        assert_eq!(lines(&guest.show_cart().await), [("brume".to_owned(), 1)]);
        assert_eq!(shop.types_after(before).await, ["CartExpired", "CartItemAdded"]);
        assert_eq!(shop.guest().show(&order).await["status"], "expired");
        shop.close().await;
    }

    async fn only_what_is_for_sale_goes_in(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("perdu", 1990, Some(5)).await;
        Answer::of(shop.staff(Method::POST, &format!("/api/products/{product}/archive"))).await.expect(StatusCode::OK);
        let before = shop.head();
        let mut guest = shop.guest();
        guest.add(&product, 1).await.expect_problem(StatusCode::CONFLICT, "product-not-for-sale");
        let absent = guest.add("019ab000-0000-7000-8000-000000000000", 1).await;
        absent.expect_problem(StatusCode::NOT_FOUND, "product-unknown");
        assert_eq!((shop.head(), &guest.cart), (before, &None));
        shop.close().await;
    }
}

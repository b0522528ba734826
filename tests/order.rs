//! Stories of orders: from a product to money, and everything that comes between.

use futures::future::join;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::{chain::hex, verify::verify};
use tests::{
    on_both,
    payments::Held,
    shop::{Answer, Backend, Guest, Placed, Shop, contact, eur, says},
};

mod checkout;
mod deadlines;
mod forgetting;
mod rebuild;
mod restart;
mod shipping;

on_both! {
    async fn somebody_buys_and_pays(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let before = shop.head();
        let mut guest = shop.guest();
        let order = guest.buy(&product, 2).await;
        assert_eq!(shop.available(&product).await, 3);
        let paid = guest.pay(&order, "sandbox_ok").await;
        assert_eq!(paid.expect(StatusCode::OK)["status"], "paid");
        assert_eq!(
            shop.types_after(before).await,
            [
                "CartItemAdded", "CartCheckedOut", "OrderPlaced", "ProductStockReserved", "BuyerOrdered", "OrderPaymentRequested",
                "OrderPaymentSucceeded", "OrderPaid", "ProductStockCommitted", "BuyerSettled", "RegisterEntered", "InvoiceIssued",
            ]
        );
        let events = shop.events_after(before).await;
        let [added, checked_out, placed, reserved, entered, requested, succeeded, money, committed] =
            [0, 1, 2, 3, 4, 5, 6, 7, 8].map(|index| says(&events[index]));
        assert_eq!(added, json!({"product": product, "quantity": 2, "shown": eur(1990)}));
        assert_eq!(checked_out, json!({"order": order.id}));
        assert_eq!(placed["totals"]["total"], eur(3980));
        assert_eq!(reserved, json!({"order": order.id, "quantity": 2, "available": 3}));
        assert_eq!(entered, json!({"order": order.id, "promos": []}));
        assert_eq!((&requested["amount"], &requested["method"]), (&eur(3980), &json!("sandbox_ok")));
        assert_eq!(succeeded["attempt"], requested["attempt"]);
        assert_eq!((&money["amount"], &money["on"]), (&eur(3980), &json!("2026-11-22")));
        assert_eq!(committed, json!({"order": order.id, "quantity": 2, "on_hand": 3}));
        assert_eq!(shop.available(&product).await, 3);

        // The checkout is one transaction, and so is what follows from the money.
        let ends = [1, 2, 3, 4, 6, 7, 8, 9, 10, 11].map(|index| events[index].transaction_end);
        assert_eq!(ends, [4, 4, 4, 4, 11, 11, 11, 11, 11, 11].map(|index: usize| events[index].position));
        shop.close().await;
    }

    async fn an_order_shows_what_was_bought_by_whom_and_how_it_was_paid(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let (print, file) = (shop.product("brume", 1990, Some(5)).await, shop.product("fichier", 500, None).await);
        let mut guest = shop.guest();
        guest.add(&print, 2).await.expect(StatusCode::OK);
        let order = guest.buy(&file, 1).await;
        let shown = guest.show(&order).await;
        assert_eq!((&shown["id"], &shown["status"]), (&json!(order.id), &json!("awaiting_payment")));
        assert_eq!(shown["contact"]["email"], contact()["email"]);
        assert_eq!(shown["contact"]["billing"], contact()["billing"]);
        assert_eq!(shown["totals"]["total"], eur(4480));
        assert_eq!(shown["totals"]["vat"], json!([{"rate": 2000, "net": eur(3733), "vat": eur(747)}]));
        let line = |index: usize| {
            let line = &shown["lines"][index];
            (line["slug"].clone(), line["kind"].clone(), line["quantity"].clone(), line["total"].clone())
        };
        assert_eq!(line(0), (json!("brume"), json!("physical"), json!(2), eur(3980)));
        assert_eq!(line(1), (json!("fichier"), json!("digital"), json!(1), eur(500)));
        assert_eq!(shown["payments"], json!([]));
        assert_eq!(shown["placed_at"], "2026-11-22T09:00:00Z");
        assert_eq!((&shown["on"], &shown["expires_at"]), (&json!("2026-11-22"), &json!("2026-11-22T09:30:00Z")));

        let paid = guest.pay(&order, "sandbox_ok").await.expect(StatusCode::OK).clone();
        let payment = &paid["payments"][0];
        assert_eq!((&payment["status"], &payment["amount"]), (&json!("succeeded"), &eur(4480)));
        assert!(payment["reference"].as_str().is_some_and(|word| word.starts_with("sandbox-")), "{payment}");
        assert_eq!(guest.show(&order).await, paid);
        shop.close().await;
    }

    async fn the_history_of_an_order_is_what_the_log_proves(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let before = shop.head();
        let mut guest = shop.guest();
        let order = guest.buy(&product, 1).await;
        guest.pay(&order, "sandbox_ok").await.expect(StatusCode::OK);
        let path = format!("/api/orders/{}/history", order.id);
        let asked = guest.request(Method::GET, &path).header("webox-order-token", &order.token);
        let history = Answer::of(asked).await.expect(StatusCode::OK)["entries"].as_array().expect("a list").clone();

        let recorded: Vec<_> =
            shop.events_after(before).await.into_iter().filter(|event| event.stream.id() == order.id).collect();
        let proofs: Vec<Value> = recorded.iter().map(|event| {
            json!([event.position.0, event.version, event.event_type, hex(&event.hash)])
        }).collect();
        let told: Vec<Value> = history.iter().map(|entry| {
            json!([entry["position"], entry["version"], entry["event"], entry["hash"]])
        }).collect();
        assert_eq!(told, proofs);
        let actors: Vec<_> = history.iter().map(|entry| entry["actor"].as_str().expect("an actor")).collect();
        assert_eq!(actors, ["guest", "guest", "reactor", "reactor"]);
        assert_eq!(history[0]["actor_id"], says(&recorded[0])["cart"]);
        assert_eq!(history[2]["actor_id"], "take-payments");
        assert_eq!(history[2]["causation"], json!(recorded[1].event_id));
        assert_eq!(history[2]["correlation"], history[1]["correlation"]);
        assert_eq!(history[0]["contact"]["name"], "Ana Martin");
        assert_eq!(history[0]["payload"]["Placed"]["contact"], Value::Null);

        let seen = Answer::of(shop.staff(Method::GET, &path)).await;
        let sealed = &seen.expect(StatusCode::OK)["entries"][0]["payload"]["Placed"]["contact"];
        assert!(sealed["text"].is_string(), "the staff can prove the ciphertext: {sealed}");
        shop.until_printed().await;
        let audit = verify(shop.app.log(), |_| {}).await.expect("the log is read");
        assert_eq!((audit.events, audit.fault), (shop.head().0, None));
        shop.close().await;
    }

    async fn who_has_no_token_of_an_order_is_told_that_there_is_none(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let order = shop.guest().buy(&product, 1).await;
        let foreign = shop.guest().buy(&product, 1).await;
        let absent = "019ab000-0000-7000-8000-000000000000";
        let before = shop.head();
        let mut bodies = Vec::new();
        for (id, token) in [
            (order.id.as_str(), None),
            (order.id.as_str(), Some(foreign.token.as_str())),
            (order.id.as_str(), Some("")),
            (absent, None),
            (absent, Some(order.token.as_str())),
            ("no-id", Some(order.token.as_str())),
        ] {
            let with = |request: reqwest::RequestBuilder| match token {
                Some(token) => request.header("webox-order-token", token),
                None => request,
            };
            for (method, path, body) in [
                (Method::GET, "", None),
                (Method::GET, "/history", None),
                (Method::POST, "/pay", Some(json!({"method": "sandbox_ok"}))),
                (Method::POST, "/cancel", None),
            ] {
                let request = with(shop.request(method, &format!("/api/orders/{id}{path}")));
                let answer = Answer::of(match &body {
                    Some(body) => request.json(body),
                    None => request,
                }).await;
                let mut body = answer.expect_problem(StatusCode::NOT_FOUND, "not-found").clone();
                assert!(body.as_object_mut().is_some_and(|body| body.remove("request_id").is_some()), "{body}");
                bodies.push(body);
            }
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{bodies:?}");
        assert_eq!(shop.head(), before);
        // The staff is told the truth about an id that nobody has.
        let path = format!("/api/orders/{absent}");
        Answer::of(shop.staff(Method::GET, &path)).await.expect_problem(StatusCode::NOT_FOUND, "not-found");
        shop.close().await;
    }

    async fn what_the_answer_to_a_payment_tells_is_in_every_view_that_is_asked_next(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        for _ in 0..5 {
            let mut guest = shop.guest();
            let order = guest.buy(&product, 1).await;
            let before = shop.head();
            guest.pay(&order, "sandbox_ok").await.expect(StatusCode::OK);
            let paid = shop.wait_for("OrderPaid", before).await;
            assert!(guest.position >= paid.position.0, "the answer tells of {} at {}", paid.position, guest.position);
            let request = guest.request(Method::GET, &format!("/api/orders/{}/history", order.id));
            let history = Answer::of(request.header("webox-order-token", &order.token)).await;
            assert_eq!(history.expect(StatusCode::OK)["entries"].as_array().map(Vec::len), Some(4));
        }
        shop.close().await;
    }

    async fn a_declined_payment_is_tried_again(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 1).await;
        let before = shop.head();
        let declined = guest.pay(&order, "sandbox_declined").await.expect(StatusCode::OK).clone();
        assert_eq!(declined["status"], "awaiting_payment");
        let first = &declined["payments"][0];
        assert_eq!((&first["status"], &first["reason"]), (&json!("declined"), &json!("card_declined")));
        let paid = guest.pay(&order, "sandbox_ok").await.expect(StatusCode::OK).clone();
        assert_eq!(paid["status"], "paid");
        let statuses = [0, 1].map(|index: usize| paid["payments"][index]["status"].clone());
        assert_eq!(statuses, ["declined", "succeeded"]);
        assert_ne!(paid["payments"][0]["attempt"], paid["payments"][1]["attempt"]);
        let events = [
            "OrderPaymentRequested", "OrderPaymentDeclined", "OrderPaymentRequested", "OrderPaymentSucceeded",
            "OrderPaid", "ProductStockCommitted", "BuyerSettled", "RegisterEntered", "InvoiceIssued",
        ];
        assert_eq!(shop.types_after(before).await, events);

        guest.pay(&order, "sandbox_ok").await.expect_problem(StatusCode::CONFLICT, "order-already-paid");
        let unknown = guest.pay(&order, "nobody_knows").await;
        unknown.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "payment-method-unknown");
        assert_eq!(shop.types_after(before).await, events);
        shop.close().await;
    }

    async fn a_payment_that_takes_long_is_joined_and_shows_later(backend: Backend) {
        let payments = Held::closed();
        let mut shop = Shop::open_with(backend, payments.clone()).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let (mut guest, mut tab) = (shop.guest(), shop.guest());
        let order = guest.buy(&product, 1).await;
        let before = shop.head();
        let (one, other) = join(guest.pay(&order, "sandbox_ok"), tab.pay(&order, "sandbox_ok")).await;
        for answer in [&one, &other] {
            let body = answer.expect(StatusCode::ACCEPTED);
            assert_eq!(body["status"], "awaiting_payment");
            assert_eq!(body["payments"].as_array().map(Vec::len), Some(1));
            assert_eq!(body["payments"][0]["status"], "pending");
        }
        assert_eq!(one.body, other.body);
        assert_eq!(shop.types_after(before).await, ["OrderPaymentRequested"]);

        payments.release();
        guest.position = shop.wait_for("OrderPaid", before).await.position.0;
        let shown = guest.show(&order).await;
        assert_eq!((&shown["status"], &shown["payments"][0]["status"]), (&json!("paid"), &json!("succeeded")));
        assert_eq!(
            shop.types_after(before).await,
            ["OrderPaymentRequested", "OrderPaymentSucceeded", "OrderPaid", "ProductStockCommitted", "BuyerSettled", "RegisterEntered", "InvoiceIssued"]
        );
        assert_eq!(payments.charges().len(), 1);
        shop.close().await;
    }

    async fn a_provider_that_gives_no_answer_is_asked_again_for_the_same_payment(backend: Backend) {
        let payments = Held::open();
        payments.fail(3);
        let mut shop = Shop::open_with(backend, payments.clone()).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 1).await;
        let before = shop.head();
        let answer = guest.pay(&order, "sandbox_ok").await;
        assert!(answer.status.is_success(), "{}", answer.body);
        shop.wait_for("OrderPaid", before).await;
        assert_eq!(
            shop.types_after(before).await,
            ["OrderPaymentRequested", "OrderPaymentSucceeded", "OrderPaid", "ProductStockCommitted", "BuyerSettled", "RegisterEntered", "InvoiceIssued"]
        );
        let mut attempts: Vec<_> = payments.charges().iter().map(|charge| charge.attempt).collect();
        assert_eq!(attempts.len(), 4);
        attempts.dedup();
        assert_eq!(attempts.len(), 1, "asked again, charged once");
        shop.close().await;
    }

    async fn an_order_that_nobody_wants_any_more_gives_its_stock_back(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 2).await;
        let before = shop.head();
        guest.ask(&order, "cancel").await.expect(StatusCode::OK);
        guest.ask(&order, "cancel").await.expect(StatusCode::OK);
        assert_eq!(shop.types_after(before).await, ["OrderCancelled", "ProductStockReleased", "BuyerReleased"]);
        let events = shop.events_after(before).await;
        assert_eq!(events[0].transaction_end, events[2].position);
        assert_eq!(says(&events[1]), json!({"order": order.id, "quantity": 2, "available": 5}));
        assert_eq!(guest.show(&order).await["status"], "cancelled");
        assert_eq!(shop.available(&product).await, 5);
        guest.pay(&order, "sandbox_ok").await.expect_problem(StatusCode::CONFLICT, "order-closed");

        let mut other = shop.guest();
        let paid = other.buy(&product, 1).await;
        other.pay(&paid, "sandbox_ok").await.expect(StatusCode::OK);
        other.ask(&paid, "cancel").await.expect_problem(StatusCode::CONFLICT, "order-already-paid");
        assert_eq!(shop.available(&product).await, 4);
        shop.close().await;
    }

    async fn only_the_staff_hands_over_and_only_what_is_paid(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 1).await;
        let path = format!("/api/orders/{}/fulfil", order.id);
        let unpaid = Answer::of(shop.staff(Method::POST, &path)).await;
        unpaid.expect_problem(StatusCode::CONFLICT, "order-not-paid");
        guest.pay(&order, "sandbox_ok").await.expect(StatusCode::OK);
        let before = shop.head();
        guest.ask(&order, "fulfil").await.expect_problem(StatusCode::UNAUTHORIZED, "staff-only");
        let wrong = shop.request(Method::POST, &path).bearer_auth("not-the-token-of-the-staff-of-this-shop");
        Answer::of(wrong).await.expect_problem(StatusCode::UNAUTHORIZED, "staff-only");
        assert_eq!(shop.head(), before);
        for _ in 0..2 {
            let done = Answer::of(shop.staff(Method::POST, &path)).await;
            guest.position = done.expect(StatusCode::OK)["position"].as_u64().expect("a position");
        }
        assert_eq!(shop.types_after(before).await, ["OrderFulfilled"]);
        assert_eq!(guest.show(&order).await["status"], "fulfilled");
        guest.ask(&order, "cancel").await.expect_problem(StatusCode::CONFLICT, "order-already-paid");
        let list = Answer::of(shop.staff(Method::GET, "/api/orders/list?status=fulfilled")).await;
        assert_eq!(list.expect(StatusCode::OK)["items"][0]["id"], json!(order.id));
        Answer::of(shop.request(Method::GET, "/api/orders/list"))
            .await
            .expect_problem(StatusCode::UNAUTHORIZED, "staff-only");
        shop.close().await;
    }

    async fn what_costs_nothing_is_paid_at_once(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("cadeau", 0, Some(5)).await;
        let before = shop.head();
        let mut guest = shop.guest();
        let order = guest.buy(&product, 1).await;
        assert_eq!(
            shop.types_after(before).await,
            [
                "CartItemAdded", "CartCheckedOut", "OrderPlaced", "OrderPaid", "ProductStockReserved",
                "ProductStockCommitted", "BuyerOrdered", "BuyerSettled",
            ]
        );
        let events = shop.events_after(before).await;
        assert!(events[1..].iter().all(|event| event.transaction_end == events[7].position));
        assert_eq!(says(&events[5])["on_hand"], 4);
        let shown = guest.show(&order).await;
        assert_eq!((&shown["status"], &shown["payments"]), (&json!("paid"), &json!([])));
        assert_eq!(shop.available(&product).await, 4);
        guest.pay(&order, "sandbox_ok").await.expect_problem(StatusCode::CONFLICT, "order-already-paid");
        shop.close().await;
    }
}

//! Stories of refunds that nobody gets.

use super::*;

on_both! {
    async fn what_is_not_paid_is_not_given_back(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(9)).await;
        let free = shop.product("cadeau", 0, None).await;
        let unpaid = shop.guest().buy(&product, 1).await;
        let cancelled = shop.guest().buy(&product, 1).await;
        shop.guest().ask(&cancelled, "cancel").await.expect(StatusCode::OK);
        let gift = shop.guest().buy(&free, 1).await;
        let absent = Placed { id: "019ab000-0000-7000-8000-000000000000".to_owned(), token: String::new() };
        let head = shop.head();
        for body in [everything(), amount(1)] {
            for (order, status, slug) in [
                (&unpaid, StatusCode::CONFLICT, "order-not-paid"),
                (&cancelled, StatusCode::CONFLICT, "order-closed"),
                (&gift, StatusCode::CONFLICT, "refund-nothing"),
                (&absent, StatusCode::NOT_FOUND, "order-unknown"),
            ] {
                refund(&shop, order, body.clone()).await.expect_problem(status, slug);
            }
        }
        assert_eq!(shop.head(), head);
        shop.turn(TimeDelta::minutes(31));
        shop.wait_for("BuyerReleased", head).await;
        let head = shop.head();
        refund(&shop, &unpaid, everything()).await.expect_problem(StatusCode::CONFLICT, "order-closed");
        assert_eq!(shop.head(), head);
        shop.close().await;
    }

    async fn what_was_not_bought_is_not_given_back(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let (product, other) = (shop.product("brume", 1990, Some(9)).await, shop.product("cadre", 500, Some(9)).await);
        let before = shop.head();
        let order = bought(&shop, &product, 2).await;
        shop.wait_for("InvoicePrinted", before).await;
        let head = shop.head();
        let lines = |product: &str, quantity: i64| json!([{"product": product, "quantity": quantity}]);
        let (conflict, unprocessable) = (StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY);
        for (body, status, slug) in [
            (json!({"lines": lines(&other, 1), "reason": "x"}), unprocessable, "refund-product-absent"),
            (json!({"lines": lines(&product, 3), "reason": "x"}), conflict, "refund-product-returned"),
            (json!({"lines": [lines(&product, 2)[0], lines(&product, 1)[0]], "reason": "x"}), conflict, "refund-product-returned"),
            (json!({"amount": eur(3981), "reason": "x"}), conflict, "refund-too-large"),
            (json!({"amount": eur(i64::MAX), "reason": "x"}), conflict, "refund-too-large"),
            (json!({"lines": lines(&product, 1), "amount": eur(1991), "reason": "x"}), conflict, "refund-too-large"),
            (json!({"shipping": true, "reason": "x"}), conflict, "refund-nothing"),
        ] {
            let answer = refund(&shop, &order, body.clone()).await;
            assert_eq!((answer.status, answer.body["slug"].as_str()), (status, Some(slug)), "{body}: {}", answer.body);
        }
        for body in [
            json!({"amount": eur(0), "reason": "x"}),
            json!({"amount": eur(-1), "reason": "x"}),
            json!({"lines": lines(&product, 0), "reason": "x"}),
            json!({"lines": lines(&product, -1), "reason": "x"}),
            json!({"reason": "x"}),
            json!({"everything": false, "reason": "x"}),
            json!({"everything": true, "amount": eur(1), "reason": "x"}),
            json!({"everything": true, "lines": lines(&product, 1), "reason": "x"}),
            json!({"everything": true, "shipping": true, "reason": "x"}),
            json!({"everything": true}),
            json!({"everything": true, "reason": ""}),
            json!({"everything": true, "reason": "x", "more": 1}),
        ] {
            let answer = refund(&shop, &order, body.clone()).await;
            assert!([StatusCode::BAD_REQUEST, unprocessable].contains(&answer.status), "{body}: {}", answer.body);
        }
        assert_eq!(shop.head(), head);
        shop.close().await;
    }

    async fn only_the_staff_gives_back(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(9)).await;
        let before = shop.head();
        let order = bought(&shop, &product, 1).await;
        shop.wait_for("InvoicePrinted", before).await;
        let head = shop.head();
        let path = format!("/api/orders/{}/refund", order.id);
        let guest = shop.request(Method::POST, &path).json(&everything());
        Answer::of(guest).await.expect(StatusCode::UNAUTHORIZED);
        let owner = shop.request(Method::POST, &path).header("webox-order-token", &order.token).json(&everything());
        Answer::of(owner).await.expect(StatusCode::UNAUTHORIZED);
        assert_eq!(shop.head(), head);
        shop.close().await;
    }
}

//! Stories of products: from a draft to the archive, and who sees what of it when.

use futures::future::join_all;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tests::{
    on_both,
    shop::{Answer, Backend, Shop, eur, says},
};

/// A product as the staff describes it.
fn draft(slug: &str) -> Value {
    json!({
        "slug": slug, "kind": "physical", "category": "tirages", "vat_rate": 2000, "tags": ["mer"],
        "name": {"fr": "Brume"}, "description": {"fr": "Un tirage."}, "price": eur(1990),
    })
}

/// Asks for a product as soon as the view has seen what this answer did.
async fn seen_after(answer: &Answer, request: RequestBuilder) -> Answer {
    Answer::of(request.header("webox-position", &answer.headers["webox-position"])).await
}

on_both! {
    async fn every_command_is_seen_by_the_next_query(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let before = shop.head();
        let drafted = Answer::of(shop.staff(Method::POST, "/api/products").json(&draft("brume"))).await;
        let id = drafted.expect(StatusCode::CREATED)["id"].as_str().expect("an id").to_owned();
        let path = format!("/api/products/{id}");
        assert_eq!(drafted.headers["location"], path.as_str());
        assert_eq!(drafted.headers["webox-position"], shop.head().to_string().as_str());
        seen_after(&drafted, shop.request(Method::GET, &path))
            .await
            .expect_problem(StatusCode::NOT_FOUND, "not-found");
        assert_eq!(seen_after(&drafted, shop.staff(Method::GET, &path)).await.body["status"], "draft");

        let send = |method, what: &str, body: Value| {
            Answer::of(shop.staff(method, &format!("{path}{what}")).json(&body))
        };
        let show = |answer: Answer| {
            let request = shop.request(Method::GET, "/api/products/brume");
            async move { seen_after(&answer, request).await.expect(StatusCode::OK).clone() }
        };
        let published = send(Method::POST, "/publish", json!({})).await;
        let shown = show(published).await;
        assert_eq!((&shown["status"], &shown["available"]), (&json!("published"), &json!(0)));
        for (change, available) in [(25, 25), (-5, 20), (7, 27)] {
            let stocked = show(send(Method::POST, "/stock", json!({"change": change})).await).await;
            assert_eq!(stocked["available"], available);
        }
        let priced = show(send(Method::PATCH, "", json!({"price": eur(2490)})).await).await;
        assert_eq!(priced["price"], eur(2490));
        let revised = show(send(Method::PATCH, "", json!({"name": {"fr": "Brume", "en": "Mist"}})).await).await;
        assert_eq!(revised["name"]["en"], "Mist");
        let archived = show(send(Method::POST, "/archive", json!({})).await).await;
        assert_eq!(archived["status"], "archived");
        assert_eq!(
            shop.types_after(before).await,
            [
                "ProductDrafted", "ReservationClaimed", "ProductPublished", "ProductStockAdjusted",
                "ProductStockAdjusted", "ProductStockAdjusted", "ProductRepriced", "ProductRevised", "ProductArchived",
            ]
        );
        let repriced = says(&shop.events_after(before).await[6]);
        assert_eq!((&repriced["was"], &repriced["price"]), (&eur(1990), &eur(2490)));
        shop.close().await;
    }

    async fn a_view_that_is_behind_says_so(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let beyond = (shop.head().0 + 1_000).to_string();
        let asked = ["/api/products", &format!("/api/products/{product}"), "/api/cart", "/api/orders/list"]
            .map(|path| Answer::of(shop.staff(Method::GET, path).header("webox-position", &beyond)));
        for answer in join_all(asked).await {
            let problem = answer.expect_problem(StatusCode::SERVICE_UNAVAILABLE, "view-behind");
            assert_eq!(problem["position"], json!(shop.head()));
            assert_eq!(answer.headers["retry-after"], "1");
        }
        let nonsense = shop.request(Method::GET, "/api/products").header("webox-position", "soon");
        Answer::of(nonsense).await.expect_problem(StatusCode::BAD_REQUEST, "position-invalid");
        shop.close().await;
    }

    async fn of_two_products_with_one_slug_one_is_drafted(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let before = shop.head();
        let draft = draft("brume");
        let drafts = (0..5).map(|_| Answer::of(shop.staff(Method::POST, "/api/products").json(&draft)));
        let answers = join_all(drafts).await;
        let (made, refused): (Vec<_>, Vec<_>) =
            answers.iter().partition(|answer| answer.status == StatusCode::CREATED);
        assert_eq!(made.len(), 1);
        for answer in refused {
            answer.expect_problem(StatusCode::CONFLICT, "product-slug-taken");
        }
        assert_eq!(shop.types_after(before).await, ["ProductDrafted", "ReservationClaimed"]);
        shop.close().await;
    }

    async fn the_shelf_keeps_what_is_promised(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        shop.guest().buy(&product, 3).await;
        let before = shop.head();
        let take = |change: i64| {
            let request = shop.staff(Method::POST, &format!("/api/products/{product}/stock"));
            Answer::of(request.json(&json!({"change": change})))
        };
        take(-3).await.expect_problem(StatusCode::CONFLICT, "product-stock-impossible");
        take(i64::MIN).await.expect_problem(StatusCode::CONFLICT, "product-stock-impossible");
        assert_eq!(shop.head(), before);
        take(-2).await.expect(StatusCode::OK);
        assert_eq!(shop.types_after(before).await, ["ProductStockAdjusted"]);
        let adjusted = says(&shop.events_after(before).await[0]);
        assert_eq!(adjusted, json!({"change": -2, "on_hand": 3, "available": 0}));
        shop.close().await;
    }

    async fn an_archived_product_still_leaves_for_who_has_paid_it(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let mut guest = shop.guest();
        let order = guest.buy(&product, 2).await;
        let archive = shop.staff(Method::POST, &format!("/api/products/{product}/archive"));
        Answer::of(archive).await.expect(StatusCode::OK);
        let before = shop.head();
        guest.pay(&order, "sandbox_ok").await.expect(StatusCode::OK);
        assert_eq!(
            shop.types_after(before).await,
            ["OrderPaymentRequested", "OrderPaymentSucceeded", "OrderPaid", "ProductStockCommitted", "BuyerSettled", "RegisterEntered", "InvoiceIssued"]
        );
        shop.close().await;
    }

    async fn only_the_staff_changes_products(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let path = format!("/api/products/{product}");
        let before = shop.head();
        for (method, path, body) in [
            (Method::POST, "/api/products".to_owned(), draft("autre")),
            (Method::PATCH, path.clone(), json!({"price": eur(1)})),
            (Method::POST, format!("{path}/publish"), json!({})),
            (Method::POST, format!("{path}/archive"), json!({})),
            (Method::POST, format!("{path}/stock"), json!({"change": 1})),
        ] {
            let answer = Answer::of(shop.request(method, &path).json(&body)).await;
            answer.expect_problem(StatusCode::UNAUTHORIZED, "staff-only");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
        assert_eq!(shop.head(), before);
        shop.close().await;
    }
}

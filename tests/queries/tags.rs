//! Who has the answer is told so; who may not see a thing is told nothing.

use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::{
    on_both,
    shop::{Answer, Backend, Shop, eur},
};

on_both! {
    async fn whoever_has_the_answer_is_told_so(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, None).await;
        let mut tags = Vec::new();
        for path in ["/api/products", "/api/products/brume"] {
            let first = ask(&shop, path, None).await;
            first.expect(StatusCode::OK);
            let tag = first.headers["etag"].to_str().unwrap().to_owned();
            for known in [tag.clone(), format!("\"other\", {tag}"), format!("W/{tag}"), "*".to_owned()] {
                let again = ask(&shop, path, Some(&known)).await;
                assert_eq!((again.status, &again.body), (StatusCode::NOT_MODIFIED, &json!(null)), "{known}");
                assert_eq!(again.headers["etag"].to_str().unwrap(), tag);
            }
            for known in ["\"other\"", "", "garbage", "é"] {
                ask(&shop, path, Some(known)).await.expect(StatusCode::OK);
            }
            tags.push((path, tag));
        }

        let price = json!({"price": eur(2490)});
        let change = shop.staff(Method::PATCH, &format!("/api/products/{product}")).json(&price);
        Answer::of(change).await.expect(StatusCode::OK);
        for (path, tag) in tags {
            let fresh = ask(&shop, path, Some(&tag)).await;
            fresh.expect(StatusCode::OK);
            assert_ne!(fresh.headers["etag"].to_str().unwrap(), tag);
        }
        shop.close().await;
    }

    async fn a_draft_is_seen_by_the_staff_alone(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        shop.product("brume", 1990, None).await;
        let body = json!({
            "slug": "secret", "kind": "digital", "category": "tirages", "vat_rate": 2000,
            "name": {"fr": "Secret"}, "description": {"fr": "Pas encore."}, "price": eur(100), "tags": ["tag"],
        });
        let draft = Answer::of(shop.staff(Method::POST, "/api/products").json(&body)).await;
        let id = draft.expect(StatusCode::CREATED)["id"].as_str().unwrap().to_owned();
        for path in ["/api/products/secret".to_owned(), format!("/api/products/{id}")] {
            ask(&shop, &path, None).await.expect_problem(StatusCode::NOT_FOUND, "not-found");
            let known = ask(&shop, &path, Some("*")).await;
            known.expect_problem(StatusCode::NOT_FOUND, "not-found");
            assert_eq!(shop.request(Method::HEAD, &path).send().await.unwrap().status(), StatusCode::NOT_FOUND);
            let shown = Answer::of(shop.staff(Method::GET, &path)).await;
            assert_eq!(shown.expect(StatusCode::OK)["status"], "draft");
        }
        for query in ["", "?tag=tag", "?category=tirages", "?sort=name", "?price_max=100"] {
            let listed = ask(&shop, &format!("/api/products{query}"), None).await;
            assert!(!listed.expect(StatusCode::OK).to_string().contains("secret"), "{query}");
        }
        for status in ["draft", "archived"] {
            let path = format!("/api/products?status={status}");
            ask(&shop, &path, None).await.expect_problem(StatusCode::UNAUTHORIZED, "staff-only");
        }
        let drafts = Answer::of(shop.staff(Method::GET, "/api/products?status=draft")).await;
        assert_eq!(drafts.expect(StatusCode::OK)["items"][0]["slug"], "secret");
        shop.guest().add(&id, 1).await.expect_problem(StatusCode::CONFLICT, "product-not-for-sale");
        shop.close().await;
    }
}

async fn ask(shop: &Shop, path: &str, known: Option<&str>) -> Answer {
    let request = shop.request(Method::GET, path).header("webox-position", shop.head().0);
    Answer::of(match known {
        Some(known) => request.header("if-none-match", known.as_bytes()),
        None => request,
    })
    .await
}

//! What a command is never to be talked into: every field of every body bent in every way, every header and every
//! address. All of it is refused with problem details in the reader's language, and nothing of it leaves a trace.

mod endpoints;
mod mutations;
mod refused;

use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::{
    on_both,
    shop::{Answer, Backend, Shop, contact, eur},
};

use endpoints::Scene;
use refused::Refusals;

on_both! {
    async fn no_bent_field_is_taken(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let scene = Scene::set(&shop).await;
        let refusals = Refusals::of(&shop);
        for endpoint in scene.endpoints() {
            for bent in mutations::of_fields(&endpoint) {
                refusals.expect(&endpoint.says(&bent.text), &format!("{endpoint} with {}", bent.what)).await;
            }
        }
        assert!(refusals.count() > 1_000, "only {} requests were bent", refusals.count());
        shop.close().await;
    }

    async fn no_bent_body_is_taken(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let scene = Scene::set(&shop).await;
        let refusals = Refusals::of(&shop);
        for endpoint in scene.endpoints() {
            for bent in mutations::of_bodies(&endpoint) {
                refusals.expect(&endpoint.says(&bent.text), &format!("{endpoint} with {}", bent.what)).await;
            }
            let good = endpoint.good();
            for content_type in [
                None,
                Some(""),
                Some("text/plain"),
                Some("application/jsonx"),
                Some("application/x-www-form-urlencoded"),
                Some("multipart/form-data; boundary=x"),
                Some("json"),
            ] {
                let ask = endpoint.says(&good).of_type(content_type);
                refusals.expect(&ask, &format!("{endpoint} as {content_type:?}")).await;
            }
        }
        shop.close().await;
    }

    async fn no_bent_address_is_found(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let scene = Scene::set(&shop).await;
        let refusals = Refusals::of(&shop);
        let long = "a".repeat(4_000);
        for endpoint in scene.endpoints() {
            let Some((before, id, after)) = endpoint.id_in_path() else { continue };
            for bent in [
                "nope",
                "%00",
                "%FF%FE",
                "%E2%80%AE",
                "..",
                "%2e%2e",
                "..%2f..%2fadmin",
                "0",
                "-1",
                "00000000-0000-0000-0000-000000000000",
                "ffffffff-ffff-ffff-ffff-ffffffffffff",
                "%20",
                "'%20or%201=1--",
                &format!("{id}x"),
                &format!("%20{id}"),
                &id[1..],
                &long,
            ] {
                let ask = endpoint.says(&endpoint.good()).at(&format!("{before}{bent}{after}"));
                refusals.expect(&ask, &format!("{endpoint} at {bent}")).await;
            }
        }
        shop.close().await;
    }

    async fn no_bent_header_is_taken(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let scene = Scene::set(&shop).await;
        let refusals = Refusals::of(&shop);
        let (long, longer) = ("k".repeat(256), "t".repeat(4_000));
        let keys: [&[u8]; 7] = [
            b"",
            b"short",
            b"fifteen-letters",
            b"with spaces in the middle of it",
            long.as_bytes(),
            b"quite-long-enough-\xff\xfe",
            "quite-long-enough-é".as_bytes(),
        ];
        let tokens: [&[u8]; 9] = [
            b"",
            b"garbage",
            b"Bearer",
            b"Bearer ",
            b"Bearer staff-token-of-the-shop-in-a-box-0123456780",
            b"Basic c3RhZmY6c3RhZmY=",
            b"Bearer \xff\xfe",
            b"Digest x",
            longer.as_bytes(),
        ];
        let carts: [&[u8]; 5] = [b"", b"garbage", b"%00", b"\xff\xfe", longer.as_bytes()];
        for endpoint in scene.endpoints() {
            let bent = keys.iter().map(|value| ("idempotency-key", value));
            let bent = bent.chain(tokens.iter().map(|value| ("authorization", value)));
            for (name, value) in bent.chain(carts.iter().map(|value| ("webox-cart", value))) {
                let ask = endpoint.says(&endpoint.good()).with(name, value);
                let shown = String::from_utf8_lossy(&value[..value.len().min(60)]).into_owned();
                refusals.expect(&ask, &format!("{endpoint} with {name}: {shown:?}")).await;
            }
        }
        shop.close().await;
    }

    async fn what_the_good_requests_say_is_taken(backend: Backend) {
        // The counterpart of all the others: it is the bend that is refused, not the request.
        let mut shop = Shop::open(backend).await;
        for index in 0..Scene::set(&shop).await.endpoints().len() {
            let scene = Scene::set(&shop).await;
            let endpoint = &scene.endpoints()[index];
            let before = shop.head();
            let answer = endpoint.says(&endpoint.good()).send(&shop, "fr").await;
            assert!(answer.status.is_success(), "{endpoint} answers {} {}", answer.status, answer.body);
            assert!(shop.head() > before, "{endpoint} appends nothing");
        }
        shop.close().await;
    }

    async fn texts_of_every_script_come_back_as_they_were(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let before = shop.head();
        let names = [
            "הדפס של ערפל",
            "ملصق الضباب",
            "霧の版画",
            "Poster 🌫️👩🏽‍🎨 brume",
            "𝔊𝔬𝔱𝔥𝔦𝔠 𠮷野家",
            "E\u{301}te\u{301} décomposé",
            "'; drop table products; --",
            "<script>alert(1)</script> & \"quotes\" \\ %s {0}",
        ];
        for (number, name) in names.into_iter().enumerate() {
            let body = json!({
                "slug": format!("texte-{number}"), "kind": "digital", "category": "tirages", "vat_rate": 2000,
                "name": {"fr": name, "en": name}, "description": {"fr": format!("{name}\n{name}")}, "price": eur(100),
            });
            let drafted = Answer::of(shop.staff(Method::POST, "/api/products").json(&body)).await;
            let drafted = drafted.expect(StatusCode::CREATED);
            let path = format!("/api/products/{}", drafted["id"].as_str().unwrap());
            let shown = shop.staff(Method::GET, &path).header("webox-position", drafted["position"].as_u64().unwrap());
            let shown = Answer::of(shown).await;
            let shown = shown.expect(StatusCode::OK);
            assert_eq!(shown["name"], json!({"fr": name, "en": name}));
            assert_eq!(shown["description"]["fr"], format!("{name}\n{name}"));
        }
        assert_eq!(shop.events_after(before).await.len(), 2 * names.len(), "a slug and a draft each");

        let product = shop.product("brume", 1990, None).await;
        let mut guest = shop.guest();
        guest.add(&product, 1).await.expect(StatusCode::OK);
        let mut body = guest.checkout_body().await;
        body["contact"] = contact();
        body["contact"]["name"] = json!("أنا 🌙 מרטין");
        let placed = guest.send(guest.request(Method::POST, "/api/checkout").json(&body)).await;
        let order = tests::shop::Placed::of(placed.expect(StatusCode::CREATED));
        assert_eq!(guest.show(&order).await["contact"]["name"], "أنا 🌙 מרטין");
        shop.close().await;
    }
}

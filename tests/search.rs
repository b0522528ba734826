//! Stories of the search: what is found, in which order, with which choices, and when a change is seen.

mod facets;
mod pages;
mod quality;

use api::Config;
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{
    on_both,
    rows::rebuild,
    shop::{Answer, Backend, Shop, config, eur},
};

/// Searches once everything is seen that was done.
async fn search(shop: &Shop, body: Value) -> Value {
    let answer = ask(shop, &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{body} answers {}", answer.body);
    answer.body
}

async fn ask(shop: &Shop, body: &Value) -> Answer {
    let request = shop.request(Method::POST, "/api/search/products").header("webox-position", shop.head().0);
    Answer::of(request.json(body)).await
}

fn slugs(found: &Value) -> Vec<String> {
    found["items"].as_array().unwrap().iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect()
}

/// Something to be offered.
fn described(slug: &str, name: &str) -> Value {
    json!({
        "slug": slug, "kind": "physical", "category": "tirages", "vat_rate": 2000, "tags": [],
        "name": {"fr": name}, "description": {"fr": "Un produit de la boutique."}, "price": eur(1990),
    })
}

/// Drafts a product: its id.
async fn draft(shop: &Shop, body: &Value) -> String {
    let drafted = Answer::of(shop.staff(Method::POST, "/api/products").json(body)).await;
    drafted.expect(StatusCode::CREATED)["id"].as_str().unwrap().to_owned()
}

/// Does something to a product.
async fn send(shop: &Shop, method: Method, id: &str, what: &str, body: &Value) {
    let request = shop.staff(method, &format!("/api/products/{id}{what}")).json(body);
    Answer::of(request).await.expect(StatusCode::OK);
}

/// Offers a product: its id.
async fn offer(shop: &Shop, body: &Value) -> String {
    let id = draft(shop, body).await;
    send(shop, Method::POST, &id, "/publish", &json!({})).await;
    id
}

on_both! {
    async fn every_change_is_seen_by_the_next_search(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let found = async |query: &str| slugs(&search(&shop, json!({"query": query})).await);
        let id = draft(&shop, &described("brume", "Brume du matin")).await;
        assert!(found("brume").await.is_empty(), "a draft is nobody's business");
        send(&shop, Method::POST, &id, "/publish", &json!({})).await;
        assert_eq!(found("brume").await, ["brume"]);

        send(&shop, Method::PATCH, &id, "", &json!({"name": {"fr": "Rosée du soir", "en": "Evening dew"}})).await;
        assert!(found("brume").await.is_empty() || search(&shop, json!({"query": "brume"})).await["relaxed"] == true);
        for query in ["rosée", "ROSEE", "rosées", "rossée", "dew", "evening dew"] {
            assert_eq!(found(query).await, ["brume"], "{query}");
        }
        send(&shop, Method::PATCH, &id, "", &json!({"tags": ["nuit"], "category": "papiers", "price": eur(2490)})).await;
        let seen = search(&shop, json!({"tags": ["nuit"], "category": ["papiers"], "price_min": 2490})).await;
        assert_eq!(seen["items"][0]["price"], eur(2490));
        assert_eq!(search(&shop, json!({"category": ["tirages"]})).await["total"], 0);

        assert_eq!(search(&shop, json!({"in_stock": true})).await["total"], 0);
        send(&shop, Method::POST, &id, "/stock", &json!({"change": 2})).await;
        assert_eq!(search(&shop, json!({"in_stock": true})).await["items"][0]["available"], 2);
        let mut guest = shop.guest();
        guest.buy(&id, 2).await;
        let sold = search(&shop, json!({})).await;
        assert_eq!((&sold["items"][0]["available"], &sold["facets"]["in_stock"]), (&json!(0), &json!(0)));

        send(&shop, Method::POST, &id, "/archive", &json!({})).await;
        assert!(found("rosée").await.is_empty(), "what is archived is not for sale");
        assert_eq!(search(&shop, json!({})).await["total"], 0);
        shop.close().await;
    }

    async fn a_search_is_the_same_after_a_restart_and_made_again(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let mut ids = Vec::new();
        for (number, name) in ["Affiche mer", "Affiche forêt", "Carnet de mer", "Marque-page phare"].iter().enumerate() {
            ids.push(offer(&shop, &described(&format!("produit-{number}"), name)).await);
        }
        send(&shop, Method::POST, &ids[0], "/stock", &json!({"change": 3})).await;
        send(&shop, Method::POST, &ids[1], "/archive", &json!({})).await;
        draft(&shop, &described("cache", "Affiche cachée")).await;
        let bodies = [json!({}), json!({"query": "mer"}), json!({"query": "afiche"}), json!({"sort": "name"})];
        let answers = async |shop: &Shop| join_all(bodies.iter().map(|body| search(shop, body.clone()))).await;
        let before = answers(&shop).await;
        assert_eq!((&before[0]["total"], &before[1]["total"]), (&json!(3), &json!(2)));
        shop.reopen().await;
        assert_eq!(answers(&shop).await, before);
        shop.close().await;

        // The view of products, which a start reads, is thrown away with all others.
        rebuild(shop.config()).await;
        shop.reopen().await;
        assert_eq!(answers(&shop).await, before);
        assert_eq!(shop.app.views().rebuild("search", &mut |_| {}).await.unwrap(), shop.head());
        assert_eq!(answers(&shop).await, before, "made again while it is searched");
        send(&shop, Method::POST, &ids[2], "/archive", &json!({})).await;
        assert_eq!(search(&shop, json!({"query": "mer"})).await["total"], 1, "it goes on from there");
        shop.close().await;
    }

    async fn the_views_of_another_shop_are_not_searched(backend: Backend) {
        let mut other = Shop::open(Backend::Sqlite).await;
        offer(&other, &described("ailleurs", "Affiche d’ailleurs")).await;
        search(&other, json!({})).await;
        other.close().await;
        let views = Some(format!("sqlite:{}", other.config().data.join("views.db").display()));
        let mut shop = Shop::open_as(Config { views, ..config(backend) }).await;
        assert_eq!(search(&shop, json!({})).await["total"], 0);
        offer(&shop, &described("ici", "Affiche d’ici")).await;
        assert_eq!(slugs(&search(&shop, json!({"query": "affiche"})).await), ["ici"]);
        shop.close().await;
    }

    async fn the_search_says_where_it_is(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        offer(&shop, &described("brume", "Brume")).await;
        search(&shop, json!({})).await;
        let beyond = (shop.head().0 + 1_000).to_string();
        let late = shop.request(Method::POST, "/api/search/products").header("webox-position", &beyond).json(&json!({}));
        let answer = Answer::of(late).await;
        answer.expect_problem(StatusCode::SERVICE_UNAVAILABLE, "view-behind");
        assert_eq!(answer.headers["retry-after"], "1");
        let list = Answer::of(shop.staff(Method::GET, "/api/admin/projections")).await;
        let all = list.expect(StatusCode::OK)["projections"].as_array().unwrap();
        let own = all.iter().find(|one| one["name"] == "search").unwrap();
        assert_eq!((&own["position"], &own["lag"]), (&json!(shop.head()), &json!(0)));
        assert_eq!((&own["state"], &own["set_aside"]), (&json!("following"), &json!(0)));
        shop.close().await;
    }

    async fn what_makes_no_sense_is_refused(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let head = shop.head();
        for (body, field) in [
            (json!({"price_min": 2, "price_max": 1}), "price_min"),
            (json!({"price_min": -1}), "price_min"),
            (json!({"price_max": 100_000_001}), "price_max"),
            (json!({"limit": 0}), "limit"),
            (json!({"limit": 101}), "limit"),
            (json!({"limit": -1}), "limit"),
            (json!({"query": "a".repeat(201)}), "query"),
            (json!({"query": 1}), "query"),
            (json!({"category": ["Tirages"]}), "category[0]"),
            (json!({"category": "tirages"}), "category"),
            (json!({"tags": ["mer", "%"]}), "tags[1]"),
            (json!({"tags": vec!["mer"; 21]}), "tags"),
            (json!({"kind": ["nope"]}), "kind"),
            (json!({"kind": [{"physical": null}]}), "kind"),
            (json!({"kind": vec!["physical"; 21]}), "kind"),
            (json!({"sort": "price"}), "sort"),
            (json!({"sort": {"name": null}}), "sort"),
            (json!({"in_stock": 1}), "in_stock"),
        ] {
            let answer = ask(&shop, &body).await;
            let problem = answer.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "body-invalid");
            assert!(problem["errors"][0]["field"].as_str().unwrap().starts_with(field), "{body} answers {problem}");
        }
        ask(&shop, &json!({"unknown": 1})).await.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "body-invalid");
        ask(&shop, &json!([])).await.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "body-invalid");
        let text = shop.request(Method::POST, "/api/search/products").body("query=mer");
        Answer::of(text).await.expect_problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type");
        let english = shop.request(Method::POST, "/api/search/products").header("accept-language", "en");
        let english = Answer::of(english.json(&json!({"limit": 0}))).await;
        assert_eq!(english.body["title"], "The request is not valid");
        assert_eq!(shop.head(), head);
        shop.close().await;
    }
}

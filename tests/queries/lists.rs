//! A list shows every row once, in its order, however much is added while somebody turns its pages.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{
    on_both,
    shop::{Answer, Backend, Shop, eur},
};

/// What a filter promises of every row.
type Rule<'filter> = &'filter dyn Fn(&Value) -> bool;

const SORTS: [&str; 4] = ["newest", "price", "price_desc", "name"];

on_both! {
    async fn every_product_is_listed_once_while_others_come(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let mut number = 0;
        for _ in 0..17 {
            offer(&shop, &mut number).await;
        }
        for sort in SORTS {
            let before: BTreeSet<String> = walk(&shop, sort, 100, None).await.iter().map(slug).collect();
            assert_eq!(before.len(), usize::try_from(number).unwrap());
            for limit in [1, 3, 7] {
                let walked = walk(&shop, sort, limit, Some(&mut number)).await;
                let slugs: Vec<String> = walked.iter().map(slug).collect();
                let once: BTreeSet<String> = slugs.iter().cloned().collect();
                assert_eq!(once.len(), slugs.len(), "{sort} by {limit} lists something twice: {slugs:?}");
                assert!(once.is_superset(&before), "{sort} by {limit} loses something: {slugs:?}");
                assert!(walked.is_sorted_by(|one, next| follows(sort, one, next)), "{sort} by {limit}: {slugs:?}");
            }
        }
        shop.close().await;
    }

    async fn a_page_has_1_to_100_rows(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        futures::future::join_all((0..105).map(async |number| {
            let mut number = number;
            offer(&shop, &mut number).await;
        }))
        .await;
        for (limit, rows) in [("1", 1), ("99", 99), ("100", 100), ("101", 100), ("4294967295", 100), ("0", 1)] {
            let page = ask(&shop, &format!("/api/products?limit={limit}")).await;
            assert_eq!(page.expect(StatusCode::OK)["items"].as_array().unwrap().len(), rows, "limit={limit}");
        }
        let page = ask(&shop, "/api/products").await;
        assert_eq!(page.expect(StatusCode::OK)["items"].as_array().unwrap().len(), 20);
        shop.close().await;
    }

    async fn every_order_is_listed_once_while_others_come(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, None).await;
        let mut before = Vec::new();
        for _ in 0..9 {
            before.push(shop.guest().buy(&product, 1).await.id);
        }
        before.reverse();
        let mut walked = Vec::new();
        let mut after = String::new();
        loop {
            let page = ask(&shop, &format!("/api/orders/list?limit=2{after}")).await;
            let page = page.expect(StatusCode::OK);
            walked.extend(page["items"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()));
            let Some(mark) = page["next"].as_str() else { break };
            after = format!("&after={mark}");
            shop.guest().buy(&product, 1).await;
        }
        assert_eq!(walked, before, "the newest first, and what came meanwhile is before the first page");
        shop.close().await;
    }

    async fn a_mark_of_another_list_is_refused(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, None).await;
        shop.product("pluie", 1990, None).await;
        for _ in 0..2 {
            shop.guest().buy(&product, 1).await;
        }
        let of_products = ask(&shop, "/api/products?limit=1").await.expect(StatusCode::OK)["next"].clone();
        let of_orders = ask(&shop, "/api/orders/list?limit=1").await.expect(StatusCode::OK)["next"].clone();
        let (of_products, of_orders) = (of_products.as_str().unwrap(), of_orders.as_str().unwrap());
        for sort in SORTS {
            for mark in [of_orders, "nope", "", "00", "7b7d", "6e756c6c"] {
                let answer = ask(&shop, &format!("/api/products?sort={sort}&after={mark}")).await;
                answer.expect_problem(StatusCode::BAD_REQUEST, "cursor-invalid");
            }
        }
        for mark in [of_products, "nope", "", "00", "7b7d", "6e756c6c"] {
            let answer = ask(&shop, &format!("/api/orders/list?after={mark}")).await;
            answer.expect_problem(StatusCode::BAD_REQUEST, "cursor-invalid");
        }
        shop.close().await;
    }

    async fn filters_leave_what_they_say(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let mut number = 0;
        for _ in 0..12 {
            offer(&shop, &mut number).await;
        }
        shop.product("epuise", 300, Some(0)).await;
        shop.product("reste", 300, Some(2)).await;
        let all = walk(&shop, "newest", 100, None).await;
        assert_eq!(all.len(), 14);
        let price = |row: &Value| row["price"]["amount"].as_i64().unwrap();
        let has_tag = |row: &Value, tag: &str| row["tags"].as_array().unwrap().contains(&json!(tag));
        let rules: [(&str, Rule<'_>); 11] = [
            ("category=tirages", &|row| row["category"] == "tirages"),
            ("category=rien", &|_| false),
            ("kind=service", &|row| row["kind"] == "service"),
            ("kind=physical", &|row| row["kind"] == "physical"),
            ("tag=pair", &|row| has_tag(row, "pair")),
            ("tag=trois", &|row| has_tag(row, "trois")),
            ("tag=pai", &|_| false),
            ("price_min=300", &|row| price(row) >= 300),
            ("price_min=100&price_max=200", &|row| (100..=200).contains(&price(row))),
            ("price_min=200&price_max=100", &|_| false),
            ("in_stock=true", &|row| row["available"].as_i64().is_none_or(|available| available > 0)),
        ];
        for (filter, keeps) in rules {
            let page = ask(&shop, &format!("/api/products?limit=100&{filter}")).await;
            let listed: Vec<String> = page.expect(StatusCode::OK)["items"].as_array().unwrap().iter().map(slug).collect();
            let kept: Vec<String> = all.iter().filter(|row| keeps(row)).map(slug).collect();
            assert_eq!(listed, kept, "{filter}");
        }
        // A filter is a word of its kind. What is none is refused, and never a pattern.
        for filter in ["tag=%25", "tag=pa%25", "tag=_air", "tag=PAIR", "tag=", "category=%25", "category=Tirages", "category="] {
            let answer = ask(&shop, &format!("/api/products?{filter}")).await;
            answer.expect_problem(StatusCode::BAD_REQUEST, "query-invalid");
        }
        let (published, none) = ("/api/products?status=published", "/api/products?status=archived");
        assert_eq!(ask(&shop, published).await.expect(StatusCode::OK)["items"].as_array().unwrap().len(), 14);
        assert_eq!(ask(&shop, none).await.expect(StatusCode::OK)["items"], json!([]));
        shop.close().await;
    }
}

/// Reads the whole list, page by page; where `adds`, something is offered after each page.
async fn walk(shop: &Shop, sort: &str, limit: u32, mut adds: Option<&mut u32>) -> Vec<Value> {
    let (mut rows, mut after) = (Vec::new(), String::new());
    for _ in 0..200 {
        let page = ask(shop, &format!("/api/products?sort={sort}&limit={limit}{after}")).await;
        let page = page.expect(StatusCode::OK);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit as usize);
        rows.extend(items.iter().cloned());
        let Some(mark) = page["next"].as_str() else { return rows };
        assert_eq!(items.len(), limit as usize, "a page that is not the last is full");
        after = format!("&after={mark}");
        // Not after every page: what sorts behind the reader makes the list longer.
        if let Some(number) = adds.as_deref_mut()
            && rows.len() % 3 == 0
        {
            offer(shop, number).await;
        }
    }
    panic!("the list {sort} has no end");
}

/// Puts something up for sale: many have the same price, and names come in no order.
async fn offer(shop: &Shop, number: &mut u32) {
    let one = *number;
    *number += 1;
    let kind = if one.is_multiple_of(2) { "digital" } else { "service" };
    let tags: Vec<&str> = [("pair", one.is_multiple_of(2)), ("trois", one.is_multiple_of(3))]
        .into_iter()
        .filter(|tag| tag.1)
        .map(|tag| tag.0)
        .collect();
    let category = if one.is_multiple_of(4) { "tirages" } else { "ateliers" };
    let name = format!("{} {}", ["Été", "azur", "Zèbre", "brume", "Ébène"][one as usize % 5], one * 7 % 11);
    let body = json!({
        "slug": format!("produit-{one}"), "kind": kind, "category": category, "vat_rate": 2000, "tags": tags,
        "name": {"fr": name}, "description": {"fr": "Un produit."}, "price": eur(i64::from(one % 4) * 100),
    });
    let drafted = Answer::of(shop.staff(Method::POST, "/api/products").json(&body)).await;
    let id = drafted.expect(StatusCode::CREATED)["id"].as_str().unwrap().to_owned();
    let published = shop.staff(Method::POST, &format!("/api/products/{id}/publish"));
    Answer::of(published).await.expect(StatusCode::OK);
}

fn slug(row: &Value) -> String {
    row["slug"].as_str().unwrap().to_owned()
}

/// Whether `next` may come after `one`: ids of products are made in the order of time.
fn follows(sort: &str, one: &Value, next: &Value) -> bool {
    let key =
        |row: &Value| (row["price"]["amount"].as_i64().unwrap(), row["name"]["fr"].as_str().unwrap().to_lowercase());
    match sort {
        "newest" => one["id"].as_str() > next["id"].as_str(),
        "price" => key(one).0 <= key(next).0,
        "price_desc" => key(one).0 >= key(next).0,
        _ => key(one).1 <= key(next).1,
    }
}

/// As the staff, who sees all, and after everything that was done.
async fn ask(shop: &Shop, path: &str) -> Answer {
    Answer::of(shop.staff(Method::GET, path).header("webox-position", shop.head().0)).await
}

//! Pages: every order is total, and a reader who turns them sees everything once, whatever comes in meanwhile.

use super::*;

const SORTS: [&str; 5] = ["relevance", "price_up", "price_down", "newest", "name"];
const QUERIES: [&str; 4] = ["", "affiche", "afiche", "affiche licorne bleue"];

/// Puts something up for sale: many are alike.
async fn one(shop: &Shop, number: usize) {
    let name = ["Affiche Été", "Zèbre bleu", "affiche azur", "Ébène", "Affiche 9", "Affiche 10"][number % 6];
    let mut body = described(&format!("produit-{number}"), name);
    body["kind"] = json!("digital");
    body["price"] = eur([500, 900, 500, 1900][number % 4]);
    offer(shop, &body).await;
}

async fn walk(shop: &Shop, body: &Value, limit: usize, mut after_each: impl AsyncFnMut()) -> Vec<String> {
    let mut body = body.clone();
    body["limit"] = json!(limit);
    let mut walked = Vec::new();
    for _ in 0..200 {
        let page = search(shop, body.clone()).await;
        let slugs = slugs(&page);
        assert!(slugs.len() <= limit);
        walked.extend(slugs);
        let Some(mark) = page["next"].as_str() else { return walked };
        body["after"] = json!(mark);
        after_each().await;
    }
    panic!("{body} has no end");
}

on_both! {
    async fn pages_are_the_whole_list_in_pieces(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        for number in 0..23 {
            one(&shop, number).await;
        }
        for sort in SORTS {
            for query in QUERIES {
                let body = json!({"sort": sort, "query": query});
                let whole = walk(&shop, &body, 100, async || ()).await;
                assert!(whole.len() >= 12, "{body} finds {}", whole.len());
                for limit in [1, 4, 7] {
                    assert_eq!(walk(&shop, &body, limit, async || ()).await, whole, "{body} by {limit}");
                }
                assert_eq!(search(&shop, body).await["total"], whole.len());
            }
        }
        let prices = async |sort: &str| -> Vec<i64> {
            let found = search(&shop, json!({"sort": sort, "limit": 100})).await;
            found["items"].as_array().unwrap().iter().map(|item| item["price"]["amount"].as_i64().unwrap()).collect()
        };
        assert!(prices("price_up").await.is_sorted());
        assert!(prices("price_down").await.is_sorted_by(|one, next| one >= next));
        let newest: Vec<String> = (0..23).rev().map(|number| format!("produit-{number}")).collect();
        assert_eq!(slugs(&search(&shop, json!({"sort": "newest", "limit": 100})).await), newest);
        assert_eq!(slugs(&search(&shop, json!({"limit": 100})).await), newest, "without words, the newest are the best");
        let named = search(&shop, json!({"sort": "name", "limit": 100})).await;
        let mut names: Vec<&str> = named["items"].as_array().unwrap().iter().map(|item| item["name"]["fr"].as_str().unwrap()).collect();
        names.dedup();
        assert_eq!(names, ["Affiche 9", "Affiche 10", "affiche azur", "Affiche Été", "Ébène", "Zèbre bleu"]);
        shop.close().await;
    }

    async fn nothing_is_shown_twice_or_left_out_while_others_come(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let mut number = 0;
        while number < 12 {
            one(&shop, number).await;
            number += 1;
        }
        for sort in SORTS {
            for query in ["", "affiche"] {
                let body = json!({"sort": sort, "query": query});
                let before = walk(&shop, &body, 100, async || ()).await;
                let mut pages = 0;
                let walked = walk(&shop, &body, 3, async || {
                    pages += 1;
                    if pages <= 3 {
                        one(&shop, number).await;
                        number += 1;
                    }
                })
                .await;
                let mut once = walked.clone();
                once.sort_unstable();
                once.dedup();
                assert_eq!(once.len(), walked.len(), "{body} shows something twice: {walked:?}");
                assert!(before.iter().all(|slug| walked.contains(slug)), "{body} leaves something out: {walked:?}");
            }
        }
        shop.close().await;
    }

    async fn a_mark_of_another_order_is_refused(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        for number in 0..3 {
            one(&shop, number).await;
        }
        let list = Answer::of(shop.request(Method::GET, "/api/products?limit=1")).await;
        let mut marks = vec![("a list", list.expect(StatusCode::OK)["next"].as_str().unwrap().to_owned())];
        for sort in SORTS {
            let page = search(&shop, json!({"sort": sort, "query": "affiche", "limit": 1})).await;
            marks.push((sort, page["next"].as_str().unwrap().to_owned()));
        }
        for mark in ["nope", "", "00", "7b7d", "6e756c6c", "5b5d", "é"] {
            marks.push(("nowhere", mark.to_owned()));
        }
        for sort in SORTS {
            for (from, mark) in marks.iter().filter(|(from, _)| *from != sort) {
                let answer = ask(&shop, &json!({"sort": sort, "query": "affiche", "after": mark})).await;
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{sort} goes on from {from}: {}", answer.body);
                answer.expect_problem(StatusCode::BAD_REQUEST, "cursor-invalid");
            }
        }
        shop.close().await;
    }
}

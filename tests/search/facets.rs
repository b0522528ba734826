//! Choices are counted exactly: against a count by hand, over filters that are drawn at random.

use std::collections::BTreeMap;

use proptest::{
    prelude::{Strategy as _, any},
    sample::{Index, subsequence},
    strategy::ValueTree as _,
    test_runner::TestRunner,
};

use super::*;

const CATEGORIES: [&str; 3] = ["tirages", "livres", "ebooks"];
const TAGS: [&str; 4] = ["mer", "nuit", "bois", "papier"];
const KINDS: [&str; 4] = ["physical", "digital", "service", "credits"];
const NAMES: [&str; 3] = ["Affiche", "Carnet", "Coffret"];
const RANGES: [i64; 6] = [0, 1_000, 2_500, 5_000, 10_000, 25_000];
const PRODUCTS: usize = 48;
const SEARCHES: usize = 150;

/// A shop of products that differ in everything.
async fn stocked(backend: Backend) -> Shop {
    let shop = Shop::open(backend).await;
    let numbers: Vec<usize> = (0..PRODUCTS).collect();
    for some in numbers.chunks(8) {
        join_all(some.iter().map(|number| product(&shop, *number))).await;
    }
    shop
}

async fn product(shop: &Shop, number: usize) {
    let name = format!("{} {}", NAMES[number % 3], ["bleu", "rouge"][number / 3 % 2]);
    let mut body = described(&format!("produit-{number}"), &name);
    let tags: Vec<&str> =
        TAGS.into_iter().enumerate().filter(|(at, _)| number >> at & 1 == 1).map(|(_, tag)| tag).collect();
    body["tags"] = json!(tags);
    body["category"] = json!(CATEGORIES[number * 7 % 5 % 3]);
    body["kind"] = json!(KINDS[number * 5 % 4]);
    body["price"] = eur(i64::try_from(number * number % 37 * 900).unwrap());
    let id = offer(shop, &body).await;
    if body["kind"] == "physical" && number.is_multiple_of(3) {
        send(shop, Method::POST, &id, "/stock", &json!({"change": 2})).await;
    }
}

/// What the filter of one group lets through.
fn passes(group: &str, body: &Value, item: &Value) -> bool {
    let any_of = |wanted: &Value, has: &dyn Fn(&Value) -> bool| {
        wanted.as_array().is_none_or(|wanted| wanted.is_empty() || wanted.iter().any(has))
    };
    match group {
        "category" => any_of(&body["category"], &|one| item["category"] == *one),
        "tags" => any_of(&body["tags"], &|one| item["tags"].as_array().unwrap().contains(one)),
        "kind" => any_of(&body["kind"], &|one| item["kind"] == *one),
        "in_stock" => body["in_stock"] != true || is_there(item),
        _ => {
            let price = item["price"]["amount"].as_i64().unwrap();
            body["price_min"].as_i64().is_none_or(|min| price >= min)
                && body["price_max"].as_i64().is_none_or(|max| price <= max)
        }
    }
}

fn is_there(item: &Value) -> bool {
    item["available"].as_i64().is_none_or(|available| available > 0)
}

const GROUPS: [&str; 5] = ["category", "tags", "kind", "in_stock", "price"];

/// The facets, counted by hand.
fn counted(body: &Value, all: &[Value]) -> Value {
    let but = |group: &str| -> Vec<&Value> {
        let passes = |item: &&Value| GROUPS.iter().all(|other| *other == group || passes(other, body, item));
        all.iter().filter(passes).collect()
    };
    let words = |group: &str| {
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for item in but(group) {
            let words = item[group].as_array().cloned().unwrap_or_else(|| vec![item[group].clone()]);
            for word in words {
                *counts.entry(word.as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
        for asked in body[group].as_array().into_iter().flatten() {
            counts.entry(asked.as_str().unwrap().to_owned()).or_default();
        }
        json!(counts)
    };
    let prices: Vec<i64> = but("price").iter().map(|item| item["price"]["amount"].as_i64().unwrap()).collect();
    let ranges = RANGES.iter().enumerate().filter_map(|(at, min)| {
        let max = RANGES.get(at + 1).map(|next| next - 1);
        let count = prices.iter().filter(|price| *price >= min && max.is_none_or(|max| **price <= max)).count();
        (count > 0).then(|| json!({"min": min, "max": max, "count": count}))
    });
    json!({
        "category": words("category"), "tags": words("tags"), "kind": words("kind"),
        "in_stock": but("in_stock").into_iter().filter(|item| is_there(item)).count(),
        "price": {"min": prices.iter().min(), "max": prices.iter().max(), "ranges": ranges.collect::<Vec<_>>()},
    })
}

/// The facets of an answer, without the order of their words.
fn told(facets: &Value) -> Value {
    let mut facets = facets.clone();
    for group in ["category", "tags", "kind"] {
        let words = facets[group].as_array().unwrap().iter();
        let counts: BTreeMap<&str, &Value> = words.map(|one| (one["value"].as_str().unwrap(), &one["count"])).collect();
        facets[group] = json!(counts);
    }
    facets
}

on_both! {
    async fn choices_are_counted_without_their_own_filter(backend: Backend) {
        let mut shop = stocked(backend).await;
        let mut runner = TestRunner::deterministic();
        let price = || proptest::option::of(0..34_000_i64);
        let filters = (
            subsequence(&CATEGORIES[..], 0..=2), subsequence(&TAGS[..], 0..=2), subsequence(&KINDS[..], 0..=2),
            price(), price(), any::<bool>(), any::<Index>(),
        );
        let (mut narrowed, mut empty) = (0, 0);
        for _ in 0..SEARCHES {
            let (category, tags, kind, min, max, in_stock, query) = filters.new_tree(&mut runner).unwrap().current();
            let (min, max) = if min.zip(max).is_some_and(|(min, max)| min > max) { (max, min) } else { (min, max) };
            let query = ["", "affiche", "carnets", "bleu", "cofret rouge", "affiche bleue"][query.index(6)];
            let text = search(&shop, json!({"query": query, "limit": 100})).await;
            let matching = text["items"].as_array().unwrap();
            let body = json!({
                "query": query, "category": category, "tags": tags, "kind": kind, "price_min": min, "price_max": max,
                "in_stock": in_stock, "limit": 100,
            });
            let found = search(&shop, body.clone()).await;
            assert_eq!(told(&found["facets"]), counted(&body, matching), "{body}");
            let kept = matching.iter().filter(|item| GROUPS.iter().all(|group| passes(group, &body, item)));
            let kept: Vec<&Value> = kept.collect();
            assert_eq!(found["items"], json!(kept), "{body}");
            assert_eq!(found["total"], kept.len());
            narrowed += usize::from(!kept.is_empty() && kept.len() < matching.len());
            empty += usize::from(kept.is_empty());
        }
        assert!(narrowed > 20 && empty > 5, "{narrowed} searches were narrowed, {empty} found nothing");
        shop.close().await;
    }

    async fn words_of_a_facet_come_by_their_counts(backend: Backend) {
        let mut shop = stocked(backend).await;
        let all = search(&shop, json!({"category": ["absent"]})).await;
        assert_eq!((&all["total"], &all["items"], &all["next"]), (&json!(0), &json!([]), &json!(null)));
        let categories = all["facets"]["category"].as_array().unwrap();
        assert_eq!(categories.last().unwrap(), &json!({"value": "absent", "count": 0}));
        let counts: Vec<u64> = categories.iter().map(|one| one["count"].as_u64().unwrap()).collect();
        assert!(counts.is_sorted_by(|one, next| one >= next), "{counts:?}");
        assert_eq!(counts.iter().sum::<u64>(), PRODUCTS as u64);
        assert_eq!(all["facets"]["tags"], json!([]));
        assert_eq!(all["facets"]["price"], json!({"min": null, "max": null, "ranges": []}));
        shop.close().await;
    }
}

//! Stories of promo codes: what they take off, for whom, how often, and who is told why not.

use futures::future::join_all;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tests::{
    on_both,
    shop::{Answer, Backend, Guest, Placed, Shop, eur, says},
};

mod amounts;
mod changes;
mod crowd;
mod lives;
mod people;
mod staff;
mod terms;

/// The titles people read.
const TITLES: [(&str, &str, &str); 9] = [
    ("promo-unknown", "Code promo inconnu", "Unknown promo code"),
    ("promo-inactive", "Ce code promo n’est pas actif", "This promo code is not active"),
    ("promo-not-started", "Ce code promo n’est pas encore valable", "This promo code cannot be used yet"),
    ("promo-ended", "Ce code promo n’est plus valable", "This promo code has ended"),
    ("promo-used-up", "Ce code promo est épuisé", "This promo code is used up"),
    ("promo-scope", "Ce code promo ne concerne aucun produit du panier", "This promo code is for nothing in the cart"),
    (
        "promo-minimum",
        "Le montant minimum de ce code promo n’est pas atteint",
        "The minimum amount of this promo code is not reached",
    ),
    ("promo-not-combinable", "Ces codes promo ne se cumulent pas", "These promo codes do not go together"),
    ("promo-first-order", "Ce code promo est réservé à une première commande", "This promo code is for a first order"),
];

/// What people read where a code does not go, in both languages.
fn titles(slug: &str) -> [(&'static str, &'static str); 2] {
    let (_, fr, en) = TITLES.into_iter().find(|(known, ..)| *known == slug).unwrap();
    [("fr", fr), ("en", en)]
}

/// A reason names its condition, in the reader's language, with what is the case.
#[track_caller]
fn says_why(reason: &Value, slug: &str, title: &str, present: &Value) {
    assert_eq!((&reason["slug"], &reason["title"]), (&json!(slug), &json!(title)), "{reason}");
    for (name, value) in present.as_object().unwrap() {
        assert_eq!(&reason[name], value, "{name} of {reason}");
    }
}

/// What a code would do for the cart of this guest.
async fn validate(guest: &Guest<'_>, code: &str) -> Value {
    let asked = guest.request(Method::POST, "/api/promo/validate").json(&json!({"code": code}));
    Answer::of(asked).await.expect(StatusCode::OK).clone()
}

/// What the staff is told a code would do for somebody.
async fn validate_for(shop: &Shop, code: &str, email: &str) -> Value {
    let asked = shop.staff(Method::POST, "/api/promo/validate").json(&json!({"code": code, "email": email}));
    Answer::of(asked).await.expect(StatusCode::OK).clone()
}

/// A code that is not in the cart does not go in, and the question says why, too. Nothing is stored.
async fn kept_out(shop: &Shop, guest: &mut Guest<'_>, code: &str, slug: &str, present: &Value) {
    guest.position = shop.head().0;
    let before = shop.head();
    let status = if slug == "promo-unknown" { StatusCode::NOT_FOUND } else { StatusCode::CONFLICT };
    for (language, title) in titles(slug) {
        let ask = |path: &str| {
            let request = guest.request(Method::POST, path).header("accept-language", language);
            // People write codes as they like.
            Answer::of(request.json(&json!({"code": format!(" {} ", code.to_lowercase())})))
        };
        says_why(ask("/api/cart/promo").await.expect_problem(status, slug), slug, title, present);
        let verdict = ask("/api/promo/validate").await.expect(StatusCode::OK).clone();
        assert_eq!((&verdict["code"], &verdict["valid"]), (&json!(code), &json!(false)), "{verdict}");
        assert_eq!((&verdict["discount"], &verdict["free_shipping"]), (&Value::Null, &Value::Null));
        says_why(&verdict["reason"], slug, title, present);
    }
    assert_eq!(shop.head(), before);
}

/// A code that is in the cart does not go any more: whoever is asked says why, and nothing is stored.
async fn turned_away(shop: &Shop, guest: &mut Guest<'_>, code: &str, slug: &str, present: &Value) {
    kept_out(shop, guest, code, slug, present).await;
    let before = shop.head();
    let body = guest.checkout_body().await;
    for (language, title) in titles(slug) {
        let speak = |request: RequestBuilder| request.header("accept-language", language);
        let cart = Answer::of(speak(guest.request(Method::GET, "/api/cart"))).await.expect(StatusCode::OK).clone();
        let held = held(&cart, code);
        assert_eq!((&held["discount"], &held["free_shipping"]), (&eur(0), &json!(false)));
        says_why(&held["reason"], slug, title, present);
        let refused = Answer::of(speak(guest.request(Method::POST, "/api/checkout").json(&body))).await;
        let problem = refused.expect_problem(StatusCode::CONFLICT, slug);
        says_why(problem, slug, title, present);
        assert_eq!(problem["code"], code);
    }
    assert_eq!(shop.head(), before);
}

/// A code that is in the cart goes, and takes this off: the question says so, and so does the cart.
async fn goes(shop: &Shop, guest: &mut Guest<'_>, code: &str, discount: i64) {
    guest.position = shop.head().0;
    let before = shop.head();
    let verdict = validate(guest, code).await;
    assert_eq!((&verdict["valid"], &verdict["discount"]), (&json!(true), &eur(discount)), "{verdict}");
    let cart = guest.show_cart().await;
    let held = held(&cart, code);
    assert_eq!((&held["discount"], &held["reason"]), (&eur(discount), &Value::Null), "{cart}");
    assert_eq!(shop.head(), before);
}

/// A code of a cart.
fn held<'cart>(cart: &'cart Value, code: &str) -> &'cart Value {
    cart["promos"].as_array().unwrap().iter().find(|promo| promo["code"] == code).unwrap()
}

/// 10 % off.
fn tenth() -> Value {
    json!({"reduction": {"basis_points": 1000}})
}

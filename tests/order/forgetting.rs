//! Stories of somebody who wants to be forgotten.

use std::fs;

use store::{Db, db::Durability, on_db};
use tests::{
    rows::{dump, rebuild},
    shop::Placed,
};
use uuid::Uuid;

use super::*;

/// Words that stand nowhere but in this person's contact.
const WORDS: [&str; 5] = ["zephyrine@quatremere.example", "Zephyrine", "Quatremere", "Acanthes", "Montbrizon"];

fn somebody() -> Value {
    json!({
        "email": "zephyrine@quatremere.example", "name": "Zephyrine Quatremere",
        "billing": {"street": "7 impasse des Acanthes", "postal_code": "42600", "city": "Montbrizon", "country": "FR"},
        "shipping": {"street": "8 impasse des Acanthes", "postal_code": "42600", "city": "Montbrizon", "country": "FR"},
    })
}

/// The files of the shop that hold these bytes anywhere.
fn places(shop: &Shop, bytes: &[u8]) -> Vec<String> {
    let files = fs::read_dir(&shop.config().data).expect("a folder").map(|file| file.expect("a file").path());
    files
        .filter(|path| fs::read(path).expect("a file").windows(bytes.len()).any(|window| window == bytes))
        .map(|path| path.display().to_string())
        .collect()
}

on_both! {
    async fn somebody_is_forgotten_and_the_shop_goes_on(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let before = shop.head();
        let mut guest = shop.guest();
        guest.add(&product, 1).await.expect(StatusCode::OK);
        let mut body = guest.checkout_body().await;
        body["contact"] = somebody();
        let placed = guest.send(guest.request(Method::POST, "/api/checkout").json(&body)).await;
        let order = Placed::of(placed.expect(StatusCode::CREATED));
        assert_eq!(guest.show(&order).await["contact"]["name"], "Zephyrine Quatremere");
        let neighbour = shop.guest().buy(&product, 1).await;

        let says = says(&shop.events_after(before).await[2]);
        let subject: Uuid = says["buyer"].as_str().expect("an id").parse().expect("an id");
        assert_eq!(says["contact"]["subject"], says["buyer"]);
        assert_eq!(shop.app.vault().forget(subject).await.expect("the vault forgets"), 1);
        shop.close().await;
        rebuild(shop.config()).await;

        let config = shop.config();
        for target in [config.views_target(), config.log_target(), config.vault_target()] {
            let rows = dump(&target.expect("a store")).await;
            for word in WORDS {
                assert!(!format!("{rows:?}").contains(word), "{word}: {rows:?}");
            }
        }
        for word in WORDS {
            assert_eq!(places(&shop, word.as_bytes()), [""; 0], "{word}");
        }

        shop.reopen().await;
        let path = format!("/api/orders/{}", order.id);
        let shown = Answer::of(shop.staff(Method::GET, &path)).await.expect(StatusCode::OK).clone();
        assert_eq!(shown.get("contact"), None);
        assert_eq!(shown["totals"]["total"], eur(1990));
        let list = Answer::of(shop.staff(Method::GET, "/api/orders/list")).await;
        let items = &list.expect(StatusCode::OK)["items"];
        assert_eq!((&items[0]["id"], &items[1]["id"]), (&json!(neighbour.id), &json!(order.id)));
        assert_eq!((items[0].get("contact").is_some(), items[1].get("contact")), (true, None));
        let history = Answer::of(shop.staff(Method::GET, &format!("{path}/history"))).await;
        let first = &history.expect(StatusCode::OK)["entries"][0];
        assert_eq!((&first["event"], first.get("contact")), (&json!("OrderPlaced"), None));
        assert!(first["payload"]["Placed"]["contact"]["text"].is_string());
        shop.until_printed().await;
        let audit = verify(shop.app.log(), |_| {}).await.expect("the log is read");
        assert_eq!((audit.events, audit.fault), (shop.head().0, None));

        let mut guest = shop.guest();
        let paid = guest.pay(&order, "sandbox_ok").await;
        assert_eq!(paid.expect(StatusCode::OK)["status"], "paid");

        // Somebody who comes back is a new acquaintance; what was forgotten stays so.
        guest.add(&product, 1).await.expect(StatusCode::OK);
        let mut body = guest.checkout_body().await;
        body["contact"] = somebody();
        let placed = guest.send(guest.request(Method::POST, "/api/checkout").json(&body)).await;
        let again = Placed::of(placed.expect(StatusCode::CREATED));
        assert_eq!(guest.show(&again).await["contact"]["name"], "Zephyrine Quatremere");
        assert_eq!(guest.show(&order).await.get("contact"), None);
        shop.close().await;
    }
}

/// PostgreSQL keeps what was deleted until it vacuums; a file is the shop's own to clean.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_key_is_nowhere_in_the_files() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    let product = shop.product("brume", 1990, Some(5)).await;
    let before = shop.head();
    shop.guest().buy(&product, 1).await;
    let says = says(&shop.events_after(before).await[2]);
    let subject: Uuid = says["buyer"].as_str().expect("an id").parse().expect("an id");
    shop.close().await;
    let target = shop.config().vault_target().expect("a store");
    let vault = Db::open(&target, Durability::Full).await.expect("the vault opens");
    let statement = "select key from keys where subject = $1";
    let key: Result<Vec<u8>, sqlx::Error> =
        on_db!(&vault, read, |pool| { sqlx::query_scalar(statement).bind(subject).fetch_one(pool).await });
    let key = key.expect("a key");
    vault.close().await;
    assert_eq!(places(&shop, &key).len(), 1);

    shop.reopen().await;
    assert_eq!(shop.app.vault().forget(subject).await.expect("the vault forgets"), 1);
    assert_eq!(places(&shop, &key), [""; 0]);
    shop.close().await;
    assert_eq!(places(&shop, &key), [""; 0]);
}

//! What is said of people is in the log only as long as their key is in the vault.

use domain::{Contact, Event, Sealed, order::OrderEvent};
use store::{
    StreamName,
    chain::unhex,
    vault::{Place, SealedBytes},
};
use uuid::Uuid;

use super::ground::{Ground, Stock, contact, later};

super::stories!(
    the_log_says_nothing_of_people,
    what_is_forgotten_stays_an_order,
    a_key_dropped_while_it_is_fetched_is_dropped,
);

async fn the_log_says_nothing_of_people(ground: Ground) {
    let shop = ground.open().await;
    let product = shop.product("affiche", 1250, Some(1)).await;
    let order = shop.order(product, 1250).await;
    for event in shop.events().await {
        let written = format!("{} {} {}", event.stream, event.payload, event.metadata);
        for word in ["ana.personne", "exemple.fr", "Ana", "Personne", "Lilas", "75011"] {
            assert!(!written.contains(word), "{word} is in {}", event.event_type);
        }
    }
    let stream = StreamName::new("order", order);
    let (subject, sealed) = sealed_contact(&shop, order).await;
    let place = Place { subject, stream: &stream, field: "contact" };
    let wanted = (subject, sealed.key);
    // Opened by another process, which remembers nothing.
    let vault = ground.vault().await;
    let keys = vault.existing_keys(&[wanted]).await.unwrap();
    let opened = keys[&wanted].open(place, &sealed).unwrap();
    let opened: Contact = serde_json::from_slice(&opened).unwrap();
    assert!(opened == contact("ana.personne@exemple.fr"));
    // It opens nowhere else.
    let elsewhere = StreamName::new("order", Uuid::nil());
    assert!(keys[&wanted].open(Place { stream: &elsewhere, ..place }, &sealed).is_err());
    assert!(keys[&wanted].open(Place { field: "billing", ..place }, &sealed).is_err());
    vault.close().await;
    shop.close().await;
}

async fn what_is_forgotten_stays_an_order(ground: Ground) {
    let shop = ground.open_alive().await;
    let product = shop.product("affiche", 1250, Some(2)).await;
    let (paid, expired) = (shop.order(product, 1250).await, shop.order(product, 1250).await);
    let (subject, sealed) = sealed_contact(&shop, paid).await;
    assert_eq!(shop.vault.forget(subject).await.unwrap(), 1);
    assert!(shop.vault.existing_keys(&[(subject, sealed.key)]).await.unwrap().is_empty());
    shop.prove().await;

    shop.pay(paid, "ok").await;
    shop.until_order(paid, "OrderPaid").await;
    ground.clock.turn(later(2));
    shop.until_order(expired, "OrderExpired").await;
    assert_eq!(shop.stock(product).await, Stock { on_hand: 1, held: 0 });

    // The same person may come back, under another key.
    let again = shop.order(product, 1250).await;
    let (same, new) = sealed_contact(&shop, again).await;
    assert_eq!(same, subject);
    assert_ne!(new.key, sealed.key);
    assert_eq!(shop.vault.existing_keys(&[(subject, new.key)]).await.unwrap().len(), 1);
    shop.prove().await;
    shop.close().await;
}

async fn a_key_dropped_while_it_is_fetched_is_dropped(ground: Ground) {
    let (vault, other) = (ground.vault().await, ground.vault().await);
    let stream = StreamName::new("order", 1);
    for _ in 0..100 {
        let subject = Uuid::now_v7();
        let place = Place { subject, stream: &stream, field: "contact" };
        let (one, forgotten, two) = tokio::join!(vault.key_of(subject), vault.forget(subject), vault.key_of(subject));
        forgotten.unwrap();
        for key in [one.unwrap(), two.unwrap()] {
            let wanted = (subject, key.seal(place, b"Ana").unwrap().key);
            let here = vault.existing_keys(&[wanted]).await.unwrap().len();
            let stored = other.existing_keys(&[wanted]).await.unwrap().len();
            assert_eq!(here, stored, "what is dropped is remembered, or the other way round");
        }
    }
    vault.close().await;
    other.close().await;
}

async fn sealed_contact(shop: &super::ground::Shop, order: domain::OrderId) -> (Uuid, SealedBytes) {
    let Event::Order(OrderEvent::Placed { contact: Sealed::Cipher(cipher), buyer, .. }) =
        shop.story("order", order).await.swap_remove(0)
    else {
        panic!("an order is placed first, with a sealed contact")
    };
    assert_eq!(cipher.subject, buyer.into());
    let nonce = unhex(&cipher.nonce).unwrap().try_into().unwrap();
    let text = unhex(&cipher.text).unwrap();
    (cipher.subject.0, SealedBytes { key: cipher.key, nonce, text })
}

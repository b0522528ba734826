//! Products: drafted with a slug of their own, counted one change at a time.

use commands::{CommandError, product::DraftError};
use domain::{
    BusinessDate, Event, Money, Slug,
    product::{Kind, ProductEvent},
    reservation::{ReservationEvent, of_slug},
};
use tokio::task::JoinSet;

use super::ground::{Ground, Stock, decoded, new_product, staff};

super::stories!(
    a_draft_claims_its_slug_in_the_same_append,
    one_of_many_drafts_gets_the_slug,
    everybody_who_counts_one_product_is_counted,
);

async fn a_draft_claims_its_slug_in_the_same_append(ground: Ground) {
    let shop = ground.open().await;
    let new = new_product("affiche", Kind::Physical, 1250);
    let done = shop.commands.products.draft(&staff(), new.clone()).await.unwrap();
    let events = shop.events().await;
    let told: Vec<(&str, &str, u64)> =
        events.iter().map(|event| (event.stream.kind(), &*event.event_type, event.version)).collect();
    assert_eq!(told, [("product", "ProductDrafted", 1), ("reservation", "ReservationClaimed", 1)]);
    assert!(events.iter().all(|event| event.transaction_end == done.position));
    assert_eq!(events[1].stream.id(), of_slug(&new.slug));
    assert_eq!(
        events.iter().map(decoded).collect::<Vec<_>>(),
        [
            Event::Product(ProductEvent::Drafted {
                slug: new.slug,
                kind: Kind::Physical,
                description: new.description,
                price: Money::eur(1250),
                vat_rate: new.vat_rate,
                on: BusinessDate::from_ymd_opt(2026, 5, 4).unwrap(),
            }),
            Event::Reservation(ReservationEvent::Claimed { owner: done.value.0 }),
        ]
    );
    shop.close().await;
}

async fn one_of_many_drafts_gets_the_slug(ground: Ground) {
    let shop = ground.open().await;
    let mut drafts = JoinSet::new();
    for _ in 0..32 {
        let products = shop.commands.products.clone();
        drafts.spawn(async move { products.draft(&staff(), new_product("affiche", Kind::Physical, 1250)).await });
    }
    let (won, lost): (Vec<_>, Vec<_>) = drafts.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 31));
    for lost in lost {
        assert!(matches!(lost, Err(CommandError::Refused(DraftError::SlugTaken))), "{lost:?}");
    }
    let winner = won.into_iter().next().unwrap().unwrap().value;
    assert_eq!(shop.events().await.len(), 2, "nothing of the losers is in the log");
    assert_eq!(shop.names("product", winner).await, ["ProductDrafted"]);
    let slug = of_slug(&Slug::parse("affiche").unwrap());
    assert_eq!(
        shop.story("reservation", slug).await,
        [Event::Reservation(ReservationEvent::Claimed { owner: winner.0 })]
    );
    shop.close().await;
}

async fn everybody_who_counts_one_product_is_counted(ground: Ground) {
    let shop = ground.open().await;
    let product = shop.product("affiche", 1250, Some(1)).await;
    let mut changes = JoinSet::new();
    for _ in 0..64 {
        let products = shop.commands.products.clone();
        changes.spawn(async move {
            for _ in 0..4 {
                products.adjust_stock(&staff(), product, 1).await.unwrap();
            }
        });
    }
    changes.join_all().await;
    assert_eq!(shop.stock(product).await, Stock { on_hand: 257, held: 0 });
    let stream = store::StreamName::new("product", product);
    let events = shop.log.read_stream(&stream, 0, 1_000).await.unwrap();
    let versions: Vec<u64> = events.iter().map(|event| event.version).collect();
    assert_eq!(versions, (1..=259).collect::<Vec<u64>>());
    let counts = events.iter().filter_map(|event| match decoded(event) {
        Event::Product(ProductEvent::StockAdjusted { on_hand, .. }) => Some(on_hand),
        _ => None,
    });
    assert_eq!(counts.collect::<Vec<_>>(), (1..=257).collect::<Vec<i64>>());
    shop.close().await;
}

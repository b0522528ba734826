//! Many at once want what is left of a code.

use chrono::TimeDelta;

use super::*;

/// `count` guests with a product and the code in their carts, and the body of the checkout of each.
async fn crowd<'shop>(shop: &'shop Shop, count: usize, code: &str, same: bool) -> Vec<(Guest<'shop>, Value)> {
    let product = shop.product("affluence", 2000, Some(1000)).await;
    let guests = (0..count).map(|number| {
        let (product, mut guest) = (&product, shop.guest());
        async move {
            guest.add(product, 1).await.expect(StatusCode::OK);
            guest.apply(code).await.expect(StatusCode::OK);
            let email = match (same, number % 2) {
                (true, 0) => "ana@example.fr".to_owned(),
                (true, _) => "ANA@example.fr".to_owned(),
                (false, _) => format!("guest-{number}@example.fr"),
            };
            let body = guest.checkout_body_of(&email).await;
            (guest, body)
        }
    });
    join_all(guests).await
}

/// All check out at once: how many won, and everybody else was told this.
async fn rush(crowd: &mut [(Guest<'_>, Value)], slug: &str) -> usize {
    let answers = join_all(crowd.iter_mut().map(|(guest, body)| guest.place(body))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == StatusCode::CREATED);
    for answer in lost {
        answer.expect_problem(StatusCode::CONFLICT, slug);
    }
    won.len()
}

on_both! {
    async fn fifty_want_the_last_use_and_one_gets_it(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let mut terms = tenth();
        terms["limit"] = json!(1);
        shop.promo("DERNIER", terms).await;
        let mut all = crowd(&shop, 50, "DERNIER", false).await;
        let before = shop.head();
        assert_eq!(rush(&mut all, "promo-used-up").await, 1);
        let types = ["CartCheckedOut", "OrderPlaced", "ProductStockReserved", "PromoReserved", "BuyerOrdered"];
        assert_eq!(shop.types_after(before).await, types);
        assert_eq!(says(&shop.events_after(before).await[3])["left"], 0);

        // Nobody pays: it can be used again, once.
        let before = shop.head();
        shop.turn(TimeDelta::minutes(31));
        shop.wait_for("BuyerReleased", before).await;
        let types = ["OrderExpired", "ProductStockReleased", "PromoReleased", "BuyerReleased"];
        assert_eq!(shop.types_after(before).await, types);
        let mut losers = Vec::new();
        for (mut guest, body) in all {
            guest.position = shop.head().0;
            if guest.show_cart().await["state"] == "open" {
                losers.push((guest, body));
            }
        }
        assert_eq!(losers.len(), 49);
        assert_eq!(rush(&mut losers, "promo-used-up").await, 1);
        shop.close().await;
    }

    async fn fifty_want_twenty_five_uses_and_all_of_them_go(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let mut terms = tenth();
        terms["limit"] = json!(25);
        shop.promo("MOITIE", terms).await;
        let mut all = crowd(&shop, 50, "MOITIE", false).await;
        let before = shop.head();
        assert_eq!(rush(&mut all, "promo-used-up").await, 25);
        let types = shop.types_after(before).await;
        assert_eq!(types.len(), 125);
        let usage = shop.usage("MOITIE").await;
        assert_eq!((&usage["reserved"], &usage["left"], &usage["discount"]), (&json!(25), &json!(0), &eur(5000)));
        let left: Vec<_> = shop.events_after(before).await.iter().filter(|event| event.event_type == "PromoReserved")
            .map(|event| says(event)["left"].as_u64().unwrap()).collect();
        assert_eq!(left, (0..25).rev().collect::<Vec<_>>());
        shop.close().await;
    }

    async fn one_person_in_twenty_tabs_has_one_first_order(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let mut terms = tenth();
        terms["first_order_only"] = json!(true);
        shop.promo("PREMIERE", terms).await;
        let mut all = crowd(&shop, 20, "PREMIERE", true).await;
        let before = shop.head();
        assert_eq!(rush(&mut all, "promo-first-order").await, 1);
        let types = ["CartCheckedOut", "OrderPlaced", "ProductStockReserved", "PromoReserved", "BuyerOrdered"];
        assert_eq!(shop.types_after(before).await, types);
        shop.close().await;
    }
}

//! A rebuild that meets an event it cannot read.

use super::*;

on_both! {
    async fn what_cannot_be_folded_does_not_take_over(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let order = shop.guest().buy(&product, 1).await;
        let before = shop.head();
        let placed = shop.app.log().read_stream(&StreamName::parse(&format!("order-{}", order.id)).unwrap(), 0, 1).await;
        let placed = placed.unwrap().remove(0);
        let poison = Append {
            stream: placed.stream.clone(),
            expected: Expected::Exact(1),
            events: vec![event("OrderForgotten", "\"Cancelled\"")],
        };
        append(&shop, vec![poison], &placed).await;
        let poison = before.0 + 1;
        for _ in 0..200 {
            if view(&shop, "orders").await["state"] == "halted" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let halted = view(&shop, "orders").await;
        assert_eq!((&halted["state"], &halted["halted_at"]), (&json!("halted"), &json!(poison)));

        for _ in 0..2 {
            command(&shop, "orders", "rebuild").await.expect(StatusCode::ACCEPTED);
            let ended = end_of_rebuild(&shop, "orders").await;
            assert_eq!((&ended["state"], &ended["halted_at"]), (&json!("halted"), &json!(poison)));
            assert!(ended["error"].as_str().is_some_and(|error| error.contains("OrderForgotten")), "{ended}");
            assert_eq!(view(&shop, "orders").await["table"], halted["table"]);
            assert_eq!(tables(shop.config(), "orders").await.len(), 1, "what was half made is gone");
        }
        // What can be shown is still shown.
        let path = format!("/api/orders/{}", order.id);
        let shown = Answer::of(shop.staff(Method::GET, &path)).await;
        assert_eq!(shown.expect(StatusCode::OK)["status"], "awaiting_payment");
        command(&shop, "orders", "rollback").await.expect_problem(StatusCode::CONFLICT, "rollback-nothing-kept");

        // As if a program came that knows the event.
        let log = Db::open(&shop.config().log_target().unwrap(), Durability::Full).await.unwrap();
        execute(&log, &format!("update events set event_type = 'OrderCancelled' where position = {poison}")).await;
        rebuilt(&shop, "orders").await;
        let healed = view(&shop, "orders").await;
        assert_ne!(healed["table"], halted["table"]);
        let next = shop.product("autre", 100, None).await;
        let late = shop.guest().buy(&next, 1).await;
        assert_eq!(shop.guest().show(&late).await["status"], "awaiting_payment");
        assert_eq!(view(&shop, "orders").await["state"], "following");
        let shown = Answer::of(shop.staff(Method::GET, &path)).await;
        assert_eq!(shown.expect(StatusCode::OK)["status"], "cancelled");
        log.close().await;
        shop.close().await;
    }

    async fn what_is_set_aside_belongs_to_its_table(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let before = shop.head();
        shop.guest().add(&product, 1).await.expect(StatusCode::OK);
        let added = shop.wait_for("CartItemAdded", before).await;
        let poison = |number: u128| Append {
            stream: StreamName::new("cart", Uuid::from_u128(number)),
            expected: Expected::NoStream,
            events: vec![event("CartForgotten", "{}")],
        };
        append(&shop, vec![poison(1), poison(2)], &added).await;
        shop.guest().add(&product, 1).await.expect(StatusCode::OK);
        shop.app.views().carts.wait(shop.head()).await.unwrap();
        let set_aside = view(&shop, "carts").await["set_aside"].clone();
        for what in ["rebuild", "rollback", "rebuild", "rebuild"] {
            command(&shop, "carts", what).await.expect(StatusCode::ACCEPTED);
            let ended = end_of_rebuild(&shop, "carts").await;
            assert_eq!(ended["state"], "flipped");
            let again = if what == "rebuild" { set_aside.clone() } else { json!(0) };
            assert_eq!(ended["set_aside"], again, "{what}");
            let now = view(&shop, "carts").await;
            assert_eq!((&now["set_aside"], &now["state"]), (&set_aside, &json!("following")), "{what}");
        }
        assert_eq!(set_aside, 2);
        shop.close().await;
        shop.reopen().await;
        assert_eq!(view(&shop, "carts").await["set_aside"], set_aside);
        shop.close().await;
    }
}

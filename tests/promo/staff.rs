//! What the staff does with codes, and nobody else.

use super::*;

on_both! {
    async fn the_staff_makes_changes_and_reads_codes(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 2000, Some(9)).await;
        let before = shop.head();
        let terms = json!({
            "label": {"fr": "Rentrée", "en": "Back to school"}, "reduction": {"basis_points": 1500},
            "free_shipping": true, "minimum": eur(2000), "starts_at": "2026-11-01T00:00:00Z",
            "ends_at": "2026-12-01T00:00:00Z", "limit": 100, "limit_per_customer": 2, "first_order_only": true,
            "scope": {"products": [product], "categories": ["tirages"]}, "priority": 7, "exclusive": true,
        });
        let made = shop.promo("rentree15", terms.clone()).await;
        assert_eq!(made.headers["location"], "/api/promo/RENTREE15");
        assert_eq!(made.body["position"], before.0 + 1);
        assert_eq!(shop.types_after(before).await, ["PromoIssued"]);
        let show = async || {
            let asked = shop.staff(Method::GET, "/api/promo/rentree15").header("webox-position", shop.head().0);
            Answer::of(asked).await.expect(StatusCode::OK).clone()
        };
        let mut expected = terms.clone();
        for (name, value) in [
            ("code", json!("RENTREE15")), ("status", json!("active")), ("reserved", json!(0)), ("used", json!(0)),
            ("left", json!(100)), ("discount", eur(0)),
        ] {
            expected[name] = value;
        }
        assert_eq!(show().await, expected);

        let before = shop.head();
        let again = json!({"code": "Rentree15", "free_shipping": true});
        Answer::of(shop.staff(Method::POST, "/api/promo/create").json(&again)).await.expect_problem(StatusCode::CONFLICT, "promo-exists");
        // What is absent stays; nothing changes, nothing is written.
        shop.amend("RENTREE15", json!({})).await;
        shop.amend("RENTREE15", json!({"priority": 7})).await;
        assert_eq!(shop.head(), before);
        shop.amend("RENTREE15", json!({"priority": 8, "exclusive": false})).await;
        expected["priority"] = json!(8);
        expected["exclusive"] = json!(false);
        assert_eq!(show().await, expected);
        // What is null is taken away.
        shop.amend("RENTREE15", json!({
            "label": null, "reduction": null, "minimum": null, "starts_at": null, "ends_at": null, "limit": null,
            "limit_per_customer": null, "scope": {}, "first_order_only": false,
        })).await;
        assert_eq!(shop.types_after(before).await, ["PromoAmended", "PromoAmended"]);
        assert_eq!(
            show().await,
            json!({
                "code": "RENTREE15", "status": "active", "free_shipping": true, "first_order_only": false,
                "scope": {"products": [], "categories": []}, "priority": 8, "exclusive": false, "reserved": 0,
                "used": 0, "discount": eur(0),
            })
        );
        for (change, status) in [
            (json!({"starts_at": "2026-11-23T00:00:00Z"}), "scheduled"),
            (json!({"starts_at": null, "ends_at": "2026-11-22T09:00:00Z"}), "ended"),
            (json!({"active": false}), "inactive"),
            (json!({"active": true, "ends_at": null}), "active"),
        ] {
            shop.amend("RENTREE15", change).await;
            assert_eq!(show().await["status"], status);
        }
        for (method, path) in
            [(Method::GET, ""), (Method::PATCH, ""), (Method::POST, "/deactivate"), (Method::GET, "/usage")]
        {
            let absent = shop.staff(method.clone(), &format!("/api/promo/NOBODY{path}"));
            let absent = if method == Method::PATCH { absent.json(&json!({"priority": 1})) } else { absent };
            let answer = Answer::of(absent).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}: {}", answer.body);
        }
        shop.close().await;
    }

    async fn every_field_that_is_wrong_is_named(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        shop.promo("JUSTE", tenth()).await;
        let before = shop.head();
        for (change, field) in [
            (json!({"reduction": {"basis_points": 0}}), "reduction.basis_points"),
            (json!({"reduction": {"basis_points": 10_001}}), "reduction.basis_points"),
            (json!({"reduction": {"basis_points": -1}}), "reduction.basis_points"),
            (json!({"reduction": {"amount": eur(0)}}), "reduction.amount"),
            (json!({"reduction": {"amount": eur(-1)}}), "reduction.amount"),
            (json!({"reduction": {}}), "reduction"),
            (json!({"reduction": {"basis_points": 1, "amount": eur(1)}}), "reduction"),
            (json!({"limit": 0}), "limit"),
            (json!({"limit": -1}), "limit"),
            (json!({"limit": 4_294_967_296_i64}), "limit"),
            (json!({"limit_per_customer": 0}), "limit_per_customer"),
            (json!({"minimum": eur(-1)}), "minimum"),
            (json!({"label": {"fr": ""}}), "label.fr"),
            (json!({"label": {"fr": "Oui", "en": "\n"}}), "label.en"),
            (json!({"scope": {"categories": ["Pas Bon"]}}), "scope.categories[0]"),
        ] {
            let mut whole = json!({"code": "FAUX", "free_shipping": true});
            whole.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let create = shop.staff(Method::POST, "/api/promo/create").json(&whole);
            let amend = shop.staff(Method::PATCH, "/api/promo/JUSTE").json(&change);
            for request in [create, amend] {
                let answer = Answer::of(request).await;
                let problem = answer.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "body-invalid");
                assert_eq!(problem["errors"][0]["field"], field, "{change}: {problem}");
            }
        }
        for body in [json!({"code": "A", "free_shipping": true}), json!({"code": "", "free_shipping": true})] {
            let answer = Answer::of(shop.staff(Method::POST, "/api/promo/create").json(&body)).await;
            let problem = answer.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "body-invalid");
            assert_eq!(problem["errors"][0]["field"], "code");
        }
        let scope: Vec<String> = (0..101).map(|number| format!("c-{number}")).collect();
        for terms in [
            json!({}),
            json!({"free_shipping": true, "starts_at": "2026-11-22T00:00:00Z", "ends_at": "2026-11-22T00:00:00Z"}),
            json!({"free_shipping": true, "scope": {"categories": scope}}),
        ] {
            let mut body = terms.clone();
            body["code"] = json!("FAUX");
            let answer = Answer::of(shop.staff(Method::POST, "/api/promo/create").json(&body)).await;
            answer.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "promo-terms");
        }
        // A change is judged with what stays.
        let answer = Answer::of(shop.staff(Method::PATCH, "/api/promo/JUSTE").json(&json!({"reduction": null}))).await;
        answer.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "promo-terms");
        for body in [json!({"priority": -1}), json!({"priority": 65_536}), json!({"unknown": 1}), json!([])] {
            let answer = Answer::of(shop.staff(Method::PATCH, "/api/promo/JUSTE").json(&body)).await;
            answer.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "body-invalid");
        }
        assert_eq!(shop.head(), before);
        shop.close().await;
    }

    async fn codes_are_listed_in_pages_the_newest_first(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        for number in 0..5 {
            shop.promo(&format!("CODE-{number}"), tenth()).await;
        }
        // A change moves no code.
        shop.amend("CODE-0", json!({"priority": 1})).await;
        let (mut codes, mut mark) = (Vec::new(), String::new());
        for expected in [2, 2, 1] {
            let list = shop.staff(Method::GET, &format!("/api/promo/list?limit=2{mark}"));
            let page = Answer::of(list.header("webox-position", shop.head().0)).await.expect(StatusCode::OK).clone();
            let items = page["items"].as_array().unwrap();
            assert_eq!(items.len(), expected);
            codes.extend(items.iter().map(|item| item["code"].as_str().unwrap().to_owned()));
            mark = format!("&after={}", page["next"].as_str().unwrap_or("end"));
        }
        assert_eq!(mark, "&after=end");
        assert_eq!(codes, ["CODE-4", "CODE-3", "CODE-2", "CODE-1", "CODE-0"]);
        let wrong = Answer::of(shop.staff(Method::GET, "/api/promo/list?after=x")).await;
        wrong.expect_problem(StatusCode::BAD_REQUEST, "cursor-invalid");
        shop.close().await;
    }

    async fn the_staff_sees_who_uses_a_code(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 2000, Some(9)).await;
        shop.promo("USAGE", json!({"reduction": {"basis_points": 1000}, "limit": 5})).await;
        let mut orders = Vec::new();
        for quantity in 1..=3 {
            let mut guest = shop.guest();
            guest.add(&product, quantity).await.expect(StatusCode::OK);
            guest.apply("USAGE").await.expect(StatusCode::OK);
            let order = Placed::of(guest.check_out().await.expect(StatusCode::CREATED));
            orders.push((guest, order));
        }
        let (guest, paid) = &mut orders[0];
        guest.pay(paid, "sandbox_ok").await.expect(StatusCode::OK);
        let (guest, cancelled) = &mut orders[1];
        guest.ask(cancelled, "cancel").await.expect(StatusCode::OK);
        let usage = shop.usage("USAGE").await;
        let numbers = ["reserved", "used", "left"].map(|name| usage[name].as_u64().unwrap());
        assert_eq!((numbers, &usage["discount"]), ([1, 1, 3], &eur(800)));
        let one = |number: usize, state: &str, discount: i64| json!({
            "order": orders[number].1.id, "discount": eur(discount), "state": state,
            "reserved_at": "2026-11-22T09:00:00Z",
        });
        assert_eq!(usage["uses"], json!([one(2, "reserved", 600), one(1, "released", 400), one(0, "used", 200)]));
        assert_eq!(usage["next"], Value::Null);
        let first = shop.staff(Method::GET, "/api/promo/USAGE/usage?limit=2");
        let first = Answer::of(first.header("webox-position", shop.head().0)).await.expect(StatusCode::OK).clone();
        assert_eq!(first["uses"], json!([one(2, "reserved", 600), one(1, "released", 400)]));
        let next = first["next"].as_str().unwrap();
        let second = Answer::of(shop.staff(Method::GET, &format!("/api/promo/USAGE/usage?limit=2&after={next}"))).await;
        assert_eq!(second.expect(StatusCode::OK)["uses"], json!([one(0, "used", 200)]));
        let promo = Answer::of(shop.staff(Method::GET, "/api/promo/USAGE")).await.expect(StatusCode::OK).clone();
        assert_eq!(["reserved", "used", "left"].map(|name| promo[name].as_u64().unwrap()), [1, 1, 3]);
        shop.close().await;
    }

    async fn nobody_but_the_staff_makes_changes_or_reads_codes(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        shop.promo("SECRET", tenth()).await;
        let before = shop.head();
        for (method, path, body) in [
            (Method::POST, "/api/promo/create", Some(json!({"code": "MIEN", "free_shipping": true}))),
            (Method::GET, "/api/promo/list", None),
            (Method::GET, "/api/promo/SECRET", None),
            (Method::GET, "/api/promo/NOBODY", None),
            (Method::PATCH, "/api/promo/SECRET", Some(json!({"active": false}))),
            (Method::PATCH, "/api/promo/NOBODY", Some(json!({"active": false}))),
            (Method::POST, "/api/promo/SECRET/deactivate", None),
            (Method::GET, "/api/promo/SECRET/usage", None),
            (Method::POST, "/api/promo/validate", Some(json!({"code": "SECRET", "email": "ana@example.fr"}))),
        ] {
            for token in [None, Some("not-the-token-of-the-staff-of-this-shop")] {
                let request = shop.request(method.clone(), path);
                let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
                let request = if let Some(body) = &body { request.json(body) } else { request };
                Answer::of(request).await.expect_problem(StatusCode::UNAUTHORIZED, "staff-only");
            }
        }
        assert_eq!(shop.head(), before);
        shop.close().await;
    }
}

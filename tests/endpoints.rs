//! The document says what the shop does, and the shop does what the document says.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::shop::{Answer, Backend, Shop};

/// What is promised to those who wrote programs already. A line may be added; none may change.
const PROMISED: [(&str, &str); 42] = [
    ("post", "/api/products"),
    ("patch", "/api/products/{id}"),
    ("post", "/api/products/{id}/publish"),
    ("post", "/api/products/{id}/archive"),
    ("post", "/api/products/{id}/stock"),
    ("get", "/api/products"),
    ("get", "/api/products/{id}"),
    ("post", "/api/search/products"),
    ("get", "/api/search/filters"),
    ("get", "/api/search/suggest"),
    ("post", "/api/cart/items"),
    ("patch", "/api/cart/items/{product_id}"),
    ("delete", "/api/cart/items/{product_id}"),
    ("get", "/api/cart"),
    ("post", "/api/checkout"),
    ("post", "/api/orders/{id}/pay"),
    ("post", "/api/orders/{id}/cancel"),
    ("post", "/api/orders/{id}/fulfil"),
    ("get", "/api/orders/list"),
    ("get", "/api/orders/{id}"),
    ("get", "/api/orders/{id}/history"),
    ("get", "/api/monitoring/health"),
    ("get", "/api/monitoring/health/live"),
    ("get", "/api/monitoring/health/ready"),
    ("get", "/api/admin/projections"),
    ("post", "/api/admin/projections/{name}/rebuild"),
    ("post", "/api/admin/projections/{name}/rollback"),
    ("post", "/api/cart/promo"),
    ("delete", "/api/cart/promo"),
    ("post", "/api/promo/validate"),
    ("post", "/api/promo/create"),
    ("get", "/api/promo/list"),
    ("get", "/api/promo/{code}"),
    ("patch", "/api/promo/{code}"),
    ("post", "/api/promo/{code}/deactivate"),
    ("get", "/api/promo/{code}/usage"),
    ("post", "/api/orders/{id}/confirm"),
    ("post", "/api/orders/{id}/refund"),
    ("post", "/api/invoice/generate"),
    ("get", "/api/invoice/list"),
    ("get", "/api/invoice/download/{id}"),
    ("get", "/api/admin/sales"),
];

const METHODS: [&str; 6] = ["get", "put", "post", "delete", "options", "patch"];

#[tokio::test(flavor = "multi_thread")]
async fn every_promised_operation_is_in_the_document() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    let document = document(&shop);
    let known: BTreeSet<(String, String)> =
        operations(&document).into_iter().map(|one| (one.method, one.path)).collect();
    for (method, path) in PROMISED {
        assert!(known.contains(&(method.to_owned(), path.to_owned())), "{method} {path} is missing");
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_operation_is_there() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    for one in operations(&document(&shop)) {
        // An address that is routed knows that it is not traced; one that is not says that it is not found.
        let traced = ask(&shop, "trace", &one.path).await;
        traced.expect_problem(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
        let answer = ask(&shop, &one.method, &one.path).await;
        assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{} {}", one.method, one.path);
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_documented_is_not_there() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    let operations = operations(&document(&shop));
    let before = shop.head();
    let paths: BTreeSet<&str> = operations.iter().map(|one| one.path.as_str()).collect();
    for path in paths {
        let known: Vec<String> =
            operations.iter().filter(|one| one.path == path).map(|one| one.method.to_uppercase()).collect();
        for method in METHODS {
            if known.contains(&method.to_uppercase()) {
                continue;
            }
            let answer = ask(&shop, method, path).await;
            answer.expect_problem(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
            let allowed = answer.headers["allow"].to_str().unwrap().to_owned();
            let allowed: BTreeSet<&str> = allowed.split(',').map(str::trim).filter(|one| *one != "HEAD").collect();
            assert_eq!(allowed, known.iter().map(String::as_str).collect(), "{method} {path}");
        }
    }
    for path in [
        "/nope",
        "/api",
        "/api/",
        "/api/nope",
        "/api/products/",
        "/api/product",
        "/api/cart/items/a/b",
        "/api/orders",
        "/api/orders/a/nope",
        "/api/admin",
        "/api/admin/projections/orders",
        "/api/admin/projections/orders/rebuild/now",
        "/API/products",
        "//api/products",
        "/api/products/a/publish/b",
        "/.env",
        "/admin",
        "/metrics",
        "/api/openapi.yaml",
        "/api/monitoring",
        "/debug",
    ] {
        for method in ["get", "post", "delete"] {
            let answer = ask(&shop, method, path).await;
            answer.expect_problem(StatusCode::NOT_FOUND, "not-found");
        }
    }
    assert_eq!(shop.head(), before);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_described() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    let document = document(&shop);
    let mut ids = BTreeSet::new();
    let tags: Vec<&Value> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    for Operation { method, path, says } in operations(&document) {
        let what = format!("{method} {path}");
        assert!(says["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{what} has no summary");
        let own = says["tags"].as_array().unwrap();
        assert!(own.len() == 1 && tags.contains(&&own[0]), "{what} is tagged {own:?}");
        assert!(ids.insert(says["operationId"].to_string()), "{what} has the id of another");

        let responses = says["responses"].as_object().unwrap();
        let success = responses.iter().filter(|(status, _)| status.starts_with('2'));
        let success: Vec<_> = success.collect();
        assert!(!success.is_empty(), "{what} never succeeds");
        for (status, response) in success {
            let content = &response["content"];
            let schema = &content["application/json"]["schema"];
            let file = &content["application/pdf"]["schema"];
            let is_described = schema.is_object() || file.is_object();
            assert!(status == "204" || is_described, "{what} answers {status} without a schema");
        }
        let problems: Vec<_> = responses
            .iter()
            .filter(|(status, response)| {
                let status: u16 = status.parse().unwrap();
                let schema = &response["content"]["application/problem+json"]["schema"];
                status >= 400 && schema["$ref"] == "#/components/schemas/Problem"
            })
            .collect();
        // The probes of a machine that starts and stops the shop have one question and two answers.
        let is_probe = path.starts_with("/api/monitoring/");
        assert!(is_probe || !problems.is_empty(), "{what} never fails");
        for (status, _) in responses.iter().filter(|(status, _)| status.as_str() >= "4") {
            let is_problem = problems.iter().any(|(known, _)| known == &status);
            assert!(is_probe || is_problem, "{what} answers {status} without problem details");
        }
        let bodies = says["requestBody"]["content"].as_object();
        if let Some(bodies) = bodies {
            assert!(bodies["application/json"]["schema"].is_object(), "{what} takes {bodies:?}");
        }
        for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            let mut parameters = says["parameters"].as_array().unwrap().iter();
            let is_named = parameters.any(|one| one["name"] == name && one["in"] == "path" && one["required"] == true);
            assert!(is_named, "{what} does not describe {name}");
        }
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_of_the_document_leads_somewhere() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    let document = document(&shop);
    let (mut references, mut schemes) = (BTreeSet::new(), BTreeSet::new());
    references_in(&document, &mut references, &mut schemes);
    assert!(references.len() > 10, "{references:?}");
    for reference in &references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(references.contains(&format!("#/components/schemas/{name}")), "{name} is used nowhere");
        assert!(!name.ends_with("Body"), "{name} is a name of the program's, not of the API's");
    }
    for scheme in schemes {
        assert!(document["components"]["securitySchemes"][&scheme].is_object(), "{scheme} is unknown");
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_the_staff_is_refused_to_everybody_else() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    let operations = operations(&document(&shop));
    let id = shop.product("brume", 1990, Some(5)).await;
    let order = shop.guest().buy(&id, 1).await;
    let before = shop.head();
    let staff_only: Vec<&Operation> =
        operations.iter().filter(|one| one.says["security"] == json!([{"staff": []}])).collect();
    assert!(staff_only.len() >= 8, "{} operations are for the staff", staff_only.len());
    for Operation { method, path, .. } in staff_only {
        let path = path.replace("{id}", if path.contains("orders") { &order.id } else { &id });
        let path = path.replace("{name}", "orders").replace("{code}", "VIP20");
        let path = if path.ends_with("/sales") { format!("{path}?from=2026-11-01&to=2026-11-30") } else { path };
        let body = match (method.as_str(), path.rsplit('/').next().unwrap()) {
            ("post", "products") => json!({
                "slug": "neuf", "kind": "digital", "category": "tirages", "vat_rate": 2000,
                "name": {"fr": "Neuf"}, "description": {"fr": "Neuf."}, "price": {"amount": 1, "currency": "EUR"},
            }),
            ("post", "stock") => json!({"change": 1}),
            ("post", "refund") => json!({"everything": true, "reason": "Retour"}),
            ("post", "create") => json!({"code": "NEUF", "free_shipping": true}),
            ("patch", _) if path.contains("promo") => json!({"exclusive": true}),
            ("patch", _) => json!({"price": {"amount": 1, "currency": "EUR"}}),
            _ => json!({}),
        };
        let request = || {
            let request = shop.request(method.to_uppercase().parse().unwrap(), &path);
            if method == "get" { request } else { request.json(&body) }
        };
        let guest = request().header("webox-order-token", &order.token);
        let wrong = request().bearer_auth("staff-token-of-the-shop-in-a-box-0123456780");
        let cookie = request().header("cookie", format!("staff={0}; token={0}", tests::shop::STAFF));
        let query =
            shop.request(method.to_uppercase().parse().unwrap(), &format!("{path}?token={}", tests::shop::STAFF));
        for (who, request) in [("a guest", guest), ("a wrong token", wrong), ("a cookie", cookie), ("a query", query)] {
            // An address with a token in it may be refused for what it is before it is asked who comes.
            let answer = Answer::of(request).await;
            assert!(answer.status.is_client_error(), "{who}: {method} {path} answers {}", answer.status);
            if who != "a query" {
                answer.expect_problem(StatusCode::UNAUTHORIZED, "staff-only");
                assert_eq!(answer.headers["www-authenticate"], "Bearer", "{who}: {method} {path}");
            }
        }
    }
    assert_eq!(shop.head(), before);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_served_as_it_is() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    let served = Answer::of(shop.request(Method::GET, "/api/openapi.json")).await;
    assert_eq!(*served.expect(StatusCode::OK), document(&shop));
    assert!(served.headers["content-type"].to_str().unwrap().starts_with("application/json"));
    assert_eq!(served.body["openapi"].as_str().unwrap().split('.').next(), Some("3"));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn swagger_ui_comes_from_the_shop_alone() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    let root = shop.request(Method::GET, "/").send().await.unwrap();
    assert_eq!(root.url().path(), "/docs/");
    let page = root.text().await.unwrap();
    assert!(page.contains("swagger-ui"), "{page}");

    let mut parts = vec![("/docs/".to_owned(), page.clone())];
    for part in page
        .split(['"', '\''])
        .filter(|part| [Some("js"), Some("css"), Some("png")].contains(&part.rsplit_once('.').map(|(_, kind)| kind)))
    {
        let path = format!("/docs/{}", part.trim_start_matches("./"));
        let answer = shop.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        if part.ends_with("initializer.js") {
            parts.push((path, answer.text().await.unwrap()));
        }
    }
    assert_eq!(parts.len(), 2, "the page has no configuration");
    for (path, text) in &parts {
        for address in ["http://", "https://", "=\"//", "='//", "validator.swagger.io", "petstore"] {
            assert!(!text.contains(address), "{path} names another host: {address}");
        }
    }
    assert!(parts[1].1.contains("/api/openapi.json"), "{}", parts[1].1);
    // Everything inline would be stopped by the policy of the page.
    for script in page.split("<script").skip(1) {
        assert!(script.split('>').next().unwrap().contains("src="), "a script is inline: {script}");
    }
    let absent = Answer::of(shop.request(Method::GET, "/docs/nope.js")).await;
    absent.expect_problem(StatusCode::NOT_FOUND, "not-found");
    shop.close().await;
}

struct Operation {
    method: String,
    path: String,
    says: Value,
}

fn document(shop: &Shop) -> Value {
    serde_json::to_value(shop.app.document().unwrap()).unwrap()
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, says) in item.as_object().unwrap().iter().filter(|(key, _)| METHODS.contains(&key.as_str())) {
            operations.push(Operation { method: method.clone(), path: path.clone(), says: says.clone() });
        }
    }
    assert!(operations.len() >= PROMISED.len());
    operations
}

async fn ask(shop: &Shop, method: &str, path: &str) -> Answer {
    let id = "018f0000-0000-7000-8000-000000000000";
    let path = path.replace("{id}", id).replace("{product_id}", id).replace("{name}", "nobody");
    let method: Method = method.to_uppercase().parse().unwrap();
    Answer::of(shop.staff(method, &path)).await
}

fn references_in(value: &Value, references: &mut BTreeSet<String>, schemes: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match (key.as_str(), value) {
                    ("$ref", Value::String(reference)) => {
                        references.insert(reference.clone());
                    }
                    ("security", Value::Array(needs)) => {
                        schemes.extend(needs.iter().filter_map(Value::as_object).flat_map(|need| need.keys().cloned()));
                    }
                    _ => references_in(value, references, schemes),
                }
            }
        }
        Value::Array(array) => array.iter().for_each(|value| references_in(value, references, schemes)),
        _ => {}
    }
}

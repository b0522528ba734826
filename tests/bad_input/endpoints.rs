//! Every command of the shop, with a body that it takes.

use std::fmt;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::shop::{Answer, Shop, contact, eur};

/// A shop in which every command has something to do.
pub(super) struct Scene {
    draft: String,
    product: String,
    cart: String,
    cart_version: Value,
    total: Value,
    order: String,
    order_token: String,
    paid: String,
    code: String,
}

/// A command.
pub(super) struct Endpoint {
    pub(super) method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    /// A body that it takes; `None` where it takes none.
    pub(super) body: Option<Value>,
    /// What the body may leave out.
    pub(super) optional: &'static [&'static str],
    /// Values that look odd, and are taken.
    pub(super) taken: &'static [(&'static str, &'static str)],
}

impl Scene {
    /// Sets it, in a shop that may have others.
    pub(super) async fn set(shop: &Shop) -> Self {
        let number = shop.head().0;
        let product = shop.product(&format!("brume-{number}"), 1990, Some(5)).await;
        let draft = json!({
            "slug": format!("ebauche-{number}"), "kind": "physical", "category": "tirages", "vat_rate": 2000,
            "name": {"fr": "Ébauche"}, "description": {"fr": "Une ébauche."}, "price": eur(100),
        });
        let draft = Answer::of(shop.staff(Method::POST, "/api/products").json(&draft)).await;
        let draft = draft.expect(StatusCode::CREATED)["id"].as_str().unwrap().to_owned();

        let mut buyer = shop.guest();
        let paid = buyer.buy(&product, 1).await;
        buyer.pay(&paid, "sandbox_ok").await.expect(StatusCode::OK);
        shop.wait_for("InvoicePrinted", store::Position(number)).await;
        let promo = shop.staff(Method::POST, "/api/promo/create");
        let code = format!("REMISE-{number}");
        let promo = promo.json(&json!({"code": code, "reduction": {"basis_points": 1000}}));
        Answer::of(promo).await.expect(StatusCode::CREATED);
        let order = shop.guest().buy(&product, 1).await;
        let mut guest = shop.guest();
        guest.add(&product, 1).await.expect(StatusCode::OK);
        let shown = guest.show_cart().await;
        Self {
            draft,
            product,
            cart: guest.cart.clone().unwrap(),
            cart_version: shown["version"].clone(),
            total: shown["totals"]["total"].clone(),
            order: order.id,
            order_token: order.token,
            paid: paid.id,
            code,
        }
    }

    /// Every command.
    pub(super) fn endpoints(&self) -> Vec<Endpoint> {
        let mut endpoints = self.of_products();
        endpoints.extend(self.of_promos());
        endpoints.extend(self.of_carts());
        endpoints.extend(self.of_orders());
        endpoints
    }

    fn of_products(&self) -> Vec<Endpoint> {
        let Self { draft, product, .. } = self;
        let staff = vec![("authorization", format!("Bearer {}", tests::shop::STAFF))];
        let described = json!({
            "name": {"fr": "Neuf", "en": "New"}, "description": {"fr": "Tout neuf.", "en": "Brand new."},
            "category": "tirages", "price": eur(1990), "vat_rate": 550, "tags": ["papier"],
        });
        let mut new = described.clone();
        new["slug"] = json!(format!("neuf-{product}"));
        new["kind"] = json!("physical");
        let free = &[("/price/amount", "0"), ("/vat_rate", "0")];
        let one = |method, path: &str| Endpoint {
            method,
            path: path.to_owned(),
            headers: staff.clone(),
            body: None,
            optional: &[],
            taken: &[],
        };
        vec![
            Endpoint {
                body: Some(new),
                optional: &["/name/en", "/description/en", "/tags"],
                taken: free,
                ..one(Method::POST, "/api/products")
            },
            Endpoint {
                body: Some(described),
                optional: &[
                    "/name",
                    "/name/en",
                    "/description",
                    "/description/en",
                    "/category",
                    "/price",
                    "/vat_rate",
                    "/tags",
                ],
                taken: free,
                ..one(Method::PATCH, &format!("/api/products/{product}"))
            },
            one(Method::POST, &format!("/api/products/{draft}/publish")),
            one(Method::POST, &format!("/api/products/{product}/archive")),
            Endpoint {
                body: Some(json!({"change": 3})),
                taken: &[("/change", "0"), ("/change", "-1")],
                ..one(Method::POST, &format!("/api/products/{product}/stock"))
            },
        ]
    }

    fn of_promos(&self) -> Vec<Endpoint> {
        let Self { code, product, .. } = self;
        let staff = vec![("authorization", format!("Bearer {}", tests::shop::STAFF))];
        let one = |method, path: &str, body| Endpoint {
            method,
            path: path.to_owned(),
            headers: staff.clone(),
            body,
            optional: &[],
            taken: &[],
        };
        let new = json!({
            "code": format!("{code}-NEUF"), "label": {"fr": "Remise", "en": "Discount"},
            "reduction": {"amount": eur(500)}, "minimum": eur(2000),
            "starts_at": "2026-11-01T00:00:00Z", "ends_at": "2026-12-01T00:00:00Z", "limit": 100,
            "limit_per_customer": 1, "scope": {"products": [product], "categories": ["tirages"]},
        });
        vec![
            Endpoint {
                optional: &[
                    "/label",
                    "/label/en",
                    "/minimum",
                    "/starts_at",
                    "/ends_at",
                    "/limit",
                    "/limit_per_customer",
                    "/scope",
                    "/scope/products",
                    "/scope/categories",
                ],
                taken: &[
                    ("/minimum/amount", "0"),
                    ("/scope", "{}"),
                    ("/scope/products", "[]"),
                    ("/scope/categories", "[]"),
                ],
                ..one(Method::POST, "/api/promo/create", Some(new))
            },
            one(Method::POST, &format!("/api/promo/{code}/deactivate"), None),
        ]
    }

    fn of_carts(&self) -> Vec<Endpoint> {
        let Self { product, .. } = self;
        let one = |method, path: &str, body| Endpoint {
            method,
            path: path.to_owned(),
            headers: vec![("webox-cart", self.cart.clone())],
            body,
            optional: &[],
            taken: &[],
        };
        let line = format!("/api/cart/items/{product}");
        vec![
            one(Method::POST, "/api/cart/items", Some(json!({"product": product, "quantity": 2}))),
            one(Method::PATCH, &line, Some(json!({"quantity": 3}))),
            one(Method::DELETE, &line, None),
            one(Method::POST, "/api/cart/promo", Some(json!({"code": self.code}))),
        ]
    }

    fn of_orders(&self) -> Vec<Endpoint> {
        let Self { cart, order, order_token, paid, product, .. } = self;
        let mut contact = contact();
        contact["language"] = json!("en");
        contact["billing"]["extra"] = json!("2e étage");
        contact["shipping"] = contact["billing"].clone();
        contact["business"] = json!({
            "name": "Atelier", "siren": "552100554", "vat_number": "FR96552100554", "reference": "BC-1",
        });
        let checkout = json!({
            "cart_version": self.cart_version, "expected_total": self.total, "contact": contact,
            "consents": {"terms": true, "immediate_start": true},
        });
        let one = |path: &str, headers, body| Endpoint {
            method: Method::POST,
            path: path.to_owned(),
            headers,
            body,
            optional: &[],
            taken: &[],
        };
        let owner = vec![("webox-order-token", order_token.clone())];
        let staff = vec![("authorization", format!("Bearer {}", tests::shop::STAFF))];
        vec![
            Endpoint {
                optional: &[
                    "/contact/shipping",
                    "/contact/shipping/extra",
                    "/contact/billing/extra",
                    "/contact/language",
                    "/contact/business",
                    "/contact/business/siren",
                    "/contact/business/vat_number",
                    "/contact/business/reference",
                    "/consents/immediate_start",
                ],
                ..one("/api/checkout", vec![("webox-cart", cart.clone())], Some(checkout))
            },
            one(&format!("/api/orders/{order}/pay"), owner.clone(), Some(json!({"method": "sandbox_ok"}))),
            one(&format!("/api/orders/{order}/cancel"), owner, None),
            one(&format!("/api/orders/{paid}/fulfil"), staff.clone(), None),
            one(
                &format!("/api/orders/{paid}/refund"),
                staff,
                Some(json!({
                    "lines": [{"product": product, "quantity": 1}], "reason": "Retour",
                })),
            ),
        ]
    }
}

impl Endpoint {
    /// The body that it takes.
    pub(super) fn good(&self) -> Vec<u8> {
        self.body.clone().unwrap_or_else(|| json!({})).to_string().into_bytes()
    }

    /// The address before its id, the id, and what comes after.
    pub(super) fn id_in_path(&self) -> Option<(&str, &str, &str)> {
        let id = self.path.split('/').find(|part| part.len() == 36)?;
        let (before, after) = self.path.split_once(id)?;
        Some((before, id, after))
    }

    /// A request with this body.
    pub(super) fn says(&self, body: &[u8]) -> Ask {
        let own = |(name, value): &(&'static str, String)| (*name, value.clone().into_bytes());
        Ask {
            method: self.method.clone(),
            path: self.path.clone(),
            content_type: Some("application/json"),
            headers: self.headers.iter().map(own).collect(),
            body: body.to_vec(),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)
    }
}

/// A request to be sent.
#[derive(Clone)]
pub(super) struct Ask {
    method: Method,
    path: String,
    content_type: Option<&'static str>,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

impl Ask {
    pub(super) fn of_type(mut self, content_type: Option<&'static str>) -> Self {
        self.content_type = content_type;
        self
    }

    pub(super) fn at(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// With this header instead of its own.
    pub(super) fn with(mut self, name: &'static str, value: &[u8]) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.to_vec()));
        self
    }

    pub(super) async fn send(&self, shop: &Shop, language: &str) -> Answer {
        let mut request = shop.request(self.method.clone(), &self.path).header("accept-language", language);
        if let Some(content_type) = self.content_type {
            request = request.header("content-type", content_type);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value.as_slice());
        }
        Answer::of(request.body(self.body.clone())).await
    }
}

//! Somebody who buys.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::{Answer, Shop, contact};

/// Somebody who buys without signing in.
pub struct Guest<'shop> {
    pub(super) shop: &'shop Shop,
    /// The cart's token, once there is one.
    pub cart: Option<String>,
    /// The last position an answer named.
    pub position: u64,
}

/// An order as its owner knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Its id.
    pub id: String,
    /// Its token.
    pub token: String,
}

impl Guest<'_> {
    /// A request with this guest's cart, which sees what this guest did.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.shop.request(method, path).header("webox-position", self.position);
        match &self.cart {
            Some(cart) => request.header("webox-cart", cart),
            None => request,
        }
    }

    /// Sends a request and remembers what it says of the cart and the position.
    pub async fn send(&mut self, request: RequestBuilder) -> Answer {
        let answer = Answer::of(request).await;
        let text = |name: &str| Some(answer.headers.get(name)?.to_str().ok()?.to_owned());
        if let Some(cart) = text("webox-cart") {
            self.cart = Some(cart);
        }
        if let Some(position) = text("webox-position") {
            self.position = position.parse().expect("a position");
        }
        answer
    }

    /// Puts something into the cart.
    pub async fn add(&mut self, product: &str, quantity: i64) -> Answer {
        let body = json!({"product": product, "quantity": quantity});
        self.send(self.request(Method::POST, "/api/cart/items").json(&body)).await
    }

    /// The cart, as it is shown.
    pub async fn show_cart(&self) -> Value {
        Answer::of(self.request(Method::GET, "/api/cart")).await.expect(StatusCode::OK).clone()
    }

    /// Puts a promo code into the cart.
    pub async fn apply(&mut self, code: &str) -> Answer {
        self.send(self.request(Method::POST, "/api/cart/promo").json(&json!({"code": code}))).await
    }

    /// The body of a checkout of the cart as it is shown now.
    pub async fn checkout_body(&self) -> Value {
        let cart = self.show_cart().await;
        json!({
            "cart_version": cart["version"], "expected_total": cart["totals"]["total"], "contact": contact(),
            "consents": {"terms": true, "immediate_start": true},
        })
    }

    /// Checks the cart out as it is shown now.
    pub async fn check_out(&mut self) -> Answer {
        let body = self.checkout_body().await;
        self.place(&body).await
    }

    /// Checks the cart out with this body.
    pub async fn place(&mut self, body: &Value) -> Answer {
        self.send(self.request(Method::POST, "/api/checkout").json(body)).await
    }

    /// The body of a checkout by the person behind another e-mail address.
    pub async fn checkout_body_of(&self, email: &str) -> Value {
        let mut body = self.checkout_body().await;
        body["contact"]["email"] = json!(email);
        body
    }

    /// Puts something into the cart and checks it out.
    pub async fn buy(&mut self, product: &str, quantity: i64) -> Placed {
        self.add(product, quantity).await.expect(StatusCode::OK);
        Placed::of(self.check_out().await.expect(StatusCode::CREATED))
    }

    /// Pays an order.
    pub async fn pay(&mut self, order: &Placed, method: &str) -> Answer {
        let path = format!("/api/orders/{}/pay", order.id);
        let request = self.request(Method::POST, &path).header("webox-order-token", &order.token);
        self.send(request.json(&json!({"method": method}))).await
    }

    /// Asks something of an order that needs no body.
    pub async fn ask(&mut self, order: &Placed, what: &str) -> Answer {
        let path = format!("/api/orders/{}/{what}", order.id);
        let request = self.request(Method::POST, &path).header("webox-order-token", &order.token);
        self.send(request).await
    }

    /// An order, as it is shown.
    pub async fn show(&self, order: &Placed) -> Value {
        let path = format!("/api/orders/{}", order.id);
        let request = self.request(Method::GET, &path).header("webox-order-token", &order.token);
        Answer::of(request).await.expect(StatusCode::OK).clone()
    }
}

impl Placed {
    /// Reads the answer of a checkout.
    pub fn of(body: &Value) -> Self {
        let text = |name: &str| body[name].as_str().expect("a text").to_owned();
        Self { id: text("order"), token: text("token") }
    }
}

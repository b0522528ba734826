//! The shop in a box: opened on either database, served on a port of its own, its clock turned by hand.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use api::{App, Config, Setup};
use commands::ManualClock;
use domain::ports::Payments;
use reqwest::{Client, Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use store::{Position, Recorded};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::postgres;

mod guest;

pub use self::guest::{Guest, Placed};

/// A sandbox that is quick where it is said to be slow, and still slower than a customer is kept waiting.
pub const HASTY: providers::Sandbox = providers::Sandbox { delay: Duration::from_millis(2_300) };

/// How every shop in a box trades.
pub fn trade() -> commands::trade::Trade {
    api::trade::parse(SHOP).expect("the file of the shop is right")
}

/// The token of the staff in every box.
pub const STAFF: &str = "staff-token-of-the-shop-in-a-box-0123456789";

/// Which database a story runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Files in a folder of its own.
    Sqlite,
    /// A database of its own on the tests' cluster.
    Postgres,
}

/// Makes one test for each database of stories that take a [`Backend`].
#[macro_export]
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($backend:ident: Backend) $body:block)*) => {$(
        mod $name {
            use super::*;

            $(#[$meta])*
            async fn story($backend: Backend) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                story(Backend::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                story(Backend::Postgres).await;
            }
        }
    )*};
}

/// The file of every shop in a box: it sells with VAT, and no shipping.
pub const SHOP: &str = r#"{
    "seller": {
        "name": "Boutique d’essai", "legal_form": "SARL au capital de 1 000 €", "siren": "552100554",
        "register": "RCS Lyon", "vat_number": "FR96552100554",
        "address": {"street": "3 quai de Saône", "postal_code": "69001", "city": "Lyon", "country": "FR"}
    },
    "terms_version": "essai-1"
}"#;

/// What the file of a shop says that ships.
const SHIPPING: &str = r#""shipping": [
    {"id": "standard", "name": {"fr": "À domicile"}, "price": 590, "free_from": 6000, "countries": ["FR", "BE"]},
    {"id": "express", "name": {"fr": "Express"}, "price": 1290, "countries": ["FR"]}
]"#;

/// A shop, open and served.
pub struct Shop {
    /// The shop itself, for what HTTP does not show.
    pub app: App,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// Where it is served.
    pub url: String,
    client: Client,
    config: Config,
    payments: Arc<dyn Payments>,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
}

impl Shop {
    /// A new shop with sandbox payments.
    pub async fn open(backend: Backend) -> Self {
        Self::open_with(backend, Arc::new(HASTY)).await
    }

    /// A new shop whose payments go to `payments`.
    pub async fn open_with(backend: Backend, payments: Arc<dyn Payments>) -> Self {
        Self::start(config(backend), clock(), payments).await
    }

    /// A new shop with these settings.
    pub async fn open_as(config: Config) -> Self {
        Self::start(config, clock(), Arc::new(HASTY)).await
    }

    /// A new shop that ships: `standard` at 5.90 € to France and Belgium, free from 60 €, `express` at 12.90 € to France.
    pub async fn open_shipping(backend: Backend) -> Self {
        let config = config(backend);
        let file = config.shop.as_deref().expect("every shop in a box has a file");
        let text = SHOP.replacen('{', &format!("{{{SHIPPING},"), 1);
        fs::write(file, text).expect("the file of the shop is written");
        Self::open_as(config).await
    }

    async fn start(config: Config, clock: Arc<ManualClock>, payments: Arc<dyn Payments>) -> Self {
        let setup = Setup {
            config: config.clone(),
            clock: Arc::clone(&clock) as _,
            payments: Some(Arc::clone(&payments)),
            trade: None,
        };
        let app = App::open(setup).await.expect("the shop opens");
        let listener = TcpListener::bind(config.listen).await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = app.clone();
        #[expect(clippy::disallowed_methods, reason = "the box waits for it when it is closed")]
        let served = tokio::spawn(async move {
            let stopped = async move {
                let _ = stopped.await;
            };
            serving.serve(listener, stopped).await.expect("the shop is served");
        });
        let client = Client::builder().timeout(Duration::from_mins(1)).build().expect("a client");
        Self { app, clock, url, client, config, payments, stop: Some(stop), served: Some(served) }
    }

    /// Stops the shop as its operator would.
    pub async fn close(&mut self) {
        if let (Some(stop), Some(served)) = (self.stop.take(), self.served.take()) {
            let _ = stop.send(());
            served.await.expect("the shop stops");
        }
    }

    /// Stops the shop and opens it again on the same data.
    pub async fn reopen(&mut self) {
        self.close().await;
        let (config, clock, payments) = (self.config.clone(), Arc::clone(&self.clock), Arc::clone(&self.payments));
        let fresh = Self::start(config, clock, payments).await;
        *self = fresh;
    }

    /// The settings it was opened with.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Turns the clock forward.
    pub fn turn(&self, by: chrono::TimeDelta) {
        self.clock.turn(by);
    }

    /// A request of nobody in particular.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// A request of the staff.
    pub fn staff(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth(STAFF)
    }

    /// A product for sale, with `stock` pieces where it is a number: its id.
    pub async fn product(&self, slug: &str, price: i64, stock: Option<i64>) -> String {
        self.offer(slug, price, stock, ("tirages", 2_000)).await
    }

    /// A product for sale on another shelf, which is taxed at another rate: its id.
    pub async fn offer(&self, slug: &str, price: i64, stock: Option<i64>, (category, vat): (&str, u16)) -> String {
        let kind = if stock.is_some() { "physical" } else { "digital" };
        let body = json!({
            "slug": slug, "kind": kind, "category": category, "vat_rate": vat,
            "name": {"fr": slug}, "description": {"fr": format!("Le produit {slug}.")}, "price": eur(price),
        });
        let drafted = Answer::of(self.staff(Method::POST, "/api/products").json(&body)).await;
        let id = drafted.expect(StatusCode::CREATED)["id"].as_str().expect("an id").to_owned();
        if let Some(stock) = stock {
            let stocked =
                self.staff(Method::POST, &format!("/api/products/{id}/stock")).json(&json!({"change": stock}));
            Answer::of(stocked).await.expect(StatusCode::OK);
        }
        let published = self.staff(Method::POST, &format!("/api/products/{id}/publish"));
        Answer::of(published).await.expect(StatusCode::OK);
        id
    }

    /// Makes a promo code with these terms.
    pub async fn promo(&self, code: &str, terms: Value) -> Answer {
        let mut body = terms;
        body["code"] = json!(code);
        let made = Answer::of(self.staff(Method::POST, "/api/promo/create").json(&body)).await;
        made.expect(StatusCode::CREATED);
        made
    }

    /// Changes the terms of a promo code.
    pub async fn amend(&self, code: &str, change: Value) {
        let change = self.staff(Method::PATCH, &format!("/api/promo/{code}")).json(&change);
        Answer::of(change).await.expect(StatusCode::OK);
    }

    /// What a promo code is used for, once the view has seen everything that is in the log now.
    pub async fn usage(&self, code: &str) -> Value {
        let request = self.staff(Method::GET, &format!("/api/promo/{code}/usage"));
        Answer::of(request.header("webox-position", self.head().0)).await.expect(StatusCode::OK).clone()
    }

    /// How many of a product can be bought, once the view has seen everything that is in the log now.
    pub async fn available(&self, product: &str) -> i64 {
        let request = self.staff(Method::GET, &format!("/api/products/{product}"));
        let answer = Answer::of(request.header("webox-position", self.head().0)).await;
        answer.expect(StatusCode::OK)["available"].as_i64().expect("a stock")
    }

    /// Somebody who comes in without a cart, and sees what was done before.
    pub fn guest(&self) -> Guest<'_> {
        Guest { shop: self, cart: None, position: self.head().0 }
    }

    /// Where the log is now.
    pub fn head(&self) -> Position {
        *self.app.log().watch().borrow()
    }

    /// The events after `position`, once the shop has done by itself what follows from them.
    pub async fn events_after(&self, position: Position) -> Vec<Recorded> {
        self.app.log().read_all(position, 10_000).await.expect("the log is read")
    }

    /// The types of the events after `position`, in the order of the log; but not of documents that are printed, which is
    /// done when it is done.
    pub async fn types_after(&self, position: Position) -> Vec<String> {
        let types = self.events_after(position).await.into_iter().map(|event| event.event_type);
        types.filter(|event_type| event_type != "InvoicePrinted").collect()
    }

    /// Waits until every document that was issued is printed: then nothing more happens by itself.
    pub async fn until_printed(&self) {
        let issued = self.types_after(Position::START).await.iter().filter(|name| *name == "InvoiceIssued").count();
        if issued > 0 {
            self.wait_for_all("InvoicePrinted", Position::START, issued).await;
        }
    }

    /// Waits until an event of this type is in the log after `position`.
    pub async fn wait_for(&self, event_type: &str, position: Position) -> Recorded {
        self.wait_for_all(event_type, position, 1).await.remove(0)
    }

    /// Waits until `count` events of this type are in the log after `position`.
    pub async fn wait_for_all(&self, event_type: &str, position: Position, count: usize) -> Vec<Recorded> {
        for _ in 0..600 {
            let mut found = self.events_after(position).await;
            found.retain(|event| event.event_type == event_type);
            if found.len() >= count {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let types = self.types_after(position).await;
        panic!("{count} {event_type} did not come after {position}: {types:?}");
    }
}

/// What an event says, without its name.
pub fn says(event: &Recorded) -> Value {
    let payload: Value = serde_json::from_str(&event.payload).expect("JSON");
    payload.as_object().and_then(|named| named.values().next()).cloned().unwrap_or(payload)
}

/// Euros, as bodies say them.
pub fn eur(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

/// Somebody who buys, as bodies say it.
pub fn contact() -> Value {
    json!({
        "email": "ana@example.fr", "name": "Ana Martin",
        "billing": {"street": "12 rue des Lilas", "postal_code": "69003", "city": "Lyon", "country": "FR"},
    })
}

/// What a request was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON; `null` where it is none.
    pub body: Value,
}

impl Answer {
    /// Sends the request.
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the shop answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a whole answer");
        Self { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
    }

    /// The body, where the status is this one.
    #[track_caller]
    pub fn expect(&self, status: StatusCode) -> &Value {
        assert_eq!(self.status, status, "{}", self.body);
        &self.body
    }

    /// Problem details with this status and slug.
    #[track_caller]
    pub fn expect_problem(&self, status: StatusCode, slug: &str) -> &Value {
        assert_eq!((self.status, self.body["slug"].as_str()), (status, Some(slug)), "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        &self.body
    }
}

/// The clock of a new shop.
fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new("2026-11-22T09:00:00Z".parse().expect("a moment")))
}

/// Settings for a new shop on this database, that no other test has.
pub fn config(backend: Backend) -> Config {
    let folder = folder();
    let shop = folder.join("shop.json");
    fs::write(&shop, SHOP).expect("the file of the shop is written");
    let config = Config {
        admin_token: Some(STAFF.to_owned()),
        sandbox_payments: true,
        shop: Some(shop),
        ..Config::embedded(folder)
    };
    match backend {
        // The stores are named, so that the shop is no demo and begins empty.
        Backend::Sqlite => Config { log: Some(format!("sqlite:{}", config.data.join("log.db").display())), ..config },
        Backend::Postgres => Config { database: Some(postgres::database()), ..config },
    }
}

/// A new folder below the temporary one.
pub fn folder() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("webox-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join("webox-tests").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

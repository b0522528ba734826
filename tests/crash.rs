//! Stories of a shop that dies under load, and of customers who go away in the middle.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use futures::future::{join, join_all};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use store::{Log, Position, verify::verify};
use tests::{
    on_both,
    program::{Process, webox},
    shop::{Answer, Backend, Placed, STAFF, Shop, config, contact, eur, says},
};
use tokio::time::{sleep, timeout};

mod cancel;

/// How often the program is killed on each database.
const ROUNDS: u64 = 10;
/// How many customers buy at once.
const CUSTOMERS: usize = 16;

/// A number below `end`, by chance.
fn chance(end: u64) -> u64 {
    RandomState::new().hash_one(()) % end
}

/// What was acknowledged to a customer.
#[derive(Default)]
struct Ledger {
    /// The last position an answer named.
    position: u64,
    placed: Vec<Placed>,
    paid: Vec<Placed>,
}

impl Ledger {
    /// Sends a request; `None` where the shop died before it answered. Every answer must be a success.
    async fn note(&mut self, request: RequestBuilder) -> Option<(StatusCode, String, Value)> {
        let response = request.send().await.ok()?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        if let Ok(position) = text("webox-position").parse() {
            self.position = self.position.max(position);
        }
        let body: Value = serde_json::from_str(&response.text().await.ok()?).ok()?;
        assert!(status.is_success(), "{status}: {body}");
        Some((status, text("webox-cart"), body))
    }

    /// Buys and pays, until the shop dies.
    async fn buy(&mut self, client: &Client, url: &str, product: &str) -> Option<()> {
        loop {
            let add = client.post(format!("{url}/api/cart/items"));
            let (_, cart, _) = self.note(add.json(&json!({"product": product, "quantity": 2}))).await?;
            let body = json!({"cart_version": 1, "expected_total": eur(3980), "contact": contact(), "consents": {"terms": true}});
            let checkout = client.post(format!("{url}/api/checkout")).header("webox-cart", cart).json(&body);
            let (_, _, body) = self.note(checkout).await?;
            let order = Placed::of(&body);
            self.placed.push(order.clone());
            let pay = client.post(format!("{url}/api/orders/{}/pay", order.id));
            let pay = pay.header("webox-order-token", &order.token).json(&json!({"method": "sandbox_ok"}));
            if let (StatusCode::OK, _, body) = self.note(pay).await? {
                assert_eq!(body["status"], "paid");
                self.paid.push(order);
            }
        }
    }

    /// Asserts that a shop still knows all that it acknowledged.
    async fn check(&self, client: &Client, url: &str) {
        for order in &self.placed {
            let request = client
                .get(format!("{url}/api/orders/{}", order.id))
                .header("webox-order-token", &order.token)
                .header("webox-position", self.position);
            let answer = Answer::of(request).await;
            let shown = answer.expect(StatusCode::OK);
            assert_eq!(shown["totals"]["total"], eur(3980));
            assert!(shown["status"] == "paid" || !self.paid.contains(order), "{shown}");
        }
    }
}

/// A product that never runs out, in a shop that is served by a process.
async fn stock(client: &Client, url: &str) -> String {
    let send = |path: &str, body: Value| {
        let request = client.post(format!("{url}/api/products{path}")).bearer_auth(STAFF);
        Answer::of(request.json(&body))
    };
    let draft = json!({
        "slug": "brume", "kind": "physical", "category": "tirages", "vat_rate": 2000,
        "name": {"fr": "Brume"}, "description": {"fr": "Un tirage."}, "price": eur(1990),
    });
    let drafted = send("", draft).await;
    let id = drafted.expect(StatusCode::CREATED)["id"].as_str().expect("an id").to_owned();
    send(&format!("/{id}/stock"), json!({"change": 1_000_000})).await.expect(StatusCode::OK);
    send(&format!("/{id}/publish"), json!({})).await.expect(StatusCode::OK);
    id
}

on_both! {
    async fn what_was_acknowledged_survives_every_kill(backend: Backend) {
        let config = config(backend);
        let mut process = Process::start(&config);
        let product = stock(&Client::new(), &process.url).await;
        let mut acknowledged = Ledger::default();
        for round in 0..ROUNDS {
            let (client, url) = (Client::new(), process.url.clone());
            let mut ledgers: Vec<Ledger> = (0..CUSTOMERS).map(|_| Ledger::default()).collect();
            let buying = ledgers.iter_mut().map(|ledger| ledger.buy(&client, &url, &product));
            let killing = async {
                sleep(Duration::from_millis(200 + round * 150 + chance(150))).await;
                process.kill();
            };
            join(join_all(buying), killing).await;

            process = Process::start(&config);
            let (client, url) = (Client::new(), process.url.clone());
            let head = head(&client, &url).await;
            assert!(ledgers.iter().all(|ledger| ledger.position <= head));
            join_all(ledgers.iter().map(|ledger| ledger.check(&client, &url))).await;
            let verified = webox(&config).arg("verify").output().expect("the program runs");
            assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
            for ledger in ledgers {
                acknowledged.position = acknowledged.position.max(ledger.position);
                acknowledged.placed.extend(ledger.placed);
                acknowledged.paid.extend(ledger.paid);
            }
        }
        let bought = (acknowledged.placed.len(), acknowledged.paid.len());
        assert!(bought.1 >= CUSTOMERS, "too little was bought to prove anything: {bought:?}");
        let (client, url) = (Client::new(), process.url.clone());
        settled(&client, &url).await;
        process.kill();
        audit(&config, &acknowledged).await;
    }
}

/// Where the log of a shop is that is served by a process.
async fn head(client: &Client, url: &str) -> u64 {
    let health = Answer::of(client.get(format!("{url}/api/monitoring/health"))).await;
    health.body["stores"]["head"].as_u64().expect("a position")
}

/// Waits until no payment is under way: those that a kill cut off are taken up again.
async fn settled(client: &Client, url: &str) {
    let position = head(client, url).await;
    for _ in 0..200 {
        let open = client.get(format!("{url}/api/orders/list?limit=100&status=awaiting_payment"));
        let open = open.bearer_auth(STAFF).header("webox-position", position);
        let open = Answer::of(open).await;
        let pending = |order: &Value| order["payments"].as_array().is_some_and(|payments| !payments.is_empty());
        if !open.expect(StatusCode::OK)["items"].as_array().expect("a list").iter().any(pending) {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("a payment that was asked for is not taken");
}

/// Reads the whole log: it holds everything that was acknowledged, and nothing twice.
async fn audit(config: &api::Config, acknowledged: &Ledger) {
    let log = Log::open_to_read(&config.log_target().expect("a store")).await.expect("the log opens");
    let audit = verify(&log, |_| {}).await.expect("the log is read");
    assert_eq!(audit.fault, None);
    assert!(audit.events >= acknowledged.position);
    let (mut carts, mut placed, mut paid) = (HashSet::new(), HashSet::new(), HashSet::new());
    let (mut asked, mut taken) = (HashMap::new(), HashMap::new());
    let mut at = Position::START;
    loop {
        let page = log.read_all(at, 5_000).await.expect("the log is read");
        let Some(last) = page.last() else { break };
        at = last.position;
        for event in &page {
            let (order, facts) = (event.stream.id().to_owned(), says(event));
            match event.event_type.as_str() {
                "OrderPlaced" => {
                    assert!(carts.insert(facts["cart"].to_string()), "one cart, two orders");
                    placed.insert(order);
                }
                "OrderPaid" => assert!(paid.insert(order), "paid twice"),
                "OrderPaymentRequested" => {
                    *asked.entry(facts["attempt"].to_string()).or_insert(0) += 1;
                }
                "OrderPaymentSucceeded" => {
                    *taken.entry(facts["attempt"].to_string()).or_insert(0) += 1;
                }
                _ => {}
            }
        }
    }
    assert!(acknowledged.placed.iter().all(|order| placed.contains(&order.id)));
    assert!(acknowledged.paid.iter().all(|order| paid.contains(&order.id)));
    assert_eq!(asked, taken, "every payment that was asked for was taken once");
    assert!(asked.values().all(|times| *times == 1));
}

//! Stories of the numbers of documents under load: without a gap, without a repetition, whatever happens.

use std::{collections::HashSet, time::Duration};

use futures::future::join;
use reqwest::Client;
use store::{Log, Position, Recorded, verify::verify};
use tests::{
    program::Process,
    shop::{STAFF, config, contact},
};

use super::*;

/// How many customers pay at once.
const CUSTOMERS: usize = 200;

/// Every event of a log.
async fn all(log: &Log) -> Vec<Recorded> {
    let (mut events, mut at) = (Vec::new(), Position::START);
    loop {
        let page = log.read_all(at, 5_000).await.expect("the log is read");
        let Some(last) = page.last() else { return events };
        at = last.position;
        events.extend(page);
    }
}

/// Asserts that numbers are 1 to n, that dates do not decrease, and that each paid order has one invoice. Answers how
/// many there are.
fn audit(events: &[Recorded]) -> usize {
    let mut paid = HashSet::new();
    let mut invoiced = HashSet::new();
    let mut date = String::new();
    for event in events {
        let said = says(event);
        match event.event_type.as_str() {
            "OrderPaid" => assert!(paid.insert(event.stream.id().to_owned()), "paid twice"),
            "InvoiceIssued" => {
                assert!(invoiced.insert(said["order"].as_str().unwrap().to_owned()), "two invoices of one order");
                assert_eq!(said["number"], format!("WBX-2026-{:06}", invoiced.len()));
                let on = said["on"].as_str().unwrap().to_owned();
                assert!(date <= on, "{date} {on}");
                date = on;
            }
            _ => {}
        }
    }
    assert_eq!(paid, invoiced);
    invoiced.len()
}

on_both! {
    async fn two_hundred_payments_at_once_have_numbers_without_a_gap(backend: Backend) {
        let settings = api::Config { max_connections_per_address: 1_000, ..config(backend) };
        let mut shop = Shop::open_as(settings).await;
        let product = shop.product("brume", 1990, Some(1_000)).await;
        let orders = join_all((0..CUSTOMERS).map(|_| async { shop.guest().buy(&product, 1).await })).await;
        let before = shop.head();
        let pay = orders.iter().map(|order| async { shop.guest().pay(order, "sandbox_ok").await });
        for answer in join_all(pay).await {
            assert!(answer.status.is_success(), "{}", answer.body);
        }
        shop.wait_for_all("InvoiceIssued", before, CUSTOMERS).await;
        shop.wait_for_all("InvoicePrinted", before, CUSTOMERS).await;
        assert_eq!(audit(&all(shop.app.log()).await), CUSTOMERS);
        shop.close().await;
    }

    async fn a_kill_in_the_middle_leaves_no_gap(backend: Backend) {
        let config = config(backend);
        let mut process = Process::start(&config);
        let client = Client::new();
        let product = stocked(&client, &process.url).await;
        for wait in [300, 900] {
            let url = process.url.clone();
            let buying = join_all((0..32).map(|_| buy(&client, &url, &product)));
            let killing = async {
                tokio::time::sleep(Duration::from_millis(wait)).await;
                process.kill();
            };
            join(buying, killing).await;
            process = Process::start(&config);
        }
        let url = process.url.clone();
        join_all((0..8).map(|_| order(&client, &url, &product))).await;
        let log = Log::open_to_read(&config.log_target().unwrap()).await.expect("the log opens");
        let mut counts = (0, 1);
        for _ in 0..600 {
            let events = all(&log).await;
            let count = |kind: &str| events.iter().filter(|event| event.event_type == kind).count();
            counts = (count("InvoicePrinted"), count("InvoiceIssued"));
            if counts.0 == counts.1 && count("OrderPaymentRequested") == count("OrderPaid") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        process.kill();
        assert_eq!(counts.0, counts.1, "every document is printed");
        let events = all(&log).await;
        assert_eq!(audit(&events), counts.1);
        assert!(counts.1 > 8, "too little was bought to prove anything");
        assert_eq!(verify(&log, |_| {}).await.expect("the log is read").fault, None);
    }
}

/// A product that never runs out, in a shop that is served by a process.
async fn stocked(client: &Client, url: &str) -> String {
    let send = |path: &str, body: Value| {
        Answer::of(client.post(format!("{url}/api/products{path}")).bearer_auth(STAFF).json(&body))
    };
    let draft = json!({
        "slug": "brume", "kind": "physical", "category": "tirages", "vat_rate": 2000,
        "name": {"fr": "Brume"}, "description": {"fr": "Un tirage."}, "price": eur(1990),
    });
    let id = send("", draft).await.expect(StatusCode::CREATED)["id"].as_str().unwrap().to_owned();
    send(&format!("/{id}/stock"), json!({"change": 1_000_000})).await.expect(StatusCode::OK);
    send(&format!("/{id}/publish"), json!({})).await.expect(StatusCode::OK);
    id
}

/// Buys and pays, until the shop dies.
async fn buy(client: &Client, url: &str, product: &str) {
    while order(client, url, product).await.is_some() {}
}

/// Buys and pays once; `None` where the shop died.
async fn order(client: &Client, url: &str, product: &str) -> Option<()> {
    let added = client.post(format!("{url}/api/cart/items")).json(&json!({"product": product, "quantity": 1}));
    let added = added.send().await.ok()?;
    let cart = added.headers().get("webox-cart")?.clone();
    let body =
        json!({"cart_version": 1, "expected_total": eur(1990), "contact": contact(), "consents": {"terms": true}});
    let placed = client.post(format!("{url}/api/checkout")).header("webox-cart", cart).json(&body).send().await.ok()?;
    let order = Placed::of(&placed.json().await.ok()?);
    let pay = client.post(format!("{url}/api/orders/{}/pay", order.id)).header("webox-order-token", &order.token);
    let paid = pay.json(&json!({"method": "sandbox_ok"})).send().await.ok()?;
    paid.status().is_success().then_some(())
}

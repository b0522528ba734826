//! Stories of requests that are cut off: nothing that was acknowledged is lost, and nothing stays half done.

use std::net::SocketAddr;

use sqlx::{Connection as _, PgConnection};
use tokio::net::TcpStream;

use super::*;

/// How many requests are cut off.
const CUT: u64 = 300;

/// Writes the beginning of a request, or the whole of it, and goes away.
async fn cut_on_the_wire(address: SocketAddr, product: &str, cart: &str) {
    let body = json!({"product": product, "quantity": 1}).to_string();
    let request = format!(
        "POST /api/cart/items HTTP/1.1\r\nhost: shop\r\nwebox-cart: {cart}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let length = if chance(2) == 0 { request.len() } else { usize::try_from(chance(300)).expect("a length") };
    let stream = TcpStream::connect(address).await.expect("the shop accepts");
    stream.writable().await.expect("the shop reads");
    stream.try_write(&request.as_bytes()[..length.min(request.len())]).expect("the shop reads");
    sleep(Duration::from_micros(chance(3_000))).await;
}

/// Sends a request and stops listening.
async fn cut_in_the_client(shop: &Shop, number: u64, product: &str, cart: &str, order: &Placed) {
    let request = match number % 5 {
        0 => shop.request(Method::POST, "/api/cart/items").json(&json!({"product": product, "quantity": 1})),
        1 => shop.request(Method::GET, "/api/products"),
        2 => shop.request(Method::POST, "/api/checkout").json(
            &json!({"cart_version": 1, "expected_total": eur(1990), "contact": contact(), "consents": {"terms": true}}),
        ),
        3 => shop
            .request(Method::POST, &format!("/api/orders/{}/pay", order.id))
            .header("webox-order-token", &order.token)
            .json(&json!({"method": "sandbox_declined"})),
        _ => shop.staff(Method::PATCH, &format!("/api/products/{product}")).json(&json!({"tags": ["mer"]})),
    };
    let _ = timeout(Duration::from_micros(chance(5_000)), request.header("webox-cart", cart).send()).await;
}

/// Somebody who does not go away.
async fn buy(shop: &Shop, product: &str) -> Placed {
    let mut guest = shop.guest();
    let order = guest.buy(product, 1).await;
    let paid = guest.pay(&order, "sandbox_ok").await;
    assert_eq!(paid.expect(StatusCode::OK)["status"], "paid");
    assert_eq!(guest.show(&order).await["status"], "paid");
    order
}

/// Waits until no session of this database is inside a transaction that nobody goes on with.
async fn nobody_idles_in_a_transaction(url: &str) {
    let mut session = PgConnection::connect(url).await.expect("the database answers");
    let statement = "select count(*) from pg_stat_activity
                     where datname = current_database() and state like 'idle in transaction%'";
    for _ in 0..100 {
        let idle: i64 = sqlx::query_scalar(statement).fetch_one(&mut session).await.expect("a count");
        if idle == 0 {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("a session stays inside a transaction");
}

on_both! {
    async fn customers_who_go_away_leave_nothing_half_done(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(100_000)).await;
        let address: SocketAddr = shop.url.trim_start_matches("http://").parse().expect("an address");
        let mut carts = Vec::new();
        for _ in 0..10 {
            let mut guest = shop.guest();
            guest.add(&product, 1).await.expect(StatusCode::OK);
            carts.push(guest.cart.expect("a token"));
        }
        let order = shop.guest().buy(&product, 1).await;
        let cut = (0..15).map(|lane| {
            let (shop, product, carts, order) = (&shop, &product, &carts, &order);
            async move {
                for number in (lane..CUT).step_by(15) {
                    let cart = &carts[usize::try_from(number % 10).expect("a number")];
                    if chance(2) == 0 {
                        cut_on_the_wire(address, product, cart).await;
                    } else {
                        cut_in_the_client(shop, number, product, cart, order).await;
                    }
                }
            }
        });
        let bought = (0..5).map(|_| async {
            let mut orders = Vec::new();
            for _ in 0..4 {
                orders.push(buy(&shop, &product).await);
            }
            orders
        });
        let (_, bought) = join(join_all(cut), join_all(bought)).await;

        if let Some(url) = &shop.config().database {
            nobody_idles_in_a_transaction(url).await;
        }
        let mut guest = shop.guest();
        guest.position = shop.head().0;
        let bought: Vec<Placed> = bought.into_iter().flatten().collect();
        assert_eq!(bought.len(), 20);
        for order in &bought {
            assert_eq!(guest.show(order).await["status"], "paid");
        }
        buy(&shop, &product).await;
        let (mut placed, mut carts) = (HashSet::new(), HashSet::new());
        for event in shop.events_after(Position::START).await {
            if event.event_type == "OrderPlaced" {
                placed.insert(event.stream.id().to_owned());
                assert!(carts.insert(says(&event)["cart"].to_string()), "one cart, two orders");
            }
        }
        assert!(bought.iter().all(|order| placed.contains(&order.id)));
        shop.until_printed().await;
        let audit = verify(shop.app.log(), |_| {}).await.expect("the log is read");
        assert_eq!((audit.events, audit.fault), (shop.head().0, None));
        shop.close().await;
    }
}

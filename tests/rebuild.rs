//! Views that are made again while the shop is open: nobody is refused, nobody sees less than before.

use std::time::Duration;

use api::Config;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::{Append, Db, Expected, NewEvent, Recorded, StreamName, Transaction, db::Durability, on_db};
use tests::{
    on_both,
    rows::{self, dump},
    shop::{Answer, Backend, Shop},
};
use uuid::Uuid;

mod crash;
mod load;
mod nodes;
mod poison;

const NAMES: [&str; 8] = ["products", "carts", "orders", "histories", "promos", "promo_uses", "invoices", "sales"];

/// Where a view is, as the shop tells its staff.
async fn view(shop: &Shop, name: &str) -> Value {
    let answer = Answer::of(shop.staff(Method::GET, "/api/admin/projections")).await;
    let views = answer.expect(StatusCode::OK)["projections"].as_array().unwrap().clone();
    views.into_iter().find(|view| view["name"] == name).unwrap()
}

async fn command(shop: &Shop, name: &str, what: &str) -> Answer {
    Answer::of(shop.staff(Method::POST, &format!("/api/admin/projections/{name}/{what}"))).await
}

/// Looks on until the rebuild ends: how it ended. It never goes back.
async fn end_of_rebuild(shop: &Shop, name: &str) -> Value {
    let (mut position, mut progress) = (0, 0);
    for _ in 0..3_000 {
        let rebuild = view(shop, name).await["rebuild"].clone();
        let (now, far) = (rebuild["position"].as_u64().unwrap(), rebuild["progress"].as_u64().unwrap());
        assert!(now >= position && far >= progress, "{rebuild} after {position}, {progress}");
        assert!(now <= rebuild["head"].as_u64().unwrap() && far <= 1_000, "{rebuild}");
        (position, progress) = (now, far);
        let is_running = rebuild["state"] == "running";
        assert_eq!(is_running, rebuild.get("ended_at").is_none(), "{rebuild}");
        assert_eq!(far == 1_000, rebuild["state"] == "flipped", "{rebuild}");
        if !is_running {
            return rebuild;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the rebuild of {name} does not end");
}

/// Makes a view again and waits for the end of it.
async fn rebuilt(shop: &Shop, name: &str) {
    command(shop, name, "rebuild").await.expect(StatusCode::ACCEPTED);
    let ended = end_of_rebuild(shop, name).await;
    assert_eq!(ended["state"], "flipped", "{name}: {ended}");
}

async fn views_of(config: &Config) -> Db {
    Db::open(&config.views_target().unwrap(), Durability::Relaxed).await.unwrap()
}

async fn execute(db: &Db, statement: &str) {
    on_db!(db, write, |pool| sqlx::query(statement).execute(pool).await.map(drop)).unwrap();
}

/// The tables that hold the rows of a view.
async fn tables(config: &Config, name: &str) -> Vec<String> {
    let all = rows::tables(&config.views_target().unwrap()).await;
    all.into_iter().filter(|table| table.starts_with(&format!("{name}_v"))).collect()
}

/// Waits until a view has `count` tables.
async fn wait_for_tables(config: &Config, name: &str, count: usize) {
    for _ in 0..150 {
        if tables(config, name).await.len() == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{name} has {:?}", tables(config, name).await);
}

/// Makes the log long: `count` carts with something in them.
async fn fill(shop: &Shop, product: &str, count: usize) {
    let before = shop.head();
    let mut guest = shop.guest();
    guest.add(product, 1).await.expect(StatusCode::OK);
    let one: Recorded = shop.wait_for("CartItemAdded", before).await;
    for _ in 0..count / 500 {
        let appends = (0..500).map(|_| Append {
            stream: StreamName::new("cart", Uuid::now_v7()),
            expected: Expected::NoStream,
            events: vec![event(&one.event_type, &one.payload)],
        });
        append(shop, appends.collect(), &one).await;
    }
}

fn event(event_type: &str, payload: &str) -> NewEvent {
    NewEvent { id: Uuid::now_v7(), event_type: event_type.to_owned(), schema: 1, payload: payload.to_owned() }
}

async fn append(shop: &Shop, appends: Vec<Append>, like: &Recorded) {
    let metadata = like.metadata.clone();
    let transaction = Transaction { appends, metadata, at: like.recorded_at, key: None };
    assert!(shop.app.log().append(transaction).await.unwrap().stored);
}

on_both! {
    async fn a_rebuild_is_told_from_its_beginning_to_its_end(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(50)).await;
        fill(&shop, &product, 8_000).await;
        let before = view(&shop, "carts").await;
        assert!(before.get("rebuild").is_none() && before["rate"].is_u64(), "{before}");
        let begun = command(&shop, "carts", "rebuild").await;
        let begun = begun.expect(StatusCode::ACCEPTED);
        assert_eq!((&begun["name"], &begun["rebuild"]["origin"]), (&json!("carts"), &json!("anew")));
        let ended = end_of_rebuild(&shop, "carts").await;
        assert_eq!((&ended["state"], &ended["progress"], &ended["set_aside"]), (&json!("flipped"), &json!(1_000), &json!(0)));
        assert!(ended["rate"].as_u64().unwrap() > 0 && ended.get("seconds_left").is_none(), "{ended}");
        let after = view(&shop, "carts").await;
        assert_ne!(after["table"], before["table"]);
        assert_eq!((&after["state"], &after["lag"]), (&json!("following"), &json!(0)));
        // The others are as they were.
        assert!(view(&shop, "orders").await.get("rebuild").is_none());
        let order = shop.guest().buy(&product, 1).await;
        assert_eq!(shop.guest().show(&order).await["status"], "awaiting_payment");
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert_eq!(view(&shop, "carts").await["rate"], 0, "nothing happens");
        shop.close().await;
    }

    async fn only_the_staff_makes_a_known_view_again_and_once_at_a_time(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        shop.product("brume", 1990, Some(5)).await;
        let head = shop.head();
        for what in ["rebuild", "rollback"] {
            let guest = shop.request(Method::POST, &format!("/api/admin/projections/orders/{what}"));
            Answer::of(guest).await.expect_problem(StatusCode::UNAUTHORIZED, "staff-only");
            for name in ["nobody", "Orders", "%00", "checkpoints", "orders_v1"] {
                command(&shop, name, what).await.expect_problem(StatusCode::NOT_FOUND, "not-found");
            }
            let body = shop.staff(Method::POST, &format!("/api/admin/projections/orders/{what}"));
            Answer::of(body.json(&json!({"a": 1}))).await.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "body-invalid");
        }
        command(&shop, "orders", "rollback").await.expect_problem(StatusCode::CONFLICT, "rollback-nothing-kept");
        assert!(view(&shop, "orders").await.get("rebuild").is_none(), "nothing was begun");

        // While nobody can write to the views, the first one waits for its turn.
        let lock = Lock::take(&shop).await;
        let (first, second) = tokio::join!(command(&shop, "orders", "rebuild"), async {
            while view(&shop, "orders").await.get("rebuild").is_none() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let second = command(&shop, "orders", "rebuild").await;
            lock.release().await;
            second
        });
        second.expect_problem(StatusCode::CONFLICT, "rebuild-running");
        first.expect(StatusCode::ACCEPTED);
        assert_eq!(end_of_rebuild(&shop, "orders").await["state"], "flipped");

        // A repeated request is the same request, until there is another one.
        let again = |key: &'static str| {
            let request = shop.staff(Method::POST, "/api/admin/projections/orders/rebuild");
            Answer::of(request.header("idempotency-key", key))
        };
        again("0123456789abcdef").await.expect(StatusCode::ACCEPTED);
        let begun = end_of_rebuild(&shop, "orders").await;
        let table = view(&shop, "orders").await["table"].clone();
        let repeated = again("0123456789abcdef").await;
        assert_eq!(repeated.expect(StatusCode::ACCEPTED)["rebuild"], begun);
        assert_eq!(repeated.headers["idempotent-replayed"], "true");
        assert_eq!(view(&shop, "orders").await["table"], table);
        again("fedcba9876543210").await.expect(StatusCode::ACCEPTED);
        end_of_rebuild(&shop, "orders").await;
        assert_ne!(view(&shop, "orders").await["table"], table);
        assert_eq!(shop.head(), head, "a rebuild is no event");
        shop.close().await;
    }

    async fn one_goes_back_to_the_table_before(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        let first = view(&shop, "orders").await["table"].clone();
        let early = shop.guest().buy(&product, 1).await;
        rebuilt(&shop, "orders").await;
        let second = view(&shop, "orders").await["table"].clone();
        let late = shop.guest().buy(&product, 1).await;
        for (table, origin) in [(&first, "kept"), (&second, "kept"), (&first, "kept")] {
            command(&shop, "orders", "rollback").await.expect(StatusCode::ACCEPTED);
            let ended = end_of_rebuild(&shop, "orders").await;
            assert_eq!((&ended["state"], &ended["origin"]), (&json!("flipped"), &json!(origin)));
            assert_eq!(&view(&shop, "orders").await["table"], table);
            for order in [&early, &late] {
                assert_eq!(shop.guest().show(order).await["status"], "awaiting_payment");
            }
        }
        shop.guest().buy(&product, 1).await;
        shop.close().await;
        shop.reopen().await;
        assert_eq!(view(&shop, "orders").await["table"], first);
        let list = Answer::of(shop.staff(Method::GET, "/api/orders/list")).await;
        assert_eq!(list.expect(StatusCode::OK)["items"].as_array().unwrap().len(), 3);
        shop.close().await;
    }

    async fn old_tables_do_not_pile_up(backend: Backend) {
        let mut shop = Shop::open(backend).await;
        let product = shop.product("brume", 1990, Some(5)).await;
        for _ in 0..5 {
            rebuilt(&shop, "products").await;
            shop.available(&product).await;
        }
        // The one that answers and the one before it.
        wait_for_tables(shop.config(), "products", 2).await;
        rebuilt(&shop, "products").await;
        shop.close().await;
        shop.reopen().await;
        shop.available(&product).await;
        wait_for_tables(shop.config(), "products", 2).await;
        for name in NAMES.into_iter().filter(|name| *name != "products") {
            assert_eq!(tables(shop.config(), name).await.len(), 1, "{name}");
        }
        shop.close().await;
    }
}

/// Keeps everybody from writing to the views.
struct Lock(Session);

enum Session {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

impl Lock {
    async fn take(shop: &Shop) -> Self {
        use sqlx::{Connection as _, Executor as _};
        Self(match shop.config().views_target().unwrap() {
            store::Target::Sqlite(path) => {
                let url = format!("sqlite:{}", path.display());
                let mut session = sqlx::SqliteConnection::connect(&url).await.unwrap();
                session.execute("begin immediate").await.unwrap();
                Session::Sqlite(session)
            }
            store::Target::Postgres { url, schema } => {
                let mut session = sqlx::PgConnection::connect(&url).await.unwrap();
                session.execute("begin").await.unwrap();
                session.execute(&*format!("lock table {schema}.rebuilds in exclusive mode")).await.unwrap();
                Session::Postgres(session)
            }
            store::Target::Memory => panic!("views are in a database"),
        })
    }

    async fn release(self) {
        use sqlx::{Connection as _, Executor as _};
        match self.0 {
            Session::Sqlite(mut session) => {
                session.execute("rollback").await.unwrap();
                session.close().await.unwrap();
            }
            Session::Postgres(mut session) => {
                session.execute("rollback").await.unwrap();
                session.close().await.unwrap();
            }
        }
    }
}

//! Where the stories happen: a log and a vault that outlive the shops opened on them, a clock turned by hand, and a
//! payment provider that follows a script.

use std::{path::PathBuf, sync::Arc, time::Duration};

use commands::{
    Actor, Commands, Context, ManualClock, Patience, RequestKey, Setting, order::Checkout, product::NewProduct,
    reactors::Reactors,
};
use documents::PdfPrinter;
use domain::{
    Address, AttemptId, CartId, Contact, Email, Event, Language, Line, Localized, Money, OrderId, ProductId, Prose,
    Quantity, Slug, VatRate,
    product::{Description, Kind, ProductEvent},
};
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use store::{Archive, Key, Log, Position, Recorded, StreamName, Target, Vault};
use uuid::Uuid;

use super::script::Script;

/// A place for a shop that can be closed and opened again, or opened twice.
pub(super) struct Ground {
    place: Place,
    pub(super) clock: Arc<ManualClock>,
    pub(super) payments: Arc<Script>,
    pub(super) patience: Patience,
}

enum Place {
    Folder(PathBuf),
    Database(String),
}

impl Ground {
    pub(super) fn sqlite() -> Self {
        let folder = std::env::temp_dir().join(format!("webox-desk-{}", Uuid::now_v7()));
        Self::on(Place::Folder(folder))
    }

    pub(super) fn postgres() -> Self {
        Self::on(Place::Database(tests::postgres::database()))
    }

    fn on(place: Place) -> Self {
        let clock = ManualClock::new("2026-05-04T10:00:00Z".parse().unwrap());
        let hour = Duration::from_hours(1);
        let patience = Patience { order: hour, cart: hour * 24 };
        Self { place, clock: Arc::new(clock), payments: Arc::new(Script::new()), patience }
    }

    fn target(&self, schema: &str) -> Target {
        match &self.place {
            Place::Folder(folder) => Target::Sqlite(folder.join(format!("{schema}.db"))),
            Place::Database(url) => Target::Postgres { url: url.clone(), schema: schema.to_owned() },
        }
    }

    pub(super) fn log_target(&self) -> Target {
        self.target("log")
    }

    pub(super) async fn vault(&self) -> Vault {
        Vault::open(&self.target("vault")).await.unwrap()
    }

    /// A shop, or one more process of the same shop, that does nothing by itself.
    pub(super) async fn open(&self) -> Shop {
        let log = Log::open(&self.log_target()).await.unwrap();
        let vault = self.vault().await;
        let setting = Setting {
            clock: Arc::<ManualClock>::clone(&self.clock),
            payments: Arc::<Script>::clone(&self.payments),
            printer: Arc::new(PdfPrinter),
            archive: Archive::open(&self.target("archive"), vault.clone()).await.unwrap(),
            trade: tests::shop::trade(),
            patience: self.patience,
        };
        let commands = Commands::open(log.clone(), vault.clone(), setting);
        Shop { log, vault, commands: commands.await.unwrap(), reactors: None }
    }

    /// A shop that takes payments and keeps deadlines.
    pub(super) async fn open_alive(&self) -> Shop {
        let mut shop = self.open().await;
        shop.reactors = Some(shop.commands.react());
        shop
    }

    /// Runs SQL on the schema `log` or `vault` behind everybody's back.
    pub(super) async fn sql(&self, schema: &str, statement: &str) {
        match self.connect(schema).await {
            Connection::Sqlite(mut connection) => {
                connection.execute(statement).await.unwrap();
                connection.close().await.unwrap();
            }
            Connection::Postgres(mut connection) => {
                connection.execute(statement).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// Keeps everybody from writing to the schema `log` or `vault` until the answer is dropped or released. What is
    /// submitted meanwhile stays on its way. To be released within seconds: writers do not wait for ever.
    pub(super) async fn stall(&self, schema: &str) -> Stall {
        let mut connection = self.connect(schema).await;
        match &mut connection {
            Connection::Sqlite(connection) => {
                connection.execute("begin immediate").await.unwrap();
            }
            Connection::Postgres(connection) => {
                let table = if schema == "log" { "head" } else { "keys" };
                let lock = format!("lock table {table} in exclusive mode");
                connection.execute("begin").await.unwrap();
                connection.execute(&*lock).await.unwrap();
            }
        }
        Stall(connection)
    }

    async fn connect(&self, schema: &str) -> Connection {
        match &self.place {
            Place::Folder(folder) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new()
                    .filename(folder.join(format!("{schema}.db")))
                    .busy_timeout(Duration::from_secs(5));
                let connection = SqliteConnection::connect_with(&options).await.unwrap();
                Connection::Sqlite(connection)
            }
            Place::Database(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                let path = format!("set search_path to {schema}");
                connection.execute(&*path).await.unwrap();
                Connection::Postgres(connection)
            }
        }
    }

    /// The URL of the database, where this is one.
    pub(super) fn url(&self) -> Option<&str> {
        match &self.place {
            Place::Folder(_) => None,
            Place::Database(url) => Some(url),
        }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Place::Folder(folder) = &self.place {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// While this lives, nobody writes.
pub(super) struct Stall(Connection);

impl Stall {
    pub(super) async fn release(self) {
        match self.0 {
            Connection::Sqlite(mut connection) => {
                connection.execute("rollback").await.unwrap();
                connection.close().await.unwrap();
            }
            Connection::Postgres(mut connection) => {
                connection.execute("rollback").await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }
}

/// One process of a shop.
pub(super) struct Shop {
    pub(super) log: Log,
    pub(super) vault: Vault,
    pub(super) commands: Commands,
    reactors: Option<Reactors>,
}

impl Shop {
    pub(super) async fn close(self) {
        if let Some(reactors) = &self.reactors {
            reactors.stop().await;
        }
        self.log.close().await;
        self.vault.close().await;
    }

    /// The whole log.
    pub(super) async fn events(&self) -> Vec<Recorded> {
        let mut events: Vec<Recorded> = Vec::new();
        loop {
            let after = events.last().map_or(Position::START, |last| last.position);
            let page = self.log.read_all(after, 5_000).await.unwrap();
            if page.is_empty() {
                return events;
            }
            events.extend(page);
        }
    }

    /// Where the log ends.
    pub(super) async fn head(&self) -> Position {
        self.log.head().await.unwrap().position
    }

    /// What has happened to one thing.
    pub(super) async fn story(&self, kind: &str, id: impl std::fmt::Display) -> Vec<Event> {
        let stream = StreamName::new(kind, id);
        let events = self.log.read_stream(&stream, 0, 10_000).await.unwrap();
        events.iter().map(decoded).collect()
    }

    /// The names of what has happened to one thing.
    pub(super) async fn names(&self, kind: &str, id: impl std::fmt::Display) -> Vec<String> {
        let stream = StreamName::new(kind, id);
        let events = self.log.read_stream(&stream, 0, 10_000).await.unwrap();
        events.into_iter().map(|event| event.event_type).collect()
    }

    /// What is left of a product by what its events say. At no moment was it less than nothing.
    pub(super) async fn stock(&self, product: ProductId) -> Stock {
        let (mut on_hand, mut held) = (0, 0);
        for event in self.story("product", product).await {
            match event {
                Event::Product(ProductEvent::StockAdjusted { change, .. }) => on_hand += change,
                Event::Product(ProductEvent::StockReserved { quantity, .. }) => {
                    held += i64::from(quantity.get());
                }
                Event::Product(ProductEvent::StockReleased { quantity, .. }) => {
                    held -= i64::from(quantity.get());
                }
                Event::Product(ProductEvent::StockCommitted { quantity, .. }) => {
                    held -= i64::from(quantity.get());
                    on_hand -= i64::from(quantity.get());
                }
                _ => {}
            }
            assert!(held >= 0 && on_hand >= held, "{held} of {on_hand} pieces are held");
        }
        Stock { on_hand, held }
    }

    /// Proves the chain of hashes.
    pub(super) async fn prove(&self) {
        // A document may be printed meanwhile.
        let head = self.head().await;
        let audit = store::verify::verify(&self.log, |_| {}).await.unwrap();
        assert_eq!(audit.fault, None);
        assert!(Position(audit.events) >= head, "{} of {head}", audit.events);
    }

    /// A product for sale that costs `cents`; physical, with so many pieces, where `stock` says how many.
    pub(super) async fn product(&self, slug: &str, cents: i64, stock: Option<i64>) -> ProductId {
        let products = &self.commands.products;
        let kind = if stock.is_some() { Kind::Physical } else { Kind::Digital };
        let id = products.draft(&staff(), new_product(slug, kind, cents)).await.unwrap().value;
        if let Some(stock) = stock {
            products.adjust_stock(&staff(), id, stock).await.unwrap();
        }
        products.publish(&staff(), id).await.unwrap();
        id
    }

    /// A new cart with one of each product.
    pub(super) async fn cart(&self, products: &[ProductId]) -> CartId {
        let token = self.commands.carts.open_one(None, None).await.unwrap();
        let cart = token.cart();
        for product in products {
            self.commands.carts.add(&guest(cart), cart, *product, pieces(1)).await.unwrap();
        }
        cart
    }

    /// A new order of one `product` that costs `cents`.
    pub(super) async fn order(&self, product: ProductId, cents: i64) -> OrderId {
        let cart = self.cart(&[product]).await;
        let checkout = checkout(cart, 1, cents);
        self.commands.orders.check_out(&guest(cart), &checkout).await.unwrap().value
    }

    /// Asks for the money of an order.
    pub(super) async fn pay(&self, order: OrderId, method: &str) -> AttemptId {
        let method = Line::parse(method).unwrap();
        self.commands.orders.pay(&nobody(), order, method).await.unwrap().value
    }

    /// Waits until the last event of an order is `name`.
    pub(super) async fn until_order(&self, order: OrderId, name: &str) {
        eventually(name, async || self.names("order", order).await.last().is_some_and(|last| last == name)).await;
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stock {
    pub(super) on_hand: i64,
    pub(super) held: i64,
}

pub(super) fn decoded(event: &Recorded) -> Event {
    Event::decode(event.stream.kind(), &event.event_type, event.schema, &event.payload).unwrap()
}

/// Waits until `holds`, for half a minute at most.
pub(super) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1_500 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("this never came: {what}");
}

/// Long enough for what was started to get as far as it can.
pub(super) async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(150)).await;
}

pub(super) fn staff() -> Context {
    Context::new(Actor::Staff)
}

pub(super) fn guest(cart: CartId) -> Context {
    Context::new(Actor::Guest { cart: Some(cart) })
}

pub(super) fn nobody() -> Context {
    Context::new(Actor::Guest { cart: None })
}

/// The same with an idempotency key, for the request number `request`.
pub(super) fn keyed(context: Context, key: &str, request: u8) -> Context {
    let key = Key { scope: context.actor.scope(), key: key.to_owned() };
    Context { key: Some(RequestKey { key, request: [request; 32] }), ..context }
}

pub(super) fn new_product(slug: &str, kind: Kind, cents: i64) -> NewProduct {
    NewProduct {
        slug: Slug::parse(slug).unwrap(),
        kind,
        description: Description {
            name: Localized { fr: Line::parse("Affiche").unwrap(), en: None },
            text: Localized { fr: Prose::parse("Sur papier épais.").unwrap(), en: None },
            category: Slug::parse("affiches").unwrap(),
            tags: vec![],
        },
        price: Money::eur(cents),
        vat_rate: VatRate::parse(2000).unwrap(),
    }
}

pub(super) fn checkout(cart: CartId, version: u64, cents: i64) -> Checkout {
    Checkout {
        cart,
        cart_version: version,
        expected_total: Money::eur(cents),
        contact: contact("ana.personne@exemple.fr"),
        shipping: None,
        accepts_terms: true,
        accepts_immediate_start: true,
    }
}

pub(super) fn contact(email: &str) -> Contact {
    Contact {
        email: Email::parse(email).unwrap(),
        name: Line::parse("Ana Personne").unwrap(),
        billing: Address {
            street: Line::parse("12 rue des Lilas").unwrap(),
            extra: None,
            postal_code: Line::parse("75011").unwrap(),
            city: Line::parse("Paris").unwrap(),
            country: Line::parse("FR").unwrap(),
        },
        shipping: None,
        business: None,
        language: Language::Fr,
    }
}

pub(super) fn pieces(count: i64) -> Quantity {
    Quantity::parse(count).unwrap()
}

pub(super) fn later(hours: i64) -> chrono::TimeDelta {
    chrono::TimeDelta::hours(hours)
}

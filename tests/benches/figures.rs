//! First figures: `cargo bench -p tests`, with `-- --seconds N` a cell (3 by default).
//!
//! Every figure stands beside a baseline of the same run, on the same machine, with the same durability: what a program
//! does that gives each command a transaction of its own. Ratios are the result; absolute numbers are this machine's.

#![expect(clippy::print_stdout, clippy::float_arithmetic, reason = "a benchmark prints rates")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use commands::{Actor, Commands, Context, ManualClock, Patience, Setting, product::NewProduct, tokens::CartToken};
use documents::PdfPrinter;
use domain::{
    Line, Localized, Money, ProductId, Prose, Quantity, Slug, VatRate,
    product::{Description, Kind},
};
use projections::{Views, search::Query};
use reqwest::Method;
use sqlx::{Connection as _, Executor as _};
use store::{Archive, Db, Log, Target, Vault, db::Durability, on_db};
use tests::{
    postgres,
    shop::{Answer, Backend, Placed, Shop, folder},
};
use uuid::Uuid;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--seconds");
    let seconds = arguments.nth(1).and_then(|seconds| seconds.parse().ok()).unwrap_or(3);
    let cell = Duration::from_secs(seconds);
    println!("{:<44} {:>10} {:>12} {:>7}", "figure", "a second", "baseline", "ratio");
    for backend in [Backend::Sqlite, Backend::Postgres] {
        desk(backend, cell).await;
        rebuild(backend).await;
        checkout(backend, cell).await;
        search(backend, cell).await;
    }
}

fn row(figure: &str, rate: f64, baseline: Option<f64>) {
    let (baseline, ratio) =
        baseline.map_or((String::new(), String::new()), |base| (format!("{base:.0}"), format!("{:.1}", rate / base)));
    println!("{figure:<44} {rate:>10.0} {baseline:>12} {ratio:>7}");
}

/// Runs `work` from `clients` tasks for `cell`, and answers how often a second it was done.
async fn rate<F, W>(clients: usize, cell: Duration, work: F) -> f64
where
    F: Fn(usize) -> W,
    W: Future<Output = ()> + Send + 'static,
{
    let done = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    let begun = Instant::now();
    for client in 0..clients {
        let once = work(client);
        let done = Arc::clone(&done);
        tasks.spawn(async move {
            once.await;
            done.fetch_add(1, Ordering::Relaxed);
        });
    }
    while tasks.join_next().await.is_some() {
        if begun.elapsed() < cell {
            let once = work(usize::try_from(done.load(Ordering::Relaxed)).unwrap_or(0));
            let done = Arc::clone(&done);
            tasks.spawn(async move {
                once.await;
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
    }
    per_second(done.load(Ordering::Relaxed), begun)
}

#[expect(clippy::cast_precision_loss, reason = "a rate")]
fn per_second(count: u64, begun: Instant) -> f64 {
    count as f64 / begun.elapsed().as_secs_f64()
}

struct Stores {
    log: Log,
    vault: Vault,
    views: Target,
    baseline: Target,
    archive: Target,
}

async fn stores(backend: Backend) -> Stores {
    let (log, vault, views, baseline, archive) = match backend {
        Backend::Sqlite => {
            let folder = folder();
            let file = |name: &str| Target::Sqlite(folder.join(name));
            (file("log.db"), file("vault.db"), file("views.db"), file("baseline.db"), file("archive.db"))
        }
        Backend::Postgres => {
            let url = postgres::database();
            let schema = |name: &str| Target::Postgres { url: url.clone(), schema: name.to_owned() };
            (schema("log"), schema("vault"), schema("views"), schema("baseline"), schema("archive"))
        }
    };
    let log = Log::open(&log).await.expect("the log opens");
    let vault = Vault::open(&vault).await.expect("the vault opens");
    Stores { log, vault, views, baseline, archive }
}

impl Stores {
    /// The desks on these stores.
    async fn commands(&self) -> Commands {
        let setting = Setting {
            clock: Arc::new(ManualClock::new("2026-11-22T09:00:00Z".parse().expect("a moment"))),
            payments: Arc::new(providers::Sandbox::default()),
            printer: Arc::new(PdfPrinter),
            archive: Archive::open(&self.archive, self.vault.clone()).await.expect("the archive opens"),
            trade: tests::shop::trade(),
            patience: Patience::default(),
        };
        Commands::open(self.log.clone(), self.vault.clone(), setting).await.expect("the desks open")
    }
}

/// Commands through the desk: one item into a cart, on distinct carts and on one hot product's stock.
async fn desk(backend: Backend, cell: Duration) {
    let stores = stores(backend).await;
    let commands = stores.commands().await;
    let product = draft(&commands, "brume", Kind::Physical).await;

    let base = Db::open(&stores.baseline, Durability::Full).await.expect("the baseline opens");
    on_db!(&base, write, |pool| {
        pool.execute("create table events (stream text, version bigint, payload text, primary key (stream, version))")
            .await
            .expect("a table");
    });
    for clients in [1, 16, 64] {
        let baseline = {
            let base = base.clone();
            rate(clients, cell, move |_| {
                let base = base.clone();
                async move { one_transaction(&base).await }
            })
            .await
        };
        let distinct = {
            let commands = commands.clone();
            rate(clients, cell, move |_| {
                let commands = commands.clone();
                async move { add(&commands, product).await }
            })
            .await
        };
        row(&format!("{backend:?}: commands, {clients} in flight"), distinct, Some(baseline));
        if clients == 64 {
            let hot = rate(clients, cell, move |_| {
                let commands = commands.clone();
                async move {
                    let context = Context::new(Actor::Staff);
                    commands.products.adjust_stock(&context, product, 1).await.expect("stock comes");
                }
            })
            .await;
            row(&format!("{backend:?}: the same on one aggregate"), hot, Some(distinct));
            break;
        }
    }
}

async fn draft(commands: &Commands, slug: &str, kind: Kind) -> ProductId {
    let context = Context::new(Actor::Staff);
    let description = Description {
        name: Localized { fr: Line::parse(slug).expect("a name"), en: None },
        text: Localized { fr: Prose::parse(slug).expect("a text"), en: None },
        category: Slug::parse("tirages").expect("a slug"),
        tags: vec![],
    };
    let slug = Slug::parse(slug).expect("a slug");
    let vat_rate = VatRate::parse(2000).expect("a rate");
    let new = NewProduct { slug, kind, description, price: Money::eur(1990), vat_rate };
    let id = commands.products.draft(&context, new).await.expect("it is drafted").value;
    commands.products.publish(&context, id).await.expect("it is published");
    id
}

async fn add(commands: &Commands, product: ProductId) {
    let token: CartToken = commands.carts.open_one(None, None).await.expect("a cart");
    let context = Context::new(Actor::Guest { cart: Some(token.cart()) });
    let one = Quantity::parse(1).expect("one");
    commands.carts.add(&context, token.cart(), product, one).await.expect("it goes in");
}

/// What a program does that gives each command a transaction of its own: read the version, insert, commit.
async fn one_transaction(base: &Db) {
    let stream = Uuid::now_v7().to_string();
    on_db!(base, write, |pool| {
        let mut connection = pool.acquire().await.expect("a connection");
        let mut transaction = connection.begin().await.expect("a transaction");
        let _: Option<i64> = sqlx::query_scalar("select max(version) from events where stream = $1")
            .bind(&stream)
            .fetch_one(&mut *transaction)
            .await
            .expect("a version");
        sqlx::query("insert into events (stream, version, payload) values ($1, 1, $2)")
            .bind(&stream)
            .bind("{\"ItemAdded\":{\"product\":\"01a20375-247f-726f-9073-046dd8afac8e\",\"quantity\":1}}")
            .execute(&mut *transaction)
            .await
            .expect("a row");
        transaction.commit().await.expect("a commit");
    });
}

/// How fast views are made again: orders of two lines, every event folded into every view.
async fn rebuild(backend: Backend) {
    const CARTS: usize = 20_000;
    let stores = stores(backend).await;
    let commands = stores.commands().await;
    let product = draft(&commands, "brume", Kind::Digital).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CARTS {
        if tasks.len() >= 64 {
            tasks.join_next().await;
        }
        let commands = commands.clone();
        tasks.spawn(async move { add(&commands, product).await });
    }
    while tasks.join_next().await.is_some() {}
    let views = Views::open(&stores.log, &stores.vault, &stores.views).await.expect("the views open");
    let begun = Instant::now();
    let reached = views.rebuild("carts", &mut |_| {}).await.expect("it is made again");
    row(&format!("{backend:?}: rebuild of carts, events"), per_second(reached.0, begun), None);
}

/// Whole purchases over HTTP: cart, item, checkout, sandbox payment.
async fn checkout(backend: Backend, cell: Duration) {
    const CLIENTS: usize = 32;
    let shop = Arc::new(Shop::open(backend).await);
    let product: Arc<str> = shop.product("brume", 1990, Some(100_000_000)).await.into();
    let purchases = {
        let shop = Arc::clone(&shop);
        rate(CLIENTS, cell, move |_| {
            let (shop, product) = (Arc::clone(&shop), Arc::clone(&product));
            async move {
                let mut guest = shop.guest();
                let order: Placed = guest.buy(&product, 1).await;
                let paid = guest.pay(&order, "sandbox_ok").await;
                assert_eq!(paid.body["status"], "paid", "{}", paid.body);
            }
        })
        .await
    };
    row(&format!("{backend:?}: purchases over HTTP, {CLIENTS} in flight"), purchases, None);
    let listed = rate(64, cell, move |_| {
        let shop = Arc::clone(&shop);
        async move {
            let answer = shop.request(Method::GET, "/api/products").send().await.expect("an answer");
            answer.bytes().await.expect("a body");
        }
    })
    .await;
    row(&format!("{backend:?}: list of products over HTTP, 64 in flight"), listed, None);
}

/// Searches with facets over 1,000 products: words as they are written, mistyped, and none; in the process and over HTTP.
async fn search(backend: Backend, cell: Duration) {
    const PRODUCTS: usize = 1_000;
    const SORTS: [&str; 3] = ["Affiche", "Carnet", "Coffret"];
    const SEEN: [&str; 8] = ["mer", "montagne", "forêt", "ville", "brume", "nuit", "lumière", "jardin"];
    let shop = Arc::new(Shop::open(backend).await);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..PRODUCTS {
        if tasks.len() >= 64 {
            tasks.join_next().await;
        }
        let shop = Arc::clone(&shop);
        tasks.spawn(async move {
            let (sort, seen) = (SORTS[number % 3], SEEN[number % 8]);
            let name = format!("{sort} « {seen} {} » n° {number}", SEEN[number / 8 % 8]);
            let text =
                format!("{name}. Une {seen} imprimée sur papier mat, expédiée sous 2 jours ouvrés dans un tube.");
            let body = serde_json::json!({
                "slug": format!("produit-{number}"), "kind": "digital", "category": sort.to_lowercase(),
                "tags": [format!("theme-{}", number % 20), format!("serie-{}", number % 7)], "vat_rate": 2000,
                "name": {"fr": name}, "description": {"fr": text},
                "price": tests::shop::eur(i64::try_from(number).expect("a price") * 10),
            });
            let drafted = Answer::of(shop.staff(Method::POST, "/api/products").json(&body)).await;
            let id = drafted.body["id"].as_str().expect("an id").to_owned();
            let published = shop.staff(Method::POST, &format!("/api/products/{id}/publish"));
            assert!(Answer::of(published).await.status.is_success());
        });
    }
    while tasks.join_next().await.is_some() {}
    shop.app.views().search.wait(shop.head()).await.expect("the search follows");
    for (what, text) in [("as written", "affiche montagne"), ("mistyped", "afiche montange"), ("without words", "")] {
        let asked = Arc::new(Query { text: text.to_owned(), limit: 20, price_min: Some(500), ..Query::default() });
        let within = {
            let (shop, asked) = (Arc::clone(&shop), Arc::clone(&asked));
            rate(4, cell, move |_| {
                let (shop, asked) = (Arc::clone(&shop), Arc::clone(&asked));
                async move {
                    let found = shop.app.views().search.find(&asked).expect("it is searched");
                    assert!(found.total > 20);
                }
            })
            .await
        };
        row(&format!("{backend:?}: searches {what}"), within, None);
        let shop = Arc::clone(&shop);
        let asked = Arc::new(serde_json::json!({"query": text, "price_min": 500}));
        let over_http = rate(64, cell, move |_| {
            let (shop, asked) = (Arc::clone(&shop), Arc::clone(&asked));
            async move {
                let request = shop.request(Method::POST, "/api/search/products").json(&*asked);
                let answer = request.send().await.expect("an answer");
                assert!(answer.status().is_success());
                answer.bytes().await.expect("a body");
            }
        })
        .await;
        row(&format!("{backend:?}: the same over HTTP, 64 in flight"), over_http, None);
    }
}

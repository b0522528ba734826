//! The shop over HTTP, and the program `webox`.
//!
//! [`App`] is the shop, open. One file for each feature gives its commands and its queries, two routers with different
//! guards: `product`, `search`, `promo`, `cart`, `order`, `invoice`, `sales`, `monitoring`, `admin`. A handler extracts,
//! makes one call, answers. What they share is in `request`, `answer` and `error`; what stands around them in `layers`; how
//! connections are served in `serve`.

mod admin;
mod answer;
mod cart;
pub mod cli;
pub mod config;
mod contact;
mod demo;
mod docs;
mod error;
mod invoice;
mod language;
mod layers;
mod monitoring;
mod order;
mod product;
mod promo;
mod request;
mod sales;
mod search;
mod serve;
mod staff;
mod strict;
pub mod trade;

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use commands::{Clock, Commands, Setting, SystemClock, reactors::Reactors, shop, trade::Trade};
use documents::PdfPrinter;
use domain::ports::Payments;
use projections::Views;
use store::{Archive, DataFolder, Log, Position, Vault};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use commands::shop::Mode;
pub use config::Config;

use crate::{monitoring::Machine, request::TokenHash};

/// What stands before the address of the shop that has a data folder.
const ANNOUNCED: &str = "webox on ";

/// What the shop is opened with.
pub struct Setup {
    /// The settings.
    pub config: Config,
    /// The clock everything is decided by.
    pub clock: Arc<dyn Clock>,
    /// Who takes the money; where it is `None`, the sandbox in a demo shop and nobody in a real one.
    pub payments: Option<Arc<dyn Payments>>,
    /// How the shop trades; where it is `None`, as the file of the shop says.
    pub trade: Option<Trade>,
}

impl Setup {
    /// The shop as the settings say, on the clock of the machine.
    pub fn new(config: Config) -> Self {
        Self { config, clock: Arc::new(SystemClock), payments: None, trade: None }
    }
}

/// The shop, open. Clones are the same shop.
#[derive(Clone)]
pub struct App(Arc<Open>);

/// What an open shop is made of.
pub struct Open {
    commands: Commands,
    views: Views,
    log: Log,
    vault: Vault,
    archive: Archive,
    config: Config,
    mode: Mode,
    staff: Option<TokenHash>,
    reactors: Reactors,
    machine: Machine,
    opened: Instant,
    ready: AtomicBool,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Until the shop is closed.
    folder: Mutex<Option<DataFolder>>,
}

impl std::ops::Deref for App {
    type Target = Open;

    fn deref(&self) -> &Open {
        &self.0
    }
}

impl App {
    /// Opens the shop: takes the data folder, opens the stores, makes sure that they belong to this shop, and starts what
    /// the shop does by itself.
    pub async fn open(setup: Setup) -> anyhow::Result<Self> {
        let Setup { config, clock, payments, trade } = setup;
        let folder = DataFolder::take(&config.data)?;
        let log = Log::open(&config.log_target()?).await.context("the log cannot be opened")?;
        let vault = Vault::open(&config.vault_target()?).await.context("the vault cannot be opened")?;
        let archive = Archive::open(&config.archive_target()?, vault.clone()).await;
        let archive = archive.context("the archive cannot be opened")?;
        let mode = choose_mode(&config, shop::mode_of(&log).await?);
        let setting = Setting {
            clock,
            payments: payments.unwrap_or_else(|| provider(&config, mode)),
            printer: Arc::new(PdfPrinter),
            archive: archive.clone(),
            trade: match trade {
                Some(trade) => trade,
                None => trade_of(&config, mode)?,
            },
            patience: config.patience(),
        };
        let commands = Commands::open(log.clone(), vault.clone(), setting).await?;
        commands.shop.open(mode).await.context("this data belongs to another shop: see --demo and --data")?;

        let staff = match (&config.admin_token, mode) {
            (Some(token), _) => Some(staff::check(token.clone())?),
            (None, Mode::Demo) => Some(staff::of_demo(folder.path())?),
            (None, Mode::Live) => None,
        };
        let views = Views::open(&log, &vault, &config.views_target()?).await.context("the views cannot be opened")?;
        views.start();
        let reactors = commands.react();
        let app = Self(Arc::new(Open {
            staff: staff.as_deref().map(TokenHash::of),
            commands,
            views,
            log,
            vault,
            archive,
            config,
            mode,
            reactors,
            machine: Machine::new(),
            opened: Instant::now(),
            ready: AtomicBool::new(false),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            folder: Mutex::new(Some(folder)),
        }));
        app.start().await?;
        Ok(app)
    }

    async fn start(&self) -> anyhow::Result<()> {
        if !self.log.exclusive() {
            let (commands, stop) = (self.commands.clone(), self.stop.clone());
            self.tasks.spawn(async move { stop.run_until_cancelled(commands.follow_others()).await });
        }
        if self.mode == Mode::Demo {
            demo::stock(self).await.context("the demo shop cannot be stocked")?;
        }
        let app = self.clone();
        self.tasks.spawn(async move {
            let head = *app.log.watch().borrow();
            if app.stop.run_until_cancelled(app.views_reach(head)).await.is_some() {
                app.ready.store(true, Ordering::Release);
            }
        });
        Ok(())
    }

    /// Stops what the shop does by itself, lets the views see what is in the log, and closes the stores, the log last.
    /// Then somebody else may have the data folder.
    pub async fn close(&self) {
        const PATIENCE: Duration = Duration::from_secs(10);
        self.ready.store(false, Ordering::Release);
        self.stop.cancel();
        self.views.stop_rebuilds();
        self.reactors.stop().await;
        self.tasks.close();
        self.tasks.wait().await;
        let head = *self.log.watch().borrow();
        let _ = tokio::time::timeout(PATIENCE, self.views_reach(head)).await;
        self.views.close().await;
        self.archive.close().await;
        self.vault.close().await;
        self.log.close().await;
        self.folder.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Returns when every view has seen `head`; never, where one halted before it.
    async fn views_reach(&self, head: Position) {
        for mut reached in self.views.watches() {
            if reached.wait_for(|at| *at >= head).await.is_err() {
                return;
            }
        }
    }

    /// Tells a program that wants the data folder who has it.
    pub fn announce(&self, address: &str) -> anyhow::Result<()> {
        let mut folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = folder.as_mut() {
            folder.announce(&format!("{ANNOUNCED}{address}"))?;
        }
        Ok(())
    }

    /// What the shop was opened as.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The log, for those who prove what happened.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The vault, for those who forget.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The views.
    pub fn views(&self) -> &Views {
        &self.views
    }

    /// What can be done, without HTTP.
    pub fn commands(&self) -> &Commands {
        &self.commands
    }

    /// Whether the shop should be asked.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    fn is_staff_token(&self, token: &str) -> bool {
        self.staff.as_ref().is_some_and(|staff| staff.is_of(token))
    }

    fn data_folder(&self) -> &Path {
        &self.config.data
    }

    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn uptime(&self) -> Duration {
        self.opened.elapsed()
    }

    /// The name of the cookie that keeps a cart's token. Over plain http a browser takes no `__Host-` cookie.
    fn cart_cookie(&self) -> &'static str {
        if self.config.is_secure() { "__Host-webox-cart" } else { "webox-cart" }
    }

    fn set_cart_cookie(&self, token: &str) -> String {
        let name = self.cart_cookie();
        let age = self.config.patience().cart.as_secs();
        let secure = if self.config.is_secure() { "; Secure" } else { "" };
        format!("{name}={token}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}")
    }
}

/// A demo where it is asked for; where the log says that it is one, or is empty, it is one by itself, as long as nobody
/// named a store and nobody but this machine can come in.
fn choose_mode(config: &Config, opened_as: Option<Mode>) -> Mode {
    let trial = !config.names_a_store() && config.listen.ip().is_loopback() && opened_as != Some(Mode::Live);
    if config.demo || trial { Mode::Demo } else { Mode::Live }
}

/// How the shop trades. A real one says so itself: its documents carry the name of who sells.
fn trade_of(config: &Config, mode: Mode) -> anyhow::Result<Trade> {
    match (&config.shop, mode) {
        (Some(file), _) => trade::read(file),
        (None, Mode::Demo) => trade::of_demo(),
        (None, Mode::Live) => anyhow::bail!("a shop that sells says who sells: name its file with --shop (see README)"),
    }
}

fn provider(config: &Config, mode: Mode) -> Arc<dyn Payments> {
    if mode == Mode::Demo || config.sandbox_payments {
        Arc::new(providers::Sandbox::default())
    } else {
        Arc::new(providers::Nobody)
    }
}

//! Every setting, what it means and what it is where nobody says.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use commands::Patience;
use serde::Serialize;
use store::{StoreError, Target};

/// The settings: flags, or the environment.
#[derive(Debug, Clone, Args, Serialize)]
pub struct Config {
    /// Address to serve on
    #[arg(long, global = true, env = "WEBOX_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// Address customers see, when a proxy stands in between: with https, cookies are marked Secure
    #[arg(long, global = true, env = "WEBOX_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// Folder for everything that is kept in files
    #[arg(long, global = true, env = "WEBOX_DATA", default_value = "./data", value_name = "FOLDER")]
    pub data: PathBuf,

    /// PostgreSQL database for log, views and vault, each in a schema of its own: `postgres://…`
    #[arg(long, global = true, env = "WEBOX_DATABASE", value_name = "URL", hide_env_values = true)]
    #[serde(serialize_with = "without_password")]
    pub database: Option<String>,

    /// Where the log is, when it is elsewhere: `sqlite:PATH` or `postgres://…`
    #[arg(long, global = true, env = "WEBOX_LOG", value_name = "STORE", hide_env_values = true)]
    #[serde(serialize_with = "without_password")]
    pub log: Option<String>,

    /// Where the views are, when they are elsewhere: `sqlite:PATH` or `postgres://…`
    #[arg(long, global = true, env = "WEBOX_VIEWS", value_name = "STORE", hide_env_values = true)]
    #[serde(serialize_with = "without_password")]
    pub views: Option<String>,

    /// Where the vault is, when it is elsewhere: `sqlite:PATH` or `postgres://…`
    #[arg(long, global = true, env = "WEBOX_VAULT", value_name = "STORE", hide_env_values = true)]
    #[serde(serialize_with = "without_password")]
    pub vault: Option<String>,

    /// Where documents such as invoices are kept, when that is elsewhere: `sqlite:PATH` or `postgres://…`
    #[arg(long, global = true, env = "WEBOX_ARCHIVE", value_name = "STORE", hide_env_values = true)]
    #[serde(serialize_with = "without_password")]
    pub archive: Option<String>,

    /// JSON file that says who sells, how it ships and on which terms. Only a demo shop needs none
    #[arg(long, global = true, env = "WEBOX_SHOP", value_name = "FILE")]
    pub shop: Option<PathBuf>,

    /// Open a demo shop: sample products, sandbox payments. On by itself with an empty or demo data folder, no store
    /// named and a loopback address
    #[arg(long, global = true, env = "WEBOX_DEMO")]
    pub demo: bool,

    /// Take sandbox payments in a shop that is no demo: for rehearsals, where nobody pays anything
    #[arg(long, global = true, env = "WEBOX_SANDBOX_PAYMENTS")]
    pub sandbox_payments: bool,

    /// Bearer token of the staff, 32 characters or more. A demo shop draws its own
    #[arg(long, global = true, env = "WEBOX_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    #[serde(skip)]
    pub admin_token: Option<String>,

    /// Minutes an order waits for its money
    #[arg(long, global = true, env = "WEBOX_ORDER_MINUTES", default_value_t = 30, value_name = "MINUTES",
          value_parser = clap::value_parser!(u64).range(1..=43_200))]
    pub order_minutes: u64,

    /// Days a cart waits to be touched again
    #[arg(long, global = true, env = "WEBOX_CART_DAYS", default_value_t = 30, value_name = "DAYS",
          value_parser = clap::value_parser!(u64).range(1..=365))]
    pub cart_days: u64,

    /// Origins besides its own that browsers may send commands from, separated by commas
    #[arg(long, global = true, env = "WEBOX_TRUSTED_ORIGINS", value_delimiter = ',', value_name = "ORIGINS")]
    pub trusted_origins: Vec<String>,

    /// Requests worked on at once, before more are turned away
    #[arg(long, global = true, env = "WEBOX_MAX_REQUESTS", default_value_t = 512, value_name = "COUNT")]
    pub max_requests: usize,

    /// Connections held at once
    #[arg(long, global = true, env = "WEBOX_MAX_CONNECTIONS", default_value_t = 12_000, value_name = "COUNT")]
    pub max_connections: usize,

    /// Connections held at once from one address
    #[arg(long, global = true, env = "WEBOX_MAX_CONNECTIONS_PER_ADDRESS", default_value_t = 200, value_name = "COUNT")]
    pub max_connections_per_address: usize,

    /// What is written to the log of the program: a level, or directives such as `info,sqlx=warn`
    #[arg(long, global = true, env = "WEBOX_LOG_LEVEL", default_value = "info,sqlx=warn", value_name = "LEVEL")]
    pub log_level: String,

    /// How it is written
    #[arg(long, global = true, env = "WEBOX_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub log_format: LogFormat,
}

/// How the log of the program is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A store without its password, to be shown.
#[expect(clippy::ref_option, reason = "serde calls it like this")]
fn without_password<S: serde::Serializer>(store: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    store.as_deref().map(hide_password).serialize(serializer)
}

fn hide_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (rest, _options) = rest.split_once('?').unwrap_or((rest, ""));
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            format!("{scheme}://{}:***@{host}", user.split(':').next().unwrap_or_default())
        }
        None => format!("{scheme}://{rest}"),
    }
}

impl Config {
    /// The settings where nobody says anything, with everything kept in files below `data`, on a port that is free.
    pub fn embedded(data: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public_url: None,
            data: data.into(),
            database: None,
            log: None,
            views: None,
            vault: None,
            archive: None,
            shop: None,
            demo: false,
            sandbox_payments: false,
            admin_token: None,
            order_minutes: 30,
            cart_days: 30,
            trusted_origins: Vec::new(),
            max_requests: 512,
            max_connections: 12_000,
            max_connections_per_address: 200,
            log_level: "info,sqlx=warn".to_owned(),
            log_format: LogFormat::Text,
        }
    }

    /// Whether a store is named, so that this is no trial of the program.
    pub(crate) const fn names_a_store(&self) -> bool {
        self.database.is_some()
            || self.log.is_some()
            || self.views.is_some()
            || self.vault.is_some()
            || self.archive.is_some()
    }

    /// Where the log is.
    pub fn log_target(&self) -> Result<Target, StoreError> {
        self.target(self.log.as_deref(), "log")
    }

    /// Where the views are.
    pub fn views_target(&self) -> Result<Target, StoreError> {
        self.target(self.views.as_deref(), "views")
    }

    /// Where the vault is.
    pub fn vault_target(&self) -> Result<Target, StoreError> {
        self.target(self.vault.as_deref(), "vault")
    }

    /// Where documents are kept.
    pub fn archive_target(&self) -> Result<Target, StoreError> {
        self.target(self.archive.as_deref(), "archive")
    }

    fn target(&self, store: Option<&str>, name: &str) -> Result<Target, StoreError> {
        match store.or(self.database.as_deref()) {
            Some(store) => Target::parse(store, name),
            None => Ok(Target::Sqlite(self.data.join(format!("{name}.db")))),
        }
    }

    /// How long the shop waits for people.
    pub const fn patience(&self) -> Patience {
        Patience {
            order: Duration::from_secs(self.order_minutes * 60),
            cart: Duration::from_secs(self.cart_days * 24 * 60 * 60),
        }
    }

    /// Whether customers come over https.
    pub(crate) fn is_secure(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }
}

impl fmt::Display for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&serde_json::to_string_pretty(self).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_says_is_the_same_everywhere() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            config: Config,
        }
        let parsed = <Line as clap::Parser>::parse_from(["webox"]).config;
        let embedded = Config { listen: parsed.listen, ..Config::embedded("./data") };
        assert_eq!(parsed.to_string(), embedded.to_string());
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(hide_password("postgres://ana:s3:cr@t@host/db?x=s3cret"), "postgres://ana:***@host/db");
        assert_eq!(hide_password("sqlite:data/log.db"), "sqlite:data/log.db");
    }
}

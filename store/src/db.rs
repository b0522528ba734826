//! What the databases have in common: how they are opened, and how one SQL text runs on both.

use std::{path::Path, str::FromStr, time::Duration};

use sqlx::{
    PgPool, SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::StoreError;

/// Where a store lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// In this process, until it ends. For tests of the log.
    Memory,
    /// In this file.
    Sqlite(std::path::PathBuf),
    /// In this schema of a PostgreSQL database.
    Postgres {
        /// `postgres://…`
        url: String,
        /// The schema.
        schema: String,
    },
}

impl Target {
    /// Reads `sqlite:PATH` or `postgres://…`; the latter gets `schema`.
    pub fn parse(text: &str, schema: &str) -> Result<Self, StoreError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres { url: text.to_owned(), schema: schema.to_owned() });
        }
        match text.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(path.strip_prefix("//").unwrap_or(path).into())),
            _ => Err(StoreError::Refused("a store is sqlite:PATH or postgres://…".to_owned())),
        }
    }
}

/// What a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A power cut.
    Full,
    /// The end of the process; a power cut may take the last commits, but leaves no half of one. For what can be
    /// rebuilt.
    Relaxed,
}

/// Two typed pools behind one type: one SQL text, with `$1` for its parameters, runs on either.
///
/// On SQLite a single connection writes and checkpoints, and the others cannot write: SQLite before 3.51.3 may corrupt a
/// file that two connections write to or checkpoint at once.
#[derive(Debug, Clone)]
pub enum Db {
    /// A file.
    Sqlite {
        /// One connection.
        write: SqlitePool,
        /// Connections that cannot write.
        read: SqlitePool,
    },
    /// A schema.
    Postgres {
        /// Connections for the tasks that write.
        write: PgPool,
        /// Connections for queries, with short timeouts.
        read: PgPool,
    },
}

/// Runs one expression on the `read` or the `write` pool of a [`Db`], whichever database it is.
#[macro_export]
macro_rules! on_db {
    ($db:expr, $side:ident, |$pool:ident| $body:expr) => {
        match $db {
            $crate::Db::Sqlite { $side: $pool, .. } => $body,
            $crate::Db::Postgres { $side: $pool, .. } => $body,
        }
    };
}

impl Db {
    /// Opens the store, and makes it where it is missing.
    pub async fn open(target: &Target, durability: Durability) -> Result<Self, StoreError> {
        match target {
            Target::Memory => Err(StoreError::Refused("only the log can live in memory".to_owned())),
            Target::Sqlite(path) => open_sqlite(path, durability).await,
            Target::Postgres { url, schema } => open_postgres(url, schema, durability).await,
        }
    }

    /// Whether this is PostgreSQL, for the few texts that differ: those are kept in this crate and in the one file of
    /// the projections that writes rows.
    pub const fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres { .. })
    }

    /// Whether the database can be read.
    pub async fn answers(&self) -> Result<(), StoreError> {
        on_db!(self, read, |pool| {
            sqlx::query("select 1").execute(pool).await?;
        });
        Ok(())
    }

    /// Leaves nothing of what was deleted in the file beside a SQLite database that remembers its last changes.
    /// PostgreSQL sees to its own files when it vacuums.
    pub(crate) async fn shed(&self) -> Result<(), sqlx::Error> {
        if let Self::Sqlite { write, .. } = self {
            sqlx::query("pragma wal_checkpoint(truncate)").execute(write).await?;
        }
        Ok(())
    }

    /// Closes all connections; those that write last, so that the last one checkpoints.
    pub async fn close(&self) {
        on_db!(self, read, |pool| close_pool(pool).await);
        on_db!(self, write, |pool| close_pool(pool).await);
    }
}

/// Closes `pool` and returns when its last connection is gone: `Pool::close` alone may return while one that was just
/// used is still on its way back.
pub(crate) async fn close_pool<D: sqlx::Database>(pool: &sqlx::Pool<D>) {
    loop {
        pool.close().await;
        if pool.size() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn open_sqlite(path: &Path, durability: Durability) -> Result<Db, StoreError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let synchronous = match durability {
        Durability::Full => SqliteSynchronous::Full,
        Durability::Relaxed => SqliteSynchronous::Normal,
    };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(Duration::from_secs(30))
        .pragma("wal_autocheckpoint", "4000")
        .pragma("cache_size", "-16000")
        // What is deleted is overwritten: a person's key, and the rows of views that speak of people.
        .pragma("secure_delete", "on");
    let write = SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(30))
        .connect_with(options.clone())
        .await?;
    only_for_its_owner(path)?;

    let mode: String = sqlx::query_scalar("pragma journal_mode").fetch_one(&write).await?;
    let level: i64 = sqlx::query_scalar("pragma synchronous").fetch_one(&write).await?;
    if mode != "wal" || (durability == Durability::Full && level < 2) {
        return Err(StoreError::Refused(format!(
            "SQLite runs with journal_mode={mode} and synchronous={level}; the shop promises wal and 2 (full)"
        )));
    }
    let read = SqlitePoolOptions::new()
        .max_connections(8)
        .acquire_timeout(Duration::from_secs(2))
        .connect_with(options.create_if_missing(false).pragma("query_only", "true"))
        .await?;
    Ok(Db::Sqlite { write, read })
}

/// Connections to an existing file that cannot write to it.
pub(crate) async fn open_sqlite_to_read(path: &Path) -> Result<SqlitePool, StoreError> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(Duration::from_secs(30));
    Ok(SqlitePoolOptions::new().max_connections(2).connect_with(options.pragma("query_only", "true")).await?)
}

/// A store holds keys, or what they open: nobody else on the machine reads it.
fn only_for_its_owner(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

async fn open_postgres(url: &str, schema: &str, durability: Durability) -> Result<Db, StoreError> {
    let options = postgres_options(url, schema)?;
    let mut once = sqlx::Connection::connect_with(&options).await?;
    make_schema(&mut once, schema).await?;
    check_postgres(&mut once).await?;
    sqlx::Connection::close(once).await?;

    let commit = match durability {
        Durability::Full => "on",
        Durability::Relaxed => "off",
    };
    let write = PgPoolOptions::new()
        .max_connections(6)
        .acquire_timeout(Duration::from_secs(30))
        .connect_with(
            options.clone().options([("synchronous_commit", commit), ("idle_in_transaction_session_timeout", "30s")]),
        )
        .await?;
    let read = read_postgres(options).await?;
    Ok(Db::Postgres { write, read })
}

/// Connections to an existing schema that cannot write to it.
pub(crate) async fn open_postgres_to_read(url: &str, schema: &str) -> Result<PgPool, StoreError> {
    read_postgres(postgres_options(url, schema)?).await
}

fn postgres_options(url: &str, schema: &str) -> Result<PgConnectOptions, StoreError> {
    if !schema.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') || schema.is_empty() {
        return Err(StoreError::Refused("a schema is named with lower-case letters".to_owned()));
    }
    Ok(PgConnectOptions::from_str(url)?.application_name("webox").options([
        ("search_path", schema),
        ("default_transaction_isolation", r"read\ committed"),
        ("lock_timeout", "10s"),
    ]))
}

async fn read_postgres(options: PgConnectOptions) -> Result<PgPool, StoreError> {
    Ok(PgPoolOptions::new()
        .max_connections(12)
        .acquire_timeout(Duration::from_secs(2))
        .connect_with(options.options([("statement_timeout", "30s"), ("default_transaction_read_only", "on")]))
        .await?)
}

/// Makes the schema where it is missing. Two processes that start at once may both try; the one that comes second finds
/// it made.
async fn make_schema(connection: &mut sqlx::PgConnection, schema: &str) -> Result<(), StoreError> {
    let statement = format!("create schema if not exists {schema}");
    match sqlx::query(&statement).execute(&mut *connection).await {
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// PostgreSQL with these settings off loses what it confirmed: the shop would rather not start.
async fn check_postgres(connection: &mut sqlx::PgConnection) -> Result<(), StoreError> {
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        let value: String =
            sqlx::query_scalar("select current_setting($1)").bind(setting).fetch_one(&mut *connection).await?;
        if value == "off" {
            return Err(StoreError::Refused(format!("PostgreSQL runs with {setting}=off and would lose paid orders")));
        }
    }
    Ok(())
}

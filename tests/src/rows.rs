//! What a store holds, row by row, as its database tells it.

use std::collections::BTreeMap;

use api::Config;
use projections::Views;
use store::{Db, Log, Target, Vault, db::Durability};

/// The name of a table of views without the number that tells it from those made again.
pub fn without_number(table: &str) -> &str {
    let is_number = |end: &str| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit());
    table.rsplit_once('_').filter(|(name, end)| name.contains("_v") && is_number(end)).map_or(table, |(name, _)| name)
}

/// Every row of every table of a store that nobody writes to, as text.
pub async fn dump(target: &Target) -> BTreeMap<String, Vec<String>> {
    let db = Db::open(target, Durability::Relaxed).await.expect("the store opens");
    let mut tables = BTreeMap::new();
    for table in tables_of(&db).await {
        let mut rows = rows_of(&db, &table).await;
        rows.sort_unstable();
        tables.insert(table, rows);
    }
    db.close().await;
    tables
}

/// The names of the tables of a store, which others may write to.
pub async fn tables(target: &Target) -> Vec<String> {
    let db = Db::open(target, Durability::Relaxed).await.expect("the store opens");
    let tables = tables_of(&db).await;
    db.close().await;
    tables
}

async fn tables_of(db: &Db) -> Vec<String> {
    match db {
        Db::Sqlite { read, .. } => {
            sqlx::query_scalar("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
                .fetch_all(read)
                .await
                .expect("the tables are listed")
        }
        Db::Postgres { read, .. } => {
            sqlx::query_scalar("select tablename::text from pg_tables where schemaname = current_schema()")
                .fetch_all(read)
                .await
                .expect("the tables are listed")
        }
    }
}

async fn rows_of(db: &Db, table: &str) -> Vec<String> {
    match db {
        Db::Sqlite { read, .. } => {
            let columns: Vec<String> =
                sqlx::query_scalar("select 'quote(\"' || name || '\")' from pragma_table_info($1)")
                    .bind(table)
                    .fetch_all(read)
                    .await
                    .expect("the columns are listed");
            let row = columns.join(" || ',' || ");
            sqlx::query_scalar(&format!("select {row} from \"{table}\"")).fetch_all(read).await
        }
        Db::Postgres { read, .. } => {
            let rows = format!("select r::text from \"{table}\" r");
            sqlx::query_scalar(&rows).fetch_all(read).await
        }
    }
    .expect("the rows are read")
}

/// Throws the views of a shop that is closed away, and makes them again from its log.
pub async fn rebuild(config: &Config) {
    let log = Log::open(&config.log_target().expect("a store")).await.expect("the log opens");
    let vault = Vault::open(&config.vault_target().expect("a store")).await.expect("the vault opens");
    let views = Views::open(&log, &vault, &config.views_target().expect("a store")).await.expect("the views open");
    for name in views.names().collect::<Vec<_>>() {
        let reached = views.rebuild(name, &mut |_| {}).await.expect("the view is made again");
        assert_eq!(reached, *log.watch().borrow());
    }
    views.retire().await.expect("the old tables go");
    views.close().await;
    vault.close().await;
    log.close().await;
}

//! Where a view is, as its database keeps it: which log, which position, which hash, which epoch.
//!
//! The row under the view's name is the live one: its table answers. A table that is being filled, or is kept to go back
//! to, has a row under its own name; `generations` moves them about.

use store::{Db, Position, StoreError, on_db};

/// A stored checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Checkpoint {
    pub(super) table_name: String,
    pub(super) log: String,
    pub(super) position: i64,
    pub(super) hash: String,
    /// Raised each time the view begins anew or another table becomes the live one.
    pub(super) epoch: i64,
}

impl Checkpoint {
    pub(super) fn at(&self) -> Position {
        Position(u64::try_from(self.position).unwrap_or(0))
    }
}

/// What a page of events comes to.
pub(super) struct Page<'folded> {
    /// The statement that writes rows.
    pub(super) upsert: String,
    /// The rows as JSON, where there are any.
    pub(super) rows: Option<String>,
    /// Events that could not be folded, and why.
    pub(super) set_aside: &'folded [(Position, String)],
}

/// Makes what every view's checkpoints are kept in.
pub(crate) async fn make_tables(db: &Db) -> Result<(), StoreError> {
    let statements = [
        "create table if not exists checkpoints (
             projection text primary key, table_name text not null, log text not null,
             position bigint not null, hash text not null, epoch bigint not null)",
        "create table if not exists set_aside (
             projection text not null, position bigint not null, error text not null,
             primary key (projection, position))",
        "create table if not exists rebuilds (projection text primary key, table_name text not null)",
    ];
    on_db!(db, write, |pool| {
        for statement in statements {
            sqlx::query(statement).execute(pool).await?;
        }
    });
    Ok(())
}

/// The checkpoint under `key`: the name of a view, or that of a table which is not live.
pub(super) async fn read(db: &Db, key: &str) -> Result<Option<Checkpoint>, StoreError> {
    Ok(on_db!(db, read, |pool| {
        sqlx::query_as("select table_name, log, position, hash, epoch from checkpoints where projection = $1")
            .bind(key)
            .fetch_optional(pool)
            .await?
    }))
}

pub(super) async fn count_set_aside(db: &Db, key: &str) -> Result<u64, StoreError> {
    let count: i64 = on_db!(db, read, |pool| {
        sqlx::query_scalar("select count(*) from set_aside where projection = $1").bind(key).fetch_one(pool).await?
    });
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Writes a page and moves the checkpoint under `key`, both or neither. `false`: the checkpoint is not at `from`.
pub(super) async fn write(
    db: &Db,
    key: &str,
    from: &Checkpoint,
    to: &Checkpoint,
    page: Page<'_>,
) -> Result<bool, StoreError> {
    on_db!(db, write, |pool| {
        let mut transaction = pool.begin().await?;
        // The checkpoint first: who comes second waits here and is turned away before it has done any work.
        let moved = sqlx::query(
            "update checkpoints set position = $1, hash = $2
             where projection = $3 and table_name = $4 and log = $5 and position = $6 and epoch = $7",
        )
        .bind(to.position)
        .bind(&to.hash)
        .bind(key)
        .bind(&from.table_name)
        .bind(&from.log)
        .bind(from.position)
        .bind(from.epoch)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        if moved != 1 {
            transaction.rollback().await?;
            return Ok(false);
        }
        if let Some(rows) = page.rows {
            sqlx::query(&page.upsert).bind(rows).execute(&mut *transaction).await?;
        }
        for (position, error) in page.set_aside {
            sqlx::query("insert into set_aside (projection, position, error) values ($1, $2, $3)")
                .bind(key)
                .bind(position.to_column())
                .bind(error)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
    });
    Ok(true)
}

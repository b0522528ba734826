//! Where a view is, as its database keeps it: which log, which position, which hash, which epoch.

use store::{Db, Position, StoreError, on_db};

/// A stored checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Checkpoint {
    pub(super) table_name: String,
    pub(super) log: String,
    pub(super) position: i64,
    pub(super) hash: String,
    /// Raised each time the view begins anew.
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

/// Makes what every view's checkpoint is kept in.
pub(crate) async fn make_tables(db: &Db) -> Result<(), StoreError> {
    let statements = [
        "create table if not exists checkpoints (
             projection text primary key, table_name text not null, log text not null,
             position bigint not null, hash text not null, epoch bigint not null)",
        "create table if not exists set_aside (
             projection text not null, position bigint not null, error text not null,
             primary key (projection, position))",
    ];
    on_db!(db, write, |pool| {
        for statement in statements {
            sqlx::query(statement).execute(pool).await?;
        }
    });
    Ok(())
}

pub(super) async fn read(db: &Db, projection: &str) -> Result<Option<Checkpoint>, StoreError> {
    Ok(on_db!(db, read, |pool| {
        sqlx::query_as("select table_name, log, position, hash, epoch from checkpoints where projection = $1")
            .bind(projection)
            .fetch_optional(pool)
            .await?
    }))
}

pub(super) async fn count_set_aside(db: &Db, projection: &str) -> Result<u64, StoreError> {
    let count: i64 = on_db!(db, read, |pool| {
        sqlx::query_scalar("select count(*) from set_aside where projection = $1")
            .bind(projection)
            .fetch_one(pool)
            .await?
    });
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Makes the view's table with `ddl`, empty, and puts its checkpoint before the first event.
pub(super) async fn begin_anew(
    db: &Db,
    projection: &str,
    mut ddl: Vec<String>,
    old: Option<Checkpoint>,
    fresh: &Checkpoint,
) -> Result<(), StoreError> {
    if let Some(old) = old.filter(|old| old.table_name != fresh.table_name) {
        ddl.push(format!("drop table if exists {}", old.table_name));
    }
    on_db!(db, write, |pool| {
        let mut transaction = pool.begin().await?;
        for statement in &ddl {
            sqlx::query(statement).execute(&mut *transaction).await?;
        }
        sqlx::query("delete from set_aside where projection = $1").bind(projection).execute(&mut *transaction).await?;
        sqlx::query(
            "insert into checkpoints (projection, table_name, log, position, hash, epoch)
             values ($1, $2, $3, $4, $5, $6)
             on conflict (projection) do update set table_name = excluded.table_name, log = excluded.log,
                 position = excluded.position, hash = excluded.hash, epoch = excluded.epoch",
        )
        .bind(projection)
        .bind(&fresh.table_name)
        .bind(&fresh.log)
        .bind(fresh.position)
        .bind(&fresh.hash)
        .bind(fresh.epoch)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
    });
    Ok(())
}

/// Writes a page and moves the checkpoint, both or neither. `false`: the checkpoint is not at `from`.
pub(super) async fn write(
    db: &Db,
    projection: &str,
    from: &Checkpoint,
    to: &Checkpoint,
    page: Page<'_>,
) -> Result<bool, StoreError> {
    on_db!(db, write, |pool| {
        let mut transaction = pool.begin().await?;
        if let Some(rows) = page.rows {
            sqlx::query(&page.upsert).bind(rows).execute(&mut *transaction).await?;
        }
        for (position, error) in page.set_aside {
            sqlx::query("insert into set_aside (projection, position, error) values ($1, $2, $3)")
                .bind(projection)
                .bind(position.to_column())
                .bind(error)
                .execute(&mut *transaction)
                .await?;
        }
        let moved = sqlx::query(
            "update checkpoints set position = $1, hash = $2
             where projection = $3 and table_name = $4 and log = $5 and position = $6 and epoch = $7",
        )
        .bind(to.position)
        .bind(&to.hash)
        .bind(projection)
        .bind(&from.table_name)
        .bind(&from.log)
        .bind(from.position)
        .bind(from.epoch)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        if moved == 1 {
            transaction.commit().await?;
        }
        Ok(moved == 1)
    })
}

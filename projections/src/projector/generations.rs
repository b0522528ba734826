//! The tables of a view: the live one, one that is being filled, one that is kept to go back to.
//!
//! What fills a table holds the claim, a row of `rebuilds`, of which a view has one at most. Each step here is one
//! transaction; a process that ends in the middle leaves a claim and a table, and whoever comes next throws both away.

use store::{Db, StoreError, on_db};

use super::checkpoint::Checkpoint;

/// A table of a view that is not live, by its own name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Aside {
    pub(super) checkpoint: Checkpoint,
    /// Whether it is being filled; else it is kept to go back to.
    pub(super) is_claimed: bool,
}

/// Every table of `view` that is not live, the one that was live last first.
pub(super) async fn aside(db: &Db, view: &str) -> Result<Vec<Aside>, StoreError> {
    let (rows, claimed): (Vec<Checkpoint>, Option<String>) = on_db!(db, read, |pool| {
        let rows = sqlx::query_as(
            "select table_name, log, position, hash, epoch from checkpoints
             where projection = table_name order by epoch desc",
        );
        let claimed = sqlx::query_scalar("select table_name from rebuilds where projection = $1").bind(view);
        (rows.fetch_all(pool).await?, claimed.fetch_optional(pool).await?)
    });
    let own = rows.into_iter().filter(|row| is_table_of(view, &row.table_name));
    Ok(own
        .map(|checkpoint| Aside { is_claimed: claimed.as_ref() == Some(&checkpoint.table_name), checkpoint })
        .collect())
}

/// Whether a table was made for `view`, by whatever version.
fn is_table_of(view: &str, table: &str) -> bool {
    let version = table.strip_prefix(view).and_then(|rest| rest.strip_prefix("_v"));
    version.is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
}

/// Makes a table with `ddl`, empty, and makes it the live one before the first event; every other table of the view goes.
/// `false`: the live checkpoint is not `old` any more.
pub(super) async fn begin_anew(
    db: &Db,
    view: &str,
    ddl: Vec<String>,
    old: Option<&Checkpoint>,
    fresh: &Checkpoint,
) -> Result<bool, StoreError> {
    let mut gone: Vec<String> = aside(db, view).await?.into_iter().map(|aside| aside.checkpoint.table_name).collect();
    gone.extend(old.map(|old| old.table_name.clone()));
    // Somebody may just have begun to fill one of this name.
    gone.push(fresh.table_name.clone());
    on_db!(db, write, |pool| {
        let mut transaction = pool.begin().await?;
        let taken = sqlx::query(
            "insert into checkpoints (projection, table_name, log, position, hash, epoch)
             values ($1, $2, $3, $4, $5, $6)
             on conflict (projection) do update set table_name = excluded.table_name, log = excluded.log,
                 position = excluded.position, hash = excluded.hash, epoch = excluded.epoch
             where checkpoints.epoch = $7",
        )
        .bind(view)
        .bind(&fresh.table_name)
        .bind(&fresh.log)
        .bind(fresh.position)
        .bind(&fresh.hash)
        .bind(fresh.epoch)
        .bind(old.map_or(0, |old| old.epoch))
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        if taken != 1 {
            transaction.rollback().await?;
            return Ok(false);
        }
        for table in &gone {
            sqlx::query(&format!("drop table if exists {table}")).execute(&mut *transaction).await?;
            for statement in
                ["delete from checkpoints where projection = $1", "delete from set_aside where projection = $1"]
            {
                sqlx::query(statement).bind(table).execute(&mut *transaction).await?;
            }
        }
        for statement in ["delete from rebuilds where projection = $1", "delete from set_aside where projection = $1"] {
            sqlx::query(statement).bind(view).execute(&mut *transaction).await?;
        }
        for statement in &ddl {
            sqlx::query(statement).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
    });
    Ok(true)
}

/// Claims the right to fill a table of `view`: a new one, made with `ddl`, or the one that is kept at `from`. `false`:
/// somebody else has the claim, or things are not as they were when `live` was.
pub(super) async fn claim(
    db: &Db,
    view: &str,
    live: &Checkpoint,
    from: &Checkpoint,
    ddl: Option<&[String]>,
) -> Result<bool, StoreError> {
    on_db!(db, write, |pool| {
        let mut transaction = pool.begin().await?;
        let claimed =
            sqlx::query("insert into rebuilds (projection, table_name) values ($1, $2) on conflict do nothing")
                .bind(view)
                .bind(&from.table_name)
                .execute(&mut *transaction)
                .await?
                .rows_affected();
        // Nobody flips without the claim: what is so now stays so.
        let is_live: Option<i64> = sqlx::query_scalar(
            "select epoch from checkpoints where projection = $1 and table_name = $2 and epoch = $3",
        )
        .bind(view)
        .bind(&live.table_name)
        .bind(live.epoch)
        .fetch_optional(&mut *transaction)
        .await?;
        if claimed != 1 || is_live.is_none() {
            transaction.rollback().await?;
            return Ok(false);
        }
        let Some(ddl) = ddl else {
            let kept = sqlx::query(
                "update checkpoints set epoch = epoch where projection = $1 and position = $2 and epoch = $3",
            )
            .bind(&from.table_name)
            .bind(from.position)
            .bind(from.epoch)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
            if kept == 1 {
                transaction.commit().await?;
            } else {
                transaction.rollback().await?;
            }
            return Ok(kept == 1);
        };
        for statement in ddl {
            sqlx::query(statement).execute(&mut *transaction).await?;
        }
        sqlx::query(
            "insert into checkpoints (projection, table_name, log, position, hash, epoch)
             values ($1, $1, $2, $3, $4, $5)",
        )
        .bind(&from.table_name)
        .bind(&from.log)
        .bind(from.position)
        .bind(&from.hash)
        .bind(from.epoch)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
    });
    Ok(true)
}

/// Makes the table that was filled up to `filled` the live one, and keeps the one that was; the claim ends. `None`:
/// somebody else took the claim or flipped meanwhile.
pub(super) async fn flip(db: &Db, view: &str, filled: &Checkpoint) -> Result<Option<Checkpoint>, StoreError> {
    on_db!(db, write, |pool| {
        let mut transaction = pool.begin().await?;
        // The claim first: whoever holds it is the only one who flips. Then the live row, which is held from here on.
        let claimed = sqlx::query("delete from rebuilds where projection = $1 and table_name = $2")
            .bind(view)
            .bind(&filled.table_name)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        sqlx::query("update checkpoints set epoch = epoch where projection = $1")
            .bind(view)
            .execute(&mut *transaction)
            .await?;
        let live: Option<Checkpoint> =
            sqlx::query_as("select table_name, log, position, hash, epoch from checkpoints where projection = $1")
                .bind(view)
                .fetch_optional(&mut *transaction)
                .await?;
        let gone = sqlx::query("delete from checkpoints where projection = $1 and position = $2 and epoch = $3")
            .bind(&filled.table_name)
            .bind(filled.position)
            .bind(filled.epoch)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        let Some(live) = live.filter(|live| claimed == 1 && gone == 1 && live.log == filled.log) else {
            transaction.rollback().await?;
            return Ok(None);
        };
        sqlx::query(
            "insert into checkpoints (projection, table_name, log, position, hash, epoch)
             values ($1, $1, $2, $3, $4, $5)",
        )
        .bind(&live.table_name)
        .bind(&live.log)
        .bind(live.position)
        .bind(&live.hash)
        .bind(live.epoch)
        .execute(&mut *transaction)
        .await?;
        let flipped = Checkpoint { epoch: live.epoch.max(filled.epoch) + 1, ..filled.clone() };
        sqlx::query(
            "update checkpoints set table_name = $1, position = $2, hash = $3, epoch = $4 where projection = $5",
        )
        .bind(&flipped.table_name)
        .bind(flipped.position)
        .bind(&flipped.hash)
        .bind(flipped.epoch)
        .bind(view)
        .execute(&mut *transaction)
        .await?;
        for (from, to) in [(view, &*live.table_name), (&*filled.table_name, view)] {
            sqlx::query("update set_aside set projection = $1 where projection = $2")
                .bind(to)
                .bind(from)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(Some(flipped))
    })
}

/// Throws a table that was being filled away, and ends its claim, if it is still where it was at `seen`.
pub(super) async fn abandon(db: &Db, view: &str, seen: &Checkpoint) -> Result<bool, StoreError> {
    on_db!(db, write, |pool| {
        let mut transaction = pool.begin().await?;
        let claimed = sqlx::query("delete from rebuilds where projection = $1 and table_name = $2")
            .bind(view)
            .bind(&seen.table_name)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        let gone = sqlx::query("delete from checkpoints where projection = $1 and position = $2 and epoch = $3")
            .bind(&seen.table_name)
            .bind(seen.position)
            .bind(seen.epoch)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        if claimed != 1 || gone != 1 {
            transaction.rollback().await?;
            return Ok(false);
        }
        sqlx::query("delete from set_aside where projection = $1")
            .bind(&seen.table_name)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(&format!("drop table if exists {}", seen.table_name)).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(true)
    })
}

/// The tables that are kept to go back to, but for the `keep` that were live last.
pub(super) async fn kept_before(db: &Db, view: &str, keep: usize) -> Result<Vec<Checkpoint>, StoreError> {
    let kept = aside(db, view).await?.into_iter().filter(|aside| !aside.is_claimed);
    Ok(kept.skip(keep).map(|aside| aside.checkpoint).collect())
}

/// Throws a table that was kept at `kept` away, unless somebody went back to it or is about to.
pub(super) async fn drop_kept(db: &Db, kept: &Checkpoint) -> Result<(), StoreError> {
    on_db!(db, write, |pool| {
        let mut transaction = pool.begin().await?;
        let gone = sqlx::query(
            "delete from checkpoints where projection = $1 and epoch = $2
             and not exists (select 1 from rebuilds where table_name = $1)",
        )
        .bind(&kept.table_name)
        .bind(kept.epoch)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        if gone == 1 {
            sqlx::query("delete from set_aside where projection = $1")
                .bind(&kept.table_name)
                .execute(&mut *transaction)
                .await?;
            sqlx::query(&format!("drop table if exists {}", kept.table_name)).execute(&mut *transaction).await?;
            transaction.commit().await?;
        } else {
            transaction.rollback().await?;
        }
    });
    Ok(())
}

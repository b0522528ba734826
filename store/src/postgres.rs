//! The log in a PostgreSQL schema: one head row, locked once for each batch, hands out the positions.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{
    PgPool, Postgres, Row as _,
    postgres::{PgListener, PgRow},
};
use uuid::Uuid;

use crate::{
    AgendaChange, Db, Deadline, Head, Key, Position, Recorded, StoreError, StoredAnswer, StreamName, Target,
    adapter::{Adapter, Batch, BatchWriter, CommitError},
    chain,
    db::{Durability, close_pool, open_postgres_to_read},
};

/// How long a missed notification goes unnoticed.
const POLL: Duration = Duration::from_millis(500);

pub(crate) struct PostgresAdapter {
    log_id: Uuid,
    write: PgPool,
    read: PgPool,
    /// Until the log is closed.
    listener: tokio::sync::Mutex<Option<PgListener>>,
}

impl PostgresAdapter {
    pub(crate) async fn open(url: &str, schema: &str) -> Result<Self, StoreError> {
        let target = Target::Postgres { url: url.to_owned(), schema: schema.to_owned() };
        let Db::Postgres { write, read } = Db::open(&target, Durability::Full).await? else {
            return Err(StoreError::Refused("a schema is opened with PostgreSQL".to_owned()));
        };
        sqlx::migrate!("../migrations/log/postgres").run(&write).await?;
        let log_id = Uuid::now_v7();
        sqlx::query(
            "insert into head (id, log_id, position, hash, recorded_at) values (1, $1, 0, $2, 0)
             on conflict (id) do nothing",
        )
        .bind(log_id)
        .bind(chain::genesis(log_id).as_slice())
        .execute(&write)
        .await?;
        let log_id = sqlx::query_scalar("select log_id from head").fetch_one(&write).await?;
        Self::listening(log_id, write, read).await
    }

    /// Opens an existing schema to read it.
    pub(crate) async fn open_to_read(url: &str, schema: &str) -> Result<Self, StoreError> {
        let read = open_postgres_to_read(url, schema).await?;
        let log_id = sqlx::query_scalar("select log_id from head").fetch_one(&read).await?;
        Self::listening(log_id, read.clone(), read).await
    }

    async fn listening(log_id: Uuid, write: PgPool, read: PgPool) -> Result<Self, StoreError> {
        let mut listener = PgListener::connect_with(&read).await?;
        listener.listen("webox_log").await?;
        Ok(Self { log_id, write, read, listener: tokio::sync::Mutex::new(Some(listener)) })
    }
}

#[async_trait]
impl Adapter for PostgresAdapter {
    fn log_id(&self) -> Uuid {
        self.log_id
    }

    fn exclusive(&self) -> bool {
        false
    }

    async fn head(&self) -> Result<Head, StoreError> {
        let row = sqlx::query("select position, hash, recorded_at from head").fetch_one(&self.read).await?;
        Ok(head(&row)?)
    }

    async fn read_all(&self, after: Position, limit: u32) -> Result<Vec<Recorded>, StoreError> {
        let rows = sqlx::query("select * from events where position > $1 order by position limit $2")
            .bind(after.to_column())
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(recorded).collect()
    }

    async fn span(&self) -> Result<Option<(i64, i64)>, StoreError> {
        // Apart, each is one look into the index.
        let row =
            sqlx::query("select (select min(position) from events) lowest, (select max(position) from events) highest")
                .fetch_one(&self.read)
                .await?;
        let (lowest, highest): (Option<i64>, Option<i64>) = (row.try_get("lowest")?, row.try_get("highest")?);
        Ok(lowest.zip(highest))
    }

    async fn read_stream(&self, stream: &StreamName, after: u64, limit: u32) -> Result<Vec<Recorded>, StoreError> {
        let rows = sqlx::query(
            "select * from events where stream_type = $1 and stream_id = $2 and version > $3 order by version limit $4",
        )
        .bind(stream.kind())
        .bind(stream.id())
        .bind(Position(after).to_column())
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(recorded).collect()
    }

    async fn answer(&self, key: &Key) -> Result<Option<StoredAnswer>, StoreError> {
        let row = sqlx::query("select * from keys where scope = $1 and key = $2")
            .bind(&key.scope)
            .bind(&key.key)
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| answer(&row)).transpose()
    }

    async fn forget_keys(&self, before: i64) -> Result<(), StoreError> {
        sqlx::query("delete from keys where created_at < $1").bind(before).execute(&self.write).await?;
        Ok(())
    }

    async fn changed(&self) {
        let mut listener = self.listener.lock().await;
        let Some(listener) = listener.as_mut() else { return std::future::pending::<()>().await };
        if let Ok(Err(error)) = tokio::time::timeout(POLL, listener.recv()).await {
            tracing::warn!(%error, "notifications of the log are interrupted");
            tokio::time::sleep(POLL).await;
        }
    }

    async fn begin(&self) -> Result<Box<dyn BatchWriter>, StoreError> {
        let mut transaction = self.write.begin().await?;
        let row = sqlx::query("select position, hash, recorded_at from head where id = 1 for update")
            .fetch_one(&mut *transaction)
            .await?;
        Ok(Box::new(PostgresBatch { head: head(&row)?, transaction }))
    }

    async fn bookmark(&self, reactor: &str) -> Result<Option<Position>, StoreError> {
        let position: Option<i64> = sqlx::query_scalar("select position from bookmarks where reactor = $1")
            .bind(reactor)
            .fetch_optional(&self.read)
            .await?;
        Ok(position.map(Position::from_column).transpose()?)
    }

    async fn advance(&self, reactor: &str, to: Position, changes: &[AgendaChange]) -> Result<(), StoreError> {
        let mut transaction = self.write.begin().await?;
        for change in changes {
            match change {
                AgendaChange::Schedule(deadline) => sqlx::query(
                    "insert into deadlines (id, kind, subject, due_at) values ($1, $2, $3, $4)
                     on conflict (id) do update set subject = excluded.subject, due_at = excluded.due_at",
                )
                .bind(deadline.id)
                .bind(&deadline.kind)
                .bind(&deadline.subject)
                .bind(deadline.due_at),
                AgendaChange::Cancel(id) => sqlx::query("delete from deadlines where id = $1").bind(id),
                AgendaChange::Met(deadline) => sqlx::query("delete from deadlines where id = $1 and due_at = $2")
                    .bind(deadline.id)
                    .bind(deadline.due_at),
            }
            .execute(&mut *transaction)
            .await?;
        }
        sqlx::query(
            "insert into bookmarks (reactor, position) values ($1, $2)
             on conflict (reactor) do update set position = greatest(bookmarks.position, excluded.position)",
        )
        .bind(reactor)
        .bind(to.to_column())
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    async fn due(&self, now: i64, limit: u32) -> Result<Vec<Deadline>, StoreError> {
        let rows = sqlx::query("select * from deadlines where due_at <= $1 order by due_at, id limit $2")
            .bind(now)
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Deadline {
                    id: row.try_get("id")?,
                    kind: row.try_get("kind")?,
                    subject: row.try_get("subject")?,
                    due_at: row.try_get("due_at")?,
                })
            })
            .collect()
    }

    async fn close(&self) {
        // It keeps a connection of the pool, which waits for all of them.
        drop(self.listener.lock().await.take());
        close_pool(&self.read).await;
        close_pool(&self.write).await;
    }
}

struct PostgresBatch {
    head: Head,
    transaction: sqlx::Transaction<'static, Postgres>,
}

#[async_trait]
impl BatchWriter for PostgresBatch {
    fn head(&self) -> &Head {
        &self.head
    }

    async fn versions(&mut self, streams: &[StreamName]) -> Result<Vec<u64>, StoreError> {
        let kinds: Vec<&str> = streams.iter().map(StreamName::kind).collect();
        let ids: Vec<&str> = streams.iter().map(StreamName::id).collect();
        let versions: Vec<i64> = sqlx::query_scalar(
            "select coalesce((select max(version) from events
                              where stream_type = asked.kind and stream_id = asked.id), 0)
             from unnest($1::text[], $2::text[]) with ordinality asked(kind, id, place) order by asked.place",
        )
        .bind(&kinds)
        .bind(&ids)
        .fetch_all(&mut *self.transaction)
        .await?;
        versions.into_iter().map(|version| Ok(Position::from_column(version)?.0)).collect()
    }

    async fn answers(&mut self, keys: &[Key]) -> Result<Vec<(Key, StoredAnswer)>, StoreError> {
        let scopes: Vec<&str> = keys.iter().map(|key| &*key.scope).collect();
        let names: Vec<&str> = keys.iter().map(|key| &*key.key).collect();
        let rows =
            sqlx::query("select * from keys where (scope, key) in (select * from unnest($1::text[], $2::text[]))")
                .bind(&scopes)
                .bind(&names)
                .fetch_all(&mut *self.transaction)
                .await?;
        rows.iter()
            .map(|row| {
                let key = Key { scope: row.try_get("scope")?, key: row.try_get("key")? };
                Ok((key, answer(row)?))
            })
            .collect()
    }

    async fn known_events(&mut self, ids: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
        Ok(sqlx::query_scalar("select event_id from events where event_id = any($1)")
            .bind(ids)
            .fetch_all(&mut *self.transaction)
            .await?)
    }

    async fn commit(mut self: Box<Self>, batch: &Batch) -> Result<(), CommitError> {
        insert_events(&mut self.transaction, &batch.events).await?;
        if !batch.answers.is_empty() {
            insert_answers(&mut self.transaction, batch).await?;
        }
        let moved = sqlx::query(
            "with moved as (
                 update head set position = $1, hash = $2, recorded_at = $3
                 where id = 1 and position = $4 and hash = $5 returning position)
             select pg_notify('webox_log', position::text) from moved",
        )
        .bind(batch.to.position.to_column())
        .bind(batch.to.hash.as_slice())
        .bind(batch.to.recorded_at)
        .bind(batch.from.position.to_column())
        .bind(batch.from.hash.as_slice())
        .fetch_all(&mut *self.transaction)
        .await?;
        if moved.len() != 1 {
            return Err(in_part());
        }
        self.transaction.commit().await.map_err(|error| CommitError::Unknown(error.into()))
    }
}

fn in_part() -> CommitError {
    CommitError::NotStored(StoreError::Corrupt("a batch was stored only in part and is taken back".to_owned()))
}

async fn insert_events(
    transaction: &mut sqlx::Transaction<'static, Postgres>,
    events: &[Recorded],
) -> Result<(), CommitError> {
    if events.is_empty() {
        return Ok(());
    }
    let stored = sqlx::query(
        "insert into events (position, stream_type, stream_id, version, event_id, event_type, schema, payload, metadata,
                             recorded_at, transaction_end, hash)
         select * from unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::uuid[], $6::text[], $7::bigint[],
                              $8::text[], $9::text[], $10::bigint[], $11::bigint[], $12::bytea[])",
    )
    .bind(column(events, |event| event.position.to_column()))
    .bind(column(events, |event| event.stream.kind()))
    .bind(column(events, |event| event.stream.id()))
    .bind(column(events, |event| Position(event.version).to_column()))
    .bind(column(events, |event| event.event_id))
    .bind(column(events, |event| &*event.event_type))
    .bind(column(events, |event| i64::from(event.schema)))
    .bind(column(events, |event| &*event.payload))
    .bind(column(events, |event| &*event.metadata))
    .bind(column(events, |event| event.recorded_at))
    .bind(column(events, |event| event.transaction_end.to_column()))
    .bind(column(events, |event| event.hash.as_slice()))
    .execute(&mut **transaction)
    .await?
    .rows_affected();
    if stored == events.len() as u64 { Ok(()) } else { Err(in_part()) }
}

async fn insert_answers(
    transaction: &mut sqlx::Transaction<'static, Postgres>,
    batch: &Batch,
) -> Result<(), CommitError> {
    let answers = &batch.answers;
    sqlx::query(
        "insert into keys (scope, key, request, position, answer, created_at)
         select * from unnest($1::text[], $2::text[], $3::bytea[], $4::bigint[], $5::text[], $6::bigint[])
         on conflict (scope, key) do update set request = excluded.request, position = excluded.position,
             answer = excluded.answer, created_at = excluded.created_at",
    )
    .bind(column(answers, |(key, _)| &*key.scope))
    .bind(column(answers, |(key, _)| &*key.key))
    .bind(column(answers, |(_, answer)| answer.request.as_slice()))
    .bind(column(answers, |(_, answer)| answer.position.to_column()))
    .bind(column(answers, |(_, answer)| &*answer.answer))
    .bind(column(answers, |(_, answer)| answer.made_at))
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// One column of many rows.
fn column<'rows, R, T>(rows: &'rows [R], value: impl Fn(&'rows R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

fn head(row: &PgRow) -> sqlx::Result<Head> {
    Ok(Head {
        position: Position::from_column(row.try_get("position")?)?,
        hash: hash(row, "hash")?,
        recorded_at: row.try_get("recorded_at")?,
    })
}

fn answer(row: &PgRow) -> Result<StoredAnswer, StoreError> {
    Ok(StoredAnswer {
        request: hash(row, "request")?,
        answer: row.try_get("answer")?,
        position: Position::from_column(row.try_get("position")?)?,
        made_at: row.try_get("created_at")?,
    })
}

fn hash(row: &PgRow, column: &str) -> sqlx::Result<chain::Hash> {
    row.try_get::<&[u8], _>(column)?.try_into().map_err(|_| sqlx::Error::Decode("a hash has 32 bytes".into()))
}

fn recorded(row: &PgRow) -> Result<Recorded, StoreError> {
    let schema: i64 = row.try_get("schema")?;
    Ok(Recorded {
        position: Position::from_column(row.try_get("position")?)?,
        stream: StreamName::stored(row.try_get("stream_type")?, row.try_get("stream_id")?),
        version: Position::from_column(row.try_get("version")?)?.0,
        event_id: row.try_get("event_id")?,
        event_type: row.try_get("event_type")?,
        schema: u32::try_from(schema).map_err(|error| StoreError::Corrupt(error.to_string()))?,
        payload: row.try_get("payload")?,
        metadata: row.try_get("metadata")?,
        recorded_at: row.try_get("recorded_at")?,
        transaction_end: Position::from_column(row.try_get("transaction_end")?)?,
        hash: hash(row, "hash")?,
    })
}

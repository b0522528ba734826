//! The log in a SQLite file: WAL, `synchronous=FULL`, one connection that writes.

use std::path::Path;

use async_trait::async_trait;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqlitePool, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{
    AgendaChange, Db, Deadline, Head, Key, Position, Recorded, StoreError, StoredAnswer, StreamName, Target,
    adapter::{Adapter, Batch, BatchWriter, CommitError},
    chain,
    db::{self, Durability, close_pool},
};

/// How many rows one statement inserts. Each number of rows is a statement of its own, prepared once.
const ROWS: usize = 64;

pub(crate) struct SqliteAdapter {
    log_id: Uuid,
    write: SqlitePool,
    read: SqlitePool,
}

impl SqliteAdapter {
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        let db = Db::open(&Target::Sqlite(path.to_owned()), Durability::Full).await?;
        let Db::Sqlite { write, read } = db else {
            return Err(StoreError::Refused("a file is opened with SQLite".to_owned()));
        };
        sqlx::migrate!("../migrations/log/sqlite").run(&write).await?;
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
        Ok(Self { log_id, write, read })
    }

    /// Opens an existing file beside the process that writes it. A connection that cannot write never checkpoints, so this
    /// is safe whatever that process does.
    pub(crate) async fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        let read = db::open_sqlite_to_read(path).await?;
        let log_id = sqlx::query_scalar("select log_id from head").fetch_one(&read).await?;
        Ok(Self { log_id, write: read.clone(), read })
    }
}

#[async_trait]
impl Adapter for SqliteAdapter {
    fn log_id(&self) -> Uuid {
        self.log_id
    }

    fn exclusive(&self) -> bool {
        true
    }

    async fn head(&self) -> Result<Head, StoreError> {
        let row = sqlx::query("select position, hash, recorded_at from head").fetch_one(&self.read).await?;
        Ok(head(&row)?)
    }

    async fn read_all(&self, after: Position, limit: u32) -> Result<Vec<Recorded>, StoreError> {
        let rows = sqlx::query("select * from events where position > $1 order by position limit $2")
            .bind(after.to_column())
            .bind(limit)
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
        .bind(limit)
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
        std::future::pending::<()>().await;
    }

    async fn begin(&self) -> Result<Box<dyn BatchWriter>, StoreError> {
        let mut transaction = self.write.begin_with("begin immediate").await?;
        let row = sqlx::query("select position, hash, recorded_at from head").fetch_one(&mut *transaction).await?;
        Ok(Box::new(SqliteBatch { head: head(&row)?, transaction }))
    }

    async fn bookmark(&self, reactor: &str) -> Result<Option<Position>, StoreError> {
        let position: Option<i64> = sqlx::query_scalar("select position from bookmarks where reactor = $1")
            .bind(reactor)
            .fetch_optional(&self.read)
            .await?;
        Ok(position.map(Position::from_column).transpose()?)
    }

    async fn advance(&self, reactor: &str, to: Position, changes: &[AgendaChange]) -> Result<(), StoreError> {
        let mut transaction = self.write.begin_with("begin immediate").await?;
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
             on conflict (reactor) do update set position = max(position, excluded.position)",
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
            .bind(limit)
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
        close_pool(&self.read).await;
        close_pool(&self.write).await; // The last one checkpoints, and that is the one that writes.
    }
}

struct SqliteBatch {
    head: Head,
    transaction: sqlx::Transaction<'static, Sqlite>,
}

#[async_trait]
impl BatchWriter for SqliteBatch {
    fn head(&self) -> &Head {
        &self.head
    }

    async fn versions(&mut self, streams: &[StreamName]) -> Result<Vec<u64>, StoreError> {
        let asked: Vec<(&str, &str)> = streams.iter().map(|stream| (stream.kind(), stream.id())).collect();
        let versions: Vec<i64> = sqlx::query_scalar(
            "select coalesce((select max(version) from events
                              where stream_type = asked.value ->> 0 and stream_id = asked.value ->> 1), 0)
             from json_each($1) asked order by asked.key",
        )
        .bind(json(&asked)?)
        .fetch_all(&mut *self.transaction)
        .await?;
        versions.into_iter().map(|version| Ok(Position::from_column(version)?.0)).collect()
    }

    async fn answers(&mut self, keys: &[Key]) -> Result<Vec<(Key, StoredAnswer)>, StoreError> {
        let asked: Vec<(&str, &str)> = keys.iter().map(|key| (&*key.scope, &*key.key)).collect();
        let rows = sqlx::query(
            "select * from keys where (scope, key) in (select value ->> 0, value ->> 1 from json_each($1))",
        )
        .bind(json(&asked)?)
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
        let asked: Vec<String> = ids.iter().map(|id| id.simple().to_string()).collect();
        Ok(sqlx::query_scalar("select event_id from events where event_id in (select unhex(value) from json_each($1))")
            .bind(json(&asked)?)
            .fetch_all(&mut *self.transaction)
            .await?)
    }

    async fn commit(mut self: Box<Self>, batch: &Batch) -> Result<(), CommitError> {
        let mut stored = 0;
        for rows in batch.events.chunks(ROWS) {
            stored += insert_events(&mut self.transaction, rows).await?;
        }
        for (key, answer) in &batch.answers {
            sqlx::query(
                "insert into keys (scope, key, request, position, answer, created_at)
                 values ($1, $2, $3, $4, $5, $6)
                 on conflict (scope, key) do update set request = excluded.request, position = excluded.position,
                     answer = excluded.answer, created_at = excluded.created_at",
            )
            .bind(&key.scope)
            .bind(&key.key)
            .bind(answer.request.as_slice())
            .bind(answer.position.to_column())
            .bind(&answer.answer)
            .bind(answer.made_at)
            .execute(&mut *self.transaction)
            .await?;
        }
        let moved =
            sqlx::query("update head set position = $1, hash = $2, recorded_at = $3 where position = $4 and hash = $5")
                .bind(batch.to.position.to_column())
                .bind(batch.to.hash.as_slice())
                .bind(batch.to.recorded_at)
                .bind(batch.from.position.to_column())
                .bind(batch.from.hash.as_slice())
                .execute(&mut *self.transaction)
                .await?
                .rows_affected();
        if stored != batch.events.len() as u64 || moved != 1 {
            let fault = "a batch was stored only in part and is taken back".to_owned();
            return Err(CommitError::NotStored(StoreError::Corrupt(fault)));
        }
        self.transaction.commit().await.map_err(|error| CommitError::Unknown(error.into()))
    }
}

async fn insert_events(transaction: &mut sqlx::Transaction<'static, Sqlite>, rows: &[Recorded]) -> sqlx::Result<u64> {
    let mut insert = QueryBuilder::<Sqlite>::new(
        "insert into events (position, stream_type, stream_id, version, event_id, event_type, schema, payload, metadata,
         recorded_at, transaction_end, hash) ",
    );
    insert.push_values(rows, |mut row, event| {
        row.push_bind(event.position.to_column())
            .push_bind(event.stream.kind())
            .push_bind(event.stream.id())
            .push_bind(Position(event.version).to_column())
            .push_bind(event.event_id)
            .push_bind(&*event.event_type)
            .push_bind(event.schema)
            .push_bind(&*event.payload)
            .push_bind(&*event.metadata)
            .push_bind(event.recorded_at)
            .push_bind(event.transaction_end.to_column())
            .push_bind(event.hash.as_slice());
    });
    Ok(insert.build().execute(&mut **transaction).await?.rows_affected())
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn head(row: &SqliteRow) -> sqlx::Result<Head> {
    Ok(Head {
        position: Position::from_column(row.try_get("position")?)?,
        hash: hash(row, "hash")?,
        recorded_at: row.try_get("recorded_at")?,
    })
}

fn answer(row: &SqliteRow) -> Result<StoredAnswer, StoreError> {
    Ok(StoredAnswer {
        request: hash(row, "request")?,
        answer: row.try_get("answer")?,
        position: Position::from_column(row.try_get("position")?)?,
        made_at: row.try_get("created_at")?,
    })
}

fn hash(row: &SqliteRow, column: &str) -> sqlx::Result<chain::Hash> {
    row.try_get::<&[u8], _>(column)?.try_into().map_err(|_| sqlx::Error::Decode("a hash has 32 bytes".into()))
}

fn recorded(row: &SqliteRow) -> Result<Recorded, StoreError> {
    Ok(Recorded {
        position: Position::from_column(row.try_get("position")?)?,
        stream: StreamName::stored(row.try_get("stream_type")?, row.try_get("stream_id")?),
        version: Position::from_column(row.try_get("version")?)?.0,
        event_id: row.try_get("event_id")?,
        event_type: row.try_get("event_type")?,
        schema: row.try_get("schema")?,
        payload: row.try_get("payload")?,
        metadata: row.try_get("metadata")?,
        recorded_at: row.try_get("recorded_at")?,
        transaction_end: Position::from_column(row.try_get("transaction_end")?)?,
        hash: hash(row, "hash")?,
    })
}

//! How rows are read and written: in bulk, as JSON, with one text for both databases.
//!
//! The two databases spell "make a JSON object" and "make rows of JSON" differently; that is here and nowhere else.

use std::{collections::HashMap, fmt, marker::PhantomData, sync::Arc, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use store::{Db, Position, StoreError, chain::hex, on_db};
use tokio::sync::watch;

use crate::{QueryError, ReadModel};

/// How long a query waits for its view.
const PATIENCE: Duration = Duration::from_secs(2);

/// The table of a read model, open for queries. Which table that is changes when one that was made again takes over; all
/// clones change together.
pub struct Table<M> {
    db: Db,
    name: watch::Receiver<Arc<str>>,
    row: Arc<str>,
    reached: watch::Receiver<Position>,
    model: PhantomData<fn() -> M>,
}

impl<M> Clone for Table<M> {
    fn clone(&self) -> Self {
        Self {
            db: self.db.clone(),
            name: self.name.clone(),
            row: Arc::clone(&self.row),
            reached: self.reached.clone(),
            model: PhantomData,
        }
    }
}

impl<M: ReadModel> Table<M> {
    pub(crate) fn new(db: &Db, name: watch::Receiver<Arc<str>>, reached: watch::Receiver<Position>) -> Self {
        Self { db: db.clone(), name, row: row_json::<M>(db).into(), reached, model: PhantomData }
    }

    /// The name it has now.
    pub(crate) fn name(&self) -> Arc<str> {
        Arc::clone(&self.name.borrow())
    }

    /// Waits until its name is `name`.
    pub(crate) async fn is_named(&self, name: &str) {
        // Where nobody can rename it any more, the name it has is the last one.
        let _ = self.name.clone().wait_for(|now| **now == *name).await;
    }

    /// Another table of the same read model, whose name stays.
    pub(crate) fn named(&self, name: &str) -> Self {
        let (_, name) = watch::channel(name.into());
        Self { name, ..self.clone() }
    }

    pub(crate) const fn db(&self) -> &Db {
        &self.db
    }

    /// Waits until the view has seen `position`: 2 seconds, no longer.
    pub async fn wait(&self, position: Position) -> Result<(), QueryError> {
        let mut reached = self.reached.clone();
        let there = reached.wait_for(|at| *at >= position);
        if !matches!(tokio::time::timeout(PATIENCE, there).await, Ok(Ok(_))) {
            return Err(QueryError::Behind { view: M::NAME, at: *self.reached.borrow() });
        }
        Ok(())
    }

    /// Waits until the view moves on from where it is.
    pub fn watch(&self) -> watch::Receiver<Position> {
        self.reached.clone()
    }

    /// The row `key`.
    pub async fn find(&self, key: &str) -> Result<Option<M::Row>, QueryError> {
        let statement = self.statement("select {row} from {table} where key = $1");
        let json: Option<String> =
            on_db!(&self.db, read, |pool| sqlx::query_scalar(&statement).bind(key).fetch_optional(pool).await?);
        json.map(|json| read_row::<M>(&json)).transpose()
    }

    /// The rows `keys` that exist, by key.
    pub async fn find_all(&self, keys: &[String]) -> Result<HashMap<String, M::Row>, QueryError> {
        let statement = self.statement(if self.db.is_postgres() {
            "select {row} from {table} where key in (select json_array_elements_text($1::json))"
        } else {
            "select {row} from {table} where key in (select value from json_each($1))"
        });
        let keys = write_json(keys)?;
        let rows: Vec<String> =
            on_db!(&self.db, read, |pool| sqlx::query_scalar(&statement).bind(keys).fetch_all(pool).await?);
        rows.iter().map(|json| Ok((row_key(json)?, read_row::<M>(json)?))).collect()
    }

    /// A query of this read model: `{row}` stands for its row as JSON, `{table}` for its table.
    pub(crate) fn statement(&self, text: &str) -> String {
        text.replace("{row}", &self.row).replace("{table}", &self.name.borrow())
    }

    /// Makes the table, empty; there must be none of its name.
    pub(crate) fn ddl(&self) -> Vec<String> {
        let (name, postgres) = (self.name(), self.db.is_postgres());
        let binary = if postgres { "collate \"C\"" } else { "collate binary" };
        let ddl = M::DDL.replace("{table}", &name).replace("{binary}", binary);
        ddl.split(';').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect()
    }

    /// Writes rows over those with the same keys, all with one parameter.
    pub(crate) fn upsert(&self) -> String {
        let columns = M::COLUMNS.join(", ");
        let updates = M::COLUMNS[1..].iter().map(|column| format!("{column} = excluded.{column}"));
        let updates = updates.collect::<Vec<_>>().join(", ");
        let table = self.name();
        let rows = if self.db.is_postgres() {
            format!("select {columns} from json_populate_recordset(null::{table}, $1::json)")
        } else {
            let values = M::COLUMNS.iter().map(|column| format!("value ->> '{column}'")).collect::<Vec<_>>();
            format!("select {} from json_each($1) where true", values.join(", "))
        };
        format!("insert into {table} ({columns}) {rows} on conflict (key) do update set {updates}")
    }
}

/// What the names of all tables of this version begin with: the model, its version, and what its table looks like.
fn version_name<M: ReadModel>() -> String {
    let shape = hex(&Sha256::digest(M::DDL)[..4]);
    format!("{}_v{}_{shape}", M::NAME, M::VERSION)
}

/// The name of the table number `number` of this version.
pub(crate) fn table_name<M: ReadModel>(number: u64) -> String {
    format!("{}_{number}", version_name::<M>())
}

/// Which table of this version has this name; `None` where another version made it. The first one may have no number.
pub(crate) fn table_number<M: ReadModel>(name: &str) -> Option<u64> {
    match name.strip_prefix(&version_name::<M>())? {
        "" => Some(0),
        number => number.strip_prefix('_')?.parse().ok(),
    }
}

fn row_json<M: ReadModel>(db: &Db) -> String {
    let fields = M::COLUMNS.iter().map(|column| format!("'{column}', {column}")).collect::<Vec<_>>().join(", ");
    if db.is_postgres() { format!("json_build_object({fields})::text") } else { format!("json_object({fields})") }
}

pub(crate) fn read_row<M: ReadModel>(json: &str) -> Result<M::Row, QueryError> {
    serde_json::from_str(json)
        .map_err(|error| StoreError::Corrupt(format!("a row of {} cannot be read: {error}", M::NAME)).into())
}

fn row_key(json: &str) -> Result<String, QueryError> {
    #[derive(Deserialize)]
    struct Keyed {
        key: String,
    }
    let keyed: Keyed = serde_json::from_str(json).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(keyed.key)
}

pub(crate) fn write_json(value: &(impl Serialize + ?Sized)) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// A column that holds everything about a row that is not searched by: JSON in a text.
#[derive(Clone, PartialEq, Eq)]
pub struct Document<T>(pub T);

impl<T: Serialize> Serialize for Document<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::to_string(&self.0).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Document<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        serde_json::from_str(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl<T: fmt::Debug> fmt::Debug for Document<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

//! A table of a view, and how events get into it: load the rows a page speaks of, fold in memory, write the rows and the
//! checkpoint in one transaction. The live table and one that is being filled take the same way.

use std::collections::HashMap;

use store::{Log, Position, Recorded, StoreError, Vault, chain::hex};

use super::checkpoint::{self, Checkpoint};
use crate::{FoldError, OnPoison, QueryError, ReadModel, Table, table::write_json, told};

/// How far the checkpoint of a live table may stay behind while nothing is written.
const STRIDE: u64 = 10_000;

/// A table, and the name its checkpoint stands under.
pub(super) struct Generation<M> {
    table: Table<M>,
    key: String,
    stride: u64,
}

/// What a page came to.
pub(super) struct Written {
    /// The checkpoint as it is stored now.
    pub(super) checkpoint: Checkpoint,
    /// The last event that was seen.
    pub(super) end: Position,
    /// How many events were set aside.
    pub(super) set_aside: u64,
    /// An event that cannot be folded, and why.
    pub(super) halted: Option<(Position, String)>,
}

/// Why nothing came of a page.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProjectError {
    /// The checkpoint is not where it was left.
    #[error("somebody else moved the checkpoint")]
    Fenced,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<M: ReadModel> Generation<M> {
    /// The live table.
    pub(super) fn live(table: Table<M>) -> Self {
        Self { table, key: M::NAME.to_owned(), stride: STRIDE }
    }

    /// One that is not live. Its checkpoint moves with every page: that is how others see that it is being filled.
    pub(super) fn aside(table: Table<M>) -> Self {
        let key = table.name().to_string();
        Self { table, key, stride: 0 }
    }

    /// Folds a page and writes what came of it.
    pub(super) async fn project(
        &self,
        vault: &Vault,
        from: &Checkpoint,
        page: &[&Recorded],
    ) -> Result<Written, ProjectError> {
        let Some(last) = page.last() else {
            return Ok(Written { checkpoint: from.clone(), end: from.at(), set_aside: 0, halted: None });
        };
        let folded = self.fold(vault, page).await?;
        let end = folded.halted.as_ref().map_or(last.position, |(at, _)| Position(at.0 - 1));
        let set_aside = folded.set_aside.len() as u64;
        let far = end.0 > from.at().0 + self.stride;
        if folded.rows.is_empty() && set_aside == 0 && !far && folded.halted.is_none() {
            return Ok(Written { checkpoint: from.clone(), end, set_aside, halted: None });
        }
        let at_end = page.iter().rev().find(|event| event.position == end);
        let hash = at_end.map_or_else(|| from.hash.clone(), |event| hex(&event.hash));
        let to = Checkpoint { position: end.to_column(), hash, ..from.clone() };
        self.write(from, &to, &folded).await?;
        Ok(Written { checkpoint: to, end, set_aside, halted: folded.halted })
    }

    async fn fold(&self, vault: &Vault, page: &[&Recorded]) -> Result<Folded<M>, ProjectError> {
        let told = told::tell(vault, M::STREAMS, page.iter().copied()).await?;
        let mut keys: Vec<String> = told.iter().filter_map(|(_, told)| M::key(told.as_ref().ok()?)).collect();
        keys.sort_unstable();
        keys.dedup();
        let stored = if keys.is_empty() { HashMap::new() } else { self.load(&keys).await? };
        let mut rows: HashMap<String, Option<M::Row>> = HashMap::with_capacity(keys.len());
        let mut folded = Folded { rows: Vec::new(), set_aside: Vec::new(), halted: None };
        for (recorded, told) in told {
            let outcome = told.map_err(FoldError::from).and_then(|told| match M::key(&told) {
                None => Ok(()),
                Some(key) => {
                    let row = rows.entry(key).or_insert_with_key(|key| stored.get(key).cloned());
                    M::fold(row, &told)
                }
            });
            let Err(error) = outcome else { continue };
            tracing::error!(projection = M::NAME, position = recorded.position.0, %error, "an event cannot be folded");
            match M::ON_POISON {
                OnPoison::SetAside => folded.set_aside.push((recorded.position, error.to_string())),
                OnPoison::Halt => {
                    folded.halted = Some((recorded.position, error.to_string()));
                    break;
                }
            }
        }
        // In the order of their keys: an index takes that much faster than any other.
        folded.rows = keys.iter().filter_map(|key| rows.remove(key).flatten()).collect();
        Ok(folded)
    }

    async fn load(&self, keys: &[String]) -> Result<HashMap<String, M::Row>, ProjectError> {
        self.table.find_all(keys).await.map_err(|error| match error {
            QueryError::Store(error) => ProjectError::Store(error),
            error @ (QueryError::Behind { .. } | QueryError::Cursor) => {
                ProjectError::Store(StoreError::Corrupt(error.to_string()))
            }
        })
    }

    /// Writes the rows and moves the checkpoint, both or neither.
    async fn write(&self, from: &Checkpoint, to: &Checkpoint, folded: &Folded<M>) -> Result<(), ProjectError> {
        let rows = if folded.rows.is_empty() { None } else { Some(write_json(&folded.rows)?) };
        let page = checkpoint::Page { upsert: self.table.upsert(), rows, set_aside: &folded.set_aside };
        if checkpoint::write(self.table.db(), &self.key, from, to, page).await? {
            Ok(())
        } else {
            Err(ProjectError::Fenced)
        }
    }
}

/// Whether the checkpoint speaks of this log, as the log is now.
pub(super) async fn still_holds(log: &Log, checkpoint: &Checkpoint) -> Result<bool, StoreError> {
    if checkpoint.log != log.id().to_string() {
        return Ok(false);
    }
    let Some(before) = checkpoint.at().0.checked_sub(1) else { return Ok(true) };
    let found = log.read_all(Position(before), 1).await?;
    Ok(found.first().is_some_and(|event| hex(&event.hash) == checkpoint.hash))
}

/// What a page comes to before it is written.
struct Folded<M: ReadModel> {
    rows: Vec<M::Row>,
    set_aside: Vec<(Position, String)>,
    halted: Option<(Position, String)>,
}

//! Keyset pages: a page ends with a mark, and the next one begins after it, however much was added meanwhile.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use store::chain::{hex, unhex};

use crate::QueryError;

/// The most rows one page has.
pub const MAX_ROWS: u32 = 100;
/// How many rows a page has where nobody says.
pub const ROWS: u32 = 20;

/// Rows of a list, and where the next ones are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What to ask the next page with; `None` at the end of the list.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A page of at most `limit` of `rows`, which hold one more where there is a next page. `mark` is where a row stands in
    /// the order of the list.
    pub(crate) fn of<M: Serialize>(mut rows: Vec<T>, limit: u32, mark: impl Fn(&T) -> M) -> Result<Self, QueryError> {
        let limit = limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = match rows.last() {
            Some(last) if more => Some(hex(crate::table::write_json(&mark(last))?.as_bytes())),
            _ => None,
        };
        Ok(Self { items: rows, next })
    }

    /// The same page with other rows.
    pub fn map<U>(self, row: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(row).collect(), next: self.next }
    }
}

/// Where a page begins: after the mark that ended the one before it.
pub(crate) fn read_mark<M: DeserializeOwned>(mark: Option<&str>) -> Result<Option<M>, QueryError> {
    let Some(mark) = mark else { return Ok(None) };
    let bytes = unhex(mark).ok_or(QueryError::Cursor)?;
    serde_json::from_slice(&bytes).map(Some).map_err(|_| QueryError::Cursor)
}

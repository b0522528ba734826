//! Idempotency keys of the requests that are being carried out at this moment.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use store::Key;

use crate::{Context, Failure};

#[derive(Clone, Default)]
pub(super) struct KeysInFlight(Arc<Mutex<HashSet<Key>>>);

impl KeysInFlight {
    /// Refuses a request whose key is in use; otherwise its key is in use until the claim is dropped.
    pub(super) fn claim(&self, context: &Context) -> Result<Option<Claim>, Failure> {
        let Some(asked) = &context.key else { return Ok(None) };
        if !self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(asked.key.clone()) {
            return Err(Failure::KeyInFlight);
        }
        Ok(Some(Claim { keys: self.clone(), key: asked.key.clone() }))
    }
}

pub(super) struct Claim {
    keys: KeysInFlight,
    key: Key,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

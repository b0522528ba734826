//! Names of streams.

use std::{fmt, sync::Arc};

/// The name of a stream: a type of lower-case letters, a hyphen, an id. `order-0192…`
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName {
    name: Arc<str>,
    kind: usize,
}

impl StreamName {
    /// The stream of the type `kind` (letters only) with the id `id`.
    pub fn new(kind: &str, id: impl fmt::Display) -> Self {
        debug_assert!(kind.bytes().all(|byte| byte.is_ascii_lowercase()), "{kind:?} is no stream type");
        Self { name: format!("{kind}-{id}").into(), kind: kind.len() }
    }

    /// A name as the log has it, whatever somebody made of it: only the audit judges that.
    pub(crate) fn stored(kind: &str, id: &str) -> Self {
        Self { name: format!("{kind}-{id}").into(), kind: kind.len() }
    }

    /// Reads a name such as `order-0192…`.
    pub fn parse(name: &str) -> Option<Self> {
        let (kind, id) = name.split_once('-')?;
        let valid = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase()) && !id.is_empty();
        valid.then(|| Self { name: name.into(), kind: kind.len() })
    }

    /// The type: `order`.
    pub fn kind(&self) -> &str {
        &self.name[..self.kind]
    }

    /// The id: `0192…`.
    pub fn id(&self) -> &str {
        &self.name[self.kind + 1..]
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

impl fmt::Debug for StreamName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

//! What reactors keep beside the log: how far they are, and what is to be done when.

use uuid::Uuid;

/// Something that becomes a command when its time comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// Its id; the same id again moves it, and changes its subject.
    pub id: Uuid,
    /// What is to be done.
    pub kind: String,
    /// To whom: an id.
    pub subject: String,
    /// When, in microseconds since 1970.
    pub due_at: i64,
}

/// A change to the agenda, stored together with the bookmark of the reactor that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgendaChange {
    /// Do this then, or at its new time.
    Schedule(Deadline),
    /// Do not do it any more.
    Cancel(Uuid),
    /// It was done: strike it off, unless it was moved meanwhile.
    Met(Deadline),
}

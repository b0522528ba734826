//! Who asks, what for, and what they may.

use domain::CartId;
use store::{Key, Metadata, chain::Hash};
use uuid::Uuid;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who has not signed in; known by a cart, where there is one.
    Guest {
        /// The cart that the guest's token opens.
        cart: Option<CartId>,
    },
    /// Somebody who works for the shop.
    Staff,
    /// A reactor: the shop's own habit of this name.
    Reactor(&'static str),
    /// The shop itself: when it starts, when it is given demo data.
    Shop,
}

/// The actor may not do this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not allowed")]
pub struct Forbidden;

impl Actor {
    /// Refuses everybody but the staff and the shop itself.
    pub fn must_be_staff(&self) -> Result<(), Forbidden> {
        match self {
            Self::Staff | Self::Shop => Ok(()),
            Self::Guest { .. } | Self::Reactor(_) => Err(Forbidden),
        }
    }

    /// How idempotency keys of this actor are kept apart from those of others.
    pub fn scope(&self) -> String {
        match self {
            Self::Guest { cart: Some(cart) } => format!("cart:{cart}"),
            Self::Guest { cart: None } => "guest".to_owned(),
            Self::Staff => "staff".to_owned(),
            Self::Reactor(name) => format!("reactor:{name}"),
            Self::Shop => "shop".to_owned(),
        }
    }
}

/// An idempotency key together with the request it stands for.
#[derive(Debug, Clone)]
pub struct RequestKey {
    /// The key.
    pub key: Key,
    /// The hash of the request.
    pub request: Hash,
}

/// One request: who asks, and what connects it with others.
#[derive(Debug, Clone)]
pub struct Context {
    /// Who asks.
    pub actor: Actor,
    /// This command. A `UUIDv5` is derived from its cause, and so are the ids of its events.
    pub command: Uuid,
    /// What everything that follows from one request has in common.
    pub correlation: Uuid,
    /// The event a reactor answers.
    pub causation: Option<Uuid>,
    /// The W3C trace id.
    pub trace: Option<String>,
    /// What makes a repeated request one request.
    pub key: Option<RequestKey>,
}

impl Context {
    /// A request of `actor` that follows from nothing.
    pub fn new(actor: Actor) -> Self {
        let command = Uuid::now_v7();
        Self { actor, command, correlation: command, causation: None, trace: None, key: None }
    }

    /// What the log remembers of it.
    pub(crate) fn metadata(&self) -> Metadata {
        let (actor, actor_id) = match &self.actor {
            Actor::Guest { cart } => ("guest", cart.map(|cart| cart.to_string())),
            Actor::Staff => ("staff", None),
            Actor::Reactor(name) => ("reactor", Some((*name).to_owned())),
            Actor::Shop => ("shop", None),
        };
        Metadata {
            actor: actor.to_owned(),
            actor_id,
            command: self.command,
            correlation: self.correlation,
            causation: self.causation,
            trace: self.trace.clone(),
        }
    }

    /// The id of the `number`th event this command makes.
    pub(crate) fn event_id(&self, number: u32) -> Uuid {
        if self.command.get_version_num() == 5 {
            Uuid::new_v5(&self.command, &number.to_be_bytes())
        } else {
            Uuid::now_v7()
        }
    }
}

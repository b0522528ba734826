//! Promo codes: what they take off, for whom, how often.
//!
//! A code is issued once, amended at will, and may be switched off and on again. An order reserves it in the append that
//! places the order, and confirms it when it is paid; an order that falls through gives its reservation back, a refund
//! does not. What one person has used is in the stream of that [buyer](crate::buyer); what a cart must hold for it is in
//! [pricing](crate::pricing).

use std::{collections::BTreeSet, fmt};

use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};

use crate::{Line, Localized, Money, OrderId, Personal, ProductId, Slug, TextError, Timestamp};

/// A promo code: 3 to 32 of `A`–`Z`, `0`–`9` and `-`. People may write it in small letters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PromoCode(String);

impl PromoCode {
    /// `text` in capital letters, without the spaces around it, if it has the form of a code.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let code = text.trim().to_ascii_uppercase();
        let valid = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
        if (3..=32).contains(&code.len()) && code.bytes().all(valid) {
            Ok(Self(code))
        } else {
            Err(TextError::Form("must be 3 to 32 letters, digits and hyphens"))
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PromoCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a code takes off the products it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// A part of their price, in basis points: 1000 is 10 %.
    Percent(u16),
    /// An amount, VAT included; no more than they cost.
    Fixed(Money),
    /// Nothing: the code is for shipping alone.
    Nothing,
}

/// The products a code is for: those that are named, and those of the named categories. All, where nothing is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// These products.
    pub products: Vec<ProductId>,
    /// The products of these categories.
    pub categories: Vec<Slug>,
}

impl Scope {
    /// Whether a product of `category` is one of them.
    pub fn holds(&self, product: ProductId, category: &Slug) -> bool {
        let all = self.products.is_empty() && self.categories.is_empty();
        all || self.products.contains(&product) || self.categories.contains(category)
    }
}

/// What a code grants, and on which conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What it is for, as customers read it.
    pub label: Option<Localized<Line<200>>>,
    /// What it takes off.
    pub reduction: Reduction,
    /// Whether shipping is free with it.
    pub free_shipping: bool,
    /// The least that the products it is for must cost before any discount, VAT included.
    pub minimum: Option<Money>,
    /// The first moment it can be used.
    pub starts_at: Option<Timestamp>,
    /// The first moment it can no longer be used.
    pub ends_at: Option<Timestamp>,
    /// How many orders may use it.
    pub limit: Option<u32>,
    /// How many orders of one person may use it.
    pub limit_per_buyer: Option<u32>,
    /// Whether it is for people who have never ordered.
    pub first_order_only: bool,
    /// The products it is for.
    pub scope: Scope,
    /// Its place among other codes of an order: the smallest is taken off first, the next from what is left.
    pub priority: u16,
    /// Whether it stands alone.
    pub exclusive: bool,
}

impl Terms {
    /// The most products, and the most categories, one code may name.
    pub const MAX_SCOPE: usize = 100;

    /// A code that takes `reduction` off everything, for everybody, for ever.
    pub fn granting(reduction: Reduction) -> Self {
        Self {
            label: None,
            reduction,
            free_shipping: false,
            minimum: None,
            starts_at: None,
            ends_at: None,
            limit: None,
            limit_per_buyer: None,
            first_order_only: false,
            scope: Scope::default(),
            priority: 0,
            exclusive: false,
        }
    }

    /// Whether an order that is placed `at` may use them, where they are switched on or not and `left` more orders may have
    /// them.
    pub fn usable(&self, active: bool, left: Option<u32>, at: Timestamp) -> Result<(), PromoError> {
        match (self.starts_at, self.ends_at) {
            _ if !active => Err(PromoError::Inactive),
            (Some(starts_at), _) if at < starts_at => Err(PromoError::NotStarted { starts_at }),
            (_, Some(ended_at)) if at >= ended_at => Err(PromoError::Ended { ended_at }),
            _ if left == Some(0) => Err(PromoError::UsedUp),
            _ => Ok(()),
        }
    }

    /// The first thing that is wrong with them.
    pub fn check(&self) -> Result<(), PromoError> {
        let wrong = |what| Err(PromoError::Terms(what));
        match self.reduction {
            Reduction::Percent(0 | 10_001..) => return wrong("a percentage is 1 to 10000 basis points"),
            Reduction::Fixed(amount) if amount.amount <= 0 => return wrong("an amount is more than nothing"),
            Reduction::Nothing if !self.free_shipping => return wrong("a promo grants something"),
            Reduction::Percent(_) | Reduction::Fixed(_) | Reduction::Nothing => {}
        }
        if self.starts_at.zip(self.ends_at).is_some_and(|(starts, ends)| starts >= ends) {
            return wrong("a promo starts before it ends");
        }
        if self.minimum.is_some_and(|minimum| minimum.amount < 0) {
            return wrong("a minimum is not less than nothing");
        }
        if self.scope.products.len() > Self::MAX_SCOPE || self.scope.categories.len() > Self::MAX_SCOPE {
            return wrong("a promo names at most 100 products and 100 categories");
        }
        Ok(())
    }
}

/// What may be asked of a promo.
#[derive(Debug, Clone)]
pub enum PromoCommand {
    /// Come into being.
    Issue { terms: Box<Terms> },
    /// Have other terms from here on. Orders that hold it keep what they were granted.
    Amend { terms: Box<Terms> },
    /// Not be used any more.
    Deactivate,
    /// Be used again.
    Activate,
    /// Be held for `order`, which it takes `discount` off.
    Reserve { order: OrderId, discount: Money, at: Timestamp },
    /// Be used by the order that holds it: it is paid.
    Confirm { order: OrderId },
    /// Be free again: the order that holds it fell through.
    Release { order: OrderId },
}

/// What has happened to a promo. The names are stored for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PromoEvent {
    /// It exists.
    Issued { terms: Terms },
    /// It has these terms from here on.
    Amended { terms: Terms },
    /// It cannot be used any more.
    Deactivated,
    /// It can be used again.
    Activated,
    /// An order holds it; so many more may, where that is limited.
    Reserved { order: OrderId, discount: Money, left: Option<u32> },
    /// An order has used it.
    Confirmed { order: OrderId },
    /// An order gave it back; so many more may have it, where that is limited.
    Released { order: OrderId, left: Option<u32> },
}

/// Why a promo refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromoError {
    /// No event speaks of it.
    #[error("there is no such promo code")]
    Unknown,
    /// The code is in use.
    #[error("this promo code exists already")]
    AlreadyIssued,
    /// These terms make no sense.
    #[error("{0}")]
    Terms(&'static str),
    /// The shop switched it off.
    #[error("this promo code is not active")]
    Inactive,
    /// Its time has not come.
    #[error("this promo code cannot be used yet")]
    NotStarted { starts_at: Timestamp },
    /// Its time is over.
    #[error("this promo code has ended")]
    Ended { ended_at: Timestamp },
    /// As many orders as may have used it, or hold it.
    #[error("this promo code is used up")]
    UsedUp,
}

/// A promo as its events have left it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub enum Promo {
    /// No event speaks of it.
    #[default]
    Unissued,
    /// It exists.
    Issued(Offer),
}

/// What is known of a promo that exists.
#[derive(Debug, Serialize, Deserialize)]
pub struct Offer {
    terms: Terms,
    active: bool,
    used: u32,
    held: BTreeSet<OrderId>,
}

impl Promo {
    /// What it grants to an order that is placed `at`, or why it does not.
    pub fn usable(&self, at: Timestamp) -> Result<&Terms, PromoError> {
        let Self::Issued(offer) = self else { return Err(PromoError::Unknown) };
        offer.terms.usable(offer.active, offer.left(), at)?;
        Ok(&offer.terms)
    }

    /// The terms, where it exists.
    pub const fn terms(&self) -> Option<&Terms> {
        match self {
            Self::Unissued => None,
            Self::Issued(offer) => Some(&offer.terms),
        }
    }

    /// The whole rule book: one line for each thing that may be asked in each state.
    fn decide(&self, command: PromoCommand) -> Result<Vec<PromoEvent>, PromoError> {
        use PromoCommand as Ask;
        match (self, command) {
            (Self::Unissued, Ask::Issue { terms }) => {
                terms.check()?;
                Ok(vec![PromoEvent::Issued { terms: *terms }])
            }
            (Self::Unissued, _) => Err(PromoError::Unknown),
            (Self::Issued(_), Ask::Issue { .. }) => Err(PromoError::AlreadyIssued),

            (Self::Issued(offer), Ask::Amend { terms }) => {
                terms.check()?;
                Ok(if *terms == offer.terms { vec![] } else { vec![PromoEvent::Amended { terms: *terms }] })
            }
            (Self::Issued(offer), Ask::Deactivate) if offer.active => Ok(vec![PromoEvent::Deactivated]),
            (Self::Issued(_), Ask::Deactivate) => Ok(vec![]),
            (Self::Issued(offer), Ask::Activate) if !offer.active => Ok(vec![PromoEvent::Activated]),
            (Self::Issued(_), Ask::Activate) => Ok(vec![]),

            (Self::Issued(offer), Ask::Reserve { order, .. }) if offer.held.contains(&order) => Ok(vec![]),
            (Self::Issued(offer), Ask::Reserve { order, discount, at }) => {
                self.usable(at)?;
                Ok(vec![PromoEvent::Reserved { order, discount, left: offer.left().map(|left| left - 1) }])
            }
            (Self::Issued(offer), Ask::Confirm { order } | Ask::Release { order }) if !offer.held.contains(&order) => {
                Ok(vec![])
            }
            (Self::Issued(_), Ask::Confirm { order }) => Ok(vec![PromoEvent::Confirmed { order }]),
            (Self::Issued(offer), Ask::Release { order }) => {
                Ok(vec![PromoEvent::Released { order, left: offer.left_without(1) }])
            }
        }
    }
}

impl Offer {
    /// How many more orders may have it; `None` where that is not limited.
    fn left(&self) -> Option<u32> {
        self.left_without(0)
    }

    /// How many more orders may have it when `given_back` of those that hold it no longer do.
    fn left_without(&self, given_back: u32) -> Option<u32> {
        let held = u32::try_from(self.held.len()).unwrap_or(u32::MAX).saturating_sub(given_back);
        Some(self.terms.limit?.saturating_sub(self.used.saturating_add(held)))
    }
}

impl Aggregate for Promo {
    const TYPE: &'static str = "promo";
    type Command = PromoCommand;
    type Event = PromoEvent;
    type Error = PromoError;
    type Services = ();

    async fn handle(&mut self, command: PromoCommand, (): &(), sink: &EventSink<Self>) -> Result<(), PromoError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: PromoEvent) {
        match (&mut *self, event) {
            (_, PromoEvent::Issued { terms }) => {
                *self = Self::Issued(Offer { terms, active: true, used: 0, held: BTreeSet::new() });
            }
            (Self::Issued(offer), event) => offer.apply(event),
            (Self::Unissued, _) => {}
        }
    }
}

impl Offer {
    fn apply(&mut self, event: PromoEvent) {
        match event {
            PromoEvent::Issued { .. } => {}
            PromoEvent::Amended { terms } => self.terms = terms,
            PromoEvent::Deactivated => self.active = false,
            PromoEvent::Activated => self.active = true,
            PromoEvent::Reserved { order, .. } => {
                self.held.insert(order);
            }
            PromoEvent::Confirmed { order } => {
                self.held.remove(&order);
                self.used = self.used.saturating_add(1);
            }
            PromoEvent::Released { order, .. } => {
                self.held.remove(&order);
            }
        }
    }
}

impl DomainEvent for PromoEvent {
    fn event_type(&self) -> String {
        let name = match self {
            Self::Issued { .. } => "PromoIssued",
            Self::Amended { .. } => "PromoAmended",
            Self::Deactivated => "PromoDeactivated",
            Self::Activated => "PromoActivated",
            Self::Reserved { .. } => "PromoReserved",
            Self::Confirmed { .. } => "PromoConfirmed",
            Self::Released { .. } => "PromoReleased",
        };
        name.to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Personal for PromoEvent {}

#[cfg(test)]
mod tests;

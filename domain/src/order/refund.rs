//! What can still be given back of an order, to the cent, and what a refund takes of that.

use serde::{Deserialize, Serialize};

use super::{OrderError, OrderLine, Shipment};
use crate::{
    Money, ProductId, Quantity, VatRate,
    pricing::{VatTotal, spread, vat_within},
    product::Kind,
};

/// How much is to be given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// Everything that is left.
    Everything,
    /// Parts of it, all that are named.
    Parts {
        /// So many of these products, at what was paid for them.
        lines: Vec<(ProductId, Quantity)>,
        /// The shipping.
        shipping: bool,
        /// An amount, VAT included, taken evenly of all that is left after the other parts: a goodwill, a part of the
        /// price.
        amount: Option<Money>,
    },
}

/// A part of what is given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundPart {
    /// Of what.
    pub of: RefundOf,
    /// How many pieces are given back with it; none where it is money alone.
    pub quantity: u32,
    /// The rate of VAT inside `amount`.
    pub rate: VatRate,
    /// VAT included.
    pub amount: Money,
}

/// What a part of a refund is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundOf {
    /// A product.
    Product(ProductId),
    /// Shipping.
    Shipping,
}

/// Pieces that come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// Of which product.
    pub product: ProductId,
    /// How many.
    pub quantity: Quantity,
}

/// What is left of an order that can be given back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ledger(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    of: RefundOf,
    rate: VatRate,
    on_shelf: bool,
    quantity: u32,
    amount: Money,
}

impl Ledger {
    /// Everything that `lines` and `shipping` cost.
    pub(super) fn of(lines: &[OrderLine], shipping: Option<&Shipment>) -> Self {
        let lines = lines.iter().map(|line| Entry {
            of: RefundOf::Product(line.product),
            rate: line.vat_rate,
            on_shelf: line.kind == Kind::Physical,
            quantity: line.quantity.get(),
            amount: line.paid(),
        });
        let shipping = shipping.into_iter().flat_map(|shipment| &shipment.by_rate).map(|share| Entry {
            of: RefundOf::Shipping,
            rate: share.rate,
            on_shelf: false,
            quantity: 0,
            amount: share.amount,
        });
        Self(lines.chain(shipping).collect())
    }

    /// How much is left, VAT included.
    pub(super) fn left(&self) -> Money {
        let amount = self.0.iter().map(|entry| entry.amount.amount).sum();
        Money { amount, ..Money::nothing() }
    }

    /// The parts that `extent` comes to.
    pub(super) fn claim(&self, extent: &Extent) -> Result<Vec<RefundPart>, OrderError> {
        let mut left = self.clone();
        let mut parts = Vec::new();
        match extent {
            Extent::Everything => parts.extend(left.0.iter().map(Entry::whole)),
            Extent::Parts { lines, shipping, amount } => {
                for &(product, quantity) in lines {
                    let part = left.line(product, quantity.get())?;
                    left.take(std::slice::from_ref(&part));
                    parts.push(part);
                }
                if *shipping {
                    let whole: Vec<RefundPart> = left.shipping().map(Entry::whole).collect();
                    left.take(&whole);
                    parts.extend(whole);
                }
                if let Some(amount) = amount {
                    parts.extend(left.evenly(*amount)?);
                }
            }
        }
        parts.retain(|part| part.amount.amount > 0 || part.quantity > 0);
        if parts.iter().all(|part| part.amount.amount == 0) {
            return Err(OrderError::NothingToRefund);
        }
        Ok(parts)
    }

    /// What `quantity` of a product cost. The last pieces take what is left of their price, whatever was given back
    /// without pieces before.
    fn line(&self, product: ProductId, quantity: u32) -> Result<RefundPart, OrderError> {
        let of = RefundOf::Product(product);
        let entry = self.0.iter().find(|entry| entry.of == of).ok_or(OrderError::NotInOrder { product })?;
        let Some(kept) = entry.quantity.checked_sub(quantity) else {
            return Err(OrderError::AlreadyReturned { product, left: entry.quantity });
        };
        // The parts of a price that is divided by pieces: the first ones take the smaller cents.
        let amount = match spread(entry.amount.amount, &[i64::from(kept), i64::from(quantity)]).as_slice() {
            [_, amount] => *amount,
            _ => 0,
        };
        Ok(RefundPart { of, quantity, rate: entry.rate, amount: Money { amount, ..entry.amount } })
    }

    fn shipping(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(|entry| entry.of == RefundOf::Shipping)
    }

    /// `amount`, in proportion to what is left of everything.
    fn evenly(&self, amount: Money) -> Result<Vec<RefundPart>, OrderError> {
        let left = self.left();
        if amount.amount <= 0 {
            return Err(OrderError::NothingToRefund);
        }
        if amount.amount > left.amount {
            return Err(OrderError::RefundTooLarge { left });
        }
        let weights: Vec<i64> = self.0.iter().map(|entry| entry.amount.amount).collect();
        let shares = spread(amount.amount, &weights);
        let part = |(entry, amount): (&Entry, i64)| RefundPart {
            quantity: 0,
            amount: Money { amount, ..entry.amount },
            ..entry.whole()
        };
        Ok(self.0.iter().zip(shares).map(part).collect())
    }

    /// Net and VAT of `parts`, so that the VAT of all refunds together is the VAT of the order, to the cent: what the rate
    /// holds before, less what it holds after.
    pub(super) fn vat(&self, parts: &[RefundPart]) -> Vec<VatTotal> {
        let mut after = self.clone();
        after.take(parts);
        let mut rates: Vec<VatRate> = parts.iter().map(|part| part.rate).collect();
        rates.sort_unstable();
        rates.dedup();
        let held = |ledger: &Self, rate| {
            let entries = ledger.0.iter().filter(|entry| entry.rate == rate);
            entries.map(|entry| entry.amount.amount).sum::<i64>()
        };
        rates
            .into_iter()
            .map(|rate| {
                let (before, after) = (held(self, rate), held(&after, rate));
                let vat = vat_within(before, rate) - vat_within(after, rate);
                let money = |amount| Money { amount, ..Money::nothing() };
                VatTotal { rate, net: money(before - after - vat), vat: money(vat) }
            })
            .collect()
    }

    /// The pieces of `parts` that go back on a shelf.
    pub(super) fn returned(&self, parts: &[RefundPart]) -> Vec<Returned> {
        let on_shelf = |of| self.0.iter().any(|entry| entry.of == of && entry.on_shelf);
        parts
            .iter()
            .filter(|part| on_shelf(part.of))
            .filter_map(|part| match part.of {
                RefundOf::Product(product) => {
                    Some(Returned { product, quantity: Quantity::parse(i64::from(part.quantity))? })
                }
                RefundOf::Shipping => None,
            })
            .collect()
    }

    /// Takes `parts` away.
    pub(super) fn take(&mut self, parts: &[RefundPart]) {
        for part in parts {
            let same = |entry: &&mut Entry| entry.of == part.of && entry.rate == part.rate;
            if let Some(entry) = self.0.iter_mut().find(same) {
                entry.quantity = entry.quantity.saturating_sub(part.quantity);
                entry.amount.amount -= part.amount.amount;
            }
        }
    }
}

impl Entry {
    fn whole(&self) -> RefundPart {
        RefundPart { of: self.of, quantity: self.quantity, rate: self.rate, amount: self.amount }
    }
}

/// What `parts` come to, VAT included.
pub(super) fn sum(parts: &[RefundPart]) -> Money {
    let amount = parts.iter().map(|part| part.amount.amount).sum();
    Money { amount, ..Money::nothing() }
}

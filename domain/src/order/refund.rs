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

/// A part of what an order costs, or of what is given back of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Of what.
    pub of: PartOf,
    /// How many pieces it is for; none where it is money alone.
    pub quantity: u32,
    /// The rate of VAT inside `amount`.
    pub rate: VatRate,
    /// VAT included.
    pub amount: Money,
}

/// What a part is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartOf {
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
    /// What is left of it.
    part: Part,
    /// Whether its pieces stand on a shelf.
    on_shelf: bool,
}

/// Everything that `lines` and `shipping` cost.
pub fn parts(lines: &[OrderLine], shipping: Option<&Shipment>) -> Vec<Part> {
    let lines = lines.iter().map(|line| Part {
        of: PartOf::Product(line.product),
        quantity: line.quantity.get(),
        rate: line.vat_rate,
        amount: line.paid(),
    });
    let shares = shipping.into_iter().flat_map(|shipment| &shipment.by_rate);
    let shipping =
        shares.map(|share| Part { of: PartOf::Shipping, quantity: 0, rate: share.rate, amount: share.amount });
    lines.chain(shipping).collect()
}

impl Ledger {
    /// Everything that `lines` and `shipping` cost.
    pub(super) fn of(lines: &[OrderLine], shipping: Option<&Shipment>) -> Self {
        let on_shelf = |of| {
            let physical = |line: &OrderLine| PartOf::Product(line.product) == of && line.kind == Kind::Physical;
            lines.iter().any(physical)
        };
        let entry = |part: Part| Entry { on_shelf: on_shelf(part.of), part };
        Self(parts(lines, shipping).into_iter().map(entry).collect())
    }

    /// How much is left, VAT included.
    pub(super) fn left(&self) -> Money {
        let amount = self.0.iter().map(|entry| entry.part.amount.amount).sum();
        Money { amount, ..Money::nothing() }
    }

    /// The parts that `extent` comes to.
    pub(super) fn claim(&self, extent: &Extent) -> Result<Vec<Part>, OrderError> {
        let mut left = self.clone();
        let mut parts = Vec::new();
        match extent {
            Extent::Everything => parts.extend(left.0.iter().map(|entry| entry.part.clone())),
            Extent::Parts { lines, shipping, amount } => {
                for &(product, quantity) in lines {
                    let part = left.line(product, quantity.get())?;
                    left.take(std::slice::from_ref(&part));
                    parts.push(part);
                }
                if *shipping {
                    let whole: Vec<Part> = left.shipping().cloned().collect();
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
    fn line(&self, product: ProductId, quantity: u32) -> Result<Part, OrderError> {
        let of = PartOf::Product(product);
        let entry = self.0.iter().find(|entry| entry.part.of == of).ok_or(OrderError::NotInOrder { product })?;
        let Some(kept) = entry.part.quantity.checked_sub(quantity) else {
            return Err(OrderError::AlreadyReturned { product, left: entry.part.quantity });
        };
        // The parts of a price that is divided by pieces: the first ones take the smaller cents.
        let amount = match spread(entry.part.amount.amount, &[i64::from(kept), i64::from(quantity)]).as_slice() {
            [_, amount] => *amount,
            _ => 0,
        };
        Ok(Part { of, quantity, rate: entry.part.rate, amount: Money { amount, ..entry.part.amount } })
    }

    fn shipping(&self) -> impl Iterator<Item = &Part> {
        self.0.iter().map(|entry| &entry.part).filter(|part| part.of == PartOf::Shipping)
    }

    /// `amount`, in proportion to what is left of everything.
    fn evenly(&self, amount: Money) -> Result<Vec<Part>, OrderError> {
        let left = self.left();
        if amount.amount <= 0 {
            return Err(OrderError::NothingToRefund);
        }
        if amount.amount > left.amount {
            return Err(OrderError::RefundTooLarge { left });
        }
        let weights: Vec<i64> = self.0.iter().map(|entry| entry.part.amount.amount).collect();
        let shares = spread(amount.amount, &weights);
        let part = |(entry, amount): (&Entry, i64)| Part {
            quantity: 0,
            amount: Money { amount, ..entry.part.amount },
            ..entry.part.clone()
        };
        Ok(self.0.iter().zip(shares).map(part).collect())
    }

    /// Net and VAT of `parts`, so that the VAT of all refunds together is the VAT of the order, to the cent: what the rate
    /// holds before, less what it holds after.
    pub(super) fn vat(&self, parts: &[Part]) -> Vec<VatTotal> {
        let mut after = self.clone();
        after.take(parts);
        let mut rates: Vec<VatRate> = parts.iter().map(|part| part.rate).collect();
        rates.sort_unstable();
        rates.dedup();
        let held = |ledger: &Self, rate| {
            let entries = ledger.0.iter().filter(|entry| entry.part.rate == rate);
            entries.map(|entry| entry.part.amount.amount).sum::<i64>()
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
    pub(super) fn returned(&self, parts: &[Part]) -> Vec<Returned> {
        let on_shelf = |of| self.0.iter().any(|entry| entry.part.of == of && entry.on_shelf);
        parts
            .iter()
            .filter(|part| on_shelf(part.of))
            .filter_map(|part| match part.of {
                PartOf::Product(product) => {
                    Some(Returned { product, quantity: Quantity::parse(i64::from(part.quantity))? })
                }
                PartOf::Shipping => None,
            })
            .collect()
    }

    /// Takes `parts` away.
    pub(super) fn take(&mut self, parts: &[Part]) {
        for part in parts {
            let same = |entry: &&mut Entry| entry.part.of == part.of && entry.part.rate == part.rate;
            if let Some(entry) = self.0.iter_mut().find(same) {
                entry.part.quantity = entry.part.quantity.saturating_sub(part.quantity);
                entry.part.amount.amount -= part.amount.amount;
            }
        }
    }
}

/// What `parts` come to, VAT included.
pub(super) fn sum(parts: &[Part]) -> Money {
    let amount = parts.iter().map(|part| part.amount.amount).sum();
    Money { amount, ..Money::nothing() }
}

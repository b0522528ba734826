//! What a cart costs: one function for every asker, so that the cart, the checkout and the invoice agree to the cent.
//!
//! Prices include VAT, as French consumers read them. VAT is taken out once for each rate, from the sum of that rate's
//! lines: rounding per line would add up to other totals. For a rate of r basis points and a total T with VAT
//! included, VAT = round(T × r / (10,000 + r)), half up, and net = T − VAT, so that net + VAT = T always.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Money, MoneyError, Quantity, VatRate};

/// One product of a cart, as far as its price goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PricedLine {
    /// Price of one, VAT included.
    pub unit_price: Money,
    /// How many.
    pub quantity: Quantity,
    /// The rate inside `unit_price`.
    pub vat_rate: VatRate,
}

/// The sums of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Sum of the lines before the discount, VAT included.
    pub subtotal: Money,
    /// What is taken off, VAT included.
    pub discount: Money,
    /// What is to be paid: `subtotal` − `discount`, VAT included.
    pub total: Money,
    /// Net and VAT by rate, lowest rate first; their sum is `total`.
    pub vat: Vec<VatTotal>,
}

/// What one rate of VAT comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VatTotal {
    /// The rate.
    pub rate: VatRate,
    /// Without VAT, after the discount.
    pub net: Money,
    /// The VAT.
    pub vat: Money,
}

/// Why lines cannot be priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PricingError {
    /// The sums do not fit, or mix currencies.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// More would be taken off than there is, or less than nothing.
    #[error("the discount must be between nothing and the price of the lines")]
    Discount,
}

/// The sums of `lines` after `discount`, which is spread over the rates in proportion to their lines (largest
/// remainder first, so that the parts add up to it exactly).
pub fn price(lines: &[PricedLine], discount: Money) -> Result<Totals, PricingError> {
    let mut by_rate: BTreeMap<VatRate, Money> = BTreeMap::new();
    let mut subtotal = discount.zero();
    for line in lines {
        let gross = line.unit_price.times(line.quantity.get())?;
        subtotal = subtotal.plus(gross)?;
        let of_rate = by_rate.entry(line.vat_rate).or_insert(discount.zero());
        *of_rate = of_rate.plus(gross)?;
    }
    if discount.amount < 0 || discount.amount > subtotal.amount {
        return Err(PricingError::Discount);
    }

    let gross: Vec<i64> = by_rate.values().map(|money| money.amount).collect();
    let shares = spread(discount.amount, &gross);
    let mut vat = Vec::with_capacity(gross.len());
    for ((rate, gross), share) in by_rate.into_iter().zip(shares) {
        let gross = gross.minus(Money { amount: share, ..gross })?;
        let tax = Money { amount: vat_within(gross.amount, rate), ..gross };
        vat.push(VatTotal { rate, net: gross.minus(tax)?, vat: tax });
    }
    Ok(Totals { subtotal, discount, total: subtotal.minus(discount)?, vat })
}

/// The VAT inside `gross` cents at `rate`, rounded half up.
fn vat_within(gross: i64, rate: VatRate) -> i64 {
    let (gross, rate) = (i128::from(gross), i128::from(rate.basis_points()));
    let whole = 10_000 + rate;
    narrow((2 * gross * rate + whole) / (2 * whole))
}

/// `amount` in whole parts proportional to `weights`; what rounding down leaves goes to the largest remainders, the
/// first of equals first.
fn spread(amount: i64, weights: &[i64]) -> Vec<i64> {
    let total: i128 = weights.iter().copied().map(i128::from).sum();
    if total == 0 {
        return vec![0; weights.len()];
    }
    let product = |weight: i64| i128::from(amount) * i128::from(weight);
    let mut parts: Vec<i64> = weights.iter().map(|&weight| narrow(product(weight) / total)).collect();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|&index| std::cmp::Reverse(product(weights[index]) % total));
    let left = amount - parts.iter().sum::<i64>();
    for &index in by_remainder.iter().take(usize::try_from(left).unwrap_or(0)) {
        parts[index] += 1;
    }
    parts
}

/// A part of an `i64` amount, which therefore is one.
fn narrow(part: i128) -> i64 {
    i64::try_from(part).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vat_is_taken_out_once_for_each_rate() {
        let totals = price(&[line(999, 3, 2000), line(1250, 1, 550)], Money::eur(0)).unwrap();
        assert_eq!(totals.total, Money::eur(4247));
        assert_eq!(totals.vat, [vat(550, 1185, 65), vat(2000, 2497, 500)]);
    }

    #[test]
    fn a_discount_is_spread_over_the_rates_to_the_cent() {
        let totals = price(&[line(1000, 1, 2000), line(500, 1, 550)], Money::eur(100)).unwrap();
        assert_eq!(totals.total, Money::eur(1400));
        // 66.67 and 33.33 cents: the larger remainder takes the cent.
        assert_eq!(totals.vat, [vat(550, 443, 24), vat(2000, 777, 156)]);
    }

    #[test]
    fn half_a_cent_of_vat_rounds_up() {
        // 3 cents at 20 %: 0.5 cents of VAT.
        assert_eq!(vat_within(3, VatRate::parse(2000).unwrap()), 1);
    }

    #[test]
    fn a_discount_never_exceeds_the_lines() {
        assert_eq!(price(&[line(100, 1, 0)], Money::eur(101)), Err(PricingError::Discount));
        assert_eq!(price(&[line(100, 1, 0)], Money::eur(-1)), Err(PricingError::Discount));
    }

    #[test]
    fn an_empty_cart_costs_nothing() {
        let totals = price(&[], Money::eur(0)).unwrap();
        assert_eq!((totals.total, totals.vat), (Money::eur(0), vec![]));
    }

    #[test]
    fn sums_that_do_not_fit_are_refused() {
        let huge = line(i64::MAX, 2, 2000);
        assert_eq!(price(&[huge], Money::eur(0)), Err(PricingError::Money(MoneyError::Overflow)));
    }

    fn line(cents: i64, quantity: i64, rate: i64) -> PricedLine {
        PricedLine {
            unit_price: Money::eur(cents),
            quantity: Quantity::parse(quantity).unwrap(),
            vat_rate: VatRate::parse(rate).unwrap(),
        }
    }

    fn vat(rate: i64, net: i64, vat: i64) -> VatTotal {
        VatTotal { rate: VatRate::parse(rate).unwrap(), net: Money::eur(net), vat: Money::eur(vat) }
    }
}

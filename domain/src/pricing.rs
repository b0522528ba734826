//! What a cart costs. The same arithmetic for every asker: the cart view, the promo question, the checkout, the refund.
//!
//! Prices hold their VAT. The promos are taken off first, one after the other, each from what the ones before left of its
//! products; shipping is added; then, for each rate of VAT with T cents VAT included, VAT = round(T × r / (10,000 + r)),
//! half up, and net = T − VAT, so that net + VAT = T always.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Money, MoneyError, ProductId, Quantity, Slug, VatRate,
    product::Kind,
    promo::{PromoCode, Reduction, Terms},
};

/// Everything a price is made of.
#[derive(Debug, Clone)]
pub struct Basket<'shop> {
    /// The products.
    pub lines: Vec<BasketLine<'shop>>,
    /// The promo codes.
    pub promos: Vec<(&'shop PromoCode, &'shop Terms)>,
    /// How it is shipped; counts only where there is something to ship.
    pub shipping: Option<ShippingRate>,
}

/// One product of a basket.
#[derive(Debug, Clone, Copy)]
pub struct BasketLine<'shop> {
    /// Which product.
    pub product: ProductId,
    /// The shelf it stands on.
    pub category: &'shop Slug,
    /// What it physically is.
    pub kind: Kind,
    /// Price of one, VAT included.
    pub unit_price: Money,
    /// How many.
    pub quantity: Quantity,
    /// The rate inside `unit_price`.
    pub vat_rate: VatRate,
}

/// What one way of shipping costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShippingRate {
    /// For one order, VAT included.
    pub price: Money,
    /// Free where the products, after discounts, cost this much or more, VAT included.
    pub free_from: Option<Money>,
}

/// The sums of a basket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Sum of the lines before discounts, VAT included.
    pub subtotal: Money,
    /// What is taken off the lines, VAT included.
    pub discount: Money,
    /// What shipping costs, VAT included.
    #[serde(default = "Money::nothing", skip_serializing_if = "Money::is_nothing")]
    pub shipping: Money,
    /// What is to be paid: `subtotal` − `discount` + `shipping`, VAT included.
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

impl VatTotal {
    /// The two parts of `gross`, which holds VAT at `rate`.
    pub fn of(gross: Money, rate: VatRate) -> Self {
        let vat = vat_within(gross.amount, rate);
        Self { rate, net: Money { amount: gross.amount - vat, ..gross }, vat: Money { amount: vat, ..gross } }
    }

    /// Both parts together.
    pub fn gross(&self) -> Result<Money, MoneyError> {
        self.net.plus(self.vat)
    }
}

/// An amount, VAT included, that is taxed at one rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateShare {
    /// The rate.
    pub rate: VatRate,
    /// VAT included.
    pub amount: Money,
}

/// What a promo code took off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    /// The code.
    pub code: PromoCode,
    /// What it took off the lines, VAT included.
    pub amount: Money,
    /// Whether shipping is free with it.
    pub free_shipping: bool,
}

/// A price, and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The sums.
    pub totals: Totals,
    /// What each promo took off, in the order they were taken.
    pub discounts: Vec<Discount>,
    /// What was taken off each line, VAT included.
    pub line_discounts: Vec<Money>,
    /// What shipping costs, by rate of VAT: it is taxed as the goods are that are shipped.
    pub shipping: Vec<RateShare>,
}

/// Why a basket has no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PricingError {
    /// The sums do not fit, or mix currencies.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A promo code asks for something else.
    #[error("{unmet}")]
    Promo {
        /// Which.
        code: PromoCode,
        /// What for.
        unmet: Unmet,
    },
}

/// What a promo code misses in a basket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmet {
    /// Nothing in it is what the code is for.
    #[error("nothing in the cart is what this promo code is for")]
    Scope,
    /// The products it is for cost less than they must.
    #[error("what this promo code is for does not cost enough")]
    Minimum {
        /// What they must cost.
        minimum: Money,
        /// What they cost.
        reached: Money,
    },
    /// One of two codes stands alone.
    #[error("this promo code does not go with {with}")]
    NotCombinable {
        /// The other one.
        with: PromoCode,
    },
}

/// The price of `basket`, or the first thing that one of its promos misses.
pub fn quote(basket: &Basket<'_>) -> Result<Quote, PricingError> {
    let zero = Money::nothing();
    let gross: Vec<Money> =
        basket.lines.iter().map(|line| line.unit_price.times(line.quantity.get())).collect::<Result<_, _>>()?;
    let subtotal = gross.iter().try_fold(zero, |sum, amount| sum.plus(*amount))?;

    let mut left = gross.clone();
    let mut discounts = Vec::with_capacity(basket.promos.len());
    for (code, terms) in in_order(&basket.promos)? {
        let amount = take_off(basket, code, terms, &gross, &mut left)?;
        discounts.push(Discount { code: code.clone(), amount, free_shipping: terms.free_shipping });
    }
    let items = left.iter().try_fold(zero, |sum, amount| sum.plus(*amount))?;

    let mut by_rate: BTreeMap<VatRate, Money> = BTreeMap::new();
    let shipping = ship(basket, &gross, &left, items, &discounts)?;
    let products = basket.lines.iter().zip(&left).map(|(line, left)| RateShare { rate: line.vat_rate, amount: *left });
    for share in products.chain(shipping.iter().copied()) {
        let of_rate = by_rate.entry(share.rate).or_insert(zero);
        *of_rate = of_rate.plus(share.amount)?;
    }
    let shipping_price = shipping.iter().try_fold(zero, |sum, share| sum.plus(share.amount))?;
    let totals = Totals {
        subtotal,
        discount: subtotal.minus(items)?,
        shipping: shipping_price,
        total: items.plus(shipping_price)?,
        vat: by_rate.into_iter().map(|(rate, gross)| VatTotal::of(gross, rate)).collect(),
    };
    let line_discounts = gross.iter().zip(&left).map(|(gross, left)| gross.minus(*left)).collect::<Result<_, _>>()?;
    Ok(Quote { totals, discounts, line_discounts, shipping })
}

/// The price of `basket` with those of its promos that go, and what the others miss.
pub fn quote_what_goes(mut basket: Basket<'_>) -> Result<(Quote, Vec<(PromoCode, Unmet)>), MoneyError> {
    let mut missing = Vec::new();
    loop {
        match quote(&basket) {
            Ok(quote) => return Ok((quote, missing)),
            Err(PricingError::Money(error)) => return Err(error),
            Err(PricingError::Promo { code, unmet }) => {
                basket.promos.retain(|(known, _)| **known != code);
                missing.push((code, unmet));
            }
        }
    }
}

/// A promo code with its terms.
type Promo<'shop> = (&'shop PromoCode, &'shop Terms);

/// The promos in the order they are taken off, if they go together.
fn in_order<'shop>(promos: &[Promo<'shop>]) -> Result<Vec<Promo<'shop>>, PricingError> {
    let mut promos = promos.to_vec();
    promos.sort_by_key(|(code, terms)| (terms.priority, *code));
    let lonely = promos.iter().position(|(_, terms)| terms.exclusive);
    if let Some(lonely) = lonely
        && let Some((with, _)) = promos.get(usize::from(lonely == 0))
    {
        let (code, with) = (promos[lonely].0.clone(), (*with).clone());
        return Err(PricingError::Promo { code, unmet: Unmet::NotCombinable { with } });
    }
    Ok(promos)
}

/// Takes one promo off what is `left` of its lines, and answers how much that is.
fn take_off(
    basket: &Basket<'_>,
    code: &PromoCode,
    terms: &Terms,
    gross: &[Money],
    left: &mut [Money],
) -> Result<Money, PricingError> {
    let refuse = |unmet| PricingError::Promo { code: code.clone(), unmet };
    let lines = basket.lines.iter().enumerate();
    let mut concerned: Vec<usize> =
        lines.filter(|(_, line)| terms.scope.holds(line.product, line.category)).map(|(index, _)| index).collect();
    if concerned.is_empty() {
        return Err(refuse(Unmet::Scope));
    }
    // So that the order of the lines never decides which rate takes a cent.
    concerned.sort_by_key(|&index| (basket.lines[index].vat_rate, left[index].amount));
    let zero = Money::nothing();
    let reached = concerned.iter().try_fold(zero, |sum, &index| sum.plus(gross[index]))?;
    if let Some(minimum) = terms.minimum.filter(|minimum| reached.amount < minimum.amount) {
        return Err(refuse(Unmet::Minimum { minimum, reached }));
    }
    let weights: Vec<i64> = concerned.iter().map(|&index| left[index].amount).collect();
    let base: i64 = concerned.iter().try_fold(zero, |sum, &index| sum.plus(left[index]))?.amount;
    let amount = match terms.reduction {
        Reduction::Nothing => 0,
        Reduction::Fixed(amount) => amount.amount.min(base),
        Reduction::Percent(basis_points) => {
            narrow((i128::from(base) * i128::from(basis_points) + 5_000) / 10_000).min(base)
        }
    };
    for (&index, share) in concerned.iter().zip(spread(amount, &weights)) {
        left[index].amount -= share;
    }
    Ok(Money { amount, ..zero })
}

/// What shipping costs, spread over the rates of what is shipped: in proportion to what is paid for it, or to what it
/// costs without discounts where nothing is paid.
fn ship(
    basket: &Basket<'_>,
    gross: &[Money],
    left: &[Money],
    items: Money,
    discounts: &[Discount],
) -> Result<Vec<RateShare>, MoneyError> {
    let Some(rate) = basket.shipping else { return Ok(Vec::new()) };
    let reached = rate.free_from.is_some_and(|from| items.amount >= from.amount);
    if reached || rate.price.amount == 0 || discounts.iter().any(|discount| discount.free_shipping) {
        return Ok(Vec::new());
    }
    let by_rate = |amounts: &[Money]| {
        let mut sums: BTreeMap<VatRate, Money> = BTreeMap::new();
        for (line, amount) in basket.lines.iter().zip(amounts).filter(|(line, _)| line.kind == Kind::Physical) {
            let sum = sums.entry(line.vat_rate).or_insert(amount.zero());
            *sum = sum.plus(*amount)?;
        }
        Ok::<_, MoneyError>(sums)
    };
    let mut sums = by_rate(left)?;
    if sums.values().all(|sum| sum.amount == 0) {
        sums = by_rate(gross)?;
    }
    let mut weights: Vec<i64> = sums.values().map(|sum| sum.amount).collect();
    if weights.iter().all(|weight| *weight == 0) {
        weights.fill(1);
    }
    let shares = sums.keys().zip(spread(rate.price.amount, &weights));
    let shares = shares.map(|(&of, amount)| RateShare { rate: of, amount: Money { amount, ..rate.price } });
    Ok(shares.filter(|share| share.amount.amount > 0).collect())
}

/// The VAT inside `gross` cents at `rate`, rounded half up.
pub(crate) fn vat_within(gross: i64, rate: VatRate) -> i64 {
    let (gross, rate) = (i128::from(gross), i128::from(rate.basis_points()));
    let whole = 10_000 + rate;
    narrow((2 * gross * rate + whole) / (2 * whole))
}

/// `amount` in whole parts proportional to `weights`; what rounding down leaves goes to the largest remainders, the
/// first of equals first. No part is more than its weight where `amount` is not more than their sum.
pub(crate) fn spread(amount: i64, weights: &[i64]) -> Vec<i64> {
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
mod tests;

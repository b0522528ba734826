//! Money and the rates it is taxed at: integers, checked.

use serde::{Deserialize, Serialize};

/// An ISO 4217 code. The shop sells in euros; another currency is another variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Currency {
    /// Euro, two decimals.
    #[serde(rename = "EUR")]
    Eur,
}

/// An amount in minor units (cents) of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Minor units: 1990 is 19.90 EUR.
    pub amount: i64,
    /// The currency of `amount`.
    pub currency: Currency,
}

/// Why two amounts have no sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result does not fit.
    #[error("the amount is too large")]
    Overflow,
    /// The amounts are of different currencies.
    #[error("the amounts are in different currencies")]
    CurrencyMismatch,
}

impl Money {
    /// The highest price of one unit: one million euros.
    pub const MAX_PRICE: i64 = 100_000_000;

    /// `amount` cents of euro.
    pub const fn eur(amount: i64) -> Self {
        Self { amount, currency: Currency::Eur }
    }

    /// A price a product may have: from 0 to one million, in minor units.
    pub fn price(amount: i64, currency: Currency) -> Option<Self> {
        (0..=Self::MAX_PRICE).contains(&amount).then_some(Self { amount, currency })
    }

    /// Nothing, in the currency of the shop.
    pub const fn nothing() -> Self {
        Self::eur(0)
    }

    /// Whether this is nothing.
    pub const fn is_nothing(&self) -> bool {
        self.amount == 0
    }

    /// Nothing, in the same currency.
    pub const fn zero(self) -> Self {
        Self { amount: 0, currency: self.currency }
    }

    /// `self + other`.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, i64::checked_add)
    }

    /// `self - other`.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, i64::checked_sub)
    }

    /// `self × count`.
    pub fn times(self, count: u32) -> Result<Self, MoneyError> {
        let amount = self.amount.checked_mul(i64::from(count)).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount, ..self })
    }

    fn with(self, other: Self, sum: fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch);
        }
        let amount = sum(self.amount, other.amount).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount, ..self })
    }
}

/// A rate of VAT in basis points: 2000 is 20 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VatRate(u16);

impl VatRate {
    /// The rates in force in France (metropolitan, Corsica, overseas) and zero: CGI art. 278 to 281 nonies, 294 to
    /// 297.
    pub const ALLOWED: [u16; 11] = [0, 90, 105, 175, 210, 550, 850, 1000, 1300, 2000, 2060];

    /// No VAT.
    pub const NONE: Self = Self(0);

    /// `basis_points`, if France knows such a rate.
    pub fn parse(basis_points: i64) -> Option<Self> {
        u16::try_from(basis_points).ok().filter(|rate| Self::ALLOWED.contains(rate)).map(Self)
    }

    /// The rate in basis points.
    pub fn basis_points(self) -> u16 {
        self.0
    }
}

//! How this shop trades: who sells, how it ships, on which terms. Settings, not events: an event says what came of them.

use domain::{Line, Localized, Seller, Slug, VatRate, VatRegime, pricing::ShippingRate};

/// How this shop trades.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trade {
    /// Who sells.
    pub seller: Seller,
    /// The ways of shipping; where there is none, shipping is not sold.
    pub shipping: Vec<ShippingMethod>,
    /// The version of the terms of sale that customers agree to.
    pub terms: Line<64>,
}

/// A way of shipping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippingMethod {
    /// How programs name it.
    pub id: Slug,
    /// How customers read it.
    pub name: Localized<Line<100>>,
    /// What it costs.
    pub rate: ShippingRate,
    /// The countries it goes to, ISO 3166-1 alpha-2; all, where none is named.
    pub countries: Vec<Line<2>>,
}

/// Why something is not shipped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShippingError {
    /// There is something to ship, and nobody said how.
    #[error("a way of shipping must be named")]
    Missing,
    /// The shop has no such way of shipping.
    #[error("there is no such way of shipping")]
    Unknown,
    /// It does not go there.
    #[error("this way of shipping does not go to {country}")]
    NotThere {
        /// Where.
        country: Line<2>,
    },
}

impl Trade {
    /// The VAT inside a price of a product at `rate`: none where the seller has a franchise.
    pub fn vat(&self, rate: VatRate) -> VatRate {
        match self.seller.vat {
            VatRegime::Normal | VatRegime::Debits => rate,
            VatRegime::Franchise => VatRate::NONE,
        }
    }

    /// The way of shipping `asked` to `country`; `None` where this shop does not sell shipping.
    pub fn shipping(&self, asked: Option<&Slug>, country: &Line<2>) -> Result<Option<&ShippingMethod>, ShippingError> {
        match asked {
            None if self.shipping.is_empty() => Ok(None),
            None => Err(ShippingError::Missing),
            Some(id) => {
                let method = self.shipping.iter().find(|method| method.id == *id).ok_or(ShippingError::Unknown)?;
                if method.countries.is_empty() || method.countries.contains(country) {
                    Ok(Some(method))
                } else {
                    Err(ShippingError::NotThere { country: country.clone() })
                }
            }
        }
    }
}

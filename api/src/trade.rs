//! Who sells, how it ships and on which terms: the file of the shop that `--shop` names.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use commands::trade::{ShippingMethod, Trade};
use domain::{
    Address, Email, Line, Localized, Money, Prose, Seller, Siren, Slug, VatNumber, VatRegime, pricing::ShippingRate,
};
use serde::Deserialize;

const DEMO: &str = include_str!("../demo/shop.json");

/// The file of a shop.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    seller: SellerEntry,
    #[serde(default)]
    shipping: Vec<ShippingEntry>,
    terms_version: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SellerEntry {
    name: String,
    legal_form: Option<String>,
    address: AddressEntry,
    siren: String,
    register: Option<String>,
    vat_number: Option<String>,
    #[serde(default)]
    vat: VatRegime,
    email: Option<String>,
    phone: Option<String>,
    website: Option<String>,
    #[serde(default)]
    mentions: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AddressEntry {
    street: String,
    extra: Option<String>,
    postal_code: String,
    city: String,
    country: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShippingEntry {
    id: String,
    name: Localized<String>,
    /// In cents of euro, VAT included.
    price: i64,
    /// In cents of euro, VAT included.
    free_from: Option<i64>,
    #[serde(default)]
    countries: Vec<String>,
}

/// How the shop of this file trades.
pub fn read(path: &Path) -> anyhow::Result<Trade> {
    let file = || format!("the file of the shop, {}", path.display());
    let json = std::fs::read_to_string(path).with_context(file)?;
    parse(&json).with_context(file)
}

/// How the demo shop trades.
pub(crate) fn of_demo() -> anyhow::Result<Trade> {
    parse(DEMO).context("the demo shop")
}

/// How the shop that `json` describes trades.
pub fn parse(json: &str) -> anyhow::Result<Trade> {
    let File { seller, shipping, terms_version } = serde_json::from_str(json)?;
    let shipping: Vec<ShippingMethod> = shipping.into_iter().map(ShippingEntry::parse).collect::<Result<_, _>>()?;
    for (place, method) in shipping.iter().enumerate() {
        ensure!(!shipping[..place].iter().any(|other| other.id == method.id), "two ways of shipping are {}", method.id);
    }
    let terms = Line::parse(&terms_version).context("terms_version")?;
    Ok(Trade { seller: seller.parse().context("seller")?, shipping, terms })
}

impl SellerEntry {
    fn parse(self) -> anyhow::Result<Seller> {
        let siren = Siren::parse(&self.siren).context("siren")?;
        let vat_number = self.vat_number.as_deref().map(VatNumber::parse).transpose().context("vat_number")?;
        if self.vat != VatRegime::Franchise && vat_number.is_none() {
            bail!("vat_number: who sells with VAT has one");
        }
        Ok(Seller {
            name: Line::parse(&self.name).context("name")?,
            legal_form: self.legal_form.as_deref().map(Line::parse).transpose().context("legal_form")?,
            address: self.address.parse().context("address")?,
            siren,
            register: self.register.as_deref().map(Line::parse).transpose().context("register")?,
            vat_number,
            vat: self.vat,
            email: self.email.as_deref().map(Email::parse).transpose().context("email")?,
            phone: self.phone.as_deref().map(Line::parse).transpose().context("phone")?,
            website: self.website.as_deref().map(Line::parse).transpose().context("website")?,
            mentions: self
                .mentions
                .iter()
                .map(|text| Prose::parse(text))
                .collect::<Result<_, _>>()
                .context("mentions")?,
        })
    }
}

impl AddressEntry {
    fn parse(self) -> anyhow::Result<Address> {
        Ok(Address {
            street: Line::parse(&self.street).context("street")?,
            extra: self.extra.as_deref().map(Line::parse).transpose().context("extra")?,
            postal_code: Line::parse(&self.postal_code).context("postal_code")?,
            city: Line::parse(&self.city).context("city")?,
            country: Address::parse_country(&self.country).context("country")?,
        })
    }
}

impl ShippingEntry {
    fn parse(self) -> anyhow::Result<ShippingMethod> {
        let way = format!("the way of shipping {:?}", self.id);
        let money = |cents: i64| {
            let money = Money::price(cents, domain::Currency::Eur);
            money.with_context(|| format!("{way}: an amount is 0 to {} cents", Money::MAX_PRICE))
        };
        Ok(ShippingMethod {
            id: Slug::parse(&self.id).with_context(|| way.clone())?,
            name: Localized {
                fr: Line::parse(&self.name.fr).with_context(|| way.clone())?,
                en: self.name.en.as_deref().map(Line::parse).transpose().with_context(|| way.clone())?,
            },
            rate: ShippingRate { price: money(self.price)?, free_from: self.free_from.map(money).transpose()? },
            countries: self
                .countries
                .iter()
                .map(|country| Address::parse_country(country))
                .collect::<Result<_, _>>()
                .with_context(|| way.clone())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_shop_trades() {
        let trade = of_demo().unwrap();
        assert_eq!((trade.shipping.len(), trade.seller.vat), (2, VatRegime::Normal));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_named() {
        for (from, to, named) in [
            ("732829320", "732829321", "siren"),
            ("\"vat_number\": \"FR44732829320\",", "", "vat_number"),
            ("\"express\"", "\"standard\"", "two ways of shipping"),
            ("590", "-1", "an amount is 0 to"),
            ("\"terms_version\"", "\"something\"", "unknown field"),
        ] {
            let error = parse(&DEMO.replacen(from, to, 1)).unwrap_err();
            assert!(format!("{error:#}").contains(named), "{error:#}");
        }
    }
}

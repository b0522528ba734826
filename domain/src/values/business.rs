//! Companies: who buys for one, and the one that sells.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Address, Email, Line, Prose, TextError};

/// The number of a company in the French register: 9 digits, the last one a check (Luhn, ISO/IEC 7812-1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Siren(String);

impl Siren {
    /// `text` without its spaces, if it is 9 digits that check.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let digits = without_spaces(text);
        let valid = digits.len() == 9 && digits.bytes().all(|byte| byte.is_ascii_digit()) && luhn(&digits);
        if valid { Ok(Self(digits)) } else { Err(TextError::Form("must be a SIREN: 9 digits, the last one a check")) }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The two digits that stand before this number in a French VAT number: (12 + 3 × (n mod 97)) mod 97.
    fn vat_key(&self) -> u64 {
        (12 + 3 * (self.0.parse::<u64>().unwrap_or(0) % 97)) % 97
    }
}

impl fmt::Display for Siren {
    /// In groups of three, as people read it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = |from: usize| self.0.get(from..from + 3).unwrap_or_default();
        write!(formatter, "{} {} {}", group(0), group(3), group(6))
    }
}

/// `text` without the spaces that people group digits with.
fn without_spaces(text: &str) -> String {
    text.chars().filter(|character| !matches!(character, ' ' | '\u{a0}' | '\u{202f}')).collect()
}

/// Whether the digits, every second one from the right doubled, add up to a multiple of ten.
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            let doubled = digit * 2;
            match (place % 2, doubled) {
                (0, _) => digit,
                (_, 10..) => doubled - 9,
                _ => doubled,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// A VAT number of the European Union: two letters of its country, then 2 to 12 letters and digits. A French one is
/// checked against its SIREN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VatNumber(String);

impl VatNumber {
    /// `text` without its spaces, if it has the form of one.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let number = without_spaces(text);
        let valid = number.is_ascii() && (4..=14).contains(&number.len()) && {
            let (country, rest) = number.split_at(2);
            country.bytes().all(|byte| byte.is_ascii_uppercase())
                && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
                && (country != "FR" || is_french(rest))
        };
        if valid { Ok(Self(number)) } else { Err(TextError::Form("must be a VAT number such as FR44732829320")) }
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether this is a key and the SIREN it belongs to. Keys with letters are in use, too, and cannot be checked.
fn is_french(rest: &str) -> bool {
    let Some((key, siren)) = rest.split_at_checked(2) else { return false };
    let Ok(siren) = Siren::parse(siren) else { return false };
    key.parse::<u64>().map_or(true, |key| key == siren.vat_key())
}

impl fmt::Display for VatNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The company somebody buys for. Personal data all the same: a trader's company carries the trader's name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Business {
    /// Its name.
    pub name: Line<200>,
    /// Its number in the French register, where it is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub siren: Option<Siren>,
    /// Its VAT number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_number: Option<VatNumber>,
    /// Its own name for the purchase, to be printed on the invoice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Line<50>>,
}

impl fmt::Debug for Business {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Business(..)")
    }
}

/// How the shop pays its VAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VatRegime {
    /// As everybody does: on goods when they are delivered, on services when they are paid.
    #[default]
    Normal,
    /// On services, too, when they are invoiced (CGI art. 269-2 c); every invoice says so.
    Debits,
    /// Not at all, below a turnover (CGI art. 293 B); every invoice says so, and no price holds VAT.
    Franchise,
}

/// Who sells: what the law wants on every document (CGI ann. II art. 242 nonies A, C. com. art. R123-237).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seller {
    /// The name of the company.
    pub name: Line<200>,
    /// What it legally is, with its capital: "SAS au capital de 10 000 €".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_form: Option<Line<200>>,
    /// Where it sits.
    pub address: Address,
    /// Its number in the register.
    pub siren: Siren,
    /// The register: "RCS Paris".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub register: Option<Line<100>>,
    /// Its VAT number; a franchise has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_number: Option<VatNumber>,
    /// How it pays its VAT.
    pub vat: VatRegime,
    /// Where customers write to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Where customers call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Line<40>>,
    /// Where the shop is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<Line<200>>,
    /// What else every document of this shop must say: the identifiers of the producers' schemes, the mediator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Prose<500>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_siren_checks_itself() {
        assert_eq!(Siren::parse("732 829 320").unwrap().to_string(), "732 829 320");
        for text in ["732829321", "73282932", "7328293200", "73282932O", ""] {
            assert!(Siren::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_french_vat_number_is_that_of_its_siren() {
        for text in ["FR44732829320", "FR96552100554", "FR 44 732 829 320", "DE123456789", "FRK7732829320"] {
            assert!(VatNumber::parse(text).is_ok(), "{text:?}");
        }
        for text in ["FR45732829320", "FR44732829321", "fr44732829320", "FR", "44732829320", "ÉÉ123", "FR4473282932012"]
        {
            assert!(VatNumber::parse(text).is_err(), "{text:?}");
        }
    }
}

//! Who buys, and where it goes: personal data, stored sealed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Business, Language, Line, TextError};

/// An e-mail address, as its owner wrote it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// `text`, if mail could be sent to it: a local part, `@`, a domain with a dot, no spaces, 254 characters at most
    /// (RFC 5321 section 4.5.3.1.3).
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let line = Line::<254>::parse(text)?;
        let valid = line.as_str().rsplit_once('@').is_some_and(|(local, domain)| {
            (1..=64).contains(&local.len())
                && !local.contains(['@', '"', '<', '>', ',', ';'])
                && domain.split('.').count() > 1
                && domain.split('.').all(|label| {
                    !label.is_empty()
                        && !label.starts_with('-')
                        && !label.ends_with('-')
                        && label.chars().all(|character| character.is_alphanumeric() || character == '-')
                })
        });
        if valid && !line.as_str().contains(char::is_whitespace) {
            Ok(Self(line.as_str().to_owned()))
        } else {
            Err(TextError::Form("must be an e-mail address"))
        }
    }

    /// The address as its owner wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address as two people would have to share it to be one person: lower case.
    pub fn normalized(&self) -> String {
        self.0.to_lowercase()
    }
}

/// A postal address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Number and street.
    pub street: Line<200>,
    /// Floor, building, place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<Line<200>>,
    /// Postal code.
    pub postal_code: Line<16>,
    /// Town.
    pub city: Line<100>,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: Line<2>,
}

impl Address {
    /// `text`, if it has the form of an ISO 3166-1 alpha-2 code.
    pub fn parse_country(text: &str) -> Result<Line<2>, TextError> {
        match Line::parse(text) {
            Ok(code) if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()) => Ok(code),
            Err(TextError::Control) => Err(TextError::Control),
            _ => Err(TextError::Form("must be a country code of two capital letters")),
        }
    }
}

/// Who places an order, and where its documents and parcels go.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Where the confirmation goes.
    pub email: Email,
    /// The name on documents and parcels.
    pub name: Line<200>,
    /// The address on the invoice.
    pub billing: Address,
    /// The address on the parcel, where it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipping: Option<Address>,
    /// The company it is for, where it is for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business: Option<Business>,
    /// The language this person reads.
    pub language: Language,
}

macro_rules! secretive {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}

secretive!(Email, Address, Contact);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_has_two_parts_and_a_dotted_domain() {
        assert!(Email::parse("ana@example.fr").is_ok());
        assert!(Email::parse("ana+test@été.example").is_ok());
        for text in ["ana", "@a.fr", "ana@", "ana@fr", "a b@c.fr", "ana@-a.fr", "a@b@c.fr", "a\n@b.fr", "<a@b.fr>"] {
            assert!(Email::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_log_line_shows_nothing_personal() {
        assert_eq!(format!("{:?}", Email::parse("ana@example.fr").unwrap()), "Email(..)");
    }
}

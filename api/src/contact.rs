//! Who buys, as bodies say it.

use domain::{Address, Business, Contact, Email, Line, Siren, VatNumber};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    answer::LanguageBody,
    error::{ApiError, Fields},
    strict,
};

/// Who buys, and where documents and parcels go.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Contact)]
pub(crate) struct ContactBody {
    #[schema(example = "ana@example.fr")]
    email: String,
    #[schema(example = "Ana Martin")]
    name: String,
    #[serde(deserialize_with = "strict::object")]
    billing: AddressBody,
    /// Where it is another than `billing`.
    #[serde(default, deserialize_with = "strict::maybe_object", skip_serializing_if = "Option::is_none")]
    shipping: Option<AddressBody>,
    /// The company it is for, where it is for one.
    #[serde(default, deserialize_with = "strict::maybe_object", skip_serializing_if = "Option::is_none")]
    business: Option<BusinessBody>,
    /// The language this person reads.
    #[serde(default, deserialize_with = "strict::word")]
    language: LanguageBody,
}

/// A company.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Business)]
struct BusinessBody {
    #[schema(example = "Atelier des Lilas SARL")]
    name: String,
    /// Its number in the French register: 9 digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "552100554")]
    siren: Option<String>,
    /// Its VAT number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "FR96552100554")]
    vat_number: Option<String>,
    /// Its own name for the purchase, printed on the invoice.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "BC-2026-118")]
    reference: Option<String>,
}

/// A postal address.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Address)]
struct AddressBody {
    #[schema(example = "12 rue des Lilas")]
    street: String,
    /// Floor, building, place.
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<String>,
    #[schema(example = "69003")]
    postal_code: String,
    #[schema(example = "Lyon")]
    city: String,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "FR")]
    country: String,
}

impl ContactBody {
    /// The contact, or what is wrong with the field `field`.
    pub(crate) fn parse(self, field: &str) -> Result<Contact, ApiError> {
        let mut fields = Fields::default();
        let email = fields.take(&format!("{field}.email"), Email::parse(&self.email));
        let name = fields.take(&format!("{field}.name"), Line::parse(&self.name));
        let billing = self.billing.parse(&mut fields, &format!("{field}.billing"));
        let shipping = self.shipping.map(|shipping| shipping.parse(&mut fields, &format!("{field}.shipping")));
        let business = self.business.map(|business| business.parse(&mut fields, &format!("{field}.business")));
        let language = self.language.into();
        let whole = (|| {
            let business = match business {
                Some(business) => Some(business?),
                None => None,
            };
            let shipping = match shipping {
                Some(shipping) => Some(shipping?),
                None => None,
            };
            Some(Contact { email: email?, name: name?, billing: billing?, shipping, business, language })
        })();
        fields.finish(whole)
    }
}

impl BusinessBody {
    fn parse(self, fields: &mut Fields, field: &str) -> Option<Business> {
        let name = fields.take(&format!("{field}.name"), Line::parse(&self.name));
        let siren = fields.maybe(&format!("{field}.siren"), self.siren.as_deref().map(Siren::parse));
        let vat_number = fields.maybe(&format!("{field}.vat_number"), self.vat_number.as_deref().map(VatNumber::parse));
        let reference = fields.maybe(&format!("{field}.reference"), self.reference.as_deref().map(Line::parse));
        Some(Business { name: name?, siren, vat_number, reference })
    }
}

impl From<Business> for BusinessBody {
    fn from(business: Business) -> Self {
        Self {
            name: business.name.to_string(),
            siren: business.siren.map(|siren| siren.as_str().to_owned()),
            vat_number: business.vat_number.map(|number| number.to_string()),
            reference: business.reference.map(|reference| reference.to_string()),
        }
    }
}

impl AddressBody {
    fn parse(self, fields: &mut Fields, field: &str) -> Option<Address> {
        let street = fields.take(&format!("{field}.street"), Line::parse(&self.street));
        let extra = fields.maybe(&format!("{field}.extra"), self.extra.as_deref().map(Line::parse));
        let postal_code = fields.take(&format!("{field}.postal_code"), Line::parse(&self.postal_code));
        let city = fields.take(&format!("{field}.city"), Line::parse(&self.city));
        let country = fields.take(&format!("{field}.country"), Address::parse_country(&self.country));
        Some(Address { street: street?, extra, postal_code: postal_code?, city: city?, country: country? })
    }
}

impl From<Contact> for ContactBody {
    fn from(contact: Contact) -> Self {
        Self {
            email: contact.email.as_str().to_owned(),
            name: contact.name.to_string(),
            billing: contact.billing.into(),
            shipping: contact.shipping.map(Into::into),
            business: contact.business.map(Into::into),
            language: contact.language.into(),
        }
    }
}

impl From<Address> for AddressBody {
    fn from(address: Address) -> Self {
        Self {
            street: address.street.to_string(),
            extra: address.extra.map(|extra| extra.to_string()),
            postal_code: address.postal_code.to_string(),
            city: address.city.to_string(),
            country: address.country.to_string(),
        }
    }
}

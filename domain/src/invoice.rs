//! Invoices and credit notes: what was sold, to whom, by whom, with which VAT, said once and for ever.
//!
//! A document is issued in the append that makes it due: the invoice when the order is paid, the credit note when the
//! refund is granted. Its number comes from the register in the same append. What it says is sealed under the key of its
//! fiscal year, because the law wants it kept when the person is forgotten. Its PDF is made once and kept; the document
//! remembers the hash.

use std::fmt;

use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};

use crate::{
    BusinessDate, Contact, InvoiceId, Line, Money, OrderId, Personal, RefundId, Sealed, Seller, Slug, SubjectId,
    VatRate, order::Part, pricing::Discount, pricing::VatTotal, register::DocumentNumber, sealed::SealedField,
};

pub mod layout;

/// Everything a document says. Its number and its date come from the register.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceContent {
    /// Who sells.
    pub seller: Seller,
    /// Who buys, in the language of this person.
    pub buyer: Contact,
    /// What it is for.
    pub order: OrderId,
    /// When that was ordered.
    pub ordered_on: BusinessDate,
    /// When that was sold: the day it was paid.
    pub supplied_on: BusinessDate,
    /// Whether goods were sold, or services, or both.
    pub nature: Nature,
    /// What was sold, or what is taken back.
    pub lines: Vec<InvoiceLine>,
    /// What was taken off the lines, by promo code, VAT included. A credit note has none: its lines are what was paid.
    pub discounts: Vec<InvoiceDiscount>,
    /// What was taken off, by rate of VAT, without VAT: so that lines − this + `shipping_net` is the net of `vat`.
    pub allowances: Vec<NetByRate>,
    /// The way of shipping, and what it cost, VAT included.
    pub shipping: Option<InvoiceShipping>,
    /// Net and VAT by rate, lowest rate first.
    pub vat: Vec<VatTotal>,
    /// Lines before discounts, VAT included.
    pub subtotal: Money,
    /// All discounts, VAT included.
    pub discount: Money,
    /// What is to be paid, or what is given back, VAT included.
    pub total: Money,
    /// How it was paid, or how it is paid back.
    pub payment: InvoicePayment,
    /// What a credit note takes back, and why; `None` on an invoice.
    pub corrects: Option<Correction>,
    /// A keyed hash that nobody can guess, so that the hash of this content tells nothing about it.
    pub salt: String,
}

/// A document as it is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Its number.
    pub number: DocumentNumber,
    /// The day it was issued.
    pub on: BusinessDate,
    /// What it says.
    pub content: InvoiceContent,
}

/// What was sold, for the authorities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nature {
    /// Goods.
    Goods,
    /// Services, downloads and credits among them.
    Services,
    /// Both.
    Both,
}

/// One line of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceLine {
    /// What, in the buyer's language.
    pub name: Line<200>,
    /// The product's name in addresses; `None` where no product is given back but money.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<Slug>,
    /// How many.
    pub quantity: u32,
    /// The price of one, VAT included.
    pub unit_price: Money,
    /// The VAT inside.
    pub vat_rate: VatRate,
    /// The price of all, VAT included.
    pub total: Money,
    /// The price of all, without VAT.
    pub net: Money,
}

/// A discount on a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceDiscount {
    /// The promo code.
    pub code: Line<32>,
    /// What it took off, VAT included.
    pub amount: Money,
}

/// An amount without VAT, of what is taxed at one rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetByRate {
    /// The rate.
    pub rate: VatRate,
    /// Without VAT.
    pub net: Money,
}

/// Shipping on a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceShipping {
    /// The way, in the buyer's language.
    pub name: Line<100>,
    /// What it costs, VAT included; nothing where it is free.
    pub total: Money,
    /// The same by rate of VAT, without VAT: shipping is taxed as the goods are.
    pub net: Vec<NetByRate>,
}

/// How a document was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoicePayment {
    /// With what, as people say it; `None` where nothing was owed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Line<64>>,
    /// When.
    pub on: BusinessDate,
}

/// What a credit note takes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// The number of the invoice.
    pub number: DocumentNumber,
    /// The day the invoice was issued.
    pub on: BusinessDate,
    /// Why, as the shop wrote it.
    pub reason: Line<200>,
}

impl fmt::Debug for InvoiceContent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("InvoiceContent(..)")
    }
}

impl fmt::Debug for Invoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Invoice({}, ..)", self.number)
    }
}

/// What may be asked of a document.
#[derive(Debug, Clone)]
pub enum InvoiceCommand {
    /// Say this, once and for ever.
    Issue(Box<Issue>),
    /// Take note of the PDF that was made of it: SHA-256, hexadecimal, and length in bytes.
    RecordPrint { sha256: String, bytes: u64 },
}

/// Everything a document is issued with.
#[derive(Debug, Clone)]
pub struct Issue {
    /// Its id.
    pub invoice: InvoiceId,
    /// Its number, from the register.
    pub number: DocumentNumber,
    /// The day it counts for, from the register.
    pub on: BusinessDate,
    /// The refund that a credit note is for.
    pub refund: Option<RefundId>,
    /// What was sold, or is taken back.
    pub parts: Vec<Part>,
    /// What each promo code took off.
    pub discounts: Vec<Discount>,
    /// What it says.
    pub content: InvoiceContent,
}

/// What has happened to a document. The names are stored for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum InvoiceEvent {
    /// It exists. What the books count by is in the clear, the rest is sealed.
    Issued {
        invoice: InvoiceId,
        number: DocumentNumber,
        order: OrderId,
        refund: Option<RefundId>,
        corrects: Option<DocumentNumber>,
        parts: Vec<Part>,
        discounts: Vec<Discount>,
        vat: Vec<VatTotal>,
        total: Money,
        on: BusinessDate,
        content: Sealed<InvoiceContent>,
    },
    /// It has a PDF, which is kept.
    Printed { sha256: String, bytes: u64 },
}

/// Why a document refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvoiceError {
    /// No event speaks of it.
    #[error("there is no such invoice")]
    Unknown,
    /// It says what it says.
    #[error("this invoice is issued")]
    AlreadyIssued,
    /// Another PDF was made of it before.
    #[error("another PDF of this invoice is kept")]
    OtherPrint,
}

/// A document as its events have left it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub enum InvoiceRecord {
    /// No event speaks of it.
    #[default]
    Unissued,
    /// It exists.
    Issued {
        /// Its number.
        number: DocumentNumber,
        /// The day it counts for.
        on: BusinessDate,
        /// The hash of its PDF, where that was made.
        sha256: Option<String>,
    },
}

impl InvoiceRecord {
    /// Its number and its day, where it exists.
    pub fn issued(&self) -> Option<(&DocumentNumber, BusinessDate)> {
        match self {
            Self::Unissued => None,
            Self::Issued { number, on, .. } => Some((number, *on)),
        }
    }

    /// Whether its PDF is made.
    pub const fn is_printed(&self) -> bool {
        matches!(self, Self::Issued { sha256: Some(_), .. })
    }

    fn decide(&self, command: InvoiceCommand) -> Result<Vec<InvoiceEvent>, InvoiceError> {
        match (self, command) {
            (Self::Unissued, InvoiceCommand::Issue(issue)) => Ok(vec![issued(*issue)]),
            (Self::Issued { .. }, InvoiceCommand::Issue(_)) => Err(InvoiceError::AlreadyIssued),
            (Self::Unissued, InvoiceCommand::RecordPrint { .. }) => Err(InvoiceError::Unknown),
            (Self::Issued { sha256: None, .. }, InvoiceCommand::RecordPrint { sha256, bytes }) => {
                Ok(vec![InvoiceEvent::Printed { sha256, bytes }])
            }
            (Self::Issued { sha256: Some(kept), .. }, InvoiceCommand::RecordPrint { sha256, .. }) => {
                if *kept == sha256 { Ok(vec![]) } else { Err(InvoiceError::OtherPrint) }
            }
        }
    }
}

fn issued(issue: Issue) -> InvoiceEvent {
    let Issue { invoice, number, on, refund, parts, discounts, content } = issue;
    InvoiceEvent::Issued {
        invoice,
        number,
        order: content.order,
        refund,
        corrects: content.corrects.as_ref().map(|correction| correction.number.clone()),
        parts,
        discounts,
        vat: content.vat.clone(),
        total: content.total,
        on,
        content: Sealed::plain(SubjectId::fiscal_year(on), content),
    }
}

impl Aggregate for InvoiceRecord {
    const TYPE: &'static str = "invoice";
    type Command = InvoiceCommand;
    type Event = InvoiceEvent;
    type Error = InvoiceError;
    type Services = ();

    async fn handle(&mut self, command: InvoiceCommand, (): &(), sink: &EventSink<Self>) -> Result<(), InvoiceError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: InvoiceEvent) {
        match (&mut *self, event) {
            (_, InvoiceEvent::Issued { number, on, .. }) => *self = Self::Issued { number, on, sha256: None },
            (Self::Issued { sha256, .. }, InvoiceEvent::Printed { sha256: made, .. }) => *sha256 = Some(made),
            (Self::Unissued, InvoiceEvent::Printed { .. }) => {}
        }
    }
}

impl DomainEvent for InvoiceEvent {
    fn event_type(&self) -> String {
        let name = match self {
            Self::Issued { .. } => "InvoiceIssued",
            Self::Printed { .. } => "InvoicePrinted",
        };
        name.to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Personal for InvoiceEvent {
    fn sealed_fields(&mut self) -> Vec<(&'static str, &mut dyn SealedField)> {
        match self {
            Self::Issued { content, .. } => vec![("content", content)],
            Self::Printed { .. } => vec![],
        }
    }
}

#[cfg(test)]
mod tests;

//! What can be done with invoices and credit notes.
//!
//! Most are issued by somebody else: the invoice by the payment, the credit note by the refund, each in the same append.
//! An order that was paid without one, because it cost nothing, has its invoice issued when somebody asks for it.

use std::sync::Arc;

use domain::{
    BusinessDate, Contact, DomainError, InvoiceId, Line, OrderId, RefundId, Sealed, SubjectId,
    invoice::{
        Correction, Invoice, InvoiceCommand, InvoiceContent, InvoiceError, InvoiceEvent, InvoicePayment, InvoiceRecord,
        Issue,
        layout::{self, Parties, Sale},
    },
    order::{self, Order, OrderEvent, OrderLine, Part, Shipment},
    ports::{Payments, Printer, Unprintable},
    pricing::{Discount, Totals, VatTotal},
    register::{Register, RegisterCommand, Series},
};
use store::{
    Archive, Recorded, StreamName,
    chain::{hex, sha256},
};

use crate::{
    CommandError, Context, Desk, Done, Failure,
    desk::{Member, Members, Work},
    tokens::Tokens,
    trade::Trade,
};

/// Why there is no invoice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// There is no such order.
    #[error("there is no such order")]
    Unknown,
    /// An invoice is for what is paid.
    #[error("this order is not paid")]
    NotPaid,
    /// Whoever bought is forgotten.
    #[error("the buyer of this order is forgotten")]
    Forgotten,
}

/// The invoice desk.
#[derive(Clone)]
pub struct Invoices {
    desk: Desk,
    tokens: Tokens,
    trade: Arc<Trade>,
    payments: Arc<dyn Payments>,
    printer: Arc<dyn Printer>,
    archive: Archive,
}

/// What an order was placed with.
pub(crate) struct Sold {
    order: OrderId,
    ordered_on: BusinessDate,
    contact: Option<Contact>,
    lines: Vec<OrderLine>,
    discounts: Vec<Discount>,
    shipping: Option<Shipment>,
    totals: Totals,
}

/// The members of a command that issues an invoice, for the year of a day.
pub(crate) struct InvoicePad {
    on: BusinessDate,
    register: Member<Register>,
    record: Member<InvoiceRecord>,
}

/// The members of a command that issues a credit note, and the invoice where that is missing.
pub(crate) struct CreditPad {
    invoice: InvoicePad,
    register: Member<Register>,
    record: Member<InvoiceRecord>,
    refund: RefundId,
}

/// What a credit note takes back.
pub(crate) struct Credited<'refund> {
    pub(crate) parts: &'refund [Part],
    pub(crate) vat: &'refund [VatTotal],
    pub(crate) reason: &'refund Line<200>,
}

/// A document that is to be entered and issued.
struct Draft {
    invoice: InvoiceId,
    refund: Option<RefundId>,
    parts: Vec<Part>,
    discounts: Vec<Discount>,
    content: InvoiceContent,
}

impl Invoices {
    pub(crate) const fn new(
        desk: Desk,
        tokens: Tokens,
        trade: Arc<Trade>,
        payments: Arc<dyn Payments>,
        printer: Arc<dyn Printer>,
        archive: Archive,
    ) -> Self {
        Self { desk, tokens, trade, payments, printer, archive }
    }

    /// The invoice of a paid order: the one it has, or a new one. Safe to repeat.
    pub async fn generate(
        &self,
        context: &Context,
        order: OrderId,
    ) -> Result<Done<InvoiceId>, CommandError<GenerateError>> {
        let Some(sold) = self.sold(order).await? else {
            return Err(CommandError::Refused(GenerateError::Unknown));
        };
        let mut members = Members::default();
        let bought = members.add::<Order>(order);
        let pad = self.invoice_pad(&mut members, order).await?;
        self.desk
            .together(context, &members, |work| {
                let paid_on = work.state(bought).paid_on().ok_or(GenerateError::NotPaid)?;
                if work.state(pad.record).issued().is_none() && !self.issue(work, &pad, &sold, paid_on) {
                    return Err(GenerateError::Forgotten);
                }
                Ok(InvoiceId::of_order(order))
            })
            .await
    }

    /// The PDF of a document, where it is made.
    pub async fn pdf(&self, invoice: InvoiceId) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.archive.read(&stream_of(invoice)).await?)
    }

    /// What `order` was placed with, where it was. Read before the decision: it never changes.
    pub(crate) async fn sold(&self, order: OrderId) -> Result<Option<Sold>, Failure> {
        let Some(event) = self.desk.first_event::<Order>(order).await? else { return Ok(None) };
        let OrderEvent::Placed { order, contact, lines, discounts, shipping, totals, on, .. } = event else {
            return Err(DomainError("an order begins by being placed".to_owned()).into());
        };
        let contact = match Sealed::value(&contact) {
            Some(contact) => Some(contact.clone()),
            None => self.kept_buyer(order).await?,
        };
        Ok(Some(Sold { order, ordered_on: on, contact, lines, discounts, shipping, totals }))
    }

    /// Who bought, as the invoice of `order` says it: that is kept longer than the order's contact, and a credit note needs
    /// it. `None` where there is no invoice.
    async fn kept_buyer(&self, order: OrderId) -> Result<Option<Contact>, Failure> {
        let issued = self.desk.first_event::<InvoiceRecord>(InvoiceId::of_order(order)).await?;
        let Some(InvoiceEvent::Issued { content, .. }) = issued else { return Ok(None) };
        Ok(Sealed::value(&content).map(|content| content.buyer.clone()))
    }

    /// Decide over the invoice of `order`, too.
    pub(crate) async fn invoice_pad(&self, members: &mut Members, order: OrderId) -> Result<InvoicePad, Failure> {
        let on = self.desk.today();
        self.desk.make_key(SubjectId::fiscal_year(on)).await?;
        let register = members.add(Series::Invoice.register(on));
        Ok(InvoicePad { on, register, record: members.add(InvoiceId::of_order(order)) })
    }

    /// Decide over the credit note of `refund`, too.
    pub(crate) async fn credit_pad(
        &self,
        members: &mut Members,
        order: OrderId,
        refund: RefundId,
    ) -> Result<CreditPad, Failure> {
        let invoice = self.invoice_pad(members, order).await?;
        let register = members.add(Series::CreditNote.register(invoice.on));
        Ok(CreditPad { invoice, register, record: members.add(InvoiceId::of_refund(refund)), refund })
    }

    /// Issues the invoice of what was sold. `false`: it cannot be, because nobody knows to whom it was sold.
    pub(crate) fn issue(&self, work: &mut Work, pad: &InvoicePad, sold: &Sold, paid_on: BusinessDate) -> bool {
        let invoice = InvoiceId::of_order(sold.order);
        let Some(parties) = self.parties(invoice, sold, paid_on) else { return false };
        let content = layout::invoice(sold.sale(), parties);
        let parts = order::parts(&sold.lines, sold.shipping.as_ref());
        let draft = Draft { invoice, refund: None, parts, discounts: sold.discounts.clone(), content };
        enter(work, (Series::Invoice, pad.register), pad.record, pad.on, draft)
    }

    /// Issues the credit note of a refund. `false`: it cannot be, because nobody knows to whom it was sold.
    pub(crate) fn credit(
        &self,
        work: &mut Work,
        pad: &CreditPad,
        sold: &Sold,
        paid_on: BusinessDate,
        credited: &Credited<'_>,
    ) -> bool {
        if work.state(pad.invoice.record).issued().is_none() && !self.issue(work, &pad.invoice, sold, paid_on) {
            return false;
        }
        let Some((number, on)) = work.state(pad.invoice.record).issued() else { return false };
        let corrects = Correction { number: number.clone(), on, reason: credited.reason.clone() };
        let invoice = InvoiceId::of_refund(pad.refund);
        let Some(parties) = self.parties(invoice, sold, pad.invoice.on) else { return false };
        let parties = Parties { supplied_on: paid_on, ..parties };
        let content = layout::credit_note(sold.sale(), credited.parts, credited.vat, corrects, parties);
        let (parts, discounts) = (credited.parts.to_vec(), Vec::new());
        let draft = Draft { invoice, refund: Some(pad.refund), parts, discounts, content };
        enter(work, (Series::CreditNote, pad.register), pad.record, pad.invoice.on, draft)
    }

    fn parties(&self, invoice: InvoiceId, sold: &Sold, paid_on: BusinessDate) -> Option<Parties> {
        let by = (!sold.totals.total.is_nothing()).then(|| Line::parse(self.payments.name()).ok()).flatten();
        Some(Parties {
            seller: self.trade.seller.clone(),
            buyer: sold.contact.clone()?,
            supplied_on: paid_on,
            payment: InvoicePayment { by, on: paid_on },
            salt: self.tokens.salt(invoice),
        })
    }

    /// Prints the document that `recorded` issues, keeps it and takes note of that. Safe to repeat.
    pub(crate) async fn print(&self, context: &Context, recorded: &Recorded) -> Result<(), CommandError<InvoiceError>> {
        let event: InvoiceEvent = self.desk.unsealed(recorded).await?;
        let InvoiceEvent::Issued { invoice: id, number, on, content, .. } = event else { return Ok(()) };
        if self.desk.read(id, |record: &InvoiceRecord, _| record.is_printed()).await? {
            return Ok(()); // Told again after a restart.
        }
        // What was sealed for a year whose key is dropped cannot be printed, and need not be.
        let Some(readable) = Sealed::value(&content).cloned() else { return Ok(()) };
        let (printer, invoice) = (Arc::clone(&self.printer), Invoice { number, on, content: readable });
        let made = tokio::task::spawn_blocking(move || printer.print(&invoice)).await;
        let document = match made.map_err(|error| Unprintable(error.to_string())).and_then(|made| made) {
            Ok(document) => document,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, invoice = %id, "an invoice has no PDF");
                return Ok(());
            }
        };
        let subject = SubjectId::fiscal_year(on).0;
        let kept = self.archive.keep(&stream_of(id), subject, document).await.map_err(Failure::from)?;
        let command = InvoiceCommand::RecordPrint { sha256: hex(&kept.0), bytes: kept.1 as u64 };
        self.desk.send::<InvoiceRecord>(context, id, command).await?;
        Ok(())
    }
}

fn stream_of(invoice: InvoiceId) -> StreamName {
    use cqrs_es::Aggregate as _;
    StreamName::new(InvoiceRecord::TYPE, invoice)
}

/// Gives a document its number and issues it, unless that was done before. `false`: it did neither.
fn enter(
    work: &mut Work,
    (series, register): (Series, Member<Register>),
    record: Member<InvoiceRecord>,
    on: BusinessDate,
    draft: Draft,
) -> bool {
    let Draft { invoice, refund, parts, discounts, content } = draft;
    if work.state(record).issued().is_some() {
        return true;
    }
    let fault = |error: &(dyn std::error::Error + 'static)| {
        tracing::error!(error, %invoice, "a document cannot be issued");
        false
    };
    let hash = match serde_json::to_vec(&content) {
        Ok(json) => hex(&sha256(&json)),
        Err(error) => return fault(&error),
    };
    let entry = RegisterCommand::Enter { series, document: invoice, order: content.order, content: hash, on };
    if let Err(error) = work.send(register, entry) {
        return fault(&error);
    }
    let Some((number, on)) = work.state(register).newest().cloned() else { return false };
    let issue = InvoiceCommand::Issue(Box::new(Issue { invoice, number, on, refund, parts, discounts, content }));
    match work.send(record, issue) {
        Ok(()) => true,
        Err(error) => fault(&error),
    }
}

impl Sold {
    const fn sale(&self) -> Sale<'_> {
        Sale {
            order: self.order,
            ordered_on: self.ordered_on,
            lines: self.lines.as_slice(),
            discounts: self.discounts.as_slice(),
            shipping: self.shipping.as_ref(),
            totals: &self.totals,
        }
    }
}

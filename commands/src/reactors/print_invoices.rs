//! A document was issued: its PDF is made, once, and kept.

use async_trait::async_trait;
use store::{AgendaChange, Recorded};

use super::{Reactor, ReactorError, answering, settled};
use crate::invoice::Invoices;

/// The habit.
pub struct PrintInvoices {
    pub(crate) invoices: Invoices,
}

#[async_trait]
impl Reactor for PrintInvoices {
    fn name(&self) -> &'static str {
        "print-invoices"
    }

    fn answers(&self, event_type: &str) -> bool {
        event_type == "InvoiceIssued"
    }

    async fn react(&self, recorded: &Recorded) -> Result<Vec<AgendaChange>, ReactorError> {
        let context = answering(self.name(), recorded, 0);
        settled(self.invoices.print(&context, recorded).await)?;
        Ok(vec![])
    }
}

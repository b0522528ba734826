//! Documents on paper: the PDF of an invoice or a credit note.
//!
//! A pure function: no clock, no randomness, no file is read. What is on the page comes from the document, and the same
//! document is always the same bytes, because its hash is kept in the log.
//!
//! In reading order: `format` and `labels` are the words, `fonts` measures and breaks them, `page` is a sheet with marks on
//! it, `flow` a run of sheets, `grid` columns of figures; `header`, `table`, `totals` and `mentions` are the parts of a
//! document from top to bottom; `file` makes bytes of the sheets, and is the place for what comes with them one day: the
//! XML of Factur-X.

mod countries;
mod file;
mod flow;
mod fonts;
mod format;
mod grid;
mod header;
mod labels;
mod mentions;
mod page;
mod table;
mod totals;

use domain::{
    invoice::Invoice,
    ports::{Printer, Unprintable},
};

use crate::{flow::Flow, fonts::Fonts, labels::Labels};

/// Prints documents as PDF files of A4 pages.
#[derive(Debug, Clone, Copy, Default)]
pub struct PdfPrinter;

impl Printer for PdfPrinter {
    fn print(&self, invoice: &Invoice) -> Result<Vec<u8>, Unprintable> {
        pdf(invoice)
    }
}

/// The PDF of `invoice`. The same invoice is always the same bytes.
pub fn pdf(invoice: &Invoice) -> Result<Vec<u8>, Unprintable> {
    let fonts = Fonts::embedded()?;
    let document = Document { invoice, labels: Labels::of(invoice), fonts };
    let mut flow = Flow::start(&document);
    header::draw(&document, &mut flow);
    table::draw(&document, &mut flow);
    totals::draw(&document, &mut flow);
    mentions::draw(&document, &mut flow);
    file::bytes(&document, &flow.finish())
}

/// What every part is drawn from.
struct Document<'a> {
    invoice: &'a Invoice,
    labels: Labels,
    fonts: &'static Fonts,
}

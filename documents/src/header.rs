//! The top of a document: who, what, when, for whom.

use domain::{
    Address, Language,
    invoice::{Correction, InvoiceContent},
};

use crate::{
    Document, countries,
    flow::Flow,
    fonts::Text,
    labels,
    page::{ACCENT, BLACK, GREY, HAIR, MARGIN, MEASURE, RIGHT, Style, TINT},
};

const TITLE: Style = Style::strong(2_400).ink(ACCENT);
const LABEL: Style = Style::plain(720).ink(GREY);
const VALUE: Style = Style::plain(860);
const NAME: Style = Style::strong(920);
const LEADING: i32 = 1_200;
/// What parts two columns.
const GUTTER: i32 = 2_000;

/// A line and how it looks.
type Styled = (Text, Style);

pub(crate) fn draw(document: &Document<'_>, flow: &mut Flow<'_>) {
    masthead(document, flow);
    facts(document, flow);
    if let Some(correction) = &document.invoice.content.corrects {
        corrects(document, flow, correction);
    }
    parties(document, flow);
}

/// The seller's name on the left, what this is on the right.
fn masthead(document: &Document<'_>, flow: &mut Flow<'_>) {
    let Document { invoice, labels, fonts } = document;
    let seller = &invoice.content.seller;
    let title = fonts.text(labels.title);
    let title_width = fonts.width(&title, TITLE);
    let number = fonts.text(invoice.number.as_str());
    let top = flow.y;

    let page = flow.page();
    page.text(RIGHT - title_width, top + 1_900, title, TITLE);
    let strong = Style::strong(1_020);
    page.text(RIGHT - fonts.width(&number, strong), top + 3_500, number, strong);

    let room = MEASURE - title_width.max(16_000) - GUTTER;
    let mark = Style::strong(if seller.name.as_str().chars().count() > 30 { 1_150 } else { 1_700 });
    let mut y = top + 1_900 - mark.size;
    for line in fonts.wrap(seller.name.as_str(), mark, room) {
        y += mark.size * 6 / 5;
        page.text(MARGIN, y - mark.size / 5, line, mark);
    }
    y += 300;
    let reach = [
        seller.website.as_ref().map(ToString::to_string),
        seller.email.as_ref().map(|email| email.as_str().to_owned()),
        seller.phone.as_ref().map(ToString::to_string),
    ];
    let reach = reach.into_iter().flatten().collect::<Vec<_>>().join("  ·  ");
    if !reach.is_empty() {
        for line in fonts.wrap(&reach, LABEL, room) {
            y += 1_050;
            page.text(MARGIN, y, line, LABEL);
        }
    }
    flow.y = y.max(top + 3_500) + 2_200;
}

/// The days, the order, and what was sold.
fn facts(document: &Document<'_>, flow: &mut Flow<'_>) {
    let Document { invoice, labels, fonts } = document;
    let InvoiceContent { order, ordered_on, supplied_on, nature, .. } = &invoice.content;
    let ordered = format!("{} {} {}", labels.order, labels.ordered, labels.day(*ordered_on));
    let facts = [
        (7_600, labels.issued.to_owned(), labels.day(invoice.on)),
        (7_600, labels.supplied.to_owned(), labels.day(*supplied_on)),
        (19_900, ordered, order.to_string()),
        (MEASURE - 7_600 * 2 - 19_900, labels.nature.to_owned(), labels::nature(*nature).to_owned()),
    ];

    let top = flow.y;
    let page = flow.page();
    page.rule(MARGIN, top, MEASURE, HAIR);
    let (mut x, mut end) = (MARGIN, top);
    for (width, label, value) in facts {
        page.text(x, top + 1_500, fonts.text(&label), LABEL);
        let mut y = top + 1_600;
        for line in fonts.wrap(&value, VALUE, width - 700) {
            y += LEADING;
            page.text(x, y, line, VALUE);
        }
        x += width;
        end = end.max(y);
    }
    page.rule(MARGIN, end + 1_000, MEASURE, HAIR);
    flow.y = end + 1_000;
}

/// What a credit note takes back.
fn corrects(document: &Document<'_>, flow: &mut Flow<'_>, correction: &Correction) {
    let Document { labels, fonts, .. } = document;
    let colon = if labels.language == Language::Fr { "\u{a0}:" } else { ":" };
    let Correction { number, on, reason } = correction;
    let said = format!("{} {number} {} {}.", labels.corrects, labels.ordered, labels.day(*on));
    let why = format!("{}{colon} {reason}", labels.reason);
    let room = MEASURE - 2_400;
    let mut lines: Vec<Styled> = Vec::new();
    lines.extend(fonts.wrap(&said, NAME, room).into_iter().map(|line| (line, NAME)));
    lines.extend(fonts.wrap(&why, VALUE, room).into_iter().map(|line| (line, VALUE)));

    let top = flow.y + 1_400;
    let height = i32::try_from(lines.len()).unwrap_or(0) * 1_300 + 1_500;
    flow.page().block(MARGIN, top, MEASURE, height, TINT);
    flow.page().block(MARGIN, top, 240, height, ACCENT);
    let mut y = top + 500;
    for (line, style) in lines {
        y += 1_300;
        flow.page().text(MARGIN + 1_400, y, line, style);
    }
    flow.y = top + height;
}

/// Who sells, who buys, and where it goes where that is elsewhere.
fn parties(document: &Document<'_>, flow: &mut Flow<'_>) {
    let columns: Vec<Vec<Styled>> =
        [seller(document), buyer(document), delivery(document)].into_iter().filter(|lines| !lines.is_empty()).collect();
    let rows = columns.iter().map(Vec::len).max().unwrap_or(0);
    let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
    flow.y += 1_300;
    for row in 0..rows {
        // A name may be long enough to fill a page.
        flow.ensure(LEADING);
        flow.y += if row == 1 { LEADING + 200 } else { LEADING };
        let y = flow.y;
        let mut x = MARGIN;
        for column in &mut columns {
            if let Some((line, style)) = column.next() {
                flow.page().text(x, y, line, style);
            }
            x += column_width() + GUTTER;
        }
    }
    flow.y += 2_600;
}

const fn column_width() -> i32 {
    (MEASURE - 2 * GUTTER) / 3
}

fn seller(document: &Document<'_>) -> Vec<Styled> {
    let Document { invoice, labels, .. } = document;
    let seller = &invoice.content.seller;
    let mut block = Block::new(document, labels.seller);
    block.add(seller.name.as_str(), NAME);
    if let Some(legal_form) = &seller.legal_form {
        block.add(legal_form.as_str(), VALUE);
    }
    block.address(&seller.address);
    block.add(&format!("SIREN {}", seller.siren), VALUE);
    if let Some(number) = &seller.vat_number {
        block.add(&format!("{} {number}", labels.vat_number), VALUE);
    }
    block.lines
}

fn buyer(document: &Document<'_>) -> Vec<Styled> {
    let Document { invoice, labels, .. } = document;
    let buyer = &invoice.content.buyer;
    let mut block = Block::new(document, labels.buyer);
    if let Some(business) = &buyer.business {
        block.add(business.name.as_str(), NAME);
        block.add(buyer.name.as_str(), VALUE);
    } else {
        block.add(buyer.name.as_str(), NAME);
    }
    block.address(&buyer.billing);
    if let Some(business) = &buyer.business {
        if let Some(siren) = &business.siren {
            block.add(&format!("SIREN {siren}"), VALUE);
        }
        if let Some(number) = &business.vat_number {
            block.add(&format!("{} {number}", labels.vat_number), VALUE);
        }
        if let Some(reference) = &business.reference {
            block.add(&format!("{} {reference}", labels.reference), VALUE);
        }
    }
    block.lines
}

fn delivery(document: &Document<'_>) -> Vec<Styled> {
    let buyer = &document.invoice.content.buyer;
    let Some(address) = buyer.shipping.as_ref().filter(|address| **address != buyer.billing) else { return Vec::new() };
    let mut block = Block::new(document, document.labels.delivery);
    block.add(buyer.name.as_str(), NAME);
    block.address(address);
    block.lines
}

/// One party, line by line.
struct Block<'a> {
    document: &'a Document<'a>,
    lines: Vec<Styled>,
}

impl<'a> Block<'a> {
    fn new(document: &'a Document<'a>, label: &str) -> Self {
        Self { document, lines: vec![(document.fonts.text(label), LABEL)] }
    }

    fn add(&mut self, text: &str, style: Style) {
        let lines = self.document.fonts.wrap(text, style, column_width());
        self.lines.extend(lines.into_iter().map(|line| (line, style.ink(BLACK))));
    }

    fn address(&mut self, address: &Address) {
        self.add(address.street.as_str(), VALUE);
        if let Some(extra) = &address.extra {
            self.add(extra.as_str(), VALUE);
        }
        self.add(&format!("{} {}", address.postal_code, address.city), VALUE);
        if address.country != self.document.invoice.content.seller.address.country {
            self.add(countries::name(address.country.as_str(), self.document.labels.language), VALUE);
        }
    }
}

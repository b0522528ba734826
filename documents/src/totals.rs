//! What it comes to: the VAT by rate on the left, the sums on the right, how it was paid below. On one page.

use domain::{VatRegime, invoice::NetByRate, pricing::VatTotal};

use crate::{
    Document,
    flow::Flow,
    fonts::Text,
    format,
    grid::Grid,
    page::{ACCENT, GREY, HAIR, MARGIN, MEASURE, RIGHT, Style},
};

const HEAD: Style = Style::strong(720).ink(GREY);
const PLAIN: Style = Style::plain(860);
const GRAND: Style = Style::strong(1_250).ink(ACCENT);
const ROW: i32 = 1_500;
/// How wide the sums are.
const SUMS: i32 = 18_600;
/// How wide the VAT is.
const SUMMARY: i32 = MEASURE - SUMS - 4_000;
/// What the rates have of it.
const RATES: i32 = 3_400;
/// What parts it from the lines.
const SPACE: i32 = 1_600;
/// As high as the sums and the payment.
const LEAST: i32 = 13_500;
/// So much is kept together. There are a handful of rates; were there more, they would flow on.
const MOST: i32 = 45_000;

/// How much of a page all this takes.
pub(crate) fn height(document: &Document<'_>) -> i32 {
    let content = &document.invoice.content;
    let rates = match content.seller.vat {
        VatRegime::Franchise => 0,
        _ => i32::try_from(content.vat.len()).unwrap_or(MOST),
    };
    SPACE + rates.saturating_mul(ROW).saturating_add(6_000).clamp(LEAST, MOST)
}

pub(crate) fn draw(document: &Document<'_>, flow: &mut Flow<'_>) {
    let taxed = document.invoice.content.seller.vat != VatRegime::Franchise;
    flow.ensure(height(document));
    flow.y += SPACE;

    let end = sums(document, flow, taxed);
    if taxed {
        vat(document, flow);
    }
    flow.y = flow.y.max(end) + 1_000;
    flow.paragraph(&payment(document), Style::strong(900), 1_300);
}

fn money(document: &Document<'_>, cents: i128) -> Text {
    let currency = document.invoice.content.total.currency;
    document.fonts.text(&format::money(cents, currency, document.labels.language))
}

/// The sums, on the right; answers where they end.
fn sums(document: &Document<'_>, flow: &mut Flow<'_>, taxed: bool) -> i32 {
    let Document { invoice, labels, .. } = document;
    let content = &invoice.content;
    let total = i128::from(content.total.amount);
    let mut y = flow.y + 900;
    if taxed {
        let net = content.vat.iter().map(|part| i128::from(part.net.amount)).sum();
        let vat = content.vat.iter().map(|part| i128::from(part.vat.amount)).sum();
        for (label, cents) in [(labels.total_net, net), (labels.total_vat, vat)] {
            sum(document, flow, y, (label, PLAIN), (cents, PLAIN));
            y += ROW;
        }
    }
    flow.page().rule(RIGHT - SUMS, y - 700, SUMS, ACCENT);
    flow.page().rule(RIGHT - SUMS, y + 1_840, SUMS, HAIR);
    let label = if taxed { labels.total_gross } else { labels.total };
    sum(document, flow, y + 1_050, (label, Style::strong(1_000).ink(ACCENT)), (total, GRAND));
    y += 3_300;
    for (label, cents) in [(labels.settled, total), (labels.due, 0)] {
        sum(document, flow, y, (label, PLAIN), (cents, PLAIN));
        y += ROW;
    }
    y
}

/// One sum on the baseline `y`; a figure that does not fit beside its label is set smaller.
fn sum(
    document: &Document<'_>,
    flow: &mut Flow<'_>,
    y: i32,
    (label, style): (&str, Style),
    (cents, figure): (i128, Style),
) {
    let fonts = document.fonts;
    let (label, value) = (fonts.text(label), money(document, cents));
    let room = SUMS - 800 - fonts.width(&label, style);
    let mut figure = figure;
    while fonts.width(&value, figure) > room && figure.size > 300 {
        figure.size -= 20;
    }
    flow.page().text(RIGHT - SUMS, y, label, style);
    flow.page().text(RIGHT - fonts.width(&value, figure), y, value, figure);
}

/// The VAT by rate, on the left, with what was taken off and what the shipping cost where there was any.
fn vat(document: &Document<'_>, flow: &mut Flow<'_>) {
    let Document { invoice, labels, fonts } = document;
    let content = &invoice.content;
    let of = |parts: &[NetByRate], part: &VatTotal| {
        parts.iter().filter(|one| one.rate == part.rate).map(|one| i128::from(one.net.amount)).sum::<i128>()
    };
    let shipping = content.shipping.as_ref().map_or(&[][..], |shipping| &shipping.net);

    let mut heads = Vec::new();
    heads.extend((!content.allowances.is_empty()).then_some(labels.off));
    heads.extend((!shipping.is_empty()).then_some(labels.carriage));
    heads.extend([labels.base, labels.vat]);
    let rows: Vec<Vec<Text>> = content
        .vat
        .iter()
        .map(|part| {
            let mut row = Vec::new();
            row.extend((!content.allowances.is_empty()).then(|| money(document, -of(&content.allowances, part))));
            row.extend((!shipping.is_empty()).then(|| money(document, of(shipping, part))));
            row.extend([money(document, part.net.amount.into()), money(document, part.vat.amount.into())]);
            row
        })
        .collect();

    let least = vec![4_200; heads.len()];
    let mut grid = Grid::fit(document, &rows, &least, 820, (MARGIN + SUMMARY, SUMMARY - RATES));
    grid.spread(MARGIN + RATES);
    for heads in grid.heads(document, &heads, HEAD) {
        flow.y += 900;
        let y = flow.y;
        grid.row(document, flow.page(), y, heads, HEAD);
    }
    let y = flow.y;
    flow.page().text(MARGIN, y, fonts.text(labels.by_rate), HEAD);
    flow.page().rule(MARGIN, y + 600, SUMMARY, HAIR);
    flow.y += 500;
    for (part, row) in content.vat.iter().zip(rows) {
        flow.ensure(ROW);
        flow.y += ROW;
        let y = flow.y;
        flow.page().text(MARGIN, y, fonts.text(&labels.percent(part.rate)), Style::plain(grid.size));
        grid.row(document, flow.page(), y, row, Style::plain(grid.size));
    }
}

/// When and how it was paid, or paid back.
fn payment(document: &Document<'_>) -> String {
    let Document { invoice, labels, .. } = document;
    let payment = &invoice.content.payment;
    let on = labels.day(payment.on);
    match &payment.by {
        Some(by) => format!("{} {on} {} {by}.", labels.settled_on, labels.by),
        None if invoice.content.total.amount == 0 => labels.nothing_due.to_owned(),
        None => format!("{} {on}.", labels.settled_on),
    }
}

//! What was sold, line by line, over as many pages as it takes; then what was taken off, and the shipping.

use domain::{
    Money, VatRegime,
    invoice::{InvoiceContent, NetByRate},
};

use crate::{
    Document,
    flow::Flow,
    fonts::Text,
    format,
    grid::Grid,
    page::{ACCENT, GREY, HAIR, MARGIN, MEASURE, RIGHT, Style},
    totals,
};

const HEAD: Style = Style::strong(720).ink(GREY);
const SIZE: i32 = 860;
const LEADING: i32 = 1_180;
/// White above and below a line.
const PADDING: i32 = 490;
/// As high as a line of one row.
const ROW: i32 = LEADING + 2 * PADDING;
/// What a name has at least, however wide the figures are.
const LEAST_NAME: i32 = 13_000;

/// A row: a name, and what stands in the columns of figures.
struct Row {
    name: String,
    figures: Vec<Text>,
    style: Style,
}

/// The table, ready to be drawn.
struct Table<'a> {
    document: &'a Document<'a>,
    grid: Grid,
    taxed: bool,
}

pub(crate) fn draw(document: &Document<'_>, flow: &mut Flow<'_>) {
    let content = &document.invoice.content;
    let taxed = content.seller.vat != VatRegime::Franchise;
    let mut table = Table { document, grid: Grid { size: SIZE, edges: Vec::new(), left: 0 }, taxed };
    let lines = table.lines();
    let others = table.others();
    let sums = table.sums(content.lines.len());
    let all: Vec<Vec<Text>> = lines.iter().chain(&others).map(|row| row.figures.clone()).chain([sums]).collect();
    let least: &[i32] = if taxed { &[2_600, 4_400, 2_800, 5_000, 5_000] } else { &[2_600, 5_000, 5_000] };
    table.grid = Grid::fit(document, &all, least, SIZE, (RIGHT, MEASURE - LEAST_NAME));

    let first = lines.first().map_or(ROW, |row| table.height(row));
    flow.ensure(table.head_height() + first + ROW);
    table.head(flow);
    // The last line goes where the sums go, so that no page has sums alone.
    let end = table.heights(&others) + totals::height(document) + if others.is_empty() { 0 } else { ROW };
    for (index, row) in lines.iter().enumerate() {
        let height = table.height(row);
        let is_last = index + 1 == lines.len();
        let apart = is_last && !flow.fits(height + end) && height + end + 3 * ROW < flow.room();
        if index > 0 && (apart || !flow.fits(height + ROW)) {
            table.carry(flow, index);
        }
        table.row(flow, row);
    }
    if others.is_empty() {
        return;
    }
    let labels = &document.labels;
    let style = Style::strong(table.grid.size);
    table.row(flow, &Row { name: labels.subtotal.to_owned(), figures: table.sums(content.lines.len()), style });
    for row in &others {
        if flow.ensure(table.height(row)) {
            table.head(flow);
        }
        table.row(flow, row);
    }
}

impl Table<'_> {
    fn money(&self, cents: i128) -> Text {
        let currency = self.document.invoice.content.total.currency;
        self.document.fonts.text(&format::money(cents, currency, self.document.labels.language))
    }

    /// The columns of figures of one row.
    fn figures(&self, quantity: &str, unit: &str, rate: &str, net: Option<i128>, gross: i128) -> Vec<Text> {
        let fonts = self.document.fonts;
        let mut figures = vec![fonts.text(quantity), fonts.text(unit)];
        if self.taxed {
            figures.push(fonts.text(rate));
            figures.push(net.map(|net| self.money(net)).unwrap_or_default());
        }
        figures.push(self.money(gross));
        figures
    }

    /// What was sold.
    fn lines(&self) -> Vec<Row> {
        let labels = &self.document.labels;
        let rows = self.document.invoice.content.lines.iter().map(|line| {
            let Money { amount, currency } = if self.taxed { line.net } else { line.total };
            let unit = format::unit_price(amount, line.quantity, currency, labels.language);
            let (net, gross) = (i128::from(line.net.amount), i128::from(line.total.amount));
            let quantity = format::count(line.quantity, labels.language);
            let figures = self.figures(
                &quantity,
                unit.as_deref().unwrap_or("–"),
                &labels.percent(line.vat_rate),
                Some(net),
                gross,
            );
            Row { name: line.name.to_string(), figures, style: Style::plain(SIZE) }
        });
        rows.collect()
    }

    /// What was taken off, and the shipping. What a code took off without VAT is only known for all codes together.
    fn others(&self) -> Vec<Row> {
        let labels = &self.document.labels;
        let InvoiceContent { discounts, allowances, discount, shipping, .. } = &self.document.invoice.content;
        let net = |parts: &[NetByRate]| parts.iter().map(|part| i128::from(part.net.amount)).sum::<i128>();
        let rate = |parts: &[NetByRate]| match parts {
            [NetByRate { rate, .. }] => labels.percent(*rate),
            _ => String::new(),
        };
        let mut rows = Vec::new();
        for one in discounts {
            let net = (discounts.len() == 1).then(|| -net(allowances));
            let rate = if discounts.len() == 1 { rate(allowances) } else { String::new() };
            let figures = self.figures("", "", &rate, net, -i128::from(one.amount.amount));
            rows.push(Row { name: format!("{} {}", labels.discount, one.code), figures, style: Style::plain(SIZE) });
        }
        if discounts.len() > 1 {
            let figures = self.figures("", "", "", Some(-net(allowances)), -i128::from(discount.amount));
            rows.push(Row { name: labels.discounts.to_owned(), figures, style: Style::strong(SIZE) });
        }
        if let Some(shipping) = shipping {
            let total = i128::from(shipping.total.amount);
            let figures = self.figures("", "", &rate(&shipping.net), Some(net(&shipping.net)), total);
            let name = format!("{} {}", labels.shipping, shipping.name);
            rows.push(Row { name, figures, style: Style::plain(SIZE) });
        }
        rows
    }

    /// The sums of the first `count` lines.
    fn sums(&self, count: usize) -> Vec<Text> {
        let lines = &self.document.invoice.content.lines[..count];
        let net = lines.iter().map(|line| i128::from(line.net.amount)).sum();
        let gross = lines.iter().map(|line| i128::from(line.total.amount)).sum();
        self.figures("", "", "", Some(net), gross)
    }

    fn name(&self, row: &Row) -> Vec<Text> {
        self.document.fonts.wrap(&row.name, Style { size: SIZE, ..row.style }, self.grid.left - MARGIN)
    }

    fn height(&self, row: &Row) -> i32 {
        i32::try_from(self.name(row).len()).unwrap_or(1) * LEADING + 2 * PADDING
    }

    fn heights(&self, rows: &[Row]) -> i32 {
        rows.iter().map(|row| self.height(row)).fold(0, i32::saturating_add)
    }

    fn row(&self, flow: &mut Flow<'_>, row: &Row) {
        let mut y = flow.y + PADDING + SIZE;
        let figures = Style { size: self.grid.size, ..row.style };
        self.grid.row(self.document, flow.page(), y, row.figures.clone(), figures);
        for line in self.name(row) {
            flow.page().text(MARGIN, y, line, Style { size: SIZE, ..row.style });
            y += LEADING;
        }
        flow.y = y - SIZE + PADDING;
        let y = flow.y;
        flow.page().rule(MARGIN, y, MEASURE, HAIR);
    }

    /// Ends this page with the sums so far, and begins the next one with them.
    fn carry(&self, flow: &mut Flow<'_>, count: usize) {
        let style = Style::strong(SIZE).ink(GREY);
        let row = |name: &str| Row { name: name.to_owned(), figures: self.sums(count), style };
        self.row(flow, &row(self.document.labels.carried));
        flow.turn();
        self.head(flow);
        self.row(flow, &row(self.document.labels.brought));
    }

    fn heads(&self) -> Vec<Vec<Text>> {
        let labels = &self.document.labels;
        let taxed = [labels.quantity, labels.unit_net, labels.rate, labels.net, labels.gross];
        let plain = [labels.quantity, labels.unit, labels.total];
        self.grid.heads(self.document, if self.taxed { &taxed } else { &plain }, HEAD)
    }

    fn head_height(&self) -> i32 {
        i32::try_from(self.heads().len()).unwrap_or(1) * 900 + 900
    }

    fn head(&self, flow: &mut Flow<'_>) {
        for heads in self.heads() {
            flow.y += 900;
            let y = flow.y;
            self.grid.row(self.document, flow.page(), y, heads, HEAD);
        }
        let y = flow.y;
        flow.page().text(MARGIN, y, self.document.fonts.text(self.document.labels.item), HEAD);
        flow.page().rule(MARGIN, y + 700, MEASURE, ACCENT);
        flow.y += 760;
    }
}

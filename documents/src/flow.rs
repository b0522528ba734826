//! A run of sheets that are filled from top to bottom, each with a foot and, from the second on, a head.

use domain::Seller;

use crate::{
    Document,
    fonts::Text,
    page::{BLACK, GREY, HAIR, HEIGHT, MARGIN, MEASURE, Page, RIGHT, Style},
};

const TOP: i32 = 4_800;
const BOTTOM: i32 = 3_400;
const FOOT: Style = Style::plain(680).ink(GREY);
const FOOT_LEADING: i32 = 960;
/// What parts the head from what follows.
const BELOW_HEAD: i32 = 2_000;
const HEAD: Style = Style::plain(800).ink(GREY);
/// What the number of pages needs beside the line that says who sells.
const PAGES: i32 = 5_000;

/// Where the next thing goes.
pub(crate) struct Flow<'a> {
    document: &'a Document<'a>,
    pages: Vec<Page>,
    page: Page,
    foot: Vec<Text>,
    /// How far down the page is full.
    pub(crate) y: i32,
}

impl<'a> Flow<'a> {
    /// An empty first page.
    pub(crate) fn start(document: &'a Document<'a>) -> Self {
        let foot = document.fonts.wrap(&identity(&document.invoice.content.seller, document), FOOT, MEASURE - PAGES);
        Self { document, pages: Vec::new(), page: Page::default(), foot, y: TOP }
    }

    /// The page that is being filled.
    pub(crate) const fn page(&mut self) -> &mut Page {
        &mut self.page
    }

    /// How far down a page may be filled.
    pub(crate) fn bottom(&self) -> i32 {
        let lines = i32::try_from(self.foot.len()).unwrap_or(i32::MAX);
        HEIGHT - BOTTOM - lines.saturating_mul(FOOT_LEADING).min(HEIGHT / 4) - 1_800
    }

    /// What a page holds below its head.
    pub(crate) fn room(&self) -> i32 {
        self.bottom() - TOP - BELOW_HEAD
    }

    /// Whether `height` more fits on this page.
    pub(crate) fn fits(&self, height: i32) -> bool {
        self.y + height <= self.bottom()
    }

    /// Makes room for `height`, on a new page if need be, and answers whether there had to be one.
    pub(crate) fn ensure(&mut self, height: i32) -> bool {
        let full = !self.fits(height);
        if full {
            self.turn();
        }
        full
    }

    /// Begins a new page.
    pub(crate) fn turn(&mut self) {
        self.pages.push(std::mem::take(&mut self.page));
        let Document { invoice, labels, fonts } = self.document;
        let right = fonts.text(&format!("{} {}", labels.title, invoice.number));
        let width = fonts.width(&right, HEAD.ink(BLACK));
        let left = fonts.fit(invoice.content.seller.name.as_str(), HEAD, MEASURE - width - 2_000);
        self.y = TOP;
        self.page.text(MARGIN, self.y, left, HEAD);
        self.page.text(RIGHT - width, self.y, right, HEAD.ink(BLACK));
        self.y += BELOW_HEAD;
    }

    /// Writes `text` in as many lines as it needs, each on the page where it fits.
    pub(crate) fn paragraph(&mut self, text: &str, style: Style, leading: i32) {
        for line in self.document.fonts.wrap(text, style, MEASURE) {
            self.ensure(leading);
            self.y += leading;
            let y = self.y;
            self.page.text(MARGIN, y, line, style);
        }
    }

    /// All pages, with their feet.
    pub(crate) fn finish(mut self) -> Vec<Page> {
        self.pages.push(self.page);
        let Document { labels, fonts, .. } = self.document;
        let count = self.pages.len();
        let height = i32::try_from(self.foot.len()).unwrap_or(0) * FOOT_LEADING;
        for (number, page) in self.pages.iter_mut().enumerate() {
            let top = HEIGHT - BOTTOM - height;
            page.rule(MARGIN, top, MEASURE, HAIR);
            let pages = fonts.text(&format!("{} {}/{count}", labels.page, number + 1));
            page.text(RIGHT - fonts.width(&pages, FOOT), top + 1_400, pages, FOOT);
            let mut y = top + 1_400;
            for line in &self.foot {
                page.text(MARGIN, y, line.clone(), FOOT);
                y += FOOT_LEADING;
            }
        }
        self.pages
    }
}

/// Who sells, in one line.
fn identity(seller: &Seller, document: &Document<'_>) -> String {
    let mut parts = vec![seller.name.to_string()];
    parts.extend(seller.legal_form.as_ref().map(ToString::to_string));
    let address = &seller.address;
    let street = std::iter::once(&address.street).chain(&address.extra).map(ToString::to_string);
    parts.push(street.chain([format!("{} {}", address.postal_code, address.city)]).collect::<Vec<_>>().join(", "));
    parts.push(match &seller.register {
        Some(register) => format!("{register} {}", seller.siren.to_string().replace(' ', "\u{a0}")),
        None => format!("SIREN {}", seller.siren).replace(' ', "\u{a0}"),
    });
    parts.extend(seller.vat_number.as_ref().map(|number| format!("{}\u{a0}{number}", document.labels.vat_number)));
    parts.join(" · ")
}

//! Columns of figures: as wide as the widest of them, aligned on the right, set smaller where they would not fit.

use crate::{
    Document,
    fonts::Text,
    page::{Page, Style},
};

/// What parts two columns.
pub(crate) const GAP: i32 = 1_200;
/// The smallest size figures are set in, in hundredths of a point.
const LEAST: i32 = 300;

/// The right edges of some columns, and the size of what stands in them.
pub(crate) struct Grid {
    pub(crate) size: i32,
    pub(crate) edges: Vec<i32>,
    /// Where the first column begins at the earliest.
    pub(crate) left: i32,
}

impl Grid {
    /// Columns for `rows`, of which each is as wide as `least` at least, that end at `right` and are `room` wide at most.
    pub(crate) fn fit(
        document: &Document<'_>,
        rows: &[Vec<Text>],
        least: &[i32],
        size: i32,
        (right, room): (i32, i32),
    ) -> Self {
        let widths = |size: i32| -> Vec<i32> {
            let style = Style::strong(size);
            let widest = |column: usize| {
                rows.iter().filter_map(|row| row.get(column)).map(|text| document.fonts.width(text, style)).max()
            };
            (0..least.len()).map(|column| least[column].max(widest(column).unwrap_or(0))).collect()
        };
        let total = |widths: &[i32]| widths.iter().map(|width| width + GAP).sum::<i32>();
        let mut size = size;
        let mut columns = widths(size);
        while total(&columns) > room && size > LEAST {
            size -= 20;
            columns = widths(size);
        }
        let mut edges = Vec::with_capacity(columns.len());
        let mut edge = right;
        for width in columns.iter().rev() {
            edges.push(edge);
            edge -= width + GAP;
        }
        edges.reverse();
        Self { size, edges, left: edge }
    }

    /// Begins the first column at `left` exactly: what is too much goes between the columns in equal parts.
    pub(crate) fn spread(&mut self, left: i32) {
        let gaps = i32::try_from(self.edges.len()).unwrap_or(1).max(1);
        let free = (self.left - left).max(0);
        for (place, edge) in (1..).zip(&mut self.edges) {
            *edge -= free * (gaps - place) / gaps;
        }
        self.left = left;
    }

    /// How wide a column is.
    fn width(&self, column: usize) -> i32 {
        let before = column.checked_sub(1).and_then(|before| self.edges.get(before)).copied();
        self.edges[column] - before.unwrap_or(self.left) - GAP
    }

    /// Writes `cells` on the baseline `y`.
    pub(crate) fn row(&self, document: &Document<'_>, page: &mut Page, y: i32, cells: Vec<Text>, style: Style) {
        for (text, &edge) in cells.into_iter().zip(&self.edges) {
            page.text(edge - document.fonts.width(&text, style), y, text, style);
        }
    }

    /// The heads of the columns in lines, from top to bottom: broken where a column is narrower.
    pub(crate) fn heads(&self, document: &Document<'_>, heads: &[&str], style: Style) -> Vec<Vec<Text>> {
        let wrapped: Vec<Vec<Text>> = heads
            .iter()
            .enumerate()
            .map(|(column, head)| document.fonts.wrap(head, style, self.width(column)))
            .collect();
        let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
        let line = |line: usize| {
            wrapped
                .iter()
                .map(|head| (line + head.len()).checked_sub(height).and_then(|line| head.get(line)).cloned())
                .map(Option::unwrap_or_default)
                .collect()
        };
        (0..height).map(line).collect()
    }
}

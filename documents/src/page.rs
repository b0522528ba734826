//! A sheet of paper and what is on it. Lengths are hundredths of a point, from the top left corner.

use crate::fonts::{Face, Text};

/// A4, upright.
pub(crate) const WIDTH: i32 = 59_528;
/// A4, upright.
pub(crate) const HEIGHT: i32 = 84_189;
/// What stays white on the left and on the right.
pub(crate) const MARGIN: i32 = 4_800;
/// The right edge of what is written.
pub(crate) const RIGHT: i32 = WIDTH - MARGIN;
/// How wide what is written may be.
pub(crate) const MEASURE: i32 = RIGHT - MARGIN;

/// A colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ink(pub(crate) u8, pub(crate) u8, pub(crate) u8);

/// What is read.
pub(crate) const BLACK: Ink = Ink(0x16, 0x1d, 0x26);
/// What says what is read.
pub(crate) const GREY: Ink = Ink(0x66, 0x70, 0x7d);
/// What parts one thing from another.
pub(crate) const HAIR: Ink = Ink(0xd9, 0xde, 0xe4);
/// What holds things together.
pub(crate) const TINT: Ink = Ink(0xf3, 0xf6, 0xf8);
/// What is looked for first.
pub(crate) const ACCENT: Ink = Ink(0x0e, 0x5a, 0x62);

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) face: Face,
    pub(crate) size: i32,
    pub(crate) ink: Ink,
}

impl Style {
    /// Plain text of `size` points and so many hundredths.
    pub(crate) const fn plain(size: i32) -> Self {
        Self { face: Face::Regular, size, ink: BLACK }
    }

    /// Text of `size` that stands out.
    pub(crate) const fn strong(size: i32) -> Self {
        Self { face: Face::SemiBold, size, ink: BLACK }
    }

    /// The same in another colour.
    pub(crate) const fn ink(self, ink: Ink) -> Self {
        Self { ink, ..self }
    }
}

/// One thing on a sheet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// A filled rectangle; a rule is a thin one.
    Block { x: i32, y: i32, width: i32, height: i32, ink: Ink },
    /// A line of text that begins at `x` and stands on `y`.
    Text { x: i32, y: i32, text: Text, style: Style },
}

/// A sheet of paper.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) marks: Vec<Mark>,
}

impl Page {
    /// A horizontal hairline.
    pub(crate) fn rule(&mut self, x: i32, y: i32, width: i32, ink: Ink) {
        self.block(x, y, width, 60, ink);
    }

    /// A filled rectangle.
    pub(crate) fn block(&mut self, x: i32, y: i32, width: i32, height: i32, ink: Ink) {
        self.marks.push(Mark::Block { x, y, width, height, ink });
    }

    /// `text` on the baseline `y`, from `x` to the right.
    pub(crate) fn text(&mut self, x: i32, y: i32, text: Text, style: Style) {
        self.marks.push(Mark::Text { x, y, text, style });
    }
}

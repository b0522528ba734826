//! Letters: which there are, how wide they are, where a text breaks into lines.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use allsorts::{
    binary::read::ReadScope,
    font_data::FontData,
    subset::{CmapTarget, SubsetProfile, subset},
};
use domain::ports::Unprintable;
use printpdf::ParsedFont;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use crate::page::Style;

/// What stands for a letter that no font here has.
const UNKNOWN: char = '□';

/// A weight of the one family documents are set in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Face {
    Regular,
    SemiBold,
}

impl Face {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Regular, Self::SemiBold];

    /// The name in the file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Regular => "Inter-Regular",
            Self::SemiBold => "Inter-SemiBold",
        }
    }
}

/// The fonts, read once.
pub(crate) struct Fonts {
    regular: ParsedFont,
    semi_bold: ParsedFont,
}

/// A line that can be printed: composed, of letters that the fonts have, and of spaces that are spaces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Text(String);

impl Text {
    /// The line.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Fonts {
    /// The fonts in the program.
    pub(crate) fn embedded() -> Result<&'static Self, Unprintable> {
        static FONTS: LazyLock<Option<Fonts>> = LazyLock::new(|| {
            let read = |bytes: &[u8]| ParsedFont::from_bytes(bytes, 0, &mut Vec::new());
            Some(Fonts {
                regular: read(include_bytes!("../fonts/Inter-Regular.ttf"))?,
                semi_bold: read(include_bytes!("../fonts/Inter-SemiBold.ttf"))?,
            })
        });
        FONTS.as_ref().ok_or_else(|| Unprintable("its fonts cannot be read".to_owned()))
    }

    const fn face(&self, face: Face) -> &ParsedFont {
        match face {
            Face::Regular => &self.regular,
            Face::SemiBold => &self.semi_bold,
        }
    }

    /// `text` as far as it can be printed. What cannot is replaced by a box, unless it was invisible anyway.
    pub(crate) fn text(&self, text: &str) -> Text {
        let mut printable = String::with_capacity(text.len());
        for letter in text.nfc().filter(|&letter| !is_invisible(letter)) {
            match letter {
                '\u{202f}' | '\u{a0}' => printable.push(letter),
                _ if letter.is_whitespace() => printable.push(' '),
                _ if self.has(letter) => printable.push(letter),
                // Letters that only look special, such as those of formulas, have a plain equivalent.
                _ if letter.nfkc().all(|plain| self.has(plain)) => printable.extend(letter.nfkc()),
                _ if letter.nfkd().all(|part| self.has(part)) => printable.extend(letter.nfkd()),
                _ => printable.push(UNKNOWN),
            }
        }
        Text(printable)
    }

    /// How wide `text` is.
    pub(crate) fn width(&self, text: &Text, style: Style) -> i32 {
        let advance: i64 = text.0.chars().map(|letter| i64::from(self.advance(style.face, letter))).sum();
        i32::try_from(advance * i64::from(style.size) / 1_000).unwrap_or(i32::MAX)
    }

    /// `text` in lines that are `width` wide at most: broken between words, and within a word that is wider than a line.
    pub(crate) fn wrap(&self, text: &str, style: Style, width: i32) -> Vec<Text> {
        let text = self.text(text);
        let mut lines = Vec::new();
        let mut line = Text::default();
        for word in text.0.split(' ').filter(|word| !word.is_empty()) {
            let longer = if line.0.is_empty() { Text(word.to_owned()) } else { Text(format!("{} {word}", line.0)) };
            if self.width(&longer, style) <= width {
                line = longer;
                continue;
            }
            if !line.0.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            line = self.cut(word, style, width, &mut lines);
        }
        if !line.0.is_empty() || lines.is_empty() {
            lines.push(line);
        }
        lines
    }

    /// Adds what is full of `word` to `lines` and answers the rest. A letter keeps its marks.
    fn cut(&self, word: &str, style: Style, width: i32, lines: &mut Vec<Text>) -> Text {
        let limit = i64::from(width) * 1_000 / i64::from(style.size.max(1));
        let mut line = String::new();
        let mut filled = 0;
        for letter in word.chars() {
            let advance = i64::from(self.advance(style.face, letter));
            if filled + advance > limit && !line.is_empty() && !is_combining_mark(letter) {
                lines.push(Text(std::mem::take(&mut line)));
                filled = 0;
            }
            line.push(letter);
            filled += advance;
        }
        Text(line)
    }

    /// `text`, cut off with an ellipsis where it is wider than `width`.
    pub(crate) fn fit(&self, text: &str, style: Style, width: i32) -> Text {
        let mut text = self.text(text);
        if self.width(&text, style) <= width {
            return text;
        }
        while text.0.pop().is_some() {
            let shorter = Text(format!("{}…", text.0.trim_end()));
            if self.width(&shorter, style) <= width {
                return shorter;
            }
        }
        text
    }

    /// How far a letter moves the pen, in thousandths of the size.
    fn advance(&self, face: Face, letter: char) -> i32 {
        let glyph = self.glyph(face, letter).unwrap_or(0);
        self.face(face).glyph_widths.get(&glyph).copied().map_or(0, i32::from)
    }

    /// Whether both faces have this letter.
    fn has(&self, letter: char) -> bool {
        !letter.is_control() && Face::ALL.iter().all(|&face| self.glyph(face, letter).is_some())
    }

    fn glyph(&self, face: Face, letter: char) -> Option<u16> {
        self.face(face).codepoint_to_glyph.get(&u32::from(letter)).copied()
    }

    /// A font with nothing but `letters` in it, called `tag+name` as the format wants it.
    pub(crate) fn cut_down(&self, face: Face, letters: &BTreeSet<char>, tag: &str) -> Result<ParsedFont, Unprintable> {
        let broken = |error: &dyn std::fmt::Display| Unprintable(format!("its font cannot be cut down: {error}"));
        let whole = self.face(face);
        let glyphs: BTreeSet<u16> = letters.iter().filter_map(|&letter| self.glyph(face, letter)).collect();
        // What stands for "no such glyph" has to come first.
        let kept: Vec<u16> = std::iter::once(0).chain(glyphs.into_iter().filter(|&glyph| glyph != 0)).collect();

        let file = ReadScope::new(&whole.original_bytes).read::<FontData<'_>>().map_err(|error| broken(&error))?;
        let provider = file.table_provider(0).map_err(|error| broken(&error))?;
        let bytes =
            subset(&provider, &kept, &SubsetProfile::Pdf, CmapTarget::Unicode).map_err(|error| broken(&error))?;

        // A glyph is called by its place among those that were kept.
        let places: BTreeMap<u16, u16> = kept.iter().copied().zip(0..).collect();
        let place = |glyph: u16| places.get(&glyph).copied();
        let codes = letters.iter().filter_map(|&letter| Some((u32::from(letter), place(self.glyph(face, letter)?)?)));
        let widths = kept.iter().filter_map(|glyph| Some((place(*glyph)?, *whole.glyph_widths.get(glyph)?)));
        Ok(ParsedFont {
            original_bytes: bytes,
            font_index: 0,
            font_name: Some(format!("{tag}+{}", face.name())),
            codepoint_to_glyph: codes.collect(),
            glyph_widths: widths.collect(),
            units_per_em: whole.units_per_em,
            font_metrics: whole.font_metrics.clone(),
            font_type: whole.font_type,
            pdf_font_metrics: whole.pdf_font_metrics.clone(),
        })
    }
}

/// Whether nobody sees this letter wherever it stands: joiners, marks of order, variation selectors, soft hyphens.
fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style::plain(1_000);

    #[test]
    fn every_letter_there_is_can_be_printed() {
        let fonts = Fonts::embedded().unwrap();
        for letter in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let Text(printable) = fonts.text(&letter.to_string());
            let known = |letter| letter == ' ' || fonts.has(letter);
            assert!(printable.chars().all(known), "{letter:?} becomes {printable:?}");
            assert_eq!(printable.is_empty(), is_invisible(letter), "{letter:?} becomes {printable:?}");
        }
    }

    #[test]
    fn the_letters_of_europe_are_there() {
        let fonts = Fonts::embedded().unwrap();
        let letters = "€éœŒæÆ’‘“”«»–—…•·°№™½²³ᵉ\u{a0}\u{202f}−×□ÀÿßẞŁđŐűŽşţȘțİıĦŋΑωάϋЀѝӘғҐўẠỹ0123456789";
        assert_eq!(fonts.text(letters).as_str(), letters);
        assert_eq!(fonts.text("e\u{301} ﬁ 𝔘 ㎏ 東\t\u{200b}\u{7}").as_str(), "é fi U kg □ □");
    }

    #[test]
    fn figures_are_all_equally_wide() {
        let fonts = Fonts::embedded().unwrap();
        for style in [Style::plain(1_000), Style::strong(1_000)] {
            let widths: BTreeSet<i32> = ('0'..='9').map(|digit| fonts.width(&Text(digit.into()), style)).collect();
            assert_eq!(widths.len(), 1);
        }
    }

    #[test]
    fn lines_are_never_too_wide_and_lose_nothing() {
        let fonts = Fonts::embedded().unwrap();
        let text = format!("une affiche  {} x\u{302}{}", "m".repeat(90), "y\u{302}".repeat(60));
        let lines = fonts.wrap(&text, STYLE, 9_000);
        assert!(lines.iter().all(|line| fonts.width(line, STYLE) <= 9_000));
        assert!(lines.iter().all(|line| !line.as_str().starts_with(is_combining_mark)));
        let letters = |text: &str| text.nfc().filter(|letter| *letter != ' ').collect::<String>();
        assert_eq!(letters(&lines.iter().map(Text::as_str).collect::<String>()), letters(&text));
        assert_eq!(fonts.wrap("", STYLE, 9_000), [Text::default()]);
        assert_eq!(fonts.wrap("wide", STYLE, 1).len(), 4, "a letter a line, where there is room for none");
    }

    #[test]
    fn what_does_not_fit_ends_with_an_ellipsis() {
        let fonts = Fonts::embedded().unwrap();
        assert_eq!(fonts.fit("short", STYLE, 9_000).as_str(), "short");
        let cut = fonts.fit(&"long ".repeat(50), STYLE, 9_000);
        assert!(cut.as_str().ends_with('…') && fonts.width(&cut, STYLE) <= 9_000, "{cut:?}");
        assert_eq!(fonts.fit("none", STYLE, 1).as_str(), "");
    }
}

//! Sheets become a file: fonts with nothing but the letters that are used, drawing orders, who made it and when.
//!
//! Everything that printpdf would draw by lot or take from the clock is given to it or put right: the names of fonts, the
//! dates, the file's id. Nothing is transparent and every font is inside, so that the file can become PDF/A-3 later.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Datelike as _;
use domain::{BusinessDate, Language, ports::Unprintable};
use lopdf::{Object, StringFormat, dictionary};
use printpdf::{
    Color, FontId, Op, PaintMode, PdfDocument, PdfFont, PdfFontHandle, PdfPage, PdfParseErrorSeverity, PdfSaveOptions,
    Pt, Rect, Rgb, TextItem, TextMatrix,
    date::{Date, DateTime, Offset, Time},
};
use sha2::{Digest as _, Sha256};

use crate::{
    Document,
    fonts::Face,
    page::{HEIGHT, Ink, Mark, Page, Style, WIDTH},
};

pub(crate) fn bytes(document: &Document<'_>, pages: &[Page]) -> Result<Vec<u8>, Unprintable> {
    let id = id(document)?;
    let mut pdf = PdfDocument::default();
    describe(document, &mut pdf);
    for (face, letters) in letters(pages) {
        let font = document.fonts.cut_down(face, &letters, &tag(face, &id))?;
        pdf.resources.fonts.map.insert(FontId(face.name().to_owned()), PdfFont::new(font));
    }
    pdf.pages = pages.iter().map(sheet).collect();

    let mut warnings = Vec::new();
    let mut file = printpdf::to_lopdf_doc(&pdf, &PdfSaveOptions::default(), &mut warnings);
    // It complains of what it could not draw or embed.
    if let Some(warning) = warnings.into_iter().find(|warning| warning.severity == PdfParseErrorSeverity::Error) {
        return Err(Unprintable(warning.msg));
    }
    finish(document, &mut file, &id)?;
    let mut bytes = Vec::new();
    file.save_to(&mut bytes).map_err(|error| Unprintable(error.to_string()))?;
    Ok(bytes)
}

/// What tells this document from every other: 16 bytes of a hash of all it says.
fn id(document: &Document<'_>) -> Result<[u8; 16], Unprintable> {
    let invoice = document.invoice;
    let content = serde_json::to_vec(&invoice.content).map_err(|error| Unprintable(error.to_string()))?;
    let mut hash = Sha256::new();
    hash.update(invoice.number.as_str());
    hash.update([0]);
    hash.update(invoice.on.to_string());
    hash.update([0]);
    hash.update(content);
    let mut id = [0; 16];
    id.copy_from_slice(&hash.finalize()[..16]);
    Ok(id)
}

/// Six capital letters that call a font one that was cut down (ISO 32000-1, 9.6.4).
fn tag(face: Face, id: &[u8; 16]) -> String {
    let first = match face {
        Face::Regular => 'R',
        Face::SemiBold => 'S',
    };
    std::iter::once(first).chain(id.iter().take(5).map(|byte| char::from(b'A' + byte % 26))).collect()
}

fn describe(document: &Document<'_>, pdf: &mut PdfDocument) {
    let Document { invoice, labels, .. } = document;
    let info = &mut pdf.metadata.info;
    let made = moment(invoice.on);
    info.creation_date = made;
    info.modification_date = made;
    info.metadata_date = made;
    info.document_title = format!("{} {}", labels.title, invoice.number);
    info.author = invoice.content.seller.name.to_string();
    "WeBox".clone_into(&mut info.creator);
    "printpdf".clone_into(&mut info.producer);
}

/// Midnight of a day.
fn moment(day: BusinessDate) -> DateTime {
    let small = |number: u32| u8::try_from(number).unwrap_or(1);
    DateTime {
        date: Date { year: day.year(), month: small(day.month()), day: small(day.day()) },
        time: Time { hour: 0, minute: 0, second: 0, millisecond: 0 },
        offset: Offset { hours: 0, minutes: 0, seconds: 0, milliseconds: 0 },
    }
}

/// Which letters of which face are used.
fn letters(pages: &[Page]) -> BTreeMap<Face, BTreeSet<char>> {
    let mut letters: BTreeMap<Face, BTreeSet<char>> = BTreeMap::new();
    for mark in pages.iter().flat_map(|page| &page.marks) {
        if let Mark::Text { text, style, .. } = mark {
            letters.entry(style.face).or_default().extend(text.as_str().chars());
        }
    }
    letters
}

/// The drawing orders of a page: what is behind, then all the text.
fn sheet(page: &Page) -> PdfPage {
    let mut orders = Vec::with_capacity(page.marks.len() * 4);
    for mark in &page.marks {
        if let Mark::Block { x, y, width, height, ink } = *mark {
            orders.push(Op::SetFillColor { col: colour(ink) });
            let mut rectangle = Rect::from_xywh(points(x), points(HEIGHT - y - height), points(width), points(height));
            rectangle.mode = Some(PaintMode::Fill);
            orders.push(Op::DrawRectangle { rectangle });
        }
    }
    orders.push(Op::StartTextSection);
    let mut last: Option<Style> = None;
    for mark in &page.marks {
        let Mark::Text { x, y, text, style } = mark else { continue };
        if text.as_str().is_empty() {
            continue;
        }
        if last.is_none_or(|last| (last.face, last.size) != (style.face, style.size)) {
            let font = PdfFontHandle::External(FontId(style.face.name().to_owned()));
            orders.push(Op::SetFont { font, size: points(style.size) });
        }
        if last.is_none_or(|last| last.ink != style.ink) {
            orders.push(Op::SetFillColor { col: colour(style.ink) });
        }
        last = Some(*style);
        orders.push(Op::SetTextMatrix { matrix: TextMatrix::Translate(points(*x), points(HEIGHT - y)) });
        orders.push(Op::ShowText { items: vec![TextItem::Text(text.as_str().to_owned())] });
    }
    orders.push(Op::EndTextSection);
    let sheet = Rect::from_wh(points(WIDTH), points(HEIGHT));
    PdfPage { media_box: sheet.clone(), trim_box: sheet.clone(), crop_box: sheet, ops: orders }
}

#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a PDF counts in points with a fraction; no amount comes here but as text"
)]
fn points(hundredths: i32) -> Pt {
    Pt(hundredths as f32 / 100.0)
}

#[expect(clippy::float_arithmetic, reason = "a PDF counts colours from 0 to 1")]
fn colour(Ink(red, green, blue): Ink) -> Color {
    let part = |part: u8| f32::from(part) / 255.0;
    Color::Rgb(Rgb { r: part(red), g: part(green), b: part(blue), icc_profile: None })
}

/// What printpdf does not know, or draws by lot.
fn finish(document: &Document<'_>, file: &mut lopdf::Document, id: &[u8; 16]) -> Result<(), Unprintable> {
    "1.7".clone_into(&mut file.version);
    // A standard for printers that this is not made to.
    if let Ok(info) = file.trailer.get(b"Info").and_then(Object::as_reference)
        && let Ok(info) = file.get_dictionary_mut(info)
    {
        for key in [&b"GTS_PDFXVersion"[..], b"Identifier", b"Keywords", b"Subject", b"Trapped"] {
            info.remove(key);
        }
    }
    let id = Object::String(id.to_vec(), StringFormat::Hexadecimal);
    file.trailer.set("ID", vec![id.clone(), id]);
    let language = match document.labels.language {
        Language::Fr => "fr-FR",
        Language::En => "en",
    };
    let catalog = file.catalog_mut().map_err(|error| Unprintable(error.to_string()))?;
    catalog.set("Lang", Object::string_literal(language));
    catalog.set("ViewerPreferences", dictionary! { "DisplayDocTitle" => true });
    file.compress();
    Ok(())
}

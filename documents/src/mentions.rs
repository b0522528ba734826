//! What the law wants said, at the foot of the last page. In French, whatever the buyer reads.

use domain::VatRegime;

use crate::{
    Document,
    flow::Flow,
    page::{GREY, MEASURE, Style},
};

const STYLE: Style = Style::plain(740).ink(GREY);
const LEADING: i32 = 1_040;
/// What parts two mentions.
const SPACE: i32 = 300;

const FRANCHISE: &str = "TVA non applicable, art. 293 B du CGI";
const DEBITS: &str = "Option pour le paiement de la taxe d’après les débits";
/// C. com. art. L441-10, D441-5: between professionals only.
const BETWEEN_BUSINESSES: &str = "En cas de retard de paiement, pénalités au taux de trois fois le taux d’intérêt légal, \
                                  exigibles sans rappel. Indemnité forfaitaire pour frais de recouvrement : 40 €. Pas \
                                  d’escompte pour paiement anticipé.";

pub(crate) fn draw(document: &Document<'_>, flow: &mut Flow<'_>) {
    let mentions = mentions(document);
    let lines =
        |mention: &String| i32::try_from(document.fonts.wrap(mention, STYLE, MEASURE).len()).unwrap_or(i32::MAX);
    let height = mentions.iter().map(|mention| lines(mention).saturating_mul(LEADING)).fold(0, i32::saturating_add);
    let height = height.saturating_add(SPACE * i32::try_from(mentions.len()).unwrap_or(0));
    flow.y += 1_000;
    if height < flow.bottom() - flow.y {
        flow.y = flow.bottom() - height;
    }
    for mention in mentions {
        flow.paragraph(&mention, STYLE, LEADING);
        flow.y += SPACE;
    }
}

fn mentions(document: &Document<'_>) -> Vec<String> {
    let content = &document.invoice.content;
    let mut mentions = Vec::new();
    match content.seller.vat {
        VatRegime::Normal => {}
        VatRegime::Debits => mentions.push(DEBITS.to_owned()),
        VatRegime::Franchise => mentions.push(FRANCHISE.to_owned()),
    }
    if content.buyer.business.is_some() {
        mentions.push(BETWEEN_BUSINESSES.to_owned());
    }
    let own = content.seller.mentions.iter().flat_map(|mention| mention.as_str().lines());
    mentions.extend(own.map(str::to_owned).filter(|line| !line.trim().is_empty()));
    mentions
}

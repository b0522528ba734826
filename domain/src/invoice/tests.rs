use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use proptest::prelude::*;
use uuid::Uuid;

use super::{
    layout::{Parties, Sale, credit_note, invoice},
    *,
};
use crate::{
    Address, Email, Language, Localized, ProductId, Quantity, Siren, VatRegime,
    order::{OrderLine, Part, PartOf, Shipment},
    pricing::{Discount, RateShare, Totals},
    product::Kind,
    promo::PromoCode,
    register::Series,
};

#[test]
fn a_document_is_issued_once() {
    given([]).when(issue()).then_expect_events(vec![issued(issue_of(sample()))]);
    given([issued(issue_of(sample()))]).when(issue()).then_expect_error(InvoiceError::AlreadyIssued);
}

#[test]
fn one_pdf_is_kept_for_ever() {
    let print = |hash: &str| InvoiceCommand::RecordPrint { sha256: hash.to_owned(), bytes: 9 };
    let printed = || InvoiceEvent::Printed { sha256: "aa".to_owned(), bytes: 9 };
    let document = || issued(issue_of(sample()));
    given([]).when(print("aa")).then_expect_error(InvoiceError::Unknown);
    given([document()]).when(print("aa")).then_expect_events(vec![printed()]);
    given([document(), printed()]).when(print("aa")).then_expect_events(vec![]);
    given([document(), printed()]).when(print("bb")).then_expect_error(InvoiceError::OtherPrint);
}

#[test]
fn a_credit_note_names_what_it_takes_back() {
    let (lines, shipment, totals) = sold(&[(1000, 2, 2000, 0)], 600);
    let parts = [
        part(PartOf::Product(lines[0].product), 1, 2000, 1000),
        part(PartOf::Shipping, 0, 2000, 600),
        part(PartOf::Product(lines[0].product), 0, 2000, 50),
    ];
    let vat = [VatTotal::of(Money::eur(1650), rate(2000))];
    let correction = Correction { number: number(), on: day(), reason: Line::parse("Retour").unwrap() };
    let note = credit_note(sale(&lines, &[], &shipment, &totals), &parts, &vat, correction, parties(Language::En));
    let names: Vec<_> = note.lines.iter().map(|line| (line.name.as_str(), line.total.amount)).collect();
    assert_eq!(names, [("Tirage 0", 1000), ("Goodwill", 50)]);
    assert_eq!(note.shipping.as_ref().map(|shipping| shipping.total), Some(Money::eur(600)));
    assert_eq!((note.total, note.nature), (Money::eur(1650), Nature::Goods));
    assert_eq!(net_of_everything(&note), 1375);
}

proptest! {
    /// The nets of a document add up to what its rates say, and nothing is off by more than rounding.
    #[test]
    fn the_nets_of_an_invoice_add_up(
        lines in prop::collection::vec((1_i64..100_000, 1_i64..9, 0_usize..3, 0_i64..100), 1..9),
        shipping in 0_i64..2_000,
    ) {
        let lines: Vec<_> =
            lines.into_iter().map(|(price, count, rate, percent)| (price, count, [550, 1000, 2000][rate], percent)).collect();
        let (lines, shipment, totals) = sold(&lines, shipping);
        let discounts = [Discount {
            code: PromoCode::parse("VIP20").unwrap(),
            amount: totals.discount,
            free_shipping: false,
        }];
        let content = invoice(sale(&lines, &discounts, &shipment, &totals), parties(Language::Fr));
        for vat in &content.vat {
            let lines = content.lines.iter().filter(|line| line.vat_rate == vat.rate).map(|line| line.net.amount);
            let shipping = content.shipping.iter().flat_map(|shipping| &shipping.net);
            let shipping = shipping.filter(|share| share.rate == vat.rate).map(|share| share.net.amount);
            let taken_off = content.allowances.iter().filter(|allowance| allowance.rate == vat.rate);
            let taken_off: i64 = taken_off.map(|allowance| allowance.net.amount).sum();
            prop_assert_eq!(lines.chain(shipping).sum::<i64>() - taken_off, vat.net.amount);
        }
        prop_assert_eq!(net_of_everything(&content), content.vat.iter().map(|vat| vat.net.amount).sum::<i64>());
        for line in &content.lines {
            let rounded = VatTotal::of(line.total, line.vat_rate).net.amount;
            prop_assert!((line.net.amount - rounded).abs() <= i64::try_from(content.lines.len()).unwrap() + 1);
        }
    }
}

fn net_of_everything(content: &InvoiceContent) -> i64 {
    let lines: i64 = content.lines.iter().map(|line| line.net.amount).sum();
    let shipping: i64 = content.shipping.iter().flat_map(|shipping| &shipping.net).map(|share| share.net.amount).sum();
    lines + shipping - content.allowances.iter().map(|allowance| allowance.net.amount).sum::<i64>()
}

/// Lines of price, count, rate and discount in percent, with their shipping and their totals.
fn sold(lines: &[(i64, i64, i64, i64)], shipping: i64) -> (Vec<OrderLine>, Shipment, Totals) {
    let lines: Vec<OrderLine> = lines
        .iter()
        .enumerate()
        .map(|(number, &(price, count, basis_points, percent))| OrderLine {
            product: ProductId(Uuid::from_u128(number as u128)),
            slug: Slug::parse(&format!("tirage-{number}")).unwrap(),
            name: Localized { fr: Line::parse(&format!("Tirage {number}")).unwrap(), en: None },
            kind: Kind::Physical,
            quantity: Quantity::parse(count).unwrap(),
            unit_price: Money::eur(price),
            vat_rate: rate(basis_points),
            total: Money::eur(price * count),
            discount: Money::eur(price * count * percent / 100),
        })
        .collect();
    let by_rate = vec![RateShare { rate: lines[0].vat_rate, amount: Money::eur(shipping) }];
    let mut sums = std::collections::BTreeMap::new();
    let shares = lines.iter().map(|line| (line.vat_rate, line.paid().amount));
    for (rate, amount) in shares.chain([(lines[0].vat_rate, shipping)]) {
        *sums.entry(rate).or_insert(0) += amount;
    }
    let (subtotal, discount) =
        lines.iter().fold((0, 0), |(all, off), line| (all + line.total.amount, off + line.discount.amount));
    let totals = Totals {
        subtotal: Money::eur(subtotal),
        discount: Money::eur(discount),
        shipping: Money::eur(shipping),
        total: Money::eur(subtotal - discount + shipping),
        vat: sums.into_iter().map(|(rate, gross)| VatTotal::of(Money::eur(gross), rate)).collect(),
    };
    let name = Localized { fr: Line::parse("Colissimo").unwrap(), en: None };
    (lines, Shipment { method: Slug::parse("standard").unwrap(), name, by_rate }, totals)
}

fn sale<'order>(
    lines: &'order [OrderLine],
    discounts: &'order [Discount],
    shipping: &'order Shipment,
    totals: &'order Totals,
) -> Sale<'order> {
    let order = OrderId(Uuid::from_u128(1));
    Sale { order, ordered_on: day(), lines, discounts, shipping: Some(shipping), totals }
}

fn sample() -> InvoiceContent {
    let (lines, shipment, totals) = sold(&[(1990, 1, 2000, 0)], 590);
    invoice(sale(&lines, &[], &shipment, &totals), parties(Language::Fr))
}

fn issue() -> InvoiceCommand {
    InvoiceCommand::Issue(Box::new(issue_of(sample())))
}

fn issue_of(content: InvoiceContent) -> Issue {
    Issue {
        invoice: InvoiceId::of_order(content.order),
        number: number(),
        on: day(),
        refund: None,
        parts: vec![],
        discounts: vec![],
        content,
    }
}

fn given<const N: usize>(history: [InvoiceEvent; N]) -> AggregateTestExecutor<InvoiceRecord> {
    TestFramework::with(()).given(history.into())
}

fn parties(language: Language) -> Parties {
    let address = Address {
        street: Line::parse("12 rue des Lilas").unwrap(),
        extra: None,
        postal_code: Line::parse("69003").unwrap(),
        city: Line::parse("Lyon").unwrap(),
        country: Line::parse("FR").unwrap(),
    };
    Parties {
        seller: Seller {
            name: Line::parse("WeBox").unwrap(),
            legal_form: None,
            address: address.clone(),
            siren: Siren::parse("732829320").unwrap(),
            register: None,
            vat_number: None,
            vat: VatRegime::Normal,
            email: None,
            phone: None,
            website: None,
            mentions: vec![],
        },
        buyer: Contact {
            email: Email::parse("ana@example.fr").unwrap(),
            name: Line::parse("Ana Martin").unwrap(),
            billing: address,
            shipping: None,
            business: None,
            language,
        },
        supplied_on: day(),
        payment: InvoicePayment { by: None, on: day() },
        salt: "00".to_owned(),
    }
}

fn part(of: PartOf, quantity: u32, basis_points: i64, cents: i64) -> Part {
    Part { of, quantity, rate: rate(basis_points), amount: Money::eur(cents) }
}

fn rate(basis_points: i64) -> VatRate {
    VatRate::parse(basis_points).unwrap()
}

fn number() -> DocumentNumber {
    DocumentNumber::new(Series::Invoice, day(), 1)
}

fn day() -> BusinessDate {
    BusinessDate::from_ymd_opt(2026, 11, 22).unwrap()
}

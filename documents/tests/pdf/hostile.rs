//! What nobody would write on an invoice, and somebody will.

use std::time::{Duration, Instant};

use domain::{
    BusinessDate, Language, Money, VatRate, VatRegime,
    invoice::{Invoice, InvoiceDiscount, InvoiceLine},
};
use proptest::prelude::*;
use serde::de::DeserializeOwned;

use crate::{
    pdf,
    reading::{Word, pages, words},
    samples::{self, b2b, line, lines, unicode},
};

#[test]
fn five_hundred_lines_are_made_at_once() {
    let invoice = lines(500);
    let start = Instant::now();
    let bytes = pdf(&invoice);
    let took = start.elapsed();
    let pages = pages(&bytes);
    assert!(pages.len() > 10 && pages[pages.len() - 1].contains(&format!("Page {0}/{0}", pages.len())));
    assert!(took < Duration::from_secs(3), "{took:?}, without optimization");
}

#[test]
fn no_word_leaves_the_paper_or_stands_on_another() {
    for (name, invoice) in samples::all() {
        tidy(name, &pdf(&invoice));
    }
    tidy("much money", &pdf(&much_money()));
    tidy("long names", &pdf(&long_names()));
}

#[test]
fn a_lot_of_money_fits() {
    let text = crate::text(&pdf(&much_money()));
    assert!(text.contains("92 233 720 368 547 758,07 €"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn nothing_that_a_document_says_makes_it_unprintable(invoice in anything()) {
        let bytes = pdf(&invoice);
        prop_assert!(bytes.starts_with(b"%PDF-1.7"));
        prop_assert_eq!(&bytes, &pdf(&invoice));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn any_names_stay_on_the_paper(names in prop::collection::vec("\\PC{1,200}", 6), cents in any::<u32>()) {
        let mut invoice = b2b();
        for (line, name) in invoice.content.lines.iter_mut().zip(&names) {
            line.name = said(name);
            line.total = Money::eur(i64::from(cents));
        }
        invoice.content.buyer.name = said(&names[3]);
        invoice.content.buyer.billing.street = said(&names[4]);
        invoice.content.seller.name = said(&names[5]);
        tidy("any names", &pdf(&invoice));
    }
}

/// A document with the largest amounts there are.
fn much_money() -> Invoice {
    let mut invoice = b2b();
    let most = Money::eur(i64::MAX);
    for line in &mut invoice.content.lines {
        line.net = most;
        line.total = most;
        line.quantity = u32::MAX;
    }
    for part in &mut invoice.content.vat {
        part.net = most;
        part.vat = most;
    }
    for part in &mut invoice.content.allowances {
        part.net = most;
    }
    invoice.content.total = most;
    invoice.content.discount = most;
    invoice
}

/// A document in which every text is as long as it may be.
fn long_names() -> Invoice {
    let mut invoice = unicode();
    let wide = "W".repeat(200);
    let content = &mut invoice.content;
    content.seller.name = line(&wide);
    content.seller.legal_form = Some(line(&wide));
    content.seller.address.street = line(&wide);
    content.seller.address.extra = Some(line(&wide));
    content.seller.website = Some(line(&wide));
    content.seller.register = Some(line(&wide[..100]));
    content.seller.mentions = vec![said(&wide); 60];
    content.buyer.name = line(&wide);
    content.buyer.billing.street = line(&wide);
    content.buyer.billing.extra = Some(line(&wide));
    content.buyer.billing.city = line(&wide[..100]);
    content.payment.by = Some(line(&wide[..64]));
    for line in &mut content.lines {
        line.name = said(&wide);
    }
    invoice
}

/// Whether every word is between the margins, and none on another one.
#[track_caller]
fn tidy(name: &str, pdf: &[u8]) {
    let words = words(pdf);
    assert!(!words.is_empty());
    for word in &words {
        let inside = word.left > 47_000 && word.right < 548_000 && word.top > 30_000 && word.bottom < 835_000;
        assert!(inside, "{name}: {} is at {} {} on page {}", word.text, word.left, word.bottom, word.page);
    }
    let overlap = |one: &Word, other: &Word| {
        let across = one.right.min(other.right) - one.left.max(other.left);
        let down = one.bottom.min(other.bottom) - one.top.max(other.top);
        let height = (one.bottom - one.top).min(other.bottom - other.top);
        one.page == other.page && across > 500 && down * 100 > height * 35
    };
    for (index, one) in words.iter().enumerate() {
        if let Some(other) = words[index + 1..].iter().find(|other| overlap(one, other)) {
            panic!("{name}: {} stands on {} on page {}, at {} {}", one.text, other.text, one.page, one.left, one.top);
        }
    }
}

/// A text that was stored, whatever it is: what is stored is not parsed again.
fn said<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_value(text.into()).unwrap()
}

prop_compose! {
    fn one_line()(
        name in any::<String>(),
        quantity in any::<u32>(),
        amounts in any::<[i64; 3]>(),
        rate in prop::sample::select(&VatRate::ALLOWED[..]),
    ) -> InvoiceLine {
        InvoiceLine {
            name: said(&name),
            slug: None,
            quantity,
            unit_price: Money::eur(amounts[0]),
            vat_rate: samples::rate(rate.into()),
            total: Money::eur(amounts[1]),
            net: Money::eur(amounts[2]),
        }
    }
}

prop_compose! {
    fn anything()(
        lines in prop_oneof![prop::collection::vec(one_line(), 0..8), prop::collection::vec(one_line(), 0..600)],
        texts in prop::collection::vec(any::<String>(), 16),
        rates in 0..40_usize,
        discounts in 0..30_usize,
        amounts in any::<[i64; 4]>(),
        choices in any::<[bool; 6]>(),
        day in -90_000_000..90_000_000,
    ) -> Invoice {
        let mut invoice = if choices[0] { b2b() } else { samples::credit_note() };
        let content = &mut invoice.content;
        content.lines = lines;
        content.seller.name = said(&texts[0]);
        content.seller.legal_form = choices[1].then(|| said(&texts[1]));
        content.seller.register = choices[2].then(|| said(&texts[2]));
        content.seller.address.street = said(&texts[3]);
        content.seller.mentions = texts[4..8].iter().map(|text| said(text)).collect();
        content.seller.vat = if choices[3] { VatRegime::Franchise } else { VatRegime::Debits };
        content.buyer.name = said(&texts[8]);
        content.buyer.billing.street = said(&texts[9]);
        content.buyer.billing.country = said(&texts[10]);
        content.buyer.language = if choices[4] { Language::En } else { Language::Fr };
        if let Some(business) = &mut content.buyer.business {
            business.name = said(&texts[11]);
            business.reference = Some(said(&texts[12]));
        }
        if let Some(correction) = &mut content.corrects {
            correction.reason = said(&texts[13]);
        }
        content.payment.by = choices[5].then(|| said(&texts[14]));
        let part = content.vat[0];
        content.vat = vec![part; rates];
        content.discounts = vec![InvoiceDiscount { code: said(&texts[15]), amount: Money::eur(amounts[0]) }; discounts];
        content.subtotal = Money::eur(amounts[1]);
        content.discount = Money::eur(amounts[2]);
        content.total = Money::eur(amounts[3]);
        if let Some(day) = BusinessDate::from_num_days_from_ce_opt(day) {
            content.supplied_on = day;
            invoice.on = day;
        }
        invoice
    }
}

//! Documents to look at and to test with: small ones are made from a few words, and add up as those of the shop do.

use std::collections::BTreeMap;

use domain::{
    Address, Business, BusinessDate, Contact, Email, Language, Line, Money, OrderId, Prose, Seller, Siren, VatNumber,
    VatRate, VatRegime,
    invoice::{
        Correction, Invoice, InvoiceContent, InvoiceDiscount, InvoiceLine, InvoicePayment, InvoiceShipping, Nature,
        NetByRate,
    },
    pricing::VatTotal,
    register::{DocumentNumber, Series},
};
use uuid::Uuid;

/// The samples, by the names of their files.
pub(crate) fn all() -> Vec<(&'static str, Invoice)> {
    vec![
        ("one-line", one_line()),
        ("forty-lines", lines(40)),
        ("credit-note", credit_note()),
        ("b2b", b2b()),
        ("franchise", franchise()),
        ("english", english()),
        ("unicode", unicode()),
    ]
}

/// The least there is.
pub(crate) fn one_line() -> Invoice {
    invoice(&[("Affiche « Forêt d’hiver », 50 × 70 cm", 2_490, 1, 2000)], &[], None)
}

/// `count` lines of all kinds, with a discount and shipping.
pub(crate) fn lines(count: usize) -> Invoice {
    const NAMES: [&str; 6] = [
        "Affiche « Œuvre à l’aube », papier d’art mat 240 g, 50 × 70 cm",
        "Carnet ligné A5",
        "Livre « Le cœur des villes »",
        "Tirage encadré, bois de chêne clair, verre antireflet, format 60 × 80 cm avec passe-partout biseauté",
        "Pack de 500 crédits de génération",
        "Lot de 10 cartes postales",
    ];
    let lines: Vec<(&str, i64, u32, i64)> = (0..count)
        .map(|index| {
            let cents = [2_490, 1_250, 1_990, 18_900, 999, 1_150][index % 6];
            let quantity = [1, 3, 2, 1, 7, 12][(index / 2) % 6];
            (NAMES[index % 6], cents, quantity, if index % 6 == 2 { 550 } else { 2000 })
        })
        .collect();
    let mut invoice = invoice(&lines, &[("RENTREE26", 1_500)], Some(("Colissimo à domicile", 690)));
    invoice.content.nature = Nature::Both;
    invoice
}

/// Part of a sale is given back.
pub(crate) fn credit_note() -> Invoice {
    let mut invoice = invoice(&[("Carnet ligné A5", 1_250, 2, 2000)], &[], None);
    invoice.number = DocumentNumber::new(Series::CreditNote, day("2026-12-03"), 7);
    invoice.on = day("2026-12-03");
    invoice.content.payment = InvoicePayment { by: Some(line("Visa •••• 4242")), on: day("2026-12-03") };
    invoice.content.corrects = Some(Correction {
        number: DocumentNumber::new(Series::Invoice, day("2026-11-22"), 123),
        on: day("2026-11-22"),
        reason: line("Deux carnets arrivés abîmés"),
    });
    invoice
}

/// A company buys, and has it sent elsewhere.
pub(crate) fn b2b() -> Invoice {
    let mut invoice = invoice(
        &[
            ("Abonnement Studio, 12 mois", 34_800, 3, 2000),
            ("Livre « Composer une image »", 3_490, 2, 550),
            ("Tirage encadré 60 × 80 cm", 18_900, 4, 2000),
        ],
        &[("BIENVENUE", 5_000), ("STUDIO-10", 12_345)],
        Some(("Chronopost", 1_490)),
    );
    let content = &mut invoice.content;
    content.nature = Nature::Both;
    content.seller.vat = VatRegime::Debits;
    content.buyer.business = Some(Business {
        name: line("Atelier Lumière & Fils SARL"),
        siren: Some(Siren::parse("552100554").unwrap()),
        vat_number: Some(VatNumber::parse("FR96552100554").unwrap()),
        reference: Some(line("PO-2026-0417")),
    });
    content.buyer.shipping = Some(Address {
        street: line("Zone artisanale des Trois Fontaines"),
        extra: Some(line("Bâtiment C, quai 4")),
        postal_code: line("69100"),
        city: line("Villeurbanne"),
        country: line("FR"),
    });
    invoice
}

/// A seller below the turnover from which VAT is paid.
pub(crate) fn franchise() -> Invoice {
    let mut invoice = invoice(
        &[("Portrait à l’aquarelle, 30 × 40 cm", 9_000, 1, 0), ("Carte de vœux", 350, 6, 0)],
        &[],
        Some(("Lettre suivie", 450)),
    );
    let seller = &mut invoice.content.seller;
    seller.name = line("Camille Dubreuil EI");
    seller.legal_form = None;
    seller.register = None;
    seller.vat_number = None;
    seller.vat = VatRegime::Franchise;
    seller.website = Some(line("camille-dubreuil.example"));
    invoice
}

/// A buyer who reads English.
pub(crate) fn english() -> Invoice {
    let mut invoice = invoice(
        &[("Art print “Winter forest”, 50 × 70 cm", 2_490, 3, 2000), ("Ruled notebook A5", 1_250, 100, 2000)],
        &[("WELCOME", 1_000)],
        Some(("Standard delivery", 1_290)),
    );
    let buyer = &mut invoice.content.buyer;
    buyer.language = Language::En;
    buyer.name = line("Eleanor O’Brien");
    buyer.billing = Address {
        street: line("42 Merrion Square"),
        extra: None,
        postal_code: line("D02 X285"),
        city: line("Dublin"),
        country: line("IE"),
    };
    invoice
}

/// Names that no font and no layout is ready for.
pub(crate) fn unicode() -> Invoice {
    let mut invoice = invoice(
        &[
            ("Ćevapčići Ångström Łódź Škoda ĳ ſ ẞ Ελληνικά Кириллица Ђорђе Tiếng Việt", 2_490, 1, 2000),
            (
                "e\u{301}te\u{301}, nai\u{308}ve, x\u{302}, q\u{307}\u{323}: marks that follow their letters",
                1_250,
                2,
                550,
            ),
            ("東京 שלום مرحبا ไทย 👩\u{200d}👩\u{200d}👧 😀 𝔘𝔫𝔦 \u{feff}\u{200b}", 100, 3, 2000),
            (
                "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
                1,
                9,
                210,
            ),
        ],
        &[("ÉTÉ-☀", 100)],
        None,
    );
    let long = format!("Donaudampfschifffahrts{}gesellschaft", "elektrizitäten".repeat(11));
    let content = &mut invoice.content;
    content.buyer.name = line(&long);
    content.buyer.billing.street = line(&"Straße ohne Ende ".repeat(11));
    content.seller.name = line(&"Société générale d’images et de mots réunis ".repeat(4));
    content.seller.mentions.push(Prose::parse("Première ligne\r\n\r\nDeuxième\tligne : ∞ ≠ 東京").unwrap());
    invoice
}

/// A document of `(name, price of one in cents, quantity, rate)`, discounts and shipping, all VAT included.
pub(crate) fn invoice(
    lines: &[(&str, i64, u32, i64)],
    discounts: &[(&str, i64)],
    shipping: Option<(&str, i64)>,
) -> Invoice {
    let lines: Vec<InvoiceLine> = lines
        .iter()
        .map(|&(name, cents, quantity, points)| {
            let (vat_rate, total) = (rate(points), cents * i64::from(quantity));
            InvoiceLine {
                name: line(name),
                slug: None,
                quantity,
                unit_price: Money::eur(cents),
                vat_rate,
                total: Money::eur(total),
                net: Money::eur(total - vat_within(total, vat_rate)),
            }
        })
        .collect();
    let subtotal: i64 = lines.iter().map(|line| line.total.amount).sum();
    let discount: i64 = discounts.iter().map(|(_, cents)| cents).sum();
    let carriage = shipping.map_or(0, |(_, cents)| cents);

    let mut gross: BTreeMap<VatRate, i64> = BTreeMap::new();
    let mut net: BTreeMap<VatRate, i64> = BTreeMap::new();
    for line in &lines {
        *gross.entry(line.vat_rate).or_default() += line.total.amount;
        *net.entry(line.vat_rate).or_default() += line.net.amount;
    }
    let weights: Vec<i64> = gross.values().copied().collect();
    let (off, on) = (spread(discount, &weights), spread(carriage, &weights));
    let (mut vat, mut shipping_net, mut allowances) = (Vec::new(), Vec::new(), Vec::new());
    for (((&rate, &gross), off), on) in gross.iter().zip(off).zip(on) {
        let total = gross - off + on;
        let tax = vat_within(total, rate);
        let shipped = on - vat_within(on, rate);
        vat.push(VatTotal { rate, net: Money::eur(total - tax), vat: Money::eur(tax) });
        shipping_net.push(NetByRate { rate, net: Money::eur(shipped) });
        allowances.push(NetByRate { rate, net: Money::eur(net[&rate] + shipped - (total - tax)) });
    }
    allowances.retain(|one| one.net.amount != 0);

    Invoice {
        number: DocumentNumber::new(Series::Invoice, day("2026-11-22"), 123),
        on: day("2026-11-22"),
        content: InvoiceContent {
            seller: seller(),
            buyer: buyer(),
            order: OrderId(Uuid::from_u128(0x0197_f3c2_5d1c_5bb1_94f5_4c1e_8a37_2f0e)),
            ordered_on: day("2026-11-21"),
            supplied_on: day("2026-11-22"),
            nature: Nature::Goods,
            lines,
            discounts: discounts
                .iter()
                .map(|&(code, cents)| InvoiceDiscount { code: line(code), amount: Money::eur(cents) })
                .collect(),
            allowances,
            shipping: shipping.map(|(name, cents)| InvoiceShipping {
                name: line(name),
                total: Money::eur(cents),
                net: shipping_net,
            }),
            vat,
            subtotal: Money::eur(subtotal),
            discount: Money::eur(discount),
            total: Money::eur(subtotal - discount + carriage),
            payment: InvoicePayment { by: Some(line("Visa •••• 4242")), on: day("2026-11-22") },
            corrects: None,
            salt: "c0ffee".to_owned(),
        },
    }
}

fn seller() -> Seller {
    Seller {
        name: line("WeBox"),
        legal_form: Some(line("SAS au capital de 10 000 €")),
        address: Address {
            street: line("18 rue du Faubourg Poissonnière"),
            extra: None,
            postal_code: line("75010"),
            city: line("Paris"),
            country: line("FR"),
        },
        siren: Siren::parse("732829320").unwrap(),
        register: Some(line("RCS Paris")),
        vat_number: Some(VatNumber::parse("FR44732829320").unwrap()),
        vat: VatRegime::Normal,
        email: Some(Email::parse("bonjour@webox.example").unwrap()),
        phone: Some(line("01 23 45 67 89")),
        website: Some(line("webox.example")),
        mentions: vec![
            Prose::parse("Identifiant unique REP papiers : FR123456_03ABCD. Médiateur de la consommation : CM2C, 14 rue Saint-Jean, 75017 Paris, cm2c.net.").unwrap(),
        ],
    }
}

fn buyer() -> Contact {
    Contact {
        email: Email::parse("ana@example.fr").unwrap(),
        name: line("Ana Lefèvre"),
        billing: Address {
            street: line("7 place de l’Église"),
            extra: Some(line("Escalier B, 3ᵉ étage")),
            postal_code: line("67000"),
            city: line("Strasbourg"),
            country: line("FR"),
        },
        shipping: None,
        business: None,
        language: Language::Fr,
    }
}

/// The VAT inside `gross`, half up.
fn vat_within(gross: i64, rate: VatRate) -> i64 {
    let (gross, rate) = (i128::from(gross), i128::from(rate.basis_points()));
    i64::try_from((2 * gross * rate + 10_000 + rate) / (2 * (10_000 + rate))).unwrap()
}

/// `amount` in parts proportional to `weights`; the last one takes what rounding leaves.
fn spread(amount: i64, weights: &[i64]) -> Vec<i64> {
    let total = weights.iter().sum::<i64>().max(1);
    let mut parts: Vec<i64> = weights.iter().map(|weight| amount * weight / total).collect();
    let left = amount - parts.iter().sum::<i64>();
    if let Some(last) = parts.last_mut() {
        *last += left;
    }
    parts
}

pub(crate) fn line<const MAX: usize>(text: &str) -> Line<MAX> {
    Line::parse(text).unwrap_or_else(|error| panic!("{text:?} {error}"))
}

pub(crate) fn day(text: &str) -> BusinessDate {
    text.parse().unwrap()
}

pub(crate) fn rate(points: i64) -> VatRate {
    VatRate::parse(points).unwrap()
}

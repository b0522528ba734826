//! What a document says of a sale or of a refund, to the cent.
//!
//! Prices hold their VAT, and a document shows them without, too. The net of each rate is what the books count; the nets of
//! the lines are rounded one by one, so what they differ by goes into the discount of their rate, or, where nothing was
//! taken off, into the largest line.

use super::{
    Correction, InvoiceContent, InvoiceDiscount, InvoiceLine, InvoicePayment, InvoiceShipping, Nature, NetByRate,
};
use crate::{
    BusinessDate, Contact, Language, Line, Money, OrderId, Seller, VatRate,
    order::{OrderLine, Part, PartOf, Shipment},
    pricing::{Discount, RateShare, Totals, VatTotal},
    product::Kind,
};

/// What was sold, as the order says it.
#[derive(Debug, Clone, Copy)]
pub struct Sale<'order> {
    /// The order.
    pub order: OrderId,
    /// When it was placed.
    pub ordered_on: BusinessDate,
    /// What was bought.
    pub lines: &'order [OrderLine],
    /// What each promo code took off.
    pub discounts: &'order [Discount],
    /// How it is shipped.
    pub shipping: Option<&'order Shipment>,
    /// What it came to.
    pub totals: &'order Totals,
}

/// Who sold it, to whom, and how it is paid.
#[derive(Debug, Clone)]
pub struct Parties {
    /// Who sells.
    pub seller: Seller,
    /// Who buys.
    pub buyer: Contact,
    /// When it was sold.
    pub supplied_on: BusinessDate,
    /// How it was paid, or is paid back.
    pub payment: InvoicePayment,
    /// A keyed hash that nobody can guess.
    pub salt: String,
}

/// What an invoice says of a sale.
pub fn invoice(sale: Sale<'_>, parties: Parties) -> InvoiceContent {
    let language = parties.buyer.language;
    let mut lines: Vec<InvoiceLine> = sale
        .lines
        .iter()
        .map(|line| InvoiceLine {
            name: line.name.get(language).clone(),
            slug: Some(line.slug.clone()),
            quantity: line.quantity.get(),
            unit_price: line.unit_price,
            vat_rate: line.vat_rate,
            total: line.total,
            net: net(line.total, line.vat_rate),
        })
        .collect();
    let mut shipping = sale.shipping.map(|shipment| ship(shipment, &shipment.by_rate, language));
    let mut allowances = Vec::new();
    for VatTotal { rate, net, .. } in &sale.totals.vat {
        let taken_off = sale.lines.iter().any(|line| line.vat_rate == *rate && !line.discount.is_nothing());
        let over = nets(&lines, shipping.as_ref(), *rate) - net.amount;
        if taken_off {
            allowances.push(NetByRate { rate: *rate, net: Money { amount: over, ..*net } });
        } else {
            settle(&mut lines, shipping.as_mut(), *rate, over);
        }
    }
    let discounts = sale.discounts.iter().filter(|discount| !discount.amount.is_nothing());
    InvoiceContent {
        discounts: discounts.filter_map(printed).collect(),
        allowances,
        vat: sale.totals.vat.clone(),
        subtotal: sale.totals.subtotal,
        discount: sale.totals.discount,
        total: sale.totals.total,
        corrects: None,
        lines,
        shipping,
        ..blank(sale, parties)
    }
}

/// What a credit note says of a refund: `parts` of what was sold, with the VAT they hold.
pub fn credit_note(
    sale: Sale<'_>,
    parts: &[Part],
    vat: &[VatTotal],
    corrects: Correction,
    parties: Parties,
) -> InvoiceContent {
    let language = parties.buyer.language;
    let sold = |part: &Part| match part.of {
        PartOf::Product(product) => sale.lines.iter().find(|line| line.product == product),
        PartOf::Shipping => None,
    };
    let mut lines: Vec<InvoiceLine> = parts
        .iter()
        .filter(|part| part.quantity > 0)
        .filter_map(|part| Some((part, sold(part)?)))
        .map(|(part, line)| InvoiceLine {
            name: line.name.get(language).clone(),
            slug: Some(line.slug.clone()),
            quantity: part.quantity,
            unit_price: Money { amount: part.amount.amount / i64::from(part.quantity), ..part.amount },
            vat_rate: part.rate,
            total: part.amount,
            net: net(part.amount, part.rate),
        })
        .collect();
    // All shipping, or a share of it that is part of a goodwill: that is money alone, too.
    let whole_shipping = |part: &&Part| part.of == PartOf::Shipping && is_whole(sale.shipping, part);
    let shares: Vec<RateShare> =
        parts.iter().filter(whole_shipping).map(|part| RateShare { rate: part.rate, amount: part.amount }).collect();
    let mut shipping = sale.shipping.filter(|_| !shares.is_empty()).map(|shipment| ship(shipment, &shares, language));
    for VatTotal { rate, .. } in vat {
        let money = parts.iter().filter(|part| part.rate == *rate && part.quantity == 0 && !whole_shipping(part));
        let amount: i64 = money.map(|part| part.amount.amount).sum();
        lines.extend(goodwill(amount, *rate, language));
    }
    for VatTotal { rate, net, .. } in vat {
        let over = nets(&lines, shipping.as_ref(), *rate) - net.amount;
        settle(&mut lines, shipping.as_mut(), *rate, over);
    }
    let sum = |amount: i64| Money { amount, ..Money::nothing() };
    let subtotal: i64 = lines.iter().map(|line| line.total.amount).sum();
    let total: i64 = parts.iter().map(|part| part.amount.amount).sum();
    InvoiceContent {
        discounts: Vec::new(),
        allowances: Vec::new(),
        vat: vat.to_vec(),
        subtotal: sum(subtotal),
        discount: sum(0),
        total: sum(total),
        corrects: Some(corrects),
        lines,
        shipping,
        ..blank(sale, parties)
    }
}

/// Whether `part` is the shipping of its rate as it was paid.
fn is_whole(shipment: Option<&Shipment>, part: &Part) -> bool {
    let shares = shipment.map_or(&[][..], |shipment| &shipment.by_rate);
    shares.iter().any(|share| share.rate == part.rate && share.amount == part.amount)
}

/// A document of these parties about a sale that says nothing of it yet.
fn blank(sale: Sale<'_>, parties: Parties) -> InvoiceContent {
    let Parties { seller, buyer, supplied_on, payment, salt } = parties;
    InvoiceContent {
        seller,
        buyer,
        order: sale.order,
        ordered_on: sale.ordered_on,
        supplied_on,
        nature: nature(sale.lines.iter().map(|line| line.kind)),
        lines: Vec::new(),
        discounts: Vec::new(),
        allowances: Vec::new(),
        shipping: None,
        vat: Vec::new(),
        subtotal: Money::nothing(),
        discount: Money::nothing(),
        total: Money::nothing(),
        payment,
        corrects: None,
        salt,
    }
}

fn net(gross: Money, rate: VatRate) -> Money {
    VatTotal::of(gross, rate).net
}

/// The nets of everything at `rate` together.
fn nets(lines: &[InvoiceLine], shipping: Option<&InvoiceShipping>, rate: VatRate) -> i64 {
    let lines = lines.iter().filter(|line| line.vat_rate == rate).map(|line| line.net.amount);
    let shipping = shipping.into_iter().flat_map(|shipping| &shipping.net).filter(|share| share.rate == rate);
    lines.chain(shipping.map(|share| share.net.amount)).sum()
}

/// Takes what the nets of `rate` are too much out of the largest of them.
fn settle(lines: &mut [InvoiceLine], shipping: Option<&mut InvoiceShipping>, rate: VatRate, over: i64) {
    let largest = lines.iter_mut().filter(|line| line.vat_rate == rate).max_by_key(|line| line.net.amount);
    let net = match (largest, shipping) {
        (Some(line), _) => Some(&mut line.net),
        (None, Some(shipping)) => shipping.net.iter_mut().find(|share| share.rate == rate).map(|share| &mut share.net),
        (None, None) => None,
    };
    if let Some(net) = net {
        net.amount -= over;
    }
}

fn ship(shipment: &Shipment, shares: &[RateShare], language: Language) -> InvoiceShipping {
    let total: i64 = shares.iter().map(|share| share.amount.amount).sum();
    InvoiceShipping {
        name: shipment.name.get(language).clone(),
        total: Money { amount: total, ..Money::nothing() },
        net: shares.iter().map(|share| NetByRate { rate: share.rate, net: net(share.amount, share.rate) }).collect(),
    }
}

fn goodwill(amount: i64, rate: VatRate, language: Language) -> Option<InvoiceLine> {
    let name = match language {
        Language::Fr => "Geste commercial",
        Language::En => "Goodwill",
    };
    let total = Money { amount, ..Money::nothing() };
    let name = Line::parse(name).ok().filter(|_| amount > 0)?;
    Some(InvoiceLine { name, slug: None, quantity: 1, unit_price: total, vat_rate: rate, total, net: net(total, rate) })
}

fn printed(discount: &Discount) -> Option<InvoiceDiscount> {
    // A promo code is always a line of at most 32 characters.
    Some(InvoiceDiscount { code: Line::parse(discount.code.as_str()).ok()?, amount: discount.amount })
}

fn nature(kinds: impl Iterator<Item = Kind>) -> Nature {
    let (goods, services): (Vec<Kind>, Vec<Kind>) = kinds.partition(|kind| *kind == Kind::Physical);
    match (goods.is_empty(), services.is_empty()) {
        (false, true) => Nature::Goods,
        (true, _) => Nature::Services,
        (false, false) => Nature::Both,
    }
}

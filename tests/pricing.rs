//! What no cart may ever do to a cent, whatever is in it.

use std::sync::LazyLock;

use domain::{
    Money, ProductId, Quantity, Slug, VatRate,
    pricing::{Basket, BasketLine, Totals, quote},
    product::Kind,
    promo::{PromoCode, Reduction, Terms},
};

const CARTS: u32 = 100_000;

#[test]
fn a_hundred_thousand_carts_add_up_to_the_cent() {
    let seed = seed();
    let mut chance = Chance(seed);
    for number in 0..CARTS {
        let (lines, discount) = cart(&mut chance);
        let say = || format!("cart {number} of seed {seed:#x}: {lines:?}, {discount} off");
        let totals = price(&lines, discount);

        assert_eq!(totals.subtotal, Money::eur(gross_of(&lines, |_| true)), "{}", say());
        assert_eq!(totals.discount, Money::eur(discount), "{}", say());
        assert_eq!(totals.total.amount, totals.subtotal.amount - discount, "{}", say());
        let parts = totals.vat.iter().map(|vat| vat.net.amount + vat.vat.amount).sum::<i64>();
        assert_eq!(parts, totals.total.amount, "{}", say());
        check_rates(&lines, &totals).unwrap_or_else(|what| panic!("{what}: {}", say()));
    }
}

#[test]
fn the_order_of_the_lines_never_matters() {
    let seed = seed();
    let mut chance = Chance(seed);
    for number in 0..10_000 {
        let (mut lines, discount) = cart(&mut chance);
        let before = price(&lines, discount);
        for index in (1..lines.len()).rev() {
            lines.swap(index, chance.up_to_index(index));
        }
        let after = price(&lines, discount);
        assert_eq!(before, after, "cart {number} of seed {seed:#x}");
    }
}

#[test]
fn no_cart_costs_less_than_nothing() {
    let seed = seed();
    let mut chance = Chance(seed);
    for number in 0..10_000 {
        let (lines, _) = cart(&mut chance);
        let (subtotal, nothing) = (gross_of(&lines, |_| true), Money::eur(0));
        for discount in [subtotal, subtotal + 1, i64::MAX] {
            let free = price(&lines, discount);
            assert_eq!((free.total, free.discount.amount), (nothing, subtotal), "cart {number} of seed {seed:#x}");
            assert!(free.vat.iter().all(|vat| (vat.net, vat.vat) == (nothing, nothing)));
        }
    }
}

/// Each rate once, lowest first; no negative part; its share of the discount within a cent a line of what is proportional;
/// its VAT within half a cent of what is exact.
fn check_rates(lines: &[BasketLine<'_>], totals: &Totals) -> Result<(), String> {
    let mut rates: Vec<VatRate> = lines.iter().map(|line| line.vat_rate).collect();
    rates.sort_unstable();
    rates.dedup();
    if rates != totals.vat.iter().map(|vat| vat.rate).collect::<Vec<_>>() {
        return Err(format!("the rates are {:?}", totals.vat));
    }
    for part in &totals.vat {
        let (net, vat) = (i128::from(part.net.amount), i128::from(part.vat.amount));
        if net < 0 || vat < 0 {
            return Err(format!("{part:?} is less than nothing"));
        }
        let before = i128::from(gross_of(lines, |line| line.vat_rate == part.rate));
        let (subtotal, discount) = (i128::from(totals.subtotal.amount), i128::from(totals.discount.amount));
        let of_rate = i128::try_from(lines.iter().filter(|line| line.vat_rate == part.rate).count()).unwrap();
        let off = before - net - vat;
        if off < 0 || (subtotal > 0 && (off * subtotal - discount * before).abs() >= subtotal * of_rate) {
            return Err(format!("{part:?} bears {off} of the discount"));
        }
        let rate = i128::from(part.rate.basis_points());
        let whole = 10_000 + rate;
        if 2 * (vat * whole - (net + vat) * rate).abs() > whole {
            return Err(format!("{part:?} is off by more than half a cent"));
        }
    }
    Ok(())
}

fn gross_of(lines: &[BasketLine<'_>], counts: impl Fn(&BasketLine<'_>) -> bool) -> i64 {
    let gross = |line: &BasketLine<'_>| line.unit_price.amount * i64::from(line.quantity.get());
    lines.iter().filter(|line| counts(line)).map(gross).sum()
}

static SHELF: LazyLock<Slug> = LazyLock::new(|| Slug::parse("tirages").unwrap());

/// What `lines` come to, with `discount` cents off.
fn price(lines: &[BasketLine<'_>], discount: i64) -> Totals {
    let code = PromoCode::parse("ESSAI").unwrap();
    let terms = Terms::granting(Reduction::Fixed(Money::eur(discount)));
    quote(&Basket { lines: lines.to_vec(), promos: vec![(&code, &terms)], shipping: None }).unwrap().totals
}

/// 1 to 60 lines at any price, any number and any rate, and a discount that they can bear. Edges are drawn often.
fn cart(chance: &mut Chance) -> (Vec<BasketLine<'static>>, i64) {
    let lines: Vec<BasketLine<'static>> = (0..chance.within(1, 60))
        .map(|_| BasketLine {
            product: ProductId(uuid::Uuid::nil()),
            category: &SHELF,
            kind: Kind::Digital,
            unit_price: Money::eur(chance.edgy(0, Money::MAX_PRICE)),
            quantity: Quantity::parse(chance.edgy(1, i64::from(Quantity::MAX))).unwrap(),
            vat_rate: VatRate::parse(i64::from(VatRate::ALLOWED[chance.up_to_index(VatRate::ALLOWED.len() - 1)]))
                .unwrap(),
        })
        .collect();
    let discount = chance.edgy(0, gross_of(&lines, |_| true));
    (lines, discount)
}

fn seed() -> u64 {
    let id = uuid::Uuid::now_v7().as_u64_pair();
    id.0 ^ id.1
}

/// `SplitMix64`: small, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn within(&mut self, least: i64, most: i64) -> i64 {
        let count = u64::try_from(most - least).unwrap() + 1;
        least + i64::try_from(self.next() % count).unwrap()
    }

    fn up_to_index(&mut self, most: usize) -> usize {
        usize::try_from(self.within(0, i64::try_from(most).unwrap())).unwrap()
    }

    /// As often as not close to an edge, or small.
    fn edgy(&mut self, least: i64, most: i64) -> i64 {
        match self.next() % 6 {
            0 => self.within(least, most.min(least + 3)),
            1 => self.within(most.max(least + 3) - 3, most),
            2 => self.within(least, most.min(10_000)),
            _ => self.within(least, most),
        }
    }
}

use uuid::Uuid;

use super::*;
use crate::promo::Scope;

#[test]
fn vat_is_taken_out_once_for_each_rate() {
    let totals = priced(&[line(999, 3, 2000), line(1250, 1, 550)], &[]);
    assert_eq!(totals.total, Money::eur(4247));
    assert_eq!(totals.vat, [vat(550, 1185, 65), vat(2000, 2497, 500)]);
}

#[test]
fn a_discount_is_spread_over_the_lines_to_the_cent() {
    let totals = priced(&[line(1000, 1, 2000), line(500, 1, 550)], &[fixed(100)]);
    assert_eq!((totals.discount, totals.total), (Money::eur(100), Money::eur(1400)));
    // 66.67 and 33.33 cents: the larger remainder takes the cent.
    assert_eq!(totals.vat, [vat(550, 443, 24), vat(2000, 777, 156)]);
}

#[test]
fn half_a_cent_rounds_up() {
    // 3 cents at 20 %: 0.5 cents of VAT. 10 % of 15 cents: 1.5 cents off.
    assert_eq!(vat_within(3, rate(2000)), 1);
    assert_eq!(priced(&[line(15, 1, 0)], &[percent(1_000)]).discount, Money::eur(2));
}

#[test]
fn a_discount_never_exceeds_what_it_is_for() {
    assert_eq!(priced(&[line(100, 1, 0)], &[fixed(101)]).total, Money::eur(0));
    assert_eq!(priced(&[line(100, 1, 0)], &[percent(10_000)]).total, Money::eur(0));
    let scoped = Terms { scope: only(1), ..fixed(5_000) };
    assert_eq!(priced(&[line_of(1, 100), line_of(2, 900)], &[scoped]).total, Money::eur(900));
}

#[test]
fn promos_are_taken_off_by_priority_each_from_what_is_left() {
    let after = Terms { priority: 2, ..percent(5_000) };
    let before = Terms { priority: 1, ..fixed(1_000) };
    // 50.00: first 10.00 off, then half of 40.00.
    let quote = quoted(&[line(5_000, 1, 0)], &[after, before]).unwrap();
    let amounts: Vec<_> = quote.discounts.iter().map(|discount| discount.amount.amount).collect();
    assert_eq!((amounts, quote.totals.total), (vec![1_000, 2_000], Money::eur(2_000)));
    assert_eq!(quote.line_discounts, [Money::eur(3_000)]);
}

#[test]
fn a_promo_is_for_its_scope_alone() {
    let (one, other) = (line_of(1, 1_000), line_of(2, 1_000));
    let quote = quoted(&[one, other], &[Terms { scope: only(2), ..percent(1_000) }]).unwrap();
    assert_eq!(quote.line_discounts, [Money::eur(0), Money::eur(100)]);
    let elsewhere = Scope { products: vec![], categories: vec![Slug::parse("ailleurs").unwrap()] };
    let refused = quoted(&[one, other], &[Terms { scope: elsewhere, ..percent(1_000) }]);
    assert_eq!(refused, Err(PricingError::Promo { code: code(0), unmet: Unmet::Scope }));
}

#[test]
fn a_minimum_is_reached_by_what_the_promo_is_for() {
    let terms = |minimum| Terms { minimum: Some(Money::eur(minimum)), scope: only(1), ..percent(1_000) };
    assert!(quoted(&[line_of(1, 1_000), line_of(2, 9_000)], &[terms(1_000)]).is_ok());
    let refused = quoted(&[line_of(1, 1_000), line_of(2, 9_000)], &[terms(1_001)]);
    let unmet = Unmet::Minimum { minimum: Money::eur(1_001), reached: Money::eur(1_000) };
    assert_eq!(refused, Err(PricingError::Promo { code: code(0), unmet }));
}

#[test]
fn an_exclusive_promo_stands_alone() {
    let alone = || Terms { exclusive: true, ..percent(1_000) };
    assert!(quoted(&[line(1_000, 1, 0)], &[alone()]).is_ok());
    for (promos, lonely, with) in [([alone(), percent(500)], 0, 1), ([percent(500), alone()], 1, 0)] {
        let refused = quoted(&[line(1_000, 1, 0)], &promos);
        let unmet = Unmet::NotCombinable { with: code(with) };
        assert_eq!(refused, Err(PricingError::Promo { code: code(lonely), unmet }));
    }
}

#[test]
fn shipping_is_taxed_as_the_goods_are() {
    let book = BasketLine { kind: Kind::Physical, ..line(2_000, 1, 550) };
    let lamp = BasketLine { kind: Kind::Physical, ..line(4_000, 1, 2000) };
    let quote = shipped(&[book, lamp, line(9_999, 1, 2000)], &[], 590, None);
    let shares: Vec<_> = quote.shipping.iter().map(|share| (share.rate.basis_points(), share.amount.amount)).collect();
    assert_eq!(shares, [(550, 197), (2000, 393)]);
    assert_eq!((quote.totals.shipping, quote.totals.total), (Money::eur(590), Money::eur(16_589)));
}

#[test]
fn shipping_is_free_from_an_amount_after_discounts_or_by_promo() {
    let lamp = BasketLine { kind: Kind::Physical, ..line(5_000, 1, 2000) };
    assert_eq!(shipped(&[lamp], &[], 590, Some(5_000)).totals.shipping, Money::eur(0));
    assert_eq!(shipped(&[lamp], &[fixed(1)], 590, Some(5_000)).totals.shipping, Money::eur(590));
    let free = Terms { free_shipping: true, ..Terms::granting(Reduction::Nothing) };
    let quote = shipped(&[lamp], &[free], 590, None);
    assert_eq!((quote.totals.total, quote.totals.discount), (Money::eur(5_000), Money::eur(0)));
}

#[test]
fn what_is_given_away_is_still_shipped_at_its_own_rate() {
    let lamp = BasketLine { kind: Kind::Physical, ..line(5_000, 1, 2000) };
    let quote = shipped(&[lamp], &[percent(10_000)], 600, None);
    assert_eq!(quote.totals.vat, [vat(2000, 500, 100)]);
    let gift = BasketLine { kind: Kind::Physical, ..line(0, 1, 550) };
    assert_eq!(shipped(&[gift], &[], 600, None).totals.shipping, Money::eur(600));
    assert_eq!(shipped(&[line(100, 1, 0)], &[], 600, None).totals.shipping, Money::eur(0), "nothing to ship");
}

#[test]
fn an_empty_cart_costs_nothing() {
    let totals = priced(&[], &[]);
    assert_eq!((totals.total, totals.vat), (Money::eur(0), vec![]));
}

#[test]
fn sums_that_do_not_fit_are_refused() {
    let huge = line(i64::MAX, 2, 2000);
    assert_eq!(quoted(&[huge], &[]), Err(PricingError::Money(MoneyError::Overflow)));
}

#[test]
fn what_does_not_go_is_told_and_the_rest_is_taken_off() {
    let codes = [code(0), code(1)];
    let terms = [Terms { minimum: Some(Money::eur(9_999)), ..fixed(500) }, fixed(100)];
    let basket = Basket { lines: vec![line(1_000, 1, 0)], promos: codes.iter().zip(&terms).collect(), shipping: None };
    let (quote, missing) = quote_what_goes(basket).unwrap();
    assert_eq!(quote.totals.total, Money::eur(900));
    assert_eq!(missing.iter().map(|(code, _)| code).collect::<Vec<_>>(), [&code(0)]);
}

fn priced(lines: &[BasketLine<'_>], promos: &[Terms]) -> Totals {
    quoted(lines, promos).unwrap().totals
}

fn quoted(lines: &[BasketLine<'_>], promos: &[Terms]) -> Result<Quote, PricingError> {
    let codes: Vec<PromoCode> = (0..promos.len()).map(code).collect();
    quote(&Basket { lines: lines.to_vec(), promos: codes.iter().zip(promos).collect(), shipping: None })
}

fn shipped(lines: &[BasketLine<'_>], promos: &[Terms], price: i64, free_from: Option<i64>) -> Quote {
    let codes: Vec<PromoCode> = (0..promos.len()).map(code).collect();
    let shipping = Some(ShippingRate { price: Money::eur(price), free_from: free_from.map(Money::eur) });
    quote(&Basket { lines: lines.to_vec(), promos: codes.iter().zip(promos).collect(), shipping }).unwrap()
}

fn code(number: usize) -> PromoCode {
    PromoCode::parse(&format!("CODE{number}")).unwrap()
}

fn fixed(cents: i64) -> Terms {
    Terms::granting(Reduction::Fixed(Money::eur(cents)))
}

fn percent(basis_points: u16) -> Terms {
    Terms::granting(Reduction::Percent(basis_points))
}

fn only(product: u128) -> Scope {
    Scope { products: vec![ProductId(Uuid::from_u128(product))], categories: vec![] }
}

fn line_of(product: u128, cents: i64) -> BasketLine<'static> {
    BasketLine { product: ProductId(Uuid::from_u128(product)), ..line(cents, 1, 0) }
}

fn line(cents: i64, quantity: i64, basis_points: i64) -> BasketLine<'static> {
    static SHELF: std::sync::LazyLock<Slug> = std::sync::LazyLock::new(|| Slug::parse("tirages").unwrap());
    BasketLine {
        product: ProductId(Uuid::nil()),
        category: &SHELF,
        kind: Kind::Digital,
        unit_price: Money::eur(cents),
        quantity: Quantity::parse(quantity).unwrap(),
        vat_rate: rate(basis_points),
    }
}

fn rate(basis_points: i64) -> VatRate {
    VatRate::parse(basis_points).unwrap()
}

fn vat(basis_points: i64, net: i64, vat: i64) -> VatTotal {
    VatTotal { rate: rate(basis_points), net: Money::eur(net), vat: Money::eur(vat) }
}

//! What can be given back, and how much of it.

use proptest::prelude::*;

use super::*;
use crate::pricing::{RateShare, vat_within};

#[test]
fn everything_can_be_given_back_once() {
    given([placed(1000), requested(1), succeeded(1), paid()])
        .when(refund(Extent::Everything, false))
        .then_expect_events(vec![granted(1, 1, 1000, 0, vec![])]);
    given([placed(1000), requested(1), succeeded(1), paid(), granted(1, 1, 1000, 0, vec![])])
        .when(refund(Extent::Everything, false))
        .then_expect_error(OrderError::NothingToRefund);
}

#[test]
fn only_what_was_paid_is_given_back() {
    given([placed(1000)]).when(refund(Extent::Everything, false)).then_expect_error(OrderError::NotPaid);
    given([placed(1000), OrderEvent::Expired])
        .when(refund(Extent::Everything, false))
        .then_expect_error(OrderError::Closed);
    given([placed(0), OrderEvent::Paid { amount: Money::eur(0), on: day() }])
        .when(refund(Extent::Everything, false))
        .then_expect_error(OrderError::NothingToRefund);
}

#[test]
fn an_amount_is_no_more_than_what_is_left() {
    let paid = || [placed(1000), requested(1), succeeded(1), paid(), granted(1, 0, 400, 600, vec![])];
    given(paid())
        .when(refund(amount(601), false))
        .then_expect_error(OrderError::RefundTooLarge { left: Money::eur(600) });
    given(paid()).when(refund(amount(0), false)).then_expect_error(OrderError::NothingToRefund);
    given(paid()).when(refund(amount(600), false)).then_expect_events(vec![granted(2, 0, 600, 0, vec![])]);
}

#[test]
fn pieces_go_back_on_the_shelf_only_when_asked() {
    let product = ProductId(Uuid::from_u128(4));
    let one = Extent::Parts { lines: vec![(product, Quantity::parse(1).unwrap())], shipping: false, amount: None };
    let returned = vec![Returned { product, quantity: Quantity::parse(1).unwrap() }];
    given([placed(1000), requested(1), succeeded(1), paid()])
        .when(refund(one.clone(), true))
        .then_expect_events(vec![granted(1, 1, 1000, 0, returned)]);
    let two = Extent::Parts { lines: vec![(product, Quantity::parse(2).unwrap())], shipping: false, amount: None };
    given([placed(1000), requested(1), succeeded(1), paid()])
        .when(refund(two, true))
        .then_expect_error(OrderError::AlreadyReturned { product, left: 1 });
    let other = ProductId(Uuid::from_u128(5));
    let nothing = Extent::Parts { lines: vec![(other, Quantity::parse(1).unwrap())], shipping: false, amount: None };
    given([placed(1000), requested(1), succeeded(1), paid()])
        .when(refund(nothing, true))
        .then_expect_error(OrderError::NotInOrder { product: other });
}

#[test]
fn a_refund_is_paid_once() {
    let reference = || Line::parse("refund").unwrap();
    let refund = RefundId::of_order(order(), 1);
    let record = || OrderCommand::RecordRefundPaid { refund, reference: reference(), on: day() };
    let done = || OrderEvent::RefundPaid { refund, amount: Money::eur(400), reference: reference(), on: day() };
    let paid = || [placed(1000), requested(1), succeeded(1), paid(), granted(1, 0, 400, 600, vec![])];
    given(paid()).when(record()).then_expect_events(vec![done()]);
    TestFramework::<Order>::with(())
        .given(paid().into_iter().chain([done()]).collect())
        .when(record())
        .then_expect_events(vec![]);
    given([placed(1000)]).when(record()).then_expect_error(OrderError::UnknownRefund);
}

#[test]
fn what_is_given_back_entirely_is_closed() {
    let closed = || [placed(1000), requested(1), succeeded(1), paid(), granted(1, 1, 1000, 0, vec![])];
    for command in [OrderCommand::Fulfil, OrderCommand::Cancel, request()] {
        given(closed()).when(command).then_expect_error(OrderError::Closed);
    }
}

proptest! {
    /// However an order is given back, piece by piece or by amounts, all parts and their VAT add up to what was paid.
    #[test]
    fn all_refunds_together_are_the_order(
        lines in prop::collection::vec((1_i64..5_000, 1_i64..5, 0_usize..3, 0_i64..100), 1..5),
        shipping in 0_i64..2_000,
        asks in prop::collection::vec((0_usize..6, 1_i64..3_000), 0..12),
    ) {
        let rates = [550, 1000, 2000].map(|rate| VatRate::parse(rate).unwrap());
        let lines: Vec<OrderLine> = lines.into_iter().enumerate().map(|(number, (price, count, rate, percent))| {
            let total = price * count;
            OrderLine {
                product: ProductId(Uuid::from_u128(number as u128)),
                quantity: Quantity::parse(count).unwrap(),
                unit_price: Money::eur(price),
                vat_rate: rates[rate],
                total: Money::eur(total),
                discount: Money::eur(total * percent / 100),
                ..placement(1, Kind::Physical).lines.remove(0)
            }
        }).collect();
        let shipment = Shipment {
            method: Slug::parse("standard").unwrap(),
            name: Localized { fr: Line::parse("Standard").unwrap(), en: None },
            by_rate: vec![RateShare { rate: lines[0].vat_rate, amount: Money::eur(shipping) }],
        };
        let whole = Ledger::of(&lines, Some(&shipment));
        let mut ledger = whole.clone();
        let (mut given_back, mut vat_back) = (0, 0);
        let extents = asks.into_iter().map(|(what, amount)| match lines.get(what) {
            Some(line) => Extent::Parts { lines: vec![(line.product, Quantity::parse(1).unwrap())], shipping: amount % 2 == 0, amount: None },
            None => self::amount(amount),
        });
        for extent in extents.chain([Extent::Everything]) {
            let Ok(parts) = ledger.claim(&extent) else { continue };
            let vat = ledger.vat(&parts);
            let sum = super::refund::sum(&parts).amount;
            prop_assert_eq!(vat.iter().map(|vat| vat.net.amount + vat.vat.amount).sum::<i64>(), sum);
            prop_assert!(parts.iter().all(|part| part.amount.amount >= 0));
            prop_assert!(vat.iter().all(|vat| vat.vat.amount >= 0 && vat.net.amount >= 0));
            ledger.take(&parts);
            prop_assert!(ledger.left().amount >= 0);
            given_back += sum;
            vat_back += vat.iter().map(|vat| vat.vat.amount).sum::<i64>();
        }
        prop_assert_eq!(ledger.left(), Money::nothing());
        prop_assert_eq!(given_back, whole.left().amount);
        let vat_of_order: i64 = rates.iter().map(|rate| {
            let products = lines.iter().filter(|line| line.vat_rate == *rate).map(|line| line.paid().amount);
            let shipped = shipment.by_rate.iter().filter(|share| share.rate == *rate).map(|share| share.amount.amount);
            vat_within(products.chain(shipped).sum(), *rate)
        }).sum();
        prop_assert_eq!(vat_back, vat_of_order);
    }
}

fn refund(extent: Extent, restock: bool) -> OrderCommand {
    OrderCommand::Refund { extent, restock, reason: reason(), on: day() }
}

fn amount(cents: i64) -> Extent {
    Extent::Parts { lines: vec![], shipping: false, amount: Some(Money::eur(cents)) }
}

fn granted(number: u32, quantity: u32, cents: i64, left: i64, returned: Vec<Returned>) -> OrderEvent {
    let (amount, rate) = (Money::eur(cents), VatRate::parse(2000).unwrap());
    let vat = vat_within(cents + left, rate) - vat_within(left, rate);
    OrderEvent::RefundGranted {
        refund: RefundId::of_order(order(), number),
        attempt: attempt(1),
        amount,
        parts: vec![Part { of: PartOf::Product(ProductId(Uuid::from_u128(4))), quantity, rate, amount }],
        vat: vec![VatTotal { rate, net: Money::eur(cents - vat), vat: Money::eur(vat) }],
        returned,
        reason: reason(),
        left: Money::eur(left),
        on: day(),
    }
}

fn reason() -> Line<200> {
    Line::parse("Retour").unwrap()
}

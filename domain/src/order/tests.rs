use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

use super::*;
use crate::{
    CartId, Localized, Quantity, Sealed, Slug, Timestamp, VatRate,
    pricing::{Totals, VatTotal},
};

mod refunds;

#[test]
fn an_order_is_placed_once() {
    given([]).when(place(1000)).then_expect_events(vec![placed(1000)]);
    given([placed(1000)]).when(place(1000)).then_expect_error(OrderError::AlreadyPlaced);
}

#[test]
fn a_customer_must_agree_to_the_terms_and_to_what_starts_at_once() {
    let place = |kind, consents| OrderCommand::Place(Box::new(Placement { consents, ..placement(1000, kind) }));
    let agreed = |immediate_start| Some(Consents { terms: Line::parse("2026-11").unwrap(), immediate_start });
    given([]).when(place(Kind::Physical, None)).then_expect_error(OrderError::TermsNotAccepted);
    for kind in [Kind::Digital, Kind::Credits] {
        given([]).when(place(kind, agreed(false))).then_expect_error(OrderError::StartNotAccepted);
        let consents = agreed(true);
        let placed = placed_as(Placement { consents: consents.clone(), ..placement(1000, kind) });
        given([]).when(place(kind, consents)).then_expect_events(vec![placed]);
    }
}

#[test]
fn a_customer_who_must_act_keeps_the_attempt_open() {
    let action = || Line::parse("authenticate").unwrap();
    let asked = || OrderEvent::PaymentActionRequired { attempt: attempt(1), action: action() };
    let asks = || OrderCommand::RecordPayment {
        attempt: attempt(1),
        outcome: PaymentOutcome::ActionRequired { action: action() },
        on: day(),
    };
    given([placed(1000), requested(1)]).when(asks()).then_expect_events(vec![asked()]);
    given([placed(1000), requested(1), asked()]).when(asks()).then_expect_events(vec![]);
    given([placed(1000), requested(1), asked()]).when(request()).then_expect_error(OrderError::PaymentInProgress);
    given([placed(1000), requested(1), asked()]).when(succeeds(1)).then_expect_events(vec![succeeded(1), paid()]);
    given([placed(1000), requested(1), asked()]).when(declines(1)).then_expect_events(vec![declined(1)]);
    given([placed(1000), requested(1), succeeded(1), paid()]).when(asks()).then_expect_events(vec![]);
}

#[test]
fn what_costs_nothing_is_paid_at_once() {
    let paid = OrderEvent::Paid { amount: Money::eur(0), on: day() };
    given([]).when(place(0)).then_expect_events(vec![placed(0), paid]);
}

#[test]
fn one_payment_at_a_time() {
    given([placed(1000)]).when(request()).then_expect_events(vec![requested(1)]);
    given([placed(1000), requested(1)]).when(request()).then_expect_error(OrderError::PaymentInProgress);
    given([placed(1000), requested(1), declined(1)]).when(request()).then_expect_events(vec![requested(2)]);
}

#[test]
fn the_money_pays_the_order() {
    given([placed(1000), requested(1)]).when(succeeds(1)).then_expect_events(vec![succeeded(1), paid()]);
    given([placed(1000), requested(1), succeeded(1), paid()])
        .when(request())
        .then_expect_error(OrderError::AlreadyPaid);
}

#[test]
fn a_repeated_outcome_changes_nothing() {
    given([placed(1000), requested(1), succeeded(1), paid()]).when(succeeds(1)).then_expect_events(vec![]);
    given([placed(1000), requested(1), succeeded(1), paid()]).when(declines(1)).then_expect_events(vec![]);
    given([placed(1000), requested(1), declined(1)]).when(declines(1)).then_expect_events(vec![]);
}

#[test]
fn a_decline_that_becomes_a_success_counts() {
    given([placed(1000), requested(1), declined(1)]).when(succeeds(1)).then_expect_events(vec![succeeded(1), paid()]);
}

#[test]
fn late_money_is_recorded_and_goes_back() {
    let refund = |reason| OrderEvent::RefundRequested { attempt: attempt(1), amount: Money::eur(1000), reason };
    for end in [OrderEvent::Expired, OrderEvent::Cancelled] {
        given([placed(1000), requested(1), end])
            .when(succeeds(1))
            .then_expect_events(vec![succeeded(1), refund(RefundReason::Late)]);
    }
    given([placed(1000), requested(1), declined(1), requested(2), succeeded(2), paid()])
        .when(succeeds(1))
        .then_expect_events(vec![succeeded(1), refund(RefundReason::Duplicate)]);
}

#[test]
fn money_goes_back_once() {
    let reference = Line::parse("refund").unwrap();
    let record = || OrderCommand::RecordRefund { attempt: attempt(1), reference: reference.clone(), on: day() };
    let refunded =
        OrderEvent::Refunded { attempt: attempt(1), amount: Money::eur(1000), reference: reference.clone(), on: day() };
    given([placed(1000), requested(1), OrderEvent::Expired, succeeded(1)])
        .when(record())
        .then_expect_events(vec![refunded.clone()]);
    given([placed(1000), requested(1), OrderEvent::Expired, succeeded(1), refunded])
        .when(record())
        .then_expect_events(vec![]);
    given([placed(1000), requested(1)]).when(record()).then_expect_error(OrderError::UnknownAttempt);
}

#[test]
fn nobody_made_this_attempt() {
    given([placed(1000)]).when(succeeds(1)).then_expect_error(OrderError::UnknownAttempt);
}

#[test]
fn only_an_unpaid_order_falls_through() {
    given([placed(1000)]).when(OrderCommand::Expire).then_expect_events(vec![OrderEvent::Expired]);
    given([placed(1000), requested(1), succeeded(1), paid()]).when(OrderCommand::Expire).then_expect_events(vec![]);
    given([placed(1000)]).when(OrderCommand::Cancel).then_expect_events(vec![OrderEvent::Cancelled]);
    given([placed(1000), OrderEvent::Cancelled]).when(OrderCommand::Cancel).then_expect_events(vec![]);
    given([placed(1000), OrderEvent::Expired]).when(OrderCommand::Cancel).then_expect_error(OrderError::Closed);
    given([placed(1000), requested(1), succeeded(1), paid()])
        .when(OrderCommand::Cancel)
        .then_expect_error(OrderError::AlreadyPaid);
    given([placed(1000), OrderEvent::Expired]).when(request()).then_expect_error(OrderError::Closed);
}

#[test]
fn only_a_paid_order_is_fulfilled() {
    given([placed(1000)]).when(OrderCommand::Fulfil).then_expect_error(OrderError::NotPaid);
    given([placed(1000), requested(1), succeeded(1), paid()])
        .when(OrderCommand::Fulfil)
        .then_expect_events(vec![OrderEvent::Fulfilled]);
    given([placed(1000), OrderEvent::Expired]).when(OrderCommand::Fulfil).then_expect_error(OrderError::Closed);
}

#[test]
fn an_unplaced_order_is_unknown() {
    given([]).when(request()).then_expect_error(OrderError::Unknown);
    given([]).when(OrderCommand::Expire).then_expect_error(OrderError::Unknown);
}

fn given<const N: usize>(history: [OrderEvent; N]) -> AggregateTestExecutor<Order> {
    TestFramework::with(()).given(history.into())
}

fn place(cents: i64) -> OrderCommand {
    OrderCommand::Place(Box::new(placement(cents, Kind::Physical)))
}

fn placement(cents: i64, kind: Kind) -> Placement {
    let unit_price = Money::eur(cents);
    let vat_rate = VatRate::parse(2000).unwrap();
    Placement {
        order: order(),
        cart: CartId(Uuid::from_u128(2)),
        buyer: BuyerId(Uuid::from_u128(3)),
        contact: Sealed::Erased,
        lines: vec![OrderLine {
            product: ProductId(Uuid::from_u128(4)),
            slug: Slug::parse("brume").unwrap(),
            name: Localized { fr: Line::parse("Brume").unwrap(), en: None },
            kind,
            quantity: Quantity::parse(1).unwrap(),
            unit_price,
            vat_rate,
            total: unit_price,
            discount: Money::nothing(),
        }],
        discounts: vec![],
        shipping: None,
        totals: Totals {
            subtotal: unit_price,
            discount: Money::nothing(),
            shipping: Money::nothing(),
            total: unit_price,
            vat: vec![VatTotal::of(unit_price, vat_rate)],
        },
        consents: Some(Consents { terms: Line::parse("2026-11").unwrap(), immediate_start: false }),
        on: day(),
        expires_at: Timestamp::UNIX_EPOCH,
    }
}

fn placed(cents: i64) -> OrderEvent {
    placed_as(placement(cents, Kind::Physical))
}

fn placed_as(placement: Placement) -> OrderEvent {
    let Placement { order, cart, buyer, contact, lines, discounts, shipping, totals, consents, on, expires_at } =
        placement;
    OrderEvent::Placed { order, cart, buyer, contact, lines, discounts, shipping, totals, consents, on, expires_at }
}

fn request() -> OrderCommand {
    OrderCommand::RequestPayment { method: Line::parse("sandbox_ok").unwrap() }
}

fn requested(number: u32) -> OrderEvent {
    OrderEvent::PaymentRequested {
        attempt: attempt(number),
        amount: Money::eur(1000),
        method: Line::parse("sandbox_ok").unwrap(),
    }
}

fn succeeds(number: u32) -> OrderCommand {
    let outcome = PaymentOutcome::Succeeded { reference: Line::parse("ref").unwrap() };
    OrderCommand::RecordPayment { attempt: attempt(number), outcome, on: day() }
}

fn succeeded(number: u32) -> OrderEvent {
    let (amount, reference) = (Money::eur(1000), Line::parse("ref").unwrap());
    OrderEvent::PaymentSucceeded { attempt: attempt(number), amount, reference, on: day() }
}

fn declines(number: u32) -> OrderCommand {
    let outcome = PaymentOutcome::Declined { reason: Line::parse("card_declined").unwrap() };
    OrderCommand::RecordPayment { attempt: attempt(number), outcome, on: day() }
}

fn declined(number: u32) -> OrderEvent {
    OrderEvent::PaymentDeclined { attempt: attempt(number), reason: Line::parse("card_declined").unwrap() }
}

fn paid() -> OrderEvent {
    OrderEvent::Paid { amount: Money::eur(1000), on: day() }
}

fn attempt(number: u32) -> AttemptId {
    AttemptId::of_order(order(), number)
}

fn order() -> OrderId {
    OrderId(Uuid::from_u128(1))
}

fn day() -> BusinessDate {
    BusinessDate::from_ymd_opt(2026, 11, 22).unwrap()
}

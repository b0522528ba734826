use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

use super::*;

#[test]
fn a_code_is_written_in_capitals() {
    assert_eq!(PromoCode::parse(" bienvenue10 ").unwrap().as_str(), "BIENVENUE10");
    for text in ["AB", "É10", "A B", "A_B_C", "", &"A".repeat(33)] {
        assert!(PromoCode::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_code_is_issued_once() {
    given([]).when(issue(limited(2))).then_expect_events(vec![issued(2)]);
    given([issued(2)]).when(issue(limited(2))).then_expect_error(PromoError::AlreadyIssued);
}

#[test]
fn terms_that_make_no_sense_are_refused() {
    let refused = |terms: Terms| {
        let known = terms.check().unwrap_err();
        given([]).when(issue(terms.clone())).then_expect_error(known.clone());
        given([issued(1)]).when(PromoCommand::Amend { terms: Box::new(terms) }).then_expect_error(known);
    };
    refused(Terms { reduction: Reduction::Percent(0), ..limited(1) });
    refused(Terms { reduction: Reduction::Percent(10_001), ..limited(1) });
    refused(Terms { reduction: Reduction::Fixed(Money::eur(0)), ..limited(1) });
    refused(Terms { reduction: Reduction::Nothing, ..limited(1) });
    refused(Terms { starts_at: Some(at(5)), ends_at: Some(at(5)), ..limited(1) });
    refused(Terms { minimum: Some(Money::eur(-1)), ..limited(1) });
    refused(Terms { scope: Scope { products: vec![ProductId(Uuid::nil()); 101], ..Scope::default() }, ..limited(1) });
    assert!(Terms { reduction: Reduction::Nothing, free_shipping: true, ..limited(1) }.check().is_ok());
}

#[test]
fn the_last_use_is_granted_once() {
    given([issued(1)]).when(reserve(1)).then_expect_events(vec![reserved(1, 0)]);
    given([issued(1), reserved(1, 0)]).when(reserve(1)).then_expect_events(vec![]);
    given([issued(1), reserved(1, 0)]).when(reserve(2)).then_expect_error(PromoError::UsedUp);
    given([issued(1), reserved(1, 0), confirmed(1)]).when(reserve(2)).then_expect_error(PromoError::UsedUp);
}

#[test]
fn what_falls_through_is_given_back_and_what_is_used_is_not() {
    given([issued(1), reserved(1, 0)]).when(release(1)).then_expect_events(vec![released(1, 1)]);
    given([issued(1), reserved(1, 0), released(1, 1)]).when(reserve(2)).then_expect_events(vec![reserved(2, 0)]);
    given([issued(1), reserved(1, 0), confirmed(1)]).when(release(1)).then_expect_events(vec![]);
    given([issued(1), reserved(1, 0), confirmed(1)]).when(confirm(1)).then_expect_events(vec![]);
    given([issued(1)]).when(release(9)).then_expect_events(vec![]);
}

#[test]
fn without_a_limit_there_is_nothing_to_count() {
    let endless = PromoEvent::Issued { terms: Terms { limit: None, ..limited(1) } };
    let reserved = |order| PromoEvent::Reserved { order: self::order(order), discount: Money::eur(100), left: None };
    given([endless.clone(), reserved(1)]).when(reserve(2)).then_expect_events(vec![reserved(2)]);
    given([endless, reserved(1)])
        .when(release(1))
        .then_expect_events(vec![PromoEvent::Released { order: order(1), left: None }]);
}

#[test]
fn it_begins_at_its_first_moment_and_ends_before_its_last() {
    let timed = PromoEvent::Issued { terms: Terms { starts_at: Some(at(10)), ends_at: Some(at(20)), ..limited(9) } };
    let reserve_at = |moment| PromoCommand::Reserve { order: order(1), discount: Money::eur(100), at: at(moment) };
    given([timed.clone()]).when(reserve_at(9)).then_expect_error(PromoError::NotStarted { starts_at: at(10) });
    given([timed.clone()]).when(reserve_at(10)).then_expect_events(vec![reserved(1, 8)]);
    given([timed.clone()]).when(reserve_at(19)).then_expect_events(vec![reserved(1, 8)]);
    given([timed]).when(reserve_at(20)).then_expect_error(PromoError::Ended { ended_at: at(20) });
}

#[test]
fn what_is_switched_off_grants_nothing_new_and_keeps_what_it_granted() {
    let off = || [issued(2), reserved(1, 1), PromoEvent::Deactivated];
    given(off()).when(reserve(2)).then_expect_error(PromoError::Inactive);
    given(off()).when(confirm(1)).then_expect_events(vec![confirmed(1)]);
    given(off()).when(PromoCommand::Deactivate).then_expect_events(vec![]);
    given(off()).when(PromoCommand::Activate).then_expect_events(vec![PromoEvent::Activated]);
    given([issued(2)]).when(PromoCommand::Activate).then_expect_events(vec![]);
}

#[test]
fn a_smaller_limit_never_counts_below_nothing() {
    let amended = PromoEvent::Amended { terms: limited(1) };
    given([issued(3), reserved(1, 2), reserved(2, 1), amended.clone()])
        .when(reserve(3))
        .then_expect_error(PromoError::UsedUp);
    given([issued(3), reserved(1, 2), reserved(2, 1), amended])
        .when(release(2))
        .then_expect_events(vec![released(2, 0)]);
}

#[test]
fn nobody_uses_a_code_that_does_not_exist() {
    given([]).when(reserve(1)).then_expect_error(PromoError::Unknown);
    given([]).when(PromoCommand::Deactivate).then_expect_error(PromoError::Unknown);
}

fn given<const N: usize>(history: [PromoEvent; N]) -> AggregateTestExecutor<Promo> {
    TestFramework::with(()).given(history.into())
}

fn limited(limit: u32) -> Terms {
    Terms { limit: Some(limit), ..Terms::granting(Reduction::Percent(1_000)) }
}

fn issue(terms: Terms) -> PromoCommand {
    PromoCommand::Issue { terms: Box::new(terms) }
}

fn issued(limit: u32) -> PromoEvent {
    PromoEvent::Issued { terms: limited(limit) }
}

fn reserve(id: u128) -> PromoCommand {
    PromoCommand::Reserve { order: order(id), discount: Money::eur(100), at: at(0) }
}

fn reserved(id: u128, left: u32) -> PromoEvent {
    PromoEvent::Reserved { order: order(id), discount: Money::eur(100), left: Some(left) }
}

fn confirm(id: u128) -> PromoCommand {
    PromoCommand::Confirm { order: order(id) }
}

fn confirmed(id: u128) -> PromoEvent {
    PromoEvent::Confirmed { order: order(id) }
}

fn release(id: u128) -> PromoCommand {
    PromoCommand::Release { order: order(id) }
}

fn released(id: u128, left: u32) -> PromoEvent {
    PromoEvent::Released { order: order(id), left: Some(left) }
}

fn order(id: u128) -> OrderId {
    OrderId(Uuid::from_u128(id))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_timestamp(second, 0).unwrap()
}

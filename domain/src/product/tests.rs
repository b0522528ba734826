use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

use super::*;

#[test]
fn a_draft_is_published_and_archived() {
    given([drafted()]).when(ProductCommand::Publish).then_expect_events(vec![ProductEvent::Published]);
    given([drafted(), ProductEvent::Published]).when(ProductCommand::Publish).then_expect_events(vec![]);
    given([drafted(), ProductEvent::Published])
        .when(ProductCommand::Archive)
        .then_expect_events(vec![ProductEvent::Archived]);
    given([drafted(), ProductEvent::Archived]).when(ProductCommand::Publish).then_expect_error(ProductError::Archived);
}

#[test]
fn what_nobody_drafted_is_unknown() {
    given([]).when(ProductCommand::Publish).then_expect_error(ProductError::Unknown);
    given([]).when(reserve(1, 1)).then_expect_error(ProductError::Unknown);
}

#[test]
fn a_product_is_drafted_once() {
    let command = draft(Kind::Physical);
    given([drafted()]).when(command).then_expect_error(ProductError::AlreadyDrafted);
}

#[test]
fn a_new_price_remembers_the_old_one() {
    let (price, vat_rate) = (Money::eur(1200), VatRate::parse(2000).unwrap());
    let reprice = |price| ProductCommand::Reprice { price, vat_rate, on: day() };
    given([drafted()]).when(reprice(price)).then_expect_events(vec![ProductEvent::Repriced {
        price,
        vat_rate,
        was: Money::eur(1000),
        on: day(),
    }]);
    given([drafted()]).when(reprice(Money::eur(1000))).then_expect_events(vec![]);
}

#[test]
fn stock_never_falls_below_what_is_promised() {
    let history = || [drafted(), ProductEvent::Published, adjusted(3, 3, 3), reserved(1, 2, 1)];
    given(history()).when(adjust(-1)).then_expect_events(vec![adjusted(-1, 2, 0)]);
    given(history()).when(adjust(-2)).then_expect_error(ProductError::ImpossibleStock);
    given(history()).when(adjust(i64::MAX)).then_expect_error(ProductError::ImpossibleStock);
}

#[test]
fn only_goods_have_stock() {
    given([drafted_as(Kind::Digital)]).when(adjust(1)).then_expect_error(ProductError::Stockless);
    given([drafted_as(Kind::Digital), ProductEvent::Published]).when(reserve(1, 9)).then_expect_events(vec![]);
}

#[test]
fn the_last_one_is_held_for_one_order() {
    let history = || [drafted(), ProductEvent::Published, adjusted(1, 1, 1)];
    given(history()).when(reserve(1, 1)).then_expect_events(vec![reserved(1, 1, 0)]);
    given(history())
        .and(vec![reserved(1, 1, 0)])
        .when(reserve(2, 1))
        .then_expect_error(ProductError::OutOfStock { available: 0 });
}

#[test]
fn asking_twice_holds_once() {
    given([drafted(), ProductEvent::Published, adjusted(5, 5, 5), reserved(1, 2, 3)])
        .when(reserve(1, 2))
        .then_expect_events(vec![]);
}

#[test]
fn nobody_buys_at_a_price_that_was() {
    given([drafted(), ProductEvent::Published, adjusted(5, 5, 5)])
        .when(ProductCommand::Reserve {
            order: order(1),
            quantity: quantity(1),
            price: Money::eur(900),
            vat_rate: VatRate::parse(2000).unwrap(),
        })
        .then_expect_error(ProductError::PriceChanged);
}

#[test]
fn a_draft_cannot_be_bought() {
    given([drafted()]).when(reserve(1, 1)).then_expect_error(ProductError::NotForSale);
}

#[test]
fn held_pieces_leave_or_come_back_once_even_when_archived() {
    let history = || [drafted(), ProductEvent::Published, adjusted(5, 5, 5), reserved(1, 2, 3), ProductEvent::Archived];
    let committed = ProductEvent::StockCommitted { order: order(1), quantity: quantity(2), on_hand: 3 };
    let released = ProductEvent::StockReleased { order: order(1), quantity: quantity(2), available: 5 };
    given(history()).when(ProductCommand::Commit { order: order(1) }).then_expect_events(vec![committed.clone()]);
    given(history()).when(ProductCommand::Release { order: order(1) }).then_expect_events(vec![released.clone()]);
    given(history()).and(vec![committed]).when(ProductCommand::Release { order: order(1) }).then_expect_events(vec![]);
    given(history()).and(vec![released]).when(ProductCommand::Commit { order: order(1) }).then_expect_events(vec![]);
}

#[test]
fn a_revision_that_changes_nothing_is_no_event() {
    let revise = |revision| ProductCommand::Revise { revision: Box::new(revision) };
    given([drafted()]).when(revise(Revision::default())).then_expect_events(vec![]);
    let tags = vec![Slug::parse("affiche").unwrap()];
    given([drafted()])
        .when(revise(Revision { tags: Some(tags.clone()), ..Revision::default() }))
        .then_expect_events(vec![ProductEvent::Revised { description: Description { tags, ..description() } }]);
    let tags = vec![Slug::parse("x").unwrap(); 21];
    given([drafted()])
        .when(revise(Revision { tags: Some(tags), ..Revision::default() }))
        .then_expect_error(ProductError::TooManyTags);
}

fn given<const N: usize>(history: [ProductEvent; N]) -> AggregateTestExecutor<Product> {
    TestFramework::with(()).given(history.into())
}

fn description() -> Description {
    Description {
        name: Localized { fr: Line::parse("Brume").unwrap(), en: None },
        text: Localized { fr: Prose::parse("Une affiche.").unwrap(), en: None },
        category: Slug::parse("tirages").unwrap(),
        tags: vec![],
    }
}

fn draft(kind: Kind) -> ProductCommand {
    ProductCommand::Draft {
        slug: Slug::parse("brume").unwrap(),
        kind,
        description: Box::new(description()),
        price: Money::eur(1000),
        vat_rate: VatRate::parse(2000).unwrap(),
        on: day(),
    }
}

fn drafted() -> ProductEvent {
    drafted_as(Kind::Physical)
}

fn drafted_as(kind: Kind) -> ProductEvent {
    ProductEvent::Drafted {
        slug: Slug::parse("brume").unwrap(),
        kind,
        description: description(),
        price: Money::eur(1000),
        vat_rate: VatRate::parse(2000).unwrap(),
        on: day(),
    }
}

fn adjust(change: i64) -> ProductCommand {
    ProductCommand::AdjustStock { change }
}

fn adjusted(change: i64, on_hand: i64, available: i64) -> ProductEvent {
    ProductEvent::StockAdjusted { change, on_hand, available }
}

fn reserve(id: u128, count: i64) -> ProductCommand {
    ProductCommand::Reserve {
        order: order(id),
        quantity: quantity(count),
        price: Money::eur(1000),
        vat_rate: VatRate::parse(2000).unwrap(),
    }
}

fn reserved(id: u128, count: i64, available: i64) -> ProductEvent {
    ProductEvent::StockReserved { order: order(id), quantity: quantity(count), available }
}

fn order(id: u128) -> OrderId {
    OrderId(Uuid::from_u128(id))
}

fn quantity(count: i64) -> Quantity {
    Quantity::parse(count).unwrap()
}

fn day() -> BusinessDate {
    BusinessDate::from_ymd_opt(2026, 11, 22).unwrap()
}

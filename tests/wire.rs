//! What was stored once can be read for ever: one golden file for every event, named stream type, event type, schema.
//!
//! A golden file never changes. An event that is stored in another form has another schema and another file, and the old
//! file is still read.

use std::{collections::BTreeSet, fs, path::PathBuf};

use domain::{
    AttemptId, BuyerId, CartId, Currency, Event, InvoiceId, Line, Localized, LogId, Money, OrderId, ProductId, Prose,
    Quantity, RefundId, Sealed, Slug, SubjectId, VatRate,
    buyer::BuyerEvent,
    cart::CartEvent,
    invoice::InvoiceEvent,
    order::{Consents, OrderEvent, OrderLine, Part, PartOf, RefundReason, Returned, Shipment},
    pricing::{Discount, RateShare, Totals, VatTotal},
    product::{Description, Kind, ProductEvent},
    promo::{PromoCode, PromoEvent, Reduction, Scope, Terms},
    register::{DocumentNumber, RegisterEvent, Series},
    reservation::ReservationEvent,
    sealed::Ciphertext,
    shop::{Mode, ShopEvent},
};
use reqwest::StatusCode;
use tests::shop::{Backend, Shop};
use uuid::Uuid;

/// Names the golden file of every event. There is no wildcard: an event without a file does not compile.
macro_rules! golden {
    ($($event:pat => $name:literal,)*) => {
        const NAMES: &[&str] = &[$($name),*];

        fn name(event: &Event) -> &'static str {
            match event {
                $($event => $name,)*
            }
        }
    };
}

golden! {
    Event::Buyer(BuyerEvent::Ordered { .. }) => "buyer.BuyerOrdered.1",
    Event::Buyer(BuyerEvent::Settled { .. }) => "buyer.BuyerSettled.1",
    Event::Buyer(BuyerEvent::Released { .. }) => "buyer.BuyerReleased.1",
    Event::Cart(CartEvent::PromoApplied { .. }) => "cart.CartPromoApplied.1",
    Event::Cart(CartEvent::PromoRemoved { .. }) => "cart.CartPromoRemoved.1",
    Event::Invoice(InvoiceEvent::Issued { .. }) => "invoice.InvoiceIssued.1",
    Event::Invoice(InvoiceEvent::Printed { .. }) => "invoice.InvoicePrinted.1",
    Event::Order(OrderEvent::PaymentActionRequired { .. }) => "order.OrderPaymentActionRequired.1",
    Event::Order(OrderEvent::RefundGranted { .. }) => "order.OrderRefundGranted.1",
    Event::Order(OrderEvent::RefundPaid { .. }) => "order.OrderRefundPaid.1",
    Event::Product(ProductEvent::StockReturned { .. }) => "product.ProductStockReturned.1",
    Event::Promo(PromoEvent::Issued { .. }) => "promo.PromoIssued.1",
    Event::Promo(PromoEvent::Amended { .. }) => "promo.PromoAmended.1",
    Event::Promo(PromoEvent::Deactivated) => "promo.PromoDeactivated.1",
    Event::Promo(PromoEvent::Activated) => "promo.PromoActivated.1",
    Event::Promo(PromoEvent::Reserved { .. }) => "promo.PromoReserved.1",
    Event::Promo(PromoEvent::Confirmed { .. }) => "promo.PromoConfirmed.1",
    Event::Promo(PromoEvent::Released { .. }) => "promo.PromoReleased.1",
    Event::Register(RegisterEvent::Entered { .. }) => "register.RegisterEntered.1",
    Event::Cart(CartEvent::ItemAdded { .. }) => "cart.CartItemAdded.1",
    Event::Cart(CartEvent::QuantityChanged { .. }) => "cart.CartQuantityChanged.1",
    Event::Cart(CartEvent::ItemRemoved { .. }) => "cart.CartItemRemoved.1",
    Event::Cart(CartEvent::CheckedOut { .. }) => "cart.CartCheckedOut.1",
    Event::Cart(CartEvent::Expired) => "cart.CartExpired.1",
    // With what came later to it; what is stored of an order without that is as it was.
    Event::Order(OrderEvent::Placed { consents: Some(_), .. }) => "order.OrderPlaced.1.sale",
    Event::Order(OrderEvent::Placed { .. }) => "order.OrderPlaced.1",
    Event::Order(OrderEvent::PaymentRequested { .. }) => "order.OrderPaymentRequested.1",
    Event::Order(OrderEvent::PaymentSucceeded { .. }) => "order.OrderPaymentSucceeded.1",
    Event::Order(OrderEvent::PaymentDeclined { .. }) => "order.OrderPaymentDeclined.1",
    Event::Order(OrderEvent::Paid { .. }) => "order.OrderPaid.1",
    Event::Order(OrderEvent::RefundRequested { .. }) => "order.OrderRefundRequested.1",
    Event::Order(OrderEvent::Refunded { .. }) => "order.OrderRefunded.1",
    Event::Order(OrderEvent::Expired) => "order.OrderExpired.1",
    Event::Order(OrderEvent::Cancelled) => "order.OrderCancelled.1",
    Event::Order(OrderEvent::Fulfilled) => "order.OrderFulfilled.1",
    Event::Product(ProductEvent::Drafted { .. }) => "product.ProductDrafted.1",
    Event::Product(ProductEvent::Revised { .. }) => "product.ProductRevised.1",
    Event::Product(ProductEvent::Repriced { .. }) => "product.ProductRepriced.1",
    Event::Product(ProductEvent::Published) => "product.ProductPublished.1",
    Event::Product(ProductEvent::Archived) => "product.ProductArchived.1",
    Event::Product(ProductEvent::StockAdjusted { .. }) => "product.ProductStockAdjusted.1",
    Event::Product(ProductEvent::StockReserved { .. }) => "product.ProductStockReserved.1",
    Event::Product(ProductEvent::StockCommitted { .. }) => "product.ProductStockCommitted.1",
    Event::Product(ProductEvent::StockReleased { .. }) => "product.ProductStockReleased.1",
    Event::Reservation(ReservationEvent::Claimed { .. }) => "reservation.ReservationClaimed.1",
    Event::Reservation(ReservationEvent::Released { .. }) => "reservation.ReservationReleased.1",
    Event::Shop(ShopEvent::Opened { .. }) => "shop.ShopOpened.1",
}

#[test]
fn every_event_has_an_example_and_a_golden_file() {
    let names: BTreeSet<String> = NAMES.iter().map(|&name| name.to_owned()).collect();
    let examples: BTreeSet<String> = examples().iter().map(|event| name(event).to_owned()).collect();
    let files: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap().replace(".json", ""))
        .collect();
    assert_eq!(names.len(), NAMES.len(), "two events have one file");
    assert_eq!(names, examples);
    assert_eq!(names, files);
}

#[test]
fn events_are_stored_as_they_always_were() {
    for event in examples() {
        assert_eq!(stored(&event), golden(name(&event)), "{}", name(&event));
    }
}

#[test]
fn what_was_stored_is_read_and_would_be_stored_the_same() {
    for event in examples() {
        let name = name(&event);
        let decoded = decode(name, &golden(name)).unwrap();
        assert_eq!(decoded, event, "{name}");
        assert_eq!(stored(&decoded), golden(name), "{name}");
    }
}

#[test]
fn an_event_of_another_name_schema_or_stream_is_not_understood() {
    for event in examples() {
        let golden = golden(name(&event));
        let (stream, event_type) = parts(name(&event));
        for (stream, event_type, schema) in [
            (stream, event_type, 0),
            (stream, event_type, 2),
            (stream, "SomethingElse", 1),
            (stream, "", 1),
            ("elsewhere", event_type, 1),
        ] {
            let read = Event::decode(stream, event_type, schema, &golden);
            assert!(read.is_err(), "{stream} {event_type} {schema} was read as {read:?}");
        }
        let cut = &golden[..golden.len() - 1];
        assert!(Event::decode(stream, event_type, 1, cut).is_err(), "{cut} was read");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_stores_nothing_that_it_would_store_otherwise_when_read() {
    let mut shop = Shop::open(Backend::Sqlite).await;
    let product = shop.product("brume", 1990, Some(5)).await;
    let mut guest = shop.guest();
    let order = guest.buy(&product, 2).await;
    guest.pay(&order, "sandbox_ok").await.expect(StatusCode::OK);
    let events = shop.events_after(store::Position::START).await;
    assert!(events.len() > 8, "{} events", events.len());
    for event in events {
        let kind = event.stream.kind();
        let decoded = Event::decode(kind, &event.event_type, event.schema, &event.payload).unwrap();
        assert_eq!(stored(&decoded), event.payload);
        let stored_as = format!("{kind}.{}.{}", event.event_type, event.schema);
        assert_eq!(name(&decoded).trim_end_matches(".sale"), stored_as);
    }
    shop.close().await;
}

fn decode(name: &str, payload: &str) -> Result<Event, domain::DomainError> {
    let (stream, event_type) = parts(name);
    Event::decode(stream, event_type, 1, payload)
}

/// The stream type and the event type; the schema of each is 1, and some have several forms.
fn parts(name: &str) -> (&str, &str) {
    let (stream, rest) = name.split_once('.').unwrap();
    let (event_type, schema) = rest.split_once('.').unwrap();
    assert_eq!(schema.split('.').next(), Some("1"));
    (stream, event_type)
}

fn stored(event: &Event) -> String {
    match event {
        Event::Buyer(event) => serde_json::to_string(event),
        Event::Cart(event) => serde_json::to_string(event),
        Event::Invoice(event) => serde_json::to_string(event),
        Event::Promo(event) => serde_json::to_string(event),
        Event::Register(event) => serde_json::to_string(event),
        Event::Order(event) => serde_json::to_string(event),
        Event::Product(event) => serde_json::to_string(event),
        Event::Reservation(event) => serde_json::to_string(event),
        Event::Shop(event) => serde_json::to_string(event),
    }
    .unwrap()
}

fn golden(name: &str) -> String {
    let path = folder().join(format!("{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.strip_suffix('\n').unwrap().to_owned()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("wire")
}

/// One example of each event, with every field that it can have.
fn examples() -> Vec<Event> {
    let (cart, order, product) = (cart_events(), order_events(), product_events());
    let owner = Uuid::from_u128(0x0f);
    let reservation = [ReservationEvent::Claimed { owner }, ReservationEvent::Released { owner }];
    let shop = ShopEvent::Opened { mode: Mode::Live, currency: Currency::Eur, log: LogId(Uuid::from_u128(0x01)) };
    cart.into_iter()
        .map(Event::Cart)
        .chain(buyer_events().map(Event::Buyer))
        .chain(promo_events().map(Event::Promo))
        .chain(paper_events())
        .chain(order.into_iter().map(Event::Order))
        .chain(product.into_iter().map(Event::Product))
        .chain(reservation.map(Event::Reservation))
        .chain([Event::Shop(shop)])
        .collect()
}

fn cart_events() -> Vec<CartEvent> {
    let product = product_id();
    vec![
        CartEvent::ItemAdded { product, quantity: quantity(3), shown: Money::eur(1990) },
        CartEvent::QuantityChanged { product, quantity: quantity(10_000) },
        CartEvent::ItemRemoved { product },
        CartEvent::PromoApplied { code: code() },
        CartEvent::PromoRemoved { code: code() },
        CartEvent::CheckedOut { order: order_id() },
        CartEvent::Expired,
    ]
}

fn order_events() -> Vec<OrderEvent> {
    let (attempt, amount, on) = (AttemptId(Uuid::from_u128(0x0a)), Money::eur(3980), "2026-11-22".parse().unwrap());
    let reference = || Line::parse("re_42").unwrap();
    vec![
        placed(None, vec![], None),
        placed(Some(shipment()), vec![discount()], Some(consents())),
        OrderEvent::PaymentRequested { attempt, amount, method: Line::parse("tok_1").unwrap() },
        OrderEvent::PaymentSucceeded { attempt, amount, reference: reference(), on },
        OrderEvent::PaymentActionRequired { attempt, action: Line::parse("authenticate").unwrap() },
        OrderEvent::PaymentDeclined { attempt, reason: Line::parse("card_declined").unwrap() },
        OrderEvent::RefundGranted {
            refund: RefundId(Uuid::from_u128(0x11)),
            attempt,
            amount,
            parts: vec![part(), Part { of: PartOf::Shipping, quantity: 0, ..part() }],
            vat: vec![VatTotal { rate: rate(2000), net: Money::eur(3317), vat: Money::eur(663) }],
            returned: vec![Returned { product: product_id(), quantity: quantity(2) }],
            reason: Line::parse("Retour").unwrap(),
            left: Money::eur(0),
            on,
        },
        OrderEvent::RefundPaid { refund: RefundId(Uuid::from_u128(0x11)), amount, reference: reference(), on },
        OrderEvent::Paid { amount, on },
        OrderEvent::RefundRequested { attempt, amount, reason: RefundReason::Late },
        OrderEvent::Refunded { attempt, amount, reference: reference(), on },
        OrderEvent::Expired,
        OrderEvent::Cancelled,
        OrderEvent::Fulfilled,
    ]
}

fn placed(shipping: Option<Shipment>, discounts: Vec<Discount>, consents: Option<Consents>) -> OrderEvent {
    OrderEvent::Placed {
        order: order_id(),
        cart: CartId(Uuid::from_u128(0x0c)),
        buyer: BuyerId(Uuid::from_u128(0x0b)),
        contact: Sealed::Cipher(Ciphertext {
            subject: SubjectId(Uuid::from_u128(0x0b)),
            key: Uuid::from_u128(0xee),
            nonce: "00112233445566778899aabbccddeeff0011223344556677".to_owned(),
            text: "c0ffee".to_owned(),
        }),
        lines: vec![OrderLine {
            product: product_id(),
            slug: Slug::parse("affiche-50x70").unwrap(),
            name: name_of_product(),
            kind: Kind::Physical,
            quantity: quantity(2),
            unit_price: Money::eur(1990),
            vat_rate: rate(2000),
            total: Money::eur(3980),
            discount: discounts.first().map_or_else(Money::nothing, |discount| discount.amount),
        }],
        discounts,
        shipping,
        totals: Totals {
            subtotal: Money::eur(4000),
            discount: Money::eur(20),
            shipping: if consents.is_some() { Money::eur(590) } else { Money::nothing() },
            total: Money::eur(3980),
            vat: vec![VatTotal { rate: rate(2000), net: Money::eur(3317), vat: Money::eur(663) }],
        },
        consents,
        on: day(),
        expires_at: "2026-11-22T09:30:00.000001Z".parse().unwrap(),
    }
}

fn shipment() -> Shipment {
    Shipment {
        method: Slug::parse("standard").unwrap(),
        name: Localized { fr: Line::parse("Livraison").unwrap(), en: Some(Line::parse("Delivery").unwrap()) },
        by_rate: vec![RateShare { rate: rate(2000), amount: Money::eur(590) }],
    }
}

fn discount() -> Discount {
    Discount { code: code(), amount: Money::eur(20), free_shipping: false }
}

fn consents() -> Consents {
    Consents { terms: Line::parse("2026-11").unwrap(), immediate_start: true }
}

fn buyer_events() -> [BuyerEvent; 3] {
    let order = order_id();
    [BuyerEvent::Ordered { order, promos: vec![code()] }, BuyerEvent::Settled { order }, BuyerEvent::Released { order }]
}

fn promo_events() -> [PromoEvent; 7] {
    let order = order_id();
    let terms = Terms {
        label: Some(Localized { fr: Line::parse("Rentrée").unwrap(), en: Some(Line::parse("Autumn").unwrap()) }),
        reduction: Reduction::Percent(1_000),
        free_shipping: true,
        minimum: Some(Money::eur(2_000)),
        starts_at: Some("2026-11-22T09:30:00Z".parse().unwrap()),
        ends_at: Some("2026-12-22T09:30:00Z".parse().unwrap()),
        limit: Some(100),
        limit_per_buyer: Some(1),
        first_order_only: true,
        scope: Scope { products: vec![product_id()], categories: vec![Slug::parse("tirages").unwrap()] },
        priority: 3,
        exclusive: true,
    };
    [
        PromoEvent::Issued { terms },
        PromoEvent::Amended { terms: Terms::granting(Reduction::Fixed(Money::eur(500))) },
        PromoEvent::Deactivated,
        PromoEvent::Activated,
        PromoEvent::Reserved { order, discount: Money::eur(20), left: Some(99) },
        PromoEvent::Confirmed { order },
        PromoEvent::Released { order, left: None },
    ]
}

/// What is written on paper.
fn paper_events() -> [Event; 3] {
    let (invoice, order, on) = (InvoiceId(Uuid::from_u128(0x10)), order_id(), day());
    let number = |series| DocumentNumber::new(series, on, 42);
    let issued = InvoiceEvent::Issued {
        invoice,
        number: number(Series::CreditNote),
        order,
        refund: Some(RefundId(Uuid::from_u128(0x11))),
        corrects: Some(number(Series::Invoice)),
        parts: vec![part()],
        discounts: vec![discount()],
        vat: vec![VatTotal { rate: rate(2000), net: Money::eur(3317), vat: Money::eur(663) }],
        total: Money::eur(3980),
        on,
        content: Sealed::Cipher(Ciphertext {
            subject: SubjectId(Uuid::from_u128(0x12)),
            key: Uuid::from_u128(0xef),
            nonce: "00112233445566778899aabbccddeeff0011223344556677".to_owned(),
            text: "c0ffee".to_owned(),
        }),
    };
    [
        Event::Invoice(issued),
        Event::Invoice(InvoiceEvent::Printed { sha256: "ab".repeat(32), bytes: 31_415 }),
        Event::Register(RegisterEvent::Entered {
            number: number(Series::Invoice),
            document: invoice,
            order,
            content: "cd".repeat(32),
            on,
        }),
    ]
}

fn part() -> Part {
    Part { of: PartOf::Product(product_id()), quantity: 2, rate: rate(2000), amount: Money::eur(3980) }
}

fn code() -> PromoCode {
    PromoCode::parse("RENTREE10").unwrap()
}

fn day() -> domain::BusinessDate {
    "2026-11-22".parse().unwrap()
}

fn product_events() -> Vec<ProductEvent> {
    let (order, price, on) = (order_id(), Money::eur(1990), "2026-11-22".parse().unwrap());
    vec![
        ProductEvent::Drafted {
            slug: Slug::parse("affiche-50x70").unwrap(),
            kind: Kind::Physical,
            description: description(),
            price,
            vat_rate: rate(2000),
            on,
        },
        ProductEvent::Revised { description: description() },
        ProductEvent::Repriced { price, vat_rate: rate(550), was: Money::eur(0), on },
        ProductEvent::Published,
        ProductEvent::Archived,
        ProductEvent::StockAdjusted { change: -2, on_hand: 5, available: 4 },
        ProductEvent::StockReserved { order, quantity: quantity(2), available: 2 },
        ProductEvent::StockCommitted { order, quantity: quantity(2), on_hand: 3 },
        ProductEvent::StockReleased { order, quantity: quantity(2), available: 4 },
        ProductEvent::StockReturned { order, quantity: quantity(2), on_hand: 5, available: 4 },
    ]
}

fn description() -> Description {
    Description {
        name: name_of_product(),
        text: Localized { fr: Prose::parse("Une brume.\n« Lyon », 1900").unwrap(), en: None },
        category: Slug::parse("tirages").unwrap(),
        tags: vec![Slug::parse("papier").unwrap(), Slug::parse("50x70").unwrap()],
    }
}

fn name_of_product() -> Localized<Line<200>> {
    Localized {
        fr: Line::parse("Lignes de \"brume\" – été").unwrap(),
        en: Some(Line::parse("Lines of mist 🌫").unwrap()),
    }
}

fn product_id() -> ProductId {
    ProductId(Uuid::from_u128(0x0d))
}

fn order_id() -> OrderId {
    OrderId(Uuid::from_u128(0x0e))
}

fn quantity(count: i64) -> Quantity {
    Quantity::parse(count).unwrap()
}

fn rate(basis_points: i64) -> VatRate {
    VatRate::parse(basis_points).unwrap()
}

//! Money comes, does not come, comes late, and goes back.

use domain::{
    BusinessDate, Event, Money,
    order::{OrderEvent, RefundReason},
};

use super::{
    ground::{Ground, Stock, a_moment, eventually, later},
    script::reference,
};

super::stories!(
    a_paid_order_lets_its_stock_leave,
    a_declined_payment_can_be_tried_again,
    a_second_click_joins_the_first,
    a_provider_that_gives_no_answer_is_asked_again,
    money_that_comes_too_late_goes_back,
);

async fn a_paid_order_lets_its_stock_leave(ground: Ground) {
    let shop = ground.open_alive().await;
    let product = shop.product("affiche", 1250, Some(3)).await;
    let order = shop.order(product, 1250).await;
    let attempt = shop.pay(order, "ok").await;
    shop.until_order(order, "OrderPaid").await;
    let amount = Money::eur(1250);
    let on = BusinessDate::from_ymd_opt(2026, 5, 4).unwrap();
    assert_eq!(
        shop.story("order", order).await[1..],
        [
            Event::Order(OrderEvent::PaymentRequested { attempt, amount, method: domain::Line::parse("ok").unwrap() }),
            Event::Order(OrderEvent::PaymentSucceeded { attempt, amount, reference: reference("paid", attempt), on }),
            Event::Order(OrderEvent::Paid { amount, on }),
        ]
    );
    assert_eq!(shop.stock(product).await, Stock { on_hand: 2, held: 0 });
    let events = shop.events().await;
    let paid = events.iter().position(|event| event.event_type == "OrderPaid").unwrap();
    let types: Vec<_> = events[paid..paid + 5].iter().map(|event| event.event_type.as_str()).collect();
    assert_eq!(types, ["OrderPaid", "ProductStockCommitted", "BuyerSettled", "RegisterEntered", "InvoiceIssued"]);
    assert_eq!(events[paid].transaction_end, events[paid + 4].position, "paid, gone and invoiced in one append");
    shop.prove().await;
    shop.close().await;
}

async fn a_declined_payment_can_be_tried_again(ground: Ground) {
    let shop = ground.open_alive().await;
    let product = shop.product("affiche", 1250, Some(3)).await;
    let order = shop.order(product, 1250).await;
    let declined = shop.pay(order, "declined").await;
    shop.until_order(order, "OrderPaymentDeclined").await;
    assert_eq!(shop.stock(product).await, Stock { on_hand: 3, held: 1 });
    let paid = shop.pay(order, "ok").await;
    assert_ne!(declined, paid);
    shop.until_order(order, "OrderPaid").await;
    assert_eq!(
        shop.names("order", order).await,
        [
            "OrderPlaced",
            "OrderPaymentRequested",
            "OrderPaymentDeclined",
            "OrderPaymentRequested",
            "OrderPaymentSucceeded",
            "OrderPaid",
        ]
    );
    assert_eq!(shop.stock(product).await, Stock { on_hand: 2, held: 0 });
    shop.close().await;
}

async fn a_second_click_joins_the_first(ground: Ground) {
    let shop = ground.open_alive().await;
    let product = shop.product("affiche", 1250, Some(3)).await;
    let order = shop.order(product, 1250).await;
    let (first, second) = tokio::join!(shop.pay(order, "held"), shop.pay(order, "held"));
    assert_eq!(first, second);
    assert_eq!(shop.names("order", order).await, ["OrderPlaced", "OrderPaymentRequested"]);
    ground.payments.release();
    shop.until_order(order, "OrderPaid").await;
    assert_eq!(ground.payments.charges(first), 1);
    shop.close().await;
}

async fn a_provider_that_gives_no_answer_is_asked_again(ground: Ground) {
    let shop = ground.open_alive().await;
    let product = shop.product("affiche", 1250, Some(3)).await;
    let order = shop.order(product, 1250).await;
    let attempt = shop.pay(order, "unanswered-2").await;
    // Nobody else waits for it.
    let other = shop.order(product, 1250).await;
    shop.pay(other, "ok").await;
    shop.until_order(other, "OrderPaid").await;
    shop.until_order(order, "OrderPaid").await;
    assert_eq!(ground.payments.charges(attempt), 3);
    assert_eq!(
        shop.names("order", order).await,
        ["OrderPlaced", "OrderPaymentRequested", "OrderPaymentSucceeded", "OrderPaid"]
    );
    shop.close().await;
}

async fn money_that_comes_too_late_goes_back(ground: Ground) {
    let shop = ground.open_alive().await;
    let product = shop.product("affiche", 1250, Some(1)).await;
    let order = shop.order(product, 1250).await;
    let attempt = shop.pay(order, "held").await;
    eventually("the provider is asked", async || ground.payments.charges(attempt) == 1).await;
    ground.clock.turn(later(2));
    shop.until_order(order, "OrderExpired").await;
    assert_eq!(shop.stock(product).await, Stock { on_hand: 1, held: 0 });

    ground.payments.release();
    shop.until_order(order, "OrderRefunded").await;
    a_moment().await;
    assert!(ground.payments.refunded(attempt));
    assert_eq!(
        shop.names("order", order).await,
        [
            "OrderPlaced",
            "OrderPaymentRequested",
            "OrderExpired",
            "OrderPaymentSucceeded",
            "OrderRefundRequested",
            "OrderRefunded",
        ]
    );
    let amount = Money::eur(1250);
    assert_eq!(
        shop.story("order", order).await[4],
        Event::Order(OrderEvent::RefundRequested { attempt, amount, reason: RefundReason::Late })
    );
    let stock = shop.names("product", product).await;
    let back = stock.iter().filter(|name| *name == "ProductStockReleased").count();
    assert_eq!(back, 1, "the piece came back once");
    // The order stays expired, and the piece can be bought by somebody else.
    shop.order(product, 1250).await;
    shop.close().await;
}

//! What happens to an order.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::{Consents, OrderLine, Part, PaymentMethod, RefundReason, Returned, Shipment};
use crate::{
    AttemptId, BusinessDate, BuyerId, CartId, Contact, Line, Money, OrderId, Personal, RefundId, Sealed, Timestamp,
    pricing::{Discount, Totals, VatTotal},
    sealed::SealedField,
};

/// What has happened to an order. The names are stored for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderEvent {
    /// It exists, and waits for its money.
    Placed {
        order: OrderId,
        cart: CartId,
        buyer: BuyerId,
        contact: Sealed<Contact>,
        lines: Vec<OrderLine>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        discounts: Vec<Discount>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shipping: Option<Shipment>,
        totals: Totals,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        consents: Option<Consents>,
        on: BusinessDate,
        expires_at: Timestamp,
    },
    /// The provider was asked for the money.
    PaymentRequested { attempt: AttemptId, amount: Money, method: PaymentMethod },
    /// The provider waits for the customer.
    PaymentActionRequired { attempt: AttemptId, action: Line<100> },
    /// The provider has the money.
    PaymentSucceeded { attempt: AttemptId, amount: Money, reference: Line<200>, on: BusinessDate },
    /// The provider will not have the money.
    PaymentDeclined { attempt: AttemptId, reason: Line<100> },
    /// It is paid in full.
    Paid { amount: Money, on: BusinessDate },
    /// Money that is not owed must go back.
    RefundRequested { attempt: AttemptId, amount: Money, reason: RefundReason },
    /// The money went back.
    Refunded { attempt: AttemptId, amount: Money, reference: Line<200>, on: BusinessDate },
    /// The shop gives money back; `left` is what can still be given back after that.
    RefundGranted {
        refund: RefundId,
        attempt: AttemptId,
        amount: Money,
        parts: Vec<Part>,
        vat: Vec<VatTotal>,
        returned: Vec<Returned>,
        reason: Line<200>,
        left: Money,
        on: BusinessDate,
    },
    /// The money of a refund reached its owner.
    RefundPaid { refund: RefundId, amount: Money, reference: Line<200>, on: BusinessDate },
    /// Nobody paid in time.
    Expired,
    /// Somebody did not want it any more.
    Cancelled,
    /// Everything was handed over.
    Fulfilled,
}

impl DomainEvent for OrderEvent {
    fn event_type(&self) -> String {
        let name = match self {
            Self::Placed { .. } => "OrderPlaced",
            Self::PaymentRequested { .. } => "OrderPaymentRequested",
            Self::PaymentActionRequired { .. } => "OrderPaymentActionRequired",
            Self::PaymentSucceeded { .. } => "OrderPaymentSucceeded",
            Self::PaymentDeclined { .. } => "OrderPaymentDeclined",
            Self::Paid { .. } => "OrderPaid",
            Self::RefundRequested { .. } => "OrderRefundRequested",
            Self::Refunded { .. } => "OrderRefunded",
            Self::RefundGranted { .. } => "OrderRefundGranted",
            Self::RefundPaid { .. } => "OrderRefundPaid",
            Self::Expired => "OrderExpired",
            Self::Cancelled => "OrderCancelled",
            Self::Fulfilled => "OrderFulfilled",
        };
        name.to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Personal for OrderEvent {
    fn sealed_fields(&mut self) -> Vec<(&'static str, &mut dyn SealedField)> {
        match self {
            Self::Placed { contact, .. } => vec![("contact", contact)],
            Self::PaymentRequested { .. }
            | Self::PaymentActionRequired { .. }
            | Self::PaymentSucceeded { .. }
            | Self::PaymentDeclined { .. }
            | Self::Paid { .. }
            | Self::RefundRequested { .. }
            | Self::Refunded { .. }
            | Self::RefundGranted { .. }
            | Self::RefundPaid { .. }
            | Self::Expired
            | Self::Cancelled
            | Self::Fulfilled => vec![],
        }
    }
}

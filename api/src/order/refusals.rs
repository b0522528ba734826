//! Why orders refuse, in the words of the API.

use axum::http::StatusCode;
use commands::{
    Failure,
    order::{ActError, CheckoutError, PayError, RefundError},
    trade::ShippingError,
};
use domain::{MoneyError, order::OrderError};

use crate::{
    answer::MoneyBody,
    error::{ApiError, Kind},
};

const UNKNOWN: Kind = Kind::new(StatusCode::NOT_FOUND, "order-unknown", "Commande inconnue", "Unknown order");
const EXISTS: Kind = Kind::new(StatusCode::CONFLICT, "order-exists", "La commande existe déjà", "The order exists");
const IN_PROGRESS: Kind = Kind::new(
    StatusCode::CONFLICT,
    "order-payment-in-progress",
    "Un paiement de cette commande est en cours",
    "A payment of this order is under way",
);
const ALREADY_PAID: Kind =
    Kind::new(StatusCode::CONFLICT, "order-already-paid", "Cette commande est payée", "This order is paid");
const NOT_PAID: Kind =
    Kind::new(StatusCode::CONFLICT, "order-not-paid", "Cette commande n’est pas payée", "This order is not paid");
const CLOSED: Kind = Kind::new(
    StatusCode::CONFLICT,
    "order-closed",
    "Cette commande a expiré ou a été annulée",
    "This order has expired or was cancelled",
);
const UNKNOWN_PAYMENT: Kind =
    Kind::new(StatusCode::NOT_FOUND, "order-payment-unknown", "Paiement inconnu", "Unknown payment");
const UNKNOWN_METHOD: Kind = Kind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "payment-method-unknown",
    "Moyen de paiement inconnu",
    "Unknown payment method",
);
const TERMS: Kind = Kind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "terms-not-accepted",
    "Les conditions générales de vente doivent être acceptées",
    "The terms of sale must be accepted",
);
const START: Kind = Kind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "immediate-start-not-accepted",
    "La fourniture immédiate, et la perte du droit de rétractation, doivent être acceptées",
    "The immediate start, which ends the right of withdrawal, must be accepted",
);
const NOTHING_TO_REFUND: Kind =
    Kind::new(StatusCode::CONFLICT, "refund-nothing", "Il n’y a rien à rembourser", "There is nothing to give back");
const REFUND_TOO_LARGE: Kind = Kind::new(
    StatusCode::CONFLICT,
    "refund-too-large",
    "Le remboursement dépasse ce qui reste de la commande",
    "The refund is more than what is left of the order",
);
const NOT_IN_ORDER: Kind = Kind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "refund-product-absent",
    "Ce produit n’est pas dans la commande",
    "This product is not in the order",
);
const ALREADY_RETURNED: Kind = Kind::new(
    StatusCode::CONFLICT,
    "refund-product-returned",
    "Ces exemplaires ont déjà été remboursés",
    "These pieces were given back before",
);
const UNKNOWN_REFUND: Kind =
    Kind::new(StatusCode::NOT_FOUND, "refund-unknown", "Remboursement inconnu", "Unknown refund");
const NOTHING_ASKED: Kind = Kind::new(
    StatusCode::CONFLICT,
    "payment-waits-for-nothing",
    "Ce paiement n’attend rien du client",
    "This payment waits for nothing of the customer's",
);
const SHIPPING_MISSING: Kind = Kind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "shipping-missing",
    "Un mode de livraison doit être choisi",
    "A way of shipping must be chosen",
);
const SHIPPING_UNKNOWN: Kind = Kind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "shipping-unknown",
    "Mode de livraison inconnu",
    "Unknown way of shipping",
);
const SHIPPING_ELSEWHERE: Kind = Kind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "shipping-elsewhere",
    "Ce mode de livraison ne dessert pas ce pays",
    "This way of shipping does not go to this country",
);
const CART_CHANGED: Kind = Kind::new(
    StatusCode::CONFLICT,
    "cart-changed",
    "Le panier ou un prix a changé depuis qu’il a été montré",
    "The cart or a price has changed since it was shown",
);
const TOO_DEAR: Kind = Kind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "cart-total",
    "Le total ne peut pas être calculé",
    "The total cannot be computed",
);

impl From<OrderError> for ApiError {
    fn from(refusal: OrderError) -> Self {
        let kind = match refusal {
            OrderError::Unknown => UNKNOWN,
            OrderError::AlreadyPlaced => EXISTS,
            OrderError::PaymentInProgress => IN_PROGRESS,
            OrderError::AlreadyPaid => ALREADY_PAID,
            OrderError::NotPaid => NOT_PAID,
            OrderError::Closed => CLOSED,
            OrderError::UnknownAttempt => UNKNOWN_PAYMENT,
            OrderError::TermsNotAccepted => TERMS,
            OrderError::StartNotAccepted => START,
            OrderError::NothingToRefund => NOTHING_TO_REFUND,
            OrderError::RefundTooLarge { left } => {
                return Self::refused(REFUND_TOO_LARGE, &refusal).with_present("left", MoneyBody::from(left));
            }
            OrderError::NotInOrder { product } => {
                return Self::refused(NOT_IN_ORDER, &refusal).with_present("product", product);
            }
            OrderError::AlreadyReturned { product, left } => {
                let problem = Self::refused(ALREADY_RETURNED, &refusal).with_present("product", product);
                return problem.with_present("left", left);
            }
            OrderError::UnknownRefund => UNKNOWN_REFUND,
        };
        Self::refused(kind, &refusal)
    }
}

impl From<PayError> for ApiError {
    fn from(refusal: PayError) -> Self {
        match refusal {
            PayError::UnknownMethod => Self::refused(UNKNOWN_METHOD, &refusal),
            PayError::Order(refusal) => refusal.into(),
        }
    }
}

impl From<ActError> for ApiError {
    fn from(refusal: ActError) -> Self {
        match refusal {
            ActError::NothingAsked => Self::refused(NOTHING_ASKED, &refusal),
            ActError::Order(refusal) => refusal.into(),
        }
    }
}

impl From<RefundError> for ApiError {
    fn from(refusal: RefundError) -> Self {
        match refusal {
            RefundError::Order(refusal) => refusal.into(),
            RefundError::Product { product, error } => Self::from(error).with_present("product", product),
            RefundError::Moved => Self::from(Failure::Contended),
        }
    }
}

impl From<ShippingError> for ApiError {
    fn from(refusal: ShippingError) -> Self {
        let kind = match refusal {
            ShippingError::Missing => SHIPPING_MISSING,
            ShippingError::Unknown => SHIPPING_UNKNOWN,
            ShippingError::NotThere { .. } => SHIPPING_ELSEWHERE,
        };
        Self::refused(kind, &refusal)
    }
}

impl From<MoneyError> for ApiError {
    fn from(refusal: MoneyError) -> Self {
        Self::refused(TOO_DEAR, &refusal)
    }
}

impl From<CheckoutError> for ApiError {
    fn from(refusal: CheckoutError) -> Self {
        match refusal {
            CheckoutError::Cart(refusal) => refusal.into(),
            CheckoutError::Product { product, error } => Self::from(error).with_present("product", product),
            CheckoutError::Promo { code, refusal } => Self::from(refusal).with_present("code", code),
            CheckoutError::Shipping(refusal) => refusal.into(),
            CheckoutError::Money(refusal) => refusal.into(),
            CheckoutError::Order(refusal) => refusal.into(),
            CheckoutError::CartChanged { cart_version, total } => Self::refused(CART_CHANGED, &refusal)
                .with_present("cart_version", cart_version)
                .with_present("total", total),
            CheckoutError::Moved => Self::refused(CART_CHANGED, &refusal),
        }
    }
}

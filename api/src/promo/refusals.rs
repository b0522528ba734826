//! Why promo codes refuse, in the words of the API.

use axum::http::StatusCode;
use commands::promo::PromoRefusal;
use domain::{buyer::BuyerError, pricing::Unmet, promo::PromoError};

use crate::{
    answer::MoneyBody,
    error::{ApiError, Kind},
};

const UNKNOWN: Kind = Kind::new(StatusCode::NOT_FOUND, "promo-unknown", "Code promo inconnu", "Unknown promo code");
const EXISTS: Kind =
    Kind::new(StatusCode::CONFLICT, "promo-exists", "Ce code promo existe déjà", "This promo code exists already");
const TERMS: Kind = Kind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "promo-terms",
    "Ces conditions n’ont pas de sens",
    "These terms make no sense",
);
const INACTIVE: Kind =
    Kind::new(StatusCode::CONFLICT, "promo-inactive", "Ce code promo n’est pas actif", "This promo code is not active");
const NOT_STARTED: Kind = Kind::new(
    StatusCode::CONFLICT,
    "promo-not-started",
    "Ce code promo n’est pas encore valable",
    "This promo code cannot be used yet",
);
const ENDED: Kind =
    Kind::new(StatusCode::CONFLICT, "promo-ended", "Ce code promo n’est plus valable", "This promo code has ended");
const USED_UP: Kind =
    Kind::new(StatusCode::CONFLICT, "promo-used-up", "Ce code promo est épuisé", "This promo code is used up");
const SCOPE: Kind = Kind::new(
    StatusCode::CONFLICT,
    "promo-scope",
    "Ce code promo ne concerne aucun produit du panier",
    "This promo code is for nothing in the cart",
);
const MINIMUM: Kind = Kind::new(
    StatusCode::CONFLICT,
    "promo-minimum",
    "Le montant minimum de ce code promo n’est pas atteint",
    "The minimum amount of this promo code is not reached",
);
const NOT_COMBINABLE: Kind = Kind::new(
    StatusCode::CONFLICT,
    "promo-not-combinable",
    "Ces codes promo ne se cumulent pas",
    "These promo codes do not go together",
);
const FIRST_ORDER: Kind = Kind::new(
    StatusCode::CONFLICT,
    "promo-first-order",
    "Ce code promo est réservé à une première commande",
    "This promo code is for a first order",
);
const USED_BY_CUSTOMER: Kind = Kind::new(
    StatusCode::CONFLICT,
    "promo-used-by-customer",
    "Vous avez déjà utilisé ce code promo",
    "You have used this promo code before",
);

impl From<PromoRefusal> for ApiError {
    fn from(refusal: PromoRefusal) -> Self {
        match refusal {
            PromoRefusal::Promo(refusal) => refusal.into(),
            PromoRefusal::Cart(refusal) => refusal.into(),
            PromoRefusal::Buyer(refusal) => refusal.into(),
        }
    }
}

impl From<PromoError> for ApiError {
    fn from(refusal: PromoError) -> Self {
        let kind = match refusal {
            PromoError::Unknown => UNKNOWN,
            PromoError::AlreadyIssued => EXISTS,
            PromoError::Terms(_) => TERMS,
            PromoError::Inactive => INACTIVE,
            PromoError::NotStarted { starts_at } => {
                return Self::refused(NOT_STARTED, &refusal).with_present("starts_at", starts_at);
            }
            PromoError::Ended { ended_at } => {
                return Self::refused(ENDED, &refusal).with_present("ended_at", ended_at);
            }
            PromoError::UsedUp => USED_UP,
        };
        Self::refused(kind, &refusal)
    }
}

impl From<Unmet> for ApiError {
    fn from(refusal: Unmet) -> Self {
        match &refusal {
            Unmet::Scope => Self::refused(SCOPE, &refusal),
            Unmet::Minimum { minimum, reached } => Self::refused(MINIMUM, &refusal)
                .with_present("minimum", MoneyBody::from(*minimum))
                .with_present("reached", MoneyBody::from(*reached)),
            Unmet::NotCombinable { with } => Self::refused(NOT_COMBINABLE, &refusal).with_present("with", with),
        }
    }
}

impl From<BuyerError> for ApiError {
    fn from(refusal: BuyerError) -> Self {
        let kind = match refusal {
            BuyerError::NotFirstOrder { .. } => FIRST_ORDER,
            BuyerError::UsedUp { .. } => USED_BY_CUSTOMER,
        };
        Self::refused(kind, &refusal)
    }
}

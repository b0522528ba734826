//! `/api/cart`

use axum::{
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use commands::{
    cart::{AddError, ApplyError},
    tokens::CartToken,
};
use domain::{ProductId, Quantity, cart::CartError, promo::PromoCode};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    answer::{Accepted, Answer, CommandHeaders, CommandProblems},
    error::{ApiError, Fields, Kind},
    request::{Asked, CART, Caller, Command, Id, Nothing},
};

mod queries;

pub(crate) use self::queries::queries;

const EMPTY: Kind = Kind::new(StatusCode::CONFLICT, "cart-empty", "Le panier est vide", "The cart is empty");
const NOT_IN_CART: Kind =
    Kind::new(StatusCode::NOT_FOUND, "cart-item-absent", "Ce produit n’est pas dans le panier", "Not in the cart");
const TOO_MANY: Kind = Kind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "cart-quantity",
    "Un panier contient 10 000 exemplaires d’un produit au plus",
    "A cart holds at most 10,000 of one product",
);
const TOO_MANY_LINES: Kind = Kind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "cart-full",
    "Un panier contient 500 produits au plus",
    "A cart holds at most 500 products",
);
const NO_PROMO: Kind =
    Kind::new(StatusCode::NOT_FOUND, "cart-promo-absent", "Ce code promo n’est pas dans le panier", "Not in the cart");
const TOO_MANY_PROMOS: Kind = Kind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "cart-promos",
    "Un panier contient 5 codes promo au plus",
    "A cart holds at most 5 promo codes",
);
const CHECKED_OUT: Kind = Kind::new(
    StatusCode::CONFLICT,
    "cart-checked-out",
    "Ce panier est devenu une commande",
    "This cart is an order now",
);
const EXPIRED: Kind = Kind::new(StatusCode::CONFLICT, "cart-expired", "Ce panier a expiré", "This cart has expired");
const NO_CART: Kind = Kind::new(StatusCode::NOT_FOUND, "cart-unknown", "Il n’y a pas de panier", "There is no cart");

impl From<CartError> for ApiError {
    fn from(refusal: CartError) -> Self {
        let kind = match refusal {
            CartError::Empty => EMPTY,
            CartError::NotInCart => NOT_IN_CART,
            CartError::TooMany => TOO_MANY,
            CartError::TooManyLines => TOO_MANY_LINES,
            CartError::PromoNotInCart => NO_PROMO,
            CartError::TooManyPromos => TOO_MANY_PROMOS,
            CartError::CheckedOut { .. } => CHECKED_OUT,
            CartError::Expired => EXPIRED,
        };
        Self::refused(kind, &refusal)
    }
}

impl From<AddError> for ApiError {
    fn from(refusal: AddError) -> Self {
        match refusal {
            AddError::Cart(refusal) => refusal.into(),
            AddError::Product(refusal) => refusal.into(),
        }
    }
}

impl From<ApplyError> for ApiError {
    fn from(refusal: ApplyError) -> Self {
        match refusal {
            ApplyError::Cart(refusal) => refusal.into(),
            ApplyError::Promo(refusal) => refusal.into(),
            ApplyError::Moved => commands::Failure::Contended.into(),
        }
    }
}

/// The commands below `/api/cart`.
pub(crate) fn commands() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(add))
        .routes(routes!(change_quantity))
        .routes(routes!(remove))
        .routes(routes!(apply_promo, remove_promo))
}

/// The header of a program that keeps no cookies.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by the documentation alone")]
pub(crate) struct CartHeader {
    /// The cart's token, for programs that keep no cookies.
    #[param(rename = "Webox-Cart", required = false)]
    webox_cart: Option<String>,
}

/// Something to put into the cart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CartAddition)]
struct AddBody {
    /// Which product.
    #[schema(value_type = uuid::Uuid)]
    product: ProductId,
    /// How many more: 1 to 10,000.
    #[schema(example = 1)]
    quantity: i64,
}

/// How many there are to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CartQuantity)]
struct QuantityBody {
    /// 1 to 10,000.
    #[schema(example = 2)]
    quantity: i64,
}

fn quantity(count: i64) -> Result<Quantity, ApiError> {
    let mut fields = Fields::default();
    let quantity = fields.within("quantity", Quantity::parse(count), "must be 1 to 10000");
    fields.finish(quantity)
}

/// The cart that the caller holds.
pub(crate) fn held(caller: &Caller) -> Result<&CartToken, ApiError> {
    caller.cart.as_ref().ok_or_else(|| ApiError::new(NO_CART))
}

/// Put something into the cart
///
/// Where there is no cart yet, or it has become an order, a new one is made: its token is in `Set-Cookie` and in
/// `Webox-Cart`.
#[utoipa::path(post, operation_id = "add_to_cart", path = "/api/cart/items", tag = "cart",
    params(CommandHeaders, CartHeader), request_body = AddBody,
    responses((status = 200, body = Accepted), CommandProblems))]
async fn add(State(app): State<App>, command: Command<AddBody>) -> Result<Answer<Accepted>, ApiError> {
    let AddBody { product, quantity: count } = command.body;
    let quantity = quantity(count)?;
    let token = app.commands.carts.open_one(command.caller.cart.clone(), command.key.as_deref()).await?;
    let context = command.context_on(&token);
    let done = app.commands.carts.add(&context, token.cart(), product, quantity).await?;
    let text = token.text();
    Ok(Answer::accepted(done)
        .with_header(header::SET_COOKIE, &app.set_cart_cookie(&text))
        .with_header(HeaderName::from_static(CART), &text))
}

/// Change how many there are
#[utoipa::path(patch, operation_id = "change_quantity", path = "/api/cart/items/{product_id}", tag = "cart",
    params(("product_id" = uuid::Uuid, Path), CommandHeaders, CartHeader), request_body = QuantityBody,
    responses((status = 200, body = Accepted), CommandProblems))]
async fn change_quantity(
    State(app): State<App>,
    Id(product): Id<ProductId>,
    command: Command<QuantityBody>,
) -> Result<Answer<Accepted>, ApiError> {
    let quantity = quantity(command.body.quantity)?;
    let cart = held(&command.caller)?.cart();
    let done = app.commands.carts.change_quantity(&command.context(), cart, product, quantity).await?;
    Ok(Answer::accepted(done))
}

/// Take something out of the cart
#[utoipa::path(delete, operation_id = "remove_from_cart", path = "/api/cart/items/{product_id}", tag = "cart",
    params(("product_id" = uuid::Uuid, Path), CommandHeaders, CartHeader),
    responses((status = 200, body = Accepted), CommandProblems))]
async fn remove(
    State(app): State<App>,
    Id(product): Id<ProductId>,
    command: Command<Nothing>,
) -> Result<Answer<Accepted>, ApiError> {
    let cart = held(&command.caller)?.cart();
    Ok(Answer::accepted(app.commands.carts.remove(&command.context(), cart, product).await?))
}

/// A promo code for the cart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CartPromo)]
struct PromoBody {
    #[schema(example = "BIENVENUE10")]
    code: String,
}

/// Which promo code is taken out.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct PromoQuery {
    /// This one; all of them where none is named.
    code: Option<String>,
}

/// Put a promo code into the cart
///
/// Where it does not go with what is in the cart now, the answer says which condition fails. The checkout decides again:
/// only an order holds a code.
#[utoipa::path(post, operation_id = "apply_promo", path = "/api/cart/promo", tag = "cart",
    params(CommandHeaders, CartHeader), request_body = PromoBody,
    responses((status = 200, body = Accepted), CommandProblems))]
async fn apply_promo(State(app): State<App>, command: Command<PromoBody>) -> Result<Answer<Accepted>, ApiError> {
    let mut fields = Fields::default();
    let code = fields.take("code", PromoCode::parse(&command.body.code));
    let code = fields.finish(code)?;
    let cart = held(&command.caller)?.cart();
    Ok(Answer::accepted(app.commands.carts.apply_promo(&command.context(), cart, &code).await?))
}

/// Take promo codes out of the cart
#[utoipa::path(delete, operation_id = "remove_promo", path = "/api/cart/promo", tag = "cart",
    params(PromoQuery, CommandHeaders, CartHeader),
    responses((status = 200, body = Accepted), CommandProblems))]
async fn remove_promo(
    State(app): State<App>,
    Asked(query): Asked<PromoQuery>,
    command: Command<Nothing>,
) -> Result<Answer<Accepted>, ApiError> {
    let code = query.code.as_deref().map(PromoCode::parse).transpose();
    let code = code.map_err(|error| ApiError::query_invalid(format!("code: {error}")))?;
    let cart = held(&command.caller)?.cart();
    Ok(Answer::accepted(app.commands.carts.remove_promo(&command.context(), cart, code.as_ref()).await?))
}

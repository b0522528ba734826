//! `/api/cart`

use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use commands::{cart::AddError, tokens::CartToken};
use domain::{
    Money, ProductId, Quantity,
    cart::{Cart, CartError},
    pricing::{self, PricedLine},
};
use projections::{
    carts::{CartLineView, CartState, CartView},
    products::{ProductView, Status},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    answer::{
        Accepted, Answer, CommandHeaders, CommandProblems, LocalizedBody, MoneyBody, QueryHeaders, QueryProblems,
        TotalsBody,
    },
    error::{ApiError, Fields, Kind},
    request::{After, CART, Caller, Command, Id, Nothing},
};

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

/// The commands below `/api/cart`.
pub(crate) fn commands() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(add)).routes(routes!(change_quantity)).routes(routes!(remove))
}

/// The queries below `/api/cart`.
pub(crate) fn queries() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
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

/// A cart at the prices of this moment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cart)]
struct CartBody {
    /// Its version: what a checkout must name.
    version: u64,
    state: CartStateBody,
    lines: Vec<CartLineBody>,
    /// What the lines that are for sale come to: what a checkout must expect.
    totals: TotalsBody,
}

/// What became of a cart.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CartState)]
enum CartStateBody {
    /// Things can be put in.
    Open,
    /// It became an order.
    CheckedOut,
    /// It was left behind.
    Expired,
}

/// One product of a cart.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CartLine)]
struct CartLineBody {
    #[schema(value_type = uuid::Uuid)]
    product: ProductId,
    slug: String,
    name: LocalizedBody,
    quantity: u32,
    /// The price of one at this moment, VAT included.
    unit_price: MoneyBody,
    /// The price of all, VAT included.
    total: MoneyBody,
    /// What one cost when it was put in, where that was something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    price_was: Option<MoneyBody>,
    /// Whether it can be bought.
    for_sale: bool,
    /// Whether there are as many as that.
    in_stock: bool,
}

/// Show the cart
///
/// Prices are those of this moment; a line says where it was put in at another one.
#[utoipa::path(get, operation_id = "show_cart", path = "/api/cart", tag = "cart", params(CartHeader, QueryHeaders),
    responses((status = 200, body = CartBody), QueryProblems))]
async fn show(State(app): State<App>, caller: Caller, After(position): After) -> Result<Json<CartBody>, ApiError> {
    app.views.carts.wait(position).await?;
    app.views.products.wait(position).await?;
    let empty = CartView { version: 0, lines: Vec::new(), state: CartState::Open };
    let cart = match &caller.cart {
        Some(token) => app.views.carts.cart(token.cart()).await?.unwrap_or(empty),
        None => empty,
    };
    debug_assert!(cart.lines.len() <= Cart::MAX_LINES);
    let products = app.views.products.all(cart.lines.iter().map(|line| line.product)).await?;
    let lines: Vec<(CartLineView, ProductView)> =
        cart.lines.iter().filter_map(|line| Some((*line, products.get(&line.product)?.clone()))).collect();
    let priced: Vec<PricedLine> = lines
        .iter()
        .filter(|(_, product)| product.status == Status::Published)
        .map(|(line, product)| PricedLine {
            unit_price: product.price,
            quantity: line.quantity,
            vat_rate: product.vat_rate,
        })
        .collect();
    let totals = pricing::price(&priced, Money::eur(0)).map_err(ApiError::fault)?;
    Ok(Json(CartBody {
        version: cart.version,
        state: match cart.state {
            CartState::Open => CartStateBody::Open,
            CartState::CheckedOut { .. } => CartStateBody::CheckedOut,
            CartState::Expired => CartStateBody::Expired,
        },
        lines: lines.into_iter().map(CartLineBody::of).collect::<Result<_, _>>()?,
        totals: totals.into(),
    }))
}

impl CartLineBody {
    fn of((line, product): (CartLineView, ProductView)) -> Result<Self, ApiError> {
        let count = line.quantity.get();
        Ok(Self {
            product: line.product,
            slug: product.slug,
            name: product.name.into(),
            quantity: count,
            unit_price: product.price.into(),
            total: product.price.times(count).map_err(ApiError::fault)?.into(),
            price_was: (line.shown != product.price).then(|| line.shown.into()),
            for_sale: product.status == Status::Published,
            in_stock: product.available.is_none_or(|available| available >= i64::from(count)),
        })
    }
}

//! How a cart is shown: at the prices and with the promo codes of this moment.

use axum::{Json, extract::State};
use domain::{
    Language, Money, ProductId, Slug, Timestamp,
    cart::Cart,
    pricing::{self, Basket, BasketLine, Quote},
    product::Kind,
    promo::{PromoCode, PromoError, Terms},
};
use projections::{
    carts::{CartLineView, CartState, CartView},
    products::{ProductView, Status},
    promos::PromoView,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::CartHeader;
use crate::{
    App,
    answer::{LocalizedBody, MoneyBody, QueryHeaders, QueryProblems, TotalsBody},
    error::{ApiError, ReasonBody},
    language::Reader,
    request::{After, Caller},
};

/// The queries below `/api/cart`.
pub(crate) fn queries() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// A cart at the prices of this moment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cart)]
struct CartBody {
    /// Its version: what a checkout must name.
    version: u64,
    state: CartStateBody,
    lines: Vec<CartLineBody>,
    /// Its promo codes, with what each takes off, or why it does not.
    promos: Vec<CartPromoBody>,
    /// What the lines that are for sale come to, without shipping: what a checkout must expect where nothing is shipped.
    totals: TotalsBody,
    /// The ways of shipping, where there is something to ship: a checkout names one, and expects its total.
    shipping: Vec<ShippingBody>,
    /// What a checkout must agree to.
    consents: NeededBody,
}

/// A promo code of a cart.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AppliedPromo)]
struct CartPromoBody {
    code: String,
    /// What it takes off, VAT included.
    discount: MoneyBody,
    /// Whether shipping is free with it.
    free_shipping: bool,
    /// Why it does not go at this moment: such a cart cannot be checked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ReasonBody>,
}

/// A way of shipping.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShippingMethod)]
struct ShippingBody {
    /// What a checkout names.
    #[schema(example = "standard")]
    method: String,
    name: LocalizedBody,
    /// What it costs for this cart, VAT included.
    price: MoneyBody,
    /// What a checkout must expect with it.
    total: MoneyBody,
    /// Free where the products, after discounts, cost this much or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    free_from: Option<MoneyBody>,
    /// The countries it goes to; all, where none is named.
    countries: Vec<String>,
}

/// What a checkout must agree to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NeededConsents)]
struct NeededBody {
    /// The version of the terms of sale.
    terms: String,
    /// Whether something is handed over at once, which ends the right of withdrawal.
    immediate_start: bool,
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
/// Prices are those of this moment; a line says where it was put in at another one, and a promo code where it does not go
/// any more.
#[utoipa::path(get, operation_id = "show_cart", path = "/api/cart", tag = "cart", params(CartHeader, QueryHeaders),
    responses((status = 200, body = CartBody), QueryProblems))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Reader(language): Reader,
    After(position): After,
) -> Result<Json<CartBody>, ApiError> {
    app.views.carts.wait(position).await?;
    app.views.products.wait(position).await?;
    let empty = CartView { version: 0, lines: Vec::new(), promos: Vec::new(), state: CartState::Open };
    let cart = match &caller.cart {
        Some(token) => app.views.carts.cart(token.cart()).await?.unwrap_or(empty),
        None => empty,
    };
    debug_assert!(cart.lines.len() <= Cart::MAX_LINES);
    let products = app.views.products.all(cart.lines.iter().map(|line| line.product)).await?;
    let lines: Vec<(CartLineView, ProductView)> =
        cart.lines.iter().filter_map(|line| Some((*line, products.get(&line.product)?.clone()))).collect();
    if !cart.promos.is_empty() {
        app.views.promos.wait(position).await?;
    }
    let promos = app.views.promos.promos(&cart.promos).await?;
    let counter = Counter { app: &app, lines: &lines, promos: &promos, codes: &cart.promos };
    let priced = counter.price(app.commands.clock().now(), language)?;
    let immediate_start = lines.iter().any(|(_, product)| matches!(product.kind, Kind::Digital | Kind::Credits));
    Ok(Json(CartBody {
        version: cart.version,
        state: match cart.state {
            CartState::Open => CartStateBody::Open,
            CartState::CheckedOut { .. } => CartStateBody::CheckedOut,
            CartState::Expired => CartStateBody::Expired,
        },
        promos: priced.promos,
        totals: priced.quote.totals.into(),
        shipping: priced.shipping,
        consents: NeededBody { terms: app.commands.trade().terms.to_string(), immediate_start },
        lines: lines.into_iter().map(CartLineBody::of).collect::<Result<_, _>>()?,
    }))
}

/// A cart on the counter, as the views know it.
struct Counter<'view> {
    app: &'view App,
    lines: &'view [(CartLineView, ProductView)],
    promos: &'view [PromoView],
    codes: &'view [PromoCode],
}

/// What a cart costs.
struct Priced {
    quote: Quote,
    promos: Vec<CartPromoBody>,
    shipping: Vec<ShippingBody>,
}

impl Counter<'_> {
    fn price(&self, at: Timestamp, language: Language) -> Result<Priced, ApiError> {
        let trade = self.app.commands.trade();
        let mut refused: Vec<(PromoCode, ApiError)> = Vec::new();
        let mut usable: Vec<(&PromoCode, &Terms)> = Vec::new();
        for code in self.codes {
            match self.usable(code, at) {
                Ok(terms) => usable.push((code, terms)),
                Err(refusal) => refused.push((code.clone(), refusal.into())),
            }
        }
        let offered: Vec<&(CartLineView, ProductView)> =
            self.lines.iter().filter(|(_, product)| product.status == Status::Published).collect();
        let shelves: Vec<Slug> = offered
            .iter()
            .map(|(_, product)| Slug::parse(&product.category))
            .collect::<Result<_, _>>()
            .map_err(ApiError::fault)?;
        let lines = offered.iter().zip(&shelves).map(|((line, product), category)| BasketLine {
            product: line.product,
            category,
            kind: product.kind,
            unit_price: product.price,
            quantity: line.quantity,
            vat_rate: trade.vat(product.vat_rate),
        });
        let basket = Basket { lines: lines.collect(), promos: usable, shipping: None };
        let (quote, missing) = pricing::quote_what_goes(basket.clone())?;
        refused.extend(missing.into_iter().map(|(code, unmet)| (code, unmet.into())));
        let physical = offered.iter().any(|(_, product)| product.kind == Kind::Physical);
        let shipping = trade.shipping.iter().filter(|_| physical).map(|method| {
            let (shipped, _) = pricing::quote_what_goes(Basket { shipping: Some(method.rate), ..basket.clone() })?;
            Ok(ShippingBody {
                method: method.id.to_string(),
                name: method.name.clone().into(),
                price: shipped.totals.shipping.into(),
                total: shipped.totals.total.into(),
                free_from: method.rate.free_from.map(Into::into),
                countries: method.countries.iter().map(ToString::to_string).collect(),
            })
        });
        let shipping = shipping.collect::<Result<_, ApiError>>()?;
        let promos = self.codes.iter().map(|code| promo(code, &quote, &refused, language)).collect();
        Ok(Priced { quote, promos, shipping })
    }

    fn usable(&self, code: &PromoCode, at: Timestamp) -> Result<&Terms, PromoError> {
        let view = self.promos.iter().find(|promo| promo.code == code.as_str()).ok_or(PromoError::Unknown)?;
        view.terms.usable(view.active, view.left(), at)?;
        Ok(&view.terms)
    }
}

fn promo(code: &PromoCode, quote: &Quote, refused: &[(PromoCode, ApiError)], language: Language) -> CartPromoBody {
    let discount = quote.discounts.iter().find(|discount| discount.code == *code);
    let refusal = refused.iter().find(|(known, _)| known == code);
    CartPromoBody {
        code: code.to_string(),
        discount: discount.map_or_else(Money::nothing, |discount| discount.amount).into(),
        free_shipping: discount.is_some_and(|discount| discount.free_shipping),
        reason: refusal.map(|(_, error)| error.clone().into_reason(language)),
    }
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

//! How promo codes are asked about, and shown to the staff.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use domain::{
    Email, OrderId,
    promo::{PromoCode, PromoError, Reduction},
};
use projections::{
    page::{MAX_ROWS, ROWS},
    promo_uses::{PromoUse, UseState},
    promos::PromoView,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{CodeInPath, ReductionBody, ScopeBody};
use crate::{
    App,
    answer::{LocalizedBody, MoneyBody, QueryHeaders, QueryProblems, StaffProblems},
    cart::CartHeader,
    error::{ApiError, Fields, ReasonBody},
    language::Reader,
    request::{After, Asked, Caller, Command},
};

/// The queries below `/api/promo`.
pub(crate) fn queries() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(validate)).routes(routes!(list)).routes(routes!(show)).routes(routes!(usage))
}

/// A question about a promo code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PromoQuestion)]
struct ValidateBody {
    #[schema(example = "BIENVENUE10")]
    code: String,
    /// Who would use it. The staff's to ask: for anybody else it would tell what that person has bought.
    email: Option<String>,
}

/// What a promo code would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PromoVerdict)]
struct VerdictBody {
    code: String,
    /// Whether it can be used, as far as that is known now.
    valid: bool,
    /// Whether it is valid only for some people, which the checkout decides.
    depends_on_customer: bool,
    /// What it would take off the caller's cart, VAT included; nothing without a cart.
    #[serde(skip_serializing_if = "Option::is_none")]
    discount: Option<MoneyBody>,
    /// Whether shipping is free with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    free_shipping: Option<bool>,
    /// Which condition fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ReasonBody>,
}

/// Ask what a promo code would do
///
/// For the caller's cart, beside the codes it holds; without a cart for nobody's. Reserves nothing: a code that is valid
/// now may be used up at the checkout.
#[utoipa::path(post, operation_id = "validate_promo", path = "/api/promo/validate", tag = "promos",
    security((), ("staff" = [])),
    params(CartHeader), request_body = ValidateBody,
    responses((status = 200, body = VerdictBody), QueryProblems, StaffProblems))]
async fn validate(
    State(app): State<App>,
    Reader(language): Reader,
    question: Command<ValidateBody>,
) -> Result<Json<VerdictBody>, ApiError> {
    let context = question.context();
    let mut fields = Fields::default();
    let code = fields.take("code", PromoCode::parse(&question.body.code));
    let email = fields.maybe("email", question.body.email.as_deref().map(Email::parse));
    let code = fields.finish(code)?;
    if email.is_some() {
        question.caller.must_be_staff()?;
    }
    let cart = question.caller.cart.as_ref().map(commands::tokens::CartToken::cart);
    let assessment = app.commands.promos.assess(&context, cart, &code, email.as_ref()).await?;
    let (grant, reason) = match assessment.outcome {
        Ok(grant) => (Some(grant), None),
        Err(refusal) => (None, Some(ApiError::from(refusal).into_reason(language))),
    };
    Ok(Json(VerdictBody {
        code: code.to_string(),
        valid: grant.is_some(),
        depends_on_customer: assessment.depends_on_buyer,
        discount: grant.map(|grant| grant.discount.into()),
        free_shipping: grant.map(|grant| grant.free_shipping),
        reason,
    }))
}

/// A promo code.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Promo)]
struct PromoBody {
    code: String,
    /// Whether it can be used at this moment.
    status: PromoStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<LocalizedBody>,
    /// What it takes off; absent, where it is for shipping alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    reduction: Option<ReductionBody>,
    free_shipping: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<MoneyBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_per_customer: Option<u32>,
    first_order_only: bool,
    scope: ScopeBody,
    priority: u16,
    exclusive: bool,
    /// How many orders hold it that are not paid yet.
    reserved: u32,
    /// How many paid orders have used it.
    used: u32,
    /// How many more orders may have it, where that is limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<u32>,
    /// What it took off all orders that hold it or have used it, VAT included.
    discount: MoneyBody,
}

/// Whether a promo code can be used.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PromoStatus {
    /// It can.
    Active,
    /// Its time has not come.
    Scheduled,
    /// Its time is over.
    Ended,
    /// As many orders as may have it.
    UsedUp,
    /// It is switched off.
    Inactive,
}

impl PromoBody {
    fn of(view: PromoView, at: DateTime<Utc>) -> Self {
        let left = view.left();
        let status = match view.terms.usable(view.active, left, at) {
            Ok(()) => PromoStatus::Active,
            Err(PromoError::NotStarted { .. }) => PromoStatus::Scheduled,
            Err(PromoError::Ended { .. }) => PromoStatus::Ended,
            Err(PromoError::UsedUp) => PromoStatus::UsedUp,
            Err(_) => PromoStatus::Inactive,
        };
        let terms = view.terms;
        Self {
            code: view.code,
            status,
            label: terms.label.map(Into::into),
            reduction: reduction(terms.reduction),
            free_shipping: terms.free_shipping,
            minimum: terms.minimum.map(Into::into),
            starts_at: terms.starts_at,
            ends_at: terms.ends_at,
            limit: terms.limit,
            limit_per_customer: terms.limit_per_buyer,
            first_order_only: terms.first_order_only,
            scope: ScopeBody {
                products: terms.scope.products,
                categories: terms.scope.categories.iter().map(ToString::to_string).collect(),
            },
            priority: terms.priority,
            exclusive: terms.exclusive,
            reserved: view.reserved,
            used: view.used,
            left,
            discount: view.discount.into(),
        }
    }
}

fn reduction(reduction: Reduction) -> Option<ReductionBody> {
    match reduction {
        Reduction::Nothing => None,
        Reduction::Percent(points) => Some(ReductionBody { basis_points: Some(i64::from(points)), amount: None }),
        Reduction::Fixed(amount) => Some(ReductionBody { basis_points: None, amount: Some(amount.into()) }),
    }
}

/// Which page is listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    /// The mark that ended the page before.
    after: Option<String>,
    /// At most so many, 1 to 100.
    #[param(default = 20, minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

impl PageQuery {
    fn limit(&self) -> u32 {
        self.limit.unwrap_or(ROWS).clamp(1, MAX_ROWS)
    }
}

/// A page of promo codes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Promos)]
struct PromosBody {
    items: Vec<PromoBody>,
    /// The mark to ask the next page with; `null` at the end.
    next: Option<String>,
}

/// List promo codes
///
/// The newest first.
#[utoipa::path(get, operation_id = "list_promos", path = "/api/promo/list", tag = "promos", security(("staff" = [])),
    params(PageQuery, QueryHeaders),
    responses((status = 200, body = PromosBody), QueryProblems, StaffProblems))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    After(position): After,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<PromosBody>, ApiError> {
    caller.must_be_staff()?;
    app.views.promos.wait(position).await?;
    let now = app.commands.clock().now();
    let page = app.views.promos.list(query.after.as_deref(), query.limit()).await?;
    let page = page.map(|view| PromoBody::of(view, now));
    Ok(Json(PromosBody { items: page.items, next: page.next }))
}

/// Show a promo code
#[utoipa::path(get, operation_id = "show_promo", path = "/api/promo/{code}", tag = "promos",
    security(("staff" = [])), params(("code" = String, Path), QueryHeaders),
    responses((status = 200, body = PromoBody), QueryProblems, StaffProblems))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    CodeInPath(code): CodeInPath,
    After(position): After,
) -> Result<Json<PromoBody>, ApiError> {
    caller.must_be_staff()?;
    app.views.promos.wait(position).await?;
    let view = app.views.promos.promo(&code).await?.ok_or_else(ApiError::not_found)?;
    Ok(Json(PromoBody::of(view, app.commands.clock().now())))
}

/// What an order did with a promo code.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PromoUse)]
struct UseBody {
    #[schema(value_type = uuid::Uuid)]
    order: OrderId,
    /// What it took off, VAT included.
    discount: MoneyBody,
    state: UseStateBody,
    reserved_at: DateTime<Utc>,
}

/// What became of a use.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PromoUseState)]
enum UseStateBody {
    /// The order is not paid yet.
    Reserved,
    /// The order is paid.
    Used,
    /// The order fell through.
    Released,
}

impl From<PromoUse> for UseBody {
    fn from(promo_use: PromoUse) -> Self {
        Self {
            order: promo_use.order,
            discount: promo_use.discount.into(),
            state: match promo_use.state {
                UseState::Reserved => UseStateBody::Reserved,
                UseState::Used => UseStateBody::Used,
                UseState::Released => UseStateBody::Released,
            },
            reserved_at: promo_use.reserved_at,
        }
    }
}

/// How far a promo code is used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PromoUsage)]
struct UsageBody {
    reserved: u32,
    used: u32,
    /// How many more orders may have it, where that is limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<u32>,
    /// What it took off all orders that hold it or have used it, VAT included.
    discount: MoneyBody,
    /// The orders that took it, the newest first.
    uses: Vec<UseBody>,
    /// The mark to ask the next page with; `null` at the end.
    next: Option<String>,
}

/// Show who uses a promo code
#[utoipa::path(get, operation_id = "show_promo_usage", path = "/api/promo/{code}/usage", tag = "promos",
    security(("staff" = [])), params(("code" = String, Path), PageQuery, QueryHeaders),
    responses((status = 200, body = UsageBody), QueryProblems, StaffProblems))]
async fn usage(
    State(app): State<App>,
    caller: Caller,
    CodeInPath(code): CodeInPath,
    After(position): After,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<UsageBody>, ApiError> {
    caller.must_be_staff()?;
    app.views.promos.wait(position).await?;
    app.views.promo_uses.wait(position).await?;
    let view = app.views.promos.promo(&code).await?.ok_or_else(ApiError::not_found)?;
    let page = app.views.promo_uses.of_code(&code, query.after.as_deref(), query.limit()).await?;
    let page = page.map(UseBody::from);
    Ok(Json(UsageBody {
        reserved: view.reserved,
        used: view.used,
        left: view.left(),
        discount: view.discount.into(),
        uses: page.items,
        next: page.next,
    }))
}

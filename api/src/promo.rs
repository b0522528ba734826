//! `/api/promo`

use axum::{
    extract::{FromRequestParts, Path, State},
    http::{StatusCode, header, request::Parts},
};
use chrono::{DateTime, Utc};
use domain::{
    Line, Localized, Money, ProductId, Slug,
    promo::{PromoCode, Reduction, Scope, Terms},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    answer::{Accepted, Answer, CommandHeaders, CommandProblems, LocalizedBody, MoneyBody, StaffProblems},
    error::{ApiError, Fields},
    request::{Command, Nothing},
    strict,
};

mod queries;
mod refusals;

pub(crate) use self::queries::queries;

/// The commands below `/api/promo`.
pub(crate) fn commands() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(amend)).routes(routes!(deactivate))
}

/// A promo code in the address. One that is none names nothing, and nothing is found.
pub(crate) struct CodeInPath(pub(crate) PromoCode);

impl<S: Send + Sync> FromRequestParts<S> for CodeInPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| ApiError::not_found())?;
        PromoCode::parse(&text).map(Self).map_err(|_| ApiError::not_found())
    }
}

/// What a promo code takes off: a part or an amount.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Reduction)]
pub(crate) struct ReductionBody {
    /// A part, in basis points: 1000 is 10 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 1000)]
    basis_points: Option<i64>,
    /// An amount, VAT included.
    #[serde(default, deserialize_with = "strict::maybe_object", skip_serializing_if = "Option::is_none")]
    amount: Option<MoneyBody>,
}

/// The products a promo code is for; all of them, where nothing is named.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PromoScope)]
pub(crate) struct ScopeBody {
    /// These products.
    #[serde(default)]
    #[schema(value_type = Vec<uuid::Uuid>)]
    products: Vec<ProductId>,
    /// The products of these categories.
    #[serde(default)]
    categories: Vec<String>,
}

/// A new promo code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPromo)]
struct CreateBody {
    /// 3 to 32 letters, digits and hyphens.
    #[schema(example = "RENTREE15")]
    code: String,
    /// What it is for, as customers read it.
    #[serde(default, deserialize_with = "strict::maybe_object")]
    label: Option<LocalizedBody>,
    /// What it takes off; absent, where it is for shipping alone.
    #[serde(default, deserialize_with = "strict::maybe_object")]
    reduction: Option<ReductionBody>,
    /// Whether shipping is free with it.
    #[serde(default)]
    free_shipping: bool,
    /// The least that the products it is for must cost before discounts, VAT included.
    #[serde(default, deserialize_with = "strict::maybe_object")]
    minimum: Option<MoneyBody>,
    /// The first moment it can be used.
    starts_at: Option<DateTime<Utc>>,
    /// The first moment it can no longer be used.
    ends_at: Option<DateTime<Utc>>,
    /// How many orders may use it.
    limit: Option<i64>,
    /// How many orders of one person may use it.
    limit_per_customer: Option<i64>,
    /// Whether it is for people who have never ordered.
    #[serde(default)]
    first_order_only: bool,
    /// The products it is for.
    #[serde(default, deserialize_with = "strict::object")]
    scope: ScopeBody,
    /// Its place among other codes: the smallest is taken off first, the next from what is left.
    #[serde(default)]
    priority: u16,
    /// Whether it stands alone.
    #[serde(default)]
    exclusive: bool,
}

/// A change of a promo code: what is absent stays, what is `null` is taken away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PromoChange)]
struct AmendBody {
    #[serde(default, deserialize_with = "strict::present_object")]
    label: Option<Option<LocalizedBody>>,
    #[serde(default, deserialize_with = "strict::present_object")]
    reduction: Option<Option<ReductionBody>>,
    free_shipping: Option<bool>,
    #[serde(default, deserialize_with = "strict::present_object")]
    minimum: Option<Option<MoneyBody>>,
    #[serde(default, deserialize_with = "strict::present")]
    starts_at: Option<Option<DateTime<Utc>>>,
    #[serde(default, deserialize_with = "strict::present")]
    ends_at: Option<Option<DateTime<Utc>>>,
    #[serde(default, deserialize_with = "strict::present")]
    limit: Option<Option<i64>>,
    #[serde(default, deserialize_with = "strict::present")]
    limit_per_customer: Option<Option<i64>>,
    first_order_only: Option<bool>,
    #[serde(default, deserialize_with = "strict::maybe_object")]
    scope: Option<ScopeBody>,
    priority: Option<u16>,
    exclusive: Option<bool>,
    /// Switches it on or off.
    active: Option<bool>,
}

/// A parsed change of terms: what is `None` stays.
#[derive(Default)]
struct Change {
    label: Option<Option<Localized<Line<200>>>>,
    reduction: Option<Reduction>,
    free_shipping: Option<bool>,
    minimum: Option<Option<Money>>,
    starts_at: Option<Option<DateTime<Utc>>>,
    ends_at: Option<Option<DateTime<Utc>>>,
    limit: Option<Option<u32>>,
    limit_per_buyer: Option<Option<u32>>,
    first_order_only: Option<bool>,
    scope: Option<Scope>,
    priority: Option<u16>,
    exclusive: Option<bool>,
}

impl CreateBody {
    /// A new code is the change of one that grants nothing.
    fn into_change(self) -> (String, AmendBody) {
        let change = AmendBody {
            label: Some(self.label),
            reduction: Some(self.reduction),
            free_shipping: Some(self.free_shipping),
            minimum: Some(self.minimum),
            starts_at: Some(self.starts_at),
            ends_at: Some(self.ends_at),
            limit: Some(self.limit),
            limit_per_customer: Some(self.limit_per_customer),
            first_order_only: Some(self.first_order_only),
            scope: Some(self.scope),
            priority: Some(self.priority),
            exclusive: Some(self.exclusive),
            active: None,
        };
        (self.code, change)
    }
}

impl AmendBody {
    fn parse(self, fields: &mut Fields) -> Change {
        Change {
            label: self.label.map(|label| label.and_then(|label| label_of(fields, &label))),
            reduction: self.reduction.and_then(|reduction| reduction_of(fields, reduction)),
            free_shipping: self.free_shipping,
            minimum: self.minimum.map(|minimum| minimum.and_then(|minimum| minimum_of(fields, minimum))),
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            limit: self.limit.map(|limit| limit.and_then(|limit| count(fields, "limit", limit))),
            limit_per_buyer: self
                .limit_per_customer
                .map(|limit| limit.and_then(|limit| count(fields, "limit_per_customer", limit))),
            first_order_only: self.first_order_only,
            scope: self.scope.map(|scope| scope_of(fields, scope)),
            priority: self.priority,
            exclusive: self.exclusive,
        }
    }
}

fn label_of(fields: &mut Fields, label: &LocalizedBody) -> Option<Localized<Line<200>>> {
    let fr = fields.take("label.fr", Line::parse(&label.fr));
    let en = fields.maybe("label.en", label.en.as_deref().map(Line::parse));
    Some(Localized { fr: fr?, en })
}

fn reduction_of(fields: &mut Fields, reduction: Option<ReductionBody>) -> Option<Reduction> {
    let Some(reduction) = reduction else { return Some(Reduction::Nothing) };
    match (reduction.basis_points, reduction.amount) {
        (Some(basis_points), None) => {
            let basis_points = u16::try_from(basis_points).ok().filter(|points| (1..=10_000).contains(points));
            fields.within("reduction.basis_points", basis_points, "must be 1 to 10000").map(Reduction::Percent)
        }
        (None, Some(amount)) => {
            let amount = Money::price(amount.amount, amount.currency).filter(|amount| !amount.is_nothing());
            fields.within("reduction.amount", amount, "must be 1 to 100000000 cents").map(Reduction::Fixed)
        }
        (Some(_), Some(_)) | (None, None) => {
            fields.refuse("reduction", "must be basis_points or amount: not both, not neither");
            None
        }
    }
}

fn minimum_of(fields: &mut Fields, minimum: MoneyBody) -> Option<Money> {
    let parsed = Money::price(minimum.amount, minimum.currency);
    fields.within("minimum", parsed, "must be 0 to 100000000 cents")
}

fn count(fields: &mut Fields, field: &str, count: i64) -> Option<u32> {
    let parsed = u32::try_from(count).ok().filter(|count| *count > 0);
    fields.within(field, parsed, "must be 1 to 4294967295")
}

fn scope_of(fields: &mut Fields, scope: ScopeBody) -> Scope {
    let categories = scope.categories.iter().enumerate();
    let categories = categories
        .filter_map(|(index, category)| fields.take(&format!("scope.categories[{index}]"), Slug::parse(category)));
    let categories: Vec<Slug> = categories.collect();
    if has_twins(&categories) {
        fields.refuse("scope.categories", "must not name one twice");
    }
    if has_twins(&scope.products) {
        fields.refuse("scope.products", "must not name one twice");
    }
    Scope { products: scope.products, categories }
}

fn has_twins<T: Ord>(items: &[T]) -> bool {
    items.iter().collect::<std::collections::BTreeSet<_>>().len() < items.len()
}

impl Change {
    fn of(&self, terms: Terms) -> Terms {
        Terms {
            label: self.label.clone().unwrap_or(terms.label),
            reduction: self.reduction.unwrap_or(terms.reduction),
            free_shipping: self.free_shipping.unwrap_or(terms.free_shipping),
            minimum: self.minimum.unwrap_or(terms.minimum),
            starts_at: self.starts_at.unwrap_or(terms.starts_at),
            ends_at: self.ends_at.unwrap_or(terms.ends_at),
            limit: self.limit.unwrap_or(terms.limit),
            limit_per_buyer: self.limit_per_buyer.unwrap_or(terms.limit_per_buyer),
            first_order_only: self.first_order_only.unwrap_or(terms.first_order_only),
            scope: self.scope.clone().unwrap_or(terms.scope),
            priority: self.priority.unwrap_or(terms.priority),
            exclusive: self.exclusive.unwrap_or(terms.exclusive),
        }
    }
}

/// Make a promo code
#[utoipa::path(post, operation_id = "create_promo", path = "/api/promo/create", tag = "promos",
    security(("staff" = [])), params(CommandHeaders), request_body = CreateBody,
    responses((status = 201, body = Accepted), CommandProblems, StaffProblems))]
async fn create(State(app): State<App>, command: Command<CreateBody>) -> Result<Answer<Accepted>, ApiError> {
    command.caller.must_be_staff()?;
    let context = command.context();
    let (code, change) = command.body.into_change();
    let mut fields = Fields::default();
    let code = fields.take("code", PromoCode::parse(&code));
    let change = change.parse(&mut fields);
    let code = fields.finish(code)?;
    let terms = change.of(Terms::granting(Reduction::Nothing));
    let done = app.commands.promos.issue(&context, &code, terms).await?;
    let location = format!("/api/promo/{code}");
    let accepted = |(), position: store::Position| Accepted { position: position.0 };
    Ok(Answer::of(StatusCode::CREATED, done, accepted).with_header(header::LOCATION, &location))
}

/// Change a promo code
///
/// Orders that hold it already keep what they were granted.
#[utoipa::path(patch, operation_id = "amend_promo", path = "/api/promo/{code}", tag = "promos",
    security(("staff" = [])), params(("code" = String, Path), CommandHeaders), request_body = AmendBody,
    responses((status = 200, body = Accepted), CommandProblems, StaffProblems))]
async fn amend(
    State(app): State<App>,
    CodeInPath(code): CodeInPath,
    command: Command<AmendBody>,
) -> Result<Answer<Accepted>, ApiError> {
    command.caller.must_be_staff()?;
    let context = command.context();
    let active = command.body.active;
    let mut fields = Fields::default();
    let change = command.body.parse(&mut fields);
    let change = fields.finish(Some(change))?;
    let done = app.commands.promos.amend(&context, &code, active, |terms| change.of(terms)).await?;
    Ok(Answer::accepted(done))
}

/// Switch a promo code off
///
/// Orders that hold it already keep what they were granted.
#[utoipa::path(post, operation_id = "deactivate_promo", path = "/api/promo/{code}/deactivate", tag = "promos",
    security(("staff" = [])), params(("code" = String, Path), CommandHeaders),
    responses((status = 200, body = Accepted), CommandProblems, StaffProblems))]
async fn deactivate(
    State(app): State<App>,
    CodeInPath(code): CodeInPath,
    command: Command<Nothing>,
) -> Result<Answer<Accepted>, ApiError> {
    Ok(Answer::accepted(app.commands.promos.deactivate(&command.context(), &code).await?))
}

//! What handlers answer with, and the shapes that many answers share.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use commands::Done;
use domain::{
    Currency, Language, Localized, Money,
    pricing::{Discount, Totals, VatTotal},
};
use serde::{Deserialize, Serialize};
use store::Position;
use utoipa::{IntoParams, IntoResponses, ToSchema};

use crate::{error::ProblemBody, request::POSITION, strict};

/// What a command came to. Carries `Webox-Position`; and `Idempotent-Replayed` where it was done before.
pub(crate) struct Answer<T> {
    status: StatusCode,
    position: Position,
    replayed: bool,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: T,
}

impl<T> Answer<T> {
    /// What was done, in the words of the API.
    pub(crate) fn of<D>(status: StatusCode, done: Done<D>, body: impl FnOnce(D, Position) -> T) -> Self {
        let Done { value, position, replayed } = done;
        Self { status, position, replayed, headers: Vec::new(), body: body(value, position) }
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).map(|value| (name, value)));
        self
    }
}

impl Answer<Accepted> {
    /// It was done, and there is no more to say.
    pub(crate) fn accepted(done: Done<()>) -> Self {
        Self::of(StatusCode::OK, done, |(), position| Accepted { position: position.0 })
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        let headers = response.headers_mut();
        headers.insert(POSITION, HeaderValue::from(self.position.0));
        if self.replayed {
            headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
        }
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        response
    }
}

/// It was done.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Accepted {
    /// A query that sends this as `Webox-Position` sees what was done.
    #[schema(example = 42)]
    pub(crate) position: u64,
}

/// An amount in minor units of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Money)]
pub(crate) struct MoneyBody {
    /// Minor units: 1990 is 19.90 EUR.
    #[schema(example = 1990)]
    pub(crate) amount: i64,
    /// ISO 4217. This shop keeps its books in EUR.
    #[serde(deserialize_with = "strict::word")]
    #[schema(value_type = String, example = "EUR")]
    pub(crate) currency: Currency,
}

impl From<Money> for MoneyBody {
    fn from(money: Money) -> Self {
        Self { amount: money.amount, currency: money.currency }
    }
}

impl From<MoneyBody> for Money {
    fn from(body: MoneyBody) -> Self {
        Self { amount: body.amount, currency: body.currency }
    }
}

/// A text in French, and in English where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Localized)]
pub(crate) struct LocalizedBody {
    /// The French text.
    #[schema(example = "Lignes de brume")]
    pub(crate) fr: String,
    /// The English text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Lines of mist")]
    pub(crate) en: Option<String>,
}

impl<T: ToString> From<Localized<T>> for LocalizedBody {
    fn from(text: Localized<T>) -> Self {
        Self { fr: text.fr.to_string(), en: text.en.map(|text| text.to_string()) }
    }
}

/// A language the shop speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Language)]
pub(crate) enum LanguageBody {
    /// French.
    #[default]
    Fr,
    /// English.
    En,
}

impl From<LanguageBody> for Language {
    fn from(body: LanguageBody) -> Self {
        match body {
            LanguageBody::Fr => Self::Fr,
            LanguageBody::En => Self::En,
        }
    }
}

impl From<Language> for LanguageBody {
    fn from(language: Language) -> Self {
        match language {
            Language::Fr => Self::Fr,
            Language::En => Self::En,
        }
    }
}

/// What a cart or an order comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Totals)]
pub(crate) struct TotalsBody {
    /// Sum of the lines before the discount, VAT included.
    subtotal: MoneyBody,
    /// What is taken off, VAT included.
    discount: MoneyBody,
    /// What shipping costs, VAT included.
    shipping: MoneyBody,
    /// What is to be paid, VAT included.
    total: MoneyBody,
    /// Net and VAT by rate; their sum is the total.
    vat: Vec<VatBody>,
}

/// What one rate of VAT comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = VatTotal)]
pub(crate) struct VatBody {
    /// The rate in basis points: 2000 is 20 %.
    #[schema(example = 2000)]
    rate: u16,
    /// Without VAT.
    net: MoneyBody,
    /// The VAT.
    vat: MoneyBody,
}

impl From<Totals> for TotalsBody {
    fn from(totals: Totals) -> Self {
        Self {
            subtotal: totals.subtotal.into(),
            discount: totals.discount.into(),
            shipping: totals.shipping.into(),
            total: totals.total.into(),
            vat: totals.vat.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<VatTotal> for VatBody {
    fn from(total: VatTotal) -> Self {
        Self { rate: total.rate.basis_points(), net: total.net.into(), vat: total.vat.into() }
    }
}

/// What a promo code takes off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Discount)]
pub(crate) struct DiscountBody {
    /// The code.
    #[schema(example = "BIENVENUE10")]
    code: String,
    /// What it takes off, VAT included.
    amount: MoneyBody,
    /// Whether shipping is free with it.
    free_shipping: bool,
}

impl From<Discount> for DiscountBody {
    fn from(discount: Discount) -> Self {
        Self { code: discount.code.to_string(), amount: discount.amount.into(), free_shipping: discount.free_shipping }
    }
}

/// The headers of a command.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by the documentation alone")]
pub(crate) struct CommandHeaders {
    /// Makes a repeated request one request, for 7 days: 16 to 255 visible characters, drawn at random.
    #[param(rename = "Idempotency-Key", required = false, example = "3f6c1d8e-6a51-4c0f-9a3e-2f1f7c0d5b11")]
    idempotency_key: Option<String>,
}

/// The headers of a query.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by the documentation alone")]
pub(crate) struct QueryHeaders {
    /// What a command answered: the query waits until it sees what the command did, 2 seconds at most.
    #[param(rename = "Webox-Position", required = false, example = 42)]
    webox_position: Option<u64>,
}

/// How commands fail.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the documentation alone")]
pub(crate) enum CommandProblems {
    /// The body is not JSON, or a header is malformed.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(ProblemBody),
    /// There is no such thing, or none for this caller.
    #[response(status = 404, content_type = "application/problem+json")]
    Absent(ProblemBody),
    /// Things are not as the request thought.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(ProblemBody),
    /// The body is larger than 256 KiB.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(ProblemBody),
    /// The body is not `application/json`.
    #[response(status = 415, content_type = "application/problem+json")]
    MediaType(ProblemBody),
    /// A field is missing, unknown or out of its range.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(ProblemBody),
    /// The shop cannot answer at the moment; see `Retry-After`.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemBody),
}

/// How the staff's commands and queries fail besides.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the documentation alone")]
pub(crate) enum StaffProblems {
    /// For the staff only.
    #[response(status = 401, content_type = "application/problem+json")]
    StaffOnly(ProblemBody),
}

/// How queries fail.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the documentation alone")]
pub(crate) enum QueryProblems {
    /// The address or a header is malformed.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(ProblemBody),
    /// There is no such thing, or none for this caller.
    #[response(status = 404, content_type = "application/problem+json")]
    Absent(ProblemBody),
    /// The view is behind, or the shop cannot answer at the moment; see `Retry-After`.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemBody),
}

/// How queries fail besides, that are asked in a body.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the documentation alone")]
pub(crate) enum QuestionProblems {
    /// The body is larger than 256 KiB.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(ProblemBody),
    /// The body is not `application/json`.
    #[response(status = 415, content_type = "application/problem+json")]
    MediaType(ProblemBody),
    /// A field is unknown or out of its range.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(ProblemBody),
}

//! The one shape of every failure: RFC 9457 problem details with a stable slug and a title in the reader's language.
//!
//! A refusal says what is wrong and loses nothing. A fault says nothing but that there was one; its cause goes to the log,
//! once, in the span of the request.

use std::sync::Arc;

use axum::{
    Json,
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use commands::{CommandError, Failure};
use domain::Language;
use projections::QueryError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::language::{language, tag};

/// A way to fail: a status, a slug that programs rely on, and what people read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    status: StatusCode,
    slug: &'static str,
    fr: &'static str,
    en: &'static str,
}

impl Kind {
    /// A way to fail.
    pub(crate) const fn new(status: StatusCode, slug: &'static str, fr: &'static str, en: &'static str) -> Self {
        Self { status, slug, fr, en }
    }

    const fn title(self, language: Language) -> &'static str {
        match language {
            Language::Fr => self.fr,
            Language::En => self.en,
        }
    }
}

/// The failure of a request.
#[derive(Debug, Clone)]
pub(crate) struct ApiError(Box<Problem>);

#[derive(Debug, Clone)]
struct Problem {
    kind: Kind,
    detail: Option<String>,
    fields: Vec<FieldError>,
    present: Map<String, Value>,
    retry_after: Option<u32>,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// Why something does not go, where that is an answer and no failure.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reason)]
pub(crate) struct ReasonBody {
    /// What programs rely on.
    #[schema(example = "promo-minimum")]
    slug: &'static str,
    /// What people read, in their language.
    title: &'static str,
    /// How things are.
    #[serde(flatten)]
    present: Map<String, Value>,
}

/// A field that is wrong.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct FieldError {
    /// Where it is in the body.
    #[schema(example = "name.fr")]
    pub(crate) field: String,
    /// What is wrong with it.
    #[schema(example = "must not be empty")]
    pub(crate) detail: String,
}

/// Problem details, RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// `/problems/` and the slug.
    #[schema(example = "/problems/cart-changed")]
    r#type: String,
    /// What programs rely on.
    #[schema(example = "cart-changed")]
    slug: &'static str,
    /// What people read, in their language.
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 409)]
    status: u16,
    /// More about this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The fields that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// The request, for those who ask the shop about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// How things are, where the request thought otherwise.
    #[serde(flatten)]
    present: Map<String, Value>,
}

impl ApiError {
    pub(crate) fn new(kind: Kind) -> Self {
        let (detail, fields, present, retry_after, cause) = (None, Vec::new(), Map::new(), None, None);
        Self(Box::new(Problem { kind, detail, fields, present, retry_after, cause }))
    }

    /// A refusal, with the words of the rule.
    pub(crate) fn refused(kind: Kind, refusal: &impl ToString) -> Self {
        Self::new(kind).with_detail(refusal.to_string())
    }

    /// Something is broken.
    pub(crate) fn fault(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new(INTERNAL).with_cause(cause)
    }

    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    pub(crate) fn with_fields(mut self, fields: Vec<FieldError>) -> Self {
        self.0.fields = fields;
        self
    }

    /// Says how things are.
    pub(crate) fn with_present(mut self, name: &str, value: impl Serialize) -> Self {
        self.0.present.insert(name.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self
    }

    /// The same as an answer.
    pub(crate) fn into_reason(self, language: Language) -> ReasonBody {
        let Problem { kind, present, .. } = *self.0;
        ReasonBody { slug: kind.slug, title: kind.title(language), present }
    }

    pub(crate) fn with_retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    fn with_cause(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Arc::new(cause));
        self
    }
}

const INTERNAL: Kind =
    Kind::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Une erreur interne est survenue", "Something went wrong");
const UNAVAILABLE: Kind = Kind::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "unavailable",
    "Service momentanément indisponible",
    "Temporarily unavailable",
);
const OVERLOADED: Kind =
    Kind::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Trop de demandes à la fois", "Too many requests at once");
const UNKNOWN_OUTCOME: Kind = Kind::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "unknown-outcome",
    "Le résultat est inconnu : répétez la demande avec la même Idempotency-Key",
    "The outcome is unknown: repeat the request with the same Idempotency-Key",
);
const CONTENDED: Kind = Kind::new(
    StatusCode::CONFLICT,
    "contended",
    "D’autres modifient la même chose en ce moment",
    "Others are changing the same thing at this moment",
);
const KEY_MISMATCH: Kind = Kind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "idempotency-key-reused",
    "Cette Idempotency-Key a servi à une autre demande",
    "This Idempotency-Key stands for another request",
);
const KEY_IN_FLIGHT: Kind = Kind::new(
    StatusCode::CONFLICT,
    "idempotency-key-in-flight",
    "Une demande avec cette Idempotency-Key est en cours",
    "A request with this Idempotency-Key is under way",
);
const TOO_LARGE: Kind =
    Kind::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "La demande est trop grande", "The request is too large");
const STAFF_ONLY: Kind =
    Kind::new(StatusCode::UNAUTHORIZED, "staff-only", "Réservé au personnel", "For the staff only");
const VIEW_BEHIND: Kind = Kind::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "view-behind",
    "La vue n’est pas encore à jour",
    "The view is not up to date yet",
);
const CURSOR: Kind =
    Kind::new(StatusCode::BAD_REQUEST, "cursor-invalid", "Marque de page inconnue", "Unknown page mark");
/// There is no such thing, or none for this caller: the two are the same answer.
pub(crate) const NOT_FOUND: Kind = Kind::new(StatusCode::NOT_FOUND, "not-found", "Introuvable", "Not found");
pub(crate) const METHOD: Kind =
    Kind::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Méthode non admise", "Method not allowed");
pub(crate) const TIMEOUT: Kind = Kind::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "timeout",
    "La demande a pris trop de temps",
    "The request took too long",
);
pub(crate) const URI_TOO_LONG: Kind =
    Kind::new(StatusCode::URI_TOO_LONG, "uri-too-long", "Adresse trop longue", "The address is too long");
pub(crate) const CROSS_ORIGIN: Kind =
    Kind::new(StatusCode::FORBIDDEN, "cross-origin", "Demande d’un autre site refusée", "Refused: from another site");

impl ApiError {
    pub(crate) fn not_found() -> Self {
        Self::new(NOT_FOUND)
    }

    pub(crate) fn staff_only() -> Self {
        Self::new(STAFF_ONLY)
    }

    pub(crate) fn overloaded() -> Self {
        Self::new(OVERLOADED).with_retry_after(1)
    }

    /// The shop cannot do it at the moment.
    pub(crate) fn unavailable(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new(UNAVAILABLE).with_retry_after(2).with_cause(cause)
    }

    pub(crate) fn body_too_large() -> Self {
        Self::new(TOO_LARGE)
    }
}

impl<E: Into<Self>> From<CommandError<E>> for ApiError {
    fn from(error: CommandError<E>) -> Self {
        match error {
            CommandError::Refused(refusal) => refusal.into(),
            CommandError::Forbidden(_) => Self::staff_only(),
            CommandError::Failed(failure) => failure.into(),
        }
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::KeyMismatch => Self::new(KEY_MISMATCH),
            Failure::KeyInFlight => Self::new(KEY_IN_FLIGHT).with_retry_after(1),
            Failure::Overloaded => Self::overloaded(),
            Failure::Unavailable => Self::new(UNAVAILABLE).with_retry_after(2),
            Failure::UnknownOutcome => Self::new(UNKNOWN_OUTCOME).with_retry_after(2),
            Failure::TooLarge => Self::new(TOO_LARGE),
            Failure::Contended => Self::new(CONTENDED).with_retry_after(1),
            failure @ Failure::Store(_) => Self::unavailable(failure),
            failure @ Failure::Event(_) => Self::fault(failure),
        }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Behind { at, .. } => Self::new(VIEW_BEHIND).with_retry_after(1).with_present("position", at),
            QueryError::Cursor => Self::new(CURSOR),
            error @ QueryError::Store(_) => Self::unavailable(error),
        }
    }
}

/// What is wrong with a body, field by field.
#[derive(Default)]
pub(crate) struct Fields(Vec<FieldError>);

const INVALID: Kind = Kind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "body-invalid",
    "La demande n’est pas valable",
    "The request is not valid",
);

impl Fields {
    /// The value of a field, or a note of what is wrong with it.
    pub(crate) fn take<T, E: ToString>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(field, &error.to_string());
                None
            }
        }
    }

    /// The value of a field that may be absent.
    pub(crate) fn maybe<T, E: ToString>(&mut self, field: &str, value: Option<Result<T, E>>) -> Option<T> {
        value.and_then(|value| self.take(field, value))
    }

    /// The value of a field, or a note that it is out of its range.
    pub(crate) fn within<T>(&mut self, field: &str, value: Option<T>, range: &str) -> Option<T> {
        self.take(field, value.ok_or(range))
    }

    pub(crate) fn refuse(&mut self, field: &str, detail: &str) {
        self.0.push(FieldError { field: field.to_owned(), detail: detail.to_owned() });
    }

    /// The whole, if every field was right.
    pub(crate) fn finish<T>(self, whole: Option<T>) -> Result<T, ApiError> {
        match whole {
            Some(whole) if self.0.is_empty() => Ok(whole),
            _ => Err(ApiError::new(INVALID).with_fields(self.0)),
        }
    }
}

/// The failure travels in the response until [`answer_problems`] knows the reader's language.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.0.kind.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Turns every failure into problem details in the reader's language, and logs causes once.
pub(crate) async fn answer_problems(request: Request, next: Next) -> Response {
    let language = language(request.headers());
    let request_id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let response = next.run(request).await;
    let error = match response.extensions().get::<ApiError>() {
        Some(error) => error.clone(),
        None if response.extensions().get::<tower_http::csrf::ProtectionError>().is_some() => {
            ApiError::new(CROSS_ORIGIN)
        }
        // Somebody else's answer, such as Swagger UI's.
        None if response.status() == StatusCode::NOT_FOUND => ApiError::not_found(),
        None => return response,
    };
    let headers = response.headers().clone();
    render(error, headers, language, request_id)
}

fn render(error: ApiError, mut headers: HeaderMap, language: Language, request_id: Option<String>) -> Response {
    let Problem { kind, detail, fields, present, retry_after, cause } = *error.0;
    if let Some(cause) = cause {
        tracing::error!(error = &*cause as &dyn std::error::Error, slug = kind.slug, "a request failed");
    }
    let body = ProblemBody {
        r#type: format!("/problems/{}", kind.slug),
        slug: kind.slug,
        title: kind.title(language),
        status: kind.status.as_u16(),
        detail,
        errors: fields,
        request_id,
        present,
    };
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(tag(language)));
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if kind.status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let mut response = (kind.status, Json(body)).into_response();
    for (name, value) in &headers {
        response.headers_mut().insert(name, value.clone());
    }
    response
}

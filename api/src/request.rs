//! What a handler is given: who asks, a body that was parsed, an id, a position to wait for.

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
};
use commands::{Actor, Context, RequestKey, tokens::CartToken};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use store::{Key, Position};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::{
    App,
    error::{ApiError, Kind},
    strict::Object,
};

/// The most bytes a body may have.
const MAX_BODY: usize = 256 * 1024;
/// The most bytes that are read of a body that has too many: a client that is cut off while it sends never sees why.
const MAX_READ: usize = 2 * 1024 * 1024;
/// The header that carries a position, both ways.
pub(crate) const POSITION: &str = "webox-position";
/// The header that carries a cart's token, both ways.
pub(crate) const CART: &str = "webox-cart";
/// The header that carries an order's token.
pub(crate) const ORDER_TOKEN: &str = "webox-order-token";

const MALFORMED: Kind =
    Kind::new(StatusCode::BAD_REQUEST, "body-malformed", "Le corps n’est pas du JSON", "The body is not JSON");
const INVALID: Kind = Kind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "body-invalid",
    "La demande n’est pas valable",
    "The request is not valid",
);
const CONTENT_TYPE: Kind = Kind::new(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "content-type",
    "Le corps doit être de type application/json",
    "The body must be application/json",
);
const QUERY: Kind =
    Kind::new(StatusCode::BAD_REQUEST, "query-invalid", "L’adresse n’est pas valable", "The address is not valid");
const BAD_KEY: Kind = Kind::new(
    StatusCode::BAD_REQUEST,
    "idempotency-key-invalid",
    "Une Idempotency-Key a 16 à 255 caractères visibles, au hasard",
    "An Idempotency-Key has 16 to 255 visible characters, drawn at random",
);
const BAD_POSITION: Kind = Kind::new(
    StatusCode::BAD_REQUEST,
    "position-invalid",
    "Webox-Position est un nombre",
    "Webox-Position is a number",
);

const BAD_CART: Kind = Kind::new(
    StatusCode::BAD_REQUEST,
    "cart-token-invalid",
    "Webox-Cart n’est pas la clé d’un panier",
    "Webox-Cart is not the token of a cart",
);

/// Who asks: the staff with the bearer token, everybody else a guest, perhaps with a cart.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) staff: bool,
    pub(crate) cart: Option<CartToken>,
    order_token: Option<String>,
}

impl Caller {
    fn of(headers: &HeaderMap, app: &App) -> Result<Self, ApiError> {
        let staff = match headers.get(header::AUTHORIZATION) {
            None => false,
            Some(authorization) if app.is_staff_token(bearer(authorization)) => true,
            Some(_) => return Err(ApiError::staff_only()),
        };
        let cart = match headers.get(CART) {
            // A program that names a cart means that one; a cookie is what a browser happens to have kept.
            Some(token) => {
                let token = token.to_str().ok().and_then(CartToken::parse);
                Some(token.ok_or_else(|| ApiError::new(BAD_CART))?)
            }
            None => cookie(headers, app.cart_cookie()).and_then(CartToken::parse),
        };
        let order_token = headers.get(ORDER_TOKEN).and_then(|token| token.to_str().ok());
        Ok(Self { staff, cart, order_token: order_token.map(str::to_owned) })
    }

    /// Refuses everybody but the staff.
    pub(crate) fn must_be_staff(&self) -> Result<(), ApiError> {
        if self.staff { Ok(()) } else { Err(ApiError::staff_only()) }
    }

    /// Whether this caller may see `order`. Whoever may not is told what somebody is told who asks for nothing.
    pub(crate) fn must_own(&self, app: &App, order: domain::OrderId) -> Result<(), ApiError> {
        let opens = |token: &String| app.commands.orders.tokens().opens(order, token);
        if self.staff || self.order_token.as_ref().is_some_and(opens) { Ok(()) } else { Err(ApiError::not_found()) }
    }

    fn actor(&self) -> Actor {
        if self.staff { Actor::Staff } else { Actor::Guest { cart: self.cart.as_ref().map(CartToken::cart) } }
    }
}

/// The token of a bearer; nobody's where it is none.
fn bearer(authorization: &HeaderValue) -> &str {
    let parts = authorization.to_str().ok().and_then(|text| text.split_once(' '));
    match parts {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token,
        _ => "",
    }
}

fn cookie<'headers>(headers: &'headers HeaderMap, name: &str) -> Option<&'headers str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        Self::of(&parts.headers, app)
    }
}

/// A command: who asks, what for, under which idempotency key.
pub(crate) struct Command<T> {
    pub(crate) caller: Caller,
    pub(crate) body: T,
    pub(crate) key: Option<String>,
    /// The request's own id, which everything that follows from it carries.
    correlation: Uuid,
    trace: Option<String>,
    scope: String,
    request: [u8; 32],
}

impl<T> Command<T> {
    /// The context of the command.
    pub(crate) fn context(&self) -> Context {
        self.context_of(self.caller.actor())
    }

    /// The context of the command on a cart, perhaps one that was just made.
    pub(crate) fn context_on(&self, cart: &CartToken) -> Context {
        self.context_of(if self.caller.staff { Actor::Staff } else { Actor::Guest { cart: Some(cart.cart()) } })
    }

    fn context_of(&self, actor: Actor) -> Context {
        let key = self.key.as_ref().map(|key| RequestKey {
            key: Key { scope: format!("{} {}", actor.scope(), self.scope), key: key.clone() },
            request: self.request,
        });
        Context { correlation: self.correlation, trace: self.trace.clone(), key, ..Context::new(actor) }
    }
}

/// A body with nothing in it: empty, or `{}`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

impl<T: DeserializeOwned> FromRequest<App> for Command<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let caller = Caller::of(&parts.headers, app)?;
        let key = idempotency_key(&parts.headers)?;
        let bytes = read(body, &parts.headers).await?;
        let scope = format!("{} {}", parts.method, parts.uri.path());
        let request = Sha256::new().chain_update(&scope).chain_update([0]).chain_update(&bytes).finalize().into();
        let body = parse(&parts.headers, &bytes)?;
        Ok(Self {
            caller,
            body,
            key,
            correlation: request_id(&parts.headers).unwrap_or_else(Uuid::now_v7),
            trace: trace_id(&parts.headers),
            scope,
            request,
        })
    }
}

/// What is asked in a body, by a query that is too long for an address. Nothing comes of it.
pub(crate) struct Question<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Question<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &App) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, &parts.headers).await?;
        parse(&parts.headers, &bytes).map(Self)
    }
}

async fn read(mut body: Body, headers: &HeaderMap) -> Result<Vec<u8>, ApiError> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX_READ) {
        return Err(ApiError::body_too_large());
    }
    let mut bytes = Vec::with_capacity(announced.unwrap_or(0).min(MAX_BODY));
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let ended = |_| ApiError::new(MALFORMED).with_detail("the body ended too early");
        let Ok(data) = frame.map_err(ended)?.into_data() else { continue };
        length += data.len();
        if length <= MAX_BODY {
            bytes.extend_from_slice(&data);
        } else if length > MAX_READ {
            break;
        }
    }
    if length > MAX_BODY { Err(ApiError::body_too_large()) } else { Ok(bytes) }
}

fn parse<T: DeserializeOwned>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, ApiError> {
    if bytes.is_empty() {
        // Only a command without a body accepts this; the others say which field is missing.
        return from_json(b"{}");
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(ApiError::new(CONTENT_TYPE));
    }
    from_json(bytes)
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let Object(value) = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            let detail = inner.to_string();
            let detail = detail.split(" at line ").next().unwrap_or_default().to_owned();
            ApiError::new(INVALID).with_fields(vec![crate::error::FieldError { field, detail }])
        } else {
            ApiError::new(MALFORMED).with_detail(inner.to_string())
        }
    })?;
    json.end().map_err(|error| ApiError::new(MALFORMED).with_detail(error.to_string()))?;
    Ok(value)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (16..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(Some(key.to_owned()))
        }
        _ => Err(ApiError::new(BAD_KEY)),
    }
}

/// The id that the shop gave the request when it came in.
fn request_id(headers: &HeaderMap) -> Option<Uuid> {
    Uuid::try_parse(headers.get("x-request-id")?.to_str().ok()?).ok()
}

/// The trace id of a W3C `traceparent`.
fn trace_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("traceparent")?.to_str().ok()?.split('-').nth(1)?;
    (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_owned())
}

/// An id in the address. One that is none names nothing, and nothing is found.
pub(crate) struct Id<T>(pub(crate) T);

impl<T: std::str::FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| ApiError::not_found())?;
        text.parse().map(Self).map_err(|_| ApiError::not_found())
    }
}

/// What stands behind the question mark.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let asked = Query::try_from_uri(&parts.uri);
        asked.map(|Query(asked)| Self(asked)).map_err(|error| ApiError::query_invalid(error.body_text()))
    }
}

impl ApiError {
    /// What stands behind the question mark is not what it should be.
    pub(crate) fn query_invalid(detail: impl Into<String>) -> Self {
        Self::new(QUERY).with_detail(detail)
    }
}

/// The position that a query waits for.
pub(crate) struct After(pub(crate) Position);

impl<S: Send + Sync> FromRequestParts<S> for After {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(POSITION) else { return Ok(Self(Position::START)) };
        let position = value.to_str().ok().and_then(|value| value.parse().ok());
        position.map(|position| Self(Position(position))).ok_or_else(|| ApiError::new(BAD_POSITION))
    }
}

/// The hash of a staff token, compared in constant time.
#[derive(Clone)]
pub(crate) struct TokenHash([u8; 32]);

impl TokenHash {
    pub(crate) fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    pub(crate) fn is_of(&self, token: &str) -> bool {
        self.0.ct_eq(&Self::of(token).0).into()
    }
}

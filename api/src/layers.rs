//! What stands around every handler, from the outside in: an id for the request and its span, headers that keep browsers
//! safe, problem details, a limit on how much is done at once and for how long.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use sha2::{Digest as _, Sha256};
use store::chain::hex;
use tokio::sync::Semaphore;
use tower_http::{catch_panic::CatchPanicLayer, csrf::CsrfLayer};
use tracing::Instrument as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::{
    App, admin, cart, docs,
    error::{ApiError, METHOD, TIMEOUT, URI_TOO_LONG, answer_problems},
    invoice, monitoring, order, product, promo, sales, search,
};

/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long an address may be, in bytes.
const MAX_URI: usize = 8 * 1024;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The whole router, and the document that describes it.
pub(crate) fn router(app: &App) -> anyhow::Result<(Router, OpenApi)> {
    let mut csrf = CsrfLayer::new();
    for origin in &app.config.trusted_origins {
        csrf = csrf.add_trusted_origin(origin)?;
    }
    let commands = OpenApiRouter::new()
        .merge(product::commands())
        .merge(promo::commands())
        .merge(cart::commands())
        .merge(order::commands())
        .merge(invoice::commands())
        .merge(admin::commands())
        .layer(csrf);
    let queries = OpenApiRouter::new()
        .merge(product::queries().layer(from_fn(tag_entity)))
        .merge(search::queries())
        .merge(promo::queries())
        .merge(cart::queries())
        .merge(order::queries())
        .merge(invoice::queries())
        .merge(sales::queries())
        .merge(monitoring::queries())
        .merge(admin::queries());
    let (router, document) =
        OpenApiRouter::with_openapi(docs::document()).merge(commands).merge(queries).split_for_parts();

    let slots = Arc::new(Semaphore::new(app.config.max_requests));
    let router = router
        .merge(docs::pages(document.clone()))
        .fallback(|| async { ApiError::not_found() })
        .method_not_allowed_fallback(|| async { ApiError::new(METHOD) })
        .layer(from_fn_with_state(slots, bound))
        .layer(CatchPanicLayer::custom(|_| ApiError::fault(Panicked).into_response()))
        .layer(from_fn(answer_problems))
        .layer(from_fn_with_state(app.clone(), protect))
        .layer(from_fn(identify))
        .with_state(app.clone());
    Ok((router, document))
}

/// A handler panicked. What it said is in the log of the program already.
#[derive(Debug, thiserror::Error)]
#[error("a handler panicked")]
struct Panicked;

/// Gives the request an id of the shop's own, and a span that carries it.
async fn identify(mut request: Request, next: Next) -> Response {
    let id = Uuid::now_v7();
    let Ok(value) = HeaderValue::from_str(&id.to_string()) else {
        return next.run(request).await;
    };
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let span = tracing::info_span!("request", %id, method = %request.method(), route);
    request.headers_mut().insert(REQUEST_ID, value.clone());
    let mut response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), "answered"));
    response.headers_mut().insert(REQUEST_ID, value);
    response
}

/// Headers that every answer carries (OWASP ASVS 5.0, 3.4). Swagger UI needs its own styles.
async fn protect(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_page = request.uri().path().starts_with("/docs");
    let request_id = request.headers().get(REQUEST_ID).cloned();
    let mut response = next.run(request).await;
    let policy = if is_page {
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; \
         base-uri 'none'; form-action 'none'"
    } else {
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert("permissions-policy", HeaderValue::from_static("camera=(), geolocation=(), microphone=()"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if app.config.is_secure() {
        let two_years = HeaderValue::from_static("max-age=63072000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, two_years);
    }
    if let Some(id) = request_id {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// Turns away what is too much at once, and ends what takes too long. A command that was submitted is carried out all the
/// same; its idempotency key tells.
async fn bound(State(slots): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    if request.uri().path_and_query().is_some_and(|uri| uri.as_str().len() > MAX_URI) {
        return ApiError::new(URI_TOO_LONG).into_response();
    }
    let Ok(_slot) = slots.try_acquire() else {
        return ApiError::overloaded().into_response();
    };
    tokio::time::timeout(PATIENCE, next.run(request)).await.unwrap_or_else(|_| ApiError::new(TIMEOUT).into_response())
}

/// Lets a reader who has an answer already be told so (RFC 9110 section 8.8.3).
async fn tag_entity(request: Request, next: Next) -> Response {
    const MAX: usize = 4 * 1024 * 1024;
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let response = next.run(request).await;
    if !is_read || response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX).await else {
        return ApiError::overloaded().into_response();
    };
    let tag = format!("\"{}\"", hex(&Sha256::digest(&bytes)[..16]));
    let Ok(value) = HeaderValue::from_str(&tag) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    parts.headers.insert(header::ETAG, value);
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    parts.headers.insert(header::VARY, HeaderValue::from_static("Authorization"));
    // A proxy that compresses makes the tag a weak one, and the answer is still the same.
    let is_it = |known: &str| known.trim().trim_start_matches("W/") == tag;
    let matches = |known: &HeaderValue| known.to_str().is_ok_and(|known| known == "*" || known.split(',').any(is_it));
    if known.as_ref().is_some_and(matches) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

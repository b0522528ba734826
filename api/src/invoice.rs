//! `/api/invoice`

use std::time::Duration;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, NaiveDate, Utc};
use commands::invoice::GenerateError;
use domain::{InvoiceId, OrderId, register::Series};
use projections::{
    invoices::InvoiceView,
    page::{MAX_ROWS, ROWS},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    answer::{Answer, CommandHeaders, CommandProblems, MoneyBody, QueryHeaders, QueryProblems, StaffProblems, VatBody},
    error::{ApiError, Kind},
    order::OrderHeader,
    request::{After, Asked, Caller, Command, Id},
};

const UNPAID: Kind = Kind::new(
    StatusCode::CONFLICT,
    "invoice-unpaid",
    "Une facture est établie quand la commande est payée",
    "An invoice is issued when the order is paid",
);
const FORGOTTEN: Kind = Kind::new(
    StatusCode::CONFLICT,
    "invoice-forgotten",
    "Les données de cet acheteur sont effacées",
    "The data of this buyer is erased",
);
const NOT_PRINTED: Kind = Kind::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "invoice-not-printed",
    "Le document n’est pas encore imprimé",
    "The document is not printed yet",
);
const ERASED: Kind =
    Kind::new(StatusCode::GONE, "invoice-erased", "Ce document n’est plus conservé", "This document is kept no more");

impl From<GenerateError> for ApiError {
    fn from(refusal: GenerateError) -> Self {
        match refusal {
            GenerateError::Unknown => Self::not_found(),
            GenerateError::NotPaid => Self::refused(UNPAID, &refusal),
            GenerateError::Forgotten => Self::refused(FORGOTTEN, &refusal),
        }
    }
}

/// The commands below `/api/invoice`.
pub(crate) fn commands() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(generate))
}

/// The queries below `/api/invoice`.
pub(crate) fn queries() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(download))
}

/// The order an invoice is wanted of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InvoiceRequest)]
struct GenerateBody {
    /// Which order.
    #[schema(value_type = uuid::Uuid)]
    order: OrderId,
}

/// An invoice that is there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GeneratedInvoice)]
struct GeneratedBody {
    #[schema(value_type = uuid::Uuid)]
    invoice: InvoiceId,
    /// Where its PDF is.
    #[schema(example = "/api/invoice/download/5d1c7bb1-94f5-5c1e-8a37-2f0e6d1190aa")]
    download: String,
    /// A query that sends this as `Webox-Position` sees it.
    position: u64,
}

/// Have the invoice of an order
///
/// An order has its invoice from the moment it is paid; this answers it, and issues it where the order was paid without,
/// because it cost nothing. Safe to repeat. For the staff, and for whoever holds the order's token.
#[utoipa::path(post, operation_id = "generate_invoice", path = "/api/invoice/generate", tag = "invoices",
    security((), ("staff" = [])),
    params(CommandHeaders, OrderHeader), request_body = GenerateBody,
    responses((status = 200, body = GeneratedBody), CommandProblems))]
async fn generate(State(app): State<App>, command: Command<GenerateBody>) -> Result<Answer<GeneratedBody>, ApiError> {
    command.caller.must_own(&app, command.body.order)?;
    let done = app.commands.invoices.generate(&command.context(), command.body.order).await?;
    let generated = |invoice: InvoiceId, position: store::Position| GeneratedBody {
        invoice,
        download: download_path(invoice),
        position: position.0,
    };
    Ok(Answer::of(StatusCode::OK, done, generated))
}

fn download_path(invoice: InvoiceId) -> String {
    format!("/api/invoice/download/{invoice}")
}

/// An invoice or a credit note.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invoice)]
struct InvoiceBody {
    #[schema(value_type = uuid::Uuid)]
    id: InvoiceId,
    #[schema(example = "WBX-2026-000001")]
    number: String,
    kind: InvoiceKind,
    #[schema(value_type = uuid::Uuid)]
    order: OrderId,
    /// The invoice that a credit note takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "WBX-2026-000001")]
    corrects: Option<String>,
    /// VAT included.
    total: MoneyBody,
    vat: Vec<VatBody>,
    /// The day it counts for, in Paris.
    on: NaiveDate,
    issued_at: DateTime<Utc>,
    /// Where its PDF is.
    download: String,
    /// SHA-256 of its PDF, hexadecimal, once that is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

/// What a document is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum InvoiceKind {
    Invoice,
    CreditNote,
}

impl From<InvoiceView> for InvoiceBody {
    fn from(view: InvoiceView) -> Self {
        Self {
            id: view.id,
            number: view.number.to_string(),
            kind: match view.series {
                Series::Invoice => InvoiceKind::Invoice,
                Series::CreditNote => InvoiceKind::CreditNote,
            },
            order: view.order,
            corrects: view.corrects.map(|number| number.to_string()),
            total: view.total.into(),
            vat: view.vat.into_iter().map(Into::into).collect(),
            on: view.on,
            issued_at: view.issued_at,
            download: download_path(view.id),
            sha256: view.sha256,
        }
    }
}

/// Which documents are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Those of this order. The staff may leave it out.
    order: Option<uuid::Uuid>,
    /// The mark that ended the page before.
    after: Option<String>,
    /// At most so many, 1 to 100.
    #[param(default = 20, minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// A page of documents.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invoices)]
struct InvoicesBody {
    items: Vec<InvoiceBody>,
    /// The mark to ask the next page with; `null` at the end.
    next: Option<String>,
}

/// List invoices and credit notes
///
/// The newest first: all of them for the staff, those of one order for whoever holds its token.
#[utoipa::path(get, operation_id = "list_invoices", path = "/api/invoice/list", tag = "invoices",
    security((), ("staff" = [])),
    params(ListQuery, OrderHeader, QueryHeaders),
    responses((status = 200, body = InvoicesBody), QueryProblems, StaffProblems))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    After(position): After,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<InvoicesBody>, ApiError> {
    let order = query.order.map(OrderId);
    match order {
        Some(order) => caller.must_own(&app, order)?,
        None => caller.must_be_staff()?,
    }
    app.views.invoices.wait(position).await?;
    let limit = query.limit.unwrap_or(ROWS).clamp(1, MAX_ROWS);
    let page = app.views.invoices.list(order, query.after.as_deref(), limit).await?;
    let page = page.map(InvoiceBody::from);
    Ok(Json(InvoicesBody { items: page.items, next: page.next }))
}

/// Download an invoice or a credit note
///
/// The PDF as it was first made. To the staff, and to whoever holds the order's token; to everybody else it does not
/// exist. Waits up to 2 seconds for a document that was just issued.
#[utoipa::path(get, operation_id = "download_invoice", path = "/api/invoice/download/{id}", tag = "invoices",
    security((), ("staff" = [])),
    params(("id" = uuid::Uuid, Path), OrderHeader, QueryHeaders),
    responses((status = 200, body = Vec<u8>, content_type = "application/pdf"),
        (status = 304, description = "It is the one that `If-None-Match` names"),
        QueryProblems))]
async fn download(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<InvoiceId>,
    After(position): After,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    app.views.invoices.wait(position).await?;
    let view = app.views.invoices.invoice(id).await?.ok_or_else(ApiError::not_found)?;
    caller.must_own(&app, view.order)?;
    let view = printed(&app, view).await?;
    let Some(sha256) = &view.sha256 else { return Err(ApiError::new(NOT_PRINTED).with_retry_after(1)) };
    let tag = format!("\"{sha256}\"");
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    if known.is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let document = app.commands.invoices.pdf(id).await?.ok_or_else(|| ApiError::new(ERASED))?;
    let mut response = Bytes::from(document).into_response();
    let disposition = format!("attachment; filename=\"{}.pdf\"", view.number);
    for (name, value) in [
        (header::CONTENT_TYPE, "application/pdf"),
        (header::CONTENT_DISPOSITION, disposition.as_str()),
        (header::ETAG, tag.as_str()),
        (header::CACHE_CONTROL, "private, no-cache"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// A document once it is printed, or as it is after 2 seconds.
async fn printed(app: &App, mut view: InvoiceView) -> Result<InvoiceView, ApiError> {
    const PATIENCE: Duration = Duration::from_secs(2);
    let mut moves = app.views.invoices.watch();
    let end = tokio::time::Instant::now() + PATIENCE;
    while view.sha256.is_none() {
        if !matches!(tokio::time::timeout_at(end, moves.changed()).await, Ok(Ok(()))) {
            break;
        }
        view = app.views.invoices.invoice(view.id).await?.ok_or_else(ApiError::not_found)?;
    }
    Ok(view)
}

//! What the API says of itself: OpenAPI, and Swagger UI at `/docs`.

use axum::{Router, response::Redirect, routing::get};
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        Components, InfoBuilder, OpenApi, OpenApiBuilder,
        security::{Http, HttpAuthScheme, SecurityScheme},
        tag::TagBuilder,
    },
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{App, error::ProblemBody};

const DESCRIPTION: &str = "\
Commands change the shop and answer `Webox-Position`; a query that sends it back sees what the command did.

- **Money** is an integer in minor units with its ISO 4217 code: `{\"amount\": 1990, \"currency\": \"EUR\"}` is 19.90 EUR.
- **Guests** hold a cart by its token (a cookie, or the header `Webox-Cart`) and an order by its token (the header \
`Webox-Order-Token`). The **staff** sends a bearer token.
- **`Idempotency-Key`** on a command makes a repeated request one request, for 7 days.
- **Failures** are problem details (RFC 9457) with a stable `slug`; titles follow `Accept-Language`, French first.";

/// The document, before the routes are in it.
pub(crate) fn document() -> OpenApi {
    let tag = |name, description: &str| TagBuilder::new().name(name).description(Some(description)).build();
    let mut components = Components::new();
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.description = Some("The staff's token".to_owned());
    // Every failure has this shape; what only responses refer to is not collected by itself.
    let mut schemas = vec![(ProblemBody::name().into_owned(), ProblemBody::schema())];
    ProblemBody::schemas(&mut schemas);
    components.schemas.extend(schemas);
    components.add_security_scheme("staff", SecurityScheme::Http(bearer));
    let info = InfoBuilder::new()
        .title("WeBox Multi-IA")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .build();
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .tags(Some([
            tag("products", "What is for sale"),
            tag("promos", "What is taken off"),
            tag("search", "What is for sale, in the words of customers"),
            tag("cart", "What somebody wants"),
            tag("orders", "What somebody bought"),
            tag("invoices", "What was sold, on paper"),
            tag("monitoring", "How the shop is"),
            tag("administration", "What the staff watches over"),
        ]))
        .build()
}

/// Swagger UI with the document. Nothing of it comes from another host.
pub(crate) fn pages(document: OpenApi) -> Router<App> {
    let ui = SwaggerUi::new("/docs")
        .url("/api/openapi.json", document)
        .config(Config::from("/api/openapi.json").validator_url("none").try_it_out_enabled(true));
    Router::from(ui).route("/", get(|| async { Redirect::temporary("/docs/") }))
}

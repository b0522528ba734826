//! `/api/admin`

use axum::{Json, extract::State};
use projections::{State as ViewState, Status};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    answer::{QueryProblems, StaffProblems},
    error::ApiError,
    request::Caller,
};

/// The queries below `/api/admin`.
pub(crate) fn queries() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(projections))
}

/// Every view of the shop.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Projections)]
struct ProjectionsBody {
    /// The last event of the log.
    head: u64,
    projections: Vec<ProjectionBody>,
}

/// Where a view is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Projection)]
struct ProjectionBody {
    name: &'static str,
    /// Its table; another version of the view has another one.
    table: String,
    /// The last event it has seen.
    position: u64,
    /// How many events it has not seen.
    lag: u64,
    state: ProjectionState,
    /// Where it halted.
    #[serde(skip_serializing_if = "Option::is_none")]
    halted_at: Option<u64>,
    /// Why it does not follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// How many events it set aside because they could not be read.
    set_aside: u64,
}

/// Whether a view follows the log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ProjectionState {
    /// It does.
    Following,
    /// The database failed, and it tries again.
    Retrying,
    /// An event cannot be folded, and it stops before it.
    Halted,
}

impl From<Status> for ProjectionBody {
    fn from(status: Status) -> Self {
        let (state, halted_at, error) = match status.state {
            ViewState::Following => (ProjectionState::Following, None, None),
            ViewState::Retrying { error } => (ProjectionState::Retrying, None, Some(error)),
            ViewState::Halted { at, error } => (ProjectionState::Halted, Some(at.0), Some(error)),
        };
        Self {
            name: status.name,
            table: status.table,
            position: status.position.0,
            lag: status.lag,
            state,
            halted_at,
            error,
            set_aside: status.set_aside,
        }
    }
}

/// Show where every view is
#[utoipa::path(get, operation_id = "list_projections", path = "/api/admin/projections", tag = "administration",
    security(("staff" = [])),
    responses((status = 200, body = ProjectionsBody), QueryProblems, StaffProblems))]
async fn projections(State(app): State<App>, caller: Caller) -> Result<Json<ProjectionsBody>, ApiError> {
    caller.must_be_staff()?;
    let projections = app.views.statuses().into_iter().map(ProjectionBody::from).collect();
    Ok(Json(ProjectionsBody { head: app.log.watch().borrow().0, projections }))
}

//! `/api/admin`

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode},
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use projections::{Origin, Outcome, RebuildError, RebuildStatus, State as ViewState, Status};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    answer::{CommandHeaders, CommandProblems, QueryProblems, StaffProblems},
    error::{ApiError, Kind},
    request::{Caller, Command, Id, Nothing},
};

const RUNNING: Kind = Kind::new(
    StatusCode::CONFLICT,
    "rebuild-running",
    "Cette vue est déjà en cours de reconstruction",
    "This view is being rebuilt already",
);
const NOTHING_KEPT: Kind = Kind::new(
    StatusCode::CONFLICT,
    "rollback-nothing-kept",
    "Aucune table n’est gardée pour y revenir",
    "No table is kept to go back to",
);

/// The commands below `/api/admin`. They change no event, and so no answer of theirs is kept with the log.
pub(crate) fn commands() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(rebuild)).routes(routes!(roll_back))
}

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
    /// Its table; another version of the view has another one, and so has the view when it was made again.
    table: String,
    /// The last event it has seen.
    position: u64,
    /// How many events it has not seen.
    lag: u64,
    /// Events a second over the last seconds; 0 where nothing happens.
    rate: u64,
    state: ProjectionState,
    /// Where it halted.
    #[serde(skip_serializing_if = "Option::is_none")]
    halted_at: Option<u64>,
    /// Why it does not follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// How many events it set aside because they could not be read.
    set_aside: u64,
    /// How it is being made again, or was last since this program started.
    #[serde(skip_serializing_if = "Option::is_none")]
    rebuild: Option<RebuildBody>,
}

/// How a view is being made again, beside the one that answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rebuild)]
struct RebuildBody {
    origin: RebuildOrigin,
    state: RebuildState,
    /// The last event it has seen.
    position: u64,
    /// The last event there is for it.
    head: u64,
    /// How far it is, in thousandths: 1000 once queries read what it made. It never goes back.
    #[schema(maximum = 1000, example = 420)]
    progress: u16,
    /// Events a second over the last seconds; over all of it, once it ended.
    rate: u64,
    /// How long it still takes at this rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_left: Option<u64>,
    /// How many events it set aside because they could not be read.
    set_aside: u64,
    /// Where it halted.
    #[serde(skip_serializing_if = "Option::is_none")]
    halted_at: Option<u64>,
    /// Why it did not come to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    started_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<DateTime<Utc>>,
}

/// What a rebuild begins with.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum RebuildOrigin {
    /// An empty table and the first event.
    Anew,
    /// The table that answered before, where it stopped.
    Kept,
}

/// What became of a rebuild.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum RebuildState {
    /// It is under way.
    Running,
    /// Queries read what it made.
    Flipped,
    /// An event cannot be folded; the view is as it was.
    Halted,
    /// It did not come to its end; the view is as it was.
    Failed,
}

impl From<RebuildStatus> for RebuildBody {
    fn from(status: RebuildStatus) -> Self {
        let (state, halted_at, error) = match status.outcome {
            Outcome::Running => (RebuildState::Running, None, None),
            Outcome::Flipped => (RebuildState::Flipped, None, None),
            Outcome::Halted { at, error } => (RebuildState::Halted, Some(at.0), Some(error)),
            Outcome::Failed { error } => (RebuildState::Failed, None, Some(error)),
        };
        Self {
            origin: match status.origin {
                Origin::Anew => RebuildOrigin::Anew,
                Origin::Kept => RebuildOrigin::Kept,
            },
            state,
            position: status.position.0,
            head: status.head.0,
            progress: status.thousandths,
            rate: status.rate,
            seconds_left: status.seconds_left,
            set_aside: status.set_aside,
            halted_at,
            error,
            started_at: status.started_at,
            ended_at: status.ended_at,
        }
    }
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
            rate: status.rate,
            state,
            halted_at,
            error,
            set_aside: status.set_aside,
            rebuild: status.rebuild.map(RebuildBody::from),
        }
    }
}

impl From<RebuildError> for ApiError {
    fn from(error: RebuildError) -> Self {
        match error {
            RebuildError::Unknown => Self::not_found(),
            RebuildError::Running => Self::new(RUNNING),
            RebuildError::NothingKept => Self::new(NOTHING_KEPT),
            error @ (RebuildError::Stopped | RebuildError::TakenOver | RebuildError::Store(_)) => {
                Self::unavailable(error)
            }
            error @ RebuildError::Halted { .. } => Self::fault(error),
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

/// Make a view again from the log
///
/// A second table is filled beside the one that answers, which goes on following the log meanwhile. The new one takes its
/// place once it has seen everything that was shown; the old one is kept to go back to until the next rebuild. The list
/// of projections tells how far it is. This command changes no event: its `Idempotency-Key` is remembered by the running
/// program until another rebuild of the view is asked for, and a repeated request is told how that same rebuild is.
#[utoipa::path(post, operation_id = "rebuild_projection", path = "/api/admin/projections/{name}/rebuild",
    tag = "administration", security(("staff" = [])),
    params(("name" = String, Path, description = "Its name", example = "orders"), CommandHeaders),
    responses((status = 202, body = ProjectionBody, description = "It has begun"), CommandProblems, StaffProblems))]
async fn rebuild(
    State(app): State<App>,
    Id(name): Id<String>,
    command: Command<Nothing>,
) -> Result<Response, ApiError> {
    begin(&app, &name, command, Origin::Anew).await
}

/// Go back to the table that a view had before it was made again
///
/// It takes in what has happened since and takes the place of the one that answers, which is kept in its turn. Told and
/// repeated like a rebuild.
#[utoipa::path(post, operation_id = "roll_back_projection", path = "/api/admin/projections/{name}/rollback",
    tag = "administration", security(("staff" = [])),
    params(("name" = String, Path, description = "Its name", example = "orders"), CommandHeaders),
    responses((status = 202, body = ProjectionBody, description = "It has begun"), CommandProblems, StaffProblems))]
async fn roll_back(
    State(app): State<App>,
    Id(name): Id<String>,
    command: Command<Nothing>,
) -> Result<Response, ApiError> {
    begin(&app, &name, command, Origin::Kept).await
}

async fn begin(app: &App, name: &str, command: Command<Nothing>, origin: Origin) -> Result<Response, ApiError> {
    command.caller.must_be_staff()?;
    let now = app.commands.clock().now();
    let (status, replayed) = app.views.begin_rebuild(name, origin, command.key, now).await?;
    let mut response = (StatusCode::ACCEPTED, Json(ProjectionBody::from(status))).into_response();
    if replayed {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    Ok(response)
}

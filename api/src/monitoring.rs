//! `/api/monitoring`

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::{Json, extract::State, http::StatusCode};
use projections::State as ViewState;
use serde::Serialize;
use sysinfo::{Disks, Pid, ProcessRefreshKind, ProcessesToUpdate, System};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::App;

/// The queries below `/api/monitoring`.
pub(crate) fn queries() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(health)).routes(routes!(live)).routes(routes!(ready))
}

/// How the program is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
struct HealthBody {
    status: HealthStatus,
    version: &'static str,
    uptime_seconds: u64,
    /// Absent where the machine cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<MachineBody>,
    stores: StoresBody,
    /// How many events the view that is furthest behind has not seen.
    lag: u64,
    views: Vec<ViewHealthBody>,
}

/// How the program is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum HealthStatus {
    /// Everything works.
    Ok,
    /// It answers, but something does not work.
    Degraded,
    /// It is starting or stopping, and should not be asked.
    Unready,
}

/// The machine it runs on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Machine)]
struct MachineBody {
    /// Of all processors, percent.
    cpu_percent: f32,
    memory_used_bytes: u64,
    memory_total_bytes: u64,
    /// Of this program.
    resident_bytes: u64,
    /// Where the data folder is.
    disk_free_bytes: u64,
    disk_total_bytes: u64,
}

/// The stores.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stores)]
struct StoresBody {
    log: StoreHealth,
    vault: StoreHealth,
    views: StoreHealth,
    /// The place of the last event.
    head: u64,
}

/// Whether a store answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum StoreHealth {
    Ok,
    Down,
}

/// Where a view is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ViewHealth)]
struct ViewHealthBody {
    name: &'static str,
    position: u64,
    lag: u64,
    ok: bool,
}

/// Readings of the machine, kept so that processor time can be compared with the time before. `None` on a machine that
/// cannot be read.
pub(crate) struct Machine(Mutex<Option<System>>);

impl Machine {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(System::new().ok()))
    }

    fn read(&self, folder: &Path) -> Option<MachineBody> {
        let mut system = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let system = system.as_mut()?;
        system.refresh_cpu_usage();
        system.refresh_memory();
        let process = Pid::from_u32(std::process::id());
        let memory = ProcessRefreshKind::nothing().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[process]), false, memory);
        let folder = std::path::absolute(folder).unwrap_or_default();
        let disks = Disks::new_with_refreshed_list().ok()?;
        let disk = disks
            .iter()
            .filter(|disk| folder.starts_with(disk.mount_point()))
            .max_by_key(|disk| disk.mount_point().as_os_str().len());
        Some(MachineBody {
            cpu_percent: system.global_cpu_usage(),
            memory_used_bytes: system.used_memory(),
            memory_total_bytes: system.total_memory(),
            resident_bytes: system.process(process).map_or(0, sysinfo::Process::memory),
            disk_free_bytes: disk.map_or(0, sysinfo::Disk::available_space),
            disk_total_bytes: disk.map_or(0, sysinfo::Disk::total_space),
        })
    }
}

/// How the shop is
///
/// 200 while it can be asked, degraded or not; 503 while it should not be.
#[utoipa::path(get, operation_id = "show_health", path = "/api/monitoring/health", tag = "monitoring",
    responses((status = 200, body = HealthBody), (status = 503, body = HealthBody)))]
async fn health(State(app): State<App>) -> (StatusCode, Json<HealthBody>) {
    const PATIENCE: Duration = Duration::from_secs(2);
    let log = tokio::time::timeout(PATIENCE, app.log.head()).await;
    let vault = tokio::time::timeout(PATIENCE, app.vault.answers()).await;
    let views_answer = tokio::time::timeout(PATIENCE, app.views.answer()).await;
    let word = |ok: bool| if ok { StoreHealth::Ok } else { StoreHealth::Down };
    let statuses = app.views.statuses();
    let views: Vec<ViewHealthBody> = statuses
        .iter()
        .map(|status| ViewHealthBody {
            name: status.name,
            position: status.position.0,
            lag: status.lag,
            ok: status.state == ViewState::Following,
        })
        .collect();
    let stores = StoresBody {
        log: word(matches!(log, Ok(Ok(_)))),
        vault: word(matches!(vault, Ok(Ok(())))),
        views: word(matches!(views_answer, Ok(Ok(())))),
        head: app.log.watch().borrow().0,
    };
    let works = [stores.log, stores.vault, stores.views].iter().all(|store| *store == StoreHealth::Ok)
        && views.iter().all(|view| view.ok);
    let status = match (app.is_ready(), works) {
        (false, _) => HealthStatus::Unready,
        (true, true) => HealthStatus::Ok,
        (true, false) => HealthStatus::Degraded,
    };
    let body = HealthBody {
        status,
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: app.uptime().as_secs(),
        machine: app.machine().read(app.data_folder()),
        lag: views.iter().map(|view| view.lag).max().unwrap_or(0),
        stores,
        views,
    };
    let code = if status == HealthStatus::Unready { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, Json(body))
}

/// Whether the program runs
#[utoipa::path(get, operation_id = "is_live", path = "/api/monitoring/health/live", tag = "monitoring",
    responses((status = 204, description = "It runs")))]
async fn live() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Whether the program should be asked
#[utoipa::path(get, operation_id = "is_ready", path = "/api/monitoring/health/ready", tag = "monitoring",
    responses((status = 204, description = "Ask it"), (status = 503, description = "It is starting or stopping")))]
async fn ready(State(app): State<App>) -> StatusCode {
    if app.is_ready() { StatusCode::NO_CONTENT } else { StatusCode::SERVICE_UNAVAILABLE }
}

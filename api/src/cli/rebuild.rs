//! `webox rebuild` and `webox projections`: by the shop that runs, or here where none does.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use indicatif::ProgressBar;
use projections::{State, Views};
use store::{DataFolder, Log, Position, StoreError, Vault};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    progress_bar, say,
    server::{Projection, Projections, Rebuild, Server},
};
use crate::{ANNOUNCED, Config};

/// Who does it.
enum Who {
    /// A shop that is served.
    Server(Server),
    /// This process, which has the data folder.
    Here(DataFolder),
}

impl Who {
    fn of(config: &Config, server: Option<&str>) -> anyhow::Result<Self> {
        if let Some(address) = server {
            return Ok(Self::Server(Server::at(address, config)?));
        }
        match DataFolder::take(&config.data) {
            Ok(folder) => Ok(Self::Here(folder)),
            Err(error) => match &error {
                StoreError::InUse { holder, .. } => match holder.strip_prefix(ANNOUNCED) {
                    Some(address) => Ok(Self::Server(Server::at(address, config)?)),
                    None => Err(error.into()),
                },
                _ => Err(error.into()),
            },
        }
    }
}

/// The stores, opened by this process alone.
struct Stores {
    log: Log,
    vault: Vault,
    views: Views,
}

impl Stores {
    async fn open(config: &Config) -> anyhow::Result<Self> {
        let log = Log::open(&config.log_target()?).await?;
        let vault = Vault::open(&config.vault_target()?).await?;
        let views = Views::open(&log, &vault, &config.views_target()?).await?;
        Ok(Self { log, vault, views })
    }

    async fn close(&self) {
        self.views.close().await;
        self.vault.close().await;
        self.log.close().await;
    }
}

/// Makes one view again, or all.
pub(super) async fn rebuild(config: &Config, only: Option<&str>, server: Option<&str>) -> anyhow::Result<()> {
    match Who::of(config, server)? {
        Who::Server(server) => {
            let known = server.projections().await?.projections;
            for name in chosen(known.iter().map(|one| &*one.name), only)? {
                ask_to_rebuild(&server, name).await?;
            }
            Ok(())
        }
        Who::Here(_folder) => {
            let stores = Stores::open(config).await?;
            let rebuilt = rebuild_here(&stores, only).await;
            stores.close().await;
            rebuilt
        }
    }
}

fn chosen<'names>(
    names: impl Iterator<Item = &'names str> + Clone,
    only: Option<&str>,
) -> anyhow::Result<Vec<&'names str>> {
    let chosen: Vec<&str> = names.clone().filter(|name| only.is_none_or(|asked| asked == *name)).collect();
    if chosen.is_empty() {
        bail!("there is no projection of this name; there are {}", names.collect::<Vec<_>>().join(", "));
    }
    Ok(chosen)
}

async fn rebuild_here(stores: &Stores, only: Option<&str>) -> anyhow::Result<()> {
    let names: Vec<&str> = stores.views.names().collect();
    let head = stores.log.head().await?.position;
    for name in chosen(names.iter().copied(), only)? {
        let bar = progress_bar(name, head);
        let rebuilt = stores.views.rebuild(name, &mut |at: Position| bar.set_position(at.0)).await;
        let reached = rebuilt.with_context(|| format!("{name} was not made again"))?;
        done(&bar, name, reached.0)?;
    }
    Ok(stores.views.retire().await?)
}

/// Lets the shop do it, and looks on until it is done or somebody has seen enough.
async fn ask_to_rebuild(server: &Server, name: &str) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let bar = progress_bar(name, Position::START);
    let made = tokio::select! {
        made = look_on(server, name, &bar) => made,
        _ = interrupt.recv() => {
            Err(anyhow!("the shop goes on making {name} again; `webox projections` tells how far it is"))
        }
    };
    if made.is_err() {
        bar.abandon();
    }
    done(&bar, name, made?)
}

async fn look_on(server: &Server, name: &str, bar: &ProgressBar) -> anyhow::Result<u64> {
    const STEP: Duration = Duration::from_millis(200);
    let mut view = server.rebuild(name).await?;
    loop {
        let rebuild = view.rebuild.with_context(|| format!("the shop was started anew, and {name} is as it was"))?;
        bar.set_length(rebuild.head);
        bar.set_position(rebuild.position);
        match &*rebuild.state {
            "running" => tokio::time::sleep(STEP).await,
            "flipped" => return Ok(rebuild.position),
            _ => bail!("{name} was not made again: {}", rebuild.error.unwrap_or(rebuild.state)),
        }
        view = server.projection(name).await?;
    }
}

fn done(bar: &ProgressBar, name: &str, events: u64) -> anyhow::Result<()> {
    bar.finish();
    say(&format!("{name}: made again from {events} events"))
}

/// Tells where every view is.
pub(super) async fn list(config: &Config, server: Option<&str>) -> anyhow::Result<()> {
    let Projections { head, projections } = match Who::of(config, server)? {
        Who::Server(server) => server.projections().await?,
        Who::Here(_folder) => {
            let stores = Stores::open(config).await?;
            let head = stores.log.head().await?.position.0;
            let projections = stores.views.statuses().into_iter().map(of_here).collect();
            stores.close().await;
            Projections { head, projections }
        }
    };
    say(&format!("The log holds {head} events"))?;
    for view in projections {
        say(&line(&view))?;
    }
    Ok(())
}

/// A view that nobody lets follow the log at the moment.
fn of_here(status: projections::Status) -> Projection {
    let (state, error) = match status.state {
        State::Following => ("closed", None),
        State::Retrying { error } => ("retrying", Some(error)),
        State::Halted { error, .. } => ("halted", Some(error)),
    };
    Projection {
        name: status.name.to_owned(),
        position: status.position.0,
        lag: status.lag,
        rate: status.rate,
        state: state.to_owned(),
        set_aside: status.set_aside,
        error,
        rebuild: None,
    }
}

fn line(view: &Projection) -> String {
    let Projection { name, position, lag, rate, state, set_aside, error, rebuild } = view;
    let mut parts = vec![format!("{name:<10} {state:<9} at {position}, lag {lag}, {rate}/s, {set_aside} set aside")];
    parts.extend(error.clone());
    if let Some(Rebuild { state, progress, rate, seconds_left, error, .. }) = rebuild {
        parts.push(format!("rebuild {state}: {} %, {rate}/s", progress / 10));
        parts.extend(seconds_left.map(|seconds| format!("{seconds} s left")));
        parts.extend(error.clone());
    }
    parts.join("; ")
}

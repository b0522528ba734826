//! The program: `webox serve`, `migrate`, `projections`, `rebuild`, `verify`, `replay`, `config`.

mod rebuild;
mod server;

use std::io::{IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use projections::Views;
use serde::Serialize;
use serde_json::value::RawValue;
use store::{Archive, DataFolder, Log, Position, StreamName, Vault, chain::hex, verify::verify};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{App, Config, Mode, Setup, config::LogFormat, staff};

/// WeBox Multi-IA: a shop for products and AI-generated media
///
/// Every change is an event in one append-only log; everything that is shown is made from it. Without arguments it serves
/// a demo shop on 127.0.0.1:8080 with embedded stores in ./data.
#[derive(Debug, Parser)]
#[command(name = "webox", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    config: Config,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the shop (this is what happens without a command)
    Serve,
    /// Bring the stores to the shape this version needs, and stop
    Migrate,
    /// Show where every view is
    Projections {
        /// Ask the shop at this address, not the one that is served from the data folder
        #[arg(long, value_name = "URL")]
        server: Option<String>,
    },
    /// Make views again from the log: by the shop that is served from this data folder, or else here
    Rebuild {
        /// Only this one: products, carts, orders, histories
        #[arg(long, value_name = "NAME")]
        projection: Option<String>,
        /// Ask the shop at this address, not the one that is served from the data folder
        #[arg(long, value_name = "URL")]
        server: Option<String>,
    },
    /// Prove that nothing in the log was altered; a shop may be served meanwhile
    Verify,
    /// Print the events of a stream, such as order-019ab…, as JSON lines; a shop may be served meanwhile
    Replay {
        /// A type, a hyphen and an id
        stream: String,
    },
    /// Print the settings in force, without secrets
    Config,
}

/// Does what the command line says.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let config = cli.config;
    start_log(&config)?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(config).await,
        Command::Migrate => migrate(&config).await,
        Command::Projections { server } => rebuild::list(&config, server.as_deref()).await,
        Command::Rebuild { projection, server } => {
            rebuild::rebuild(&config, projection.as_deref(), server.as_deref()).await
        }
        Command::Verify => prove(&config).await,
        Command::Replay { stream } => replay(&config, &stream).await,
        Command::Config => say(&config.to_string()),
    }
}

fn start_log(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log_level).context("WEBOX_LOG_LEVEL is not understood")?;
    let registry = tracing_subscriber::registry().with(filter);
    let to_stderr = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    match config.log_format {
        LogFormat::Text => registry.with(to_stderr).try_init()?,
        LogFormat::Json => {
            registry.with(fmt::layer().json().with_writer(std::io::stderr)).try_init()?;
        }
    }
    Ok(())
}

/// Prints a line. A reader that went away is no failure.
fn say(line: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    // The signals first: one that comes while the shop opens must not end it in the middle.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("{} cannot be listened on; see --listen", config.listen))?;
    let (address, data) = (listener.local_addr()?, config.data.clone());
    let has_token = config.admin_token.is_some();
    let app = App::open(Setup::new(config)).await?;
    app.announce(&format!("http://{address}"))?;
    match app.mode() {
        Mode::Demo => {
            say(&format!("WeBox demo shop on http://{address} (try http://{address}/docs)"))?;
        }
        Mode::Live => say(&format!("WeBox shop on http://{address}"))?,
    }
    match (has_token, app.mode()) {
        (true, _) => {}
        (false, Mode::Demo) => {
            say(&format!("The staff's token is in {}", data.join(staff::FILE).display()))?;
        }
        (false, Mode::Live) => say("No WEBOX_ADMIN_TOKEN is set: nobody can work as staff")?,
    }
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    app.serve(listener, stop).await
}

async fn migrate(config: &Config) -> anyhow::Result<()> {
    let _folder = DataFolder::take(&config.data)?;
    let log = Log::open(&config.log_target()?).await?;
    let vault = Vault::open(&config.vault_target()?).await?;
    let archive = Archive::open(&config.archive_target()?, vault.clone()).await?;
    let views = Views::open(&log, &vault, &config.views_target()?).await?;
    let head = log.head().await?.position;
    views.close().await;
    archive.close().await;
    vault.close().await;
    log.close().await;
    say(&format!("Everything is in today's shape; the log holds {head} events"))
}

async fn prove(config: &Config) -> anyhow::Result<()> {
    let log = Log::open_to_read(&config.log_target()?).await?;
    let head = log.head().await?;
    let bar = progress_bar("verify", head.position);
    let audit = verify(&log, |at| bar.set_position(at.0)).await?;
    bar.finish_and_clear();
    if let Some(fault) = audit.fault {
        bail!("the log was altered: {fault} ({} events before it are proved)", audit.events);
    }
    say(&format!("{} events are what was recorded; the head is {}", audit.events, hex(&head.hash)))
}

async fn replay(config: &Config, stream: &str) -> anyhow::Result<()> {
    let Some(stream) = StreamName::parse(stream) else {
        bail!("a stream is a type of lower-case letters, a hyphen and an id: order-019ab…");
    };
    let log = Log::open_to_read(&config.log_target()?).await?;
    let mut version = 0;
    loop {
        let events = log.read_stream(&stream, version, 500).await?;
        let Some(last) = events.last() else { break };
        version = last.version;
        for event in &events {
            let line = ReplayLine {
                position: event.position,
                version: event.version,
                at: chrono::DateTime::from_timestamp_micros(event.recorded_at),
                event: &event.event_type,
                schema: event.schema,
                payload: serde_json::from_str(&event.payload)?,
                metadata: serde_json::from_str(&event.metadata)?,
                hash: hex(&event.hash),
            };
            say(&serde_json::to_string(&line)?)?;
        }
    }
    if version == 0 {
        bail!("there is no stream {stream}");
    }
    Ok(())
}

/// An event as `replay` prints it.
#[derive(Serialize)]
struct ReplayLine<'event> {
    position: Position,
    version: u64,
    at: Option<chrono::DateTime<chrono::Utc>>,
    event: &'event str,
    schema: u32,
    payload: &'event RawValue,
    metadata: &'event RawValue,
    hash: String,
}

fn progress_bar(name: &str, head: Position) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:10} {wide_bar} {pos}/{len} {per_sec} {eta}");
    let bar = ProgressBar::new(head.0).with_message(name.to_owned());
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

//! How connections are served: an accept loop with the timeouts and limits that keep one client from holding the shop.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper::{Request, body::Incoming, service::Service};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::task::TaskTracker;
use utoipa::openapi::OpenApi;

use crate::{App, layers};

/// How long a client may take to send its headers, and how long a connection may stay idle.
const HEADERS: Duration = Duration::from_secs(10);
/// How many bytes of headers, and how many of them, a client may send.
const MAX_HEADER_BYTES: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;
/// How many HTTP/2 streams a connection may have open.
const MAX_STREAMS: u32 = 100;
/// How long requests under way may take to end when the shop stops.
const DRAIN: Duration = Duration::from_secs(20);

impl App {
    /// The document that describes the API.
    pub fn document(&self) -> anyhow::Result<OpenApi> {
        Ok(layers::router(self)?.1)
    }

    /// Serves until `stop` resolves or the log breaks. Then: no new connections, requests under way end, everything is
    /// closed.
    pub async fn serve(&self, listener: TcpListener, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let (router, _) = layers::router(self)?;
        let service = TowerToHyperService::new(router);
        let builder = connection_builder();
        let graceful = GracefulShutdown::new();
        let door = Door::new(self.config.max_connections, self.config.max_connections_per_address);
        let connections = TaskTracker::new();
        let mut stop = std::pin::pin!(stop);

        let broken = loop {
            let (stream, visitor) = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, address)) => match door.enter(address) {
                        Some(visitor) => (stream, visitor),
                        None => continue, // Dropped: a client that holds this many already learns it at once.
                    },
                    Err(error) => {
                        // Out of descriptors, or a client that went away: neither ends the shop.
                        tracing::warn!(%error, "a connection was not accepted");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                },
                () = &mut stop => break false,
                () = self.log.broken() => break true,
            };
            let asked = Arc::new(AtomicBool::new(false));
            let service = Noted { service: service.clone(), asked: Arc::clone(&asked) };
            let connection = builder.serve_connection(TokioIo::new(prepare(stream)), service);
            let connection = graceful.watch(connection.into_owned());
            connections.spawn(async move {
                if let Err(error) = unless_silent(connection, &asked).await {
                    tracing::debug!(%error, "a connection ended early");
                }
                drop(visitor);
            });
        };

        self.ready.store(false, Ordering::Release);
        drop(listener);
        if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests did not end in time");
        }
        self.close().await;
        anyhow::ensure!(!broken, "the log cannot say any more what is stored: start again");
        Ok(())
    }
}

fn connection_builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX))
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(HEADERS);
    builder
}

/// The service of one connection, which notes that something was asked.
struct Noted<S> {
    service: S,
    asked: Arc<AtomicBool>,
}

impl<S: Service<Request<Incoming>>> Service<Request<Incoming>> for Noted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, request: Request<Incoming>) -> S::Future {
        self.asked.store(true, Ordering::Release);
        self.service.call(request)
    }
}

/// Serves a connection, unless nothing is asked of it in time: the header timeout begins only once a client has shown
/// which version of HTTP it speaks.
async fn unless_silent<T, E>(connection: impl Future<Output = Result<T, E>>, asked: &AtomicBool) -> Result<(), E> {
    let mut connection = std::pin::pin!(connection);
    match tokio::time::timeout(HEADERS, &mut connection).await {
        Ok(served) => served.map(drop),
        Err(_) if asked.load(Ordering::Acquire) => connection.await.map(drop),
        Err(_) => Ok(()),
    }
}

fn prepare(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    stream
}

/// Counts who is in.
#[derive(Clone)]
struct Door {
    slots: Arc<Semaphore>,
    per_address: usize,
    inside: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// Somebody who is in, until dropped.
struct Visitor {
    address: IpAddr,
    door: Door,
    _slot: OwnedSemaphorePermit,
}

impl Door {
    fn new(total: usize, per_address: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(total)), per_address, inside: Arc::default() }
    }

    fn enter(&self, from: SocketAddr) -> Option<Visitor> {
        let slot = Arc::clone(&self.slots).try_acquire_owned().ok()?;
        let address = from.ip();
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let count = inside.entry(address).or_default();
        if *count >= self.per_address {
            return None;
        }
        *count += 1;
        drop(inside);
        Some(Visitor { address, door: self.clone(), _slot: slot })
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        let mut inside = self.door.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = inside.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                inside.remove(&self.address);
            }
        }
    }
}

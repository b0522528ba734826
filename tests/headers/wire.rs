//! Requests byte by byte, as no client library would send them.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

/// A connection. What is asked of it may take a while, so it is asked off the runtime.
pub(super) struct Wire(TcpStream);

impl Wire {
    pub(super) fn open(url: &str) -> Self {
        let stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        Self(stream)
    }

    /// Sends these bytes. Whether the other side takes them shows in what it answers.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes);
    }

    /// Whether the other side has closed.
    pub(super) fn is_closed(&mut self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let read = self.0.peek(&mut [0]);
        self.0.set_nonblocking(false).unwrap();
        !matches!(read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// Everything until the other side closes.
    pub(super) fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ = self.0.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// One answer with its body; empty where the other side has closed.
    pub(super) fn answer(&mut self) -> String {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while matches!(self.0.read(&mut byte), Ok(1)) {
            bytes.push(byte[0]);
            if bytes.ends_with(b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&bytes).to_lowercase();
                let length =
                    head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
                let mut body = vec![0; length.unwrap_or(0)];
                let _ = self.0.read_exact(&mut body);
                bytes.extend(body);
                break;
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Runs what waits for a socket where waiting is allowed.
pub(super) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// Sends these bytes on a connection of their own and reads until its end.
pub(super) async fn exchange(url: &str, bytes: Vec<u8>) -> String {
    let url = url.to_owned();
    aside(move || {
        let mut wire = Wire::open(&url);
        wire.send(&bytes);
        wire.rest()
    })
    .await
}

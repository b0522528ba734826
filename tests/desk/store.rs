//! What the desk relies on in the log.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::postgres::PgConnectOptions;
use store::{Append, AppendError, Expected, Key, KeyedAnswer, Log, NewEvent, StreamName, Target, Transaction};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use uuid::Uuid;

use super::ground::{Ground, a_moment};

super::stories!(an_answer_comes_after_everything_submitted_before_it);

/// Whoever is told of a conflict decides again on what is in the log, so what was submitted before must be there.
async fn an_answer_comes_after_everything_submitted_before_it(ground: Ground) {
    let log = Log::open(&ground.log_target()).await.unwrap();
    for round in 0..20 {
        let stream = StreamName::new("product", round);
        let stall = ground.stall("log").await;
        let first = log.submit(append(&StreamName::new("cart", round), 0), vec![]).unwrap();
        a_moment().await;
        let before = log.submit(append(&stream, 0), vec![]).unwrap();
        let conflict = log.submit(append(&stream, 7), vec![]).unwrap();
        stall.release().await;
        let answer = conflict.wait().await.unwrap_err();
        assert!(matches!(answer, AppendError::Conflict { actual: 1, .. }), "{answer:?}");
        assert_eq!(log.read_stream(&stream, 0, 9).await.unwrap().len(), 1);
        first.wait().await.unwrap();
        before.wait().await.unwrap();
    }
    log.close().await;
}

/// The connection breaks, and the order to commit reaches the server when everybody has given it up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_arrives_late_is_not_denied() {
    let ground = Ground::postgres();
    let late = Arc::new(AtomicBool::new(false));
    let mut wires = JoinSet::new();
    let url = long_wire(ground.url().unwrap(), &late, &mut wires).await;
    let log = Log::open(&Target::Postgres { url, schema: "log".to_owned() }).await.unwrap();

    let stream = StreamName::new("product", 1);
    log.append(append(&stream, 0)).await.unwrap();
    late.store(true, Ordering::Release);
    let stored = log.append(append(&stream, 1)).await.unwrap();
    assert!(stored.stored);
    assert_eq!(log.read_stream(&stream, 0, 9).await.unwrap().len(), 2);

    // The same for a transaction that has an answer to remember and no event.
    let key = Key { scope: "staff".to_owned(), key: "k".to_owned() };
    let keyed = KeyedAnswer { key: key.clone(), request: [0; 32], answer: "1".to_owned() };
    late.store(true, Ordering::Release);
    let mut nothing = append(&stream, 2);
    nothing.appends[0].events.clear();
    log.append(Transaction { key: Some(keyed), ..nothing }).await.unwrap();
    assert_eq!(log.answer(&key).await.unwrap().unwrap().answer, "1");
    log.append(append(&stream, 2)).await.unwrap();
    assert!(!late.load(Ordering::Acquire));
    log.close().await;
}

/// The URL of the same database over a wire that breaks at the next commit after `late` is set, and delivers it later.
async fn long_wire(url: &str, late: &Arc<AtomicBool>, wires: &mut JoinSet<()>) -> String {
    let server: PgConnectOptions = url.parse().unwrap();
    let server = (server.get_host().to_owned(), server.get_port());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let late = Arc::clone(late);
    wires.spawn(async move {
        let mut wires = JoinSet::new();
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect((&*server.0, server.1)).await.unwrap();
            wires.spawn(wire(client, server, Arc::clone(&late)));
        }
    });
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}host=127.0.0.1&port={port}")
}

async fn wire(client: TcpStream, server: TcpStream, late: Arc<AtomicBool>) {
    let (mut asks, mut hears) = client.into_split();
    let (mut answers, mut gets) = server.into_split();
    let mut back = JoinSet::new();
    back.spawn(async move {
        let _ = copy(&mut answers, &mut hears).await;
        answers
    });
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = asks.read(&mut bytes).await {
        let said = &bytes[..count];
        let commits = said.windows(6).any(|word| word == b"COMMIT");
        if commits && late.swap(false, Ordering::AcqRel) {
            back.shutdown().await;
            drop(asks);
            tokio::time::sleep(Duration::from_millis(500)).await;
            gets.write_all(said).await.unwrap();
            return;
        }
        if gets.write_all(said).await.is_err() {
            return;
        }
    }
}

fn append(stream: &StreamName, version: u64) -> Transaction {
    let event = NewEvent { id: Uuid::now_v7(), event_type: "Test".to_owned(), schema: 1, payload: "{}".to_owned() };
    let append = Append { stream: stream.clone(), expected: Expected::Exact(version), events: vec![event] };
    Transaction { appends: vec![append], metadata: "{}".to_owned(), at: 1, key: None }
}

//! A PostgreSQL server that dies, a wire that breaks, and settings that promise less.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use sqlx::Executor as _;
use store::{AppendError, Committed, Expected, Log, StoreError, Target};
use tokio::{sync::Notify, task::JoinSet};

use super::{
    fixture::{Fixture, head_of, keyed, one, open, postgres_at, soon, stored, stream, to, transaction, version_of},
    order::write,
    processes::{session, until_somebody_waits},
};

/// What is done to the next commit that crosses the wire.
enum Cut {
    /// The server never hears of it.
    Before,
    /// The server does it, and nobody hears of that.
    After,
    /// The same, and the server hears of it only after this.
    Late(mpsc::Receiver<()>),
}

/// A wire to the server that breaks on purpose.
struct Wire {
    cut: Mutex<Option<Cut>>,
    is_cut: AtomicBool,
    /// Told when the head is asked for after the cut.
    asked_again: Notify,
}

impl Wire {
    /// Leads the log of `fixture` over a wire.
    async fn under(fixture: &mut Fixture) -> Arc<Self> {
        let Target::Postgres { url, .. } = &fixture.target else { panic!("files have no wire") };
        let (scheme, rest) = url.split_once("127.0.0.1:").expect("the server is on this machine");
        let (port, database) = rest.split_once('/').expect("a database has a name");
        let port: u16 = port.parse().expect("a port is a number");
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
        let ours = listener.local_addr().expect("it has an address").port();
        let wire = Arc::new(Self { cut: Mutex::new(None), is_cut: AtomicBool::new(false), asked_again: Notify::new() });
        let shared = Arc::clone(&wire);
        // The threads end with their connections, and this one with the process.
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("a client comes in");
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { return };
                let wire = Arc::clone(&shared);
                let (back, front) = (copy_of(&server), copy_of(&client));
                thread::spawn(move || backwards(back, front));
                thread::spawn(move || wire.forwards(client, server));
            }
        });
        let target = postgres_at(format!("{scheme}127.0.0.1:{ours}/{database}"));
        soon(fixture.log.close()).await;
        fixture.log = open(&target).await;
        wire
    }

    fn arm(&self, cut: Cut) {
        *self.cut.lock().expect("nobody panicked with it") = Some(cut);
    }

    fn forwards(&self, mut client: TcpStream, mut server: TcpStream) {
        let mut buffer = [0; 8_192];
        while let Ok(read @ 1..) = client.read(&mut buffer) {
            let sent = &buffer[..read];
            let holds = |words: &[u8]| sent.windows(words.len()).any(|window| window == words);
            if self.is_cut.load(Ordering::SeqCst) && holds(b"for update") {
                self.asked_again.notify_one();
            }
            let cut = if holds(b"COMMIT\0") { self.cut.lock().expect("nobody panicked with it").take() } else { None };
            if let Some(cut) = cut {
                self.is_cut.store(true, Ordering::SeqCst);
                client.shutdown(Shutdown::Both).ok();
                match cut {
                    Cut::Before => break,
                    Cut::After => {}
                    Cut::Late(release) => release.recv().expect("the check goes on"),
                }
                server.write_all(sent).expect("the server listens");
                break;
            }
            if server.write_all(sent).is_err() {
                break;
            }
        }
        server.shutdown(Shutdown::Write).ok();
    }
}

/// Reads to the end even where nobody listens any more: the server must not stumble over that.
fn backwards(mut server: TcpStream, mut client: TcpStream) {
    let mut buffer = [0; 8_192];
    while let Ok(read @ 1..) = server.read(&mut buffer) {
        client.write_all(&buffer[..read]).ok();
    }
    client.shutdown(Shutdown::Both).ok();
}

fn copy_of(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("a socket can be shared")
}

pub(crate) async fn an_answer_lost_at_the_commit_is_found_again(fixture: &mut Fixture) {
    let wire = Wire::under(fixture).await;
    let (log, name) = (&fixture.log, stream("lost"));
    for version in 0..3 {
        wire.arm(Cut::After);
        let outcome = soon(log.append(one(&name, Expected::Exact(version)))).await;
        let position = head_of(log).await;
        assert_eq!(outcome, Ok(Committed { position, stored: true, replayed: None }));
        assert_eq!(version_of(log, &name).await, version + 1);
        stored(log, one(&stream("next"), Expected::NoStream)).await;
    }
    // Without an event nothing in the log tells. The key does.
    let silent = keyed(transaction(Vec::new()), "k", 1, "{}");
    wire.arm(Cut::After);
    let outcome = soon(log.append(silent.clone())).await;
    assert_eq!(outcome, Ok(Committed { position: head_of(log).await, stored: true, replayed: None }));
    let again = soon(log.append(silent)).await.expect("it is answered");
    assert_eq!(again.replayed.as_deref(), Some("{}"));
}

/// The connection is gone, and the server has not even begun to commit: nobody may say yet that nothing is stored.
pub(crate) async fn a_commit_that_comes_late_is_waited_for(fixture: &mut Fixture) {
    let wire = Wire::under(fixture).await;
    let (log, name) = (&fixture.log, stream("late"));
    let (release, late) = mpsc::channel();
    wire.arm(Cut::Late(late));
    let append = log.append(one(&name, Expected::NoStream));
    let mut append = std::pin::pin!(append);
    let early = soon(async {
        tokio::select! {
            outcome = &mut append => Some(outcome),
            () = wire.asked_again.notified() => None,
        }
    })
    .await;
    release.send(()).expect("the wire waits");
    assert_eq!(early, None, "this was answered while the commit was under way");
    let committed = soon(append).await.expect("it is stored");
    assert_eq!(committed.position, head_of(log).await);
    assert_eq!(version_of(log, &name).await, 1);
}

pub(crate) async fn a_connection_lost_before_the_commit_stores_nothing(fixture: &mut Fixture) {
    let wire = Wire::under(fixture).await;
    let (log, name) = (&fixture.log, stream("cut"));
    for version in 0..3 {
        wire.arm(Cut::Before);
        let asked = one(&name, Expected::Exact(version));
        let outcome = soon(log.append(asked.clone())).await;
        assert_eq!(outcome, Err(AppendError::Unavailable));
        assert_eq!(version_of(log, &name).await, version);
        stored(log, asked).await;
    }
}

pub(crate) async fn a_refusal_does_not_outlive_its_batch(fixture: &mut Fixture) {
    let wire = Wire::under(fixture).await;
    let (log, name) = (&fixture.log, stream("sunk"));
    // Somebody else has the head until all are queued: they share a batch.
    let mut other = session(&fixture.target).await;
    let mut held = sqlx::Connection::begin(&mut other).await.expect("a transaction begins");
    held.execute("select * from head for update").await.expect("the head can be locked");
    let submit = |asked| log.submit(asked, Vec::new()).expect("the queue has room");
    let first = submit(transaction(vec![to(&name, Expected::NoStream, 0)]));
    until_somebody_waits(&mut session(&fixture.target).await).await;
    let asked = |request, expected| keyed(one(&name, expected), "k", request, "{}");
    let sunk = submit(asked(1, Expected::NoStream));
    let mismatch = submit(asked(2, Expected::Any));
    let conflicting = submit(one(&name, Expected::NoStream));
    let unfounded = log.submit(one(&name, Expected::Any), vec![conflicting.clone()]);
    let unfounded = unfounded.expect("the queue has room");
    wire.arm(Cut::Before);
    held.rollback().await.expect("it lets go");
    soon(first.wait()).await.expect("nothing was wrong with it");
    for ticket in [sunk, mismatch, conflicting] {
        assert_eq!(soon(ticket.wait()).await, Err(AppendError::Unavailable));
    }
    assert_eq!(soon(unfounded.wait()).await, Err(AppendError::Unfounded));
    assert_eq!(version_of(log, &name).await, 0, "no version and no key was there to speak of");
    stored(log, asked(2, Expected::NoStream)).await;
}

/// Appends to a stream of its own until `enough`, each step as often as it takes; gives the number of steps.
async fn persist(log: Log, enough: Arc<AtomicBool>) -> u64 {
    let name = stream("persists");
    let mut step = 0;
    while !enough.load(Ordering::SeqCst) {
        let asked = one(&name, Expected::Exact(step));
        let asked = keyed(asked, &format!("{name} {step}"), 1, "{}");
        let mut unknown = false;
        loop {
            match log.append(asked.clone()).await {
                Ok(committed) => {
                    assert!(committed.stored || unknown, "it was said not to be stored");
                    break;
                }
                Err(AppendError::UnknownOutcome) => unknown = true,
                Err(AppendError::Unavailable) => {}
                Err(error) => panic!("step {step}: {error}"),
            }
        }
        step += 1;
    }
    assert_eq!(version_of(&log, &name).await, step, "each step once");
    step
}

pub(crate) async fn a_killed_server_loses_nothing_it_acknowledged(fixture: &mut Fixture) {
    let log = fixture.log.clone();
    let enough = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        tasks.spawn(persist(log.clone(), Arc::clone(&enough)));
    }
    let mut head = log.watch();
    for more in [20, 150, 300] {
        let until = head.borrow().0 + more;
        soon(head.wait_for(|head| head.0 >= until)).await.expect("the log is open");
        let cluster = fixture.cluster.clone().expect("it has a server of its own");
        let restart = tokio::task::spawn_blocking(move || cluster.restart());
        soon(restart).await.expect("the server starts again");
    }
    let until = head.borrow().0 + 20;
    soon(head.wait_for(|head| head.0 >= until)).await.expect("the log is open");
    enough.store(true, Ordering::SeqCst);
    let steps: u64 = soon(tasks.join_all()).await.into_iter().sum();
    assert_eq!(head_of(&log).await.0, steps);
    // Others are heard again, too.
    let other = open(&fixture.target).await;
    let end = stored(&other, one(&stream("other"), Expected::NoStream)).await;
    soon(head.wait_for(|head| *head >= end)).await.expect("the log is open");
    soon(other.close()).await;
}

async fn set_for_new_sessions(target: &Target, setting: &str) {
    let statement =
        format!("do $$ begin execute format('alter database %I set {setting}', current_database()); end $$");
    session(target).await.execute(&*statement).await.expect("a superuser may");
}

pub(crate) async fn a_server_that_promises_less_is_refused(fixture: &mut Fixture) {
    set_for_new_sessions(&fixture.target, "synchronous_commit = off").await;
    match Log::open(&fixture.target).await {
        Err(StoreError::Refused(reason)) => assert!(reason.contains("synchronous_commit=off")),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it opens and would lose what it acknowledges"),
    }
    set_for_new_sessions(&fixture.target, "synchronous_commit = on").await;
    open(&fixture.target).await.close().await;
}

pub(crate) async fn a_stricter_isolation_by_default_changes_nothing(fixture: &mut Fixture) {
    let setting = "default_transaction_isolation = ''repeatable read''";
    set_for_new_sessions(&fixture.target, setting).await;
    fixture.reopen().await;
    let (log, other) = (&fixture.log, open(&fixture.target).await);
    soon(async { tokio::join!(write(log, 8, 10), write(&other, 8, 10)) }).await;
    soon(other.close()).await;
}

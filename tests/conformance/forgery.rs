//! Nobody changes, removes, inserts or swaps an event unseen, and the audit names the first place that is wrong.

use std::{fs, path::Path};

use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection, sqlite};
use store::{
    Expected, Log, Position, Recorded, Target, chain,
    verify::{Audit, Fault, verify},
};

use super::{
    fixture::{Fixture, Folder, history, open, soon, stored, stream, to, transaction},
    order::write,
    processes::{number, session},
};

/// Some hundred events: transactions of one and of several, on one stream and on several; the last has three.
async fn fill(log: &Log) -> Vec<Recorded> {
    write(log, 8, 20).await;
    stored(log, transaction(vec![to(&stream("last"), Expected::NoStream, 3)])).await;
    history(log).await
}

/// Does `statements` to a copy of the closed log, as somebody does who has the file or the password, and audits it.
async fn audit_after(fixture: &Fixture, statements: &[String]) -> Audit {
    let (log, _folder) = tampered(fixture, statements).await;
    let audit = soon(verify(&log, |_| ())).await.expect("an audit finds, it does not fail");
    soon(log.close()).await;
    audit
}

async fn tampered(fixture: &Fixture, statements: &[String]) -> (Log, Option<Folder>) {
    match &fixture.target {
        Target::Sqlite(file) => {
            let folder = Folder::new();
            let copy = folder.path().join("log.db");
            fs::copy(file, &copy).expect("a closed log is one file");
            tamper_with_file(&copy, statements).await;
            (open(&Target::Sqlite(copy)).await, Some(folder))
        }
        target @ Target::Postgres { url, .. } => {
            let mut session = session(target).await;
            session
                .execute(
                    "drop schema if exists copy cascade;
                     create schema copy;
                     create table copy.head (like log.head including all);
                     create table copy.events (like log.events including all);
                     create table copy._sqlx_migrations (like log._sqlx_migrations including all);
                     insert into copy.head select * from log.head;
                     insert into copy.events select * from log.events;
                     insert into copy._sqlx_migrations select * from log._sqlx_migrations;
                     set search_path to copy;",
                )
                .await
                .expect("a schema can be copied");
            tamper(&mut session, statements).await;
            let schema = "copy".to_owned();
            (open(&Target::Postgres { url: url.clone(), schema }).await, None)
        }
        Target::Memory => panic!("nobody else gets at what is in memory"),
    }
}

async fn tamper_with_file(file: &Path, statements: &[String]) {
    let options = sqlite::SqliteConnectOptions::new().filename(file);
    let mut session = SqliteConnection::connect_with(&options).await.expect("the file opens");
    for statement in statements {
        let done = session.execute(&**statement).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    session.close().await.expect("the file closes");
}

async fn tamper(session: &mut PgConnection, statements: &[String]) {
    for statement in statements {
        let done = session.execute(&**statement).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

/// Where the two databases spell a thing differently.
struct Spelling {
    bytes: fn(&str) -> String,
}

impl Spelling {
    fn of(fixture: &Fixture) -> Self {
        match fixture.target {
            Target::Postgres { .. } => Self { bytes: |hex| format!("'\\x{hex}'::bytea") },
            _ => Self { bytes: |hex| format!("x'{hex}'") },
        }
    }
}

/// Audits a copy for each line of `lines`: what is done to it, and what must be found.
async fn each_is_found(fixture: &mut Fixture, lines: Vec<(Vec<String>, Fault)>) {
    soon(fixture.log.close()).await;
    for (statements, fault) in lines {
        let audit = audit_after(fixture, &statements).await;
        assert_eq!(audit.fault, Some(fault), "{statements:?}");
    }
    assert_eq!(audit_after(fixture, &[]).await.fault, None, "the copy was the fault");
}

fn altered(position: u64) -> Fault {
    Fault::Altered { position: Position(position) }
}

fn missing(position: u64) -> Fault {
    Fault::Missing { position: Position(position) }
}

fn wrong_head(end: u64, head: u64) -> Fault {
    Fault::WrongHead { end: Position(end), head: Position(head) }
}

fn one_by_one(statement: &str) -> Vec<String> {
    statement.split(';').map(|statement| statement.trim().to_owned()).collect()
}

pub(crate) async fn an_untouched_log_is_clean(fixture: &mut Fixture) {
    let clean = |events| Audit { events, fault: None };
    assert_eq!(audit_after_reopening(fixture).await, clean(0));
    let end = fill(&fixture.log).await.len() as u64;
    assert_eq!(audit_after_reopening(fixture).await, clean(end));
    let mut seen = Vec::new();
    verify(&fixture.log, |at| seen.push(at)).await.expect("the log can be audited");
    assert_eq!(seen.last(), Some(&Position(end)), "it tells how far it is");
}

async fn audit_after_reopening(fixture: &mut Fixture) -> Audit {
    fixture.reopen().await;
    verify(&fixture.log, |_| ()).await.expect("the log can be audited")
}

pub(crate) async fn a_changed_event_is_found_at_its_place(fixture: &mut Fixture) {
    let end = fill(&fixture.log).await.len() as u64;
    let bytes = Spelling::of(fixture).bytes;
    let other_id = match fixture.target {
        Target::Postgres { .. } => "gen_random_uuid()",
        _ => "randomblob(16)",
    };
    let changes = [
        "payload = replace(payload, '1', '2')".to_owned(),
        "payload = payload || ' '".to_owned(),
        "metadata = '{ }'".to_owned(),
        "recorded_at = recorded_at + 1".to_owned(),
        "version = version + 1000".to_owned(),
        "stream_id = stream_id || 'x'".to_owned(),
        "stream_type = 'chec', stream_id = 'k-' || stream_id".to_owned(),
        "event_type = 'CheckMad', schema = schema".to_owned(),
        "schema = schema + 1".to_owned(),
        format!("event_id = {other_id}"),
        "transaction_end = transaction_end + 1".to_owned(),
        "transaction_end = 9000000000000000000".to_owned(),
        format!("hash = {}", bytes(&"ab".repeat(32))),
    ];
    // The first event, one in the middle, and one near the end; each payload says that it is number 1.
    let places = [1, events_numbered_one(&history(&fixture.log).await, end / 2), end - 2];
    let lines = changes
        .iter()
        .zip(places.into_iter().cycle())
        .map(|(change, place)| (vec![format!("update events set {change} where position = {place}")], altered(place)));
    let last = format!("update events set metadata = '[]' where position = {end}");
    each_is_found(fixture, lines.chain([(vec![last], altered(end))]).collect()).await;
}

/// The first event after `after` that says it is the first of its append.
fn events_numbered_one(events: &[Recorded], after: u64) -> u64 {
    let found = events.iter().find(|event| event.position.0 > after && event.payload.contains("\"number\":1}"));
    found.expect("there are many").position.0
}

pub(crate) async fn a_missing_moved_or_added_event_is_found_at_its_place(fixture: &mut Fixture) {
    let end = fill(&fixture.log).await.len() as u64;
    let other_id = match fixture.target {
        Target::Postgres { .. } => "gen_random_uuid()",
        _ => "randomblob(16)",
    };
    let add = |position: i64| {
        format!(
            "insert into events select {position}, stream_type, stream_id, version + 1000, {other_id}, event_type,
             schema, payload, metadata, recorded_at, {position}, hash from events where position = 5"
        )
    };
    let last = number(end);
    let lines = [
        ("delete from events where position = 1".to_owned(), missing(1)),
        ("delete from events where position = 77".to_owned(), missing(77)),
        ("delete from events where position between 50 and 60".to_owned(), missing(50)),
        // Cut off: inside the last transaction, before it, and all of it.
        (format!("delete from events where position = {end}"), wrong_head(end - 1, end)),
        (format!("delete from events where position > {}", end - 3), wrong_head(end - 3, end)),
        ("delete from events".to_owned(), wrong_head(0, end)),
        (
            "update events set position = -1 where position = 20;
             update events set position = 20 where position = 21;
             update events set position = 21 where position = -1"
                .to_owned(),
            altered(20),
        ),
        (
            format!(
                "update events set position = -1 where position = 30;
                 update events set position = 30 where position = {end};
                 update events set position = {end} where position = -1"
            ),
            altered(30),
        ),
        ("update events set position = -position where position = 9".to_owned(), missing(9)),
        (
            format!(
                "update events set position = -position - 1 where position >= 40;
                 update events set position = -position where position < 0; {};
                 update head set position = {end} + 1",
                add(40)
            ),
            altered(40),
        ),
        (add(last + 1), wrong_head(end + 1, end)),
        (add(last + 1_000), wrong_head(end + 1_000, end)),
        // Before the beginning no reader of the log looks, but a reader of the stream does.
        (add(0), altered(0)),
        (add(-7), altered(0)),
    ];
    let lines = lines.map(|(statements, fault)| (one_by_one(&statements), fault));
    each_is_found(fixture, lines.into()).await;
}

pub(crate) async fn a_row_that_cannot_be_read_is_found_at_its_place(fixture: &mut Fixture) {
    let end = fill(&fixture.log).await.len() as u64;
    let bytes = Spelling::of(fixture).bytes;
    let mut changes = vec![
        (format!("hash = {}", bytes("ab")), 60),
        ("version = -3".to_owned(), 61),
        ("schema = -1".to_owned(), 62),
        ("schema = 4294967296".to_owned(), 1),
        ("transaction_end = -1".to_owned(), end),
    ];
    if matches!(fixture.target, Target::Sqlite(_)) {
        // PostgreSQL keeps the form of these two by itself.
        changes.push(("payload = cast(x'22ff22' as text)".to_owned(), 63));
        changes.push(("event_id = x'00'".to_owned(), 64));
    }
    let lines = changes
        .into_iter()
        .map(|(change, place)| (vec![format!("update events set {change} where position = {place}")], altered(place)));
    each_is_found(fixture, lines.collect()).await;
}

pub(crate) async fn a_changed_head_is_found(fixture: &mut Fixture) {
    let bytes = Spelling::of(fixture).bytes;
    let log_id = match fixture.target {
        Target::Postgres { .. } => "gen_random_uuid()",
        _ => "randomblob(16)",
    };
    let hash = format!("update head set hash = {}", bytes(&"cd".repeat(32)));
    let time = "update head set recorded_at = recorded_at + 1".to_owned();
    let other = format!("update head set log_id = {log_id}");
    let empty = [(&hash, altered(0)), (&time, altered(0)), (&other, altered(0))];
    let empty = empty.map(|(statement, fault)| (vec![statement.clone()], fault));
    each_is_found(fixture, empty.into()).await;

    fixture.log = open(&fixture.target).await;
    let end = fill(&fixture.log).await.len() as u64;
    let lines = [
        ("update head set position = position + 1".to_owned(), wrong_head(end, end + 1)),
        ("update head set position = position + 7000".to_owned(), wrong_head(end, end + 7_000)),
        ("update head set position = position - 1".to_owned(), wrong_head(end, end - 1)),
        ("update head set position = 0".to_owned(), wrong_head(end, 0)),
        // Opened without one, a log begins anew.
        ("delete from head".to_owned(), wrong_head(end, 0)),
        (hash, altered(end)),
        (time, altered(end)),
        (other, altered(1)),
    ];
    let lines = lines.map(|(statement, fault)| (vec![statement], fault));
    each_is_found(fixture, lines.into()).await;
}

/// Somebody who knows how the chain is made makes it anew from the event that they change on.
pub(crate) async fn a_rewritten_chain_is_found_where_it_betrays_itself(fixture: &mut Fixture) {
    let events = fill(&fixture.log).await;
    let end = events.len() as u64;
    let (id, bytes) = (fixture.log.id(), Spelling::of(fixture).bytes);
    let rewritten = |place: u64, until: u64, change: &dyn Fn(&mut Recorded)| {
        let mut previous = chain::genesis(id);
        let mut statements = Vec::new();
        for event in &events[..usize::try_from(until).expect("it is small")] {
            let mut event = event.clone();
            if event.position.0 == place {
                change(&mut event);
                statements.push(format!(
                    "update events set payload = '{}', version = {} where position = {place}",
                    event.payload, event.version
                ));
            }
            event.hash = chain::link(&previous, &event);
            previous = event.hash;
            if event.position.0 >= place {
                let hash = bytes(&chain::hex(&event.hash));
                let position = event.position;
                statements.push(format!("update events set hash = {hash} where position = {position}"));
            }
        }
        let head = format!("update head set hash = {}", bytes(&chain::hex(&previous)));
        (statements, head)
    };
    let cheaper = |event: &mut Recorded| "{\"number\":0}".clone_into(&mut event.payload);
    // Only its own hash; all up to the last; all but the head.
    let (own, _) = rewritten(80, 80, &cheaper);
    let (most, _) = rewritten(80, end - 1, &cheaper);
    let (all, _) = rewritten(80, end, &cheaper);
    // A whole chain, with an event that says it comes later in its stream than it does.
    let place = events_numbered_one(&events, 90);
    let (mut hole, head) = rewritten(place, end, &|event| event.version += 1_000);
    hole.push(head);
    let out_of_stream = Fault::OutOfStream { position: Position(place) };
    let lines = vec![(own, altered(81)), (most, altered(end)), (all, altered(end)), (hole, out_of_stream)];
    each_is_found(fixture, lines).await;
}

//! A process that is killed at any moment takes nothing with it that it had acknowledged.

use std::{
    collections::HashSet,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use store::{Expected, Target};
use uuid::Uuid;

use super::{
    fixture::{Fixture, head_of, history, one, open, soon, stored, stream},
    order::each_stream_is_in_order,
};

pub(crate) async fn a_killed_process_loses_nothing_it_acknowledged(fixture: &mut Fixture) {
    let address = match &fixture.target {
        Target::Sqlite(file) => format!("sqlite:{}", file.display()),
        Target::Postgres { url, .. } => url.clone(),
        Target::Memory => panic!("what is in memory ends with its process"),
    };
    soon(fixture.log.close()).await;
    let mut acknowledged = HashSet::new();
    // While it opens, at the first answer, and in the thick of it.
    for answers in [0, 1, 2, 5, 17, 60, 150, 400, 401, 1_000] {
        let address = address.clone();
        let killed = tokio::task::spawn_blocking(move || killed_after(&address, answers));
        acknowledged.extend(soon(killed).await.expect("the process could be started and killed"));

        fixture.log = open(&fixture.target).await;
        let log = &fixture.log;
        // What nobody waited for any more may still come: the head only grows.
        let events = history(log).await;
        let there: HashSet<Uuid> = events.iter().map(|event| event.event_id).collect();
        let lost = acknowledged.difference(&there).count();
        assert_eq!(lost, 0, "of {} acknowledged, after {answers} answers", acknowledged.len());
        each_stream_is_in_order(&events);
        fixture.is_sound().await;

        fixture.log = open(&fixture.target).await;
        let log = &fixture.log;
        let before = head_of(log).await;
        let next = stored(log, one(&stream("after"), Expected::NoStream)).await;
        assert!(next > before, "the log goes on");
        soon(log.close()).await;
    }
    assert!(acknowledged.len() > 2_000, "{} answers are too few", acknowledged.len());
}

/// Starts a writer, kills it when it has given so many answers, and tells all that it gave.
fn killed_after(address: &str, answers: usize) -> Vec<Uuid> {
    let mut writer = Command::new(env!("CARGO_BIN_EXE_crash_writer"))
        .arg(address)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the writer starts");
    let mut lines = BufReader::new(writer.stdout.take().expect("its output is a pipe"));
    let mut ids = Vec::new();
    let mut killed = false;
    loop {
        if ids.len() >= answers && !killed {
            writer.kill().expect("a process of ours can be killed");
            killed = true;
        }
        let mut line = String::new();
        let read = lines.read_line(&mut line).expect("a pipe can be read");
        // The last line may be torn off.
        match line.strip_suffix('\n') {
            Some(id) => ids.push(id.parse().expect("a line is an id")),
            None if read > 0 => {}
            None => break,
        }
    }
    let ended = writer.wait().expect("a process of ours can be waited for");
    assert!(killed && ended.code().is_none(), "it ended by itself: {ended}");
    ids
}

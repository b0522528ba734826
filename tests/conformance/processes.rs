//! Several processes on one log: one order, nothing twice, nobody passes.

use sqlx::{Connection as _, Executor as _, PgConnection};
use store::{AppendError, DataFolder, Expected, Log, Position, StoreError, Target, chain};
use tokio::task::JoinSet;

use super::{
    fixture::{
        Fixture, conflict, events_of, head_of, history, one, open, soon, stored, stream, to, transaction, version_of,
    },
    keys::race,
    order::{each_stream_is_in_order, followed, write},
};

pub(crate) async fn a_second_process_is_turned_away(fixture: &mut Fixture) {
    let Target::Sqlite(file) = &fixture.target else { panic!("this is about files") };
    let path = file.parent().expect("a file lies in a folder");
    let mut folder = DataFolder::take(path).expect("nobody has it");
    let refusal = || match DataFolder::take(path) {
        Err(error @ StoreError::InUse { .. }) => error.to_string(),
        other => panic!("a second one is let in: {other:?}"),
    };
    assert!(refusal().contains("another process"));
    folder.announce("process 7, http://127.0.0.1:8080").expect("it can say who it is");
    let reason = refusal();
    assert!(reason.contains("process 7, http://127.0.0.1:8080") && reason.contains("HTTP"));
    folder.announce("process 7").expect("it can say so again");
    assert!(refusal().contains("in use by process 7;"));
    drop(folder);
    DataFolder::take(path).expect("it is free again");
}

/// A session of somebody else: in the schema of the log, without any of its manners.
pub(crate) async fn session(target: &Target) -> PgConnection {
    let Target::Postgres { url, schema } = target else { panic!("this is about PostgreSQL") };
    let mut session = PgConnection::connect(url).await.expect("the database answers");
    session.execute(&*format!("set search_path to {schema}")).await.expect("the schema is there");
    session
}

pub(crate) async fn two_that_open_at_once_share_one_log(fixture: &mut Fixture) {
    let Target::Postgres { url, .. } = &fixture.target else { panic!("this is about PostgreSQL") };
    let target = Target::Postgres { url: url.clone(), schema: "other".to_owned() };
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let target = target.clone();
        tasks.spawn(async move { open(&target).await });
    }
    let logs = soon(tasks.join_all()).await;
    let name = stream("shared");
    for (log, version) in logs.iter().zip(0..) {
        assert_eq!(log.id(), logs[0].id());
        assert_ne!(log.id(), fixture.log.id(), "another schema is another log");
        stored(log, one(&name, Expected::Exact(version))).await;
    }
    assert_eq!(history(&logs[0]).await.len(), logs.len());
    assert_eq!(head_of(&fixture.log).await, Position::START);
    for log in logs {
        soon(log.close()).await;
    }
}

pub(crate) async fn two_writers_share_one_order(fixture: &mut Fixture) {
    const VERSIONS: u64 = 30;
    let (log, other) = (fixture.log.clone(), open(&fixture.target).await);
    let hot = stream("hot");
    let (ours, theirs, mut won) = {
        let contend = |log: &Log| {
            let (log, hot) = (log.clone(), hot.clone());
            async move {
                let (mut won, mut version) = (Vec::new(), 0);
                while version < VERSIONS {
                    match log.append(one(&hot, Expected::Exact(version))).await {
                        Ok(_) => {
                            version += 1;
                            won.push(version);
                        }
                        Err(AppendError::Conflict { actual, .. }) => {
                            assert!(actual > version, "{actual} after {version}");
                            version = actual;
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
                won
            }
        };
        let (ours, theirs, won, won_too) =
            soon(async { tokio::join!(write(&log, 8, 12), write(&other, 8, 12), contend(&log), contend(&other)) })
                .await;
        (ours, theirs, [won, won_too].concat())
    };
    won.sort_unstable();
    assert_eq!(won, (1..=VERSIONS).collect::<Vec<u64>>(), "one winner for each version");
    assert_eq!(version_of(&log, &hot).await, VERSIONS);

    let all = history(&log).await;
    assert_eq!(all, history(&other).await, "there is one log");
    each_stream_is_in_order(&all);
    let mut ends: Vec<Position> = [ours, theirs].concat().concat();
    let acknowledged = ends.len();
    ends.sort_unstable();
    ends.dedup();
    assert_eq!(ends.len(), acknowledged, "no place is given twice");
    for end in ends {
        assert!(all.iter().any(|event| event.transaction_end == end), "{end} was acknowledged");
    }
    soon(other.close()).await;
}

pub(crate) async fn each_learns_what_the_other_stores(fixture: &mut Fixture) {
    let (log, other) = (fixture.log.clone(), open(&fixture.target).await);
    let (name, mut version) = (stream("told"), 0);
    for _ in 0..3 {
        for (writer, reader) in [(&log, &other), (&other, &log)] {
            let (mut watch, follower) = (reader.watch(), reader.follow(head_of(reader).await));
            // Each knows the version that the other has made, without being told.
            let stale = writer.append(one(&name, Expected::Exact(version + 1))).await;
            assert_eq!(stale, conflict(&name, version));
            let end = stored(writer, one(&name, Expected::Exact(version))).await;
            version += 1;
            soon(watch.wait_for(|head| *head >= end)).await.expect("the log is open");
            let given = soon(followed(follower, end)).await;
            assert_eq!(given, events_of(reader, &name).await[usize::try_from(version - 1).expect("small")..]);
        }
    }
    let (before, end) = (head_of(&log).await, Position(head_of(&log).await.0 * 2 + 60));
    let followers = [log.follow(before), other.follow(before)].map(|follower| followed(follower, end));
    let more = async |log: &Log| {
        for _ in 0..15 {
            stored(log, transaction(vec![to(&stream("more"), Expected::NoStream, 2)])).await;
        }
    };
    let last = async {
        tokio::join!(more(&log), more(&other));
        let missing = end.0 - head_of(&log).await.0;
        let missing = usize::try_from(missing).expect("it is small");
        stored(&log, transaction(vec![to(&stream("last"), Expected::NoStream, missing)])).await;
    };
    let [first, second] = followers;
    let (first, second, ()) = soon(async { tokio::join!(first, second, last) }).await;
    assert_eq!(first, history(&log).await[usize::try_from(before.0).expect("small")..]);
    assert_eq!(first, second);
    soon(other.close()).await;
}

pub(crate) async fn one_key_in_two_processes_is_stored_once(fixture: &mut Fixture) {
    let other = open(&fixture.target).await;
    let name = stream("once");
    let outcomes = race(&[fixture.log.clone(), other.clone()], &name).await;
    assert_eq!(outcomes.iter().filter(|committed| committed.stored).count(), 1);
    assert_eq!(version_of(&other, &name).await, 1);
    soon(other.close()).await;
}

/// Returns when a session of the log waits for a lock.
pub(crate) async fn until_somebody_waits(session: &mut PgConnection) {
    soon(async {
        let waiting = "select exists (select 1 from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock')";
        while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(&mut *session).await.expect("the database answers") {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

pub(crate) async fn a_writer_held_open_lets_no_reader_pass(fixture: &mut Fixture) {
    let (log, other) = (&fixture.log, open(&fixture.target).await);
    let name = stream("held");
    stored(log, one(&name, Expected::NoStream)).await;
    for commits in [false, true] {
        let before = history(log).await;
        let last = before.last().expect("there is one").clone();
        let mut observer = session(&fixture.target).await;
        let mut writer = session(&fixture.target).await;
        let mut held = writer.begin().await.expect("a transaction begins");
        held.execute("select * from head for update").await.expect("the head can be locked");
        let waiting: Vec<_> = [log, &other]
            .into_iter()
            .cycle()
            .take(8)
            .map(|log| log.submit(one(&stream("waits"), Expected::NoStream), Vec::new()))
            .collect::<Result<_, _>>()
            .expect("the queue has room");
        until_somebody_waits(&mut observer).await;
        assert_eq!(history(log).await, before, "readers do not wait");

        // It goes on as far as a writer gets without a commit.
        let mut next = last.clone();
        next.position = last.position.next();
        next.transaction_end = next.position;
        next.version = version_of(log, &name).await + 1;
        next.stream = name.clone();
        next.event_id = uuid::Uuid::now_v7();
        next.hash = chain::link(&last.hash, &next);
        insert(&mut held, &next).await;
        sqlx::query("update head set position = $1, hash = $2")
            .bind(number(next.position.0))
            .bind(next.hash.as_slice())
            .execute(&mut *held)
            .await
            .expect("the head can be moved");
        assert_eq!(history(log).await, before, "nobody sees what is not committed");
        assert_eq!(head_of(log).await, last.position);
        assert!(!waiting.iter().any(store::Ticket::is_settled), "the others wait");

        if commits {
            held.commit().await.expect("it commits");
        } else {
            held.rollback().await.expect("it is taken back");
        }
        for ticket in waiting {
            soon(ticket.wait()).await.expect("waiting was all");
        }
        let after = history(log).await;
        assert_eq!(after.len(), before.len() + 8 + usize::from(commits));
        assert_eq!(after[before.len()] == next, commits, "its place is its own, or free again");
    }
    soon(other.close()).await;
}

pub(crate) async fn a_row_that_is_not_committed_is_seen_by_nobody(fixture: &mut Fixture) {
    let log = &fixture.log;
    let name = stream("seen");
    stored(log, transaction(vec![to(&name, Expected::NoStream, 3)])).await;
    let before = history(log).await;
    let mut observer = session(&fixture.target).await;
    let mut writer = session(&fixture.target).await;
    // It does not even lock the head.
    let mut held = writer.begin().await.expect("a transaction begins");
    let mut row = before[2].clone();
    (row.position, row.version) = (Position(4), 4);
    row.event_id = uuid::Uuid::now_v7();
    insert(&mut held, &row).await;
    let waiting = log.submit(one(&name, Expected::Exact(3)), Vec::new());
    let waiting = waiting.expect("the queue has room");
    until_somebody_waits(&mut observer).await;
    assert_eq!(history(log).await, before);
    assert_eq!(version_of(log, &name).await, 3);
    assert!(!waiting.is_settled());
    held.rollback().await.expect("it is taken back");
    let committed = soon(waiting.wait()).await.expect("waiting was all");
    assert_eq!(committed.position, Position(4));
}

/// As when a standby takes over that lacks the last commits, and others are faster to write to it.
pub(crate) async fn a_database_that_was_set_back_is_believed(fixture: &mut Fixture) {
    let (log, name) = (&fixture.log, stream("lost"));
    stored(log, one(&name, Expected::NoStream)).await;
    let before = log.head().await.expect("the head can be read");
    stored(log, one(&name, Expected::Exact(1))).await;
    let mut session = session(&fixture.target).await;
    let mut transaction = session.begin().await.expect("a transaction begins");
    transaction.execute("delete from events where position = 2").await.expect("it is gone");
    sqlx::query("update head set position = 1, hash = $1")
        .bind(before.hash.as_slice())
        .execute(&mut *transaction)
        .await
        .expect("the head can be moved");
    transaction.commit().await.expect("it commits");
    let other = open(&fixture.target).await;
    let same_place = stored(&other, one(&stream("other"), Expected::NoStream)).await;
    assert_eq!(same_place, Position(2), "the log is as long as it was");
    let outcome = soon(log.append(one(&name, Expected::Exact(2)))).await;
    assert_eq!(outcome, conflict(&name, 1));
    assert_eq!(stored(log, one(&name, Expected::Exact(1))).await, Position(3));
    soon(other.close()).await;
}

pub(crate) fn number(number: u64) -> i64 {
    i64::try_from(number).expect("it is small")
}

async fn insert(session: &mut PgConnection, event: &store::Recorded) {
    sqlx::query("insert into events values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
        .bind(number(event.position.0))
        .bind(event.stream.kind())
        .bind(event.stream.id())
        .bind(number(event.version))
        .bind(event.event_id)
        .bind(&event.event_type)
        .bind(i64::from(event.schema))
        .bind(&event.payload)
        .bind(&event.metadata)
        .bind(event.recorded_at)
        .bind(number(event.transaction_end.0))
        .bind(event.hash.as_slice())
        .execute(session)
        .await
        .expect("a row can be inserted");
}

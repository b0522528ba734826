//! What was acknowledged outlives the process.

use store::{
    AgendaChange, AppendError, Expected, Log, Position, Target, Transaction,
    verify::{Audit, verify},
};

use super::{
    agenda::{advance, deadline},
    fixture::{Fixture, NOW, conflict, events_of, head_of, history, keyed, one, soon, stored, stream, to, transaction},
    order::write,
    processes::session,
};

pub(crate) async fn everything_acknowledged_is_there_again(fixture: &mut Fixture) {
    let empty = fixture.log.head().await.expect("the head can be read");
    fixture.reopen().await;
    assert_eq!(fixture.log.head().await.expect("the head can be read"), empty);

    let (id, stream) = (fixture.log.id(), stream("kept"));
    stored(&fixture.log, transaction(vec![to(&stream, Expected::NoStream, 3)])).await;
    let acknowledged = write(&fixture.log, 4, 5).await.concat();
    let before = history(&fixture.log).await;
    let head = fixture.log.head().await.expect("the head can be read");
    for _ in 0..2 {
        fixture.reopen().await;
        let log = &fixture.log;
        assert_eq!(log.id(), id);
        assert_eq!(log.head().await.expect("the head can be read"), head);
        assert_eq!(*log.watch().borrow(), head.position, "it is known before anything is written");
        assert_eq!(history(log).await, before);
    }
    for position in acknowledged {
        let ends = |event: &store::Recorded| event.transaction_end == position;
        assert!(before.iter().any(ends), "{position} was acknowledged");
    }

    let log = &fixture.log;
    let taken = log.append(one(&stream, Expected::NoStream)).await;
    assert_eq!(taken, conflict(&stream, 3));
    let earlier = Transaction { at: 0, ..one(&stream, Expected::Exact(3)) };
    assert_eq!(stored(log, earlier).await, head.position.next());
    let last = events_of(log, &stream).await.pop().expect("it was just stored");
    assert_eq!((last.version, last.recorded_at), (4, head.recorded_at), "time goes on too");
}

pub(crate) async fn keys_bookmarks_and_deadlines_survive(fixture: &mut Fixture) {
    let stream = stream("keyed");
    let keyed = keyed(one(&stream, Expected::NoStream), "k", 1, "\"É\"");
    let position = stored(&fixture.log, keyed.clone()).await;
    let (kept, cancelled) = (deadline("kept", NOW), deadline("cancelled", NOW));
    let schedule = [&kept, &cancelled].map(|deadline| AgendaChange::Schedule(deadline.clone()));
    advance(&fixture.log, "reactor", 1, schedule.to_vec()).await;
    advance(&fixture.log, "reactor", 7, vec![AgendaChange::Cancel(cancelled.id)]).await;
    fixture.reopen().await;

    let log = &fixture.log;
    let again = soon(log.append(keyed)).await.expect("the key is known");
    assert_eq!((again.stored, again.position), (false, position));
    assert_eq!(again.replayed.as_deref(), Some("\"É\""));
    let bookmark = log.bookmark("reactor").await.expect("a bookmark can be read");
    assert_eq!(bookmark, Some(Position(7)));
    assert_eq!(log.due(NOW, 10).await.expect("the agenda can be read"), [kept]);
}

pub(crate) async fn a_log_is_read_beside_its_writer(fixture: &mut Fixture) {
    let (log, stream) = (&fixture.log, stream("shared"));
    stored(log, transaction(vec![to(&stream, Expected::NoStream, 3)])).await;
    let reader = soon(Log::open_to_read(&fixture.target)).await.expect("it can be read");
    assert_eq!((reader.id(), *reader.watch().borrow()), (log.id(), Position(3)));
    write(log, 4, 5).await;
    assert_eq!(history(&reader).await, history(log).await, "it sees what comes later, too");
    assert_eq!(reader.head().await.expect("the head can be read").position, head_of(log).await);

    let turned_away = reader.append(one(&stream, Expected::Any)).await;
    assert_eq!(turned_away, Err(AppendError::Unavailable));
    assert!(reader.advance("reactor", Position(1), Vec::new()).await.is_err());
    assert!(reader.forget_keys(i64::MAX).await.is_err());
    let bookmark = log.bookmark("reactor").await.expect("a bookmark can be read");
    assert_eq!(bookmark, None);

    // Whoever is first to go, the other stays.
    soon(reader.close()).await;
    let last = soon(Log::open_to_read(&fixture.target)).await.expect("it can be read");
    let end = stored(log, one(&stream, Expected::Exact(3))).await;
    let before = history(log).await;
    soon(log.close()).await;
    assert_eq!(head_of(&last).await, end);
    soon(last.close()).await;
    let alone = soon(Log::open_to_read(&fixture.target)).await.expect("a closed log can be read");
    assert_eq!(history(&alone).await, before);
    let audit = verify(&alone, |_| ()).await.expect("the log can be audited");
    assert_eq!(audit, Audit { events: end.0, fault: None });
    soon(alone.close()).await;
}

pub(crate) async fn a_log_that_is_not_there_is_not_made_by_its_reader(fixture: &mut Fixture) {
    let absent = match &fixture.target {
        Target::Sqlite(file) => Target::Sqlite(file.with_file_name("absent.db")),
        Target::Postgres { url, .. } => Target::Postgres { url: url.clone(), schema: "absent".to_owned() },
        Target::Memory => panic!("what is in memory has no second reader"),
    };
    for _ in 0..2 {
        assert!(soon(Log::open_to_read(&absent)).await.is_err());
    }
    match &absent {
        Target::Sqlite(file) => assert!(!file.exists()),
        target => {
            let schema = "select count(*) from pg_namespace where nspname = 'absent'";
            let found: i64 =
                sqlx::query_scalar(schema).fetch_one(&mut session(target).await).await.expect("the database answers");
            assert_eq!(found, 0);
        }
    }
}

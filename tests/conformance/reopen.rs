//! What was acknowledged outlives the process.

use store::{AgendaChange, Expected, Position, Transaction};

use super::{
    agenda::{advance, deadline},
    fixture::{Fixture, NOW, conflict, events_of, history, keyed, one, soon, stored, stream, to, transaction},
    order::write,
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

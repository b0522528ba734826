//! What reactors keep beside the log means the same everywhere.

use store::{AgendaChange, Deadline, Log, Position};
use uuid::Uuid;

use super::fixture::{Fixture, NOW};

pub(crate) fn deadline(subject: &str, due_at: i64) -> Deadline {
    Deadline {
        id: Uuid::new_v5(&Uuid::NAMESPACE_OID, subject.as_bytes()),
        kind: "expire-order".to_owned(),
        subject: subject.to_owned(),
        due_at,
    }
}

pub(crate) async fn advance(log: &Log, reactor: &str, to: u64, changes: Vec<AgendaChange>) {
    log.advance(reactor, Position(to), changes).await.expect("a bookmark can be moved");
}

async fn bookmark(log: &Log, reactor: &str) -> Option<u64> {
    let bookmark = log.bookmark(reactor).await.expect("a bookmark can be read");
    bookmark.map(|position| position.0)
}

async fn due(log: &Log, now: i64, limit: u32) -> Vec<Deadline> {
    log.due(now, limit).await.expect("the agenda can be read")
}

/// Two processes may follow the log for one reactor, and the slower one says so last.
pub(crate) async fn a_bookmark_only_moves_forward(fixture: &mut Fixture) {
    let log = &fixture.log;
    assert_eq!(bookmark(log, "a").await, None);
    for (to, then) in [(0, 0), (5, 5), (3, 5), (5, 5), (6, 6)] {
        advance(log, "a", to, Vec::new()).await;
        assert_eq!(bookmark(log, "a").await, Some(then), "moved to {to}");
    }
    assert_eq!(bookmark(log, "b").await, None);
}

pub(crate) async fn deadlines_are_due_in_their_order(fixture: &mut Fixture) {
    let log = &fixture.log;
    let [a, b, c, d] =
        [("a", 30), ("b", 10), ("c", 20), ("d", 20)].map(|(subject, later)| deadline(subject, NOW + later));
    let schedule = [&a, &b, &c, &d].map(|deadline| AgendaChange::Schedule(deadline.clone()));
    advance(log, "r", 1, schedule.to_vec()).await;
    assert_eq!(due(log, NOW + 9, 10).await, []);
    assert_eq!(due(log, NOW + 10, 10).await, std::slice::from_ref(&b), "due means at that moment");
    let mut same = [c.clone(), d.clone()];
    same.sort_by_key(|deadline| deadline.id);
    let [first, second] = same;
    assert_eq!(due(log, i64::MAX, 10).await, [b.clone(), first.clone(), second, a.clone()]);
    assert_eq!(due(log, i64::MAX, 2).await, [b.clone(), first]);

    // The same id moves it and changes whom it is about, never its kind; within one advance the last word counts.
    let moved = Deadline { due_at: NOW + 40, subject: "other".to_owned(), ..b.clone() };
    let otherwise = Deadline { kind: "other".to_owned(), ..moved.clone() };
    let changes = vec![
        AgendaChange::Schedule(otherwise),
        AgendaChange::Cancel(c.id),
        AgendaChange::Cancel(d.id),
        AgendaChange::Schedule(d.clone()),
        AgendaChange::Schedule(deadline("e", NOW)),
        AgendaChange::Cancel(deadline("e", NOW).id),
        AgendaChange::Cancel(deadline("nobody", NOW).id),
    ];
    advance(log, "r", 2, changes).await;
    assert_eq!(due(log, i64::MAX, 10).await, [d.clone(), a.clone(), moved.clone()]);

    // What was met is struck off, unless it was moved since.
    let since = Deadline { due_at: NOW + 50, ..moved.clone() };
    let changes = vec![AgendaChange::Schedule(since.clone()), AgendaChange::Met(moved), AgendaChange::Met(d)];
    advance(log, "r", 3, changes).await;
    assert_eq!(due(log, i64::MAX, 10).await, [a, since]);
}

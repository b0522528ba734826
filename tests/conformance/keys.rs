//! A request that is sent again is answered again, and changes nothing.

use store::{
    AppendError, Committed, Expected, Log, Position, StoredAnswer, StreamName, Ticket, Transaction,
    transaction::KEY_LIFE,
};
use tokio::task::JoinSet;

use super::fixture::{
    Fixture, NOW, busy, conflict, head_of, key, keyed, one, soon, stored, stream, to, transaction, version_of,
};

fn asked(stream: &StreamName, name: &str, request: u8, answer: &str) -> Transaction {
    keyed(one(stream, Expected::Any), name, request, answer)
}

fn replay(position: Position, answer: &str) -> Committed {
    Committed { position, stored: false, replayed: Some(answer.to_owned()) }
}

async fn answer_to(log: &Log, name: &str) -> Option<StoredAnswer> {
    log.answer(&key(name)).await.expect("a key can be looked up")
}

pub(crate) async fn a_key_replays_its_answer(fixture: &mut Fixture) {
    let (log, stream) = (&fixture.log, stream("keyed"));
    assert_eq!(answer_to(log, "k").await, None);
    let answer = "{ \"order\" : \"É🛒\\u0000\" }\n";
    let first = stored(log, asked(&stream, "k", 1, answer)).await;
    stored(log, one(&stream, Expected::Any)).await;
    for other in ["", "k ", "K", "ķ", "k\u{327}"] {
        stored(log, asked(&stream, other, 2, "{}")).await;
    }
    let head = head_of(log).await;
    // Neither what is expected nor what it would say now matters any more.
    let again = Transaction {
        at: NOW + KEY_LIFE - 1,
        ..keyed(transaction(vec![to(&stream, Expected::NoStream, 3)]), "k", 1, "another answer")
    };
    for _ in 0..2 {
        assert_eq!(soon(log.append(again.clone())).await, Ok(replay(first, answer)));
    }
    assert_eq!(head_of(log).await, head);
    let kept = StoredAnswer { request: [1; 32], answer: answer.to_owned(), position: first, made_at: NOW };
    assert_eq!(answer_to(log, "k").await, Some(kept));
}

pub(crate) async fn one_key_at_the_same_time_is_stored_once(fixture: &mut Fixture) {
    let (log, stream) = (&fixture.log, stream("once"));
    let outcomes = race(std::slice::from_ref(log), &stream).await;
    let new = outcomes.iter().filter(|committed| committed.stored).count();
    assert_eq!((new, version_of(log, &stream).await), (1, 1));

    // And in one batch.
    let busy = busy(log);
    let tickets: Vec<Ticket> = (0..8)
        .map(|_| log.submit(asked(&stream, "batch", 1, "{}"), Vec::new()))
        .collect::<Result<_, _>>()
        .expect("the queue has room");
    for (number, ticket) in tickets.into_iter().enumerate() {
        let committed = soon(ticket.wait()).await.expect("it is stored or answered");
        assert_eq!(committed.stored, number == 0);
        assert_eq!(committed.position, head_of(log).await);
    }
    soon(busy.wait()).await.expect("it is stored");
    assert_eq!(version_of(log, &stream).await, 2);
}

/// Sends one request with one key many times at once, to all of `logs`.
pub(crate) async fn race(logs: &[Log], stream: &StreamName) -> Vec<Committed> {
    let mut tasks = JoinSet::new();
    for log in logs.iter().cycle().take(16) {
        let (log, stream) = (log.clone(), stream.clone());
        tasks.spawn(async move { log.append(asked(&stream, "race", 1, "\"won\"")).await });
    }
    let outcomes: Vec<Committed> =
        soon(tasks.join_all()).await.into_iter().map(|outcome| outcome.expect("it is stored or answered")).collect();
    for outcome in &outcomes {
        assert_eq!(outcome.position, outcomes[0].position, "all name the same place");
        let replayed = (!outcome.stored).then(|| "\"won\"".to_owned());
        assert_eq!(outcome.replayed, replayed);
    }
    outcomes
}

pub(crate) async fn a_key_stands_for_one_request(fixture: &mut Fixture) {
    let (log, stream) = (&fixture.log, stream("mismatch"));
    let first = stored(log, asked(&stream, "k", 1, "{}")).await;
    let other = log.append(asked(&stream, "k", 2, "{}")).await;
    assert_eq!(other, Err(AppendError::KeyMismatch));
    let busy = busy(log);
    let submit =
        |name, request| log.submit(asked(&stream, name, request, "{}"), Vec::new()).expect("the queue has room");
    let (new, mismatch, again) = (submit("l", 1), submit("l", 2), submit("k", 1));
    assert!(soon(new.wait()).await.expect("it is stored").stored);
    assert_eq!(soon(mismatch.wait()).await, Err(AppendError::KeyMismatch));
    assert_eq!(soon(again.wait()).await, Ok(replay(first, "{}")));
    soon(busy.wait()).await.expect("it is stored");
    assert_eq!(version_of(log, &stream).await, 2);
}

pub(crate) async fn a_refused_transaction_does_not_use_its_key_up(fixture: &mut Fixture) {
    let (log, stream) = (&fixture.log, stream("refused"));
    let impossible = keyed(one(&stream, Expected::Exact(7)), "k", 1, "\"never\"");
    assert_eq!(log.append(impossible).await, conflict(&stream, 0));
    assert_eq!(answer_to(log, "k").await, None);
    stored(log, asked(&stream, "k", 2, "\"now\"")).await;
    assert_eq!(answer_to(log, "k").await.expect("it is kept").answer, "\"now\"");
}

pub(crate) async fn a_key_needs_no_event(fixture: &mut Fixture) {
    let (log, stream) = (&fixture.log, stream("silent"));
    let silent = |name, request| keyed(transaction(Vec::new()), name, request, "\"nothing to do\"");
    assert_eq!(stored(log, silent("empty", 1)).await, Position::START);
    let end = stored(log, one(&stream, Expected::Any)).await;
    assert_eq!(stored(log, silent("k", 1)).await, end);
    stored(log, one(&stream, Expected::Any)).await;
    assert_eq!(log.append(silent("k", 1)).await, Ok(replay(end, "\"nothing to do\"")));
    assert_eq!(log.append(silent("k", 2)).await, Err(AppendError::KeyMismatch));
    let empty = log.append(silent("empty", 1)).await;
    assert_eq!(empty, Ok(replay(Position::START, "\"nothing to do\"")));
    assert_eq!(head_of(log).await, end.next());
}

pub(crate) async fn a_key_is_free_again_after_its_life(fixture: &mut Fixture) {
    let (log, stream) = (&fixture.log, stream("expired"));
    let at = |at, name, request, answer| Transaction { at, ..asked(&stream, name, request, answer) };
    let first = stored(log, at(NOW, "k", 1, "\"first\"")).await;
    let last_moment = log.append(at(NOW + KEY_LIFE - 1, "k", 1, "{}")).await;
    assert_eq!(last_moment, Ok(replay(first, "\"first\"")));
    let second = stored(log, at(NOW + KEY_LIFE, "k", 2, "\"second\"")).await;
    let again = log.append(at(NOW + KEY_LIFE + 1, "k", 2, "{}")).await;
    assert_eq!(again, Ok(replay(second, "\"second\"")));

    // And in one batch.
    let busy = busy(log);
    let tickets = [
        at(NOW, "l", 1, "\"first\""),
        at(NOW + KEY_LIFE, "l", 2, "\"second\""),
        one(&super::fixture::stream("neighbour"), Expected::NoStream),
    ]
    .map(|asked| log.submit(asked, Vec::new()).expect("the queue has room"));
    for ticket in tickets {
        assert!(soon(ticket.wait()).await.expect("it is stored").stored);
    }
    soon(busy.wait()).await.expect("it is stored");
    assert_eq!(answer_to(log, "l").await.expect("it is kept").answer, "\"second\"");
    assert_eq!(version_of(log, &stream).await, 4);
}

pub(crate) async fn forgotten_keys_are_free_again(fixture: &mut Fixture) {
    let (log, stream) = (&fixture.log, stream("forgotten"));
    for (name, at) in [("older", NOW - 1), ("old", NOW), ("new", NOW + 1)] {
        stored(log, Transaction { at, ..asked(&stream, name, 1, "{}") }).await;
    }
    log.forget_keys(NOW).await.expect("keys can be forgotten");
    assert_eq!(answer_to(log, "older").await, None);
    assert!(answer_to(log, "old").await.is_some() && answer_to(log, "new").await.is_some());
    stored(log, asked(&stream, "older", 2, "{}")).await;
    assert!(!log.append(asked(&stream, "old", 1, "{}")).await.expect("it is answered").stored);
    log.forget_keys(i64::MAX).await.expect("keys can be forgotten");
    assert_eq!(answer_to(log, "new").await, None);
    assert_eq!(version_of(log, &stream).await, 4);
}

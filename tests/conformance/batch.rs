//! Transactions that share a commit do not share their fate, unless they say so.

use futures::future::join_all;
use store::{Append, AppendError, Committed, Expected, NewEvent, Position, StreamName, Ticket, Transaction};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::fixture::{
    Fixture, busy, conflict, event, events_of, head_of, history, one, soon, stored, stream, to, transaction, version_of,
};

pub(crate) async fn a_conflict_leaves_its_neighbours_alone(fixture: &mut Fixture) {
    let (log, hot) = (&fixture.log, stream("hot"));
    let busy = busy(log);
    let mut tickets = Vec::new();
    for number in 0..300_u64 {
        let wrong = number % 3 == 1;
        let own = stream("own");
        let appends = if wrong {
            // The member that holds does not save the one that does not.
            vec![to(&own, Expected::NoStream, 1), to(&hot, Expected::Exact(1_000), 1)]
        } else {
            vec![to(&own, Expected::NoStream, 1), to(&hot, Expected::Any, 1)]
        };
        let ticket = log.submit(transaction(appends), Vec::new()).expect("the queue has room");
        tickets.push((wrong, own, ticket));
    }
    let mut version = 0;
    for (wrong, own, ticket) in tickets {
        match soon(ticket.wait()).await {
            Ok(_) if !wrong => version += 1,
            outcome if wrong => assert_eq!(outcome, conflict(&hot, version)),
            outcome => panic!("a neighbour suffers: {outcome:?}"),
        }
        assert_eq!(version_of(log, &own).await, u64::from(!wrong));
    }
    assert_eq!(version_of(log, &hot).await, 200);
    soon(busy.wait()).await.expect("it is stored too");
}

pub(crate) async fn a_refusal_is_answered_when_what_it_rests_on_can_be_read(fixture: &mut Fixture) {
    let (log, hot) = (&fixture.log, stream("hot"));
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let (log, hot) = (log.clone(), hot.clone());
        tasks.spawn(async move {
            for expected in 0..20 {
                let outcome = log.append(one(&hot, Expected::Exact(expected))).await;
                if let Err(AppendError::Conflict { actual, .. }) = outcome {
                    let last = log.read_stream(&hot, actual - 1, 1).await;
                    let last = last.expect("a stream can be read");
                    assert_eq!(last.len(), 1, "version {actual} was named and is not there");
                }
            }
        });
    }
    soon(tasks.join_all()).await;
}

pub(crate) async fn nothing_rests_on_a_refused_transaction(fixture: &mut Fixture) {
    let log = &fixture.log;
    let taken = stream("taken");
    stored(log, one(&taken, Expected::NoStream)).await;
    for in_one_batch in [true, false] {
        let [good, other, third, fourth] = [(); 4].map(|()| stream("resting"));
        let busy = in_one_batch.then(|| busy(log));
        let submit = |stream: &StreamName, expected, rests_on| {
            log.submit(one(stream, expected), rests_on).expect("the queue has room")
        };
        let refused = submit(&taken, Expected::NoStream, Vec::new());
        let held = submit(&good, Expected::NoStream, Vec::new());
        if !in_one_batch {
            soon(join_all([refused.clone().wait(), held.clone().wait()])).await;
        }
        // Every version matches: only what it was decided on is missing.
        let unfounded = submit(&other, Expected::NoStream, vec![held.clone(), refused.clone()]);
        let founded = submit(&third, Expected::NoStream, vec![held.clone()]);
        let unfounded_too = submit(&fourth, Expected::NoStream, vec![unfounded.clone()]);
        let outcome = async |ticket: &Ticket| soon(ticket.clone().wait()).await;
        assert_eq!(outcome(&refused).await, conflict(&taken, 1));
        assert_eq!(outcome(&unfounded).await, Err(AppendError::Unfounded));
        assert_eq!(outcome(&unfounded_too).await, Err(AppendError::Unfounded));
        assert!(outcome(&held).await.is_ok() && outcome(&founded).await.is_ok());
        assert!([&refused, &unfounded, &unfounded_too].into_iter().all(Ticket::is_void));
        assert!(![&held, &founded].into_iter().any(Ticket::is_void));
        for (stream, version) in [(&good, 1), (&other, 0), (&third, 1), (&fourth, 0)] {
            assert_eq!(version_of(log, stream).await, version);
        }
        if let Some(busy) = busy {
            soon(busy.wait()).await.expect("it is stored");
        }
    }
}

pub(crate) async fn a_guard_conflicts_when_its_stream_has_moved(fixture: &mut Fixture) {
    let log = &fixture.log;
    for in_one_batch in [true, false] {
        let (watched, other) = (stream("watched"), stream("other"));
        let guarded = |expected| transaction(vec![to(&watched, expected, 0), to(&other, Expected::Any, 1)]);
        let busy = in_one_batch.then(|| busy(log));
        let mut outcomes = Vec::new();
        for asked in [
            guarded(Expected::NoStream),
            one(&watched, Expected::NoStream),
            guarded(Expected::NoStream),
            guarded(Expected::Exact(1)),
            transaction(vec![to(&watched, Expected::Exact(0), 0)]),
        ] {
            let ticket = log.submit(asked, Vec::new()).expect("the queue has room");
            if !in_one_batch {
                soon(ticket.clone().wait()).await.ok();
            }
            outcomes.push(ticket);
        }
        let outcomes = soon(join_all(outcomes.into_iter().map(Ticket::wait))).await;
        let moved = conflict(&watched, 1);
        assert!(outcomes[0].is_ok() && outcomes[1].is_ok() && outcomes[3].is_ok());
        assert_eq!((&outcomes[2], &outcomes[4]), (&moved, &moved));
        assert_eq!(version_of(log, &other).await, 2);
        drop(busy);
    }
}

pub(crate) async fn a_derived_event_is_stored_once(fixture: &mut Fixture) {
    let log = &fixture.log;
    let (derived, cause) = (stream("derived"), Uuid::now_v7());
    let told = |expected, names: &[&str]| {
        let events = names
            .iter()
            .map(|name| NewEvent { id: Uuid::new_v5(&cause, name.as_bytes()), ..event(format!("\"{name}\"")) });
        transaction(vec![Append { stream: derived.clone(), expected, events: events.collect() }])
    };
    let busy = busy(log);
    let neighbours: Vec<StreamName> = (0..3).map(|_| stream("neighbour")).collect();
    let tickets: Vec<Ticket> = [
        one(&neighbours[0], Expected::NoStream),
        told(Expected::NoStream, &["a", "b"]),
        one(&neighbours[1], Expected::NoStream),
        told(Expected::NoStream, &["a", "b"]),
        told(Expected::Exact(9), &["b", "c"]),
        one(&neighbours[2], Expected::NoStream),
    ]
    .into_iter()
    .map(|asked| log.submit(asked, Vec::new()).expect("the queue has room"))
    .collect();
    let outcomes = soon(join_all(tickets.iter().cloned().map(Ticket::wait))).await;
    let stored_then: Vec<bool> =
        outcomes.into_iter().map(|outcome| outcome.expect("telling it twice is no failure").stored).collect();
    assert_eq!(stored_then, [true, true, true, false, false, true]);
    let rests = log.submit(one(&stream("rests"), Expected::NoStream), vec![tickets[3].clone()]);
    let rests = soon(rests.expect("the queue has room").wait()).await;
    assert_eq!(rests, Err(AppendError::Unfounded), "its events are not the ones in the log");

    let head = head_of(log).await;
    for names in [&["a", "b"][..], &["b"], &["new", "a"]] {
        let again = soon(log.append(told(Expected::NoStream, names))).await;
        assert_eq!(again, Ok(Committed { position: head, stored: false, replayed: None }));
    }
    assert_eq!(head_of(log).await, head);
    assert_eq!(stored(log, told(Expected::Exact(2), &["new"])).await, head.next());
    let payloads: Vec<String> = events_of(log, &derived).await.into_iter().map(|event| event.payload).collect();
    assert_eq!(payloads, ["\"a\"", "\"b\"", "\"new\""]);
    for stream in &neighbours {
        assert_eq!(version_of(log, stream).await, 1);
    }
    soon(busy.wait()).await.expect("it is stored");
}

/// Whoever repeats a transaction after a lost answer repeats its ids too.
pub(crate) async fn an_event_id_that_is_taken_is_refused_alone(fixture: &mut Fixture) {
    let log = &fixture.log;
    let first = one(&stream("first"), Expected::Any);
    stored(log, first.clone()).await;
    let fresh = one(&stream("fresh"), Expected::Any);
    let twice = {
        let again = event("{}");
        let events = vec![again.clone(), again];
        transaction(vec![Append { stream: stream("twice"), expected: Expected::Any, events }])
    };
    let neighbours: Vec<StreamName> = (0..4).map(|_| stream("neighbour")).collect();
    let new = |place: usize| one(&neighbours[place], Expected::NoStream);
    let busy = busy(log);
    let asked: [Transaction; 8] = [new(0), first, new(1), fresh.clone(), fresh, new(2), twice, new(3)];
    let tickets: Vec<Ticket> =
        asked.into_iter().map(|asked| log.submit(asked, Vec::new()).expect("the queue has room")).collect();
    let outcomes = soon(join_all(tickets.into_iter().map(Ticket::wait))).await;
    let accepted: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(accepted, [true, false, true, true, false, true, false, true], "{outcomes:?}");
    for outcome in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(outcome, Err(AppendError::Unstorable));
    }
    soon(busy.wait()).await.expect("it is stored");
    let mut ids: Vec<Uuid> = history(log).await.iter().map(|event| event.event_id).collect();
    assert_eq!(ids.len(), 1 + 4_096 + 5);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1 + 4_096 + 5);
}

pub(crate) async fn closing_stores_what_is_queued(fixture: &mut Fixture) {
    let streams: Vec<StreamName> = (0..1_000).map(|_| stream("queued")).collect();
    let tickets: Vec<Ticket> = streams
        .iter()
        .map(|stream| fixture.log.submit(one(stream, Expected::NoStream), Vec::new()))
        .collect::<Result<_, _>>()
        .expect("the queue has room");
    soon(fixture.log.close()).await;
    for ticket in tickets {
        assert!(ticket.is_settled(), "closing waits for the answers");
        soon(ticket.wait()).await.expect("what was queued is stored");
    }
    let late = fixture.log.append(one(&stream("late"), Expected::Any)).await;
    assert_eq!(late, Err(AppendError::Unavailable));
    if !matches!(fixture.target, store::Target::Memory) {
        fixture.reopen().await;
    }
    assert_eq!(head_of(&fixture.log).await, Position(1_000));
}

pub(crate) async fn closing_ends_while_others_go_on_asking(fixture: &mut Fixture) {
    let log = fixture.log.clone();
    let asking = tokio::task::spawn_blocking(move || {
        let mut tickets = Vec::new();
        loop {
            match log.submit(one(&stream("asked"), Expected::Any), Vec::new()) {
                Ok(ticket) => tickets.push(ticket),
                Err(AppendError::Overloaded) => std::thread::yield_now(),
                Err(_) => return tickets,
            }
        }
    });
    let mut head = fixture.log.watch();
    soon(head.wait_for(|head| head.0 > 0)).await.expect("the log is open");
    soon(fixture.log.close()).await;
    let tickets = soon(asking).await.expect("nobody panics");
    let accepted = tickets.len() as u64;
    for outcome in soon(join_all(tickets.into_iter().map(Ticket::wait))).await {
        outcome.expect("what was queued is stored");
    }
    if !matches!(fixture.target, store::Target::Memory) {
        fixture.reopen().await;
    }
    assert_eq!(head_of(&fixture.log).await, Position(accepted));
}

/// A request may be dropped at any moment. What it has asked for is done or not, and nobody else notices.
pub(crate) async fn a_caller_that_goes_away_leaves_nothing_half_done(fixture: &mut Fixture) {
    let log = &fixture.log;
    let gone = stream("gone");
    let mut callers = JoinSet::new();
    for number in 0..240_u64 {
        let (log, gone) = (log.clone(), gone.clone());
        let caller = callers.spawn(async move {
            match number % 6 {
                0 | 1 => drop(log.append(one(&gone, Expected::Any)).await),
                2 => drop(log.advance("reactor", Position(number), Vec::new()).await),
                3 => drop(log.forget_keys(0).await),
                4 => drop(log.read_all(Position::START, 100).await),
                _ => drop(log.read_stream(&gone, 0, 100).await),
            }
        });
        for _ in 0..number % 16 {
            tokio::task::yield_now().await;
        }
        caller.abort();
    }
    while callers.join_next().await.is_some() {}
    soon(log.advance("reactor", Position(240), Vec::new())).await.expect("it can be moved");
    let end = stored(log, one(&gone, Expected::Any)).await;
    assert_eq!(end.0, version_of(log, &gone).await);
}

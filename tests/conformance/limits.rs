//! How much goes in, and what does not.

use futures::future::join_all;
use store::{Append, AppendError, Expected, Key, KeyedAnswer, NewEvent, StreamName, Ticket, Transaction};

use super::fixture::{
    Fixture, busy, event, events_of, head_of, history, key, one, soon, stored, stream, to, transaction, version_of,
};

const MEBIBYTE: usize = 1024 * 1024;

fn carrying(stream: &StreamName, payloads: Vec<String>) -> Transaction {
    let events = payloads.into_iter().map(event).collect();
    transaction(vec![Append { stream: stream.clone(), expected: Expected::Any, events }])
}

/// Bytes count, not characters.
fn payload(bytes: usize) -> String {
    let text = "\"é🛒\"".repeat(bytes / 8);
    format!("{text}{}", "x".repeat(bytes % 8))
}

pub(crate) async fn a_payload_has_a_mebibyte_and_not_a_byte_more(fixture: &mut Fixture) {
    let (log, stream) = (&fixture.log, stream("large"));
    let (largest, too_large) = (payload(MEBIBYTE), payload(MEBIBYTE + 1));
    assert_eq!((largest.len(), too_large.len()), (MEBIBYTE, MEBIBYTE + 1));
    stored(log, carrying(&stream, vec![largest.clone()])).await;
    let refused = [
        carrying(&stream, vec![too_large.clone()]),
        carrying(&stream, vec!["{}".to_owned(), too_large]),
        carrying(&stream, [vec![largest.clone(); 4], vec!["x".to_owned()]].concat()),
    ];
    for refused in refused {
        assert_eq!(log.append(refused).await, Err(AppendError::TooLarge));
    }
    stored(log, carrying(&stream, vec![largest.clone(); 4])).await;
    let payloads: Vec<String> = events_of(log, &stream).await.into_iter().map(|event| event.payload).collect();
    assert!(payloads == vec![largest; 5], "five times the same mebibyte");
}

pub(crate) async fn thousands_of_events_fit_in_one_transaction(fixture: &mut Fixture) {
    let log = &fixture.log;
    let (first, second, third) = (stream("many"), stream("many"), stream("many"));
    let many = transaction(vec![to(&first, Expected::NoStream, 1_200), to(&second, Expected::NoStream, 800)]);
    let end = stored(log, many).await;
    assert_eq!(end.0, 2_000);
    // One place is enough to ask for: the page is as long as the transaction.
    let page = log.read_all(store::Position(1_500), 1).await.expect("the log can be read");
    assert_eq!(page.len(), 500);
    assert!(history(log).await.iter().all(|event| event.transaction_end == end));
    assert_eq!((version_of(log, &first).await, version_of(log, &second).await), (1_200, 800));

    let too_many = transaction(vec![to(&third, Expected::NoStream, 4_097)]);
    assert_eq!(log.append(too_many).await, Err(AppendError::TooLarge));
    stored(log, transaction(vec![to(&third, Expected::NoStream, 4_096)])).await;
}

pub(crate) async fn more_than_a_batch_holds_is_stored_in_several(fixture: &mut Fixture) {
    let log = &fixture.log;
    let hot = stream("hot");
    // Too many transactions for one batch, then too many events, then too many bytes.
    let small = (0..1_500).map(|_| one(&hot, Expected::Any));
    let wide = (0..12).map(|_| transaction(vec![to(&hot, Expected::Any, 500)]));
    let heavy = (0..6).map(|_| carrying(&hot, vec![payload(MEBIBYTE * 9 / 10)]));
    let tickets: Vec<Ticket> = small
        .chain(wide)
        .chain(heavy)
        .map(|asked| log.submit(asked, Vec::new()).expect("the queue has room"))
        .collect();
    let mut before = 0;
    for outcome in soon(join_all(tickets.into_iter().map(Ticket::wait))).await {
        let position = outcome.expect("it is stored").position.0;
        assert!(position > before, "in the order they were submitted");
        before = position;
    }
    assert_eq!(version_of(log, &hot).await, 1_500 + 6_000 + 6);
}

/// What one database cannot hold is refused by all of them.
pub(crate) async fn what_a_database_cannot_keep_is_refused_by_all(fixture: &mut Fixture) {
    let log = &fixture.log;
    let (nul, endless) = ("a\0b", "x".repeat(1_025));
    let with_event = |change: fn(&mut NewEvent, &str), text: &str| {
        let mut asked = one(&stream("odd"), Expected::NoStream);
        change(&mut asked.appends[0].events[0], text);
        asked
    };
    let with_key = |key: Key, answer: &str| Transaction {
        key: Some(KeyedAnswer { key, request: [0; 32], answer: answer.to_owned() }),
        ..one(&stream("odd"), Expected::NoStream)
    };
    let refused = vec![
        with_event(|event, text| text.clone_into(&mut event.payload), nul),
        with_event(|event, text| text.clone_into(&mut event.event_type), nul),
        Transaction { metadata: nul.to_owned(), ..one(&stream("odd"), Expected::NoStream) },
        one(&StreamName::new("check", nul), Expected::NoStream),
        one(&StreamName::new("check", nul), Expected::Any),
        transaction(vec![to(&StreamName::new("check", nul), Expected::Any, 0)]),
        one(&StreamName::new("check", &endless), Expected::Any),
        transaction(vec![to(&StreamName::new("check", &endless), Expected::Any, 0)]),
        with_key(key(nul), "{}"),
        with_key(Key { scope: nul.to_owned(), key: String::new() }, "{}"),
        with_key(key("k"), nul),
        with_key(key(&endless), "{}"),
        with_key(Key { scope: endless, key: String::new() }, "{}"),
    ];
    let busy = busy(log);
    for (place, asked) in refused.into_iter().enumerate() {
        // Before it can meet anybody.
        let refusal = log.submit(asked, Vec::new()).err();
        assert_eq!(refusal, Some(AppendError::Unstorable), "number {place}");
    }
    let longest = "é".repeat(512);
    stored(log, one(&StreamName::new("check", &longest), Expected::NoStream)).await;
    let key = Key { scope: longest.clone(), key: longest.clone() };
    stored(log, with_key(key.clone(), "{}")).await;
    assert!(log.answer(&key).await.expect("a key can be looked up").is_some());
    soon(busy.wait()).await.expect("it is stored");
    assert_eq!(head_of(log).await.0, 4_096 + 2);
}

pub(crate) async fn a_full_queue_turns_away_and_stores_the_rest(fixture: &mut Fixture) {
    let log = &fixture.log;
    let mut tickets = Vec::new();
    let turned_away = loop {
        let stream = stream("queue");
        match log.submit(one(&stream, Expected::NoStream), Vec::new()) {
            Ok(ticket) => tickets.push(ticket),
            Err(AppendError::Overloaded) => break stream,
            Err(error) => panic!("{error}"),
        }
        assert!(tickets.len() < 1_000_000, "the queue has no end");
    };
    let accepted = tickets.len() as u64;
    for outcome in soon(join_all(tickets.into_iter().map(Ticket::wait))).await {
        outcome.expect("what was queued is stored");
    }
    assert_eq!(head_of(log).await.0, accepted);
    assert_eq!(version_of(log, &turned_away).await, 0);
    stored(log, one(&turned_away, Expected::NoStream)).await;
}

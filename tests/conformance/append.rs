//! What goes in comes out, in its place, or not at all.

use store::{Append, Committed, Expected, NewEvent, Position, Recorded, StreamName, Transaction, chain};
use uuid::Uuid;

use super::fixture::{
    Fixture, NOW, conflict, events_of, head_of, history, one, soon, stored, stream, to, transaction, version_of,
};

/// Texts that something on the way might be tempted to tidy up.
const TEXTS: [&str; 12] = [
    "{}",
    "",
    "{ \"b\" :\t1 ,\r\n\"a\" : [ 1.0e+10 , 1.00 ] , \"b\":2 }\n\n ",
    "\"\\u0000 is no NUL before somebody reads it\\u0000\"",
    "\"\\ud83d\\uDE00 \\/ \\\\u0000 \\\\\"",
    "\"naïve cafe\u{301} café Ÿ ß ſ İ ı\"",
    "\"日本語 العربية \u{202e}עברית\u{202c} \u{feff}\u{200b}\u{a0}\"",
    "\"🛒 👩‍👩‍👧‍👦 🇫🇷 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \u{10ffff} \u{10000}\"",
    "\"'; drop table events; -- $1 ?1 :a @b %s {} \\n\"",
    "\u{1}\u{7f}\u{85}\u{2028}\u{2029}",
    "12345678901234567890.12345678901234567890",
    "null",
];

pub(crate) async fn what_is_appended_is_read_back_byte_for_byte(fixture: &mut Fixture) {
    let log = &fixture.log;
    let (first, second) = (stream("texts"), StreamName::new("check", "Æ 🛒 'a\"b\\c-%_\t$1"));
    let mut expected = Vec::new();
    let mut previous = chain::genesis(log.id());
    let mut versions = [0, 0];
    for (step, metadata) in (0..).zip(TEXTS) {
        let given: Vec<NewEvent> = TEXTS
            .into_iter()
            .zip([0, 1, 2, 7, u32::MAX].into_iter().cycle())
            .map(|(payload, schema)| NewEvent {
                id: Uuid::now_v7(),
                event_type: format!("Check{schema}É🛒"),
                schema,
                payload: payload.to_owned(),
            })
            .collect();
        let end = Position(head_of(log).await.0 + given.len() as u64);
        let (left, right) = given.split_at(5);
        let appends = [(&first, left), (&second, right)];
        let asked = Transaction {
            appends: appends
                .into_iter()
                .map(|(stream, events)| Append {
                    stream: stream.clone(),
                    expected: Expected::Any,
                    events: events.to_vec(),
                })
                .collect(),
            metadata: metadata.to_owned(),
            at: NOW + step,
            key: None,
        };
        assert_eq!(stored(log, asked).await, end);
        for (place, (stream, events)) in appends.into_iter().enumerate() {
            for event in events {
                versions[place] += 1;
                let mut recorded = Recorded {
                    position: Position(expected.len() as u64 + 1),
                    stream: stream.clone(),
                    version: versions[place],
                    event_id: event.id,
                    event_type: event.event_type.clone(),
                    schema: event.schema,
                    payload: event.payload.clone(),
                    metadata: metadata.to_owned(),
                    recorded_at: NOW + step,
                    transaction_end: end,
                    hash: [0; 32],
                };
                recorded.hash = chain::link(&previous, &recorded);
                previous = recorded.hash;
                expected.push(recorded);
            }
        }
    }
    assert_eq!(history(log).await, expected);
    for name in [first, second] {
        let of_one = expected.iter().filter(|event| event.stream == name);
        assert_eq!(events_of(log, &name).await, of_one.cloned().collect::<Vec<_>>());
    }
    let head = log.head().await.expect("the head can be read");
    assert_eq!((head.position.0, head.hash), (expected.len() as u64, previous));
    assert_eq!(*log.watch().borrow(), head.position);
}

pub(crate) async fn streams_with_like_names_are_apart(fixture: &mut Fixture) {
    let names = [
        ("check", "SPRING"),
        ("check", "spring"),
        ("check", "spring "),
        ("check", " spring"),
        ("check", "sprıng"),
        ("check", "caf\u{e9}"),
        ("check", "cafe\u{301}"),
        ("check", "1"),
        ("check", "01"),
        ("check", "1.0"),
        ("check", "null"),
        ("check", "-1"),
        ("check", "a-b"),
        ("checka", "b"),
        ("checks", "SPRING"),
    ];
    for (kind, id) in names {
        stored(&fixture.log, one(&StreamName::new(kind, id), Expected::NoStream)).await;
    }
    fixture.log.append(one(&stream("other"), Expected::NoStream)).await.expect("it is new");
    for (position, (kind, id)) in (1..).zip(names) {
        let events = events_of(&fixture.log, &StreamName::new(kind, id)).await;
        assert_eq!(events.len(), 1, "{kind}-{id}");
        assert_eq!(events[0].position, Position(position));
        assert_eq!((events[0].stream.kind(), events[0].stream.id()), (kind, id));
    }
}

pub(crate) async fn time_never_goes_back(fixture: &mut Fixture) {
    let stream = stream("time");
    let asked = [NOW, NOW - 1, NOW + 5, i64::MIN, 0, NOW + 4, NOW + 6];
    for at in asked {
        stored(&fixture.log, Transaction { at, ..one(&stream, Expected::Any) }).await;
    }
    let recorded: Vec<i64> = events_of(&fixture.log, &stream).await.iter().map(|event| event.recorded_at).collect();
    let expected = [0, 0, 5, 5, 5, 5, 6].map(|later| NOW + later);
    assert_eq!(recorded, expected);
    let head = fixture.log.head().await.expect("the head can be read");
    assert_eq!(head.recorded_at, NOW + 6);
}

pub(crate) async fn an_expectation_holds_or_is_answered_with_the_version(fixture: &mut Fixture) {
    use Expected::{Any, Exact, Exists, NoStream};
    let log = &fixture.log;
    for version in [0, 1, 3] {
        for (expected, holds) in [
            (NoStream, version == 0),
            (Exact(0), version == 0),
            (Exact(1), version == 1),
            (Exact(2), false),
            (Exact(3), version == 3),
            (Exact(4), false),
            (Exact(u64::MAX), false),
            (Exists, version > 0),
            (Any, true),
        ] {
            let stream = stream("matrix");
            if version > 0 {
                let events = usize::try_from(version).expect("it is small");
                stored(log, transaction(vec![to(&stream, NoStream, events)])).await;
            }
            let before = head_of(log).await;
            let outcome = soon(log.append(transaction(vec![to(&stream, expected, 2)]))).await;
            let (outcome_then, version_then) = if holds {
                let position = Position(before.0 + 2);
                (Ok(Committed { position, stored: true, replayed: None }), version + 2)
            } else {
                (conflict(&stream, version), version)
            };
            assert_eq!(outcome, outcome_then, "{expected:?} at version {version}");
            assert_eq!(version_of(log, &stream).await, version_then);
        }
    }
}

pub(crate) async fn expectations_are_about_the_time_before_the_transaction(fixture: &mut Fixture) {
    let (log, stream) = (&fixture.log, stream("twice"));
    let twice = |first, second| transaction(vec![to(&stream, first, 2), to(&stream, second, 1)]);
    let in_turn = log.append(twice(Expected::NoStream, Expected::Exact(2))).await;
    assert_eq!(in_turn, conflict(&stream, 0));
    stored(log, twice(Expected::NoStream, Expected::Exact(0))).await;
    assert_eq!(version_of(log, &stream).await, 3);
}

pub(crate) async fn a_transaction_over_several_streams_is_stored_whole_or_not_at_all(fixture: &mut Fixture) {
    let log = &fixture.log;
    let streams: Vec<StreamName> = (0..4).map(|_| stream("together")).collect();
    let all = |expected: [Expected; 4]| {
        let appends = streams.iter().zip(expected).map(|(stream, expected)| to(stream, expected, 2));
        transaction(appends.collect())
    };
    let new = Expected::NoStream;
    for failing in 0..4 {
        let mut expected = [new; 4];
        expected[failing] = Expected::Exact(1);
        assert_eq!(log.append(all(expected)).await, conflict(&streams[failing], 0));
        assert_eq!(head_of(log).await, Position::START, "nothing of it is there");
    }
    assert_eq!(stored(log, all([new; 4])).await, Position(8));
    for failing in 0..4 {
        let mut expected = [Expected::Exact(2); 4];
        expected[failing] = new;
        assert_eq!(log.append(all(expected)).await, conflict(&streams[failing], 2));
        assert_eq!(head_of(log).await, Position(8), "nothing of it is there");
    }
    for stream in &streams {
        assert_eq!(version_of(log, stream).await, 2);
    }
    let ends: Vec<u64> = history(log).await.iter().map(|event| event.transaction_end.0).collect();
    assert_eq!(ends, [8; 8]);
}

pub(crate) async fn a_transaction_without_events_stores_nothing(fixture: &mut Fixture) {
    let (log, stream) = (&fixture.log, stream("guarded"));
    let guard = |expected| transaction(vec![to(&stream, expected, 0)]);
    let nothing = |position| Ok(Committed { position, stored: true, replayed: None });
    assert_eq!(log.append(transaction(Vec::new())).await, nothing(Position::START));
    assert_eq!(log.append(guard(Expected::NoStream)).await, nothing(Position::START));
    assert_eq!(log.append(guard(Expected::Exists)).await, conflict(&stream, 0));
    let end = stored(log, one(&stream, Expected::NoStream)).await;
    assert_eq!(log.append(guard(Expected::Exact(1))).await, nothing(end));
    assert_eq!(log.append(guard(Expected::NoStream)).await, conflict(&stream, 1));
    assert_eq!(head_of(log).await, end);
}

pub(crate) async fn a_stream_is_read_in_pages(fixture: &mut Fixture) {
    let (log, stream) = (&fixture.log, stream("pages"));
    for count in [1, 4, 2, 3] {
        stored(log, one(&super::fixture::stream("between"), Expected::Any)).await;
        stored(log, transaction(vec![to(&stream, Expected::Any, count)])).await;
    }
    let all = events_of(log, &stream).await;
    for limit in [1, 2, 3, 9, 10, 11, u32::MAX] {
        let mut read = Vec::new();
        loop {
            let page = log.read_stream(&stream, read.len() as u64, limit).await;
            let page = page.expect("a stream can be read");
            assert!(page.len() <= limit as usize);
            if page.is_empty() {
                break;
            }
            read.extend(page);
        }
        assert_eq!(read, all, "in pages of {limit}");
    }
    let beyond = log.read_stream(&stream, u64::MAX, 10).await.expect("a stream can be read");
    assert_eq!(beyond, []);
    let absent = log.read_stream(&super::fixture::stream("absent"), 0, 10).await;
    assert_eq!(absent.expect("a stream can be read"), []);
    assert_eq!(log.read_all(Position(u64::MAX), 10).await.expect("the log can be read"), []);
}

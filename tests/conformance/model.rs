//! The log against the plainest model of it: a list of events for each stream, and a rule for each question.

use std::collections::{HashMap, HashSet};

use futures::future::join_all;
use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};
use store::{
    Append, AppendError, Committed, Expected, Key, KeyedAnswer, Log, NewEvent, Position, StreamName, Ticket,
    Transaction, transaction::KEY_LIFE,
};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::fixture::{Fixture, NOW, events_of, head_of, soon};

const STREAMS: usize = 4;

/// A transaction before it is known what it meets.
#[derive(Debug, Clone)]
struct Asked {
    appends: Vec<(usize, Guess, usize)>,
    /// A key, a request, and how many days later.
    key: Option<(u8, u8)>,
    days: i64,
    derived: Option<u8>,
    rests_on: Option<Index>,
    /// Whether the answers to all before are waited for first.
    waits: bool,
}

/// What is expected of a stream: more often right than chance would have it.
#[derive(Debug, Clone, Copy)]
enum Guess {
    NoStream,
    Right,
    Wrong(u64),
    Exists,
    Any,
}

fn asked() -> impl Strategy<Value = Asked> {
    let guess = prop_oneof![
        1 => Just(Guess::NoStream),
        5 => Just(Guess::Right),
        1 => (0..4_u64).prop_map(Guess::Wrong),
        2 => Just(Guess::Exists),
        3 => Just(Guess::Any),
    ];
    let append = (0..STREAMS, guess, 0..4_usize);
    (
        prop::collection::vec(append, 0..4),
        prop::option::weighted(0.3, (0..4_u8, prop_oneof![4 => Just(0), 1 => Just(1_u8)])),
        prop_oneof![6 => Just(0), 1 => Just(3), 1 => Just(8_i64), 1 => Just(-1)],
        prop::option::weighted(0.2, 0..6_u8),
        prop::option::weighted(0.3, any::<Index>()),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(appends, key, days, derived, rests_on, waits)| Asked {
            appends,
            key,
            days,
            derived,
            rests_on,
            waits,
        })
}

/// What the log should hold.
struct Model {
    case: Uuid,
    head: u64,
    streams: [Vec<Uuid>; STREAMS],
    derived: HashSet<Uuid>,
    /// What each key stands for: the request, the place, the answer, and when it was given.
    keys: HashMap<u8, (u8, u64, String, i64)>,
}

impl Model {
    fn name(&self, stream: usize) -> StreamName {
        StreamName::new("model", format!("{stream}-{}", self.case))
    }

    fn transaction(&self, number: usize, asked: &Asked) -> Transaction {
        let mut event = 0;
        let appends = asked.appends.iter().map(|&(stream, guess, count)| {
            let version = self.streams[stream].len() as u64;
            let expected = match guess {
                Guess::NoStream => Expected::NoStream,
                Guess::Right => Expected::Exact(version),
                Guess::Wrong(wrong) => Expected::Exact(wrong),
                Guess::Exists => Expected::Exists,
                Guess::Any => Expected::Any,
            };
            let events = (0..count).map(|_| {
                event += 1;
                let id = asked.derived.map_or_else(Uuid::now_v7, |cause| Uuid::new_v5(&self.case, &[cause, event]));
                let payload = format!("\"{number}.{event}\"");
                NewEvent { id, event_type: "Modelled".to_owned(), schema: 1, payload }
            });
            Append { stream: self.name(stream), expected, events: events.collect() }
        });
        let appends = appends.collect();
        let key = asked.key.map(|(key, request)| KeyedAnswer {
            key: Key { scope: self.case.to_string(), key: key.to_string() },
            request: [request; 32],
            answer: number.to_string(),
        });
        let at = NOW + asked.days * (KEY_LIFE / 7);
        Transaction { appends, metadata: String::new(), at, key }
    }

    /// What the log should answer. `unfounded`: it rests on something that was not stored.
    fn decide(&mut self, asked: &Asked, transaction: &Transaction, unfounded: bool) -> Result<Committed, AppendError> {
        let committed = |position, stored, replayed| Ok(Committed { position: Position(position), stored, replayed });
        if unfounded {
            return Err(AppendError::Unfounded);
        }
        if let Some((key, request)) = asked.key
            && let Some((known, position, answer, made_at)) = self.keys.get(&key)
            && transaction.at < made_at + KEY_LIFE
        {
            return if *known == request {
                committed(*position, false, Some(answer.clone()))
            } else {
                Err(AppendError::KeyMismatch)
            };
        }
        let ids = || transaction.appends.iter().flat_map(|append| &append.events).map(|event| event.id);
        if asked.derived.is_some() && ids().any(|id| self.derived.contains(&id)) {
            return committed(self.head, false, None);
        }
        for (&(stream, ..), append) in asked.appends.iter().zip(&transaction.appends) {
            let actual = self.streams[stream].len() as u64;
            let holds = match append.expected {
                Expected::NoStream => actual == 0,
                Expected::Exact(version) => actual == version,
                Expected::Exists => actual > 0,
                Expected::Any => true,
            };
            if !holds {
                return Err(AppendError::Conflict { stream: self.name(stream), actual });
            }
        }
        for (&(stream, ..), append) in asked.appends.iter().zip(&transaction.appends) {
            self.streams[stream].extend(append.events.iter().map(|event| event.id));
            self.head += append.events.len() as u64;
        }
        if asked.derived.is_some() {
            self.derived.extend(ids());
        }
        if let (Some((key, request)), Some(keyed)) = (asked.key, &transaction.key) {
            let answer = (request, self.head, keyed.answer.clone(), transaction.at);
            self.keys.insert(key, answer);
        }
        committed(self.head, true, None)
    }
}

/// Asks the log and the model the same.
async fn agree(log: &Log, all: Vec<Asked>) -> Result<(), TestCaseError> {
    let mut model = Model {
        case: Uuid::now_v7(),
        head: head_of(log).await.0,
        streams: Default::default(),
        derived: HashSet::new(),
        keys: HashMap::new(),
    };
    let mut submitted: Vec<(Ticket, Result<Committed, AppendError>)> = Vec::new();
    for (number, asked) in all.iter().enumerate() {
        if asked.waits {
            for (ticket, _) in &submitted {
                soon(ticket.clone().wait()).await.ok();
            }
        }
        let rests_on = asked.rests_on.filter(|_| number > 0).map(|index| index.index(number));
        let unfounded =
            rests_on.is_some_and(|earlier| !submitted[earlier].1.as_ref().is_ok_and(|committed| committed.stored));
        let transaction = model.transaction(number, asked);
        let outcome = model.decide(asked, &transaction, unfounded);
        let rests_on = rests_on.map(|earlier| submitted[earlier].0.clone());
        let ticket = log
            .submit(transaction, rests_on.into_iter().collect())
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        submitted.push((ticket, outcome));
    }
    // All of them first: the next case must not meet what is left of a failed one.
    let (tickets, expected): (Vec<Ticket>, Vec<_>) = submitted.into_iter().unzip();
    let outcomes = soon(join_all(tickets.into_iter().map(Ticket::wait))).await;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        prop_assert_eq!(&outcome, &expected[number], "number {}", number);
    }
    for (stream, ids) in model.streams.iter().enumerate() {
        let events = events_of(log, &model.name(stream)).await;
        let stored: Vec<Uuid> = events.into_iter().map(|event| event.event_id).collect();
        prop_assert_eq!(&stored, ids);
    }
    prop_assert_eq!(head_of(log).await.0, model.head);
    Ok(())
}

pub(crate) async fn random_transactions_are_decided_as_the_model_says(fixture: &mut Fixture) {
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let cases = prop::collection::vec(asked(), 1..40);
    let (log, handle) = (fixture.log.clone(), Handle::current());
    let outcome =
        tokio::task::block_in_place(|| TestRunner::new(config).run(&cases, |all| handle.block_on(agree(&log, all))));
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

//! One order for everybody: dense positions, in commit order, for every reader at every moment.

use std::collections::HashMap;

use store::{AppendError, Expected, Follower, Position, Recorded, StreamName, Transaction};
use tokio::task::JoinSet;

use super::fixture::{Fixture, events_of, head_of, history, one, soon, stored, stream, to, transaction, version_of};

pub(crate) async fn one_winner_per_version(fixture: &mut Fixture) {
    const VERSIONS: u64 = 25;
    let (log, hot) = (&fixture.log, stream("hot"));
    let mut tasks = JoinSet::new();
    for _ in 0..32 {
        let (log, hot) = (log.clone(), hot.clone());
        tasks.spawn(async move {
            let (mut won, mut version) = (Vec::new(), 0);
            while version < VERSIONS {
                match log.append(one(&hot, Expected::Exact(version))).await {
                    Ok(committed) => {
                        version += 1;
                        won.push((version, committed.position));
                    }
                    Err(AppendError::Conflict { stream, actual }) => {
                        assert!(stream == hot && actual > version, "{actual} after {version}");
                        version = actual;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            won
        });
    }
    let mut won: Vec<(u64, Position)> = soon(tasks.join_all()).await.concat();
    won.sort_unstable();
    let events = events_of(log, &hot).await;
    let stored: Vec<_> = events.iter().map(|event| (event.version, event.position)).collect();
    assert_eq!(won, stored, "as many successes as events, one for each version");
    assert_eq!(version_of(log, &hot).await, VERSIONS);
}

/// Lets `tasks` tasks append to streams of their own and to one in common; gives all positions acknowledged, in the
/// order each task got them.
pub(crate) async fn write(log: &store::Log, tasks: usize, each: usize) -> Vec<Vec<Position>> {
    let common = stream("common");
    let mut writers = JoinSet::new();
    for task in 0..tasks {
        let (log, common, own) = (log.clone(), common.clone(), stream("own"));
        writers.spawn(async move {
            let mut acknowledged = Vec::new();
            let mut version = 0;
            for step in 0..each {
                let count = 1 + (task + step) % 3;
                let mut appends = vec![to(&own, Expected::Exact(version), count)];
                if step % 4 == 0 {
                    appends.push(to(&common, Expected::Any, 1));
                }
                version += count as u64;
                acknowledged.push(stored(&log, transaction(appends)).await);
            }
            acknowledged
        });
    }
    soon(writers.join_all()).await
}

/// The order of each stream is part of the order of all.
pub(crate) fn each_stream_is_in_order(history: &[Recorded]) {
    let mut versions: HashMap<&StreamName, u64> = HashMap::new();
    for event in history {
        let version = versions.entry(&event.stream).or_default();
        *version += 1;
        assert_eq!(event.version, *version, "{event:?}");
    }
}

pub(crate) async fn positions_are_dense_and_in_commit_order(fixture: &mut Fixture) {
    let log = &fixture.log;
    let acknowledged = write(log, 32, 12).await;
    let history = history(log).await;
    each_stream_is_in_order(&history);
    for positions in &acknowledged {
        assert!(positions.is_sorted_by(|one, next| one < next), "what came later is later");
    }
    let mut ends: Vec<Position> = acknowledged.concat();
    ends.sort_unstable();
    let mut stored: Vec<Position> = history.iter().map(|event| event.transaction_end).collect();
    stored.dedup();
    assert_eq!(ends, stored, "every answer names the end of its own transaction");
}

pub(crate) async fn pages_of_any_size_make_the_same_log(fixture: &mut Fixture) {
    let log = &fixture.log;
    write(log, 4, 10).await;
    stored(log, transaction(vec![to(&stream("long"), Expected::Any, 70)])).await;
    write(log, 4, 2).await;
    let all = history(log).await;
    for limit in [1, 2, 3, 4, 5, 7, 16, 69, 70, 71, 200, u32::MAX] {
        let mut read: Vec<Recorded> = Vec::new();
        loop {
            let after = read.last().map_or(Position::START, |event| event.position);
            let page = log.read_all(after, limit).await.expect("the log can be read");
            let Some(last) = page.last() else { break };
            assert_eq!(last.position, last.transaction_end, "a page cuts a transaction");
            read.extend(page);
        }
        assert_eq!(read, all, "in pages of {limit}");
    }
}

pub(crate) async fn a_reader_that_asks_for_more_misses_nothing(fixture: &mut Fixture) {
    const WRITTEN: u64 = 40 * 8;
    let log = fixture.log.clone();
    let mut readers = JoinSet::new();
    for limit in [1, 3, 50, 1_000] {
        let log = log.clone();
        readers.spawn(async move {
            let mut read: Vec<Recorded> = Vec::new();
            let mut head = log.watch();
            while (read.len() as u64) < WRITTEN {
                let after = Position(read.len() as u64);
                head.wait_for(|head| *head > after).await.expect("the log is open");
                let page = log.read_all(after, limit).await.expect("the log can be read");
                assert!(!page.is_empty(), "the head speaks of what can be read");
                for event in page {
                    assert_eq!(event.position.0, read.len() as u64 + 1);
                    read.push(event);
                }
            }
            read
        });
    }
    let mut writers = JoinSet::new();
    for _ in 0..8 {
        let (log, own) = (log.clone(), stream("own"));
        writers.spawn(async move {
            for _ in 0..20 {
                let position = stored(&log, transaction(vec![to(&own, Expected::Any, 2)])).await;
                assert!(*log.watch().borrow() >= position, "a writer knows what it wrote");
                assert!(head_of(&log).await >= position, "and so does the log");
            }
        });
    }
    soon(writers.join_all()).await;
    let all = history(&log).await;
    assert_eq!(all.len() as u64, WRITTEN);
    for read in soon(readers.join_all()).await {
        assert_eq!(read, all);
    }
}

/// What `follower` is given until it is at `end`.
pub(crate) async fn followed(mut follower: Follower, end: Position) -> Vec<Recorded> {
    let mut given: Vec<Recorded> = Vec::new();
    while follower.at() < end {
        let page = follower.next().await.expect("the log can be followed");
        given.extend(page.events().cloned());
        let last = given.last().expect("a page has events");
        assert_eq!((last.position, last.transaction_end), (follower.at(), follower.at()));
    }
    given
}

pub(crate) async fn a_follower_gets_everything_once_and_in_order(fixture: &mut Fixture) {
    let log = fixture.log.clone();
    write(&log, 4, 10).await;
    let before = head_of(&log).await;
    let written = 2 * before.0;
    let mut followers = JoinSet::new();
    for after in [Position::START, Position(1), Position(before.0 / 2), before] {
        // One reads at once, the other comes when most of it is gone past.
        let (at_once, late) = (log.follow(after), log.follow(after));
        followers.spawn(async move { (after, followed(at_once, Position(written)).await) });
        let mut head = log.watch();
        followers.spawn(async move {
            head.wait_for(|head| head.0 > written - 5).await.expect("the log is open");
            (after, followed(late, Position(written)).await)
        });
    }
    write(&log, 4, 10).await;
    let all = history(&log).await;
    assert_eq!(all.len() as u64, written);
    for (after, given) in soon(followers.join_all()).await {
        assert_eq!(given, all[usize::try_from(after.0).expect("it is small")..]);
    }
    let last = Transaction { at: 0, ..one(&stream("last"), Expected::Any) };
    let follower = log.follow(head_of(&log).await);
    let end = stored(&log, last).await;
    assert_eq!(soon(followed(follower, end)).await.len(), 1);
}

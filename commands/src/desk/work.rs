//! One command under way: the aggregates it is decided over, locked, and what it has decided so far.

use std::{fmt::Display, marker::PhantomData};

use cqrs_es::event_sink::EventSink;
use futures::FutureExt as _;
use store::{Append, Expected, Log, Recorded, StreamName, Ticket, Vault};
use tokio::sync::OwnedMutexGuard;

use super::{
    ShopAggregate,
    cache::{AnyAggregate, Cache, Entry},
    seal::{Decided, seal},
};
use crate::{Context, Failure};

/// How many events of a stream are read at once.
const PAGE: u32 = 1_000;

/// The aggregates that a command is decided over.
#[derive(Default)]
pub struct Members(Vec<Opening>);

/// One of the [`Members`] that a command is decided over.
pub struct Member<A> {
    place: usize,
    aggregate: PhantomData<fn() -> A>,
}

impl<A> Clone for Member<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Member<A> {}

struct Opening {
    stream: StreamName,
    fold: fn(Option<AnyAggregate>, &[Recorded]) -> Result<AnyAggregate, Failure>,
}

impl Members {
    /// Decide over the `A` with this id, too.
    pub fn add<A: ShopAggregate>(&mut self, id: impl Display) -> Member<A> {
        let stream = StreamName::new(A::TYPE, id);
        let known = self.0.iter().position(|opening| opening.stream == stream);
        let place = known.unwrap_or_else(|| {
            self.0.push(Opening { stream, fold: fold::<A> });
            self.0.len() - 1
        });
        Member { place, aggregate: PhantomData }
    }

    /// The stream of a member.
    pub(super) fn stream<A>(&self, member: Member<A>) -> &StreamName {
        &self.0[member.place].stream
    }
}

fn fold<A: ShopAggregate>(state: Option<AnyAggregate>, events: &[Recorded]) -> Result<AnyAggregate, Failure> {
    let mut state = state.unwrap_or_else(|| Box::new(A::default()));
    if let Some(aggregate) = state.downcast_mut::<A>() {
        for event in events {
            aggregate.apply(domain::event::decode(&event.event_type, event.schema, &event.payload)?);
        }
    }
    Ok(state)
}

struct Held {
    stream: StreamName,
    entry: OwnedMutexGuard<Entry>,
    state: AnyAggregate,
    version: u64,
    events: Vec<Box<dyn Decided>>,
}

/// A command under way. Dropped, it leaves nothing but aggregates that must be loaded again.
pub struct Work(Vec<Held>);

impl Work {
    /// Locks the members in the order of their names, and loads what is not remembered.
    pub(super) async fn open(cache: &Cache, log: &Log, members: &Members) -> Result<Self, Failure> {
        let mut in_order: Vec<(usize, &Opening)> = members.0.iter().enumerate().collect();
        in_order.sort_unstable_by(|(_, one), (_, other)| one.stream.cmp(&other.stream));
        let mut held = Vec::with_capacity(in_order.len());
        for (place, opening) in in_order {
            let mut entry = cache.lock(&opening.stream).await;
            entry.settle();
            let (state, version) = if let Some(remembered) = entry.state.take() {
                remembered
            } else {
                entry.landed().await;
                load(log, opening).await?
            };
            held.push((place, Held { stream: opening.stream.clone(), entry, state, version, events: Vec::new() }));
        }
        held.sort_unstable_by_key(|(place, _)| *place);
        Ok(Self(held.into_iter().map(|(_, held)| held).collect()))
    }

    /// An aggregate as it is, with what was decided so far.
    pub fn state<A: ShopAggregate>(&self, member: Member<A>) -> &A {
        let held = self.0.get(member.place).and_then(|held| held.state.downcast_ref());
        held.unwrap_or_else(|| unreachable!("a member is an aggregate of its own type"))
    }

    /// The version of an aggregate before this command.
    pub fn version<A: ShopAggregate>(&self, member: Member<A>) -> u64 {
        self.0.get(member.place).map_or(0, |held| held.version)
    }

    /// Asks an aggregate. What it decides is stored with everything else, or not at all.
    pub fn send<A: ShopAggregate>(&mut self, member: Member<A>, command: A::Command) -> Result<(), A::Error> {
        self.send_and_hear(member, command, |_| ())?;
        Ok(())
    }

    /// Asks an aggregate, and hears what it decides.
    pub fn send_and_hear<A: ShopAggregate, T>(
        &mut self,
        member: Member<A>,
        command: A::Command,
        hear: impl FnOnce(&[A::Event]) -> T,
    ) -> Result<Option<T>, A::Error> {
        let Some(held) = self.0.get_mut(member.place) else { return Ok(None) };
        let Some(aggregate) = held.state.downcast_mut::<A>() else { return Ok(None) };
        let sink = EventSink::default();
        // Aggregates ask nobody and never wait, so this is ready at once.
        let decided = aggregate.handle(command, &(), &sink).now_or_never();
        decided.unwrap_or_else(|| unreachable!("an aggregate does not wait"))?;
        let events = sink.collect().now_or_never().unwrap_or_default();
        let heard = hear(&events);
        held.events.extend(events.into_iter().map(|event| Box::new(event) as Box<dyn Decided>));
        Ok(Some(heard))
    }

    pub(super) fn has_events(&self) -> bool {
        self.0.iter().any(|held| !held.events.is_empty())
    }

    /// What this rests on and is not durable yet.
    pub(super) fn rests_on(&self) -> Vec<Ticket> {
        self.0.iter().filter_map(|held| held.entry.ticket.clone()).collect()
    }

    /// What is to be stored, with every member's version as a condition.
    pub(super) async fn appends(&mut self, vault: &Vault, context: &Context) -> Result<Vec<Append>, Failure> {
        let mut appends = Vec::with_capacity(self.0.len());
        let mut number = 0;
        for held in &mut self.0 {
            let mut events = Vec::with_capacity(held.events.len());
            let before = held.version;
            for event in held.events.drain(..) {
                events.push(seal(vault, &held.stream, event, context.event_id(number)).await?);
                number += 1;
            }
            held.version += events.len() as u64;
            appends.push(Append { stream: held.stream.clone(), expected: Expected::Exact(before), events });
        }
        Ok(appends)
    }

    /// Every member's version as a condition, and nothing to store.
    pub(super) fn guards(&self) -> Vec<Append> {
        let guard = |held: &Held| Append {
            stream: held.stream.clone(),
            expected: Expected::Exact(held.version),
            events: Vec::new(),
        };
        self.0.iter().map(guard).collect()
    }

    /// Leaves the aggregates as this command changed them, for the next one to decide on while `ticket` is open.
    pub(super) fn leave(self, ticket: &Ticket) {
        for mut held in self.0 {
            held.entry.state = Some((held.state, held.version));
            held.entry.ticket = Some(ticket.clone());
        }
    }

    /// Puts the aggregates back, but those that were changed for nothing, and answers what they rest on.
    pub(super) fn put_back(self) -> Vec<Ticket> {
        let tickets = self.rests_on();
        for mut held in self.0 {
            if held.events.is_empty() {
                held.entry.state = Some((held.state, held.version));
            }
        }
        tickets
    }
}

async fn load(log: &Log, opening: &Opening) -> Result<(AnyAggregate, u64), Failure> {
    let mut version = 0;
    let mut state = None;
    loop {
        let events = log.read_stream(&opening.stream, version, PAGE).await?;
        let last = events.last().map_or(version, |event| event.version);
        let folded = (opening.fold)(state, &events)?;
        if events.len() < PAGE as usize {
            return Ok((folded, last));
        }
        version = last;
        state = Some(folded);
    }
}

//! An event as it is told to read models: decoded, and opened where a person's key still exists.

use domain::{DomainError, Event, Personal as _};
use store::{Recorded, StoreError, Vault, vault::Place};
use uuid::Uuid;

/// An event, readable.
#[derive(Debug)]
pub struct Told<'page> {
    /// As it is in the log.
    pub recorded: &'page Recorded,
    /// What it says.
    pub event: Event,
}

/// Decodes the events of the stream types `streams`, and opens what is sealed in them. An event that cannot be read is
/// told as an error in its place.
pub(crate) async fn tell<'page>(
    vault: &Vault,
    streams: &[&str],
    events: impl Iterator<Item = &'page Recorded>,
) -> Result<Vec<(&'page Recorded, Result<Told<'page>, DomainError>)>, StoreError> {
    let mut told: Vec<_> = events
        .filter(|recorded| streams.contains(&recorded.stream.kind()))
        .map(|recorded| (recorded, decode(recorded)))
        .collect();

    let mut wanted: Vec<(Uuid, Uuid)> = Vec::new();
    for (_, event) in &mut told {
        let Ok(event) = event else { continue };
        for (_, field) in event.event.sealed_fields() {
            wanted.extend(field.ciphertext().map(|ciphertext| (ciphertext.subject.0, ciphertext.key)));
        }
    }
    if wanted.is_empty() {
        return Ok(told);
    }
    wanted.sort_unstable();
    wanted.dedup();
    let keys = vault.existing_keys(&wanted).await?;
    for (_, event) in &mut told {
        let Ok(readable) = event else { continue };
        if let Err(error) = open(readable, &keys) {
            *event = Err(error);
        }
    }
    Ok(told)
}

fn decode(recorded: &Recorded) -> Result<Told<'_>, DomainError> {
    let event = Event::decode(recorded.stream.kind(), &recorded.event_type, recorded.schema, &recorded.payload)?;
    Ok(Told { recorded, event })
}

fn open(
    told: &mut Told<'_>,
    keys: &std::collections::HashMap<(Uuid, Uuid), store::vault::PersonKey>,
) -> Result<(), DomainError> {
    for (tag, field) in told.event.sealed_fields() {
        let Some(ciphertext) = field.ciphertext() else { continue };
        let Some(key) = keys.get(&(ciphertext.subject.0, ciphertext.key)) else {
            field.open(None)?;
            continue;
        };
        let place = Place { subject: ciphertext.subject.0, stream: &told.recorded.stream, field: tag };
        let plain = key.open_hex(place, &ciphertext.nonce, &ciphertext.text);
        let plain = plain.map_err(|error| DomainError(error.to_string()))?;
        field.open(Some(&plain))?;
    }
    Ok(())
}

//! From a decided event to a stored one: personal data is sealed, then it becomes JSON.

use cqrs_es::DomainEvent;
use domain::{
    DomainError, Personal,
    sealed::{Ciphertext, SealedField},
};
use store::{NewEvent, Recorded, StreamName, Vault, chain::hex, vault::Place};
use uuid::Uuid;

use crate::Failure;

/// An event of any aggregate that is decided and not stored.
pub(super) trait Decided: Send {
    fn fields(&mut self) -> Vec<(&'static str, &mut dyn SealedField)>;
    fn stored(&self, id: Uuid) -> Result<NewEvent, DomainError>;
}

impl<E: DomainEvent + Personal> Decided for E {
    fn fields(&mut self) -> Vec<(&'static str, &mut dyn SealedField)> {
        self.sealed_fields()
    }

    fn stored(&self, id: Uuid) -> Result<NewEvent, DomainError> {
        let event_type = self.event_type();
        let fault = |error: String| DomainError(format!("{event_type} cannot be stored: {error}"));
        let schema = self.event_version().parse().map_err(|_| fault("its schema is no number".to_owned()))?;
        let payload = serde_json::to_string(self).map_err(|error| fault(error.to_string()))?;
        Ok(NewEvent { id, event_type, schema, payload })
    }
}

/// Seals what `event` says of people and writes it down. The keys are durable before this answers.
pub(super) async fn seal(
    vault: &Vault,
    stream: &StreamName,
    mut event: Box<dyn Decided>,
    id: Uuid,
) -> Result<NewEvent, Failure> {
    for (tag, field) in event.fields() {
        let Some((subject, json)) = field.unsealed() else { continue };
        let key = vault.key_of(subject.0).await?;
        let sealed = key.seal(Place { subject: subject.0, stream, field: tag }, &json?)?;
        field.seal(Ciphertext { subject, key: sealed.key, nonce: hex(&sealed.nonce), text: hex(&sealed.text) });
    }
    Ok(event.stored(id)?)
}

/// Reads a stored event, with what can still be opened of it.
pub(super) async fn unseal<E>(vault: &Vault, recorded: &Recorded) -> Result<E, Failure>
where
    E: DomainEvent + Personal + serde::de::DeserializeOwned,
{
    let mut event: E = domain::event::decode(&recorded.event_type, recorded.schema, &recorded.payload)?;
    for (tag, field) in event.sealed_fields() {
        let Some(ciphertext) = field.ciphertext() else { continue };
        let wanted = (ciphertext.subject.0, ciphertext.key);
        let keys = vault.existing_keys(&[wanted]).await?;
        let place = Place { subject: wanted.0, stream: &recorded.stream, field: tag };
        let open = |key: &store::vault::PersonKey| key.open_hex(place, &ciphertext.nonce, &ciphertext.text);
        let plain = keys.get(&wanted).map(open).transpose()?;
        field.open(plain.as_deref())?;
    }
    Ok(event)
}

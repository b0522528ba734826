//! Personal data inside events, readable only while the person's key exists.
//!
//! A decision makes a field [`Sealed::plain`]; the desk seals it before the event is stored, and the reader of the log
//! opens it again. Only ciphertext can be serialized: storing plain personal data is an error, not a habit. No
//! aggregate keeps or reads such a field, so whether it can still be opened never changes a decision.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned, ser::Error as _};

use crate::{DomainError, SubjectId};

/// A value encrypted for one person, as it is stored and hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ciphertext {
    /// Whose key opens it.
    pub subject: SubjectId,
    /// Which of the person's keys.
    pub key: uuid::Uuid,
    /// 24 bytes, hexadecimal.
    pub nonce: String,
    /// The encrypted JSON and its tag, hexadecimal.
    pub text: String,
}

/// A field that only the holder of a person's key can read.
#[derive(Clone, PartialEq, Eq)]
pub enum Sealed<T> {
    /// Readable: just decided, or opened by the reader.
    Plain {
        /// Whom it speaks of.
        subject: SubjectId,
        /// The value.
        value: T,
    },
    /// As it is stored.
    Cipher(Ciphertext),
    /// Its key is gone, and the value with it.
    Erased,
}

impl<T> Sealed<T> {
    /// `value`, which speaks of `subject`.
    pub fn plain(subject: impl Into<SubjectId>, value: T) -> Self {
        Self::Plain { subject: subject.into(), value }
    }

    /// The value, where it is readable.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Plain { value, .. } => Some(value),
            Self::Cipher(_) | Self::Erased => None,
        }
    }
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Plain { .. } | Self::Cipher(_) => "Sealed(..)",
            Self::Erased => "Erased",
        })
    }
}

impl<T> Serialize for Sealed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Cipher(ciphertext) => ciphertext.serialize(serializer),
            Self::Plain { .. } => Err(S::Error::custom("personal data must be sealed before it is stored")),
            Self::Erased => Err(S::Error::custom("an erased value cannot be stored again")),
        }
    }
}

impl<'de, T> Deserialize<'de> for Sealed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ciphertext::deserialize(deserializer).map(Self::Cipher)
    }
}

/// A [`Sealed`] field of any type, for those who seal and open.
pub trait SealedField: Send {
    /// Whom it speaks of and its value as JSON, where it waits to be sealed.
    fn unsealed(&self) -> Option<(SubjectId, Result<Vec<u8>, DomainError>)>;
    /// What is stored, where it waits to be opened.
    fn ciphertext(&self) -> Option<&Ciphertext>;
    /// Takes its stored form.
    fn seal(&mut self, ciphertext: Ciphertext);
    /// Takes its readable form from JSON, or becomes [`Sealed::Erased`] where there is none.
    fn open(&mut self, json: Option<&[u8]>) -> Result<(), DomainError>;
}

impl<T: Serialize + DeserializeOwned + Send> SealedField for Sealed<T> {
    fn unsealed(&self) -> Option<(SubjectId, Result<Vec<u8>, DomainError>)> {
        match self {
            Self::Plain { subject, value } => {
                Some((*subject, serde_json::to_vec(value).map_err(|error| DomainError(error.to_string()))))
            }
            Self::Cipher(_) | Self::Erased => None,
        }
    }

    fn ciphertext(&self) -> Option<&Ciphertext> {
        match self {
            Self::Cipher(ciphertext) => Some(ciphertext),
            Self::Plain { .. } | Self::Erased => None,
        }
    }

    fn seal(&mut self, ciphertext: Ciphertext) {
        *self = Self::Cipher(ciphertext);
    }

    fn open(&mut self, json: Option<&[u8]>) -> Result<(), DomainError> {
        let Self::Cipher(ciphertext) = self else { return Ok(()) };
        *self = match json {
            Some(json) => Self::Plain {
                subject: ciphertext.subject,
                // The value itself stays out of the error: it is personal.
                value: serde_json::from_slice(json)
                    .map_err(|_| DomainError("a sealed value has an unknown form".to_owned()))?,
            },
            None => Self::Erased,
        };
        Ok(())
    }
}

/// An event that may speak of people.
pub trait Personal {
    /// Its sealed fields, each with the tag that binds its ciphertext to this place.
    fn sealed_fields(&mut self) -> Vec<(&'static str, &mut dyn SealedField)> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_personal_data_cannot_be_stored() {
        let sealed = Sealed::plain(SubjectId(uuid::Uuid::nil()), "ana@example.fr".to_owned());
        assert!(serde_json::to_string(&sealed).is_err());
        assert_eq!(format!("{sealed:?}"), "Sealed(..)");
    }
}

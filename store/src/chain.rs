//! The chain of hashes: nobody changes, removes, inserts or swaps an event unseen.
//!
//! ```text
//! h(0) = SHA-256("webox-log-1" ‖ log id (16 bytes))
//! h(n) = SHA-256(h(n−1) ‖ be64(position) ‖ lp(stream type) ‖ lp(stream id) ‖ be64(version) ‖ event id (16 bytes)
//!        ‖ lp(event type) ‖ be32(schema) ‖ lp(payload) ‖ lp(metadata) ‖ be64(recorded at) ‖ be64(transaction end))
//! lp(x) = be32(length of x in bytes) ‖ x
//! ```
//!
//! Only what never changes is hashed, and exactly as it is stored. Sealed fields are hashed as ciphertext, so that
//! dropping a key leaves the chain whole.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Recorded;

/// A SHA-256.
pub type Hash = [u8; 32];

/// The hash of `bytes`.
pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// The hash before the first event of the log `log_id`.
pub fn genesis(log_id: Uuid) -> Hash {
    Sha256::new().chain_update(b"webox-log-1").chain_update(log_id.as_bytes()).finalize().into()
}

/// The hash of `event`, whose own `hash` is not read, after `previous`.
pub fn link(previous: &Hash, event: &Recorded) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(event.position.0.to_be_bytes());
    prefixed(&mut hasher, event.stream.kind());
    prefixed(&mut hasher, event.stream.id());
    hasher.update(event.version.to_be_bytes());
    hasher.update(event.event_id.as_bytes());
    prefixed(&mut hasher, &event.event_type);
    hasher.update(event.schema.to_be_bytes());
    prefixed(&mut hasher, &event.payload);
    prefixed(&mut hasher, &event.metadata);
    hasher.update(event.recorded_at.to_be_bytes());
    hasher.update(event.transaction_end.0.to_be_bytes());
    hasher.finalize().into()
}

fn prefixed(hasher: &mut Sha256, text: &str) {
    // Fields are far below 4 GiB: the largest is a payload of at most a mebibyte.
    hasher.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    hasher.update(text);
}

/// `bytes` in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        text
    })
}

/// The bytes that `text` spells in hexadecimal.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

//! The vault: what must be able to be forgotten, and what must never be in the log.
//!
//! Every person's data is sealed under a key of that person's (XChaCha20-Poly1305). Dropping the key erases the data in
//! the log, its copies and its backups at once, and leaves the chain of hashes whole. The vault has short-lived backups
//! of its own, so that a dropped key does not come back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use sqlx::Row as _;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::{Db, StoreError, StreamName, Target, chain::unhex, db::Durability, on_db};

const NEWEST_KEY: &str = "select id, key from keys where subject = $1 order by created_at desc, id desc limit 1";

/// How many keys are remembered before all are forgotten.
const MAX_KEYS: usize = 20_000;

/// A value sealed for one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBytes {
    /// Which of the person's keys.
    pub key: Uuid,
    /// Drawn for this value alone.
    pub nonce: [u8; 24],
    /// The encrypted value and its tag.
    pub text: Vec<u8>,
}

/// Where a sealed value belongs: it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Whom it speaks of.
    pub subject: Uuid,
    /// The stream it is in.
    pub stream: &'a StreamName,
    /// The field it is in.
    pub field: &'a str,
}

impl Place<'_> {
    fn associated_data(&self) -> String {
        format!("{}|{}|{}", self.subject, self.stream, self.field)
    }
}

/// A person's key.
#[derive(Clone)]
pub struct PersonKey {
    id: Uuid,
    cipher: XChaCha20Poly1305,
}

/// Keys and secrets. Clones share one store.
#[derive(Clone)]
pub struct Vault {
    db: Db,
    keys: Arc<Mutex<Remembered>>,
    tasks: TaskTracker,
}

/// Keys by subject. Nothing is remembered of a vault that other processes use too: they may drop a key.
#[derive(Default)]
struct Remembered {
    keys: HashMap<Uuid, PersonKey>,
    /// How often something was dropped: what was fetched before may be gone.
    drops: u64,
}

impl Vault {
    /// Opens the vault, and makes it where it is missing.
    pub async fn open(target: &Target) -> Result<Self, StoreError> {
        let db = Db::open(target, Durability::Full).await?;
        match &db {
            Db::Sqlite { write, .. } => {
                sqlx::migrate!("../migrations/vault/sqlite").run(write).await?;
            }
            Db::Postgres { write, .. } => {
                sqlx::migrate!("../migrations/vault/postgres").run(write).await?;
            }
        }
        Ok(Self { db, keys: Arc::default(), tasks: TaskTracker::new() })
    }

    /// The shop's secret `name`: 32 bytes, drawn when it is first asked for, the same for every process since.
    pub async fn secret(&self, name: &str) -> Result<Secret, StoreError> {
        let drawn = random::<32>()?;
        on_db!(&self.db, write, |pool| {
            sqlx::query("insert into secrets (name, value) values ($1, $2) on conflict (name) do nothing")
                .bind(name)
                .bind(drawn.as_slice())
                .execute(pool)
                .await?;
        });
        let value: Vec<u8> = on_db!(&self.db, write, |pool| {
            sqlx::query_scalar("select value from secrets where name = $1").bind(name).fetch_one(pool).await?
        });
        let value = value.try_into().map_err(|_| StoreError::Corrupt("a secret has 32 bytes".to_owned()))?;
        Ok(Secret(value))
    }

    /// The key of `subject`, made and durable before this answers.
    pub async fn key_of(&self, subject: Uuid) -> Result<PersonKey, StoreError> {
        let drops = {
            let remembered = self.remembered();
            if let Some(key) = remembered.keys.get(&subject) {
                return Ok(key.clone());
            }
            remembered.drops
        };
        if let Db::Postgres { read, .. } = &self.db
            && let Some(row) = sqlx::query(NEWEST_KEY).bind(subject).fetch_optional(read).await?
        {
            return PersonKey::read(row.try_get("id")?, &row.try_get::<Vec<u8>, _>("key")?);
        }
        // In a task of its own: a caller that goes away must not leave a session inside a transaction.
        let db = self.db.clone();
        let made = self.tasks.spawn(async move { make_key(&db, subject).await }).await;
        let key = made.map_err(|error| StoreError::Corrupt(format!("a write panicked: {error}")))??;
        let mut remembered = self.remembered();
        if remembered.drops == drops && !self.db.is_postgres() {
            if remembered.keys.len() >= MAX_KEYS {
                remembered.keys.clear();
            }
            remembered.keys.insert(subject, key.clone());
        }
        Ok(key)
    }

    /// The keys of `wanted` (subject and key id) that still exist.
    pub async fn existing_keys(&self, wanted: &[(Uuid, Uuid)]) -> Result<HashMap<(Uuid, Uuid), PersonKey>, StoreError> {
        let mut found = HashMap::new();
        let mut missing = Vec::new();
        {
            let remembered = self.remembered();
            for &(subject, id) in wanted {
                match remembered.keys.get(&subject).filter(|key| key.id == id) {
                    Some(key) => {
                        found.insert((subject, id), key.clone());
                    }
                    None => missing.push((subject, id)),
                }
            }
        }
        for (subject, id, key) in self.read_keys(&missing).await? {
            found.insert((subject, id), PersonKey::read(id, &key)?);
        }
        Ok(found)
    }

    /// The stored keys with these ids, in one query.
    async fn read_keys(&self, wanted: &[(Uuid, Uuid)]) -> Result<Vec<(Uuid, Uuid, Vec<u8>)>, StoreError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = wanted.iter().map(|(_, id)| *id).collect();
        Ok(match &self.db {
            Db::Sqlite { read, .. } => {
                let ids: Vec<String> = ids.iter().map(|id| format!("\"{}\"", id.simple())).collect();
                sqlx::query_as("select subject, id, key from keys where id in (select unhex(value) from json_each($1))")
                    .bind(format!("[{}]", ids.join(",")))
                    .fetch_all(read)
                    .await?
            }
            Db::Postgres { read, .. } => {
                sqlx::query_as("select subject, id, key from keys where id = any($1)").bind(ids).fetch_all(read).await?
            }
        })
    }

    /// Drops every key of `subject`: nothing that was sealed for this person can be read again. Answers how many keys
    /// there were.
    pub async fn forget(&self, subject: Uuid) -> Result<u64, StoreError> {
        let db = self.db.clone();
        let dropped = self
            .tasks
            .spawn(async move {
                let dropped = on_db!(&db, write, |pool| {
                    sqlx::query("delete from keys where subject = $1")
                        .bind(subject)
                        .execute(pool)
                        .await?
                        .rows_affected()
                });
                db.shed().await?;
                Ok::<_, sqlx::Error>(dropped)
            })
            .await
            .map_err(|error| StoreError::Corrupt(format!("a write panicked: {error}")))??;
        let mut remembered = self.remembered();
        remembered.keys.remove(&subject);
        remembered.drops += 1;
        drop(remembered);
        Ok(dropped)
    }

    /// Whether the vault can be read.
    pub async fn answers(&self) -> Result<(), StoreError> {
        self.db.answers().await
    }

    /// Ends what is under way, then closes.
    pub async fn close(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.db.close().await;
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The newest key of `subject`; where there is none, a new one.
async fn make_key(db: &Db, subject: Uuid) -> Result<PersonKey, StoreError> {
    // SQLite must know from the start that this writes: one that read before cannot wait for another writer.
    let begin = if db.is_postgres() { "begin" } else { "begin immediate" };
    on_db!(db, write, |pool| {
        let mut transaction = pool.begin_with(begin).await?;
        let found = sqlx::query(NEWEST_KEY).bind(subject).fetch_optional(&mut *transaction).await?;
        let key = if let Some(row) = found {
            PersonKey::read(row.try_get("id")?, &row.try_get::<Vec<u8>, _>("key")?)?
        } else {
            let (id, key) = (Uuid::now_v7(), random::<32>()?);
            let made_at = i64::try_from(id.get_timestamp().map_or(0, |time| time.to_unix().0)).unwrap_or(i64::MAX);
            sqlx::query("insert into keys (subject, id, key, created_at) values ($1, $2, $3, $4)")
                .bind(subject)
                .bind(id)
                .bind(key.as_slice())
                .bind(made_at)
                .execute(&mut *transaction)
                .await?;
            PersonKey::read(id, &key)?
        };
        transaction.commit().await?;
        Ok(key)
    })
}

impl PersonKey {
    fn read(id: Uuid, key: &[u8]) -> Result<Self, StoreError> {
        let cipher = XChaCha20Poly1305::new_from_slice(key)
            .map_err(|_| StoreError::Corrupt("a person's key has 32 bytes".to_owned()))?;
        Ok(Self { id, cipher })
    }

    /// Seals `plain` for its place.
    pub fn seal(&self, place: Place<'_>, plain: &[u8]) -> Result<SealedBytes, StoreError> {
        let nonce = random::<24>()?;
        let place = place.associated_data();
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let text = self
            .cipher
            .encrypt(XNonce::from_slice(&nonce), payload)
            .map_err(|_| StoreError::Corrupt("a value could not be sealed".to_owned()))?;
        Ok(SealedBytes { key: self.id, nonce, text })
    }

    /// Opens what was sealed for this place and is written in hexadecimal.
    pub fn open_hex(&self, place: Place<'_>, nonce: &str, text: &str) -> Result<Vec<u8>, StoreError> {
        let malformed = || StoreError::Corrupt("a sealed value has an unknown form".to_owned());
        let nonce = unhex(nonce).and_then(|nonce| nonce.try_into().ok()).ok_or_else(malformed)?;
        let text = unhex(text).ok_or_else(malformed)?;
        self.open(place, &SealedBytes { key: self.id, nonce, text })
    }

    /// Opens what was sealed for this place.
    pub fn open(&self, place: Place<'_>, sealed: &SealedBytes) -> Result<Vec<u8>, StoreError> {
        let place = place.associated_data();
        let payload = Payload { msg: &sealed.text, aad: place.as_bytes() };
        self.cipher
            .decrypt(XNonce::from_slice(&sealed.nonce), payload)
            .map_err(|_| StoreError::Corrupt("a sealed value was altered or moved".to_owned()))
    }
}

/// A secret of the shop's: never shown, only used.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// The HMAC-SHA-256 of `text` for `purpose`. Different purposes never give the same answer.
    pub fn sign(&self, purpose: &str, text: &[u8]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(&self.0)
            .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        mac.update(&u32::try_from(purpose.len()).unwrap_or(u32::MAX).to_be_bytes());
        mac.update(purpose.as_bytes());
        mac.update(text);
        mac.finalize().into_bytes().into()
    }
}

/// Random bytes from the operating system.
pub fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::File(std::io::Error::other(error.to_string())))?;
    Ok(bytes)
}

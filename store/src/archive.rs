//! The archive: documents that are kept as they were first made, such as the PDF of an invoice.
//!
//! What is kept is sealed as personal data in the log is: under a key of the vault, so that dropping the key drops the
//! document. Its hash tells whether it is what was made.

use sqlx::Row as _;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::{
    Db, StoreError, StreamName, Target, Vault,
    chain::{Hash, sha256},
    db::Durability,
    on_db,
    vault::{Place, SealedBytes},
};

/// Kept documents. Clones share one store.
#[derive(Clone)]
pub struct Archive {
    db: Db,
    vault: Vault,
    tasks: TaskTracker,
}

/// The field that documents are sealed for.
const FIELD: &str = "document";

impl Archive {
    /// Opens the archive, and makes it where it is missing. Its documents are sealed under keys of `vault`.
    pub async fn open(target: &Target, vault: Vault) -> Result<Self, StoreError> {
        let db = Db::open(target, Durability::Full).await?;
        match &db {
            Db::Sqlite { write, .. } => {
                sqlx::migrate!("../migrations/archive/sqlite").run(write).await?;
            }
            Db::Postgres { write, .. } => {
                sqlx::migrate!("../migrations/archive/postgres").run(write).await?;
            }
        }
        Ok(Self { db, vault, tasks: TaskTracker::new() })
    }

    /// Keeps `document` of `stream` under the key of `subject`, unless one is kept already. Answers the hash of the one
    /// that is kept, and its length in bytes.
    pub async fn keep(
        &self,
        stream: &StreamName,
        subject: Uuid,
        document: Vec<u8>,
    ) -> Result<(Hash, usize), StoreError> {
        let this = self.clone();
        let stream_kept = stream.clone();
        // In a task of its own: a caller that goes away must not leave a session inside a transaction.
        let kept = self.tasks.spawn(async move { this.write(&stream_kept, subject, &document).await }).await;
        kept.map_err(|error| StoreError::Corrupt(format!("a write panicked: {error}")))??;
        let kept = self.read(stream).await?;
        let kept = kept.ok_or_else(|| StoreError::Corrupt(format!("the document of {stream} was not kept")))?;
        Ok((sha256(&kept), kept.len()))
    }

    async fn write(&self, stream: &StreamName, subject: Uuid, document: &[u8]) -> Result<(), StoreError> {
        let key = self.vault.key_of(subject).await?;
        let SealedBytes { key, nonce, text } = key.seal(Place { subject, stream, field: FIELD }, document)?;
        on_db!(&self.db, write, |pool| {
            sqlx::query(
                "insert into documents (name, sha256, subject, key, nonce, content) values ($1, $2, $3, $4, $5, $6)
                 on conflict (name) do nothing",
            )
            .bind(stream.to_string())
            .bind(sha256(document).as_slice())
            .bind(subject)
            .bind(key)
            .bind(nonce.as_slice())
            .bind(text)
            .execute(pool)
            .await?;
        });
        Ok(())
    }

    /// The document of `stream`; `None` where none is kept, or where its key was dropped.
    pub async fn read(&self, stream: &StreamName) -> Result<Option<Vec<u8>>, StoreError> {
        const FIND: &str = "select sha256, subject, key, nonce, content from documents where name = $1";
        let found = on_db!(&self.db, read, |pool| {
            let row = sqlx::query(FIND).bind(stream.to_string()).fetch_optional(pool).await?;
            match row {
                None => None,
                Some(row) => Some(Kept {
                    sha256: row.try_get("sha256")?,
                    subject: row.try_get("subject")?,
                    key: row.try_get("key")?,
                    nonce: row.try_get("nonce")?,
                    content: row.try_get("content")?,
                }),
            }
        });
        match found {
            None => Ok(None),
            Some(kept) => kept.open(&self.vault, stream).await,
        }
    }

    /// Whether the archive can be read.
    pub async fn answers(&self) -> Result<(), StoreError> {
        self.db.answers().await
    }

    /// Ends what is under way, then closes.
    pub async fn close(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.db.close().await;
    }
}

/// A row.
struct Kept {
    sha256: Vec<u8>,
    subject: Uuid,
    key: Uuid,
    nonce: Vec<u8>,
    content: Vec<u8>,
}

impl Kept {
    async fn open(self, vault: &Vault, stream: &StreamName) -> Result<Option<Vec<u8>>, StoreError> {
        let altered = || StoreError::Corrupt(format!("the document of {stream} was altered"));
        let wanted = (self.subject, self.key);
        let keys = vault.existing_keys(&[wanted]).await?;
        let Some(key) = keys.get(&wanted) else { return Ok(None) };
        let nonce = self.nonce.try_into().map_err(|_| altered())?;
        let sealed = SealedBytes { key: self.key, nonce, text: self.content };
        let document = key.open(Place { subject: self.subject, stream, field: FIELD }, &sealed)?;
        if sha256(&document).as_slice() == self.sha256 { Ok(Some(document)) } else { Err(altered()) }
    }
}

//! The data folder belongs to one process at a time.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use crate::StoreError;

/// A data folder that this process alone may write to, for as long as this value lives.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    lock: File,
}

impl DataFolder {
    /// Makes the folder where it is missing, and takes it. Another process that has it is named in the refusal, with
    /// what it said of itself in [`DataFolder::announce`].
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(path)?;
        let mut lock =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path.join("webox.lock"))?;
        match lock.try_lock() {
            Ok(()) => {
                lock.set_len(0)?;
                Ok(Self { path: path.to_owned(), lock })
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                lock.read_to_string(&mut holder)?;
                let holder = if holder.is_empty() { "another process".to_owned() } else { holder };
                Err(StoreError::InUse { path: path.display().to_string(), holder })
            }
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells a process that comes later who has the folder.
    pub fn announce(&mut self, holder: &str) -> Result<(), StoreError> {
        self.lock.set_len(0)?;
        self.lock.rewind()?;
        self.lock.write_all(holder.as_bytes())?;
        Ok(())
    }
}

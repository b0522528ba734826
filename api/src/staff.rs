//! The staff's token, until people have accounts.

use std::{fs, io::Write as _, path::Path};

use anyhow::{Context as _, ensure};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

/// Where a demo shop keeps the token it has drawn.
pub(crate) const FILE: &str = "admin.token";

/// The fewest characters a token may have.
const SHORTEST: usize = 32;

/// A token from the settings, if nobody could guess it.
pub(crate) fn check(token: String) -> anyhow::Result<String> {
    ensure!(token.len() >= SHORTEST, "WEBOX_ADMIN_TOKEN must have at least {SHORTEST} characters");
    Ok(token)
}

/// The token of a demo shop: the one in its folder, or a new one that only its owner can read.
pub(crate) fn of_demo(folder: &Path) -> anyhow::Result<String> {
    let path = folder.join(FILE);
    if let Ok(token) = fs::read_to_string(&path) {
        return check(token.trim().to_owned()).with_context(|| format!("{} is damaged: remove it", path.display()));
    }
    let token = BASE64_URL_SAFE_NO_PAD.encode(store::vault::random::<32>()?);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&path)?.write_all(token.as_bytes())?;
    Ok(token)
}

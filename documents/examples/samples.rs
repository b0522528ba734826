//! Writes sample documents to look at: `cargo run -p documents --example samples -- FOLDER`.

use std::{env, error::Error, fs, path::PathBuf};

#[expect(clippy::unwrap_used, reason = "shared with the tests, where what cannot go on panics")]
#[path = "../tests/pdf/samples.rs"]
mod samples;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::args().nth(1).ok_or("usage: samples FOLDER")?);
    fs::create_dir_all(&folder)?;
    for (name, invoice) in samples::all() {
        fs::write(folder.join(name).with_extension("pdf"), documents::pdf(&invoice)?)?;
    }
    Ok(())
}

//! The program `webox` itself, as a process that can be killed.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use api::Config;

use crate::shop::STAFF;

/// The program, built from what is here: an older one must not stand in for it.
pub fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let this = std::env::current_exe().expect("the tests know where they are");
        let folder = this.parent().and_then(Path::parent).expect("the tests are in deps");
        let (target, profile) = (folder.parent().expect("a target folder"), folder.file_name());
        let profile = profile.filter(|name| *name != "debug").unwrap_or("dev".as_ref());
        let mut cargo = Command::new(env!("CARGO"));
        for (name, _) in std::env::vars_os() {
            let bytes = name.as_encoded_bytes();
            // What cargo says of the tests' package is none of the build's business: some would build anew for it.
            if bytes.starts_with(b"CARGO_PKG_") || bytes.starts_with(b"CARGO_MANIFEST_") {
                cargo.env_remove(name);
            }
        }
        let built = cargo
            // Together with the tests, so that its dependencies are those that are built already.
            .args(["build", "--locked", "--quiet", "-p", "api", "-p", "tests", "--bin", "webox"])
            .arg("--target-dir")
            .arg(target)
            .arg("--profile")
            .arg(profile)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the program does not build");
        folder.join("webox")
    })
}

/// The program with these settings, and none from the environment.
pub fn webox(config: &Config) -> Command {
    let mut command = Command::new(built());
    command.env_clear().env("WEBOX_ADMIN_TOKEN", STAFF).stdin(Stdio::null());
    command.args(["--listen", "127.0.0.1:0", "--sandbox-payments", "--log-level", "error"]);
    command.arg("--data").arg(&config.data);
    if let Some(shop) = &config.shop {
        command.arg("--shop").arg(shop);
    }
    for (flag, store) in [("--log", &config.log), ("--database", &config.database)] {
        if let Some(store) = store {
            command.args([flag, store]);
        }
    }
    command
}

/// A shop that is served by a process of its own.
pub struct Process {
    child: Child,
    /// Where it is served.
    pub url: String,
}

impl Process {
    /// Starts it and waits until it says where it is served.
    pub fn start(config: &Config) -> Self {
        let mut child = webox(config).stdout(Stdio::piped()).spawn().expect("the program starts");
        let stdout = child.stdout.as_mut().expect("a pipe");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("the program says where it is");
        let url = line.trim().split_once(" on ").map(|(_, url)| url.to_owned());
        let url = url.unwrap_or_else(|| panic!("no address: {line:?}"));
        Self { child, url }
    }

    /// Ends it as a power cut would: it hears nothing of it.
    pub fn kill(&mut self) {
        self.child.kill().expect("the process is there");
        self.child.wait().expect("the process ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

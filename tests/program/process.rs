//! `webox` as a process of its own.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use tests::{
    program::built,
    shop::{SHOP, folder},
};

/// A folder, and how the program is called in it.
pub(super) struct Place {
    pub(super) folder: PathBuf,
    settings: Vec<(String, String)>,
}

/// What a call came to.
pub(super) struct Said {
    pub(super) status: ExitStatus,
    pub(super) out: String,
    pub(super) err: String,
}

impl Place {
    pub(super) fn new() -> Self {
        Self { folder: folder(), settings: Vec::new() }
    }

    /// The same folder with this in the environment.
    pub(super) fn with(&self, name: &str, value: impl Into<String>) -> Self {
        let mut settings = self.settings.clone();
        settings.push((name.to_owned(), value.into()));
        Self { folder: self.folder.clone(), settings }
    }

    /// The same folder with a log that is named, and the file of a shop: one that sells.
    pub(super) fn live(&self, log: impl Into<String>) -> Self {
        let shop = self.folder.join("shop.json");
        std::fs::write(&shop, SHOP).expect("the file of the shop is written");
        self.with("WEBOX_LOG", log).with("WEBOX_SHOP", shop.display().to_string())
    }

    pub(super) fn data(&self, file: &str) -> PathBuf {
        self.folder.join("data").join(file)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(built());
        let settings = self.settings.iter().map(|(name, value)| (name, value));
        command.args(arguments).current_dir(&self.folder).env_clear().envs(settings).stdin(Stdio::null());
        command
    }

    /// Runs the program to its end, which has to come by itself.
    pub(super) fn run(&self, arguments: &[&str]) -> Said {
        self.run_and(arguments, |_| {})
    }

    /// Runs the program, and presses Ctrl-C after a while.
    pub(super) fn interrupt(&self, arguments: &[&str], after: Duration) -> Said {
        self.run_and(arguments, |child| {
            std::thread::sleep(after);
            send(child, "INT");
        })
    }

    fn run_and(&self, arguments: &[&str], meanwhile: impl FnOnce(&Child)) -> Said {
        let mut command = self.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            err.read_to_string(&mut text).map(|_| text)
        });
        let output = std::thread::spawn(move || {
            let mut text = String::new();
            out.read_to_string(&mut text).map(|_| text)
        });
        meanwhile(&child);
        let status = wait(&mut child);
        Said { status, out: output.join().unwrap().unwrap(), err: errors.join().unwrap().unwrap() }
    }

    /// Serves until it is told to stop.
    pub(super) fn serve(&self) -> Served {
        let mut command = self.command(&["--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = String::new();
        let url = loop {
            let line = lines.next().expect("it ended before it served").unwrap();
            said.push_str(&line);
            said.push('\n');
            if let Some(address) = line.split("http://").nth(1) {
                break format!("http://{}", address.split_whitespace().next().unwrap());
            }
        };
        // One more line says how the staff comes in.
        said.push_str(&lines.next().unwrap().unwrap());
        Served { child, url, said }
    }
}

/// The program, serving.
pub(super) struct Served {
    child: Child,
    pub(super) url: String,
    /// What it said when it began.
    pub(super) said: String,
}

impl Served {
    /// Asks it to stop, as a service manager does.
    pub(super) fn terminate(&self) {
        send(&self.child, "TERM");
    }

    /// Waits for its end.
    pub(super) fn end(mut self) -> ExitStatus {
        wait(&mut self.child)
    }

    /// Stops it, which is no failure.
    pub(super) fn stop(self) {
        self.terminate();
        let status = self.end();
        assert_eq!(status.code(), Some(0), "it ends with {status}");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn send(child: &Child, signal: &str) {
    let kill = format!("kill -{signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

fn wait(child: &mut Child) -> ExitStatus {
    for _ in 0..1_200 {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = child.kill();
    panic!("the program does not end");
}

impl Said {
    /// It was done, and this was said.
    #[track_caller]
    pub(super) fn done(&self, words: &[&str]) {
        assert!(self.status.success(), "{}\n{}\n{}", self.status, self.out, self.err);
        for word in words {
            assert!(self.out.contains(word), "{word:?} is not in {:?}", self.out);
        }
    }

    /// It was refused, and this was said.
    #[track_caller]
    pub(super) fn refused(&self, words: &[&str]) {
        assert_eq!(self.status.code(), Some(1), "{}\n{}", self.out, self.err);
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not in {:?}", self.err);
        }
        assert!(!self.err.contains("panicked"), "{}", self.err);
    }
}

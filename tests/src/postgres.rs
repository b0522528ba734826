//! A private PostgreSQL cluster that the tests start themselves, so that `cargo test` needs the
//! server programs on the machine and nothing else: no running service, no account, no clean-up.
//!
//! The server runs under a small shell supervisor that holds the reading end of a pipe. The kernel
//! closes the writing end however the test process ends, SIGKILL included, and the supervisor then
//! stops the server and removes its folder. A destructor alone could not promise that: statics are
//! never dropped, and a killed process drops nothing.
//!
//! Whatever fails here panics and says why: no test can go on without its database.

use std::collections::hash_map::RandomState;
use std::fmt::Display;
use std::fs::{self, DirBuilder, File};
use std::hash::{BuildHasher, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Obeys one order per line of its standard input and answers each with one word. The 30 seconds
/// are counted here, so that no answer is ever waited for without end. It ignores the signals that
/// would end it before its server, and a pipe whose reader is gone.
const SUPERVISOR: &str = r#"
trap '' HUP INT TERM PIPE
programs=$1 folder=$2 server=

start() {
    [ -d "$folder/data" ] || "$programs/initdb" --pgdata="$folder/data" --username=postgres \
        --auth=trust --data-checksums --encoding=UTF8 --locale=C.UTF-8 --no-sync \
        </dev/null >&2 || { echo failed; return; }
    "$programs/postgres" -D "$folder/data" -p "$1" -c listen_addresses=127.0.0.1 \
        -c unix_socket_directories="$folder" -c max_connections=200 -c timezone=UTC \
        -c fsync=on -c synchronous_commit=on -c full_page_writes=on </dev/null >&2 &
    server=$!
    deadline=$(($(date +%s) + 30))
    until "$programs/pg_isready" -q -t 1 -h "$folder" -p "$1"; do
        kill -0 "$server" 2>/dev/null || { echo ended; return; }
        [ "$(date +%s)" -lt "$deadline" ] || { echo silent; return; }
        sleep 0.05
    done
    echo ready
}
stop() {
    [ -n "$server" ] || return 0
    kill -QUIT "$server" 2>/dev/null
    wait "$server"
    server=
}
while read -r order port; do
    case $order in
        start) start "$port" ;;
        stop) stop; echo stopped ;;
    esac
done
stop
cd / && rm -rf "$folder"
"#;

/// The URL of a brand-new, empty database. It lies on the cluster of this process, which the first
/// call starts, or on the server that `WEBOX_TEST_POSTGRES` names: the URL of a superuser, such as
/// `postgres://user:password@host:5432/postgres`. A named server keeps the databases afterwards.
pub fn database() -> String {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    match std::env::var("WEBOX_TEST_POSTGRES") {
        Ok(server) if !server.is_empty() => {
            let programs = sure(folder_with(&["psql"]));
            sure(create_database(&programs, &server))
        }
        _ => CLUSTER.get_or_init(Cluster::start).database(),
    }
}

/// A PostgreSQL server of its own, on the loopback address only and as durable as a real one:
/// `fsync`, `synchronous_commit`, `full_page_writes` and data checksums are on. Dropping it stops
/// the server and removes the data.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    supervisor: Mutex<Supervisor>,
}

impl Cluster {
    /// Makes a new cluster and waits until it answers, for 30 seconds at most.
    pub fn start() -> Self {
        sure(Self::try_start())
    }

    /// The URL of a brand-new, empty database on this cluster.
    pub fn database(&self) -> String {
        let server = format!("postgres://postgres@127.0.0.1:{}/postgres", self.port);
        sure(create_database(&self.programs, &server))
    }

    /// Stops the server at once, as a crash would (every connection breaks, no checkpoint is
    /// written), and starts it again on the same port and data, so that it has to recover.
    pub fn restart(&self) {
        let mut supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner);
        sure(supervisor.obey("stop"));
        let answer = sure(supervisor.obey(&format!("start {}", self.port)));
        sure((answer == "ready").then_some(()).ok_or_else(|| failure_of(&self.folder)));
    }

    fn try_start() -> Result<Self, String> {
        let programs = folder_with(&["initdb", "postgres", "pg_isready", "psql"])?;
        let folder = new_folder()?;
        let mut supervisor =
            Supervisor::spawn(&programs, &folder).inspect_err(|_| drop(fs::remove_dir_all(&folder)))?;
        // Another process may take the port between the look and the start: then the next one.
        for port in std::iter::repeat_with(free_port).take(5) {
            let answer = supervisor.obey(&format!("start {port}"))?;
            if answer == "ready" {
                let supervisor = Mutex::new(supervisor);
                return Ok(Self { programs, folder, port, supervisor });
            } else if answer != "ended" {
                break;
            }
        }
        Err(failure_of(&folder))
    }
}

/// The shell between the test process and the server.
#[derive(Debug)]
struct Supervisor {
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Supervisor {
    /// Starts the shell in a process group of its own, because Ctrl-C on the tests must leave it
    /// the time to clean up, and without the `PG…` settings of whoever runs the tests.
    fn spawn(programs: &Path, folder: &Path) -> Result<Self, String> {
        let log = File::create(folder.join("log")).map_err(about("no log of PostgreSQL"))?;
        let mut command = Command::new("sh");
        command.args(["-c", SUPERVISOR, "supervisor"]).args([programs, folder]).current_dir(folder);
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        let owner = fs::metadata(folder).map_err(about("the folder of PostgreSQL is gone"))?;
        if owner.uid() == 0 {
            let (user, group) = unprivileged_account()?;
            chown(folder, Some(user), Some(group)).map_err(about("the folder keeps its owner"))?;
            command.uid(user).gid(group);
        }
        command.env("LC_ALL", "C").process_group(0).stderr(log);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let lack = format!("`sh` for PostgreSQL does not start in {}", folder.display());
        let mut process = command.spawn().map_err(about(&lack))?;
        let answers = process.stdout.take().map(BufReader::new).ok_or("no pipe to answer on")?;
        Ok(Self { process, answers })
    }

    fn obey(&mut self, order: &str) -> Result<String, String> {
        let gone = about("the PostgreSQL supervisor is gone");
        let mut answer = String::new();
        let orders = self.process.stdin.as_mut().ok_or("no pipe to give orders on")?;
        writeln!(orders, "{order}").map_err(&gone)?;
        self.answers.read_line(&mut answer).map_err(&gone)?;
        Ok(answer.trim_end().to_owned())
    }
}

impl Drop for Supervisor {
    /// `wait` first closes the pipe, which is the order to stop and clean up.
    fn drop(&mut self) {
        self.process.wait().ok();
    }
}

/// A port that nobody listens on, from below the range out of which systems serve outgoing
/// connections: none of those can take the port while the server restarts.
fn free_port() -> u16 {
    std::iter::repeat_with(|| u16::try_from(20_000 + random() % 12_000).unwrap_or(20_000))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("an endless iterator ends only by finding")
}

/// Makes a folder that nobody else can read. The name is short because the path of a Unix socket
/// has room for a hundred characters only.
fn new_folder() -> Result<PathBuf, String> {
    let name = format!("webox-pg-{}-{:x}", std::process::id(), random() >> 32);
    let folder = std::env::temp_dir().join(name);
    let made = DirBuilder::new().mode(0o700).create(&folder);
    made.map_err(about(&folder.to_string_lossy())).map(|()| folder)
}

/// The folder that holds all the programs: the newest of the Debian packages, which keep them out
/// of the PATH, else where `pg_config` points, else a folder of the PATH.
fn folder_with(programs: &[&str]) -> Result<PathBuf, String> {
    let packages = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<u32> = packages.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    versions.sort_unstable();
    let package = |version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"));
    let mut folders: Vec<PathBuf> = versions.into_iter().rev().map(package).collect();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let complete = |folder: &PathBuf| programs.iter().all(|name| folder.join(name).is_file());
    folders.into_iter().find(complete).ok_or_else(|| {
        let names = programs.join(", ");
        format!("PostgreSQL is missing ({names}): get it with `apt-get install postgresql`")
    })
}

/// The user and group to run as instead of root, as whom PostgreSQL refuses to run.
fn unprivileged_account() -> Result<(u32, u32), String> {
    let accounts = fs::read_to_string("/etc/passwd").map_err(about("/etc/passwd"))?;
    let account = |name| {
        let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(|field| field.parse().ok());
        Some((fields.next()??, fields.next()??))
    };
    let lack = "PostgreSQL does not run as root, and there is no user postgres or nobody";
    ["postgres", "nobody"].into_iter().find_map(account).ok_or(lack.to_owned())
}

/// From `template0`, to which nobody connects and nobody adds: the copy is empty on every server,
/// and many tests can take one at a time. The random part of the name keeps it unique on a server
/// that outlives the process number.
fn create_database(programs: &Path, server: &str) -> Result<String, String> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = format!("webox_test_{}_{number}_{:016x}", std::process::id(), random());
    let order = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
    run_sql(programs, server, &order)?;
    Ok(with_database(server, &name))
}

fn run_sql(programs: &Path, server: &str, order: &str) -> Result<String, String> {
    let mut command = Command::new(programs.join("psql"));
    command.args(["-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1"]);
    command.args(["-c", order, "-d", server]).env("PGCONNECT_TIMEOUT", "10").stdin(Stdio::null());
    let output = command.output().map_err(about("psql does not run"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(format!("`{order}` failed: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// The same URL with another database; host, account and parameters stay.
fn with_database(server: &str, name: &str) -> String {
    let (address, parameters) = server.split_once('?').unwrap_or((server, ""));
    let mark = if parameters.is_empty() { "" } else { "?" };
    let authority = address.find("://").map_or(0, |colon| colon + 3);
    let end = address[authority..].find('/').map_or(address.len(), |slash| authority + slash);
    format!("{}/{name}{mark}{parameters}", &address[..end])
}

/// Every `RandomState` is keyed by chance: randomness without another crate.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn failure_of(folder: &Path) -> String {
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    format!("PostgreSQL did not start:\n{log}")
}

fn about<E: Display>(what: &str) -> impl Fn(E) -> String {
    move |error| format!("{what}: {error}")
}

fn sure<T>(result: Result<T, String>) -> T {
    result.unwrap_or_else(|problem| panic!("{problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_keeps_what_was_committed() {
        let cluster = Cluster::start();
        let database = cluster.database();
        let sql = |order| run_sql(&cluster.programs, &database, order).unwrap();
        sql("CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)");
        let started = sql("SELECT pg_postmaster_start_time()");
        cluster.restart();
        assert_eq!(sql("SELECT id FROM kept"), "7");
        assert_ne!(sql("SELECT pg_postmaster_start_time()"), started);
    }

    #[test]
    fn another_database_keeps_the_rest_of_the_url() {
        let server = "postgres://u:p@host:5432/postgres?sslmode=disable";
        assert_eq!(with_database(server, "x"), "postgres://u:p@host:5432/x?sslmode=disable");
        assert_eq!(with_database("postgres://host", "x"), "postgres://host/x");
    }
}

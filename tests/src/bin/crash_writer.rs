//! Writes to a log until it is killed, and prints the id of every event that was acknowledged: the crash tests look
//! for them afterwards. `crash_writer sqlite:PATH` or `crash_writer postgres://…`

use std::{
    error::Error,
    io::{self, Write as _},
};

use store::{Append, DataFolder, Expected, Log, NewEvent, StreamName, Target, Transaction};
use tokio::task::JoinSet;
use uuid::Uuid;

const TASKS: usize = 8;

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome {
    let address = std::env::args().nth(1).ok_or("which log?")?;
    let target = Target::parse(&address, "log")?;
    let _folder = match &target {
        Target::Sqlite(file) => file.parent().map(DataFolder::take).transpose()?,
        _ => None,
    };
    let log = Log::open(&target).await?;
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        tasks.spawn(write(log.clone(), task));
    }
    // They end when nobody reads any more, or never.
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

async fn write(log: Log, task: usize) -> Outcome {
    let own = StreamName::new("crash", Uuid::now_v7());
    let common = StreamName::new("crash", "common");
    let mut version = 0;
    for step in 0.. {
        let count = 1 + (task + step) % 4;
        let appends = vec![append(&own, Expected::Exact(version), count), append(&common, Expected::Any, step % 2)];
        version += count as u64;
        let events = appends.iter().flat_map(|append| &append.events);
        let mut ids = events.map(|event| event.id.to_string()).collect::<Vec<_>>().join("\n");
        ids.push('\n'); // A line is whole when it has its end.
        log.append(Transaction { appends, metadata: "{}".to_owned(), at: 0, key: None }).await?;
        let mut out = io::stdout().lock();
        out.write_all(ids.as_bytes())?;
        out.flush()?;
    }
    Ok(())
}

fn append(stream: &StreamName, expected: Expected, count: usize) -> Append {
    let events = (0..count).map(|_| NewEvent {
        id: Uuid::now_v7(),
        event_type: "CrashAwaited".to_owned(),
        schema: 1,
        payload: format!("\"{}\"", "crash ".repeat(40)),
    });
    Append { stream: stream.clone(), expected, events: events.collect() }
}

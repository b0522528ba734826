-- The append-only log. Positions are dense: 1, 2, 3 ... in commit order.
create table head (
    id integer primary key check (id = 1),
    log_id blob not null,
    position integer not null,
    hash blob not null,
    recorded_at integer not null
) strict;

create table events (
    position integer primary key,
    stream_type text not null,
    stream_id text not null,
    version integer not null,
    event_id blob not null unique,
    event_type text not null,
    schema integer not null,
    payload text not null,
    metadata text not null,
    recorded_at integer not null,  -- microseconds since 1970, never going back
    transaction_end integer not null,
    hash blob not null,
    unique (stream_type, stream_id, version)
) strict;

-- Idempotency keys and the answers they gave.
create table keys (
    scope text not null,
    key text not null,
    request blob not null,
    position integer not null,
    answer text not null,
    created_at integer not null,
    primary key (scope, key)
) strict, without rowid;

-- How far each reactor has followed the log.
create table bookmarks (
    reactor text primary key,
    position integer not null
) strict, without rowid;

-- What becomes a command when its time comes.
create table deadlines (
    id blob primary key,
    kind text not null,
    subject text not null,
    due_at integer not null
) strict, without rowid;
create index deadlines_due on deadlines (due_at);

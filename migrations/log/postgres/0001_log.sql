-- The append-only log. Positions are dense: 1, 2, 3 ... in commit order, handed out under the lock of the head row.
create table head (
    id int primary key check (id = 1),
    log_id uuid not null,
    position bigint not null,
    hash bytea not null,
    recorded_at bigint not null
) with (fillfactor = 50);

create table events (
    position bigint primary key,
    stream_type text not null,
    stream_id text not null,
    version bigint not null,
    event_id uuid not null unique,
    event_type text not null,
    schema bigint not null,
    payload text not null,
    metadata text not null,
    recorded_at bigint not null,  -- microseconds since 1970, never going back
    transaction_end bigint not null,
    hash bytea not null,
    unique (stream_type, stream_id, version)
);

-- Idempotency keys and the answers they gave.
create table keys (
    scope text not null,
    key text not null,
    request bytea not null,
    position bigint not null,
    answer text not null,
    created_at bigint not null,
    primary key (scope, key)
);

-- How far each reactor has followed the log.
create table bookmarks (
    reactor text primary key,
    position bigint not null
);

-- What becomes a command when its time comes.
create table deadlines (
    id uuid primary key,
    kind text not null,
    subject text not null,
    due_at bigint not null
);
create index deadlines_due on deadlines (due_at);

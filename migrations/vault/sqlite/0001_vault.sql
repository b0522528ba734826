-- One row for each key a person's data is sealed under. Deleting a row erases that data everywhere at once.
create table keys (
    subject blob not null,
    id blob not null,
    key blob not null,
    created_at integer not null,
    primary key (subject, id),
    unique (id)
) strict, without rowid;

-- Secrets of the shop itself, drawn when the vault is made.
create table secrets (
    name text primary key,
    value blob not null
) strict, without rowid;

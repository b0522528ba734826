-- One row for each key a person's data is sealed under. Deleting a row erases that data everywhere at once.
create table keys (
    subject uuid not null,
    id uuid not null,
    key bytea not null,
    created_at bigint not null,
    primary key (subject, id),
    unique (id)
);

-- Secrets of the shop itself, drawn when the vault is made.
create table secrets (
    name text primary key,
    value bytea not null
);

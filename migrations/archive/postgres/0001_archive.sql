-- One row for each document that is kept as it was first made: sealed, with the hash of what is inside. Never changed.
create table documents (
    name text primary key,
    sha256 bytea not null,
    subject uuid not null,
    key uuid not null,
    nonce bytea not null,
    content bytea not null
);

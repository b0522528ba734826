-- One row for each document that is kept as it was first made: sealed, with the hash of what is inside. Never changed.
create table documents (
    name text primary key,
    sha256 blob not null,
    subject blob not null,
    key blob not null,
    nonce blob not null,
    content blob not null
) strict, without rowid;

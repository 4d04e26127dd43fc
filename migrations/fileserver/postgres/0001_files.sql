-- Times are nanoseconds since the Unix epoch, sizes are bytes.

CREATE TABLE files (
    id       TEXT   COLLATE "C" NOT NULL PRIMARY KEY, -- what clients ask for: a content-hash id or a numeric one
    content  TEXT   NOT NULL,             -- the content-hash id of the bytes, whatever the id is
    blob     TEXT   NOT NULL UNIQUE,      -- where the bytes are; never used for other bytes again
    size     BIGINT NOT NULL CHECK (size > 0),
    uploaded BIGINT NOT NULL,
    expires  BIGINT NOT NULL
);

CREATE INDEX files_by_expiry ON files (expires);

-- Blobs whose row is gone and whose bytes are still to be deleted.
CREATE TABLE doomed (
    blob TEXT NOT NULL PRIMARY KEY
);

-- Ids that are not served and whose bytes are not taken again.
CREATE TABLE blocked (
    id    TEXT   NOT NULL PRIMARY KEY,
    since BIGINT NOT NULL,
    note  TEXT   NOT NULL
);

-- Version checks, counted by day. A visitor is a keyed hash; its key is forgotten when the day is over.
CREATE TABLE version_days (
    day  BIGINT NOT NULL PRIMARY KEY,
    salt BYTEA
);

CREATE TABLE version_checks (
    day      BIGINT NOT NULL REFERENCES version_days (day) ON DELETE CASCADE,
    platform TEXT   NOT NULL,
    channel  TEXT   NOT NULL,
    visitor  BYTEA  NOT NULL,
    PRIMARY KEY (day, platform, channel, visitor)
);

-- The name of this database and its files together, which the place of the files has too. There is one row at most.
CREATE TABLE installation (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    id  TEXT   NOT NULL
);

-- Times are nanoseconds since the Unix epoch, sizes are bytes. Ids are never used again.

-- What belongs to the whole server. There is one row.
CREATE TABLE server (
    one                     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    generation              INTEGER NOT NULL, -- grows with every change of rooms, roles, bans, permissions and pins
    direct_message_sequence INTEGER NOT NULL  -- the id of the latest direct message
) STRICT;

INSERT INTO server (one, generation, direct_message_sequence) VALUES (1, 1, 0);

-- The name of this database and its files together, which the place of the files has too.
CREATE TABLE installation (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    id  TEXT    NOT NULL
) STRICT;

-- Everybody who has shown up or was named by a moderator. Number 0 is the server itself.
CREATE TABLE users (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    session_id  TEXT    NOT NULL UNIQUE,
    created     INTEGER NOT NULL,
    last_active INTEGER NOT NULL,
    banned      INTEGER NOT NULL DEFAULT 0 CHECK (banned IN (0, 1)),
    moderator   INTEGER NOT NULL DEFAULT 0 CHECK (moderator IN (0, 1)),
    admin       INTEGER NOT NULL DEFAULT 0 CHECK (admin IN (0, 1)),
    visible_mod INTEGER NOT NULL DEFAULT 0 CHECK (visible_mod IN (0, 1)),
    ban_reason  TEXT, -- for the operator
    CHECK (moderator = 1 OR admin = 0),
    CHECK (banned = 0 OR moderator = 0)
) STRICT;

CREATE INDEX users_with_role ON users (id) WHERE moderator = 1;
CREATE INDEX users_banned ON users (id) WHERE banned = 1;

-- People named by their account's id who will show up with the blinded one, by its positive form.
CREATE TABLE needs_blinding (
    blinded TEXT    NOT NULL PRIMARY KEY,
    person  INTEGER NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE rooms (
    id                  INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    token               TEXT    NOT NULL,        -- as it was chosen
    token_key           TEXT    NOT NULL UNIQUE, -- in lower case
    name                TEXT    NOT NULL,
    description         TEXT,
    image               INTEGER,                 -- a file of this room
    created             INTEGER NOT NULL,
    message_sequence    INTEGER NOT NULL DEFAULT 0,
    info_updates        INTEGER NOT NULL DEFAULT 1,
    active_users        INTEGER NOT NULL DEFAULT 0,
    read                INTEGER NOT NULL DEFAULT 1 CHECK (read IN (0, 1)),
    accessible          INTEGER NOT NULL DEFAULT 1 CHECK (accessible IN (0, 1)),
    write               INTEGER NOT NULL DEFAULT 1 CHECK (write IN (0, 1)),
    upload              INTEGER NOT NULL DEFAULT 1 CHECK (upload IN (0, 1)),
    rate_limit_size     INTEGER NOT NULL DEFAULT 5 CHECK (rate_limit_size >= 0), -- posts; 0 for no limit
    rate_limit_interval INTEGER NOT NULL DEFAULT 16000000000 CHECK (rate_limit_interval >= 0),
    -- what of it browsers can see
    web_index           INTEGER NOT NULL DEFAULT 1 CHECK (web_index IN (0, 1)),
    web_page            INTEGER NOT NULL DEFAULT 1 CHECK (web_page IN (0, 1)),
    web_messages        INTEGER NOT NULL DEFAULT 1 CHECK (web_messages IN (0, 1)),
    web_feed            INTEGER NOT NULL DEFAULT 1 CHECK (web_feed IN (0, 1))
) STRICT;

-- Where the counters of rooms that are gone stood, so that a room of the same name goes on above them.
CREATE TABLE former_rooms (
    token_key        TEXT    NOT NULL PRIMARY KEY,
    message_sequence INTEGER NOT NULL,
    info_updates     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What differs for one person in one room.
CREATE TABLE overrides (
    room        INTEGER NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    person      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    banned      INTEGER NOT NULL DEFAULT 0 CHECK (banned IN (0, 1)),
    moderator   INTEGER NOT NULL DEFAULT 0 CHECK (moderator IN (0, 1)),
    admin       INTEGER NOT NULL DEFAULT 0 CHECK (admin IN (0, 1)),
    visible_mod INTEGER NOT NULL DEFAULT 1 CHECK (visible_mod IN (0, 1)),
    read        INTEGER CHECK (read IN (0, 1)),
    accessible  INTEGER CHECK (accessible IN (0, 1)),
    write       INTEGER CHECK (write IN (0, 1)),
    upload      INTEGER CHECK (upload IN (0, 1)),
    ban_reason  TEXT, -- for the operator
    PRIMARY KEY (room, person),
    CHECK (moderator = 1 OR admin = 0),
    CHECK (banned = 0 OR moderator = 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX overrides_by_user ON overrides (person);
CREATE INDEX overrides_with_role ON overrides (room, person) WHERE moderator = 1;

CREATE TABLE messages (
    id              INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    room            INTEGER NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    author          INTEGER NOT NULL REFERENCES users (id),
    posted          INTEGER NOT NULL,
    edited          INTEGER,
    seqno           INTEGER NOT NULL, -- the larger of the next two
    seqno_data      INTEGER NOT NULL,
    seqno_reactions INTEGER NOT NULL DEFAULT 0,
    seqno_creation  INTEGER NOT NULL,
    data            BLOB,             -- without the zeros at its end; none once it is deleted
    size            INTEGER,          -- with them
    signature       BLOB,
    filtered        INTEGER NOT NULL DEFAULT 0 CHECK (filtered IN (0, 1)),
    whisper         INTEGER REFERENCES users (id),
    whisper_mods    INTEGER NOT NULL DEFAULT 0 CHECK (whisper_mods IN (0, 1))
) STRICT;

-- Numbers are handed out once, but a community that was moved here may have the same one several times.
CREATE INDEX messages_by_seqno ON messages (room, seqno, id);
CREATE INDEX messages_shown ON messages (room, id) WHERE data IS NOT NULL AND NOT filtered;
CREATE INDEX messages_by_author ON messages (author, room, id);
CREATE INDEX messages_by_time ON messages (room, posted);

-- What messages said before they were edited or deleted.
CREATE TABLE message_history (
    message   INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    replaced  INTEGER NOT NULL,
    data      BLOB    NOT NULL,
    size      INTEGER NOT NULL,
    signature BLOB    NOT NULL
) STRICT;

CREATE INDEX message_history_by_message ON message_history (message);
CREATE INDEX message_history_by_time ON message_history (replaced);

-- One row for each reaction that a message has; their ids give the order in which they are shown.
CREATE TABLE reactions (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    message  INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    reaction TEXT    NOT NULL,
    UNIQUE (message, reaction)
) STRICT;

CREATE TABLE reactors (
    reaction INTEGER NOT NULL REFERENCES reactions (id) ON DELETE CASCADE,
    person   INTEGER NOT NULL REFERENCES users (id),
    at       INTEGER NOT NULL,
    PRIMARY KEY (reaction, person)
) STRICT, WITHOUT ROWID;

CREATE INDEX reactors_by_time ON reactors (reaction, at, person);
CREATE INDEX reactors_by_user ON reactors (person);

CREATE TABLE pins (
    room      INTEGER NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    message   INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    pinned_by INTEGER NOT NULL REFERENCES users (id),
    pinned_at INTEGER NOT NULL,
    PRIMARY KEY (room, message)
) STRICT, WITHOUT ROWID;

CREATE INDEX pins_by_message ON pins (message);

CREATE TABLE files (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    room     INTEGER REFERENCES rooms (id) ON DELETE SET NULL,
    uploader INTEGER REFERENCES users (id),
    message  INTEGER REFERENCES messages (id) ON DELETE SET NULL,
    size     INTEGER NOT NULL CHECK (size >= 0),
    uploaded INTEGER NOT NULL,
    expiry   INTEGER,             -- none for ever
    filename TEXT,
    blob     TEXT    UNIQUE          -- where the bytes are; none if the file is empty
) STRICT;

CREATE INDEX files_by_expiry ON files (expiry) WHERE expiry IS NOT NULL;
CREATE INDEX files_by_message ON files (message) WHERE message IS NOT NULL;
CREATE INDEX files_by_uploader ON files (uploader, room);
CREATE INDEX files_by_room ON files (room);

-- Ids that files had on another server before the community was moved here; messages may still name them.
CREATE TABLE former_file_ids (
    room INTEGER NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    id   INTEGER NOT NULL,
    file INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    PRIMARY KEY (room, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX former_file_ids_by_file ON former_file_ids (file);

-- A community that is being moved here. While there is a row, no server starts.
CREATE TABLE unfinished_import (
    one        INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    source     TEXT    NOT NULL, -- where from
    public_key TEXT    NOT NULL, -- the key of the community
    seed       TEXT    NOT NULL  -- from which the places of its files are derived
) STRICT;

-- Blobs whose row is gone and whose bytes are still to be deleted.
CREATE TABLE doomed (
    blob TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE direct_messages (
    id        INTEGER NOT NULL PRIMARY KEY,
    sender    INTEGER NOT NULL REFERENCES users (id),
    recipient INTEGER NOT NULL REFERENCES users (id),
    body      BLOB    NOT NULL,
    posted_at INTEGER NOT NULL,
    expiry    INTEGER NOT NULL
) STRICT;

CREATE INDEX direct_messages_by_sender ON direct_messages (sender, id);
CREATE INDEX direct_messages_by_recipient ON direct_messages (recipient, id);
CREATE INDEX direct_messages_by_expiry ON direct_messages (expiry);

CREATE TABLE scheduled_permissions (
    id     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    room   INTEGER NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    person INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    at     INTEGER NOT NULL,
    read   INTEGER CHECK (read IN (0, 1)),
    write  INTEGER CHECK (write IN (0, 1)),
    upload INTEGER CHECK (upload IN (0, 1)),
    -- Of what ends a timeout: that it does, and the permission to write that there was before.
    ends_timeout INTEGER NOT NULL DEFAULT 0 CHECK (ends_timeout IN (0, 1)),
    write_before INTEGER CHECK (write_before IN (0, 1))
) STRICT;

CREATE INDEX scheduled_permissions_by_time ON scheduled_permissions (at);
CREATE INDEX scheduled_permissions_by_user ON scheduled_permissions (person, room);
CREATE INDEX scheduled_permissions_by_room ON scheduled_permissions (room);

-- Bans that begin or end at a time; without a room those of the whole server.
CREATE TABLE scheduled_bans (
    id     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    room   INTEGER REFERENCES rooms (id) ON DELETE CASCADE,
    person INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    at     INTEGER NOT NULL,
    banned INTEGER NOT NULL CHECK (banned IN (0, 1))
) STRICT;

CREATE INDEX scheduled_bans_by_time ON scheduled_bans (at);
CREATE INDEX scheduled_bans_by_user ON scheduled_bans (person, room);
CREATE INDEX scheduled_bans_by_room ON scheduled_bans (room);

-- When people were last seen reading in a room.
CREATE TABLE room_activity (
    room        INTEGER NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    person      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    last_active INTEGER NOT NULL,
    PRIMARY KEY (room, person)
) STRICT, WITHOUT ROWID;

CREATE INDEX room_activity_by_time ON room_activity (last_active);
CREATE INDEX room_activity_by_user ON room_activity (person);

-- Nonces of requests that changed something, so that none of them takes effect twice.
CREATE TABLE nonces (
    identity BLOB    NOT NULL, -- 33 bytes: prefix and key
    nonce    BLOB    NOT NULL,
    expiry   INTEGER NOT NULL,
    PRIMARY KEY (identity, nonce)
) STRICT, WITHOUT ROWID;

CREATE INDEX nonces_by_expiry ON nonces (expiry);

-- Who changed what about rooms and people, and why. Tokens and ids are texts here, so that this outlives what it tells of.
CREATE TABLE audit (
    id     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    actor  TEXT    NOT NULL, -- an id, 'operator' for commands, 'server' for what was scheduled
    action TEXT    NOT NULL,
    room   TEXT,             -- none for the whole server
    target TEXT,             -- the id of whom it was done to
    detail TEXT,             -- a JSON object
    reason TEXT
) STRICT;

CREATE INDEX audit_by_time ON audit (at);

-- Webhooks: who is told of what happened, what is still to be told, and how telling it went.
-- Ids are never used again, so a list can be read on from the last one seen.

CREATE TABLE webhook (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    url      TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    secret   BLOB    NOT NULL,           -- Key of the signatures. A signer cannot do with less.
    created  INTEGER NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0, -- When it said that it is gone; 0 while it is told.
    removed  INTEGER NOT NULL DEFAULT 0, -- 1 while its deliveries are being deleted.
    waiting  INTEGER NOT NULL DEFAULT 0, -- Deliveries that are PENDING,
    finished INTEGER NOT NULL DEFAULT 0, -- and those that are not.
    dropped  INTEGER NOT NULL DEFAULT 0  -- Messages it never got because too many waited.
);

-- What is told, word for word.
CREATE TABLE hook_message (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    id      TEXT    NOT NULL UNIQUE,     -- The header webhook-id.
    body    BLOB    NOT NULL,
    created INTEGER NOT NULL
);

-- A message to one webhook.
CREATE TABLE hook_delivery (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id  INTEGER NOT NULL,
    message_seq INTEGER NOT NULL,
    status      TEXT    NOT NULL,        -- PENDING, DELIVERED or FAILED.
    created     INTEGER NOT NULL,
    due         INTEGER,                 -- Of the next attempt; NULL when there is none.
    attempts    INTEGER NOT NULL,        -- Made so far,
    failures    INTEGER NOT NULL,        -- and failed since it was last asked for.
    UNIQUE (message_seq, webhook_id)
);

CREATE INDEX hook_delivery_due ON hook_delivery (webhook_id, due) WHERE due IS NOT NULL;
CREATE INDEX hook_delivery_finished ON hook_delivery (webhook_id, id) WHERE due IS NULL;
CREATE INDEX hook_delivery_webhook ON hook_delivery (webhook_id, id);

CREATE TABLE hook_attempt (
    delivery_id INTEGER NOT NULL,
    number      INTEGER NOT NULL,        -- 1, 2, 3, …
    time        INTEGER NOT NULL,
    took        INTEGER NOT NULL,        -- Microseconds.
    status      INTEGER NOT NULL,        -- Of HTTP; 0 when there was no answer,
    error       TEXT    NOT NULL,        -- and then why.
    PRIMARY KEY (delivery_id, number)
) WITHOUT ROWID;

-- What a person asks.
CREATE VIEW deliveries AS
SELECT d.id AS id,
       strftime('%Y-%m-%dT%H:%M:%S', d.created / 1000000, 'unixepoch') ||
           printf('.%06dZ', d.created % 1000000) AS at,
       w.name AS webhook, m.id AS message, d.status AS status, d.attempts AS attempts,
       a.status AS last_status, a.error AS last_error
FROM hook_delivery AS d
JOIN webhook AS w ON w.id = d.webhook_id
JOIN hook_message AS m ON m.seq = d.message_seq
LEFT JOIN hook_attempt AS a ON a.delivery_id = d.id AND a.number = d.attempts;

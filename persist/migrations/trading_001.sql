-- Money: events, what follows from them, and the answers that were given.
-- Times are whole microseconds since 1970 UTC. Prices, volumes and money inside data are decimals.

-- What happened, in order. Everything below but answer follows from it, and is written with it.
-- hash is the SHA-256 of the hash before (zeros before the first), of seq, prev, account_id and time
-- as eight bytes each, highest first, of type, a zero byte, and data.
CREATE TABLE event (
    seq        INTEGER NOT NULL PRIMARY KEY, -- 1, 2, 3, … without gaps.
    prev       INTEGER NOT NULL,             -- seq of the same account's event before, or 0.
    account_id INTEGER NOT NULL,             -- 0 for the whole server.
    time       INTEGER NOT NULL,             -- Trading time, which never goes back.
    type       TEXT    NOT NULL,
    data       TEXT    NOT NULL,             -- JSON.
    hash       BLOB    NOT NULL
);

-- seq, the row's own number, is part of every index.
CREATE INDEX event_account ON event (account_id);

-- The events of each order.
CREATE TABLE order_event (
    order_id INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    PRIMARY KEY (order_id, seq)
) WITHOUT ROWID;

-- Where each order stands. seq is its newest event.
CREATE TABLE order_state (
    id         INTEGER NOT NULL PRIMARY KEY,
    account_id INTEGER NOT NULL,
    symbol     TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    seq        INTEGER NOT NULL
);

-- These hold all that a list is chosen by.
CREATE INDEX order_account ON order_state (account_id, seq, status, symbol);
CREATE INDEX order_seq ON order_state (seq, status, symbol);

-- Which events are trades.
CREATE TABLE trade (
    seq        INTEGER NOT NULL PRIMARY KEY,
    account_id INTEGER NOT NULL,
    symbol     TEXT    NOT NULL
);

CREATE INDEX trade_account ON trade (account_id, seq, symbol);

-- Which events moved money. Amounts are minor units of the currency; what the client gets, the
-- counter account gives.
CREATE TABLE posting (
    seq             INTEGER NOT NULL PRIMARY KEY,
    account_id      INTEGER NOT NULL,
    type            TEXT    NOT NULL,
    counter         TEXT    NOT NULL,  -- E.g. house:USD.
    currency        TEXT    NOT NULL,
    amount          INTEGER NOT NULL,
    balance         INTEGER NOT NULL,  -- Of the client, after it.
    counter_balance INTEGER NOT NULL   -- Of the counter account, after it.
);

CREATE INDEX posting_account ON posting (account_id);

CREATE TABLE currency (
    name  TEXT NOT NULL PRIMARY KEY,
    scale REAL NOT NULL                -- Minor units in one unit.
) WITHOUT ROWID;

-- The first answer to each request that named a key.
CREATE TABLE answer (
    id     INTEGER NOT NULL PRIMARY KEY,
    scope  TEXT    NOT NULL,
    key    TEXT    NOT NULL,
    hash   BLOB    NOT NULL,           -- Of the request.
    status INTEGER NOT NULL,
    body   BLOB    NOT NULL,
    seq    INTEGER NOT NULL            -- Of the newest event it speaks of.
);

CREATE UNIQUE INDEX answer_key ON answer (scope, key);

-- What a person asks.
CREATE VIEW events AS
SELECT seq, prev, account_id,
       strftime('%Y-%m-%dT%H:%M:%S', time / 1000000, 'unixepoch') || printf('.%06dZ', time % 1000000)
           AS at,
       type, data
FROM event;

CREATE VIEW ledger AS
SELECT p.seq AS seq, v.at AS at, p.account_id AS account_id, p.type AS type,
       p.counter AS counter, p.amount / c.scale AS amount, p.currency AS currency,
       p.balance / c.scale AS balance, p.counter_balance / c.scale AS counter_balance
FROM posting AS p
JOIN currency AS c ON c.name = p.currency
JOIN events AS v ON v.seq = p.seq;

CREATE VIEW trades AS
SELECT t.seq AS seq, v.at AS at, t.account_id AS account_id, t.symbol AS symbol,
       json_extract(v.data, '$.orderId') AS order_id,
       json_extract(v.data, '$.positionId') AS position_id,
       json_extract(v.data, '$.entry') AS entry,
       json_extract(v.data, '$.side') AS side,
       json_extract(v.data, '$.volume') AS volume,
       json_extract(v.data, '$.price') AS price,
       json_extract(v.data, '$.realizedPnL') AS pnl
FROM trade AS t
JOIN events AS v ON v.seq = t.seq;

-- The first event of an order holds what was asked for.
CREATE VIEW orders AS
SELECT o.id AS id, o.account_id AS account_id, o.symbol AS symbol,
       json_extract(v.data, '$.order.side') AS side,
       json_extract(v.data, '$.order.type') AS type,
       json_extract(v.data, '$.order.volume') AS volume,
       json_extract(v.data, '$.order.price') AS price,
       o.status AS status, v.at AS placed, o.seq AS seq
FROM order_state AS o
JOIN events AS v ON v.seq = (SELECT min(seq) FROM order_event WHERE order_id = o.id);

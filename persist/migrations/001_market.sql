-- The market: symbols, who quotes them, ticks, bars.
-- Prices are whole points (10^-digits of the symbol), times whole microseconds since 1970 UTC.

-- Facts about the file itself, e.g. the kind of data it holds.
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- An id never changes, whatever the order of symbols in a configuration.
CREATE TABLE symbol (
    id     INTEGER NOT NULL PRIMARY KEY,
    name   TEXT    NOT NULL UNIQUE,
    digits INTEGER NOT NULL,
    scale  REAL    NOT NULL           -- 10^digits; a price in points / scale is the decimal.
);

CREATE TABLE source (
    id   INTEGER NOT NULL PRIMARY KEY, -- 1 to 255, without gaps.
    name TEXT    NOT NULL UNIQUE
);

CREATE TABLE frame (
    seconds INTEGER NOT NULL PRIMARY KEY,
    name    TEXT    NOT NULL UNIQUE
);

INSERT INTO frame (seconds, name) VALUES
    (60, '1m'), (300, '5m'), (900, '15m'), (1800, '30m'),
    (3600, '1h'), (14400, '4h'), (86400, '1d'), (604800, '1w');

-- The key is what every question is about, and it is the table: there is no second index.
CREATE TABLE tick (
    symbol_id INTEGER NOT NULL,
    time      INTEGER NOT NULL,
    bid       INTEGER NOT NULL,
    ask       INTEGER NOT NULL,
    source_id INTEGER NOT NULL,
    PRIMARY KEY (symbol_id, time)
) WITHOUT ROWID;

-- Closed bars of all frames. A minute that was still forming when the engine stopped is here too,
-- with complete = 0.
CREATE TABLE bar (
    symbol_id   INTEGER NOT NULL,
    frame       INTEGER NOT NULL,     -- Seconds.
    time        INTEGER NOT NULL,     -- When the bar opens.
    mid_open    INTEGER NOT NULL,     -- Mids are half points: bid + ask.
    mid_high    INTEGER NOT NULL,
    mid_low     INTEGER NOT NULL,
    mid_close   INTEGER NOT NULL,
    bid_open    INTEGER NOT NULL,
    bid_high    INTEGER NOT NULL,
    bid_low     INTEGER NOT NULL,
    bid_close   INTEGER NOT NULL,
    ask_open    INTEGER NOT NULL,
    ask_high    INTEGER NOT NULL,
    ask_low     INTEGER NOT NULL,
    ask_close   INTEGER NOT NULL,
    volume      INTEGER NOT NULL,     -- Quotes, those that are not stored as ticks included.
    spread_min  INTEGER NOT NULL,
    spread_max  INTEGER NOT NULL,
    spread_last INTEGER NOT NULL,
    first_time  INTEGER NOT NULL,     -- Of the first and the last quote.
    last_time   INTEGER NOT NULL,
    complete    INTEGER NOT NULL,     -- 0 while the bar forms.
    clocked     INTEGER NOT NULL,     -- 1 for a forming minute that the clock will close.
    PRIMARY KEY (symbol_id, frame, time)
) WITHOUT ROWID;

-- The forming minute of each symbol while an engine runs: it is written by every commit that
-- changes it, and here all of them share a page or two. It moves to the table bar when it closes,
-- when the engine stops, and when the file is opened again after a kill. The columns are those of
-- bar.
CREATE TABLE forming (
    symbol_id   INTEGER NOT NULL,
    frame       INTEGER NOT NULL,
    time        INTEGER NOT NULL,
    mid_open    INTEGER NOT NULL,
    mid_high    INTEGER NOT NULL,
    mid_low     INTEGER NOT NULL,
    mid_close   INTEGER NOT NULL,
    bid_open    INTEGER NOT NULL,
    bid_high    INTEGER NOT NULL,
    bid_low     INTEGER NOT NULL,
    bid_close   INTEGER NOT NULL,
    ask_open    INTEGER NOT NULL,
    ask_high    INTEGER NOT NULL,
    ask_low     INTEGER NOT NULL,
    ask_close   INTEGER NOT NULL,
    volume      INTEGER NOT NULL,
    spread_min  INTEGER NOT NULL,
    spread_max  INTEGER NOT NULL,
    spread_last INTEGER NOT NULL,
    first_time  INTEGER NOT NULL,
    last_time   INTEGER NOT NULL,
    complete    INTEGER NOT NULL,
    clocked     INTEGER NOT NULL,
    PRIMARY KEY (symbol_id)
) WITHOUT ROWID;

-- The last number taken of each source that numbers its quotes. The numbers are unsigned: those
-- above 2^63 look negative here.
CREATE TABLE seq (
    symbol_id INTEGER NOT NULL,
    source_id INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    PRIMARY KEY (symbol_id, source_id)
) WITHOUT ROWID;

-- What a person asks. time is the stored column itself, so that a condition or an order on it can
-- use the key; dividing whole numbers by a power of ten gives the double nearest to the decimal,
-- so that bid = 1.08234 finds what was quoted as 1.08234.
CREATE VIEW ticks AS
SELECT s.name AS symbol,
       t.time AS time,
       strftime('%Y-%m-%dT%H:%M:%S', (t.time - (t.time % 1000000 + 1000000) % 1000000) / 1000000,
                'unixepoch')
           || printf('.%06dZ', (t.time % 1000000 + 1000000) % 1000000) AS at,
       t.bid / s.scale AS bid,
       t.ask / s.scale AS ask,
       (t.ask - t.bid) / s.scale AS spread,
       (SELECT name FROM source WHERE id = t.source_id) AS lp
FROM symbol AS s
JOIN tick AS t ON t.symbol_id = s.id;

-- Both halves have the same columns of the same types: only then does an order by time become a
-- merge of two keys instead of a sort.
CREATE VIEW bars AS
SELECT s.name AS symbol,
       f.name AS frame,
       b.time AS time,
       strftime('%Y-%m-%dT%H:%M:%SZ', b.time / 1000000, 'unixepoch') AS at,
       b.mid_open / (2 * s.scale) AS open,
       b.mid_high / (2 * s.scale) AS high,
       b.mid_low / (2 * s.scale) AS low,
       b.mid_close / (2 * s.scale) AS close,
       b.volume AS volume,
       b.bid_open / s.scale AS bid_open,
       b.bid_high / s.scale AS bid_high,
       b.bid_low / s.scale AS bid_low,
       b.bid_close / s.scale AS bid_close,
       b.ask_open / s.scale AS ask_open,
       b.ask_high / s.scale AS ask_high,
       b.ask_low / s.scale AS ask_low,
       b.ask_close / s.scale AS ask_close,
       b.spread_min / s.scale AS spread_min,
       b.spread_max / s.scale AS spread_max,
       b.spread_last / s.scale AS spread_last,
       b.complete AS complete
FROM symbol AS s
JOIN frame AS f
JOIN bar AS b ON b.symbol_id = s.id AND b.frame = f.seconds
UNION ALL
SELECT s.name AS symbol,
       f.name AS frame,
       b.time AS time,
       strftime('%Y-%m-%dT%H:%M:%SZ', b.time / 1000000, 'unixepoch') AS at,
       b.mid_open / (2 * s.scale) AS open,
       b.mid_high / (2 * s.scale) AS high,
       b.mid_low / (2 * s.scale) AS low,
       b.mid_close / (2 * s.scale) AS close,
       b.volume AS volume,
       b.bid_open / s.scale AS bid_open,
       b.bid_high / s.scale AS bid_high,
       b.bid_low / s.scale AS bid_low,
       b.bid_close / s.scale AS bid_close,
       b.ask_open / s.scale AS ask_open,
       b.ask_high / s.scale AS ask_high,
       b.ask_low / s.scale AS ask_low,
       b.ask_close / s.scale AS ask_close,
       b.spread_min / s.scale AS spread_min,
       b.spread_max / s.scale AS spread_max,
       b.spread_last / s.scale AS spread_last,
       b.complete AS complete
FROM symbol AS s
JOIN frame AS f
JOIN forming AS b ON b.symbol_id = s.id AND b.frame = f.seconds;

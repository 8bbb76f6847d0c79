-- Alerts: rules, what they have come to, and every time that one fired.

CREATE TABLE alert_rule (
    id         INTEGER NOT NULL PRIMARY KEY, -- Never used again.
    account_id INTEGER NOT NULL,             -- 0 for the administrator's.
    removed    INTEGER NOT NULL,             -- 1 for a rule that is no more, kept for its fires.
    data       TEXT    NOT NULL,             -- JSON, as clients see it.
    state      TEXT    NOT NULL              -- JSON, what else has to survive a restart.
);

-- id is a hash of the rule, its revision and what made it fire: one cause is here once.
CREATE TABLE alert_fire (
    seq        INTEGER NOT NULL PRIMARY KEY, -- 1, 2, 3, … in the order they were made.
    id         TEXT    NOT NULL UNIQUE,
    rule_id    INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    status     TEXT    NOT NULL,
    created    INTEGER NOT NULL,             -- Trading time.
    data       TEXT    NOT NULL              -- JSON, as clients see it.
);

CREATE INDEX alert_fire_account ON alert_fire (account_id, seq);
CREATE INDEX alert_fire_status ON alert_fire (status, seq);

-- What a person asks.
CREATE VIEW alert_rules AS
SELECT id, json_extract(data, '$.name') AS name, json_extract(data, '$.kind') AS kind,
       json_extract(data, '$.symbol') AS symbol, account_id,
       json_extract(data, '$.threshold') AS threshold,
       json_extract(data, '$.frequency') AS frequency, json_extract(data, '$.severity') AS severity,
       json_extract(data, '$.enabled') AS enabled, json_extract(data, '$.status') AS status,
       json_extract(data, '$.fires') AS fires, json_extract(data, '$.lastFiredAt') AS last_fired
FROM alert_rule
WHERE removed = 0;

CREATE VIEW alerts AS
SELECT seq, json_extract(data, '$.createdAt') AS at, rule_id, account_id, status,
       json_extract(data, '$.severity') AS severity, json_extract(data, '$.title') AS title,
       json_extract(data, '$.value') AS value, json_extract(data, '$.threshold') AS threshold
FROM alert_fire;

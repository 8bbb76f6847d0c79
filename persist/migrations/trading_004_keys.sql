-- Who may use the server. The keys themselves are nowhere.
CREATE TABLE access_key (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, -- Never used twice.
    hash     BLOB    NOT NULL UNIQUE,                    -- SHA-256 of the key.
    role     TEXT    NOT NULL,
    accounts TEXT    NOT NULL,                           -- Ids separated by commas.
    name     TEXT    NOT NULL,
    created  INTEGER NOT NULL,
    revoked  INTEGER NOT NULL                            -- When, or 0.
);

CREATE TABLE trusted_app_application (
    id TEXT NOT NULL PRIMARY KEY,
    description TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE trusted_app_key (
    fingerprint TEXT NOT NULL PRIMARY KEY,
    application TEXT NOT NULL REFERENCES trusted_app_application (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX trusted_app_key_of_application ON trusted_app_key (application);

CREATE TABLE trusted_app_generation (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL
) STRICT;

INSERT INTO trusted_app_generation (one, number) VALUES (1, 0);

CREATE TABLE trusted_app_change (
    number INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    by_whom TEXT NOT NULL,
    application TEXT NOT NULL,
    before TEXT,
    after TEXT
) STRICT;

CREATE INDEX trusted_app_change_of_application ON trusted_app_change (application, number);

CREATE TABLE trusted_app_decision (
    number INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT,
    reason TEXT,
    application TEXT,
    claimed_application TEXT,
    user_name TEXT,
    claimed_user TEXT,
    scheme TEXT,
    key_fingerprint TEXT,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    url TEXT,
    addresses TEXT NOT NULL,
    age_ms INTEGER,
    seen_before INTEGER NOT NULL
) STRICT;

CREATE INDEX trusted_app_decision_at ON trusted_app_decision (at);

CREATE TRIGGER trusted_app_application_added AFTER INSERT ON trusted_app_application BEGIN
    UPDATE trusted_app_generation SET number = number + 1;
END;

CREATE TRIGGER trusted_app_application_updated AFTER UPDATE ON trusted_app_application BEGIN
    UPDATE trusted_app_generation SET number = number + 1;
END;

CREATE TRIGGER trusted_app_application_removed AFTER DELETE ON trusted_app_application BEGIN
    UPDATE trusted_app_generation SET number = number + 1;
END;

CREATE TRIGGER trusted_app_change_is_final BEFORE UPDATE ON trusted_app_change BEGIN
    SELECT RAISE(ABORT, 'the log of changes only grows');
END;

CREATE TRIGGER trusted_app_change_stays BEFORE DELETE ON trusted_app_change BEGIN
    SELECT RAISE(ABORT, 'the log of changes only grows');
END;

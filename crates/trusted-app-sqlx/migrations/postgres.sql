CREATE TABLE trusted_app_application (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    description TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL
);

CREATE TABLE trusted_app_key (
    fingerprint TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    application TEXT COLLATE "C" NOT NULL REFERENCES trusted_app_application (id) ON DELETE CASCADE
);

CREATE INDEX trusted_app_key_of_application ON trusted_app_key (application);

CREATE TABLE trusted_app_generation (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    number BIGINT NOT NULL
);

INSERT INTO trusted_app_generation (one, number) VALUES (1, 0);

CREATE TABLE trusted_app_change (
    number BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    by_whom TEXT NOT NULL,
    application TEXT COLLATE "C" NOT NULL,
    before TEXT,
    after TEXT
);

CREATE INDEX trusted_app_change_of_application ON trusted_app_change (application, number);

CREATE TABLE trusted_app_decision (
    number BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
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
    age_ms BIGINT,
    seen_before BIGINT NOT NULL
);

CREATE INDEX trusted_app_decision_at ON trusted_app_decision (at);

-- Counts the rows that a statement touched, and wakes whoever listens once that is committed.
CREATE FUNCTION trusted_app_count_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE trusted_app_generation SET number = number + (SELECT count(*) FROM changed_rows);
    PERFORM pg_notify('trusted_app', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER trusted_app_application_added AFTER INSERT ON trusted_app_application
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION trusted_app_count_changes();

CREATE TRIGGER trusted_app_application_updated AFTER UPDATE ON trusted_app_application
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION trusted_app_count_changes();

CREATE TRIGGER trusted_app_application_removed AFTER DELETE ON trusted_app_application
    REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION trusted_app_count_changes();

CREATE FUNCTION trusted_app_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'trusted_app_change' THEN
        RAISE EXCEPTION 'the log of changes only grows';
    END IF;
    RAISE EXCEPTION '% of % would be counted nowhere and noticed by nobody', TG_OP, TG_TABLE_NAME;
END
$$;

CREATE TRIGGER trusted_app_change_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON trusted_app_change
    FOR EACH STATEMENT EXECUTE FUNCTION trusted_app_refuse();

CREATE TRIGGER trusted_app_application_stays BEFORE TRUNCATE ON trusted_app_application
    FOR EACH STATEMENT EXECUTE FUNCTION trusted_app_refuse();

CREATE TRIGGER trusted_app_key_stays BEFORE TRUNCATE ON trusted_app_key
    FOR EACH STATEMENT EXECUTE FUNCTION trusted_app_refuse();

CREATE TRIGGER trusted_app_generation_stays BEFORE TRUNCATE ON trusted_app_generation
    FOR EACH STATEMENT EXECUTE FUNCTION trusted_app_refuse();

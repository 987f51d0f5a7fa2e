CREATE OR REPLACE FUNCTION trusted_app_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'trusted_app_change' THEN
        RAISE EXCEPTION 'the log of changes only grows';
    END IF;
    RAISE EXCEPTION '% of % would be counted nowhere and noticed by nobody', TG_OP, TG_TABLE_NAME;
END
$$;

CREATE TRIGGER trusted_app_application_stays BEFORE TRUNCATE ON trusted_app_application
    FOR EACH STATEMENT EXECUTE FUNCTION trusted_app_refuse();

CREATE TRIGGER trusted_app_key_stays BEFORE TRUNCATE ON trusted_app_key
    FOR EACH STATEMENT EXECUTE FUNCTION trusted_app_refuse();

CREATE TRIGGER trusted_app_generation_stays BEFORE TRUNCATE ON trusted_app_generation
    FOR EACH STATEMENT EXECUTE FUNCTION trusted_app_refuse();

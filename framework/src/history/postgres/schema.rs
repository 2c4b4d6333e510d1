//! The tables, and what is asked of them. Names, keys and messages are parameters, never part of a statement; they are bytes
//! to the database, whose texts could not hold a NUL.

/// What leads from each version of the tables to the next, before the functions are made anew. They are never changed, only
/// added to; a function that changes is a step, too.
pub(super) const STEPS: [&str; 2] = [TABLES, TRIM_SAYS_MORE];

/// A room's row has room to be updated in its place. What `last` and `at` say stays when messages are dropped.
///
/// Whoever appends holds the lock on the room's row until it has committed: so offsets have no gap, come in the order of
/// the commits, and a key that another has just stored is seen.
const TABLES: &str = r#"
CREATE TABLE sockeye_version (version integer NOT NULL);
INSERT INTO sockeye_version VALUES (0);

CREATE TABLE sockeye_room (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name bytea NOT NULL UNIQUE,
    last bigint NOT NULL DEFAULT 0,
    at bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE sockeye_message (
    room bigint NOT NULL,
    number bigint NOT NULL,
    at bigint NOT NULL,
    kind smallint NOT NULL,
    payload bytea NOT NULL,
    key bytea,
    PRIMARY KEY (room, number)
);
CREATE UNIQUE INDEX sockeye_message_key ON sockeye_message (room, key) WHERE key IS NOT NULL;

CREATE TABLE sockeye_cursor (
    room bigint NOT NULL,
    reader bytea NOT NULL,
    number bigint NOT NULL,
    PRIMARY KEY (room, reader)
);
"#;

/// It gave nothing, and what a function gives can't be replaced.
const TRIM_SAYS_MORE: &str = "DROP FUNCTION IF EXISTS sockeye_trim(bigint, bigint, bigint, bigint);";

/// They keep their names and arguments: a server of the version before may be at work meanwhile.
pub(super) const FUNCTIONS: &str = r#"
-- Milliseconds since 1970.
CREATE OR REPLACE FUNCTION sockeye_now() RETURNS bigint LANGUAGE sql AS $$
    SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint
$$;

-- The oldest message that a room keeps, or its next one. What is older may still be there. Numbers have no gap, and time
-- does not go back.
CREATE OR REPLACE FUNCTION sockeye_first(p_room bigint, p_last bigint, p_keep bigint, p_oldest bigint)
RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_first bigint := p_last + 1;
    v_old bigint;
    v_between bigint;
    v_at bigint;
BEGIN
    SELECT number, at INTO v_old, v_at FROM sockeye_message
    WHERE room = p_room AND number > greatest(p_last - p_keep, 0) ORDER BY number LIMIT 1;
    IF v_old IS NULL OR p_oldest IS NULL OR v_at > p_oldest THEN
        RETURN coalesce(v_old, v_first);
    END IF;
    WHILE v_first - v_old > 1 LOOP
        v_between := v_old + (v_first - v_old) / 2;
        IF (SELECT at > p_oldest FROM sockeye_message WHERE room = p_room AND number = v_between) THEN
            v_first := v_between;
        ELSE
            v_old := v_between;
        END IF;
    END LOOP;
    RETURN v_first;
END
$$;

-- Deletes of what a room does not keep the oldest: 1,000 messages, and about 16 MiB. So it is done soon, however much there
-- is. Says whether there is more. Only for who holds the lock on the room's row.
CREATE OR REPLACE FUNCTION sockeye_trim(p_room bigint, p_last bigint, p_keep bigint, p_age bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_first bigint;
    v_end bigint;
BEGIN
    IF p_keep IS NULL AND p_age IS NULL THEN
        RETURN false;
    END IF;
    v_first := sockeye_first(p_room, p_last, p_keep, sockeye_now() - p_age);
    SELECT max(number) INTO v_end FROM (
        SELECT number, sum(len) OVER (ORDER BY number) - len AS before FROM (
            SELECT number, octet_length(payload) AS len FROM sockeye_message
            WHERE room = p_room AND number < v_first ORDER BY number LIMIT 1000
        ) AS oldest
    ) AS measured WHERE before < 16777216;
    DELETE FROM sockeye_message WHERE room = p_room AND number <= v_end;
    RETURN (v_end < v_first - 1) IS TRUE;
END
$$;

-- Stores messages, in their order. Gives a row for each; kind and payload only where it is not new.
CREATE OR REPLACE FUNCTION sockeye_append(
    p_name bytea, p_kinds smallint[], p_payloads bytea[], p_keys bytea[], p_keep bigint, p_age bigint
)
RETURNS TABLE (is_new boolean, number bigint, at bigint, kind smallint, payload bytea) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    r sockeye_room;
    v_first bigint;
BEGIN
    SELECT * INTO r FROM sockeye_room WHERE name = p_name FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO sockeye_room (name) VALUES (p_name) ON CONFLICT DO NOTHING;
        SELECT * INTO r FROM sockeye_room WHERE name = p_name FOR UPDATE;
    END IF;
    r.at := greatest(r.at, sockeye_now());
    IF array_remove(p_keys, NULL) = '{}' THEN
        RETURN QUERY
            INSERT INTO sockeye_message (room, number, at, kind, payload)
            SELECT r.id, r.last + place, r.at, kind, payload
            FROM unnest(p_kinds, p_payloads) WITH ORDINALITY AS given (kind, payload, place)
            ORDER BY place
            RETURNING true, number, at, NULL::smallint, NULL::bytea;
        r.last := r.last + cardinality(p_kinds);
    ELSE
        -- Keys are forgotten with their messages, also with those that wait to be deleted.
        v_first := sockeye_first(r.id, r.last, p_keep, sockeye_now() - p_age);
        UPDATE sockeye_message SET key = NULL
        WHERE room = r.id AND key = ANY (p_keys) AND key IS NOT NULL AND number < v_first;
        RETURN QUERY
            WITH given AS (
                SELECT *, CASE WHEN key IS NULL THEN place ELSE min(place) OVER (PARTITION BY key) END AS first
                FROM unnest(p_kinds, p_payloads, p_keys) WITH ORDINALITY AS given (kind, payload, key, place)
            ), known AS (
                SELECT first, m.number, m.at, m.kind, m.payload
                FROM given JOIN sockeye_message AS m ON m.room = r.id AND m.key = given.key
                WHERE place = first
            ), fresh AS (
                SELECT *, r.last + row_number() OVER (ORDER BY place) AS number
                FROM given WHERE place = first AND first NOT IN (SELECT first FROM known)
            ), added AS (
                INSERT INTO sockeye_message (room, number, at, kind, payload, key)
                SELECT r.id, number, r.at, kind, payload, key FROM fresh
            )
            SELECT
                (given.place = fresh.place) IS TRUE,
                coalesce(known.number, fresh.number),
                coalesce(known.at, r.at),
                coalesce(known.kind, fresh.kind),
                CASE WHEN (given.place = fresh.place) IS TRUE THEN NULL ELSE coalesce(known.payload, fresh.payload) END
            FROM given
            LEFT JOIN known ON known.first = given.first
            LEFT JOIN fresh ON fresh.place = given.first
            ORDER BY given.place;
        SELECT coalesce(max(number), r.last) INTO r.last FROM sockeye_message WHERE room = r.id AND number > r.last;
    END IF;
    UPDATE sockeye_room SET last = r.last, at = r.at WHERE id = r.id;
    PERFORM sockeye_trim(r.id, r.last, p_keep, p_age);
END
$$;

-- Deletes what is too old in some of the rooms. Gives the room where the next look starts, 0 after the last one.
CREATE OR REPLACE FUNCTION sockeye_sweep(p_from bigint, p_keep bigint, p_age bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    r record;
    v_oldest bigint := sockeye_now() - p_age;
    v_next bigint := 0;
BEGIN
    FOR r IN SELECT id, last FROM sockeye_room WHERE id >= p_from ORDER BY id LIMIT 100 LOOP
        v_next := r.id + 1;
        IF EXISTS (
            SELECT FROM sockeye_message
            WHERE room = r.id AND number < sockeye_first(r.id, r.last, p_keep, v_oldest)
        ) THEN
            -- Whoever holds it appends, and so deletes as well.
            PERFORM FROM sockeye_room WHERE id = r.id FOR UPDATE SKIP LOCKED;
            IF FOUND AND sockeye_trim(r.id, r.last, p_keep, p_age) THEN
                RETURN r.id;
            END IF;
        END IF;
        -- Those who want to append wait for the end of this.
        EXIT WHEN clock_timestamp() > statement_timestamp() + interval '100 ms';
    END LOOP;
    RETURN v_next;
END
$$;

CREATE OR REPLACE FUNCTION sockeye_mark_read(p_name bytea, p_reader bytea, p_number bigint)
RETURNS TABLE (number bigint, advanced boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_room bigint;
    v_number bigint;
BEGIN
    SELECT id, least(last, p_number) INTO v_room, v_number FROM sockeye_room WHERE name = p_name;
    IF v_number > 0 THEN
        INSERT INTO sockeye_cursor AS known (room, reader, number) VALUES (v_room, p_reader, v_number)
        ON CONFLICT (room, reader) DO UPDATE SET number = excluded.number WHERE known.number < excluded.number;
        IF FOUND THEN
            RETURN QUERY SELECT v_number, true;
            RETURN;
        END IF;
    END IF;
    RETURN QUERY SELECT coalesce(
        (SELECT number FROM sockeye_cursor WHERE room = v_room AND reader = p_reader), 0
    ), false;
END
$$;
"#;

/// What each connection begins with. A server or a user with other defaults must not make an acknowledgement mean less.
pub(super) const SESSION: &str = "
    SET default_transaction_isolation = 'read committed';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
";

/// Held while tables are made: one at a time.
pub(super) const LOCK: &str = "SELECT pg_advisory_xact_lock(23484895861242213)";
pub(super) const HAS_SCHEMA: &str = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1::text)";
pub(super) const HAS_TABLES: &str = "SELECT to_regclass('sockeye_version') IS NOT NULL";
pub(super) const VERSION: &str = "SELECT version FROM sockeye_version";
pub(super) const SET_VERSION: &str = "UPDATE sockeye_version SET version = $1";

pub(super) const APPEND: &str = "SELECT is_new, number, at, kind, payload FROM sockeye_append($1, $2, $3, $4, $5, $6)";
pub(super) const MARK_READ: &str = "SELECT number, advanced FROM sockeye_mark_read($1, $2, $3)";
pub(super) const SWEEP: &str = "SELECT sockeye_sweep($1, $2, $3)";
pub(super) const CURSORS: &str = "SELECT reader, number FROM sockeye_cursor JOIN sockeye_room ON id = room
    WHERE name = $1 ORDER BY number DESC, reader LIMIT $2";
pub(super) const HEADS: &str =
    "SELECT coalesce(last, 0) FROM unnest($1::bytea[]) WITH ORDINALITY AS given (name, place)
    LEFT JOIN sockeye_room USING (name) ORDER BY place";
/// Written as well as read, so that a database that only reads is noticed.
pub(super) const CHECK: &str = "UPDATE sockeye_version SET version = version";

/// A page, all of one moment: a row for each message, at least one if the room is known. What is beyond the page comes
/// without its payload: it says only that there is more.
macro_rules! page {
    ($bound:literal, $order:literal) => {
        concat!(
            "WITH this AS MATERIALIZED (
                SELECT id, last, sockeye_now() - $3::bigint AS oldest FROM sockeye_room WHERE name = $1
            ), kept AS MATERIALIZED (
                SELECT sockeye_first(id, last, $2::bigint, oldest) AS first FROM this
            )
            SELECT last, first, number, at, kind, CASE WHEN fits THEN payload ELSE '' END, fits
            FROM this CROSS JOIN kept LEFT JOIN LATERAL (
                SELECT *, place = 1 OR place <= $4::bigint AND bytes <= $5::bigint AS fits
                FROM (
                    SELECT *, row_number() OVER page AS place, sum(octet_length(payload)) OVER page AS bytes
                    FROM (
                        SELECT number, at, kind, payload FROM sockeye_message
                        WHERE room = this.id AND number >= kept.first AND number ",
            $bound,
            " $6::bigint ORDER BY number ",
            $order,
            " LIMIT $4::bigint + 1
                    ) AS found
                    WINDOW page AS (ORDER BY number ",
            $order,
            ")
                ) AS measured
            ) AS part ON true ORDER BY place"
        )
    };
}
pub(super) const AFTER: &str = page!(">", "ASC");
pub(super) const BEFORE: &str = page!("<", "DESC");

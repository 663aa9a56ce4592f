-- Events lie in partitions of a million positions, all lanes together: whatever the number of lanes, there are few of them, and each is made while no lane
-- has come near it. What no partition covers falls into the default one, so that no event is ever refused for want of a partition.
-- Makes what the lanes need next: always two ranges ahead of the lane that has come furthest.
CREATE FUNCTION event_partitions(step bigint) RETURNS integer LANGUAGE plpgsql AS $fn$
DECLARE
    low bigint := 0;
    furthest bigint;
    part text;
    made integer := 0;
BEGIN
    SELECT COALESCE(MAX(head_position), 0) INTO furthest FROM lanes;
    WHILE low <= furthest + step LOOP
        part := 'events_' || low / 1000 || 'k';
        IF to_regclass(part) IS NULL THEN
            PERFORM pg_advisory_xact_lock(7250093);
            IF to_regclass(part) IS NULL THEN
                EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING DEFAULTS)', part);
                LOCK TABLE events IN ACCESS EXCLUSIVE MODE;
                EXECUTE format('WITH moved AS (DELETE FROM events_default WHERE position >= %L AND position < %L RETURNING *) INSERT INTO %I SELECT * FROM moved', low, low + step, part);
                EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part, low, low + step);
                made := made + 1;
            END IF;
        END IF;
        low := low + step;
    END LOOP;
    RETURN made;
END $fn$;

ALTER TABLE events RENAME TO events_unpartitioned;
ALTER TABLE events_unpartitioned DROP CONSTRAINT events_pkey;
DROP INDEX events_order;
CREATE TABLE events (LIKE events_unpartitioned INCLUDING DEFAULTS) PARTITION BY RANGE (position);
ALTER TABLE events ADD PRIMARY KEY (lane_id, position);
CREATE INDEX events_order ON events (order_id, at) WHERE order_id IS NOT NULL;
CREATE TABLE events_default PARTITION OF events DEFAULT;
SELECT event_partitions(1000000);
INSERT INTO events SELECT * FROM events_unpartitioned;
DROP TABLE events_unpartitioned;

-- Orders lie in one partition per month of their ids, which carry the time (UUIDv7): the months in use stay small and in memory, and an archived month is
-- an empty table. What no month covers falls into the default partition, so that no order is ever refused for want of a partition.
-- Makes the months from one time to another; several processes may call it at once. Rows of a month that fell into the default partition move.
CREATE FUNCTION order_partitions(first_time timestamptz, last_time timestamptz) RETURNS integer LANGUAGE plpgsql AS $fn$
DECLARE
    at timestamp := date_trunc('month', first_time AT TIME ZONE 'UTC');
    part text;
    low uuid;
    high uuid;
    made integer := 0;
BEGIN
    WHILE at <= last_time AT TIME ZONE 'UTC' LOOP
        part := 'orders_' || to_char(at, 'YYYYMM');
        IF to_regclass(part) IS NULL THEN
            PERFORM pg_advisory_xact_lock(7250093);
            IF to_regclass(part) IS NULL THEN
                low := (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
                high := (lpad(to_hex((extract(epoch FROM at + interval '1 month') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
                EXECUTE format('CREATE TABLE %I (LIKE orders INCLUDING DEFAULTS)', part);
                -- Taken before the move: no order may come into the default partition between the move and the attachment.
                LOCK TABLE orders IN ACCESS EXCLUSIVE MODE;
                EXECUTE format('WITH moved AS (DELETE FROM orders_default WHERE id >= %L AND id < %L RETURNING *) INSERT INTO %I SELECT * FROM moved', low, high, part);
                EXECUTE format('ALTER TABLE orders ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part, low, high);
                made := made + 1;
            END IF;
        END IF;
        at := at + interval '1 month';
    END LOOP;
    RETURN made;
END $fn$;

ALTER TABLE orders RENAME TO orders_unpartitioned;
ALTER TABLE orders_unpartitioned DROP CONSTRAINT orders_pkey;
DROP INDEX orders_number, orders_status, orders_channel;
CREATE TABLE orders (LIKE orders_unpartitioned INCLUDING DEFAULTS) PARTITION BY RANGE (id);
ALTER TABLE orders ADD PRIMARY KEY (id);
CREATE INDEX orders_number ON orders (number);
CREATE INDEX orders_status ON orders (status, id);
CREATE INDEX orders_channel ON orders (channel, id);
CREATE TABLE orders_default PARTITION OF orders DEFAULT;
SELECT order_partitions(MIN(placed_at), MAX(placed_at)) FROM orders_unpartitioned HAVING COUNT(*) > 0;
INSERT INTO orders SELECT * FROM orders_unpartitioned;
DROP TABLE orders_unpartitioned;

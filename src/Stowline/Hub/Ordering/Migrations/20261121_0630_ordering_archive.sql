-- Closed orders of the past, each one compressed row with its parts and its timeline. Their external ids stay in order_keys, so they stay unique.
CREATE TABLE archived_orders (
    id          {uuid} NOT NULL PRIMARY KEY,
    number      {bigint} NOT NULL,
    archived_at {time} NOT NULL,
    body        {bytes} NOT NULL
);
CREATE INDEX archived_orders_number ON archived_orders (number);

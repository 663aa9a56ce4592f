-- How many orders stand where. One row per status, changed by the difference in the transaction that changes the orders: counting reads
-- an index entry per order, for every client that connects; reading these takes ten rows.
CREATE TABLE order_counts (
    status {int} NOT NULL PRIMARY KEY,
    orders {bigint} NOT NULL
) {hot};

INSERT INTO order_counts (status, orders) SELECT status, COUNT(*) FROM orders GROUP BY status;

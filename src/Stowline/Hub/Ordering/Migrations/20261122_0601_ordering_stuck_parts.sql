-- Each part that stands still is told of by itself: an order that two sites hold up is there twice. No site is the empty text.
ALTER TABLE stuck_orders RENAME TO stuck_orders_before;
CREATE TABLE stuck_orders (
    order_id {uuid} NOT NULL,
    reason   {int} NOT NULL,
    site     {text} NOT NULL,
    since    {time} NOT NULL,
    found_at {time} NOT NULL,
    PRIMARY KEY (order_id, reason, site)
) {without_rowid};
INSERT INTO stuck_orders (order_id, reason, site, since, found_at) SELECT order_id, reason, COALESCE(site, ''), since, found_at FROM stuck_orders_before;
DROP TABLE stuck_orders_before;

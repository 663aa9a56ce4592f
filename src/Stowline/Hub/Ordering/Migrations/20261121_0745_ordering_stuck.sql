-- Orders that stand still for longer than the rules allow, as last found: what was told of once and is not over yet. Small, whatever the number of orders.
CREATE TABLE stuck_orders (
    order_id {uuid} NOT NULL,
    reason   {int} NOT NULL,
    site     {text},
    since    {time} NOT NULL,
    found_at {time} NOT NULL,
    PRIMARY KEY (order_id, reason)
) {without_rowid};

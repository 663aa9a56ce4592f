-- Until when units are kept for an order that is still to come (source 2 §9.3: expires_at). Gone when the order that keeps them is over, or goes on.
CREATE TABLE order_expiries (
    order_id   {uuid} NOT NULL PRIMARY KEY,
    expires_at {time} NOT NULL
) {without_rowid};
CREATE INDEX order_expiries_at ON order_expiries (expires_at);

-- When an event said that the order is cancelled, while it is shown there as it was before: nothing is placed until it is seen to be.
ALTER TABLE channel_waiting_orders ADD COLUMN cancelled_at {time};

-- Orders that a shop cancelled and that were not here: their creation may still come. changed_at: when they changed there, where the shop says.
CREATE TABLE channel_cancelled_orders (
    account      {text} NOT NULL,
    external_id  {text} NOT NULL,
    changed_at   {time},
    cancelled_at {time} NOT NULL,
    PRIMARY KEY (account, external_id)
) {without_rowid};
CREATE INDEX channel_cancelled_orders_at ON channel_cancelled_orders (cancelled_at);

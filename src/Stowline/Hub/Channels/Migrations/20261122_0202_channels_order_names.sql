-- What source 5 calls allegro_order_id and warehouse: the id of the order there that made an operation, and the site that the account sells from, where it is one.
ALTER TABLE stock_operations ADD COLUMN external_order_id {text};
ALTER TABLE stock_operations ADD COLUMN warehouse {text};

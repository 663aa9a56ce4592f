-- Parts that a kitchen or workshop makes, and the slot of such an order as it was answered.
ALTER TABLE order_parts ADD COLUMN made {bool} NOT NULL DEFAULT FALSE;
ALTER TABLE orders ADD COLUMN slot {text};

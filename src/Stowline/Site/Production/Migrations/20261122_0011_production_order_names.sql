-- GET /tickets?order= by number or channel:external_id at the node of a kitchen, which knows orders only by what it was given.
CREATE INDEX tickets_order_number ON tickets (order_number);
CREATE INDEX tickets_external ON tickets (external_id);

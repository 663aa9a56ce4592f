-- GET /picking-tasks?order=web:536365 at the node of a site, which knows orders only by what it was given.
CREATE INDEX fulfillment_orders_external ON fulfillment_orders (external_id);

-- Older systems ask by their own number for a product, and the short form of an order by name.
CREATE INDEX products_external_id ON products (external_id);
CREATE INDEX products_name ON products (name);

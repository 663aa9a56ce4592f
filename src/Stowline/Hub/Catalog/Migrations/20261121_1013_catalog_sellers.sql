-- For lists of one seller's products. Shops that sell only their own leave it empty.
CREATE INDEX products_seller ON products (seller, sku) WHERE seller IS NOT NULL;

-- Epochs of the counters (decision 0027). disputed: units that are neither the site's own nor held for the hub, until they are counted.
ALTER TABLE site_skus ADD COLUMN disputed {bigint} NOT NULL DEFAULT 0 CHECK (disputed >= 0);
-- The last epoch that the hub has answered: before it has, nothing more is granted than what its parts need.
ALTER TABLE site_skus ADD COLUMN answered {int} NOT NULL DEFAULT 1;

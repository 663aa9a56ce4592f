-- Units on their way to the site from other sites.
ALTER TABLE allotments ADD COLUMN incoming {bigint} NOT NULL DEFAULT 0;

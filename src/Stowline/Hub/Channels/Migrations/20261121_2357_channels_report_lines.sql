-- What is in the parcel of a report (kind 2), as JSON: [{"sku":"MUG","quantity":2}]. Null in reports from before.
ALTER TABLE channel_reports ADD COLUMN lines {text};

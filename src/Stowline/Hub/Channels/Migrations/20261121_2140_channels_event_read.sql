-- When the last order event was read (event_cursor): a cursor that is long ago says that nothing was sold, or that nothing is read any more.
ALTER TABLE channel_accounts ADD COLUMN event_read_at {time};

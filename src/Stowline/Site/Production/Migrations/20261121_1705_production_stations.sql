-- The stations that have still to do something for a ticket, as |grill|oven|, so that a list can ask for one. Null: made before this column, the items tell.
ALTER TABLE tickets ADD COLUMN open_stations {text};

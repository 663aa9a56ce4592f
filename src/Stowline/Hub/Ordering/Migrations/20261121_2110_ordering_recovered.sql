-- Orders of which a restored hub has heard from some of their sites, until it goes on: what was decided about them may not be known to all sites.
-- held_at: when the decision was taken that the order is on hold, or is not, of those that have come back the latest; null where none has.
CREATE TABLE recovered_orders (
    order_id {uuid} NOT NULL PRIMARY KEY,
    held_at  {time}
) {without_rowid};

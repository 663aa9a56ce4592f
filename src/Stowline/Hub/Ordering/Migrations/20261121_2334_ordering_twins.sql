-- Orders that came back with an old history, while under their external id another one had been placed since.
CREATE TABLE order_twins (
    order_id {uuid} NOT NULL PRIMARY KEY,
    other_id {uuid} NOT NULL
) {without_rowid};

-- At the hub: what the events of a site with a node of its own tell of its carriers' troubles. The carriers themselves, and the bookings, are at the site.
CREATE TABLE carrier_trouble_copies (
    site    {text} NOT NULL,
    carrier {text} NOT NULL,
    since   {time} NOT NULL,
    PRIMARY KEY (site, carrier)
) {without_rowid};

CREATE TABLE booking_trouble_copies (
    booking_id {uuid} NOT NULL PRIMARY KEY,
    site       {text} NOT NULL,
    status     {int} NOT NULL
) {without_rowid};

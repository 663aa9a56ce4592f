-- How a site promises its capacity. hours: weekday → intervals, and exceptions by date, in the site's time zone.
CREATE TABLE slot_plans (
    site            {text} NOT NULL PRIMARY KEY,
    length_minutes  {int} NOT NULL,
    measure         {int} NOT NULL,
    capacity        {bigint} NOT NULL,
    currency        {text},
    lead_minutes    {int} NOT NULL,
    visible_minutes {int} NOT NULL,
    days            {int} NOT NULL,
    hours           {text} NOT NULL,
    saved_at        {time} NOT NULL
) {without_rowid};

-- A slot has a row once something was promised in it. starts_at: Unix seconds, a multiple of the length. capacity: that of the last promise.
-- changed: ascends with every writing group, so that a process can ask what others have changed.
CREATE TABLE slots (
    site      {text} NOT NULL,
    starts_at {bigint} NOT NULL,
    used      {bigint} NOT NULL CHECK (used >= 0),
    capacity  {bigint} NOT NULL,
    changed   {bigint} NOT NULL,
    PRIMARY KEY (site, starts_at)
) {hot};
CREATE INDEX slots_changed ON slots (site, changed);

-- What each part of an order holds; deleted when it is released.
CREATE TABLE slot_holds (
    order_id  {uuid} NOT NULL,
    part      {int} NOT NULL,
    starts_at {bigint} NOT NULL,
    site      {text} NOT NULL,
    amount    {bigint} NOT NULL,
    PRIMARY KEY (order_id, part, starts_at)
) {without_rowid};

-- What a site has taken off the menu (86): dishes and ingredients.
CREATE TABLE menu_stops (
    site       {text} NOT NULL,
    sku        {text} NOT NULL,
    reason     {text} NOT NULL,
    stopped_at {time} NOT NULL,
    PRIMARY KEY (site, sku)
) {without_rowid};

-- What is made to order: one row per variant of a dish (kind 1) or extra (kind 2). uses: ingredients of one piece; extras: SKUs that may go on it;
-- sites: the only ones that make it, or null for all kitchens and workshops.
CREATE TABLE menu_items (
    sku          {text} NOT NULL PRIMARY KEY,
    dish         {text} NOT NULL,
    kind         {int} NOT NULL,
    name         {text} NOT NULL,
    size         {text},
    station      {text} NOT NULL,
    work_minutes {int} NOT NULL,
    units        {int} NOT NULL,
    uses         {text} NOT NULL,
    extras       {text} NOT NULL,
    sites        {text},
    saved_at     {time} NOT NULL
) {without_rowid};
CREATE INDEX menu_items_dish ON menu_items (dish);

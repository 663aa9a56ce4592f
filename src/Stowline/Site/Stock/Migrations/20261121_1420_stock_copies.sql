-- What lies at sites with nodes of their own, as far as their events tell: shown, never decided by. Rows that are emptied stay, at zero.
CREATE TABLE stock_copies (
    site    {text} NOT NULL,
    sku     {text} NOT NULL,
    bin     {text} NOT NULL,
    lot     {text} NOT NULL,
    on_hand {bigint} NOT NULL,
    damaged {bigint} NOT NULL,
    as_of   {time} NOT NULL,
    PRIMARY KEY (site, sku, bin, lot)
) {hot};

-- The six counters of escrow per SKU and site, and what the site last reported. By SKU first: a promise looks at all sites of a SKU.
CREATE TABLE allotments (
    sku       {text} NOT NULL,
    site      {text} NOT NULL,
    epoch     {int} NOT NULL,
    granted   {bigint} NOT NULL,
    consumed  {bigint} NOT NULL,
    withdrawn {bigint} NOT NULL,
    promised  {bigint} NOT NULL,
    released  {bigint} NOT NULL,
    returned  {bigint} NOT NULL,
    on_hand   {bigint} NOT NULL,
    damaged   {bigint} NOT NULL,
    as_of     {time} NOT NULL,
    PRIMARY KEY (sku, site)
) {hot};

CREATE TABLE policies (
    site                {text} NOT NULL,
    sku                 {text} NOT NULL,
    safety_stock        {int} NOT NULL,
    local_share_percent {int} NOT NULL,
    saved_at            {time} NOT NULL,
    PRIMARY KEY (site, sku)
) {without_rowid};

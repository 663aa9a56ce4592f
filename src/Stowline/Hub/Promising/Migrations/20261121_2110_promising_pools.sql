-- Units that are kept for a channel. sku '*': of every SKU that the channel has no pool of its own for. site '': over all sites. Either a quantity or a share.
CREATE TABLE pools (
    channel       {text} NOT NULL,
    sku           {text} NOT NULL,
    site          {text} NOT NULL,
    quantity      {bigint},
    share_percent {int},
    made_at       {time} NOT NULL,
    saved_at      {time} NOT NULL,
    PRIMARY KEY (channel, sku, site)
) {without_rowid};

-- Open promises of the channels that have pools: units in parts of their orders that have not left yet.
CREATE TABLE pool_promises (
    sku     {text} NOT NULL,
    channel {text} NOT NULL,
    site    {text} NOT NULL,
    units   {bigint} NOT NULL,
    PRIMARY KEY (sku, channel, site)
) {hot};

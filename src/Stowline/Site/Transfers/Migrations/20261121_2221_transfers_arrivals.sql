-- What comes from other sites (W5): as the hub has announced it, and as it was taken in. Goods may come before they are announced, then transfer_id is missing.
CREATE TABLE transfer_arrivals (
    site            {text} NOT NULL,
    number          {bigint} NOT NULL,
    transfer_id     {uuid},
    from_site       {text},
    carrier         {text},
    tracking_number {text},
    announced_at    {time},
    complete        {bool} NOT NULL,
    received_at     {time},
    PRIMARY KEY (site, number)
) {without_rowid};

CREATE TABLE transfer_arrival_lines (
    site            {text} NOT NULL,
    number          {bigint} NOT NULL,
    sku             {text} NOT NULL,
    lot             {text} NOT NULL,
    expires_on      {date},
    manufactured_on {date},
    announced       {bigint} NOT NULL,
    received        {bigint} NOT NULL,
    PRIMARY KEY (site, number, sku, lot)
) {without_rowid};

CREATE TABLE products (
    sku         {text} NOT NULL PRIMARY KEY,
    name        {text} NOT NULL,
    price_e4    {bigint},
    currency    {text},
    seller      {text},
    category    {text},
    weight_g    {int},
    length_mm   {int},
    width_mm    {int},
    height_mm   {int},
    external_id {text},
    saved_at    {time} NOT NULL
) {without_rowid};

CREATE TABLE product_barcodes (
    code  {text} NOT NULL PRIMARY KEY,
    sku   {text} NOT NULL,
    units {int} NOT NULL
) {without_rowid};
CREATE INDEX product_barcodes_sku ON product_barcodes (sku);

CREATE TABLE sites (
    code          {text} NOT NULL PRIMARY KEY,
    ordinal       {int} NOT NULL UNIQUE,
    name          {text} NOT NULL,
    type          {int} NOT NULL,
    city          {text},
    address       {text},
    postal_code   {text},
    country       {text},
    latitude      {double},
    longitude     {double},
    parent        {text},
    capabilities  {text},
    working_hours {text},
    time_zone     {text},
    reliability   {double} NOT NULL,
    active        {bool} NOT NULL,
    saved_at      {time} NOT NULL
);

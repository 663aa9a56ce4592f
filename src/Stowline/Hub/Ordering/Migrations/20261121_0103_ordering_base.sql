CREATE TABLE orders (
    id               {uuid} NOT NULL PRIMARY KEY,
    number           {bigint} NOT NULL,
    channel          {text} NOT NULL,
    external_id      {text} NOT NULL,
    status           {int} NOT NULL,
    fulfillment_type {int} NOT NULL,
    priority         {int} NOT NULL,
    currency         {text} NOT NULL,
    total_e4         {bigint} NOT NULL,
    lines            {text} NOT NULL,
    person_id        {uuid} NOT NULL,
    personal         {bytes},
    latitude         {double},
    longitude        {double},
    pickup_site      {text},
    note             {text},
    on_hold          {bool} NOT NULL,
    cancelling       {bool} NOT NULL,
    placed_at        {time} NOT NULL
) {without_rowid};
CREATE INDEX orders_number ON orders (number);
CREATE INDEX orders_status ON orders (status, id);
CREATE INDEX orders_channel ON orders (channel, id);

-- Uniqueness of (channel, external id) lives outside the orders table, so that orders can be partitioned by age.
CREATE TABLE order_keys (
    channel      {text} NOT NULL,
    external_id  {text} NOT NULL,
    order_id     {uuid} NOT NULL,
    request_hash {bytes} NOT NULL,
    PRIMARY KEY (channel, external_id)
) {without_rowid};

-- A part is what one site fulfills of an order; without a site it waits for stock.
CREATE TABLE order_parts (
    order_id {uuid} NOT NULL,
    part     {int} NOT NULL,
    site     {text},
    status   {int} NOT NULL,
    lines    {text} NOT NULL,
    reroutes {int} NOT NULL,
    PRIMARY KEY (order_id, part)
) {without_rowid};
CREATE INDEX order_parts_site ON order_parts (site, order_id);

CREATE TABLE backorders (
    sku      {text} NOT NULL,
    order_id {uuid} NOT NULL,
    part     {int} NOT NULL,
    quantity {int} NOT NULL,
    PRIMARY KEY (sku, order_id, part)
) {without_rowid};

-- Price calculations and their queue in one: a row waits, is leased by a worker of some process, and ends with a price or a reason.
CREATE TABLE quotes (
    id                {uuid} NOT NULL PRIMARY KEY,
    number            {bigint} NOT NULL,
    status            {int} NOT NULL,
    client            {text},
    client_class      {text} NOT NULL,
    material          {text} NOT NULL,
    quantity          {int} NOT NULL,
    units             {int} NOT NULL,
    given             {text},
    model_format      {int},
    model_bytes       {bigint},
    model_hash        {bytes},
    folder            {uuid},
    rank_at           {time} NOT NULL,
    not_before        {time} NOT NULL,
    progress          {int} NOT NULL,
    tries             {int} NOT NULL,
    claims            {int} NOT NULL,
    leased_by         {text},
    lease_until       {time},
    measures          {text},
    price             {text},
    error_code        {text},
    error_reason      {text},
    error_detail      {text},
    valid_until       {time},
    order_channel     {text},
    order_external_id {text},
    order_id          {uuid},
    trace             {text},
    requested_by      {text} NOT NULL,
    requested_at      {time} NOT NULL,
    finished_at       {time}
) {without_rowid};
CREATE INDEX quotes_number ON quotes (number);
CREATE INDEX quotes_status ON quotes (status, id);
CREATE INDEX quotes_order ON quotes (order_id);
-- The queue: only what is not done, in the order in which it is to be done.
CREATE INDEX quotes_open ON quotes (rank_at, id) WHERE status = 1;

-- Every version stays, so that an old price can be explained.
CREATE TABLE quote_price_models (
    version  {int} NOT NULL PRIMARY KEY,
    model    {text} NOT NULL,
    saved_at {time} NOT NULL,
    saved_by {text} NOT NULL
) {without_rowid};

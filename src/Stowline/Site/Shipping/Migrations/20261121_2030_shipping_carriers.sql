-- Whom a site ships with. definition: a profile of the site's own, else the built-in one of that name. failures counts calls in a row that got no answer; until
-- open_until none is made. webhook_hash: SHA-256 of the word in the address at which the carrier reports.
CREATE TABLE carriers (
    site            {text} NOT NULL,
    carrier         {text} NOT NULL,
    profile         {text} NOT NULL,
    definition      {text},
    url             {text},
    settings        {text} NOT NULL,
    enabled         {bool} NOT NULL,
    webhook_hash    {text} NOT NULL,
    failures        {int} NOT NULL,
    failing_since   {time},
    open_until      {time},
    last_error      {text},
    last_success_at {time},
    saved_at        {time} NOT NULL,
    saved_by        {text} NOT NULL,
    PRIMARY KEY (site, carrier)
) {hot};
CREATE UNIQUE INDEX carriers_webhook ON carriers (webhook_hash);

-- What opens a carrier's door. In a table of its own, because backups leave it out.
CREATE TABLE carrier_secrets (
    site    {text} NOT NULL,
    carrier {text} NOT NULL,
    name    {text} NOT NULL,
    value   {text} NOT NULL,
    PRIMARY KEY (site, carrier, name)
) {without_rowid};

CREATE TABLE shipping_settings (
    site         {text} NOT NULL PRIMARY KEY,
    sender       {text},
    address_from {text},
    rules        {text} NOT NULL
) {without_rowid};

-- A parcel bought, or to be bought, from a carrier. todo: what is to be done next, at next_at, by whoever holds the lease; 0 is nothing. carriers: those that may still
-- be asked, in order, the current one first. address: what the delivery service said, encrypted with the person's key.
CREATE TABLE carrier_bookings (
    id              {uuid} NOT NULL PRIMARY KEY,
    number          {bigint} NOT NULL,
    site            {text} NOT NULL,
    packing_task_id {uuid} NOT NULL,
    order_id        {uuid} NOT NULL,
    part            {int} NOT NULL,
    person_id       {uuid} NOT NULL,
    reference       {text} NOT NULL,
    service         {text},
    ship            {bool} NOT NULL,
    status          {int} NOT NULL,
    carrier         {text} NOT NULL,
    carriers        {text} NOT NULL,
    others          {int} NOT NULL,
    todo            {int} NOT NULL,
    next_at         {time} NOT NULL,
    attempts        {int} NOT NULL,
    owner           {uuid},
    lease_until     {time},
    cancel_reason   {text},
    error           {text},
    address         {bytes},
    numbers         {text} NOT NULL,
    tracking_number {text},
    carrier_ref     {text},
    price_e4        {bigint},
    currency        {text},
    estimated_at    {time},
    label_source    {text},
    label_type      {text},
    label           {bytes},
    shipment_id     {uuid},
    tracking        {int} NOT NULL,
    tracked_at      {time},
    tracking_since  {time},
    created_at      {time} NOT NULL,
    created_by      {text} NOT NULL,
    booked_at       {time}
) {without_rowid};
CREATE UNIQUE INDEX carrier_bookings_number ON carrier_bookings (number);
CREATE UNIQUE INDEX carrier_bookings_open ON carrier_bookings (packing_task_id) WHERE status <> 7;
CREATE INDEX carrier_bookings_site ON carrier_bookings (site, id);
CREATE INDEX carrier_bookings_order ON carrier_bookings (order_id);
CREATE INDEX carrier_bookings_reference ON carrier_bookings (site, reference);
CREATE INDEX carrier_bookings_tracking ON carrier_bookings (site, tracking_number);
CREATE INDEX carrier_bookings_person ON carrier_bookings (person_id);
CREATE INDEX carrier_bookings_due ON carrier_bookings (next_at) WHERE todo > 0;

-- What carriers said of a parcel, each once. key: what tells one report from another. text: encrypted with the person's key, since it may name who has signed.
CREATE TABLE parcel_scans (
    booking_id  {uuid} NOT NULL,
    parcel      {text} NOT NULL,
    key         {text} NOT NULL,
    at          {time} NOT NULL,
    status      {int} NOT NULL,
    code        {text} NOT NULL,
    text        {bytes},
    location    {text},
    received_at {time} NOT NULL,
    PRIMARY KEY (booking_id, parcel, key)
) {without_rowid};

ALTER TABLE shipments ADD COLUMN booking_id {uuid};
ALTER TABLE shipments ADD COLUMN delivered_at {time};

-- The new reader of the sites' lanes begins where they end: what was packed before there were carriers was shipped by hand, and may be archived.
INSERT INTO cursors (consumer, lane_id, position) SELECT 'carrier-bookings', id, head_position FROM lanes WHERE name LIKE 'site/%';

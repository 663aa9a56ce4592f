-- W3: what lies where. A row that is emptied is deleted, so that its FIFO age starts anew when goods come again.
-- pickable and bin_order are copies of the bin's, so that allocation reads one table.
CREATE TABLE stock (
    site            {text} NOT NULL,
    sku             {text} NOT NULL,
    bin             {text} NOT NULL,
    lot             {text} NOT NULL,
    on_hand         {bigint} NOT NULL CHECK (on_hand > 0 AND on_hand <= 1000000000),
    reserved        {bigint} NOT NULL CHECK (reserved >= 0),
    damaged         {bigint} NOT NULL CHECK (damaged >= 0),
    blocked         {bigint} NOT NULL CHECK (blocked >= 0),
    pickable        {bool} NOT NULL,
    bin_order       {text} NOT NULL,
    received_at     {time} NOT NULL,
    expires_on      {date},
    manufactured_on {date},
    PRIMARY KEY (site, sku, bin, lot),
    CHECK (reserved + damaged + blocked <= on_hand)
) {hot};

CREATE INDEX stock_bin ON stock (site, bin);

-- The six counters of the escrow, as far as this site writes them, with the totals they are weighed against.
-- unusable: units on hand that no customer can get now – damaged, blocked, or in a bin that is not pickable and not reserved.
CREATE TABLE site_skus (
    site      {text} NOT NULL,
    sku       {text} NOT NULL,
    epoch     {int} NOT NULL,
    granted   {bigint} NOT NULL,
    consumed  {bigint} NOT NULL,
    withdrawn {bigint} NOT NULL,
    returned  {bigint} NOT NULL,
    on_hand   {bigint} NOT NULL CHECK (on_hand >= 0),
    reserved  {bigint} NOT NULL CHECK (reserved >= 0),
    damaged   {bigint} NOT NULL CHECK (damaged >= 0),
    unusable  {bigint} NOT NULL CHECK (unusable >= 0),
    PRIMARY KEY (site, sku),
    CHECK (reserved + unusable <= on_hand)
) {hot};

-- How much of a SKU the site keeps for itself; '*' is the default for all that have no row of their own.
CREATE TABLE stock_policies (
    site                {text} NOT NULL,
    sku                 {text} NOT NULL,
    safety_stock        {bigint} NOT NULL,
    local_share_percent {int} NOT NULL,
    PRIMARY KEY (site, sku)
) {without_rowid};

-- W4: the ledger. Nothing here is ever changed or deleted; stock is the sum of it.
CREATE TABLE movements (
    site      {text} NOT NULL,
    number    {bigint} NOT NULL,
    id        {uuid} NOT NULL,
    kind      {int} NOT NULL,
    sku       {text} NOT NULL,
    lot       {text} NOT NULL,
    from_bin  {text},
    to_bin    {text},
    quantity  {bigint} NOT NULL CHECK (quantity >= 0),
    reason    {text},
    reference {text},
    actor     {text} NOT NULL,
    at        {time} NOT NULL,
    PRIMARY KEY (site, number),
    CHECK (from_bin IS NOT NULL OR to_bin IS NOT NULL)
) {without_rowid};

CREATE INDEX movements_sku ON movements (site, sku, number);

CREATE TABLE receipts (
    site      {text} NOT NULL,
    number    {bigint} NOT NULL,
    id        {uuid} NOT NULL,
    reference {text} NOT NULL,
    actor     {text} NOT NULL,
    at        {time} NOT NULL,
    PRIMARY KEY (site, number)
) {without_rowid};

-- Serial numbers that came in. A unit that has left has left_at; coming back clears it.
CREATE TABLE serials (
    site           {text} NOT NULL,
    sku            {text} NOT NULL,
    serial         {text} NOT NULL,
    lot            {text} NOT NULL,
    receipt_number {bigint} NOT NULL,
    received_at    {time} NOT NULL,
    left_reference {text},
    left_at        {time},
    PRIMARY KEY (site, sku, serial)
) {without_rowid};

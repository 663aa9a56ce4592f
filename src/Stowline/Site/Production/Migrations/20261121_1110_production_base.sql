-- The stages of a site's tickets, as it has set them; without a row the preset of its type counts.
CREATE TABLE production_plans (
    site     {text} NOT NULL PRIMARY KEY,
    stages   {text} NOT NULL,
    saved_at {time} NOT NULL
) {without_rowid};

-- status: waiting, active, done, cancelled. stage: index into the stages; name and phase are kept with it, so that a change of the stages does not rewrite history.
CREATE TABLE tickets (
    id             {uuid} NOT NULL PRIMARY KEY,
    number         {bigint} NOT NULL,
    site           {text} NOT NULL,
    order_id       {uuid} NOT NULL,
    part           {int} NOT NULL,
    order_number   {bigint} NOT NULL,
    display_id     {text} NOT NULL,
    channel        {text} NOT NULL,
    external_id    {text} NOT NULL,
    status         {int} NOT NULL,
    stage          {text} NOT NULL,
    phase          {int} NOT NULL,
    before_stage   {text},
    priority       {int} NOT NULL,
    on_hold        {bool} NOT NULL,
    worker         {text},
    items          {text} NOT NULL,
    done_items     {text} NOT NULL,
    used           {bool} NOT NULL,
    slot_start     {time},
    slot_end       {time},
    visible_at     {time} NOT NULL,
    note           {text},
    created_at     {time} NOT NULL,
    stage_at       {time} NOT NULL,
    ended_at       {time}
) {without_rowid};
CREATE INDEX tickets_status ON tickets (site, status, id);
CREATE UNIQUE INDEX tickets_part ON tickets (order_id, part);
CREATE UNIQUE INDEX tickets_number ON tickets (number);
CREATE INDEX tickets_visible ON tickets (status, visible_at);

-- How long tickets stood in a stage: the sum of all, and a mean that follows the last few.
CREATE TABLE stage_times (
    site      {text} NOT NULL,
    stage     {text} NOT NULL,
    tickets   {bigint} NOT NULL,
    total_ms  {bigint} NOT NULL,
    recent_ms {bigint} NOT NULL,
    PRIMARY KEY (site, stage)
) {without_rowid};

-- needed: what open tickets will still use up.
CREATE TABLE ingredient_needs (
    site   {text} NOT NULL,
    sku    {text} NOT NULL,
    needed {bigint} NOT NULL,
    PRIMARY KEY (site, sku)
) {hot};

CREATE TABLE dish_stops (
    site       {text} NOT NULL,
    sku        {text} NOT NULL,
    reason     {text} NOT NULL,
    by_hand    {bool} NOT NULL,
    stopped_at {time} NOT NULL,
    PRIMARY KEY (site, sku)
) {without_rowid};

-- W5: what people are sent to do with stock: count it, or take away what has expired. as_of: only in copies of another node's tasks.
CREATE TABLE stock_tasks (
    id                  {uuid} NOT NULL PRIMARY KEY,
    number              {bigint} NOT NULL,
    site                {text} NOT NULL,
    kind                {int} NOT NULL,
    cause               {int} NOT NULL,
    status              {int} NOT NULL,
    worker              {text},
    reason              {text},
    first_task_id       {uuid},
    total_lines         {int} NOT NULL,
    done_lines          {int} NOT NULL,
    created_at          {time} NOT NULL,
    assigned_at         {time},
    started_at          {time},
    completed_at        {time},
    cancelled_at        {time},
    cancellation_reason {text},
    as_of               {time}
) {without_rowid};
CREATE UNIQUE INDEX stock_tasks_number ON stock_tasks (number);
CREATE INDEX stock_tasks_status ON stock_tasks (site, status, id);
CREATE INDEX stock_tasks_worker ON stock_tasks (worker, site, status, id);

-- round: the how-manieth count of the place; off_before: by how much the count before was off.
CREATE TABLE stock_task_lines (
    task_id    {uuid} NOT NULL,
    line       {int} NOT NULL,
    site       {text} NOT NULL,
    sku        {text} NOT NULL,
    bin        {text} NOT NULL,
    lot        {text} NOT NULL,
    round      {int} NOT NULL,
    off_before {bigint},
    status     {int} NOT NULL,
    counted    {bigint},
    expected   {bigint},
    difference {bigint},
    kept       {bigint},
    done_at    {time},
    PRIMARY KEY (task_id, line)
) {without_rowid};
-- Whether somebody is sent to a place already. 1 is StockTaskLineStatus.Open.
CREATE INDEX stock_task_lines_open ON stock_task_lines (site, bin, sku, lot) WHERE status = 1;

-- When a bin was counted last, for the plan.
CREATE TABLE bin_counts (
    site       {text} NOT NULL,
    bin        {text} NOT NULL,
    counted_at {time} NOT NULL,
    PRIMARY KEY (site, bin)
) {without_rowid};

-- How a site counts. planned_on: the site's date on which the plan made its last tasks.
CREATE TABLE count_settings (
    site            {text} NOT NULL PRIMARY KEY,
    every_days      {int},
    bins_per_day    {int} NOT NULL,
    recount_units   {int} NOT NULL,
    recount_percent {int} NOT NULL,
    planned_on      {date}
) {without_rowid};

-- What an account is to be told of its orders. kind 1: how the order stands (part 0; the latest word counts); kind 2: the parcel in which a part left. position: the event
-- that said so. told: what the account last confirmed. unsure: an answer was lost, so the account may have heard already. transport, revive_at: as for stock_operations.
-- hold_until: a call whose answer was lost may still arrive there, so nothing newer is sent before.
CREATE TABLE channel_reports (
    id              {uuid} NOT NULL PRIMARY KEY,
    account         {text} NOT NULL,
    order_id        {uuid} NOT NULL,
    external_id     {text} NOT NULL,
    kind            {int} NOT NULL,
    part            {int} NOT NULL,
    position        {bigint} NOT NULL,
    word            {text} NOT NULL,
    told            {text},
    carrier         {text},
    tracking_number {text},
    status          {int} NOT NULL,
    unsure          {bool} NOT NULL,
    retry_count     {int} NOT NULL,
    max_retries     {int} NOT NULL,
    next_retry_at   {time} NOT NULL,
    transport       {bool} NOT NULL,
    revivals        {int} NOT NULL,
    revive_at       {time},
    hold_until      {time},
    created_at      {time} NOT NULL,
    updated_at      {time} NOT NULL,
    completed_at    {time},
    error_message   {text}
) {hot};
CREATE UNIQUE INDEX channel_reports_about ON channel_reports (account, order_id, kind, part);
CREATE INDEX channel_reports_due ON channel_reports (account, next_retry_at) WHERE status IN (1, 2);
CREATE INDEX channel_reports_status ON channel_reports (account, status, id);
CREATE INDEX channel_reports_done ON channel_reports (updated_at) WHERE status IN (3, 5);

-- How far each lane was read for it.
CREATE TABLE channel_report_cursors (
    lane     {text} NOT NULL PRIMARY KEY,
    position {bigint} NOT NULL
) {without_rowid};

-- Accounts at marketplaces and shops. settings: JSON. secrets and tokens are sealed with the node's key, which is not in the database. tokens_version is compared
-- and set, so that of two processes that renew the tokens at once one wins. failing_since: no call has come through since then; probe_at: when one is tried again.
CREATE TABLE channel_accounts (
    code            {text} NOT NULL PRIMARY KEY,
    kind            {int} NOT NULL,
    name            {text} NOT NULL,
    enabled         {bool} NOT NULL,
    settings        {text} NOT NULL,
    secrets         {bytes},
    tokens          {bytes},
    tokens_version  {bigint} NOT NULL,
    event_cursor    {text},
    orders_since    {time} NOT NULL,
    forms_until     {time},
    failures        {int} NOT NULL,
    failing_since   {time},
    probe_at        {time},
    last_error      {text},
    last_success_at {time},
    reconcile_at    {time} NOT NULL,
    reconcile_fixes {bool} NOT NULL,
    reconciled_at   {time},
    created_at      {time} NOT NULL,
    created_by      {text} NOT NULL,
    saved_at        {time} NOT NULL
) {hot};

-- What is offered there. wanted: what the marketplace should show; acknowledged: what it last confirmed; seen: what it showed when it was last asked.
-- hold_until: a call whose answer was lost may still arrive there, so nothing newer is sent before.
CREATE TABLE channel_offers (
    account         {text} NOT NULL,
    offer           {text} NOT NULL,
    sku             {text} NOT NULL,
    wanted          {bigint},
    wanted_at       {time},
    acknowledged    {bigint},
    acknowledged_at {time},
    seen            {bigint},
    seen_at         {time},
    differs_since   {time},
    hold_until      {time},
    PRIMARY KEY (account, offer)
) {hot};
CREATE INDEX channel_offers_sku ON channel_offers (account, sku);

-- Source 5: pending_stock_operations. An operation sets an offer's quantity there. It belongs to a command from being sent until what came of it is known.
-- transport: it failed because the marketplace did not answer, not because it said no. revive_at: when such a one comes back by itself.
CREATE TABLE stock_operations (
    id              {uuid} NOT NULL PRIMARY KEY,
    account         {text} NOT NULL,
    offer           {text} NOT NULL,
    sku             {text} NOT NULL,
    operation_type  {int} NOT NULL,
    status          {int} NOT NULL,
    quantity        {bigint} NOT NULL,
    previous        {bigint},
    order_id        {uuid},
    retry_count     {int} NOT NULL,
    max_retries     {int} NOT NULL,
    next_retry_at   {time} NOT NULL,
    command_id      {uuid},
    solo            {bool} NOT NULL,
    transport       {bool} NOT NULL,
    revivals        {int} NOT NULL,
    revive_at       {time},
    created_at      {time} NOT NULL,
    updated_at      {time} NOT NULL,
    first_failed_at {time},
    completed_at    {time},
    error_message   {text}
) {hot};
CREATE INDEX stock_operations_open ON stock_operations (account, next_retry_at) WHERE status IN (1, 2);
CREATE INDEX stock_operations_offer ON stock_operations (account, offer) WHERE status IN (1, 2, 4);
CREATE INDEX stock_operations_status ON stock_operations (status, id);
CREATE INDEX stock_operations_command ON stock_operations (command_id) WHERE command_id IS NOT NULL;
CREATE INDEX stock_operations_bound ON stock_operations (account, offer) WHERE command_id IS NOT NULL;
CREATE INDEX stock_operations_done ON stock_operations (updated_at) WHERE status IN (3, 5);
CREATE INDEX stock_operations_completed ON stock_operations (completed_at) WHERE completed_at IS NOT NULL;

-- A call that was made or is about to be. state 1: whether it arrived is not known; 2: taken, and its report is awaited; since: when it came to that state. Gone when
-- what came of it is known.
CREATE TABLE channel_commands (
    id         {uuid} NOT NULL PRIMARY KEY,
    account    {text} NOT NULL,
    state      {int} NOT NULL,
    looks      {int} NOT NULL,
    since      {time} NOT NULL,
    next_at    {time} NOT NULL
) {hot};
CREATE INDEX channel_commands_due ON channel_commands (account, next_at);

-- Source 5: stock_synchronization_logs.
CREATE TABLE stock_sync_log (
    id                {uuid} NOT NULL PRIMARY KEY,
    operation_id      {uuid} NOT NULL,
    action            {text} NOT NULL,
    status            {text} NOT NULL,
    details           {text},
    at                {time} NOT NULL,
    execution_time_ms {int}
) {without_rowid};
CREATE INDEX stock_sync_log_operation ON stock_sync_log (operation_id, id);
CREATE INDEX stock_sync_log_at ON stock_sync_log (at);

-- Orders there that could not be taken yet, and are looked at again.
CREATE TABLE channel_waiting_orders (
    account       {text} NOT NULL,
    external_id   {text} NOT NULL,
    reason        {text} NOT NULL,
    looks         {int} NOT NULL,
    first_seen_at {time} NOT NULL,
    next_at       {time} NOT NULL,
    PRIMARY KEY (account, external_id)
) {without_rowid};

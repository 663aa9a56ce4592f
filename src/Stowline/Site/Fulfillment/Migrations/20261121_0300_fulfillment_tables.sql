-- One row per part of an order that this site was given. lines: as assigned; live: what is still the order's here (less what was reported short).
CREATE TABLE fulfillment_orders (
    order_id         {uuid} NOT NULL,
    part             {int} NOT NULL,
    site             {text} NOT NULL,
    order_number     {bigint} NOT NULL,
    channel          {text} NOT NULL,
    external_id      {text} NOT NULL,
    fulfillment_type {text} NOT NULL,
    priority         {int} NOT NULL,
    status           {int} NOT NULL,
    lines            {text} NOT NULL,
    live             {text} NOT NULL,
    person_id        {uuid} NOT NULL,
    personal         {bytes},
    note             {text},
    on_hold          {bool} NOT NULL,
    created_at       {time} NOT NULL,
    ended_at         {time},
    PRIMARY KEY (order_id, part)
) {without_rowid};

-- Returns name an order by number. Numbers ascend, so the index grows at one end.
CREATE INDEX fulfillment_orders_number ON fulfillment_orders (order_number);

CREATE TABLE picking_tasks (
    id                  {uuid} NOT NULL PRIMARY KEY,
    number              {bigint} NOT NULL,
    site                {text} NOT NULL,
    order_id            {uuid} NOT NULL,
    part                {int} NOT NULL,
    order_number        {bigint} NOT NULL,
    status              {int} NOT NULL,
    priority            {int} NOT NULL,
    worker              {text},
    total_items         {int} NOT NULL,
    picked_items        {int} NOT NULL,
    on_hold             {bool} NOT NULL,
    created_at          {time} NOT NULL,
    assigned_at         {time},
    started_at          {time},
    completed_at        {time},
    cancelled_at        {time},
    cancellation_reason {text}
) {without_rowid};
CREATE INDEX picking_tasks_status ON picking_tasks (site, status, id);
CREATE UNIQUE INDEX picking_tasks_part ON picking_tasks (order_id, part);
CREATE UNIQUE INDEX picking_tasks_number ON picking_tasks (number);

CREATE TABLE picking_items (
    task_id           {uuid} NOT NULL,
    item              {int} NOT NULL,
    sequence          {int} NOT NULL,
    sku               {text} NOT NULL,
    bin               {text} NOT NULL,
    lot               {text} NOT NULL,
    quantity_required {int} NOT NULL,
    quantity_picked   {int} NOT NULL,
    status            {int} NOT NULL,
    note              {text},
    serials           {text},
    picked_at         {time},
    PRIMARY KEY (task_id, item)
) {without_rowid};

-- lines: what was picked, per SKU and lot; it stands in staging until the task is shipped or cancelled.
CREATE TABLE packing_tasks (
    id                  {uuid} NOT NULL PRIMARY KEY,
    number              {bigint} NOT NULL,
    site                {text} NOT NULL,
    order_id            {uuid} NOT NULL,
    part                {int} NOT NULL,
    order_number        {bigint} NOT NULL,
    picking_task_id     {uuid} NOT NULL,
    status              {int} NOT NULL,
    priority            {int} NOT NULL,
    worker              {text},
    on_hold             {bool} NOT NULL,
    lines               {text} NOT NULL,
    carrier             {text},
    tracking_number     {text},
    created_at          {time} NOT NULL,
    started_at          {time},
    packed_at           {time},
    shipped_at          {time},
    cancelled_at        {time},
    cancellation_reason {text}
) {without_rowid};
CREATE INDEX packing_tasks_status ON packing_tasks (site, status, id);
CREATE UNIQUE INDEX packing_tasks_part ON packing_tasks (order_id, part);
CREATE UNIQUE INDEX packing_tasks_number ON packing_tasks (number);

CREATE TABLE packages (
    task_id             {uuid} NOT NULL,
    sequence_number     {int} NOT NULL,
    packaging_type      {int} NOT NULL,
    weight_g            {int} NOT NULL,
    length_mm           {int} NOT NULL,
    width_mm            {int} NOT NULL,
    height_mm           {int} NOT NULL,
    volumetric_weight_g {int} NOT NULL,
    chargeable_weight_g {int} NOT NULL,
    barcode             {text} NOT NULL,
    lines               {text},
    created_at          {time} NOT NULL,
    PRIMARY KEY (task_id, sequence_number)
) {without_rowid};

-- Picked units of a part that was given back: they stand in staging until somebody puts them into a bin. lines: with the bins they came from.
CREATE TABLE put_back_tasks (
    id           {uuid} NOT NULL PRIMARY KEY,
    number       {bigint} NOT NULL,
    site         {text} NOT NULL,
    order_id     {uuid} NOT NULL,
    part         {int} NOT NULL,
    status       {int} NOT NULL,
    lines        {text} NOT NULL,
    created_at   {time} NOT NULL,
    completed_at {time}
) {without_rowid};
CREATE INDEX put_back_tasks_status ON put_back_tasks (site, status, id);
CREATE UNIQUE INDEX put_back_tasks_number ON put_back_tasks (number);

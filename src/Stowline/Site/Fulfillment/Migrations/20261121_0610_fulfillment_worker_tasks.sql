-- A worker's tasks, by site and state. Tasks without a worker are not in it, so taking orders costs nothing more.
CREATE INDEX picking_tasks_worker ON picking_tasks (worker, site, status, id) WHERE worker IS NOT NULL;
CREATE INDEX packing_tasks_worker ON packing_tasks (worker, site, status, id) WHERE worker IS NOT NULL;

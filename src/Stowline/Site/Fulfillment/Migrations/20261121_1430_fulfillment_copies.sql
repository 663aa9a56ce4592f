-- Set in copies of the tasks of sites that have nodes of their own: when the site last said something of the task. Copies are shown, never decided by.
ALTER TABLE picking_tasks ADD COLUMN as_of {time};
ALTER TABLE packing_tasks ADD COLUMN as_of {time};

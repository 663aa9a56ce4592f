import type { Schemas } from "../api/client";
import type { Scan } from "../gs1/gs1";
import type { Action } from "./store";

export type Task = Schemas["PickingTask"];
export type Item = Schemas["PickingItem"];
export type Product = Pick<Schemas["Product"], "sku" | "name" | "barcodes">;

export const tasksKey = (site: string) => `tasks/${site}`;
export const aboutTask = (id: string) => `task/${id}`;

/** A task as it is when everything has been sent: what the node said, and on top what was done here since. Pure. */
export function applied(task: Task, actions: readonly Action[]): Task {
  return actions.filter((a) => a.about === aboutTask(task.id)).reduce(after, task);
}

function after(task: Task, action: Action): Task {
  const { item: id, quantity } = action.values;
  const change = (next: (item: Item) => Item) => {
    const items = task.items.map((i) => (i.id === id ? next(i) : i));
    return { ...task, items, picked_items: items.filter((i) => i.status === "picked").length };
  };
  switch (action.what) {
    case "assign": return { ...task, status: "assigned", worker: action.actor };
    case "start": return { ...task, status: "in_progress" };
    case "complete": return { ...task, status: "completed" };
    case "skip": return change((i) => ({ ...i, status: "skipped" }));
    case "pick": return change((i) => {
      const picked = i.quantity_picked + Number(quantity);
      return { ...i, quantity_picked: picked, status: picked >= i.quantity_required ? "picked" : i.status };
    });
    case "receive":
    case "move":
    case "count":
    case "takeCount":
    case "endCount":
    case "takeRemoval":
    case "remove":
    case "endRemoval": return task;
  }
}

export const isOpen = (task: Task) => task.status === "pending" || task.status === "assigned" || task.status === "in_progress";
/** The next thing to take, along the path through the aisles. */
export const nextItem = (task: Task) => [...task.items].sort((a, b) => a.sequence - b.sequence).find((i) => i.status === "pending");

const bare = (code: string) => code.replace(/^0+/, "");

/** How many units of the product a scan means: 0 when it is something else. A GTIN is the same with and without leading zeros. */
export function unitsOf(scan: Scan, sku: string, product: Product | undefined): number {
  if (scan.text === sku) return 1;
  const barcode = product?.barcodes.find((b) => b.code === scan.text || (scan.gtin !== undefined && bare(b.code) === bare(scan.gtin)));
  return barcode?.units ?? 0;
}

import type { OrderStatus, OrderView, Schemas } from "../api/client";
import type { LiveFrame } from "./liveClient";

/** An order as a list shows it. */
export type OrderRow = Pick<OrderView, "id" | "number" | "status" | "channel" | "external_id" | "priority" | "total" | "on_hold" | "placed_at"> & {
  parts: { part: number; site: string | null }[];
};

/** How many orders stand where, and the newest of them. */
export interface OrdersNow {
  counts: Partial<Record<OrderStatus, number>>;
  newest: OrderRow[];
  at: string;
}

/** So many rows are kept: enough to read on without a gap, and an end for a screen that is open for days. */
const KEPT = 500;

interface PlacedPart {
  part: number;
  site?: string;
}

interface Placed {
  order_id: string;
  number: number;
  channel: string;
  external_id: string;
  priority: Schemas["Priority"];
  currency: string;
  total_e4: number;
  parts: PlacedPart[];
}

/** The state after one more frame of the topic `orders`. Pure; undefined before the first snapshot. */
export function ordersNow(state: OrdersNow | undefined, frame: LiveFrame): OrdersNow | undefined {
  if (frame.type === "snapshot") return { ...(frame.data as Pick<OrdersNow, "counts" | "newest">), at: frame.at };
  if (!state) return undefined;
  const next = { ...state, at: frame.at };
  switch (frame.type) {
    case "order.placed": {
      const row = rowOf(frame.data as Placed, frame.at);
      return { ...next, counts: moved(state.counts, null, row.status), newest: [row, ...state.newest].slice(0, KEPT) };
    }
    case "order.status_changed": {
      const { order_id, from, to } = frame.data as { order_id: string; from: OrderStatus; to: OrderStatus };
      return { ...changed(next, order_id, { status: to }), counts: moved(state.counts, from, to) };
    }
    case "order.held":
    case "order.released":
      return changed(next, idOf(frame), { on_hold: frame.type === "order.held" });
    case "order.priority_changed":
      return changed(next, idOf(frame), { priority: (frame.data as Placed).priority });
    case "order.rerouted": {
      const { order_id, from_part, parts } = frame.data as { order_id: string; from_part: number; parts: PlacedPart[] };
      const row = state.newest.find((o) => o.id === order_id);
      return row ? changed(next, order_id, { parts: [...row.parts.filter((p) => p.part !== from_part), ...parts.map(partOf)] }) : next;
    }
    default:
      return next;
  }
}

const idOf = (frame: LiveFrame) => (frame.data as Placed).order_id;
const partOf = (p: PlacedPart) => ({ part: p.part, site: p.site ?? null });

function rowOf(placed: Placed, at: string): OrderRow {
  return {
    id: placed.order_id,
    number: placed.number,
    // What is on backorder has a part without a site; such an order waits as a whole.
    status: placed.parts.some((p) => !p.site) ? "backorder" : "allocated",
    channel: placed.channel,
    external_id: placed.external_id,
    priority: placed.priority,
    total: { amount: (placed.total_e4 / 10_000).toFixed(4), currency: placed.currency },
    on_hold: false,
    placed_at: at,
    parts: placed.parts.map(partOf),
  };
}

function moved(counts: OrdersNow["counts"], from: OrderStatus | null, to: OrderStatus): OrdersNow["counts"] {
  const next = { ...counts, [to]: (counts[to] ?? 0) + 1 };
  if (from) next[from] = Math.max(0, (counts[from] ?? 0) - 1);
  return next;
}

function changed(state: OrdersNow, id: string, change: Partial<OrderRow>): OrdersNow {
  return { ...state, newest: state.newest.map((o) => (o.id === id ? { ...o, ...change } : o)) };
}

import { expect, test } from "@playwright/test";
import type { LiveFrame } from "../src/live/liveClient";
import { ordersNow, type OrdersNow } from "../src/live/ordersNow";

// Goal: the state after a snapshot and events is what a later snapshot would say. Method: the pure function, frame by frame.

const frame = (type: string, data: unknown, position = 1): LiveFrame => ({ topic: "orders", position, type, at: "2026-11-21T08:00:00Z", data });
const placed = (id: string, ...sites: (string | undefined)[]) => frame("order.placed", {
  order_id: id, number: 7, channel: "web", external_id: id, priority: "normal", currency: "EUR", total_e4: 192_400,
  parts: sites.map((site, i) => ({ part: i + 1, ...(site ? { site } : {}) })),
});
const after = (...frames: LiveFrame[]) => frames.reduce<OrdersNow | undefined>(ordersNow, undefined)!;
const empty = frame("snapshot", { counts: {}, newest: [] });

test("before the first snapshot nothing is known", () => {
  expect(ordersNow(undefined, placed("a", "WH1"))).toBeUndefined();
});

test("a placed order is counted and comes first", () => {
  const now = after(empty, placed("a", "WH1"), placed("b", "WH2"));
  expect(now.counts).toEqual({ allocated: 2 });
  expect(now.newest.map((o) => o.id)).toEqual(["b", "a"]);
  expect(now.newest[1]).toMatchObject({ status: "allocated", total: { amount: "19.2400", currency: "EUR" }, parts: [{ part: 1, site: "WH1" }] });
});

test("an order with a part that has no site is on backorder", () => {
  expect(after(empty, placed("a", "WH1", undefined)).counts).toEqual({ backorder: 1 });
});

test("a changed state moves the order from one count to the other", () => {
  const now = after(empty, placed("a", "WH1"), frame("order.status_changed", { order_id: "a", from: "allocated", to: "picking" }));
  expect(now.counts).toEqual({ allocated: 0, picking: 1 });
  expect(now.newest[0]!.status).toBe("picking");
});

test("an order that is not in the list is counted all the same", () => {
  const now = after(frame("snapshot", { counts: { picking: 5 }, newest: [] }), frame("order.status_changed", { order_id: "old", from: "picking", to: "packing" }));
  expect(now.counts).toEqual({ picking: 4, packing: 1 });
});

test("hold, priority and another site show in the row", () => {
  const changes = [frame("order.held", { order_id: "a" }), frame("order.priority_changed", { order_id: "a", priority: "urgent" }),
    frame("order.rerouted", { order_id: "a", from_part: 1, parts: [{ part: 2, site: "WH2" }] })];
  expect(after(empty, placed("a", "WH1"), ...changes).newest[0]).toMatchObject({ on_hold: true, priority: "urgent", parts: [{ part: 2, site: "WH2" }] });
});

test("a new snapshot takes the place of everything before", () => {
  expect(after(empty, placed("a", "WH1"), frame("snapshot", { counts: { shipped: 1 }, newest: [] }))).toMatchObject({ counts: { shipped: 1 }, newest: [] });
});

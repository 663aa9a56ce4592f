import { expect, test } from "@playwright/test";
import { binsOf, countOf } from "../src/floor/generate";
import { planOf, stopsOf } from "../src/floor/geometry";
import { balances, changeOf } from "../src/stock/balances";

// Goal: what is generated and drawn is what was asked for. Method: the pure functions.

const block = { zone: "B", aisles: 2, bays: 3, levels: 2, firstAisle: 9, x: 1, y: 2, bayWidth: 1.2, aisleWidth: 3 };

test("a block has each bin once, named zone-aisle-bay-level, where it stands", () => {
  const bins = binsOf(block);
  expect(bins.length).toBe(countOf(block));
  expect(new Set(bins.map((b) => b.bin)).size).toBe(12);
  expect(bins[0]).toMatchObject({ bin: "B-09-01-01", x_m: 1, y_m: 2, width_mm: 1200 });
  expect(bins.at(-1)).toMatchObject({ bin: "B-10-03-02", aisle: "10", position: "03", level: "02", x_m: 3.4, y_m: 5 });
});

test("bins above each other are one cell, and the plan holds all of them", () => {
  const bins = binsOf(block).map((b) => ({ ...b, depth_mm: null }));
  const plan = planOf([...bins, { ...bins[0]!, bin: "LOST", x_m: null }] as unknown as Parameters<typeof planOf>[0]);
  expect(plan.cells.length).toBe(6);
  expect(plan.unplaced.map((b) => b.bin)).toEqual(["LOST"]);
  for (const c of plan.cells) {
    expect(c.x - c.width / 2).toBeGreaterThanOrEqual(plan.left);
    expect(c.y + c.depth / 2).toBeLessThanOrEqual(plan.top + plan.depth);
  }
  const items = [{ bin: "B-10-01-01", sequence: 3 }, { bin: "B-09-01-01", sequence: 1 }, { bin: "B-09-01-01", sequence: 2 }, { bin: "LOST", sequence: 4 }];
  expect(stopsOf(items, plan).map((s) => s?.bin ?? null)).toEqual(["B-09-01-01", "B-10-01-01", null]);
  expect(planOf([]).cells).toEqual([]);
});

test("a balance goes back through what came, went, and only changed its place", () => {
  const moved = (from_bin: string | null, to_bin: string | null, quantity: number) => ({ from_bin, to_bin, quantity }) as Parameters<typeof balances>[1][number];
  const ledger = [moved("A", null, 2), moved("A", "B", 5), moved("A", "A", 1), moved(null, "A", 12)];
  expect(ledger.map(changeOf)).toEqual([-2, 0, 0, 12]);
  expect(balances(10, ledger)).toEqual([10, 12, 12, 12]);
});

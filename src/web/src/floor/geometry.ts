import type { Schemas } from "../api/client";

type Bin = Schemas["BinView"];

/** What stands at one place of the floor: the bins above each other there. Meters; x and y are its middle. */
export interface Cell {
  x: number;
  y: number;
  width: number;
  depth: number;
  zone: string;
  bins: Bin[];
}

export interface Plan {
  cells: Cell[];
  left: number;
  top: number;
  width: number;
  depth: number;
  /** Bins that nobody has measured yet. */
  unplaced: Bin[];
}

const WIDTH = 1;
const DEPTH = 0.8;
const EDGE = 1.5;

/** The floor as it is drawn: cells to scale, and the rectangle that holds them all. */
export function planOf(bins: readonly Bin[]): Plan {
  const cells = new Map<string, Cell>();
  const unplaced: Bin[] = [];
  for (const bin of bins) {
    if (bin.x_m === null || bin.y_m === null) {
      unplaced.push(bin);
      continue;
    }
    const key = `${bin.x_m}~${bin.y_m}`;
    const cell = cells.get(key) ?? { x: bin.x_m, y: bin.y_m, width: 0, depth: 0, zone: bin.zone, bins: [] };
    cell.width = Math.max(cell.width, bin.width_mm ? bin.width_mm / 1000 : WIDTH);
    cell.depth = Math.max(cell.depth, bin.depth_mm ? bin.depth_mm / 1000 : DEPTH);
    cell.bins.push(bin);
    cells.set(key, cell);
  }
  const all = [...cells.values()];
  if (all.length === 0) return { cells: [], left: 0, top: 0, width: 0, depth: 0, unplaced };
  const least = (of: (c: Cell) => number) => all.reduce((m, c) => Math.min(m, of(c)), Infinity);
  const most = (of: (c: Cell) => number) => all.reduce((m, c) => Math.max(m, of(c)), -Infinity);
  const [left, top] = [least((c) => c.x - c.width / 2) - EDGE, least((c) => c.y - c.depth / 2) - EDGE];
  return { cells: all, left, top, width: most((c) => c.x + c.width / 2) + EDGE - left, depth: most((c) => c.y + c.depth / 2) + EDGE - top, unplaced };
}

/** The stops of a picking task in its order; null for a bin without a place. Several items of one bin are one stop. */
export function stopsOf(items: readonly Pick<Schemas["PickingItem"], "bin" | "sequence">[], plan: Plan): ({ bin: string; x: number; y: number } | null)[] {
  const places = new Map(plan.cells.flatMap((c) => c.bins.map((b) => [b.bin, c] as const)));
  const bins = [...items].sort((a, b) => a.sequence - b.sequence).map((i) => i.bin);
  return bins.filter((bin, i) => bin !== bins[i - 1]).map((bin) => {
    const cell = places.get(bin);
    return cell ? { bin, x: cell.x, y: cell.y } : null;
  });
}

/** A block of shelves: aisles one behind the other, bays along them, levels above each other. Lengths in meters. */
export interface Block {
  zone: string;
  aisles: number;
  bays: number;
  levels: number;
  firstAisle: number;
  x: number;
  y: number;
  bayWidth: number;
  aisleWidth: number;
}

export interface NewBin {
  bin: string;
  zone: string;
  type: "shelf";
  aisle: string;
  position: string;
  level: string;
  x_m: number;
  y_m: number;
  width_mm: number;
}

/** As many as the node takes in one call. */
export const MOST_BINS = 5_000;

export const countOf = (block: Block) => block.aisles * block.bays * block.levels;

const two = (n: number) => String(n).padStart(2, "0");
const millimeters = (meters: number) => Math.round(meters * 1000) / 1000;

/** The bins of a block, named zone-aisle-bay-level as in A-01-02-03 (W2). */
export function binsOf(block: Block): NewBin[] {
  const bins: NewBin[] = [];
  for (let a = 0; a < block.aisles; a++)
    for (let b = 0; b < block.bays; b++)
      for (let level = 1; level <= block.levels; level++) {
        const [aisle, position] = [two(block.firstAisle + a), two(b + 1)];
        bins.push({
          bin: [block.zone, aisle, position, two(level)].join("-"), zone: block.zone, type: "shelf", aisle, position, level: two(level),
          x_m: millimeters(block.x + b * block.bayWidth), y_m: millimeters(block.y + a * block.aisleWidth), width_mm: Math.round(block.bayWidth * 1000),
        });
      }
  return bins;
}

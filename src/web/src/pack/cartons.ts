import type { Schemas } from "../api/client";

/** A carton by its outer size, as it was used at this station. */
export interface Carton {
  packaging_type: Schemas["PackagingType"];
  length_mm: number;
  width_mm: number;
  height_mm: number;
}

const NAME = "stowline.pack.cartons";
const MOST = 8;

/** The cartons that this station used last, the newest first: a bench has few sizes, and nobody measures them twice. */
export function usedCartons(): Carton[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(NAME) ?? "[]");
    return Array.isArray(kept) ? kept.filter((c): c is Carton => typeof (c as Carton)?.packaging_type === "string" && [(c as Carton).length_mm, (c as Carton).width_mm, (c as Carton).height_mm].every(Number.isFinite)) : [];
  } catch {
    return []; // somebody else's text under our name
  }
}

export const keyOf = (c: Carton) => `${c.packaging_type} ${c.length_mm} ${c.width_mm} ${c.height_mm}`;

export function keepCarton(carton: Carton) {
  localStorage.setItem(NAME, JSON.stringify([carton, ...usedCartons().filter((c) => keyOf(c) !== keyOf(carton))].slice(0, MOST)));
}

import { useQuery } from "@tanstack/react-query";
import { api, body, type Schemas } from "../api/client";
import { at, whole } from "../api/whole";

/** More than this is not drawn: nobody could see it. */
export const MOST_DRAWN = 10_000;
const PAGE = 200;
const ASK_AGAIN_MS = 15_000;

/** Bins, what lies in them, and what is to be picked from them. */
export function useFloor(site: string) {
  const path = { code: site };
  const bins = useQuery({ queryKey: ["floor", site, "bins"], queryFn: () => whole((cursor) => body(api.GET("/api/v1/sites/{code}/bins", { params: { path, query: at(cursor) } })), MOST_DRAWN) });
  const stock = useQuery({
    queryKey: ["floor", site, "stock"], refetchInterval: ASK_AGAIN_MS,
    queryFn: () => whole((cursor) => body(api.GET("/api/v1/sites/{code}/stock", { params: { path, query: at(cursor) } })), MOST_DRAWN),
  });
  const tasks = useQuery({
    queryKey: ["floor", site, "tasks"], refetchInterval: ASK_AGAIN_MS,
    queryFn: async () => (await Promise.all((["pending", "assigned", "in_progress"] as const).map((status) =>
      body(api.GET("/api/v1/picking-tasks", { params: { query: { site, status, limit: PAGE } } }))))).flatMap((p) => p.items),
  });
  return { bins, stock, tasks };
}

/** Units per bin. */
export function unitsPerBin(stock: readonly Schemas["StockView"][] | undefined): Map<string, number> {
  const units = new Map<string, number>();
  for (const row of stock ?? []) units.set(row.bin, (units.get(row.bin) ?? 0) + row.on_hand);
  return units;
}

/** Items that wait to be picked, per bin. */
export function picksPerBin(tasks: readonly Schemas["PickingTask"][] | undefined): Map<string, number> {
  const picks = new Map<string, number>();
  for (const item of (tasks ?? []).flatMap((task) => task.items)) if (item.status === "pending") picks.set(item.bin, (picks.get(item.bin) ?? 0) + 1);
  return picks;
}

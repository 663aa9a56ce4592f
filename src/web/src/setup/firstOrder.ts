import { api, body, type Schemas } from "../api/client";
import { ProblemError } from "../api/problem";
import { binsOf } from "../floor/generate";

/** What the guide asks for; everything has a value that works. */
export interface FirstValues {
  site: string;
  siteName: string;
  city: string;
  type: Schemas["SiteType"];
  sku: string;
  product: string;
  price: string;
  currency: string;
  units: number;
}

const BLOCK = { zone: "A", aisles: 2, bays: 4, levels: 2, firstAisle: 1, x: 0, y: 0, bayWidth: 1.2, aisleWidth: 3 };
const WORKER = "guide";

export const makeSite = (v: FirstValues) => body(api.PUT("/api/v1/sites/{code}", { params: { path: { code: v.site } }, body: { name: v.siteName, city: v.city || null, type: v.type } }));

export async function makeBins(v: FirstValues) {
  await api.PUT("/api/v1/sites/{code}/zones/{zone}", { params: { path: { code: v.site, zone: BLOCK.zone } }, body: { type: "storage" } });
  return body(api.POST("/api/v1/sites/{code}/bins/bulk", { params: { path: { code: v.site } }, body: { items: binsOf(BLOCK) } }));
}

export const makeProduct = (v: FirstValues) => body(api.PUT("/api/v1/products/{sku}", {
  params: { path: { sku: v.sku } }, body: { name: v.product, price: { amount: v.price, currency: v.currency } },
}));

export const receive = (v: FirstValues) => body(api.POST("/api/v1/sites/{code}/receipts", {
  params: { path: { code: v.site } }, body: { reference: "first-stock", lines: [{ sku: v.sku, quantity: v.units, bin: binsOf(BLOCK)[0]!.bin }] },
}));

export const place = (v: FirstValues) => body(api.POST("/api/v1/orders", {
  body: {
    external_id: `test-${Date.now()}`, channel: "test", fulfillment_type: "ship", customer: { name: "Test" },
    ship_to: { line1: "1 Test Street", city: v.city || v.siteName }, lines: [{ sku: v.sku, quantity: 1 }],
  },
}));

/** Everything that people would do on the floor, one call after the other. */
export async function ship(order: string) {
  const picking = (await body(api.GET("/api/v1/picking-tasks", { params: { query: { order } } }))).items[0];
  if (!picking) throw new Error(`order ${order} has nothing to pick`);
  const params = { path: { key: picking.id } };
  if (picking.status !== "completed") {
    if (picking.status === "pending") await api.POST("/api/v1/picking-tasks/{key}/assign", { params, body: { worker: WORKER } });
    if (picking.status !== "in_progress") await api.POST("/api/v1/picking-tasks/{key}/start", { params });
    for (const item of picking.items.filter((i) => i.status === "pending"))
      await api.POST("/api/v1/picking-tasks/{key}/items/{item}/pick", { params: { path: { key: picking.id, item: item.id } }, body: { quantity: item.quantity_required - item.quantity_picked } });
    await api.POST("/api/v1/picking-tasks/{key}/complete", { params });
  }
  const packing = (await body(api.GET("/api/v1/packing-tasks", { params: { query: { order } } }))).items[0];
  if (!packing) throw new Error(`order ${order} has nothing to pack`);
  const packed = { params: { path: { key: packing.id } } };
  await api.POST("/api/v1/packing-tasks/{key}/start", { ...packed, body: { worker: WORKER } });
  await api.POST("/api/v1/packing-tasks/{key}/packages", { ...packed, body: { packaging_type: "box", weight_g: 500, length_mm: 300, width_mm: 200, height_mm: 100 } });
  await api.POST("/api/v1/packing-tasks/{key}/complete", packed);
  return body(api.POST("/api/v1/packing-tasks/{key}/ship", { ...packed, body: { carrier: "test", tracking_number: null } }));
}

/** Whether something is there already: 404 is an answer, too. */
export async function exists(look: () => Promise<unknown>): Promise<boolean> {
  try {
    await look();
    return true;
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status === 404) return false;
    throw error;
  }
}

import type { RunningNode } from "./node";

interface Order {
  id: string;
  number: number;
}
interface Task {
  id: string;
  items: { id: string; quantity_required: number }[];
}
interface Page<T> {
  items: T[];
}

/** The last day of a month, so many months from now. */
function endOfMonth(months: number): string {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months + 1, 0)).toISOString().slice(0, 10);
}

/** A small business over the API, as any client would make it: two sellers, three sites, lots with expiry. */
export class Business {
  private placed = 0;

  constructor(readonly node: RunningNode) {}

  async open() {
    const { node } = this;
    const sites = [["WH1", "Belgrade", 44.8, 20.4], ["WH2", "Novi Sad", 45.25, 19.85], ["SHOP", "Niš", 43.32, 21.9]] as const;
    for (const [code, city, latitude, longitude] of sites) {
      await node.call("PUT", `sites/${code}`, { name: city, type: code === "SHOP" ? "storefront" : "warehouse", city, latitude, longitude });
      await node.call("PUT", `sites/${code}/zones/A`, { name: "Aisles", type: "storage" });
      for (const bin of ["A-01-01", "A-01-02"]) await node.call("PUT", `sites/${code}/bins/${bin}`, { zone: "A", type: "shelf" });
    }
    const products = [["85123A", "White hanging heart", "2.55", "North Gifts"], ["71053", "White metal lantern", "3.39", "North Gifts"], ["HONEY-500", "Acacia honey 500 g", "8.90", "Apiary"], ["GONE", "Sold out mug", "7.50", "Apiary"]] as const;
    for (const [sku, name, amount, seller] of products) await node.call("PUT", `products/${sku}`, { name, seller, price: { amount, currency: "EUR" }, category: "home" });
    for (const [code] of sites) {
      await node.call("POST", `sites/${code}/receipts`, {
        reference: "PO-1",
        lines: [
          { sku: "85123A", quantity: 500, bin: "A-01-01" },
          { sku: "71053", quantity: 40, bin: "A-01-02" },
          { sku: "HONEY-500", quantity: 30, bin: "A-01-01", lot: "L-2025-11", expires_on: endOfMonth(6) },
          { sku: "HONEY-500", quantity: 12, bin: "A-01-02", lot: "L-2026-02", expires_on: endOfMonth(14) },
        ],
      });
    }
  }

  place(lines: { sku: string; quantity: number }[] = [{ sku: "85123A", quantity: 2 }], more: Record<string, unknown> = {}): Promise<Order> {
    return this.node.call<Order>("POST", "orders", {
      external_id: `5363${String(++this.placed).padStart(3, "0")}`,
      channel: this.placed % 3 === 0 ? "marketplace" : "web",
      fulfillment_type: "ship",
      customer: { name: "Ana Anić", email: "ana@example.com" },
      ship_to: { line1: "Knez Mihailova 1", city: "Belgrade", postal_code: "11000", country: "RS", latitude: 44.81, longitude: 20.46 },
      lines,
      ...more,
    });
  }

  /** Takes an order from the shelf to the carrier, or as far as is said. */
  async fulfill(order: Order, until: "started" | "packed" | "shipped" = "shipped") {
    const { node } = this;
    const picking = (await node.call<Page<Task>>("GET", `picking-tasks?order=${order.id}`)).items[0]!;
    await node.call("POST", `picking-tasks/${picking.id}/assign`, { worker: "mira" });
    await node.call("POST", `picking-tasks/${picking.id}/start`);
    if (until === "started") return;
    for (const item of picking.items) await node.call("POST", `picking-tasks/${picking.id}/items/${item.id}/pick`, { quantity: item.quantity_required });
    await node.call("POST", `picking-tasks/${picking.id}/complete`);
    const packing = (await node.call<Page<Task>>("GET", `packing-tasks?order=${order.id}`)).items[0]!;
    await node.call("POST", `packing-tasks/${packing.id}/start`, { worker: "mira" });
    await node.call("POST", `packing-tasks/${packing.id}/packages`, { packaging_type: "box", weight_g: 1500, length_mm: 400, width_mm: 300, height_mm: 200 });
    await node.call("POST", `packing-tasks/${packing.id}/complete`);
    if (until === "packed") return;
    await node.call("POST", `packing-tasks/${packing.id}/ship`, { carrier: "post_express", tracking_number: `PE${order.number}` });
  }

  /** A day in which something has happened: every screen has something to show. */
  async day() {
    const orders = [];
    for (let i = 0; i < 24; i++) orders.push(await this.place([{ sku: i % 4 === 0 ? "HONEY-500" : "85123A", quantity: 1 + (i % 5) }]));
    await this.fulfill(orders[0]!);
    await this.fulfill(orders[1]!);
    await this.fulfill(orders[2]!, "packed");
    await this.fulfill(orders[3]!, "started");
    await this.node.call("POST", `orders/${orders[4]!.id}/cancel`, { reason: "the customer changed their mind" });
    await this.node.call("POST", `orders/${orders[23]!.id}/priority`, { priority: "urgent" });
    await this.node.call("POST", `orders/${orders[22]!.id}/hold`, { reason: "address to be checked" });
    await this.place([{ sku: "GONE", quantity: 1 }], { backorder: true });
    // More than any one site has: it is split.
    const split = await this.place([{ sku: "71053", quantity: 70 }], { priority: "high", note: "Gift wrapping, please" });
    return { shipped: orders[0]!, split };
  }
}

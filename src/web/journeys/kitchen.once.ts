import { expect, test } from "./fixtures";
import { RunningNode } from "./node";

test("through a restart of the node the kitchen misses no ticket and no bump", async ({ page }) => {
  const node = await RunningNode.start();
  try {
    await node.call("PUT", "sites/K1", { name: "Kitchen", type: "kitchen" });
    await node.call("PUT", "menu/soup", { name: "Soup", station: "stove", variants: [{ sku: "soup", price: { amount: "4.00", currency: "EUR" } }] });
    await node.call("PUT", "sites/K1/slot-plan", { measure: "units", capacity: 40, lead_minutes: 0, days: 2, visible_minutes: 60 });
    const place = () => node.call<{ id: string; display_id: string }>("POST", "orders", { channel: "web", lines: [{ sku: "soup", quantity: 1 }] });
    const before = await place();
    await page.goto(`${node.url}/kitchen/K1`);
    await expect(page.getByTestId(`ticket-${before.display_id}`)).toBeVisible();
    await node.kill();
    await expect(page.getByTestId("live")).toHaveText("Connection lost");
    await expect(page.getByTestId(`ticket-${before.display_id}`)).toBeVisible();
    await node.startAgain();
    await node.call("PUT", `erp/orders/${before.id}/status`, { status: "cooking" });
    const after = await place();
    await expect(page.getByTestId(`ticket-${after.display_id}`)).toBeVisible();
    await expect(page.getByTestId(`ticket-${before.display_id}`).getByRole("button", { name: "→ Ready" })).toBeVisible();
  } finally {
    await node.end();
  }
});

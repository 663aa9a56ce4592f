import { expect, expectUsable, test } from "./fixtures";
import { RunningNode } from "./node";

/** A kitchen with two stations, whose tickets are on the screen at once. */
async function kitchen(node: RunningNode, site: string) {
  await node.call("PUT", `sites/${site}`, { name: "Kitchen", type: "kitchen", time_zone: "Europe/Belgrade" });
  const price = (amount: string) => ({ amount, currency: "EUR" });
  await node.call("PUT", `menu/margherita-${site}`, {
    name: "Margherita", station: "oven", sites: [site], variants: [{ sku: `marg-${site}`, size: "L", price: price("9.62") }], extras: [{ sku: `Olives-${site}`, price: price("1.20") }],
  });
  await node.call("PUT", `menu/salad-${site}`, { name: "Greek salad", station: "cold", sites: [site], variants: [{ sku: `salad-${site}`, price: price("6.10") }] });
  await node.call("PUT", `sites/${site}/slot-plan`, { measure: "units", capacity: 40, lead_minutes: 0, days: 2, visible_minutes: 60 });
}

interface Made { id: string; display_id: string }
const order = (node: RunningNode, lines: object[], more: object = {}) => node.call<Made>("POST", "orders", { channel: "web", lines, ...more });

test("two screens see each other's bumps, and a bump can be recalled", async ({ page, context, business, picture }, info) => {
  const site = `K-${info.project.name}`;
  await kitchen(business.node, site);
  const first = await order(business.node, [{ sku: `marg-${site}`, quantity: 2, extras: [{ sku: `Olives-${site}`, quantity: 1 }] }, { sku: `salad-${site}`, quantity: 1 }]);
  await page.goto(`/kitchen/${site}`);
  const card = page.getByTestId(`ticket-${first.display_id}`);
  await expect(card).toContainText("Margherita L");
  await expect(card).toContainText(`+ Olives-${site}`);
  await expect(page.getByRole("complementary", { name: "Still to make" })).toContainText("2 Margherita L");
  const other = await context.newPage();
  await other.goto(`/kitchen/${site}`);
  await expect(other.getByTestId(`ticket-${first.display_id}`)).toBeVisible();

  const second = await order(business.node, [{ sku: `salad-${site}`, quantity: 3 }], { priority: "urgent", note: "No onions, please" });
  await expect(page.getByRole("list", { name: "Tickets" }).locator(".k-ticket").first()).toContainText(second.display_id); // the urgent one comes first
  await expect(page.getByText("No onions, please")).toBeVisible();
  await card.getByRole("button", { name: "→ Preparing" }).click();
  await expect(other.getByTestId(`ticket-${first.display_id}`).getByRole("button", { name: "→ Cooking" })).toBeVisible();
  await other.getByTestId(`ticket-${first.display_id}`).getByRole("button", { name: /Greek salad/ }).click();
  await expect(card.getByRole("button", { name: /Greek salad/ })).toBeDisabled();
  await expectUsable(page);
  await picture(page, "kitchen");
  await page.getByRole("button", { name: `Recall ${first.display_id}` }).click();
  await expect(other.getByTestId(`ticket-${first.display_id}`).getByRole("button", { name: "→ Preparing" })).toBeVisible();

  // By key, as a bump bar: the urgent one goes through all stages and leaves both screens; recalled, it is back on both.
  for (const next of ["Preparing", "Cooking", "Ready", "Handed over"]) {
    await expect(page.getByTestId(`ticket-${second.display_id}`).getByRole("button", { name: `→ ${next}` })).toBeVisible();
    await page.keyboard.press("1");
  }
  await expect(page.getByTestId(`ticket-${second.display_id}`)).toHaveCount(0);
  await expect(other.getByTestId(`ticket-${second.display_id}`)).toHaveCount(0);
  await page.keyboard.press("Backspace");
  await expect(page.getByTestId(`ticket-${second.display_id}`)).toContainText("Ready");
  await expect(other.getByTestId(`ticket-${second.display_id}`)).toContainText("Greek salad");
  await other.close();
});

test("a station sees its own, in Russian and dark, and what is off", async ({ page, business, picture }, info) => {
  const site = `KR-${info.project.name}`;
  await kitchen(business.node, site);
  const [pizza, salad] = [await order(business.node, [{ sku: `marg-${site}`, quantity: 1 }]), await order(business.node, [{ sku: `salad-${site}`, quantity: 2 }])];
  await business.node.call("POST", `sites/${site}/stops`, { sku: `salad-${site}`, reason: "no tomatoes" });
  await page.emulateMedia({ colorScheme: "dark" });
  await page.addInitScript(() => localStorage.setItem("stowline.language", "ru"));
  await page.goto(`/kitchen/${site}`);
  await expect(page.getByTestId(`ticket-${pizza.display_id}`)).toBeVisible();
  await expect(page.getByText("Нет в наличии:")).toBeVisible();
  await expectUsable(page);
  await picture(page, "kitchen-ru-dark");
  await page.getByRole("button", { name: "cold" }).click();
  await expect(page.getByTestId(`ticket-${pizza.display_id}`)).toHaveCount(0);
  await expect(page.getByTestId(`ticket-${salad.display_id}`)).toBeVisible();
  await business.node.call("DELETE", `sites/${site}/stops/salad-${site}`);
  await expect(page.getByText("Нет в наличии:")).toHaveCount(0);
});

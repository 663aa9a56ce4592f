import { expect, expectUsable, test } from "./fixtures";
import type { Page } from "@playwright/test";

async function scan(page: Page, code: string) {
  await page.keyboard.type(code);
  await page.keyboard.press("Enter");
}

test("goods are put away, moved and counted by scans, also while the network is gone", async ({ page, context, business, picture }, info) => {
  const sku = `BOOK-${info.project.name}`;
  const { node } = business;
  await node.call("PUT", `products/${sku}`, { name: "Guest book", price: { amount: "9.00", currency: "EUR" } });
  await node.call("POST", "sites/WH2/receipts", { reference: sku, lines: [{ sku, quantity: 10, bin: "RECEIVING" }] });
  const rows = async () => Object.fromEntries((await node.call<{ items: { bin: string; on_hand: number }[] }>("GET", `sites/WH2/stock?sku=${sku}`)).items.map((r) => [r.bin, r.on_hand]));
  await page.goto("/m");
  await page.getByLabel("Site").selectOption("WH2");
  await page.getByLabel("Badge").fill(`nina-${info.project.name}`);
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Stock", exact: true }).click();
  await expect(page.getByText("RECEIVING")).toBeVisible();
  await expect(page.getByRole("button", { name: sku })).toBeVisible();
  await expectUsable(page);
  await scan(page, sku);
  await page.getByLabel("Quantity").fill("8");
  await page.getByLabel("Quantity").blur();
  await picture(page, "m-putaway");
  await scan(page, "A-01-01");
  await expect(page.getByRole("status").filter({ hasText: "8" })).toBeVisible();
  await expect.poll(rows).toEqual({ RECEIVING: 2, "A-01-01": 8 });

  await page.getByRole("button", { name: "Move", exact: true }).click();
  await scan(page, "A-09-99");
  await expect(page.getByRole("alert")).toContainText("A-09-99"); // there is no such bin
  await scan(page, "A-01-01");
  await expect(page.getByRole("button", { name: sku })).toBeVisible();
  await context.setOffline(true);
  await page.getByRole("button", { name: sku }).click();
  await page.getByLabel("Quantity").fill("3");
  await page.getByLabel("Quantity").blur();
  await scan(page, "A-01-02");
  await expect(page.getByTestId("outbox")).toContainText("1 to send");
  expect(await rows()).toEqual({ RECEIVING: 2, "A-01-01": 8 });
  await context.setOffline(false);
  await expect.poll(rows).toEqual({ RECEIVING: 2, "A-01-01": 5, "A-01-02": 3 });

  await page.getByRole("button", { name: "Count", exact: true }).click();
  await scan(page, "A-01-02");
  await page.getByRole("button", { name: sku }).click();
  await expect(page.locator("main")).not.toContainText("× 3"); // a count is blind
  await page.getByLabel("How many are there").fill("4");
  await picture(page, "m-count");
  await page.getByRole("button", { name: "Enter the count" }).click();
  await expect.poll(rows).toEqual({ RECEIVING: 2, "A-01-01": 5, "A-01-02": 4 });
  await expectUsable(page);
});

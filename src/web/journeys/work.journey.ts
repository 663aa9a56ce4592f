import { expect, expectUsable, test } from "./fixtures";
import { scan } from "./scanner";

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
  await expect(page.getByLabel("Scan the bin")).toBeVisible();
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
  await expect(page.getByLabel("Scan the bin")).toBeVisible();
  await scan(page, "A-01-02");
  await page.getByRole("button", { name: sku }).click();
  await expect(page.locator("main")).not.toContainText("× 3"); // a count is blind
  await page.getByLabel("How many are there").fill("4");
  await picture(page, "m-count");
  await page.getByRole("button", { name: "Enter the count" }).click();
  await expect.poll(rows).toEqual({ RECEIVING: 2, "A-01-01": 5, "A-01-02": 4 });
  await expectUsable(page);
});

test("somebody who was sent to count does it blind, also while the network is gone", async ({ page, context, business, picture }, info) => {
  const sku = `RING-${info.project.name}`;
  const worker = `ida-${info.project.name}`;
  const { node } = business;
  await node.call("PUT", `products/${sku}`, { name: "Ring binder", price: { amount: "3.00", currency: "EUR" } });
  await node.call("POST", "sites/WH2/receipts", { reference: sku, lines: [{ sku, quantity: 6, bin: "A-01-01" }, { sku, quantity: 4, bin: "A-01-02" }] });
  const { tasks } = await node.call<{ tasks: { id: string; number: number }[] }>("POST", "sites/WH2/stock-tasks", { sku });
  const task = tasks[0]!;
  await node.call("POST", `stock-tasks/${task.id}/assign`, { worker }); // so that journeys of other sizes do not take it
  await page.goto("/m");
  await page.getByLabel("Site").selectOption("WH2");
  await page.getByLabel("Badge").fill(worker);
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Stock", exact: true }).click();
  await page.getByRole("button", { name: "Count", exact: true }).click();
  await page.getByRole("button", { name: new RegExp(`^Count ${task.number}\\b`) }).click();
  await expect(page.getByText("A-01-01", { exact: true })).toBeVisible();
  await expectUsable(page);
  await scan(page, "A-01-02");
  await expect(page.getByRole("alert")).toHaveText("A-01-02 is not the bin A-01-01.");
  await scan(page, "A-01-01");
  await expect(page.locator("main")).not.toContainText(/\b6\b/); // a count is blind
  await picture(page, "m-count-task");
  await page.getByLabel("How many are there").fill("5");
  await page.getByRole("button", { name: "Enter the count" }).click();
  await expect(page.getByText("A-01-02", { exact: true })).toBeVisible();
  await expect(page.getByTestId("outbox")).toHaveText("All sent");
  await context.setOffline(true);
  await scan(page, "A-01-02");
  await page.getByLabel("How many are there").fill("4");
  await page.getByRole("button", { name: "Enter the count" }).click();
  await page.getByRole("button", { name: "Done", exact: true }).click();
  await expect(page.getByTestId("outbox")).toHaveText("No network · 2 to send");
  await context.setOffline(false);
  await expect(page.getByTestId("outbox")).toHaveText("All sent");
  const done = await node.call<{ status: string; lines: { difference: number }[] }>("GET", `stock-tasks/${task.id}`);
  expect([done.status, ...done.lines.map((l) => l.difference)]).toEqual(["completed", -1, 0]);
});

test("an expired lot is taken away by whoever was sent for it", async ({ page, business, picture }, info) => {
  test.setTimeout(240_000);
  const sku = `MILK-${info.project.name}`;
  const worker = `vera-${info.project.name}`;
  const { node } = business;
  await node.call("PUT", `products/${sku}`, { name: "Milk", price: { amount: "1.00", currency: "EUR" } });
  await node.call("POST", "sites/WH2/receipts", { reference: sku, lines: [{ sku, quantity: 6, bin: "A-01-01", lot: "L1", expires_on: "2026-01-31" }, { sku, quantity: 2, bin: "A-01-02", lot: "L1", expires_on: "2026-01-31" }] });
  interface Task { id: string; number: number; kind: string; status: string; lines: { sku: string; bin: string; status: string }[] }
  const tasks = async () => (await node.call<{ items: Task[] }>("GET", "stock-tasks?site=WH2&newest=true&limit=100")).items.filter((x) => x.kind === "removal" && x.lines.some((l) => l.sku === sku));
  await expect.poll(async () => (await tasks()).length, { timeout: 150_000 }).toBe(1); // once a minute somebody looks for what has expired
  const task = (await tasks())[0]!;
  await node.call("POST", `stock-tasks/${task.id}/assign`, { worker });
  await page.goto("/m");
  await page.getByLabel("Site").selectOption("WH2");
  await page.getByLabel("Badge").fill(worker);
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Stock", exact: true }).click();
  await page.getByRole("button", { name: "Count", exact: true }).click();
  await page.getByRole("button", { name: new RegExp(`^Removal ${task.number}\\b`) }).click();
  await expect(page.getByText("A-01-01", { exact: true })).toBeVisible();
  await scan(page, "A-01-01");
  await page.getByLabel("How many were taken away").fill("6");
  await expectUsable(page);
  await picture(page, "m-removal");
  await page.getByRole("button", { name: "They are taken away" }).click();
  // Somebody has taken the rest away without saying so.
  await expect(page.getByText("A-01-02", { exact: true })).toBeVisible();
  await expect(page.getByTestId("outbox")).toHaveText("All sent");
  await scan(page, "A-01-02");
  await page.getByRole("button", { name: "Nothing is there" }).click();
  await page.getByRole("button", { name: "Done", exact: true }).click();
  await expect(page.getByTestId("outbox")).toHaveText("All sent");
  // All had been sent before the end was entered, too, so the node is asked until it has heard of it.
  const ended = async () => (await tasks()).flatMap((x) => [x.status, ...x.lines.map((l) => `${l.bin} ${l.status}`)]);
  await expect.poll(ended).toEqual(["cancelled", "A-01-01 removed", "A-01-02 cancelled"]);
  expect((await node.call<{ items: { bin: string; on_hand: number }[] }>("GET", `sites/WH2/stock?sku=${sku}`)).items.map((r) => [r.bin, r.on_hand])).toEqual([["A-01-02", 2]]);
});

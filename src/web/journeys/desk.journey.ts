import { expect, expectUsable, test } from "./fixtures";

// What the desk looks at: what needs attention, sites, figures, filters, the ledger, the floor, links and set-up.

test("what needs attention comes first, and every site shows its work", async ({ page, business, picture }) => {
  await page.goto("/");
  const attention = page.getByRole("region", { name: "Needs attention" });
  await expect(attention.getByRole("heading", { name: "Short stock" })).toBeVisible();
  await expect(attention.getByRole("link", { name: "GONE" })).toBeVisible();
  await expect(attention.getByText("1 waited for")).toBeVisible();
  const wh1 = page.getByTestId("site-WH1");
  await expect(wh1).toContainText("working");
  await expect(wh1.getByRole("meter", { name: "Promised" })).toBeVisible();
  await expect(page.getByRole("img", { name: /Map of the sites. 3 of them/ })).toBeVisible();
  await expect(page.getByTestId("kpi-stockout_rate")).toContainText("met"); // what was never there is not sold out
  await expect(page.getByTestId("lines")).toHaveText(/\d/);
  const order = await business.place();
  await business.fulfill(order, "started");
  await expect(page.getByTestId("kpi-picking_minutes")).toContainText("min");
  await expectUsable(page);
  await picture(page, "attention");
  await attention.getByRole("link", { name: "GONE" }).click();
  await expect(page.getByRole("heading", { name: "Stock of GONE" })).toBeVisible();
});

test("orders are found by text, day and state, and a view is kept", async ({ page, business, picture }) => {
  const order = await business.place(undefined, { external_id: `FIND-${test.info().project.name}-1` });
  await business.place(undefined, { external_id: `FIND-${test.info().project.name}-2` });
  await page.goto("/orders");
  await page.getByLabel("Number or id begins with").fill(`FIND-${test.info().project.name}`);
  await page.keyboard.press("Enter");
  await expect.poll(() => page.locator("tbody .number").count()).toBe(2);
  await page.getByLabel("From", { exact: true }).fill("2020-01-01");
  await expect(page).toHaveURL(/since=2020-01-01/);
  await expect.poll(() => page.locator("tbody .number").count()).toBe(2);
  await page.getByRole("button", { name: "Save this view" }).click();
  await page.getByLabel("Name of the view").fill("Mine");
  await page.keyboard.press("Enter");
  await expectUsable(page);
  await picture(page, "orders-filtered");
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await page.getByRole("button", { name: "Late" }).click();
  await expect(page.getByText("No order fits.")).toBeVisible(); // nothing has stood for half an hour here
  await page.getByRole("navigation", { name: "Saved views" }).getByRole("link", { name: "Mine" }).click();
  await expect(page.getByRole("link", { name: String(order.number), exact: true })).toBeVisible();
  await page.reload();
  await page.getByRole("button", { name: "Delete the view Mine" }).click();
  await expect(page.getByRole("link", { name: "Mine" })).toHaveCount(0);
  await page.getByLabel("Number or id begins with").fill(String(order.number));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("link", { name: String(order.number), exact: true })).toBeVisible();
});

test("light and dark are a choice that is kept, on every screen", async ({ page }) => {
  await page.goto("/orders");
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.getByRole("button", { name: "Dark colors" }).click();
  await expect.poll(background).not.toBe(light);
  await expectUsable(page);
  await page.goto("/m");
  await expect.poll(background).not.toBe(light); // its styles come with its own script
  await page.goto("/orders");
  await page.getByRole("button", { name: "Light colors" }).click();
  await expect.poll(background).toBe(light);
});

test("stock is moved, counted and adjusted, and the ledger's balance follows", async ({ page, business, picture }) => {
  const sku = `LEDGER-${test.info().project.name}`;
  await business.node.call("PUT", `products/${sku}`, { name: "Ledger", price: { amount: "1.00", currency: "EUR" } });
  await business.node.call("POST", "sites/WH1/receipts", { reference: "PO-7", lines: [{ sku, quantity: 20, bin: "A-01-01" }] });
  await page.goto(`/stock?sku=${sku}`);
  const change = page.getByRole("region", { name: "Change the stock" });
  await change.getByText("Move", { exact: true }).click();
  await change.getByLabel("To bin").fill("A-01-02");
  await change.getByLabel("Units").fill("5");
  await change.getByRole("button", { name: "Move them" }).click();
  await expect(change.getByText(/Done: movement/)).toBeVisible();
  await change.getByText("Count", { exact: true }).click();
  await expect(change.getByText("The books say 15.")).toBeVisible();
  await change.getByLabel("Counted").fill("13");
  await change.getByLabel("Reason").fill("two are missing");
  await change.getByRole("button", { name: "Enter the count" }).click();
  await expect(change.getByText(/Done: movement/)).toBeVisible();
  await change.getByText("Adjust", { exact: true }).click();
  await change.getByLabel("Difference").fill("1");
  await change.getByLabel("Reason").fill("one was found");
  await change.getByRole("button", { name: "Adjust the books" }).click();
  await expect(change.getByText(/Done: movement/)).toBeVisible();
  const ledger = page.getByRole("region", { name: "Ledger" });
  await expect.poll(() => ledger.locator("tbody tr td:nth-child(5)").allTextContents()).toEqual(["19", "18", "20", "20"]);
  expect(await ledger.locator("tbody tr td:nth-child(4)").allTextContents()).toEqual(["+1", "-2", "5", "+20"]);
  await expectUsable(page);
  await picture(page, "ledger");
  const saved = page.waitForEvent("download");
  await ledger.getByRole("button", { name: "As CSV" }).click();
  expect((await saved).suggestedFilename()).toBe(`movements-WH1-${sku}.csv`);
  await change.getByLabel("Difference").fill("-50");
  await change.getByLabel("Reason").fill("too many");
  await change.getByRole("button", { name: "Adjust the books" }).click();
  await expect(change.getByRole("alert")).toBeVisible(); // refused, in words
});

test("bins are generated and drawn; a picker's path is shown with its length", async ({ page, business, picture }) => {
  const site = `FL-${test.info().project.name}`;
  await business.node.call("PUT", `sites/${site}`, { name: "Floor", type: "warehouse", city: "Zemun" });
  await page.goto(`/floor/${site}`);
  await expect(page.getByText("No bin of this site has a position yet.")).toBeVisible();
  const bulk = page.getByRole("region", { name: "Generate bins" });
  await bulk.getByLabel("Aisles", { exact: true }).fill("3");
  await bulk.getByLabel("Bays per aisle").fill("6");
  await expect(bulk.getByText("54 bins, A-01-01-01 to A-03-06-03")).toBeVisible();
  await bulk.getByRole("button", { name: "Make them" }).click();
  await expect(bulk.getByText("54 made, 0 changed.")).toBeVisible();
  const plan = page.getByRole("region", { name: "Plan" });
  await expect(plan.locator("rect.cell")).toHaveCount(18); // three levels stand above each other
  const sku = `FLOOR-${test.info().project.name}`;
  await business.node.call("PUT", `products/${sku}`, { name: "Floor", price: { amount: "1.00", currency: "EUR" } });
  await business.node.call("POST", `sites/${site}/receipts`, { reference: "PO-8", lines: [["A-01-01-01", 2], ["A-01-06-01", 3], ["A-03-06-02", 4]].map(([bin, quantity]) => ({ sku, bin, quantity })) });
  const order = await business.place([{ sku, quantity: 9 }], { external_id: `floor-${site}` });
  await page.reload();
  await plan.getByRole("combobox", { name: "Picking task" }).click();
  await page.locator(".ant-select-item", { hasText: new RegExp(`Order ${order.number}\\b`) }).click();
  await expect(plan.getByText("Path: 12 m over 3 stops")).toBeVisible(); // 6 m along the first aisle, 6 m across to the third
  await plan.getByText("Fill", { exact: true }).click();
  await plan.locator("rect.cell[data-bin='A-01-01-01']").click();
  const cell = page.getByRole("region", { name: "Bin A-01-01-01 – A-01-01-03" });
  await expect(cell.getByRole("link", { name: sku })).toBeVisible();
  await expectUsable(page);
  await picture(page, "floor");
  await cell.getByRole("textbox", { name: "Why it is locked" }).last().fill("shelf is bent");
  await cell.getByRole("button", { name: "Lock" }).last().click();
  await expect(cell.getByText("locked: shelf is bent")).toBeVisible();
  // The lowest bin is moved away from the others: it becomes a cell of its own.
  await cell.getByRole("button", { name: "Edit" }).last().click();
  const edit = cell.getByRole("form", { name: "Edit bin A-01-01-01" });
  await edit.getByLabel("X, m").fill("20");
  await edit.getByLabel("Carries, g").fill("50000");
  await edit.getByRole("button", { name: "Save the bin" }).click();
  await expect(plan.locator("rect.cell")).toHaveCount(19);
  await expect(page.getByRole("region", { name: "Bin A-01-01-01", exact: true }).getByText("locked: shelf is bent")).toBeVisible();
});

test("links and this node's health", async ({ page, picture }) => {
  await page.goto("/links");
  await expect(page.getByText("Every site is on this node: there is nothing to link.")).toBeVisible();
  await expect(page.getByText("Nothing is parked.")).toBeVisible();
  await expect(page.getByRole("region", { name: "This node" })).toContainText(/SQLite/i);
  await expectUsable(page);
  await picture(page, "links");
});

test.describe("in Russian", () => {
  test.use({ locale: "ru-RU" });
  test("the newer screens speak it, too", async ({ page, picture }) => {
    await page.goto("/setup");
    await expect(page.getByRole("heading", { name: "От нуля до отгруженного заказа" })).toBeVisible();
    await expectUsable(page);
    await picture(page, "setup-ru");
    await page.goto("/floor/WH1");
    await expect(page.getByRole("heading", { name: "План WH1" })).toBeVisible();
    await expectUsable(page);
    await page.goto("/stock?sku=85123A");
    await expect(page.getByRole("region", { name: "Движения" }).getByText("Приёмка").filter({ visible: true }).first()).toBeVisible();
    await picture(page, "ledger-ru");
    await page.goto("/");
    await expect(page.getByRole("heading", { name: "Требует внимания" })).toBeVisible();
    await expectUsable(page);
    await picture(page, "attention-ru");
  });
});

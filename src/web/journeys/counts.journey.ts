import { expect, expectUsable, test } from "./fixtures";

test("somebody is sent to count, and the desk sees what was found", async ({ page, business, picture }, info) => {
  const { node } = business;
  const sku = `NOTE-${info.project.name}`;
  await node.call("PUT", `products/${sku}`, { name: "Notebook", price: { amount: "4.00", currency: "EUR" } });
  await node.call("POST", "sites/WH1/receipts", { reference: sku, lines: [{ sku, quantity: 10, bin: "A-01-01" }, { sku, quantity: 4, bin: "A-01-02" }] });

  await page.goto("/counts");
  const ask = page.getByRole("form", { name: "Have it counted" });
  await ask.getByText("SKU", { exact: true }).first().click();
  await ask.getByRole("textbox", { name: "SKU" }).fill("NOWHERE");
  await ask.getByRole("button", { name: "Have it counted" }).click();
  await expect(ask.getByRole("alert")).toContainText("nothing lies there");
  await ask.getByRole("textbox", { name: "SKU" }).fill(sku);
  await ask.getByRole("textbox", { name: "Reason" }).fill("before the sale");
  await ask.getByRole("button", { name: "Have it counted" }).click();
  await expect(ask.getByRole("status")).toHaveText(/^Made: \d+$/);
  const number = /\d+/.exec((await ask.getByRole("status").textContent())!)![0];

  const task = page.getByTestId(`stock-task-${number}`);
  await expect(task).toContainText("Waiting");
  await expect(task).toContainText("before the sale");
  await task.getByRole("button", { name: "Give to" }).click();
  await task.getByLabel("Worker, by code, badge or name").fill("ana");
  await expectUsable(page);
  await picture(page, "counts");
  await task.getByRole("button", { name: "Give to" }).last().click();
  await expect(task).toContainText("Given");
  await expect(task).toContainText("ana");

  // What the worker does is not the desk's: the books are off by far in one bin.
  await node.call("POST", `stock-tasks/${number}/start`);
  await node.call("POST", `stock-tasks/${number}/count`, { sku, bin: "A-01-01", counted: 6 });
  await node.call("POST", `stock-tasks/${number}/count`, { sku, bin: "A-01-02", counted: 3 });
  await node.call("POST", `stock-tasks/${number}/complete`);
  await expect(task).toContainText("Differences: 2");
  await expect(task).toContainText("Done");
  await task.getByText("Lines: 2").click();
  await expect(task.getByRole("row", { name: /A-01-01/ })).toContainText("to be counted again");
  await expect(task.getByRole("row", { name: /A-01-01/ })).toContainText("-4");
  await expect(task.getByRole("row", { name: /A-01-02/ })).toContainText("books corrected");
  await expectUsable(page);
  await picture(page, "counts-found");

  // The second count was made by itself; it is given up.
  const again = page.getByRole("listitem").filter({ hasText: "count again" }).filter({ hasText: "Waiting" }).first();
  await again.getByRole("button", { name: "Give up" }).click();
  await again.getByLabel("Why").fill("counted by the inventory");
  await again.getByRole("button", { name: "Give it up" }).click();
  await expect(page.getByText("counted by the inventory")).toBeVisible();
  await page.getByText("Done", { exact: true }).first().click();
  await expect(page).toHaveURL(/status=completed/);
  await expect(task).toBeVisible();
  await expect(page.getByText("counted by the inventory")).toBeHidden();

  const plan = page.getByRole("form", { name: "How this site counts" });
  await plan.getByLabel("Each bin once in so many days").fill("90");
  await plan.getByLabel("Bins per day at most").fill("7");
  await plan.getByRole("button", { name: "Save the plan" }).click();
  await expect(plan.getByRole("status")).toHaveText("Saved.");
  expect(await node.call("GET", "sites/WH1/count-settings")).toMatchObject({ every_days: 90, bins_per_day: 7, recount_units: 2, recount_percent: 5 });
  await node.call("PUT", "sites/WH1/count-settings", {});

  await page.addInitScript(() => localStorage.setItem("stowline.language", "ru"));
  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto("/counts?site=WH1");
  await expect(page.getByTestId(`stock-task-${number}`)).toContainText("Расхождений: 2");
  await expectUsable(page);
  await picture(page, "counts-ru-dark");
});

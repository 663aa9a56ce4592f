import { expect, expectUsable, test } from "./fixtures";

test("the stock of a SKU: by site, by bin and lot", async ({ page, business, picture }) => {
  await page.goto("/stock");
  await page.getByRole("link", { name: "HONEY-500" }).click();
  await expect(page.getByRole("heading", { name: "Stock of HONEY-500" })).toBeVisible();
  await expect(page.getByText("Acacia honey 500 g")).toBeVisible();
  await expect(page.getByText("Apiary", { exact: true })).toBeVisible();
  const sites = page.getByRole("region", { name: "By site" });
  await expect(sites.getByRole("row", { name: /SHOP 42 (34 )?0 34/ })).toBeVisible();
  const bins = page.getByRole("region", { name: "Bins and lots" });
  await expect(bins.getByRole("row", { name: /SHOP A-01-02 L-2026-02.*12/ })).toBeVisible();
  await expectUsable(page);
  await picture(page, "sku");

  // Goods arrive: the figures follow without a reload.
  const before = Number((await sites.getByRole("row", { name: /^SHOP/ }).locator("td").nth(1).textContent())!);
  await business.node.call("POST", "sites/SHOP/receipts", { reference: `PO-${before}`, lines: [{ sku: "HONEY-500", quantity: 5, bin: "A-01-02", lot: "L-2026-09" }] });
  await expect(sites.getByRole("row", { name: new RegExp(`SHOP ${before + 5}`) })).toBeVisible({ timeout: 30_000 });
  await expect(bins.getByRole("row", { name: /L-2026-09/ })).toBeVisible();
  const saved = page.waitForEvent("download");
  await bins.getByRole("button", { name: "SHOP As CSV" }).click();
  expect((await saved).suggestedFilename()).toBe("stock-SHOP-HONEY-500.csv");
});

test("from a line of an order to its stock, and on to the orders of a site", async ({ page, business }) => {
  await page.goto(`/orders/${business.split.id}`);
  await page.getByRole("region", { name: "Lines" }).getByRole("link", { name: "71053" }).click();
  await expect(page.getByRole("heading", { name: "Stock of 71053" })).toBeVisible();
  await page.getByRole("region", { name: "By site" }).getByRole("link", { name: "WH1" }).click();
  await expect(page).toHaveURL(/\/orders\?site=WH1$/);
  await expect(page.locator("tbody .number").first()).toBeVisible();
});

test("all SKUs, and one that is unknown", async ({ page, picture }) => {
  await page.goto("/stock");
  await expect(page.getByRole("link", { name: "85123A" })).toBeVisible();
  await expectUsable(page);
  await picture(page, "stock");
  await page.getByRole("searchbox", { name: "Look up a SKU" }).fill("NO-SUCH");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("Product not found");
  await expect(page.getByText("No site has any of it.")).toBeVisible();
});

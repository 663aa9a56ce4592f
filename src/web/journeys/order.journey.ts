import { expect, expectUsable, test } from "./fixtures";

test("an order is found by its number, and tells what happened and why", async ({ page, business, picture }) => {
  await page.goto("/");
  await page.getByRole("searchbox", { name: "Find an order" }).fill(String(business.shipped.number));
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/orders/${business.shipped.id}$`));
  await expect(page.getByRole("heading", { name: `Order ${business.shipped.number}` })).toBeVisible();
  const timeline = page.getByRole("region", { name: "Timeline" });
  for (const [lane, text] of [["Hub", "placed: 1 units"], ["Hub → WH1", "Part 1 assigned"], ["Site WH1", "Picking started by mira"], ["Site WH1", "Shipped with post_express"]])
    await expect(timeline.getByRole("listitem").filter({ hasText: text! }).filter({ hasText: lane! }).first()).toBeVisible();
  const decision = page.getByRole("region", { name: "Why these sites" });
  await expect(decision).toContainText("WH1: nearest");
  await expect(decision.getByRole("row", { name: /WH1.*Chosen/ })).toBeVisible();
  await expect(decision.getByRole("row", { name: /WH2.*km.*WH1 comes first/ })).toBeVisible();
  await expect(page.getByText("Ana Anić")).toBeVisible();
  await expectUsable(page);
  await picture(page, "order");
});

test("an order is found by channel and id, and by the id alone", async ({ page }) => {
  await page.goto("/");
  for (const text of ["web:5363001", "5363003"]) {
    await page.getByRole("searchbox", { name: "Find an order" }).fill(text);
    await page.keyboard.press("Enter");
    await expect(page.getByText(`${text === "5363003" ? "marketplace:" : ""}${text}`).first()).toBeVisible();
    await expect(page).toHaveURL(/\/orders\/[0-9a-f-]{36}$/);
  }
  await page.getByRole("searchbox", { name: "Find an order" }).fill("nothing-like-it");
  await page.keyboard.press("Enter");
  await expect(page.getByText("There is no order “nothing-like-it”.")).toBeVisible();
});

test("an open order follows the work at its site", async ({ page, business }) => {
  const order = await business.place();
  await page.goto(`/orders/${order.id}`);
  const state = page.locator(".order-head .tag").first();
  await expect(state).toHaveText("Allocated");
  await expect(page.getByTestId("live")).toHaveText("Live");
  await business.fulfill(order, "started");
  await expect(state).toHaveText("Picking");
  await expect(page.getByText("Picking started by mira")).toBeVisible();
  await business.node.call("POST", `orders/${order.id}/cancel`, { reason: "too late" });
  await expect(page.getByText("Cancellation asked for: too late")).toBeVisible();
});

test("a split order shows its parts and the sites that were considered", async ({ page, business, picture }) => {
  await page.goto(`/orders/${business.split.id}`);
  const parts = page.getByRole("region", { name: "Parts" });
  await expect(parts.getByText("Part 2")).toBeVisible();
  await expect(page.getByRole("region", { name: "Why these sites" })).toContainText("no site has all of it");
  await picture(page, "order-split");
});

test("orders are filtered, and the filter is in the address", async ({ page, business, picture }) => {
  await page.goto("/");
  await page.getByTestId("state-shipped").click();
  await expect(page).toHaveURL(/\/orders\?status=shipped$/);
  await expect(page.getByRole("link", { name: String(business.shipped.number), exact: true })).toBeVisible();
  await expect.poll(async () => [...new Set(await page.locator("tbody .tag").allTextContents())]).toEqual(["Shipped"]);
  await page.getByLabel("Channel", { exact: true }).fill("marketplace");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/channel=marketplace/);
  await expect(page.getByText("No order fits.")).toBeVisible();
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await expect(page.locator("tbody .number").first()).toBeVisible();
  await expectUsable(page);
  await picture(page, "orders");
});

test("an order that is not there is a problem with a trace", async ({ page, picture }) => {
  await page.goto("/orders/99999999");
  const alert = page.getByRole("alert");
  await expect(alert).toContainText("Order not found");
  await expect(alert).toContainText(/Trace [0-9a-f]{32}/);
  await expectUsable(page);
  await picture(page, "order-missing");
});

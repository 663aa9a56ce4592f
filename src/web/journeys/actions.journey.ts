import { expect, expectUsable, test } from "./fixtures";

test("an order is held, released, hurried, re-routed and cancelled from its page", async ({ page, business, picture }) => {
  const order = await business.place([{ sku: "HONEY-500", quantity: 1 }]);
  const read = () => business.node.call<{ status: string; on_hold: boolean; priority: string; parts: { site: string | null; status: string }[] }>("GET", `orders/${order.id}`);
  await page.goto(`/orders/${order.id}`);
  const actions = page.getByRole("region", { name: "Actions" });
  await actions.getByRole("button", { name: "Hold", exact: true }).click();
  await actions.getByLabel("Reason").fill("address to be checked");
  await expectUsable(page);
  await picture(page, "order-actions");
  await actions.getByRole("button", { name: "Hold it" }).click();
  await expect(page.locator(".order-head").getByText("On hold")).toBeVisible();
  await expect(page.getByText("Put on hold: address to be checked")).toBeVisible();
  await actions.getByRole("button", { name: "Release" }).click();
  await expect(actions.getByRole("button", { name: "Hold", exact: true })).toBeVisible();
  await actions.getByRole("combobox", { name: "Priority" }).click();
  await page.getByTitle("Urgent").click();
  await expect.poll(async () => (await read()).priority).toBe("urgent");
  await actions.getByRole("button", { name: "Re-route" }).click();
  await actions.getByLabel("Reason").fill("the truck is full");
  await actions.getByRole("button", { name: "Re-route it" }).click();
  await expect(page.getByText(/the truck is full/).first()).toBeVisible();
  await expect.poll(async () => (await read()).parts.filter((p) => p.status === "allocated").map((p) => p.site)).not.toContain("WH1");
  await actions.getByRole("button", { name: "Cancel the order" }).click();
  await actions.getByRole("button", { name: "Cancel it" }).click();
  await expect(page.locator(".order-head .tag").first()).toHaveText("Cancelled");
  await expect(actions).toHaveCount(0); // there is nothing left to do about it
});

test("the trace of an order is copied", async ({ page, context, business }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(`/orders/${business.shipped.id}`);
  const trace = await page.locator(".trace code").textContent();
  expect(trace).toMatch(/^[0-9a-f]{32}$/);
  await page.getByRole("button", { name: "Copy" }).click();
  await expect(page.getByText("Copied")).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(trace);
});

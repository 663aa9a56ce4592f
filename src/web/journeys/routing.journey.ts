import { expect, expectUsable, test } from "./fixtures";

const count = (text: string | null) => Number((text ?? "").replace(/\D/g, ""));

test("a rule is written, tried on past orders, saved, and decides the next order", async ({ page, business, picture }) => {
  const name = `south-${test.info().project.name}`;
  await page.goto("/routing");
  const simulation = page.getByTestId("simulation");
  await expect(page.getByTestId("changed")).toHaveText("0"); // there are no rules
  await expectUsable(page);
  await picture(page, "routing-empty");

  await page.getByRole("button", { name: "New rule" }).click();
  const form = page.getByTestId("rule-form");
  await form.getByLabel("Name").fill(name);
  await form.getByRole("combobox", { name: "Cities" }).fill("Belgrade,");
  await form.getByRole("combobox", { name: "Only these sites" }).click();
  await page.locator(".ant-select-item", { hasText: "SHOP" }).click();
  await page.keyboard.press("Escape");

  // Whatever Belgrade ordered would have come from the shop in Niš: what was split, SHOP alone could not have served. Other journeys' orders may have come from elsewhere.
  await expect.poll(async () => count(await page.getByTestId("changed").textContent())).toBeGreaterThan(20);
  await expect(simulation).toHaveAttribute("data-behind", "false");
  const [before = 0, after = 0] = ((await page.getByTestId("share-WH1").locator("td").nth(1).textContent()) ?? "").split(" ").map(Number);
  expect(after).toBeLessThan(before / 4);
  await expect(page.getByTestId("by-order").locator("tbody tr").filter({ hasText: "SHOP" })).not.toHaveCount(0);
  await expectUsable(page);
  await picture(page, "routing");

  await form.getByRole("button", { name: "Save the rule" }).click();
  await expect(page.getByTestId(`rule-${name}`)).toContainText("Cities: Belgrade");
  const order = await business.place();
  await page.goto(`/orders/${order.id}`);
  const decision = page.getByRole("region", { name: "Why these sites" });
  await expect(decision).toContainText(`${name}, version`);
  await expect(decision.getByRole("row", { name: /WH1.*does not allow it/ })).toBeVisible();
  await expect(decision.getByRole("row", { name: /SHOP.*Chosen/ })).toBeVisible();
  await picture(page, "routing-decision");

  await decision.getByRole("link", { name }).click();
  await page.getByRole("button", { name: `Edit ${name}` }).click();
  await form.getByRole("combobox", { name: "Strategy" }).click();
  await page.locator(".ant-select-item", { hasText: "Cheapest" }).click();
  await form.getByLabel("Cost per km").fill("0.5");
  await form.getByLabel("Cost per part", { exact: true }).fill("3");
  await expect(page.getByTestId("by-site").getByRole("columnheader", { name: "Cost" })).toBeVisible();
  await expectUsable(page);
  await picture(page, "routing-cheapest");
  await form.getByRole("button", { name: "Delete", exact: true }).click();
  await page.locator(".ant-popconfirm").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByTestId(`rule-${name}`)).toHaveCount(0);
  expect((await business.node.call<{ items: unknown[] }>("GET", "routing/rules")).items).toEqual([]);
});

test("what the node refuses is said by field, and nothing is lost of the form", async ({ page }) => {
  await page.goto("/routing");
  await page.getByRole("button", { name: "New rule" }).click();
  const form = page.getByTestId("rule-form");
  await form.getByLabel("Name").fill("wrong");
  await form.getByRole("combobox", { name: "Countries" }).fill("Serbia,");
  await expect(page.getByTestId("simulation").getByRole("alert")).toContainText("conditions.country[0]");
  await form.getByRole("button", { name: "Save the rule" }).click();
  await expect(form.getByRole("alert")).toContainText("must be two letters");
  await expect(form.getByLabel("Name")).toHaveValue("wrong");
});

test.describe("in Russian and in the dark", () => {
  test.use({ locale: "ru-RU", colorScheme: "dark" });
  test("the screen speaks and looks as it should", async ({ page, picture }) => {
    await page.goto("/routing");
    await page.getByRole("button", { name: "Новое правило" }).click();
    await expect(page.getByRole("heading", { name: "Что было бы" })).toBeVisible();
    await expect(page.getByTestId("by-site")).toBeVisible();
    await expectUsable(page);
    await picture(page, "routing-ru-dark");
  });
});

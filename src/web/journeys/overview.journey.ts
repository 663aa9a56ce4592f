import { expect, expectUsable, test } from "./fixtures";

const count = (text: string | null) => Number((text ?? "").replace(/\D/g, ""));

test("orders appear and move by themselves", async ({ page, business, picture }) => {
  await page.goto("/");
  await expect(page.getByTestId("live")).toHaveText("Live");
  await page.evaluate(() => void (window.name = "not loaded again"));
  const [allocated, picking] = [page.getByTestId("state-allocated").locator(".state-count"), page.getByTestId("state-picking").locator(".state-count")];
  await expect(allocated).toHaveText(/\d/);
  const before = [count(await allocated.textContent()), count(await picking.textContent())] as const;

  const order = await business.place();
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: String(order.number), exact: true }) });
  await expect(row).toContainText("Allocated");
  await expect(allocated).toHaveText(String(before[0] + 1));

  await business.fulfill(order, "started");
  await expect(row).toContainText("Picking");
  await expect(allocated).toHaveText(String(before[0]));
  await expect(picking).toHaveText(String(before[1] + 1));
  expect(await page.evaluate(() => window.name)).toBe("not loaded again");
  expect(Number(await page.getByTestId("placed").textContent())).toBeGreaterThanOrEqual(26);
  await expectUsable(page);
  await picture(page, "overview");
});

test("older orders are read on from the last row", async ({ page, business }) => {
  await page.goto("/");
  const numbers = () => page.locator("tbody .number").allTextContents();
  await expect.poll(async () => (await numbers()).length).toBe(20);
  await page.getByRole("button", { name: "Show older" }).click();
  await expect.poll(async () => (await numbers()).length).toBeGreaterThan(20);
  const order = await business.place(); // above them it goes on
  await expect(page.getByRole("link", { name: String(order.number), exact: true })).toBeVisible();
  const shown = (await numbers()).map(Number);
  expect(shown).toEqual([...new Set(shown)].sort((a, b) => b - a));
  expect(shown[0]! - shown.at(-1)!).toBe(shown.length - 1); // no gap between the live rows and the older ones
});

test.describe("in Russian", () => {
  test.use({ locale: "ru-RU" });
  test("the browser's language is spoken, and another choice is kept", async ({ page, business, picture }) => {
    await page.goto("/");
    await expect(page.getByRole("heading", { name: "Заказы по состояниям" })).toBeVisible();
    await expect(page.locator("html")).toHaveAttribute("lang", "ru");
    await expect(page.getByTestId("live")).toHaveText("На связи");
    await expectUsable(page);
    await picture(page, "overview-ru");
    await page.goto(`/orders/${business.split.id}`);
    await expect(page.getByText("делится между")).not.toHaveCount(0);
    await expect(page.getByText("Часть 1 передана складу").first()).toBeVisible();
    await picture(page, "order-ru");
    await page.locator(".ant-segmented-item", { hasText: "EN" }).click();
    await expect(page.getByRole("heading", { name: "Timeline" })).toBeVisible();
    await page.reload();
    await expect(page.getByRole("heading", { name: "Timeline" })).toBeVisible();
  });
});

test.describe("in the dark", () => {
  test.use({ colorScheme: "dark" });
  test("every screen follows the system", async ({ page, business, picture }) => {
    for (const [name, path] of [["overview", "/"], ["orders", "/orders"], ["order", `/orders/${business.split.id}`], ["stock", "/stock"], ["sku", "/stock?sku=HONEY-500"]] as const) {
      await page.goto(path);
      await page.waitForLoadState("networkidle");
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      expect(Math.max(...ground.match(/\d+/g)!.slice(0, 3).map(Number)), ground).toBeLessThan(64);
      await expectUsable(page);
      await picture(page, `${name}-dark`);
    }
  });
});

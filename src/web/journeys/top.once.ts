import { expect, test } from "./fixtures";

// Goal: however wide the window is, the names of all screens fit, in the language with the longer words too. Method: the widths around which the top is laid out otherwise.
test("the top of every screen fits into windows of any width", async ({ page, picture }) => {
  for (const language of ["en", "ru"]) {
    await page.addInitScript((l) => localStorage.setItem("stowline.language", l), language);
    await page.goto("/webhooks");
    await expect(page.getByRole("form")).toBeVisible();
    for (const width of [1920, 1600, 1501, 1500, 1440, 1401, 1400, 1366, 1280, 1180, 1024, 1000, 901, 900, 600, 400, 360]) {
      await page.setViewportSize({ width, height: 900 });
      const [wide, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
      expect(wide, `${language} ${width}`).toBeLessThanOrEqual(inner);
      const search = await page.locator(".order-search").first().boundingBox();
      expect(search!.width, `${language} ${width}`).toBeGreaterThan(150);
    }
    await page.setViewportSize({ width: 1280, height: 900 });
    await picture(page, `top-${language}`);
  }
});

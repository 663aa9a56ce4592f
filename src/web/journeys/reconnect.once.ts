import { Business } from "./business";
import { expect, expectUsable, test } from "./fixtures";
import { RunningNode } from "./node";

test("after a restart of the node no order is missed", async ({ page, picture }) => {
  const node = await RunningNode.start();
  try {
    const business = new Business(node);
    await business.open();
    const first = await business.place();
    await page.goto(node.url);
    const link = (order: { number: number }) => page.getByRole("link", { name: String(order.number), exact: true });
    const count = page.getByTestId("state-allocated").locator(".state-count");
    await expect(link(first)).toBeVisible();
    await page.evaluate(() => void (window.name = "not loaded again"));

    await node.kill();
    await expect(page.getByTestId("live")).toHaveText("Connection lost");
    await expect(page.getByText("What you see is as of")).toBeVisible();
    await expect(link(first)).toBeVisible(); // old is better than nothing, as long as it says so
    await expectUsable(page);
    await picture(page, "lost");

    await node.startAgain();
    const missed = await business.place();
    await expect(page.getByTestId("live")).toHaveText("Live");
    await expect(link(missed)).toBeVisible();
    await expect(count).toHaveText("2");
    const next = await business.place();
    await expect(link(next)).toBeVisible();
    await expect(count).toHaveText("3");
    expect(await page.evaluate(() => window.name)).toBe("not loaded again");
  } finally {
    await node.end();
  }
});

test("a node on which nothing has happened says what to do", async ({ page, picture }) => {
  const node = await RunningNode.start();
  try {
    for (const path of ["/", "/orders"]) {
      await page.goto(node.url + path);
      await expect(page.getByText("No orders yet")).toBeVisible();
      await expect(page.getByText("POST /api/v1/orders")).toBeVisible();
    }
    await page.goto(`${node.url}/stock`);
    await expect(page.getByText("There is no stock yet.")).toBeVisible();
    await page.goto(node.url);
    await expect(page.getByText("No orders yet")).toBeVisible();
    await expectUsable(page);
    await picture(page, "empty");
    // The first order needs no reload either.
    const business = new Business(node);
    await business.open();
    const order = await business.place();
    await expect(page.getByRole("link", { name: String(order.number), exact: true })).toBeVisible();
  } finally {
    await node.end();
  }
});

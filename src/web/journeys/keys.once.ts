import { Business } from "./business";
import { expect, expectUsable, test } from "./fixtures";
import { RunningNode } from "./node";

test("a node with keys asks for one, once", async ({ page, context, picture }) => {
  const node = await RunningNode.start("keys");
  try {
    const business = new Business(node);
    await business.open();
    const order = await business.place();
    const link = page.getByRole("link", { name: String(order.number), exact: true });

    await page.goto(node.url);
    await expect(page.getByRole("heading", { name: "This node needs an API key" })).toBeVisible();
    await expectUsable(page);
    await picture(page, "key");
    const field = page.getByLabel("API key", { exact: true });
    await field.fill("stow_wrong_key");
    await page.getByRole("button", { name: "Use this key" }).click();
    await expect(page.getByRole("alert")).toContainText("this key is not known or was revoked");

    await field.fill(node.key!);
    await page.getByRole("button", { name: "Use this key" }).click();
    await expect(link).toBeVisible();
    await expect(page.getByTestId("live")).toHaveText("Live"); // the live feed has the key too
    await page.reload();
    await expect(link).toBeVisible();
    expect(await page.evaluate(() => localStorage.length)).toBe(0); // not asked to remember

    // What is kept for the tab only is not there in another one.
    const other = await context.newPage();
    await other.goto(node.url);
    await expect(other.getByRole("heading", { name: "This node needs an API key" })).toBeVisible();
    await other.close();

    await page.getByRole("button", { name: "Forget the key" }).click();
    await expect(page.getByRole("heading", { name: "This node needs an API key" })).toBeVisible();
  } finally {
    await node.end();
  }
});

test("a key that may not follow live sees the orders all the same", async ({ page, picture }) => {
  const node = await RunningNode.start("keys");
  try {
    const business = new Business(node);
    await business.open();
    const order = await business.place();
    const { key } = await node.call<{ key: string }>("POST", "keys", { name: "wh1", scopes: ["read"], sites: ["WH1"] });
    await page.goto(node.url);
    await page.getByLabel("API key", { exact: true }).fill(key);
    await page.getByLabel("Remember it on this device").check();
    await page.getByRole("button", { name: "Use this key" }).click();
    await expect(page.getByTestId("live")).toHaveText("Not live");
    await expect(page.getByText("the live feed tells of all of them")).toBeVisible();
    await expect(page.getByRole("link", { name: String(order.number), exact: true })).toBeVisible();
    await picture(page, "key-limited");
    // Another site's bins are refused, and the page says by whom and why.
    await page.goto(`${node.url}/stock?sku=HONEY-500`);
    await expect(page.getByRole("region", { name: "Bins and lots" }).getByRole("alert")).toContainText("This key may not do that");
    // Revoked: the page asks again.
    await node.call("DELETE", "keys/wh1");
    await page.reload();
    await expect(page.getByRole("heading", { name: "This node needs an API key" })).toBeVisible();
  } finally {
    await node.end();
  }
});

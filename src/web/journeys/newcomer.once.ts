import { test as base } from "@playwright/test";
import { expect, expectUsable } from "./fixtures";
import { RunningNode } from "./node";

const test = base.extend<{ node: RunningNode }>({
  node: async ({}, use) => {
    const node = await RunningNode.start();
    await use(node);
    await node.end();
  },
});

test("a newcomer gets from an empty node to a shipped order by the guide", async ({ page, node }) => {
  const began = Date.now();
  await page.goto(node.url);
  await page.getByRole("link", { name: "From nothing to a shipped order" }).click();
  const guide = page.getByRole("region", { name: "From nothing to a shipped order" });
  for (const [button, step] of [["Make the site", "Bins"], ["Make the bins", "Products"], ["Make the product", "Stock"], ["Receive them", "A test order"], ["Place the order", "Ship it"]] as const) {
    await guide.getByRole("button", { name: button }).click();
    await expect(guide.locator("[aria-current=step]")).toContainText(step);
  }
  await expectUsable(page);
  await guide.getByRole("button", { name: "Pick, pack and ship it" }).click();
  await expect(guide.getByText(/Order \d+ is shipped/)).toBeVisible();
  expect(Date.now() - began, "five minutes are what a newcomer gets").toBeLessThan(300_000);
  await guide.getByRole("link", { name: "See the order" }).click();
  await expect(page.locator(".order-head .tag").first()).toHaveText("Shipped");
});

test("files are checked and brought in; keys are made once and revoked", async ({ page, node }) => {
  await page.goto(`${node.url}/setup`);
  const imports = page.getByRole("region", { name: "Or bring in files" });
  await imports.getByLabel("CSV file").setInputFiles({ name: "p.csv", mimeType: "text/csv", buffer: Buffer.from("sku,name,price,price_currency\nA,Apple,1.00,EUR\nB,,2.00,EUR\n") });
  await imports.getByRole("button", { name: "Check the file" }).click();
  await expect(imports.getByRole("alert")).toContainText("nothing of it was written");
  await expect(imports.getByText(/Line 3: name/)).toBeVisible();
  await imports.getByLabel("CSV file").setInputFiles({ name: "p.csv", mimeType: "text/csv", buffer: Buffer.from("sku,name,price,price_currency\nA,Apple,1.00,EUR\nB,Pear,2.00,EUR\n") });
  await imports.getByRole("button", { name: "Check the file" }).click();
  await expect(imports.getByText("2 rows are good.")).toBeVisible();
  await imports.getByRole("button", { name: "Bring it in" }).click();
  await expect(imports.getByText("2 rows were brought in.")).toBeVisible();
  expect((await node.call<{ name: string }>("GET", "products/B")).name).toBe("Pear");

  const keys = page.getByRole("region", { name: "API keys" });
  await keys.getByLabel("Name").fill("scanner");
  await keys.getByRole("button", { name: "Make a key" }).click();
  await expect(page.getByTestId("made-key")).toHaveText(/.{30,}/);
  const row = keys.getByRole("row", { name: /scanner/ });
  await expect(row).toContainText("read");
  await row.getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("tooltip").getByRole("button", { name: "Revoke" }).click();
  await expect(row).toContainText("revoked");
  await expectUsable(page);
});

test("what a site keeps of its stock and what is printed on its parcels is set on the screen", async ({ page, node }) => {
  await node.call("PUT", "sites/WH1", { name: "Belgrade", type: "warehouse" });
  await page.goto(`${node.url}/setup`);
  const settings = page.getByRole("region", { name: "Settings of a site" });
  await settings.getByLabel("Safety stock, units per SKU").fill("3");
  await settings.getByRole("button", { name: "Save what it keeps" }).click();
  await expect(settings.getByText("Saved.")).toBeVisible();
  await settings.getByLabel("SSCCs begin with").fill("34012345678902");
  await settings.getByLabel("Sender, up to 3 lines").fill("Stowline\nKnez Mihailova 1");
  await settings.getByRole("button", { name: "Save the labels" }).click();
  await expect(settings.getByText("Saved.")).toHaveCount(2);
  expect(await node.call("GET", "sites/WH1/label-settings")).toMatchObject({ sscc_stem: "34012345678902", sender: ["Stowline", "Knez Mihailova 1"], font: null });
  expect(await node.call("GET", "sites/WH1/policies")).toMatchObject({ items: [{ sku: "*", safety_stock: 3, local_share_percent: 0 }] });
  await page.reload();
  await expect(settings.getByLabel("SSCCs begin with")).toHaveValue("34012345678902");
  await expect(settings.getByLabel("Safety stock, units per SKU")).toHaveValue("3");
  await expectUsable(page);
});

import { expect, expectUsable, test } from "./fixtures";
import { Shop } from "./shop";

test("an account at a shop: what failed is seen and tried again, what differs is found, and it is paused and resumed", async ({ page, business, picture }, info) => {
  test.setTimeout(240_000);
  const { node } = business;
  const size = info.project.name;
  const account = `shop-${size}`;
  const [good, frozen] = [`CH-A-${size}`.toUpperCase(), `CH-B-${size}`.toUpperCase()];
  const shop = await Shop.start();
  const { settings } = shop;
  try {
    for (const sku of [good, frozen]) await node.call("PUT", `products/${sku}`, { name: sku, price: { amount: "1.00", currency: "EUR" } });
    await node.call("POST", "sites/WH1/receipts", { reference: "PO-9", lines: [{ sku: good, quantity: 7, bin: "A-01-01" }, { sku: frozen, quantity: 3, bin: "A-01-01" }] });
    shop.refuses.add("offer-b");
    await node.call("PUT", `channels/${account}`, { kind: "shop", name: `Shop ${size}`, settings, secrets: { token: "secret-token" } });
    await node.call("PUT", `channels/${account}/offers`, { items: [{ offer: "offer-a", sku: good }, { offer: "offer-b", sku: frozen }] });

    // What has failed comes first, with the shop's own words and every step.
    await page.goto(`/channels?account=${account}`);
    const line = page.getByTestId(`account-${account}`);
    const operations = page.getByRole("region", { name: "Stock operations" });
    const offers = page.getByRole("region", { name: "Quantities of the offers" });
    await expect(line).toContainText("Works");
    const failed = operations.getByTestId("operation-offer-b");
    await expect(failed).toContainText("the offer is frozen");
    await expect(offers.getByRole("row", { name: /offer-b/ })).toContainText("3");
    await expect(offers.getByRole("row", { name: /offer-a/ })).toHaveCount(0); // confirmed: it does not differ
    await failed.getByText("Steps").click();
    await expect(failed).toContainText("failed for good");
    await expectUsable(page);
    await picture(page, "channels");

    shop.refuses.clear();
    await page.getByRole("button", { name: "Try all failed again" }).click();
    await expect(page.getByText("1 are tried again, 0 are left.")).toBeVisible();
    await expect.poll(() => shop.stock.get("offer-b")).toBe(3);
    await expect(offers.getByRole("row", { name: /offer-a/ })).toContainText("7");
    await offers.getByText("Not confirmed", { exact: true }).click();
    await expect(offers.getByText("Everything is confirmed.")).toBeVisible();

    // Somebody sets a quantity at the shop itself.
    shop.stock.set("offer-a", 99);
    await page.getByRole("button", { name: "Compare now" }).click();
    await offers.getByText("Shown otherwise", { exact: true }).click();
    await expect(offers.getByRole("row", { name: /offer-a/ })).toContainText("99");
    await expect(offers.getByText(/differs since/)).toBeVisible();

    // Paused, nothing is sent; resumed, the newest quantity is.
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("tooltip").getByRole("button", { name: "Pause" }).click();
    await expect(line).toContainText("Paused");
    await expect(node.call("POST", `channels/${account}/orders`, { id: "S-1", currency: "EUR", lines: [{ sku: good, quantity: 2 }] })).rejects.toThrow("channel_disabled");
    await business.place([{ sku: good, quantity: 2 }], { external_id: `paused-${size}` });
    await page.getByRole("button", { name: "Resume" }).click();
    await expect(line).toContainText("Works");
    await expect.poll(() => shop.stock.get("offer-a")).toBe(5);
    await node.call("POST", `channels/${account}/orders`, { id: "S-2", currency: "EUR", lines: [{ sku: good, quantity: 1 }] });
    const facts = page.getByRole("region", { name: `How Shop ${size} stands` });
    await expect(facts.locator("a")).toHaveText(/^\d+$/); // the newest order

    // A shop that does not answer is told from one that says no, and comes back by itself.
    shop.away = true;
    await business.place([{ sku: good, quantity: 1 }], { external_id: `away-${size}` });
    await expect(line).toContainText("Does not answer", { timeout: 60_000 });
    await expect(facts.getByText(/No call has come through since/)).toBeVisible();
    await expectUsable(page);
    await page.addInitScript(() => localStorage.setItem("stowline.language", "ru"));
    await page.emulateMedia({ colorScheme: "dark" });
    await page.goto(`/channels?account=${account}`);
    await expect(page.getByTestId(`account-${account}`)).toContainText("Не отвечает");
    await expectUsable(page);
    await picture(page, "channels-ru-dark");
    shop.away = false;
    await expect(page.getByTestId(`account-${account}`)).toContainText("Работает", { timeout: 60_000 });
    await expect.poll(() => shop.stock.get("offer-a"), { timeout: 60_000 }).toBe(3);
  } finally {
    await shop.end();
    await node.call("PUT", `channels/${account}`, { kind: "shop", name: `Shop ${size}`, enabled: false, settings });
  }
});

import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { expect, expectUsable, test } from "./fixtures";
import { scan } from "./scanner";

/** Takes a label as a PNG: its size in dots and per meter as the file says, and how much of it is black as a browser sees it. */
async function png(page: Page, name: string) {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name }).click()]);
  const bytes = readFileSync(await file.path());
  const black = await page.evaluate(async (base64) => {
    const picture = new Image();
    picture.src = `data:image/png;base64,${base64}`;
    await picture.decode();
    const canvas = new OffscreenCanvas(picture.naturalWidth, picture.naturalHeight);
    const paper = canvas.getContext("2d")!;
    paper.drawImage(picture, 0, 0);
    const dots = paper.getImageData(0, 0, canvas.width, canvas.height).data;
    let dark = 0;
    for (let i = 0; i < dots.length; i += 4) if (dots[i]! < 128) dark++;
    return dark / (dots.length / 4);
  }, bytes.toString("base64"));
  return { name: file.suggestedFilename(), dots: [bytes.readUInt32BE(16), bytes.readUInt32BE(20)], perMeter: [bytes.toString("latin1", 37, 41), bytes.readUInt32BE(41)], black };
}

test("an order is packed and shipped at the station", async ({ page, business, picture }, info) => {
  const sku = `VASE-${info.project.name}`;
  await business.node.call("PUT", `products/${sku}`, { name: "Glass vase", price: { amount: "12.00", currency: "EUR" }, barcodes: [{ code: sku.replace("VASE", "BAR"), units: 1 }] });
  await business.node.call("POST", "sites/WH1/receipts", { reference: sku, lines: [{ sku, quantity: 5, bin: "A-01-02" }] });
  const order = await business.place([{ sku, quantity: 2 }]);
  const picking = (await business.node.call<{ items: { id: string; items: { id: string }[] }[] }>("GET", `picking-tasks?order=${order.id}`)).items[0]!;
  await business.node.call("POST", `picking-tasks/${picking.id}/assign`, { worker: "mira" });
  await business.node.call("POST", `picking-tasks/${picking.id}/start`);
  await business.node.call("POST", `picking-tasks/${picking.id}/items/${picking.items[0]!.id}/pick`, { quantity: 2 });
  await business.node.call("POST", `picking-tasks/${picking.id}/complete`);

  await page.goto("/pack");
  await page.getByRole("combobox", { name: "Site" }).click();
  await page.getByTitle("WH1 · Belgrade").click();
  await expect(page.getByRole("link", { name: String(order.number), exact: true })).toBeVisible();
  await page.getByLabel("Who packs").fill("zoran");
  await expectUsable(page);
  await picture(page, "pack-list");
  await page.getByLabel("Order or task").fill(String(order.number));
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Start packing" }).click();
  await expect(page.getByText("0 / 2")).toBeVisible();
  await page.getByRole("heading", { name: "Packing station" }).click();
  await scan(page, "71053");
  await expect(page.getByRole("alert")).toHaveText("71053 does not belong to this order.");
  await expect(page.getByText("Glass vase")).toBeVisible();
  await scan(page, sku);
  await scan(page, sku.replace("VASE", "BAR"));
  await expect(page.getByText("2 / 2")).toBeVisible();
  for (const [name, value] of [["Weight, g", "1200"], ["Length, mm", "400"], ["Width, mm", "300"], ["Height, mm", "200"]] as const) await page.getByRole("spinbutton", { name }).fill(value);
  await page.getByRole("button", { name: "Add the package" }).click();
  await expect(page.getByRole("row", { name: /1 · Box 400 × 300 × 200/ })).toBeVisible();
  // A second package in the same carton: only the scale is read.
  await page.getByRole("group", { name: "Cartons used last" }).getByRole("button", { name: "Box 400 × 300 × 200" }).click();
  await page.getByRole("spinbutton", { name: "Weight, g" }).fill("300");
  await page.getByRole("button", { name: "Add the package" }).click();
  await expect(page.getByRole("row", { name: /2 · Box 400 × 300 × 200/ })).toBeVisible();
  await expectUsable(page);
  await picture(page, "pack-check");
  await page.getByRole("button", { name: "All is packed" }).click();
  await expect(page.getByRole("region", { name: "Label" })).toContainText("^XA");
  const label = page.getByRole("img", { name: "The labels of all packages" });
  await expect.poll(() => label.evaluate((img: HTMLImageElement) => img.naturalHeight / img.naturalWidth)).toBeGreaterThan(2.5); // two labels, one below the other
  // Each label is a picture of exactly the printer's dots: 4×6 inches.
  const [first, second] = [await png(page, "Label 1 as PNG, 203 dpi"), await png(page, "Label 2 as PNG, 300 dpi")];
  expect([first.dots, first.perMeter]).toEqual([[812, 1218], ["pHYs", 7992]]);
  expect([second.dots, second.perMeter]).toEqual([[1200, 1800], ["pHYs", 11811]]);
  expect(second.name).toMatch(/-2-300dpi\.png$/);
  for (const { black } of [first, second]) expect(black).toBeGreaterThan(0.02);
  for (const { black } of [first, second]) expect(black).toBeLessThan(0.5);
  await page.evaluate(() => window.print = () => void (document.title = "printed"));
  await page.getByRole("button", { name: "Print" }).click();
  await expect(page).toHaveTitle("printed");
  await page.emulateMedia({ media: "print" });
  await expect(page.getByRole("heading", { name: "Packing station" })).toBeHidden();
  await expect(label).toBeVisible();
  await page.emulateMedia({ media: null });
  await page.getByLabel("Carrier").fill("post_express");
  await expectUsable(page);
  await picture(page, "pack-label");
  await page.getByRole("button", { name: "Ship", exact: true }).click();
  await expect(page.getByText("Shipped with post_express")).toBeVisible();
  expect((await business.node.call<{ status: string }>("GET", `orders/${order.id}`)).status).toBe("shipped");
  await page.getByRole("link", { name: "Next order" }).click();
  await expect(page.getByLabel("Order or task")).toBeVisible();
});

test("what there is nothing to pack for is said, in Russian and dark", async ({ page, picture }) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await page.addInitScript(() => localStorage.setItem("stowline.language", "ru"));
  await page.goto("/pack");
  await page.getByLabel("Заказ или задание").fill("nothing-here");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toHaveText("Для «nothing-here» упаковывать нечего.");
  await expectUsable(page);
  await picture(page, "pack-ru-dark");
});

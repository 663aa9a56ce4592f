import { expect, expectUsable, test } from "./fixtures";
import type { Page } from "@playwright/test";
import type { Business } from "./business";
import { scan } from "./scanner";

async function signIn(page: Page, worker: string) {
  await page.goto("/m");
  await page.getByLabel("Site").selectOption("WH1");
  await page.getByLabel("Badge").fill(worker);
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("outbox")).toHaveText("All sent");
}

/** An order at WH1 with its picking task, given to one person so that journeys of other sizes do not take it. */
async function taskFor(business: Business, worker: string, lines: { sku: string; quantity: number }[]) {
  const order = await business.place(lines);
  const page = await business.node.call<{ items: { id: string; order_number: number }[] }>("GET", `picking-tasks?order=${order.id}`);
  const task = page.items[0]!;
  await business.node.call("POST", `picking-tasks/${task.id}/assign`, { worker });
  return task;
}

interface Task {
  status: string;
  items: { sku: string; status: string; quantity_picked: number; note: string | null }[];
}
const read = (business: Business, id: string) => business.node.call<Task>("GET", `picking-tasks/${id}`);

test("a task is picked with the network gone in the middle and the page loaded again", async ({ page, context, business, picture }, info) => {
  const worker = `vera-${info.project.name}`;
  const lamp = `LAMP-${info.project.name}`;
  await business.node.call("PUT", `products/${lamp}`, { name: "Paper lamp", price: { amount: "6.00", currency: "EUR" } });
  await business.node.call("POST", "sites/WH1/receipts", { reference: lamp, lines: [{ sku: lamp, quantity: 5, bin: "A-01-02" }] });
  const task = await taskFor(business, worker, [{ sku: "85123A", quantity: 3 }, { sku: lamp, quantity: 1 }]);
  await signIn(page, worker);
  await expectUsable(page);
  await picture(page, "m-tasks");
  await page.getByRole("button", { name: new RegExp(`^Order ${task.order_number}\\b`) }).click();
  await expect(page.getByText("A-01-01", { exact: true })).toBeVisible();
  await expectUsable(page);
  await picture(page, "m-bin");
  await scan(page, "A-09-09");
  await expect(page.getByRole("alert")).toHaveText("A-09-09 is not the bin A-01-01.");
  await page.evaluate(() => navigator.serviceWorker.ready);
  await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
  await expect(page.getByTestId("outbox")).toHaveText("All sent");

  await context.setOffline(true);
  await scan(page, "A-01-01");
  await expect(page.getByText("0 / 3")).toBeVisible();
  await scan(page, lamp);
  await expect(page.getByRole("alert")).toHaveText(`${lamp} is not 85123A.`);
  await scan(page, "85123A");
  await expect(page.getByText("1 / 3")).toBeVisible();
  await expect(page.getByText("White hanging heart")).toBeVisible();
  await expectUsable(page);
  await picture(page, "m-item");
  await page.getByRole("button", { name: "Take 3" }).click();
  await expect(page.getByText("A-01-02", { exact: true })).toBeVisible();
  await expect(page.getByTestId("outbox")).toHaveText("No network · 1 to send");

  await page.reload();
  await expect(page.getByText("A-01-02", { exact: true })).toBeVisible(); // where the hand was
  await expect(page.getByTestId("outbox")).toHaveText("No network · 1 to send");
  await scan(page, "A-01-02");
  await scan(page, lamp);
  await expect(page.getByText("Everything is taken")).toBeVisible();
  await page.getByRole("button", { name: "Done: it is at the packing place" }).click();
  await page.getByTestId("outbox").click();
  await expect(page.getByRole("listitem")).toHaveText([/3 × 85123A from A-01-01/, new RegExp(`1 × ${lamp} from A-01-02`), /completed/]);
  await expectUsable(page);
  await picture(page, "m-outbox");
  expect((await read(business, task.id)).status).toBe("in_progress"); // the node knows of the start only

  await context.setOffline(false);
  await expect(page.getByTestId("outbox")).toHaveText("All sent");
  const done = await read(business, task.id);
  expect(done.status).toBe("completed");
  expect(done.items.map((i) => [i.sku, i.quantity_picked]).sort()).toEqual([["85123A", 3], [lamp, 1]]);
});

test("what was done without network and is refused later is shown, and can be given up", async ({ page, context, business, picture }, info) => {
  const worker = `olga-${info.project.name}`;
  const task = await taskFor(business, worker, [{ sku: "85123A", quantity: 1 }]);
  await signIn(page, worker);
  await page.getByRole("button", { name: new RegExp(`^Order ${task.order_number}\\b`) }).click();
  await expect(page.getByText("A-01-01", { exact: true })).toBeVisible();
  await expect(page.getByTestId("outbox")).toHaveText("All sent");
  await expect.poll(async () => (await read(business, task.id)).status).toBe("in_progress");
  await context.setOffline(true);
  await scan(page, "A-01-01");
  await scan(page, "85123A");
  await page.getByRole("button", { name: "Done: it is at the packing place" }).click();
  await business.node.call("POST", `picking-tasks/${task.id}/cancel`, { reason: "the truck broke down" });
  await context.setOffline(false);
  await expect(page.getByTestId("outbox")).toHaveText("1 refused");
  await page.getByTestId("outbox").click();
  await expect(page.getByRole("alert")).toContainText("cancelled");
  await expectUsable(page);
  await picture(page, "m-refused");
  await page.getByRole("button", { name: "Drop it and what follows" }).click();
  await expect(page.getByTestId("outbox")).toHaveText("All sent");
});

test("fewer than wanted are taken, and an empty bin is skipped", async ({ page, business }, info) => {
  const worker = `igor-${info.project.name}`;
  const task = await taskFor(business, worker, [{ sku: "85123A", quantity: 4 }]);
  await signIn(page, worker);
  await page.getByRole("button", { name: new RegExp(`^Order ${task.order_number}\\b`) }).click();
  await expect(page.getByText("A-01-01", { exact: true })).toBeVisible();
  await scan(page, "A-01-01");
  for (let i = 0; i < 2; i++) await scan(page, "85123A");
  await page.getByRole("button", { name: "Only 2 there" }).click();
  await page.getByRole("button", { name: "Done: it is at the packing place" }).click();
  await expect.poll(async () => (await read(business, task.id)).status).toBe("completed");
  expect((await read(business, task.id)).items[0]).toMatchObject({ quantity_picked: 2, note: "only 2 of 4 there" });
  // The bin's row is blocked until somebody has counted it; the other journeys go on with it.
  const stock = await business.node.call<{ items: { bin: string; on_hand: number }[] }>("GET", "sites/WH1/stock?sku=85123A");
  const row = stock.items.find((r) => r.bin === "A-01-01")!;
  await business.node.call("POST", "sites/WH1/adjustments", { sku: "85123A", bin: "A-01-01", expected: row.on_hand, counted: row.on_hand, reason: "counted" }).catch(() => undefined);
});

test("a bin and a product are looked up, also without network", async ({ page, context, picture }, info) => {
  await signIn(page, `ana-${info.project.name}`);
  await page.getByRole("link", { name: "Look up" }).click();
  await expect(page.getByRole("heading", { name: "Look up" })).toBeVisible();
  await scan(page, "A-01-02");
  await expect(page.getByRole("row", { name: /HONEY-500.*L-2026-02/ })).toBeVisible();
  await scan(page, "HONEY-500");
  await expect(page.getByRole("heading", { name: "Acacia honey 500 g · HONEY-500" })).toBeVisible();
  await expect(page.getByRole("row", { name: /A-01-01/ })).toBeVisible();
  await expectUsable(page);
  await picture(page, "m-look");
  await context.setOffline(true);
  await scan(page, "A-01-02");
  await expect(page.getByRole("heading", { name: "Bin A-01-02" })).toBeVisible(); // the list of before has that row, too
  await expect(page.getByRole("row", { name: /HONEY-500.*L-2026-02/ })).toBeVisible();
  await scan(page, "NEVER-SEEN");
  await expect(page.getByText("No bin and no product is called that")).toBeVisible();
});

test("goods are received by their GS1 code, with lot and expiry, in Russian and dark", async ({ page, business, picture }, info) => {
  const sku = `TEA-${info.project.name}`;
  const gtin = { desktop: "04006381333931", tablet: "04012345678901", handheld: "05901234123457" }[info.project.name]!;
  await business.node.call("PUT", `products/${sku}`, { name: "Green tea", price: { amount: "4.20", currency: "EUR" }, barcodes: [{ code: gtin.slice(1), units: 1 }] });
  await signIn(page, `petr-${info.project.name}`);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.evaluate(() => localStorage.setItem("stowline.language", "ru"));
  await page.reload();
  await page.getByRole("link", { name: "Приёмка" }).click();
  await page.getByLabel("Накладная").fill(`DN-${info.project.name}`);
  await page.getByRole("heading", { name: "Приёмка" }).click();
  const expires = `${new Date().getFullYear() + 1}-12-31`;
  await scan(page, `]C101${gtin}17${expires.slice(2).replaceAll("-", "")}` + "10L-77");
  await expect(page.getByText("Green tea")).toBeVisible();
  await expect(page.getByLabel("Партия")).toHaveValue("L-77");
  await expect(page.getByLabel("Годен до")).toHaveValue(expires);
  await scan(page, "A-01-02");
  await expect(page.getByLabel("Ячейка", { exact: true })).toHaveValue("A-01-02");
  await page.getByLabel("Количество").fill("24");
  await expectUsable(page);
  await picture(page, "m-receive-ru-dark");
  await page.getByRole("button", { name: "Принять" }).click();
  await expect(page.getByText(`Принято 24 шт. ${sku}.`)).toBeVisible();
  await expect.poll(async () => (await business.node.call<{ items: object[] }>("GET", `sites/WH1/stock?sku=${sku}`)).items[0])
    .toMatchObject({ bin: "A-01-02", lot: "L-77", expires_on: expires, on_hand: 24 });
});

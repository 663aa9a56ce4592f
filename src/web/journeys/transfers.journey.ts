import { expect, expectUsable, test } from "./fixtures";

test("units are sent to another site, followed until they are there, and a transfer is cancelled", async ({ page, business, picture }, info) => {
  const { node } = business;
  const sku = `TRIP-${info.project.name}`;
  await node.call("PUT", `products/${sku}`, { name: "Desk lamp", price: { amount: "19.00", currency: "EUR" } });
  await node.call("POST", "sites/WH1/receipts", { reference: sku, lines: [{ sku, quantity: 10, bin: "A-01-01" }] });

  await page.goto("/transfers");
  const form = page.getByRole("form", { name: "Send units to another site" });
  for (const [name, site] of [["From", "WH1 · Belgrade"], ["To", "WH2 · Novi Sad"]] as const) {
    await form.getByRole("combobox", { name: new RegExp(`^${name}`) }).click();
    await page.getByTitle(site).filter({ visible: true }).click();
  }
  await form.getByLabel("SKU", { exact: true }).fill(sku);
  await form.getByLabel("Units", { exact: true }).fill("50");
  await form.getByLabel("Reason, if there is one").fill("the shop is empty");
  await form.getByRole("button", { name: "Another SKU" }).click();
  await expect(form.getByRole("button", { name: "Send them" })).toBeDisabled();
  await form.getByRole("button", { name: "Remove the line" }).last().click();
  await form.getByRole("button", { name: "Send them" }).click();
  await expect(form.getByRole("alert")).toContainText("50 wanted, 10 free");
  await form.getByLabel("Units", { exact: true }).fill("5");
  await expectUsable(page);
  await picture(page, "transfers-new");
  await form.getByRole("button", { name: "Send them" }).click();
  await expect(form.getByRole("status")).toHaveText(/^Transfer \d+ is on its way to the pickers\.$/);
  const number = Number(/\d+/.exec((await form.getByRole("status").textContent())!)![0]);
  const line = page.getByTestId(`transfer-${number}`);
  await expect(line).toContainText("WH1 → WH2");
  await expect(line).toContainText("the shop is empty");

  const { id } = await node.call<{ id: string }>("GET", `transfers/${number}`);
  await business.fulfill({ id, number });
  await expect(line).toContainText("On its way");
  await expect(line.getByRole("button", { name: "Cancel" })).toHaveCount(0); // it has left
  await node.call("POST", "sites/WH2/transfer-receipts", { transfer: number, lines: [{ sku, quantity: 4, bin: "A-01-01" }], complete: true });
  await expect(line).toContainText("Received");
  await expect(line).toContainText("Missing: 1");
  await line.getByText("Lines and story").click();
  await expect(line.getByRole("row", { name: new RegExp(sku) })).toContainText("5");
  await expect(line.getByRole("listitem").first()).toContainText("WH1");
  await expectUsable(page);
  await picture(page, "transfers");

  const other = await node.call<{ number: number }>("POST", "transfers", { from: "WH1", to: "WH2", lines: [{ sku, quantity: 2 }] });
  const second = page.getByTestId(`transfer-${other.number}`);
  await second.getByRole("button", { name: "Cancel" }).click();
  await second.getByLabel("Why").fill("not needed any more");
  await second.getByRole("button", { name: "Cancel the transfer" }).click();
  await expect(second).toContainText("Cancelled");

  await page.addInitScript(() => localStorage.setItem("stowline.language", "ru"));
  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto("/transfers?status=received");
  await expect(page.getByTestId(`transfer-${number}`)).toContainText("Недостача: 1");
  await expect(page.getByTestId(`transfer-${other.number}`)).toHaveCount(0);
  await expectUsable(page);
  await picture(page, "transfers-ru-dark");
});

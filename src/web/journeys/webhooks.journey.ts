import { expect, expectUsable, test } from "./fixtures";
import { Receiver, signedBy } from "./receiver";

test("a webhook is made and tested, what it did not take is seen and sent again, and its secret is changed", async ({ page, business, picture }, info) => {
  test.setTimeout(240_000);
  const size = info.project.name;
  const receiver = await Receiver.start();
  const [path, host] = [`/in-${size}`, new URL(receiver.url("/")).host];
  try {
    // Made: what the node refuses is said, and the secret is shown once.
    await page.goto("/webhooks");
    const form = page.getByRole("form", { name: "New webhook" });
    await form.getByLabel("URL").fill(`ftp://${host}${path}`);
    await form.getByRole("button", { name: "Make it" }).click();
    await expect(form.getByRole("alert")).toContainText("url");
    await form.getByLabel("URL").fill(receiver.url(path));
    await form.getByLabel("Description, if there is one").fill("The shop’s own books");
    await form.getByLabel("Header Authorization").fill("Bearer books");
    await expectUsable(page);
    await picture(page, "webhooks-new");
    await form.getByRole("button", { name: "Make it" }).click();
    const secret = (await page.getByTestId("made-secret").textContent())!;
    expect(secret).toMatch(/^whsec_/);
    await expect(form).toHaveCount(0);
    await expectUsable(page);
    await picture(page, "webhooks-secret");
    await page.getByRole("button", { name: "I have it" }).click();
    await expect(page.getByTestId("made-secret")).toHaveCount(0);

    const line = page.getByTestId(/^webhook-/).filter({ hasText: path });
    const facts = page.getByRole("region", { name: `How ${host} stands` });
    const deliveries = page.getByRole("region", { name: "Deliveries" });
    const row = (text: string) => deliveries.getByTestId(/^delivery-/).filter({ hasText: text });
    await expect(line).toContainText("On");
    await expect(facts).toContainText("sent"); // that there is an authorization, and not what it says
    await expect(page.getByText("Bearer books")).toHaveCount(0);

    // Tested: the answer is seen, and what came is signed with the secret that was shown.
    receiver.status = 200;
    await facts.getByRole("button", { name: "Send a test" }).click();
    await expect(facts.getByTestId("test-answer")).toContainText("it was taken, the answer is 200");
    await expect(facts.getByTestId("test-answer")).toContainText("thank you");
    const tested = receiver.at(path).at(-1)!;
    expect([tested.type, tested.headers.authorization, ...signedBy(tested, [secret])]).toEqual(["webhook.test", "Bearer books", true]);
    await expect(row("webhook.test")).toContainText("Delivered");

    // A failure is seen with its answer, and tried at once when somebody has repaired the cause.
    receiver.status = 503;
    const order = await business.place(undefined, { external_id: `hook-${size}` });
    await expect(line).toContainText("Fails");
    await expect(facts.getByText(/^Nothing was taken since/)).toBeVisible();
    await deliveries.getByText(/^Waiting/).first().click();
    const failed = row("order.placed");
    await expect(failed).toContainText("Tried again");
    await expect(failed).toContainText("answered with 503");
    await expect(failed.getByRole("link", { name: "Order" })).toHaveAttribute("href", `/orders/${order.id}`);
    await failed.getByText("Message and answer").click();
    await expect(failed).toContainText("the books are closed");
    await expectUsable(page);
    await picture(page, "webhooks");
    receiver.status = 204;
    await failed.getByRole("button", { name: "Try now" }).click();
    await expect(row("order.placed")).toHaveCount(0); // it waits no more
    await expect(line).toContainText("On");
    await deliveries.getByText(/^Delivered/).first().click();
    await expect(row("order.placed")).toContainText("204");
    expect(receiver.at(path).filter((r) => r.type === "order.placed").length).toBe(2);

    // What was delivered can be sent again, with the id that it had.
    const ids = () => receiver.at(path).filter((r) => r.type === "order.placed").map((r) => r.headers["webhook-id"]);
    await row("order.placed").getByRole("button", { name: "Send again" }).click();
    await expect.poll(() => ids().length).toBe(3);
    expect(new Set(ids()).size).toBe(1);
    const again = deliveries.getByRole("form", { name: "Send again" });
    await again.getByLabel("Since").fill("2020-01-01T00:00");
    await again.getByRole("button", { name: "Send all since then again" }).click();
    await expect(again.getByRole("status")).toHaveText(/^Put in line again: [1-9]\d*\.$/);
    await expect.poll(() => ids().length).toBe(4);

    // The node gives nothing up before four days have passed: here its list says so early, and what is asked of the node is as it will be then.
    const lists = "**/api/v1/webhooks?*";
    await page.route(lists, async (route) => {
      const answer = await route.fetch();
      const { items } = (await answer.json()) as { items: object[] };
      await route.fulfill({ response: answer, json: { items: items.map((i) => ({ ...i, failed: 3 })), next_cursor: null } });
    });
    await expect(line.getByText("3", { exact: true })).toBeVisible();
    await deliveries.getByRole("button", { name: "Send all given up again" }).click();
    const asked = page.waitForRequest(/\/replay$/);
    await page.getByRole("tooltip").getByRole("button", { name: "Send all given up again" }).click();
    expect((await asked).postDataJSON()).toEqual({ failed: true });
    await expect(again.getByRole("status")).toHaveText("Put in line again: 0.");
    await page.unroute(lists);

    // A new secret: for a while both sign.
    await facts.getByRole("button", { name: "New secret" }).click();
    const rotate = facts.getByRole("form", { name: "New secret" });
    await rotate.getByLabel("Both sign for, hours").fill("1");
    await expectUsable(page);
    await picture(page, "webhooks-rotate");
    await rotate.getByRole("button", { name: "Make it" }).click();
    const fresh = (await page.getByTestId("made-secret").textContent())!;
    await expect(page.getByText(/^The old one signs too until/)).toBeVisible();
    await page.getByRole("button", { name: "I have it" }).click();
    await expect(facts).toContainText("Old secret signs too");
    await facts.getByRole("button", { name: "Send a test" }).click();
    await expect(facts.getByTestId("test-answer")).toContainText("the answer is 204");
    expect([fresh !== secret, ...signedBy(receiver.at(path).filter((r) => r.type === "webhook.test").at(-1)!, [secret, fresh])]).toEqual([true, true, true]);

    // Switched off, what happens waits; switched on, it goes.
    await facts.getByRole("button", { name: "Switch off" }).click();
    await page.getByRole("tooltip").getByRole("button", { name: "Switch off" }).click();
    await expect(line).toContainText("Off");
    await expect(facts).toContainText("switched off by");
    await expect(facts.getByRole("button", { name: "Send a test" })).toBeDisabled();
    const held = await business.place();
    await facts.getByRole("button", { name: "Switch on" }).click();
    await expect(line).toContainText("On");
    await expect.poll(() => receiver.at(path).some((r) => r.text.includes(held.id))).toBe(true);

    // An endpoint that says that it is gone is switched off by the node, which says why, in Russian too.
    receiver.status = 410;
    await facts.getByRole("button", { name: "Send a test" }).click();
    await expect(facts.getByTestId("test-answer")).toContainText("it was not taken (answered with 410)");
    await expect(line).toContainText("Switched off");
    await page.addInitScript(() => localStorage.setItem("stowline.language", "ru"));
    await page.emulateMedia({ colorScheme: "dark" });
    await page.reload();
    await expect(line).toContainText("Отключён узлом");
    await expect(page.getByText("Ничего не отправляется: адрес ответил 410 Gone")).toBeVisible();
    await expectUsable(page);
    await picture(page, "webhooks-ru-dark");

    // A listings service: its own words, the order's id in the URL.
    receiver.status = 204;
    await page.getByRole("button", { name: "Новый вебхук" }).click();
    const listings = page.getByRole("form", { name: "Новый вебхук" });
    await listings.getByRole("combobox", { name: "Что отправляется" }).click();
    await page.getByTitle("Статус заказа").filter({ visible: true }).click();
    await listings.getByLabel("URL").fill(receiver.url(`/status-${size}/{id}`));
    await listings.getByLabel("Только заказы канала").fill(`listings-${size}`);
    await listings.getByRole("button", { name: "Создать" }).click();
    await expect(page.getByTestId("made-secret")).toBeVisible();
    await business.place(undefined, { channel: `listings-${size}`, external_id: `L-${size}` });
    await expect.poll(() => receiver.at(`/status-${size}/L-${size}`).map((r) => (JSON.parse(r.text) as { status: string }).status)).toEqual(["confirmed"]);
    const status = page.getByTestId(/^webhook-/).filter({ hasText: `/status-${size}/` });
    await expect(status).toContainText("Статус заказа");

    // Deleted, with a question before.
    await page.getByRole("button", { name: "Удалить" }).click();
    await page.getByRole("tooltip").getByRole("button", { name: "Удалить" }).click();
    await expect(status).toHaveCount(0);
    await line.getByRole("link").click();
    await page.getByRole("button", { name: "Удалить" }).click();
    await page.getByRole("tooltip").getByRole("button", { name: "Удалить" }).click();
    await expect(line).toHaveCount(0);
    expect((await business.node.call<{ items: unknown[] }>("GET", "webhooks")).items).toEqual([]);
  } finally {
    await receiver.end();
  }
});

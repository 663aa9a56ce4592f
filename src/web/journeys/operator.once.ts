import type { Page } from "@playwright/test";
import type { Schemas } from "../src/api/client";
import { expect, expectUsable, test } from "./fixtures";

// What waits for an operator is made by brokers that refuse, sites that were restored and marketplaces: the node's answers are played here; what it does is tested where it is made.

interface Said {
  path: string;
  body: unknown;
}

/** Answers a path of the API, and keeps what was sent to it. */
async function play(page: Page, path: string, answer: () => unknown, said: Said[] = []) {
  await page.route((url) => url.pathname === `/api/v1/${path}`, (route) => {
    const request = route.request();
    if (request.method() !== "GET") said.push({ path, body: request.postDataJSON() as unknown });
    return route.fulfill({ json: answer() });
  });
  return said;
}

const event = (position: number, subject: string, consumer = "kafka", lane = "hub"): Schemas["ParkedEvent"] => ({
  consumer, lane, position, subject, type: "order.placed", error: position === 7 ? "Broker: Message size too large" : "an earlier event of the subject is parked", attempts: position === 7 ? 3 : 0, parked_at: "2026-11-20T10:00:00Z",
});

test("parked events are shown by what they wait behind; they are tried again, or given up with a reason", async ({ page, picture }) => {
  let parked = [event(7, "order/1"), event(9, "order/1"), event(8, "order/2", "fulfillment", "hub/WH1")];
  await play(page, "system/parked", () => ({ items: parked, next_cursor: null }));
  const said = await play(page, "system/parked/resume", () => {
    parked = parked.filter((e) => e.subject !== "order/2");
    return { events: 1 };
  });
  await play(page, "system/parked/discard", () => {
    parked = parked.filter((e) => e.position !== 7);
    return { events: 1 };
  }, said);
  await page.goto("/links");
  const region = page.getByRole("region", { name: "Parked events" });
  const first = region.getByTestId("parked-order/1");
  await expect(first).toContainText("kafka could not handle order/1");
  await expect(first).toContainText("Broker: Message size too large");
  await expect(first).toContainText("Events that wait: 1");
  await region.getByTestId("parked-order/2").getByRole("button", { name: "Try again" }).click();
  await expect(region.getByText("Done: 1 events of order/2.")).toBeVisible();
  await expect(region.getByTestId("parked-order/2")).toHaveCount(0);
  await first.getByRole("button", { name: "Give up" }).click();
  await expect(first.getByRole("button", { name: "Give it up" })).toBeDisabled(); // not without a reason
  await expectUsable(page);
  await picture(page, "parked");
  await first.getByLabel("Why it is given up (stands in the log)").fill("the topic takes no such messages");
  await first.getByRole("button", { name: "Give it up" }).click();
  await expect(region.getByText("Given up: 1 events of order/1.")).toBeVisible();
  await expect(first).toContainText("an earlier event of the subject is parked");
  expect(said).toEqual([
    { path: "system/parked/resume", body: { consumer: "fulfillment", lane: "hub/WH1", subject: "order/2" } },
    { path: "system/parked/discard", body: { consumer: "kafka", lane: "hub", subject: "order/1", position: 7, reason: "the topic takes no such messages" } },
  ]);
});

test("after a restore an operator sees what nobody has, and lets the node go on", async ({ page, picture }) => {
  const lanes = { lag_events: 0, lag_seconds: 0, lanes: [] };
  const link: Schemas["LinkView"] = {
    site: "WH2", state: "connected", since: "2026-11-20T10:00:00Z", last_contact: "2026-11-20T10:00:00Z", peer: "wh2", peer_version: "1.0", in: lanes, out: lanes, alerts: [], refused: null, given_up_at: null,
    repair: { state: "heard", backup_at: "2026-11-20T03:00:00Z", taken_back: 1842, lost: [{ lane: "site/WH2", first: 10231, last: 10236 }], unapplied: { "ticket.moved": 2 } },
  };
  await play(page, "links", () => ({ items: [link, { ...link, site: "WH3", repair: null, alerts: ["lag"], out: { lag_events: 120, lag_seconds: 95, lanes: [] } }], next_cursor: null }));
  await page.goto("/");
  await expect(page.getByRole("region", { name: "Needs attention" })).toContainText("WH3 Behind 120 events, 95 s"); // connected, and late all the same
  const said = await play(page, "links/WH2/repair", () => link.repair = { ...link.repair!, state: "confirmed" });
  await page.goto("/links");
  const repair = page.getByRole("region", { name: "Restored from a backup" });
  await expect(repair).toContainText("1842 events came back");
  await expect(repair).toContainText("Nobody has site/WH2 10231 to 10236");
  await expect(repair).toContainText("ticket.moved × 2");
  await expectUsable(page);
  await picture(page, "repair");
  await repair.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("tooltip").getByRole("button", { name: "Go on" }).click();
  await expect(repair).toContainText("confirmed");
  await expect(repair.getByRole("button")).toHaveCount(0);
  expect(said).toEqual([{ path: "links/WH2/repair", body: { exclude: false } }]);
});

test("an operator gives a site up that is gone, and takes it back", async ({ page, picture }) => {
  const way = (lane: string) => ({ lag_events: 0, lag_seconds: 90, lanes: [{ lane, position: 7, head: 7, behind_since: null }] });
  let link: Schemas["LinkView"] = {
    site: "WH2", state: "cut", since: "2026-11-20T10:00:00Z", last_contact: "2026-11-20T10:00:00Z", peer: "wh2", peer_version: "1.0", in: way("site/WH2"), out: way("hub/WH2"), alerts: ["cut"], refused: null,
    given_up_at: null, repair: null,
  };
  await play(page, "links", () => ({ items: [link], next_cursor: null }));
  const done = { site: "WH2", state: "leaving", given_up_at: "2026-11-20T11:00:00Z", reason: "burnt down", actor: "ann", disputed: 10 };
  const said = await play(page, "sites/WH2/give-up", () => {
    link = { ...link, state: "given_up", given_up_at: "2026-11-20T11:00:00Z", alerts: [] };
    return done;
  });
  await play(page, "sites/WH2/take-back", () => {
    link = { ...link, state: "connected", given_up_at: null };
    return { ...done, state: "returning" };
  }, said);
  await page.goto("/links");
  const one = page.getByTestId("link-WH2");
  await one.getByText("The site is gone for good").click();
  await expect(one.getByRole("button", { name: "Give the site up" })).toBeDisabled(); // not without a reason
  await one.getByLabel("Reason, as orders will tell it").fill("burnt down");
  await expectUsable(page);
  await picture(page, "give-up");
  await one.getByRole("button", { name: "Give the site up" }).click();
  await page.getByRole("tooltip").getByRole("button", { name: "Give the site up" }).click();
  await expect(one).toContainText("Given up");
  await one.getByText("The site is there after all").click();
  await one.getByRole("button", { name: "Take the site back" }).click();
  await page.getByRole("tooltip").getByRole("button", { name: "Take the site back" }).click();
  await expect(one).toContainText("Connected");
  await expect(one.getByTestId("give-up-WH2")).toHaveCount(0);
  expect(said).toEqual([{ path: "sites/WH2/give-up", body: { confirm: true, reason: "burnt down" } }, { path: "sites/WH2/take-back", body: { confirm: true } }]);
});

test("a marketplace's orders that cannot be taken are shown with the reason", async ({ page, picture }) => {
  const account: Schemas["ChannelView"] = {
    code: "allegro-main", kind: "allegro", name: "Allegro", enabled: true, settings: {}, secrets: ["client_id", "client_secret", "refresh_token"], failing_since: null, last_error: null,
    last_success_at: "2026-11-20T10:00:00Z", next_try_at: null, token_until: "2026-11-20T22:00:00Z", last_order_event: "1732096800000", last_order_event_at: "2026-11-20T09:59:00Z",
    reconciled_at: null, offers: 0, offers_differing: 0, pending_operations: 0, failed_operations: 0, waiting_orders: 1, pending_reports: 0, failed_reports: 0, reconciled_task_id: null, saved_at: "2026-11-20T08:00:00Z",
  };
  await play(page, "channels", () => ({ items: [account], next_cursor: null }));
  await play(page, "channels/allegro-main/waiting-orders", () => ({ items: [{ external_id: "29738e61-7f6a-11e8-ac45-09db60ede9d6", reason: "there is no product AH-129834", looks: 4, first_seen_at: "2026-11-20T09:00:00Z", next_at: "2026-11-20T10:01:00Z" }], next_cursor: null }));
  await play(page, "channels/allegro-main/offers", () => ({ items: [], next_cursor: null }));
  await play(page, "stock-sync/status", () => ({ status: "healthy", last_updated: "2026-11-20T10:00:00Z", statistics: { pending_operations: 0, processing_operations: 0, failed_operations: 0, completed_today: 200, stale_operations: 0, first_try_percent: 99.5, mean_retry_seconds: 61 } }));
  await page.goto("/channels");
  await expect(page.getByRole("region", { name: "Orders that could not be taken" })).toContainText("there is no product AH-129834");
  const facts = page.getByRole("region", { name: "How Allegro stands" });
  await expect(facts).toContainText("1732096800000");
  await expect(facts).toContainText("99.5%");
  await expectUsable(page);
  await picture(page, "channels-waiting");
});

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "@playwright/test";
import { hookReason } from "../src/i18n/told";
import { ahead, answerTo, canReplay, deliveryState, EVENT_TYPES, orderOf, stateOf, type Delivery, type Hook } from "../src/webhooks/hooks";

// Goal: the screen says of a webhook and of what was sent to it what the node means. Method: its pure functions, and the node's own sources.

const ID = "01980000-0000-7000-8000-000000000001";
const hook = (more: Partial<Hook>) => ({ enabled: true, failing_since: null, ...more }) as Hook;
const delivery = (more: Partial<Delivery>) => ({ seq: 1, type: "order.placed", subject: ID, status: "pending", attempts: 0, ...more }) as Delivery;

test("a webhook that the node switched off is told from one that somebody switched off", () => {
  const since = "2026-01-01T00:00:00Z";
  expect([hook({}), hook({ failing_since: since }), hook({ enabled: false }), hook({ enabled: false, failing_since: since })].map(stateOf)).toEqual(["on", "failing", "off", "given_up"]);
});

test("a test waits for its first answer, and for no other", () => {
  const states = [undefined, delivery({}), delivery({ attempts: 1 }), delivery({ status: "delivered", attempts: 1 }), delivery({ status: "failed", attempts: 0 })];
  expect(states.map(answerTo)).toEqual(["waiting", "waiting", "bad", "good", "bad"]);
});

test("what has not had its turn is not sent again, all else is", () => {
  const states = [delivery({}), delivery({ attempts: 3 }), delivery({ status: "delivered" }), delivery({ status: "failed" }), delivery({ status: "skipped" })];
  expect(states.map(deliveryState)).toEqual(["pending", "again", "delivered", "failed", "skipped"]);
  expect(states.map(canReplay)).toEqual([false, true, true, true, true]);
});

test("only what is about an order leads to it, and only what lies ahead is told", () => {
  expect([delivery({}), delivery({ type: "part.shipped" }), delivery({ type: "webhook.test", subject: `test/${ID}` }), delivery({ type: "order.placed", subject: "elsewhere" })].map(orderOf))
    .toEqual([ID, ID, null, null]);
  const now = Date.parse("2026-01-01T00:00:00Z");
  expect([ahead(null, now), ahead("2025-12-31T23:59:59Z", now), ahead("2026-01-01T00:00:01Z", now)]).toEqual([null, null, "2026-01-01T00:00:01Z"]);
});

test("every event that is suggested is one that the node writes", () => {
  const folder = new URL("../../Stowline/Contracts/", import.meta.url);
  const written = readdirSync(folder).filter((f) => f.endsWith(".cs")).flatMap((f) => [...readFileSync(new URL(f, folder), "utf8").matchAll(/string Type => "([a-z_.]+)"/g)].map((m) => m[1]!));
  expect(written.length).toBeGreaterThan(50);
  for (const type of EVENT_TYPES) expect(written.some((w) => w === type || (type.endsWith("*") && w.startsWith(type.slice(0, -1)))), type).toBe(true);
});

test("why a webhook was switched off or something was not taken is told in Russian", () => {
  const source = ["HookSender.cs", "SaveWebhook.cs"].map((f) => readFileSync(new URL(`../../Stowline/Hub/Hooks/${f}`, import.meta.url), "utf8")).join("\n");
  const said = [...source.matchAll(/"((?:answered with|no answer within|the event is larger|the endpoint answered|nothing was delivered|switched off by)[^"]*)"/g)].map((m) => m[1]!.replace(/{[^}]*}/g, "7"));
  expect(said.length).toBe(7);
  for (const one of said) expect(hookReason("ru", one), one).toMatch(/^[а-я]/);
  expect(hookReason("ru", "nothing was delivered for 5 days: answered with 503")).toBe("за 5 дней ничего не доставлено: ответ 503");
  expect(hookReason("en", "answered with 503")).toBe("answered with 503");
  expect(hookReason("ru", "Connection refused (127.0.0.1:1)")).toBe("Connection refused (127.0.0.1:1)");
});

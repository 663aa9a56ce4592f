import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import AxeBuilder from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";
import { Business } from "./business";
import { RunningNode } from "./node";

const screens = fileURLToPath(new URL("../../../artifacts/screens", import.meta.url));

interface Shared {
  /** A node with a day's work on it, shared by the journeys of one size. */
  business: Business & { shipped: { id: string; number: number }; split: { id: string; number: number } };
}

interface Own {
  /** Keeps a picture under artifacts/screens, for people to look at. */
  picture: (page: Page, name: string) => Promise<void>;
}

export const test = base.extend<Own, Shared>({
  business: [async ({}, use) => {
    const node = await RunningNode.start();
    const business = new Business(node);
    await business.open();
    await use(Object.assign(business, await business.day()));
    await node.end();
  }, { scope: "worker", timeout: 300_000 }],
  baseURL: async ({ business }, use) => use(business.node.url),
  picture: async ({}, use, info) => {
    mkdirSync(screens, { recursive: true });
    await use(async (page, name) => void (await page.screenshot({ path: `${screens}/${name}-${info.project.name}.png`, fullPage: true })));
  },
});

/** Nothing that keeps somebody from using the page, and nothing beyond its edge. */
export async function expectUsable(page: Page) {
  // Until it is so: a page that still loads is neither right nor wrong.
  await expect(async () => {
    const { violations } = await new AxeBuilder({ page }).analyze();
    const serious = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
    expect(serious.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.html} ${n.failureSummary}`).join("; ")}`)).toEqual([]);
    const [width, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    expect(width, "the page scrolls sideways").toBeLessThanOrEqual(inner);
  }).toPass({ timeout: 15_000 });
}

export { expect };

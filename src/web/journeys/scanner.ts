import type { Page } from "@playwright/test";

/**
 * Types as a scanner does: all at once, then Enter. Keys that Playwright types one by one are as far apart as the machine is busy, and after a second the page takes them for a new
 * scan; so the browser is given all of them together, each with the same time.
 */
export async function scan(page: Page, code: string) {
  const browser = await page.context().newCDPSession(page);
  const timestamp = Date.now() / 1000;
  const keys = [...[...code].map((key) => ({ key, text: key })), { key: "Enter", text: "\r", code: "Enter", windowsVirtualKeyCode: 13 }];
  await Promise.all(keys.flatMap((key) => (["keyDown", "keyUp"] as const).map((type) =>
    browser.send("Input.dispatchKeyEvent", { ...key, type, timestamp, ...(type === "keyUp" ? { text: "" } : {}) }))));
  await browser.detach();
}

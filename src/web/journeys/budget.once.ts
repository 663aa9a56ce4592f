import { expect, test } from "./fixtures";

const pages = [
  { path: "/", budget: 450, ready: "tbody .number" },
  { path: "/m", budget: 300, ready: "#m-badge" },
];

for (const { path, budget, ready } of pages) test(`${path} loads less than ${budget} KB of script`, async ({ page, request }) => {
  const scripts = new Set<string>();
  page.on("response", (r) => void (r.request().resourceType() === "script" && r.url().includes("/assets/") && scripts.add(r.url())));
  await page.goto(path);
  await expect(page.locator(ready).first()).toBeVisible();
  await page.waitForLoadState("networkidle");
  let bytes = 0;
  for (const url of scripts) {
    const answer = await request.get(url, { headers: { "Accept-Encoding": "gzip" } });
    expect(answer.headers()["cache-control"], url).toContain("immutable");
    bytes += Number(answer.headers()["content-length"]);
  }
  console.log(`script of ${path} : ${(bytes / 1000).toFixed(0)} KB gzip in ${scripts.size} files`);
  expect(scripts.size).toBeGreaterThan(1);
  expect(bytes / 1000).toBeLessThan(budget);
});

test("how soon the overview is ready is printed, not judged: it depends on the machine", async ({ page }) => {
  const browser = await page.context().newCDPSession(page);
  // Counts processor time of the page's main thread, which a busy machine lengthens less than the clock's.
  await browser.send("Performance.enable", { timeDomain: "threadTicks" });
  const worked = async () => (await browser.send("Performance.getMetrics")).metrics.find((m) => m.name === "TaskDuration")!.value * 1000;
  for (const cache of ["cold", "warm"]) {
    const before = await worked();
    await page.goto("/");
    await expect(page.locator("tbody .number").first()).toBeVisible();
    // The mark is set right after the rows are there.
    const shown = () => page.evaluate(() => performance.getEntriesByName("stowline-orders-shown")[0]?.startTime ?? 0);
    await expect.poll(shown).toBeGreaterThan(0);
    console.log(`/ shows its orders ${(await shown()).toFixed(0)} ms after navigation (${cache} cache), ${(await worked() - before).toFixed(0)} ms of processor`);
  }
});

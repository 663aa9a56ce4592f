import { fileURLToPath } from "node:url";
import { defineConfig, type Project } from "@playwright/test";

const artifacts = fileURLToPath(new URL("../../../artifacts", import.meta.url));

/** Everything a person does is tried at each size; what has no size runs once. */
const sizes: Project[] = [
  { name: "desktop", use: { viewport: { width: 1440, height: 900 } } },
  { name: "tablet", use: { viewport: { width: 820, height: 1180 }, hasTouch: true } },
  { name: "handheld", use: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } },
];

export default defineConfig({
  testDir: ".",
  outputDir: `${artifacts}/test-results/web`,
  fullyParallel: false,
  forbidOnly: process.env["CI"] === "true",
  retries: 0,
  // The screens look again every 15 seconds by themselves; who waits for that must not give up at the very moment when it comes.
  timeout: 180_000,
  expect: { timeout: 40_000 },
  reporter: [["list"], ["junit", { outputFile: `${artifacts}/test-results/web.xml` }]],
  use: {
    browserName: "chromium",
    locale: "en-GB",
    timezoneId: "Europe/Belgrade",
    actionTimeout: 40_000,
    launchOptions: {
      executablePath: process.env["STOWLINE_CHROMIUM"] ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    },
    screenshot: "only-on-failure",
  },
  projects: [
    { name: "rules", testMatch: "**/*.rules.ts" },
    { name: "once", testMatch: "**/*.once.ts", use: sizes[0]!.use! },
    ...sizes.map((s) => ({ ...s, testMatch: "**/*.journey.ts" })),
  ],
});

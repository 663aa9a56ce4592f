import { defineConfig } from "@playwright/test";
import journeys from "./playwright.config";

/** `npm run measure`: how fast the screens are. Not part of the tests, because that depends on the machine and on what else it does. */
export default defineConfig({
  ...journeys,
  timeout: 300_000,
  reporter: [["list"]],
  projects: [{ name: "measure", testMatch: "**/*.measure.ts", use: { viewport: { width: 1440, height: 900 } } }],
});
